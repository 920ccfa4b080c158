/* SPDX-License-Identifier: MIT */
/*
 * A device that does not see the CPU's caches: it works on what was last synced
 * to it, and a sync that a program has forgotten is found. Run with
 * --non-coherent.
 */
#include "engine.h"

#include <linux/dma-buf.h>

#define SRC UINT64_C(0x100000000)
#define DST UINT64_C(0x200000000)
#define SIZE (1 * MIB)

/* Two bound objects with their dma-bufs. */
struct pair {
	struct engine engine;
	struct object src, dst;
	int src_file, dst_file;
};

static void sync_dmabuf(int dmabuf, uint64_t flags)
{
	EXPECT_OK(call(dmabuf, DMA_BUF_IOCTL_SYNC, &(struct dma_buf_sync){ .flags = flags }));
}

static void open_pair(struct pair *pair)
{
	int fd = open_master();

	if (get_param(fd, HOLDFAST_PARAM_COHERENT))
		skip("the device sees the CPU's caches");
	engine_create(fd, PATIENT_MS, &pair->engine);
	object_create(fd, SIZE, 0, &pair->src);
	object_create(fd, SIZE, 0, &pair->dst);
	pattern_fill(pair->src.data, SIZE, 1);
	EXPECT_OK(prime_export(fd, pair->src.handle, O_RDWR, &pair->src_file));
	EXPECT_OK(prime_export(fd, pair->dst.handle, O_RDWR, &pair->dst_file));
	engine_map(&pair->engine, &pair->src, SRC);
	engine_map(&pair->engine, &pair->dst, DST);
}

static void copy(struct pair *pair)
{
	emit_copy_linear(&pair->engine, DST, SRC, SIZE);
	run(&pair->engine);
}

static void expect_copied(struct pair *pair, uint32_t seed)
{
	sync_dmabuf(pair->dst_file, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	EXPECT(pattern_is(pair->dst.data, SIZE, seed));
	sync_dmabuf(pair->dst_file, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
}

TEST(what_was_stored_before_the_bind_is_seen)
{
	struct pair pair;

	open_pair(&pair);
	copy(&pair);
	expect_copied(&pair, 1);
}

TEST(with_syncs_all_is_seen)
{
	uint64_t missed = info("missed_syncs");
	struct pair pair;

	open_pair(&pair);
	for (uint32_t round = 2; round < 6; round++) {
		sync_dmabuf(pair.src_file, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
		pattern_fill(pair.src.data, SIZE, round);
		sync_dmabuf(pair.src_file, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
		copy(&pair);
		expect_copied(&pair, round);
	}
	EXPECT_EQ(info("missed_syncs"), missed);
}

/* The device works on what was last synced to it, and it is said whose fault it is. */
TEST(missing_cpu_sync_is_reported)
{
	uint64_t missed = info("missed_syncs");
	struct pair pair;

	open_pair(&pair);
	copy(&pair);
	pattern_fill(pair.src.data, SIZE, 2);
	copy(&pair);
	expect_copied(&pair, 1);
	sync_dmabuf(pair.src_file, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	EXPECT(info("missed_syncs") > missed);
	pattern_fill(pair.src.data, SIZE, 3);
	sync_dmabuf(pair.src_file, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	copy(&pair);
	expect_copied(&pair, 3);
}

TEST(without_a_sync_the_cpu_does_not_see_what_the_device_wrote)
{
	struct pair pair;

	open_pair(&pair);
	copy(&pair);
	EXPECT(bytes_are(pair.dst.data, SIZE, 0));
	expect_copied(&pair, 1);
}

TEST(an_unbind_gives_the_memory_back_to_the_cpu)
{
	struct pair pair;

	open_pair(&pair);
	copy(&pair);
	EXPECT_OK(vm_unmap(pair.engine.fd, pair.engine.vm, DST, SIZE));
	EXPECT(pattern_is(pair.dst.data, SIZE, 1));
}

TEST(dumb_buffers_need_no_sync)
{
	struct engine engine;
	struct object object;
	struct dumb dumb;
	uint32_t *numbers;
	int fd = open_master();

	engine_create(fd, PATIENT_MS, &engine);
	dumb_create(fd, 64, 64, 32, &dumb);
	object = (struct object){ fd, dumb.handle, dumb.size, dumb_map(&dumb) };
	engine_map(&engine, &object, SRC);
	numbers = object.data;
	for (uint32_t i = 1; i < 5; i++) {
		numbers[0] = i;
		emit_copy_linear(&engine, SRC + 4, SRC, 4);
		run(&engine);
		EXPECT_EQ(numbers[1], i);
	}
}

/* The start of an access waits for the jobs in its way. */
TEST(a_sync_waits_for_the_writer)
{
	struct drm_holdfast_object object;
	struct pair pair;
	pid_t pid;
	int fds[2];

	open_pair(&pair);
	object = (struct drm_holdfast_object){ pair.dst.handle, HOLDFAST_OBJECT_WRITE };
	emit_hold(&pair.engine, 0);
	emit_copy_linear(&pair.engine, DST, SRC, SIZE);
	EXPECT_OK(submit(&pair.engine, NULL, 0, &object, 1));
	await(&pair.engine, 0);
	EXPECT_OK(result(pipe(fds)));
	pid = fork_child();
	if (!pid) {
		expect_copied(&pair, 1);
		EXPECT_EQ(write(fds[1], "", 1), 1);
		_exit(0);
	}
	EXPECT(!readable(fds[0], 100));
	release(&pair.engine, 0);
	join_child(pid);
}
