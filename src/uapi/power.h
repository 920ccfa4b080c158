/* SPDX-License-Identifier: MIT */
/*
 * What happens to a device as a whole: it is unplugged, or suspended and resumed;
 * and ioctls that fail on purpose.
 *
 * The system's lock protects it all.
 */
#ifndef HF_UAPI_POWER_H
#define HF_UAPI_POWER_H

#include "base/fault.h"
#include "uapi/call.h"

/* By request number, and by row of the table of other descriptors' ioctls. */
struct hf_ioctl_faults {
	struct hf_fault drm[256];
	struct hf_fault fd[HF_FD_IOCTL_ROWS];
};

/**
 * hf_ioctl_fault() - The fault of an ioctl.
 * @name: as in the UAPI header, in any case, with or without "DRM_IOCTL_"
 *
 * Return: NULL where no ioctl has that name.
 */
struct hf_fault *hf_ioctl_fault(struct hf_ioctl_faults *faults,
				const char *name);

/**
 * hf_device_unplug() - The device is gone, as after the kernel's drm_dev_unplug().
 *
 * Every ioctl, open and mmap fails with ENODEV. The display goes dark, which ends
 * waits for vblanks and flips, and the engine's jobs are dropped. Files stay until
 * they are closed, and so does the memory of what is mapped.
 */
void hf_device_unplug(struct hf_device *dev);

/**
 * hf_device_suspend() - It stops, as in the kernel's system sleep.
 *
 * CRTCs stop to scan out; flips that are pending are over, and so are waits for
 * vblanks. Nobody is told. Since programs do not run meanwhile, ioctls wait until
 * hf_device_resume(). The engine ends the jobs that it has.
 */
void hf_device_suspend(struct hf_device *dev);
void hf_device_resume(struct hf_device *dev);

/** hf_call_wait_resume() - Park a call until then. Return: HF_CALL_PARKED. */
int hf_call_wait_resume(struct hf_call *call);

#endif
