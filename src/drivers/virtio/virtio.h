/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices and their split virtqueues, from the driver's side.
 *
 * How the device is reached is an interface: over PCI (drivers/virtio/pci.c), or
 * whatever else fills in struct hf_virtio_ops. The rings are memory from
 * hf_dma_alloc(). A device is not trusted: what it writes is read once, checked,
 * and a device that breaks the rules is broken from then on (hf_virtio_fail()).
 *
 * The lock of the devices protects it all.
 *
 * Source: Virtual I/O Device (VIRTIO) Version 1.2, OASIS: 2 (basic facilities), 2.7
 * (split virtqueues), 3 (initialization), 4.1 (PCI).
 */
#ifndef HF_VIRTIO_VIRTIO_H
#define HF_VIRTIO_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dma/dma.h"

struct hf_vfio;
struct hf_virtio;
struct hf_virtqueue;

/**
 * struct hf_virtio_ops - How a device is reached.
 * @get_status: the device status field (2.1); 0xff where it is gone
 * @set_status: 0 resets it, which is done on return, or -EIO where it does not
 *	get there within a second
 * @get_features: what it offers
 * @set_features: what the driver takes
 * @queue_size: the most entries that a queue can have; 0: there is no such queue
 * @setup_queue: tell it where a queue is, and enable it; 0 or -EIO
 * @notify: there is something new in a queue
 * @config_read: its own configuration, consistent (generation); 0, -EINVAL, -EIO
 * @config_write: likewise
 * @interrupts: what has happened since this was asked last: HF_VIRTIO_IRQ_*
 * @release: it is of no use any more: give it back to whom it came from. 0 where it is
 *	certain that it reaches no memory from here on, also if it was not reset; else
 *	-EIO. All else still may be called. NULL: there is nobody
 * @destroy: let go of it; it was reset
 */
struct hf_virtio_ops {
	uint8_t (*get_status)(struct hf_virtio *dev);
	int (*set_status)(struct hf_virtio *dev, uint8_t status);
	uint64_t (*get_features)(struct hf_virtio *dev);
	void (*set_features)(struct hf_virtio *dev, uint64_t features);
	unsigned int (*queue_size)(struct hf_virtio *dev, unsigned int index);
	int (*setup_queue)(struct hf_virtio *dev, unsigned int index,
			   unsigned int size, hf_iova_t desc, hf_iova_t avail,
			   hf_iova_t used);
	void (*notify)(struct hf_virtio *dev, unsigned int index);
	int (*config_read)(struct hf_virtio *dev, unsigned int offset,
			   void *data, size_t size);
	int (*config_write)(struct hf_virtio *dev, unsigned int offset,
			    const void *data, size_t size);
	unsigned int (*interrupts)(struct hf_virtio *dev);
	int (*release)(struct hf_virtio *dev);
	void (*destroy)(struct hf_virtio *dev);
};

#define HF_VIRTIO_IRQ_QUEUE 1u	/* some queue has used buffers */
#define HF_VIRTIO_IRQ_CONFIG 2u /* the configuration, or the status, changed */
#define HF_VIRTIO_IRQ_GONE 4u	/* it is wanted back, or gone */

/**
 * struct hf_virtio - A virtio device. For implementations of the ops to embed.
 * @ops: how it is reached
 * @dma: what it does its DMA with; not owned
 * @irq_fd: readable when ops.interrupts() has something to say
 * @features: that were negotiated
 * @broken: it broke the rules, or is gone: nothing is sent to it any more
 * @stuck: it would not be reset and may still do DMA: its memory, the rings among
 *	it, is never given back
 */
struct hf_virtio {
	const struct hf_virtio_ops *ops;
	struct hf_dma_device *dma;
	int irq_fd;
	uint64_t features;
	bool broken, stuck;
};

/**
 * hf_virtio_pci_create() - A modern virtio device over PCI.
 * @vfio: owned by the caller, who closes it after the device is destroyed
 * @type: VIRTIO_ID_* that it must be
 *
 * With MSI-X: one vector for the configuration and one for all queues, if there are two.
 *
 * Return: NULL and errno: ENODEV where it is not such a device; ENOTSUP where it is
 * a legacy one, or lacks MSI-X or a capability; EIO; ENOMEM, EMFILE. @why says it.
 */
struct hf_virtio *hf_virtio_pci_create(struct hf_vfio *vfio,
				       struct hf_dma_device *dma, uint16_t type,
				       char *why, size_t size);
/**
 * hf_virtio_destroy() - Reset it and let go of it. Takes NULL.
 *
 * Its queues are destroyed, and so it was reset already (hf_virtio_reset()).
 */
void hf_virtio_destroy(struct hf_virtio *dev);

/**
 * hf_virtio_negotiate() - Reset the device and agree on features (3.1.1, 1 to 6).
 * @wanted: features that the driver can do without
 * @needed: that it cannot; added are VIRTIO_F_VERSION_1, and behind an IOMMU
 *	VIRTIO_F_ACCESS_PLATFORM: without it the device would go past that
 *
 * Both name the features of the type of device; those of queues are not the driver's
 * to choose. Queues are created afterwards.
 *
 * Return: 0; -ENOTSUP where something needed is not offered or the device does not
 * agree, which is logged; -EIO, also where it is broken.
 */
int hf_virtio_negotiate(struct hf_virtio *dev, uint64_t wanted, uint64_t needed);
/** hf_virtio_start() - Queues are set up: the device may work (DRIVER_OK). 0, -EIO. */
int hf_virtio_start(struct hf_virtio *dev);
/**
 * hf_virtio_interrupts() - What has happened since this was asked last.
 *
 * A device that says that it needs a reset, or is gone, is broken afterwards.
 *
 * Return: HF_VIRTIO_IRQ_*.
 */
unsigned int hf_virtio_interrupts(struct hf_virtio *dev);
/**
 * hf_virtio_reset() - Stop it: its queues do nothing any more, and are destroyed next.
 *
 * hf_virtio_negotiate() is the way back, unless it is broken.
 *
 * Return: 0; -EIO where it would not be reset: it is @broken and @stuck.
 */
int hf_virtio_reset(struct hf_virtio *dev);
/**
 * hf_virtio_fail() - The device cannot be relied on: say so once, and reset it.
 *
 * Afterwards it is @broken. Return: 0 where it is certain that it does no DMA any
 * more; -EIO where it would not be reset (@stuck): then its memory must not be given
 * back. The same again for a device that is broken already.
 */
int hf_virtio_fail(struct hf_virtio *dev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* -- queues ------------------------------------------------------------------ */

/* A piece of a buffer: device addresses. */
struct hf_virtio_sg {
	hf_iova_t addr;
	uint32_t length;
};

/**
 * hf_virtqueue_create() - Make a queue and tell the device.
 * @size: entries at most; less where the device has less. Rounded down to a power
 *	of two
 *
 * Return: NULL and errno: ENODEV where the device has no such queue; ENOMEM, EIO.
 */
struct hf_virtqueue *hf_virtqueue_create(struct hf_virtio *dev,
					 unsigned int index, unsigned int size);
/**
 * hf_virtqueue_destroy() - The device was reset. Takes NULL.
 *
 * The ring is kept for ever where the device is stuck.
 */
void hf_virtqueue_destroy(struct hf_virtqueue *vq);

/**
 * hf_virtqueue_add() - Offer a buffer to the device.
 * @out: pieces that it reads; then @in: that it writes
 * @data: what hf_virtqueue_get() gives back; not NULL
 *
 * The pieces stay mapped until then. The device sees it with hf_virtqueue_kick().
 *
 * Return: 0; -ENOSPC where not enough entries are free; -EIO where the device is
 * broken; -EINVAL for no pieces, an empty one, or more than 4 GiB.
 */
int hf_virtqueue_add(struct hf_virtqueue *vq, const struct hf_virtio_sg *out,
		     unsigned int nout, const struct hf_virtio_sg *in,
		     unsigned int nin, void *data);
/**
 * hf_virtqueue_kick() - Show what was added, and notify the device if it wants that.
 *
 * There is an interrupt when the device is done with the last of it, and may be one
 * before.
 */
void hf_virtqueue_kick(struct hf_virtqueue *vq);
/**
 * hf_virtqueue_get() - A buffer that the device is done with.
 * @written: set to bytes that it says it has written, at most what there is room for
 *
 * Return: its data; NULL where there is none, or the device broke the rules: then
 * dev->broken is set, and hf_virtqueue_detach() gives the others.
 */
void *hf_virtqueue_get(struct hf_virtqueue *vq, uint32_t *written);
/**
 * hf_virtqueue_detach() - Take back a buffer that the device never used.
 *
 * After a reset only; the queue is destroyed next. Return: its data, or NULL.
 */
void *hf_virtqueue_detach(struct hf_virtqueue *vq);
/** hf_virtqueue_free_entries() - That hf_virtqueue_add() could use now. */
unsigned int hf_virtqueue_free_entries(const struct hf_virtqueue *vq);

#endif
