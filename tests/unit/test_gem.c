/* SPDX-License-Identifier: MIT */
/*
 * Objects, handles, names and the rules of mmap(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fdcount.h"
#include "memory.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))
#define RW (PROT_READ | PROT_WRITE)

#define gem memory.gem
#define file memory.file
#define other memory.other

static void sizes_are_rounded_up_to_pages(void **state)
{
	struct hf_gem_object *one = hf_gem_object_create(&gem, 1, false, 0);
	struct hf_gem_object *two = hf_gem_object_create(&gem, PAGE + 1, false, 0);
	struct stat st;

	(void)state;
	assert_int_equal(one->size, PAGE);
	assert_int_equal(two->size, 2 * PAGE);
	assert_int_equal(fstat(two->backing->fd, &st), 0);
	assert_int_equal(st.st_size, 2 * PAGE);
	hf_gem_object_put(one);
	hf_gem_object_put(two);
}

static void a_client_has_so_many_objects_and_others_theirs(void **state)
{
	struct hf_gem_object *one, *two, *others;

	(void)state;
	gem.client_count = 2;
	one = hf_gem_object_create(&gem, PAGE, false, 7);
	two = hf_gem_object_create(&gem, PAGE, false, 7);
	assert_null(hf_gem_object_create(&gem, PAGE, false, 7));
	assert_int_equal(errno, ENOMEM);
	others = hf_gem_object_create(&gem, PAGE, false, 8);
	assert_non_null(others);
	hf_gem_object_put(one);
	one = hf_gem_object_create(&gem, PAGE, false, 7);
	assert_non_null(one);
	assert_null(hf_gem_object_create(&gem, PAGE, false, 7));
	hf_gem_object_put(one);
	hf_gem_object_put(two);
	hf_gem_object_put(others);
	assert_null(gem.accounts);
	gem.client_count = 0;
}

static void what_a_client_brings_from_outside_counts_too(void **state)
{
	uint32_t handle, second;
	int fds[2];

	(void)state;
	gem.client_count = 1;
	for (int i = 0; i < 2; i++) {
		fds[i] = memfd_create("outside", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		assert_int_equal(ftruncate(fds[i], PAGE), 0);
		assert_int_equal(fcntl(fds[i], F_ADD_SEALS, F_SEAL_SHRINK), 0);
	}
	assert_int_equal(hf_gem_prime_import(&file, fds[0], &handle), 0);
	assert_int_equal(hf_gem_prime_import(&file, fds[1], &second), -ENOMEM);
	assert_int_equal(hf_gem_prime_import(&file, fds[0], &second), 0);
	assert_int_equal(hf_gem_handle_delete(&file, handle), 0);
	assert_int_equal(hf_gem_prime_import(&file, fds[1], &second), 0);
	assert_int_equal(hf_gem_handle_delete(&file, second), 0);
	gem.client_count = 0;
	close(fds[0]);
	close(fds[1]);
}

static void a_client_at_its_bytes_loses_what_it_does_not_need(void **state)
{
	struct hf_gem_object *mine, *others, *next;

	(void)state;
	gem.client_bytes = 4 * PAGE;
	assert_null(hf_gem_object_create(&gem, 5 * PAGE, false, 7));
	assert_int_equal(errno, ENOMEM);
	mine = hf_gem_object_create(&gem, 3 * PAGE, false, 7);
	others = hf_gem_object_create(&gem, 3 * PAGE, false, 8);
	assert_true(hf_gem_madvise(others, false));
	assert_null(hf_gem_object_create(&gem, 2 * PAGE, false, 7));
	assert_int_equal(errno, ENOMEM);
	assert_false(others->purged);
	assert_true(hf_gem_madvise(mine, false));
	next = hf_gem_object_create(&gem, 2 * PAGE, false, 7);
	assert_non_null(next);
	assert_true(mine->purged);
	assert_false(others->purged);
	hf_gem_object_put(mine);
	hf_gem_object_put(next);
	hf_gem_object_put(others);
	assert_null(gem.accounts);
	gem.client_bytes = 0;
}

static void impossible_sizes_are_refused(void **state)
{
	(void)state;
	assert_null(hf_gem_object_create(&gem, 0, false, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(hf_gem_object_create(&gem, SIZE_MAX, false, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(hf_gem_object_create(&gem, SIZE_MAX - 2 * PAGE, false, 0));
	assert_int_not_equal(errno, 0);
	assert_int_equal(gem.count, 0);
}

static void the_last_reference_frees_the_object(void **state)
{
	struct hf_gem_object *object = hf_gem_object_create(&gem, PAGE, false, 0);
	unsigned int with = count_fds();

	(void)state;
	hf_gem_object_get(object);
	hf_gem_object_put(object);
	assert_int_equal(gem.count, 1);
	assert_int_equal(count_fds(), with);
	hf_gem_object_put(object);
	assert_int_equal(gem.count, 0);
	assert_int_equal(count_fds(), with - 1);
	hf_gem_object_put(NULL);
}

static void the_counters_follow_and_the_peaks_stay(void **state)
{
	uint32_t a, b, c;

	(void)state;
	memory_object(PAGE, &a);
	memory_object(3 * PAGE, &b);
	assert_int_equal(gem.count, 2);
	assert_int_equal(gem.bytes, 4 * PAGE);
	hf_gem_handle_delete(&file, b);
	assert_int_equal(gem.count, 1);
	assert_int_equal(gem.bytes, PAGE);
	assert_int_equal(gem.peak_count, 2);
	assert_int_equal(gem.peak_bytes, 4 * PAGE);
	memory_object(4 * PAGE, &c);
	assert_int_equal(gem.peak_count, 2);
	assert_int_equal(gem.peak_bytes, 5 * PAGE);
}

static void handles_are_the_lowest_free_and_per_file(void **state)
{
	uint32_t a, b, c, elsewhere;
	struct hf_gem_object *object;

	(void)state;
	object = memory_object(PAGE, &a);
	memory_object(PAGE, &b);
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	assert_int_equal(hf_gem_handle_create(&other, object, &elsewhere), 0);
	assert_int_equal(elsewhere, 1);
	hf_gem_handle_delete(&file, a);
	memory_object(PAGE, &c);
	assert_int_equal(c, 1);
}

static void an_object_lives_until_its_last_handle_is_closed(void **state)
{
	struct hf_gem_object *object;
	uint32_t a, b, elsewhere;

	(void)state;
	object = memory_object(PAGE, &a);
	hf_gem_handle_create(&file, object, &b);
	hf_gem_handle_create(&other, object, &elsewhere);
	assert_int_not_equal(a, b);
	assert_int_equal(object->handle_count, 3);
	assert_int_equal(hf_gem_handle_delete(&file, a), 0);
	assert_int_equal(hf_gem_handle_delete(&file, b), 0);
	assert_int_equal(gem.count, 1);
	assert_int_equal(hf_gem_handle_delete(&other, elsewhere), 0);
	assert_int_equal(gem.count, 0);
}

static void a_handle_is_closed_once(void **state)
{
	uint32_t handle;

	(void)state;
	memory_object(PAGE, &handle);
	assert_int_equal(hf_gem_handle_delete(&file, 0), -EINVAL);
	assert_int_equal(hf_gem_handle_delete(&file, 99), -EINVAL);
	assert_int_equal(hf_gem_handle_delete(&file, UINT32_MAX), -EINVAL);
	assert_int_equal(hf_gem_handle_delete(&other, handle), -EINVAL);
	assert_int_equal(hf_gem_handle_delete(&file, handle), 0);
	assert_int_equal(hf_gem_handle_delete(&file, handle), -EINVAL);
}

static void a_lookup_takes_a_reference(void **state)
{
	struct hf_gem_object *object, *found;
	uint32_t handle;

	(void)state;
	object = memory_object(PAGE, &handle);
	assert_int_equal(object->refcount, 1);
	found = hf_gem_lookup(&file, handle);
	assert_ptr_equal(found, object);
	assert_int_equal(object->refcount, 2);
	hf_gem_handle_delete(&file, handle);
	assert_int_equal(gem.count, 1);
	hf_gem_object_put(found);
	assert_int_equal(gem.count, 0);
	assert_null(hf_gem_lookup(&file, handle));
	assert_null(hf_gem_lookup(&file, 0));
}

static void a_name_opens_the_object_in_another_file(void **state)
{
	uint32_t handle, name, same, opened, again;
	struct hf_gem_object *object;
	uint64_t size;

	(void)state;
	object = memory_object(2 * PAGE, &handle);
	assert_int_equal(hf_gem_flink(&file, handle, &name), 0);
	assert_int_equal(hf_gem_flink(&file, handle, &same), 0);
	assert_int_equal(name, same);
	assert_int_equal(hf_gem_open(&other, name, &opened, &size), 0);
	assert_int_equal(size, 2 * PAGE);
	assert_ptr_equal(hf_gem_lookup(&other, opened), object);
	hf_gem_object_put(object);
	/* Each opening gives a handle of its own. */
	assert_int_equal(hf_gem_open(&other, name, &again, &size), 0);
	assert_int_not_equal(opened, again);
}

static void a_name_dies_with_the_last_handle(void **state)
{
	uint32_t handle, name, opened, next;
	struct hf_gem_object *object;
	uint64_t size;

	(void)state;
	object = memory_object(PAGE, &handle);
	hf_gem_object_get(object); /* as a framebuffer would */
	hf_gem_flink(&file, handle, &name);
	assert_int_equal(hf_gem_open(&other, name, &opened, &size), 0);
	hf_gem_handle_delete(&file, handle);
	assert_int_equal(hf_gem_open(&file, name, &handle, &size), 0);
	hf_gem_handle_delete(&file, handle);
	hf_gem_handle_delete(&other, opened);
	assert_int_equal(hf_gem_open(&file, name, &handle, &size), -ENOENT);
	assert_int_equal(object->name, 0);
	/* And the name is free for the next object. */
	memory_object(PAGE, &handle);
	assert_int_equal(hf_gem_flink(&file, handle, &next), 0);
	assert_int_equal(next, name);
	hf_gem_object_put(object);
}

static void what_is_not_there_has_no_name(void **state)
{
	uint32_t name, handle;
	uint64_t size;

	(void)state;
	assert_int_equal(hf_gem_flink(&file, 1, &name), -ENOENT);
	assert_int_equal(hf_gem_open(&file, 0, &handle, &size), -ENOENT);
	assert_int_equal(hf_gem_open(&file, 1, &handle, &size), -ENOENT);
	assert_int_equal(hf_gem_open(&file, UINT32_MAX, &handle, &size),
			 -ENOENT);
}

static void closing_a_file_closes_its_handles_only(void **state)
{
	struct hf_gem_object *object;
	uint32_t handle, elsewhere;

	(void)state;
	for (int i = 0; i < 200; i++)
		memory_object(PAGE, &handle);
	object = memory_object(PAGE, &handle);
	hf_gem_handle_create(&other, object, &elsewhere);
	hf_gem_file_finish(&file);
	assert_int_equal(gem.count, 1);
	assert_int_equal(object->handle_count, 1);
	hf_gem_file_init(&file, &gem, 11);
}

/* -- mmap ------------------------------------------------------------------ */

static void offsets_are_above_32_bits_and_never_reused(void **state)
{
	uint64_t offset, next;
	uint32_t handle;

	(void)state;
	offset = hf_gem_object_offset(memory_object(3 * PAGE, &handle));
	assert_true(offset > UINT32_MAX);
	assert_int_equal(offset % PAGE, 0);
	hf_gem_handle_delete(&file, handle);
	assert_int_equal(hf_gem_mmap(&file, offset, PAGE, RW, MAP_SHARED),
			 -EINVAL);
	next = hf_gem_object_offset(memory_object(PAGE, &handle));
	assert_true(next >= offset + 3 * PAGE);
}

static void an_object_is_held_while_its_device_uses_it(void **state)
{
	struct hf_gem_object *object;
	struct hf_gem_mapping *mapping;
	uint64_t offset;
	uint32_t handle;

	(void)state;
	object = memory_object(3 * PAGE, &handle);
	offset = hf_gem_object_offset(object);
	assert_false(hf_gem_is_held(&file, offset));
	mapping = hf_gem_map(object);
	assert_non_null(mapping);
	assert_true(hf_gem_is_held(&file, offset));
	assert_false(hf_gem_is_held(&file, offset + PAGE));
	hf_gem_unmap(mapping);
	assert_false(hf_gem_is_held(&file, offset));
	hf_gem_handle_delete(&file, handle);
}

static void an_object_keeps_its_offset(void **state)
{
	struct hf_gem_object *object;
	uint32_t handle;

	(void)state;
	object = memory_object(PAGE, &handle);
	assert_int_equal(hf_gem_object_offset(object),
			 hf_gem_object_offset(object));
}

static void mapping_gives_the_objects_memory(void **state)
{
	struct hf_gem_object *object;
	uint64_t offset;
	uint32_t handle;

	(void)state;
	object = memory_object(4 * PAGE, &handle);
	offset = hf_gem_object_offset(object);
	assert_int_equal(hf_gem_mmap(&file, offset, 4 * PAGE, RW, MAP_SHARED),
			 object->backing->fd);
	assert_int_equal(hf_gem_mmap(&file, offset, PAGE, RW, MAP_SHARED),
			 object->backing->fd);
	assert_int_equal(hf_gem_mmap(&file, offset, 4 * PAGE - 1, PROT_READ,
				     MAP_SHARED),
			 object->backing->fd);
}

static void a_mapping_starts_at_the_objects_first_page(void **state)
{
	uint64_t offset;
	uint32_t handle;

	(void)state;
	offset = hf_gem_object_offset(memory_object(4 * PAGE, &handle));
	assert_int_equal(hf_gem_mmap(&file, offset + PAGE, PAGE, RW,
				     MAP_SHARED),
			 -EINVAL);
	assert_int_equal(hf_gem_mmap(&file, offset - PAGE, PAGE, RW,
				     MAP_SHARED),
			 -EINVAL);
	assert_int_equal(hf_gem_mmap(&file, 0, PAGE, RW, MAP_SHARED), -EINVAL);
}

static void a_mapping_is_no_longer_than_the_object(void **state)
{
	uint64_t offset;
	uint32_t handle;

	(void)state;
	offset = hf_gem_object_offset(memory_object(2 * PAGE, &handle));
	assert_int_equal(hf_gem_mmap(&file, offset, 2 * PAGE + 1, RW,
				     MAP_SHARED),
			 -EINVAL);
	assert_int_equal(hf_gem_mmap(&file, offset, UINT64_MAX, RW,
				     MAP_SHARED),
			 -EINVAL);
}

static void only_a_file_with_a_handle_may_map(void **state)
{
	struct hf_gem_object *object;
	uint32_t handle, elsewhere;
	uint64_t offset;

	(void)state;
	object = memory_object(PAGE, &handle);
	offset = hf_gem_object_offset(object);
	assert_int_equal(hf_gem_mmap(&other, offset, PAGE, RW, MAP_SHARED),
			 -EACCES);
	/* That the length is wrong counts first. */
	assert_int_equal(hf_gem_mmap(&other, offset, 2 * PAGE, RW, MAP_SHARED),
			 -EINVAL);
	hf_gem_handle_create(&other, object, &elsewhere);
	assert_int_equal(hf_gem_mmap(&other, offset, PAGE, RW, MAP_SHARED),
			 object->backing->fd);
	hf_gem_handle_delete(&other, elsewhere);
	assert_int_equal(hf_gem_mmap(&other, offset, PAGE, RW, MAP_SHARED),
			 -EACCES);
}

static void a_private_mapping_may_only_be_read(void **state)
{
	struct hf_gem_object *object;
	uint64_t offset;
	uint32_t handle;

	(void)state;
	object = memory_object(PAGE, &handle);
	offset = hf_gem_object_offset(object);
	assert_int_equal(hf_gem_mmap(&file, offset, PAGE, RW, MAP_PRIVATE),
			 -EINVAL);
	assert_int_equal(hf_gem_mmap(&file, offset, PAGE, PROT_READ,
				     MAP_PRIVATE),
			 object->backing->fd);
}

static void a_mapping_keeps_the_memory_of_a_dead_object(void **state)
{
	struct hf_gem_object *object;
	uint32_t handle;
	char *map;

	(void)state;
	object = memory_object(PAGE, &handle);
	map = mmap(NULL, PAGE, RW, MAP_SHARED, object->backing->fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	map[17] = 'x';
	hf_gem_handle_delete(&file, handle);
	assert_int_equal(gem.count, 0);
	assert_int_equal(map[17], 'x');
	munmap(map, PAGE);
}

static void objects_that_are_left_go_with_the_device(void **state)
{
	unsigned int before = count_fds();
	struct hf_gem_device device;

	(void)state;
	hf_gem_device_init(&device, &memory.dma);
	for (int i = 0; i < 5; i++)
		hf_gem_object_get(hf_gem_object_create(&device, PAGE, false, 0));
	hf_gem_device_finish(&device);
	assert_int_equal(device.count, 0);
	assert_int_equal(count_fds(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_setup,           \
				       memory_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes_are_rounded_up_to_pages),
		TEST(impossible_sizes_are_refused),
		TEST(the_last_reference_frees_the_object),
		TEST(the_counters_follow_and_the_peaks_stay),
		TEST(handles_are_the_lowest_free_and_per_file),
		TEST(an_object_lives_until_its_last_handle_is_closed),
		TEST(a_handle_is_closed_once),
		TEST(a_lookup_takes_a_reference),
		TEST(a_name_opens_the_object_in_another_file),
		TEST(a_name_dies_with_the_last_handle),
		TEST(what_is_not_there_has_no_name),
		TEST(closing_a_file_closes_its_handles_only),
		TEST(offsets_are_above_32_bits_and_never_reused),
		TEST(an_object_is_held_while_its_device_uses_it),
		TEST(an_object_keeps_its_offset),
		TEST(mapping_gives_the_objects_memory),
		TEST(a_mapping_starts_at_the_objects_first_page),
		TEST(a_mapping_is_no_longer_than_the_object),
		TEST(a_client_has_so_many_objects_and_others_theirs),
		TEST(what_a_client_brings_from_outside_counts_too),
		TEST(a_client_at_its_bytes_loses_what_it_does_not_need),
		TEST(only_a_file_with_a_handle_may_map),
		TEST(a_private_mapping_may_only_be_read),
		TEST(a_mapping_keeps_the_memory_of_a_dead_object),
		TEST(objects_that_are_left_go_with_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
