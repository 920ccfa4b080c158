/* SPDX-License-Identifier: MIT */
/*
 * A client of the engine, as small as it gets: an address space, objects in it,
 * and jobs. Everything here returns 0 or a negative errno, said on stderr.
 */
#ifndef HF_BENCH_JOB_H
#define HF_BENCH_JOB_H

#include <stddef.h>
#include <stdint.h>

/** struct gpu - An open device with an address space. */
struct gpu {
	int fd;
	uint32_t vm_id;
	uint64_t next_va;
};

/** struct gpu_memory - An object that both sides see. */
struct gpu_memory {
	void *cpu;
	uint64_t va;
	size_t size;
};

int gpu_open(struct gpu *gpu);
/** gpu_close() - And all that it has. Takes one that could not be opened. */
void gpu_close(struct gpu *gpu);

int gpu_context(struct gpu *gpu, uint32_t *ctx_id);
int gpu_syncobj(struct gpu *gpu, uint32_t *syncobj);

/** gpu_memory_create() - Scattered memory, with every page touched, and bound. */
int gpu_memory_create(struct gpu *gpu, struct gpu_memory *memory, size_t size);

/**
 * gpu_submit() - A job that signals a syncobj.
 * @va: of its commands, @size bytes; 0: it is empty
 * @point: of a timeline; 0: the syncobj is binary
 */
int gpu_submit(const struct gpu *gpu, uint32_t ctx_id, uint64_t va,
	       uint32_t size, uint32_t syncobj, uint64_t point);
/** gpu_wait() - For it. It need not be submitted yet. */
int gpu_wait(const struct gpu *gpu, uint32_t syncobj, uint64_t point);

#endif
