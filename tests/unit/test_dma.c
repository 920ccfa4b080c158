/* SPDX-License-Identifier: MIT */
/*
 * DMA: mapping within the limits of a device, accesses of devices and their
 * faults, and buffers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "dma_fixture.h"

static const struct hf_iommu_fault *last_fault(const struct hf_dma_device *dev)
{
	assert_int_not_equal(dev->nfaults, 0);
	return &dev->faults[(dev->nfaults - 1) % HF_DMA_FAULTS];
}

/* -- mapping ----------------------------------------------------------------- */

static void scattered_memory_is_one_run_behind_an_iommu(void **state)
{
	static const struct {
		size_t pages, align;
	} sizes[] = { { 1, 4096 }, { 15, 4096 }, { 17, 65536 },
		      { 600, 2 << 20 }, { 1100, 2 << 20 } };
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct object object;

	(void)state;
	device(&dev, mem, true, false);
	for (size_t i = 0; i < 5; i++) {
		size_t size = sizes[i].pages * PAGE;

		object_create(&object, mem, sizes[i].pages, false);
		assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
						    HF_DMA_BIDIRECTIONAL), 0);
		assert_int_equal(object.table.nents, 1);
		assert_int_equal(object.table.sgl[0].dma_length, size);
		assert_int_equal(object.table.sgl[0].dma % sizes[i].align, 0);
		assert_int_equal(dev.mapped, size);
		assert_int_equal(dev.mappings, 1);
		hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_BIDIRECTIONAL);
		assert_int_equal(object.table.nents, 0);
		hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_BIDIRECTIONAL);
		object_free(&object);
	}
	nothing_is_left(&dev, mem);
}

static void a_run_is_cut_where_the_device_needs_it(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct object object;
	hf_iova_t at;

	(void)state;
	device(&dev, mem, true, false);
	dev.max_segment = 3 * PAGE;
	dev.boundary = 8 * PAGE - 1;
	object_create(&object, mem, 20, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	assert_in_range(object.table.nents, 7, 9);
	at = object.table.sgl[0].dma;
	for (size_t i = 0; i < object.table.nents; i++) {
		const struct hf_sg *sg = &object.table.sgl[i];

		assert_int_equal(sg->dma, at);
		assert_in_range(sg->dma_length, 1, dev.max_segment);
		at += sg->dma_length;
		assert_int_equal(sg->dma / (8 * PAGE), (at - 1) / (8 * PAGE));
	}
	assert_int_equal(at - object.table.sgl[0].dma, 20 * PAGE);
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_BIDIRECTIONAL);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

static void a_small_run_crosses_no_boundary(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct object objects[20];

	(void)state;
	device(&dev, mem, true, false);
	dev.boundary = 4 * PAGE - 1;
	for (size_t i = 0; i < 20; i++) {
		/* One entry, so that it cannot be cut. */
		object_create(&objects[i], mem, 3, true);
		assert_int_equal(objects[i].table.orig_nents, 1);
		assert_int_equal(hf_dma_map_sgtable(&dev, &objects[i].table,
						    HF_DMA_TO_DEVICE), 0);
	}
	for (size_t i = 0; i < 20; i++) {
		hf_dma_unmap_sgtable(&dev, &objects[i].table, HF_DMA_TO_DEVICE);
		object_free(&objects[i]);
	}
	nothing_is_left(&dev, mem);
}

static void too_many_pieces_are_refused_and_nothing_is_mapped(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct object object;

	(void)state;
	device(&dev, mem, true, false);
	dev.max_segment = PAGE;
	object_create(&object, mem, 4, true);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), -EIO);
	assert_int_equal(object.table.nents, 0);
	assert_int_equal(hf_iova_alloc(dev.domain->space,
				       LAST_48 + 1 - PAGE, PAGE, UINT64_MAX),
			 PAGE);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

static void an_empty_or_mapped_table_is_refused(void **state)
{
	struct hf_sg_table empty = { 0 };
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct object object;

	(void)state;
	device(&dev, mem, true, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &empty, HF_DMA_TO_DEVICE),
			 -EINVAL);
	object_create(&object, mem, 2, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), 0);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), -EINVAL);
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_TO_DEVICE);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

static void a_device_behind_an_iommu_gets_addresses_within_its_mask(
	void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct object object;
	hf_iova_t last;

	(void)state;
	device(&dev, mem, true, true);
	dev.mask = 16 * PAGE - 1;
	object_create(&object, mem, 8, false);
	/* As often as one likes, though they wait for a flush. */
	for (int i = 0; i < 20; i++) {
		assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
						    HF_DMA_TO_DEVICE), 0);
		last = object.table.sgl[0].dma + 8 * PAGE - 1;
		assert_true(last <= dev.mask);
		hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_TO_DEVICE);
	}
	dev.mask = 8 * PAGE - 1;
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), -ENOMEM);
	dev.mask = 7 * PAGE - 1;
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), -EIO);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

static void without_an_iommu_the_device_sees_bus_addresses(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_port port;
	static struct hf_dma_device dev;
	static struct object object;
	char byte;

	(void)state;
	device(&dev, mem, false, false);
	port.dev = &dev;
	object_create(&object, mem, 9, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	assert_int_equal(object.table.nents, object.table.orig_nents);
	for (size_t i = 0; i < object.table.nents; i++) {
		assert_int_equal(object.table.sgl[i].dma,
				 object.table.sgl[i].bus);
		assert_int_equal(object.table.sgl[i].dma_length,
				 object.table.sgl[i].length);
	}
	cpu_of(&object, 4)[77] = 'x';
	assert_int_equal(hf_dma_read(&port, &byte,
				     hf_page_bus(object.pages[4]) + 77, 1), 0);
	assert_int_equal(byte, 'x');
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_BIDIRECTIONAL);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

static void without_an_iommu_memory_out_of_reach_is_refused(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct object object;
	hf_bus_t bus;

	(void)state;
	device(&dev, mem, false, false);
	object_create(&object, mem, 4, true);
	assert_int_equal(object.table.orig_nents, 1);
	bus = object.table.sgl[0].bus;

	dev.mask = bus + 4 * PAGE - 2;
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), -EIO);
	dev.mask = bus + 4 * PAGE - 1;
	dev.max_segment = 4 * PAGE - 1;
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), -EIO);
	dev.max_segment = 4 * PAGE;
	dev.boundary = 2 * PAGE - 1;
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), -EIO);
	assert_int_equal(object.table.nents, 0);
	dev.boundary = UINT64_MAX;
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), 0);
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_TO_DEVICE);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

/* -- accesses and faults ----------------------------------------------------- */

static void a_device_reads_and_writes_across_pages(void **state)
{
	struct hf_memory *mem = machine(false);
	char out[3 * PAGE], in[3 * PAGE];
	static struct hf_dma_port port;
	static struct hf_dma_device dev;
	static struct object object;
	hf_iova_t iova;
	size_t length;

	(void)state;
	device(&dev, mem, true, false);
	port.dev = &dev;
	object_create(&object, mem, 4, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	iova = object.table.sgl[0].dma;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7 + i / 256;
	assert_int_equal(hf_dma_write(&port, iova + 100, out, sizeof(out)), 0);
	assert_memory_equal(cpu_of(&object, 0) + 100, out, PAGE - 100);
	assert_memory_equal(cpu_of(&object, 3), out + 3 * PAGE - 100, 100);
	assert_int_equal(hf_dma_read(&port, in, iova + 100, sizeof(in)), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_ptr_equal(hf_dma_access(&port, iova + PAGE + 5, false, &length),
			 cpu_of(&object, 1) + 5);
	assert_int_equal(length, PAGE - 5);
	/* The part before the end of the mapping is done, then it faults. */
	assert_int_equal(hf_dma_write(&port, iova + 4 * PAGE - 8, out, 16),
			 -EFAULT);
	assert_memory_equal(cpu_of(&object, 3) + PAGE - 8, out, 8);
	assert_int_equal(last_fault(&dev)->iova, iova + 4 * PAGE);
	assert_true(last_fault(&dev)->write);
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_BIDIRECTIONAL);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

static void the_direction_is_the_permission(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_port port;
	static struct hf_dma_device dev;
	static struct object object;
	hf_iova_t iova;
	size_t length;

	(void)state;
	device(&dev, mem, true, false);
	port.dev = &dev;
	object_create(&object, mem, 1, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_TO_DEVICE), 0);
	iova = object.table.sgl[0].dma;
	assert_non_null(hf_dma_access(&port, iova, false, &length));
	/* The IOTLB knows the page now, but not for writing. */
	assert_null(hf_dma_access(&port, iova, true, &length));
	assert_int_equal(last_fault(&dev)->reason, HF_IOMMU_FAULT_PERMISSION);
	assert_true(last_fault(&dev)->owned);
	assert_int_equal(last_fault(&dev)->owner.object, object.owner.object);
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_TO_DEVICE);

	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_FROM_DEVICE), 0);
	iova = object.table.sgl[0].dma;
	assert_non_null(hf_dma_access(&port, iova, true, &length));
	assert_null(hf_dma_access(&port, iova, false, &length));
	assert_false(last_fault(&dev)->write);
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_FROM_DEVICE);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

static void memory_that_the_server_may_not_write_is_not_written(void **state)
{
	struct hf_memory *mem = machine(false);
	int rw = memfd_create("user", MFD_CLOEXEC), ro;
	static struct hf_dma_port port;
	static struct hf_dma_device dev;
	static struct object object;
	char path[64];
	size_t length;

	(void)state;
	assert_int_equal(ftruncate(rw, PAGE), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", rw);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(ro >= 0);
	device(&dev, mem, false, false);
	port.dev = &dev;
	object_hold(&object, hf_backing_of(mem, ro, true, 1), 1);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	assert_non_null(hf_dma_access(&port, object.table.sgl[0].dma, false,
				      &length));
	assert_null(hf_dma_access(&port, object.table.sgl[0].dma, true,
				  &length));
	assert_int_equal(last_fault(&dev)->reason, HF_IOMMU_FAULT_PERMISSION);
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_BIDIRECTIONAL);
	object_free(&object);
	close(ro);
	close(rw);
	nothing_is_left(&dev, mem);
}

static void check_stale(const struct hf_dma_device *dev,
			const struct hf_owner *owner, hf_iova_t iova,
			const char *log)
{
	const struct hf_iommu_fault *fault = last_fault(dev);
	char want[100];

	assert_int_equal(fault->iova, iova);
	assert_string_equal(fault->device, "soft.0");
	assert_int_equal(fault->reason, HF_IOMMU_FAULT_UNMAPPED);
	assert_true(fault->owned);
	assert_int_equal(fault->owner.object, owner->object);
	assert_int_equal(fault->owner.pid, 4711);
	assert_true(fault->freed_ns && fault->freed_ns <= fault->ns);
	snprintf(want, sizeof(want), "was object %u of PID 4711\n",
		 owner->object);
	assert_non_null(strstr(log, want));
}

static void stale_access(bool deferred)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct object old, new;
	static struct hf_dma_port port;
	hf_iova_t iova;
	char log[4096], secret[] = "of somebody else";
	size_t length;

	memset(&port, 0, sizeof(port));
	device(&dev, mem, true, deferred);
	port.dev = &dev;
	object_create(&old, mem, 5, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &old.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	iova = old.table.sgl[0].dma + 2 * PAGE + 0x10;
	assert_non_null(hf_dma_access(&port, iova, false, &length));
	hf_dma_unmap_sgtable(&dev, &old.table, HF_DMA_BIDIRECTIONAL);
	object_free(&old);
	object_create(&new, mem, 5, false);
	memcpy(cpu_of(&new, 0), secret, sizeof(secret));

	log_begin();
	assert_null(hf_dma_access(&port, iova, false, &length));
	assert_null(hf_dma_access(&port, iova, true, &length));
	log_end(log, sizeof(log));
	assert_int_equal(dev.nfaults, 2);
	check_stale(&dev, &old.owner, iova, log);
	hf_iommu_flush(dev.domain);
	log_begin();
	assert_null(hf_dma_access(&port, iova, false, &length));
	log_end(log, sizeof(log));
	check_stale(&dev, &old.owner, iova, log);
	object_free(&new);
	nothing_is_left(&dev, mem);
}

static void stale_iova_faults_and_names_the_old_owner(void **state)
{
	(void)state;
	stale_access(false);
	stale_access(true);
}

static void a_deferred_unmapping_is_reached_until_the_flush(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct hf_dma_port port;
	static struct object object;
	hf_iova_t iova;
	size_t length;

	(void)state;
	device(&dev, mem, true, true);
	port.dev = &dev;
	object_create(&object, mem, 2, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	iova = object.table.sgl[0].dma;
	assert_non_null(hf_dma_access(&port, iova, false, &length));
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_BIDIRECTIONAL);
	/* What the IOTLB has is used, what it has not is gone. */
	assert_non_null(hf_dma_access(&port, iova, false, &length));
	assert_null(hf_dma_access(&port, iova, true, &length));
	assert_null(hf_dma_access(&port, iova + PAGE, false, &length));
	hf_iommu_flush(dev.domain);
	assert_null(hf_dma_access(&port, iova, false, &length));
	assert_int_equal(dev.nfaults, 3);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

static void a_bus_address_that_nobody_holds_faults_with_its_owner(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct hf_dma_port port;
	static struct object object;
	hf_bus_t bus;
	size_t length;

	(void)state;
	device(&dev, mem, false, false);
	port.dev = &dev;
	object_create(&object, mem, 1, false);
	bus = hf_page_bus(object.pages[0]);
	assert_non_null(hf_dma_access(&port, bus, true, &length));
	object_free(&object);
	assert_null(hf_dma_access(&port, bus, true, &length));
	assert_int_equal(last_fault(&dev)->reason, HF_IOMMU_FAULT_BUS);
	assert_true(last_fault(&dev)->owned);
	assert_int_equal(last_fault(&dev)->owner.object, object.owner.object);
	assert_null(hf_dma_access(&port, UINT64_MAX, false, &length));
	assert_false(last_fault(&dev)->owned);
	nothing_is_left(&dev, mem);
}

static void pages_put_before_the_unmapping_fault_on_the_bus(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct hf_dma_port port;
	static struct object object;
	struct hf_sg_table table;
	size_t length;

	(void)state;
	device(&dev, mem, true, false);
	port.dev = &dev;
	object_create(&object, mem, 1, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	table = object.table;
	object.table = (struct hf_sg_table){ 0 };
	object_free(&object);
	assert_null(hf_dma_access(&port, table.sgl[0].dma, false, &length));
	assert_int_equal(last_fault(&dev)->reason, HF_IOMMU_FAULT_BUS);
	assert_int_equal(last_fault(&dev)->owner.object, object.owner.object);
	hf_dma_unmap_sgtable(&dev, &table, HF_DMA_BIDIRECTIONAL);
	/* It is known even now who it was. */
	assert_null(hf_dma_access(&port, last_fault(&dev)->iova, false,
				  &length));
	assert_int_equal(last_fault(&dev)->reason, HF_IOMMU_FAULT_UNMAPPED);
	assert_int_equal(last_fault(&dev)->owner.object, object.owner.object);
	hf_sg_table_finish(&table);
	nothing_is_left(&dev, mem);
}

static void a_fault_is_a_sentence(void **state)
{
	struct hf_iommu_fault fault = {
		.device = "soft.0",
		.iova = 0xfffff000,
		.reason = HF_IOMMU_FAULT_UNMAPPED,
		.owned = true,
		.owner = { .object = 12, .pid = 4711 },
		.freed_ns = 1000000000,
		.ns = 1003999999,
	};
	char text[200];

	(void)state;
	hf_dma_fault_text(&fault, text, sizeof(text));
	assert_string_equal(text, "soft.0: read fault at 0x00fffff000: not "
				  "mapped; freed 3 ms ago, was object 12 of "
				  "PID 4711");
	fault.ns += 5000000000;
	fault.write = true;
	hf_dma_fault_text(&fault, text, sizeof(text));
	assert_string_equal(text, "soft.0: write fault at 0x00fffff000: not "
				  "mapped; freed 5 s ago, was object 12 of "
				  "PID 4711");
	fault.freed_ns = 0;
	fault.reason = HF_IOMMU_FAULT_PERMISSION;
	hf_dma_fault_text(&fault, text, sizeof(text));
	assert_string_equal(text, "soft.0: write fault at 0x00fffff000: not "
				  "writable; is object 12 of PID 4711");
	fault.owned = false;
	fault.reason = HF_IOMMU_FAULT_BUS;
	hf_dma_fault_text(&fault, text, 20);
	assert_string_equal(text, "soft.0: write fault");
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void many_faults_are_kept_and_few_are_written(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct hf_dma_port port;
	static char log[65536];
	size_t length;

	(void)state;
	device(&dev, mem, true, false);
	port.dev = &dev;
	log_begin();
	for (size_t i = 0; i < 100; i++)
		assert_null(hf_dma_access(&port, (i + 1) * PAGE, true,
					  &length));
	dev.second = 0; /* as if it was long ago */
	assert_null(hf_dma_access(&port, 200 * PAGE, true, &length));
	log_end(log, sizeof(log));
	assert_int_equal(dev.nfaults, 101);
	assert_int_equal(last_fault(&dev)->iova, 200 * PAGE);
	assert_int_equal(dev.faults[99 % HF_DMA_FAULTS].iova, 100 * PAGE);
	/* The second may have changed once on the way. */
	assert_in_range(count(log, "write fault"), 11, 21);
	assert_true(count(log, "more messages were left out") >= 1);
	nothing_is_left(&dev, mem);
}

/* -- buffers ----------------------------------------------------------------- */

static void use_buffers(bool iommu, bool shadow)
{
	struct hf_memory *mem = machine(shadow);
	static struct hf_dma_device dev;
	static struct hf_dma_port port;
	char *cpu[3], byte;
	hf_iova_t iova[3];
	size_t length;

	memset(&port, 0, sizeof(port));
	device(&dev, mem, iommu, false);
	dev.coherent = !shadow;
	dev.max_segment = PAGE;
	port.dev = &dev;
	for (size_t i = 0; i < 3; i++) {
		cpu[i] = hf_dma_alloc(&dev, (i + 1) * PAGE, &iova[i]);
		assert_non_null(cpu[i]);
		for (size_t j = 0; j < (i + 1) * PAGE; j++)
			assert_int_equal(cpu[i][j], 0);
	}
	assert_int_equal(dev.mapped, 6 * PAGE);
	assert_int_equal(dev.mappings, 3);
	for (size_t j = 0; j < 3; j++)
		assert_ptr_equal(hf_dma_access(&port, iova[2] + j * PAGE, true,
					       &length), cpu[2] + j * PAGE);
	cpu[2][2 * PAGE] = 'c';
	assert_int_equal(hf_dma_read(&port, &byte, iova[2] + 2 * PAGE, 1), 0);
	assert_int_equal(byte, 'c');
	assert_int_equal(dev.missed_syncs, 0);

	hf_dma_free(&dev, cpu[1], PAGE, iova[1]);
	hf_dma_free(&dev, cpu[0], 2 * PAGE, iova[1]);
	hf_dma_free(&dev, cpu[1], 2 * PAGE, iova[1] + PAGE);
	hf_dma_free(&dev, NULL, PAGE, 0);
	assert_int_equal(dev.mappings, 3);
	for (size_t i = 0; i < 3; i++)
		hf_dma_free(&dev, cpu[i], (i + 1) * PAGE, iova[i]);
	assert_null(hf_dma_access(&port, iova[0], false, &length));
	nothing_is_left(&dev, mem);
}

static void buffers_are_one_run_and_coherent(void **state)
{
	(void)state;
	use_buffers(true, false);
	use_buffers(true, true);
	use_buffers(false, false);
	use_buffers(false, true);
}

static void buffers_that_cannot_be_are_refused(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	hf_iova_t iova;

	(void)state;
	device(&dev, mem, false, false);
	errno = 0;
	assert_null(hf_dma_alloc(&dev, 0, &iova));
	assert_int_equal(errno, EINVAL);
	assert_null(hf_dma_alloc(&dev, PAGE + 1, &iova));
	assert_null(hf_dma_alloc(&dev, 65 * PAGE, &iova)); /* the pool has 64 */
	assert_int_equal(errno, ENOMEM);
	dev.mask = PAGE - 1;
	assert_null(hf_dma_alloc(&dev, PAGE, &iova));
	assert_int_equal(errno, EIO);
	nothing_is_left(&dev, mem);
}

static void a_coherent_device_sees_the_cpus_memory(void **state)
{
	struct hf_memory *mem = machine(true);
	static struct hf_dma_device dev;
	static struct hf_dma_port port;
	static struct object object;
	uint64_t generation;
	size_t length;

	(void)state;
	device(&dev, mem, true, false);
	port.dev = &dev;
	object_create(&object, mem, 1, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	assert_ptr_equal(hf_dma_access(&port, object.table.sgl[0].dma, true,
				       &length), cpu_of(&object, 0));
	generation = hf_dma_generation(&dev);
	assert_int_equal(hf_dma_generation(&dev), generation);
	hf_dma_unmap_sgtable(&dev, &object.table, HF_DMA_BIDIRECTIONAL);
	assert_int_not_equal(hf_dma_generation(&dev), generation);
	object_free(&object);
	nothing_is_left(&dev, mem);
}

/* -- threads ----------------------------------------------------------------- */

struct unit {
	struct hf_dma_device *dev;
	_Atomic hf_iova_t *stale; /* unmapped, or about to be mapped */
	hf_iova_t good;
	_Atomic bool stop;
	size_t bad;
	pthread_t thread;
};

/* What it holds stays, and what is not its own is a fault or not. */
static void *unit_works(void *data)
{
	static _Thread_local struct hf_dma_port port;
	struct unit *unit = data;

	port.dev = unit->dev;
	while (!atomic_load(&unit->stop)) {
		uint64_t value = 0, want = unit->good;
		hf_iova_t stale = atomic_load(unit->stale);
		enum hf_iommu_fault_reason reason;
		hf_bus_t bus;

		unit->bad += hf_dma_write(&port, unit->good, &want, 8) != 0;
		unit->bad += hf_dma_read(&port, &value, unit->good, 8) != 0;
		unit->bad += value != want;
		(void)hf_iommu_walk(unit->dev->domain, stale, true, &bus,
					 &reason);
		sched_yield();
	}
	return NULL;
}

static void units_work_while_others_are_mapped(void **state)
{
	struct hf_memory *mem = machine(false);
	static struct hf_dma_device dev;
	static struct object held, other;
	_Atomic hf_iova_t stale = PAGE;
	static struct unit units[2];

	(void)state;
	device(&dev, mem, true, false);
	object_create(&held, mem, 2, false);
	assert_int_equal(hf_dma_map_sgtable(&dev, &held.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	for (size_t i = 0; i < 2; i++) {
		units[i] = (struct unit){ .dev = &dev, .stale = &stale };
		units[i].good = held.table.sgl[0].dma + i * PAGE;
		assert_int_equal(pthread_create(&units[i].thread, NULL,
						unit_works, &units[i]), 0);
	}
	for (int i = 0; i < 500; i++) {
		object_create(&other, mem, 1 + i % 40, false);
		assert_int_equal(hf_dma_map_sgtable(&dev, &other.table,
						    HF_DMA_BIDIRECTIONAL), 0);
		atomic_store(&stale, other.table.sgl[0].dma);
		hf_dma_unmap_sgtable(&dev, &other.table, HF_DMA_BIDIRECTIONAL);
		object_free(&other);
	}
	for (size_t i = 0; i < 2; i++) {
		atomic_store(&units[i].stop, true);
		pthread_join(units[i].thread, NULL);
		assert_int_equal(units[i].bad, 0);
	}
	hf_dma_unmap_sgtable(&dev, &held.table, HF_DMA_BIDIRECTIONAL);
	object_free(&held);
	nothing_is_left(&dev, mem);
}

int main(void)
{
	/* The first ones look at the log, which takes 50 lines a second. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_faults_are_kept_and_few_are_written),
		cmocka_unit_test(stale_iova_faults_and_names_the_old_owner),
		cmocka_unit_test(scattered_memory_is_one_run_behind_an_iommu),
		cmocka_unit_test(a_run_is_cut_where_the_device_needs_it),
		cmocka_unit_test(a_small_run_crosses_no_boundary),
		cmocka_unit_test(
			too_many_pieces_are_refused_and_nothing_is_mapped),
		cmocka_unit_test(an_empty_or_mapped_table_is_refused),
		cmocka_unit_test(
			a_device_behind_an_iommu_gets_addresses_within_its_mask),
		cmocka_unit_test(
			without_an_iommu_the_device_sees_bus_addresses),
		cmocka_unit_test(
			without_an_iommu_memory_out_of_reach_is_refused),
		cmocka_unit_test(a_device_reads_and_writes_across_pages),
		cmocka_unit_test(the_direction_is_the_permission),
		cmocka_unit_test(
			memory_that_the_server_may_not_write_is_not_written),
		cmocka_unit_test(
			a_deferred_unmapping_is_reached_until_the_flush),
		cmocka_unit_test(
			a_bus_address_that_nobody_holds_faults_with_its_owner),
		cmocka_unit_test(
			pages_put_before_the_unmapping_fault_on_the_bus),
		cmocka_unit_test(a_fault_is_a_sentence),
		cmocka_unit_test(buffers_are_one_run_and_coherent),
		cmocka_unit_test(buffers_that_cannot_be_are_refused),
		cmocka_unit_test(a_coherent_device_sees_the_cpus_memory),
		cmocka_unit_test(units_work_while_others_are_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
