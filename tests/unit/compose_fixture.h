/* SPDX-License-Identifier: MIT */
/*
 * Planes with random pixels, for the tests of composition.
 */
#ifndef HF_TESTS_COMPOSE_FIXTURE_H
#define HF_TESTS_COMPOSE_FIXTURE_H

#include "drivers/soft/compose.h"

/* Exactly as large as it must be, so that ASan sees any read outside. */
struct buffer {
	void *memory[3];
	struct hf_compose_plane plane;
};

/** next_random() - The same numbers each time. */
uint32_t next_random(void);

/** make_buffer() - A plane, shown as it is, at the top left. */
void make_buffer(struct buffer *buffer, uint32_t fourcc, uint32_t width,
		 uint32_t height);

/** free_buffer() - Free its memory. */
void free_buffer(struct buffer *buffer);

#endif
