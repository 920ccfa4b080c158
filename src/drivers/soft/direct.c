/* SPDX-License-Identifier: MIT */
/*
 * Composition by pixman, of the formats that it has the fastest loops for. It rounds
 * to 8 bits after each plane, so pictures that this could put off by more than one
 * code are not for it. Others are composed at once and where they are: nothing is
 * copied.
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

/* Each may put a channel off by half a code. */
#define MAX_BLENDED 2

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

/* As pixman wants pixels to lie in memory. */
static bool memory_possible(const struct hf_format *format, const void *data,
			    uint32_t pitch, uint32_t height)
{
	if (format->fourcc != DRM_FORMAT_XRGB8888 &&
	    format->fourcc != DRM_FORMAT_ARGB8888)
		return false;
	return !((uintptr_t)data % 4) && !(pitch % 4) &&
	       (uint64_t)pitch * height <= INT_MAX;
}

static bool plane_possible(const struct hf_compose_plane *plane,
			   const struct hf_view *view)
{
	struct hf_source source;

	if (plane->alpha != 0xffff ||
	    !hf_plane_source(plane, hf_plane_orientation(plane), view, &source))
		return false;
	if (plane->blend == HF_BLEND_COVERAGE && !hf_plane_opaque(plane))
		return false;
	return memory_possible(plane->format, plane->data[0], plane->pitch[0],
			       source.height) &&
	       source.x + source.width <= PIXMAN_MAX_SIZE;
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
	int blended = 0;
	size_t lowest;

	if (hf_color_needed(crtc) ||
	    !memory_possible(target->format, target->pixels, target->pitch,
			     target->height))
		return false;
	if (!find_lowest(target, planes, num_planes, &lowest) &&
	    !background_possible(crtc))
		return false;
	for (size_t i = lowest; i < num_planes; i++) {
		if (!hf_view_find(&view, &planes[i], target->width,
				  target->height))
			continue;
		blended += !hf_plane_opaque(&planes[i]);
		if (!plane_possible(&planes[i], &view) || blended > MAX_BLENDED)
			return false;
	}
	return true;
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
		opaque ? PIXMAN_x8r8g8b8 : PIXMAN_a8r8g8b8,
		source.x + source.width, source.height, (uint32_t *)data,
		plane->pitch[0]);
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
