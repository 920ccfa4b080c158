/* SPDX-License-Identifier: MIT */
/*
 * What differs between two pictures, tile by tile: so only what has changed is sent,
 * whatever a program says that it has drawn.
 */
#ifndef HF_VIEW_TILES_H
#define HF_VIEW_TILES_H

#include <stddef.h>
#include <stdint.h>

#define HF_TILE_WIDTH 64 /* pixels */
#define HF_TILE_HEIGHT 16

/**
 * struct hf_pixels - Where a picture lies.
 * @pixels: its first
 * @stride: pixels from one line to the next
 */
struct hf_pixels {
	uint32_t *pixels;
	size_t stride;
};

/**
 * hf_tiles_update() - Make a picture the same as another.
 * @to: the picture
 * @from: the new one, which is only read
 * @width: of both, pixels; likewise @height
 * @changed: called with each rectangle of tiles that differed, copied already; none of
 *	them overlap, and what is outside of them was the same
 *
 * Return: the number of rectangles.
 */
size_t hf_tiles_update(const struct hf_pixels *to, const struct hf_pixels *from,
		       uint32_t width, uint32_t height,
		       void (*changed)(void *data, uint32_t x, uint32_t y,
				       uint32_t width, uint32_t height),
		       void *data);

#endif
