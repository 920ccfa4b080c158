/* SPDX-License-Identifier: MIT */
/*
 * What composition must look like: one pixel at a time, in floating point, with
 * formats decoded from descriptions of its own. Slow, and shares no code with
 * what it is compared to.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "compose_reference.h"

/* Bits from the top: a letter and a width each; f after it all is half float. */
static const struct rgb_reference {
	uint32_t fourcc;
	const char *bits;
} rgb_references[] = {
	{ DRM_FORMAT_C8, "k8" },
	{ DRM_FORMAT_R8, "k8" },
	{ DRM_FORMAT_XRGB4444, "x4r4g4b4" },
	{ DRM_FORMAT_XBGR4444, "x4b4g4r4" },
	{ DRM_FORMAT_RGBX4444, "r4g4b4x4" },
	{ DRM_FORMAT_BGRX4444, "b4g4r4x4" },
	{ DRM_FORMAT_ARGB4444, "a4r4g4b4" },
	{ DRM_FORMAT_ABGR4444, "a4b4g4r4" },
	{ DRM_FORMAT_RGBA4444, "r4g4b4a4" },
	{ DRM_FORMAT_BGRA4444, "b4g4r4a4" },
	{ DRM_FORMAT_XRGB1555, "x1r5g5b5" },
	{ DRM_FORMAT_XBGR1555, "x1b5g5r5" },
	{ DRM_FORMAT_RGBX5551, "r5g5b5x1" },
	{ DRM_FORMAT_BGRX5551, "b5g5r5x1" },
	{ DRM_FORMAT_ARGB1555, "a1r5g5b5" },
	{ DRM_FORMAT_ABGR1555, "a1b5g5r5" },
	{ DRM_FORMAT_RGBA5551, "r5g5b5a1" },
	{ DRM_FORMAT_BGRA5551, "b5g5r5a1" },
	{ DRM_FORMAT_RGB565, "r5g6b5" },
	{ DRM_FORMAT_BGR565, "b5g6r5" },
	{ DRM_FORMAT_RGB888, "r8g8b8" },
	{ DRM_FORMAT_BGR888, "b8g8r8" },
	{ DRM_FORMAT_XRGB8888, "x8r8g8b8" },
	{ DRM_FORMAT_XBGR8888, "x8b8g8r8" },
	{ DRM_FORMAT_RGBX8888, "r8g8b8x8" },
	{ DRM_FORMAT_BGRX8888, "b8g8r8x8" },
	{ DRM_FORMAT_ARGB8888, "a8r8g8b8" },
	{ DRM_FORMAT_ABGR8888, "a8b8g8r8" },
	{ DRM_FORMAT_RGBA8888, "r8g8b8a8" },
	{ DRM_FORMAT_BGRA8888, "b8g8r8a8" },
	{ DRM_FORMAT_XRGB2101010, "x2r:g:b:" },
	{ DRM_FORMAT_XBGR2101010, "x2b:g:r:" },
	{ DRM_FORMAT_RGBX1010102, "r:g:b:x2" },
	{ DRM_FORMAT_BGRX1010102, "b:g:r:x2" },
	{ DRM_FORMAT_ARGB2101010, "a2r:g:b:" },
	{ DRM_FORMAT_ABGR2101010, "a2b:g:r:" },
	{ DRM_FORMAT_RGBA1010102, "r:g:b:a2" },
	{ DRM_FORMAT_BGRA1010102, "b:g:r:a2" },
	{ DRM_FORMAT_XRGB16161616, "x@r@g@b@" },
	{ DRM_FORMAT_XBGR16161616, "x@b@g@r@" },
	{ DRM_FORMAT_ARGB16161616, "a@r@g@b@" },
	{ DRM_FORMAT_ABGR16161616, "a@b@g@r@" },
	{ DRM_FORMAT_XRGB16161616F, "x@r@g@b@f" },
	{ DRM_FORMAT_XBGR16161616F, "x@b@g@r@f" },
	{ DRM_FORMAT_ARGB16161616F, "a@r@g@b@f" },
	{ DRM_FORMAT_ABGR16161616F, "a@b@g@r@f" },
};

/* Bytes of a group in each plane; y is the luma of its pixels in turn. */
static const struct yuv_reference {
	uint32_t fourcc;
	unsigned int bits;
	const char *planes[3];
} yuv_references[] = {
	{ DRM_FORMAT_YUYV, 8, { "yuyv" } },
	{ DRM_FORMAT_YVYU, 8, { "yvyu" } },
	{ DRM_FORMAT_UYVY, 8, { "uyvy" } },
	{ DRM_FORMAT_VYUY, 8, { "vyuy" } },
	{ DRM_FORMAT_XYUV8888, 8, { "vuyx" } },
	{ DRM_FORMAT_AYUV, 8, { "vuya" } },
	{ DRM_FORMAT_NV12, 8, { "y", "uv" } },
	{ DRM_FORMAT_NV21, 8, { "y", "vu" } },
	{ DRM_FORMAT_NV16, 8, { "y", "uv" } },
	{ DRM_FORMAT_NV61, 8, { "y", "vu" } },
	{ DRM_FORMAT_NV24, 8, { "y", "uv" } },
	{ DRM_FORMAT_NV42, 8, { "y", "vu" } },
	{ DRM_FORMAT_P010, 10, { "y", "uv" } },
	{ DRM_FORMAT_P012, 12, { "y", "uv" } },
	{ DRM_FORMAT_P016, 16, { "y", "uv" } },
	{ DRM_FORMAT_P210, 10, { "y", "uv" } },
	{ DRM_FORMAT_YUV420, 8, { "y", "u", "v" } },
	{ DRM_FORMAT_YUV422, 8, { "y", "u", "v" } },
	{ DRM_FORMAT_YUV444, 8, { "y", "u", "v" } },
	{ DRM_FORMAT_YVU420, 8, { "y", "v", "u" } },
	{ DRM_FORMAT_YVU422, 8, { "y", "v", "u" } },
	{ DRM_FORMAT_YVU444, 8, { "y", "v", "u" } },
};

static double unit(double value)
{
	return value < 0 ? 0 : value > 1 ? 1 : value;
}

static double half_value(unsigned int bits)
{
	double sign = bits & 0x8000 ? -1 : 1;
	int exponent = bits >> 10 & 31;
	double fraction = (bits & 1023) / 1024.0;

	if (exponent == 31)
		return fraction ? 0 : sign * INFINITY;
	return sign * (exponent ? ldexp(1 + fraction, exponent - 15) :
				  ldexp(fraction, -14));
}

static struct color decode_rgb(const struct hf_compose_plane *plane,
			       const char *bits, uint32_t x, uint32_t y)
{
	unsigned int size = plane->format->cpp[0];
	const uint8_t *at = (const uint8_t *)plane->data[0] +
			    (size_t)y * plane->pitch[0] + x * size;
	bool half = bits[strlen(bits) - 1] == 'f';
	struct color c = { .a = 1 };
	unsigned int top = 8 * size;
	uint64_t word = 0;

	for (unsigned int i = size; i--;)
		word = word << 8 | at[i];
	for (; bits[0] && bits[0] != 'f'; bits += 2) {
		unsigned int width = bits[1] - '0';
		uint64_t code = word >> (top - width) & ((1ull << width) - 1);
		double value = half ? unit(half_value(code)) :
				      code / (double)((1ull << width) - 1);

		top -= width;
		switch (bits[0]) {
		case 'r': c.r = value; break;
		case 'g': c.g = value; break;
		case 'b': c.b = value; break;
		case 'a': c.a = value; break;
		case 'k': c.r = c.g = c.b = value; break;
		}
	}
	return c;
}

static double yuv_code(const struct hf_compose_plane *plane,
		       const struct yuv_reference *ref, char letter, uint32_t x,
		       uint32_t y)
{
	unsigned int size = ref->bits > 8 ? 2 : 1;

	for (unsigned int p = 0; p < plane->format->num_planes; p++) {
		const char *group = ref->planes[p];
		const char *at = strchr(group, letter);
		bool packed = strlen(group) == 4 && plane->format->hsub == 2;
		uint32_t gx = packed ? x / 2 : p ? x / plane->format->hsub : x;
		uint32_t gy = p ? y / plane->format->vsub : y;
		const uint8_t *line = (const uint8_t *)plane->data[p] +
				      (size_t)gy * plane->pitch[p];
		size_t index;

		if (!at)
			continue;
		if (packed && letter == 'y' && x % 2)
			at = strrchr(group, 'y');
		index = (gx * strlen(group) + (at - group)) * size;
		/* The half of a group at the end of a line of odd width. */
		if (packed && index >= plane->width * 2)
			index -= 4;
		return size == 1 ? line[index] :
				   (line[index] | line[index + 1] << 8) >>
					   (16 - ref->bits);
	}
	return NAN;
}

static struct color decode_yuv(const struct hf_compose_plane *plane,
			       const struct yuv_reference *ref, uint32_t x,
			       uint32_t y)
{
	static const double red[] = { 0.299, 0.2126, 0.2627 };
	static const double blue[] = { 0.114, 0.0722, 0.0593 };
	double kr = red[plane->encoding];
	double kb = blue[plane->encoding];
	double scale = 1 << (ref->bits - 8), max = (1 << ref->bits) - 1;
	double luma = yuv_code(plane, ref, 'y', x, y);
	double cb = yuv_code(plane, ref, 'u', x, y) - 128 * scale;
	double cr = yuv_code(plane, ref, 'v', x, y) - 128 * scale;
	double a = yuv_code(plane, ref, 'a', x, y);
	struct color c;

	luma = plane->full_range ? luma / max : (luma - 16 * scale) / (219 * scale);
	cb /= plane->full_range ? max : 224 * scale;
	cr /= plane->full_range ? max : 224 * scale;
	c.r = unit(luma + 2 * (1 - kr) * cr);
	c.b = unit(luma + 2 * (1 - kb) * cb);
	/* Green from what luma is the sum of, before any limit. */
	c.g = unit((luma - kr * (luma + 2 * (1 - kr) * cr) -
		     kb * (luma + 2 * (1 - kb) * cb)) / (1 - kr - kb));
	c.a = isnan(a) ? 1 : a / 255;
	return c;
}

/* A pixel with pre-multiplied alpha, as the plane's blend mode means it. */
static struct color pixel_at(const struct hf_compose_plane *plane, uint32_t x,
			     uint32_t y)
{
	uint32_t fourcc = plane->format->fourcc;
	struct color c = { NAN, NAN, NAN, NAN };

	for (size_t i = 0; i < sizeof(rgb_references) / sizeof(rgb_references[0]); i++)
		if (rgb_references[i].fourcc == fourcc)
			c = decode_rgb(plane, rgb_references[i].bits, x, y);
	for (size_t i = 0; i < sizeof(yuv_references) / sizeof(yuv_references[0]); i++)
		if (yuv_references[i].fourcc == fourcc)
			c = decode_yuv(plane, &yuv_references[i], x, y);

	if (plane->blend == HF_BLEND_NONE)
		c.a = 1;
	if (plane->blend == HF_BLEND_COVERAGE)
		c = (struct color){ c.r * c.a, c.g * c.a, c.b * c.a, c.a };
	return c;
}

static long clamp_index(double index, double start, double size, double limit)
{
	double low = floor(start), high = ceil(start + size) - 1;

	high = fmin(high, limit - 1);
	low = fmin(low, limit - 1);
	return fmax(low, fmin(index, high));
}

static struct color mix(struct color a, struct color b, double t)
{
	return (struct color){ a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t,
			       a.b + (b.b - a.b) * t, a.a + (b.a - a.a) * t };
}

/* u and v run from 0 to 1 over the source rectangle. */
static struct color sample(const struct hf_compose_plane *p, double u, double v)
{
	double sx = p->src_x / 65536.0, sw = p->src_w / 65536.0;
	double sy = p->src_y / 65536.0, sh = p->src_h / 65536.0;
	double x = sx + u * sw - 0.5, y = sy + v * sh - 0.5;
	double fx = x - floor(x), fy = y - floor(y);
	long x0, x1, y0, y1;

	/* The pixel that the point is in, or the next one if it is on the edge. */
	if (p->nearest)
		return pixel_at(p,
				clamp_index(floor(x + 0.5 + 1e-9), sx, sw, p->width),
				clamp_index(floor(y + 0.5 + 1e-9), sy, sh, p->height));

	/* Rounding errors of this reference are no reason to interpolate. */
	if (fx < 1e-6 || fx > 1 - 1e-6)
		fx = 0, x = round(x);
	if (fy < 1e-6 || fy > 1 - 1e-6)
		fy = 0, y = round(y);
	x0 = clamp_index(floor(x), sx, sw, p->width);
	x1 = clamp_index(floor(x) + 1, sx, sw, p->width);
	y0 = clamp_index(floor(y), sy, sh, p->height);
	y1 = clamp_index(floor(y) + 1, sy, sh, p->height);
	return mix(mix(pixel_at(p, x0, y0), pixel_at(p, x1, y0), fx),
		   mix(pixel_at(p, x0, y1), pixel_at(p, x1, y1), fx), fy);
}

/* Turn the picture back clockwise, then reflect it back. */
static struct color shown(const struct hf_compose_plane *p, double u, double v)
{
	double t;

	switch (p->rotation & DRM_MODE_ROTATE_MASK) {
	case DRM_MODE_ROTATE_90: t = u, u = 1 - v, v = t; break;
	case DRM_MODE_ROTATE_180: u = 1 - u, v = 1 - v; break;
	case DRM_MODE_ROTATE_270: t = u, u = v, v = 1 - t; break;
	}
	if (p->rotation & DRM_MODE_REFLECT_X)
		u = 1 - u;
	if (p->rotation & DRM_MODE_REFLECT_Y)
		v = 1 - v;
	return sample(p, u, v);
}

struct color compose_reference(const uint16_t *background,
			       const struct hf_compose_plane *planes,
			       size_t num, int x, int y)
{
	struct color out = { 0, 0, 0, 1 };

	if (background)
		out = (struct color){ background[0] / 65535.0, background[1] / 65535.0,
				      background[2] / 65535.0, 1 };
	for (size_t i = 0; i < num; i++) {
		const struct hf_compose_plane *p = &planes[i];
		double dx = (double)x - p->dst_x, dy = (double)y - p->dst_y;
		double alpha = p->alpha / 65535.0;
		struct color c;

		if (dx < 0 || dx >= p->dst_w || dy < 0 || dy >= p->dst_h ||
		    !p->src_w || !p->src_h)
			continue;
		c = shown(p, (dx + 0.5) / p->dst_w, (dy + 0.5) / p->dst_h);
		out.r = unit(c.r * alpha + out.r * (1 - c.a * alpha));
		out.g = unit(c.g * alpha + out.g * (1 - c.a * alpha));
		out.b = unit(c.b * alpha + out.b * (1 - c.a * alpha));
	}
	return out;
}

static double entry(const struct drm_color_lut *lut, size_t i, int channel)
{
	const uint16_t *values[] = { &lut[i].red, &lut[i].green, &lut[i].blue };

	return *values[channel] / 65535.0;
}

/* The curve through the entries, of which the first is for 0 and the last for 1. */
static double curve(const struct drm_color_lut *lut, size_t size, int channel,
		    double value)
{
	double at = value * (size - 1);
	size_t i = floor(at) < size - 2 ? floor(at) : size - 2;
	double a = entry(lut, i, channel), b = entry(lut, i + 1, channel);

	return a + (b - a) * (at - i);
}

static void look_up(const struct drm_color_lut *lut, size_t size,
		    struct color_range *range)
{
	for (int c = 0; lut && c < 3; c++) {
		double low = range->low[c], high = range->high[c];
		double a = curve(lut, size, c, low), b = curve(lut, size, c, high);

		range->low[c] = fmin(a, b);
		range->high[c] = fmax(a, b);
		for (size_t i = ceil(low * (size - 1)); i <= high * (size - 1); i++) {
			range->low[c] = fmin(range->low[c], entry(lut, i, c));
			range->high[c] = fmax(range->high[c], entry(lut, i, c));
		}
	}
}

/* One bit of sign, 31 of the whole part, 32 of the fraction. */
static double s31_32(uint64_t bits)
{
	double value = (double)(bits << 1 >> 1) / 4294967296.0;

	return bits >> 63 ? -value : value;
}

static void multiply(const struct drm_color_ctm *ctm, struct color_range *range)
{
	struct color_range in = *range;

	for (int i = 0; ctm && i < 3; i++) {
		double low = 0, high = 0;

		for (int j = 0; j < 3; j++) {
			double factor = s31_32(ctm->matrix[3 * i + j]);

			low += factor * (factor < 0 ? in.high[j] : in.low[j]);
			high += factor * (factor < 0 ? in.low[j] : in.high[j]);
		}
		range->low[i] = unit(low);
		range->high[i] = unit(high);
	}
}

/* What is computed with less than infinite precision. */
static void widen(struct color_range *range, double noise)
{
	for (int c = 0; c < 3; c++) {
		range->low[c] = unit(range->low[c] - noise);
		range->high[c] = unit(range->high[c] + noise);
	}
}

struct color_range compose_reference_range(const struct hf_compose_crtc *crtc,
					   const struct hf_compose_plane *planes,
					   size_t num, int x, int y, double noise)
{
	struct color c = compose_reference(crtc->background, planes, num, x, y);
	struct color_range range = { { c.r, c.g, c.b }, { c.r, c.g, c.b } };

	widen(&range, noise);
	look_up(crtc->degamma, crtc->degamma_size, &range);
	widen(&range, noise);
	multiply(crtc->ctm, &range);
	widen(&range, noise);
	look_up(crtc->gamma, crtc->gamma_size, &range);
	return range;
}
