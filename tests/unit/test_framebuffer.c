/* SPDX-License-Identifier: MIT */
/*
 * What makes a framebuffer: the kernel's checks, each with its errno, and
 * which of them comes first.
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

#define KMS (&display.kms)

static struct drm_mode_fb_cmd2 good(void)
{
	return (struct drm_mode_fb_cmd2){
		.width = 64,
		.height = 32,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { 1 },
		.pitches = { 256 },
	};
}

static struct drm_mode_fb_cmd2 nv12(void)
{
	return (struct drm_mode_fb_cmd2){
		.width = 64,
		.height = 32,
		.pixel_format = DRM_FORMAT_NV12,
		.handles = { 1, 1 },
		.pitches = { 64, 64 },
		.offsets = { 0, 64 * 32 },
	};
}

static int check(struct drm_mode_fb_cmd2 cmd)
{
	return hf_framebuffer_check(KMS, &cmd);
}

#define CHECK(base, change, errno_)                                           \
	do {                                                                  \
		struct drm_mode_fb_cmd2 r = base();                           \
		change;                                                       \
		assert_int_equal(check(r), errno_);                           \
	} while (0)

static void good_requests_are_accepted(void **state)
{
	(void)state;
	CHECK(good, , 0);
	CHECK(nv12, , 0);
	CHECK(good, r.flags = DRM_MODE_FB_INTERLACED, 0);
	CHECK(good, r.flags = DRM_MODE_FB_MODIFIERS, 0);
	CHECK(nv12, r.flags = DRM_MODE_FB_MODIFIERS, 0);
	CHECK(good, r.pitches[0] = 4096, 0);
}

static void unknown_flags_are_refused(void **state)
{
	(void)state;
	CHECK(good, r.flags = 1u << 2, -EINVAL);
	CHECK(good, r.flags = 1u << 31, -EINVAL);
}

static void sizes_have_limits(void **state)
{
	(void)state;
	CHECK(good, r.width = 0, -EINVAL);
	CHECK(good, r.height = 0, -EINVAL);
	CHECK(good, (r.width = HF_KMS_MAX_SIZE, r.pitches[0] = r.width * 4), 0);
	CHECK(good, (r.width = HF_KMS_MAX_SIZE + 1, r.pitches[0] = r.width * 4),
	      -EINVAL);
	CHECK(good, r.height = HF_KMS_MAX_SIZE, 0);
	CHECK(good, r.height = HF_KMS_MAX_SIZE + 1, -EINVAL);
	CHECK(good, r.width = UINT_MAX, -EINVAL);
}

static void unknown_formats_are_refused(void **state)
{
	(void)state;
	CHECK(good, r.pixel_format = 0, -EINVAL);
	CHECK(good, r.pixel_format = fourcc_code('n', 'o', 'n', 'e'), -EINVAL);
}

static void formats_that_no_plane_shows_are_refused(void **state)
{
	(void)state;
	CHECK(good, r.pixel_format = DRM_FORMAT_XBGR2101010, -EINVAL);
}

static void every_plane_needs_a_handle(void **state)
{
	(void)state;
	CHECK(good, r.handles[0] = 0, -EINVAL);
	CHECK(nv12, r.handles[1] = 0, -EINVAL);
}

static void pitches_cover_a_line(void **state)
{
	(void)state;
	CHECK(good, r.pitches[0] = 255, -EINVAL);
	CHECK(good, r.pitches[0] = 0, -EINVAL);
	CHECK(nv12, r.pitches[1] = 63, -EINVAL);
}

static void a_plane_that_ends_above_4_gib_is_out_of_range(void **state)
{
	(void)state;
	CHECK(good, r.pitches[0] = UINT_MAX / 32 + 1, -ERANGE);
	CHECK(good, r.offsets[0] = UINT_MAX - 256 * 32, 0);
	CHECK(good, r.offsets[0] = UINT_MAX - 256 * 32 + 1, -ERANGE);
	CHECK(nv12, r.offsets[1] = UINT_MAX, -ERANGE);
}

static void modifiers_need_their_flag(void **state)
{
	(void)state;
	CHECK(good, r.modifier[0] = I915_FORMAT_MOD_X_TILED, -EINVAL);
	CHECK(nv12, r.modifier[1] = 1, -EINVAL);
}

static void only_linear_memory_is_shown(void **state)
{
	(void)state;
	CHECK(good,
	      (r.flags = DRM_MODE_FB_MODIFIERS,
	       r.modifier[0] = I915_FORMAT_MOD_X_TILED),
	      -EINVAL);
	CHECK(good,
	      (r.flags = DRM_MODE_FB_MODIFIERS,
	       r.modifier[0] = DRM_FORMAT_MOD_INVALID),
	      -EINVAL);
}

static void planes_share_one_modifier(void **state)
{
	(void)state;
	CHECK(nv12,
	      (r.flags = DRM_MODE_FB_MODIFIERS,
	       r.modifier[1] = I915_FORMAT_MOD_X_TILED),
	      -EINVAL);
}

static void unused_planes_are_zero_where_modifiers_are_used(void **state)
{
	(void)state;
	CHECK(good, r.handles[1] = 5, 0);
	CHECK(good, r.pitches[3] = 5, 0);
	CHECK(good, r.offsets[2] = 5, 0);
	CHECK(good, (r.flags = DRM_MODE_FB_MODIFIERS, r.handles[1] = 5),
	      -EINVAL);
	CHECK(good, (r.flags = DRM_MODE_FB_MODIFIERS, r.pitches[3] = 5),
	      -EINVAL);
	CHECK(good, (r.flags = DRM_MODE_FB_MODIFIERS, r.offsets[2] = 5),
	      -EINVAL);
	/* A modifier, though, is wrong in any case. */
	CHECK(good, r.modifier[1] = 5, -EINVAL);
}

/* Two mistakes at once: the errno tells which was seen first. */
static void checks_come_in_the_kernels_order(void **state)
{
	const uint32_t far = UINT_MAX / 32 + 1;

	(void)state;
	CHECK(good, (r.flags = 1u << 9, r.pitches[0] = far), -EINVAL);
	CHECK(good, (r.width = HF_KMS_MAX_SIZE + 1, r.pitches[0] = far),
	      -EINVAL);
	CHECK(good, (r.pixel_format = 0, r.pitches[0] = far), -EINVAL);
	CHECK(good, (r.handles[0] = 0, r.pitches[0] = far), -EINVAL);
	/* Out of range comes before a bad modifier, and plane by plane. */
	CHECK(good, (r.modifier[0] = 1, r.pitches[0] = far), -ERANGE);
	CHECK(nv12, (r.pitches[0] = 1, r.offsets[1] = UINT_MAX), -EINVAL);
	/* That no plane shows the format comes last. */
	CHECK(good,
	      (r.pixel_format = DRM_FORMAT_XBGR2101010, r.pitches[0] = far),
	      -ERANGE);
}

/* The chroma of an odd size is rounded up, as in the kernel. */
static void odd_sizes_of_subsampled_formats_are_accepted(void **state)
{
	(void)state;
	CHECK(nv12, (r.width = 63, r.height = 31), 0);
	CHECK(nv12, (r.width = 63, r.pitches[1] = 63), -EINVAL);
}

static int create(struct drm_mode_fb_cmd2 cmd, size_t size,
		  struct hf_framebuffer **fb)
{
	struct hf_gem_object *object =
		hf_gem_object_create(&memory.gem, size, false, 0);
	struct hf_gem_object *objects[4] = { object, object, object, object };
	int ret = hf_framebuffer_create(KMS, &cmd, objects, fb);

	hf_gem_object_put(object);
	return ret;
}

static void the_object_covers_every_plane(void **state)
{
	struct drm_mode_fb_cmd2 cmd = good();
	struct hf_framebuffer *fb;

	(void)state;
	assert_int_equal(create(cmd, 8192, &fb), 0);
	hf_framebuffer_put(fb);
	assert_int_equal(create(cmd, 4096, &fb), -EINVAL);
	cmd.offsets[0] = 4;
	assert_int_equal(create(cmd, 8192, &fb), -EINVAL);
	/* The last line need not be as long as the pitch. */
	cmd.offsets[0] = 0;
	cmd.width = 16;
	cmd.height = 17;
	cmd.pitches[0] = 508;
	assert_true(17 * 508 > 8192 && 16 * 508 + 64 <= 8192);
	assert_int_equal(create(cmd, 8192, &fb), 0);
	hf_framebuffer_put(fb);
	cmd = nv12();
	assert_int_equal(create(cmd, 4096, &fb), 0);
	hf_framebuffer_put(fb);
	cmd.offsets[1] = 4096 - 64 * 16 + 1;
	assert_int_equal(create(cmd, 4096, &fb), -EINVAL);
	assert_int_equal(memory.gem.count, 0);
}

static void a_framebuffer_holds_its_objects(void **state)
{
	struct hf_framebuffer *fb;

	(void)state;
	assert_int_equal(create(nv12(), 4096, &fb), 0);
	assert_int_equal(memory.gem.count, 1);
	assert_int_equal(fb->objects[0]->refcount, 2);
	hf_framebuffer_get(fb);
	hf_framebuffer_put(fb);
	assert_int_equal(memory.gem.count, 1);
	hf_framebuffer_put(fb);
	assert_int_equal(memory.gem.count, 0);
	hf_framebuffer_put(NULL);
}

static void a_framebuffer_has_an_id_until_it_dies(void **state)
{
	struct hf_framebuffer *fb;
	uint32_t id;

	(void)state;
	assert_int_equal(create(good(), 8192, &fb), 0);
	id = fb->base.id;
	assert_ptr_equal(hf_framebuffer_find(KMS, id), fb);
	assert_null(hf_blob_find(KMS, id));
	hf_framebuffer_put(fb);
	assert_null(hf_framebuffer_find(KMS, id));
}

static void a_file_that_is_closed_takes_its_framebuffers_along(void **state)
{
	struct hf_framebuffer *fb = display_fb(64, 32, DRM_FORMAT_XRGB8888);
	uint32_t id = fb->base.id;

	(void)state;
	hf_kms_file_finish(&display.file);
	assert_null(hf_framebuffer_find(KMS, id));
	assert_int_equal(memory.gem.count, 0);
	hf_kms_file_init(&display.file, KMS, display.file.fd);
}

#define TEST(name)                                                            \
	cmocka_unit_test_setup_teardown(name, display_setup, display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_requests_are_accepted),
		TEST(unknown_flags_are_refused),
		TEST(sizes_have_limits),
		TEST(unknown_formats_are_refused),
		TEST(formats_that_no_plane_shows_are_refused),
		TEST(every_plane_needs_a_handle),
		TEST(pitches_cover_a_line),
		TEST(a_plane_that_ends_above_4_gib_is_out_of_range),
		TEST(modifiers_need_their_flag),
		TEST(only_linear_memory_is_shown),
		TEST(planes_share_one_modifier),
		TEST(unused_planes_are_zero_where_modifiers_are_used),
		TEST(checks_come_in_the_kernels_order),
		TEST(odd_sizes_of_subsampled_formats_are_accepted),
		TEST(the_object_covers_every_plane),
		TEST(a_framebuffer_holds_its_objects),
		TEST(a_framebuffer_has_an_id_until_it_dies),
		TEST(a_file_that_is_closed_takes_its_framebuffers_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
