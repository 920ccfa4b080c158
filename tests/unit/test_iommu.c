/* SPDX-License-Identifier: MIT */
/*
 * The soft IOMMU: tables, permissions, generations, deferred unmapping, who had
 * an address last, and walks by threads while others map.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dma/iommu.h"
#include "mem/backing.h"

#define PAGE HF_PAGE_SIZE
#define LAST_32 0xffffffffull
#define LAST_48 ((1ull << 48) - 1)
#define RW (HF_IOMMU_READ | HF_IOMMU_WRITE)

static struct hf_memory *mem;

static int set_up(void **state)
{
	static const struct hf_memory_options options;

	(void)state;
	mem = hf_memory_create(&options);
	return !mem;
}

static int tear_down(void **state)
{
	(void)state;
	hf_memory_destroy(mem);
	return 0;
}

static hf_iova_t map(struct hf_iommu_domain *domain, const struct hf_sg *sgl,
		     size_t nents, size_t size, unsigned int prot)
{
	hf_iova_t iova = hf_iova_alloc(domain->space, size, PAGE, UINT64_MAX);

	assert_int_not_equal(iova, 0);
	assert_int_equal(hf_iommu_map(domain, iova, sgl, nents, prot), 0);
	return iova;
}

/* The bus address for a read, or 0 for a fault. */
static hf_bus_t walk(struct hf_iommu_domain *domain, hf_iova_t iova)
{
	enum hf_iommu_fault_reason reason;
	hf_bus_t bus;

	if (hf_iommu_walk(domain, iova, false, &bus, &reason))
		return 0;
	return bus;
}

static void the_width_of_a_domain_is_checked(void **state)
{
	struct hf_iommu_domain *domain;

	(void)state;
	assert_null(hf_soft_iommu_create(mem, LAST_32 - PAGE, false));
	assert_int_equal(errno, EINVAL);
	assert_null(hf_soft_iommu_create(mem, LAST_48 + PAGE, false));
	assert_null(hf_soft_iommu_create(mem, LAST_48 - 1, true));
	domain = hf_soft_iommu_create(mem, LAST_48, true);
	assert_non_null(domain);
	hf_iommu_destroy(domain);
	hf_iommu_destroy(NULL);
}

static void each_page_of_a_mapping_is_found(void **state)
{
	static const struct hf_sg sgl[] = {
		{ .bus = 0x5000, .length = PAGE },
		{ .bus = 0x123456000, .length = 3 * PAGE },
		{ .bus = 0xffffffff000, .length = PAGE },
		{ .bus = 0x40000000, .length = 1200 * PAGE },
		{ .bus = 0x7000, .length = PAGE },
	};
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_48, false);
	size_t pages = 1 + 3 + 1 + 1200 + 1;
	hf_iova_t iova = map(domain, sgl, 5, pages * PAGE, RW);
	hf_iova_t at = iova;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		for (size_t done = 0; done < sgl[i].length; done += PAGE) {
			assert_int_equal(walk(domain, at + 0x123),
					 sgl[i].bus + done + 0x123);
			at += PAGE;
		}
	}
	assert_int_equal(walk(domain, iova - 1), 0);
	assert_int_equal(walk(domain, at), 0);
	hf_iommu_unmap(domain, iova, pages * PAGE);
	for (at = iova; at < iova + pages * PAGE; at += PAGE)
		assert_int_equal(walk(domain, at), 0);
	hf_iommu_destroy(domain);
}

static void permissions_are_a_pages_own(void **state)
{
	static const struct hf_sg sg = { .bus = 0x5000, .length = PAGE };
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_32, false);
	enum hf_iommu_fault_reason reason = HF_IOMMU_FAULT_BUS;
	hf_iova_t ro, wo;
	hf_bus_t bus;

	(void)state;
	ro = map(domain, &sg, 1, PAGE, HF_IOMMU_READ);
	wo = map(domain, &sg, 1, PAGE, HF_IOMMU_WRITE);
	assert_int_equal(hf_iommu_walk(domain, ro, false, &bus, &reason),
			 0);
	assert_int_equal(hf_iommu_walk(domain, ro, true, &bus, &reason),
			 -EFAULT);
	assert_int_equal(reason, HF_IOMMU_FAULT_PERMISSION);
	assert_int_equal(hf_iommu_walk(domain, wo, true, &bus, &reason),
			 0);
	assert_int_equal(hf_iommu_walk(domain, wo, false, &bus, &reason),
			 -EFAULT);
	assert_int_equal(reason, HF_IOMMU_FAULT_PERMISSION);
	assert_int_equal(hf_iommu_walk(domain, 0x1000, true, &bus,
					    &reason), -EFAULT);
	assert_int_equal(reason, HF_IOMMU_FAULT_UNMAPPED);
	hf_iommu_destroy(domain);
}

static void what_is_wrong_is_refused_and_leaves_nothing(void **state)
{
	static const struct hf_sg good = { .bus = 0x5000, .length = PAGE };
	static const struct hf_sg odd[] = {
		{ .bus = 0x5000, .length = 700 * PAGE },
		{ .bus = 0x5000, .length = PAGE },
		{ .bus = 0x5100, .length = PAGE },
	};
	static const struct hf_sg cut[] = {
		{ .bus = 0x5000, .length = PAGE },
		{ .bus = 0x5000, .length = PAGE + 8 },
	};
	static const struct hf_sg none = { .bus = 0x5000 };
	static const struct hf_sg large = { .bus = 0x5000,
					    .length = 600 * PAGE };
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_32 + PAGE, false);

	(void)state;
	assert_int_equal(hf_iommu_map(domain, 0x100000, odd, 3, RW), -EINVAL);
	assert_int_equal(hf_iommu_map(domain, 0x100000, cut, 2, RW), -EINVAL);
	assert_int_equal(hf_iommu_map(domain, 0x100000, &none, 1, RW), -EINVAL);
	assert_int_equal(hf_iommu_map(domain, 0x100000, &good, 0, RW), -EINVAL);
	assert_int_equal(hf_iommu_map(domain, 0x100000, &good, 1, 0), -EINVAL);
	assert_int_equal(hf_iommu_map(domain, 0x100000, &good, 1, 4), -EINVAL);
	assert_int_equal(hf_iommu_map(domain, 0x100001, &good, 1, RW), -EINVAL);
	assert_int_equal(hf_iommu_map(domain, LAST_48 + 1, &good, 1, RW),
			 -EINVAL);
	/* Beyond the end, in the table of the end and in the one after. */
	assert_int_equal(hf_iommu_map(domain, LAST_32 + 1, &large, 1, RW),
			 -EINVAL);
	assert_int_equal(hf_iommu_map(domain, LAST_32 + 1 - 599 * PAGE, &large,
				      1, RW), 0);
	domain->ops->unmap(domain, LAST_32 + 1 - 599 * PAGE, 600 * PAGE);
	assert_int_equal(hf_iommu_map(domain, LAST_32 + 1 - 598 * PAGE, &large,
				      1, RW), -EINVAL);
	for (hf_iova_t at = 0x100000; at < 0x100000 + 710 * PAGE; at += PAGE)
		assert_int_equal(walk(domain, at), 0);
	for (hf_iova_t at = LAST_32 + 1 - 600 * PAGE; at < LAST_32 + 10 * PAGE;
	     at += PAGE)
		assert_int_equal(walk(domain, at), 0);
	assert_int_equal(walk(domain, UINT64_MAX), 0);
	hf_iommu_destroy(domain);
}

static void a_strict_unmap_begins_a_generation_and_frees_the_address(
	void **state)
{
	static const struct hf_sg sg = { .bus = 0x5000, .length = 64 * PAGE };
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_32, false);
	hf_iova_t iova = map(domain, &sg, 1, 64 * PAGE, RW);
	uint64_t generation = hf_iommu_generation(domain);

	(void)state;
	hf_iommu_unmap(domain, iova, 64 * PAGE);
	assert_int_not_equal(hf_iommu_generation(domain), generation);
	assert_int_equal(map(domain, &sg, 1, 64 * PAGE, RW), iova);
	hf_iommu_flush(domain);
	hf_iommu_destroy(domain);
}

static void a_deferred_address_is_reused_after_the_flush_only(void **state)
{
	static const struct hf_sg sg = { .bus = 0x5000, .length = 64 * PAGE };
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_32, true);
	hf_iova_t iova = map(domain, &sg, 1, 64 * PAGE, RW), other;
	uint64_t generation = hf_iommu_generation(domain);

	(void)state;
	hf_iommu_unmap(domain, iova, 64 * PAGE);
	assert_int_equal(hf_iommu_generation(domain), generation);
	assert_int_equal(walk(domain, iova), 0);
	other = map(domain, &sg, 1, 64 * PAGE, RW);
	assert_int_not_equal(other, iova);
	hf_iommu_flush(domain);
	assert_int_not_equal(hf_iommu_generation(domain), generation);
	assert_int_equal(map(domain, &sg, 1, 64 * PAGE, RW), iova);
	hf_iommu_destroy(domain);
}

static void a_full_queue_flushes(void **state)
{
	static const struct hf_sg sg = { .bus = 0x5000, .length = PAGE };
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_32, true);
	uint64_t generation = hf_iommu_generation(domain);

	(void)state;
	for (int i = 0; i < HF_IOMMU_QUEUE; i++) {
		assert_int_equal(hf_iommu_generation(domain), generation);
		hf_iommu_unmap(domain, map(domain, &sg, 1, PAGE, RW), PAGE);
	}
	assert_int_not_equal(hf_iommu_generation(domain), generation);
	hf_iommu_destroy(domain);
}

static void the_last_owner_of_an_address_is_remembered(void **state)
{
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_32, false);
	struct hf_owner owners[2], owner;
	struct hf_page *pages[2][3];
	uint64_t ns;
	hf_iova_t iova = 0x100000;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct hf_backing *backing =
			hf_backing_create(mem, 3 * PAGE, false, 4711 + i);
		struct hf_sg_table table;

		assert_non_null(backing);
		owners[i] = backing->owner;
		assert_int_equal(hf_backing_get_pages(backing, 0, 3, pages[i]),
				 0);
		assert_int_equal(hf_sg_table_from_pages(&table, pages[i], 3, 0),
				 0);
		assert_false(i == 0 &&
			     hf_iommu_last_owner(domain, iova, &owner,
						      &ns));
		assert_int_equal(domain->ops->map(domain, iova, table.sgl,
						  table.orig_nents, RW), 0);
		domain->ops->unmap(domain, iova, 3 * PAGE);
		hf_sg_table_finish(&table);
		hf_pages_put(pages[i], 3);
		hf_backing_put(backing);
		assert_true(hf_iommu_last_owner(
			domain, iova + 2 * PAGE + 5, &owner, &ns));
		assert_int_equal(owner.object, owners[i].object);
		assert_int_equal(owner.pid, 4711 + i);
		assert_int_not_equal(ns, 0);
	}
	assert_int_not_equal(owners[0].object, owners[1].object);
	assert_false(hf_iommu_last_owner(domain, iova + 3 * PAGE, &owner,
					      &ns));
	assert_false(hf_iommu_last_owner(domain, iova - 1, &owner, &ns));
	hf_iommu_destroy(domain);
}

/* -- threads ----------------------------------------------------------------- */

struct mapper {
	struct hf_iommu_domain *domain;
	hf_bus_t bus;
	atomic_int *stop;
	pthread_t thread;
};

/* Its range has its own bus addresses as long as it is mapped. */
static void *map_and_unmap(void *data)
{
	struct mapper *mapper = data;
	uintptr_t bad = 0;

	for (size_t i = 0; i < 400; i++) {
		size_t pages = 1 + i * 37 % 700;
		struct hf_sg sg = { .bus = mapper->bus,
				    .length = pages * PAGE };
		hf_iova_t iova = hf_iova_alloc(mapper->domain->space, sg.length,
					       PAGE, UINT64_MAX);

		bad += !iova || hf_iommu_map(mapper->domain, iova, &sg, 1, RW);
		for (size_t p = 0; p < pages; p += 61)
			bad += walk(mapper->domain, iova + p * PAGE) !=
			       mapper->bus + p * PAGE;
		hf_iommu_unmap(mapper->domain, iova, sg.length);
	}
	return (void *)bad;
}

/* A device that goes anywhere sees whole entries or none. */
static void *wander(void *data)
{
	struct mapper *mapper = data;
	uintptr_t bad = 0;
	uint32_t seed = 5;

	while (!atomic_load(mapper->stop)) {
		hf_iova_t iova;
		hf_bus_t bus;

		seed = seed * 1664525 + 1013904223;
		iova = LAST_48 + 1 - (1 + (seed >> 8) % 4096) * PAGE;
		bus = walk(mapper->domain, iova);
		bad += bus && (bus >> 32 < 1 || bus >> 32 > 3);
		(void)hf_iommu_generation(mapper->domain);
	}
	return (void *)bad;
}

static void walk_while_others_map(bool deferred)
{
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_48, deferred);
	struct mapper mappers[4];
	atomic_int stop = 0;
	void *bad;

	for (size_t i = 0; i < 4; i++) {
		mappers[i] = (struct mapper){ .domain = domain,
					      .bus = (i + 1) << 32,
					      .stop = &stop };
		assert_int_equal(pthread_create(&mappers[i].thread, NULL,
						i < 3 ? map_and_unmap : wander,
						&mappers[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		if (i == 3)
			atomic_store(&stop, 1);
		pthread_join(mappers[i].thread, &bad);
		assert_null(bad);
	}
	hf_iommu_destroy(domain);
}

static void threads_map_and_devices_walk_at_the_same_time(void **state)
{
	(void)state;
	walk_while_others_map(false);
	walk_while_others_map(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_width_of_a_domain_is_checked),
		cmocka_unit_test(each_page_of_a_mapping_is_found),
		cmocka_unit_test(permissions_are_a_pages_own),
		cmocka_unit_test(what_is_wrong_is_refused_and_leaves_nothing),
		cmocka_unit_test(
			a_strict_unmap_begins_a_generation_and_frees_the_address),
		cmocka_unit_test(
			a_deferred_address_is_reused_after_the_flush_only),
		cmocka_unit_test(a_full_queue_flushes),
		cmocka_unit_test(the_last_owner_of_an_address_is_remembered),
		cmocka_unit_test(threads_map_and_devices_walk_at_the_same_time),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
