/* tools/cmd_report.c -- yagura report month.
 *
 * Writes yagura-report-YYYY-MM.<lang>.html, .json, csv/ and SHA256SUMS into a
 * folder. Each file is written beside its name and renamed, so that a reader
 * never sees half of one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "correlation/ruleset.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "engine/timeparse.h"
#include "storage/store.h"
#include "tools/cmd.h"
#include "tools/report.h"

#define DAY_NS (86400 * INT64_C(1000000000))

struct options {
	int	 year, month;
	const char *lang, *format, *folder;
};

struct writing {
	const char *folder;
	struct strbuf sums;	/* of SHA256SUMS */
};

static bool
write_file(struct writing *writing, const char *name, struct slice bytes)
{
	struct strbuf path = STRBUF_INIT, part = STRBUF_INIT;
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	FILE *file;
	bool ok = false;

	strbuf_printf(&path, "%s/%s", writing->folder, name);
	strbuf_printf(&part, "%s.part", path.ptr);
	file = fopen(part.ptr, "wb");
	if (file == NULL)
		goto out;
	ok = fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len;
	ok = fclose(file) == 0 && ok;
	ok = ok && rename(part.ptr, path.ptr) == 0;
out:
	if (!ok)
		fprintf(stderr, "yagura report: cannot write %s: %s\n",
		    path.ptr,
		    strerror(errno));
	sha256(bytes, digest);
	hex_encode(digest, sizeof digest, hex);
	strbuf_printf(&writing->sums, "%s  %s\n", hex, name);
	strbuf_fini(&path);
	strbuf_fini(&part);
	return ok;
}

static bool
write_csv(void *arg, const char *name, struct slice bytes)
{
	struct strbuf path = STRBUF_INIT;
	bool ok;

	strbuf_printf(&path, "csv/%s", name);
	ok = write_file(arg, path.ptr, bytes);
	strbuf_fini(&path);
	return ok;
}

static bool
make_folder(const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return true;
	fprintf(stderr, "yagura report: cannot make %s: %s\n", path,
	    strerror(errno));
	return false;
}

static bool
wants(const struct options *options, const char *format)
{
	return options->format == NULL ||
	    strcmp(options->format, format) == 0;
}

static bool
write_all(const struct options *options, const struct report *report,
    const struct report_texts *texts)
{
	struct writing writing = { options->folder, STRBUF_INIT };
	struct strbuf bytes = STRBUF_INIT, name = STRBUF_INIT;
	bool ok = true;

	if (wants(options, "html")) {
		report_html(&bytes, report, texts);
		strbuf_printf(&name, "yagura-report-%04d-%02d.%s.html",
		    options->year, options->month, options->lang);
		ok = write_file(&writing, name.ptr, strbuf_slice(&bytes));
		printf("%s/%s\n", options->folder, name.ptr);
	}
	if (ok && wants(options, "json")) {
		strbuf_clear(&bytes);
		strbuf_clear(&name);
		report_json(&bytes, report);
		strbuf_printf(&name, "yagura-report-%04d-%02d.json",
		    options->year, options->month);
		ok = write_file(&writing, name.ptr, strbuf_slice(&bytes));
		printf("%s/%s\n", options->folder, name.ptr);
	}
	if (ok && wants(options, "csv")) {
		strbuf_clear(&name);
		strbuf_printf(&name, "%s/csv", options->folder);
		ok = make_folder(name.ptr) &&
		    report_csv(report, write_csv, &writing);
		printf("%s/csv/*.csv\n", options->folder);
	}
	if (ok) {
		struct slice sums = strbuf_slice(&writing.sums);
		struct writing last = { options->folder, STRBUF_INIT };

		ok = write_file(&last, "SHA256SUMS", sums);
		strbuf_fini(&last.sums);
	}
	strbuf_fini(&bytes);
	strbuf_fini(&name);
	strbuf_fini(&writing.sums);
	return ok;
}

/* The month before this one: what a timer on the first of a month means. */
static void
last_month(struct options *options)
{
	int64_t year;
	unsigned month, day;

	time_date(clock_now_ns() / DAY_NS, &year, &month, &day);
	options->year = (int)(month == 1 ? year - 1 : year);
	options->month = (int)(month == 1 ? 12 : month - 1);
}

static bool
read_month(const char *text, struct options *options)
{
	return strlen(text) == 7 && text[4] == '-' &&
	    sscanf(text, "%4d-%2d", &options->year, &options->month) == 2 &&
	    options->month >= 1 && options->month <= 12 &&
	    options->year >= 1970 && options->year <= 2261;
}

static bool
read_options(int argc, char **argv, struct options *options)
{
	if (argc < 2 || strcmp(argv[1], "month") != 0)
		return false;
	last_month(options);
	for (int i = 2; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (value == NULL) {
			fprintf(stderr, "yagura report: %s needs a value\n",
			    argv[i]);
			return false;
		}
		if (strcmp(argv[i], "--month") == 0) {
			if (!read_month(value, options)) {
				fprintf(stderr, "yagura report: --month: "
				    "\"%s\" is no month; write YYYY-MM\n",
				    value);
				return false;
			}
		} else if (strcmp(argv[i], "--lang") == 0) {
			options->lang = value;
		} else if (strcmp(argv[i], "--format") == 0) {
			options->format = value;
		} else if (strcmp(argv[i], "-o") == 0) {
			options->folder = value;
		} else {
			fprintf(stderr, "yagura report: unknown option "
			    "\"%s\"\n", argv[i]);
			return false;
		}
	}
	if (strcmp(options->lang, "en") != 0 &&
	    strcmp(options->lang, "ja") != 0) {
		fprintf(stderr, "yagura report: --lang is en or ja\n");
		return false;
	}
	if (options->format != NULL && strcmp(options->format, "html") != 0 &&
	    strcmp(options->format, "csv") != 0 &&
	    strcmp(options->format, "json") != 0) {
		fprintf(stderr, "yagura report: --format is html, csv or "
		    "json\n");
		return false;
	}
	return options->folder != NULL;
}

static struct report_texts *
load_texts(const char *lang)
{
	struct diag *diag = diag_new();
	struct strbuf path = STRBUF_INIT;
	struct report_texts *texts;

	strbuf_printf(&path, "%s/tools/report/%s.yml", conf_home(), lang);
	texts = report_texts_load(path.ptr, diag);
	diag_print(diag, stderr);
	strbuf_fini(&path);
	diag_free(diag);
	return texts;
}

/* Mistakes in rules are for `yagura rules check`; here a rule that is left out
 * only loses its title. */
static struct ruleset *
load_rules(const struct conf *conf)
{
	struct diag *diag = diag_new();
	struct ruleset *rules = ruleset_load(conf->rules, conf->nrules, diag);

	diag_free(diag);
	return rules;
}

static int
make_report(const struct conf *conf, const struct options *options)
{
	struct err err;
	struct store *store = NULL;
	struct report *report = NULL;
	struct report_texts *texts = load_texts(options->lang);
	struct ruleset *rules = load_rules(conf);
	int code = EXIT_UNREACHABLE;

	if (texts == NULL) {
		ruleset_put(rules);
		return EXIT_CONFIG;
	}
	store = store_open(conf->data, &err);
	if (store == NULL) {
		fprintf(stderr, "yagura report: %s\n", err.text);
		goto out;
	}
	report = report_gather(store, conf->data, rules, options->year,
	    options->month, options->lang, &err);
	if (report == NULL) {
		fprintf(stderr, "yagura report: %s\n", err.text);
		code = err_exit_code(&err);
		goto out;
	}
	if (!make_folder(options->folder) ||
	    !write_all(options, report, texts))
		goto out;
	code = EXIT_DONE;
	if (report->missing > 0) {
		fprintf(stderr, "yagura report: %llu events missing; the "
		    "report is made of the rest\n",
		    (unsigned long long)report->missing);
		code = EXIT_PARTIAL;
	}
out:
	report_free(report);
	store_close(store);
	ruleset_put(rules);
	report_texts_free(texts);
	return code;
}

int
cmd_report(int argc, char **argv)
{
	struct options options = { .lang = "en" };
	struct diag *diag = diag_new();
	struct conf *conf = conf_for_command(&argc, argv, diag);
	int code;

	diag_print(diag, stderr);
	if (conf == NULL || diag_errors(diag) > 0)
		code = conf == NULL ? EXIT_USAGE : EXIT_CONFIG;
	else if (!read_options(argc, argv, &options))
		code = cmd_usage("report");
	else
		code = make_report(conf, &options);
	conf_free(conf);
	diag_free(diag);
	return code;
}
