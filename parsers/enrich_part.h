/* parsers/enrich_part.h -- what every kind of enrichment offers.
 *
 * One row in enrich.def and one file of this shape. A part is immutable after
 * load and may run on any thread; what it puts into an event it copies into
 * the arena of the batch, because the batch outlives a reload.
 */
#ifndef YAGURA_PARSERS_ENRICH_PART_H
#define YAGURA_PARSERS_ENRICH_PART_H

#include "engine/event.h"
#include "parsers/enrich.h"

struct enricher {
	/* Owned; NULL if nothing is configured or nothing could be read. */
	void	*(*load)(const struct enrich_conf *conf, struct diag *diag);
	void	 (*run)(const void *part, struct event *event);
	void	 (*free)(void *part);
};

#define ENRICHER(name, help) extern const struct enricher enricher_##name;
#include "parsers/enrich.def"
#undef ENRICHER

/* Sets text that we own, unless the event has the field. */
void enrich_set(struct event *event, field_t field, struct slice text);

/* The same for any value. */
void enrich_set_value(struct event *event, field_t field,
    const struct value *value);

/* The ends of a connection and the machine itself, in this order everywhere. */
enum enrich_end { END_SOURCE, END_DESTINATION, END_HOST, ENDS };

#endif
