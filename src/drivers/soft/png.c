/* SPDX-License-Identifier: MIT */
/*
 * Screenshots as PNG, with libpng. libpng reports errors by longjmp(), which
 * encode() catches; it owns nothing that this could leak, its caller does. No
 * state, no lock.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include <png.h>

#include "drivers/soft/png.h"

#define MAX_SIZE 16384

/* zlib's fast end: a desktop takes a third of the time and 10% more bytes. */
#define COMPRESSION 3

struct output {
	int fd;
	int error;
};

static void write_bytes(png_structp png, png_bytep bytes, size_t size)
{
	struct output *output = png_get_io_ptr(png);

	while (size) {
		ssize_t written = write(output->fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			output->error = written ? -errno : -EIO;
			png_error(png, "write");
		}
		bytes += written;
		size -= written;
	}
}

static void flush_nothing(png_structp png)
{
	(void)png;
}

/* Any error that is not of a write is libpng out of memory. */
static void fail(png_structp png, png_const_charp message)
{
	struct output *output = png_get_error_ptr(png);

	(void)message;
	if (!output->error)
		output->error = -ENOMEM;
	png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

static void encode(png_structp png, png_infop info, const uint8_t *pixels,
		   uint32_t width, uint32_t height, uint32_t stride)
{
	if (setjmp(png_jmpbuf(png)))
		return;

	png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
		     PNG_FILTER_TYPE_DEFAULT);
	png_set_compression_level(png, COMPRESSION);
	png_write_info(png, info);
	/* XRGB8888 is B, G, R, X in memory. */
	png_set_filler(png, 0, PNG_FILLER_AFTER);
	png_set_bgr(png);
	for (uint32_t y = 0; y < height; y++)
		png_write_row(png, pixels + (size_t)y * stride);
	png_write_end(png, info);
}

int hf_png_write(int fd, const void *pixels, uint32_t width, uint32_t height,
		 uint32_t stride)
{
	struct output output = { .fd = fd };
	png_structp png;
	png_infop info;

	if (!width || width > MAX_SIZE || !height || height > MAX_SIZE)
		return -EINVAL;
	if (stride < width * 4)
		return -EINVAL;

	png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &output, fail,
				      ignore_warning);
	if (!png)
		return -ENOMEM;
	info = png_create_info_struct(png);
	if (!info) {
		output.error = -ENOMEM;
		goto out;
	}

	png_set_write_fn(png, &output, write_bytes, flush_nothing);
	encode(png, info, pixels, width, height, stride);
out:
	png_destroy_write_struct(&png, &info);
	return output.error;
}
