// SPDX-License-Identifier: MIT
/*
 * DMA mapping without a device: I/O virtual addresses against malloc(), and a
 * scattered table through the soft IOMMU against writing as many entries.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "bench.h"
#include "machine.h"

/* -- iova_alloc_free --------------------------------------------------------- */

enum { LIVE_RANGES = 100000, LARGE_EVERY = 50 };

#define IOVA_FIRST UINT64_C(0x1000)
#define IOVA_LAST ((UINT64_C(1) << 48) - 1)

struct iova_context {
	struct hf_iova_space *space;
	unsigned int next;
};

/* Of a range, bytes: mostly small ones, as drivers ask for. */
static size_t range_size(unsigned int i)
{
	size_t pages = i % LARGE_EVERY ? 1 + i * 7 % 32 : 100 + i % 1000;

	return pages * HF_PAGE_SIZE;
}

static int iova_alloc_free(void *data, unsigned int count)
{
	struct iova_context *context = data;

	while (count--) {
		size_t size = (1 + context->next++ % 32) * HF_PAGE_SIZE;
		hf_iova_t iova = hf_iova_alloc(context->space, size,
					       HF_PAGE_SIZE, IOVA_LAST);

		if (!iova) {
			errno = ENOMEM;
			return bench_fail("hf_iova_alloc");
		}
		hf_iova_free(context->space, iova, size);
	}
	return 0;
}

static int malloc_free(void *data, unsigned int count)
{
	while (count--) {
		void *memory = malloc(64);

		/* Or the compiler leaves both out. */
		__asm__ volatile("" : "+r"(memory));
		free(memory);
	}
	return 0;
}

/* Every second one of twice as many goes again, so that there are holes. */
static int live_ranges(struct hf_iova_space *space)
{
	hf_iova_t *ranges = malloc(2 * LIVE_RANGES * sizeof(*ranges));
	unsigned int n = 0;

	while (ranges && n < 2 * LIVE_RANGES) {
		ranges[n] = hf_iova_alloc(space, range_size(n), HF_PAGE_SIZE,
					  IOVA_LAST);
		if (!ranges[n])
			break;
		n++;
	}
	for (unsigned int i = 1; i < n; i += 2)
		hf_iova_free(space, ranges[i], range_size(i));
	free(ranges);
	errno = ENOMEM;
	return n < 2 * LIVE_RANGES ? bench_fail("100,000 ranges") : 0;
}

int measure_iova_alloc_free(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = iova_alloc_free,
		.reference = malloc_free,
		.batches = quick ? 11 : 101,
		.count = 100000,
		.warmup_ns = BENCH_WARMUP_NS / 4,
	};
	struct iova_context context = {
		.space = hf_iova_space_create(IOVA_FIRST, IOVA_LAST),
	};

	if (!context.space)
		return bench_fail("hf_iova_space_create");
	int ret = live_ranges(context.space);

	if (!ret)
		ret = contest_run(&contest, &context, result);
	hf_iova_space_destroy(context.space);
	return ret;
}

/* -- sgtable_map_unmap ------------------------------------------------------- */

enum { TABLE_PAGES = (64 << 20) / 4096 };

struct table_context {
	struct machine machine;
	struct hf_backing *backing;
	struct hf_page *pages[TABLE_PAGES];
	struct hf_sg_table table;
	volatile uint64_t entries[TABLE_PAGES];
};

static int sgtable_map_unmap(void *data, unsigned int count)
{
	struct table_context *context = data;

	while (count--) {
		int ret = hf_dma_map_sgtable(&context->machine.dma,
					     &context->table,
					     HF_DMA_BIDIRECTIONAL);

		if (ret) {
			errno = -ret;
			return bench_fail("hf_dma_map_sgtable");
		}
		hf_dma_unmap_sgtable(&context->machine.dma, &context->table,
				     HF_DMA_BIDIRECTIONAL);
	}
	return 0;
}

static int write_entries_twice(void *data, unsigned int count)
{
	struct table_context *context = data;

	while (count--) {
		for (uint64_t i = 0; i < TABLE_PAGES; i++)
			context->entries[i] = i << HF_PAGE_SHIFT;
		for (uint64_t i = 0; i < TABLE_PAGES; i++)
			context->entries[i] = 0;
	}
	return 0;
}

/* An entry a page: none have neighbours. */
static int table_init(struct table_context *context)
{
	int ret;

	context->backing = hf_backing_create(context->machine.mem,
					     TABLE_PAGES * HF_PAGE_SIZE, false,
					     1);
	if (!context->backing)
		return bench_fail("hf_backing_create");
	ret = hf_backing_get_pages(context->backing, 0, TABLE_PAGES,
				   context->pages);
	errno = -ret;
	if (ret)
		return bench_fail("hf_backing_get_pages");
	ret = hf_sg_table_from_pages(&context->table, context->pages,
				     TABLE_PAGES, HF_PAGE_SIZE);
	errno = -ret;
	return ret ? bench_fail("hf_sg_table_from_pages") : 0;
}

static void table_finish(struct table_context *context)
{
	hf_sg_table_finish(&context->table);
	hf_pages_put(context->pages, TABLE_PAGES);
	hf_backing_put(context->backing);
}

int measure_sgtable_map_unmap(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = sgtable_map_unmap,
		.reference = write_entries_twice,
		.batches = quick ? 11 : 101,
		.count = 20,
		.warmup_ns = BENCH_WARMUP_NS / 4,
	};
	static struct table_context context;
	int ret = machine_init(&context.machine);

	if (!ret)
		ret = table_init(&context);
	if (!ret)
		ret = contest_run(&contest, &context, result);
	if (ret)
		return ret;
	table_finish(&context);
	machine_finish(&context.machine);
	result->value /= 1e3;
	result->reference /= 1e3;
	return 0;
}
