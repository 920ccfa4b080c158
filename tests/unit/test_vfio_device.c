/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of a device of VFIO: a file is its config space and its BAR, and the
 * ioctls are played here. What a device may answer that is nonsense is here, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "dma/vfio_internal.h"

#define PAGE HF_PAGE_SIZE

/* In the file: config space, then BAR 0 of 3 KiB. */
#define BAR_SIZE 3072

static struct hf_vfio vfio;

/* cmocka takes SIGBUS for itself before each test; the tests take it back. */
static struct sigaction trap;

/* -- the kernel -------------------------------------------------------------- */

static struct {
	int ret, error; /* of the next SET_IRQS with vectors; then 0 */
	int reset_error;
	uint32_t index, count;
	unsigned int sets, resets;
	int fds[8];
} kernel;

int __wrap_ioctl(int fd, unsigned long request, void *argument);

static int set_irqs(const struct vfio_irq_set *set)
{
	int ret = kernel.ret;

	kernel.sets++;
	kernel.index = set->index;
	kernel.count = set->count;
	assert_int_equal(set->argsz, sizeof(*set) + set->count * sizeof(int));
	if (!set->count) {
		assert_int_equal(set->flags, VFIO_IRQ_SET_DATA_NONE |
					     VFIO_IRQ_SET_ACTION_TRIGGER);
		return 0;
	}
	assert_int_equal(set->flags, VFIO_IRQ_SET_DATA_EVENTFD |
				     VFIO_IRQ_SET_ACTION_TRIGGER);
	memcpy(kernel.fds, set->data, set->count * sizeof(int));
	errno = kernel.error;
	kernel.ret = 0;
	return ret;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	assert_int_equal(fd, vfio.device);
	if (request == VFIO_DEVICE_SET_IRQS)
		return set_irqs(argument);
	assert_int_equal(request, VFIO_DEVICE_RESET);
	kernel.resets++;
	errno = kernel.reset_error;
	return kernel.reset_error ? -1 : 0;
}

/* -- the device -------------------------------------------------------------- */

static void put(unsigned int offset, uint8_t byte)
{
	assert_int_equal(pwrite(vfio.device, &byte, 1, offset), 1);
}

static uint8_t get(unsigned int offset)
{
	uint8_t byte;

	assert_int_equal(pread(vfio.device, &byte, 1, offset), 1);
	return byte;
}

static void put_capability(unsigned int offset, uint8_t id, uint8_t next)
{
	put(offset, id);
	put(offset + 1, next);
}

static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	memset(&vfio, 0, sizeof(vfio));
	strcpy(vfio.place.name, "0000:00:03.0");
	vfio.device = memfd_create("device", 0);
	vfio.request = vfio.group = vfio.container = -1;
	assert_int_equal(ftruncate(vfio.device, 2 * PAGE), 0);
	vfio.config.size = 256;
	vfio.regions[0] = (struct hf_vfio_region){ PAGE, BAR_SIZE, true };
	vfio.regions[1] = (struct hf_vfio_region){ PAGE, 32, false };
	vfio.irqs[HF_VFIO_MSIX] = 8;
	vfio.irqs[HF_VFIO_MSI] = 1;
	put(PCI_STATUS, PCI_STATUS_CAP_LIST);
	put(PCI_CAPABILITY_LIST, 0x40);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(vfio.device);
	return 0;
}

/* -- config space ------------------------------------------------------------ */

static void config_space_has_an_end(void **state)
{
	uint32_t value = 0x12345678;

	(void)state;
	assert_int_equal(hf_vfio_config_write(&vfio, 252, &value, 4), 0);
	value = 0;
	assert_int_equal(hf_vfio_config_read(&vfio, 252, &value, 4), 0);
	assert_int_equal(value, 0x12345678);
	assert_int_equal(hf_vfio_config_read(&vfio, 253, &value, 4), -EINVAL);
	assert_int_equal(hf_vfio_config_read(&vfio, 256, &value, 1), -EINVAL);
	assert_int_equal(hf_vfio_config_read(&vfio, 0, &value, 0), -EINVAL);
	assert_int_equal(hf_vfio_config_write(&vfio, UINT32_MAX, &value, 4),
			 -EINVAL);
	assert_int_equal(hf_vfio_config_write(&vfio, 0, &value, SIZE_MAX),
			 -EINVAL);
}

static void device_that_is_gone_is_an_error(void **state)
{
	uint16_t value;

	(void)state;
	assert_int_equal(ftruncate(vfio.device, 0), 0);
	assert_int_equal(hf_vfio_config_read(&vfio, 0, &value, 2), -EIO);
	assert_int_equal(hf_vfio_set_master(&vfio, true), -EIO);
	assert_int_equal(hf_vfio_capability(&vfio, 5, 0), 0);
	vfio.can_reset = true;
	assert_int_equal(hf_vfio_reset(&vfio), -EIO);
}

static void capabilities_of_a_kind_are_found_one_after_another(void **state)
{
	(void)state;
	put_capability(0x40, PCI_CAP_ID_VNDR, 0x80);
	put_capability(0x80, PCI_CAP_ID_MSIX, 0x61); /* low bits are reserved */
	put_capability(0x60, PCI_CAP_ID_VNDR, 0xfc);
	put_capability(0xfc, PCI_CAP_ID_VNDR, 0);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_MSIX, 0), 0x80);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_VNDR, 0), 0x40);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_VNDR, 0x40),
			 0x60);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_VNDR, 0x60),
			 0xfc);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_VNDR, 0xfc), 0);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_MSI, 0), 0);
	put(PCI_STATUS, 0);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_MSIX, 0), 0);
}

static void circle_of_capabilities_has_an_end(void **state)
{
	unsigned int found = 0, offset = 0;

	(void)state;
	put_capability(0x40, PCI_CAP_ID_VNDR, 0x50);
	put_capability(0x50, PCI_CAP_ID_VNDR, 0x40);
	while ((offset = hf_vfio_capability(&vfio, PCI_CAP_ID_VNDR, offset)))
		assert_true(++found < 10);
	assert_int_equal(found, 2);
	put_capability(0x40, PCI_CAP_ID_MSI, 0x40);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_VNDR, 0), 0);
	/* Into the header, which has no capabilities. */
	put_capability(0x40, PCI_CAP_ID_MSI, 0x10);
	put_capability(0x10, PCI_CAP_ID_VNDR, 0);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_VNDR, 0), 0);
}

static void config_space_of_ones_has_an_end(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 256; i++)
		put(i, 0xff);
	assert_int_equal(hf_vfio_capability(&vfio, PCI_CAP_ID_VNDR, 0), 0);
	assert_int_equal(hf_vfio_capability(&vfio, 0xff, 0), 0xfc);
	assert_int_equal(hf_vfio_capability(&vfio, 0xff, 0xfc), 0);
}

static void bus_mastering_changes_one_bit(void **state)
{
	(void)state;
	put(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	assert_int_equal(hf_vfio_set_master(&vfio, true), 0);
	assert_int_equal(get(PCI_COMMAND), 7);
	assert_int_equal(hf_vfio_set_master(&vfio, false), 0);
	assert_int_equal(get(PCI_COMMAND), 3);
}

/* -- BARs -------------------------------------------------------------------- */

static void bar_is_mapped_once(void **state)
{
	volatile char *bar;
	size_t size;

	(void)state;
	bar = hf_vfio_bar(&vfio, 0, &size);
	assert_non_null(bar);
	assert_int_equal(size, BAR_SIZE);
	assert_ptr_equal(hf_vfio_bar(&vfio, 0, &size), bar);
	bar[5] = 42;
	assert_int_equal(get(PAGE + 5), 42);
	hf_trap_disarm(&vfio.bars[0]);
	munmap((void *)bar, PAGE);
}

static void bars_that_cannot_be_mapped_say_why(void **state)
{
	size_t size;

	(void)state;
	assert_null(hf_vfio_bar(&vfio, 1, &size));
	assert_int_equal(errno, ENOTSUP);
	assert_null(hf_vfio_bar(&vfio, 2, &size));
	assert_int_equal(errno, ENODEV);
	assert_null(hf_vfio_bar(&vfio, 6, &size));
	assert_int_equal(errno, ENODEV);
	assert_null(hf_vfio_bar(&vfio, UINT32_MAX, &size));
	assert_int_equal(errno, ENODEV);
	vfio.regions[0].offset = 12;
	assert_null(hf_vfio_bar(&vfio, 0, &size));
	assert_int_equal(errno, ENOTSUP);
}

static void bar_of_a_device_that_is_gone_reads_as_zero(void **state)
{
	volatile char *bar;
	size_t size;

	(void)state;
	put(PAGE + 5, 42);
	assert_int_equal(sigaction(SIGBUS, &trap, NULL), 0);
	bar = hf_vfio_bar(&vfio, 0, &size);
	assert_int_equal(bar[5], 42);
	assert_int_equal(ftruncate(vfio.device, 0), 0);
	assert_int_equal(bar[5], 0);
	bar[5] = 1;
	hf_trap_disarm(&vfio.bars[0]);
	munmap((void *)bar, PAGE);
}

/* -- interrupts and reset ---------------------------------------------------- */

static void vectors_go_to_their_eventfds(void **state)
{
	static const int fds[] = { 10, 11, 10 };

	(void)state;
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, fds, 3), 0);
	assert_int_equal(kernel.index, VFIO_PCI_MSIX_IRQ_INDEX);
	assert_int_equal(kernel.count, 3);
	assert_memory_equal(kernel.fds, fds, sizeof(fds));
	/* Fewer: all off, then those. */
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, fds, 1), 0);
	assert_int_equal(kernel.sets, 3);
	assert_int_equal(kernel.count, 1);
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, NULL, 0), 0);
	assert_int_equal(kernel.count, 0);
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, NULL, 0), 0);
	assert_int_equal(kernel.sets, 4);
}

static void vectors_that_are_not_there_are_refused(void **state)
{
	static const int fds[9];

	(void)state;
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, fds, 9),
			 -EINVAL);
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSI, fds, 2), -EINVAL);
	assert_int_equal(kernel.sets, 0);
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, fds, 8), 0);
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSI, fds, 1), -EINVAL);
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, NULL, 0), 0);
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSI, fds, 1), 0);
	assert_int_equal(kernel.index, VFIO_PCI_MSI_IRQ_INDEX);
}

static void vectors_that_cannot_be_had_are_an_error(void **state)
{
	static const struct {
		int ret, error, expected;
	} cases[] = {
		{ 2, 0, -ENOMEM }, /* two would be there */
		{ -1, ENOSPC, -ENOMEM }, { -1, ENOMEM, -ENOMEM },
		{ -1, EBADF, -EINVAL }, { -1, EINVAL, -EINVAL },
		{ -1, EIO, -EIO },	{ -1, ENODEV, -EIO },
	};
	static const int fds[4];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kernel.ret = cases[i].ret;
		kernel.error = cases[i].error;
		assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, fds, 4),
				 cases[i].expected);
		assert_int_equal(vfio.armed[HF_VFIO_MSIX], 0);
	}
	kernel.ret = -1;
	kernel.error = EINTR;
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, fds, 4), 0);
}

static void reset_switches_everything_off(void **state)
{
	static const int fds[4];

	(void)state;
	vfio.can_reset = true;
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, fds, 4), 0);
	assert_int_equal(hf_vfio_set_master(&vfio, true), 0);
	assert_int_equal(hf_vfio_reset(&vfio), 0);
	assert_int_equal(kernel.resets, 1);
	assert_int_equal(kernel.count, 0);
	assert_int_equal(vfio.armed[HF_VFIO_MSIX], 0);
	assert_int_equal(get(PCI_COMMAND) & PCI_COMMAND_MASTER, 0);
	kernel.reset_error = EIO;
	assert_int_equal(hf_vfio_reset(&vfio), -EIO);
}

static void device_without_reset_is_quiet_all_the_same(void **state)
{
	static const int fds[4];

	(void)state;
	assert_int_equal(hf_vfio_set_irqs(&vfio, HF_VFIO_MSIX, fds, 4), 0);
	assert_int_equal(hf_vfio_set_master(&vfio, true), 0);
	assert_int_equal(hf_vfio_reset(&vfio), -ENOTSUP);
	assert_int_equal(kernel.resets, 0);
	assert_int_equal(kernel.count, 0);
	assert_int_equal(get(PCI_COMMAND) & PCI_COMMAND_MASTER, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(config_space_has_an_end),
		TEST(device_that_is_gone_is_an_error),
		TEST(capabilities_of_a_kind_are_found_one_after_another),
		TEST(circle_of_capabilities_has_an_end),
		TEST(config_space_of_ones_has_an_end),
		TEST(bus_mastering_changes_one_bit),
		TEST(bar_is_mapped_once),
		TEST(bars_that_cannot_be_mapped_say_why),
		TEST(bar_of_a_device_that_is_gone_reads_as_zero),
		TEST(vectors_go_to_their_eventfds),
		TEST(vectors_that_are_not_there_are_refused),
		TEST(vectors_that_cannot_be_had_are_an_error),
		TEST(reset_switches_everything_off),
		TEST(device_without_reset_is_quiet_all_the_same),
	};

	hf_trap_install();
	sigaction(SIGBUS, NULL, &trap);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
