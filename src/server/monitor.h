/* SPDX-License-Identifier: MIT */
/*
 * Monitors: sockets from which programs hear of devices, in place of the kernel's
 * NETLINK_KOBJECT_UEVENT ones.
 *
 * An ordinary user cannot send to a netlink socket, not even to their own. So the
 * program's is a datagram socket that the server sends to: what is to be said of its
 * own devices, and what comes from the kernel's socket, which the server keeps. Packets
 * are as the kernel delivers them, so that filters and plain reads work.
 *
 * The device's lock protects all of it.
 */
#ifndef HF_SERVER_MONITOR_H
#define HF_SERVER_MONITOR_H

#include <stddef.h>
#include <stdint.h>
#include <wayland-util.h>

#include "uapi/wire.h"

struct hf_monitor;

/**
 * struct hf_monitors - All monitors of a server.
 * @epoll: readable when hf_monitors_dispatch() has something to do
 * @max_fds: no descriptors from here on
 */
struct hf_monitors {
	int epoll;
	int max_fds;
	char instance[32];
	uint64_t last_id;
	struct wl_list list;
};

/**
 * hf_monitors_init() - No monitors yet.
 * @instance: of the server, in the names of sockets
 *
 * Return: 0 or a negative errno of epoll_create(2).
 */
int hf_monitors_init(struct hf_monitors *monitors, const char *instance,
		     int max_fds);
/** hf_monitors_finish() - Monitors go silent. */
void hf_monitors_finish(struct hf_monitors *monitors);

/**
 * hf_monitor_open() - A new monitor, bound to no group.
 * @type: SOCK_RAW or SOCK_DGRAM, as the program wants to have it
 * @netlink: the kernel's socket, owned by the call; -1: there is none
 * @client: set to the program's end, close-on-exec
 *
 * Return: 0, -EINVAL, -ENFILE, -EMFILE, -ENOMEM.
 */
int hf_monitor_open(struct hf_monitors *monitors, int type, int netlink,
		    int *client);

/**
 * hf_monitor_of() - Whose end is this descriptor?
 *
 * Return: the monitor, or NULL.
 */
struct hf_monitor *hf_monitor_of(struct hf_monitors *monitors, int fd);

/**
 * hf_monitor_bind() - bind(2).
 * @pid: the port, or 0 for one that the kernel chooses
 * @groups: a bit each
 * @self: which it chooses if it can
 *
 * Return: 0 or the kernel's errno.
 */
int hf_monitor_bind(struct hf_monitor *monitor, uint32_t pid, uint32_t groups,
		    uint32_t self);
/** hf_monitor_name() - getsockname(2). */
void hf_monitor_name(const struct hf_monitor *monitor, uint32_t *pid,
		     uint32_t *groups);
/** hf_monitor_option() - setsockopt(2) of an int at the level SOL_NETLINK. */
int hf_monitor_option(struct hf_monitor *monitor, int option, int value);

/**
 * hf_monitors_send() - Tell all monitors of a group.
 * @group: HF_MONITOR_*
 *
 * Never waits. A monitor that is not read keeps a few thousand messages; what comes
 * then is lost until those are read, and it is told so behind them.
 */
void hf_monitors_send(struct hf_monitors *monitors, uint32_t group,
		      const void *message, size_t size);

/** hf_monitors_reap() - Forget those that programs have closed. */
void hf_monitors_reap(struct hf_monitors *monitors);

/** hf_monitors_dispatch() - Pass on what the kernel says, and what had to wait. */
void hf_monitors_dispatch(struct hf_monitors *monitors);

#endif
