/* tests/unit/correlation/random_stream.h -- rule sets and streams by chance.
 *
 * A seed gives a set of detections and correlations of all types, and events
 * for it: late, doubled, shuffled, at equal times, with lists and holes.
 */
#ifndef YAGURA_TEST_RANDOM_STREAM_H
#define YAGURA_TEST_RANDOM_STREAM_H

#include "stream.h"

#define CHANCE_RULES 5		/* correlations at most */
#define CHANCE_PLAIN 3		/* detections: r0 .. r2 match action a0 .. a2 */

struct chance {
	uint64_t state;
	char	 rules[8192];
	size_t	 len;
	unsigned ncorrelations;
	double	 now;		/* of the stream, seconds */
	char	 last[512];	/* event, for doubles */
	double	 last_at;
};

static inline unsigned
chance(struct chance *c, unsigned below)
{
	c->state = c->state * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (unsigned)(c->state >> 33) % below;
}

static inline void
chance_put(struct chance *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline void
chance_put(struct chance *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	c->len += (size_t)vsnprintf(c->rules + c->len,
	    sizeof(c->rules) - c->len, fmt, args);
	va_end(args);
	if (c->len >= sizeof(c->rules))
		abort();
}

static inline void
chance_condition(struct chance *c, unsigned most)
{
	static const char *const ops[] = { "gte", "gte", "gt", "lt", "lte",
	    "eq", "neq" };
	const char *op = ops[chance(c, 7)];

	if (chance(c, 6) == 0)
		chance_put(c, ", condition: {gte: %u, lte: %u",
		    1 + chance(c, 2), 2 + chance(c, most));
	else
		chance_put(c, ", condition: {%s: %u", op,
		    1 + chance(c, most));
}

/* One correlation of some type over rules that stand before it. */
static inline void
chance_correlation(struct chance *c, unsigned i, bool extensions)
{
	static const char *const types[] = { "event_count", "value_count",
	    "temporal", "temporal_ordered", "value_sum", "value_avg",
	    "value_percentile", "value_median", "event_count" };
	static const char *const groups[] = { "", "user", "host",
	    "user, host", "user" };
	unsigned type = chance(c, 9);
	unsigned refer = type == 2 || type == 3 ? 2 + chance(c, 2) :
	    1 + chance(c, 2);
	unsigned from = chance(c, CHANCE_PLAIN);
	unsigned span = 1 + chance(c, chance(c, 2) == 0 ? 5 : 40);
	unsigned group = chance(c, 5);

	chance_put(c, "---\ntitle: k%u\nid: k%u\nname: k%u\ncorrelation: "
	    "{type: %s, rules: [", i, i, i, types[type]);
	for (unsigned k = 0; k < refer; k++) {
		bool inner = i > 0 && k == 0 && chance(c, 3) == 0;

		chance_put(c, "%s%s%u", k > 0 ? ", " : "", inner ? "k" : "r",
		    inner ? chance(c, i) : (from + k) % CHANCE_PLAIN);
	}
	chance_put(c, "], timespan: %us, group-by: [%s]", span,
	    groups[group]);
	if (type == 8)
		chance_put(c, ", condition: {gte: 1}}\nlevel: high\n"
		    "yagura: {absent: {rules: [r%u]}}\n",
		    (from + refer) % CHANCE_PLAIN);
	if (type == 8)
		return;
	if ((type == 2 || type == 3) && chance(c, 2) == 0) {
		chance_put(c, "}\nlevel: high\n");
	} else {
		chance_condition(c, type >= 4 ? 40 : type == 2 || type == 3 ?
		    refer : 6);
		if (type == 1 || type >= 4)
			chance_put(c, ", field: %s", type == 1 ? "v" : "n");
		if (type == 6 && chance(c, 2) == 0)
			chance_put(c, ", percentile: %u", chance(c, 101));
		chance_put(c, "}}\nlevel: high\n");
	}
	if (extensions && strstr(groups[group], "user") != NULL &&
	    chance(c, 3) == 0)
		chance_put(c, "yagura: {bind: {user: {rules: [r%u], from: "
		    "host, to: v, until: [r%u], for: %us}}}\n", chance(c, 2),
		    2, 1 + chance(c, 60));
	else if (extensions && chance(c, 4) == 0)
		chance_put(c, "yagura: {suppress: {for: %us}}\n",
		    1 + chance(c, 60));
}

static inline void
chance_begin(struct chance *c, uint64_t seed, bool extensions)
{
	*c = (struct chance){ .state = seed * 2654435761u + 1, .now = 10 };
	for (unsigned i = 0; i < CHANCE_PLAIN; i++) {
		chance_put(c, "%stitle: r%u\nid: r%u\nname: r%u\n"
		    "logsource: {product: test}\n"
		    "detection: {sel: {action: a%u}, condition: sel}\n"
		    "level: informational\n", i > 0 ? "---\n" : "", i, i, i,
		    i);
		if (extensions && chance(c, 6) == 0)
			chance_put(c, "yagura: {first_seen: {fields: [user, "
			    "host], memory: 60s, learn: 5s}}\n");
	}
	c->ncorrelations = 1 + chance(c, CHANCE_RULES);
	for (unsigned i = 0; i < c->ncorrelations; i++)
		chance_correlation(c, i, extensions);
}

static inline void
chance_value(struct chance *c, char *out, size_t room, size_t *at,
    const char *name, const char *letter, unsigned below)
{
	unsigned how = chance(c, 20);

	if (how == 0)
		return;
	if (how == 1)
		*at += (size_t)snprintf(out + *at, room - *at,
		    ",\"%s\":null", name);
	else if (how == 2)
		*at += (size_t)snprintf(out + *at, room - *at,
		    ",\"%s\":[\"%s%u\",\"%s%u\"]", name, letter,
		    chance(c, below), letter, chance(c, below));
	else
		*at += (size_t)snprintf(out + *at, room - *at,
		    ",\"%s\":\"%s%u\"", name, letter, chance(c, below));
}

/* The next event: answers its time. */
static inline double
chance_event(struct chance *c, char *out, size_t room)
{
	static const double jumps[] = { 0, 0, 0, 0.25, 0.5, 1, 1, 3, 9 };
	size_t at = 0;

	if (c->last[0] != '\0' && chance(c, 12) == 0) {
		snprintf(out, room, "%s", c->last);
		return c->last_at;
	}
	c->now += jumps[chance(c, 9)];
	c->last_at = c->now - (chance(c, 4) == 0 ? chance(c, 40) * 0.5 : 0);
	if (c->last_at < 0)
		c->last_at = 0;
	at += (size_t)snprintf(out + at, room - at, "\"action\":\"a%u\"",
	    chance(c, CHANCE_PLAIN + 1));
	chance_value(c, out, room, &at, "user", "u", 3);
	chance_value(c, out, room, &at, "host", "h", 2);
	chance_value(c, out, room, &at, "v", "v", chance(c, 9) == 0 ? 40 : 5);
	switch (chance(c, 8)) {
	case 0:
		break;
	case 1:
		at += (size_t)snprintf(out + at, room - at, ",\"n\":\"%d\"",
		    (int)chance(c, 30) - 5);
		break;
	case 2:
		at += (size_t)snprintf(out + at, room - at,
		    ",\"n\":\"many\"");
		break;
	default:
		at += (size_t)snprintf(out + at, room - at, ",\"n\":%d.5",
		    (int)chance(c, 30) - 5);
		break;
	}
	snprintf(c->last, sizeof(c->last), "%s", out);
	return c->last_at;
}

#endif
