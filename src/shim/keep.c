/* SPDX-License-Identifier: MIT */
/*
 * An abstract name belongs to a network name space, a path to a root directory.
 * Before a process leaves those in which it knows the server, the shim connects
 * once more, and says that this connection is a *broker*: whoever has it can pass
 * the server one end of a pair of sockets that becomes a connection like those
 * that the server accepts. Nothing ever comes back on it, so it can be shared: it is
 * inherited by all children and programs, with its number in the environment. So
 * is a descriptor of this library, for it may have no name there either.
 *
 * The numbers are the process's; they survive a fork.
 */
#define _GNU_SOURCE
#include "shim/path.h"
#include "shim/keep.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/fdpass.h"
#include "shim/client.h"
#include "shim/environment.h"
#include "shim/raw.h"
#include "shim/shim.h"

enum { BROKER, SHIM, KEPT };

/* Descriptors, plus one; 0: none. */
static _Atomic int kept[KEPT];

static int kept_fd(unsigned int which)
{
	return atomic_load_explicit(&kept[which], memory_order_relaxed) - 1;
}

/* Out of the way, and open in what is executed. */
static void keep(unsigned int which, int fd)
{
	int high = REAL(fcntl)(fd, F_DUPFD, HF_OWN_FD_BASE), none = 0;

	if (high >= 0)
		REAL(close)(fd);
	else
		REAL(fcntl)(fd, F_SETFD, 0);
	if (high < 0)
		high = fd;
	if (!atomic_compare_exchange_strong(&kept[which], &none, high + 1))
		REAL(close)(high); /* another thread was faster */
}

/* -- the broker -------------------------------------------------------------- */

/* The number may be anything by now: it came from the environment, was closed past
 * the C library, or is that of a child of vfork. */
static bool is_broker(int fd)
{
	struct sockaddr_un server, peer = { 0 };
	socklen_t length, size = sizeof(peer);

	return fd >= 0 &&
	       !hf_socket_address(hf_environment()->socket, &server, &length) &&
	       !getpeername(fd, (struct sockaddr *)&peer, &size) &&
	       !memcmp(peer.sun_path, server.sun_path,
		       sizeof(peer.sun_path));
}

static int send_hello(int broker, uint32_t type, int fd)
{
	struct hf_wire_hello hello = {
		.type = type,
		.magic = HF_WIRE_MAGIC,
		.version = HF_WIRE_VERSION,
	};

	memcpy(hello.key, hf_environment()->key, sizeof(hello.key));
	return hf_send_fds(broker, &hello, sizeof(hello), &fd, fd >= 0);
}

static void open_broker(void)
{
	int fd;

	if (is_broker(kept_fd(BROKER)))
		return;
	atomic_store(&kept[BROKER], 0);
	fd = hf_client_connect();
	if (fd < 0)
		return;
	if (send_hello(fd, HF_WIRE_BROKER, -1))
		REAL(close)(fd);
	else
		keep(BROKER, fd);
}

int hf_keep_connect(void)
{
	int broker = kept_fd(BROKER), fds[2];

	if (!is_broker(broker) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -1;
	if (send_hello(broker, HF_WIRE_CONNECT, fds[1])) {
		REAL(close)(fds[0]);
		fds[0] = -1;
	}
	REAL(close)(fds[1]);
	return fds[0];
}

/* -- this library ------------------------------------------------------------------ */

static void open_shim(void)
{
	int fd;

	if (kept_fd(SHIM) >= 0)
		return;
	fd = REAL(open)(hf_environment()->shim, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		keep(SHIM, fd);
}

static bool same_file(const char *path, int fd)
{
	struct stat by_name, by_fd;

	return !REAL(stat)(path, &by_name) && !REAL(fstat)(fd, &by_fd) &&
	       by_name.st_dev == by_fd.st_dev && by_name.st_ino == by_fd.st_ino;
}

const char *hf_keep_shim_path(char *buf)
{
	const char *path = hf_environment()->shim;
	int fd = kept_fd(SHIM);

	if (fd < 0 || same_file(path, fd))
		return path;
	snprintf(buf, 40, "/proc/self/fd/%d", fd);
	return same_file(buf, fd) ? buf : NULL;
}

/* -- what is inherited --------------------------------------------------------------- */

void hf_keep_learn(void)
{
	const char *list = getenv(HF_ENV_KEPT);
	int broker, shim;

	if (!list || sscanf(list, "%d,%d", &broker, &shim) != 2)
		return;
	if (is_broker(broker))
		atomic_store(&kept[BROKER], broker + 1);
	if (shim >= 0 && same_file(hf_environment()->shim, shim))
		atomic_store(&kept[SHIM], shim + 1);
}

bool hf_keep_describe(char *buf, size_t size)
{
	snprintf(buf, size, "%d,%d", kept_fd(BROKER), kept_fd(SHIM));
	return kept_fd(BROKER) >= 0 || kept_fd(SHIM) >= 0;
}

bool hf_keep_own(int fd)
{
	return fd >= 0 && (fd == kept_fd(BROKER) || fd == kept_fd(SHIM));
}

unsigned int hf_keep_own_next(unsigned int first, unsigned int last)
{
	unsigned int next = last == UINT32_MAX ? last : last + 1;

	for (unsigned int i = 0; i < KEPT; i++)
		if (kept_fd(i) >= 0 && (unsigned int)kept_fd(i) >= first &&
		    (unsigned int)kept_fd(i) < next)
			next = kept_fd(i);
	return next;
}

void hf_keep_own_move(int fd)
{
	for (unsigned int i = 0; i < KEPT; i++) {
		int moved;

		if (fd < 0 || kept_fd(i) != fd)
			continue;
		moved = REAL(fcntl)(fd, F_DUPFD, HF_OWN_FD_BASE);
		atomic_store(&kept[i], moved + 1);
	}
}

/* -- calls after which names lead elsewhere -------------------------------------------- */

void hf_keep_for(unsigned long flags)
{
	bool by_path;
	int saved;

	/* errno is the thread's, if it is one. */
	if (!(flags & (CLONE_NEWNET | CLONE_NEWNS)) || !hf_shim_active())
		return;
	saved = errno;
	by_path = hf_environment()->socket[0] != '@';
	if (flags & CLONE_NEWNS)
		open_shim();
	if ((flags & CLONE_NEWNET) || by_path)
		open_broker();
	errno = saved;
}

HF_SHIM_EXPORT int unshare(int flags)
{
	hf_keep_for((unsigned int)flags);
	return REAL(unshare)(flags);
}

HF_SHIM_EXPORT int setns(int fd, int type)
{
	hf_keep_for(CLONE_NEWNET | CLONE_NEWNS);
	return REAL(setns)(fd, type);
}

static __typeof__(&chroot) real_chroot(void)
{
	return REAL(chroot);
}

HF_SHIM_EXPORT int chroot(const char *path)
{
	hf_keep_for(CLONE_NEWNS);
	return real_chroot()(path);
}

HF_SHIM_EXPORT int clone(int (*run)(void *), void *stack, int flags, void *arg,
			 ...)
{
	void *parent, *tls, *child;
	va_list ap;

	/* Those that were not passed are whatever is in their places. */
	va_start(ap, arg);
	parent = va_arg(ap, void *);
	tls = va_arg(ap, void *);
	child = va_arg(ap, void *);
	va_end(ap);
	hf_keep_for((unsigned int)flags);
	if (flags & CLONE_SETTLS) {
		/* Such a child has nothing to look functions up with, and does
		 * no more than to put itself into an empty directory. */
		real_chroot();
		hf_cwd_resolve();
	}
	return REAL(clone)(run, stack, flags, arg, parent, tls, child);
}

/* A filter of system calls may leave no way to connect later. */
HF_SHIM_EXPORT int prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_SECCOMP)
		hf_client_prepare();
	return REAL(prctl)(option, a[0], a[1], a[2], a[3]);
}
