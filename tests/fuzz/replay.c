/* tests/fuzz/replay.c -- runs a fuzz target over files, without a fuzzer.
 *
 * Every corpus is replayed by `make check`: what was once found stays found.
 * Folders are read one level deep; prints how many inputs were run.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(1 << 20);
	size_t n;

	if (file == NULL || bytes == NULL) {
		perror(path);
		exit(1);
	}
	n = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	/* An exact copy, so that a sanitizer sees a read past the end. */
	uint8_t *exact = malloc(n > 0 ? n : 1);

	for (size_t i = 0; i < n; i++)
		exact[i] = bytes[i];
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	free(bytes);
	return 1;
}

int
main(int argc, char **argv)
{
	int run = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *entry;
		char path[4096];

		if (dir == NULL) {
			run += replay(argv[i]);
			continue;
		}
		while ((entry = readdir(dir)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", argv[i],
			    entry->d_name);
			run += replay(path);
		}
		closedir(dir);
	}
	printf("%d inputs\n", run);
	return run > 0 ? 0 : 1;
}
