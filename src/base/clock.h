/* SPDX-License-Identifier: MIT */
/*
 * The one clock that all of the device's time comes from, and its timers.
 *
 * It starts as CLOCK_MONOTONIC. It may be made to stand still, and be moved by
 * hand; it never goes back. What clients give as a moment on CLOCK_MONOTONIC is
 * not measured with it, but with a clock that always runs.
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

/**
 * hf_clock_now() - Nanoseconds.
 *
 * Comparable with a client's CLOCK_MONOTONIC, unless the clock was made to stand.
 */
uint64_t hf_clock_now(const struct hf_clock *clock);

/**
 * hf_clock_coarse() - The same, but up to some milliseconds behind.
 *
 * Does not look at the hardware, which takes its time on some machines.
 */
uint64_t hf_clock_coarse(const struct hf_clock *clock);

/** hf_clock_dispatch() - Call what is due. */
void hf_clock_dispatch(struct hf_clock *clock);

/*
 * How time passes: by itself; not; or not, but after each hf_clock_dispatch() the
 * caller decides whether it jumps to the next timer (hf_clock_advance()), or that
 * it is too early (hf_clock_ask_again()).
 */
enum hf_clock_pace { HF_CLOCK_RUNS, HF_CLOCK_STANDS, HF_CLOCK_JUMPS };

enum hf_clock_pace hf_clock_pace(const struct hf_clock *clock);
/** hf_clock_set_pace() - From here on. What the clock says does not change. */
void hf_clock_set_pace(struct hf_clock *clock, enum hf_clock_pace pace);
/** hf_clock_ask_again() - hf_clock_fd() is readable in a while, if a timer is armed. */
void hf_clock_ask_again(struct hf_clock *clock);
/** hf_clock_next() - When the first timer is due. Return: false for none. */
bool hf_clock_next(const struct hf_clock *clock, uint64_t *at);
/**
 * hf_clock_advance() - Move one that does not run, and call what is due then.
 * @to: no later than hf_clock_next(), so that each timer sees its own time; what
 *	lies in the past is now
 */
void hf_clock_advance(struct hf_clock *clock, uint64_t to);

/** hf_timer_arm() - (Re)arm a timer for @expires, nanoseconds on the clock. */
void hf_timer_arm(struct hf_clock *clock, struct hf_timer *timer,
		  uint64_t expires);

/** hf_timer_disarm() - It will not fire any more. */
void hf_timer_disarm(struct hf_clock *clock, struct hf_timer *timer);

#endif
