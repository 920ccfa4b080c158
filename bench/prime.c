// SPDX-License-Identifier: MIT
/*
 * Sharing a buffer: export it here, pass it, import and map it in another
 * process, against passing a bare memfd to the same process and mapping that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>
#include "bench.h"

enum { WIDTH = 128, HEIGHT = 128, SIZE = WIDTH * HEIGHT * 4 };

enum kind { KIND_PRIME = 'p', KIND_MEMFD = 'm' };

struct prime_context {
	int drm_fd;
	uint32_t handle;
	int memfd;
	int socket;
	pid_t importer;
};

static int send_fd(int socket, char kind, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &kind, 1 };
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
	return syscall(SYS_sendmsg, socket, &message, 0) < 0 ?
		       bench_fail("sendmsg") : 0;
}

/* Return: 0 at the end of the stream. */
static char receive_fd(int socket, int *fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char kind = 0;
	struct iovec iov = { &kind, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	if (syscall(SYS_recvmsg, socket, &message, MSG_CMSG_CLOEXEC) <= 0)
		return 0;
	memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(*fd));
	return kind;
}

static int import_prime(int drm_fd, int fd)
{
	struct drm_mode_map_dumb map = { 0 };

	if (drmPrimeFDToHandle(drm_fd, fd, &map.handle))
		return bench_fail("DRM_IOCTL_PRIME_FD_TO_HANDLE");
	if (drmIoctl(drm_fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return bench_fail("DRM_IOCTL_MODE_MAP_DUMB");
	volatile char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				     MAP_SHARED, drm_fd, map.offset);

	if (memory == MAP_FAILED)
		return bench_fail("mmap");
	memory[0]++;
	munmap((void *)memory, SIZE);
	return drmCloseBufferHandle(drm_fd, map.handle);
}

static int import_memfd(int fd)
{
	volatile char *memory = (char *)syscall(SYS_mmap, NULL, SIZE,
						PROT_READ | PROT_WRITE,
						MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return bench_fail("mmap");
	memory[0]++;
	syscall(SYS_munmap, memory, SIZE);
	return 0;
}

static void importer(int socket)
{
	int drm_fd = bench_open_device();
	int fd, ret = drm_fd < 0;
	char kind;

	while (!ret && (kind = receive_fd(socket, &fd))) {
		ret = kind == KIND_PRIME ? import_prime(drm_fd, fd) :
					   import_memfd(fd);
		syscall(SYS_close, fd);
		if (!ret)
			syscall(SYS_write, socket, &kind, 1);
	}
	_exit(ret ? 1 : 0);
}

static int wait_imported(const struct prime_context *context)
{
	char kind;

	if (syscall(SYS_read, context->socket, &kind, 1) == 1)
		return 0;
	errno = EPIPE;
	return bench_fail("importer");
}

static int share_prime(void *data, unsigned int count)
{
	const struct prime_context *context = data;
	int ret = 0;

	while (count-- && !ret) {
		int fd;

		if (drmPrimeHandleToFD(context->drm_fd, context->handle,
				       DRM_CLOEXEC | DRM_RDWR, &fd))
			return bench_fail("DRM_IOCTL_PRIME_HANDLE_TO_FD");
		ret = send_fd(context->socket, KIND_PRIME, fd);
		if (!ret)
			ret = wait_imported(context);
		close(fd);
	}
	return ret;
}

static int share_memfd(void *data, unsigned int count)
{
	const struct prime_context *context = data;
	int ret = 0;

	while (count-- && !ret) {
		ret = send_fd(context->socket, KIND_MEMFD, context->memfd);
		if (!ret)
			ret = wait_imported(context);
	}
	return ret;
}

static int context_init(struct prime_context *context)
{
	struct drm_mode_create_dumb create = {
		.width = WIDTH, .height = HEIGHT, .bpp = 32
	};
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return bench_fail("socketpair");
	context->importer = fork();
	if (context->importer < 0)
		return bench_fail("fork");
	if (context->importer == 0) {
		close(sockets[0]);
		importer(sockets[1]);
	}
	close(sockets[1]);
	context->socket = sockets[0];

	context->memfd = memfd_create("bench", MFD_CLOEXEC);
	if (context->memfd < 0 || ftruncate(context->memfd, SIZE) < 0)
		return bench_fail("memfd");
	context->drm_fd = bench_open_device();
	if (context->drm_fd < 0)
		return context->drm_fd;
	if (drmIoctl(context->drm_fd, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return bench_fail("DRM_IOCTL_MODE_CREATE_DUMB");
	context->handle = create.handle;
	return 0;
}

static void context_finish(struct prime_context *context)
{
	close(context->socket);
	waitpid(context->importer, NULL, 0);
	close(context->memfd);
	close(context->drm_fd);
}

int measure_prime_share(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = share_prime,
		.reference = share_memfd,
		.batches = quick ? 11 : 101,
		.count = 100,
		.warmup_ns = BENCH_WARMUP_NS,
	};
	struct prime_context context;
	int ret = context_init(&context);

	if (ret)
		return ret;
	ret = contest_run(&contest, &context, result);
	context_finish(&context);
	return ret;
}
