/* SPDX-License-Identifier: MIT */
/*
 * The table of pixel formats. It only says how a format lies in memory; what its
 * bits mean is for whoever reads them. Constant data, no lock.
 */
#include "kms/format.h"

#define RGB(name, bits, bytes, alpha) \
	{ DRM_FORMAT_##name, bits, 1, { bytes, 0, 0 }, 1, 1, alpha, false }
#define PACKED(name, bytes, hsub, alpha) \
	{ DRM_FORMAT_##name, 0, 1, { bytes, 0, 0 }, hsub, 1, alpha, true }
#define SEMI(name, bytes, hsub, vsub) \
	{ DRM_FORMAT_##name, 0, 2, { bytes, 2 * (bytes), 0 }, \
	  hsub, vsub, false, true }
#define PLANAR(name, hsub, vsub) \
	{ DRM_FORMAT_##name, 0, 3, { 1, 1, 1 }, hsub, vsub, false, true }

static const struct hf_format formats[] = {
	/* RGB: depth, bytes, alpha */
	RGB(C8, 8, 1, false),
	RGB(R8, 0, 1, false),
	RGB(XRGB4444, 0, 2, false),
	RGB(XBGR4444, 0, 2, false),
	RGB(RGBX4444, 0, 2, false),
	RGB(BGRX4444, 0, 2, false),
	RGB(ARGB4444, 0, 2, true),
	RGB(ABGR4444, 0, 2, true),
	RGB(RGBA4444, 0, 2, true),
	RGB(BGRA4444, 0, 2, true),
	RGB(XRGB1555, 15, 2, false),
	RGB(XBGR1555, 15, 2, false),
	RGB(RGBX5551, 15, 2, false),
	RGB(BGRX5551, 15, 2, false),
	RGB(ARGB1555, 15, 2, true),
	RGB(ABGR1555, 15, 2, true),
	RGB(RGBA5551, 15, 2, true),
	RGB(BGRA5551, 15, 2, true),
	RGB(RGB565, 16, 2, false),
	RGB(BGR565, 16, 2, false),
	RGB(RGB888, 24, 3, false),
	RGB(BGR888, 24, 3, false),
	RGB(XRGB8888, 24, 4, false),
	RGB(XBGR8888, 24, 4, false),
	RGB(RGBX8888, 24, 4, false),
	RGB(BGRX8888, 24, 4, false),
	RGB(ARGB8888, 32, 4, true),
	RGB(ABGR8888, 32, 4, true),
	RGB(RGBA8888, 32, 4, true),
	RGB(BGRA8888, 32, 4, true),
	RGB(XRGB2101010, 30, 4, false),
	RGB(XBGR2101010, 30, 4, false),
	RGB(RGBX1010102, 30, 4, false),
	RGB(BGRX1010102, 30, 4, false),
	RGB(ARGB2101010, 30, 4, true),
	RGB(ABGR2101010, 30, 4, true),
	RGB(RGBA1010102, 30, 4, true),
	RGB(BGRA1010102, 30, 4, true),
	RGB(XRGB16161616, 0, 8, false),
	RGB(XBGR16161616, 0, 8, false),
	RGB(ARGB16161616, 0, 8, true),
	RGB(ABGR16161616, 0, 8, true),
	RGB(XRGB16161616F, 0, 8, false),
	RGB(XBGR16161616F, 0, 8, false),
	RGB(ARGB16161616F, 0, 8, true),
	RGB(ABGR16161616F, 0, 8, true),

	/* Packed YCbCr: bytes, horizontal subsampling, alpha */
	PACKED(YUYV, 2, 2, false),
	PACKED(YVYU, 2, 2, false),
	PACKED(UYVY, 2, 2, false),
	PACKED(VYUY, 2, 2, false),
	PACKED(XYUV8888, 4, 1, false),
	PACKED(AYUV, 4, 1, true),

	/* Y and CbCr planes: bytes of a sample, subsampling */
	SEMI(NV12, 1, 2, 2),
	SEMI(NV21, 1, 2, 2),
	SEMI(NV16, 1, 2, 1),
	SEMI(NV61, 1, 2, 1),
	SEMI(NV24, 1, 1, 1),
	SEMI(NV42, 1, 1, 1),
	SEMI(P010, 2, 2, 2),
	SEMI(P012, 2, 2, 2),
	SEMI(P016, 2, 2, 2),
	SEMI(P210, 2, 2, 1),

	/* Y, Cb and Cr planes: subsampling */
	PLANAR(YUV420, 2, 2),
	PLANAR(YUV422, 2, 1),
	PLANAR(YUV444, 1, 1),
	PLANAR(YVU420, 2, 2),
	PLANAR(YVU422, 2, 1),
	PLANAR(YVU444, 1, 1),
};

#define NUM_FORMATS (sizeof(formats) / sizeof(formats[0]))

const struct hf_format *hf_format_at(size_t index)
{
	return index < NUM_FORMATS ? &formats[index] : NULL;
}

const struct hf_format *hf_format_info(uint32_t fourcc)
{
	for (size_t i = 0; i < NUM_FORMATS; i++)
		if (formats[i].fourcc == fourcc)
			return &formats[i];
	return NULL;
}

uint32_t hf_format_legacy(uint32_t bpp, uint32_t depth)
{
	static const struct {
		uint8_t bpp, depth;
		uint32_t fourcc;
	} legacy[] = {
		{ 8, 8, DRM_FORMAT_C8 },
		{ 16, 15, DRM_FORMAT_XRGB1555 },
		{ 16, 16, DRM_FORMAT_RGB565 },
		{ 24, 24, DRM_FORMAT_RGB888 },
		{ 32, 24, DRM_FORMAT_XRGB8888 },
		{ 32, 30, DRM_FORMAT_XRGB2101010 },
		{ 32, 32, DRM_FORMAT_ARGB8888 },
	};

	for (size_t i = 0; i < sizeof(legacy) / sizeof(legacy[0]); i++)
		if (legacy[i].bpp == bpp && legacy[i].depth == depth)
			return legacy[i].fourcc;
	return 0;
}

/* Written so that the largest size does not overflow. */
static uint32_t subsample(const struct hf_format *format, uint32_t size,
			  unsigned int plane, uint32_t factor)
{
	if (plane >= format->num_planes)
		return 0;
	if (!plane)
		return size;
	return size / factor + !!(size % factor);
}

uint32_t hf_format_plane_width(const struct hf_format *format, uint32_t width,
			       unsigned int plane)
{
	return subsample(format, width, plane, format->hsub);
}

uint32_t hf_format_plane_height(const struct hf_format *format,
				uint32_t height, unsigned int plane)
{
	return subsample(format, height, plane, format->vsub);
}

uint64_t hf_format_min_pitch(const struct hf_format *format, uint32_t width,
			     unsigned int plane)
{
	if (plane >= format->num_planes)
		return 0;
	return (uint64_t)hf_format_plane_width(format, width, plane) *
	       format->cpp[plane];
}
