/* SPDX-License-Identifier: MIT */
/*
 * Files of debugfs, as a DRM driver has them below /sys/kernel/debug/dri: what they
 * say, and what is written to them. That they are there is the tree's business
 * (server/sysfs.c), which marks them as served: who opens one asks for it here.
 *
 * What is written to one goes through server/attribute.h.
 */
#ifndef HF_SERVER_DEBUGFS_H
#define HF_SERVER_DEBUGFS_H

#include "uapi/device.h"

/**
 * hf_debugfs_open() - Open a file. Takes the system's lock.
 * @cred: who does; others than the server's user and root may not
 * @path: absolute
 *
 * Return: a descriptor: a sealed memfd with what the file says now, or for a file that
 * is more than that a socket; or -ENOENT, -EACCES, -ENOMEM, -EMFILE, -ENFILE, or as
 * hf_crc_open().
 */
int hf_debugfs_open(struct hf_system *sys, const struct hf_cred *cred,
		    const char *path);
/**
 * hf_debugfs_set_source() - Write to crc/control. The lock is held.
 * @dir: the directory that it is in
 *
 * Return: 0, -EIO for another directory's file, or as hf_crc_set_source().
 */
int hf_debugfs_set_source(struct hf_system *sys, const char *dir,
			  const char *text);
/** hf_debugfs_finish() - Nobody reads any more. Before the devices go; takes the lock. */
void hf_debugfs_finish(struct hf_system *sys);

#endif
