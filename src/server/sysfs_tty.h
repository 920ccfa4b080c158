/* SPDX-License-Identifier: MIT */
/* The paths of the seat's virtual terminals, as the kernel has them. */
#ifndef HF_SERVER_SYSFS_TTY_H
#define HF_SERVER_SYSFS_TTY_H

#include <stdbool.h>

struct hf_builder;
struct hf_seat;
struct hf_server;

/** hf_sysfs_add_ttys() - Add them all. @dev_char: there is a /dev/char */
void hf_sysfs_add_ttys(struct hf_builder *b, const struct hf_seat *seat,
		       bool dev_char);

/**
 * hf_sysfs_tty_open() - Open one of their files that say something else each time.
 *
 * Takes the lock. Return: a descriptor, -ENOENT for any other path, -ENOMEM, -EMFILE.
 */
int hf_sysfs_tty_open(struct hf_server *server, const char *path);

#endif
