/* SPDX-License-Identifier: MIT */
/*
 * Events: how many may wait, what they say, and what becomes of those whose
 * file is closed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "display.h"

#define FILE_ (&display.file)
/* 4 KiB of 32 bytes each. */
#define LIMIT 128

static struct hf_event *create(uint64_t user_data)
{
	return hf_event_create(FILE_, DRM_EVENT_VBLANK, user_data);
}

static void a_vblank_event_says_what_and_when(void **state)
{
	struct drm_event_vblank event;

	(void)state;
	hf_event_send(hf_event_create(FILE_, DRM_EVENT_FLIP_COMPLETE,
				      UINT64_C(0x123456789abcdef0)),
		      77, 4711, 5 * HF_NSEC_PER_SEC + 123456789);
	assert_true(display_read(&event));
	assert_int_equal(event.base.type, DRM_EVENT_FLIP_COMPLETE);
	assert_int_equal(event.base.length, 32);
	assert_true(event.user_data == UINT64_C(0x123456789abcdef0));
	assert_int_equal(event.tv_sec, 5);
	assert_int_equal(event.tv_usec, 123456);
	assert_int_equal(event.sequence, 4711);
	assert_int_equal(event.crtc_id, 77);
	assert_false(display_read(&event));
}

static void a_sequence_event_has_64_bits_and_nanoseconds(void **state)
{
	struct drm_event_crtc_sequence event;

	(void)state;
	hf_event_send(hf_event_create(FILE_, DRM_EVENT_CRTC_SEQUENCE, 9), 77,
		      UINT64_C(1) << 40, 5 * HF_NSEC_PER_SEC + 123456789);
	assert_int_equal(recv(display.reader, &event, sizeof(event),
			      MSG_DONTWAIT),
			 sizeof(event));
	assert_int_equal(event.base.type, DRM_EVENT_CRTC_SEQUENCE);
	assert_int_equal(event.base.length, sizeof(event));
	assert_int_equal(event.user_data, 9);
	assert_int_equal(event.time_ns, 5 * HF_NSEC_PER_SEC + 123456789);
	assert_true(event.sequence == UINT64_C(1) << 40);
}

static void the_129th_promised_event_is_enomem(void **state)
{
	struct hf_event *events[LIMIT];

	(void)state;
	for (int i = 0; i < LIMIT; i++) {
		events[i] = create(i);
		assert_non_null(events[i]);
	}
	errno = 0;
	assert_null(create(0));
	assert_int_equal(errno, ENOMEM);
	hf_event_destroy(events[5]);
	events[5] = create(5);
	assert_non_null(events[5]);
	assert_null(create(0));
	for (int i = 0; i < LIMIT; i++)
		hf_event_destroy(events[i]);
	assert_int_equal(FILE_->reserved, 0);
}

static void the_129th_unread_event_is_enomem(void **state)
{
	struct drm_event_vblank event;

	(void)state;
	for (int i = 0; i < LIMIT; i++) {
		struct hf_event *new = create(i);

		assert_non_null(new);
		hf_event_send(new, 1, i, i);
	}
	assert_int_equal(FILE_->reserved, 0);
	assert_null(create(0));
	assert_int_equal(errno, ENOMEM);
	/* Reading one makes room for one. */
	assert_true(display_read(&event));
	assert_int_equal(event.user_data, 0);
	hf_event_send(create(LIMIT), 1, 0, 0);
	assert_null(create(0));
	for (int i = 1; i <= LIMIT; i++) {
		assert_true(display_read(&event));
		assert_int_equal(event.user_data, i);
	}
	assert_false(display_read(&event));
}

static void unread_and_promised_events_count_together(void **state)
{
	struct hf_event *promised[28];

	(void)state;
	for (int i = 0; i < 100; i++)
		hf_event_send(create(i), 1, 0, 0);
	for (int i = 0; i < 28; i++) {
		promised[i] = create(i);
		assert_non_null(promised[i]);
	}
	assert_null(create(0));
	for (int i = 0; i < 28; i++)
		hf_event_destroy(promised[i]);
}

static void destroying_an_event_gives_its_room_back(void **state)
{
	struct drm_event_vblank event;

	(void)state;
	hf_event_destroy(create(1));
	assert_int_equal(FILE_->reserved, 0);
	assert_true(wl_list_empty(&FILE_->pending));
	assert_false(display_read(&event));
	hf_event_destroy(NULL);
}

static void events_of_a_closed_file_are_dropped_in_silence(void **state)
{
	struct hf_event *sent = create(1), *destroyed = create(2);
	struct drm_event_vblank event;

	(void)state;
	hf_kms_file_finish(FILE_);
	assert_null(sent->file);
	hf_event_send(sent, 1, 2, 3);
	hf_event_destroy(destroyed);
	assert_false(display_read(&event));
	hf_kms_file_init(FILE_, &display.kms, FILE_->fd);
}

static void a_vblank_event_may_outlive_its_file(void **state)
{
	struct hf_event *event = create(1);

	(void)state;
	hf_vblank_on(display.crtc, &display.connector->modes[0]);
	event->sequence = hf_vblank_count(display.crtc, NULL) + 1000000;
	hf_vblank_queue(display.crtc, event);
	hf_kms_file_finish(FILE_);
	hf_kms_file_init(FILE_, &display.kms, FILE_->fd);
	hf_vblank_off(display.crtc);
	assert_true(wl_list_empty(&display.crtc->vblank.events));
}

static void a_flips_event_may_outlive_its_file(void **state)
{
	struct hf_framebuffer *fb =
		display_fb(DISPLAY_WIDTH, DISPLAY_HEIGHT, DRM_FORMAT_XRGB8888);
	struct hf_atomic_state *atomic = display_state();
	struct drm_event_vblank event;

	(void)state;
	display_on(fb);
	hf_atomic_get_crtc(atomic, display.crtc)->event =
		hf_event_create(FILE_, DRM_EVENT_FLIP_COMPLETE, 1);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 1);
	hf_kms_file_finish(FILE_);
	hf_kms_file_init(FILE_, &display.kms, FILE_->fd);
	display_idle(display.crtc);
	assert_false(display_read(&event));
}

static void a_reader_that_is_gone_is_no_error(void **state)
{
	(void)state;
	close(display.reader);
	for (int i = 0; i < 2 * LIMIT; i++) {
		struct hf_event *event = create(i);

		assert_non_null(event);
		hf_event_send(event, 1, 2, 3);
	}
	assert_int_equal(FILE_->reserved, 0);
	display.reader = dup(0);
}

#define TEST(name)                                                            \
	cmocka_unit_test_setup_teardown(name, display_setup, display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vblank_event_says_what_and_when),
		TEST(a_sequence_event_has_64_bits_and_nanoseconds),
		TEST(the_129th_promised_event_is_enomem),
		TEST(the_129th_unread_event_is_enomem),
		TEST(unread_and_promised_events_count_together),
		TEST(destroying_an_event_gives_its_room_back),
		TEST(events_of_a_closed_file_are_dropped_in_silence),
		TEST(a_vblank_event_may_outlive_its_file),
		TEST(a_flips_event_may_outlive_its_file),
		TEST(a_reader_that_is_gone_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
