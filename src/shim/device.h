/* SPDX-License-Identifier: MIT */
/*
 * Character devices that are not DRM's: opening them, their ioctls, and what reading
 * and writing an input device does that a socket would not.
 *
 * An input device's file is one end of a stream, so the kernel does most by itself,
 * even for programs without the shim: poll, blocking, whole events.
 */
#ifndef HF_SHIM_DEVICE_H
#define HF_SHIM_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/**
 * hf_device_open() - Open a node.
 * @path: as the tree has it
 * @flags: as open(2) was given them
 *
 * Return: a descriptor or a negative errno.
 */
int hf_device_open(const char *path, int flags);

/**
 * hf_device_set_owner() - chown(2) and chmod(2) of a node.
 * @uid: UINT32_MAX: as before; likewise @gid, @mode
 *
 * Return: 0 or a negative errno: -EPERM where it has to stay as it is.
 */
int hf_device_set_owner(const char *path, uint32_t uid, uint32_t gid,
			uint32_t mode);

/**
 * hf_input_fd() - A reader of an input device?
 * @n: set to its number, as in eventN; may be NULL
 *
 * Asks the kernel, so it holds for descriptors that were inherited, duplicated or
 * received, and of devices that are gone. Keeps errno.
 */
bool hf_input_fd(int fd, unsigned int *n);

/**
 * hf_device_ioctl() - Run an ioctl, if the descriptor is such a device.
 * @ret: set to what ioctl(2) returns, or a negative errno
 *
 * Return: false where it is none: nothing was done.
 */
bool hf_device_ioctl(int fd, uint32_t cmd, void *arg, int *ret);

/** hf_device_known() - Is the number known to be one? Costs a load. */
bool hf_device_known(int fd);
/** hf_device_copied() - A number was duplicated. */
void hf_device_copied(int from, int to);

/* Of descriptors that are known. As read(2) and write(2). */
ssize_t hf_device_read(int fd, void *buf, size_t count);
ssize_t hf_device_write(int fd, const void *buf, size_t count);
/** hf_device_ended() - A read returned nothing: was that a device, which is gone? */
bool hf_device_ended(int fd);

#endif
