/* engine/ip.h -- addresses as 16 bytes.
 *
 * IPv4 is kept as ::ffff:a.b.c.d, so one comparison serves both. What is read
 * is strict: four decimal parts without leading zeros, or RFC 4291 text; a
 * zone ("fe80::1%eth0") is refused, because its meaning ends at its host.
 */
#ifndef YAGURA_ENGINE_IP_H
#define YAGURA_ENGINE_IP_H

#include "engine/slice.h"

#define IP_TEXT_BYTES 46	/* the longest text and NUL */

/* False, and *out undefined, if the slice is not one whole address. */
bool ip_parse(struct slice text, uint8_t out[16]);

/* The same for IPv4 only; *out in host order. */
bool ip_parse_v4(struct slice text, uint32_t *out);

bool ip_is_v4(const uint8_t ip[16]);

/* As RFC 5952 writes it, IPv4 dotted; the slice is borrowed from buf. */
struct slice ip_format(const uint8_t ip[16], char buf[IP_TEXT_BYTES]);

struct cidr {
	uint8_t	 ip[16];	/* bits behind the prefix are 0 */
	unsigned bits;		/* 0..128, counted over the 16 bytes */
};

/* "10.0.0.0/8", "2001:db8::/32", or one address. Bits behind the prefix are
 * cleared, not refused. */
bool cidr_parse(struct slice text, struct cidr *out);

bool cidr_holds(const struct cidr *cidr, const uint8_t ip[16]);

#endif
