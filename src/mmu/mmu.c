// SPDX-License-Identifier: MIT
/*
 * The device's side of an address space: a TLB, and a table walker that reads
 * descriptors as the device's other accesses are done, through its IOMMU.
 *
 * A unit's thread owns its struct hf_mmu; no lock is held. Tables change while
 * they are walked: a descriptor is read once, and what was found is forgotten
 * when the generation of the address space or of the device has changed. What was
 * found stays allocated until the job ends (mmu/vm.c).
 */
#include <string.h>

#include "mmu/internal.h"

/* A tag of the TLB: what was allowed, page, epoch. */
#define MAY_READ 1u
#define MAY_WRITE 2u
#define MAY_BITS 2
#define PAGE_BITS (HF_MMU_VA_BITS - HF_PAGE_SHIFT)
#define EPOCH_SHIFT (PAGE_BITS + MAY_BITS)
#define EPOCHS (1ull << (64 - EPOCH_SHIFT))

/* What reads from sparse mappings find. Nobody gets it to write to. */
static const char zero_page[HF_PAGE_SIZE] __attribute__((aligned(HF_PAGE_SIZE)));

static void flush(struct hf_mmu *mmu)
{
	if (++mmu->epoch < EPOCHS)
		return;
	memset(mmu->entries, 0, sizeof(mmu->entries));
	memset(mmu->walks, 0, sizeof(mmu->walks));
	mmu->epoch = 1;
}

static void check_generations(struct hf_mmu *mmu)
{
	uint64_t generation, dma_generation;

	generation = atomic_load_explicit(&mmu->vm->generation,
					  memory_order_acquire);
	dma_generation = hf_dma_generation(mmu->port.dev);
	if (generation == mmu->generation &&
	    dma_generation == mmu->dma_generation)
		return;
	mmu->generation = generation;
	mmu->dma_generation = dma_generation;
	flush(mmu);
}

void hf_mmu_switch(struct hf_mmu *mmu, struct hf_vm *vm)
{
	mmu->vm = vm;
	if (mmu->vm_id == vm->id)
		return;
	mmu->vm_id = vm->id;
	flush(mmu);
}

/* -- walking ----------------------------------------------------------------- */

/* Return: NULL where the IOMMU refuses. */
static const _Atomic uint64_t *table_at(struct hf_mmu *mmu, hf_iova_t iova)
{
	size_t length;

	return hf_dma_access(&mmu->port, iova, false, &length);
}

static uint64_t read_descriptor(const _Atomic uint64_t *table, hf_gpuva_t va,
				unsigned int level)
{
	return atomic_load_explicit(&table[hf_pt_index(va, level)],
				    memory_order_acquire);
}

static uint64_t page_of_block(uint64_t block, hf_gpuva_t va)
{
	return block + (hf_pt_index(va, HF_PT_LEVELS - 1) << HF_PAGE_SHIFT);
}

/* Levels 0..2. Where they end early, @desc has the last one. */
static bool walk_tables(struct hf_mmu *mmu, hf_gpuva_t va,
			const _Atomic uint64_t **table, uint64_t *desc)
{
	unsigned int level;

	*table = table_at(mmu, mmu->vm->root);
	for (level = 0; *table && level < HF_PT_LEVELS - 1; level++) {
		*desc = read_descriptor(*table, va, level);
		if (!(*desc & HF_PTE_VALID) || !(*desc & HF_PTE_TABLE)) {
			*table = NULL;
			return true;
		}
		*table = table_at(mmu, *desc & HF_PTE_ADDR);
	}
	return *table != NULL;
}

/* The descriptor of a page. Return: false where the IOMMU refuses the walk. */
static bool walk(struct hf_mmu *mmu, hf_gpuva_t va, uint64_t *desc)
{
	uint64_t block = va >> hf_pt_shift(HF_PT_LEVELS - 2);
	uint64_t tag = mmu->epoch << PAGE_BITS | block;
	struct hf_walk_entry *entry = &mmu->walks[block % HF_WALK_ENTRIES];

	if (entry->tag != tag) {
		const _Atomic uint64_t *table;

		if (!walk_tables(mmu, va, &table, desc))
			return false;
		if (!table && !(*desc & HF_PTE_VALID))
			return true;
		entry->tag = tag;
		entry->table = table;
		entry->block = *desc;
	}
	*desc = entry->table ? read_descriptor(entry->table, va,
					       HF_PT_LEVELS - 1)
			     : page_of_block(entry->block, va);
	return true;
}

/* -- translating ------------------------------------------------------------- */

static bool deny(struct hf_mmu_fault *fault, hf_gpuva_t va, bool write,
		 enum hf_mmu_fault_reason reason)
{
	*fault = (struct hf_mmu_fault){ va, reason, write };
	return false;
}

/* Where a page is. */
static bool find_page(struct hf_mmu *mmu, hf_gpuva_t va, bool write, char **cpu,
		      struct hf_mmu_fault *fault)
{
	uint64_t desc;
	size_t length;

	if (!walk(mmu, va, &desc))
		return deny(fault, va, write, HF_MMU_FAULT_BUS);
	if (!(desc & (HF_PTE_VALID | HF_PTE_SPARSE)))
		return deny(fault, va, write, HF_MMU_FAULT_UNMAPPED);
	if (write && (desc & HF_PTE_RDONLY))
		return deny(fault, va, write, HF_MMU_FAULT_READ_ONLY);
	if (!(desc & HF_PTE_VALID)) {
		*cpu = write ? mmu->sink : (char *)zero_page;
		return true;
	}
	*cpu = hf_dma_access(&mmu->port, desc & HF_PTE_ADDR, write, &length);
	if (!*cpu)
		return deny(fault, va, write, HF_MMU_FAULT_BUS);
	return true;
}

static bool miss(struct hf_mmu *mmu, struct hf_tlb_entry *entry, hf_gpuva_t va,
		 uint64_t tag, struct hf_mmu_fault *fault)
{
	bool same = !((entry->tag ^ tag) >> MAY_BITS);
	char *cpu;

	if (!find_page(mmu, va, tag & MAY_WRITE, &cpu, fault))
		return false;
	/* A sparse page is elsewhere for reads than for writes. */
	entry->tag = same && entry->cpu == cpu ? entry->tag | tag : tag;
	entry->cpu = cpu;
	return true;
}

/* Objects are often a power of two apart: their pages must not meet. */
static uint64_t slot_of(uint64_t page)
{
	return (page ^ page >> 9 ^ page >> 18) % HF_TLB_ENTRIES;
}

/* Return: where the page is, or NULL. */
static inline char *translate(struct hf_mmu *mmu, uint64_t page, bool write,
			      struct hf_mmu_fault *fault)
{
	struct hf_tlb_entry *entry = &mmu->entries[slot_of(page)];
	uint64_t other = write ? MAY_READ : MAY_WRITE;
	uint64_t tag = mmu->epoch << EPOCH_SHIFT | page << MAY_BITS |
		       (write ? MAY_WRITE : MAY_READ);

	if (((entry->tag ^ tag) & ~other) != 0 &&
	    !miss(mmu, entry, page << HF_PAGE_SHIFT, tag, fault))
		return NULL;
	return entry->cpu;
}

void *hf_mmu_access(struct hf_mmu *mmu, hf_gpuva_t va, uint64_t size,
		    bool write, uint64_t *length, struct hf_mmu_fault *fault)
{
	size_t offset = va & (HF_PAGE_SIZE - 1);
	uint64_t page = va >> HF_PAGE_SHIFT, found = HF_PAGE_SIZE - offset;
	uint64_t wanted = size < HF_MMU_RUN ? size : HF_MMU_RUN;
	struct hf_mmu_fault ignored;
	char *cpu;

	if (va >> HF_MMU_VA_BITS) {
		deny(fault, va, write, HF_MMU_FAULT_UNMAPPED);
		return NULL;
	}
	check_generations(mmu);
	cpu = translate(mmu, page, write, fault);
	if (!cpu) {
		fault->va = va;
		return NULL;
	}

	cpu += offset;
	/* The pages of a sparse mapping are all in one place: no run. */
	while (found < wanted && ++page >> PAGE_BITS == 0 &&
	       translate(mmu, page, write, &ignored) == cpu + found)
		found += HF_PAGE_SIZE;
	*length = found < size ? found : size;
	return cpu;
}
