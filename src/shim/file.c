/* SPDX-License-Identifier: MIT */
/*
 * The calls that behave on a DRM file as they would not on a socket: mmap,
 * read, write; and those that could take the shim's own descriptors away:
 * close and its family, dup2. All else the kernel does by itself.
 */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/shim.h"

/* -- mmap ------------------------------------------------------------------ */

static int request_mapping(int fd, uint32_t file, size_t length, int prot,
			   int flags, off_t offset)
{
	struct hf_wire_mmap map = {
		.offset = offset,
		.length = length,
		.prot = prot,
		.flags = flags,
	};
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_MMAP);

	(void)fd;
	if (ret)
		return ret;
	req.slot->file = file;
	memcpy(req.slot->arg, &map, sizeof(map));
	ret = hf_request_run(&req);
	if (!ret && req.nfds == 1)
		ret = req.fds[--req.nfds];
	hf_request_end(&req);
	return ret;
}

static void *map_file(void *addr, size_t length, int prot, int flags, int fd,
		      uint32_t file, off_t offset)
{
	int memory = request_mapping(fd, file, length, prot, flags, offset);
	void *map;
	int err;

	if (memory == -ESTALE) {
		hf_file_forget(fd);
		memory = hf_file_of(fd, &file);
		if (!memory)
			memory = request_mapping(fd, file, length, prot, flags,
						 offset);
	}
	if (memory < 0) {
		errno = -memory;
		return MAP_FAILED;
	}
	map = REAL(mmap)(addr, length, prot, flags, memory, 0);
	err = errno;
	REAL(close)(memory);
	errno = err;
	return map;
}

HF_SHIM_EXPORT void *mmap(void *addr, size_t length, int prot, int flags,
			  int fd, off_t offset)
{
	int saved = errno;
	uint32_t file;

	if (fd < 0 || (flags & MAP_ANONYMOUS) || !hf_shim_active() ||
	    hf_file_of(fd, &file)) {
		errno = saved;
		return REAL(mmap)(addr, length, prot, flags, fd, offset);
	}
	errno = saved;
	/* What the kernel checks before it asks the driver. */
	if (length == 0 || offset % sysconf(_SC_PAGESIZE)) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	return map_file(addr, length, prot, flags, fd, file, offset);
}

HF_SHIM_EXPORT void *mmap64(void *addr, size_t length, int prot, int flags,
			    int fd, off64_t offset)
	__attribute__((alias("mmap")));

/* -- read ------------------------------------------------------------------ */

static bool is_drm(int fd)
{
	uint32_t file;
	int saved = errno;
	bool ours;

	if (!hf_shim_active() || !hf_file_likely(fd))
		return false;
	ours = !hf_file_of(fd, &file);
	errno = saved;
	return ours;
}

/*
 * The kernel's drm_read(): wait for the first event, then as many whole ones
 * as fit. An event that does not fit stays.
 */
static ssize_t read_events(int fd, void *buf, size_t count)
{
	size_t done = 0;

	for (;;) {
		int wait = done ? MSG_DONTWAIT : 0;
		ssize_t n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | wait);

		if (n == 0 || (n < 0 && errno == ECONNRESET)) {
			errno = ENODEV; /* the device is gone */
			return done ? (ssize_t)done : -1;
		}
		if (n < 0)
			return done ? (ssize_t)done : -1;
		if ((size_t)n > count - done)
			return done;
		n = recv(fd, (char *)buf + done, count - done, MSG_DONTWAIT);
		if (n > 0)
			done += n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return done ? (ssize_t)done : -1;
	}
}

HF_SHIM_EXPORT ssize_t read(int fd, void *buf, size_t count)
{
	if (!is_drm(fd))
		return REAL(read)(fd, buf, count);
	return read_events(fd, buf, count);
}

/* What the fortified read() of a program calls. */
ssize_t __read_chk(int fd, void *buf, size_t count, size_t size);

HF_SHIM_EXPORT ssize_t __read_chk(int fd, void *buf, size_t count, size_t size)
{
	if (count > size || !is_drm(fd))
		return REAL(__read_chk)(fd, buf, count, size);
	return read_events(fd, buf, count);
}

HF_SHIM_EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	if (!is_drm(fd) || n != 1)
		return REAL(readv)(fd, iov, n);
	return read_events(fd, iov->iov_base, iov->iov_len);
}

HF_SHIM_EXPORT ssize_t write(int fd, const void *buf, size_t count)
{
	if (!is_drm(fd))
		return REAL(write)(fd, buf, count);
	errno = EINVAL; /* a DRM file has no write */
	return -1;
}

HF_SHIM_EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	if (!is_drm(fd))
		return REAL(writev)(fd, iov, n);
	errno = EINVAL;
	return -1;
}

/* A DRM file's position never moves. */
HF_SHIM_EXPORT off_t lseek(int fd, off_t offset, int whence)
{
	return is_drm(fd) ? 0 : REAL(lseek)(fd, offset, whence);
}

HF_SHIM_EXPORT off64_t lseek64(int fd, off64_t offset, int whence)
	__attribute__((alias("lseek")));

/* -- close and dup2 -------------------------------------------------------- */

HF_SHIM_EXPORT int close(int fd)
{
	if (hf_shim_active()) {
		/* The program never opened it. */
		if (hf_own_fd(fd)) {
			errno = EBADF;
			return -1;
		}
		hf_file_closed(fd);
	}
	return REAL(close)(fd);
}

/* Close from @first to @last, but for the shim's own. */
static int close_around(unsigned int first, unsigned int last, int flags)
{
	for (;;) {
		unsigned int own = hf_own_fd_next(first, last);

		if (own > last || own == UINT_MAX)
			return REAL(close_range)(first, last, flags);
		if (own > first && REAL(close_range)(first, own - 1, flags))
			return -1;
		if (own == last)
			return 0;
		first = own + 1;
	}
}

static void forget_range(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && fd < HF_MAX_LIKELY; fd++)
		hf_file_closed(fd);
}

HF_SHIM_EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	if (!hf_shim_active() || first > last)
		return REAL(close_range)(first, last, flags);
	if (!(flags & CLOSE_RANGE_CLOEXEC))
		forget_range(first, last);
	return close_around(first, last, flags);
}

HF_SHIM_EXPORT void closefrom(int first)
{
	if (!hf_shim_active()) {
		REAL(closefrom)(first);
		return;
	}
	forget_range(first < 0 ? 0 : first, UINT_MAX);
	close_around(first < 0 ? 0 : first, UINT_MAX, 0);
}

HF_SHIM_EXPORT int dup2(int from, int to)
{
	if (hf_shim_active() && from != to) {
		if (hf_own_fd(to))
			hf_own_fd_move(to);
		hf_file_closed(to);
	}
	return REAL(dup2)(from, to);
}

HF_SHIM_EXPORT int dup3(int from, int to, int flags)
{
	if (hf_shim_active() && from != to) {
		if (hf_own_fd(to))
			hf_own_fd_move(to);
		hf_file_closed(to);
	}
	return REAL(dup3)(from, to, flags);
}
