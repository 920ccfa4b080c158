/* SPDX-License-Identifier: MIT */
/*
 * The data half of the table of ioctls, which shim and server share. The
 * handlers are in dispatch.c.
 */
#include "uapi/ioctls.h"

#define ROW_FD(cmd_, rights_, handler, out, ...)                               \
	[_IOC_NR(DRM_IOCTL_##cmd_)] = {                                        \
		.cmd = DRM_IOCTL_##cmd_,                                       \
		.rights = rights_,                                             \
		.name = #cmd_,                                                 \
		.fd_out = out,                                                 \
		.arrays = { __VA_ARGS__ },                                     \
	},
#define ROW(cmd_, rights_, handler, ...)                                       \
	ROW_FD(cmd_, rights_, handler, 0, __VA_ARGS__)

const struct hf_ioctl_desc hf_ioctl_descs[256] = { HF_IOCTLS(ROW, ROW_FD) };
