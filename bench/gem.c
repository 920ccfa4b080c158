// SPDX-License-Identifier: MIT
/*
 * The life of a dumb object, against that of a bare memfd of the same size.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xf86drm.h>
#include "bench.h"

struct gem_context {
	int drm_fd;
	uint32_t width, height;
	size_t size;
	size_t page_size;
};

static int create_dumb(const struct gem_context *context, uint32_t *handle)
{
	struct drm_mode_create_dumb create = {
		.width = context->width,
		.height = context->height,
		.bpp = 32,
	};

	if (drmIoctl(context->drm_fd, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return bench_fail("DRM_IOCTL_MODE_CREATE_DUMB");
	*handle = create.handle;
	return 0;
}

static int destroy_dumb(const struct gem_context *context, uint32_t handle)
{
	struct drm_mode_destroy_dumb destroy = { .handle = handle };

	if (drmIoctl(context->drm_fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy))
		return bench_fail("DRM_IOCTL_MODE_DESTROY_DUMB");
	return 0;
}

/* The references go past every library: the shim has no part in them. */
static int create_memfd(const struct gem_context *context)
{
	int fd = syscall(SYS_memfd_create, "bench",
			 MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || syscall(SYS_ftruncate, fd, context->size) < 0)
		return bench_fail("memfd");
	return fd;
}

static void touch(volatile char *memory, const struct gem_context *context)
{
	for (size_t at = 0; at < context->size; at += context->page_size)
		memory[at] = 1;
}

static int gem_create_close(void *data, unsigned int count)
{
	const struct gem_context *context = data;
	uint32_t handle = 0;
	int ret = 0;

	while (count-- && !ret) {
		ret = create_dumb(context, &handle);
		if (!ret)
			ret = destroy_dumb(context, handle);
	}
	return ret;
}

static int memfd_create_close(void *data, unsigned int count)
{
	const struct gem_context *context = data;

	while (count--) {
		int fd = create_memfd(context);

		if (fd < 0)
			return fd;
		syscall(SYS_close, fd);
	}
	return 0;
}

static int map_dumb(const struct gem_context *context, uint32_t handle)
{
	struct drm_mode_map_dumb map = { .handle = handle };

	if (drmIoctl(context->drm_fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return bench_fail("DRM_IOCTL_MODE_MAP_DUMB");
	char *memory = mmap(NULL, context->size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, context->drm_fd, map.offset);

	if (memory == MAP_FAILED)
		return bench_fail("mmap");
	touch(memory, context);
	munmap(memory, context->size);
	return 0;
}

static int gem_map_touch(void *data, unsigned int count)
{
	const struct gem_context *context = data;
	uint32_t handle = 0;
	int ret = 0;

	while (count-- && !ret) {
		ret = create_dumb(context, &handle);
		if (!ret)
			ret = map_dumb(context, handle);
		if (!ret)
			ret = destroy_dumb(context, handle);
	}
	return ret;
}

static int memfd_map_touch(void *data, unsigned int count)
{
	const struct gem_context *context = data;

	while (count--) {
		int fd = create_memfd(context);

		if (fd < 0)
			return fd;
		char *memory = (char *)syscall(SYS_mmap, NULL, context->size,
					       PROT_READ | PROT_WRITE,
					       MAP_SHARED, fd, 0);

		if (memory == MAP_FAILED)
			return bench_fail("mmap");
		touch(memory, context);
		syscall(SYS_munmap, memory, context->size);
		syscall(SYS_close, fd);
	}
	return 0;
}

static int measure(const struct contest *contest, uint32_t width,
		   uint32_t height, struct result *result)
{
	struct gem_context context = {
		.drm_fd = bench_open_device(),
		.width = width,
		.height = height,
		.size = (size_t)width * height * 4,
		.page_size = sysconf(_SC_PAGESIZE),
	};

	if (context.drm_fd < 0)
		return context.drm_fd;
	int ret = contest_run(contest, &context, result);

	close(context.drm_fd);
	return ret;
}

int measure_gem_create_close(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = gem_create_close,
		.reference = memfd_create_close,
		.batches = quick ? 11 : 101,
		.count = 200,
		.warmup_ns = BENCH_WARMUP_NS,
	};

	return measure(&contest, 32, 32, result);
}

int measure_gem_map_touch(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = gem_map_touch,
		.reference = memfd_map_touch,
		.batches = quick ? 11 : 101,
		.count = 4,
		.warmup_ns = BENCH_WARMUP_NS,
	};

	return measure(&contest, 1024, 2048, result);
}
