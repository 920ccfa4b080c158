/* SPDX-License-Identifier: MIT */
/*
 * copy_from_user() and copy_to_user(): copies that fail on a bad pointer.
 */
#ifndef HF_SHIM_USERCOPY_H
#define HF_SHIM_USERCOPY_H

#include <stdbool.h>
#include <stddef.h>

/** hf_user_certain() - Is all of this there for certain, to be read and written? */
bool hf_user_certain(const void *user, size_t size);
/**
 * hf_user_readable() - May this be looked at, or is it EFAULT?
 *
 * For names, that are looked at where they are. Safe in signal handlers, in children of
 * vfork and before there is a heap; takes a system call where it is neither the
 * program's own, nor on its heap or stack.
 */
bool hf_user_readable(const void *user);
/**
 * hf_user_prepare() - Find the calling thread's stack now.
 *
 * That allocates, and the first copy may be one of a signal handler's.
 */
void hf_user_prepare(void);
/** hf_copy_from_user() - Return: 0 or -EFAULT. */
int hf_copy_from_user(void *to, const void *user, size_t size);
/**
 * struct hf_user_copy - One of some copies from the program's memory.
 * @fault: set where it could not be read
 */
struct hf_user_copy {
	void *to;
	const void *user;
	size_t size;
	bool fault;
};
#define HF_USER_COPIES 8
/** hf_copy_all_from_user() - Up to HF_USER_COPIES of them at once. */
void hf_copy_all_from_user(struct hf_user_copy *copies, size_t n);
/** hf_copy_to_user() - Return: 0 or -EFAULT. */
int hf_copy_to_user(void *user, const void *from, size_t size);

#endif
