/* correlation/state.h -- pieces of a checkpoint, written and read.
 *
 * Each part of the correlator writes what it holds as varints and bytes, and
 * reads it into a fresh one. A reader that runs out says so at its end
 * (storage/pack.h); what a part cannot take makes the reader bad too.
 */
#ifndef YAGURA_CORRELATION_STATE_H
#define YAGURA_CORRELATION_STATE_H

#include "engine/strbuf.h"
#include "storage/pack.h"

static inline void
state_put(struct strbuf *out, uint64_t n)
{
	char *at = strbuf_room(out, VARINT_BYTES);

	out->len = (size_t)(put_varint(at, n) - out->ptr);
}

/* Wraps: differences of times at both ends of what there is come back. */
static inline void
state_put_time(struct strbuf *out, int64_t time_ns, int64_t base_ns)
{
	state_put(out, zigzag((int64_t)((uint64_t)time_ns -
	    (uint64_t)base_ns)));
}

static inline int64_t
state_time(struct reader *r, int64_t base_ns)
{
	return (int64_t)((uint64_t)base_ns +
	    (uint64_t)unzigzag(read_varint(r)));
}

/* Eight bytes as they are: hashes, bits, doubles. */
static inline void
state_put_bits(struct strbuf *out, uint64_t bits)
{
	put_u64(strbuf_room(out, 8), bits);
	out->len += 8;
}

static inline void
state_put_bytes(struct strbuf *out, struct slice bytes)
{
	state_put(out, bytes.len);
	strbuf_put(out, bytes);
}

static inline struct slice
state_bytes(struct reader *r)
{
	return read_bytes(r, read_varint(r));
}

#endif
