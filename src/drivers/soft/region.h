/* SPDX-License-Identifier: MIT */
/*
 * A region: rows of bytes at addresses of the device, translated. It knows where
 * each byte is for the CPU, as runs: bytes that follow each other in both. Mostly
 * there is one.
 *
 * A region belongs to the command that is executed. No lock.
 */
#ifndef HF_SOFT_REGION_H
#define HF_SOFT_REGION_H

#include "mmu/vm.h"

/**
 * struct hf_region_run - A run.
 * @offset: in the region, bytes
 * @length: bytes; includes what is between rows, which nobody may touch
 * @cpu: where it is
 */
struct hf_region_run {
	uint64_t offset, length;
	char *cpu;
};

/**
 * struct hf_region - Rows of bytes.
 * @va: first byte
 * @pitch: bytes from row to row, at least @row
 * @row: bytes of a row
 * @rows: how many, at least 1
 * @size: bytes from the first to the last one
 * @runs: sorted by offset, @nruns of them, with room for @capacity
 * @current: the one that was looked up last
 * @few: where @runs is while they are few
 */
struct hf_region {
	hf_gpuva_t va;
	uint64_t pitch, row, size;
	uint32_t rows;
	struct hf_region_run *runs;
	size_t nruns, capacity, current;
	struct hf_region_run few[8];
};

/** hf_region_init() - Rows, not translated yet. Do not copy the struct. */
void hf_region_init(struct hf_region *region, hf_gpuva_t va, uint64_t pitch,
		    uint64_t row, uint32_t rows);
/** hf_region_init_linear() - Bytes, as rows of @row bytes; the last is shorter. */
void hf_region_init_linear(struct hf_region *region, hf_gpuva_t va,
			   uint64_t size, uint64_t row);
void hf_region_finish(struct hf_region *region);

/**
 * hf_region_translate() - Find out where all rows are.
 * @write: for writing, else for reading
 * @stop: give up when it is set
 * @fault: set for -EFAULT
 *
 * What is between the rows need not be mapped.
 *
 * Return: 0, -EFAULT, -ENOMEM, or -EINTR for @stop.
 */
int hf_region_translate(struct hf_region *region, struct hf_mmu *mmu,
			bool write, const _Atomic bool *stop,
			struct hf_mmu_fault *fault);

/**
 * hf_region_at() - Where a byte is.
 * @offset: in a row
 * @before: set to the bytes of the run before it
 * @after: set to those from it on
 */
char *hf_region_at(struct hf_region *region, uint64_t offset, uint64_t *before,
		   uint64_t *after);
/** hf_region_direct_rows() - How many rows, from @row on, are in one run? */
uint32_t hf_region_direct_rows(struct hf_region *region, uint32_t row);

/* Copies of bytes within a row. */
void hf_region_read(struct hf_region *region, uint64_t offset, void *to,
		    uint64_t size);
void hf_region_write(struct hf_region *region, uint64_t offset,
		     const void *from, uint64_t size);
/**
 * hf_region_copy() - Copy bytes from region to region.
 * @backwards: from the last one to the first one
 */
void hf_region_copy(struct hf_region *dst, uint64_t to, struct hf_region *src,
		    uint64_t from, uint64_t size, bool backwards);

/** hf_region_may_overlap() - May two regions share memory? False: certainly not. */
bool hf_region_may_overlap(const struct hf_region *a, const struct hf_region *b);

/* How to copy row by row so that nothing is read after it was overwritten. */
enum hf_region_order {
	HF_REGION_FORWARDS, /* also: as you like */
	HF_REGION_BACKWARDS,
	HF_REGION_ALL_FIRST, /* all of it must be read first */
};

/** hf_region_order() - For regions with the same rows, which may overlap. */
enum hf_region_order hf_region_order(const struct hf_region *dst,
				     const struct hf_region *src);

#endif
