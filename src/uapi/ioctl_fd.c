/* SPDX-License-Identifier: MIT */
/*
 * Ioctls on sync_files and dma-bufs, and what a dma-buf polls as. The order of
 * the checks is that of the kernel's sync_file_ioctl() and dma_buf_ioctl().
 *
 * A sync_file is found by its socket, a dma-buf's memory by its inode. Memory
 * that nobody here has a use for any more has no fences, unless a client gives
 * it one: then it is kept until that is signaled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mem/backing.h"
#include "sync/resv.h"
#include "sync/sync_file.h"
#include "sync/watch.h"
#include "uapi/dma_buf.h"
#include "uapi/handlers.h"

/* -- sync_file ------------------------------------------------------------- */

static struct hf_fence *fence_of(struct hf_call *call, int fd)
{
	return hf_sync_file_fence(&call->sys->endpoints, fd);
}

/* A descriptor of a fence, into the field that the table's row names. */
static int return_fence(struct hf_call *call, struct hf_fence *fence,
			const char *name)
{
	int fd = hf_sync_file_create_named(&call->sys->endpoints,
					   call->sys->instance, fence, name);

	return fd < 0 ? fd : hf_call_add_fd(call, fd, true);
}

int hf_ioctl_sync_merge(struct hf_call *call, void *arg)
{
	struct hf_fence *both[2] = { fence_of(call, call->fds_in[0]) }, *merged;
	struct sync_merge_data *merge = arg;
	int fd, ret;

	if (!both[0])
		return -ENOTTY;
	if (merge->flags || merge->pad)
		return -EINVAL;
	ret = hf_call_fd(call, merge->fd2, &fd);
	if (ret)
		return ret == HF_WIRE_ASK ? ret : -ENOENT;
	both[1] = fence_of(call, fd);
	if (!both[1])
		return -ENOENT;
	merge->name[sizeof(merge->name) - 1] = 0;
	merged = hf_fence_merge(both, 2);
	if (!merged)
		return -ENOMEM;
	ret = return_fence(call, merged, merge->name);
	hf_fence_put(merged);
	return ret;
}

/* 1: signaled, 0: not yet, or a negative errno. */
static int status_of(const struct hf_fence *fence)
{
	if (!fence->signaled)
		return 0;
	return fence->error ? fence->error : 1;
}

static void describe(const struct hf_fence *fence, struct sync_fence_info *info)
{
	memset(info, 0, sizeof(*info));
	memcpy(info->obj_name, fence->timeline, sizeof(info->obj_name) - 1);
	memcpy(info->driver_name, "holdfast", sizeof("holdfast"));
	info->status = status_of(fence);
	info->timestamp_ns = fence->signaled ? fence->ns : 0;
}

int hf_ioctl_sync_file_info(struct hf_call *call, void *arg)
{
	const struct hf_fence *fence = fence_of(call, call->fds_in[0]);
	struct sync_file_info *info = arg;
	struct hf_fence *const *parts;
	size_t n;

	if (!fence)
		return -ENOTTY;
	if (info->flags || info->pad)
		return -EINVAL;
	n = hf_fence_parts(fence, &parts);
	info->status = info->num_fences ? 1 : status_of(fence);
	if (info->num_fences && info->num_fences < n)
		return -EINVAL;
	for (size_t i = 0; info->num_fences && i < n; i++) {
		struct sync_fence_info part;

		describe(parts[i], &part);
		if (hf_call_copy_out(call, 0, &part, i, 1))
			return -EFAULT;
		/* The first that is not done, or went wrong, speaks for all. */
		if (info->status > 0)
			info->status = part.status;
	}
	info->num_fences = n;
	hf_sync_file_name(&call->sys->endpoints, call->fds_in[0], info->name);
	return 0;
}

/* -- dma-buf --------------------------------------------------------------- */

/* Its memory, if somebody here uses it; no reference. */
static struct hf_backing *backing_of(struct hf_system *sys, int fd)
{
	struct hf_backing_key key;
	struct stat st;

	if (fstat(fd, &st))
		return NULL;
	memset(&key, 0, sizeof(key));
	key.dev = st.st_dev;
	key.ino = st.st_ino;
	return hf_backing_find(sys->mem, &key);
}

/* What is to be waited for, or NULL. */
static int implicit_fence(struct hf_system *sys, int fd, bool write,
			  struct hf_fence **fence)
{
	struct hf_backing *backing = backing_of(sys, fd);

	*fence = NULL;
	return backing ? hf_resv_fence(backing, write, fence) : 0;
}

/* The CPU's access begins or ends: see to it that CPU and devices agree. */
static void sync_memory(struct hf_call *call, uint64_t flags)
{
	struct hf_backing *backing = backing_of(call->sys, call->fds_in[0]);
	bool start = !(flags & DMA_BUF_SYNC_END);
	enum hf_dma_direction dir;
	struct hf_device *dev;

	if (!backing)
		return;
	dir = (flags & DMA_BUF_SYNC_RW) == DMA_BUF_SYNC_RW ?
		      HF_DMA_BIDIRECTIONAL :
	      flags & DMA_BUF_SYNC_READ ? HF_DMA_FROM_DEVICE :
					  HF_DMA_TO_DEVICE;
	wl_list_for_each(dev, &call->sys->devices, link)
		hf_gem_sync_cpu(&dev->gem, backing, start, dir);
}

/* The jobs that were in the way are over. */
static int access_begins(struct hf_call *call)
{
	const struct dma_buf_sync *sync = (void *)call->arg;

	sync_memory(call, sync->flags);
	return 0;
}

int hf_ioctl_dma_buf_sync(struct hf_call *call, void *arg)
{
	const struct dma_buf_sync *sync = arg;
	struct hf_fence *fence;
	int ret;

	if (sync->flags & ~(uint64_t)DMA_BUF_SYNC_VALID_FLAGS_MASK)
		return -EINVAL;
	if (!(sync->flags & DMA_BUF_SYNC_RW))
		return -EINVAL;
	if (sync->flags & DMA_BUF_SYNC_END) {
		sync_memory(call, sync->flags);
		return 0;
	}
	ret = implicit_fence(call->sys, call->fds_in[0],
			     sync->flags & DMA_BUF_SYNC_WRITE, &fence);
	if (ret)
		return ret;
	if (!fence)
		return access_begins(call);
	ret = hf_call_wait_fence(call, fence, INT64_MAX, access_begins);
	hf_fence_put(fence);
	return ret;
}

static bool bad_direction(uint32_t flags)
{
	return (flags & ~DMA_BUF_SYNC_RW) || !(flags & DMA_BUF_SYNC_RW);
}

/* The same, but a signaled fence where there is nothing to wait for. */
static int fence_to_give(struct hf_system *sys, int fd, bool write,
			 struct hf_fence **fence)
{
	int ret = implicit_fence(sys, fd, write, fence);

	if (!ret && !*fence) {
		*fence = hf_fence_create_signaled(hf_clock_now(sys->clock));
		if (!*fence)
			ret = -ENOMEM;
	}
	return ret;
}

int hf_ioctl_dma_buf_export(struct hf_call *call, void *arg)
{
	const struct dma_buf_export_sync_file *export = arg;
	struct hf_fence *fence;
	int ret;

	if (bad_direction(export->flags))
		return -EINVAL;
	ret = fence_to_give(call->sys, call->fds_in[0],
			    export->flags & DMA_BUF_SYNC_WRITE, &fence);
	if (ret)
		return ret;
	ret = return_fence(call, fence, "");
	hf_fence_put(fence);
	return ret;
}

/* Memory with a fence that a client gave it. */
struct import {
	struct hf_backing *backing;
	struct hf_fence_cb cb; /* on the fence, to which there is a reference */
};

static void import_signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct import *import = wl_container_of(cb, import, cb);

	hf_backing_put(import->backing);
	hf_fence_put(fence);
	free(import);
}

/* Add a fence, and keep the memory until it is signaled. */
static int import_fence(struct hf_backing *backing, struct hf_fence *fence,
			bool write)
{
	struct import *import = malloc(sizeof(*import));
	int ret = import ? hf_resv_add(backing, fence, write) : -ENOMEM;

	if (ret || hf_fence_add_callback(fence, &import->cb, import_signaled)) {
		free(import);
		return ret;
	}
	import->backing = hf_backing_get(backing);
	hf_fence_get(fence);
	return 0;
}

int hf_ioctl_dma_buf_import(struct hf_call *call, void *arg)
{
	const struct dma_buf_import_sync_file *import = arg;
	struct hf_backing *backing;
	struct hf_fence *fence;
	int fd, ret;

	if (bad_direction(import->flags))
		return -EINVAL;
	ret = hf_call_fd(call, import->fd, &fd);
	if (ret)
		return ret == HF_WIRE_ASK ? ret : -EINVAL;
	fence = fence_of(call, fd);
	if (!fence)
		return -EINVAL;
	backing = hf_backing_of(call->sys->mem, call->fds_in[0], false,
				call->cred.pid);
	if (!backing)
		return errno == EINVAL ? -ENOTTY : -ENOMEM;
	ret = import_fence(backing, fence, import->flags & DMA_BUF_SYNC_WRITE);
	hf_backing_put(backing);
	return ret;
}

/* -- poll ------------------------------------------------------------------ */

/* One direction: the fence to poll for, where it is asked for at all. */
static int watch_side(struct hf_system *sys, int dma_buf, uint32_t event,
		      struct hf_wire_watch *watch, struct hf_fence **fence)
{
	int ret;

	if (!(watch->events & event))
		return 0;
	ret = fence_to_give(sys, dma_buf, event == POLLOUT, fence);
	if (!ret && (*fence)->signaled)
		watch->ready |= event;
	return ret;
}

int hf_dma_buf_watch(struct hf_system *sys, int dma_buf,
		     struct hf_wire_watch *watch, int *fd)
{
	struct hf_fence *in = NULL, *out = NULL;
	int ret;

	if (watch->events & ~(uint32_t)(POLLIN | POLLOUT))
		return -EINVAL;
	watch->ready = 0;
	ret = watch_side(sys, dma_buf, POLLIN, watch, &in);
	if (!ret)
		ret = watch_side(sys, dma_buf, POLLOUT, watch, &out);
	if (!ret && (watch->always || !watch->ready)) {
		*fd = hf_watch_create(&sys->endpoints, sys->instance, in, out);
		ret = *fd < 0 ? *fd : 0;
	}
	hf_fence_put(in);
	hf_fence_put(out);
	return ret;
}
