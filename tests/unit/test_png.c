/* SPDX-License-Identifier: MIT */
/*
 * Screenshots as PNG, read back with libpng's simplified interface.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <png.h>

#include "drivers/soft/png.h"

#define WIDTH 61
#define HEIGHT 47

static uint32_t picture[WIDTH * HEIGHT];

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void a_png_holds_the_picture(void **state)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	uint8_t rgb[WIDTH * HEIGHT * 3];
	uint32_t pixels[HEIGHT][WIDTH + 3];
	uint8_t *file;
	off_t size;
	int fd;

	(void)state;
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH + 3; x++)
			pixels[y][x] = next_random();
	fd = memfd_create("png", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(hf_png_write(fd, pixels, WIDTH, HEIGHT, sizeof(pixels[0])),
			 0);
	size = lseek(fd, 0, SEEK_END);
	file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(file != MAP_FAILED);
	assert_int_equal(png_image_begin_read_from_memory(&image, file, size), 1);
	assert_int_equal(image.width, WIDTH);
	assert_int_equal(image.height, HEIGHT);
	assert_int_equal(image.format, PNG_FORMAT_RGB);
	assert_int_equal(png_image_finish_read(&image, NULL, rgb, 0, NULL), 1);
	for (int i = 0; i < WIDTH * HEIGHT; i++) {
		uint32_t pixel = pixels[i / WIDTH][i % WIDTH];

		assert_int_equal(rgb[3 * i], pixel >> 16 & 0xff);
		assert_int_equal(rgb[3 * i + 1], pixel >> 8 & 0xff);
		assert_int_equal(rgb[3 * i + 2], pixel & 0xff);
	}
	munmap(file, size);
	close(fd);
}

static void a_failed_png_write_says_why(void **state)
{
	int fd;

	(void)state;
	fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(hf_png_write(fd, picture, WIDTH, HEIGHT, WIDTH * 4),
			 -ENOSPC);
	close(fd);
	assert_int_equal(hf_png_write(-1, picture, WIDTH, HEIGHT, WIDTH * 4), -EBADF);
	assert_int_equal(hf_png_write(1, picture, 0, 1, 4), -EINVAL);
	assert_int_equal(hf_png_write(1, picture, 1, 16385, 4), -EINVAL);
	assert_int_equal(hf_png_write(1, picture, 2, 1, 7), -EINVAL);
}

/* A memfd sealed against growing takes a first part, then refuses the rest. */
static void a_png_survives_a_short_write(void **state)
{
	int fd = memfd_create("short", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < WIDTH * HEIGHT; i++)
		picture[i] = next_random();
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	assert_int_equal(hf_png_write(fd, picture, WIDTH, HEIGHT, WIDTH * 4), -EPERM);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_png_holds_the_picture),
		cmocka_unit_test(a_failed_png_write_says_why),
		cmocka_unit_test(a_png_survives_a_short_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
