/* SPDX-License-Identifier: MIT */
/*
 * Files of debugfs, as a DRM driver has them below /sys/kernel/debug/dri: what they
 * say, and what is written to them. That they are there is the tree's business
 * (server/sysfs.c), which marks them as served: who opens one asks for it here.
 *
 * These take the system's lock.
 */
#ifndef HF_SERVER_DEBUGFS_H
#define HF_SERVER_DEBUGFS_H

#include <stddef.h>

#include "uapi/device.h"

struct hf_debugfs;

/**
 * hf_debugfs_create() - Serve the files of a system's devices.
 *
 * Return: NULL and ENOMEM.
 */
struct hf_debugfs *hf_debugfs_create(struct hf_system *sys);
/** hf_debugfs_destroy() - Before the devices are. Takes NULL. */
void hf_debugfs_destroy(struct hf_debugfs *debugfs);

/**
 * hf_debugfs_open() - Open a file.
 * @cred: who does; others than the server's user and root may not
 * @path: absolute
 * @flags: as for open(2), of which the access mode counts
 *
 * Return: a descriptor: a sealed memfd with what the file says now, or for files that
 * are more than that a socket; or -ENOENT, -EACCES, -ENOMEM, -EMFILE, -ENFILE, or as
 * hf_crc_open().
 */
int hf_debugfs_open(struct hf_debugfs *debugfs, const struct hf_cred *cred,
		    const char *path, int flags);
/**
 * hf_debugfs_write() - Write to a file that was opened for it.
 * @fd: a descriptor of it
 *
 * A socket can be written to as well, but says nothing of errors.
 *
 * Return: 0, -EBADF for another descriptor, or as hf_crc_set_source().
 */
int hf_debugfs_write(struct hf_debugfs *debugfs, int fd, const char *data,
		     size_t size);

#endif
