/* SPDX-License-Identifier: MIT */
/*
 * For tests of VFIO on QEMU's edu device, in a machine of tests/vm/run: the device,
 * memory whose pages are held, and what the kernel says. Each test is a process of
 * its own (tests/uapi/uapi.h), so nothing needs to be put back but the machine.
 */
#ifndef HF_TESTS_VFIO_FIXTURE_H
#define HF_TESTS_VFIO_FIXTURE_H

#include "../uapi/uapi.h"
#include "dma/dma.h"
#include "dma/vfio.h"
#include "edu.h"
#include "mem/backing.h"

#define PAGE HF_PAGE_SIZE

/* The n-th address of HOLDFAST_VFIO_EDU; skips where it has fewer. */
const char *edu_address(unsigned int n);
/* Open that one, with its BAR. */
struct hf_vfio *edu_open(unsigned int n, volatile void **bar);
/* It must fail, and say something with this word in it. */
void cannot_open(const char *bdf, int error, const char *word);

/**
 * struct edu - The first device, ready for DMA.
 * @mem: memory
 * @dma: with its domain
 */
struct edu {
	struct hf_vfio *vfio;
	volatile void *bar;
	struct hf_memory *mem;
	struct hf_dma_device dma;
};

void edu_start(struct edu *edu);
void edu_stop(struct edu *edu);
/* Between its buffer and memory. Begins it, or waits for its end. */
void edu_begin_copy(struct edu *edu, bool to_memory, hf_iova_t iova,
		    size_t size);
void edu_end_copy(struct edu *edu);
void edu_copy(struct edu *edu, bool to_memory, hf_iova_t iova, size_t size);

#define MAX_PAGES 64

struct object {
	struct hf_backing *backing;
	size_t n;
	struct hf_page *pages[MAX_PAGES];
	struct hf_sg_table table;
};

void object_create(struct object *object, struct hf_memory *mem, size_t n);
/* Its pages are in extents of a page each, which are no neighbours. */
void object_create_torn(struct object *object, struct hf_memory *mem,
			size_t n);
void object_free(struct object *object);
void fill(void *memory, size_t size, uint32_t seed);
bool is_filled(const void *memory, size_t size, uint32_t seed);

/* Bytes that this process has locked, as the kernel counts. */
uint64_t pinned(const struct edu *edu);

/* Write a word into a file of sysfs. */
void sysfs_write(const char *path, const char *word);
/* Catch what is logged. Ends with the text, which may be read until the next. */
void log_begin(void);
const char *log_end(void);
/* The kernel's log from now on; then, has it a line with this? Waits up to 2 s. */
void kernel_log_begin(void);
bool kernel_log_has(const char *text, int milliseconds);

#endif
