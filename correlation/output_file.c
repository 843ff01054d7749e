/* correlation/output_file.c -- alerts appended to a file.
 *
 * Opened for each alert, so that the file may be moved away at any time; one
 * write, so that lines of several writers do not mix.
 */
#include "correlation/output_kind.h"

#include "engine/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static enum output_answer
file_send(struct output *output, const struct output_alert *alert)
{
	struct strbuf line = STRBUF_INIT;
	ssize_t n = -1;
	int fd;

	fd = open(output->conf->target,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
	    0640);
	if (fd >= 0) {
		strbuf_put(&line, slice_of(alert->json, alert->len));
		strbuf_putc(&line, '\n');
		n = write(fd, line.ptr, line.len);
		strbuf_fini(&line);
	}
	if (n < 0)
		snprintf(output->text, sizeof(output->text), "%s",
		    strerror(errno));
	if (fd >= 0)
		close(fd);
	return n < 0 ? OUTPUT_RETRY : OUTPUT_DONE;
}

extern const struct output_kind output_file;
const struct output_kind output_file = { .name = "file", .send = file_send };
