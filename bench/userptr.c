// SPDX-License-Identifier: MIT
/*
 * Memory of the process becomes DMA memory: for the first time, against copying
 * it into a new memfd, and again, against any ioctl.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xf86drm.h>

#include "bench.h"
#include "holdfast_drm.h"

enum { SIZE = 64 << 20 };

struct userptr_context {
	int fd;
	char *memory;
	uint32_t handle; /* 0: not registered */
	char *copy;	 /* or NULL */
};

static int memory_create(void *data)
{
	struct userptr_context *context = data;

	context->memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (context->memory == MAP_FAILED)
		return bench_fail("mmap");
	memset(context->memory, 1, SIZE);
	return 0;
}

static int add(struct userptr_context *context)
{
	struct drm_holdfast_gem_userptr userptr = {
		.addr = (uintptr_t)context->memory,
		.size = SIZE,
	};

	if (drmIoctl(context->fd, DRM_IOCTL_HOLDFAST_GEM_USERPTR, &userptr))
		return bench_fail("DRM_IOCTL_HOLDFAST_GEM_USERPTR");
	context->handle = userptr.handle;
	return 0;
}

static int drop(struct userptr_context *context)
{
	if (drmCloseBufferHandle(context->fd, context->handle))
		return bench_fail("DRM_IOCTL_GEM_CLOSE");
	context->handle = 0;
	return 0;
}

static int add_first(void *data, unsigned int count)
{
	return add(data);
}

/* The reference goes past every library: the shim has no part in it. */
static int copy(void *data, unsigned int count)
{
	struct userptr_context *context = data;
	int fd = syscall(SYS_memfd_create, "bench", MFD_CLOEXEC);

	if (fd < 0 || syscall(SYS_ftruncate, fd, (off_t)SIZE) < 0)
		return bench_fail("memfd");
	context->copy = (char *)syscall(SYS_mmap, NULL, (size_t)SIZE,
					PROT_READ | PROT_WRITE, MAP_SHARED, fd,
					0);
	syscall(SYS_close, fd);
	if (context->copy == MAP_FAILED)
		return bench_fail("mmap");
	memcpy(context->copy, context->memory, SIZE);
	return 0;
}

static int memory_destroy(void *data)
{
	struct userptr_context *context = data;
	int ret = context->handle ? drop(context) : 0;

	if (context->copy)
		munmap(context->copy, SIZE);
	context->copy = NULL;
	munmap(context->memory, SIZE);
	return ret;
}

static int add_and_drop(void *data, unsigned int count)
{
	struct userptr_context *context = data;
	int ret = 0;

	while (count-- && !ret) {
		ret = add(context);
		if (!ret)
			ret = drop(context);
	}
	return ret;
}

static int get_cap(void *data, unsigned int count)
{
	struct userptr_context *context = data;
	struct drm_get_cap cap = { .capability = DRM_CAP_DUMB_BUFFER };

	while (count--)
		if (drmIoctl(context->fd, DRM_IOCTL_GET_CAP, &cap))
			return bench_fail("DRM_IOCTL_GET_CAP");
	return 0;
}

int measure_userptr_first(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = add_first,
		.reference = copy,
		.before = memory_create,
		.after = memory_destroy,
		.batches = quick ? 11 : 51,
		.count = 1,
	};
	struct userptr_context context = { .fd = bench_open_device() };

	if (context.fd < 0)
		return context.fd;
	int ret = contest_run(&contest, &context, result);

	close(context.fd);
	result->value /= 1e6;
	result->reference /= 1e6;
	return ret;
}

int measure_userptr_again(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = add_and_drop,
		.reference = get_cap,
		.batches = quick ? 11 : 101,
		.count = 200,
		.warmup_ns = BENCH_WARMUP_NS,
	};
	struct userptr_context context = { .fd = bench_open_device() };

	if (context.fd < 0)
		return context.fd;
	int ret = memory_create(&context);

	if (!ret)
		ret = contest_run(&contest, &context, result);
	memory_destroy(&context);
	close(context.fd);
	return ret;
}
