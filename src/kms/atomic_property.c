/* SPDX-License-Identifier: MIT */
/*
 * Setting properties in an atomic state: what the kernel's
 * drm_atomic_set_property() does, object type by object type.
 */
#include <errno.h>

#include "kms/writeback.h"

/* A blob by id, for a property that takes one of @size bytes (0: any multiple
 * of @elem). Return: 0 or -EINVAL. */
static int replace_blob(struct hf_kms_device *kms, struct hf_blob **slot,
			uint64_t id, size_t size, size_t elem)
{
	struct hf_blob *blob = NULL;

	if (id) {
		blob = hf_blob_find(kms, id);
		if (!blob || (size && blob->length != size) ||
		    blob->length % elem)
			return -EINVAL;
	}
	hf_blob_replace(slot, blob);
	return 0;
}

/* A lessee has no CRTC but its own. */
static int find_crtc(const struct hf_atomic_state *state, uint64_t id,
		     struct hf_crtc **crtc)
{
	struct hf_mode_object *object = NULL;

	if (id)
		object = hf_mode_object_find(state->kms, id,
					     DRM_MODE_OBJECT_CRTC);
	*crtc = (struct hf_crtc *)object;
	if (!id)
		return 0;
	return object && (!state->file ||
			  hf_kms_file_sees(state->file, object)) ?
		       0 :
		       -EACCES;
}

static int set_rotation(struct hf_plane_state *plane, uint64_t value)
{
	/* Exactly one of the rotations. */
	if (__builtin_popcountll(value & DRM_MODE_ROTATE_MASK) != 1)
		return -EINVAL;
	plane->rotation = value;
	return 0;
}

#define SET(p, statement)                                                     \
	if (prop == kms->prop.p) {                                            \
		statement;                                                    \
		return 0;                                                     \
	}

static int set_plane(struct hf_atomic_state *state,
		     struct hf_plane_state *plane, struct hf_property *prop,
		     uint64_t value)
{
	struct hf_kms_device *kms = state->kms;

	SET(fb_id,
	    hf_atomic_set_plane_fb(plane, value ? hf_framebuffer_find(kms,
								      value) :
						  NULL));
	if (prop == kms->prop.crtc_id) {
		struct hf_crtc *crtc;
		int ret = find_crtc(state, value, &crtc);

		return ret ? ret : hf_atomic_set_plane_crtc(state, plane, crtc);
	}
	SET(crtc_x, plane->crtc_x = (int64_t)value);
	SET(crtc_y, plane->crtc_y = (int64_t)value);
	SET(crtc_w, plane->crtc_w = value);
	SET(crtc_h, plane->crtc_h = value);
	SET(src_x, plane->src_x = value);
	SET(src_y, plane->src_y = value);
	SET(src_w, plane->src_w = value);
	SET(src_h, plane->src_h = value);
	SET(alpha, plane->alpha = value);
	SET(blend, plane->blend = value);
	SET(encoding, plane->encoding = value);
	SET(range, plane->range = value);
	SET(scaling_filter, plane->scaling_filter = value);
	SET(hotspot_x, plane->hotspot_x = (int64_t)value);
	SET(hotspot_y, plane->hotspot_y = (int64_t)value);
	if (prop == plane->plane->zpos) {
		plane->zpos = value;
		return 0;
	}
	if (prop == kms->prop.rotation)
		return set_rotation(plane, value);
	if (prop == kms->prop.damage)
		return replace_blob(kms, &plane->damage, value, 0,
				    sizeof(struct drm_mode_rect));
	return -EINVAL;
}

static int set_crtc(struct hf_kms_device *kms, struct hf_crtc_state *crtc,
		    struct hf_property *prop, uint64_t value)
{
	SET(active, crtc->active = value);
	if (prop == kms->prop.mode_id)
		return hf_atomic_set_mode_blob(
			crtc, value ? hf_blob_find(kms, value) : NULL);
	SET(vrr_enabled, crtc->vrr = value);
	SET(background, crtc->background = value);
	if (prop == kms->prop.degamma)
		return replace_blob(kms, &crtc->degamma, value, 0,
				    sizeof(struct drm_color_lut));
	if (prop == kms->prop.ctm)
		return replace_blob(kms, &crtc->ctm, value,
				    sizeof(struct drm_color_ctm), 1);
	if (prop == kms->prop.gamma)
		return replace_blob(kms, &crtc->gamma, value, 0,
				    sizeof(struct drm_color_lut));
	return -EINVAL;
}

static int set_connector(struct hf_atomic_state *state,
			 struct hf_connector_state *connector,
			 struct hf_property *prop, uint64_t value)
{
	struct hf_kms_device *kms = state->kms;

	if (prop == kms->prop.crtc_id) {
		struct hf_crtc *crtc;
		int ret = find_crtc(state, value, &crtc);

		return ret ? ret :
			     hf_atomic_set_connector_crtc(state, connector,
							  crtc);
	}
	if (prop == kms->prop.writeback_fb)
		return hf_writeback_set_fb(
			connector,
			value ? hf_framebuffer_find(kms, value) : NULL);
	/* A client may only say that it has seen that the link is bad. */
	if (prop == kms->prop.link_status) {
		if (value == DRM_MODE_LINK_STATUS_GOOD)
			connector->link_status = value;
		return 0;
	}
	SET(content_type, connector->content_type = value);
	SET(hdmi_colorspace, connector->colorspace = value);
	SET(dp_colorspace, connector->colorspace = value);
	SET(scaling_mode, connector->scaling_mode = value);
	if (prop == kms->prop.hdr)
		return replace_blob(kms, &connector->hdr, value,
				    sizeof(struct hdr_output_metadata), 1);
	if (prop == connector->connector->max_bpc) {
		connector->max_bpc = value;
		return 0;
	}
	/* DPMS is legacy: an atomic client sets ACTIVE. */
	return -EINVAL;
}

/*
 * What an async flip may say of an object: what it is already; and of a primary plane
 * that it shows another framebuffer. Return: 0: leave it, 1: set it, -EINVAL.
 */
static int check_async(const struct hf_atomic_state *state,
		       const struct hf_mode_object *object,
		       const struct hf_property *prop, uint64_t value)
{
	const struct hf_kms_device *kms = state->kms;

	if (hf_atomic_get_value(state, object, prop) == value)
		return object->type == DRM_MODE_OBJECT_PLANE;
	if (object->type != DRM_MODE_OBJECT_PLANE)
		return -EINVAL;
	if (prop != kms->prop.fb_id && prop != kms->prop.in_fence &&
	    prop != kms->prop.damage)
		return -EINVAL;
	return ((const struct hf_plane *)object)->type == HF_PLANE_PRIMARY ?
		       1 :
		       -EINVAL;
}

/* The new state of an object. NULL: no memory, or it has none: EINVAL. */
static void *get_state(struct hf_atomic_state *state,
		       struct hf_mode_object *object)
{
	switch (object->type) {
	case DRM_MODE_OBJECT_PLANE:
		return hf_atomic_get_plane(state, (struct hf_plane *)object);
	case DRM_MODE_OBJECT_CRTC:
		return hf_atomic_get_crtc(state, (struct hf_crtc *)object);
	case DRM_MODE_OBJECT_CONNECTOR:
		return hf_atomic_get_connector(state,
					       (struct hf_connector *)object);
	default:
		errno = EINVAL;
		return NULL;
	}
}

/* @new: set to the object's new state where there is something to set. */
static int may_set(struct hf_atomic_state *state, struct hf_mode_object *object,
		   const struct hf_property *prop, uint64_t value, void **new)
{
	if (!hf_property_valid(state->kms, prop, value))
		return -EINVAL;
	*new = get_state(state, object);
	if (!*new)
		return -errno;
	return state->async ? check_async(state, object, prop, value) : 1;
}

int hf_atomic_may_set(struct hf_atomic_state *state,
		      struct hf_mode_object *object,
		      const struct hf_property *prop, uint64_t value)
{
	void *new;

	return may_set(state, object, prop, value, &new);
}

int hf_atomic_set_property(struct hf_atomic_state *state,
			   struct hf_mode_object *object,
			   struct hf_property *prop, uint64_t value)
{
	void *new;
	int ret = may_set(state, object, prop, value, &new);

	if (ret <= 0)
		return ret;
	if (object->type == DRM_MODE_OBJECT_PLANE)
		return set_plane(state, new, prop, value);
	if (object->type == DRM_MODE_OBJECT_CRTC)
		return set_crtc(state->kms, new, prop, value);
	return set_connector(state, new, prop, value);
}
