/* SPDX-License-Identifier: MIT */
/*
 * Builds the tree of paths that a server shows, laid out as the kernel lays
 * out a platform device with a DRM driver and as udev records it.
 *
 * No state: what it makes is in the builder (server/build.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seat/seat.h"
#include "server/build.h"
#include "server/sysfs.h"
#include "server/sysfs_input.h"
#include "server/sysfs_session.h"
#include "server/sysfs_tty.h"
#include "uapi/tree.h"

#define DRM_MAJOR HF_DRM_MAJOR
static void add_power(struct hf_builder *b, const char *device)
{
	struct hf_build_path dir = hf_build_path(b, "%s/power", device);

	hf_build_dir(b, dir.s);
	hf_build_attr(b, dir.s, "control", HF_BUILD_RW, "auto\n");
	hf_build_attr(b, dir.s, "runtime_active_time", HF_BUILD_RO, "0\n");
	hf_build_attr(b, dir.s, "runtime_status", HF_BUILD_RO, "unsupported\n");
	hf_build_attr(b, dir.s, "runtime_suspended_time", HF_BUILD_RO, "0\n");
}

/*
 * The record that udev keeps of a device, by its id: programs that ask for
 * initialised devices only, or for those with a tag, look here. Its rules take a
 * card's connectors for cards, too.
 */
static void add_udev(struct hf_builder *b, const struct hf_sysfs_device *device,
		     const char *id, const char *symlink, bool master)
{
	struct hf_build_path tag = hf_build_path(b, "platform-%s", device->name);
	char *dot;

	while ((dot = strchr(tag.s, '.')))
		*dot = '_';
	hf_build_attr(b, "/run/udev/data", id, HF_BUILD_RW,
		 "%s%s%sI:1\nE:ID_PATH=platform-%s\nE:ID_PATH_TAG=%s\n"
		 "E:ID_FOR_SEAT=drm-%s\n%s"
		 "G:seat\nG:uaccess\nQ:seat\nQ:uaccess\nV:1\n",
		 symlink ? "S:dri/by-path/" : "", symlink ? symlink : "",
		 symlink ? "\n" : "", device->name, tag.s, tag.s,
		 master ? "G:master-of-seat\nQ:master-of-seat\n" : "");
	hf_build_attr(b, "/run/udev/tags/seat", id, HF_BUILD_RW, "%s", "");
	hf_build_attr(b, "/run/udev/tags/uaccess", id, HF_BUILD_RW, "%s", "");
	if (master)
		hf_build_attr(b, "/run/udev/tags/master-of-seat", id, HF_BUILD_RW, "%s", "");
}

static void add_edid(struct hf_builder *b, const char *dir,
		     const struct hf_sysfs_connector *connector)
{
	struct hf_build_path path = hf_build_path(b, "%s/edid", dir);

	hf_build_data(b, path.s, HF_BUILD_RO, 0, connector->edid, connector->edid_size);
}

/* Modes are listed by name, each once a time that it occurs. */
static void add_modes(struct hf_builder *b, const char *dir,
		      const struct hf_sysfs_connector *connector)
{
	struct hf_build_path path = hf_build_path(b, "%s/modes", dir);
	size_t size = 0;
	FILE *f;
	char *text;

	f = open_memstream(&text, &size);
	if (!f) {
		b->error = b->error ? b->error : -ENOMEM;
		return;
	}
	for (size_t i = 0; i < connector->n_modes; i++)
		fprintf(f, "%s\n", connector->modes[i]);
	if (fclose(f) != 0) {
		b->error = b->error ? b->error : -ENOMEM;
		return;
	}
	hf_build_data(b, path.s, HF_BUILD_RO, HF_BUILD_SIZE, text, size);
	free(text);
}

static void add_connector(struct hf_builder *b,
			  const struct hf_sysfs_device *device,
			  const char *card_dir,
			  const struct hf_sysfs_connector *connector)
{
	struct hf_build_path name = hf_build_path(b, "card%d-%s", device->primary,
				connector->name);
	struct hf_build_path dir = hf_build_path(b, "%s/%s", card_dir, name.s);
	struct hf_build_path id = hf_build_path(b, "+drm:%s", name.s);
	const char *dpms = connector->dpms;

	if (!dpms)
		dpms = connector->enabled ? "On" : "Off";

	hf_build_dir(b, dir.s);
	hf_build_attr(b, dir.s, "connector_id", HF_BUILD_RO, "%u\n", connector->id);
	hf_build_link(b, dir.s, "device", "../../card%d", device->primary);
	hf_build_attr(b, dir.s, "dpms", HF_BUILD_RO, "%s\n", dpms);
	add_edid(b, dir.s, connector);
	hf_build_attr(b, dir.s, "enabled", HF_BUILD_RO,
		 connector->enabled ? "enabled\n" : "disabled\n");
	add_modes(b, dir.s, connector);
	add_power(b, dir.s);
	hf_build_store(b, dir.s, "status", "%s\n", connector->status);
	hf_build_link(b, dir.s, "subsystem", "../../../../../../class/drm");
	hf_build_store(b, dir.s, "uevent", "DEVTYPE=drm_connector\n");
	add_udev(b, device, id.s, NULL, true);

	hf_build_link(b, "/sys/class/drm", name.s,
		 "../../devices/platform/%s/drm/card%d/%s", device->name,
		 device->primary, name.s);
}

/* A minor's node in /dev, its directory in /sys and the links to both. */
static void add_minor(struct hf_builder *b, const struct hf_sysfs_device *device,
		      int minor, const char *prefix, const char *kind,
		      uint32_t mode, bool dev_char)
{
	struct hf_build_path name = hf_build_path(b, "%s%d", prefix, minor);
	struct hf_build_path node = hf_build_path(b, "/dev/dri/%s", name.s);
	struct hf_build_path link = hf_build_path(b, "platform-%s-%s", device->name, kind);
	struct hf_build_path dir = hf_build_path(b, "/sys/devices/platform/%s/drm/%s",
			       device->name, name.s);
	struct hf_build_path number = hf_build_path(b, "%d:%d", DRM_MAJOR, minor);
	struct hf_build_path id = hf_build_path(b, "c%s", number.s);
	struct hf_tree_node *chr = hf_build_node(b, node.s, S_IFCHR | mode);

	chr->major = DRM_MAJOR;
	chr->minor = (uint32_t)minor;
	chr->uid = device->uid;
	chr->gid = device->gid;
	hf_build_link(b, "/dev/dri/by-path", link.s, "../%s", name.s);
	if (dev_char)
		hf_build_link(b, "/dev/char", number.s, "../dri/%s", name.s);

	hf_build_dir(b, dir.s);
	hf_build_attr(b, dir.s, "dev", HF_BUILD_RO, "%s\n", number.s);
	hf_build_link(b, dir.s, "device", "../../../%s", device->name);
	add_power(b, dir.s);
	hf_build_link(b, dir.s, "subsystem", "../../../../../class/drm");
	hf_build_store(b, dir.s, "uevent",
		  "MAJOR=%d\nMINOR=%d\nDEVNAME=dri/%s\nDEVTYPE=drm_minor\n",
		  DRM_MAJOR, minor, name.s);

	hf_build_link(b, "/sys/class/drm", name.s,
		 "../../devices/platform/%s/drm/%s", device->name, name.s);
	hf_build_link(b, "/sys/dev/char", number.s,
		 "../../devices/platform/%s/drm/%s", device->name, name.s);
	add_udev(b, device, id.s, link.s, minor == device->primary);
}

/* libdrm takes two platform devices of the same driver for one, unless they
 * have different names there. */
static void add_device_uevent(struct hf_builder *b,
			      const struct hf_sysfs_device *device,
			      const char *dir, bool first)
{
	if (first)
		hf_build_store(b, dir, "uevent",
			  "DRIVER=holdfast\nMODALIAS=platform:holdfast\n");
	else
		hf_build_store(b, dir, "uevent",
			  "DRIVER=holdfast\nOF_FULLNAME=/%s\n"
			  "MODALIAS=platform:holdfast\n", device->name);
}

static void add_served(struct hf_builder *b, const struct hf_sysfs_device *device,
		       const char *dir, const char *name, uint32_t mode)
{
	struct hf_build_path path = hf_build_path(b, "%s/%s", dir, name);
	uint32_t offset = hf_build_bytes(b, "", 0);
	struct hf_tree_node *node = hf_build_node(b, path.s, mode);

	node->data = offset;
	node->flags = HF_TREE_SERVED;
	node->uid = device->uid;
	node->gid = device->gid;
}

/*
 * What debugfs has of a minor. On a real machine only root gets there; here it is
 * whoever runs the server, too, which the server sees to.
 */
static void add_debugfs(struct hf_builder *b, const struct hf_sysfs_device *device,
			int minor)
{
	struct hf_build_path dir = hf_build_path(b, HF_DEBUGFS_DIR "/%d", minor);

	hf_build_dir(b, dir.s);
	add_served(b, device, dir.s, "clients", HF_BUILD_RO);
	add_served(b, device, dir.s, "gem_names", HF_BUILD_RO);
	add_served(b, device, dir.s, "name", HF_BUILD_RO);
	if (!device->n_crtcs)
		return;
	add_served(b, device, dir.s, "framebuffer", HF_BUILD_RO);
	add_served(b, device, dir.s, "state", HF_BUILD_RO);
	for (unsigned int i = 0; minor == device->primary && i < device->n_crtcs;
	     i++) {
		struct hf_build_path crtc = hf_build_path(b, "%s/crtc-%u", dir.s, i);
		struct hf_build_path crc = hf_build_path(b, "%s/crc", crtc.s);

		hf_build_dir(b, crtc.s);
		if (!device->crcs)
			continue;
		hf_build_dir(b, crc.s);
		add_served(b, device, crc.s, "control", HF_BUILD_RW);
		add_served(b, device, crc.s, "data", HF_BUILD_RO);
	}
}

static void add_device(struct hf_builder *b, const struct hf_sysfs_device *device,
		       bool first, bool dev_char)
{
	struct hf_build_path dir = hf_build_path(b, "/sys/devices/platform/%s", device->name);
	struct hf_build_path drm = hf_build_path(b, "%s/drm", dir.s);
	struct hf_build_path card = hf_build_path(b, "%s/card%d", drm.s, device->primary);

	hf_build_dir(b, dir.s);
	hf_build_link(b, dir.s, "driver", "../../../bus/platform/drivers/holdfast");
	hf_build_attr(b, dir.s, "driver_override", HF_BUILD_RW, "(null)\n");
	hf_build_dir(b, drm.s);
	hf_build_attr(b, dir.s, "modalias", HF_BUILD_RO, "platform:holdfast\n");
	add_power(b, dir.s);
	hf_build_link(b, dir.s, "subsystem", "../../../bus/platform");
	add_device_uevent(b, device, dir.s, first);

	hf_build_link(b, "/sys/bus/platform/devices", device->name,
		 "../../../devices/platform/%s", device->name);
	hf_build_link(b, "/sys/bus/platform/drivers/holdfast", device->name,
		 "../../../../devices/platform/%s", device->name);

	if (device->primary >= 0) {
		add_minor(b, device, device->primary, "card", "card", 0660,
			  dev_char);
		add_debugfs(b, device, device->primary);
	}
	if (device->render >= 0) {
		add_minor(b, device, device->render, "renderD", "render", 0666,
			  dev_char);
		add_debugfs(b, device, device->render);
	}
	for (size_t i = 0; device->primary >= 0 && i < device->n_connectors; i++)
		add_connector(b, device, card.s, &device->connectors[i]);
}

/* What is there once, however many devices there are. */
static void add_surroundings(struct hf_builder *b, bool dev_char)
{
	static const char *const overlays[] = {
		"/dev", "/dev/dri", "/dev/dri/by-path",
		"/run", "/run/udev", "/run/udev/data", "/run/udev/tags",
		"/run/udev/tags/master-of-seat", "/run/udev/tags/seat",
		"/run/udev/tags/uaccess",
		"/sys", "/sys/bus", "/sys/bus/platform",
		"/sys/bus/platform/devices", "/sys/bus/platform/drivers",
		"/sys/class", "/sys/class/drm", "/sys/dev", "/sys/dev/char",
		"/sys/devices", "/sys/devices/platform",
		"/sys/kernel", "/sys/kernel/debug", HF_DEBUGFS_DIR,
	};
	const char *driver = "/sys/bus/platform/drivers/holdfast";

	for (size_t i = 0; i < sizeof(overlays) / sizeof(overlays[0]); i++)
		hf_build_overlay(b, overlays[i]);
	if (dev_char)
		hf_build_overlay(b, "/dev/char");

	/* libudev looks whether a udev daemon is there to send anything. */
	hf_build_node(b, "/run/udev/control", S_IFSOCK | 0600);
	hf_build_attr(b, "/sys/class/drm", "version", HF_BUILD_RO, "drm 1.1.0 20060810\n");
	hf_build_dir(b, driver);
	hf_build_attr(b, driver, "bind", HF_BUILD_WO, "%s", "");
	hf_build_attr(b, driver, "uevent", HF_BUILD_WO, "%s", "");
	hf_build_attr(b, driver, "unbind", HF_BUILD_WO, "%s", "");
}

int hf_sysfs_build(const struct hf_sysfs_device *devices, size_t n,
		   const struct hf_seat *seat, bool logind)
{
	bool dev_char = access("/dev/char", F_OK) == 0;
	struct hf_builder b = { .uid = geteuid(), .gid = getegid() };

	add_surroundings(&b, dev_char);
	if (seat)
		hf_sysfs_add_input(&b, seat, dev_char);
	if (seat && logind)
		hf_sysfs_add_sessions(&b);
	if (seat)
		hf_sysfs_add_ttys(&b, seat, dev_char);
	for (size_t i = 0; i < n; i++) {
		b.uid = devices[i].uid;
		b.gid = devices[i].gid;
		add_device(&b, &devices[i], i == 0, dev_char);
	}
	return hf_build_finish(&b);
}
