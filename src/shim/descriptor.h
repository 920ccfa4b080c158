/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor is, as the kernel says: so it holds for those that were
 * inherited, duplicated or received.
 */
#ifndef HF_SHIM_DESCRIPTOR_H
#define HF_SHIM_DESCRIPTOR_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/un.h>

/**
 * hf_endpoint_name() - The name of an endpoint of a server's.
 * @addr: where it is kept
 *
 * Return: what comes behind "holdfast-<instance>/", or NULL for anything else.
 */
const char *hf_endpoint_name(int fd, struct sockaddr_un *addr);

/**
 * hf_vt_of_stat() - The number of the virtual terminal that this is, or 0.
 * @st: what the kernel says of a descriptor
 *
 * Connects to the server only where it looks like one. Keeps errno.
 */
unsigned int hf_vt_of_stat(const struct stat *st);
/**
 * hf_vt_number() - Likewise of a descriptor, which may be of /dev/tty, too.
 *
 * Connects wherever it is a tty.
 */
unsigned int hf_vt_number(int fd);

/** hf_is_sync_file() - A sync_file of a server's? */
bool hf_is_sync_file(int fd);

/** hf_is_memory() - Memory that a device may work on, from wherever? */
bool hf_is_memory(int fd);

/**
 * hf_is_dma_buf() - The dma-buf of an object of ours?
 * @st: what fstat(2) says of it
 */
bool hf_is_dma_buf(int fd, const struct stat *st);

#endif
