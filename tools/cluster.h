/* tools/cluster.h -- lines that look alike, as templates with holes.
 *
 * A line is cut into words, numbers, addresses, times, quoted texts and what
 * stands between them. Lines of one group and one shape whose words mostly
 * agree are one cluster; where they differ there is a hole of the type of what
 * stood there. What comes out is a template of yagura-parser(5).
 *
 * Memory: bounded, whatever comes in: CLUSTERS clusters of CLUSTER_ATOMS atoms
 *         with CLUSTER_SAMPLES samples; lines of further shapes are counted
 *         only.
 * Owner:  one thread.
 */
#ifndef YAGURA_TOOLS_CLUSTER_H
#define YAGURA_TOOLS_CLUSTER_H

#include "engine/slice.h"

#define CLUSTERS 2000		/* shapes; lines of others are counted only */
#define CLUSTER_ALIKE 50	/* clusters of one shape; then the nearest */
#define CLUSTER_ATOMS 96	/* of a line; behind them "the rest" */
#define CLUSTER_SAMPLES 3
#define CLUSTER_SAMPLE_BYTES 1024
#define CLUSTER_SOURCES 4	/* named; others make `more_sources` true */
#define CLUSTER_TEXT_BYTES 256	/* of one word; a longer one is a hole */

struct strbuf;

enum atom_kind {
	ATOM_MARK,		/* blank or punctuation, always the same */
	ATOM_WORD, ATOM_INT, ATOM_NUM, ATOM_HEX, ATOM_IP, ATOM_TIME,
	ATOM_QUOTED, ATOM_REST
};

struct atom {
	enum atom_kind kind;
	bool	 hole;		/* differs, or is no word */
	struct slice text;	/* of the first line */
};

struct cluster {
	uint64_t count;
	struct slice group;
	size_t	 natoms;
	struct atom *atoms;
	size_t	 nsamples;
	struct slice samples[CLUSTER_SAMPLES];	/* the first different ones */
	size_t	 nsources;
	struct slice sources[CLUSTER_SOURCES];
	bool	 more_sources;
	struct cluster *alike;	/* next one of the same shape */
};

struct clusters;

struct clusters *clusters_new(void);
void clusters_free(struct clusters *clusters);	/* NULL does nothing */

/* Adds a line. Lines of different groups (programs) are never together. The
 * bytes are copied. */
void clusters_add(struct clusters *clusters, struct slice group,
    struct slice source, struct slice line);

/* All of them, those of most lines first; borrowed until the next add. */
struct cluster *const *clusters_list(struct clusters *clusters, size_t *n);

/* Lines past CLUSTERS. */
uint64_t clusters_left_out(const struct clusters *clusters);

/* The template. `name` gives the name of the hole at atoms[i]; NULL: a name of
 * type and number. */
typedef void cluster_name_fn(void *arg, const struct cluster *cluster,
    size_t i, struct strbuf *name);
void cluster_template(const struct cluster *cluster, cluster_name_fn *name,
    void *arg, struct strbuf *out);

/* What a hole of this kind is called in a template: "int", "ip", ... */
const char *atom_type(enum atom_kind kind);

#endif
