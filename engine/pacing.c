#include "engine/pacing.h"

#include "engine/check.h"

void
pacing_init(struct pacing *pacing, uint64_t most)
{
	check(most >= PACING_LEAST);
	pacing->most = most;
	pacing->window = most < 2 * PACING_LEAST ? most : 2 * PACING_LEAST;
	pacing->next_cut = 0;
}

void
pacing_done(struct pacing *pacing, uint64_t number, int64_t took_ns,
    bool full, uint64_t submitted)
{
	if (took_ns <= PACING_NS) {
		if (full && pacing->window < pacing->most)
			pacing->window++;
		return;
	}
	/* What is in flight now was let in by the window as it was. */
	if (number < pacing->next_cut)
		return;
	pacing->next_cut = submitted;
	pacing->window -= pacing->window / 4;
	if (pacing->window < PACING_LEAST)
		pacing->window = PACING_LEAST;
}
