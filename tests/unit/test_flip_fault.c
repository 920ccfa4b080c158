/* SPDX-License-Identifier: MIT */
/*
 * Flips that are reported late, or never; and displays that stop and go on. Time is
 * moved by hand.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "display.h"

#define KMS (&display.kms)
#define XRGB DRM_FORMAT_XRGB8888
#define MS UINT64_C(1000000)

static struct hf_framebuffer *fbs[2];
static unsigned int frames_seen;

static void pass(uint64_t ns)
{
	uint64_t to = hf_clock_now(display.clock) + ns, at;

	while (hf_clock_next(display.clock, &at) && at <= to)
		hf_clock_advance(display.clock, at);
	hf_clock_advance(display.clock, to);
}

/* To the next vblank of a CRTC. */
static void step(struct hf_crtc *crtc)
{
	pass(hf_vblank_next(crtc) - hf_clock_now(display.clock));
}

static int setup(void **state)
{
	struct hf_atomic_state *atomic;

	if (display_setup(state))
		return -1;
	hf_clock_set_pace(display.clock, HF_CLOCK_STANDS);
	fbs[0] = display_fb(DISPLAY_WIDTH, DISPLAY_HEIGHT, XRGB);
	fbs[1] = display_fb(DISPLAY_WIDTH, DISPLAY_HEIGHT, XRGB);
	atomic = display_state();
	display_light(atomic, display.crtc, display.connector, fbs[0]);
	if (hf_atomic_check(atomic) || hf_atomic_commit(atomic, NULL) < 0)
		return -1;
	step(display.crtc);
	return display.crtc->commit ? -1 : 0;
}

static struct hf_atomic_state *flip_state(struct hf_fence *fence, bool event)
{
	struct hf_atomic_state *atomic = display_state();
	struct hf_crtc_state *crtc;

	display_show(atomic, display.crtc->primary, display.crtc, fbs[1]);
	crtc = hf_atomic_get_crtc(atomic, display.crtc);
	crtc->out_fence = fence;
	if (event)
		crtc->event = hf_event_create(&display.file,
					      DRM_EVENT_FLIP_COMPLETE, 1);
	assert_int_equal(hf_atomic_check(atomic), 0);
	return atomic;
}

static void flip(struct hf_fence *fence)
{
	assert_int_equal(hf_atomic_commit(flip_state(fence, true), NULL), 1);
}

static void a_late_flip_keeps_the_crtc_busy_until_it_is_told(void **state)
{
	struct drm_event_vblank event;
	struct hf_atomic_state *second;
	uint64_t count;

	(void)state;
	display.crtc->faults.late = 1;
	display.crtc->faults.delay = 10 * MS;
	flip(NULL);
	step(display.crtc);
	assert_int_equal(display.crtc->faults.late, 0);
	assert_false(display_read(&event));
	second = flip_state(NULL, true);
	assert_int_equal(hf_atomic_commit(second, NULL), -EBUSY);
	count = hf_vblank_count(display.crtc, NULL);
	pass(10 * MS - 1);
	assert_false(display_read(&event));
	pass(1);
	assert_true(display_read(&event));
	/* It says when it was told, as the kernel's does. */
	assert_true(event.sequence >= count + 9);
	assert_int_equal(hf_atomic_commit(second, NULL), 1);
	step(display.crtc);
	assert_true(display_read(&event));
}

static void a_dropped_flip_is_given_up_after_ten_seconds(void **state)
{
	struct hf_fence *fence = hf_fence_create(NULL);
	struct drm_event_vblank event;
	uint32_t reserved = display.file.reserved;
	uint64_t frames = display.crtc->frames;

	(void)state;
	display.crtc->faults.drop = 1;
	flip(hf_fence_get(fence));
	step(display.crtc);
	assert_int_equal(display.crtc->faults.drop, 0);
	/* It was shown all the same. */
	assert_int_equal(display.crtc->frames, frames + 1);
	pass(9999 * MS);
	assert_non_null(display.crtc->commit);
	pass(MS);
	assert_null(display.crtc->commit);
	assert_false(display_read(&event));
	assert_false(fence->signaled);
	assert_int_equal(fence->refcount, 1);
	assert_int_equal(display.file.reserved, reserved);
	hf_fence_put(fence);
	flip(NULL);
	step(display.crtc);
	assert_true(display_read(&event));
}

static void told(struct hf_commit_wait *wait)
{
	frames_seen++;
	wl_list_init(&wait->link);
}

static void who_waits_for_a_dropped_flip_waits_until_it_is_given_up(void **state)
{
	struct hf_commit_wait wait = { .done = told };

	(void)state;
	frames_seen = 0;
	display.crtc->faults.drop = 1;
	assert_int_equal(hf_atomic_commit(flip_state(NULL, false), &wait), 1);
	pass(9000 * MS);
	assert_int_equal(frames_seen, 0);
	pass(1100 * MS);
	assert_int_equal(frames_seen, 1);
}

static void another_crtc_is_not_concerned(void **state)
{
	struct hf_atomic_state *atomic = display_state();
	struct hf_framebuffer *fb =
		display_fb(DISPLAY_WIDTH, DISPLAY_HEIGHT, XRGB);

	(void)state;
	display.crtc->faults.drop = 1;
	display_light(atomic, display.crtc2, display.connector2, fb);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 1);
	step(display.crtc2);
	assert_null(display.crtc2->commit);
	assert_int_equal(display.crtc->faults.drop, 1);
}

static void an_asynchronous_flip_may_be_late_too(void **state)
{
	struct hf_atomic_state *atomic = flip_state(NULL, true);
	struct drm_event_vblank event;

	(void)state;
	display.crtc->faults.late = UINT32_MAX;
	display.crtc->faults.delay = MS;
	hf_atomic_get_crtc(atomic, display.crtc)->async_flip = true;
	assert_int_equal(hf_atomic_commit(atomic, NULL), 1);
	assert_false(display_read(&event));
	pass(MS);
	assert_true(display_read(&event));
	assert_int_equal(display.crtc->faults.late, UINT32_MAX);
}

static void what_is_late_can_be_ended(void **state)
{
	struct drm_event_vblank event;

	(void)state;
	display.crtc->faults.late = 1;
	display.crtc->faults.delay = 1000000 * MS;
	flip(NULL);
	step(display.crtc);
	assert_false(display_read(&event));
	hf_kms_end_late(KMS);
	assert_true(display_read(&event));
	assert_null(display.crtc->commit);
}

static void what_is_late_ends_with_the_display(void **state)
{
	(void)state;
	display.crtc->faults.drop = 1;
	flip(NULL);
	step(display.crtc);
	assert_non_null(display.crtc->commit);
	/* The teardown sees what is left. */
}

static void a_display_that_stops_tells_all_and_goes_on_where_it_was(void **state)
{
	struct drm_event_vblank event;
	uint64_t count, ns;

	(void)state;
	flip(NULL);
	hf_kms_device_stop(KMS);
	assert_true(display_read(&event));
	assert_null(display.crtc->commit);
	count = hf_vblank_count(display.crtc, NULL);
	pass(5000 * MS);
	assert_int_equal(hf_vblank_count(display.crtc, NULL), count);
	hf_kms_start(KMS);
	assert_true(display.crtc->vblank.on);
	assert_false(display.crtc2->vblank.on);
	/* Its time is a new one, and so is its count. */
	assert_int_equal(hf_vblank_count(display.crtc, &ns), count + 1);
	assert_int_equal(ns, hf_clock_now(display.clock));
	assert_ptr_equal(display.crtc->primary->state->fb, fbs[1]);
	flip(NULL);
	step(display.crtc);
	assert_true(display_read(&event));
	assert_int_equal(event.sequence, count + 2);
}

static void a_shutdown_leaves_nothing_on(void **state)
{
	struct drm_event_vblank event;

	(void)state;
	flip(NULL);
	hf_kms_shutdown(KMS);
	assert_true(display_read(&event));
	assert_false(display.crtc->state->enable || display.crtc->state->active);
	assert_false(display.crtc->vblank.on);
	assert_null(display.crtc->primary->state->fb);
	assert_null(display.connector->state->crtc);
	hf_kms_start(KMS);
	assert_false(display.crtc->vblank.on);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_late_flip_keeps_the_crtc_busy_until_it_is_told),
		TEST(a_dropped_flip_is_given_up_after_ten_seconds),
		TEST(who_waits_for_a_dropped_flip_waits_until_it_is_given_up),
		TEST(another_crtc_is_not_concerned),
		TEST(an_asynchronous_flip_may_be_late_too),
		TEST(what_is_late_can_be_ended),
		TEST(what_is_late_ends_with_the_display),
		TEST(a_display_that_stops_tells_all_and_goes_on_where_it_was),
		TEST(a_shutdown_leaves_nothing_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
