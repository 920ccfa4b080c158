/* SPDX-License-Identifier: MIT */
/*
 * Where a virtio device over PCI keeps its structures: its vendor capabilities
 * say (VIRTIO 1.2, 4.1.4). For pci.c.
 */
#ifndef HF_VIRTIO_PCI_LAYOUT_H
#define HF_VIRTIO_PCI_LAYOUT_H

#include "dma/vfio.h"

/**
 * struct hf_virtio_pci_area - A structure in a BAR; it is within the BAR.
 * @at: NULL: there is none
 * @size: bytes
 */
struct hf_virtio_pci_area {
	volatile char *at;
	uint32_t size;
};

/**
 * struct hf_virtio_pci_layout - All of them that are used.
 * @common: struct virtio_pci_common_cfg, or more
 * @notify: registers of queues
 * @device: its own configuration; it may have none
 * @multiplier: of a queue's place in @notify, bytes
 */
struct hf_virtio_pci_layout {
	struct hf_virtio_pci_area common, notify, device;
	uint32_t multiplier;
};

/**
 * hf_virtio_pci_find() - Find out, and map the BARs.
 *
 * A capability that makes no sense is passed over, as are all but the first of a
 * type that do.
 *
 * Return: 0; -ENOTSUP where one that is needed is missing.
 */
int hf_virtio_pci_find(struct hf_vfio *vfio,
		       struct hf_virtio_pci_layout *layout);

#endif
