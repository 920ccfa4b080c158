/* SPDX-License-Identifier: MIT */
/*
 * Syncobjs: points of timelines, descriptors, eventfds, calls that wait, and
 * the syncs of jobs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/soft/soft.h"
#include "fdcount.h"
#include "uapi/call.h"
#include "uapi/syncs.h"

#define RENDER 135

static struct hf_system *sys;
static struct hf_device *dev;
static struct hf_file *file;
static struct hf_syncobj *syncobj;
static int client;
static unsigned int open_before;

static int setup(void **state)
{
	static const struct hf_kms_output output = {
		.width = 320, .height = 240, .hz = 1000,
	};
	const struct hf_cred nobody = { .pid = 0, .uid = 65534 };

	(void)state;
	open_before = count_fds();
	sys = hf_system_create(&(struct hf_memory_options){ 0 });
	assert_non_null(sys);
	dev = hf_device_create(sys, &hf_soft_driver,
			       &(struct hf_device_options){
				       .primary = 7,
				       .render = RENDER,
				       .iommu = true,
				       .coherent = true,
				       .outputs = &output,
				       .noutputs = 1,
			       });
	assert_non_null(dev);
	file = hf_file_open(sys, RENDER, &nobody, &client);
	assert_non_null(file);
	syncobj = hf_syncobj_create();
	assert_non_null(syncobj);
	return 0;
}

static void reap(void)
{
	uint64_t ids[16];
	int n;

	while ((n = hf_endpoints_poll(&sys->endpoints, ids, 16)))
		while (n)
			hf_endpoints_hang_up(&sys->endpoints, ids[--n]);
}

static void close_file(void)
{
	close(client);
	hf_file_close(file);
	file = NULL;
}

static int teardown(void **state)
{
	(void)state;
	hf_syncobj_put(syncobj);
	if (file)
		close_file();
	reap();
	hf_device_destroy(dev);
	hf_system_destroy(sys);
	assert_int_equal(count_fds(), open_before);
	return 0;
}

/* A fence as a point, which the syncobj alone holds. */
static struct hf_fence *add(uint64_t point)
{
	struct hf_fence *fence = hf_fence_create(NULL);

	assert_non_null(fence);
	assert_int_equal(hf_syncobj_add_point(syncobj, fence, point), 0);
	hf_fence_put(fence);
	return fence;
}

static void add_signaled(uint64_t point)
{
	struct hf_fence *fence = hf_fence_create_signaled(1);

	assert_int_equal(hf_syncobj_add_point(syncobj, fence, point), 0);
	hf_fence_put(fence);
}

static void done(struct hf_fence *fence)
{
	hf_fence_signal(fence, 0, 1);
}

static enum hf_syncobj_state look(uint64_t point)
{
	return hf_syncobj_look(syncobj, point);
}

static uint64_t reached(void)
{
	return hf_syncobj_query(syncobj, false);
}

/* -- points ---------------------------------------------------------------- */

static void a_binary_one_has_no_points(void **state)
{
	struct hf_fence *fence = hf_fence_create(NULL), *found;

	(void)state;
	assert_int_equal(look(0), HF_SYNCOBJ_EMPTY);
	assert_int_equal(hf_syncobj_find_fence(syncobj, 0, &found), -EINVAL);
	assert_null(found);
	hf_syncobj_replace(syncobj, fence);
	assert_int_equal(look(0), HF_SYNCOBJ_PENDING);
	assert_int_equal(look(1), HF_SYNCOBJ_EMPTY);
	assert_int_equal(reached(), 0);
	assert_int_equal(hf_syncobj_query(syncobj, true), 0);
	assert_int_equal(hf_syncobj_find_fence(syncobj, 1, &found), -EINVAL);
	assert_int_equal(hf_syncobj_find_fence(syncobj, 0, &found), 0);
	assert_ptr_equal(found, fence);
	hf_fence_put(found);
	hf_syncobj_replace(syncobj, NULL);
	assert_int_equal(look(0), HF_SYNCOBJ_EMPTY);
	assert_int_equal(fence->refcount, 1);
	hf_fence_put(fence);
}

static void points_are_reached_in_order(void **state)
{
	struct hf_fence *one = add(1), *three = add(3), *five = add(5);

	(void)state;
	assert_int_equal(reached(), 0);
	assert_int_equal(hf_syncobj_query(syncobj, true), 5);
	done(three);
	assert_int_equal(reached(), 0);
	assert_int_equal(look(1), HF_SYNCOBJ_PENDING);
	assert_int_equal(look(2), HF_SYNCOBJ_PENDING);
	done(one);
	assert_int_equal(reached(), 3);
	assert_int_equal(look(3), HF_SYNCOBJ_SIGNALED);
	assert_int_equal(look(2), HF_SYNCOBJ_SIGNALED);
	assert_int_equal(look(4), HF_SYNCOBJ_PENDING);
	assert_int_equal(look(0), HF_SYNCOBJ_PENDING);
	assert_int_equal(look(6), HF_SYNCOBJ_EMPTY);
	done(five);
	assert_int_equal(reached(), 5);
	assert_int_equal(look(0), HF_SYNCOBJ_SIGNALED);
}

static void a_point_waits_for_those_before_it(void **state)
{
	struct hf_fence *one = add(1), *two = add(2), *found;
	struct hf_fence *const *parts;

	(void)state;
	add(3);
	assert_int_equal(hf_syncobj_find_fence(syncobj, 1, &found), 0);
	assert_ptr_equal(found, one);
	hf_fence_put(found);
	assert_int_equal(hf_syncobj_find_fence(syncobj, 2, &found), 0);
	assert_int_equal(hf_fence_parts(found, &parts), 2);
	hf_fence_get(one);
	hf_fence_get(two);
	done(two);
	assert_false(found->signaled);
	done(one);
	assert_true(found->signaled);
	hf_fence_put(found);
	hf_fence_put(one);
	hf_fence_put(two);
}

static void a_passed_point_has_a_signaled_fence(void **state)
{
	struct hf_fence *found;

	(void)state;
	add_signaled(2);
	add(9);
	assert_int_equal(hf_syncobj_find_fence(syncobj, 1, &found), 0);
	assert_true(found->signaled);
	hf_fence_put(found);
	assert_int_equal(hf_syncobj_find_fence(syncobj, 10, &found), -EINVAL);
}

static void a_point_that_is_not_beyond_the_last_takes_nothing_back(void **state)
{
	struct hf_fence *five = add(5), *again, *found;

	(void)state;
	again = add(3);
	assert_int_equal(hf_syncobj_query(syncobj, true), 5);
	assert_int_equal(look(6), HF_SYNCOBJ_EMPTY);
	hf_fence_get(five);
	done(five);
	/* It is the fence for 5, and for all before it, now. */
	assert_int_equal(look(2), HF_SYNCOBJ_PENDING);
	assert_int_equal(hf_syncobj_find_fence(syncobj, 2, &found), 0);
	assert_ptr_equal(found, again);
	hf_fence_put(found);
	assert_int_equal(reached(), 0);
	done(again);
	assert_int_equal(reached(), 5);
	add_signaled(6);
	assert_int_equal(reached(), 6);
	hf_fence_put(five);
}

static void points_come_on_top_of_a_binary_fence(void **state)
{
	struct hf_fence *fence = hf_fence_create(NULL);

	(void)state;
	hf_syncobj_replace(syncobj, fence);
	add_signaled(4);
	assert_int_equal(reached(), 0);
	assert_int_equal(look(4), HF_SYNCOBJ_PENDING);
	done(fence);
	assert_int_equal(reached(), 4);
	assert_int_equal(look(4), HF_SYNCOBJ_SIGNALED);
	add_signaled(5);
	assert_int_equal(fence->refcount, 1);
	hf_fence_put(fence);
}

/* Each is the last until the next one comes, however long one before waits. */
static void signaled_points_do_not_pile_up(void **state)
{
	struct hf_fence *first = add(1);
	struct hf_fence *fence = hf_fence_create_signaled(1);

	(void)state;
	for (int i = 2; i < 1000; i++)
		assert_int_equal(hf_syncobj_add_point(syncobj, fence, i), 0);
	assert_int_equal(fence->refcount, 2);
	assert_int_equal(reached(), 0);
	done(first);
	assert_int_equal(reached(), 999);
	hf_fence_put(fence);
}

static void replacing_forgets_the_points(void **state)
{
	struct hf_fence *one = hf_fence_get(add(1));

	(void)state;
	hf_syncobj_replace(syncobj, NULL);
	assert_int_equal(one->refcount, 1);
	assert_int_equal(hf_syncobj_query(syncobj, true), 0);
	assert_int_equal(look(1), HF_SYNCOBJ_EMPTY);
	hf_fence_put(one);
}

static void point_zero_is_a_fence_too(void **state)
{
	(void)state;
	add_signaled(0);
	assert_int_equal(look(0), HF_SYNCOBJ_SIGNALED);
	assert_int_equal(look(1), HF_SYNCOBJ_EMPTY);
	assert_int_equal(reached(), 0);
}

/* -- being told ------------------------------------------------------------ */

struct told {
	struct hf_syncobj_cb cb;
	unsigned int times;
	struct told *removes;
};

static void tell(struct hf_syncobj *which, struct hf_syncobj_cb *cb)
{
	struct told *told = wl_container_of(cb, told, cb);

	assert_ptr_equal(which, syncobj);
	assert_int_not_equal(look(cb->point), HF_SYNCOBJ_EMPTY);
	told->times++;
	if (told->removes)
		hf_syncobj_remove_cb(&told->removes->cb);
}

static void want(struct told *told, uint64_t point)
{
	*told = (struct told){ .cb = { .point = point, .fn = tell } };
	hf_syncobj_add_cb(syncobj, &told->cb);
}

static void who_waits_for_a_point_hears_of_its_fence_once(void **state)
{
	struct told two, five;

	(void)state;
	want(&two, 2);
	want(&five, 5);
	add(1);
	assert_int_equal(two.times, 0);
	add(3);
	assert_int_equal(two.times, 1);
	assert_int_equal(five.times, 0);
	add(5);
	add(6);
	assert_int_equal(two.times, 1);
	assert_int_equal(five.times, 1);
}

static void one_who_is_told_may_remove_another(void **state)
{
	struct told one, two;

	(void)state;
	want(&one, 0);
	want(&two, 0);
	one.removes = &two;
	add_signaled(1);
	assert_int_equal(one.times, 1);
	assert_int_equal(two.times, 0);
}

/* -- calls ----------------------------------------------------------------- */

static struct {
	struct hf_call call;
	union {
		struct drm_syncobj_wait wait;
		struct drm_syncobj_timeline_wait timeline;
		struct drm_syncobj_transfer transfer;
		struct drm_syncobj_timeline_array points;
		struct drm_syncobj_array array;
		uint64_t space[8];
	} arg;
	uint64_t payload[32]; /* handles, then points at 16 */
	int times, ret;
} c;

static void finished(struct hf_call *call, int ret)
{
	assert_ptr_equal(call, &c.call);
	c.times++;
	c.ret = ret;
}

static void begin(uint32_t cmd)
{
	memset(&c, 0, sizeof(c));
	c.call.dev = dev;
	c.call.file = file;
	c.call.cmd = cmd;
	c.call.arg = (uint8_t *)&c.arg;
	c.call.payload = (uint8_t *)c.payload;
	c.call.payload_size = sizeof(c.payload);
	c.call.done = finished;
	wl_list_init(&c.call.file_link);
}

static int run(void)
{
	int ret = hf_call_dispatch(&c.call);

	if (ret != HF_CALL_PARKED)
		hf_call_release(&c.call);
	return ret;
}

static uint32_t handle_of(struct hf_syncobj *which)
{
	int id = hf_syncobj_handle_create(&file->syncobjs, which);

	assert_true(id > 0);
	return id;
}

/* A TIMELINE_WAIT for the same number of points as handles. */
static int wait_points(uint32_t n, const uint32_t *handles,
		       const uint64_t *points, uint32_t flags, int64_t timeout)
{
	begin(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT);
	c.arg.timeline = (struct drm_syncobj_timeline_wait){
		.points = 1,
		.count_handles = n,
		.flags = flags,
		.timeout_nsec = timeout,
		.first_signaled = 77,
	};
	memcpy(c.payload, handles, n * sizeof(*handles));
	memcpy(c.payload + 16, points, n * sizeof(*points));
	c.call.arrays[0].len = n * sizeof(*handles);
	c.call.arrays[1].off = 16 * sizeof(*c.payload);
	c.call.arrays[1].len = n * sizeof(*points);
	return run();
}

#define ALL DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define FOR_SUBMIT DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define AVAILABLE DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE

/* Two points of the syncobj, whose handle is in both places. */
static int wait_two(uint64_t a, uint64_t b, uint32_t flags)
{
	uint32_t handle = handle_of(syncobj);

	return wait_points(2, (uint32_t[]){ handle, handle },
			   (uint64_t[]){ a, b }, flags, INT64_MAX);
}

static void a_wait_for_any_ends_with_the_first(void **state)
{
	struct hf_fence *one = add(1);

	(void)state;
	add(2);
	assert_int_equal(wait_two(2, 1, 0), HF_CALL_PARKED);
	done(one);
	assert_int_equal(c.times, 1);
	assert_int_equal(c.ret, 0);
	assert_int_equal(c.arg.timeline.first_signaled, 1);
	hf_call_release(&c.call);
}

static void a_wait_for_all_ends_with_the_last(void **state)
{
	struct hf_fence *two;

	(void)state;
	assert_int_equal(wait_two(1, 2, ALL), -EINVAL);
	assert_int_equal(c.arg.timeline.first_signaled, 77);
	assert_int_equal(wait_two(1, 2, ALL | FOR_SUBMIT), HF_CALL_PARKED);
	add_signaled(1);
	assert_int_equal(c.times, 0);
	two = add(2);
	assert_int_equal(c.times, 0);
	done(two);
	assert_int_equal(c.times, 1);
	assert_int_equal(c.ret, 0);
	hf_call_release(&c.call);
}

static void a_wait_for_available_ends_when_fences_appear(void **state)
{
	(void)state;
	assert_int_equal(wait_two(1, 2, ALL | AVAILABLE), HF_CALL_PARKED);
	add(1);
	assert_int_equal(c.times, 0);
	add(3);
	assert_int_equal(c.times, 1);
	assert_int_equal(c.ret, 0);
	hf_call_release(&c.call);
}

/* Both entries of the wait are ready at the same moment. */
static void one_signal_ends_a_wait_once(void **state)
{
	(void)state;
	assert_int_equal(wait_two(1, 1, FOR_SUBMIT), HF_CALL_PARKED);
	add_signaled(1);
	assert_int_equal(c.times, 1);
	hf_call_release(&c.call);
}

static void a_reset_does_not_take_the_fence_from_who_waits(void **state)
{
	struct hf_fence *one = hf_fence_get(add(1));

	(void)state;
	assert_int_equal(wait_two(1, 1, ALL), HF_CALL_PARKED);
	hf_syncobj_replace(syncobj, NULL);
	assert_int_equal(c.times, 0);
	done(one);
	assert_int_equal(c.times, 1);
	assert_int_equal(c.ret, 0);
	hf_fence_put(one);
	hf_call_release(&c.call);
}

static void a_timeout_in_the_past_only_looks(void **state)
{
	uint32_t handle = handle_of(syncobj);
	const int64_t past[] = { 0, -1, INT64_MIN, 1 };

	(void)state;
	add(1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(wait_points(1, &handle, (uint64_t[]){ 1 }, 0,
					     past[i]), -ETIME);
	assert_int_equal(wait_points(1, &handle, (uint64_t[]){ 1 }, AVAILABLE,
				     0), 0);
	assert_int_equal(c.arg.timeline.first_signaled, 0);
}

static void time_is_up_with_etime(void **state)
{
	uint32_t handle = handle_of(syncobj);
	struct pollfd pfd = { .fd = hf_clock_fd(sys->real_clock), .events = POLLIN };

	(void)state;
	assert_int_equal(wait_points(1, &handle, (uint64_t[]){ 1 }, FOR_SUBMIT,
				     hf_clock_now(sys->real_clock) + 1000000),
			 HF_CALL_PARKED);
	while (!c.times) {
		assert_int_equal(poll(&pfd, 1, 10000), 1);
		hf_clock_dispatch(sys->real_clock);
	}
	assert_int_equal(c.ret, -ETIME);
	assert_int_equal(c.arg.timeline.first_signaled, 77);
	add_signaled(1);
	assert_int_equal(c.times, 1);
	hf_call_release(&c.call);
}

static void a_signal_or_a_close_ends_a_wait(void **state)
{
	(void)state;
	assert_int_equal(wait_two(1, 2, FOR_SUBMIT), HF_CALL_PARKED);
	assert_true(hf_call_interrupt(&c.call));
	assert_int_equal(c.ret, -EINTR);
	hf_call_release(&c.call);
	assert_int_equal(wait_two(1, 2, FOR_SUBMIT), HF_CALL_PARKED);
	close_file();
	assert_int_equal(c.times, 1);
	assert_int_equal(c.ret, -ENODEV);
	hf_call_release(&c.call);
	add_signaled(5);
	assert_int_equal(c.times, 1);
}

static void an_abandoned_wait_leaves_no_reference(void **state)
{
	struct hf_fence *one = hf_fence_get(add(1));

	(void)state;
	assert_int_equal(wait_two(1, 2, ALL | FOR_SUBMIT), HF_CALL_PARKED);
	hf_call_abandon(&c.call);
	assert_int_equal(one->refcount, 2);
	assert_true(wl_list_empty(&one->callbacks));
	done(one);
	add_signaled(3);
	assert_int_equal(c.times, 0);
	hf_call_release(&c.call);
	hf_fence_put(one);
}

static void a_wait_keeps_a_syncobj_whose_handle_is_closed(void **state)
{
	uint32_t handle = handle_of(syncobj);

	(void)state;
	assert_int_equal(wait_points(1, &handle, (uint64_t[]){ 1 }, FOR_SUBMIT,
				     INT64_MAX), HF_CALL_PARKED);
	assert_int_equal(hf_syncobj_handle_delete(&file->syncobjs, handle), 0);
	add_signaled(1);
	assert_int_equal(c.times, 1);
	assert_int_equal(c.ret, 0);
	hf_call_release(&c.call);
}

static int transfer(uint64_t src_point, uint32_t dst, uint64_t dst_point,
		    uint32_t flags)
{
	begin(DRM_IOCTL_SYNCOBJ_TRANSFER);
	c.arg.transfer = (struct drm_syncobj_transfer){
		.src_handle = handle_of(syncobj),
		.dst_handle = dst,
		.src_point = src_point,
		.dst_point = dst_point,
		.flags = flags,
	};
	return run();
}

static void a_transfer_waits_for_what_is_not_there(void **state)
{
	struct hf_syncobj *dst = hf_syncobj_create();
	uint32_t handle = handle_of(dst);

	(void)state;
	assert_int_equal(transfer(2, handle, 7, 0), -EINVAL);
	assert_int_equal(transfer(2, handle, 7, FOR_SUBMIT), HF_CALL_PARKED);
	add(1);
	assert_int_equal(c.times, 0);
	add_signaled(2);
	assert_int_equal(c.times, 1);
	assert_int_equal(c.ret, 0);
	assert_int_equal(hf_syncobj_query(dst, true), 7);
	hf_call_release(&c.call);
	/* Into a binary one. */
	assert_int_equal(transfer(0, handle, 0, FOR_SUBMIT), 0);
	assert_int_equal(hf_syncobj_look(dst, 0), HF_SYNCOBJ_PENDING);
	assert_int_equal(hf_syncobj_query(dst, true), 0);
	/* And one that is interrupted. */
	assert_int_equal(transfer(9, handle, 8, FOR_SUBMIT), HF_CALL_PARKED);
	assert_true(hf_call_interrupt(&c.call));
	hf_call_release(&c.call);
	add_signaled(9);
	assert_int_equal(hf_syncobj_query(dst, true), 0);
	hf_syncobj_put(dst);
}

static void arrays_beyond_all_measure_are_enomem(void **state)
{
	const uint32_t cmds[] = { DRM_IOCTL_SYNCOBJ_SIGNAL,
				  DRM_IOCTL_SYNCOBJ_RESET,
				  DRM_IOCTL_SYNCOBJ_QUERY,
				  DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL };

	(void)state;
	for (int i = 0; i < 4; i++) {
		begin(cmds[i]);
		if (i < 2)
			c.arg.array.count_handles = UINT32_MAX;
		else
			c.arg.points.count_handles = UINT32_MAX;
		assert_int_equal(run(), -ENOMEM);
	}
}

/* -- descriptors ----------------------------------------------------------- */

static void a_descriptor_keeps_the_syncobj(void **state)
{
	int fd = hf_syncobj_export(&sys->endpoints, sys->instance, syncobj);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_ptr_equal(hf_syncobj_import(&sys->endpoints, fd), syncobj);
	assert_null(hf_syncobj_import(&sys->endpoints, other));
	assert_null(hf_syncobj_import(&sys->endpoints, client));
	assert_null(hf_syncobj_import(&sys->endpoints, -1));
	close(other);
	add_signaled(3);
	hf_syncobj_put(syncobj);
	syncobj = hf_syncobj_import(&sys->endpoints, fd);
	assert_int_equal(reached(), 3);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	close(fd);
	reap();
	syncobj = NULL;
}

/* Its number on the other device is one of that file's own. */
static void the_other_device_imports_a_descriptor(void **state)
{
	struct hf_device *other = hf_device_create(
		sys, &hf_soft_driver,
		&(struct hf_device_options){
			.index = 1,
			.primary = 8,
			.render = RENDER + 1,
			.iommu = true,
			.coherent = true,
		});
	struct drm_syncobj_handle args = { .fd = 5 };
	int fd = hf_syncobj_export(&sys->endpoints, sys->instance, syncobj);
	struct hf_file *theirs;
	int end;

	(void)state;
	assert_non_null(other);
	theirs = hf_file_open(sys, RENDER + 1, &file->cred, &end);
	assert_non_null(theirs);
	begin(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE);
	c.call.dev = other;
	c.call.file = theirs;
	c.call.arg = (uint8_t *)&args;
	/* The server asks for the descriptor, and gets it. */
	assert_int_equal(hf_call_dispatch(&c.call), HF_WIRE_ASK);
	assert_int_equal(c.call.asks[0].what, 5);
	c.call.fds_in[c.call.nfds_in++] = fd;
	assert_int_equal(run(), 0);
	assert_ptr_equal(hf_syncobj_lookup(&theirs->syncobjs, args.handle),
			 syncobj);
	assert_null(hf_syncobj_lookup(&file->syncobjs, args.handle));
	close(fd);
	close(end);
	hf_file_close(theirs);
	hf_device_destroy(other);
}

/* -- eventfds -------------------------------------------------------------- */

static uint64_t counter(int fd)
{
	uint64_t value = 0;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static int watch(uint64_t point, bool available, int fd)
{
	return hf_syncobj_eventfd(&file->syncobjs, syncobj, point, available,
				  fd);
}

static void an_eventfd_counts_once_when_a_point_is_reached(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct hf_fence *two;

	(void)state;
	assert_int_equal(watch(2, false, fd), 0);
	assert_int_equal(file->syncobjs.num_eventfds, 1);
	two = add(2);
	assert_int_equal(counter(fd), 0);
	done(two);
	assert_int_equal(counter(fd), 1);
	add_signaled(3);
	assert_int_equal(counter(fd), 0);
	assert_int_equal(file->syncobjs.num_eventfds, 0);
	assert_int_equal(watch(1, false, fd), 0); /* passed already */
	assert_int_equal(counter(fd), 1);
	close(fd);
}

static void an_eventfd_counts_when_a_fence_appears(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	(void)state;
	assert_int_equal(watch(2, true, fd), 0);
	add(1);
	assert_int_equal(counter(fd), 0);
	add(2);
	assert_int_equal(counter(fd), 1);
	assert_int_equal(watch(2, true, fd), 0);
	assert_int_equal(counter(fd), 1);
	close(fd);
}

static void an_eventfd_goes_with_its_syncobj(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	unsigned int before = count_fds();

	(void)state;
	assert_int_equal(watch(1, false, fd), 0);
	assert_int_equal(count_fds(), before + 1);
	hf_syncobj_put(syncobj);
	syncobj = NULL;
	assert_int_equal(count_fds(), before);
	assert_int_equal(file->syncobjs.num_eventfds, 0);
	assert_int_equal(counter(fd), 0);
	close(fd);
}

static void an_eventfd_outlives_its_file(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	(void)state;
	assert_int_equal(watch(1, false, fd), 0);
	close_file();
	add_signaled(1);
	assert_int_equal(counter(fd), 1);
	close(fd);
}

static void only_an_eventfd_will_do(void **state)
{
	int fds[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(watch(1, false, null), -EINVAL);
	assert_int_equal(watch(1, false, fds[1]), -EINVAL);
	assert_int_equal(watch(1, false, client), -EINVAL);
	assert_int_equal(watch(1, false, -1), -EINVAL);
	assert_int_equal(file->syncobjs.num_eventfds, 0);
	close(null);
	close(fds[0]);
	close(fds[1]);
}

/* A write(2) would block for good. */
static void an_eventfd_that_is_full_holds_nobody_up(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC); /* a blocking one */
	uint64_t full = UINT64_MAX - 1;

	(void)state;
	assert_int_equal(write(fd, &full, sizeof(full)), sizeof(full));
	add_signaled(1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(watch(1, false, fd), 0);
	assert_int_equal(counter(fd), UINT64_MAX);
	close(fd);
}

static void a_file_has_a_limit_of_eventfds(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int n = 0, ret;

	(void)state;
	while (!(ret = watch(1, false, fd)))
		n++;
	assert_int_equal(ret, -EMFILE);
	assert_int_equal(file->syncobjs.num_eventfds, n);
	add_signaled(1);
	assert_int_equal(counter(fd), n);
	assert_int_equal(watch(2, false, fd), 0);
	close(fd);
}

/* -- the syncs of a job ---------------------------------------------------- */

static void syncs_are_looked_up_and_signaled(void **state)
{
	uint32_t handle = handle_of(syncobj);
	struct hf_fence *job = hf_fence_create(NULL), *one = add(1);
	struct drm_holdfast_sync syncs[] = {
		{ handle, 0, 1 },
		{ handle, HOLDFAST_SYNC_SIGNAL, 2 },
		{ handle, HOLDFAST_SYNC_SIGNAL, 3 },
	};
	struct hf_syncs out;

	(void)state;
	assert_int_equal(hf_syncs_prepare(file, syncs, 3, &out), 0);
	assert_int_equal(out.nwait, 1);
	assert_ptr_equal(out.wait[0], one);
	assert_int_equal(out.nsignal, 2);
	hf_syncs_attach(&out, job);
	hf_syncs_finish(&out);
	hf_syncs_finish(&out);
	assert_int_equal(hf_syncobj_query(syncobj, true), 3);
	/* A binary one: the fence takes the place of it all. */
	syncs[1].point = 0;
	assert_int_equal(hf_syncs_prepare(file, syncs + 1, 1, &out), 0);
	hf_syncs_attach(&out, job);
	hf_syncs_finish(&out);
	assert_int_equal(hf_syncobj_query(syncobj, true), 0);
	assert_int_equal(look(0), HF_SYNCOBJ_PENDING);
	done(job);
	assert_int_equal(look(0), HF_SYNCOBJ_SIGNALED);
	hf_fence_put(job);
}

static void syncs_that_are_wrong_change_nothing(void **state)
{
	uint32_t handle = handle_of(syncobj);
	const struct {
		struct drm_holdfast_sync sync;
		int ret;
	} wrong[] = {
		{ { handle, 2, 0 }, -EINVAL },
		{ { handle + 1, 2, 0 }, -EINVAL },
		{ { handle + 1, 0, 0 }, -ENOENT },
		{ { 0, HOLDFAST_SYNC_SIGNAL, 0 }, -ENOENT },
		{ { handle, 0, 0 }, -EINVAL },
		{ { handle, 0, 1 }, -EINVAL },
	};
	struct drm_holdfast_sync syncs[2] = {
		{ handle, HOLDFAST_SYNC_SIGNAL, 2 },
	};
	struct hf_syncs out;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		syncs[1] = wrong[i].sync;
		assert_int_equal(hf_syncs_prepare(file, syncs, 2, &out),
				 wrong[i].ret);
		assert_int_equal(out.nsignal + out.nwait, 0);
	}
	assert_int_equal(look(0), HF_SYNCOBJ_EMPTY);
	assert_int_equal(hf_syncs_prepare(file, NULL, 0, &out), 0);
	hf_syncs_finish(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_binary_one_has_no_points),
		TEST(points_are_reached_in_order),
		TEST(a_point_waits_for_those_before_it),
		TEST(a_passed_point_has_a_signaled_fence),
		TEST(a_point_that_is_not_beyond_the_last_takes_nothing_back),
		TEST(points_come_on_top_of_a_binary_fence),
		TEST(signaled_points_do_not_pile_up),
		TEST(replacing_forgets_the_points),
		TEST(point_zero_is_a_fence_too),
		TEST(who_waits_for_a_point_hears_of_its_fence_once),
		TEST(one_who_is_told_may_remove_another),
		TEST(a_wait_for_any_ends_with_the_first),
		TEST(a_wait_for_all_ends_with_the_last),
		TEST(a_wait_for_available_ends_when_fences_appear),
		TEST(one_signal_ends_a_wait_once),
		TEST(a_reset_does_not_take_the_fence_from_who_waits),
		TEST(a_timeout_in_the_past_only_looks),
		TEST(time_is_up_with_etime),
		TEST(a_signal_or_a_close_ends_a_wait),
		TEST(an_abandoned_wait_leaves_no_reference),
		TEST(a_wait_keeps_a_syncobj_whose_handle_is_closed),
		TEST(a_transfer_waits_for_what_is_not_there),
		TEST(arrays_beyond_all_measure_are_enomem),
		TEST(a_descriptor_keeps_the_syncobj),
		TEST(the_other_device_imports_a_descriptor),
		TEST(an_eventfd_counts_once_when_a_point_is_reached),
		TEST(an_eventfd_counts_when_a_fence_appears),
		TEST(an_eventfd_goes_with_its_syncobj),
		TEST(an_eventfd_outlives_its_file),
		TEST(only_an_eventfd_will_do),
		TEST(an_eventfd_that_is_full_holds_nobody_up),
		TEST(a_file_has_a_limit_of_eventfds),
		TEST(syncs_are_looked_up_and_signaled),
		TEST(syncs_that_are_wrong_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
