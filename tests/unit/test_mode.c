/* SPDX-License-Identifier: MIT */
/*
 * Display modes: known timings, generated ones, and the kernel's arithmetic.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kms/mode.h"

#define PP (DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_PVSYNC)
#define PN (DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_NVSYNC)
#define NP (DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_PVSYNC)
#define NN (DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_NVSYNC)

static struct drm_mode_modeinfo make(unsigned int width, unsigned int height,
				     double hz)
{
	struct drm_mode_modeinfo mode;

	assert_int_equal(hf_mode_make(&mode, width, height, hz), 0);
	assert_int_equal(hf_mode_check(&mode), 0);
	assert_int_equal(mode.hdisplay, width);
	assert_int_equal(mode.vdisplay, height);
	assert_int_equal(mode.vrefresh, hf_mode_vrefresh(&mode));
	return mode;
}

static double rate(const struct drm_mode_modeinfo *mode)
{
	return mode->clock * 1000.0 / mode->htotal / mode->vtotal;
}

static void common_sizes_have_the_standards_timings(void **state)
{
	static const struct {
		double hz;
		uint32_t clock;
		uint16_t h[4], v[4];
		uint32_t flags;
	} known[] = {
		{ 60, 25175, { 640, 656, 752, 800 }, { 480, 490, 492, 525 }, NN },
		{ 60, 40000, { 800, 840, 968, 1056 }, { 600, 601, 605, 628 }, PP },
		{ 60, 65000, { 1024, 1048, 1184, 1344 }, { 768, 771, 777, 806 }, NN },
		{ 60, 74250, { 1280, 1390, 1430, 1650 }, { 720, 725, 730, 750 }, PP },
		{ 50, 74250, { 1280, 1720, 1760, 1980 }, { 720, 725, 730, 750 }, PP },
		{ 60, 85500, { 1366, 1436, 1579, 1792 }, { 768, 771, 774, 798 }, PP },
		{ 60, 106500, { 1440, 1520, 1672, 1904 }, { 900, 903, 909, 934 }, NP },
		{ 60, 108000, { 1600, 1624, 1704, 1800 }, { 900, 901, 904, 1000 }, PP },
		{ 60, 148500, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1089, 1125 }, PP },
		{ 50, 148500, { 1920, 2448, 2492, 2640 }, { 1080, 1084, 1089, 1125 }, PP },
		{ 120, 297000, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1089, 1125 }, PP },
		{ 60, 154000, { 1920, 1968, 2000, 2080 }, { 1200, 1203, 1209, 1235 }, PN },
		{ 60, 241500, { 2560, 2608, 2640, 2720 }, { 1440, 1443, 1448, 1481 }, PN },
		{ 60, 319750, { 3440, 3488, 3520, 3600 }, { 1440, 1443, 1448, 1481 }, PN },
		{ 60, 594000, { 3840, 4016, 4104, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
		{ 60, 2376000, { 7680, 8232, 8408, 9000 }, { 4320, 4336, 4356, 4400 }, PP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct drm_mode_modeinfo mode = make(known[i].h[0], known[i].v[0],
						     known[i].hz);

		assert_int_equal(mode.clock, known[i].clock);
		assert_int_equal(mode.hsync_start, known[i].h[1]);
		assert_int_equal(mode.hsync_end, known[i].h[2]);
		assert_int_equal(mode.htotal, known[i].h[3]);
		assert_int_equal(mode.vsync_start, known[i].v[1]);
		assert_int_equal(mode.vsync_end, known[i].v[2]);
		assert_int_equal(mode.vtotal, known[i].v[3]);
		assert_int_equal(mode.flags, known[i].flags);
		assert_int_equal(mode.vrefresh, known[i].hz);
		assert_int_equal(mode.type, DRM_MODE_TYPE_DRIVER);
	}
}

static void a_mode_is_named_after_its_size(void **state)
{
	struct drm_mode_modeinfo mode = make(1920, 1080, 60);

	(void)state;
	assert_string_equal(mode.name, "1920x1080");
	mode = make(16384, 16384, 24);
	assert_string_equal(mode.name, "16384x16384");
}

static void television_rates_slow_the_clock_down(void **state)
{
	struct drm_mode_modeinfo mode = make(1920, 1080, 59.94);

	(void)state;
	assert_int_equal(mode.htotal, 2200);
	assert_true(fabs(rate(&mode) - 60 / 1.001) < 0.001);
	assert_int_equal(mode.vrefresh, 60);
	mode = make(3840, 2160, 23.976);
	assert_int_equal(mode.htotal, 5500);
	assert_true(fabs(rate(&mode) - 24 / 1.001) < 0.001);
	assert_int_equal(make(640, 480, 59.94).clock, 25175);
	assert_int_equal(make(1366, 768, 59.79).clock, 85500);
}

static void every_size_and_rate_comes_close(void **state)
{
	static const unsigned int sizes[] = { 16, 17, 100, 123, 799, 801, 1080, 1366,
					      1921, 2999, 4097, 8192, 16383, 16384 };
	static const double rates[] = { 1, 7, 23.976, 24, 30, 50, 59.94, 60, 75, 100,
					144, 165, 240, 360, 999.5, 1000 };
	const size_t num = sizeof(sizes) / sizeof(sizes[0]);

	(void)state;
	for (size_t i = 0; i < num * num; i++) {
		unsigned int width = sizes[i / num], height = sizes[i % num];

		for (size_t j = 0; j < sizeof(rates) / sizeof(rates[0]); j++) {
			struct drm_mode_modeinfo mode = make(width, height, rates[j]);

			if (fabs(rate(&mode) / rates[j] - 1) > 0.0051)
				fail_msg("%ux%u@%g has %g Hz", width, height,
					 rates[j], rate(&mode));
		}
	}
}

static void fast_clocks_have_reduced_blanking(void **state)
{
	(void)state;
	assert_int_equal(make(5120, 2880, 60).htotal, 5120 + 160);
	assert_int_equal(make(5120, 2880, 60).flags, PN);
	assert_int_equal(make(1000, 700, 60).flags, NP);
}

static void sizes_and_rates_out_of_range_are_refused(void **state)
{
	struct drm_mode_modeinfo mode;

	(void)state;
	assert_int_equal(hf_mode_make(&mode, 15, 480, 60), -EINVAL);
	assert_int_equal(hf_mode_make(&mode, 640, 0, 60), -EINVAL);
	assert_int_equal(hf_mode_make(&mode, 16385, 480, 60), -EINVAL);
	assert_int_equal(hf_mode_make(&mode, 640, UINT_MAX, 60), -EINVAL);
	assert_int_equal(hf_mode_make(&mode, 640, 480, 0.99), -EINVAL);
	assert_int_equal(hf_mode_make(&mode, 640, 480, 1000.1), -EINVAL);
	assert_int_equal(hf_mode_make(&mode, 640, 480, -60), -EINVAL);
	assert_int_equal(hf_mode_make(&mode, 640, 480, NAN), -EINVAL);
	assert_int_equal(hf_mode_make(&mode, 640, 480, INFINITY), -EINVAL);
}

static void check_list(const struct drm_mode_modeinfo *modes, size_t num)
{
	const struct drm_mode_modeinfo *native = &modes[0];

	assert_int_equal(native->type,
			 DRM_MODE_TYPE_PREFERRED | DRM_MODE_TYPE_DRIVER);
	for (size_t i = 1; i < num; i++) {
		const struct drm_mode_modeinfo *a = &modes[i - 1], *b = &modes[i];

		assert_int_equal(hf_mode_check(b), 0);
		assert_int_equal(b->type, DRM_MODE_TYPE_DRIVER);
		assert_true(b->hdisplay <= native->hdisplay);
		assert_true(b->vdisplay <= native->vdisplay);
		for (size_t j = 0; j < i; j++)
			assert_false(b->hdisplay == modes[j].hdisplay &&
				     b->vdisplay == modes[j].vdisplay &&
				     b->vrefresh == modes[j].vrefresh);
		if (i == 1)
			continue;
		assert_true(a->hdisplay * a->vdisplay >= b->hdisplay * b->vdisplay);
		if (a->hdisplay * a->vdisplay == b->hdisplay * b->vdisplay &&
		    a->hdisplay == b->hdisplay)
			assert_true(a->vrefresh > b->vrefresh);
	}
}

static void a_list_is_the_native_mode_then_what_fits_sorted(void **state)
{
	struct drm_mode_modeinfo native = make(1920, 1080, 60), modes[100];
	size_t num = hf_mode_list(&native, modes, 100);

	(void)state;
	assert_true(num > 10 && num < 100);
	assert_true(hf_mode_equal(&modes[0], &native));
	check_list(modes, num);
	assert_string_equal(modes[num - 1].name, "640x480");
	for (size_t i = 0; i < num; i++)
		assert_true(modes[i].vrefresh <= 60);

	native = make(7680, 4320, 144);
	num = hf_mode_list(&native, modes, 100);
	check_list(modes, num);
	assert_true(num < 100);
	native = make(1080, 1920, 60);
	check_list(modes, hf_mode_list(&native, modes, 100));
	native = make(33, 16, 60);
	assert_int_equal(hf_mode_list(&native, modes, 100), 1);
}

static void a_short_list_has_the_largest_modes(void **state)
{
	struct drm_mode_modeinfo native = make(1920, 1080, 60), all[100], few[4];

	(void)state;
	hf_mode_list(&native, all, 100);
	assert_int_equal(hf_mode_list(&native, few, 4), 4);
	check_list(few, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(few[i].hdisplay * few[i].vdisplay,
				 all[i].hdisplay * all[i].vdisplay);
	assert_int_equal(hf_mode_list(&native, few, 1), 1);
	assert_int_equal(hf_mode_list(&native, few, 0), 0);
}

#define assert_refused(field, value, error) do { \
	struct drm_mode_modeinfo bad = make(1920, 1080, 60); \
	bad.field = value; \
	assert_int_equal(hf_mode_check(&bad), error); \
} while (0)

static void broken_modes_are_refused_as_the_kernel_does(void **state)
{
	(void)state;
	assert_refused(clock, 0, -EINVAL);
	assert_refused(clock, INT_MAX, 0);
	assert_refused(clock, (uint32_t)INT_MAX + 1, -ERANGE);
	assert_refused(vrefresh, UINT_MAX, -ERANGE);
	assert_refused(hdisplay, 0, -EINVAL);
	assert_refused(hdisplay, 2009, -EINVAL);
	assert_refused(hsync_start, 2053, -EINVAL);
	assert_refused(hsync_end, 2201, -EINVAL);
	assert_refused(htotal, 2051, -EINVAL);
	assert_refused(vdisplay, 0, -EINVAL);
	assert_refused(vdisplay, 1085, -EINVAL);
	assert_refused(vsync_start, 1090, -EINVAL);
	assert_refused(vsync_end, 1126, -EINVAL);
	assert_refused(vtotal, 0, -EINVAL);
	assert_refused(flags, DRM_MODE_FLAG_BCAST, -EINVAL);
	assert_refused(flags, DRM_MODE_FLAG_PIXMUX, -EINVAL);
	assert_refused(flags, 1u << 31, -EINVAL);
	assert_refused(flags, 9u << 14, -EINVAL);
	assert_refused(flags, DRM_MODE_FLAG_3D_SIDE_BY_SIDE_HALF, 0);
	assert_refused(flags, 5u << 19, -EINVAL);
	assert_refused(flags, DRM_MODE_FLAG_PIC_AR_256_135, 0);
	/* Without any blanking at all, or with an unknown type, it is fine. */
	assert_refused(hdisplay, 2008, 0);
	assert_refused(type, 0xffffffff, 0);
}

static void a_broken_clock_is_noticed_first(void **state)
{
	struct drm_mode_modeinfo mode = { .clock = UINT_MAX, .flags = UINT_MAX };

	(void)state;
	assert_int_equal(hf_mode_check(&mode), -ERANGE);
}

static void equality_is_of_timing_and_flags(void **state)
{
	struct drm_mode_modeinfo a = make(1280, 720, 60), b = a;

	(void)state;
	strcpy(b.name, "other");
	b.type = DRM_MODE_TYPE_USERDEF;
	b.vrefresh = 0;
	assert_true(hf_mode_equal(&a, &b));
	b.clock++;
	assert_false(hf_mode_equal(&a, &b));
	b = a, b.vtotal++;
	assert_false(hf_mode_equal(&a, &b));
	b = a, b.flags ^= DRM_MODE_FLAG_PHSYNC;
	assert_false(hf_mode_equal(&a, &b));
	b = a, b.vscan = 2;
	assert_false(hf_mode_equal(&a, &b));
}

static void frames_last_as_long_as_the_kernel_says(void **state)
{
	struct drm_mode_modeinfo mode = make(1920, 1080, 60);

	(void)state;
	assert_int_equal(hf_mode_frame_ns(&mode), 16666666);
	assert_int_equal(hf_mode_vrefresh(&mode), 60);
	mode.flags |= DRM_MODE_FLAG_INTERLACE;
	assert_int_equal(hf_mode_frame_ns(&mode), 8333333);
	assert_int_equal(hf_mode_vrefresh(&mode), 120);
	mode.flags = DRM_MODE_FLAG_DBLSCAN;
	assert_int_equal(hf_mode_frame_ns(&mode), 33333333);
	assert_int_equal(hf_mode_vrefresh(&mode), 30);
	mode.flags = 0;
	mode.vscan = 1;
	assert_int_equal(hf_mode_vrefresh(&mode), 60);
	mode.vscan = 4;
	assert_int_equal(hf_mode_frame_ns(&mode), 66666666);
	assert_int_equal(hf_mode_vrefresh(&mode), 15);
	assert_int_equal(make(1366, 768, 60).vrefresh, 60);
	assert_int_equal(make(800, 600, 56).vrefresh, 56);
}

static void absurd_modes_do_not_overflow(void **state)
{
	struct drm_mode_modeinfo mode = {
		.clock = 1, .htotal = UINT16_MAX, .vtotal = UINT16_MAX,
		.vscan = UINT16_MAX, .flags = DRM_MODE_FLAG_DBLSCAN,
	};

	(void)state;
	assert_int_equal(hf_mode_frame_ns(&mode), INT64_MAX);
	assert_int_equal(hf_mode_vrefresh(&mode), 0);
	mode.clock = INT_MAX;
	assert_int_equal(hf_mode_frame_ns(&mode),
			 (uint64_t)(65535.0L * 65535 * 65535 * 2 * 1000000 / INT_MAX));
	mode.clock = 0;
	assert_int_equal(hf_mode_frame_ns(&mode), 0);
	mode.htotal = 0;
	assert_int_equal(hf_mode_vrefresh(&mode), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_sizes_have_the_standards_timings),
		cmocka_unit_test(a_mode_is_named_after_its_size),
		cmocka_unit_test(television_rates_slow_the_clock_down),
		cmocka_unit_test(every_size_and_rate_comes_close),
		cmocka_unit_test(fast_clocks_have_reduced_blanking),
		cmocka_unit_test(sizes_and_rates_out_of_range_are_refused),
		cmocka_unit_test(a_list_is_the_native_mode_then_what_fits_sorted),
		cmocka_unit_test(a_short_list_has_the_largest_modes),
		cmocka_unit_test(broken_modes_are_refused_as_the_kernel_does),
		cmocka_unit_test(a_broken_clock_is_noticed_first),
		cmocka_unit_test(equality_is_of_timing_and_flags),
		cmocka_unit_test(frames_last_as_long_as_the_kernel_says),
		cmocka_unit_test(absurd_modes_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
