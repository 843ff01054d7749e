/* parsers/parserset.h -- all definitions in force, compiled.
 *
 * Built once from folders of yagura-parser(5) files, immutable afterwards,
 * swapped whole on reload. Holds the index of marks that finds the definition
 * for a line, and every definition's decoder, key table and templates.
 *
 * Memory: parserset_load gives one count; get/put like a batch.
 * Owner:  any thread may read.
 */
#ifndef YAGURA_PARSERS_PARSERSET_H
#define YAGURA_PARSERS_PARSERSET_H

#include "engine/slice.h"

struct def;
struct diag;
struct event;
struct streams;
struct parserset;
struct parser_lane;

/* Loads every *.yml of the folders or files, later ones replacing definitions
 * of the same name. Mistakes are findings; a definition with a mistake is left
 * out alone. Never NULL: with no definitions every line is unknown. */
struct parserset *parserset_load(const char *const *paths, size_t n,
    struct diag *diag);

/* The same; what is wrong with a definition goes into `refused`, only paths
 * that are not there go into diag. For those who go on without the former. */
struct parserset *parserset_load_rest(const char *const *paths, size_t n,
    struct diag *diag, struct diag *refused);
struct parserset *parserset_get(struct parserset *set);
void parserset_put(struct parserset *set);	/* NULL does nothing */

size_t parserset_count(const struct parserset *set);
struct slice parserset_name(const struct parserset *set, size_t i);
struct slice parserset_description(const struct parserset *set, size_t i);
bool parserset_has(const struct parserset *set, struct slice name);

/* The definition of that name, or NULL; lives as long as the set. */
const struct def *parserset_def(const struct parserset *set,
    struct slice name);

/* Runs the example lines of all definitions, a finding for each that does not
 * give its expectation. Returns how many examples were run. */
size_t parserset_test(struct parserset *set, struct diag *diag);

/* Each example line as an event that was read, for those who ask what the
 * definitions give; the event is gone when visit returns. */
void parserset_examples(struct parserset *set, void (*visit)(struct slice name,
    const struct event *event, void *arg), void *arg);

/* What one thread needs to decode: regex contexts, join state, the memory of
 * which definition a peer and program spoke last. Keeps a count of the set. */
struct parser_lane *parser_lane_new(struct parserset *set);
void parser_lane_free(struct parser_lane *lane);

/* Asks this table for headers from now on (counted); NULL: a new one of its
 * own, as at first. What a lane read before is a stream of its own no more. */
void parser_lane_share(struct parser_lane *lane, struct streams *streams);

/* How the lane treats what it is given; zeroed means defaults. */
struct parser_options {
	struct slice def;	/* use this definition only; empty: find it */
	struct slice zone;	/* zone of times without one; empty: UTC */
	struct slice charset;	/* of the line; empty: UTF-8, if it is that */
	bool	 trust_logsource;	/* _logsource of NDJSON is a log source */
	bool	 ndjson;	/* from a JSON receiver: unwrap `message` */
	int64_t	 retention_ns;	/* retention, or how old an event can be: older
				 * times are not believed; 0: all are */
};

/* Decodes event->raw: values, time, tags, log source. The event must be fresh
 * from batch_add(); it is not sealed here, so that enrichment can follow. What
 * nobody knows is kept raw, tagged `unparsed`, with whatever its syslog header
 * gave. Never fails. */
void parser_run(struct parser_lane *lane, const struct parser_options *options,
    struct event *event);

/* Runs what the definition says of the records that its lines make, over the
 * fields of the event, which is not sealed. See join.h. */
void parser_joined(struct parser_lane *lane, const struct def *def,
    struct event *event);

/* For `yagura parse --explain`: the same, and one line of text per step (which
 * definition, why, which phase failed). */
struct strbuf;
void parser_explain(struct parser_lane *lane,
    const struct parser_options *options, struct event *event,
    struct strbuf *out);

#endif
