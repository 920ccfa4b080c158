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
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim/attribute.h"
#include "shim/client.h"
#include "shim/descriptor.h"
#include "shim/device.h"
#include "shim/heap.h"
#include "shim/netlink.h"
#include "shim/poll.h"
#include "shim/served.h"
#include "shim/shim.h"
#include "shim/usercopy.h"

/* -- mmap ------------------------------------------------------------------ */

/* Return: the memory; and in @flags with which to map it. */
static int request_mapping(uint32_t file, size_t length, int prot,
			   int *flags, off_t offset)
{
	struct hf_wire_mmap map = {
		.offset = offset,
		.length = length,
		.prot = prot,
		.flags = *flags,
	};
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_MMAP);

	if (ret)
		return ret;
	req.slot->file = file;
	memcpy(req.slot->arg, &map, sizeof(map));
	ret = hf_request_run(&req);
	memcpy(&map, req.slot->arg, sizeof(map));
	if (!ret && req.nfds == 1) {
		*flags = map.flags;
		ret = req.fds[--req.nfds];
	}
	hf_request_end(&req);
	return ret;
}

static void *map_file(void *addr, size_t length, int prot, int flags, int fd,
		      uint32_t file, off_t offset)
{
	int memory = request_mapping(file, length, prot, &flags, offset);
	void *map;
	int err;

	while (memory == HF_WIRE_STALE) {
		hf_file_forget(fd);
		memory = hf_file_of(fd, &file);
		if (!memory)
			memory = request_mapping(file, length, prot, &flags,
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

/* A dma-buf refuses to be mapped beyond its end; a memfd does not. */
static bool beyond_dma_buf(int fd, size_t length, off_t offset)
{
	struct stat st;

	if (REAL(fstat)(fd, &st) ||
	    (offset <= st.st_size && length <= (size_t)(st.st_size - offset)))
		return false;
	return hf_is_dma_buf(fd, &st);
}

HF_SHIM_EXPORT void *mmap(void *addr, size_t length, int prot, int flags,
			  int fd, off_t offset)
{
	int saved = errno;
	uint32_t file;

	if (flags & MAP_FIXED)
		hf_heap_touched(addr, length);
	if (fd < 0 || (flags & MAP_ANONYMOUS) || !hf_shim_active())
		return REAL(mmap)(addr, length, prot, flags, fd, offset);
	if (hf_file_of(fd, &file)) {
		if (beyond_dma_buf(fd, length, offset)) {
			errno = EINVAL;
			return MAP_FAILED;
		}
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

#define EVENTS_AT_ONCE 16

/* Wait for the first event and take those that are there, @n at most. Return: bytes. */
static ssize_t take_events(int fd, char *buf, unsigned int n)
{
	char events[EVENTS_AT_ONCE][HF_WIRE_EVENT_SIZE];
	struct mmsghdr msgs[EVENTS_AT_ONCE] = { 0 };
	struct iovec iov[EVENTS_AT_ONCE];
	ssize_t done = 0;
	int ret;

	for (unsigned int i = 0; i < n; i++) {
		iov[i] = (struct iovec){ events[i], HF_WIRE_EVENT_SIZE };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	ret = REAL(recvmmsg)(fd, msgs, n, MSG_WAITFORONE, NULL);
	for (int i = 0; i < ret; i++) {
		memcpy(buf + done, events[i], msgs[i].msg_len);
		done += msgs[i].msg_len;
	}
	if (done == 0 && (ret > 0 || errno == ECONNRESET))
		errno = ENODEV; /* the device is gone */
	return done ? done : -1;
}

/* Take the next event if it fits and the buffer is good. Return: its size, 0
 * where it does not fit, -EAGAIN where another thread was faster. */
static ssize_t take_event(int fd, char *buf, size_t room)
{
	char event[HF_WIRE_EVENT_SIZE];
	struct hf_locked locked;
	ssize_t n;

	hf_client_lock(&locked);
	n = recv(fd, event, sizeof(event), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		n = -errno;
	else if ((size_t)n > room)
		n = 0;
	else if (hf_copy_to_user(buf, event, n))
		n = -EFAULT;
	else
		recv(fd, event, sizeof(event), MSG_DONTWAIT);
	hf_client_unlock(&locked);
	return n;
}

/*
 * The kernel's drm_read(): wait for the first event, then as many whole ones
 * as fit. An event that does not fit stays.
 */
static ssize_t read_events(int fd, void *buf, size_t count)
{
	size_t done = 0, fit = count / HF_WIRE_EVENT_SIZE;

	if (fit && hf_user_certain(buf, count)) {
		ssize_t n = take_events(fd, buf, fit < EVENTS_AT_ONCE ?
							 fit :
							 EVENTS_AT_ONCE);

		if (n < (ssize_t)(EVENTS_AT_ONCE * HF_WIRE_EVENT_SIZE))
			return n;
		done = n;
	}
	for (;;) {
		int wait = done ? MSG_DONTWAIT : 0;
		ssize_t n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | wait);

		if (n == 0 || (n < 0 && errno == ECONNRESET)) {
			errno = ENODEV; /* the device is gone */
			return done ? (ssize_t)done : -1;
		}
		if (n < 0)
			return done ? (ssize_t)done : -1;
		n = take_event(fd, (char *)buf + done, count - done);
		if (n > 0) {
			done += n;
		} else if (n == 0) {
			return done; /* it does not fit */
		} else if (n != -EAGAIN) {
			errno = -n;
			return done ? (ssize_t)done : -1;
		}
	}
}

/* What the kernel read may be from something of ours all the same. */
static ssize_t received(int fd, const void *buf, size_t count, ssize_t n)
{
	if (n == 0 && count && hf_device_ended(fd)) {
		errno = ENODEV;
		return -1;
	}
	return hf_monitor_received(fd, buf, count, n);
}

HF_SHIM_EXPORT ssize_t read(int fd, void *buf, size_t count)
{
	if (hf_served(fd))
		return hf_served_read(fd, buf, count);
	if (hf_device_known(fd))
		return hf_device_read(fd, buf, count);
	if (!is_drm(fd))
		return received(fd, buf, count, REAL(read)(fd, buf, count));
	return read_events(fd, buf, count);
}

/* What the fortified read() of a program calls. */
ssize_t __read_chk(int fd, void *buf, size_t count, size_t size);

HF_SHIM_EXPORT ssize_t __read_chk(int fd, void *buf, size_t count, size_t size)
{
	if (count > size)
		return REAL(__read_chk)(fd, buf, count, size);
	return read(fd, buf, count);
}

HF_SHIM_EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	if (n != 1)
		return REAL(readv)(fd, iov, n);
	if (hf_device_known(fd))
		return hf_device_read(fd, iov->iov_base, iov->iov_len);
	if (!is_drm(fd))
		return hf_monitor_received(fd, iov->iov_base, iov->iov_len,
					   REAL(readv)(fd, iov, n));
	return read_events(fd, iov->iov_base, iov->iov_len);
}

HF_SHIM_EXPORT ssize_t write(int fd, const void *buf, size_t count)
{
	const struct iovec iov = { (void *)buf, count };
	ssize_t ret;

	if (hf_attribute_possible() && hf_attribute_write(fd, &iov, 1, &ret))
		return ret;
	if (hf_served(fd)) {
		errno = EBADF; /* it is only read */
		return -1;
	}
	if (hf_device_known(fd))
		return hf_device_write(fd, buf, count);
	if (!is_drm(fd))
		return REAL(write)(fd, buf, count);
	errno = EINVAL; /* a DRM file has no write */
	return -1;
}

HF_SHIM_EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	ssize_t ret;

	if (hf_attribute_possible() && hf_attribute_write(fd, iov, n, &ret))
		return ret;
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
	bool drm = false;
	int ret;

	if (hf_shim_active()) {
		/* The program never opened it. */
		if (hf_own_fd(fd)) {
			errno = EBADF;
			return -1;
		}
		if (hf_attribute_possible())
			hf_attribute_flush(fd);
		drm = hf_file_closed(fd);
		hf_watch_closed(fd, fd);
	}
	ret = REAL(close)(fd);
	if (drm)
		hf_files_reap();
	return ret;
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

static bool forget_range(unsigned int first, unsigned int last)
{
	bool any = false;

	hf_watch_closed(first, last);
	for (unsigned int fd = first; fd <= last && fd < HF_MAX_LIKELY; fd++)
		any |= hf_file_closed(fd);
	return any;
}

HF_SHIM_EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	bool drm = false;
	int ret;

	if (!hf_shim_active() || first > last)
		return REAL(close_range)(first, last, flags);
	if (!(flags & CLOSE_RANGE_CLOEXEC))
		drm = forget_range(first, last);
	ret = close_around(first, last, flags);
	if (drm)
		hf_files_reap();
	return ret;
}

HF_SHIM_EXPORT void closefrom(int first)
{
	if (hf_shim_active())
		close_range(first < 0 ? 0 : first, UINT_MAX, 0);
	else
		REAL(closefrom)(first);
}

/* Before something else takes this number. Return: is a reap due after? */
static bool make_way(int from, int to)
{
	if (!hf_shim_active() || from == to)
		return false;
	if (hf_own_fd(to))
		hf_own_fd_move(to);
	if (to >= 0)
		hf_watch_closed(to, to);
	if (hf_attribute_possible())
		hf_attribute_flush(to);
	return hf_file_closed(to);
}

HF_SHIM_EXPORT int dup2(int from, int to)
{
	bool drm = make_way(from, to);
	int ret = REAL(dup2)(from, to);

	if (drm)
		hf_files_reap();
	if (ret >= 0) {
		hf_served_copied(from, to);
		hf_device_copied(from, to);
	}
	return ret;
}

HF_SHIM_EXPORT int dup3(int from, int to, int flags)
{
	bool drm = make_way(from, to);
	int ret = REAL(dup3)(from, to, flags);

	if (drm)
		hf_files_reap();
	if (ret >= 0) {
		hf_served_copied(from, to);
		hf_device_copied(from, to);
	}
	return ret;
}
