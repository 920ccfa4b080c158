/* SPDX-License-Identifier: MIT */
/*
 * Timers in a list sorted by expiry, and one timerfd set to the first. There
 * are a few timers a CRTC, so a list is enough. While the clock stands, the
 * timerfd says only that there is something to do now.
 *
 * Nothing here locks: whoever created the clock serialises its use.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* How long until one that jumps is looked at again; doubled each time. */
#define PATIENCE_MIN UINT64_C(30000)
#define PATIENCE_MAX UINT64_C(1000000)

/**
 * struct hf_clock - The clock.
 * @pace: enum hf_clock_pace
 * @behind: nanoseconds that it lags behind CLOCK_MONOTONIC while it runs
 * @stands_at: what it says while it does not
 * @patience: of one that jumps, nanoseconds
 */
struct hf_clock {
	int fd;
	struct wl_list timers;
	_Atomic int pace;
	_Atomic uint64_t behind, stands_at;
	uint64_t patience;
};

struct hf_clock *hf_clock_create(void)
{
	struct hf_clock *clock = calloc(1, sizeof(*clock));

	if (!clock)
		return NULL;
	wl_list_init(&clock->timers);
	clock->patience = PATIENCE_MIN;
	clock->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (clock->fd < 0) {
		free(clock);
		return NULL;
	}
	return clock;
}

void hf_clock_destroy(struct hf_clock *clock)
{
	if (!clock)
		return;
	close(clock->fd);
	free(clock);
}

int hf_clock_fd(const struct hf_clock *clock)
{
	return clock->fd;
}

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * HF_NSEC_PER_SEC + ts.tv_nsec;
}

uint64_t hf_clock_now(const struct hf_clock *clock)
{
	if (atomic_load(&clock->pace) != HF_CLOCK_RUNS)
		return atomic_load(&clock->stands_at);
	return read_clock(CLOCK_MONOTONIC) - atomic_load(&clock->behind);
}

uint64_t hf_clock_coarse(const struct hf_clock *clock)
{
	if (atomic_load(&clock->pace) != HF_CLOCK_RUNS)
		return atomic_load(&clock->stands_at);
	return read_clock(CLOCK_MONOTONIC_COARSE) - atomic_load(&clock->behind);
}

static struct hf_timer *first_timer(const struct hf_clock *clock)
{
	struct hf_timer *first;

	return wl_list_empty(&clock->timers) ?
		       NULL :
		       wl_container_of(clock->timers.next, first, link);
}

/* When there is something to do, on CLOCK_MONOTONIC; 0: never. */
static uint64_t wakes_at(const struct hf_clock *clock)
{
	const struct hf_timer *first = first_timer(clock);
	uint64_t at;

	if (!first)
		return 0;
	if (clock->pace == HF_CLOCK_RUNS) {
		at = first->expires + clock->behind;
		return at ? at : 1;
	}
	if (first->expires <= clock->stands_at)
		return 1;
	return clock->pace == HF_CLOCK_JUMPS ?
		       read_clock(CLOCK_MONOTONIC) + clock->patience :
		       0;
}

static void program(struct hf_clock *clock)
{
	uint64_t at = wakes_at(clock);
	struct itimerspec spec = {
		.it_value.tv_sec = at / HF_NSEC_PER_SEC,
		.it_value.tv_nsec = at % HF_NSEC_PER_SEC,
	};

	timerfd_settime(clock->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void unlink_timer(struct hf_timer *timer)
{
	if (timer->armed)
		wl_list_remove(&timer->link);
	timer->armed = false;
}

void hf_timer_arm(struct hf_clock *clock, struct hf_timer *timer,
		  uint64_t expires)
{
	struct wl_list *at = &clock->timers;
	struct hf_timer *other;

	if (timer->armed && timer->expires == expires)
		return;
	unlink_timer(timer);
	timer->expires = expires;
	timer->armed = true;
	wl_list_for_each(other, &clock->timers, link) {
		if (other->expires > expires)
			break;
		at = &other->link;
	}
	wl_list_insert(at, &timer->link);
	if (clock->timers.next == &timer->link)
		program(clock);
}

void hf_timer_disarm(struct hf_clock *clock, struct hf_timer *timer)
{
	bool was_first = timer->armed && clock->timers.next == &timer->link;

	unlink_timer(timer);
	if (was_first)
		program(clock);
}

static void call_due(struct hf_clock *clock, uint64_t now)
{
	struct hf_timer *first;
	struct wl_list due;

	/* A timer that rearms itself for the past waits for the next time. */
	wl_list_init(&due);
	while ((first = first_timer(clock)) && first->expires <= now) {
		wl_list_remove(&first->link);
		wl_list_insert(due.prev, &first->link);
	}
	while (!wl_list_empty(&due)) {
		first = wl_container_of(due.next, first, link);
		unlink_timer(first);
		first->fn(first);
	}
}

void hf_clock_dispatch(struct hf_clock *clock)
{
	uint64_t expirations;

	if (read(clock->fd, &expirations, sizeof(expirations)) < 0)
		expirations = 0; /* somebody rearmed it in between */
	call_due(clock, hf_clock_now(clock));
	if (clock->pace != HF_CLOCK_JUMPS)
		program(clock);
}

/* -- time that does not pass by itself --------------------------------------- */

enum hf_clock_pace hf_clock_pace(const struct hf_clock *clock)
{
	return atomic_load(&clock->pace);
}

void hf_clock_set_pace(struct hf_clock *clock, enum hf_clock_pace pace)
{
	uint64_t now = hf_clock_now(clock);

	/* What it says is stored before how it is to be read. */
	if (pace == HF_CLOCK_RUNS)
		atomic_store(&clock->behind, read_clock(CLOCK_MONOTONIC) - now);
	else
		atomic_store(&clock->stands_at, now);
	atomic_store(&clock->pace, pace);
	clock->patience = PATIENCE_MIN;
	program(clock);
}

void hf_clock_ask_again(struct hf_clock *clock)
{
	if (clock->patience < PATIENCE_MAX)
		clock->patience *= 2;
	program(clock);
}

bool hf_clock_next(const struct hf_clock *clock, uint64_t *at)
{
	const struct hf_timer *first = first_timer(clock);

	if (first)
		*at = first->expires;
	return first;
}

void hf_clock_advance(struct hf_clock *clock, uint64_t to)
{
	if (to > clock->stands_at)
		atomic_store(&clock->stands_at, to);
	call_due(clock, clock->stands_at);
	clock->patience = PATIENCE_MIN;
	program(clock);
}
