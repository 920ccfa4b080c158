/* SPDX-License-Identifier: MIT */
/* What differs between two pictures: all of it, and not a tile more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "view/tiles.h"

#define MAX_W 300
#define MAX_H 100

struct found {
	uint32_t width, height;
	bool covered[MAX_H][MAX_W];
	size_t rects;
};

static uint32_t old[MAX_H * MAX_W], new[MAX_H * MAX_W], before[MAX_H * MAX_W];
static struct found found;

static void changed(void *data, uint32_t x, uint32_t y, uint32_t width,
		    uint32_t height)
{
	struct found *f = data;

	assert_true(width && height);
	assert_true(x + width <= f->width && y + height <= f->height);
	for (uint32_t line = y; line < y + height; line++)
		for (uint32_t at = x; at < x + width; at++) {
			assert_false(f->covered[line][at]);
			f->covered[line][at] = true;
		}
	f->rects++;
}

static size_t update(uint32_t width, uint32_t height, size_t to_stride,
		     size_t from_stride)
{
	struct hf_pixels to = { old, to_stride }, from = { new, from_stride };
	size_t n;

	memset(&found, 0, sizeof(found));
	found.width = width;
	found.height = height;
	n = hf_tiles_update(&to, &from, width, height, changed, &found);
	assert_int_equal(n, found.rects);
	return n;
}

static int setup(void **state)
{
	(void)state;
	memset(old, 0, sizeof(old));
	memset(new, 0, sizeof(new));
	return 0;
}

static void the_same_picture_has_no_damage(void **state)
{
	(void)state;
	assert_int_equal(update(MAX_W, MAX_H, MAX_W, MAX_W), 0);
}

static void one_pixel_is_one_tile(void **state)
{
	(void)state;
	new[20 * MAX_W + 70] = 1;
	assert_int_equal(update(MAX_W, MAX_H, MAX_W, MAX_W), 1);
	assert_int_equal(old[20 * MAX_W + 70], 1);
	for (uint32_t y = 0; y < MAX_H; y++)
		for (uint32_t x = 0; x < MAX_W; x++)
			assert_int_equal(found.covered[y][x],
					 x / HF_TILE_WIDTH == 1 &&
						 y / HF_TILE_HEIGHT == 1);
}

static void neighbours_in_a_row_are_one_rectangle(void **state)
{
	(void)state;
	for (uint32_t x = 0; x < MAX_W; x++)
		new[x] = 5;
	assert_int_equal(update(MAX_W, MAX_H, MAX_W, MAX_W), 1);
	memset(new, 1, sizeof(new));
	assert_int_equal(update(MAX_W, MAX_H, MAX_W, MAX_W),
			 (MAX_H + HF_TILE_HEIGHT - 1) / HF_TILE_HEIGHT);
}

static void the_last_pixels_of_odd_sizes_are_seen(void **state)
{
	(void)state;
	for (uint32_t width = 1; width < 140; width += 23)
		for (uint32_t height = 1; height < 40; height += 7) {
			setup(state);
			new[(height - 1) * width + width - 1] = 9;
			assert_int_equal(update(width, height, width, width),
					 1);
			assert_true(found.covered[height - 1][width - 1]);
			assert_int_equal(old[(height - 1) * width + width - 1],
					 9);
		}
}

static void what_lies_beside_a_picture_is_neither_read_nor_written(void **state)
{
	(void)state;
	memset(old, 7, sizeof(old));
	memset(new, 8, sizeof(new));
	for (uint32_t y = 0; y < 50; y++)
		for (uint32_t x = 0; x < 100; x++)
			old[y * 200 + x] = new[y * 150 + x] = x ^ y;
	memcpy(before, old, sizeof(old));
	assert_int_equal(update(100, 50, 200, 150), 0);
	new[0] = 77;
	assert_int_equal(update(100, 50, 200, 150), 1);
	before[0] = 77;
	assert_memory_equal(old, before, sizeof(old));
}

static void random_changes_are_found_exactly(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 300; round++) {
		bool differs[MAX_H][MAX_W] = { 0 };
		uint32_t width = 1 + rand() % MAX_W;
		uint32_t height = 1 + rand() % MAX_H;

		for (int i = rand() % 20; i; i--) {
			uint32_t x = rand() % width, y = rand() % height;

			new[y * width + x] ^= 1u << rand() % 32;
		}
		for (uint32_t y = 0; y < height; y++)
			for (uint32_t x = 0; x < width; x++)
				if (old[y * width + x] != new[y * width + x])
					differs[y / HF_TILE_HEIGHT]
					       [x / HF_TILE_WIDTH] = true;
		update(width, height, width, width);
		assert_memory_equal(old, new, (size_t)width * height * 4);
		for (uint32_t y = 0; y < height; y++)
			for (uint32_t x = 0; x < width; x++)
				assert_int_equal(
					found.covered[y][x],
					differs[y / HF_TILE_HEIGHT]
					       [x / HF_TILE_WIDTH]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_same_picture_has_no_damage, setup),
		cmocka_unit_test_setup(one_pixel_is_one_tile, setup),
		cmocka_unit_test_setup(neighbours_in_a_row_are_one_rectangle,
				       setup),
		cmocka_unit_test_setup(the_last_pixels_of_odd_sizes_are_seen,
				       setup),
		cmocka_unit_test_setup(
			what_lies_beside_a_picture_is_neither_read_nor_written,
			setup),
		cmocka_unit_test_setup(random_changes_are_found_exactly, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
