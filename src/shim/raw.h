/* SPDX-License-Identifier: MIT */
/*
 * System calls by their numbers: those of syscall(2), and those that were trapped.
 */
#ifndef HF_SHIM_RAW_H
#define HF_SHIM_RAW_H

#include <stdbool.h>

/**
 * hf_raw_call() - Make a system call that the shim has a say in.
 * @number: as the kernel numbers it
 * @a: its six arguments
 * @ret: set to what the kernel would return, a negative errno on failure
 *
 * Return: false where it is none of the shim's business: nothing was done.
 */
bool hf_raw_call(long number, const long *a, long *ret);

/** hf_raw_kernel() - Ask the kernel itself. Return: as it does. */
long hf_raw_kernel(long number, const long *a);

/**
 * hf_syscall() - The C library's syscall(2), for the shim's own use.
 *
 * Ends with errno as that does. Where the shim must call the kernel past its own
 * functions.
 */
long hf_syscall(long number, ...);

#endif
