/* SPDX-License-Identifier: MIT */
/*
 * The allocator of I/O virtual addresses. Ranges of up to 32 pages go through
 * caches by size, several of them, so that threads do not meet; others, and
 * what the caches do not have, through a tree of holes.
 *
 * It has locks of its own: any thread may use it.
 */
#ifndef HF_DMA_IOVA_H
#define HF_DMA_IOVA_H

#include <stddef.h>
#include <stdint.h>

#include "dma/sg.h"

struct hf_iova_space;

/**
 * hf_iova_space_create() - A space of addresses.
 * @first: lowest address, a multiple of the page size, not 0
 * @last: highest, the last byte of a page
 *
 * Return: NULL and EINVAL or ENOMEM.
 */
struct hf_iova_space *hf_iova_space_create(hf_iova_t first, hf_iova_t last);
/** hf_iova_space_destroy() - Takes NULL. */
void hf_iova_space_destroy(struct hf_iova_space *space);

/** hf_iova_reserve() - Never give out this range. 0, -EBUSY, -EINVAL, -ENOMEM. */
int hf_iova_reserve(struct hf_iova_space *space, hf_iova_t start, size_t size);

/**
 * hf_iova_alloc() - A range that nobody has.
 * @size: bytes, whole pages
 * @align: of the address, bytes, a power of two of at least a page
 * @limit: highest address that the device can use
 *
 * Return: its address, or 0 where there is no room or no memory.
 */
hf_iova_t hf_iova_alloc(struct hf_iova_space *space, size_t size, size_t align,
			hf_iova_t limit);
/** hf_iova_free() - @iova and @size as they were allocated. */
void hf_iova_free(struct hf_iova_space *space, hf_iova_t iova, size_t size);

#endif
