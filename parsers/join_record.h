/* parsers/join_record.h -- one record of many lines, while it grows.
 *
 * Holds what its lines gave: values, their bytes, the ids of their events; in
 * the end it fills an event with that. Which lines those are is decided by the
 * joiner, who links open records with the members at the top.
 *
 * Bounded: RECORD_FIELDS, RECORD_COLLECTED members of one list, what is past
 * them being tagged; lines and bytes are the joiner's to watch.
 *
 * Owner: the joiner. Memory: of its own; nothing points into a batch.
 */
#ifndef YAGURA_PARSERS_JOIN_RECORD_H
#define YAGURA_PARSERS_JOIN_RECORD_H

#include "engine/strbuf.h"
#include "parsers/join_make.h"

struct event;
struct place;

#define RECORD_FIELDS 512
#define RECORD_COLLECTED 256

enum join_end { JOIN_WHOLE, JOIN_WAITED, JOIN_CUT };

/* A field as the parts gave it. */
struct held {
	field_t	 field;
	struct value value;	/* a scalar or a list as it came */
	struct value *items;	/* collected: n of room for cap */
	uint32_t n, cap;
};

struct record {
	struct record *older, *newer;	/* all that are open, by last line;
					 * newer: those that ended, and pool */
	struct record *before, *after;	/* those of the place */
	struct place *place;
	struct arena *arena;
	struct slice key;		/* in the arena */
	const struct def *def;
	enum join_end end;
	bool	 by_lines;
	struct held *held;
	size_t	 nheld, held_cap;
	struct join_pieces pieces;
	struct strbuf raw, text, ids;
	struct slice peer;
	size_t	 lines;
	int64_t	 time_ns, last_ns;	/* of the first line, the latest */
	int64_t	 arrived_ns, seen_ns;	/* the last line; our clock then */
	uint16_t logsource, source;
	bool	 has_time;
	uint32_t tags;
};

struct record *record_new(void);
void record_free(struct record *record);

/* As new; keeps its memory for the next. */
void record_clear(struct record *record);

size_t record_bytes(const struct record *record);

/* Takes what the line gives; `body` is what it says, `part` which part it
 * is. */
void record_take(struct record *record, const struct event *event,
    struct slice body, struct slice part);

/* Fills an event, which is not sealed; `then` is left to the caller. */
void record_event(const struct record *record, struct event *out);

#endif
