/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the driver-private ioctls share: objects, address spaces,
 * command buffers, jobs that stop where a test wants them to, and the figures
 * of `holdfast info`. On top of the harness in tests/uapi.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "uapi.h"

#include <holdfast_drm.h>

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define PAGE (4 * KIB)

uint64_t get_param(int fd, uint32_t param);
void need_engine(int fd);
void need_coherent(int fd);

/* -- objects ------------------------------------------------------------------- */

/* An object, mapped by the CPU. */
struct object {
	int fd;
	uint32_t handle;
	uint64_t size;
	void *data;
};

int gem_create(int fd, uint64_t size, uint32_t flags, uint32_t *handle);
int gem_mmap_offset(int fd, uint32_t handle, uint64_t *offset);
void *gem_map(int fd, uint32_t handle, uint64_t size);
int gem_userptr(int fd, const void *addr, uint64_t size, uint32_t flags, uint32_t *handle);
int gem_madvise(int fd, uint32_t handle, uint32_t madv, uint32_t *retained);
int gem_wait(int fd, uint32_t handle, uint32_t flags, int64_t timeout_ns);

void object_create(int fd, uint64_t size, uint32_t flags, struct object *object);
void object_destroy(struct object *object);	/* the mapping, too */
/* A pattern of 32-bit numbers that differs from page to page and from seed to seed. */
void pattern_fill(void *data, uint64_t size, uint32_t seed);
bool pattern_is(const void *data, uint64_t size, uint32_t seed);
bool bytes_are(const void *data, uint64_t size, uint8_t byte);

/* -- address spaces ------------------------------------------------------------- */

int vm_create(int fd, uint32_t *vm);
int vm_destroy(int fd, uint32_t vm);
struct drm_holdfast_bind_op map_op(uint32_t handle, uint64_t offset, uint64_t va,
				   uint64_t range, uint32_t flags);
struct drm_holdfast_bind_op unmap_op(uint64_t va, uint64_t range);
int vm_bind(int fd, uint32_t vm, const struct drm_holdfast_bind_op *ops, uint32_t count);
int vm_bind_fenced(int fd, uint32_t vm, const struct drm_holdfast_bind_op *ops,
		   uint32_t count, const struct drm_holdfast_sync *syncs, uint32_t sync_count);
int vm_map(int fd, uint32_t vm, const struct object *object, uint64_t va);
int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t range);

/* -- fences --------------------------------------------------------------------- */

uint32_t syncobj_create(int fd);
struct drm_holdfast_sync wait_for(uint32_t syncobj, uint64_t point);
struct drm_holdfast_sync signal_to(uint32_t syncobj, uint64_t point);
int syncobj_wait(int fd, uint32_t syncobj, int64_t timeout_ns);	/* 0 or ETIME */
bool syncobj_done(int fd, uint32_t syncobj);
int fence_status(int fd, uint32_t syncobj);	/* 1: done, 0: active, else -errno */

/* -- jobs ----------------------------------------------------------------------- */

#define COMMANDS_VA UINT64_C(0x7f0000000000)
#define COMMANDS_SIZE (1 * MIB) /* half of it for siblings */
#define SIBLING_SIZE (8 * KIB)
#define SLOTS_VA UINT64_C(0x7e0000000000)
#define SLOT(n) (SLOTS_VA + 64 * (uint64_t)(n))
#define PATIENT_MS 15000 /* a timeout that only a bug meets */

/*
 * A context in an address space of its own, with a command buffer, whose part
 * from start to end is the next job, and a page of slots: numbers on which jobs
 * and tests wait for each other.
 */
struct engine {
	int fd;
	uint32_t vm, ctx;
	struct object commands, slots;
	uint64_t start, end, limit;
};

int ctx_create(int fd, uint32_t vm, uint32_t priority, uint32_t timeout_ms, uint32_t *ctx);
int ctx_destroy(int fd, uint32_t ctx);
void ctx_query(int fd, uint32_t ctx, struct drm_holdfast_ctx_query *query);

void engine_open(struct engine *engine);	/* on the render node */
void engine_create(int fd, uint32_t timeout_ms, struct engine *engine);
/* Another context in the same address space; at most 64. */
void engine_sibling(const struct engine *engine, struct engine *sibling);
void engine_map(const struct engine *engine, const struct object *object, uint64_t va);

/* Commands go to the end of the next job; an address is returned. */
uint64_t emit(struct engine *engine, const void *command, size_t size);
uint64_t emit_nop(struct engine *engine, uint16_t size);
uint64_t emit_end(struct engine *engine);
uint64_t emit_jump(struct engine *engine, uint64_t va, uint32_t size);
uint64_t emit_write(struct engine *engine, uint64_t va, uint32_t value);
uint64_t emit_write64(struct engine *engine, uint64_t va, uint64_t value);
uint64_t emit_wait(struct engine *engine, uint64_t va, uint32_t condition, uint32_t value,
		   uint32_t mask);
uint64_t emit_copy_linear(struct engine *engine, uint64_t dst, uint64_t src, uint64_t size);
uint64_t emit_fill(struct engine *engine, const struct holdfast_surface *dst,
		   struct holdfast_rect rect, uint32_t color);
uint64_t emit_copy(struct engine *engine, uint16_t op, const struct holdfast_surface *dst,
		   const struct holdfast_surface *src, struct holdfast_rect rect,
		   uint32_t dst_x, uint32_t dst_y);

/* Say in slot @n that the job is here, and stop until release() of slot @n + 1. */
void emit_hold(struct engine *engine, unsigned int n);
void await(const struct engine *engine, unsigned int n);
void release(const struct engine *engine, unsigned int n);

/* Submit what was emitted. */
int submit(struct engine *engine, const struct drm_holdfast_sync *syncs, uint32_t sync_count,
	   const struct drm_holdfast_object *objects, uint32_t object_count);
uint32_t go(struct engine *engine);	/* returns the syncobj that it signals */
void run(struct engine *engine);	/* wait for its good end, too */
/* Run and expect a fault; @va 0: anywhere. The context is banned then. */
void run_fault(struct engine *engine, uint32_t fault, uint64_t va, bool write);

/* Copy by the engine, so that the test sees what the device sees. */
void read_back(struct engine *engine, uint64_t va, uint64_t size, struct object *into);

/* -- pictures ------------------------------------------------------------------- */

struct picture {
	struct object object;
	struct holdfast_surface surface;
};

void picture_create(struct engine *engine, uint64_t va, uint32_t width, uint32_t height,
		    uint32_t format, struct picture *picture);
uint32_t *pixel(const struct picture *picture, uint32_t x, uint32_t y);
void picture_clear(const struct picture *picture, uint32_t color);

/* -- figures -------------------------------------------------------------------- */

/* A number at the top level of `holdfast info --json`; fails if there is none. */
uint64_t info(const char *key);
/* Wait until it is that: for what another process's end sets off. */
void await_info(const char *key, uint64_t value);

#endif
