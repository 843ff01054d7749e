/* engine/json.h -- reading and writing JSON, RFC 8259. */
#ifndef YAGURA_ENGINE_JSON_H
#define YAGURA_ENGINE_JSON_H

#include "engine/slice.h"

struct strbuf;

/* Writes the text as a JSON string, quotes included. Control characters are
 * escaped; each byte that is not UTF-8 becomes the four characters \xNN (the
 * backslash escaped), so the output is always valid. */
void json_put_string(struct strbuf *buf, struct slice text);

#endif
