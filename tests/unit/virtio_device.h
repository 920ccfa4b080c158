/* SPDX-License-Identifier: MIT */
/*
 * The device's side of a virtio device, for tests: a transport in memory, and rings
 * that are read and written through a port, as a device would. It checks what the
 * driver offers, and can break the rules itself. What the driver does wrong fails
 * the test that called.
 */
#ifndef HF_TESTS_VIRTIO_DEVICE_H
#define HF_TESTS_VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/virtio/virtio.h"

#define VDEV_QUEUES 4
#define VDEV_PIECES 512
#define VDEV_CONFIG 256

/**
 * struct vdev_queue - What the device knows of a queue.
 * @max: entries that it can have; 0: there is none
 * @size: that it has; 0: it is not set up
 * @next_avail: the next one that vdev_pop() takes
 * @next_used: the next one that vdev_push() fills in
 * @notified: how often, ever
 * @no_setup: it is refused
 */
struct vdev_queue {
	unsigned int max, size;
	hf_iova_t desc, avail, used;
	uint16_t next_avail, next_used;
	unsigned int notified;
	bool no_setup;
};

/**
 * struct vdev - A device. Tests set and look at what they like.
 * @virtio: what the driver has
 * @offered: features; @accepted: those that the driver took
 * @no_features: it does not agree to any
 * @gone: status reads as all ones, and nothing has an effect
 * @stuck: it is not reset
 * @resets: that it went through
 * @behind_iommu: given back, it reaches nothing; @released: how often it was
 * @pending: what ops.interrupts() gives: HF_VIRTIO_IRQ_*
 * @kicked: called by a notification, if not NULL
 */
struct vdev {
	struct hf_virtio virtio;
	struct hf_dma_port port;
	uint64_t offered, accepted;
	uint8_t status;
	bool no_features, gone, stuck;
	bool behind_iommu;
	unsigned int resets, released, pending;
	uint8_t config[VDEV_CONFIG];
	struct vdev_queue queues[VDEV_QUEUES];
	void (*kicked)(struct vdev *dev, unsigned int queue);
	bool destroyed;
};

/**
 * struct vdev_chain - A buffer that the driver offers.
 * @head: its id
 * @out: pieces that the device reads; @in: that it writes
 * @room: bytes of @in
 */
struct vdev_chain {
	uint16_t head;
	unsigned int nout, nin;
	struct hf_virtio_sg out[VDEV_PIECES], in[VDEV_PIECES];
	uint64_t room;
};

/* @features: besides VIRTIO_F_VERSION_1 and VIRTIO_F_ACCESS_PLATFORM. @dev is zero. */
void vdev_init(struct vdev *dev, struct hf_dma_device *dma, uint64_t features,
	       unsigned int queues, unsigned int max);
void vdev_finish(struct vdev *dev);

/* Raise an interrupt: irq_fd becomes readable. */
void vdev_interrupt(struct vdev *dev, unsigned int what);

/* Take the next buffer; false where there is none. */
bool vdev_pop(struct vdev *dev, unsigned int queue, struct vdev_chain *chain);
/* Copy out of the pieces that the device reads. Return: bytes that were there. */
size_t vdev_read(struct vdev *dev, const struct vdev_chain *chain,
		 size_t offset, void *data, size_t size);
/* Copy into those that it writes. Return: bytes for which there was room. */
size_t vdev_write(struct vdev *dev, const struct vdev_chain *chain,
		  size_t offset, const void *data, size_t size);
/* Give a buffer back. */
void vdev_push(struct vdev *dev, unsigned int queue, uint16_t head,
	       uint32_t written);

/* Whether the device wants to be notified. */
void vdev_want_notify(struct vdev *dev, unsigned int queue, bool want);

/* Of those that say which buffer they want to hear of: the device does, */
void vdev_set_avail_event(struct vdev *dev, unsigned int queue, uint16_t event);
/* and what the driver has said. */
uint16_t vdev_used_event(struct vdev *dev, unsigned int queue);

/* Breaking the rules: an entry without the index, any id; the index alone. */
void vdev_set_used(struct vdev *dev, unsigned int queue, uint16_t slot,
		   uint32_t id, uint32_t written);
void vdev_set_used_index(struct vdev *dev, unsigned int queue, uint16_t index);
/* Write nonsense all over a descriptor, whose memory is the driver's. */
void vdev_scribble(struct vdev *dev, unsigned int queue, unsigned int desc);

#endif
