#include "storage/moment.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/write_stage.h"

void (*writer_at)(const char *point);

#ifdef YAGURA_CRASH
/* YG_CRASH=point:n ends the process at the n-th passage of a point, as a kill
 * at the worst moment would. For builds that test it only. */
static void
crash_if_asked(const char *name)
{
	static _Atomic unsigned passed;
	const char *asked = getenv("YG_CRASH");
	size_t len = strlen(name);

	if (asked != NULL && strncmp(asked, name, len) == 0 &&
	    asked[len] == ':' && atomic_fetch_add(&passed, 1) + 1 ==
	    (unsigned)atoi(asked + len + 1))
		kill(getpid(), SIGKILL);
}
#else
#define crash_if_asked(name) ((void)(name))
#endif

void
moment(const char *name)
{
	crash_if_asked(name);
	if (writer_at != NULL)
		writer_at(name);
}
