/* parsers/streams.h -- what header lines say about the lines beneath them.
 *
 * Zeek's files and W3C's name their columns in lines of their own. A stream is
 * a file, or what one peer sends under one program name; its header is the
 * latest line of each kind, kept here as text by value, so that every lane of
 * the process may ask and a reload of definitions forgets nothing.
 *
 * Lanes that read lines of one stream at the same time agree on the header
 * as soon as the lane that reads it has added it; lines that another lane read
 * before that moment are read without it. A line beneath the header in its own
 * batch always finds it.
 *
 * Bounded: STREAMS streams, the one whose header is oldest gives way;
 * STREAM_HEADER_BYTES each.
 *
 * Owner:  counted; any thread. Takes a lock to add a header line that changes
 *         something and to read a header that has changed, else none.
 */
#ifndef YAGURA_PARSERS_STREAMS_H
#define YAGURA_PARSERS_STREAMS_H

#include "engine/slice.h"

#define STREAMS 1024
#define STREAM_HEADER_BYTES 16384	/* all its lines; more are not added */
#define STREAM_COLUMNS 512
#define STREAM_PLACE_BYTES 256	/* names of places are cut there */

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

/* Puts a header line into the place's header, instead of the one of its kind
 * before. */
void streams_add(struct streams *streams, struct slice place,
    struct slice line);

/* Appends the header of the place, lines ended by line feeds. Answers the
 * version of its last change, 0 if there is none. */
uint64_t streams_find(struct streams *streams, struct slice place,
    struct strbuf *header);

/* --- a header, read ------------------------------------------------------- */
struct def;

struct stream {
	uint64_t version;	/* of the header it was read from */
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
