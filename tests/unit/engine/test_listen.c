/* Lines sent over loopback arrive whole, in order, and are counted; HTTP is
 * answered after the commit. The stages here only write down what came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/batch.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/loop.h"
#include "engine/pipeline.h"
#include "engine/strbuf.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

struct rig {
	char	 path[64];	/* of the configuration */
	struct diag *diag;
	struct conf *conf;
	struct pipeline *pipeline;
	struct loop *loop;
	/* of the write thread until loop_run is over */
	struct strbuf pending, stored;
	char	 key[64];
	size_t	 events;
	int	 full;		/* commits that find no room */
	const char *own;	/* what the service says first, if anything */
	/* of the client */
	void	 (*client)(struct rig *);
	uint16_t port;
	uint16_t ports[4];
	struct strbuf answer;
	struct event *poll;
};

static void
work(void *user, void *lane, struct batch *batch)
{
	(void)user;
	(void)lane;
	batch->phase = BATCH_MATCHED;
}

static void
add(void *user, struct batch *batch)
{
	struct rig *rig = user;

	for (size_t i = 0; i < batch->n; i++) {
		strbuf_put(&rig->pending, batch->events[i].raw);
		strbuf_putc(&rig->pending, '\n');
	}
	rig->events += batch->n;
	for (struct note *note = batch->notes; note != NULL; note = note->next)
		snprintf(rig->key, sizeof(rig->key), "%.*s",
		    (int)note->key.len, note->key.ptr);
}

static int
commit(void *user, struct err *err)
{
	struct rig *rig = user;

	if (rig->full > 0) {
		rig->full--;
		return err_set(err, ERR_FULL, "no room");
	}
	strbuf_put(&rig->stored, strbuf_slice(&rig->pending));
	strbuf_clear(&rig->pending);
	return 0;
}

static bool
seen(void *user, struct slice key, struct strbuf *answer)
{
	struct rig *rig = user;

	if (!slice_eq(key, slice_cstr(rig->key)))
		return false;
	strbuf_puts(answer, "{\"stored\":true}\n");
	return true;
}

static int
setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	strbuf_init(&rig->pending);
	strbuf_init(&rig->stored);
	strbuf_init(&rig->answer);
	rig->diag = diag_new();
	*state = rig;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *rig = *state;

	if (rig->loop != NULL)
		loop_free(rig->loop);
	pipeline_free(rig->pipeline);
	conf_free(rig->conf);
	diag_free(rig->diag);
	strbuf_fini(&rig->pending);
	strbuf_fini(&rig->stored);
	strbuf_fini(&rig->answer);
	unlink(rig->path);
	free(rig);
	return 0;
}

static void
rig_conf(struct rig *rig, const char *text)
{
	FILE *f;

	snprintf(rig->path, sizeof(rig->path), "/tmp/yagura-conf-XXXXXX");
	f = fdopen(mkstemp(rig->path), "w");
	fputs(text, f);
	fclose(f);
	rig->conf = conf_load(rig->path, rig->diag);
	diag_print(rig->diag, stderr);
	assert_int_equal(diag_errors(rig->diag), 0);
}

static void *
client_main(void *arg)
{
	struct rig *rig = arg;

	rig->client(rig);
	kill(getpid(), SIGTERM);
	return NULL;
}

/* Runs the client against the loop; it ends when the client has. */
static void
rig_run(struct rig *rig, void (*client)(struct rig *))
{
	struct pipeline_stages stages = { .user = rig, .work = work,
	    .add = add, .commit = commit, .seen = seen };
	struct loop_hooks hooks = { 0 };
	struct err err = { 0 };
	const struct input *inputs;
	pthread_t thread;
	size_t n;

	rig->pipeline = pipeline_new(&stages, 2,
	    loop_most_in_flight(rig->conf));
	rig->loop = loop_new(rig->conf, rig->pipeline, &hooks, 1, 4096);
	assert_int_equal(loop_listen(rig->loop, &err), 0);
	inputs = loop_inputs(rig->loop, &n);
	for (size_t i = 0; i < n; i++)
		rig->ports[i] = inputs[i].port;
	pipeline_start(rig->pipeline);
	if (rig->own != NULL) {
		loop_say(rig->loop, slice_cstr(rig->own));
		loop_keep(rig->loop, SLICE("own"), SLICE("kept"));
	}
	rig->client = client;
	assert_int_equal(pthread_create(&thread, NULL, client_main, rig), 0);
	assert_int_equal(loop_run(rig->loop, &err), 0);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(inputs[i].received, inputs[i].stored +
		    inputs[i].rejected[INPUT_CUT] +
		    inputs[i].rejected[INPUT_NOT_NDJSON]);
}

static int
dial(uint16_t port, int type)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void
say(int fd, struct slice text)
{
	while (text.len > 0) {
		ssize_t n = send(fd, text.ptr, text.len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text = slice_skip(text, (size_t)n);
	}
}

#define SAY(fd, literal) say(fd, SLICE(literal))

static void
assert_stored(struct rig *rig, const char *want)
{
	assert_string_equal(rig->stored.ptr, want);
}

static void
send_datagrams(struct rig *rig)
{
	int fd = dial(rig->ports[0], SOCK_DGRAM);

	SAY(fd, "<1>one\n");
	SAY(fd, "\n");
	SAY(fd, "two\0");
	SAY(fd, "3\n4");
	close(fd);
}

static void
a_datagram_is_one_line(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{udp: '127.0.0.1:0'}]\n");
	rig_run(rig, send_datagrams);
	assert_stored(rig, "<1>one\ntwo\n3\n4\n");
	assert_int_equal(rig->events, 3);
}

static void
send_stream(struct rig *rig)
{
	int fd = dial(rig->ports[0], SOCK_STREAM);

	SAY(fd, "<1>a\n6 <2>b\nc<3");
	SAY(fd, ">d\r\nlast");
	close(fd);
}

static void
a_stream_is_cut_into_lines(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{tcp: '127.0.0.1:0'}]\n");
	rig_run(rig, send_stream);
	assert_stored(rig, "<1>a\n<2>b\nc\n<3>d\nlast\n");
	assert_int_equal(rig->events, 4);
}

#define MANY 300000

static void
send_many(struct rig *rig)
{
	struct strbuf all = STRBUF_INIT;
	int fd = dial(rig->ports[0], SOCK_STREAM);

	for (int i = 0; i < MANY; i++)
		strbuf_printf(&all, "%da\n", i);
	say(fd, strbuf_slice(&all));
	strbuf_fini(&all);
	/* The other side closes when it has read all. */
	shutdown(fd, SHUT_WR);
	assert_int_equal(recv(fd, (char[1]){0}, 1, 0), 0);
	close(fd);
}

static void
a_fast_sender_is_slowed_and_loses_nothing(void **state)
{
	struct rig *rig = *state;
	struct slice rest;
	int expected = 0;

	rig_conf(rig, "listen: [{tcp: '127.0.0.1:0'}]\n"
	    "limits: {batches_in_flight: 8}\n");
	rig->full = 1;
	rig_run(rig, send_many);
	assert_int_equal(rig->events, MANY);
	rest = strbuf_slice(&rig->stored);
	while (rest.len > 0) {
		assert_int_equal(atoi(rest.ptr), expected++);
		rest = slice_skip(rest,
		    (size_t)slice_find_byte(rest, '\n') + 1);
	}
	assert_int_equal(expected, MANY);
}

/* Sends for as long as somebody listens. */
static void *
send_on(void *arg)
{
	int fd = *(int *)arg;

	while (send(fd, "<1>on and on\n", 13, MSG_NOSIGNAL) > 0)
		continue;
	return NULL;
}

static int endless;		/* a connection of a test's own */
static pthread_t endless_sender;

static void
begin_endless(struct rig *rig)
{
	endless = dial(rig->ports[0], SOCK_STREAM);
	assert_int_equal(pthread_create(&endless_sender, NULL, send_on,
	    &endless), 0);
}

static void
a_sender_that_goes_on_does_not_keep_the_end_from_coming(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{tcp: '127.0.0.1:0'}]\n"
	    "limits: {batches_in_flight: 8}\n");
	rig_run(rig, begin_endless);
	assert_true(rig->events > 0);
	loop_free(rig->loop);
	rig->loop = NULL;
	pthread_join(endless_sender, NULL);
	close(endless);
}

/* Sends and reads until the other side closes. */
static void
http_talk(struct rig *rig, struct slice request)
{
	int fd = dial(rig->ports[0], SOCK_STREAM);
	char buf[4096];
	ssize_t n;

	say(fd, request);
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		strbuf_put(&rig->answer, slice_of(buf, (size_t)n));
	close(fd);
}

static void
http_post(struct rig *rig, const char *headers, struct slice body)
{
	struct strbuf request = STRBUF_INIT;

	strbuf_printf(&request, "POST /api/v1/events HTTP/1.1\r\nHost: x\r\n"
	    "Connection: close\r\n%sContent-Length: %zu\r\n\r\n", headers,
	    body.len);
	strbuf_put(&request, body);
	http_talk(rig, strbuf_slice(&request));
	strbuf_fini(&request);
}

static bool
answered(const struct rig *rig, const char *text)
{
	return strstr(rig->answer.ptr, text) != NULL;
}

static void
post_plain(struct rig *rig)
{
	http_post(rig, "", SLICE("{\"a\":1}\nno json\r\n\n{\"b\":2}"));
}

static void
a_body_is_answered_when_it_is_stored(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{http: '127.0.0.1:0'}]\n");
	rig_run(rig, post_plain);
	assert_true(answered(rig, " 200 "));
	assert_true(answered(rig,
	    "{\"accepted\":3,\"rejected\":0,\"errors\":[]}"));
	assert_stored(rig, "{\"a\":1}\nno json\n{\"b\":2}\n");
}

static void
post_keyed_twice(struct rig *rig)
{
	http_post(rig, "Idempotency-Key: k1\r\n", SLICE("{\"a\":1}\n"));
	http_post(rig, "Idempotency-Key: k1\r\n", SLICE("{\"a\":1}\n"));
}

static void
a_repeated_key_gets_the_stored_answer(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{http: '127.0.0.1:0'}]\n");
	rig_run(rig, post_keyed_twice);
	assert_stored(rig, "{\"a\":1}\n");
	assert_true(answered(rig, "\"accepted\":1"));
	assert_true(answered(rig, "\"stored\":true"));
}

static void
post_large_keyed(struct rig *rig)
{
	struct strbuf body = STRBUF_INIT;

	for (int i = 0; i < 10000; i++)
		strbuf_printf(&body, "{\"n\":%d}\n", i);
	http_post(rig, "Idempotency-Key: k2\r\n", strbuf_slice(&body));
	for (int i = 0; i < 60000; i++)
		strbuf_printf(&body, "{\"n\":%d}\n", i);
	http_post(rig, "Idempotency-Key: k3\r\n", strbuf_slice(&body));
	strbuf_fini(&body);
}

static void
a_keyed_body_is_one_transaction_or_too_large(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{http: '127.0.0.1:0'}]\n"
	    "limits: {batches_in_flight: 8}\n");
	rig_run(rig, post_large_keyed);
	assert_int_equal(rig->events, 10000);
	assert_true(answered(rig, "\"accepted\":10000"));
	assert_true(answered(rig, " 413 "));
}

static void
post_refused(struct rig *rig)
{
	http_post(rig, "", SLICE("plain\ntext\n"));
	http_post(rig, "", SLICE("[{\"a\":1}]\n"));
	http_post(rig, "Content-Encoding: gzip\r\n", SLICE("{\"a\":1}\n"));
	http_post(rig, "Content-Encoding: br\r\n", SLICE("{\"a\":1}\n"));
}

static void
a_body_that_is_no_ndjson_is_refused(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{http: '127.0.0.1:0'}]\n");
	rig_run(rig, post_refused);
	assert_int_equal(rig->events, 0);
	assert_true(answered(rig, "\"rejected\":2"));
	assert_true(answered(rig, " 415 "));
	assert_true(answered(rig, "not whole gzip"));
}

static void
post_packed(struct rig *rig, size_t zeros)
{
	struct strbuf body = STRBUF_INIT;
	z_stream stream = { 0 };
	char *out = malloc(1 << 20);

	strbuf_puts(&body, "{\"a\":1}\n");
	for (size_t i = 0; i < zeros; i++)
		strbuf_putc(&body, '0');
	deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
	stream.next_in = (Bytef *)body.ptr;
	stream.avail_in = (uInt)body.len;
	stream.next_out = (Bytef *)out;
	stream.avail_out = 1 << 20;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	http_post(rig, "Content-Encoding: gzip\r\n",
	    slice_of(out, stream.total_out));
	deflateEnd(&stream);
	strbuf_fini(&body);
	free(out);
}

static void
post_gzip(struct rig *rig)
{
	post_packed(rig, 0);
	post_packed(rig, 8 << 20);
}

static void
gzip_is_unpacked_and_a_bomb_is_refused(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{http: '127.0.0.1:0'}]\n");
	rig_run(rig, post_gzip);
	assert_stored(rig, "{\"a\":1}\n");
	assert_true(answered(rig, " 413 "));
}

#define POST "POST /api/v1/events HTTP/1.1\r\nHost: x\r\n"
#define BODY "{\"a\":1}"

static void
post_lies(struct rig *rig)
{
	http_talk(rig, SLICE(POST "Content-Length: 7\r\nContent-Length: 2\r\n"
	    "\r\n" BODY));
	http_talk(rig, SLICE(POST "Transfer-Encoding: xchunked\r\n\r\n"
	    BODY));
	http_talk(rig, SLICE(POST "\r\n" BODY));
	http_talk(rig, SLICE(POST "Origin: http://x\r\nContent-Length: 7\r\n"
	    "\r\n" BODY));
}

static void
a_body_whose_end_is_not_sure_is_refused(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{http: '127.0.0.1:0'}]\n");
	rig_run(rig, post_lies);
	assert_true(answered(rig, "HTTP/1.1 400 "));
	assert_true(answered(rig, "HTTP/1.1 501 "));
	assert_true(answered(rig, "HTTP/1.1 411 "));
	assert_true(answered(rig, "HTTP/1.1 403 "));
	assert_false(answered(rig, " 200 "));
	assert_int_equal(rig->events, 0);
}

static void
get_pages(struct rig *rig)
{
	http_talk(rig, SLICE("GET /healthz HTTP/1.0\r\n\r\n"));
	http_talk(rig, SLICE("GET /readyz HTTP/1.0\r\n\r\n"));
	http_talk(rig, SLICE("GET /none HTTP/1.0\r\n\r\n"));
	http_talk(rig, SLICE("POST /api/v1/reload HTTP/1.0\r\n"
	    "Content-Length: 0\r\n\r\n"));
}

static void
health_is_told(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{http: '127.0.0.1:0'}]\n");
	rig_run(rig, get_pages);
	assert_true(answered(rig, "ok\n"));
	assert_true(answered(rig, "ready\n"));
	assert_true(answered(rig, " 404 "));
	assert_true(answered(rig, " 403 "));
}

static size_t
count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

#define STATUS(version) "GET /api/v1/status HTTP/" version \
	"\r\nConnection: close\r\n"

static void
ask_as_this_machine(struct rig *rig)
{
	http_talk(rig, SLICE(STATUS("1.1") "Host: LocalHost\r\n\r\n"));
	http_talk(rig, SLICE(STATUS("1.1") "Host: 127.0.0.1:6680\r\n\r\n"));
	http_talk(rig, SLICE(STATUS("1.1") "Host: [::1]:1\r\n\r\n"));
	http_talk(rig, SLICE(STATUS("1.0") "\r\n"));
}

static void
ask_as_others(struct rig *rig)
{
	http_talk(rig, SLICE(STATUS("1.1") "Host: evil.example:6680\r\n"
	    "\r\n"));
	http_talk(rig, SLICE(STATUS("1.1") "Host: localhost.evil.example\r\n"
	    "\r\n"));
	http_talk(rig, SLICE(STATUS("1.1") "Host: 127.0.0.1:1.evil\r\n"
	    "\r\n"));
	http_talk(rig, SLICE(STATUS("1.1") "Host: localhost\r\n"
	    "Host: evil.example\r\n\r\n"));
	http_talk(rig, SLICE(STATUS("1.1") "\r\n"));
	http_talk(rig, SLICE("POST /api/v1/reload HTTP/1.1\r\n"
	    "Host: evil.example\r\nConnection: close\r\n"
	    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
	    "{}"));
}

static void
the_state_is_told_to_this_machine_by_its_own_name(void **state)
{
	struct rig *rig = *state;

	rig_conf(rig, "listen: [{http: '127.0.0.1:0'}]\n");
	rig_run(rig, ask_as_this_machine);
	assert_int_equal(count_of(rig->answer.ptr, " 200 OK"), 4);
	assert_false(answered(rig, " 403 "));
}

static void
a_name_that_only_means_this_machine_is_refused(void **state)
{
	struct rig *rig = *state;
	size_t n;

	rig_conf(rig, "listen: [{http: '127.0.0.1:0'}]\n");
	rig_run(rig, ask_as_others);
	assert_int_equal(count_of(rig->answer.ptr, " 403 Forbidden"), 6);
	assert_int_equal(count_of(rig->answer.ptr, "the Host is not"), 6);
	assert_false(answered(rig, " 200 "));
	assert_int_equal(loop_inputs(rig->loop, &n)[0].turned_away, 6);
}

static void
say_one_line(struct rig *rig)
{
	int fd = dial(rig->ports[0], SOCK_STREAM);

	say(fd, SLICE("theirs\n"));
	close(fd);
}

static void
what_the_service_says_itself_is_in_no_inputs_counts(void **state)
{
	struct rig *rig = *state;
	const struct input *inputs;
	size_t n;

	rig_conf(rig, "listen: [{tcp: '127.0.0.1:0'}]\n");
	rig->own = "ours";
	rig_run(rig, say_one_line);
	inputs = loop_inputs(rig->loop, &n);
	assert_int_equal(inputs[0].received, 1);
	assert_int_equal(inputs[0].stored, 1);
	assert_int_equal(inputs[0].bytes, 6);
	assert_non_null(strstr(rig->stored.ptr, "ours"));
	assert_non_null(strstr(rig->stored.ptr, "theirs"));
}

static void
a_taken_port_is_named_with_what_to_do(void **state)
{
	struct rig *rig = *state;
	struct pipeline_stages stages = { .user = rig, .work = work,
	    .add = add, .commit = commit };
	struct loop_hooks hooks = { 0 };
	struct err err = { 0 };
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[128];

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)&at, &len);
	snprintf(text, sizeof(text), "listen: [{tcp: '127.0.0.1:%d'}]\n",
	    ntohs(at.sin_port));
	rig_conf(rig, text);
	rig->pipeline = pipeline_new(&stages, 1,
	    loop_most_in_flight(rig->conf));
	rig->loop = loop_new(rig->conf, rig->pipeline, &hooks, 1, 4096);
	assert_int_equal(loop_listen(rig->loop, &err), -1);
	assert_non_null(strstr(err.text, "is yagurad running already?"));
	close(fd);
}

static void
a_socket_of_somebody_else_is_left_alone(void **state)
{
	struct rig *rig = *state;
	struct pipeline_stages stages = { .user = rig, .work = work,
	    .add = add, .commit = commit };
	struct loop_hooks hooks = { 0 };
	struct err err = { 0 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[192];

	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/yagura-sock-%ld",
	    (long)getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	snprintf(text, sizeof(text), "listen: [{unix: '%s'}]\n", at.sun_path);
	rig_conf(rig, text);
	rig->pipeline = pipeline_new(&stages, 1,
	    loop_most_in_flight(rig->conf));
	rig->loop = loop_new(rig->conf, rig->pipeline, &hooks, 1, 4096);
	assert_int_equal(loop_listen(rig->loop, &err), -1);
	loop_free(rig->loop);
	rig->loop = NULL;
	assert_int_equal(access(at.sun_path, F_OK), 0);
	unlink(at.sun_path);
	close(fd);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_datagram_is_one_line),
		TEST(a_stream_is_cut_into_lines),
		TEST(a_fast_sender_is_slowed_and_loses_nothing),
		TEST(a_sender_that_goes_on_does_not_keep_the_end_from_coming),
		TEST(a_body_is_answered_when_it_is_stored),
		TEST(a_repeated_key_gets_the_stored_answer),
		TEST(a_keyed_body_is_one_transaction_or_too_large),
		TEST(a_body_that_is_no_ndjson_is_refused),
		TEST(gzip_is_unpacked_and_a_bomb_is_refused),
		TEST(a_body_whose_end_is_not_sure_is_refused),
		TEST(health_is_told),
		TEST(the_state_is_told_to_this_machine_by_its_own_name),
		TEST(a_name_that_only_means_this_machine_is_refused),
		TEST(what_the_service_says_itself_is_in_no_inputs_counts),
		TEST(a_taken_port_is_named_with_what_to_do),
		TEST(a_socket_of_somebody_else_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
