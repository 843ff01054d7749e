#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "engine/timeparse.h"
#include "parsers/decode_syslog.h"

#define NOW "2026-11-21T00:00:00Z"

/* One header as a line of text: priority|time|host|program|process|body. */
static const char *
header(const char *line)
{
	static char out[512];
	struct syslog_header h;
	char buf[TIME_TEXT_BYTES];
	int64_t now, ns;
	struct slice time = SLICE("-");

	syslog_read(slice_cstr(line), &h);
	assert_true(time_parse_rfc3339(SLICE(NOW), &now));
	if (h.has_time && timetext_resolve(&h.time, now, NULL, &ns))
		time = time_format_rfc3339(ns, buf);
	snprintf(out, sizeof(out), "%d|%.*s|%.*s|%.*s|%.*s|%.*s", h.priority,
	    (int)time.len, time.ptr, (int)h.hostname.len,
	    h.hostname.len > 0 ? h.hostname.ptr : "", (int)h.appname.len,
	    h.appname.len > 0 ? h.appname.ptr : "", (int)h.procid.len,
	    h.procid.len > 0 ? h.procid.ptr : "", (int)h.body.len,
	    h.body.ptr);
	return out;
}

static void
reads_the_forms_of_rfc_3164(void **state)
{
	static const char *const rows[][2] = {
	{ "<38>Nov 20 10:00:00 srv sshd[811]: text",
	  "38|2026-11-20T10:00:00.000Z|srv|sshd|811|text" },
	{ "Nov 20 10:00:00 srv sudo:     hana : x",
	  "-1|2026-11-20T10:00:00.000Z|srv|sudo||hana : x" },
	{ "Nov 20 10:00:00 dnsmasq[1]: query",
	  "-1|2026-11-20T10:00:00.000Z||dnsmasq|1|query" },
	{ "<111> Nov 20 10:00:00 fw date=2026-11-20 a=b",
	  "111|2026-11-20T10:00:00.000Z|fw|||date=2026-11-20 a=b" },
	{ "<6>NOV 20 10:00:00 10.0.0.1 kernel: [1.0] x",
	  "6|2026-11-20T10:00:00.000Z|10.0.0.1|kernel||[1.0] x" },
	{ "Oct 03 2018 17:34:08: %ASA-6-302015: Built",
	  "-1|2018-10-03T17:34:08.000Z||||%ASA-6-302015: Built" },
	{ "Apr 17 2020 14:08:08 HOST : %ASA-4-1: x",
	  "-1|2020-04-17T14:08:08.000Z|HOST|||%ASA-4-1: x" },
	{ "Fri Nov 20 09:17:50 2026 daemon.info dnsmasq[1]: q",
	  "30|2026-11-20T09:17:50.000Z||dnsmasq|1|q" },
	{ "<165>Aug 24 05:34:00 CST 1987 host text",
	  "165|1987-08-24T11:34:00.000Z|host|||text" },
	{ "<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.example 10.1.2.3 x",
	  "0|1990-10-22T16:52:01.000Z|scapegoat.example|||10.1.2.3 x" },
	{ "<189>Nov 20 18:30:15 sw 123: *Nov 20 18:30:13.311 CDT: %F-6-M: x",
	  "189|2026-11-20T23:30:13.311Z|sw|||%F-6-M: x" },
	{ "<189>sw-a: 000412: *Nov 20 10:00:00.125 JST: %F-6-M: x",
	  "189|2026-11-20T01:00:00.125Z|sw-a|||%F-6-M: x" },
	{ "77: sw-a: .Nov 20 10:00:00: %F-6-M: x",
	  "-1|2026-11-20T10:00:00.000Z|sw-a|||%F-6-M: x" },
	{ "<189>55: 000055: Nov 20 10:00:00.000: %F-6-M: x",
	  "189|2026-11-20T10:00:00.000Z||||%F-6-M: x" },
	{ "<185>: 2026 Nov 20 10:00:00 CET: %F-S-6-M: x",
	  "185|2026-11-20T09:00:00.000Z||||%F-S-6-M: x" },
	{ "2026 Nov 20 10:00:00 UTC: %F-6-M: x",
	  "-1|2026-11-20T10:00:00.000Z||||%F-6-M: x" },
	{ "<30>2026:11:20-10:00:00 utm-a ulogd[9]: id=\"2001\"",
	  "30|2026-11-20T10:00:00.000Z|utm-a|ulogd|9|id=\"2001\"" },
	{ "<133>Nov 20 10:00:00 lb-a notice sshd[77]: x",
	  "133|2026-11-20T10:00:00.000Z|lb-a|sshd|77|x" },
	{ "<133>Nov 20 10:00:00 lb-a notice of a change: x",
	  "133|2026-11-20T10:00:00.000Z|lb-a|||notice of a change: x" },
	{ "@400000006918e8fa075bca00 auth[7]: x",
	  "-1|2025-11-15T20:56:16.123456Z||auth|7|x" },
	{ "@400000006918e8zz075bca00 auth: x",
	  "-1|-||||@400000006918e8zz075bca00 auth: x" },
	{ "rt: Nov 20 10:00:00 started",
	  "-1|-||||rt: Nov 20 10:00:00 started" },
	{ "2026-11-20 09:55:42.391078-0700  localhost sshd[17]: e",
	  "-1|2026-11-20T16:55:42.391078Z|localhost|sshd|17|e" },
	{ "Nov 20 10:00:00 srv sshd(pam_unix)[19]: auth",
	  "-1|2026-11-20T10:00:00.000Z|srv|sshd(pam_unix)|19|auth" },
	{ "<38>sshd[1]: Failed", "38|-||sshd|1|Failed" },
	{ "Nov 20 10:00:00 srv CEF:0|a|b|c|d|e|5|",
	  "-1|2026-11-20T10:00:00.000Z|srv|||CEF:0|a|b|c|d|e|5|" },
	{ "Nov 20 10:00:00 s sshd[1]: [ID 800047 auth.info] Failed",
	  "38|2026-11-20T10:00:00.000Z|s|sshd|1|Failed" },
	{ "<134>Nov 20 10:00:00 relay <38>Nov 20 09:59:59 srv su: x",
	  "38|2026-11-20T09:59:59.000Z|srv|su||x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(header(rows[i][0]), rows[i][1]);
}

static void
reads_rfc_5424(void **state)
{
	struct syslog_header h;
	struct syslog_param param;

	(void)state;
	assert_string_equal(header("<86>1 2026-11-20T15:39:03.823Z gw sshd "
	    "697 - - User child"),
	    "86|2026-11-20T15:39:03.823Z|gw|sshd|697|User child");
	assert_string_equal(header("<86>1 - - - - - -"), "86|-||||");
	assert_string_equal(header("<86>1 2026-11-20T15:39:03Z gw LEEF:1.0|V|"),
	    "86|2026-11-20T15:39:03.000Z|gw|||LEEF:1.0|V|");
	syslog_read(SLICE("\xef\xbb\xbf<165>1 2026-11-20T10:00:00+09:00 h a p "
	    "ID47 [x@1 k=\"v \\] w\" l=\"2\"][y a=\"b\"] \xef\xbb\xbftext"),
	    &h);
	assert_true(slice_eq(h.body, SLICE("text")));
	assert_true(slice_eq(h.msgid, SLICE("ID47")));
	assert_true(syslog_next_param(&h.data, &param));
	assert_true(slice_eq(param.id, SLICE("x@1")));
	assert_true(slice_eq(param.value, SLICE("v \\] w")));
	assert_true(syslog_next_param(&h.data, &param));
	assert_true(syslog_next_param(&h.data, &param));
	assert_true(slice_eq(param.id, SLICE("y")));
	assert_false(syslog_next_param(&h.data, &param));
}

static void
leaves_alone_what_is_no_header(void **state)
{
	static const char *const lines[] = { "", "<", "<999>x", "text",
	    "date=2026-11-20 time=10:00:00", "1700000000.1 10 10.0.0.1 x",
	    "27-Aug-2013 17:49:45.330 client 192.0.2.1#1: x",
	    "2026-11-20 10:00:00 GET /index.html",
	    "2026-11-20 10:00:00 hana/192.0.2.9:4000 MULTI: Learn: 10.8.0.6",
	    "2026-11-20 10:00:00 192.0.2.9:4000 TLS: Initial packet" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct syslog_header h;

		syslog_read(slice_cstr(lines[i]), &h);
		assert_true(slice_eq(h.body, slice_cstr(lines[i])));
	}
}

/* In November, March is of this year: next March is not believed. */
static void
puts_a_time_without_year_near_its_arrival(void **state)
{
	(void)state;
	assert_string_equal(header("Mar 15 09:00:00 h a: x"),
	    "-1|2026-03-15T09:00:00.000Z|h|a||x");
	assert_string_equal(header("Nov 21 09:00:00 h a: x"),
	    "-1|2026-11-21T09:00:00.000Z|h|a||x");
	assert_string_equal(header("Dec 15 09:00:00 h a: x"),
	    "-1|2025-12-15T09:00:00.000Z|h|a||x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_forms_of_rfc_3164),
		cmocka_unit_test(reads_rfc_5424),
		cmocka_unit_test(leaves_alone_what_is_no_header),
		cmocka_unit_test(puts_a_time_without_year_near_its_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
