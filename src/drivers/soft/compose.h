/* SPDX-License-Identifier: MIT */
/*
 * Composition: what a monitor would show of a CRTC's planes, with pixman.
 * Runs only when somebody looks.
 */
#ifndef HF_SOFT_COMPOSE_H
#define HF_SOFT_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <drm_mode.h>
#include "kms/format.h"

/* The values of a plane's "pixel blend mode". */
enum hf_blend {
	HF_BLEND_PREMULTIPLIED = 0,
	HF_BLEND_COVERAGE = 1,
	HF_BLEND_NONE = 2,
};

/**
 * struct hf_compose_plane - A plane as the composer needs it.
 * @format: of the framebuffer
 * @data: start of each colour plane
 * @pitch: bytes a line takes, for each colour plane
 * @width: of the framebuffer, pixels
 * @height: of the framebuffer, lines
 * @src_x: visible part of the framebuffer, 16.16 pixels
 * @src_y: likewise
 * @src_w: likewise, before rotation
 * @src_h: likewise, before rotation
 * @dst_x: where it goes on the CRTC, pixels; may lie partly outside
 * @dst_y: likewise
 * @dst_w: likewise, after rotation
 * @dst_h: likewise, after rotation
 * @alpha: 0..0xffff over the whole plane; counts in steps of 1/255
 * @blend: enum hf_blend
 * @rotation: one DRM_MODE_ROTATE_* (none is taken for 0) and any DRM_MODE_REFLECT_*,
 *	reflection first, rotation counter-clockwise, as the kernel has it
 * @bt709: YCbCr is BT.709 rather than BT.601
 * @full_range: YCbCr is full range rather than limited
 */
struct hf_compose_plane {
	const struct hf_format *format;
	const void *data[3];
	uint32_t pitch[3];
	uint32_t width, height;
	uint32_t src_x, src_y, src_w, src_h;
	int32_t dst_x, dst_y;
	uint32_t dst_w, dst_h;
	uint16_t alpha;
	uint8_t blend;
	uint8_t rotation;
	bool bt709, full_range;
};

/**
 * hf_compose() - Show planes, lowest first, on black.
 * @pixels: XRGB8888 picture to write, 4-byte aligned; the X bytes are undefined
 * @width: its pixels, 1..16384
 * @height: its lines, 1..16384
 * @stride: bytes a line takes, a multiple of 4; the picture is below 2 GiB
 * @planes: lowest first
 * @num_planes: how many
 * @gamma: LUT applied last, or NULL
 * @gamma_size: its entries, at least 2 where there is one
 *
 * A plane is sampled where the centres of the CRTC's pixels fall. Between pixels
 * that is bilinear, also when scaling down, and nothing outside of the source
 * rectangle (rounded outwards to whole pixels) has a say. Chroma is not
 * interpolated: each sample colours the block of pixels that it belongs to. A
 * pixel of C8 is a grey that @gamma, with 256 entries, turns into a palette.
 *
 * Whatever the rectangles are, only pixels of the framebuffers are read.
 *
 * Return: 0; -EINVAL for a picture or LUT out of range, a format that it cannot
 * show, a pitch too small, an impossible rotation or blend mode; -ENOMEM.
 */
int hf_compose(void *pixels, uint32_t width, uint32_t height, uint32_t stride,
	       const struct hf_compose_plane *planes, size_t num_planes,
	       const struct drm_color_lut *gamma, size_t gamma_size);

#endif
