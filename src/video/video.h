/* SPDX-License-Identifier: MIT */
/*
 * Pictures on their way into a file: a numbered PNG each, an uncompressed .y4m, or
 * whatever ffmpeg makes of them.
 *
 * A video belongs to one thread at a time.
 */
#ifndef HF_VIDEO_VIDEO_H
#define HF_VIDEO_VIDEO_H

#include <stdint.h>
#include <sys/types.h>

struct hf_video;

/**
 * struct hf_picture - A picture.
 * @pixels: XRGB8888, without gaps between lines
 * @frame_ns: how long the display shows a frame
 * @ns: since when it is shown; later pictures are later
 */
struct hf_picture {
	const uint32_t *pixels;
	uint32_t width, height;
	uint64_t frame_ns, ns;
};

/**
 * hf_video_create() - A video, by the name of its file.
 * @why: set to a sentence where it cannot be
 *
 * "%d" or the like of "%05d" in the name: a PNG for every picture, counted from 0, each
 * of its own size. A name that ends in .y4m, .mkv, .mp4, .webm or .gif: a video in
 * which a picture is shown when it was shown, to the frame. It has the size of the
 * first picture; later ones are cut off or padded with black. All but the first
 * are made by ffmpeg, which must be there.
 *
 * Return: NULL and errno.
 */
struct hf_video *hf_video_create(const char *path, const char **why);
/** hf_video_add() - Return: 0 or a negative errno; it is of no use then. */
int hf_video_add(struct hf_video *video, const struct hf_picture *picture);
/** hf_video_count() - Pictures that were added. */
uint64_t hf_video_count(const struct hf_video *video);
/** hf_video_encoder() - The process that encodes, or 0. */
pid_t hf_video_encoder(const struct hf_video *video);
/**
 * hf_video_finish() - Complete it; frees it. Takes NULL.
 * @end_ns: until when the last picture was shown
 *
 * A file that no picture was added to is removed. Return: 0, -ENODATA for that, or
 * another negative errno.
 */
int hf_video_finish(struct hf_video *video, uint64_t end_ns);

#endif
