/* SPDX-License-Identifier: MIT */
/*
 * Screenshots as PNG.
 */
#ifndef HF_SOFT_PNG_H
#define HF_SOFT_PNG_H

#include <stdint.h>

/**
 * hf_png_write() - Write an XRGB8888 picture as an 8-bit RGB PNG.
 * @fd: where to, a blocking file, pipe or socket; not closed
 * @pixels: the picture
 * @width: its pixels, 1..16384
 * @height: its lines, 1..16384
 * @stride: bytes a line takes, at least 4 * @width
 *
 * What was written before an error stays written.
 *
 * Return: 0, -EINVAL, -ENOMEM, or the negative errno of the write that failed.
 */
int hf_png_write(int fd, const void *pixels, uint32_t width, uint32_t height,
		 uint32_t stride);

#endif
