/* tools/health_source.h -- how one source of logs usually behaves.
 *
 * A source is what one sender says in one format; a sender is all that comes
 * from one address. Both are followed minute by minute: how much came, how
 * much of it nobody could read, by how much its clock is off, how long it has
 * been quiet. What is usual is learned from itself: each hour of the week has
 * its number of events, and the longest silence so far fades by half in about
 * six days.
 *
 * Nothing here asks a clock; times are arrival times.
 *
 * Owner: whoever holds it, one thread at a time.
 */
#ifndef YAGURA_TOOLS_HEALTH_SOURCE_H
#define YAGURA_TOOLS_HEALTH_SOURCE_H

#include "engine/slice.h"

struct strbuf;

#define HEALTH_MINUTE_NS INT64_C(60000000000)
#define HEALTH_HOUR_NS (60 * HEALTH_MINUTE_NS)
#define HEALTH_MINUTES 60	/* whose numbers are kept */
#define HEALTH_WEEK 168		/* hours */
#define HEALTH_FEW 20		/* events that make no share */

struct health_minute {
	uint32_t events, unparsed;
};

struct health_source {
	int64_t	 first_ns;	/* first event ever */
	int64_t	 last_ns;	/* last event; 0: none */
	int64_t	 awake_ns;	/* since when we could have heard it */
	int64_t	 quiet_ns;	/* longest silence, faded */
	/* this minute */
	uint64_t events, bytes, unparsed;
	bool	 has_skew;
	int64_t	 skew_ns;	/* arrival less stated time, nearest to 0 */
	/* the last hour, by minute of the clock */
	struct health_minute minutes[HEALTH_MINUTES];
	int64_t	 minute;	/* since 1970, closed last */
	int64_t	 hour;		/* since 1970, whose minutes are counted */
	uint32_t hour_minutes;	/* of it that were closed */
	uint64_t hour_events, hour_unparsed;
	uint64_t closed;	/* minutes closed since we are awake */
	/* what is usual; below 0: not known */
	float	 unparsed_usual;	/* percent */
	float	 week[HEALTH_WEEK];	/* events in each hour */
};

/* What is known at the end of a minute. Numbers below 0 are not known. */
struct health_figures {
	uint64_t events, bytes, unparsed;	/* of the minute */
	int64_t	 known_s, silence_s;
	double	 silence_ratio;	/* of the longest usual silence */
	bool	 has_skew;
	int64_t	 skew_s;
	uint64_t volume;	/* events in the last hour */
	double	 volume_usual, volume_ratio;
	double	 unparsed_share, unparsed_usual;	/* percent; ten minutes */
	double	 unparsed_jump;	/* percentage points above the usual */
	bool	 has_jump;
};

void health_source_init(struct health_source *source, int64_t now_ns);

/* One event that arrived; `unparsed`: no definition knew it. time_ns is what
 * it says itself, or 0. */
void health_source_note(struct health_source *source, int64_t arrival_ns,
    int64_t time_ns, size_t bytes, bool unparsed);

/* Ends a minute. */
void health_source_close(struct health_source *source, int64_t now_ns,
    struct health_figures *out);

/* What is worth keeping over a restart, as text without tabs or line feeds,
 * and back: false if the text is none. What was missed while we were away
 * counts neither as silence nor as a quiet hour. */
void health_source_save(const struct health_source *source,
    struct strbuf *out);
bool health_source_load(struct health_source *source, struct slice text,
    int64_t now_ns);

#endif
