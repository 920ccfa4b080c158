/* SPDX-License-Identifier: MIT */
/*
 * Composition: what a monitor would show of a CRTC's planes. Runs only when
 * somebody looks.
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

/* The values of a plane's "COLOR_ENCODING". */
enum hf_encoding {
	HF_ENCODING_BT601 = 0,
	HF_ENCODING_BT709 = 1,
	HF_ENCODING_BT2020 = 2,
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
 * @alpha: 0..0xffff over the whole plane
 * @blend: enum hf_blend
 * @rotation: one DRM_MODE_ROTATE_* (none is taken for 0) and any DRM_MODE_REFLECT_*,
 *	reflection first, rotation counter-clockwise, as the kernel has it
 * @nearest: scaled by taking the nearest pixel, not by bilinear interpolation
 * @encoding: of YCbCr: enum hf_encoding
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
	bool nearest;
	uint8_t encoding;
	bool full_range;
};

/* Entries that a LUT may have. */
#define HF_COMPOSE_MAX_LUT 65536

/**
 * struct hf_compose_crtc - What a CRTC does to the pixels of its planes.
 * @background: red, green and blue, below all planes
 * @degamma: LUT applied to what the planes make together, or NULL
 * @degamma_size: its entries, 2..HF_COMPOSE_MAX_LUT where there is one
 * @ctm: matrix applied next, its numbers S31.32 in sign and magnitude, or NULL;
 *	its results are limited to what there is
 * @gamma: LUT applied last, or NULL
 * @gamma_size: its entries, 2..HF_COMPOSE_MAX_LUT where there is one
 *
 * LUTs are interpolated between their entries, which are equally far apart.
 */
struct hf_compose_crtc {
	uint16_t background[3];
	const struct drm_color_lut *degamma;
	size_t degamma_size;
	const struct drm_color_ctm *ctm;
	const struct drm_color_lut *gamma;
	size_t gamma_size;
};

/**
 * struct hf_compose_target - Where a picture goes.
 * @format: one that hf_compose_target_supported() has; alpha becomes opaque, and an
 *	X is undefined
 * @pixels: its memory, faster if aligned to 4 bytes
 * @width: pixels, 1..16384
 * @height: lines, 1..16384
 * @pitch: bytes a line takes, faster if a multiple of 4
 */
struct hf_compose_target {
	const struct hf_format *format;
	void *pixels;
	uint32_t width, height, pitch;
};

/**
 * hf_compose_target_supported() - Can pictures of this format be written?
 * @format: a known format
 *
 * Return: whether it is RGB in words of 16 bits or more, and not half floats.
 */
bool hf_compose_target_supported(const struct hf_format *format);

/**
 * hf_compose() - Show planes, lowest first, on the background.
 * @target: the picture to write
 * @crtc: what happens to the pixels
 * @planes: lowest first
 * @num_planes: how many
 *
 * A plane is sampled where the centres of the CRTC's pixels fall. Between pixels
 * that is bilinear, also when scaling down, or the nearest one; nothing outside of
 * the source rectangle (rounded outwards to whole pixels) has a say. Chroma is not
 * interpolated: each sample colours the block of pixels that it belongs to. A
 * pixel of C8 is a grey that a gamma LUT of 256 entries turns into a palette.
 *
 * Each channel of @target is within one of its codes of what the definitions of
 * formats, blending and colours make of the planes; where all that is needed is 8
 * bits, by pixman, else with 16 bits and more until the last step.
 *
 * Whatever the rectangles are, only pixels of the framebuffers are read.
 *
 * Return: 0; -EINVAL for a picture or LUT out of range, a format that it cannot
 * show, a pitch too small, an impossible rotation, blend mode or encoding; -ENOMEM.
 */
int hf_compose(const struct hf_compose_target *target,
	       const struct hf_compose_crtc *crtc,
	       const struct hf_compose_plane *planes, size_t num_planes);

/**
 * hf_compose_crc() - CRC-32 of what hf_compose() would show.
 * @width: of the picture, 1..16384
 * @height: likewise
 * @crtc: what happens to the pixels
 * @planes: lowest first
 * @num_planes: how many
 * @crc: where it goes
 *
 * It is zlib's crc32() of all lines in XBGR16161616, with all ones for the X, so
 * it is the same for the same picture, however the planes' buffers lie in memory.
 *
 * Return: as hf_compose().
 */
int hf_compose_crc(uint32_t width, uint32_t height,
		   const struct hf_compose_crtc *crtc,
		   const struct hf_compose_plane *planes, size_t num_planes,
		   uint32_t *crc);

#endif
