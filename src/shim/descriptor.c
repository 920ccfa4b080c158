/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor is: an endpoint of a server's by the name of the socket's
 * other end, memory by its seals, an object's memory by the name of its memfd. No
 * state, no locks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/descriptor.h"
#include "shim/shim.h"
#include "uapi/wire.h"

const char *hf_endpoint_name(int fd, struct sockaddr_un *addr)
{
	static const char prefix[] = HF_WIRE_NAME_PREFIX;
	socklen_t len = sizeof(*addr);
	char *name = addr->sun_path + 1, *slash;

	if (getpeername(fd, (struct sockaddr *)addr, &len) ||
	    addr->sun_family != AF_UNIX || len <= sizeof(addr->sun_family) + 1 ||
	    len >= sizeof(*addr) || addr->sun_path[0])
		return NULL;
	((char *)addr)[len] = 0;
	if (strncmp(name, prefix, sizeof(prefix) - 1))
		return NULL;
	slash = strchr(name, '/');
	return slash ? slash + 1 : NULL;
}

bool hf_is_sync_file(int fd)
{
	static const char kind[] = "sync_file/";
	struct sockaddr_un addr;
	const char *name = hf_endpoint_name(fd, &addr);

	return name && !strncmp(name, kind, sizeof(kind) - 1);
}

bool hf_is_memory(int fd)
{
	int seals = REAL(fcntl)(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK);
}

bool hf_is_dma_buf(int fd, const struct stat *st)
{
	static const char name[] = "/memfd:drm mm object";
	char path[32], target[64];
	ssize_t n;

	if (!S_ISREG(st->st_mode) || st->st_nlink || !hf_is_memory(fd))
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = REAL(readlink)(path, target, sizeof(target));
	return n >= (ssize_t)sizeof(name) - 1 &&
	       !memcmp(target, name, sizeof(name) - 1);
}

/* A VT is a pty of the server's: by its minor number. */
static unsigned int vt_of_pty(const struct hf_wire_channel *channel,
			      unsigned int pty)
{
	for (unsigned int i = 1; i < HF_WIRE_VTS; i++)
		if (atomic_load(&channel->vts[i]) == pty + 1)
			return i;
	return 0;
}

/* The server marks its ptys, so that a program on another terminal need not ask. */
unsigned int hf_vt_of_stat(const struct stat *st)
{
	const struct hf_wire_channel *channel;
	int saved = errno;

	if (!S_ISCHR(st->st_mode) || !hf_shim_active())
		return 0;
	channel = hf_client_channel(st->st_mode & S_ISVTX);
	errno = saved;
	if (!channel || atomic_load(&channel->vt_dev) != st->st_dev)
		return 0;
	return vt_of_pty(channel, minor(st->st_rdev));
}

unsigned int hf_vt_number(int fd)
{
	const struct hf_wire_channel *channel;
	unsigned int dev, number = 0;
	int saved = errno;
	struct stat st;

	if (hf_shim_active() && !REAL(fstat)(fd, &st) && S_ISCHR(st.st_mode) &&
	    !REAL(ioctl)(fd, TIOCGDEV, &dev)) {
		channel = hf_client_channel(true);
		if (channel && (st.st_rdev == makedev(5, 0) ||
				st.st_dev == atomic_load(&channel->vt_dev)))
			number = vt_of_pty(channel, minor(dev));
	}
	errno = saved;
	return number;
}
