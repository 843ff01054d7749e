/* Constants, conditions, and the blocks that are run when they hold. */
#include "parsers/def_read.h"

#include "engine/check.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/ip.h"
#include "engine/logsource.h"
#include "engine/map.h"
#include "engine/regex.h"

/* --- constants ----------------------------------------------------------- */
#define PIECES 16
static void
read_pieces(struct loader *l, struct setting *set,
    const struct yaml_node *node)
{
	struct piece *pieces = def_room(l, PIECES, sizeof(*pieces));
	struct slice s = node->text;
	size_t n = 0;

	while (s.len > 0) {
		ptrdiff_t open = slice_find_byte(s, '{'), close;
		struct slice name;

		if (n + 2 > PIECES) {
			def_complain(l, node, "more than 16 parts in one text");
			return;
		}
		if (open != 0) {
			size_t len = open < 0 ? s.len : (size_t)open;

			pieces[n++] = (struct piece){ def_keep(l, slice_head(s,
			    len)), SLOT_NONE, FIELD_NONE };
			s = slice_skip(s, len);
			continue;
		}
		close = slice_find_byte(s, '}');
		if (close < 2) {
			def_complain(l, node, "{ without a name and }");
			return;
		}
		name = slice_of(s.ptr + 1, (size_t)close - 1);
		pieces[n++] = (struct piece){ slice_of("", 0),
		    def_slot_of(l, name), field_intern(name) };
		s = slice_skip(s, (size_t)close + 1);
	}
	set->pieces = pieces;
	set->npieces = n;
}

static struct value
constant(struct loader *l, const struct yaml_node *node, field_t field)
{
	struct value value = def_read_value(l, node);
	bool fits = true;

	if (field == FIELD_NONE)
		return value;
	if (value.type == VALUE_TEXT && field_type(field) != VALUE_TEXT)
		fits = value_parse(slice_of(value.text, value.len),
		    TRANSFORM_OWNED, field_type(field), &value);
	if (!fits)
		def_complain(l, node, "\"%.*s\" does not fit the type of %.*s",
		    (int)value.len, value.text, (int)field_name(field).len,
		    field_name(field).ptr);
	return value;
}

const struct setting *
def_read_sets(struct loader *l, const struct yaml_node *node, size_t *n)
{
	struct setting *sets;

	*n = 0;
	if (node == NULL || !def_want_map(l, node, "set"))
		return NULL;
	sets = def_room(l, node->n, sizeof(*sets));
	for (size_t i = 0; i < node->n; i++) {
		struct setting *set = &sets[(*n)++];
		const struct yaml_node *to = node->items[i];

		set->field = def_field_at(
		    l, node->keys[i], node->keys[i]->text);
		if (yaml_is_null(to))
			set->remove = true;
		else if (def_is_text(to) && slice_find_byte(to->text, '{') >= 0)
			read_pieces(l, set, to);
		else
			set->value = constant(l, to, set->field);
	}
	return sets;
}

/* --- conditions ---------------------------------------------------------- */
static bool read_conditions(struct loader *l, const struct yaml_node *node,
    struct condition *out);

static void
index_words(struct loader *l, struct condition *cond)
{
	struct map *index;

	if (cond->words.n <= DEF_MANY)
		return;
	index = map_new_borrowing();
	for (size_t i = 0; i < cond->words.n; i++)
		map_get(index, cond->words.at[i], NULL)->num = i;
	def_own_map(l, index);
	cond->index = index;
}

static void
read_regexes(struct loader *l, struct condition *cond,
    const struct yaml_node *node)
{
	struct regex **regexes = def_room(l, cond->words.n, sizeof(*regexes));
	struct def_owned *o = l->owned;
	struct err err;

	for (size_t i = 0; i < cond->words.n; i++) {
		regexes[i] = regex_new(cond->words.at[i], REGEX_NOCASE, &err);
		if (regexes[i] == NULL) {
			def_complain(l, node, "%s", err.text);
			cond->words.n = i;
			break;
		}
		o->regexes = xrealloc(o->regexes, (o->nregexes + 1) *
		    sizeof(*o->regexes));
		o->regexes[o->nregexes++] = regexes[i];
	}
	cond->regexes = regexes;
}

static void
read_nets(struct loader *l, struct condition *cond,
    const struct yaml_node *node)
{
	struct cidr *nets = def_room(l, cond->words.n, sizeof(*nets));

	for (size_t i = 0; i < cond->words.n; i++)
		if (!cidr_parse(cond->words.at[i], &nets[i]))
			def_complain(l, node, "\"%.*s\" is no network",
			    (int)cond->words.at[i].len, cond->words.at[i].ptr);
	cond->nets = nets;
}

static void
read_operator(struct loader *l, struct condition *cond, struct slice name,
    const struct yaml_node *node, const struct yaml_node *key)
{
	static const char *const names[] = { "exists", "in", "startswith",
	    "endswith", "contains", "regex", "gt", "ge", "lt", "le", "cidr" };
	static const enum cond_kind kinds[] = { COND_EXISTS, COND_EQUALS,
	    COND_STARTS, COND_ENDS, COND_CONTAINS, COND_REGEX, COND_GT,
	    COND_GE, COND_LT, COND_LE, COND_CIDR };
	bool yes = true;
	size_t i = 0;

	while (i < 11 && !slice_eq(name, slice_cstr(names[i])))
		i++;
	if (i == 11) {
		const char *near = diag_nearest(name, names, 11);

		def_complain(l, key, "unknown operator \"%.*s\"%s%s%s",
		    (int)name.len, name.ptr, near != NULL ? " (" : "",
		    near != NULL ? near : "", near != NULL ? "?)" : "");
		return;
	}
	cond->kind = kinds[i];
	if (cond->kind == COND_EXISTS) {
		if (!yaml_bool(node, &yes))
			def_complain(l, node, "exists must be true or false");
		cond->kind = yes ? COND_EXISTS : COND_ABSENT;
		return;
	}
	if (cond->kind >= COND_GT && cond->kind <= COND_LE) {
		if (!def_is_text(node) || !slice_double(node->text,
		    &cond->number))
			def_complain(l, node, "a number is wanted here");
		return;
	}
	cond->words = def_read_words(l, node, cond->kind == COND_EQUALS);
	if (cond->kind == COND_REGEX)
		read_regexes(l, cond, node);
	else if (cond->kind == COND_CIDR)
		read_nets(l, cond, node);
	else
		index_words(l, cond);
}

/* One name and what it must be: a text, a list, or a map of operators. */
static void
read_test(struct loader *l, struct condition *out, struct slice name,
    const struct yaml_node *node)
{
	struct condition blank = { .kind = COND_EQUALS,
	    .slot = def_slot_of(l, name), .field = field_intern(name) };
	struct condition *kids;

	*out = blank;
	if (node->kind != YAML_MAP) {
		if (yaml_is_null(node)) {
			out->kind = COND_ABSENT;
			return;
		}
		out->words = def_read_words(l, node, true);
		index_words(l, out);
		return;
	}
	kids = def_room(l, node->n, sizeof(*kids));
	for (size_t i = 0; i < node->n; i++) {
		kids[i] = blank;
		if (slice_eq(node->keys[i]->text, SLICE("not"))) {
			struct condition *inner = def_room(
			    l, 1, sizeof(*inner));

			read_test(l, inner, name, node->items[i]);
			kids[i] = (struct condition){ .kind = COND_NOT,
			    .kids = inner, .nkids = 1 };
			continue;
		}
		read_operator(l, &kids[i], node->keys[i]->text,
		    node->items[i], node->keys[i]);
	}
	if (node->n == 1) {
		*out = kids[0];
		return;
	}
	*out = (struct condition){ .kind = COND_ALL, .kids = kids,
	    .nkids = node->n };
}

static bool
read_condition_list(struct loader *l, const struct yaml_node *node,
    enum cond_kind kind, struct condition *out)
{
	struct condition *kids;

	if (node->kind != YAML_LIST) {
		def_complain(l, node, "a list of conditions is wanted here");
		return false;
	}
	kids = def_room(l, node->n, sizeof(*kids));
	for (size_t i = 0; i < node->n; i++)
		read_conditions(l, node->items[i], &kids[i]);
	*out = (struct condition){ .kind = kind, .kids = kids,
	    .nkids = node->n };
	return true;
}

static bool
read_conditions(struct loader *l, const struct yaml_node *node,
    struct condition *out)
{
	struct condition *kids;

	*out = (struct condition){ .kind = COND_ALL };
	if (++l->depth > 4 * DEF_NESTING) {
		def_complain(l, node, "conditions nested too deeply");
		l->depth--;
		return false;
	}
	if (!def_want_map(l, node, "a condition")) {
		l->depth--;
		return false;
	}
	kids = def_room(l, node->n, sizeof(*kids));
	for (size_t i = 0; i < node->n; i++) {
		struct slice key = node->keys[i]->text;

		if (slice_eq(key, SLICE("any"))) {
			read_condition_list(l, node->items[i], COND_ANY,
			    &kids[i]);
		} else if (slice_eq(key, SLICE("all"))) {
			read_condition_list(l, node->items[i], COND_ALL,
			    &kids[i]);
		} else if (slice_eq(key, SLICE("not"))) {
			struct condition *inner = def_room(
			    l, 1, sizeof(*inner));

			read_conditions(l, node->items[i], inner);
			kids[i] = (struct condition){ .kind = COND_NOT,
			    .kids = inner, .nkids = 1 };
		} else {
			read_test(l, &kids[i], key, node->items[i]);
		}
	}
	*out = (struct condition){ .kind = COND_ALL, .kids = kids,
	    .nkids = node->n };
	l->depth--;
	return true;
}

/* --- blocks -------------------------------------------------------------- */
static const char *const block_keys[] = { "if", "any", "all", "not", "set",
    "keys", "logsource", "dataset", "when", "copy", "drop", "else",
    "switch", "cases", "line", "pattern", NULL };

const struct copy *
def_read_copies(struct loader *l, const struct yaml_node *node, size_t *n)
{
	struct copy *copies;

	*n = 0;
	if (node == NULL || !def_want_map(l, node, "copy"))
		return NULL;
	copies = def_room(l, node->n, sizeof(*copies));
	for (size_t i = 0; i < node->n; i++) {
		struct words from = def_read_words(l, node->items[i], false);
		field_t *fields = def_room(l, from.n, sizeof(*fields));

		for (size_t k = 0; k < from.n; k++)
			fields[k] = def_field_at(l, node->items[i], from.at[k]);
		copies[(*n)++] = (struct copy){ def_field_at(l, node->keys[i],
		    node->keys[i]->text), fields, from.n };
	}
	return copies;
}

const struct block *const *
def_read_when(struct loader *l, const struct yaml_node *node, size_t *n)
{
	const struct block **blocks;

	*n = 0;
	if (node == NULL)
		return NULL;
	if (node->kind != YAML_LIST) {
		def_complain(l, node, "when must be a list of blocks");
		return NULL;
	}
	blocks = def_room(l, node->n, sizeof(*blocks));
	for (size_t i = 0; i < node->n; i++)
		blocks[(*n)++] = def_read_block(l, node->items[i]);
	return blocks;
}

/* What is said replaces, the rest stays the definition's own. */
uint16_t
def_read_logsource(
    struct loader *l, const struct yaml_node *node, uint16_t base)
{
	static const char *const known[] = { "category", "product",
	    "service", NULL };
	struct logsource ls = *logsource_at(base);

	if (!def_want_map(l, node, "logsource"))
		return base;
	def_check_keys(l, node, known, "logsource");
	if (yaml_get(node, "category") != NULL)
		ls.category = def_text_at(node, "category");
	if (yaml_get(node, "product") != NULL)
		ls.product = def_text_at(node, "product");
	if (yaml_get(node, "service") != NULL)
		ls.service = def_text_at(node, "service");
	return logsource_intern(ls);
}

static void
read_switch(struct loader *l, struct block *block,
    const struct yaml_node *node)
{
	const struct yaml_node *name = yaml_get(node, "switch");
	const struct yaml_node *cases = yaml_get(node, "cases");
	struct map *index = map_new();
	struct switch_case *rows;

	def_own_map(l, index);
	block->case_index = index;
	if (!def_is_text(name)) {
		def_complain(l, name, "switch needs the name of a key");
		return;
	}
	block->switch_slot = def_slot_of(l, name->text);
	block->switch_field = field_intern(name->text);
	if (cases == NULL || cases->kind != YAML_MAP) {
		def_complain(l, node, "switch needs cases, a map");
		return;
	}
	rows = def_room(l, cases->n, sizeof(*rows));
	for (size_t i = 0; i < cases->n; i++) {
		struct slice values = cases->keys[i]->text;
		bool more = true;

		rows[i].block = def_read_block(l, cases->items[i]);
		while (more) {
			ptrdiff_t comma = slice_find_byte(values, ',');
			struct slice one = comma < 0 ? values
			    : slice_head(values, (size_t)comma);

			more = comma >= 0;
			if (more)
				values = slice_skip(values,
				    (size_t)comma + 1);
			one = slice_trim(one);
			map_get(index, def_keep_lower(l, one), NULL)->num = i;
		}
	}
	block->cases = rows;
	block->ncases = cases->n;
}

static void
read_drops(struct loader *l, struct block *block,
    const struct yaml_node *node)
{
	struct words names = def_read_words(l, node, false);
	field_t *fields = def_room(l, names.n, sizeof(*fields));

	for (size_t i = 0; i < names.n; i++)
		fields[i] = def_field_at(l, node, names.at[i]);
	block->drops = fields;
	block->ndrops = names.n;
}

static const struct condition *
read_block_condition(struct loader *l, const struct yaml_node *node)
{
	const struct yaml_node *plain = yaml_get(node, "if");
	const struct yaml_node *any = yaml_get(node, "any");
	const struct yaml_node *all = yaml_get(node, "all");
	const struct yaml_node *not = yaml_get(node, "not");
	struct condition *kids = def_room(l, 4, sizeof(*kids)), *cond;
	size_t n = 0;

	if (plain != NULL)
		read_conditions(l, plain, &kids[n++]);
	if (any != NULL)
		read_condition_list(l, any, COND_ANY, &kids[n++]);
	if (all != NULL)
		read_condition_list(l, all, COND_ALL, &kids[n++]);
	if (not != NULL) {
		struct condition *inner = def_room(l, 1, sizeof(*inner));

		read_conditions(l, not, inner);
		kids[n++] = (struct condition){ .kind = COND_NOT,
		    .kids = inner, .nkids = 1 };
	}
	if (n == 0)
		return NULL;
	cond = def_room(l, 1, sizeof(*cond));
	*cond = (struct condition){ .kind = COND_ALL, .kids = kids,
	    .nkids = n };
	return cond;
}

static void
fill_block(struct loader *l, struct block *block,
    const struct yaml_node *node)
{
	const struct yaml_node *sub;

	block->sets = def_read_sets(l, yaml_get(node, "set"), &block->nsets);
	block->keys = def_read_block_keys(l, yaml_get(node, "keys"),
	    &block->nkeys);
	block->copies = def_read_copies(l, yaml_get(node, "copy"),
	    &block->ncopies);
	block->dataset = def_keep(l, def_text_at(node, "dataset"));
	sub = yaml_get(node, "drop");
	if (sub != NULL)
		read_drops(l, block, sub);
	sub = yaml_get(node, "logsource");
	if (sub != NULL) {
		block->logsource = def_read_logsource(l, sub, 0);
		block->logsource_parts =
		    (yaml_get(sub, "category") != NULL ? 1u : 0) |
		    (yaml_get(sub, "product") != NULL ? 2u : 0) |
		    (yaml_get(sub, "service") != NULL ? 4u : 0);
	}
	block->when = def_read_when(l, yaml_get(node, "when"), &block->nwhen);
}

struct block *
def_read_block(struct loader *l, const struct yaml_node *node)
{
	struct block *block = def_room(l, 1, sizeof(*block));
	const struct yaml_node *sub;

	block->switch_slot = SLOT_NONE;
	block->switch_field = FIELD_NONE;
	if (yaml_is_null(node))
		return block;
	if (++l->depth > DEF_NESTING) {
		def_complain(l, node, "blocks nested more than %d deep",
		    DEF_NESTING);
		l->depth--;
		return block;
	}
	if (def_want_map(l, node, "a block")) {
		def_check_keys(l, node, block_keys, "a block");
		if (yaml_get(node, "switch") != NULL)
			read_switch(l, block, node);
		else
			block->cond = read_block_condition(l, node);
		fill_block(l, block, node);
		sub = yaml_get(node, "else");
		if (sub != NULL)
			block->otherwise = def_read_block(l, sub);
	}
	l->depth--;
	return block;
}
