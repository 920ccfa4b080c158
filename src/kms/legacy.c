/* SPDX-License-Identifier: MIT */
/*
 * The legacy calls, as atomic states. See the header.
 */
#include <errno.h>
#include <stdbool.h>

#include "kms/legacy.h"
#include "kms/mode.h"
#include "kms/state.h"

static bool is_sideways(const struct hf_plane_state *plane)
{
	return plane->rotation & (DRM_MODE_ROTATE_90 | DRM_MODE_ROTATE_270);
}

int hf_legacy_check_viewport(const struct hf_crtc *crtc,
			     const struct drm_mode_modeinfo *mode,
			     const struct hf_framebuffer *fb, uint32_t x,
			     uint32_t y)
{
	bool swap = is_sideways(crtc->primary->state);
	uint32_t w, h, width, height;

	hf_mode_size(mode, &width, &height);
	w = swap ? height : width;
	h = swap ? width : height;
	if (w > fb->width || x > fb->width - w || h > fb->height ||
	    y > fb->height - h)
		return -ENOSPC;
	return 0;
}

static int switch_off(struct hf_crtc_state *crtc)
{
	crtc->active = false;
	return hf_atomic_set_mode(crtc, NULL);
}

static bool listed(struct hf_connector *const *connectors, size_t n,
		   const struct hf_connector *connector)
{
	while (n--)
		if (connectors[n] == connector)
			return true;
	return false;
}

/* Wire these connectors to the CRTC, and no others. */
static int set_outputs(struct hf_atomic_state *state, struct hf_crtc *crtc,
		       struct hf_connector *const *connectors, size_t n)
{
	struct hf_kms_device *kms = state->kms;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < kms->num_connectors; i++) {
		struct hf_connector *connector = kms->connectors[i];
		bool wanted = listed(connectors, n, connector);
		struct hf_connector_state *new;

		if (!wanted && connector->state->crtc != crtc)
			continue;
		new = hf_atomic_get_connector(state, connector);
		if (!new)
			return -ENOMEM;
		ret = hf_atomic_set_connector_crtc(state, new,
						   wanted ? crtc : NULL);
		/* A modeset trains the links anew that it had. */
		if (connector->state->crtc == crtc)
			new->link_status = DRM_MODE_LINK_STATUS_GOOD;
	}
	for (unsigned int i = 0; !ret && i < kms->num_crtcs; i++)
		if (state->crtcs[i] && kms->crtcs[i] != crtc &&
		    !state->crtcs[i]->connector_mask)
			ret = switch_off(state->crtcs[i]);
	return ret ? ret : hf_atomic_free_encoders(state);
}

static int set_primary(struct hf_atomic_state *state, struct hf_crtc *crtc,
		       const struct drm_mode_modeinfo *mode,
		       struct hf_framebuffer *fb, uint32_t x, uint32_t y)
{
	struct hf_plane_state *plane =
		hf_atomic_get_plane(state, crtc->primary);
	uint32_t width, height;

	if (!plane)
		return -ENOMEM;
	hf_atomic_set_plane_fb(plane, fb);
	if (!fb)
		return hf_atomic_set_plane_crtc(state, plane, NULL);
	hf_mode_size(mode, &width, &height);
	plane->crtc_x = plane->crtc_y = 0;
	plane->crtc_w = width;
	plane->crtc_h = height;
	plane->src_x = x << 16;
	plane->src_y = y << 16;
	if (is_sideways(plane)) {
		plane->src_w = height << 16;
		plane->src_h = width << 16;
	} else {
		plane->src_w = width << 16;
		plane->src_h = height << 16;
	}
	return hf_atomic_set_plane_crtc(state, plane, crtc);
}

int hf_legacy_set_crtc(struct hf_atomic_state *state, struct hf_crtc *crtc,
		       const struct drm_mode_modeinfo *mode,
		       struct hf_framebuffer *fb, uint32_t x, uint32_t y,
		       struct hf_connector *const *connectors, size_t n)
{
	struct hf_crtc_state *new = hf_atomic_get_crtc(state, crtc);
	int ret;

	state->allow_modeset = true;
	if (!new)
		return -ENOMEM;
	if (mode) {
		new->active = true;
		ret = hf_atomic_set_mode(new, mode);
	} else {
		ret = switch_off(new);
	}
	if (!ret)
		ret = set_primary(state, crtc, mode, mode ? fb : NULL, x, y);
	if (!ret)
		ret = set_outputs(state, crtc, connectors, n);
	return ret;
}

int hf_legacy_set_plane(struct hf_atomic_state *state, struct hf_plane *plane,
			struct hf_crtc *crtc, struct hf_framebuffer *fb,
			const struct drm_mode_set_plane *req)
{
	struct hf_plane_state *new = hf_atomic_get_plane(state, plane);

	if (!new)
		return -ENOMEM;
	state->at_once = crtc && plane == crtc->cursor;
	hf_atomic_set_plane_fb(new, fb);
	if (!fb)
		return hf_atomic_set_plane_crtc(state, new, NULL);
	new->crtc_x = req->crtc_x;
	new->crtc_y = req->crtc_y;
	new->crtc_w = req->crtc_w;
	new->crtc_h = req->crtc_h;
	new->src_x = req->src_x;
	new->src_y = req->src_y;
	new->src_w = req->src_w;
	new->src_h = req->src_h;
	return hf_atomic_set_plane_crtc(state, new, crtc);
}

int hf_legacy_page_flip(struct hf_atomic_state *state, struct hf_crtc *crtc,
			struct hf_framebuffer *fb, bool async)
{
	struct hf_crtc_state *new = hf_atomic_get_crtc(state, crtc);
	struct hf_plane_state *plane =
		hf_atomic_get_plane(state, crtc->primary);

	if (!new || !plane)
		return -ENOMEM;
	if (!new->active)
		return -EINVAL;
	new->async_flip = async;
	hf_atomic_set_plane_fb(plane, fb);
	return hf_atomic_set_plane_crtc(state, plane, crtc);
}

int hf_legacy_set_gamma(struct hf_atomic_state *state, struct hf_crtc *crtc,
			const struct drm_color_lut *lut)
{
	struct hf_crtc_state *new = hf_atomic_get_crtc(state, crtc);
	struct hf_blob *blob;

	if (!new)
		return -ENOMEM;
	blob = hf_blob_create(state->kms, lut,
			      HF_KMS_GAMMA_SIZE * sizeof(*lut));
	if (!blob)
		return -ENOMEM;
	hf_blob_replace(&new->degamma, NULL);
	hf_blob_replace(&new->ctm, NULL);
	hf_blob_replace(&new->gamma, blob);
	hf_blob_put(blob);
	return 0;
}

static bool another_is_on(const struct hf_crtc *crtc,
			  const struct hf_connector *connector)
{
	const struct hf_kms_device *kms = crtc->kms;

	for (unsigned int i = 0; i < kms->num_connectors; i++)
		if (kms->connectors[i] != connector &&
		    kms->connectors[i]->state->crtc == crtc &&
		    kms->connectors[i]->dpms == DRM_MODE_DPMS_ON)
			return true;
	return false;
}

int hf_legacy_set_dpms(struct hf_atomic_state *state,
		       struct hf_connector *connector, uint64_t value)
{
	struct hf_crtc *crtc = connector->state->crtc;
	bool on = value == DRM_MODE_DPMS_ON;
	struct hf_crtc_state *new = NULL;

	state->allow_modeset = true;
	if (crtc) {
		new = hf_atomic_get_crtc(state, crtc);
		if (!new)
			return -ENOMEM;
		new->active = on || another_is_on(crtc, connector);
	}
	/* Where the CRTC changes, its connectors follow when that is committed. */
	if (!new || new->active == crtc->state->active)
		connector->dpms = on ? DRM_MODE_DPMS_ON : DRM_MODE_DPMS_OFF;
	return 0;
}
