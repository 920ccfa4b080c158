/* SPDX-License-Identifier: MIT */
/*
 * From a PCI address to a container with an IOMMU. Most of what can go wrong is
 * how the machine is set up, so sysfs is looked at first, and each error is a
 * sentence that says what to do. What the kernel says after that is final.
 *
 * Nothing here is kept, and nothing is locked.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dma/vfio_internal.h"

/* The first two bytes of the class of a bridge between PCI buses. */
#define CLASS_PCI_BRIDGE 0x0604u

int hf_vfio_because(char why[HF_VFIO_WHY], int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, HF_VFIO_WHY, fmt, args);
	va_end(args);
	return -error;
}

/* -- addresses --------------------------------------------------------------- */

/* A number of at most so many digits, and nothing else that strtoul() takes. */
static bool hex(const char **text, size_t digits, unsigned long max,
		unsigned long *value)
{
	size_t n = strspn(*text, "0123456789abcdefABCDEF");

	if (!n || n > digits)
		return false;
	*value = strtoul(*text, NULL, 16);
	*text += n;
	return *value <= max;
}

static bool separator(const char **text, char c)
{
	return *(*text)++ == c;
}

/* bb:dd.f */
static bool parse_short(const char *text, unsigned long domain, char *name,
			size_t size)
{
	unsigned long bus, slot, function;

	if (!hex(&text, 2, 0xff, &bus) || !separator(&text, ':') ||
	    !hex(&text, 2, 0x1f, &slot) || !separator(&text, '.') ||
	    !hex(&text, 1, 7, &function) || *text)
		return false;
	snprintf(name, size, "%04lx:%02lx:%02lx.%lx", domain, bus, slot,
		 function);
	return true;
}

static bool parse(const char *bdf, char *name, size_t size)
{
	const char *text = bdf;
	unsigned long domain;

	if (hex(&text, 8, UINT32_MAX, &domain) && separator(&text, ':') &&
	    parse_short(text, domain, name, size))
		return true;
	return parse_short(bdf, 0, name, size);
}

/* -- sysfs ------------------------------------------------------------------- */

/* A path of a device. */
static void path_of(char path[PATH_MAX], const char *sys, const char *name,
		    const char *what)
{
	snprintf(path, PATH_MAX, "%s/bus/pci/devices/%s%s", sys, name, what);
}

/* The last name of what a link points to. */
static bool link_name(const char *path, char *name, size_t size)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash, *last;

	if (n <= 0)
		return false;
	target[n] = '\0';
	slash = strrchr(target, '/');
	last = slash ? slash + 1 : target;
	if (strlen(last) >= size)
		return false;
	strcpy(name, last);
	return true;
}

/* false: no driver is bound to it. */
static bool driver_of(const char *sys, const char *device, char *name,
		      size_t size)
{
	char path[PATH_MAX];

	path_of(path, sys, device, "/driver");
	return link_name(path, name, size);
}

/* The first line of a file; "" where there is none. */
static void read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (!file)
		return;
	if (fgets(line, size, file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
}

/* vfio-pci, or a variant of it for one kind of device (mlx5_vfio_pci). */
static bool is_vfio_driver(const char *driver)
{
	size_t n = strlen(driver);

	return n >= 8 && (!strcmp(driver + n - 8, "vfio-pci") ||
			  !strcmp(driver + n - 8, "vfio_pci"));
}

static bool is_pci_bridge(const char *sys, const char *device)
{
	char path[PATH_MAX], line[32];

	path_of(path, sys, device, "/class");
	read_line(path, line, sizeof(line));
	return strtoul(line, NULL, 16) >> 8 == CLASS_PCI_BRIDGE;
}

/* Would the kernel let the group go with this device as it is? */
static bool is_harmless(const char *sys, const char *device, char *driver,
			size_t size)
{
	return !driver_of(sys, device, driver, size) ||
	       is_vfio_driver(driver) || !strcmp(driver, "pci-stub") ||
	       is_pci_bridge(sys, device);
}

/* The other devices of the group that are in the way, " a (driver), b (…)". */
static bool find_others(const char *sys, const char *name, char *others,
			size_t size)
{
	char path[PATH_MAX], driver[64];
	struct dirent *entry;
	size_t length = 0;
	DIR *dir;

	path_of(path, sys, name, "/iommu_group/devices");
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir)) && length < size) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, name) ||
		    is_harmless(sys, entry->d_name, driver, sizeof(driver)))
			continue;
		length += snprintf(others + length, size - length, "%s%s (%s)",
				   length ? ", " : "", entry->d_name, driver);
	}
	closedir(dir);
	return length;
}

static int check_driver(const char *sys, const char *name,
			char why[HF_VFIO_WHY])
{
	char driver[64];

	if (!driver_of(sys, name, driver, sizeof(driver)))
		return hf_vfio_because(
			why, ENODEV,
			"no driver is bound to %s: modprobe vfio-pci, echo "
			"vfio-pci >/sys/bus/pci/devices/%s/driver_override, "
			"echo %s >/sys/bus/pci/drivers_probe", name, name,
			name);
	if (is_vfio_driver(driver))
		return 0;
	return hf_vfio_because(
		why, EBUSY,
		"%s is bound to %s, not vfio-pci: cd /sys/bus/pci/devices/%s, "
		"echo vfio-pci >driver_override, echo %s >driver/unbind, "
		"echo %s >/sys/bus/pci/drivers_probe", name, driver, name, name,
		name);
}

/* There is no group, that is no IOMMU. */
static int without_group(const char *sys, const char *name, unsigned int flags,
			 char why[HF_VFIO_WHY])
{
	int ret;

	if (!(flags & HF_VFIO_UNSAFE_NO_IOMMU))
		return hf_vfio_because(
			why, EPERM,
			"no IOMMU is in front of %s: switch VT-d or AMD-Vi on "
			"in the firmware and boot with intel_iommu=on; "
			"--unsafe-no-iommu does without, and lets the device "
			"reach all memory", name);
	ret = check_driver(sys, name, why);
	if (ret)
		return ret;
	return hf_vfio_because(
		why, ENOTSUP,
		"VFIO's no-IOMMU mode is off: bind %s to vfio-pci again after "
		"echo Y >/sys/module/vfio/parameters/"
		"enable_unsafe_noiommu_mode (the kernel needs "
		"CONFIG_VFIO_NOIOMMU)", name);
}

static int check_no_iommu(unsigned int flags, const char *name,
			  char why[HF_VFIO_WHY])
{
	if (flags & HF_VFIO_UNSAFE_NO_IOMMU)
		return 0;
	return hf_vfio_because(
		why, EPERM,
		"no IOMMU is in front of %s, and VFIO's no-IOMMU mode is on: "
		"--unsafe-no-iommu uses it, and lets the device reach all "
		"memory", name);
}

static int check_others(const char *sys, const struct hf_vfio_place *place,
			char why[HF_VFIO_WHY])
{
	char others[128];

	if (!find_others(sys, place->name, others, sizeof(others)))
		return 0;
	return hf_vfio_because(
		why, EPERM,
		"IOMMU group %u of %s has other devices in use: %s; unbind "
		"them, or bind them to vfio-pci too", place->group,
		place->name, others);
}

int hf_vfio_find(const char *sys, const char *bdf, unsigned int flags,
		 struct hf_vfio_place *place, char why[HF_VFIO_WHY])
{
	char path[PATH_MAX], text[64];
	int ret;

	*place = (struct hf_vfio_place){ .no_iommu = false };
	if (!parse(bdf, place->name, sizeof(place->name)))
		return hf_vfio_because(why, EINVAL,
				       "%.80s is no PCI address: one looks "
				       "like 0000:00:03.0", bdf);
	path_of(path, sys, place->name, "");
	if (access(path, F_OK))
		return hf_vfio_because(why, ENODEV,
				       "there is no PCI device %s: lspci -D "
				       "lists those there are", place->name);
	path_of(path, sys, place->name, "/iommu_group");
	if (!link_name(path, text, sizeof(text)))
		return without_group(sys, place->name, flags, why);
	place->group = strtoul(text, NULL, 10);
	path_of(path, sys, place->name, "/iommu_group/name");
	read_line(path, text, sizeof(text));
	place->no_iommu = !strcmp(text, "vfio-noiommu");
	ret = place->no_iommu ? check_no_iommu(flags, place->name, why) : 0;
	if (!ret)
		ret = check_driver(sys, place->name, why);
	if (!ret)
		ret = check_others(sys, place, why);
	return ret;
}

/* -- container and group ----------------------------------------------------- */

/* -errno of an open(2) of VFIO's nodes. */
static int open_error(int error, const char *path, char why[HF_VFIO_WHY])
{
	switch (error) {
	case EACCES:
	case EPERM:
		return hf_vfio_because(
			why, EACCES,
			"%s may not be opened by this user: give it to the "
			"user with chown or an udev rule, or run as root",
			path);
	case EBUSY:
		return hf_vfio_because(
			why, EBUSY,
			"%s is busy: another program uses a device of this "
			"group (fuser -v %s)", path, path);
	default:
		return hf_vfio_because(why, error, "%s: %s", path,
				       strerror(error));
	}
}

static int open_container(const char *dev, int *container,
			  char why[HF_VFIO_WHY])
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/vfio/vfio", dev);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return hf_vfio_because(why, ENOTSUP,
				       "there is no %s: modprobe vfio-pci",
				       path);
	if (fd < 0)
		return open_error(errno, path, why);
	if (ioctl(fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION) {
		close(fd);
		return hf_vfio_because(why, ENOTSUP,
				       "%s is not the VFIO that is known here",
				       path);
	}
	*container = fd;
	return 0;
}

static int open_node(const char *dev, const struct hf_vfio_place *place,
		     int *group, char why[HF_VFIO_WHY])
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/vfio/%s%u", dev,
		 place->no_iommu ? "noiommu-" : "", place->group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return hf_vfio_because(why, ENODEV,
				       "there is no %s, though %s is bound to "
				       "vfio-pci: is udev running?", path,
				       place->name);
	if (fd < 0)
		return open_error(errno, path, why);
	*group = fd;
	return 0;
}

static int check_viable(int group, const struct hf_vfio_place *place,
			char why[HF_VFIO_WHY])
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	if (ioctl(group, VFIO_GROUP_GET_STATUS, &status))
		return hf_vfio_because(why, EPERM, "IOMMU group %u: %s",
				       place->group, strerror(errno));
	if (status.flags & VFIO_GROUP_FLAGS_VIABLE)
		return 0;
	return hf_vfio_because(
		why, EPERM,
		"the kernel keeps IOMMU group %u: a device of "
		"/sys/kernel/iommu_groups/%u/devices has a driver other than "
		"vfio-pci", place->group, place->group);
}

static int set_iommu(int container, int group,
		     const struct hf_vfio_place *place, char why[HF_VFIO_WHY])
{
	unsigned long type = place->no_iommu ? VFIO_NOIOMMU_IOMMU :
					       VFIO_TYPE1v2_IOMMU;

	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
		return hf_vfio_because(why, errno == EBUSY ? EBUSY : EPERM,
				       "IOMMU group %u cannot be had: %s",
				       place->group, strerror(errno));
	if (ioctl(container, VFIO_CHECK_EXTENSION, type) != 1)
		return hf_vfio_because(why, ENOTSUP,
				       "VFIO does not know this IOMMU: %s",
				       place->no_iommu ?
				       "no-IOMMU mode is off" :
				       "modprobe vfio_iommu_type1");
	if (!ioctl(container, VFIO_SET_IOMMU, type))
		return 0;
	if (errno == EPERM)
		return hf_vfio_because(
			why, EPERM,
			"this IOMMU does not check interrupts: boot with "
			"intremap=on, or set allow_unsafe_interrupts of "
			"vfio_iommu_type1 where the device is trusted");
	return hf_vfio_because(why, errno == ENOMEM ? ENOMEM : ENOTSUP,
			       "the IOMMU cannot be used: %s", strerror(errno));
}

int hf_vfio_open_group(const char *dev, const struct hf_vfio_place *place,
		       int *container, int *group, char why[HF_VFIO_WHY])
{
	int ret;

	ret = open_container(dev, container, why);
	if (ret)
		return ret;
	ret = open_node(dev, place, group, why);
	if (ret)
		goto error_container;
	ret = check_viable(*group, place, why);
	if (!ret)
		ret = set_iommu(*container, *group, place, why);
	if (!ret)
		return 0;
	close(*group);
error_container:
	close(*container);
	return ret;
}
