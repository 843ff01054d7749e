/* "field|modifier|modifier: values" becomes a condition.
 *
 * Modifiers are of three kinds: what is compared (contains, re, gt, hour),
 * what happens to the value before (base64, wide, windash), and how several
 * values join (all, neq). The second kind is applied in the order written.
 */
#include "correlation/sigma.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "correlation/mapping.h"
#include "correlation/sigma_lists.h"
#include "correlation/sigma_text.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/ip.h"
#include "engine/regex.h"
#include "engine/yaml.h"

enum mod {
#define MOD(id, name, help) MOD_##id,
#include "correlation/mod.def"
#undef MOD
	MODS
};

static const char *const mod_names[MODS] = {
#define MOD(id, name, help) [MOD_##id] = name,
#include "correlation/mod.def"
#undef MOD
};

#define MOD_LIMIT 16		/* modifiers on one field */

struct item {
	const struct sigma_scope *scope;
	const struct yaml_node *key;	/* for findings */
	struct pred model;	/* fields, cased, part */
	bool	 has[MODS];
	enum mod encoder[MOD_LIMIT];	/* in the order written */
	size_t	 nencoders;
};

void *
sigma_refuse(const struct sigma_scope *scope, const struct yaml_node *node,
    const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diag_error(scope->diag, scope->file, node != NULL ? node->line : 0,
	    node != NULL ? node->column : 0, "%s", text);
	return NULL;
}

const char *
sigma_hint(char *buf, size_t size, struct slice word,
    const char *const *candidates, size_t n)
{
	const char *near = diag_nearest(word, candidates, n);

	buf[0] = '\0';
	if (near != NULL)
		snprintf(buf, size, " (%s?)", near);
	return buf;
}

/* --- modifiers ----------------------------------------------------------- */

static bool
is_encoder(enum mod mod)
{
	return mod == MOD_BASE64 || mod == MOD_BASE64OFFSET ||
	    mod == MOD_UTF16LE || mod == MOD_UTF16BE || mod == MOD_UTF16 ||
	    mod == MOD_WIDE || mod == MOD_WINDASH;
}

static bool
is_flag(enum mod mod)
{
	return mod == MOD_I || mod == MOD_M || mod == MOD_S;
}

static int
compare_op(const struct item *item)
{
	if (item->has[MOD_LT])
		return PRED_LT;
	if (item->has[MOD_LTE])
		return PRED_LE;
	if (item->has[MOD_GT])
		return PRED_GT;
	if (item->has[MOD_GTE])
		return PRED_GE;
	return -1;
}

static int
part_of_mod(enum mod mod)
{
	switch (mod) {
	case MOD_MINUTE: return PART_MINUTE;
	case MOD_HOUR: return PART_HOUR;
	case MOD_DAY: return PART_DAY;
	case MOD_WEEK: return PART_WEEK;
	case MOD_MONTH: return PART_MONTH;
	case MOD_YEAR: return PART_YEAR;
	default: return PART_NONE;
	}
}

/* Other words for the flags of regular expressions, which pySigma takes. */
static const struct {
	const char *word;
	enum mod mod;
} other_words[] = { { "ignorecase", MOD_I }, { "multiline", MOD_M },
	{ "dotall", MOD_S } };

static enum mod
find_mod(struct slice word)
{
	enum mod mod = 0;

	for (size_t i = 0; i < sizeof(other_words) / sizeof(other_words[0]);
	    i++)
		if (slice_eq(word, slice_cstr(other_words[i].word)))
			return other_words[i].mod;
	while (mod < MODS && !slice_eq(word, slice_cstr(mod_names[mod])))
		mod++;
	return mod;
}

static bool
add_mod(struct item *item, struct slice word)
{
	enum mod mod = find_mod(word);
	char hint[64];

	if (mod == MODS) {
		sigma_refuse(item->scope, item->key,
		    "unknown modifier \"%.*s\"%s", (int)word.len, word.ptr,
		    sigma_hint(hint, sizeof(hint), word, mod_names, MODS));
		return false;
	}
	if (is_flag(mod) && !item->has[MOD_RE]) {
		sigma_refuse(item->scope, item->key, "modifier \"%s\" is for "
		    "regular expressions: write |re|%s", mod_names[mod],
		    mod_names[mod]);
		return false;
	}
	if (is_encoder(mod)) {
		if (item->nencoders == MOD_LIMIT) {
			sigma_refuse(item->scope, item->key,
			    "more than %d modifiers", MOD_LIMIT);
			return false;
		}
		item->encoder[item->nencoders++] = mod;
	}
	if (part_of_mod(mod) != PART_NONE)
		item->model.part = (uint8_t)part_of_mod(mod);
	item->has[mod] = true;
	return true;
}

/* Each of these decides alone what is compared; two of them contradict. Only
 * another field may be one to start or end with, or to contain. */
static bool
check_together(const struct item *item)
{
	static const enum mod kinds[] = { MOD_FIELDREF, MOD_CONTAINS,
	    MOD_STARTSWITH, MOD_ENDSWITH, MOD_RE, MOD_CIDR, MOD_LT, MOD_LTE,
	    MOD_GT, MOD_GTE, MOD_EXISTS };
	enum mod first = MODS;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!item->has[kinds[i]])
			continue;
		if (first == MOD_FIELDREF && kinds[i] <= MOD_ENDSWITH &&
		    item->nencoders == 0)
			first = MODS;
		if (first != MODS) {
			sigma_refuse(item->scope, item->key,
			    "modifiers \"%s\" and \"%s\" cannot both decide "
			    "the comparison", mod_names[first],
			    mod_names[kinds[i]]);
			return false;
		}
		first = kinds[i];
	}
	if (item->nencoders > 0 && first != MODS && first != MOD_CONTAINS &&
	    first != MOD_STARTSWITH && first != MOD_ENDSWITH) {
		sigma_refuse(item->scope, item->key,
		    "modifier \"%s\" is for text, not with \"%s\"",
		    mod_names[item->encoder[0]], mod_names[first]);
		return false;
	}
	if (item->model.part != PART_NONE && (item->nencoders > 0 ||
	    (first != MODS && compare_op(item) < 0))) {
		sigma_refuse(item->scope, item->key, "a part of a time is "
		    "compared as a number: lt, lte, gt, gte or nothing");
		return false;
	}
	return true;
}

static bool
read_key(struct item *item)
{
	struct slice key = item->key == NULL ? SLICE("")
	    : yaml_text(item->key, SLICE(""));
	ptrdiff_t bar = slice_find_byte(key, '|');
	struct slice name = bar < 0 ? key : slice_head(key, (size_t)bar);
	bool good = true;

	if (name.len > 0)
		item->model.nfields = (uint8_t)mapping_resolve(
		    item->scope->mapping, item->scope->logsource, name,
		    item->model.fields);
	while (bar >= 0) {
		struct slice word;

		key = slice_skip(key, (size_t)bar + 1);
		bar = slice_find_byte(key, '|');
		word = bar < 0 ? key : slice_head(key, (size_t)bar);
		good = add_mod(item, word) && good;
	}
	item->model.cased = item->has[MOD_CASED];
	return good && check_together(item);
}

/* --- values -------------------------------------------------------------- */

/* Whether another comparison is within the limits; said once for each rule
 * that it is not. */
static bool
has_room(const struct item *item)
{
	struct sigma_regexes *all = item->scope->regexes;

	if (all->rule_preds < COND_PREDS && all->preds < SIGMA_PREDS)
		return true;
	if (all->rule_preds <= COND_PREDS && all->preds < SIGMA_PREDS)
		sigma_refuse(item->scope, item->key,
		    "more than %d comparisons", COND_PREDS);
	else if (all->rule_preds <= COND_PREDS)
		sigma_refuse(item->scope, item->key, "more than %d "
		    "comparisons in all rules", SIGMA_PREDS);
	all->rule_preds = COND_PREDS + 1;
	return false;
}

static struct cond *
leaf(const struct item *item, struct pred pred)
{
	if (!has_room(item))
		return NULL;
	item->scope->regexes->rule_preds++;
	item->scope->regexes->preds++;
	return cond_pred(item->scope->arena, pred);
}

static struct cond *
read_regex(const struct item *item, const struct yaml_node *node)
{
	struct sigma_regexes *all = item->scope->regexes;
	unsigned flags = (item->has[MOD_I] ? REGEX_NOCASE : 0) |
	    (item->has[MOD_M] ? REGEX_LINES : 0) |
	    (item->has[MOD_S] ? REGEX_DOTALL : 0);
	struct pred pred = item->model;
	struct regex *regex;
	struct err err;

	if (all->n == SIGMA_REGEXES)
		return sigma_refuse(item->scope, node, "more than %d regular "
		    "expressions in all rules", SIGMA_REGEXES);
	err_clear(&err);
	regex = regex_new(node->text, flags, &err);
	if (regex == NULL)
		return sigma_refuse(item->scope, node,
		    "regular expression: %s", err.text);
	if (all->n == all->cap) {
		all->cap = all->cap * 2 + 64;
		all->at = xrealloc(all->at, all->cap * sizeof(*all->at));
	}
	all->at[all->n++] = regex;
	pred.op = PRED_RE;
	pred.regex = regex;
	pred.text = arena_dup(item->scope->arena, node->text);
	return leaf(item, pred);
}

static struct cond *
read_cidr(const struct item *item, const struct yaml_node *node)
{
	struct cidr *cidr = arena_alloc(item->scope->arena, sizeof(*cidr));
	struct pred pred = item->model;

	if (!cidr_parse(slice_trim(node->text), cidr))
		return sigma_refuse(item->scope, node, "\"%.*s\" is no "
		    "network; write 10.0.0.0/8 or 2001:db8::/32",
		    (int)node->text.len, node->text.ptr);
	pred.op = PRED_CIDR;
	pred.cidr = cidr;
	return leaf(item, pred);
}

static struct cond *
read_compare(const struct item *item, const struct yaml_node *node, int op)
{
	struct pred pred = item->model;

	if (!slice_double(node->text, &pred.number))
		return sigma_refuse(item->scope, node, "\"%.*s\" is no "
		    "number", (int)node->text.len, node->text.ptr);
	pred.op = (uint8_t)op;
	pred.has_number = true;
	pred.text = arena_dup(item->scope->arena, node->text);
	return leaf(item, pred);
}

static struct cond *
read_exists(const struct item *item, const struct yaml_node *node)
{
	struct pred pred = item->model;
	struct cond *cond;
	bool yes;

	if (!yaml_bool(node, &yes))
		return sigma_refuse(item->scope, node,
		    "exists takes true or false");
	pred.op = PRED_EXISTS;
	cond = leaf(item, pred);
	return yes || cond == NULL ? cond : cond_not(item->scope->arena, cond);
}

static struct cond *
read_fieldref(const struct item *item, const struct yaml_node *node)
{
	struct pred pred = item->model;

	if (item->has[MOD_CONTAINS])
		pred.how = PRED_CONTAINS;
	else if (item->has[MOD_STARTSWITH])
		pred.how = PRED_STARTS;
	else if (item->has[MOD_ENDSWITH])
		pred.how = PRED_ENDS;
	pred.op = PRED_FIELDREF;
	pred.nothers = (uint8_t)mapping_resolve(item->scope->mapping,
	    item->scope->logsource, node->text, pred.others);
	return leaf(item, pred);
}

/* The text with the stars that contains and the like stand for. Keywords are
 * looked for anywhere. */
static struct cond *
text_leaf(const struct item *item, struct sigma_text text)
{
	bool keyword = item->model.nfields == 0 &&
	    !item->has[MOD_STARTSWITH] && !item->has[MOD_ENDSWITH];
	bool head = item->has[MOD_CONTAINS] || item->has[MOD_ENDSWITH] ||
	    keyword;
	bool tail = item->has[MOD_CONTAINS] || item->has[MOD_STARTSWITH] ||
	    keyword;
	glob_unit *unit = arena_alloc(item->scope->arena,
	    (text.n + 2) * sizeof(*unit));
	struct pred pred = item->model;
	size_t n = 0;

	if (head)
		unit[n++] = GLOB_STAR;
	for (size_t i = 0; i < text.n; i++)
		unit[n++] = text.unit[i];
	if (tail)
		unit[n++] = GLOB_STAR;
	pred_set_pattern(&pred, item->scope->arena, unit, n);
	return leaf(item, pred);
}

static bool
encode(const struct item *item, enum mod mod, struct sigma_texts *texts,
    const struct yaml_node *node)
{
	struct arena *arena = item->scope->arena;
	const char *why = NULL;

	switch (mod) {
	case MOD_WINDASH: why = sigma_windash(arena, texts); break;
	case MOD_BASE64: why = sigma_base64(arena, texts); break;
	case MOD_BASE64OFFSET: why = sigma_base64offset(arena, texts); break;
	case MOD_UTF16BE: why = sigma_utf16(arena, texts, true, false); break;
	case MOD_UTF16: why = sigma_utf16(arena, texts, false, true); break;
	default: why = sigma_utf16(arena, texts, false, false); break;
	}
	if (why != NULL)
		sigma_refuse(item->scope, node, "%s: %s", mod_names[mod], why);
	return why == NULL;
}

static struct cond *
read_text(const struct item *item, const struct yaml_node *node)
{
	struct sigma_texts texts;
	struct cond **any;

	sigma_texts_init(item->scope->arena, &texts, node->text);
	for (size_t i = 0; i < item->nencoders; i++)
		if (!encode(item, item->encoder[i], &texts, node))
			return NULL;
	any = arena_alloc(item->scope->arena, texts.n * sizeof(*any));
	for (size_t i = 0; i < texts.n; i++) {
		any[i] = text_leaf(item, texts.at[i]);
		if (any[i] == NULL)
			return NULL;
	}
	return cond_list(item->scope->arena, COND_OR, any, texts.n);
}

static bool
is_number(const struct yaml_node *node)
{
	double number;

	return !node->quoted && slice_double(node->text, &number);
}

static struct cond *
read_null(const struct item *item, const struct yaml_node *node)
{
	struct pred pred = item->model;

	if (item->model.nfields == 0)
		return sigma_refuse(item->scope, node,
		    "a keyword cannot be null");
	pred.op = PRED_NULL;
	return leaf(item, pred);
}

/* --- placeholders -------------------------------------------------------- */

/* The next percent sign at or behind `at`; "\%" is only a character. */
static ptrdiff_t
find_percent(struct slice text, size_t at)
{
	for (; at < text.len; at++) {
		if (text.ptr[at] == '\\' && at + 1 < text.len)
			at++;
		else if (text.ptr[at] == '%')
			return (ptrdiff_t)at;
	}
	return -1;
}

/* "%name%" at `at` of the text or behind; *at is where it begins. */
static bool
find_placeholder(struct slice text, size_t *at, struct slice *name)
{
	ptrdiff_t from = find_percent(text, *at), to;

	if (from < 0)
		return false;
	*at = (size_t)from;
	to = slice_find_byte(slice_skip(text, *at + 1), '%');
	if (to <= 0)
		return false;
	*name = slice_head(slice_skip(text, *at + 1), (size_t)to);
	return true;
}

static struct cond *
refuse_placeholder(const struct item *item, const struct yaml_node *node,
    struct slice name, const struct sigma_list *list)
{
	const char *near = item->scope->lists == NULL ? NULL :
	    sigma_lists_nearest(item->scope->lists, name);

	if (list != NULL)
		return sigma_refuse(item->scope, node, "placeholder %%%.*s%%: "
		    "the list %s has no values", (int)name.len, name.ptr,
		    list->file);
	return sigma_refuse(item->scope, node, "placeholder %%%.*s%% has no "
	    "value%s%s%s; put values into lists/%.*s.txt beside the rules",
	    (int)name.len, name.ptr, near != NULL ? " (" : "",
	    near != NULL ? near : "", near != NULL ? "?)" : "",
	    (int)name.len, name.ptr);
}

static struct cond *read_value(const struct item *item,
    const struct yaml_node *node);

struct expansion {
	const struct item *item;
	const struct yaml_node *node;	/* the value as written */
	struct cond **any;
	size_t	 n;
};

/* The text with "\%" as the character it stands for. */
static struct slice
plain_percents(struct arena *arena, struct slice text)
{
	char *out = arena_text(arena, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\' && i + 1 < text.len) {
			if (text.ptr[i + 1] != '%')
				out[len++] = '\\';
			i++;
		}
		out[len++] = text.ptr[i];
	}
	return slice_of(out, len);
}

static bool
add_expanded(struct expansion *e, struct slice text)
{
	struct item plain = *e->item;
	struct yaml_node *copy = arena_alloc(e->item->scope->arena,
	    sizeof(*copy));
	double number;

	if (e->n == SIGMA_LIST_VALUES) {
		sigma_refuse(e->item->scope, e->node, "the value becomes more "
		    "than %d texts", SIGMA_LIST_VALUES);
		return false;
	}
	plain.has[MOD_EXPAND] = false;
	*copy = *e->node;
	text = plain_percents(e->item->scope->arena, text);
	copy->text = text;
	copy->quoted = !slice_double(text, &number);
	e->any[e->n] = read_value(&plain, copy);
	return e->any[e->n++] != NULL;
}

/* Every way to fill in what stands at `from` and behind. What was filled in is
 * not looked into again. */
static bool
expand(struct expansion *e, struct slice text, size_t from)
{
	struct arena *arena = e->item->scope->arena;
	const struct sigma_list *list = NULL;
	size_t at = from, after;
	struct slice name;

	if (!find_placeholder(text, &at, &name))
		return add_expanded(e, text);
	if (e->item->scope->lists != NULL)
		list = sigma_lists_find(e->item->scope->lists, name);
	if (list == NULL || list->n == 0) {
		refuse_placeholder(e->item, e->node, name, list);
		return false;
	}
	after = at + name.len + 2;
	for (size_t i = 0; i < list->n; i++) {
		struct slice value = list->values[i];
		char *out = arena_text(arena, text.len + value.len);

		memcpy(out, text.ptr, at);
		memcpy(out + at, value.ptr, value.len);
		memcpy(out + at + value.len, text.ptr + after,
		    text.len - after);
		if (!expand(e, slice_of(out, text.len - (name.len + 2) +
		    value.len), at + value.len))
			return false;
	}
	return true;
}

/* A value with placeholders is met by any way to fill them in. */
static struct cond *
read_expanded(const struct item *item, const struct yaml_node *node)
{
	struct expansion e = { .item = item, .node = node,
	    .any = xcalloc(SIGMA_LIST_VALUES, sizeof(*e.any)) };
	struct cond *cond = NULL;

	if (expand(&e, node->text, 0))
		cond = cond_list(item->scope->arena, COND_OR, e.any, e.n);
	free(e.any);
	return cond;
}

static struct cond *
read_value(const struct item *item, const struct yaml_node *node)
{
	int op = compare_op(item);

	if (node->kind == YAML_SCALAR && item->has[MOD_EXPAND] &&
	    node->text.len <= SIGMA_VALUE_BYTES)
		return read_expanded(item, node);
	if (node->kind != YAML_SCALAR)
		return sigma_refuse(item->scope, node, "a value is text, a "
		    "number, true, false or null, not a list or a map");
	if (node->text.len > SIGMA_VALUE_BYTES)
		return sigma_refuse(item->scope, node, "a value has at most "
		    "%d bytes", SIGMA_VALUE_BYTES);
	if (!has_room(item))
		return NULL;
	if (item->has[MOD_EXISTS])
		return read_exists(item, node);
	if (yaml_is_null(node))
		return read_null(item, node);
	if (item->has[MOD_RE])
		return read_regex(item, node);
	if (item->has[MOD_CIDR])
		return read_cidr(item, node);
	if (item->has[MOD_FIELDREF])
		return read_fieldref(item, node);
	if (op >= 0)
		return read_compare(item, node, op);
	if (item->model.part != PART_NONE)
		return read_compare(item, node, PRED_EQ);
	if (is_number(node) && item->nencoders == 0 &&
	    item->model.nfields > 0 && !item->has[MOD_CONTAINS] &&
	    !item->has[MOD_STARTSWITH] && !item->has[MOD_ENDSWITH])
		return read_compare(item, node, PRED_EQ);
	return read_text(item, node);
}

/* The field is there, is not null, and no value equals it. */
static struct cond *
negate(const struct item *item, struct cond *cond)
{
	struct arena *arena = item->scope->arena;
	struct pred pred = item->model;
	struct cond *there, *null;

	pred.op = PRED_EXISTS;
	there = leaf(item, pred);
	pred.op = PRED_NULL;
	null = leaf(item, pred);
	if (there == NULL || null == NULL)
		return NULL;
	return cond_and(arena, cond_and(arena, there,
	    cond_not(arena, null)), cond_not(arena, cond));
}

struct cond *
sigma_read_item(const struct sigma_scope *scope, const struct yaml_node *key,
    const struct yaml_node *value)
{
	struct item item = { .scope = scope, .key = key != NULL ? key
	    : value };
	bool list = value->kind == YAML_LIST;
	size_t n = list ? value->n : 1;
	struct cond **conds, *cond;
	bool good;

	if (key == NULL)
		good = true;
	else
		good = read_key(&item);
	if (n == 0)
		return sigma_refuse(scope, value, "an empty list of values");
	if (!good)
		return NULL;
	conds = arena_alloc(scope->arena, n * sizeof(*conds));
	for (size_t i = 0; i < n; i++) {
		conds[i] = read_value(&item, list ? value->items[i] : value);
		good = good && conds[i] != NULL;
	}
	if (!good)
		return NULL;
	cond = cond_list(scope->arena, item.has[MOD_ALL] ? COND_AND : COND_OR,
	    conds, n);
	return item.has[MOD_NEQ] ? negate(&item, cond) : cond;
}
