#include "storage/query_set.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/fold.h"
#include "engine/ip.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "engine/value.h"
#include "storage/query.h"

struct network {
	struct cidr cidr;
	size_t	 row;
};

struct query_set {
	struct map *texts;	/* folded */
	struct map *addresses;	/* 16 bytes */
	struct network *networks;
	size_t	 nnetworks;
	struct strbuf folded;
};

struct query_set *
query_set_new(void)
{
	struct query_set *set = xcalloc(1, sizeof(*set));

	set->texts = map_new();
	set->addresses = map_new();
	strbuf_init(&set->folded);
	return set;
}

void
query_set_free(struct query_set *set)
{
	if (set == NULL)
		return;
	map_free(set->texts);
	map_free(set->addresses);
	free(set->networks);
	strbuf_fini(&set->folded);
	free(set);
}

static struct slice
folded(struct query_set *set, struct slice text)
{
	strbuf_clear(&set->folded);
	set->folded.len = fold_put(strbuf_room(&set->folded,
	    FOLD_ROOM(text.len)), text);
	return strbuf_slice(&set->folded);
}

static void
put(struct map *map, struct slice key, size_t row)
{
	bool made;
	union map_value *place = map_get(map, key, &made);

	if (made)
		place->num = row;
}

bool
query_set_add(struct query_set *set, struct slice text, size_t row)
{
	struct cidr cidr;

	if (text.len == 0)
		return false;
	if (!cidr_parse(text, &cidr)) {
		put(set->texts, folded(set, text), row);
	} else if (cidr.bits == 128) {
		put(set->addresses, slice_of((const char *)cidr.ip,
		    sizeof(cidr.ip)), row);
	} else {
		if (set->nnetworks == QUERY_SET_NETWORKS)
			return false;
		set->networks = xrealloc(set->networks,
		    (set->nnetworks + 1) * sizeof(*set->networks));
		set->networks[set->nnetworks++] =
		    (struct network){ cidr, row };
	}
	return true;
}

static ptrdiff_t
find_address(const struct query_set *set, const uint8_t ip[16])
{
	const union map_value *place = map_find(set->addresses,
	    slice_of((const char *)ip, 16));

	if (place != NULL)
		return (ptrdiff_t)place->num;
	for (size_t i = 0; i < set->nnetworks; i++)
		if (cidr_holds(&set->networks[i].cidr, ip))
			return (ptrdiff_t)set->networks[i].row;
	return -1;
}

ptrdiff_t
query_set_find(struct query_set *set, const struct value *value)
{
	char buf[VALUE_TEXT_BYTES];
	const union map_value *place;
	uint8_t ip[16];

	if (value->type == VALUE_NULL || value->type == VALUE_LIST)
		return -1;
	/* Text of a vendor's own field may be an address too. */
	if (value_as_ip(value, ip))
		return find_address(set, ip);
	place = map_find(set->texts, folded(set, value_as_text(value, buf)));
	return place == NULL ? -1 : (ptrdiff_t)place->num;
}

struct cond *
query_set_cond(struct query *query, field_t field, struct query_set *set)
{
	struct pred pred = { .op = PRED_EQ, .nfields = 1,
	    .fields = { field } };
	struct query_leaf *leaf = arena_zalloc(query->arena, sizeof(*leaf));
	struct cond *cond = cond_pred(query->arena, pred);

	leaf->pred = cond->pred;
	leaf->set = set;
	leaf->next = (struct query_leaf *)(uintptr_t)query->leaves;
	query->leaves = leaf;
	return cond;
}
