/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor is: an endpoint of a server's by the name of the socket's
 * other end, memory by its seals, an object's memory by the name of its memfd. No
 * state, no locks.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
