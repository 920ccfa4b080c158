/* SPDX-License-Identifier: MIT */
/*
 * The contiguous pool: runs in a list by address; what is between them is holes.
 * A request takes the smallest hole that it fits into. When there is none, runs
 * that are not pinned are moved towards the start: first slid together where
 * they are, then from behind pinned ones into holes before those.
 *
 * The lock of the devices protects it.
 */
#include <errno.h>

#include "base/log.h"
#include "mem/page.h"
#include "mem/pool.h"

struct hole {
	struct wl_list *after; /* its place in the list */
	size_t start, end;
};

void hf_pool_init(struct hf_pool *pool, size_t npages)
{
	pool->npages = npages;
	pool->used = 0;
	pool->moves = 0;
	wl_list_init(&pool->runs);
}

/* What is free between a run, or the head of the list, and the next run. */
static struct hole hole_after(const struct hf_pool *pool, struct wl_list *place)
{
	struct hole hole = { .after = place, .end = pool->npages };
	const struct hf_pool_run *run;

	if (place != &pool->runs) {
		run = wl_container_of(place, run, link);
		hole.start = run->start + run->npages;
	}
	if (place->next != &pool->runs) {
		run = wl_container_of(place->next, run, link);
		hole.end = run->start;
	}
	return hole;
}

/* Where a run would start in a hole; SIZE_MAX: it does not fit. */
static size_t fit(const struct hole *hole, const struct hf_pool_run *run)
{
	size_t start = (hole->start + run->align - 1) & ~(run->align - 1);

	if (start < hole->start || start > hole->end ||
	    run->npages > hole->end - start)
		return SIZE_MAX;
	return start;
}

static void place(struct hf_pool_run *run, const struct hole *hole)
{
	run->start = fit(hole, run);
	wl_list_insert(hole->after, &run->link);
}

static bool place_best(struct hf_pool *pool, struct hf_pool_run *run)
{
	struct hole best = { .after = NULL, .end = SIZE_MAX };
	struct wl_list *after = &pool->runs;

	do {
		struct hole hole = hole_after(pool, after);

		if (hole.end - hole.start < best.end - best.start &&
		    fit(&hole, run) != SIZE_MAX)
			best = hole;
		after = after->next;
	} while (after != &pool->runs);
	if (!best.after)
		return false;
	place(run, &best);
	return true;
}

/* Place it there if it fits now. */
static bool place_after(struct hf_pool *pool, struct wl_list *after,
			struct hf_pool_run *run)
{
	struct hole hole = hole_after(pool, after);

	if (fit(&hole, run) == SIZE_MAX)
		return false;
	place(run, &hole);
	return true;
}

/* With many runs, looking at all holes costs more than it saves, as long as there
 * is room behind the last one. */
#define MANY 256u

static bool place_last(struct hf_pool *pool, struct hf_pool_run *run)
{
	return pool->nruns > MANY && place_after(pool, pool->runs.prev, run);
}

/* Close holes by moving each run down to the one before it. */
static bool slide(struct hf_pool *pool, struct hf_pool_run *wanted)
{
	struct hf_pool_run *run;

	wl_list_for_each(run, &pool->runs, link) {
		struct hole hole;
		size_t start;

		if (run->pinned)
			continue;
		hole = hole_after(pool, run->link.prev);
		start = (hole.start + run->align - 1) & ~(run->align - 1);
		if (start == run->start)
			continue;
		run->start = start;
		pool->moves++;
		if (place_after(pool, &run->link, wanted))
			return true;
	}
	return false;
}

/* Holes that are looked at in one request: everybody waits meanwhile. */
#define MAX_LOOKS (1u << 16)

/* Move a run into the first hole before it that takes it. */
static bool jump_one(struct hf_pool *pool, struct hf_pool_run *run,
		     unsigned int *looks)
{
	struct wl_list *after = &pool->runs, *from = run->link.prev;

	for (; after != from && *looks < MAX_LOOKS; after = after->next) {
		struct hole hole = hole_after(pool, after);

		(*looks)++;
		if (fit(&hole, run) == SIZE_MAX)
			continue;
		wl_list_remove(&run->link);
		place(run, &hole);
		pool->moves++;
		return true;
	}
	return false;
}

/* Empty the end of the pool into the holes before pinned runs. */
static bool jump(struct hf_pool *pool, struct hf_pool_run *wanted)
{
	struct hf_pool_run *run, *prev;
	unsigned int looks = 0;

	wl_list_for_each_reverse_safe(run, prev, &pool->runs, link) {
		if (!run->pinned && jump_one(pool, run, &looks) &&
		    place_after(pool, &prev->link, wanted))
			return true;
	}
	return false;
}

int hf_pool_alloc(struct hf_pool *pool, struct hf_pool_run *run, size_t npages,
		  size_t align)
{
	if (!npages || !align || (align & (align - 1)))
		return -EINVAL;
	run->npages = npages;
	run->align = align;
	run->pinned = 0;
	if (place_last(pool, run) || place_best(pool, run) ||
	    (npages <= pool->npages - pool->used &&
	     (slide(pool, run) || jump(pool, run) || slide(pool, run)))) {
		pool->used += npages;
		pool->nruns++;
		return 0;
	}
	/* Whoever wanted it may do without. */
	hf_info("contiguous pool: %zu bytes wanted, largest hole %zu",
		npages << HF_PAGE_SHIFT, hf_pool_hole(pool) << HF_PAGE_SHIFT);
	return -ENOMEM;
}

void hf_pool_free(struct hf_pool *pool, struct hf_pool_run *run)
{
	wl_list_remove(&run->link);
	pool->used -= run->npages;
	pool->nruns--;
}

size_t hf_pool_hole(const struct hf_pool *pool)
{
	const struct wl_list *after = &pool->runs;
	size_t largest = 0;

	do {
		struct hole hole = hole_after(pool, (struct wl_list *)after);

		if (hole.end - hole.start > largest)
			largest = hole.end - hole.start;
		after = after->next;
	} while (after != &pool->runs);
	return largest;
}
