/* SPDX-License-Identifier: MIT */
/*
 * The type 1 IOMMU of a VFIO container as a domain. Bus addresses are scattered,
 * but pages of an extent follow each other in the server: such a run is one
 * mapping of the kernel, which pins it. A table may take several runs, and all of
 * them go with one unmapping.
 *
 * What is mapped is kept in a tree as well, for those who read the device's
 * memory in software. A mutex protects it; it is not held while the kernel pins.
 *
 * Source: <linux/vfio.h>.
 */
#include <bsd/sys/tree.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/log.h"
#include "dma/internal.h"
#include "dma/vfio_internal.h"
#include "mem/backing.h"

/**
 * struct run - Pages of one extent that follow each other.
 * @page: the first one, held by whoever mapped it
 * @next: in the list of a table that is being mapped
 */
struct run {
	hf_iova_t iova;
	size_t npages;
	const struct hf_page *page;
	unsigned int prot;
	struct run *next;
	RB_ENTRY(run) by_iova;
};

RB_HEAD(run_tree, run);

/**
 * struct vfio_iommu - The domain.
 * @last: its highest address
 * @lock: of @runs and @mappings
 * @runs: what is mapped, by address
 * @mappings: how many they are
 * @complained: in which second an error was logged last
 */
struct vfio_iommu {
	struct hf_iommu_domain base;
	struct hf_vfio *vfio;
	struct hf_memory *mem;
	hf_iova_t last;
	pthread_mutex_t lock;
	struct run_tree runs;
	uint32_t mappings;
	_Atomic uint64_t complained;
};

static struct vfio_iommu *iommu_of(struct hf_iommu_domain *domain)
{
	return (struct vfio_iommu *)domain;
}

static int compare(const struct run *a, const struct run *b)
{
	return (a->iova > b->iova) - (a->iova < b->iova);
}

RB_PROTOTYPE_INTERNAL(run_tree, run, by_iova, compare, static inline)
RB_GENERATE_INTERNAL(run_tree, run, by_iova, compare, static inline)

static size_t size_of(const struct run *run)
{
	return run->npages << HF_PAGE_SHIFT;
}

/* -- the kernel's side ------------------------------------------------------- */

/* Not more than a line a second: clients may try again and again. */
static void complain(struct vfio_iommu *iommu, int error, hf_iova_t iova,
		     size_t size)
{
	uint64_t second = 1 + hf_dma_now() / 1000000000;
	char text[400];

	if (atomic_exchange(&iommu->complained, second) == second)
		return;
	hf_vfio_map_error(hf_vfio_name(iommu->vfio), error, iova, size, text,
			  sizeof(text));
	hf_err("%s", text);
}

/* After hf_vfio_release() there is nothing to map, and nothing is mapped. */
static int container_ioctl(const struct vfio_iommu *iommu,
			   unsigned long request, void *argument)
{
	int ret;

	if (iommu->vfio->container < 0)
		return 0;
	do
		ret = ioctl(iommu->vfio->container, request, argument);
	while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

static int map_run(const struct vfio_iommu *iommu, const struct run *run)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.vaddr = (uintptr_t)hf_page_cpu(run->page),
		.iova = run->iova,
		.size = size_of(run),
	};

	if (run->prot & HF_IOMMU_READ)
		map.flags |= VFIO_DMA_MAP_FLAG_READ;
	if (run->prot & HF_IOMMU_WRITE)
		map.flags |= VFIO_DMA_MAP_FLAG_WRITE;
	return container_ioctl(iommu, VFIO_IOMMU_MAP_DMA, &map);
}

/* All mappings in the range. */
static void unmap_range(const struct vfio_iommu *iommu, hf_iova_t iova,
			size_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};
	int ret = container_ioctl(iommu, VFIO_IOMMU_UNMAP_DMA, &unmap);

	if (ret || unmap.size != size)
		hf_err("%s: %#llx of %#zx bytes at %#" PRIx64
		       " were unmapped: %s", hf_vfio_name(iommu->vfio),
		       ret ? 0 : unmap.size, size, iova,
		       ret ? strerror(-ret) : "the rest was not mapped");
}

/* -- a table as runs --------------------------------------------------------- */

/**
 * struct runs - What a table becomes.
 * @first: a list in the order of addresses
 * @end: where its next one goes
 * @iova: of what comes next
 * @next: the page that would continue the run
 * @stop: the end of its extent
 */
struct runs {
	struct vfio_iommu *iommu;
	unsigned int prot;
	struct run *first, **end, *current;
	hf_iova_t iova;
	const struct hf_page *next, *stop;
};

static void free_runs(struct run *run)
{
	while (run) {
		struct run *next = run->next;

		free(run);
		run = next;
	}
}

static int begin_run(struct runs *runs, hf_bus_t bus)
{
	const struct hf_page *page = hf_page_at(runs->iommu->mem, bus);
	struct run *run;

	if (!page)
		return -EINVAL;
	if (runs->prot & HF_IOMMU_WRITE &&
	    !(page->extent->trap.prot & PROT_WRITE))
		return -EACCES;
	run = calloc(1, sizeof(*run));
	if (!run)
		return -ENOMEM;
	run->iova = runs->iova;
	run->npages = 1;
	run->page = page;
	run->prot = runs->prot;
	*runs->end = runs->current = run;
	runs->end = &run->next;
	runs->next = page + 1;
	runs->stop = page->extent->pages + page->extent->npages;
	return 0;
}

/* The pages are held, so who has the address is found without a search. */
static bool continues(const struct runs *runs, hf_bus_t bus)
{
	return runs->next < runs->stop && runs->next->refcount &&
	       hf_page_bus(runs->next) == bus;
}

/* An entry of any length. */
static int add_entry(struct runs *runs, const struct hf_sg *sg)
{
	size_t left = sg->length;
	hf_bus_t bus = sg->bus;
	int ret;

	if (!left || (bus | left) % HF_PAGE_SIZE ||
	    runs->iova > runs->iommu->last ||
	    left - 1 > runs->iommu->last - runs->iova)
		return -EINVAL;
	for (; left; left -= HF_PAGE_SIZE, bus += HF_PAGE_SIZE) {
		if (continues(runs, bus)) {
			runs->current->npages++;
			runs->next++;
		} else {
			ret = begin_run(runs, bus);
			if (ret)
				return ret;
		}
		runs->iova += HF_PAGE_SIZE;
	}
	return 0;
}

/*
 * Scattered memory: as many entries of a page each as continue the run. This is
 * what a large table is made of. Return: how many.
 */
static size_t add_pages(struct runs *runs, const struct hf_sg *sgl,
			size_t nents)
{
	const struct hf_page *page = runs->next;
	size_t room = runs->stop - page;
	size_t n = nents < room ? nents : room;
	size_t i = 0;

	while (i < n && sgl[i].length == HF_PAGE_SIZE &&
	       sgl[i].bus == hf_page_bus(&page[i]) && page[i].refcount)
		i++;
	if (!i || runs->iova > runs->iommu->last ||
	    (i << HF_PAGE_SHIFT) - 1 > runs->iommu->last - runs->iova)
		return 0;
	runs->current->npages += i;
	runs->next += i;
	runs->iova += i << HF_PAGE_SHIFT;
	return i;
}

static int add_entries(struct runs *runs, const struct hf_sg *sgl, size_t nents)
{
	size_t i = 0;
	int ret = 0;

	while (!ret && i < nents) {
		ret = add_entry(runs, &sgl[i++]);
		if (!ret)
			i += add_pages(runs, &sgl[i], nents - i);
	}
	return ret;
}

/* -- the domain -------------------------------------------------------------- */

/* All or nothing. */
static int map_runs(struct vfio_iommu *iommu, const struct run *first)
{
	hf_iova_t start = first->iova, end = start;
	int ret = 0;

	for (const struct run *run = first; run; run = run->next) {
		ret = map_run(iommu, run);
		if (ret)
			break;
		end += size_of(run);
	}
	if (ret && end > start)
		unmap_range(iommu, start, end - start);
	return ret;
}

static void remember(struct vfio_iommu *iommu, struct run *run)
{
	pthread_mutex_lock(&iommu->lock);
	for (; run; run = run->next) {
		RB_INSERT(run_tree, &iommu->runs, run);
		iommu->mappings++;
	}
	pthread_mutex_unlock(&iommu->lock);
}

static int vfio_map(struct hf_iommu_domain *domain, hf_iova_t iova,
		    const struct hf_sg *sgl, size_t nents, unsigned int prot)
{
	struct vfio_iommu *iommu = iommu_of(domain);
	struct runs runs = { .iommu = iommu, .prot = prot, .iova = iova };
	int ret;

	runs.end = &runs.first;
	ret = add_entries(&runs, sgl, nents);
	if (!ret)
		ret = map_runs(iommu, runs.first);
	if (!ret) {
		remember(iommu, runs.first);
		return 0;
	}
	complain(iommu, -ret, iova, runs.iova - iova);
	free_runs(runs.first);
	return ret;
}

static void forget(struct vfio_iommu *iommu, hf_iova_t iova, size_t size)
{
	struct run key = { .iova = iova }, *run, *next;

	pthread_mutex_lock(&iommu->lock);
	for (run = RB_NFIND(run_tree, &iommu->runs, &key);
	     run && run->iova - iova < size; run = next) {
		next = RB_NEXT(run_tree, &iommu->runs, run);
		RB_REMOVE(run_tree, &iommu->runs, run);
		iommu->mappings--;
		free(run);
	}
	pthread_mutex_unlock(&iommu->lock);
}

/* The record goes first: who looks must not find what may be someone else's. */
static void vfio_unmap(struct hf_iommu_domain *domain, hf_iova_t iova,
		       size_t size)
{
	struct vfio_iommu *iommu = iommu_of(domain);

	forget(iommu, iova, size);
	unmap_range(iommu, iova, size);
	atomic_fetch_add(&domain->generation, 1);
}

/* Lock of the runs. */
static const struct run *run_at(const struct vfio_iommu *iommu, hf_iova_t iova)
{
	const struct run *run = RB_ROOT(&iommu->runs);

	while (run) {
		if (iova < run->iova)
			run = RB_LEFT(run, by_iova);
		else if (iova - run->iova < size_of(run))
			break;
		else
			run = RB_RIGHT(run, by_iova);
	}
	return run;
}

static int vfio_walk(struct hf_iommu_domain *domain, hf_iova_t iova, bool write,
		     hf_bus_t *bus, enum hf_iommu_fault_reason *reason)
{
	struct vfio_iommu *iommu = iommu_of(domain);
	const struct run *run;
	unsigned int prot = 0;

	*bus = 0;
	pthread_mutex_lock(&iommu->lock);
	run = run_at(iommu, iova);
	if (run) {
		const struct hf_page *page =
			run->page + ((iova - run->iova) >> HF_PAGE_SHIFT);

		prot = run->prot;
		*bus = hf_page_bus(page) + iova % HF_PAGE_SIZE;
	}
	pthread_mutex_unlock(&iommu->lock);
	if (prot & (write ? HF_IOMMU_WRITE : HF_IOMMU_READ))
		return 0;
	*reason = prot ? HF_IOMMU_FAULT_PERMISSION : HF_IOMMU_FAULT_UNMAPPED;
	return -EFAULT;
}

static void vfio_destroy(struct hf_iommu_domain *domain)
{
	struct vfio_iommu *iommu = iommu_of(domain);
	struct run *run;

	while ((run = RB_ROOT(&iommu->runs))) {
		RB_REMOVE(run_tree, &iommu->runs, run);
		unmap_range(iommu, run->iova, size_of(run));
		free(run);
	}
	iommu->vfio->domain = NULL;
	pthread_mutex_destroy(&iommu->lock);
	free(iommu);
}

static const struct hf_iommu_ops vfio_ops = {
	.map = vfio_map,
	.unmap = vfio_unmap,
	.walk = vfio_walk,
	.destroy = vfio_destroy,
};

/* -- its addresses ----------------------------------------------------------- */

/* What is between the ranges, which are in order, is nobody's. */
static int reserve_gaps(struct hf_iova_space *space,
			const struct vfio_iommu_type1_info_cap_iova_range *cap)
{
	uint64_t next = HF_PAGE_SIZE;
	int ret = 0;

	for (uint32_t i = 0; !ret && i < cap->nr_iovas; i++) {
		const struct vfio_iova_range *range = &cap->iova_ranges[i];
		uint64_t start = (range->start + HF_PAGE_SIZE - 1) &
				 ~(HF_PAGE_SIZE - 1);

		if (start > next)
			ret = hf_iova_reserve(space, next, start - next);
		if (range->end >= next)
			next = (range->end + 1) & ~(HF_PAGE_SIZE - 1);
	}
	return ret;
}

static int init_space(struct vfio_iommu *iommu,
		      const struct vfio_iommu_type1_info_cap_iova_range *cap)
{
	int ret;

	iommu->last = ((cap->iova_ranges[cap->nr_iovas - 1].end + 1) &
		       ~(HF_PAGE_SIZE - 1)) - 1;
	if (iommu->last <= HF_PAGE_SIZE)
		return -ENOTSUP;
	ret = hf_iommu_domain_init(&iommu->base, &vfio_ops, iommu->last, false);
	if (ret)
		return ret;
	ret = reserve_gaps(iommu->base.space, cap);
	if (ret)
		hf_iova_space_destroy(iommu->base.space);
	return ret;
}

static int make_space(struct vfio_iommu *iommu,
		      const struct vfio_iommu_type1_info *info)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	int ret;

	if (!(info->flags & VFIO_IOMMU_INFO_PGSIZES) ||
	    !(info->iova_pgsizes & HF_PAGE_SIZE))
		return -ENOTSUP;
	cap = hf_vfio_info_ranges(info);
	if (!cap)
		return -errno;
	ret = init_space(iommu, cap);
	free(cap);
	return ret;
}

static struct vfio_iommu *iommu_create(struct hf_vfio *vfio,
				       struct hf_memory *mem)
{
	struct vfio_iommu *iommu = calloc(1, sizeof(*iommu));

	if (!iommu)
		return NULL;
	iommu->vfio = vfio;
	iommu->mem = mem;
	RB_INIT(&iommu->runs);
	return iommu;
}

struct hf_iommu_domain *hf_vfio_domain_create(struct hf_vfio *vfio,
					      struct hf_memory *mem)
{
	struct vfio_iommu_type1_info *info;
	struct vfio_iommu *iommu;
	int ret;

	if (vfio->domain || vfio->place.no_iommu) {
		errno = vfio->domain ? EBUSY : ENOTSUP;
		return NULL;
	}
	info = hf_vfio_info(vfio->container);
	if (!info)
		return NULL;
	iommu = iommu_create(vfio, mem);
	ret = iommu ? make_space(iommu, info) : -ENOMEM;
	free(info);
	if (ret) {
		free(iommu);
		errno = -ret;
		return NULL;
	}
	pthread_mutex_init(&iommu->lock, NULL);
	vfio->domain = &iommu->base;
	return vfio->domain;
}

static uint32_t count_mappings(const struct hf_vfio *vfio)
{
	struct vfio_iommu *iommu;
	uint32_t n;

	if (!vfio->domain)
		return 0;
	iommu = iommu_of(vfio->domain);
	pthread_mutex_lock(&iommu->lock);
	n = iommu->mappings;
	pthread_mutex_unlock(&iommu->lock);
	return n;
}

void hf_vfio_stats(struct hf_vfio *vfio, struct hf_vfio_stats *stats)
{
	struct vfio_iommu_type1_info *info =
		vfio->place.no_iommu ? NULL : hf_vfio_info(vfio->container);

	stats->mappings = count_mappings(vfio);
	stats->available = info ? hf_vfio_info_available(info) : UINT32_MAX;
	stats->pinned = hf_vfio_locked_memory();
	free(info);
}
