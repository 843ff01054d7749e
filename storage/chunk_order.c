/* Rows are put in order: events with the same fields, dataset and template are
 * one run, runs of one dataset stand together, and within a run rows go by
 * time; equal times keep the order of arrival. So lines that look alike are
 * neighbours, and most values repeat the one before.
 *
 * Which template an event has is tried: those of its shape one after the other,
 * the last one that matched first. Only when none does, one is made.
 */
#include "storage/chunk_order.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/hash.h"

#define SLOTS 4096		/* of shapes; chained */
#define TEMPLATES_SHAPE 48	/* of one shape; then lines are cut by fields */
#define TEMPLATES_FIELDS 8	/* cut by fields; then lines are kept whole */
#define TEMPLATES_MOST 16384	/* in all; then all are forgotten */
#define ARENA_MOST ((size_t)48 << 20)
#define ARENA_BLOCK ((size_t)256 << 10)
#define VARS_BLOCK ((size_t)1 << 16)	/* variables in a piece of memory */

struct vars_block {
	struct vars_block *next;
	union var vars[VARS_BLOCK];
};

struct orderer {
	struct arena *arena;
	struct shape_known *slots[SLOTS];
	uint32_t nshapes, ntemplates, chunk;
	struct row *found, *rows, *room;
	size_t	 cap;
	struct template_known **used;
	size_t	 nused, used_cap;
	struct vars_block *vars, *vars_at;
	size_t	 nvars;			/* of vars_at */
	struct chunk_order order;
	bool	(*known)(void *context, field_t field);
	void	*context;
};

struct orderer *
orderer_new(void)
{
	struct orderer *o = xcalloc(1, sizeof(*o));

	o->arena = arena_new(ARENA_BLOCK);
	o->vars = xmalloc(sizeof(*o->vars));
	o->vars->next = NULL;
	return o;
}

void
orderer_free(struct orderer *o)
{
	struct vars_block *next;

	if (o == NULL)
		return;
	for (struct vars_block *at = o->vars; at != NULL; at = next) {
		next = at->next;
		free(at);
	}
	arena_free(o->arena);
	free(o->found);
	free(o->rows);
	free(o->room);
	free(o->used);
	free(o);
}

/* --- shapes ---------------------------------------------------------------- */

static struct slice
dataset_of(const struct event *event)
{
	const struct value *value = event_get(event, FIELD_EVENT_DATASET);

	return value != NULL && value->type == VALUE_TEXT ?
	    slice_of(value->text, value->len) : slice_of("", 0);
}

static struct slice
fields_bytes(const field_t *fields, unsigned n)
{
	return slice_of((const char *)fields, n * sizeof(*fields));
}

static struct shape_known *
shape_new(struct orderer *o, const struct event *event, struct slice dataset,
    uint64_t hash)
{
	struct shape_known *shape = arena_zalloc(o->arena, sizeof(*shape));
	field_t *fields = arena_alloc(o->arena,
	    event->n * sizeof(*fields) + 1);

	if (event->n > 0)
		memcpy(fields, event->fields, event->n * sizeof(*fields));
	shape->hash = hash;
	shape->n = event->n;
	shape->fields = fields;
	shape->dataset = arena_dup(o->arena, dataset);
	shape->number = o->nshapes++;
	shape->next = o->slots[hash % SLOTS];
	o->slots[hash % SLOTS] = shape;
	return shape;
}

static struct shape_known *
shape_find(struct orderer *o, const struct event *event)
{
	struct slice dataset = dataset_of(event);
	struct slice fields = fields_bytes(event->fields, event->n);
	uint64_t hash = hash64(fields) ^ hash64(dataset);
	struct shape_known *shape = o->slots[hash % SLOTS];

	for (; shape != NULL; shape = shape->next)
		if (shape->hash == hash && shape->n == event->n &&
		    slice_eq(fields_bytes(shape->fields, shape->n), fields) &&
		    slice_eq(shape->dataset, dataset))
			break;
	if (shape == NULL)
		shape = shape_new(o, event, dataset, hash);
	if (shape->chunk != o->chunk) {
		shape->chunk = o->chunk;
		shape->ids_known = true;
		for (unsigned i = 0; i < shape->n; i++)
			shape->ids_known = shape->ids_known &&
			    o->known(o->context, shape->fields[i]);
	}
	return shape;
}

/* --- templates -------------------------------------------------------------- */

static struct template_known *
template_new(struct orderer *o, struct shape_known *shape,
    const struct line_template *template)
{
	struct template_known *known = arena_zalloc(o->arena, sizeof(*known));

	known->template = template;
	known->shape = shape;
	known->number = o->ntemplates++;
	known->classes = arena_alloc(o->arena, template->nvars + 1u);
	return known;
}

static void
template_list(struct orderer *o, struct shape_known *shape,
    struct template_known *known)
{
	struct template_known **list;

	if (shape->ntemplates == shape->templates_cap) {
		shape->templates_cap = shape->templates_cap > 0 ?
		    (uint16_t)(shape->templates_cap * 2) : 4;
		list = arena_alloc(o->arena,
		    shape->templates_cap * sizeof(*list));
		if (shape->ntemplates > 0)
			memcpy(list, shape->templates,
			    shape->ntemplates * sizeof(*list));
		shape->templates = list;
	}
	memmove(shape->templates + 1, shape->templates,
	    shape->ntemplates * sizeof(*shape->templates));
	shape->templates[0] = known;
	shape->ntemplates++;
}

static struct template_known *
template_whole(struct orderer *o, struct shape_known *shape,
    const struct event *event, union var *vars)
{
	if (shape->whole == NULL)
		shape->whole = template_new(o, shape, line_cut(event,
		    CUT_WHOLE, o->arena));
	check(line_match(shape->whole->template, event, vars));
	return shape->whole;
}

/* A new one, by words while there are few, then by fields. */
static struct template_known *
template_add(struct orderer *o, struct shape_known *shape,
    const struct event *event, union var *vars)
{
	const struct line_template *template = NULL;
	struct template_known *known;

	if (shape->ntemplates - shape->nfields_cut < TEMPLATES_SHAPE)
		template = line_cut(event, CUT_WORDS, o->arena);
	if (template == NULL && shape->nfields_cut < TEMPLATES_FIELDS) {
		template = line_cut(event, CUT_FIELDS, o->arena);
		shape->nfields_cut += template != NULL;
	}
	if (template == NULL)
		return template_whole(o, shape, event, vars);
	known = template_new(o, shape, template);
	check(line_match(template, event, vars));
	template_list(o, shape, known);
	return known;
}

static struct template_known *
template_find(struct orderer *o, const struct event *event, union var *vars)
{
	struct shape_known *shape = shape_find(o, event);

	if (!shape->ids_known || shape->kept_whole ||
	    event->raw.len > UINT32_MAX / 2)
		return template_whole(o, shape, event, vars);
	for (unsigned i = 0; i < shape->ntemplates; i++) {
		struct template_known *known = shape->templates[i];

		if (!line_match(known->template, event, vars))
			continue;
		if (i > 0) {
			shape->templates[i] = shape->templates[i / 2];
			shape->templates[i / 2] = known;
		}
		return known;
	}
	return template_add(o, shape, event, vars);
}

/* Room for the variables of one more line. */
static union var *
vars_room(struct orderer *o)
{
	if (o->nvars + TEMPLATE_PARTS > VARS_BLOCK) {
		if (o->vars_at->next == NULL) {
			o->vars_at->next = xmalloc(sizeof(*o->vars));
			o->vars_at->next->next = NULL;
		}
		o->vars_at = o->vars_at->next;
		o->nvars = 0;
	}
	return o->vars_at->vars + o->nvars;
}

static void
template_use(struct orderer *o, struct template_known *known)
{
	if (known->chunk != o->chunk) {
		known->chunk = o->chunk;
		known->rows = known->filled = 0;
		memset(known->classes, 0, known->template->nvars);
		if (o->nused == o->used_cap) {
			o->used_cap = o->used_cap > 0 ? o->used_cap * 2 : 256;
			o->used = xrealloc(o->used,
			    o->used_cap * sizeof(struct template_known *));
		}
		o->used[o->nused++] = known;
	}
	known->rows++;
}

/* --- the order --------------------------------------------------------------- */

static int
template_order(const void *a, const void *b)
{
	const struct template_known *const *left = a, *const *right = b;
	const struct shape_known *one = (*left)->shape, *two =
	    (*right)->shape;
	int order = one == two ? 0 : slice_cmp(one->dataset, two->dataset);

	if (order == 0)
		order = (one->number > two->number) -
		    (one->number < two->number);
	if (order == 0)
		order = ((*left)->number > (*right)->number) -
		    ((*left)->number < (*right)->number);
	return order;
}

/* Merges by time; equal times keep their order, which is that of arrival. */
static void
sort_by_time(struct row *rows, struct row *room, size_t n)
{
	size_t half = n / 2, i = 0, j = half, at = 0;
	bool sorted = true;

	for (size_t k = 1; k < n && sorted; k++)
		sorted = rows[k - 1].event->time_ns <= rows[k].event->time_ns;
	if (sorted)
		return;
	sort_by_time(rows, room, half);
	sort_by_time(rows + half, room, n - half);
	memcpy(room, rows, n * sizeof(*rows));
	while (i < half && j < n)
		rows[at++] = room[j].event->time_ns < room[i].event->time_ns ?
		    room[j++] : room[i++];
	while (i < half)
		rows[at++] = room[i++];
	while (j < n)
		rows[at++] = room[j++];
}

static void
rows_place(struct orderer *o, size_t n)
{
	uint32_t row = 0;

	qsort(o->used, o->nused, sizeof(struct template_known *),
	    template_order);
	for (size_t i = 0; i < o->nused; i++) {
		o->used[i]->row0 = row;
		row += o->used[i]->rows;
	}
	for (size_t i = 0; i < n; i++) {
		struct template_known *known = o->found[i].template;

		o->rows[known->row0 + known->filled++] = o->found[i];
	}
	for (size_t i = 0; i < o->nused; i++)
		sort_by_time(o->rows + o->used[i]->row0, o->room,
		    o->used[i]->rows);
}

static void
forget_all(struct orderer *o)
{
	arena_reset(o->arena);
	memset(o->slots, 0, sizeof(o->slots));
	o->nshapes = o->ntemplates = 0;
}

static void
event_fetch(const struct event *event)
{
	fetch_bytes(event->raw.ptr, event->raw.len);
	fetch_bytes(event->values, event->n * sizeof(*event->values));
	fetch_bytes(event->fields, event->n * sizeof(*event->fields));
}

const struct chunk_order *
orderer_run(struct orderer *o, const struct event *const *events, size_t n,
    bool (*known)(void *context, field_t field), void *context)
{
	if (o->ntemplates > TEMPLATES_MOST ||
	    arena_bytes(o->arena) > ARENA_MOST)
		forget_all(o);
	if (n > o->cap) {
		o->cap = n;
		o->found = xrealloc(o->found, n * sizeof(*o->found));
		o->rows = xrealloc(o->rows, n * sizeof(*o->rows));
		o->room = xrealloc(o->room, n * sizeof(*o->room));
	}
	o->chunk++;
	o->nused = 0;
	o->vars_at = o->vars;
	o->nvars = 0;
	o->known = known;
	o->context = context;
	for (size_t i = 0; i < n; i++) {
		union var *vars = vars_room(o);
		struct template_known *template;

		if (i + FETCH_EVENT < n)
			__builtin_prefetch(events[i + FETCH_EVENT]);
		if (i + FETCH_BYTES < n)
			event_fetch(events[i + FETCH_BYTES]);
		template = template_find(o, events[i], vars);
		template_use(o, template);
		o->nvars += template->template->nvars;
		o->found[i] = (struct row){ events[i], template, vars };
	}
	rows_place(o, n);
	o->order = (struct chunk_order){ o->rows, o->used, n, o->nused };
	return &o->order;
}
