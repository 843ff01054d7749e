/* Decoders, and the templates and patterns that some of them need. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "parsers/def_read.h"

#include "engine/check.h"
#include "engine/diag.h"
#include "parsers/template.h"

/* --- decoders ------------------------------------------------------------ */
static const char *const decoder_names[] = {
#define DECODER(id, name, run) name,
#include "parsers/decode.def"
#undef DECODER
};

static void read_pattern_list(struct loader *l, struct decoder *decoder,
    const struct yaml_node *node);

static const struct slice *
read_column_names(struct loader *l, const struct yaml_node *list, size_t *n)
{
	struct slice *names = def_room(l, list->n, sizeof(*names));

	for (size_t i = 0; i < list->n; i++)
		if (!yaml_is_null(list->items[i]))
			names[i] = def_keep(l, yaml_text(list->items[i],
			    slice_of("", 0)));
	*n = list->n;
	return names;
}

static void
read_columns(struct loader *l, struct decoder *d,
    const struct yaml_node *node)
{
	struct csv_columns *columns;

	if (node == NULL)
		return;
	if (node->kind == YAML_LIST) {
		columns = def_room(l, 1, sizeof(*columns));
		columns->names = read_column_names(l, node, &columns->n);
		d->columns = columns;
		d->ncolumns = 1;
		return;
	}
	if (node->kind != YAML_MAP) {
		def_complain(
		    l, node, "columns must be a list, or a map of lists");
		return;
	}
	columns = def_room(l, node->n, sizeof(*columns));
	for (size_t i = 0; i < node->n; i++) {
		columns[i].value = def_keep(l, node->keys[i]->text);
		if (node->items[i]->kind != YAML_LIST)
			def_complain(l, node->items[i], "a list of columns is "
			    "wanted here");
		else
			columns[i].names = read_column_names(l,
			    node->items[i], &columns[i].n);
	}
	d->columns = columns;
	d->ncolumns = node->n;
}

static enum decoder_kind
decoder_by_name(struct loader *l, const struct yaml_node *node)
{
	const char *near;

	for (size_t i = 0; i < DECODERS; i++)
		if (def_is_text(node) && slice_eq(node->text,
		    slice_cstr(decoder_names[i])))
			return (enum decoder_kind)i;
	if (!def_is_text(node)) {
		def_complain(l, node, "the name of a decoder is wanted here");
		return DECODER_NONE;
	}
	near = diag_nearest(node->text, decoder_names, DECODERS);
	def_complain(l, node, "unknown decoder \"%.*s\" (%s?)",
	    (int)node->text.len, node->text.ptr,
	    near != NULL ? near : "json, kv, cef, leef, csv, tsv, w3c, xml, "
	    "regex, template, none");
	return DECODER_NONE;
}

const struct decoder *
def_read_decoder(struct loader *l, const struct yaml_node *node)
{
	static const char *const known[] = { "type", "assign", "between",
	    "quote", "escape", "blanks", "after", "words", "twice",
	    "columns", "delimiter", "by", "patterns", NULL };
	struct decoder *d = def_room(l, 1, sizeof(*d));
	const struct yaml_node *sub;
	struct slice twice;
	int64_t by = 0;

	d->assign = '=';
	d->escape = true;
	if (node->kind != YAML_MAP) {
		d->kind = decoder_by_name(l, node);
		return d;
	}
	def_check_keys(l, node, known, "a decoder");
	sub = yaml_get(node, "type");
	if (sub == NULL)
		def_complain(l, node, "a decoder needs a type");
	else
		d->kind = decoder_by_name(l, sub);
	if (yaml_get(node, "assign") != NULL)
		d->assign = def_read_char(l, node, "assign");
	d->between = def_read_char(l, node, "between");
	d->quote = def_read_char(l, node, "quote");
	d->delimiter = def_read_char(l, node, "delimiter");
	d->escape = def_read_flag(l, node, "escape", true);
	d->blanks = def_read_flag(l, node, "blanks", false);
	d->words = def_read_flag(l, node, "words", false);
	d->after = def_keep(l, def_text_at(node, "after"));
	twice = def_text_at(node, "twice");
	d->twice_first = slice_eq(twice, SLICE("first"));
	d->twice_last = slice_eq(twice, SLICE("last"));
	if (twice.len > 0 && !d->twice_first && !d->twice_last &&
	    !slice_eq(twice, SLICE("list")))
		def_complain(l, yaml_get(node, "twice"),
		    "twice must be first, last or list");
	sub = yaml_get(node, "by");
	if (sub != NULL && (!yaml_long(sub, &by) || by < 1 || by > 512))
		def_complain(
		    l, sub, "by must be the number of a column, from 1");
	d->by = (size_t)by;
	read_columns(l, d, yaml_get(node, "columns"));
	sub = yaml_get(node, "patterns");
	if (sub != NULL)
		read_pattern_list(l, d, sub);
	return d;
}

/* --- templates and patterns ---------------------------------------------- */
static uint16_t
capture_slot(void *arg, struct slice name)
{
	struct loader *l = arg;

	return def_slot_of(l, name);
}

static bool
has_block(const struct yaml_node *node)
{
	return node->kind == YAML_MAP && node->n > 1;
}

static void
add_template(struct loader *l, struct template_tree *tree,
    const struct yaml_node *node, unsigned number)
{
	const char *wrong;
	size_t at;

	if (!def_is_text(node)) {
		def_complain(l, node, "a template is a text");
		return;
	}
	if (node->text.len > 4096) {
		def_complain(l, node, "a template has at most 4096 bytes");
		return;
	}
	wrong = template_add(
	    tree, def_keep(l, node->text), number, capture_slot, l, &at);
	if (wrong != NULL)
		def_complain(l, node, "template: %s, at \"%.*s\"", wrong,
		    (int)(node->text.len - at < 20 ? node->text.len - at
		    : 20), node->text.ptr + at);
}

size_t
def_count_items(struct loader *l, const char *key)
{
	size_t n = 0;

	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, key);

		if (node != NULL && node->kind == YAML_LIST)
			n += node->n;
	}
	return n;
}

static void
read_template(struct loader *l, struct template_tree *tree,
    const struct yaml_node *node, unsigned number,
    const struct block **block)
{
	const struct yaml_node *line;

	if (node->kind != YAML_MAP) {
		add_template(l, tree, node, number);
		return;
	}
	line = yaml_get(node, "line");
	if (line == NULL) {
		def_complain(l, node, "a template needs `line`");
		return;
	}
	if (line->kind == YAML_LIST)
		for (size_t i = 0; i < line->n; i++)
			add_template(l, tree, line->items[i], number);
	else
		add_template(l, tree, line, number);
	if (has_block(node))
		*block = def_read_block(l, node);
}

/* What a definition stands on comes first. */
static void
read_templates(struct loader *l, struct decoder *decoder)
{
	size_t n = def_count_items(l, "templates"), k = 0;
	const struct block **blocks = def_room(l, n, sizeof(*blocks));
	struct template_tree *tree = template_tree_new(l->arena);

	for (size_t c = l->nchain; c-- > 0; ) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "templates");

		l->file = l->chain[c]->file;
		if (node == NULL)
			continue;
		if (node->kind != YAML_LIST) {
			def_complain(l, node, "templates must be a list");
			continue;
		}
		for (size_t i = 0; i < node->n; i++, k++) {
			if (k == DEF_TEMPLATES) {
				def_complain(l, node, "more than %d templates",
				    DEF_TEMPLATES);
				break;
			}
			read_template(l, tree, node->items[i], (unsigned)k,
			    &blocks[k]);
		}
	}
	l->file = l->chain[0]->file;
	if (n == 0)
		def_complain(l, l->chain[0]->root,
		    "decode: template needs templates");
	template_finish(tree);
	l->def->template_blocks = blocks;
	decoder->templates = tree;
}

static void
name_groups(struct loader *l, struct pattern *pattern)
{
	uint32_t count = 0, names = 0, size = 0;
	PCRE2_SPTR table = NULL;
	slot_t *groups;
	struct slice *group_names;

	pcre2_pattern_info(pattern->code, PCRE2_INFO_CAPTURECOUNT, &count);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMECOUNT, &names);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMETABLE, &table);
	groups = def_room(l, count + 1, sizeof(*groups));
	group_names = def_room(l, count + 1, sizeof(*group_names));
	for (uint32_t i = 0; i <= count; i++)
		groups[i] = SLOT_NONE;
	for (uint32_t i = 0; i < names; i++) {
		const unsigned char *row = table + i * size;
		unsigned group = (unsigned)row[0] << 8 | row[1];

		if (group > count)
			continue;
		group_names[group] = def_keep(l, slice_cstr(
		    (const char *)row + 2));
		groups[group] = def_slot_of(l, group_names[group]);
	}
	pattern->groups = groups;
	pattern->names = group_names;
	pattern->ngroups = count + 1;
}

static void
read_pattern(struct loader *l, const struct yaml_node *node,
    struct pattern *pattern)
{
	const struct yaml_node *text = node->kind == YAML_MAP
	    ? yaml_get(node, "pattern") : node;
	struct def_owned *o = l->owned;
	PCRE2_UCHAR message[128];
	PCRE2_SIZE at;
	int code;

	if (!def_is_text(text)) {
		def_complain(l, node, "a pattern is a text");
		return;
	}
	pattern->code = pcre2_compile((PCRE2_SPTR)text->text.ptr,
	    text->text.len, PCRE2_DUPNAMES | PCRE2_DOTALL |
	    PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
	if (pattern->code == NULL) {
		pcre2_get_error_message(code, message, sizeof(message));
		def_complain(l, text, "pattern: %s, at byte %zu",
		    (const char *)message, (size_t)at);
		return;
	}
	o->codes = xrealloc(o->codes, (o->ncodes + 1) * sizeof(*o->codes));
	o->codes[o->ncodes++] = pattern->code;
	/* Without machine code it is slower, not wrong. */
	pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
	name_groups(l, pattern);
	if (has_block(node))
		pattern->block = def_read_block(l, node);
}

static void
read_pattern_list(struct loader *l, struct decoder *decoder,
    const struct yaml_node *node)
{
	struct pattern *patterns;

	if (node->kind != YAML_LIST || node->n == 0) {
		def_complain(l, node, "decode: regex needs patterns, a list");
		return;
	}
	patterns = def_room(l, node->n, sizeof(*patterns));
	for (size_t i = 0; i < node->n; i++)
		read_pattern(l, node->items[i], &patterns[i]);
	decoder->patterns = patterns;
	decoder->npatterns = node->n;
}

static void
read_patterns(struct loader *l, struct decoder *decoder)
{
	const struct yaml_node *node = def_section(l, "patterns");

	if (node != NULL)
		read_pattern_list(l, decoder, node);
	else if (decoder->npatterns == 0)
		def_complain(l, l->chain[0]->root,
		    "decode: regex needs patterns, a list");
}

void
def_read_decode(struct loader *l)
{
	const struct yaml_node *node = def_section(l, "decode");
	struct decoder *decoder = &l->def->decoder;

	if (node == NULL) {
		/* Templates speak for themselves. */
		decoder->kind = def_count_items(l, "templates") > 0
		    ? DECODER_TEMPLATE : def_count_items(l, "patterns") > 0
		    ? DECODER_REGEX : DECODER_NONE;
		if (decoder->kind == DECODER_NONE &&
		    yaml_get(l->chain[0]->root, "match") != NULL)
			def_complain(
			    l, l->chain[0]->root, "`decode` is missing");
	} else {
		*decoder = *def_read_decoder(l, node);
		if (decoder->kind == DECODER_CSV && decoder->ncolumns == 0)
			def_complain(l, node, "decode: csv needs columns");
	}
	if (decoder->kind == DECODER_TEMPLATE)
		read_templates(l, decoder);
	else if (decoder->kind == DECODER_REGEX)
		read_patterns(l, decoder);
	else if (def_count_items(l, "templates") > 0)
		def_complain(l, l->chain[0]->root, "templates need "
		    "`decode: template`");
}
