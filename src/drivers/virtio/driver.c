/* SPDX-License-Identifier: MIT */
/*
 * The virtio-gpu driver's description, and its life as the driver of a device.
 *
 * The system's lock protects it, as it does the device.
 */
#include <errno.h>
#include <linux/virtio_ids.h>

#include "drivers/virtio/driver.h"
#include "drivers/virtio/gpu.h"
#include "holdfast_drm.h"

static int probe(struct hf_device *dev, const struct hf_device_options *options,
		 struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS])
{
	struct hf_virtio_gpu *gpu;
	struct hf_virtio *virtio;
	int n;

	virtio = hf_virtio_pci_create(dev->vfio, &dev->dma, VIRTIO_ID_GPU,
				      options->why, HF_VFIO_WHY);
	if (!virtio)
		return -errno;
	gpu = hf_virtio_gpu_create(virtio, dev->sys->real_clock);
	if (!gpu)
		return -errno;
	n = hf_virtio_gpu_outputs(gpu, outputs);
	if (n < 0) {
		hf_virtio_gpu_destroy(gpu);
		return n;
	}
	dev->hw = gpu;
	dev->irq_fd = virtio->irq_fd;
	return n;
}

static void start(struct hf_device *dev)
{
	hf_virtio_gpu_attach(dev->hw, &dev->kms);
}

static void stop(struct hf_device *dev)
{
	hf_virtio_gpu_stop(dev->hw);
}

static void remove_device(struct hf_device *dev)
{
	hf_virtio_gpu_destroy(dev->hw);
	dev->hw = NULL;
	dev->irq_fd = -1;
}

static void interrupt(struct hf_device *dev)
{
	hf_virtio_gpu_interrupt(dev->hw);
}

static void stats(struct hf_device *dev, struct hf_hw_stats *stats)
{
	struct hf_virtio_gpu_stats gpu;
	struct hf_vfio_stats vfio;

	hf_virtio_gpu_stats(dev->hw, &gpu);
	hf_vfio_stats(dev->vfio, &vfio);
	*stats = (struct hf_hw_stats){
		.address = hf_vfio_name(dev->vfio),
		.in_flight = gpu.in_flight,
		.resources = gpu.resources,
		.commands = gpu.commands,
		.errors = gpu.errors,
		.mappings = vfio.mappings,
		.available = vfio.available,
		.pinned = vfio.pinned,
		.gone = gpu.down,
	};
}

const struct hf_driver hf_virtio_driver = {
	.name = HOLDFAST_DRM_NAME,
	.desc = "Holdfast virtio-gpu over VFIO",
	.date = "20261122",
	.major = HOLDFAST_DRM_MAJOR,
	.minor = HOLDFAST_DRM_MINOR,
	.kms = &hf_virtio_gpu_kms,
	.probe = probe,
	.start = start,
	.stop = stop,
	.remove = remove_device,
	.interrupt = interrupt,
	.stats = stats,
};
