#include "engine/prog.h"

bool
prog_run(const struct prog *prog, const struct event *event,
    struct pred_scratch *scratch)
{
	uint16_t at = 0;

	while (at < prog->len) {
		const struct insn *insn = &prog->insn[at];

		at = pred_holds(&insn->pred, event, scratch)
		    ? insn->yes : insn->no;
	}
	return at == PROG_MATCH;
}
