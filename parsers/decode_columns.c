/* Columns whose names stand in a header: Zeek's and W3C's. */
#include "parsers/decode.h"

bool
decode_tsv(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	(void)reading, (void)decoder, (void)body, (void)parent;
	return false;
}

bool
decode_w3c(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	(void)reading, (void)decoder, (void)body, (void)parent;
	return false;
}
