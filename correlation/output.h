/* correlation/output.h -- who is told about alerts.
 *
 * A helper process, begun before any thread, runs the outputs: it alone may
 * connect and start programs. Alerts go to it as JSON lines over a socket pair
 * after their commit; it acknowledges each when every output is done with it.
 * What is not acknowledged is kept here and sent again when the helper had to
 * be begun anew, so a receiver may see an alert twice, by its event.id, but
 * does not miss one while we run.
 *
 *	yagurad --- supervisor --- helper	one process each
 *	       \________________/  alerts, acknowledgements
 *
 * A receiver that is away delays nobody: its alerts wait in its own queue, and
 * are tried again after 1 s, 2 s, ... 60 s. The limit `output_queue` is the
 * number of alerts not yet acknowledged; past it new ones are not sent, and
 * are counted and named in the log. They are in the store all the same.
 *
 * Owner: made by the main thread; then the write thread alone.
 */
#ifndef YAGURA_CORRELATION_OUTPUT_H
#define YAGURA_CORRELATION_OUTPUT_H

#include "engine/conf.h"
#include "engine/slice.h"

struct err;
struct outputs;

/* Longer alerts are not sent: more does not fit into one message. */
#define OUTPUT_ALERT_BYTES (150u << 10)

/* Begins the helper. Only while the process has one thread. Borrows conf.
 * NULL without *err if the configuration has no outputs. */
struct outputs *outputs_start(const struct conf *conf, struct err *err);

/* Gives what is under way `patience_ms`, then ends the helper. NULL does
 * nothing. */
void outputs_free(struct outputs *outputs, int patience_ms);

/* One alert to every output whose min_level it reaches, with the next pump.
 * Never waits. */
void outputs_send(struct outputs *outputs, struct slice json,
    enum conf_level level, int64_t time_ns);

/* Sends what is to go, takes acknowledgements. After a commit and every
 * second. Never waits. */
void outputs_pump(struct outputs *outputs);

#endif
