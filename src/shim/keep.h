/* SPDX-License-Identifier: MIT */
/*
 * What a process needs to have its device where names lead elsewhere: in another
 * name space, below another root directory.
 */
#ifndef HF_SHIM_KEEP_H
#define HF_SHIM_KEEP_H

#include <stdbool.h>
#include <stddef.h>

/* The environment: numbers of the descriptors that are kept, "BROKER,SHIM". */
#define HF_ENV_KEPT "HOLDFAST_KEPT"

/** hf_keep_learn() - Take over what this process was started with. */
void hf_keep_learn(void);

/**
 * hf_keep_for() - Be ready for new name spaces.
 * @flags: CLONE_NEW*, as for unshare(2); others do not matter
 */
void hf_keep_for(unsigned long flags);

/**
 * hf_keep_connect() - A new connection to the server, by way of what is kept.
 *
 * Return: a descriptor (close-on-exec), or -1 where nothing is kept, or the server
 * is gone.
 */
int hf_keep_connect(void);

/**
 * hf_keep_shim_path() - Where an exec finds this library.
 * @buf: room for a path of this process, of 40 bytes
 *
 * Return: its path, @buf, or NULL where there is no way to it.
 */
const char *hf_keep_shim_path(char *buf);

/**
 * hf_keep_describe() - The value of $HOLDFAST_KEPT.
 *
 * Return: false where nothing is kept.
 */
bool hf_keep_describe(char *buf, size_t size);

/* As the functions hf_own_fd...() of shim/client.h. */
bool hf_keep_own(int fd);
unsigned int hf_keep_own_next(unsigned int first, unsigned int last);
void hf_keep_own_move(int fd);

#endif
