#include "engine/sandbox.h"

#include "engine/conf.h"
#include "engine/err.h"
#include "engine/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES 64		/* more than any kernel has */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* --- capabilities --------------------------------------------------------- */

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

/* --- files ---------------------------------------------------------------- */

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES (READS | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG)
#define ALL (WRITES | LANDLOCK_ACCESS_FS_EXECUTE | \
	LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
	LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
	LANDLOCK_ACCESS_FS_MAKE_SYM)
#define FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

/* What is not there cannot be read either. */
static void
allow(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr beneath = {
	    .allowed_access = rights,
	    .parent_fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat st;

	if (beneath.parent_fd < 0)
		return;
	if (fstat(beneath.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		beneath.allowed_access &= FILES;
	syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
	    &beneath, 0);
	close(beneath.parent_fd);
}

/* The folder, because a file that is replaced is another one. */
static void
allow_beside(int rules, const char *file)
{
	const char *slash = strrchr(file, '/');
	char folder[PATH_MAX];

	if (slash == NULL)
		snprintf(folder, sizeof(folder), ".");
	else
		snprintf(folder, sizeof(folder), "%.*s",
		    (int)(slash - file) + 1, file);
	allow(rules, folder, READS);
}

static void
allow_all_beside(int rules, const char *const *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		allow_beside(rules, files[i]);
}

static void
allow_what_is_needed(int rules, const struct conf *conf)
{
	allow(rules, conf->data, WRITES);
	allow(rules, conf_home(), READS);
	allow(rules, "/usr/share/zoneinfo", READS);
	allow(rules, "/etc/localtime", READS);
	allow(rules, "/dev/urandom", READS);
	allow(rules, "/dev/null", FILES);
#ifdef __SANITIZE_ADDRESS__
	allow(rules, "/proc", READS);	/* its search for leaks looks there */
#endif
	allow_all_beside(rules, conf->parsers, conf->nparsers);
	allow_all_beside(rules, conf->rules, conf->nrules);
	allow_all_beside(rules, conf->geoip, conf->ngeoip);
	allow_all_beside(rules, conf->networks, conf->nnetworks);
	allow_all_beside(rules, conf->assets, conf->nassets);
	for (size_t i = 0; i < conf->nlists; i++)
		allow_beside(rules, conf->lists[i].file);
}

/* Needs no_new_privs. False if the kernel has no Landlock. */
static bool
confine_files(const struct conf *conf)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = ALL };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr), 0);
	bool done;

	if (rules < 0)
		return false;
	allow_what_is_needed(rules, conf);
	done = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return done;
}

/* --- system calls --------------------------------------------------------- */

/*	load the architecture; another one: kill
 *	load the number; each row: equal -> EPERM
 *	allow
 */
static bool
confine_calls(void)
{
#ifdef ARCH
	static const struct sock_filter head[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
	};
	static const struct sock_filter rows[] = {
#define DENY(name) \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
#include "engine/sandbox.def"
#undef DENY
	};
	struct sock_filter code[sizeof(head) / sizeof(head[0]) +
	    sizeof(rows) / sizeof(rows[0]) + 1];
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	memcpy(code, head, sizeof(head));
	memcpy((char *)code + sizeof(head), rows, sizeof(rows));
	code[program.len - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_ALLOW);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
	return false;
#endif
}

int
sandbox_enter(const struct conf *conf, struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, ERR_IO, "no_new_privs");
	if (drop_capabilities(err) < 0)
		return -1;
	if (!confine_files(conf))
		log_info("this kernel does not confine files (Landlock)");
	if (!confine_calls())
		log_info("this kernel does not confine system calls (seccomp)");
	return 0;
}
