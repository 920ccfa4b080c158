// SPDX-License-Identifier: MIT
/*
 * Composing a plane of each format, with each blend mode, over another one at
 * 1080p; against the bare pixman calls where pixman has the format. What counts
 * is the worst of them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pixman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"
#include "drivers/soft/compose.h"

enum { WIDTH = 1920, HEIGHT = 1080, PIXELS = WIDTH * HEIGHT };

/* Among so many, one is disturbed now and then: it is measured again. */
#define SUSPICIOUS 1.15
#define ATTEMPTS 3

/* pixman's name for a format with alpha, and for the same without. */
static const struct equivalent {
	uint32_t fourcc;
	pixman_format_code_t code, opaque;
} equivalents[] = {
	{ DRM_FORMAT_XRGB4444, PIXMAN_x4r4g4b4, PIXMAN_x4r4g4b4 },
	{ DRM_FORMAT_XBGR4444, PIXMAN_x4b4g4r4, PIXMAN_x4b4g4r4 },
	{ DRM_FORMAT_ARGB4444, PIXMAN_a4r4g4b4, PIXMAN_x4r4g4b4 },
	{ DRM_FORMAT_ABGR4444, PIXMAN_a4b4g4r4, PIXMAN_x4b4g4r4 },
	{ DRM_FORMAT_XRGB1555, PIXMAN_x1r5g5b5, PIXMAN_x1r5g5b5 },
	{ DRM_FORMAT_XBGR1555, PIXMAN_x1b5g5r5, PIXMAN_x1b5g5r5 },
	{ DRM_FORMAT_ARGB1555, PIXMAN_a1r5g5b5, PIXMAN_x1r5g5b5 },
	{ DRM_FORMAT_ABGR1555, PIXMAN_a1b5g5r5, PIXMAN_x1b5g5r5 },
	{ DRM_FORMAT_RGB565, PIXMAN_r5g6b5, PIXMAN_r5g6b5 },
	{ DRM_FORMAT_BGR565, PIXMAN_b5g6r5, PIXMAN_b5g6r5 },
	{ DRM_FORMAT_RGB888, PIXMAN_r8g8b8, PIXMAN_r8g8b8 },
	{ DRM_FORMAT_BGR888, PIXMAN_b8g8r8, PIXMAN_b8g8r8 },
	{ DRM_FORMAT_XRGB8888, PIXMAN_x8r8g8b8, PIXMAN_x8r8g8b8 },
	{ DRM_FORMAT_XBGR8888, PIXMAN_x8b8g8r8, PIXMAN_x8b8g8r8 },
	{ DRM_FORMAT_RGBX8888, PIXMAN_r8g8b8x8, PIXMAN_r8g8b8x8 },
	{ DRM_FORMAT_BGRX8888, PIXMAN_b8g8r8x8, PIXMAN_b8g8r8x8 },
	{ DRM_FORMAT_ARGB8888, PIXMAN_a8r8g8b8, PIXMAN_x8r8g8b8 },
	{ DRM_FORMAT_ABGR8888, PIXMAN_a8b8g8r8, PIXMAN_x8b8g8r8 },
	{ DRM_FORMAT_RGBA8888, PIXMAN_r8g8b8a8, PIXMAN_r8g8b8x8 },
	{ DRM_FORMAT_BGRA8888, PIXMAN_b8g8r8a8, PIXMAN_b8g8r8x8 },
	{ DRM_FORMAT_XRGB2101010, PIXMAN_x2r10g10b10, PIXMAN_x2r10g10b10 },
	{ DRM_FORMAT_XBGR2101010, PIXMAN_x2b10g10r10, PIXMAN_x2b10g10r10 },
	{ DRM_FORMAT_ARGB2101010, PIXMAN_a2r10g10b10, PIXMAN_x2r10g10b10 },
	{ DRM_FORMAT_ABGR2101010, PIXMAN_a2b10g10r10, PIXMAN_x2b10g10r10 },
	/* BT.601 in limited range, as planes are by default. */
	{ DRM_FORMAT_YUYV, PIXMAN_yuy2, PIXMAN_yuy2 },
	{ DRM_FORMAT_YVU420, PIXMAN_yv12, PIXMAN_yv12 },
};

static const char *const blend_names[] = { "pre-multiplied", "coverage", "none" };

struct format_context {
	struct hf_compose_plane planes[2];
	uint8_t *memory;  /* of the plane on top */
	uint32_t *below, *target;
	pixman_format_code_t code; /* 0: pixman does not have it */
};

static const struct equivalent *find_equivalent(uint32_t fourcc)
{
	for (size_t i = 0; i < sizeof(equivalents) / sizeof(equivalents[0]); i++)
		if (equivalents[i].fourcc == fourcc)
			return &equivalents[i];
	return NULL;
}

static int context_init(struct format_context *context)
{
	size_t size = (size_t)PIXELS * 8; /* of the largest format */
	uint32_t random = 1;

	context->memory = malloc(size);
	context->below = malloc(PIXELS * 4);
	context->target = malloc(PIXELS * 4);
	if (!context->memory || !context->below || !context->target)
		return bench_fail("memory for planes");
	for (size_t i = 0; i < size; i++) {
		random = random * 1664525 + 1013904223;
		context->memory[i] = random >> 24;
	}
	memcpy(context->below, context->memory, PIXELS * 4);
	memset(context->target, 0, PIXELS * 4);
	return 0;
}

static void context_finish(struct format_context *context)
{
	free(context->target);
	free(context->below);
	free(context->memory);
}

static struct hf_compose_plane make_plane(const struct hf_format *format,
					  const void *memory, enum hf_blend blend)
{
	struct hf_compose_plane plane = {
		.format = format,
		.width = WIDTH, .height = HEIGHT,
		.src_w = WIDTH << 16, .src_h = HEIGHT << 16,
		.dst_w = WIDTH, .dst_h = HEIGHT,
		.alpha = 0xffff,
		.blend = blend,
		.rotation = DRM_MODE_ROTATE_0,
	};
	const uint8_t *at = memory;

	for (unsigned int i = 0; i < format->num_planes; i++) {
		plane.data[i] = at;
		plane.pitch[i] = hf_format_min_pitch(format, WIDTH, i);
		at += plane.pitch[i] * hf_format_plane_height(format, HEIGHT, i);
	}
	return plane;
}

static void set_format(struct format_context *context,
		       const struct hf_format *format, enum hf_blend blend)
{
	const struct equivalent *equivalent = find_equivalent(format->fourcc);

	context->planes[0] = make_plane(hf_format_info(DRM_FORMAT_XRGB8888),
					context->below, HF_BLEND_NONE);
	context->planes[1] = make_plane(format, context->memory, blend);
	context->code = 0;
	if (!equivalent || (format->has_alpha && blend == HF_BLEND_COVERAGE))
		return;
	context->code = blend == HF_BLEND_NONE ? equivalent->opaque :
						 equivalent->code;
}

static int format_ours(void *data, unsigned int count)
{
	struct format_context *context = data;
	const struct hf_compose_crtc crtc = { 0 };
	const struct hf_compose_target target = {
		.format = hf_format_info(DRM_FORMAT_XRGB8888),
		.pixels = context->target,
		.width = WIDTH, .height = HEIGHT, .pitch = WIDTH * 4,
	};
	int ret = 0;

	while (count-- && !ret)
		ret = hf_compose(&target, &crtc, context->planes, 2);
	return ret;
}

static void bare_plane(pixman_image_t *target, pixman_op_t op,
		       pixman_format_code_t code, void *memory, uint32_t pitch)
{
	pixman_image_t *image = pixman_image_create_bits_no_clear(
		code, WIDTH, HEIGHT, memory, pitch);

	pixman_image_composite32(op, image, NULL, target, 0, 0, 0, 0, 0, 0,
				 WIDTH, HEIGHT);
	pixman_image_unref(image);
}

/* As one would who knows that an opaque plane hides what is below. */
static int format_bare(void *data, unsigned int count)
{
	struct format_context *context = data;
	const struct hf_compose_plane *top = &context->planes[1];
	bool blended = PIXMAN_FORMAT_A(context->code);

	while (count--) {
		pixman_image_t *target = pixman_image_create_bits_no_clear(
			PIXMAN_x8r8g8b8, WIDTH, HEIGHT, context->target,
			WIDTH * 4);

		if (blended)
			bare_plane(target, PIXMAN_OP_SRC, PIXMAN_x8r8g8b8,
				   context->below, WIDTH * 4);
		bare_plane(target, blended ? PIXMAN_OP_OVER : PIXMAN_OP_SRC,
			   context->code, context->memory, top->pitch[0]);
		pixman_image_unref(target);
	}
	return 0;
}

static int nothing(void *data, unsigned int count)
{
	return 0;
}

static void print_format(const struct format_context *context,
			 const struct result *result)
{
	const struct hf_compose_plane *plane = &context->planes[1];
	uint32_t fourcc = plane->format->fourcc;

	printf("  %.4s %-14s %8.3f ms", (const char *)&fourcc,
	       plane->format->has_alpha ? blend_names[plane->blend] : "",
	       result->value / 1e6);
	if (context->code)
		printf(" %8.3f ms %8.3f", result->reference / 1e6,
		       result->value / result->reference);
	putchar('\n');
}

/* Measure what is set, and keep it where it is the worst. */
static int measure_format(struct format_context *context, bool quick,
			  struct result *worst)
{
	const struct contest contest = {
		.value = format_ours,
		.reference = context->code ? format_bare : nothing,
		.batches = quick ? 5 : 25,
		.count = 1,
		/* The worst of many: not of what else happened meanwhile. */
		.best = true,
	};
	struct result result;
	int ret, attempts = ATTEMPTS;

	do {
		ret = contest_run(&contest, context, &result);
		if (ret)
			return ret;
	} while (context->code && --attempts &&
		 result.value > SUSPICIOUS * result.reference);
	if (bench_verbose)
		print_format(context, &result);
	if (context->code && result.value * worst->reference >=
				     worst->value * result.reference)
		*worst = result;
	return 0;
}

int measure_compose_formats(struct result *result, bool quick)
{
	struct format_context context;
	const struct hf_format *format;
	int ret = context_init(&context);

	*result = (struct result){ 0, 1 };
	for (size_t i = 0; !ret && (format = hf_format_at(i)); i++) {
		int blend = format->has_alpha ? HF_BLEND_PREMULTIPLIED :
						HF_BLEND_NONE;

		for (; !ret && blend <= HF_BLEND_NONE; blend++) {
			set_format(&context, format, blend);
			ret = measure_format(&context, quick, result);
		}
	}
	context_finish(&context);
	result->value /= 1e6;
	result->reference /= 1e6;
	return ret;
}
