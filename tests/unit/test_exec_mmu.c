/* SPDX-License-Identifier: MIT */
/*
 * The engine's commands on the real way to memory: address spaces, page tables,
 * the IOMMU, and pages whose bus addresses are scattered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <drm_fourcc.h>

#include "dma/iommu.h"
#include "drivers/soft/exec.h"
#include "mem/backing.h"

#define PAGE HF_PAGE_SIZE
#define VA 0x10000000ull
#define NPAGES 600
#define COMMANDS 0x1000ull

static struct hf_memory *mem;
static struct hf_dma_device dev;
static struct hf_vm *vm;
static struct hf_mmu mmu;

/* An object that is mapped for the device. */
struct object {
	struct hf_vm_memory memory;
	struct hf_sg_table table;
	struct hf_backing *backing;
	struct hf_page *pages[NPAGES];
	size_t npages;
};

static struct object picture, commands;

static void keep(struct hf_vm_memory *memory)
{
	(void)memory;
}

static void make_object(struct object *object, size_t npages)
{
	memset(object, 0, sizeof(*object));
	object->npages = npages;
	object->backing = hf_backing_create(mem, npages * PAGE, false, 1);
	assert_non_null(object->backing);
	assert_int_equal(hf_backing_get_pages(object->backing, 0, npages,
					      object->pages), 0);
	assert_int_equal(hf_sg_table_from_pages(&object->table, object->pages,
						npages, 0), 0);
	assert_int_equal(hf_dma_map_sgtable(&dev, &object->table,
					    HF_DMA_BIDIRECTIONAL), 0);
	object->memory.table = &object->table;
	object->memory.get = object->memory.put = keep;
}

static void free_object(struct object *object)
{
	hf_vm_memory_finish(&object->memory);
	if (object->table.nents)
		hf_dma_unmap_sgtable(&dev, &object->table, HF_DMA_BIDIRECTIONAL);
	hf_sg_table_finish(&object->table);
	hf_pages_put(object->pages, object->npages);
	hf_backing_put(object->backing);
}

/* Map pages of an object, or sparse memory for NULL. */
static void bind(hf_gpuva_t va, struct object *object, size_t first, size_t n,
		 bool read_only)
{
	struct hf_vm_op op = {
		.type = HF_VM_MAP,
		.vma = {
			.va = va,
			.size = n * PAGE,
			.memory = object ? &object->memory : NULL,
			.offset = first * PAGE,
			.read_only = read_only,
		},
	};

	assert_int_equal(hf_vm_check(vm, &op, 1), 0);
	assert_int_equal(hf_vm_bind(vm, &op, 1), 0);
}

static int setup(void **state)
{
	struct hf_memory_options options = { .pool = 0 };

	(void)state;
	mem = hf_memory_create(&options);
	assert_non_null(mem);
	assert_int_equal(
		hf_dma_device_init(&dev, "engine", mem,
				   hf_soft_iommu_create(mem, (1ull << 40) - 1,
							false)), 0);
	vm = hf_vm_create(&dev);
	assert_non_null(vm);
	memset(&mmu, 0, sizeof(mmu));
	mmu.port.dev = &dev;
	hf_mmu_switch(&mmu, vm);
	make_object(&picture, NPAGES);
	make_object(&commands, 1);
	bind(COMMANDS, &commands, 0, 1, true);
	return 0;
}

static int teardown(void **state)
{
	struct hf_memory_stats stats;

	(void)state;
	hf_vm_put(vm);
	free_object(&commands);
	free_object(&picture);
	hf_dma_device_finish(&dev);
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.pages, 0);
	hf_memory_destroy(mem);
	return 0;
}

static uint32_t *word(size_t offset)
{
	return (uint32_t *)((char *)hf_page_cpu(picture.pages[offset / PAGE]) +
			    offset % PAGE);
}

static enum hf_exec_status run(struct hf_exec *exec, const void *cmd,
			       size_t size)
{
	uint64_t token = hf_vm_job_begin(vm);
	_Atomic bool stop = false;
	enum hf_exec_status status;

	memcpy(hf_page_cpu(commands.pages[0]), cmd, size);
	*exec = (struct hf_exec){ .pc = COMMANDS, .end = COMMANDS + size };
	status = hf_exec_run(exec, &mmu, UINT64_MAX, &stop);
	hf_vm_job_end(vm, token);
	return status;
}

static struct holdfast_cmd_fill make_fill(uint32_t width, uint32_t height,
					  uint32_t color)
{
	return (struct holdfast_cmd_fill){
		.base = { HOLDFAST_CMD_FILL, sizeof(struct holdfast_cmd_fill), 0 },
		.dst = { VA, 4 * width, DRM_FORMAT_XRGB8888, width, height },
		.rect = { 0, 0, width, height },
		.color = color,
	};
}

static void fault_is(const struct hf_exec *exec, uint32_t fault, hf_gpuva_t va,
		     bool write)
{
	assert_int_equal(exec->fault, fault);
	assert_int_equal(exec->fault_va, va);
	assert_int_equal(exec->fault_write, write);
}

static void commands_reach_scattered_pages(void **state)
{
	struct holdfast_cmd_fill fill = make_fill(640, 480, 0x123456);
	struct holdfast_cmd_copy_linear copy = {
		.base = { HOLDFAST_CMD_COPY_LINEAR, sizeof(copy), 0 },
		.dst = VA + 301 * PAGE + 4,
		.src = VA,
		.size = 4 * 640 * 480 / 2,
	};
	struct hf_exec exec;

	(void)state;
	bind(VA, &picture, 0, NPAGES, false);
	assert_int_equal(run(&exec, &fill, sizeof(fill)), HF_EXEC_DONE);
	for (size_t i = 0; i < 4 * 640 * 480; i += 4)
		assert_int_equal(*word(i), 0x123456);
	for (size_t i = 0; i < copy.size; i += 4)
		*word(i) = i * 77;
	copy.size = 298 * PAGE;
	assert_int_equal(run(&exec, &copy, sizeof(copy)), HF_EXEC_DONE);
	for (size_t i = 0; i < copy.size && i < 4 * 640 * 480 / 2; i += 4)
		assert_int_equal(*word(301 * PAGE + 4 + i), i * 77);
}

/* Pages of the object in another order, with a hole that is sparse. */
static void a_surface_may_be_bound_in_pieces(void **state)
{
	struct holdfast_cmd_fill fill = make_fill(640, 480, 0x654321);
	struct hf_exec exec;

	(void)state;
	bind(VA, &picture, 200, 100, false);
	bind(VA + 100 * PAGE, NULL, 0, 7, false);
	bind(VA + 107 * PAGE, &picture, 3, 193, false);
	assert_int_equal(run(&exec, &fill, sizeof(fill)), HF_EXEC_DONE);
	for (size_t i = 0; i < NPAGES; i++)
		assert_int_equal(*word(i * PAGE + 8),
				 i >= 3 && i < 300 && (i < 196 || i >= 200) ?
					 0x654321 : 0);
}

static void sparse_memory_reads_as_zero(void **state)
{
	struct holdfast_cmd_fill fill = make_fill(1024, 4, 0xffffffff);
	struct holdfast_cmd_copy_linear copy = {
		.base = { HOLDFAST_CMD_COPY_LINEAR, sizeof(copy), 0 },
		.dst = VA + 16 * PAGE,
		.src = VA,
		.size = 4 * PAGE,
	};
	struct hf_exec exec;

	(void)state;
	bind(VA, NULL, 0, 16, false);
	bind(VA + 16 * PAGE, &picture, 0, 16, false);
	*word(4) = 1;
	assert_int_equal(run(&exec, &fill, sizeof(fill)), HF_EXEC_DONE);
	assert_int_equal(run(&exec, &copy, sizeof(copy)), HF_EXEC_DONE);
	for (size_t i = 0; i < 4 * PAGE; i += 4)
		assert_int_equal(*word(i), 0);
}

static void faults_of_mmu_and_iommu_are_told_apart(void **state)
{
	struct holdfast_cmd_fill fill = make_fill(1024, 8, 1);
	struct hf_exec exec;

	(void)state;
	bind(VA, &picture, 0, 4, false);
	assert_int_equal(run(&exec, &fill, sizeof(fill)), HF_EXEC_FAULT);
	fault_is(&exec, HOLDFAST_FAULT_UNMAPPED, VA + 4 * PAGE, true);
	bind(VA + 4 * PAGE, &picture, 4, 4, true);
	assert_int_equal(run(&exec, &fill, sizeof(fill)), HF_EXEC_FAULT);
	fault_is(&exec, HOLDFAST_FAULT_READ_ONLY, VA + 4 * PAGE, true);
	assert_int_equal(*word(0), 0);

	/* What the driver never does: take it from the IOMMU while it is bound. */
	hf_dma_unmap_sgtable(&dev, &picture.table, HF_DMA_BIDIRECTIONAL);
	assert_int_equal(run(&exec, &fill, sizeof(fill)), HF_EXEC_FAULT);
	fault_is(&exec, HOLDFAST_FAULT_BUS, VA, true);
	assert_int_equal(dev.nfaults, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(commands_reach_scattered_pages),
		TEST(a_surface_may_be_bound_in_pieces),
		TEST(sparse_memory_reads_as_zero),
		TEST(faults_of_mmu_and_iommu_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
