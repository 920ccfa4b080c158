/* SPDX-License-Identifier: MIT */
/*
 * Memory, objects and devices for tests of DMA. What goes wrong here fails the
 * test that called.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "dma_fixture.h"

struct hf_memory *machine(bool shadow)
{
	const struct hf_memory_options options = { .pool = 64 * PAGE,
						   .shadow = shadow };
	struct hf_memory *mem = hf_memory_create(&options);

	assert_non_null(mem);
	return mem;
}

void object_hold(struct object *object, struct hf_backing *backing, size_t n)
{
	assert_non_null(backing);
	object->backing = backing;
	object->owner = backing->owner;
	object->n = n;
	assert_int_equal(hf_backing_get_pages(backing, 0, n, object->pages), 0);
	assert_int_equal(hf_sg_table_from_pages(&object->table, object->pages,
						n, 0), 0);
}

void object_create(struct object *object, struct hf_memory *mem, size_t n,
		   bool contiguous)
{
	object_hold(object,
		    hf_backing_create(mem, n * PAGE, contiguous, 4711), n);
}

void object_free(struct object *object)
{
	hf_sg_table_finish(&object->table);
	hf_pages_put(object->pages, object->n);
	hf_backing_put(object->backing);
}

char *cpu_of(const struct object *object, size_t page)
{
	return hf_page_cpu(object->pages[page]);
}

void device(struct hf_dma_device *dev, struct hf_memory *mem, bool iommu,
	    bool deferred)
{
	struct hf_iommu_domain *domain = NULL;

	if (iommu) {
		domain = hf_soft_iommu_create(mem, LAST_48, deferred);
		assert_non_null(domain);
	}
	assert_int_equal(hf_dma_device_init(dev, "soft.0", mem, domain), 0);
}

void nothing_is_left(struct hf_dma_device *dev, struct hf_memory *mem)
{
	struct hf_memory_stats stats;

	assert_int_equal(dev->mapped, 0);
	assert_int_equal(dev->mappings, 0);
	hf_dma_device_finish(dev);
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.pages, 0);
	hf_memory_destroy(mem);
}

static int real_stderr, log_fd;

void log_begin(void)
{
	real_stderr = dup(STDERR_FILENO);
	log_fd = memfd_create("log", 0);
	dup2(log_fd, STDERR_FILENO);
}

void log_end(char *text, size_t size)
{
	ssize_t n = pread(log_fd, text, size - 1, 0);

	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(log_fd);
	text[n > 0 ? n : 0] = '\0';
}
