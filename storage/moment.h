/* storage/moment.h -- named moments that a crash may separate from the next.
 *
 * Tests end the process at each of them, or do something there.
 */
#ifndef YAGURA_STORAGE_MOMENT_H
#define YAGURA_STORAGE_MOMENT_H

/* Calls writer_at, if there is one, on the thread that came to the moment. */
void moment(const char *name);

#endif
