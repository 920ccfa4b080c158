/* SPDX-License-Identifier: MIT */
/*
 * I/O virtual addresses. Ranges of up to 32 pages are rounded up to a power of
 * two, aligned to their size, and go through magazines: arrays of ranges of one
 * size. A thread has a set of caches, with two magazines for each size, which it
 * shares with few others; full magazines are exchanged by a depot. What magazines
 * do not have, and what is larger, comes from a tree of holes.
 *
 * Each cache and each depot has a lock that is held for a few instructions. The
 * tree has a mutex. Order: tree, cache, depot. What is in a magazine is taken
 * as far as the tree is concerned; where the tree has nothing, the magazines are
 * emptied into it.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/log.h"
#include "dma/iova.h"
#include "dma/iova_tree.h"

#define CLASSES 6 /* 1, 2, 4 … 32 pages */
#define SETS 8
#define MAGAZINE_RANGES 127
#define DEPOT_MAGAZINES 32

struct magazine {
	size_t count;
	hf_iova_t ranges[MAGAZINE_RANGES];
};

struct cache {
	alignas(64) atomic_bool locked;
	struct magazine *loaded, *previous;
};

struct depot {
	alignas(64) atomic_bool locked;
	size_t count;
	struct magazine *full[DEPOT_MAGAZINES];
};

struct hf_iova_space {
	struct cache caches[SETS][CLASSES];
	struct depot depots[CLASSES];
	hf_iova_t first, last;
	pthread_mutex_t lock; /* of the tree */
	struct hf_iova_tree tree;
};

static void lock(atomic_bool *locked)
{
	while (atomic_exchange_explicit(locked, true, memory_order_acquire))
		sched_yield();
}

static void unlock(atomic_bool *locked)
{
	atomic_store_explicit(locked, false, memory_order_release);
}

struct hf_iova_space *hf_iova_space_create(hf_iova_t first, hf_iova_t last)
{
	struct hf_iova_space *space;

	if (!first || first % HF_PAGE_SIZE || (last + 1) % HF_PAGE_SIZE ||
	    first > last) {
		errno = EINVAL;
		return NULL;
	}
	space = aligned_alloc(alignof(struct hf_iova_space), sizeof(*space));
	if (!space)
		return NULL;
	*space = (struct hf_iova_space){ .first = first, .last = last };
	if (hf_iova_tree_init(&space->tree, first, last - first + 1)) {
		free(space);
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&space->lock, NULL);
	return space;
}

void hf_iova_space_destroy(struct hf_iova_space *space)
{
	if (!space)
		return;
	for (size_t class = 0; class < CLASSES; class++) {
		for (size_t set = 0; set < SETS; set++) {
			free(space->caches[set][class].loaded);
			free(space->caches[set][class].previous);
		}
		while (space->depots[class].count)
			free(space->depots[class]
				     .full[--space->depots[class].count]);
	}
	hf_iova_tree_finish(&space->tree);
	pthread_mutex_destroy(&space->lock);
	free(space);
}

/* CLASSES: it is too large to be cached. */
static size_t class_of(size_t size)
{
	size_t pages = size >> HF_PAGE_SHIFT;

	if (pages <= 1)
		return 0;
	if (pages > 1u << (CLASSES - 1))
		return CLASSES;
	return 64 - __builtin_clzll(pages - 1);
}

static uint64_t class_size(size_t class)
{
	return (uint64_t)HF_PAGE_SIZE << class;
}

static struct cache *cache_of(struct hf_iova_space *space, size_t class)
{
	static _Thread_local unsigned int mine;
	static atomic_uint threads;

	if (!mine)
		mine = 1 + atomic_fetch_add(&threads, 1) % SETS;
	return &space->caches[mine - 1][class];
}

static bool is_full(const struct magazine *magazine)
{
	return magazine && magazine->count == MAGAZINE_RANGES;
}

/* The range that was put last and ends within the limit; 0: there is none. */
static hf_iova_t magazine_take(struct magazine *magazine, uint64_t size,
			       hf_iova_t limit)
{
	for (size_t i = magazine ? magazine->count : 0; i--;) {
		hf_iova_t iova = magazine->ranges[i];

		if (iova + (size - 1) > limit)
			continue;
		magazine->ranges[i] = magazine->ranges[--magazine->count];
		return iova;
	}
	return 0;
}

static struct magazine *depot_take(struct depot *depot)
{
	struct magazine *magazine = NULL;

	lock(&depot->locked);
	if (depot->count)
		magazine = depot->full[--depot->count];
	unlock(&depot->locked);
	return magazine;
}

static bool depot_give(struct depot *depot, struct magazine *magazine)
{
	bool room;

	lock(&depot->locked);
	room = depot->count < DEPOT_MAGAZINES;
	if (room)
		depot->full[depot->count++] = magazine;
	unlock(&depot->locked);
	return room;
}

static void exchange(struct cache *cache)
{
	struct magazine *magazine = cache->loaded;

	cache->loaded = cache->previous;
	cache->previous = magazine;
}

/* The loaded magazine has nothing that fits. */
static hf_iova_t cache_take_more(struct cache *cache, struct depot *depot,
				 uint64_t size, hf_iova_t limit)
{
	struct magazine *full;

	exchange(cache);
	if (!cache->loaded || !cache->loaded->count) {
		full = depot_take(depot);
		if (full) {
			free(cache->loaded);
			cache->loaded = full;
		}
	}
	return magazine_take(cache->loaded, size, limit);
}

static hf_iova_t cache_take(struct hf_iova_space *space, size_t class,
			    hf_iova_t limit)
{
	struct cache *cache = cache_of(space, class);
	uint64_t size = class_size(class);
	hf_iova_t iova;

	lock(&cache->locked);
	iova = magazine_take(cache->loaded, size, limit);
	if (!iova)
		iova = cache_take_more(cache, &space->depots[class], size,
				       limit);
	unlock(&cache->locked);
	return iova;
}

/* Lock of the tree. */
static void give_to_tree(struct hf_iova_space *space, hf_iova_t iova,
			 uint64_t size)
{
	if (!hf_iova_tree_give(&space->tree, iova, size))
		hf_err("iova: %#llx bytes at %#llx are freed and not allocated",
		       (unsigned long long)size, (unsigned long long)iova);
}

/* Its ranges to the tree, and free it; takes NULL. Lock of the tree. */
static void empty(struct hf_iova_space *space, size_t class,
		  struct magazine *magazine)
{
	while (magazine && magazine->count)
		give_to_tree(space, magazine->ranges[--magazine->count],
			     class_size(class));
	free(magazine);
}

/*
 * Make the loaded magazine have room; set @surplus to one that has to be
 * emptied, if any. Return: false where there is no memory.
 */
static bool make_room(struct cache *cache, struct depot *depot,
		      struct magazine **surplus)
{
	struct magazine *fresh;

	if (cache->loaded && !is_full(cache->previous))
		exchange(cache);
	if (cache->loaded && !is_full(cache->loaded))
		return true;
	fresh = malloc(sizeof(*fresh));
	if (!fresh)
		return false;
	fresh->count = 0;
	if (cache->loaded && !depot_give(depot, cache->loaded))
		*surplus = cache->loaded;
	cache->loaded = fresh;
	return true;
}

static bool cache_give(struct hf_iova_space *space, size_t class,
		       hf_iova_t iova)
{
	struct cache *cache = cache_of(space, class);
	struct magazine *surplus = NULL;
	bool given;

	lock(&cache->locked);
	given = (cache->loaded && !is_full(cache->loaded)) ||
		make_room(cache, &space->depots[class], &surplus);
	if (given)
		cache->loaded->ranges[cache->loaded->count++] = iova;
	unlock(&cache->locked);
	if (surplus) {
		pthread_mutex_lock(&space->lock);
		empty(space, class, surplus);
		pthread_mutex_unlock(&space->lock);
	}
	return given;
}

/* All that is cached to the tree. Lock of the tree. */
static void drain(struct hf_iova_space *space)
{
	for (size_t class = 0; class < CLASSES; class++) {
		struct magazine *full;

		for (size_t set = 0; set < SETS; set++) {
			struct cache *cache = &space->caches[set][class];
			struct magazine *loaded, *previous;

			lock(&cache->locked);
			loaded = cache->loaded;
			previous = cache->previous;
			cache->loaded = cache->previous = NULL;
			unlock(&cache->locked);
			empty(space, class, loaded);
			empty(space, class, previous);
		}
		while ((full = depot_take(&space->depots[class])))
			empty(space, class, full);
	}
}

int hf_iova_reserve(struct hf_iova_space *space, hf_iova_t start, size_t size)
{
	int ret;

	if (!size || size % HF_PAGE_SIZE || start % HF_PAGE_SIZE ||
	    start < space->first || start > space->last ||
	    size - 1 > space->last - start)
		return -EINVAL;
	pthread_mutex_lock(&space->lock);
	drain(space);
	ret = hf_iova_tree_take_at(&space->tree, start, size);
	pthread_mutex_unlock(&space->lock);
	return ret;
}

static hf_iova_t take_from_tree(struct hf_iova_space *space, uint64_t size,
				size_t align, hf_iova_t limit)
{
	hf_iova_t iova;

	pthread_mutex_lock(&space->lock);
	iova = hf_iova_tree_take(&space->tree, size, align, limit);
	if (!iova) {
		drain(space);
		iova = hf_iova_tree_take(&space->tree, size, align, limit);
	}
	pthread_mutex_unlock(&space->lock);
	return iova;
}

hf_iova_t hf_iova_alloc(struct hf_iova_space *space, size_t size, size_t align,
			hf_iova_t limit)
{
	size_t class = class_of(size);
	hf_iova_t iova;

	if (!size || size % HF_PAGE_SIZE || align < HF_PAGE_SIZE ||
	    (align & (align - 1)) || size - 1 > space->last - space->first)
		return 0;
	if (class == CLASSES)
		return take_from_tree(space, size, align, limit);
	if (align <= class_size(class)) {
		align = class_size(class);
		iova = cache_take(space, class, limit);
		if (iova)
			return iova;
	}
	return take_from_tree(space, class_size(class), align, limit);
}

void hf_iova_free(struct hf_iova_space *space, hf_iova_t iova, size_t size)
{
	size_t class = class_of(size);

	if (!size || iova < space->first || iova > space->last ||
	    size - 1 > space->last - iova) {
		hf_err("iova: %#llx is freed and no address of the space",
		       (unsigned long long)iova);
		return;
	}
	if (class != CLASSES) {
		if (cache_give(space, class, iova))
			return;
		size = class_size(class);
	}
	pthread_mutex_lock(&space->lock);
	give_to_tree(space, iova, size);
	pthread_mutex_unlock(&space->lock);
}
