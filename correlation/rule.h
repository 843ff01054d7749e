/* correlation/rule.h -- one rule as it is known to the rest of the program.
 *
 * Strings and arrays live as long as the ruleset.
 */
#ifndef YAGURA_CORRELATION_RULE_H
#define YAGURA_CORRELATION_RULE_H

#include "correlation/respond.h"
#include "correlation/ruleset.h"
#include "engine/field.h"
#include "engine/logsource.h"

enum rule_kind { RULE_DETECTION, RULE_CORRELATION };

/* Types of windows, rows of window.def. */
enum correlation_type {
	CORRELATION_EVENT_COUNT, CORRELATION_VALUE_COUNT,
	CORRELATION_TEMPORAL, CORRELATION_TEMPORAL_ORDERED,
	CORRELATION_VALUE_SUM, CORRELATION_VALUE_AVG,
	CORRELATION_VALUE_PERCENTILE, CORRELATION_VALUE_MEDIAN,
	CORRELATION_SPEED,	/* no word of Sigma: yagura.speed */
	CORRELATION_ABSENT,	/* yagura.absent */
};

/* All bounds that are set must hold. */
struct correlation_bounds {
	bool	 has_gt, has_gte, has_lt, has_lte, has_eq, has_neq;
	double	 gt, gte, lt, lte, eq, neq;
};

/* One group-by column: per referred rule (aliases) the fields to read, the
 * first that the event has. */
struct group_column {
	struct slice name;	/* as written: field or alias */
	const field_t *const *fields;	/* [referred][..] ends with FIELD_NONE */
};

/* yagura.bind: a column is what the fields of `read` were bound to when it
 * happened, by events of the rules at refer[first ..]. Lists of fields end with
 * FIELD_NONE and are as long as each other. */
struct bind_rule {
	size_t	 column;
	const field_t *from, *read;
	field_t	 to, lease;	/* lease: seconds; FIELD_NONE: none */
	int64_t	 for_ns;
	size_t	 first, nlearn, nuntil;	/* refer[first + nlearn ..] end it */
};

struct correlation {
	enum correlation_type type;
	size_t	 nrefer;
	const uint32_t *refer;	/* numbers of rules, order as written */
	size_t	 nall;		/* of refer[]: those of binds follow nrefer */
	size_t	 nbinds;
	const struct bind_rule *binds;
	size_t	 ngroup;
	const struct group_column *group;
	int64_t	 timespan_ns;
	struct correlation_bounds bounds;
	bool	 bounds_given;
	const field_t *value_fields;	/* value_*; ends with FIELD_NONE */
	double	 percentile;
	/* yagura.speed: where the event is, and how fast is too fast */
	field_t	 speed_lat, speed_lon;
	double	 speed_kmh, speed_least_km;
	size_t	 nabsent;	/* the last of refer[]: what should follow */
};

struct rule {
	uint32_t number;
	enum rule_kind kind;
	struct slice id, name, title, description, author;
	const char *file;
	int	 line;
	enum rule_level level;
	enum rule_layer layer;	/* yagura.layer; detections: filter */
	bool	 silent;	/* generate: only feeds correlations */
	bool	 referred;	/* by some correlation */
	double	 score;		/* 0..100; from level unless yagura.score */
	struct logsource logsource;
	size_t	 ntags;
	const struct slice *tags;	/* as written, attack.t1110 ... */
	/* What people read; empty if not given. `text` may hold {field} and
	 * {count}, see yagura-rule(5). */
	struct slice text_en, text_ja, title_ja, advice_en, advice_ja,
	    falsepositives;
	size_t	 nresponses;	/* yagura.respond */
	const struct response *responses;
	int64_t	 suppress_ns;	/* yagura.suppress; 0: none */
	size_t	 nsuppress;
	const field_t *suppress;	/* its key */
	/* yagura.first_seen of a detection: a match feeds correlations and
	 * alerts only if these fields' values were not seen together within
	 * the memory, and the first of them was known for the learning time */
	size_t	 nfirst_seen;	/* 0: every match counts */
	const field_t *const *first_seen;	/* each ends with FIELD_NONE */
	int64_t	 first_seen_memory_ns, first_seen_learn_ns;
	/* detection */
	const struct cond *cond;
	const struct prog *prog;
	/* correlation */
	const struct correlation *correlation;
};

#endif
