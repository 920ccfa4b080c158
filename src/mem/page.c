/* SPDX-License-Identifier: MIT */
/*
 * The machine's memory on the bus: which page is where, and which places are
 * free. Fresh places are handed out first, in an order that leaves no two
 * neighbours next to each other; then the ones that have been free for longest.
 *
 * The lock of the devices protects it. hf_page_at() and hf_page_former_owner()
 * need none: chunks stay until the end, and frames consist of atomics.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <time.h>

#include "mem/backing.h"
#include "mem/memory.h"
#include "mem/trap.h"

/* Odd, so that multiples of it visit every frame of a chunk once. */
#define SCATTER 40503u

/* The pool's window starts here; what is below is no page's. */
#define POOL_CHUNK 1u

/* All but an eighth: descriptors are the lowest numbers that are free. */
static int fds_for_memory(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT_MAX)
		return INT_MAX;
	return limit.rlim_cur - limit.rlim_cur / 8;
}

struct hf_memory *hf_memory_create(const struct hf_memory_options *options)
{
	size_t pool = options->pool >> HF_PAGE_SHIFT;
	struct hf_memory *mem;

	/* At least one chunk must be left for other pages. */
	if (options->pool % HF_PAGE_SIZE ||
	    pool > (size_t)(HF_CHUNKS - POOL_CHUNK - 1) << HF_CHUNK_SHIFT) {
		errno = EINVAL;
		return NULL;
	}
	mem = calloc(1, sizeof(*mem));
	if (!mem)
		return NULL;
	mem->chunks = calloc(HF_CHUNKS, sizeof(*mem->chunks));
	if (!mem->chunks) {
		free(mem);
		errno = ENOMEM;
		return NULL;
	}
	mem->shadow = options->shadow;
	mem->max_fds = fds_for_memory();
	mem->max_pages = options->max_pages ? options->max_pages :
					      (size_t)sysconf(_SC_PHYS_PAGES) / 2;
	mem->first_chunk = POOL_CHUNK +
		((pool + HF_CHUNK_FRAMES - 1) >> HF_CHUNK_SHIFT);
	mem->max_frames = (uint64_t)(HF_CHUNKS - mem->first_chunk)
			  << HF_CHUNK_SHIFT;
	hf_pool_init(&mem->pool, pool);
	hf_reaper_init(&mem->reaper);
	hf_trap_install();
	return mem;
}

void hf_memory_destroy(struct hf_memory *mem)
{
	if (!mem)
		return;
	hf_reaper_finish(&mem->reaper);
	for (size_t i = 0; i < HF_CHUNKS; i++)
		free(mem->chunks[i]);
	free(mem->chunks);
	free(mem->resting);
	free(mem);
}

size_t hf_memory_max_pages(const struct hf_memory *mem)
{
	return mem->max_pages;
}

unsigned int hf_memory_max_fds(const struct hf_memory *mem)
{
	return mem->max_fds;
}

int hf_memory_promise(struct hf_memory *mem, size_t n)
{
	if (!hf_memory_has_room(mem, n))
		return -ENOMEM;
	mem->promised += n;
	return 0;
}

void hf_memory_promised(struct hf_memory *mem, size_t n)
{
	mem->promised -= n;
}

bool hf_memory_has_room(const struct hf_memory *mem, size_t n)
{
	uint64_t taken = mem->stats.pages + mem->promised;

	return taken <= mem->max_pages && n <= mem->max_pages - taken;
}

void hf_memory_stats(const struct hf_memory *mem, struct hf_memory_stats *stats)
{
	*stats = mem->stats;
	stats->pool_size = (uint64_t)mem->pool.npages << HF_PAGE_SHIFT;
	stats->pool_used = (uint64_t)mem->pool.used << HF_PAGE_SHIFT;
	stats->pool_hole = (uint64_t)hf_pool_hole(&mem->pool) << HF_PAGE_SHIFT;
}

uint32_t hf_owner_number(struct hf_memory *mem)
{
	if (!++mem->last_owner)
		mem->last_owner = 1;
	return mem->last_owner;
}

static int add_chunk(struct hf_memory *mem, size_t index)
{
	struct hf_frame *frames;

	if (mem->chunks[index])
		return 0;
	frames = calloc(HF_CHUNK_FRAMES, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	atomic_store_explicit(&mem->chunks[index], frames,
			      memory_order_release);
	return 0;
}

/* Room for every frame, so that freeing one cannot fail. */
static int grow_ring(struct hf_memory *mem, uint64_t frames)
{
	uint64_t size = mem->ring_size ? mem->ring_size : HF_CHUNK_FRAMES;
	uint64_t count = mem->rest_tail - mem->rest_head;
	uint32_t *ring;

	if (frames <= mem->ring_size)
		return 0;
	while (size < frames)
		size *= 2;
	ring = malloc(size * sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	for (uint64_t i = 0; i < count; i++)
		ring[i] = mem->resting[(mem->rest_head + i) &
				       (mem->ring_size - 1)];
	free(mem->resting);
	mem->resting = ring;
	mem->ring_size = size;
	mem->rest_head = 0;
	mem->rest_tail = count;
	return 0;
}

static int add_frames(struct hf_memory *mem)
{
	uint64_t frames = mem->frames + HF_CHUNK_FRAMES;

	if (frames > mem->max_frames || grow_ring(mem, frames) ||
	    add_chunk(mem, mem->first_chunk +
			   (mem->frames >> HF_CHUNK_SHIFT)))
		return -ENOMEM;
	mem->frames = frames;
	return 0;
}

int hf_frames_reserve(struct hf_memory *mem, size_t n)
{
	for (;;) {
		uint64_t fresh = mem->frames - mem->fresh;
		uint64_t rested = mem->rest_tail - mem->rest_head;

		if (n <= fresh || n - fresh + HF_FRAMES_RESTING <= rested)
			return 0;
		/* Rather an address that was used lately than none. */
		if (add_frames(mem))
			return n - fresh <= rested ? 0 : -ENOMEM;
	}
}

uint32_t hf_frame_take(struct hf_memory *mem)
{
	uint64_t fresh = mem->fresh;
	uint32_t chunk, frame;

	if (fresh == mem->frames)
		return mem->resting[mem->rest_head++ & (mem->ring_size - 1)];
	mem->fresh++;
	chunk = mem->first_chunk + (fresh >> HF_CHUNK_SHIFT);
	frame = (uint32_t)fresh * SCATTER % HF_CHUNK_FRAMES;
	return (chunk << HF_CHUNK_SHIFT) + frame;
}

int hf_frames_reserve_pool(struct hf_memory *mem, size_t start, size_t n)
{
	size_t last = hf_frame_pool(start + n - 1) >> HF_CHUNK_SHIFT;

	for (size_t i = hf_frame_pool(start) >> HF_CHUNK_SHIFT; i <= last; i++)
		if (add_chunk(mem, i))
			return -ENOMEM;
	return 0;
}

uint32_t hf_frame_pool(size_t index)
{
	return (POOL_CHUNK << HF_CHUNK_SHIFT) + index;
}

/* NULL where there is no such frame (yet). */
static struct hf_frame *frame_of(const struct hf_memory *mem, uint64_t pfn)
{
	struct hf_frame *frames;

	if (pfn > UINT32_MAX)
		return NULL;
	frames = atomic_load_explicit(&mem->chunks[pfn >> HF_CHUNK_SHIFT],
				      memory_order_acquire);
	return frames ? &frames[pfn % HF_CHUNK_FRAMES] : NULL;
}

void hf_page_appear(struct hf_memory *mem, struct hf_page *page)
{
	struct hf_frame *frame = frame_of(mem, page->pfn);

	atomic_store_explicit(&frame->page, page, memory_order_release);
}

/* For a reader without the lock, @freed is 0 while @owner is changed. */
static void remember(struct hf_frame *frame, const struct hf_owner *owner,
		     uint64_t ns)
{
	uint64_t packed = (uint64_t)owner->object << 32 | (uint32_t)owner->pid;

	atomic_store_explicit(&frame->freed, 0, memory_order_relaxed);
	atomic_store_explicit(&frame->owner, packed, memory_order_release);
	atomic_store_explicit(&frame->freed, ns, memory_order_release);
}

static void vanish(struct hf_memory *mem, struct hf_page *page, uint64_t ns)
{
	struct hf_frame *frame = frame_of(mem, page->pfn);

	atomic_store_explicit(&frame->page, NULL, memory_order_release);
	remember(frame, hf_page_owner(page), ns);
	if (page->pfn >> HF_CHUNK_SHIFT >= mem->first_chunk)
		mem->resting[mem->rest_tail++ & (mem->ring_size - 1)] =
			page->pfn;
}

struct hf_page *hf_page_at(const struct hf_memory *mem, hf_bus_t bus)
{
	struct hf_frame *frame = frame_of(mem, bus >> HF_PAGE_SHIFT);

	return frame ? atomic_load_explicit(&frame->page, memory_order_acquire)
		     : NULL;
}

bool hf_page_former_owner(const struct hf_memory *mem, hf_bus_t bus,
			  struct hf_owner *owner, uint64_t *ns)
{
	struct hf_frame *frame = frame_of(mem, bus >> HF_PAGE_SHIFT);
	uint64_t packed, freed;

	if (!frame)
		return false;
	freed = atomic_load_explicit(&frame->freed, memory_order_acquire);
	packed = atomic_load_explicit(&frame->owner, memory_order_acquire);
	if (!freed || freed != atomic_load_explicit(&frame->freed,
						    memory_order_relaxed))
		return false;
	owner->object = packed >> 32;
	owner->pid = (pid_t)(uint32_t)packed;
	*ns = freed;
	return true;
}

static size_t index_of(const struct hf_page *page)
{
	return page - page->extent->pages;
}

void *hf_page_cpu(const struct hf_page *page)
{
	return page->extent->cpu + (index_of(page) << HF_PAGE_SHIFT);
}

void *hf_page_shadow(const struct hf_page *page)
{
	char *shadow = page->extent->shadow;

	return shadow ? shadow + (index_of(page) << HF_PAGE_SHIFT) : NULL;
}

const struct hf_owner *hf_page_owner(const struct hf_page *page)
{
	return &page->extent->backing->owner;
}

void hf_page_get(struct hf_page *page)
{
	page->refcount++;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void hf_pages_put(struct hf_page **pages, size_t n)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < n; i++) {
		struct hf_page *page = pages[i];

		if (--page->refcount)
			continue;
		if (!ns)
			ns = now();
		vanish(page->extent->backing->mem, page, ns);
		hf_extent_drop(page->extent);
	}
}
