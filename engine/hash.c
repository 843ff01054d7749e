/* hash64 multiplies 64 by 64 to 128 bits and folds, 16 bytes a step, in the
 * manner of wyhash; short keys take one step. crc32c uses the instruction of
 * SSE4.2 where the processor has it.
 */
#include "engine/hash.h"

#include <openssl/sha.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "engine/check.h"

#define K0 UINT64_C(0xa0761d6478bd642f)
#define K1 UINT64_C(0xe7037ed1a0b428db)
#define K2 UINT64_C(0x8ebc6af09c88c6e3)

__extension__ typedef unsigned __int128 wide;

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static inline uint64_t
load32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

/* The layout of the last step decides the value of every hash in a file: none
 * of this may change. Bytes are little-endian as on all our machines.
 *
 * Both factors of a step depend on the seed. wyhash mixes one of them with a
 * constant that everybody knows: text equal to it makes the product 0 and all
 * that came before forgotten, whatever the seed. */
uint64_t
hash64_fixed(struct slice s, uint64_t seed)
{
	const char *p = s.ptr;
	size_t n = s.len;
	uint64_t a = 0, b = 0;
	uint64_t left = mix(seed ^ K0, K1), right = mix(seed ^ K1, K2);

	for (; n > 16; n -= 16, p += 16)
		right = mix(load64(p) ^ left, load64(p + 8) ^ right);
	if (n >= 8) {
		a = load64(p);
		b = load64(p + n - 8);
	} else if (n >= 4) {
		a = load32(p);
		b = load32(p + n - 4);
	} else if (n > 0) {
		a = (uint64_t)(unsigned char)p[0] << 16 |
		    (uint64_t)(unsigned char)p[n >> 1] << 8 |
		    (unsigned char)p[n - 1];
	}
	return mix(K2 ^ s.len, mix(a ^ left, b ^ right));
}

/* Drawn once; whoever comes first draws, the others take what stands. */
static uint64_t
hash_seed(void)
{
	static _Atomic uint64_t drawn;
	uint64_t seed = atomic_load_explicit(&drawn, memory_order_relaxed);
	uint64_t none = 0;

	if (seed != 0)
		return seed;
	check(getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
	seed |= 1;
	return atomic_compare_exchange_strong(&drawn, &none, seed) ? seed
	    : none;
}

uint64_t
hash64(struct slice s)
{
	return hash64_fixed(s, hash_seed());
}

/* The reversed polynomial 0x82f63b78, one table of a byte. */
static uint32_t
crc32c_table(uint32_t crc, const char *p, size_t n)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};

	for (; n > 0; n--, p++) {
		crc ^= (unsigned char)*p;
		crc = nibble[crc & 15] ^ crc >> 4;
		crc = nibble[crc & 15] ^ crc >> 4;
	}
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc32c_sse42(uint32_t crc, const char *p, size_t n)
{
	uint64_t wide_crc = crc;

	for (; n >= 8; n -= 8, p += 8)
		wide_crc = __builtin_ia32_crc32di(wide_crc, load64(p));
	crc = (uint32_t)wide_crc;
	for (; n > 0; n--, p++)
		crc = __builtin_ia32_crc32qi(crc, (unsigned char)*p);
	return crc;
}
#endif

uint32_t
crc32c(uint32_t crc, struct slice s)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc32c_sse42(~crc, s.ptr, s.len);
#endif
	return ~crc32c_table(~crc, s.ptr, s.len);
}

void
sha256(struct slice s, uint8_t out[SHA256_BYTES])
{
	SHA256((const unsigned char *)s.ptr, s.len, out);
}

void
hex_encode(const uint8_t *bytes, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digit[bytes[i] >> 4];
		*out++ = digit[bytes[i] & 15];
	}
	*out = '\0';
}
