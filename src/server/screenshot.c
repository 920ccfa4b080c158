/* SPDX-License-Identifier: MIT */
/*
 * Screenshots: a frame (drivers/soft/frame.h) as a PNG. The lock is taken to capture
 * it, not to compose it.
 */
#include <errno.h>
#include <stdlib.h>

#include "drivers/soft/frame.h"
#include "drivers/soft/png.h"
#include "server/server.h"

int hf_screenshot_capture(struct hf_device *dev, unsigned int crtc,
			  struct hf_frame **frame)
{
	int ret = -ENOENT;

	pthread_mutex_lock(&dev->sys->lock);
	if (crtc == HF_KMS_MAIN)
		crtc = hf_kms_main_crtc(&dev->kms);
	if (crtc < dev->kms.num_crtcs)
		ret = hf_frame_capture_last(dev, dev->kms.crtcs[crtc], frame);
	pthread_mutex_unlock(&dev->sys->lock);
	return ret;
}

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
