/* engine/listen_datagram.h -- what UDP and Unix datagram sockets share.
 *
 * Many datagrams are read with one call into one large buffer; each is one
 * record, without the NUL, LF or CRLF that some senders put behind it.
 */
#ifndef YAGURA_ENGINE_LISTEN_DATAGRAM_H
#define YAGURA_ENGINE_LISTEN_DATAGRAM_H

#include <stdbool.h>

struct err;
struct input;

/* Opens `count` sockets for the input; they share its row. */
int datagram_open(struct input *input, int count, struct err *err);
void datagram_resume(struct input *input);
void datagram_stop(struct input *input);
void datagram_close(struct input *input);

/* Did datagram_open bind any? */
bool datagram_is_open(const struct input *input);

void datagram_tick(struct input *input);

#endif
