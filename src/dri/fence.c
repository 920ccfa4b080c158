/* SPDX-License-Identifier: MIT */
/*
 * Fences with descriptors: EGL_ANDROID_native_fence_sync.
 *
 * The renderer runs on the CPU, and its fences are its own. Who asks for the descriptor
 * of one waits until the picture is drawn and gets a sync_file of the device that is
 * signaled; a descriptor that is handed in is waited for where a GPU would. A fence belongs
 * to whoever made it; the table is filled once, under the lock of the caller.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <xf86drm.h>

#include "dri/dri.h"

struct fence {
	void *drawn; /* the renderer's, or NULL: @fd was handed in */
	__DRIcontext *context;
	int fd;
};

static const __DRI2fenceExtension *real; /* of the library, for good */
static __DRI2fenceExtension table;

static struct fence *new_fence(__DRIcontext *context)
{
	struct fence *fence = calloc(1, sizeof(*fence));

	if (fence) {
		fence->context = context;
		fence->fd = -1;
	}
	return fence;
}

static void *create(__DRIcontext *context)
{
	struct fence *fence = new_fence(context);

	if (!fence)
		return NULL;
	fence->drawn = real->create_fence(context);
	if (!fence->drawn) {
		free(fence);
		return NULL;
	}
	return fence;
}

static void *create_from_fd(__DRIcontext *context, int fd)
{
	struct fence *fence;

	if (fd < 0)
		return create(context);
	fence = new_fence(context);
	if (!fence)
		return NULL;
	fence->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fence->fd < 0) {
		free(fence);
		return NULL;
	}
	return fence;
}

static void destroy(__DRIscreen *screen, void *data)
{
	struct fence *fence = data;

	if (fence->drawn)
		real->destroy_fence(screen, fence->drawn);
	if (fence->fd >= 0)
		close(fence->fd);
	free(fence);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

/* Return: whether @fd was readable within @timeout nanoseconds. */
static bool wait_fd(int fd, uint64_t timeout)
{
	uint64_t start = now(), passed = 0;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int ret;

	do {
		uint64_t left = timeout - passed;
		struct timespec ts = { .tv_sec = left / 1000000000,
				       .tv_nsec = left % 1000000000 };
		bool forever = timeout == __DRI2_FENCE_TIMEOUT_INFINITE;

		ret = ppoll(&poll_fd, 1, forever ? NULL : &ts, NULL);
		passed = now() - start;
	} while (ret < 0 && errno == EINTR && passed < timeout);
	return ret > 0;
}

static unsigned char client_wait(__DRIcontext *context, void *data,
				 unsigned int flags, uint64_t timeout)
{
	struct fence *fence = data;

	if (fence->drawn)
		return real->client_wait_sync(context, fence->drawn, flags,
					      timeout);
	return wait_fd(fence->fd, timeout);
}

static void server_wait(__DRIcontext *context, void *data, unsigned int flags)
{
	struct fence *fence = data;

	if (fence->drawn)
		real->server_wait_sync(context, fence->drawn, flags);
	else
		wait_fd(fence->fd, __DRI2_FENCE_TIMEOUT_INFINITE);
}

static unsigned int get_capabilities(__DRIscreen *screen)
{
	uint64_t has = 0;

	drmGetCap(hf_dri_screen_fd(screen), DRM_CAP_SYNCOBJ, &has);
	return has ? __DRI_FENCE_CAP_NATIVE_FD : 0;
}

/* A sync_file that has signaled, or -1. */
static int signaled_fd(__DRIscreen *screen)
{
	int device = hf_dri_screen_fd(screen), fd = -1;
	uint32_t syncobj;

	if (drmSyncobjCreate(device, DRM_SYNCOBJ_CREATE_SIGNALED, &syncobj))
		return -1;
	if (drmSyncobjExportSyncFile(device, syncobj, &fd))
		fd = -1;
	drmSyncobjDestroy(device, syncobj);
	return fd;
}

static int get_fd(__DRIscreen *screen, void *data)
{
	struct fence *fence = data;

	if (!fence->drawn)
		return fcntl(fence->fd, F_DUPFD_CLOEXEC, 0);
	real->client_wait_sync(fence->context, fence->drawn, 0,
			       __DRI2_FENCE_TIMEOUT_INFINITE);
	return signaled_fd(screen);
}

const __DRIextension *hf_dri_fence(const __DRIextension *extension)
{
	if (table.base.name)
		return &table.base;
	real = (const __DRI2fenceExtension *)extension;
	if (extension->version < 1)
		return extension;
	table = (__DRI2fenceExtension){
		.base = { __DRI2_FENCE, __DRI2_FENCE_VERSION },
		.create_fence = create,
		.destroy_fence = destroy,
		.client_wait_sync = client_wait,
		.server_wait_sync = server_wait,
		.get_capabilities = get_capabilities,
		.create_fence_fd = create_from_fd,
		.get_fence_fd = get_fd,
	};
	return &table.base;
}
