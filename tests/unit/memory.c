/* SPDX-License-Identifier: MIT */
/* Memory, a device and its objects for tests. See the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fdcount.h"
#include "memory.h"

struct memory memory;
static unsigned int open_before;

void memory_begin(void)
{
	struct hf_memory_options options = { .pool = 64 << 20 };
	struct hf_iommu_domain *domain;

	memset(&memory, 0, sizeof(memory));
	open_before = count_fds();
	memory.mem = hf_memory_create(&options);
	assert_non_null(memory.mem);
	domain = hf_soft_iommu_create(memory.mem, (1ull << 48) - 1, false);
	assert_non_null(domain);
	assert_int_equal(hf_dma_device_init(&memory.dma, "test", memory.mem,
					    domain),
			 0);
	hf_gem_device_init(&memory.gem, &memory.dma);
}

uint64_t memory_pages(void)
{
	struct hf_memory_stats stats;

	hf_memory_stats(memory.mem, &stats);
	return stats.pages;
}

void memory_end(void)
{
	assert_int_equal(memory.gem.count, 0);
	assert_int_equal(memory.gem.bytes, 0);
	hf_gem_device_finish(&memory.gem);
	assert_int_equal(memory.dma.mapped, 0);
	assert_int_equal(memory_pages(), 0);
	hf_dma_device_finish(&memory.dma);
	hf_memory_destroy(memory.mem);
	assert_int_equal(count_fds(), open_before);
}

int memory_setup(void **state)
{
	(void)state;
	memory_begin();
	hf_gem_file_init(&memory.file, &memory.gem, 11);
	hf_gem_file_init(&memory.other, &memory.gem, 12);
	return 0;
}

int memory_teardown(void **state)
{
	(void)state;
	hf_gem_file_finish(&memory.file);
	hf_gem_file_finish(&memory.other);
	assert_true(wl_list_empty(&memory.gem.objects));
	assert_null(memory.gem.by_offset);
	assert_int_equal(memory.gem.names.count, 0);
	memory_end();
	return 0;
}

struct hf_gem_object *memory_object(size_t size, uint32_t *handle)
{
	struct hf_gem_object *object =
		hf_gem_object_create(&memory.gem, size, false, 11);

	assert_non_null(object);
	assert_int_equal(hf_gem_handle_create(&memory.file, object, handle), 0);
	hf_gem_object_put(object);
	return object;
}
