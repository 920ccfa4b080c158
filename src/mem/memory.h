/* SPDX-License-Identifier: MIT */
/*
 * The inside of struct hf_memory, for the files of mem/ and their tests.
 *
 * Frames are the places on the bus, one a page, and are numbered (pfn). They
 * come in chunks of 64 Ki, which are allocated as they are needed: none for
 * pfn 0 and its neighbours, then those of the contiguous pool, then the rest.
 *
 * The lock of the devices protects it; chunks and frames are read without it.
 */
#ifndef HF_MEM_MEMORY_H
#define HF_MEM_MEMORY_H

#include <stdatomic.h>

#include "mem/page.h"
#include "mem/pool.h"
#include "mem/reaper.h"

#define HF_CHUNK_SHIFT 16
#define HF_CHUNK_FRAMES (1u << HF_CHUNK_SHIFT)
#define HF_CHUNKS (1u << 16)

/* Freed frames are not reused until there are as many of them. */
#define HF_FRAMES_RESTING 16384u

/**
 * struct hf_frame - A place on the bus.
 * @page: who is there, or NULL
 * @owner: of the page that was there before, packed
 * @freed: when that one was freed, or 0
 */
struct hf_frame {
	_Atomic(struct hf_page *) page;
	_Atomic uint64_t owner, freed;
};

/**
 * struct hf_memory - The machine's memory as devices see it.
 * @chunks: HF_CHUNKS of HF_CHUNK_FRAMES frames, or NULL
 * @first_chunk: the first one that is not the pool's
 * @max_frames: that there may be outside of the pool
 * @frames: that there are, outside of the pool
 * @fresh: the next one of them that was never used
 * @resting: ring of freed frames, the oldest first
 * @ring_size: entries, a power of two and at least @frames, or 0
 * @rest_head: the oldest; counts up for ever, likewise @rest_tail
 * @by_key: all backings that can be found
 * @last_owner: number that was given last
 */
struct hf_memory {
	bool shadow;
	size_t max_pages; /* that may be held */
	size_t promised; /* of them, see hf_memory_promise() */
	int max_fds; /* for memory: the rest is kept for other uses */
	struct hf_memory_stats stats;
	_Atomic(struct hf_frame *) *chunks;
	uint32_t first_chunk;
	uint64_t max_frames, frames, fresh;
	uint32_t *resting;
	uint64_t ring_size, rest_head, rest_tail;
	struct hf_pool pool;
	struct hf_reaper reaper;
	struct hf_backing *by_key;
	uint32_t last_owner;
};

/** hf_memory_has_room() - May so many more pages be held? */
bool hf_memory_has_room(const struct hf_memory *mem, size_t n);

/** hf_frames_reserve() - Let hf_frame_take() succeed @n times. 0, -ENOMEM. */
int hf_frames_reserve(struct hf_memory *mem, size_t n);
/** hf_frame_take() - A free frame for a page. Return: its pfn. */
uint32_t hf_frame_take(struct hf_memory *mem);
/** hf_frames_reserve_pool() - The same for pages of the pool. 0, -ENOMEM. */
int hf_frames_reserve_pool(struct hf_memory *mem, size_t start, size_t n);
/** hf_frame_pool() - The pfn of a page of the pool. */
uint32_t hf_frame_pool(size_t index);

/** hf_page_appear() - A page gets its place on the bus: @page->pfn is set. */
void hf_page_appear(struct hf_memory *mem, struct hf_page *page);

/** hf_owner_number() - A number for a new owner. */
uint32_t hf_owner_number(struct hf_memory *mem);

#endif
