// SPDX-License-Identifier: MIT
/*
 * One ioctl from call to return, against a round trip over a socket to another
 * process, which is what it would cost without the shared-memory channel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>
#include "bench.h"

enum { MESSAGE_SIZE = 64 };

struct ioctl_context {
	int drm_fd;
	int socket;
	pid_t echo;
};

/* The references go past every library: the shim has no part in them. */
static ssize_t raw_read(int fd, void *buffer, size_t size)
{
	return syscall(SYS_read, fd, buffer, size);
}

static ssize_t raw_write(int fd, const void *buffer, size_t size)
{
	return syscall(SYS_write, fd, buffer, size);
}

static void echo(int socket)
{
	char message[MESSAGE_SIZE];

	while (raw_read(socket, message, sizeof(message)) > 0)
		raw_write(socket, message, sizeof(message));
	_exit(0);
}

static int context_init(struct ioctl_context *context)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return bench_fail("socketpair");
	context->echo = fork();
	if (context->echo < 0)
		return bench_fail("fork");
	if (context->echo == 0) {
		close(sockets[0]);
		echo(sockets[1]);
	}
	close(sockets[1]);
	context->socket = sockets[0];
	context->drm_fd = bench_open_device();
	return context->drm_fd < 0 ? context->drm_fd : 0;
}

static void context_finish(struct ioctl_context *context)
{
	close(context->socket);
	waitpid(context->echo, NULL, 0);
	close(context->drm_fd);
}

static int get_cap(void *data, unsigned int count)
{
	struct ioctl_context *context = data;
	struct drm_get_cap cap = { .capability = DRM_CAP_DUMB_BUFFER };

	while (count--)
		if (drmIoctl(context->drm_fd, DRM_IOCTL_GET_CAP, &cap))
			return bench_fail("DRM_IOCTL_GET_CAP");
	return 0;
}

static int round_trip(void *data, unsigned int count)
{
	struct ioctl_context *context = data;
	char message[MESSAGE_SIZE] = { 0 };

	while (count--)
		if (raw_write(context->socket, message, sizeof(message)) < 0 ||
		    raw_read(context->socket, message, sizeof(message)) <= 0)
			return bench_fail("round trip");
	return 0;
}

static int measure(struct contest contest, struct result *result)
{
	struct ioctl_context context;
	int ret = context_init(&context);

	if (ret)
		return ret;
	contest.value = get_cap;
	contest.reference = round_trip;
	ret = contest_run(&contest, &context, result);
	context_finish(&context);
	return ret;
}

int measure_ioctl_hot(struct result *result, bool quick)
{
	return measure((struct contest){ .batches = quick ? 11 : 101,
					 .count = 1000,
					 .warmup_ns = BENCH_WARMUP_NS},
		       result);
}

int measure_ioctl_cold(struct result *result, bool quick)
{
	return measure((struct contest){ .batches = quick ? 31 : 201,
					 .count = 1,
					 .idle_ns = 10000000 },
		       result);
}
