/* SPDX-License-Identifier: MIT */
/*
 * Devices that do not see the CPU's caches. The CPU has its memory and devices
 * have the page's shadow; a sync moves what changed from one to the other. For
 * each page that is mapped for such a device, however often, a third copy has
 * what both agreed on last: where the CPU's differs from it, the CPU wrote since;
 * where the shadow differs, a device did. That is what is moved, byte by byte,
 * so no store beside it is lost; and that is how an access that came too early
 * is seen, and whose it was.
 *
 * Pages belong to the machine, not to a device, so there is one table of them,
 * with a mutex. Coherent devices never come here.
 */
#define HASH_NONFATAL_OOM 1
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "dma/internal.h"
#include "mem/backing.h"

/**
 * struct tracked - A page that a device which is not coherent may reach.
 * @page: held by whoever mapped it
 * @mappings: how often it is mapped
 * @reported: a missed sync was, since the last one
 * @synced: what CPU and devices agreed on last
 */
struct tracked {
	const struct hf_page *page;
	unsigned int mappings;
	bool reported;
	UT_hash_handle hh;
	char synced[HF_PAGE_SIZE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tracked *all;

static struct tracked *find(const struct hf_page *page)
{
	struct tracked *tracked;

	HASH_FIND_PTR(all, &page, tracked);
	return tracked;
}

/* Where two copies differ, from the first byte to the last. */
struct difference {
	size_t offset, size;
};

static bool differ(const char *a, const char *b, size_t offset, size_t size,
		   struct difference *difference)
{
	size_t end = offset + size;

	if (!memcmp(a + offset, b + offset, size))
		return false;
	while (offset < end && a[offset] == b[offset])
		offset++;
	while (end > offset && a[end - 1] == b[end - 1])
		end--;
	*difference = (struct difference){ offset, end - offset };
	return end > offset;
}

static bool cpu_wrote(const struct tracked *tracked,
		      struct difference *difference)
{
	return differ(hf_page_cpu(tracked->page), tracked->synced, 0,
		      HF_PAGE_SIZE, difference);
}

static bool device_wrote(const struct tracked *tracked,
			 struct difference *difference)
{
	return differ(hf_page_shadow(tracked->page), tracked->synced, 0,
		      HF_PAGE_SIZE, difference);
}

static void report(struct hf_dma_device *dev, struct tracked *tracked,
		   const char *who, const struct difference *difference,
		   const char *what)
{
	const struct hf_owner *owner = hf_page_owner(tracked->page);
	const struct hf_extent *extent = tracked->page->extent;
	size_t index = extent->first + (tracked->page - extent->pages);
	char text[200];

	if (tracked->reported)
		return;
	tracked->reported = true;
	atomic_fetch_add(&dev->missed_syncs, 1);
	snprintf(text, sizeof(text),
		 "%s: object %u of PID %d: %s wrote %#zx bytes at offset %#zx %s",
		 dev->name, owner->object, owner->pid, who, difference->size,
		 (index << HF_PAGE_SHIFT) + difference->offset, what);
	hf_dma_warn(dev, text);
}

/* What differs from @synced in @from, into @synced and @to. */
static void move(char *synced, const char *from, char *to)
{
	for (size_t i = 0; i < HF_PAGE_SIZE; i++) {
		char byte = ((const volatile char *)from)[i];

		if (byte != synced[i])
			synced[i] = to[i] = byte;
	}
}

static void sync_for_device(struct hf_dma_device *dev, struct tracked *tracked)
{
	struct difference cpu, device;

	if (cpu_wrote(tracked, &cpu)) {
		if (device_wrote(tracked, &device))
			report(dev, tracked, "the CPU", &cpu,
			       "before what the device wrote was synced");
		move(tracked->synced, hf_page_cpu(tracked->page),
		     hf_page_shadow(tracked->page));
	}
	tracked->reported = false;
}

static void sync_for_cpu(struct hf_dma_device *dev, struct tracked *tracked)
{
	struct difference cpu, device;

	if (!device_wrote(tracked, &device))
		return;
	if (cpu_wrote(tracked, &cpu))
		report(dev, tracked, "the CPU", &cpu,
		       "before what the device wrote was synced");
	move(tracked->synced, hf_page_shadow(tracked->page),
	     hf_page_cpu(tracked->page));
}

static int track(struct hf_dma_device *dev, const struct hf_page *page)
{
	struct tracked *tracked = find(page);

	if (tracked) {
		tracked->mappings++;
		sync_for_device(dev, tracked);
		return 0;
	}
	tracked = calloc(1, sizeof(*tracked));
	if (!tracked)
		return -ENOMEM;
	tracked->page = page;
	tracked->mappings = 1;
	HASH_ADD_PTR(all, page, tracked);
	if (!tracked->hh.tbl) {
		free(tracked);
		return -ENOMEM;
	}
	memcpy(tracked->synced, hf_page_cpu(page), HF_PAGE_SIZE);
	memcpy(hf_page_shadow(page), tracked->synced, HF_PAGE_SIZE);
	return 0;
}

static void drop(struct tracked *tracked)
{
	if (--tracked->mappings)
		return;
	HASH_DEL(all, tracked);
	free(tracked);
}

static void untrack(struct hf_dma_device *dev, struct tracked *tracked,
		    enum hf_dma_direction dir)
{
	struct difference device;

	/* Another mapping may still sync what this one's device only read. */
	if (dir != HF_DMA_TO_DEVICE)
		sync_for_cpu(dev, tracked);
	else if (tracked->mappings == 1 && device_wrote(tracked, &device))
		report(dev, tracked, "the device", &device,
		       "and the memory was unmapped without a sync");
	drop(tracked);
}

/* The pages of a table that have a shadow, one after another. */
struct walk {
	const struct hf_dma_device *dev;
	const struct hf_sg_table *table;
	size_t entry, offset;
};

static struct hf_page *next_page(struct walk *walk)
{
	while (walk->entry < walk->table->orig_nents) {
		const struct hf_sg *sg = &walk->table->sgl[walk->entry];
		struct hf_page *page;

		if (walk->offset >= sg->length) {
			walk->entry++;
			walk->offset = 0;
			continue;
		}
		page = hf_page_at(walk->dev->mem, sg->bus + walk->offset);
		walk->offset += HF_PAGE_SIZE;
		if (page && hf_page_shadow(page))
			return page;
	}
	return NULL;
}

int hf_dma_track(struct hf_dma_device *dev, const struct hf_sg_table *table)
{
	struct walk walk = { .dev = dev, .table = table };
	struct walk undo = walk;
	struct hf_page *page;
	size_t done = 0;
	int ret = 0;

	if (dev->coherent)
		return 0;
	pthread_mutex_lock(&lock);
	while (!ret && (page = next_page(&walk))) {
		ret = track(dev, page);
		done += !ret;
	}
	while (ret && done--)
		drop(find(next_page(&undo)));
	pthread_mutex_unlock(&lock);
	return ret;
}

void hf_dma_untrack(struct hf_dma_device *dev, const struct hf_sg_table *table,
		    enum hf_dma_direction dir)
{
	struct walk walk = { .dev = dev, .table = table };
	struct tracked *tracked;
	struct hf_page *page;

	if (dev->coherent)
		return;
	pthread_mutex_lock(&lock);
	while ((page = next_page(&walk))) {
		tracked = find(page);
		if (tracked)
			untrack(dev, tracked, dir);
	}
	pthread_mutex_unlock(&lock);
}

static void sync_table(struct hf_dma_device *dev, struct hf_sg_table *table,
		       void (*sync)(struct hf_dma_device *dev,
				    struct tracked *tracked))
{
	struct walk walk = { .dev = dev, .table = table };
	struct tracked *tracked;
	struct hf_page *page;

	pthread_mutex_lock(&lock);
	while ((page = next_page(&walk))) {
		tracked = find(page);
		if (tracked)
			sync(dev, tracked);
	}
	pthread_mutex_unlock(&lock);
}

void hf_dma_sync_sgtable_for_cpu(struct hf_dma_device *dev,
				 struct hf_sg_table *table,
				 enum hf_dma_direction dir)
{
	if (!dev->coherent && dir != HF_DMA_TO_DEVICE)
		sync_table(dev, table, sync_for_cpu);
}

void hf_dma_sync_sgtable_for_device(struct hf_dma_device *dev,
				    struct hf_sg_table *table,
				    enum hf_dma_direction dir)
{
	if (!dev->coherent && dir != HF_DMA_FROM_DEVICE)
		sync_table(dev, table, sync_for_device);
}

char *hf_dma_page_memory(const struct hf_dma_device *dev,
			 const struct hf_page *page)
{
	char *shadow = dev->coherent ? NULL : hf_page_shadow(page);

	return shadow ? shadow : hf_page_cpu(page);
}

void hf_dma_check_read(struct hf_dma_device *dev, const struct hf_page *page,
		       size_t offset, size_t size)
{
	struct difference difference;
	struct tracked *tracked;

	pthread_mutex_lock(&lock);
	tracked = find(page);
	if (tracked && differ(hf_page_cpu(page), tracked->synced, offset, size,
			      &difference))
		report(dev, tracked, "the CPU", &difference,
		       "and did not sync before the device read");
	pthread_mutex_unlock(&lock);
}
