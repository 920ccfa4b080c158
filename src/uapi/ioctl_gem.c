/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of buffer objects: handles, names, PRIME, dumb buffers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/log.h"
#include "holdfast_drm.h"
#include "sync/resv.h"
#include "uapi/handlers.h"

static int close_handle(struct hf_call *call, uint32_t handle)
{
	int memory, ret;

	ret = hf_gem_handle_close(&call->file->gem, handle, &memory);
	/* The shim closes what it is given and has no use for. */
	if (memory >= 0)
		hf_call_add_fd(call, memory, true);
	return ret;
}

int hf_ioctl_gem_close(struct hf_call *call, void *arg)
{
	const struct drm_gem_close *close = arg;

	return close_handle(call, close->handle);
}

int hf_ioctl_gem_flink(struct hf_call *call, void *arg)
{
	struct drm_gem_flink *flink = arg;

	return hf_gem_flink(&call->file->gem, flink->handle, &flink->name);
}

int hf_ioctl_gem_open(struct hf_call *call, void *arg)
{
	struct drm_gem_open *open = arg;
	uint64_t size;
	int ret = hf_gem_open(&call->file->gem, open->name, &open->handle,
			      &size);

	if (!ret)
		open->size = size;
	return ret;
}

int hf_ioctl_prime_handle_to_fd(struct hf_call *call, void *arg)
{
	struct drm_prime_handle *prime = arg;
	int fd;

	if (prime->flags & ~(DRM_CLOEXEC | DRM_RDWR))
		return -EINVAL;
	fd = hf_gem_prime_export(&call->file->gem, prime->handle, prime->flags);
	if (fd < 0)
		return fd;
	return hf_call_add_fd(call, fd, prime->flags & DRM_CLOEXEC);
}

int hf_ioctl_prime_fd_to_handle(struct hf_call *call, void *arg)
{
	struct drm_prime_handle *prime = arg;
	int fd, ret = hf_call_fd(call, prime->fd, &fd);

	if (ret)
		return ret;
	return hf_gem_prime_import(&call->file->gem, fd, &prime->handle);
}

/* Leaves errno. */
static void warn_of_pool(struct hf_device *dev, size_t size)
{
	struct hf_memory_stats stats;
	int err = errno;

	hf_memory_stats(dev->sys->mem, &stats);
	hf_warn("%s: no room for a dumb buffer of %zu bytes; the largest hole in "
		"the contiguous pool has %lu (see --pool)",
		dev->unique, size, stats.pool_hole);
	errno = err;
}

/*
 * A dumb buffer is one run of bus addresses, as long as the pool has any: a
 * display behind an IOMMU does without, another one cannot.
 */
static struct hf_gem_object *create_dumb(struct hf_device *dev, size_t size,
					 pid_t pid)
{
	struct hf_gem_object *object =
		hf_gem_object_create(&dev->gem, size, true, pid);

	if (!object && errno == ENOMEM && dev->dma.domain)
		object = hf_gem_object_create(&dev->gem, size, false, pid);
	else if (!object && errno == ENOMEM)
		warn_of_pool(dev, size);
	/* Programs draw into it without a sync: its mappings are not cached. */
	if (object)
		object->backing->coherent = true;
	return object;
}

/* The kernel's drm_mode_create_dumb() and drm_gem_shmem_dumb_create(). */
int hf_ioctl_mode_create_dumb(struct hf_call *call, void *arg)
{
	struct drm_mode_create_dumb *dumb = arg;
	struct hf_gem_object *object;
	uint32_t cpp, stride, page = sysconf(_SC_PAGESIZE);
	int ret;

	if (!dumb->width || !dumb->height || !dumb->bpp)
		return -EINVAL;
	if (dumb->bpp > UINT32_MAX - 8)
		return -EINVAL;
	cpp = (dumb->bpp + 7) / 8;
	if (cpp > UINT32_MAX / dumb->width)
		return -EINVAL;
	stride = cpp * dumb->width;
	if (dumb->height > UINT32_MAX / stride)
		return -EINVAL;
	if (((dumb->height * stride + page - 1) & ~(page - 1)) == 0)
		return -EINVAL;

	dumb->handle = 0;
	dumb->pitch = ((uint64_t)dumb->width * dumb->bpp + 7) / 8;
	dumb->size = ((uint64_t)dumb->pitch * dumb->height + page - 1) &
		     ~(uint64_t)(page - 1);
	ret = hf_gem_fault(&call->dev->gem);
	if (ret)
		return ret;
	object = create_dumb(call->dev, dumb->size, call->cred.pid);
	if (!object)
		return -errno;
	ret = hf_gem_handle_create(&call->file->gem, object, &dumb->handle);
	hf_gem_object_put(object);
	return ret;
}

int hf_ioctl_mode_map_dumb(struct hf_call *call, void *arg)
{
	struct drm_mode_map_dumb *map = arg;
	struct hf_gem_object *object =
		hf_gem_lookup(&call->file->gem, map->handle);

	if (!object)
		return -ENOENT;
	map->offset = hf_gem_object_offset(object);
	hf_gem_object_put(object);
	return map->offset ? 0 : -EPERM; /* user pages */
}

int hf_ioctl_mode_destroy_dumb(struct hf_call *call, void *arg)
{
	const struct drm_mode_destroy_dumb *dumb = arg;

	return close_handle(call, dumb->handle);
}

/* -- the driver's own --------------------------------------------------------- */

int hf_ioctl_gem_create(struct hf_call *call, void *arg)
{
	struct drm_holdfast_gem_create *create = arg;
	struct hf_gem_object *object;
	int ret;

	if (!create->size || (create->flags & ~HOLDFAST_GEM_CONTIGUOUS))
		return -EINVAL;
	ret = hf_gem_fault(&call->dev->gem);
	if (ret)
		return ret;
	object = hf_gem_object_create(&call->dev->gem, create->size,
				      create->flags & HOLDFAST_GEM_CONTIGUOUS,
				      call->cred.pid);
	if (!object)
		return -errno;
	ret = hf_gem_handle_create(&call->file->gem, object, &create->handle);
	hf_gem_object_put(object);
	return ret;
}

int hf_ioctl_gem_mmap_offset(struct hf_call *call, void *arg)
{
	struct drm_holdfast_gem_mmap_offset *map = arg;
	struct drm_mode_map_dumb dumb = { .handle = map->handle };
	int ret = map->pad ? -EINVAL : hf_ioctl_mode_map_dumb(call, &dumb);

	map->offset = dumb.offset;
	return ret;
}

int hf_ioctl_gem_madvise(struct hf_call *call, void *arg)
{
	struct drm_holdfast_gem_madvise *madvise = arg;
	struct hf_gem_object *object;

	if (madvise->pad || madvise->madv > HOLDFAST_MADV_DONTNEED)
		return -EINVAL;
	object = hf_gem_lookup(&call->file->gem, madvise->handle);
	if (!object)
		return -ENOENT;
	madvise->retained = hf_gem_madvise(
		object, madvise->madv == HOLDFAST_MADV_WILLNEED);
	hf_gem_object_put(object);
	return 0;
}

int hf_ioctl_gem_wait(struct hf_call *call, void *arg)
{
	const struct drm_holdfast_gem_wait *wait = arg;
	struct hf_gem_object *object;
	struct hf_fence *fence = NULL;
	int ret = 0;

	if (wait->flags & ~HOLDFAST_WAIT_WRITE)
		return -EINVAL;
	object = hf_gem_lookup(&call->file->gem, wait->handle);
	if (!object)
		return -ENOENT;
	if (object->backing)
		ret = hf_resv_fence(object->backing,
				    wait->flags & HOLDFAST_WAIT_WRITE, &fence);
	hf_gem_object_put(object);
	if (ret || !fence)
		return ret;
	ret = hf_call_wait_fence(call, fence, wait->timeout_ns, NULL);
	hf_fence_put(fence);
	return ret;
}
