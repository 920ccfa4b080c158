/* SPDX-License-Identifier: MIT */
/*
 * A machine's memory and a device behind an IOMMU, for the tests of what stands
 * on them; and GEM on that device with two files.
 */
#ifndef HF_TESTS_MEMORY_H
#define HF_TESTS_MEMORY_H

#include "gem/gem.h"

struct memory {
	struct hf_memory *mem;
	struct hf_dma_device dma;
	struct hf_gem_device gem;
	struct hf_gem_file file, other;
};

extern struct memory memory;

/* Memory, device and objects. The end fails where pages, objects, mappings or
 * descriptors are left. */
void memory_begin(void);
void memory_end(void);

/* For cmocka: the same and the files, whose handles are closed. */
int memory_setup(void **state);
int memory_teardown(void **state);

/** memory_object() - An object that only its handle, in `file`, holds. */
struct hf_gem_object *memory_object(size_t size, uint32_t *handle);
/** memory_pages() - Pages that are held now. */
uint64_t memory_pages(void);

#endif
