/* SPDX-License-Identifier: MIT */
/*
 * A virtio-gpu for tests: the 2D commands are executed in memory, on what the
 * device's own accesses find, so whatever the driver let go of too early is a fault,
 * and fails the test. It is slow, or talks nonsense, when it is told to.
 */
#ifndef HF_TESTS_VIRTIO_GPU_DEVICE_H
#define HF_TESTS_VIRTIO_GPU_DEVICE_H

#include <linux/virtio_gpu.h>

#include "virtio_device.h"

#define GDEV_RESOURCES 1024
#define GDEV_HELD 64
#define GDEV_TYPES 16
#define GDEV_MAX 512 /* pixels or lines of what it shows */
#define GDEV_CURSOR 64
/* What it shows where it was not told to show anything. */
#define GDEV_GARBAGE 0xdeadbeef

struct gdev_resource {
	bool used;
	uint32_t format, width, height;
	uint8_t *pixels;
	struct virtio_gpu_mem_entry *entries;
	uint32_t nentries;
};

/**
 * struct gdev_scanout - A monitor.
 * @width: that it says it has; likewise @height, @enabled
 * @edid: likewise; @edid_size is what it says
 * @resource: that it shows, or 0; @rect: of it
 * @picture: XRGB8888 as it is on the screen, @rect's size
 * @cursor: resource, or 0; @image: its pixels, ARGB8888
 */
struct gdev_scanout {
	uint32_t width, height, enabled;
	uint8_t edid[1024];
	uint32_t edid_size;
	uint32_t resource;
	struct virtio_gpu_rect rect;
	uint32_t picture[GDEV_MAX * GDEV_MAX];
	uint32_t cursor, x, y;
	uint32_t image[GDEV_CURSOR * GDEV_CURSOR];
};

/**
 * struct gdev - The device.
 * @hold: commands stay in their queues until gdev_run() or gdev_step()
 * @fail: type of command that fails with @error
 * @short_answers: no answer has more bytes than this; 0: all are whole
 * @wrong_type: all answers are to something else
 * @wrong_fence: fences are others
 * @resets: how many of vdev.resets were seen
 * @commands: how many of each type, from VIRTIO_GPU_CMD_GET_DISPLAY_INFO; @updates,
 *	@moves: of the cursor
 * @transferred: rectangle of the last transfer; likewise @flushed, and @offset
 */
struct gdev {
	struct vdev vdev;
	bool hold;
	uint32_t fail, error;
	uint32_t short_answers;
	bool wrong_type, wrong_fence;
	unsigned int resets;
	unsigned int commands[GDEV_TYPES], updates, moves;
	struct virtio_gpu_rect transferred, flushed;
	uint64_t offset;
	unsigned int num_scanouts;
	struct gdev_scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];
	struct gdev_resource resources[GDEV_RESOURCES];
	struct vdev_chain held[GDEV_HELD];
};

/* @dev is zero. @entries: of its queues. */
void gdev_init(struct gdev *dev, struct hf_dma_device *dma,
	       unsigned int num_scanouts, unsigned int entries);
void gdev_finish(struct gdev *dev);

/* Monitors: width 0 is unplugged. gdev_hotplug() tells the driver. */
void gdev_plug(struct gdev *dev, unsigned int scanout, uint32_t width,
	       uint32_t height);
void gdev_hotplug(struct gdev *dev);

/* Execute the next command of a queue; false where there is none. */
bool gdev_step(struct gdev *dev, unsigned int queue);
/* Execute all of them. */
void gdev_run(struct gdev *dev);
/* The same, in order, but the last one is complete first. */
void gdev_run_backwards(struct gdev *dev, unsigned int queue);

unsigned int gdev_count(const struct gdev *dev, uint32_t type);
/* Resources that it has. */
unsigned int gdev_resources(const struct gdev *dev);

#endif
