/* tools/report_text.c -- words, dates and numbers of a report's language.
 */
#include "tools/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/map.h"
#include "engine/timeparse.h"
#include "engine/yaml.h"

#define DAY_NS (86400 * INT64_C(1000000000))

const char *const report_level_names[REPORT_LEVELS] = {
	"informational", "low", "medium", "high", "critical"
};
const char *const report_layer_names[REPORT_LAYERS] = {
	"filter", "rule", "model"
};

struct report_texts {
	struct yaml_doc *doc;
	struct map *map;
};

struct report_texts *
report_texts_load(const char *file, struct diag *diag)
{
	struct report_texts *texts;
	struct yaml_doc *doc = yaml_load(file, diag);
	const struct yaml_node *root;

	if (doc == NULL)
		return NULL;
	root = yaml_count(doc) > 0 ? yaml_root(doc, 0) : NULL;
	if (root == NULL || root->kind != YAML_MAP) {
		diag_error(diag, file, 1, 1, "texts are a map of key to text");
		yaml_free(doc);
		return NULL;
	}
	texts = xcalloc(1, sizeof *texts);
	texts->doc = doc;
	texts->map = map_new_borrowing();
	for (size_t i = 0; i < root->n; i++) {
		const struct yaml_node *node = root->items[i];

		if (node->kind != YAML_SCALAR) {
			diag_error(diag, file, node->line, node->column,
			    "\"%.*s\" is not a text",
			    (int)root->keys[i]->text.len,
			    root->keys[i]->text.ptr);
			continue;
		}
		map_get(texts->map, root->keys[i]->text, NULL)->ptr =
		    root->items[i];
	}
	return texts;
}

void
report_texts_free(struct report_texts *texts)
{
	if (texts == NULL)
		return;
	map_free(texts->map);
	yaml_free(texts->doc);
	free(texts);
}

struct slice
report_text(const struct report_texts *texts, const char *key)
{
	const union map_value *found = map_find(texts->map, slice_cstr(key));
	const struct yaml_node *node;

	if (found == NULL)
		return slice_cstr(key);
	node = found->ptr;
	return node->text;
}

/* %Y, %m, %d and %B: all that a report's dates need. */
static void
put_date_form(struct strbuf *out, struct slice form, int64_t year,
    unsigned month, unsigned day)
{
	static const char *const names[] = {
		"January", "February", "March", "April", "May", "June", "July",
		"August", "September", "October", "November", "December"
	};

	for (size_t i = 0; i < form.len; i++) {
		if (form.ptr[i] != '%' || i + 1 == form.len) {
			strbuf_putc(out, form.ptr[i]);
			continue;
		}
		switch (form.ptr[++i]) {
		case 'Y':
			strbuf_printf(out, "%04lld", (long long)year);
			break;
		case 'm':
			strbuf_printf(out, "%02u", month);
			break;
		case 'd':
			strbuf_printf(out, "%02u", day);
			break;
		case 'B':
			strbuf_puts(out, names[(month - 1) % 12]);
			break;
		default:
			strbuf_putc(out, form.ptr[i]);
		}
	}
}

void
report_put_date(struct strbuf *out, const struct report_texts *texts,
    int64_t time_ns)
{
	int64_t days = time_ns / DAY_NS - (time_ns % DAY_NS < 0), year;
	unsigned month, day;

	time_date(days, &year, &month, &day);
	put_date_form(out, report_text(texts, "date"), year, month, day);
}

void
report_put_month(struct strbuf *out, const struct report_texts *texts,
    int year, int month)
{
	put_date_form(out, report_text(texts, "month"), year, (unsigned)month,
	    1);
}

void
report_put_number(struct strbuf *out, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%llu",
	    (unsigned long long)n);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			strbuf_putc(out, ',');
		strbuf_putc(out, digits[i]);
	}
}

void
report_put_change(struct strbuf *out, const struct report_texts *texts,
    uint64_t now, uint64_t before)
{
	double share;

	if (now == before) {
		strbuf_put(out, report_text(texts, "change.same"));
		return;
	}
	if (before == 0) {
		strbuf_put(out, report_text(texts, "change.new"));
		return;
	}
	share = ((double)now - (double)before) / (double)before * 100;
	strbuf_printf(out, "%s %+.1f%% ", now > before ? "\u25b2" : "\u25bc",
	    share);
	strbuf_put(out, report_text(texts,
	    now > before ? "change.up" : "change.down"));
}
