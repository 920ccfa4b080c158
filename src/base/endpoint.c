/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that we give to clients: socket pairs with a name. See the
 * header. Ids are never reused, so one that epoll reports late finds nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/endpoint.h"

int hf_endpoints_init(struct hf_endpoints *endpoints)
{
	struct rlimit limit;

	memset(endpoints, 0, sizeof(*endpoints));
	endpoints->max_fds = INT_MAX;
	/* Descriptors are the lowest numbers that are free. */
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < INT_MAX)
		endpoints->max_fds = limit.rlim_cur - limit.rlim_cur / 16;
	endpoints->epoll = epoll_create1(EPOLL_CLOEXEC);
	return endpoints->epoll < 0 ? -errno : 0;
}

void hf_endpoints_finish(struct hf_endpoints *endpoints)
{
	struct hf_endpoint *endpoint, *next;

	HASH_ITER(by_id, endpoints->by_id, endpoint, next)
		endpoint->hung_up(endpoint);
	if (endpoints->epoll >= 0)
		close(endpoints->epoll);
}

/*
 * Such a descriptor is never ready for writing. A socket is, unless what it
 * sent already fills its buffer: so it has sent something that nobody ever
 * reads.
 */
static int stuff(int client)
{
	static const char packet[1024];
	int size = 1; /* the kernel makes its minimum of it */

	if (setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)))
		return -1;
	return send(client, packet, sizeof(packet), MSG_DONTWAIT) < 0 ? -1 : 0;
}

static int bind_name(int fd, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(name);

	if (len >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path + 1, name, len);
	return bind(fd, (struct sockaddr *)&addr,
		    offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

static int make_pair(const struct hf_endpoints *endpoints, int type, int sv[2])
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sv))
		return -errno;
	if (sv[0] < endpoints->max_fds)
		return 0;
	close(sv[0]);
	close(sv[1]);
	return -ENFILE;
}

/* A pair becomes an endpoint, or is closed. */
static int add_pair(struct hf_endpoints *endpoints,
		    struct hf_endpoint *endpoint, const int sv[2],
		    const char *name, uint32_t events)
{
	struct epoll_event event = {
		.events = events,
		.data.u64 = endpoints->last_id + 1,
	};
	struct stat st;
	int err;

	if (bind_name(sv[0], name) || fstat(sv[1], &st) ||
	    epoll_ctl(endpoints->epoll, EPOLL_CTL_ADD, sv[0], &event)) {
		err = errno;
		close(sv[0]);
		close(sv[1]);
		return -err;
	}
	endpoint->id = ++endpoints->last_id;
	endpoint->fd = sv[0];
	endpoint->dev = st.st_dev;
	endpoint->inode = st.st_ino;
	HASH_ADD(by_id, endpoints->by_id, id, sizeof(endpoint->id), endpoint);
	HASH_ADD(by_inode, endpoints->by_inode, inode, sizeof(endpoint->inode),
		 endpoint);
	return 0;
}

int hf_endpoint_open(struct hf_endpoints *endpoints,
		     struct hf_endpoint *endpoint, const char *name,
		     void (*hung_up)(struct hf_endpoint *endpoint), int *client)
{
	int sv[2], ret = make_pair(endpoints, SOCK_SEQPACKET, sv);

	if (ret)
		return ret;
	/*
	 * Shut: a packet that holds the client's own end would keep it open
	 * for ever.
	 */
	if (stuff(sv[1]) || shutdown(sv[0], SHUT_RD)) {
		ret = -errno;
		close(sv[0]);
		close(sv[1]);
		return ret;
	}
	endpoint->hung_up = hung_up;
	endpoint->ready = NULL;
	/* Nothing but the hang-up, which needs not be asked for. */
	ret = add_pair(endpoints, endpoint, sv, name, 0);
	if (!ret)
		*client = sv[1];
	return ret;
}

int hf_endpoint_open_stream(struct hf_endpoints *endpoints,
			    struct hf_endpoint *endpoint, const char *name,
			    void (*hung_up)(struct hf_endpoint *endpoint),
			    bool (*ready)(struct hf_endpoint *endpoint),
			    int room, int *client)
{
	int sv[2], ret = make_pair(endpoints, SOCK_STREAM, sv);

	if (ret)
		return ret;
	room /= 2; /* the kernel doubles it */
	if (setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room))) {
		ret = -errno;
		close(sv[0]);
		close(sv[1]);
		return ret;
	}
	endpoint->hung_up = hung_up;
	endpoint->ready = ready;
	ret = add_pair(endpoints, endpoint, sv, name, EPOLLIN);
	if (!ret)
		*client = sv[1];
	return ret;
}

void hf_endpoint_want_room(struct hf_endpoints *endpoints,
			   struct hf_endpoint *endpoint, bool want)
{
	struct epoll_event event = {
		.events = want ? EPOLLIN | EPOLLOUT : EPOLLIN,
		.data.u64 = endpoint->id,
	};

	epoll_ctl(endpoints->epoll, EPOLL_CTL_MOD, endpoint->fd, &event);
}

void hf_endpoint_close(struct hf_endpoints *endpoints,
		       struct hf_endpoint *endpoint)
{
	HASH_DELETE(by_id, endpoints->by_id, endpoint);
	HASH_DELETE(by_inode, endpoints->by_inode, endpoint);
	close(endpoint->fd);
}

/*
 * What SIOCOUTQ says of one unread packet; measured once. The kernel counts a
 * constant number of bytes for small ones.
 */
static int packet_cost(void)
{
	static int cost;
	int sv[2], bytes = 0;

	if (cost)
		return cost;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return INT_MAX;
	if (send(sv[0], "", 1, MSG_DONTWAIT) < 0 ||
	    ioctl(sv[0], SIOCOUTQ, &bytes) || bytes <= 0)
		bytes = INT_MAX;
	close(sv[0]);
	close(sv[1]);
	if (bytes != INT_MAX)
		cost = bytes;
	return bytes;
}

unsigned int hf_endpoint_unread(int fd)
{
	int bytes = 0;

	if (ioctl(fd, SIOCOUTQ, &bytes))
		return 0;
	return bytes / packet_cost();
}

/* A packet that nobody reads. */
void hf_endpoint_make_readable(struct hf_endpoint *endpoint)
{
	send(endpoint->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Take away what stuff() put there; it can be read though reading is shut. */
void hf_endpoint_make_writable(struct hf_endpoint *endpoint)
{
	char c;

	recv(endpoint->fd, &c, sizeof(c), MSG_DONTWAIT);
}

struct hf_endpoint *hf_endpoint_by_inode(struct hf_endpoints *endpoints,
					 ino_t inode)
{
	struct hf_endpoint *endpoint;

	HASH_FIND(by_inode, endpoints->by_inode, &inode, sizeof(inode),
		  endpoint);
	return endpoint;
}

/* Of a file of a client's own file system, fstat(2) may never come back. */
static bool is_socket(int fd)
{
	int domain;
	socklen_t size = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
}

struct hf_endpoint *hf_endpoint_of(struct hf_endpoints *endpoints, int fd)
{
	struct hf_endpoint *endpoint;
	struct stat st;

	if (!is_socket(fd) || fstat(fd, &st))
		return NULL;
	endpoint = hf_endpoint_by_inode(endpoints, st.st_ino);
	/* Inode numbers of socket files in a client's own file system. */
	return endpoint && endpoint->dev == st.st_dev ? endpoint : NULL;
}

unsigned int hf_endpoints_count(const struct hf_endpoints *endpoints)
{
	return HASH_CNT(by_id, endpoints->by_id);
}

int hf_endpoints_poll(const struct hf_endpoints *endpoints, uint64_t *ids,
		      int max)
{
	struct epoll_event events[64];
	int n = epoll_wait(endpoints->epoll, events, max < 64 ? max : 64, 0);

	for (int i = 0; i < n; i++)
		ids[i] = events[i].data.u64;
	return n < 0 ? 0 : n;
}

void hf_endpoints_hang_up(struct hf_endpoints *endpoints, uint64_t id)
{
	struct hf_endpoint *endpoint;

	HASH_FIND(by_id, endpoints->by_id, &id, sizeof(id), endpoint);
	if (endpoint && (!endpoint->ready || !endpoint->ready(endpoint)))
		endpoint->hung_up(endpoint);
}
