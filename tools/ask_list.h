/* tools/ask_list.h -- tables for `lookup`, and queries that people saved.
 *
 * A list is one of the configuration, by its name, or a CSV file, by its path.
 * Saved queries stand in the file `searches` of the data folder, and beside
 * the configuration; the first that has the name counts:
 *
 *	# name = query
 *	failed = event.category:authentication event.outcome:failure
 *	by-user = @failed | top 20 user.name
 */
#ifndef YAGURA_TOOLS_ASK_LIST_H
#define YAGURA_TOOLS_ASK_LIST_H

#include "storage/query.h"

struct ask;
struct strbuf;

#define SAVED_DEPTH 10		/* a saved query may begin with another one */
#define LIST_CELLS 5000000	/* of one list; more rows are refused */

/* See query_names: `user` is the struct ask. */
bool ask_list(void *user, struct slice name, struct arena *arena,
    struct query_list *out, char why[256]);

/* "@name rest" with the saved query in the place of the name. False: there is
 * none, and that has been said. Text without @ is copied. */
bool ask_saved(const struct ask *ask, struct slice text, struct strbuf *out);

/* Names of saved queries that begin so, one a line. */
void ask_saved_names(const struct ask *ask, struct slice prefix,
    struct strbuf *out);

#endif
