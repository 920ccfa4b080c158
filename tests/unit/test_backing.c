/* SPDX-License-Identifier: MIT */
/*
 * Files as memory: who holds which pages, and what is left afterwards.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fdcount.h"
#include "base/log.h"
#include "mem/backing.h"
#include "mem/memory.h"
#include "mem/shmem.h"

#define PAGE HF_PAGE_SIZE
#define POOL_PAGES 64

static struct hf_memory *mem;
static unsigned int open_before, maps_before;

/* cmocka takes SIGBUS for itself before each test; the tests take it back. */
static struct sigaction trap;

static unsigned int count_maps(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned int n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		n += strstr(line, "memfd:") || strstr(line, "holdfast-test");
	fclose(file);
	return n;
}

static int setup_with(bool shadow)
{
	const struct hf_memory_options options = {
		.pool = POOL_PAGES * PAGE,
		.shadow = shadow,
	};

	open_before = count_fds();
	maps_before = count_maps();
	mem = hf_memory_create(&options);
	return !mem;
}

static int setup(void **state)
{
	(void)state;
	return setup_with(false);
}

static int setup_shadow(void **state)
{
	(void)state;
	return setup_with(true);
}

/* Whatever a test did: when all is put, nothing is left. */
static int teardown(void **state)
{
	struct hf_memory_stats stats;

	(void)state;
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(stats.user_pages, 0);
	assert_int_equal(stats.pool_used, 0);
	assert_int_equal(stats.pool_hole, stats.pool_size);
	assert_null(mem->by_key);
	hf_memory_destroy(mem);
	assert_int_equal(count_fds(), open_before);
	assert_int_equal(count_maps(), maps_before);
	return 0;
}

static struct hf_backing *make(size_t npages)
{
	struct hf_backing *backing = hf_backing_create(mem, npages * PAGE,
						       false, 11);

	assert_non_null(backing);
	return backing;
}

static void get(struct hf_backing *backing, size_t first, size_t n,
		struct hf_page **pages)
{
	assert_int_equal(hf_backing_get_pages(backing, first, n, pages), 0);
}

static uint64_t held(void)
{
	struct hf_memory_stats stats;

	hf_memory_stats(mem, &stats);
	return stats.pages;
}

static blkcnt_t blocks(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_blocks;
}

static void a_page_shows_the_file(void **state)
{
	struct hf_backing *backing = make(3);
	struct hf_page *pages[3];
	char byte = 'a';

	(void)state;
	assert_int_equal(blocks(backing->fd), 0);
	get(backing, 0, 3, pages);
	assert_int_equal(blocks(backing->fd), 3 * PAGE / 512);
	assert_int_equal(pwrite(backing->fd, &byte, 1, 2 * PAGE + 5), 1);
	assert_int_equal(((char *)hf_page_cpu(pages[2]))[5], 'a');
	((char *)hf_page_cpu(pages[1]))[7] = 'b';
	assert_int_equal(pread(backing->fd, &byte, 1, PAGE + 7), 1);
	assert_int_equal(byte, 'b');
	assert_null(hf_page_shadow(pages[0]));
	assert_ptr_equal(hf_page_at(mem, hf_page_bus(pages[1])), pages[1]);
	assert_int_equal(hf_page_owner(pages[0])->pid, 11);
	assert_int_equal(hf_page_owner(pages[0])->object,
			 backing->owner.object);
	hf_pages_put(pages, 3);
	/* What was written is still in the file. */
	assert_int_equal(pread(backing->fd, &byte, 1, PAGE + 7), 1);
	assert_int_equal(byte, 'b');
	hf_backing_put(backing);
}

static void overlapping_gets_share_pages(void **state)
{
	struct hf_backing *backing = make(16);
	struct hf_page *middle[4], *all[16], *again[16];

	(void)state;
	get(backing, 6, 4, middle);
	get(backing, 0, 16, all);
	get(backing, 0, 16, again);
	assert_memory_equal(all, again, sizeof(all));
	assert_memory_equal(&all[6], middle, sizeof(middle));
	assert_int_equal(held(), 16);
	assert_int_equal(backing->nextents, 3);
	assert_int_equal(middle[0]->refcount, 3);
	for (unsigned int i = 0; i < 16; i++) {
		assert_ptr_equal(hf_page_at(mem, hf_page_bus(all[i])), all[i]);
		snprintf(hf_page_cpu(all[i]), 16, "page %u", i);
	}
	for (unsigned int i = 0; i < 16; i++) {
		char text[16], want[16];

		snprintf(want, sizeof(want), "page %u", i);
		assert_int_equal(pread(backing->fd, text, 16, i * PAGE), 16);
		assert_string_equal(text, want);
	}
	hf_pages_put(all, 16);
	hf_pages_put(middle, 4);
	assert_int_equal(held(), 16);
	hf_pages_put(again, 16);
	assert_int_equal(held(), 0);
	assert_int_equal(backing->nextents, 0);
	assert_null(backing->extents);
	hf_backing_put(backing);
}

static void a_page_that_was_put_can_be_gotten_again(void **state)
{
	struct hf_backing *backing = make(4);
	struct hf_page *pages[4], *again;
	hf_bus_t old;

	(void)state;
	get(backing, 0, 4, pages);
	old = hf_page_bus(pages[1]);
	strcpy(hf_page_cpu(pages[1]), "kept");
	hf_pages_put(&pages[1], 1);
	assert_null(hf_page_at(mem, old));
	assert_int_equal(held(), 3);
	get(backing, 1, 1, &again);
	assert_int_not_equal(hf_page_bus(again), old);
	assert_null(hf_page_at(mem, old));
	assert_ptr_equal(hf_page_at(mem, hf_page_bus(again)), again);
	assert_string_equal(hf_page_cpu(again), "kept");
	assert_int_equal(held(), 4);
	hf_pages_put(&pages[0], 1);
	hf_pages_put(&pages[2], 2);
	hf_pages_put(&again, 1);
	hf_backing_put(backing);
}

static void pages_keep_their_backing(void **state)
{
	struct hf_backing *backing = make(2);
	struct hf_page *pages[2];

	(void)state;
	get(backing, 0, 2, pages);
	hf_backing_put(backing);
	assert_int_equal(hf_page_owner(pages[0])->pid, 11);
	strcpy(hf_page_cpu(pages[1]), "alive");
	hf_page_get(pages[1]);
	hf_pages_put(pages, 2);
	assert_string_equal(hf_page_cpu(pages[1]), "alive");
	hf_pages_put(&pages[1], 1);
}

static void only_what_is_in_the_file_can_be_gotten(void **state)
{
	struct hf_backing *backing = make(4);
	struct hf_page *pages[8];

	(void)state;
	assert_int_equal(hf_backing_get_pages(backing, 0, 5, pages), -EINVAL);
	assert_int_equal(hf_backing_get_pages(backing, 4, 1, pages), -EINVAL);
	assert_int_equal(hf_backing_get_pages(backing, 5, 1, pages), -EINVAL);
	assert_int_equal(hf_backing_get_pages(backing, 0, 0, pages), -EINVAL);
	assert_int_equal(hf_backing_get_pages(backing, 2, SIZE_MAX - 1, pages),
			 -EINVAL);
	assert_int_equal(hf_backing_get_pages(backing, SIZE_MAX, 2, pages),
			 -EINVAL);
	assert_int_equal(held(), 0);
	assert_int_equal(backing->refcount, 1);
	hf_backing_put(backing);
}

static void bad_sizes_are_refused(void **state)
{
	static const struct {
		size_t size;
		int err;
	} bad[] = {
		{ 0, EINVAL },
		{ 1, EINVAL },
		{ PAGE + 1, EINVAL },
		{ SIZE_MAX & ~(PAGE - 1), EFBIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_null(hf_backing_create(mem, bad[i].size, false, 1));
		assert_int_equal(errno, bad[i].err);
	}
	hf_backing_put(NULL);
}

/* What is left when a get of more than the one page that is held has failed. */
static bool only_one_is_held(const struct hf_backing *backing)
{
	return held() == 1 && backing->refcount == 2 && backing->held == 1 &&
	       backing->nextents == 1 && backing->extents[0]->live == 1;
}

static void where_mapping_fails_nothing_is_held(void **state)
{
	struct hf_backing *backing = make(64);
	int file = fcntl(backing->fd, F_DUPFD_CLOEXEC, 0);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct hf_page *pages[64], *one;

	(void)state;
	assert_true(file >= 0 && null >= 0);
	get(backing, 20, 1, &one);
	/* A file that cannot be mapped. */
	assert_int_equal(dup2(null, backing->fd), backing->fd);
	assert_int_equal(hf_backing_get_pages(backing, 0, 64, pages), -ENOMEM);
	assert_true(only_one_is_held(backing));
	/* The held page is the first, and taken back. */
	assert_int_equal(hf_backing_get_pages(backing, 20, 2, pages), -ENOMEM);
	assert_true(only_one_is_held(backing));
	assert_int_equal(one->refcount, 1);
	assert_int_equal(dup2(file, backing->fd), backing->fd);
	get(backing, 0, 64, pages);
	hf_pages_put(pages, 64);
	hf_pages_put(&one, 1);
	hf_backing_put(backing);
	close(file);
	close(null);
}

#define NO_NAMESPACE 77

/* A file in a tmpfs that has room for 8 pages, for this process only. */
static int file_of_small_tmpfs(size_t npages)
{
	int fd;

	if ((unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS)) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/proc", "tmpfs", 0, "size=32k"))
		_exit(NO_NAMESPACE);
	fd = open("/proc/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, npages * PAGE))
		_exit(NO_NAMESPACE);
	return fd;
}

/* In a process of its own. Return: whether all was as it should be. */
static bool fill_small_tmpfs(bool user, size_t npages)
{
	struct hf_page **pages = calloc(npages, sizeof(*pages)), *one;
	struct hf_backing *backing;
	int fd = file_of_small_tmpfs(npages);

	if (user) {
		backing = hf_backing_of(mem, fd, true, 1);
	} else {
		backing = hf_backing_create(mem, npages * PAGE, false, 1);
		dup2(fd, backing->fd);
	}
	return pages && !hf_backing_get_pages(backing, 2, 1, &one) &&
	       hf_backing_get_pages(backing, 0, npages, pages) == -ENOMEM &&
	       only_one_is_held(backing) &&
	       hf_backing_populate(fd, 0, npages) == -ENOMEM;
}

static void a_full_tmpfs_is_enomem(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		pid_t pid = fork();
		int status;

		if (!pid) /* small and large extents are populated apart */
			_exit(!fill_small_tmpfs(i & 1, i & 2 ? 4096 : 16));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE)
			skip();
		assert_int_equal(status, 0);
	}
}

static void a_bus_without_room_is_enomem(void **state)
{
	struct hf_backing *backing = make(4);
	struct hf_page *pages[4];

	(void)state;
	mem->max_frames = 0;
	assert_int_equal(hf_backing_get_pages(backing, 0, 4, pages), -ENOMEM);
	assert_int_equal(blocks(backing->fd), 0);
	assert_int_equal(backing->refcount, 1);
	hf_backing_put(backing);
}

/* Gets and puts of any ranges, against a simple model. */
static void random_gets_and_puts_agree_with_counts(void **state)
{
	enum { N = 64, HOLDS = 32 };
	struct hf_backing *backing = make(N);
	struct {
		size_t first, n;
		struct hf_page *pages[N];
	} holds[HOLDS] = { 0 };
	unsigned int count[N] = { 0 };

	(void)state;
	srand(2);
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int at = rand() % HOLDS;
		size_t total = 0;

		if (!holds[at].n) {
			holds[at].first = rand() % N;
			holds[at].n = 1 + rand() % (N - holds[at].first);
			if (rand() % 2)
				holds[at].n = 1;
			get(backing, holds[at].first, holds[at].n,
			    holds[at].pages);
			for (size_t j = 0; j < holds[at].n; j++)
				count[holds[at].first + j]++;
		} else {
			for (size_t j = 0; j < holds[at].n; j++)
				count[holds[at].first + j]--;
			hf_pages_put(holds[at].pages, holds[at].n);
			holds[at].n = 0;
		}
		for (unsigned int j = 0; j < HOLDS; j++)
			for (size_t k = 0; k < holds[j].n; k++)
				assert_int_equal(holds[j].pages[k]->refcount,
						 count[holds[j].first + k]);
		for (unsigned int j = 0; j < N; j++)
			total += !!count[j];
		assert_int_equal(held(), total);
		assert_int_equal(backing->held, total);
	}
	for (unsigned int j = 0; j < HOLDS; j++)
		hf_pages_put(holds[j].pages, holds[j].n);
	hf_backing_put(backing);
}

static void large_extents_are_populated(void **state)
{
	enum { N = 1100 };
	struct hf_backing *backing = make(N), *other = make(N);
	struct hf_page *pages[N];

	(void)state;
	get(backing, 0, N, pages);
	assert_true(blocks(backing->fd) >= (blkcnt_t)(N * PAGE / 512));
	memset(hf_page_cpu(pages[N - 1]), 'x', PAGE);
	hf_pages_put(pages, N);
	get(backing, 0, N, pages);
	assert_int_equal(*(char *)hf_page_cpu(pages[N - 1]), 'x');
	hf_pages_put(pages, N);
	hf_backing_put(backing);

	assert_int_equal(hf_backing_populate(other->fd, 1, 2), 0);
	assert_int_equal(blocks(other->fd), 2 * PAGE / 512);
	assert_int_equal(hf_backing_populate(other->fd, 0, N), 0);
	assert_true(blocks(other->fd) >= (blkcnt_t)(N * PAGE / 512));
	assert_int_equal(hf_backing_populate(-1, 0, 1), -ENOMEM);
	assert_int_equal(hf_backing_populate(-1, 0, N), -ENOMEM);
	hf_backing_put(other);
}

static void purging_frees_what_nobody_holds(void **state)
{
	struct hf_backing *backing = make(4);
	struct hf_memory_stats stats;
	struct hf_page *pages[4];

	(void)state;
	get(backing, 0, 4, pages);
	strcpy(hf_page_cpu(pages[3]), "gone");
	hf_pages_put(pages, 3);
	assert_int_equal(hf_backing_purge(backing), -EBUSY);
	assert_string_equal(hf_page_cpu(pages[3]), "gone");
	hf_pages_put(&pages[3], 1);
	assert_int_equal(hf_backing_purge(backing), 4 * PAGE);
	assert_int_equal(blocks(backing->fd), 0);
	assert_int_equal(hf_backing_purge(backing), 0);
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.purged, 4 * PAGE);
	assert_int_equal(stats.peak_pages, 4);
	get(backing, 3, 1, pages);
	assert_int_equal(*(char *)hf_page_cpu(pages[0]), 0);
	hf_pages_put(pages, 1);
	hf_backing_put(backing);
}

static void a_shadow_is_beside_each_page(void **state)
{
	struct hf_backing *backing = make(4);
	struct hf_page *pages[4];

	(void)state;
	get(backing, 0, 4, pages);
	for (unsigned int i = 0; i < 4; i++) {
		assert_non_null(hf_page_shadow(pages[i]));
		memset(hf_page_shadow(pages[i]), 'a' + i, PAGE);
	}
	for (unsigned int i = 0; i < 4; i++) {
		char *shadow = hf_page_shadow(pages[i]);

		assert_int_equal(shadow[0], 'a' + i);
		assert_int_equal(shadow[PAGE - 1], 'a' + i);
		assert_int_equal(*(char *)hf_page_cpu(pages[i]), 0);
	}
	hf_pages_put(pages, 4);
	hf_backing_put(backing);
}

static struct hf_backing_key key_of(int fd)
{
	struct hf_backing_key key;
	struct stat st;

	memset(&key, 0, sizeof(key));
	assert_int_equal(fstat(fd, &st), 0);
	key.dev = st.st_dev;
	key.ino = st.st_ino;
	return key;
}

static void a_shared_backing_is_found_by_inode(void **state)
{
	struct hf_backing *backing = make(2), *found;
	struct hf_backing_key key = key_of(backing->fd);
	int fd;

	(void)state;
	assert_null(hf_backing_find(mem, &key));
	assert_int_equal(hf_backing_share(backing), 0);
	assert_int_equal(hf_backing_share(backing), 0);
	assert_true(backing->sealed);
	assert_int_equal(ftruncate(backing->fd, PAGE), -1);
	assert_ptr_equal(hf_backing_find(mem, &key), backing);
	fd = hf_shmem_reopen(backing->fd, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	found = hf_backing_of(mem, fd, false, 12);
	assert_ptr_equal(found, backing);
	assert_int_equal(found->refcount, 2);
	assert_false(found->read_only);
	/* Memory that a client maps and registers again is the same memory. */
	assert_ptr_equal(hf_backing_of(mem, fd, true, 12), backing);
	assert_false(backing->user);
	close(fd);
	for (unsigned int i = 0; i < 3; i++)
		hf_backing_put(backing);
	assert_null(hf_backing_find(mem, &key));
}

static void a_foreign_file_must_be_sealed(void **state)
{
	int fd = hf_shmem_create("foreign", 2 * PAGE);
	struct hf_backing *backing;

	(void)state;
	errno = 0;
	assert_null(hf_backing_of(mem, fd, false, 12));
	assert_int_equal(errno, EINVAL);
	/* A user's may shrink, but is no object because of that. */
	backing = hf_backing_of(mem, fd, true, 12);
	assert_non_null(backing);
	assert_true(backing->user && backing->foreign && !backing->sealed);
	assert_null(hf_backing_of(mem, fd, false, 12));
	hf_backing_put(backing);

	assert_int_equal(hf_shmem_seal(fd), 0);
	backing = hf_backing_of(mem, fd, false, 12);
	assert_non_null(backing);
	assert_true(backing->foreign && backing->sealed && !backing->user);
	assert_int_equal(backing->owner.pid, 12);
	assert_int_equal(backing->size, 2 * PAGE);
	assert_int_equal(hf_backing_purge(backing), -EINVAL);
	assert_int_equal(hf_backing_seal(backing), 0);
	hf_backing_put(backing);
	close(fd);
}

static void what_is_no_memory_is_refused(void **state)
{
	int fds[] = {
		-1,
		open("/dev/null", O_RDWR | O_CLOEXEC),
		open("/", O_RDONLY | O_CLOEXEC),
		open("/proc/self/maps", O_RDONLY | O_CLOEXEC),
		memfd_create("empty", MFD_CLOEXEC),
		open("/proc/self/exe", O_PATH | O_CLOEXEC),
		memfd_create("write only", MFD_CLOEXEC),
	};
	const unsigned int n = sizeof(fds) / sizeof(fds[0]);

	(void)state;
	assert_int_equal(ftruncate(fds[n - 1], PAGE), 0);
	close(fds[0]);
	fds[0] = hf_shmem_reopen(fds[n - 1], O_WRONLY | O_CLOEXEC);
	for (unsigned int i = 0; i < n - 1; i++) {
		assert_true(fds[i] >= 0);
		errno = 0;
		assert_null(hf_backing_of(mem, fds[i], true, 1));
		assert_int_equal(errno, EINVAL);
		assert_null(hf_backing_of(mem, fds[i], false, 1));
	}
	for (unsigned int i = 0; i < n; i++)
		close(fds[i]);
	errno = 0;
	assert_null(hf_backing_of(mem, -1, true, 1));
	assert_int_equal(errno, EBADF);
}

static void large_memory_goes_to_who_frees_it(void **state)
{
	struct hf_backing *large = make(64), *small = make(1);
	struct hf_page *page;
	int fd = 77;

	(void)state;
	hf_backing_put_memory(hf_backing_get(large), &fd);
	assert_int_equal(fd, -1);
	get(large, 0, 1, &page);
	hf_backing_put_memory(large, &fd);
	assert_int_equal(fd, -1);
	hf_pages_put(&page, 1);

	large = make(64);
	hf_backing_put_memory(large, &fd);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	fd = 77;
	hf_backing_put_memory(small, &fd);
	assert_int_equal(fd, -1);
}

static struct hf_resv *destroyed;

static void note_resv(struct hf_resv *resv)
{
	destroyed = resv;
}

static void the_fences_go_with_the_backing(void **state)
{
	struct hf_backing *backing = make(1);

	(void)state;
	backing->resv = (struct hf_resv *)&destroyed;
	backing->resv_destroy = note_resv;
	hf_backing_put(hf_backing_get(backing));
	assert_null(destroyed);
	hf_backing_put(backing);
	assert_ptr_equal(destroyed, &destroyed);
}

/* -- memory of client processes ---------------------------------------------- */

static struct hf_backing *make_user(int fd)
{
	struct hf_backing *backing = hf_backing_of(mem, fd, true, 12);

	assert_non_null(backing);
	assert_int_equal(sigaction(SIGBUS, &trap, NULL), 0);
	return backing;
}

static void a_sparse_user_file_gets_only_the_pages_wanted(void **state)
{
	int fd = hf_shmem_create("user", (size_t)1 << 40);
	struct hf_backing *backing = make_user(fd);
	struct hf_memory_stats stats;
	struct hf_page *pages[8];

	(void)state;
	get(backing, ((size_t)1 << 28) - 4, 4, pages);
	get(backing, 12345678, 4, pages + 4);
	assert_int_equal(blocks(fd), 8 * PAGE / 512);
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.user_pages, 8);
	strcpy(hf_page_cpu(pages[3]), "end");
	hf_pages_put(pages, 8);
	hf_backing_put(backing);
	close(fd);
}

static void a_read_only_file_can_be_read(void **state)
{
	int fd = hf_shmem_create("user", 4 * PAGE);
	int reader = hf_shmem_reopen(fd, O_RDONLY | O_CLOEXEC);
	struct hf_backing *backing;
	struct hf_page *pages[4], *more[4];

	(void)state;
	assert_int_equal(pwrite(fd, "text", 5, PAGE), 5);
	backing = make_user(reader);
	assert_true(backing->read_only);
	get(backing, 0, 4, pages);
	assert_string_equal(hf_page_cpu(pages[1]), "text");
	/* Somebody else may write: the pages stay the same ones. */
	assert_ptr_equal(make_user(fd), backing);
	assert_false(backing->read_only);
	get(backing, 0, 4, more);
	assert_memory_equal(pages, more, sizeof(pages));
	assert_string_equal(hf_page_cpu(pages[1]), "text");
	strcpy(hf_page_cpu(pages[3]), "written");
	hf_pages_put(pages, 4);
	hf_pages_put(more, 4);
	hf_backing_put(backing);
	hf_backing_put(backing);
	close(reader);
	close(fd);
}

static void a_file_sealed_against_writing_is_read_only(void **state)
{
	int fd = hf_shmem_create("user", PAGE);
	struct hf_backing *backing;
	struct hf_page *page;

	(void)state;
	assert_int_equal(pwrite(fd, "text", 5, 0), 5);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE),
			 0);
	backing = hf_backing_of(mem, fd, false, 12);
	assert_non_null(backing);
	assert_true(backing->read_only);
	get(backing, 0, 1, &page);
	assert_string_equal(hf_page_cpu(page), "text");
	hf_pages_put(&page, 1);
	hf_backing_put(backing);
	close(fd);
}

/* Not every file system has an end at a page, or the calls of tmpfs. */
static void an_ordinary_file_is_memory_too(void **state)
{
	char name[] = "holdfast-test-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);
	struct hf_backing *backing;
	struct hf_page *pages[3];
	char byte;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(ftruncate(fd, 2 * PAGE + 100), 0);
	backing = make_user(fd);
	assert_int_equal(backing->size, 3 * PAGE);
	get(backing, 0, 3, pages);
	((char *)hf_page_cpu(pages[2]))[99] = 'x';
	memset(hf_page_cpu(pages[0]), 'y', PAGE);
	assert_int_equal(pread(fd, &byte, 1, 2 * PAGE + 99), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(lseek(fd, 0, SEEK_END), 2 * PAGE + 100);
	hf_pages_put(pages, 3);
	hf_backing_put(backing);
	close(fd);
}

static void a_truncated_file_reads_as_zeroes(void **state)
{
	enum { N = 8 };
	int fd = hf_shmem_create("user", N * PAGE);
	struct hf_backing *backing = make_user(fd);
	struct hf_page *pages[N], *again;

	(void)state;
	get(backing, 0, N, pages);
	for (unsigned int i = 0; i < N; i++)
		memset(hf_page_cpu(pages[i]), 'a' + i, PAGE);
	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	for (unsigned int i = N; i-- > 0;) {
		volatile char *cpu = hf_page_cpu(pages[i]);

		assert_int_equal(cpu[PAGE - 1], i < 2 ? 'a' + i : 0);
	}
	memset(hf_page_cpu(pages[5]), 'z', PAGE);
	assert_int_equal(*(char *)hf_page_cpu(pages[5]), 'z');

	/* The file has grown again: who gets the page now gets the file's. */
	assert_int_equal(ftruncate(fd, N * PAGE), 0);
	assert_int_equal(pwrite(fd, "new", 4, 5 * PAGE), 4);
	hf_pages_put(&pages[5], 1);
	get(backing, 5, 1, &again);
	assert_string_equal(hf_page_cpu(again), "new");
	pages[5] = again;
	hf_pages_put(pages, N);
	hf_backing_put(backing);
	close(fd);
}

/* Between the moment that it was shown and the get. */
static void a_file_may_shrink_before_it_is_held(void **state)
{
	int fd = hf_shmem_create("user", 4 * PAGE);
	struct hf_backing *backing = make_user(fd);
	struct hf_page *pages[4];

	(void)state;
	assert_int_equal(ftruncate(fd, PAGE + 1), 0);
	get(backing, 0, 4, pages);
	assert_int_equal(blocks(fd), 2 * PAGE / 512);
	memset(hf_page_cpu(pages[3]), 'x', PAGE);
	memset(hf_page_cpu(pages[1]), 'x', PAGE);
	hf_pages_put(pages, 4);
	/* Shown again, it has the size that it has. */
	assert_ptr_equal(make_user(fd), backing);
	assert_int_equal(backing->size, 2 * PAGE);
	assert_int_equal(hf_backing_get_pages(backing, 0, 4, pages), -EINVAL);
	hf_backing_put(backing);
	hf_backing_put(backing);
	close(fd);
}

static void a_read_only_mapping_survives_truncation(void **state)
{
	int fd = hf_shmem_create("user", 2 * PAGE);
	int reader = hf_shmem_reopen(fd, O_RDONLY | O_CLOEXEC);
	struct hf_backing *backing = make_user(reader);
	struct hf_page *pages[2];

	(void)state;
	get(backing, 0, 2, pages);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(*(volatile char *)hf_page_cpu(pages[1]), 0);
	assert_int_equal(*(volatile char *)hf_page_cpu(pages[0]), 0);
	hf_pages_put(pages, 2);
	hf_backing_put(backing);
	close(reader);
	close(fd);
}

struct toucher {
	pthread_t thread;
	struct hf_page **pages;
	size_t n;
	atomic_bool stop;
};

static void *touch_pages(void *data)
{
	struct toucher *toucher = data;

	while (!atomic_load(&toucher->stop))
		for (size_t i = 0; i < toucher->n; i++)
			atomic_fetch_add((atomic_char *)
					 hf_page_cpu(toucher->pages[i]), 1);
	return NULL;
}

/* A device works on a file that its owner cuts and others come and go. */
static void threads_touch_files_that_shrink(void **state)
{
	enum { N = 32 };
	struct hf_page *pages[N], *one;
	struct toucher touchers[2];
	struct hf_backing *backing, *other = make(1);
	int fd = hf_shmem_create("user", N * PAGE);

	(void)state;
	backing = make_user(fd);
	for (unsigned int round = 0; round < 50; round++) {
		assert_int_equal(ftruncate(fd, N * PAGE), 0);
		get(backing, 0, N, pages);
		for (unsigned int i = 0; i < 2; i++) {
			touchers[i].pages = pages;
			touchers[i].n = N;
			atomic_init(&touchers[i].stop, false);
			assert_int_equal(pthread_create(&touchers[i].thread,
							NULL, touch_pages,
							&touchers[i]), 0);
		}
		for (int size = N; size-- > 0;) {
			assert_int_equal(ftruncate(fd, size * PAGE), 0);
			get(other, 0, 1, &one);
			hf_pages_put(&one, 1);
		}
		for (unsigned int i = 0; i < 2; i++) {
			atomic_store(&touchers[i].stop, true);
			pthread_join(touchers[i].thread, NULL);
		}
		hf_pages_put(pages, N);
	}
	hf_backing_put(backing);
	hf_backing_put(other);
	close(fd);
}

/* A SIGBUS of somebody else's mapping still ends the process. */
static void another_sigbus_is_passed_on(void **state)
{
	int fd = hf_shmem_create("other", PAGE), status;
	volatile char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED, fd, 0);
	pid_t pid;

	(void)state;
	assert_true(map != MAP_FAILED);
	assert_int_equal(ftruncate(fd, 0), 0);
	pid = fork();
	if (!pid) {
		sigaction(SIGBUS, &trap, NULL);
		close(STDERR_FILENO); /* a sanitizer has much to say */
		*map = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* A sanitizer exits or aborts. */
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS ||
						  WTERMSIG(status) == SIGABRT
					: WEXITSTATUS(status) != 0);
	munmap((void *)map, PAGE);
	close(fd);
}

/* -- the contiguous pool ----------------------------------------------------- */

static struct hf_backing *make_run(size_t npages)
{
	return hf_backing_create(mem, npages * PAGE, true, 11);
}

static void contiguous_memory_is_one_run_on_the_bus(void **state)
{
	struct hf_backing *backing = make_run(20);
	struct hf_memory_stats stats;
	struct hf_page *pages[20];
	hf_bus_t bus;

	(void)state;
	assert_non_null(backing);
	get(backing, 7, 3, pages + 7);
	get(backing, 0, 7, pages);
	get(backing, 10, 10, pages + 10);
	bus = hf_page_bus(pages[0]);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(hf_page_bus(pages[i]), bus + i * PAGE);
		assert_ptr_equal(hf_page_at(mem, bus + i * PAGE), pages[i]);
	}
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.pool_used, 20 * PAGE);
	hf_pages_put(pages, 20);
	assert_null(hf_page_at(mem, bus));
	hf_backing_put(backing);
}

/* What is written to stderr until said_since() is called. */
static int stderr_before;

static void listen_to_stderr(void)
{
	int fd = memfd_create("stderr", MFD_CLOEXEC);

	stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	assert_true(stderr_before >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

static void said_since(char *text, size_t size)
{
	ssize_t n = pread(STDERR_FILENO, text, size - 1, 0);

	text[n < 0 ? 0 : n] = 0;
	dup2(stderr_before, STDERR_FILENO);
	close(stderr_before);
}

static void contiguous_pool_defragments_or_says_so(void **state)
{
	struct hf_backing *part[4], *large;
	struct hf_memory_stats stats;
	struct hf_page *pages[32], *one;
	char said[1024];
	hf_bus_t bus;

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_non_null(part[i] = make_run(16));
	get(part[3], 0, 1, &one);
	strcpy(hf_page_cpu(one), "content");
	bus = hf_page_bus(one);
	hf_backing_put(part[0]);
	hf_backing_put(part[2]);

	/* 16 free, the second, 16 free, the fourth, of which a page is held. */
	large = make_run(32);
	assert_non_null(large);
	assert_int_equal(part[1]->run->start, 0);
	get(large, 0, 32, pages);
	assert_int_equal(hf_page_bus(pages[31]),
			 hf_page_bus(pages[0]) + 31 * PAGE);
	assert_int_equal(hf_page_bus(one), bus);
	assert_ptr_equal(hf_page_at(mem, bus), one);
	hf_pages_put(pages, 32);
	hf_backing_put(large);

	/* 16 held, 16 free, 16 held, 16 free: nothing may be moved. */
	part[0] = make_run(16);
	part[2] = make_run(16);
	assert_int_equal(part[1]->run->start, 0);
	assert_int_equal(part[0]->run->start, 16);
	assert_int_equal(part[2]->run->start, 32);
	get(part[1], 0, 1, pages);
	get(part[2], 0, 1, pages + 1);
	hf_pages_put(&one, 1);
	hf_backing_put(part[0]);
	hf_backing_put(part[3]);
	setenv("HOLDFAST_LOG", "info", 1);
	hf_log_init();
	listen_to_stderr();
	errno = 0;
	large = make_run(32);
	said_since(said, sizeof(said));
	assert_null(large);
	assert_int_equal(errno, ENOMEM);
	hf_memory_stats(mem, &stats);
	assert_int_equal(stats.pool_hole, 16 * PAGE);
	assert_non_null(strstr(said, "contiguous pool: 131072 bytes wanted, "
				     "largest hole 65536"));
	/* Until one of them is put. */
	hf_pages_put(pages + 1, 1);
	large = make_run(32);
	assert_non_null(large);
	hf_pages_put(pages, 1);
	hf_backing_put(large);
	hf_backing_put(part[1]);
	hf_backing_put(part[2]);
}

static void a_run_is_pinned_while_a_page_is_held(void **state)
{
	struct hf_backing *backing = make_run(4);
	struct hf_page *pages[4];

	(void)state;
	assert_int_equal(backing->run->pinned, 0);
	get(backing, 0, 4, pages);
	assert_true(backing->run->pinned > 0);
	hf_pages_put(pages, 3);
	assert_true(backing->run->pinned > 0);
	hf_pages_put(pages + 3, 1);
	assert_int_equal(backing->run->pinned, 0);
	hf_backing_put(backing);
}

static void a_full_pool_is_enomem(void **state)
{
	struct hf_backing *backing = make_run(POOL_PAGES);

	(void)state;
	assert_non_null(backing);
	errno = 0;
	assert_null(make_run(1));
	assert_int_equal(errno, ENOMEM);
	hf_backing_put(backing);
	backing = make_run(1);
	assert_non_null(backing);
	assert_null(make_run(POOL_PAGES + 1));
	hf_backing_put(backing);
}

static void its_size_and_its_file_are_told(void **state)
{
	struct hf_backing *backing = make(3);
	struct stat st;

	(void)state;
	assert_int_equal(hf_backing_size(backing), 3 * PAGE);
	assert_int_equal(fstat(hf_backing_fd(backing), &st), 0);
	assert_int_equal(st.st_size, 3 * PAGE);
	assert_int_equal(hf_backing_share(backing), 0);
	assert_int_equal(ftruncate(hf_backing_fd(backing), PAGE), -1);
	hf_backing_put(backing);
}

/* What holdfast/memory.h promises. */
static void pages_of_one_call_follow_each_other(void **state)
{
	struct hf_backing *backing = make(600);
	struct hf_page *pages[600];
	char *first;

	(void)state;
	get(backing, 0, 600, pages);
	first = hf_page_cpu(pages[0]);
	for (size_t i = 0; i < 600; i++)
		assert_ptr_equal(hf_page_cpu(pages[i]), first + i * PAGE);
	hf_pages_put(pages, 600);
	hf_backing_put(backing);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define TEST_SHADOW(fn) \
	cmocka_unit_test_setup_teardown(fn, setup_shadow, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_page_shows_the_file),
		TEST(its_size_and_its_file_are_told),
		TEST(pages_of_one_call_follow_each_other),
		TEST(overlapping_gets_share_pages),
		TEST(a_page_that_was_put_can_be_gotten_again),
		TEST(pages_keep_their_backing),
		TEST(only_what_is_in_the_file_can_be_gotten),
		TEST(bad_sizes_are_refused),
		TEST(where_mapping_fails_nothing_is_held),
		TEST_SHADOW(where_mapping_fails_nothing_is_held),
		TEST(a_full_tmpfs_is_enomem),
		TEST(a_bus_without_room_is_enomem),
		TEST(random_gets_and_puts_agree_with_counts),
		TEST(large_extents_are_populated),
		TEST(purging_frees_what_nobody_holds),
		TEST_SHADOW(a_shadow_is_beside_each_page),
		TEST(a_shared_backing_is_found_by_inode),
		TEST(a_foreign_file_must_be_sealed),
		TEST(what_is_no_memory_is_refused),
		TEST(large_memory_goes_to_who_frees_it),
		TEST(the_fences_go_with_the_backing),
		TEST(a_sparse_user_file_gets_only_the_pages_wanted),
		TEST(a_read_only_file_can_be_read),
		TEST(a_file_sealed_against_writing_is_read_only),
		TEST(an_ordinary_file_is_memory_too),
		TEST(a_truncated_file_reads_as_zeroes),
		TEST(a_file_may_shrink_before_it_is_held),
		TEST(a_read_only_mapping_survives_truncation),
		TEST(threads_touch_files_that_shrink),
		TEST(another_sigbus_is_passed_on),
		TEST(contiguous_memory_is_one_run_on_the_bus),
		TEST(contiguous_pool_defragments_or_says_so),
		TEST(a_run_is_pinned_while_a_page_is_held),
		TEST(a_full_pool_is_enomem),
	};

	hf_trap_install();
	sigaction(SIGBUS, NULL, &trap);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
