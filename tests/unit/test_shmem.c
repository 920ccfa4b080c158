/* SPDX-License-Identifier: MIT */
/*
 * Shared memory: its seals, its laziness, and which strangers it trusts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fdcount.h"
#include "mem/shmem.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

static struct stat stat_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st;
}

static void sealed_memory_never_changes_its_size(void **state)
{
	int fd = hf_shmem_create("test", 4 * PAGE);
	char byte = 1;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(hf_shmem_seal(fd), 0);
	assert_int_equal(stat_of(fd).st_size, 4 * PAGE);
	assert_int_equal(ftruncate(fd, PAGE), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 8 * PAGE), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(pwrite(fd, &byte, 1, 4 * PAGE), -1);
	assert_int_equal(errno, EPERM);
	close(fd);
}

static void nobody_adds_a_seal_to_sealed_memory(void **state)
{
	int fd = hf_shmem_create("test", PAGE);
	char byte = 1;

	(void)state;
	assert_int_equal(hf_shmem_seal(fd), 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
	close(fd);
}

static void an_object_is_zero_filled(void **state)
{
	size_t size = 16 * PAGE;
	int fd = hf_shmem_create("test", size);
	unsigned char *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	(void)state;
	assert_ptr_not_equal(map, MAP_FAILED);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(map[i], 0);
	munmap(map, size);
	close(fd);
}

static void an_object_takes_no_memory_until_it_is_touched(void **state)
{
	size_t size = 1024 * PAGE;
	int fd = hf_shmem_create("test", size);
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)state;
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(stat_of(fd).st_blocks, 0);
	map[500 * PAGE] = 1;
	assert_true(stat_of(fd).st_blocks > 0);
	assert_true((size_t)stat_of(fd).st_blocks * 512 < size);
	munmap(map, size);
	close(fd);
}

static void sizes_that_cannot_be_are_refused_without_a_leak(void **state)
{
	unsigned int before = count_fds();

	(void)state;
	assert_int_equal(hf_shmem_create("test", SIZE_MAX), -EFBIG);
	assert_int_equal(hf_shmem_create("test", (size_t)INT64_MAX + 1),
			 -EFBIG);
	assert_int_equal(count_fds(), before);
}

static void an_object_is_close_on_exec(void **state)
{
	int fd = hf_shmem_create("test", PAGE);

	(void)state;
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void data_reads_back_and_is_read_only(void **state)
{
	char text[] = "what was put in", back[sizeof(text)];
	int fd = hf_shmem_data("test", text, sizeof(text));

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(read(fd, back, sizeof(back)), sizeof(back));
	assert_string_equal(back, text);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0),
			 MAP_FAILED);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
}

static void data_may_be_empty(void **state)
{
	int fd = hf_shmem_data("test", "", 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(stat_of(fd).st_size, 0);
	close(fd);
}

static void a_reopened_object_is_the_same_memory_with_its_own_mode(void **state)
{
	int fd = hf_shmem_create("test", PAGE);
	int ro = hf_shmem_reopen(fd, O_RDONLY | O_CLOEXEC);
	int rw = hf_shmem_reopen(fd, O_RDWR | O_CLOEXEC);
	char byte = 0;

	(void)state;
	assert_true(ro >= 0 && rw >= 0);
	assert_int_equal(stat_of(ro).st_ino, stat_of(fd).st_ino);
	assert_int_equal(pwrite(rw, "a", 1, 9), 1);
	assert_int_equal(pread(ro, &byte, 1, 9), 1);
	assert_int_equal(byte, 'a');
	assert_int_equal(pwrite(ro, "b", 1, 9), -1);
	assert_int_equal(errno, EBADF);
	/* An offset of its own. */
	assert_int_equal(lseek(fd, 100, SEEK_SET), 100);
	assert_int_equal(lseek(rw, 0, SEEK_CUR), 0);
	close(fd);
	close(ro);
	close(rw);
	assert_int_equal(hf_shmem_reopen(-1, O_RDONLY), -ENOENT);
}

static int memfd(size_t size, unsigned int seals)
{
	int fd = memfd_create("foreign", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, size), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void memory_that_cannot_shrink_is_relied_on(void **state)
{
	int fd = memfd(3 * PAGE, F_SEAL_SHRINK);
	size_t size = 0;

	(void)state;
	assert_int_equal(hf_shmem_check(fd, &size), 0);
	assert_int_equal(size, 3 * PAGE);
	close(fd);
}

static void memory_that_may_shrink_is_refused(void **state)
{
	int fd = memfd(PAGE, 0);
	size_t size;

	(void)state;
	assert_int_equal(hf_shmem_check(fd, &size), -EINVAL);
	fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL);
	assert_int_equal(hf_shmem_check(fd, &size), -EINVAL);
	close(fd);
}

static void memory_that_is_no_whole_number_of_pages_is_refused(void **state)
{
	const size_t sizes[] = { 0, 1, PAGE - 1, PAGE + 1 };
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int fd = memfd(sizes[i], F_SEAL_SHRINK);

		assert_int_equal(hf_shmem_check(fd, &size), -EINVAL);
		close(fd);
	}
}

static void what_is_no_memfd_is_refused(void **state)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int pipes[2], sv[2];
	size_t size;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(hf_shmem_check(file, &size), -EINVAL);
	assert_int_equal(hf_shmem_check(pipes[0], &size), -EINVAL);
	assert_int_equal(hf_shmem_check(sv[0], &size), -EINVAL);
	assert_int_equal(hf_shmem_check(-1, &size), -EINVAL);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
	close(sv[0]);
	close(sv[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_memory_never_changes_its_size),
		cmocka_unit_test(nobody_adds_a_seal_to_sealed_memory),
		cmocka_unit_test(an_object_is_zero_filled),
		cmocka_unit_test(an_object_takes_no_memory_until_it_is_touched),
		cmocka_unit_test(sizes_that_cannot_be_are_refused_without_a_leak),
		cmocka_unit_test(an_object_is_close_on_exec),
		cmocka_unit_test(data_reads_back_and_is_read_only),
		cmocka_unit_test(data_may_be_empty),
		cmocka_unit_test(a_reopened_object_is_the_same_memory_with_its_own_mode),
		cmocka_unit_test(memory_that_cannot_shrink_is_relied_on),
		cmocka_unit_test(memory_that_may_shrink_is_refused),
		cmocka_unit_test(memory_that_is_no_whole_number_of_pages_is_refused),
		cmocka_unit_test(what_is_no_memfd_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
