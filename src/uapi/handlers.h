/* SPDX-License-Identifier: MIT */
/*
 * The handlers of the table of ioctls. Each gets the call and its argument,
 * in memory of the server's own, and returns 0, a negative errno or
 * HF_CALL_PARKED. The device's lock is held. Those of ioctls on other
 * descriptors have no file and no device; the descriptor is call->fds_in[0].
 */
#ifndef HF_UAPI_HANDLERS_H
#define HF_UAPI_HANDLERS_H

#include "uapi/call.h"

typedef int (*hf_ioctl_handler)(struct hf_call *call, void *arg);

#define HF_DECLARE(cmd, rights, handler, ...) \
	int handler(struct hf_call *call, void *arg);
#pragma GCC diagnostic push
/* Several rows share hf_ioctl_invalid and hf_ioctl_noop. */
#pragma GCC diagnostic ignored "-Wredundant-decls"
HF_IOCTLS(HF_DECLARE, HF_DECLARE)
HF_FD_IOCTLS(HF_DECLARE, HF_DECLARE)
#pragma GCC diagnostic pop

#endif
