/* SPDX-License-Identifier: MIT */
/*
 * A PCI device through VFIO: config space, BARs, interrupts and reset. Each is a
 * part of the device's file, or an ioctl on it. A device that hangs, or is gone,
 * fails its ioctls and reads; a BAR of one that is gone reads as 0, for the trap
 * is over it.
 *
 * It is the caller's, who uses it from one thread at a time.
 *
 * Source: <linux/vfio.h>; PCI Local Bus 3.0, 6.1 and 6.7.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "dma/vfio_internal.h"

/* Capabilities are in the first 256 bytes, on multiples of 4. */
#define CAPABILITY_SLOTS 64
#define CAPABILITY_FIRST 0x40

/* A millisecond each, while somebody else resets it. */
#define RESET_TRIES 1000

/* The most vectors that MSI-X has. */
#define MAX_IRQS 2048

static int ioctl_of(const struct hf_vfio *vfio, unsigned long request,
		    void *argument)
{
	int ret;

	do
		ret = ioctl(vfio->device, request, argument);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

/* -- config space ------------------------------------------------------------ */

static bool within(const struct hf_vfio_region *region, unsigned int offset,
		   size_t size)
{
	return size && offset <= region->size &&
	       size <= region->size - offset;
}

int hf_vfio_config_read(struct hf_vfio *vfio, unsigned int offset, void *data,
			size_t size)
{
	ssize_t n;

	if (!within(&vfio->config, offset, size))
		return -EINVAL;
	n = pread(vfio->device, data, size, vfio->config.offset + offset);
	return n == (ssize_t)size ? 0 : -EIO;
}

int hf_vfio_config_write(struct hf_vfio *vfio, unsigned int offset,
			 const void *data, size_t size)
{
	ssize_t n;

	if (!within(&vfio->config, offset, size))
		return -EINVAL;
	n = pwrite(vfio->device, data, size, vfio->config.offset + offset);
	return n == (ssize_t)size ? 0 : -EIO;
}

static unsigned int first_capability(struct hf_vfio *vfio)
{
	uint16_t status;
	uint8_t offset;

	if (hf_vfio_config_read(vfio, PCI_STATUS, &status, sizeof(status)) ||
	    !(status & PCI_STATUS_CAP_LIST) ||
	    hf_vfio_config_read(vfio, PCI_CAPABILITY_LIST, &offset,
				sizeof(offset)))
		return 0;
	return offset & ~3u;
}

/* Each is looked at once: the list of a bad device may be a circle. */
unsigned int hf_vfio_capability(struct hf_vfio *vfio, uint8_t id,
				unsigned int after)
{
	unsigned int offset = first_capability(vfio);
	bool seen[CAPABILITY_SLOTS] = { false };
	bool past = !after;
	uint8_t header[2];

	while (offset >= CAPABILITY_FIRST && !seen[offset / 4]) {
		seen[offset / 4] = true;
		if (hf_vfio_config_read(vfio, offset, header, sizeof(header)))
			return 0;
		if (past && header[PCI_CAP_LIST_ID] == id)
			return offset;
		past |= offset == after;
		offset = header[PCI_CAP_LIST_NEXT] & ~3u;
	}
	return 0;
}

int hf_vfio_set_master(struct hf_vfio *vfio, bool master)
{
	uint16_t old, command;

	if (hf_vfio_config_read(vfio, PCI_COMMAND, &old, sizeof(old)))
		return -EIO;
	command = master ? old | PCI_COMMAND_MASTER :
			   old & ~PCI_COMMAND_MASTER;
	if (command == old)
		return 0;
	return hf_vfio_config_write(vfio, PCI_COMMAND, &command,
				    sizeof(command)) ? -EIO : 0;
}

/* -- BARs -------------------------------------------------------------------- */

static size_t whole_pages(uint64_t size)
{
	return (size + HF_PAGE_SIZE - 1) & ~(HF_PAGE_SIZE - 1);
}

static int map_bar(struct hf_vfio *vfio, unsigned int index)
{
	const struct hf_vfio_region *region = &vfio->regions[index];
	struct hf_trap *trap = &vfio->bars[index];
	size_t size = whole_pages(region->size);
	char *map;

	if (!region->mappable)
		return -ENOTSUP;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vfio->device,
		   region->offset);
	if (map == MAP_FAILED)
		return errno == ENOMEM ? -ENOMEM : -ENOTSUP;
	*trap = (struct hf_trap){
		.start = map,
		.size = size,
		.fd = vfio->device,
		.prot = PROT_READ | PROT_WRITE,
	};
	hf_trap_arm(trap);
	return 0;
}

volatile void *hf_vfio_bar(struct hf_vfio *vfio, unsigned int index,
			   size_t *size)
{
	int ret = 0;

	if (index >= HF_VFIO_BARS || !vfio->regions[index].size)
		ret = -ENODEV;
	else if (!vfio->bars[index].start)
		ret = map_bar(vfio, index);
	if (ret) {
		errno = -ret;
		return NULL;
	}
	*size = vfio->regions[index].size;
	return vfio->bars[index].start;
}

/* Whoever still has a pointer into one finds zeroes, if they are to be @kept. */
static void unmap_bars(struct hf_vfio *vfio, bool kept)
{
	for (size_t i = 0; i < HF_VFIO_BARS; i++) {
		struct hf_trap *trap = &vfio->bars[i];

		if (!trap->start)
			continue;
		hf_trap_disarm(trap);
		if (kept && mmap(trap->start, trap->size,
				 PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
				 0) != MAP_FAILED) {
			hf_trap_arm(trap);
			continue;
		}
		munmap(trap->start, trap->size);
		trap->start = NULL;
	}
}

/* -- interrupts -------------------------------------------------------------- */

static uint32_t irq_index(enum hf_vfio_irq kind)
{
	return kind == HF_VFIO_MSIX ? VFIO_PCI_MSIX_IRQ_INDEX :
				      VFIO_PCI_MSI_IRQ_INDEX;
}

static unsigned int count_irqs(const struct hf_vfio *vfio, uint32_t index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl_of(vfio, VFIO_DEVICE_GET_IRQ_INFO, &info) ||
	    !(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return 0;
	return info.count < MAX_IRQS ? info.count : MAX_IRQS;
}

/* Return: more than 0: so many would be there, and fewer than @n. */
static int trigger(const struct hf_vfio *vfio, uint32_t index, const int *fds,
		   unsigned int n)
{
	size_t size = sizeof(struct vfio_irq_set) + n * sizeof(*fds);
	struct vfio_irq_set *set = calloc(1, size);
	int ret;

	if (!set)
		return -ENOMEM;
	set->argsz = size;
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER |
		     (n ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = index;
	set->count = n;
	if (n)
		memcpy(set->data, fds, n * sizeof(*fds));
	ret = ioctl_of(vfio, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	return ret;
}

unsigned int hf_vfio_num_irqs(const struct hf_vfio *vfio,
			      enum hf_vfio_irq kind)
{
	return vfio->irqs[kind];
}

static int disarm(struct hf_vfio *vfio, enum hf_vfio_irq kind)
{
	if (!vfio->armed[kind])
		return 0;
	vfio->armed[kind] = 0;
	return trigger(vfio, irq_index(kind), NULL, 0) ? -EIO : 0;
}

int hf_vfio_set_irqs(struct hf_vfio *vfio, enum hf_vfio_irq kind,
		     const int *fds, unsigned int n)
{
	int ret;

	/* A device has one kind at a time. */
	if (n > vfio->irqs[kind] || (n && vfio->armed[!kind]))
		return -EINVAL;
	ret = disarm(vfio, kind);
	if (ret || !n)
		return ret;
	ret = trigger(vfio, irq_index(kind), fds, n);
	if (!ret) {
		vfio->armed[kind] = n;
		return 0;
	}
	if (ret > 0 || ret == -ENOSPC || ret == -ENOMEM)
		return -ENOMEM;
	return vfio->device >= 0 && (ret == -EINVAL || ret == -EBADF) ?
	       -EINVAL : -EIO;
}

int hf_vfio_request_fd(const struct hf_vfio *vfio)
{
	return vfio->request;
}

/* The kernel's wishes: not all kernels have them, nor all devices errors. */
static void watch_requests(struct hf_vfio *vfio)
{
	static const uint32_t wishes[] = { VFIO_PCI_REQ_IRQ_INDEX,
					   VFIO_PCI_ERR_IRQ_INDEX };

	for (size_t i = 0; i < 2; i++)
		if (count_irqs(vfio, wishes[i]) &&
		    trigger(vfio, wishes[i], &vfio->request, 1))
			hf_warn("%s: the kernel will not say when it wants it "
				"back", vfio->place.name);
}

/* -- reset ------------------------------------------------------------------- */

int hf_vfio_reset(struct hf_vfio *vfio)
{
	int ret;

	ret = hf_vfio_set_master(vfio, false);
	disarm(vfio, HF_VFIO_MSIX);
	disarm(vfio, HF_VFIO_MSI);
	if (!vfio->can_reset)
		return -ENOTSUP;
	if (ret)
		return -EIO;
	ret = ioctl_of(vfio, VFIO_DEVICE_RESET, NULL);
	if (ret)
		return ret == -EAGAIN ? -EBUSY : -EIO;
	/* The kernel has put back what config space was. */
	return hf_vfio_set_master(vfio, false);
}

/* -- opening ----------------------------------------------------------------- */

static int get_region(const struct hf_vfio *vfio, uint32_t index,
		      struct hf_vfio_region *region)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = index };
	int ret = ioctl_of(vfio, VFIO_DEVICE_GET_REGION_INFO, &info);

	if (ret)
		return ret;
	region->offset = info.offset;
	region->size = info.size;
	region->mappable = info.flags & VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

static int get_info(struct hf_vfio *vfio)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int ret = ioctl_of(vfio, VFIO_DEVICE_GET_INFO, &info);

	if (!ret && !(info.flags & VFIO_DEVICE_FLAGS_PCI))
		ret = -ENODEV;
	if (!ret)
		ret = get_region(vfio, VFIO_PCI_CONFIG_REGION_INDEX,
				 &vfio->config);
	for (uint32_t i = 0; !ret && i < HF_VFIO_BARS; i++)
		ret = get_region(vfio, VFIO_PCI_BAR0_REGION_INDEX + i,
				 &vfio->regions[i]);
	vfio->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	vfio->irqs[HF_VFIO_MSIX] = count_irqs(vfio, VFIO_PCI_MSIX_IRQ_INDEX);
	vfio->irqs[HF_VFIO_MSI] = count_irqs(vfio, VFIO_PCI_MSI_IRQ_INDEX);
	return ret;
}

/* What is known about the device, and no DMA. */
static int prepare(struct hf_vfio *vfio)
{
	int ret = get_info(vfio);

	if (ret)
		return ret;
	for (int i = 0; i < RESET_TRIES; i++) {
		ret = hf_vfio_reset(vfio);
		if (ret != -EBUSY)
			break;
		usleep(1000);
	}
	if (ret == -ENOTSUP)
		ret = hf_vfio_set_master(vfio, false);
	if (ret)
		return ret;
	watch_requests(vfio);
	return 0;
}

static int open_device(struct hf_vfio *vfio, char why[HF_VFIO_WHY])
{
	int ret;

	vfio->request = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vfio->request < 0)
		return hf_vfio_because(why, errno, "an eventfd: %s",
				       strerror(errno));
	vfio->device = ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD,
			     vfio->place.name);
	if (vfio->device < 0) {
		ret = hf_vfio_because(why, errno, "%s cannot be opened: %s",
				      vfio->place.name, strerror(errno));
		goto error_request;
	}
	ret = prepare(vfio);
	if (!ret)
		return 0;
	hf_vfio_because(why, -ret, "%s does not answer: %s", vfio->place.name,
			strerror(-ret));
	close(vfio->device);
error_request:
	close(vfio->request);
	return ret;
}

struct hf_vfio *hf_vfio_open(const char *bdf, unsigned int flags,
			     char why[HF_VFIO_WHY])
{
	struct hf_vfio *vfio = calloc(1, sizeof(*vfio));
	int ret;

	if (!vfio) {
		errno = -hf_vfio_because(why, ENOMEM, "no memory");
		return NULL;
	}
	ret = hf_vfio_find("/sys", bdf, flags, &vfio->place, why);
	if (ret)
		goto error_free;
	ret = hf_vfio_open_group("/dev", &vfio->place, &vfio->container,
				 &vfio->group, why);
	if (ret)
		goto error_free;
	ret = open_device(vfio, why);
	if (ret)
		goto error_group;
	hf_trap_install();
	return vfio;

error_group:
	close(vfio->group);
	close(vfio->container);
error_free:
	free(vfio);
	errno = -ret;
	return NULL;
}

/* Descriptors that are mapped or shared elsewhere would keep the device ours. */
static void let_go(struct hf_vfio *vfio)
{
	int *const fds[] = { &vfio->device, &vfio->group, &vfio->container };
	int ret;

	if (vfio->device < 0)
		return;
	ret = hf_vfio_reset(vfio);
	/* Who unbinds it has it: the kernel stops it when it is closed. */
	if (ret && ret != -ENOTSUP && ret != -EBUSY)
		hf_warn("%s could not be reset: what it does is not known",
			vfio->place.name);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		close(*fds[i]);
		*fds[i] = -1;
	}
}

void hf_vfio_release(struct hf_vfio *vfio)
{
	unmap_bars(vfio, true);
	let_go(vfio);
}

void hf_vfio_close(struct hf_vfio *vfio)
{
	if (!vfio)
		return;
	if (vfio->domain)
		hf_err("%s is closed before its domain", vfio->place.name);
	let_go(vfio);
	unmap_bars(vfio, false);
	close(vfio->request);
	free(vfio);
}

const char *hf_vfio_name(const struct hf_vfio *vfio)
{
	return vfio->place.name;
}

unsigned int hf_vfio_group(const struct hf_vfio *vfio)
{
	return vfio->place.group;
}

bool hf_vfio_no_iommu(const struct hf_vfio *vfio)
{
	return vfio->place.no_iommu;
}
