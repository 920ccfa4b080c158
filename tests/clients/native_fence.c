// SPDX-License-Identifier: MIT
/*
 * EGL_ANDROID_native_fence_sync for an EGL that lacks it, as Mesa's software
 * renderer did for long: `kmscube -A` refuses to run without. Preloaded into
 * the program, never into anything else.
 *
 * Rendering is finished when the program asks for its fence, so the fence that
 * it gets has signalled: one of the device's own, out of a syncobj, or, where the
 * device has no syncobjs, one that stands for none at all. A fence that it hands
 * in is waited for on the spot. Where the EGL has the extension, this does
 * nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

static const char extension[] = "EGL_ANDROID_native_fence_sync";

/* Does the EGL have the extension itself? Known once it was asked. */
static bool native;

struct fence {
	int fd; /* -1: rendering, else what was handed in */
};

const char *eglQueryString(EGLDisplay display, EGLint name)
{
	static __typeof__(eglQueryString) *real;
	static char *extended;

	if (!real)
		real = (__typeof__(real))dlsym(RTLD_NEXT, "eglQueryString");
	const char *string = real(display, name);

	if (name != EGL_EXTENSIONS || display == EGL_NO_DISPLAY || !string)
		return string;
	native = strstr(string, extension);
	if (native)
		return string;
	if (!extended && asprintf(&extended, "%s %s", string, extension) < 0)
		return string;
	return extended;
}

static EGLSyncKHR create_sync(EGLDisplay display, EGLenum type,
			      const EGLint *attributes)
{
	struct fence *fence = malloc(sizeof(*fence));

	if (!fence)
		return EGL_NO_SYNC_KHR;
	fence->fd = -1;
	for (; attributes && *attributes != EGL_NONE; attributes += 2)
		if (attributes[0] == EGL_SYNC_NATIVE_FENCE_FD_ANDROID)
			fence->fd = attributes[1];
	return fence;
}

static EGLBoolean destroy_sync(EGLDisplay display, EGLSyncKHR sync)
{
	struct fence *fence = sync;

	if (fence->fd >= 0)
		close(fence->fd);
	free(fence);
	return EGL_TRUE;
}

static void wait_fence(const struct fence *fence)
{
	struct pollfd poll_fd = { .fd = fence->fd, .events = POLLIN };

	if (fence->fd >= 0)
		poll(&poll_fd, 1, -1);
	else
		glFinish();
}

static EGLint wait_sync(EGLDisplay display, EGLSyncKHR sync, EGLint flags)
{
	wait_fence(sync);
	return EGL_TRUE;
}

static EGLint client_wait_sync(EGLDisplay display, EGLSyncKHR sync,
			       EGLint flags, EGLTimeKHR timeout)
{
	wait_fence(sync);
	return EGL_CONDITION_SATISFIED_KHR;
}

/* A sync_file that has signalled, or -1 where the device makes none. */
static int signalled_sync_file(void)
{
	static int device = -1;
	uint32_t syncobj;
	int fd;

	if (device < 0)
		device = drmOpenWithType("holdfast", NULL, DRM_NODE_RENDER);
	if (drmSyncobjCreate(device, DRM_SYNCOBJ_CREATE_SIGNALED, &syncobj))
		return -1;
	if (drmSyncobjExportSyncFile(device, syncobj, &fd))
		fd = -1;
	drmSyncobjDestroy(device, syncobj);
	return fd;
}

/* A descriptor for "no fence": the program wants to see one. Its number is none
 * that a picture's measures are likely to be. */
static int no_fence = -1;

static int make_no_fence(void)
{
	int fd = eventfd(1, EFD_CLOEXEC);

	no_fence = fcntl(fd, F_DUPFD_CLOEXEC, 811);
	close(fd);
	return no_fence;
}

static EGLint dup_native_fence(EGLDisplay display, EGLSyncKHR sync)
{
	wait_fence(sync);
	int fd = signalled_sync_file();

	return fd >= 0 ? fd : make_no_fence();
}

int drmModeAtomicAddProperty(drmModeAtomicReqPtr request, uint32_t object,
			     uint32_t property, uint64_t value)
{
	static __typeof__(drmModeAtomicAddProperty) *real;

	if (!real)
		real = (__typeof__(real))dlsym(RTLD_NEXT,
					       "drmModeAtomicAddProperty");
	if (no_fence >= 0 && value == (uint64_t)no_fence)
		value = -1;
	return real(request, object, property, value);
}

__eglMustCastToProperFunctionPointerType eglGetProcAddress(const char *name)
{
	static const struct {
		const char *name;
		__eglMustCastToProperFunctionPointerType function;
	} ours[] = {
#define OURS(name, function) { name, (__eglMustCastToProperFunctionPointerType)function }
		OURS("eglCreateSyncKHR", create_sync),
		OURS("eglDestroySyncKHR", destroy_sync),
		OURS("eglWaitSyncKHR", wait_sync),
		OURS("eglClientWaitSyncKHR", client_wait_sync),
		OURS("eglDupNativeFenceFDANDROID", dup_native_fence),
	};
	static __typeof__(eglGetProcAddress) *real;

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!strcmp(name, ours[i].name) && !native)
			return ours[i].function;
	if (!real)
		real = (__typeof__(real))dlsym(RTLD_NEXT, "eglGetProcAddress");
	return real(name);
}
