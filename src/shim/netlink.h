/* SPDX-License-Identifier: MIT */
/*
 * Monitors: where uevents come from.
 */
#ifndef HF_SHIM_NETLINK_H
#define HF_SHIM_NETLINK_H

#include <sys/types.h>

/**
 * hf_monitor_received() - Look at what read(2) has returned.
 * @room: bytes in @buf
 * @n: what it returned
 *
 * Return: @n, or -1 with errno where it came from a monitor that has lost some.
 */
ssize_t hf_monitor_received(int fd, const void *buf, size_t room, ssize_t n);

#endif
