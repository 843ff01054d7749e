/* parsers/join_spec.h -- what a definition says about records of many lines.
 *
 * The part `join` of yagura-parser(5), compiled. Either lines with the same
 * values are parts of one record (`by`), or a line begins a record and lines
 * beneath it go on with it (`continues`, `starts`).
 *
 * Memory: everything lives in the arena of the set. Immutable once loaded.
 */
#ifndef YAGURA_PARSERS_JOIN_SPEC_H
#define YAGURA_PARSERS_JOIN_SPEC_H

#include "parsers/def.h"

#define JOIN_BY 8		/* fields that say what belongs together */
#define JOIN_COLLECT 64
#define JOIN_MAKES 32
#define JOIN_TEXTS 64		/* texts and patterns of continues or starts */
#define JOIN_WAIT_S 600		/* the longest wait */
#define JOIN_WAIT_LEAST_NS INT64_C(1000000000)

struct yaml_node;

enum join_make_kind {
	JOIN_NUMBERED,	/* a0, a1, a2[0], a2[1]: a list, hex undone */
	JOIN_HEX,	/* bytes in hex as text; NUL becomes a blank */
	JOIN_WORDS,	/* the members of a list with blanks between */
	JOIN_SOCKADDR	/* struct sockaddr in hex: .ip, .port, .address */
};

struct join_make {
	enum join_make_kind kind;
	field_t	 to, from;
	field_t	 ip, port, address;	/* JOIN_SOCKADDR, below `to` */
	struct slice before;	/* JOIN_NUMBERED: the name before the number */
	struct slice of;	/* only from this part; empty: any */
};

struct join_spec {
	field_t	*by;
	size_t	 nby;			/* 0: by continuation */
	field_t	 part;			/* FIELD_NONE: parts have no names */
	struct slice *ends;		/* of values of part */
	size_t	 nends;
	bool	 starts;		/* texts begin a record, else go on */
	struct slice *texts;
	size_t	 ntexts;
	struct regex **regexes;
	size_t	 nregexes;
	field_t	 text;			/* gets the text of all lines */
	int64_t	 wait_ns;
	field_t	*collect;
	size_t	 ncollect;
	struct join_make *makes;
	size_t	 nmakes;
	const struct block *then;	/* NULL: nothing */
};

/* Reads the map; findings go into diag, and what has any is not to be used.
 * `then` is left to the caller. Never NULL. */
struct join_spec *join_spec_read(const struct yaml_node *node,
    const char *file, struct arena *arena, struct def_owned *owned,
    struct diag *diag);

#endif
