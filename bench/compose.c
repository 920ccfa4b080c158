// SPDX-License-Identifier: MIT
/*
 * Composing three planes at 1080p, against the bare pixman calls. Ours reads
 * memfds, as the planes' objects are; the reference reads anonymous memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pixman.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bench.h"
#include "drivers/soft/compose.h"

enum { WIDTH = 1920, HEIGHT = 1080, CURSOR = 64, CURSOR_X = 900, CURSOR_Y = 500 };

struct picture {
	uint32_t width, height;
	uint32_t fourcc;
	int x, y;
	uint32_t *object; /* on a memfd */
	uint32_t *flat;	  /* anonymous */
};

struct compose_context {
	struct picture planes[3];
	struct hf_compose_plane compose[3];
	uint32_t *object, *flat;
};

static uint32_t *map_memory(size_t size, bool anonymous)
{
	int fd = anonymous ? -1 : memfd_create("bench", MFD_CLOEXEC);
	void *memory;

	if (!anonymous && (fd < 0 || ftruncate(fd, size) < 0))
		return NULL;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      anonymous ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return memory == MAP_FAILED ? NULL : memory;
}

/* Pre-multiplied pixels of every opacity, or opaque ones. */
static uint32_t test_pixel(size_t at, bool opaque)
{
	uint32_t alpha = opaque ? 0xff : at * 7 % 256;
	uint32_t level = alpha * (at * 13 % 256) / 255;

	return alpha << 24 | level << 16 | (alpha - level) << 8 | level / 2;
}

static int picture_init(struct picture *picture)
{
	size_t pixels = (size_t)picture->width * picture->height;

	picture->object = map_memory(pixels * 4, false);
	picture->flat = map_memory(pixels * 4, true);
	if (!picture->object || !picture->flat)
		return bench_fail("memory for a plane");
	for (size_t i = 0; i < pixels; i++)
		picture->object[i] = picture->flat[i] =
			test_pixel(i, picture->fourcc == DRM_FORMAT_XRGB8888);
	return 0;
}

static struct hf_compose_plane as_plane(const struct picture *picture)
{
	return (struct hf_compose_plane){
		.format = hf_format_info(picture->fourcc),
		.data = { picture->object },
		.pitch = { picture->width * 4 },
		.width = picture->width,
		.height = picture->height,
		.src_w = picture->width << 16,
		.src_h = picture->height << 16,
		.dst_x = picture->x,
		.dst_y = picture->y,
		.dst_w = picture->width,
		.dst_h = picture->height,
		.alpha = 0xffff,
		.rotation = DRM_MODE_ROTATE_0,
	};
}

static int context_init(struct compose_context *context)
{
	*context = (struct compose_context){
		.planes = {
			{ WIDTH, HEIGHT, DRM_FORMAT_XRGB8888 },
			{ WIDTH, HEIGHT, DRM_FORMAT_ARGB8888 },
			{ CURSOR, CURSOR, DRM_FORMAT_ARGB8888, CURSOR_X, CURSOR_Y },
		},
		.object = map_memory(WIDTH * HEIGHT * 4, true),
		.flat = map_memory(WIDTH * HEIGHT * 4, true),
	};
	if (!context->object || !context->flat)
		return bench_fail("memory for the output");
	for (int i = 0; i < 3; i++) {
		int ret = picture_init(&context->planes[i]);

		if (ret)
			return ret;
		context->compose[i] = as_plane(&context->planes[i]);
	}
	return 0;
}

static int crc_ours(void *data, unsigned int count)
{
	struct compose_context *context = data;
	const struct hf_compose_crtc crtc = { 0 };
	uint32_t crc;
	int ret = 0;

	while (count-- && !ret)
		ret = hf_compose_crc(WIDTH, HEIGHT, &crtc, context->compose, 3,
				     &crc);
	return ret;
}

static int compose_ours(void *data, unsigned int count)
{
	struct compose_context *context = data;
	const struct hf_compose_crtc crtc = { 0 };
	const struct hf_compose_target target = {
		.format = hf_format_info(DRM_FORMAT_XRGB8888),
		.pixels = context->object,
		.width = WIDTH, .height = HEIGHT, .pitch = WIDTH * 4,
	};
	int ret = 0;

	while (count-- && !ret)
		ret = hf_compose(&target, &crtc, context->compose, 3);
	return ret;
}

static pixman_image_t *as_image(uint32_t fourcc, uint32_t width,
				uint32_t height, uint32_t *pixels)
{
	return pixman_image_create_bits_no_clear(
		fourcc == DRM_FORMAT_XRGB8888 ? PIXMAN_x8r8g8b8 :
						PIXMAN_a8r8g8b8,
		width, height, pixels, width * 4);
}

static int compose_bare(void *data, unsigned int count)
{
	struct compose_context *context = data;

	while (count--) {
		pixman_image_t *target = as_image(DRM_FORMAT_XRGB8888, WIDTH,
						  HEIGHT, context->flat);

		for (int i = 0; i < 3; i++) {
			struct picture *plane = &context->planes[i];
			pixman_image_t *source =
				as_image(plane->fourcc, plane->width,
					 plane->height, plane->flat);

			pixman_image_composite32(
				i ? PIXMAN_OP_OVER : PIXMAN_OP_SRC, source,
				NULL, target, 0, 0, 0, 0, plane->x, plane->y,
				plane->width, plane->height);
			pixman_image_unref(source);
		}
		pixman_image_unref(target);
	}
	return 0;
}

/* A fast picture that is the wrong one would not count. */
static int check_same(const struct compose_context *context)
{
	for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
		if ((context->object[i] ^ context->flat[i]) & 0xffffff) {
			errno = EILSEQ;
			return bench_fail("the composed pictures differ");
		}
	}
	return 0;
}

int measure_compose_3_planes(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = compose_ours,
		.reference = compose_bare,
		.batches = quick ? 11 : 101,
		.count = 2,
		.warmup_ns = BENCH_WARMUP_NS,
	};
	static struct compose_context context;
	int ret = context_init(&context);

	if (!ret)
		ret = contest_run(&contest, &context, result);
	if (!ret)
		ret = check_same(&context);
	result->value /= 1e6;
	result->reference /= 1e6;
	return ret;
}

int measure_crc_1080p(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = crc_ours,
		.reference = compose_ours,
		.batches = quick ? 11 : 101,
		.count = 2,
		.warmup_ns = BENCH_WARMUP_NS,
	};
	static struct compose_context context;
	int ret = context_init(&context);

	if (!ret)
		ret = contest_run(&contest, &context, result);
	result->value /= 1e6;
	result->reference /= 1e6;
	return ret;
}
