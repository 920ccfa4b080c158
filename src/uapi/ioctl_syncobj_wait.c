/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of syncobjs that may wait: WAIT, TIMELINE_WAIT, and TRANSFER of
 * what is not there yet. Such a call is parked; callbacks on the fences, or on
 * the syncobjs that have none yet, end it, and so do its timer and a signal.
 */
#include <errno.h>
#include <stdlib.h>

#include "uapi/handlers.h"
#include "uapi/syncobj_args.h"

#define WAIT_ALL DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define FOR_SUBMIT DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define AVAILABLE DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE

/* As long as the kernel waits for something to transfer. */
#define TRANSFER_NS (5 * HF_NSEC_PER_SEC)

/* A syncobj that is waited for. */
struct entry {
	struct hf_syncobj_wait *wait;
	struct hf_syncobj *syncobj; /* with a reference */
	struct hf_fence *fence;	    /* with a reference; NULL: none yet */
	struct hf_syncobj_cb appear;
	struct hf_fence_cb done;
};

/**
 * struct hf_syncobj_wait - A wait that is parked.
 * @left: how many are to signal until it is over
 * @first: the first that did
 * @result: where that goes
 */
struct hf_syncobj_wait {
	struct hf_call *call;
	uint32_t flags, n, left, first;
	uint32_t *result;
	struct entry entries[];
};

/* What a call waits for: either kind. */
struct request {
	uint32_t n, flags;
	int64_t timeout;
	const uint32_t *handles;
	const uint64_t *points; /* NULL: zeroes */
	uint32_t *result;
};

static uint64_t point_of(const struct request *request, uint32_t i)
{
	return request->points ? request->points[i] : 0;
}

static struct hf_syncobj *syncobj_of(struct hf_call *call,
				     const struct request *request, uint32_t i)
{
	return hf_syncobj_lookup(&call->file->syncobjs, request->handles[i]);
}

static bool counts(enum hf_syncobj_state state, uint32_t flags)
{
	return state == HF_SYNCOBJ_SIGNALED ||
	       (state == HF_SYNCOBJ_PENDING && (flags & AVAILABLE));
}

/* -- the end of a wait ----------------------------------------------------- */

static void wait_destroy(struct hf_syncobj_wait *wait)
{
	hf_timer_disarm(wait->call->dev->sys->real_clock, &wait->call->timeout);
	for (uint32_t i = 0; i < wait->n; i++) {
		struct entry *entry = &wait->entries[i];

		if (!entry->syncobj)
			continue;
		hf_syncobj_remove_cb(&entry->appear);
		hf_fence_remove_callback(&entry->done);
		hf_fence_put(entry->fence);
		hf_syncobj_put(entry->syncobj);
	}
	free(wait);
}

static void wait_end(struct hf_syncobj_wait *wait, int ret)
{
	struct hf_call *call = wait->call;

	if (!ret)
		*wait->result = wait->first;
	wait_destroy(wait);
	hf_call_complete(call, ret);
}

static void wait_cancel(struct hf_call *call)
{
	wait_destroy(call->wait.syncobj);
}

static void wait_timed_out(struct hf_timer *timer)
{
	struct hf_call *call = wl_container_of(timer, call, timeout);

	wait_end(call->wait.syncobj, -ETIME);
}

static void entry_over(struct entry *entry)
{
	struct hf_syncobj_wait *wait = entry->wait;

	if (!(wait->flags & WAIT_ALL))
		wait->first = entry - wait->entries;
	if (!--wait->left)
		wait_end(wait, 0);
}

static void entry_signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct entry *entry = wl_container_of(cb, entry, done);

	(void)fence;
	entry_over(entry);
}

/* Wait for the fence that there is. Return: 0, or 1 where it is over; -ENOMEM. */
static int entry_wait(struct entry *entry)
{
	int ret = hf_syncobj_find_fence(entry->syncobj, entry->appear.point,
					&entry->fence);

	if (ret)
		return ret;
	return hf_fence_add_callback(entry->fence, &entry->done,
				     entry_signaled) ? 1 : 0;
}

static void entry_appeared(struct hf_syncobj *syncobj, struct hf_syncobj_cb *cb)
{
	struct entry *entry = wl_container_of(cb, entry, appear);
	int ret = entry->wait->flags & AVAILABLE ? 1 : entry_wait(entry);

	(void)syncobj;
	if (ret < 0)
		wait_end(entry->wait, ret);
	else if (ret)
		entry_over(entry);
}

/* -- waiting --------------------------------------------------------------- */

/* Just look. Return: how many are there, or -EINVAL. */
static int64_t look(struct hf_call *call, const struct request *request,
		    uint32_t *first)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < request->n; i++) {
		enum hf_syncobj_state state = hf_syncobj_look(
			syncobj_of(call, request, i), point_of(request, i));

		if (state == HF_SYNCOBJ_EMPTY &&
		    !(request->flags & (FOR_SUBMIT | AVAILABLE)))
			return -EINVAL;
		if (counts(state, request->flags) && !n++)
			*first = i;
	}
	return n;
}

/* An entry that is not there yet. */
static int start_entry(struct hf_syncobj_wait *wait, uint32_t i,
		       struct hf_syncobj *syncobj, uint64_t point)
{
	struct entry *entry = &wait->entries[i];
	enum hf_syncobj_state state = hf_syncobj_look(syncobj, point);

	if (counts(state, wait->flags))
		return 0;
	entry->wait = wait;
	entry->syncobj = hf_syncobj_get(syncobj);
	entry->appear.point = point;
	entry->appear.fn = entry_appeared;
	wl_list_init(&entry->appear.link);
	wl_list_init(&entry->done.link);
	if (state == HF_SYNCOBJ_PENDING)
		return entry_wait(entry); /* is not over, so it is not 1 */
	hf_syncobj_add_cb(syncobj, &entry->appear);
	return 0;
}

/* @left is how many must still signal, @first which one did already, if any. */
static int park(struct hf_call *call, const struct request *request,
		uint32_t left, uint32_t first)
{
	struct hf_syncobj_wait *wait;
	size_t size = sizeof(*wait) + request->n * sizeof(*wait->entries);
	int ret = 0;

	if (size > HF_SYNCOBJ_ALLOC_MAX)
		return -ENOMEM;
	wait = calloc(1, size);
	if (!wait)
		return -ENOMEM;
	wait->call = call;
	wait->flags = request->flags;
	wait->n = request->n;
	wait->left = left;
	wait->first = first;
	wait->result = request->result;
	for (uint32_t i = 0; !ret && i < request->n; i++)
		ret = start_entry(wait, i, syncobj_of(call, request, i),
				  point_of(request, i));
	if (ret) {
		wait_destroy(wait);
		return ret;
	}
	call->wait.syncobj = wait;
	call->timeout.fn = wait_timed_out;
	if (request->timeout != INT64_MAX)
		hf_timer_arm(call->dev->sys->real_clock, &call->timeout,
			     request->timeout);
	return hf_call_park(call, wait_cancel, true);
}

/* The kernel's drm_syncobj_array_wait_timeout(). */
static int wait_for(struct hf_call *call, const struct request *request)
{
	bool all = request->flags & WAIT_ALL;
	uint32_t first = UINT32_MAX;
	int64_t n = look(call, request, &first);

	if (n < 0)
		return n;
	if (n == request->n || (n && !all)) {
		*request->result = first;
		return 0;
	}
	if (request->timeout <= 0 ||
	    (uint64_t)request->timeout <= hf_clock_now(call->dev->sys->real_clock))
		return -ETIME;
	return park(call, request, all ? request->n - n : 1, first);
}

int hf_ioctl_syncobj_wait(struct hf_call *call, void *arg)
{
	struct drm_syncobj_wait *args = arg;
	struct request request = {
		.n = args->count_handles,
		.flags = args->flags,
		.timeout = args->timeout_nsec,
		.result = &args->first_signaled,
	};
	int ret;

	if (args->flags & ~(WAIT_ALL | FOR_SUBMIT))
		return -EINVAL;
	if (!args->count_handles)
		return -EINVAL;
	ret = hf_call_syncobjs(call, request.n, &request.handles);
	return ret ? ret : wait_for(call, &request);
}

int hf_ioctl_syncobj_timeline_wait(struct hf_call *call, void *arg)
{
	struct drm_syncobj_timeline_wait *args = arg;
	struct request request = {
		.n = args->count_handles,
		.flags = args->flags,
		.timeout = args->timeout_nsec,
		.result = &args->first_signaled,
	};
	int ret;

	if (args->flags & ~(WAIT_ALL | FOR_SUBMIT | AVAILABLE))
		return -EINVAL;
	if (!args->count_handles)
		return -EINVAL;
	ret = hf_call_syncobjs(call, request.n, &request.handles);
	if (!ret)
		ret = hf_call_points(call, args->points, request.n,
				     &request.points);
	return ret ? ret : wait_for(call, &request);
}

/* -- transfer -------------------------------------------------------------- */

/* A transfer of a fence that is not there yet. */
struct hf_syncobj_transfer {
	struct hf_call *call;
	struct hf_syncobj *src, *dst; /* each with a reference */
	struct hf_syncobj_cb appear;
};

static int transfer(struct hf_syncobj *src, uint64_t src_point,
		    struct hf_syncobj *dst, uint64_t dst_point)
{
	struct hf_fence *fence;
	int ret = hf_syncobj_find_fence(src, src_point, &fence);

	if (ret)
		return ret;
	if (dst_point)
		ret = hf_syncobj_add_point(dst, fence, dst_point);
	else
		hf_syncobj_replace(dst, fence);
	hf_fence_put(fence);
	return ret;
}

static void transfer_destroy(struct hf_syncobj_transfer *wait)
{
	hf_timer_disarm(wait->call->dev->sys->real_clock, &wait->call->timeout);
	hf_syncobj_remove_cb(&wait->appear);
	hf_syncobj_put(wait->src);
	hf_syncobj_put(wait->dst);
	free(wait);
}

static void transfer_end(struct hf_syncobj_transfer *wait, int ret)
{
	struct hf_call *call = wait->call;

	transfer_destroy(wait);
	hf_call_complete(call, ret);
}

static void transfer_cancel(struct hf_call *call)
{
	transfer_destroy(call->wait.transfer);
}

static void transfer_timed_out(struct hf_timer *timer)
{
	struct hf_call *call = wl_container_of(timer, call, timeout);

	transfer_end(call->wait.transfer, -ETIME);
}

static void transfer_appeared(struct hf_syncobj *syncobj,
			      struct hf_syncobj_cb *cb)
{
	struct hf_syncobj_transfer *wait = wl_container_of(cb, wait, appear);
	const struct drm_syncobj_transfer *args = (void *)wait->call->arg;

	transfer_end(wait, transfer(syncobj, args->src_point, wait->dst,
				    args->dst_point));
}

static int transfer_later(struct hf_call *call, struct hf_syncobj *src,
			  uint64_t point, struct hf_syncobj *dst)
{
	struct hf_syncobj_transfer *wait = calloc(1, sizeof(*wait));
	struct hf_clock *clock = call->dev->sys->real_clock;

	if (!wait)
		return -ENOMEM;
	wait->call = call;
	wait->src = hf_syncobj_get(src);
	wait->dst = hf_syncobj_get(dst);
	wait->appear.point = point;
	wait->appear.fn = transfer_appeared;
	hf_syncobj_add_cb(src, &wait->appear);
	call->wait.transfer = wait;
	call->timeout.fn = transfer_timed_out;
	hf_timer_arm(clock, &call->timeout, hf_clock_now(clock) + TRANSFER_NS);
	return hf_call_park(call, transfer_cancel, true);
}

int hf_ioctl_syncobj_transfer(struct hf_call *call, void *arg)
{
	const struct drm_syncobj_transfer *args = arg;
	struct hf_syncobj_file *file = &call->file->syncobjs;
	struct hf_syncobj *src, *dst;

	if (args->pad)
		return -EINVAL;
	dst = hf_syncobj_lookup(file, args->dst_handle);
	src = hf_syncobj_lookup(file, args->src_handle);
	if (!dst || !src)
		return -ENOENT;
	if ((args->flags & FOR_SUBMIT) &&
	    hf_syncobj_look(src, args->src_point) == HF_SYNCOBJ_EMPTY)
		return transfer_later(call, src, args->src_point, dst);
	return transfer(src, args->src_point, dst, args->dst_point);
}
