// SPDX-License-Identifier: MIT
/*
 * User pages in the server: a file may be named by the process that has shown
 * it and by nobody else; adopted memory is remembered while its process has it
 * mapped; pages are counted, limited and given back.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "gem/userptr.h"
#include "mem/backing.h"
#include "fdcount.h"

struct fixture {
	struct hf_memory *mem;
	struct hf_clock *clock;
	struct hf_user_files *files;
	struct hf_user_account *account;
	int memory;
	struct stat st;
};

static int setup(void **state)
{
	static const struct hf_memory_options options;
	struct fixture *f = calloc(1, sizeof(*f));

	f->mem = hf_memory_create(&options);
	f->clock = hf_clock_create();
	f->files = hf_user_files_create(f->mem, f->clock);
	f->account = hf_user_account_create();
	f->memory = memfd_create("a client's", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	*state = f;
	return ftruncate(f->memory, 1l << 40) || fstat(f->memory, &f->st);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hf_user_account_put(f->account);
	hf_user_files_destroy(f->files);
	hf_clock_destroy(f->clock);
	hf_memory_destroy(f->mem);
	close(f->memory);
	free(f);
	return 0;
}

static struct hf_user_file *show(struct fixture *f, pid_t pid, bool adopted)
{
	struct hf_user_file *file = NULL;

	assert_int_equal(hf_user_file_show(f->files, pid, f->memory,
					   f->st.st_dev, f->st.st_ino, adopted,
					   true, &file), 0);
	return file;
}

static struct hf_user_file *find(struct fixture *f, pid_t pid)
{
	return hf_user_file_find(f->files, pid, f->st.st_dev, f->st.st_ino,
				 true);
}

static bool known(struct fixture *f, pid_t pid)
{
	struct hf_user_file *file = find(f, pid);

	hf_user_file_put(file);
	return file;
}

/* Until the timer has looked once more; it is due within a second. */
static void wait_for_look(struct fixture *f)
{
	struct pollfd pfd = { hf_clock_fd(f->clock), POLLIN, 0 };

	assert_int_equal(poll(&pfd, 1, 5000), 1);
	hf_clock_dispatch(f->clock);
}

static void a_file_is_known_to_who_has_shown_it(void **state)
{
	struct fixture *f = *state;
	struct hf_user_file *file;

	assert_null(find(f, getpid()));
	file = show(f, getpid(), false);
	assert_true(known(f, getpid()));
	assert_false(known(f, getppid()));
	assert_true(hf_user_file_is(file, f->st.st_dev, f->st.st_ino));
	hf_user_file_put(file);
	/* It is not adopted memory: it can be shown again. */
	assert_false(known(f, getpid()));
}

static void a_process_without_a_number_is_known_nothing(void **state)
{
	struct fixture *f = *state;
	struct hf_user_file *file = show(f, 0, true);

	assert_false(known(f, 0));
	hf_user_file_put(file);
	assert_int_equal(hf_user_files_idle(f->files), 0);
}

static void another_file_than_it_claims_is_refused(void **state)
{
	struct fixture *f = *state;
	struct hf_user_file *file;

	assert_int_equal(hf_user_file_show(f->files, getpid(), f->memory,
					   f->st.st_dev, f->st.st_ino + 1, true,
					   true, &file), -EFAULT);
	assert_int_equal(hf_user_file_show(f->files, getpid(), f->memory,
					   f->st.st_dev + 1, f->st.st_ino, true,
					   true, &file), -EFAULT);
	assert_int_equal(hf_user_file_show(f->files, getpid(), -1,
					   f->st.st_dev, f->st.st_ino, true,
					   true, &file), -EFAULT);
}

static void what_is_no_memory_is_refused(void **state)
{
	struct fixture *f = *state;
	static const char *const paths[] = { "/proc/self/maps", "/dev/null",
					     "/proc/self/exe", "/tmp" };
	struct hf_user_file *file;
	struct stat st;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(hf_user_file_show(f->files, getpid(), fd,
						   st.st_dev, st.st_ino, true,
						   false, &file), -EFAULT);
		close(fd);
	}
}

static void who_may_not_write_may_register_to_read_only(void **state)
{
	struct fixture *f = *state;
	struct hf_user_file *file, *again;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->memory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(hf_user_file_show(f->files, getpid(), fd, f->st.st_dev,
					   f->st.st_ino, false, true, &file),
			 -EFAULT);
	assert_int_equal(hf_user_file_show(f->files, getpid(), fd, f->st.st_dev,
					   f->st.st_ino, false, false, &file),
			 0);
	close(fd);
	assert_null(find(f, getpid()));
	again = hf_user_file_find(f->files, getpid(), f->st.st_dev,
				  f->st.st_ino, false);
	assert_ptr_equal(again, file);
	hf_user_file_put(again);
	/* A better descriptor makes it writable. */
	again = show(f, getpid(), false);
	assert_ptr_equal(again, file);
	assert_true(known(f, getpid()));
	hf_user_file_put(again);
	hf_user_file_put(file);
}

static void a_sealed_file_is_not_written_to(void **state)
{
	struct fixture *f = *state;
	struct hf_user_file *file;

	assert_int_equal(fcntl(f->memory, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_int_equal(hf_user_file_show(f->files, getpid(), f->memory,
					   f->st.st_dev, f->st.st_ino, false,
					   true, &file), -EFAULT);
}

static void adopted_memory_is_remembered_while_it_is_mapped(void **state)
{
	struct fixture *f = *state;
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, f->memory, 8192);

	hf_user_file_put(show(f, getpid(), true));
	assert_int_equal(hf_user_files_idle(f->files), 1);
	wait_for_look(f);
	assert_int_equal(hf_user_files_idle(f->files), 1);
	assert_true(known(f, getpid()));
	munmap(map, 4096);
	wait_for_look(f);
	assert_int_equal(hf_user_files_idle(f->files), 0);
	assert_false(known(f, getpid()));
}

static void what_is_in_use_is_not_looked_after(void **state)
{
	struct fixture *f = *state;
	struct hf_user_file *file = show(f, getpid(), true);
	struct pollfd pfd = { hf_clock_fd(f->clock), POLLIN, 0 };

	/* Nothing is idle, so that there is no timer either. */
	assert_int_equal(poll(&pfd, 1, 1200), 0);
	assert_true(known(f, getpid()));
	hf_user_file_put(file);
}

static void a_process_that_is_gone_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct hf_user_file *used;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	hf_user_file_put(show(f, pid, true));
	assert_int_equal(hf_user_files_idle(f->files), 1);
	wait_for_look(f);
	assert_int_equal(hf_user_files_idle(f->files), 0);

	used = show(f, pid, true);
	hf_user_files_forget(f->files, pid);
	assert_false(known(f, pid));
	hf_user_file_put(used);
	assert_int_equal(hf_user_files_idle(f->files), 0);
	hf_user_file_put(show(f, pid, true));
	hf_user_files_forget(f->files, pid);
	assert_int_equal(hf_user_files_idle(f->files), 0);
}

static void idle_files_are_limited(void **state)
{
	struct fixture *f = *state;
	unsigned int fds = count_fds();

	for (int i = 0; i < 3000; i++) {
		struct hf_user_file *file;
		struct stat st;
		int fd = memfd_create("one of many", MFD_CLOEXEC);

		assert_int_equal(ftruncate(fd, 4096), 0);
		fstat(fd, &st);
		if (hf_user_file_show(f->files, getpid(), fd, st.st_dev,
				      st.st_ino, true, true, &file) == 0)
			hf_user_file_put(file);
		close(fd);
	}
	assert_true(hf_user_files_idle(f->files) <= 1024);
	hf_user_files_forget(f->files, getpid());
	assert_int_equal(hf_user_files_idle(f->files), 0);
	assert_int_equal(count_fds(), fds);
}

static struct hf_user_pages *create(struct fixture *f,
				    struct hf_user_file *file, size_t first,
				    size_t npages)
{
	struct hf_user_segment segments[2] = {
		{ .file = file, .first = first, .npages = npages },
		{ .file = file, .first = first + 1000, .npages = 1 },
	};

	return hf_user_pages_create(f->files, f->account, segments, 2, false);
}

static void pages_are_charged_limited_and_given_back(void **state)
{
	struct fixture *f = *state;
	struct hf_user_file *file = show(f, getpid(), true);
	size_t max = hf_user_files_max(f->files);
	struct hf_user_pages *a, *b;

	assert_true(max > 16);
	a = create(f, file, 0, max - 10);
	assert_non_null(a);
	assert_int_equal(f->account->pages, max - 9);
	assert_null(create(f, file, 0, 9));
	assert_int_equal(errno, ENOMEM);
	b = create(f, file, 0, 8);
	assert_non_null(b);
	assert_int_equal(f->account->pages, max);
	hf_user_pages_destroy(a);
	assert_int_equal(f->account->pages, 9);
	hf_user_pages_destroy(b);
	assert_int_equal(f->account->pages, 0);
	hf_user_file_put(file);
}

static void pages_that_the_file_does_not_have_are_efault(void **state)
{
	static const size_t bad[][2] = {
		{ 0, 0 }, { 1ul << 28, 1 }, { SIZE_MAX - 2000, 1 },
		{ 1, SIZE_MAX }, { 0, SIZE_MAX }, { (1ul << 28) - 1000, 1 },
	};
	struct fixture *f = *state;
	struct hf_user_file *file = show(f, getpid(), true);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(create(f, file, bad[i][0], bad[i][1]));
		assert_int_equal(errno, EFAULT);
	}
	assert_int_equal(f->account->pages, 0);
	hf_user_file_put(file);
}

static void held_pages_outlive_the_registration_and_the_account(void **state)
{
	struct fixture *f = *state;
	struct hf_user_file *file = show(f, getpid(), true);
	struct hf_user_account *account = hf_user_account_create();
	struct hf_user_segment segment = { .file = file, .first = 5,
					   .npages = 3 };
	const struct hf_user_segment *found;
	struct hf_page *pages[2];
	struct hf_user_pages *user;
	size_t page, left;

	assert_int_equal(pwrite(f->memory, "hello", 5, 6 * 4096), 5);
	user = hf_user_pages_create(f->files, account, &segment, 1, true);
	assert_non_null(user);
	assert_true(user->read_only);
	hf_user_file_put(file);
	found = &user->segments[0];
	page = found->first + 1;
	left = found->npages - 1;
	assert_int_equal(page, 6);
	assert_int_equal(left, 2);
	assert_int_equal(hf_backing_get_pages(found->backing, page, left,
					      pages), 0);
	hf_user_account_put(account); /* the DRM file is closed */
	hf_user_pages_destroy(user);
	hf_user_files_forget(f->files, getpid());
	assert_memory_equal(hf_page_cpu(pages[0]), "hello", 5);
	hf_pages_put(pages, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_file_is_known_to_who_has_shown_it),
		TEST(a_process_without_a_number_is_known_nothing),
		TEST(another_file_than_it_claims_is_refused),
		TEST(what_is_no_memory_is_refused),
		TEST(who_may_not_write_may_register_to_read_only),
		TEST(a_sealed_file_is_not_written_to),
		TEST(adopted_memory_is_remembered_while_it_is_mapped),
		TEST(what_is_in_use_is_not_looked_after),
		TEST(a_process_that_is_gone_is_forgotten),
		TEST(idle_files_are_limited),
		TEST(pages_are_charged_limited_and_given_back),
		TEST(pages_that_the_file_does_not_have_are_efault),
		TEST(held_pages_outlive_the_registration_and_the_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
