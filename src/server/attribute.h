/* SPDX-License-Identifier: MIT */
/*
 * Writes to the files of the tree of paths: what sysfs calls stores.
 */
#ifndef HF_SERVER_ATTRIBUTE_H
#define HF_SERVER_ATTRIBUTE_H

#include <stddef.h>

struct hf_cred;
struct hf_server;

/**
 * hf_attribute_write() - A client writes to a file of the tree.
 * @path: of the file
 * @text: what it writes, with a NUL behind it that @size does not count
 * @size: bytes, up to HF_WIRE_WRITE_MAX
 *
 * The lock is held. What follows from the write may not have reached the tree of
 * paths and the monitors yet: hf_server_settle().
 *
 * Return: 0; -EACCES where it is not the owner's or root's process; -ENOENT; -EIO for a
 * file that takes no writes; or what the file makes of it, such as -EINVAL.
 */
int hf_attribute_write(struct hf_server *server, const struct hf_cred *cred,
		       const char *path, const char *text, size_t size);

#endif
