/* SPDX-License-Identifier: MIT */
/*
 * The contiguous pool alone: where runs go, and what is moved for them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mem/pool.h"

#define RUNS 8

static struct hf_pool pool;
static struct hf_pool_run run[RUNS];

static int setup(void **state)
{
	(void)state;
	hf_pool_init(&pool, 64);
	return 0;
}

static void take(unsigned int i, size_t npages, size_t align)
{
	assert_int_equal(hf_pool_alloc(&pool, &run[i], npages, align), 0);
}

/* No run beyond the end, on another one, or where its alignment forbids. */
static void check_runs(void)
{
	const struct hf_pool_run *each;
	size_t end = 0, used = 0;

	wl_list_for_each(each, &pool.runs, link) {
		assert_true(each->start >= end);
		assert_int_equal(each->start % each->align, 0);
		end = each->start + each->npages;
		used += each->npages;
	}
	assert_true(end <= pool.npages);
	assert_int_equal(used, pool.used);
}

static void runs_are_next_to_each_other(void **state)
{
	(void)state;
	take(0, 10, 1);
	take(1, 20, 1);
	assert_int_equal(run[0].start, 0);
	assert_int_equal(run[1].start, 10);
	assert_int_equal(hf_pool_hole(&pool), 34);
	assert_int_equal(pool.used, 30);
}

static void the_smallest_hole_is_taken(void **state)
{
	(void)state;
	take(0, 10, 1);
	take(1, 1, 1);
	take(2, 4, 1);
	take(3, 1, 1);
	hf_pool_free(&pool, &run[0]);
	hf_pool_free(&pool, &run[2]);
	take(4, 3, 1);
	assert_int_equal(run[4].start, 11);
	assert_int_equal(pool.moves, 0);
	check_runs();
}

static void an_alignment_is_kept(void **state)
{
	(void)state;
	take(0, 1, 1);
	take(1, 16, 16);
	take(2, 15, 1);
	assert_int_equal(run[1].start, 16);
	assert_int_equal(run[2].start, 1);
	check_runs();
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	assert_int_equal(hf_pool_alloc(&pool, &run[0], 0, 1), -EINVAL);
	assert_int_equal(hf_pool_alloc(&pool, &run[0], 1, 0), -EINVAL);
	assert_int_equal(hf_pool_alloc(&pool, &run[0], 1, 3), -EINVAL);
	assert_int_equal(hf_pool_alloc(&pool, &run[0], 65, 1), -ENOMEM);
	assert_int_equal(hf_pool_alloc(&pool, &run[0], SIZE_MAX, 1), -ENOMEM);
	assert_int_equal(hf_pool_alloc(&pool, &run[0], 1,
				       (size_t)1 << 63), 0);
	assert_int_equal(hf_pool_alloc(&pool, &run[1], 1,
				       (size_t)1 << 63), -ENOMEM);
	assert_int_equal(pool.used, 1);
}

static void a_pool_of_nothing_gives_nothing(void **state)
{
	(void)state;
	hf_pool_init(&pool, 0);
	assert_int_equal(hf_pool_alloc(&pool, &run[0], 1, 1), -ENOMEM);
	assert_int_equal(hf_pool_hole(&pool), 0);
}

/* Holes of 16 between runs of 16. */
static void fragment(void)
{
	for (unsigned int i = 0; i < 4; i++)
		take(i, 16, 1);
	hf_pool_free(&pool, &run[0]);
	hf_pool_free(&pool, &run[2]);
}

static void contiguous_pool_defragments_or_says_so(void **state)
{
	(void)state;
	fragment();
	assert_int_equal(hf_pool_hole(&pool), 16);
	take(4, 32, 1);
	assert_true(pool.moves > 0);
	check_runs();
	assert_int_equal(hf_pool_hole(&pool), 0);

	/* What a device works on stays where it is. */
	hf_pool_free(&pool, &run[4]);
	hf_pool_free(&pool, &run[1]);
	hf_pool_free(&pool, &run[3]);
	fragment();
	run[1].pinned = run[3].pinned = 1;
	assert_int_equal(hf_pool_alloc(&pool, &run[4], 32, 1), -ENOMEM);
	assert_int_equal(hf_pool_hole(&pool), 16);
	assert_int_equal(run[1].start, 16);
	assert_int_equal(run[3].start, 48);
	run[1].pinned = 0;
	take(4, 32, 1);
	assert_int_equal(run[3].start, 48);
	check_runs();
}

static void a_run_jumps_over_a_pinned_one(void **state)
{
	(void)state;
	take(0, 8, 1);
	take(1, 8, 1);
	take(2, 8, 1);
	hf_pool_free(&pool, &run[0]);
	run[1].pinned = 1;
	/* [8 free][8 pinned][8][40 free]: 44 need the third in front. */
	take(3, 44, 1);
	assert_int_equal(run[1].start, 8);
	assert_int_equal(run[2].start, 0);
	check_runs();
}

static void moving_keeps_alignments(void **state)
{
	(void)state;
	take(0, 3, 1);
	take(1, 16, 16);
	take(2, 5, 1);
	take(3, 16, 16);
	hf_pool_free(&pool, &run[0]);
	hf_pool_free(&pool, &run[2]);
	take(4, 32, 16);
	assert_int_equal(pool.used, 64);
	check_runs();
}

static void no_move_is_made_for_what_cannot_fit(void **state)
{
	(void)state;
	fragment();
	assert_int_equal(hf_pool_alloc(&pool, &run[4], 33, 1), -ENOMEM);
	assert_int_equal(pool.moves, 0);
}

/* Whatever is asked for: runs stay in order, and pinned ones where they are. */
static void random_requests_keep_the_pool_in_order(void **state)
{
	enum { N = 64 };
	static struct hf_pool_run many[N];
	size_t fixed[N], taken = 0, refused = 0;
	bool used[N] = { false };

	(void)state;
	srand(1);
	hf_pool_init(&pool, 512);
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int at = rand() % N;

		if (used[at] && many[at].pinned && rand() % 2) {
			assert_int_equal(many[at].start, fixed[at]);
			many[at].pinned = 0;
		} else if (used[at] && rand() % 2) {
			hf_pool_free(&pool, &many[at]);
			used[at] = false;
		} else if (used[at]) {
			if (!many[at].pinned)
				fixed[at] = many[at].start;
			many[at].pinned = 1;
		} else {
			size_t npages = 1 + rand() % 40;
			size_t align = (size_t)1 << rand() % 5;
			int ret = hf_pool_alloc(&pool, &many[at], npages,
						align);

			used[at] = !ret;
			taken += !ret;
			refused += !!ret;
			if (ret)
				assert_true(hf_pool_hole(&pool) <
					    npages + align);
		}
		for (unsigned int j = 0; j < N; j++)
			if (used[j] && many[j].pinned)
				assert_int_equal(many[j].start, fixed[j]);
		check_runs();
	}
	assert_true(taken > 1000 && refused > 100 && pool.moves > 1000);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, setup)
	const struct CMUnitTest tests[] = {
		TEST(runs_are_next_to_each_other),
		TEST(the_smallest_hole_is_taken),
		TEST(an_alignment_is_kept),
		TEST(nonsense_is_refused),
		TEST(a_pool_of_nothing_gives_nothing),
		TEST(contiguous_pool_defragments_or_says_so),
		TEST(a_run_jumps_over_a_pinned_one),
		TEST(moving_keeps_alignments),
		TEST(no_move_is_made_for_what_cannot_fit),
		TEST(random_requests_keep_the_pool_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
