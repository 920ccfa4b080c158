/* SPDX-License-Identifier: MIT */
/*
 * Monitors: one pair of datagram sockets each, beside the kernel's socket. See the
 * header; the device's lock protects all of it.
 *
 * A datagram socket says nothing when its other end is closed, which is what makes it
 * like netlink: programs that outlive the server hear of nothing, and no descriptor
 * polls as ready for ever. But nor does the server learn that a program has closed
 * its end. It has a name, though, that can be connected to for as long as it
 * lives: hf_monitors_reap() tries, whenever a monitor is opened or spoken to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/monitor.h"

/* What waits for a monitor to be read, beside what its socket holds: messages. */
#define MAX_QUEUED 4096
/* Of the kernel's messages, passed on at a time; and how large one is. */
#define MAX_BATCH 64
#define MAX_FORWARD 16384

/* One message, which waits in the queues of several monitors. */
struct message {
	unsigned int refs;
	size_t size;
	char data[];
};

struct queued {
	struct wl_list link;
	struct message *message;
};

struct hf_monitor {
	struct hf_monitors *monitors;
	struct wl_list link;
	uint64_t id;
	int fd;	     /* our end */
	int netlink; /* the kernel's socket, or -1 */
	dev_t dev;   /* of the program's end: likewise @inode */
	ino_t inode;
	bool bound;
	uint32_t pid, groups; /* as struct sockaddr_nl has them */
	struct wl_list queue;
	unsigned int queued;
	bool lost; /* something, and was not told so yet */
};

/* What an epoll event is about: a monitor's id and which of its sockets. */
#define KERNELS 1u
#define EVENT_OF(id, which) ((id) << 1 | (which))

static void put_message(struct message *message)
{
	if (message && --message->refs == 0)
		free(message);
}

static struct message *make_message(const void *data, size_t size)
{
	struct message *message = malloc(sizeof(*message) + size);

	if (!message)
		return NULL;
	message->refs = 1;
	message->size = size;
	memcpy(message->data, data, size);
	return message;
}

static void drop_first(struct hf_monitor *monitor)
{
	struct queued *first =
		wl_container_of(monitor->queue.next, first, link);

	wl_list_remove(&first->link);
	put_message(first->message);
	free(first);
	monitor->queued--;
}

static void destroy(struct hf_monitor *monitor)
{
	while (monitor->queued)
		drop_first(monitor);
	wl_list_remove(&monitor->link);
	/* Which takes them out of the epoll set, too. */
	close(monitor->fd);
	if (monitor->netlink >= 0)
		close(monitor->netlink);
	free(monitor);
}

/* -- sending --------------------------------------------------------------- */

static int transmit(const struct hf_monitor *monitor, const void *data,
		    size_t size)
{
	if (send(monitor->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return -errno;
}

/* Be told when there is room again, or no more. */
static void await_room(struct hf_monitor *monitor, bool wait)
{
	struct epoll_event event = {
		.events = wait ? EPOLLOUT : 0,
		.data.u64 = EVENT_OF(monitor->id, 0),
	};

	epoll_ctl(monitor->monitors->epoll, EPOLL_CTL_MOD, monitor->fd, &event);
}

/* As netlink does, drop all that comes until there is room for what waits. */
static void lose(struct hf_monitor *monitor)
{
	monitor->lost = true;
	await_room(monitor, true);
}

/* Keep it until there is room. The message's text is copied once. */
static void enqueue(struct hf_monitor *monitor, const void *data, size_t size,
		    struct message **message)
{
	struct queued *queued;

	if (!*message)
		*message = make_message(data, size);
	queued = *message && monitor->queued < MAX_QUEUED ?
			 malloc(sizeof(*queued)) : NULL;
	if (!queued) {
		lose(monitor);
		return;
	}
	queued->message = *message;
	(*message)->refs++;
	wl_list_insert(monitor->queue.prev, &queued->link);
	monitor->queued++;
	await_room(monitor, true);
}

static void deliver(struct hf_monitor *monitor, const void *data, size_t size,
		    struct message **message)
{
	int ret;

	if (monitor->lost)
		return;
	if (monitor->queued) {
		enqueue(monitor, data, size, message);
		return;
	}
	ret = transmit(monitor, data, size);
	if (ret == -EAGAIN)
		enqueue(monitor, data, size, message);
	else if (ret && ret != -ECONNREFUSED)
		lose(monitor);
}

void hf_monitors_send(struct hf_monitors *monitors, uint32_t group,
		      const void *data, size_t size)
{
	struct message *message = NULL;
	struct hf_monitor *monitor;

	hf_monitors_reap(monitors);
	wl_list_for_each(monitor, &monitors->list, link)
		if (monitor->groups & group)
			deliver(monitor, data, size, &message);
	put_message(message);
}

/* There is room: send what waits, and then that something is missing. */
static void drain(struct hf_monitor *monitor)
{
	int ret = 0;

	while (monitor->queued && ret == 0) {
		const struct queued *first =
			wl_container_of(monitor->queue.next, first, link);

		ret = transmit(monitor, first->message->data,
			       first->message->size);
		if (ret != -EAGAIN)
			drop_first(monitor);
	}
	if (!monitor->queued && monitor->lost)
		monitor->lost = transmit(monitor, HF_MONITOR_LOST,
					 sizeof(HF_MONITOR_LOST)) == -EAGAIN;
	if (!monitor->queued && !monitor->lost)
		await_room(monitor, false);
}

/* -- passing on ------------------------------------------------------------ */

/* Who sent a packet? (uid_t)-1 where it does not say. */
static uid_t sender_of(struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	struct ucred cred;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
		return cred.uid;
	}
	return (uid_t)-1;
}

/*
 * One packet of the kernel's socket. The program takes what arrives for broadcasts
 * of root's, since it cannot see: so nothing else is passed on.
 *
 * Return: false where there is none left.
 */
static bool forward_one(struct hf_monitor *monitor)
{
	static char data[MAX_FORWARD];
	char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { data, sizeof(data) };
	struct sockaddr_nl from = { .nl_groups = 0 };
	struct message *message = NULL;
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(monitor->netlink, &msg, MSG_DONTWAIT);

	/* It says so before it hands out what it has. */
	if (n < 0 && errno == ENOBUFS) {
		deliver(monitor, HF_MONITOR_LOST, sizeof(HF_MONITOR_LOST),
			&message);
		put_message(message);
		return true;
	}
	if (n < 0)
		return errno == EINTR;
	if (!(msg.msg_flags & MSG_TRUNC) && from.nl_groups &&
	    sender_of(&msg) == 0) {
		deliver(monitor, data, (size_t)n, &message);
		put_message(message);
	}
	return true;
}

static struct hf_monitor *find(struct hf_monitors *monitors, uint64_t id)
{
	struct hf_monitor *monitor;

	wl_list_for_each(monitor, &monitors->list, link)
		if (monitor->id == id)
			return monitor;
	return NULL;
}

void hf_monitors_dispatch(struct hf_monitors *monitors)
{
	struct epoll_event events[16];
	int n;

	hf_monitors_reap(monitors);
	n = epoll_wait(monitors->epoll, events, 16, 0);
	for (int i = 0; i < n; i++) {
		uint64_t id = events[i].data.u64;
		struct hf_monitor *monitor = find(monitors, id >> 1);

		if (!monitor)
			continue;
		if (!(id & KERNELS))
			drain(monitor);
		for (int k = 0; (id & KERNELS) && k < MAX_BATCH; k++)
			if (!forward_one(monitor))
				break;
	}
}

/* -- opening and closing ------------------------------------------------------ */

/* Names in the abstract name space. Return: their length. */
static socklen_t make_name(const struct hf_monitor *monitor,
			   struct sockaddr_un *addr, const char *kind, int type)
{
	int n;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	n = snprintf(addr->sun_path + 1, sizeof(addr->sun_path) - 1,
		     HF_WIRE_NAME_PREFIX "%s/%s%lu", monitor->monitors->instance,
		     kind, (unsigned long)monitor->id);
	if (type)
		n += sprintf(addr->sun_path + 1 + n, "/%d", type);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)n);
}

static bool is_uevent_socket(int fd)
{
	int domain = 0, protocol = 0;
	socklen_t size = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) &&
	       !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) &&
	       domain == AF_NETLINK && protocol == NETLINK_KOBJECT_UEVENT;
}

/* Have the kernel say who sent what, and be woken by it. */
static int listen_to_kernel(struct hf_monitor *monitor)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.u64 = EVENT_OF(monitor->id, KERNELS),
	};
	int one = 1;

	if (monitor->netlink < 0)
		return 0;
	if (!is_uevent_socket(monitor->netlink))
		return -EINVAL;
	if (setsockopt(monitor->netlink, SOL_SOCKET, SO_PASSCRED, &one,
		       sizeof(one)) ||
	    epoll_ctl(monitor->monitors->epoll, EPOLL_CTL_ADD,
		      monitor->netlink, &event))
		return -errno;
	return 0;
}

static int set_up_pair(struct hf_monitor *monitor, int type, int client)
{
	struct epoll_event event = { .data.u64 = EVENT_OF(monitor->id, 0) };
	struct sockaddr_un addr;
	int size = 1 << 20; /* the kernel makes what it allows of it */
	struct stat st;
	socklen_t len;

	setsockopt(monitor->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	len = make_name(monitor, &addr, HF_MONITOR_NAME_SERVER, 0);
	if (bind(monitor->fd, (struct sockaddr *)&addr, len))
		return -errno;
	len = make_name(monitor, &addr, HF_MONITOR_NAME_CLIENT, type);
	/* Nobody reads what a program sends. */
	if (bind(client, (struct sockaddr *)&addr, len) ||
	    shutdown(monitor->fd, SHUT_RD) || fstat(client, &st) ||
	    epoll_ctl(monitor->monitors->epoll, EPOLL_CTL_ADD, monitor->fd,
		      &event))
		return -errno;
	monitor->dev = st.st_dev;
	monitor->inode = st.st_ino;
	return 0;
}

static int open_pair(struct hf_monitor *monitor, int type, int *client)
{
	int sv[2], ret;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv))
		return -errno;
	monitor->fd = sv[0];
	ret = sv[0] >= monitor->monitors->max_fds ? -ENFILE :
						    listen_to_kernel(monitor);
	if (!ret)
		ret = set_up_pair(monitor, type, sv[1]);
	if (ret) {
		close(sv[0]);
		close(sv[1]);
		return ret;
	}
	*client = sv[1];
	return 0;
}

int hf_monitor_open(struct hf_monitors *monitors, int type, int netlink,
		    int *client)
{
	struct hf_monitor *monitor = calloc(1, sizeof(*monitor));
	int ret = monitor ? 0 : -ENOMEM;

	hf_monitors_reap(monitors);
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		ret = -EINVAL;
	if (!ret) {
		monitor->monitors = monitors;
		monitor->id = ++monitors->last_id;
		monitor->netlink = netlink;
		wl_list_init(&monitor->queue);
		ret = open_pair(monitor, type, client);
	}
	if (ret) {
		if (netlink >= 0)
			close(netlink);
		free(monitor);
		return ret;
	}
	wl_list_insert(monitors->list.prev, &monitor->link);
	return 0;
}

static bool alive(const struct hf_monitor *monitor)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);

	/* The other end's name is known for as long as our end is. */
	if (getpeername(monitor->fd, (struct sockaddr *)&addr, &len))
		return false;
	return connect(monitor->fd, (struct sockaddr *)&addr, len) == 0 ||
	       errno != ECONNREFUSED;
}

void hf_monitors_reap(struct hf_monitors *monitors)
{
	struct hf_monitor *monitor, *next;

	wl_list_for_each_safe(monitor, next, &monitors->list, link)
		if (!alive(monitor))
			destroy(monitor);
}

int hf_monitors_init(struct hf_monitors *monitors, const char *instance,
		     int max_fds)
{
	memset(monitors, 0, sizeof(*monitors));
	wl_list_init(&monitors->list);
	snprintf(monitors->instance, sizeof(monitors->instance), "%s",
		 instance);
	monitors->max_fds = max_fds;
	monitors->epoll = epoll_create1(EPOLL_CLOEXEC);
	return monitors->epoll < 0 ? -errno : 0;
}

void hf_monitors_finish(struct hf_monitors *monitors)
{
	struct hf_monitor *monitor, *next;

	if (!monitors->list.next)
		return;
	wl_list_for_each_safe(monitor, next, &monitors->list, link)
		destroy(monitor);
	if (monitors->epoll >= 0)
		close(monitors->epoll);
}

/* -- what programs ask of one --------------------------------------------------- */

struct hf_monitor *hf_monitor_of(struct hf_monitors *monitors, int fd)
{
	struct hf_monitor *monitor;
	struct stat st;

	if (fstat(fd, &st) || !S_ISSOCK(st.st_mode))
		return NULL;
	wl_list_for_each(monitor, &monitors->list, link)
		if (monitor->inode == st.st_ino && monitor->dev == st.st_dev)
			return monitor;
	return NULL;
}

/* What the kernel made of it. */
static void learn_name(struct hf_monitor *monitor)
{
	struct sockaddr_nl addr = { .nl_pid = 0 };
	socklen_t len = sizeof(addr);

	getsockname(monitor->netlink, (struct sockaddr *)&addr, &len);
	monitor->pid = addr.nl_pid;
	monitor->groups = addr.nl_groups;
}

int hf_monitor_bind(struct hf_monitor *monitor, uint32_t pid, uint32_t groups,
		    uint32_t self)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_pid = pid,
		.nl_groups = groups,
	};
	int ret = -1;

	/* Left to itself the kernel would take our PID for the port. */
	if (monitor->netlink >= 0 && !pid && !monitor->bound) {
		addr.nl_pid = self;
		ret = bind(monitor->netlink, (struct sockaddr *)&addr,
			   sizeof(addr));
		addr.nl_pid = 0;
	}
	if (monitor->netlink >= 0 && ret)
		ret = bind(monitor->netlink, (struct sockaddr *)&addr,
			   sizeof(addr));
	if (monitor->netlink >= 0 && ret)
		return -errno;
	monitor->pid = pid ? pid : self;
	monitor->groups = groups;
	monitor->bound = true;
	if (monitor->netlink >= 0)
		learn_name(monitor);
	return 0;
}

void hf_monitor_name(const struct hf_monitor *monitor, uint32_t *pid,
		     uint32_t *groups)
{
	*pid = monitor->pid;
	*groups = monitor->groups;
}

int hf_monitor_option(struct hf_monitor *monitor, int option, int value)
{
	bool join = option == NETLINK_ADD_MEMBERSHIP;

	if (monitor->netlink >= 0) {
		if (setsockopt(monitor->netlink, SOL_NETLINK, option, &value,
			       sizeof(value)))
			return -errno;
		learn_name(monitor);
		return 0;
	}
	if (!join && option != NETLINK_DROP_MEMBERSHIP)
		return 0;
	if (value < 1 || value > 32)
		return -EINVAL;
	if (join)
		monitor->groups |= 1u << (value - 1);
	else
		monitor->groups &= ~(1u << (value - 1));
	return 0;
}
