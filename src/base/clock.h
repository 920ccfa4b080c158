/* SPDX-License-Identifier: MIT */
/*
 * The one clock that all of the device's time comes from, and its timers.
 */
#ifndef HF_BASE_CLOCK_H
#define HF_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-util.h>

#define HF_NSEC_PER_SEC UINT64_C(1000000000)

struct hf_clock;

/**
 * struct hf_timer - A function to call at a point in time, once.
 * @fn: called with the lock of the clock's owner held
 * @expires: nanoseconds on the clock
 *
 * Lives in its owner's memory; zero it and set @fn before the first use.
 */
struct hf_timer {
	void (*fn)(struct hf_timer *timer);
	uint64_t expires;
	struct wl_list link;
	bool armed;
};

/**
 * hf_clock_create() - A clock on CLOCK_MONOTONIC.
 *
 * Its owner serialises all calls but hf_clock_now().
 *
 * Return: NULL and errno of timerfd_create(2), or ENOMEM.
 */
struct hf_clock *hf_clock_create(void);

/** hf_clock_destroy() - Timers that are still armed never fire. Takes NULL. */
void hf_clock_destroy(struct hf_clock *clock);

/** hf_clock_fd() - Readable when hf_clock_dispatch() has something to do. */
int hf_clock_fd(const struct hf_clock *clock);

/** hf_clock_now() - Nanoseconds, comparable with a client's CLOCK_MONOTONIC. */
uint64_t hf_clock_now(const struct hf_clock *clock);

/**
 * hf_clock_coarse() - The same, but up to some milliseconds behind.
 *
 * Does not look at the hardware, which takes its time on some machines.
 */
uint64_t hf_clock_coarse(const struct hf_clock *clock);

/** hf_clock_dispatch() - Call what is due. */
void hf_clock_dispatch(struct hf_clock *clock);

/** hf_timer_arm() - (Re)arm a timer for @expires, nanoseconds on the clock. */
void hf_timer_arm(struct hf_clock *clock, struct hf_timer *timer,
		  uint64_t expires);

/** hf_timer_disarm() - It will not fire any more. */
void hf_timer_disarm(struct hf_clock *clock, struct hf_timer *timer);

#endif
