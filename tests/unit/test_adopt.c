// SPDX-License-Identifier: MIT
/*
 * User pages from inside the process whose they are: memory is adopted where
 * it is, no store is lost meanwhile, and afterwards it behaves as private
 * memory does. The files are mapped a second time, as a device would see them.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/environment.h"
#include "shim/shim.h"
#include "shim/userptr.h"

#define PAGE 4096ul
#define SEGMENTS 64

/* The shim's client keeps the descriptor of /proc/self/maps; here we do, once a
 * process. */
static _Atomic int maps_fd;
static pid_t maps_pid;

bool hf_environment_learn(void)
{
	return getenv(HF_ENV_SOCKET) != NULL;
}

int hf_own_maps_fd(void)
{
	return maps_pid == getpid() ? maps_fd : -1;
}

int hf_own_maps_keep(int fd)
{
	maps_fd = fd;
	maps_pid = getpid();
	return fd;
}

/* -- what the device sees ---------------------------------------------------- */

/* The server's part: a descriptor of each file that it was shown. */
static struct {
	ino_t ino;
	int fd;
} files[4096];
static unsigned int nfiles;
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;

static int file_of(uint64_t ino)
{
	for (unsigned int i = 0; i < nfiles; i++)
		if (files[i].ino == ino)
			return files[i].fd;
	return -1;
}

static void show_file(ino_t ino, int fd)
{
	assert_true(nfiles < 4096);
	files[nfiles].ino = ino;
	files[nfiles].fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	assert_true(files[nfiles++].fd >= 0);
}

static void forget_files(void)
{
	while (nfiles)
		close(files[--nfiles].fd);
}

struct view {
	struct hf_userptr user;
	struct hf_wire_segment segments[SEGMENTS];
	char *pages;
	size_t size;
	char *at; /* the byte that was asked for */
};

static void map_view(struct view *view, size_t offset)
{
	char *to;

	view->size = view->user.end - view->user.start;
	view->pages = to = mmap(NULL, view->size, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	view->at = to + offset;
	for (unsigned int i = 0; i < view->user.nsegments; i++) {
		const struct hf_wire_segment *s = &view->segments[i];

		assert_ptr_not_equal(
			mmap(to, s->npages * PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_FIXED, file_of(s->ino),
			     s->first * PAGE),
			MAP_FAILED);
		to += s->npages * PAGE;
	}
	assert_ptr_equal(to, view->pages + view->size);
}

/* As the ioctl does it, with a server that asks for files that it does not know
 * until it knows all. */
static int show(struct view *view, const void *addr, size_t size,
		bool read_only)
{
	int ret = hf_userptr_open(&view->user, (uintptr_t)addr, size,
				  read_only, view->segments, SEGMENTS);

	pthread_mutex_lock(&files_lock);
	for (unsigned int i = 0; !ret && i < view->user.nsegments; i++) {
		uint64_t ino = view->segments[i].ino;
		int fd;

		if (file_of(ino) >= 0)
			continue;
		fd = hf_userptr_fd(&view->user,
				   hf_wire_segment_file(view->segments[i].dev,
							ino));
		if (fd >= 0)
			show_file(ino, fd);
		else if (fd == -ESTALE)
			i = -1u;
		else
			ret = fd;
	}
	if (!ret)
		map_view(view, (uintptr_t)addr % PAGE);
	pthread_mutex_unlock(&files_lock);
	hf_userptr_close(&view->user);
	return ret;
}

static void hide(struct view *view)
{
	munmap(view->pages, view->size);
}

static char *anonymous(size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	return map;
}

static void fill(char *p, size_t size, unsigned int seed)
{
	for (size_t i = 0; i < size; i++)
		p[i] = (i * 31 + i / PAGE + seed) >> 1;
}

static bool filled(const char *p, size_t size, unsigned int seed)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != (char)((i * 31 + i / PAGE + seed) >> 1))
			return false;
	return true;
}

/* Both see what was there, and what either stores from now on. */
static void check_shared(char *p, size_t size)
{
	struct view view;

	fill(p, size, 1);
	assert_int_equal(show(&view, p, size, false), 0);
	assert_true(filled(p, size, 1));
	assert_true(filled(view.at, size, 1));
	fill(p, size, 2);
	assert_true(filled(view.at, size, 2));
	fill(view.at, size, 3);
	assert_true(filled(p, size, 3));
	hide(&view);
}

/* -- kinds of memory --------------------------------------------------------- */

static void the_heap_is_seen_by_the_device(void **state)
{
	size_t sizes[] = { 1, 100, 5000, 100000, 4u << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *before = malloc(333), *p = malloc(sizes[i]),
		     *after = malloc(333);

		fill(before, 333, 7);
		fill(after, 333, 8);
		check_shared(p, sizes[i]);
		assert_true(filled(before, 333, 7) && filled(after, 333, 8));
		free(p);
		free(before);
		free(after);
	}
}

static void the_heap_still_grows_and_shrinks(void **state)
{
	char *blocks[64];

	(void)state;
	for (int i = 0; i < 64; i++) {
		blocks[i] = malloc(100000);
		check_shared(blocks[i], 100000);
	}
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	for (int i = 0; i < 64; i++) {
		blocks[i] = calloc(1, 100000);
		for (int k = 0; k < 100000; k++)
			assert_int_equal(blocks[i][k], 0);
		check_shared(blocks[i], 100000);
	}
	for (int i = 63; i >= 0; i--)
		free(blocks[i]);
}

static char in_bss[3 * PAGE];
static char in_data[3 * PAGE] = { 1 };

static void bss_and_data_are_seen_by_the_device(void **state)
{
	(void)state;
	check_shared(in_bss + 100, sizeof(in_bss) - 200);
	check_shared(in_data + 100, sizeof(in_data) - 200);
}

static __attribute__((noinline)) void use_stack(size_t size)
{
	char buf[size];

	check_shared(buf, size);
}

static void a_buffer_on_the_stack_is_seen_by_the_device(void **state)
{
	(void)state;
	use_stack(100);
	use_stack(10000);
	use_stack(300000);
}

static __attribute__((noinline)) int deep(int levels)
{
	volatile char buf[10000];

	buf[0] = levels;
	buf[9999] = levels;
	return levels ? deep(levels - 1) + buf[0] : buf[9999];
}

/* All of what the stack has so far, down to its last page. */
static void the_stack_still_grows_when_its_end_was_adopted(void **state)
{
	struct hf_vma *vma = malloc(sizeof(*vma));
	struct hf_vma *below = malloc(sizeof(*below));
	struct view *view = malloc(sizeof(*view));
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		int ret;

		hf_vma_find((uintptr_t)&pid, false, vma);
		while (!hf_vma_find(vma->start - PAGE, false, below) &&
		       below->end == vma->start)
			*vma = *below;
		ret = show(view, (void *)vma->start, 8 * PAGE, false);
		deep(500);
		_exit(ret ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(view);
	free(below);
	free(vma);
}

static void *use_thread_stack(void *data)
{
	char buf[100]; /* in the page of the thread's own data */

	(void)data;
	check_shared(buf, sizeof(buf));
	use_stack(70000);
	return NULL;
}

static void a_threads_stack_is_seen_by_the_device(void **state)
{
	pthread_t threads[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						use_thread_stack, NULL), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
}

static void unaligned_ends_are_rounded_to_pages(void **state)
{
	char *map = anonymous(8 * PAGE);
	struct view view;

	(void)state;
	fill(map, 8 * PAGE, 1);
	assert_int_equal(show(&view, map + PAGE + 17, PAGE, false), 0);
	assert_int_equal(view.size, 2 * PAGE);
	assert_memory_equal(view.at, map + PAGE + 17, PAGE);
	assert_true(filled(map, 8 * PAGE, 1));
	hide(&view);
	assert_int_equal(show(&view, map + 3 * PAGE - 1, 2, false), 0);
	assert_int_equal(view.size, 2 * PAGE);
	hide(&view);
	munmap(map, 8 * PAGE);
}

static void memory_that_was_never_touched_stays_unallocated(void **state)
{
	size_t size = 256u << 20;
	char *map = anonymous(size);
	struct view view;
	struct stat st;

	(void)state;
	map[0] = 1;
	map[size / 2] = 2;
	map[size - 1] = 3;
	assert_int_equal(show(&view, map, size, false), 0);
	assert_int_equal(fstat(file_of(view.segments[0].ino), &st), 0);
	assert_true(st.st_blocks * 512 <= 4 << 20);
	assert_int_equal(view.at[0], 1);
	assert_int_equal(view.at[size / 2], 2);
	assert_int_equal(view.at[size - 1], 3);
	assert_int_equal(view.at[size / 4], 0);
	hide(&view);
	munmap(map, size);
}

static void overlapping_ranges_are_the_same_memory(void **state)
{
	char *map = anonymous(16 * PAGE);
	struct view a, b, all;

	(void)state;
	fill(map, 16 * PAGE, 1);
	assert_int_equal(show(&a, map + 2 * PAGE, 6 * PAGE, false), 0);
	assert_int_equal(show(&b, map + 4 * PAGE, 8 * PAGE, false), 0);
	assert_int_equal(show(&all, map, 16 * PAGE, false), 0);
	assert_int_equal(a.user.nsegments, 1);
	assert_int_equal(b.user.nsegments, 2);
	assert_int_equal(all.user.nsegments, 4);
	assert_true(filled(all.at, 16 * PAGE, 1));
	map[5 * PAGE] = 77;
	assert_int_equal(a.at[3 * PAGE], 77);
	assert_int_equal(b.at[1 * PAGE], 77);
	assert_int_equal(all.at[5 * PAGE], 77);
	a.at[4 * PAGE + 1] = 78;
	assert_int_equal(b.at[2 * PAGE + 1], 78);
	hide(&a);
	hide(&b);
	hide(&all);
	munmap(map, 16 * PAGE);
}

static void the_same_range_again_changes_nothing(void **state)
{
	char *map = anonymous(16 * PAGE);
	struct view a, b;

	(void)state;
	assert_int_equal(show(&a, map, 16 * PAGE, false), 0);
	assert_int_equal(show(&b, map, 16 * PAGE, false), 0);
	assert_int_equal(b.user.nsegments, 1);
	assert_memory_equal(a.segments, b.segments, sizeof(*a.segments));
	hide(&a);
	hide(&b);
	munmap(map, 16 * PAGE);
}

static void shared_memory_is_used_as_it_is(void **state)
{
	int fd = memfd_create("a program's", MFD_CLOEXEC);
	struct view view;
	char *map;

	(void)state;
	assert_int_equal(ftruncate(fd, 16 * PAGE), 0);
	map = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   4 * PAGE);
	assert_int_equal(show(&view, map + PAGE, 2 * PAGE, false), 0);
	assert_int_equal(view.segments[0].first, 5);
	assert_int_equal(view.segments[0].flags, 0);
	hide(&view);
	check_shared(map, 8 * PAGE);
	munmap(map, 8 * PAGE);
	close(fd);
}

static void a_file_of_shm_open_is_found_by_its_path(void **state)
{
	char name[32], *map;
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "/hf-test-%d", getpid());
	fd = shm_open(name, O_CREAT | O_RDWR, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	check_shared(map, 4 * PAGE);
	munmap(map, 4 * PAGE);
	shm_unlink(name);
}

static void what_cannot_be_written_needs_the_flag(void **state)
{
	static const char constant[] = "text";
	char *map = anonymous(4 * PAGE);
	struct view view;

	(void)state;
	fill(map, 4 * PAGE, 5);
	mprotect(map, 4 * PAGE, PROT_READ);
	assert_int_equal(show(&view, map, 4 * PAGE, false), -EFAULT);
	assert_int_equal(show(&view, map, 4 * PAGE, true), 0);
	assert_true(filled(view.at, 4 * PAGE, 5));
	hide(&view);
	/* And it is as read-only as it was; mprotect works on it. */
	assert_int_equal(mprotect(map, 4 * PAGE, PROT_READ | PROT_WRITE), 0);
	check_shared(map, 4 * PAGE);
	munmap(map, 4 * PAGE);

	assert_int_equal(show(&view, constant, 4, false), -EFAULT);
	assert_int_equal(show(&view, constant, 4, true), 0);
	assert_memory_equal(view.at, "text", 4);
	assert_string_equal(constant, "text");
	hide(&view);
}

static void what_is_no_memory_is_refused(void **state)
{
	char *map = anonymous(4 * PAGE);
	struct view view;

	(void)state;
	assert_int_equal(show(&view, NULL, PAGE, false), -EFAULT);
	assert_int_equal(show(&view, (void *)-PAGE, 2 * PAGE, true), -EFAULT);
	assert_int_equal(show(&view, map, -1ul, true), -EFAULT);
	assert_int_equal(show(&view, (void *)getauxval(AT_SYSINFO_EHDR), 1,
			      true), -EFAULT);
	assert_int_equal(show(&view, hf_shim_state(HF_SHIM_STATE_USERPTR, 1),
			      1, true), -EFAULT);
	mprotect(map + PAGE, PAGE, PROT_NONE);
	assert_int_equal(show(&view, map, 4 * PAGE, true), -EFAULT);
	munmap(map + PAGE, PAGE);
	assert_int_equal(show(&view, map, 4 * PAGE, false), -EFAULT);
	/* What is before a gap was left alone. */
	assert_int_equal(show(&view, map, PAGE, false), 0);
	hide(&view);
	munmap(map, 4 * PAGE);
}

static void too_many_pieces_are_enomem(void **state)
{
	char *map = anonymous(3 * SEGMENTS * PAGE);
	struct view view;

	(void)state;
	for (int i = 0; i < 3 * SEGMENTS; i += 2) {
		assert_int_equal(show(&view, map + i * PAGE, PAGE, false), 0);
		hide(&view);
	}
	assert_int_equal(show(&view, map, 3 * SEGMENTS * PAGE, false), -ENOMEM);
	munmap(map, 3 * SEGMENTS * PAGE);
	forget_files();
}

/* -- what the program does with it afterwards -------------------------------- */

static void munmap_leaves_the_device_what_it_had(void **state)
{
	char *map = anonymous(4 * PAGE), *again;
	struct view old, new;

	(void)state;
	fill(map, 4 * PAGE, 1);
	assert_int_equal(show(&old, map, 4 * PAGE, false), 0);
	munmap(map, 4 * PAGE);
	assert_true(filled(old.at, 4 * PAGE, 1));
	again = mmap(map, 4 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	fill(again, 4 * PAGE, 2);
	assert_true(filled(old.at, 4 * PAGE, 1));
	assert_int_equal(show(&new, again, 4 * PAGE, false), 0);
	assert_true(filled(new.at, 4 * PAGE, 2));
	assert_true(filled(old.at, 4 * PAGE, 1));
	hide(&old);
	hide(&new);
	munmap(again, 4 * PAGE);
}

static void mmap_over_it_leaves_the_device_what_it_had(void **state)
{
	char *map = anonymous(4 * PAGE);
	struct view old, new;

	(void)state;
	fill(map, 4 * PAGE, 1);
	assert_int_equal(show(&old, map, 4 * PAGE, false), 0);
	mmap(map + PAGE, PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_int_equal(map[PAGE], 0);
	map[PAGE] = 99;
	assert_true(filled(old.at, 4 * PAGE, 1));
	assert_int_equal(show(&new, map, 4 * PAGE, false), 0);
	assert_int_equal(new.at[PAGE], 99);
	assert_memory_equal(new.at + 2 * PAGE, old.at + 2 * PAGE, 2 * PAGE);
	hide(&old);
	hide(&new);
	munmap(map, 4 * PAGE);
}

static void free_then_malloc_does_not_show_the_device_new_data(void **state)
{
	size_t size = 34u << 20; /* beyond what malloc() keeps */
	char *p = malloc(size), *q;
	struct view view;

	(void)state;
	fill(p, size, 1);
	assert_int_equal(show(&view, p, size, false), 0);
	free(p);
	q = malloc(size);
	fill(q, size, 2);
	assert_true(filled(view.at, size, 1));
	hide(&view);
	free(q);
}

static void mremap_takes_it_along_and_growth_is_zero(void **state)
{
	char *map = anonymous(4 * PAGE), *to;
	struct view view;

	(void)state;
	fill(map, 4 * PAGE, 1);
	assert_int_equal(show(&view, map, 4 * PAGE, false), 0);
	to = mremap(map, 4 * PAGE, 1024 * PAGE, MREMAP_MAYMOVE);
	assert_ptr_not_equal(to, MAP_FAILED);
	assert_true(filled(to, 4 * PAGE, 1));
	for (size_t i = 4 * PAGE; i < 1024 * PAGE; i++)
		assert_int_equal(to[i], 0);
	to[0] = 55;
	assert_int_equal(view.at[0], 55);
	hide(&view);
	check_shared(to, 1024 * PAGE);
	munmap(to, 1024 * PAGE);
}

static void realloc_keeps_what_is_in_it(void **state)
{
	size_t sizes[] = { 1000, 200000, 1u << 20, 9u << 20, 300000, 10 };
	char *p = malloc(100);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *q = realloc(p, sizes[i]);

		assert_non_null(q);
		p = q;
		if (i)
			assert_true(filled(p, sizes[i] < sizes[i - 1] ?
						      sizes[i] : sizes[i - 1],
					   3));
		check_shared(p, sizes[i]);
	}
	free(p);
}

static void madvise_dontneed_gives_fresh_pages(void **state)
{
	static const int advice[] = { MADV_DONTNEED, MADV_FREE };

	(void)state;
	for (int a = 0; a < 2; a++) {
		char *map = anonymous(8 * PAGE);
		struct view old, new;

		fill(map, 8 * PAGE, 1);
		assert_int_equal(show(&old, map, 4 * PAGE, false), 0);
		assert_int_equal(madvise(map + 2 * PAGE, 3 * PAGE, advice[a]),
				 0);
		assert_int_equal(map[2 * PAGE], 0);
		assert_int_equal(map[4 * PAGE - 1], 0);
		assert_memory_equal(map, old.at, 2 * PAGE);
		map[2 * PAGE] = 3;
		assert_true(filled(old.at, 4 * PAGE, 1));
		assert_int_equal(show(&new, map, 8 * PAGE, false), 0);
		assert_int_equal(new.at[2 * PAGE], 3);
		hide(&old);
		hide(&new);
		munmap(map + PAGE, PAGE);
		assert_int_equal(madvise(map, 4 * PAGE, advice[a]), -1);
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(map[2 * PAGE], 0);
		assert_int_equal(madvise(map + 1, PAGE, advice[a]), -1);
		assert_int_equal(errno, EINVAL);
		munmap(map, 8 * PAGE);
	}
}

/* -- fork -------------------------------------------------------------------- */

/* The child: its memory is as at the fork, and its own. */
static int forked(char *map, char *read_only, struct view *view)
{
	if (!filled(map, 64 * PAGE, 1) || read_only[100] != 42)
		return 1;
	fill(map, 64 * PAGE, 9);
	map_view(view, 0); /* the other one is gone as well */
	if (!filled(view->at, 64 * PAGE, 1))
		return 2;
	fill(view->at, 64 * PAGE, 8); /* as the device would */
	if (!filled(map, 64 * PAGE, 9))
		return 3;
	return 0;
}

static void fork_gives_the_child_memory_of_its_own(void **state)
{
	char *map = anonymous(64 * PAGE), *read_only = anonymous(PAGE);
	struct view view, other;
	int status;
	pid_t pid;

	(void)state;
	fill(map, 64 * PAGE, 1);
	read_only[100] = 42;
	assert_int_equal(show(&view, map, 64 * PAGE, false), 0);
	assert_int_equal(show(&other, read_only, PAGE, false), 0);
	hide(&other);
	mprotect(read_only, PAGE, PROT_READ);
	pid = fork();
	if (pid == 0)
		_exit(forked(map, read_only, &view));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* What the child did to it is not seen here, what the device did is. */
	assert_true(filled(map, 64 * PAGE, 8));
	assert_true(filled(view.at, 64 * PAGE, 8));
	hide(&view);
	munmap(map, 64 * PAGE);
	munmap(read_only, PAGE);
}

static void the_parents_stores_are_not_seen_by_the_child(void **state)
{
	char *map = anonymous(4 * PAGE), byte = 0;
	int go[2], status;
	struct view view;
	pid_t pid;

	(void)state;
	fill(map, 4 * PAGE, 1);
	assert_int_equal(show(&view, map, 4 * PAGE, false), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		bool ok = read(go[0], &byte, 1) == 1 &&
			  filled(map, 4 * PAGE, 1);
		struct view mine;

		/* It can adopt its own as well. */
		ok = ok && !show(&mine, map, 4 * PAGE, false) &&
		     filled(mine.at, 4 * PAGE, 1);
		_exit(ok ? 0 : 1);
	}
	fill(map, 4 * PAGE, 2);
	assert_true(filled(view.at, 4 * PAGE, 2));
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(go[0]);
	close(go[1]);
	hide(&view);
	munmap(map, 4 * PAGE);
}

static void the_childs_memory_is_as_protected_as_the_parents(void **state)
{
	char *map = anonymous(2 * PAGE);
	struct view view;
	struct hf_vma *vma = malloc(sizeof(*vma));
	int status;
	pid_t pid;

	(void)state;
	map[0] = 6;
	assert_int_equal(show(&view, map, 2 * PAGE, false), 0);
	mprotect(map, PAGE, PROT_NONE);
	pid = fork();
	if (pid == 0) {
		int ret = hf_vma_find((uintptr_t)map, false, vma);

		if (ret || vma->shared || vma->prot)
			_exit(1);
		mprotect(map, PAGE, PROT_READ);
		_exit(map[0] == 6 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(vma);
	hide(&view);
	munmap(map, 2 * PAGE);
}

static void a_spawned_program_runs(void **state)
{
	char *argv[] = { "/bin/true", NULL }, *map = anonymous(PAGE);
	struct view view;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(show(&view, map, PAGE, false), 0);
	assert_int_equal(posix_spawn(&pid, argv[0], NULL, NULL, argv, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	hide(&view);
	munmap(map, PAGE);
}

/* -- threads and signals ------------------------------------------------------ */

#define WRITERS 3
#define COUNT_PAGES 512ul

/* A page has a counter for each writer. */
struct counting {
	uint64_t (*pages)[PAGE / 8];
	_Atomic bool stop;
};

struct writer {
	struct counting *counting;
	unsigned int index;
	uint64_t counted[COUNT_PAGES];
	pthread_t thread;
};

static void *count(void *data)
{
	struct writer *writer = data;
	struct counting *counting = writer->counting;
	unsigned int at = writer->index * 97;

	while (!atomic_load_explicit(&counting->stop, memory_order_relaxed)) {
		at = (at * 5 + 1) % COUNT_PAGES;
		(*(volatile uint64_t *)&counting->pages[at][writer->index])++;
		writer->counted[at]++;
	}
	return NULL;
}

static void start_counting(struct counting *counting, struct writer *writers)
{
	counting->pages = (void *)anonymous(COUNT_PAGES * PAGE);
	atomic_store(&counting->stop, false);
	for (unsigned int i = 0; i < WRITERS; i++) {
		writers[i].counting = counting;
		writers[i].index = i;
		memset(writers[i].counted, 0, sizeof(writers[i].counted));
		assert_int_equal(pthread_create(&writers[i].thread, NULL,
						count, &writers[i]), 0);
	}
}

static bool all_counted(struct counting *counting, struct writer *writers,
			const struct view *view)
{
	const uint64_t(*seen)[PAGE / 8] = (void *)view->at;
	bool all = true;

	atomic_store(&counting->stop, true);
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	for (unsigned int i = 0; i < WRITERS; i++)
		for (size_t k = 0; k < COUNT_PAGES; k++)
			all = all &&
			      counting->pages[k][i] == writers[i].counted[k] &&
			      seen[k][i] == writers[i].counted[k];
	return all;
}

/* Return: 0 where every store is there afterwards. */
static int adopt_while_counting(int rounds)
{
	static struct writer writers[WRITERS];
	struct counting counting;
	struct view view;

	for (int i = 0; i < rounds; i++) {
		start_counting(&counting, writers);
		/* Fresh memory, in pieces; then a server that forgets. */
		for (size_t k = 0; k < COUNT_PAGES; k += COUNT_PAGES / 4) {
			if (show(&view, counting.pages[k],
				 COUNT_PAGES / 4 * PAGE, false))
				return 1;
			hide(&view);
		}
		for (int k = 0; k < 4; k++) {
			forget_files();
			if (show(&view, counting.pages, COUNT_PAGES * PAGE,
				 false))
				return 2;
			hide(&view);
		}
		if (show(&view, counting.pages, COUNT_PAGES * PAGE, false))
			return 3;
		if (!all_counted(&counting, writers, &view))
			return 4;
		hide(&view);
		munmap(counting.pages, COUNT_PAGES * PAGE);
		forget_files();
	}
	return 0;
}

static void userptr_setup_loses_no_concurrent_store(void **state)
{
	(void)state;
	assert_int_equal(adopt_while_counting(10), 0);
}

static void a_fork_loses_no_store_of_another_thread(void **state)
{
	static struct writer writers[WRITERS];
	struct counting counting;
	struct view view;

	(void)state;
	start_counting(&counting, writers);
	assert_int_equal(show(&view, counting.pages, COUNT_PAGES * PAGE, false),
			 0);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			memset(counting.pages, 0xff, COUNT_PAGES * PAGE);
			_exit(0);
		}
		/* What the device stores is not taken back either. */
		((uint64_t *)view.at)[PAGE / 8 - 1] = i;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(counting.pages[0][PAGE / 8 - 1], i);
	}
	assert_true(all_counted(&counting, writers, &view));
	hide(&view);
	munmap(counting.pages, COUNT_PAGES * PAGE);
	forget_files();
}

static int as_nobody(void)
{
	char *map = anonymous(4 * PAGE);
	struct view view;

	if (getuid() == 0 && (setgid(65534) || setuid(65534)))
		return 10;
	/* As for a program that somebody without privileges starts. */
	prctl(PR_SET_DUMPABLE, 1);
	forget_files();
	if (show(&view, map, 4 * PAGE, false))
		return 11;
	map[0] = 4;
	if (view.at[0] != 4)
		return 12;
	return adopt_while_counting(5);
}

static void an_ordinary_user_can_do_it_too(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		use_stack(100);
		use_thread_stack(NULL);
		_exit(as_nobody());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void *allocate_and_show(void *data)
{
	unsigned int seed = (uintptr_t)data;

	for (int i = 0; i < 50; i++) {
		size_t size = 100 + rand_r(&seed) % 40000;
		char *p = malloc(size);
		struct view view;

		fill(p, size, seed);
		assert_int_equal(show(&view, p, size, false), 0);
		assert_true(filled(p, size, seed));
		assert_true(filled(view.at, size, seed));
		hide(&view);
		free(p);
	}
	return NULL;
}

static void many_threads_adopt_the_same_heap_at_once(void **state)
{
	pthread_t threads[8];

	(void)state;
	for (uintptr_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						allocate_and_show, (void *)i),
				 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	forget_files();
}

static void *adopt_for_ever(void *data)
{
	_Atomic bool *stop = data;

	while (!atomic_load(stop)) {
		char *map = anonymous(16 * PAGE);
		struct view view;

		fill(map, 16 * PAGE, 1);
		assert_int_equal(show(&view, map, 16 * PAGE, false), 0);
		assert_true(filled(view.at, 16 * PAGE, 1));
		hide(&view);
		munmap(map, 16 * PAGE);
		pthread_mutex_lock(&files_lock);
		forget_files();
		pthread_mutex_unlock(&files_lock);
	}
	return NULL;
}

static void a_fork_while_another_thread_adopts_is_safe(void **state)
{
	_Atomic bool stop = false;
	char *map = anonymous(16 * PAGE);
	struct view view;
	pthread_t thread;

	(void)state;
	fill(map, 16 * PAGE, 1);
	assert_int_equal(show(&view, map, 16 * PAGE, false), 0);
	assert_int_equal(pthread_create(&thread, NULL, adopt_for_ever,
					(void *)&stop), 0);
	for (int i = 0; i < 30; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			bool ok = filled(map, 16 * PAGE, 1);

			fill(map, 16 * PAGE, 5);
			_exit(ok ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_true(filled(map, 16 * PAGE, 1));
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	hide(&view);
	munmap(map, 16 * PAGE);
}

static uint64_t *volatile signal_page;
static volatile uint64_t signals;

static void on_signal(int number)
{
	(void)number;
	(*(volatile uint64_t *)signal_page)++;
	signals++;
}

static void signal_handlers_lose_no_store_either(void **state)
{
	struct itimerval often = { { 0, 50 }, { 0, 50 } }, never = { 0 };
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };

	(void)state;
	for (int i = 0; i < 100; i++) {
		char *map = anonymous(64 * PAGE);
		struct view view;

		signal_page = (uint64_t *)(map + 63 * PAGE);
		signals = 0;
		sigaction(SIGALRM, &action, NULL);
		setitimer(ITIMER_REAL, &often, NULL);
		while (signals < 3)
			;
		assert_int_equal(show(&view, map, 64 * PAGE, false), 0);
		setitimer(ITIMER_REAL, &never, NULL);
		assert_int_equal(*signal_page, signals);
		assert_int_equal(*(uint64_t *)(view.at + 63 * PAGE), signals);
		hide(&view);
		munmap(map, 64 * PAGE);
		forget_files();
	}
}

/* -- the rest ----------------------------------------------------------------- */

static void the_text_of_maps_says_the_same_as_the_query(void **state)
{
	struct hf_vma *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
	uintptr_t at = 0;
	int n = 0;

	(void)state;
	while (!hf_vma_find(at, false, a)) {
		assert_int_equal(hf_vma_find_text(at, false, b), 0);
		assert_int_equal(a->start, b->start);
		assert_int_equal(a->end, b->end);
		assert_int_equal(a->dev, b->dev);
		assert_int_equal(a->ino, b->ino);
		assert_int_equal(a->prot, b->prot);
		assert_int_equal(a->shared, b->shared);
		assert_int_equal(a->offset, b->offset);
		assert_string_equal(a->name, b->name);
		at = a->end;
		n++;
	}
	assert_true(n > 10);
	/* Only the text has this one, which is the same for everybody. */
	if (!hf_vma_find_text(at, false, b))
		assert_string_equal(b->name, "[vsyscall]");
	free(a);
	free(b);
}

static void a_limit_on_the_size_of_files_is_no_signal(void **state)
{
	struct rlimit limit, old;
	char *map = anonymous(PAGE);
	struct view view;

	(void)state;
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 1 << 20;
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(show(&view, map, PAGE, false), -ENOMEM);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(show(&view, map, PAGE, false), 0);
	hide(&view);
	munmap(map, PAGE);
}

static void without_descriptors_the_memory_stays_as_it_is(void **state)
{
	struct rlimit limit, old;
	char *map = anonymous(4 * PAGE);
	struct view view;

	(void)state;
	fill(map, 4 * PAGE, 1);
	getrlimit(RLIMIT_NOFILE, &old);
	limit = old;
	limit.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_true(show(&view, map, 4 * PAGE, false) < 0);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_true(filled(map, 4 * PAGE, 1));
	check_shared(map, 4 * PAGE);
	munmap(map, 4 * PAGE);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_heap_is_seen_by_the_device),
		TEST(the_heap_still_grows_and_shrinks),
		TEST(bss_and_data_are_seen_by_the_device),
		TEST(a_buffer_on_the_stack_is_seen_by_the_device),
		TEST(the_stack_still_grows_when_its_end_was_adopted),
		TEST(a_threads_stack_is_seen_by_the_device),
		TEST(unaligned_ends_are_rounded_to_pages),
		TEST(memory_that_was_never_touched_stays_unallocated),
		TEST(overlapping_ranges_are_the_same_memory),
		TEST(the_same_range_again_changes_nothing),
		TEST(shared_memory_is_used_as_it_is),
		TEST(a_file_of_shm_open_is_found_by_its_path),
		TEST(what_cannot_be_written_needs_the_flag),
		TEST(what_is_no_memory_is_refused),
		TEST(too_many_pieces_are_enomem),
		TEST(munmap_leaves_the_device_what_it_had),
		TEST(mmap_over_it_leaves_the_device_what_it_had),
		TEST(free_then_malloc_does_not_show_the_device_new_data),
		TEST(mremap_takes_it_along_and_growth_is_zero),
		TEST(realloc_keeps_what_is_in_it),
		TEST(madvise_dontneed_gives_fresh_pages),
		TEST(fork_gives_the_child_memory_of_its_own),
		TEST(the_parents_stores_are_not_seen_by_the_child),
		TEST(the_childs_memory_is_as_protected_as_the_parents),
		TEST(a_spawned_program_runs),
		TEST(userptr_setup_loses_no_concurrent_store),
		TEST(a_fork_loses_no_store_of_another_thread),
		TEST(an_ordinary_user_can_do_it_too),
		TEST(many_threads_adopt_the_same_heap_at_once),
		TEST(a_fork_while_another_thread_adopts_is_safe),
		TEST(signal_handlers_lose_no_store_either),
		TEST(the_text_of_maps_says_the_same_as_the_query),
		TEST(a_limit_on_the_size_of_files_is_no_signal),
		TEST(without_descriptors_the_memory_stays_as_it_is),
	};

	/* The shim's state exists where there is a device to show. */
	setenv(HF_ENV_SOCKET, "none", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
