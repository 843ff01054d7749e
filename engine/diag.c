#include "engine/diag.h"

#include <stdarg.h>
#include <stdlib.h>

#include "engine/check.h"

#define FINDINGS 10000	/* kept; nobody reads more */
#define WORD_BYTES 255	/* longer words have no near neighbours */

struct diag {
	struct diag_finding *findings;
	size_t	 n, cap;	/* kept */
	size_t	 errors;	/* all, also those not kept */
	size_t	 dropped;
};

struct diag *
diag_new(void)
{
	return xcalloc(1, sizeof(struct diag));
}

static void
text_free(const char *text)
{
	union { const char *in; char *out; } ptr = { .in = text };

	free(ptr.out);
}

void
diag_free(struct diag *diag)
{
	if (diag == NULL)
		return;
	for (size_t i = 0; i < diag->n; i++) {
		text_free(diag->findings[i].file);
		text_free(diag->findings[i].text);
	}
	free(diag->findings);
	free(diag);
}

static void
diag_add(struct diag *diag, struct diag_finding finding, const char *fmt,
    va_list args)
{
	char *text = NULL;

	diag->errors += finding.level == DIAG_ERROR;
	if (diag->n == FINDINGS) {
		diag->dropped++;
		return;
	}
	if (diag->n == diag->cap) {
		diag->cap = diag->cap > 0 ? diag->cap * 2 : 8;
		diag->findings = xrealloc(diag->findings,
		    diag->cap * sizeof(*diag->findings));
	}
	check(vasprintf(&text, fmt, args) >= 0);
	finding.file = xstrdup(finding.file != NULL ? finding.file : "");
	finding.text = text;
	diag->findings[diag->n++] = finding;
}

void
diag_error(struct diag *diag, const char *file, int line, int column,
    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	diag_add(diag, (struct diag_finding){ .level = DIAG_ERROR,
	    .file = file, .line = line, .column = column }, fmt, args);
	va_end(args);
}

void
diag_warning(struct diag *diag, const char *file, int line, int column,
    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	diag_add(diag, (struct diag_finding){ .level = DIAG_WARNING,
	    .file = file, .line = line, .column = column }, fmt, args);
	va_end(args);
}

size_t
diag_errors(const struct diag *diag)
{
	return diag->errors;
}

size_t
diag_count(const struct diag *diag)
{
	return diag->n;
}

const struct diag_finding *
diag_at(const struct diag *diag, size_t i)
{
	check(i < diag->n);
	return &diag->findings[i];
}

/* A name of a file or a word of a rule may hold anything; controls would act
 * on the terminal. */
static void
print_text(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
	}
}

void
diag_print(const struct diag *diag, FILE *out)
{
	for (size_t i = 0; i < diag->n; i++) {
		const struct diag_finding *finding = &diag->findings[i];

		if (finding->file[0] != '\0') {
			print_text(finding->file, out);
			if (finding->line > 0)
				fprintf(out, ":%d", finding->line);
			if (finding->line > 0 && finding->column > 0)
				fprintf(out, ":%d", finding->column);
			fputs(": ", out);
		}
		if (finding->level == DIAG_WARNING)
			fputs("warning: ", out);
		print_text(finding->text, out);
		putc('\n', out);
	}
	if (diag->dropped > 0)
		fprintf(out, "and %zu more\n", diag->dropped);
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

size_t
diag_distance(struct slice a, struct slice b)
{
	size_t row[WORD_BYTES + 1];

	if (a.len > WORD_BYTES || b.len > WORD_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = ascii_lower(a.ptr[i - 1]) ==
			    ascii_lower(b.ptr[j - 1]);
			size_t cost = least(row[j] + 1, row[j - 1] + 1,
			    diagonal + !same);

			diagonal = row[j];
			row[j] = cost;
		}
	}
	return row[b.len];
}

/* A third of the letters may differ, and one in short words. */
size_t
diag_near_enough(struct slice word)
{
	return word.len < 3 ? word.len / 2 : (word.len + 2) / 3;
}

const char *
diag_nearest(struct slice word, const char *const *candidates, size_t n)
{
	const char *nearest = NULL;
	size_t best = diag_near_enough(word) + 1;

	for (size_t i = 0; i < n; i++) {
		size_t distance = diag_distance(word, slice_cstr(candidates[i]));

		if (distance < best) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}
