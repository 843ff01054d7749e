/* engine/log.h -- what the program tells its operator, on stderr.
 *
 *	log_warn("outputs: %s: %s", name, err.text);
 *
 * Each place in the program may say 10 lines in 10 seconds; what is held back
 * is told in the next line of that place: "(37 more like this)". Under systemd
 * (JOURNAL_STREAM) lines carry their priority, else their time. Controls and
 * invalid bytes are always escaped, so text from outside may be an argument.
 * For findings of rules and configuration there is diag.h.
 *
 * Owner: any thread; a line is written at once.
 */
#ifndef YAGURA_ENGINE_LOG_H
#define YAGURA_ENGINE_LOG_H

#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };

/* One per place, made by the macros; zeroed at start. */
struct log_site {
	_Atomic int64_t window_ns;	/* when its span began */
	_Atomic uint32_t said, held;
};

#define log_error(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)

#define LOG_AT(level, ...) do { \
	static struct log_site log_site_; \
	log_line(&log_site_, (level), __VA_ARGS__); \
} while (0)

/* Used by the macros. site may be NULL: then nothing is held back. */
void log_line(struct log_site *site, enum log_level level, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* Where lines go; 2 at start. Tests and the helper process set it. */
void log_set_fd(int fd);

#endif
