/* engine/metric.h -- what the program counts.
 *
 * A row of metric.def is a family for Prometheus, "yagura_<name>", with at
 * most one label; METRIC rows are its members. Counters only rise;
 * gauges are set.
 *
 * Owner: any thread; adding is one relaxed atomic in a shard of the thread.
 */
#ifndef YAGURA_ENGINE_METRIC_H
#define YAGURA_ENGINE_METRIC_H

#include <stdint.h>

struct strbuf;

enum metric {
#define METRIC_FAMILY(name, type, help)
#define METRIC(id, name, label, value) METRIC_##id,
#include "engine/metric.def"
#undef METRIC
#undef METRIC_FAMILY
	METRICS
};

/* Counters. */
void metric_add(enum metric metric, uint64_t n);

/* Gauges: the value itself. */
void metric_set(enum metric metric, int64_t value);

uint64_t metric_get(enum metric metric);

/* All families in the text format of Prometheus, version 0.0.4. */
void metric_write(struct strbuf *buf);

/* Every counter and gauge to 0; for tests. */
void metric_reset(void);

#endif
