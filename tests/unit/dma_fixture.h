/* SPDX-License-Identifier: MIT */
/*
 * For tests of DMA: memory, objects whose pages are held, devices, and what is
 * written to the log.
 */
#ifndef HF_TESTS_DMA_FIXTURE_H
#define HF_TESTS_DMA_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "dma/dma.h"
#include "mem/backing.h"

#define PAGE HF_PAGE_SIZE
#define LAST_48 ((1ull << 48) - 1)
#define MAX_PAGES 1100

/* Memory with a pool of 64 pages. */
struct hf_memory *machine(bool shadow);

struct object {
	struct hf_backing *backing;
	size_t n;
	struct hf_page *pages[MAX_PAGES];
	struct hf_sg_table table;
	struct hf_owner owner;
};

/* An object of PID 4711. */
void object_create(struct object *object, struct hf_memory *mem, size_t n,
		   bool contiguous);
/* Hold the first pages of a backing, whose reference becomes the object's. */
void object_hold(struct object *object, struct hf_backing *backing, size_t n);
void object_free(struct object *object);
char *cpu_of(const struct object *object, size_t page);

/* A device named soft.0. */
void device(struct hf_dma_device *dev, struct hf_memory *mem, bool iommu,
	    bool deferred);
/* Check that, and free the device and the memory. */
void nothing_is_left(struct hf_dma_device *dev, struct hf_memory *mem);

/* Catch what is logged. */
void log_begin(void);
void log_end(char *text, size_t size);

#endif
