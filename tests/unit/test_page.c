/* SPDX-License-Identifier: MIT */
/*
 * Bus addresses: whose they are, whose they were, and when they come back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "mem/backing.h"
#include "mem/memory.h"

#define BATCH 16384u

static struct hf_memory *mem;

static int setup(void **state)
{
	const struct hf_memory_options options = { .pool = 8 * HF_PAGE_SIZE };

	(void)state;
	mem = hf_memory_create(&options);
	return !mem;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(mem->stats.pages, 0);
	hf_memory_destroy(mem);
	return 0;
}

/* Pages of no memory: what is tested here is where they are on the bus. */
struct batch {
	struct hf_backing backing;
	struct hf_extent *extent;
	struct hf_page **pages;
	size_t n;
};

static void batch_init(struct batch *batch, size_t n, uint32_t owner)
{
	memset(batch, 0, sizeof(*batch));
	batch->backing.mem = mem;
	batch->backing.owner.object = owner;
	batch->backing.owner.pid = (pid_t)owner;
	batch->extent = calloc(1, sizeof(*batch->extent) +
				  n * sizeof(struct hf_page));
	batch->pages = calloc(n, sizeof(*batch->pages));
	assert_true(batch->extent && batch->pages);
	batch->extent->backing = &batch->backing;
	batch->extent->npages = n;
	batch->extent->live = 1; /* so that it stays */
	batch->n = n;
}

static void batch_finish(struct batch *batch)
{
	assert_int_equal(batch->extent->live, 1);
	free(batch->extent);
	free(batch->pages);
}

static int batch_get(struct batch *batch)
{
	int ret = hf_frames_reserve(mem, batch->n);

	for (size_t i = 0; i < batch->n && !ret; i++) {
		struct hf_page *page = &batch->extent->pages[i];

		page->refcount = 1;
		page->extent = batch->extent;
		page->pfn = hf_frame_take(mem);
		hf_page_appear(mem, page);
		batch->extent->live++;
		batch->backing.held++;
		mem->stats.pages++;
		batch->pages[i] = page;
	}
	return ret;
}

static bool has(const struct batch *batch, uint32_t pfn)
{
	for (size_t i = 0; i < batch->n; i++)
		if (batch->extent->pages[i].pfn == pfn)
			return true;
	return false;
}

static void all_are_at_their_address(const struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		assert_ptr_equal(hf_page_at(mem, hf_page_bus(batch->pages[i])),
				 batch->pages[i]);
}

static void bus_address_is_not_reused_while_held(void **state)
{
	struct batch held, other;
	uint32_t freed;

	(void)state;
	batch_init(&held, 100, 1);
	batch_init(&other, BATCH, 2);
	assert_int_equal(batch_get(&held), 0);
	/* Two million pages come and go; none is put where one is held. */
	for (unsigned int i = 0; i < 128; i++) {
		assert_int_equal(batch_get(&other), 0);
		all_are_at_their_address(&held);
		all_are_at_their_address(&other);
		hf_pages_put(other.pages, other.n);
	}
	/* A second reference holds it as well as the first. */
	hf_page_get(held.pages[0]);
	hf_pages_put(held.pages, 1);
	all_are_at_their_address(&held);

	/* One that was put has to rest. */
	freed = held.pages[0]->pfn;
	hf_pages_put(held.pages, 1);
	assert_null(hf_page_at(mem, (hf_bus_t)freed << HF_PAGE_SHIFT));
	other.n = HF_FRAMES_RESTING / 2;
	assert_int_equal(batch_get(&other), 0);
	assert_false(has(&other, freed));
	hf_pages_put(other.pages, other.n);

	hf_pages_put(held.pages + 1, held.n - 1);
	batch_finish(&held);
	batch_finish(&other);
}

/* A bus of 64 Ki places: each is given once, and then there is none. */
static void a_full_bus_is_enomem(void **state)
{
	struct batch all, one;
	uint32_t freed;

	(void)state;
	mem->max_frames = HF_CHUNK_FRAMES;
	batch_init(&all, HF_CHUNK_FRAMES, 1);
	batch_init(&one, 1, 2);
	assert_int_equal(batch_get(&all), 0);
	all_are_at_their_address(&all);
	assert_int_equal(batch_get(&one), -ENOMEM);
	assert_int_equal(hf_frames_reserve(mem, SIZE_MAX), -ENOMEM);
	freed = all.pages[77]->pfn;
	hf_pages_put(all.pages + 77, 1);
	assert_int_equal(batch_get(&one), 0);
	assert_int_equal(one.pages[0]->pfn, freed);
	hf_pages_put(one.pages, 1);
	hf_pages_put(all.pages, 77);
	hf_pages_put(all.pages + 78, all.n - 78);
	batch_finish(&all);
	batch_finish(&one);
}

static void the_longest_freed_comes_back_first(void **state)
{
	struct batch all, again;

	(void)state;
	mem->max_frames = HF_CHUNK_FRAMES;
	batch_init(&all, HF_CHUNK_FRAMES, 1);
	batch_init(&again, 1000, 2);
	assert_int_equal(batch_get(&all), 0);
	hf_pages_put(all.pages + 1000, all.n - 1000);
	hf_pages_put(all.pages, 1000);
	for (size_t round = 1; round < 4; round++) {
		assert_int_equal(batch_get(&again), 0);
		for (size_t i = 0; i < again.n; i++)
			assert_int_equal(again.pages[i]->pfn,
					 all.pages[round * 1000 + i]->pfn);
		hf_pages_put(again.pages, again.n);
	}
	batch_finish(&all);
	batch_finish(&again);
}

/* More places than one chunk has, more than once: the ring grows in between. */
static void places_grow_while_some_rest(void **state)
{
	struct batch small, large;

	(void)state;
	batch_init(&small, BATCH, 1);
	batch_init(&large, 5 * HF_CHUNK_FRAMES, 2);
	for (unsigned int i = 0; i < 9; i++) {
		assert_int_equal(batch_get(&small), 0);
		hf_pages_put(small.pages, small.n);
	}
	assert_int_equal(batch_get(&small), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(batch_get(&large), 0);
		all_are_at_their_address(&small);
		all_are_at_their_address(&large);
		hf_pages_put(large.pages, large.n);
	}
	hf_pages_put(small.pages, small.n);
	batch_finish(&small);
	batch_finish(&large);
}

static void neighbours_are_scattered(void **state)
{
	struct batch batch;

	(void)state;
	batch_init(&batch, 3 * HF_CHUNK_FRAMES, 1);
	assert_int_equal(batch_get(&batch), 0);
	for (size_t i = 0; i < batch.n; i++) {
		uint32_t pfn = batch.pages[i]->pfn;

		assert_true(pfn >= HF_CHUNK_FRAMES);
		if (i)
			assert_true(llabs((long long)pfn -
					  batch.pages[i - 1]->pfn) > 1);
	}
	hf_pages_put(batch.pages, batch.n);
	batch_finish(&batch);
}

static void nobody_is_at_an_address_that_was_never_given(void **state)
{
	const hf_bus_t buses[] = {
		0, HF_PAGE_SIZE, (hf_bus_t)HF_CHUNK_FRAMES << HF_PAGE_SHIFT,
		(hf_bus_t)UINT32_MAX << HF_PAGE_SHIFT, (hf_bus_t)1 << 44,
		UINT64_MAX,
	};
	struct hf_owner owner;
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
		assert_null(hf_page_at(mem, buses[i]));
		assert_false(hf_page_former_owner(mem, buses[i], &owner, &ns));
	}
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void a_former_owner_is_remembered(void **state)
{
	struct hf_owner owner = { 0 };
	struct batch batch;
	uint64_t ns = 0, before;
	hf_bus_t bus;

	(void)state;
	batch_init(&batch, 2, 4711);
	batch.backing.owner.pid = 12;
	assert_int_equal(batch_get(&batch), 0);
	bus = hf_page_bus(batch.pages[0]);
	assert_int_equal(hf_page_owner(batch.pages[0])->object, 4711);
	/* It has no former one yet. */
	assert_false(hf_page_former_owner(mem, bus, &owner, &ns));
	before = now();
	hf_pages_put(batch.pages, 1);
	/* Any byte of the page will do. */
	assert_true(hf_page_former_owner(mem, bus + 77, &owner, &ns));
	assert_int_equal(owner.object, 4711);
	assert_int_equal(owner.pid, 12);
	assert_in_range(ns, before, now());
	hf_pages_put(batch.pages + 1, 1);
	batch_finish(&batch);
}

struct reader {
	pthread_t thread;
	const struct hf_page *held;
	hf_bus_t bus; /* that is given to one owner after the other */
	atomic_bool stop;
	unsigned int wrong;
};

static void *read_without_lock(void *data)
{
	struct reader *reader = data;

	while (!atomic_load(&reader->stop)) {
		struct hf_owner owner;
		uint64_t ns;

		if (hf_page_at(mem, hf_page_bus(reader->held)) != reader->held)
			reader->wrong++;
		/* Owners have a PID that equals their number. */
		if (hf_page_former_owner(mem, reader->bus, &owner, &ns) &&
		    (owner.object != (uint32_t)owner.pid || !ns))
			reader->wrong++;
		hf_page_at(mem, reader->bus);
	}
	return NULL;
}

static void threads_look_pages_up_without_a_lock(void **state)
{
	struct batch held, one, two;
	struct reader reader = { 0 };

	(void)state;
	mem->max_frames = HF_CHUNK_FRAMES;
	batch_init(&held, HF_CHUNK_FRAMES - 1, 3);
	batch_init(&one, 1, 1);
	batch_init(&two, 1, 2);
	assert_int_equal(batch_get(&held), 0);
	assert_int_equal(batch_get(&one), 0);
	reader.held = held.pages[0];
	reader.bus = hf_page_bus(one.pages[0]);
	assert_int_equal(pthread_create(&reader.thread, NULL, read_without_lock,
					&reader), 0);
	for (unsigned int i = 0; i < 50000; i++) {
		hf_pages_put(one.pages, 1);
		assert_int_equal(batch_get(&two), 0);
		assert_int_equal(hf_page_bus(two.pages[0]), reader.bus);
		hf_pages_put(two.pages, 1);
		assert_int_equal(batch_get(&one), 0);
	}
	atomic_store(&reader.stop, true);
	pthread_join(reader.thread, NULL);
	assert_int_equal(reader.wrong, 0);
	hf_pages_put(one.pages, 1);
	hf_pages_put(held.pages, held.n);
	batch_finish(&held);
	batch_finish(&one);
	batch_finish(&two);
}

static void the_pool_has_a_window_of_its_own(void **state)
{
	struct batch batch;

	(void)state;
	assert_int_equal(hf_frames_reserve_pool(mem, 0, 8), 0);
	batch_init(&batch, HF_CHUNK_FRAMES, 1);
	assert_int_equal(batch_get(&batch), 0);
	for (size_t i = 0; i < batch.n; i++)
		assert_true(batch.pages[i]->pfn > hf_frame_pool(7));
	assert_true(hf_frame_pool(0) > 0);
	hf_pages_put(batch.pages, batch.n);
	batch_finish(&batch);
}

static void owners_have_numbers_that_are_not_0(void **state)
{
	uint32_t first = hf_owner_number(mem);

	(void)state;
	assert_int_not_equal(first, 0);
	assert_int_not_equal(hf_owner_number(mem), first);
	mem->last_owner = UINT32_MAX;
	assert_int_not_equal(hf_owner_number(mem), 0);
}

static void a_bad_pool_is_refused(void **state)
{
	struct hf_memory_options options = { .pool = HF_PAGE_SIZE + 1 };

	(void)state;
	errno = 0;
	assert_null(hf_memory_create(&options));
	assert_int_equal(errno, EINVAL);
	options.pool = (size_t)1 << 44; /* all that 32 bits can name */
	assert_null(hf_memory_create(&options));
	assert_int_equal(errno, EINVAL);
	hf_memory_destroy(NULL);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(bus_address_is_not_reused_while_held),
		TEST(a_full_bus_is_enomem),
		TEST(the_longest_freed_comes_back_first),
		TEST(places_grow_while_some_rest),
		TEST(neighbours_are_scattered),
		TEST(nobody_is_at_an_address_that_was_never_given),
		TEST(a_former_owner_is_remembered),
		TEST(threads_look_pages_up_without_a_lock),
		TEST(the_pool_has_a_window_of_its_own),
		TEST(owners_have_numbers_that_are_not_0),
		TEST(a_bad_pool_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
