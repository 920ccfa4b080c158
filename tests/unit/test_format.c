/* SPDX-License-Identifier: MIT */
/*
 * The table of pixel formats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kms/format.h"

static void every_format_is_found_once_and_consistent(void **state)
{
	size_t num = 0;

	(void)state;
	for (const struct hf_format *f; (f = hf_format_at(num)); num++) {
		assert_ptr_equal(hf_format_info(f->fourcc), f);
		assert_in_range(f->num_planes, 1, 3);
		assert_in_range(f->hsub, 1, 2);
		assert_in_range(f->vsub, 1, 2);
		for (unsigned int i = 0; i < 3; i++)
			assert_int_equal(!!f->cpp[i], i < f->num_planes);
		if (!f->is_yuv)
			assert_int_equal(f->num_planes * f->hsub * f->vsub, 1);
	}
	assert_true(num >= 60);
	assert_null(hf_format_at(SIZE_MAX));
}

static void unknown_formats_are_not_found(void **state)
{
	(void)state;
	assert_null(hf_format_info(0));
	assert_null(hf_format_info(DRM_FORMAT_INVALID));
	assert_null(hf_format_info(DRM_FORMAT_XRGB8888 | DRM_FORMAT_BIG_ENDIAN));
	assert_null(hf_format_info(UINT32_MAX));
}

static void check(uint32_t fourcc, int depth, int planes, int cpp0, int cpp1,
		  int hsub, int vsub, bool alpha, bool yuv)
{
	const struct hf_format *f = hf_format_info(fourcc);

	assert_non_null(f);
	assert_int_equal(f->depth, depth);
	assert_int_equal(f->num_planes, planes);
	assert_int_equal(f->cpp[0], cpp0);
	assert_int_equal(f->cpp[1], cpp1);
	assert_int_equal(f->hsub, hsub);
	assert_int_equal(f->vsub, vsub);
	assert_int_equal(f->has_alpha, alpha);
	assert_int_equal(f->is_yuv, yuv);
}

static void layouts_are_those_of_the_kernel(void **state)
{
	(void)state;
	check(DRM_FORMAT_C8, 8, 1, 1, 0, 1, 1, false, false);
	check(DRM_FORMAT_RGB565, 16, 1, 2, 0, 1, 1, false, false);
	check(DRM_FORMAT_ARGB1555, 15, 1, 2, 0, 1, 1, true, false);
	check(DRM_FORMAT_BGR888, 24, 1, 3, 0, 1, 1, false, false);
	check(DRM_FORMAT_XRGB8888, 24, 1, 4, 0, 1, 1, false, false);
	check(DRM_FORMAT_RGBA8888, 32, 1, 4, 0, 1, 1, true, false);
	check(DRM_FORMAT_ABGR2101010, 30, 1, 4, 0, 1, 1, true, false);
	check(DRM_FORMAT_ABGR16161616F, 0, 1, 8, 0, 1, 1, true, false);
	check(DRM_FORMAT_YUYV, 0, 1, 2, 0, 2, 1, false, true);
	check(DRM_FORMAT_AYUV, 0, 1, 4, 0, 1, 1, true, true);
	check(DRM_FORMAT_NV12, 0, 2, 1, 2, 2, 2, false, true);
	check(DRM_FORMAT_NV61, 0, 2, 1, 2, 2, 1, false, true);
	check(DRM_FORMAT_NV24, 0, 2, 1, 2, 1, 1, false, true);
	check(DRM_FORMAT_P010, 0, 2, 2, 4, 2, 2, false, true);
	check(DRM_FORMAT_YVU420, 0, 3, 1, 1, 2, 2, false, true);
	check(DRM_FORMAT_YUV444, 0, 3, 1, 1, 1, 1, false, true);
}

static void legacy_pairs_name_the_formats_of_addfb(void **state)
{
	(void)state;
	assert_int_equal(hf_format_legacy(8, 8), DRM_FORMAT_C8);
	assert_int_equal(hf_format_legacy(16, 15), DRM_FORMAT_XRGB1555);
	assert_int_equal(hf_format_legacy(16, 16), DRM_FORMAT_RGB565);
	assert_int_equal(hf_format_legacy(24, 24), DRM_FORMAT_RGB888);
	assert_int_equal(hf_format_legacy(32, 24), DRM_FORMAT_XRGB8888);
	assert_int_equal(hf_format_legacy(32, 30), DRM_FORMAT_XRGB2101010);
	assert_int_equal(hf_format_legacy(32, 32), DRM_FORMAT_ARGB8888);
	assert_int_equal(hf_format_legacy(32, 16), 0);
	assert_int_equal(hf_format_legacy(16, 24), 0);
	assert_int_equal(hf_format_legacy(0, 0), 0);
	assert_int_equal(hf_format_legacy(32 + 256, 24), 0);
	assert_int_equal(hf_format_legacy(UINT32_MAX, UINT32_MAX), 0);
}

static void subsampled_planes_round_up(void **state)
{
	const struct hf_format *nv12 = hf_format_info(DRM_FORMAT_NV12);
	const struct hf_format *yuv422 = hf_format_info(DRM_FORMAT_YUV422);

	(void)state;
	assert_int_equal(hf_format_plane_width(nv12, 641, 0), 641);
	assert_int_equal(hf_format_plane_width(nv12, 641, 1), 321);
	assert_int_equal(hf_format_plane_height(nv12, 480, 1), 240);
	assert_int_equal(hf_format_plane_height(nv12, 1, 1), 1);
	assert_int_equal(hf_format_plane_width(nv12, 641, 2), 0);
	assert_int_equal(hf_format_plane_height(yuv422, 481, 2), 481);
	assert_int_equal(hf_format_plane_width(yuv422, 6, 2), 3);
	assert_int_equal(hf_format_plane_width(nv12, UINT32_MAX, 1), 0x80000000u);
}

static void the_least_pitch_does_not_overflow(void **state)
{
	const struct hf_format *deep = hf_format_info(DRM_FORMAT_ARGB16161616);

	(void)state;
	assert_int_equal(hf_format_min_pitch(deep, UINT32_MAX, 0), 0x7fffffff8ull);
	assert_int_equal(hf_format_min_pitch(deep, 1, 1), 0);
	assert_int_equal(hf_format_min_pitch(hf_format_info(DRM_FORMAT_P010), 5, 1),
			 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_is_found_once_and_consistent),
		cmocka_unit_test(unknown_formats_are_not_found),
		cmocka_unit_test(layouts_are_those_of_the_kernel),
		cmocka_unit_test(legacy_pairs_name_the_formats_of_addfb),
		cmocka_unit_test(subsampled_planes_round_up),
		cmocka_unit_test(the_least_pitch_does_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
