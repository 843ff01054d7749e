/* correlation/output_helper.c -- the process that runs the outputs.
 *
 * Each output has its own queue and works on its first alert; what fails is
 * tried again later and those behind it wait, so the order per output is kept.
 * An alert is acknowledged when the last output is done with it.
 */
#include "correlation/output_kind.h"

#include "engine/check.h"
#include "engine/clock.h"
#include "engine/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_LEAST_NS INT64_C(1000000000)
#define RETRY_MOST_NS INT64_C(60000000000)
#define POLL_MS 1000
#define LAST_NS INT64_C(5000000000)	/* for what is under way at the end */

#define OUTPUT(name, help) extern const struct output_kind output_##name;
#include "correlation/output.def"
#undef OUTPUT

static const struct output_kind *const kinds[] = {
#define OUTPUT(name, help) &output_##name,
#include "correlation/output.def"
#undef OUTPUT
};

/* An alert, shared by the queues of all outputs. */
struct item {
	unsigned open;		/* outputs not done with it */
	uint32_t sent, failed;
	struct output_alert *alert;	/* behind this, in one piece */
};

struct link {
	struct link *next;
	struct item *item;
};

struct lane {
	const struct output_kind *kind;
	struct output output;
	struct link *first, **last;
	bool	 busy;
	int64_t	 next_ns, pause_ns;	/* of the next try */
};

struct helper {
	int	 fd;
	bool	 closed;
	size_t	 nlanes;
	struct lane *lanes;
};

static void
acknowledge(struct helper *helper, const struct item *item)
{
	struct output_ack ack = { .id = item->alert->id, .sent = item->sent,
	    .failed = item->failed };

	/* Blocks only if the daemon does not read, which it does each second;
	 * if it is gone nobody wants to know. */
	if (send(helper->fd, &ack, sizeof(ack), MSG_NOSIGNAL) < 0)
		helper->closed = true;
}

static void
item_done(struct helper *helper, struct item *item)
{
	if (--item->open > 0)
		return;
	acknowledge(helper, item);
	free(item);
}

static void
lane_put(struct lane *lane, struct item *item)
{
	struct link *link = xcalloc(1, sizeof(*link));

	link->item = item;
	item->open++;
	*lane->last = link;
	lane->last = &link->next;
}

static void
lane_done(struct helper *helper, struct lane *lane, bool sent)
{
	struct link *link = lane->first;

	lane->first = link->next;
	if (lane->first == NULL)
		lane->last = &lane->first;
	lane->pause_ns = 0;
	link->item->sent += sent;
	link->item->failed += !sent;
	item_done(helper, link->item);
	free(link);
}

static void
lane_retry(struct lane *lane)
{
	lane->pause_ns = lane->pause_ns == 0 ? RETRY_LEAST_NS :
	    lane->pause_ns * 2;
	if (lane->pause_ns > RETRY_MOST_NS)
		lane->pause_ns = RETRY_MOST_NS;
	lane->next_ns = clock_mono_ns() + lane->pause_ns;
	log_warn("output %s %s: %s; tried again in %lld s", lane->kind->name,
	    lane->output.conf->name, lane->output.text,
	    (long long)(lane->pause_ns / 1000000000));
}

static void
lane_answer(struct helper *helper, struct lane *lane,
    enum output_answer answer)
{
	lane->busy = answer == OUTPUT_BUSY;
	if (answer == OUTPUT_RETRY)
		lane_retry(lane);
	if (answer == OUTPUT_REFUSED)
		log_warn("output %s %s: alert given up: %s", lane->kind->name,
		    lane->output.conf->name, lane->output.text);
	if (answer == OUTPUT_DONE || answer == OUTPUT_REFUSED)
		lane_done(helper, lane, answer == OUTPUT_DONE);
}

/* One step: go on with what is under way, or begin the next. False: nothing
 * could be done now. */
static bool
lane_step(struct helper *helper, struct lane *lane, bool ready)
{
	int64_t now_ns = clock_mono_ns();
	const struct output_alert *alert;

	if (lane->first == NULL)
		return false;
	alert = lane->first->item->alert;
	if (lane->busy) {
		bool late = now_ns >= lane->output.until_ns;

		if (!ready && !late)
			return false;
		lane_answer(helper, lane,
		    lane->kind->go_on(&lane->output, alert, late));
		return !lane->busy;
	}
	if (now_ns < lane->next_ns)
		return false;
	lane_answer(helper, lane, lane->kind->send(&lane->output, alert));
	return !lane->busy;
}

static void
take_alert(struct helper *helper, const struct output_alert *alert, size_t len)
{
	struct item *item;

	if (len < sizeof(*alert) || len != sizeof(*alert) + alert->len)
		return;
	item = xcalloc(1, sizeof(*item) + len);
	item->alert = (struct output_alert *)(void *)(item + 1);
	memcpy(item->alert, alert, len);
	item->open = 1;		/* until all lanes have it */
	for (size_t i = 0; i < helper->nlanes; i++)
		if (alert->level >= helper->lanes[i].output.conf->min_level)
			lane_put(&helper->lanes[i], item);
	item_done(helper, item);
}

static void
take_alerts(struct helper *helper)
{
	static _Alignas(struct output_alert) char message[256u << 10];
	ssize_t n;

	while ((n = recv(helper->fd, message, sizeof(message),
	    MSG_DONTWAIT)) > 0)
		take_alert(helper, (const void *)message, (size_t)n);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		helper->closed = true;
}

/* Milliseconds until a lane may try again. */
static int
patience(const struct helper *helper)
{
	int64_t now_ns = clock_mono_ns(), least = POLL_MS;

	for (size_t i = 0; i < helper->nlanes; i++) {
		const struct lane *lane = &helper->lanes[i];
		int64_t due_ns = lane->busy ? lane->output.until_ns :
		    lane->next_ns;
		int64_t ms = (due_ns - now_ns) / 1000000 + 1;

		if (lane->first != NULL && ms < least)
			least = ms;
	}
	return least < 0 ? 0 : (int)least;
}

static bool
work_left(const struct helper *helper)
{
	for (size_t i = 0; i < helper->nlanes; i++)
		if (helper->lanes[i].first != NULL)
			return true;
	return false;
}

static void
turn(struct helper *helper, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ helper->closed ? -1 : helper->fd, POLLIN, 0 };
	for (size_t i = 0; i < helper->nlanes; i++) {
		struct lane *lane = &helper->lanes[i];

		fds[i + 1] = (struct pollfd){ lane->busy ? lane->output.fd :
		    -1, lane->output.events, 0 };
	}
	if (poll(fds, helper->nlanes + 1, patience(helper)) < 0)
		return;
	if (fds[0].revents != 0)
		take_alerts(helper);
	for (size_t i = 0; i < helper->nlanes; i++) {
		bool ready = fds[i + 1].revents != 0;

		while (lane_step(helper, &helper->lanes[i], ready))
			ready = false;
	}
}

void
output_helper_run(const struct conf *conf, int fd)
{
	struct helper helper = { .fd = fd, .nlanes = conf->noutputs };
	struct pollfd *fds = xcalloc(conf->noutputs + 1, sizeof(*fds));
	struct output_ack hello = { 0 };
	int64_t end_ns = 0;

	helper.lanes = xcalloc(conf->noutputs, sizeof(*helper.lanes));
	for (size_t i = 0; i < conf->noutputs; i++) {
		struct lane *lane = &helper.lanes[i];

		lane->kind = kinds[conf->outputs[i].kind];
		lane->output.conf = &conf->outputs[i];
		lane->output.fd = -1;
		lane->last = &lane->first;
	}
	if (send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) < 0)
		helper.closed = true;
	while (!helper.closed || (work_left(&helper) &&
	    clock_mono_ns() < end_ns)) {
		turn(&helper, fds);
		if (helper.closed && end_ns == 0)
			end_ns = clock_mono_ns() + LAST_NS;
	}
}
