/* tools/hunt.h -- rules and lists over what is stored.
 *
 * Rules: their conditions become conditions over columns, one question for
 * all of them, so that dictionaries, blooms and zone maps leave out the chunks
 * and rows that cannot match. What is left is asked again by the rules
 * themselves and given to the correlator in the order in which it was
 * committed: what comes out is what the live engine would have raised.
 *
 * Lists: every field of addresses, names, hashes and paths is asked for the
 * values of the list.
 *
 * Owner: one thread.
 */
#ifndef YAGURA_TOOLS_HUNT_H
#define YAGURA_TOOLS_HUNT_H

#include "tools/ask.h"

struct ruleset;

/* Matching events are kept until all that were committed before them are
 * found, for windows need them in order: about a chunk, more where days
 * overlap. Past this the answer is partial and says so. */
#define HUNT_BYTES ((size_t)512 << 20)

/* `only` names the rules that may be told of, by number; NULL: all. Answers an
 * exit code. */
int hunt_rules(struct ask *ask, struct ruleset *set, const bool *only);

/* The file is CSV; values are in the column of this name, NULL: in the first,
 * whose name may be missing. */
int hunt_list(struct ask *ask, const char *file, const char *column);

#endif
