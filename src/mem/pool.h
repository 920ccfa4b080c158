/* SPDX-License-Identifier: MIT */
/*
 * The contiguous pool: a window of bus addresses from which whole runs are
 * given out, for devices that need one. What the kernel has in CMA.
 *
 * A run that nobody holds pages of may be moved, and is when a request finds no
 * hole that is large enough although there is room: the pool defragments, or
 * says how large its largest hole is.
 *
 * The lock of the devices protects it.
 */
#ifndef HF_MEM_POOL_H
#define HF_MEM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-util.h>

/**
 * struct hf_pool_run - A run of pages.
 * @start: pages from the start of the pool
 * @npages: how many
 * @align: of @start, a power of two
 * @pinned: it must not move now
 */
struct hf_pool_run {
	size_t start, npages, align;
	unsigned int pinned;
	struct wl_list link; /* by address */
};

struct hf_pool {
	size_t npages, used;
	struct wl_list runs;
	size_t nruns;
	uint64_t moves; /* runs, ever */
};

/** hf_pool_init() - A pool of @npages. */
void hf_pool_init(struct hf_pool *pool, size_t npages);

/**
 * hf_pool_alloc() - Take a run, best fit.
 * @align: pages, a power of two
 *
 * Return: 0; -EINVAL for no pages or an alignment that is none; -ENOMEM.
 */
int hf_pool_alloc(struct hf_pool *pool, struct hf_pool_run *run, size_t npages,
		  size_t align);
void hf_pool_free(struct hf_pool *pool, struct hf_pool_run *run);
/** hf_pool_hole() - The largest hole, pages. */
size_t hf_pool_hole(const struct hf_pool *pool);

#endif
