/* tools/daemon_health.h -- the daemon's figures as lines of its own.
 *
 * health.h knows the sources; this gives it the service's figures and says
 * its lines on the loop.
 *
 * Owner: the main thread, which is the loop's.
 */
#ifndef YAGURA_TOOLS_DAEMON_HEALTH_H
#define YAGURA_TOOLS_DAEMON_HEALTH_H

struct health;
struct loop;
struct stages;

/* What was known about the sources at the last end; batches are noted from
 * now on. Before the pipeline starts. Owned: health_free() after
 * stages_close(). */
struct health *daemon_health_begin(struct stages *stages);

/* Once a second: says the lines if a minute is over. */
void daemon_health_tick(struct health *health, struct loop *loop,
    struct stages *stages);

#endif
