/* SPDX-License-Identifier: MIT */
/*
 * DMA mapping: device addresses for memory, within what the device can do. A
 * device behind an IOMMU gets one run of addresses for a table, cut where its
 * limits say so; one without sees bus addresses, and memory that is not within
 * its reach is refused.
 *
 * The lock of the devices protects the device and the tables.
 */
#define HASH_NONFATAL_OOM 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "base/log.h"
#include "dma/internal.h"
#include "mem/backing.h"

#define MESSAGES_A_SECOND 10
#define KIB(n) ((size_t)(n) << 10)

/* Of hf_dma_alloc(). */
struct hf_dma_buffer {
	hf_iova_t iova;
	size_t npages;
	struct hf_page **pages;
	struct hf_sg_table table;
	UT_hash_handle hh;
};

int hf_dma_device_init(struct hf_dma_device *dev, const char *name,
		       struct hf_memory *mem, struct hf_iommu_domain *domain)
{
	int ret;

	memset(dev, 0, sizeof(*dev));
	ret = pthread_mutex_init(&dev->fault_lock, NULL);
	if (ret)
		return -ret;
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	dev->mem = mem;
	dev->domain = domain;
	dev->mask = UINT64_MAX;
	dev->coherent = true;
	return 0;
}

void hf_dma_device_finish(struct hf_dma_device *dev)
{
	if (dev->mappings)
		hf_warn("%s: %llu mappings are left", dev->name,
			(unsigned long long)dev->mappings);
	hf_iommu_destroy(dev->domain);
	dev->domain = NULL;
	hf_physical_destroy(dev->physical);
	dev->physical = NULL;
	pthread_mutex_destroy(&dev->fault_lock);
}

struct hf_dma_device *hf_dma_device_create(const char *name,
					   struct hf_memory *mem,
					   struct hf_iommu_domain *domain)
{
	struct hf_dma_device *dev = malloc(sizeof(*dev));
	int ret;

	if (!dev)
		return NULL;
	ret = hf_dma_device_init(dev, name, mem, domain);
	if (ret) {
		free(dev);
		errno = -ret;
		return NULL;
	}
	return dev;
}

void hf_dma_device_destroy(struct hf_dma_device *dev)
{
	if (!dev)
		return;
	hf_dma_device_finish(dev);
	free(dev);
}

/* -- what a device can do ---------------------------------------------------- */

/* 2^n - 1, of a page at least. */
static bool is_mask(uint64_t mask)
{
	return mask >= HF_PAGE_SIZE - 1 && !(mask & (mask + 1));
}

int hf_dma_set_mask(struct hf_dma_device *dev, uint64_t mask)
{
	if (!is_mask(mask))
		return -EINVAL;
	if (dev->mappings)
		return -EBUSY;
	dev->mask = mask;
	return 0;
}

int hf_dma_set_max_segment(struct hf_dma_device *dev, size_t size)
{
	if (size && size < HF_PAGE_SIZE)
		return -EINVAL;
	if (dev->mappings)
		return -EBUSY;
	dev->max_segment = size;
	return 0;
}

int hf_dma_set_boundary(struct hf_dma_device *dev, uint64_t boundary)
{
	if (boundary && !is_mask(boundary))
		return -EINVAL;
	if (dev->mappings)
		return -EBUSY;
	dev->boundary = boundary;
	return 0;
}

int hf_dma_set_coherent(struct hf_dma_device *dev, bool coherent)
{
	if (dev->mappings)
		return -EBUSY;
	dev->coherent = coherent;
	return 0;
}

/* -- reports ----------------------------------------------------------------- */

uint64_t hf_dma_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void hf_dma_warn(struct hf_dma_device *dev, const char *text)
{
	uint64_t second = hf_dma_now() / 1000000000;
	unsigned int left_out = 0;
	bool speak;

	pthread_mutex_lock(&dev->fault_lock);
	if (second != dev->second) {
		left_out = dev->left_out;
		dev->left_out = dev->messages = 0;
		dev->second = second;
	}
	speak = dev->messages < MESSAGES_A_SECOND;
	if (speak)
		dev->messages++;
	else
		dev->left_out++;
	pthread_mutex_unlock(&dev->fault_lock);
	if (left_out)
		hf_warn("%s: %u more messages were left out", dev->name,
			left_out);
	if (speak)
		hf_warn("%s", text);
}

/* -- addresses --------------------------------------------------------------- */

static bool has_boundary(const struct hf_dma_device *dev)
{
	return dev->boundary && dev->boundary != UINT64_MAX;
}

static size_t round_up_pow2(size_t size)
{
	return size > 1 ? (size_t)1 << (64 - __builtin_clzll(size - 1)) : 1;
}

/* Large runs start where large pages could; small ones cross no boundary. */
static size_t alignment(const struct hf_dma_device *dev, size_t size)
{
	size_t align = HF_PAGE_SIZE, want = 0;

	if (size >= KIB(2048))
		align = KIB(2048);
	else if (size >= KIB(64))
		align = KIB(64);
	if (has_boundary(dev))
		want = size <= dev->boundary ? round_up_pow2(size)
					     : dev->boundary + 1;
	return want > align ? want : align;
}

static hf_iova_t alloc_iova(struct hf_dma_device *dev, size_t size)
{
	struct hf_iommu_domain *domain = dev->domain;
	size_t align = alignment(dev, size);
	hf_iova_t iova;

	iova = hf_iova_alloc(domain->space, size, align, dev->mask);
	if (iova || !domain->deferred)
		return iova;
	hf_iommu_flush(domain);
	return hf_iova_alloc(domain->space, size, align, dev->mask);
}

static unsigned int prot_of(enum hf_dma_direction dir)
{
	switch (dir) {
	case HF_DMA_TO_DEVICE:
		return HF_IOMMU_READ;
	case HF_DMA_FROM_DEVICE:
		return HF_IOMMU_WRITE;
	case HF_DMA_BIDIRECTIONAL:
		break;
	}
	return HF_IOMMU_READ | HF_IOMMU_WRITE;
}

/* All of a table at one run of addresses. */
static int map_run(struct hf_dma_device *dev, const struct hf_sg_table *table,
		   size_t size, enum hf_dma_direction dir, hf_iova_t *iova)
{
	int ret;

	if (size - 1 > dev->mask)
		return -EIO;
	*iova = alloc_iova(dev, size);
	if (!*iova)
		return -ENOMEM;
	ret = hf_iommu_map(dev->domain, *iova, table->sgl, table->orig_nents,
			   prot_of(dir));
	if (ret)
		hf_iova_free(dev->domain->space, *iova, size);
	return ret;
}

size_t hf_dma_piece(const struct hf_dma_device *dev, hf_iova_t iova,
		    size_t left)
{
	size_t max = dev->max_segment;

	if (!max || max > HF_SG_MAX)
		max = HF_SG_MAX;
	if (max >= HF_PAGE_SIZE)
		max -= max % HF_PAGE_SIZE;
	if (left > max)
		left = max;
	if (has_boundary(dev) && left > dev->boundary + 1 - (iova & dev->boundary))
		left = dev->boundary + 1 - (iova & dev->boundary);
	return left;
}

/* Cut a run into pieces. -EIO: the table has too few entries. */
static int cut(const struct hf_dma_device *dev, struct hf_sg_table *table,
	       hf_iova_t iova, size_t size)
{
	size_t nents = 0;

	while (size) {
		size_t length = hf_dma_piece(dev, iova, size);

		if (nents == table->orig_nents)
			return -EIO;
		table->sgl[nents].dma = iova;
		table->sgl[nents].dma_length = length;
		nents++;
		iova += length;
		size -= length;
	}
	table->nents = nents;
	return 0;
}

static int map_through_iommu(struct hf_dma_device *dev,
			     struct hf_sg_table *table, size_t size,
			     enum hf_dma_direction dir)
{
	hf_iova_t iova;
	int ret;

	ret = map_run(dev, table, size, dir, &iova);
	if (ret)
		return ret;
	ret = cut(dev, table, iova, size);
	if (ret)
		hf_iommu_unmap(dev->domain, iova, size);
	return ret;
}

static bool reaches(const struct hf_dma_device *dev, const struct hf_sg *sg)
{
	hf_bus_t last = sg->bus + (sg->length - 1);

	if (last < sg->bus || last > dev->mask)
		return false;
	return !has_boundary(dev) ||
	       !((sg->bus ^ last) & ~dev->boundary);
}

/* The device sees bus addresses. */
static int map_direct(struct hf_dma_device *dev, struct hf_sg_table *table)
{
	for (size_t i = 0; i < table->orig_nents; i++)
		if (!reaches(dev, &table->sgl[i]) ||
		    (dev->max_segment &&
		     table->sgl[i].length > dev->max_segment))
			return -EIO;
	for (size_t i = 0; i < table->orig_nents; i++) {
		table->sgl[i].dma = table->sgl[i].bus;
		table->sgl[i].dma_length = table->sgl[i].length;
	}
	table->nents = table->orig_nents;
	return 0;
}

int hf_dma_map_sgtable(struct hf_dma_device *dev, struct hf_sg_table *table,
		       enum hf_dma_direction dir)
{
	size_t size = hf_sg_table_size(table);
	int ret;

	if (!size || table->nents)
		return -EINVAL;
	ret = hf_dma_track(dev, table);
	if (ret)
		return ret;
	if (dev->domain)
		ret = map_through_iommu(dev, table, size, dir);
	else if (dev->physical)
		ret = hf_physical_map(dev, table);
	else
		ret = map_direct(dev, table);
	if (ret) {
		hf_dma_untrack(dev, table, HF_DMA_TO_DEVICE);
		return ret;
	}
	dev->mapped += size;
	dev->mappings++;
	return 0;
}

static size_t mapped_size(const struct hf_sg_table *table)
{
	size_t size = 0;

	for (size_t i = 0; i < table->nents; i++)
		size += table->sgl[i].dma_length;
	return size;
}

void hf_dma_unmap_sgtable(struct hf_dma_device *dev, struct hf_sg_table *table,
			  enum hf_dma_direction dir)
{
	size_t size = mapped_size(table);

	if (!table->nents)
		return;
	if (dev->domain) {
		hf_iommu_unmap(dev->domain, table->sgl[0].dma, size);
	} else {
		if (dev->physical)
			hf_physical_unmap(dev, table);
		atomic_fetch_add(&dev->generation, 1);
	}
	table->nents = 0;
	hf_dma_untrack(dev, table, dir);
	dev->mapped -= size;
	dev->mappings--;
}

/* -- memory for the device's own structures ---------------------------------- */

/* More than a page only where they are neighbours. */
static int map_physical_buffer(struct hf_dma_device *dev,
			       struct hf_dma_buffer *buffer)
{
	struct hf_sg_table *table = &buffer->table;
	int ret = hf_physical_map(dev, table);

	if (ret)
		return ret;
	buffer->iova = table->sgl[0].dma;
	if (table->nents == 1)
		return 0;
	hf_physical_unmap(dev, table);
	return -EIO;
}

/* One run, whatever the longest piece may be: only the device's tables use it. */
static int map_buffer(struct hf_dma_device *dev, struct hf_dma_buffer *buffer,
		      size_t size)
{
	struct hf_sg_table *table = &buffer->table;

	if (dev->domain)
		return map_run(dev, table, size, HF_DMA_BIDIRECTIONAL,
			       &buffer->iova);
	if (dev->physical)
		return map_physical_buffer(dev, buffer);
	if (table->orig_nents > 1 || !reaches(dev, &table->sgl[0]))
		return -EIO;
	buffer->iova = table->sgl[0].bus;
	return 0;
}

static void unmap_buffer(struct hf_dma_device *dev,
			 struct hf_dma_buffer *buffer, size_t size)
{
	if (dev->domain) {
		hf_iommu_unmap(dev->domain, buffer->iova, size);
		return;
	}
	if (dev->physical)
		hf_physical_unmap(dev, &buffer->table);
	atomic_fetch_add(&dev->generation, 1);
}

/* Pages of a backing that only they hold. */
static int get_pages(struct hf_dma_device *dev, struct hf_dma_buffer *buffer)
{
	size_t n = buffer->npages;
	struct hf_backing *backing;
	int ret;

	backing = hf_backing_create(dev->mem, n << HF_PAGE_SHIFT,
				    !dev->domain && !dev->physical && n > 1,
				    getpid());
	if (!backing)
		return -errno;
	backing->coherent = true;
	ret = hf_backing_get_pages(backing, 0, n, buffer->pages);
	hf_backing_put(backing);
	return ret;
}

static void buffer_free(struct hf_dma_buffer *buffer)
{
	hf_sg_table_finish(&buffer->table);
	free(buffer->pages);
	free(buffer);
}

static struct hf_dma_buffer *buffer_create(struct hf_dma_device *dev,
					   size_t size)
{
	struct hf_dma_buffer *buffer = calloc(1, sizeof(*buffer));
	int ret;

	if (!buffer)
		return NULL;
	ret = -ENOMEM;
	buffer->npages = size >> HF_PAGE_SHIFT;
	buffer->pages = calloc(buffer->npages, sizeof(*buffer->pages));
	if (!buffer->pages)
		goto error_free;
	ret = get_pages(dev, buffer);
	if (ret)
		goto error_free;
	ret = hf_sg_table_from_pages(&buffer->table, buffer->pages,
				     buffer->npages, 0);
	if (ret)
		goto error_put;
	ret = map_buffer(dev, buffer, size);
	if (ret)
		goto error_put;
	HASH_ADD(hh, dev->buffers, iova, sizeof(buffer->iova), buffer);
	if (buffer->hh.tbl)
		return buffer;
	ret = -ENOMEM;
	unmap_buffer(dev, buffer, size);
error_put:
	hf_pages_put(buffer->pages, buffer->npages);
error_free:
	buffer_free(buffer);
	errno = -ret;
	return NULL;
}

void *hf_dma_alloc(struct hf_dma_device *dev, size_t size, hf_iova_t *iova)
{
	struct hf_dma_buffer *buffer;

	if (!size || size % HF_PAGE_SIZE) {
		errno = EINVAL;
		return NULL;
	}
	buffer = buffer_create(dev, size);
	if (!buffer)
		return NULL;
	dev->mapped += size;
	dev->mappings++;
	*iova = buffer->iova;
	/* Nobody else gets pages of its file, so they are in one mapping. */
	return hf_page_cpu(buffer->pages[0]);
}

void hf_dma_free(struct hf_dma_device *dev, void *cpu, size_t size,
		 hf_iova_t iova)
{
	struct hf_dma_buffer *buffer;

	if (!cpu)
		return;
	HASH_FIND(hh, dev->buffers, &iova, sizeof(iova), buffer);
	if (!buffer || buffer->npages != size >> HF_PAGE_SHIFT ||
	    hf_page_cpu(buffer->pages[0]) != cpu) {
		hf_err("%s: %#llx is freed and not allocated", dev->name,
		       (unsigned long long)iova);
		return;
	}
	HASH_DEL(dev->buffers, buffer);
	unmap_buffer(dev, buffer, size);
	hf_pages_put(buffer->pages, buffer->npages);
	buffer_free(buffer);
	dev->mapped -= size;
	dev->mappings--;
}
