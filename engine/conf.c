#include "engine/conf.h"

#include "engine/arena.h"
#include "engine/charset.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/ip.h"
#include "engine/strbuf.h"
#include "engine/yaml.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONF_FILES 256		/* of a conf.d folder */
#define CONF_ROWS 4096		/* of one list */
#define HOME_LEVELS 5		/* folders above the program that we look in */
#define EXEC_NS 30000000000	/* a command that takes longer is ended */
#define SECOND_NS INT64_C(1000000000)
#define DAY_NS (86400 * SECOND_NS)

struct reader {
	struct conf *conf;
	struct diag *diag;
	const char *file;	/* "" while defaults are set */
};

struct row {
	const char *section, *key;
	void	 (*read)(struct reader *, const struct row *,
	    const struct yaml_node *);
	size_t	 member;
	const char *otherwise;
	int64_t	 least, most;
};

#define READER(name) static void read_##name(struct reader *, \
    const struct row *, const struct yaml_node *)
READER(path); READER(listen); READER(number); READER(text); READER(paths);
READER(flag); READER(section); READER(sources); READER(outputs);
READER(lists); READER(size); READER(duration); READER(days);

static const struct row rows[] = {
#define CONF(section, key, reader, member, otherwise, least, most, help) \
	{ section, key, read_##reader, offsetof(struct conf, member), \
	    otherwise, least, most },
#include "engine/conf.def"
#undef CONF
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* --- words that people write --------------------------------------------- */

bool
conf_size(struct slice text, int64_t *bytes)
{
	static const char units[] = "KMGT";
	struct slice digits = text;
	const char *unit;
	uint64_t n, scale = 1;

	if (slice_ends(digits, SLICE("iB")))
		digits.len -= 2;
	else if (slice_ends(digits, SLICE("B")))
		digits.len--;
	if (digits.len > 0 && digits.ptr[digits.len - 1] > '9') {
		unit = memchr(units, digits.ptr[digits.len - 1] & ~0x20, 4);
		if (unit == NULL)
			return false;
		scale = UINT64_C(1) << (10 * (unit - units + 1));
		digits.len--;
	}
	if (!slice_ulong(digits, &n) || n > (uint64_t)INT64_MAX / scale)
		return false;
	*bytes = (int64_t)(n * scale);
	return true;
}

bool
conf_duration(struct slice text, int64_t *ns)
{
	static const struct { struct slice unit; int64_t ns; } units[] = {
		{ { "ms", 2 }, 1000000 }, { { "s", 1 }, SECOND_NS },
		{ { "m", 1 }, 60 * SECOND_NS },
		{ { "h", 1 }, 3600 * SECOND_NS },
		{ { "d", 1 }, DAY_NS }, { { "w", 1 }, 7 * DAY_NS },
	};
	int64_t scale = SECOND_NS;
	uint64_t n;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!slice_ends(text, units[i].unit))
			continue;
		text.len -= units[i].unit.len;
		scale = units[i].ns;
		break;
	}
	if (!slice_ulong(text, &n) || n > (uint64_t)(INT64_MAX / scale))
		return false;
	*ns = (int64_t)n * scale;
	return true;
}

/* The host part into an address; "*" and nothing are every address. */
static bool
host_address(struct slice host, uint16_t port, struct sockaddr_storage *address,
    socklen_t *len)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
	uint8_t ip[16];
	bool any = host.len == 0 || slice_eq(host, SLICE("*"));

	memset(address, 0, sizeof(*address));
	if (!any && !ip_parse(host, ip))
		return false;
	if (!any && ip_is_v4(ip)) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, ip + 12, 4);
		*len = sizeof(*in4);
		return true;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	if (!any)
		memcpy(&in6->sin6_addr, ip, 16);
	*len = sizeof(*in6);
	return true;
}

bool
conf_address(struct slice text, struct sockaddr_storage *address,
    socklen_t *len)
{
	struct slice host = text, port;
	ptrdiff_t colon = -1;
	uint64_t n;

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == ':')
			colon = (ptrdiff_t)i;
	if (colon < 0)
		return false;
	host.len = (size_t)colon;
	port = slice_skip(text, (size_t)colon + 1);
	if (!slice_ulong(port, &n) || n > 65535)
		return false;
	if (host.len > 0 && host.ptr[0] == '[') {
		if (!slice_ends(host, SLICE("]")) || host.len < 2)
			return false;
		host = slice_of(host.ptr + 1, host.len - 2);
	} else if (slice_find_byte(host, ':') >= 0) {
		return false;	/* IPv6 without brackets: which port? */
	}
	return host_address(host, (uint16_t)n, address, len);
}

static const char *const levels[] = { "informational", "low", "medium", "high",
	"critical" };

int
conf_level(struct slice text)
{
	for (int i = 0; i < 5; i++)
		if (slice_eq(text, slice_cstr(levels[i])))
			return i;
	return -1;
}

/* --- findings ------------------------------------------------------------ */

/* "key: what (hint?)" at the node. */
static void
complain(struct reader *reader, const struct yaml_node *node, const char *key,
    const char *what)
{
	diag_error(reader->diag, reader->file, node->line, node->column,
	    "%s: %s", key, what);
}

static void
complain_value(struct reader *reader, const struct yaml_node *node,
    const char *key, const char *wanted)
{
	if (node->kind != YAML_SCALAR) {
		complain(reader, node, key, wanted);
		return;
	}
	diag_error(reader->diag, reader->file, node->line, node->column,
	    "%s: \"%.*s\" is not %s", key, (int)slice_head(node->text, 80).len,
	    node->text.ptr, wanted);
}

static void
complain_unknown(struct reader *reader, const struct yaml_node *node,
    const char *const *known, size_t n)
{
	const char *near = diag_nearest(node->text, known, n);

	diag_error(reader->diag, reader->file, node->line, node->column,
	    "unknown key \"%.*s\"%s%s%s", (int)slice_head(node->text, 80).len,
	    node->text.ptr, near != NULL ? " (" : "", near != NULL ? near : "",
	    near != NULL ? "?)" : "");
}

/* Every key of the map must be one of these. */
static void
keys_known(struct reader *reader, const struct yaml_node *map,
    const char *const *known, size_t n)
{
	for (size_t i = 0; i < map->n; i++) {
		size_t k = 0;

		while (k < n && !slice_eq(map->keys[i]->text,
		    slice_cstr(known[k])))
			k++;
		if (k == n)
			complain_unknown(reader, map->keys[i], known, n);
	}
}

/* --- single values ------------------------------------------------------- */

static void *
member_at(struct reader *reader, const struct row *row)
{
	return (char *)reader->conf + row->member;
}

static const char *
keep(struct reader *reader, struct slice text)
{
	return arena_cstr(reader->conf->arena, text);
}

/* Relative to the folder of the file it stands in. */
static const char *
keep_path(struct reader *reader, struct slice text)
{
	const char *slash = strrchr(reader->file, '/');
	struct strbuf path = STRBUF_INIT;
	const char *kept;

	if (text.len > 0 && text.ptr[0] != '/' && slash != NULL)
		strbuf_put(&path, slice_of(reader->file,
		    (size_t)(slash - reader->file) + 1));
	strbuf_put(&path, text);
	kept = keep(reader, strbuf_slice(&path));
	strbuf_fini(&path);
	return kept;
}

/* A scalar with something in it and no NUL; else a finding. */
static bool
scalar(struct reader *reader, const struct yaml_node *node, const char *key,
    const char *wanted)
{
	if (node->kind == YAML_SCALAR && node->text.len > 0 &&
	    slice_find_byte(node->text, '\0') < 0)
		return true;
	complain_value(reader, node, key, wanted);
	return false;
}

static void
read_text(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	if (scalar(reader, node, row->key, "a text"))
		*(const char **)member_at(reader, row) =
		    keep(reader, node->text);
}

static void
read_path(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	if (scalar(reader, node, row->key, "a path"))
		*(const char **)member_at(reader, row) =
		    keep_path(reader, node->text);
}

static void
read_flag(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	if (!yaml_bool(node, member_at(reader, row)))
		complain_value(reader, node, row->key, "true or false");
}

static void
store_number(struct reader *reader, const struct row *row,
    const struct yaml_node *node, int64_t n)
{
	bool low = n < row->least;
	bool high = row->most > 0 && n > row->most;

	if (low || high)
		diag_error(reader->diag, reader->file, node->line,
		    node->column, "%s: %.*s is too %s, at %s %lld", row->key,
		    (int)node->text.len, node->text.ptr,
		    low ? "small" : "large", low ? "least" : "most",
		    (long long)(low ? row->least : row->most));
	else
		*(int64_t *)member_at(reader, row) = n;
}

static void
read_number(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	int64_t n;

	if (node->kind == YAML_SCALAR && slice_long(node->text, &n))
		store_number(reader, row, node, n);
	else
		complain_value(reader, node, row->key, "a number");
}

static void
read_size(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	int64_t n;

	if (node->kind == YAML_SCALAR && conf_size(node->text, &n))
		store_number(reader, row, node, n);
	else
		complain_value(reader, node, row->key,
		    "a size such as 512, 64K or 2G");
}

static void
read_duration(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	int64_t n;

	if (node->kind == YAML_SCALAR && conf_duration(node->text, &n))
		store_number(reader, row, node, n);
	else
		complain_value(reader, node, row->key,
		    "a duration such as 30s, 15m or 400d");
}

/* A bare number is a number of days. */
static void
read_days(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	uint64_t days;

	if (node->kind == YAML_SCALAR && slice_ulong(node->text, &days) &&
	    days <= (uint64_t)(INT64_MAX / DAY_NS))
		store_number(reader, row, node, (int64_t)days * DAY_NS);
	else
		read_duration(reader, row, node);
}

/* --- lists --------------------------------------------------------------- */

/* Walks a list, or one thing as a list of one. */
static size_t
items_of(struct reader *reader, const struct row *row,
    const struct yaml_node *const *node, const struct yaml_node *const **items)
{
	if ((*node)->kind != YAML_LIST) {
		*items = node;
		return yaml_is_null(*node) ? 0 : 1;
	}
	*items = (const struct yaml_node *const *)(*node)->items;
	if ((*node)->n <= CONF_ROWS)
		return (*node)->n;
	complain(reader, *node, row->key, "more than 4096 entries");
	return 0;
}

/* The list with one more row, cleared; the old one stays in the arena. */
static void *
grow(struct reader *reader, void *old, size_t n, size_t bytes)
{
	char *list = arena_zalloc(reader->conf->arena, (n + 1) * bytes);

	if (n > 0)
		memcpy(list, old, n * bytes);
	return list;
}

static void
read_paths(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	/* The count of a list of paths stands behind it in struct conf. */
	const char ***paths = member_at(reader, row);
	size_t *count = (size_t *)(void *)(paths + 1);
	const struct yaml_node *const *items;
	size_t n = items_of(reader, row, &node, &items);

	for (size_t i = 0; i < n; i++) {
		if (!scalar(reader, items[i], row->key, "a path"))
			continue;
		*paths = grow(reader, *paths, *count, sizeof(**paths));
		(*paths)[(*count)++] = keep_path(reader, items[i]->text);
	}
}

/* The text under key, "" if there is none; a finding if it is no text. */
static const char *
text_under(struct reader *reader, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	if (node == NULL || !scalar(reader, node, key, "a text"))
		return "";
	return keep(reader, node->text);
}

static const char *
charset_under(struct reader *reader, const struct yaml_node *map)
{
	const char *name = text_under(reader, map, "charset");

	if (name[0] == '\0' || charset_known(slice_cstr(name)))
		return name;
	complain_value(reader, yaml_get(map, "charset"), "charset",
	    "a charset such as Shift_JIS, EUC-JP, ISO-8859-1 or UTF-16LE");
	return "";
}

static bool
flag_under(struct reader *reader, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);
	bool flag = false;

	if (node != NULL && !yaml_bool(node, &flag))
		complain_value(reader, node, key, "true or false");
	return flag;
}

static int64_t
number_under(struct reader *reader, const struct yaml_node *map,
    const char *key, int64_t most, int64_t otherwise)
{
	const struct yaml_node *node = yaml_get(map, key);
	int64_t n;

	if (node == NULL)
		return otherwise;
	if (node->kind == YAML_SCALAR && slice_long(node->text, &n) &&
	    n >= 1 && n <= most)
		return n;
	diag_error(reader->diag, reader->file, node->line, node->column,
	    "%s: a number from 1 to %lld is wanted", key, (long long)most);
	return otherwise;
}

/* Fills the address of a socket in the file system. */
static bool
unix_address(const char *path, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_un *un = (struct sockaddr_un *)address;

	memset(address, 0, sizeof(*address));
	un->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(un->sun_path))
		return false;
	memcpy(un->sun_path, path, strlen(path));
	*len = sizeof(*un);
	return true;
}

static void
listen_address(struct reader *reader, const struct yaml_node *node,
    struct conf_listen *row)
{
	if (!scalar(reader, node, row->kind, "an address"))
		return;
	if (strcmp(row->kind, "unix") == 0) {
		row->name = keep_path(reader, node->text);
		if (!unix_address(row->name, &row->address, &row->address_len))
			complain_value(reader, node, row->kind,
			    "a path of a socket: at most 107 bytes");
		return;
	}
	row->name = keep(reader, node->text);
	if (!conf_address(node->text, &row->address, &row->address_len))
		complain_value(reader, node, row->kind,
		    "an address such as 127.0.0.1:5514, [::1]:5514 or *:514");
}

static const char *const listen_kinds[] = {
#define LISTEN(name, help) #name,
#include "engine/listen.def"
#undef LISTEN
};
#define LISTEN_KINDS (sizeof(listen_kinds) / sizeof(listen_kinds[0]))

static void
read_listen_row(struct reader *reader, const struct yaml_node *node)
{
	static const char *const known[] = {
#define LISTEN(name, help) #name,
#include "engine/listen.def"
#undef LISTEN
		"trust_logsource", "parser", "timezone", "charset",
		"sockets" };
	struct conf *conf = reader->conf;
	struct conf_listen row = { .name = "", .file = reader->file,
	    .line = node->line };

	keys_known(reader, node, known, sizeof(known) / sizeof(known[0]));
	for (size_t i = 0; i < LISTEN_KINDS; i++) {
		const struct yaml_node *at = yaml_get(node, listen_kinds[i]);

		if (at == NULL)
			continue;
		if (row.kind != NULL)
			complain(reader, at, listen_kinds[i],
			    "one receiver for each entry of listen");
		row.kind = listen_kinds[i];
		listen_address(reader, at, &row);
	}
	row.trust_logsource = flag_under(reader, node, "trust_logsource");
	row.parser = text_under(reader, node, "parser");
	row.timezone = text_under(reader, node, "timezone");
	row.charset = charset_under(reader, node);
	row.sockets = (int)number_under(reader, node, "sockets", 64, 1);
	if (row.kind == NULL) {
		complain(reader, node, "listen", "udp, tcp, unix or http?");
		return;
	}
	conf->listen = grow(reader, conf->listen, conf->nlisten, sizeof(row));
	conf->listen[conf->nlisten++] = row;
}

/* Calls `read` for each entry, which must be a map. */
static void
each_map(struct reader *reader, const struct row *row,
    const struct yaml_node *node,
    void (*read)(struct reader *, const struct yaml_node *))
{
	const struct yaml_node *const *items;
	size_t n = items_of(reader, row, &node, &items);

	for (size_t i = 0; i < n; i++) {
		if (items[i]->kind == YAML_MAP)
			read(reader, items[i]);
		else
			complain(reader, items[i], row->key,
			    "a list of maps is wanted, \"- key: value\"");
	}
}

static void
read_listen(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	each_map(reader, row, node, read_listen_row);
}

static void
read_list_row(struct reader *reader, const struct yaml_node *node)
{
	static const char *const known[] = { "name", "file", "key",
		"category" };
	struct conf *conf = reader->conf;
	const struct yaml_node *file = yaml_get(node, "file");
	struct conf_list row = { 0 };

	keys_known(reader, node, known, 4);
	row.name = text_under(reader, node, "name");
	if (row.name[0] == '\0')
		complain(reader, node, "lists", "an entry needs a name");
	if (file == NULL)
		complain(reader, node, "lists", "an entry needs a file");
	else if (scalar(reader, file, "file", "a path"))
		row.file = keep_path(reader, file->text);
	if (yaml_get(node, "key") != NULL)
		row.key = text_under(reader, node, "key");
	if (yaml_get(node, "category") != NULL)
		row.category = text_under(reader, node, "category");
	if (row.file == NULL)
		return;
	conf->lists = grow(reader, conf->lists, conf->nlists, sizeof(row));
	conf->lists[conf->nlists++] = row;
}

static void
read_lists(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	each_map(reader, row, node, read_list_row);
}

static void
read_source_row(struct reader *reader, const struct yaml_node *node)
{
	static const char *const known[] = { "address", "port", "program",
		"parser", "timezone", "charset", "trust_logsource" };
	struct conf *conf = reader->conf;
	const struct yaml_node *address = yaml_get(node, "address");
	struct conf_source row = { 0 };

	keys_known(reader, node, known, sizeof(known) / sizeof(known[0]));
	if (address != NULL) {
		row.has_address = address->kind == YAML_SCALAR &&
		    cidr_parse(address->text, &row.address);
		if (!row.has_address)
			complain_value(reader, address, "address",
			    "an address or a network such as 10.0.0.0/8");
	}
	row.port = (int)number_under(reader, node, "port", 65535, 0);
	row.program = text_under(reader, node, "program");
	row.parser = text_under(reader, node, "parser");
	row.timezone = text_under(reader, node, "timezone");
	row.charset = charset_under(reader, node);
	row.trust_logsource = flag_under(reader, node, "trust_logsource");
	conf->sources = grow(reader, conf->sources, conf->nsources,
	    sizeof(row));
	conf->sources[conf->nsources++] = row;
}

static void
read_sources(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	each_map(reader, row, node, read_source_row);
}

static void
read_command(struct reader *reader, const struct yaml_node *node,
    struct conf_output *row)
{
	size_t n = node->kind == YAML_LIST ? node->n : 0;

	if (n == 0 || n > 64) {
		complain(reader, node, "command", "a list is wanted: the "
		    "program, then its arguments; there is no shell");
		return;
	}
	row->argv = arena_zalloc(reader->conf->arena,
	    (n + 1) * sizeof(*row->argv));
	for (size_t i = 0; i < n; i++)
		row->argv[i] = scalar(reader, node->items[i], "command",
		    "a text") ? keep(reader, node->items[i]->text) : "";
	row->kind = CONF_OUTPUT_COMMAND;
	row->target = row->argv[0];
	if (row->argv[0][0] != '/')
		complain(reader, node->items[0], "command",
		    "the program needs a whole path, beginning with /");
}

static void
read_output_kind(struct reader *reader, const struct yaml_node *node,
    struct conf_output *row)
{
	const struct yaml_node *file = yaml_get(node, "file");
	const struct yaml_node *syslog = yaml_get(node, "syslog");
	const struct yaml_node *command = yaml_get(node, "command");

	if ((file != NULL) + (syslog != NULL) + (command != NULL) != 1) {
		complain(reader, node, "outputs",
		    "each entry has one of file, syslog, command");
		return;
	}
	if (file != NULL && scalar(reader, file, "file", "a path")) {
		row->kind = CONF_OUTPUT_FILE;
		row->target = keep_path(reader, file->text);
	}
	if (command != NULL)
		read_command(reader, command, row);
	if (syslog == NULL || !scalar(reader, syslog, "syslog", "an address"))
		return;
	row->kind = CONF_OUTPUT_SYSLOG;
	row->target = keep(reader, syslog->text);
	if (!conf_address(syslog->text, &row->address, &row->address_len))
		complain_value(reader, syslog, "syslog",
		    "an address such as 127.0.0.1:514");
}

static void
read_output_row(struct reader *reader, const struct yaml_node *node)
{
	static const char *const known[] = { "name", "file", "syslog",
		"command", "min_level", "tcp", "timeout" };
	struct conf *conf = reader->conf;
	const struct yaml_node *timeout = yaml_get(node, "timeout");
	const struct yaml_node *level = yaml_get(node, "min_level");
	struct conf_output row = { .min_level = CONF_INFORMATIONAL,
	    .timeout_ns = EXEC_NS };
	int n;

	keys_known(reader, node, known, sizeof(known) / sizeof(known[0]));
	read_output_kind(reader, node, &row);
	row.name = text_under(reader, node, "name");
	row.tcp = flag_under(reader, node, "tcp");
	if (level != NULL) {
		n = level->kind == YAML_SCALAR ? conf_level(level->text) : -1;
		if (n < 0)
			complain_value(reader, level, "min_level", "one of "
			    "informational low medium high critical");
		else
			row.min_level = (enum conf_level)n;
	}
	if (timeout != NULL && (timeout->kind != YAML_SCALAR ||
	    !conf_duration(timeout->text, &row.timeout_ns)))
		complain_value(reader, timeout, "timeout",
		    "a duration such as 30s");
	if (row.target == NULL)
		return;
	if (row.name[0] == '\0')
		row.name = row.target;
	conf->outputs = grow(reader, conf->outputs, conf->noutputs,
	    sizeof(row));
	conf->outputs[conf->noutputs++] = row;
}

static void
read_outputs(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	each_map(reader, row, node, read_output_row);
}

/* --- files --------------------------------------------------------------- */

static const struct row *
row_find(const char *section, struct slice key)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].section, section) == 0 &&
		    slice_eq(key, slice_cstr(rows[i].key)))
			return &rows[i];
	return NULL;
}

static void
complain_key(struct reader *reader, const char *section,
    const struct yaml_node *key)
{
	const char *known[ROWS];
	size_t n = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].section, section) == 0)
			known[n++] = rows[i].key;
	complain_unknown(reader, key, known, n);
}

static void
read_map(struct reader *reader, const char *section,
    const struct yaml_node *map)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct row *row = row_find(section, map->keys[i]->text);

		if (row == NULL)
			complain_key(reader, section, map->keys[i]);
		else if (!yaml_is_null(map->items[i]))
			row->read(reader, row, map->items[i]);
	}
}

static void
read_section(struct reader *reader, const struct row *row,
    const struct yaml_node *node)
{
	if (node->kind == YAML_MAP)
		read_map(reader, row->key, node);
	else
		complain_value(reader, node, row->key,
		    "a map of keys and values");
}

static void
read_file(struct reader *reader, const char *file)
{
	struct yaml_doc *doc = yaml_load(file, reader->diag);

	reader->file = keep(reader, slice_cstr(file));
	for (size_t i = 0; doc != NULL && i < yaml_count(doc); i++) {
		const struct yaml_node *root = yaml_root(doc, i);

		if (root->kind == YAML_MAP)
			read_map(reader, "", root);
		else if (!yaml_is_null(root))
			diag_error(reader->diag, file, root->line,
			    root->column, "a map of keys is wanted");
	}
	yaml_free(doc);
}

/* Single values only; lists have their defaults in conf_finish. */
static void
read_defaults(struct reader *reader)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct yaml_node node = { .kind = YAML_SCALAR,
		    .text = slice_cstr(rows[i].otherwise) };

		if (node.text.len > 0)
			rows[i].read(reader, &rows[i], &node);
	}
}

static int
yaml_files(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	    slice_ends(slice_cstr(entry->d_name), SLICE(".yaml"));
}

/* The folder conf.d beside the file, in the order of names. */
static void
read_folder(struct reader *reader, const char *file)
{
	const char *slash = strrchr(file, '/');
	int dirlen = slash != NULL ? (int)(slash - file) + 1 : 0;
	struct strbuf path = STRBUF_INIT;
	struct dirent **names = NULL;
	int n;

	strbuf_printf(&path, "%.*sconf.d", dirlen, file);
	n = scandir(path.ptr, &names, yaml_files, alphasort);
	for (int i = 0; i < n; i++) {
		strbuf_clear(&path);
		strbuf_printf(&path, "%.*sconf.d/%s", dirlen, file,
		    names[i]->d_name);
		if (i < CONF_FILES)
			read_file(reader, path.ptr);
		else if (i == CONF_FILES)
			diag_error(reader->diag, path.ptr, 0, 0,
			    "more than %d files in conf.d", CONF_FILES);
		free(names[i]);
	}
	free(names);
	strbuf_fini(&path);
}

/* --- what follows from the rest ------------------------------------------ */

static void
listen_default(struct conf *conf, const char *kind, const char *name)
{
	struct conf_listen *row = &conf->listen[conf->nlisten++];

	*row = (struct conf_listen){ .kind = kind, .name = name, .parser = "",
	    .timezone = "", .charset = "", .sockets = 1, .file = "" };
	check(conf_address(slice_cstr(name), &row->address,
	    &row->address_len));
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Shipped first, so that a local file of the same name wins. */
static void
paths_finish(struct reader *reader, const char ***paths, size_t *n,
    const char *shipped, const char *local)
{
	const char **list = arena_zalloc(reader->conf->arena,
	    (*n + 2) * sizeof(*list));
	size_t count = 0;

	if (shipped != NULL)
		list[count++] = arena_cstr(reader->conf->arena,
		    slice_cstr(shipped));
	if (*n == 0 && is_folder(local))
		list[count++] = local;
	for (size_t i = 0; i < *n; i++)
		list[count++] = (*paths)[i];
	*paths = list;
	*n = count;
}

static void
conf_finish(struct reader *reader)
{
	struct conf *conf = reader->conf;
	char parsers[PATH_MAX + 32], rules_d[PATH_MAX + 32];

	if (conf->nlisten == 0) {
		conf->listen = arena_zalloc(conf->arena,
		    3 * sizeof(*conf->listen));
		listen_default(conf, "udp", "127.0.0.1:5514");
		listen_default(conf, "tcp", "127.0.0.1:5514");
		listen_default(conf, "http", "127.0.0.1:6680");
	}
	snprintf(parsers, sizeof(parsers), "%s/parsers/defs", conf_home());
	snprintf(rules_d, sizeof(rules_d), "%s/rules.d", conf_home());
	paths_finish(reader, &conf->parsers, &conf->nparsers,
	    conf->shipped_parsers ? parsers : NULL, "/etc/yagura/parsers.d");
	paths_finish(reader, &conf->rules, &conf->nrules,
	    conf->shipped_rules ? rules_d : NULL, "/etc/yagura/rules.d");
}

struct conf *
conf_load(const char *file, struct diag *diag)
{
	struct arena *arena = arena_new(0);
	struct conf *conf = arena_zalloc(arena, sizeof(*conf));
	struct reader reader = { .conf = conf, .diag = diag, .file = "" };

	conf->arena = arena;
	conf->file = "";
	read_defaults(&reader);
	if (file == NULL && access(CONF_FILE, F_OK) == 0)
		file = CONF_FILE;
	if (file != NULL) {
		conf->file = arena_cstr(arena, slice_cstr(file));
		read_file(&reader, file);
		read_folder(&reader, file);
	}
	conf_finish(&reader);
	return conf;
}

void
conf_free(struct conf *conf)
{
	if (conf != NULL)
		arena_free(conf->arena);
}

/* --- the command line ---------------------------------------------------- */

/* If argv[i] is the option, its value and how many words it took (2 when the
 * value is missing, with *value NULL). */
static int
option_value(int argc, char **argv, int i, const char *option,
    const char **value)
{
	size_t len = strlen(option);

	if (strncmp(argv[i], option, len) != 0)
		return 0;
	if (argv[i][len] == '=' && len > 2) {
		*value = argv[i] + len + 1;
		return 1;
	}
	if (argv[i][len] != '\0')
		return 0;
	*value = i + 1 < argc ? argv[i + 1] : NULL;
	return 2;
}

struct conf *
conf_for_command(int *argc, char **argv, struct diag *diag)
{
	const char *file = NULL, *data = NULL;
	struct conf *conf;
	int kept = 1, i = 1;

	while (i < *argc && strcmp(argv[i], "--") != 0) {
		const char *value = NULL;
		int took = option_value(*argc, argv, i, "--data", &value);

		if (took > 0)
			data = value;
		else if ((took = option_value(*argc, argv, i, "-c",
		    &value)) > 0 || (took = option_value(*argc, argv, i,
		    "--config", &value)) > 0)
			file = value;
		if (took > 0 && (value == NULL || value[0] == '\0')) {
			diag_error(diag, "", 0, 0, "%s needs a value", argv[i]);
			return NULL;
		}
		if (took == 0)
			argv[kept++] = argv[i];
		i += took > 0 ? took : 1;
	}
	while (i < *argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL;
	*argc = kept;
	conf = conf_load(file, diag);
	if (data != NULL)
		conf->data = arena_cstr(conf->arena, slice_cstr(data));
	return conf;
}

/* --- where the shipped data lies ----------------------------------------- */

static bool
home_has_all(const char *folder)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/parsers/defs", folder);
	if (!is_folder(path))
		return false;
	snprintf(path, sizeof(path), "%s/rules.d", folder);
	return is_folder(path);
}

const char *
conf_home(void)
{
	static char home[PATH_MAX];
	const char *given = getenv("YAGURA_HOME");
	ssize_t len;

	if (given != NULL && given[0] != '\0')
		return given;
	if (home[0] != '\0')
		return home;
	len = readlink("/proc/self/exe", home, sizeof(home) - 1);
	home[len > 0 ? len : 0] = '\0';
	for (int i = 0; i < HOME_LEVELS; i++) {
		char *slash = strrchr(home, '/');

		if (slash == NULL || slash == home)
			break;
		*slash = '\0';
		if (home_has_all(home))
			return home;
	}
	snprintf(home, sizeof(home), "/usr/share/yagura");
	return home;
}
