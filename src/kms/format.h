/* SPDX-License-Identifier: MIT */
/*
 * Pixel formats: what a fourcc means for the layout of a framebuffer.
 */
#ifndef HF_KMS_FORMAT_H
#define HF_KMS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <drm_fourcc.h>

/**
 * struct hf_format - The layout of a pixel format.
 * @fourcc: DRM_FORMAT_*
 * @depth: the legacy depth of ADDFB (8, 15, 16, 24, 30, 32), or 0
 * @num_planes: 1..3
 * @cpp: bytes that a pixel (a sample of that plane) takes, for each plane;
 *	packed 4:2:2 has 2 in plane 0, the pair of a CbCr plane counts as one
 * @hsub: horizontal subsampling of planes 1 and 2; of the chroma, if packed
 * @vsub: vertical subsampling of planes 1 and 2
 * @has_alpha: the pixels carry alpha
 * @is_yuv: the pixels are YCbCr
 */
struct hf_format {
	uint32_t fourcc;
	uint8_t depth;
	uint8_t num_planes;
	uint8_t cpp[3];
	uint8_t hsub;
	uint8_t vsub;
	bool has_alpha;
	bool is_yuv;
};

/**
 * hf_format_info() - Look a fourcc up.
 * @fourcc: DRM_FORMAT_*
 *
 * Return: the format, or NULL where it is unknown.
 */
const struct hf_format *hf_format_info(uint32_t fourcc);

/**
 * hf_format_at() - Go through all known formats.
 * @index: from 0
 *
 * Return: that format, or NULL past the last one.
 */
const struct hf_format *hf_format_at(size_t index);

/**
 * hf_format_legacy() - The fourcc of a legacy bpp and depth, as ADDFB has them.
 * @bpp: bits that a pixel takes
 * @depth: bits of it that count
 *
 * Return: DRM_FORMAT_*, or 0 where the pair names no format.
 */
uint32_t hf_format_legacy(uint32_t bpp, uint32_t depth);

/**
 * hf_format_plane_width() - Samples that a line of a plane has.
 * @format: the picture's format
 * @width: pixels that a line of the picture has
 * @plane: which plane
 *
 * Return: the samples, rounded up; 0 where @format has no such plane.
 */
uint32_t hf_format_plane_width(const struct hf_format *format, uint32_t width,
			       unsigned int plane);

/**
 * hf_format_plane_height() - Lines that a plane has.
 * @format: the picture's format
 * @height: lines of the picture
 * @plane: which plane
 *
 * Return: the lines, rounded up; 0 where @format has no such plane.
 */
uint32_t hf_format_plane_height(const struct hf_format *format,
				uint32_t height, unsigned int plane);

/**
 * hf_format_min_pitch() - The least bytes that a line of a plane takes.
 * @format: the picture's format
 * @width: pixels that a line of the picture has
 * @plane: which plane
 *
 * Return: bytes; 0 where @format has no such plane.
 */
uint64_t hf_format_min_pitch(const struct hf_format *format, uint32_t width,
			     unsigned int plane);

#endif
