/* Reading definitions, from files to the whole. A definition with findings is
 * left out; one that stands on another takes its sections from there.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "parsers/def_read.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/map.h"
#include "engine/regex.h"
#include "parsers/join_spec.h"
#include "parsers/loosename.h"

/* The top of a definition in the form of a block; sets of what it stands on
 * come behind its own, so that its own win. */
static void
read_body(struct loader *l)
{
	struct block *body = &l->def->body;
	struct setting *sets;
	struct copy *copies;
	const struct block **when;
	size_t nsets = 0, ncopies = 0, nwhen = 0;
	size_t maxsets = 0, maxcopies = 0;

	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *set =
		    yaml_get(l->chain[c]->root, "set");
		const struct yaml_node *copy =
		    yaml_get(l->chain[c]->root, "copy");

		maxsets += set != NULL ? set->n : 0;
		maxcopies += copy != NULL ? copy->n : 0;
	}
	sets = def_room(l, maxsets + 8, sizeof(*sets));
	copies = def_room(l, maxcopies, sizeof(*copies));
	when = def_room(l, def_count_items(l, "when"), sizeof(*when));
	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *root = l->chain[c]->root;
		const struct setting *s;
		const struct copy *p;
		size_t n;

		l->file = l->chain[c]->file;
		s = def_read_sets(l, yaml_get(root, "set"), &n);
		if (n > 0)
			memcpy(sets + nsets, s, n * sizeof(*s));
		nsets += n;
		p = def_read_copies(l, yaml_get(root, "copy"), &n);
		if (n > 0)
			memcpy(copies + ncopies, p, n * sizeof(*p));
		ncopies += n;
	}
	for (size_t c = l->nchain; c-- > 0; ) {
		const struct block *const *blocks;
		size_t n;

		l->file = l->chain[c]->file;
		blocks = def_read_when(l, yaml_get(l->chain[c]->root, "when"),
		    &n);
		for (size_t i = 0; i < n; i++)
			when[nwhen++] = blocks[i];
	}
	{
		static const char *const parts[] = { "vendor", "product",
		    "type", "name", NULL };
		const struct yaml_node *node = def_section(l, "observer");

		if (node != NULL && def_want_map(l, node, "observer")) {
			def_check_keys(l, node, parts, "observer");
			for (size_t i = 0; i < 4; i++) {
				struct slice text = def_text_at(node, parts[i]);

				if (text.len > 0)
					sets[nsets++] = (struct setting){
						.field = def_field_part(l, node,
						    SLICE("observer"),
						    parts[i]),
						.value = value_text(
						    def_keep(l, text),
						    TRANSFORM_OWNED)
					};
			}
		}
	}
	body->switch_slot = SLOT_NONE;
	body->switch_field = FIELD_NONE;
	body->sets = sets;
	body->nsets = nsets;
	body->copies = copies;
	body->ncopies = ncopies;
	body->when = when;
	body->nwhen = nwhen;
}

static void
read_head(struct loader *l)
{
	struct def *def = l->def;
	const struct yaml_node *node;
	ptrdiff_t bar;

	def->name = def_keep(l, l->chain[0]->name);
	def->file = slice_cstr(arena_cstr(l->arena,
	    slice_cstr(l->chain[0]->file)));
	def->description = def_keep(l, yaml_text(def_section(l, "description"),
	    slice_of("", 0)));
	bar = slice_find_byte(def->name, '_');
	def->module = def_keep(l, yaml_text(def_section(l, "module"), bar > 0
	    ? slice_head(def->name, (size_t)bar) : def->name));
	def->dataset = def_keep(
	    l, yaml_text(def_section(l, "dataset"), def->name));
	node = def_section(l, "logsource");
	if (node != NULL)
		def->logsource = def_read_logsource(l, node, 0);
	node = def_section(l, "prefix");
	def->keep_unmapped = node == NULL || !yaml_is_null(node) ||
	    node->quoted;
	def->prefix = node == NULL ? def->module : def_keep(l, yaml_text(node,
	    slice_of("", 0)));
	if (slice_ends(def->prefix, SLICE(".")))
		def->prefix.len--;
	node = def_section(l, "keep");
	if (node != NULL && !yaml_bool(node, &def->keep))
		def_complain(l, node, "keep must be true or false");
	node = def_section(l, "unwrap");
	if (node != NULL && !yaml_bool(node, &def->unwrap))
		def_complain(l, node, "unwrap must be true or false");
	node = def_section(l, "skip");
	if (node != NULL)
		def->skip = def_read_words(l, node, false);
	node = def_section(l, "host");
	if (node != NULL) {
		struct slice host = yaml_text(node, slice_of("", 0));

		if (slice_eq(host, SLICE("observer")))
			def->host = HOST_IS_OBSERVER;
		else if (slice_eq(host, SLICE("none")))
			def->host = HOST_IS_NONE;
		else if (!slice_eq(host, SLICE("host")))
			def_complain(l, node, "host must be host, observer or "
			    "none");
	}
}

static void
read_join(struct loader *l)
{
	const struct yaml_node *node = def_section(l, "join");
	struct join_spec *spec;

	if (node == NULL || yaml_is_null(node))
		return;
	spec = join_spec_read(node, l->file, l->arena, l->owned, l->diag);
	if (yaml_get(node, "then") != NULL)
		spec->then = def_read_block(l, yaml_get(node, "then"));
	l->def->join = spec;
}

/* A capture that no rule names is the field of its name. */
static void
finish_slots(struct loader *l)
{
	struct def *def = l->def;
	bool captures = def->decoder.kind == DECODER_TEMPLATE ||
	    def->decoder.kind == DECODER_REGEX;

	for (size_t i = 0; captures && i < l->nslots; i++) {
		struct slice name = l->slot_names[i];
		struct keymap *map = &l->slot_targets[i];
		struct target *t;
		field_t field;

		if (map->n > 0 || slice_eq(name, SLICE("@timestamp")))
			continue;
		field = slice_find_byte(name, '.') > 0 || field_find(name) <
		    FIELD_KNOWN ? field_intern(name) : !def->keep_unmapped
		    ? FIELD_NONE : def->prefix.len > 0 ? def_field_part(l,
		    l->chain[0]->root, def->prefix,
		    arena_cstr(l->arena, name)) : field_intern(name);
		if (field == FIELD_NONE)
			continue;
		t = def_room(l, 1, sizeof(*t));
		*t = def_target_blank();
		def_target_fields(l, t, l->chain[0]->root, field_name(field));
		t->plain = def_is_plain(t);
		*map = (struct keymap){ (slot_t)i, t, 1 };
	}
	def->slots = l->slots;
	def->slot_names = l->slot_names;
	def->slot_targets = l->slot_targets;
	def->nslots = l->nslots;
	for (size_t i = 0; i < l->nslots; i++)
		l->slot_targets[i].slot = (slot_t)i;
}

/* A key with targets is known at the end of longer names too; what only a
 * condition or a time asks for is known by its whole name. */
static void
read_names(struct loader *l)
{
	const struct yaml_node *node = def_section(l, "names");
	struct slice word = yaml_text(node, SLICE("exact"));
	struct map *loose;

	if (!slice_eq(word, SLICE("exact")) &&
	    !slice_eq(word, SLICE("loose")))
		def_complain(l, node, "names are exact or loose");
	if (!slice_eq(word, SLICE("loose")))
		return;
	loose = map_new();
	def_own_map(l, loose);
	for (size_t i = 0; i < l->nslots; i++)
		loosename_add(loose, l->slot_names[i], (unsigned)i,
		    l->slot_targets[i].n > 0);
	l->def->loose = loose;
}

static const char *const top_keys[] = { "name", "description", "base",
    "module", "dataset", "logsource", "observer", "match", "decode",
    "prefix", "rename", "keep", "skip", "keys", "tables", "set", "time",
    "when", "copy", "templates", "patterns", "examples", "host",
    "unwrap", "join", "names", NULL };

static const struct source *
find_source(const struct loader *l, struct slice name)
{
	for (size_t i = l->nsources; i-- > 0; )
		if (slice_eq(l->sources[i].name, name))
			return &l->sources[i];
	return NULL;
}

static bool
read_chain(struct loader *l, const struct source *source)
{
	l->nchain = 0;
	for (;;) {
		const struct yaml_node *base = yaml_get(source->root, "base");

		l->chain[l->nchain++] = source;
		l->file = source->file;
		def_check_keys(l, source->root, top_keys, "a definition");
		if (base == NULL)
			return true;
		source = find_source(l, yaml_text(base, slice_of("", 0)));
		if (source == NULL || l->nchain == CHAIN) {
			def_complain(l, base, source == NULL
			    ? "there is no definition of that name"
			    : "definitions stand on each other in a circle");
			return false;
		}
	}
}

static struct def *
read_def(struct loader *l, const struct source *source)
{
	size_t errors = diag_errors(l->diag);
	struct map *slots = map_new();

	def_own_map(l, slots);
	l->def = def_room(l, 1, sizeof(*l->def));
	l->slots = slots;
	l->nslots = 0;
	l->slot_names = xcalloc(DEF_SLOTS, sizeof(*l->slot_names));
	l->slot_targets = xcalloc(DEF_SLOTS, sizeof(*l->slot_targets));
	l->tables = map_new();
	l->depth = 0;
	if (read_chain(l, source)) {
		struct slice *names;
		struct keymap *targets;

		read_head(l);
		def_read_tables(l);
		def_read_renames(l);
		def_read_keys(l);
		def_read_decode(l);
		read_body(l);
		def_read_times(l);
		read_join(l);
		def_read_match(l);
		def_read_examples(l);
		/* What was made with the most room now gets its own. */
		names = def_room(l, l->nslots, sizeof(*names));
		targets = def_room(l, (l->nslots + 63) / 64 * 64,
		    sizeof(*targets));
		memcpy(names, l->slot_names, l->nslots * sizeof(*names));
		memcpy(targets, l->slot_targets, l->nslots *
		    sizeof(*targets));
		free(l->slot_names);
		free(l->slot_targets);
		l->slot_names = names;
		l->slot_targets = targets;
		read_names(l);
		finish_slots(l);
	} else {
		free(l->slot_names);
		free(l->slot_targets);
	}
	map_free(l->tables);
	return diag_errors(l->diag) > errors ? NULL : l->def;
}

static bool
is_def_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_')
			return false;
	}
	return name.len > 0 && name.len <= 100;
}

static void
collect(struct loader *l, const struct yaml_doc *doc)
{
	for (size_t i = 0; i < yaml_count(doc); i++) {
		const struct yaml_node *root = yaml_root(doc, i);
		struct slice name = def_text_at(root, "name");

		l->file = yaml_file(doc);
		if (root->kind != YAML_MAP) {
			def_complain(l, root, "a definition is a map");
			continue;
		}
		if (!is_def_name(name)) {
			def_complain(l, root, "a definition needs a name of "
			    "lower-case letters, digits and underscores");
			continue;
		}
		if (l->nsources == DEF_LIMIT) {
			def_complain(l, root, "more than %d definitions",
			    DEF_LIMIT);
			return;
		}
		l->sources = xrealloc(l->sources, (l->nsources + 1) *
		    sizeof(*l->sources));
		l->sources[l->nsources++] = (struct source){ root,
		    yaml_file(doc), name };
	}
}

#define BUILTIN 16
size_t
def_load(const char *const *files, size_t nfiles,
    const char *const *builtin, struct arena *arena,
    struct def_owned *owned, struct def ***defs, struct diag *diag)
{
	struct loader l = { .arena = arena, .owned = owned, .diag = diag };
	struct yaml_doc **docs = xcalloc(nfiles + BUILTIN,
	    sizeof(struct yaml_doc *));
	size_t n = 0, ndocs = 0;

	for (; builtin[ndocs] != NULL && ndocs < BUILTIN; ndocs++)
		docs[ndocs] = yaml_parse(slice_cstr(builtin[ndocs]),
		    "(built in)", diag);
	for (size_t i = 0; i < nfiles; i++)
		docs[ndocs++] = yaml_load(files[i], diag);
	for (size_t i = 0; i < ndocs; i++)
		if (docs[i] != NULL)
			collect(&l, docs[i]);
	*defs = xcalloc(l.nsources + 1, sizeof(struct def *));
	for (size_t i = 0; i < l.nsources; i++) {
		struct def *def;

		if (find_source(&l, l.sources[i].name) != &l.sources[i])
			continue;	/* a later one replaces it */
		def = read_def(&l, &l.sources[i]);
		if (def != NULL)
			(*defs)[n++] = def;
	}
	for (size_t i = 0; i < ndocs; i++)
		yaml_free(docs[i]);
	free(docs);
	free(l.sources);
	return n;
}

void
def_owned_free(struct def_owned *owned)
{
	for (size_t i = 0; i < owned->nmaps; i++)
		map_free(owned->maps[i]);
	for (size_t i = 0; i < owned->nregexes; i++)
		regex_free(owned->regexes[i]);
	for (size_t i = 0; i < owned->ncodes; i++)
		pcre2_code_free(owned->codes[i]);
	free(owned->maps);
	free(owned->regexes);
	free(owned->codes);
}
