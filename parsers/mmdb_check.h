/* parsers/mmdb_check.h -- is this a MaxMind file that may be believed?
 *
 * The library reads what it is given and looks only at what a lookup touches;
 * a damaged file would show itself one address at a time, and some damage
 * makes it follow a record round and round. So every node of the tree and
 * every record is looked at once, before the library opens the file.
 */
#ifndef YAGURA_PARSERS_MMDB_CHECK_H
#define YAGURA_PARSERS_MMDB_CHECK_H

#include "engine/slice.h"

/* NULL if the bytes are sound, else what is wrong, as a static text. */
const char *mmdb_check(struct slice bytes);

#endif
