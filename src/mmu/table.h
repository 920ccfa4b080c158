/* SPDX-License-Identifier: MIT */
/*
 * The device's page tables: the VMSAv8-64 long-descriptor format of the Arm
 * Architecture Reference Manual (DDI 0487, chapter D8, "The AArch64 Virtual Memory
 * System Architecture"), stage 1, 4 KiB granule, 48 bits, four levels.
 *
 * Level 3 has pages of 4 KiB; sixteen neighbours with the Contiguous bit set make
 * one of 64 KiB; a block at level 2 is one of 2 MiB. The tables are in memory that
 * the device reaches through its IOMMU, as every device's are.
 *
 * The lock of the devices protects writing; the device's threads walk them at any
 * time, so an entry is one atomic store, and a table is freed only once nobody
 * can be in it (mmu/vm.c).
 */
#ifndef HF_MMU_TABLE_H
#define HF_MMU_TABLE_H

#include <stdbool.h>

#include "dma/dma.h"

/* An address in an address space of the device. */
typedef uint64_t hf_gpuva_t;

#define HF_MMU_VA_BITS 48

/* Fields of a descriptor. */
#define HF_PTE_VALID (1ull << 0)
#define HF_PTE_TABLE (1ull << 1) /* levels 0..2: a table; level 3: a page */
#define HF_PTE_ATTR_SHIFT 2	 /* AttrIndx */
#define HF_PTE_USER (1ull << 6)	 /* AP[1] */
#define HF_PTE_RDONLY (1ull << 7) /* AP[2] */
#define HF_PTE_SHARED (3ull << 8) /* SH: inner shareable */
#define HF_PTE_AF (1ull << 10)
#define HF_PTE_CONT (1ull << 52)
/*
 * Bits 55..58 are for software: a sparse mapping, which has no memory. Such a
 * descriptor is not valid, and may be at any level, so that a sparse range of
 * any size takes few tables. HF_PTE_RDONLY counts in it.
 */
#define HF_PTE_SPARSE (1ull << 55)
#define HF_PTE_ADDR 0x0000fffffffff000ull

#define HF_PT_ENTRIES 512
#define HF_PT_LEVELS 4

/** hf_pt_shift() - What an entry of a level covers, as a power of two. */
static inline unsigned int hf_pt_shift(unsigned int level)
{
	return HF_PAGE_SHIFT + 9 * (HF_PT_LEVELS - 1 - level);
}

/** hf_pt_index() - The entry of a level that an address belongs to. */
static inline unsigned int hf_pt_index(hf_gpuva_t va, unsigned int level)
{
	return va >> hf_pt_shift(level) & (HF_PT_ENTRIES - 1);
}

/** struct hf_sg_pos - A byte of memory: @offset bytes into an entry. */
struct hf_sg_pos {
	const struct hf_sg *sg;
	uint64_t offset;
};

struct hf_page_table;

/** hf_page_table_create() - An empty tree. Return: NULL and ENOMEM. */
struct hf_page_table *hf_page_table_create(struct hf_dma_device *dev);
/** hf_page_table_destroy() - Nobody may be in it. Takes NULL. */
void hf_page_table_destroy(struct hf_page_table *table);
/** hf_page_table_root() - The device address of level 0, for the device. */
hf_iova_t hf_page_table_root(const struct hf_page_table *table);

/*
 * Reserving allocates what a change needs, so that the change itself cannot fail.
 * It changes no translation. Several changes may be reserved, in the order in
 * which they are made then.
 *
 * Return: 0 or -ENOMEM.
 */
int hf_page_table_reserve_map(struct hf_page_table *table, hf_gpuva_t va,
			      uint64_t size, struct hf_sg_pos from);
int hf_page_table_reserve_sparse(struct hf_page_table *table, hf_gpuva_t va,
				 uint64_t size);
/** @after_map: a map was reserved that is not made yet */
int hf_page_table_reserve_unmap(struct hf_page_table *table, hf_gpuva_t va,
				uint64_t size, bool after_map);

/**
 * hf_page_table_map() - Map a range, which was reserved.
 * @from: device addresses (dma, dma_length) from there on
 *
 * With the largest pages that address, alignment and size allow. What was mapped
 * there is replaced; what is around it stays, and is translated at any moment.
 *
 * Return: a table that walkers may remember was taken out.
 */
bool hf_page_table_map(struct hf_page_table *table, hf_gpuva_t va,
		       uint64_t size, struct hf_sg_pos from, bool writable);
/** hf_page_table_map_sparse() - Likewise, without memory. */
bool hf_page_table_map_sparse(struct hf_page_table *table, hf_gpuva_t va,
			      uint64_t size, bool writable);
/** hf_page_table_unmap() - Clear a range; the edges were reserved. */
void hf_page_table_unmap(struct hf_page_table *table, hf_gpuva_t va,
			 uint64_t size);
/**
 * hf_page_table_trim() - Free tables that are empty now.
 *
 * Until then they stay where they are, for the next mapping. Nobody may be in
 * the tree: the caller knows that no job runs.
 */
void hf_page_table_trim(struct hf_page_table *table);
/** hf_page_table_bytes() - Memory that the tables take. */
size_t hf_page_table_bytes(const struct hf_page_table *table);
/** hf_page_table_empty() - Of these, what trimming would give back, or less. */
size_t hf_page_table_empty(const struct hf_page_table *table);

#endif
