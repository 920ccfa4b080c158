/* SPDX-License-Identifier: MIT */
/*
 * Bilinear sampling with 12 bits of weight, far finer than pixman's, and
 * positions that do not drift over wide planes. Pure functions, no lock.
 */
#include <math.h>

#include "drivers/soft/scale.h"

static uint32_t clamp(double value, uint32_t low, uint32_t high)
{
	if (value <= low)
		return low;
	return value >= high ? high : (uint32_t)value;
}

static struct hf_tap tap_at(const struct hf_axis *axis, uint32_t pixel)
{
	uint32_t last = axis->limit - 1;
	uint32_t low = axis->src >> 16;
	uint64_t high = ((uint64_t)axis->src + axis->src_size - 1) >> 16;
	double center = (double)axis->dst_size;
	double position, before;
	struct hf_tap tap;

	center = axis->flip ? center - pixel - 0.5 : pixel + 0.5;
	position = (axis->src + center * axis->src_size / axis->dst_size) /
		   65536.0 - 0.5;
	before = floor(position);
	tap.weight = lrint((position - before) * HF_TAP_ONE);
	if (tap.weight == HF_TAP_ONE) {
		tap.weight = 0;
		before++;
	}

	low = low < last ? low : last;
	high = high < last ? high : last;
	tap.first = clamp(before, low, high);
	tap.second = tap.weight ? clamp(before + 1, low, high) : tap.first;
	return tap;
}

void hf_axis_taps(const struct hf_axis *axis, uint32_t start, uint32_t count,
		  struct hf_tap *taps)
{
	for (uint32_t i = 0; i < count; i++)
		taps[i] = tap_at(axis, start + i);
}

static uint32_t channel(uint32_t a, uint32_t b, uint32_t c, uint32_t d,
			unsigned int shift, uint32_t wx, uint32_t wy)
{
	uint32_t top = (a >> shift & 0xff) * (HF_TAP_ONE - wx) +
		       (b >> shift & 0xff) * wx;
	uint32_t bottom = (c >> shift & 0xff) * (HF_TAP_ONE - wx) +
			  (d >> shift & 0xff) * wx;
	uint32_t sum = top * (HF_TAP_ONE - wy) + bottom * wy;

	return (sum + (1u << 23)) >> 24 << shift;
}

static uint32_t sample(const uint32_t *first, const uint32_t *second,
		       const struct hf_tap *column, uint32_t wy)
{
	uint32_t a = first[column->first], b = first[column->second];
	uint32_t c = second[column->first], d = second[column->second];
	uint32_t wx = column->weight;

	if (a == b && a == c && a == d)
		return a;
	return channel(a, b, c, d, 0, wx, wy) | channel(a, b, c, d, 8, wx, wy) |
	       channel(a, b, c, d, 16, wx, wy) | channel(a, b, c, d, 24, wx, wy);
}

void hf_scale(const uint32_t *src, const struct hf_tap *columns, uint32_t width,
	      const struct hf_tap *rows, uint32_t height, uint32_t *dst)
{
	for (uint32_t y = 0; y < height; y++) {
		const uint32_t *first = src + rows[y].first;
		const uint32_t *second = src + rows[y].second;

		for (uint32_t x = 0; x < width; x++)
			*dst++ = sample(first, second, &columns[x], rows[y].weight);
	}
}
