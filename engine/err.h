/* engine/err.h -- one failure of the world, with what it was about.
 *
 * A caller passes a struct err of its own, cleared or not; a function that
 * fails fills it and every level above may put its context in front:
 * "store /data: partition 2026-11-21: disk I/O error". Lower floors never
 * log what they return.
 */
#ifndef YAGURA_ENGINE_ERR_H
#define YAGURA_ENGINE_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_USAGE,	/* exit 2 */
	ERR_CONFIG,	/* exit 3 */
	ERR_IO,		/* exit 4: store or peer not reachable */
	ERR_FULL,	/* exit 4: no room; may pass */
	ERR_DAMAGED,	/* exit 5: bytes do not check */
	ERR_LIMIT,	/* exit 5: a limit ended the work */
};

struct err {
	enum err_kind kind;
	char	 text[512];	/* always ends with NUL */
};

void err_clear(struct err *err);

/* Fills *err; err may be NULL. Always returns -1, so that a caller may
 * `return err_set(err, ...)`. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set with ": " and the text of errno behind. */
int err_errno(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text. */
void err_context(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The exit code for this kind, see yagura(1). */
int err_exit_code(const struct err *err);

#endif
