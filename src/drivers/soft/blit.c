/* SPDX-License-Identifier: MIT */
/*
 * Filling and copying. A command is checked, then all that it touches is
 * translated, then it is done in bands of rows: those that lie in one run where
 * they are, others piece by piece. Copies that overlap go in the order that reads
 * everything before it is overwritten; where there is none, the source is read
 * first.
 *
 * All memory is the command's own. No state, no lock.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/futex.h"
#include "drivers/soft/blit.h"

#define MAX_SIZE 32767
#define MAX_VA (1ull << HF_MMU_VA_BITS)

/* Bytes that a COPY_LINEAR does at once. */
#define PIECE (64u << 10)

/* Bytes of a region whose translation is worth to be timed. */
#define LARGE (16u << 20)

/* Bytes that are better worked on where they are than copied. */
#define ENOUGH 4096

/* Bytes of a source that is read first, at most. */
#define MAX_TEMPORARY (64u << 20)

static const struct hf_blit_format formats[] = {
	{ DRM_FORMAT_XRGB8888, 4, PIXMAN_x8r8g8b8 },
	{ DRM_FORMAT_ARGB8888, 4, PIXMAN_a8r8g8b8 },
	{ DRM_FORMAT_XBGR8888, 4, PIXMAN_x8b8g8r8 },
	{ DRM_FORMAT_ABGR8888, 4, PIXMAN_a8b8g8r8 },
	{ DRM_FORMAT_RGBX8888, 4, PIXMAN_r8g8b8x8 },
	{ DRM_FORMAT_RGBA8888, 4, PIXMAN_r8g8b8a8 },
	{ DRM_FORMAT_BGRX8888, 4, PIXMAN_b8g8r8x8 },
	{ DRM_FORMAT_BGRA8888, 4, PIXMAN_b8g8r8a8 },
	{ DRM_FORMAT_RGB888, 3, PIXMAN_r8g8b8 },
	{ DRM_FORMAT_BGR888, 3, PIXMAN_b8g8r8 },
	{ DRM_FORMAT_RGB565, 2, PIXMAN_r5g6b5 },
	{ DRM_FORMAT_BGR565, 2, PIXMAN_b5g6r5 },
	{ DRM_FORMAT_XRGB1555, 2, PIXMAN_x1r5g5b5 },
	{ DRM_FORMAT_ARGB1555, 2, PIXMAN_a1r5g5b5 },
	{ DRM_FORMAT_XRGB2101010, 4, PIXMAN_x2r10g10b10 },
	{ DRM_FORMAT_ARGB2101010, 4, PIXMAN_a2r10g10b10 },
	{ DRM_FORMAT_XBGR2101010, 4, PIXMAN_x2b10g10r10 },
	{ DRM_FORMAT_ABGR2101010, 4, PIXMAN_a2b10g10r10 },
	{ DRM_FORMAT_R8, 1, PIXMAN_a8 },
};

bool hf_blit_stopped(const struct hf_blit *blit)
{
	return atomic_load_explicit(blit->stop, memory_order_relaxed);
}

bool hf_blit_time_up(const struct hf_blit *blit)
{
	return hf_blit_stopped(blit) || hf_monotonic_ns() >= blit->deadline;
}

static enum hf_exec_status set_fault(struct hf_exec *exec, uint32_t fault,
				     hf_gpuva_t va, bool write)
{
	exec->fault = fault;
	exec->fault_va = va;
	exec->fault_write = write;
	return HF_EXEC_FAULT;
}

enum hf_exec_status hf_blit_bad(struct hf_blit *blit)
{
	return set_fault(blit->exec, HOLDFAST_FAULT_COMMAND, blit->exec->pc,
			 false);
}

enum hf_exec_status hf_blit_no_memory(struct hf_blit *blit)
{
	return set_fault(blit->exec, HOLDFAST_FAULT_BUS, blit->exec->pc, false);
}

enum hf_exec_status hf_blit_fault(struct hf_blit *blit,
				  const struct hf_mmu_fault *fault)
{
	static const uint32_t faults[] = {
		[HF_MMU_FAULT_UNMAPPED] = HOLDFAST_FAULT_UNMAPPED,
		[HF_MMU_FAULT_READ_ONLY] = HOLDFAST_FAULT_READ_ONLY,
		[HF_MMU_FAULT_BUS] = HOLDFAST_FAULT_BUS,
	};

	return set_fault(blit->exec, faults[fault->reason], fault->va,
			 fault->write);
}

static const struct hf_blit_format *find_format(uint32_t fourcc)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].fourcc == fourcc)
			return &formats[i];
	return NULL;
}

static bool valid_surface(const struct holdfast_surface *surface,
			  const struct hf_blit_format *format)
{
	return format && surface->width && surface->width <= MAX_SIZE &&
	       surface->height && surface->height <= MAX_SIZE &&
	       !(surface->va % 4) && !(surface->pitch % 4) &&
	       surface->pitch >= surface->width * format->cpp;
}

static bool rect_within(const struct holdfast_rect *rect, uint32_t width,
			uint32_t height)
{
	return rect->x <= width && rect->width <= width - rect->x &&
	       rect->y <= height && rect->height <= height - rect->y;
}

bool hf_blit_layer_init(struct hf_blit_layer *layer,
			const struct holdfast_surface *surface,
			const struct holdfast_rect *rect)
{
	const struct hf_blit_format *format = find_format(surface->format);

	if (!valid_surface(surface, format) ||
	    !rect_within(rect, surface->width, surface->height))
		return false;
	layer->format = format;
	layer->rect = *rect;
	layer->va = surface->va;
	layer->pitch = surface->pitch;
	layer->shared = false;
	layer->bounce = NULL;
	return true;
}

void hf_blit_layer_finish(struct hf_blit_layer *layer)
{
	free(layer->bounce);
	hf_region_finish(&layer->region);
}

static void init_region(struct hf_blit_layer *layer)
{
	hf_gpuva_t va = layer->va;

	/* An address that is none stays one. */
	if (va < MAX_VA)
		va += (uint64_t)layer->rect.y * layer->pitch +
		      (uint64_t)layer->rect.x * layer->format->cpp;
	hf_region_init(&layer->region, va, layer->pitch,
		       (uint64_t)layer->rect.width * layer->format->cpp,
		       layer->rect.height);
}

static enum hf_exec_status translate(struct hf_blit *blit,
				     struct hf_region *region, bool write)
{
	struct hf_mmu_fault fault = {
		.va = region->va,
		.reason = HF_MMU_FAULT_UNMAPPED,
		.write = write,
	};

	/* Beyond, addresses might wrap within a region. */
	if (region->va >= MAX_VA)
		return hf_blit_fault(blit, &fault);
	switch (hf_region_translate(region, blit->mmu, write, blit->stop,
				    &fault)) {
	case 0:
		return HF_EXEC_DONE;
	case -EFAULT:
		return hf_blit_fault(blit, &fault);
	case -EINTR:
		return HF_EXEC_YIELD;
	default:
		return hf_blit_no_memory(blit);
	}
}

/*
 * Whoever needs long to translate, and does it again after each interruption,
 * gets as long to work.
 */
static void extend_deadline(struct hf_blit *blit, uint64_t start)
{
	uint64_t now = hf_monotonic_ns();

	if (now + (now - start) > blit->deadline)
		blit->deadline = now + (now - start);
}

enum hf_exec_status hf_blit_translate(struct hf_blit *blit,
				      struct hf_blit_layer *const *layers,
				      size_t n)
{
	enum hf_exec_status status = HF_EXEC_DONE;
	uint64_t start = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		init_region(layers[i]);
		if (!start && layers[i]->region.size > LARGE)
			start = hf_monotonic_ns();
	}
	for (i = 0; i < n && status == HF_EXEC_DONE; i++)
		status = translate(blit, &layers[i]->region, i == 0);
	if (status != HF_EXEC_DONE)
		return status;

	if (start)
		extend_deadline(blit, start);
	for (i = 1; i < n; i++)
		layers[i]->shared = hf_region_may_overlap(&layers[0]->region,
							  &layers[i]->region);
	return HF_EXEC_DONE;
}

enum hf_exec_status hf_blit_rows(struct hf_blit *blit, uint32_t rows,
				 uint32_t (*step)(void *data, uint32_t row),
				 void *data)
{
	uint64_t *done = &blit->exec->done;
	uint32_t n;

	while (*done < rows) {
		n = step(data, *done);
		if (!n)
			return hf_blit_no_memory(blit);
		*done += n;
		if (*done < rows && hf_blit_time_up(blit))
			return HF_EXEC_YIELD;
	}
	return HF_EXEC_DONE;
}

static uint32_t min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Are so many rows worth a call of pixman's? */
static bool enough(const struct hf_blit_layer *layer, uint32_t n)
{
	return n * layer->region.row >= ENOUGH;
}

/* Rows to bounce: until there are again some that need not be. */
static uint32_t bounce_rows(struct hf_blit_layer *layer, uint32_t row,
			    uint32_t most)
{
	uint32_t n = 1;

	most = min(most, HF_BLIT_BOUNCE_ROWS);
	if (layer->shared)
		return most;
	while (n < most &&
	       !enough(layer, hf_region_direct_rows(&layer->region, row + n)))
		n++;
	return n;
}

uint32_t hf_blit_band(struct hf_blit_layer *layer, uint32_t row, uint32_t most,
		      bool *direct)
{
	uint32_t n = hf_region_direct_rows(&layer->region, row);

	most = min(most, layer->region.rows - row);
	*direct = !layer->shared && (n >= most || enough(layer, n));
	if (!*direct)
		return bounce_rows(layer, row, most);
	n = min(n, most);
	return min(n, 1 + HF_BLIT_MAX_BYTES / layer->pitch);
}

/* -- fill -------------------------------------------------------------------- */

struct fill {
	struct hf_blit_layer dst;
	uint32_t color;
	uint32_t *line; /* filled, for rows that are broken */
};

static void fill_24(char *pixels, uint32_t pitch, uint32_t width,
		    uint32_t height, uint32_t color)
{
	for (uint32_t y = 0; y < height; y++, pixels += pitch)
		for (uint32_t x = 0; x < width; x++) {
			pixels[3 * x] = color;
			pixels[3 * x + 1] = color >> 8;
			pixels[3 * x + 2] = color >> 16;
		}
}

/* @pitch is of no account where there is one row. */
static void fill_pixels(char *pixels, uint32_t pitch, uint32_t cpp,
			uint32_t width, uint32_t height, uint32_t color)
{
	uint32_t skip = (uintptr_t)pixels % 4;

	if (cpp == 3) {
		fill_24(pixels, pitch, width, height, color);
		return;
	}
	pixman_fill((uint32_t *)(pixels - skip), height > 1 ? pitch / 4 : 1,
		    cpp * 8, skip / cpp, 0, width, height, color);
}

static bool fill_line(struct fill *fill)
{
	struct hf_region *region = &fill->dst.region;

	if (fill->line)
		return true;
	fill->line = malloc(region->row + 3);
	if (!fill->line)
		return false;
	fill_pixels((char *)fill->line, 0, fill->dst.format->cpp,
		    fill->dst.rect.width, 1, fill->color);
	return true;
}

static uint32_t fill_step(void *data, uint32_t row)
{
	struct fill *fill = data;
	struct hf_blit_layer *dst = &fill->dst;
	uint64_t before, after;
	uint32_t n;
	bool direct;
	char *pixels;

	n = hf_blit_band(dst, row, 1 + HF_BLIT_BAND / dst->rect.width, &direct);
	if (direct) {
		pixels = hf_region_at(&dst->region, (uint64_t)row * dst->pitch,
				      &before, &after);
		fill_pixels(pixels, dst->pitch, dst->format->cpp,
			    dst->rect.width, n, fill->color);
		return n;
	}

	if (!fill_line(fill))
		return 0;
	for (uint32_t i = 0; i < n; i++)
		hf_region_write(&dst->region, (uint64_t)(row + i) * dst->pitch,
				fill->line, dst->region.row);
	return n;
}

enum hf_exec_status hf_blit_fill(struct hf_blit *blit,
				 const union hf_exec_command *cmd)
{
	struct fill fill = { .color = cmd->fill.color };
	enum hf_exec_status status;

	if (cmd->base.flags || cmd->fill.pad ||
	    !hf_blit_layer_init(&fill.dst, &cmd->fill.dst, &cmd->fill.rect))
		return hf_blit_bad(blit);
	if (hf_blit_layer_empty(&fill.dst))
		return HF_EXEC_DONE;

	status = hf_blit_translate(blit,
				   (struct hf_blit_layer *[]){ &fill.dst }, 1);
	if (status == HF_EXEC_DONE)
		status = hf_blit_rows(blit, fill.dst.rect.height, fill_step,
				      &fill);
	free(fill.line);
	hf_blit_layer_finish(&fill.dst);
	return status;
}

/* -- copies ------------------------------------------------------------------ */

struct copy {
	struct hf_region *dst, *src;
	bool backwards;
	uint32_t band; /* rows to do at once */
};

static void copy_rows(struct copy *copy, uint32_t row, uint32_t n)
{
	uint64_t pitch = copy->dst->pitch, first = row * pitch;
	uint32_t y;

	if (pitch == copy->dst->row && pitch == copy->src->pitch) {
		/* The last row of all may be shorter. */
		if (row + n == copy->dst->rows)
			hf_region_copy(copy->dst, first, copy->src, first,
				       copy->dst->size - first, copy->backwards);
		else
			hf_region_copy(copy->dst, first, copy->src, first,
				       n * pitch, copy->backwards);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		y = copy->backwards ? row + n - 1 - i : row + i;
		hf_region_copy(copy->dst, y * pitch, copy->src,
			       y * copy->src->pitch, copy->dst->row,
			       copy->backwards);
	}
}

static uint32_t copy_step(void *data, uint32_t row)
{
	struct copy *copy = data;
	uint32_t rows = copy->dst->rows;
	uint32_t n = min(copy->band, rows - row);

	copy_rows(copy, copy->backwards ? rows - row - n : row, n);
	return n;
}

/* Read all, then write all: cannot be interrupted. */
static enum hf_exec_status copy_all_first(struct hf_blit *blit,
					  struct copy *copy)
{
	struct hf_region *dst = copy->dst, *src = copy->src;
	char *all = malloc(dst->row * dst->rows);
	uint64_t row = dst->row, last = dst->size - (dst->rows - 1) * dst->pitch;
	uint32_t y;

	if (!all)
		return hf_blit_no_memory(blit);
	for (y = 0; y < dst->rows; y++)
		hf_region_read(src, y * src->pitch, all + y * row,
			       y == dst->rows - 1 ? last : row);
	for (y = 0; y < dst->rows; y++)
		hf_region_write(dst, y * dst->pitch, all + y * row,
				y == dst->rows - 1 ? last : row);
	free(all);
	return HF_EXEC_DONE;
}

static enum hf_exec_status run_copy(struct hf_blit *blit, struct hf_region *dst,
				    struct hf_region *src)
{
	enum hf_region_order order = hf_region_order(dst, src);
	struct copy copy = {
		.dst = dst,
		.src = src,
		.backwards = order == HF_REGION_BACKWARDS,
		.band = 1 + 4 * HF_BLIT_BAND / dst->row,
	};

	if (order == HF_REGION_ALL_FIRST &&
	    dst->row * dst->rows <= MAX_TEMPORARY)
		return copy_all_first(blit, &copy);
	return hf_blit_rows(blit, dst->rows, copy_step, &copy);
}

enum hf_exec_status hf_blit_copy(struct hf_blit *blit,
				 const union hf_exec_command *cmd)
{
	const struct holdfast_cmd_copy *copy = &cmd->copy;
	struct holdfast_rect to = { copy->dst_x, copy->dst_y, copy->rect.width,
				    copy->rect.height };
	struct hf_blit_layer dst, src;
	enum hf_exec_status status;

	if (copy->base.flags || !hf_blit_layer_init(&dst, &copy->dst, &to) ||
	    !hf_blit_layer_init(&src, &copy->src, &copy->rect) ||
	    dst.format->cpp != src.format->cpp)
		return hf_blit_bad(blit);
	if (hf_blit_layer_empty(&dst))
		return HF_EXEC_DONE;

	status = hf_blit_translate(blit,
				   (struct hf_blit_layer *[]){ &dst, &src }, 2);
	if (status == HF_EXEC_DONE)
		status = run_copy(blit, &dst.region, &src.region);
	hf_blit_layer_finish(&src);
	hf_blit_layer_finish(&dst);
	return status;
}

enum hf_exec_status hf_blit_copy_linear(struct hf_blit *blit,
					const union hf_exec_command *cmd)
{
	const struct holdfast_cmd_copy_linear *copy = &cmd->copy_linear;
	struct hf_region dst, src;
	enum hf_exec_status status;
	uint64_t start;

	if (copy->base.flags || copy->size > HOLDFAST_COPY_LINEAR_MAX)
		return hf_blit_bad(blit);
	if (!copy->size)
		return HF_EXEC_DONE;

	hf_region_init_linear(&dst, copy->dst, copy->size, PIECE);
	hf_region_init_linear(&src, copy->src, copy->size, PIECE);
	start = copy->size > LARGE ? hf_monotonic_ns() : 0;
	status = translate(blit, &dst, true);
	if (status == HF_EXEC_DONE)
		status = translate(blit, &src, false);
	if (start)
		extend_deadline(blit, start);
	if (status == HF_EXEC_DONE)
		status = run_copy(blit, &dst, &src);
	hf_region_finish(&src);
	hf_region_finish(&dst);
	return status;
}
