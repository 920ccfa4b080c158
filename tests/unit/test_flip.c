/* SPDX-License-Identifier: MIT */
/*
 * A display that has no vblanks and says itself when a commit is shown.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "display.h"
#include "kms/mode.h"

#define KMS (&display.kms)
#define XRGB DRM_FORMAT_XRGB8888

static struct hf_framebuffer *screen(void)
{
	return display_fb(DISPLAY_WIDTH, DISPLAY_HEIGHT, XRGB);
}

static struct hf_atomic_state *light(struct hf_framebuffer *fb)
{
	struct hf_atomic_state *atomic = display_state();

	display_light(atomic, display.crtc, display.connector, fb);
	hf_atomic_get_crtc(atomic, display.crtc)->event =
		hf_event_create(&display.file, DRM_EVENT_FLIP_COMPLETE, 1);
	assert_int_equal(hf_atomic_check(atomic), 0);
	return atomic;
}

static void a_commit_is_done_when_the_driver_says_so(void **state)
{
	struct hf_framebuffer *first = screen(), *second = screen();
	struct hf_atomic_state *atomic = light(first);
	struct drm_event_vblank event;

	(void)state;
	assert_int_equal(hf_atomic_commit(atomic, NULL), 1);
	assert_int_equal(display.flips, 1);
	assert_ptr_equal(display.flipped, display.crtc);
	assert_true(display.primary_changed);
	assert_false(display_read(&event));
	/* Busy until then. */
	atomic = display_state();
	display_show(atomic, display.crtc->primary, display.crtc, second);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), -EBUSY);
	hf_flip_done(display.flip);
	assert_true(display_read(&event));
	assert_int_equal(event.user_data, 1);
	assert_int_equal(event.sequence, 0);
	assert_int_not_equal(event.tv_sec, 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 1);
	/* What was shown before is held until the next is. */
	assert_int_equal(first->refcount, 2);
	hf_flip_done(display.flip);
	assert_int_equal(first->refcount, 1);
	assert_int_equal(display.crtc->frames, 2);
}

static void nobody_waits_for_what_is_shown_at_once(void **state)
{
	struct hf_framebuffer *fb = screen();

	(void)state;
	assert_int_equal(hf_atomic_commit(light(fb), NULL), 1);
	hf_flip_done(display.flip);
	display_rmfb(fb);
	assert_int_equal(display.flips, 2);
	assert_null(display.flip);
	assert_null(display.crtc->commit);
	assert_null(display.crtc->primary->state->fb);
}

static void switching_off_is_the_drivers_work_too(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	assert_int_equal(hf_atomic_commit(light(screen()), NULL), 1);
	hf_flip_done(display.flip);
	atomic = display_state();
	hf_atomic_get_crtc(atomic, display.crtc)->active = false;
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 1);
	assert_int_equal(display.flips, 2);
	/* A modeset is one of all that is shown. */
	assert_true(display.primary_changed);
	hf_flip_done(display.flip);
	assert_int_equal(display.crtc->frames, 1);
}

static void a_display_has_what_its_driver_says(void **state)
{
	struct hf_mode_object *crtc = &display.crtc->base;
	struct hf_mode_object *plane = &display.crtc->primary->base;
	char name[32];

	(void)state;
	assert_int_equal(KMS->num_planes, 2);
	assert_int_equal(KMS->num_crtcs, 2);
	assert_null(display.crtc->cursor);
	assert_null(hf_object_prop(crtc, KMS->prop.gamma->base.id));
	assert_null(hf_object_prop(plane, KMS->prop.rotation->base.id));
	assert_non_null(hf_object_prop(plane, KMS->prop.damage->base.id));
	assert_int_equal(hf_crtc_gamma_size(display.crtc), 0);
	assert_int_equal(KMS->encoders[1]->possible_crtcs, 2);
	hf_connector_name(display.connector2, name, sizeof(name));
	assert_string_equal(name, "Virtual-2");
	assert_false(display.crtc->vblank.on);
}

static unsigned int changes;

static void count_change(struct hf_kms_device *kms)
{
	(void)kms;
	changes++;
}

static void a_monitor_is_plugged_and_unplugged(void **state)
{
	struct hf_connector *connector = display.connector2;
	struct hf_kms_output none = { 0 };
	struct hf_kms_output large = { .width = 1280, .height = 1024, .hz = 60 };
	struct hf_kms_output bad = { .width = 1280, .height = 1, .hz = 60 };

	(void)state;
	changes = 0;
	KMS->changed = count_change;
	assert_int_equal(hf_kms_plug(connector, &none), 0);
	assert_false(connector->connected);
	assert_null(connector->edid);
	assert_int_equal(connector->num_modes, 0);
	assert_int_equal(changes, 1);
	assert_int_equal(hf_kms_plug(connector, &large), 0);
	assert_true(connector->connected);
	assert_non_null(connector->edid);
	assert_int_equal(connector->modes[0].hdisplay, 1280);
	assert_int_equal(changes, 2);
	/* One that cannot be changes nothing. */
	assert_int_equal(hf_kms_plug(connector, &bad), -EINVAL);
	assert_int_equal(connector->modes[0].vdisplay, 1024);
	assert_int_equal(changes, 2);
}

static void a_monitor_is_believed_what_its_edid_says(void **state)
{
	struct hf_connector *connector = display.connector2;
	struct hf_edid_monitor monitor = {
		.vendor = "ABC", .name = "Other", .width_mm = 400, .height_mm = 300,
	};
	struct hf_kms_output output = { .width = 640, .height = 480, .hz = 60 };
	uint8_t edid[HF_EDID_MAX];

	(void)state;
	assert_int_equal(hf_mode_make(&monitor.native, 1024, 768, 60), 0);
	output.edid_size = hf_edid_build(&monitor, edid);
	output.edid = edid;
	assert_int_equal(hf_kms_plug(connector, &output), 0);
	assert_int_equal(connector->modes[0].hdisplay, 1024);
	assert_int_equal(connector->width_mm, 400);
	assert_int_equal(connector->edid->length, output.edid_size);
	assert_memory_equal(connector->edid->data, edid, output.edid_size);
	/* What is no EDID is not passed on. */
	edid[0] = 1;
	assert_int_equal(hf_kms_plug(connector, &output), 0);
	assert_int_equal(connector->modes[0].hdisplay, 640);
	assert_int_equal(connector->edid->data[0], 0);
}

#define TEST(name)                                                            \
	cmocka_unit_test_setup_teardown(name, display_setup_driver,           \
					display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_commit_is_done_when_the_driver_says_so),
		TEST(nobody_waits_for_what_is_shown_at_once),
		TEST(switching_off_is_the_drivers_work_too),
		TEST(a_display_has_what_its_driver_says),
		TEST(a_monitor_is_plugged_and_unplugged),
		TEST(a_monitor_is_believed_what_its_edid_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
