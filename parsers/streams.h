/* parsers/streams.h -- what header lines say about the lines beneath them.
 *
 * Zeek's files and W3C's name their columns in lines of their own. A stream is
 * a file, or what one peer sends under one program name; its header is the
 * latest line of each kind, kept here as text by value, so that every lane of
 * the process may ask and a reload of definitions forgets nothing.
 *
 * In order: in the daemon and in import every batch is shown to streams_see()
 * when it is submitted, before any lane has it, and headers are kept with the
 * sequence of the line from which on they hold. So a lane that works on an
 * older batch still finds the header of that time, and one that is ahead of
 * the lane that reads the header line finds it, too. Where nobody shows
 * batches (parse, tests) a header holds as soon as a lane has read it.
 *
 * Bounded: STREAMS streams, the one whose header is oldest gives way;
 * STREAM_HEADER_BYTES each, STREAM_VERSIONS of them.
 *
 * Owner:  counted; any thread. Takes a lock to add a header line and to read a
 *         header that has changed, else none.
 */
#ifndef YAGURA_PARSERS_STREAMS_H
#define YAGURA_PARSERS_STREAMS_H

#include "engine/slice.h"

#define STREAMS 1024
#define STREAM_HEADER_BYTES 16384	/* all its lines; more are not added */
#define STREAM_VERSIONS 4	/* lines in flight go back no further */
#define STREAM_COLUMNS 512
#define STREAM_PLACE_BYTES 256	/* names of places are cut there */

struct batch;
struct event;
struct strbuf;
struct streams;

struct streams *streams_new(void);	/* counted once */
struct streams *streams_get(struct streams *streams);
void streams_put(struct streams *streams);	/* NULL does nothing */

/* Rises with every change of a header; 0: there never was one. No lock. */
uint64_t streams_version(const struct streams *streams);

/* Whether the line is one of a header, of which format, and whether it only
 * dates the file. */
enum header_kind { HEADER_NONE, HEADER_TSV, HEADER_W3C };
enum header_kind header_line(struct slice line, bool *dated);

/* Where a line stands: its peer and the program it names, or "". */
struct slice stream_place(const struct event *event, struct slice program,
    char buf[STREAM_PLACE_BYTES]);

/* From now on headers are resolved by sequence; before any lane runs. */
void streams_order(struct streams *streams);

/* Header lines of a batch that is about to be submitted; one thread, in the
 * order of the batches. */
void streams_see(struct streams *streams, const struct batch *batch);

/* Puts a header line into the place's header, instead of the one of its kind
 * before; it holds from the line of this sequence on. */
void streams_add(struct streams *streams, struct slice place, uint64_t seq,
    struct slice line);

/* What streams_find knows: `version` of the last change, 0 if there is no
 * header; holds for lines with a sequence of from to upto. */
struct stream_span {
	uint64_t version, from, upto;
};

/* Appends the header that the place has for a line of this sequence, lines
 * ended by line feeds. */
struct stream_span streams_find(struct streams *streams, struct slice place,
    uint64_t seq, struct strbuf *header);

/* --- a header, read ------------------------------------------------------- */
struct def;

struct stream {
	struct stream_span span;	/* of the header it was read from */
	uint64_t checked;	/* version of all when that was last compared */
	enum header_kind kind;
	const struct def *def;	/* who reads it; NULL: nobody */
	struct slice *names;
	bool	*sets;		/* columns that hold several values */
	size_t	 n;
	struct slice between, unset, empty, between_members;
	struct slice path;
	char	*text;		/* all of the above point into it */
};

/* Reads a header into an empty stream, which copies it. */
void stream_read(struct stream *stream, struct slice header);
void stream_fini(struct stream *stream);

/* The next column of *rest, which moves behind what stands between; *more: so
 * there is another one, if only an empty one. */
struct slice column_next(struct slice *rest, struct slice between,
    bool *more);

#endif
