/* SPDX-License-Identifier: MIT */
/*
 * Fences that signal late, or with an error, on a clock that stands.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sync/late.h"

#define MS UINT64_C(1000000)

static struct hf_clock *the_clock;
static struct hf_fence_faults faults;
static struct hf_fence *fences[4];
static uint64_t start;

static int setup(void **state)
{
	(void)state;
	the_clock = hf_clock_create();
	if (!the_clock)
		return -1;
	hf_clock_set_pace(the_clock, HF_CLOCK_STANDS);
	start = hf_clock_now(the_clock);
	hf_fence_faults_init(&faults, the_clock);
	for (int i = 0; i < 4; i++)
		fences[i] = hf_fence_create(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hf_fence_faults_clear(&faults);
	for (int i = 0; i < 4; i++)
		hf_fence_put(fences[i]);
	hf_clock_destroy(the_clock);
	return 0;
}

/* Timer by timer, as a server does it. */
static void pass(uint64_t ns)
{
	uint64_t to = hf_clock_now(the_clock) + ns, at;

	while (hf_clock_next(the_clock, &at) && at <= to)
		hf_clock_advance(the_clock, at);
	hf_clock_advance(the_clock, to);
}

static void done(int i)
{
	hf_fence_done(&faults, fences[i], 0, hf_clock_now(the_clock));
}

static void with_nothing_armed_a_fence_signals_at_once(void **state)
{
	(void)state;
	hf_fence_done(NULL, fences[0], -EIO, 7);
	hf_fence_done(&faults, fences[1], 0, 8);
	assert_true(fences[0]->signaled);
	assert_int_equal(fences[0]->error, -EIO);
	assert_int_equal(fences[0]->ns, 7);
	assert_true(fences[1]->signaled);
	assert_int_equal(fences[1]->error, 0);
	assert_int_equal(fences[1]->ns, 8);
}

static void a_late_fence_has_the_time_of_its_signal(void **state)
{
	(void)state;
	faults.delay = 5 * MS;
	done(0);
	pass(2 * MS);
	done(1);
	pass(3 * MS - 1);
	assert_false(fences[0]->signaled);
	pass(1);
	assert_true(fences[0]->signaled);
	assert_int_equal(fences[0]->ns, start + 5 * MS);
	assert_false(fences[1]->signaled);
	pass(2 * MS);
	assert_true(fences[1]->signaled);
	assert_int_equal(fences[1]->ns, start + 7 * MS);
}

static void a_later_fence_never_overtakes_an_earlier_one(void **state)
{
	(void)state;
	faults.delay = 9 * MS;
	done(0);
	faults.delay = MS;
	done(1);
	faults.delay = 0;
	done(2);
	pass(8 * MS);
	assert_false(fences[1]->signaled || fences[2]->signaled);
	pass(MS);
	assert_true(fences[0]->signaled);
	assert_true(fences[1]->signaled);
	assert_true(fences[2]->signaled);
	done(3);
	assert_true(fences[3]->signaled);
}

static void as_many_fail_as_were_to(void **state)
{
	(void)state;
	faults.fail = (struct hf_fault){ .left = 2, .error = -EIO };
	done(0);
	/* An error of its own is not hidden. */
	hf_fence_done(&faults, fences[1], -ETIME, 1);
	done(2);
	assert_int_equal(fences[0]->error, -EIO);
	assert_int_equal(fences[1]->error, -ETIME);
	assert_int_equal(fences[2]->error, 0);
}

static void a_fence_may_be_late_and_fail(void **state)
{
	(void)state;
	faults.delay = MS;
	faults.fail = (struct hf_fault){ .left = 1, .error = -ENODEV };
	done(0);
	assert_false(fences[0]->signaled);
	pass(MS);
	assert_int_equal(fences[0]->error, -ENODEV);
}

static void clearing_signals_what_is_late(void **state)
{
	uint64_t at;

	(void)state;
	faults.delay = 1000 * MS;
	done(0);
	done(1);
	pass(MS);
	hf_fence_faults_clear(&faults);
	assert_true(fences[0]->signaled && fences[1]->signaled);
	assert_int_equal(fences[1]->ns, start + MS);
	assert_false(hf_clock_next(the_clock, &at));
	done(2);
	assert_true(fences[2]->signaled);
}

struct chain {
	struct hf_fence_cb cb;
};

static void next_is_done(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	done(1);
}

static void whoever_is_told_may_be_done_with_another(void **state)
{
	struct chain chain;

	(void)state;
	faults.delay = MS;
	hf_fence_add_callback(fences[0], &chain.cb, next_is_done);
	done(0);
	pass(MS);
	assert_true(fences[0]->signaled);
	assert_false(fences[1]->signaled);
	pass(MS);
	assert_true(fences[1]->signaled);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(with_nothing_armed_a_fence_signals_at_once),
		TEST(a_late_fence_has_the_time_of_its_signal),
		TEST(a_later_fence_never_overtakes_an_earlier_one),
		TEST(as_many_fail_as_were_to),
		TEST(a_fence_may_be_late_and_fail),
		TEST(clearing_signals_what_is_late),
		TEST(whoever_is_told_may_be_done_with_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
