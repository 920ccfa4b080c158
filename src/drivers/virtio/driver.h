/* SPDX-License-Identifier: MIT */
/*
 * The virtio-gpu driver, for those who make devices.
 */
#ifndef HF_VIRTIO_DRIVER_H
#define HF_VIRTIO_DRIVER_H

#include "uapi/device.h"

/* A PCI virtio-gpu over VFIO: struct hf_device_options.vfio. */
extern const struct hf_driver hf_virtio_driver;

#endif
