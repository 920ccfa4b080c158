/* SPDX-License-Identifier: MIT */
/*
 * Scatter-gather tables from pages: coalescing and its limits.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dma/sg.h"

#define MAX_PAGES 64

struct pages {
	struct hf_page storage[MAX_PAGES];
	struct hf_page *pages[MAX_PAGES];
};

static void place(struct pages *p, const uint32_t *pfns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p->storage[i] = (struct hf_page){ .pfn = pfns[i] };
		p->pages[i] = &p->storage[i];
	}
}

static void neighbours_become_one_entry(void **state)
{
	static const uint32_t pfns[] = { 5, 6, 7, 20, 22, 23, 21 };
	struct hf_sg_table table;
	struct pages p;

	(void)state;
	place(&p, pfns, 7);
	assert_int_equal(hf_sg_table_from_pages(&table, p.pages, 7, 0), 0);
	assert_int_equal(table.orig_nents, 4);
	assert_int_equal(table.nents, 0);
	assert_int_equal(table.sgl[0].bus, 5 * HF_PAGE_SIZE);
	assert_int_equal(table.sgl[0].length, 3 * HF_PAGE_SIZE);
	assert_int_equal(table.sgl[1].bus, 20 * HF_PAGE_SIZE);
	assert_int_equal(table.sgl[1].length, HF_PAGE_SIZE);
	assert_int_equal(table.sgl[2].length, 2 * HF_PAGE_SIZE);
	assert_int_equal(table.sgl[3].bus, 21 * HF_PAGE_SIZE);
	assert_int_equal(hf_sg_table_size(&table), 7 * HF_PAGE_SIZE);
	hf_sg_table_finish(&table);
	assert_null(table.sgl);
}

static void no_entry_is_longer_than_a_segment(void **state)
{
	static const uint32_t pfns[] = { 1, 2, 3, 4, 5, 6, 7 };
	struct hf_sg_table table;
	struct pages p;

	(void)state;
	place(&p, pfns, 7);
	assert_int_equal(hf_sg_table_from_pages(&table, p.pages, 7,
						3 * HF_PAGE_SIZE), 0);
	assert_int_equal(table.orig_nents, 3);
	assert_int_equal(table.sgl[0].length, 3 * HF_PAGE_SIZE);
	assert_int_equal(table.sgl[1].bus, 4 * HF_PAGE_SIZE);
	assert_int_equal(table.sgl[2].length, HF_PAGE_SIZE);
	hf_sg_table_finish(&table);
}

static void addresses_beyond_4_gib_do_not_wrap(void **state)
{
	static const uint32_t pfns[] = { 0xfffff, 0x100000, 0xffffffff, 0 };
	struct hf_sg_table table;
	struct pages p;

	(void)state;
	place(&p, pfns, 4);
	assert_int_equal(hf_sg_table_from_pages(&table, p.pages, 4, 0), 0);
	assert_int_equal(table.orig_nents, 3);
	assert_int_equal(table.sgl[0].length, 2 * HF_PAGE_SIZE);
	assert_int_equal(table.sgl[1].bus, 0xffffffffull << HF_PAGE_SHIFT);
	hf_sg_table_finish(&table);
}

static void the_same_page_twice_is_two_entries(void **state)
{
	static const uint32_t pfns[] = { 9, 9, 10 };
	struct hf_sg_table table;
	struct pages p;

	(void)state;
	place(&p, pfns, 3);
	assert_int_equal(hf_sg_table_from_pages(&table, p.pages, 3, 0), 0);
	assert_int_equal(table.orig_nents, 2);
	assert_int_equal(table.sgl[1].length, 2 * HF_PAGE_SIZE);
	hf_sg_table_finish(&table);
}

static void no_pages_are_refused(void **state)
{
	struct hf_sg_table table;

	(void)state;
	assert_int_equal(hf_sg_table_from_pages(&table, NULL, 0, 0), -EINVAL);
	hf_sg_table_finish(&table);
	assert_int_equal(hf_sg_table_size(&table), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_become_one_entry),
		cmocka_unit_test(no_entry_is_longer_than_a_segment),
		cmocka_unit_test(addresses_beyond_4_gib_do_not_wrap),
		cmocka_unit_test(the_same_page_twice_is_two_entries),
		cmocka_unit_test(no_pages_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
