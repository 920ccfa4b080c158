/* SPDX-License-Identifier: MIT */
/*
 * Adding to an eventfd without ever waiting for its owner.
 *
 * A write(2) blocks where the counter is at its maximum, and whether it does is
 * up to the owner, who shares the file's flags. The kernel's own way in does not
 * block, and the one thing in user space that takes it is the completion of an
 * asynchronous request. So that is what we do: a request that is complete at
 * once, which is to poll the eventfd for what it always is, readable or
 * writable.
 *
 * The context for requests is made once and lives as long as the process. A
 * lock protects it.
 */
#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/eventfd.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static aio_context_t context;

bool hf_eventfd_is(int fd)
{
	static const char name[] = "anon_inode:[eventfd]";
	char path[32], target[sizeof(name)];

	/* The target of a file that has a path starts with a slash. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target)) == sizeof(name) - 1 &&
	       !memcmp(target, name, sizeof(name) - 1);
}

int hf_eventfd_prepare(void)
{
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (!context && syscall(SYS_io_setup, 1, &context))
		ret = -EOPNOTSUPP;
	pthread_mutex_unlock(&lock);
	return ret;
}

void hf_eventfd_signal(int fd)
{
	struct iocb request = {
		.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_fildes = fd,
		.aio_buf = POLLIN | POLLOUT,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = fd,
	};
	struct iocb *requests[] = { &request };
	struct timespec now = { 0 };
	struct io_event event;

	pthread_mutex_lock(&lock);
	/* What is complete is taken off, so that there is room for the next. */
	if (syscall(SYS_io_submit, context, 1, requests) == 1)
		syscall(SYS_io_getevents, context, 0, 1, &event, &now);
	pthread_mutex_unlock(&lock);
}
