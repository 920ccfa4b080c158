/* SPDX-License-Identifier: MIT */
/*
 * What pixman computes: conversion, composition and scaling. Work is cut into
 * tiles: bands of rows (blit.h), and columns, since pixman's coordinates have 16
 * bits. A layer's part of a tile is a pixman image where it is, or of a copy if
 * its rows are broken. The result is the same as if all were done at once.
 *
 * All memory is the command's own. No state, no lock.
 */
#include <stdlib.h>

#include "drivers/soft/blit.h"

/* Columns of a tile. */
#define TILE 8192

/* Pixels of a band that is scaled, and rows of the source that it may need. */
#define SCALE_BAND (16u << 10)
#define SCALE_ROWS 64

/* Pixels on each side of those that filters look at, for good measure. */
#define MARGIN 2

/* Rows and columns of a layer's rectangle. */
struct part {
	uint32_t x, y, width, height;
};

/**
 * struct view - A part as pixman sees it.
 * @x: the part's first column in @image
 * @copied: it is a copy
 */
struct view {
	pixman_image_t *image;
	int x;
	bool copied;
};

static uint32_t min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint64_t part_offset(const struct hf_blit_layer *layer,
			    const struct part *part, uint32_t row)
{
	return (uint64_t)(part->y + row) * layer->pitch +
	       (uint64_t)part->x * layer->format->cpp;
}

/* Bytes of a row of @width pixels, for pixman. */
static uint32_t packed_pitch(uint32_t width, uint32_t cpp)
{
	return (width * cpp + 3) & ~3u;
}

static bool open_direct(struct view *view, struct hf_blit_layer *layer,
			const struct part *part)
{
	uint32_t cpp = layer->format->cpp;
	uint64_t before, after;
	char *pixels;

	/* pixman wants multiples of 4: begin up to 3 pixels further left. */
	pixels = hf_region_at(&layer->region, part_offset(layer, part, 0),
			      &before, &after);
	for (view->x = 0; (uintptr_t)pixels % 4; view->x++)
		pixels -= cpp;
	view->copied = false;
	view->image = pixman_image_create_bits_no_clear(
		layer->format->code, view->x + part->width, part->height,
		(uint32_t *)pixels,
		part->height > 1 ? layer->pitch :
				   packed_pitch(view->x + part->width, cpp));
	return view->image;
}

static bool open_copy(struct view *view, struct hf_blit_layer *layer,
		      const struct part *part, size_t bounce_size)
{
	uint32_t cpp = layer->format->cpp;
	uint32_t pitch = packed_pitch(part->width, cpp);

	if (!layer->bounce)
		layer->bounce = malloc(bounce_size);
	if (!layer->bounce)
		return false;
	for (uint32_t i = 0; i < part->height; i++)
		hf_region_read(&layer->region, part_offset(layer, part, i),
			       (char *)layer->bounce + (size_t)i * pitch,
			       (uint64_t)part->width * cpp);
	view->x = 0;
	view->copied = true;
	view->image = pixman_image_create_bits_no_clear(
		layer->format->code, part->width, part->height, layer->bounce,
		pitch);
	return view->image;
}

static bool open_view(struct view *view, struct hf_blit_layer *layer,
		      const struct part *part, bool direct)
{
	if (direct)
		return open_direct(view, layer, part);
	return open_copy(view, layer, part,
			 (size_t)HF_BLIT_BOUNCE_ROWS *
				 packed_pitch(min(layer->rect.width, TILE),
					      layer->format->cpp));
}

static void close_view(struct view *view)
{
	if (view->image)
		pixman_image_unref(view->image);
}

/* Put a copy back where it came from. */
static void write_back(const struct view *view, struct hf_blit_layer *layer,
		       const struct part *part)
{
	uint32_t cpp = layer->format->cpp;
	uint32_t pitch = packed_pitch(part->width, cpp);

	if (!view->copied)
		return;
	for (uint32_t i = 0; i < part->height; i++)
		hf_region_write(&layer->region, part_offset(layer, part, i),
				(char *)layer->bounce + (size_t)i * pitch,
				(uint64_t)part->width * cpp);
}

/* -- composition ------------------------------------------------------------- */

/**
 * struct composite - A composition.
 * @mask: there where @layers has 3
 * @solid: the alpha over all of it; NULL: opaque
 * @product: pixels for the mask multiplied with it
 */
struct composite {
	pixman_op_t op;
	struct hf_blit_layer dst, src, mask;
	struct hf_blit_layer *layers[3];
	size_t nlayers;
	pixman_image_t *solid;
	uint32_t *product;
};

static uint32_t band_rows(const struct composite *composite)
{
	return 1 + HF_BLIT_BAND / composite->dst.rect.width;
}

/* The mask of a part times the alpha, as pixels of 8 bits. */
static pixman_image_t *multiply(struct composite *composite,
				const struct view *mask,
				const struct part *part)
{
	uint32_t width = min(composite->dst.rect.width, TILE);
	pixman_image_t *image;

	if (!composite->product)
		composite->product = malloc((size_t)packed_pitch(width, 1) *
					    band_rows(composite));
	if (!composite->product)
		return NULL;
	image = pixman_image_create_bits_no_clear(
		PIXMAN_a8, part->width, part->height, composite->product,
		packed_pitch(part->width, 1));
	if (image)
		pixman_image_composite32(PIXMAN_OP_SRC, composite->solid,
					 mask->image, image, 0, 0, mask->x, 0,
					 0, 0, part->width, part->height);
	return image;
}

/* Views of destination, source and mask are there; do it. */
static bool composite_views(struct composite *composite,
			    const struct view *views, const struct part *part)
{
	pixman_image_t *mask = composite->solid;
	int mask_x = 0;

	if (composite->nlayers == 3) {
		mask = views[2].image;
		mask_x = views[2].x;
		if (composite->solid) {
			mask = multiply(composite, &views[2], part);
			mask_x = 0;
		}
		if (!mask)
			return false;
	}
	pixman_image_composite32(composite->op, views[1].image, mask,
				 views[0].image, views[1].x, 0, mask_x, 0,
				 views[0].x, 0, part->width, part->height);
	if (mask && mask != composite->solid && mask != views[2].image)
		pixman_image_unref(mask);
	return true;
}

static bool composite_tile(struct composite *composite, const struct part *part,
			   const bool *direct)
{
	struct view views[3] = { 0 };
	bool ok = true;
	size_t i;

	for (i = 0; i < composite->nlayers && ok; i++)
		ok = open_view(&views[i], composite->layers[i], part, direct[i]);
	ok = ok && composite_views(composite, views, part);
	if (ok)
		write_back(&views[0], composite->layers[0], part);
	for (i = 0; i < composite->nlayers; i++)
		close_view(&views[i]);
	return ok;
}

static uint32_t composite_step(void *data, uint32_t row)
{
	struct composite *composite = data;
	uint32_t width = composite->dst.rect.width;
	struct part part = { .y = row, .height = band_rows(composite) };
	bool direct[3];
	size_t i;

	for (i = 0; i < composite->nlayers; i++)
		part.height = hf_blit_band(composite->layers[i], row,
					   part.height, &direct[i]);
	/* With fewer rows, what was to be copied may do without. */
	for (i = 0; i < composite->nlayers; i++)
		hf_blit_band(composite->layers[i], row, part.height, &direct[i]);

	for (; part.x < width; part.x += TILE) {
		part.width = min(width - part.x, TILE);
		if (!composite_tile(composite, &part, direct))
			return 0;
	}
	return part.height;
}

static bool make_solid(struct composite *composite, uint32_t alpha)
{
	if (alpha == 0xffff)
		return true;
	composite->solid = pixman_image_create_solid_fill(
		&(pixman_color_t){ .alpha = alpha });
	return composite->solid;
}

/* All layers are there. */
static enum hf_exec_status run_composite(struct hf_blit *blit,
					 struct composite *composite,
					 uint32_t alpha)
{
	enum hf_exec_status status;

	composite->layers[0] = &composite->dst;
	composite->layers[1] = &composite->src;
	composite->layers[2] = &composite->mask;
	status = hf_blit_translate(blit, composite->layers, composite->nlayers);
	if (status == HF_EXEC_DONE && !make_solid(composite, alpha))
		status = hf_blit_no_memory(blit);
	if (status == HF_EXEC_DONE)
		status = hf_blit_rows(blit, composite->dst.rect.height,
				      composite_step, composite);

	if (composite->solid)
		pixman_image_unref(composite->solid);
	free(composite->product);
	for (size_t i = 0; i < composite->nlayers; i++)
		hf_blit_layer_finish(composite->layers[i]);
	return status;
}

enum hf_exec_status hf_blit_convert(struct hf_blit *blit,
				    const union hf_exec_command *cmd)
{
	const struct holdfast_cmd_copy *copy = &cmd->copy;
	struct holdfast_rect to = { copy->dst_x, copy->dst_y, copy->rect.width,
				    copy->rect.height };
	struct composite composite = { .op = PIXMAN_OP_SRC, .nlayers = 2 };

	if (copy->base.flags ||
	    !hf_blit_layer_init(&composite.dst, &copy->dst, &to) ||
	    !hf_blit_layer_init(&composite.src, &copy->src, &copy->rect))
		return hf_blit_bad(blit);
	if (hf_blit_layer_empty(&composite.dst))
		return HF_EXEC_DONE;
	return run_composite(blit, &composite, 0xffff);
}

enum hf_exec_status hf_blit_composite(struct hf_blit *blit,
				      const union hf_exec_command *cmd)
{
	const struct holdfast_cmd_composite *c = &cmd->composite;
	uint32_t width = c->rect.width, height = c->rect.height;
	struct holdfast_rect src = { c->src_x, c->src_y, width, height };
	struct holdfast_rect mask = { c->mask_x, c->mask_y, width, height };
	struct composite composite = {
		.op = (pixman_op_t)c->base.flags,
		.nlayers = c->mask.va ? 3 : 2,
	};

	if (c->base.flags > HOLDFAST_OP_MAX || c->alpha > 0xffff || c->pad ||
	    !hf_blit_layer_init(&composite.dst, &c->dst, &c->rect) ||
	    !hf_blit_layer_init(&composite.src, &c->src, &src) ||
	    (c->mask.va &&
	     !hf_blit_layer_init(&composite.mask, &c->mask, &mask)))
		return hf_blit_bad(blit);
	if (hf_blit_layer_empty(&composite.dst))
		return HF_EXEC_DONE;
	return run_composite(blit, &composite, c->alpha);
}

/* -- scaling ----------------------------------------------------------------- */

/* How pixels of the destination map to the source, along an axis. */
struct axis {
	pixman_fixed_t scale;
	uint32_t src_size;
};

/**
 * struct window - What a few pixels of the destination need of the source.
 * @scale: for pixman
 * @offset: likewise, from the window's first pixel
 */
struct window {
	uint32_t start, size;
	pixman_fixed_t scale, offset;
};

struct scale {
	struct hf_blit_layer dst, src;
	struct axis x, y;
	pixman_filter_t filter;
};

static void init_axis(struct axis *axis, uint32_t dst_size, uint32_t src_size)
{
	axis->scale = (((uint64_t)src_size << 16) + dst_size / 2) / dst_size;
	axis->src_size = src_size;
}

/* Pixels of the destination that need no more than @most of the source. */
static uint32_t axis_step(const struct axis *axis, uint32_t most)
{
	uint64_t n = ((uint64_t)most << 16) / axis->scale;

	return n < TILE ? (n ? n : 1) : TILE;
}

/* The middle of a pixel in the source, rounded as pixman does it. */
static int64_t axis_position(const struct axis *axis, uint32_t pixel)
{
	return ((int64_t)axis->scale * (2 * (int64_t)pixel + 1) + 1) >> 1;
}

static void find_window(struct window *window, const struct axis *axis,
			uint32_t start, uint32_t n)
{
	int64_t first = axis_position(axis, start);
	int64_t low = (first >> 16) - MARGIN;
	int64_t high = (axis_position(axis, start + n - 1) >> 16) + MARGIN + 1;

	low = low < 0 ? 0 : low;
	high = high < axis->src_size ? high : axis->src_size;
	window->start = low < axis->src_size ? low : axis->src_size - 1;
	window->size = high - window->start;

	/* One pixel has no scale: a large one would leave pixman's range. */
	window->scale = n > 1 ? axis->scale : pixman_fixed_1;
	window->offset = (n > 1 ? (int64_t)axis->scale * start :
				  first - pixman_fixed_1 / 2) -
			 ((int64_t)window->start << 16);
}

/* Begin further left where that lets pixman work on the source in place. */
static void align_window(struct window *window, struct hf_blit_layer *src,
			 uint32_t y)
{
	struct part part = { .x = window->start, .y = y };
	uint64_t before, after;
	uintptr_t pixels;
	uint32_t n = 0;

	pixels = (uintptr_t)hf_region_at(&src->region,
					 part_offset(src, &part, 0), &before,
					 &after);
	while ((pixels - n * src->format->cpp) % 4)
		n++;
	if (n > window->start)
		return;
	window->start -= n;
	window->size += n;
	window->offset += (pixman_fixed_t)n << 16;
}

static bool open_source(struct view *view, struct scale *scale,
			struct window *x, struct window *y)
{
	struct hf_blit_layer *src = &scale->src;
	bool direct = !src->shared &&
		      hf_region_direct_rows(&src->region, y->start) >= y->size &&
		      (uint64_t)src->pitch * y->size <= HF_BLIT_MAX_BYTES;
	struct part part;

	if (direct)
		align_window(x, src, y->start);
	part = (struct part){ x->start, y->start, x->size, y->size };
	if (direct) {
		if (!open_direct(view, src, &part))
			return false;
		if (!view->x)
			return true;
		/* Pixels to the left would show at the edge. */
		close_view(view);
	}
	free(src->bounce);
	src->bounce = NULL;
	return open_copy(view, src, &part,
			 (size_t)part.height *
				 packed_pitch(part.width, src->format->cpp));
}

static bool set_transform(struct scale *scale, pixman_image_t *image,
			  const struct window *x, const struct window *y)
{
	pixman_transform_t transform = { {
		{ x->scale, 0, x->offset },
		{ 0, y->scale, y->offset },
		{ 0, 0, pixman_fixed_1 },
	} };

	pixman_image_set_repeat(image, PIXMAN_REPEAT_PAD);
	return pixman_image_set_transform(image, &transform) &&
	       pixman_image_set_filter(image, scale->filter, NULL, 0);
}

static bool scale_tile(struct scale *scale, const struct part *part, bool direct)
{
	struct view dst = { 0 }, src = { 0 };
	struct window x, y;
	bool ok;

	find_window(&x, &scale->x, part->x, part->width);
	find_window(&y, &scale->y, part->y, part->height);
	ok = open_view(&dst, &scale->dst, part, direct) &&
	     open_source(&src, scale, &x, &y) &&
	     set_transform(scale, src.image, &x, &y);
	if (ok) {
		pixman_image_composite32(PIXMAN_OP_SRC, src.image, NULL,
					 dst.image, 0, 0, 0, 0, dst.x, 0,
					 part->width, part->height);
		write_back(&dst, &scale->dst, part);
	}
	close_view(&src);
	close_view(&dst);
	return ok;
}

static uint32_t scale_step(void *data, uint32_t row)
{
	struct scale *scale = data;
	uint32_t width = scale->dst.rect.width;
	uint32_t columns = axis_step(&scale->x, TILE);
	struct part part = { .y = row };
	bool direct;

	part.height = min(1 + SCALE_BAND / width,
			  axis_step(&scale->y, SCALE_ROWS));
	part.height = hf_blit_band(&scale->dst, row, part.height, &direct);
	for (; part.x < width; part.x += columns) {
		part.width = min(width - part.x, columns);
		if (!scale_tile(scale, &part, direct))
			return 0;
	}
	return part.height;
}

enum hf_exec_status hf_blit_scale(struct hf_blit *blit,
				  const union hf_exec_command *cmd)
{
	const struct holdfast_cmd_scale *c = &cmd->scale;
	struct scale scale = {
		.filter = c->base.flags == HOLDFAST_FILTER_BILINEAR ?
				  PIXMAN_FILTER_BILINEAR :
				  PIXMAN_FILTER_NEAREST,
	};
	enum hf_exec_status status;

	if (c->base.flags > HOLDFAST_FILTER_BILINEAR ||
	    !hf_blit_layer_init(&scale.dst, &c->dst, &c->dst_rect) ||
	    !hf_blit_layer_init(&scale.src, &c->src, &c->src_rect))
		return hf_blit_bad(blit);
	if (hf_blit_layer_empty(&scale.dst) || hf_blit_layer_empty(&scale.src))
		return HF_EXEC_DONE;

	init_axis(&scale.x, scale.dst.rect.width, scale.src.rect.width);
	init_axis(&scale.y, scale.dst.rect.height, scale.src.rect.height);
	status = hf_blit_translate(
		blit, (struct hf_blit_layer *[]){ &scale.dst, &scale.src }, 2);
	if (status == HF_EXEC_DONE)
		status = hf_blit_rows(blit, scale.dst.rect.height, scale_step,
				      &scale);
	hf_blit_layer_finish(&scale.src);
	hf_blit_layer_finish(&scale.dst);
	return status;
}
