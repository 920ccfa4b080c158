/* SPDX-License-Identifier: MIT */
/*
 * What the ioctls of character devices that are not DRM's carry: the one table that
 * shim and server share. Input devices say so in the request itself, by the rules
 * of their numbers; the others have a row each.
 *
 * On the wire a HF_OP_DEVICE_IOCTL has the argument's bytes in slot->arg and says in
 * arrays[0] how many there are (len, or HF_ARRAY_FAULT where they cannot be read),
 * and how many go back (used). A nested array is arrays[1], in the payload. The
 * answer may be positive: what ioctl(2) returns.
 */
#ifndef HF_UAPI_DEVICE_IOCTLS_H
#define HF_UAPI_DEVICE_IOCTLS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct hf_device_ioctl - What one carries.
 * @in: bytes that the argument points to and that are read; likewise @out, at most
 * @value: the argument is no pointer but a number, of 8 bytes then
 * @nested: bytes of a nested array at most; 0: there is none
 * @nested_out: it is written, and not read
 * @nested_ptr: where in the argument its address is, of 8 bytes
 * @nested_len: where its length in bytes is, of 4 bytes
 */
struct hf_device_ioctl {
	uint32_t in, out;
	bool value;
	uint32_t nested;
	bool nested_out;
	uint8_t nested_ptr, nested_len;
};

/**
 * hf_device_ioctl_desc() - Look one up.
 *
 * One that is not known carries nothing: it is the device that says no.
 */
struct hf_device_ioctl hf_device_ioctl_desc(uint32_t cmd);

/** hf_device_ioctl_of_vt() - Is it one that virtual terminals may know? */
bool hf_device_ioctl_of_vt(uint32_t cmd);

#endif
