/* SPDX-License-Identifier: MIT */
/*
 * Objects as dma-buf descriptors and back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "fdcount.h"
#include "memory.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

#define gem memory.gem
#define file memory.file
#define other memory.other

static int foreign(size_t size, unsigned int seals)
{
	int fd = memfd_create("foreign", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, size), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void only_a_handle_can_be_exported(void **state)
{
	(void)state;
	assert_int_equal(hf_gem_prime_export(&file, 0, O_RDWR), -ENOENT);
	assert_int_equal(hf_gem_prime_export(&file, 1, O_RDWR), -ENOENT);
}

static void a_dmabuf_is_the_objects_memory_and_size(void **state)
{
	struct hf_gem_object *object;
	uint32_t handle;
	char byte = 0;
	int fd;

	(void)state;
	object = memory_object(3 * PAGE, &handle);
	fd = hf_gem_prime_export(&file, handle, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 3 * PAGE);
	assert_int_equal(pwrite(fd, "y", 1, 2 * PAGE), 1);
	assert_int_equal(pread(object->backing->fd, &byte, 1, 2 * PAGE), 1);
	assert_int_equal(byte, 'y');
	close(fd);
}

static void a_dmabuf_is_writable_only_if_asked_for(void **state)
{
	uint32_t handle;
	int fd;

	(void)state;
	memory_object(PAGE, &handle);
	fd = hf_gem_prime_export(&file, handle, O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	memory_object(PAGE, &handle);
	fd = hf_gem_prime_export(&file, handle, O_CLOEXEC | O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(fd);
}

/* There is one dma-buf of an object as long as it has handles. */
static void the_first_export_decides_the_mode(void **state)
{
	struct hf_gem_object *object;
	uint32_t handle;
	int fd;

	(void)state;
	object = memory_object(PAGE, &handle);
	close(hf_gem_prime_export(&file, handle, O_CLOEXEC));
	fd = hf_gem_prime_export(&file, handle, O_CLOEXEC | O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	hf_gem_object_get(object);
	hf_gem_handle_delete(&file, handle);
	hf_gem_handle_create(&file, object, &handle);
	hf_gem_object_put(object);
	fd = hf_gem_prime_export(&file, handle, O_CLOEXEC | O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(fd);
}

static void importing_ones_own_gives_the_handle_it_was_exported_from(
	void **state)
{
	struct hf_gem_object *object;
	uint32_t first, second, handle;
	int fd;

	(void)state;
	object = memory_object(PAGE, &first);
	hf_gem_handle_create(&file, object, &second);
	fd = hf_gem_prime_export(&file, second, O_RDWR | O_CLOEXEC);
	assert_int_equal(hf_gem_prime_import(&file, fd, &handle), 0);
	assert_int_equal(handle, second);
	assert_int_equal(object->handle_count, 2);
	assert_int_equal(gem.count, 1);
	close(fd);
}

static void another_file_always_gets_the_same_handle(void **state)
{
	struct hf_gem_object *object;
	uint32_t handle, a, b;
	int fd, dup_fd;

	(void)state;
	object = memory_object(PAGE, &handle);
	fd = hf_gem_prime_export(&file, handle, O_RDWR | O_CLOEXEC);
	dup_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	assert_int_equal(hf_gem_prime_import(&other, fd, &a), 0);
	assert_int_equal(hf_gem_prime_import(&other, dup_fd, &b), 0);
	assert_int_equal(a, b);
	assert_int_equal(object->handle_count, 2);
	assert_int_equal(gem.count, 1);
	assert_ptr_equal(hf_gem_lookup(&other, a), object);
	hf_gem_object_put(object);
	close(fd);
	close(dup_fd);
}

static void a_closed_handle_is_not_given_again(void **state)
{
	struct hf_gem_object *object;
	uint32_t handle, in_the_way, again;
	int fd;

	(void)state;
	object = memory_object(PAGE, &handle);
	hf_gem_object_get(object);
	fd = hf_gem_prime_export(&file, handle, O_RDWR | O_CLOEXEC);
	hf_gem_handle_delete(&file, handle);
	memory_object(PAGE, &in_the_way);
	assert_int_equal(in_the_way, handle);
	assert_int_equal(hf_gem_prime_import(&file, fd, &again), 0);
	assert_int_not_equal(again, in_the_way);
	assert_ptr_equal(hf_gem_lookup(&file, again), object);
	hf_gem_object_put(object);
	hf_gem_object_put(object);
	close(fd);
}

static void memory_outlives_its_object_and_comes_back(void **state)
{
	struct hf_gem_object *object;
	uint32_t handle;
	char byte = 0;
	int fd;

	(void)state;
	object = memory_object(2 * PAGE, &handle);
	assert_int_equal(pwrite(object->backing->fd, "z", 1, PAGE), 1);
	fd = hf_gem_prime_export(&file, handle, O_RDWR | O_CLOEXEC);
	hf_gem_handle_delete(&file, handle);
	assert_int_equal(gem.count, 0);

	assert_int_equal(hf_gem_prime_import(&other, fd, &handle), 0);
	assert_int_equal(gem.count, 1);
	assert_int_equal(gem.bytes, 0); /* not counted as ours */
	close(fd);
	object = hf_gem_lookup(&other, handle);
	assert_int_equal(object->size, 2 * PAGE);
	assert_int_equal(pread(object->backing->fd, &byte, 1, PAGE), 1);
	assert_int_equal(byte, 'z');
	hf_gem_object_put(object);
}

static void foreign_memory_that_cannot_shrink_is_taken(void **state)
{
	int fd = foreign(2 * PAGE, F_SEAL_SHRINK);
	struct hf_gem_object *object;
	uint32_t handle, again;

	(void)state;
	assert_int_equal(hf_gem_prime_import(&file, fd, &handle), 0);
	assert_int_equal(hf_gem_prime_import(&file, fd, &again), 0);
	assert_int_equal(handle, again);
	object = hf_gem_lookup(&file, handle);
	assert_true(object->foreign);
	assert_int_equal(object->size, 2 * PAGE);
	assert_int_not_equal(object->backing->fd, fd);
	hf_gem_object_put(object);
	close(fd);
}

static void foreign_memory_that_grows_keeps_its_size_here(void **state)
{
	int fd = foreign(PAGE, F_SEAL_SHRINK);
	struct hf_gem_object *object;
	uint32_t handle;

	(void)state;
	assert_int_equal(hf_gem_prime_import(&file, fd, &handle), 0);
	assert_int_equal(ftruncate(fd, 16 * PAGE), 0);
	assert_int_equal(hf_gem_prime_import(&other, fd, &handle), 0);
	object = hf_gem_lookup(&other, handle);
	assert_int_equal(object->size, PAGE);
	hf_gem_object_put(object);
	assert_int_equal(gem.bytes, 0);
	close(fd);
}

static void memory_that_may_shrink_is_refused(void **state)
{
	int fd = foreign(PAGE, 0), odd = foreign(PAGE + 1, F_SEAL_SHRINK);
	uint32_t handle = 77;
	unsigned int before = count_fds();

	(void)state;
	assert_int_equal(hf_gem_prime_import(&file, fd, &handle), -EINVAL);
	assert_int_equal(hf_gem_prime_import(&file, odd, &handle), -EINVAL);
	assert_int_equal(gem.count, 0);
	assert_int_equal(file.handles.count, 0);
	assert_int_equal(count_fds(), before);
	close(fd);
	close(odd);
}

static void what_is_no_memory_is_refused(void **state)
{
	int fds[2];
	uint32_t handle;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(hf_gem_prime_import(&file, fds[0], &handle), -EINVAL);
	assert_true(hf_gem_prime_import(&file, -1, &handle) < 0);
	assert_int_equal(gem.count, 0);
	close(fds[0]);
	close(fds[1]);
}

/* A thousand buffers around in circles leave nothing. */
static void passing_back_and_forth_leaves_nothing(void **state)
{
	unsigned int before = count_fds();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint32_t handle, there, back;
		int fd, fd2;

		memory_object(PAGE, &handle);
		fd = hf_gem_prime_export(&file, handle, O_RDWR | O_CLOEXEC);
		assert_int_equal(hf_gem_prime_import(&other, fd, &there), 0);
		hf_gem_handle_delete(&file, handle);
		fd2 = hf_gem_prime_export(&other, there, O_RDWR | O_CLOEXEC);
		assert_int_equal(hf_gem_prime_import(&file, fd2, &back), 0);
		hf_gem_handle_delete(&other, there);
		hf_gem_handle_delete(&file, back);
		close(fd);
		close(fd2);
	}
	assert_int_equal(gem.count, 0);
	assert_int_equal(count_fds(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_setup,           \
				       memory_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_a_handle_can_be_exported),
		TEST(a_dmabuf_is_the_objects_memory_and_size),
		TEST(a_dmabuf_is_writable_only_if_asked_for),
		TEST(the_first_export_decides_the_mode),
		TEST(importing_ones_own_gives_the_handle_it_was_exported_from),
		TEST(another_file_always_gets_the_same_handle),
		TEST(a_closed_handle_is_not_given_again),
		TEST(memory_outlives_its_object_and_comes_back),
		TEST(foreign_memory_that_cannot_shrink_is_taken),
		TEST(foreign_memory_that_grows_keeps_its_size_here),
		TEST(memory_that_may_shrink_is_refused),
		TEST(what_is_no_memory_is_refused),
		TEST(passing_back_and_forth_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
