/* SPDX-License-Identifier: MIT */
/* Shared between the files of dma/. */
#ifndef HF_DMA_INTERNAL_H
#define HF_DMA_INTERNAL_H

#include "dma/dma.h"

/* Nanoseconds on CLOCK_MONOTONIC. */
uint64_t hf_dma_now(void);

/* Log a line about a device, not too many a second. */
void hf_dma_warn(struct hf_dma_device *dev, const char *text);

/* The most that the device takes in one piece at an address. */
size_t hf_dma_piece(const struct hf_dma_device *dev, hf_iova_t iova,
		    size_t left);

/* -- physical.c: devices that nothing translates for ------------------------- */

void hf_physical_destroy(struct hf_dma_physical *physical);

/* Set the device addresses of a table. 0, -EIO, -ENOMEM, -EPERM, -EFAULT. */
int hf_physical_map(struct hf_dma_device *dev, struct hf_sg_table *table);
void hf_physical_unmap(struct hf_dma_device *dev,
		       const struct hf_sg_table *table);
/* What is mapped at an address, or NULL. Any thread may ask. */
const struct hf_page *hf_physical_page(struct hf_dma_physical *physical,
				       hf_iova_t address);

/* -- coherency.c: devices that do not see the CPU's caches ------------------- */

/* Follow the pages of a table that is mapped now, synced. 0 or -ENOMEM. */
int hf_dma_track(struct hf_dma_device *dev, const struct hf_sg_table *table);
/* Not any more. */
void hf_dma_untrack(struct hf_dma_device *dev, const struct hf_sg_table *table,
		    enum hf_dma_direction dir);

/* Where a device's accesses to a page land. */
char *hf_dma_page_memory(const struct hf_dma_device *dev,
			 const struct hf_page *page);

/* The device reads: report it where the CPU wrote there and did not sync. */
void hf_dma_check_read(struct hf_dma_device *dev, const struct hf_page *page,
		       size_t offset, size_t size);

#endif
