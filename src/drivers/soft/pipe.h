/* SPDX-License-Identifier: MIT */
/*
 * The composer's pipe: planes in, finished lines out, with 16 bits a channel and more
 * all the way. For the composer only.
 */
#ifndef HF_SOFT_PIPE_H
#define HF_SOFT_PIPE_H

#include <stddef.h>
#include <stdint.h>
#include "drivers/soft/color.h"
#include "drivers/soft/compose.h"
#include "drivers/soft/store.h"

struct hf_layer;

/**
 * struct hf_pipe - What makes the lines of a picture.
 * @width: of the picture
 * @background: red, green and blue
 * @color: what happens to the pixels at last
 * @store: how they are written
 * @layers: the planes that can be seen, lowest first
 * @num_layers: how many
 */
struct hf_pipe {
	uint32_t width;
	uint16_t background[3];
	struct hf_color color;
	struct hf_store store;
	struct hf_layer *layers;
	size_t num_layers;
};

/**
 * hf_pipe_init() - Prepare a picture.
 * @pipe: to fill in
 * @target: its size and format
 * @crtc: valid; not kept
 * @planes: valid ones, lowest first; kept
 * @num_planes: how many
 *
 * Return: 0, or -ENOMEM with nothing to finish.
 */
int hf_pipe_init(struct hf_pipe *pipe, const struct hf_compose_target *target,
		 const struct hf_compose_crtc *crtc,
		 const struct hf_compose_plane *planes, size_t num_planes);

/** hf_pipe_finish() - Free what @pipe points to. */
void hf_pipe_finish(struct hf_pipe *pipe);

/**
 * hf_pipe_run() - Make part of a line.
 * @pipe: the picture
 * @x: its first pixel
 * @y: which line; in order is fastest
 * @count: pixels, at most HF_PIXELS_RUN
 * @to: where to put them, in the target's format
 */
void hf_pipe_run(struct hf_pipe *pipe, uint32_t x, uint32_t y, uint32_t count,
		 void *to);

/**
 * hf_pipe_line() - Make a line.
 * @pipe: the picture
 * @y: which one; in order is fastest
 * @to: where to put its pixels, in the target's format
 */
void hf_pipe_line(struct hf_pipe *pipe, uint32_t y, void *to);

#endif
