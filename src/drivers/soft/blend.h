/* SPDX-License-Identifier: MIT */
/*
 * Blending. For the composer only.
 */
#ifndef HF_SOFT_BLEND_H
#define HF_SOFT_BLEND_H

#include <stddef.h>
#include <stdint.h>
#include "drivers/soft/pixels.h"

/**
 * hf_blend_over() - Put pixels over others.
 * @from: what goes on top
 * @count: how many
 * @alpha: of all of them, 0..1
 * @to: opaque pixels; colours brighter than their alpha saturate
 */
void hf_blend_over(const struct hf_pixels *from, size_t count, float alpha,
		   const struct hf_pixels *to);

/**
 * hf_blend_words() - The same, straight from 32-bit words with 8 bits a channel.
 * @from: the words
 * @count: how many
 * @shifts: lowest bits of red, green, blue and alpha
 * @to: opaque pixels
 */
void hf_blend_words(const void *from, size_t count, const uint8_t shifts[4],
		    const struct hf_pixels *to);

/**
 * hf_blend_premultiply() - Multiply colours by their alpha.
 * @pixels: not opaque
 * @count: how many
 */
void hf_blend_premultiply(const struct hf_pixels *pixels, size_t count);

/**
 * hf_blend_fill() - Make opaque pixels of one colour.
 * @pixels: to fill
 * @count: how many
 * @color: red, green and blue
 */
void hf_blend_fill(const struct hf_pixels *pixels, size_t count,
		   const uint16_t color[3]);

#endif
