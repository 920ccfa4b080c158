/* SPDX-License-Identifier: MIT */
/*
 * Files that the server serves. See the header.
 *
 * Which numbers are such sockets is remembered where DRM files are, so that read and
 * write look once. A program that was started with its output redirected to one finds
 * out when it first writes. What gets past the shim, as what the C library's stdio
 * writes does, goes to the server as well; but errors are not heard of then.
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
#include "shim/usercopy.h"
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
	uint32_t likely;
	struct sockaddr_un addr;
	int saved = errno;

	if (!hf_shim_active())
		return false;
	likely = hf_file_likely(fd);
	if (!likely && fd == STDOUT_FILENO && hf_stdout_is_new()) {
		if (served_name(fd, &addr))
			hf_file_mark(fd, likely = HF_FILE_SERVED);
		errno = saved;
	}
	return likely == HF_FILE_SERVED;
}

void hf_served_copied(int from, int to)
{
	if (hf_served(from))
		hf_file_mark(to, HF_FILE_SERVED);
}

static int request_open(const char *path, int flags)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_FILE_OPEN);

	if (ret)
		return ret;
	req.slot->cmd = flags;
	strncpy((char *)req.slot->arg, path, HF_TREE_PATH_MAX + 1);
	ret = hf_request_run(&req);
	if (!ret)
		ret = req.nfds == 1 ? req.fds[--req.nfds] : -EIO;
	hf_request_end(&req);
	return ret;
}

int hf_served_open(const char *path, int flags)
{
	int fd = request_open(path, flags);
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

	if (n > 0 && (size_t)n > count) {
		errno = EINVAL;
		return -1;
	}
	return n < 0 ? n : REAL(read)(fd, buf, count);
}

/* As much as the server looks at; 0 or a negative errno. */
static int gather(struct hf_wire_write *write, const struct iovec *iov, int n)
{
	size_t done = 0;

	for (int i = 0; i < n && done < sizeof(write->data); i++) {
		size_t size = iov[i].iov_len;

		if (size > sizeof(write->data) - done)
			size = sizeof(write->data) - done;
		if (hf_copy_from_user(write->data + done, iov[i].iov_base,
				      size))
			return -EFAULT;
		done += size;
	}
	write->size = done;
	return 0;
}

ssize_t hf_served_writev(int fd, const struct iovec *iov, int n)
{
	struct hf_wire_write write = { 0 };
	struct hf_request req;
	int ret = gather(&write, iov, n);

	if (!ret)
		ret = hf_request_begin(&req, HF_OP_FILE_WRITE);
	if (!ret) {
		memcpy(req.slot->arg, &write, sizeof(write));
		req.fds[0] = fd;
		req.nfds = 1;
		ret = hf_request_run(&req);
		hf_request_end(&req);
	}
	if (!ret)
		return write.size;
	errno = -ret;
	return -1;
}
