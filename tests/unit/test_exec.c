/* SPDX-License-Identifier: MIT */
/*
 * The engine's commands, on an MMU of its own: a table of pages, each of which may
 * be anywhere or nowhere. Each surface has a model, the same bytes in flat memory,
 * on which plain loops or pixman do what the command should; afterwards all bytes
 * of the mapping must be the model's. Memory lies between guard pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <drm_fourcc.h>
#include <pixman.h>

#include "base/futex.h"
#include "drivers/soft/exec.h"

#define PAGE 4096ull
#define BASE 0x123400000000ull
#define NPAGES (1u << 16)
#define NEVER UINT64_MAX

/* 8 GiB of addresses where there is the same page again and again. */
#define MIRROR 0x400000000000ull
#define MIRROR_SIZE (8ull << 30)

/* -- memory ------------------------------------------------------------------ */

static struct fake_page {
	char *cpu;
	bool writable;
} pages[NPAGES];

/* 8 GiB of memory, mapped as they are, hardly any of which is touched. */
#define LINEAR 0x500000000000ull
#define LINEAR_SIZE (8ull << 30)

static char *mirror, *linear;
static uint32_t next_page;
static unsigned int accesses, stop_after; /* set @stopping then */
static _Atomic bool stopping;
static struct hf_mmu mmu;

/* What to unmap after the test. */
static struct {
	void *start;
	size_t size;
} mappings[1u << 16];
static size_t nmappings;

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static uint32_t below(uint32_t limit)
{
	return next_random() % limit;
}

static void *refuse(struct hf_mmu_fault *fault, hf_gpuva_t va,
		    enum hf_mmu_fault_reason reason, bool write)
{
	*fault = (struct hf_mmu_fault){ va, reason, write };
	return NULL;
}

void *hf_mmu_access(struct hf_mmu *unit, hf_gpuva_t va, uint64_t size,
		    bool write, uint64_t *length, struct hf_mmu_fault *fault)
{
	uint64_t page = (va - BASE) / PAGE;
	char *cpu;

	assert_ptr_equal(unit, &mmu);
	assert_true(size >= 1);
	if (++accesses == stop_after)
		atomic_store(&stopping, true);
	if (linear && va >= LINEAR && va + size <= LINEAR + LINEAR_SIZE) {
		*length = size;
		return linear + (va - LINEAR);
	}
	if (mirror && va >= MIRROR && va < MIRROR + MIRROR_SIZE) {
		*length = PAGE - va % PAGE < size ? PAGE - va % PAGE : size;
		return mirror + va % PAGE;
	}
	if (va < BASE || page >= NPAGES || !pages[page].cpu)
		return refuse(fault, va, HF_MMU_FAULT_UNMAPPED, write);
	if (write && !pages[page].writable)
		return refuse(fault, va, HF_MMU_FAULT_READ_ONLY, write);

	cpu = pages[page].cpu;
	*length = PAGE - va % PAGE;
	cpu += va % PAGE;
	while (*length < size && ++page < NPAGES &&
	       pages[page].cpu == cpu + *length &&
	       (!write || pages[page].writable))
		*length += PAGE;
	if (*length > size)
		*length = size;
	return cpu;
}

/* Memory between guard pages. */
static char *allocate(size_t size)
{
	char *start = mmap(NULL, size + 2 * PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(start, MAP_FAILED);
	assert_true(nmappings < sizeof(mappings) / sizeof(mappings[0]));
	mappings[nmappings].start = start;
	mappings[nmappings++].size = size + 2 * PAGE;
	assert_int_equal(mprotect(start + PAGE, size, PROT_READ | PROT_WRITE), 0);
	return start + PAGE;
}

/* How a range is made of runs. */
enum layout {
	FLAT,
	PIECES,	   /* of some pages, about 40 */
	SCATTERED, /* each page by itself */
	LAYOUTS,
};

static void map_range(uint32_t first, uint32_t n, enum layout layout)
{
	uint32_t run;
	char *cpu;

	for (uint32_t i = 0; i < n; i += run) {
		run = layout == FLAT ? n : layout == PIECES ? 1 + below(80) : 1;
		if (run > n - i)
			run = n - i;
		cpu = allocate(run * PAGE);
		for (uint32_t j = 0; j < run; j++)
			pages[first + i + j] =
				(struct fake_page){ cpu + j * PAGE, true };
	}
}

/* A range of addresses: nothing is mapped next to it. */
static uint32_t take_range(uint32_t n)
{
	uint32_t first = next_page + 1;

	assert_true(first + n < NPAGES);
	next_page = first + n;
	return first;
}

static int reset(void **state)
{
	(void)state;
	for (size_t i = 0; i < nmappings; i++)
		munmap(mappings[i].start, mappings[i].size);
	nmappings = 0;
	mirror = linear = NULL;
	accesses = stop_after = 0;
	memset(pages, 0, sizeof(pages));
	next_page = 0;
	return 0;
}

static char *cpu_of(hf_gpuva_t va)
{
	return pages[(va - BASE) / PAGE].cpu + va % PAGE;
}

static void poke(hf_gpuva_t va, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*cpu_of(va + i) = ((const char *)data)[i];
}

/* -- surfaces ---------------------------------------------------------------- */

static const struct {
	uint32_t fourcc;
	unsigned int cpp;
	pixman_format_code_t code;
} formats[] = {
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

#define NFORMATS (sizeof(formats) / sizeof(formats[0]))
#define XRGB 0
#define ARGB 1
#define RGB24 8
#define RGB16 10
#define A8 18

/* A surface and its model: @first.. are its pages, @npages of them. */
struct surface {
	struct holdfast_surface hw;
	unsigned int format, cpp;
	uint32_t first, npages;
	char *model; /* of all pages */
	char *pixels; /* in the model */
};

/* A model for pages that are mapped, with what they have. */
static void read_model(struct surface *s)
{
	s->model = allocate(s->npages * PAGE);
	for (uint32_t i = 0; i < s->npages; i++)
		memcpy(s->model + i * PAGE, pages[s->first + i].cpu, PAGE);
	s->pixels = s->model + (s->hw.va - BASE - s->first * PAGE);
}

static void scribble(struct surface *s)
{
	for (uint32_t i = 0; i < s->npages; i++)
		for (uint32_t j = 0; j < PAGE; j += 4)
			*(uint32_t *)(pages[s->first + i].cpu + j) =
				next_random();
}

static struct surface make_surface(unsigned int format, uint32_t width,
				   uint32_t height, uint32_t padding,
				   enum layout layout)
{
	struct surface s = { .format = format, .cpp = formats[format].cpp };
	uint32_t start = 4 * below(PAGE / 4);

	s.hw.pitch = ((width * s.cpp + 3) & ~3u) + padding;
	s.hw.format = formats[format].fourcc;
	s.hw.width = width;
	s.hw.height = height;
	s.npages = (start + (uint64_t)(height - 1) * s.hw.pitch +
		    width * s.cpp + PAGE - 1) / PAGE;
	s.first = take_range(s.npages);
	s.hw.va = BASE + s.first * PAGE + start;
	map_range(s.first, s.npages, layout);
	scribble(&s);
	read_model(&s);
	return s;
}

static char *pixel(const struct surface *s, uint32_t x, uint32_t y)
{
	return s->pixels + (size_t)y * s->hw.pitch + x * s->cpp;
}

static void check(const struct surface *s)
{
	for (uint32_t i = 0; i < s->npages; i++)
		if (pages[s->first + i].cpu)
			assert_memory_equal(pages[s->first + i].cpu,
					    s->model + i * PAGE, PAGE);
}

static pixman_image_t *image_of(const struct surface *s)
{
	pixman_image_t *image = pixman_image_create_bits_no_clear(
		formats[s->format].code, s->hw.width, s->hw.height,
		(uint32_t *)s->pixels, s->hw.pitch);

	assert_non_null(image);
	return image;
}

/* A rectangle within two surfaces, or three. */
static struct holdfast_rect random_rect(const struct surface *s)
{
	struct holdfast_rect rect;

	rect.width = 1 + below(s->hw.width);
	rect.height = 1 + below(s->hw.height);
	rect.x = below(s->hw.width - rect.width + 1);
	rect.y = below(s->hw.height - rect.height + 1);
	return rect;
}

static void random_place(const struct surface *s,
			 const struct holdfast_rect *rect, uint32_t *x,
			 uint32_t *y)
{
	*x = below(s->hw.width - rect->width + 1);
	*y = below(s->hw.height - rect->height + 1);
}

/* -- streams ----------------------------------------------------------------- */

static struct {
	uint64_t words[1u << 12];
	uint32_t size;
} stream;

static void *emit(uint16_t op, uint16_t size, uint32_t flags)
{
	struct holdfast_cmd *cmd =
		(struct holdfast_cmd *)((char *)stream.words + stream.size);

	assert_true(stream.size + size <= sizeof(stream.words));
	memset(cmd, 0, size);
	*cmd = (struct holdfast_cmd){ op, size, flags };
	stream.size += size;
	return cmd;
}

/* Put the stream at the end of a page, so that commands straddle pages. */
static struct hf_exec load(void)
{
	uint32_t n = stream.size / PAGE + 2;
	uint32_t first = take_range(n);
	struct hf_exec exec = { .pc = BASE + (first + 1) * PAGE - 24 };

	map_range(first, n, SCATTERED);
	exec.end = exec.pc + stream.size;
	poke(exec.pc, stream.words, stream.size);
	stream.size = 0;
	return exec;
}

static enum hf_exec_status run_until(struct hf_exec *exec, uint64_t deadline)
{
	_Atomic bool stop = false;

	return hf_exec_run(exec, &mmu, deadline, &stop);
}

static void run(void)
{
	struct hf_exec exec = load();

	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_DONE);
}

/* Run in as many pieces as there may be. Return: how many. */
static unsigned int run_in_pieces(void)
{
	struct hf_exec exec = load();
	enum hf_exec_status status;
	unsigned int n = 1;

	while ((status = run_until(&exec, 0)) == HF_EXEC_YIELD)
		n++;
	assert_int_equal(status, HF_EXEC_DONE);
	return n;
}

static void expect_fault(uint32_t fault, hf_gpuva_t va, bool write)
{
	struct hf_exec exec = load();

	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_FAULT);
	assert_int_equal(exec.fault, fault);
	assert_int_equal(exec.fault_va, va);
	assert_int_equal(exec.fault_write, write);
}

/* The first command of the stream is garbage. */
static void expect_bad(void)
{
	struct hf_exec exec = load();
	hf_gpuva_t va = exec.pc;

	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_FAULT);
	assert_int_equal(exec.fault, HOLDFAST_FAULT_COMMAND);
	assert_int_equal(exec.fault_va, va);
	assert_false(exec.fault_write);
}

/* -- commands, and what they do to the models -------------------------------- */

static struct holdfast_cmd_fill *fill(struct surface *s,
				      struct holdfast_rect rect, uint32_t color)
{
	struct holdfast_cmd_fill *cmd =
		emit(HOLDFAST_CMD_FILL, sizeof(*cmd), 0);

	cmd->dst = s->hw;
	cmd->rect = rect;
	cmd->color = color;
	return cmd;
}

static void model_fill(struct surface *s, struct holdfast_rect rect,
		       uint32_t color)
{
	for (uint32_t y = 0; y < rect.height; y++)
		for (uint32_t x = 0; x < rect.width; x++)
			memcpy(pixel(s, rect.x + x, rect.y + y), &color, s->cpp);
}

static struct holdfast_cmd_copy *copy(uint16_t op, struct surface *dst,
				      struct surface *src,
				      struct holdfast_rect rect, uint32_t x,
				      uint32_t y)
{
	struct holdfast_cmd_copy *cmd = emit(op, sizeof(*cmd), 0);

	cmd->dst = dst->hw;
	cmd->src = src->hw;
	cmd->rect = rect;
	cmd->dst_x = x;
	cmd->dst_y = y;
	return cmd;
}

static void model_copy(struct surface *dst, struct surface *src,
		       struct holdfast_rect rect, uint32_t x, uint32_t y)
{
	size_t row = (size_t)rect.width * src->cpp;
	char *all = malloc(row * rect.height);

	for (uint32_t i = 0; i < rect.height; i++)
		memcpy(all + i * row, pixel(src, rect.x, rect.y + i), row);
	for (uint32_t i = 0; i < rect.height; i++)
		memcpy(pixel(dst, x, y + i), all + i * row, row);
	free(all);
}

static void model_convert(struct surface *dst, struct surface *src,
			  struct holdfast_rect rect, uint32_t x, uint32_t y)
{
	pixman_image_t *to = image_of(dst), *from = image_of(src);

	pixman_image_composite32(PIXMAN_OP_SRC, from, NULL, to, rect.x, rect.y,
				 0, 0, x, y, rect.width, rect.height);
	pixman_image_unref(to);
	pixman_image_unref(from);
}

static struct holdfast_cmd_composite *
composite(unsigned int op, struct surface *dst, struct surface *src,
	  struct surface *mask, uint32_t alpha, struct holdfast_rect rect)
{
	struct holdfast_cmd_composite *cmd =
		emit(HOLDFAST_CMD_COMPOSITE, sizeof(*cmd), op);

	cmd->dst = dst->hw;
	cmd->src = src->hw;
	cmd->rect = rect;
	cmd->alpha = alpha;
	random_place(src, &rect, &cmd->src_x, &cmd->src_y);
	if (mask) {
		cmd->mask = mask->hw;
		random_place(mask, &rect, &cmd->mask_x, &cmd->mask_y);
	}
	return cmd;
}

static pixman_image_t *solid(uint32_t alpha)
{
	return pixman_image_create_solid_fill(
		&(pixman_color_t){ .alpha = alpha });
}

/* The mask with the alpha multiplied in, or either alone. */
static pixman_image_t *model_mask(const struct holdfast_cmd_composite *cmd,
				  struct surface *mask)
{
	pixman_image_t *image, *alpha, *all;

	if (!mask)
		return cmd->alpha == 0xffff ? NULL : solid(cmd->alpha);
	image = image_of(mask);
	if (cmd->alpha == 0xffff)
		return image;
	alpha = solid(cmd->alpha);
	all = pixman_image_create_bits(PIXMAN_a8, mask->hw.width,
				       mask->hw.height, NULL, 0);
	pixman_image_composite32(PIXMAN_OP_SRC, alpha, image, all, 0, 0, 0, 0, 0,
				 0, mask->hw.width, mask->hw.height);
	pixman_image_unref(alpha);
	pixman_image_unref(image);
	return all;
}

static void model_composite(const struct holdfast_cmd_composite *cmd,
			    struct surface *dst, struct surface *src,
			    struct surface *mask)
{
	pixman_image_t *to = image_of(dst), *from = image_of(src);
	pixman_image_t *with = model_mask(cmd, mask);

	pixman_image_composite32((pixman_op_t)cmd->base.flags, from, with, to,
				 cmd->src_x, cmd->src_y, cmd->mask_x,
				 cmd->mask_y, cmd->rect.x, cmd->rect.y,
				 cmd->rect.width, cmd->rect.height);
	pixman_image_unref(to);
	pixman_image_unref(from);
	if (with)
		pixman_image_unref(with);
}

static struct holdfast_cmd_scale *scale(uint32_t filter, struct surface *dst,
					struct holdfast_rect to,
					struct surface *src,
					struct holdfast_rect from)
{
	struct holdfast_cmd_scale *cmd =
		emit(HOLDFAST_CMD_SCALE, sizeof(*cmd), filter);

	cmd->dst = dst->hw;
	cmd->src = src->hw;
	cmd->dst_rect = to;
	cmd->src_rect = from;
	return cmd;
}

static pixman_fixed_t ratio(uint32_t src, uint32_t dst)
{
	return (((uint64_t)src << 16) + dst / 2) / dst;
}

/* All at once, from an image that has nothing but the source's rectangle. */
static void model_scale(uint32_t filter, struct surface *dst,
			struct holdfast_rect to, struct surface *src,
			struct holdfast_rect from)
{
	uint32_t pitch = (from.width * src->cpp + 3) & ~3u;
	char *bits = allocate(((size_t)pitch * from.height + PAGE) & -PAGE);
	pixman_image_t *image, *target = image_of(dst);
	pixman_transform_t transform;

	for (uint32_t y = 0; y < from.height; y++)
		memcpy(bits + (size_t)y * pitch, pixel(src, from.x, from.y + y),
		       (size_t)from.width * src->cpp);
	image = pixman_image_create_bits_no_clear(formats[src->format].code,
						  from.width, from.height,
						  (uint32_t *)bits, pitch);
	pixman_transform_init_scale(&transform, ratio(from.width, to.width),
				    ratio(from.height, to.height));
	pixman_image_set_transform(image, &transform);
	pixman_image_set_repeat(image, PIXMAN_REPEAT_PAD);
	pixman_image_set_filter(image,
				filter == HOLDFAST_FILTER_NEAREST ?
					PIXMAN_FILTER_NEAREST :
					PIXMAN_FILTER_BILINEAR,
				NULL, 0);
	pixman_image_composite32(PIXMAN_OP_SRC, image, NULL, target, 0, 0, 0, 0,
				 to.x, to.y, to.width, to.height);
	pixman_image_unref(target);
	pixman_image_unref(image);
}

static struct surface random_surface(unsigned int format, enum layout layout)
{
	return make_surface(format, 1 + below(300), 1 + below(60),
			    4 * below(20), layout);
}

/* A rectangle that fits into all of them. */
static struct holdfast_rect common_rect(const struct surface *a,
					const struct surface *b,
					const struct surface *c)
{
	struct surface least = *a;

	for (int i = 0; i < 2; i++, b = c) {
		if (!b)
			continue;
		if (b->hw.width < least.hw.width)
			least.hw.width = b->hw.width;
		if (b->hw.height < least.hw.height)
			least.hw.height = b->hw.height;
	}
	return random_rect(&least);
}

static struct holdfast_rect all_of(const struct surface *s)
{
	return (struct holdfast_rect){ 0, 0, s->hw.width, s->hw.height };
}

/* -- pictures ---------------------------------------------------------------- */

static void fill_sets_its_rectangle_and_nothing_else(void **state)
{
	struct holdfast_rect rect;
	struct surface s;
	uint32_t color;

	for (unsigned int i = 0; i < 12 * NFORMATS; i++) {
		s = random_surface(i % NFORMATS, i % LAYOUTS);
		rect = random_rect(&s);
		color = next_random();
		fill(&s, rect, color);
		model_fill(&s, rect, color);
		run();
		check(&s);
		if (i % 32 == 0)
			reset(state);
	}
}

static void copy_takes_pixels_as_they_are(void **state)
{
	struct holdfast_rect rect;
	struct surface dst, src;
	unsigned int from, to;
	uint32_t x, y;

	for (unsigned int i = 0; i < 20 * NFORMATS; i++) {
		from = i % NFORMATS;
		do
			to = below(NFORMATS);
		while (formats[to].cpp != formats[from].cpp);
		src = random_surface(from, below(LAYOUTS));
		dst = random_surface(to, below(LAYOUTS));
		rect = common_rect(&src, &dst, NULL);
		random_place(&dst, &rect, &x, &y);
		copy(HOLDFAST_CMD_COPY, &dst, &src, rect, x, y);
		model_copy(&dst, &src, rect, x, y);
		run();
		check(&dst);
		check(&src);
		if (i % 32 == 0)
			reset(state);
	}
}

static void copy_within_a_surface_goes_any_way(void **state)
{
	struct holdfast_rect rect;
	struct surface s;
	uint32_t x, y;

	for (unsigned int i = 0; i < 600; i++) {
		s = random_surface(i % NFORMATS, i % LAYOUTS);
		rect = random_rect(&s);
		random_place(&s, &rect, &x, &y);
		copy(HOLDFAST_CMD_COPY, &s, &s, rect, x, y);
		model_copy(&s, &s, rect, x, y);
		if (i % 2)
			run();
		else
			run_in_pieces();
		check(&s);
		if (i % 32 == 0)
			reset(state);
	}
}

static void large_copy_within_a_surface_is_done_in_order(void **state)
{
	static const struct { uint32_t from_x, from_y, to_x, to_y; } moves[] = {
		{ 0, 0, 1, 0 }, { 1, 0, 0, 0 }, { 0, 0, 0, 1 }, { 0, 1, 0, 0 },
		{ 3, 0, 0, 7 }, { 0, 7, 3, 0 }, { 9, 9, 0, 0 }, { 0, 0, 9, 9 },
	};
	struct holdfast_rect rect = { 0, 0, 800, 600 };
	struct surface s;

	for (unsigned int i = 0; i < 8 * LAYOUTS; i++) {
		s = make_surface(ARGB, 809, 609, i % 2 ? 16 : 0, i % LAYOUTS);
		rect.x = moves[i / LAYOUTS].from_x;
		rect.y = moves[i / LAYOUTS].from_y;
		copy(HOLDFAST_CMD_COPY, &s, &s, rect, moves[i / LAYOUTS].to_x,
		     moves[i / LAYOUTS].to_y);
		model_copy(&s, &s, rect, moves[i / LAYOUTS].to_x,
			   moves[i / LAYOUTS].to_y);
		assert_true(run_in_pieces() > 2);
		check(&s);
		reset(state);
	}
}

/* The same pages once more, at other addresses, in an order of their own. */
static struct surface make_alias(const struct surface *s, bool shuffle,
				 uint32_t pitch)
{
	struct surface alias = *s;
	struct fake_page page;
	uint32_t other;

	alias.first = take_range(s->npages);
	alias.hw.va = BASE + alias.first * PAGE + s->hw.va % PAGE;
	alias.hw.pitch = pitch;
	memcpy(&pages[alias.first], &pages[s->first],
	       s->npages * sizeof(pages[0]));
	for (uint32_t i = 0; shuffle && i < s->npages; i++) {
		other = alias.first + below(s->npages);
		page = pages[other];
		pages[other] = pages[alias.first + i];
		pages[alias.first + i] = page;
	}
	read_model(&alias);
	return alias;
}

static void copy_between_two_mappings_of_the_same_memory(void **state)
{
	struct holdfast_rect rect;
	struct surface s, alias;
	uint32_t x, y;

	for (unsigned int i = 0; i < 200; i++) {
		s = make_surface(ARGB, 200, 100, 64, below(LAYOUTS));
		alias = make_alias(&s, i % 3 == 1,
				   i % 3 == 2 ? 832 : s.hw.pitch);
		rect = random_rect(&s);
		random_place(&s, &rect, &x, &y);
		copy(HOLDFAST_CMD_COPY, &alias, &s, rect, x, y);
		model_copy(&alias, &s, rect, x, y);
		run_in_pieces();
		check(&alias);
		if (i % 8 == 0)
			reset(state);
	}
}

static void convert_gives_what_pixman_gives(void **state)
{
	struct holdfast_rect rect;
	struct surface dst, src;
	uint32_t x, y;

	for (unsigned int i = 0; i < 2 * NFORMATS * NFORMATS; i++) {
		src = random_surface(i % NFORMATS, below(LAYOUTS));
		dst = random_surface(i / NFORMATS % NFORMATS, below(LAYOUTS));
		rect = common_rect(&src, &dst, NULL);
		random_place(&dst, &rect, &x, &y);
		copy(HOLDFAST_CMD_CONVERT, &dst, &src, rect, x, y);
		model_convert(&dst, &src, rect, x, y);
		run();
		check(&dst);
		check(&src);
		if (i % 32 == 0)
			reset(state);
	}
}

static void composite_gives_what_pixman_gives(void **state)
{
	struct holdfast_cmd_composite *cmd;
	struct surface dst, src, mask;
	struct holdfast_rect rect;
	struct surface *with;
	uint32_t alpha;

	for (unsigned int i = 0; i < 13 * 120; i++) {
		dst = random_surface(below(4) ? below(2) : below(NFORMATS),
				     below(LAYOUTS));
		src = random_surface(below(4) ? below(2) : below(NFORMATS),
				     below(LAYOUTS));
		mask = random_surface(below(4) ? A8 : below(NFORMATS),
				      below(LAYOUTS));
		with = below(2) ? &mask : NULL;
		alpha = below(2) ? 0xffff : below(0x10000);
		rect = common_rect(&dst, &src, with);
		cmd = composite(i % 13, &dst, &src, with, alpha, rect);
		model_composite(cmd, &dst, &src, with);
		run();
		check(&dst);
		check(&src);
		check(&mask);
		if (i % 32 == 0)
			reset(state);
	}
}

static void composite_onto_itself_works_pixel_by_pixel(void **state)
{
	struct holdfast_cmd_composite *cmd;
	struct surface dst, src;

	for (unsigned int i = 0; i < 13 * LAYOUTS; i++) {
		dst = random_surface(i % NFORMATS, i % LAYOUTS);
		src = dst;
		src.model = allocate(dst.npages * PAGE);
		memcpy(src.model, dst.model, dst.npages * PAGE);
		src.pixels = src.model + (dst.pixels - dst.model);
		cmd = composite(i % 13, &dst, &src, NULL, 0x7777, all_of(&dst));
		cmd->src_x = cmd->src_y = 0;
		model_composite(cmd, &dst, &src, NULL);
		run();
		check(&dst);
		reset(state);
	}
}

static void scale_gives_what_pixman_gives(void **state)
{
	struct holdfast_rect to, from;
	struct surface dst, src;

	for (unsigned int i = 0; i < 40 * NFORMATS; i++) {
		src = random_surface(i % NFORMATS, below(LAYOUTS));
		dst = random_surface(below(3) ? i % NFORMATS : below(NFORMATS),
				     below(LAYOUTS));
		to = random_rect(&dst);
		from = random_rect(&src);
		scale(i % 2, &dst, to, &src, from);
		model_scale(i % 2, &dst, to, &src, from);
		run();
		check(&dst);
		check(&src);
		if (i % 32 == 0)
			reset(state);
	}
}

static void scale_of_large_pictures_has_no_seams(void **state)
{
	static const uint32_t sizes[][4] = {
		{ 1300, 700, 333, 111 }, { 100, 90, 1400, 800 },
		{ 30000, 3, 20000, 5 },	 { 2, 2, 30000, 3 },
		{ 1, 1, 500, 500 },	 { 999, 1000, 1000, 999 },
		{ 3, 12000, 2, 9 },	 { 4000, 3000, 7, 4 },
	};
	struct surface dst, src;

	for (unsigned int i = 0; i < 8; i++) {
		for (unsigned int j = 0; j < 2 * LAYOUTS; j++) {
			src = make_surface(j % 2 ? ARGB : RGB16, sizes[i][0],
					   sizes[i][1], 0, j / 2);
			dst = make_surface(ARGB, sizes[i][2], sizes[i][3], 8,
					   below(LAYOUTS));
			scale(j % 2, &dst, all_of(&dst), &src, all_of(&src));
			model_scale(j % 2, &dst, all_of(&dst), &src,
				    all_of(&src));
			run_in_pieces();
			check(&dst);
			reset(state);
		}
	}
}

/* Ratios that pixman alone refuses: the pixel in the middle is what is left. */
static void scale_shrinks_a_surface_to_one_pixel(void **state)
{
	struct surface dst, src;

	(void)state;
	src = make_surface(ARGB, 32767, 3, 0, PIECES);
	dst = make_surface(ARGB, 1, 1, 0, FLAT);
	scale(HOLDFAST_FILTER_NEAREST, &dst, all_of(&dst), &src, all_of(&src));
	memcpy(pixel(&dst, 0, 0), pixel(&src, 16383, 1), 4);
	run();
	check(&dst);
}

/* Some columns of a surface, as one. */
static struct surface columns_of(const struct surface *s, uint32_t x,
				 uint32_t width)
{
	struct surface part = *s;

	part.pixels += x * s->cpp;
	part.hw.width = width;
	return part;
}

static void surfaces_of_the_largest_width_are_done_in_tiles(void **state)
{
	struct holdfast_cmd_composite *cmd, half;
	struct surface dst, src, mask, parts[3];

	for (unsigned int i = 0; i < LAYOUTS; i++) {
		dst = make_surface(ARGB, 32767, 5, 0, i);
		src = make_surface(RGB24, 32767, 5, 4, i);
		mask = make_surface(A8, 32767, 5, 4, (i + 1) % LAYOUTS);
		cmd = composite(HOLDFAST_OP_OVER, &dst, &src, &mask, 0x8000,
				all_of(&dst));
		half = *cmd;
		/* pixman takes no more than this at once. */
		for (uint32_t x = 0; x < 32767; x += 16384) {
			half.rect.width = x ? 16383 : 16384;
			parts[0] = columns_of(&dst, x, half.rect.width);
			parts[1] = columns_of(&src, x, half.rect.width);
			parts[2] = columns_of(&mask, x, half.rect.width);
			model_composite(&half, &parts[0], &parts[1], &parts[2]);
		}
		run();
		check(&dst);
		reset(state);
	}
}

static void formats_and_sizes_that_are_none_are_garbage(void **state)
{
	struct surface s = make_surface(ARGB, 64, 64, 0, FLAT);
	struct surface b = make_surface(RGB16, 64, 64, 0, FLAT);
	struct holdfast_rect all = all_of(&s);

	(void)state;
#define BAD_FILL(change) do {                                                 \
		struct holdfast_cmd_fill *cmd = fill(&s, all, 1);             \
		change;                                                       \
		expect_bad();                                                 \
		check(&s);                                                    \
	} while (0)
	BAD_FILL(cmd->base.flags = 1);
	BAD_FILL(cmd->pad = 1);
	BAD_FILL(cmd->dst.format = DRM_FORMAT_NV12);
	BAD_FILL(cmd->dst.format = 0);
	BAD_FILL(cmd->dst.va += 2);
	BAD_FILL(cmd->dst.pitch -= 4);
	BAD_FILL(cmd->dst.pitch += 2);
	BAD_FILL(cmd->dst.width = 0);
	BAD_FILL(cmd->dst.height = 0);
	BAD_FILL(cmd->dst.width = 32768; cmd->dst.pitch = 4 * 32768);
	BAD_FILL(cmd->dst.height = 32768);
	BAD_FILL(cmd->rect.x = 1);
	BAD_FILL(cmd->rect.y = 1);
	BAD_FILL(cmd->rect.x = 0xffffffff);
	BAD_FILL(cmd->rect.x = 1; cmd->rect.width = 0xffffffff);
	BAD_FILL(cmd->rect.y = 65; cmd->rect.height = 0);
#undef BAD_FILL

	copy(HOLDFAST_CMD_COPY, &s, &b, all, 0, 0);
	expect_bad();
	copy(HOLDFAST_CMD_COPY, &s, &s, all, 1, 0);
	expect_bad();
	copy(HOLDFAST_CMD_CONVERT, &s, &b, all, 0, 0)->base.flags = 1;
	expect_bad();
	composite(13, &s, &b, NULL, 0xffff, all);
	expect_bad();
	composite(3, &s, &b, NULL, 0x10000, all);
	expect_bad();
	composite(3, &s, &b, NULL, 0xffff, all)->pad = 1;
	expect_bad();
	composite(3, &s, &b, &s, 0xffff, all)->mask_x = 1;
	expect_bad();
	composite(3, &s, &b, &s, 0xffff, all)->mask.format = 1;
	expect_bad();
	scale(2, &s, all, &b, all);
	expect_bad();
	scale(1, &s, all, &b, all)->src_rect.y = 1;
	expect_bad();
	check(&s);
}

static void empty_rectangles_touch_nothing(void **state)
{
	struct surface s = make_surface(ARGB, 64, 64, 0, FLAT);
	struct holdfast_rect none = { 64, 3, 0, 7 }, all = all_of(&s);

	(void)state;
	s.hw.va = BASE; /* nothing is there */
	fill(&s, none, 1);
	copy(HOLDFAST_CMD_COPY, &s, &s, none, 0, 64 - 7);
	copy(HOLDFAST_CMD_CONVERT, &s, &s, none, 0, 0);
	composite(3, &s, &s, &s, 0xffff, none);
	scale(0, &s, none, &s, all);
	scale(0, &s, all, &s, none);
	emit(HOLDFAST_CMD_COPY_LINEAR, sizeof(struct holdfast_cmd_copy_linear),
	     0);
	run();
}

/* -- linear ------------------------------------------------------------------ */

static struct holdfast_cmd_copy_linear *
copy_linear(hf_gpuva_t dst, hf_gpuva_t src, uint64_t size)
{
	struct holdfast_cmd_copy_linear *cmd =
		emit(HOLDFAST_CMD_COPY_LINEAR, sizeof(*cmd), 0);

	cmd->dst = dst;
	cmd->src = src;
	cmd->size = size;
	return cmd;
}

static void copy_linear_moves_bytes_any_way(void **state)
{
	uint32_t from, to, size;
	struct surface s;

	for (unsigned int i = 0; i < 60; i++) {
		s = make_surface(A8, 4096, 100, 0, i % LAYOUTS);
		size = 1 + below(below(2) ? 5000 : 4096 * 100);
		from = below(4096 * 100 - size + 1);
		to = below(4096 * 100 - size + 1);
		copy_linear(s.hw.va + to, s.hw.va + from, size);
		memmove(s.pixels + to, s.pixels + from, size);
		run_in_pieces();
		check(&s);
		reset(state);
	}
}

static void copy_linear_has_a_largest_size(void **state)
{
	struct surface s = make_surface(A8, 4096, 2, 0, FLAT);

	(void)state;
	copy_linear(s.hw.va, s.hw.va, HOLDFAST_COPY_LINEAR_MAX + 1);
	expect_bad();
	copy_linear(s.hw.va, s.hw.va, HOLDFAST_COPY_LINEAR_MAX);
	expect_fault(HOLDFAST_FAULT_UNMAPPED,
		     BASE + (s.first + s.npages) * PAGE, true);
	copy_linear(s.hw.va, UINT64_MAX - 4, 5);
	expect_fault(HOLDFAST_FAULT_UNMAPPED, UINT64_MAX - 4, false);
	copy_linear(s.hw.va, s.hw.va, 1)->base.flags = 1;
	expect_bad();
	check(&s);
}

/* -- faults ------------------------------------------------------------------ */

static void a_fault_names_the_address_and_changes_nothing(void **state)
{
	struct surface dst, src;
	hf_gpuva_t va;
	uint32_t page;

	for (unsigned int i = 0; i < 60; i++) {
		dst = make_surface(ARGB, 500, 100, 0, i % LAYOUTS);
		src = make_surface(ARGB, 500, 100, 0, below(LAYOUTS));
		page = 1 + below(src.npages - 1);
		va = BASE + (src.first + page) * PAGE;
		pages[src.first + page].cpu = NULL;
		if (i % 3 == 0)
			copy(HOLDFAST_CMD_COPY, &dst, &src, all_of(&src), 0, 0);
		else if (i % 3 == 1)
			composite(3, &dst, &src, NULL, 0xffff, all_of(&src));
		else
			scale(1, &dst, all_of(&dst), &src, all_of(&src));
		expect_fault(HOLDFAST_FAULT_UNMAPPED, va, false);
		check(&dst);

		fill(&src, all_of(&src), 1);
		expect_fault(HOLDFAST_FAULT_UNMAPPED, va, true);
		check(&src);

		page = 1 + below(dst.npages - 1);
		va = BASE + (dst.first + page) * PAGE;
		pages[dst.first + page].writable = false;
		fill(&dst, all_of(&dst), 1);
		expect_fault(HOLDFAST_FAULT_READ_ONLY, va, true);
		check(&dst);
		reset(state);
	}
}

static void addresses_beyond_the_space_do_not_wrap(void **state)
{
	struct surface s = make_surface(ARGB, 500, 100, 0, FLAT);
	struct holdfast_rect rect = { 8, 90, 1, 1 };

	(void)state;
	s.hw.va = -(uint64_t)4096;
	fill(&s, rect, 1);
	expect_fault(HOLDFAST_FAULT_UNMAPPED, s.hw.va, true);
	s.hw.va = 1ull << 48;
	fill(&s, rect, 1);
	expect_fault(HOLDFAST_FAULT_UNMAPPED, s.hw.va, true);
}

/* Rows of a page each, with pages between them that are not there. */
static void what_is_between_rows_need_not_be_mapped(void **state)
{
	static const uint32_t paddings[] = { 0, PAGE, 3 * PAGE, 9 * PAGE };
	struct holdfast_rect rect = { 0, 0, 1024, 20 };
	struct surface s;
	uint32_t skip;

	for (unsigned int i = 0; i < 8; i++) {
		skip = 1 + paddings[i / 2] / PAGE;
		s = make_surface(ARGB, 1024, 20, paddings[i / 2], i % 2);
		s.hw.va &= -PAGE;
		s.pixels = s.model;
		for (uint32_t j = 0; j < s.npages; j++)
			if (j % skip || j / skip >= 20)
				pages[s.first + j].cpu = NULL;
		fill(&s, rect, 77);
		model_fill(&s, rect, 77);
		copy(HOLDFAST_CMD_COPY, &s, &s,
		     (struct holdfast_rect){ 3, 2, 700, 18 }, 4, 0);
		model_copy(&s, &s, (struct holdfast_rect){ 3, 2, 700, 18 }, 4,
			   0);
		run();
		check(&s);
		reset(state);
	}
}

static void only_the_rectangle_need_be_mapped(void **state)
{
	struct surface dst = make_surface(ARGB, 1000, 100, 0, FLAT);
	struct holdfast_rect rect = { 100, 50, 30, 1 };
	hf_gpuva_t va = dst.hw.va + 50 * 4000 + 400;
	uint32_t first = (va - BASE) / PAGE, last = (va + 119 - BASE) / PAGE;

	(void)state;
	for (uint32_t i = dst.first; i < dst.first + dst.npages; i++)
		if (i < first || i > last)
			pages[i].cpu = NULL;
	fill(&dst, rect, 5);
	model_fill(&dst, rect, 5);
	run();
	check(&dst);
}

static void a_surface_that_is_one_run_is_translated_once(void **state)
{
	struct surface dst = make_surface(ARGB, 1000, 500, 0, FLAT);
	struct hf_exec exec;

	(void)state;
	fill(&dst, all_of(&dst), 5);
	model_fill(&dst, all_of(&dst), 5);
	exec = load();
	accesses = 0;
	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_DONE);
	/* The header, the command in two pages, and the surface. */
	assert_true(accesses <= 4);
	check(&dst);
}

/* -- control ----------------------------------------------------------------- */

static hf_gpuva_t make_words(void)
{
	uint32_t first = take_range(1);

	map_range(first, 1, FLAT);
	return BASE + first * PAGE;
}

static struct holdfast_cmd_write *emit_write(hf_gpuva_t va, uint64_t value,
					     uint32_t flags)
{
	struct holdfast_cmd_write *cmd =
		emit(HOLDFAST_CMD_WRITE, sizeof(*cmd), flags);

	cmd->va = va;
	cmd->value = value;
	return cmd;
}

static struct holdfast_cmd_wait *emit_wait(hf_gpuva_t va, uint32_t value,
					   uint32_t mask, uint32_t flags)
{
	struct holdfast_cmd_wait *cmd =
		emit(HOLDFAST_CMD_WAIT, sizeof(*cmd), flags);

	cmd->va = va;
	cmd->value = value;
	cmd->mask = mask;
	return cmd;
}

static void emit_jump(hf_gpuva_t va, uint32_t size)
{
	struct holdfast_cmd_jump *cmd =
		emit(HOLDFAST_CMD_JUMP, sizeof(*cmd), 0);

	cmd->va = va;
	cmd->size = size;
}

static void write_stores_4_or_8_bytes(void **state)
{
	hf_gpuva_t va = make_words();
	uint64_t *words = (uint64_t *)cpu_of(va);

	(void)state;
	words[0] = words[1] = words[2] = UINT64_MAX;
	emit_write(va + 4, 0x1122334455667788, 0);
	emit_write(va + 8, 0x1122334455667788, HOLDFAST_WRITE_64);
	run();
	assert_int_equal(words[0], 0x55667788ffffffff);
	assert_int_equal(words[1], 0x1122334455667788);
	assert_int_equal(words[2], UINT64_MAX);

	emit_write(va + 2, 0, 0);
	expect_bad();
	emit_write(va + 4, 0, HOLDFAST_WRITE_64);
	expect_bad();
	emit_write(va, 0, 2);
	expect_bad();
	emit_write(BASE + 4, 0, 0);
	expect_fault(HOLDFAST_FAULT_UNMAPPED, BASE + 4, true);
}

static void wait_goes_on_when_the_value_is_there(void **state)
{
	hf_gpuva_t va = make_words(), pc;
	uint32_t *word = (uint32_t *)cpu_of(va);
	struct hf_exec exec;

	(void)state;
	*word = 0xab05;
	emit_wait(va, 5, 0xff, HOLDFAST_WAIT_EQUAL);
	emit_wait(va, 6, 0xff, HOLDFAST_WAIT_NOT_EQUAL);
	emit_wait(va, 5, 0xff, HOLDFAST_WAIT_GREATER_EQUAL);
	emit_wait(va, 6, 0xff, HOLDFAST_WAIT_GREATER_EQUAL);
	emit_write(va + 8, 1, 0);
	exec = load();
	pc = exec.pc + 3 * sizeof(struct holdfast_cmd_wait);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run_until(&exec, NEVER), HF_EXEC_WAIT);
		assert_int_equal(exec.pc, pc);
	}
	*word = 0xffffffff;
	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_DONE);
	assert_int_equal(word[2], 1);

	emit_wait(va, 0, 0, 3);
	expect_bad();
	emit_wait(va + 2, 0, 0, 0);
	expect_bad();
	emit_wait(BASE, 0, 0, 0);
	expect_fault(HOLDFAST_FAULT_UNMAPPED, BASE, false);
}

static void end_ends_and_nop_takes_any_size(void **state)
{
	hf_gpuva_t va = make_words();
	uint32_t *word = (uint32_t *)cpu_of(va);

	(void)state;
	*word = 0;
	emit(HOLDFAST_CMD_NOP, 8, 0);
	emit(HOLDFAST_CMD_NOP, 5000, 0);
	emit_write(va, 1, 0);
	emit(HOLDFAST_CMD_END, 8, 0);
	emit_write(va, 2, 0);
	run();
	assert_int_equal(*word, 1);
	run(); /* nothing */
	emit(HOLDFAST_CMD_NOP, 8, 1);
	expect_bad();
	emit(HOLDFAST_CMD_END, 8, 1);
	expect_bad();
}

static void jump_goes_on_elsewhere(void **state)
{
	hf_gpuva_t va = make_words();
	uint32_t *word = (uint32_t *)cpu_of(va);
	struct holdfast_cmd_jump *cmd;
	struct hf_exec there;

	(void)state;
	*word = 0;
	emit_write(va, 1, 0);
	there = load();
	emit_jump(there.pc, there.end - there.pc);
	emit_write(va, 2, 0);
	run();
	assert_int_equal(*word, 1);

	emit_jump(BASE, 0);
	run();
	emit_jump(BASE, 8);
	expect_fault(HOLDFAST_FAULT_UNMAPPED, BASE, false);
	emit_jump(there.pc + 4, 8);
	expect_bad();
	emit_jump(there.pc, 12);
	expect_bad();
	emit_jump(1ull << 48, 8);
	expect_bad();
	cmd = emit(HOLDFAST_CMD_JUMP, sizeof(*cmd), 0);
	cmd->pad = 1;
	expect_bad();
	emit(HOLDFAST_CMD_JUMP, sizeof(*cmd), 1);
	expect_bad();
}

static void a_loop_gives_way_at_the_deadline(void **state)
{
	_Atomic bool stop = true;
	struct hf_exec exec;

	(void)state;
	emit_jump(0, 24);
	exec = load();
	poke(exec.pc + 8, &exec.pc, 8);
	assert_int_equal(run_until(&exec, hf_monotonic_ns() + 1000000),
			 HF_EXEC_YIELD);
	assert_int_equal(run_until(&exec, 0), HF_EXEC_YIELD);
	assert_int_equal(hf_exec_run(&exec, &mmu, NEVER, &stop), HF_EXEC_YIELD);
}

static void commands_have_their_exact_size(void **state)
{
	static const uint16_t sizes[] = {
		0, 8, sizeof(struct holdfast_cmd_jump),
		sizeof(struct holdfast_cmd_write),
		sizeof(struct holdfast_cmd_wait),
		sizeof(struct holdfast_cmd_fill),
		sizeof(struct holdfast_cmd_copy),
		sizeof(struct holdfast_cmd_copy),
		sizeof(struct holdfast_cmd_composite),
		sizeof(struct holdfast_cmd_scale),
		sizeof(struct holdfast_cmd_copy_linear),
	};
	struct holdfast_cmd *cmd;
	struct hf_exec exec;

	for (uint16_t op = 1; op <= HOLDFAST_CMD_COPY_LINEAR; op++) {
		for (int change = -8; change <= 8; change += 4) {
			if (!change)
				continue;
			cmd = emit(op, 160, 0);
			cmd->size = sizes[op] + change;
			expect_bad();
		}
		reset(state);
	}
	for (uint32_t op = HOLDFAST_CMD_COPY_LINEAR + 1; op < 0x10000;
	     op += 1 + op / 3) {
		emit(op, 8, 0);
		expect_bad();
	}
	cmd = emit(HOLDFAST_CMD_NOP, 8, 0);
	cmd->size = 0;
	expect_bad();

	/* One that crosses the end, and half a header. */
	emit(HOLDFAST_CMD_WRITE, sizeof(struct holdfast_cmd_write), 0);
	exec = load();
	exec.end -= 8;
	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_FAULT);
	assert_int_equal(exec.fault, HOLDFAST_FAULT_COMMAND);
	exec.end = exec.pc + 4;
	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_FAULT);
	assert_int_equal(exec.fault, HOLDFAST_FAULT_COMMAND);
	exec.pc += 4;
	exec.end = exec.pc + 24;
	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_FAULT);
	assert_int_equal(exec.fault, HOLDFAST_FAULT_COMMAND);
	assert_int_equal(exec.fault_va, exec.pc);
}

static void a_stream_may_end_where_its_memory_does(void **state)
{
	uint32_t first = take_range(1);
	struct hf_exec exec = { .pc = BASE + (first + 1) * PAGE - 8 };

	(void)state;
	map_range(first, 1, FLAT);
	memcpy(cpu_of(exec.pc), &(struct holdfast_cmd){ HOLDFAST_CMD_NOP, 8, 0 },
	       8);
	exec.end = exec.pc + 8;
	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_DONE);

	exec.pc = exec.end - 8;
	exec.end += 64;
	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_FAULT);
	assert_int_equal(exec.fault, HOLDFAST_FAULT_UNMAPPED);
	assert_int_equal(exec.fault_va, BASE + (first + 1) * PAGE);
}

/* -- interruptions ----------------------------------------------------------- */

static void a_large_command_is_done_in_pieces(void **state)
{
	struct holdfast_cmd_composite *cmd;
	struct surface dst, src;

	for (unsigned int i = 0; i < LAYOUTS; i++) {
		dst = make_surface(ARGB, 700, 700, 0, i);
		src = make_surface(ARGB, 700, 700, 0, i);
		fill(&dst, all_of(&dst), 0x80808080);
		model_fill(&dst, all_of(&dst), 0x80808080);
		assert_true(run_in_pieces() > 4);
		check(&dst);
		cmd = composite(3, &dst, &src, NULL, 0x4000, all_of(&dst));
		model_composite(cmd, &dst, &src, NULL);
		assert_true(run_in_pieces() > 4);
		check(&dst);
		scale(1, &dst, (struct holdfast_rect){ 5, 5, 600, 600 }, &src,
		      (struct holdfast_rect){ 1, 1, 611, 633 });
		model_scale(1, &dst, (struct holdfast_rect){ 5, 5, 600, 600 },
			    &src, (struct holdfast_rect){ 1, 1, 611, 633 });
		assert_true(run_in_pieces() > 4);
		check(&dst);
		reset(state);
	}
}

static void an_interrupted_command_cannot_be_changed(void **state)
{
	struct surface dst = make_surface(ARGB, 700, 700, 0, FLAT);
	struct hf_exec exec;
	hf_gpuva_t pc;

	(void)state;
	fill(&dst, all_of(&dst), 1);
	model_fill(&dst, all_of(&dst), 1);
	exec = load();
	pc = exec.pc;
	assert_int_equal(run_until(&exec, 0), HF_EXEC_YIELD);
	assert_int_equal(exec.pc, pc);
	for (uint32_t i = 0; i < sizeof(struct holdfast_cmd_fill); i++)
		*cpu_of(pc + i) = 0x55;
	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_DONE);
	assert_int_equal(exec.pc, pc + sizeof(struct holdfast_cmd_fill));
	check(&dst);
}

static void what_is_unmapped_meanwhile_is_a_fault(void **state)
{
	struct surface dst = make_surface(ARGB, 700, 700, 0, FLAT);
	struct hf_exec exec;

	(void)state;
	fill(&dst, all_of(&dst), 1);
	exec = load();
	assert_int_equal(run_until(&exec, 0), HF_EXEC_YIELD);
	pages[dst.first + dst.npages - 1].cpu = NULL;
	assert_int_equal(run_until(&exec, NEVER), HF_EXEC_FAULT);
	assert_int_equal(exec.fault, HOLDFAST_FAULT_UNMAPPED);
	assert_int_equal(exec.fault_va,
			 BASE + (dst.first + dst.npages - 1) * PAGE);
}

/* -- garbage ----------------------------------------------------------------- */

static void emit_random(struct surface *s, size_t n)
{
	struct surface *dst = &s[below(n)], *src = &s[below(n)];
	struct surface *mask = below(2) ? &s[below(n)] : NULL;
	struct holdfast_rect rect = common_rect(dst, src, mask);
	uint32_t x, y;

	random_place(dst, &rect, &x, &y);
	switch (below(7)) {
	case 0:
		fill(dst, rect, next_random());
		break;
	case 1:
		copy(HOLDFAST_CMD_COPY, dst, src, rect, x, y);
		break;
	case 2:
		copy(HOLDFAST_CMD_CONVERT, dst, src, rect, x, y);
		break;
	case 3:
		composite(below(13), dst, src, mask, below(0x10000), rect);
		break;
	case 4:
		scale(below(2), dst, random_rect(dst), src, random_rect(src));
		break;
	case 5:
		copy_linear(dst->hw.va + below(4096), src->hw.va + below(4096),
			    below(5000));
		break;
	default:
		emit_jump(dst->hw.va & -8ull, 8 * below(100));
	}
}

static const uint32_t interesting[] = {
	0, 1, 2, 3, 4, 7, 8, 255, 256, 4095, 4096, 8191, 8192, 8193, 16384,
	32766, 32767, 32768, 65535, 65536, 131068, 0x3fffffff, 0x40000000,
	0x7ffffffc, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff,
};

static void mutate(uint32_t size)
{
	uint32_t *words = (uint32_t *)stream.words;
	uint32_t *word = &words[below(size / 4)];

	switch (below(4)) {
	case 0:
		*word ^= 1u << below(32);
		break;
	case 1:
		*word += below(64) - 32;
		break;
	case 2:
		*word = next_random();
		break;
	default:
		*word = interesting[below(sizeof(interesting) / 4)];
	}
}

/* Whatever comes, it ends in one of the ways, and memory around is not touched. */
static void run_garbage(void)
{
	struct hf_exec exec = load();
	uint64_t slice = 300000;

	for (int i = 0; i < 4; i++)
		if (run_until(&exec, hf_monotonic_ns() + slice) !=
		    HF_EXEC_YIELD)
			break;
}

static void random_commands_hurt_nobody(void **state)
{
	struct surface s[6];

	for (unsigned int round = 0; round < 60; round++) {
		for (unsigned int i = 0; i < 6; i++)
			s[i] = random_surface(below(NFORMATS), below(LAYOUTS));
		for (unsigned int i = 0; i < 60; i++) {
			emit_random(s, 6);
			for (uint32_t n = below(4); n; n--)
				mutate(stream.size);
			emit_random(s, 6);
			run_garbage();
		}
		for (unsigned int i = 0; i < 20; i++) {
			uint64_t *words = emit(0, 800, 0);

			for (unsigned int j = 0; j < 100; j++)
				words[j] = (uint64_t)next_random() << 32 |
					   8 * below(20) << 16 | below(12);
			run_garbage();
		}
		reset(state);
	}
}

static void huge_surfaces_are_no_trouble(void **state)
{
	static const struct holdfast_rect rects[] = {
		{ 0, 0, 32767, 3 },
		{ 32766, 32766, 1, 1 },
		{ 0, 0, 1, 32767 },
		{ 32000, 32600, 700, 100 },
	};
	struct surface s = { .format = ARGB, .cpp = 4 };
	uint32_t filled = 0x01020304;

	(void)state;
	mirror = allocate(PAGE);
	for (unsigned int i = 0; i < 8; i++) {
		/* Once with rows far apart. */
		s.hw = (struct holdfast_surface){ MIRROR, i % 2 ? 262140 : 131068,
						  formats[ARGB].fourcc, 32767,
						  32767 };
		fill(&s, rects[i / 2], filled);
		composite(3, &s, &s, &s, 0x1234, rects[i / 2]);
		copy(HOLDFAST_CMD_COPY, &s, &s, rects[i / 2], 1,
		     rects[i / 2].y)->dst_x = rects[i / 2].x;
		scale(i % 2, &s, rects[i / 2], &s, all_of(&s));
		scale(i % 2, &s, rects[i / 2], &s,
		      (struct holdfast_rect){ 0, 0, 32767, 1 });
		run_in_pieces();
	}
	copy_linear(MIRROR, MIRROR + 8, 300 << 20);
	run_in_pieces();
}

static void rows_may_be_gigabytes_apart(void **state)
{
	static const uint32_t pitches[] = { 0x10000000, 0x20000000, 0x40000000,
					    0x60000000, 0x80000000 };
	struct holdfast_rect rect = { 4, 1, 9, 3 };
	struct holdfast_cmd_composite *cmd;
	struct surface s = { .format = ARGB, .cpp = 4 };

	(void)state;
	linear = mmap(NULL, LINEAR_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(linear, MAP_FAILED);
	mappings[nmappings].start = linear;
	mappings[nmappings++].size = LINEAR_SIZE;
	for (unsigned int i = 0; i < 5; i++) {
		s.hw = (struct holdfast_surface){ LINEAR, pitches[i],
						  formats[ARGB].fourcc, 100, 4 };
		fill(&s, rect, 0x80402010);
		/* Added to itself: twice as much. */
		cmd = composite(12, &s, &s, NULL, 0xffff, rect);
		cmd->src_x = rect.x;
		cmd->src_y = rect.y;
		scale(1, &s, (struct holdfast_rect){ 20, 1, 18, 3 }, &s, rect);
		run();
		for (uint64_t y = 1; y < 4; y++) {
			uint32_t *row = (uint32_t *)(linear + y * pitches[i]);

			assert_int_equal(row[3], 0);
			assert_int_equal(row[4], 0xff804020);
			assert_int_equal(row[12], 0xff804020);
			assert_int_equal(row[13], 0);
			assert_int_equal(row[20], 0xff804020);
			assert_int_equal(row[37], 0xff804020);
			assert_int_equal(row[38], 0);
		}
		assert_int_equal(madvise(linear, LINEAR_SIZE, MADV_DONTNEED), 0);
	}
}

static void a_huge_command_is_stopped_before_it_begins(void **state)
{
	struct surface s = { .format = ARGB, .cpp = 4 };
	struct hf_exec exec;

	(void)state;
	mirror = allocate(PAGE);
	s.hw = (struct holdfast_surface){ MIRROR, 131068, formats[ARGB].fourcc,
					  32767, 32767 };
	fill(&s, all_of(&s), 1);
	exec = load();
	stop_after = 1000;
	atomic_store(&stopping, false);
	assert_int_equal(hf_exec_run(&exec, &mmu, NEVER, &stopping),
			 HF_EXEC_YIELD);
	assert_int_equal(accesses, 1000);
	assert_int_equal(*mirror, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fill_sets_its_rectangle_and_nothing_else),
		TEST(copy_takes_pixels_as_they_are),
		TEST(copy_within_a_surface_goes_any_way),
		TEST(large_copy_within_a_surface_is_done_in_order),
		TEST(copy_between_two_mappings_of_the_same_memory),
		TEST(convert_gives_what_pixman_gives),
		TEST(composite_gives_what_pixman_gives),
		TEST(composite_onto_itself_works_pixel_by_pixel),
		TEST(scale_gives_what_pixman_gives),
		TEST(scale_of_large_pictures_has_no_seams),
		TEST(scale_shrinks_a_surface_to_one_pixel),
		TEST(surfaces_of_the_largest_width_are_done_in_tiles),
		TEST(formats_and_sizes_that_are_none_are_garbage),
		TEST(empty_rectangles_touch_nothing),
		TEST(copy_linear_moves_bytes_any_way),
		TEST(copy_linear_has_a_largest_size),
		TEST(a_fault_names_the_address_and_changes_nothing),
		TEST(addresses_beyond_the_space_do_not_wrap),
		TEST(what_is_between_rows_need_not_be_mapped),
		TEST(only_the_rectangle_need_be_mapped),
		TEST(a_surface_that_is_one_run_is_translated_once),
		TEST(write_stores_4_or_8_bytes),
		TEST(wait_goes_on_when_the_value_is_there),
		TEST(end_ends_and_nop_takes_any_size),
		TEST(jump_goes_on_elsewhere),
		TEST(a_loop_gives_way_at_the_deadline),
		TEST(commands_have_their_exact_size),
		TEST(a_stream_may_end_where_its_memory_does),
		TEST(a_large_command_is_done_in_pieces),
		TEST(an_interrupted_command_cannot_be_changed),
		TEST(what_is_unmapped_meanwhile_is_a_fault),
		TEST(random_commands_hurt_nobody),
		TEST(huge_surfaces_are_no_trouble),
		TEST(rows_may_be_gigabytes_apart),
		TEST(a_huge_command_is_stopped_before_it_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
