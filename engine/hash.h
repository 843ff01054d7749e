/* engine/hash.h -- hashes and checksums.
 *
 * hash64 is keyed with a seed drawn at start, so that a sender cannot choose
 * colliding keys; it never reaches a file. hash64_fixed has a fixed key and
 * is part of file formats (blooms): it must never change.
 */
#ifndef YAGURA_ENGINE_HASH_H
#define YAGURA_ENGINE_HASH_H

#include <stdint.h>

#include "engine/slice.h"

uint64_t hash64(struct slice s);
uint64_t hash64_fixed(struct slice s, uint64_t seed);

/* CRC-32C (Castagnoli, RFC 3720 appendix B.4) of s, going on from crc; start
 * with 0. */
uint32_t crc32c(uint32_t crc, struct slice s);

#define SHA256_BYTES 32
void sha256(struct slice s, uint8_t out[SHA256_BYTES]);

/* Lower-case hex; out has room for 2 * n + 1 bytes, NUL included. */
void hex_encode(const uint8_t *bytes, size_t n, char *out);

#endif
