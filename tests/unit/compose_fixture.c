/* SPDX-License-Identifier: MIT */
/*
 * Planes with random pixels. Their memory is the caller's to free.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compose_fixture.h"

static uint32_t random_state = 1;

uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

void make_buffer(struct buffer *buffer, uint32_t fourcc, uint32_t width,
		 uint32_t height)
{
	const struct hf_format *format = hf_format_info(fourcc);

	memset(buffer, 0, sizeof(*buffer));
	buffer->plane = (struct hf_compose_plane){
		.format = format, .width = width, .height = height,
		.src_w = width << 16, .src_h = height << 16,
		.dst_w = width, .dst_h = height,
		.alpha = 0xffff, .rotation = DRM_MODE_ROTATE_0,
	};
	for (unsigned int i = 0; i < format->num_planes; i++) {
		size_t pitch = hf_format_min_pitch(format, width, i);
		size_t lines = hf_format_plane_height(format, height, i);
		uint8_t *memory = malloc(pitch * lines);

		assert_non_null(memory);
		for (size_t j = 0; j < pitch * lines; j++)
			memory[j] = next_random() >> 11;
		buffer->memory[i] = memory;
		buffer->plane.data[i] = memory;
		buffer->plane.pitch[i] = pitch;
	}
}

void free_buffer(struct buffer *buffer)
{
	for (int i = 0; i < 3; i++)
		free(buffer->memory[i]);
}
