/* Conditions over keys and fields. */
#include "parsers/mapping.h"

#include "engine/ip.h"
#include "engine/map.h"
#include "engine/regex.h"

static bool
holds_for(const struct condition *cond, struct slice text, struct reading *r)
{
	const struct words *words = &cond->words;
	char buf[LOWER_BYTES];
	uint8_t ip[16];
	double dbl;

	switch (cond->kind) {
	case COND_EQUALS:
		if (cond->index != NULL)
			return text.len <= sizeof(buf) && map_find(
			    cond->index, mapping_lowered(text, buf)) != NULL;
		return in_words(words, text);
	case COND_STARTS:
		for (size_t i = 0; i < words->n; i++)
			if (text.len >= words->at[i].len && slice_eq_nocase(
			    slice_head(text, words->at[i].len), words->at[i]))
				return true;
		return false;
	case COND_ENDS:
		for (size_t i = 0; i < words->n; i++)
			if (text.len >= words->at[i].len && slice_eq_nocase(
			    slice_skip(text, text.len - words->at[i].len),
			    words->at[i]))
				return true;
		return false;
	case COND_CONTAINS:
		for (size_t i = 0; i < words->n; i++)
			if (slice_find_nocase(text, words->at[i]) >= 0)
				return true;
		return false;
	case COND_REGEX:
		for (size_t i = 0; i < words->n; i++)
			if (regex_match(cond->regexes[i], text, r->scratch))
				return true;
		return false;
	case COND_GT:
		return slice_double(text, &dbl) && dbl > cond->number;
	case COND_GE:
		return slice_double(text, &dbl) && dbl >= cond->number;
	case COND_LT:
		return slice_double(text, &dbl) && dbl < cond->number;
	case COND_LE:
		return slice_double(text, &dbl) && dbl <= cond->number;
	case COND_CIDR:
		if (!ip_parse(text, ip))
			return false;
		for (size_t i = 0; i < words->n; i++)
			if (cidr_holds(&cond->nets[i], ip))
				return true;
		return false;
	default:
		return false;
	}
}

static bool
holds_for_any(struct reading *r, const struct condition *cond,
    const struct value *value)
{
	char buf[VALUE_TEXT_BYTES];

	for (size_t i = 0; i < value_members(value); i++)
		if (holds_for(cond, value_as_text(value_member(value, i),
		    buf), r))
			return true;
	return false;
}

static bool
leaf_holds(struct reading *r, const struct condition *cond)
{
	const struct value *value = value_at(r, cond->slot, cond->field);

	if (cond->kind == COND_ABSENT)
		return value == NULL;
	if (value == NULL || cond->kind == COND_EXISTS)
		return value != NULL;
	if (cond->kind == COND_EQUALS && cond->index == NULL &&
	    value->type != VALUE_LIST && value->text != NULL)
		return in_words(&cond->words, slice_of(value->text,
		    value->len));
	return holds_for_any(r, cond, value);
}

bool
mapping_holds(struct reading *r, const struct condition *cond)
{
	bool any;

	if (cond->kind == COND_NOT)
		return !mapping_holds(r, &cond->kids[0]);
	if (cond->kind != COND_ALL && cond->kind != COND_ANY)
		return leaf_holds(r, cond);
	any = cond->kind == COND_ANY;
	for (size_t i = 0; i < cond->nkids; i++)
		if (mapping_holds(r, &cond->kids[i]) == any)
			return any;
	return !any;
}
