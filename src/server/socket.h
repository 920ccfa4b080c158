/* SPDX-License-Identifier: MIT */
/*
 * Sockets that programs find by a path and the server answers at: seatd's.
 *
 * The system's lock is held throughout.
 */
#ifndef HF_SERVER_SOCKET_H
#define HF_SERVER_SOCKET_H

#include "server/server.h"
#include "uapi/call.h"

/**
 * hf_socket_op() - A program does something with such a socket.
 * @call: cmd is an enum hf_socket_op
 * @path: of the socket
 * @fd: set to a descriptor for the program, where it connects
 *
 * Return: 0; -ENOENT: there is none; -EACCES; -EINVAL; or as hf_seatd_connect().
 */
int hf_socket_op(struct hf_server *server, struct hf_call *call,
		 const char *path, int *fd);

/**
 * hf_socket_find_device() - The device node that a path leads to.
 *
 * For hf_seatd_funcs. Return: 0, -ENOENT, -ELOOP.
 */
int hf_socket_find_device(void *data, const char *path, uint32_t *major,
			  uint32_t *minor);

#endif
