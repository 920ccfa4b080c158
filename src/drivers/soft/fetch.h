/* SPDX-License-Identifier: MIT */
/*
 * Pixels of a plane in any format, as the composer works with them. For the
 * composer only.
 */
#ifndef HF_SOFT_FETCH_H
#define HF_SOFT_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include "drivers/soft/compose.h"
#include "drivers/soft/layout.h"
#include "drivers/soft/pixels.h"

/* Reads samples: word >> @shift & @mask, times @scale. */
typedef void hf_fetch_load(const void *from, size_t count, unsigned int shift,
			   uint32_t mask, float scale, float *to);

/* How one channel is read. */
struct hf_fetch_channel {
	hf_fetch_load *load;
	uint8_t plane, shift;
	uint8_t step, offset, size; /* bytes */
	uint8_t hshift, vshift; /* subsampling, as powers of two */
	uint32_t mask;
	float scale;
};

/* From codes to 0..65535: an offset and a factor for Y, factors for Cb and Cr. */
struct hf_fetch_matrix {
	float y_zero, y;
	float c_zero, r_cr, g_cb, g_cr, b_cb;
};

/**
 * struct hf_fetch - How pixels of a plane are read.
 * @plane: the plane
 * @layout: of its format
 * @opaque: the format has no alpha, or the blend mode ignores it
 * @words: red, green and blue are equally large fields of one 32-bit word
 * @channels: as in the layout
 * @matrix: for YCbCr
 */
struct hf_fetch {
	const struct hf_compose_plane *plane;
	const struct hf_layout *layout;
	bool opaque, words;
	struct hf_fetch_channel channels[4];
	struct hf_fetch_matrix matrix;
};

/**
 * hf_fetch_supported() - Can pixels of this format be read?
 * @format: a known format
 */
bool hf_fetch_supported(const struct hf_format *format);

/**
 * hf_fetch_init() - Prepare to read pixels.
 * @fetch: to fill in
 * @plane: whose framebuffer; of a supported format, with sufficient pitches; kept
 */
void hf_fetch_init(struct hf_fetch *fetch, const struct hf_compose_plane *plane);

/**
 * hf_fetch_line() - Read pixels of a line.
 * @fetch: how
 * @x: first pixel
 * @y: the line, of the framebuffer
 * @count: pixels to read; @x + @count is within the framebuffer
 * @to: where to put them; its alpha is written unless all are opaque
 */
void hf_fetch_line(const struct hf_fetch *fetch, uint32_t x, uint32_t y,
		   uint32_t count, const struct hf_pixels *to);

/**
 * hf_fetch_over() - Read pixels of a line, over what is there.
 * @fetch: how
 * @x: first pixel
 * @y: the line, of the framebuffer
 * @count: pixels to read; @x + @count is within the framebuffer
 * @alpha: of the plane, 0..1
 * @to: opaque pixels, onto which they are blended
 */
void hf_fetch_over(const struct hf_fetch *fetch, uint32_t x, uint32_t y,
		   uint32_t count, float alpha, const struct hf_pixels *to);

#endif
