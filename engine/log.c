#include "engine/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/metric.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "engine/utf8.h"

#define SPAN_NS (10 * TIME_S_NS)	/* a place may say SPAN_LINES in it */
#define SPAN_LINES 10
#define LOG_MOST LOG_LEVEL_INFO		/* what is above is not written */
#define LINE_BYTES 2048			/* longer lines are cut */

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int log_fd = STDERR_FILENO;

void
log_set_fd(int fd)
{
	atomic_store(&log_fd, fd);
}

/* True if the place may speak; *held is then what it kept back before. Two
 * threads that open a span at once may say one line more. */
static bool
may_say(struct log_site *site, uint32_t *held)
{
	int64_t now = clock_mono_ns();
	int64_t began = atomic_load(&site->window_ns);

	*held = 0;
	if (began == 0 || now - began > SPAN_NS) {
		atomic_store(&site->window_ns, now);
		atomic_store(&site->said, 1);
		*held = atomic_exchange(&site->held, 0);
		return true;
	}
	if (atomic_fetch_add(&site->said, 1) < SPAN_LINES)
		return true;
	atomic_fetch_add(&site->held, 1);
	metric_add(METRIC_LOG_HELD, 1);
	return false;
}

static void
put_head(struct strbuf *buf, enum log_level level)
{
	static const struct { const char *journal, *word; } heads[] = {
		[LOG_LEVEL_ERROR] = { "<3>", "error: " },
		[LOG_LEVEL_WARN] = { "<4>", "warning: " },
		[LOG_LEVEL_INFO] = { "<6>", "" },
		[LOG_LEVEL_DEBUG] = { "<7>", "debug: " },
	};
	char time[TIME_TEXT_BYTES];

	if (getenv("JOURNAL_STREAM") != NULL) {
		strbuf_puts(buf, heads[level].journal);
		return;
	}
	/* To the millisecond; more digits make lines ragged. */
	strbuf_put(buf, time_format_rfc3339(
	    clock_now_ns() / 1000000 * 1000000, time));
	strbuf_putc(buf, ' ');
	strbuf_puts(buf, heads[level].word);
}

/* One write, so that lines of several processes do not mix. What cannot be
 * written has nowhere to be reported. */
static void
write_line(struct slice line)
{
	pthread_mutex_lock(&log_mutex);
	while (line.len > 0) {
		ssize_t n = write(atomic_load(&log_fd), line.ptr, line.len);

		if (n <= 0)
			break;
		line = slice_skip(line, (size_t)n);
	}
	pthread_mutex_unlock(&log_mutex);
}

void
log_line(struct log_site *site, enum log_level level, const char *fmt, ...)
{
	struct strbuf buf = STRBUF_INIT;
	char text[LINE_BYTES];
	uint32_t held = 0;
	va_list args;
	int n;

	if (level > LOG_MOST)
		return;
	if (site != NULL && !may_say(site, &held))
		return;
	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n < 0)
		return;
	put_head(&buf, level);
	utf8_safe_terminal(&buf, slice_cstr(text));
	if ((size_t)n >= sizeof(text))
		strbuf_puts(&buf, "...");
	if (held > 0)
		strbuf_printf(&buf, " (%u more like this)", held);
	strbuf_putc(&buf, '\n');
	write_line(strbuf_slice(&buf));
	strbuf_fini(&buf);
}
