/* engine/framing.h -- where one record of a byte stream ends, RFC 6587.
 *
 * Decided for every record anew:
 *
 *	count SP record		1 to 10 digits, no leading zero, at most
 *				FRAMING_COUNT_MOST; one trailer at the end of
 *				what was counted is not part of the record
 *	record LF | CRLF | NUL	everything else
 *
 * A NUL ends a record only if LF, '<' or '{' follows, or nothing does: else it
 * is a byte of the line. Empty records are passed over.
 *
 * Longer than the limit: the first `limit` bytes are a record with
 * `truncated`, the rest is passed over up to the end of the frame. Nothing is
 * ever allocated by a claimed length.
 *
 * The answers depend on the bytes alone, not on how they were cut into reads.
 */
#ifndef YAGURA_ENGINE_FRAMING_H
#define YAGURA_ENGINE_FRAMING_H

#include "engine/slice.h"

/* A larger number in front of a line is no count: it would make us pass over
 * that many bytes in silence because a line began with, say, a Unix time. */
#define FRAMING_COUNT_MOST (16u << 20)

/* Never are more than limit + FRAMING_SLACK bytes left over. */
#define FRAMING_SLACK 16

/* Begin with zeros. */
struct framing {
	uint64_t skip;		/* bytes of an over-long counted record */
	bool	 skip_line;	/* the same, up to the next trailer */
};

enum framing_end {
	FRAMING_OPEN,		/* more may come */
	FRAMING_IDLE,		/* nothing came for a while: a last NUL ends */
	FRAMING_CLOSED,		/* nothing comes: what is left is a record */
};

struct frame {
	struct slice record;	/* borrowed from the bytes given; not empty */
	bool	 truncated;
	bool	 counted;
};

/* Takes the next record off the front of *bytes. False: there is no whole one;
 * what then is left in *bytes must come again in front of what follows. */
bool framing_next(struct framing *framing, struct slice *bytes, size_t limit,
    enum framing_end end, struct frame *frame);

#endif
