/* engine/conf.h -- yagura.yaml as a struct.
 *
 * One file and the conf.d folder beside it, whose *.yaml are read in the order
 * of their names: a single value replaces the one before, a list is longer
 * afterwards. Every key is a row of conf.def; an unknown one is a finding with
 * the nearest right word. All findings are made before anything is refused.
 *
 * Paths in a file are relative to that file, and absolute in the struct.
 * Sizes take K, M, G, T (times 1024), durations ms, s, m, h, d.
 *
 * Owner:  whoever loaded it; immutable, so any thread may read.
 * Memory: everything inside lives until conf_free.
 */
#ifndef YAGURA_ENGINE_CONF_H
#define YAGURA_ENGINE_CONF_H

#include <sys/socket.h>

#include "engine/ip.h"
#include "engine/slice.h"

struct arena;
struct diag;

enum conf_level { CONF_INFORMATIONAL, CONF_LOW, CONF_MEDIUM, CONF_HIGH,
	CONF_CRITICAL };

/* One row of `listen`. */
struct conf_listen {
	const char *kind;	/* a row of listen.def: "udp", "tcp", ... */
	const char *name;	/* as written: "127.0.0.1:5514"; for counters */
	struct sockaddr_storage address;
	socklen_t address_len;
	bool	 trust_logsource;	/* _logsource of JSON is believed */
	const char *parser;	/* definition of all its lines; "" finds it */
	const char *timezone;	/* "" takes the general one */
	const char *charset;	/* "" is UTF-8 */
	int	 sockets;	/* udp: that many with SO_REUSEPORT */
	const char *file;	/* where it stands, for messages; "" default */
	int	 line;
};

struct conf_list {
	const char *name, *file;
	const char *key;	/* column; NULL: the first */
	const char *category;	/* column; NULL: none */
};

/* One row of `sources`; what is not given matches everything. */
struct conf_source {
	bool	 has_address;
	struct cidr address;
	int	 port;		/* of the sender; 0: any */
	const char *program;	/* as in the syslog tag; "": any */
	const char *parser;	/* "" finds it */
	const char *timezone;	/* "" takes the general one */
	const char *charset;	/* "" takes the input's */
	bool	 trust_logsource;
};

enum conf_output_kind { CONF_OUTPUT_FILE, CONF_OUTPUT_SYSLOG,
	CONF_OUTPUT_COMMAND };

struct conf_output {
	enum conf_output_kind kind;
	const char *name;	/* for counters and messages */
	const char *target;	/* path, or address as written */
	struct sockaddr_storage address;	/* syslog */
	socklen_t address_len;
	bool	 tcp;		/* syslog over TCP, octet-counted */
	const char **argv;	/* command; ends with NULL */
	enum conf_level min_level;
	int64_t	 timeout_ns;	/* command */
};

struct conf {
	const char *file;	/* "" if there was none */
	const char *data;
	struct conf_listen *listen;
	size_t	 nlisten;
	int64_t	 workers;
	const char *timezone;
	bool	 shipped_parsers, shipped_rules;
	const char **parsers;	/* shipped ones first, then the local ones */
	size_t	 nparsers;
	const char **rules;
	size_t	 nrules;
	const char **geoip;
	size_t	 ngeoip;
	const char **networks;
	size_t	 nnetworks;
	const char **assets;
	size_t	 nassets;
	struct conf_list *lists;
	size_t	 nlists;
	struct conf_source *sources;
	size_t	 nsources;
	struct conf_output *outputs;
	size_t	 noutputs;
	int64_t	 line_bytes, body_bytes, connections;
	int64_t	 batches_in_flight, bytes_in_flight;
	int64_t	 http_idle_ns;
	int64_t	 correlation_bytes, correlation_groups,
		 correlation_groups_per_rule;
	int64_t	 open_chunk_bytes, output_queue;
	int64_t	 event_age_ns, retention_ns, retention_bytes;
	struct arena *arena;
};

#define CONF_FILE "/etc/yagura/yagura.yaml"

/* Reads file, or CONF_FILE if file is NULL and that exists, or nothing: then
 * all is default. Never NULL; it is usable only if diag has no error. */
struct conf *conf_load(const char *file, struct diag *diag);
void conf_free(struct conf *conf);		/* NULL does nothing */

/* For subcommands: takes `-c FILE`, `--config FILE` and `--data DIR` (also
 * with =) out of argv, as far as "--", loads, and lets --data win over the
 * file. NULL if an option lacks its value (an error in diag). */
struct conf *conf_for_command(int *argc, char **argv, struct diag *diag);

/* The folder that holds parsers/defs and rules.d: YAGURA_HOME, else the
 * nearest folder above the program's that has both, else /usr/share/yagura.
 * Lives for ever. */
const char *conf_home(void);

/* "64K", "400d", "host:port" as configuration has them; false if they are
 * not. A size without unit is bytes, a duration without unit is seconds. */
bool conf_size(struct slice text, int64_t *bytes);
bool conf_duration(struct slice text, int64_t *ns);

/* "127.0.0.1:5514", "[::1]:5514", "*:514" (every address), no names. */
bool conf_address(struct slice text, struct sockaddr_storage *address,
    socklen_t *len);

/* informational low medium high critical; -1 if it is none of them. */
int conf_level(struct slice text);

#endif
