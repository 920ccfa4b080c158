/* SPDX-License-Identifier: MIT */
/* Packets with descriptors on a SOCK_SEQPACKET socket. */
#ifndef HF_BASE_FDPASS_H
#define HF_BASE_FDPASS_H

#include <stddef.h>

#define HF_FDPASS_MAX 32

/**
 * hf_send_fds() - Send a packet with descriptors; never blocks.
 *
 * Return: 0 or a negative errno of sendmsg(2).
 */
int hf_send_fds(int socket, const void *data, size_t len, const int *fds,
		unsigned int nfds);

/**
 * hf_recv_fds() - Receive a packet with descriptors.
 * @flags: MSG_DONTWAIT or 0
 * @fds: room for HF_FDPASS_MAX; all arrive close-on-exec
 * @nfds: set to how many came
 *
 * Return: bytes received, 0 at the end, or a negative errno. A packet that is
 * too long is -EBADMSG. One with more descriptors than fit, or than this process
 * may have, arrives without any.
 */
int hf_recv_fds(int socket, void *data, size_t len, int flags, int *fds,
		unsigned int *nfds);

#endif
