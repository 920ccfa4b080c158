/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of syncobjs but those that wait, in the order of checks of the
 * kernel's drm_syncobj.c.
 */
#include <errno.h>

#include "sync/sync_file.h"
#include "uapi/handlers.h"
#include "uapi/syncobj_args.h"

int hf_ioctl_syncobj_create(struct hf_call *call, void *arg)
{
	struct drm_syncobj_create *create = arg;
	struct hf_fence *fence = NULL;
	struct hf_syncobj *syncobj;
	int id = -ENOMEM;

	if (create->flags & ~DRM_SYNCOBJ_CREATE_SIGNALED)
		return -EINVAL;
	syncobj = hf_syncobj_create();
	if (!syncobj)
		return -ENOMEM;
	if (create->flags & DRM_SYNCOBJ_CREATE_SIGNALED)
		fence = hf_fence_create_signaled(hf_clock_now(call->dev->sys->clock));
	if (fence || !create->flags) {
		hf_syncobj_replace(syncobj, fence);
		id = hf_syncobj_handle_create(&call->file->syncobjs, syncobj);
	}
	hf_fence_put(fence);
	hf_syncobj_put(syncobj);
	if (id < 0)
		return id;
	create->handle = id;
	return 0;
}

int hf_ioctl_syncobj_destroy(struct hf_call *call, void *arg)
{
	const struct drm_syncobj_destroy *destroy = arg;

	if (destroy->pad)
		return -EINVAL;
	return hf_syncobj_handle_delete(&call->file->syncobjs, destroy->handle);
}

/* -- descriptors ----------------------------------------------------------- */

static int export_sync_file(struct hf_call *call, struct hf_syncobj *syncobj)
{
	struct hf_system *sys = call->dev->sys;
	struct hf_fence *fence;
	int ret;

	if (!syncobj)
		return -ENOENT;
	ret = hf_syncobj_find_fence(syncobj, 0, &fence);
	if (ret)
		return ret;
	ret = hf_sync_file_create(&sys->endpoints, sys->instance, fence);
	hf_fence_put(fence);
	return ret;
}

int hf_ioctl_syncobj_handle_to_fd(struct hf_call *call, void *arg)
{
	const struct drm_syncobj_handle *args = arg;
	struct hf_system *sys = call->dev->sys;
	struct hf_syncobj *syncobj;
	int fd;

	if (args->pad)
		return -EINVAL;
	if (args->flags & ~DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE)
		return -EINVAL;
	syncobj = hf_syncobj_lookup(&call->file->syncobjs, args->handle);
	if (args->flags)
		fd = export_sync_file(call, syncobj);
	else
		fd = syncobj ? hf_syncobj_export(&sys->endpoints, sys->instance,
						 syncobj) :
			       -EINVAL;
	return fd < 0 ? fd : hf_call_add_fd(call, fd, true);
}

static int import_sync_file(struct hf_call *call, int fd, uint32_t handle)
{
	struct hf_fence *fence =
		hf_sync_file_fence(&call->dev->sys->endpoints, fd);
	struct hf_syncobj *syncobj =
		hf_syncobj_lookup(&call->file->syncobjs, handle);

	if (!fence)
		return -EINVAL;
	if (!syncobj)
		return -ENOENT;
	hf_syncobj_replace(syncobj, fence);
	return 0;
}

int hf_ioctl_syncobj_fd_to_handle(struct hf_call *call, void *arg)
{
	struct drm_syncobj_handle *args = arg;
	struct hf_syncobj *syncobj;
	int fd, ret;

	if (args->pad)
		return -EINVAL;
	if (args->flags & ~DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE)
		return -EINVAL;
	ret = hf_call_fd(call, args->fd, &fd);
	if (ret)
		return ret == -EBADF ? -EINVAL : ret;
	if (args->flags)
		return import_sync_file(call, fd, args->handle);
	syncobj = hf_syncobj_import(&call->dev->sys->endpoints, fd);
	if (!syncobj)
		return -EINVAL;
	ret = hf_syncobj_handle_create(&call->file->syncobjs, syncobj);
	if (ret < 0)
		return ret;
	args->handle = ret;
	return 0;
}

int hf_ioctl_syncobj_eventfd(struct hf_call *call, void *arg)
{
	const struct drm_syncobj_eventfd *args = arg;
	struct hf_syncobj *syncobj;
	int fd, ret;

	if (args->flags & ~DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE)
		return -EINVAL;
	if (args->pad)
		return -EINVAL;
	syncobj = hf_syncobj_lookup(&call->file->syncobjs, args->handle);
	if (!syncobj)
		return -ENOENT;
	ret = hf_call_fd(call, args->fd, &fd);
	if (ret)
		return ret;
	return hf_syncobj_eventfd(&call->file->syncobjs, syncobj, args->point,
				  args->flags, fd);
}

/* -- arrays ---------------------------------------------------------------- */

int hf_call_syncobjs(struct hf_call *call, uint32_t n, const uint32_t **handles)
{
	int ret;

	if (n > HF_SYNCOBJ_ALLOC_MAX / sizeof(void *))
		return -ENOMEM;
	ret = hf_call_copy_in(call, 0, n, (const void **)handles);
	for (uint32_t i = 0; !ret && i < n; i++)
		if (!hf_syncobj_lookup(&call->file->syncobjs, (*handles)[i]))
			ret = -ENOENT;
	return ret;
}

int hf_call_points(struct hf_call *call, uint64_t ptr, uint32_t n,
		   const uint64_t **points)
{
	*points = NULL;
	return ptr ? hf_call_copy_in(call, 1, n, (const void **)points) : 0;
}

/* Those of RESET and SIGNAL, checked. */
static int array_of(struct hf_call *call, const struct drm_syncobj_array *array,
		    const uint32_t **handles)
{
	if (array->pad)
		return -EINVAL;
	if (!array->count_handles)
		return -EINVAL;
	return hf_call_syncobjs(call, array->count_handles, handles);
}

static void replace_all(struct hf_call *call, const uint32_t *handles,
			uint32_t n, struct hf_fence *fence)
{
	for (uint32_t i = 0; i < n; i++)
		hf_syncobj_replace(hf_syncobj_lookup(&call->file->syncobjs,
						     handles[i]),
				   fence);
}

int hf_ioctl_syncobj_reset(struct hf_call *call, void *arg)
{
	const struct drm_syncobj_array *array = arg;
	const uint32_t *handles;
	int ret = array_of(call, array, &handles);

	if (!ret)
		replace_all(call, handles, array->count_handles, NULL);
	return ret;
}

int hf_ioctl_syncobj_signal(struct hf_call *call, void *arg)
{
	const struct drm_syncobj_array *array = arg;
	struct hf_fence *fence;
	const uint32_t *handles;
	int ret = array_of(call, array, &handles);

	if (ret)
		return ret;
	fence = hf_fence_create_signaled(hf_clock_now(call->dev->sys->clock));
	if (!fence)
		return -ENOMEM;
	replace_all(call, handles, array->count_handles, fence);
	hf_fence_put(fence);
	return 0;
}

int hf_ioctl_syncobj_timeline_signal(struct hf_call *call, void *arg)
{
	const struct drm_syncobj_timeline_array *array = arg;
	uint32_t n = array->count_handles;
	const uint32_t *handles;
	const uint64_t *points;
	struct hf_fence *fence;
	int ret;

	if (array->flags)
		return -EINVAL;
	if (!n)
		return -EINVAL;
	ret = hf_call_syncobjs(call, n, &handles);
	if (!ret)
		ret = hf_call_points(call, array->points, n, &points);
	if (ret)
		return ret;
	fence = hf_fence_create_signaled(hf_clock_now(call->dev->sys->clock));
	if (!fence)
		return -ENOMEM;
	for (uint32_t i = 0; !ret && i < n; i++)
		ret = hf_syncobj_add_point(
			hf_syncobj_lookup(&call->file->syncobjs, handles[i]),
			fence, points ? points[i] : 0);
	hf_fence_put(fence);
	return ret;
}

int hf_ioctl_syncobj_query(struct hf_call *call, void *arg)
{
	const struct drm_syncobj_timeline_array *array = arg;
	const uint32_t *handles;
	int ret;

	if (array->flags & ~DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED)
		return -EINVAL;
	if (!array->count_handles)
		return -EINVAL;
	ret = hf_call_syncobjs(call, array->count_handles, &handles);
	for (uint32_t i = 0; !ret && i < array->count_handles; i++) {
		uint64_t point = hf_syncobj_query(
			hf_syncobj_lookup(&call->file->syncobjs, handles[i]),
			array->flags);

		ret = hf_call_copy_out(call, 1, &point, i, 1);
	}
	return ret;
}
