/* tools/client.h -- asks the daemon over HTTP, one request at a time.
 *
 * To the first http row of `listen`, over a connection that stays open. For
 * commands: it blocks, with a time limit.
 *
 * Memory: an answer is borrowed until the next call.
 */
#ifndef YAGURA_TOOLS_CLIENT_H
#define YAGURA_TOOLS_CLIENT_H

#include "engine/slice.h"

struct client;
struct conf;
struct err;

/* NULL and ERR_IO if no daemon answers there. */
struct client *client_open(const struct conf *conf, struct err *err);
void client_close(struct client *client);	/* NULL does nothing */

/* headers: whole lines with CRLF, or "". The status, or -1 and *err; after -1
 * the connection is made anew with the next call. A body makes it a POST. */
int client_ask(struct client *client, const char *path, const char *headers,
    const struct slice *body, struct slice *answer, struct err *err);

#endif
