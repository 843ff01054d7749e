/* parsers/def.h -- one definition, compiled.
 *
 * What yagura-parser(5) describes, ready to run: names of keys are slots (a
 * small number per definition), names of fields are numbers, every table and
 * condition is in the form in which it is asked.
 *
 * A line is cut into slots by the decoder; then the definition runs over the
 * slots: targets of keys, constants, time, blocks, copies.
 *
 * Memory: everything lives in the arena of the set. Immutable once loaded.
 */
#ifndef YAGURA_PARSERS_DEF_H
#define YAGURA_PARSERS_DEF_H

#include "engine/field.h"
#include "engine/slice.h"
#include "engine/value.h"

#define DEF_LIMIT 2000		/* definitions in a set */
#define DEF_SLOTS 4096		/* keys known to one definition */
#define DEF_TEMPLATES 2000	/* in one definition */
#define DEF_LITERAL_BYTES 65536	/* one text of a definition */
#define DEF_NESTING 8		/* blocks in blocks, decoding in decoding */
#define SLOT_NONE UINT16_MAX

struct arena;
struct block;
struct diag;
struct ip_net;
struct map;
struct regex;
struct template_tree;
struct join_spec;
struct zone;

typedef uint16_t slot_t;

/* A list of texts that are compared without regard to case. */
struct words {
	const struct slice *at;
	size_t	 n;
	uint32_t lengths;	/* a bit for each that one has, up to 31 */
};

/* --- value tables -------------------------------------------------------- */
struct table_row {
	struct slice from;	/* lower case */
	struct value to;	/* text or list of texts */
};

struct table {
	const struct table_row *exact;
	size_t	 nexact;
	const struct map *index;	/* of exact, if there are many */
	const struct table_row *starts;	/* longest first */
	size_t	 nstarts;
	bool	 has_other, same;	/* same: the value as it is */
	struct value other;
};

/* --- decoders ------------------------------------------------------------ */
enum decoder_kind {
#define DECODER(id, name, run) DECODER_##id,
#include "parsers/decode.def"
#undef DECODER
	DECODERS
};

struct pattern {
	struct pcre2_real_code_8 *code;
	const slot_t *groups;	/* by group number; SLOT_NONE for none */
	const struct slice *names;	/* of the groups; empty for none */
	uint32_t ngroups;
	const struct block *block;	/* NULL if none */
};

struct csv_columns {
	struct slice value;	/* of the column `by`; empty: all lines */
	const struct slice *names;	/* empty name: left out */
	size_t	 n;
};

struct decoder {
	enum decoder_kind kind;
	struct slice after;
	char	 assign, between, delimiter;	/* between 0: blanks */
	char	 quote;			/* 0: both kinds */
	bool	 escape, blanks, words;
	bool	 twice_first, twice_last;
	size_t	 by;			/* csv: column that decides, from 1 */
	const struct csv_columns *columns;
	size_t	 ncolumns;
	const struct pattern *patterns;
	size_t	 npatterns;
	const struct template_tree *templates;
};

/* --- targets ------------------------------------------------------------- */
enum split {
	SPLIT_NO, SPLIT_USER, SPLIT_ENDPOINT, SPLIT_URL, SPLIT_HASHES,
	SPLIT_PATH, SPLIT_EMAIL, SPLIT_LIST
};

enum take {
	TAKE_ALL, TAKE_BASENAME, TAKE_DIRNAME, TAKE_EXTENSION,
	TAKE_FIRST_WORD, TAKE_LABELS, TAKE_BEFORE, TAKE_AFTER,
	TAKE_BEFORE_LAST, TAKE_AFTER_LAST
};

#define TARGET_PARTS 9
struct target {
	uint8_t	 split, take;
	bool	 lower, upper, trim, hex, add, force, drop, keep;
	bool	 typed;			/* `type` was given */
	bool	 plain;			/* the value goes as it is into field[0] */
	uint8_t	 type;			/* enum value_type */
	field_t	 field[TARGET_PARTS];	/* [0] only, or the parts of a split */
	field_t	 domain;		/* X.domain beside X.ip, or NONE */
	field_t	 vendor;		/* where a misfit is kept */
	struct slice by;
	struct slice format;		/* of a time; empty: auto */
	double	 times;			/* 0: no */
	const struct table *table;
	struct words skip;
	const struct decoder *decode;
	slot_t	 pair;			/* holds the values to these names */
	bool	 paired;
	struct slice decode_prefix;	/* name before inner keys */
	bool	 decode_own_name;	/* that of the key itself */
};

struct keymap {
	slot_t	 slot;
	const struct target *targets;
	size_t	 n;
};

/* --- conditions ---------------------------------------------------------- */
enum cond_kind {
	COND_ALL, COND_ANY, COND_NOT,	/* over kids */
	COND_EXISTS, COND_ABSENT, COND_EQUALS, COND_STARTS, COND_ENDS,
	COND_CONTAINS, COND_REGEX, COND_GT, COND_GE, COND_LT, COND_LE,
	COND_CIDR
};

struct condition {
	enum cond_kind kind;
	slot_t	 slot;
	field_t	 field;
	struct words words;
	const struct map *index;	/* of words, if there are many */
	struct regex *const *regexes;
	const struct cidr *nets;	/* words.n of them */
	double	 number;
	const struct condition *kids;
	size_t	 nkids;
};

/* --- blocks -------------------------------------------------------------- */
struct piece {			/* of a text with {names} in it */
	struct slice literal;
	slot_t	 slot;		/* SLOT_NONE: a literal */
	field_t	 field;
};

struct setting {
	field_t	 field;
	bool	 remove;
	struct value value;	/* used if there are no pieces */
	const struct piece *pieces;
	size_t	 npieces;
};

struct copy {
	field_t	 to;
	const field_t *from;
	size_t	 n;
};

struct switch_case {
	struct slice value;	/* lower case */
	const struct block *block;
};

struct block {
	const struct condition *cond;	/* NULL: always */
	const struct setting *sets;
	size_t	 nsets;
	const struct keymap *keys;
	size_t	 nkeys;
	const struct copy *copies;
	size_t	 ncopies;
	const field_t *drops;
	size_t	 ndrops;
	struct slice dataset;
	uint16_t logsource;	/* replaces the parts it names: */
	uint8_t	 logsource_parts;	/* 1 category, 2 product, 4 service */
	const struct block *const *when;
	size_t	 nwhen;
	const struct block *otherwise;
	/* A switch has cases instead of a condition. */
	slot_t	 switch_slot;
	field_t	 switch_field;
	const struct switch_case *cases;
	size_t	 ncases;
	const struct map *case_index;
};

/* --- time ---------------------------------------------------------------- */
#define TIMEWAY_KEYS 4
struct timeway {
	slot_t	 slots[TIMEWAY_KEYS];
	size_t	 n;
	bool	 epoch;
	struct slice format;		/* empty: auto */
	slot_t	 zone_slot;
	const struct zone *zone;	/* NULL: the configured one */
	field_t	 to;
};

/* --- recognition --------------------------------------------------------- */
struct value_mark {
	struct slice key;
	struct words values;
};

struct marks {
	struct words programs;		/* lower case; * at the end */
	struct words contains, starts;	/* with regard to case */
	struct words keys;
	const struct value_mark *values;
	size_t	 nvalues;
	bool	 cef, leef;
	struct words vendor, product;	/* * at the end */
	struct words header;		/* of the stream; then nothing else */
	int	 priority;
	bool	 sure;			/* keeps what it cannot read */
};

/* --- names of keys ------------------------------------------------------- */
struct rename_rule {
	struct slice from;	/* beginning, without the star */
	struct slice to;
	bool	 star;
	char	 first;		/* 'u', 'l' or 0 */
};

struct example {
	struct slice line;
	struct words header;	/* lines before it */
	int64_t	 now_ns;
	struct slice zone;
	const struct example_field *expect;
	size_t	 nexpect;
	int	 line_number;
};

struct example_field {
	struct slice name;
	bool	 absent;
	const struct slice *values;
	size_t	 n;
	int	 line, column;
};

enum host_field { HOST_IS_HOST, HOST_IS_OBSERVER, HOST_IS_NONE };

struct def {
	struct slice name, description, module, dataset, file;
	uint16_t logsource;
	unsigned number;		/* place in the set */
	const struct marks *marks;
	size_t	 nmarks;
	struct decoder decoder;
	bool	 keep_unmapped, keep;	/* prefix ~; keep: true */
	bool	 unwrap;		/* the message is a line of its own */
	struct slice prefix;		/* without the dot; may be empty */
	const struct rename_rule *renames;
	size_t	 nrenames;
	struct words skip;
	size_t	 nslots;
	const struct map *slots;	/* name -> slot */
	const struct map *loose;	/* the same, see loosename.h; or NULL */
	const struct slice *slot_names;
	const struct keymap *slot_targets;	/* by slot; n 0: none */
	enum host_field host;
	const struct timeway *times;
	size_t	 ntimes;
	struct block body;		/* set, when, copy of the top */
	const struct block *const *template_blocks;	/* by template */
	const struct join_spec *join;	/* NULL: every line stands alone */
	const struct example *examples;
	size_t	 nexamples;
};

/* What the compiled definitions own outside the arena. */
struct def_owned {
	struct map **maps;
	size_t	 nmaps;
	struct regex **regexes;
	size_t	 nregexes;
	struct pcre2_real_code_8 **codes;
	size_t	 ncodes;
};

void def_owned_free(struct def_owned *owned);

/* Reads every definition of the files; later ones replace earlier ones of the
 * same name. A definition with a mistake is left out. Answers their number.
 * builtin: texts of definitions, ends with NULL. */
size_t def_load(const char *const *files, size_t nfiles,
    const char *const *builtin, struct arena *arena, struct def_owned *owned,
    struct def ***defs, struct diag *diag);

#endif
