/* SPDX-License-Identifier: MIT */
/*
 * Lines of a plane that is scaled or turned. For the composer only.
 */
#ifndef HF_SOFT_SCALE_H
#define HF_SOFT_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/soft/fetch.h"
#include "drivers/soft/view.h"

/**
 * struct hf_taps - Which source pixels make pixels of the CRTC, along one axis.
 * @first: for each, the one before
 * @second: the one after; may be the same
 * @weight: of @second, 0..1; @first has the rest
 * @weighted: not all weights are 0
 */
struct hf_taps {
	uint32_t *first, *second;
	float *weight;
	bool weighted;
};

/**
 * struct hf_axis - How the source maps to the CRTC along one axis.
 * @src: start of the source rectangle, 16.16
 * @src_size: its size, 16.16
 * @limit: pixels that the framebuffer has along the axis; at least 1
 * @dst_size: pixels that the plane takes on the CRTC
 * @flip: the axis is mirrored
 * @nearest: one source pixel makes a pixel
 */
struct hf_axis {
	uint32_t src, src_size;
	uint32_t limit;
	uint32_t dst_size;
	bool flip, nearest;
};

/**
 * hf_taps_init() - Find the taps of some pixels of the CRTC.
 * @taps: to fill in
 * @axis: the mapping
 * @start: first pixel, counted from where the plane starts
 * @count: how many, at least one
 *
 * All lie within the source rectangle, rounded outwards, and within the
 * framebuffer.
 *
 * Return: 0, or -ENOMEM with nothing to finish.
 */
int hf_taps_init(struct hf_taps *taps, const struct hf_axis *axis, uint32_t start,
		 uint32_t count);

/** hf_taps_finish() - Free what @taps points to. Zeroes are fine. */
void hf_taps_finish(struct hf_taps *taps);

/* Lines of the source, along the CRTC's lines, some at a time. */
struct hf_scale_block {
	float *memory;
	uint64_t number;
};

/**
 * struct hf_scale - What makes the lines of a plane.
 * @fetch: reads the framebuffer
 * @view: what is seen of the plane
 * @swap: the source's columns are the CRTC's lines
 * @columns: taps of the view's columns, from @start
 * @rows: taps of its lines
 * @start: first source pixel that any column needs
 * @length: source pixels from there to the last one
 * @blocks: the one of an even number, and the one of an odd number
 * @mixed: a line between two lines
 * @line: the line that was asked for last
 * @current: which one that is, of the view; or -1
 */
struct hf_scale {
	const struct hf_fetch *fetch;
	const struct hf_view *view;
	bool swap;
	struct hf_taps columns, rows;
	uint32_t start, length;
	struct hf_scale_block blocks[2];
	float *mixed, *line;
	int64_t current;
};

/**
 * hf_scale_init() - Prepare to make lines of a plane.
 * @scale: to fill in
 * @fetch: reads its framebuffer; kept
 * @view: what is seen of it; kept
 *
 * Return: 0, or -ENOMEM with nothing to finish.
 */
int hf_scale_init(struct hf_scale *scale, const struct hf_fetch *fetch,
		  const struct hf_view *view);

/** hf_scale_finish() - Free what @scale points to. Zeroes are fine. */
void hf_scale_finish(struct hf_scale *scale);

/**
 * hf_scale_line() - Make a line of a plane.
 * @scale: the plane's
 * @y: which one, of the view
 *
 * Return: its pixels, as many as the view is wide; good until the next call.
 */
struct hf_pixels hf_scale_line(struct hf_scale *scale, uint32_t y);

#endif
