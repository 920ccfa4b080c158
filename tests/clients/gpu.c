// SPDX-License-Identifier: MIT
/*
 * See the header.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "gpu.h"
#include "screen.h"

#define PAGE UINT64_C(4096)
#define FIRST_VA UINT64_C(0x100000000)
#define TIMEOUT_MS 30000 /* somebody may have to press a key meanwhile */

static void call(int fd, unsigned long request, void *arg, const char *what)
{
	if (drmIoctl(fd, request, arg))
		die(what);
}

static uint64_t pages(uint64_t size)
{
	return (size + PAGE - 1) & ~(PAGE - 1);
}

/* -- the device ---------------------------------------------------------------- */

static bool has_engine(int fd)
{
	struct drm_holdfast_get_param get = { .param = HOLDFAST_PARAM_ENGINE };

	return !drmIoctl(fd, DRM_IOCTL_HOLDFAST_GET_PARAM, &get) && get.value;
}

uint32_t gpu_create_context(const struct gpu *gpu)
{
	struct drm_holdfast_ctx_create create = {
		.vm_id = gpu->vm,
		.priority = HOLDFAST_PRIORITY_NORMAL,
		.timeout_ms = TIMEOUT_MS,
	};

	call(gpu->fd, DRM_IOCTL_HOLDFAST_CTX_CREATE, &create, "no context");
	return create.ctx_id;
}

void gpu_open(struct gpu *gpu)
{
	struct drm_holdfast_vm_create create = { 0 };

	gpu->fd = find_device(DRM_NODE_RENDER, has_engine);
	if (gpu->fd < 0)
		die("no device has an engine");
	call(gpu->fd, DRM_IOCTL_HOLDFAST_VM_CREATE, &create, "no address space");
	gpu->vm = create.vm_id;
	gpu->next_va = FIRST_VA;
	gpu->ctx = gpu_create_context(gpu);
}

/* -- memory -------------------------------------------------------------------- */

static void bind(const struct gpu *gpu, struct drm_holdfast_bind_op op)
{
	struct drm_holdfast_vm_bind bind = {
		.vm_id = gpu->vm, .num_ops = 1, .ops = (uintptr_t)&op,
	};

	call(gpu->fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind, "not mapped");
}

/* A page stays free after each, so that who goes too far is told. */
static uint64_t map(struct gpu *gpu, uint32_t handle, uint64_t size,
		    uint32_t flags)
{
	uint64_t va = gpu->next_va;

	bind(gpu, (struct drm_holdfast_bind_op){
		.op = HOLDFAST_BIND_MAP, .flags = flags, .handle = handle,
		.va = va, .range = size,
	});
	gpu->next_va += size + PAGE;
	return va;
}

static void *map_for_cpu(const struct gpu *gpu, uint32_t handle, uint64_t size)
{
	struct drm_holdfast_gem_mmap_offset get = { .handle = handle };
	void *data;

	call(gpu->fd, DRM_IOCTL_HOLDFAST_GEM_MMAP_OFFSET, &get, "no offset");
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, gpu->fd,
		    get.offset);
	if (data == MAP_FAILED)
		die("mmap");
	return data;
}

void gpu_create(struct gpu *gpu, uint64_t size, struct gpu_memory *memory)
{
	struct drm_holdfast_gem_create create = { .size = size };

	call(gpu->fd, DRM_IOCTL_HOLDFAST_GEM_CREATE, &create, "no object");
	memory->handle = create.handle;
	memory->size = pages(size);
	memory->va = map(gpu, create.handle, memory->size, 0);
	memory->cpu = map_for_cpu(gpu, create.handle, memory->size);
	if (drmPrimeHandleToFD(gpu->fd, create.handle, DRM_CLOEXEC | DRM_RDWR,
			       &memory->dma_buf))
		die("no dma-buf");
}

void gpu_import(struct gpu *gpu, int dma_buf, uint64_t size,
		struct gpu_memory *memory)
{
	*memory = (struct gpu_memory){ .dma_buf = dma_buf, .size = pages(size) };
	if (drmPrimeFDToHandle(gpu->fd, dma_buf, &memory->handle))
		die("the dma-buf is refused");
	memory->va = map(gpu, memory->handle, memory->size, 0);
}

void gpu_register(struct gpu *gpu, const void *data, size_t size,
		  struct gpu_memory *memory)
{
	struct drm_holdfast_gem_userptr userptr = {
		.addr = (uintptr_t)data, .size = size,
		.flags = HOLDFAST_USERPTR_READ_ONLY,
	};
	uint64_t into_page = userptr.addr % PAGE;

	call(gpu->fd, DRM_IOCTL_HOLDFAST_GEM_USERPTR, &userptr,
	     "the memory is not registered");
	*memory = (struct gpu_memory){
		.handle = userptr.handle, .dma_buf = -1,
		.size = pages(into_page + size),
	};
	memory->va = map(gpu, userptr.handle, memory->size,
			 HOLDFAST_BIND_READ_ONLY) + into_page;
}

void gpu_close(const struct gpu *gpu, struct gpu_memory *memory)
{
	if (drmCloseBufferHandle(gpu->fd, memory->handle))
		die("the handle is not closed");
	memory->handle = 0;
}

void gpu_unmap(const struct gpu *gpu, const struct gpu_memory *memory)
{
	bind(gpu, (struct drm_holdfast_bind_op){
		.op = HOLDFAST_BIND_UNMAP, .va = memory->va & ~(PAGE - 1),
		.range = memory->size,
	});
}

uint64_t gpu_black(struct gpu *gpu, uint64_t size)
{
	return map(gpu, 0, pages(size), HOLDFAST_BIND_SPARSE);
}

static void sync_cpu(const struct gpu_memory *memory, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	call(memory->dma_buf, DMA_BUF_IOCTL_SYNC, &sync, "sync of memory");
}

void gpu_cpu_begin(const struct gpu_memory *memory, uint64_t access)
{
	sync_cpu(memory, DMA_BUF_SYNC_START | access);
}

void gpu_cpu_end(const struct gpu_memory *memory, uint64_t access)
{
	sync_cpu(memory, DMA_BUF_SYNC_END | access);
}

/* -- jobs ---------------------------------------------------------------------- */

void gpu_job_create(struct gpu *gpu, uint64_t size, struct gpu_job *job)
{
	memset(job, 0, sizeof(*job));
	gpu_create(gpu, size, &job->commands);
}

void gpu_job_begin(struct gpu_job *job)
{
	gpu_cpu_begin(&job->commands, DMA_BUF_SYNC_WRITE);
	job->used = 0;
	job->num_objects = 0;
	gpu_job_uses(job, &job->commands, 0);
}

void gpu_job_uses(struct gpu_job *job, const struct gpu_memory *memory,
		  uint32_t flags)
{
	if (job->num_objects == GPU_JOB_OBJECTS) {
		errno = ENOSPC;
		die("too many objects in a job");
	}
	job->objects[job->num_objects++] = (struct drm_holdfast_object){
		.handle = memory->handle, .flags = flags,
	};
}

void gpu_job_add(struct gpu_job *job, const void *command, size_t size)
{
	if (size > job->commands.size - job->used) {
		errno = ENOSPC;
		die("too many commands in a job");
	}
	memcpy((char *)job->commands.cpu + job->used, command, size);
	job->used += size;
}

void gpu_job_submit(const struct gpu *gpu, uint32_t ctx, struct gpu_job *job,
		    uint32_t done)
{
	struct drm_holdfast_sync sync = {
		.handle = done, .flags = HOLDFAST_SYNC_SIGNAL,
	};
	struct drm_holdfast_submit submit = {
		.ctx_id = ctx,
		.cmd_va = job->commands.va,
		.cmd_size = job->used,
		.num_syncs = done != 0,
		.syncs = (uintptr_t)&sync,
		.objects = (uintptr_t)job->objects,
		.num_objects = job->num_objects,
	};

	gpu_cpu_end(&job->commands, DMA_BUF_SYNC_WRITE);
	call(gpu->fd, DRM_IOCTL_HOLDFAST_SUBMIT, &submit, "the job is refused");
}

void gpu_wait(const struct gpu *gpu, uint32_t done)
{
	if (drmSyncobjWait(gpu->fd, &done, 1, INT64_MAX, 0, NULL))
		die("the job does not end");
	drmSyncobjDestroy(gpu->fd, done);
}

void gpu_check(const struct gpu *gpu, uint32_t ctx)
{
	struct drm_holdfast_ctx_query query = { .ctx_id = ctx };

	call(gpu->fd, DRM_IOCTL_HOLDFAST_CTX_QUERY, &query, "no answer");
	if (!query.banned)
		return;
	fprintf(stderr, "a job failed: fault %u, a %s at %#llx\n", query.fault,
		query.write ? "write" : "read",
		(unsigned long long)query.fault_va);
	exit(1);
}

/* -- commands ------------------------------------------------------------------ */

#define HEADER(op, command, flags) { op, sizeof(command), flags }

void gpu_fill(struct gpu_job *job, const struct holdfast_surface *dst,
	      struct holdfast_rect rect, uint32_t color)
{
	struct holdfast_cmd_fill fill = {
		.base = HEADER(HOLDFAST_CMD_FILL, fill, 0),
		.dst = *dst, .rect = rect, .color = color,
	};

	gpu_job_add(job, &fill, sizeof(fill));
}

void gpu_copy(struct gpu_job *job, uint16_t op,
	      const struct holdfast_surface *dst,
	      const struct holdfast_surface *src, struct holdfast_rect rect)
{
	struct holdfast_cmd_copy copy = {
		.base = HEADER(op, copy, 0), .dst = *dst, .src = *src,
		.rect = rect, .dst_x = rect.x, .dst_y = rect.y,
	};

	gpu_job_add(job, &copy, sizeof(copy));
}

void gpu_scale(struct gpu_job *job, const struct holdfast_surface *dst,
	       struct holdfast_rect rect, const struct holdfast_surface *src)
{
	struct holdfast_cmd_scale scale = {
		.base = HEADER(HOLDFAST_CMD_SCALE, scale,
			       HOLDFAST_FILTER_BILINEAR),
		.dst = *dst, .src = *src, .dst_rect = rect,
		.src_rect = { 0, 0, src->width, src->height },
	};

	gpu_job_add(job, &scale, sizeof(scale));
}

void gpu_over(struct gpu_job *job, const struct holdfast_surface *dst,
	      struct holdfast_rect rect, const struct holdfast_surface *src,
	      uint32_t src_x, const struct holdfast_surface *mask,
	      uint32_t alpha)
{
	struct holdfast_cmd_composite composite = {
		.base = HEADER(HOLDFAST_CMD_COMPOSITE, composite,
			       HOLDFAST_OP_OVER),
		.dst = *dst, .src = *src, .rect = rect, .src_x = src_x,
		.alpha = alpha,
	};

	if (mask)
		composite.mask = *mask;
	gpu_job_add(job, &composite, sizeof(composite));
}

void gpu_write(struct gpu_job *job, uint64_t va, uint32_t value)
{
	struct holdfast_cmd_write write = {
		.base = HEADER(HOLDFAST_CMD_WRITE, write, 0),
		.va = va, .value = value,
	};

	gpu_job_add(job, &write, sizeof(write));
}

void gpu_wait_for(struct gpu_job *job, uint64_t va, uint32_t value)
{
	struct holdfast_cmd_wait wait = {
		.base = HEADER(HOLDFAST_CMD_WAIT, wait, HOLDFAST_WAIT_EQUAL),
		.va = va, .value = value, .mask = UINT32_MAX,
	};

	gpu_job_add(job, &wait, sizeof(wait));
}
