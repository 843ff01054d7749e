#include "engine/sandbox.h"

#include "engine/err.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES 64		/* more than any kernel has */

static int
drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	/* Without CAP_SETPCAP the bounding set stays; with no_new_privs it
	 * gives nobody anything. */
	for (int i = 0; i < CAPABILITIES; i++)
		prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0)
		return err_errno(err, ERR_IO, "giving up capabilities");
	return 0;
}

int
sandbox_enter(const struct conf *conf, struct err *err)
{
	(void)conf;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, ERR_IO, "no_new_privs");
	return drop_capabilities(err);
}
