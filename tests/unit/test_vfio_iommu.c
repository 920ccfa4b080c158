/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the domain over VFIO, on a kernel that is played here: it keeps what
 * is mapped, refuses what the real one refuses, and fails when it is told to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dma/vfio_internal.h"
#include "dma_fixture.h"

#define CONTAINER 1000000
#define MAX_MAPPINGS 1024
#define MSI_FIRST 0xfee00000ull
#define MSI_LAST 0xfeefffffull
#define LAST_39 ((1ull << 39) - 1)
#define IOVA 0x100000ull

/* -- the kernel -------------------------------------------------------------- */

struct mapping {
	uint64_t iova, size, vaddr;
	uint32_t flags;
};

static struct kernel {
	pthread_mutex_t lock;
	struct mapping mappings[MAX_MAPPINGS];
	size_t n, limit;
	unsigned int maps, unmaps; /* ever */
	unsigned int fail_at;	   /* which map; 0: none */
	int error;
	char info[512];
	uint32_t info_size;
} kernel = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int fail_with(int error)
{
	errno = error;
	return -1;
}

static int kernel_map(const struct vfio_iommu_type1_dma_map *map)
{
	if (kernel.fail_at && ++kernel.maps == kernel.fail_at)
		return fail_with(kernel.error);
	kernel.maps += !kernel.fail_at;
	if (!map->size || (map->iova | map->size | map->vaddr) % PAGE ||
	    map->iova + map->size - 1 > LAST_39 ||
	    (map->iova <= MSI_LAST && map->iova + map->size > MSI_FIRST))
		return fail_with(EINVAL);
	for (size_t i = 0; i < kernel.n; i++)
		if (map->iova < kernel.mappings[i].iova + kernel.mappings[i].size &&
		    kernel.mappings[i].iova < map->iova + map->size)
			return fail_with(EEXIST);
	if (kernel.n == kernel.limit)
		return fail_with(ENOSPC);
	kernel.mappings[kernel.n++] = (struct mapping){
		map->iova, map->size, map->vaddr, map->flags };
	return 0;
}

/* As version 2 does: no mapping is cut. */
static int kernel_unmap(struct vfio_iommu_type1_dma_unmap *unmap)
{
	uint64_t end = unmap->iova + unmap->size, size = 0;

	kernel.unmaps++;
	for (size_t i = 0; i < kernel.n; i++) {
		const struct mapping *mapping = &kernel.mappings[i];

		if (mapping->iova >= end ||
		    mapping->iova + mapping->size <= unmap->iova)
			continue;
		if (mapping->iova < unmap->iova ||
		    mapping->iova + mapping->size > end)
			return fail_with(EINVAL);
		size += mapping->size;
		kernel.mappings[i--] = kernel.mappings[--kernel.n];
	}
	unmap->size = size;
	return 0;
}

static int kernel_info(struct vfio_iommu_type1_info *info)
{
	uint32_t room = info->argsz;

	memcpy(info, kernel.info, room < kernel.info_size ? room :
							    kernel.info_size);
	info->argsz = kernel.info_size;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument);

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	int ret;

	if (fd != CONTAINER)
		return fail_with(EBADF);
	pthread_mutex_lock(&kernel.lock);
	if (request == VFIO_IOMMU_MAP_DMA)
		ret = kernel_map(argument);
	else if (request == VFIO_IOMMU_UNMAP_DMA)
		ret = kernel_unmap(argument);
	else if (request == VFIO_IOMMU_GET_INFO)
		ret = kernel_info(argument);
	else
		ret = fail_with(ENOTTY);
	pthread_mutex_unlock(&kernel.lock);
	return ret;
}

/* How many more allocations succeed. */
static uint32_t calls_left = UINT32_MAX;

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

/* -- what it says of its IOMMU ----------------------------------------------- */

struct said {
	struct vfio_iommu_type1_info info;
	struct vfio_iommu_type1_info_dma_avail available;
	struct vfio_iommu_type1_info_cap_iova_range ranges;
	struct vfio_iova_range range[4];
} __attribute__((packed, aligned(4))); /* as the kernel writes it */

static struct said *said(void)
{
	return (struct said *)kernel.info;
}

static void say(size_t nranges)
{
	struct said *said = (struct said *)kernel.info;

	_Static_assert(sizeof(*said) <= sizeof(kernel.info), "");
	memset(kernel.info, 0, sizeof(kernel.info));
	kernel.info_size = offsetof(struct said, range[nranges]);
	said->info.argsz = kernel.info_size;
	said->info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	said->info.iova_pgsizes = 0x40201000;
	said->info.cap_offset = offsetof(struct said, available);
	said->available.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	said->available.header.version = 1;
	said->available.header.next = offsetof(struct said, ranges);
	said->available.avail = 77;
	said->ranges.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	said->ranges.header.version = 1;
	said->ranges.nr_iovas = nranges;
	said->range[0] = (struct vfio_iova_range){ 0, MSI_FIRST - 1 };
	said->range[1] = (struct vfio_iova_range){ MSI_LAST + 1, LAST_39 };
}

/* -- a device ---------------------------------------------------------------- */

static struct hf_vfio vfio;
static struct hf_memory *mem;
static struct hf_iommu_domain *domain;

static int setup_kernel(void **state)
{
	(void)state;
	memset(kernel.mappings, 0, sizeof(kernel.mappings));
	kernel.n = kernel.maps = kernel.unmaps = kernel.fail_at = 0;
	kernel.limit = MAX_MAPPINGS;
	say(2);
	memset(&vfio, 0, sizeof(vfio));
	vfio.container = CONTAINER;
	strcpy(vfio.place.name, "0000:00:03.0");
	mem = machine(false);
	return 0;
}

static int setup(void **state)
{
	setup_kernel(state);
	domain = hf_vfio_domain_create(&vfio, mem);
	assert_non_null(domain);
	return 0;
}

static int teardown_kernel(void **state)
{
	struct hf_memory_stats stats;

	(void)state;
	assert_int_equal(kernel.n, 0);
	assert_null(vfio.domain);
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.pages, 0);
	hf_memory_destroy(mem);
	return 0;
}

static int teardown(void **state)
{
	hf_iommu_destroy(domain);
	return teardown_kernel(state);
}

static int map_at(hf_iova_t iova, const struct object *object,
		  unsigned int prot)
{
	char text[1000];
	int ret;

	log_begin();
	ret = hf_iommu_map(domain, iova, object->table.sgl,
			   object->table.orig_nents, prot);
	log_end(text, sizeof(text));
	/* An error is said; the same one not twice a second. */
	if (!ret)
		assert_int_equal(strlen(text), 0);
	return ret;
}

/* Without giving the addresses back: they were not allocated. */
static void unmap_at(hf_iova_t iova, size_t size)
{
	domain->ops->unmap(domain, iova, size);
}

#define RW (HF_IOMMU_READ | HF_IOMMU_WRITE)

/* Every second page of a file, each gotten alone. */
static void torn(struct object *object, size_t n)
{
	object->backing = hf_backing_create(mem, 2 * n * PAGE, false, 4711);
	assert_non_null(object->backing);
	object->n = n;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(hf_backing_get_pages(object->backing, 2 * i, 1,
						      &object->pages[i]), 0);
	assert_int_equal(hf_sg_table_from_pages(&object->table, object->pages,
						n, 0), 0);
}

/* -- mapping ----------------------------------------------------------------- */

static void object_is_one_mapping_however_scattered(void **state)
{
	struct object object;

	(void)state;
	object_create(&object, mem, 100, false);
	assert_true(object.table.orig_nents > 50);
	assert_int_equal(map_at(IOVA, &object, RW), 0);
	assert_int_equal(kernel.n, 1);
	assert_int_equal(kernel.mappings[0].iova, IOVA);
	assert_int_equal(kernel.mappings[0].size, 100 * PAGE);
	assert_int_equal(kernel.mappings[0].vaddr,
			 (uintptr_t)cpu_of(&object, 0));
	assert_int_equal(kernel.mappings[0].flags,
			 VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	unmap_at(IOVA, 100 * PAGE);
	assert_int_equal(kernel.n, 0);
	object_free(&object);
}

static void contiguous_object_is_one_mapping(void **state)
{
	struct object object;

	(void)state;
	object_create(&object, mem, 40, true);
	assert_int_equal(object.table.orig_nents, 1);
	assert_int_equal(map_at(IOVA, &object, HF_IOMMU_READ), 0);
	assert_int_equal(kernel.n, 1);
	assert_int_equal(kernel.mappings[0].size, 40 * PAGE);
	assert_int_equal(kernel.mappings[0].flags, VFIO_DMA_MAP_FLAG_READ);
	unmap_at(IOVA, 40 * PAGE);
	object_free(&object);
}

static void torn_pages_are_mappings_that_go_with_one_unmapping(void **state)
{
	struct object object;

	(void)state;
	torn(&object, 10);
	assert_int_equal(map_at(IOVA, &object, HF_IOMMU_WRITE), 0);
	assert_int_equal(kernel.n, 10);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(kernel.mappings[i].iova, IOVA + i * PAGE);
		assert_int_equal(kernel.mappings[i].vaddr,
				 (uintptr_t)cpu_of(&object, i));
		assert_int_equal(kernel.mappings[i].flags,
				 VFIO_DMA_MAP_FLAG_WRITE);
	}
	unmap_at(IOVA, 10 * PAGE);
	assert_int_equal(kernel.n, 0);
	assert_int_equal(kernel.unmaps, 1);
	object_free(&object);
}

/* Backwards they are neighbours, too, but not in this order. */
static void pages_in_another_order_are_not_taken_for_a_run(void **state)
{
	struct object object;
	struct hf_sg sgl[5];

	(void)state;
	object_create(&object, mem, 5, false);
	for (size_t i = 0; i < 5; i++)
		sgl[i] = (struct hf_sg){
			.bus = hf_page_bus(object.pages[4 - i]),
			.length = PAGE,
		};
	assert_int_equal(hf_iommu_map(domain, IOVA, sgl, 5, RW), 0);
	assert_int_equal(kernel.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(kernel.mappings[i].vaddr,
				 (uintptr_t)cpu_of(&object, 4 - i));
	unmap_at(IOVA, 5 * PAGE);
	object_free(&object);
}

static void unmapping_leaves_the_neighbours(void **state)
{
	struct object object;
	uint64_t generation;

	(void)state;
	object_create(&object, mem, 3, false);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(map_at(IOVA + i * 3 * PAGE, &object, RW), 0);
	generation = hf_iommu_generation(domain);
	unmap_at(IOVA + 3 * PAGE, 3 * PAGE);
	assert_true(hf_iommu_generation(domain) != generation);
	assert_int_equal(kernel.n, 2);
	unmap_at(IOVA, 3 * PAGE);
	assert_int_equal(kernel.n, 1);
	assert_int_equal(kernel.mappings[0].iova, IOVA + 6 * PAGE);
	unmap_at(IOVA + 6 * PAGE, 3 * PAGE);
	object_free(&object);
}

static void what_is_left_goes_with_the_domain(void **state)
{
	struct object object;

	(void)state;
	domain = hf_vfio_domain_create(&vfio, mem);
	torn(&object, 4);
	assert_int_equal(map_at(IOVA, &object, RW), 0);
	assert_int_equal(kernel.n, 4);
	hf_iommu_destroy(domain);
	assert_int_equal(kernel.n, 0);
	object_free(&object);
}

/* -- all or nothing ---------------------------------------------------------- */

static void failure_in_the_middle_undoes_what_was_done(void **state)
{
	static const int errors[] = { ENOMEM, ENOSPC, EFAULT, EEXIST, EINVAL };
	struct object object;

	(void)state;
	torn(&object, 6);
	for (unsigned int at = 1; at <= 6; at++) {
		kernel.error = errors[at % 5];
		kernel.maps = 0;
		kernel.fail_at = at;
		assert_int_equal(map_at(IOVA, &object, RW), -kernel.error);
		assert_int_equal(kernel.n, 0);
	}
	kernel.fail_at = 0;
	assert_int_equal(map_at(IOVA, &object, RW), 0);
	unmap_at(IOVA, 6 * PAGE);
	object_free(&object);
}

static void limit_of_mappings_is_an_error_that_is_said(void **state)
{
	struct object object;
	char text[1000];

	(void)state;
	torn(&object, 6);
	kernel.limit = 5;
	log_begin();
	assert_int_equal(hf_iommu_map(domain, IOVA, object.table.sgl,
				      object.table.orig_nents, RW), -ENOSPC);
	log_end(text, sizeof(text));
	assert_non_null(strstr(text, "dma_entry_limit"));
	assert_non_null(strstr(text, "0000:00:03.0"));
	assert_int_equal(kernel.n, 0);
	object_free(&object);
}

static void signals_do_not_matter(void **state)
{
	struct object object;

	(void)state;
	torn(&object, 3);
	kernel.fail_at = 2;
	kernel.error = EINTR;
	assert_int_equal(map_at(IOVA, &object, RW), 0);
	assert_int_equal(kernel.n, 3);
	unmap_at(IOVA, 3 * PAGE);
	object_free(&object);
}

static void lack_of_memory_anywhere_is_an_error(void **state)
{
	struct object object;

	(void)state;
	torn(&object, 5);
	for (uint32_t calls = 0; calls < 5; calls++) {
		calls_left = calls;
		assert_int_equal(map_at(IOVA, &object, RW), -ENOMEM);
		calls_left = UINT32_MAX;
		assert_int_equal(kernel.n, 0);
	}
	object_free(&object);
}

static void read_only_memory_is_not_for_writing(void **state)
{
	struct object object;
	int fd = memfd_create("foreign", MFD_ALLOW_SEALING), read_only;
	char path[64];

	(void)state;
	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_only = open(path, O_RDONLY);
	object_hold(&object, hf_backing_of(mem, read_only, false, 4711), 2);
	assert_int_equal(map_at(IOVA, &object, RW), -EACCES);
	assert_int_equal(map_at(IOVA, &object, HF_IOMMU_WRITE), -EACCES);
	assert_int_equal(kernel.n, 0);
	assert_int_equal(map_at(IOVA, &object, HF_IOMMU_READ), 0);
	unmap_at(IOVA, 2 * PAGE);
	object_free(&object);
	close(read_only);
	close(fd);
}

static void what_is_no_memory_is_refused(void **state)
{
	struct object object;
	struct hf_sg sg = { .length = PAGE };

	(void)state;
	object_create(&object, mem, 1, false);
	sg.bus = hf_page_bus(object.pages[0]) ^ (1u << 20);
	assert_int_equal(hf_iommu_map(domain, IOVA, &sg, 1, RW), -EINVAL);
	sg.bus = hf_page_bus(object.pages[0]) + 1;
	assert_int_equal(hf_iommu_map(domain, IOVA, &sg, 1, RW), -EINVAL);
	sg.bus = hf_page_bus(object.pages[0]);
	sg.length = PAGE / 2;
	assert_int_equal(hf_iommu_map(domain, IOVA, &sg, 1, RW), -EINVAL);
	sg.length = 0;
	assert_int_equal(hf_iommu_map(domain, IOVA, &sg, 1, RW), -EINVAL);
	assert_int_equal(map_at(IOVA, &object, 0), -EINVAL);
	assert_int_equal(map_at(IOVA + 1, &object, RW), -EINVAL);
	assert_int_equal(map_at(LAST_39 + 1, &object, RW), -EINVAL);
	assert_int_equal(kernel.maps, 0);
	assert_int_equal(map_at(LAST_39 + 1 - PAGE, &object, RW), 0);
	unmap_at(LAST_39 + 1 - PAGE, PAGE);
	object_free(&object);
}

/* A page that is gone must not be found by way of its neighbour. */
static void page_that_was_put_is_not_mapped(void **state)
{
	struct object object;
	struct hf_sg sgl[2];

	(void)state;
	object_create(&object, mem, 2, false);
	for (size_t i = 0; i < 2; i++)
		sgl[i] = (struct hf_sg){ .bus = hf_page_bus(object.pages[i]),
					 .length = PAGE };
	hf_pages_put(&object.pages[1], 1);
	assert_int_equal(hf_iommu_map(domain, IOVA, sgl, 2, RW), -EINVAL);
	assert_int_equal(kernel.n, 0);
	object.n = 1;
	object_free(&object);
}

/* -- reading in software ----------------------------------------------------- */

static void walking_finds_the_page_and_what_is_allowed(void **state)
{
	enum hf_iommu_fault_reason reason;
	struct object object, other;
	hf_bus_t bus;

	(void)state;
	object_create(&object, mem, 7, false);
	torn(&other, 7);
	assert_int_equal(map_at(IOVA, &object, HF_IOMMU_READ), 0);
	assert_int_equal(map_at(IOVA + 7 * PAGE, &other, RW), 0);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(hf_iommu_walk(domain, IOVA + i * PAGE + i,
					       false, &bus, &reason), 0);
		assert_int_equal(bus, hf_page_bus(object.pages[i]) + i);
		assert_int_equal(hf_iommu_walk(domain, IOVA + i * PAGE + i, true,
					       &bus, &reason), -EFAULT);
		assert_int_equal(reason, HF_IOMMU_FAULT_PERMISSION);
		assert_int_equal(hf_iommu_walk(domain,
					       IOVA + (7 + i) * PAGE + i, true,
					       &bus, &reason), 0);
		assert_int_equal(bus, hf_page_bus(other.pages[i]) + i);
	}
	assert_int_equal(hf_iommu_walk(domain, IOVA + 14 * PAGE, false, &bus,
				       &reason), -EFAULT);
	assert_int_equal(reason, HF_IOMMU_FAULT_UNMAPPED);
	assert_int_equal(hf_iommu_walk(domain, IOVA - 1, false, &bus, &reason),
			 -EFAULT);
	unmap_at(IOVA, 7 * PAGE);
	assert_int_equal(hf_iommu_walk(domain, IOVA, false, &bus, &reason),
			 -EFAULT);
	assert_int_equal(hf_iommu_walk(domain, IOVA + 7 * PAGE, false, &bus,
				       &reason), 0);
	unmap_at(IOVA + 7 * PAGE, 7 * PAGE);
	object_free(&object);
	object_free(&other);
}

static atomic_bool over;

static void *walk_all_the_time(void *data)
{
	enum hf_iommu_fault_reason reason;
	uintptr_t found = 0;
	hf_bus_t bus;

	(void)data;
	while (!atomic_load(&over))
		found += !hf_iommu_walk(domain, IOVA + PAGE, false, &bus,
					&reason);
	return (void *)found;
}

static void walking_needs_no_lock_of_the_caller(void **state)
{
	struct object object;
	pthread_t thread;

	(void)state;
	torn(&object, 8);
	atomic_store(&over, false);
	assert_int_equal(pthread_create(&thread, NULL, walk_all_the_time, NULL),
			 0);
	for (int i = 0; i < 500; i++) {
		assert_int_equal(hf_iommu_map(domain, IOVA, object.table.sgl,
					      object.table.orig_nents, RW), 0);
		unmap_at(IOVA, 8 * PAGE);
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	object_free(&object);
}

/* -- addresses --------------------------------------------------------------- */

static void reserved_addresses_are_not_given_out(void **state)
{
	hf_iova_t iova;

	(void)state;
	for (int i = 0; i < 300; i++) {
		iova = hf_iova_alloc(domain->space, 1 << 20, PAGE, UINT32_MAX);
		assert_true(iova);
		assert_true(iova > MSI_LAST || iova + (1 << 20) <= MSI_FIRST);
	}
	iova = hf_iova_alloc(domain->space, PAGE, PAGE, UINT64_MAX);
	assert_int_equal(iova, LAST_39 + 1 - PAGE);
	assert_int_equal(hf_iova_reserve(domain->space, MSI_FIRST, PAGE),
			 -EBUSY);
}

static void first_and_last_range_bound_the_space(void **state)
{
	hf_iova_t iova;

	(void)state;
	say(2);
	said()->range[0] = (struct vfio_iova_range){ 0x10800, 0x1ffff };
	said()->range[1] = (struct vfio_iova_range){ 0x30000, 0x317ff };
	domain = hf_vfio_domain_create(&vfio, mem);
	assert_non_null(domain);
	assert_int_equal(hf_iova_alloc(domain->space, PAGE, PAGE, UINT64_MAX),
			 0x30000);
	iova = UINT64_MAX;
	for (int i = 0; i < 15; i++) {
		iova = hf_iova_alloc(domain->space, PAGE, PAGE, UINT64_MAX);
		assert_in_range(iova, 0x11000, 0x1f000);
	}
	assert_int_equal(hf_iova_alloc(domain->space, PAGE, PAGE, UINT64_MAX),
			 0);
	hf_iommu_destroy(domain);
}

static void space_may_be_all_of_64_bits(void **state)
{
	(void)state;
	said()->range[1].end = UINT64_MAX;
	domain = hf_vfio_domain_create(&vfio, mem);
	assert_non_null(domain);
	hf_iommu_destroy(domain);
}

/* And all is in order again. */
static void expect_refused(int error)
{
	assert_null(hf_vfio_domain_create(&vfio, mem));
	assert_int_equal(errno, error);
	assert_null(vfio.domain);
	hf_memory_destroy(mem);
	setup_kernel(NULL);
}

static void iommu_that_cannot_be_used_is_refused(void **state)
{
	(void)state;
	said()->info.iova_pgsizes = 0x40200000;
	expect_refused(ENOTSUP);
	said()->info.flags = VFIO_IOMMU_INFO_CAPS;
	expect_refused(ENOTSUP);
	said()->info.flags = VFIO_IOMMU_INFO_PGSIZES;
	expect_refused(ENOTSUP);
	said()->ranges.nr_iovas = 3; /* more than there is room for */
	expect_refused(ENOTSUP);
	said()->ranges.nr_iovas = 0;
	expect_refused(ENOTSUP);
	said()->available.header.next = kernel.info_size - 4;
	expect_refused(ENOTSUP);
	said()->available.header.next = 4000;
	expect_refused(ENOTSUP);
	said()->available.header.next = offsetof(struct said, available);
	expect_refused(ENOTSUP); /* a circle */
	said()->range[1] = (struct vfio_iova_range){ 0x2000, 0x1000 };
	expect_refused(ENOTSUP);
	said()->range[1].start = 0x1000; /* in the first one */
	expect_refused(ENOTSUP);
	said()->ranges.nr_iovas = 1;
	said()->range[0].end = 0xfff;
	expect_refused(ENOTSUP);
	kernel.info_size = 8;
	expect_refused(ENOTSUP);
	kernel.info_size = UINT32_MAX;
	expect_refused(ENOTSUP);
	vfio.place.no_iommu = true;
	expect_refused(ENOTSUP);
	vfio.container = -1;
	expect_refused(EBADF);
}

static void one_domain_a_device_at_a_time(void **state)
{
	(void)state;
	assert_null(hf_vfio_domain_create(&vfio, mem));
	assert_int_equal(errno, EBUSY);
	hf_iommu_destroy(domain);
	domain = hf_vfio_domain_create(&vfio, mem);
	assert_non_null(domain);
}

static void stats_count_mappings(void **state)
{
	struct hf_vfio_stats stats;
	struct object object;

	(void)state;
	torn(&object, 3);
	assert_int_equal(map_at(IOVA, &object, RW), 0);
	hf_vfio_stats(&vfio, &stats);
	assert_int_equal(stats.mappings, 3);
	assert_int_equal(stats.available, 77);
	unmap_at(IOVA, 3 * PAGE);
	said()->available.header.id = 99;
	hf_vfio_stats(&vfio, &stats);
	assert_int_equal(stats.mappings, 0);
	assert_int_equal(stats.available, UINT32_MAX);
	object_free(&object);
}

/* -- what is said ------------------------------------------------------------ */

static bool says(int error, size_t size, const char *word)
{
	char text[400];

	hf_vfio_map_error("0000:00:03.0", error, IOVA, size, text,
			  sizeof(text));
	assert_true(strlen(text) < sizeof(text) - 1);
	return strstr(text, "0000:00:03.0") && strstr(text, word);
}

static void errors_say_what_to_raise(void **state)
{
	char small[16];

	(void)state;
	assert_true(says(ENOSPC, PAGE, "dma_entry_limit"));
	assert_true(says(EEXIST, PAGE, "bug"));
	assert_true(says(EINVAL, PAGE, "bug"));
	assert_true(says(EACCES, PAGE, "read-only"));
	assert_true(says(EFAULT, PAGE, "pin"));
	assert_true(says(EPERM, PAGE, strerror(EPERM)));
	assert_true(says(EPERM, 64 << 20, "65536 KiB"));
	hf_vfio_map_error("0000:00:03.0", ENOMEM, IOVA, PAGE, small,
			  sizeof(small));
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

static void memlock_that_is_too_low_is_said_with_what_is_needed(void **state)
{
	const struct rlimit limit = { 1 << 20, 1 << 20 };
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid) {
		/* Root may lock what it wants: be an ordinary user. */
		if (setrlimit(RLIMIT_MEMLOCK, &limit) ||
		    (!getuid() && (setgid(65534) || setuid(65534))))
			_exit(2);
		_exit(!says(ENOMEM, 3 << 20, "RLIMIT_MEMLOCK is 1024 KiB") ||
		      !says(ENOMEM, 3 << 20, "3072 KiB are needed") ||
		      !says(ENOMEM, 3 << 20, "ulimit -l") ||
		      !says(ENOMEM, 3 << 20, "LimitMEMLOCK=") ||
		      says(ENOMEM, PAGE, "RLIMIT_MEMLOCK") ||
		      !says(ENOMEM, PAGE, "no memory"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define MAPPED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BARE(name) \
	cmocka_unit_test_setup_teardown(name, setup_kernel, teardown_kernel)
	const struct CMUnitTest tests[] = {
		MAPPED(object_is_one_mapping_however_scattered),
		MAPPED(contiguous_object_is_one_mapping),
		MAPPED(torn_pages_are_mappings_that_go_with_one_unmapping),
		MAPPED(pages_in_another_order_are_not_taken_for_a_run),
		MAPPED(unmapping_leaves_the_neighbours),
		BARE(what_is_left_goes_with_the_domain),
		MAPPED(failure_in_the_middle_undoes_what_was_done),
		MAPPED(limit_of_mappings_is_an_error_that_is_said),
		MAPPED(signals_do_not_matter),
		MAPPED(lack_of_memory_anywhere_is_an_error),
		MAPPED(read_only_memory_is_not_for_writing),
		MAPPED(what_is_no_memory_is_refused),
		MAPPED(page_that_was_put_is_not_mapped),
		MAPPED(walking_finds_the_page_and_what_is_allowed),
		MAPPED(walking_needs_no_lock_of_the_caller),
		MAPPED(reserved_addresses_are_not_given_out),
		BARE(first_and_last_range_bound_the_space),
		BARE(space_may_be_all_of_64_bits),
		BARE(iommu_that_cannot_be_used_is_refused),
		MAPPED(one_domain_a_device_at_a_time),
		MAPPED(stats_count_mappings),
		cmocka_unit_test(errors_say_what_to_raise),
		cmocka_unit_test(
			memlock_that_is_too_low_is_said_with_what_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
