/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of DMA with physical addresses. Where memory is, is asked of a pagemap
 * that is made up here, except for the test that asks the real one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dma_fixture.h"

#define PRESENT (1ull << 63)
#define SOFT_DIRTY (1ull << 55)
#define BASE 0x100000ull /* of the frames of an object */

/* -- a made-up pagemap ------------------------------------------------------- */

static enum {
	NEIGHBOURS, /* pages that follow each other do in memory, too */
	EVERY_OTHER, /* one frame is left out between two */
	ONE_FRAME,
	HIDDEN, /* who asks may not know */
	SWAPPED,
	REAL,
} layout;

static uintptr_t first; /* page of the CPU that has frame BASE */

static uint64_t entry_at(uint64_t number)
{
	uint64_t distance = number - first;

	switch (layout) {
	case NEIGHBOURS:
		return PRESENT | SOFT_DIRTY | (BASE + distance);
	case EVERY_OTHER:
		return PRESENT | SOFT_DIRTY | (BASE + 2 * distance);
	case ONE_FRAME:
		return PRESENT | BASE;
	case HIDDEN:
		return PRESENT | SOFT_DIRTY;
	default:
		return 0;
	}
}

ssize_t __real_pread64(int fd, void *to, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *to, size_t size, off_t offset);

ssize_t __wrap_pread64(int fd, void *to, size_t size, off_t offset)
{
	uint64_t *entries = to;

	/* Nothing is mapped at 0: it is another file. */
	if (layout == REAL || !offset)
		return __real_pread64(fd, to, size, offset);
	/* Less than was asked for: the window ends. */
	if (size > 40)
		size = 40;
	for (size_t i = 0; i < size / 8; i++)
		entries[i] = entry_at(offset / 8 + i);
	return size;
}

/* -- a device ---------------------------------------------------------------- */

static struct hf_memory *mem;
static struct hf_dma_device dev;

static int setup(void **state)
{
	(void)state;
	layout = NEIGHBOURS;
	first = 0;
	mem = machine(false);
	device(&dev, mem, false, false);
	assert_int_equal(hf_dma_device_use_physical(&dev), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nothing_is_left(&dev, mem);
	return 0;
}

static void object_at_base(struct object *object, size_t n, bool contiguous)
{
	object_create(object, mem, n, contiguous);
	first = (uintptr_t)cpu_of(object, 0) / PAGE;
}

static int map(struct object *object)
{
	return hf_dma_map_sgtable(&dev, &object->table, HF_DMA_BIDIRECTIONAL);
}

static void unmap(struct object *object)
{
	hf_dma_unmap_sgtable(&dev, &object->table, HF_DMA_BIDIRECTIONAL);
}

/* Not a fault, or one that is not of interest. */
static bool reads(hf_iova_t at, char *byte)
{
	struct hf_dma_port *port = calloc(1, sizeof(*port));
	char text[1000];
	int ret;

	port->dev = &dev;
	log_begin();
	ret = hf_dma_read(port, byte, at, 1);
	log_end(text, sizeof(text));
	free(port);
	return !ret;
}

/* -- addresses --------------------------------------------------------------- */

static void neighbours_in_memory_are_one_piece(void **state)
{
	struct object object;

	(void)state;
	object_at_base(&object, 20, false);
	assert_true(object.table.orig_nents > 1);
	assert_int_equal(map(&object), 0);
	assert_int_equal(object.table.nents, 1);
	assert_int_equal(object.table.sgl[0].dma, BASE * PAGE);
	assert_int_equal(object.table.sgl[0].dma_length, 20 * PAGE);
	unmap(&object);
	object_free(&object);
}

static void pieces_are_no_longer_than_the_device_takes(void **state)
{
	struct object object;

	(void)state;
	dev.max_segment = 8 * PAGE + 5;
	dev.boundary = 4 * PAGE - 1;
	object_at_base(&object, 20, false);
	first++; /* so that it begins just before a boundary */
	assert_int_equal(map(&object), 0);
	assert_int_equal(object.table.nents, 6);
	assert_int_equal(object.table.sgl[0].dma, (BASE - 1) * PAGE);
	assert_int_equal(object.table.sgl[0].dma_length, PAGE);
	assert_int_equal(object.table.sgl[1].dma, BASE * PAGE);
	assert_int_equal(object.table.sgl[1].dma_length, 4 * PAGE);
	assert_int_equal(object.table.sgl[5].dma_length, 3 * PAGE);
	unmap(&object);
	object_free(&object);
}

static void neighbours_on_the_bus_may_be_far_apart(void **state)
{
	struct object object;

	(void)state;
	layout = EVERY_OTHER;
	object_at_base(&object, 30, true);
	assert_int_equal(object.table.orig_nents, 1);
	assert_int_equal(map(&object), 0);
	assert_int_equal(object.table.nents, 30);
	for (size_t i = 0; i < 30; i++) {
		assert_int_equal(object.table.sgl[i].dma,
				 (BASE + 2 * i) * PAGE);
		assert_int_equal(object.table.sgl[i].dma_length, PAGE);
	}
	/* And once more: what was mapped is not what it is made of. */
	unmap(&object);
	assert_int_equal(object.table.orig_nents, 1);
	assert_int_equal(object.table.sgl[0].length, 30 * PAGE);
	assert_int_equal(map(&object), 0);
	assert_int_equal(object.table.nents, 30);
	unmap(&object);
	object_free(&object);
}

static void memory_out_of_reach_is_an_error_and_nothing_is_mapped(void **state)
{
	struct object object;
	char byte;

	(void)state;
	layout = EVERY_OTHER;
	object_at_base(&object, 10, false);
	dev.mask = (BASE + 10) * PAGE - 1;
	assert_int_equal(map(&object), -EIO);
	assert_int_equal(object.table.nents, 0);
	assert_false(reads(BASE * PAGE, &byte));
	assert_false(reads((BASE + 10) * PAGE, &byte));
	dev.mask = UINT64_MAX;
	dev.max_segment = PAGE / 2;
	assert_int_equal(map(&object), -EIO);
	object_free(&object);
}

static void memory_that_is_not_there_is_an_error(void **state)
{
	struct object object;

	(void)state;
	object_at_base(&object, 3, false);
	layout = SWAPPED;
	assert_int_equal(map(&object), -EFAULT);
	layout = HIDDEN;
	assert_int_equal(map(&object), -EPERM);
	object_free(&object);
}

static void who_may_not_know_is_refused_at_once(void **state)
{
	struct hf_dma_device other;

	(void)state;
	device(&other, mem, false, false);
	layout = HIDDEN;
	assert_int_equal(hf_dma_device_use_physical(&other), -EPERM);
	assert_null(other.physical);
	hf_dma_device_finish(&other);
}

/* -- reading in software ----------------------------------------------------- */

static void software_reads_at_physical_addresses(void **state)
{
	struct object object;
	char byte = 0;

	(void)state;
	layout = EVERY_OTHER;
	object_at_base(&object, 5, false);
	cpu_of(&object, 3)[17] = 42;
	assert_int_equal(map(&object), 0);
	assert_true(reads((BASE + 6) * PAGE + 17, &byte));
	assert_int_equal(byte, 42);
	assert_false(reads((BASE + 7) * PAGE, &byte));
	/* What would be its address without the real machine is nobody's. */
	assert_false(reads(hf_page_bus(object.pages[3]), &byte));
	unmap(&object);
	assert_false(reads((BASE + 6) * PAGE + 17, &byte));
	object_free(&object);
}

static void memory_mapped_twice_is_there_until_the_last_unmapping(void **state)
{
	struct object object;
	struct hf_sg_table again;
	char byte;

	(void)state;
	object_at_base(&object, 4, false);
	assert_int_equal(hf_sg_table_from_pages(&again, object.pages, 4, 0), 0);
	assert_int_equal(map(&object), 0);
	assert_int_equal(hf_dma_map_sgtable(&dev, &again, HF_DMA_TO_DEVICE), 0);
	unmap(&object);
	assert_true(reads(BASE * PAGE, &byte));
	hf_dma_unmap_sgtable(&dev, &again, HF_DMA_TO_DEVICE);
	assert_false(reads(BASE * PAGE, &byte));
	hf_sg_table_finish(&again);
	object_free(&object);
}

/* -- memory of the device's own ---------------------------------------------- */

static void page_of_the_devices_own_has_its_physical_address(void **state)
{
	hf_iova_t iova;
	char *page, byte;

	(void)state;
	layout = ONE_FRAME;
	page = hf_dma_alloc(&dev, PAGE, &iova);
	assert_non_null(page);
	assert_int_equal(iova, BASE * PAGE);
	page[9] = 7;
	assert_true(reads(iova + 9, &byte));
	assert_int_equal(byte, 7);
	hf_dma_free(&dev, page, PAGE, iova);
	assert_false(reads(iova, &byte));
}

static void several_pages_are_had_only_as_neighbours(void **state)
{
	hf_iova_t iova;
	char *pages;

	(void)state;
	pages = hf_dma_alloc(&dev, 3 * PAGE, &iova);
	assert_non_null(pages);
	assert_int_equal(iova % PAGE, 0);
	hf_dma_free(&dev, pages, 3 * PAGE, iova);
	layout = EVERY_OTHER;
	assert_null(hf_dma_alloc(&dev, 3 * PAGE, &iova));
	assert_int_equal(errno, EIO);
}

/* -- the real machine -------------------------------------------------------- */

/* A sanitizer makes mlock() do nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static void memory_that_may_not_be_locked_is_an_error(void **state)
{
	const struct rlimit none = { 0, 0 };
	struct object object;
	int status;
	pid_t pid;

	(void)state;
	if (SANITIZED)
		skip();
	object_at_base(&object, 4, false);
	pid = fork();
	if (!pid) {
		char text[1000];
		int ret;

		if (setrlimit(RLIMIT_MEMLOCK, &none) ||
		    (!getuid() && (setgid(65534) || setuid(65534))))
			_exit(2);
		log_begin();
		ret = map(&object);
		log_end(text, sizeof(text));
		_exit(ret != -ENOMEM || !strstr(text, "ulimit -l"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	object_free(&object);
}

static uint64_t real_frame(const void *cpu)
{
	FILE *file = fopen("/proc/self/pagemap", "re");
	uint64_t entry = 0;

	assert_non_null(file);
	assert_int_equal(fseek(file, (uintptr_t)cpu / PAGE * 8, SEEK_SET), 0);
	assert_int_equal(fread(&entry, sizeof(entry), 1, file), 1);
	fclose(file);
	return entry & ((1ull << 55) - 1);
}

static void addresses_are_those_of_the_kernel(void **state)
{
	struct hf_dma_device real;
	struct object object;
	size_t page = 0;

	(void)state;
	if (SANITIZED)
		skip();
	layout = REAL;
	device(&real, mem, false, false);
	if (hf_dma_device_use_physical(&real)) {
		hf_dma_device_finish(&real);
		skip();
	}
	object_create(&object, mem, 50, false);
	assert_int_equal(hf_dma_map_sgtable(&real, &object.table,
					    HF_DMA_BIDIRECTIONAL), 0);
	for (size_t i = 0; i < object.table.nents; i++)
		for (size_t at = 0; at < object.table.sgl[i].dma_length;
		     at += PAGE)
			assert_int_equal((object.table.sgl[i].dma + at) / PAGE,
					 real_frame(cpu_of(&object, page++)));
	assert_int_equal(page, 50);
	hf_dma_unmap_sgtable(&real, &object.table, HF_DMA_BIDIRECTIONAL);
	object_free(&object);
	hf_dma_device_finish(&real);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(neighbours_in_memory_are_one_piece),
		TEST(pieces_are_no_longer_than_the_device_takes),
		TEST(neighbours_on_the_bus_may_be_far_apart),
		TEST(memory_out_of_reach_is_an_error_and_nothing_is_mapped),
		TEST(memory_that_is_not_there_is_an_error),
		TEST(who_may_not_know_is_refused_at_once),
		TEST(software_reads_at_physical_addresses),
		TEST(memory_mapped_twice_is_there_until_the_last_unmapping),
		TEST(page_of_the_devices_own_has_its_physical_address),
		TEST(several_pages_are_had_only_as_neighbours),
		TEST(memory_that_may_not_be_locked_is_an_error),
		TEST(addresses_are_those_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
