// SPDX-License-Identifier: MIT
/*
 * Address spaces: mappings that split and merge, references that are dropped when
 * the jobs which could reach the memory have ended, and what the device finds.
 *
 * The memory is real, scattered over bus addresses, and behind an IOMMU. Each of
 * its pages begins with a number of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mem/backing.h"
#include "mmu/vm.h"
#include "vmsa.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define PAGE KIB(4)
#define VA_END (1ull << 48)

/* -- memory that runs out ---------------------------------------------------- */

static unsigned int calls_left = UINT32_MAX;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	if (calls_left == UINT32_MAX)
		return __real_calloc(n, size);
	if (!calls_left) {
		errno = ENOMEM;
		return NULL;
	}
	calls_left--;
	return __real_calloc(n, size);
}

/* -- the machine ------------------------------------------------------------- */

static struct hf_memory *mem;
static struct hf_dma_device dev;
static struct hf_mmu *mmu;
static struct hf_vm *vm;

static struct hf_mmu *mmu_create(void)
{
	struct hf_mmu *unit = calloc(1, sizeof(*unit));

	assert_non_null(unit);
	unit->port.dev = &dev;
	return unit;
}

static int setup(void **state)
{
	struct hf_memory_options options = { 0 };

	(void)state;
	mem = hf_memory_create(&options);
	assert_non_null(mem);
	assert_int_equal(
		hf_dma_device_init(&dev, "engine", mem,
				   hf_soft_iommu_create(mem, VA_END - 1,
							false)),
		0);
	assert_non_null(dev.domain);
	vm = hf_vm_create(&dev);
	assert_non_null(vm);
	mmu = mmu_create();
	hf_mmu_switch(mmu, vm);
	return 0;
}

static int teardown(void **state)
{
	struct hf_memory_stats stats;

	(void)state;
	hf_vm_put(vm);
	free(mmu);
	assert_int_equal(dev.mapped, 0);
	hf_dma_device_finish(&dev);
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.pages, 0);
	hf_memory_destroy(mem);
	return 0;
}

/* -- memory ------------------------------------------------------------------ */

struct memory {
	struct hf_vm_memory base;
	struct hf_sg_table table;
	enum hf_dma_direction dir;
	struct hf_page **pages;
	size_t n;
	int refs; /* of mappings */
};

static void memory_get(struct hf_vm_memory *base)
{
	((struct memory *)base)->refs++;
}

static void memory_put(struct hf_vm_memory *base)
{
	struct memory *memory = (struct memory *)base;

	assert_true(memory->refs > 0);
	memory->refs--;
}

static uint64_t *page_of(const struct memory *memory, uint64_t offset)
{
	return hf_page_cpu(memory->pages[offset / PAGE]);
}

static struct memory *memory_create_for(uint64_t size,
					enum hf_dma_direction dir)
{
	static uint64_t stamp;
	struct memory *memory = calloc(1, sizeof(*memory));
	struct hf_backing *backing;
	size_t i;

	assert_non_null(memory);
	memory->n = size / PAGE;
	memory->dir = dir;
	memory->pages = calloc(memory->n, sizeof(memory->pages[0]));
	assert_non_null(memory->pages);
	backing = hf_backing_create(mem, size, false, 1);
	assert_non_null(backing);
	assert_int_equal(hf_backing_get_pages(backing, 0, memory->n,
					      memory->pages),
			 0);
	hf_backing_put(backing);
	for (i = 0; i < memory->n; i++)
		*page_of(memory, i * PAGE) = ++stamp;
	assert_int_equal(hf_sg_table_from_pages(&memory->table, memory->pages,
						memory->n, 0),
			 0);
	assert_int_equal(hf_dma_map_sgtable(&dev, &memory->table, dir), 0);
	memory->base.table = &memory->table;
	memory->base.get = memory_get;
	memory->base.put = memory_put;
	return memory;
}

static struct memory *memory_create(uint64_t size)
{
	return memory_create_for(size, HF_DMA_BIDIRECTIONAL);
}

static void memory_destroy(struct memory *memory)
{
	assert_int_equal(memory->refs, 0);
	hf_vm_memory_finish(&memory->base);
	hf_dma_unmap_sgtable(&dev, &memory->table, memory->dir);
	hf_sg_table_finish(&memory->table);
	hf_pages_put(memory->pages, memory->n);
	free(memory->pages);
	free(memory);
}

/* -- changes ----------------------------------------------------------------- */

static struct hf_vm_op map_op(uint64_t va, uint64_t size,
			      struct memory *memory, uint64_t offset,
			      bool read_only)
{
	return (struct hf_vm_op){
		HF_VM_MAP,
		{ va, size, memory ? &memory->base : NULL, offset, read_only },
	};
}

static struct hf_vm_op unmap_op(uint64_t va, uint64_t size)
{
	return (struct hf_vm_op){ HF_VM_UNMAP, { .va = va, .size = size } };
}

static void bind(struct hf_vm_op op)
{
	assert_int_equal(hf_vm_check(vm, &op, 1), 0);
	assert_int_equal(hf_vm_bind(vm, &op, 1), 0);
}

static void map(uint64_t va, uint64_t size, struct memory *memory,
		uint64_t offset)
{
	bind(map_op(va, size, memory, offset, false));
}

static void map_read_only(uint64_t va, uint64_t size, struct memory *memory,
			  uint64_t offset)
{
	bind(map_op(va, size, memory, offset, true));
}

static void unmap(uint64_t va, uint64_t size)
{
	bind(unmap_op(va, size));
}

/* The mapping at @va is this one, from its first byte on. */
static void assert_vma(uint64_t va, uint64_t size, struct memory *memory,
		       uint64_t offset)
{
	const struct hf_vma *vma = hf_vm_next(vm, va);

	assert_non_null(vma);
	assert_int_equal(vma->va, va);
	assert_int_equal(vma->size, size);
	assert_ptr_equal(vma->memory, memory);
	assert_int_equal(vma->offset, offset);
}

static size_t count_vmas(void)
{
	const struct hf_vma *vma;
	size_t n = 0;

	for (vma = hf_vm_next(vm, 0); vma; n++)
		vma = hf_vm_next(vm, vma->va + vma->size);
	return n;
}

/* -- accesses ---------------------------------------------------------------- */

static void *access_at(uint64_t va, bool write)
{
	struct hf_mmu_fault fault;
	uint64_t length;

	return hf_mmu_access(mmu, va, 1, write, &length, &fault);
}

static void assert_fault(uint64_t va, bool write,
			 enum hf_mmu_fault_reason reason)
{
	struct hf_mmu_fault fault;
	uint64_t length;

	assert_null(hf_mmu_access(mmu, va, 1, write, &length, &fault));
	assert_int_equal(fault.va, va);
	assert_int_equal(fault.write, write);
	assert_int_equal(fault.reason, reason);
}

static void assert_maps(uint64_t va, uint64_t size, struct memory *memory,
			uint64_t offset)
{
	uint64_t i;

	for (i = 0; i < size; i += PAGE)
		assert_ptr_equal(access_at(va + i, false),
				 page_of(memory, offset + i));
}

static void assert_unmapped(uint64_t va, uint64_t size)
{
	uint64_t i;

	for (i = 0; i < size; i += PAGE)
		assert_fault(va + i, false, HF_MMU_FAULT_UNMAPPED);
}

/* -- checks ------------------------------------------------------------------ */

static int check(struct hf_vm_op op)
{
	struct hf_vm_op ops[2] = { unmap_op(0, PAGE), op };

	return hf_vm_check(vm, ops, 2);
}

static void ranges_that_make_no_sense_are_refused(void **state)
{
	struct memory *m = memory_create(KIB(64));

	(void)state;
	assert_int_equal(check(unmap_op(0, VA_END)), 0);
	assert_int_equal(check(unmap_op(VA_END - PAGE, PAGE)), 0);
	assert_int_equal(check(unmap_op(PAGE, 0)), -EINVAL);
	assert_int_equal(check(unmap_op(PAGE, 100)), -EINVAL);
	assert_int_equal(check(unmap_op(100, PAGE)), -EINVAL);
	assert_int_equal(check(unmap_op(VA_END, PAGE)), -EINVAL);
	assert_int_equal(check(unmap_op(PAGE, VA_END)), -EINVAL);
	assert_int_equal(check(unmap_op(0 - PAGE, 2 * PAGE)), -EINVAL);
	assert_int_equal(check(unmap_op(PAGE, 0 - PAGE)), -EINVAL);

	assert_int_equal(check(map_op(0, KIB(64), m, 0, false)), 0);
	assert_int_equal(check(map_op(0, PAGE, m, KIB(60), true)), 0);
	assert_int_equal(check(map_op(0, KIB(68), m, 0, false)), -EINVAL);
	assert_int_equal(check(map_op(0, KIB(8), m, KIB(60), false)), -EINVAL);
	assert_int_equal(check(map_op(0, PAGE, m, KIB(64), false)), -EINVAL);
	assert_int_equal(check(map_op(0, PAGE, m, 1, false)), -EINVAL);
	assert_int_equal(check(map_op(0, PAGE, m, 0 - PAGE, false)), -EINVAL);
	assert_int_equal(check(map_op(0, VA_END, NULL, 0, false)), 0);
	assert_int_equal(check(map_op(0, VA_END + PAGE, NULL, 0, false)),
			 -EINVAL);
	memory_destroy(m);
}

/* -- mappings ---------------------------------------------------------------- */

static void page_zero_and_the_last_one_can_be_mapped(void **state)
{
	struct memory *m = memory_create(KIB(8));

	(void)state;
	map(0, PAGE, m, 0);
	map(VA_END - PAGE, PAGE, m, PAGE);
	assert_maps(0, PAGE, m, 0);
	assert_maps(VA_END - PAGE, PAGE, m, PAGE);
	unmap(0, VA_END);
	assert_int_equal(count_vmas(), 0);
	memory_destroy(m);
}

static void an_unmap_in_the_middle_splits(void **state)
{
	struct memory *m = memory_create(MIB(4));

	(void)state;
	map(MIB(2), MIB(4), m, 0);
	assert_int_equal(m->refs, 1);
	unmap(MIB(3), PAGE);
	assert_int_equal(m->refs, 2);
	assert_int_equal(count_vmas(), 2);
	assert_vma(MIB(2), MIB(1), m, 0);
	assert_vma(MIB(3) + PAGE, MIB(3) - PAGE, m, MIB(1) + PAGE);
	assert_maps(MIB(2), MIB(1), m, 0);
	assert_unmapped(MIB(3), PAGE);
	assert_maps(MIB(3) + PAGE, MIB(3) - PAGE, m, MIB(1) + PAGE);
	unmap(0, VA_END);
	memory_destroy(m);
}

static void a_map_replaces_what_it_covers(void **state)
{
	struct memory *a = memory_create(MIB(3)), *b = memory_create(MIB(1));
	struct memory *c = memory_create(MIB(3));

	(void)state;
	map(MIB(4), MIB(3), a, 0);
	map(MIB(7), PAGE, b, 0);
	map(MIB(7) + PAGE, MIB(3) - PAGE, a, PAGE);
	assert_int_equal(count_vmas(), 3);
	map_read_only(MIB(6), MIB(3), c, 0);
	assert_int_equal(b->refs, 0);
	assert_int_equal(a->refs, 2);
	assert_int_equal(c->refs, 1);
	assert_vma(MIB(4), MIB(2), a, 0);
	assert_vma(MIB(6), MIB(3), c, 0);
	assert_vma(MIB(9), MIB(1), a, MIB(2));
	assert_maps(MIB(4), MIB(2), a, 0);
	assert_maps(MIB(6), MIB(3), c, 0);
	assert_maps(MIB(9), MIB(1), a, MIB(2));
	unmap(0, VA_END);
	memory_destroy(a);
	memory_destroy(b);
	memory_destroy(c);
}

static void neighbours_that_continue_each_other_are_merged(void **state)
{
	struct memory *a = memory_create(MIB(1)), *b = memory_create(MIB(1));

	(void)state;
	map(MIB(8), KIB(16), a, 0);
	map(MIB(8) + KIB(32), KIB(16), a, KIB(32));
	assert_int_equal(count_vmas(), 2);
	map(MIB(8) + KIB(16), KIB(16), a, KIB(16));
	assert_int_equal(count_vmas(), 1);
	assert_vma(MIB(8), KIB(48), a, 0);
	assert_int_equal(a->refs, 1);

	/* Not: other memory, another offset, other rights, a hole. */
	map(MIB(8) + KIB(48), PAGE, b, KIB(48));
	assert_int_equal(count_vmas(), 2);
	map(MIB(8) + KIB(48), PAGE, a, KIB(52));
	assert_int_equal(count_vmas(), 2);
	map_read_only(MIB(8) + KIB(48), PAGE, a, KIB(48));
	assert_int_equal(count_vmas(), 2);
	map(MIB(8) + KIB(52), PAGE, a, KIB(48));
	unmap(MIB(8) + KIB(48), PAGE);
	assert_int_equal(count_vmas(), 2);

	/* Sparse ranges have no offset to differ in. */
	map(MIB(20), PAGE, NULL, 0);
	map(MIB(20) + PAGE, PAGE, NULL, KIB(64));
	assert_vma(MIB(20), 2 * PAGE, NULL, 0);

	/* A hole that is filled again leaves one mapping. */
	map(MIB(30), KIB(64), b, 0);
	map(MIB(30) + KIB(8), PAGE, a, 0);
	map(MIB(30) + KIB(8), PAGE, b, KIB(8));
	assert_vma(MIB(30), KIB(64), b, 0);
	assert_int_equal(b->refs, 1);
	assert_maps(MIB(30), KIB(64), b, 0);
	unmap(0, VA_END);
	memory_destroy(a);
	memory_destroy(b);
}

static void mapping_the_same_again_changes_nothing(void **state)
{
	struct memory *m = memory_create(MIB(2));
	char *before;

	(void)state;
	map(MIB(2), MIB(2), m, 0);
	before = access_at(MIB(2), true);
	map(MIB(2), MIB(2), m, 0);
	map(MIB(2) + KIB(128), KIB(64), m, KIB(128));
	assert_ptr_equal(access_at(MIB(2), true), before);
	assert_vma(MIB(2), MIB(2), m, 0);
	assert_int_equal(m->refs, 1);
	/* The same, but for the rights. */
	map_read_only(MIB(2), MIB(2), m, 0);
	assert_fault(MIB(2), true, HF_MMU_FAULT_READ_ONLY);
	assert_int_equal(m->refs, 1);
	unmap(0, VA_END);
	memory_destroy(m);
}

static void many_changes_are_done_in_order(void **state)
{
	struct memory *a = memory_create(MIB(2)), *b = memory_create(MIB(2));
	struct hf_vm_op ops[] = {
		map_op(MIB(2), MIB(2), a, 0, false),
		unmap_op(MIB(2) + KIB(4), KIB(4)),
		map_op(MIB(2) + KIB(64), KIB(64), b, 0, false),
		map_op(GIB(1), GIB(600), NULL, 0, false),
		unmap_op(GIB(513) + KIB(4), KIB(4)),
		map_op(GIB(5), MIB(2), b, 0, true),
		unmap_op(GIB(5) + KIB(4), KIB(4)),
	};

	(void)state;
	assert_int_equal(hf_vm_check(vm, ops, 7), 0);
	assert_int_equal(hf_vm_bind(vm, ops, 7), 0);
	assert_maps(MIB(2), KIB(4), a, 0);
	assert_unmapped(MIB(2) + KIB(4), KIB(4));
	assert_maps(MIB(2) + KIB(8), KIB(56), a, KIB(8));
	assert_maps(MIB(2) + KIB(64), KIB(64), b, 0);
	assert_maps(MIB(2) + KIB(128), MIB(2) - KIB(128), a, KIB(128));
	assert_non_null(access_at(GIB(513), true));
	assert_unmapped(GIB(513) + KIB(4), KIB(4));
	assert_maps(GIB(5), KIB(4), b, 0);
	assert_unmapped(GIB(5) + KIB(4), KIB(4));
	assert_maps(GIB(5) + KIB(8), KIB(4), b, KIB(8));
	unmap(0, VA_END);
	memory_destroy(a);
	memory_destroy(b);
}

static void without_memory_a_bind_changes_nothing(void **state)
{
	struct memory *a = memory_create(MIB(4)), *b = memory_create(MIB(4));
	struct hf_vm_op ops[] = {
		unmap_op(MIB(3), KIB(64)),
		map_op(MIB(4), MIB(1), b, 0, false),
		map_op(GIB(8), MIB(4), b, 0, false),
		map_op(GIB(9) + KIB(4), MIB(4) - KIB(4), b, 0, false),
		map_op(GIB(600), GIB(1000), NULL, 0, false),
		unmap_op(GIB(700) + KIB(4), KIB(4)),
	};
	size_t n = sizeof(ops) / sizeof(ops[0]), failures = 0;
	int err;

	(void)state;
	map(MIB(2), MIB(4), a, 0);
	for (;;) {
		calls_left = (unsigned int)failures;
		err = hf_vm_bind(vm, ops, n);
		calls_left = UINT32_MAX;
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		failures++;
		assert_int_equal(a->refs, 1);
		assert_int_equal(b->refs, 0);
		assert_int_equal(count_vmas(), 1);
		assert_vma(MIB(2), MIB(4), a, 0);
		assert_maps(MIB(2), MIB(4), a, 0);
		assert_unmapped(GIB(8), PAGE);
		assert_unmapped(GIB(600), PAGE);
	}
	assert_true(failures >= 5);
	assert_unmapped(MIB(3), KIB(64));
	assert_maps(MIB(4), MIB(1), b, 0);
	unmap(0, VA_END);
	memory_destroy(a);
	memory_destroy(b);
}

static void an_address_space_without_memory_is_not_created(void **state)
{
	struct hf_vm *other;
	unsigned int i;

	(void)state;
	for (i = 0;; i++) {
		calls_left = i;
		errno = 0;
		other = hf_vm_create(&dev);
		calls_left = UINT32_MAX;
		if (other)
			break;
		assert_int_equal(errno, ENOMEM);
	}
	assert_true(i >= 4);
	hf_vm_put(other);
	hf_vm_put(NULL);
}

static void an_offset_in_a_long_table_is_found(void **state)
{
	enum { N = 3000 };
	struct memory *m = memory_create(N * PAGE);
	struct hf_sg_table *table = &m->table, saved = *table;
	struct hf_sg *sgl = calloc(N, sizeof(*sgl));
	unsigned int round;
	uint64_t i;

	(void)state;
	/* As a device without an IOMMU has it: an entry a page. */
	for (i = 0; i < N; i++)
		sgl[i] = (struct hf_sg){ .dma = saved.sgl[0].dma + i * PAGE,
					 .dma_length = PAGE };
	*table = (struct hf_sg_table){ .sgl = sgl, .nents = N };
	for (round = 0; round < 2; round++) {
		calls_left = round ? 0 : UINT32_MAX; /* no index */
		assert_int_equal(check(map_op(0, PAGE, m, (N - 1) * PAGE,
					      false)),
				 0);
		calls_left = UINT32_MAX;
		assert_int_equal(!m->base.index, round);
		for (i = 0; i + 300 <= N; i += 97) {
			map(GIB(1), 300 * PAGE, m, i * PAGE);
			assert_maps(GIB(1), 300 * PAGE, m, i * PAGE);
		}
		map(GIB(1), PAGE, m, (N - 1) * PAGE);
		assert_maps(GIB(1), PAGE, m, (N - 1) * PAGE);
		unmap(0, VA_END);
		hf_vm_memory_finish(&m->base);
	}
	free(sgl);
	*table = saved;
	memory_destroy(m);
}

/* -- jobs -------------------------------------------------------------------- */

static void without_jobs_memory_is_put_at_once(void **state)
{
	struct memory *m = memory_create(PAGE);

	(void)state;
	map(0, PAGE, m, 0);
	hf_vm_job_end(vm, hf_vm_job_begin(vm));
	unmap(0, PAGE);
	assert_int_equal(m->refs, 0);
	memory_destroy(m);
}

static void memory_is_put_when_the_jobs_that_ran_have_ended(void **state)
{
	struct memory *a = memory_create(KIB(16)), *b = memory_create(PAGE);
	uint64_t first, second, third;

	(void)state;
	map(0, KIB(16), a, 0);
	map(MIB(1), PAGE, b, 0);
	first = hf_vm_job_begin(vm);
	second = hf_vm_job_begin(vm);
	unmap(0, KIB(16));
	assert_unmapped(0, KIB(16));
	third = hf_vm_job_begin(vm);
	assert_int_equal(a->refs, 1);
	map(MIB(1), PAGE, NULL, 0);
	assert_int_equal(b->refs, 1);
	/* The third began after the first change, before the second. */
	hf_vm_job_end(vm, second);
	assert_int_equal(a->refs, 1);
	hf_vm_job_end(vm, first);
	assert_int_equal(a->refs, 0);
	assert_int_equal(b->refs, 1);
	hf_vm_job_end(vm, third);
	assert_int_equal(b->refs, 0);
	memory_destroy(a);
	memory_destroy(b);
}

static void jobs_that_began_later_delay_nothing(void **state)
{
	struct memory *m = memory_create(PAGE);
	uint64_t before, after;

	(void)state;
	map(0, PAGE, m, 0);
	before = hf_vm_job_begin(vm);
	unmap(0, PAGE);
	after = hf_vm_job_begin(vm);
	hf_vm_job_end(vm, before);
	assert_int_equal(m->refs, 0);
	hf_vm_job_end(vm, after);
	memory_destroy(m);
}

static void jobs_may_end_in_any_order(void **state)
{
	enum { JOBS = 8, ROUNDS = 4000, MEMORIES = 16 };
	struct memory *memories[MEMORIES];
	unsigned int waits[MEMORIES] = { 0 }; /* a bit for each job */
	bool mapped[MEMORIES] = { 0 };
	uint64_t tokens[JOBS];
	unsigned int running = 0, i, k;

	(void)state;
	srandom(1);
	for (i = 0; i < MEMORIES; i++)
		memories[i] = memory_create(PAGE);
	for (k = 0; k < ROUNDS; k++) {
		i = random() % MEMORIES;
		if (mapped[i]) {
			unmap(i * PAGE, PAGE);
			waits[i] |= running;
			mapped[i] = false;
		} else if (!memories[i]->refs) {
			map(i * PAGE, PAGE, memories[i], 0);
			mapped[i] = true;
		}
		i = random() % JOBS;
		if (running & (1u << i)) {
			hf_vm_job_end(vm, tokens[i]);
			running &= ~(1u << i);
		} else if (random() % 2) {
			tokens[i] = hf_vm_job_begin(vm);
			running |= 1u << i;
			continue;
		}
		/* An end that is over counts for none of those that wait. */
		for (i = 0; i < MEMORIES; i++) {
			waits[i] &= running;
			assert_int_equal(memories[i]->refs,
					 mapped[i] || waits[i]);
		}
	}
	for (i = 0; i < JOBS; i++)
		if (running & (1u << i))
			hf_vm_job_end(vm, tokens[i]);
	unmap(0, VA_END);
	for (i = 0; i < MEMORIES; i++)
		memory_destroy(memories[i]);
}

static void the_last_put_drops_all_mappings(void **state)
{
	struct memory *m = memory_create(MIB(4));
	struct hf_vm *other = vm;

	(void)state;
	map(MIB(2), MIB(4), m, 0);
	map(MIB(8), KIB(8), m, PAGE);
	map(GIB(1), GIB(1), NULL, 0);
	hf_vm_get(other);
	hf_vm_put(other);
	assert_int_equal(m->refs, 2);
	vm = hf_vm_create(&dev);
	hf_vm_put(other);
	assert_int_equal(m->refs, 0);
	memory_destroy(m);
}

static void tables_are_not_trimmed_while_a_job_runs(void **state)
{
	struct memory *m = memory_create(MIB(16));
	size_t used = hf_page_table_bytes(hf_vm_table(vm)), full;
	uint64_t i, job;

	(void)state;
	/* In pages of 4 KiB: 8 tables each. */
	for (i = 0; i < 200; i++)
		map(GIB(1) + i * MIB(32) + PAGE, MIB(16) - PAGE, m, 0);
	full = hf_page_table_bytes(hf_vm_table(vm));
	assert_true(full > used + MIB(6));
	job = hf_vm_job_begin(vm);
	unmap(0, VA_END);
	assert_int_equal(hf_page_table_bytes(hf_vm_table(vm)), full);
	hf_vm_job_end(vm, job);
	assert_int_equal(m->refs, 0);
	assert_int_equal(hf_page_table_bytes(hf_vm_table(vm)), used);
	map(GIB(1), PAGE, m, 0);
	assert_maps(GIB(1), PAGE, m, 0);
	unmap(0, VA_END);
	memory_destroy(m);
}

/* -- the device's side ------------------------------------------------------- */

static void faults_name_address_and_reason(void **state)
{
	struct memory *m = memory_create(KIB(8));
	struct hf_sg sg = { .dma = GIB(100000), .dma_length = PAGE };
	struct hf_sg_table table = { .sgl = &sg, .nents = 1 };
	struct memory lost = { .base = { &table, memory_get, memory_put,
					 0, NULL } };

	(void)state;
	map_read_only(MIB(1), KIB(8), m, 0);
	map(MIB(4), PAGE, &lost, 0);
	assert_fault(MIB(1) + 4242, true, HF_MMU_FAULT_READ_ONLY);
	assert_fault(MIB(1) + KIB(8) + 1, true, HF_MMU_FAULT_UNMAPPED);
	assert_fault(MIB(1) - 1, false, HF_MMU_FAULT_UNMAPPED);
	assert_fault(0, false, HF_MMU_FAULT_UNMAPPED);
	assert_fault(VA_END - 1, false, HF_MMU_FAULT_UNMAPPED);
	assert_fault(VA_END, false, HF_MMU_FAULT_UNMAPPED);
	assert_fault(VA_END + MIB(1), false, HF_MMU_FAULT_UNMAPPED);
	assert_fault(UINT64_MAX, true, HF_MMU_FAULT_UNMAPPED);
	assert_fault(MIB(4) + 17, false, HF_MMU_FAULT_BUS);
	assert_fault(MIB(4) + 17, true, HF_MMU_FAULT_BUS);
	assert_true(dev.nfaults >= 2);
	assert_int_equal(dev.faults[0].iova, GIB(100000));
	unmap(0, VA_END);
	memory_destroy(m);
}

static void a_run_ends_where_the_translation_does(void **state)
{
	struct memory *m = memory_create(MIB(1));
	struct hf_mmu_fault fault;
	uint64_t length, contiguous = PAGE;
	char *at;

	(void)state;
	while (contiguous < MIB(1) &&
	       (char *)page_of(m, contiguous) ==
		       (char *)page_of(m, 0) + contiguous)
		contiguous += PAGE;
	assert_true(contiguous >= KIB(16));
	map(MIB(1), KIB(8), m, 0);
	map_read_only(MIB(1) + KIB(8), KIB(8), m, KIB(8));
	map(MIB(2), KIB(8), m, KIB(4));
	map(MIB(2) + KIB(8), KIB(4), m, 0);

	at = hf_mmu_access(mmu, MIB(1) + 100, MIB(8), false, &length, &fault);
	assert_ptr_equal(at, (char *)page_of(m, 0) + 100);
	assert_int_equal(length, KIB(16) - 100);
	at = hf_mmu_access(mmu, MIB(1) + 100, MIB(8), true, &length, &fault);
	assert_ptr_equal(at, (char *)page_of(m, 0) + 100);
	assert_int_equal(length, KIB(8) - 100);
	/* Other memory follows. */
	hf_mmu_access(mmu, MIB(2), KIB(12), true, &length, &fault);
	assert_int_equal(length, KIB(8));
	/* No more than was asked for. */
	hf_mmu_access(mmu, MIB(1) + 4000, 200, false, &length, &fault);
	assert_int_equal(length, 200);
	hf_mmu_access(mmu, MIB(1), 1, false, &length, &fault);
	assert_int_equal(length, 1);

	map(VA_END - PAGE, PAGE, m, 0);
	map(0, PAGE, m, PAGE);
	hf_mmu_access(mmu, VA_END - 8, UINT64_MAX, false, &length, &fault);
	assert_int_equal(length, 8);
	unmap(0, VA_END);
	memory_destroy(m);
}

static void a_run_is_not_looked_up_without_end(void **state)
{
	struct memory *m = memory_create(MIB(8));
	struct hf_mmu_fault fault;
	uint64_t length, at;

	(void)state;
	map(MIB(8), MIB(8), m, 0);
	for (at = 0; at < MIB(8); at += length) {
		assert_ptr_equal(hf_mmu_access(mmu, MIB(8) + at, MIB(8) - at,
					       true, &length, &fault),
				 page_of(m, at));
		assert_true(length >= PAGE && length <= HF_MMU_RUN + PAGE);
	}
	assert_int_equal(at, MIB(8));
	unmap(0, VA_END);
	memory_destroy(m);
}

static void the_tlb_forgets_what_was_changed(void **state)
{
	struct memory *a = memory_create(KIB(8)), *b = memory_create(KIB(8));

	(void)state;
	map(0, KIB(8), a, 0);
	assert_maps(0, KIB(8), a, 0);
	assert_ptr_equal(access_at(0, true), page_of(a, 0));
	map_read_only(0, PAGE, a, 0);
	assert_fault(0, true, HF_MMU_FAULT_READ_ONLY);
	assert_ptr_equal(access_at(0, false), page_of(a, 0));
	map(0, PAGE, b, 0);
	assert_ptr_equal(access_at(0, true), page_of(b, 0));
	assert_ptr_equal(access_at(PAGE, true), page_of(a, PAGE));
	unmap(PAGE, PAGE);
	assert_fault(PAGE, false, HF_MMU_FAULT_UNMAPPED);
	map(PAGE, PAGE, b, PAGE);
	assert_maps(0, KIB(8), b, 0);
	unmap(0, VA_END);
	memory_destroy(a);
	memory_destroy(b);
}

static void a_block_is_found_where_small_pages_were(void **state)
{
	struct memory *a = memory_create(MIB(2)), *b = memory_create(PAGE);

	(void)state;
	map(MIB(2), PAGE, b, 0);
	assert_maps(MIB(2), PAGE, b, 0);
	unmap(MIB(2), PAGE);
	assert_unmapped(MIB(2), PAGE);
	map(MIB(2), MIB(2), a, 0);
	assert_maps(MIB(2), MIB(2), a, 0);
	unmap(0, VA_END);
	memory_destroy(a);
	memory_destroy(b);
}

static void what_the_iommu_forgot_is_not_in_the_tlb(void **state)
{
	struct memory *m = memory_create(KIB(8));

	(void)state;
	map(0, KIB(8), m, 0);
	assert_maps(0, KIB(8), m, 0);
	hf_dma_unmap_sgtable(&dev, &m->table, m->dir);
	assert_fault(0, false, HF_MMU_FAULT_BUS);
	assert_int_equal(hf_dma_map_sgtable(&dev, &m->table, m->dir), 0);
	unmap(0, VA_END);
	memory_destroy(m);
}

static void the_iommu_decides_about_each_kind_of_access(void **state)
{
	struct memory *in = memory_create_for(PAGE, HF_DMA_FROM_DEVICE);
	struct memory *out = memory_create_for(PAGE, HF_DMA_TO_DEVICE);

	(void)state;
	map(0, PAGE, in, 0);
	map(MIB(4), PAGE, out, 0);
	assert_ptr_equal(access_at(0, true), page_of(in, 0));
	assert_fault(0, false, HF_MMU_FAULT_BUS);
	assert_ptr_equal(access_at(0, true), page_of(in, 0));
	assert_ptr_equal(access_at(MIB(4), false), page_of(out, 0));
	assert_fault(MIB(4), true, HF_MMU_FAULT_BUS);
	assert_ptr_equal(access_at(MIB(4), false), page_of(out, 0));
	unmap(0, VA_END);
	memory_destroy(in);
	memory_destroy(out);
}

static void address_spaces_are_apart(void **state)
{
	struct memory *a = memory_create(PAGE), *b = memory_create(PAGE);
	struct hf_vm *first = vm, *second;
	int i;

	(void)state;
	map(0, PAGE, a, 0);
	second = vm = hf_vm_create(&dev);
	assert_non_null(vm);
	map(0, PAGE, b, 0);
	for (i = 0; i < 3; i++) {
		hf_mmu_switch(mmu, first);
		assert_ptr_equal(access_at(0, false), page_of(a, 0));
		hf_mmu_switch(mmu, second);
		assert_ptr_equal(access_at(0, false), page_of(b, 0));
	}
	/* Another one may be at the same address. */
	hf_vm_put(second);
	vm = hf_vm_create(&dev);
	hf_mmu_switch(mmu, vm);
	assert_unmapped(0, PAGE);
	hf_mmu_switch(mmu, first);
	hf_vm_put(vm);
	vm = first;
	unmap(0, VA_END);
	memory_destroy(a);
	memory_destroy(b);
}

static void the_tlb_survives_more_flushes_than_it_can_count(void **state)
{
	struct memory *a = memory_create(PAGE);
	struct hf_vm *first = vm;

	(void)state;
	map(0, PAGE, a, 0);
	assert_maps(0, PAGE, a, 0);
	vm = hf_vm_create(&dev);
	mmu->epoch = (1u << 26) - 1;
	hf_mmu_switch(mmu, vm);
	assert_int_equal(mmu->epoch, 1);
	assert_unmapped(0, PAGE);
	hf_mmu_switch(mmu, first);
	assert_maps(0, PAGE, a, 0);
	hf_vm_put(vm);
	vm = first;
	unmap(0, VA_END);
	memory_destroy(a);
}

static void sparse_reads_give_zero_and_writes_go_nowhere(void **state)
{
	static const char zero[HF_PAGE_SIZE];
	struct hf_mmu_fault fault;
	uint64_t length;
	char *to;
	int i;

	(void)state;
	map(GIB(1), GIB(700), NULL, 0);
	map_read_only(GIB(1), PAGE, NULL, 0);
	assert_fault(GIB(1), true, HF_MMU_FAULT_READ_ONLY);
	for (i = 0; i < 3; i++) {
		uint64_t at = GIB(600) + 2 * PAGE + 24;

		assert_memory_equal(hf_mmu_access(mmu, GIB(1), KIB(16), false,
						  &length, &fault),
				    zero, PAGE);
		assert_int_equal(length, PAGE);
		to = hf_mmu_access(mmu, at, KIB(64), true, &length, &fault);
		assert_int_equal(length, PAGE - 24);
		assert_ptr_equal(to, mmu->sink + 24);
		memset(to, 0x5a, length);
		assert_memory_equal(hf_mmu_access(mmu, at, KIB(16), false,
						  &length, &fault),
				    zero, length);
		assert_int_equal(length, PAGE - 24);
	}
	unmap(GIB(1) + PAGE, PAGE);
	assert_unmapped(GIB(1) + PAGE, PAGE);
	unmap(0, VA_END);
}

static void a_device_that_is_not_coherent_remembers_nothing(void **state)
{
	struct memory *m = memory_create(KIB(16));
	struct hf_mmu_fault fault;
	uint64_t length, accesses;
	int i;

	(void)state;
	map(0, KIB(16), m, 0);
	dev.coherent = false;
	for (i = 0; i < 3; i++) {
		accesses = dev.generation;
		assert_ptr_equal(hf_mmu_access(mmu, 0, KIB(16), true, &length,
					       &fault),
				 page_of(m, 0));
		assert_int_equal(length, KIB(16));
		/* The port is asked about every page, each time. */
		assert_true(dev.generation >= accesses + 4);
	}
	dev.coherent = true;
	unmap(0, VA_END);
	memory_destroy(m);
}

/* -- against a model --------------------------------------------------------- */

enum { MODEL_PAGES = 3072, MODEL_MEMORIES = 4 };

/* What a page of the address space is. */
struct model_page {
	struct memory *memory;
	uint64_t offset;
	bool sparse, read_only;
};

static bool read_memory(void *data, uint64_t pa, uint64_t *value)
{
	return !hf_dma_read(data, value, pa, sizeof(*value));
}

static uint64_t dma_address(const struct memory *memory, uint64_t offset)
{
	const struct hf_sg *sg = memory->table.sgl;

	for (; offset >= sg->dma_length; sg++)
		offset -= sg->dma_length;
	return sg->dma + offset;
}

static void compare_page(const struct model_page *page, uint64_t va)
{
	char *to_read = access_at(va, false), *to_write = access_at(va, true);
	bool there = page->memory || page->sparse;

	assert_int_equal(to_read != NULL, there);
	assert_int_equal(to_write != NULL, there && !page->read_only);
	if (page->sparse) {
		assert_int_equal(*to_read, 0);
		if (to_write)
			assert_ptr_equal(to_write, mmu->sink);
	} else if (page->memory) {
		assert_ptr_equal(to_read, page_of(page->memory, page->offset));
		if (to_write)
			assert_ptr_equal(to_write, to_read);
	}
}

static void compare_walk(const struct model_page *page, uint64_t va)
{
	struct vmsa_result r =
		vmsa_walk(read_memory, &mmu->port,
			  hf_page_table_root(hf_vm_table(vm)), va);

	if (!page->memory) {
		assert_int_equal(r.fault, VMSA_TRANSLATION_FAULT);
		return;
	}
	assert_int_equal(r.fault, VMSA_OK);
	assert_int_equal(r.pa, dma_address(page->memory, page->offset));
	assert_int_equal(r.read_only, page->read_only);
}

/* Do neighbours that could be one mapping share one? */
static void compare_vmas(const struct model_page *pages, uint64_t base)
{
	size_t n = 0, i;

	for (i = 0; i < MODEL_PAGES; i++) {
		const struct model_page *p = &pages[i], *q = p - 1;

		if (!p->memory && !p->sparse)
			continue;
		n += !i || p->memory != q->memory || p->sparse != q->sparse ||
		     p->read_only != q->read_only ||
		     (p->memory && p->offset != q->offset + PAGE);
	}
	assert_int_equal(count_vmas(), n);
	if (n)
		assert_true(hf_vm_next(vm, 0)->va >= base);
}

static struct hf_vm_op random_op(struct memory **memories, uint64_t base,
				 struct model_page *pages)
{
	uint64_t first = random() % MODEL_PAGES, n, i, offset = 0;
	struct memory *memory = memories[random() % MODEL_MEMORIES];
	bool read_only = random() % 4 == 0, sparse = random() % 8 == 0;
	bool unmapped = random() % 3 == 0;

	n = 1 + random() % (random() % 2 ? 20 : MODEL_PAGES);
	if (random() % 4 == 0) {
		first &= ~511ull;
		n = 512;
	}
	if (n > MODEL_PAGES - first)
		n = MODEL_PAGES - first;
	if (!unmapped && !sparse) {
		/* Mostly where large pages are possible. */
		if (n > memory->n)
			n = memory->n;
		offset = random() % 4 ? first % 512 : (uint64_t)random();
		offset = offset % (memory->n - n + 1) * PAGE;
	}
	for (i = 0; i < n; i++)
		pages[first + i] = (struct model_page){
			.memory = unmapped || sparse ? NULL : memory,
			.offset = offset + i * PAGE,
			.sparse = !unmapped && sparse,
			.read_only = !unmapped && read_only,
		};
	base += first * PAGE;
	if (unmapped)
		return unmap_op(base, n * PAGE);
	return map_op(base, n * PAGE, sparse ? NULL : memory, offset,
		      read_only);
}

static void random_changes_agree_with_an_array_of_pages(void **state)
{
	enum { ROUNDS = 1500, AT_ONCE = 4 };
	struct model_page *pages = calloc(MODEL_PAGES, sizeof(*pages));
	struct memory *memories[MODEL_MEMORIES];
	const uint64_t base = GIB(3) - MIB(4);
	unsigned int round, i, n;

	(void)state;
	srandom(2);
	for (i = 0; i < MODEL_MEMORIES; i++)
		memories[i] = memory_create(MIB(1) * (i + 1));
	for (round = 0; round < ROUNDS; round++) {
		struct hf_vm_op ops[AT_ONCE];
		uint64_t job = 0;

		n = 1 + random() % AT_ONCE;
		for (i = 0; i < n; i++)
			ops[i] = random_op(memories, base, pages);
		if (round % 3 == 0)
			job = hf_vm_job_begin(vm);
		assert_int_equal(hf_vm_check(vm, ops, n), 0);
		assert_int_equal(hf_vm_bind(vm, ops, n), 0);
		if (round % 3 == 0)
			hf_vm_job_end(vm, job);
		for (i = round % 7; i < MODEL_PAGES; i += 7)
			compare_page(&pages[i], base + i * PAGE);
		compare_vmas(pages, base);
		if (round % 50 == 0)
			for (i = 0; i < MODEL_PAGES; i++)
				compare_walk(&pages[i], base + i * PAGE);
		if (round % 400 == 0)
			hf_page_table_trim(hf_vm_table(vm));
	}
	unmap(0, VA_END);
	for (i = 0; i < MODEL_MEMORIES; i++)
		memory_destroy(memories[i]);
	free(pages);
}

/* -- threads ----------------------------------------------------------------- */

enum { WINDOW_PAGES = 1024, STABLE = 700, STABLE_PAGES = 5, WINDOWS = 300 };

/*
 * A range of WINDOW_PAGES is mapped as a whole at @va; then everything around the
 * pages from STABLE on is changed, while the device reads and writes these.
 */
struct race {
	struct memory *memory;
	pthread_mutex_t lock;
	_Atomic uint64_t va, seen;
	_Atomic bool stop;
	_Atomic unsigned int wrong;
};

static void read_stable_pages(struct race *race, struct hf_mmu *unit,
			      uint64_t va)
{
	uint64_t first = va + STABLE * PAGE, length, done;
	struct hf_mmu_fault fault;
	uint64_t offset = STABLE * PAGE;

	for (done = 0; done < STABLE_PAGES * PAGE; done += length) {
		char *at = hf_mmu_access(unit, first + done,
					 STABLE_PAGES * PAGE - done, done != 0,
					 &length, &fault);

		if (at != (char *)page_of(race->memory, offset + done)) {
			race->wrong++;
			return;
		}
	}
}

static void *device_thread(void *data)
{
	struct race *race = data;
	struct hf_mmu *unit = mmu_create();

	while (!race->stop) {
		uint64_t token, va;
		int i;

		pthread_mutex_lock(&race->lock);
		token = hf_vm_job_begin(vm);
		pthread_mutex_unlock(&race->lock);
		hf_mmu_switch(unit, vm);
		for (i = 0; i < 20; i++) {
			va = race->va;
			race->seen = va;
			if (va)
				read_stable_pages(race, unit, va);
		}
		pthread_mutex_lock(&race->lock);
		hf_vm_job_end(vm, token);
		pthread_mutex_unlock(&race->lock);
	}
	free(unit);
	return NULL;
}

static void locked_bind(struct race *race, struct hf_vm_op op)
{
	pthread_mutex_lock(&race->lock);
	bind(op);
	pthread_mutex_unlock(&race->lock);
}

/* A change that leaves the stable pages alone. */
static struct hf_vm_op change_around(struct race *race, struct memory *other,
				     uint64_t va)
{
	uint64_t first, n, limit;

	if (random() % 2) {
		first = STABLE + STABLE_PAGES + random() % 40;
		limit = WINDOW_PAGES;
	} else {
		first = random() % STABLE;
		limit = STABLE;
	}
	n = 1 + random() % (limit - first);
	if (random() % 4 == 0)
		n = limit - first;
	va += first * PAGE;
	switch (random() % 4) {
	case 0:
		return map_op(va, n * PAGE, other, first * PAGE, false);
	case 1:
		return map_op(va, n * PAGE, NULL, 0, false);
	case 2:
		return map_op(va, n * PAGE, race->memory, first * PAGE, true);
	default:
		return unmap_op(va, n * PAGE);
	}
}

static void a_mapping_is_never_lost_while_its_neighbours_change(void **state)
{
	struct memory *other = memory_create(WINDOW_PAGES * PAGE);
	struct race race = {
		.memory = memory_create(WINDOW_PAGES * PAGE),
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	uint64_t last = 0, va;
	pthread_t thread;
	unsigned int w, i;

	(void)state;
	srandom(3);
	assert_int_equal(pthread_create(&thread, NULL, device_thread, &race),
			 0);
	for (w = 0; w < WINDOWS; w++) {
		/* Every other one cannot have large pages. */
		va = GIB(1) + w % 8 * MIB(8) + (w & 1) * 3 * PAGE;
		locked_bind(&race, map_op(va, WINDOW_PAGES * PAGE, race.memory,
					  0, false));
		race.va = va;
		while (race.seen != va)
			sched_yield();
		if (last)
			locked_bind(&race,
				    unmap_op(last, WINDOW_PAGES * PAGE));
		last = va;
		for (i = 0; i < 30; i++)
			locked_bind(&race, change_around(&race, other, va));
	}
	race.stop = true;
	pthread_join(thread, NULL);
	assert_int_equal(race.wrong, 0);
	unmap(0, VA_END);
	memory_destroy(race.memory);
	memory_destroy(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ranges_that_make_no_sense_are_refused),
		TEST(page_zero_and_the_last_one_can_be_mapped),
		TEST(an_unmap_in_the_middle_splits),
		TEST(a_map_replaces_what_it_covers),
		TEST(neighbours_that_continue_each_other_are_merged),
		TEST(mapping_the_same_again_changes_nothing),
		TEST(many_changes_are_done_in_order),
		TEST(without_memory_a_bind_changes_nothing),
		TEST(an_address_space_without_memory_is_not_created),
		TEST(an_offset_in_a_long_table_is_found),
		TEST(without_jobs_memory_is_put_at_once),
		TEST(memory_is_put_when_the_jobs_that_ran_have_ended),
		TEST(jobs_that_began_later_delay_nothing),
		TEST(jobs_may_end_in_any_order),
		TEST(the_last_put_drops_all_mappings),
		TEST(tables_are_not_trimmed_while_a_job_runs),
		TEST(faults_name_address_and_reason),
		TEST(a_run_ends_where_the_translation_does),
		TEST(a_run_is_not_looked_up_without_end),
		TEST(the_tlb_forgets_what_was_changed),
		TEST(a_block_is_found_where_small_pages_were),
		TEST(what_the_iommu_forgot_is_not_in_the_tlb),
		TEST(the_iommu_decides_about_each_kind_of_access),
		TEST(address_spaces_are_apart),
		TEST(the_tlb_survives_more_flushes_than_it_can_count),
		TEST(sparse_reads_give_zero_and_writes_go_nowhere),
		TEST(a_device_that_is_not_coherent_remembers_nothing),
		TEST(random_changes_agree_with_an_array_of_pages),
		TEST(a_mapping_is_never_lost_while_its_neighbours_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
