/* SPDX-License-Identifier: MIT */
/*
 * The soft device's description. Its display accepts whatever KMS accepts and
 * does nothing on a commit, but that it maps the memory that it scans out: the
 * picture is computed when somebody looks, from a frame (frame.h).
 */
#include <errno.h>

#include "drivers/soft/soft.h"
#include "drivers/soft/writeback.h"
#include "holdfast_drm.h"

/* All that the composer shows, those that programs use most first. */
static const uint32_t formats[] = {
	HF_SOFT_TARGET_FORMATS,
	DRM_FORMAT_RGB888,	   DRM_FORMAT_BGR888,
	DRM_FORMAT_XRGB16161616F,  DRM_FORMAT_ARGB16161616F,
	DRM_FORMAT_XBGR16161616F,  DRM_FORMAT_ABGR16161616F,
	DRM_FORMAT_C8,		   DRM_FORMAT_R8,
	DRM_FORMAT_NV12,	   DRM_FORMAT_NV21,
	DRM_FORMAT_NV16,	   DRM_FORMAT_NV61,
	DRM_FORMAT_NV24,	   DRM_FORMAT_NV42,
	DRM_FORMAT_P010,	   DRM_FORMAT_P012,
	DRM_FORMAT_P016,	   DRM_FORMAT_P210,
	DRM_FORMAT_YUYV,	   DRM_FORMAT_YVYU,
	DRM_FORMAT_UYVY,	   DRM_FORMAT_VYUY,
	DRM_FORMAT_XYUV8888,	   DRM_FORMAT_AYUV,
	DRM_FORMAT_YUV420,	   DRM_FORMAT_YVU420,
	DRM_FORMAT_YUV422,	   DRM_FORMAT_YVU422,
	DRM_FORMAT_YUV444,	   DRM_FORMAT_YVU444,
	0,
};
static const uint32_t cursor_formats[] = { DRM_FORMAT_ARGB8888, 0 };

static void unmap_objects(struct hf_framebuffer *fb, unsigned int n)
{
	while (n)
		hf_gem_unmap(fb->objects[--n]->mapping);
}

static int prepare_fb(struct hf_framebuffer *fb)
{
	for (unsigned int i = 0; i < fb->format->num_planes; i++) {
		int ret = hf_gem_map(fb->objects[i]) ? 0 : -errno;

		if (ret) {
			unmap_objects(fb, i);
			return ret;
		}
	}
	return 0;
}

static void cleanup_fb(struct hf_framebuffer *fb)
{
	unmap_objects(fb, fb->format->num_planes);
}

static const struct hf_kms_funcs kms_funcs = {
	.features = HF_KMS_VBLANK | HF_KMS_GAMMA | HF_KMS_BLEND | HF_KMS_ASYNC |
		    HF_KMS_ROUTES | HF_KMS_VRR | HF_KMS_WRITEBACK,
	.min_crtcs = 2,
	.connector_type = DRM_MODE_CONNECTOR_HDMIA,
	.encoder_type = DRM_MODE_ENCODER_TMDS,
	.prepare_fb = prepare_fb,
	.cleanup_fb = cleanup_fb,
	.cursor_size = 256,
	.writeback_formats = hf_soft_writeback_formats,
	.prepare_writeback = hf_soft_writeback_prepare,
	.writeback = hf_soft_writeback,
	.cleanup_writeback = hf_soft_writeback_cleanup,
	.formats = {
		[HF_PLANE_PRIMARY] = formats,
		[HF_PLANE_OVERLAY] = formats,
		[HF_PLANE_CURSOR] = cursor_formats,
	},
};

#define DRIVER                                                                \
	.name = HOLDFAST_DRM_NAME, .desc = "Holdfast software device",        \
	.date = "20261122", .major = HOLDFAST_DRM_MAJOR,                      \
	.minor = HOLDFAST_DRM_MINOR

const struct hf_driver hf_soft_driver = {
	DRIVER,
	.kms = &kms_funcs,
	.engine = true,
};

const struct hf_driver hf_soft_display = {
	DRIVER,
	.kms = &kms_funcs,
};

const struct hf_driver hf_soft_engine = {
	DRIVER,
	.engine = true,
};
