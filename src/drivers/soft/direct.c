/* SPDX-License-Identifier: MIT */
/*
 * Composition by pixman. It works with 8 bits a channel, rounds after each plane and
 * widens fields of 5 and 6 bits by repeating their bits; so pictures that all this
 * could put off by more than one code are not for it. Others are composed at once
 * and where they are: nothing is copied.
 *
 * The caller owns all memory. No state, no lock.
 */
#include <errno.h>
#include <limits.h>

#include <pixman.h>

#include "drivers/soft/color.h"
#include "drivers/soft/direct.h"
#include "drivers/soft/view.h"

/* pixman's limit on the sizes of an image, and on what it walks beyond them. */
#define PIXMAN_MAX_SIZE 32766

/* How far pixman may be off, in tenths of a code: for a blended plane, in all. */
enum { BLEND_ERROR = 5, MAX_ERROR = 10 };

/* What pixman reads; the second code ignores the alpha; error as above. */
static const struct pixman_code {
	uint32_t fourcc;
	pixman_format_code_t code, opaque;
	int error;
} pixman_codes[] = {
	{ DRM_FORMAT_XRGB8888, PIXMAN_x8r8g8b8, PIXMAN_x8r8g8b8, 0 },
	{ DRM_FORMAT_ARGB8888, PIXMAN_a8r8g8b8, PIXMAN_x8r8g8b8, 0 },
	{ DRM_FORMAT_XBGR8888, PIXMAN_x8b8g8r8, PIXMAN_x8b8g8r8, 0 },
	{ DRM_FORMAT_ABGR8888, PIXMAN_a8b8g8r8, PIXMAN_x8b8g8r8, 0 },
	{ DRM_FORMAT_RGBX8888, PIXMAN_r8g8b8x8, PIXMAN_r8g8b8x8, 0 },
	{ DRM_FORMAT_RGBA8888, PIXMAN_r8g8b8a8, PIXMAN_r8g8b8x8, 0 },
	{ DRM_FORMAT_BGRX8888, PIXMAN_b8g8r8x8, PIXMAN_b8g8r8x8, 0 },
	{ DRM_FORMAT_BGRA8888, PIXMAN_b8g8r8a8, PIXMAN_b8g8r8x8, 0 },
	{ DRM_FORMAT_RGB888, PIXMAN_r8g8b8, PIXMAN_r8g8b8, 0 },
	{ DRM_FORMAT_BGR888, PIXMAN_b8g8r8, PIXMAN_b8g8r8, 0 },
	{ DRM_FORMAT_RGB565, PIXMAN_r5g6b5, PIXMAN_r5g6b5, 8 },
	{ DRM_FORMAT_BGR565, PIXMAN_b5g6r5, PIXMAN_b5g6r5, 8 },
	{ DRM_FORMAT_XRGB1555, PIXMAN_x1r5g5b5, PIXMAN_x1r5g5b5, 8 },
	{ DRM_FORMAT_ARGB1555, PIXMAN_a1r5g5b5, PIXMAN_x1r5g5b5, 8 },
	{ DRM_FORMAT_XBGR1555, PIXMAN_x1b5g5r5, PIXMAN_x1b5g5r5, 8 },
	{ DRM_FORMAT_ABGR1555, PIXMAN_a1b5g5r5, PIXMAN_x1b5g5r5, 8 },
	{ DRM_FORMAT_XRGB4444, PIXMAN_x4r4g4b4, PIXMAN_x4r4g4b4, 0 },
	{ DRM_FORMAT_ARGB4444, PIXMAN_a4r4g4b4, PIXMAN_x4r4g4b4, 0 },
	{ DRM_FORMAT_XBGR4444, PIXMAN_x4b4g4r4, PIXMAN_x4b4g4r4, 0 },
	{ DRM_FORMAT_ABGR4444, PIXMAN_a4b4g4r4, PIXMAN_x4b4g4r4, 0 },
};

static const struct pixman_code *find_code(uint32_t fourcc)
{
	for (size_t i = 0; i < sizeof(pixman_codes) / sizeof(pixman_codes[0]); i++)
		if (pixman_codes[i].fourcc == fourcc)
			return &pixman_codes[i];
	return NULL;
}

static bool hides_everything(const struct hf_compose_target *target,
			     const struct hf_compose_plane *plane)
{
	struct hf_view view;

	return hf_plane_opaque(plane) && plane->alpha == 0xffff &&
	       hf_view_find(&view, plane, target->width, target->height) &&
	       view.width == target->width && view.height == target->height;
}

/* The lowest plane to show. Return: whether it hides all that is below. */
static bool find_lowest(const struct hf_compose_target *target,
			const struct hf_compose_plane *planes, size_t num_planes,
			size_t *lowest)
{
	for (*lowest = num_planes; (*lowest)--;)
		if (hides_everything(target, &planes[*lowest]))
			return true;
	*lowest = 0;
	return false;
}

/* 8-bit words, as pixman wants them to lie in memory. */
static bool target_possible(const struct hf_compose_target *target)
{
	if (target->format->fourcc != DRM_FORMAT_XRGB8888 &&
	    target->format->fourcc != DRM_FORMAT_ARGB8888)
		return false;
	if ((uintptr_t)target->pixels % 4 || target->pitch % 4)
		return false;
	return (uint64_t)target->pitch * target->height <= INT_MAX;
}

/* Tenths of a code that a plane may be off; more than MAX_ERROR if it cannot be. */
static int plane_error(const struct hf_compose_plane *plane,
		       const struct hf_view *view)
{
	const struct pixman_code *code = find_code(plane->format->fourcc);
	struct hf_source source;

	if (!code || plane->alpha != 0xffff ||
	    !hf_plane_source(plane, hf_plane_orientation(plane), view, &source))
		return INT_MAX / 2;
	if ((uintptr_t)plane->data[0] % 4 || plane->pitch[0] % 4 ||
	    source.x + source.width > PIXMAN_MAX_SIZE ||
	    (uint64_t)plane->pitch[0] * source.height > INT_MAX)
		return INT_MAX / 2;
	if (hf_plane_opaque(plane))
		return code->error;
	if (plane->blend == HF_BLEND_COVERAGE)
		return INT_MAX / 2;
	return code->error + BLEND_ERROR;
}

static bool background_possible(const struct hf_compose_crtc *crtc)
{
	for (int i = 0; i < 3; i++)
		if (crtc->background[i] % 257)
			return false;
	return true;
}

bool hf_direct_possible(const struct hf_compose_target *target,
			const struct hf_compose_crtc *crtc,
			const struct hf_compose_plane *planes, size_t num_planes)
{
	struct hf_view view;
	int error = 0;
	size_t lowest;

	if (!target_possible(target) || hf_color_needed(crtc))
		return false;
	if (!find_lowest(target, planes, num_planes, &lowest) &&
	    !background_possible(crtc))
		return false;
	for (size_t i = lowest; i < num_planes && error <= MAX_ERROR; i++)
		if (hf_view_find(&view, &planes[i], target->width,
				 target->height))
			error += plane_error(&planes[i], &view);
	return error <= MAX_ERROR;
}

/* From pixels of the view to pixels of the source, which starts at its y. */
static int set_orientation(pixman_image_t *image, struct hf_orientation o,
			   const struct hf_source *source)
{
	pixman_fixed_t x = o.flip_x ? -pixman_fixed_1 : pixman_fixed_1;
	pixman_fixed_t y = o.flip_y ? -pixman_fixed_1 : pixman_fixed_1;
	pixman_transform_t transform = { { { 0 } } };

	if (!o.swap && !o.flip_x && !o.flip_y)
		return 0;

	transform.matrix[0][o.swap ? 1 : 0] = x;
	transform.matrix[1][o.swap ? 0 : 1] = y;
	transform.matrix[0][2] = pixman_int_to_fixed(
		(int)(source->x + (o.flip_x ? source->width : 0)));
	transform.matrix[1][2] =
		pixman_int_to_fixed(o.flip_y ? (int)source->height : 0);
	transform.matrix[2][2] = pixman_fixed_1;
	return pixman_image_set_transform(image, &transform) ? 0 : -ENOMEM;
}

static int show_plane(pixman_image_t *picture,
		      const struct hf_compose_plane *plane,
		      const struct hf_view *view)
{
	const struct pixman_code *code = find_code(plane->format->fourcc);
	struct hf_orientation o = hf_plane_orientation(plane);
	bool turned = o.swap || o.flip_x || o.flip_y;
	bool opaque = hf_plane_opaque(plane);
	struct hf_source source;
	pixman_image_t *image;
	const uint8_t *data;
	int ret;

	/* pixman does not write to a source; its interface just says so. */
	hf_plane_source(plane, o, view, &source);
	data = (const uint8_t *)plane->data[0] +
	       (size_t)source.y * plane->pitch[0];
	image = pixman_image_create_bits_no_clear(
		opaque ? code->opaque : code->code, source.x + source.width,
		source.height, (uint32_t *)data, plane->pitch[0]);
	if (!image)
		return -ENOMEM;

	ret = set_orientation(image, o, &source);
	if (!ret)
		pixman_image_composite32(opaque ? PIXMAN_OP_SRC : PIXMAN_OP_OVER,
					 image, NULL, picture,
					 turned ? 0 : source.x, 0, 0, 0, view->x,
					 view->y, view->width, view->height);
	pixman_image_unref(image);
	return ret;
}

static int fill(pixman_image_t *picture, const struct hf_compose_target *target,
		const struct hf_compose_crtc *crtc)
{
	const pixman_color_t color = { crtc->background[0], crtc->background[1],
				       crtc->background[2], 0xffff };
	const pixman_box32_t box = { 0, 0, target->width, target->height };

	return pixman_image_fill_boxes(PIXMAN_OP_SRC, picture, &color, 1, &box) ?
		       0 : -ENOMEM;
}

int hf_direct_compose(const struct hf_compose_target *target,
		      const struct hf_compose_crtc *crtc,
		      const struct hf_compose_plane *planes, size_t num_planes)
{
	pixman_format_code_t code = target->format->has_alpha ? PIXMAN_a8r8g8b8 :
								PIXMAN_x8r8g8b8;
	pixman_image_t *picture;
	struct hf_view view;
	size_t lowest;
	int ret = 0;

	picture = pixman_image_create_bits_no_clear(code, target->width,
						    target->height,
						    target->pixels,
						    target->pitch);
	if (!picture)
		return -ENOMEM;

	if (!find_lowest(target, planes, num_planes, &lowest))
		ret = fill(picture, target, crtc);
	for (size_t i = lowest; !ret && i < num_planes; i++)
		if (hf_view_find(&view, &planes[i], target->width,
				 target->height))
			ret = show_plane(picture, &planes[i], &view);
	pixman_image_unref(picture);
	return ret;
}
