/* SPDX-License-Identifier: MIT */
/* Writeback of the soft display: what its struct hf_kms_funcs has for it. */
#ifndef HF_SOFT_WRITEBACK_H
#define HF_SOFT_WRITEBACK_H

#include <drm_fourcc.h>

#include "kms/writeback.h"

/* That hf_compose_target_supported() has, those first that programs use most. */
#define HF_SOFT_TARGET_FORMATS \
	DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888, \
	DRM_FORMAT_XBGR8888, DRM_FORMAT_ABGR8888, \
	DRM_FORMAT_RGBX8888, DRM_FORMAT_RGBA8888, \
	DRM_FORMAT_BGRX8888, DRM_FORMAT_BGRA8888, \
	DRM_FORMAT_RGB565, DRM_FORMAT_BGR565, \
	DRM_FORMAT_XRGB1555, DRM_FORMAT_ARGB1555, \
	DRM_FORMAT_XBGR1555, DRM_FORMAT_ABGR1555, \
	DRM_FORMAT_RGBX5551, DRM_FORMAT_RGBA5551, \
	DRM_FORMAT_BGRX5551, DRM_FORMAT_BGRA5551, \
	DRM_FORMAT_XRGB4444, DRM_FORMAT_ARGB4444, \
	DRM_FORMAT_XBGR4444, DRM_FORMAT_ABGR4444, \
	DRM_FORMAT_RGBX4444, DRM_FORMAT_RGBA4444, \
	DRM_FORMAT_BGRX4444, DRM_FORMAT_BGRA4444, \
	DRM_FORMAT_XRGB2101010, DRM_FORMAT_ARGB2101010, \
	DRM_FORMAT_XBGR2101010, DRM_FORMAT_ABGR2101010, \
	DRM_FORMAT_RGBX1010102, DRM_FORMAT_RGBA1010102, \
	DRM_FORMAT_BGRX1010102, DRM_FORMAT_BGRA1010102, \
	DRM_FORMAT_XRGB16161616, DRM_FORMAT_ARGB16161616, \
	DRM_FORMAT_XBGR16161616, DRM_FORMAT_ABGR16161616

/** hf_soft_writeback_formats - Those of hf_compose_target_supported(), ended by 0. */
extern const uint32_t hf_soft_writeback_formats[];

int hf_soft_writeback_prepare(struct hf_writeback_job *job);
void hf_soft_writeback(struct hf_writeback_job *job);
void hf_soft_writeback_cleanup(struct hf_writeback_job *job);

#endif
