/* engine/control.h -- what the service manager is told, sd_notify(3).
 *
 * One datagram to the socket named by NOTIFY_SOCKET; nothing happens without
 * it. Owner: the loop's thread.
 */
#ifndef YAGURA_ENGINE_CONTROL_H
#define YAGURA_ENGINE_CONTROL_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", "STATUS=...", lines joined by LF. */
void control_notify(const char *state);

/* RELOADING=1 with the clock that Type=notify-reload wants; READY=1 ends it. */
void control_notify_reloading(void);

/* Every how many ns WATCHDOG=1 is due; 0: never. */
int64_t control_watchdog_ns(void);

#endif
