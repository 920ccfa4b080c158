/* SPDX-License-Identifier: MIT */
/*
 * What a virtio-gpu shows: pictures compared with what was drawn, how much is
 * transferred for it, and who holds memory for how long.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drm_fourcc.h"
#include "sync/fence.h"
#include "virtio_gpu_fixture.h"

#define W VG_WIDTH
#define H VG_HEIGHT
#define COUNT(command) gdev_count(vg.hw, VIRTIO_GPU_CMD_##command)
#define PAGES(bytes) (((bytes) + 4095) / 4096)
/* An object of a screen, and the list of its pieces. */
#define SCREEN PAGES(W * H * 4)

static void assert_rect(const struct virtio_gpu_rect *rect, uint32_t x,
			uint32_t y, uint32_t width, uint32_t height)
{
	assert_int_equal(rect->x, x);
	assert_int_equal(rect->y, y);
	assert_int_equal(rect->width, width);
	assert_int_equal(rect->height, height);
}

/* -- pictures ---------------------------------------------------------------- */

static void each_format_comes_out_in_its_colours(void **state)
{
	static const uint32_t formats[] = {
		DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888, DRM_FORMAT_BGRX8888,
		DRM_FORMAT_BGRA8888, DRM_FORMAT_RGBX8888, DRM_FORMAT_RGBA8888,
		DRM_FORMAT_XBGR8888, DRM_FORMAT_ABGR8888,
	};

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct hf_framebuffer *fb = vg_fb(W, H, formats[i], 0, 0);

		vg_draw(fb, i, NULL);
		if (i) {
			vg_flip(fb);
			vg_finish();
			assert_int_equal(vg_events(), 1);
		} else {
			vg_on(fb);
		}
		assert_true(vg_shows(0, i, 0, 0));
	}
	/* With alpha or without it is another format for the device. */
	assert_int_equal(gdev_resources(vg.hw), 8);
	for (unsigned int i = 1; i <= 8; i++)
		for (unsigned int k = 1; k < i; k++)
			assert_int_not_equal(vg.hw->resources[i].format,
					     vg.hw->resources[k].format);
}

static void lines_may_be_padded_and_start_anywhere(void **state)
{
	struct hf_framebuffer *fb = vg_fb(W, H, DRM_FORMAT_XRGB8888,
					  (W + 13) * 4, 4096 + 20);

	(void)state;
	vg_draw(fb, 1, NULL);
	vg_on(fb);
	assert_true(vg_shows(0, 1, 0, 0));
	assert_int_equal(vg.hw->resources[1].width, W + 13);
	assert_int_equal(vg.hw->resources[1].height, H);
}

static void a_part_of_a_larger_framebuffer_is_shown(void **state)
{
	struct hf_framebuffer *fb =
		vg_fb(200, 150, DRM_FORMAT_XRGB8888, 0, 4096);
	struct hf_atomic_state *atomic = vg_state();
	struct hf_plane_state *plane;

	(void)state;
	vg_draw(fb, 1, NULL);
	vg_light(atomic, 0, fb);
	for (unsigned int i = 0; i < 3; i++) {
		plane = vg_plane(atomic, vg.crtc->primary, fb);
		plane->crtc_w = W;
		plane->crtc_h = H;
		plane->src_x = (10 + 30 * i) << 16;
		plane->src_y = (7 + 20 * i) << 16;
		plane->src_w = W << 16;
		plane->src_h = H << 16;
		vg_commit(atomic);
		vg_finish();
		assert_true(vg_shows(0, 1, 10 + 30 * i, 7 + 20 * i));
		assert_rect(&vg.hw->transferred, 10 + 30 * i, 7 + 20 * i, W, H);
		atomic = vg_state();
	}
	hf_atomic_state_destroy(atomic);
	/* Beyond the edges of the CRTC, which sees only its part. */
	atomic = vg_state();
	plane = vg_plane(atomic, vg.crtc->primary, fb);
	plane->crtc_x = -11;
	plane->crtc_y = -12;
	vg_commit(atomic);
	vg_finish();
	assert_true(vg_shows(0, 1, 11, 12));
}

static void two_monitors_show_what_each_was_given(void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b;
	struct hf_atomic_state *atomic;

	(void)state;
	gdev_plug(vg.hw, 1, 128, 32);
	gdev_hotplug(vg.hw);
	vg_finish();
	b = vg_fb(128, 32, DRM_FORMAT_XRGB8888, 0, 0);
	vg_draw(b, 2, NULL);
	atomic = vg_state();
	vg_light(atomic, 0, a);
	vg_light(atomic, 1, b);
	vg_commit(atomic);
	vg_finish();
	assert_int_equal(vg_events(), 2);
	assert_true(vg_shows(0, 1, 0, 0));
	assert_true(vg_shows(1, 2, 0, 0));
}

static void a_large_object_is_shown_whole(void **state)
{
	/* Without an IOMMU it would be one piece a page; with one, one run. */
	struct hf_framebuffer *fb =
		vg_fb(W, H, DRM_FORMAT_XRGB8888, 16384 * 4, 1 << 20);

	(void)state;
	vg_draw(fb, 3, NULL);
	vg_on(fb);
	assert_true(vg_shows(0, 3, 0, 0));
}

/* -- how much is transferred ------------------------------------------------- */

static void only_what_changed_is_transferred(void **state)
{
	const struct drm_mode_rect rects[] = { { 10, 20, 14, 22 },
					       { 30, 12, 31, 18 } };
	struct hf_framebuffer *fb = vg_screen(1);

	(void)state;
	vg_on(fb);
	vg_draw(fb, 1, NULL);
	vg_damage(fb, rects, 2);
	vg_finish();
	assert_rect(&vg.hw->transferred, 10, 12, 21, 10);
	assert_rect(&vg.hw->flushed, 10, 12, 21, 10);
	assert_int_equal(vg.hw->offset, 12 * W * 4 + 10 * 4);
	assert_int_equal(COUNT(SET_SCANOUT), 1);
	assert_int_equal(COUNT(RESOURCE_CREATE_2D), 1);
	assert_true(vg_shows(0, 1, 0, 0));
	assert_int_equal(vg_events(), 1);
}

static void what_was_not_said_to_have_changed_is_not_looked_at(void **state)
{
	const struct drm_mode_rect rect = { 0, 0, W, 8 };
	const struct hf_gpu_rect top = { 0, 0, W, 8 }, rest = { 0, 8, W, H };
	struct hf_framebuffer *fb = vg_screen(1);

	(void)state;
	vg_on(fb);
	vg_draw(fb, 2, NULL);
	vg_damage(fb, &rect, 1);
	vg_finish();
	assert_false(vg_shows(0, 2, 0, 0));
	vg_draw(fb, 1, &top);
	vg_draw(fb, 1, &rest);
	vg_damage(fb, &rect, 1);
	vg_finish();
	assert_true(vg_shows(0, 1, 0, 0));
}

static void damage_that_is_not_shown_costs_nothing(void **state)
{
	const struct drm_mode_rect rect = { W, 0, W + 4, H };
	struct hf_framebuffer *fb = vg_fb(W + 4, H, DRM_FORMAT_XRGB8888, 0, 0);
	struct hf_atomic_state *atomic = vg_state();
	struct hf_plane_state *plane;
	uint64_t before;

	(void)state;
	vg_light(atomic, 0, fb);
	plane = vg_plane(atomic, vg.crtc->primary, fb);
	plane->crtc_w = W;
	plane->src_w = W << 16;
	vg_commit(atomic);
	vg_finish();
	assert_int_equal(vg_events(), 1);
	before = vg.gpu->stats.commands;
	atomic = vg_state();
	plane = hf_atomic_get_plane(atomic, vg.crtc->primary);
	plane->damage = hf_blob_create(vg.kms, &rect, sizeof(rect));
	vg_commit(atomic);
	assert_int_equal(vg_events(), 1);
	assert_int_equal(vg.gpu->stats.commands, before);
	assert_int_equal(vg.gpu->stats.in_flight, 0);
}

static void another_framebuffer_is_transferred_whole(void **state)
{
	const struct drm_mode_rect rect = { 0, 0, 1, 1 };
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);

	(void)state;
	vg_on(a);
	vg_damage(b, &rect, 1);
	vg_finish();
	assert_true(vg_shows(0, 2, 0, 0));
	/* The device's copy of this one is old. */
	vg_draw(a, 3, NULL);
	vg_damage(a, &rect, 1);
	vg_finish();
	assert_true(vg_shows(0, 3, 0, 0));
}

static void a_plane_that_is_not_in_the_commit_is_not_transferred(void **state)
{
	struct hf_framebuffer *fb = vg_screen(1);
	struct hf_atomic_state *atomic;
	unsigned int before;

	(void)state;
	vg_on(fb);
	before = COUNT(TRANSFER_TO_HOST_2D);
	atomic = vg_state();
	hf_atomic_get_crtc(atomic, vg.crtc);
	vg_commit(atomic);
	assert_int_equal(vg_events(), 1);
	assert_int_equal(COUNT(TRANSFER_TO_HOST_2D), before);
}

static void what_is_asked_for_meanwhile_is_shown_next(void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);
	struct hf_framebuffer *c = vg_screen(3);
	struct hf_atomic_state *atomic;

	(void)state;
	vg_on(a);
	vg.hw->hold = true;
	vg_flip(b);
	assert_int_equal(vg_events(), 1);
	/* Nobody waits for these: there may be many. */
	for (unsigned int i = 0; i < 50; i++) {
		atomic = vg_state();
		vg_plane(atomic, vg.crtc->primary, i % 2 ? c : a);
		assert_int_equal(hf_atomic_commit_now(atomic), 0);
	}
	/* Two of creation for b and for c, and two batches. */
	assert_true(vg.gpu->stats.in_flight <= 10);
	vg_finish();
	assert_int_equal(vg_events(), 0);
	assert_true(vg_shows(0, 3, 0, 0));
}

/* Two framebuffers that the device knows, of which the first is shown. */
static void begin_flipping(struct hf_framebuffer *fb[2])
{
	fb[0] = vg_screen(1);
	fb[1] = vg_screen(2);
	vg_on(fb[0]);
	vg_flip(fb[1]);
	vg_finish();
	vg_flip(fb[0]);
	vg_finish();
	assert_int_equal(vg_events(), 2);
	assert_int_equal(vg.gpu->stats.in_flight, 0);
	vg.hw->hold = true;
}

static void the_next_flip_is_in_the_ring_before_the_last_one_is_done(void **state)
{
	struct hf_framebuffer *fb[2];

	(void)state;
	begin_flipping(fb);
	/* Nothing reads fb[0] any more, but fb[1] is being read. */
	vg_flip(fb[1]);
	assert_int_equal(vg_events(), 1);
	vg_flip(fb[0]);
	assert_int_equal(vg.gpu->stats.in_flight, 6);
	assert_int_equal(vg_events(), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(vg_events(), 0);
		assert_true(gdev_step(vg.hw, HF_GPU_CONTROL));
		vg_pump();
	}
	assert_int_equal(vg_events(), 1);
	assert_true(vg_shows(0, 2, 0, 0));
	assert_int_equal(vg.gpu->stats.in_flight, 3);
	vg_finish();
	assert_true(vg_shows(0, 1, 0, 0));
}

static void a_flip_waits_for_the_one_before_whatever_is_done_first(void **state)
{
	struct hf_framebuffer *fb[2];
	uint64_t done;

	(void)state;
	begin_flipping(fb);
	vg_flip(fb[1]);
	assert_int_equal(vg_events(), 1);
	done = vg.gpu->scanouts[0].primary.unit.done;
	vg_flip(fb[0]);
	/* All six at once, the last one first. */
	gdev_run_backwards(vg.hw, HF_GPU_CONTROL);
	vg_pump();
	assert_int_equal(vg_events(), 1);
	assert_int_equal(vg.gpu->scanouts[0].primary.unit.done, done + 2);
	assert_true(vg_shows(0, 1, 0, 0));
	vg_flip(fb[1]);
	vg_finish();
	assert_int_equal(vg_events(), 1);
	assert_true(vg_shows(0, 2, 0, 0));
}

/* -- what fences guard ------------------------------------------------------- */

static struct hf_fence *flip_behind_fence(struct hf_framebuffer *fb,
					  const struct drm_mode_rect *damage)
{
	struct hf_fence *fence = hf_fence_create(NULL);
	struct hf_atomic_state *atomic = vg_state();
	struct hf_plane_state *plane =
		vg_plane(atomic, vg.crtc->primary, fb);

	assert_non_null(fence);
	plane->in_fence = hf_fence_get(fence);
	if (damage)
		plane->damage = hf_blob_create(vg.kms, damage, sizeof(*damage));
	vg_commit(atomic);
	return fence;
}

static void signal_fence(struct hf_fence *fence)
{
	hf_fence_signal(fence, 0, 1);
	hf_fence_put(fence);
	vg_finish();
}

static void a_cursor_does_not_show_what_a_fence_guards(void **state)
{
	const struct drm_mode_rect rect = { 0, 0, 8, 8 };
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(9);
	struct hf_framebuffer *cursor = vg_cursor(7);
	struct hf_fence *fence;

	(void)state;
	vg_on(a);
	vg_move(cursor, 1, 1);
	vg_finish();
	fence = flip_behind_fence(b, &rect);
	vg_move(cursor, 5, 6);
	vg_finish();
	assert_true(vg_shows(0, 1, 0, 0));
	assert_int_equal(vg_events(), 0);
	vg_draw(b, 2, NULL);
	signal_fence(fence);
	assert_int_equal(vg_events(), 1);
	assert_true(vg_shows(0, 2, 0, 0));
}

static void a_cursor_does_not_keep_a_modeset_from_the_screen(void **state)
{
	struct hf_framebuffer *fb = vg_screen(1), *cursor = vg_cursor(7);
	struct hf_fence *fence = hf_fence_create(NULL);
	struct hf_atomic_state *atomic;

	(void)state;
	vg_on(fb);
	vg_move(cursor, 1, 1);
	vg_finish();
	atomic = vg_state();
	hf_atomic_get_crtc(atomic, vg.crtc)->active = false;
	vg_commit(atomic);
	vg_finish();
	assert_false(vg_shows(0, 1, 0, 0));
	atomic = vg_state();
	hf_atomic_get_crtc(atomic, vg.crtc)->active = true;
	vg_plane(atomic, vg.crtc->cursor, cursor)->in_fence =
		hf_fence_get(fence);
	vg_commit(atomic);
	vg_move(cursor, 5, 5);
	vg_finish();
	signal_fence(fence);
	assert_true(vg_shows(0, 1, 0, 0));
}

static void framebuffers_may_go_before_the_fence_of_a_flip(void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);
	struct hf_fence *fence;

	(void)state;
	vg_on(a);
	fence = flip_behind_fence(b, NULL);
	vg_finish();
	vg_rmfb(b);
	vg_rmfb(a);
	vg_finish();
	signal_fence(fence);
	assert_int_equal(vg_events(), 1);
	assert_null(vg.crtc->commit);
}

static void a_device_may_go_before_the_fence_of_a_flip(void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);
	struct hf_fence *fence;

	(void)state;
	vg_on(a);
	fence = flip_behind_fence(b, NULL);
	vg.hw->hold = true;
	vg_rmfb(a);
	vg_rmfb(b);
	hf_virtio_gpu_stop(vg.gpu);
	signal_fence(fence);
	assert_int_equal(vg_events(), 1);
}

/* -- on and off, and when it is done ----------------------------------------- */

/* One after the other, with events: after the @n-th command there is the event. */
static void step_to_event(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(vg_events(), 0);
		assert_true(gdev_step(vg.hw, HF_GPU_CONTROL));
		vg_pump();
	}
	assert_int_equal(vg_events(), 1);
}

static void a_flip_is_done_when_what_was_shown_before_is_not_read_any_more(
	void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);
	struct hf_atomic_state *atomic;

	(void)state;
	vg_on(a);
	vg.hw->hold = true;
	/* Nobody reads the first one. */
	vg_flip(b);
	assert_int_equal(vg_events(), 1);
	/* The second one is read until it has been flushed. */
	vg_flip(a);
	atomic = vg_state();
	vg_plane(atomic, vg.crtc->primary, b);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), -EBUSY);
	/* create, attach, transfer, set, flush */
	step_to_event(5);
	assert_true(vg_shows(0, 2, 0, 0));
	hf_atomic_state_destroy(atomic);
	vg_finish();
	assert_true(vg_shows(0, 1, 0, 0));
	assert_int_equal(vg_events(), 0);
}

static void a_commit_to_the_same_framebuffer_is_done_when_the_flush_is(
	void **state)
{
	const struct drm_mode_rect rect = { 0, 0, 1, 1 };
	struct hf_framebuffer *fb = vg_screen(1);

	(void)state;
	vg_on(fb);
	vg.hw->hold = true;
	vg_damage(fb, &rect, 1);
	/* transfer, flush */
	step_to_event(2);
}

static void switching_off_shows_nothing_and_on_again_all(void **state)
{
	struct hf_framebuffer *fb = vg_screen(1);
	struct hf_atomic_state *atomic;

	(void)state;
	vg_on(fb);
	for (unsigned int i = 0; i < 2; i++) {
		atomic = vg_state();
		hf_atomic_get_crtc(atomic, vg.crtc)->active = false;
		vg_commit(atomic);
		vg_finish();
		assert_int_equal(vg.hw->scanouts[0].resource, 0);
		/* Nobody says that it changed meanwhile. */
		vg_draw(fb, 5 + i, NULL);
		atomic = vg_state();
		hf_atomic_get_crtc(atomic, vg.crtc)->active = true;
		vg_commit(atomic);
		vg_finish();
		assert_true(vg_shows(0, 5 + i, 0, 0));
		assert_int_equal(vg_events(), 2);
	}
}

static void a_primary_beside_the_screen_is_none(void **state)
{
	struct hf_framebuffer *fb = vg_screen(1);
	struct hf_atomic_state *atomic;

	(void)state;
	vg_on(fb);
	atomic = vg_state();
	hf_atomic_get_plane(atomic, vg.crtc->primary)->crtc_x = W;
	vg_commit(atomic);
	vg_finish();
	assert_int_equal(vg.hw->scanouts[0].resource, 0);
}

static void a_new_mode_is_told(void **state)
{
	struct hf_framebuffer *small = vg_screen(1), *large;

	(void)state;
	vg_on(small);
	gdev_plug(vg.hw, 0, 200, 100);
	gdev_hotplug(vg.hw);
	vg_finish();
	large = vg_fb(200, 100, DRM_FORMAT_XRGB8888, 0, 0);
	vg_draw(large, 2, NULL);
	vg_on(large);
	assert_int_equal(vg.hw->scanouts[0].rect.width, 200);
	assert_true(vg_shows(0, 2, 0, 0));
}

/* -- what may not be --------------------------------------------------------- */

static int check_primary(void (*change)(struct hf_plane_state *plane),
			 struct hf_framebuffer *fb)
{
	struct hf_atomic_state *atomic = vg_state();

	vg_light(atomic, 0, fb);
	change(hf_atomic_get_plane(atomic, vg.crtc->primary));
	return vg_check(atomic);
}

static void nothing(struct hf_plane_state *plane)
{
	(void)plane;
}

static void scaled(struct hf_plane_state *plane)
{
	plane->src_w -= 1 << 16;
}

static void scaled_by_a_little(struct hf_plane_state *plane)
{
	plane->src_h -= 1;
}

static void too_small(struct hf_plane_state *plane)
{
	plane->crtc_w -= 1;
	plane->src_w -= 1 << 16;
}

static void moved(struct hf_plane_state *plane)
{
	plane->crtc_y = 1;
}

static void beside(struct hf_plane_state *plane)
{
	plane->crtc_x = -W;
}

static void empty(struct hf_plane_state *plane)
{
	plane->crtc_w = plane->crtc_h = plane->src_w = plane->src_h = 0;
}

static void a_primary_is_not_scaled_and_covers_the_crtc(void **state)
{
	struct hf_framebuffer *fb = vg_screen(1);
	struct hf_framebuffer *odd =
		vg_fb(W, H, DRM_FORMAT_XRGB8888, W * 4 + 2, 0);
	struct hf_framebuffer *wide =
		vg_fb(W, H, DRM_FORMAT_XRGB8888, 16385 * 4, 0);

	(void)state;
	assert_int_equal(check_primary(nothing, fb), 0);
	assert_int_equal(check_primary(scaled, fb), -ERANGE);
	assert_int_equal(check_primary(scaled_by_a_little, fb), -ERANGE);
	assert_int_equal(check_primary(too_small, fb), -EINVAL);
	assert_int_equal(check_primary(moved, fb), -EINVAL);
	assert_int_equal(check_primary(beside, fb), 0);
	assert_int_equal(check_primary(empty, fb), 0);
	assert_int_equal(check_primary(nothing, odd), -EINVAL);
	assert_int_equal(check_primary(nothing, wide), -EINVAL);
}

static void a_mode_may_not_outgrow_its_plane(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	vg_on(vg_screen(1));
	gdev_plug(vg.hw, 0, W + 16, H);
	gdev_hotplug(vg.hw);
	vg_finish();
	atomic = vg_state();
	vg_light(atomic, 0, NULL);
	assert_int_equal(vg_check(atomic), -EINVAL);
	/* Nobody touches it: it stays as it is. */
	atomic = vg_state();
	hf_atomic_get_crtc(atomic, vg.crtc);
	assert_int_equal(vg_check(atomic), 0);
}

static int check_cursor(struct hf_framebuffer *fb, uint32_t size, int32_t x)
{
	struct hf_atomic_state *atomic = vg_state();
	struct hf_plane_state *plane =
		vg_plane(atomic, vg.crtc->cursor, fb);

	plane->crtc_w = plane->crtc_h = size;
	plane->src_w = plane->src_h = size << 16;
	plane->crtc_x = x;
	return vg_check(atomic);
}

static void a_cursor_has_one_size_and_may_be_anywhere(void **state)
{
	(void)state;
	vg_on(vg_screen(1));
	assert_int_equal(check_cursor(vg_cursor(1), 64, 0), 0);
	assert_int_equal(check_cursor(vg_cursor(1), 64, -1000), 0);
	assert_int_equal(check_cursor(vg_cursor(1), 64, W - 1), 0);
	assert_int_equal(check_cursor(vg_cursor(1), 32, 0), -EINVAL);
	assert_int_equal(check_cursor(vg_fb(65, 64, DRM_FORMAT_ARGB8888, 0, 0),
				      64, 0),
			 -EINVAL);
	assert_int_equal(check_cursor(vg_fb(64, 64, DRM_FORMAT_ARGB8888, 260,
					    0),
				      64, 0),
			 -EINVAL);
}

static void a_connector_is_on_its_own_crtc_only(void **state)
{
	struct hf_atomic_state *atomic = vg_state();

	(void)state;
	vg_light(atomic, 0, NULL);
	hf_atomic_get_crtc(atomic, vg.kms->crtcs[1]);
	hf_atomic_set_connector_crtc(
		atomic, hf_atomic_get_connector(atomic, vg.kms->connectors[0]),
		vg.kms->crtcs[1]);
	assert_int_equal(vg_check(atomic), -EINVAL);
	assert_int_equal(vg.kms->num_planes, 2 * VG_SCANOUTS);
}

/* -- cursors ----------------------------------------------------------------- */

static bool cursor_is(uint32_t seed)
{
	for (uint32_t i = 0; i < GDEV_CURSOR * GDEV_CURSOR; i++)
		if (vg.hw->scanouts[0].image[i] !=
		    (0xff000000 | vg_colour(seed, i % GDEV_CURSOR,
					    i / GDEV_CURSOR)))
			return false;
	return true;
}

static void a_cursor_is_shown_moved_and_hidden(void **state)
{
	struct hf_framebuffer *cursor = vg_cursor(7);
	const struct gdev_scanout *scanout = &vg.hw->scanouts[0];

	(void)state;
	vg_on(vg_screen(1));
	assert_int_equal(vg.hw->updates, 0);
	vg_move(cursor, 5, 6);
	vg_finish();
	assert_true(cursor_is(7));
	assert_int_not_equal(scanout->cursor, 0);
	assert_int_equal(scanout->x, 5);
	assert_int_equal(scanout->y, 6);
	vg_move(cursor, -3, 60);
	vg_finish();
	assert_int_equal(vg.hw->moves, 1);
	assert_int_equal(vg.hw->updates, 1);
	assert_int_equal((int32_t)scanout->x, -3);
	/* Drawn on, and shown again. */
	vg_draw(cursor, 8, NULL);
	vg_move(cursor, -3, 60);
	vg_finish();
	assert_true(cursor_is(8));
	vg_move(NULL, 0, 0);
	vg_finish();
	assert_int_equal(scanout->cursor, 0);
	assert_int_equal(vg.hw->updates, 3);
	/* What is not there does not move. */
	vg_move(NULL, 9, 9);
	vg_finish();
	assert_int_equal(vg.hw->updates + vg.hw->moves, 4);
}

static void a_cursor_is_there_before_it_is_shown(void **state)
{
	(void)state;
	vg_on(vg_screen(1));
	vg.hw->hold = true;
	vg_move(vg_cursor(7), 1, 1);
	/* create, attach */
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(gdev_step(vg.hw, HF_GPU_CONTROL));
		vg_pump();
		assert_false(gdev_step(vg.hw, HF_GPU_CURSOR));
	}
	assert_true(gdev_step(vg.hw, HF_GPU_CONTROL));
	assert_false(gdev_step(vg.hw, HF_GPU_CURSOR));
	vg_pump();
	assert_true(gdev_step(vg.hw, HF_GPU_CURSOR));
	assert_true(cursor_is(7));
	vg_finish();
}

static void moves_do_not_pile_up(void **state)
{
	struct hf_framebuffer *a = vg_cursor(1), *b = vg_cursor(2);

	(void)state;
	vg_on(vg_screen(1));
	vg_move(a, 0, 0);
	vg_finish();
	vg.hw->hold = true;
	for (int i = 1; i <= 1000; i++)
		vg_move(i < 500 ? a : b, i, 2 * i);
	/* One on the way, and the two that make b known. */
	assert_int_equal(vg.gpu->stats.in_flight, 3);
	vg_finish();
	assert_int_equal(vg.hw->moves, 1);
	assert_int_equal(vg.hw->scanouts[0].x, 1000);
	assert_int_equal(vg.hw->scanouts[0].y, 2000);
	assert_true(cursor_is(2));
}

static void a_cursor_goes_with_its_crtc(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	vg_on(vg_screen(1));
	vg_move(vg_cursor(3), 0, 0);
	vg_finish();
	atomic = vg_state();
	hf_atomic_get_crtc(atomic, vg.crtc)->active = false;
	vg_commit(atomic);
	vg_finish();
	assert_int_equal(vg.hw->scanouts[0].cursor, 0);
	atomic = vg_state();
	hf_atomic_get_crtc(atomic, vg.crtc)->active = true;
	vg_commit(atomic);
	vg_finish();
	assert_int_not_equal(vg.hw->scanouts[0].cursor, 0);
}

static void a_commit_with_a_cursor_waits_for_it_but_not_for_later_moves(void **state)
{
	struct hf_framebuffer *cursor = vg_cursor(3);
	struct hf_atomic_state *atomic;

	(void)state;
	vg_on(vg_screen(1));
	vg_move(cursor, 0, 0);
	vg_finish();
	vg.hw->hold = true;
	atomic = vg_state();
	vg_plane(atomic, vg.crtc->cursor, cursor)->crtc_x = 5;
	vg_commit(atomic);
	vg_move(cursor, 6, 0);
	vg_pump();
	assert_int_equal(vg_events(), 0);
	assert_true(gdev_step(vg.hw, HF_GPU_CURSOR));
	vg_pump();
	assert_int_equal(vg_events(), 1);
	assert_int_equal(vg.hw->scanouts[0].x, 5);
	vg_finish();
	assert_int_equal(vg.hw->scanouts[0].x, 6);
}

/* -- who holds what ---------------------------------------------------------- */

static void nothing_is_held_for_what_was_never_shown(void **state)
{
	(void)state;
	vg_rmfb(vg_screen(1));
	vg_finish();
	assert_int_equal(vg_pages(), 0);
	assert_int_equal(COUNT(RESOURCE_CREATE_2D), 0);
}

static void a_framebuffer_that_is_removed_is_held_until_the_device_forgets_it(
	void **state)
{
	struct hf_framebuffer *fb = vg_screen(1);

	(void)state;
	vg_on(fb);
	assert_int_equal(vg_pages(), SCREEN);
	vg.hw->hold = true;
	vg_rmfb(fb);
	assert_int_equal(memory.gem.count, 1);
	/* SET_SCANOUT, UNREF */
	assert_true(gdev_step(vg.hw, HF_GPU_CONTROL));
	vg_pump();
	assert_int_equal(vg_pages(), SCREEN);
	assert_true(gdev_step(vg.hw, HF_GPU_CONTROL));
	assert_int_equal(gdev_resources(vg.hw), 0);
	assert_int_equal(vg_pages(), SCREEN);
	vg_pump();
	assert_int_equal(vg_pages(), 0);
	assert_int_equal(memory.gem.count, 0);
}

static void what_is_being_transferred_is_held_whoever_lets_go_of_it(void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);

	(void)state;
	vg_on(a);
	vg.hw->hold = true;
	vg_flip(b);
	vg_rmfb(b);
	vg_rmfb(a);
	assert_true(vg_pages() >= 2 * SCREEN);
	/* create, attach, transfer: it reads what is still there. */
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(gdev_step(vg.hw, HF_GPU_CONTROL));
		vg_pump();
		assert_true(vg_pages() >= 2 * SCREEN);
	}
	assert_int_equal(COUNT(TRANSFER_TO_HOST_2D), 2);
	vg_finish();
	assert_int_equal(vg_pages(), 0);
	assert_int_equal(vg_events(), 1);
	assert_int_equal(vg.hw->scanouts[0].resource, 0);
}

static void a_client_that_is_gone_leaves_nothing_behind(void **state)
{
	(void)state;
	vg_on(vg_screen(1));
	vg_move(vg_cursor(1), 3, 3);
	vg_finish();
	vg.hw->hold = true;
	vg_flip(vg_screen(2));
	vg_move(vg_cursor(2), 4, 4);
	hf_kms_file_finish(&vg.file);
	assert_true(vg_pages() >= 2 * SCREEN + 8);
	vg_finish();
	assert_int_equal(vg_pages(), 0);
	assert_int_equal(memory.gem.count, 0);
	assert_int_equal(gdev_resources(vg.hw), 0);
	assert_int_equal(vg.gpu->stats.resources, 0);
}

static void answers_may_come_in_any_order(void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);

	(void)state;
	vg_on(a);
	vg.hw->hold = true;
	vg_flip(b);
	vg_rmfb(b);
	gdev_run_backwards(vg.hw, HF_GPU_CONTROL);
	vg_finish();
	assert_int_equal(vg_events(), 1);
	assert_int_equal(vg_pages(), SCREEN);
	vg_flip(a);
	vg_finish();
	assert_true(vg_shows(0, 1, 0, 0));
}

static void more_than_the_ring_takes_waits_in_order(void **state)
{
	struct hf_framebuffer *cursors[100];

	(void)state;
	vg_on(vg_screen(1));
	vg.hw->hold = true;
	for (unsigned int i = 0; i < 100; i++) {
		cursors[i] = vg_cursor(i);
		vg_move(cursors[i], i, i);
	}
	assert_true(vg.gpu->stats.in_flight > 200);
	for (unsigned int i = 0; i < 100; i++)
		if (i % 2)
			vg_rmfb(cursors[i]);
	vg_finish();
	/* The last one is gone, and so is the cursor. */
	assert_int_equal(vg.hw->scanouts[0].cursor, 0);
	assert_int_equal(gdev_resources(vg.hw), 51);
	vg_move(cursors[98], 1, 2);
	vg_finish();
	assert_true(cursor_is(98));
	for (unsigned int i = 0; i < 100; i += 2)
		vg_rmfb(cursors[i]);
	vg_finish();
	assert_int_equal(gdev_resources(vg.hw), 1);
	assert_int_equal(vg.gpu->stats.errors, 0);
}

static void what_is_on_its_way_is_not_taken_away(void **state)
{
	struct hf_framebuffer *b = vg_cursor(2);

	(void)state;
	vg_on(vg_screen(1));
	vg.hw->hold = true;
	vg_move(vg_cursor(1), 1, 1);
	/* It is created, and never shown. */
	vg_move(b, 2, 2);
	vg_rmfb(b);
	assert_int_equal(vg.gpu->stats.in_flight, 5);
	gdev_run_backwards(vg.hw, HF_GPU_CONTROL);
	vg_pump();
	assert_int_equal(vg.gpu->stats.resources, 3);
	vg_finish();
	assert_int_equal(vg.gpu->stats.resources, 2);
	assert_int_equal(gdev_resources(vg.hw), 2);
}

static void what_may_still_be_shown_is_not_taken_away(void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);
	struct hf_atomic_state *atomic;

	(void)state;
	vg_on(a);
	vg.hw->hold = true;
	atomic = vg_state();
	vg_plane(atomic, vg.crtc->primary, b);
	assert_int_equal(hf_atomic_commit_now(atomic), 0);
	vg_rmfb(a);
	/* create, attach, transfer, set, flush; and only then: */
	assert_int_equal(vg.gpu->stats.in_flight, 5);
	vg_finish();
	assert_int_equal(gdev_resources(vg.hw), 1);
	assert_int_equal(vg_pages(), SCREEN);
}

static void what_fits_does_not_overtake_what_does_not(void **state)
{
	(void)state;
	vg_on(vg_screen(1));
	vg.hw->hold = true;
	/* Of 16 entries these take 2 + 3 + 2 and 2 + 3. */
	vg_move(vg_cursor(1), 1, 1);
	vg_move(vg_cursor(2), 2, 2);
	assert_int_equal(hf_virtqueue_free_entries(vg.gpu->queues[0].vq), 4);
	/* Two entries are left for an attach, which takes three. */
	vg_flip(vg_screen(3));
	vg_finish();
	assert_true(vg_shows(0, 3, 0, 0));
	assert_true(cursor_is(2));
}

static void two_framebuffers_of_an_object_share_its_pages(void **state)
{
	struct hf_framebuffer *a = vg_screen(1);
	struct hf_gem_object *objects[4] = { a->objects[0] };
	const struct drm_mode_fb_cmd2 cmd = {
		.width = W, .height = H, .pixel_format = DRM_FORMAT_XBGR8888,
		.pitches = { W * 4 }, .handles = { 1 },
	};
	struct hf_framebuffer *b;

	(void)state;
	assert_int_equal(hf_framebuffer_create(vg.kms, &cmd, objects, &b), 0);
	wl_list_insert(&vg.file.fbs, &b->file_link);
	vg_on(a);
	vg_flip(b);
	vg_finish();
	assert_int_equal(vg_pages(), SCREEN);
	assert_int_equal(gdev_resources(vg.hw), 2);
	vg_rmfb(a);
	vg_finish();
	assert_int_equal(vg_pages(), SCREEN);
	vg_rmfb(b);
	vg_finish();
	assert_int_equal(vg_pages(), 0);
}

static void what_was_purged_cannot_be_shown(void **state)
{
	struct hf_framebuffer *fb = vg_screen(1);
	struct hf_atomic_state *atomic = vg_state();

	(void)state;
	hf_gem_madvise(fb->objects[0], false);
	vg_light(atomic, 0, fb);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), -EFAULT);
	hf_atomic_state_destroy(atomic);
	assert_int_equal(vg.gpu->stats.resources, 0);
	assert_int_equal(vg_pages(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, vg_setup, vg_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_format_comes_out_in_its_colours),
		TEST(lines_may_be_padded_and_start_anywhere),
		TEST(a_part_of_a_larger_framebuffer_is_shown),
		TEST(two_monitors_show_what_each_was_given),
		TEST(a_large_object_is_shown_whole),
		TEST(only_what_changed_is_transferred),
		TEST(what_was_not_said_to_have_changed_is_not_looked_at),
		TEST(damage_that_is_not_shown_costs_nothing),
		TEST(another_framebuffer_is_transferred_whole),
		TEST(a_plane_that_is_not_in_the_commit_is_not_transferred),
		TEST(what_is_asked_for_meanwhile_is_shown_next),
		TEST(the_next_flip_is_in_the_ring_before_the_last_one_is_done),
		TEST(a_flip_waits_for_the_one_before_whatever_is_done_first),
		TEST(a_flip_is_done_when_what_was_shown_before_is_not_read_any_more),
		TEST(a_commit_to_the_same_framebuffer_is_done_when_the_flush_is),
		TEST(a_cursor_does_not_show_what_a_fence_guards),
		TEST(a_cursor_does_not_keep_a_modeset_from_the_screen),
		TEST(framebuffers_may_go_before_the_fence_of_a_flip),
		TEST(a_device_may_go_before_the_fence_of_a_flip),
		TEST(switching_off_shows_nothing_and_on_again_all),
		TEST(a_primary_beside_the_screen_is_none),
		TEST(a_new_mode_is_told),
		TEST(a_primary_is_not_scaled_and_covers_the_crtc),
		TEST(a_mode_may_not_outgrow_its_plane),
		TEST(a_cursor_has_one_size_and_may_be_anywhere),
		TEST(a_connector_is_on_its_own_crtc_only),
		TEST(a_cursor_is_shown_moved_and_hidden),
		TEST(a_cursor_is_there_before_it_is_shown),
		TEST(moves_do_not_pile_up),
		TEST(a_cursor_goes_with_its_crtc),
		TEST(a_commit_with_a_cursor_waits_for_it_but_not_for_later_moves),
		TEST(nothing_is_held_for_what_was_never_shown),
		TEST(a_framebuffer_that_is_removed_is_held_until_the_device_forgets_it),
		TEST(what_is_being_transferred_is_held_whoever_lets_go_of_it),
		TEST(a_client_that_is_gone_leaves_nothing_behind),
		TEST(answers_may_come_in_any_order),
		TEST(more_than_the_ring_takes_waits_in_order),
		TEST(what_is_on_its_way_is_not_taken_away),
		TEST(what_may_still_be_shown_is_not_taken_away),
		TEST(what_fits_does_not_overtake_what_does_not),
		TEST(two_framebuffers_of_an_object_share_its_pages),
		TEST(what_was_purged_cannot_be_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
