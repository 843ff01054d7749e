/* Sixteen shards, a thread takes the next one when it first counts; so the
 * common threads do not share cache lines. A reading is the sum.
 */
#include "engine/metric.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "engine/check.h"
#include "engine/strbuf.h"

#define SHARDS 16

struct shard {
	alignas(64) _Atomic uint64_t counts[METRICS];
};

static struct shard shards[SHARDS];
static _Atomic unsigned next_shard;
static _Thread_local struct shard *own_shard;

/* A family, or, with `family` NULL, a member of the family above it. */
static const struct row {
	const char *family, *type, *help;
	const char *label, *value;
} rows[] = {
#define METRIC_FAMILY(name, type, help) { name, type, help, NULL, NULL },
#define METRIC(id, name, label, value) { NULL, NULL, NULL, label, value },
#include "engine/metric.def"
#undef METRIC
#undef METRIC_FAMILY
};

void
metric_add(enum metric metric, uint64_t n)
{
	if (own_shard == NULL)
		own_shard = &shards[atomic_fetch_add(&next_shard, 1) % SHARDS];
	atomic_fetch_add_explicit(&own_shard->counts[metric], n,
	    memory_order_relaxed);
}

/* Gauges live in the first shard alone. */
void
metric_set(enum metric metric, int64_t value)
{
	check(metric < METRICS);
	atomic_store_explicit(&shards[0].counts[metric], (uint64_t)value,
	    memory_order_relaxed);
}

uint64_t
metric_get(enum metric metric)
{
	uint64_t sum = 0;

	check(metric < METRICS);
	for (size_t i = 0; i < SHARDS; i++)
		sum += atomic_load_explicit(&shards[i].counts[metric],
		    memory_order_relaxed);
	return sum;
}

void
metric_write(struct strbuf *buf)
{
	const char *family = "";
	unsigned metric = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (row->family != NULL) {
			family = row->family;
			strbuf_printf(buf, "# HELP yagura_%s %s\n", family,
			    row->help);
			strbuf_printf(buf, "# TYPE yagura_%s %s\n", family,
			    row->type);
			continue;
		}
		strbuf_printf(buf, "yagura_%s", family);
		if (row->label[0] != '\0')
			strbuf_printf(buf, "{%s=\"%s\"}", row->label,
			    row->value);
		strbuf_putc(buf, ' ');
		strbuf_putlong(buf, (int64_t)metric_get(
		    (enum metric)metric++));
		strbuf_putc(buf, '\n');
	}
}

void
metric_reset(void)
{
	for (size_t i = 0; i < SHARDS; i++)
		for (size_t j = 0; j < METRICS; j++)
			atomic_store_explicit(&shards[i].counts[j], 0,
			    memory_order_relaxed);
}
