/* SPDX-License-Identifier: MIT */
/*
 * The driver-private part of the UAPI of a Holdfast device. The driver has no
 * private ioctls so far: what there is to know is how to recognise it.
 */
#ifndef HOLDFAST_DRM_H
#define HOLDFAST_DRM_H

/* What DRM_IOCTL_VERSION says. A change of the major number breaks programs. */
#define HOLDFAST_DRM_NAME "holdfast"
#define HOLDFAST_DRM_MAJOR 1
#define HOLDFAST_DRM_MINOR 0

#endif
