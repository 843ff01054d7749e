#include "correlation/sigma_rule.h"

#include "correlation/first_seen_read.h"
#include "correlation/mapping.h"
#include "engine/arena.h"
#include "engine/diag.h"
#include "engine/fold.h"
#include "engine/timeparse.h"
#include "engine/yaml.h"

/* A match of a detection that alerts is told once an hour for each place and
 * person, unless the rule says otherwise. */
#define SUPPRESS_DEFAULT_NS (3600 * TIME_S_NS)
#define SUPPRESS_FIELDS 8

static const char *const level_words[] = { "informational", "low", "medium",
	"high", "critical" };
static const double level_scores[] = { 10, 30, 50, 70, 90 };
static const char *const layer_words[] = { "filter", "rule", "model" };

static struct slice
text_of(const struct sigma_scope *scope, const struct yaml_node *node)
{
	return arena_dup(scope->arena, slice_trim(yaml_text(node, SLICE(""))));
}

int
sigma_word(const struct sigma_scope *scope, const struct yaml_node *node,
    const char *what, const char *const *words, size_t n)
{
	struct slice text = yaml_text(node, SLICE(""));
	char hint[64];

	for (size_t i = 0; i < n; i++)
		if (slice_eq(text, slice_cstr(words[i])))
			return (int)i;
	sigma_refuse(scope, node, "unknown %s \"%.*s\"%s", what,
	    (int)text.len, text.ptr, sigma_hint(hint, sizeof(hint), text,
	    words, n));
	return -1;
}

bool
sigma_read_span(struct slice text, int64_t *ns)
{
	static const char units[] = "smhdw";
	static const int64_t seconds[] = { 1, 60, 3600, 86400, 604800 };
	const char *unit;
	uint64_t n;

	if (text.len < 2)
		return false;
	unit = memchr(units, text.ptr[text.len - 1], sizeof(units) - 1);
	if (unit == NULL || !slice_ulong(slice_head(text, text.len - 1), &n) ||
	    n == 0 || n > (uint64_t)(INT64_MAX / TIME_S_NS /
	    seconds[unit - units] / 4))
		return false;
	*ns = (int64_t)n * seconds[unit - units] * TIME_S_NS;
	return true;
}

/* --- log source ---------------------------------------------------------- */

static bool
is_other_part(struct slice word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(word, slice_cstr(words[i])))
			return false;
	return word.len > 0 && diag_nearest(word, words, n) == NULL;
}

static bool
read_logsource(const struct sigma_scope *scope, const struct yaml_node *node,
    struct logsource *out)
{
	static const char *const words[] = { "product", "category", "service",
	    "definition" };
	struct slice *parts[] = { &out->product, &out->category,
	    &out->service };
	bool good = true;

	if (node->kind != YAML_MAP) {
		sigma_refuse(scope, node, "a log source has product, "
		    "category and service");
		return false;
	}
	for (size_t i = 0; i < node->n; i++) {
		int k;

		/* Sigma allows other parts, which say nothing to us; what
		 * looks like a slip of ours would make the rule wider. */
		if (is_other_part(yaml_text(node->keys[i], SLICE("")), words,
		    4))
			continue;
		k = sigma_word(scope, node->keys[i], "part of a log source",
		    words, 4);
		if (k == 3)
			continue;
		if (k >= 0 && node->items[i]->kind != YAML_SCALAR) {
			sigma_refuse(scope, node->items[i],
			    "a part of a log source is text");
			k = -1;
		}
		if (k >= 0 && !yaml_is_null(node->items[i]))
			*parts[k] = fold_dup(scope->arena, slice_trim(
			    node->items[i]->text));
		good = good && k >= 0;
	}
	if (good && out->product.len + out->category.len +
	    out->service.len == 0) {
		sigma_refuse(scope, node, "the log source names nothing; add "
		    "product, category or service");
		good = false;
	}
	return good;
}

/* --- the yagura block ---------------------------------------------------- */

/* text: {en: ..., ja: ...}, or text alone for English. */
static bool
read_languages(const struct sigma_scope *scope, const struct yaml_node *node,
    struct slice *en, struct slice *ja)
{
	static const char *const words[] = { "en", "ja" };
	bool good = true;

	if (node == NULL)
		return true;
	if (node->kind == YAML_SCALAR) {
		*en = text_of(scope, node);
		return true;
	}
	if (node->kind != YAML_MAP) {
		sigma_refuse(scope, node, "write {en: ..., ja: ...}");
		return false;
	}
	for (size_t i = 0; i < node->n; i++) {
		int k = sigma_word(scope, node->keys[i], "language", words, 2);

		if (k >= 0)
			*(k == 0 ? en : ja) = text_of(scope, node->items[i]);
		good = good && k >= 0;
	}
	return good;
}

static bool
read_suppress_by(const struct sigma_scope *scope,
    const struct yaml_node *node, struct rule *rule)
{
	size_t n = node == NULL ? 0 : node->kind == YAML_LIST ? node->n : 1;
	field_t *fields = arena_alloc(scope->arena, (n + 1) *
	    sizeof(*fields));

	if (n > SUPPRESS_FIELDS) {
		sigma_refuse(scope, node, "more than %d fields",
		    SUPPRESS_FIELDS);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		fields[i] = field_intern(yaml_text(node->kind == YAML_LIST
		    ? node->items[i] : node, SLICE("")));
	rule->nsuppress = n;
	rule->suppress = fields;
	return true;
}

/* suppress: 1h, or {for: 1h, by: [host.name]}, or none. */
static bool
read_suppress(const struct sigma_scope *scope, const struct yaml_node *node,
    struct rule *rule)
{
	static const char *const words[] = { "for", "by" };
	const struct yaml_node *span = node;
	bool good = true;

	if (node->kind == YAML_MAP) {
		for (size_t i = 0; i < node->n; i++)
			good = sigma_word(scope, node->keys[i], "key", words,
			    2) >= 0 && good;
		span = yaml_get(node, "for");
		if (yaml_get(node, "by") != NULL)
			good = read_suppress_by(scope, yaml_get(node, "by"),
			    rule) && good;
	}
	if (span != NULL && slice_eq(yaml_text(span, SLICE("")),
	    SLICE("none"))) {
		rule->suppress_ns = 0;
		return good;
	}
	if (span == NULL || !sigma_read_span(yaml_text(span, SLICE("")),
	    &rule->suppress_ns)) {
		sigma_refuse(scope, span != NULL ? span : node,
		    "suppress takes a timespan such as 30m or 1h, or none");
		return false;
	}
	return good;
}

static bool
read_score(const struct sigma_scope *scope, const struct yaml_node *node,
    struct rule *rule)
{
	if (slice_double(yaml_text(node, SLICE("")), &rule->score) &&
	    rule->score >= 0 && rule->score <= 100)
		return true;
	sigma_refuse(scope, node, "a score is a number from 0 to 100");
	return false;
}

enum { EXT_LAYER, EXT_SCORE, EXT_TEXT, EXT_TITLE, EXT_ADVICE, EXT_SUPPRESS,
	EXT_FIRST_SEEN, EXT_ABSENT, EXT_BIND, EXT_SPEED, EXT_RESPOND, EXTS };

static bool
read_extension(const struct sigma_scope *scope, const struct yaml_node *key,
    const struct yaml_node *node, struct rule *rule)
{
	static const char *const words[EXTS] = { "layer", "score", "text",
	    "title", "advice", "suppress", "first_seen", "absent", "bind",
	    "speed", "respond" };
	struct slice ignored;
	int k = sigma_word(scope, key, "extension of yagura", words, EXTS);
	int layer;

	switch (k) {
	case EXT_LAYER:
		layer = sigma_word(scope, node, "layer", layer_words, 3);
		if (layer >= 0)
			rule->layer = (enum rule_layer)layer;
		return layer >= 0;
	case EXT_SCORE:
		return read_score(scope, node, rule);
	case EXT_TEXT:
		return read_languages(scope, node, &rule->text_en,
		    &rule->text_ja);
	case EXT_TITLE:
		return read_languages(scope, node, &ignored, &rule->title_ja);
	case EXT_ADVICE:
		return read_languages(scope, node, &rule->advice_en,
		    &rule->advice_ja);
	case EXT_SUPPRESS:
		return read_suppress(scope, node, rule);
	case EXT_RESPOND:
		return respond_read(scope, node, rule);
	case EXT_FIRST_SEEN:
		return first_seen_read(scope, key, node, rule);
	case EXT_ABSENT:
	case EXT_BIND:
	case EXT_SPEED:
		/* Read when the correlation is linked: extension.h. */
		return rule->kind == RULE_CORRELATION ||
		    sigma_refuse(scope, key, "%s belongs to a correlation",
		    words[k]);
	default:
		return false;
	}
}

static bool
read_extensions(const struct sigma_scope *scope, const struct yaml_node *node,
    struct rule *rule)
{
	bool good = true;

	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP) {
		sigma_refuse(scope, node, "yagura: holds a map");
		return false;
	}
	for (size_t i = 0; i < node->n; i++)
		good = read_extension(scope, node->keys[i], node->items[i],
		    rule) && good;
	return good;
}

/* --- what is common ------------------------------------------------------ */

static void
read_tags(const struct sigma_scope *scope, const struct yaml_node *node,
    struct rule *rule)
{
	struct slice *tags;
	size_t n = node == NULL ? 0 : node->kind == YAML_LIST ? node->n : 1;

	tags = arena_alloc(scope->arena, (n + 1) * sizeof(*tags));
	for (size_t i = 0; i < n; i++)
		tags[i] = text_of(scope, node->kind == YAML_LIST
		    ? node->items[i] : node);
	rule->ntags = n;
	rule->tags = tags;
}

/* A list of sentences as one text. */
static struct slice
read_joined(const struct sigma_scope *scope, const struct yaml_node *node)
{
	size_t room = 0, len = 0;
	char *text;

	if (node == NULL || node->kind != YAML_LIST)
		return text_of(scope, node);
	for (size_t i = 0; i < node->n; i++)
		room += yaml_text(node->items[i], SLICE("")).len + 2;
	text = arena_text(scope->arena, room + 1);
	for (size_t i = 0; i < node->n; i++) {
		struct slice one = yaml_text(node->items[i], SLICE(""));

		if (len > 0) {
			memcpy(text + len, "; ", 2);
			len += 2;
		}
		if (one.len > 0)
			memcpy(text + len, one.ptr, one.len);
		len += one.len;
	}
	return slice_of(text, len);
}

static bool
is_one_of(struct slice word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(word, slice_cstr(words[i])))
			return true;
	return false;
}

/* A finding for keys that look like a slip; others are allowed by Sigma. */
static void
check_keys(const struct sigma_scope *scope, const struct yaml_node *root)
{
	static const char *const words[] = { "title", "id", "name",
	    "taxonomy", "related", "status", "description", "license",
	    "author", "references", "date", "modified", "logsource",
	    "detection", "fields", "falsepositives", "level", "tags",
	    "scope", "correlation", "filter", "generate", "yagura" };
	const size_t n = sizeof(words) / sizeof(words[0]);

	for (size_t i = 0; i < root->n; i++) {
		struct slice key = yaml_text(root->keys[i], SLICE(""));
		const char *near;

		if (is_one_of(key, words, n))
			continue;
		near = diag_nearest(key, words, n);
		if (near != NULL)
			diag_warning(scope->diag, scope->file,
			    root->keys[i]->line, root->keys[i]->column,
			    "unknown key \"%.*s\" (%s?)", (int)key.len,
			    key.ptr, near);
	}
}

static bool
read_level(const struct sigma_scope *scope, const struct yaml_node *node,
    struct rule *rule)
{
	int level = LEVEL_LOW;

	if (node != NULL)
		level = sigma_word(scope, node, "level", level_words, 5);
	if (level < 0)
		return false;
	rule->level = (enum rule_level)level;
	rule->score = level_scores[level];
	return true;
}

static void
suppress_by_default(const struct sigma_scope *scope, struct rule *rule)
{
	field_t *fields = arena_alloc(scope->arena, 3 * sizeof(*fields));

	fields[0] = FIELD_HOST_NAME;
	fields[1] = FIELD_USER_NAME;
	fields[2] = FIELD_SOURCE_IP;
	rule->nsuppress = 3;
	rule->suppress = fields;
	rule->suppress_ns = SUPPRESS_DEFAULT_NS;
}

/* What names a rule is one text. */
static bool
check_names(const struct sigma_scope *scope, const struct yaml_node *root)
{
	static const char *const words[] = { "title", "id", "name" };
	bool good = true;

	for (size_t i = 0; i < 3; i++) {
		const struct yaml_node *node = yaml_get(root, words[i]);

		if (node != NULL && node->kind != YAML_SCALAR)
			good = sigma_refuse(scope, node, "%s is one text",
			    words[i]);
	}
	return good;
}

static bool
read_head(const struct sigma_scope *scope, struct draft *draft)
{
	const struct yaml_node *root = draft->root;
	const struct yaml_node *title = yaml_get(root, "title");
	struct rule *rule = draft->rule;
	bool good = true;

	if (title == NULL || yaml_text(title, SLICE("")).len == 0) {
		sigma_refuse(scope, root, "the rule has no title");
		good = false;
	}
	draft->id = yaml_get(root, "id");
	rule->title = text_of(scope, title);
	rule->name = text_of(scope, yaml_get(root, "name"));
	rule->id = text_of(scope, draft->id);
	if (rule->id.len == 0)
		rule->id = rule->name.len > 0 ? rule->name : rule->title;
	rule->description = text_of(scope, yaml_get(root, "description"));
	rule->author = read_joined(scope, yaml_get(root, "author"));
	rule->falsepositives = read_joined(scope,
	    yaml_get(root, "falsepositives"));
	rule->file = scope->file;
	rule->line = root->line;
	read_tags(scope, yaml_get(root, "tags"), rule);
	check_keys(scope, root);
	good = check_names(scope, root) && good;
	good = read_level(scope, yaml_get(root, "level"), rule) && good;
	if (draft->kind == DRAFT_CORRELATION)
		rule->layer = LAYER_RULE;
	else if (rule->level >= LEVEL_HIGH)
		rule->layer = LAYER_RULE;
	if (draft->kind == DRAFT_DETECTION)
		suppress_by_default(scope, rule);
	return read_extensions(scope, yaml_get(root, "yagura"), rule) && good;
}

struct draft *
sigma_read_draft(struct sigma_scope *scope, const struct yaml_node *root)
{
	static const char *const bodies[] = { "detection", "correlation",
	    "filter" };
	const struct yaml_node *logsource = yaml_get(root, "logsource");
	struct draft *draft = arena_zalloc(scope->arena, sizeof(*draft));
	bool good;

	draft->root = root;
	if (root->kind != YAML_MAP)
		return sigma_refuse(scope, root, "a rule is a map with title, "
		    "logsource and detection");
	if (yaml_get(root, "action") != NULL)
		return sigma_refuse(scope, yaml_get(root, "action"),
		    "rule collections with \"action\" are of old rules; "
		    "write each rule in full");
	for (int i = 0; i < 3 && draft->body == NULL; i++) {
		draft->kind = (enum draft_kind)i;
		draft->body = yaml_get(root, bodies[i]);
	}
	if (draft->body == NULL)
		return sigma_refuse(scope, root, "the rule has no detection, "
		    "correlation or filter");
	draft->rule = arena_zalloc(scope->arena, sizeof(*draft->rule));
	draft->rule->kind = draft->kind == DRAFT_CORRELATION
	    ? RULE_CORRELATION : RULE_DETECTION;
	good = read_head(scope, draft);
	if (logsource != NULL) {
		good = read_logsource(scope, logsource,
		    &draft->rule->logsource) && good;
	} else if (draft->kind == DRAFT_DETECTION) {
		sigma_refuse(scope, root, "the rule has no logsource");
		good = false;
	}
	draft->broken = !good;
	return draft;
}
