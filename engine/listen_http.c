/* engine/listen_http.c -- NDJSON by POST, state and figures by GET.
 *
 *	read body, unpack -> key known? -> waits for room -> lines into batches
 *	    -> waits for the commit -> answered
 *
 * A request is in one of three places: asking (its Idempotency-Key is with the
 * write thread), pending (no room yet, or not all lines are in), waiting (for
 * the commit of its last batch). A connection that ends takes its request's
 * way to an answer, never the lines that are in a batch already.
 *
 * With a key all lines are one transaction together with the answer, so a
 * repeat finds either nothing or the answer. A repeat while the first is still
 * on its way waits for the same answer.
 */
#include "engine/listen.h"

#include "engine/check.h"
#include "engine/conf.h"
#include "engine/err.h"
#include "engine/gunzip.h"
#include "engine/json.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/map.h"
#include "engine/metric.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024
#define HEADER_BYTES 16384
#define KEY_BYTES 256
#define PENDING_BYTES (256u << 20)	/* bodies in memory; 429 past them */
#define RETRY_AFTER_S "1"
#define ACCEPT_RETRY_MS 200
#define TOGETHER_BYTES (64u << 20)
#define FULL_TICKS 5		/* seconds of a full disk that a sender waits */

struct http;

struct request {
	struct asker asker;	/* first: the pipeline knows only this */
	struct request *next;
	struct http *http;
	struct evhttp_request *req;	/* NULL: the connection is gone */
	struct request *twins;	/* repeats that wait for our answer */
	struct strbuf unpacked;	/* of a gzip body */
	struct evbuffer *body;	/* else */
	struct slice lines;	/* not yet in a batch */
	size_t	 body_bytes;
	uint64_t accepted;	/* lines */
	int64_t	 arrival_ns;	/* as the sender says; 0: now */
	uint64_t number;	/* of the batch that must be durable */
	struct peer peer;
	struct strbuf key;	/* Idempotency-Key; empty: none */
	struct strbuf answer;
};

struct queue {
	struct request *first, **last;
};

struct http {
	struct http *next;	/* in `all` */
	struct input *input;
	struct evhttp *evhttp;
	struct evhttp_bound_socket *bound;
	struct event *retry;
	struct queue pending, waiting;
	struct map *keys;	/* key -> request on its way */
	size_t	 bytes;		/* bodies in memory */
	bool	 feeding;
	int	 full_ticks;
};

/* --- queues and life ------------------------------------------------------ */

static void
queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void
queue_put(struct queue *queue, struct request *request)
{
	request->next = NULL;
	*queue->last = request;
	queue->last = &request->next;
}

static struct request *
queue_take(struct queue *queue)
{
	struct request *request = queue->first;

	queue->first = request->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
	return request;
}

static void
body_free(struct request *request)
{
	strbuf_fini(&request->unpacked);
	strbuf_init(&request->unpacked);
	if (request->body != NULL)
		evbuffer_free(request->body);
	request->body = NULL;
	request->http->bytes -= request->body_bytes;
	request->body_bytes = 0;
	request->lines = slice_of("", 0);
}

static void
request_free(struct request *request)
{
	if (request->key.len > 0)
		map_remove(request->http->keys, strbuf_slice(&request->key));
	body_free(request);
	strbuf_fini(&request->key);
	strbuf_fini(&request->answer);
	free(request);
}

/* --- answers -------------------------------------------------------------- */

static void
count_status(int status)
{
	metric_add(status < 300 ? METRIC_HTTP_2XX : status == 429 ?
	    METRIC_HTTP_429 : status < 500 ? METRIC_HTTP_4XX :
	    METRIC_HTTP_5XX, 1);
}

static const char *
status_reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 411: return "Length Required";
	case 413: return "Content Too Large";
	case 415: return "Unsupported Media Type";
	case 429: return "Too Many Requests";
	case 501: return "Not Implemented";
	default: return "Service Unavailable";
	}
}

static void
send_answer(struct evhttp_request *req, int status, const char *type,
    struct slice body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *out = evbuffer_new();

	count_status(status);
	evhttp_add_header(headers, "Content-Type", type);
	if (status == 429 || status == 503)
		evhttp_add_header(headers, "Retry-After", RETRY_AFTER_S);
	evbuffer_add(out, body.ptr, body.len);
	evhttp_send_reply(req, status, status_reason(status), out);
	evbuffer_free(out);
}

static void
send_json(struct evhttp_request *req, int status, struct slice body)
{
	send_answer(req, status, "application/json", body);
}

/* {"accepted":0,"rejected":n,"errors":[{"line":1,"reason":"..."}]} */
static void
send_refusal(struct evhttp_request *req, int status, uint64_t rejected,
    const char *reason)
{
	struct strbuf body = STRBUF_INIT;

	strbuf_printf(&body, "{\"accepted\":0,\"rejected\":%llu,\"errors\":["
	    "{\"line\":1,\"reason\":", (unsigned long long)rejected);
	json_put_string(&body, slice_cstr(reason));
	strbuf_puts(&body, "}]}\n");
	send_json(req, status, strbuf_slice(&body));
	strbuf_fini(&body);
}

static void
on_gone(struct evhttp_connection *connection, void *arg)
{
	struct request *request = arg;

	(void)connection;
	request->req = NULL;
}

/* The request's connection is no longer ours to watch. */
static struct evhttp_request *
request_release(struct request *request)
{
	struct evhttp_request *req = request->req;

	if (req != NULL)
		evhttp_connection_set_closecb(
		    evhttp_request_get_connection(req), NULL, NULL);
	request->req = NULL;
	return req;
}

static void
answer_to(struct request *request, int status, struct slice body)
{
	struct evhttp_request *req = request_release(request);

	if (req == NULL)
		return;
	if (status == 200)
		send_json(req, status, body);
	else
		send_refusal(req, status, 0, body.ptr);
}

/* It and its repeats; the repeats end with that. */
static void
answer_all(struct request *request, int status, struct slice body)
{
	answer_to(request, status, body);
	while (request->twins != NULL) {
		struct request *twin = request->twins;

		request->twins = twin->twins;
		answer_to(twin, status, body);
		strbuf_clear(&twin->key);	/* the key is the first's */
		request_free(twin);
	}
}

static void
request_end(struct request *request, int status, struct slice body)
{
	answer_all(request, status, body);
	request_free(request);
}

/* --- lines ---------------------------------------------------------------- */

/* The next line without its end; false when there are none left. */
static bool
line_next(struct slice *lines, struct slice *line)
{
	ptrdiff_t feed;

	if (lines->len == 0)
		return false;
	feed = slice_find_byte(*lines, '\n');
	*line = slice_head(*lines, feed >= 0 ? (size_t)feed : lines->len);
	*lines = slice_skip(*lines, line->len + (feed >= 0 ? 1 : 0));
	if (slice_ends(*line, SLICE("\r")))
		line->len--;
	return true;
}

/* Is any line a JSON object, by its looks? One is enough: what else is there
 * is kept as raw lines. *n is how many lines were looked at. */
static bool
is_ndjson(struct slice lines, uint64_t *n)
{
	struct slice line;

	while (line_next(&lines, &line)) {
		line = slice_trim(line);
		*n += line.len > 0;
		if (line.len >= 2 && line.ptr[0] == '{' &&
		    line.ptr[line.len - 1] == '}')
			return true;
	}
	return false;
}

static uint64_t
count_lines(struct slice lines)
{
	struct slice line;
	uint64_t n = 0;

	while (line_next(&lines, &line))
		n += line.len > 0;
	return n;
}

static void
add_line(struct request *request, struct slice line)
{
	struct http *http = request->http;
	size_t limit = (size_t)loop_conf(http->input->loop)->line_bytes;

	if (line.len == 0)
		return;
	loop_add(http->input->loop, http->input, slice_head(line, limit),
	    line.len > limit, &request->peer);
	request->accepted++;
}

static void
write_answer(struct request *request)
{
	strbuf_printf(&request->answer,
	    "{\"accepted\":%llu,\"rejected\":0,\"errors\":[]}\n",
	    (unsigned long long)request->accepted);
}

/* As many lines as there is room for; true if all are in. */
static bool
feed(struct request *request)
{
	struct loop *loop = request->http->input->loop;
	struct slice line;

	loop_arrived(loop, request->arrival_ns);
	while (loop_ready(loop) && loop_room(loop)) {
		if (!line_next(&request->lines, &line)) {
			request->number = loop_owe(loop);
			loop_added(loop);
			return true;
		}
		add_line(request, line);
	}
	return false;
}

/* All or nothing: room for it is kept free. */
static bool
feed_together(struct request *request)
{
	struct loop *loop = request->http->input->loop;
	struct slice line;

	if (!loop_ready(loop) || !loop_room(loop))
		return false;
	request->accepted = 0;
	loop_arrived(loop, request->arrival_ns);
	loop_together(loop);
	while (line_next(&request->lines, &line))
		add_line(request, line);
	write_answer(request);
	request->number = loop_together_end(loop,
	    strbuf_slice(&request->key), strbuf_slice(&request->answer));
	return true;
}

static void
feed_pending(struct http *http)
{
	size_t bytes;

	if (http->feeding)
		return;
	http->feeding = true;
	loop_buffer(http->input->loop, &bytes);	/* for the time of arrival */
	while (http->pending.first != NULL) {
		struct request *request = http->pending.first;

		if (!(request->key.len > 0 ? feed_together(request) :
		    feed(request)))
			break;
		if (request->answer.len == 0)
			write_answer(request);
		queue_take(&http->pending);
		body_free(request);
		queue_put(&http->waiting, request);
	}
	http->feeding = false;
}

/* --- POST /api/v1/events -------------------------------------------------- */

static void
on_answered(struct asker *asker, bool seen, struct slice answer)
{
	struct request *request = (struct request *)asker;

	if (seen) {
		request_end(request, 200, answer);
		return;
	}
	queue_put(&request->http->pending, request);
	feed_pending(request->http);
}

/* The body into request->lines; 0, or the status to refuse it with. */
static int
body_read(struct request *request, struct evbuffer *in, const char **reason)
{
	const char *encoding = evhttp_find_header(
	    evhttp_request_get_input_headers(request->req),
	    "Content-Encoding");
	size_t len = evbuffer_get_length(in);
	size_t limit = (size_t)loop_conf(
	    request->http->input->loop)->body_bytes;
	struct slice packed;

	if (encoding == NULL || evutil_ascii_strcasecmp(encoding,
	    "identity") == 0) {
		request->body = evbuffer_new();
		evbuffer_add_buffer(request->body, in);
		request->lines = slice_of(len > 0 ? (const char *)
		    evbuffer_pullup(request->body, -1) : "", len);
		return 0;
	}
	*reason = "Content-Encoding is not gzip";
	if (evutil_ascii_strcasecmp(encoding, "gzip") != 0 &&
	    evutil_ascii_strcasecmp(encoding, "x-gzip") != 0)
		return 415;
	packed = slice_of(len > 0 ? (const char *)evbuffer_pullup(in, -1) : "",
	    len);
	switch (gunzip(packed, limit, &request->unpacked)) {
	case GUNZIP_DONE:
		request->lines = strbuf_slice(&request->unpacked);
		return 0;
	case GUNZIP_LARGE:
		*reason = "the body unpacks to more than is taken";
		return 413;
	default:
		*reason = "the body is not whole gzip";
		return 400;
	}
}

/* text/plain is lines of any kind, by the sender's own word. */
static bool
says_text(struct request *request)
{
	const char *type = evhttp_find_header(
	    evhttp_request_get_input_headers(request->req), "Content-Type");

	return type != NULL && slice_starts(slice_cstr(type),
	    SLICE("text/plain"));
}

/* 0, or the status to refuse it with. */
static int
body_check(struct request *request, const char **reason, uint64_t *rejected)
{
	uint64_t n = 0;

	if (!says_text(request) && !is_ndjson(request->lines, &n) && n > 0) {
		*rejected = n;
		*reason = "no line is a JSON object; send one per line";
		return 400;
	}
	if (request->key.len > 0 && (request->lines.len > TOGETHER_BYTES ||
	    count_lines(request->lines) > TOGETHER_LINES)) {
		*reason = "with an Idempotency-Key at most 65536 lines";
		return 413;
	}
	return 0;
}

static int
key_read(struct request *request, const char **reason)
{
	const char *key = evhttp_find_header(
	    evhttp_request_get_input_headers(request->req),
	    "Idempotency-Key");

	*reason = "Idempotency-Key is longer than 256 bytes";
	if (key != NULL && strlen(key) > KEY_BYTES)
		return 400;
	if (key != NULL)
		strbuf_puts(&request->key, key);
	return 0;
}

/* Its way: at once to the lines, behind a twin, or first to ask. */
static void
request_begin(struct request *request)
{
	struct http *http = request->http;
	union map_value *known;
	bool made;

	if (request->key.len == 0) {
		queue_put(&http->pending, request);
		feed_pending(http);
		return;
	}
	known = map_get(http->keys, strbuf_slice(&request->key), &made);
	if (!made) {
		struct request *first = known->ptr;

		body_free(request);
		request->twins = first->twins;
		first->twins = request;
		return;
	}
	known->ptr = request;
	request->asker.answered = on_answered;
	if (!loop_ask(http->input->loop, strbuf_slice(&request->key),
	    &request->asker))
		request_end(request, 429, SLICE("too many requests at once"));
}

/* Why nothing can be taken now; 0 if it can. */
static int
not_now(struct http *http, const char **reason)
{
	struct loop *loop = http->input->loop;

	*reason = "the disk is full";
	if (loop_full(loop))
		return 503;
	*reason = "shutting down";
	if (loop_stopping(loop))
		return 503;
	*reason = "too much is waiting";
	return http->bytes > PENDING_BYTES ? 429 : 0;
}

static bool
from_loopback(struct evhttp_request *req)
{
	const struct sockaddr *address = evhttp_connection_get_addr(
	    evhttp_request_get_connection(req));
	const struct sockaddr_in *in4 = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;

	if (address == NULL)
		return false;
	if (address->sa_family == AF_INET)
		return ntohl(in4->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
	    (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) &&
	    in6->sin6_addr.s6_addr[12] == 127);
}

/* A file that is imported arrived when it was written, not now. Only this
 * machine is believed. */
static void
arrival_read(struct request *request)
{
	const char *text = evhttp_find_header(
	    evhttp_request_get_input_headers(request->req), "Yagura-Arrival");

	if (text != NULL && from_loopback(request->req) &&
	    !time_parse_rfc3339(slice_cstr(text), &request->arrival_ns))
		request->arrival_ns = 0;
}

static struct request *
request_new(struct http *http, struct evhttp_request *req)
{
	struct request *request = xcalloc(1, sizeof(*request));
	struct evhttp_connection *connection =
	    evhttp_request_get_connection(req);
	const struct sockaddr *address =
	    evhttp_connection_get_addr(connection);

	request->http = http;
	request->req = req;
	request->lines = slice_of("", 0);
	strbuf_init(&request->unpacked);
	strbuf_init(&request->key);
	strbuf_init(&request->answer);
	if (address != NULL)
		request->peer.len = peer_format(address,
		    request->peer.text).len;
	arrival_read(request);
	return request;
}

static void
refuse(struct request *request, int status, uint64_t rejected,
    const char *reason)
{
	struct input *input = request->http->input;

	if (rejected > 0) {
		input->received += rejected;
		input->rejected[INPUT_NOT_NDJSON] += rejected;
	} else {
		input->turned_away++;
	}
	send_refusal(request->req, status, rejected, reason);
	strbuf_clear(&request->key);	/* not in the map yet */
	request_free(request);
}

static size_t
header_count(struct evhttp_request *req, const char *name)
{
	const struct evkeyval *header;
	size_t n = 0;

	for (header = evhttp_request_get_input_headers(req)->tqh_first;
	    header != NULL; header = header->next.tqe_next)
		n += evutil_ascii_strcasecmp(header->key, name) == 0;
	return n;
}

/* May we believe where the body ends, and who sends it? The library takes the
 * first length of several and no body where none is announced; what follows
 * would be read as the next request. No program that sends logs has an Origin:
 * a page in somebody's browser has. 0, or the status to refuse it with. */
static int
head_check(struct evhttp_request *req, const char **reason)
{
	const char *coding = evhttp_find_header(
	    evhttp_request_get_input_headers(req), "Transfer-Encoding");
	size_t lengths = header_count(req, "Content-Length");

	*reason = "pages in a browser may not send events";
	if (header_count(req, "Origin") > 0)
		return 403;
	*reason = "Transfer-Encoding is not chunked";
	if (coding != NULL && evutil_ascii_strcasecmp(coding, "chunked") != 0)
		return 501;
	*reason = "more than one length of the body is given";
	if (lengths + (coding != NULL) > 1)
		return 400;
	*reason = "Content-Length is missing";
	return lengths == 0 && coding == NULL ? 411 : 0;
}

static void
on_events(struct evhttp_request *req, void *arg)
{
	struct http *http = arg;
	struct request *request;
	const char *reason = "";
	uint64_t rejected = 0;
	int status;

	if (evhttp_request_get_command(req) != EVHTTP_REQ_POST) {
		send_refusal(req, 405, 0, "POST is wanted");
		return;
	}
	status = head_check(req, &reason);
	if (status != 0) {
		http->input->turned_away++;
		evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Connection", "close");
		send_refusal(req, status, 0, reason);
		return;
	}
	request = request_new(http, req);
	status = not_now(http, &reason);
	if (status == 0)
		status = key_read(request, &reason);
	if (status == 0)
		status = body_read(request,
		    evhttp_request_get_input_buffer(req), &reason);
	if (status == 0)
		status = body_check(request, &reason, &rejected);
	if (status != 0) {
		refuse(request, status, rejected, reason);
		return;
	}
	if (count_lines(request->lines) == 0) {
		strbuf_clear(&request->key);
		write_answer(request);
		send_json(req, 200, strbuf_slice(&request->answer));
		request_free(request);
		return;
	}
	request->body_bytes = request->lines.len;
	http->bytes += request->body_bytes;
	evhttp_connection_set_closecb(evhttp_request_get_connection(req),
	    on_gone, request);
	request_begin(request);
}

/* --- the other pages ------------------------------------------------------ */

static void
on_metrics(struct evhttp_request *req, void *arg)
{
	struct http *http = arg;
	const struct loop_hooks *hooks = loop_hooks(http->input->loop);
	struct strbuf out = STRBUF_INIT;

	if (hooks->metrics != NULL)
		hooks->metrics(hooks->user, &out);
	send_answer(req, 200, "text/plain; version=0.0.4; charset=utf-8",
	    strbuf_slice(&out));
	strbuf_fini(&out);
}

/* The name before an optional ":port". */
static bool
is_this_machine(struct slice host)
{
	static const char *const names[] = { "localhost", "127.0.0.1",
	    "[::1]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice name = slice_cstr(names[i]), port;

		if (!slice_eq_nocase(slice_head(host, name.len), name))
			continue;
		port = slice_skip(host, name.len);
		if (port.len == 0 || (port.ptr[0] == ':' &&
		    strspn(port.ptr + 1, "0123456789") == port.len - 1))
			return true;
	}
	return false;
}

/* A page in a browser of this machine can come from a name that suddenly means
 * 127.0.0.1. The browser then sends from here, but it says that name. Clients
 * of HTTP/1.0 need say none. */
static bool
host_is_local(struct evhttp_request *req)
{
	const char *host = evhttp_find_header(
	    evhttp_request_get_input_headers(req), "Host");
	const char *in_target = evhttp_uri_get_host(
	    evhttp_request_get_evhttp_uri(req));

	if (header_count(req, "Host") > 1 || (in_target != NULL &&
	    !is_this_machine(slice_cstr(in_target))))
		return false;
	if (host == NULL)
		return req->major == 1 && req->minor == 0;
	return is_this_machine(slice_cstr(host));
}

/* May this page be asked for? Refused and counted if not. */
static bool
local_only(struct http *http, struct evhttp_request *req)
{
	const char *reason = NULL;

	if (!from_loopback(req))
		reason = "only from this machine";
	else if (!host_is_local(req))
		reason = "the Host is not localhost, 127.0.0.1 or [::1]";
	if (reason == NULL)
		return true;
	http->input->turned_away++;
	send_refusal(req, 403, 0, reason);
	return false;
}

static void
on_status(struct evhttp_request *req, void *arg)
{
	struct http *http = arg;
	const struct loop_hooks *hooks = loop_hooks(http->input->loop);
	struct strbuf out = STRBUF_INIT;

	if (!local_only(http, req))
		return;
	if (hooks->status != NULL)
		hooks->status(hooks->user, &out);
	send_json(req, 200, strbuf_slice(&out));
	strbuf_fini(&out);
}

static void
on_reload(struct evhttp_request *req, void *arg)
{
	struct http *http = arg;
	const struct loop_hooks *hooks = loop_hooks(http->input->loop);
	struct strbuf out = STRBUF_INIT;
	bool done;

	/* A page in somebody's browser may post here, too: it cannot say that
	 * its content is JSON without asking us first. */
	const char *type = evhttp_find_header(
	    evhttp_request_get_input_headers(req), "Content-Type");

	if (!local_only(http, req))
		return;
	if (evhttp_request_get_command(req) != EVHTTP_REQ_POST ||
	    type == NULL ||
	    header_count(req, "Origin") > 0 ||
	    evutil_ascii_strcasecmp(type, "application/json") != 0) {
		send_refusal(req, 403, 0, "POST application/json, only from "
		    "this machine");
		return;
	}
	done = hooks->reload != NULL && hooks->reload(hooks->user, &out);
	send_json(req, done ? 200 : 400, strbuf_slice(&out));
	strbuf_fini(&out);
}

static void
on_health(struct evhttp_request *req, void *arg)
{
	(void)arg;
	send_answer(req, 200, "text/plain", SLICE("ok\n"));
}

static void
on_ready(struct evhttp_request *req, void *arg)
{
	struct http *http = arg;
	const char *reason;
	int status = not_now(http, &reason);

	send_answer(req, status == 0 ? 200 : 503, "text/plain",
	    status == 0 ? SLICE("ready\n") : slice_cstr(reason));
}

static void
on_other(struct evhttp_request *req, void *arg)
{
	(void)arg;
	send_refusal(req, 404, 0, "no such page; see yagurad(8)");
}

/* --- the receiver --------------------------------------------------------- */

/* evhttp owns its listener, and so the argument of its callbacks: from that we
 * find ours here. The loop's thread only. */
static struct http *all;

static struct http *
http_of(const struct evhttp *evhttp)
{
	struct http *http = all;

	while (http != NULL && http->evhttp != evhttp)
		http = http->next;
	return http;
}

static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	static const struct timeval retry = { 0, ACCEPT_RETRY_MS * 1000 };
	struct http *http = http_of(arg);

	if (http == NULL)
		return;
	log_warn("listen http %s: accept: %s", http->input->conf->name,
	    strerror(errno));
	http->input->turned_away++;
	evconnlistener_disable(listener);
	event_add(http->retry, &retry);
}

static void
on_accept_retry(evutil_socket_t fd, short what, void *arg)
{
	struct http *http = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(evhttp_bound_socket_get_listener(http->bound));
}

static void
http_pages(struct http *http)
{
	evhttp_set_gencb(http->evhttp, on_other, http);
	evhttp_set_cb(http->evhttp, "/api/v1/events", on_events, http);
	evhttp_set_cb(http->evhttp, "/api/v1/status", on_status, http);
	evhttp_set_cb(http->evhttp, "/api/v1/reload", on_reload, http);
	evhttp_set_cb(http->evhttp, "/metrics", on_metrics, http);
	evhttp_set_cb(http->evhttp, "/healthz", on_health, http);
	evhttp_set_cb(http->evhttp, "/readyz", on_ready, http);
}

static int
http_open(struct input *input, struct err *err)
{
	const struct conf *conf = loop_conf(input->loop);
	struct http *http;
	int fd = listen_socket(input, SOCK_STREAM, err);

	if (fd < 0)
		return -1;
	if (listen(fd, BACKLOG) < 0) {
		close(fd);
		return err_errno(err, ERR_IO, "listen http %s",
		    input->conf->name);
	}
	http = xcalloc(1, sizeof(*http));
	input->state = http;
	http->input = input;
	http->next = all;
	all = http;
	queue_init(&http->pending);
	queue_init(&http->waiting);
	http->keys = map_new();
	http->evhttp = evhttp_new(loop_base(input->loop));
	http->retry = evtimer_new(loop_base(input->loop), on_accept_retry,
	    http);
	evhttp_set_max_headers_size(http->evhttp, HEADER_BYTES);
	evhttp_set_max_body_size(http->evhttp, (ssize_t)conf->body_bytes);
	evhttp_set_timeout(http->evhttp,
	    (int)(conf->http_idle_ns / 1000000000));
	evhttp_set_allowed_methods(http->evhttp,
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD);
	http_pages(http);
	http->bound = evhttp_accept_socket_with_handle(http->evhttp, fd);
	check(http->bound != NULL);
	evconnlistener_set_error_cb(
	    evhttp_bound_socket_get_listener(http->bound), on_accept_error);
	return 0;
}

static void
http_resume(struct input *input)
{
	feed_pending(input->state);
}

/* All but one that is half in, if there is: its lines in a batch are stored
 * when there is room, and the others go after them. */
static void
refuse_pending(struct http *http)
{
	struct request *half = NULL;

	while (http->pending.first != NULL) {
		struct request *request = queue_take(&http->pending);

		if (request->accepted > 0)
			half = request;
		else
			request_end(request, 503, SLICE("the disk is full"));
	}
	if (half != NULL)
		queue_put(&http->pending, half);
}

/* Keyed requests can wait out a full disk no better than others: their sender
 * asks again and finds the answer if it was stored after all. */
static void
http_progress(struct input *input)
{
	struct http *http = input->state;

	while (http->waiting.first != NULL &&
	    loop_committed(input->loop, http->waiting.first->number)) {
		struct request *request = queue_take(&http->waiting);

		request_end(request, 200, strbuf_slice(&request->answer));
	}
	if (loop_full(input->loop))
		refuse_pending(http);
	feed_pending(http);
}

/* Nobody knows how long a disk stays full. Lines in a batch will be stored
 * when there is room, but their sender need not wait: with a key it may ask
 * again later, and without it was told that nothing is certain. */
static void
http_tick(struct input *input)
{
	struct http *http = input->state;

	if (!loop_full(input->loop)) {
		http->full_ticks = 0;
		return;
	}
	if (++http->full_ticks < FULL_TICKS)
		return;
	for (struct request *request = http->waiting.first; request != NULL;
	    request = request->next)
		answer_all(request, 503, SLICE("the disk is full"));
	for (struct request *request = http->pending.first; request != NULL;
	    request = request->next)
		answer_all(request, 503, SLICE("the disk is full"));
}

static void
http_stop(struct input *input)
{
	struct http *http = input->state;

	event_del(http->retry);
	evconnlistener_disable(evhttp_bound_socket_get_listener(http->bound));
}

static void
http_close(struct input *input)
{
	struct http *http = input->state, **at = &all;

	while (*at != http)
		at = &(*at)->next;
	*at = http->next;
	/* Not answered: their senders must ask again. */
	while (http->pending.first != NULL)
		request_end(queue_take(&http->pending), 503,
		    SLICE("shutting down"));
	while (http->waiting.first != NULL)
		request_end(queue_take(&http->waiting), 503,
		    SLICE("shutting down"));
	event_free(http->retry);
	evhttp_free(http->evhttp);
	map_free(http->keys);
	free(http);
	input->state = NULL;
}

extern const struct listen_kind listen_http;
const struct listen_kind listen_http = {
	.name = "http", .open = http_open, .resume = http_resume,
	.stop = http_stop, .close = http_close, .progress = http_progress,
	.tick = http_tick,
};
