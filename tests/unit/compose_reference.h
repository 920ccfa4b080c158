/* SPDX-License-Identifier: MIT */
/*
 * A reference for the tests of composition.
 */
#ifndef HF_TESTS_COMPOSE_REFERENCE_H
#define HF_TESTS_COMPOSE_REFERENCE_H

#include <stddef.h>
#include "drivers/soft/compose.h"

/* 0..1 each; colours are pre-multiplied with alpha. */
struct color {
	double r, g, b, a;
};

/* Red, green and blue, of which each may be anything between the two. */
struct color_range {
	double low[3], high[3];
};

/**
 * compose_reference() - What planes make of a pixel.
 * @background: below all of them; NULL for black
 * @planes: lowest first
 * @num: how many
 * @x: of the picture
 * @y: of the picture
 */
struct color compose_reference(const uint16_t *background,
			       const struct hf_compose_plane *planes, size_t num,
			       int x, int y);

/**
 * compose_reference_range() - What a pixel of the picture must be.
 * @crtc: background and colours
 * @planes: lowest first
 * @num: how many
 * @x: of the picture
 * @y: of the picture
 * @noise: that is allowed before LUTs and matrix, which may amplify it; 0..1 is
 *	the range of a channel
 */
struct color_range compose_reference_range(const struct hf_compose_crtc *crtc,
					   const struct hf_compose_plane *planes,
					   size_t num, int x, int y, double noise);

#endif
