/* correlation/first_seen.h -- who met whom before.
 *
 * Answers whether a subject (the first of a rule's first_seen fields) was ever
 * seen together with the others. "Ever" is what the memory holds: a pair not
 * seen for memory_ns is forgotten, and so is, when the table is full, the
 * longest unseen of a few neighbours. A subject first seen less than learn_ns
 * ago is still being learned: nothing about it is new.
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_CORRELATION_FIRST_SEEN_H
#define YAGURA_CORRELATION_FIRST_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIRST_SEEN_CELLS (1u << 20)	/* of a rule: 24 MB */

struct first_seen;

struct first_seen *first_seen_new(int64_t memory_ns, int64_t learn_ns);
void first_seen_free(struct first_seen *seen);

/* Remembers both hashes; true if the pair is new. */
bool first_seen_test(struct first_seen *seen, uint64_t subject, uint64_t pair,
    int64_t time_ns);

struct reader;
struct strbuf;
void first_seen_save(const struct first_seen *seen, struct strbuf *out);
void first_seen_load(struct first_seen *seen, struct reader *r);

size_t first_seen_bytes(const struct first_seen *seen);
uint64_t first_seen_forgotten(const struct first_seen *seen);	/* for room */

#endif
