/* SPDX-License-Identifier: MIT */
/*
 * Sockets in the tree of paths that somebody answers at: seatd's. Who connects to one
 * by its name gets an end of a pair whose other end the server holds, at the same number.
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

/* The path of an address, if it has one. */
static bool path_of(const struct sockaddr *addr, socklen_t length,
		    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1])
{
	const size_t start = offsetof(struct sockaddr_un, sun_path);
	const char *name = (const char *)addr + start;

	if (!addr || length <= start || length > sizeof(struct sockaddr_un) ||
	    !hf_user_readable(addr) || addr->sa_family != AF_UNIX || !name[0])
		return false;
	memcpy(path, name, length - start);
	path[length - start] = '\0';
	return true;
}

static int request(enum hf_socket_op op, const char *path)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_SOCKET);

	if (ret)
		return ret;
	req.slot->cmd = op;
	strncpy((char *)req.slot->arg, path, HF_TREE_PATH_MAX + 1);
	ret = hf_request_run(&req);
	if (!ret && op == HF_SOCKET_CONNECT)
		ret = req.nfds == 1 ? req.fds[--req.nfds] : -ECONNREFUSED;
	hf_request_end(&req);
	return ret;
}

/* What connect(2) looks at before it goes anywhere. 0 or a negative errno. */
static int check(int fd, const struct hf_path *p)
{
	struct sockaddr_un peer;
	socklen_t size = sizeof(int), length = sizeof(peer);
	int domain, type;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size))
		return -errno;
	if (domain != AF_UNIX)
		return -EINVAL;
	if (!hf_path_allowed(p, W_OK, geteuid(), getegid()))
		return -EACCES;
	if (type != SOCK_STREAM)
		return -EPROTOTYPE;
	if (!getpeername(fd, (struct sockaddr *)&peer, &length))
		return -EISCONN;
	return 0;
}

/* Put the server's in the place of the program's socket. */
static int replace(int fd, const char *path)
{
	int flags = REAL(fcntl)(fd, F_GETFD);
	int status = REAL(fcntl)(fd, F_GETFL);
	int ours = request(HF_SOCKET_CONNECT, path);

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
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	int saved = errno, ret = 0;
	struct hf_path p;
	bool ours;

	if (!hf_shim_active() || !path_of(addr, length, path) ||
	    !hf_path_first(AT_FDCWD, path))
		return REAL(connect)(fd, addr, length);
	ours = hf_path_resolve(AT_FDCWD, path, 0, &p) == HF_PATH_NODE &&
	       hf_socket_answered(&p);
	if (ours)
		ret = check(fd, &p);
	if (ours && !ret)
		ret = replace(fd, p.path);
	hf_path_put(&p);
	errno = saved;
	if (!ours)
		return REAL(connect)(fd, addr, length);
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

void hf_socket_bound(const struct sockaddr *addr, socklen_t length)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	int saved = errno;

	if (hf_shim_active() && path_of(addr, length, path) &&
	    !strcmp(path, HF_SEATD_PATH))
		request(HF_SOCKET_UNLINK, path);
	errno = saved;
}

bool hf_socket_answered(const struct hf_path *p)
{
	return p->node && S_ISSOCK(p->node->mode) &&
	       (p->node->flags & HF_TREE_FIRST);
}

int hf_socket_unlink(const struct hf_path *p)
{
	int ret = request(HF_SOCKET_UNLINK, p->path);

	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}
