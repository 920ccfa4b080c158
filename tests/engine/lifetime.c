/* SPDX-License-Identifier: MIT */
/*
 * Memory is held for exactly as long as the device works on it. Jobs are stopped
 * at a WAIT while the program takes away what they use; then they are let go.
 */
#include "engine.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SRC UINT64_C(0x100000000)
#define DST UINT64_C(0x200000000)
#define SIZE (4 * MIB)

/* A job that copies from SRC to an object at DST once it is let go. */
struct dma {
	struct engine engine;
	struct object dst;
	uint32_t done;
};

static void dma_open(struct dma *dma)
{
	engine_open(&dma->engine);
	object_create(dma->engine.fd, SIZE, 0, &dma->dst);
	memset(dma->dst.data, 0x11, SIZE);
	engine_map(&dma->engine, &dma->dst, DST);
}

/* The device has seen the first bytes when this returns. */
static void dma_start(struct dma *dma)
{
	emit_copy_linear(&dma->engine, DST, SRC, 64);
	emit_hold(&dma->engine, 0);
	emit_copy_linear(&dma->engine, DST, SRC, SIZE);
	dma->done = go(&dma->engine);
	await(&dma->engine, 0);
}

static void dma_finish(struct dma *dma)
{
	release(&dma->engine, 0);
	EXPECT_OK(syncobj_wait(dma->engine.fd, dma->done, INT64_MAX));
	EXPECT_EQ(fence_status(dma->engine.fd, dma->done), 1);
}

/* The same in the other direction: the device writes @value into SRC. */
static void dma_start_write(struct dma *dma)
{
	emit_write(&dma->engine, SRC, 0x77777777);
	emit_hold(&dma->engine, 0);
	emit_copy_linear(&dma->engine, SRC, DST, SIZE);
	dma->done = go(&dma->engine);
	await(&dma->engine, 0);
}

static void *anonymous(void *where, uint64_t size)
{
	void *data = mmap(where, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | (where ? MAP_FIXED : 0), -1, 0);

	EXPECT(data != MAP_FAILED);
	return data;
}

/* Bind a page-aligned range of this process at SRC. */
static uint32_t bind_memory(struct dma *dma, const void *data, uint64_t size)
{
	struct drm_holdfast_bind_op op;
	uint32_t handle;

	EXPECT_OK(gem_userptr(dma->engine.fd, data, size, 0, &handle));
	op = map_op(handle, 0, SRC, size, 0);
	EXPECT_OK(vm_bind(dma->engine.fd, dma->engine.vm, &op, 1));
	return handle;
}

/* -- memory of the program ------------------------------------------------------------ */

TEST(munmap_during_dma_keeps_the_old_pages)
{
	struct dma dma;
	void *data;
	uint32_t again;

	dma_open(&dma);
	data = anonymous(NULL, SIZE);
	pattern_fill(data, SIZE, 1);
	bind_memory(&dma, data, SIZE);
	dma_start(&dma);
	EXPECT_OK(result(munmap(data, SIZE)));
	/* Other memory at the same address, and more that wants pages. */
	anonymous(data, SIZE);
	pattern_fill(data, SIZE, 2);
	pattern_fill(anonymous(NULL, SIZE), SIZE, 3);
	dma_finish(&dma);
	EXPECT(pattern_is(dma.dst.data, SIZE, 1));
	EXPECT(pattern_is(data, SIZE, 2));
	/* A new registration of the address is of the new memory. */
	again = bind_memory(&dma, data, SIZE);
	EXPECT(again);
	emit_copy_linear(&dma.engine, DST, SRC, SIZE);
	run(&dma.engine);
	EXPECT(pattern_is(dma.dst.data, SIZE, 2));
}

TEST(free_then_malloc_during_dma_does_not_leak_new_data)
{
	struct dma dma;
	char *secret, *data;
	uint64_t offset;

	/* Big pieces go back to the kernel when they are freed, and come from there. */
	EXPECT(mallopt(M_MMAP_THRESHOLD, 64 * 1024));
	dma_open(&dma);
	data = malloc(SIZE + 2 * PAGE);
	EXPECT(data);
	offset = (PAGE - PTR(data) % PAGE) % PAGE;
	pattern_fill(data + offset, SIZE, 1);
	bind_memory(&dma, data + offset, SIZE);
	dma_start(&dma);
	free(data);
	secret = malloc(SIZE + 2 * PAGE);
	EXPECT(secret);
	memset(secret, 0x5e, SIZE + 2 * PAGE);
	dma_finish(&dma);
	EXPECT(pattern_is(dma.dst.data, SIZE, 1));
	EXPECT(bytes_are(secret, SIZE + 2 * PAGE, 0x5e));
}

TEST(dma_into_freed_memory_does_not_reach_new_data)
{
	struct dma dma;
	char *data, *fresh;
	uint64_t offset;

	EXPECT(mallopt(M_MMAP_THRESHOLD, 64 * 1024));
	dma_open(&dma);
	pattern_fill(dma.dst.data, SIZE, 8);
	data = malloc(SIZE + 2 * PAGE);
	EXPECT(data);
	offset = (PAGE - PTR(data) % PAGE) % PAGE;
	bind_memory(&dma, data + offset, SIZE);
	dma_start_write(&dma);
	EXPECT_EQ(*(uint32_t *)(data + offset), 0x77777777);
	free(data);
	fresh = malloc(SIZE + 2 * PAGE);
	EXPECT(fresh);
	memset(fresh, 0x3c, SIZE + 2 * PAGE);
	dma_finish(&dma);
	EXPECT(bytes_are(fresh, SIZE + 2 * PAGE, 0x3c));
}

TEST(memory_that_stays_is_seen_by_both)
{
	struct dma dma;
	char *data = malloc(SIZE + 2 * PAGE), *start;

	EXPECT(data);
	dma_open(&dma);
	start = data + (PAGE - PTR(data) % PAGE) % PAGE;
	memset(data, 0x22, SIZE + 2 * PAGE);
	bind_memory(&dma, start, SIZE);
	pattern_fill(start, SIZE, 4);
	emit_copy_linear(&dma.engine, DST, SRC, SIZE);
	run(&dma.engine);
	EXPECT(pattern_is(dma.dst.data, SIZE, 4));
	pattern_fill(dma.dst.data, SIZE, 5);
	emit_copy_linear(&dma.engine, SRC, DST, SIZE);
	run(&dma.engine);
	EXPECT(pattern_is(start, SIZE, 5));
	EXPECT(bytes_are(data, (uint64_t)(start - data), 0x22));
	EXPECT(bytes_are(start + SIZE, 2 * PAGE - (uint64_t)(start - data), 0x22));
}

enum change { REMAP, DONTNEED, COVER, MOVE_AWAY };

static void change_during_dma(enum change change)
{
	struct dma dma;
	void *data = anonymous(NULL, SIZE), *elsewhere;

	dma_open(&dma);
	pattern_fill(data, SIZE, 1);
	bind_memory(&dma, data, SIZE);
	dma_start(&dma);
	switch (change) {
	case REMAP:
		elsewhere = mremap(data, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
		EXPECT(elsewhere != MAP_FAILED);
		EXPECT(pattern_is(elsewhere, SIZE, 1));
		break;
	case DONTNEED:
		/* What a program reads then is zero, or it would not be DONTNEED. */
		EXPECT_OK(result(madvise(data, SIZE, MADV_DONTNEED)));
		EXPECT(bytes_are(data, SIZE, 0));
		pattern_fill(data, SIZE, 2);
		break;
	case COVER:
		anonymous((char *)data + MIB, MIB);
		pattern_fill((char *)data + MIB, MIB, 2);
		break;
	case MOVE_AWAY:
		elsewhere = anonymous(NULL, SIZE);
		EXPECT(mremap(data, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere) ==
		       elsewhere);
		EXPECT(pattern_is(elsewhere, SIZE, 1));
		anonymous(data, SIZE);
		pattern_fill(data, SIZE, 2);
		break;
	}
	dma_finish(&dma);
	EXPECT(pattern_is(dma.dst.data, SIZE, 1));
}

TEST(mremap_during_dma_keeps_the_old_pages)
{
	change_during_dma(REMAP);
}

TEST(a_move_during_dma_keeps_the_old_pages)
{
	change_during_dma(MOVE_AWAY);
}

TEST(madvise_dontneed_during_dma_keeps_the_old_pages)
{
	change_during_dma(DONTNEED);
}

TEST(a_mapping_over_the_memory_during_dma_keeps_the_old_pages)
{
	change_during_dma(COVER);
}

/* The child's stores are its own, the parent's reach the device. */
TEST(fork_during_dma_does_not_mix_parent_and_child)
{
	struct dma dma;
	uint32_t *data = anonymous(NULL, SIZE);
	int fds[2];
	pid_t pid;

	dma_open(&dma);
	pattern_fill(data, SIZE, 1);
	bind_memory(&dma, data, SIZE);
	dma_start(&dma);
	EXPECT_OK(result(pipe(fds)));
	pid = fork_child();
	if (!pid) {
		char byte;

		close(fds[1]);
		/* What the parent stores later is not seen here. */
		EXPECT_EQ(read(fds[0], &byte, 1), 0);
		EXPECT(pattern_is(data, SIZE, 1));
		memset(data, 0x44, SIZE);
		_exit(0);
	}
	close(fds[0]);
	pattern_fill(data, SIZE, 2);
	close(fds[1]);
	join_child(pid);
	EXPECT(pattern_is(data, SIZE, 2));
	dma_finish(&dma);
	EXPECT(pattern_is(dma.dst.data, SIZE, 2));
}

TEST(userptr_checks_its_arguments)
{
	int fd = open_render();
	char *data = anonymous(NULL, 4 * PAGE);
	uint32_t handle;

	EXPECT_ERROR(gem_userptr(fd, data, 0, 0, &handle), EINVAL);
	EXPECT_ERROR(gem_userptr(fd, data, PAGE, 2, &handle), EINVAL);
	EXPECT_ERROR(gem_userptr(fd, NULL, 0, 2, &handle), EINVAL);
	EXPECT_ERROR(gem_userptr(fd, data, -(uint64_t)PAGE, 0, &handle), EFAULT);
	EXPECT_ERROR(gem_userptr(fd, NULL, PAGE, 0, &handle), EFAULT);
	EXPECT_OK(result(munmap(data + 2 * PAGE, PAGE)));
	EXPECT_ERROR(gem_userptr(fd, data, 4 * PAGE, 0, &handle), EFAULT);
	EXPECT_ERROR(gem_userptr(fd, data + 2 * PAGE, 1, 0, &handle), EFAULT);
	EXPECT_OK(gem_userptr(fd, data, 2 * PAGE, 0, &handle));
	EXPECT_OK(result(mprotect(data, PAGE, PROT_NONE)));
	EXPECT_ERROR(gem_userptr(fd, data, PAGE, HOLDFAST_USERPTR_READ_ONLY, &handle), EFAULT);
}

TEST(userptr_takes_unaligned_ranges)
{
	struct dma dma;
	struct drm_holdfast_bind_op op;
	char *data = anonymous(NULL, 4 * PAGE);
	uint32_t handle;

	dma_open(&dma);
	for (int i = 0; i < 4 * (int)PAGE; i++)
		data[i] = (char)(i % 251);
	/* The last byte of one page and the first of the next: two pages. */
	EXPECT_OK(gem_userptr(dma.engine.fd, data + 2 * PAGE - 1, 2, 0, &handle));
	op = map_op(handle, 0, SRC, 3 * PAGE, 0);
	EXPECT_ERROR(vm_bind(dma.engine.fd, dma.engine.vm, &op, 1), EINVAL);
	op = map_op(handle, 0, SRC, 2 * PAGE, 0);
	EXPECT_OK(vm_bind(dma.engine.fd, dma.engine.vm, &op, 1));
	emit_copy_linear(&dma.engine, DST, SRC + PAGE - 1, 2);
	run(&dma.engine);
	EXPECT(!memcmp(dma.dst.data, data + 2 * PAGE - 1, 2));
}

TEST(userptr_has_no_offset_and_no_dmabuf)
{
	int fd = open_render(), dmabuf;
	char *data = anonymous(NULL, PAGE);
	uint32_t handle;
	uint64_t offset;

	EXPECT_OK(gem_userptr(fd, data, PAGE, 0, &handle));
	EXPECT_ERROR(gem_mmap_offset(fd, handle, &offset), EPERM);
	EXPECT_ERROR(prime_export(fd, handle, O_RDWR, &dmabuf), EPERM);
	EXPECT_OK(gem_close(fd, handle));
}

TEST(read_only_memory_needs_a_read_only_userptr)
{
	struct dma dma;
	struct drm_holdfast_bind_op op;
	void *data = anonymous(NULL, PAGE);
	uint32_t handle;

	dma_open(&dma);
	memset(data, 0x66, PAGE);
	EXPECT_OK(result(mprotect(data, PAGE, PROT_READ)));
	EXPECT_ERROR(gem_userptr(dma.engine.fd, data, PAGE, 0, &handle), EFAULT);
	EXPECT_OK(gem_userptr(dma.engine.fd, data, PAGE, HOLDFAST_USERPTR_READ_ONLY, &handle));
	op = map_op(handle, 0, SRC, PAGE, 0);
	EXPECT_ERROR(vm_bind(dma.engine.fd, dma.engine.vm, &op, 1), EACCES);
	op.flags = HOLDFAST_BIND_READ_ONLY;
	EXPECT_OK(vm_bind(dma.engine.fd, dma.engine.vm, &op, 1));
	emit_copy_linear(&dma.engine, DST, SRC, PAGE);
	run(&dma.engine);
	EXPECT(bytes_are(dma.dst.data, PAGE, 0x66));
	emit_write(&dma.engine, SRC, 0);
	run_fault(&dma.engine, HOLDFAST_FAULT_READ_ONLY, SRC, true);
	EXPECT(bytes_are(data, PAGE, 0x66));
}

TEST(overlapping_userptrs_are_the_same_memory)
{
	struct dma dma;
	char *data = anonymous(NULL, 3 * PAGE);
	struct drm_holdfast_bind_op ops[2];
	uint32_t one, two;

	dma_open(&dma);
	EXPECT_OK(gem_userptr(dma.engine.fd, data, 2 * PAGE, 0, &one));
	EXPECT_OK(gem_userptr(dma.engine.fd, data + PAGE, 2 * PAGE, 0, &two));
	ops[0] = map_op(one, 0, SRC, 2 * PAGE, 0);
	ops[1] = map_op(two, 0, SRC + MIB, 2 * PAGE, 0);
	EXPECT_OK(vm_bind(dma.engine.fd, dma.engine.vm, ops, 2));
	emit_write(&dma.engine, SRC + PAGE, 0x1234);
	emit_copy_linear(&dma.engine, DST, SRC + MIB, 4);
	run(&dma.engine);
	EXPECT_EQ(*(uint32_t *)dma.dst.data, 0x1234);
	EXPECT_EQ(*(uint32_t *)(data + PAGE), 0x1234);
}

TEST(too_much_user_memory_is_refused_by_its_size)
{
	int fd = open_render();
	uint64_t max = get_param(fd, HOLDFAST_PARAM_USERPTR_MAX);
	uint32_t handle;
	void *data;

	/*
	 * Before anything is looked at or done to the memory. (PROT_NONE, lest a
	 * driver that does not know that eats up the machine.)
	 */
	data = mmap(NULL, max + PAGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	EXPECT(data != MAP_FAILED);
	EXPECT_ERROR(gem_userptr(fd, data, max + PAGE, 0, &handle), ENOMEM);
}

TEST(user_pages_are_held_while_they_are_bound)
{
	uint64_t before = info("user_pages");
	struct dma dma;
	uint32_t handle;

	dma_open(&dma);
	handle = bind_memory(&dma, anonymous(NULL, 16 * PAGE), 16 * PAGE);
	EXPECT_EQ(info("user_pages"), before + 16);
	EXPECT_OK(gem_close(dma.engine.fd, handle));
	EXPECT_EQ(info("user_pages"), before + 16);
	EXPECT_OK(vm_unmap(dma.engine.fd, dma.engine.vm, SRC, 16 * PAGE));
	EXPECT_EQ(info("user_pages"), before);
}

TEST(user_pages_return_when_the_last_fence_signals)
{
	uint64_t before = info("user_pages");
	struct dma dma;
	uint32_t handle;
	void *data;

	dma_open(&dma);
	data = anonymous(NULL, SIZE);
	handle = bind_memory(&dma, data, SIZE);
	dma_start(&dma);
	EXPECT_OK(gem_close(dma.engine.fd, handle));
	EXPECT_OK(result(munmap(data, SIZE)));
	EXPECT_EQ(info("user_pages"), before + SIZE / PAGE);
	dma_finish(&dma);
	EXPECT_OK(vm_unmap(dma.engine.fd, dma.engine.vm, SRC, SIZE));
	EXPECT_EQ(info("user_pages"), before);
}

/* A thread counts in each page of the memory, and beside it what it counted. */
struct counter {
	_Atomic bool stop;
	uint32_t *pages;
	unsigned int word;
	uint32_t counted[64];
};

static void *count_all_the_time(void *arg)
{
	struct counter *counter = arg;

	while (!counter->stop) {
		for (size_t i = 0; i < ARRAY_SIZE(counter->counted); i++) {
			((volatile uint32_t *)counter->pages)[i * PAGE / 4 + counter->word]++;
			counter->counted[i]++;
		}
	}
	return NULL;
}

TEST(userptr_setup_loses_no_concurrent_store)
{
	enum { THREADS = 3, PAGES = 64 };
	int fd = open_render();
	uint32_t handle;

	for (int round = 0; round < 100; round++) {
		struct counter counters[THREADS] = { 0 };
		pthread_t threads[THREADS];
		uint32_t *pages = anonymous(NULL, PAGES * PAGE);

		for (unsigned int i = 0; i < THREADS; i++) {
			counters[i].pages = pages;
			counters[i].word = 16 * i;
			EXPECT_OK(pthread_create(&threads[i], NULL, count_all_the_time,
						 &counters[i]));
		}
		usleep(500);
		EXPECT_OK(gem_userptr(fd, pages, PAGES * PAGE, 0, &handle));
		usleep(500);
		for (unsigned int i = 0; i < THREADS; i++) {
			counters[i].stop = true;
			EXPECT_OK(pthread_join(threads[i], NULL));
			for (unsigned int page = 0; page < PAGES; page++)
				EXPECT_EQ(pages[page * PAGE / 4 + counters[i].word],
					  counters[i].counted[page]);
		}
		EXPECT_OK(gem_close(fd, handle));
		EXPECT_OK(result(munmap(pages, PAGES * PAGE)));
	}
}

/* -- objects ---------------------------------------------------------------------------- */

TEST(closing_the_handle_during_dma_keeps_the_pages)
{
	struct object src, other;
	struct dma dma;

	dma_open(&dma);
	object_create(dma.engine.fd, SIZE, 0, &src);
	pattern_fill(src.data, SIZE, 1);
	engine_map(&dma.engine, &src, SRC);
	dma_start(&dma);
	object_destroy(&src);
	/* Who comes now would get the pages if they were free. */
	for (uint32_t i = 0; i < 8; i++) {
		object_create(dma.engine.fd, SIZE, 0, &other);
		EXPECT(bytes_are(other.data, SIZE, 0));
		pattern_fill(other.data, SIZE, 100 + i);
	}
	dma_finish(&dma);
	EXPECT(pattern_is(dma.dst.data, SIZE, 1));
}

/* An unmap by the CPU is nothing to the device, neither is one by the device to the CPU. */
TEST(munmap_of_an_object_during_dma_keeps_its_pages)
{
	struct object src;
	struct dma dma;

	dma_open(&dma);
	object_create(dma.engine.fd, SIZE, 0, &src);
	pattern_fill(src.data, SIZE, 1);
	engine_map(&dma.engine, &src, SRC);
	dma_start(&dma);
	EXPECT_OK(result(munmap(src.data, SIZE)));
	dma_finish(&dma);
	EXPECT(pattern_is(dma.dst.data, SIZE, 1));
	EXPECT_OK(vm_unmap(dma.engine.fd, dma.engine.vm, SRC, SIZE));
	src.data = gem_map(src.fd, src.handle, SIZE);
	EXPECT(pattern_is(src.data, SIZE, 1));
}

TEST(pages_return_when_the_last_fence_signals)
{
	uint64_t pages, objects, mapped;
	struct engine engine;
	struct object src;
	uint32_t done;

	engine_open(&engine);
	emit_write(&engine, SLOT(5), 0);
	run(&engine);
	/* The tables of this range exist from now on. */
	object_create(engine.fd, SIZE, 0, &src);
	engine_map(&engine, &src, SRC);
	EXPECT_OK(vm_unmap(engine.fd, engine.vm, SRC, SIZE));
	object_destroy(&src);
	pages = info("pages_held");
	objects = info("object_count");
	mapped = info("dma_mapped_bytes");
	object_create(engine.fd, SIZE, 0, &src);
	engine_map(&engine, &src, SRC);
	EXPECT(info("pages_held") >= pages + SIZE / PAGE);
	EXPECT(info("dma_mapped_bytes") >= mapped + SIZE);
	EXPECT_EQ(info("object_count"), objects + 1);
	emit_write(&engine, SRC, 1);
	emit_hold(&engine, 0);
	done = go(&engine);
	await(&engine, 0);
	EXPECT_EQ(info("jobs"), 1);
	/* Nothing but the job has it now. */
	object_destroy(&src);
	EXPECT_OK(vm_unmap(engine.fd, engine.vm, SRC, SIZE));
	EXPECT(info("pages_held") >= pages + SIZE / PAGE);
	EXPECT(info("dma_mapped_bytes") >= mapped + SIZE);
	release(&engine, 0);
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	/* No waiting here: they are back when the fence has signaled. */
	EXPECT_EQ(info("pages_held"), pages);
	EXPECT_EQ(info("dma_mapped_bytes"), mapped);
	EXPECT_EQ(info("object_count"), objects);
	EXPECT_EQ(info("jobs"), 0);
}

TEST(the_last_of_several_jobs_returns_the_pages)
{
	uint64_t pages;
	struct engine engine, sides[3];
	struct object src;
	uint32_t done[3];

	engine_open(&engine);
	object_create(engine.fd, SIZE, 0, &src);
	engine_map(&engine, &src, SRC);
	EXPECT_OK(vm_unmap(engine.fd, engine.vm, SRC, SIZE));
	object_destroy(&src);
	for (unsigned int i = 0; i < 3; i++)
		engine_sibling(&engine, &sides[i]);
	pages = info("pages_held");
	object_create(engine.fd, SIZE, 0, &src);
	engine_map(&engine, &src, SRC);
	for (unsigned int i = 0; i < 3; i++) {
		emit_hold(&sides[i], 2 * i);
		done[i] = go(&sides[i]);
		await(&sides[i], 2 * i);
	}
	object_destroy(&src);
	EXPECT_OK(vm_unmap(engine.fd, engine.vm, SRC, SIZE));
	for (unsigned int i = 0; i < 3; i++) {
		EXPECT(info("pages_held") >= pages + SIZE / PAGE);
		release(&sides[i], 2 * i);
		EXPECT_OK(syncobj_wait(engine.fd, done[i], INT64_MAX));
	}
	EXPECT_EQ(info("pages_held"), pages);
}

TEST(a_failed_job_returns_the_pages_too)
{
	uint64_t pages, faults;
	struct engine engine;
	struct object src;
	uint32_t done;

	engine_open(&engine);
	object_create(engine.fd, SIZE, 0, &src);
	engine_map(&engine, &src, SRC);
	EXPECT_OK(vm_unmap(engine.fd, engine.vm, SRC, SIZE));
	object_destroy(&src);
	pages = info("pages_held");
	faults = info("iommu_faults");
	object_create(engine.fd, SIZE, 0, &src);
	engine_map(&engine, &src, SRC);
	emit_hold(&engine, 0);
	emit_write(&engine, SRC, 1);
	done = go(&engine);
	await(&engine, 0);
	object_destroy(&src);
	EXPECT_OK(vm_unmap(engine.fd, engine.vm, SRC, SIZE));
	release(&engine, 0);
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	EXPECT(fence_status(engine.fd, done) < 0);
	EXPECT_EQ(info("pages_held"), pages);
	/* The MMU stops it; nothing stale gets as far as the IOMMU. */
	EXPECT_EQ(info("iommu_faults"), faults);
}

/* -- files and processes -------------------------------------------------------------------- */

static const char *const counts[] = {
	"pages_held", "user_pages", "dma_mapped_bytes", "object_count", "object_bytes", "jobs",
};

static void take_counts(uint64_t *values)
{
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		values[i] = info(counts[i]);
}

static void await_counts(const uint64_t *values)
{
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		await_info(counts[i], values[i]);
}

/* Everything that a client can have, with jobs that are in the midst of it. */
static void be_busy(bool user_memory)
{
	struct engine sibling;
	struct object src;
	struct dma dma;

	dma_open(&dma);
	if (user_memory) {
		bind_memory(&dma, anonymous(NULL, SIZE), SIZE);
	} else {
		object_create(dma.engine.fd, SIZE, 0, &src);
		engine_map(&dma.engine, &src, SRC);
	}
	dma_start(&dma);
	/* Another that runs, one that is queued, one that waits for a fence. */
	engine_sibling(&dma.engine, &sibling);
	emit_hold(&sibling, 4);
	go(&sibling);
	await(&sibling, 4);
	go(&sibling);
	engine_sibling(&dma.engine, &sibling);
	EXPECT_OK(submit(&sibling, &(struct drm_holdfast_sync){ .handle = dma.done }, 1, NULL, 0));
}

static void kill_busy(bool user_memory)
{
	uint64_t before[ARRAY_SIZE(counts)];
	int fds[2];
	char byte;
	pid_t pid;

	take_counts(before);
	EXPECT_OK(result(pipe(fds)));
	pid = fork_child();
	if (!pid) {
		be_busy(user_memory);
		EXPECT_EQ(write(fds[1], "", 1), 1);
		pause();
		_exit(1);
	}
	close(fds[1]);
	EXPECT_EQ(read(fds[0], &byte, 1), 1);
	EXPECT(info("jobs") >= before[5] + 2);
	EXPECT(info("pages_held") >= before[0] + 2 * SIZE / PAGE);
	EXPECT_OK(result(kill(pid, SIGKILL)));
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	await_counts(before);
}

TEST(killing_the_client_during_dma_frees_everything_afterwards)
{
	kill_busy(false);
}

TEST(killing_the_owner_of_user_memory_during_dma_frees_everything_afterwards)
{
	kill_busy(true);
}

TEST(closing_the_file_during_dma_frees_everything_afterwards)
{
	uint64_t before[ARRAY_SIZE(counts)];

	take_counts(before);
	IN_CHILD(be_busy(false););
	await_counts(before);
}

/* Killed, while others have what it made and see what it had begun to write. */
TEST(what_a_killed_client_shared_stays)
{
	int sockets[2], dmabuf;
	struct engine engine;
	struct object object;
	pid_t pid;

	EXPECT_OK(result(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets)));
	pid = fork_child();
	if (!pid) {
		struct dma dma;

		dma_open(&dma);
		pattern_fill(dma.dst.data, SIZE, 6);
		EXPECT_OK(prime_export(dma.engine.fd, dma.dst.handle, O_RDWR, &dmabuf));
		emit_hold(&dma.engine, 0);
		EXPECT_OK(submit(&dma.engine, NULL, 0, &(struct drm_holdfast_object){
				 dma.dst.handle, HOLDFAST_OBJECT_WRITE }, 1));
		await(&dma.engine, 0);
		send_fd(sockets[1], dmabuf);
		pause();
		_exit(1);
	}
	dmabuf = receive_fd(sockets[0]);
	engine_open(&engine);
	object = (struct object){ .fd = engine.fd, .size = SIZE };
	EXPECT_OK(prime_import(engine.fd, dmabuf, &object.handle));
	EXPECT_ERROR(gem_wait(engine.fd, object.handle, 0, 0), ETIME);
	EXPECT_OK(result(kill(pid, SIGKILL)));
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	/* Nobody waits for ever for what will never be. */
	EXPECT_OK(gem_wait(engine.fd, object.handle, HOLDFAST_WAIT_WRITE, INT64_MAX));
	engine_map(&engine, &object, DST);
	object.data = gem_map(engine.fd, object.handle, SIZE);
	EXPECT(pattern_is(object.data, SIZE, 6));
}

TEST(one_client_cannot_map_or_submit_anothers_object)
{
	struct engine victim, thief;
	struct object object = { 0 };
	struct drm_holdfast_object entry;
	struct drm_holdfast_sync sync;
	struct drm_holdfast_bind_op op;
	struct drm_holdfast_ctx_query query;
	uint64_t offset, nothing;
	uint32_t retained, syncobj = 0, vm = 0, ctx = 0;
	int dmabuf;

	engine_open(&victim);
	/* Numbers that the thief does not have. */
	for (int i = 0; i < 20; i++) {
		object_create(victim.fd, PAGE, 0, &object);
		syncobj = syncobj_create(victim.fd);
		EXPECT_OK(vm_create(victim.fd, &vm));
		EXPECT_OK(ctx_create(victim.fd, vm, HOLDFAST_PRIORITY_LOW, 0, &ctx));
	}
	pattern_fill(object.data, PAGE, 1);
	engine_map(&victim, &object, SRC);
	EXPECT_OK(gem_mmap_offset(victim.fd, object.handle, &offset));

	engine_open(&thief);
	op = map_op(object.handle, 0, SRC, PAGE, 0);
	EXPECT_ERROR(vm_bind(thief.fd, thief.vm, &op, 1), ENOENT);
	EXPECT_ERROR(gem_mmap_offset(thief.fd, object.handle, &nothing), ENOENT);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, thief.fd, (off_t)offset) == MAP_FAILED);
	EXPECT_EQ(errno, EACCES);
	EXPECT_ERROR(gem_madvise(thief.fd, object.handle, HOLDFAST_MADV_DONTNEED, &retained),
		     ENOENT);
	EXPECT_ERROR(gem_wait(thief.fd, object.handle, 0, 0), ENOENT);
	EXPECT_ERROR(prime_export(thief.fd, object.handle, 0, &dmabuf), ENOENT);
	entry = (struct drm_holdfast_object){ object.handle, HOLDFAST_OBJECT_WRITE };
	EXPECT_ERROR(submit(&thief, NULL, 0, &entry, 1), ENOENT);
	sync = signal_to(syncobj, 0);
	EXPECT_ERROR(submit(&thief, &sync, 1, NULL, 0), ENOENT);
	EXPECT_ERROR(vm_unmap(thief.fd, vm, SRC, PAGE), ENOENT);
	EXPECT_ERROR(vm_destroy(thief.fd, vm), ENOENT);
	EXPECT_ERROR(ctx_create(thief.fd, vm, 0, 0, &retained), ENOENT);
	EXPECT_ERROR(ctx_destroy(thief.fd, ctx), ENOENT);
	query = (struct drm_holdfast_ctx_query){ .ctx_id = ctx };
	EXPECT_ERROR(call(thief.fd, DRM_IOCTL_HOLDFAST_CTX_QUERY, &query), ENOENT);
	/* Neither does an address of the victim's mean anything to it. */
	emit_copy_linear(&thief, SLOTS_VA, SRC, 4);
	run_fault(&thief, HOLDFAST_FAULT_UNMAPPED, SRC, false);
	EXPECT(pattern_is(object.data, PAGE, 1));
}
