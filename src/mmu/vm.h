/* SPDX-License-Identifier: MIT */
/*
 * Address spaces of the device: which object is where (what the kernel does with
 * drm_gpuvm), and the translation that the device's units do, with a TLB each.
 *
 * A mapping holds what it maps. A job that runs may have looked up anything that
 * was mapped when it began, so what is unmapped meanwhile is released when the
 * jobs that were running then have ended: hf_vm_job_begin() and _end().
 *
 * The lock of the devices protects it, except for hf_mmu_access(), which the
 * device's threads use without it.
 */
#ifndef HF_MMU_VM_H
#define HF_MMU_VM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <wayland-util.h>

#include "mmu/table.h"

/**
 * struct hf_vm_memory - What can be mapped: memory that is mapped for the device.
 * @table: where; mapped while there is a reference
 * @get: take a reference
 * @put: drop it; may be called from hf_vm_bind(), hf_vm_put(), hf_vm_job_end(), and
 *	calls none of these
 * @size: of the table, bytes; found out on first use; zero it
 * @index: likewise: where every HF_VM_INDEX-th entry of the table begins, so that
 *	an offset is found quickly; zero it
 */
struct hf_vm_memory {
	struct hf_sg_table *table;
	void (*get)(struct hf_vm_memory *memory);
	void (*put)(struct hf_vm_memory *memory);
	uint64_t size;
	uint64_t *index;
};

#define HF_VM_INDEX 256

/**
 * hf_vm_memory_finish() - Forget what was found out about the table.
 *
 * When it is unmapped or freed. Takes a zeroed one.
 */
void hf_vm_memory_finish(struct hf_vm_memory *memory);

/**
 * struct hf_vma - A mapping: the kernel's drm_gpuva.
 * @va: first byte; likewise @size, both whole pages
 * @memory: with a reference; NULL: sparse
 * @offset: in @memory, bytes; sparse: 0
 */
struct hf_vma {
	hf_gpuva_t va;
	uint64_t size;
	struct hf_vm_memory *memory;
	uint64_t offset;
	bool read_only;
};

struct hf_vm;

/** hf_vm_create() - An empty address space. Return: NULL and ENOMEM. */
struct hf_vm *hf_vm_create(struct hf_dma_device *dev);
struct hf_vm *hf_vm_get(struct hf_vm *vm);
/** hf_vm_put() - Takes NULL. The last one drops all mappings; no job runs. */
void hf_vm_put(struct hf_vm *vm);

/** enum hf_vm_op_type - see struct hf_vm_op. */
enum hf_vm_op_type {
	HF_VM_MAP,
	HF_VM_UNMAP,
};

/**
 * struct hf_vm_op - One change.
 * @vma: of a map; of an unmap va and size alone count
 */
struct hf_vm_op {
	enum hf_vm_op_type type;
	struct hf_vma vma;
};

/**
 * hf_vm_check() - May this be done?
 *
 * Return: 0; -EINVAL where a range is empty, wraps, is not of whole pages, or
 * leaves the address space or the memory; page 0 may be mapped like any other.
 */
int hf_vm_check(const struct hf_vm *vm, const struct hf_vm_op *ops, size_t n);

/**
 * hf_vm_bind() - Do changes, in order.
 *
 * @ops: checked with hf_vm_check(); a map takes a reference to its memory
 *
 * A map replaces what it covers; mappings that are covered in part are split.
 * Neighbours that continue each other in the same memory are merged. A job that
 * runs may fault in a range that is changed, never around it.
 *
 * Return: 0; -ENOMEM, and nothing is changed.
 */
int hf_vm_bind(struct hf_vm *vm, const struct hf_vm_op *ops, size_t n);

/** hf_vm_next() - The first mapping that ends after @va, or NULL. */
const struct hf_vma *hf_vm_next(const struct hf_vm *vm, hf_gpuva_t va);
/** hf_vm_table() - For tests that walk the tables. */
struct hf_page_table *hf_vm_table(struct hf_vm *vm);

/** hf_vm_job_begin() - A job starts. Return: a token for hf_vm_job_end(). */
uint64_t hf_vm_job_begin(struct hf_vm *vm);
/** hf_vm_job_end() - It is over; release what only it could still reach. */
void hf_vm_job_end(struct hf_vm *vm, uint64_t token);

/* -- the device's side ------------------------------------------------------- */

enum hf_mmu_fault_reason {
	HF_MMU_FAULT_UNMAPPED,
	HF_MMU_FAULT_READ_ONLY,
	HF_MMU_FAULT_BUS, /* the IOMMU refused it */
};

struct hf_mmu_fault {
	hf_gpuva_t va;
	enum hf_mmu_fault_reason reason;
	bool write;
};

#define HF_TLB_ENTRIES 4096
#define HF_WALK_ENTRIES 16

/**
 * struct hf_mmu - A unit's MMU: a TLB in front of a table walker.
 * @port: its way to memory
 * @vm: what it works for
 * @vm_id: of @vm
 * @generation: of @vm, when what is in the caches was looked up
 * @dma_generation: likewise, hf_dma_generation() of the device
 * @epoch: part of the tags; changes when the caches are dropped
 * @sink: where writes to sparse mappings go
 * @entries: the TLB. A tag is epoch, page, and what was allowed
 * @walks: what level 2 says about 2 MiB: a table, or the descriptor of a block. A
 *	tag is epoch and number
 *
 * One thread uses it at a time. Zero it and set port.dev before the first use.
 */
struct hf_mmu {
	struct hf_dma_port port;
	struct hf_vm *vm;
	uint64_t vm_id, generation, dma_generation, epoch;
	char sink[HF_PAGE_SIZE];
	struct hf_tlb_entry {
		uint64_t tag;
		char *cpu;
	} entries[HF_TLB_ENTRIES];
	struct hf_walk_entry {
		uint64_t tag;
		const _Atomic uint64_t *table;
		uint64_t block;
	} walks[HF_WALK_ENTRIES];
};

/**
 * hf_mmu_switch() - Work for this address space from now on.
 *
 * Between hf_vm_job_begin() and hf_vm_job_end() of a job of it.
 */
void hf_mmu_switch(struct hf_mmu *mmu, struct hf_vm *vm);

/**
 * hf_mmu_access() - Where an access of the device lands.
 * @va: first byte
 * @size: bytes wanted, at least 1
 * @write: to be written, else read
 * @length: set to the bytes that follow each other in memory from there, at most
 *	@size; every page of them was translated. It may be less than there are:
 *	not more than about HF_MMU_RUN at a time, and in sparse mappings one page
 * @fault: set where the first byte is refused
 *
 * Return: a pointer to the byte, or NULL.
 */
#define HF_MMU_RUN (2u << 20)
void *hf_mmu_access(struct hf_mmu *mmu, hf_gpuva_t va, uint64_t size,
		    bool write, uint64_t *length, struct hf_mmu_fault *fault);

#endif
