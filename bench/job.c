// SPDX-License-Identifier: MIT
/*
 * A client of the engine. See the header.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "bench.h"
#include "holdfast_drm.h"
#include "job.h"

#define FIRST_VA (UINT64_C(1) << 32)
#define ALIGN_VA (UINT64_C(1) << 21)

int gpu_open(struct gpu *gpu)
{
	struct drm_holdfast_vm_create create = { 0 };

	gpu->next_va = FIRST_VA;
	gpu->fd = bench_open_device();
	if (gpu->fd < 0)
		return gpu->fd;
	if (drmIoctl(gpu->fd, DRM_IOCTL_HOLDFAST_VM_CREATE, &create))
		return bench_fail("DRM_IOCTL_HOLDFAST_VM_CREATE");
	gpu->vm_id = create.vm_id;
	return 0;
}

void gpu_close(struct gpu *gpu)
{
	if (gpu->fd >= 0)
		close(gpu->fd);
}

int gpu_context(struct gpu *gpu, uint32_t *ctx_id)
{
	struct drm_holdfast_ctx_create create = {
		.vm_id = gpu->vm_id,
		.priority = HOLDFAST_PRIORITY_NORMAL,
	};

	if (drmIoctl(gpu->fd, DRM_IOCTL_HOLDFAST_CTX_CREATE, &create))
		return bench_fail("DRM_IOCTL_HOLDFAST_CTX_CREATE");
	*ctx_id = create.ctx_id;
	return 0;
}

int gpu_syncobj(struct gpu *gpu, uint32_t *syncobj)
{
	return drmSyncobjCreate(gpu->fd, 0, syncobj) ?
		       bench_fail("DRM_IOCTL_SYNCOBJ_CREATE") : 0;
}

static int map(struct gpu *gpu, struct gpu_memory *memory, uint32_t handle)
{
	struct drm_holdfast_gem_mmap_offset offset = { .handle = handle };

	if (drmIoctl(gpu->fd, DRM_IOCTL_HOLDFAST_GEM_MMAP_OFFSET, &offset))
		return bench_fail("DRM_IOCTL_HOLDFAST_GEM_MMAP_OFFSET");
	memory->cpu = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
			   MAP_SHARED, gpu->fd, offset.offset);
	if (memory->cpu == MAP_FAILED)
		return bench_fail("mmap");
	memset(memory->cpu, 1, memory->size);
	return 0;
}

static int bind(struct gpu *gpu, struct gpu_memory *memory, uint32_t handle)
{
	struct drm_holdfast_bind_op op = {
		.op = HOLDFAST_BIND_MAP,
		.handle = handle,
		.va = gpu->next_va,
		.range = memory->size,
	};
	struct drm_holdfast_vm_bind bind = {
		.vm_id = gpu->vm_id,
		.num_ops = 1,
		.ops = (uintptr_t)&op,
	};

	if (drmIoctl(gpu->fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind))
		return bench_fail("DRM_IOCTL_HOLDFAST_VM_BIND");
	memory->va = op.va;
	gpu->next_va += (memory->size + ALIGN_VA - 1) / ALIGN_VA * ALIGN_VA;
	return 0;
}

int gpu_memory_create(struct gpu *gpu, struct gpu_memory *memory, size_t size)
{
	size_t page_size = sysconf(_SC_PAGESIZE);
	struct drm_holdfast_gem_create create = { .size = size };

	memory->size = (size + page_size - 1) / page_size * page_size;
	if (drmIoctl(gpu->fd, DRM_IOCTL_HOLDFAST_GEM_CREATE, &create))
		return bench_fail("DRM_IOCTL_HOLDFAST_GEM_CREATE");
	int ret = map(gpu, memory, create.handle);

	return ret ? ret : bind(gpu, memory, create.handle);
}

int gpu_submit(const struct gpu *gpu, uint32_t ctx_id, uint64_t va,
	       uint32_t size, uint32_t syncobj, uint64_t point)
{
	struct drm_holdfast_sync sync = {
		.handle = syncobj,
		.flags = HOLDFAST_SYNC_SIGNAL,
		.point = point,
	};
	struct drm_holdfast_submit submit = {
		.ctx_id = ctx_id,
		.cmd_va = va,
		.cmd_size = size,
		.num_syncs = 1,
		.syncs = (uintptr_t)&sync,
	};

	return drmIoctl(gpu->fd, DRM_IOCTL_HOLDFAST_SUBMIT, &submit) ?
		       bench_fail("DRM_IOCTL_HOLDFAST_SUBMIT") : 0;
}

int gpu_wait(const struct gpu *gpu, uint32_t syncobj, uint64_t point)
{
	const uint32_t flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
	int ret = point ? drmSyncobjTimelineWait(gpu->fd, &syncobj, &point, 1,
						 INT64_MAX, flags, NULL) :
			  drmSyncobjWait(gpu->fd, &syncobj, 1, INT64_MAX, flags,
					 NULL);

	errno = -ret;
	return ret ? bench_fail("waiting for a syncobj") : 0;
}
