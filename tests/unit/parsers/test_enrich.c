#include "parsers/enrich.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/batch.h"
#include "engine/diag.h"
#include "engine/field.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"

#define FILES 4

struct fixture {
	char	 folder[64];
	char	 paths[FILES][96];
	size_t	 n;
	struct diag *diag;
	struct enrich *enrich;
	struct batch *batch;
	struct event *event;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/yagura-enrich-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->diag = diag_new();
	f->batch = batch_new(1, 1);
	f->event = batch_add(f->batch, SLICE("line"), SLICE("test"), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < f->n; i++)
		unlink(f->paths[i]);
	rmdir(f->folder);
	enrich_put(f->enrich);
	batch_put(f->batch);
	diag_free(f->diag);
	free(f);
	return 0;
}

static const char *
file(struct fixture *f, const char *text)
{
	char path[96];
	FILE *out;

	assert_true(f->n < FILES);
	snprintf(path, sizeof(path), "%s/%zu.csv", f->folder, f->n);
	memcpy(f->paths[f->n], path, sizeof(path));
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	return f->paths[f->n++];
}

static void
set(struct fixture *f, field_t field, const char *text)
{
	assert_true(event_set_text(f->event, field, slice_cstr(text),
	    TRANSFORM_OWNED));
}

/* All members, joined by a comma. */
static const char *
got(struct fixture *f, const char *name)
{
	static char text[256];
	const struct value *value = event_get(f->event,
	    field_intern(slice_cstr(name)));
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; value != NULL && i < value_members(value); i++) {
		char buf[VALUE_TEXT_BYTES];
		struct slice s = value_as_text(value_member(value, i), buf);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s",
		    i > 0 ? "," : "", (int)s.len, s.ptr);
	}
	return value == NULL ? "(absent)" : text;
}

#define expect(f, name, text) assert_string_equal(got(f, name), text)

static void
assets(struct fixture *f, const char *text)
{
	const char *path = file(f, text);

	f->enrich = enrich_load(&(struct enrich_conf){ .assets = &path,
	    .nassets = 1 }, f->diag);
}

static void
networks(struct fixture *f, const char *text)
{
	const char *path = file(f, text);

	f->enrich = enrich_load(&(struct enrich_conf){ .networks = &path,
	    .nnetworks = 1 }, f->diag);
}

static void
list(struct fixture *f, struct enrich_list_conf conf, const char *text)
{
	conf.file = file(f, text);
	f->enrich = enrich_load(&(struct enrich_conf){ .lists = &conf,
	    .nlists = 1 }, f->diag);
}

static int64_t
at(const char *text)
{
	int64_t time_ns = 0;

	assert_true(time_parse_rfc3339(slice_cstr(text), &time_ns));
	return time_ns;
}

/* --- machines --- */

static void
nothing_configured_adds_nothing(void **state)
{
	struct fixture *f = *state;

	f->enrich = enrich_load(&(struct enrich_conf){ 0 }, f->diag);
	set(f, FIELD_SOURCE_IP, "192.0.2.1");
	enrich_run(f->enrich, f->event);
	assert_int_equal(f->event->n, 1);
	assert_int_equal(diag_count(f->diag), 0);
}

static void
address_gives_machine_owner_and_name(void **state)
{
	struct fixture *f = *state;

	assets(f, "host,address,owner,kind,criticality\n"
	    "pc-7,10.1.0.7,hana,ws,2\n");
	set(f, FIELD_SOURCE_IP, "10.1.0.7");
	enrich_run(f->enrich, f->event);
	expect(f, "source.asset.host", "pc-7");
	expect(f, "source.asset.owner", "hana");
	expect(f, "source.asset.kind", "ws");
	expect(f, "source.asset.criticality", "2");
	expect(f, "source.domain", "pc-7");
	expect(f, "host.name", "(absent)");
	expect(f, "destination.asset.host", "(absent)");
}

static void
columns_come_in_any_order_and_unknown_ones_are_kept(void **state)
{
	struct fixture *f = *state;

	assets(f, "Cost Centre;address;host\n4711;10.1.0.7;pc-7\n");
	set(f, FIELD_DESTINATION_IP, "10.1.0.7");
	enrich_run(f->enrich, f->event);
	expect(f, "destination.asset.cost_centre", "4711");
	expect(f, "destination.asset.host", "pc-7");
}

static void
the_line_keeps_its_own_words(void **state)
{
	struct fixture *f = *state;

	assets(f, "host,address,owner\npc-7,10.1.0.7,hana\n");
	set(f, FIELD_SOURCE_IP, "10.1.0.7");
	set(f, FIELD_SOURCE_DOMAIN, "other");
	enrich_run(f->enrich, f->event);
	expect(f, "source.domain", "other");
	expect(f, "source.asset.host", "pc-7");
}

static void
address_belongs_to_whom_it_belonged_then(void **state)
{
	struct fixture *f = *state;

	assets(f, "address,host,valid_from,valid_to\n"
	    "10.1.0.7,new,2026-11-02,\n"
	    "10.1.0.7,old,,2026-11-01T12:00:00Z\n");
	f->event->time_ns = at("2026-11-01T11:59:59Z");
	set(f, FIELD_SOURCE_IP, "10.1.0.7");
	set(f, FIELD_DESTINATION_IP, "10.1.0.7");
	enrich_run(f->enrich, f->event);
	expect(f, "source.asset.host", "old");

	f->event = batch_add(f->batch, SLICE("x"), SLICE("test"), 0);
	f->event->time_ns = at("2026-11-01T12:00:00Z");
	set(f, FIELD_SOURCE_IP, "10.1.0.7");
	enrich_run(f->enrich, f->event);
	expect(f, "source.asset.host", "(absent)");

	f->event = batch_add(f->batch, SLICE("x"), SLICE("test"), 0);
	f->event->time_ns = at("2026-11-02T00:00:00Z");
	set(f, FIELD_SOURCE_IP, "10.1.0.7");
	enrich_run(f->enrich, f->event);
	expect(f, "source.asset.host", "new");
}

static void
later_of_two_owners_counts_in_either_order(void **state)
{
	struct fixture *f = *state;

	assets(f, "address,host,valid_from\n10.1.0.7,b,2026-02-01\n"
	    "10.1.0.7,a,2026-01-01\n10.1.0.7,c,2026-03-01\n");
	f->event->time_ns = at("2026-02-15T00:00:00Z");
	set(f, FIELD_SOURCE_IP, "10.1.0.7");
	enrich_run(f->enrich, f->event);
	expect(f, "source.asset.host", "b");
}

static void
host_name_gives_all_its_addresses(void **state)
{
	struct fixture *f = *state;

	assets(f, "host,address,kind\nsrv-1,10.1.0.7,srv\n"
	    "srv-1,10.2.0.7,srv\n");
	set(f, FIELD_HOST_NAME, "SRV-1.corp.example");
	enrich_run(f->enrich, f->event);
	expect(f, "host.name", "SRV-1.corp.example");
	expect(f, "host.asset.kind", "srv");
	expect(f, "host.ip", "10.1.0.7,10.2.0.7");
}

static void
short_name_of_two_machines_names_neither(void **state)
{
	struct fixture *f = *state;

	assets(f, "host,owner\nweb.a.example,x\nweb.b.example,y\n");
	set(f, FIELD_HOST_NAME, "web");
	enrich_run(f->enrich, f->event);
	expect(f, "host.asset.owner", "(absent)");
}

static void
mistakes_in_a_table_are_named_by_line(void **state)
{
	struct fixture *f = *state;

	assets(f, "host,address,valid_from\na,10.0.0.1,\nb,10.0.0.300,\n"
	    "c,10.0.0.3,soon\nd,\"10.0.0.4\"x,\ne,10.0.0.5,\n");
	assert_int_equal(diag_count(f->diag), 3);
	assert_int_equal(diag_at(f->diag, 0)->line, 3);
	assert_int_equal(diag_at(f->diag, 1)->line, 4);
	assert_int_equal(diag_at(f->diag, 2)->line, 5);
	set(f, FIELD_SOURCE_IP, "10.0.0.5");
	enrich_run(f->enrich, f->event);
	expect(f, "source.asset.host", "e");
}

static void
table_without_head_is_refused(void **state)
{
	struct fixture *f = *state;

	assets(f, "pc-7,10.1.0.7,hana\n");
	assert_int_equal(diag_errors(f->diag), 1);
	enrich_run(f->enrich, f->event);
}

static void
missing_file_is_a_finding_and_the_rest_works(void **state)
{
	struct fixture *f = *state;
	const char *paths[2] = { "/nonexistent/assets.csv",
		file(f, "host,address\na,10.0.0.1\n") };

	f->enrich = enrich_load(&(struct enrich_conf){ .assets = paths,
	    .nassets = 2 }, f->diag);
	assert_int_equal(diag_errors(f->diag), 1);
	set(f, FIELD_SOURCE_IP, "10.0.0.1");
	enrich_run(f->enrich, f->event);
	expect(f, "source.asset.host", "a");
}

/* --- networks --- */

static void
longest_network_counts(void **state)
{
	struct fixture *f = *state;

	networks(f, "network,country,city,latitude,longitude\n"
	    "198.18.0.0/15,JP,Tokyo,35.68,139.69\n"
	    "198.18.7.0/24,DE,Berlin,52.52,13.4\n");
	set(f, FIELD_SOURCE_IP, "198.18.7.9");
	set(f, FIELD_DESTINATION_IP, "198.19.0.1");
	enrich_run(f->enrich, f->event);
	expect(f, "source.geo.country_iso_code", "DE");
	expect(f, "source.geo.city_name", "Berlin");
	expect(f, "source.geo.location.lat", "52.52");
	expect(f, "destination.geo.city_name", "Tokyo");
}

static void
line_that_names_another_country_stands_alone(void **state)
{
	struct fixture *f = *state;

	networks(f, "network,country,city\n198.18.0.0/15,JP,Tokyo\n");
	set(f, FIELD_SOURCE_IP, "198.18.7.9");
	set(f, FIELD_SOURCE_GEO_COUNTRY_ISO_CODE, "FR");
	enrich_run(f->enrich, f->event);
	expect(f, "source.geo.country_iso_code", "FR");
	expect(f, "source.geo.city_name", "(absent)");
}

static void
impossible_places_are_findings(void **state)
{
	struct fixture *f = *state;

	networks(f, "network,latitude,longitude\n10.0.0.0/8,91,0\n"
	    "10.0.0.0/40,1,1\n11.0.0.0/8,,\n");
	assert_int_equal(diag_errors(f->diag), 2);
}

/* --- lists --- */

static void
listed_address_names_its_list(void **state)
{
	struct fixture *f = *state;

	list(f, (struct enrich_list_conf){ .name = "tor_exit",
	    .key = "address" }, "address\n192.0.2.7\n2001:db8::/32\n");
	set(f, FIELD_DESTINATION_IP, "192.0.2.7");
	set(f, FIELD_SOURCE_IP, "2001:db8::5");
	enrich_run(f->enrich, f->event);
	expect(f, "yagura.lists.destination", "tor_exit");
	expect(f, "yagura.lists.source", "tor_exit");
	assert_int_equal(diag_count(f->diag), 0);
}

static void
domain_holds_for_names_below_and_category_is_named(void **state)
{
	struct fixture *f = *state;

	list(f, (struct enrich_list_conf){ .name = "intel", .key = "domain",
	    .category = "category" }, "domain,category\nevil.test,c2\n");
	set(f, FIELD_DNS_QUESTION_NAME, "a.b.EVIL.test.");
	set(f, FIELD_URL_DOMAIN, "notevil.test");
	enrich_run(f->enrich, f->event);
	expect(f, "yagura.lists.dns", "intel,intel.c2");
	expect(f, "yagura.lists.url", "(absent)");
}

static void
plain_list_with_remarks_and_defanged_values_is_read(void **state)
{
	struct fixture *f = *state;

	list(f, (struct enrich_list_conf){ .name = "ioc" },
	    "# found, in May\n\nevil[.]test   # seen twice\n"
	    "hxxps://Bad.test:443/x/\n192[.]0[.]2[.]1\n"
	    "0123456789abcdef0123456789ABCDEF\nmallory\n");
	set(f, FIELD_DNS_QUESTION_NAME, "evil.test");
	set(f, FIELD_URL_FULL, "http://bad.test/x?y=1");
	set(f, FIELD_SOURCE_IP, "192.0.2.1");
	set(f, FIELD_FILE_HASH_MD5, "0123456789ABCDEF0123456789abcdef");
	set(f, FIELD_USER_NAME, "Mallory");
	enrich_run(f->enrich, f->event);
	expect(f, "yagura.lists.dns", "ioc");
	expect(f, "yagura.lists.url", "ioc");
	expect(f, "yagura.lists.source", "ioc");
	expect(f, "yagura.lists.file", "ioc");
	expect(f, "yagura.lists.user", "ioc");
}

static void
value_on_two_lists_names_both(void **state)
{
	struct fixture *f = *state;
	struct enrich_list_conf lists[2] = {
		{ .name = "a", .file = file(f, "ip\n192.0.2.0/24\n") },
		{ .name = "b", .file = file(f, "ip,why\n192.0.2.1,scan\n"),
		    .category = "why" },
	};

	f->enrich = enrich_load(&(struct enrich_conf){ .lists = lists,
	    .nlists = 2 }, f->diag);
	set(f, FIELD_SOURCE_IP, "192.0.2.1");
	enrich_run(f->enrich, f->event);
	expect(f, "yagura.lists.source", "b,b.scan,a");
}

static void
user_with_a_dot_is_no_domain_in_a_user_column(void **state)
{
	struct fixture *f = *state;

	list(f, (struct enrich_list_conf){ .name = "leavers",
	    .key = "username" }, "username\nj.doe\n");
	set(f, FIELD_USER_NAME, "j.doe");
	set(f, FIELD_DNS_QUESTION_NAME, "j.doe");
	enrich_run(f->enrich, f->event);
	expect(f, "yagura.lists.user", "leavers");
	expect(f, "yagura.lists.dns", "(absent)");
}

static void
missing_key_column_is_a_finding(void **state)
{
	struct fixture *f = *state;

	list(f, (struct enrich_list_conf){ .name = "x", .key = "adress" },
	    "address,note\n192.0.2.1,a\n");
	assert_int_equal(diag_errors(f->diag), 1);
}

/* --- MaxMind files --- */

static bool
shared(char *path, size_t size, const char *name)
{
	const char *folder = getenv("YAGURA_SHARED");

	snprintf(path, size, "%s/geoip/%s",
	    folder != NULL ? folder : "../shared", name);
	if (access(path, R_OK) == 0)
		return true;
	if (getenv("CI") != NULL)
		fail_msg("%s is missing (set YAGURA_SHARED)", path);
	printf("skipped: no %s\n", path);
	return false;
}

static void
city_and_as_come_from_maxmind_files(void **state)
{
	struct fixture *f = *state;
	char city[512], as[512];
	const char *paths[2] = { city, as };

	if (!shared(city, sizeof(city), "GeoLite2-City-Test.mmdb") ||
	    !shared(as, sizeof(as), "GeoLite2-ASN-Test.mmdb"))
		skip();
	f->enrich = enrich_load(&(struct enrich_conf){ .geoip = paths,
	    .ngeoip = 2 }, f->diag);
	assert_int_equal(diag_count(f->diag), 0);
	for (int i = 0; i < 2; i++) {	/* the second from the cache */
		f->event = batch_add(f->batch, SLICE("x"), SLICE("test"), 0);
		set(f, FIELD_SOURCE_IP, "81.2.69.142");
		set(f, FIELD_DESTINATION_IP, "1.128.0.1");
		enrich_run(f->enrich, f->event);
		expect(f, "source.geo.country_iso_code", "GB");
		expect(f, "source.geo.country_name", "United Kingdom");
		expect(f, "source.geo.city_name", "London");
		expect(f, "destination.as.number", "1221");
		expect(f, "destination.as.organization.name",
		    "Telstra Pty Ltd");
	}
	f->event = batch_add(f->batch, SLICE("x"), SLICE("test"), 0);
	set(f, FIELD_SOURCE_IP, "2001:218::1");
	set(f, FIELD_DESTINATION_IP, "10.0.0.1");
	enrich_run(f->enrich, f->event);
	expect(f, "source.geo.country_iso_code", "JP");
	expect(f, "destination.geo.country_iso_code", "(absent)");
}

static void
anonymity_goes_to_the_lists(void **state)
{
	struct fixture *f = *state;
	char path[512];
	const char *paths[1] = { path };

	if (!shared(path, sizeof(path), "GeoIP2-Anonymous-IP-Test.mmdb"))
		skip();
	f->enrich = enrich_load(&(struct enrich_conf){ .geoip = paths,
	    .ngeoip = 1 }, f->diag);
	assert_int_equal(diag_count(f->diag), 0);
	set(f, FIELD_SOURCE_IP, "65.0.0.1");
	enrich_run(f->enrich, f->event);
	expect(f, "yagura.lists.source", "anonymous,tor_exit");
}

static void
country_file_serves_too(void **state)
{
	struct fixture *f = *state;
	char path[512];
	const char *paths[1] = { path };

	if (!shared(path, sizeof(path), "GeoLite2-Country-Test.mmdb"))
		skip();
	f->enrich = enrich_load(&(struct enrich_conf){ .geoip = paths,
	    .ngeoip = 1 }, f->diag);
	set(f, FIELD_SOURCE_IP, "216.160.83.56");
	enrich_run(f->enrich, f->event);
	expect(f, "source.geo.country_iso_code", "US");
	expect(f, "source.geo.city_name", "(absent)");
}

static void
broken_files_are_refused_each_with_one_finding(void **state)
{
	static const char *const names[] = {
		"GeoIP2-City-Test-Broken-Double-Format",
		"GeoIP2-City-Test-Invalid-Node-Count",
		"cyclic-data-structure", "invalid-bytes-length",
		"invalid-data-record-offset", "invalid-map-key-length",
		"invalid-string-length", "libmaxminddb-corrupt-search-tree",
		"libmaxminddb-deep-array-nesting",
		"libmaxminddb-deep-nesting",
		"libmaxminddb-empty-array-last-in-metadata",
		"libmaxminddb-empty-map-last-in-metadata",
		"libmaxminddb-metadata-marker-only",
		"libmaxminddb-offset-integer-overflow",
		"libmaxminddb-oversized-array", "libmaxminddb-oversized-map",
		"libmaxminddb-separator-record-max-left",
		"libmaxminddb-separator-record-min-left",
		"libmaxminddb-separator-record-min-right",
		"libmaxminddb-uint64-max-epoch", "metadata-is-an-uint128",
		"unexpected-bytes",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[512], name[128];
		const char *paths[1] = { path };
		struct enrich *enrich;

		snprintf(name, sizeof(name), "bad/%s.mmdb", names[i]);
		if (!shared(path, sizeof(path), name))
			skip();
		enrich = enrich_load(&(struct enrich_conf){ .geoip = paths,
		    .ngeoip = 1 }, f->diag);
		if (diag_errors(f->diag) != i + 1)
			fail_msg("%s was taken", name);
		set(f, FIELD_SOURCE_IP, "81.2.69.142");
		enrich_run(enrich, f->event);
		enrich_put(enrich);
	}
	assert_int_equal(f->event->n, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_configured_adds_nothing),
		TEST(address_gives_machine_owner_and_name),
		TEST(columns_come_in_any_order_and_unknown_ones_are_kept),
		TEST(the_line_keeps_its_own_words),
		TEST(address_belongs_to_whom_it_belonged_then),
		TEST(later_of_two_owners_counts_in_either_order),
		TEST(host_name_gives_all_its_addresses),
		TEST(short_name_of_two_machines_names_neither),
		TEST(mistakes_in_a_table_are_named_by_line),
		TEST(table_without_head_is_refused),
		TEST(missing_file_is_a_finding_and_the_rest_works),
		TEST(longest_network_counts),
		TEST(line_that_names_another_country_stands_alone),
		TEST(impossible_places_are_findings),
		TEST(listed_address_names_its_list),
		TEST(domain_holds_for_names_below_and_category_is_named),
		TEST(plain_list_with_remarks_and_defanged_values_is_read),
		TEST(value_on_two_lists_names_both),
		TEST(user_with_a_dot_is_no_domain_in_a_user_column),
		TEST(missing_key_column_is_a_finding),
		TEST(city_and_as_come_from_maxmind_files),
		TEST(anonymity_goes_to_the_lists),
		TEST(country_file_serves_too),
		TEST(broken_files_are_refused_each_with_one_finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
