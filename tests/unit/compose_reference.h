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

/**
 * compose_reference() - What a pixel of the picture must be, before gamma.
 * @planes: lowest first
 * @num: how many
 * @x: of the picture
 * @y: of the picture
 */
struct color compose_reference(const struct hf_compose_plane *planes, size_t num,
			       int x, int y);

#endif
