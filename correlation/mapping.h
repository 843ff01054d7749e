/* correlation/mapping.h -- where rules look for fields, as data.
 *
 * rules.d/mappings/README describes the files. A rule field is resolved once,
 * when the rule is loaded; what an event belongs to by its channel and number
 * is looked up once for each event.
 *
 * Memory: mapping_new gives an owned mapping; everything in it lives as long.
 * Owner:  immutable once all files are added; any thread may read.
 */
#ifndef YAGURA_CORRELATION_MAPPING_H
#define YAGURA_CORRELATION_MAPPING_H

#include "engine/field.h"
#include "engine/logsource.h"
#include "engine/pred.h"

struct diag;
struct event;
struct mapping;

#define MAPPING_ROUTES 16	/* documents one event may belong to */

struct mapping *mapping_new(void);
void mapping_free(struct mapping *mapping);	/* NULL does nothing */

/* Adds every *.yml of a folder, in order of their names. A folder that is
 * not there adds nothing. */
void mapping_add(struct mapping *mapping, const char *folder,
    struct diag *diag);

/* Ends adding; finds mistakes in `events`. */
void mapping_seal(struct mapping *mapping, struct diag *diag);

/* The places of a field for a rule of this log source, at least one. */
size_t mapping_resolve(const struct mapping *mapping,
    const struct logsource *logsource, struct slice name,
    field_t out[PRED_FIELDS]);

/* Documents that have `events`, numbered from 0. */
size_t mapping_routes(const struct mapping *mapping);

/* Whether events of a route belong to a rule's log source. A service may also
 * be met by another document with the same channel. */
bool mapping_route_meets(const struct mapping *mapping, size_t route,
    const struct logsource *wanted);

/* The routes an event belongs to, rising; at most MAPPING_ROUTES. */
size_t mapping_find_routes(const struct mapping *mapping,
    const struct event *event, struct pred_scratch *scratch,
    uint16_t out[MAPPING_ROUTES]);

/* Whether each part that `wanted` names equals that part of `has`. */
bool logsource_meets(const struct logsource *has,
    const struct logsource *wanted);

#endif
