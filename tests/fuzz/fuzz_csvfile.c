/* Tables of the organisation: cells stay within the file's bytes, the line
 * never goes back, and it ends. */
#include <stdlib.h>

#include "engine/check.h"
#include "engine/diag.h"
#include "parsers/csvfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag *diag = diag_new();
	struct csvfile *file = csvfile_parse(
	    slice_of((const char *)data, size), "fuzz", diag);
	struct slice cells[CSVFILE_CELLS];
	size_t n, sum = 0;
	int line = 0;

	while ((n = csvfile_next(file, cells)) > 0) {
		check(n <= CSVFILE_CELLS);
		check(csvfile_line(file) >= line);
		line = csvfile_line(file);
		for (size_t i = 0; i < n; i++) {
			for (size_t k = 0; k < cells[i].len; k++)
				sum += (unsigned char)cells[i].ptr[k];
			check(cells[i].len <= size);
		}
	}
	check(sum <= 255 * size);
	csvfile_close(file);
	diag_free(diag);
	return 0;
}
