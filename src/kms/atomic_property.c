/* SPDX-License-Identifier: MIT */
/*
 * Setting properties in an atomic state: what the kernel's
 * drm_atomic_set_property() does, object type by object type.
 */
#include <errno.h>

#include "kms/kms.h"

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
	if (prop == kms->prop.gamma)
		return replace_blob(kms, &crtc->gamma, value,
				    HF_KMS_GAMMA_SIZE *
					    sizeof(struct drm_color_lut),
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
	/* A client may only say that it has seen that the link is bad. */
	if (prop == kms->prop.link_status) {
		if (value == DRM_MODE_LINK_STATUS_GOOD)
			connector->link_status = value;
		return 0;
	}
	/* DPMS is legacy: an atomic client sets ACTIVE. */
	return -EINVAL;
}

int hf_atomic_set_property(struct hf_atomic_state *state,
			   struct hf_mode_object *object,
			   struct hf_property *prop, uint64_t value)
{
	void *new;

	if (!hf_property_valid(state->kms, prop, value))
		return -EINVAL;
	switch (object->type) {
	case DRM_MODE_OBJECT_PLANE:
		new = hf_atomic_get_plane(state, (struct hf_plane *)object);
		return new ? set_plane(state, new, prop, value) : -ENOMEM;
	case DRM_MODE_OBJECT_CRTC:
		new = hf_atomic_get_crtc(state, (struct hf_crtc *)object);
		return new ? set_crtc(state->kms, new, prop, value) : -ENOMEM;
	case DRM_MODE_OBJECT_CONNECTOR:
		new = hf_atomic_get_connector(state,
					      (struct hf_connector *)object);
		return new ? set_connector(state, new, prop, value) : -ENOMEM;
	default:
		return -EINVAL;
	}
}
