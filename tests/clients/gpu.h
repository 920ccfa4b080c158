/* SPDX-License-Identifier: MIT */
/*
 * The engine for client programs, through holdfast_drm.h alone: memory in an
 * address space, lists of commands, jobs. An error ends the program.
 *
 * Everything works on devices that do not see the CPU's caches, too: the CPU
 * works on memory between gpu_cpu_begin() and gpu_cpu_end().
 */
#ifndef HF_TEST_GPU_H
#define HF_TEST_GPU_H

#include <stddef.h>
#include <stdint.h>
#include <linux/dma-buf.h>
#include <holdfast_drm.h>

/**
 * struct gpu - A device that has an engine.
 * @fd: of the render node
 * @vm: one address space
 * @ctx: for jobs that come one after the other
 * @next_va: where the next memory is mapped
 */
struct gpu {
	int fd;
	uint32_t vm, ctx;
	uint64_t next_va;
};

/**
 * struct gpu_memory - An object, mapped in the address space.
 * @size: whole pages
 * @cpu: where the program sees it, or NULL
 * @dma_buf: or -1
 */
struct gpu_memory {
	uint32_t handle;
	int dma_buf;
	uint64_t size, va;
	void *cpu;
};

void gpu_open(struct gpu *gpu);
uint32_t gpu_create_context(const struct gpu *gpu);

/** gpu_create() - New memory, zero-filled. */
void gpu_create(struct gpu *gpu, uint64_t size, struct gpu_memory *memory);
/** gpu_import() - Memory of another device; takes the descriptor. */
void gpu_import(struct gpu *gpu, int dma_buf, uint64_t size,
		struct gpu_memory *memory);
/** gpu_register() - Memory of this process, for the engine to read. */
void gpu_register(struct gpu *gpu, const void *data, size_t size,
		  struct gpu_memory *memory);
/** gpu_close() - Give up the handle. What is mapped stays mapped. */
void gpu_close(const struct gpu *gpu, struct gpu_memory *memory);
/** gpu_unmap() - Take it out of the address space. */
void gpu_unmap(const struct gpu *gpu, const struct gpu_memory *memory);
/** gpu_black() - An address where @size bytes are 0 and stay so. */
uint64_t gpu_black(struct gpu *gpu, uint64_t size);

/** gpu_cpu_begin() - Wait for jobs in the way; @access: DMA_BUF_SYNC_READ, ... */
void gpu_cpu_begin(const struct gpu_memory *memory, uint64_t access);
void gpu_cpu_end(const struct gpu_memory *memory, uint64_t access);

#define GPU_JOB_OBJECTS 16

/**
 * struct gpu_job - A list of commands, to be used again and again.
 * @used: bytes of @commands
 * @objects: what the job reads and writes, for whoever works on it next
 */
struct gpu_job {
	struct gpu_memory commands;
	size_t used;
	struct drm_holdfast_object objects[GPU_JOB_OBJECTS];
	uint32_t num_objects;
};

/** gpu_job_create() - Room for @size bytes of commands. */
void gpu_job_create(struct gpu *gpu, uint64_t size, struct gpu_job *job);
/** gpu_job_begin() - A new list, once the last one is done. */
void gpu_job_begin(struct gpu_job *job);
void gpu_job_uses(struct gpu_job *job, const struct gpu_memory *memory,
		  uint32_t flags);
void gpu_job_add(struct gpu_job *job, const void *command, size_t size);
/** gpu_job_submit() - @done: a syncobj to signal, or 0. */
void gpu_job_submit(const struct gpu *gpu, uint32_t ctx, struct gpu_job *job,
		    uint32_t done);
/** gpu_wait() - Until the syncobj is signaled. Destroys it. */
void gpu_wait(const struct gpu *gpu, uint32_t done);
/** gpu_check() - End the program where a job of the context failed. */
void gpu_check(const struct gpu *gpu, uint32_t ctx);

/* -- commands ---------------------------------------------------------------- */

void gpu_fill(struct gpu_job *job, const struct holdfast_surface *dst,
	      struct holdfast_rect rect, uint32_t color);
/** gpu_copy() - @op: HOLDFAST_CMD_COPY or _CONVERT; to the same place. */
void gpu_copy(struct gpu_job *job, uint16_t op,
	      const struct holdfast_surface *dst,
	      const struct holdfast_surface *src, struct holdfast_rect rect);
/** gpu_scale() - All of @src. */
void gpu_scale(struct gpu_job *job, const struct holdfast_surface *dst,
	       struct holdfast_rect rect, const struct holdfast_surface *src);
/** gpu_over() - @src from (@src_x, 0) OVER @rect; @mask may be NULL. */
void gpu_over(struct gpu_job *job, const struct holdfast_surface *dst,
	      struct holdfast_rect rect, const struct holdfast_surface *src,
	      uint32_t src_x, const struct holdfast_surface *mask,
	      uint32_t alpha);
void gpu_write(struct gpu_job *job, uint64_t va, uint32_t value);
/** gpu_wait_for() - The commands after it wait until it is that value. */
void gpu_wait_for(struct gpu_job *job, uint64_t va, uint32_t value);

#endif
