/* SPDX-License-Identifier: MIT */
/*
 * Reads pixels of any format. A run of pixels is decoded to 16 bits a channel,
 * by bit fields for RGB and by component positions for YCbCr, then pre-multiplied
 * as the plane's blend mode wants it and rounded to 8 bits. Formats are little
 * endian, and so is the host. Pure functions, no lock.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "drivers/soft/fetch.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "see above");

/* Pixels that are decoded at a time. */
#define RUN 64

struct pixel {
	uint16_t r, g, b, a;
};

/* A channel's bits within a pixel; no bits for "not there". */
struct field {
	uint8_t shift, bits;
};

struct rgb_layout {
	uint32_t fourcc;
	bool half;
	struct field r, g, b, a;
};

#define RGB3(name, rs, gs, bs, n) \
	{ DRM_FORMAT_##name, false, { rs, n }, { gs, n }, { bs, n }, { 0, 0 } }
#define RGB4(name, rs, gs, bs, n, as, an) \
	{ DRM_FORMAT_##name, false, { rs, n }, { gs, n }, { bs, n }, { as, an } }
#define HALF(name, rs, gs, bs, an) \
	{ DRM_FORMAT_##name, true, { rs, 16 }, { gs, 16 }, { bs, 16 }, { 48, an } }

static const struct rgb_layout rgb_layouts[] = {
	/* Grey: one field is all three channels. */
	RGB3(C8, 0, 0, 0, 8),
	RGB3(R8, 0, 0, 0, 8),
	RGB3(XRGB4444, 8, 4, 0, 4),
	RGB3(XBGR4444, 0, 4, 8, 4),
	RGB3(RGBX4444, 12, 8, 4, 4),
	RGB3(BGRX4444, 4, 8, 12, 4),
	RGB4(ARGB4444, 8, 4, 0, 4, 12, 4),
	RGB4(ABGR4444, 0, 4, 8, 4, 12, 4),
	RGB4(RGBA4444, 12, 8, 4, 4, 0, 4),
	RGB4(BGRA4444, 4, 8, 12, 4, 0, 4),
	RGB3(XRGB1555, 10, 5, 0, 5),
	RGB3(XBGR1555, 0, 5, 10, 5),
	RGB3(RGBX5551, 11, 6, 1, 5),
	RGB3(BGRX5551, 1, 6, 11, 5),
	RGB4(ARGB1555, 10, 5, 0, 5, 15, 1),
	RGB4(ABGR1555, 0, 5, 10, 5, 15, 1),
	RGB4(RGBA5551, 11, 6, 1, 5, 0, 1),
	RGB4(BGRA5551, 1, 6, 11, 5, 0, 1),
	{ DRM_FORMAT_RGB565, false, { 11, 5 }, { 5, 6 }, { 0, 5 }, { 0, 0 } },
	{ DRM_FORMAT_BGR565, false, { 0, 5 }, { 5, 6 }, { 11, 5 }, { 0, 0 } },
	RGB3(RGB888, 16, 8, 0, 8),
	RGB3(BGR888, 0, 8, 16, 8),
	RGB3(XRGB8888, 16, 8, 0, 8),
	RGB3(XBGR8888, 0, 8, 16, 8),
	RGB3(RGBX8888, 24, 16, 8, 8),
	RGB3(BGRX8888, 8, 16, 24, 8),
	RGB4(ARGB8888, 16, 8, 0, 8, 24, 8),
	RGB4(ABGR8888, 0, 8, 16, 8, 24, 8),
	RGB4(RGBA8888, 24, 16, 8, 8, 0, 8),
	RGB4(BGRA8888, 8, 16, 24, 8, 0, 8),
	RGB3(XRGB2101010, 20, 10, 0, 10),
	RGB3(XBGR2101010, 0, 10, 20, 10),
	RGB3(RGBX1010102, 22, 12, 2, 10),
	RGB3(BGRX1010102, 2, 12, 22, 10),
	RGB4(ARGB2101010, 20, 10, 0, 10, 30, 2),
	RGB4(ABGR2101010, 0, 10, 20, 10, 30, 2),
	RGB4(RGBA1010102, 22, 12, 2, 10, 0, 2),
	RGB4(BGRA1010102, 2, 12, 22, 10, 0, 2),
	RGB3(XRGB16161616, 32, 16, 0, 16),
	RGB3(XBGR16161616, 0, 16, 32, 16),
	RGB4(ARGB16161616, 32, 16, 0, 16, 48, 16),
	RGB4(ABGR16161616, 0, 16, 32, 16, 48, 16),
	HALF(XRGB16161616F, 32, 16, 0, 0),
	HALF(XBGR16161616F, 0, 16, 32, 0),
	HALF(ARGB16161616F, 32, 16, 0, 16),
	HALF(ABGR16161616F, 0, 16, 32, 16),
};

/* Where a YCbCr component is: colour plane, first byte, bytes to the next one. */
struct component {
	uint8_t plane, offset, step;
};

struct yuv_layout {
	uint32_t fourcc;
	uint8_t bits;
	struct component y, cb, cr, a;
};

#define PACKED_422(name, y, cb, cr) \
	{ DRM_FORMAT_##name, 8, { 0, y, 2 }, { 0, cb, 4 }, { 0, cr, 4 }, { 0 } }
#define SEMI_8(name, cb, cr) \
	{ DRM_FORMAT_##name, 8, { 0, 0, 1 }, { 1, cb, 2 }, { 1, cr, 2 }, { 0 } }
#define SEMI_16(name, bits) \
	{ DRM_FORMAT_##name, bits, { 0, 0, 2 }, { 1, 0, 4 }, { 1, 2, 4 }, { 0 } }
#define PLANAR(name, cb, cr) \
	{ DRM_FORMAT_##name, 8, { 0, 0, 1 }, { cb, 0, 1 }, { cr, 0, 1 }, { 0 } }

static const struct yuv_layout yuv_layouts[] = {
	PACKED_422(YUYV, 0, 1, 3),
	PACKED_422(YVYU, 0, 3, 1),
	PACKED_422(UYVY, 1, 0, 2),
	PACKED_422(VYUY, 1, 2, 0),
	{ DRM_FORMAT_XYUV8888, 8, { 0, 2, 4 }, { 0, 1, 4 }, { 0, 0, 4 }, { 0 } },
	{ DRM_FORMAT_AYUV, 8, { 0, 2, 4 }, { 0, 1, 4 }, { 0, 0, 4 }, { 0, 3, 4 } },
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

static const struct rgb_layout *find_rgb(uint32_t fourcc)
{
	for (size_t i = 0; i < sizeof(rgb_layouts) / sizeof(rgb_layouts[0]); i++)
		if (rgb_layouts[i].fourcc == fourcc)
			return &rgb_layouts[i];
	return NULL;
}

static const struct yuv_layout *find_yuv(uint32_t fourcc)
{
	for (size_t i = 0; i < sizeof(yuv_layouts) / sizeof(yuv_layouts[0]); i++)
		if (yuv_layouts[i].fourcc == fourcc)
			return &yuv_layouts[i];
	return NULL;
}

bool hf_fetch_supported(const struct hf_format *format)
{
	return find_rgb(format->fourcc) || find_yuv(format->fourcc);
}

static const uint8_t *line_of(const struct hf_compose_plane *plane,
			      unsigned int color, uint32_t y)
{
	return (const uint8_t *)plane->data[color] +
	       (size_t)y * plane->pitch[color];
}

static uint64_t load(const uint8_t *bytes, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

/* Repeating the bits spreads 0..2^n-1 over 0..0xffff. */
static uint16_t extract(uint64_t value, struct field field)
{
	uint32_t wide;

	if (!field.bits)
		return 0xffff;

	wide = value >> field.shift & ((1u << field.bits) - 1);
	wide <<= 16 - field.bits;
	for (unsigned int n = field.bits; n < 16; n *= 2)
		wide |= wide >> n;
	return wide;
}

/* What is brighter than white is white; what is no number is black. */
static uint16_t from_half(uint16_t half)
{
	unsigned int exponent = half >> 10 & 0x1f;
	unsigned int fraction = half & 0x3ff;

	if (half & 0x8000 || (exponent == 31 && fraction))
		return 0;
	if (exponent >= 15)
		return 0xffff;
	if (exponent)
		return lrintf(ldexpf(fraction | 0x400, exponent - 25) * 65535);
	return lrintf(ldexpf(fraction, -24) * 65535);
}

static void decode_rgb(const struct hf_compose_plane *plane,
		       const struct rgb_layout *layout, uint32_t x, uint32_t y,
		       uint32_t count, struct pixel *out)
{
	unsigned int size = plane->format->cpp[0];
	const uint8_t *bytes = line_of(plane, 0, y) + (size_t)x * size;

	for (uint32_t i = 0; i < count; i++, bytes += size) {
		uint64_t value = load(bytes, size);

		out[i].r = extract(value, layout->r);
		out[i].g = extract(value, layout->g);
		out[i].b = extract(value, layout->b);
		out[i].a = extract(value, layout->a);
	}
	if (!layout->half)
		return;
	for (uint32_t i = 0; i < count; i++) {
		out[i].r = from_half(out[i].r);
		out[i].g = from_half(out[i].g);
		out[i].b = from_half(out[i].b);
		out[i].a = layout->a.bits ? from_half(out[i].a) : 0xffff;
	}
}

/*
 * Read one component of a run of pixels. A line of packed 4:2:2 with an odd width
 * ends in the middle of a group: the last pixel then takes what is missing from
 * the group before, or is grey.
 */
static void read_component(const struct hf_compose_plane *plane,
			   const struct yuv_layout *layout,
			   const struct component *at, bool chroma, uint32_t x,
			   uint32_t y, uint32_t count, uint16_t *out)
{
	const struct hf_format *format = plane->format;
	/* Subsampling is by 1 or 2. */
	unsigned int hshift = chroma ? format->hsub / 2 : 0;
	unsigned int vshift = chroma ? format->vsub / 2 : 0;
	unsigned int size = layout->bits > 8 ? 2 : 1;
	const uint8_t *line = line_of(plane, at->plane, y >> vshift);
	uint64_t length = hf_format_min_pitch(format, plane->width, at->plane);
	uint64_t last;

	if (length < at->offset + size) {
		for (uint32_t i = 0; i < count; i++)
			out[i] = 1u << (layout->bits - 1);
		return;
	}

	last = (length - at->offset - size) / at->step;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t index = (x + i) >> hshift;
		const uint8_t *bytes;

		index = index < last ? index : last;
		bytes = line + index * at->step + at->offset;
		/* Deeper formats have their bits at the top. */
		out[i] = size == 1 ? *bytes : load(bytes, 2) >> (16 - layout->bits);
	}
}

/* From codes to 0..65535: an offset and a factor for Y, factors for Cb and Cr. */
struct matrix {
	float y_zero, y;
	float c_zero, r_cr, g_cb, g_cr, b_cb;
};

/* What red and blue are of Y, by enum hf_encoding. */
static const double weights[][2] = {
	[HF_ENCODING_BT601] = { 0.299, 0.114 },
	[HF_ENCODING_BT709] = { 0.2126, 0.0722 },
	[HF_ENCODING_BT2020] = { 0.2627, 0.0593 },
};

static void make_matrix(struct matrix *matrix,
			const struct hf_compose_plane *plane, unsigned int bits)
{
	double kr = weights[plane->encoding][0];
	double kb = weights[plane->encoding][1];
	double kg = 1 - kr - kb;
	double unit = 1u << (bits - 8);
	double full = (1u << bits) - 1;
	double chroma = 65535 / (plane->full_range ? full : 224 * unit);

	matrix->y_zero = plane->full_range ? 0 : 16 * unit;
	matrix->y = 65535 / (plane->full_range ? full : 219 * unit);
	matrix->c_zero = 128 * unit;
	matrix->r_cr = chroma * 2 * (1 - kr);
	matrix->b_cb = chroma * 2 * (1 - kb);
	matrix->g_cb = -chroma * 2 * (1 - kb) * kb / kg;
	matrix->g_cr = -chroma * 2 * (1 - kr) * kr / kg;
}

static uint16_t clamp16(float value)
{
	/* In the form of two instructions, not of two branches. */
	value = value > 0 ? value : 0;
	value = value < 65535 ? value : 65535;
	return value + 0.5f;
}

static void decode_yuv(const struct hf_compose_plane *plane,
		       const struct yuv_layout *layout,
		       const struct matrix *matrix, uint32_t x, uint32_t y,
		       uint32_t count, struct pixel *out)
{
	uint16_t luma[RUN], cb[RUN], cr[RUN], alpha[RUN];

	read_component(plane, layout, &layout->y, false, x, y, count, luma);
	read_component(plane, layout, &layout->cb, true, x, y, count, cb);
	read_component(plane, layout, &layout->cr, true, x, y, count, cr);
	if (layout->a.step)
		read_component(plane, layout, &layout->a, false, x, y, count,
			       alpha);

	for (uint32_t i = 0; i < count; i++) {
		float l = (luma[i] - matrix->y_zero) * matrix->y;
		float u = cb[i] - matrix->c_zero;
		float v = cr[i] - matrix->c_zero;

		out[i].r = clamp16(l + matrix->r_cr * v);
		out[i].g = clamp16(l + matrix->g_cb * u + matrix->g_cr * v);
		out[i].b = clamp16(l + matrix->b_cb * u);
		out[i].a = layout->a.step ? alpha[i] * 0x101 : 0xffff;
	}
}

static uint16_t multiply(uint32_t a, uint32_t b)
{
	return (a * b + 32767) / 65535;
}

/* Rounds to the nearest, for all of 0..65535. */
static uint32_t narrow(uint32_t value)
{
	return (value * 255 + 32895) >> 16;
}

static void finish(const struct hf_compose_plane *plane, struct pixel *pixels,
		   uint32_t count, uint32_t *argb)
{
	bool opaque = plane->blend == HF_BLEND_NONE;
	bool coverage = plane->blend == HF_BLEND_COVERAGE;

	for (uint32_t i = 0; i < count; i++) {
		struct pixel *p = &pixels[i];

		if (opaque)
			p->a = 0xffff;
		if (coverage && p->a != 0xffff) {
			p->r = multiply(p->r, p->a);
			p->g = multiply(p->g, p->a);
			p->b = multiply(p->b, p->a);
		}
		argb[i] = narrow(p->a) << 24 | narrow(p->r) << 16 |
			  narrow(p->g) << 8 | narrow(p->b);
	}
}

/* By far the most common: as it is, but for the alpha. */
static bool fetch_8888(const struct hf_compose_plane *plane, uint32_t x,
		       uint32_t y, uint32_t width, uint32_t *argb)
{
	bool opaque = plane->format->fourcc == DRM_FORMAT_XRGB8888 ||
		      plane->blend == HF_BLEND_NONE;

	if (plane->format->fourcc != DRM_FORMAT_XRGB8888 &&
	    plane->format->fourcc != DRM_FORMAT_ARGB8888)
		return false;
	if (!opaque && plane->blend == HF_BLEND_COVERAGE)
		return false;

	memcpy(argb, line_of(plane, 0, y) + (size_t)x * 4, (size_t)width * 4);
	if (opaque)
		for (uint32_t i = 0; i < width; i++)
			argb[i] |= 0xff000000;
	return true;
}

void hf_fetch_box(const struct hf_compose_plane *plane, uint32_t x, uint32_t y,
		  uint32_t width, uint32_t height, uint32_t *argb)
{
	const struct rgb_layout *rgb = find_rgb(plane->format->fourcc);
	const struct yuv_layout *yuv = find_yuv(plane->format->fourcc);
	struct pixel pixels[RUN];
	struct matrix matrix = { 0 };

	if (yuv)
		make_matrix(&matrix, plane, yuv->bits);

	for (uint32_t line = y; line < y + height; line++, argb += width) {
		if (fetch_8888(plane, x, line, width, argb))
			continue;
		for (uint32_t i = 0; i < width; i += RUN) {
			uint32_t count = width - i < RUN ? width - i : RUN;

			if (rgb)
				decode_rgb(plane, rgb, x + i, line, count, pixels);
			else
				decode_yuv(plane, yuv, &matrix, x + i, line, count,
					   pixels);
			finish(plane, pixels, count, argb + i);
		}
	}
}
