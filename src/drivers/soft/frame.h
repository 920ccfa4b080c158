/* SPDX-License-Identifier: MIT */
/*
 * Frames: what a CRTC shows, at one moment. Capturing one copies the states of the
 * planes, and holds the memory, with the devices' lock held; what takes long,
 * reading and composing the pixels, is done without it.
 *
 * A frame belongs to whoever captured it, and is used by one thread at a time. All
 * of a device's must be gone before the device.
 */
#ifndef HF_SOFT_FRAME_H
#define HF_SOFT_FRAME_H

#include "drivers/soft/compose.h"
#include "uapi/device.h"

struct hf_frame;

/**
 * hf_frame_capture() - Take what a CRTC shows now. The lock is held.
 * @frame: set to it; to be destroyed
 *
 * A CRTC that is off is black, in the size of its last mode.
 *
 * Return: 0, -ENODATA for a CRTC that never had a mode, -ENOMEM.
 */
int hf_frame_capture(struct hf_device *dev, struct hf_crtc *crtc,
		     struct hf_frame **frame);
/**
 * hf_frame_capture_last() - The same, but where no plane is shown, take what was
 * shown last, if that is kept: hf_kms_hold().
 */
int hf_frame_capture_last(struct hf_device *dev, struct hf_crtc *crtc,
			  struct hf_frame **frame);
/** hf_frame_size() - Pixels and lines of the CRTC's mode. */
void hf_frame_size(const struct hf_frame *frame, uint32_t *width,
		   uint32_t *height);
/**
 * hf_frame_compose() - Compose it; the target is of the frame's size. No lock is held.
 *
 * The planes are read as the display does, through its IOMMU if it has one.
 *
 * Return: 0, -EFAULT where the display cannot reach the memory, -ENOMEM, -EINVAL
 * for a target that cannot be.
 */
int hf_frame_compose(struct hf_frame *frame,
		     const struct hf_compose_target *target);
/** hf_frame_crc() - Compose it for its CRC; returns as hf_frame_compose() does. */
int hf_frame_crc(struct hf_frame *frame, uint32_t *crc);
/** hf_frame_destroy() - Let go of the memory. No lock is held. Takes NULL. */
void hf_frame_destroy(struct hf_frame *frame);

#endif
