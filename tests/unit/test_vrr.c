/* SPDX-License-Identifier: MIT */
/*
 * Vblanks of a variable rate. The clock is one that these tests set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "display.h"
#include "kms/mode.h"

#define CRTC (display.crtc)
#define VBLANK (&display.crtc->vblank)
#define MS UINT64_C(1000000)

/* 1920x1080 at 60 Hz: 16.666... ms; and at 40 Hz, the slowest here: 25 ms. */
#define FRAME 16666666
#define LONGEST (25 * MS)

static uint64_t now, start;

uint64_t __wrap_hf_clock_now(const struct hf_clock *clock);

uint64_t __wrap_hf_clock_now(const struct hf_clock *clock)
{
	(void)clock;
	return now;
}

/* A CRTC that has just had vblank 1, and whose rate varies. */
static void light(void)
{
	struct drm_mode_modeinfo mode;

	now = start = 1000 * HF_NSEC_PER_SEC;
	VBLANK->on = false;
	VBLANK->last = UINT64_MAX; /* lighting it counts as one */
	assert_int_equal(hf_mode_make(&mode, 1920, 1080, 60), 0);
	hf_vblank_on(CRTC, &mode);
	hf_vblank_set_rate(CRTC, 40);
	hf_vblank_hurry(CRTC);
	now = start += FRAME;
	assert_int_equal(hf_vblank_count(CRTC, NULL), 1);
	assert_int_equal(VBLANK->start_ns, start);
	assert_int_equal(VBLANK->early_ns, 0);
}

static void expect_vblank(uint64_t count, uint64_t ns)
{
	uint64_t got;

	assert_int_equal(hf_vblank_count(CRTC, &got), count);
	assert_int_equal(got, ns);
}

static void without_flips_the_rate_is_the_slowest(void **state)
{
	(void)state;
	light();
	now = start + LONGEST - 1;
	expect_vblank(1, start);
	now = start + LONGEST;
	expect_vblank(2, start + LONGEST);
	now = start + 1000 * LONGEST + 1;
	expect_vblank(1001, start + 1000 * LONGEST);
}

static void a_flip_in_the_front_porch_ends_it_at_once(void **state)
{
	(void)state;
	light();
	now = start + 20 * MS;
	assert_int_equal(hf_vblank_hurry(CRTC), 2);
	expect_vblank(2, start + 20 * MS);
	/* And the next one lasts as long as may be again. */
	now += LONGEST - 1;
	expect_vblank(2, start + 20 * MS);
	now++;
	expect_vblank(3, start + 20 * MS + LONGEST);
}

static void a_flip_waits_until_the_modes_frame_is_over(void **state)
{
	(void)state;
	light();
	now = start + 5 * MS;
	hf_vblank_hurry(CRTC);
	expect_vblank(1, start);
	now = start + FRAME - 1;
	expect_vblank(1, start);
	now = start + FRAME;
	expect_vblank(2, start + FRAME);
}

static void flips_without_a_pause_run_at_the_modes_rate(void **state)
{
	(void)state;
	light();
	for (unsigned int i = 1; i <= 1000; i++) {
		hf_vblank_hurry(CRTC);
		now += FRAME;
		expect_vblank(1 + i, start + (uint64_t)i * FRAME);
	}
}

static void a_second_flip_does_not_move_the_vblank_of_the_first(void **state)
{
	(void)state;
	light();
	now = start + 5 * MS;
	assert_int_equal(hf_vblank_hurry(CRTC), 2);
	now = start + 10 * MS;
	assert_int_equal(hf_vblank_hurry(CRTC), 2);
	now = start + FRAME;
	expect_vblank(2, start + FRAME);
}

static void a_frame_is_never_longer_than_the_slowest(void **state)
{
	(void)state;
	light();
	now = start + LONGEST - 1;
	hf_vblank_hurry(CRTC);
	expect_vblank(2, start + LONGEST - 1);
	/* Just too late: that vblank has been, and this is for the next. */
	light();
	now = start + LONGEST + 1;
	assert_int_equal(hf_vblank_hurry(CRTC), 3);
	expect_vblank(2, start + LONGEST);
	now = start + LONGEST + FRAME;
	expect_vblank(3, start + LONGEST + FRAME);
}

static void many_are_counted_that_nobody_looked_at(void **state)
{
	(void)state;
	light();
	now = start + 1 * MS;
	hf_vblank_hurry(CRTC);
	now = start + FRAME + 7 * LONGEST + 3;
	expect_vblank(9, start + FRAME + 7 * LONGEST);
}

static void switched_off_it_is_the_modes_rate_again(void **state)
{
	(void)state;
	light();
	now = start + 20 * MS;
	hf_vblank_set_rate(CRTC, 0);
	expect_vblank(2, start + 20 * MS);
	now = start + 20 * MS + 3 * HF_NSEC_PER_SEC;
	expect_vblank(2 + 180, start + 20 * MS + 3 * HF_NSEC_PER_SEC);
	hf_vblank_hurry(CRTC);
	expect_vblank(2 + 180, start + 20 * MS + 3 * HF_NSEC_PER_SEC);
	assert_int_equal(VBLANK->early_ns, 0);
}

static void a_mode_that_is_slower_than_that_keeps_its_rate(void **state)
{
	struct drm_mode_modeinfo mode;

	(void)state;
	now = start = HF_NSEC_PER_SEC;
	assert_int_equal(hf_mode_make(&mode, 1920, 1080, 30), 0);
	hf_vblank_on(CRTC, &mode);
	hf_vblank_set_rate(CRTC, 40);
	hf_vblank_hurry(CRTC);
	assert_int_equal(VBLANK->early_ns, 0);
	now = start + HF_NSEC_PER_SEC;
	expect_vblank(1 + 30, start + HF_NSEC_PER_SEC);
}

static void a_modeset_starts_with_the_modes_rate(void **state)
{
	struct drm_mode_modeinfo mode;

	(void)state;
	light();
	hf_vblank_hurry(CRTC);
	hf_vblank_off(CRTC);
	hf_vblank_set_rate(CRTC, 40);
	assert_int_equal(hf_mode_make(&mode, 1920, 1080, 60), 0);
	now += 100 * MS;
	hf_vblank_on(CRTC, &mode);
	assert_int_equal(VBLANK->longest_ns, 0);
	assert_int_equal(VBLANK->early_ns, 0);
	now += 50 * MS;
	expect_vblank(2 + 3, start + 150 * MS);
}

static void nobody(struct hf_vblank_wait *wait)
{
	(void)wait;
}

static void whoever_waits_is_told_of_the_early_vblank(void **state)
{
	struct hf_vblank_wait wait = { .done = nobody };

	(void)state;
	light();
	wait.sequence = 3;
	hf_vblank_wait_add(CRTC, &wait);
	assert_int_equal(VBLANK->timer.expires, start + 2 * LONGEST);
	now = start + 1 * MS;
	hf_vblank_hurry(CRTC);
	assert_int_equal(VBLANK->timer.expires, start + FRAME + LONGEST);
	hf_vblank_set_rate(CRTC, 0);
	assert_int_equal(VBLANK->timer.expires, start + 2 * FRAME);
	hf_vblank_wait_remove(&wait);
}

/* Whatever is asked when: numbers and times go up, by no less than a frame each and no
 * more than the longest. */
static void counts_and_times_go_up_however_it_is_used(void **state)
{
	uint64_t last = 1, last_ns;

	(void)state;
	light();
	last_ns = start;
	srand(1);
	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t ns, count;

		now += rand() % (LONGEST / 2);
		count = hf_vblank_count(CRTC, &ns);
		assert_true(ns <= now && now - ns < LONGEST);
		assert_in_range(count, last, last + 1);
		if (count == last)
			assert_int_equal(ns, last_ns);
		else
			assert_in_range(ns - last_ns, FRAME, LONGEST);
		last = count;
		last_ns = ns;
		if (rand() % 3 == 0)
			hf_vblank_hurry(CRTC);
	}
	assert_true(last > 1000);
}

/* -- through commits --------------------------------------------------------- */

static void set_vrr(bool vrr)
{
	struct hf_atomic_state *state = display_state();
	struct hf_crtc_state *new = hf_atomic_get_crtc(state, CRTC);

	assert_non_null(new);
	new->vrr = vrr;
	state->allow_modeset = false;
	assert_int_equal(hf_atomic_check(state), 0);
	assert_int_equal(hf_atomic_commit(state, NULL), 1);
}

static void plug(bool vrr, double min_hz)
{
	const struct hf_kms_output output = {
		.width = 1920, .height = 1080, .hz = 60,
		.vrr = vrr, .vrr_min_hz = min_hz,
	};

	assert_int_equal(hf_kms_plug(display.connector, &output), 0);
}

/* Switch the CRTC on, and let what was committed be shown. */
static void show(void)
{
	struct hf_atomic_state *state = display_state();

	now = start = HF_NSEC_PER_SEC;
	display_light(state, CRTC, display.connector, NULL);
	assert_int_equal(hf_atomic_check(state), 0);
	assert_int_equal(hf_atomic_commit(state, NULL), 1);
	now += FRAME;
	VBLANK->timer.fn(&VBLANK->timer);
	assert_null(CRTC->commit);
}

static void vrr_enabled_lets_the_rate_vary(void **state)
{
	(void)state;
	plug(true, 48);
	show();
	assert_int_equal(VBLANK->longest_ns, 0);
	set_vrr(true);
	assert_int_equal(VBLANK->longest_ns, HF_NSEC_PER_SEC / 48);
	hf_vblank_off(CRTC);
}

static void a_monitor_that_cannot_keeps_its_rate(void **state)
{
	(void)state;
	plug(false, 48);
	show();
	set_vrr(true);
	assert_int_equal(VBLANK->longest_ns, 0);
	hf_vblank_off(CRTC);
}

static void a_commit_is_shown_as_soon_as_it_may_be(void **state)
{
	(void)state;
	plug(true, 0);
	show();
	set_vrr(true);
	now += FRAME;
	VBLANK->timer.fn(&VBLANK->timer);
	assert_null(CRTC->commit);
	start = now;
	/* 48 Hz is what it is without being said. */
	assert_int_equal(VBLANK->longest_ns, HF_NSEC_PER_SEC / 48);
	now = start + 20 * MS;
	set_vrr(true);
	assert_non_null(CRTC->commit);
	assert_int_equal(VBLANK->timer.expires, now);
	VBLANK->timer.fn(&VBLANK->timer);
	assert_null(CRTC->commit);
	expect_vblank(4, start + 20 * MS);
}

#define TEST(name)                                                            \
	cmocka_unit_test_setup_teardown(name, display_setup, display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_flips_the_rate_is_the_slowest),
		TEST(a_flip_in_the_front_porch_ends_it_at_once),
		TEST(a_flip_waits_until_the_modes_frame_is_over),
		TEST(flips_without_a_pause_run_at_the_modes_rate),
		TEST(a_second_flip_does_not_move_the_vblank_of_the_first),
		TEST(a_frame_is_never_longer_than_the_slowest),
		TEST(many_are_counted_that_nobody_looked_at),
		TEST(switched_off_it_is_the_modes_rate_again),
		TEST(a_mode_that_is_slower_than_that_keeps_its_rate),
		TEST(a_modeset_starts_with_the_modes_rate),
		TEST(whoever_waits_is_told_of_the_early_vblank),
		TEST(counts_and_times_go_up_however_it_is_used),
		TEST(vrr_enabled_lets_the_rate_vary),
		TEST(a_monitor_that_cannot_keeps_its_rate),
		TEST(a_commit_is_shown_as_soon_as_it_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
