/* SPDX-License-Identifier: MIT */
/*
 * An IOMMU domain in software: four levels of tables with 9 bits of the address
 * each. Entries are atomic, and tables that were added once stay until the end,
 * so a device's threads walk them without a lock. Whoever looks something up
 * remembers the generation under which it did, and looks it up again when that
 * has changed: an unmapping clears the entries first, then begins a new
 * generation (at once, or, deferred, with the next flush).
 *
 * Two threads that map may both want a new table; the first one's is used.
 *
 * The last thousands of unmapped ranges are remembered with their owners, for
 * the reports of faults; a mutex protects them.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dma/iommu.h"

#define LEVEL_BITS 9
#define ENTRIES (1u << LEVEL_BITS)
#define LEVELS 4
#define ADDRESS_BITS (LEVELS * LEVEL_BITS + HF_PAGE_SHIFT)
#define PROT_MASK (uint64_t)(HF_IOMMU_READ | HF_IOMMU_WRITE)
#define HISTORY 4096

/* What a table of the last level spans. */
#define LEAF_SPAN ((hf_iova_t)ENTRIES << HF_PAGE_SHIFT)

/* Entries of the last level are translations, others pointers to tables. */
struct table {
	_Atomic uint64_t entries[ENTRIES];
};

struct former {
	hf_iova_t iova;
	size_t size;
	struct hf_owner owner;
	uint64_t ns;
};

struct soft {
	struct hf_iommu_domain base;
	struct hf_memory *mem;
	hf_iova_t last;
	struct table *root;
	pthread_mutex_t history_lock;
	uint64_t forgotten; /* entries of history, ever */
	struct former history[HISTORY];
};

static struct soft *soft_of(const struct hf_iommu_domain *domain)
{
	return (struct soft *)domain;
}

static struct table *table_create(void)
{
	struct table *table = aligned_alloc(sizeof(*table), sizeof(*table));

	if (table)
		memset(table, 0, sizeof(*table));
	return table;
}

static void table_destroy(struct table *table, unsigned int level)
{
	for (size_t i = 0; level && i < ENTRIES; i++) {
		uintptr_t next = table->entries[i];

		if (next)
			table_destroy((struct table *)next, level - 1);
	}
	free(table);
}

static unsigned int index_at(hf_iova_t iova, unsigned int level)
{
	return iova >> (HF_PAGE_SHIFT + level * LEVEL_BITS) & (ENTRIES - 1);
}

/* The table of the last level, or NULL. */
static struct table *leaf_of(const struct soft *soft, hf_iova_t iova)
{
	struct table *table = soft->root;

	for (unsigned int level = LEVELS - 1; table && level; level--)
		table = (struct table *)(uintptr_t)atomic_load_explicit(
			&table->entries[index_at(iova, level)],
			memory_order_acquire);
	return table;
}

static struct table *table_below(_Atomic uint64_t *entry)
{
	uint64_t there = atomic_load_explicit(entry, memory_order_acquire);
	struct table *fresh;

	if (there)
		return (struct table *)(uintptr_t)there;
	fresh = table_create();
	if (!fresh)
		return NULL;
	if (atomic_compare_exchange_strong(entry, &there, (uintptr_t)fresh))
		return fresh;
	free(fresh);
	return (struct table *)(uintptr_t)there;
}

/* The table of the last level, made where it is missing; NULL for no memory. */
static struct table *make_leaf(struct soft *soft, hf_iova_t iova)
{
	struct table *table = soft->root;

	for (unsigned int level = LEVELS - 1; table && level; level--)
		table = table_below(&table->entries[index_at(iova, level)]);
	return table;
}

static void clear(struct soft *soft, hf_iova_t iova, size_t size)
{
	size_t pages = size >> HF_PAGE_SHIFT;

	while (pages) {
		struct table *leaf = leaf_of(soft, iova);
		size_t index = index_at(iova, 0);
		size_t n = ENTRIES - index < pages ? ENTRIES - index : pages;

		for (size_t i = index; leaf && i < index + n; i++)
			atomic_store_explicit(&leaf->entries[i], 0,
					      memory_order_relaxed);
		iova += n << HF_PAGE_SHIFT;
		pages -= n;
	}
}

static void soft_flush(struct hf_iommu_domain *domain)
{
	/* Whoever sees the new generation sees that entries were cleared. */
	atomic_fetch_add(&domain->generation, 1);
}

/**
 * struct cursor - Where a mapping goes on.
 * @span: what @leaf spans starts here
 * @index: the next entry in @leaf
 */
struct cursor {
	struct soft *soft;
	hf_iova_t span;
	struct table *leaf;
	size_t index;
};

static hf_iova_t position(const struct cursor *cursor)
{
	return cursor->span + (cursor->index << HF_PAGE_SHIFT);
}

static int next_leaf(struct cursor *cursor)
{
	if (cursor->soft->last - cursor->span < LEAF_SPAN)
		return -EINVAL;
	cursor->leaf = make_leaf(cursor->soft, cursor->span + LEAF_SPAN);
	if (!cursor->leaf)
		return -ENOMEM;
	cursor->span += LEAF_SPAN;
	cursor->index = 0;
	return 0;
}

/* Memory that may reach into the next tables. */
static int fill_run(struct cursor *cursor, uint64_t entry, size_t pages)
{
	while (pages--) {
		if (cursor->index == ENTRIES) {
			int ret = next_leaf(cursor);

			if (ret)
				return ret;
		}
		atomic_store_explicit(&cursor->leaf->entries[cursor->index++],
				      entry, memory_order_relaxed);
		entry += HF_PAGE_SIZE;
	}
	return 0;
}

/*
 * Scattered memory: as many entries of a page each as there are, and as the
 * table takes. Return: how many.
 */
static size_t fill_pages(struct cursor *cursor, const struct hf_sg *sgl,
			 size_t nents, unsigned int prot)
{
	_Atomic uint64_t *entries = &cursor->leaf->entries[cursor->index];
	size_t room = ENTRIES - cursor->index;
	size_t n = nents < room ? nents : room;
	size_t i;

	for (i = 0; i < n; i++) {
		if (sgl[i].length != HF_PAGE_SIZE ||
		    sgl[i].bus % HF_PAGE_SIZE)
			break;
		atomic_store_explicit(&entries[i], sgl[i].bus | prot,
				      memory_order_relaxed);
	}
	cursor->index += i;
	return i;
}

static int fill(struct cursor *cursor, const struct hf_sg *sgl, size_t nents,
		unsigned int prot)
{
	int ret = 0;

	while (nents && !ret) {
		size_t n = fill_pages(cursor, sgl, nents, prot);

		sgl += n;
		nents -= n;
		if (!nents)
			break;
		if ((sgl->bus | sgl->length) % HF_PAGE_SIZE)
			return -EINVAL;
		ret = fill_run(cursor, sgl->bus | prot,
			       sgl->length >> HF_PAGE_SHIFT);
		sgl++;
		nents--;
	}
	return ret;
}

static int soft_map(struct hf_iommu_domain *domain, hf_iova_t iova,
		    const struct hf_sg *sgl, size_t nents, unsigned int prot)
{
	struct soft *soft = soft_of(domain);
	struct cursor cursor = {
		.soft = soft,
		.span = iova & ~(LEAF_SPAN - 1),
		.index = index_at(iova, 0),
	};
	int ret;

	if (iova > soft->last)
		return -EINVAL;
	cursor.leaf = make_leaf(soft, iova);
	if (!cursor.leaf)
		return -ENOMEM;
	ret = fill(&cursor, sgl, nents, prot);
	if (!ret && position(&cursor) == iova)
		return -EINVAL;
	if (!ret && position(&cursor) - 1 > soft->last)
		ret = -EINVAL;
	if (ret) {
		clear(soft, iova, position(&cursor) - iova);
		soft_flush(domain);
	}
	return ret;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t entry_of(const struct soft *soft, hf_iova_t iova)
{
	struct table *leaf = iova <= soft->last ? leaf_of(soft, iova) : NULL;

	return leaf ? atomic_load_explicit(&leaf->entries[index_at(iova, 0)],
					   memory_order_relaxed) : 0;
}

/* Remember whose memory is at @iova. */
static void remember(struct soft *soft, hf_iova_t iova, size_t size)
{
	hf_bus_t bus = entry_of(soft, iova) & ~PROT_MASK;
	struct hf_page *page = hf_page_at(soft->mem, bus);
	struct former former = { .iova = iova, .size = size, .ns = now() };
	uint64_t freed;

	if (page)
		former.owner = *hf_page_owner(page);
	else if (!hf_page_former_owner(soft->mem, bus, &former.owner, &freed))
		return;
	pthread_mutex_lock(&soft->history_lock);
	soft->history[soft->forgotten++ % HISTORY] = former;
	pthread_mutex_unlock(&soft->history_lock);
}

static void soft_unmap(struct hf_iommu_domain *domain, hf_iova_t iova,
		       size_t size)
{
	struct soft *soft = soft_of(domain);

	remember(soft, iova, size);
	clear(soft, iova, size);
	if (!domain->deferred)
		soft_flush(domain);
}

static int soft_walk(struct hf_iommu_domain *domain, hf_iova_t iova, bool write,
		     hf_bus_t *bus, enum hf_iommu_fault_reason *reason)
{
	uint64_t entry = entry_of(soft_of(domain), iova);

	*bus = (entry & ~PROT_MASK) + iova % HF_PAGE_SIZE;
	if (entry & (write ? HF_IOMMU_WRITE : HF_IOMMU_READ))
		return 0;
	*reason = entry ? HF_IOMMU_FAULT_PERMISSION : HF_IOMMU_FAULT_UNMAPPED;
	return -EFAULT;
}

static bool soft_last_owner(struct hf_iommu_domain *domain, hf_iova_t iova,
			    struct hf_owner *owner, uint64_t *ns)
{
	struct soft *soft = soft_of(domain);
	bool found = false;

	pthread_mutex_lock(&soft->history_lock);
	for (uint64_t back = 1; !found && back <= soft->forgotten &&
				back <= HISTORY; back++) {
		const struct former *former =
			&soft->history[(soft->forgotten - back) % HISTORY];

		found = iova >= former->iova &&
			iova - former->iova < former->size;
		if (found) {
			*owner = former->owner;
			*ns = former->ns;
		}
	}
	pthread_mutex_unlock(&soft->history_lock);
	return found;
}

static void soft_destroy(struct hf_iommu_domain *domain)
{
	struct soft *soft = soft_of(domain);

	table_destroy(soft->root, LEVELS - 1);
	pthread_mutex_destroy(&soft->history_lock);
	free(soft);
}

static const struct hf_iommu_ops soft_ops = {
	.map = soft_map,
	.unmap = soft_unmap,
	.flush = soft_flush,
	.walk = soft_walk,
	.last_owner = soft_last_owner,
	.destroy = soft_destroy,
};

struct hf_iommu_domain *hf_soft_iommu_create(struct hf_memory *mem,
					     hf_iova_t last, bool deferred)
{
	struct soft *soft;
	int ret = -ENOMEM;

	if (last < UINT32_MAX || last >> ADDRESS_BITS ||
	    (last + 1) % HF_PAGE_SIZE) {
		errno = EINVAL;
		return NULL;
	}
	soft = calloc(1, sizeof(*soft));
	if (!soft)
		return NULL;
	soft->root = table_create();
	if (!soft->root)
		goto error_free;
	ret = hf_iommu_domain_init(&soft->base, &soft_ops, last, deferred);
	if (ret)
		goto error_table;
	soft->mem = mem;
	soft->last = last;
	pthread_mutex_init(&soft->history_lock, NULL);
	return &soft->base;

error_table:
	free(soft->root);
error_free:
	free(soft);
	errno = -ret;
	return NULL;
}
