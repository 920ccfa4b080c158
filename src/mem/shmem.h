/* SPDX-License-Identifier: MIT */
/*
 * Shared memory: the sealed memfds that objects live in.
 */
#ifndef HF_MEM_SHMEM_H
#define HF_MEM_SHMEM_H

#include <stddef.h>
#include <sys/types.h>

/**
 * hf_shmem_create() - Memory, zero-filled, unallocated.
 * @name: shown in /proc/PID/maps
 * @size: bytes, at least 1
 *
 * Return: a descriptor, or -ENOMEM, -EFBIG, -EMFILE, -ENFILE.
 */
int hf_shmem_create(const char *name, size_t size);

/**
 * hf_shmem_seal() - Fix the size for good: a mapping of it never faults.
 *
 * To be done before anybody else gets the descriptor.
 *
 * Return: 0 or a negative errno of fcntl(2).
 */
int hf_shmem_seal(int fd);

/**
 * hf_shmem_data() - A read-only memfd with a copy of some bytes.
 *
 * Return: a descriptor at offset 0 that nobody can write to, or a negative
 * errno as hf_shmem_create(), or -ENOSPC.
 */
int hf_shmem_data(const char *name, const void *data, size_t size);

/**
 * hf_shmem_reopen() - The same memory with an open file description of its own.
 * @flags: O_RDONLY or O_RDWR, and O_CLOEXEC
 *
 * Return: a descriptor, or the negative errno of open(2); /proc is needed.
 */
int hf_shmem_reopen(int fd, int flags);

/**
 * hf_shmem_check() - Is a descriptor from outside memory to rely on?
 * @fd: any descriptor
 * @size: set to its bytes
 *
 * Return: 0; -EINVAL where it is no memfd, may shrink, or is not a whole
 * number of pages.
 */
int hf_shmem_check(int fd, size_t *size);

#endif
