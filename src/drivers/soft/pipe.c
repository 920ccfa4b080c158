/* SPDX-License-Identifier: MIT */
/*
 * Composes lines in runs of pixels that stay in the nearest cache: for each run the
 * planes, from the topmost one that hides all others, then the CRTC's colours, then
 * the target's format.
 *
 * A plane whose pixels are the picture's is read run by run; of one that is scaled
 * or turned, the sampler makes a line at a time. Belongs to who composes the
 * picture. No lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/soft/blend.h"
#include "drivers/soft/pipe.h"
#include "drivers/soft/scale.h"
#include "drivers/soft/view.h"

#define RUN HF_PIXELS_RUN

/* A plane that can be seen. */
struct hf_layer {
	struct hf_view view;
	struct hf_fetch fetch;
	float alpha;
	bool hides; /* what is below */
	bool sampled;
	struct hf_scale scale; /* where it is sampled */
	uint32_t x, y; /* of the source, where it is not */
	bool flip_y;
};

/* Part of a run: where it starts in the run and in a layer. */
struct overlap {
	uint32_t start, count;
	uint32_t x;
};

static int init_layer(struct hf_layer *layer,
		      const struct hf_compose_plane *plane)
{
	struct hf_orientation o = hf_plane_orientation(plane);
	struct hf_source source;

	hf_fetch_init(&layer->fetch, plane);
	layer->alpha = plane->alpha / 65535.0f;
	layer->hides = layer->fetch.opaque && plane->alpha == 0xffff;
	if (!o.swap && !o.flip_x &&
	    hf_plane_source(plane, o, &layer->view, &source)) {
		layer->x = source.x;
		layer->y = o.flip_y ? source.y + source.height - 1 : source.y;
		layer->flip_y = o.flip_y;
		return 0;
	}
	layer->sampled = true;
	return hf_scale_init(&layer->scale, &layer->fetch, &layer->view);
}

static int init_layers(struct hf_pipe *pipe,
		       const struct hf_compose_target *target,
		       const struct hf_compose_plane *planes, size_t num_planes)
{
	for (size_t i = 0; i < num_planes; i++) {
		struct hf_layer *layer = &pipe->layers[pipe->num_layers];
		int ret;

		if (!hf_view_find(&layer->view, &planes[i], target->width,
				  target->height))
			continue;
		ret = init_layer(layer, &planes[i]);
		if (ret)
			return ret;
		pipe->num_layers++;
	}
	return 0;
}

int hf_pipe_init(struct hf_pipe *pipe, const struct hf_compose_target *target,
		 const struct hf_compose_crtc *crtc,
		 const struct hf_compose_plane *planes, size_t num_planes)
{
	int ret = -ENOMEM;

	*pipe = (struct hf_pipe){ .width = target->width };
	memcpy(pipe->background, crtc->background, sizeof(pipe->background));
	hf_store_init(&pipe->store, target->format);
	pipe->layers = calloc(num_planes + 1, sizeof(*pipe->layers));
	if (pipe->layers)
		ret = hf_color_init(&pipe->color, crtc);
	if (!ret)
		ret = init_layers(pipe, target, planes, num_planes);
	if (ret)
		hf_pipe_finish(pipe);
	return ret;
}

void hf_pipe_finish(struct hf_pipe *pipe)
{
	for (size_t i = 0; i < pipe->num_layers; i++)
		hf_scale_finish(&pipe->layers[i].scale);
	free(pipe->layers);
	hf_color_finish(&pipe->color);
}

/* What a layer has of a run. Return: false for nothing. */
static bool find_overlap(struct overlap *overlap, const struct hf_layer *layer,
			 uint32_t x, uint32_t y, uint32_t count)
{
	const struct hf_view *view = &layer->view;
	uint32_t left = view->x, top = view->y;
	uint32_t start = x > left ? x : left;
	uint32_t end = left + view->width;

	end = end < x + count ? end : x + count;
	if (y < top || y - top >= view->height || start >= end)
		return false;
	*overlap = (struct overlap){ start - x, end - start, start - left };
	return true;
}

static bool hides_run(const struct hf_layer *layer, uint32_t x, uint32_t y,
		      uint32_t count)
{
	struct overlap overlap;

	return layer->hides && find_overlap(&overlap, layer, x, y, count) &&
	       overlap.count == count;
}

static void copy(const struct hf_pixels *from, size_t count,
		 const struct hf_pixels *to)
{
	memcpy(to->r, from->r, count * sizeof(float));
	memcpy(to->g, from->g, count * sizeof(float));
	memcpy(to->b, from->b, count * sizeof(float));
}

static void show_sampled(struct hf_layer *layer, uint32_t x, uint32_t line,
			 uint32_t count, const struct hf_pixels *to)
{
	struct hf_pixels pixels = hf_scale_line(&layer->scale, line);

	pixels = hf_pixels_at(&pixels, x);
	if (layer->hides)
		copy(&pixels, count, to);
	else
		hf_blend_over(&pixels, count, layer->alpha, to);
}

static void show_layer(struct hf_layer *layer, uint32_t x, uint32_t y,
		       uint32_t count, const struct hf_pixels *run)
{
	uint32_t line = y - (uint32_t)layer->view.y;
	struct overlap overlap;
	struct hf_pixels to;

	if (!find_overlap(&overlap, layer, x, y, count))
		return;
	to = hf_pixels_at(run, overlap.start);
	x = layer->x + overlap.x;
	y = layer->flip_y ? layer->y - line : layer->y + line;
	if (layer->sampled)
		show_sampled(layer, overlap.x, line, overlap.count, &to);
	else if (layer->hides)
		hf_fetch_line(&layer->fetch, x, y, overlap.count, &to);
	else
		hf_fetch_over(&layer->fetch, x, y, overlap.count, layer->alpha,
			      &to);
}

static void compose_run(struct hf_pipe *pipe, uint32_t x, uint32_t y,
			uint32_t count, const struct hf_pixels *run)
{
	size_t lowest = pipe->num_layers;

	while (lowest && !hides_run(&pipe->layers[lowest - 1], x, y, count))
		lowest--;
	if (lowest)
		lowest--;
	else
		hf_blend_fill(run, count, pipe->background);
	for (size_t i = lowest; i < pipe->num_layers; i++)
		show_layer(&pipe->layers[i], x, y, count, run);
}

void hf_pipe_run(struct hf_pipe *pipe, uint32_t x, uint32_t y, uint32_t count,
		 void *to)
{
	float r[RUN], g[RUN], b[RUN];
	const struct hf_pixels run = { r, g, b, NULL };

	compose_run(pipe, x, y, count, &run);
	hf_color_apply(&pipe->color, &run, count);
	hf_store_line(&pipe->store, &run, count, to);
}

void hf_pipe_line(struct hf_pipe *pipe, uint32_t y, void *to)
{
	for (uint32_t x = 0; x < pipe->width; x += RUN) {
		uint32_t left = pipe->width - x;

		hf_pipe_run(pipe, x, y, left < RUN ? left : RUN,
			    (uint8_t *)to + (size_t)x * pipe->store.size);
	}
}
