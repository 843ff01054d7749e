#include "engine/ring.h"

#include "engine/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct slot {
	void	*item;
	bool	 filled;
};

struct ring {
	pthread_mutex_t mutex;		/* guards all below */
	pthread_cond_t item, room;
	size_t	 takers, putters;	/* waiting; spares idle signals */
	uint64_t head, tail;		/* number next taken, next put */
	size_t	 count, capacity;
	bool	 closed;
	struct slot slots[];
};

struct ring *
ring_new(size_t capacity)
{
	struct ring *ring = xcalloc(1, sizeof(*ring) +
	    capacity * sizeof(struct slot));
	pthread_condattr_t attr;

	check(capacity > 0);
	ring->capacity = capacity;
	check(pthread_condattr_init(&attr) == 0);
	check(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	check(pthread_mutex_init(&ring->mutex, NULL) == 0);
	check(pthread_cond_init(&ring->item, &attr) == 0);
	check(pthread_cond_init(&ring->room, &attr) == 0);
	pthread_condattr_destroy(&attr);
	return ring;
}

void
ring_free(struct ring *ring)
{
	if (ring == NULL)
		return;
	pthread_cond_destroy(&ring->item);
	pthread_cond_destroy(&ring->room);
	pthread_mutex_destroy(&ring->mutex);
	free(ring);
}

static void
lock(struct ring *ring)
{
	check(pthread_mutex_lock(&ring->mutex) == 0);
}

static void
unlock(struct ring *ring)
{
	check(pthread_mutex_unlock(&ring->mutex) == 0);
}

static struct slot *
slot_at(struct ring *ring, uint64_t number)
{
	return &ring->slots[number % ring->capacity];
}

static bool
has_room(const struct ring *ring, uint64_t number)
{
	return number < ring->head + ring->capacity;
}

/* With the lock held. Several takers may wait, any of them will do; a ring with
 * numbers has one taker, which looks again. */
static void
fill(struct ring *ring, uint64_t number, void *item)
{
	struct slot *slot = slot_at(ring, number);

	check(!slot->filled);
	*slot = (struct slot){ item, true };
	ring->count++;
	if (ring->takers > 0)
		pthread_cond_signal(&ring->item);
}

bool
ring_try_put(struct ring *ring, void *item)
{
	bool put;

	lock(ring);
	put = !ring->closed && has_room(ring, ring->tail);
	if (put)
		fill(ring, ring->tail++, item);
	unlock(ring);
	return put;
}

/* With the lock held. False: the ring is closed. */
static bool
wait_room(struct ring *ring, const uint64_t *number)
{
	while (!ring->closed && !has_room(ring, *number)) {
		ring->putters++;
		pthread_cond_wait(&ring->room, &ring->mutex);
		ring->putters--;
	}
	return !ring->closed;
}

bool
ring_put(struct ring *ring, void *item)
{
	bool open;

	lock(ring);
	open = wait_room(ring, &ring->tail);
	if (open)
		fill(ring, ring->tail++, item);
	unlock(ring);
	return open;
}

bool
ring_put_at(struct ring *ring, uint64_t number, void *item)
{
	bool open;

	lock(ring);
	check(number >= ring->head);
	open = wait_room(ring, &number);
	if (open)
		fill(ring, number, item);
	unlock(ring);
	return open;
}

static struct timespec
deadline(int timeout_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += timeout_ms / 1000;
	at.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	return at;
}

/* With the lock held: RING_ITEM once the next one is there. */
static enum ring_answer
wait_item(struct ring *ring, int timeout_ms)
{
	struct timespec until = { 0 };
	int status = 0;

	if (timeout_ms > 0)
		until = deadline(timeout_ms);
	while (!slot_at(ring, ring->head)->filled) {
		if (ring->closed)
			return RING_CLOSED;
		if (timeout_ms == 0 || status == ETIMEDOUT)
			return RING_TIMEOUT;
		ring->takers++;
		status = timeout_ms < 0 ?
		    pthread_cond_wait(&ring->item, &ring->mutex) :
		    pthread_cond_timedwait(&ring->item, &ring->mutex, &until);
		ring->takers--;
	}
	return RING_ITEM;
}

enum ring_answer
ring_take(struct ring *ring, void **item, int timeout_ms)
{
	enum ring_answer answer;

	lock(ring);
	answer = wait_item(ring, timeout_ms);
	if (answer == RING_ITEM) {
		struct slot *slot = slot_at(ring, ring->head);

		*item = slot->item;
		slot->filled = false;
		ring->head++;
		ring->count--;
		if (ring->putters > 0)
			pthread_cond_broadcast(&ring->room);
	}
	unlock(ring);
	return answer;
}

size_t
ring_count(struct ring *ring)
{
	size_t count;

	lock(ring);
	count = ring->count;
	unlock(ring);
	return count;
}

void
ring_close(struct ring *ring)
{
	lock(ring);
	ring->closed = true;
	pthread_cond_broadcast(&ring->item);
	pthread_cond_broadcast(&ring->room);
	unlock(ring);
}

bool
ring_closed(struct ring *ring)
{
	bool closed;

	lock(ring);
	closed = ring->closed;
	unlock(ring);
	return closed;
}

void
ring_wait_closed(struct ring *ring, int timeout_ms)
{
	struct timespec until = deadline(timeout_ms);
	int status = 0;

	lock(ring);
	/* Items coming in wake us as well; they change nothing here. */
	while (!ring->closed && status != ETIMEDOUT) {
		ring->takers++;
		status = pthread_cond_timedwait(&ring->item, &ring->mutex,
		    &until);
		ring->takers--;
	}
	unlock(ring);
}
