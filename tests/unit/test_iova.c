/* SPDX-License-Identifier: MIT */
/*
 * The allocator of I/O virtual addresses, against a map of who has which page,
 * and from several threads.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dma/iova.h"

#define PAGE HF_PAGE_SIZE
#define ANYWHERE UINT64_MAX

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* What the allocator takes for a range of @pages. */
static size_t rounded(size_t pages)
{
	size_t size = 1;

	if (pages > 32)
		return pages;
	while (size < pages)
		size *= 2;
	return size;
}

static void a_space_must_be_of_pages(void **state)
{
	(void)state;
	errno = 0;
	assert_null(hf_iova_space_create(0, 0xffff));
	assert_int_equal(errno, EINVAL);
	assert_null(hf_iova_space_create(0x1001, 0xffff));
	assert_null(hf_iova_space_create(0x1000, 0x10000));
	assert_null(hf_iova_space_create(0x2000, 0x1fff));
	hf_iova_space_destroy(NULL);
}

static void bad_sizes_and_alignments_get_nothing(void **state)
{
	struct hf_iova_space *space = hf_iova_space_create(PAGE, 0xfffff);

	(void)state;
	assert_non_null(space);
	assert_int_equal(hf_iova_alloc(space, 0, PAGE, ANYWHERE), 0);
	assert_int_equal(hf_iova_alloc(space, 100, PAGE, ANYWHERE), 0);
	assert_int_equal(hf_iova_alloc(space, PAGE, 0, ANYWHERE), 0);
	assert_int_equal(hf_iova_alloc(space, PAGE, 3 * PAGE, ANYWHERE), 0);
	assert_int_equal(hf_iova_alloc(space, PAGE, 1ull << 63, ANYWHERE), 0);
	assert_int_equal(hf_iova_alloc(space, SIZE_MAX - PAGE + 1, PAGE,
				       ANYWHERE), 0);
	hf_iova_space_destroy(space);
}

static void the_last_page_is_given_and_then_none(void **state)
{
	enum { PAGES = 1000 };
	struct hf_iova_space *space =
		hf_iova_space_create(PAGE, (PAGES + 1) * PAGE - 1);
	static hf_iova_t iovas[PAGES];
	bool seen[PAGES + 1] = { false };

	(void)state;
	for (int round = 0; round < 3; round++) {
		memset(seen, 0, sizeof(seen));
		for (size_t i = 0; i < PAGES; i++) {
			iovas[i] = hf_iova_alloc(space, PAGE, PAGE, ANYWHERE);
			assert_in_range(iovas[i], PAGE, PAGES * PAGE);
			assert_false(seen[iovas[i] / PAGE]);
			seen[iovas[i] / PAGE] = true;
		}
		assert_int_equal(hf_iova_alloc(space, PAGE, PAGE, ANYWHERE), 0);
		for (size_t i = 0; i < PAGES; i++)
			hf_iova_free(space, iovas[(i * 7) % PAGES], PAGE);
	}
	hf_iova_space_destroy(space);
}

static void cached_ranges_are_drained_for_a_larger_one(void **state)
{
	struct hf_iova_space *space =
		hf_iova_space_create(PAGE, 257 * PAGE - 1);
	hf_iova_t iovas[256], all;

	(void)state;
	for (size_t i = 0; i < 256; i++)
		iovas[i] = hf_iova_alloc(space, PAGE, PAGE, ANYWHERE);
	for (size_t i = 0; i < 256; i++)
		hf_iova_free(space, iovas[i], PAGE);
	all = hf_iova_alloc(space, 256 * PAGE, PAGE, ANYWHERE);
	assert_int_equal(all, PAGE);
	assert_int_equal(hf_iova_alloc(space, PAGE, PAGE, ANYWHERE), 0);
	hf_iova_free(space, all, 256 * PAGE);
	hf_iova_space_destroy(space);
}

static void alignment_is_kept(void **state)
{
	struct hf_iova_space *space =
		hf_iova_space_create(PAGE, (1ull << 32) - 1);

	(void)state;
	for (size_t align = PAGE; align <= 1u << 30; align *= 2) {
		for (size_t pages = 1; pages < 100; pages += 13) {
			hf_iova_t iova = hf_iova_alloc(space, pages * PAGE,
						       align, ANYWHERE);

			assert_int_not_equal(iova, 0);
			assert_int_equal(iova % align, 0);
			hf_iova_free(space, iova, pages * PAGE);
		}
	}
	hf_iova_space_destroy(space);
}

static void alignment_finds_the_only_hole_that_fits(void **state)
{
	enum { BLOCKS = 200, PAGES = 4 * 64 };
	struct hf_iova_space *space = hf_iova_space_create(
		PAGES * PAGE, (BLOCKS + 1) * PAGES * PAGE - 1);
	hf_iova_t block;

	(void)state;
	/* Each block but one has a hole of 64 pages at a bad place. */
	for (size_t i = 1; i <= BLOCKS; i++) {
		hf_iova_t base = i * PAGES * PAGE;

		if (i == 3)
			continue;
		assert_int_equal(hf_iova_reserve(space, base, PAGE), 0);
		assert_int_equal(hf_iova_reserve(space, base + 65 * PAGE,
						 (PAGES - 65) * PAGE), 0);
	}
	block = hf_iova_alloc(space, 64 * PAGE, 64 * PAGE, ANYWHERE);
	assert_int_equal(block / (PAGES * PAGE), 3);
	assert_int_equal(block % (64 * PAGE), 0);
	hf_iova_space_destroy(space);
}

static void a_limit_is_respected(void **state)
{
	struct hf_iova_space *space =
		hf_iova_space_create(PAGE, (1ull << 48) - 1);
	hf_iova_t high, low;

	(void)state;
	for (size_t pages = 1; pages <= 64; pages *= 2) {
		size_t size = pages * PAGE;

		/* Freed high ranges are cached, and must not be given below. */
		for (int i = 0; i < 300; i++) {
			high = hf_iova_alloc(space, size, PAGE, ANYWHERE);
			assert_true(high > UINT32_MAX);
			hf_iova_free(space, high, size);
		}
		low = hf_iova_alloc(space, size, PAGE, UINT32_MAX);
		assert_int_not_equal(low, 0);
		assert_true(low + size - 1 <= UINT32_MAX);
		assert_int_equal(hf_iova_alloc(space, size, PAGE, size - 1), 0);
		hf_iova_free(space, low, size);
	}
	hf_iova_space_destroy(space);
}

static void a_full_low_part_does_not_spill_over_the_limit(void **state)
{
	struct hf_iova_space *space =
		hf_iova_space_create(PAGE, (1ull << 32) - 1);
	hf_iova_t limit = 17 * PAGE - 1;

	(void)state;
	for (int i = 0; i < 16; i++)
		assert_in_range(hf_iova_alloc(space, PAGE, PAGE, limit), PAGE,
				limit);
	assert_int_equal(hf_iova_alloc(space, PAGE, PAGE, limit), 0);
	assert_true(hf_iova_alloc(space, PAGE, PAGE, ANYWHERE) > limit);
	hf_iova_space_destroy(space);
}

static void reserved_ranges_are_never_given(void **state)
{
	struct hf_iova_space *space = hf_iova_space_create(PAGE, 101 * PAGE - 1);
	hf_iova_t iova;
	int n = 0;

	(void)state;
	iova = hf_iova_alloc(space, PAGE, PAGE, ANYWHERE);
	assert_int_equal(hf_iova_reserve(space, iova, PAGE), -EBUSY);
	hf_iova_free(space, iova, PAGE);
	/* It is in a cache now, which must not hinder. */
	assert_int_equal(hf_iova_reserve(space, iova, PAGE), 0);
	assert_int_equal(hf_iova_reserve(space, iova, PAGE), -EBUSY);
	assert_int_equal(hf_iova_reserve(space, 10 * PAGE, 5 * PAGE), 0);
	assert_int_equal(hf_iova_reserve(space, 9 * PAGE, 2 * PAGE), -EBUSY);
	assert_int_equal(hf_iova_reserve(space, 14 * PAGE, 2 * PAGE), -EBUSY);
	assert_int_equal(hf_iova_reserve(space, 0, PAGE), -EINVAL);
	assert_int_equal(hf_iova_reserve(space, 101 * PAGE, PAGE), -EINVAL);
	assert_int_equal(hf_iova_reserve(space, 50 * PAGE, 52 * PAGE), -EINVAL);
	assert_int_equal(hf_iova_reserve(space, PAGE + 1, PAGE), -EINVAL);
	assert_int_equal(hf_iova_reserve(space, PAGE, 0), -EINVAL);
	while ((iova = hf_iova_alloc(space, PAGE, PAGE, ANYWHERE))) {
		assert_false(iova >= 10 * PAGE && iova < 15 * PAGE);
		n++;
	}
	assert_int_equal(n, 100 - 1 - 5);
	hf_iova_space_destroy(space);
}

static void what_was_not_allocated_is_not_freed(void **state)
{
	struct hf_iova_space *space = hf_iova_space_create(PAGE, 201 * PAGE - 1);
	hf_iova_t iova = hf_iova_alloc(space, 50 * PAGE, PAGE, ANYWHERE);

	(void)state;
	hf_iova_free(space, iova, 50 * PAGE);
	hf_iova_free(space, iova, 50 * PAGE);
	hf_iova_free(space, 0, PAGE);
	hf_iova_free(space, 201 * PAGE, PAGE);
	hf_iova_free(space, 200 * PAGE, 2 * PAGE);
	iova = hf_iova_alloc(space, 200 * PAGE, PAGE, ANYWHERE);
	assert_int_equal(iova, PAGE);
	assert_int_equal(hf_iova_alloc(space, 50 * PAGE, PAGE, ANYWHERE), 0);
	hf_iova_space_destroy(space);
}

/* Who has which page, the simple way. */
#define MODEL_PAGES 20000
struct model {
	struct hf_iova_space *space;
	uint8_t taken[MODEL_PAGES + 1];
	struct {
		hf_iova_t iova;
		size_t pages;
	} ranges[400];
	uint32_t seed;
};

static void model_mark(struct model *model, hf_iova_t iova, size_t pages,
		       bool take)
{
	size_t first = iova / PAGE;

	assert_int_equal(iova % PAGE, 0);
	assert_in_range(first, 1, MODEL_PAGES);
	assert_in_range(first + pages - 1, 1, MODEL_PAGES);
	for (size_t i = first; i < first + pages; i++) {
		assert_int_equal(model->taken[i], !take);
		model->taken[i] = take;
	}
}

static bool model_has_room(const struct model *model, size_t pages,
			   size_t align, size_t limit)
{
	for (size_t at = align; at + pages - 1 <= limit; at += align) {
		size_t n = 0;

		while (n < pages && !model->taken[at + n])
			n++;
		if (n == pages)
			return true;
	}
	return false;
}

static void model_step(struct model *model)
{
	size_t i = rnd(&model->seed) % 400;
	size_t pages = model->ranges[i].pages, align, limit;
	hf_iova_t iova = model->ranges[i].iova;

	if (pages) {
		model_mark(model, iova, rounded(pages), false);
		hf_iova_free(model->space, iova, pages * PAGE);
		model->ranges[i].pages = 0;
		return;
	}
	pages = 1 + rnd(&model->seed) % (rnd(&model->seed) % 4 ? 33 : 400);
	align = 1u << rnd(&model->seed) % 7;
	limit = rnd(&model->seed) % 3 ? MODEL_PAGES : MODEL_PAGES / 2;
	iova = hf_iova_alloc(model->space, pages * PAGE, align * PAGE,
			     (limit + 1) * PAGE - 1);
	if (align < rounded(pages) && pages <= 32)
		align = rounded(pages);
	if (!iova) {
		assert_false(model_has_room(model, rounded(pages), align,
					    limit));
		return;
	}
	assert_int_equal(iova / PAGE % align, 0);
	assert_true(iova / PAGE + rounded(pages) - 1 <= limit);
	model_mark(model, iova, rounded(pages), true);
	model->ranges[i].iova = iova;
	model->ranges[i].pages = pages;
}

static void random_use_agrees_with_a_simple_model(void **state)
{
	static struct model model = { .seed = 20 };

	(void)state;
	model.space = hf_iova_space_create(PAGE, (MODEL_PAGES + 1) * PAGE - 1);
	for (int i = 0; i < 100000; i++)
		model_step(&model);
	for (int i = 0; i < 400; i++)
		if (model.ranges[i].pages)
			hf_iova_free(model.space, model.ranges[i].iova,
				     model.ranges[i].pages * PAGE);
	assert_int_equal(hf_iova_alloc(model.space, MODEL_PAGES * PAGE, PAGE,
				       ANYWHERE), PAGE);
	hf_iova_space_destroy(model.space);
}

/* Threads take, and give back what others took. */
#define SHARED 512
struct shared {
	struct hf_iova_space *space;
	struct {
		_Atomic hf_iova_t iova;
	} slots[SHARED];
	_Atomic uint8_t taken[65536];
	atomic_int clashes, failures;
};

struct worker {
	struct shared *shared;
	uint32_t seed;
	pthread_t thread;
};

static size_t slot_pages(size_t slot)
{
	static const size_t pages[] = { 1, 2, 3, 8, 32, 33, 50, 1 };

	return pages[slot % 8];
}

static void mark(struct shared *shared, hf_iova_t iova, size_t pages,
		 uint8_t take)
{
	for (size_t i = 0; i < rounded(pages); i++)
		if (atomic_exchange(&shared->taken[iova / PAGE + i], take) ==
		    take)
			atomic_fetch_add(&shared->clashes, 1);
}

static void *work(void *data)
{
	struct worker *worker = data;
	struct shared *shared = worker->shared;

	for (int i = 0; i < 20000; i++) {
		size_t slot = rnd(&worker->seed) % SHARED;
		size_t pages = slot_pages(slot);
		hf_iova_t iova = 0;

		if (rnd(&worker->seed) % 2) {
			iova = hf_iova_alloc(shared->space, pages * PAGE, PAGE,
					     ANYWHERE);
			if (iova)
				mark(shared, iova, pages, 1);
			else
				atomic_fetch_add(&shared->failures, 1);
		}
		iova = atomic_exchange(&shared->slots[slot].iova, iova);
		if (iova) {
			mark(shared, iova, pages, 0);
			hf_iova_free(shared->space, iova, pages * PAGE);
		}
	}
	return NULL;
}

static void threads_never_get_the_same_address(void **state)
{
	static struct shared shared;
	struct worker workers[4];

	(void)state;
	shared.space = hf_iova_space_create(PAGE, 65536 * PAGE - 1);
	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .shared = &shared,
					      .seed = 77 + i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
						&workers[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(workers[i].thread, NULL);
	assert_int_equal(shared.clashes, 0);
	assert_int_equal(shared.failures, 0);
	for (size_t i = 0; i < SHARED; i++)
		if (shared.slots[i].iova)
			hf_iova_free(shared.space, shared.slots[i].iova,
				     slot_pages(i) * PAGE);
	assert_int_equal(hf_iova_alloc(shared.space, 65535 * PAGE, PAGE,
				       ANYWHERE), PAGE);
	hf_iova_space_destroy(shared.space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_space_must_be_of_pages),
		cmocka_unit_test(bad_sizes_and_alignments_get_nothing),
		cmocka_unit_test(the_last_page_is_given_and_then_none),
		cmocka_unit_test(cached_ranges_are_drained_for_a_larger_one),
		cmocka_unit_test(alignment_is_kept),
		cmocka_unit_test(alignment_finds_the_only_hole_that_fits),
		cmocka_unit_test(a_limit_is_respected),
		cmocka_unit_test(a_full_low_part_does_not_spill_over_the_limit),
		cmocka_unit_test(reserved_ranges_are_never_given),
		cmocka_unit_test(what_was_not_allocated_is_not_freed),
		cmocka_unit_test(random_use_agrees_with_a_simple_model),
		cmocka_unit_test(threads_never_get_the_same_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
