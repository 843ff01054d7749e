/* correlation/absent.h -- what was to follow, and has not yet.
 *
 * An absence is open from the event that another one should follow until that
 * one comes, or until the stream's time has passed the end of the timespan.
 *
 * The stream's time is the middle one of the last ABSENT_CLOCK events with
 * hits: one clock in the future does not decide. Where a stream is quiet, the
 * time of day may be given as well: what arrived a timespan and
 * ABSENT_GRACE_NS ago is decided then. The time of day is when events arrived,
 * which is stored with them, so a replay decides the same.
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_CORRELATION_ABSENT_H
#define YAGURA_CORRELATION_ABSENT_H

#include "engine/event.h"

struct absences;
struct arena;
struct reader;
struct strbuf;

#define ABSENT_CLOCK 31
#define ABSENT_MOST 16384	/* open at once */
#define ABSENT_BYTES ((size_t)64 << 20)	/* of their events, at most */
#define ABSENT_GRACE_NS (60 * INT64_C(1000000000))

struct absence {
	struct absence *next;	/* of its bucket */
	uint64_t hash;
	uint32_t number;	/* of the rule */
	uint32_t place;		/* of what it met, in refer[] */
	struct slice key;	/* of the group */
	int64_t	 due_ns, wall_due_ns;
	struct event event;	/* a copy; its batch is not to be used */
	struct arena *arena;
	uint32_t at[2];		/* in the heaps */
};

struct absences *absences_new(void);		/* owned */
void absences_free(struct absences *absences);

/* False if there are too many: it is not watched for. */
bool absences_open(struct absences *absences, const struct absence *absence);

/* What happened at this time in the group: is what was open then answered. */
void absences_answer(struct absences *absences, uint32_t number,
    struct slice key, int64_t time_ns);

/* The time of an event with hits, in the order of the stream. */
void absences_clock(struct absences *absences, int64_t time_ns);

/* The time of day, never back; not called: not known. */
void absences_wall(struct absences *absences, int64_t wall_ns);

/* When the next one would be decided by it; INT64_MAX: none is open. */
int64_t absences_wall_due(const struct absences *absences);

/* The stream ends with its newest event. */
void absences_end(struct absences *absences);

/* Takes out the next that is decided, by time; NULL if none is. Freed with
 * absence_free. */
struct absence *absences_next(struct absences *absences);
void absence_free(struct absence *absence);

/* After a reload: rules have other numbers; UINT32_MAX: it is gone. */
void absences_renumber(struct absences *absences, const uint32_t *numbers,
    size_t n);

/* For a checkpoint. Events are packed as rows of the tail are; the batch says
 * whose. Rules have other numbers when it is read, as for
 * absences_renumber(). */
void absences_save(struct absences *absences, struct batch *batch,
    struct strbuf *out);
void absences_load(struct absences *absences, struct reader *r,
    const uint32_t *numbers, size_t n);

size_t absences_count(const struct absences *absences);
size_t absences_bytes(const struct absences *absences);

#endif
