/* SPDX-License-Identifier: MIT */
/*
 * A PCI device through VFIO, on QEMU's edu device in a machine with an IOMMU: opening,
 * config space, BARs, interrupts, reset, and a device that is taken away.
 *
 * Runs as root, in tests/vm/run -p edu.
 */
#include <dirent.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "vfio_fixture.h"

/* -- opening ----------------------------------------------------------------- */

/* A device that another driver has. */
static bool is_bound_to(const char *device, const char *driver)
{
	char path[512], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", device);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return n > 0 && strstr(target, driver);
}

TEST(device_of_another_driver_is_refused_by_its_name)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;

	edu_address(0);
	while ((entry = readdir(dir)))
		if (is_bound_to(entry->d_name, "/virtio-pci"))
			break;
	EXPECT(entry);
	cannot_open(entry->d_name, EBUSY, "virtio-pci");
	closedir(dir);
}

TEST(device_without_a_driver_says_how_to_bind_it)
{
	const char *edu = edu_address(0);

	sysfs_write("/sys/bus/pci/drivers/vfio-pci/unbind", edu);
	cannot_open(edu, ENODEV, "driver_override");
	sysfs_write("/sys/bus/pci/drivers_probe", edu);
	EXPECT(is_bound_to(edu, "/vfio-pci"));
}

TEST(device_that_is_not_there_is_refused)
{
	edu_address(0);
	cannot_open("0000:00:1e.7", ENODEV, "lspci");
}

TEST(second_one_that_opens_it_is_told_that_it_is_busy)
{
	volatile void *bar;
	struct hf_vfio *vfio = edu_open(0, &bar);

	cannot_open(edu_address(0), EBUSY, "busy");
	hf_vfio_close(vfio);
	hf_vfio_close(edu_open(0, &bar));
}

TEST(user_without_rights_to_the_node_is_refused)
{
	const char *edu = edu_address(0);

	become_nobody();
	cannot_open(edu, EACCES, "/dev/vfio/");
}

TEST(address_without_the_domain_names_the_device)
{
	const char *edu = edu_address(0);
	char why[HF_VFIO_WHY];
	struct hf_vfio *vfio = hf_vfio_open(strchr(edu, ':') + 1, 0, why);

	EXPECT(vfio);
	EXPECT(!strcmp(hf_vfio_name(vfio), edu));
	EXPECT(!hf_vfio_no_iommu(vfio));
	hf_vfio_close(vfio);
}

TEST(descriptors_are_closed_with_the_device)
{
	volatile void *bar;
	int before, after;

	hf_vfio_close(edu_open(0, &bar));
	before = dup(0);
	close(before);
	hf_vfio_close(edu_open(0, &bar));
	after = dup(0);
	EXPECT_EQ(after, before);
}

/* -- config space and BARs --------------------------------------------------- */

TEST(config_space_has_the_ids_and_the_capability)
{
	volatile void *bar;
	struct hf_vfio *vfio = edu_open(0, &bar);
	unsigned int msi;
	uint16_t id[2];
	uint8_t cap;

	EXPECT_EQ(hf_vfio_config_read(vfio, 0, id, sizeof(id)), 0);
	EXPECT_EQ(id[0], EDU_VENDOR);
	EXPECT_EQ(id[1], EDU_DEVICE);
	msi = hf_vfio_capability(vfio, PCI_CAP_ID_MSI, 0);
	EXPECT(msi >= 0x40);
	EXPECT_EQ(hf_vfio_config_read(vfio, msi, &cap, 1), 0);
	EXPECT_EQ(cap, PCI_CAP_ID_MSI);
	EXPECT_EQ(hf_vfio_capability(vfio, PCI_CAP_ID_MSI, msi), 0);
	EXPECT_EQ(hf_vfio_capability(vfio, PCI_CAP_ID_MSIX, 0), 0);
	EXPECT_EQ(hf_vfio_config_read(vfio, 4096, &cap, 1), -EINVAL);
	EXPECT_EQ(hf_vfio_config_write(vfio, 1u << 31, &cap, 1), -EINVAL);
	hf_vfio_close(vfio);
}

TEST(bus_mastering_is_off_until_it_is_switched_on)
{
	volatile void *bar;
	struct hf_vfio *vfio = edu_open(0, &bar);
	uint16_t command;

	EXPECT_EQ(hf_vfio_config_read(vfio, PCI_COMMAND, &command, 2), 0);
	EXPECT_EQ(command & PCI_COMMAND_MASTER, 0);
	EXPECT_EQ(hf_vfio_set_master(vfio, true), 0);
	EXPECT_EQ(hf_vfio_config_read(vfio, PCI_COMMAND, &command, 2), 0);
	EXPECT_EQ(command & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
	hf_vfio_close(vfio);
}

TEST(bar_is_the_device)
{
	volatile void *bar;
	struct hf_vfio *vfio = edu_open(0, &bar);
	size_t size;

	EXPECT_EQ(edu_read(bar, EDU_ID) & 0xffff, 0x00ed);
	edu_write(bar, EDU_LIVENESS, 0x12345678);
	EXPECT_EQ(edu_read(bar, EDU_LIVENESS), ~0x12345678u);
	edu_write(bar, EDU_FACTORIAL, 6);
	while (edu_read(bar, EDU_STATUS) & EDU_COMPUTING)
		usleep(1000);
	EXPECT_EQ(edu_read(bar, EDU_FACTORIAL), 720);
	EXPECT(hf_vfio_bar(vfio, 0, &size) == bar);
	EXPECT_EQ(size, 1u << 20);
	EXPECT(!hf_vfio_bar(vfio, 1, &size) && errno == ENODEV);
	EXPECT(!hf_vfio_bar(vfio, 6, &size) && errno == ENODEV);
	hf_vfio_close(vfio);
}

TEST(bar_that_is_switched_off_reads_as_zero)
{
	volatile void *bar;
	struct hf_vfio *vfio = edu_open(0, &bar);
	uint16_t command;

	EXPECT_EQ(hf_vfio_config_read(vfio, PCI_COMMAND, &command, 2), 0);
	command &= ~PCI_COMMAND_MEMORY;
	EXPECT_EQ(hf_vfio_config_write(vfio, PCI_COMMAND, &command, 2), 0);
	EXPECT_EQ(edu_read(bar, EDU_ID), 0);
	edu_write(bar, EDU_LIVENESS, 1);
	hf_vfio_close(vfio);
	vfio = edu_open(0, &bar);
	EXPECT_EQ(edu_read(bar, EDU_ID) & 0xffff, 0x00ed);
	hf_vfio_close(vfio);
}

/* -- interrupts and reset ---------------------------------------------------- */

static bool count_of(int event, uint64_t *n)
{
	return read(event, n, sizeof(*n)) == sizeof(*n);
}

TEST(interrupts_are_counted_until_they_are_switched_off)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int two[] = { event, event };
	volatile void *bar;
	struct hf_vfio *vfio = edu_open(0, &bar);
	uint64_t n;

	EXPECT_EQ(hf_vfio_num_irqs(vfio, HF_VFIO_MSI), 1);
	EXPECT_EQ(hf_vfio_num_irqs(vfio, HF_VFIO_MSIX), 0);
	EXPECT_EQ(hf_vfio_set_irqs(vfio, HF_VFIO_MSIX, &event, 1), -EINVAL);
	EXPECT_EQ(hf_vfio_set_irqs(vfio, HF_VFIO_MSI, two, 2), -EINVAL);
	EXPECT_EQ(hf_vfio_set_master(vfio, true), 0);
	EXPECT_EQ(hf_vfio_set_irqs(vfio, HF_VFIO_MSI, &event, 1), 0);
	edu_write(bar, EDU_IRQ_RAISE, 5);
	EXPECT(readable(event, 5000) && count_of(event, &n));
	EXPECT_EQ(n, 1);
	EXPECT_EQ(edu_read(bar, EDU_IRQ_STATUS), 5);
	edu_write(bar, EDU_IRQ_ACK, 5);
	/* Another eventfd takes the place of the first one. */
	two[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	EXPECT_EQ(hf_vfio_set_irqs(vfio, HF_VFIO_MSI, two, 1), 0);
	edu_write(bar, EDU_IRQ_RAISE, 1);
	EXPECT(readable(two[0], 5000) && count_of(two[0], &n));
	edu_write(bar, EDU_IRQ_ACK, 1);
	EXPECT_EQ(hf_vfio_set_irqs(vfio, HF_VFIO_MSI, NULL, 0), 0);
	edu_write(bar, EDU_IRQ_RAISE, 1);
	EXPECT(!readable(event, 200) && !readable(two[0], 0));
	edu_write(bar, EDU_IRQ_ACK, 1);
	hf_vfio_close(vfio);
}

static void check_reset(unsigned int n, int expected)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	volatile void *bar;
	struct hf_vfio *vfio = edu_open(n, &bar);
	uint16_t command;

	EXPECT_EQ(hf_vfio_set_master(vfio, true), 0);
	EXPECT_EQ(hf_vfio_set_irqs(vfio, HF_VFIO_MSI, &event, 1), 0);
	EXPECT_EQ(hf_vfio_reset(vfio), expected);
	EXPECT_EQ(hf_vfio_config_read(vfio, PCI_COMMAND, &command, 2), 0);
	EXPECT_EQ(command & PCI_COMMAND_MASTER, 0);
	edu_write(bar, EDU_IRQ_RAISE, 1);
	EXPECT(!readable(event, 200));
	edu_write(bar, EDU_IRQ_ACK, 1);
	EXPECT_EQ(hf_vfio_set_irqs(vfio, HF_VFIO_MSI, &event, 1), 0);
	EXPECT_EQ(hf_vfio_set_master(vfio, true), 0);
	edu_write(bar, EDU_IRQ_RAISE, 1);
	EXPECT(readable(event, 5000));
	edu_write(bar, EDU_IRQ_ACK, 1);
	hf_vfio_close(vfio);
}

TEST(device_that_cannot_be_reset_is_quiet_all_the_same)
{
	check_reset(0, -ENOTSUP);
}

/* The second one is behind a port, which can reset what is below it. */
TEST(reset_leaves_the_device_quiet_and_usable)
{
	check_reset(1, 0);
}

static void *take_away(void *device)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove",
		 (const char *)device);
	sysfs_write(path, "1");
	return NULL;
}

TEST(device_that_is_wanted_back_is_let_go)
{
	const char *edu = edu_address(1);
	char path[256];
	volatile void *bar;
	struct hf_vfio *vfio = edu_open(1, &bar);
	pthread_t thread;

	EXPECT(!readable(hf_vfio_request_fd(vfio), 0));
	EXPECT_EQ(pthread_create(&thread, NULL, take_away, (void *)edu), 0);
	EXPECT(readable(hf_vfio_request_fd(vfio), 5000));
	hf_vfio_close(vfio);
	pthread_join(thread, NULL);
	cannot_open(edu, ENODEV, "lspci");
	sysfs_write("/sys/bus/pci/rescan", "1");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override",
		 edu);
	sysfs_write(path, "vfio-pci");
	sysfs_write("/sys/bus/pci/drivers_probe", edu);
	hf_vfio_close(edu_open(1, &bar));
}
