/* SPDX-License-Identifier: MIT */
/*
 * What newer kernels have in drm.h and drm_mode.h, for a libdrm that does not have
 * it yet. Numbers and layouts are the kernel's.
 */
#ifndef HF_BASE_DRM_COMPAT_H
#define HF_BASE_DRM_COMPAT_H

#include <stdint.h>
#include <drm.h>

#ifndef DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP
#define DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP 0x15
#endif

#ifndef DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT
#define DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT 6
#endif

/* An element of a plane's SIZE_HINTS: struct drm_plane_size_hint, pixels. */
struct hf_plane_size_hint {
	uint16_t width, height;
};

#endif
