/* SPDX-License-Identifier: MIT */
/*
 * Uevents: what the kernel and the udev daemon would say of what happens to the
 * devices, to those who listen for it.
 */
#ifndef HF_SERVER_UEVENT_H
#define HF_SERVER_UEVENT_H

#include <stddef.h>
#include <stdint.h>
#include <wayland-util.h>

struct hf_device;
struct hf_server;
struct hf_tree;

/* What waits for the tree of paths to be up to date; the lock protects it. */
struct hf_uevents {
	struct wl_list pending;
	uint64_t seqnum; /* of the last */
};

/** hf_uevents_init() - From here on what devices say is kept to be sent. */
void hf_uevents_init(struct hf_server *server);
/** hf_uevents_follow() - Listen to this device's display. */
void hf_uevents_follow(struct hf_device *dev);
/** hf_uevents_finish() - Forget what was not sent. */
void hf_uevents_finish(struct hf_server *server);

/**
 * hf_uevent_device() - A device comes, or goes, with all that it has.
 * @action: "add", "remove", "change" or another one of the kernel's
 *
 * One uevent each for the device, its nodes and its connectors, in the kernel's
 * order; for "change" one, of the primary node. The lock is held. Before a
 * "remove" the device must be in the tree of paths still. Sent when the tree
 * was updated next, which this asks for.
 */
void hf_uevent_device(struct hf_server *server, const struct hf_device *dev,
		      const char *action);

/**
 * hf_uevent_below() - The same for any directory of the tree, and all below it.
 */
void hf_uevent_below(struct hf_server *server, const char *dir,
		     const char *action);

/**
 * hf_uevent_synthesize() - Somebody wrote to the file `uevent` in a directory.
 * @dir: a device's or a driver's
 * @text: "change", or "change UUID KEY=VALUE ..."
 *
 * Return: 0, -EINVAL for anything else, -ENOMEM for too much.
 */
int hf_uevent_synthesize(struct hf_server *server, const char *dir,
			 const char *text);

/**
 * hf_uevents_flush() - The tree is up to date: send what has happened. The lock is
 * held.
 */
void hf_uevents_flush(struct hf_server *server);

/* How large a message may get, bytes. */
#define HF_UEVENT_MAX 8192

/**
 * struct hf_uevent - What a message is made of.
 * @dir: path of the device's directory in sysfs
 * @action: such as "change"
 * @extra: what the driver adds: strings, an empty one at the end
 * @seqnum: its number
 */
struct hf_uevent {
	const char *dir;
	const char *action;
	const char *extra;
	uint64_t seqnum;
};

/**
 * hf_uevent_kernel() - The message that the kernel broadcasts.
 * @tree: where the device is described
 *
 * Return: bytes in @message, or -ENOENT where the tree has no such device, -E2BIG.
 */
int hf_uevent_kernel(const struct hf_tree *tree, const struct hf_uevent *event,
		     char message[HF_UEVENT_MAX]);
/** hf_uevent_udev() - The one that the udev daemon makes of it, with its header. */
int hf_uevent_udev(const struct hf_tree *tree, const struct hf_uevent *event,
		   char message[HF_UEVENT_MAX]);

#endif
