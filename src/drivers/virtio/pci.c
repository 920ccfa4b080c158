/* SPDX-License-Identifier: MIT */
/*
 * Modern virtio devices over PCI, reached through VFIO.
 *
 * Two vectors of MSI-X are used: one for the configuration, one for all queues,
 * each an eventfd; a device with one vector has it for both. They, and VFIO's word
 * that the device is wanted back, are in an epoll descriptor. The device may do DMA
 * only between its reset by us and the end.
 *
 * Registers answer anything: all ones is a device that is gone.
 *
 * Source: VIRTIO 1.2, 4.1. The lock of the devices protects it.
 */
#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "dma/mmio.h"
#include "dma/vfio.h"
#include "drivers/virtio/pci_layout.h"
#include "drivers/virtio/virtio.h"

#define VENDOR 0x1af4
#define FIRST_LEGACY 0x1000 /* and transitional ones */
#define FIRST_MODERN 0x1040

#define MAX_QUEUES 64
#define GONE 0xff
#define RESET_TRIES 1000	/* a millisecond each */
#define CONFIG_TRIES 100

/* Interrupts: vectors, and what is in the epoll descriptor. */
enum { CONFIG, QUEUES, VECTORS };

/**
 * struct pci - A device.
 * @vectors: that are used
 * @fds: an eventfd a vector
 * @armed: it may interrupt and do DMA
 * @bells: where queues that are set up are notified
 */
struct pci {
	struct hf_virtio virtio;
	struct hf_vfio *vfio;
	struct hf_virtio_pci_layout layout;
	unsigned int vectors;
	int fds[VECTORS];
	bool armed;
	volatile void *bells[MAX_QUEUES];
};

static struct pci *pci_of(struct hf_virtio *dev)
{
	return (struct pci *)dev;
}

/* A field of the common configuration. */
#define COMMON(pci, field) \
	((pci)->layout.common.at + \
	 offsetof(struct virtio_pci_common_cfg, field))

/* -- status and features ----------------------------------------------------- */

static uint8_t get_status(struct hf_virtio *dev)
{
	return hf_mmio_read8(COMMON(pci_of(dev), device_status));
}

static void sleep_ms(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

static int reset(struct pci *pci)
{
	uint8_t status;

	hf_mmio_write8(COMMON(pci, device_status), 0);
	for (unsigned int i = 0; i < RESET_TRIES; i++) {
		status = get_status(&pci->virtio);
		if (!status)
			return 0;
		if (status == GONE)
			break;
		sleep_ms();
	}
	/* It will not by itself: that of PCI may still do. */
	pci->armed = false;
	return hf_vfio_reset(pci->vfio) ? -EIO : 0;
}

/* Interrupts and DMA are allowed. */
static int arm(struct pci *pci)
{
	if (pci->armed)
		return 0;
	if (hf_vfio_set_irqs(pci->vfio, HF_VFIO_MSIX, pci->fds, pci->vectors) ||
	    hf_vfio_set_master(pci->vfio, true))
		return -EIO;
	pci->armed = true;
	return 0;
}

/* A device that cannot have a vector says that it has none. */
static int set_vector(volatile char *at, unsigned int vector)
{
	hf_mmio_write16(at, vector);
	return hf_mmio_read16(at) == vector ? 0 : -EIO;
}

static int set_status(struct hf_virtio *dev, uint8_t status)
{
	struct pci *pci = pci_of(dev);

	if (!status)
		return reset(pci);
	if (arm(pci))
		return -EIO;
	if (status & VIRTIO_CONFIG_S_DRIVER_OK &&
	    set_vector(COMMON(pci, msix_config), CONFIG))
		return -EIO;
	hf_mmio_write8(COMMON(pci, device_status), status);
	return 0;
}

static uint64_t get_features(struct hf_virtio *dev)
{
	struct pci *pci = pci_of(dev);
	uint64_t features;

	hf_mmio_write32(COMMON(pci, device_feature_select), 0);
	features = hf_mmio_read32(COMMON(pci, device_feature));
	hf_mmio_write32(COMMON(pci, device_feature_select), 1);
	return features |
	       (uint64_t)hf_mmio_read32(COMMON(pci, device_feature)) << 32;
}

static void set_features(struct hf_virtio *dev, uint64_t features)
{
	struct pci *pci = pci_of(dev);

	hf_mmio_write32(COMMON(pci, guest_feature_select), 0);
	hf_mmio_write32(COMMON(pci, guest_feature), features);
	hf_mmio_write32(COMMON(pci, guest_feature_select), 1);
	hf_mmio_write32(COMMON(pci, guest_feature), features >> 32);
}

/* -- queues ------------------------------------------------------------------ */

static unsigned int queue_size(struct hf_virtio *dev, unsigned int index)
{
	struct pci *pci = pci_of(dev);
	unsigned int size;

	if (index >= MAX_QUEUES ||
	    index >= hf_mmio_read16(COMMON(pci, num_queues)))
		return 0;
	hf_mmio_write16(COMMON(pci, queue_select), index);
	size = hf_mmio_read16(COMMON(pci, queue_size));
	return size == UINT16_MAX ? 0 : size;
}

/* Where the queue that is selected is notified; NULL: nowhere in the BAR. */
static volatile void *find_bell(struct pci *pci)
{
	const struct hf_virtio_pci_area *area = &pci->layout.notify;
	uint64_t offset = hf_mmio_read16(COMMON(pci, queue_notify_off));

	offset *= pci->layout.multiplier;
	return offset > area->size - 2 ? NULL : area->at + offset;
}

static void write_address(volatile char *low, volatile char *high,
			  hf_iova_t address)
{
	hf_mmio_write32(low, address);
	hf_mmio_write32(high, address >> 32);
}

static int setup_queue(struct hf_virtio *dev, unsigned int index,
		       unsigned int size, hf_iova_t desc, hf_iova_t avail,
		       hf_iova_t used)
{
	struct pci *pci = pci_of(dev);
	volatile void *bell;

	if (index >= MAX_QUEUES)
		return -EIO;
	hf_mmio_write16(COMMON(pci, queue_select), index);
	bell = find_bell(pci);
	if (!bell || set_vector(COMMON(pci, queue_msix_vector),
				pci->vectors - 1))
		return -EIO;
	hf_mmio_write16(COMMON(pci, queue_size), size);
	write_address(COMMON(pci, queue_desc_lo), COMMON(pci, queue_desc_hi),
		      desc);
	write_address(COMMON(pci, queue_avail_lo), COMMON(pci, queue_avail_hi),
		      avail);
	write_address(COMMON(pci, queue_used_lo), COMMON(pci, queue_used_hi),
		      used);
	if (hf_mmio_read16(COMMON(pci, queue_size)) != size)
		return -EIO;
	hf_mmio_write16(COMMON(pci, queue_enable), 1);
	if (hf_mmio_read16(COMMON(pci, queue_enable)) != 1)
		return -EIO;
	pci->bells[index] = bell;
	return 0;
}

static void notify(struct hf_virtio *dev, unsigned int index)
{
	hf_mmio_write16(pci_of(dev)->bells[index], index);
}

/* -- configuration ----------------------------------------------------------- */

static bool in_config(const struct pci *pci, unsigned int offset, size_t size)
{
	return offset <= pci->layout.device.size &&
	       size <= pci->layout.device.size - offset;
}

/* The widest access that fits, which for a field alone is the field's. */
static size_t width(unsigned int offset, size_t left)
{
	if (offset % 4 == 0 && left >= 4)
		return 4;
	return offset % 2 == 0 && left >= 2 ? 2 : 1;
}

static void copy_from(volatile char *at, unsigned int offset, char *data,
		      size_t size)
{
	size_t n;

	for (; size; offset += n, data += n, size -= n) {
		uint32_t value;

		n = width(offset, size);
		if (n == 4)
			value = hf_mmio_read32(at + offset);
		else if (n == 2)
			value = hf_mmio_read16(at + offset);
		else
			value = hf_mmio_read8(at + offset);
		value = htole32(value);
		memcpy(data, &value, n);
	}
}

static void copy_to(volatile char *at, unsigned int offset, const char *data,
		    size_t size)
{
	size_t n;

	for (; size; offset += n, data += n, size -= n) {
		uint32_t value = 0;

		n = width(offset, size);
		memcpy(&value, data, n);
		value = le32toh(value);
		if (n == 4)
			hf_mmio_write32(at + offset, value);
		else if (n == 2)
			hf_mmio_write16(at + offset, value);
		else
			hf_mmio_write8(at + offset, value);
	}
}

static int config_read(struct hf_virtio *dev, unsigned int offset, void *data,
		       size_t size)
{
	struct pci *pci = pci_of(dev);
	volatile char *generation = COMMON(pci, config_generation);
	uint8_t before;

	if (!in_config(pci, offset, size))
		return -EINVAL;
	for (unsigned int i = 0; i < CONFIG_TRIES; i++) {
		before = hf_mmio_read8(generation);
		copy_from(pci->layout.device.at, offset, data, size);
		if (hf_mmio_read8(generation) != before)
			continue;
		return get_status(dev) == GONE ? -EIO : 0;
	}
	return -EIO;
}

static int config_write(struct hf_virtio *dev, unsigned int offset,
			const void *data, size_t size)
{
	struct pci *pci = pci_of(dev);

	if (!in_config(pci, offset, size))
		return -EINVAL;
	copy_to(pci->layout.device.at, offset, data, size);
	return get_status(dev) == GONE ? -EIO : 0;
}

/* -- interrupts -------------------------------------------------------------- */

/* Each time that one of them is counted up is an event, once: nobody reads them. */
static unsigned int interrupts(struct hf_virtio *dev)
{
	struct epoll_event events[VECTORS + 1];
	unsigned int what = 0;
	int n = epoll_wait(dev->irq_fd, events, VECTORS + 1, 0);

	for (int i = 0; i < n; i++)
		what |= events[i].data.u32;
	return what;
}

static int watch(int epoll, int fd, unsigned int what)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLET,
		.data.u32 = what,
	};

	if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return 0;
}

static int create_fds(struct pci *pci)
{
	const unsigned int what[VECTORS] = {
		[CONFIG] = HF_VIRTIO_IRQ_CONFIG |
			   (pci->vectors == 1 ? HF_VIRTIO_IRQ_QUEUE : 0),
		[QUEUES] = HF_VIRTIO_IRQ_QUEUE,
	};
	int epoll = epoll_create1(EPOLL_CLOEXEC), ret;

	if (epoll < 0)
		return -errno;
	pci->virtio.irq_fd = epoll;
	for (unsigned int i = 0; i < VECTORS; i++) {
		pci->fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ret = watch(epoll, pci->fds[i], what[i]);
		if (ret)
			return ret;
	}
	return watch(epoll, hf_vfio_request_fd(pci->vfio), HF_VIRTIO_IRQ_GONE);
}

static void close_fds(struct pci *pci)
{
	for (unsigned int i = 0; i < VECTORS; i++)
		if (pci->fds[i] >= 0)
			close(pci->fds[i]);
	if (pci->virtio.irq_fd >= 0)
		close(pci->virtio.irq_fd);
}

/* -- life -------------------------------------------------------------------- */

/* The kernel waits for a device that is being unplugged until it is closed. */
static int release(struct hf_virtio *dev)
{
	struct hf_vfio *vfio = pci_of(dev)->vfio;

	hf_vfio_release(vfio);
	return hf_vfio_no_iommu(vfio) ? -EIO : 0;
}

static void destroy(struct hf_virtio *dev)
{
	struct pci *pci = pci_of(dev);

	hf_vfio_set_master(pci->vfio, false);
	hf_vfio_set_irqs(pci->vfio, HF_VFIO_MSIX, NULL, 0);
	close_fds(pci);
	free(pci);
}

static const struct hf_virtio_ops ops = {
	.get_status = get_status,
	.set_status = set_status,
	.get_features = get_features,
	.set_features = set_features,
	.queue_size = queue_size,
	.setup_queue = setup_queue,
	.notify = notify,
	.config_read = config_read,
	.config_write = config_write,
	.interrupts = interrupts,
	.release = release,
	.destroy = destroy,
};

static int read_id(struct hf_vfio *vfio, unsigned int offset, uint16_t *id)
{
	int ret = hf_vfio_config_read(vfio, offset, id, sizeof(*id));

	*id = le16toh(*id);
	return ret ? -EIO : 0;
}

/* Is it a modern device of the type (4.1.2)? */
static int check_id(struct hf_vfio *vfio, uint16_t type, char *why, size_t size)
{
	uint16_t vendor, device, subsystem;

	if (read_id(vfio, PCI_VENDOR_ID, &vendor) ||
	    read_id(vfio, PCI_DEVICE_ID, &device) ||
	    read_id(vfio, PCI_SUBSYSTEM_ID, &subsystem)) {
		snprintf(why, size, "its config space cannot be read");
		return -EIO;
	}
	if (vendor == VENDOR && device == FIRST_MODERN + type)
		return 0;
	if (vendor == VENDOR && device >= FIRST_LEGACY &&
	    device < FIRST_MODERN && subsystem == type) {
		snprintf(why, size, "a legacy or transitional virtio device "
			 "(%04x:%04x); only modern ones are supported",
			 vendor, device);
		return -ENOTSUP;
	}
	snprintf(why, size, "%04x:%04x is no virtio device of type %u", vendor,
		 device, type);
	return -ENODEV;
}

static int init(struct pci *pci, uint16_t type, char *why, size_t size)
{
	int ret = check_id(pci->vfio, type, why, size);

	if (ret)
		return ret;
	ret = hf_virtio_pci_find(pci->vfio, &pci->layout);
	if (ret) {
		snprintf(why, size, "a virtio capability is missing or makes "
			 "no sense");
		return ret;
	}
	pci->vectors = hf_vfio_num_irqs(pci->vfio, HF_VFIO_MSIX);
	if (!pci->vectors) {
		snprintf(why, size, "it has no MSI-X");
		return -ENOTSUP;
	}
	if (pci->vectors > VECTORS)
		pci->vectors = VECTORS;
	ret = create_fds(pci);
	if (ret)
		snprintf(why, size, "no event descriptors: %s", strerror(-ret));
	return ret;
}

struct hf_virtio *hf_virtio_pci_create(struct hf_vfio *vfio,
				       struct hf_dma_device *dma, uint16_t type,
				       char *why, size_t size)
{
	struct pci *pci = calloc(1, sizeof(*pci));
	int ret;

	if (!pci) {
		snprintf(why, size, "out of memory");
		errno = ENOMEM;
		return NULL;
	}
	pci->vfio = vfio;
	pci->virtio.ops = &ops;
	pci->virtio.dma = dma;
	pci->virtio.irq_fd = -1;
	pci->fds[CONFIG] = pci->fds[QUEUES] = -1;
	ret = init(pci, type, why, size);
	if (ret) {
		close_fds(pci);
		free(pci);
		errno = -ret;
		return NULL;
	}
	return &pci->virtio;
}
