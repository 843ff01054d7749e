/* tools/report.h -- the figures of one month, and their renderings.
 *
 * report_gather asks the store once; html, json and csv only render, so that
 * the three always agree. Names of chapters are fixed (ids of the HTML, keys
 * of the JSON): other programs may rely on them.
 *
 * Memory: everything belongs to the arena of the report.
 */
#ifndef YAGURA_TOOLS_REPORT_H
#define YAGURA_TOOLS_REPORT_H

#include "engine/slice.h"
#include "engine/strbuf.h"

struct arena;
struct diag;
struct err;
struct ruleset;
struct store;

#define REPORT_LEVELS 5		/* informational .. critical */
#define REPORT_LAYERS 3		/* filter, rule, model */
#define REPORT_TOP 10		/* rows of a top list */
#define REPORT_ALERTS 20	/* alerts told in full; all are in the CSV */
#define REPORT_STEPS 12		/* events of an alert's timeline */

/* How often something was seen, this month and the last. */
struct report_row {
	struct slice name;
	uint64_t n, previous;
	unsigned rank_previous;	/* from 1; 0: was not in the list */
};

struct report_list {
	const char *id;		/* top.<id> names its title in the texts */
	size_t	 n;
	struct report_row *rows;
};

struct report_step {
	int64_t	 time_ns;
	struct slice dataset, text;
};

struct report_alert {
	int64_t	 time_ns, first_ns, last_ns;
	struct slice id, rule_id, rule, group, sentence, advice;
	int	 level, layer;
	double	 score;
	uint64_t count;
	size_t	 ntactics;
	struct slice *tactics, *techniques;
	size_t	 ntechniques;
	size_t	 nresponses;
	struct slice *responses;
	size_t	 nsteps;
	struct report_step *steps;
};

struct report_source {
	struct slice dataset;
	uint64_t events, previous, unparsed;
	int64_t	 last_ns;
};

struct report {
	struct arena *arena;
	int	 year, month, days;
	int64_t	 from_ns, to_ns;	/* to is not included */
	int64_t	 made_ns;
	uint64_t events, events_previous, unparsed, matched, raw_bytes;
	uint64_t levels[REPORT_LEVELS], levels_previous[REPORT_LEVELS];
	double	 levels_mean[REPORT_LEVELS];	/* of the three months before */
	uint64_t layers[REPORT_LAYERS];
	uint64_t nalerts, nalerts_previous;
	uint64_t day_events[31], day_levels[31][REPORT_LEVELS];
	uint64_t week[7][24];	/* alerts; Monday first, UTC */
	size_t	 nrules;
	struct report_row *rules;	/* alerts per rule */
	size_t	 nhits;
	struct report_row *hits;	/* observed techniques: hits per rule */
	size_t	 ntactics;
	struct report_row *tactics;
	size_t	 nlists;
	struct report_list *lists;
	size_t	 nsources;
	struct report_source *sources;
	struct report_alert *alerts;	/* all, highest score first */
	/* retention: the whole store */
	int64_t	 oldest_ns, newest_ns;
	uint64_t partitions, kept_events, kept_raw_bytes, kept_bytes,
	    free_bytes, missing;
};

/* Reads what a report needs from the store. NULL and *err on failure; damage
 * is counted in `missing` and the report is made of the rest. `lang` chooses
 * sentences and advice of alerts; `data` is the store's folder, for the room
 * left on its disk; `rules` give hits their titles. */
struct report *report_gather(struct store *store, const char *data,
    const struct ruleset *rules, int year, int month, const char *lang,
    struct err *err);
void report_free(struct report *report);

/* Texts of one language: tools/report/<lang>.yml. A key that is missing gives
 * itself, so that a gap is seen and nothing breaks. */
struct report_texts;
struct report_texts *report_texts_load(const char *file, struct diag *diag);
void report_texts_free(struct report_texts *texts);
struct slice report_text(const struct report_texts *texts, const char *key);

/* "2026-11-21", or as the language writes a day; and numbers with commas. */
void report_put_date(struct strbuf *out, const struct report_texts *texts,
    int64_t time_ns);
void report_put_month(struct strbuf *out, const struct report_texts *texts,
    int year, int month);
void report_put_number(struct strbuf *out, uint64_t n);

/* "+12.3%" with a mark and a word, or the word for "new" and "same". */
void report_put_change(struct strbuf *out, const struct report_texts *texts,
    uint64_t now, uint64_t before);

extern const char *const report_level_names[REPORT_LEVELS];
extern const char *const report_layer_names[REPORT_LAYERS];

/* One self-contained page: no script, no outside reference. */
void report_html(struct strbuf *out, const struct report *report,
    const struct report_texts *texts);

void report_json(struct strbuf *out, const struct report *report);

/* Calls `put` once for every CSV file, with its name and bytes (UTF-8 with
 * BOM, CRLF, cells that a spreadsheet would compute are quoted by '). Stops
 * and answers false when `put` does. */
bool report_csv(const struct report *report,
    bool (*put)(void *arg, const char *name, struct slice bytes), void *arg);

#endif
