#include "tools/detect_input.h"

#include <stdlib.h>

#include "correlation/shape.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/event.h"
#include "parsers/enrich.h"
#include "parsers/parserset.h"

struct detect_input {
	const struct conf *conf;
	struct diag *diag;
	struct parserset *parsers;	/* NULL until needed */
	struct parser_lane *lane;
	struct parser_options options;
	struct enrich *enrich;
	struct shape_names *names;
};

struct detect_input *
detect_input_new(const struct conf *conf)
{
	struct detect_input *input = xcalloc(1, sizeof(*input));

	input->conf = conf;
	input->diag = diag_new();
	input->names = shape_names_new();
	input->options.trust_logsource = true;
	if (conf->timezone != NULL)
		input->options.zone = slice_cstr(conf->timezone);
	return input;
}

void
detect_input_free(struct detect_input *input)
{
	if (input == NULL)
		return;
	if (input->lane != NULL)
		parser_lane_free(input->lane);
	if (input->parsers != NULL)
		parserset_put(input->parsers);
	if (input->enrich != NULL)
		enrich_put(input->enrich);
	diag_free(input->diag);
	shape_names_free(input->names);
	free(input);
}

static void
load_context(struct detect_input *input)
{
	const struct conf *conf = input->conf;
	struct enrich_list_conf *lists = xcalloc(conf->nlists + 1,
	    sizeof(*lists));
	struct enrich_conf context = { .geoip = conf->geoip,
	    .ngeoip = conf->ngeoip, .networks = conf->networks,
	    .nnetworks = conf->nnetworks, .assets = conf->assets,
	    .nassets = conf->nassets, .lists = lists,
	    .nlists = conf->nlists };

	for (size_t i = 0; i < conf->nlists; i++)
		lists[i] = (struct enrich_list_conf){ conf->lists[i].name,
		    conf->lists[i].file, conf->lists[i].key,
		    conf->lists[i].category };
	input->enrich = enrich_load(&context, input->diag);
	free(lists);
}

static void
load(struct detect_input *input)
{
	if (input->lane != NULL)
		return;
	input->parsers = parserset_load(input->conf->parsers,
	    input->conf->nparsers, input->diag);
	input->lane = parser_lane_new(input->parsers);
	load_context(input);
}

/* As fresh from batch_add() again. */
static void
start_over(struct event *event)
{
	struct event fresh = { .batch = event->batch, .raw = event->raw,
	    .peer = event->peer, .seq = event->seq,
	    .time_ns = event->ingested_ns,
	    .ingested_ns = event->ingested_ns };

	*event = fresh;
}

void
detect_input_read(struct detect_input *input, struct event *event)
{
	if (slice_starts(slice_trim(event->raw), SLICE("{"))) {
		if (shape_event_named(input->names, event) &&
		    event->logsource != 0)
			return;
		start_over(event);
	}
	detect_input_parse(input, event, SLICE(""));
	event_seal(event);
}

void
detect_input_parse(struct detect_input *input, struct event *event,
    struct slice def)
{
	struct parser_options options = input->options;

	load(input);
	options.def = def;
	parser_run(input->lane, &options, event);
	enrich_run(input->enrich, event);
}

const struct diag *
detect_input_findings(const struct detect_input *input)
{
	return input->diag;
}
