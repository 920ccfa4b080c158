/* SPDX-License-Identifier: MIT */
/*
 * Images: what the renderer makes and takes is linear, and here it says so.
 *
 * The renderer knows of no modifiers, so compositors and clients would have to guess how
 * a buffer is laid out. The table is filled once, under the lock of the caller, and
 * never changes after that.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <drm_fourcc.h>

#include "dri/dri.h"

static __DRIimageExtension real, image;

static unsigned char query(__DRIimage *img, int attribute, int *value)
{
	switch (attribute) {
	case __DRI_IMAGE_ATTRIB_MODIFIER_LOWER:
		*value = (int)(uint32_t)DRM_FORMAT_MOD_LINEAR;
		return 1;
	case __DRI_IMAGE_ATTRIB_MODIFIER_UPPER:
		*value = (int)(uint32_t)(DRM_FORMAT_MOD_LINEAR >> 32);
		return 1;
	default:
		return real.queryImage(img, attribute, value);
	}
}

/* May it be linear? */
static bool acceptable(const uint64_t *modifiers, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (modifiers[i] == DRM_FORMAT_MOD_LINEAR ||
		    modifiers[i] == DRM_FORMAT_MOD_INVALID)
			return true;
	return !count;
}

static __DRIimage *create_for_use(__DRIscreen *screen, int width, int height,
				  int format, const uint64_t *modifiers,
				  const unsigned int count, unsigned int use,
				  void *loader)
{
	if (!acceptable(modifiers, count))
		return NULL;
	return real.createImage(screen, width, height, format, use, loader);
}

static __DRIimage *create(__DRIscreen *screen, int width, int height,
			  int format, const uint64_t *modifiers,
			  const unsigned int count, void *loader)
{
	return create_for_use(screen, width, height, format, modifiers, count,
			      __DRI_IMAGE_USE_SHARE, loader);
}

/* Is it one that a shader reads through a sampler of its own kind? */
static bool is_yuv(uint32_t fourcc)
{
	switch (fourcc) {
	case DRM_FORMAT_AYUV:
	case DRM_FORMAT_XYUV8888:
	case DRM_FORMAT_YUYV:
	case DRM_FORMAT_YVYU:
	case DRM_FORMAT_UYVY:
	case DRM_FORMAT_VYUY:
	case DRM_FORMAT_Y210:
	case DRM_FORMAT_Y212:
	case DRM_FORMAT_Y216:
	case DRM_FORMAT_Y410:
	case DRM_FORMAT_Y412:
	case DRM_FORMAT_Y416:
	case DRM_FORMAT_NV12:
	case DRM_FORMAT_NV21:
	case DRM_FORMAT_NV16:
	case DRM_FORMAT_NV61:
	case DRM_FORMAT_P010:
	case DRM_FORMAT_P012:
	case DRM_FORMAT_P016:
	case DRM_FORMAT_YUV410:
	case DRM_FORMAT_YVU410:
	case DRM_FORMAT_YUV411:
	case DRM_FORMAT_YVU411:
	case DRM_FORMAT_YUV420:
	case DRM_FORMAT_YVU420:
	case DRM_FORMAT_YUV422:
	case DRM_FORMAT_YVU422:
	case DRM_FORMAT_YUV444:
	case DRM_FORMAT_YVU444:
		return true;
	default:
		return false;
	}
}

static unsigned char query_modifiers(__DRIscreen *screen, int fourcc, int max,
				     uint64_t *modifiers,
				     unsigned int *external_only, int *count)
{
	int none;

	if (!real.queryDmaBufModifiers(screen, fourcc, 0, NULL, NULL, &none))
		return 0;
	*count = 1;
	if (max > 0 && modifiers)
		modifiers[0] = DRM_FORMAT_MOD_LINEAR;
	if (max > 0 && external_only)
		external_only[0] = is_yuv(fourcc);
	return 1;
}

/* A table of an older version is shorter. */
static size_t size_of(int version)
{
	if (version < 20)
		return offsetof(__DRIimageExtension, createImageFromFds2);
	if (version < 21)
		return offsetof(__DRIimageExtension, setInFenceFd);
	return sizeof(__DRIimageExtension);
}

const __DRIextension *hf_dri_image(const __DRIextension *extension)
{
	const __DRIimageExtension *renderer = (const void *)extension;

	if (image.base.name)
		return &image.base;
	/* Less would not have the entries that are replaced. */
	if (extension->version < 19 || !renderer->queryDmaBufModifiers)
		return extension;
	memcpy(&real, renderer, size_of(extension->version));
	image = real;
	if (image.base.version > 21)
		image.base.version = 21;
	image.queryImage = query;
	image.createImageWithModifiers = create;
	image.createImageWithModifiers2 = create_for_use;
	image.queryDmaBufModifiers = query_modifiers;
	return &image.base;
}
