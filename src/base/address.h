/* SPDX-License-Identifier: MIT */
/* Names of sockets: a path, or @name in the abstract name space. */
#ifndef HF_BASE_ADDRESS_H
#define HF_BASE_ADDRESS_H

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/**
 * hf_socket_address() - The address of a name.
 *
 * Return: 0, or -ENAMETOOLONG (also for an empty one).
 */
static inline int hf_socket_address(const char *name, struct sockaddr_un *addr,
				    socklen_t *len)
{
	size_t n = strlen(name);

	if (n == 0 || n >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, name, n);
	*len = sizeof(*addr);
	if (name[0] == '@') {
		addr->sun_path[0] = 0;
		*len = offsetof(struct sockaddr_un, sun_path) + n;
	}
	return 0;
}

#endif
