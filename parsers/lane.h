/* parsers/lane.h -- how the parts of a lane know each other.
 *
 * What a thread needs to read lines, and the line in hand. lane.c makes it and
 * tries definitions; lane_choose.c finds which; lane_stream.c is about lines
 * beneath a header; lane_line.c is the way of a line through all of these.
 *
 * Owner: one thread. Nobody includes this but the lane and its set.
 */
#ifndef YAGURA_PARSERS_LANE_H
#define YAGURA_PARSERS_LANE_H

#include <stdatomic.h>

#include "engine/strbuf.h"
#include "parsers/decode.h"
#include "parsers/markindex.h"
#include "parsers/parserset.h"

#define CHARSETS 4		/* that a lane keeps ready */
#define PROGRAMS 64		/* whose candidates a lane remembers */
#define PROGRAM_BYTES 40	/* longer names are looked up each time */

struct charset;
struct stream;

struct parserset {
	_Atomic unsigned count;
	struct arena *arena;
	struct def_owned owned;
	struct def **defs;
	size_t	 ndefs;
	struct map *names;
	struct markindex *index;
	/* For unknown lines. */
	const struct def *json, *kv, *kv_comma, *kv_semicolon, *cef, *leef;
	struct mark_entry *headed;	/* marks of headers, by rank */
	size_t	 nheaded;
	size_t	 nslots;	/* most of any definition */
};

/* A node of the tree that marks ask for. */
struct node_marks {
	const struct mark_list *list;
	bool	 known;
	uint32_t seen;		/* number of the line that had it last */
};

struct parser_lane {
	struct parserset *set;
	struct reading reading;
	struct node_marks *nodes;
	size_t	 nnodes;
	uint32_t line;		/* counts lines, for node_marks.seen */
	char	 zone_name[64];
	size_t	 zone_len;
	const struct zone *zone;
	struct strbuf *explain;	/* NULL: nobody asks */
	unsigned depth;		/* of records inside records */
	struct streams *streams;	/* counted */
	struct map *known;	/* place -> struct stream, as last asked */
	bool	 heading;	/* the line is one of a header */
	uint64_t runaways;	/* of conditions, counted so far */
	struct {
		char	 name[PROGRAM_BYTES];
		size_t	 len;
		struct candidates found;
	} programs[PROGRAMS];	/* by hash; the set says the same as long as
				 * the lane lives */
	struct {
		char	 name[40];
		size_t	 len;
		struct charset *charset;	/* NULL: no such one */
	} charsets[CHARSETS];
	unsigned next_charset;
	struct strbuf text;	/* of the line, in UTF-8 */
};

/* --- the line in hand ---------------------------------------------------- */
enum body_kind { BODY_TEXT, BODY_JSON, BODY_CEF, BODY_LEEF };

struct line {
	struct syslog_header header;
	enum body_kind kind;
	struct slice columns[7];	/* of a CEF or LEEF header */
	size_t	 ncolumns;
	size_t	 tape;		/* where the JSON of this body begins */
	bool	 json;		/* it was read */
};

/* --- lane.c -------------------------------------------------------------- */

/* A line for whoever asks why; nothing if nobody does. */
void lane_explain(struct parser_lane *lane, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What is known of header lines, and of names of keys, is asked anew. */
void lane_forget_streams(struct parser_lane *lane);
void lane_forget_keys(struct parser_lane *lane);

/* Whether the decoder is one for bodies of this kind; whether it can read this
 * body. After true: lane_finish_def, which turns slots into fields. */
bool lane_suits(const struct def *def, const struct line *line);
bool lane_try_def(struct parser_lane *lane, const struct def *def,
    const struct line *line);
void lane_begin_def(struct reading *r, const struct def *def);
void lane_finish_def(struct parser_lane *lane, const struct line *line);
void lane_keep_partial(struct parser_lane *lane, const struct def *def,
    const struct line *line);

/* The body as the message, the host of the header, where none is yet. */
void lane_put_message(struct reading *r, struct slice body);
void lane_put_host(struct reading *r, enum host_field host);

/* --- lane_choose.c ------------------------------------------------------- */
void lane_classify(struct parser_lane *lane, struct line *line);

/* Some definition took the line, or keeps it in part. */
bool lane_choose(struct parser_lane *lane, const struct line *line);

/* The value of a dotted key of the JSON in hand, or NULL. An object is there
 * if anything below it is. */
const struct value *lane_json_value(const struct reading *r,
    const struct line *line, struct slice key, bool *there);

/* --- lane_stream.c ------------------------------------------------------- */
/* True if the line belongs to a stream with a header, and was read. */
bool lane_run_stream(struct parser_lane *lane, const struct line *line,
    const struct def *forced);

#endif
