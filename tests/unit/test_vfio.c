/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of how a device of VFIO is found: each way in which a machine can be set
 * up wrongly, as a tree of files that looks like sysfs, and what is said about it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dma/vfio_internal.h"
#include "fdcount.h"

#define GPU "0000:00:03.0"
#define SOUND "0000:00:03.1"
#define BRIDGE "0000:00:02.0"

/* -- a machine in a directory ------------------------------------------------ */

static char root[] = "/tmp/hf-vfio-XXXXXX";
static char why[HF_VFIO_WHY];
static struct hf_vfio_place place;

static const char *in_root(const char *path)
{
	static char text[4][PATH_MAX];
	static unsigned int next;
	char *out = text[next++ % 4];

	snprintf(out, PATH_MAX, "%s/%s", root, path);
	return out;
}

static void add_dir(const char *path)
{
	char partial[PATH_MAX];

	snprintf(partial, sizeof(partial), "%s/", in_root(path));
	for (char *c = partial + sizeof(root); *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		assert_true(!mkdir(partial, 0755) || errno == EEXIST);
		*c = '/';
	}
}

static void add_file(const char *path, const char *text)
{
	FILE *file = fopen(in_root(path), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void add_link(const char *target, const char *path)
{
	assert_int_equal(symlink(target, in_root(path)), 0);
}

/* A device; without a driver or a group where those are NULL. */
static void add_device(const char *name, const char *class, const char *driver,
		       const char *group)
{
	char base[256], path[512], target[512];

	snprintf(base, sizeof(base), "bus/pci/devices/%s", name);
	add_dir(base);
	snprintf(path, sizeof(path), "%s/class", base);
	add_file(path, class);
	if (driver) {
		snprintf(target, sizeof(target), "../../drivers/%s", driver);
		snprintf(path, sizeof(path), "%s/driver", base);
		add_link(target, path);
	}
	if (!group)
		return;
	snprintf(path, sizeof(path), "kernel/iommu_groups/%s/devices", group);
	add_dir(path);
	snprintf(target, sizeof(target), "../../../../bus/pci/devices/%s", name);
	snprintf(path, sizeof(path), "kernel/iommu_groups/%s/devices/%s", group,
		 name);
	add_link(target, path);
	snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%s",
		 group);
	snprintf(path, sizeof(path), "%s/iommu_group", base);
	add_link(target, path);
}

static void set_driver(const char *name, const char *driver)
{
	char path[256], target[256];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver", name);
	unlink(in_root(path));
	if (!driver)
		return;
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	add_link(target, path);
}

static int remove_it(const char *path, const struct stat *st, int type,
		     struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Each test has a machine with a display and a bridge, all in order. */
static int build(void **state)
{
	(void)state;
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
	add_device(GPU, "0x038000\n", "vfio-pci", "12");
	add_device(BRIDGE, "0x060400\n", "pcieport", "11");
	add_dir("dev/vfio");
	memset(why, 0, sizeof(why));
	return 0;
}

static int demolish(void **state)
{
	(void)state;
	return nftw(root, remove_it, 16, FTW_DEPTH | FTW_PHYS);
}

static void expect_find(const char *bdf, unsigned int flags, int ret)
{
	memset(why, 0, sizeof(why));
	assert_int_equal(hf_vfio_find(root, bdf, flags, &place, why), ret);
	if (ret && !strlen(why))
		fail_msg("nothing was said");
	assert_true(strlen(why) < HF_VFIO_WHY - 1); /* none is cut off */
}

static void expect_said(const char *word)
{
	if (!strstr(why, word))
		fail_msg("no \"%s\" in: %s", word, why);
}

static int open_group(void)
{
	int container = -1, group = -1;

	memset(why, 0, sizeof(why));
	return hf_vfio_open_group(in_root("dev"), &place, &container, &group,
				  why);
}

/* -- addresses --------------------------------------------------------------- */

static void device_is_found_with_and_without_the_domain(void **state)
{
	(void)state;
	expect_find(GPU, 0, 0);
	assert_string_equal(place.name, GPU);
	assert_int_equal(place.group, 12);
	assert_false(place.no_iommu);
	expect_find("00:03.0", 0, 0);
	assert_string_equal(place.name, GPU);
	expect_find("0:3.0", 0, 0);
	assert_string_equal(place.name, GPU);
}

static void long_domains_are_addresses(void **state)
{
	(void)state;
	add_device("10000:e1:1f.7", "0x010802\n", "vfio-pci", "40");
	expect_find("10000:E1:1f.7", 0, 0);
	assert_string_equal(place.name, "10000:e1:1f.7");
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", "3", "gpu", "00:03", "00:03.", "00:03.8", "00:20.0",
		"100:03.0", "0000:100:03.0", "0000:00:03.0 ", " 00:03.0",
		"-1:00:03.0", "0x0:00:03.0", "00:+3.0", "00:03.00",
		"0000:00:03.0/../0000:00:02.0", "123456789:00:03.0",
		"0000::03.0", "0000:00:03:0", "../../../..",
	};
	char *longest = malloc(5000);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_find(bad[i], 0, -EINVAL);
		expect_said("0000:00:03.0");
	}
	memset(longest, '0', 4999);
	longest[4999] = '\0';
	expect_find(longest, 0, -EINVAL);
	free(longest);
}

static void device_that_is_not_there_is_said(void **state)
{
	(void)state;
	expect_find("0000:00:04.0", 0, -ENODEV);
	expect_said("0000:00:04.0");
	expect_said("lspci -D");
}

/* -- drivers ----------------------------------------------------------------- */

static void other_driver_is_named_and_how_to_bind(void **state)
{
	(void)state;
	set_driver(GPU, "virtio-pci");
	expect_find(GPU, 0, -EBUSY);
	expect_said("bound to virtio-pci");
	expect_said("echo vfio-pci >driver_override");
	expect_said("echo " GPU " >driver/unbind");
	expect_said("drivers_probe");
}

static void device_without_driver_says_how_to_bind(void **state)
{
	(void)state;
	set_driver(GPU, NULL);
	expect_find(GPU, 0, -ENODEV);
	expect_said("no driver");
	expect_said("modprobe vfio-pci");
	expect_said("/sys/bus/pci/devices/" GPU "/driver_override");
	expect_said("drivers_probe");
}

static void variants_of_vfio_pci_are_welcome(void **state)
{
	(void)state;
	set_driver(GPU, "mlx5_vfio_pci");
	expect_find(GPU, 0, 0);
	set_driver(GPU, "vfio-pcix");
	expect_find(GPU, 0, -EBUSY);
	set_driver(GPU, "pci");
	expect_find(GPU, 0, -EBUSY);
}

/* -- groups ------------------------------------------------------------------ */

static void group_shared_with_a_device_in_use_lists_it(void **state)
{
	(void)state;
	add_device(SOUND, "0x040300\n", "snd_hda_intel", "12");
	add_device("0000:00:03.2", "0x0c0330\n", "xhci_hcd", "12");
	expect_find(GPU, 0, -EPERM);
	expect_said("group 12");
	expect_said(SOUND " (snd_hda_intel)");
	expect_said("0000:00:03.2 (xhci_hcd)");
	set_driver("0000:00:03.2", "vfio-pci");
	expect_find(GPU, 0, -EPERM);
	expect_said(SOUND);
	assert_null(strstr(why, "0000:00:03.2"));
}

static void very_many_others_are_cut_off(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "0000:07:%02x.%x", i / 8, i % 8);
		add_device(name, "0x020000\n", "a_driver_with_a_long_name",
			   "12");
	}
	assert_int_equal(hf_vfio_find(root, GPU, 0, &place, why), -EPERM);
	expect_said("group 12");
	assert_true(strlen(why) < HF_VFIO_WHY);
}

static void harmless_neighbours_are_no_obstacle(void **state)
{
	(void)state;
	add_device("0000:00:02.1", "0x060400\n", "shpchp", "12");
	add_device("0000:00:03.3", "0x0c0330\n", NULL, "12");
	add_device("0000:00:03.4", "0x0c0330\n", "pci-stub", "12");
	add_device("0000:00:03.5", "0x0c0330\n", "vfio-pci", "12");
	expect_find(GPU, 0, 0);
}

/* Not a bridge between PCI buses: the kernel keeps the group. */
static void other_bridges_are_devices_in_use(void **state)
{
	(void)state;
	add_device("0000:00:1f.0", "0x060100\n", "lpc_ich", "12");
	expect_find(GPU, 0, -EPERM);
	expect_said("lpc_ich");
}

/* -- no IOMMU ---------------------------------------------------------------- */

static void machine_without_iommu_says_how_to_switch_it_on(void **state)
{
	(void)state;
	add_device("0000:00:05.0", "0x038000\n", "virtio-pci", NULL);
	expect_find("0000:00:05.0", 0, -EPERM);
	expect_said("intel_iommu=on");
	expect_said("firmware");
	expect_said("--unsafe-no-iommu");
}

static void no_iommu_mode_that_is_off_says_how_to_switch_it_on(void **state)
{
	(void)state;
	add_device("0000:00:05.0", "0x038000\n", "virtio-pci", NULL);
	expect_find("0000:00:05.0", HF_VFIO_UNSAFE_NO_IOMMU, -EBUSY);
	expect_said("virtio-pci");
	set_driver("0000:00:05.0", NULL);
	expect_find("0000:00:05.0", HF_VFIO_UNSAFE_NO_IOMMU, -ENODEV);
	set_driver("0000:00:05.0", "vfio-pci");
	expect_find("0000:00:05.0", HF_VFIO_UNSAFE_NO_IOMMU, -ENOTSUP);
	expect_said("enable_unsafe_noiommu_mode");
	expect_said("CONFIG_VFIO_NOIOMMU");
}

static void no_iommu_mode_is_used_only_when_asked_for(void **state)
{
	(void)state;
	add_file("kernel/iommu_groups/12/name", "vfio-noiommu\n");
	expect_find(GPU, 0, -EPERM);
	expect_said("--unsafe-no-iommu");
	expect_find(GPU, HF_VFIO_UNSAFE_NO_IOMMU, 0);
	assert_true(place.no_iommu);
	assert_int_equal(open_group(), -ENOTSUP);
}

static void iommu_is_used_where_there_is_one(void **state)
{
	(void)state;
	expect_find(GPU, HF_VFIO_UNSAFE_NO_IOMMU, 0);
	assert_false(place.no_iommu);
}

/* -- device nodes ------------------------------------------------------------ */

static void missing_module_is_named(void **state)
{
	(void)state;
	expect_find(GPU, 0, 0);
	assert_int_equal(open_group(), -ENOTSUP);
	expect_said("/vfio/vfio");
	expect_said("modprobe vfio-pci");
}

static void file_that_is_not_vfio_is_refused(void **state)
{
	int before = count_fds();

	(void)state;
	expect_find(GPU, 0, 0);
	add_file("dev/vfio/vfio", "");
	assert_int_equal(open_group(), -ENOTSUP);
	expect_said("/vfio/vfio");
	assert_int_equal(count_fds(), before);
}

static void node_that_may_not_be_opened_is_named(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	expect_find(GPU, 0, 0);
	add_file("dev/vfio/vfio", "");
	assert_int_equal(chmod(in_root("dev/vfio/vfio"), 0), 0);
	pid = fork();
	if (!pid) {
		/* Root may open anything: be an ordinary user. */
		if (!getuid() && (setgid(65534) || setuid(65534)))
			_exit(2);
		_exit(open_group() != -EACCES || !strstr(why, "/vfio/vfio") ||
		      !strstr(why, "user"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, build, demolish)
	const struct CMUnitTest tests[] = {
		TEST(device_is_found_with_and_without_the_domain),
		TEST(long_domains_are_addresses),
		TEST(what_is_no_address_is_refused),
		TEST(device_that_is_not_there_is_said),
		TEST(other_driver_is_named_and_how_to_bind),
		TEST(device_without_driver_says_how_to_bind),
		TEST(variants_of_vfio_pci_are_welcome),
		TEST(group_shared_with_a_device_in_use_lists_it),
		TEST(very_many_others_are_cut_off),
		TEST(harmless_neighbours_are_no_obstacle),
		TEST(other_bridges_are_devices_in_use),
		TEST(machine_without_iommu_says_how_to_switch_it_on),
		TEST(no_iommu_mode_that_is_off_says_how_to_switch_it_on),
		TEST(no_iommu_mode_is_used_only_when_asked_for),
		TEST(iommu_is_used_where_there_is_one),
		TEST(missing_module_is_named),
		TEST(file_that_is_not_vfio_is_refused),
		TEST(node_that_may_not_be_opened_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
