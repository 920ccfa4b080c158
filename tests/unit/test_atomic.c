/* SPDX-License-Identifier: MIT */
/*
 * Atomic states: what may be, what is shown when, and who holds what for how
 * long.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "display.h"
#include "kms/legacy.h"

#define KMS (&display.kms)
#define W DISPLAY_WIDTH
#define H DISPLAY_HEIGHT
#define XRGB DRM_FORMAT_XRGB8888

static struct hf_framebuffer *screen(void)
{
	return display_fb(W, H, XRGB);
}

/* A state that only shows another framebuffer, with an event. */
static struct hf_atomic_state *flip(struct hf_framebuffer *fb, uint64_t data)
{
	struct hf_atomic_state *atomic = hf_atomic_state_create(KMS);

	display_show(atomic, display.crtc->primary, display.crtc, fb);
	if (data)
		hf_atomic_get_crtc(atomic, display.crtc)->event =
			hf_event_create(&display.file,
					DRM_EVENT_FLIP_COMPLETE, data);
	assert_int_equal(hf_atomic_check(atomic), 0);
	return atomic;
}

struct done {
	struct hf_commit_wait wait;
	unsigned int told;
};

static void told(struct hf_commit_wait *wait)
{
	struct done *done = wl_container_of(wait, done, wait);

	done->told++;
}

static int check_and_drop(struct hf_atomic_state *atomic)
{
	int ret = hf_atomic_check(atomic);

	hf_atomic_state_destroy(atomic);
	return ret;
}

/* -- modesets -------------------------------------------------------------- */

static void a_modeset_lights_the_crtc(void **state)
{
	struct hf_framebuffer *fb = screen();
	struct hf_crtc *crtc = display.crtc;

	(void)state;
	assert_false(crtc->vblank.on);
	display.connector->dpms = DRM_MODE_DPMS_OFF;
	display_on(fb);
	assert_true(crtc->state->active && crtc->state->enable);
	assert_true(crtc->vblank.on);
	assert_ptr_equal(crtc->primary->state->fb, fb);
	assert_ptr_equal(display.connector->state->crtc, crtc);
	assert_int_equal(crtc->state->connector_mask, 1);
	assert_int_equal(display.connector->dpms, DRM_MODE_DPMS_ON);
	assert_int_equal(crtc->last_width, W);
	assert_int_equal(crtc->frames, 1);
}

static void switching_off_stops_the_vblanks(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	atomic = display_state();
	hf_atomic_get_crtc(atomic, display.crtc)->active = false;
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 0);
	assert_false(display.crtc->vblank.on);
	assert_int_equal(display.connector->dpms, DRM_MODE_DPMS_OFF);
	/* The mode stays. */
	assert_true(display.crtc->state->enable);
}

static unsigned int changes;

static void count_change(struct hf_kms_device *kms)
{
	(void)kms;
	changes++;
}

static void whoever_watches_is_told_of_modesets_only(void **state)
{
	struct hf_framebuffer *fb = screen();

	(void)state;
	changes = 0;
	KMS->changed = count_change;
	display_on(fb);
	assert_int_equal(changes, 1);
	hf_atomic_commit(flip(fb, 0), NULL);
	display_idle(display.crtc);
	assert_int_equal(changes, 1);
}

static void a_modeset_needs_to_be_allowed(void **state)
{
	struct hf_atomic_state *atomic = hf_atomic_state_create(KMS);

	(void)state;
	display_light(atomic, display.crtc, display.connector, screen());
	assert_int_equal(check_and_drop(atomic), -EINVAL);
	atomic = display_state();
	display_light(atomic, display.crtc, display.connector, NULL);
	assert_int_equal(check_and_drop(atomic), 0);
	/* A flip needs no leave. */
	display_on(NULL);
	hf_atomic_state_destroy(flip(screen(), 0));
}

static void the_same_mode_again_is_no_modeset(void **state)
{
	struct hf_atomic_state *atomic;
	struct hf_blob *blob;

	(void)state;
	display_on(screen());
	blob = display.crtc->state->mode_blob;
	atomic = hf_atomic_state_create(KMS);
	display_light(atomic, display.crtc, display.connector, NULL);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_ptr_equal(hf_atomic_get_crtc(atomic, display.crtc)->mode_blob,
			 blob);
	hf_atomic_state_destroy(atomic);
}

static void an_active_crtc_needs_a_mode(void **state)
{
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	hf_atomic_get_crtc(atomic, display.crtc)->active = true;
	assert_int_equal(check_and_drop(atomic), -EINVAL);
}

static void a_mode_needs_a_connector_and_a_connector_a_mode(void **state)
{
	struct hf_atomic_state *atomic = display_state();
	const struct drm_mode_modeinfo *mode = &display.connector->modes[0];

	(void)state;
	hf_atomic_set_mode(hf_atomic_get_crtc(atomic, display.crtc), mode);
	assert_int_equal(check_and_drop(atomic), -EINVAL);
	atomic = display_state();
	hf_atomic_set_connector_crtc(
		atomic, hf_atomic_get_connector(atomic, display.connector),
		display.crtc);
	assert_int_equal(check_and_drop(atomic), -EINVAL);
}

static void an_event_needs_a_crtc_that_is_or_was_on(void **state)
{
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	hf_atomic_get_crtc(atomic, display.crtc)->event =
		hf_event_create(&display.file, DRM_EVENT_FLIP_COMPLETE, 1);
	assert_int_equal(check_and_drop(atomic), -EINVAL);
	assert_int_equal(display.file.reserved, 0);
}

static void a_connector_moves_from_one_crtc_to_another(void **state)
{
	struct hf_atomic_state *atomic;
	struct hf_crtc_state *old;

	(void)state;
	display_on(screen());
	atomic = display_state();
	display_light(atomic, display.crtc2, display.connector, screen());
	old = atomic->crtcs[display.crtc->index];
	assert_non_null(old);
	assert_int_equal(old->connector_mask, 0);
	/* Without its only connector it may not stay enabled. */
	assert_int_equal(hf_atomic_check(atomic), -EINVAL);
	hf_atomic_set_mode(old, NULL);
	old->active = false;
	display_show(atomic, display.crtc->primary, NULL, NULL);
	assert_int_equal(hf_atomic_check(atomic), 0);
	hf_atomic_commit(atomic, NULL);
	display_idle(display.crtc2);
	assert_int_equal(display.crtc2->state->connector_mask, 1);
	assert_ptr_equal(display.connector->state->crtc, display.crtc2);
	assert_false(display.crtc->vblank.on);
}

/* -- planes ---------------------------------------------------------------- */

static int check_primary(void (*change)(struct hf_plane_state *plane))
{
	struct hf_atomic_state *atomic = hf_atomic_state_create(KMS);
	struct hf_plane *plane = display.crtc->primary;

	display_show(atomic, plane, display.crtc, plane->state->fb);
	change(hf_atomic_get_plane(atomic, plane));
	return check_and_drop(atomic);
}

static void no_crtc(struct hf_plane_state *plane)
{
	plane->crtc = NULL;
}

static void no_fb(struct hf_plane_state *plane)
{
	hf_atomic_set_plane_fb(plane, NULL);
}

static void other_crtc(struct hf_plane_state *plane)
{
	plane->crtc = display.crtc2;
}

static void too_wide(struct hf_plane_state *plane)
{
	plane->crtc_w = (uint32_t)INT_MAX + 1;
}

static void ends_beyond(struct hf_plane_state *plane)
{
	plane->crtc_x = INT_MAX - W + 1;
}

static void just_fits(struct hf_plane_state *plane)
{
	plane->crtc_x = INT_MAX - W;
	plane->crtc_y = INT_MIN;
}

static void source_beyond(struct hf_plane_state *plane)
{
	plane->src_x = 1;
}

static void source_huge(struct hf_plane_state *plane)
{
	plane->src_h = UINT_MAX;
}

static void source_scaled(struct hf_plane_state *plane)
{
	plane->src_w /= 2;
	plane->src_x = plane->src_w;
	plane->crtc_w *= 3;
}

static void planes_are_checked_with_the_kernels_errnos(void **state)
{
	(void)state;
	display_on(screen());
	assert_int_equal(check_primary(no_crtc), -EINVAL);
	assert_int_equal(check_primary(no_fb), -EINVAL);
	assert_int_equal(check_primary(other_crtc), -EINVAL);
	assert_int_equal(check_primary(too_wide), -ERANGE);
	assert_int_equal(check_primary(ends_beyond), -ERANGE);
	assert_int_equal(check_primary(source_beyond), -ENOSPC);
	assert_int_equal(check_primary(source_huge), -ENOSPC);
	assert_int_equal(check_primary(just_fits), 0);
	assert_int_equal(check_primary(source_scaled), 0);
}

static void a_plane_shows_only_its_formats(void **state)
{
	struct hf_framebuffer *nv12 = display_fb(W, H, DRM_FORMAT_NV12);
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	atomic = hf_atomic_state_create(KMS);
	display_show(atomic, display.crtc->primary, display.crtc, nv12);
	assert_int_equal(check_and_drop(atomic), -EINVAL);
	atomic = hf_atomic_state_create(KMS);
	display_show(atomic, KMS->planes[1], display.crtc, nv12);
	assert_int_equal(check_and_drop(atomic), 0);
}

static int check_damage(int32_t x1, int32_t y1, int32_t x2, int32_t y2)
{
	struct drm_mode_rect rects[] = { { 0, 0, 1, 1 }, { x1, y1, x2, y2 } };
	struct hf_blob *blob = hf_blob_create(KMS, rects, sizeof(rects));
	struct hf_atomic_state *atomic =
		flip(display.crtc->primary->state->fb, 0);
	int ret;

	ret = hf_atomic_set_property(atomic, &display.crtc->primary->base,
				     KMS->prop.damage, blob->base.id);
	hf_blob_put(blob);
	assert_int_equal(ret, 0);
	return check_and_drop(atomic);
}

static void damage_lies_inside_the_framebuffer(void **state)
{
	(void)state;
	display_on(screen());
	assert_int_equal(check_damage(0, 0, W, H), 0);
	assert_int_equal(check_damage(0, 0, W + 1, H), -EINVAL);
	assert_int_equal(check_damage(0, 0, W, H + 1), -EINVAL);
	assert_int_equal(check_damage(-1, 0, W, H), -EINVAL);
	assert_int_equal(check_damage(5, 0, 5, H), -EINVAL);
	assert_int_equal(check_damage(0, 6, W, 5), -EINVAL);
	assert_int_equal(check_damage(INT_MIN, INT_MIN, INT_MAX, INT_MAX),
			 -EINVAL);
}

static void damage_is_of_one_commit_only(void **state)
{
	struct drm_mode_rect rect = { 0, 0, 1, 1 };
	struct hf_blob *blob;
	struct hf_atomic_state *atomic;
	struct hf_framebuffer *fb = screen();
	uint32_t id;

	(void)state;
	display_on(fb);
	blob = hf_blob_create(KMS, &rect, sizeof(rect));
	id = blob->base.id;
	atomic = flip(fb, 0);
	hf_atomic_set_property(atomic, &display.crtc->primary->base,
			       KMS->prop.damage, id);
	hf_blob_put(blob);
	hf_atomic_commit(atomic, NULL);
	display_idle(display.crtc);
	assert_int_equal(display.crtc->primary->state->damage->base.id, id);
	hf_atomic_commit(flip(fb, 0), NULL);
	display_idle(display.crtc);
	assert_null(display.crtc->primary->state->damage);
	assert_null(hf_blob_find(KMS, id));
}

/* -- test-only ------------------------------------------------------------- */

static void a_test_leaves_no_trace(void **state)
{
	struct hf_framebuffer *fb = screen();
	struct hf_plane *primary = display.crtc->primary;
	struct hf_plane_state plane_before = *primary->state;
	struct hf_crtc_state crtc_before = *display.crtc->state;
	struct hf_connector_state conn_before = *display.connector->state;
	uint32_t objects = KMS->objects.count;
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	display_light(atomic, display.crtc, display.connector, fb);
	assert_int_equal(fb->refcount, 2);
	assert_int_equal(check_and_drop(atomic), 0);
	assert_memory_equal(primary->state, &plane_before,
			    sizeof(plane_before));
	assert_memory_equal(display.crtc->state, &crtc_before,
			    sizeof(crtc_before));
	assert_memory_equal(display.connector->state, &conn_before,
			    sizeof(conn_before));
	assert_false(display.crtc->vblank.on);
	assert_int_equal(fb->refcount, 1);
	assert_int_equal(KMS->objects.count, objects);
}

static void the_hardware_has_a_say(void **state)
{
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	display_light(atomic, display.crtc, display.connector, screen());
	display.check_result = -EDOM;
	assert_int_equal(check_and_drop(atomic), -EDOM);
	assert_int_equal(display.checks, 1);
}

static void the_hardware_is_asked_after_the_generic_checks(void **state)
{
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	hf_atomic_get_crtc(atomic, display.crtc)->active = true;
	display.check_result = -EDOM;
	assert_int_equal(check_and_drop(atomic), -EINVAL);
	assert_int_equal(display.checks, 0);
}

/* -- flips ----------------------------------------------------------------- */

static void a_flip_is_done_at_the_next_vblank(void **state)
{
	struct done done = { .wait.done = told };
	struct drm_event_vblank event;
	uint64_t before;

	(void)state;
	display_on(screen());
	before = hf_vblank_count(display.crtc, NULL);
	assert_int_equal(hf_atomic_commit(flip(screen(), 99), &done.wait), 1);
	assert_non_null(display.crtc->commit);
	assert_int_equal(done.told, 0);
	assert_false(display_read(&event));
	display_idle(display.crtc);
	assert_int_equal(done.told, 1);
	assert_true(display_read(&event));
	assert_int_equal(event.base.type, DRM_EVENT_FLIP_COMPLETE);
	assert_int_equal(event.user_data, 99);
	assert_int_equal(event.crtc_id, display.crtc->base.id);
	assert_true(event.sequence > before);
	assert_false(display_read(&event));
	assert_int_equal(display.crtc->frames, 2);
}

static void a_busy_crtc_takes_no_other_commit(void **state)
{
	struct hf_atomic_state *atomic;
	struct done done = { .wait.done = told };

	(void)state;
	display_on(screen());
	hf_atomic_commit(flip(screen(), 0), NULL);
	atomic = flip(screen(), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), -EBUSY);
	hf_atomic_wait_idle(atomic, &done.wait);
	display_idle(display.crtc);
	assert_int_equal(done.told, 1);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 1);
	display_idle(display.crtc);
}

static void another_crtc_is_not_busy(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	hf_atomic_commit(flip(screen(), 0), NULL);
	atomic = display_state();
	display_light(atomic, display.crtc2, display.connector2, NULL);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 1);
	display_idle(display.crtc);
	display_idle(display.crtc2);
}

static void a_commit_to_two_crtcs_is_done_when_both_show_it(void **state)
{
	struct hf_atomic_state *atomic = display_state();
	struct done done = { .wait.done = told };
	struct drm_event_vblank event;
	unsigned int events = 0;

	(void)state;
	display_light(atomic, display.crtc, display.connector, screen());
	display_light(atomic, display.crtc2, display.connector2, screen());
	for (unsigned int i = 0; i < 2; i++)
		atomic->crtcs[i]->event = hf_event_create(
			&display.file, DRM_EVENT_FLIP_COMPLETE, i);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, &done.wait), 1);
	display_idle(display.crtc);
	assert_int_equal(done.told, !display.crtc2->commit);
	display_idle(display.crtc2);
	assert_int_equal(done.told, 1);
	while (display_read(&event))
		events |= 1u << event.user_data;
	assert_int_equal(events, 3);
}

static void a_waiter_that_left_is_not_told(void **state)
{
	struct done done = { .wait.done = told };

	(void)state;
	display_on(screen());
	hf_atomic_commit(flip(screen(), 0), &done.wait);
	hf_commit_wait_remove(&done.wait);
	display_idle(display.crtc);
	assert_int_equal(done.told, 0);
}

static void an_async_flip_is_done_at_once(void **state)
{
	struct hf_atomic_state *atomic;
	struct drm_event_vblank event;

	(void)state;
	display_on(screen());
	atomic = flip(screen(), 5);
	hf_atomic_get_crtc(atomic, display.crtc)->async_flip = true;
	assert_int_equal(hf_atomic_commit(atomic, NULL), 0);
	assert_null(display.crtc->commit);
	assert_true(display_read(&event));
	assert_int_equal(event.user_data, 5);
}

/* Whoever moves the cursor does not wait, and does not disturb a flip. */
static void what_is_at_once_passes_a_flip_by(void **state)
{
	struct hf_atomic_state *atomic;
	struct drm_event_vblank event;
	struct hf_commit *busy;

	(void)state;
	display_on(screen());
	hf_atomic_commit(flip(screen(), 6), NULL);
	busy = display.crtc->commit;
	atomic = hf_atomic_state_create(KMS);
	atomic->at_once = true;
	display_show(atomic, display.crtc->cursor, display.crtc,
		     display_fb(64, 64, DRM_FORMAT_ARGB8888));
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 0);
	assert_non_null(display.crtc->cursor->state->fb);
	assert_ptr_equal(display.crtc->commit, busy);
	display_idle(display.crtc);
	assert_true(display_read(&event));
	assert_int_equal(event.user_data, 6);
}

static void switching_off_ends_a_flip(void **state)
{
	struct done done = { .wait.done = told };
	struct drm_event_vblank event;

	(void)state;
	display_on(screen());
	hf_atomic_commit(flip(screen(), 7), &done.wait);
	hf_vblank_off(display.crtc);
	assert_null(display.crtc->commit);
	assert_int_equal(done.told, 1);
	assert_true(display_read(&event));
}

/* -- framebuffers ---------------------------------------------------------- */

static void the_old_framebuffer_is_held_until_the_flip_is_done(void **state)
{
	struct hf_framebuffer *first = screen(), *second = screen();
	uint32_t id = first->base.id;

	(void)state;
	display_on(first);
	hf_atomic_commit(flip(second, 0), NULL);
	display_rmfb(first);
	/* The display may still read it. */
	assert_ptr_equal(hf_framebuffer_find(KMS, id), first);
	assert_int_equal(memory.gem.count, 2);
	display_idle(display.crtc);
	assert_null(hf_framebuffer_find(KMS, id));
	assert_int_equal(memory.gem.count, 1);
}

static void removing_a_shown_framebuffer_takes_it_off(void **state)
{
	struct hf_framebuffer *fb = screen();

	(void)state;
	display_on(fb);
	display_rmfb(fb);
	assert_null(display.crtc->primary->state->fb);
	assert_null(display.crtc->primary->state->crtc);
	assert_int_equal(memory.gem.count, 0);
}

static void removing_it_during_a_flip_to_it_does_not_wait(void **state)
{
	struct hf_framebuffer *fb = screen();
	struct drm_event_vblank event;

	(void)state;
	display_on(screen());
	hf_atomic_commit(flip(fb, 8), NULL);
	display_rmfb(fb);
	assert_null(display.crtc->primary->state->fb);
	assert_non_null(display.crtc->commit);
	display_idle(display.crtc);
	assert_true(display_read(&event));
}

static void a_framebuffer_on_two_planes_leaves_both(void **state)
{
	struct hf_framebuffer *fb = screen();
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(fb);
	atomic = hf_atomic_state_create(KMS);
	display_show(atomic, KMS->planes[1], display.crtc, fb);
	hf_atomic_check(atomic);
	hf_atomic_commit(atomic, NULL);
	display_idle(display.crtc);
	assert_int_equal(fb->refcount, 3);
	display_rmfb(fb);
	assert_null(KMS->planes[1]->state->fb);
	assert_int_equal(memory.gem.count, 0);
}

static void a_closed_file_takes_its_picture_off(void **state)
{
	(void)state;
	display_on(screen());
	hf_kms_file_finish(&display.file);
	assert_null(display.crtc->primary->state->fb);
	assert_int_equal(memory.gem.count, 0);
	hf_kms_file_init(&display.file, KMS, display.file.fd);
}

static void the_last_picture_is_kept_where_asked_for(void **state)
{
	(void)state;
	KMS->hold = true;
	display_on(screen());
	hf_kms_file_finish(&display.file);
	hf_kms_file_init(&display.file, KMS, display.file.fd);
	assert_null(display.crtc->primary->state->fb);
	assert_non_null(display.crtc->held[0]);
	assert_int_equal(memory.gem.count, 1);
	hf_kms_drop_held(KMS);
	assert_null(display.crtc->held[0]);
	assert_int_equal(memory.gem.count, 0);
}

static void a_display_may_end_in_the_middle_of_a_flip(void **state)
{
	struct done done = { .wait.done = told };

	(void)state;
	display_on(screen());
	hf_atomic_commit(flip(screen(), 9), &done.wait);
	/* The teardown looks at what is left. */
	hf_commit_wait_remove(&done.wait);
}

/* -- legacy ---------------------------------------------------------------- */

static void setcrtc_takes_a_connector_from_another_crtc(void **state)
{
	struct hf_framebuffer *fb = screen();
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(fb);
	atomic = hf_atomic_state_create(KMS);
	assert_int_equal(hf_legacy_set_crtc(atomic, display.crtc2,
					    &display.connector->modes[0], fb, 0,
					    0, &display.connector, 1),
			 0);
	assert_int_equal(hf_atomic_check(atomic), 0);
	hf_atomic_commit(atomic, NULL);
	display_idle(display.crtc2);
	assert_false(display.crtc->state->enable);
	assert_true(display.crtc2->state->active);
}

static void a_flip_of_a_dark_crtc_is_refused(void **state)
{
	struct hf_atomic_state *atomic = hf_atomic_state_create(KMS);

	(void)state;
	assert_int_equal(hf_legacy_page_flip(atomic, display.crtc, screen(),
					     false),
			 -EINVAL);
	hf_atomic_state_destroy(atomic);
}

static void the_viewport_lies_inside_the_framebuffer(void **state)
{
	const struct drm_mode_modeinfo *mode = &display.connector->modes[0];
	struct hf_framebuffer *fb = display_fb(W + 10, H + 5, XRGB);

	(void)state;
	assert_int_equal(hf_legacy_check_viewport(display.crtc, mode, fb, 10,
						  5),
			 0);
	assert_int_equal(hf_legacy_check_viewport(display.crtc, mode, fb, 11,
						  0),
			 -ENOSPC);
	assert_int_equal(hf_legacy_check_viewport(display.crtc, mode, fb, 0, 6),
			 -ENOSPC);
	assert_int_equal(hf_legacy_check_viewport(display.crtc, mode, fb,
						  UINT_MAX, 0),
			 -ENOSPC);
}

static void dpms_switches_the_crtc(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	for (uint64_t dpms = 0; dpms < 4; dpms++) {
		atomic = hf_atomic_state_create(KMS);
		hf_legacy_set_dpms(atomic, display.connector, dpms);
		assert_int_equal(hf_atomic_check(atomic), 0);
		hf_atomic_commit(atomic, NULL);
		display_idle(display.crtc);
		assert_int_equal(display.crtc->state->active,
				 dpms == DRM_MODE_DPMS_ON);
	}
}

static void set_dpms(struct hf_connector *connector, uint64_t dpms)
{
	struct hf_atomic_state *atomic = hf_atomic_state_create(KMS);

	assert_int_equal(hf_legacy_set_dpms(atomic, connector, dpms), 0);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_true(hf_atomic_commit(atomic, NULL) >= 0);
	display_idle(display.crtc);
}

static void a_crtc_is_on_while_one_of_its_connectors_is(void **state)
{
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	KMS->encoders[0]->possible_clones = KMS->encoders[1]->possible_clones = 3;
	display_light(atomic, display.crtc, display.connector, screen());
	display_light(atomic, display.crtc, display.connector2, NULL);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_true(hf_atomic_commit(atomic, NULL) >= 0);
	display_idle(display.crtc);
	assert_int_equal(display.connector2->dpms, DRM_MODE_DPMS_ON);
	set_dpms(display.connector, DRM_MODE_DPMS_STANDBY);
	assert_true(display.crtc->state->active);
	assert_int_equal(display.connector->dpms, DRM_MODE_DPMS_OFF);
	assert_int_equal(display.connector2->dpms, DRM_MODE_DPMS_ON);
	set_dpms(display.connector2, DRM_MODE_DPMS_OFF);
	assert_false(display.crtc->state->active);
	assert_int_equal(display.connector2->dpms, DRM_MODE_DPMS_OFF);
	set_dpms(display.connector, DRM_MODE_DPMS_ON);
	assert_true(display.crtc->state->active);
	assert_int_equal(display.connector2->dpms, DRM_MODE_DPMS_ON);
}

static void dpms_of_another_crtc_stays(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	display.connector->dpms = DRM_MODE_DPMS_OFF;
	atomic = display_state();
	display_light(atomic, display.crtc2, display.connector2, NULL);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_true(hf_atomic_commit(atomic, NULL) >= 0);
	display_idle(display.crtc2);
	assert_int_equal(display.connector->dpms, DRM_MODE_DPMS_OFF);
	assert_int_equal(display.connector2->dpms, DRM_MODE_DPMS_ON);
}

static void a_cursor_has_the_size_that_the_display_can_do(void **state)
{
	struct hf_framebuffer *fb = display_fb(129, 64, DRM_FORMAT_ARGB8888);
	struct hf_atomic_state *atomic = display_state();
	struct hf_plane_state *new;

	(void)state;
	display_light(atomic, display.crtc, display.connector, screen());
	display_show(atomic, display.crtc->cursor, display.crtc, fb);
	assert_int_equal(hf_atomic_check(atomic), -EINVAL);
	new = hf_atomic_get_plane(atomic, display.crtc->cursor);
	new->src_w = 128 << 16;
	new->crtc_w = 128;
	assert_int_equal(hf_atomic_check(atomic), 0);
	new->crtc_h = 129;
	assert_int_equal(hf_atomic_check(atomic), -EINVAL);
	hf_atomic_state_destroy(atomic);
}

static void the_old_gamma_table_is_all_that_is_left(void **state)
{
	static const struct drm_color_lut lut[HF_KMS_GAMMA_SIZE];
	static const struct drm_color_ctm ctm;
	struct hf_blob *degamma = hf_blob_create(KMS, lut, sizeof(lut));
	struct hf_blob *matrix = hf_blob_create(KMS, &ctm, sizeof(ctm));
	struct hf_atomic_state *atomic = display_state();
	struct hf_crtc_state *new = hf_atomic_get_crtc(atomic, display.crtc);

	(void)state;
	hf_blob_replace(&new->degamma, degamma);
	hf_blob_replace(&new->ctm, matrix);
	assert_int_equal(hf_atomic_commit_now(atomic), 0);
	atomic = display_state();
	assert_int_equal(hf_legacy_set_gamma(atomic, display.crtc, lut), 0);
	assert_int_equal(hf_atomic_commit_now(atomic), 0);
	assert_null(display.crtc->state->degamma);
	assert_null(display.crtc->state->ctm);
	assert_int_equal(display.crtc->state->gamma->length, sizeof(lut));
	assert_int_equal(degamma->refcount, 1);
	assert_int_equal(matrix->refcount, 1);
	hf_blob_put(degamma);
	hf_blob_put(matrix);
}

/* Two pictures in a frame, with the blanking between them. */
static void a_frame_packed_mode_shows_both_eyes(void **state)
{
	struct drm_mode_modeinfo mode = display.connector->modes[0];
	struct hf_atomic_state *atomic = display_state();
	uint32_t height = mode.vtotal + mode.vdisplay;
	struct hf_framebuffer *fb = display_fb(mode.hdisplay, height,
					       DRM_FORMAT_XRGB8888);

	(void)state;
	mode.flags |= DRM_MODE_FLAG_3D_FRAME_PACKING;
	assert_int_equal(hf_legacy_check_viewport(display.crtc, &mode, screen(),
						  0, 0),
			 -ENOSPC);
	assert_int_equal(hf_legacy_check_viewport(display.crtc, &mode, fb, 0,
						  0),
			 0);
	assert_int_equal(hf_legacy_set_crtc(atomic, display.crtc, &mode, fb, 0,
					    0, &display.connector, 1),
			 0);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_true(hf_atomic_commit(atomic, NULL) >= 0);
	assert_int_equal(display.crtc->primary->state->crtc_h, height);
	assert_int_equal(display.crtc->last_height, height);
	display_idle(display.crtc);
}

#define TEST(name)                                                            \
	cmocka_unit_test_setup_teardown(name, display_setup, display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_modeset_lights_the_crtc),
		TEST(switching_off_stops_the_vblanks),
		TEST(whoever_watches_is_told_of_modesets_only),
		TEST(a_modeset_needs_to_be_allowed),
		TEST(the_same_mode_again_is_no_modeset),
		TEST(an_active_crtc_needs_a_mode),
		TEST(a_mode_needs_a_connector_and_a_connector_a_mode),
		TEST(an_event_needs_a_crtc_that_is_or_was_on),
		TEST(a_connector_moves_from_one_crtc_to_another),
		TEST(planes_are_checked_with_the_kernels_errnos),
		TEST(a_plane_shows_only_its_formats),
		TEST(damage_lies_inside_the_framebuffer),
		TEST(damage_is_of_one_commit_only),
		TEST(a_test_leaves_no_trace),
		TEST(the_hardware_has_a_say),
		TEST(the_hardware_is_asked_after_the_generic_checks),
		TEST(a_flip_is_done_at_the_next_vblank),
		TEST(a_busy_crtc_takes_no_other_commit),
		TEST(another_crtc_is_not_busy),
		TEST(a_commit_to_two_crtcs_is_done_when_both_show_it),
		TEST(a_waiter_that_left_is_not_told),
		TEST(an_async_flip_is_done_at_once),
		TEST(what_is_at_once_passes_a_flip_by),
		TEST(switching_off_ends_a_flip),
		TEST(the_old_framebuffer_is_held_until_the_flip_is_done),
		TEST(removing_a_shown_framebuffer_takes_it_off),
		TEST(removing_it_during_a_flip_to_it_does_not_wait),
		TEST(a_framebuffer_on_two_planes_leaves_both),
		TEST(a_closed_file_takes_its_picture_off),
		TEST(the_last_picture_is_kept_where_asked_for),
		TEST(a_display_may_end_in_the_middle_of_a_flip),
		TEST(setcrtc_takes_a_connector_from_another_crtc),
		TEST(a_flip_of_a_dark_crtc_is_refused),
		TEST(the_viewport_lies_inside_the_framebuffer),
		TEST(dpms_switches_the_crtc),
		TEST(a_crtc_is_on_while_one_of_its_connectors_is),
		TEST(dpms_of_another_crtc_stays),
		TEST(a_cursor_has_the_size_that_the_display_can_do),
		TEST(the_old_gamma_table_is_all_that_is_left),
		TEST(a_frame_packed_mode_shows_both_eyes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
