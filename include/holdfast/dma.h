/* SPDX-License-Identifier: MIT */
/*
 * DMA mapping: memory for a device, as the kernel's dma_map_sgtable() and its
 * family do it. For everybody who writes a driver: this header is a part of
 * libholdfast, and the drivers of Holdfast itself include it, too.
 *
 * The order is the kernel's: get the pages, map them, have the device work, unmap
 * them, put the pages. A mapping holds no page: whoever maps has gotten the pages
 * and puts them after the device is done, never before.
 *
 * The mapping half is called with the lock of the devices held
 * (holdfast/memory.h). A port is used by one thread at a time and needs no lock.
 */
#ifndef HOLDFAST_DMA_H
#define HOLDFAST_DMA_H

#include <holdfast/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a device uses: an I/O virtual address, or a bus address, bytes. */
typedef uint64_t hf_iova_t;

enum hf_dma_direction {
	HF_DMA_BIDIRECTIONAL,
	HF_DMA_TO_DEVICE,   /* the device reads */
	HF_DMA_FROM_DEVICE, /* the device writes */
};

struct hf_dma_device;
struct hf_dma_port;
struct hf_iommu_domain;

/* -- scatter-gather tables --------------------------------------------------- */

/**
 * struct hf_sg - A run of memory, and a run of device addresses.
 * @bus: where it is; likewise @length, bytes
 * @dma: where the device finds it; set by hf_dma_map_sgtable()
 * @dma_length: likewise; the runs of the two halves need not be the same
 */
struct hf_sg {
	hf_bus_t bus;
	hf_iova_t dma;
	uint32_t length;
	uint32_t dma_length;
};

/**
 * struct hf_sg_table - Scattered memory.
 * @sgl: entries
 * @orig_nents: entries of memory
 * @nents: entries of device addresses, while mapped; 0: not mapped
 * @size: bytes in all; 0: nobody has counted
 */
struct hf_sg_table {
	struct hf_sg *sgl;
	size_t orig_nents, nents;
	size_t size;
};

/**
 * hf_sg_table_from_pages() - Describe pages, neighbours coalesced.
 * @max_segment: bytes an entry may have, a multiple of pages; 0: 2 GiB, which is
 *	the most
 *
 * The caller keeps the pages for as long as the table is used.
 *
 * Return: 0, -EINVAL for no pages, -ENOMEM.
 */
int hf_sg_table_from_pages(struct hf_sg_table *table,
			   struct hf_page *const *pages, size_t n,
			   size_t max_segment);
/** hf_sg_table_finish() - Free it; it must not be mapped. Takes a zeroed one. */
void hf_sg_table_finish(struct hf_sg_table *table);
/** hf_sg_table_size() - Bytes in all. */
size_t hf_sg_table_size(const struct hf_sg_table *table);

/* -- domains ----------------------------------------------------------------- */

/**
 * hf_soft_iommu_create() - An IOMMU in software, for devices in software.
 * @mem: the memory behind it
 * @last: highest address, the last byte of a page: 2^32 - 1 … 2^48 - 1
 * @deferred: what is unmapped can be reached until hf_iommu_flush(), which comes by
 *	itself every few hundred times
 *
 * A device's other domain is hf_vfio_domain_create() (holdfast/vfio.h).
 *
 * Return: NULL and EINVAL or ENOMEM.
 */
struct hf_iommu_domain *hf_soft_iommu_create(struct hf_memory *mem,
					     hf_iova_t last, bool deferred);
/** hf_iommu_flush() - Nothing that was unmapped can be reached afterwards. */
void hf_iommu_flush(struct hf_iommu_domain *domain);
/** hf_iommu_destroy() - Nothing is mapped that is still needed. Takes NULL. */
void hf_iommu_destroy(struct hf_iommu_domain *domain);

/* -- devices ----------------------------------------------------------------- */

/**
 * hf_dma_device_create() - A coherent device of 64 bits without limits.
 * @name: for reports
 * @mem: the machine's memory
 * @domain: behind which IOMMU it is; NULL: it sees bus addresses. Its own from now
 *	on
 *
 * Return: NULL and ENOMEM; the domain is the caller's still.
 */
struct hf_dma_device *hf_dma_device_create(const char *name,
					   struct hf_memory *mem,
					   struct hf_iommu_domain *domain);
/** hf_dma_device_destroy() - And its domain. Nothing is mapped. Takes NULL. */
void hf_dma_device_destroy(struct hf_dma_device *dev);

/*
 * What the device can do, to be said before anything is mapped. Each returns 0, or
 * -EINVAL for what no device has, or -EBUSY where something is mapped.
 */

/** hf_dma_set_mask() - Highest address that it can put on the bus, 2^n - 1. */
int hf_dma_set_mask(struct hf_dma_device *dev, uint64_t mask);
/** hf_dma_set_max_segment() - Bytes it takes in one piece; 0: any. */
int hf_dma_set_max_segment(struct hf_dma_device *dev, size_t size);
/**
 * hf_dma_set_boundary() - A piece must not cross a multiple of @boundary + 1, which
 * is a power of two of at least a page; 0: it may.
 */
int hf_dma_set_boundary(struct hf_dma_device *dev, uint64_t boundary);
/**
 * hf_dma_set_coherent() - Does it see the CPU's caches?
 *
 * A device in software that does not works on what was synced last, where the
 * memory has shadows (struct hf_memory_options).
 */
int hf_dma_set_coherent(struct hf_dma_device *dev, bool coherent);

/**
 * hf_dma_device_use_physical() - It is a real device without an IOMMU: what it gets
 * are physical addresses of memory that is locked. Nothing is mapped yet.
 *
 * It needs CAP_SYS_ADMIN to ask for them. hf_dma_alloc() then has more than a page
 * only where the machine's pages happen to be neighbours. The kernel may move locked
 * pages, and the device does not learn of it (HF_VFIO_UNSAFE_NO_IOMMU).
 *
 * Return: 0; -EPERM, -ENOMEM, or an error of opening /proc/self/pagemap.
 */
int hf_dma_device_use_physical(struct hf_dma_device *dev);

/* -- mapping ----------------------------------------------------------------- */

/**
 * hf_dma_map_sgtable() - Make memory reachable for a device.
 * @table: nents is 0; set, with the device addresses, on success
 *
 * Behind an IOMMU all of it becomes one run of addresses, cut where the device
 * needs it cut; else each entry keeps its bus address. With physical addresses
 * (hf_dma_device_use_physical()) there may be more entries than before, and @table->sgl
 * may be another one. The memory is synced for
 * the device in every direction, so that what a device does not write keeps its
 * content.
 *
 * Return: 0; -EINVAL for an empty table or one that is mapped; -EIO where the
 * device cannot address the memory, or would need more pieces than the table has
 * entries; -EPERM for physical addresses that this process may not know any more;
 * -ENOMEM, also for a domain that may pin no more (RLIMIT_MEMLOCK). VFIO's
 * domain also: -ENOSPC for more mappings than it takes, -EACCES for read-only memory
 * that the device is to write, -EFAULT for memory that is gone. On an error nothing is
 * mapped.
 */
int hf_dma_map_sgtable(struct hf_dma_device *dev, struct hf_sg_table *table,
		       enum hf_dma_direction dir);
/** hf_dma_unmap_sgtable() - Take it back, and sync it for the CPU. */
void hf_dma_unmap_sgtable(struct hf_dma_device *dev, struct hf_sg_table *table,
			  enum hf_dma_direction dir);

/*
 * Who works on the memory next. On a coherent device there is nothing to do.
 * On another one the CPU's changes reach the device with _for_device(), and the
 * device's the CPU with _for_cpu(); an access that comes before is reported by
 * name and counted.
 */
void hf_dma_sync_sgtable_for_cpu(struct hf_dma_device *dev,
				 struct hf_sg_table *table,
				 enum hf_dma_direction dir);
void hf_dma_sync_sgtable_for_device(struct hf_dma_device *dev,
				    struct hf_sg_table *table,
				    enum hf_dma_direction dir);

/**
 * hf_dma_alloc() - Memory for the device's own structures (tables, rings).
 * @size: bytes, whole pages
 * @iova: set to its device address, one run
 *
 * Coherent always. Without an IOMMU more than a page comes from the pool; of physical
 * addresses, more than a page is luck.
 *
 * Return: where the CPU sees it, zero-filled; NULL and EINVAL, EIO where the device
 * cannot address it, ENOMEM, ENOSPC, EMFILE, ENFILE.
 */
void *hf_dma_alloc(struct hf_dma_device *dev, size_t size, hf_iova_t *iova);
/** hf_dma_free() - All as it was allocated; @cpu may be NULL. */
void hf_dma_free(struct hf_dma_device *dev, void *cpu, size_t size,
		 hf_iova_t iova);

/* -- a device in software ---------------------------------------------------- */

/**
 * hf_dma_port_create() - Where a unit of a device in software reaches memory.
 *
 * Its addresses are translated by the software IOMMU, or are bus addresses; a domain
 * of VFIO translates for the hardware alone.
 *
 * Return: NULL and ENOMEM.
 */
struct hf_dma_port *hf_dma_port_create(struct hf_dma_device *dev);
/** hf_dma_port_destroy() - Before its device. Takes NULL. */
void hf_dma_port_destroy(struct hf_dma_port *port);

/**
 * hf_dma_read(), hf_dma_write() - Copy.
 *
 * Return: 0; -EFAULT for a fault, of which the log says whose memory it was.
 */
int hf_dma_read(struct hf_dma_port *port, void *to, hf_iova_t from,
		size_t size);
int hf_dma_write(struct hf_dma_port *port, hf_iova_t to, const void *from,
		 size_t size);

#ifdef __cplusplus
}
#endif

#endif
