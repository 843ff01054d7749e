/* The ways to the time of an event. */
#include "parsers/def_read.h"

#include "engine/map.h"
#include "engine/zone.h"
#include "parsers/timetext.h"

static void
read_zone(struct loader *l, struct timeway *way,
    const struct yaml_node *node)
{
	if (!def_is_text(node)) {
		def_complain(l, node, "zone is a key or the name of a zone");
		return;
	}
	way->zone_slot = def_slot_of(l, node->text);
	way->zone = zone_find(node->text);
}

static void
read_way(struct loader *l, const struct yaml_node *node, struct timeway *way)
{
	static const char *const known[] = { "keys", "format", "zone", "to",
	    NULL };
	const struct yaml_node *sub;
	struct words keys;
	const char *wrong;

	*way = (struct timeway){ .zone_slot = SLOT_NONE,
	    .to = FIELD_TIMESTAMP };
	if (node->kind == YAML_MAP) {
		def_check_keys(l, node, known, "a way to the time");
		sub = yaml_get(node, "keys");
		if (sub == NULL) {
			def_complain(l, node, "a way to the time needs keys");
			return;
		}
		keys = def_read_words(l, sub, false);
		way->format = def_keep(l, def_text_at(node, "format"));
		if (yaml_get(node, "zone") != NULL)
			read_zone(l, way, yaml_get(node, "zone"));
		if (yaml_get(node, "to") != NULL)
			way->to = def_field_at(l, yaml_get(node, "to"),
			    def_text_at(node, "to"));
	} else {
		keys = def_read_words(l, node, false);
	}
	if (slice_eq(way->format, SLICE("epoch")))
		way->epoch = true;
	if (way->epoch || slice_eq(way->format, SLICE("auto")))
		way->format = slice_of("", 0);
	wrong = timetext_check_format(way->format);
	if (wrong != NULL)
		def_complain(
		    l, yaml_get(node, "format"), "the format %s", wrong);
	if (keys.n == 0 || keys.n > TIMEWAY_KEYS) {
		def_complain(l, node, "1 to %d keys are joined to a time",
		    TIMEWAY_KEYS);
		return;
	}
	for (size_t i = 0; i < keys.n; i++)
		way->slots[i] = def_slot_of(l, keys.at[i]);
	way->n = keys.n;
}

void
def_read_times(struct loader *l)
{
	const struct yaml_node *node = def_section(l, "time");
	bool captured = map_find(l->slots, SLICE("@timestamp")) != NULL;
	size_t n = node == NULL ? 0 : node->kind == YAML_LIST ? node->n : 1;
	struct timeway *ways = def_room(l, n + 1, sizeof(*ways));
	size_t k = 0;

	/* A capture or key of that name is a way by itself. */
	if (captured) {
		slot_t slot = def_slot_of(l, SLICE("@timestamp"));

		ways[k++] = (struct timeway){ .slots = { slot }, .n = 1,
		    .zone_slot = SLOT_NONE, .to = FIELD_TIMESTAMP };
	}
	for (size_t i = 0; i < n; i++)
		read_way(l, node->kind == YAML_LIST ? node->items[i] : node,
		    &ways[k++]);
	l->def->times = ways;
	l->def->ntimes = k;
}
