/* SPDX-License-Identifier: MIT */
/*
 * Character devices that are not DRM's. See the header.
 *
 * Which numbers are such files is remembered where DRM files are; what they are, the
 * kernel says (the name of the stream's other end). No locks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/input.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/descriptor.h"
#include "shim/device.h"
#include "shim/shim.h"
#include "shim/tty.h"
#include "shim/usercopy.h"
#include "uapi/device_ioctls.h"

#define EVENT sizeof(struct input_event)

/* What comes behind "input/": "<N>/<id>/<access>". */
static bool read_name(int fd, unsigned int *n, int *access)
{
	static const char kind[] = HF_WIRE_NAME_INPUT;
	struct sockaddr_un addr;
	const char *name = hf_endpoint_name(fd, &addr);
	char *end;

	if (!name || strncmp(name, kind, sizeof(kind) - 1))
		return false;
	*n = (unsigned int)strtoul(name + sizeof(kind) - 1, &end, 10);
	*access = atoi(strrchr(name, '/') + 1);
	return *end == '/';
}

bool hf_input_fd(int fd, unsigned int *n)
{
	int saved = errno, access;
	unsigned int number;
	bool ours = hf_shim_active() && read_name(fd, &number, &access);

	if (ours && n)
		*n = number;
	errno = saved;
	return ours;
}

bool hf_device_known(int fd)
{
	return hf_shim_active() && hf_file_likely(fd) == HF_FILE_DEVICE;
}

void hf_device_copied(int from, int to)
{
	if (hf_device_known(from))
		hf_file_mark(to, HF_FILE_DEVICE);
}

/* -- opening ----------------------------------------------------------------- */

int hf_device_open(const char *path, int flags)
{
	int fd = hf_request_open(HF_OP_DEVICE_OPEN, path, flags);

	if (fd < 0)
		return fd;
	if (!(flags & O_CLOEXEC))
		REAL(fcntl)(fd, F_SETFD, 0);
	if (flags & O_NONBLOCK)
		REAL(fcntl)(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (hf_input_fd(fd, NULL))
		hf_file_mark(fd, HF_FILE_DEVICE);
	else
		hf_tty_opened(fd, path, flags);
	return fd;
}

int hf_device_set_owner(const char *path, uint32_t uid, uint32_t gid,
			uint32_t mode)
{
	struct hf_wire_owner owner = { .uid = uid, .gid = gid, .mode = mode };
	struct hf_request req;
	int ret;

	if (strlen(path) >= sizeof(owner.path))
		return -EPERM;
	strcpy(owner.path, path);
	ret = hf_request_begin(&req, HF_OP_DEVICE_OWNER);
	if (ret)
		return ret;
	memcpy(req.slot->arg, &owner, sizeof(owner));
	ret = hf_request_run(&req);
	hf_request_end(&req);
	return ret;
}

/* -- ioctls ------------------------------------------------------------------ */

/* A nested array: where it is, and how much of it there is. */
struct nested {
	void *user;
	uint32_t size;
};

static struct nested find_nested(const struct hf_device_ioctl *desc,
				 const uint8_t *arg)
{
	struct nested nested = { 0 };
	uint64_t user;

	if (!desc->nested)
		return nested;
	memcpy(&user, arg + desc->nested_ptr, sizeof(user));
	memcpy(&nested.size, arg + desc->nested_len, sizeof(nested.size));
	nested.user = (void *)(uintptr_t)user;
	if (nested.size > desc->nested)
		nested.size = desc->nested;
	return nested;
}

static int run_ioctl(struct hf_request *req, int fd,
		     const struct hf_device_ioctl *desc, void *arg)
{
	struct hf_wire_array *main = &req->slot->arrays[0];
	struct hf_wire_array *more = &req->slot->arrays[1];
	struct nested nested;
	int ret;

	*main = *more = (struct hf_wire_array){ .len = desc->in };
	if (desc->value)
		memcpy(req->slot->arg, &arg, sizeof(arg));
	else if (hf_copy_from_user(req->slot->arg, arg, desc->in))
		main->flags = HF_ARRAY_FAULT;
	nested = main->flags ? (struct nested){ 0 } :
			       find_nested(desc, req->slot->arg);
	more->len = nested.size;
	if (nested.size && !desc->nested_out &&
	    hf_copy_from_user(req->payload, nested.user, nested.size))
		more->flags = HF_ARRAY_FAULT;
	req->fds[0] = fd;
	req->nfds = 1;
	ret = hf_request_run(req);
	if (ret < 0)
		return ret;
	if (desc->nested_out &&
	    hf_copy_to_user(nested.user, req->payload, nested.size))
		return -EFAULT;
	if (main->used > desc->out)
		return -EIO;
	return hf_copy_to_user(arg, req->slot->arg, main->used) ? -EFAULT : ret;
}

static int request_ioctl(int fd, uint32_t cmd, void *arg)
{
	struct hf_device_ioctl desc = hf_device_ioctl_desc(cmd);
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_DEVICE_IOCTL);

	if (ret)
		return ret;
	req.slot->cmd = cmd;
	ret = run_ioctl(&req, fd, &desc, arg);
	hf_request_end(&req);
	return ret;
}

/* Those that the kernel answers for any file. */
static bool is_general(uint32_t cmd)
{
	return cmd == FIOCLEX || cmd == FIONCLEX || cmd == FIONBIO ||
	       cmd == FIOASYNC;
}

bool hf_device_ioctl(int fd, uint32_t cmd, void *arg, int *ret)
{
	if (hf_device_ioctl_of_vt(cmd)) {
		if (!hf_vt_number(fd))
			return false;
		*ret = request_ioctl(fd, cmd, arg);
		return true;
	}
	if (!hf_device_known(fd)) {
		if (_IOC_TYPE(cmd) != 'E' || !hf_input_fd(fd, NULL))
			return false;
		hf_file_mark(fd, HF_FILE_DEVICE);
	}
	if (is_general(cmd))
		return false;
	if (!hf_input_fd(fd, NULL)) {
		/* Closed behind our back, and another file now. */
		hf_file_mark(fd, 0);
		return false;
	}
	*ret = _IOC_TYPE(cmd) == 'E' ? request_ioctl(fd, cmd, arg) : -EINVAL;
	return true;
}

/* -- reading and writing ----------------------------------------------------- */

/* A device that has gone takes with it what was not read. */
static bool is_gone(int fd)
{
	struct pollfd pfd = { .fd = fd };

	return REAL(poll)(&pfd, 1, 0) > 0 && (pfd.revents & POLLHUP);
}

/* 0, or an errno: may this be done, so much of it? */
static int check(int fd, size_t count, int forbidden)
{
	unsigned int n;
	int access;

	if (read_name(fd, &n, &access) && access == forbidden)
		return EBADF;
	if (count && count < EVENT)
		return EINVAL;
	return is_gone(fd) ? ENODEV : 0;
}

ssize_t hf_device_read(int fd, void *buf, size_t count)
{
	int saved = errno, error;
	ssize_t n;

	if (!hf_input_fd(fd, NULL))
		return REAL(read)(fd, buf, count);
	error = check(fd, count, O_WRONLY);
	if (!error && !count && recv(fd, &n, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    (REAL(fcntl)(fd, F_GETFL) & O_NONBLOCK))
		error = errno;
	if (error) {
		errno = error;
		return -1;
	}
	errno = saved;
	if (!count)
		return 0;
	n = REAL(read)(fd, buf, count - count % EVENT);
	if (n == 0 || (n < 0 && errno == ECONNRESET)) {
		errno = ENODEV;
		return -1;
	}
	return n;
}

/* The device takes all of it, at once as far as a program can tell. */
static ssize_t send_all(int fd, const char *buf, size_t count)
{
	size_t done = 0;

	while (done < count) {
		ssize_t n = send(fd, buf + done, count - done, MSG_NOSIGNAL);
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			REAL(poll)(&pfd, 1, -1);
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)done;
}

ssize_t hf_device_write(int fd, const void *buf, size_t count)
{
	ssize_t n;
	int error;

	if (!hf_input_fd(fd, NULL))
		return REAL(write)(fd, buf, count);
	error = check(fd, count, O_RDONLY);
	if (error) {
		errno = error;
		return -1;
	}
	n = send_all(fd, buf, count - count % EVENT);
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		errno = ENODEV;
	return n;
}

bool hf_device_ended(int fd)
{
	return hf_shim_active() && hf_input_fd(fd, NULL);
}
