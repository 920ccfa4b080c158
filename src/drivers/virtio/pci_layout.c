/* SPDX-License-Identifier: MIT */
/*
 * Where a virtio device over PCI keeps its structures. What the device says is
 * checked once, here: each structure lies within its BAR, aligned and large enough.
 * The structure for interrupts (ISR) is for devices without MSI-X and not looked for.
 *
 * Source: VIRTIO 1.2, 4.1.4. A device is looked at by one thread.
 */
#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "drivers/virtio/pci_layout.h"

#define BARS 6

/* What a structure must be to be used. */
struct demand {
	uint8_t cap_size;
	uint32_t size, align;
};

/* Map what a capability describes, or leave the area as it is. */
static void map(struct hf_vfio *vfio, const struct virtio_pci_cap *cap,
		const struct demand *demand, struct hf_virtio_pci_area *area)
{
	uint32_t offset = le32toh(cap->offset), size = le32toh(cap->length);
	volatile void *bar;
	size_t bar_size;

	if (cap->cap_len < demand->cap_size || cap->bar >= BARS ||
	    size < demand->size || offset % demand->align)
		return;
	bar = hf_vfio_bar(vfio, cap->bar, &bar_size);
	if (!bar || offset > bar_size || size > bar_size - offset)
		return;
	area->at = (volatile char *)bar + offset;
	area->size = size;
}

/* A queue's register is of 16 bits, and so its place is even. */
static void map_notify(struct hf_vfio *vfio, unsigned int at,
		       const struct virtio_pci_cap *cap,
		       struct hf_virtio_pci_layout *layout)
{
	static const struct demand demand = {
		sizeof(struct virtio_pci_notify_cap), 2, 2
	};
	uint32_t multiplier;

	if (hf_vfio_config_read(vfio, at + VIRTIO_PCI_NOTIFY_CAP_MULT,
				&multiplier, sizeof(multiplier)))
		return;
	layout->multiplier = le32toh(multiplier);
	if (layout->multiplier % 2 == 0)
		map(vfio, cap, &demand, &layout->notify);
}

static void look_at(struct hf_vfio *vfio, unsigned int at,
		    struct hf_virtio_pci_layout *layout)
{
	static const struct demand common = {
		sizeof(struct virtio_pci_cap),
		sizeof(struct virtio_pci_common_cfg), 4
	}, device = { sizeof(struct virtio_pci_cap), 1, 4 };
	struct virtio_pci_cap cap;

	if (hf_vfio_config_read(vfio, at, &cap, sizeof(cap)))
		return;
	if (cap.cfg_type == VIRTIO_PCI_CAP_COMMON_CFG && !layout->common.at)
		map(vfio, &cap, &common, &layout->common);
	else if (cap.cfg_type == VIRTIO_PCI_CAP_NOTIFY_CFG &&
		 !layout->notify.at)
		map_notify(vfio, at, &cap, layout);
	else if (cap.cfg_type == VIRTIO_PCI_CAP_DEVICE_CFG &&
		 !layout->device.at)
		map(vfio, &cap, &device, &layout->device);
}

int hf_virtio_pci_find(struct hf_vfio *vfio,
		       struct hf_virtio_pci_layout *layout)
{
	unsigned int at = 0;

	*layout = (struct hf_virtio_pci_layout){ 0 };
	while ((at = hf_vfio_capability(vfio, PCI_CAP_ID_VNDR, at)))
		look_at(vfio, at, layout);
	return layout->common.at && layout->notify.at ? 0 : -ENOTSUP;
}
