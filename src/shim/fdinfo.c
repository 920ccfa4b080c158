/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/fdinfo/FD of a DRM file, of any process: what the kernel says of the
 * socket that it is, and behind it the keys of drm-usage-stats, which the server
 * knows. The socket is named by its inode, which /proc shows to whom it shows the
 * rest.
 */
#include "shim/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "shim/client.h"

/* A path such as "/proc/12/fdinfo/3", of an open descriptor. */
static bool is_fdinfo(int fd, char path[PATH_MAX])
{
	char link[40];
	const char *name;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = REAL(readlink)(link, path, PATH_MAX - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	name = strstr(path, "/fdinfo/");
	return name && !strncmp(path, "/proc/", 6) &&
	       strspn(name + 8, "0123456789") == strlen(name + 8);
}

/* The inode of the socket that it tells of; 0 where it is none. */
static unsigned long socket_inode(const char *path)
{
	const char *fdinfo = strstr(path, "/fdinfo/");
	char link[PATH_MAX], target[64] = "";
	unsigned long inode = 0;

	snprintf(link, sizeof(link), "%.*s/fd/%s", (int)(fdinfo - path), path,
		 fdinfo + 8);
	if (REAL(readlink)(link, target, sizeof(target) - 1) > 0)
		sscanf(target, "socket:[%lu]", &inode);
	return inode;
}

/* The server's keys for it, as a memfd, or a negative errno. */
static int ask(uint64_t inode)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_FDINFO);

	if (ret)
		return ret;
	memcpy(req.slot->arg, &inode, sizeof(inode));
	ret = hf_request_run(&req);
	if (!ret && req.nfds == 1)
		ret = req.fds[--req.nfds];
	hf_request_end(&req);
	return ret;
}

static bool append(int to, int from)
{
	char buf[4096];
	ssize_t n;

	while ((n = REAL(read)(from, buf, sizeof(buf))) > 0)
		if (REAL(write)(to, buf, n) != n)
			return false;
	return n == 0;
}

int hf_fdinfo_complete(int fd, int flags)
{
	char path[PATH_MAX];
	unsigned long inode;
	int keys, both;

	if (!is_fdinfo(fd, path))
		return fd;
	inode = socket_inode(path);
	keys = inode ? ask(inode) : -1;
	if (keys < 0)
		return fd;
	both = memfd_create(path, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
	if (both < 0 || !append(both, fd) || !append(both, keys)) {
		if (both >= 0)
			REAL(close)(both);
		REAL(close)(keys);
		REAL(lseek)(fd, 0, SEEK_SET);
		return fd;
	}
	REAL(lseek)(both, 0, SEEK_SET);
	REAL(close)(keys);
	REAL(close)(fd);
	return both;
}
