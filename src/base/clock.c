/* SPDX-License-Identifier: MIT */
/*
 * Timers in a list sorted by expiry, and one timerfd set to the first. There
 * are a few timers a CRTC, so a list is enough.
 *
 * Nothing here locks: whoever created the clock serialises its use.
 */
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

struct hf_clock {
	int fd;
	struct wl_list timers;
};

struct hf_clock *hf_clock_create(void)
{
	struct hf_clock *clock = calloc(1, sizeof(*clock));

	if (!clock)
		return NULL;
	wl_list_init(&clock->timers);
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
	(void)clock;
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t hf_clock_coarse(const struct hf_clock *clock)
{
	(void)clock;
	return read_clock(CLOCK_MONOTONIC_COARSE);
}

static void program(struct hf_clock *clock)
{
	struct itimerspec spec = { 0 };

	if (!wl_list_empty(&clock->timers)) {
		struct hf_timer *first =
			wl_container_of(clock->timers.next, first, link);
		uint64_t at = first->expires ? first->expires : 1;

		spec.it_value.tv_sec = at / HF_NSEC_PER_SEC;
		spec.it_value.tv_nsec = at % HF_NSEC_PER_SEC;
	}
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

void hf_clock_dispatch(struct hf_clock *clock)
{
	uint64_t expirations, now = hf_clock_now(clock);
	struct wl_list due;

	if (read(clock->fd, &expirations, sizeof(expirations)) < 0)
		expirations = 0; /* somebody rearmed it in between */
	/* A timer that rearms itself for the past waits for the next time. */
	wl_list_init(&due);
	while (!wl_list_empty(&clock->timers)) {
		struct hf_timer *first =
			wl_container_of(clock->timers.next, first, link);

		if (first->expires > now)
			break;
		wl_list_remove(&first->link);
		wl_list_insert(due.prev, &first->link);
	}
	while (!wl_list_empty(&due)) {
		struct hf_timer *first = wl_container_of(due.next, first, link);

		unlink_timer(first);
		first->fn(first);
	}
	program(clock);
}
