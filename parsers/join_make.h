/* parsers/join_make.h -- values made of the parts of a joined record.
 *
 * Arguments that stand in numbered fields of several lines, bytes written in
 * hex, socket addresses: what a line says of them is kept as a piece when the
 * line comes, and put together when the record ends. auditd writes a text in
 * hex, upper case and without quotes, if it holds anything but plain
 * characters; so only such a text is undone.
 *
 * Bounded: JOIN_PIECES of a record, JOIN_MADE_BYTES of one value.
 *
 * Memory: pieces live in the arena of the record.
 */
#ifndef YAGURA_PARSERS_JOIN_MAKE_H
#define YAGURA_PARSERS_JOIN_MAKE_H

#include "parsers/join_spec.h"

struct event;

#define JOIN_PIECES 2048
#define JOIN_MADE_BYTES 65536

struct join_piece {
	const struct join_make *make;
	uint32_t number, sub;		/* a2[1]: 2 and 1 */
	uint32_t order;			/* as it came */
	struct slice text;
};

struct join_pieces {
	struct join_piece *at;
	size_t	 n, cap;
	bool	 capped;		/* there were more */
};

/* Keeps what this line has to give. `part` is the line's, or empty. */
void join_pieces_take(struct join_pieces *pieces, struct arena *arena,
    const struct join_spec *spec, const struct event *event,
    struct slice part);

/* Sets the fields that are made, in the order of the definition: of those that
 * make the same field the first that has something wins, also over what the
 * parts gave. The event is not sealed. */
void join_pieces_run(struct join_pieces *pieces, const struct join_spec *spec,
    struct event *out);

#endif
