/* SPDX-License-Identifier: MIT */
/*
 * Devices that do not see the CPU's caches: what a sync moves, and how one that
 * is missing is reported.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dma_fixture.h"

struct incoherent {
	struct hf_memory *mem;
	struct hf_dma_device dev;
	struct hf_dma_port port;
	struct object object;
	hf_iova_t iova;
};

static void incoherent(struct incoherent *in, bool iommu,
		       enum hf_dma_direction dir)
{
	memset(in, 0, sizeof(*in));
	in->mem = machine(true);
	device(&in->dev, in->mem, iommu, false);
	in->dev.coherent = false;
	in->port.dev = &in->dev;
	object_create(&in->object, in->mem, 3, true);
	memset(cpu_of(&in->object, 0), 'a', 3 * PAGE);
	assert_int_equal(hf_dma_map_sgtable(&in->dev, &in->object.table, dir),
			 0);
	in->iova = in->object.table.sgl[0].dma;
}

static void incoherent_finish(struct incoherent *in)
{
	object_free(&in->object);
	nothing_is_left(&in->dev, in->mem);
}

static char device_reads(struct incoherent *in, size_t offset)
{
	char byte = 0;

	assert_int_equal(hf_dma_read(&in->port, &byte, in->iova + offset, 1),
			 0);
	return byte;
}

static void device_writes(struct incoherent *in, size_t offset, char byte)
{
	assert_int_equal(hf_dma_write(&in->port, in->iova + offset, &byte, 1),
			 0);
}

static void missing_sync(bool iommu)
{
	static struct incoherent in;
	struct hf_dma_device *dev = &in.dev;
	char log[4096], want[200], page[PAGE];
	struct hf_sg_table *table = &in.object.table;
	char *cpu;

	incoherent(&in, iommu, HF_DMA_BIDIRECTIONAL);
	cpu = cpu_of(&in.object, 0);
	/* The CPU writes, and the device works on what was synced last. */
	memset(cpu + PAGE + 0x40, 'b', 0x10);
	log_begin();
	assert_int_equal(device_reads(&in, PAGE + 0x30), 'a');
	assert_int_equal(dev->missed_syncs, 0);
	assert_int_equal(hf_dma_read(&in.port, page, in.iova + PAGE, PAGE), 0);
	assert_int_equal(page[0x40], 'a');
	assert_int_equal(device_reads(&in, PAGE + 0x44), 'a');
	log_end(log, sizeof(log));
	assert_int_equal(dev->missed_syncs, 1);
	snprintf(want, sizeof(want),
		 "soft.0: object %u of PID 4711: the CPU wrote 0x10 bytes at "
		 "offset 0x1040 and did not sync before the device read\n",
		 in.object.owner.object);
	assert_non_null(strstr(log, want));

	hf_dma_sync_sgtable_for_device(dev, table, HF_DMA_TO_DEVICE);
	assert_int_equal(device_reads(&in, PAGE + 0x44), 'b');
	assert_int_equal(dev->missed_syncs, 1);

	/* It is looked for again after a sync. */
	cpu[5] = 'c';
	log_begin();
	assert_int_equal(device_reads(&in, 5), 'a');
	log_end(log, sizeof(log));
	assert_int_equal(dev->missed_syncs, 2);
	hf_dma_unmap_sgtable(dev, table, HF_DMA_BIDIRECTIONAL);
	assert_int_equal(cpu[5], 'c');
	incoherent_finish(&in);
}

static void missing_cpu_sync_is_reported(void **state)
{
	(void)state;
	missing_sync(true);
	missing_sync(false);
}

static void synced_work_is_seen_and_not_reported(void **state)
{
	static struct incoherent in;
	struct hf_sg_table *table = &in.object.table;
	char *cpu;

	(void)state;
	incoherent(&in, true, HF_DMA_BIDIRECTIONAL);
	cpu = cpu_of(&in.object, 0);
	for (int c = 'b'; c < 'z'; c++) {
		cpu[c] = c;
		hf_dma_sync_sgtable_for_device(&in.dev, table,
					       HF_DMA_BIDIRECTIONAL);
		assert_int_equal(device_reads(&in, c), c);
		device_writes(&in, PAGE + c, c);
		assert_int_equal(cpu[PAGE + c], 'a');
		hf_dma_sync_sgtable_for_cpu(&in.dev, table,
					    HF_DMA_BIDIRECTIONAL);
		assert_int_equal(cpu[PAGE + c], c);
		cpu[PAGE + c]++;
		hf_dma_sync_sgtable_for_device(&in.dev, table,
					       HF_DMA_BIDIRECTIONAL);
		assert_int_equal(device_reads(&in, PAGE + c), c + 1);
	}
	hf_dma_unmap_sgtable(&in.dev, table, HF_DMA_BIDIRECTIONAL);
	assert_int_equal(in.dev.missed_syncs, 0);
	incoherent_finish(&in);
}

static void the_direction_says_what_a_sync_moves(void **state)
{
	static struct incoherent in;
	struct hf_sg_table *table = &in.object.table;
	char *cpu;

	(void)state;
	incoherent(&in, true, HF_DMA_BIDIRECTIONAL);
	cpu = cpu_of(&in.object, 0);
	device_writes(&in, 0, 'd');
	hf_dma_sync_sgtable_for_cpu(&in.dev, table, HF_DMA_TO_DEVICE);
	assert_int_equal(cpu[0], 'a');
	hf_dma_sync_sgtable_for_cpu(&in.dev, table, HF_DMA_FROM_DEVICE);
	assert_int_equal(cpu[0], 'd');
	cpu[0] = 'e';
	hf_dma_sync_sgtable_for_device(&in.dev, table, HF_DMA_FROM_DEVICE);
	assert_int_equal(device_reads(&in, 0), 'd');
	assert_int_equal(in.dev.missed_syncs, 1);
	hf_dma_unmap_sgtable(&in.dev, table, HF_DMA_BIDIRECTIONAL);
	incoherent_finish(&in);
}

static void what_the_device_did_not_write_is_kept(void **state)
{
	static struct incoherent in;
	char *cpu;

	(void)state;
	incoherent(&in, true, HF_DMA_FROM_DEVICE);
	cpu = cpu_of(&in.object, 0);
	device_writes(&in, 100, 'd');
	hf_dma_unmap_sgtable(&in.dev, &in.object.table, HF_DMA_FROM_DEVICE);
	assert_int_equal(cpu[99], 'a');
	assert_int_equal(cpu[100], 'd');
	assert_int_equal(cpu[101], 'a');
	assert_int_equal(in.dev.missed_syncs, 0);
	incoherent_finish(&in);
}

static void writing_before_the_device_was_synced_is_reported(void **state)
{
	static struct incoherent in;
	struct hf_sg_table *table = &in.object.table;
	char log[4096], *cpu;

	(void)state;
	incoherent(&in, true, HF_DMA_BIDIRECTIONAL);
	cpu = cpu_of(&in.object, 0);
	device_writes(&in, 2 * PAGE + 1, 'd');
	cpu[2 * PAGE + 9] = 'c';
	log_begin();
	hf_dma_sync_sgtable_for_device(&in.dev, table, HF_DMA_BIDIRECTIONAL);
	log_end(log, sizeof(log));
	assert_int_equal(in.dev.missed_syncs, 1);
	assert_non_null(strstr(log, "the CPU wrote 0x1 bytes at offset 0x2009 "
				    "before what the device wrote was synced"));
	/* Neither store is lost. */
	assert_int_equal(device_reads(&in, 2 * PAGE + 1), 'd');
	assert_int_equal(device_reads(&in, 2 * PAGE + 9), 'c');
	hf_dma_sync_sgtable_for_cpu(&in.dev, table, HF_DMA_BIDIRECTIONAL);
	assert_int_equal(cpu[2 * PAGE + 1], 'd');

	device_writes(&in, 7, 'd');
	cpu[8] = 'c';
	log_begin();
	hf_dma_unmap_sgtable(&in.dev, table, HF_DMA_BIDIRECTIONAL);
	log_end(log, sizeof(log));
	assert_int_equal(in.dev.missed_syncs, 2);
	assert_int_equal(cpu[7], 'd');
	assert_int_equal(cpu[8], 'c');
	incoherent_finish(&in);
}

static void a_lost_write_of_the_device_is_reported(void **state)
{
	static struct incoherent in;
	char log[4096];

	(void)state;
	/* Without an IOMMU nothing keeps it from writing. */
	incoherent(&in, false, HF_DMA_TO_DEVICE);
	device_writes(&in, PAGE, 'd');
	log_begin();
	hf_dma_unmap_sgtable(&in.dev, &in.object.table, HF_DMA_TO_DEVICE);
	log_end(log, sizeof(log));
	assert_int_equal(in.dev.missed_syncs, 1);
	assert_non_null(strstr(log, "the device wrote 0x1 bytes at offset "
				    "0x1000 and the memory was unmapped "
				    "without a sync"));
	assert_int_equal(cpu_of(&in.object, 1)[0], 'a');
	incoherent_finish(&in);
}

static void two_devices_share_memory_without_the_cpu(void **state)
{
	static struct incoherent in;
	static struct hf_dma_device other;
	static struct hf_dma_port port;
	struct hf_sg_table table, reader;
	char byte;

	(void)state;
	incoherent(&in, true, HF_DMA_BIDIRECTIONAL);
	device(&other, in.mem, true, false);
	other.coherent = false;
	port.dev = &other;
	assert_int_equal(hf_sg_table_from_pages(&table, in.object.pages, 3, 0),
			 0);
	device_writes(&in, 50, 'd');
	assert_int_equal(hf_dma_map_sgtable(&other, &table,
					    HF_DMA_BIDIRECTIONAL), 0);
	assert_int_equal(hf_dma_read(&port, &byte, table.sgl[0].dma + 50, 1),
			 0);
	assert_int_equal(byte, 'd');
	/* To be unmapped by a reader is no reason to sync. */
	assert_int_equal(hf_sg_table_from_pages(&reader, in.object.pages, 3, 0),
			 0);
	assert_int_equal(hf_dma_map_sgtable(&other, &reader, HF_DMA_TO_DEVICE),
			 0);
	hf_dma_unmap_sgtable(&other, &reader, HF_DMA_TO_DEVICE);
	hf_sg_table_finish(&reader);
	byte = 'e';
	assert_int_equal(hf_dma_write(&port, table.sgl[0].dma + 51, &byte, 1),
			 0);
	hf_dma_unmap_sgtable(&in.dev, &in.object.table, HF_DMA_BIDIRECTIONAL);
	hf_dma_unmap_sgtable(&other, &table, HF_DMA_BIDIRECTIONAL);
	assert_int_equal(cpu_of(&in.object, 0)[50], 'd');
	assert_int_equal(cpu_of(&in.object, 0)[51], 'e');
	assert_int_equal(in.dev.missed_syncs, 0);
	assert_int_equal(other.missed_syncs, 0);
	hf_sg_table_finish(&table);
	hf_dma_device_finish(&other);
	incoherent_finish(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_cpu_sync_is_reported),
		cmocka_unit_test(synced_work_is_seen_and_not_reported),
		cmocka_unit_test(the_direction_says_what_a_sync_moves),
		cmocka_unit_test(what_the_device_did_not_write_is_kept),
		cmocka_unit_test(
			writing_before_the_device_was_synced_is_reported),
		cmocka_unit_test(a_lost_write_of_the_device_is_reported),
		cmocka_unit_test(two_devices_share_memory_without_the_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
