/* engine/prog.h -- a condition flattened: it only jumps forward, so it ends.
 */
#ifndef YAGURA_ENGINE_PROG_H
#define YAGURA_ENGINE_PROG_H

#include "engine/pred.h"

#define PROG_MATCH UINT16_MAX		/* jump targets that end it */
#define PROG_FAIL (UINT16_MAX - 1)

/* The comparison stands within, so that a program is one piece of memory, read
 * from its beginning; most end early. */
struct insn {
	uint16_t yes, no;	/* next insn, PROG_MATCH or PROG_FAIL */
	struct pred pred;
};

struct prog {
	uint16_t len;
	struct insn insn[];
};

bool prog_run(const struct prog *prog, const struct event *event,
    struct pred_scratch *scratch);

#endif
