/* SPDX-License-Identifier: MIT */
/*
 * What the ioctls of character devices carry. See the header. No state, no locks.
 */
#include <linux/input.h>
#include <stddef.h>

#include "uapi/device_ioctls.h"

/* Bits of keys, of which there are the most, and some more. */
#define MASK_MAX 256

static struct hf_device_ioctl input_ioctl(uint32_t cmd)
{
	struct hf_device_ioctl desc = { 0 };

	switch (cmd) {
	case EVIOCGRAB:
	case EVIOCREVOKE:
	case EVIOCRMFF:
		return (struct hf_device_ioctl){ .value = true };
	case EVIOCGMASK:
	case EVIOCSMASK:
		return (struct hf_device_ioctl){
			.in = sizeof(struct input_mask),
			.nested = MASK_MAX,
			.nested_out = cmd == EVIOCGMASK,
			.nested_ptr = offsetof(struct input_mask, codes_ptr),
			.nested_len = offsetof(struct input_mask, codes_size),
		};
	case EVIOCGKEYCODE:
	case EVIOCGKEYCODE_V2:
		desc.in = _IOC_SIZE(cmd); /* which one is asked for */
		break;
	default:
		break;
	}
	/* What slots hold: which value is asked for comes first. */
	if (_IOC_NR(cmd) == _IOC_NR(EVIOCGMTSLOTS(0)) && _IOC_SIZE(cmd) >= 4)
		desc.in = sizeof(uint32_t);
	if (_IOC_DIR(cmd) & _IOC_WRITE)
		desc.in = _IOC_SIZE(cmd);
	if (_IOC_DIR(cmd) & _IOC_READ)
		desc.out = _IOC_SIZE(cmd);
	return desc;
}

struct hf_device_ioctl hf_device_ioctl_desc(uint32_t cmd)
{
	if (_IOC_TYPE(cmd) == 'E')
		return input_ioctl(cmd);
	return (struct hf_device_ioctl){ 0 };
}
