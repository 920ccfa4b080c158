/* SPDX-License-Identifier: MIT */
/*
 * What the client programs share: opening the device, a buffer, and passing a
 * file descriptor.
 */
#ifndef HF_TEST_CLIENT_H
#define HF_TEST_CLIENT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

/** open_device() - The primary node. Negative where there is none. */
static inline int open_device(void)
{
	return drmOpen("holdfast", NULL);
}

/** create_dumb() - Return: a handle of a @width x @height 32-bit buffer, or 0. */
static inline uint32_t create_dumb(int fd, uint32_t width, uint32_t height)
{
	struct drm_mode_create_dumb create = {
		.width = width, .height = height, .bpp = 32
	};

	return drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create) ?
		       0 : create.handle;
}

/** map_dumb() - Map a dumb buffer to read and write. Return: MAP_FAILED or it. */
static inline void *map_dumb(int fd, uint32_t handle, size_t size)
{
	struct drm_mode_map_dumb map = { .handle = handle };

	if (drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return MAP_FAILED;
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    map.offset);
}

/** is_drm_file() - Does this descriptor answer as the device does? */
static inline bool is_drm_file(int fd)
{
	drmVersion *version = drmGetVersion(fd);
	bool ours = version && !strcmp(version->name, "holdfast");

	drmFreeVersion(version);
	return ours;
}

static inline int send_fd(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) < 0 ? -errno : 0;
}

static inline int receive_fd(int socket)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0 ||
	    !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/** fork_child() - Run @child in a process; it returns true where all is well. */
static inline pid_t fork_child(bool (*child)(void *), void *data)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(child(data) ? 0 : 1);
	return pid;
}

#define assert_child_succeeds(pid) do {					\
	pid_t pid_ = (pid);						\
	int status_ = -1;						\
	assert_true(pid_ > 0);						\
	assert_int_equal(waitpid(pid_, &status_, 0), pid_);		\
	assert_int_equal(status_, 0);					\
} while (0)

#endif
