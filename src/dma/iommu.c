/* SPDX-License-Identifier: MIT */
/*
 * What all IOMMU domains have: addresses, and in a deferred domain the queue of
 * ranges that are unmapped and wait for a flush. Only after it are their
 * addresses free: until then a device may reach, through what its IOTLB still
 * has, the memory that was there, but never another one's.
 *
 * The queue has a lock of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "dma/iommu.h"

struct hf_iommu_queue {
	pthread_mutex_t lock;
	size_t count;
	struct {
		hf_iova_t iova;
		size_t size;
	} ranges[HF_IOMMU_QUEUE];
};

static struct hf_iommu_queue *queue_create(void)
{
	struct hf_iommu_queue *queue = malloc(sizeof(*queue));

	if (!queue)
		return NULL;
	queue->count = 0;
	pthread_mutex_init(&queue->lock, NULL);
	return queue;
}

static void queue_destroy(struct hf_iommu_queue *queue)
{
	if (!queue)
		return;
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

int hf_iommu_domain_init(struct hf_iommu_domain *domain,
			 const struct hf_iommu_ops *ops, hf_iova_t last,
			 bool deferred)
{
	*domain = (struct hf_iommu_domain){ .ops = ops, .deferred = deferred };
	domain->space = hf_iova_space_create(HF_PAGE_SIZE, last);
	if (!domain->space)
		return -errno;
	if (!deferred)
		return 0;
	domain->queue = queue_create();
	if (!domain->queue) {
		hf_iova_space_destroy(domain->space);
		return -ENOMEM;
	}
	return 0;
}

void hf_iommu_destroy(struct hf_iommu_domain *domain)
{
	if (!domain)
		return;
	queue_destroy(domain->queue);
	hf_iova_space_destroy(domain->space);
	domain->ops->destroy(domain);
}

int hf_iommu_map(struct hf_iommu_domain *domain, hf_iova_t iova,
		 const struct hf_sg *sgl, size_t nents, unsigned int prot)
{
	if (!nents || !prot || prot & ~(HF_IOMMU_READ | HF_IOMMU_WRITE) ||
	    iova % HF_PAGE_SIZE)
		return -EINVAL;
	return domain->ops->map(domain, iova, sgl, nents, prot);
}

/* Lock of the queue. */
static void flush(struct hf_iommu_domain *domain)
{
	struct hf_iommu_queue *queue = domain->queue;

	if (domain->ops->flush)
		domain->ops->flush(domain);
	for (size_t i = 0; i < queue->count; i++)
		hf_iova_free(domain->space, queue->ranges[i].iova,
			     queue->ranges[i].size);
	queue->count = 0;
}

void hf_iommu_unmap(struct hf_iommu_domain *domain, hf_iova_t iova,
		    size_t size)
{
	struct hf_iommu_queue *queue = domain->queue;

	domain->ops->unmap(domain, iova, size);
	if (!queue) {
		hf_iova_free(domain->space, iova, size);
		return;
	}
	pthread_mutex_lock(&queue->lock);
	queue->ranges[queue->count].iova = iova;
	queue->ranges[queue->count].size = size;
	if (++queue->count == HF_IOMMU_QUEUE)
		flush(domain);
	pthread_mutex_unlock(&queue->lock);
}

void hf_iommu_flush(struct hf_iommu_domain *domain)
{
	if (!domain->queue)
		return; /* hf_iommu_unmap() was complete */
	pthread_mutex_lock(&domain->queue->lock);
	flush(domain);
	pthread_mutex_unlock(&domain->queue->lock);
}

int hf_iommu_walk(struct hf_iommu_domain *domain, hf_iova_t iova, bool write,
		  hf_bus_t *bus, enum hf_iommu_fault_reason *reason)
{
	return domain->ops->walk(domain, iova, write, bus, reason);
}

bool hf_iommu_last_owner(struct hf_iommu_domain *domain, hf_iova_t iova,
			 struct hf_owner *owner, uint64_t *ns)
{
	return domain->ops->last_owner &&
	       domain->ops->last_owner(domain, iova, owner, ns);
}
