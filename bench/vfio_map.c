// SPDX-License-Identifier: MIT
/*
 * Mapping for a device of VFIO: a table of 64 MiB, scattered on the bus, against the
 * bare ioctls on the same memory. Needs a device that is bound to vfio-pci, so it is
 * a program of its own; it prints a row of results.json.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"
#include "dma/dma.h"
#include "dma/vfio_internal.h"
#include "mem/backing.h"

enum { PAGES = (64 << 20) / 4096, BATCHES = 41, QUICK_BATCHES = 11 };

#define SIZE ((size_t)PAGES << HF_PAGE_SHIFT)
#define ALIGN ((size_t)2 << 20)
#define LIMIT 1.05

struct context {
	struct hf_vfio *vfio;
	struct hf_memory *mem;
	struct hf_dma_device dma;
	struct hf_backing *backing;
	struct hf_page *pages[PAGES];
	struct hf_sg_table table;
	hf_iova_t iova; /* of the bare ioctls */
};

static int map_table(void *data, unsigned int count)
{
	struct context *context = data;

	while (count--) {
		int ret = hf_dma_map_sgtable(&context->dma, &context->table,
					     HF_DMA_BIDIRECTIONAL);

		if (ret) {
			errno = -ret;
			return bench_fail("hf_dma_map_sgtable");
		}
		hf_dma_unmap_sgtable(&context->dma, &context->table,
				     HF_DMA_BIDIRECTIONAL);
	}
	return 0;
}

static int map_bare(void *data, unsigned int count)
{
	struct context *context = data;
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)hf_page_cpu(context->pages[0]),
		.iova = context->iova,
		.size = SIZE,
	};

	while (count--) {
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap),
			.iova = context->iova,
			.size = SIZE,
		};

		if (ioctl(context->vfio->container, VFIO_IOMMU_MAP_DMA, &map))
			return bench_fail("VFIO_IOMMU_MAP_DMA");
		if (ioctl(context->vfio->container, VFIO_IOMMU_UNMAP_DMA,
			  &unmap) || unmap.size != SIZE)
			return bench_fail("VFIO_IOMMU_UNMAP_DMA");
	}
	return 0;
}

static int open_device(struct context *context, const char *bdf)
{
	const struct hf_memory_options options = { .max_pages = 2 * PAGES };
	struct hf_iommu_domain *domain;
	char why[HF_VFIO_WHY];

	context->vfio = hf_vfio_open(bdf, 0, why);
	if (!context->vfio) {
		fprintf(stderr, "bench: %s\n", why);
		return -1;
	}
	context->mem = hf_memory_create(&options);
	domain = context->mem ?
		 hf_vfio_domain_create(context->vfio, context->mem) : NULL;
	if (!domain)
		return bench_fail("hf_vfio_domain_create");
	return hf_dma_device_init(&context->dma, bdf, context->mem, domain);
}

static int get_memory(struct context *context)
{
	int ret;

	context->backing = hf_backing_create(context->mem, SIZE, false,
					     getpid());
	if (!context->backing)
		return bench_fail("hf_backing_create");
	ret = hf_backing_get_pages(context->backing, 0, PAGES, context->pages);
	if (!ret)
		ret = hf_sg_table_from_pages(&context->table, context->pages,
					     PAGES, 0);
	if (ret) {
		errno = -ret;
		return bench_fail("pages");
	}
	memset(hf_page_cpu(context->pages[0]), 1, SIZE);
	context->iova = hf_iova_alloc(context->dma.domain->space, SIZE, ALIGN,
				      UINT64_MAX);
	errno = ENOMEM;
	return context->iova ? 0 : bench_fail("hf_iova_alloc");
}

static void finish(struct context *context)
{
	hf_sg_table_finish(&context->table);
	hf_pages_put(context->pages, PAGES);
	hf_backing_put(context->backing);
	hf_dma_device_finish(&context->dma);
	hf_memory_destroy(context->mem);
	hf_vfio_close(context->vfio);
}

static void print(const struct result *result)
{
	printf("{\"name\":\"vfio_map\",\"value\":%.1f,\"unit\":\"us\","
	       "\"reference\":{\"name\":\"bare ioctls\",\"value\":%.1f},"
	       "\"ratio\":%.3f,\"limit\":%.2f,\"better\":\"lower\"}\n",
	       result->value / 1000, result->reference / 1000,
	       result->value / result->reference, LIMIT);
}

int main(int argc, char **argv)
{
	bool quick = argc > 2 && !strcmp(argv[1], "--quick");
	const struct contest contest = {
		.value = map_table,
		.reference = map_bare,
		.batches = quick ? QUICK_BATCHES : BATCHES,
		.count = 4,
	};
	static struct context context;
	struct result result;

	if (argc != 2 + quick) {
		fprintf(stderr, "usage: %s [--quick] ADDRESS\n", argv[0]);
		return 2;
	}
	/* What is still open on an error ends with the process. */
	if (open_device(&context, argv[1 + quick]) || get_memory(&context) ||
	    contest_run(&contest, &context, &result))
		return 1;
	finish(&context);
	print(&result);
	return 0;
}
