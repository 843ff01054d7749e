#include "engine/ip.h"

#include <stdio.h>

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

bool
ip_parse_v4(struct slice text, uint32_t *out)
{
	const unsigned char *p = (const unsigned char *)text.ptr;
	const unsigned char *end = p + text.len;
	uint32_t ip = 0;

	if (text.len < 7 || text.len > 15)
		return false;
	for (int part = 0; part < 4; part++) {
		unsigned n, digit;

		if (part > 0 && (p == end || *p++ != '.'))
			return false;
		if (p == end || (n = *p - '0') > 9)
			return false;
		p++;
		while (p < end && (digit = *p - '0') <= 9) {
			if (n == 0)
				return false;	/* a leading zero */
			n = n * 10 + digit;
			if (n > 255)
				return false;
			p++;
		}
		ip = ip << 8 | n;
	}
	*out = ip;
	return p == end;
}

static void
put_v4(uint32_t v4, uint8_t out[4])
{
	out[0] = (uint8_t)(v4 >> 24);
	out[1] = (uint8_t)(v4 >> 16);
	out[2] = (uint8_t)(v4 >> 8);
	out[3] = (uint8_t)v4;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads groups from the left; `gap` remembers where "::" stood, and what was
 * read behind it moves to the end when all is known. */
static bool
parse_v6(struct slice s, uint8_t out[16])
{
	size_t at = 0, n = 0;
	ptrdiff_t gap = -1;

	memset(out, 0, 16);
	if (s.len < 2 || s.len > 45)
		return false;
	if (s.ptr[0] == ':') {
		if (s.ptr[1] != ':')
			return false;
		at = 2;
		gap = 0;
	}
	while (at < s.len) {
		unsigned group = 0;
		size_t start = at;
		uint32_t v4;
		int digit;

		for (; at < s.len && (digit = hex_digit(s.ptr[at])) >= 0; at++)
			group = group << 4 | (unsigned)digit;
		if (at < s.len && s.ptr[at] == '.') {
			if (n > 12 || !ip_parse_v4(slice_skip(s, start), &v4))
				return false;
			put_v4(v4, out + n);
			n += 4;
			break;
		}
		if (at == start || at - start > 4 || n > 14)
			return false;
		out[n++] = (uint8_t)(group >> 8);
		out[n++] = (uint8_t)group;
		if (at == s.len)
			break;
		if (s.ptr[at++] != ':' || at == s.len)
			return false;
		if (s.ptr[at] == ':') {
			if (gap >= 0)
				return false;
			gap = (ptrdiff_t)n;
			at++;
		}
	}
	if (gap < 0)
		return n == 16;
	if (n > 14)
		return false;	/* "::" stands for one group at least */
	memmove(out + 16 - (n - (size_t)gap), out + gap, n - (size_t)gap);
	memset(out + gap, 0, 16 - n);
	return true;
}

bool
ip_parse(struct slice text, uint8_t out[16])
{
	uint32_t v4;

	if (ip_parse_v4(text, &v4)) {
		memcpy(out, v4_mapped, 12);
		put_v4(v4, out + 12);
		return true;
	}
	return parse_v6(text, out);
}

bool
ip_is_v4(const uint8_t ip[16])
{
	return memcmp(ip, v4_mapped, 12) == 0;
}

/* The longest run of zero groups, the first of equals, of two at least. */
static void
longest_zeros(const uint16_t group[8], int *start, int *len)
{
	*start = -1;
	*len = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > *len) {
			*start = i;
			*len = n;
		}
		i += n;
	}
}

struct slice
ip_format(const uint8_t ip[16], char buf[IP_TEXT_BYTES])
{
	uint16_t group[8];
	int start, len;
	size_t n = 0;

	if (ip_is_v4(ip))
		return slice_of(buf, (size_t)snprintf(buf, IP_TEXT_BYTES,
		    "%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]));
	for (int i = 0; i < 8; i++)
		group[i] = (uint16_t)(ip[2 * i] << 8 | ip[2 * i + 1]);
	longest_zeros(group, &start, &len);
	buf[0] = '\0';
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			n += (size_t)snprintf(buf + n, IP_TEXT_BYTES - n,
			    "%s", i == 0 ? "::" : ":");
			i += len - 1;
			continue;
		}
		n += (size_t)snprintf(buf + n, IP_TEXT_BYTES - n, "%x%s",
		    group[i], i < 7 ? ":" : "");
	}
	return slice_of(buf, n);
}

static void
clear_behind(uint8_t ip[16], unsigned bits)
{
	if (bits >= 128)
		return;
	ip[bits / 8] &= (uint8_t)(0xff00 >> bits % 8);
	memset(ip + bits / 8 + 1, 0, 15 - bits / 8);
}

bool
cidr_parse(struct slice text, struct cidr *out)
{
	ptrdiff_t slash = slice_find_byte(text, '/');
	uint64_t bits = 128;
	struct slice tail;

	if (slash < 0) {
		out->bits = 128;
		return ip_parse(text, out->ip);
	}
	tail = slice_skip(text, (size_t)slash + 1);
	if (!ip_parse(slice_head(text, (size_t)slash), out->ip))
		return false;
	if (tail.len > 3 || !slice_ulong(tail, &bits))
		return false;
	/* The prefix of a dotted address counts its own 32 bits. */
	if (slice_find_byte(text, ':') < 0) {
		if (bits > 32)
			return false;
		bits += 96;
	}
	if (bits > 128)
		return false;
	out->bits = (unsigned)bits;
	clear_behind(out->ip, out->bits);
	return true;
}

bool
cidr_holds(const struct cidr *cidr, const uint8_t ip[16])
{
	unsigned whole = cidr->bits / 8, rest = cidr->bits % 8;

	/* IPv4 is kept as ::ffff:a.b.c.d, but ::/0 is a network of IPv6. */
	if (cidr->bits < 96 && ip_is_v4(ip))
		return false;
	if (memcmp(cidr->ip, ip, whole) != 0)
		return false;
	return rest == 0 ||
	    ((cidr->ip[whole] ^ ip[whole]) & 0xff00 >> rest & 0xff) == 0;
}
