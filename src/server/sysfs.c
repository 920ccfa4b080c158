/* SPDX-License-Identifier: MIT */
/*
 * Builds the tree of paths that a server shows, laid out as the kernel lays
 * out a platform device with a DRM driver and as udev records it.
 *
 * A builder collects nodes and their strings in two growing arrays; it keeps
 * the first error, so that the code that describes the layout is free of
 * checks. At the end the nodes are sorted and everything goes to a memfd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/sysfs.h"
#include "uapi/tree.h"

#define DRM_MAJOR 226
#define ATTRIBUTE_SIZE 4096

/* What sysfs shows for each kind of attribute. */
#define RO (S_IFREG | 0444)
#define RW (S_IFREG | 0644)
#define WO (S_IFREG | 0200)

struct builder {
	struct hf_tree_node *nodes;
	size_t n_nodes, max_nodes;
	char *pool;
	size_t pool_size, max_pool;
	int error;
};

/* A path under construction. */
struct path {
	char s[HF_TREE_PATH_MAX + 1];
};

/* Append to the pool and close with a NUL; the offset within the pool. */
static uint32_t add_bytes(struct builder *b, const void *bytes, size_t size)
{
	size_t offset = b->pool_size;
	size_t need = offset + size + 1;

	if (b->error)
		return 0;
	if (size >= UINT32_MAX / 2 || need >= UINT32_MAX / 2) {
		b->error = -E2BIG;
		return 0;
	}
	if (need > b->max_pool) {
		size_t max = need * 2;
		char *pool = realloc(b->pool, max);

		if (!pool) {
			b->error = -ENOMEM;
			return 0;
		}
		b->pool = pool;
		b->max_pool = max;
	}
	if (size)
		memcpy(b->pool + offset, bytes, size);
	b->pool[offset + size] = '\0';
	b->pool_size = need;
	return (uint32_t)offset;
}

/* A blank node for the caller to fill; one that nobody reads after an error. */
static struct hf_tree_node *add_node(struct builder *b, const char *path,
				     uint32_t mode)
{
	static _Thread_local struct hf_tree_node nowhere;
	struct hf_tree_node *node;

	if (!b->error && b->n_nodes == b->max_nodes) {
		size_t max = b->max_nodes ? b->max_nodes * 2 : 64;
		struct hf_tree_node *nodes =
			reallocarray(b->nodes, max, sizeof(*nodes));

		if (nodes) {
			b->nodes = nodes;
			b->max_nodes = max;
		} else {
			b->error = -ENOMEM;
		}
	}
	if (b->error)
		return &nowhere;

	node = &b->nodes[b->n_nodes++];
	*node = (struct hf_tree_node){ .mode = mode };
	node->path = add_bytes(b, path, strlen(path));
	return node;
}

static struct path join(struct builder *b, const char *format, ...)
{
	struct path p;
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(p.s, sizeof(p.s), format, ap) >= (int)sizeof(p.s) &&
	    !b->error)
		b->error = -ENAMETOOLONG;
	va_end(ap);
	return p;
}

static void add_dir(struct builder *b, const char *path)
{
	add_node(b, path, S_IFDIR | 0755);
}

static void add_overlay(struct builder *b, const char *path)
{
	add_node(b, path, S_IFDIR | 0755)->flags = HF_TREE_OVERLAY;
}

static void add_data(struct builder *b, const char *path, uint32_t mode,
		     uint32_t reported, const void *data, size_t size)
{
	uint32_t offset = add_bytes(b, data, size);
	struct hf_tree_node *node = add_node(b, path, mode);

	node->data = offset;
	node->data_size = (uint32_t)size;
	node->size = reported;
}

/* An attribute "dir/name" with formatted content. */
__attribute__((format(printf, 5, 6)))
static void add_attr(struct builder *b, const char *dir, const char *name,
		     uint32_t mode, const char *format, ...)
{
	struct path path = join(b, "%s/%s", dir, name);
	char *text;
	va_list ap;
	int length;

	va_start(ap, format);
	length = vasprintf(&text, format, ap);
	va_end(ap);
	if (length < 0) {
		b->error = b->error ? b->error : -ENOMEM;
		return;
	}
	add_data(b, path.s, mode, ATTRIBUTE_SIZE, text, (size_t)length);
	free(text);
}

/*
 * An attribute that can be written to: the server's user may, as root may with a
 * kernel's.
 */
__attribute__((format(printf, 5, 6)))
static void add_store(struct builder *b, const struct hf_sysfs_device *device,
		      const char *dir, const char *name, const char *format, ...)
{
	struct path path = join(b, "%s/%s", dir, name);
	struct hf_tree_node *node = add_node(b, path.s, RW);
	char text[ATTRIBUTE_SIZE];
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (length >= (int)sizeof(text) && !b->error)
		b->error = -E2BIG;
	node->uid = device->uid;
	node->gid = device->gid;
	node->size = ATTRIBUTE_SIZE;
	node->data_size = (uint32_t)length;
	node->data = add_bytes(b, text, b->error ? 0 : (size_t)length);
}

/* A link "dir/name"; sysfs reports links as empty, /dev by their length. */
__attribute__((format(printf, 4, 5)))
static void add_link(struct builder *b, const char *dir, const char *name,
		     const char *format, ...)
{
	struct path path = join(b, "%s/%s", dir, name);
	char target[HF_TREE_PATH_MAX];
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(target, sizeof(target), format, ap);
	va_end(ap);
	if (length >= (int)sizeof(target)) {
		b->error = b->error ? b->error : -ENAMETOOLONG;
		return;
	}
	add_data(b, path.s, S_IFLNK | 0777,
		 strncmp(dir, "/sys", 4) == 0 ? 0 : (uint32_t)length, target,
		 (size_t)length);
}

static void add_power(struct builder *b, const char *device)
{
	struct path dir = join(b, "%s/power", device);

	add_dir(b, dir.s);
	add_attr(b, dir.s, "control", RW, "auto\n");
	add_attr(b, dir.s, "runtime_active_time", RO, "0\n");
	add_attr(b, dir.s, "runtime_status", RO, "unsupported\n");
	add_attr(b, dir.s, "runtime_suspended_time", RO, "0\n");
}

/*
 * The record that udev keeps of a device, by its id: programs that ask for
 * initialised devices only, or for those with a tag, look here. Its rules take a
 * card's connectors for cards, too.
 */
static void add_udev(struct builder *b, const struct hf_sysfs_device *device,
		     const char *id, const char *symlink, bool master)
{
	struct path tag = join(b, "platform-%s", device->name);
	char *dot;

	while ((dot = strchr(tag.s, '.')))
		*dot = '_';
	add_attr(b, "/run/udev/data", id, RW,
		 "%s%s%sI:1\nE:ID_PATH=platform-%s\nE:ID_PATH_TAG=%s\n"
		 "E:ID_FOR_SEAT=drm-%s\n%s"
		 "G:seat\nG:uaccess\nQ:seat\nQ:uaccess\nV:1\n",
		 symlink ? "S:dri/by-path/" : "", symlink ? symlink : "",
		 symlink ? "\n" : "", device->name, tag.s, tag.s,
		 master ? "G:master-of-seat\nQ:master-of-seat\n" : "");
	add_attr(b, "/run/udev/tags/seat", id, RW, "%s", "");
	add_attr(b, "/run/udev/tags/uaccess", id, RW, "%s", "");
	if (master)
		add_attr(b, "/run/udev/tags/master-of-seat", id, RW, "%s", "");
}

static void add_edid(struct builder *b, const char *dir,
		     const struct hf_sysfs_connector *connector)
{
	struct path path = join(b, "%s/edid", dir);

	add_data(b, path.s, RO, 0, connector->edid, connector->edid_size);
}

/* Modes are listed by name, each once a time that it occurs. */
static void add_modes(struct builder *b, const char *dir,
		      const struct hf_sysfs_connector *connector)
{
	struct path path = join(b, "%s/modes", dir);
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
	add_data(b, path.s, RO, ATTRIBUTE_SIZE, text, size);
	free(text);
}

static void add_connector(struct builder *b,
			  const struct hf_sysfs_device *device,
			  const char *card_dir,
			  const struct hf_sysfs_connector *connector)
{
	struct path name = join(b, "card%d-%s", device->primary,
				connector->name);
	struct path dir = join(b, "%s/%s", card_dir, name.s);
	struct path id = join(b, "+drm:%s", name.s);
	const char *dpms = connector->dpms;

	if (!dpms)
		dpms = connector->enabled ? "On" : "Off";

	add_dir(b, dir.s);
	add_attr(b, dir.s, "connector_id", RO, "%u\n", connector->id);
	add_link(b, dir.s, "device", "../../card%d", device->primary);
	add_attr(b, dir.s, "dpms", RO, "%s\n", dpms);
	add_edid(b, dir.s, connector);
	add_attr(b, dir.s, "enabled", RO,
		 connector->enabled ? "enabled\n" : "disabled\n");
	add_modes(b, dir.s, connector);
	add_power(b, dir.s);
	add_store(b, device, dir.s, "status", "%s\n", connector->status);
	add_link(b, dir.s, "subsystem", "../../../../../../class/drm");
	add_store(b, device, dir.s, "uevent", "DEVTYPE=drm_connector\n");
	add_udev(b, device, id.s, NULL, true);

	add_link(b, "/sys/class/drm", name.s,
		 "../../devices/platform/%s/drm/card%d/%s", device->name,
		 device->primary, name.s);
}

/* A minor's node in /dev, its directory in /sys and the links to both. */
static void add_minor(struct builder *b, const struct hf_sysfs_device *device,
		      int minor, const char *prefix, const char *kind,
		      uint32_t mode, bool dev_char)
{
	struct path name = join(b, "%s%d", prefix, minor);
	struct path node = join(b, "/dev/dri/%s", name.s);
	struct path link = join(b, "platform-%s-%s", device->name, kind);
	struct path dir = join(b, "/sys/devices/platform/%s/drm/%s",
			       device->name, name.s);
	struct path number = join(b, "%d:%d", DRM_MAJOR, minor);
	struct path id = join(b, "c%s", number.s);
	struct hf_tree_node *chr = add_node(b, node.s, S_IFCHR | mode);

	chr->major = DRM_MAJOR;
	chr->minor = (uint32_t)minor;
	chr->uid = device->uid;
	chr->gid = device->gid;
	add_link(b, "/dev/dri/by-path", link.s, "../%s", name.s);
	if (dev_char)
		add_link(b, "/dev/char", number.s, "../dri/%s", name.s);

	add_dir(b, dir.s);
	add_attr(b, dir.s, "dev", RO, "%s\n", number.s);
	add_link(b, dir.s, "device", "../../../%s", device->name);
	add_power(b, dir.s);
	add_link(b, dir.s, "subsystem", "../../../../../class/drm");
	add_store(b, device, dir.s, "uevent",
		  "MAJOR=%d\nMINOR=%d\nDEVNAME=dri/%s\nDEVTYPE=drm_minor\n",
		  DRM_MAJOR, minor, name.s);

	add_link(b, "/sys/class/drm", name.s,
		 "../../devices/platform/%s/drm/%s", device->name, name.s);
	add_link(b, "/sys/dev/char", number.s,
		 "../../devices/platform/%s/drm/%s", device->name, name.s);
	add_udev(b, device, id.s, link.s, minor == device->primary);
}

/* libdrm takes two platform devices of the same driver for one, unless they
 * have different names there. */
static void add_device_uevent(struct builder *b,
			      const struct hf_sysfs_device *device,
			      const char *dir, bool first)
{
	if (first)
		add_store(b, device, dir, "uevent",
			  "DRIVER=holdfast\nMODALIAS=platform:holdfast\n");
	else
		add_store(b, device, dir, "uevent",
			  "DRIVER=holdfast\nOF_FULLNAME=/%s\n"
			  "MODALIAS=platform:holdfast\n", device->name);
}

static void add_served(struct builder *b, const struct hf_sysfs_device *device,
		       const char *dir, const char *name, uint32_t mode)
{
	struct path path = join(b, "%s/%s", dir, name);
	uint32_t offset = add_bytes(b, "", 0);
	struct hf_tree_node *node = add_node(b, path.s, mode);

	node->data = offset;
	node->flags = HF_TREE_SERVED;
	node->uid = device->uid;
	node->gid = device->gid;
}

/*
 * What debugfs has of a minor. On a real machine only root gets there; here it is
 * whoever runs the server, too, which the server sees to.
 */
static void add_debugfs(struct builder *b, const struct hf_sysfs_device *device,
			int minor)
{
	struct path dir = join(b, HF_DEBUGFS_DIR "/%d", minor);

	add_dir(b, dir.s);
	add_served(b, device, dir.s, "clients", RO);
	add_served(b, device, dir.s, "gem_names", RO);
	add_served(b, device, dir.s, "name", RO);
	if (!device->n_crtcs)
		return;
	add_served(b, device, dir.s, "framebuffer", RO);
	add_served(b, device, dir.s, "state", RO);
	for (unsigned int i = 0; minor == device->primary && i < device->n_crtcs;
	     i++) {
		struct path crtc = join(b, "%s/crtc-%u", dir.s, i);
		struct path crc = join(b, "%s/crc", crtc.s);

		add_dir(b, crtc.s);
		if (!device->crcs)
			continue;
		add_dir(b, crc.s);
		add_served(b, device, crc.s, "control", RW);
		add_served(b, device, crc.s, "data", RO);
	}
}

static void add_device(struct builder *b, const struct hf_sysfs_device *device,
		       bool first, bool dev_char)
{
	struct path dir = join(b, "/sys/devices/platform/%s", device->name);
	struct path drm = join(b, "%s/drm", dir.s);
	struct path card = join(b, "%s/card%d", drm.s, device->primary);

	add_dir(b, dir.s);
	add_link(b, dir.s, "driver", "../../../bus/platform/drivers/holdfast");
	add_attr(b, dir.s, "driver_override", RW, "(null)\n");
	add_dir(b, drm.s);
	add_attr(b, dir.s, "modalias", RO, "platform:holdfast\n");
	add_power(b, dir.s);
	add_link(b, dir.s, "subsystem", "../../../bus/platform");
	add_device_uevent(b, device, dir.s, first);

	add_link(b, "/sys/bus/platform/devices", device->name,
		 "../../../devices/platform/%s", device->name);
	add_link(b, "/sys/bus/platform/drivers/holdfast", device->name,
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
static void add_surroundings(struct builder *b, bool dev_char)
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
		add_overlay(b, overlays[i]);
	if (dev_char)
		add_overlay(b, "/dev/char");

	/* libudev looks whether a udev daemon is there to send anything. */
	add_node(b, "/run/udev/control", S_IFSOCK | 0600);
	add_attr(b, "/sys/class/drm", "version", RO, "drm 1.1.0 20060810\n");
	add_dir(b, driver);
	add_attr(b, driver, "bind", WO, "%s", "");
	add_attr(b, driver, "uevent", WO, "%s", "");
	add_attr(b, driver, "unbind", WO, "%s", "");
}

static int by_path(const void *a, const void *b, void *pool)
{
	const struct hf_tree_node *x = a, *y = b;

	return strcmp((char *)pool + x->path, (char *)pool + y->path);
}

/* Sort the nodes and turn offsets in the pool into offsets in the blob. */
static void finish_nodes(struct builder *b)
{
	uint32_t pool = (uint32_t)(sizeof(struct hf_tree) +
				   b->n_nodes * sizeof(*b->nodes));

	qsort_r(b->nodes, b->n_nodes, sizeof(*b->nodes), by_path, b->pool);
	for (size_t i = 1; i < b->n_nodes; i++)
		if (by_path(&b->nodes[i - 1], &b->nodes[i], b->pool) == 0)
			b->error = -EINVAL;

	for (size_t i = 0; i < b->n_nodes; i++) {
		b->nodes[i].path += pool;
		b->nodes[i].data += pool;
	}
}

static int write_all(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size > 0) {
		ssize_t n = write(fd, next, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		next += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Put the blob into a memfd and seal that. */
static int publish(const struct builder *b)
{
	struct hf_tree header = {
		.magic = HF_TREE_MAGIC,
		.version = HF_TREE_VERSION,
		.n_nodes = (uint32_t)b->n_nodes,
		.time = time(NULL),
	};
	size_t nodes_size = b->n_nodes * sizeof(*b->nodes);
	int fd, ret;

	header.size = sizeof(header) + nodes_size + b->pool_size;
	fd = memfd_create("holdfast-tree", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;

	ret = write_all(fd, &header, sizeof(header));
	if (ret == 0)
		ret = write_all(fd, b->nodes, nodes_size);
	if (ret == 0)
		ret = write_all(fd, b->pool, b->pool_size);
	if (ret == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
			      F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		ret = -errno;
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}

int hf_sysfs_build(const struct hf_sysfs_device *devices, size_t n)
{
	bool dev_char = access("/dev/char", F_OK) == 0;
	struct builder b = { 0 };
	int ret;

	add_surroundings(&b, dev_char);
	for (size_t i = 0; i < n; i++)
		add_device(&b, &devices[i], i == 0, dev_char);
	if (!b.error)
		finish_nodes(&b);

	ret = b.error ? b.error : publish(&b);
	free(b.nodes);
	free(b.pool);
	return ret;
}
