#include "tools/rule_complete.h"

#include "correlation/rule.h"
#include "engine/diag.h"
#include "engine/strbuf.h"
#include "tools/rule_test.h"

static bool
has_attack(const struct rule *rule)
{
	for (size_t i = 0; i < rule->ntags; i++)
		if (slice_starts(rule->tags[i], SLICE("attack.")))
			return true;
	return false;
}

static void
want(struct strbuf *lacks, bool there, const char *what)
{
	if (there)
		return;
	strbuf_puts(lacks, lacks->len > 0 ? ", " : "");
	strbuf_puts(lacks, what);
}

/* What happens to the service itself is no technique of anybody. */
static bool
is_own(const struct rule *rule)
{
	return slice_eq(rule->logsource.product, SLICE("yagura"));
}

static void
check_rule(const struct rule *rule, const struct rule_test_figures *figures,
    struct diag *diag)
{
	struct strbuf lacks = STRBUF_INIT;

	want(&lacks, rule->description.len > 0, "a description");
	want(&lacks, rule->title_ja.len > 0, "a Japanese title");
	want(&lacks, rule->text_en.len > 0, "a sentence in English");
	want(&lacks, rule->text_ja.len > 0, "a sentence in Japanese");
	want(&lacks, rule->advice_en.len > 0, "advice in English");
	want(&lacks, rule->advice_ja.len > 0, "advice in Japanese");
	want(&lacks, rule->falsepositives.len > 0, "falsepositives");
	want(&lacks, has_attack(rule) || is_own(rule), "a tag of ATT&CK");
	want(&lacks, rule->nresponses > 0, "a response");
	want(&lacks, figures->fires[rule->number], "a test that fires it");
	want(&lacks, figures->spares[rule->number], "a near miss");
	if (lacks.len > 0)
		diag_error(diag, rule->file, rule->line, 0, "\"%.*s\" lacks "
		    "%s", (int)rule->title.len, rule->title.ptr, lacks.ptr);
	strbuf_fini(&lacks);
}

void
rule_complete(const struct ruleset *set,
    const struct rule_test_figures *figures, struct diag *diag)
{
	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *rule = ruleset_rule(set, i);

		if (rule->layer != LAYER_FILTER && !rule->silent)
			check_rule(rule, figures, diag);
	}
}
