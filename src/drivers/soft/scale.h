/* SPDX-License-Identifier: MIT */
/*
 * Bilinear sampling. Along each axis, a pixel of the CRTC lies between two
 * neighbours of the source. For the composer only.
 */
#ifndef HF_SOFT_SCALE_H
#define HF_SOFT_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 12 bits: two axes and 8 bits of colour fill 32 bits exactly. */
#define HF_TAP_ONE 4096

/**
 * struct hf_tap - Which source pixels make a pixel, along one axis.
 * @first: the one before
 * @second: the one after; may be the same
 * @weight: of @second, 0..HF_TAP_ONE - 1; @first has the rest
 */
struct hf_tap {
	uint32_t first, second;
	uint32_t weight;
};

/**
 * struct hf_axis - How the source maps to the CRTC along one axis.
 * @src: start of the source rectangle, 16.16
 * @src_size: its size, 16.16
 * @limit: pixels that the framebuffer has along the axis; at least 1
 * @dst_size: pixels that the plane takes on the CRTC
 * @flip: the axis is mirrored
 */
struct hf_axis {
	uint32_t src, src_size;
	uint32_t limit;
	uint32_t dst_size;
	bool flip;
};

/**
 * hf_axis_taps() - Find the taps of some pixels of the CRTC.
 * @axis: the mapping
 * @start: first pixel, counted from where the plane starts
 * @count: how many
 * @taps: where to put them; all lie within the source rectangle, rounded
 *	outwards, and within the framebuffer
 */
void hf_axis_taps(const struct hf_axis *axis, uint32_t start, uint32_t count,
		  struct hf_tap *taps);

/**
 * hf_scale() - Sample a picture.
 * @src: its pixels, a8r8g8b8 with pre-multiplied alpha
 * @columns: a tap for each column of @dst, as an index into @src
 * @width: columns of @dst
 * @rows: a tap for each line of @dst, as an index into @src
 * @height: lines of @dst
 * @dst: where to put @width * @height pixels
 *
 * The sum of a column's and a row's index is a pixel's index, so that a picture is
 * rotated by swapping which of them counts lines.
 */
void hf_scale(const uint32_t *src, const struct hf_tap *columns, uint32_t width,
	      const struct hf_tap *rows, uint32_t height, uint32_t *dst);

#endif
