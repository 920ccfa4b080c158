/* SPDX-License-Identifier: MIT */
/*
 * Screenshots: a frame (drivers/soft/frame.h) as a PNG. Takes its time, and no lock.
 */
#include <errno.h>
#include <stdlib.h>

#include "drivers/soft/frame.h"
#include "drivers/soft/png.h"
#include "server/server.h"

int hf_screenshot_write(struct hf_frame *frame, int fd)
{
	struct hf_compose_target target = {
		.format = hf_format_info(DRM_FORMAT_XRGB8888),
	};
	int ret;

	hf_frame_size(frame, &target.width, &target.height);
	target.pitch = target.width * 4;
	target.pixels = malloc((size_t)target.pitch * target.height);
	if (!target.pixels)
		return -ENOMEM;
	ret = hf_frame_compose(frame, &target);
	if (!ret)
		ret = hf_png_write(fd, target.pixels, target.width,
				   target.height, target.pitch);
	free(target.pixels);
	return ret;
}
