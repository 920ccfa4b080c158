/* SPDX-License-Identifier: MIT */
/*
 * Tiles. See the header. Neighbours in a row of tiles are one rectangle.
 */
#include <stdbool.h>
#include <string.h>

#include "view/tiles.h"

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Copies from the first line that differs. Return: is there one? */
static bool update_tile(const struct hf_pixels *to,
			const struct hf_pixels *from, uint32_t x, uint32_t y,
			uint32_t width, uint32_t height)
{
	size_t size = width * sizeof(uint32_t);
	bool differs = false;

	for (uint32_t line = y; line < y + height; line++) {
		uint32_t *old = to->pixels + line * to->stride + x;
		const uint32_t *new = from->pixels + line * from->stride + x;

		differs = differs || memcmp(old, new, size);
		if (differs)
			memcpy(old, new, size);
	}
	return differs;
}

size_t hf_tiles_update(const struct hf_pixels *to, const struct hf_pixels *from,
		       uint32_t width, uint32_t height,
		       void (*changed)(void *data, uint32_t x, uint32_t y,
				       uint32_t width, uint32_t height),
		       void *data)
{
	size_t n = 0;

	for (uint32_t y = 0; y < height; y += HF_TILE_HEIGHT) {
		uint32_t h = least(HF_TILE_HEIGHT, height - y);
		uint32_t start = 0, x = 0;

		/* A rectangle is from start to x, if that is anything. */
		while (x < width) {
			uint32_t w = least(HF_TILE_WIDTH, width - x);
			bool differs = update_tile(to, from, x, y, w, h);

			if (!differs && start < x) {
				changed(data, start, y, x - start, h);
				n++;
			}
			x += w;
			if (!differs)
				start = x;
		}
		if (start < width) {
			changed(data, start, y, width - start, h);
			n++;
		}
	}
	return n;
}
