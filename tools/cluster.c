#include "tools/cluster.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/ip.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "parsers/timetext.h"

#define AGREE_OF_5 3		/* of five words so many must be the same */
#define HEX_DIGITS 6		/* from so many on a word may be one */
#define ADDRESS_BYTES 46

struct clusters {
	struct arena *arena;
	struct map *shapes;	/* group and shape -> struct cluster */
	struct strbuf key;
	struct cluster *list[CLUSTERS];
	size_t	 n;
	uint64_t left_out;
};

struct line_atoms {
	struct atom at[CLUSTER_ATOMS + 1];
	size_t	 n;
};

struct clusters *
clusters_new(void)
{
	struct clusters *clusters = xcalloc(1, sizeof(*clusters));

	clusters->arena = arena_new(0);
	clusters->shapes = map_new();
	strbuf_init(&clusters->key);
	return clusters;
}

void
clusters_free(struct clusters *clusters)
{
	if (clusters == NULL)
		return;
	arena_free(clusters->arena);
	map_free(clusters->shapes);
	strbuf_fini(&clusters->key);
	free(clusters);
}

/* --- a line to atoms ------------------------------------------------------ */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	    (unsigned char)c >= 0x80;
}

static bool
is_hex(char c)
{
	return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

static bool
in_word(char c)
{
	return is_digit(c) || is_letter(c) ||
	    (c != '\0' && strchr("_.-@/\\%+$~#&*!?", c) != NULL);
}

static size_t
time_length(struct slice rest)
{
	struct timetext time;
	size_t n;

	if (!is_digit(rest.ptr[0]) && !is_letter(rest.ptr[0]))
		return 0;
	rest = slice_head(rest, 64);
	n = timetext_read(rest, &time);
	/* A number at the end would be an epoch. */
	return slice_find_byte(slice_head(rest, n), ':') < 0 ? 0 : n;
}

static size_t
ip_length(struct slice rest)
{
	uint8_t ip[16];
	size_t n = 0, colons = 0;

	while (n < rest.len && n < ADDRESS_BYTES && (is_digit(rest.ptr[n]) ||
	    rest.ptr[n] == '.'))
		n++;
	while (n > 0 && rest.ptr[n - 1] == '.')
		n--;
	if (n >= 7 && (n == rest.len || !is_letter(rest.ptr[n])) &&
	    ip_parse(slice_head(rest, n), ip))
		return n;
	for (n = 0; n < rest.len && n < ADDRESS_BYTES && (is_hex(rest.ptr[n])
	    || rest.ptr[n] == ':' || rest.ptr[n] == '.'); n++)
		colons += rest.ptr[n] == ':';
	if (colons < 2 || (n < rest.len && is_letter(rest.ptr[n])))
		return 0;
	if (!ip_parse(slice_head(rest, n), ip))
		return 0;
	if (n + 1 < rest.len && rest.ptr[n] == '%' && is_letter(
	    rest.ptr[n + 1]))		/* the zone of fe80::1%eth0 */
		for (n++; n < rest.len && (is_letter(rest.ptr[n]) ||
		    is_digit(rest.ptr[n])); )
			n++;
	return n;
}

static enum atom_kind
kind_of(struct slice word)
{
	size_t digits = 0, points = 0, hex = 0;
	size_t from = word.len > 1 && word.ptr[0] == '-';

	for (size_t i = from; i < word.len; i++) {
		digits += is_digit(word.ptr[i]);
		points += word.ptr[i] == '.';
		hex += is_hex(word.ptr[i]);
	}
	if (digits > 0 && digits == word.len - from)
		return ATOM_INT;
	if (digits > 1 && points == 1 && digits + 1 == word.len - from &&
	    is_digit(word.ptr[from]))
		return ATOM_NUM;
	if (digits > 0 && ((hex == word.len && hex >= HEX_DIGITS) ||
	    (word.len > 2 && word.ptr[0] == '0' && word.ptr[1] == 'x' &&
	    hex == word.len - 1)))
		return ATOM_HEX;
	return ATOM_WORD;
}

static bool
has_digit(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (is_digit(word.ptr[i]))
			return true;
	return false;
}

static struct atom
word_atom(struct slice rest)
{
	struct atom atom;
	size_t n = 0;

	while (n < rest.len && in_word(rest.ptr[n]))
		n++;
	while (n > 1 && strchr(".!?", rest.ptr[n - 1]) != NULL)
		n--;
	atom.text = slice_head(rest, n);
	atom.kind = kind_of(atom.text);
	/* A word with a digit in it is a name of one thing of many. */
	atom.hole = atom.kind != ATOM_WORD || n > CLUSTER_TEXT_BYTES ||
	    has_digit(atom.text);
	return atom;
}

static struct atom
next_atom(struct slice rest)
{
	struct atom atom = { ATOM_MARK, false, slice_head(rest, 1) };
	size_t n;

	if ((n = time_length(rest)) > 0 || (n = ip_length(rest)) > 0) {
		atom.kind = slice_find_byte(slice_head(rest, n), ':') > 0 &&
		    ip_length(rest) != n ? ATOM_TIME : ATOM_IP;
		atom.hole = true;
		atom.text = slice_head(rest, n);
		return atom;
	}
	if (in_word(rest.ptr[0]))
		return word_atom(rest);
	if (rest.ptr[0] == '"') {
		ptrdiff_t end = slice_find_byte(slice_skip(rest, 1), '"');

		if (end > 0 && rest.ptr[end] != '\\') {
			atom.kind = ATOM_QUOTED;
			atom.text = slice_head(rest, (size_t)end + 2);
			atom.hole = atom.text.len > CLUSTER_TEXT_BYTES;
		}
	} else if (rest.ptr[0] == ' ' || rest.ptr[0] == '\t') {
		atom.text = SLICE(" ");
	}
	return atom;
}

static void
read_line(struct slice line, struct line_atoms *out)
{
	out->n = 0;
	while (line.len > 0) {
		struct atom atom = next_atom(line);
		size_t used = atom.text.len;

		if (out->n == CLUSTER_ATOMS) {
			out->at[out->n++] = (struct atom){ ATOM_REST, true,
			    line };
			return;
		}
		if (atom.kind == ATOM_MARK && atom.text.ptr[0] == ' ')
			for (used = 1; used < line.len && (line.ptr[used] ==
			    ' ' || line.ptr[used] == '\t'); )
				used++;
		out->at[out->n++] = atom;
		line = slice_skip(line, used);
	}
}

/* --- clusters ------------------------------------------------------------- */

static void
shape_key(struct strbuf *key, struct slice group, const struct line_atoms *line)
{
	static const char letters[] = {
		[ATOM_WORD] = 'w', [ATOM_INT] = 'n', [ATOM_NUM] = 'n',
		[ATOM_HEX] = 'w', [ATOM_IP] = 'a', [ATOM_TIME] = 't',
		[ATOM_QUOTED] = 'q', [ATOM_REST] = 'r' };

	strbuf_clear(key);
	strbuf_put(key, group);
	strbuf_putc(key, '\0');
	for (size_t i = 0; i < line->n; i++)
		if (line->at[i].kind == ATOM_MARK)
			strbuf_put(key, line->at[i].text);
		else
			strbuf_putc(key, letters[line->at[i].kind]);
}

/* Words that agree, in percent; -1 if the first word is another. */
static int
likeness(const struct cluster *cluster, const struct line_atoms *line)
{
	size_t words = 0, same = 0;

	for (size_t i = 0; i < line->n; i++) {
		const struct atom *a = &cluster->atoms[i], *b = &line->at[i];

		if (b->kind != ATOM_WORD || b->hole)
			continue;
		words++;
		if (!a->hole && slice_eq(a->text, b->text))
			same++;
		else if (words == 1 && !a->hole)
			return -1;
	}
	return words == 0 ? 100 : (int)(same * 100 / words);
}

static struct slice
keep(struct clusters *clusters, struct slice text)
{
	return arena_dup(clusters->arena, text);
}

static struct cluster *
new_cluster(struct clusters *clusters, struct slice group,
    const struct line_atoms *line)
{
	struct cluster *cluster = arena_zalloc(clusters->arena,
	    sizeof(*cluster));

	cluster->group = keep(clusters, group);
	cluster->natoms = line->n;
	cluster->atoms = arena_alloc(clusters->arena, (line->n + 1) *
	    sizeof(*cluster->atoms));
	for (size_t i = 0; i < line->n; i++) {
		cluster->atoms[i] = line->at[i];
		cluster->atoms[i].text = keep(clusters, slice_head(
		    line->at[i].text, CLUSTER_TEXT_BYTES));
	}
	clusters->list[clusters->n++] = cluster;
	return cluster;
}

static void
merge(struct cluster *cluster, const struct line_atoms *line)
{
	for (size_t i = 0; i < cluster->natoms; i++) {
		struct atom *a = &cluster->atoms[i];
		const struct atom *b = &line->at[i];

		if (a->kind == ATOM_MARK)
			continue;
		if (b->hole || !slice_eq(a->text, b->text))
			a->hole = true;
		if (a->kind != b->kind)	/* int and num, hex and word */
			a->kind = a->kind == ATOM_INT ? ATOM_NUM :
			    a->kind == ATOM_NUM ? ATOM_NUM : ATOM_WORD;
	}
}

static struct cluster *
find_cluster(struct clusters *clusters, struct slice group,
    const struct line_atoms *line)
{
	struct cluster *best = NULL, **end;
	union map_value *place;
	int best_like = -2;
	size_t alike = 0;
	bool made;

	shape_key(&clusters->key, group, line);
	place = map_find(clusters->shapes, strbuf_slice(&clusters->key));
	for (struct cluster *c = place == NULL ? NULL : place->ptr; c != NULL;
	    c = c->alike) {
		int like = likeness(c, line);

		alike++;
		if (like > best_like) {
			best = c;
			best_like = like;
		}
	}
	if (best != NULL && (best_like >= 100 / 5 * AGREE_OF_5 ||
	    alike >= CLUSTER_ALIKE)) {
		merge(best, line);
		return best;
	}
	if (clusters->n == CLUSTERS)
		return NULL;
	best = new_cluster(clusters, group, line);
	place = map_get(clusters->shapes, strbuf_slice(&clusters->key), &made);
	end = (struct cluster **)&place->ptr;
	best->alike = *end;
	*end = best;
	return best;
}

static void
note(struct clusters *clusters, struct cluster *cluster, struct slice source,
    struct slice line)
{
	size_t i;

	line = slice_head(line, CLUSTER_SAMPLE_BYTES);
	for (i = 0; i < cluster->nsamples && !slice_eq(cluster->samples[i],
	    line); )
		i++;
	if (i == cluster->nsamples && i < CLUSTER_SAMPLES)
		cluster->samples[cluster->nsamples++] = keep(clusters, line);
	for (i = 0; i < cluster->nsources && !slice_eq(cluster->sources[i],
	    source); )
		i++;
	if (i < cluster->nsources)
		return;
	if (i < CLUSTER_SOURCES)
		cluster->sources[cluster->nsources++] = keep(clusters,
		    slice_head(source, CLUSTER_TEXT_BYTES));
	else
		cluster->more_sources = true;
}

void
clusters_add(struct clusters *clusters, struct slice group,
    struct slice source, struct slice line)
{
	struct line_atoms atoms;
	struct cluster *cluster;

	line = slice_trim(line);
	read_line(line, &atoms);
	cluster = find_cluster(clusters, slice_head(group,
	    CLUSTER_TEXT_BYTES), &atoms);
	if (cluster == NULL) {
		clusters->left_out++;
		return;
	}
	cluster->count++;
	note(clusters, cluster, source, line);
}

static int
most_first(const void *a, const void *b)
{
	const struct cluster *const *x = a, *const *y = b;

	if ((*x)->count != (*y)->count)
		return (*x)->count > (*y)->count ? -1 : 1;
	return slice_cmp((*x)->samples[0], (*y)->samples[0]);
}

struct cluster *const *
clusters_list(struct clusters *clusters, size_t *n)
{
	qsort(clusters->list, clusters->n, sizeof(clusters->list[0]),
	    most_first);
	*n = clusters->n;
	return clusters->list;
}

uint64_t
clusters_left_out(const struct clusters *clusters)
{
	return clusters->left_out;
}

/* --- templates ------------------------------------------------------------ */

const char *
atom_type(enum atom_kind kind)
{
	static const char *const names[] = {
		[ATOM_MARK] = "text", [ATOM_WORD] = "word", [ATOM_INT] = "int",
		[ATOM_NUM] = "num", [ATOM_HEX] = "hex", [ATOM_IP] = "ip",
		[ATOM_TIME] = "time", [ATOM_QUOTED] = "quoted",
		[ATOM_REST] = "rest" };

	return names[kind];
}

/* Braces are doubled; a doubled bracket would open a choice and cannot be
 * written, so that one of the two is a hole. */
static void
put_literal(struct strbuf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		char last = out->len > 0 ? out->ptr[out->len - 1] : '\0';

		if (c == '{' || c == '}')
			strbuf_putc(out, c);
		if ((c == '[' || c == '(' || c == ']' || c == ')') &&
		    last == c)
			strbuf_puts(out, "{_:text}");
		else
			strbuf_putc(out, c);
	}
}

void
cluster_template(const struct cluster *cluster, cluster_name_fn *name,
    void *arg, struct strbuf *out)
{
	for (size_t i = 0; i < cluster->natoms; i++) {
		const struct atom *atom = &cluster->atoms[i];
		const char *type = atom_type(atom->kind);

		if (!atom->hole) {
			put_literal(out, atom->text);
			continue;
		}
		strbuf_putc(out, '{');
		if (name != NULL)
			name(arg, cluster, i, out);
		else
			strbuf_printf(out, "%s%zu", type, i);
		strbuf_printf(out, ":%s}", type);
	}
}
