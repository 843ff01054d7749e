/* tools/daemon_load.h -- what the configuration names, loaded as one thing.
 *
 * Definitions, context and rules in force, with the table that says how the
 * lines of each input and source are treated. Built beside the running one,
 * swapped whole.
 *
 * Memory: loaded_new gives one count.
 * Owner:  any thread may read.
 */
#ifndef YAGURA_TOOLS_DAEMON_LOAD_H
#define YAGURA_TOOLS_DAEMON_LOAD_H

#include "parsers/parserset.h"

struct batch;
struct conf;
struct diag;
struct enrich;
struct ruleset;

struct loaded {
	_Atomic unsigned count;
	const struct conf *conf;
	struct parserset *parsers;
	struct enrich *enrich;
	struct ruleset *rules;
	/* options[input * (nsources + 1) + source], both from 0: none */
	struct parser_options *options;
	size_t	 noptions;
};

/* Reads everything. Mistakes in rules and paths that are not there go into
 * diag; a definition with a mistake is left out and named in `refused`;
 * context that cannot be read goes into `missing` and leaves its fields empty.
 * Never NULL. The configuration is borrowed until the last put. */
struct loaded *loaded_new(const struct conf *conf, struct diag *diag,
    struct diag *refused, struct diag *missing);

/* For snapshot_new. */
void *loaded_get(void *loaded);
void loaded_put(void *loaded);

/* Before parsing: from the number of the input in event->source makes the row
 * of options, by the first row of `sources` that fits. Needs a FILLING
 * batch. */
void loaded_resolve(const struct loaded *loaded, struct batch *batch);

#endif
