/* SPDX-License-Identifier: MIT */
/*
 * Videos: which kind a file's name asks for, pictures that change their size, and
 * the kind that is a PNG for every picture. See the header.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "drivers/soft/png.h"
#include "video/internal.h"

int hf_video_open_file(struct hf_video *video)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
	int fd = open(video->path, flags | O_EXCL, 0666);

	video->created = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(video->path, flags, 0666);
	return fd < 0 ? -errno : fd;
}

int hf_video_write(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			size -= n;
		}
	}
	return 0;
}

int hf_video_keep(struct hf_video *video, const struct hf_picture *picture)
{
	size_t size = hf_video_pixels(picture);

	/* All are of one size. */
	if (!video->last_pixels)
		video->last_pixels = malloc(size);
	if (!video->last_pixels)
		return -ENOMEM;
	memcpy(video->last_pixels, picture->pixels, size);
	video->last = *picture;
	video->last.pixels = video->last_pixels;
	return 0;
}

/* -- pictures of their own ------------------------------------------------- */

/* Where the number goes: "%d", "%5d" or "%05d". */
struct number {
	const char *start, *after;
	int digits; /* at least */
};

/* Return: false where it is not said, or twice. */
static bool find_number(const char *path, struct number *number)
{
	const char *at = strchr(path, '%');

	if (!at || strchr(at + 1, '%'))
		return false;
	number->start = at++;
	number->digits = 1;
	if (*at == '0')
		at++;
	if (*at >= '1' && *at <= '9')
		number->digits = *at++ - '0';
	number->after = at + 1;
	return *at == 'd';
}

static int open_png(struct hf_video *video, const char **why)
{
	char *slash = strrchr(video->path, '/');
	int ret = 0;

	if (slash && slash < strchr(video->path, '%')) {
		*slash = 0;
		if (access(*video->path ? video->path : "/", W_OK | X_OK))
			ret = -errno;
		*slash = '/';
	}
	if (ret)
		*why = strerror(-ret);
	return ret;
}

static int add_png(struct hf_video *video, const struct hf_picture *picture)
{
	struct number number;
	char *path;
	int fd, ret;

	find_number(video->path, &number);
	if (asprintf(&path, "%.*s%0*lu%s", (int)(number.start - video->path),
		     video->path, number.digits, video->count,
		     number.after) < 0)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	free(path);
	if (fd < 0)
		return -errno;
	ret = hf_png_write(fd, picture->pixels, picture->width,
			   picture->height, picture->width * 4);
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

static int finish_nothing(struct hf_video *video, uint64_t end_ns)
{
	(void)video;
	(void)end_ns;
	return 0;
}

static int close_nothing(struct hf_video *video)
{
	(void)video;
	return 0;
}

const struct hf_video_kind hf_video_png = {
	.open = open_png,
	.add = add_png,
	.finish = finish_nothing,
	.close = close_nothing,
};

/* -- any kind -------------------------------------------------------------- */

static const struct hf_video_kind *kind_of(const char *path, const char **why)
{
	static const char *const encoded[] = { ".mkv", ".mp4", ".webm",
					       ".gif" };
	const char *dot = strrchr(path, '.');
	struct number number;

	*why = "neither a name with %d for pictures, nor one of a video: .y4m, .mkv, .mp4, .webm, .gif";
	if (find_number(path, &number))
		return &hf_video_png;
	if (!dot)
		return NULL;
	if (!strcmp(dot, ".y4m"))
		return &hf_video_y4m;
	for (size_t i = 0; i < sizeof(encoded) / sizeof(*encoded); i++)
		if (!strcmp(dot, encoded[i]))
			return &hf_video_ffmpeg;
	return NULL;
}

struct hf_video *hf_video_create(const char *path, const char **why)
{
	const struct hf_video_kind *kind = kind_of(path, why);
	struct hf_video *video;
	int ret;

	if (!kind) {
		errno = EINVAL;
		return NULL;
	}
	video = calloc(1, sizeof(*video));
	if (video)
		video->path = strdup(path);
	if (!video || !video->path) {
		free(video);
		*why = strerror(ENOMEM);
		errno = ENOMEM;
		return NULL;
	}
	video->kind = kind;
	video->fd = -1;
	ret = kind->open(video, why);
	if (!ret)
		return video;
	free(video->path);
	free(video);
	errno = -ret;
	return NULL;
}

/* In the size of the first one. NULL: no memory. */
static const uint32_t *fit(struct hf_video *video,
			   const struct hf_picture *picture)
{
	uint32_t width = video->last.width, height = video->last.height;
	uint32_t lines = picture->height < height ? picture->height : height;
	uint32_t columns = picture->width < width ? picture->width : width;

	if (!video->warned)
		hf_warn("%s: the mode has changed; it stays %ux%u", video->path,
			width, height);
	video->warned = true;
	free(video->fitted);
	video->fitted = calloc((size_t)width * height, 4);
	if (!video->fitted)
		return NULL;
	for (uint32_t y = 0; y < lines; y++)
		memcpy(video->fitted + (size_t)y * width,
		       picture->pixels + (size_t)y * picture->width,
		       columns * 4);
	return video->fitted;
}

int hf_video_add(struct hf_video *video, const struct hf_picture *picture)
{
	struct hf_picture fitted = *picture;
	int ret;

	if (!video->count)
		video->first_ns = picture->ns;
	else if (video->kind->one_size &&
		 (picture->width != video->last.width ||
		  picture->height != video->last.height)) {
		fitted.pixels = fit(video, picture);
		fitted.width = video->last.width;
		fitted.height = video->last.height;
	}
	if (!fitted.pixels)
		return -ENOMEM;
	ret = video->kind->add(video, &fitted);
	if (!ret)
		video->count++;
	return ret;
}

uint64_t hf_video_count(const struct hf_video *video)
{
	return video->count;
}

pid_t hf_video_encoder(const struct hf_video *video)
{
	return video->encoder;
}

int hf_video_finish(struct hf_video *video, uint64_t end_ns)
{
	int ret = -ENODATA, closed;

	if (!video)
		return 0;
	if (video->count)
		ret = video->kind->finish(video, end_ns);
	closed = video->kind->close(video);
	if (!ret)
		ret = closed;
	if (!video->count && video->created)
		unlink(video->path);
	free(video->last_pixels);
	free(video->fitted);
	free(video->buffer);
	free(video->path);
	free(video);
	return ret;
}
