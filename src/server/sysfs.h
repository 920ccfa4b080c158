/* SPDX-License-Identifier: MIT */
/*
 * The paths of a server's devices, as a kernel driver's would be laid out in
 * /dev, /sys and udev's database.
 */
#ifndef HF_SERVER_SYSFS_H
#define HF_SERVER_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hf_seat;

/**
 * struct hf_sysfs_connector - what sysfs says of a connector
 * @name: without the card's, such as "HDMI-A-1"
 * @id: the KMS object's
 * @status: "connected", "disconnected" or "unknown"
 * @enabled: does a CRTC drive it?
 * @dpms: "On", "Standby", "Suspend" or "Off"; NULL says "On" or "Off" by
 *        @enabled
 * @edid: NULL where there is none
 * @edid_size: bytes
 * @modes: names, such as "1920x1080"
 * @n_modes: how many
 */
struct hf_sysfs_connector {
	const char *name;
	uint32_t id;
	const char *status;
	bool enabled;
	const char *dpms;
	const void *edid;
	size_t edid_size;
	const char *const *modes;
	size_t n_modes;
};

/**
 * struct hf_sysfs_device - what sysfs says of a device
 * @name: the platform device's, such as "holdfast.0"
 * @primary: minor number of the primary node, or -1
 * @render: minor number of the render node, or -1
 * @uid: owner of the nodes in /dev
 * @gid: owner of the nodes in /dev
 * @connectors: of the primary node
 * @n_connectors: how many
 * @n_crtcs: how many CRTCs it has
 * @crcs: there are CRCs of what they show
 */
struct hf_sysfs_device {
	const char *name;
	int primary;
	int render;
	uid_t uid;
	gid_t gid;
	const struct hf_sysfs_connector *connectors;
	size_t n_connectors;
	unsigned int n_crtcs;
	bool crcs;
};

/**
 * hf_sysfs_build() - Lay out the paths of some devices.
 * @devices: each with a name and minor numbers of its own
 * @n: how many
 * @seat: whose devices are there, too; NULL: there is none
 * @logind: the files of sessions are there, too
 *
 * Return: a sealed memfd in the format of uapi/tree.h, close-on-exec, or a
 * negative errno: %EINVAL for two nodes of the same path, %ENAMETOOLONG,
 * %ENOMEM, %EMFILE.
 */
int hf_sysfs_build(const struct hf_sysfs_device *devices, size_t n,
		   const struct hf_seat *seat, bool logind);

#endif
