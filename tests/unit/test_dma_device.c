/* SPDX-License-Identifier: MIT */
/*
 * Devices and ports that are made for their users: what they own, what a device
 * can do and when that may change, and what happens without memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dma_fixture.h"

/* -- memory that runs out ---------------------------------------------------- */

static bool no_memory;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
	if (!no_memory)
		return __real_malloc(size);
	errno = ENOMEM;
	return NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
	if (!no_memory)
		return __real_calloc(n, size);
	errno = ENOMEM;
	return NULL;
}

/* -- devices ----------------------------------------------------------------- */

static struct hf_dma_device *make(struct hf_memory *mem)
{
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_48, false);
	struct hf_dma_device *dev;

	assert_non_null(domain);
	dev = hf_dma_device_create("made", mem, domain);
	assert_non_null(dev);
	return dev;
}

static void unmake(struct hf_dma_device *dev, struct hf_memory *mem)
{
	struct hf_memory_stats stats;

	assert_int_equal(dev->mappings, 0);
	hf_dma_device_destroy(dev);
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.pages, 0);
	hf_memory_destroy(mem);
}

static void a_new_device_has_no_limits(void **state)
{
	struct hf_memory *mem = machine(false);
	struct hf_dma_device *dev = make(mem);

	(void)state;
	assert_string_equal(dev->name, "made");
	assert_true(dev->mask == UINT64_MAX);
	assert_int_equal(dev->max_segment, 0);
	assert_true(dev->boundary == 0);
	assert_true(dev->coherent);
	unmake(dev, mem);
}

static void a_long_name_is_cut(void **state)
{
	struct hf_memory *mem = machine(false);
	struct hf_dma_device *dev;

	(void)state;
	dev = hf_dma_device_create("a name of more than thirty-one letters", mem,
				   NULL);
	assert_non_null(dev);
	assert_string_equal(dev->name, "a name of more than thirty-one ");
	unmake(dev, mem);
}

static void what_no_device_has_is_refused(void **state)
{
	static const uint64_t bad[] = { 1, 0xffe, 0x1000, 0x12345678,
					UINT64_MAX - 1 };
	struct hf_memory *mem = machine(false);
	struct hf_dma_device *dev = make(mem);

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(hf_dma_set_mask(dev, bad[i]), -EINVAL);
		assert_int_equal(hf_dma_set_boundary(dev, bad[i]), -EINVAL);
	}
	assert_int_equal(hf_dma_set_mask(dev, 0), -EINVAL);
	assert_int_equal(hf_dma_set_max_segment(dev, 1), -EINVAL);
	assert_int_equal(hf_dma_set_max_segment(dev, PAGE - 1), -EINVAL);
	assert_true(dev->mask == UINT64_MAX);
	assert_true(dev->boundary == 0);
	assert_int_equal(dev->max_segment, 0);
	unmake(dev, mem);
}

static void the_smallest_and_the_largest_are_taken(void **state)
{
	struct hf_memory *mem = machine(false);
	struct hf_dma_device *dev = make(mem);

	(void)state;
	assert_int_equal(hf_dma_set_mask(dev, PAGE - 1), 0);
	assert_true(dev->mask == PAGE - 1);
	assert_int_equal(hf_dma_set_mask(dev, UINT64_MAX), 0);
	assert_int_equal(hf_dma_set_boundary(dev, PAGE - 1), 0);
	assert_int_equal(hf_dma_set_boundary(dev, UINT64_MAX), 0);
	assert_int_equal(hf_dma_set_boundary(dev, 0), 0);
	assert_int_equal(hf_dma_set_max_segment(dev, PAGE), 0);
	assert_int_equal(dev->max_segment, PAGE);
	assert_int_equal(hf_dma_set_max_segment(dev, SIZE_MAX), 0);
	assert_int_equal(hf_dma_set_max_segment(dev, 0), 0);
	unmake(dev, mem);
}

static void nothing_changes_while_something_is_mapped(void **state)
{
	struct hf_memory *mem = machine(false);
	struct hf_dma_device *dev = make(mem);
	hf_iova_t iova;
	void *cpu;

	(void)state;
	cpu = hf_dma_alloc(dev, PAGE, &iova);
	assert_non_null(cpu);
	assert_int_equal(hf_dma_set_mask(dev, UINT32_MAX), -EBUSY);
	assert_int_equal(hf_dma_set_boundary(dev, UINT32_MAX), -EBUSY);
	assert_int_equal(hf_dma_set_max_segment(dev, PAGE), -EBUSY);
	assert_int_equal(hf_dma_set_coherent(dev, false), -EBUSY);
	assert_true(dev->mask == UINT64_MAX);
	assert_true(dev->coherent);
	hf_dma_free(dev, cpu, PAGE, iova);
	assert_int_equal(hf_dma_set_mask(dev, UINT32_MAX), 0);
	unmake(dev, mem);
}

static void what_is_mapped_is_within_the_limits(void **state)
{
	const uint64_t mask = (1u << 28) - 1, boundary = 8 * PAGE - 1;
	struct hf_memory *mem = machine(false);
	struct hf_dma_device *dev = make(mem);
	static struct object object;

	(void)state;
	assert_int_equal(hf_dma_set_mask(dev, mask), 0);
	assert_int_equal(hf_dma_set_boundary(dev, boundary), 0);
	assert_int_equal(hf_dma_set_max_segment(dev, 3 * PAGE), 0);
	object_create(&object, mem, 20, false);
	assert_int_equal(hf_dma_map_sgtable(dev, &object.table,
					    HF_DMA_TO_DEVICE), 0);
	for (size_t i = 0; i < object.table.nents; i++) {
		const struct hf_sg *sg = &object.table.sgl[i];
		hf_iova_t last = sg->dma + sg->dma_length - 1;

		assert_true(last <= mask);
		assert_true(sg->dma / (boundary + 1) == last / (boundary + 1));
		assert_in_range(sg->dma_length, 1, 3 * PAGE);
	}
	hf_dma_unmap_sgtable(dev, &object.table, HF_DMA_TO_DEVICE);
	object_free(&object);
	unmake(dev, mem);
}

static void without_memory_the_domain_stays_the_callers(void **state)
{
	struct hf_memory *mem = machine(false);
	struct hf_iommu_domain *domain =
		hf_soft_iommu_create(mem, LAST_48, false);
	struct hf_dma_device *dev;

	(void)state;
	assert_non_null(domain);
	no_memory = true;
	errno = 0;
	dev = hf_dma_device_create("made", mem, domain);
	no_memory = false;
	assert_null(dev);
	assert_int_equal(errno, ENOMEM);
	dev = hf_dma_device_create("made", mem, domain);
	assert_non_null(dev);
	unmake(dev, mem);
}

static void nothing_is_destroyed_as_well(void **state)
{
	(void)state;
	hf_dma_port_destroy(NULL);
	hf_dma_device_destroy(NULL);
	hf_iommu_destroy(NULL);
	hf_memory_destroy(NULL);
}

/* -- ports ------------------------------------------------------------------- */

static void a_port_reaches_what_its_device_does(void **state)
{
	struct hf_memory *mem = machine(false);
	struct hf_dma_device *dev = make(mem);
	struct hf_dma_port *port = hf_dma_port_create(dev);
	static struct object object;
	char text[6] = "";

	(void)state;
	assert_non_null(port);
	object_create(&object, mem, 2, false);
	assert_int_equal(hf_dma_map_sgtable(dev, &object.table,
					    HF_DMA_TO_DEVICE), 0);
	memcpy(cpu_of(&object, 1), "hello", 6);
	assert_int_equal(hf_dma_read(port, text,
				     object.table.sgl[0].dma + PAGE, 6), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(hf_dma_write(port, object.table.sgl[0].dma, text, 6),
			 -EFAULT);
	hf_dma_unmap_sgtable(dev, &object.table, HF_DMA_TO_DEVICE);
	assert_int_equal(hf_dma_read(port, text, 0x1000, 1), -EFAULT);
	object_free(&object);
	hf_dma_port_destroy(port);
	unmake(dev, mem);
}

static void a_device_that_is_not_coherent_sees_what_was_synced(void **state)
{
	struct hf_memory *mem = machine(true);
	struct hf_dma_device *dev = make(mem);
	struct hf_dma_port *port = hf_dma_port_create(dev);
	static struct object object;
	hf_iova_t iova;
	char text[6];

	(void)state;
	assert_non_null(port);
	assert_int_equal(hf_dma_set_coherent(dev, false), 0);
	object_create(&object, mem, 1, false);
	memcpy(cpu_of(&object, 0), "old", 4);
	assert_int_equal(hf_dma_map_sgtable(dev, &object.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	iova = object.table.sgl[0].dma;
	memcpy(cpu_of(&object, 0), "new", 4);
	assert_int_equal(hf_dma_read(port, text, iova, 4), 0);
	assert_string_equal(text, "old");
	hf_dma_sync_sgtable_for_device(dev, &object.table,
				       HF_DMA_BIDIRECTIONAL);
	assert_int_equal(hf_dma_read(port, text, iova, 4), 0);
	assert_string_equal(text, "new");
	hf_dma_unmap_sgtable(dev, &object.table, HF_DMA_BIDIRECTIONAL);
	object_free(&object);
	hf_dma_port_destroy(port);
	unmake(dev, mem);
}

static void a_port_takes_memory(void **state)
{
	struct hf_memory *mem = machine(false);
	struct hf_dma_device *dev = make(mem);
	struct hf_dma_port *port;

	(void)state;
	no_memory = true;
	errno = 0;
	port = hf_dma_port_create(dev);
	no_memory = false;
	assert_null(port);
	assert_int_equal(errno, ENOMEM);
	unmake(dev, mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_device_has_no_limits),
		cmocka_unit_test(a_long_name_is_cut),
		cmocka_unit_test(what_no_device_has_is_refused),
		cmocka_unit_test(the_smallest_and_the_largest_are_taken),
		cmocka_unit_test(nothing_changes_while_something_is_mapped),
		cmocka_unit_test(what_is_mapped_is_within_the_limits),
		cmocka_unit_test(without_memory_the_domain_stays_the_callers),
		cmocka_unit_test(nothing_is_destroyed_as_well),
		cmocka_unit_test(a_port_reaches_what_its_device_does),
		cmocka_unit_test(
			a_device_that_is_not_coherent_sees_what_was_synced),
		cmocka_unit_test(a_port_takes_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
