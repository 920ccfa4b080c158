/* SPDX-License-Identifier: MIT */
/*
 * DMA: what mapping has to know of a device, and the accesses of a device in
 * software. What drivers call is in holdfast/dma.h.
 *
 * The mapping half is called with the lock of the devices held. The access half
 * (ports) is for a device's threads, needs no lock, and relies on the driver's
 * promise that what an access has found stays held until the driver says that
 * the device is done: pages are put after that, never before.
 */
#ifndef HF_DMA_DMA_H
#define HF_DMA_DMA_H

#include <pthread.h>
#include <stdbool.h>

#include "dma/iommu.h"
#include "dma/sg.h"

#define HF_DMA_FAULTS 64

struct hf_dma_buffer;
struct hf_dma_physical;

/**
 * struct hf_dma_device - What DMA has to know of a device.
 * @name: for reports
 * @mem: the machine's memory
 * @domain: behind which IOMMU it is; NULL: it sees bus addresses. Owned
 * @physical: without an IOMMU, it puts the real machine's addresses on the bus; see
 *	hf_dma_device_use_physical(). Owned
 * @mask: highest address that it can put on the bus
 * @max_segment: bytes it takes in one piece; 0: any
 * @boundary: a piece must not cross a multiple of @boundary + 1, a power of two;
 *	0: any
 * @coherent: it sees the CPU's caches; else it works on what was synced last,
 *	where the memory has shadows
 * @mapped: bytes that are mapped now; likewise @mappings
 * @buffers: of hf_dma_alloc()
 * @generation: see hf_dma_generation()
 * @missed_syncs: accesses by the CPU or the device without a sync
 * @fault_lock: of what follows
 * @faults: a ring of the last ones; the newest is [(nfaults - 1) % HF_DMA_FAULTS]
 * @nfaults: ever
 * @second: in which @messages were written, and @left_out were too many
 */
struct hf_dma_device {
	char name[32];
	struct hf_memory *mem;
	struct hf_iommu_domain *domain;
	struct hf_dma_physical *physical;
	uint64_t mask;
	size_t max_segment;
	uint64_t boundary;
	bool coherent;
	uint64_t mapped, mappings;
	struct hf_dma_buffer *buffers;
	_Atomic uint64_t generation;
	_Atomic uint64_t missed_syncs;
	pthread_mutex_t fault_lock;
	struct hf_iommu_fault faults[HF_DMA_FAULTS];
	uint64_t nfaults;
	uint64_t second;
	unsigned int messages, left_out;
};

/** hf_dma_device_init() - A coherent device of 64 bits without limits. */
int hf_dma_device_init(struct hf_dma_device *dev, const char *name,
		       struct hf_memory *mem, struct hf_iommu_domain *domain);
/** hf_dma_device_finish() - Destroys the domain, too. Nothing is mapped. */
void hf_dma_device_finish(struct hf_dma_device *dev);

/* -- the device's side ------------------------------------------------------- */

/**
 * hf_dma_generation() - Changes whenever the device's translations were taken
 * away: what was looked up under another one must be looked up again.
 *
 * For a device that is not coherent it is another one each time, so that every
 * access is looked at.
 */
uint64_t hf_dma_generation(struct hf_dma_device *dev);

#define HF_DMA_PORT_ENTRIES 512

/**
 * struct hf_dma_port_entry - A translation in an IOTLB.
 * @tag: page of the address + 1; 0: empty
 * @generation: when it was looked up
 * @bus: of the page, which was @object's
 * @cpu: where the page is
 * @prot: what was asked and granted: HF_IOMMU_READ, HF_IOMMU_WRITE
 */
struct hf_dma_port_entry {
	uint64_t tag, generation;
	hf_bus_t bus;
	char *cpu;
	uint32_t object;
	unsigned int prot;
};

/**
 * struct hf_dma_port - Where one of a device's units reaches memory: an IOTLB.
 *
 * One thread uses it at a time. Zero it and set @dev before the first use.
 */
struct hf_dma_port {
	struct hf_dma_device *dev;
	struct hf_dma_port_entry entries[HF_DMA_PORT_ENTRIES];
};

/**
 * hf_dma_access() - Where an access of the device lands.
 * @iova: first byte
 * @write: to be written, else read
 * @length: set to the bytes from there to the end of the page
 *
 * Return: a pointer to the byte, or NULL for a fault, which is logged.
 */
void *hf_dma_access(struct hf_dma_port *port, hf_iova_t iova, bool write,
		    size_t *length);

/** hf_dma_fault_text() - A fault as a sentence. */
void hf_dma_fault_text(const struct hf_iommu_fault *fault, char *text,
		       size_t size);

#endif
