// SPDX-License-Identifier: MIT
/*
 * The engine at 1080p, on scattered objects through MMU and IOMMU, against pixman
 * on malloc()ed memory; and two contexts of it against one.
 *
 * Either side does a frame BATCH times in a row: a job is that long.
 */
#define _GNU_SOURCE
#include <drm_fourcc.h>
#include <errno.h>
#include <pixman.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "holdfast_drm.h"
#include "job.h"

enum {
	WIDTH = 1920,
	HEIGHT = 1080,
	PITCH = WIDTH * 4,
	SIZE = PITCH * HEIGHT,
	BATCH = 8,
	LANES = 2,
};

#define COLOUR 0x8060a0e0

/* struct lane - A context and its pictures. */
struct lane {
	struct gpu_memory dst, src, commands;
	uint32_t ctx_id, syncobj, size;
};

/* A kind of frame: what the engine is told, and what pixman does. */
struct frame {
	size_t (*command)(const struct lane *lane, void *to);
	void (*flat)(uint32_t *dst, uint32_t *src);
};

struct engine_context {
	struct gpu gpu;
	struct lane lanes[LANES];
	const struct frame *frame;
	uint32_t *dst, *src; /* flat */
};

/* -- frames ------------------------------------------------------------------ */

static const struct holdfast_rect whole = { 0, 0, WIDTH, HEIGHT };

static struct holdfast_surface surface(const struct gpu_memory *memory,
				       uint32_t format)
{
	return (struct holdfast_surface){ memory->va, PITCH, format, WIDTH,
					  HEIGHT };
}

static pixman_image_t *image(pixman_format_code_t format, uint32_t *pixels)
{
	return pixman_image_create_bits_no_clear(format, WIDTH, HEIGHT, pixels,
						 PITCH);
}

static void composite(pixman_op_t op, pixman_format_code_t format,
		      uint32_t *dst, uint32_t *src)
{
	pixman_image_t *to = image(PIXMAN_x8r8g8b8, dst);
	pixman_image_t *from = image(format, src);

	pixman_image_composite32(op, from, NULL, to, 0, 0, 0, 0, 0, 0, WIDTH,
				 HEIGHT);
	pixman_image_unref(from);
	pixman_image_unref(to);
}

static size_t fill_command(const struct lane *lane, void *to)
{
	const struct holdfast_cmd_fill fill = {
		.base = { HOLDFAST_CMD_FILL, sizeof(fill), 0 },
		.dst = surface(&lane->dst, DRM_FORMAT_XRGB8888),
		.rect = whole,
		.color = COLOUR,
	};

	memcpy(to, &fill, sizeof(fill));
	return sizeof(fill);
}

static void fill_flat(uint32_t *dst, uint32_t *src)
{
	pixman_fill(dst, WIDTH, 32, 0, 0, WIDTH, HEIGHT, COLOUR);
}

static size_t copy_command(const struct lane *lane, void *to)
{
	const struct holdfast_cmd_copy copy = {
		.base = { HOLDFAST_CMD_COPY, sizeof(copy), 0 },
		.dst = surface(&lane->dst, DRM_FORMAT_XRGB8888),
		.src = surface(&lane->src, DRM_FORMAT_XRGB8888),
		.rect = whole,
	};

	memcpy(to, &copy, sizeof(copy));
	return sizeof(copy);
}

static void copy_flat(uint32_t *dst, uint32_t *src)
{
	composite(PIXMAN_OP_SRC, PIXMAN_x8r8g8b8, dst, src);
}

static size_t over_command(const struct lane *lane, void *to)
{
	const struct holdfast_cmd_composite over = {
		.base = { HOLDFAST_CMD_COMPOSITE, sizeof(over),
			  HOLDFAST_OP_OVER },
		.dst = surface(&lane->dst, DRM_FORMAT_XRGB8888),
		.src = surface(&lane->src, DRM_FORMAT_ARGB8888),
		.rect = whole,
		.alpha = 0xffff,
	};

	memcpy(to, &over, sizeof(over));
	return sizeof(over);
}

static void over_flat(uint32_t *dst, uint32_t *src)
{
	composite(PIXMAN_OP_OVER, PIXMAN_a8r8g8b8, dst, src);
}

static const struct frame fill_frame = { fill_command, fill_flat };
static const struct frame copy_frame = { copy_command, copy_flat };
static const struct frame over_frame = { over_command, over_flat };

/* -- both sides -------------------------------------------------------------- */

static int submit(struct engine_context *context, struct lane *lane)
{
	return gpu_submit(&context->gpu, lane->ctx_id, lane->commands.va,
			  lane->size, lane->syncobj, 0);
}

static int wait(struct engine_context *context, struct lane *lane)
{
	return gpu_wait(&context->gpu, lane->syncobj, 0);
}

static int flat_frames(void *data, unsigned int count)
{
	struct engine_context *context = data;

	while (count--)
		context->frame->flat(context->dst, context->src);
	return 0;
}

/* Jobs of one context end in their order: its last one ends them all. */
static int run_jobs(struct engine_context *context, unsigned int lanes,
		    unsigned int count)
{
	int ret = 0;

	for (unsigned int i = 0; i < count && !ret; i++)
		ret = submit(context, &context->lanes[i % lanes]);
	for (unsigned int i = 0; i < lanes && !ret; i++)
		ret = wait(context, &context->lanes[i]);
	return ret;
}

static int engine_frames(void *data, unsigned int count)
{
	return run_jobs(data, 1, count / BATCH);
}

static int jobs_of_two(void *data, unsigned int count)
{
	return run_jobs(data, 2, count);
}

static int jobs_of_one(void *data, unsigned int count)
{
	return run_jobs(data, 1, count);
}

/* -- set-up ------------------------------------------------------------------ */

/* Pre-multiplied pixels of every opacity. */
static uint32_t test_pixel(uint32_t at)
{
	uint32_t alpha = at * 7 % 256;
	uint32_t level = alpha * (at * 13 % 256) / 255;

	return alpha << 24 | level << 16 | (alpha - level) << 8 | level / 2;
}

static void draw(uint32_t *dst, uint32_t *src)
{
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
		dst[i] = i * 0x9e3779b1;
		src[i] = test_pixel(i);
	}
}

static int lane_init(struct engine_context *context, struct lane *lane)
{
	struct gpu *gpu = &context->gpu;
	int ret = gpu_context(gpu, &lane->ctx_id);

	if (!ret)
		ret = gpu_syncobj(gpu, &lane->syncobj);
	if (!ret)
		ret = gpu_memory_create(gpu, &lane->dst, SIZE);
	if (!ret)
		ret = gpu_memory_create(gpu, &lane->src, SIZE);
	if (!ret)
		ret = gpu_memory_create(gpu, &lane->commands,
					sysconf(_SC_PAGESIZE));
	if (ret)
		return ret;
	draw(lane->dst.cpu, lane->src.cpu);
	lane->size = 0;
	for (unsigned int i = 0; i < BATCH; i++)
		lane->size += context->frame->command(
			lane, (char *)lane->commands.cpu + lane->size);
	return 0;
}

static int context_init(struct engine_context *context,
			const struct frame *frame)
{
	int ret = gpu_open(&context->gpu);

	context->frame = frame;
	context->dst = malloc(SIZE);
	context->src = malloc(SIZE);
	errno = ENOMEM;
	if (!context->dst || !context->src)
		ret = bench_fail("flat memory");
	for (unsigned int i = 0; i < LANES && !ret; i++)
		ret = lane_init(context, &context->lanes[i]);
	if (!ret)
		draw(context->dst, context->src);
	return ret;
}

static void context_finish(struct engine_context *context)
{
	free(context->dst);
	free(context->src);
	gpu_close(&context->gpu);
}

/* A fast picture that is the wrong one would not count. */
static int check_same(struct engine_context *context)
{
	struct lane *lane = &context->lanes[0];
	const uint32_t *dst = lane->dst.cpu;

	draw(lane->dst.cpu, lane->src.cpu);
	draw(context->dst, context->src);
	int ret = engine_frames(context, BATCH);

	if (!ret)
		ret = flat_frames(context, BATCH);
	for (size_t i = 0; i < WIDTH * HEIGHT && !ret; i++) {
		if ((dst[i] ^ context->dst[i]) & 0xffffff) {
			errno = EILSEQ;
			ret = bench_fail("the pictures differ");
		}
	}
	return ret;
}

/* Where the machine puts the pages of either side counts for some percent, so each is
 * measured in several places; the one in the middle is the result. */
#define PLACES 5

static int measure_place(const struct frame *frame, struct result *result,
			 bool quick)
{
	const struct contest contest = {
		.value = engine_frames,
		.reference = flat_frames,
		.batches = quick ? 11 : 31,
		.count = 4 * BATCH,
		.warmup_ns = BENCH_WARMUP_NS / 8,
	};
	struct engine_context context = { 0 };
	int ret = context_init(&context, frame);

	if (!ret)
		ret = contest_run(&contest, &context, result);
	if (!ret)
		ret = check_same(&context);
	context_finish(&context);
	result->value /= 1e6;
	result->reference /= 1e6;
	return ret;
}

static int by_ratio(const void *a, const void *b)
{
	const struct result *x = a, *y = b;
	double left = x->value / x->reference, right = y->value / y->reference;

	return (left > right) - (left < right);
}

static int measure_frame(const struct frame *frame, struct result *result,
			 bool quick)
{
	struct result results[PLACES];
	int ret = 0;

	for (unsigned int i = 0; !ret && i < PLACES; i++)
		ret = measure_place(frame, &results[i], quick);
	if (ret)
		return ret;
	qsort(results, PLACES, sizeof(*results), by_ratio);
	*result = results[PLACES / 2];
	return 0;
}

int measure_engine_fill(struct result *result, bool quick)
{
	return measure_frame(&fill_frame, result, quick);
}

int measure_engine_copy(struct result *result, bool quick)
{
	return measure_frame(&copy_frame, result, quick);
}

int measure_engine_over(struct result *result, bool quick)
{
	return measure_frame(&over_frame, result, quick);
}

int measure_engine_parallel(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = jobs_of_two,
		.reference = jobs_of_one,
		.batches = quick ? 21 : 101,
		.count = 4,
		.warmup_ns = BENCH_WARMUP_NS / 4,
		.best = true,
	};
	struct engine_context context = { 0 };
	int ret = context_init(&context, &over_frame);

	if (!ret)
		ret = contest_run(&contest, &context, result);
	context_finish(&context);
	/* From nanoseconds a job to jobs a second. */
	result->value = 1e9 / result->value;
	result->reference = 1e9 / result->reference;
	return ret;
}
