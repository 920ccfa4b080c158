/* SPDX-License-Identifier: MIT */
/*
 * Vblanks are arithmetic. The clock cannot be moved, so these tests move the
 * start of the count instead, and look at what follows from it.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "display.h"
#include "kms/mode.h"

#define CRTC (display.crtc)
#define VBLANK (&display.crtc->vblank)

/* A count of vblanks that cannot be reached while the test runs. */
#define LATER 1000000

static struct drm_mode_modeinfo mode(unsigned int width, unsigned int height,
				     double hz)
{
	struct drm_mode_modeinfo mode;

	assert_int_equal(hf_mode_make(&mode, width, height, hz), 0);
	return mode;
}

/* Let the last modeset be @ns ago. */
static void age(uint64_t ns)
{
	VBLANK->start_ns = hf_clock_now(display.clock) - ns;
}

/* Let there have been more than 2^23 vblanks since. */
static void age_long(void)
{
	VBLANK->frame_num = 50;
	VBLANK->frame_den = 1;
	age(HF_NSEC_PER_SEC);
}

static void wait_for_timer(void)
{
	struct pollfd pfd = { .fd = hf_clock_fd(display.clock),
			      .events = POLLIN };

	assert_int_equal(poll(&pfd, 1, 10000), 1);
	hf_clock_dispatch(display.clock);
}

struct waiter {
	struct hf_vblank_wait wait;
	unsigned int told;
	struct waiter *also; /* to be added then */
	char *log;
	char name;
};

static void told(struct hf_vblank_wait *wait)
{
	struct waiter *waiter = wl_container_of(wait, waiter, wait);

	waiter->told++;
	if (waiter->log)
		waiter->log[strlen(waiter->log)] = waiter->name;
	if (waiter->also)
		hf_vblank_wait_add(CRTC, &waiter->also->wait);
}

static void a_crtc_starts_at_zero_and_stays_there_while_off(void **state)
{
	uint64_t ns = 1;

	(void)state;
	assert_int_equal(hf_vblank_count(CRTC, &ns), 0);
	assert_int_equal(ns, 0);
}

/*
 * The count and its time, of a mode with that many pixels a frame at that
 * clock: vblank n is at the start + n frames, rounded down once, not n times.
 */
static void check_rate(const struct drm_mode_modeinfo *m, uint64_t pixels,
		       uint64_t clock, uint64_t ago)
{
	uint64_t before, count, ns;

	VBLANK->on = false;
	VBLANK->last = VBLANK->last_ns = 0;
	hf_vblank_on(CRTC, m);
	age(ago);
	before = hf_clock_now(display.clock);
	count = hf_vblank_count(CRTC, &ns);
	assert_int_equal(ns - VBLANK->start_ns,
			 (uint64_t)((unsigned __int128)(count - VBLANK->start) *
				    pixels * 1000000 / clock));
	assert_true(ns <= hf_clock_now(display.clock));
	/* The next one had not come when we asked. */
	assert_true(VBLANK->start_ns +
			    (uint64_t)((unsigned __int128)(count + 1) *
				       pixels * 1000000 / clock) >
		    before);
	if (ago > 4 * pixels * 1000000 / clock)
		assert_true(count >= 3);
}

static void the_rate_is_exact_over_a_million_frames(void **state)
{
	/* 1000 pixels at 700.001 MHz: 1428.569... nanoseconds. */
	struct drm_mode_modeinfo m = {
		.clock = 700001,
		.hdisplay = 20, .hsync_start = 30, .hsync_end = 35, .htotal = 40,
		.vdisplay = 20, .vsync_start = 22, .vsync_end = 23, .vtotal = 25,
	};

	(void)state;
	assert_int_equal(hf_mode_check(&m), 0);
	check_rate(&m, 1000, 700001, 1430 * UINT64_C(1000000));
	assert_true(hf_vblank_count(CRTC, NULL) > 1000000);
}

static void every_mode_has_its_rate(void **state)
{
	static const struct {
		unsigned int width, height;
		double hz;
	} modes[] = { { 1920, 1080, 60 }, { 1920, 1080, 59.94 },
		      { 640, 480, 60 },   { 1366, 768, 60 },
		      { 320, 240, 1000 }, { 3840, 2160, 23.976 } };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct drm_mode_modeinfo m =
			mode(modes[i].width, modes[i].height, modes[i].hz);

		check_rate(&m, (uint64_t)m.htotal * m.vtotal, m.clock,
			   HF_NSEC_PER_SEC);
	}
}

static void interlaced_and_doubled_modes_have_their_rate(void **state)
{
	struct drm_mode_modeinfo m = mode(1920, 1080, 60);
	uint64_t pixels = 2200 * 1125, clock = 148500;

	(void)state;
	m.flags |= DRM_MODE_FLAG_INTERLACE;
	check_rate(&m, pixels, 2 * clock, HF_NSEC_PER_SEC);
	m = mode(1920, 1080, 60);
	m.flags |= DRM_MODE_FLAG_DBLSCAN;
	check_rate(&m, 2 * pixels, clock, HF_NSEC_PER_SEC);
	m = mode(1920, 1080, 60);
	m.vscan = 3;
	check_rate(&m, 3 * pixels, clock, HF_NSEC_PER_SEC);
}

static void the_count_goes_on_over_modesets(void **state)
{
	struct drm_mode_modeinfo slow = mode(640, 480, 60);
	struct drm_mode_modeinfo fast = mode(320, 240, 1000);
	uint64_t count, before, off_ns, ns;

	(void)state;
	hf_vblank_on(CRTC, &slow);
	age(HF_NSEC_PER_SEC);
	before = hf_vblank_count(CRTC, NULL);
	hf_vblank_off(CRTC);
	count = hf_vblank_count(CRTC, &off_ns);
	assert_true(count >= before && count <= before + 60);
	usleep(2000);
	assert_int_equal(hf_vblank_count(CRTC, &ns), count);
	assert_int_equal(ns, off_ns);
	hf_vblank_on(CRTC, &fast);
	assert_int_equal(VBLANK->start, count + 1);
	assert_true(hf_vblank_count(CRTC, &ns) > count);
	assert_true(hf_vblank_count(CRTC, NULL) < count + 10000);
	assert_true(ns >= off_ns);
}

static void the_count_never_goes_back(void **state)
{
	struct drm_mode_modeinfo m = mode(320, 240, 1000);
	uint64_t last = 0, last_ns = 0;

	(void)state;
	hf_vblank_on(CRTC, &m);
	for (int i = 0; i < 20000; i++) {
		uint64_t ns, count = hf_vblank_count(CRTC, &ns);

		assert_true(count >= last && ns >= last_ns);
		last = count;
		last_ns = ns;
	}
}

static void a_waiter_is_told_at_its_vblank_and_once(void **state)
{
	struct drm_mode_modeinfo m = mode(320, 240, 1000);
	struct waiter waiter = { .wait.done = told };

	(void)state;
	hf_vblank_on(CRTC, &m);
	waiter.wait.sequence = hf_vblank_count(CRTC, NULL) + 3;
	hf_vblank_wait_add(CRTC, &waiter.wait);
	assert_true(VBLANK->timer.armed);
	while (!waiter.told)
		wait_for_timer();
	assert_true(hf_vblank_count(CRTC, NULL) >= waiter.wait.sequence);
	assert_false(VBLANK->timer.armed);
	hf_clock_dispatch(display.clock);
	assert_int_equal(waiter.told, 1);
}

static void a_waiter_that_is_removed_is_not_told(void **state)
{
	struct drm_mode_modeinfo m = mode(320, 240, 1000);
	struct waiter waiter = { .wait.done = told };

	(void)state;
	hf_vblank_on(CRTC, &m);
	waiter.wait.sequence = hf_vblank_count(CRTC, NULL) + LATER;
	hf_vblank_wait_add(CRTC, &waiter.wait);
	hf_vblank_wait_remove(&waiter.wait);
	assert_false(VBLANK->timer.armed);
	hf_vblank_off(CRTC);
	assert_int_equal(waiter.told, 0);
}

static void waiters_are_told_when_the_crtc_goes_off(void **state)
{
	struct drm_mode_modeinfo m = mode(320, 240, 1000);
	struct waiter waiter = { .wait.done = told };
	struct drm_event_vblank vbl;
	struct hf_event *event;
	uint64_t ns;

	(void)state;
	hf_vblank_on(CRTC, &m);
	waiter.wait.sequence = hf_vblank_count(CRTC, NULL) + LATER;
	hf_vblank_wait_add(CRTC, &waiter.wait);
	event = hf_event_create(&display.file, DRM_EVENT_VBLANK, 42);
	event->sequence = waiter.wait.sequence;
	hf_vblank_queue(CRTC, event);
	assert_false(display_read(&vbl));
	hf_vblank_off(CRTC);
	assert_int_equal(waiter.told, 1);
	assert_true(display_read(&vbl));
	assert_int_equal(vbl.user_data, 42);
	/* What is told is the last vblank that there was, and when that was. */
	assert_int_equal(vbl.sequence, hf_vblank_count(CRTC, &ns));
	assert_int_equal(vbl.tv_sec, ns / HF_NSEC_PER_SEC);
	assert_int_equal(vbl.tv_usec, ns % HF_NSEC_PER_SEC / 1000);
	assert_false(VBLANK->timer.armed);
}

static void a_callback_may_wait_again(void **state)
{
	struct drm_mode_modeinfo m = mode(320, 240, 1000);
	struct waiter second = { .wait.done = told };
	struct waiter first = { .wait.done = told, .also = &second };

	(void)state;
	hf_vblank_on(CRTC, &m);
	first.wait.sequence = hf_vblank_count(CRTC, NULL) + 1;
	second.wait.sequence = first.wait.sequence + LATER;
	hf_vblank_wait_add(CRTC, &first.wait);
	while (!first.told)
		wait_for_timer();
	assert_int_equal(second.told, 0);
	assert_true(VBLANK->timer.armed);
	hf_vblank_off(CRTC);
	assert_int_equal(second.told, 1);
}

static void an_event_whose_vblank_has_passed_is_sent_at_once(void **state)
{
	struct drm_mode_modeinfo m = mode(640, 480, 60);
	struct drm_event_vblank vbl;
	struct hf_event *event;
	uint64_t count;

	(void)state;
	hf_vblank_on(CRTC, &m);
	age(HF_NSEC_PER_SEC);
	count = hf_vblank_count(CRTC, NULL);
	event = hf_event_create(&display.file, DRM_EVENT_VBLANK, 7);
	event->sequence = count - 5;
	hf_vblank_queue(CRTC, event);
	assert_true(display_read(&vbl));
	assert_int_equal(vbl.base.type, DRM_EVENT_VBLANK);
	assert_int_equal(vbl.base.length, sizeof(vbl));
	assert_int_equal(vbl.user_data, 7);
	assert_int_equal(vbl.crtc_id, CRTC->base.id);
	/* The vblank that is, not the one that was wanted. */
	assert_true(vbl.sequence >= count);
}

static void an_event_is_sent_at_its_vblank_with_its_time(void **state)
{
	struct drm_mode_modeinfo m = mode(320, 240, 1000);
	struct drm_event_vblank vbl;
	struct hf_event *event;
	uint64_t sequence, ns, sent;

	(void)state;
	hf_vblank_on(CRTC, &m);
	event = hf_event_create(&display.file, DRM_EVENT_VBLANK, 7);
	event->sequence = sequence = hf_vblank_count(CRTC, NULL) + 2;
	hf_vblank_queue(CRTC, event);
	while (!display_read(&vbl))
		wait_for_timer();
	assert_true(vbl.sequence >= sequence);
	assert_true(vbl.sequence <= hf_vblank_count(CRTC, &ns));
	sent = vbl.tv_sec * HF_NSEC_PER_SEC + vbl.tv_usec * 1000;
	assert_true(sent <= ns && sent + 1000 > VBLANK->start_ns);
}

/* The timer does not overflow, and does not fire for nothing. */
static void a_vblank_years_away_is_waited_for_in_steps(void **state)
{
	struct drm_mode_modeinfo m = mode(640, 480, 60);
	struct drm_event_vblank vbl;
	struct hf_event *event;
	uint64_t now;

	(void)state;
	hf_vblank_on(CRTC, &m);
	event = hf_event_create(&display.file, DRM_EVENT_CRTC_SEQUENCE, 7);
	event->sequence = UINT64_MAX / 2;
	hf_vblank_queue(CRTC, event);
	now = hf_clock_now(display.clock);
	assert_true(VBLANK->timer.armed);
	assert_true(VBLANK->timer.expires > now + 50 * HF_NSEC_PER_SEC);
	assert_true(VBLANK->timer.expires < now + 70 * HF_NSEC_PER_SEC);
	assert_false(display_read(&vbl));
}

/*
 * To the kernel a vblank more than 2^23 ago is one still to come. That must
 * not make the timer fire for ever.
 */
static void an_event_for_a_vblank_long_gone_comes_when_the_crtc_goes_off(void **state)
{
	struct drm_mode_modeinfo m = mode(640, 480, 60);
	struct drm_event_vblank vbl;
	struct hf_event *event;

	(void)state;
	hf_vblank_on(CRTC, &m);
	age_long();
	assert_true(hf_vblank_count(CRTC, NULL) > 1u << 23);
	event = hf_event_create(&display.file, DRM_EVENT_CRTC_SEQUENCE, 7);
	event->sequence = 1;
	alarm(20);
	hf_vblank_queue(CRTC, event);
	hf_clock_dispatch(display.clock);
	alarm(0);
	assert_false(VBLANK->timer.armed);
	assert_false(display_read(&vbl));
	hf_vblank_off(CRTC);
	assert_true(display_read(&vbl));
}

static void a_late_waiter_is_told_however_late(void **state)
{
	struct drm_mode_modeinfo m = mode(640, 480, 60);
	struct waiter waiter = { .wait.done = told };

	(void)state;
	hf_vblank_on(CRTC, &m);
	waiter.wait.sequence = hf_vblank_count(CRTC, NULL) + 1;
	hf_vblank_wait_add(CRTC, &waiter.wait);
	age_long();
	alarm(20);
	while (!waiter.told)
		wait_for_timer();
	alarm(0);
}

static void counts_may_be_compared_after_they_wrap(void **state)
{
	(void)state;
	assert_true(hf_vblank_passed(5, 5));
	assert_true(hf_vblank_passed(6, 5));
	assert_false(hf_vblank_passed(5, 6));
	assert_true(hf_vblank_passed(3, UINT64_MAX - 3));
	assert_false(hf_vblank_passed(UINT64_MAX - 3, 3));
	assert_true(hf_vblank_passed(1u << 23, 0));
	assert_false(hf_vblank_passed((1u << 23) + 1, 0));
}

#define TEST(name)                                                            \
	cmocka_unit_test_setup_teardown(name, display_setup, display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_crtc_starts_at_zero_and_stays_there_while_off),
		TEST(the_rate_is_exact_over_a_million_frames),
		TEST(every_mode_has_its_rate),
		TEST(interlaced_and_doubled_modes_have_their_rate),
		TEST(the_count_goes_on_over_modesets),
		TEST(the_count_never_goes_back),
		TEST(a_waiter_is_told_at_its_vblank_and_once),
		TEST(a_waiter_that_is_removed_is_not_told),
		TEST(waiters_are_told_when_the_crtc_goes_off),
		TEST(a_callback_may_wait_again),
		TEST(an_event_whose_vblank_has_passed_is_sent_at_once),
		TEST(an_event_is_sent_at_its_vblank_with_its_time),
		TEST(a_vblank_years_away_is_waited_for_in_steps),
		TEST(counts_may_be_compared_after_they_wrap),
		TEST(an_event_for_a_vblank_long_gone_comes_when_the_crtc_goes_off),
		TEST(a_late_waiter_is_told_however_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
