#include "correlation/degraded.h"

#include <inttypes.h>

bool
degraded_asks(const struct degraded *degraded, const struct losses *now,
    int64_t time_ns)
{
	const struct losses *told = &degraded->told;
	int64_t next, before;

	if (now->groups == told->groups && now->entries == told->entries &&
	    now->alerts == told->alerts &&
	    now->keys - told->keys < DEGRADED_KEYS &&
	    now->late - told->late < DEGRADED_LATE)
		return false;
	if (!degraded->has_told)
		return true;
	/* A clock that was far ahead once must not silence us for good. */
	if (__builtin_add_overflow(degraded->told_ns, DEGRADED_EVERY_NS, &next))
		next = INT64_MAX;
	if (__builtin_sub_overflow(degraded->told_ns, DEGRADED_EVERY_NS,
	    &before))
		before = INT64_MIN;
	return time_ns >= next || time_ns <= before;
}

static void
put_loss(struct strbuf *en, struct strbuf *ja, uint64_t n, const char *text_en,
    const char *text_ja)
{
	if (n == 0)
		return;
	strbuf_printf(en, "%s%" PRIu64 " %s", en->len > 0 ? ", " :
	    "Detection is degraded: ", n,
	    text_en);
	strbuf_printf(ja, "%s%s %" PRIu64 " 件", ja->len > 0 ? "、" :
	    "検知能力が低下しています：",
	    text_ja, n);
}

struct rule
degraded_rule(const struct degraded *degraded, const struct losses *now,
    struct strbuf *en, struct strbuf *ja)
{
	const struct losses *told = &degraded->told;

	put_loss(en, ja, now->groups - told->groups,
	    "groups were given up for room", "破棄されたグループ");
	put_loss(en, ja, now->entries - told->entries,
	    "times a group forgot its oldest events",
	    "古いイベントを破棄したグループ");
	put_loss(en, ja, now->keys - told->keys,
	    "remembered values were given up for room", "破棄された記憶値");
	put_loss(en, ja, now->alerts - told->alerts, "alerts were lost",
	    "失われたアラート");
	put_loss(en, ja, now->late - told->late, "events came too late",
	    "遅延により無視されたイベント");
	strbuf_putc(en, '.');
	strbuf_puts(ja, "。");
	return (struct rule){
	    .kind = RULE_DETECTION, .level = LEVEL_MEDIUM, .score = 50,
	    .layer = LAYER_RULE, .id = SLICE("yagura-detection-degraded"),
	    .name = SLICE("yagura-detection-degraded"),
	    .title = SLICE("Detection is degraded"),
	    .title_ja = SLICE("検知能力の低下"),
	    .description = SLICE("Correlation met a limit of memory or time; "
		"what it gave up cannot complete a pattern any more."),
	    .advice_en = SLICE("See `yagura status`; raise the correlation "
		"limits, or find the source that floods or is late."),
	    .advice_ja = SLICE("yagura status を確認し、相関の上限を"
		"引き上げるか、大量送信または遅延している送信元を"
		"特定してください。"),
	    .text_en = strbuf_slice(en), .text_ja = strbuf_slice(ja) };
}

void
degraded_told(struct degraded *degraded, const struct losses *now,
    int64_t time_ns)
{
	degraded->told = *now;
	degraded->told_ns = time_ns;
	degraded->has_told = true;
}
