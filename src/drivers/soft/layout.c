/* SPDX-License-Identifier: MIT */
/*
 * The table of what a format's bits mean, beside kms/format.c, which says how much
 * memory they take. Constant data, no lock.
 */
#include <stddef.h>

#include "drivers/soft/layout.h"

/* Fields of one word: its bytes, the lowest bits, and how many they are. */
#define WORD3(name, bytes, r, g, b, n) \
	{ DRM_FORMAT_##name, false, \
	  { { 0, bytes, 1, 0, r, n }, { 0, bytes, 1, 0, g, n }, \
	    { 0, bytes, 1, 0, b, n } } }
#define WORD4(name, bytes, r, g, b, n, a, an) \
	{ DRM_FORMAT_##name, false, \
	  { { 0, bytes, 1, 0, r, n }, { 0, bytes, 1, 0, g, n }, \
	    { 0, bytes, 1, 0, b, n }, { 0, bytes, 1, 0, a, an } } }
#define RGB565(name, r, b) \
	{ DRM_FORMAT_##name, false, \
	  { { 0, 2, 1, 0, r, 5 }, { 0, 2, 1, 0, 5, 6 }, { 0, 2, 1, 0, b, 5 } } }
#define BYTES3(name, r, g, b) \
	{ DRM_FORMAT_##name, false, \
	  { { 0, 1, 3, r, 0, 8 }, { 0, 1, 3, g, 0, 8 }, { 0, 1, 3, b, 0, 8 } } }
/* Four words of 16 bits: red's and blue's place, and the bits of alpha. */
#define WIDE(name, half, r, b, an) \
	{ DRM_FORMAT_##name, half, \
	  { { 0, 2, 4, r, 0, 16 }, { 0, 2, 4, 1, 0, 16 }, \
	    { 0, 2, 4, b, 0, 16 }, { 0, 2, 4, 3, 0, an } } }
/* Places of Y, Cb and Cr in the bytes of a group. */
#define PACKED_422(name, y, cb, cr) \
	{ DRM_FORMAT_##name, false, \
	  { { 0, 1, 2, y, 0, 8 }, { 0, 1, 4, cb, 0, 8 }, { 0, 1, 4, cr, 0, 8 } } }
#define SEMI_8(name, cb, cr) \
	{ DRM_FORMAT_##name, false, \
	  { { 0, 1, 1, 0, 0, 8 }, { 1, 1, 2, cb, 0, 8 }, { 1, 1, 2, cr, 0, 8 } } }
/* Fewer than 16 bits are the upper ones. */
#define SEMI_16(name, n) \
	{ DRM_FORMAT_##name, false, \
	  { { 0, 2, 1, 0, 16 - (n), n }, { 1, 2, 2, 0, 16 - (n), n }, \
	    { 1, 2, 2, 1, 16 - (n), n } } }
#define PLANAR(name, cb, cr) \
	{ DRM_FORMAT_##name, false, \
	  { { 0, 1, 1, 0, 0, 8 }, { cb, 1, 1, 0, 0, 8 }, { cr, 1, 1, 0, 0, 8 } } }

static const struct hf_layout layouts[] = {
	/* Grey: one field is all three channels. */
	WORD3(C8, 1, 0, 0, 0, 8),
	WORD3(R8, 1, 0, 0, 0, 8),
	WORD3(XRGB4444, 2, 8, 4, 0, 4),
	WORD3(XBGR4444, 2, 0, 4, 8, 4),
	WORD3(RGBX4444, 2, 12, 8, 4, 4),
	WORD3(BGRX4444, 2, 4, 8, 12, 4),
	WORD4(ARGB4444, 2, 8, 4, 0, 4, 12, 4),
	WORD4(ABGR4444, 2, 0, 4, 8, 4, 12, 4),
	WORD4(RGBA4444, 2, 12, 8, 4, 4, 0, 4),
	WORD4(BGRA4444, 2, 4, 8, 12, 4, 0, 4),
	WORD3(XRGB1555, 2, 10, 5, 0, 5),
	WORD3(XBGR1555, 2, 0, 5, 10, 5),
	WORD3(RGBX5551, 2, 11, 6, 1, 5),
	WORD3(BGRX5551, 2, 1, 6, 11, 5),
	WORD4(ARGB1555, 2, 10, 5, 0, 5, 15, 1),
	WORD4(ABGR1555, 2, 0, 5, 10, 5, 15, 1),
	WORD4(RGBA5551, 2, 11, 6, 1, 5, 0, 1),
	WORD4(BGRA5551, 2, 1, 6, 11, 5, 0, 1),
	RGB565(RGB565, 11, 0),
	RGB565(BGR565, 0, 11),
	BYTES3(RGB888, 2, 1, 0),
	BYTES3(BGR888, 0, 1, 2),
	WORD3(XRGB8888, 4, 16, 8, 0, 8),
	WORD3(XBGR8888, 4, 0, 8, 16, 8),
	WORD3(RGBX8888, 4, 24, 16, 8, 8),
	WORD3(BGRX8888, 4, 8, 16, 24, 8),
	WORD4(ARGB8888, 4, 16, 8, 0, 8, 24, 8),
	WORD4(ABGR8888, 4, 0, 8, 16, 8, 24, 8),
	WORD4(RGBA8888, 4, 24, 16, 8, 8, 0, 8),
	WORD4(BGRA8888, 4, 8, 16, 24, 8, 0, 8),
	WORD3(XRGB2101010, 4, 20, 10, 0, 10),
	WORD3(XBGR2101010, 4, 0, 10, 20, 10),
	WORD3(RGBX1010102, 4, 22, 12, 2, 10),
	WORD3(BGRX1010102, 4, 2, 12, 22, 10),
	WORD4(ARGB2101010, 4, 20, 10, 0, 10, 30, 2),
	WORD4(ABGR2101010, 4, 0, 10, 20, 10, 30, 2),
	WORD4(RGBA1010102, 4, 22, 12, 2, 10, 0, 2),
	WORD4(BGRA1010102, 4, 2, 12, 22, 10, 0, 2),
	WIDE(XRGB16161616, false, 2, 0, 0),
	WIDE(XBGR16161616, false, 0, 2, 0),
	WIDE(ARGB16161616, false, 2, 0, 16),
	WIDE(ABGR16161616, false, 0, 2, 16),
	WIDE(XRGB16161616F, true, 2, 0, 0),
	WIDE(XBGR16161616F, true, 0, 2, 0),
	WIDE(ARGB16161616F, true, 2, 0, 16),
	WIDE(ABGR16161616F, true, 0, 2, 16),

	PACKED_422(YUYV, 0, 1, 3),
	PACKED_422(YVYU, 0, 3, 1),
	PACKED_422(UYVY, 1, 0, 2),
	PACKED_422(VYUY, 1, 2, 0),
	WORD3(XYUV8888, 4, 16, 8, 0, 8),
	WORD4(AYUV, 4, 16, 8, 0, 8, 24, 8),
	SEMI_8(NV12, 0, 1),
	SEMI_8(NV21, 1, 0),
	SEMI_8(NV16, 0, 1),
	SEMI_8(NV61, 1, 0),
	SEMI_8(NV24, 0, 1),
	SEMI_8(NV42, 1, 0),
	SEMI_16(P010, 10),
	SEMI_16(P012, 12),
	SEMI_16(P016, 16),
	SEMI_16(P210, 10),
	PLANAR(YUV420, 1, 2),
	PLANAR(YUV422, 1, 2),
	PLANAR(YUV444, 1, 2),
	PLANAR(YVU420, 2, 1),
	PLANAR(YVU422, 2, 1),
	PLANAR(YVU444, 2, 1),
};

const struct hf_layout *hf_layout_of(const struct hf_format *format)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].fourcc == format->fourcc)
			return &layouts[i];
	return NULL;
}
