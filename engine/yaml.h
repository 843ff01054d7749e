/* engine/yaml.h -- a YAML file as a tree that knows its lines.
 *
 * libyaml reads; we keep scalars as written with line and column for every
 * node, because every message about a rule or a definition names its place.
 * Aliases are followed, but the whole tree is bounded (YAML_NODES), so that
 * "billion laughs" is a finding and not a crash. Duplicate keys are findings.
 *
 * Memory: yaml_load gives an owned document; nodes are borrowed from it.
 */
#ifndef YAGURA_ENGINE_YAML_H
#define YAGURA_ENGINE_YAML_H

#include "engine/slice.h"

struct diag;

#define YAML_NODES 1000000	/* nodes a file may unfold to */
#define YAML_DEPTH 64
#define YAML_BYTES (64u << 20)

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	bool	 quoted;	/* scalar: was in quotes or a block */
	int	 line, column;	/* from 1 */
	struct slice text;	/* scalar */
	size_t	 n;		/* list: items; map: pairs */
	struct yaml_node **items;	/* list: items; map: values */
	struct yaml_node **keys;	/* map */
};

struct yaml_doc;

/* Every document of a file or of bytes. NULL with findings if it is not
 * readable or not YAML. `file` is the name for findings, and is opened by
 * yaml_load. An empty file has no documents and is no error. */
struct yaml_doc *yaml_load(const char *file, struct diag *diag);
struct yaml_doc *yaml_parse(struct slice bytes, const char *file,
    struct diag *diag);

/* NULL does nothing. libyaml exports a yaml_free of its own and calls it; a
 * symbol of another name keeps the two apart. */
void yaml_free(struct yaml_doc *doc) __asm__("yagura_yaml_free");

const char *yaml_file(const struct yaml_doc *doc);
size_t yaml_count(const struct yaml_doc *doc);
const struct yaml_node *yaml_root(const struct yaml_doc *doc, size_t i);

/* The value under key, or NULL; node may be NULL or no map. */
const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);

/* Null in the sense of YAML: empty, ~, null, and not quoted. */
bool yaml_is_null(const struct yaml_node *node);

/* Scalars by type; false if the text is not one. Booleans: true false (any
 * case), yes no on off are text as in YAML 1.2. */
bool yaml_bool(const struct yaml_node *node, bool *out);
bool yaml_long(const struct yaml_node *node, int64_t *out);

/* The text of a scalar, or `otherwise` if node is NULL or no scalar. */
struct slice yaml_text(const struct yaml_node *node, struct slice otherwise);

#endif
