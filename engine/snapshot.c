#include "engine/snapshot.h"

#include "engine/check.h"

#include <pthread.h>
#include <stdlib.h>

struct snapshot {
	pthread_mutex_t mutex;	/* guards item */
	void	*item;
	void	*(*get)(void *);
	void	 (*put)(void *);
};

struct snapshot *
snapshot_new(void *item, void *(*get)(void *), void (*put)(void *))
{
	struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));

	check(pthread_mutex_init(&snapshot->mutex, NULL) == 0);
	snapshot->item = item;
	snapshot->get = get;
	snapshot->put = put;
	return snapshot;
}

void
snapshot_free(struct snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	snapshot->put(snapshot->item);
	pthread_mutex_destroy(&snapshot->mutex);
	free(snapshot);
}

void *
snapshot_get(struct snapshot *snapshot)
{
	void *item;

	check(pthread_mutex_lock(&snapshot->mutex) == 0);
	item = snapshot->get(snapshot->item);
	check(pthread_mutex_unlock(&snapshot->mutex) == 0);
	return item;
}

void
snapshot_swap(struct snapshot *snapshot, void *item)
{
	void *old;

	check(pthread_mutex_lock(&snapshot->mutex) == 0);
	old = snapshot->item;
	snapshot->item = item;
	check(pthread_mutex_unlock(&snapshot->mutex) == 0);
	snapshot->put(old);	/* may free much: not under the lock */
}
