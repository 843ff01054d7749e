/* correlation/sigma_lists.h -- values for placeholders, from lists.
 *
 * The folder `lists` beside rules holds NAME.txt, one value a line, for the
 * placeholder %NAME%; and *.yml, maps of names to values. In both a value is
 * written as in a rule. Lists of a later folder replace those of the same name.
 *
 * Memory: sigma_lists_new gives owned lists; texts live as long.
 */
#ifndef YAGURA_CORRELATION_SIGMA_LISTS_H
#define YAGURA_CORRELATION_SIGMA_LISTS_H

#include "engine/slice.h"

struct diag;
struct sigma_lists;

#define SIGMA_LIST_VALUES 10000		/* in one list; more are refused */
#define SIGMA_LIST_BYTES (1u << 20)	/* of one file */

struct sigma_list {
	struct slice name;
	const char *file;
	size_t	 n;
	const struct slice *values;
};

struct sigma_lists *sigma_lists_new(void);
void sigma_lists_free(struct sigma_lists *lists);	/* NULL: nothing */

/* Adds every list of a folder, which need not be there. */
void sigma_lists_add(struct sigma_lists *lists, const char *folder,
    struct diag *diag);

const struct sigma_list *sigma_lists_find(const struct sigma_lists *lists,
    struct slice name);

/* The name nearest to this one, or NULL. */
const char *sigma_lists_nearest(const struct sigma_lists *lists,
    struct slice name);

#endif
