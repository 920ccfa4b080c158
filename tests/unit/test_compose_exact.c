/* SPDX-License-Identifier: MIT */
/*
 * Composition is exact: every format, blend mode, orientation, scale, opacity, colour
 * pipeline and target, against the reference of compose_reference.c. All of what
 * goes well together is tried, and for the rest each value meets many others.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/soft/compose.h"
#include "compose_fixture.h"
#include "compose_reference.h"

/* Of the range of a channel: floating point is that good. */
#define NOISE (0.05 / 65535)

/* A field of a target, from the lowest bit. */
struct field {
	uint8_t shift, bits;
};

/* As in drm_fourcc.h. The last field is alpha. */
static const struct target_format {
	uint32_t fourcc;
	unsigned int bytes;
	struct field fields[4];
} target_formats[] = {
	{ DRM_FORMAT_XRGB8888, 4, { { 16, 8 }, { 8, 8 }, { 0, 8 } } },
	{ DRM_FORMAT_ARGB8888, 4, { { 16, 8 }, { 8, 8 }, { 0, 8 }, { 24, 8 } } },
	{ DRM_FORMAT_XBGR8888, 4, { { 0, 8 }, { 8, 8 }, { 16, 8 } } },
	{ DRM_FORMAT_ABGR8888, 4, { { 0, 8 }, { 8, 8 }, { 16, 8 }, { 24, 8 } } },
	{ DRM_FORMAT_RGBA8888, 4, { { 24, 8 }, { 16, 8 }, { 8, 8 }, { 0, 8 } } },
	{ DRM_FORMAT_RGB565, 2, { { 11, 5 }, { 5, 6 }, { 0, 5 } } },
	{ DRM_FORMAT_ARGB1555, 2, { { 10, 5 }, { 5, 5 }, { 0, 5 }, { 15, 1 } } },
	{ DRM_FORMAT_XRGB2101010, 4, { { 20, 10 }, { 10, 10 }, { 0, 10 } } },
	{ DRM_FORMAT_ARGB2101010, 4,
	  { { 20, 10 }, { 10, 10 }, { 0, 10 }, { 30, 2 } } },
	{ DRM_FORMAT_XRGB16161616, 8, { { 32, 16 }, { 16, 16 }, { 0, 16 } } },
	{ DRM_FORMAT_ARGB16161616, 8,
	  { { 32, 16 }, { 16, 16 }, { 0, 16 }, { 48, 16 } } },
	{ DRM_FORMAT_XBGR16161616, 8, { { 0, 16 }, { 16, 16 }, { 32, 16 } } },
	{ DRM_FORMAT_ABGR16161616, 8,
	  { { 0, 16 }, { 16, 16 }, { 32, 16 }, { 48, 16 } } },
};

enum { NUM_TARGETS = sizeof(target_formats) / sizeof(target_formats[0]) };

/* The LUTs that pictures go through. */
static struct drm_color_lut curve_256[256], curve_4096[4096], steep_33[33],
	random_4096[4096], inverse_2[2], straight_1024[1024];

#define ONE (UINT64_C(1) << 32)
#define MINUS (UINT64_C(1) << 63)

static const struct drm_color_ctm identity = { { ONE, 0, 0, 0, ONE, 0, 0, 0, ONE } };
static const struct drm_color_ctm swapped = { { 0, ONE, 0, 0, 0, ONE, ONE, 0, 0 } };
/* More and less than there is, and a zero with a sign. */
static const struct drm_color_ctm vivid = {
	{ 3 * ONE / 2, MINUS | ONE / 4, MINUS | ONE / 4, MINUS | ONE / 3,
	  5 * ONE / 3, MINUS | ONE / 3, MINUS, MINUS | ONE, 2 * ONE + ONE / 7 }
};
static const struct drm_color_ctm grey = {
	{ ONE / 3, ONE / 3, ONE / 3, ONE / 5, ONE / 2, ONE / 7, 1, ONE - 1, 0 }
};

#define LUT(name) name, sizeof(name) / sizeof(name[0])

static const struct hf_compose_crtc colors[] = {
	{ { 0 }, NULL, 0, NULL, NULL, 0 },
	{ { 0x1234, 0x8000, 0xfedc }, NULL, 0, NULL, NULL, 0 },
	{ { 0xffff, 0, 0x0100 }, NULL, 0, NULL, LUT(curve_256) },
	{ { 0 }, NULL, 0, NULL, LUT(random_4096) },
	{ { 0x8080, 0x8080, 0x8080 }, LUT(steep_33), NULL, NULL, 0 },
	{ { 0 }, NULL, 0, &vivid, NULL, 0 },
	{ { 0xaaaa, 0x5555, 0 }, LUT(curve_4096), &identity, LUT(curve_256) },
	{ { 0 }, LUT(curve_256), &swapped, LUT(inverse_2) },
	{ { 1, 2, 3 }, LUT(inverse_2), &vivid, LUT(steep_33) },
	{ { 0 }, LUT(straight_1024), &grey, LUT(random_4096) },
	{ { 0xffff, 0xffff, 0xffff }, LUT(random_4096), NULL, LUT(curve_4096) },
};

enum { NUM_COLORS = sizeof(colors) / sizeof(colors[0]) };

static uint16_t power(double value, double exponent)
{
	return lround(pow(value, exponent) * 65535);
}

static struct drm_color_lut entry(uint16_t red, uint16_t green, uint16_t blue)
{
	return (struct drm_color_lut){ .red = red, .green = green, .blue = blue };
}

static int make_luts(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		double x = i / 255.0;

		curve_256[i] = entry(power(x, 1 / 2.2), power(x, 0.9), power(x, 2));
	}
	for (int i = 0; i < 4096; i++) {
		double x = i / 4095.0;

		curve_4096[i] = entry(power(x, 2.2), power(x, 0.5), power(x, 1.1));
		random_4096[i] = entry(next_random(), next_random(), next_random());
	}
	for (int i = 0; i < 33; i++)
		steep_33[i] = entry(next_random(), next_random(), i % 2 ? 0xffff : 0);
	for (int i = 0; i < 1024; i++)
		straight_1024[i] = entry(power(i / 1023.0, 1), power(i / 1023.0, 1),
					 power(i / 1023.0, 1));
	inverse_2[0] = entry(0xffff, 0xffff, 0xff00);
	inverse_2[1] = entry(0, 0x100, 0);
	return 0;
}

static uint32_t code_of(const uint8_t *pixel, unsigned int bytes,
			struct field field)
{
	uint64_t word = 0;

	for (unsigned int i = bytes; i--;)
		word = word << 8 | pixel[i];
	return word >> field.shift & ((1u << field.bits) - 1);
}

/* Half a code for rounding; a whole one where pixman may have been at work. */
static double tolerance_of(const struct target_format *format)
{
	return format->fourcc == DRM_FORMAT_XRGB8888 ||
	       format->fourcc == DRM_FORMAT_ARGB8888 ? 1.001 : 0.505;
}

static void check_pixel(const struct target_format *format, const uint8_t *pixel,
			const struct color_range *want, int x, int y)
{
	double tolerance = tolerance_of(format);
	struct field alpha = format->fields[3];

	for (int c = 0; c < 3; c++) {
		struct field field = format->fields[c];
		uint32_t code = code_of(pixel, format->bytes, field);
		double max = (1u << field.bits) - 1;

		/* Noise is more than a hundredth of the finest codes. */
		if (code < (want->low[c] - NOISE) * max - tolerance ||
		    code > (want->high[c] + NOISE) * max + tolerance)
			fail_msg("channel %d of %d,%d in %.4s is %u, not %.3f..%.3f",
				 c, x, y, (const char *)&format->fourcc, code,
				 want->low[c] * max, want->high[c] * max);
	}
	if (alpha.bits)
		assert_int_equal(code_of(pixel, format->bytes, alpha),
				 (1u << alpha.bits) - 1);
}

/* Composes to memory that is as large as it must be, then looks at all of it. */
static void check(const struct target_format *format, uint32_t width,
		  uint32_t height, const struct hf_compose_crtc *crtc,
		  const struct hf_compose_plane *planes, size_t num)
{
	struct hf_compose_target target = {
		.format = hf_format_info(format->fourcc),
		.pixels = malloc((size_t)width * height * format->bytes),
		.width = width, .height = height,
		.pitch = width * format->bytes,
	};
	const uint8_t *pixel = target.pixels;

	assert_non_null(target.pixels);
	assert_int_equal(hf_compose(&target, crtc, planes, num), 0);
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++, pixel += format->bytes) {
			struct color_range want = compose_reference_range(
				crtc, planes, num, x, y, NOISE);

			check_pixel(format, pixel, &want, x, y);
		}
	}
	free(target.pixels);
}

static const uint16_t alphas[] = { 0xffff, 0x7b31, 0xffff, 0x0101, 0xfffe };

enum { NUM_ALPHAS = sizeof(alphas) / sizeof(alphas[0]) };

/* Four turns, each with and without two reflections. */
static uint8_t orientation(unsigned int i)
{
	return DRM_MODE_ROTATE_0 << i % 4 |
	       (i & 4 ? DRM_MODE_REFLECT_X : 0) | (i & 8 ? DRM_MODE_REFLECT_Y : 0);
}

static bool swaps_axes(uint8_t rotation)
{
	return rotation & (DRM_MODE_ROTATE_90 | DRM_MODE_ROTATE_270);
}

enum scale { UNSCALED, ENLARGED, SHRUNK, NEAREST, CUT, NUM_SCALES };

static void set_scale(struct hf_compose_plane *plane, enum scale scale)
{
	uint32_t width = plane->width, height = plane->height;
	bool swap = swaps_axes(plane->rotation);

	plane->nearest = scale == NEAREST;
	switch (scale) {
	case ENLARGED:
	case NEAREST:
		plane->dst_w = 17;
		plane->dst_h = 23;
		return;
	case SHRUNK:
		plane->dst_w = 7;
		plane->dst_h = 5;
		return;
	case CUT:
		/* Whole pixels, from where chroma is in the middle of a pair. */
		plane->src_x = 3 << 16;
		plane->src_y = 1 << 16;
		plane->src_w = (width -= 5) << 16;
		plane->src_h = (height -= 2) << 16;
		break;
	default:
		break;
	}
	plane->dst_w = swap ? height : width;
	plane->dst_h = swap ? width : height;
}

/* One plane over another; what is not given is taken in turns. */
static void check_combination(uint32_t fourcc, enum hf_blend blend,
			      uint8_t rotation, enum scale scale)
{
	static unsigned int turn;
	struct hf_compose_plane planes[2];
	struct buffer below, above;

	turn++;
	make_buffer(&below, turn % 3 ? DRM_FORMAT_XRGB8888 :
				       DRM_FORMAT_ABGR16161616, 16, 12);
	make_buffer(&above, fourcc, 13, 9);
	planes[0] = below.plane;
	planes[0].dst_x = 2;
	planes[1] = above.plane;
	planes[1].blend = blend;
	planes[1].rotation = rotation;
	planes[1].alpha = alphas[turn / 2 % NUM_ALPHAS];
	planes[1].encoding = turn % 3;
	planes[1].full_range = turn % 5 < 2;
	planes[1].dst_x = (int)(turn % 9) - 4;
	planes[1].dst_y = (int)(turn % 11) - 3;
	set_scale(&planes[1], scale);
	check(&target_formats[turn % NUM_TARGETS], 18, 14,
	      &colors[turn % NUM_COLORS], planes, 2);
	free_buffer(&above);
	free_buffer(&below);
}

static void formats_blends_orientations_and_scales_go_together(void **state)
{
	(void)state;
	for (size_t i = 0; hf_format_at(i); i++)
		for (int blend = 0; blend <= HF_BLEND_NONE; blend++)
			for (int o = 0; o < 16; o++)
				for (int scale = 0; scale < NUM_SCALES; scale++)
					check_combination(hf_format_at(i)->fourcc,
							  blend, orientation(o),
							  scale);
}

static void formats_blends_and_opacities_go_together(void **state)
{
	(void)state;
	for (size_t i = 0; hf_format_at(i); i++) {
		struct hf_compose_plane planes[2];
		struct buffer below, above;

		make_buffer(&below, DRM_FORMAT_XRGB8888, 9, 7);
		make_buffer(&above, hf_format_at(i)->fourcc, 9, 7);
		for (int j = 0; j < NUM_ALPHAS * 3; j++) {
			planes[0] = below.plane;
			planes[1] = above.plane;
			planes[1].blend = j % 3;
			planes[1].alpha = alphas[j / 3];
			for (int t = 0; t < NUM_TARGETS; t += 3)
				check(&target_formats[t], 9, 7, &colors[0], planes, 2);
		}
		free_buffer(&above);
		free_buffer(&below);
	}
}

static void formats_and_colors_go_together(void **state)
{
	(void)state;
	for (size_t i = 0; hf_format_at(i); i++) {
		struct buffer buffer;

		make_buffer(&buffer, hf_format_at(i)->fourcc, 9, 7);
		for (int c = 0; c < NUM_COLORS; c++)
			for (int t = 2; t < NUM_TARGETS; t += 3)
				check(&target_formats[t], 11, 8, &colors[c],
				      &buffer.plane, 1);
		free_buffer(&buffer);
	}
}

static void targets_and_colors_go_together(void **state)
{
	struct buffer buffer;

	(void)state;
	make_buffer(&buffer, DRM_FORMAT_ARGB16161616, 40, 30);
	buffer.plane.blend = HF_BLEND_COVERAGE;
	for (int t = 0; t < NUM_TARGETS; t++)
		for (int c = 0; c < NUM_COLORS; c++)
			check(&target_formats[t], 41, 29, &colors[c], &buffer.plane,
			      1);
	free_buffer(&buffer);
}

/* Every code, of which the 16-bit ones come out as they went in. */
static void all_codes_of_16_bits_are_kept(void **state)
{
	const struct hf_compose_crtc crtc = { 0 };
	uint16_t *pixels = calloc(65536, 8), *out = calloc(65536, 8);
	struct hf_compose_plane plane = {
		.format = hf_format_info(DRM_FORMAT_XBGR16161616),
		.data = { pixels }, .pitch = { 256 * 8 }, .width = 256, .height = 256,
		.src_w = 256 << 16, .src_h = 256 << 16, .dst_w = 256, .dst_h = 256,
		.alpha = 0xffff,
	};
	const struct hf_compose_target target = {
		.format = plane.format, .pixels = out, .width = 256, .height = 256,
		.pitch = 256 * 8,
	};

	(void)state;
	for (int i = 0; i < 65536; i++) {
		pixels[4 * i] = i;
		pixels[4 * i + 1] = 65535 - i;
		pixels[4 * i + 2] = i * 257;
		pixels[4 * i + 3] = 0xffff;
	}
	assert_int_equal(hf_compose(&target, &crtc, &plane, 1), 0);
	assert_memory_equal(out, pixels, 65536 * 8);
	plane.format = hf_format_info(DRM_FORMAT_ABGR16161616);
	memset(out, 0, 65536 * 8);
	assert_int_equal(hf_compose(&target, &crtc, &plane, 1), 0);
	assert_memory_equal(out, pixels, 65536 * 8);
	free(out);
	free(pixels);
}

static void random_plane(struct buffer *buffer, uint32_t width, uint32_t height)
{
	struct hf_compose_plane *plane = &buffer->plane;
	size_t num_formats = 0;

	while (hf_format_at(num_formats))
		num_formats++;
	make_buffer(buffer, hf_format_at(next_random() % num_formats)->fourcc,
		    1 + next_random() % (2 * width), 1 + next_random() % (2 * height));
	plane->rotation = orientation(next_random());
	plane->blend = next_random() % 3;
	plane->alpha = next_random() % 3 ? 0xffff : next_random();
	plane->encoding = next_random() % 3;
	plane->full_range = next_random() & 1;
	plane->nearest = next_random() & 1;
	plane->dst_x = (int)(next_random() % width) - (int)width / 3;
	plane->dst_y = (int)(next_random() % height) - (int)height / 3;
	if (next_random() % 3) {
		bool swap = swaps_axes(plane->rotation);

		plane->dst_w = swap ? plane->height : plane->width;
		plane->dst_h = swap ? plane->width : plane->height;
		return;
	}
	plane->dst_w = 1 + next_random() % width;
	plane->dst_h = 1 + next_random() % height;
	plane->src_x = next_random() % plane->src_w;
	plane->src_y = next_random() % plane->src_h;
	plane->src_w = 1 + next_random() % (plane->src_w - plane->src_x);
	plane->src_h = 1 + next_random() % (plane->src_h - plane->src_y);
}

/* Lines of more than a run, and several planes that end anywhere. */
static void random_pictures_are_exact(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++) {
		uint32_t width = 1 + next_random() % (i % 2 ? 700 : 40);
		uint32_t height = 1 + next_random() % (i % 2 ? 4 : 40);
		struct hf_compose_plane planes[5];
		struct buffer buffers[5];
		int num = next_random() % 6;

		for (int j = 0; j < num; j++) {
			random_plane(&buffers[j], width, height);
			planes[j] = buffers[j].plane;
		}
		check(&target_formats[next_random() % NUM_TARGETS], width, height,
		      &colors[next_random() % NUM_COLORS], planes, num);
		for (int j = 0; j < num; j++)
			free_buffer(&buffers[j]);
	}
}

/* Pictures that pixman may compose, up to the number of planes where it must not. */
static void stacks_of_8_bit_planes_are_exact(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++) {
		struct hf_compose_plane planes[6];
		struct buffer buffers[6];
		struct hf_compose_crtc crtc = { .background = { 0x1010, 0xffff, 0 } };

		for (int j = 0; j < 6; j++) {
			make_buffer(&buffers[j], next_random() % 3 ?
					    DRM_FORMAT_ARGB8888 : DRM_FORMAT_XRGB8888,
				    30, 20);
			planes[j] = buffers[j].plane;
			planes[j].rotation = orientation(next_random() & 14);
			planes[j].blend = next_random() % 4 ? HF_BLEND_PREMULTIPLIED :
							      HF_BLEND_NONE;
			planes[j].dst_x = next_random() % 8;
		}
		for (int num = 0; num <= 6; num++)
			check(&target_formats[i % 2], 33, 21, &crtc, planes, num);
		for (int j = 0; j < 6; j++)
			free_buffer(&buffers[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_blends_orientations_and_scales_go_together),
		cmocka_unit_test(formats_blends_and_opacities_go_together),
		cmocka_unit_test(formats_and_colors_go_together),
		cmocka_unit_test(targets_and_colors_go_together),
		cmocka_unit_test(all_codes_of_16_bits_are_kept),
		cmocka_unit_test(random_pictures_are_exact),
		cmocka_unit_test(stacks_of_8_bit_planes_are_exact),
	};

	return cmocka_run_group_tests(tests, make_luts, NULL);
}
