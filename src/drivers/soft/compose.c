/* SPDX-License-Identifier: MIT */
/*
 * Composition: checks what is asked for, and who does it. Pictures that need no more
 * than 8 bits a channel, of planes that need no conversion, are pixman's; all others,
 * and CRCs, go through the pipe.
 *
 * The caller owns all memory, and keeps the framebuffers mapped meanwhile. No
 * state, no lock.
 */
#include <errno.h>

#include "drivers/soft/compose.h"
#include "drivers/soft/crc.h"
#include "drivers/soft/direct.h"
#include "drivers/soft/fetch.h"
#include "drivers/soft/pipe.h"
#include "drivers/soft/store.h"

#define MAX_SIZE 16384

static bool valid_rotation(uint8_t rotation)
{
	uint8_t turn = rotation & DRM_MODE_ROTATE_MASK;

	if (rotation & ~(DRM_MODE_ROTATE_MASK | DRM_MODE_REFLECT_MASK))
		return false;
	return !(turn & (turn - 1));
}

static bool valid_plane(const struct hf_compose_plane *plane)
{
	const struct hf_format *format = plane->format;

	if (!format || !hf_fetch_supported(format))
		return false;
	if (plane->blend > HF_BLEND_NONE ||
	    plane->encoding > HF_ENCODING_BT2020 ||
	    !valid_rotation(plane->rotation))
		return false;
	if (!plane->width || !plane->height)
		return false;

	for (unsigned int i = 0; i < format->num_planes; i++)
		if (!plane->data[i] ||
		    plane->pitch[i] < hf_format_min_pitch(format, plane->width, i))
			return false;
	return true;
}

static bool valid_lut(const struct drm_color_lut *lut, size_t size)
{
	return !lut || (size >= 2 && size <= HF_COMPOSE_MAX_LUT);
}

static bool valid_size(uint32_t width, uint32_t height)
{
	return width && width <= MAX_SIZE && height && height <= MAX_SIZE;
}

static bool valid_input(const struct hf_compose_crtc *crtc,
			const struct hf_compose_plane *planes, size_t num_planes)
{
	if (!valid_lut(crtc->degamma, crtc->degamma_size) ||
	    !valid_lut(crtc->gamma, crtc->gamma_size))
		return false;
	for (size_t i = 0; i < num_planes; i++)
		if (!valid_plane(&planes[i]))
			return false;
	return true;
}

bool hf_compose_target_supported(const struct hf_format *format)
{
	return hf_store_supported(format);
}

static bool valid_target(const struct hf_compose_target *target)
{
	return target->format && hf_store_supported(target->format) &&
	       target->pixels && valid_size(target->width, target->height) &&
	       target->pitch >= hf_format_min_pitch(target->format,
						    target->width, 0);
}

int hf_compose(const struct hf_compose_target *target,
	       const struct hf_compose_crtc *crtc,
	       const struct hf_compose_plane *planes, size_t num_planes)
{
	struct hf_pipe pipe;
	int ret;

	if (!valid_target(target) || !valid_input(crtc, planes, num_planes))
		return -EINVAL;
	if (hf_direct_possible(target, crtc, planes, num_planes))
		return hf_direct_compose(target, crtc, planes, num_planes);

	ret = hf_pipe_init(&pipe, target, crtc, planes, num_planes);
	if (ret)
		return ret;
	for (uint32_t y = 0; y < target->height; y++)
		hf_pipe_line(&pipe, y, (uint8_t *)target->pixels +
					       (size_t)y * target->pitch);
	hf_pipe_finish(&pipe);
	return 0;
}

/* A word is a pixel. */
static void add_line(struct hf_crc *crc, struct hf_pipe *pipe, uint32_t y)
{
	for (uint32_t x = 0; x < pipe->width; x += HF_PIXELS_RUN) {
		uint32_t left = pipe->width - x;
		uint32_t count = left < HF_PIXELS_RUN ? left : HF_PIXELS_RUN;

		hf_pipe_run(pipe, x, y, count, hf_crc_room(crc, count));
		hf_crc_add(crc, count);
	}
}

int hf_compose_crc(uint32_t width, uint32_t height,
		   const struct hf_compose_crtc *crtc,
		   const struct hf_compose_plane *planes, size_t num_planes,
		   uint32_t *crc)
{
	const struct hf_compose_target target = {
		.format = hf_format_info(DRM_FORMAT_XBGR16161616),
		.width = width, .height = height,
	};
	struct hf_pipe pipe;
	struct hf_crc sum;
	int ret;

	if (!valid_size(width, height) ||
	    !valid_input(crtc, planes, num_planes))
		return -EINVAL;

	ret = hf_pipe_init(&pipe, &target, crtc, planes, num_planes);
	if (ret)
		return ret;
	hf_crc_init(&sum);
	for (uint32_t y = 0; y < height; y++)
		add_line(&sum, &pipe, y);
	*crc = hf_crc_finish(&sum);
	hf_pipe_finish(&pipe);
	return 0;
}
