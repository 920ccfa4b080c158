/* SPDX-License-Identifier: MIT */
/*
 * Planes: the kinds that a CRTC has, their properties and the blobs that describe
 * them, and the order in which they are shown.
 *
 * The device's lock protects it all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/drm_compat.h"
#include "kms/kms.h"

/* Formats that one struct drm_format_modifier speaks of. */
#define CHUNK 64

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* -- what describes a plane -------------------------------------------------- */

/* The modifiers behind the formats: the linear one, for each of them. */
static void list_modifiers(struct drm_format_modifier *out, uint32_t formats)
{
	for (uint32_t at = 0; at < formats; at += CHUNK, out++) {
		uint32_t n = formats - at;

		out->modifier = DRM_FORMAT_MOD_LINEAR;
		out->offset = at;
		out->formats = n < CHUNK ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
	}
}

static struct hf_blob *describe_formats(struct hf_kms_device *kms,
					const struct hf_plane *plane)
{
	uint32_t n = plane->num_formats, chunks = (n + CHUNK - 1) / CHUNK;
	struct drm_format_modifier_blob head = {
		.version = FORMAT_BLOB_CURRENT,
		.count_formats = n,
		.formats_offset = sizeof(head),
		.count_modifiers = chunks,
		.modifiers_offset = (sizeof(head) + 4 * n + 7) & ~7u,
	};
	size_t size = head.modifiers_offset +
		      chunks * sizeof(struct drm_format_modifier);
	char *data = calloc(1, size);
	struct hf_blob *blob;

	if (!data)
		return NULL;
	memcpy(data, &head, sizeof(head));
	memcpy(data + head.formats_offset, plane->formats, 4 * (size_t)n);
	list_modifiers((void *)(data + head.modifiers_offset), n);
	blob = hf_blob_create(kms, data, size);
	free(data);
	return blob;
}

/* What a cursor may well be, the smallest first: a client takes the first that its
 * picture fits into. */
static struct hf_blob *describe_sizes(struct hf_kms_device *kms)
{
	struct hf_plane_size_hint hints[3];
	unsigned int n = 0;

	for (uint32_t size = HF_KMS_CURSOR_SIZE;
	     size <= hf_kms_cursor_size(kms) && n < ARRAY_SIZE(hints);
	     size *= 2)
		hints[n++] = (struct hf_plane_size_hint){ size, size };
	return hf_blob_create(kms, hints, n * sizeof(*hints));
}

/* -- properties -------------------------------------------------------------- */

/* Overlays may change places; the primary is below them, the cursor above. */
static int attach_zpos(struct hf_plane *plane, unsigned int overlays)
{
	bool fixed = plane->type != HF_PLANE_OVERLAY;
	uint64_t zpos = plane->state->zpos;

	plane->zpos = hf_property_create_range(
		plane->kms, "zpos",
		DRM_MODE_PROP_RANGE | (fixed ? DRM_MODE_PROP_IMMUTABLE : 0),
		fixed ? zpos : 1, fixed ? zpos : overlays);
	if (!plane->zpos)
		return -ENOMEM;
	hf_object_attach(&plane->base, plane->zpos, 0);
	return 0;
}

static bool shows_yuv(const struct hf_plane *plane)
{
	for (unsigned int i = 0; i < plane->num_formats; i++)
		if (hf_format_info(plane->formats[i])->is_yuv)
			return true;
	return false;
}

static int attach_blend_props(struct hf_plane *plane, unsigned int overlays)
{
	struct hf_kms_device *kms = plane->kms;
	struct hf_mode_object *base = &plane->base;

	hf_object_attach(base, kms->prop.alpha, 0);
	hf_object_attach(base, kms->prop.blend, 0);
	hf_object_attach(base, kms->prop.rotation, 0);
	hf_object_attach(base, kms->prop.scaling_filter, 0);
	if (shows_yuv(plane)) {
		hf_object_attach(base, kms->prop.encoding, 0);
		hf_object_attach(base, kms->prop.range, 0);
	}
	return attach_zpos(plane, overlays);
}

static int attach_formats(struct hf_plane *plane)
{
	struct hf_kms_device *kms = plane->kms;

	plane->in_formats = describe_formats(kms, plane);
	if (!plane->in_formats)
		return -ENOMEM;
	hf_object_attach(&plane->base, kms->prop.in_formats,
			 plane->in_formats->base.id);
	if (plane->type == HF_PLANE_PRIMARY &&
	    (kms->funcs->features & HF_KMS_ASYNC))
		hf_object_attach(&plane->base, kms->prop.in_formats_async,
				 plane->in_formats->base.id);
	return 0;
}

static int attach_size_hints(struct hf_plane *plane)
{
	struct hf_kms_device *kms = plane->kms;

	/* Only a driver that limits the size to something has more to say. */
	if (plane->type != HF_PLANE_CURSOR || !kms->funcs->cursor_size)
		return 0;
	plane->size_hints = describe_sizes(kms);
	if (!plane->size_hints)
		return -ENOMEM;
	hf_object_attach(&plane->base, kms->prop.size_hints,
			 plane->size_hints->base.id);
	return 0;
}

static void attach_hotspot(struct hf_plane *plane)
{
	struct hf_kms_device *kms = plane->kms;

	if (plane->type != HF_PLANE_CURSOR || !kms->virtual_cursor)
		return;
	hf_object_attach(&plane->base, kms->prop.hotspot_x, 0);
	hf_object_attach(&plane->base, kms->prop.hotspot_y, 0);
}

/* In the order of the kernel, where the driver adds what it has at the end. */
static int attach_props(struct hf_plane *plane, unsigned int overlays)
{
	struct hf_kms_device *kms = plane->kms;
	struct hf_property *const state_props[] = {
		kms->prop.fb_id, kms->prop.in_fence, kms->prop.crtc_id,
		kms->prop.crtc_x, kms->prop.crtc_y, kms->prop.crtc_w,
		kms->prop.crtc_h, kms->prop.src_x, kms->prop.src_y,
		kms->prop.src_w, kms->prop.src_h,
	};
	int ret;

	hf_object_attach(&plane->base, kms->prop.type, plane->type);
	for (size_t i = 0; i < ARRAY_SIZE(state_props); i++)
		hf_object_attach(&plane->base, state_props[i], 0);
	attach_hotspot(plane);
	ret = attach_formats(plane);
	if (!ret)
		ret = attach_size_hints(plane);
	hf_object_attach(&plane->base, kms->prop.damage, 0);
	if (!ret && (kms->funcs->features & HF_KMS_BLEND))
		ret = attach_blend_props(plane, overlays);
	return ret;
}

/* -- a CRTC's planes ----------------------------------------------------------- */

/* NULL: no memory. The display frees what there is of it. */
static struct hf_plane *create_plane(struct hf_crtc *crtc, uint32_t type,
				     uint32_t zpos, unsigned int overlays)
{
	struct hf_kms_device *kms = crtc->kms;
	struct hf_plane *plane = calloc(1, sizeof(*plane));

	if (!plane)
		return NULL;
	plane->kms = kms;
	plane->index = kms->num_planes;
	plane->type = type;
	plane->possible_crtcs = 1u << crtc->index;
	plane->formats = kms->funcs->formats[type];
	while (plane->formats[plane->num_formats])
		plane->num_formats++;
	plane->state = calloc(1, sizeof(*plane->state));
	kms->planes[kms->num_planes++] = plane;
	if (!plane->state ||
	    hf_mode_object_add(kms, &plane->base, DRM_MODE_OBJECT_PLANE))
		return NULL;
	plane->state->plane = plane;
	plane->state->alpha = 0xffff;
	plane->state->rotation = DRM_MODE_ROTATE_0;
	plane->state->zpos = zpos;
	return attach_props(plane, overlays) ? NULL : plane;
}

int hf_planes_create(struct hf_crtc *crtc, unsigned int overlays)
{
	const uint32_t *const *formats = crtc->kms->funcs->formats;

	if (!formats[HF_PLANE_OVERLAY])
		overlays = 0;
	crtc->primary = create_plane(crtc, HF_PLANE_PRIMARY, 0, overlays);
	if (!crtc->primary)
		return -ENOMEM;
	for (unsigned int i = 1; i <= overlays; i++)
		if (!create_plane(crtc, HF_PLANE_OVERLAY, i, overlays))
			return -ENOMEM;
	if (!formats[HF_PLANE_CURSOR])
		return 0;
	crtc->cursor = create_plane(crtc, HF_PLANE_CURSOR, overlays + 1,
				    overlays);
	return crtc->cursor ? 0 : -ENOMEM;
}

/* -- their order --------------------------------------------------------------- */

/* The kernel's drm_atomic_normalize_zpos(): by id where zpos is the same. */
static bool is_above(const struct hf_plane_state *a,
		     const struct hf_plane_state *b)
{
	if (a->zpos != b->zpos)
		return a->zpos > b->zpos;
	return a->plane->base.id > b->plane->base.id;
}

unsigned int
hf_crtc_planes(const struct hf_crtc *crtc,
	       const struct hf_plane_state *planes[HF_CRTC_MAX_PLANES])
{
	const struct hf_kms_device *kms = crtc->kms;
	unsigned int n = 0;

	if (!crtc->state->active)
		return 0;
	for (unsigned int i = 0; i < kms->num_planes; i++) {
		const struct hf_plane_state *state = kms->planes[i]->state;
		unsigned int at;

		if (state->crtc != crtc || !state->fb)
			continue;
		for (at = n++; at && is_above(planes[at - 1], state); at--)
			planes[at] = planes[at - 1];
		planes[at] = state;
	}
	return n;
}
