/* SPDX-License-Identifier: MIT */
/*
 * What vm.c and mmu.c share: an address space.
 */
#ifndef HF_MMU_INTERNAL_H
#define HF_MMU_INTERNAL_H

#include "mmu/gpuva.h"

struct hf_vm_epoch;

/**
 * struct hf_vm - An address space.
 * @id: of all that ever were, this one; never 0
 * @root: of its tables
 * @generation: changes when translations were changed or taken away; like those
 *	above, read by the device's threads
 * @jobs: that run
 * @epochs: hf_vm_epoch.link, the oldest first; the last one is what jobs that
 *	begin now belong to
 * @spare: the next one, or NULL
 */
struct hf_vm {
	uint64_t id;
	hf_iova_t root;
	_Atomic uint64_t generation;
	struct hf_dma_device *dev;
	unsigned int refcount;
	struct hf_page_table *table;
	struct hf_gpuva_space space;
	unsigned int jobs;
	struct wl_list epochs;
	struct hf_vm_epoch *spare;
};

#endif
