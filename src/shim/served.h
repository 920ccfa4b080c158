/* SPDX-License-Identifier: MIT */
/*
 * Files of the tree whose content the server has: opened by asking it. What is only
 * read is a memfd, as other virtual files are. The rest are sockets, which the kernel
 * reads, polls, dups and passes on; what they do not do by themselves is here.
 */
#ifndef HF_SHIM_SERVED_H
#define HF_SHIM_SERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * hf_served_open() - Have the server open a file.
 * @path: the node's
 * @flags: as for open(2)
 *
 * Return: a descriptor (a memfd, not yet in the mode that was asked for, or a socket,
 * which is), or a negative errno.
 */
int hf_served_open(const char *path, int flags);

/** hf_served() - Is this number likely such a socket? Costs a load. */
bool hf_served(int fd);
/** hf_served_copied() - A number was made another one for a descriptor. */
void hf_served_copied(int from, int to);
/** hf_served_path() - Where a socket was opened: 0 or -1, and @path is undefined. */
int hf_served_path(int fd, char *path, size_t size);

/** hf_served_read() - read(2): a packet that does not fit stays; EIO at the end. */
ssize_t hf_served_read(int fd, void *buf, size_t count);

#endif
