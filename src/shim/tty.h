/* SPDX-License-Identifier: MIT */
/*
 * Virtual terminals, as far as they are more than the ptys that they are: their names,
 * and that who opens one may get it as controlling terminal.
 */
#ifndef HF_SHIM_TTY_H
#define HF_SHIM_TTY_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that a path of one takes. */
#define HF_TTY_PATH 24

/**
 * hf_tty_opened() - A node was opened.
 * @path: of the node
 * @flags: as for open(2)
 */
void hf_tty_opened(int fd, const char *path, int flags);

/** hf_tty_path() - Return: false where the descriptor is no VT. */
bool hf_tty_path(int fd, char path[HF_TTY_PATH]);

#endif
