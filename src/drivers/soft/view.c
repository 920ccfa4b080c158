/* SPDX-License-Identifier: MIT */
/*
 * Where a plane lies in the picture: clipping, rotation and reflection, and whether
 * its pixels are the picture's. Pure functions, no lock.
 */
#include "drivers/soft/view.h"

bool hf_plane_opaque(const struct hf_compose_plane *plane)
{
	return !plane->format->has_alpha || plane->blend == HF_BLEND_NONE;
}

struct hf_orientation hf_plane_orientation(const struct hf_compose_plane *plane)
{
	struct hf_orientation o = { 0 };

	switch (plane->rotation & DRM_MODE_ROTATE_MASK) {
	case DRM_MODE_ROTATE_90:
		o.swap = o.flip_x = true;
		break;
	case DRM_MODE_ROTATE_180:
		o.flip_x = o.flip_y = true;
		break;
	case DRM_MODE_ROTATE_270:
		o.swap = o.flip_y = true;
		break;
	}
	o.flip_x ^= !!(plane->rotation & DRM_MODE_REFLECT_X);
	o.flip_y ^= !!(plane->rotation & DRM_MODE_REFLECT_Y);
	return o;
}

/* Clip one axis. Return: false where nothing is left. */
static bool clip(int32_t dst, uint32_t size, uint32_t limit, int32_t *start,
		 uint32_t *skip, uint32_t *count)
{
	int64_t first = dst > 0 ? dst : 0;
	int64_t end = (int64_t)dst + size;

	end = end < limit ? end : limit;
	if (first >= end)
		return false;
	*start = first;
	*skip = first - dst;
	*count = end - first;
	return true;
}

bool hf_view_find(struct hf_view *view, const struct hf_compose_plane *plane,
		  uint32_t width, uint32_t height)
{
	if (!plane->alpha || !plane->src_w || !plane->src_h)
		return false;
	return clip(plane->dst_x, plane->dst_w, width, &view->x, &view->left,
		    &view->width) &&
	       clip(plane->dst_y, plane->dst_h, height, &view->y, &view->top,
		    &view->height);
}

static bool unscaled(const struct hf_compose_plane *plane, bool swap)
{
	uint32_t width = swap ? plane->dst_h : plane->dst_w;
	uint32_t height = swap ? plane->dst_w : plane->dst_h;

	if ((plane->src_x | plane->src_y | plane->src_w | plane->src_h) & 0xffff)
		return false;
	return plane->src_w >> 16 == width && plane->src_h >> 16 == height;
}

static bool within_framebuffer(const struct hf_compose_plane *plane)
{
	return (uint64_t)plane->src_x + plane->src_w <=
		       (uint64_t)plane->width << 16 &&
	       (uint64_t)plane->src_y + plane->src_h <=
		       (uint64_t)plane->height << 16;
}

static uint32_t source_start(uint32_t src, uint32_t src_size, bool flip,
			     uint32_t skip, uint32_t count)
{
	return (src >> 16) + (flip ? (src_size >> 16) - skip - count : skip);
}

bool hf_plane_source(const struct hf_compose_plane *plane,
		     struct hf_orientation o, const struct hf_view *view,
		     struct hf_source *source)
{
	if (!unscaled(plane, o.swap) || !within_framebuffer(plane))
		return false;

	source->width = o.swap ? view->height : view->width;
	source->height = o.swap ? view->width : view->height;
	source->x = source_start(plane->src_x, plane->src_w, o.flip_x,
				 o.swap ? view->top : view->left, source->width);
	source->y = source_start(plane->src_y, plane->src_h, o.flip_y,
				 o.swap ? view->left : view->top, source->height);
	return true;
}
