/* SPDX-License-Identifier: MIT */
/*
 * Pixels of a plane in any format, as a8r8g8b8 that pixman can blend. For the
 * composer only.
 */
#ifndef HF_SOFT_FETCH_H
#define HF_SOFT_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include "drivers/soft/compose.h"

/**
 * hf_fetch_supported() - Can pixels of this format be read?
 * @format: a known format
 */
bool hf_fetch_supported(const struct hf_format *format);

/**
 * hf_fetch_box() - Read a rectangle of a framebuffer.
 * @plane: whose framebuffer; of a supported format, with sufficient pitches
 * @x: first pixel of each line
 * @y: first line
 * @width: pixels to read; @x + @width is within the framebuffer
 * @height: lines to read; @y + @height is within the framebuffer
 * @argb: where to put them, @width to a line: alpha pre-multiplied, and 0xff
 *	where the format has none or the plane's blend mode ignores it
 */
void hf_fetch_box(const struct hf_compose_plane *plane, uint32_t x, uint32_t y,
		  uint32_t width, uint32_t height, uint32_t *argb);

#endif
