/* SPDX-License-Identifier: MIT */
/* Ports to listen on. See the header. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "view/listen.h"

#define TRIES 100

struct place {
	char host[NI_MAXHOST];
	unsigned int port; /* 0: a free one */
};

static int parse_port(const char *text, unsigned int *port)
{
	char more;

	*port = 0;
	if (!strcmp(text, "auto"))
		return 0;
	if (*text < '0' || *text > '9' ||
	    sscanf(text, "%5u%c", port, &more) != 1 || *port > 65535)
		return -EINVAL;
	return 0;
}

static int parse(const char *text, struct place *place)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;

	snprintf(place->host, sizeof(place->host), "127.0.0.1");
	if (!colon)
		return parse_port(text, &place->port);
	if (n > 1 && *text == '[' && colon[-1] == ']') {
		text++;
		n -= 2;
	} else if (memchr(text, ':', n)) {
		return -EINVAL; /* which part is the port? */
	}
	if (!n || n >= sizeof(place->host))
		return -EINVAL;
	memcpy(place->host, text, n);
	place->host[n] = 0;
	return parse_port(colon + 1, &place->port);
}

static int listen_at(const struct addrinfo *info, unsigned int port)
{
	struct sockaddr_storage address;
	int fd = socket(info->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, err;

	if (fd < 0)
		return -errno;
	memcpy(&address, info->ai_addr, info->ai_addrlen);
	/* In the same place of both families. */
	((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, (struct sockaddr *)&address, info->ai_addrlen) &&
	    !listen(fd, 64))
		return fd;
	err = errno;
	close(fd);
	return -err;
}

static int listen_anywhere(const struct addrinfo *info, unsigned int first)
{
	for (unsigned int port = first; port < first + TRIES; port++) {
		int fd = listen_at(info, port);

		if (fd != -EADDRINUSE)
			return fd;
	}
	return listen_at(info, 0);
}

static void describe(int fd, char *name, size_t size)
{
	char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (!getsockname(fd, (struct sockaddr *)&address, &length))
		getnameinfo((struct sockaddr *)&address, length, host,
			    sizeof(host), port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(name, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
		 port);
}

int hf_listen(const char *text, unsigned int first, char *name, size_t size)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };
	struct addrinfo *info;
	struct place place;
	int fd = parse(text, &place);

	if (fd)
		return fd;
	if (getaddrinfo(place.host, NULL, &hints, &info))
		return -EADDRNOTAVAIL;
	fd = place.port ? listen_at(info, place.port) :
			  listen_anywhere(info, first);
	freeaddrinfo(info);
	if (fd >= 0)
		describe(fd, name, size);
	return fd;
}

int hf_listen_is_local(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length))
		return 0;
	if (address.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(
			&((struct sockaddr_in6 *)&address)->sin6_addr);
	return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 ==
	       127;
}
