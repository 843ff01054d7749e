/* The example lines of definitions. */
#include "parsers/lane.h"

#include "engine/batch.h"
#include "engine/diag.h"
#include "engine/logsource.h"
#include "engine/timeparse.h"

static void
put_actual(struct strbuf *buf, const struct event *event,
    const struct example_field *field)
{
	struct value value;
	field_t number = field_find(field->name);

	if (slice_eq(field->name, SLICE("logsource"))) {
		const struct logsource *ls = logsource_at(event->logsource);

		strbuf_put(buf, ls->category);
		strbuf_putc(buf, '/');
		strbuf_put(buf, ls->product);
		strbuf_putc(buf, '/');
		strbuf_put(buf, ls->service);
		while (buf->len > 0 && buf->ptr[buf->len - 1] == '/')
			buf->ptr[--buf->len] = '\0';
		return;
	}
	if (number == FIELD_NONE || !event_value(event, number, &value))
		return;
	for (size_t i = 0; i < value_members(&value); i++) {
		char text[VALUE_TEXT_BYTES], time[TIME_TEXT_BYTES];
		const struct value *member = value_member(&value, i);

		if (i > 0)
			strbuf_putc(buf, '\n');
		strbuf_put(buf, member->type == VALUE_TIME ?
		    time_format_rfc3339(member->u.num, time) :
		    value_as_text(member, text));
	}
}

static void
put_expected(struct strbuf *buf, const struct example_field *field)
{
	int64_t ns;
	char text[TIME_TEXT_BYTES];

	for (size_t i = 0; i < field->n; i++) {
		if (i > 0)
			strbuf_putc(buf, '\n');
		/* Times compare as instants. */
		if ((slice_eq(field->name, SLICE("@timestamp")) ||
		    (field_find(field->name) != FIELD_NONE && field_type(
		    field_find(field->name)) == VALUE_TIME)) &&
		    time_parse_rfc3339(field->values[i], &ns))
			strbuf_put(buf, time_format_rfc3339(ns, text));
		else
			strbuf_put(buf, field->values[i]);
	}
	/* Parts of a log source that are not said may be left out. */
	if (slice_eq(field->name, SLICE("logsource")))
		while (buf->len > 0 && buf->ptr[buf->len - 1] == '/')
			buf->ptr[--buf->len] = '\0';
}

static void
check_field(const struct def *def, const struct event *event,
    const struct example_field *field, struct diag *diag)
{
	struct strbuf actual = STRBUF_INIT, expected = STRBUF_INIT;

	put_actual(&actual, event, field);
	put_expected(&expected, field);
	if (field->absent && actual.len > 0)
		diag_error(diag, def->file.ptr, field->line, field->column,
		    "%.*s should be absent, is \"%s\"",
		    (int)field->name.len, field->name.ptr, actual.ptr);
	else if (!field->absent && !slice_eq(strbuf_slice(&actual),
	    strbuf_slice(&expected)))
		diag_error(diag, def->file.ptr, field->line, field->column,
		    "%.*s should be \"%s\", is %s%s%s",
		    (int)field->name.len, field->name.ptr, expected.ptr,
		    actual.len > 0 ? "\"" : "absent",
		    actual.len > 0 ? actual.ptr : "",
		    actual.len > 0 ? "\"" : "");
	strbuf_fini(&actual);
	strbuf_fini(&expected);
}

/* The line as it is read beneath its header lines. A definition without marks
 * is one that somebody has to name. */
static struct event *
example_event(struct parser_lane *lane, const struct def *def,
    struct batch *batch, const struct example *example)
{
	struct parser_options options = { .zone = example->zone,
	    .def = def->nmarks == 0 ? def->name : SLICE("") };
	struct event *event;

	parser_lane_share(lane, NULL);
	for (size_t i = 0; i < example->header.n; i++)
		parser_run(lane, &options, batch_add(batch,
		    example->header.at[i], slice_of("", 0),
		    example->now_ns));
	event = batch_add(batch, example->line, slice_of("", 0),
	    example->now_ns);
	parser_run(lane, &options, event);
	return event;
}

static void
run_example(struct parser_lane *lane, const struct def *def,
    const struct example *example, struct diag *diag)
{
	struct batch *batch = batch_new(0, 1);
	struct event *event = example_event(lane, def, batch, example);
	const struct value *name;
	char buf[VALUE_TEXT_BYTES];

	name = event_get(event, FIELD_YAGURA_PARSER);
	if (name == NULL || !slice_eq(value_as_text(name, buf), def->name))
		diag_error(diag, def->file.ptr, example->line_number, 1,
		    "example: the line was taken by %s%.*s%s, not by %.*s",
		    name == NULL ? "no definition" : "\"",
		    name == NULL ? 0 : (int)name->len,
		    name == NULL ? "" : name->text, name == NULL ? "" : "\"",
		    (int)def->name.len, def->name.ptr);
	for (size_t i = 0; i < example->nexpect; i++)
		check_field(def, event, &example->expect[i], diag);
	batch_put(batch);
}

size_t
parserset_test(struct parserset *set, struct diag *diag)
{
	struct parser_lane *lane = parser_lane_new(set);
	size_t n = 0;

	for (size_t i = 0; i < set->ndefs; i++)
		for (size_t k = 0; k < set->defs[i]->nexamples; k++) {
			run_example(lane, set->defs[i],
			    &set->defs[i]->examples[k], diag);
			/* What nobody wrote is run, and not counted. */
			n += set->defs[i]->nmarks > 0;
		}
	parser_lane_free(lane);
	return n;
}

void
parserset_examples(struct parserset *set, void (*visit)(struct slice name,
    const struct event *event, void *arg), void *arg)
{
	struct parser_lane *lane = parser_lane_new(set);

	for (size_t i = 0; i < set->ndefs; i++)
		for (size_t k = 0; k < set->defs[i]->nexamples; k++) {
			struct batch *batch = batch_new(0, 1);

			visit(set->defs[i]->name, example_event(lane,
			    set->defs[i], batch,
			    &set->defs[i]->examples[k]), arg);
			batch_put(batch);
		}
	parser_lane_free(lane);
}
