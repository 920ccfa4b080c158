/* SPDX-License-Identifier: MIT */
/*
 * YUV4MPEG2: a line of text, and then frames of planes, at a constant rate. So a
 * picture is written as often as the display has shown it, when the next one is
 * there. Y'CbCr of BT.709 in the limited range, a sample of each for each pixel.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "video/internal.h"

static int open_y4m(struct hf_video *video, const char **why)
{
	video->fd = hf_video_open_file(video);
	if (video->fd >= 0)
		return 0;
	*why = strerror(-video->fd);
	return video->fd;
}

/* Which frame of the video is shown at a moment. */
static uint64_t index_at(const struct hf_video *video, uint64_t ns)
{
	uint64_t since = ns > video->first_ns ? ns - video->first_ns : 0;

	return (since + video->last.frame_ns / 2) / video->last.frame_ns;
}

/* 16.16 fixed point, of 8-bit values. */
static void convert(const struct hf_picture *picture, unsigned char *out)
{
	size_t n = (size_t)picture->width * picture->height;

	for (size_t i = 0; i < n; i++) {
		uint32_t pixel = picture->pixels[i];
		int r = pixel >> 16 & 0xff, g = pixel >> 8 & 0xff;
		int b = pixel & 0xff;

		out[i] = (11966 * r + 40254 * g + 4064 * b + (16 << 16) +
			  (1 << 15)) >> 16;
		out[n + i] = (-6596 * r - 22189 * g + 28784 * b + (128 << 16) +
			      (1 << 15)) >> 16;
		out[2 * n + i] = (28784 * r - 26145 * g - 2639 * b +
				  (128 << 16) + (1 << 15)) >> 16;
	}
}

/* Show the last picture until that frame. */
static int repeat_until(struct hf_video *video, uint64_t end)
{
	static const char frame[] = "FRAME\n";
	size_t size = hf_video_pixels(&video->last) / 4 * 3;
	int ret = 0;

	if (video->written >= end)
		return 0;
	convert(&video->last, video->buffer);
	for (; !ret && video->written < end; video->written++) {
		ret = hf_video_write(video->fd, frame, sizeof(frame) - 1);
		if (!ret)
			ret = hf_video_write(video->fd, video->buffer, size);
	}
	return ret;
}

static int begin(struct hf_video *video, const struct hf_picture *picture)
{
	char header[128];
	int n = snprintf(header, sizeof(header),
			 "YUV4MPEG2 W%u H%u F1000000000:%lu Ip A1:1 C444 XCOLORRANGE=LIMITED\n",
			 picture->width, picture->height, picture->frame_ns);

	video->buffer = malloc(hf_video_pixels(picture) / 4 * 3);
	if (!video->buffer)
		return -ENOMEM;
	/* Which a pipe refuses: it has nothing in it. */
	if (!video->created && ftruncate(video->fd, 0) && errno != EINVAL)
		return -errno;
	return hf_video_write(video->fd, header, n);
}

/* Of two in the same frame the last one is seen. */
static int add_y4m(struct hf_video *video, const struct hf_picture *picture)
{
	int ret = video->count ? repeat_until(video,
					      index_at(video, picture->ns)) :
				 begin(video, picture);

	return ret ? ret : hf_video_keep(video, picture);
}

static int finish_y4m(struct hf_video *video, uint64_t end_ns)
{
	uint64_t end = index_at(video, end_ns);

	return repeat_until(video, end > video->written ? end :
							  video->written + 1);
}

static int close_y4m(struct hf_video *video)
{
	return close(video->fd) ? -errno : 0;
}

const struct hf_video_kind hf_video_y4m = {
	.one_size = true,
	.open = open_y4m,
	.add = add_y4m,
	.finish = finish_y4m,
	.close = close_y4m,
};
