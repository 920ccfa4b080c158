/* SPDX-License-Identifier: MIT */
/*
 * Ids for pointers: lowest first, reuse, growth, iteration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/idr.h"

/* A pointer that says which id it was given for. */
static void *mark(uintptr_t n)
{
	return (void *)(n << 4);
}

static void the_first_id_is_one_and_they_count_up(void **state)
{
	struct hf_idr idr = { 0 };

	(void)state;
	for (int i = 1; i <= 10; i++)
		assert_int_equal(hf_idr_alloc(&idr, mark(i)), i);
	assert_int_equal(idr.count, 10);
	hf_idr_finish(&idr);
}

static void the_lowest_free_id_is_taken_first(void **state)
{
	struct hf_idr idr = { 0 };

	(void)state;
	for (int i = 1; i <= 300; i++)
		hf_idr_alloc(&idr, mark(i));
	assert_ptr_equal(hf_idr_remove(&idr, 200), mark(200));
	assert_ptr_equal(hf_idr_remove(&idr, 7), mark(7));
	assert_ptr_equal(hf_idr_remove(&idr, 64), mark(64));
	assert_int_equal(hf_idr_alloc(&idr, mark(7)), 7);
	assert_int_equal(hf_idr_alloc(&idr, mark(64)), 64);
	assert_int_equal(hf_idr_alloc(&idr, mark(200)), 200);
	assert_int_equal(hf_idr_alloc(&idr, mark(301)), 301);
	hf_idr_finish(&idr);
}

static void growing_keeps_what_is_there(void **state)
{
	const int n = 5000;
	struct hf_idr idr = { 0 };

	(void)state;
	for (int i = 1; i <= n; i++)
		assert_int_equal(hf_idr_alloc(&idr, mark(i)), i);
	for (int i = 1; i <= n; i++)
		assert_ptr_equal(hf_idr_find(&idr, i), mark(i));
	assert_int_equal(idr.count, n);
	hf_idr_finish(&idr);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct hf_idr idr = { 0 };

	(void)state;
	assert_null(hf_idr_find(&idr, 1));
	assert_null(hf_idr_remove(&idr, 1));
	hf_idr_alloc(&idr, mark(1));
	assert_null(hf_idr_find(&idr, 0));
	assert_null(hf_idr_find(&idr, 2));
	assert_null(hf_idr_find(&idr, 64));
	assert_null(hf_idr_find(&idr, 65));
	assert_null(hf_idr_find(&idr, UINT32_MAX));
	assert_null(hf_idr_remove(&idr, 0));
	assert_null(hf_idr_remove(&idr, UINT32_MAX));
	assert_int_equal(idr.count, 1);
	hf_idr_finish(&idr);
}

static void an_id_is_removed_once(void **state)
{
	struct hf_idr idr = { 0 };

	(void)state;
	hf_idr_alloc(&idr, mark(1));
	hf_idr_alloc(&idr, mark(2));
	assert_ptr_equal(hf_idr_remove(&idr, 1), mark(1));
	assert_null(hf_idr_find(&idr, 1));
	assert_null(hf_idr_remove(&idr, 1));
	assert_int_equal(idr.count, 1);
	assert_ptr_equal(hf_idr_find(&idr, 2), mark(2));
	hf_idr_finish(&idr);
}

static void iteration_visits_each_once_in_order(void **state)
{
	struct hf_idr idr = { 0 };
	uint32_t id, last = 0;
	unsigned int n = 0;
	void *ptr;

	(void)state;
	id = 1;
	assert_null(hf_idr_next(&idr, &id));
	for (int i = 1; i <= 200; i++)
		hf_idr_alloc(&idr, mark(i));
	for (int i = 1; i <= 200; i += 3)
		hf_idr_remove(&idr, i);
	for (id = 1; (ptr = hf_idr_next(&idr, &id)); id++, n++) {
		assert_true(id > last);
		assert_int_not_equal(id % 3, 1);
		assert_ptr_equal(ptr, mark(id));
		last = id;
	}
	assert_int_equal(n, idr.count);
	assert_int_equal(last, 200);
	hf_idr_finish(&idr);
}

static void entries_may_be_removed_while_iterating(void **state)
{
	struct hf_idr idr = { 0 };

	(void)state;
	for (int i = 1; i <= 150; i++)
		hf_idr_alloc(&idr, mark(i));
	for (uint32_t id = 1; hf_idr_next(&idr, &id); id++)
		hf_idr_remove(&idr, id);
	assert_int_equal(idr.count, 0);
	assert_int_equal(hf_idr_alloc(&idr, mark(1)), 1);
	hf_idr_finish(&idr);
}

/* Against a plain array, over many random steps. */
static void it_agrees_with_a_plain_array(void **state)
{
	enum { MAX = 1000 };
	static bool used[MAX + 2];
	struct hf_idr idr = { 0 };
	uint32_t count = 0;

	(void)state;
	srand(1);
	for (int step = 0; step < 100000; step++) {
		if (count < MAX && rand() % 5 < (step / 5000 % 2 ? 3 : 2)) {
			int lowest = 1;

			while (used[lowest])
				lowest++;
			assert_int_equal(hf_idr_alloc(&idr, mark(lowest)),
					 lowest);
			used[lowest] = true;
			count++;
		} else {
			int id = 1 + rand() % MAX;

			assert_ptr_equal(hf_idr_remove(&idr, id),
					 used[id] ? mark(id) : NULL);
			count -= used[id];
			used[id] = false;
		}
		assert_int_equal(idr.count, count);
	}
	hf_idr_finish(&idr);
}

static void a_finished_table_is_empty_and_usable(void **state)
{
	struct hf_idr idr = { 0 };

	(void)state;
	for (int i = 1; i <= 100; i++)
		hf_idr_alloc(&idr, mark(i));
	hf_idr_finish(&idr);
	assert_null(hf_idr_find(&idr, 1));
	assert_int_equal(hf_idr_alloc(&idr, mark(1)), 1);
	hf_idr_finish(&idr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_id_is_one_and_they_count_up),
		cmocka_unit_test(the_lowest_free_id_is_taken_first),
		cmocka_unit_test(growing_keeps_what_is_there),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(an_id_is_removed_once),
		cmocka_unit_test(iteration_visits_each_once_in_order),
		cmocka_unit_test(entries_may_be_removed_while_iterating),
		cmocka_unit_test(it_agrees_with_a_plain_array),
		cmocka_unit_test(a_finished_table_is_empty_and_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
