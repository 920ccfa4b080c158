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
