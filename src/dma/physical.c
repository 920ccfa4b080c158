/* SPDX-License-Identifier: MIT */
/*
 * A device that nothing translates for puts physical addresses on the bus. They
 * are asked of the kernel, page by page, after the memory was locked. It stays locked
 * until the server's mapping of it goes, with the last of its pages: locks are not
 * counted by the kernel, and somebody else may have mapped the same memory. The kernel
 * may move locked pages, too, and then this is wrong; see hf_vfio_open().
 *
 * Which page is where is kept for those who read the device's memory in software; a
 * mutex protects that. The rest is as in dma.c.
 *
 * Source: Documentation/admin-guide/mm/pagemap.rst.
 */
#define _GNU_SOURCE
#define HASH_NONFATAL_OOM 1
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uthash.h>

#include "base/log.h"
#include "dma/internal.h"
#include "mem/backing.h"

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_PFN ((1ull << 55) - 1)

/* How many entries are read at a time. */
#define WINDOW 128

/**
 * struct frame - A physical page that the device may reach.
 * @pfn: its number
 * @mappings: how often it is mapped
 */
struct frame {
	uint64_t pfn;
	const struct hf_page *page;
	size_t mappings;
	UT_hash_handle hh;
};

/**
 * struct hf_dma_physical - What a device has for it.
 * @pagemap: descriptor of /proc/self/pagemap
 * @lock: of @frames
 */
struct hf_dma_physical {
	int pagemap;
	pthread_mutex_t lock;
	struct frame *frames;
};

/* What was read last. */
struct window {
	int pagemap;
	uint64_t first;
	size_t n;
	uint64_t entries[WINDOW];
};

/* Return: 0; -EFAULT for no memory there; -EPERM. */
static int find_pfn(struct window *window, const void *cpu, uint64_t *pfn)
{
	uint64_t number = (uintptr_t)cpu >> HF_PAGE_SHIFT, entry;
	ssize_t n;

	if (number - window->first >= window->n) {
		n = pread(window->pagemap, window->entries,
			  sizeof(window->entries), number * sizeof(entry));
		if (n < (ssize_t)sizeof(entry))
			return -EFAULT;
		window->first = number;
		window->n = n / sizeof(entry);
	}
	entry = window->entries[number - window->first];
	if (!(entry & PAGEMAP_PRESENT))
		return -EFAULT;
	/* Who may not know sees 0. */
	*pfn = entry & PAGEMAP_PFN;
	return *pfn ? 0 : -EPERM;
}

int hf_dma_device_use_physical(struct hf_dma_device *dev)
{
	struct hf_dma_physical *physical = calloc(1, sizeof(*physical));
	struct window window = { .n = 0 };
	uint64_t pfn;
	int ret;

	if (!physical)
		return -ENOMEM;
	physical->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (physical->pagemap < 0) {
		ret = -errno;
		free(physical);
		return ret;
	}
	/* Something that is there for certain. */
	window.pagemap = physical->pagemap;
	ret = find_pfn(&window, &window, &pfn);
	if (ret) {
		close(physical->pagemap);
		free(physical);
		return ret;
	}
	pthread_mutex_init(&physical->lock, NULL);
	dev->physical = physical;
	return 0;
}

void hf_physical_destroy(struct hf_dma_physical *physical)
{
	struct frame *frame, *next;

	if (!physical)
		return;
	HASH_ITER(hh, physical->frames, frame, next) {
		HASH_DEL(physical->frames, frame);
		free(frame);
	}
	close(physical->pagemap);
	pthread_mutex_destroy(&physical->lock);
	free(physical);
}

/* -- which page is where ----------------------------------------------------- */

static struct frame *find_frame(struct hf_dma_physical *physical, uint64_t pfn)
{
	struct frame *frame;

	HASH_FIND(hh, physical->frames, &pfn, sizeof(pfn), frame);
	return frame;
}

static int add_frame(struct hf_dma_physical *physical, uint64_t pfn,
		     const struct hf_page *page)
{
	struct frame *frame = find_frame(physical, pfn);

	if (frame) {
		frame->page = page;
		frame->mappings++;
		return 0;
	}
	frame = calloc(1, sizeof(*frame));
	if (!frame)
		return -ENOMEM;
	frame->pfn = pfn;
	frame->page = page;
	frame->mappings = 1;
	HASH_ADD(hh, physical->frames, pfn, sizeof(pfn), frame);
	if (frame->hh.tbl)
		return 0;
	free(frame);
	return -ENOMEM;
}

static void drop_frame(struct hf_dma_physical *physical, uint64_t pfn)
{
	struct frame *frame = find_frame(physical, pfn);

	if (!frame || --frame->mappings)
		return;
	HASH_DEL(physical->frames, frame);
	free(frame);
}

const struct hf_page *hf_physical_page(struct hf_dma_physical *physical,
				       hf_iova_t address)
{
	const struct hf_page *page;
	struct frame *frame;

	pthread_mutex_lock(&physical->lock);
	frame = find_frame(physical, address >> HF_PAGE_SHIFT);
	page = frame ? frame->page : NULL;
	pthread_mutex_unlock(&physical->lock);
	return page;
}

/* -- mapping ----------------------------------------------------------------- */

/**
 * struct pieces - A table that is being made.
 * @sgl: its entries; has room for one a page
 * @n: pieces so far, in their second half
 * @locked: the extent that was locked last
 */
struct pieces {
	const struct hf_dma_device *dev;
	struct hf_sg *sgl;
	size_t n;
	const struct hf_extent *locked;
	struct window window;
};

static int lock_extent(struct pieces *pieces, const struct hf_extent *extent)
{
	if (extent == pieces->locked)
		return 0;
	if (mlock(extent->cpu, extent->npages << HF_PAGE_SHIFT)) {
		hf_err("%s: cannot lock %zu KiB: %s (ulimit -l)",
		       pieces->dev->name, extent->npages * HF_PAGE_SIZE >> 10,
		       strerror(errno));
		return -ENOMEM;
	}
	pieces->locked = extent;
	/* What was read of it before may have been moved or swapped since. */
	pieces->window.n = 0;
	return 0;
}

/* Continue the last piece, or begin one. */
static int add_piece(struct pieces *pieces, hf_iova_t address)
{
	struct hf_sg *next = &pieces->sgl[pieces->n];
	struct hf_sg *last = pieces->n ? next - 1 : NULL;
	size_t longer;

	if (address > pieces->dev->mask ||
	    HF_PAGE_SIZE - 1 > pieces->dev->mask - address ||
	    hf_dma_piece(pieces->dev, address, HF_PAGE_SIZE) < HF_PAGE_SIZE)
		return -EIO;
	if (last && last->dma + last->dma_length == address) {
		longer = last->dma_length + HF_PAGE_SIZE;
		if (hf_dma_piece(pieces->dev, last->dma, longer) == longer) {
			last->dma_length = longer;
			return 0;
		}
	}
	next->dma = address;
	next->dma_length = HF_PAGE_SIZE;
	pieces->n++;
	return 0;
}

static int add_page(struct pieces *pieces, hf_bus_t bus)
{
	struct hf_dma_physical *physical = pieces->dev->physical;
	struct hf_page *page = hf_page_at(pieces->dev->mem, bus);
	uint64_t pfn;
	int ret;

	if (!page)
		return -EINVAL;
	ret = lock_extent(pieces, page->extent);
	if (!ret)
		ret = find_pfn(&pieces->window, hf_page_cpu(page), &pfn);
	if (!ret)
		ret = add_frame(physical, pfn, page);
	if (ret)
		return ret;
	ret = add_piece(pieces, pfn << HF_PAGE_SHIFT);
	if (ret)
		drop_frame(physical, pfn);
	return ret;
}

static int add_all(struct pieces *pieces, const struct hf_sg_table *table)
{
	int ret = 0;

	for (size_t i = 0; i < table->orig_nents; i++) {
		const struct hf_sg *sg = &table->sgl[i];

		for (size_t at = 0; !ret && at < sg->length; at += HF_PAGE_SIZE)
			ret = add_page(pieces, sg->bus + at);
	}
	return ret;
}

static void drop_all(struct hf_dma_physical *physical, const struct hf_sg *sgl,
		     size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t at = 0; at < sgl[i].dma_length; at += HF_PAGE_SIZE)
			drop_frame(physical,
				   (sgl[i].dma + at) >> HF_PAGE_SHIFT);
}

/* Neighbours on the bus need not be any in memory. */
static int grow(struct hf_sg_table *table, size_t npages)
{
	struct hf_sg *sgl;

	if (npages <= table->orig_nents)
		return 0;
	sgl = realloc(table->sgl, npages * sizeof(*sgl));
	if (!sgl)
		return -ENOMEM;
	memset(&sgl[table->orig_nents], 0,
	       (npages - table->orig_nents) * sizeof(*sgl));
	table->sgl = sgl;
	return 0;
}

int hf_physical_map(struct hf_dma_device *dev, struct hf_sg_table *table)
{
	struct pieces pieces = { .dev = dev };
	int ret = grow(table, hf_sg_table_size(table) >> HF_PAGE_SHIFT);

	if (ret)
		return ret;
	pieces.sgl = table->sgl;
	pieces.window.pagemap = dev->physical->pagemap;
	pthread_mutex_lock(&dev->physical->lock);
	ret = add_all(&pieces, table);
	if (ret)
		drop_all(dev->physical, table->sgl, pieces.n);
	pthread_mutex_unlock(&dev->physical->lock);
	if (!ret)
		table->nents = pieces.n;
	return ret;
}

void hf_physical_unmap(struct hf_dma_device *dev,
		       const struct hf_sg_table *table)
{
	pthread_mutex_lock(&dev->physical->lock);
	drop_all(dev->physical, table->sgl, table->nents);
	pthread_mutex_unlock(&dev->physical->lock);
}
