/* engine/gunzip.h -- unpacks a gzip body without trusting it.
 *
 * Stops at the limit, and at GUNZIP_RATIO times the packed bytes once
 * GUNZIP_FREE bytes are out: a bomb costs what it is allowed to, no more.
 */
#ifndef YAGURA_ENGINE_GUNZIP_H
#define YAGURA_ENGINE_GUNZIP_H

#include "engine/slice.h"

struct strbuf;

#define GUNZIP_RATIO 100
#define GUNZIP_FREE (1u << 20)

enum gunzip_answer { GUNZIP_DONE, GUNZIP_LARGE, GUNZIP_DAMAGED };

/* Appends what is packed, one member or several, to *out. Anything but DONE
 * leaves a part of it there. */
enum gunzip_answer gunzip(struct slice packed, size_t limit,
    struct strbuf *out);

#endif
