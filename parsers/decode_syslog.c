/* RFC 5424 says exactly what comes next; of RFC 3164 only the order is common:
 * priority, sequence number, time, facility as a word, host, program, each of
 * which may be missing. We take a token for a host or a program only if it
 * looks like one, so that a body that follows at once stays whole.
 */
#include "parsers/decode_syslog.h"

#define TAG_BYTES 64		/* program name; RFC 3164 allows 32 */
#define PROCID_BYTES 64
#define HOST_BYTES 255
#define RELAYS 2		/* headers inside a header that we unwrap */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void
skip_blanks(struct slice *s)
{
	while (s->len > 0 && (s->ptr[0] == ' ' || s->ptr[0] == '\t'))
		*s = slice_skip(*s, 1);
}

static void
skip_bom(struct slice *s)
{
	if (slice_starts(*s, SLICE("\xef\xbb\xbf")))
		*s = slice_skip(*s, 3);
}

static struct slice
token(struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] != ' ' && s.ptr[n] != '\t')
		n++;
	return slice_head(s, n);
}

/* "<134>"; the slice moves behind it. */
static bool
read_priority(struct slice *s, int *priority)
{
	int n = 0;
	size_t i;

	if (s->len < 3 || s->ptr[0] != '<')
		return false;
	for (i = 1; i < s->len && i < 4 && is_digit(s->ptr[i]); i++)
		n = n * 10 + (s->ptr[i] - '0');
	if (i == 1 || i == s->len || s->ptr[i] != '>' || n > 191)
		return false;
	*priority = n;
	*s = slice_skip(*s, i + 1);
	return true;
}

static bool
next_word(struct slice *s, struct slice *word)
{
	*word = token(*s);
	if (word->len == 0)
		return false;
	*s = slice_skip(*s, word->len);
	if (s->len > 0)
		*s = slice_skip(*s, 1);
	if (slice_eq(*word, SLICE("-")))
		*word = slice_of("", 0);
	return true;
}

/* Length of structured data at the beginning; 0 if there is none. */
static size_t
data_bytes(struct slice s)
{
	size_t i = 0;

	while (i < s.len && s.ptr[i] == '[') {
		bool quoted = false;

		for (i++; i < s.len; i++) {
			if (quoted && s.ptr[i] == '\\' && i + 1 < s.len)
				i++;
			else if (s.ptr[i] == '"')
				quoted = !quoted;
			else if (s.ptr[i] == ']' && !quoted)
				break;
		}
		if (i == s.len)
			return 0;
		i++;
	}
	return i;
}

/* Some leave out what stands between host and message. */
static bool
is_body(struct slice s)
{
	return slice_starts(s, SLICE("CEF:")) ||
	    slice_starts(s, SLICE("LEEF:")) || slice_starts(s, SLICE("{"));
}

static bool
read_5424(struct slice s, struct syslog_header *out)
{
	struct syslog_header h = *out;
	struct slice word;
	size_t n;

	if (s.len < 8 || !is_digit(s.ptr[0]) || s.ptr[0] == '0')
		return false;
	n = s.ptr[1] == ' ' ? 1 : is_digit(s.ptr[1]) && s.ptr[2] == ' ' ? 2
	    : 0;
	if (n == 0)
		return false;
	h.version = slice_head(s, n);
	s = slice_skip(s, n + 1);
	word = token(s);
	if (!slice_eq(word, SLICE("-"))) {
		size_t read = timetext_read_iso(word, &h.time);

		/* "+00:00Z": an offset and a Z for good measure. */
		if (read == 0 || (read != word.len &&
		    !slice_eq(slice_skip(word, read), SLICE("Z"))))
			return false;
		h.has_time = true;
	}
	next_word(&s, &word);
	if (!next_word(&s, &h.hostname))
		return false;
	if (is_body(s)) {
		h.body = s;
		*out = h;
		return true;
	}
	if (!next_word(&s, &h.appname) ||
	    !next_word(&s, &h.procid) || !next_word(&s, &h.msgid))
		return false;
	if (s.len > 0 && s.ptr[0] == '-' && (s.len == 1 || s.ptr[1] == ' ')) {
		s = slice_skip(s, 1);
	} else if ((n = data_bytes(s)) > 0) {
		h.data = slice_head(s, n);
		s = slice_skip(s, n);
	}
	skip_blanks(&s);
	skip_bom(&s);
	h.body = s;
	*out = h;
	return true;
}

bool
syslog_next_param(struct slice *data, struct syslog_param *param)
{
	struct slice s = *data;
	size_t n;

	for (;;) {
		while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == ']'))
			s = slice_skip(s, 1);
		if (s.len == 0)
			return false;
		if (s.ptr[0] != '[')
			break;
		s = slice_skip(s, 1);
		for (n = 0; n < s.len && s.ptr[n] != ' ' && s.ptr[n] != ']';)
			n++;
		param->id = slice_head(s, n);
		s = slice_skip(s, n);
	}
	for (n = 0; n < s.len && s.ptr[n] != '=' && s.ptr[n] != ']';)
		n++;
	param->name = slice_head(s, n);
	s = slice_skip(s, n);
	if (s.len < 2 || s.ptr[0] != '=' || s.ptr[1] != '"')
		return false;
	s = slice_skip(s, 2);
	for (n = 0; n < s.len && s.ptr[n] != '"'; n++)
		if (s.ptr[n] == '\\' && n + 1 < s.len)
			n++;
	if (n >= s.len)
		return false;
	param->value = slice_head(s, n);
	*data = slice_skip(s, n + 1);
	return true;
}

/* "1990 Oct 22 10:52:01": the year in front. */
static size_t
read_year_first(struct slice s, struct timetext *time)
{
	size_t n;
	char text[32];
	struct timetext t;

	if (s.len < 20 || s.ptr[4] != ' ' || !is_digit(s.ptr[0]) ||
	    !is_digit(s.ptr[1]) || !is_digit(s.ptr[2]) ||
	    !is_digit(s.ptr[3]) || is_digit(s.ptr[5]))
		return 0;
	n = timetext_read_bsd(slice_skip(s, 5), &t);
	if (n < 14 || n > 24 || t.has_year)
		return 0;
	/* Put the year where the reader knows it: "Oct 22 1990 10:52:01". */
	if (s.ptr[8] != ' ' || s.ptr[11] != ' ')
		return 0;
	memcpy(text, s.ptr + 5, 7);
	memcpy(text + 7, s.ptr, 5);
	memcpy(text + 12, s.ptr + 12, n - 7);
	if (timetext_read_bsd(slice_of(text, n + 5), time) == 0)
		return 0;
	return n + 5;
}

static size_t
read_time(struct slice s, struct timetext *time)
{
	size_t n;

	if (s.len < 14)
		return 0;
	if (s.ptr[0] == '@')
		return timetext_read_tai64n(s, time);
	if (!is_digit(s.ptr[0]))
		return timetext_read_bsd(s, time);
	n = timetext_read_iso(s, time);
	if (n == 0 && s.ptr[4] == ':') {
		struct slice word = token(s);

		/* Sophos UTM: "2026:11:20-10:00:00" */
		n = timetext_read_format(word, SLICE("%Y:%m:%d-%H:%M:%S"),
		    time) ? word.len : 0;
	}
	return n > 0 ? n : read_year_first(s, time);
}

/* "daemon.info" as OpenWrt and others write the priority. */
static bool
read_priority_words(struct slice word, int *priority)
{
	static const char *const facilities[] = { "kern", "user", "mail",
	    "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
	    "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0",
	    "local1", "local2", "local3", "local4", "local5", "local6",
	    "local7" };
	static const char *const severities[] = { "emerg", "alert", "crit",
	    "err", "warn", "notice", "info", "debug", "panic", "x", "error",
	    "error", "warning" };
	ptrdiff_t dot = slice_find_byte(word, '.');
	struct slice severity;

	if (dot < 3 || word.len > 20)
		return false;
	severity = slice_skip(word, (size_t)dot + 1);
	for (int f = 0; f < 24; f++) {
		if (!slice_eq_nocase(slice_head(word, (size_t)dot),
		    slice_cstr(facilities[f])))
			continue;
		for (int i = 0; i < 13; i++)
			if (slice_eq_nocase(severity,
			    slice_cstr(severities[i]))) {
				*priority = f * 8 + (i < 8 ? i :
				    i == 8 ? 0 : i == 12 ? 4 : 3);
				return true;
			}
	}
	return false;
}

/* What may stand where: more than letters in a program name, because pam puts
 * itself in parentheses behind it and postfix has a slash. */
enum { IN_TAG = 1, IN_PROCID = 2, IN_HOST = 4 };
static const unsigned char places[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 1, 0, 4, 0, 0, 1, 1, 0, 1, 0, 7, 7, 5,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 4, 0, 0, 0, 0, 0,
	5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 7,
	0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
};

static inline bool
stands_in(char c, unsigned place)
{
	return (places[(unsigned char)c] & place) != 0;
}

/* "name[pid]:", "name[pid]" or "name:" and then a blank or nothing. Answers
 * the bytes with the blanks behind, 0 if it is no tag. */
static size_t
read_tag(struct slice s, struct slice *name, struct slice *procid)
{
	size_t n = 0, start;

	while (n < s.len && n <= TAG_BYTES && stands_in(s.ptr[n], IN_TAG))
		n++;
	if (n == 0 || n > TAG_BYTES || n == s.len)
		return 0;
	*name = slice_head(s, n);
	*procid = slice_of("", 0);
	if (s.ptr[n] == '[') {
		start = ++n;
		while (n < s.len && n - start <= PROCID_BYTES &&
		    stands_in(s.ptr[n], IN_PROCID))
			n++;
		if (n == s.len || s.ptr[n] != ']' || n == start)
			return 0;
		*procid = slice_of(s.ptr + start, n - start);
		n++;
		if (n < s.len && s.ptr[n] == ':')
			n++;
		else if (n < s.len && s.ptr[n] != ' ')
			return 0;
	} else if (s.ptr[n] != ':' ||
	    (n + 1 < s.len && s.ptr[n + 1] != ' ')) {
		return 0;
	} else {
		n++;
	}
	while (n < s.len && s.ptr[n] == ' ')
		n++;
	return n;
}

static bool
is_host(struct slice word)
{
	if (word.len == 0 || word.len > HOST_BYTES || word.ptr[0] == '%' ||
	    word.ptr[0] == '-')
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!stands_in(word.ptr[i], IN_HOST))
			return false;
	/* "CEF:0" and the like are the beginning of a body. */
	return !slice_starts(word, SLICE("CEF:")) &&
	    !slice_starts(word, SLICE("LEEF:"));
}

static bool
all_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_digit(s.ptr[i]))
			return false;
	return s.len > 0;
}

/* Cisco: "123: *Oct 19 18:30:13.311 CDT: " in front of the text; its time is
 * the device's own, so it is the better one. */
static void
read_sequence(struct slice *s, struct syslog_header *h)
{
	struct slice rest = *s;
	struct timetext time;
	size_t n = 0;

	while (n < rest.len && is_digit(rest.ptr[n]))
		n++;
	if (n > 0 && n + 1 < rest.len && rest.ptr[n] == ':' &&
	    rest.ptr[n + 1] == ' ')
		rest = slice_skip(rest, n + 2);
	if (rest.len > 0 && (rest.ptr[0] == '*' || rest.ptr[0] == '.'))
		rest = slice_skip(rest, 1);
	if (rest.len == 0 || is_digit(rest.ptr[0]))
		return;
	n = timetext_read_bsd(rest, &time);
	if (n == 0)
		return;
	rest = slice_skip(rest, n);
	if (rest.len > 0 && rest.ptr[0] == ':')
		rest = slice_skip(rest, 1);
	skip_blanks(&rest);
	h->time = time;
	h->has_time = true;
	*s = rest;
}

/* "notice sshd[77]: ": BIG-IP puts the severity as a word in between. */
static void
skip_level(struct slice *s)
{
	static const char *const levels[] = { "emerg", "alert", "crit", "err",
	    "warning", "notice", "info", "debug" };
	struct slice word = token(*s), rest, name, procid;

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!slice_eq(word, slice_cstr(levels[i])))
			continue;
		rest = slice_skip(*s, word.len);
		skip_blanks(&rest);
		if (read_tag(rest, &name, &procid) > 0 && procid.len > 0)
			*s = rest;
		return;
	}
}

static void
read_host_and_tag(struct slice *s, struct syslog_header *h)
{
	struct slice word, name, procid;
	size_t n = read_tag(*s, &name, &procid);

	if (n > 0 && !all_digits(name) && !(procid.len == 0 &&
	    n < s->len && s->ptr[n] == '%')) {
		h->appname = name;
		h->procid = procid;
		*s = slice_skip(*s, n);
		return;
	}
	word = token(*s);
	if (!is_host(word))
		return;
	if (word.len > 1 && word.ptr[word.len - 1] == ':')
		h->hostname = slice_head(word, word.len - 1);
	else
		h->hostname = word;
	*s = slice_skip(*s, word.len);
	skip_blanks(s);
	if (s->len > 1 && s->ptr[0] == ':' && s->ptr[1] == ' ') {
		*s = slice_skip(*s, 1);
		skip_blanks(s);
	}
	read_sequence(s, h);
	skip_level(s);
	n = read_tag(*s, &name, &procid);
	if (n > 0 && !all_digits(name)) {
		h->appname = name;
		h->procid = procid;
		*s = slice_skip(*s, n);
	}
}

/* Solaris puts "[ID 800047 auth.info] " in front of the text. */
static void
read_solaris_id(struct slice *s, struct syslog_header *h)
{
	ptrdiff_t end;
	struct slice inner;

	if (!slice_starts(*s, SLICE("[ID ")))
		return;
	end = slice_find(slice_head(*s, 48), SLICE("] "));
	if (end < 0)
		return;
	inner = slice_of(s->ptr + 4, (size_t)end - 4);
	end = slice_find_byte(inner, ' ');
	if (end < 0 || !all_digits(slice_head(inner, (size_t)end)))
		return;
	h->msgid = slice_head(inner, (size_t)end);
	if (h->priority < 0)
		read_priority_words(slice_skip(inner, (size_t)end + 1),
		    &h->priority);
	*s = slice_skip(*s, inner.len + 6);
}

/* "192.0.2.9:4000" */
static bool
has_port(struct slice word)
{
	ptrdiff_t colon = slice_find_byte(word, ':');

	return colon > 0 && slice_find_byte(slice_head(word, (size_t)colon),
	    '.') > 0 && all_digits(slice_skip(word, (size_t)colon + 1));
}

/* Without a priority the time alone decides, and an ISO time might as well be
 * the body's own: then only a program with its number makes it a header. */
static bool
looks_like_program(struct slice s)
{
	struct slice name, procid, word = token(s);
	size_t n;

	if (read_tag(s, &name, &procid) > 0 && procid.len > 0)
		return true;
	/* "hana/192.0.2.9:4000 TLS: " is a peer and a message. */
	if (!is_host(word) || slice_find_byte(word, '/') >= 0 ||
	    has_port(word))
		return false;
	s = slice_skip(s, word.len);
	skip_blanks(&s);
	n = read_tag(s, &name, &procid);
	return n > 0;
}

/* "123: " in front, as Cisco counts its messages. */
static void
skip_count(struct slice *s)
{
	size_t n = 0;

	while (n < s->len && is_digit(s->ptr[n]))
		n++;
	if (n > 0 && n + 1 < s->len && s->ptr[n] == ':' &&
	    s->ptr[n + 1] == ' ')
		*s = slice_skip(*s, n + 2);
}

/* Cisco in an order of its own: "77: sw-a: 412: *2026 Oct 19 18:30:13.311
 * CDT: %SYS-5-...", of which all but the time may be missing. The sign that
 * its text begins with tells it from a body that has a time. */
static bool
read_cisco(struct slice *s, struct syslog_header *h)
{
	struct slice rest = *s, word, host = slice_of("", 0);
	struct timetext time;
	size_t n;

	if (slice_find_byte(rest, '%') < 0)
		return false;
	if (rest.len > 0 && rest.ptr[0] == ':')
		rest = slice_skip(rest, 1);
	skip_blanks(&rest);
	skip_count(&rest);
	skip_count(&rest);
	word = token(rest);
	if (word.len > 1 && word.ptr[word.len - 1] == ':' && is_host(word) &&
	    !all_digits(slice_head(word, word.len - 1))) {
		host = slice_head(word, word.len - 1);
		rest = slice_skip(rest, word.len);
		skip_blanks(&rest);
	}
	skip_count(&rest);
	if (rest.len > 0 && (rest.ptr[0] == '*' || rest.ptr[0] == '.'))
		rest = slice_skip(rest, 1);
	n = read_time(rest, &time);
	if (n == 0)
		return false;
	rest = slice_skip(rest, n);
	skip_blanks(&rest);
	if (rest.len > 0 && rest.ptr[0] == ':')
		rest = slice_skip(rest, 1);
	skip_blanks(&rest);
	if (rest.len < 2 || rest.ptr[0] != '%' || rest.ptr[1] == ' ')
		return false;
	h->hostname = host;
	h->time = time;
	h->has_time = true;
	*s = rest;
	return true;
}

static void
read_3164(struct slice s, struct syslog_header *h)
{
	bool has_priority = h->priority >= 0;
	struct slice start = s, word;
	size_t n;

	skip_blanks(&s);
	if (read_cisco(&s, h)) {
		h->body = s;
		return;
	}
	read_sequence(&s, h);
	if (!h->has_time) {
		n = read_time(s, &h->time);
		if (n > 0) {
			struct slice rest = slice_skip(s, n);

			if (rest.len > 0 && rest.ptr[0] == ':')
				rest = slice_skip(rest, 1);
			skip_blanks(&rest);
			if (!has_priority && is_digit(s.ptr[0]) &&
			    s.ptr[4] != ' ' && !looks_like_program(rest)) {
				h->body = start;
				return;
			}
			h->has_time = true;
			s = rest;
		}
	}
	if (!h->has_time && !has_priority) {
		if (looks_like_program(s) && slice_find(slice_head(s, 64),
		    SLICE("]:")) > 0)
			read_host_and_tag(&s, h);
		h->body = s;
		return;
	}
	word = token(s);
	if (read_priority_words(word, &h->priority)) {
		s = slice_skip(s, word.len);
		skip_blanks(&s);
	}
	if (h->has_time || looks_like_program(s))
		read_host_and_tag(&s, h);
	read_solaris_id(&s, h);
	h->body = s;
}

static void
read_once(struct slice line, struct syslog_header *out)
{
	struct slice s = line;

	*out = (struct syslog_header){ .priority = -1 };
	skip_bom(&s);
	if (read_priority(&s, &out->priority) && s.len > 0 &&
	    s.ptr[0] == '\t')
		s = slice_skip(s, 1);
	skip_bom(&s);
	if (read_5424(s, out))
		return;
	read_3164(s, out);
}

void
syslog_read(struct slice line, struct syslog_header *out)
{
	struct syslog_header inner;

	read_once(line, out);
	/* A relay puts its own header in front of one that is complete. */
	for (int i = 0; i < RELAYS && out->body.len > 8 &&
	    out->body.ptr[0] == '<'; i++) {
		int priority;
		struct slice s = out->body;

		if (!read_priority(&s, &priority))
			break;
		read_once(out->body, &inner);
		if (!inner.has_time && inner.appname.len == 0)
			break;
		if (inner.hostname.len == 0)
			inner.hostname = out->hostname;
		if (!inner.has_time) {
			inner.time = out->time;
			inner.has_time = out->has_time;
		}
		*out = inner;
	}
}

bool
syslog_is_header(struct slice line)
{
	struct syslog_header h;

	syslog_read(line, &h);
	return h.priority >= 0 || (h.has_time && h.procid.len > 0);
}
