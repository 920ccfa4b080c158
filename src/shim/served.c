/* SPDX-License-Identifier: MIT */
/*
 * Files that the server serves. See the header.
 *
 * Which numbers are such sockets is remembered where DRM files are, so that read looks
 * once. For one that was inherited or received, it is the kernel that reads: the same, but
 * that a packet which does not fit is cut.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/descriptor.h"
#include "shim/served.h"
#include "shim/shim.h"
#include "uapi/tree.h"
#include "uapi/wire.h"

#define KIND "debugfs/"

/* What comes behind "debugfs/<number>", or NULL. */
static const char *served_name(int fd, struct sockaddr_un *addr)
{
	const char *name = hf_endpoint_name(fd, addr);

	if (!name || strncmp(name, KIND, sizeof(KIND) - 1))
		return NULL;
	return strchr(name + sizeof(KIND) - 1, '/');
}

int hf_served_path(int fd, char *path, size_t size)
{
	struct sockaddr_un addr;
	const char *name = served_name(fd, &addr);

	if (!name || snprintf(path, size, HF_DEBUGFS_DIR "%s", name) >=
			     (int)size)
		return -1;
	return 0;
}

bool hf_served(int fd)
{
	return hf_shim_active() && hf_file_likely(fd) == HF_FILE_SERVED;
}

void hf_served_copied(int from, int to)
{
	if (hf_served(from))
		hf_file_mark(to, HF_FILE_SERVED);
}

int hf_served_open(const char *path, int flags)
{
	int fd = hf_request_open(HF_OP_FILE_OPEN, path, flags);
	struct stat st;

	if (fd < 0 || REAL(fstat)(fd, &st) || !S_ISSOCK(st.st_mode))
		return fd;
	if (!(flags & O_CLOEXEC))
		REAL(fcntl)(fd, F_SETFD, 0);
	if (flags & O_NONBLOCK)
		REAL(fcntl)(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	hf_file_mark(fd, HF_FILE_SERVED);
	return fd;
}

ssize_t hf_served_read(int fd, void *buf, size_t count)
{
	ssize_t n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);

	if (n > 0 && (size_t)n <= count)
		return REAL(read)(fd, buf, count);
	if (n > 0)
		errno = EINVAL;
	else if (n == 0 || errno == ECONNRESET)
		errno = EIO; /* the file is gone */
	return -1;
}
