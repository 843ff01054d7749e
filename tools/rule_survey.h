/* tools/rule_survey.h -- which definitions feed which rule.
 *
 * Found out, not declared: the example lines of every definition are read, and
 * the rules whose log source they belong to are noted, with the fields that
 * they have.
 *
 * Memory: owned.
 */
#ifndef YAGURA_TOOLS_RULE_SURVEY_H
#define YAGURA_TOOLS_RULE_SURVEY_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/field.h"
#include "engine/slice.h"

struct parserset;
struct ruleset;
struct survey;

struct survey *survey_new(const struct ruleset *set,
    struct parserset *parsers);
void survey_free(struct survey *survey);	/* NULL does nothing */

/* Only definitions with this name count from now on; the first call hides all
 * others. For what a store has. */
void survey_keep(struct survey *survey, struct slice def);

/* Rules that no source can feed. */
size_t survey_unfed(const struct survey *survey);

/* ATT&CK techniques of the rules, which sources feed them, which sources
 * correlations bring together, and which rules have none: tables, or a layer
 * of the ATT&CK Navigator (version 4.5, JSON). */
void survey_coverage(const struct survey *survey, bool json, FILE *out);

/* Fields that rules compare and that none of the definitions that feed them
 * gives; NDJSON or a table. Answers how many. */
size_t survey_fields(const struct survey *survey, bool json, FILE *out);

#endif
