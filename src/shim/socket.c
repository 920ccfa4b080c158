/* SPDX-License-Identifier: MIT */
/*
 * The socket that the server answers at: seatd's. Who connects to it by its name gets an
 * end of a pair whose other end the server holds, at the same number. There is nothing else
 * to see of it: a seatd of the program's own would not start where it found another one's.
 *
 * No state, no locks. All other addresses are the kernel's.
 */
#include "shim/path.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "seat/seatd_protocol.h"
#include "shim/client.h"
#include "shim/socket.h"
#include "shim/usercopy.h"

static bool is_ours(const struct sockaddr *addr, socklen_t length)
{
	const size_t start = offsetof(struct sockaddr_un, sun_path);
	const char *name = (const char *)addr + start;

	return addr && length > start && hf_user_readable(addr) &&
	       addr->sa_family == AF_UNIX &&
	       strnlen(name, length - start) == sizeof(HF_SEATD_PATH) - 1 &&
	       !memcmp(name, HF_SEATD_PATH, sizeof(HF_SEATD_PATH) - 1);
}

static int request(enum hf_socket_op op)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_SOCKET);

	if (ret)
		return ret;
	req.slot->cmd = op;
	strcpy((char *)req.slot->arg, HF_SEATD_PATH);
	ret = hf_request_run(&req);
	if (!ret && op == HF_SOCKET_CONNECT)
		ret = req.nfds == 1 ? req.fds[--req.nfds] : -ECONNREFUSED;
	hf_request_end(&req);
	return ret;
}

/* What connect(2) looks at before it goes anywhere. 0 or a negative errno. */
static int check(int fd)
{
	struct sockaddr_un peer;
	socklen_t size = sizeof(int), length = sizeof(peer);
	int domain, type;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size))
		return -errno;
	if (domain != AF_UNIX)
		return -EINVAL;
	if (type != SOCK_STREAM)
		return -EPROTOTYPE;
	if (!getpeername(fd, (struct sockaddr *)&peer, &length))
		return -EISCONN;
	return 0;
}

/* Put the server's in the place of the program's socket. */
static int replace(int fd)
{
	int flags = REAL(fcntl)(fd, F_GETFD);
	int status = REAL(fcntl)(fd, F_GETFL);
	int ours = request(HF_SOCKET_CONNECT);

	if (ours < 0)
		return ours == -ENODEV ? -ECONNREFUSED : ours;
	if (status & O_NONBLOCK)
		REAL(fcntl)(ours, F_SETFL, O_RDWR | O_NONBLOCK);
	REAL(dup3)(ours, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
	REAL(close)(ours);
	return 0;
}

HF_SHIM_EXPORT int connect(int fd, const struct sockaddr *addr,
			   socklen_t length)
{
	int saved = errno, ret;

	if (!hf_shim_active() || !is_ours(addr, length))
		return REAL(connect)(fd, addr, length);
	ret = check(fd);
	if (!ret)
		ret = replace(fd);
	errno = saved;
	/* There is no seat, or somebody else answers there by now. */
	if (ret == -ENOENT)
		return REAL(connect)(fd, addr, length);
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

void hf_socket_bound(const struct sockaddr *addr, socklen_t length)
{
	int saved = errno;

	if (hf_shim_active() && is_ours(addr, length))
		request(HF_SOCKET_BOUND);
	errno = saved;
}
