/* correlation/output_kind.h -- one output, seen from the helper process.
 *
 * Everything here runs in the helper, in its one thread; nothing may block for
 * longer than a local file takes.
 */
#ifndef YAGURA_CORRELATION_OUTPUT_KIND_H
#define YAGURA_CORRELATION_OUTPUT_KIND_H

#include "engine/conf.h"
#include "engine/slice.h"

/* An alert as it travels: this, then the JSON. */
struct output_alert {
	uint64_t id;		/* of the daemon, for the acknowledgement */
	int64_t	 time_ns;
	uint32_t level;		/* enum conf_level */
	uint32_t len;
	char	 json[];	/* len bytes, no line feed */
};

enum output_answer {
	OUTPUT_DONE,
	OUTPUT_BUSY,		/* call output_go_on when fd is ready */
	OUTPUT_RETRY,		/* not now; text says why */
	OUTPUT_REFUSED,		/* never; text says why */
};

struct output {
	const struct conf_output *conf;
	int	 fd;		/* poll this while BUSY; -1: none */
	short	 events;	/* for that */
	int64_t	 until_ns;	/* while BUSY: then it is too late; mono */
	void	*state;		/* of the kind */
	char	 text[256];	/* why, if it did not work */
};

struct output_kind {
	const char *name;
	/* Tries to deliver one alert. */
	enum output_answer (*send)(struct output *output,
	    const struct output_alert *alert);
	/* fd is ready, or `late`: then it must not answer BUSY. */
	enum output_answer (*go_on)(struct output *output,
	    const struct output_alert *alert, bool late);
};

/* The helper: reads alerts from fd, delivers, acknowledges; returns when the
 * other side closed and what is under way is done. */
void output_helper_run(const struct conf *conf, int fd);

/* What goes back. */
struct output_ack {
	uint64_t id;		/* 0: the helper has begun anew */
	uint32_t sent, failed;	/* outputs */
};

#endif
