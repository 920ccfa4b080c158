/* SPDX-License-Identifier: MIT */
/*
 * IOMMU domains: an address space between devices and memory. The inside; how
 * domains are made, flushed and destroyed is in holdfast/dma.h and holdfast/vfio.h.
 *
 * hf_iommu_map() and hf_iommu_unmap() may be called by any thread, each for
 * ranges that it has allocated; a device's accesses come from other threads at
 * the same time.
 */
#ifndef HF_DMA_IOMMU_H
#define HF_DMA_IOMMU_H

#include <stdatomic.h>
#include <stdbool.h>

#include "dma/iova.h"
#include "dma/sg.h"

#define HF_IOMMU_READ 1u  /* the device may read */
#define HF_IOMMU_WRITE 2u /* the device may write */

/* Ranges that a deferred domain collects before it flushes. */
#define HF_IOMMU_QUEUE 256

struct hf_iommu_domain;
struct hf_iommu_queue;

enum hf_iommu_fault_reason {
	HF_IOMMU_FAULT_UNMAPPED,
	HF_IOMMU_FAULT_PERMISSION,
	HF_IOMMU_FAULT_BUS, /* no page is at the bus address (any more) */
};

/**
 * struct hf_iommu_ops - What an implementation of domains does.
 * @map: memory at @iova; all or nothing: 0, -EINVAL, -ENOMEM
 * @unmap: forget it; accesses fault once this, or in a deferred domain a later
 *	@flush, returns.
 * @flush: nothing that was unmapped can be reached afterwards; NULL: @unmap does
 * @walk: see hf_iommu_walk()
 * @last_owner: see hf_iommu_last_owner(); NULL: it does not know
 * @destroy: free it; the addresses and the queue are gone already
 */
struct hf_iommu_ops {
	int (*map)(struct hf_iommu_domain *domain, hf_iova_t iova,
		   const struct hf_sg *sgl, size_t nents, unsigned int prot);
	void (*unmap)(struct hf_iommu_domain *domain, hf_iova_t iova,
		      size_t size);
	void (*flush)(struct hf_iommu_domain *domain);
	int (*walk)(struct hf_iommu_domain *domain, hf_iova_t iova, bool write,
		    hf_bus_t *bus, enum hf_iommu_fault_reason *reason);
	bool (*last_owner)(struct hf_iommu_domain *domain, hf_iova_t iova,
			   struct hf_owner *owner, uint64_t *ns);
	void (*destroy)(struct hf_iommu_domain *domain);
};

/**
 * struct hf_iommu_domain - An address space of a device.
 * @space: its addresses
 * @deferred: unmapped ranges are flushed, and reused, in batches
 * @queue: those ranges; NULL where @deferred is not set
 * @generation: see hf_iommu_generation(); the implementation counts
 */
struct hf_iommu_domain {
	const struct hf_iommu_ops *ops;
	struct hf_iova_space *space;
	bool deferred;
	struct hf_iommu_queue *queue;
	_Atomic uint64_t generation;
};

/**
 * hf_iommu_domain_init() - For implementations: set up what all domains have.
 * @last: highest address, the last byte of a page
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int hf_iommu_domain_init(struct hf_iommu_domain *domain,
			 const struct hf_iommu_ops *ops, hf_iova_t last,
			 bool deferred);

/**
 * hf_iommu_map() - Make memory reachable.
 * @iova: a range that was allocated from the domain's space
 * @prot: HF_IOMMU_READ, HF_IOMMU_WRITE
 *
 * Return: 0; -EINVAL for what is not of pages, has no permission, or leaves the
 * address space; -ENOMEM. On an error nothing is mapped.
 */
int hf_iommu_map(struct hf_iommu_domain *domain, hf_iova_t iova,
		 const struct hf_sg *sgl, size_t nents, unsigned int prot);
/**
 * hf_iommu_unmap() - Forget a range, and free its addresses.
 *
 * They are given out again once nothing can reach what was there.
 */
void hf_iommu_unmap(struct hf_iommu_domain *domain, hf_iova_t iova,
		    size_t size);

/**
 * hf_iommu_walk() - What an access of the device finds.
 * @bus: set to the bus address
 *
 * Return: 0, or -EFAULT and @reason.
 */
int hf_iommu_walk(struct hf_iommu_domain *domain, hf_iova_t iova, bool write,
		  hf_bus_t *bus, enum hf_iommu_fault_reason *reason);
/**
 * hf_iommu_generation() - Changes whenever translations were taken away.
 *
 * What was looked up under another generation must be looked up again.
 */
static inline uint64_t
hf_iommu_generation(const struct hf_iommu_domain *domain)
{
	return atomic_load_explicit(&domain->generation, memory_order_acquire);
}

/**
 * hf_iommu_last_owner() - Who had an address that is not mapped now?
 * @ns: set to when it was unmapped, on CLOCK_MONOTONIC
 *
 * Return: false where nobody had, or it is thousands of mappings ago.
 */
bool hf_iommu_last_owner(struct hf_iommu_domain *domain, hf_iova_t iova,
			 struct hf_owner *owner, uint64_t *ns);

/**
 * struct hf_iommu_fault - An access that was refused.
 * @device: whose
 * @iova: where
 * @write: what kind
 * @owned: @owner and @freed_ns are known
 * @owner: whose memory it was, or is
 * @freed_ns: when it was unmapped or freed, on CLOCK_MONOTONIC; 0: it is not
 * @ns: when it happened
 */
struct hf_iommu_fault {
	char device[32];
	hf_iova_t iova;
	enum hf_iommu_fault_reason reason;
	bool write, owned;
	struct hf_owner owner;
	uint64_t freed_ns, ns;
};

#endif
