/* SPDX-License-Identifier: MIT */
/*
 * The clock's timers. Nothing is timed: timers are armed for the past or for
 * a future that is polled for, and what counts is who fires and in what order.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

#define FAR (UINT64_C(3600) * HF_NSEC_PER_SEC)

/* A timer that writes its name into the log when it fires. */
struct named {
	struct hf_timer timer;
	char name;
	struct named *also; /* what its callback deals with */
	uint64_t again;	    /* rearm itself for that time; 0: no */
};

static struct hf_clock *clock_;
static char fired[32];

static int setup(void **state)
{
	(void)state;
	memset(fired, 0, sizeof(fired));
	clock_ = hf_clock_create();
	return !clock_;
}

static int teardown(void **state)
{
	(void)state;
	hf_clock_destroy(clock_);
	return 0;
}

static void log_name(struct hf_timer *timer)
{
	struct named *named = wl_container_of(timer, named, timer);

	fired[strlen(fired)] = named->name;
}

static void log_and_disarm(struct hf_timer *timer)
{
	struct named *named = wl_container_of(timer, named, timer);

	log_name(timer);
	hf_timer_disarm(clock_, &named->also->timer);
}

static void log_and_arm(struct hf_timer *timer)
{
	struct named *named = wl_container_of(timer, named, timer);

	log_name(timer);
	hf_timer_arm(clock_, &named->also->timer, 1);
}

static void log_and_rearm(struct hf_timer *timer)
{
	struct named *named = wl_container_of(timer, named, timer);

	log_name(timer);
	if (named->again)
		hf_timer_arm(clock_, timer, named->again);
	named->again = 0;
}

static bool readable(int ms)
{
	struct pollfd pfd = { .fd = hf_clock_fd(clock_), .events = POLLIN };

	return poll(&pfd, 1, ms) == 1;
}

static void now_is_the_clients_monotonic_clock(void **state)
{
	struct timespec before, after;
	uint64_t now;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	now = hf_clock_now(clock_);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(now >= before.tv_sec * HF_NSEC_PER_SEC + before.tv_nsec);
	assert_true(now <= after.tv_sec * HF_NSEC_PER_SEC + after.tv_nsec);
}

static void an_idle_clock_is_not_readable(void **state)
{
	(void)state;
	assert_false(readable(0));
	hf_clock_dispatch(clock_);
	assert_false(readable(0));
}

static void a_timer_in_the_past_fires_once(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };

	(void)state;
	hf_timer_arm(clock_, &a.timer, 1);
	assert_true(readable(-1));
	hf_clock_dispatch(clock_);
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "a");
	assert_false(a.timer.armed);
	assert_false(readable(0));
}

static void a_timer_at_zero_fires_too(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };

	(void)state;
	hf_timer_arm(clock_, &a.timer, 0);
	assert_true(readable(-1));
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "a");
}

static void a_timer_in_the_future_waits_for_its_time(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };
	uint64_t at = hf_clock_now(clock_) + HF_NSEC_PER_SEC / 50;

	(void)state;
	hf_timer_arm(clock_, &a.timer, at);
	while (hf_clock_now(clock_) < at - HF_NSEC_PER_SEC / 100) {
		hf_clock_dispatch(clock_);
		/* It may have become due between the two lines above. */
		if (hf_clock_now(clock_) < at)
			assert_string_equal(fired, "");
	}
	assert_true(readable(-1));
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "a");
	assert_true(hf_clock_now(clock_) >= at);
}

static void timers_fire_in_the_order_of_their_expiry(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };
	struct named b = { .timer.fn = log_name, .name = 'b' };
	struct named c = { .timer.fn = log_name, .name = 'c' };
	struct named d = { .timer.fn = log_name, .name = 'd' };

	(void)state;
	hf_timer_arm(clock_, &c.timer, 30);
	hf_timer_arm(clock_, &a.timer, 10);
	hf_timer_arm(clock_, &d.timer, hf_clock_now(clock_) + FAR);
	hf_timer_arm(clock_, &b.timer, 20);
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "abc");
	assert_true(d.timer.armed);
}

static void equal_expiries_fire_in_the_order_of_arming(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };
	struct named b = { .timer.fn = log_name, .name = 'b' };
	struct named c = { .timer.fn = log_name, .name = 'c' };

	(void)state;
	hf_timer_arm(clock_, &b.timer, 5);
	hf_timer_arm(clock_, &a.timer, 5);
	hf_timer_arm(clock_, &c.timer, 5);
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "bac");
}

static void rearming_moves_a_timer(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };
	struct named b = { .timer.fn = log_name, .name = 'b' };

	(void)state;
	hf_timer_arm(clock_, &a.timer, 1);
	hf_timer_arm(clock_, &b.timer, 2);
	hf_timer_arm(clock_, &a.timer, 3);
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "ba");
}

static void a_timer_that_is_put_off_does_not_fire_at_its_old_time(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };

	(void)state;
	hf_timer_arm(clock_, &a.timer, 1);
	hf_timer_arm(clock_, &a.timer, hf_clock_now(clock_) + FAR);
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "");
	assert_true(a.timer.armed);
	assert_false(readable(0));
}

static void an_earlier_timer_makes_the_clock_wake_earlier(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };
	struct named b = { .timer.fn = log_name, .name = 'b' };

	(void)state;
	hf_timer_arm(clock_, &a.timer, hf_clock_now(clock_) + FAR);
	assert_false(readable(0));
	hf_timer_arm(clock_, &b.timer, hf_clock_now(clock_) + 1000000);
	assert_true(readable(-1));
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "b");
	assert_false(readable(0));
}

static void a_disarmed_timer_never_fires(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };
	struct named b = { .timer.fn = log_name, .name = 'b' };

	(void)state;
	hf_timer_arm(clock_, &a.timer, 1);
	hf_timer_arm(clock_, &b.timer, 2);
	hf_timer_disarm(clock_, &a.timer);
	assert_false(a.timer.armed);
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "b");
	hf_timer_disarm(clock_, &b.timer);
	hf_timer_disarm(clock_, &b.timer);
}

static void disarming_the_only_timer_silences_the_clock(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };

	(void)state;
	hf_timer_arm(clock_, &a.timer, 1);
	assert_true(readable(-1));
	hf_timer_disarm(clock_, &a.timer);
	assert_false(readable(0));
}

static void a_callback_may_disarm_a_timer_that_is_due(void **state)
{
	struct named b = { .timer.fn = log_name, .name = 'b' };
	struct named a = { .timer.fn = log_and_disarm, .name = 'a', .also = &b };
	struct named c = { .timer.fn = log_name, .name = 'c' };

	(void)state;
	hf_timer_arm(clock_, &a.timer, 1);
	hf_timer_arm(clock_, &b.timer, 2);
	hf_timer_arm(clock_, &c.timer, 3);
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "ac");
}

static void a_callback_may_arm_another_timer(void **state)
{
	struct named b = { .timer.fn = log_name, .name = 'b' };
	struct named a = { .timer.fn = log_and_arm, .name = 'a', .also = &b };

	(void)state;
	hf_timer_arm(clock_, &a.timer, 1);
	for (int i = 0; i < 10 && !strchr(fired, 'b'); i++) {
		assert_true(readable(-1));
		hf_clock_dispatch(clock_);
	}
	assert_string_equal(fired, "ab");
}

static void a_callback_may_rearm_its_own_timer(void **state)
{
	struct named a = { .timer.fn = log_and_rearm, .name = 'a' };

	(void)state;
	a.again = hf_clock_now(clock_) + 1000000;
	hf_timer_arm(clock_, &a.timer, 1);
	hf_clock_dispatch(clock_);
	while (a.timer.armed) {
		assert_true(readable(-1));
		hf_clock_dispatch(clock_);
	}
	assert_string_equal(fired, "aa");
}

static void destroying_takes_null_and_armed_timers(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };

	(void)state;
	hf_timer_arm(clock_, &a.timer, 1);
	hf_clock_destroy(clock_);
	clock_ = NULL;
	hf_clock_destroy(NULL);
	assert_string_equal(fired, "");
}

/* -- time that does not pass by itself --------------------------------------- */

static void a_clock_that_stands_says_the_same(void **state)
{
	uint64_t now;

	(void)state;
	hf_clock_set_pace(clock_, HF_CLOCK_STANDS);
	now = hf_clock_now(clock_);
	assert_int_equal(hf_clock_pace(clock_), HF_CLOCK_STANDS);
	readable(2);
	assert_int_equal(hf_clock_now(clock_), now);
	assert_int_equal(hf_clock_coarse(clock_), now);
	hf_clock_set_pace(clock_, HF_CLOCK_JUMPS);
	assert_int_equal(hf_clock_now(clock_), now);
}

static void a_clock_that_runs_again_has_lost_time_and_not_gained_any(void **state)
{
	uint64_t stood, now;
	struct timespec ts;

	(void)state;
	hf_clock_set_pace(clock_, HF_CLOCK_STANDS);
	stood = hf_clock_now(clock_);
	readable(5);
	hf_clock_set_pace(clock_, HF_CLOCK_RUNS);
	now = hf_clock_now(clock_);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	assert_true(now >= stood);
	assert_true(now + 5000000 <= ts.tv_sec * HF_NSEC_PER_SEC + ts.tv_nsec);
	while (hf_clock_now(clock_) == now)
		;
}

static void timers_of_a_clock_that_stands_wait_for_it_to_be_moved(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };
	struct named b = { .timer.fn = log_name, .name = 'b' };
	uint64_t now, at;

	(void)state;
	hf_clock_set_pace(clock_, HF_CLOCK_STANDS);
	now = hf_clock_now(clock_);
	assert_false(hf_clock_next(clock_, &at));
	hf_timer_arm(clock_, &a.timer, now + 1);
	hf_timer_arm(clock_, &b.timer, now + 2);
	assert_true(hf_clock_next(clock_, &at));
	assert_int_equal(at, now + 1);
	assert_false(readable(2));
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "");
	hf_clock_advance(clock_, at);
	assert_string_equal(fired, "a");
	assert_int_equal(hf_clock_now(clock_), now + 1);
	/* Never back. */
	hf_clock_advance(clock_, now);
	assert_int_equal(hf_clock_now(clock_), now + 1);
	assert_string_equal(fired, "a");
	hf_clock_advance(clock_, now + 2);
	assert_string_equal(fired, "ab");
}

static void what_is_due_already_needs_no_time_to_pass(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };

	(void)state;
	hf_clock_set_pace(clock_, HF_CLOCK_STANDS);
	hf_timer_arm(clock_, &a.timer, hf_clock_now(clock_));
	assert_true(readable(-1));
	hf_clock_dispatch(clock_);
	assert_string_equal(fired, "a");
	assert_false(readable(0));
}

static void a_timer_keeps_its_distance_while_the_clock_stands(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };
	uint64_t at;

	(void)state;
	at = hf_clock_now(clock_) + 20000000;
	hf_timer_arm(clock_, &a.timer, at);
	hf_clock_set_pace(clock_, HF_CLOCK_STANDS);
	assert_false(readable(40));
	hf_clock_set_pace(clock_, HF_CLOCK_RUNS);
	while (!fired[0]) {
		assert_true(readable(10000));
		hf_clock_dispatch(clock_);
	}
	assert_true(hf_clock_now(clock_) >= at);
}

static void a_clock_that_jumps_asks_until_it_may(void **state)
{
	struct named a = { .timer.fn = log_name, .name = 'a' };
	uint64_t at = 0;

	(void)state;
	hf_clock_set_pace(clock_, HF_CLOCK_JUMPS);
	assert_false(readable(2));
	hf_timer_arm(clock_, &a.timer, hf_clock_now(clock_) + FAR);
	for (int i = 0; i < 20; i++) {
		assert_true(readable(10000));
		hf_clock_dispatch(clock_);
		assert_false(readable(0));
		hf_clock_ask_again(clock_);
	}
	assert_string_equal(fired, "");
	assert_true(hf_clock_next(clock_, &at));
	hf_clock_advance(clock_, at);
	assert_string_equal(fired, "a");
	assert_int_equal(hf_clock_now(clock_), at);
	assert_false(readable(2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(now_is_the_clients_monotonic_clock),
		TEST(an_idle_clock_is_not_readable),
		TEST(a_timer_in_the_past_fires_once),
		TEST(a_timer_at_zero_fires_too),
		TEST(a_timer_in_the_future_waits_for_its_time),
		TEST(timers_fire_in_the_order_of_their_expiry),
		TEST(equal_expiries_fire_in_the_order_of_arming),
		TEST(rearming_moves_a_timer),
		TEST(a_timer_that_is_put_off_does_not_fire_at_its_old_time),
		TEST(an_earlier_timer_makes_the_clock_wake_earlier),
		TEST(a_disarmed_timer_never_fires),
		TEST(disarming_the_only_timer_silences_the_clock),
		TEST(a_callback_may_disarm_a_timer_that_is_due),
		TEST(a_callback_may_arm_another_timer),
		TEST(a_callback_may_rearm_its_own_timer),
		TEST(destroying_takes_null_and_armed_timers),
		TEST(a_clock_that_stands_says_the_same),
		TEST(a_clock_that_runs_again_has_lost_time_and_not_gained_any),
		TEST(timers_of_a_clock_that_stands_wait_for_it_to_be_moved),
		TEST(what_is_due_already_needs_no_time_to_pass),
		TEST(a_timer_keeps_its_distance_while_the_clock_stands),
		TEST(a_clock_that_jumps_asks_until_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
