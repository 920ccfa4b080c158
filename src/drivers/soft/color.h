/* SPDX-License-Identifier: MIT */
/*
 * What a CRTC does to colours: degamma LUT, matrix, gamma LUT. For the composer
 * only.
 */
#ifndef HF_SOFT_COLOR_H
#define HF_SOFT_COLOR_H

#include <stdbool.h>
#include <stddef.h>
#include "drivers/soft/compose.h"
#include "drivers/soft/pixels.h"

/**
 * struct hf_color_lut - A table for each channel; NULL for none.
 * @size: entries
 * @r: red's entries, and the last one again
 * @g: likewise
 * @b: likewise
 */
struct hf_color_lut {
	size_t size;
	float *r, *g, *b;
};

/**
 * struct hf_color - What happens to the pixels, in this order.
 * @degamma: first
 * @has_matrix: there is one
 * @matrix: lines of red, green and blue
 * @gamma: last
 */
struct hf_color {
	struct hf_color_lut degamma;
	bool has_matrix;
	double matrix[3][3];
	struct hf_color_lut gamma;
};

/**
 * hf_color_init() - Prepare tables.
 * @color: to fill in
 * @crtc: with valid LUTs; what changes nothing is left out
 *
 * Return: 0, or -ENOMEM with nothing to finish.
 */
int hf_color_init(struct hf_color *color, const struct hf_compose_crtc *crtc);

/** hf_color_finish() - Free what @color points to. Zeroes are fine. */
void hf_color_finish(struct hf_color *color);

/**
 * hf_color_needed() - Does a CRTC change any colour?
 * @crtc: with valid LUTs
 */
bool hf_color_needed(const struct hf_compose_crtc *crtc);

/**
 * hf_color_apply() - Change colours.
 * @color: how
 * @pixels: opaque ones
 * @count: how many
 */
void hf_color_apply(const struct hf_color *color, const struct hf_pixels *pixels,
		    size_t count);

#endif
