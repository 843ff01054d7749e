#include "tools/daemon_load.h"

#include "correlation/ruleset.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/event.h"
#include "engine/ip.h"
#include "parsers/enrich.h"
#include "tools/health.h"

#include <stdatomic.h>
#include <stdlib.h>

#define PROGRAM_BYTES 256	/* of a line, where its tag must stand */

static struct enrich *
load_enrich(const struct conf *conf, struct diag *missing)
{
	struct enrich_list_conf *lists = xcalloc(conf->nlists + 1,
	    sizeof(*lists));
	struct enrich_conf enrich = {
	    .geoip = conf->geoip, .ngeoip = conf->ngeoip,
	    .networks = conf->networks, .nnetworks = conf->nnetworks,
	    .assets = conf->assets, .nassets = conf->nassets,
	    .lists = lists, .nlists = conf->nlists };
	struct enrich *loaded;

	for (size_t i = 0; i < conf->nlists; i++)
		lists[i] = (struct enrich_list_conf){
		    .name = conf->lists[i].name, .file = conf->lists[i].file,
		    .key = conf->lists[i].key,
		    .category = conf->lists[i].category };
	loaded = enrich_load(&enrich, missing);
	free(lists);
	return loaded;
}

/* What the source says, else the input, else the configuration. */
static struct slice
first_given(const char *source, const char *input, const char *general)
{
	return slice_cstr(source[0] != '\0' ? source :
	    input[0] != '\0' ? input : general);
}

static struct parser_options
options_of(const struct conf *conf, const struct conf_listen *input,
    const struct conf_source *source)
{
	return (struct parser_options){
	    .def = first_given(source != NULL ? source->parser : "",
		input != NULL ? input->parser : "", ""),
	    .zone = first_given(source != NULL ? source->timezone : "",
		input != NULL ? input->timezone : "", conf->timezone),
	    .charset = first_given(source != NULL ? source->charset : "",
		input != NULL ? input->charset : "", ""),
	    .trust_logsource = (source != NULL && source->trust_logsource) ||
		(input != NULL && input->trust_logsource),
	    .ndjson = input != NULL && strcmp(input->kind, "http") == 0,
	    .retention_ns = conf->retention_ns > 0 ? conf->retention_ns :
		conf->event_age_ns };
}

static void
load_options(struct loaded *loaded)
{
	const struct conf *conf = loaded->conf;
	size_t columns = conf->nsources + 1;

	/* Row 0 is of no input; one past the inputs is what we say ourselves. */
	loaded->noptions = (conf->nlisten + 2) * columns;
	loaded->options = xcalloc(loaded->noptions, sizeof(*loaded->options));
	for (size_t i = 0; i < loaded->noptions; i++)
		loaded->options[i] = options_of(conf,
		    i / columns > 0 && i / columns <= conf->nlisten ?
		    &conf->listen[i / columns - 1] : NULL,
		    i % columns > 0 ? &conf->sources[i % columns - 1] : NULL);
	for (size_t i = (conf->nlisten + 1) * columns; i < loaded->noptions;
	    i++)
		loaded->options[i] = (struct parser_options){
		    .def = SLICE(HEALTH_DEF) };
}

struct loaded *
loaded_new(const struct conf *conf, struct diag *diag, struct diag *refused,
    struct diag *missing)
{
	struct loaded *loaded = xcalloc(1, sizeof(*loaded));

	atomic_init(&loaded->count, 1);
	loaded->conf = conf;
	loaded->parsers = parserset_load_rest(conf->parsers, conf->nparsers,
	    diag, refused);
	loaded->rules = ruleset_load(conf->rules, conf->nrules, diag);
	loaded->enrich = load_enrich(conf, missing);
	load_options(loaded);
	if (loaded->noptions > UINT16_MAX)	/* event->source names a row */
		diag_error(diag, conf->file, 0, 0, "listen and sources: %zu "
		    "inputs with %zu sources are more than 65535 pairs",
		    conf->nlisten, conf->nsources);
	return loaded;
}

void *
loaded_get(void *arg)
{
	struct loaded *loaded = arg;

	atomic_fetch_add(&loaded->count, 1);
	return loaded;
}

void
loaded_put(void *arg)
{
	struct loaded *loaded = arg;

	if (loaded == NULL || atomic_fetch_sub(&loaded->count, 1) != 1)
		return;
	parserset_put(loaded->parsers);
	ruleset_put(loaded->rules);
	enrich_put(loaded->enrich);
	free(loaded->options);
	free(loaded);
}

/* --- which row of `sources` ---------------------------------------------- */

/* "10.0.0.1:514", "[::1]:514". */
static bool
peer_read(struct slice peer, uint8_t ip[16], uint64_t *port)
{
	size_t colon = peer.len;

	while (colon > 0 && peer.ptr[colon - 1] != ':')
		colon--;
	if (colon < 2 || !slice_ulong(slice_skip(peer, colon), port))
		return false;
	peer = slice_head(peer, colon - 1);
	if (peer.ptr[0] == '[' && slice_ends(peer, SLICE("]")))
		peer = slice_of(peer.ptr + 1, peer.len - 2);
	return ip_parse(peer, ip);
}

/* The tag of a syslog line, before anything is parsed: the program between a
 * blank and '[' or ':'. */
static bool
line_names(struct slice line, struct slice program)
{
	struct slice head = slice_head(line, PROGRAM_BYTES);

	for (ptrdiff_t at = slice_find(head, program); at >= 0;
	    at = slice_find(head, program)) {
		size_t end = (size_t)at + program.len;

		if (at > 0 && (head.ptr[at - 1] == ' ' ||
		    head.ptr[at - 1] == '>') && end < head.len &&
		    strchr("[: ", head.ptr[end]) != NULL)
			return true;
		head = slice_skip(head, end);
	}
	return false;
}

static bool
source_fits(const struct conf_source *source, const struct event *event,
    const uint8_t *ip, uint64_t port)
{
	if (source->has_address && (ip == NULL ||
	    !cidr_holds(&source->address, ip)))
		return false;
	if (source->port > 0 && (ip == NULL || port != (uint64_t)source->port))
		return false;
	return source->program[0] == '\0' ||
	    line_names(event->raw, slice_cstr(source->program));
}

void
loaded_resolve(const struct loaded *loaded, struct batch *batch)
{
	const struct conf *conf = loaded->conf;
	const char *seen = NULL;
	uint8_t ip[16];
	uint64_t port = 0;
	bool known = false;

	if (conf->nsources == 0)
		return;
	for (size_t i = 0; i < batch->n; i++) {
		struct event *event = &batch->events[i];
		size_t row = 0;

		if (event->peer.ptr != seen) {
			seen = event->peer.ptr;
			known = peer_read(event->peer, ip, &port);
		}
		while (row < conf->nsources && !source_fits(
		    &conf->sources[row], event, known ? ip : NULL, port))
			row++;
		event->source = (uint16_t)(event->source *
		    (conf->nsources + 1) +
		    (row < conf->nsources ? row + 1 : 0));
	}
}
