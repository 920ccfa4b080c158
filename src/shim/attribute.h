/* SPDX-License-Identifier: MIT */
/*
 * Writing to virtual files: what is written to one goes to the server.
 */
#ifndef HF_SHIM_ATTRIBUTE_H
#define HF_SHIM_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/** hf_attribute_opened() - A virtual file was opened for writing. */
void hf_attribute_opened(void);

bool hf_attribute_look(void);

/* What this process may have open: not looked yet, none, some. */
enum { HF_ATTRIBUTES_UNKNOWN, HF_ATTRIBUTES_NONE, HF_ATTRIBUTES_SOME };
extern _Atomic int hf_attributes;

/**
 * hf_attribute_possible() - May any descriptor be a virtual file to write to?
 *
 * Costs a load. One that was received from another process is not thought of.
 */
static inline bool hf_attribute_possible(void)
{
	int any = __atomic_load_n((int *)&hf_attributes, __ATOMIC_RELAXED);

	return any != HF_ATTRIBUTES_NONE && hf_attribute_look();
}

/**
 * hf_attribute_write() - writev(2), if it is such a file.
 * @ret: set to what it returns, with errno
 *
 * Return: false for any other descriptor.
 */
bool hf_attribute_write(int fd, const struct iovec *iov, int n, ssize_t *ret);

/**
 * hf_attribute_flush() - Send what the C library has written by itself.
 *
 * The streams of stdio make system calls that nobody can intercept: these write to
 * the memory that such a file is, and it is sent when the stream is flushed, or its
 * descriptor closed. Keeps errno.
 *
 * Return: 0 or a negative errno: what write(2) would have failed with.
 */
int hf_attribute_flush(int fd);

#endif
