/* SPDX-License-Identifier: MIT */
/*
 * CRCs of pictures, against zlib's over what is composed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "drivers/soft/compose.h"
#include "compose_fixture.h"

static const struct hf_compose_crtc plain;

static uint32_t crc_of(uint32_t width, uint32_t height,
		       const struct hf_compose_crtc *crtc,
		       const struct hf_compose_plane *planes, size_t num)
{
	uint32_t crc;

	assert_int_equal(hf_compose_crc(width, height, crtc, planes, num, &crc), 0);
	return crc;
}

/* As hf_compose_crc() says that it is. */
static uint32_t expected_crc(uint32_t width, uint32_t height,
			     const struct hf_compose_crtc *crtc,
			     const struct hf_compose_plane *planes, size_t num)
{
	struct hf_compose_target target = {
		.format = hf_format_info(DRM_FORMAT_XBGR16161616),
		.pixels = calloc(height, (size_t)width * 8),
		.width = width, .height = height, .pitch = width * 8,
	};
	uint32_t crc;

	assert_non_null(target.pixels);
	assert_int_equal(hf_compose(&target, crtc, planes, num), 0);
	crc = crc32(0, target.pixels, width * height * 8);
	free(target.pixels);
	return crc;
}

static void the_crc_is_zlibs(void **state)
{
	static const uint32_t widths[] = { 1, 2, 7, 144, 145, 146, 239, 240, 241,
					   290, 299, 300, 301, 1000 };
	static const uint32_t heights[] = { 1, 2, 3, 41, 310 };

	(void)state;
	for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
		for (size_t h = 0; h < sizeof(heights) / sizeof(heights[0]); h++) {
			struct buffer buffer;

			make_buffer(&buffer, DRM_FORMAT_ARGB8888, widths[w],
				    heights[h]);
			assert_int_equal(
				crc_of(widths[w], heights[h], &plain,
				       &buffer.plane, 1),
				expected_crc(widths[w], heights[h], &plain,
					     &buffer.plane, 1));
			free_buffer(&buffer);
		}
	}
}

static void colors_and_background_are_in_the_crc(void **state)
{
	const struct drm_color_lut lut[2] = { { 0xffff, 0x8000, 0, 0 },
					      { 0, 0xffff, 0x1000, 0 } };
	const struct drm_color_ctm ctm = { .matrix = { [2] = UINT64_C(1) << 32 } };
	struct hf_compose_crtc crtc = { 0 };
	struct buffer buffer;
	uint32_t last;

	(void)state;
	make_buffer(&buffer, DRM_FORMAT_NV12, 30, 20);
	last = crc_of(33, 21, &crtc, &buffer.plane, 1);
	for (int i = 0; i < 4; i++) {
		uint32_t crc;

		crtc.background[1] = i ? 0x1234 : 1;
		crtc.gamma = i > 0 ? lut : NULL;
		crtc.gamma_size = 2;
		crtc.ctm = i > 1 ? &ctm : NULL;
		crtc.degamma = i > 2 ? lut : NULL;
		crtc.degamma_size = 2;
		crc = crc_of(33, 21, &crtc, &buffer.plane, 1);
		assert_int_equal(crc, expected_crc(33, 21, &crtc, &buffer.plane, 1));
		assert_int_not_equal(crc, last);
		last = crc;
	}
	free_buffer(&buffer);
}

/* The same colours as another format. */
static void convert(const struct buffer *from, struct buffer *to, bool wide)
{
	const uint32_t *pixels = from->memory[0];
	size_t count = from->plane.width * from->plane.height;
	uint16_t *words = to->memory[0];
	uint8_t *bytes = to->memory[0];

	for (size_t i = 0; i < count; i++) {
		for (int c = 0; c < 3; c++) {
			uint8_t value = pixels[i] >> 8 * c;

			if (wide)
				words[4 * i + c] = value * 257;
			else
				bytes[3 * i + c] = value;
		}
	}
}

static void the_same_picture_has_the_same_crc(void **state)
{
	struct buffer first, packed, wide;
	uint32_t crc, *moved;

	(void)state;
	make_buffer(&first, DRM_FORMAT_XRGB8888, 50, 40);
	make_buffer(&packed, DRM_FORMAT_RGB888, 50, 40);
	make_buffer(&wide, DRM_FORMAT_XRGB16161616, 50, 40);
	convert(&first, &packed, false);
	convert(&first, &wide, true);
	crc = crc_of(50, 40, &plain, &first.plane, 1);
	assert_int_equal(crc_of(50, 40, &plain, &packed.plane, 1), crc);
	assert_int_equal(crc_of(50, 40, &plain, &wide.plane, 1), crc);

	/* In longer lines, and as the lower of two halves. */
	moved = calloc(80 * 90, 4);
	assert_non_null(moved);
	for (int y = 0; y < 40; y++)
		memcpy(moved + (y + 45) * 80 + 7, (uint32_t *)first.memory[0] + 50 * y,
		       50 * 4);
	first.plane.data[0] = moved;
	first.plane.pitch[0] = 80 * 4;
	first.plane.width = 80;
	first.plane.height = 90;
	first.plane.src_x = 7 << 16;
	first.plane.src_y = 45 << 16;
	assert_int_equal(crc_of(50, 40, &plain, &first.plane, 1), crc);
	moved[50 * 80 + 30] ^= 1;
	assert_int_not_equal(crc_of(50, 40, &plain, &first.plane, 1), crc);
	free(moved);
	free_buffer(&wide);
	free_buffer(&packed);
	free_buffer(&first);
}

static void the_smallest_change_changes_it(void **state)
{
	struct buffer buffer;
	uint16_t *words;
	uint32_t crc;

	(void)state;
	make_buffer(&buffer, DRM_FORMAT_XRGB16161616, 700, 5);
	words = buffer.memory[0];
	crc = crc_of(700, 5, &plain, &buffer.plane, 1);
	for (int i = 0; i < 700 * 5; i += 97) {
		words[4 * i + i % 3] ^= 1;
		assert_int_not_equal(crc_of(700, 5, &plain, &buffer.plane, 1), crc);
		words[4 * i + i % 3] ^= 1;
	}
	assert_int_equal(crc_of(700, 5, &plain, &buffer.plane, 1), crc);
	free_buffer(&buffer);
}

static void an_empty_picture_has_one_too(void **state)
{
	(void)state;
	assert_int_equal(crc_of(640, 480, &plain, NULL, 0),
			 expected_crc(640, 480, &plain, NULL, 0));
}

static void impossible_arguments_are_refused(void **state)
{
	struct hf_compose_crtc crtc = { .degamma_size = 1 };
	const struct drm_color_lut lut[1] = { { 0 } };
	struct buffer buffer;
	uint32_t crc;

	(void)state;
	make_buffer(&buffer, DRM_FORMAT_XRGB8888, 4, 4);
	assert_int_equal(hf_compose_crc(0, 1, &plain, NULL, 0, &crc), -EINVAL);
	assert_int_equal(hf_compose_crc(1, 16385, &plain, NULL, 0, &crc), -EINVAL);
	buffer.plane.pitch[0] = 15;
	assert_int_equal(hf_compose_crc(4, 4, &plain, &buffer.plane, 1, &crc),
			 -EINVAL);
	crtc.degamma = lut;
	assert_int_equal(hf_compose_crc(4, 4, &crtc, NULL, 0, &crc), -EINVAL);
	free_buffer(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_crc_is_zlibs),
		cmocka_unit_test(colors_and_background_are_in_the_crc),
		cmocka_unit_test(the_same_picture_has_the_same_crc),
		cmocka_unit_test(the_smallest_change_changes_it),
		cmocka_unit_test(an_empty_picture_has_one_too),
		cmocka_unit_test(impossible_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
