/* SPDX-License-Identifier: MIT */
/* Sockets in the tree of paths that the server answers at. */
#ifndef HF_SHIM_SOCKET_H
#define HF_SHIM_SOCKET_H

#include <sys/socket.h>

#include "shim/path.h"

/** hf_socket_answered() - Is this a socket that can be connected to? */
bool hf_socket_answered(const struct hf_path *p);

/**
 * hf_socket_bound() - A program has given one of its own a name.
 *
 * From there on it is the one that answers by that name, for all.
 */
void hf_socket_bound(const struct sockaddr *addr, socklen_t length);

/**
 * hf_socket_unlink() - Remove one, for all.
 *
 * As a daemon of its own does before it listens there. Return: 0, or -1 with errno.
 */
int hf_socket_unlink(const struct hf_path *p);

#endif
