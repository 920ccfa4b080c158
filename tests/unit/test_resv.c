/* SPDX-License-Identifier: MIT */
/*
 * Reservations: who waits for whom, and that they never grow without bound.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sync/resv.h"

static struct hf_backing backing;
static struct hf_timeline one, two;

static int setup(void **state)
{
	(void)state;
	backing = (struct hf_backing){ 0 };
	hf_timeline_init(&one, "one");
	hf_timeline_init(&two, "two");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (backing.resv)
		backing.resv_destroy(backing.resv);
	return 0;
}

/* A fence that the reservation alone holds, and the test looks at. */
static struct hf_fence *job(struct hf_timeline *timeline, bool write)
{
	struct hf_fence *fence = hf_fence_create(timeline);

	assert_non_null(fence);
	assert_int_equal(hf_resv_add(&backing, fence, write), 0);
	hf_fence_put(fence);
	return fence;
}

/* How many fences somebody who reads (or writes) has to wait for. */
static size_t waits(bool write)
{
	struct hf_fence *fence;
	struct hf_fence *const *parts;
	size_t n;

	assert_int_equal(hf_resv_fence(&backing, write, &fence), 0);
	n = fence ? hf_fence_parts(fence, &parts) : 0;
	hf_fence_put(fence);
	return n;
}

static void nothing_is_waited_for_where_nobody_works(void **state)
{
	struct hf_fence *done = hf_fence_create_signaled(1);

	(void)state;
	assert_int_equal(waits(true), 0);
	assert_int_equal(hf_resv_add(&backing, done, true), 0);
	assert_int_equal(waits(true), 0);
	hf_fence_put(done);
}

static void readers_wait_for_writers_only(void **state)
{
	struct hf_fence *fence, *reader = job(&one, false);

	(void)state;
	assert_int_equal(waits(false), 0);
	assert_int_equal(waits(true), 1);
	assert_int_equal(hf_resv_fence(&backing, true, &fence), 0);
	assert_ptr_equal(fence, reader);
	hf_fence_put(fence);
}

static void writers_wait_for_everybody(void **state)
{
	(void)state;
	job(&one, false);
	job(&two, true);
	job(NULL, false);
	assert_int_equal(waits(true), 3);
	assert_int_equal(waits(false), 1);
}

static void a_writer_keeps_the_readers(void **state)
{
	(void)state;
	job(&one, false);
	job(&two, true);
	assert_int_equal(waits(true), 2);
}

static void what_is_signaled_is_dropped(void **state)
{
	struct hf_fence *reader = job(&one, false);
	struct hf_fence *writer = job(&two, true);

	(void)state;
	hf_fence_get(reader);
	hf_fence_get(writer);
	hf_fence_signal(writer, 0, 1);
	assert_int_equal(waits(false), 0);
	assert_int_equal(waits(true), 1);
	assert_int_equal(writer->refcount, 1);
	hf_fence_signal(reader, 0, 1);
	job(&two, true); /* adding drops, too */
	assert_int_equal(reader->refcount, 1);
	hf_fence_put(reader);
	hf_fence_put(writer);
}

static void a_later_one_of_a_timeline_takes_the_place(void **state)
{
	struct hf_fence *fence, *last;

	(void)state;
	job(&one, false);
	job(&one, false);
	assert_int_equal(waits(true), 1);
	last = job(&one, true); /* does more than those before */
	assert_int_equal(waits(true), 1);
	assert_int_equal(hf_resv_fence(&backing, false, &fence), 0);
	assert_ptr_equal(fence, last);
	hf_fence_put(fence);
}

static void a_reader_does_not_take_the_writers_place(void **state)
{
	struct hf_fence *fence, *writer = job(&one, true);
	struct hf_fence *reader = job(&one, false);

	(void)state;
	assert_int_equal(hf_resv_fence(&backing, false, &fence), 0);
	assert_ptr_equal(fence, writer);
	hf_fence_put(fence);
	/* For who writes, the reader is later on the same timeline. */
	assert_int_equal(hf_resv_fence(&backing, true, &fence), 0);
	assert_ptr_equal(fence, reader);
	hf_fence_put(fence);
}

static void an_earlier_one_of_a_timeline_changes_nothing(void **state)
{
	struct hf_fence *early = hf_fence_create(&one), *fence;
	struct hf_fence *late = job(&one, true);

	(void)state;
	assert_int_equal(hf_resv_add(&backing, early, true), 0);
	assert_int_equal(hf_resv_add(&backing, early, false), 0);
	assert_int_equal(early->refcount, 1);
	assert_int_equal(hf_resv_fence(&backing, true, &fence), 0);
	assert_ptr_equal(fence, late);
	hf_fence_put(fence);
	hf_fence_put(early);
}

static void a_merged_fence_is_added_as_its_parts(void **state)
{
	struct hf_fence *parts[2], *merged;

	(void)state;
	parts[0] = hf_fence_create(&one);
	parts[1] = hf_fence_create(&two);
	for (int i = 0; i < 1000; i++) {
		merged = hf_fence_merge(parts, 2);
		assert_int_equal(hf_resv_add(&backing, merged, true), 0);
		hf_fence_put(merged);
	}
	assert_int_equal(waits(false), 2);
	assert_int_equal(parts[0]->refcount, 2);
	hf_fence_put(parts[0]);
	hf_fence_put(parts[1]);
}

/* Two entries a timeline, whatever comes: one references each fence it keeps. */
static void it_does_not_grow_with_the_number_of_jobs(void **state)
{
	struct hf_fence *fences[1000];
	unsigned int held = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		fences[i] = hf_fence_create(i % 2 ? &one : &two);
		assert_int_equal(hf_resv_add(&backing, fences[i], i % 3 == 0),
				 0);
	}
	for (int i = 0; i < 1000; i++)
		held += fences[i]->refcount - 1;
	assert_true(held <= 4);
	for (int i = 0; i < 1000; i++)
		hf_fence_put(fences[i]);
}

static void many_timelines_fit(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++)
		job(NULL, i % 2);
	assert_int_equal(waits(true), 500);
	assert_int_equal(waits(false), 250);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_waited_for_where_nobody_works),
		TEST(readers_wait_for_writers_only),
		TEST(writers_wait_for_everybody),
		TEST(a_writer_keeps_the_readers),
		TEST(what_is_signaled_is_dropped),
		TEST(a_later_one_of_a_timeline_takes_the_place),
		TEST(a_reader_does_not_take_the_writers_place),
		TEST(an_earlier_one_of_a_timeline_changes_nothing),
		TEST(a_merged_fence_is_added_as_its_parts),
		TEST(it_does_not_grow_with_the_number_of_jobs),
		TEST(many_timelines_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
