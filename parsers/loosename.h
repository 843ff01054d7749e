/* parsers/loosename.h -- one name for the many spellings of a key.
 *
 * Products that nobody described yet still call things alike: srcIp, src_ip,
 * SrcIP, "Src IP", data.src.ip. A definition that says `names: loose` knows
 * its keys in all of these, and at the end of longer names.
 */
#ifndef YAGURA_PARSERS_LOOSENAME_H
#define YAGURA_PARSERS_LOOSENAME_H

#include "engine/slice.h"

#define LOOSENAME_BYTES 256	/* longer names have no loose spelling */

struct map;

/* Lower-case letters, digits and bytes above ASCII of the name; 0 bytes if it
 * is too long or nothing is left. */
struct slice loosename(struct slice name, char buf[LOOSENAME_BYTES]);

/* Names the slot by its loose spelling; of several slots the first has it.
 * ends: also at the end of longer names, behind a dot. */
void loosename_add(struct map *map, struct slice name, unsigned slot,
    bool ends);

/* The slot of the longest end of the name that has one; false if none has. */
bool loosename_find(const struct map *map, struct slice name, unsigned *slot);

#endif
