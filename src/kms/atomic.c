/* SPDX-License-Identifier: MIT */
/*
 * Atomic state and its changes. A state owns copies of the states of the
 * objects that it touches, each with references of its own to framebuffers
 * and blobs. Checking is in atomic_check.c, committing in atomic_commit.c.
 *
 * The device's lock protects it all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kms/kms.h"
#include "kms/mode.h"
#include "kms/state.h"
#include "kms/writeback.h"

struct hf_atomic_state *hf_atomic_state_create(struct hf_kms_device *kms)
{
	size_t n = kms->num_crtcs + kms->num_planes + kms->num_connectors;
	struct hf_atomic_state *state =
		calloc(1, sizeof(*state) + n * sizeof(*state->slots));

	if (!state)
		return NULL;
	state->kms = kms;
	state->crtcs = (struct hf_crtc_state **)state->slots;
	state->planes = (struct hf_plane_state **)(state->slots +
						   kms->num_crtcs);
	state->connectors = (struct hf_connector_state **)(state->planes +
							   kms->num_planes);
	return state;
}

void hf_crtc_state_destroy(struct hf_crtc_state *state)
{
	if (!state)
		return;
	hf_event_destroy(state->event);
	hf_fence_put(state->out_fence);
	hf_blob_put(state->mode_blob);
	hf_blob_put(state->degamma);
	hf_blob_put(state->ctm);
	hf_blob_put(state->gamma);
	free(state);
}

void hf_plane_state_destroy(struct hf_plane_state *state)
{
	if (!state)
		return;
	hf_framebuffer_put(state->fb);
	hf_fence_put(state->in_fence);
	hf_blob_put(state->damage);
	free(state);
}

void hf_connector_state_destroy(struct hf_connector_state *state)
{
	if (!state)
		return;
	hf_writeback_job_destroy(state->writeback);
	hf_blob_put(state->hdr);
	free(state);
}

void hf_atomic_state_destroy(struct hf_atomic_state *state)
{
	if (!state)
		return;
	for (unsigned int i = 0; i < state->kms->num_crtcs; i++)
		hf_crtc_state_destroy(state->crtcs[i]);
	for (unsigned int i = 0; i < state->kms->num_planes; i++)
		hf_plane_state_destroy(state->planes[i]);
	for (unsigned int i = 0; i < state->kms->num_connectors; i++)
		hf_connector_state_destroy(state->connectors[i]);
	free(state);
}

static void *duplicate(const void *old, size_t size)
{
	void *new = malloc(size);

	if (new)
		memcpy(new, old, size);
	return new;
}

static struct hf_blob *get_blob(struct hf_blob *blob)
{
	return blob ? hf_blob_get(blob) : NULL;
}

struct hf_crtc_state *hf_crtc_state_copy(const struct hf_crtc_state *old)
{
	struct hf_crtc_state *new = duplicate(old, sizeof(*new));

	if (!new)
		return NULL;
	new->event = NULL;
	new->out_fence = NULL;
	new->out_fence_ptr = 0;
	new->mode_changed = new->active_changed = false;
	new->connectors_changed = new->async_flip = false;
	get_blob(new->mode_blob);
	get_blob(new->degamma);
	get_blob(new->ctm);
	get_blob(new->gamma);
	return new;
}

struct hf_crtc_state *hf_atomic_get_crtc(struct hf_atomic_state *state,
					 struct hf_crtc *crtc)
{
	struct hf_crtc_state **slot = &state->crtcs[crtc->index];

	if (!*slot)
		*slot = hf_crtc_state_copy(crtc->state);
	return *slot;
}

struct hf_plane_state *hf_atomic_get_plane(struct hf_atomic_state *state,
					   struct hf_plane *plane)
{
	struct hf_plane_state *new = state->planes[plane->index];

	if (new)
		return new;
	if (plane->state->crtc &&
	    !hf_atomic_get_crtc(state, plane->state->crtc))
		return NULL;
	new = duplicate(plane->state, sizeof(*new));
	if (!new)
		return NULL;
	if (new->fb)
		hf_framebuffer_get(new->fb);
	new->damage = NULL; /* of one commit only, and so is: */
	new->in_fence = NULL;
	state->planes[plane->index] = new;
	return new;
}

struct hf_connector_state *
hf_atomic_get_connector(struct hf_atomic_state *state,
			struct hf_connector *connector)
{
	struct hf_connector_state *new = state->connectors[connector->index];

	if (new)
		return new;
	if (connector->state->crtc &&
	    !hf_atomic_get_crtc(state, connector->state->crtc))
		return NULL;
	new = duplicate(connector->state, sizeof(*new));
	if (!new)
		return NULL;
	new->writeback = NULL;
	new->out_fence_ptr = 0;
	if (new->hdr)
		hf_blob_get(new->hdr);
	state->connectors[connector->index] = new;
	return new;
}

/* As drm_mode_convert_umode(): what the client may have got wrong. */
static struct drm_mode_modeinfo normalize(const struct drm_mode_modeinfo *mode)
{
	struct drm_mode_modeinfo out = *mode;

	out.type &= DRM_MODE_TYPE_ALL;
	out.vrefresh = hf_mode_vrefresh(mode);
	out.name[sizeof(out.name) - 1] = 0;
	return out;
}

int hf_atomic_set_mode(struct hf_crtc_state *state,
		       const struct drm_mode_modeinfo *mode)
{
	struct drm_mode_modeinfo new;
	struct hf_blob *blob;

	if (!mode) {
		hf_blob_replace(&state->mode_blob, NULL);
		memset(&state->mode, 0, sizeof(state->mode));
		state->enable = false;
		return 0;
	}
	new = normalize(mode);
	/* The same mode keeps its blob, so that MODE_ID stays what it was. */
	if (!state->mode_blob ||
	    memcmp(&state->mode, &new, sizeof(new))) {
		blob = hf_blob_create(state->crtc->kms, &new, sizeof(new));
		if (!blob)
			return -ENOMEM;
		hf_blob_replace(&state->mode_blob, blob);
		hf_blob_put(blob);
	}
	state->mode = new;
	state->enable = true;
	return 0;
}

int hf_atomic_set_mode_blob(struct hf_crtc_state *state, struct hf_blob *blob)
{
	struct drm_mode_modeinfo mode;

	if (!blob)
		return hf_atomic_set_mode(state, NULL);
	if (blob == state->mode_blob)
		return 0;
	if (blob->length != sizeof(mode))
		return -EINVAL;
	memcpy(&mode, blob->data, sizeof(mode));
	if (hf_mode_check(&mode))
		return -EINVAL;
	hf_blob_replace(&state->mode_blob, blob);
	state->mode = normalize(&mode);
	state->enable = true;
	return 0;
}

int hf_atomic_set_plane_crtc(struct hf_atomic_state *state,
			     struct hf_plane_state *plane, struct hf_crtc *crtc)
{
	if (crtc && !hf_atomic_get_crtc(state, crtc))
		return -ENOMEM;
	plane->crtc = crtc;
	return 0;
}

void hf_atomic_set_plane_fb(struct hf_plane_state *plane,
			    struct hf_framebuffer *fb)
{
	struct hf_framebuffer *old = plane->fb;

	plane->fb = fb ? hf_framebuffer_get(fb) : NULL;
	hf_framebuffer_put(old);
}

int hf_atomic_set_connector_crtc(struct hf_atomic_state *state,
				 struct hf_connector_state *connector,
				 struct hf_crtc *crtc)
{
	uint32_t bit = 1u << connector->connector->index;
	struct hf_crtc_state *new;

	if (connector->crtc == crtc)
		return 0;
	if (connector->crtc) {
		new = hf_atomic_get_crtc(state, connector->crtc);
		if (!new)
			return -ENOMEM;
		new->connector_mask &= ~bit;
	}
	if (crtc) {
		new = hf_atomic_get_crtc(state, crtc);
		if (!new)
			return -ENOMEM;
		new->connector_mask |= bit;
	}
	connector->crtc = crtc;
	return 0;
}
