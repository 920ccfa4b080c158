/* SPDX-License-Identifier: MIT */
/*
 * Bilinear and nearest-neighbour sampling, in any orientation. A line is made of
 * two lines of the source, mixed, and then each pixel of two of these. Where the
 * axes are swapped, the source's columns are taken for its lines, and read in blocks
 * of some. Positions do not drift over wide planes.
 *
 * A plane's sampler belongs to who composes the picture. No lock.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "drivers/soft/scale.h"

/* Columns that are read at a time. */
#define BLOCK 16

#define NO_BLOCK UINT64_MAX

static uint32_t clamp(double value, uint32_t low, uint32_t high)
{
	if (value <= low)
		return low;
	return value >= high ? high : (uint32_t)value;
}

/* Where the centre of a pixel falls, in pixels of the source. */
static double position_of(const struct hf_axis *axis, uint32_t pixel)
{
	double center = axis->flip ? axis->dst_size - pixel - 0.5 : pixel + 0.5;

	return (axis->src + center * axis->src_size / axis->dst_size) / 65536.0;
}

static void find_tap(struct hf_taps *taps, const struct hf_axis *axis,
		     uint32_t pixel, uint32_t at)
{
	uint32_t last = axis->limit - 1;
	uint32_t low = axis->src >> 16;
	uint64_t high = ((uint64_t)axis->src + axis->src_size - 1) >> 16;
	double position = position_of(axis, pixel);
	double before = floor(axis->nearest ? position : position - 0.5);
	float weight = axis->nearest ? 0 : position - 0.5 - before;

	if (weight == 1) {
		weight = 0;
		before++;
	}
	low = low < last ? low : last;
	high = high < last ? high : last;
	taps->first[at] = clamp(before, low, high);
	taps->second[at] = weight ? clamp(before + 1, low, high) :
				    taps->first[at];
	taps->weight[at] = weight;
	taps->weighted |= weight != 0;
}

int hf_taps_init(struct hf_taps *taps, const struct hf_axis *axis, uint32_t start,
		 uint32_t count)
{
	*taps = (struct hf_taps){
		.first = calloc(count, sizeof(*taps->first)),
		.second = calloc(count, sizeof(*taps->second)),
		.weight = calloc(count, sizeof(*taps->weight)),
	};
	if (!taps->first || !taps->second || !taps->weight) {
		hf_taps_finish(taps);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		find_tap(taps, axis, start + i, i);
	return 0;
}

void hf_taps_finish(struct hf_taps *taps)
{
	free(taps->weight);
	free(taps->second);
	free(taps->first);
	*taps = (struct hf_taps){ 0 };
}

static int init_taps(struct hf_scale *scale)
{
	const struct hf_compose_plane *plane = scale->fetch->plane;
	const struct hf_view *view = scale->view;
	struct hf_orientation o = hf_plane_orientation(plane);
	struct hf_axis x_axis = { plane->src_x, plane->src_w, plane->width,
				  o.swap ? plane->dst_h : plane->dst_w, o.flip_x,
				  plane->nearest };
	struct hf_axis y_axis = { plane->src_y, plane->src_h, plane->height,
				  o.swap ? plane->dst_w : plane->dst_h, o.flip_y,
				  plane->nearest };
	int ret;

	scale->swap = o.swap;
	ret = hf_taps_init(&scale->columns, o.swap ? &y_axis : &x_axis,
			   view->left, view->width);
	if (!ret)
		ret = hf_taps_init(&scale->rows, o.swap ? &x_axis : &y_axis,
				   view->top, view->height);
	return ret;
}

/* Let the columns' taps count from the first pixel that any of them needs. */
static void find_span(struct hf_scale *scale)
{
	struct hf_taps *taps = &scale->columns;
	uint32_t last = scale->view->width - 1;
	/* Positions go one way, so the ends have the extremes. */
	uint32_t low = taps->first[0] < taps->first[last] ? taps->first[0] :
							    taps->first[last];
	uint32_t high = taps->second[0] > taps->second[last] ?
				taps->second[0] : taps->second[last];

	for (uint32_t i = 0; i <= last; i++) {
		taps->first[i] -= low;
		taps->second[i] -= low;
	}
	scale->start = low;
	scale->length = high - low + 1;
}

static uint32_t block_lines(const struct hf_scale *scale)
{
	return scale->swap ? BLOCK : 1;
}

/* Lines of equal length, from one channel to the next: not a power of 2. */
static size_t line_stride(const struct hf_scale *scale)
{
	return (size_t)scale->length + 16 + (scale->length % 32 ? 0 : 16);
}

int hf_scale_init(struct hf_scale *scale, const struct hf_fetch *fetch,
		  const struct hf_view *view)
{
	size_t block;
	int ret;

	*scale = (struct hf_scale){ .fetch = fetch, .view = view, .current = -1 };
	ret = init_taps(scale);
	if (ret)
		goto error;
	find_span(scale);

	ret = -ENOMEM;
	block = line_stride(scale) * 4 * block_lines(scale);
	for (int i = 0; i < 2; i++) {
		scale->blocks[i].number = NO_BLOCK;
		scale->blocks[i].memory = calloc(block, sizeof(float));
		if (!scale->blocks[i].memory)
			goto error;
	}
	scale->mixed = calloc(line_stride(scale), 4 * sizeof(float));
	scale->line = calloc(view->width, 4 * sizeof(float));
	if (scale->mixed && scale->line)
		return 0;
error:
	hf_scale_finish(scale);
	return ret;
}

void hf_scale_finish(struct hf_scale *scale)
{
	free(scale->line);
	free(scale->mixed);
	for (int i = 0; i < 2; i++)
		free(scale->blocks[i].memory);
	hf_taps_finish(&scale->rows);
	hf_taps_finish(&scale->columns);
	*scale = (struct hf_scale){ 0 };
}

static struct hf_pixels pixels_in(const struct hf_scale *scale, float *memory,
				  size_t stride)
{
	return (struct hf_pixels){
		memory, memory + stride, memory + 2 * stride,
		scale->fetch->opaque ? NULL : memory + 3 * stride,
	};
}

static struct hf_pixels block_line(const struct hf_scale *scale,
				   const struct hf_scale_block *block,
				   uint32_t line)
{
	size_t stride = line_stride(scale);

	return pixels_in(scale, block->memory + line * 4 * stride, stride);
}

/* Read some columns of the source, as lines. */
static void load_columns(struct hf_scale *scale, struct hf_scale_block *block)
{
	uint32_t x = block->number * BLOCK;
	uint32_t left = scale->fetch->plane->width - x;
	uint32_t count = left < BLOCK ? left : BLOCK;
	size_t step = 4 * line_stride(scale);
	struct hf_pixels to = block_line(scale, block, 0);
	float r[BLOCK], g[BLOCK], b[BLOCK], a[BLOCK];
	const struct hf_pixels from = { r, g, b, a };

	for (uint32_t i = 0; i < scale->length; i++) {
		hf_fetch_line(scale->fetch, x, scale->start + i, count, &from);
		for (uint32_t j = 0; j < count; j++) {
			to.r[j * step + i] = r[j];
			to.g[j * step + i] = g[j];
			to.b[j * step + i] = b[j];
		}
		for (uint32_t j = 0; to.a && j < count; j++)
			to.a[j * step + i] = a[j];
	}
}

/* A line of the source, from where the columns start. */
static struct hf_pixels source_line(struct hf_scale *scale, uint32_t line)
{
	uint32_t lines = block_lines(scale);
	uint64_t number = line / lines;
	struct hf_scale_block *block = &scale->blocks[number % 2];
	struct hf_pixels pixels = block_line(scale, block, line % lines);

	if (block->number != number) {
		block->number = number;
		if (scale->swap)
			load_columns(scale, block);
		else
			hf_fetch_line(scale->fetch, scale->start, line,
				      scale->length, &pixels);
	}
	return pixels;
}

HF_HOT
static void mix(const float *restrict a, const float *restrict b, float weight,
		size_t count, float *restrict to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = a[i] + (b[i] - a[i]) * weight;
}

/* The line of the source, or between two, that a line of the view is made of. */
static struct hf_pixels mixed_line(struct hf_scale *scale, uint32_t y)
{
	const struct hf_taps *rows = &scale->rows;
	struct hf_pixels a = source_line(scale, rows->first[y]);
	struct hf_pixels to, b;
	float weight = rows->weight[y];

	if (!weight)
		return a;
	b = source_line(scale, rows->second[y]);
	to = pixels_in(scale, scale->mixed, line_stride(scale));
	mix(a.r, b.r, weight, scale->length, to.r);
	mix(a.g, b.g, weight, scale->length, to.g);
	mix(a.b, b.b, weight, scale->length, to.b);
	if (to.a)
		mix(a.a, b.a, weight, scale->length, to.a);
	return to;
}

HF_HOT
static void pick(const float *restrict from, const uint32_t *restrict at,
		 size_t count, float *restrict to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = from[at[i]];
}

HF_HOT
static void pick_two(const float *restrict from, const uint32_t *restrict first,
		     const uint32_t *restrict second,
		     const float *restrict weight, size_t count,
		     float *restrict to)
{
	for (size_t i = 0; i < count; i++) {
		float a = from[first[i]], b = from[second[i]];

		to[i] = a + (b - a) * weight[i];
	}
}

static void sample(const struct hf_scale *scale, const float *from, float *to)
{
	const struct hf_taps *taps = &scale->columns;
	size_t count = scale->view->width;

	if (taps->weighted)
		pick_two(from, taps->first, taps->second, taps->weight, count, to);
	else
		pick(from, taps->first, count, to);
}

struct hf_pixels hf_scale_line(struct hf_scale *scale, uint32_t y)
{
	struct hf_pixels to = pixels_in(scale, scale->line, scale->view->width);
	struct hf_pixels from;

	if (scale->current == y)
		return to;
	scale->current = y;
	from = mixed_line(scale, y);
	sample(scale, from.r, to.r);
	sample(scale, from.g, to.g);
	sample(scale, from.b, to.b);
	if (to.a)
		sample(scale, from.a, to.a);
	return to;
}
