/* SPDX-License-Identifier: MIT */
/*
 * Regions. All of the extent is asked for at once, so a surface that is one run
 * costs one call. What follows where the last run would have gone on is added to
 * it, even if there was something between them: only rows are ever touched.
 *
 * A region belongs to the command that is executed. No lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/soft/region.h"

/* Where more than this is between rows, each is asked for by itself. */
#define MAX_GAP (2 * HF_PAGE_SIZE)

/* Bytes to ask for at once, so that it can be stopped. */
#define MAX_ASK (64ull << 20)

/* Pairs of runs to look at to find out how regions overlap. */
#define MAX_PAIRS (1u << 20)

void hf_region_init(struct hf_region *region, hf_gpuva_t va, uint64_t pitch,
		    uint64_t row, uint32_t rows)
{
	region->va = va;
	region->pitch = pitch;
	region->row = row;
	region->rows = rows;
	region->size = (rows - 1) * pitch + row;
	region->runs = region->few;
	region->nruns = region->current = 0;
	region->capacity = sizeof(region->few) / sizeof(region->few[0]);
}

void hf_region_init_linear(struct hf_region *region, hf_gpuva_t va,
			   uint64_t size, uint64_t row)
{
	hf_region_init(region, va, row, row, (size + row - 1) / row);
	region->size = size;
}

void hf_region_finish(struct hf_region *region)
{
	if (region->runs != region->few)
		free(region->runs);
	region->runs = region->few;
	region->nruns = region->current = 0;
}

static int grow(struct hf_region *region)
{
	size_t capacity = region->capacity * 4;
	struct hf_region_run *runs;

	runs = malloc(capacity * sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	memcpy(runs, region->runs, region->nruns * sizeof(*runs));
	if (region->runs != region->few)
		free(region->runs);
	region->runs = runs;
	region->capacity = capacity;
	return 0;
}

static int add_run(struct hf_region *region, uint64_t offset, char *cpu,
		   uint64_t length)
{
	struct hf_region_run *last;
	int ret;

	if (region->nruns) {
		last = &region->runs[region->nruns - 1];
		if ((uintptr_t)cpu - (uintptr_t)last->cpu ==
		    offset - last->offset) {
			last->length = offset - last->offset + length;
			return 0;
		}
	}
	if (region->nruns == region->capacity) {
		ret = grow(region);
		if (ret)
			return ret;
	}
	region->runs[region->nruns++] =
		(struct hf_region_run){ offset, length, cpu };
	return 0;
}

int hf_region_translate(struct hf_region *region, struct hf_mmu *mmu,
			bool write, const _Atomic bool *stop,
			struct hf_mmu_fault *fault)
{
	bool by_row = region->pitch - region->row > MAX_GAP;
	uint64_t offset = 0, column, length, ask;
	char *cpu;
	int ret;

	while (offset < region->size) {
		if (atomic_load_explicit(stop, memory_order_relaxed))
			return -EINTR;

		ask = region->size - offset;
		if (by_row)
			ask = region->row - offset % region->pitch;
		if (ask > MAX_ASK)
			ask = MAX_ASK;
		cpu = hf_mmu_access(mmu, region->va + offset, ask, write, &length,
				    fault);
		if (!cpu)
			return -EFAULT;
		ret = add_run(region, offset, cpu, length);
		if (ret)
			return ret;

		offset += length;
		column = offset % region->pitch;
		if (column >= region->row)
			offset += region->pitch - column;
	}
	return 0;
}

static bool in_run(const struct hf_region *region, size_t i, uint64_t offset)
{
	const struct hf_region_run *run = &region->runs[i];

	return offset >= run->offset && offset - run->offset < run->length;
}

static const struct hf_region_run *find_run(struct hf_region *region,
					    uint64_t offset)
{
	size_t low = 0, high = region->nruns, middle;

	/* Mostly it is the one that was found last, or the next one. */
	if (in_run(region, region->current, offset))
		return &region->runs[region->current];
	if (region->current + 1 < region->nruns &&
	    in_run(region, region->current + 1, offset))
		return &region->runs[++region->current];
	while (high - low > 1) {
		middle = (low + high) / 2;
		if (region->runs[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	region->current = low;
	return &region->runs[low];
}

char *hf_region_at(struct hf_region *region, uint64_t offset, uint64_t *before,
		   uint64_t *after)
{
	const struct hf_region_run *run = find_run(region, offset);

	*before = offset - run->offset;
	*after = run->length - *before;
	return run->cpu + *before;
}

uint32_t hf_region_direct_rows(struct hf_region *region, uint32_t row)
{
	uint64_t before, after, rows;

	hf_region_at(region, row * region->pitch, &before, &after);
	if (after < region->row)
		return 0;
	rows = 1 + (after - region->row) / region->pitch;
	return rows < region->rows - row ? rows : region->rows - row;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void hf_region_read(struct hf_region *region, uint64_t offset, void *to,
		    uint64_t size)
{
	uint64_t before, after, n;
	const char *cpu;

	for (uint64_t done = 0; done < size; done += n) {
		cpu = hf_region_at(region, offset + done, &before, &after);
		n = min(after, size - done);
		memcpy((char *)to + done, cpu, n);
	}
}

void hf_region_write(struct hf_region *region, uint64_t offset,
		     const void *from, uint64_t size)
{
	uint64_t before, after, n;
	char *cpu;

	for (uint64_t done = 0; done < size; done += n) {
		cpu = hf_region_at(region, offset + done, &before, &after);
		n = min(after, size - done);
		memcpy(cpu, (const char *)from + done, n);
	}
}

static void copy_backwards(struct hf_region *dst, uint64_t to,
			   struct hf_region *src, uint64_t from, uint64_t size)
{
	uint64_t dst_before, src_before, after, n;
	char *d, *s;

	for (; size; size -= n) {
		d = hf_region_at(dst, to + size - 1, &dst_before, &after);
		s = hf_region_at(src, from + size - 1, &src_before, &after);
		n = min(min(dst_before, src_before) + 1, size);
		memmove(d - (n - 1), s - (n - 1), n);
	}
}

void hf_region_copy(struct hf_region *dst, uint64_t to, struct hf_region *src,
		    uint64_t from, uint64_t size, bool backwards)
{
	uint64_t dst_after, src_after, before, n;
	char *d, *s;

	if (backwards) {
		copy_backwards(dst, to, src, from, size);
		return;
	}
	for (uint64_t done = 0; done < size; done += n) {
		d = hf_region_at(dst, to + done, &before, &dst_after);
		s = hf_region_at(src, from + done, &before, &src_after);
		n = min(min(dst_after, src_after), size - done);
		memmove(d, s, n);
	}
}

/* The memory that a region is in: from the first byte to after the last one. */
static void find_bounds(const struct hf_region *region, uintptr_t *low,
			uintptr_t *high)
{
	*low = UINTPTR_MAX;
	*high = 0;
	for (size_t i = 0; i < region->nruns; i++) {
		uintptr_t start = (uintptr_t)region->runs[i].cpu;

		*low = min(*low, start);
		if (start + region->runs[i].length > *high)
			*high = start + region->runs[i].length;
	}
}

bool hf_region_may_overlap(const struct hf_region *a, const struct hf_region *b)
{
	uintptr_t a_low, a_high, b_low, b_high;

	find_bounds(a, &a_low, &a_high);
	find_bounds(b, &b_low, &b_high);
	return a_low < b_high && b_low < a_high;
}

static bool runs_overlap(const struct hf_region_run *a,
			 const struct hf_region_run *b)
{
	return (uintptr_t)a->cpu < (uintptr_t)b->cpu + b->length &&
	       (uintptr_t)b->cpu < (uintptr_t)a->cpu + a->length;
}

/*
 * By how many bytes what two runs share is later in the destination than in the
 * source. If it is, then going forwards reads it before it is overwritten.
 */
static int64_t shared_later(const struct hf_region_run *dst,
			    const struct hf_region_run *src)
{
	return (int64_t)(dst->offset - src->offset) +
	       ((intptr_t)src->cpu - (intptr_t)dst->cpu);
}

enum hf_region_order hf_region_order(const struct hf_region *dst,
				     const struct hf_region *src)
{
	bool same_pitch = dst->pitch == src->pitch || dst->rows == 1;
	bool forwards = true, backwards = true;
	int64_t later;

	if (!hf_region_may_overlap(dst, src))
		return HF_REGION_FORWARDS;
	if ((uint64_t)dst->nruns * src->nruns > MAX_PAIRS)
		return HF_REGION_ALL_FIRST;

	for (size_t i = 0; i < dst->nruns; i++) {
		for (size_t j = 0; j < src->nruns; j++) {
			if (!runs_overlap(&dst->runs[i], &src->runs[j]))
				continue;
			if (!same_pitch)
				return HF_REGION_ALL_FIRST;
			later = shared_later(&dst->runs[i], &src->runs[j]);
			forwards &= later >= 0;
			backwards &= later <= 0;
		}
	}
	if (forwards)
		return HF_REGION_FORWARDS;
	return backwards ? HF_REGION_BACKWARDS : HF_REGION_ALL_FIRST;
}
