/* SPDX-License-Identifier: MIT */
/*
 * Which encoder drives which connector: what the kernel's
 * drm_atomic_helper_check_modeset() does with connectors. An encoder drives one
 * connector at a time, a connector has the first one that its CRTC can drive, and
 * several connectors on a CRTC need encoders that say that they can be cloned.
 *
 * The device's lock protects it all.
 */
#include <errno.h>
#include <string.h>

#include "kms/kms.h"
#include "kms/state.h"

static struct hf_encoder *best_encoder(const struct hf_connector *connector,
				       const struct hf_crtc *crtc)
{
	struct hf_kms_device *kms = connector->kms;

	for (unsigned int i = 0; i < kms->num_encoders; i++)
		if (connector->possible_encoders & 1u << i &&
		    kms->encoders[i]->possible_crtcs & 1u << crtc->index)
			return kms->encoders[i];
	return NULL;
}

/* The encoders that the connectors of the state want: @taken. */
static int find_taken(const struct hf_atomic_state *state, uint32_t *taken)
{
	for (unsigned int i = 0; i < state->kms->num_connectors; i++) {
		const struct hf_connector_state *new = state->connectors[i];
		const struct hf_encoder *encoder;

		if (!new || !new->crtc)
			continue;
		encoder = best_encoder(new->connector, new->crtc);
		if (!encoder)
			continue;
		if (*taken & 1u << encoder->index)
			return -EINVAL;
		*taken |= 1u << encoder->index;
	}
	return 0;
}

/* A connector that the state leaves alone and that has an encoder it wants. */
static struct hf_connector *find_robbed(const struct hf_atomic_state *state,
					uint32_t taken)
{
	for (unsigned int i = 0; i < state->kms->num_connectors; i++) {
		struct hf_connector *connector = state->kms->connectors[i];
		const struct hf_encoder *encoder = connector->state->encoder;

		if (!state->connectors[i] && encoder &&
		    taken & 1u << encoder->index)
			return connector;
	}
	return NULL;
}

static int switch_off(struct hf_atomic_state *state,
		      struct hf_connector *connector)
{
	struct hf_connector_state *new =
		hf_atomic_get_connector(state, connector);
	struct hf_crtc_state *crtc;
	int ret;

	if (!new)
		return -ENOMEM;
	crtc = state->crtcs[new->crtc->index];
	ret = hf_atomic_set_connector_crtc(state, new, NULL);
	if (ret || crtc->connector_mask)
		return ret;
	crtc->active = false;
	return hf_atomic_set_mode(crtc, NULL);
}

int hf_atomic_free_encoders(struct hf_atomic_state *state)
{
	struct hf_connector *connector;
	uint32_t taken = 0;
	int ret = find_taken(state, &taken);

	while (!ret && (connector = find_robbed(state, taken)))
		ret = switch_off(state, connector);
	return ret;
}

static void connectors_changed(struct hf_atomic_state *state,
			       const struct hf_crtc *crtc)
{
	if (crtc)
		state->crtcs[crtc->index]->connectors_changed = true;
}

/* Another connector of the state had it until now: that one will get another. */
static void steal_encoder(struct hf_atomic_state *state,
			  const struct hf_encoder *encoder)
{
	for (unsigned int i = 0; i < state->kms->num_connectors; i++) {
		struct hf_connector_state *new = state->connectors[i];

		if (!new || new->encoder != encoder)
			continue;
		connectors_changed(state,
				   state->kms->connectors[i]->state->crtc);
		new->encoder = NULL;
		return;
	}
}

static int route(struct hf_atomic_state *state,
		 const struct hf_connector_state *old,
		 struct hf_connector_state *new)
{
	struct hf_encoder *encoder;

	if (old->crtc != new->crtc) {
		connectors_changed(state, old->crtc);
		connectors_changed(state, new->crtc);
	}
	if (!new->crtc) {
		new->encoder = NULL;
		return 0;
	}
	encoder = best_encoder(new->connector, new->crtc);
	if (!encoder)
		return -EINVAL;
	if (encoder == new->encoder)
		return 0;
	steal_encoder(state, encoder);
	new->encoder = encoder;
	connectors_changed(state, new->crtc);
	return 0;
}

static bool same_blob(const struct hf_blob *a, const struct hf_blob *b)
{
	if (!a || !b)
		return a == b;
	return a->length == b->length && !memcmp(a->data, b->data, a->length);
}

/*
 * The kernel's helper has a modeset done for the first two of these; for the others
 * its drivers do, as all of them are told to the monitor with the mode.
 */
static void check_properties(struct hf_atomic_state *state,
			     const struct hf_connector_state *old,
			     const struct hf_connector_state *new)
{
	if (old->crtc && (old->link_status != new->link_status ||
			  old->max_bpc != new->max_bpc))
		connectors_changed(state, old->crtc);
	if (new->crtc && (old->content_type != new->content_type ||
			  old->colorspace != new->colorspace ||
			  old->scaling_mode != new->scaling_mode ||
			  !same_blob(old->hdr, new->hdr)))
		state->crtcs[new->crtc->index]->mode_changed = true;
}

/* The encoders of a CRTC, as they will be. */
static uint32_t encoders_of(const struct hf_atomic_state *state,
			    const struct hf_crtc *crtc)
{
	uint32_t encoders = 0;

	for (unsigned int i = 0; i < state->kms->num_connectors; i++) {
		const struct hf_connector_state *s =
			state->connectors[i] ? state->connectors[i] :
					       state->kms->connectors[i]->state;

		if (s->crtc == crtc && s->encoder)
			encoders |= 1u << s->encoder->index;
	}
	return encoders;
}

static bool can_clone(const struct hf_kms_device *kms, uint32_t encoders)
{
	for (unsigned int i = 0; i < kms->num_encoders; i++)
		if (encoders & 1u << i &&
		    encoders & ~kms->encoders[i]->possible_clones)
			return false;
	return true;
}

static int check_crtcs(const struct hf_atomic_state *state)
{
	struct hf_kms_device *kms = state->kms;

	for (unsigned int i = 0; i < kms->num_crtcs; i++) {
		const struct hf_crtc_state *new = state->crtcs[i];

		if (!new || !hf_crtc_needs_modeset(new))
			continue;
		if (new->enable != !!new->connector_mask ||
		    !can_clone(kms, encoders_of(state, kms->crtcs[i])))
			return -EINVAL;
	}
	return 0;
}

int hf_atomic_check_routing(struct hf_atomic_state *state)
{
	struct hf_kms_device *kms = state->kms;
	uint32_t taken = 0;
	int ret = find_taken(state, &taken);

	if (!ret && find_robbed(state, taken))
		ret = -EINVAL;
	for (unsigned int i = 0; !ret && i < kms->num_connectors; i++) {
		struct hf_connector_state *new = state->connectors[i];

		if (!new)
			continue;
		ret = route(state, kms->connectors[i]->state, new);
		if (!ret)
			check_properties(state, kms->connectors[i]->state, new);
	}
	return ret ? ret : check_crtcs(state);
}
