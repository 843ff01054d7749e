#include "parsers/loosename.h"

#include "engine/map.h"

#define ENDS (UINT64_C(1) << 32)	/* beside the slot's number */

struct slice
loosename(struct slice name, char buf[LOOSENAME_BYTES])
{
	size_t n = 0;

	if (name.len > LOOSENAME_BYTES)
		return slice_of("", 0);
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.ptr[i]);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    (unsigned char)c >= 0x80)
			buf[n++] = c;
	}
	return slice_of(buf, n);
}

void
loosename_add(struct map *map, struct slice name, unsigned slot, bool ends)
{
	char buf[LOOSENAME_BYTES];
	struct slice loose = loosename(name, buf);
	union map_value *value;
	bool made;

	if (loose.len == 0)
		return;
	value = map_get(map, loose, &made);
	if (made)
		value->num = slot | (ends ? ENDS : 0);
}

bool
loosename_find(const struct map *map, struct slice name, unsigned *slot)
{
	char buf[LOOSENAME_BYTES];
	struct slice rest = name;
	ptrdiff_t dot;

	for (;;) {
		const union map_value *value = map_find(map,
		    loosename(rest, buf));

		if (value != NULL && (rest.len == name.len ||
		    (value->num & ENDS) != 0)) {
			*slot = (unsigned)(value->num & ~ENDS);
			return true;
		}
		dot = slice_find_byte(rest, '.');
		if (dot < 0)
			return false;
		rest = slice_skip(rest, (size_t)dot + 1);
	}
}
