/* SPDX-License-Identifier: MIT */
/*
 * copy_from_user() and copy_to_user(): copies that fail on a bad pointer.
 */
#ifndef HF_SHIM_USERCOPY_H
#define HF_SHIM_USERCOPY_H

#include <stddef.h>

/** hf_copy_from_user() - Return: 0 or -EFAULT. */
int hf_copy_from_user(void *to, const void *user, size_t size);
/** hf_copy_to_user() - Return: 0 or -EFAULT. */
int hf_copy_to_user(void *user, const void *from, size_t size);

#endif
