/* SPDX-License-Identifier: MIT */
/*
 * Pixels while they are composed: a run of a line, with an array of floats for
 * each channel, which holds all of 16 bits and lets the compiler work on several
 * pixels at once. For the composer only.
 */
#ifndef HF_SOFT_PIXELS_H
#define HF_SOFT_PIXELS_H

#include <stddef.h>
#include <stdint.h>

/* Full brightness or opacity: values are 16-bit codes, with fractions. */
#define HF_PIXELS_ONE 65535.0f

/* Pixels that go through all steps at a time: they stay in the nearest cache. */
#define HF_PIXELS_RUN 192

/* Of a run's arrays: no vector is on two cache lines. */
#define HF_PIXELS_ALIGNED _Alignas(64)

/**
 * struct hf_pixels - A run of pixels.
 * @r: red of each
 * @g: green
 * @b: blue
 * @a: alpha, with which the colours are multiplied; NULL if all are opaque
 */
struct hf_pixels {
	float *r, *g, *b, *a;
};

static inline struct hf_pixels hf_pixels_at(const struct hf_pixels *pixels,
					    size_t x)
{
	return (struct hf_pixels){ pixels->r + x, pixels->g + x, pixels->b + x,
				   pixels->a ? pixels->a + x : NULL };
}

/* Buffers are aligned as their clients like. */
typedef uint16_t hf_any_u16 __attribute__((aligned(1), may_alias));
typedef uint32_t hf_any_u32 __attribute__((aligned(1), may_alias));

/*
 * A hot loop: compiled for wide vectors as well, and the right one is called.
 * Both give the same results, as no operations are fused. What chooses runs before
 * the thread sanitizer is ready.
 */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)
#define HF_HOT __attribute__((target_clones("avx2", "default")))
#else
#define HF_HOT
#endif

#endif
