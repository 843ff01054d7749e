/* correlation/ruleset.h -- all rules in force, compiled, immutable.
 *
 * Sigma detection rules, correlation rules and filters of yagura-rule(5),
 * read from files and folders, fields resolved through mapping files, indexed
 * by log source and by the rarest literal each rule requires.
 *
 * Memory: ruleset_load gives one count.
 * Owner:  any thread may read.
 */
#ifndef YAGURA_CORRELATION_RULESET_H
#define YAGURA_CORRELATION_RULESET_H

#include "engine/slice.h"

struct cond;
struct diag;
struct event;
struct pred_scratch;
struct prog;
struct rule;
struct ruleset;

enum rule_layer { LAYER_FILTER, LAYER_RULE, LAYER_MODEL };
enum rule_level { LEVEL_INFORMATIONAL, LEVEL_LOW, LEVEL_MEDIUM, LEVEL_HIGH,
	LEVEL_CRITICAL };

/* Never NULL. A rule with a mistake is left out and is a finding; what refers
 * to it is left out too. */
struct ruleset *ruleset_load(const char *const *paths, size_t n,
    struct diag *diag);

/* The same from bytes: one file with this name for findings. */
struct ruleset *ruleset_parse(struct slice text, const char *name,
    struct diag *diag);
struct ruleset *ruleset_get(struct ruleset *set);
void ruleset_put(struct ruleset *set);

/* Rules are numbered 0 .. count-1, detections first, then correlations in the
 * order in which they may be evaluated (referred ones first). */
size_t ruleset_count(const struct ruleset *set);
size_t ruleset_detections(const struct ruleset *set);
const struct rule *ruleset_rule(const struct ruleset *set, size_t i);
const struct rule *ruleset_find(const struct ruleset *set, struct slice id);

/* Which detections hold for a sealed event: appends rule numbers, rising, and
 * returns how many. `hits` has room for `room`; more are counted, dropped. */
struct match_scratch;
struct match_scratch *match_scratch_new(const struct ruleset *set);
void match_scratch_free(struct match_scratch *scratch);
/* Values given up because a regular expression ran into its limits. */
uint64_t match_scratch_runaways(const struct match_scratch *scratch);

size_t ruleset_match(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, uint32_t *hits, size_t room);

/* What it remembers of values; see prefilter.h. */
struct prefilter_memo_figures;
void match_scratch_memo(const struct match_scratch *scratch,
    struct prefilter_memo_figures *figures);

/* How often a detection matched, or a correlation fired, since the set was
 * loaded, and what running it took, reckoned from one time in RULE_SAMPLE. Any
 * thread may ask, and add, at any time. */
#define RULE_SAMPLE 256
struct rule_tally {
	uint64_t hits, cost_ns;
};
void ruleset_tally_add(const struct ruleset *set, size_t i,
    struct rule_tally more);
struct rule_tally ruleset_tally(const struct ruleset *set, size_t i);

/* The detections whose log source the event belongs to, whether they hold or
 * not: for those who ask why. */
size_t ruleset_routed(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, uint32_t *rules, size_t room);

/* Whether a detection's log source is one that the event belongs to. */
bool ruleset_meets(const struct ruleset *set, uint32_t rule,
    const struct event *event, struct match_scratch *scratch);

/* For rules by themselves; see pred.h. */
struct pred_scratch *match_scratch_pred(struct match_scratch *scratch);

/* The same as ruleset_match without the index, every routed rule run: for
 * tests. */
size_t ruleset_match_slow(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, uint32_t *hits, size_t room);

#endif
