/* SPDX-License-Identifier: MIT */
/* Shared between the files of dma/. */
#ifndef HF_DMA_INTERNAL_H
#define HF_DMA_INTERNAL_H

#include "dma/dma.h"

/* Nanoseconds on CLOCK_MONOTONIC. */
uint64_t hf_dma_now(void);

/* Log a line about a device, not too many a second. */
void hf_dma_warn(struct hf_dma_device *dev, const char *text);

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
