/* SPDX-License-Identifier: MIT */
/* What the kinds of video have in common. */
#ifndef HF_VIDEO_INTERNAL_H
#define HF_VIDEO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "video/video.h"

/**
 * struct hf_video_kind - How a video is written.
 * @open: before any picture. 0, or a negative errno and @why
 * @add: a picture; all are of one size, if @one_size
 * @finish: after the last, if there was one; @end_ns is after it
 * @close: let go of what @open took; in any case
 */
struct hf_video_kind {
	bool one_size;
	int (*open)(struct hf_video *video, const char **why);
	int (*add)(struct hf_video *video, const struct hf_picture *picture);
	int (*finish)(struct hf_video *video, uint64_t end_ns);
	int (*close)(struct hf_video *video);
};

/**
 * struct hf_video - A video.
 * @fd: the file, or the pipe to the encoder; -1
 * @created: the file was not there before; it goes if there is no picture
 * @last: the picture that was added last, with pixels of its own
 * @written: frames that are in the file, where it has a constant rate
 * @fitted: room for a picture that is of another size; or NULL
 * @buffer: of the kind; of @buffer_size bytes
 */
struct hf_video {
	const struct hf_video_kind *kind;
	char *path;
	int fd;
	pid_t encoder;
	uint64_t count, first_ns, written;
	struct hf_picture last;
	uint32_t *last_pixels, *fitted;
	unsigned char *buffer;
	size_t buffer_size;
	bool created, warned;
};

extern const struct hf_video_kind hf_video_png, hf_video_y4m, hf_video_ffmpeg;

/** hf_video_open_file() - Create it; one that is there is left as it is, until there is
 * a picture. Return: a descriptor or a negative errno. */
int hf_video_open_file(struct hf_video *video);
/** hf_video_write() - All of it. Return: 0 or a negative errno. */
int hf_video_write(int fd, const void *data, size_t size);
/** hf_video_keep() - Remember a picture as the last one. Return: 0 or -ENOMEM. */
int hf_video_keep(struct hf_video *video, const struct hf_picture *picture);
/** hf_video_pixels() - Bytes of a picture's pixels. */
static inline size_t hf_video_pixels(const struct hf_picture *picture)
{
	return (size_t)picture->width * picture->height * 4;
}

#endif
