/* tools/rule_explain.h -- why a rule holds for an event, or why not.
 *
 * Every part of the condition that was decisive: whether it held, what it
 * wanted, what the event has there or that it has nothing there. Of an OR that
 * held only the parts that held are told.
 */
#ifndef YAGURA_TOOLS_RULE_EXPLAIN_H
#define YAGURA_TOOLS_RULE_EXPLAIN_H

#include <stdbool.h>

struct event;
struct match_scratch;
struct rule;
struct ruleset;
struct strbuf;

#define EXPLAIN_PARTS 12	/* alternatives told of one OR */

/* Appends text, or with `json` one object without line feed. Answers whether
 * the detection holds for the sealed event. */
bool rule_explain(const struct ruleset *set, const struct rule *rule,
    const struct event *event, struct match_scratch *scratch, bool json,
    struct strbuf *out);

#endif
