#include "parsers/enrich.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "parsers/enrich_part.h"

static const struct enricher *const enrichers[] = {
#define ENRICHER(name, help) &enricher_##name,
#include "parsers/enrich.def"
#undef ENRICHER
};

#define ENRICHERS (sizeof(enrichers) / sizeof(enrichers[0]))

struct enrich {
	_Atomic unsigned count;		/* of those who hold it */
	void	*parts[ENRICHERS];	/* NULL: not configured */
};

struct enrich *
enrich_load(const struct enrich_conf *conf, struct diag *diag)
{
	struct enrich *enrich = xcalloc(1, sizeof(*enrich));

	atomic_init(&enrich->count, 1);
	for (size_t i = 0; i < ENRICHERS; i++)
		enrich->parts[i] = enrichers[i]->load(conf, diag);
	return enrich;
}

struct enrich *
enrich_get(struct enrich *enrich)
{
	atomic_fetch_add_explicit(&enrich->count, 1, memory_order_relaxed);
	return enrich;
}

void
enrich_put(struct enrich *enrich)
{
	if (enrich == NULL)
		return;
	if (atomic_fetch_sub_explicit(&enrich->count, 1,
	    memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < ENRICHERS; i++)
		if (enrich->parts[i] != NULL)
			enrichers[i]->free(enrich->parts[i]);
	free(enrich);
}

void
enrich_run(const struct enrich *enrich, struct event *event)
{
	if (enrich == NULL)
		return;
	for (size_t i = 0; i < ENRICHERS; i++)
		if (enrich->parts[i] != NULL)
			enrichers[i]->run(enrich->parts[i], event);
}

void
enrich_set(struct event *event, field_t field, struct slice text)
{
	if (text.len == 0 || event_get(event, field) != NULL)
		return;
	event_set(event, field, value_text(
	    arena_dup(event->batch->arena, text), TRANSFORM_OWNED));
}

void
enrich_set_value(struct event *event, field_t field, const struct value *value)
{
	if (event_get(event, field) != NULL)
		return;
	event_set(event, field, value_dup(event->batch->arena, value));
}
