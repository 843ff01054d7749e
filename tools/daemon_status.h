/* tools/daemon_status.h -- the daemon's state in words and figures. */
#ifndef YAGURA_TOOLS_DAEMON_STATUS_H
#define YAGURA_TOOLS_DAEMON_STATUS_H

#include <stddef.h>
#include <stdint.h>

struct conf;
struct diag;
struct health;
struct loaded;
struct loop;
struct pipeline;
struct stages;
struct strbuf;

struct status_view {
	const struct conf *conf;
	struct loop *loop;
	struct pipeline *pipeline;
	struct stages *stages;
	struct health *health;	/* NULL before the start */
	const struct diag *missing;	/* context that could not be read */
	const struct diag *refused;	/* definitions that were left out */
	const char *reload;	/* what the last reload said */
	int64_t	 started_ns;
	uint64_t replayed;
};

/* One JSON object, as yagurad(8) describes it. */
void status_write(const struct status_view *view, struct strbuf *out);

/* Prometheus text: the families of metric.def and those per input. */
void status_metrics(const struct status_view *view, struct strbuf *out);

#endif
