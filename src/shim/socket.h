/* SPDX-License-Identifier: MIT */
/* The socket that the server answers at, seatd's. */
#ifndef HF_SHIM_SOCKET_H
#define HF_SHIM_SOCKET_H

#include <sys/socket.h>

/**
 * hf_socket_bound() - A program has given one of its own a name.
 *
 * From there on it is the one that answers by that name, for all.
 */
void hf_socket_bound(const struct sockaddr *addr, socklen_t length);

#endif
