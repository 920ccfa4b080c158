// SPDX-License-Identifier: MIT
/*
 * The device's page tables, as a walker sees them that was written from the
 * Arm manual (vmsa.h) and reads them at their device addresses.
 *
 * What the leaves lead to is never touched, so the tests make it up.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmu/table.h"
#include "vmsa.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define PAGE KIB(4)
#define VA_END (1ull << 48)

static struct hf_memory *mem;
static struct hf_dma_device dev;
static struct hf_dma_port port;
static struct hf_page_table *table;

static int setup(void **state)
{
	struct hf_memory_options options = { .pool = MIB(1) };

	(void)state;
	mem = hf_memory_create(&options);
	assert_non_null(mem);
	assert_int_equal(
		hf_dma_device_init(&dev, "tables", mem,
				   hf_soft_iommu_create(mem, VA_END - 1,
							false)),
		0);
	assert_non_null(dev.domain);
	memset(&port, 0, sizeof(port));
	port.dev = &dev;
	table = hf_page_table_create(&dev);
	assert_non_null(table);
	return 0;
}

static int teardown(void **state)
{
	struct hf_memory_stats stats;

	(void)state;
	hf_page_table_destroy(table);
	assert_int_equal(dev.mapped, 0);
	hf_dma_device_finish(&dev);
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.pages, 0);
	hf_memory_destroy(mem);
	return 0;
}

/* -- the walker -------------------------------------------------------------- */

static bool read_memory(void *data, uint64_t pa, uint64_t *value)
{
	(void)data;
	return !hf_dma_read(&port, value, pa, sizeof(*value));
}

static struct vmsa_result walk(uint64_t va)
{
	return vmsa_walk(read_memory, NULL, hf_page_table_root(table), va);
}

static void assert_leads_to(uint64_t va, uint64_t pa, bool writable)
{
	struct vmsa_result r = walk(va);

	if (r.fault != VMSA_OK || r.pa != pa)
		print_error("at %#llx: fault %d level %d, %#llx for %#llx\n",
			    (unsigned long long)va, r.fault, r.level,
			    (unsigned long long)r.pa, (unsigned long long)pa);
	assert_int_equal(r.fault, VMSA_OK);
	assert_int_equal(r.pa, pa);
	assert_int_equal(r.read_only, !writable);
	assert_true(r.unprivileged);
}

static void assert_run(uint64_t va, uint64_t size, uint64_t pa, bool writable)
{
	uint64_t i;

	for (i = 0; i < size; i += PAGE)
		assert_leads_to(va + i, pa + i, writable);
}

static void assert_nothing(uint64_t va, uint64_t size)
{
	uint64_t i;

	for (i = 0; i < size; i += PAGE)
		assert_int_equal(walk(va + i).fault, VMSA_TRANSLATION_FAULT);
}

static void assert_page_size(uint64_t va, uint64_t size)
{
	assert_int_equal(walk(va).fault, VMSA_OK);
	assert_int_equal(walk(va).size, size);
}

/* -- changes ----------------------------------------------------------------- */

static void map_run(uint64_t va, uint64_t size, uint64_t pa, bool writable)
{
	struct hf_sg sg = { .dma = pa, .dma_length = size };
	struct hf_sg_pos from = { &sg, 0 };

	assert_int_equal(hf_page_table_reserve_map(table, va, size, from), 0);
	hf_page_table_map(table, va, size, from, writable);
}

static void map_sparse(uint64_t va, uint64_t size)
{
	assert_int_equal(hf_page_table_reserve_sparse(table, va, size), 0);
	hf_page_table_map_sparse(table, va, size, true);
}

static void unmap(uint64_t va, uint64_t size)
{
	assert_int_equal(hf_page_table_reserve_unmap(table, va, size, false),
			 0);
	hf_page_table_unmap(table, va, size);
}

/* What a walker of ours finds below the last valid table. */
static uint64_t last_descriptor(uint64_t va, unsigned int *level)
{
	uint64_t at = hf_page_table_root(table), desc;

	for (*level = 0;; ++*level) {
		assert_true(read_memory(
			NULL, at + 8 * hf_pt_index(va, *level), &desc));
		if (*level == 3 || !(desc & HF_PTE_VALID) ||
		    !(desc & HF_PTE_TABLE))
			return desc;
		at = desc & HF_PTE_ADDR;
	}
}

static bool is_sparse(uint64_t va)
{
	unsigned int level;
	uint64_t desc = last_descriptor(va, &level);

	return (desc & HF_PTE_SPARSE) && !(desc & HF_PTE_VALID);
}

/* -- tests ------------------------------------------------------------------- */

static void an_empty_tree_translates_nothing(void **state)
{
	(void)state;
	assert_nothing(0, PAGE);
	assert_nothing(GIB(300), PAGE);
	assert_nothing(VA_END - PAGE, PAGE);
}

static void
a_walker_written_from_the_specification_finds_every_mapping(void **state)
{
	static const struct {
		uint64_t va, size, pa;
		bool writable;
	} maps[] = {
		{ 0, KIB(4), GIB(9) + KIB(4), true },
		{ KIB(12), KIB(200), GIB(9) + KIB(12), false },
		{ MIB(2) - KIB(4), MIB(6), GIB(1) - KIB(4), true },
		{ GIB(1) - KIB(8), KIB(16), GIB(20), true },
		{ GIB(512) - MIB(2), MIB(4), GIB(40), false },
		{ GIB(700) + KIB(64), KIB(64), MIB(1), true },
		{ VA_END - MIB(3), MIB(3), VA_END - MIB(3), true },
	};
	size_t n = sizeof(maps) / sizeof(maps[0]), i;

	(void)state;
	for (i = 0; i < n; i++)
		map_run(maps[i].va, maps[i].size, maps[i].pa, maps[i].writable);
	for (i = 0; i < n; i++)
		assert_run(maps[i].va, maps[i].size, maps[i].pa,
			   maps[i].writable);
	assert_nothing(KIB(4), KIB(8));
	assert_nothing(KIB(212), MIB(2) - KIB(216));
	assert_nothing(MIB(8) - KIB(4), MIB(2));
	assert_nothing(GIB(700), KIB(64));
	assert_nothing(GIB(700) + KIB(128), KIB(64));

	for (i = 0; i < n; i++)
		unmap(maps[i].va, maps[i].size);
	for (i = 0; i < n; i++)
		assert_nothing(maps[i].va, maps[i].size);
}

static void scattered_memory_is_found_from_any_offset(void **state)
{
	enum { N = 700 };
	struct hf_sg sgl[N];
	uint64_t start = 0, offsets[N], at;
	size_t i;

	(void)state;
	for (i = 0; i < N; i++) {
		sgl[i].dma = GIB(1) + (N - i) * MIB(1);
		sgl[i].dma_length = (1 + i % 40) * PAGE;
		offsets[i] = start;
		start += sgl[i].dma_length;
	}
	for (at = 0; at < start; at += 377 * PAGE) {
		uint64_t size = start - at < MIB(5) ? start - at : MIB(5);
		uint64_t va = GIB(2) + at * 3, seen = 0;
		struct hf_sg_pos from;

		for (i = 0; i + 1 < N && offsets[i + 1] <= at; i++)
			;
		from = (struct hf_sg_pos){ &sgl[i], at - offsets[i] };
		assert_int_equal(
			hf_page_table_reserve_map(table, va, size, from), 0);
		hf_page_table_map(table, va, size, from, true);
		for (; seen < size; seen += PAGE) {
			while (i + 1 < N && offsets[i + 1] <= at + seen)
				i++;
			assert_leads_to(va + seen,
					sgl[i].dma + at + seen - offsets[i],
					true);
		}
		unmap(va, size);
	}
}

/* Exactly as much memory as is mapped, at each position within a table. */
static void single_pages_among_runs_are_found(void **state)
{
	enum { N = 70 };
	static const unsigned int lengths[] = { 1, 1, 1, 1, 1, 2, 1, 1, 1, 40 };

	(void)state;
	for (size_t n = 1; n < N; n++) {
		struct hf_sg *sgl = calloc(n, sizeof(*sgl));
		uint64_t size = 0, va = GIB(2) - n * 5 * PAGE, at = va;

		assert_non_null(sgl);
		for (size_t i = 0; i < n; i++) {
			sgl[i].dma = GIB(1) + (N - i) * MIB(1);
			sgl[i].dma_length = lengths[i % 10] * PAGE;
			size += sgl[i].dma_length;
		}
		assert_int_equal(hf_page_table_reserve_map(
					 table, va, size,
					 (struct hf_sg_pos){ sgl, 0 }), 0);
		hf_page_table_map(table, va, size, (struct hf_sg_pos){ sgl, 0 },
				  true);
		for (size_t i = 0; i < n; at += sgl[i++].dma_length)
			for (uint64_t b = 0; b < sgl[i].dma_length; b += PAGE)
				assert_leads_to(at + b, sgl[i].dma + b, true);
		assert_nothing(at, PAGE);
		unmap(va, size);
		free(sgl);
	}
}

static void large_pages_are_used_where_address_and_size_allow(void **state)
{
	(void)state;
	map_run(MIB(2), MIB(2), MIB(64), true);
	assert_page_size(MIB(2), MIB(2));
	map_run(MIB(4), MIB(2), MIB(64) + KIB(64), true);
	assert_page_size(MIB(4), KIB(64));
	map_run(MIB(6), MIB(2), MIB(64) + KIB(4), true);
	assert_page_size(MIB(6), KIB(4));
	assert_page_size(MIB(7), KIB(4));

	/* Both ends of a run are not aligned. */
	map_run(MIB(16) - KIB(72), MIB(2) + KIB(144), MIB(80) - KIB(72), true);
	assert_page_size(MIB(16) - KIB(72), KIB(4));
	assert_page_size(MIB(16) - KIB(68), KIB(4));
	assert_page_size(MIB(16) - KIB(64), KIB(64));
	assert_page_size(MIB(16), MIB(2));
	assert_page_size(MIB(18), KIB(64));
	assert_page_size(MIB(18) + KIB(64), KIB(4));
	assert_run(MIB(16) - KIB(72), MIB(2) + KIB(144), MIB(80) - KIB(72),
		   true);
}

static void large_pages_need_few_tables(void **state)
{
	size_t before;

	(void)state;
	map_run(GIB(8), PAGE, GIB(1), true);
	before = hf_page_table_bytes(table);
	map_run(GIB(8) + MIB(2), MIB(1000), GIB(2), true);
	assert_int_equal(hf_page_table_bytes(table), before);
}

static void cutting_a_block_leaves_the_rest_mapped(void **state)
{
	(void)state;
	map_run(MIB(2), MIB(2), MIB(64), false);
	unmap(MIB(2) + KIB(512), PAGE);
	assert_run(MIB(2), KIB(512), MIB(64), false);
	assert_nothing(MIB(2) + KIB(512), PAGE);
	assert_run(MIB(2) + KIB(516), MIB(2) - KIB(516), MIB(64) + KIB(516),
		   false);
	/* What can be large still is. */
	assert_page_size(MIB(2), KIB(64));
	assert_page_size(MIB(2) + KIB(516), KIB(4));
	assert_page_size(MIB(2) + KIB(576), KIB(64));
}

static void cutting_a_group_of_sixteen_leaves_the_rest_mapped(void **state)
{
	(void)state;
	map_run(KIB(64), KIB(192), MIB(64), true);
	assert_page_size(KIB(64), KIB(64));
	unmap(KIB(64) + KIB(32), KIB(64));
	assert_run(KIB(64), KIB(32), MIB(64), true);
	assert_nothing(KIB(96), KIB(64));
	assert_run(KIB(160), KIB(96), MIB(64) + KIB(96), true);
	assert_page_size(KIB(64), KIB(4));
	assert_page_size(KIB(160), KIB(4));
	assert_page_size(KIB(192), KIB(64));
}

static void pages_replace_a_block_and_a_block_replaces_pages(void **state)
{
	(void)state;
	map_run(MIB(2), MIB(2), MIB(64), true);
	map_run(MIB(2), MIB(2), MIB(128) + KIB(4), true);
	assert_run(MIB(2), MIB(2), MIB(128) + KIB(4), true);
	map_run(MIB(2), MIB(2), MIB(64), false);
	assert_page_size(MIB(2), MIB(2));
	assert_run(MIB(2), MIB(2), MIB(64), false);
	map_run(MIB(3), PAGE, MIB(300), true);
	assert_run(MIB(2), MIB(1), MIB(64), false);
	assert_leads_to(MIB(3), MIB(300), true);
	assert_run(MIB(3) + PAGE, MIB(1) - PAGE, MIB(65) + PAGE, false);
}

static void a_block_over_tables_says_that_one_went(void **state)
{
	struct hf_sg sg = { .dma = MIB(64), .dma_length = MIB(2) };
	struct hf_sg_pos from = { &sg, 0 };

	(void)state;
	assert_int_equal(
		hf_page_table_reserve_map(table, MIB(2), MIB(2), from), 0);
	assert_false(hf_page_table_map(table, MIB(2), MIB(2), from, true));
	map_run(MIB(4), PAGE, MIB(70), true);
	unmap(MIB(4), PAGE);
	assert_int_equal(
		hf_page_table_reserve_map(table, MIB(4), MIB(2), from), 0);
	assert_true(hf_page_table_map(table, MIB(4), MIB(2), from, true));
}

static void sparse_ranges_of_any_size_take_few_tables(void **state)
{
	unsigned int level;

	(void)state;
	map_sparse(0, VA_END);
	assert_true(is_sparse(0));
	assert_true(is_sparse(VA_END - PAGE));
	last_descriptor(GIB(900), &level);
	assert_int_equal(level, 0);
	assert_true(hf_page_table_bytes(table) <= KIB(64));

	map_run(GIB(5) + PAGE, PAGE, GIB(1), true);
	assert_leads_to(GIB(5) + PAGE, GIB(1), true);
	assert_true(is_sparse(GIB(5)));
	assert_true(is_sparse(GIB(5) + 2 * PAGE));
	assert_true(is_sparse(GIB(6)));
	assert_true(is_sparse(GIB(511)));
	assert_true(is_sparse(GIB(512)));
	assert_true(hf_page_table_bytes(table) <= MIB(1));

	unmap(GIB(4) - PAGE, GIB(3) + 2 * PAGE);
	assert_true(is_sparse(GIB(4) - 2 * PAGE));
	assert_false(is_sparse(GIB(4) - PAGE));
	assert_nothing(GIB(5) + PAGE, PAGE);
	assert_false(is_sparse(GIB(7)));
	assert_true(is_sparse(GIB(7) + PAGE));

	map_sparse(0, VA_END);
	assert_true(is_sparse(GIB(4) - PAGE));
	assert_true(is_sparse(GIB(5) + PAGE));
	unmap(0, VA_END);
	assert_false(is_sparse(GIB(4)));
	assert_false(is_sparse(VA_END - PAGE));
}

static void several_changes_may_be_reserved_at_once(void **state)
{
	struct hf_sg sg = { .dma = GIB(2), .dma_length = MIB(8) };
	struct hf_sg_pos from = { &sg, 0 };
	uint64_t hole = MIB(5) + PAGE;

	(void)state;
	assert_int_equal(
		hf_page_table_reserve_map(table, MIB(2), MIB(8), from), 0);
	assert_int_equal(
		hf_page_table_reserve_unmap(table, hole, PAGE, true), 0);
	assert_int_equal(
		hf_page_table_reserve_sparse(table, GIB(512), GIB(512)), 0);
	assert_int_equal(hf_page_table_reserve_unmap(
				 table, GIB(700) + PAGE, PAGE, true),
			 0);
	/* Whatever is there now must do. */
	dev.mask = 0;
	hf_page_table_map(table, MIB(2), MIB(8), from, true);
	hf_page_table_unmap(table, hole, PAGE);
	hf_page_table_map_sparse(table, GIB(512), GIB(512), true);
	hf_page_table_unmap(table, GIB(700) + PAGE, PAGE);
	dev.mask = UINT64_MAX;

	assert_run(MIB(2), hole - MIB(2), GIB(2), true);
	assert_nothing(hole, PAGE);
	assert_leads_to(hole + PAGE, GIB(2) + hole - MIB(2) + PAGE, true);
	assert_page_size(MIB(2), MIB(2));
	assert_true(is_sparse(GIB(700)));
	assert_false(is_sparse(GIB(700) + PAGE));
	assert_true(is_sparse(GIB(700) + 2 * PAGE));
}

static void reserving_without_memory_fails_and_changes_nothing(void **state)
{
	struct hf_sg sg[] = {
		{ .dma = GIB(2) + PAGE, .dma_length = GIB(2) },
		{ .dma = GIB(4) + PAGE, .dma_length = GIB(2) },
	};
	struct hf_sg_pos from = { sg, 0 };
	unsigned int level;

	(void)state;
	map_run(GIB(1), MIB(2), GIB(1), true);
	dev.mask = 0;
	assert_int_equal(
		hf_page_table_reserve_map(table, GIB(1), GIB(4), from),
		-ENOMEM);
	dev.mask = UINT64_MAX;
	assert_run(GIB(1), MIB(2), GIB(1), true);
	assert_page_size(GIB(1), MIB(2));
	last_descriptor(GIB(2), &level);
	assert_int_equal(level, 1);
	hf_page_table_trim(table);
	assert_run(GIB(1), MIB(2), GIB(1), true);
	/* An unmap of what is not there takes none. */
	dev.mask = 0;
	assert_int_equal(hf_page_table_reserve_unmap(table, GIB(3) + PAGE,
						     GIB(100), false),
			 0);
	dev.mask = UINT64_MAX;
}

static void a_tree_without_memory_is_not_created(void **state)
{
	(void)state;
	dev.mask = 0;
	errno = 0;
	assert_null(hf_page_table_create(&dev));
	assert_int_equal(errno, ENOMEM);
	dev.mask = UINT64_MAX;
	hf_page_table_destroy(NULL);
}

static void empty_tables_stay_until_they_are_trimmed(void **state)
{
	size_t start = hf_page_table_bytes(table), full;
	int i;

	(void)state;
	assert_int_equal(hf_page_table_empty(table), 0);
	map_run(GIB(1), MIB(256), GIB(1) + PAGE, true);
	full = hf_page_table_bytes(table);
	assert_true(full >= start + KIB(512));
	assert_int_equal(hf_page_table_empty(table), 0);
	for (i = 0; i < 3; i++) {
		unmap(GIB(1), MIB(256));
		assert_int_equal(hf_page_table_empty(table), KIB(512));
		assert_int_equal(hf_page_table_bytes(table), full);
		dev.mask = 0;
		map_run(GIB(1), MIB(256), GIB(1) + PAGE, true);
		dev.mask = UINT64_MAX;
	}
	unmap(GIB(1) + PAGE, MIB(256) - PAGE);
	hf_page_table_trim(table);
	assert_int_equal(hf_page_table_empty(table), 0);
	assert_leads_to(GIB(1), GIB(1) + PAGE, true);
	unmap(GIB(1), PAGE);
	hf_page_table_trim(table);
	assert_int_equal(hf_page_table_bytes(table), start);
	/* What comes back from the heap of tables is clean. */
	map_run(GIB(1) + KIB(64), PAGE, GIB(1), true);
	assert_nothing(GIB(1), KIB(64));
	assert_nothing(GIB(1) + KIB(68), MIB(1));
}

static void tables_under_a_sparse_range_are_trimmed_too(void **state)
{
	size_t start = hf_page_table_bytes(table);

	(void)state;
	map_run(GIB(1), MIB(64), GIB(1) + PAGE, true);
	map_sparse(0, GIB(512));
	assert_int_equal(hf_page_table_empty(table), MIB(64) / 512);
	hf_page_table_trim(table);
	assert_int_equal(hf_page_table_bytes(table), start);
	assert_true(is_sparse(GIB(1)));
}

static void without_an_iommu_tables_are_at_bus_addresses(void **state)
{
	struct hf_dma_device bare;
	struct hf_page_table *first = table;

	(void)state;
	assert_int_equal(hf_dma_device_init(&bare, "bare", mem, NULL), 0);
	port.dev = &bare;
	table = hf_page_table_create(&bare);
	assert_non_null(table);
	/* More tables than the pool has room for. */
	map_run(GIB(1), GIB(1), GIB(1) + PAGE, true);
	assert_run(GIB(2) - MIB(8), MIB(8), GIB(2) - MIB(8) + PAGE, true);
	hf_page_table_destroy(table);
	assert_int_equal(bare.mapped, 0);
	hf_dma_device_finish(&bare);
	table = first;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_tree_translates_nothing),
		TEST(a_walker_written_from_the_specification_finds_every_mapping),
		TEST(scattered_memory_is_found_from_any_offset),
		TEST(single_pages_among_runs_are_found),
		TEST(large_pages_are_used_where_address_and_size_allow),
		TEST(large_pages_need_few_tables),
		TEST(cutting_a_block_leaves_the_rest_mapped),
		TEST(cutting_a_group_of_sixteen_leaves_the_rest_mapped),
		TEST(pages_replace_a_block_and_a_block_replaces_pages),
		TEST(a_block_over_tables_says_that_one_went),
		TEST(sparse_ranges_of_any_size_take_few_tables),
		TEST(several_changes_may_be_reserved_at_once),
		TEST(reserving_without_memory_fails_and_changes_nothing),
		TEST(a_tree_without_memory_is_not_created),
		TEST(empty_tables_stay_until_they_are_trimmed),
		TEST(tables_under_a_sparse_range_are_trimmed_too),
		TEST(without_an_iommu_tables_are_at_bus_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
