/* parsers/def_read.h -- from YAML to a definition, shared by its readers.
 *
 * Each section of yagura-parser(5) is read by functions of one file, which all
 * go on after a mistake, so that a person sees every finding at once.
 *
 * Owner:  def_load(), while it runs.
 * Memory: what they answer lives in the arena of the set.
 */
#ifndef YAGURA_PARSERS_DEF_READ_H
#define YAGURA_PARSERS_DEF_READ_H

#include "engine/yaml.h"
#include "parsers/def.h"

#define CHAIN 8		/* definitions a definition may stand on */
#define DEF_MANY 8	/* more entries get a hash */

struct source {
	const struct yaml_node *root;
	const char *file;
	struct slice name;
};

struct loader {
	struct arena *arena;
	struct def_owned *owned;
	struct diag *diag;
	struct source *sources;		/* all there are */
	size_t	 nsources;
	/* The definition in hand and what it stands on, itself first. */
	const struct source *chain[CHAIN];
	size_t	 nchain;
	const char *file;		/* of the node in hand */
	struct def *def;
	struct map *slots;
	struct slice *slot_names;
	size_t	 nslots;
	struct keymap *slot_targets;
	struct map *tables;		/* name -> struct table */
	unsigned depth;
};

/* --- def_text.c: nodes, texts, names ------------------------------- */
/* A finding at the node: the definition in hand will be left out. */
void def_complain(struct loader *l, const struct yaml_node *node,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Cleared room; def_keep copies a text, def_keep_lower in small letters. */
void *def_room(struct loader *l, size_t count, size_t bytes);
struct slice def_keep(struct loader *l, struct slice s);
struct slice def_keep_lower(struct loader *l, struct slice s);

/* A scalar; NULL is none. def_text_at: that of a key, "" if it has none. */
bool def_is_text(const struct yaml_node *node);
struct slice def_text_at(const struct yaml_node *node, const char *key);

/* A finding with the nearest right word for each key that is not known. */
void def_check_keys(struct loader *l, const struct yaml_node *map,
    const char *const *known, const char *what);
bool def_want_map(struct loader *l, const struct yaml_node *node,
    const char *what);

/* A text or a list of texts. */
struct words def_read_words(struct loader *l, const struct yaml_node *node,
    bool lower);

/* true or false, or what there is otherwise; one character, or 0. */
bool def_read_flag(struct loader *l, const struct yaml_node *map,
    const char *key, bool otherwise);
char def_read_char(struct loader *l, const struct yaml_node *map,
    const char *key);

/* The map is freed with the set. */
void def_own_map(struct loader *l, struct map *map);

/* The number of a key, given if need be; of a field, FIELD_NONE after a
 * finding; of the field under `head` that a split fills. */
slot_t def_slot_of(struct loader *l, struct slice name);
field_t def_field_at(struct loader *l, const struct yaml_node *node,
    struct slice name);
field_t def_field_part(struct loader *l, const struct yaml_node *node,
    struct slice head, const char *part);

/* A section of the definition in hand or of what it stands on; NULL: none. */
const struct yaml_node *def_section(struct loader *l, const char *key);

/* --- def_target.c: tables, keys and where they go ------------------ */
struct value def_read_value(struct loader *l, const struct yaml_node *node);
void def_read_tables(struct loader *l);
void def_target_fields(struct loader *l, struct target *t,
    const struct yaml_node *node, struct slice to);
struct target def_target_blank(void);

/* Nothing happens to the value on its way into its one field. */
bool def_is_plain(const struct target *t);
void def_read_keys(struct loader *l);
const struct keymap *def_read_block_keys(struct loader *l,
    const struct yaml_node *node, size_t *n);

/* --- def_decoder.c: decoders, templates, patterns ------------------ */
const struct decoder *def_read_decoder(struct loader *l,
    const struct yaml_node *node);
size_t def_count_items(struct loader *l, const char *key);
void def_read_decode(struct loader *l);

/* --- def_block.c: constants, conditions, blocks -------------------- */
const struct setting *def_read_sets(struct loader *l,
    const struct yaml_node *node, size_t *n);
const struct copy *def_read_copies(struct loader *l,
    const struct yaml_node *node, size_t *n);
const struct block *const *def_read_when(struct loader *l,
    const struct yaml_node *node, size_t *n);
uint16_t def_read_logsource(struct loader *l, const struct yaml_node *node,
    uint16_t base);
struct block *def_read_block(struct loader *l, const struct yaml_node *node);

/* --- def_time.c: times --------------------------------------------- */
void def_read_times(struct loader *l);

/* --- def_mark.c: marks and renaming -------------------------------- */
void def_read_match(struct loader *l);
void def_read_renames(struct loader *l);

/* --- def_example.c: examples --------------------------------------- */
void def_read_examples(struct loader *l);

#endif
