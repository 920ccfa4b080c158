/* SPDX-License-Identifier: MIT */
/*
 * Where a plane lies in the picture. For the composer only.
 */
#ifndef HF_SOFT_VIEW_H
#define HF_SOFT_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include "drivers/soft/compose.h"

/**
 * struct hf_view - The part of a plane that is within the picture.
 * @x: first column, in the picture
 * @y: first line, in the picture
 * @left: first column, in the plane as it is shown
 * @top: first line, in the plane as it is shown
 * @width: columns
 * @height: lines
 */
struct hf_view {
	int32_t x, y;
	uint32_t left, top;
	uint32_t width, height;
};

/* How the source lies on the CRTC: swapped axes, then mirrored source axes. */
struct hf_orientation {
	bool swap, flip_x, flip_y;
};

/* The whole pixels of the source that an unscaled plane's view shows. */
struct hf_source {
	uint32_t x, y, width, height;
};

/**
 * hf_view_find() - Clip a plane.
 * @view: to fill in
 * @plane: a valid plane
 * @width: of the picture
 * @height: of the picture
 *
 * Return: false where nothing of it can be seen.
 */
bool hf_view_find(struct hf_view *view, const struct hf_compose_plane *plane,
		  uint32_t width, uint32_t height);

/** hf_plane_opaque() - Do the plane's pixels hide what is below? */
bool hf_plane_opaque(const struct hf_compose_plane *plane);

/** hf_plane_orientation() - How is a plane turned? */
struct hf_orientation hf_plane_orientation(const struct hf_compose_plane *plane);

/**
 * hf_plane_source() - The source of a plane that is not scaled.
 * @plane: a valid plane
 * @o: its orientation
 * @view: what is seen of it
 * @source: to fill in
 *
 * Return: false if the plane is scaled, or not of whole pixels of the framebuffer.
 */
bool hf_plane_source(const struct hf_compose_plane *plane,
		     struct hf_orientation o, const struct hf_view *view,
		     struct hf_source *source);

#endif
