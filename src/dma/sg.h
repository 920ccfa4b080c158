/* SPDX-License-Identifier: MIT */
/*
 * Scatter-gather tables: where an object's pages are, before and after they are
 * mapped for a device. The kernel's sg_table.
 */
#ifndef HF_DMA_SG_H
#define HF_DMA_SG_H

#include <stddef.h>
#include <stdint.h>

#include "mem/page.h"

/* What a device uses: an I/O virtual address, or a bus address, bytes. */
typedef uint64_t hf_iova_t;

/* The most that an entry has, bytes: large tables are read as fast as memory is. */
#define HF_SG_MAX (1u << 31)

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
 * @max_segment: bytes an entry may have, a multiple of pages; 0: HF_SG_MAX
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

#endif
