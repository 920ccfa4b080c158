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
/* Bits 55..58 are for software: a sparse mapping, which has no memory. */
#define HF_PTE_SPARSE (1ull << 55)
#define HF_PTE_ADDR 0x0000fffffffff000ull

#define HF_PT_ENTRIES 512

struct hf_page_table;

/** hf_page_table_create() - An empty tree. Return: NULL and ENOMEM. */
struct hf_page_table *hf_page_table_create(struct hf_dma_device *dev);
/** hf_page_table_destroy() - Nobody may be in it. Takes NULL. */
void hf_page_table_destroy(struct hf_page_table *table);
/** hf_page_table_root() - The device address of level 0, for the device. */
hf_iova_t hf_page_table_root(const struct hf_page_table *table);

/**
 * hf_page_table_reserve() - Make sure that mapping a range cannot fail.
 *
 * Return: 0 or -ENOMEM.
 */
int hf_page_table_reserve(struct hf_page_table *table, hf_gpuva_t va,
			  uint64_t size);
/**
 * hf_page_table_map() - Map a range, which was reserved and has no mapping.
 * @sgl: device addresses (dma, dma_length), from @offset bytes on
 *
 * With the largest pages that address, alignment and size allow.
 */
void hf_page_table_map(struct hf_page_table *table, hf_gpuva_t va,
		       uint64_t size, const struct hf_sg *sgl, size_t nents,
		       uint64_t offset, bool writable);
void hf_page_table_map_sparse(struct hf_page_table *table, hf_gpuva_t va,
			      uint64_t size);
/** hf_page_table_unmap() - Clear a range, whole mappings as they were made. */
void hf_page_table_unmap(struct hf_page_table *table, hf_gpuva_t va,
			 uint64_t size);
/**
 * hf_page_table_trim() - Free tables that are empty now.
 *
 * Nobody may be in the tree: the caller knows that no job runs.
 */
void hf_page_table_trim(struct hf_page_table *table);
/** hf_page_table_bytes() - Memory that the tables take. */
size_t hf_page_table_bytes(const struct hf_page_table *table);

#endif
