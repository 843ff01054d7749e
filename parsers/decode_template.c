#include "parsers/decode.h"

bool
decode_template(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	struct template_match *match = &reading->match;

	(void)parent;
	if (!template_match(decoder->templates, body, match))
		return false;
	for (size_t i = 0; i < match->n; i++) {
		struct value value = reading_text(reading,
		    match->captures[i].text);

		reading_put_slot(reading, match->captures[i].name, &value);
	}
	reading->blocks = &reading->def->template_blocks[match->number];
	reading->nblocks = reading->blocks[0] != NULL;
	return true;
}
