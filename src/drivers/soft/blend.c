/* SPDX-License-Identifier: MIT */
/*
 * Blending, in floating point: what is rounded is only the finished pixel. Pure
 * functions, no lock.
 */
#include "drivers/soft/blend.h"

static inline float saturate(float value)
{
	return value < HF_PIXELS_ONE ? value : HF_PIXELS_ONE;
}

HF_HOT
static void over(const float *restrict fr, const float *restrict fg,
		 const float *restrict fb, const float *restrict fa,
		 size_t count, float alpha, float *restrict r,
		 float *restrict g, float *restrict b)
{
	for (size_t i = 0; i < count; i++) {
		float rest = 1 - fa[i] * (alpha / HF_PIXELS_ONE);

		r[i] = saturate(fr[i] * alpha + r[i] * rest);
		g[i] = saturate(fg[i] * alpha + g[i] * rest);
		b[i] = saturate(fb[i] * alpha + b[i] * rest);
	}
}

HF_HOT
static void mix(const float *restrict from, size_t count, float alpha,
		float *restrict to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = from[i] * alpha + to[i] * (1 - alpha);
}

void hf_blend_over(const struct hf_pixels *from, size_t count, float alpha,
		   const struct hf_pixels *to)
{
	if (from->a) {
		over(from->r, from->g, from->b, from->a, count, alpha, to->r,
		     to->g, to->b);
		return;
	}
	mix(from->r, count, alpha, to->r);
	mix(from->g, count, alpha, to->g);
	mix(from->b, count, alpha, to->b);
}

static inline float byte(uint32_t word, unsigned int shift)
{
	return (int32_t)(word >> shift & 0xff);
}

HF_HOT
static void over_words(const hf_any_u32 *restrict from, size_t count,
		       const uint8_t *shifts, float *restrict r,
		       float *restrict g, float *restrict b)
{
	unsigned int red = shifts[0], green = shifts[1];
	unsigned int blue = shifts[2], alpha = shifts[3];

	for (size_t i = 0; i < count; i++) {
		uint32_t word = from[i];
		float rest = 1 - byte(word, alpha) * (1 / 255.0f);

		r[i] = saturate(byte(word, red) * 257 + r[i] * rest);
		g[i] = saturate(byte(word, green) * 257 + g[i] * rest);
		b[i] = saturate(byte(word, blue) * 257 + b[i] * rest);
	}
}

void hf_blend_words(const void *from, size_t count, const uint8_t shifts[4],
		    const struct hf_pixels *to)
{
	over_words(from, count, shifts, to->r, to->g, to->b);
}

HF_HOT
static void premultiply(float *restrict r, float *restrict g, float *restrict b,
			const float *restrict a, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		float factor = a[i] * (1 / HF_PIXELS_ONE);

		r[i] *= factor;
		g[i] *= factor;
		b[i] *= factor;
	}
}

void hf_blend_premultiply(const struct hf_pixels *pixels, size_t count)
{
	premultiply(pixels->r, pixels->g, pixels->b, pixels->a, count);
}

HF_HOT
static void fill(float *to, size_t count, float value)
{
	for (size_t i = 0; i < count; i++)
		to[i] = value;
}

void hf_blend_fill(const struct hf_pixels *pixels, size_t count,
		   const uint16_t color[3])
{
	fill(pixels->r, count, color[0]);
	fill(pixels->g, count, color[1]);
	fill(pixels->b, count, color[2]);
}
