/* SPDX-License-Identifier: MIT */
/*
 * A machine's memory and a device behind an IOMMU, for the rows that measure the
 * library in this process. One thread uses it, so there is no lock.
 */
#ifndef HF_BENCH_MACHINE_H
#define HF_BENCH_MACHINE_H

#include "gem/gem.h"

struct machine {
	struct hf_memory *mem;
	struct hf_dma_device dma;
	struct hf_gem_device gem;
};

/** machine_init() - Return: 0 or a negative errno, said on stderr. */
int machine_init(struct machine *machine);
/** machine_finish() - Nothing is mapped, and there is no object. */
void machine_finish(struct machine *machine);

#endif
