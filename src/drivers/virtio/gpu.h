/* SPDX-License-Identifier: MIT */
/*
 * virtio-gpu, 2D: the driver of a paravirtual display.
 *
 * command.c queues commands, matches responses, and holds what a command uses until
 * it is complete; resource.c has the resources, whose backing is an object's memory;
 * gpu.c starts and stops the device and asks for its monitors. display.c is the KMS
 * side: framebuffers are resources, flips are transfers and flushes.
 *
 * The lock of the devices protects it all. Nothing here sleeps: a command that finds
 * the ring full waits in a list.
 *
 * Source: VIRTIO 1.2, 5.7 (GPU device); <linux/virtio_gpu.h>.
 */
#ifndef HF_VIRTIO_GPU_H
#define HF_VIRTIO_GPU_H

#include <linux/virtio_gpu.h>

#include "base/clock.h"
#include "drivers/virtio/virtio.h"
#include "gem/gem.h"
#include "kms/kms.h"

struct hf_virtio_gpu;

/**
 * hf_virtio_gpu_create() - Start a device.
 * @virtio: owned from here on, also on an error
 * @clock: for the watchdog: a device that does not answer in ten seconds is broken
 *
 * Return: NULL and errno: ENOTSUP, EIO, ENOMEM. The log says what is wrong.
 */
struct hf_virtio_gpu *hf_virtio_gpu_create(struct hf_virtio *virtio,
					   struct hf_clock *clock);
/**
 * hf_virtio_gpu_stop() - Reset the device: it works on nothing any more.
 *
 * Flips end, now; later ones end at once, and framebuffers can still be cleaned up.
 */
void hf_virtio_gpu_stop(struct hf_virtio_gpu *gpu);
/**
 * hf_virtio_gpu_destroy() - Stop it, and let go of all that it was using.
 *
 * Its display is gone. What a device that will not be reset may still reach is kept
 * for good, which is logged. Takes NULL.
 */
void hf_virtio_gpu_destroy(struct hf_virtio_gpu *gpu);

/** hf_virtio_gpu_interrupt() - virtio->irq_fd is readable. */
void hf_virtio_gpu_interrupt(struct hf_virtio_gpu *gpu);

/**
 * struct hf_virtio_gpu_stats - Counters for `holdfast info`.
 * @in_flight: commands that are not complete, also those that wait for room
 * @resources: whose memory the device may reach
 * @commands: ever completed
 * @errors: of those, with an error
 * @down: it is broken or gone
 */
struct hf_virtio_gpu_stats {
	uint64_t in_flight, resources, commands, errors;
	bool down;
};
void hf_virtio_gpu_stats(const struct hf_virtio_gpu *gpu,
			 struct hf_virtio_gpu_stats *stats);

/* Of the KMS side: what kms/kms.h asks of a driver (display.c). */
extern const struct hf_kms_funcs hf_virtio_gpu_kms;

/**
 * hf_virtio_gpu_outputs() - Its monitors as it describes them now.
 * @outputs: set to one a scanout, connected or not
 *
 * Waits for the device, which is done only while a device is being created.
 *
 * Return: how many; a negative errno.
 */
int hf_virtio_gpu_outputs(struct hf_virtio_gpu *gpu,
			  struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS]);
/** hf_virtio_gpu_attach() - Its display is @kms from now on; events go there. */
void hf_virtio_gpu_attach(struct hf_virtio_gpu *gpu, struct hf_kms_device *kms);

#endif
