/* SPDX-License-Identifier: MIT */
/*
 * sync_files, dma-bufs as descriptors, and what stands in for one in a poll:
 * their ioctls through the dispatcher, with fences that the test signals.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fdcount.h"
#include "mem/backing.h"
#include "mem/shmem.h"
#include "sync/resv.h"
#include "sync/sync_file.h"
#include "sync/watch.h"
#include "uapi/call.h"
#include "uapi/dma_buf.h"

#define PAGE 4096

static struct hf_system *sys;
static struct hf_timeline one, two;
static struct hf_backing *backing;
static unsigned int open_before;

static int setup(void **state)
{
	(void)state;
	open_before = count_fds();
	sys = hf_system_create(&(struct hf_memory_options){ 0 });
	assert_non_null(sys);
	hf_timeline_init(&one, "one");
	hf_timeline_init(&two, "two");
	backing = hf_backing_create(sys->mem, PAGE, false, 0);
	assert_non_null(backing);
	assert_int_equal(hf_backing_share(backing), 0);
	return 0;
}

/* Descriptors that clients have closed. */
static void reap(void)
{
	uint64_t ids[16];
	int n;

	while ((n = hf_endpoints_poll(&sys->endpoints, ids, 16)))
		while (n)
			hf_endpoints_hang_up(&sys->endpoints, ids[--n]);
}

static int teardown(void **state)
{
	(void)state;
	reap();
	assert_null(sys->endpoints.by_id);
	hf_backing_put(backing);
	hf_system_destroy(sys);
	assert_int_equal(count_fds(), open_before);
	return 0;
}

/* -- calls ----------------------------------------------------------------- */

/* A call on a descriptor, with a payload for one array. */
struct fd_call {
	struct hf_call call;
	unsigned int done;
	int ret;
	uint64_t payload[64];
};

static void done(struct hf_call *call, int ret)
{
	struct fd_call *c = wl_container_of(call, c, call);

	c->done++;
	c->ret = ret;
}

static int begin(struct fd_call *c, int fd, uint32_t cmd, void *arg)
{
	memset(c, 0, sizeof(*c));
	wl_list_init(&c->call.file_link);
	c->call.sys = sys;
	c->call.cmd = cmd;
	c->call.arg = arg;
	c->call.done = done;
	c->call.fds_in[0] = fd;
	c->call.nfds_in = 1;
	c->call.payload = (uint8_t *)c->payload;
	c->call.payload_size = sizeof(c->payload);
	c->call.arrays[0].len = sizeof(c->payload);
	return hf_call_dispatch_fd(&c->call);
}

/* One that is over when it returns, and gives out no descriptor. */
static int run(int fd, uint32_t cmd, void *arg)
{
	struct fd_call c;
	int ret = begin(&c, fd, cmd, arg);

	assert_int_equal(c.call.nfds_out, 0);
	hf_call_release(&c.call);
	return ret;
}

/* The client answers that `number` is this descriptor, or none. */
static int answer(struct fd_call *c, int fd)
{
	assert_int_equal(c->call.asks[c->call.nasks - 1].kind, HF_ASK_FD);
	c->call.asks[c->call.nasks - 1].result = fd < 0 ? -EBADF : 1;
	c->call.fds_in[1] = fd;
	c->call.nfds_in = fd < 0 ? 1 : 2;
	return hf_call_dispatch_fd(&c->call);
}

/* The descriptor that came out. */
static int take_fd(struct fd_call *c)
{
	assert_int_equal(c->call.nfds_out, 1);
	assert_int_equal(c->call.cloexec, 1);
	c->call.nfds_out = 0;
	hf_call_release(&c->call);
	return c->call.fds_out[0];
}

static int merge(int a, int b, struct sync_merge_data *data, int *out)
{
	struct fd_call c;
	int ret = begin(&c, a, SYNC_IOC_MERGE, data);

	if (ret == HF_WIRE_ASK) {
		assert_int_equal(c.call.asks[0].what, (uint32_t)data->fd2);
		ret = answer(&c, b);
	}
	if (!ret)
		*out = take_fd(&c);
	else
		hf_call_release(&c.call);
	return ret;
}

static int file_of(struct hf_fence *fence)
{
	int fd = hf_sync_file_create(&sys->endpoints, sys->instance, fence);

	assert_true(fd >= 0);
	return fd;
}

static short polls(int fd)
{
	struct pollfd pollfd = { fd, POLLIN | POLLOUT, 0 };

	assert_true(poll(&pollfd, 1, 0) >= 0);
	return pollfd.revents;
}

/* A fence that is not signaled yet. */
static struct hf_fence *pending(struct hf_timeline *timeline)
{
	struct hf_fence *fence = hf_fence_create(timeline);

	assert_non_null(fence);
	return fence;
}

static void finish(struct hf_fence *fence, int error)
{
	hf_fence_signal(fence, error, 1000);
	hf_fence_put(fence);
}

/* -- files ----------------------------------------------------------------- */

static void a_file_is_readable_once_its_fence_is_signaled(void **state)
{
	struct hf_fence *fence = pending(&one);
	int early = file_of(fence), late;

	(void)state;
	assert_ptr_equal(hf_sync_file_fence(&sys->endpoints, early), fence);
	assert_int_equal(polls(early), 0);
	hf_fence_signal(fence, 0, 1);
	assert_int_equal(polls(early), POLLIN);
	late = file_of(fence);
	assert_int_equal(polls(late), POLLIN);
	hf_fence_put(fence);
	close(early);
	close(late);
}

static void a_closed_file_is_not_told(void **state)
{
	struct hf_fence *fence = pending(&one);
	int fd = file_of(fence);

	(void)state;
	close(fd);
	reap();
	assert_true(wl_list_empty(&fence->callbacks));
	assert_int_equal(fence->refcount, 1);
	finish(fence, 0);
}

static void a_file_without_a_name_is_called_after_its_fence(void **state)
{
	struct hf_fence *fence = pending(&one);
	char name[HF_SYNC_FILE_NAME], want[96];
	int fd = file_of(fence);

	(void)state;
	snprintf(want, sizeof(want), "holdfast-one%lu-1", one.id);
	hf_sync_file_name(&sys->endpoints, fd, name);
	assert_string_equal(name, want);
	close(fd);
	finish(fence, 0);
}

static void a_long_name_is_cut_and_ends(void **state)
{
	struct hf_fence *fence = pending(&one);
	char name[HF_SYNC_FILE_NAME];
	int fd = hf_sync_file_create_named(
		&sys->endpoints, sys->instance, fence,
		"0123456789012345678901234567890123456789");

	(void)state;
	hf_sync_file_name(&sys->endpoints, fd, name);
	assert_string_equal(name, "0123456789012345678901234567890");
	close(fd);
	finish(fence, 0);
}

static void what_is_no_sync_file_has_no_fence(void **state)
{
	int watch = hf_watch_create(&sys->endpoints, sys->instance, NULL, NULL);
	char name[HF_SYNC_FILE_NAME] = "something";

	(void)state;
	assert_true(watch >= 0);
	assert_null(hf_sync_file_fence(&sys->endpoints, watch));
	assert_null(hf_sync_file_fence(&sys->endpoints, backing->fd));
	assert_null(hf_sync_file_fence(&sys->endpoints, -1));
	hf_sync_file_name(&sys->endpoints, watch, name);
	assert_string_equal(name, "");
	close(watch);
}

/* -- SYNC_IOC_FILE_INFO ---------------------------------------------------- */

static void only_rows_of_the_table_are_dispatched(void **state)
{
	uint64_t arg[16] = { 0 };
	struct fd_call c;

	(void)state;
	assert_int_equal(run(backing->fd, _IOWR('>', 99, uint64_t), arg),
			 -ENOTTY);
	assert_int_equal(run(backing->fd, _IOW('b', 0, uint32_t), arg), -ENOTTY);
	/* The client forgot the descriptor. */
	begin(&c, 0, 0, arg);
	c.call.cmd = DMA_BUF_IOCTL_SYNC;
	c.call.nfds_in = 0;
	assert_int_equal(hf_call_dispatch_fd(&c.call), -ENOTTY);
}

static void sync_file_ioctls_on_anything_else_are_enotty(void **state)
{
	struct sync_merge_data data = { .flags = 1 };
	struct sync_file_info info = { .flags = 1 };

	(void)state;
	assert_int_equal(run(backing->fd, SYNC_IOC_MERGE, &data), -ENOTTY);
	assert_int_equal(run(backing->fd, SYNC_IOC_FILE_INFO, &info), -ENOTTY);
}

static void info_counts_and_describes_all_fences(void **state)
{
	struct hf_fence *parts[] = { pending(&one), pending(&two) };
	struct hf_fence *both = hf_fence_merge(parts, 2);
	struct sync_file_info info = { 0 };
	struct sync_fence_info *fences;
	int fd = file_of(both);
	struct fd_call c;

	(void)state;
	assert_int_equal(run(fd, SYNC_IOC_FILE_INFO, &info), 0);
	assert_int_equal(info.num_fences, 2);
	assert_int_equal(info.status, 0);
	hf_fence_signal(parts[1], -EIO, 77);
	info = (struct sync_file_info){ .num_fences = 3 };
	assert_int_equal(begin(&c, fd, SYNC_IOC_FILE_INFO, &info), 0);
	assert_int_equal(info.num_fences, 2);
	assert_int_equal(info.status, 0);
	assert_int_equal(c.call.arrays[0].used, 2 * sizeof(*fences));
	fences = (void *)c.payload;
	assert_string_equal(fences[0].obj_name, "one");
	assert_string_equal(fences[0].driver_name, "holdfast");
	assert_int_equal(fences[0].status, 0);
	assert_int_equal(fences[0].timestamp_ns, 0);
	assert_string_equal(fences[1].obj_name, "two");
	assert_int_equal(fences[1].status, -EIO);
	assert_int_equal(fences[1].timestamp_ns, 77);
	/* One that went wrong speaks for all that are done. */
	hf_fence_signal(parts[0], 0, 78);
	info = (struct sync_file_info){ .num_fences = 2 };
	assert_int_equal(begin(&c, fd, SYNC_IOC_FILE_INFO, &info), 0);
	assert_int_equal(info.status, -EIO);
	close(fd);
	hf_fence_put(both);
	hf_fence_put(parts[0]);
	hf_fence_put(parts[1]);
}

static void info_checks_before_it_writes(void **state)
{
	struct hf_fence *parts[] = { pending(&one), pending(&two) };
	struct hf_fence *both = hf_fence_merge(parts, 2);
	struct sync_file_info info = { .flags = 1 };
	int fd = file_of(both);
	struct fd_call c;

	(void)state;
	assert_int_equal(run(fd, SYNC_IOC_FILE_INFO, &info), -EINVAL);
	info = (struct sync_file_info){ .pad = 1 };
	assert_int_equal(run(fd, SYNC_IOC_FILE_INFO, &info), -EINVAL);
	info = (struct sync_file_info){ .num_fences = 1 };
	assert_int_equal(run(fd, SYNC_IOC_FILE_INFO, &info), -EINVAL);
	/* A client that lies about its room. */
	info = (struct sync_file_info){ .num_fences = 2 };
	memset(&c, 0, sizeof(c));
	begin(&c, fd, SYNC_IOC_MERGE, &(struct sync_merge_data){ .pad = 1 });
	c.call.cmd = SYNC_IOC_FILE_INFO;
	c.call.arg = (uint8_t *)&info;
	c.call.arrays[0].len = sizeof(struct sync_fence_info);
	assert_int_equal(hf_call_dispatch_fd(&c.call), -EFAULT);
	close(fd);
	hf_fence_put(both);
	finish(parts[0], 0);
	finish(parts[1], 0);
}

/* -- SYNC_IOC_MERGE -------------------------------------------------------- */

static void a_merged_file_waits_for_both(void **state)
{
	struct sync_merge_data data = { .name = "both", .fd2 = 1234 };
	struct hf_fence *a = pending(&one), *b = pending(&two);
	int fd_a = file_of(a), fd_b = file_of(b), fd;
	char name[HF_SYNC_FILE_NAME];

	(void)state;
	assert_int_equal(merge(fd_a, fd_b, &data, &fd), 0);
	close(fd_a);
	close(fd_b);
	reap();
	hf_sync_file_name(&sys->endpoints, fd, name);
	assert_string_equal(name, "both");
	finish(a, 0);
	assert_int_equal(polls(fd), 0);
	finish(b, 0);
	assert_int_equal(polls(fd), POLLIN);
	close(fd);
}

static void merge_checks_its_arguments_in_order(void **state)
{
	struct hf_fence *fence = pending(&one);
	struct sync_merge_data data = { .flags = 1, .fd2 = -1 };
	int fd = file_of(fence), out;

	(void)state;
	assert_int_equal(merge(fd, -1, &data, &out), -EINVAL);
	data = (struct sync_merge_data){ .pad = 1, .fd2 = -1 };
	assert_int_equal(merge(fd, -1, &data, &out), -EINVAL);
	data = (struct sync_merge_data){ .fd2 = -1 };
	assert_int_equal(merge(fd, -1, &data, &out), -ENOENT);
	assert_int_equal(merge(fd, backing->fd, &data, &out), -ENOENT);
	close(fd);
	finish(fence, 0);
}

/* -- DMA_BUF_IOCTL_SYNC ---------------------------------------------------- */

static int access_cpu(struct fd_call *c, int fd, uint64_t flags)
{
	static struct dma_buf_sync sync;

	sync.flags = flags;
	return begin(c, fd, DMA_BUF_IOCTL_SYNC, &sync);
}

static void access_waits_for_those_in_the_way(void **state)
{
	static const struct {
		bool writer;
		uint64_t flags;
		int ret;
	} cases[] = {
		{ true, DMA_BUF_SYNC_READ, HF_CALL_PARKED },
		{ true, DMA_BUF_SYNC_WRITE, HF_CALL_PARKED },
		{ false, DMA_BUF_SYNC_READ, 0 },
		{ false, DMA_BUF_SYNC_WRITE, HF_CALL_PARKED },
		{ false, DMA_BUF_SYNC_RW, HF_CALL_PARKED },
		{ true, DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hf_fence *fence = pending(&one);
		struct fd_call c;

		assert_int_equal(hf_resv_add(backing, fence, cases[i].writer),
				 0);
		assert_int_equal(access_cpu(&c, backing->fd, cases[i].flags),
				 cases[i].ret);
		assert_int_equal(c.done, 0);
		finish(fence, -EIO);
		/* That a job failed is not the reader's failure. */
		assert_int_equal(c.done, cases[i].ret == HF_CALL_PARKED);
		assert_int_equal(c.ret, 0);
	}
}

static void a_wait_for_access_is_interrupted_once(void **state)
{
	struct hf_fence *fence = pending(&one);
	struct fd_call c;

	(void)state;
	assert_int_equal(hf_resv_add(backing, fence, true), 0);
	assert_int_equal(access_cpu(&c, backing->fd, DMA_BUF_SYNC_READ),
			 HF_CALL_PARKED);
	assert_true(hf_call_interrupt(&c.call));
	assert_int_equal(c.ret, -EINTR);
	assert_false(hf_call_interrupt(&c.call));
	assert_true(wl_list_empty(&fence->callbacks));
	finish(fence, 0);
	assert_int_equal(c.done, 1);
}

static void a_wait_for_access_can_be_abandoned(void **state)
{
	struct hf_fence *fence = pending(&one);
	struct fd_call c;

	(void)state;
	assert_int_equal(hf_resv_add(backing, fence, true), 0);
	assert_int_equal(access_cpu(&c, backing->fd, DMA_BUF_SYNC_READ),
			 HF_CALL_PARKED);
	hf_call_abandon(&c.call);
	hf_call_abandon(&c.call);
	finish(fence, 0);
	assert_int_equal(c.done, 0);
}

static void access_to_memory_that_is_unknown_is_free(void **state)
{
	int fd = hf_shmem_create("stranger", PAGE);
	struct fd_call c;

	(void)state;
	assert_int_equal(access_cpu(&c, fd, DMA_BUF_SYNC_RW), 0);
	assert_int_equal(access_cpu(&c, fd, 0), -EINVAL);
	assert_int_equal(access_cpu(&c, fd, DMA_BUF_SYNC_END), -EINVAL);
	assert_int_equal(access_cpu(&c, fd, DMA_BUF_SYNC_RW | 8), -EINVAL);
	assert_int_equal(access_cpu(&c, fd, DMA_BUF_SYNC_RW | 1ull << 32),
			 -EINVAL);
	close(fd);
}

/* -- fences in and out ----------------------------------------------------- */

static int export_fence(int fd, uint32_t flags, int *out)
{
	struct dma_buf_export_sync_file arg = { .flags = flags };
	struct fd_call c;
	int ret = begin(&c, fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg);

	if (!ret)
		*out = take_fd(&c);
	return ret;
}

static int import_fence(int fd, uint32_t flags, int fence)
{
	struct dma_buf_import_sync_file arg = { .flags = flags, .fd = 5 };
	struct fd_call c;
	int ret = begin(&c, fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg);

	if (ret == HF_WIRE_ASK)
		ret = answer(&c, fence);
	hf_call_release(&c.call);
	return ret;
}

static void export_gives_those_in_the_way(void **state)
{
	struct hf_fence *writer = pending(&one), *reader = pending(&two);
	int read, write;

	(void)state;
	assert_int_equal(hf_resv_add(backing, writer, true), 0);
	assert_int_equal(hf_resv_add(backing, reader, false), 0);
	assert_int_equal(export_fence(backing->fd, DMA_BUF_SYNC_READ, &read), 0);
	assert_int_equal(export_fence(backing->fd, DMA_BUF_SYNC_RW, &write), 0);
	finish(writer, 0);
	assert_int_equal(polls(read), POLLIN);
	assert_int_equal(polls(write), 0);
	finish(reader, 0);
	assert_int_equal(polls(write), POLLIN);
	close(read);
	close(write);
}

static void export_of_unknown_memory_is_signaled(void **state)
{
	int stranger = hf_shmem_create("stranger", PAGE), fd;

	(void)state;
	assert_int_equal(export_fence(stranger, DMA_BUF_SYNC_WRITE, &fd), 0);
	assert_int_equal(polls(fd), POLLIN);
	close(fd);
	assert_int_equal(export_fence(stranger, 0, &fd), -EINVAL);
	assert_int_equal(export_fence(stranger, 7, &fd), -EINVAL);
	close(stranger);
}

static void import_checks_its_arguments(void **state)
{
	struct hf_fence *fence = pending(&one);
	int fd = file_of(fence), pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(import_fence(backing->fd, 0, fd), -EINVAL);
	assert_int_equal(import_fence(backing->fd, 4, fd), -EINVAL);
	assert_int_equal(import_fence(backing->fd, DMA_BUF_SYNC_READ, -1),
			 -EINVAL);
	assert_int_equal(import_fence(backing->fd, DMA_BUF_SYNC_READ,
				      backing->fd),
			 -EINVAL);
	assert_int_equal(import_fence(pipes[0], DMA_BUF_SYNC_READ, fd), -ENOTTY);
	assert_int_equal(fence->refcount, 2);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	reap();
	finish(fence, 0);
}

static void an_imported_fence_is_in_the_way(void **state)
{
	struct hf_fence *fence = pending(&one), *found;
	int fd = file_of(fence);

	(void)state;
	assert_int_equal(import_fence(backing->fd, DMA_BUF_SYNC_READ, fd), 0);
	close(fd);
	reap();
	assert_int_equal(hf_resv_fence(backing, false, &found), 0);
	assert_null(found);
	assert_int_equal(hf_resv_fence(backing, true, &found), 0);
	assert_ptr_equal(found, fence);
	hf_fence_put(found);
	finish(fence, 0);
}

/* Nobody uses it but the one with the dma-buf; the fence counts all the same. */
static void memory_is_kept_until_its_imported_fence_is_signaled(void **state)
{
	struct hf_fence *fence = pending(&one);
	int fd = file_of(fence), dma_buf = dup(backing->fd), out;
	struct hf_backing_key key = backing->key;

	(void)state;
	hf_backing_put(backing);
	assert_null(hf_backing_find(sys->mem, &key));
	assert_int_equal(import_fence(dma_buf, DMA_BUF_SYNC_WRITE, fd), 0);
	assert_non_null(hf_backing_find(sys->mem, &key));
	assert_int_equal(export_fence(dma_buf, DMA_BUF_SYNC_READ, &out), 0);
	assert_int_equal(polls(out), 0);
	finish(fence, 0);
	assert_int_equal(polls(out), POLLIN);
	assert_null(hf_backing_find(sys->mem, &key));
	close(out);
	close(fd);
	close(dma_buf);
	backing = NULL;
}

/* Its file is closed and its parts are all that holds it. */
static void a_merged_fence_can_be_imported(void **state)
{
	struct hf_fence *parts[] = { pending(&one), pending(&two) };
	struct hf_fence *both = hf_fence_merge(parts, 2), *found;
	int fd = file_of(both);

	(void)state;
	hf_fence_put(both);
	assert_int_equal(import_fence(backing->fd, DMA_BUF_SYNC_WRITE, fd), 0);
	close(fd);
	reap();
	finish(parts[0], 0);
	assert_int_equal(hf_resv_fence(backing, false, &found), 0);
	assert_ptr_equal(found, parts[1]);
	hf_fence_put(found);
	finish(parts[1], 0);
	assert_int_equal(backing->refcount, 1);
}

/* -- watches --------------------------------------------------------------- */

static void a_watch_polls_as_its_fences_say(void **state)
{
	struct hf_fence *in = pending(&one), *out = pending(&two);
	int fd = hf_watch_create(&sys->endpoints, sys->instance, in, out);

	(void)state;
	assert_int_equal(polls(fd), 0);
	finish(out, 0);
	assert_int_equal(polls(fd), POLLOUT);
	finish(in, 0);
	assert_int_equal(polls(fd), POLLIN | POLLOUT);
	close(fd);
}

static void a_watch_of_nothing_is_never_ready(void **state)
{
	int fd = hf_watch_create(&sys->endpoints, sys->instance, NULL, NULL);

	(void)state;
	assert_int_equal(polls(fd), 0);
	close(fd);
}

static void a_watch_that_is_closed_early_is_not_told(void **state)
{
	struct hf_fence *fence = pending(&one);
	int fd = hf_watch_create(&sys->endpoints, sys->instance, fence, fence);

	(void)state;
	close(fd);
	reap();
	assert_int_equal(fence->refcount, 1);
	assert_true(wl_list_empty(&fence->callbacks));
	finish(fence, 0);
}

static uint32_t ask(uint32_t events, bool always, int *fd)
{
	struct hf_wire_watch watch = { .events = events, .always = always };

	*fd = -1;
	assert_int_equal(hf_dma_buf_watch(sys, backing->fd, &watch, fd), 0);
	return watch.ready;
}

static void an_idle_buffer_needs_no_watch(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(ask(POLLIN, false, &fd), POLLIN);
	assert_int_equal(fd, -1);
	assert_int_equal(ask(POLLIN | POLLOUT, true, &fd), POLLIN | POLLOUT);
	assert_int_equal(polls(fd), POLLIN | POLLOUT);
	close(fd);
	assert_int_equal(ask(POLLOUT, true, &fd), POLLOUT);
	assert_int_equal(polls(fd), POLLOUT);
	close(fd);
}

static void a_busy_buffer_is_watched(void **state)
{
	struct hf_fence *reader = pending(&one), *writer = pending(&two);
	int in, both;

	(void)state;
	assert_int_equal(hf_resv_add(backing, reader, false), 0);
	assert_int_equal(ask(POLLIN | POLLOUT, false, &both), POLLIN);
	assert_int_equal(both, -1);
	assert_int_equal(hf_resv_add(backing, writer, true), 0);
	assert_int_equal(ask(POLLIN | POLLOUT, false, &both), 0);
	assert_int_equal(ask(POLLIN, false, &in), 0);
	finish(writer, 0);
	assert_int_equal(polls(in), POLLIN);
	assert_int_equal(polls(both), POLLIN);
	finish(reader, 0);
	assert_int_equal(polls(in), POLLIN);
	assert_int_equal(polls(both), POLLIN | POLLOUT);
	close(in);
	close(both);
}

static void unknown_events_are_refused(void **state)
{
	struct hf_wire_watch watch = { .events = POLLPRI };
	int fd = -1;

	(void)state;
	assert_int_equal(hf_dma_buf_watch(sys, backing->fd, &watch, &fd),
			 -EINVAL);
	assert_int_equal(fd, -1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_readable_once_its_fence_is_signaled),
		TEST(a_closed_file_is_not_told),
		TEST(a_file_without_a_name_is_called_after_its_fence),
		TEST(a_long_name_is_cut_and_ends),
		TEST(what_is_no_sync_file_has_no_fence),
		TEST(only_rows_of_the_table_are_dispatched),
		TEST(sync_file_ioctls_on_anything_else_are_enotty),
		TEST(info_counts_and_describes_all_fences),
		TEST(info_checks_before_it_writes),
		TEST(a_merged_file_waits_for_both),
		TEST(merge_checks_its_arguments_in_order),
		TEST(access_waits_for_those_in_the_way),
		TEST(a_wait_for_access_is_interrupted_once),
		TEST(a_wait_for_access_can_be_abandoned),
		TEST(access_to_memory_that_is_unknown_is_free),
		TEST(export_gives_those_in_the_way),
		TEST(export_of_unknown_memory_is_signaled),
		TEST(import_checks_its_arguments),
		TEST(an_imported_fence_is_in_the_way),
		TEST(memory_is_kept_until_its_imported_fence_is_signaled),
		TEST(a_merged_fence_can_be_imported),
		TEST(a_watch_polls_as_its_fences_say),
		TEST(a_watch_of_nothing_is_never_ready),
		TEST(a_watch_that_is_closed_early_is_not_told),
		TEST(an_idle_buffer_needs_no_watch),
		TEST(a_busy_buffer_is_watched),
		TEST(unknown_events_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
