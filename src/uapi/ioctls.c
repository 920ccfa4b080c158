/* SPDX-License-Identifier: MIT */
/*
 * The data half of the tables of ioctls, which shim and server share. The
 * handlers are in dispatch.c.
 */
#include "uapi/ioctls.h"

#define ROW_(cmd_, rights_, name_, out_, ...)                                  \
	{                                                                      \
		.cmd = cmd_,                                                   \
		.rights = rights_,                                             \
		.name = name_,                                                 \
		.fd_out = out_,                                                \
		.arrays = { __VA_ARGS__ },                                     \
	}

#define ROW_FD(cmd, rights, handler, out, ...)                                 \
	[_IOC_NR(DRM_IOCTL_##cmd)] =                                           \
		ROW_(DRM_IOCTL_##cmd, rights, #cmd, out, __VA_ARGS__),
#define ROW(cmd, rights, handler, ...)                                         \
	ROW_FD(cmd, rights, handler, 0, __VA_ARGS__)

const struct hf_ioctl_desc hf_ioctl_descs[256] = { HF_IOCTLS(ROW, ROW_FD) };

#define FD_ROW_FD(cmd, rights, handler, out, ...)                              \
	ROW_(cmd, rights, #cmd, out, __VA_ARGS__),
#define FD_ROW(cmd, rights, handler, ...)                                      \
	FD_ROW_FD(cmd, rights, handler, 0, __VA_ARGS__)

const struct hf_ioctl_desc hf_fd_ioctl_descs[] = {
	HF_FD_IOCTLS(FD_ROW, FD_ROW_FD)
};
