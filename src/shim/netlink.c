/* SPDX-License-Identifier: MIT */
/*
 * Sockets that uevents come from. What a program opens as one of NETLINK_KOBJECT_UEVENT
 * is a monitor of the server's, a datagram socket; the kernel's own goes to the
 * server, which passes on what it says (server/monitor.h).
 *
 * The packets, filters, waiting, passing and inheriting are the kernel's. Here is what
 * a program would notice: names, options, and that root's is the hand that sends. A
 * call goes to the C library first, and only an answer that could be a monitor's is
 * looked at. No state, no locks: which monitor a descriptor is, its name says.
 */
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/netlink.h"
#include "shim/shim.h"
#include "shim/socket.h"

/* Where the udev daemon's messages come from: some port, which is not the kernel's. */
#define UDEV_PORT 1

/* -- which descriptors are monitors ------------------------------------------- */

/* Of a name that may be cut short: is it one of a server's? */
static bool server_name(const void *name, socklen_t length)
{
	static const char prefix[] = HF_WIRE_NAME_PREFIX;
	const struct sockaddr_un *addr = name;
	const size_t start = offsetof(struct sockaddr_un, sun_path) + 1;

	return length >= start + sizeof(prefix) - 1 &&
	       addr->sun_family == AF_UNIX && !addr->sun_path[0] &&
	       !memcmp(addr->sun_path + 1, prefix, sizeof(prefix) - 1);
}

/* Return: SOCK_RAW or SOCK_DGRAM as it was asked for, 0 for no monitor. Keeps errno. */
static int monitor_type(int fd)
{
	static const char kind[] = HF_MONITOR_NAME_CLIENT;
	struct sockaddr_un addr;
	socklen_t length = sizeof(addr);
	const char *name, *type;
	int saved = errno;

	if (REAL(getsockname)(fd, (struct sockaddr *)&addr, &length) ||
	    length >= sizeof(addr) || !server_name(&addr, length)) {
		errno = saved;
		return 0;
	}
	((char *)&addr)[length] = '\0';
	name = strchr(addr.sun_path + 1, '/');
	if (!name || strncmp(name + 1, kind, sizeof(kind) - 1))
		return 0;
	type = strchr(name + sizeof(kind), '/');
	return type ? atoi(type + 1) : 0;
}

static bool is_monitor(int fd)
{
	return hf_shim_active() && monitor_type(fd);
}

/* -- asking the server ----------------------------------------------------- */

/* About a monitor, by its descriptor. Return: 0 or a negative errno. */
static int ask(int fd, enum hf_monitor_op op, struct hf_wire_monitor *arg)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_MONITOR);

	if (ret)
		return ret;
	arg->self = (uint32_t)getpid();
	memcpy(req.slot->arg, arg, sizeof(*arg));
	req.slot->cmd = op;
	req.fds[0] = fd;
	req.nfds = 1;
	ret = hf_request_run(&req);
	memcpy(arg, req.slot->arg, sizeof(*arg));
	hf_request_end(&req);
	return ret;
}

/* A new one, close-on-exec, or a negative errno. */
static int open_monitor(int type, int netlink)
{
	struct hf_wire_monitor arg = { .type = (uint32_t)type };
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_MONITOR);

	if (ret)
		return ret;
	memcpy(req.slot->arg, &arg, sizeof(arg));
	req.slot->cmd = HF_MONITOR_OPEN;
	req.fds[0] = netlink;
	req.nfds = netlink >= 0;
	ret = hf_request_run(&req);
	if (!ret && req.nfds == 1)
		ret = req.fds[--req.nfds];
	hf_request_end(&req);
	return ret;
}

/* -- opening and naming --------------------------------------------------------- */

/* Where the machine has no such sockets, ours are there all the same. */
static bool only_refused(int error)
{
	return error == EPROTONOSUPPORT || error == EAFNOSUPPORT ||
	       error == EPERM || error == EACCES;
}

/* Put a monitor where the kernel's socket is. Without a server that one stays. */
static int replace(int netlink, int type)
{
	int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), saved = errno;
	int fd = open_monitor(kind, netlink);

	errno = saved;
	if (fd < 0)
		return netlink;
	if (type & SOCK_NONBLOCK)
		REAL(fcntl)(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (netlink < 0) {
		if (!(type & SOCK_CLOEXEC))
			REAL(fcntl)(fd, F_SETFD, 0);
		return fd;
	}
	REAL(dup3)(fd, netlink, type & SOCK_CLOEXEC ? O_CLOEXEC : 0);
	REAL(close)(fd);
	errno = saved;
	return netlink;
}

HF_SHIM_EXPORT int socket(int domain, int type, int protocol)
{
	int fd = REAL(socket)(domain, type, protocol);

	if (domain != AF_NETLINK || protocol != NETLINK_KOBJECT_UEVENT ||
	    (fd < 0 && !only_refused(errno)) || !hf_shim_active())
		return fd;
	return replace(fd, type);
}

HF_SHIM_EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t length)
{
	struct sockaddr_nl name;
	struct hf_wire_monitor arg;
	int ret;

	if (!addr || length < sizeof(name) || addr->sa_family != AF_NETLINK ||
	    !is_monitor(fd)) {
		ret = REAL(bind)(fd, addr, length);
		if (!ret)
			hf_socket_bound(addr, length);
		return ret;
	}
	memcpy(&name, addr, sizeof(name));
	arg = (struct hf_wire_monitor){
		.pid = name.nl_pid,
		.groups = name.nl_groups,
	};
	ret = ask(fd, HF_MONITOR_BIND, &arg);
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

/* Into a buffer that may be too short, as the kernel does. */
static void put_name(void *to, socklen_t room, socklen_t *length, uint32_t pid,
		     uint32_t groups)
{
	const struct sockaddr_nl name = {
		.nl_family = AF_NETLINK,
		.nl_pid = pid,
		.nl_groups = groups,
	};

	memcpy(to, &name, room < sizeof(name) ? room : sizeof(name));
	*length = sizeof(name);
}

HF_SHIM_EXPORT int getsockname(int fd, struct sockaddr *restrict addr,
			       socklen_t *restrict length)
{
	socklen_t room = length ? *length : 0;
	struct hf_wire_monitor arg = { .type = 0 };
	int ret = REAL(getsockname)(fd, addr, length);

	if (ret || room < sizeof(sa_family_t) || addr->sa_family != AF_UNIX ||
	    (room >= sizeof(struct sockaddr_nl) &&
	     !server_name(addr, room < *length ? room : *length)) ||
	    !is_monitor(fd))
		return ret;
	ask(fd, HF_MONITOR_NAME, &arg);
	put_name(addr, room, length, arg.pid, arg.groups);
	return 0;
}

/* -- options --------------------------------------------------------------- */

HF_SHIM_EXPORT int setsockopt(int fd, int level, int option, const void *value,
			      socklen_t length)
{
	struct hf_wire_monitor arg = { .option = option };
	int ret;

	if (level != SOL_NETLINK || !value || length < sizeof(int) ||
	    !is_monitor(fd))
		return REAL(setsockopt)(fd, level, option, value, length);
	memcpy(&arg.value, value, sizeof(arg.value));
	ret = ask(fd, HF_MONITOR_OPTION, &arg);
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

HF_SHIM_EXPORT int getsockopt(int fd, int level, int option,
			      void *restrict value, socklen_t *restrict length)
{
	int ret = REAL(getsockopt)(fd, level, option, value, length), is, type;

	if (ret || level != SOL_SOCKET || *length != sizeof(int) ||
	    (option != SO_DOMAIN && option != SO_PROTOCOL && option != SO_TYPE))
		return ret;
	memcpy(&is, value, sizeof(is));
	if (is != (option == SO_DOMAIN	 ? AF_UNIX :
		   option == SO_PROTOCOL ? 0 :
					   SOCK_DGRAM) ||
	    !hf_shim_active())
		return ret;
	type = monitor_type(fd);
	if (!type)
		return ret;
	is = option == SO_DOMAIN   ? AF_NETLINK :
	     option == SO_PROTOCOL ? NETLINK_KOBJECT_UEVENT :
				     type;
	memcpy(value, &is, sizeof(is));
	return ret;
}

/* -- receiving --------------------------------------------------------------- */

/* A packet that says that others are missing? It is taken off, and is an error. */
static bool lost(int fd, const void *buf, ssize_t n, int flags)
{
	char none[sizeof(HF_MONITOR_LOST)];

	if (n != sizeof(HF_MONITOR_LOST) ||
	    memcmp(buf, HF_MONITOR_LOST, sizeof(HF_MONITOR_LOST)) ||
	    !is_monitor(fd))
		return false;
	if (flags & MSG_PEEK)
		REAL(recv)(fd, none, sizeof(none), MSG_DONTWAIT);
	errno = ENOBUFS;
	return true;
}

ssize_t hf_monitor_received(int fd, const void *buf, size_t room, ssize_t n)
{
	return n == sizeof(HF_MONITOR_LOST) && room >= (size_t)n &&
			       lost(fd, buf, n, 0) ? -1 : n;
}

/* libudev's messages begin with its name, the kernel's with an action. */
static uint32_t group_of(const void *data, ssize_t n)
{
	static const char udev[] = "libudev";

	return n >= (ssize_t)sizeof(udev) && !memcmp(data, udev, sizeof(udev)) ?
		       HF_MONITOR_UDEV : HF_MONITOR_KERNEL;
}

static void put_sender(void *to, socklen_t room, socklen_t *length,
		       uint32_t group)
{
	put_name(to, room, length, group == HF_MONITOR_UDEV ? UDEV_PORT : 0,
		 group);
}

HF_SHIM_EXPORT ssize_t recvfrom(int fd, void *restrict buf, size_t size,
				int flags, struct sockaddr *restrict from,
				socklen_t *restrict length)
{
	socklen_t room = from && length ? *length : 0;
	ssize_t n = REAL(recvfrom)(fd, buf, size, flags, from, length);
	size_t got = n < 0 ? 0 : (size_t)n < size ? (size_t)n : size;

	if (n < 0)
		return n;
	if (got == sizeof(HF_MONITOR_LOST) && lost(fd, buf, n, flags))
		return -1;
	if (room && server_name(from, room < *length ? room : *length) &&
	    is_monitor(fd))
		put_sender(from, room, length, group_of(buf, (ssize_t)got));
	return n;
}

HF_SHIM_EXPORT ssize_t recv(int fd, void *buf, size_t size, int flags)
{
	ssize_t n = REAL(recv)(fd, buf, size, flags);

	return n > 0 && (size_t)n <= size && lost(fd, buf, n, flags) ? -1 : n;
}

/* Root sends, and where the kernel does it has no process. */
static void put_credentials(struct msghdr *msg, uint32_t group)
{
	struct cmsghdr *cmsg;
	struct ucred cred;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_CREDENTIALS ||
		    cmsg->cmsg_len < CMSG_LEN(sizeof(cred)))
			continue;
		memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
		cred.uid = 0;
		cred.gid = 0;
		if (group == HF_MONITOR_KERNEL)
			cred.pid = 0;
		memcpy(CMSG_DATA(cmsg), &cred, sizeof(cred));
	}
}

static bool has_credentials(struct msghdr *msg)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_CREDENTIALS)
			return true;
	return false;
}

/* What recvmsg(2) has put there, with room for a name before. */
static ssize_t received(int fd, struct msghdr *msg, socklen_t room, ssize_t n,
			int flags)
{
	const struct iovec *iov = msg->msg_iov;
	ssize_t got = msg->msg_iovlen && (size_t)n > iov->iov_len ?
			      (ssize_t)iov->iov_len : n;
	bool named = msg->msg_name && msg->msg_namelen &&
		     server_name(msg->msg_name, room < msg->msg_namelen ?
							room : msg->msg_namelen);
	uint32_t group;

	if (!msg->msg_iovlen)
		got = 0;
	if (got == n && lost(fd, iov ? iov->iov_base : NULL, got, flags))
		return -1;
	if ((!named && !has_credentials(msg)) || !is_monitor(fd))
		return n;
	group = group_of(iov ? iov->iov_base : NULL, got);
	if (msg->msg_name)
		put_sender(msg->msg_name, room, &msg->msg_namelen, group);
	put_credentials(msg, group);
	return n;
}

HF_SHIM_EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	socklen_t room = msg ? msg->msg_namelen : 0;
	ssize_t n = REAL(recvmsg)(fd, msg, flags);

	return n < 0 || !hf_shim_active() ?
		       n : received(fd, msg, room, n, flags);
}

static bool past(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end->tv_sec ||
	       (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

/* One after the other, as the kernel does. An error behind the first is left out. */
static int receive_many(int fd, struct mmsghdr *msgs, unsigned int n, int flags,
			const struct timespec *timeout)
{
	struct timespec end = { .tv_sec = 0 };
	unsigned int i;

	if (timeout) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += timeout->tv_sec;
		end.tv_nsec += timeout->tv_nsec;
		end.tv_sec += end.tv_nsec / 1000000000;
		end.tv_nsec %= 1000000000;
	}
	for (i = 0; i < n; i++) {
		ssize_t size = recvmsg(fd, &msgs[i].msg_hdr,
				       flags & ~MSG_WAITFORONE);

		if (size < 0)
			return i ? (int)i : -1;
		msgs[i].msg_len = (unsigned int)size;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (timeout && past(&end))
			return (int)i + 1;
	}
	return (int)i;
}

HF_SHIM_EXPORT int recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n,
			    int flags, struct timespec *timeout)
{
	if (!is_monitor(fd))
		return REAL(recvmmsg)(fd, msgs, n, flags, timeout);
	return receive_many(fd, msgs, n, flags, timeout);
}

/* What the fortified calls of a program are: they abort on a short buffer. */
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
		       struct sockaddr *from, socklen_t *length);

HF_SHIM_EXPORT ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size,
				  int flags)
{
	if (n > size)
		return REAL(__recv_chk)(fd, buf, n, size, flags);
	return recv(fd, buf, n, flags);
}

HF_SHIM_EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size,
				      int flags, struct sockaddr *from,
				      socklen_t *length)
{
	if (n > size)
		return REAL(__recvfrom_chk)(fd, buf, n, size, flags, from,
					    length);
	return recvfrom(fd, buf, n, flags, from, length);
}
