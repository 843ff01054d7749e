#include "storage/op.h"

#include <stdio.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/strbuf.h"

enum op_more
op_emit(struct op *op, const struct row *row, struct op_run *run)
{
	if (op->next == NULL || op->enough)
		return OP_ENOUGH;
	if (op->next->class->row(op->next, row, run) == OP_ENOUGH)
		op->enough = true;
	return op->enough ? OP_ENOUGH : OP_MORE;
}

void
op_end(struct op *op, struct op_run *run)
{
	if (op != NULL)
		op->class->end(op, run);
}

bool
op_take(struct op_run *run, size_t bytes, const char *what)
{
	if (run->used_bytes + bytes <= run->limit_bytes) {
		run->used_bytes += bytes;
		return true;
	}
	if (!run->partial)
		snprintf(run->why, sizeof(run->why),
		    "%s (limit %zu MB of memory)", what,
		    run->limit_bytes >> 20);
	run->partial = true;
	return false;
}

static const struct event *
event_dup(struct arena *arena, const struct event *event)
{
	struct event *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *event;
	copy->batch = arena_zalloc(arena, sizeof(*copy->batch));
	copy->batch->phase = BATCH_MATCHED;
	copy->batch->node = event->batch->node;
	copy->batch->arena = arena;
	copy->raw = arena_dup(arena, event->raw);
	copy->peer = arena_dup(arena, event->peer);
	/* Room up to a multiple of 8: event_get reads whole vectors. */
	copy->fields = arena_zalloc(arena,
	    (size_t)(event->n + 8) * sizeof(*copy->fields));
	copy->values = arena_alloc(arena,
	    (size_t)(event->n + 1) * sizeof(*copy->values));
	for (size_t i = 0; i < event->n; i++) {
		copy->fields[i] = event->fields[i];
		copy->values[i] = value_dup(arena, &event->values[i]);
	}
	copy->hits = NULL;
	copy->nhits = 0;
	return copy;
}

const struct event *
row_event(const struct row *row)
{
	if (row->event != NULL || row->make == NULL)
		return row->event;
	return row->make(row);
}

struct row
row_dup(struct arena *arena, const struct schema *schema,
    const struct row *row)
{
	struct value *cells = arena_alloc(arena,
	    (schema->n + 1) * sizeof(*cells));
	struct row copy = { .cells = cells };
	const struct event *event = schema->open ? row_event(row) : row->event;

	for (size_t i = 0; i < schema->n; i++)
		cells[i] = value_dup(arena, &row->cells[i]);
	if (event != NULL) {
		copy.event = event_dup(arena, event);
		copy.raw = copy.event->raw;
	} else if (row->raw.len > 0) {
		copy.raw = arena_dup(arena, row->raw);
	}
	return copy;
}

/* Vendors' numbers are text. Most text is told from a number by its first
 * character. */
static bool
is_number(const struct value *value, double *number)
{
	if (value->type == VALUE_TEXT && (value->len == 0 ||
	    value->text[0] > '9' || strchr("+-.0123456789", value->text[0]) ==
	    NULL || value->text[0] == '\0'))
		return false;
	return value_as_double(value, number);
}

/* Absent, null, numbers (also as text) and times, addresses, text, lists. */
static int
rank(const struct value *value)
{
	double number;

	switch (value->type) {
	case VALUE_NULL:
		return cell_is_absent(value) ? 0 : 1;
	case VALUE_LONG:
	case VALUE_DOUBLE:
	case VALUE_TIME:
	case VALUE_BOOL:
		return 2;
	case VALUE_IP:
		return 3;
	case VALUE_TEXT:
		return is_number(value, &number) ? 2 : 4;
	default:
		return 5;
	}
}

static int text_order(struct slice a, struct slice b);

static int
number_order(const struct value *a, const struct value *b)
{
	double x = 0, y = 0;

	if (a->type != VALUE_DOUBLE && b->type != VALUE_DOUBLE &&
	    a->type != VALUE_TEXT && b->type != VALUE_TEXT)
		return (a->u.num > b->u.num) - (a->u.num < b->u.num);
	is_number(a, &x);
	is_number(b, &y);
	if (x == y && a->type == VALUE_TEXT && b->type == VALUE_TEXT)
		return text_order(slice_of(a->text, a->len),
		    slice_of(b->text, b->len));
	return (x > y) - (x < y);
}

static int
text_order(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)ascii_lower(a.ptr[i]);
		unsigned char y = (unsigned char)ascii_lower(b.ptr[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return slice_cmp(a, b);
}

static int
list_order(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < a->len && i < b->len; i++) {
		int order = value_order(&a->u.items[i], &b->u.items[i]);

		if (order != 0)
			return order;
	}
	return (a->len > b->len) - (a->len < b->len);
}

int
value_order(const struct value *a, const struct value *b)
{
	int x = rank(a), y = rank(b);
	uint8_t p[16], q[16];

	if (x != y)
		return x < y ? -1 : 1;
	switch (x) {
	case 2:
		return number_order(a, b);
	case 3:
		if (value_as_ip(a, p) && value_as_ip(b, q))
			return memcmp(p, q, sizeof(p));
		/* fall through */
	case 4:
		return text_order(slice_of(a->text, a->len),
		    slice_of(b->text, b->len));
	case 5:
		return list_order(a, b);
	default:
		return 0;
	}
}

static void
key_bytes(struct strbuf *key, char kind, struct slice bytes)
{
	uint32_t len = (uint32_t)bytes.len;

	strbuf_putc(key, kind);
	strbuf_put(key, slice_of((const char *)&len, sizeof(len)));
	strbuf_put(key, bytes);
}

void
value_key(struct strbuf *key, const struct value *value)
{
	switch (value->type) {
	case VALUE_NULL:
		strbuf_putc(key, cell_is_absent(value) ? 'a' : 'n');
		break;
	case VALUE_LONG:
	case VALUE_TIME:
	case VALUE_BOOL:
		strbuf_putc(key, 'i');
		strbuf_put(key, slice_of((const char *)&value->u.num,
		    sizeof(value->u.num)));
		break;
	case VALUE_DOUBLE:
		strbuf_putc(key, 'd');
		strbuf_put(key, slice_of((const char *)&value->u.dbl,
		    sizeof(value->u.dbl)));
		break;
	case VALUE_LIST:
		strbuf_putc(key, 'l');
		strbuf_put(key, slice_of((const char *)&value->len,
		    sizeof(value->len)));
		for (size_t i = 0; i < value->len; i++)
			value_key(key, &value->u.items[i]);
		break;
	default:
		key_bytes(key, 't', slice_of(value->text, value->len));
		break;
	}
}
