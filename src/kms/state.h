/* SPDX-License-Identifier: MIT */
/* Shared between the files of kms/ that handle states. */
#ifndef HF_KMS_STATE_H
#define HF_KMS_STATE_H

#include "kms/kms.h"

/** hf_crtc_state_copy() - Without what is of one commit only. NULL: no memory. */
struct hf_crtc_state *hf_crtc_state_copy(const struct hf_crtc_state *old);
void hf_crtc_state_destroy(struct hf_crtc_state *state);
void hf_plane_state_destroy(struct hf_plane_state *state);
void hf_connector_state_destroy(struct hf_connector_state *state);

/* atomic_routing.c: connectors, their encoders, and what both mean for CRTCs. */
int hf_atomic_check_routing(struct hf_atomic_state *state);
/* Legacy's rule: who has an encoder that the state wants is switched off. */
int hf_atomic_free_encoders(struct hf_atomic_state *state);

/*
 * connector.c. Those that return a pointer return NULL and errno, and what they have
 * added to the device by then goes with it.
 */
struct hf_encoder *hf_encoder_create(struct hf_kms_device *kms, uint32_t type,
				     uint32_t possible_crtcs);
struct hf_connector *hf_connector_create(struct hf_kms_device *kms,
					 uint32_t type);
int hf_connector_add_output(struct hf_kms_device *kms,
			    const struct hf_kms_output *output);
void hf_connector_set_clones(struct hf_kms_device *kms,
			     const struct hf_kms_output *outputs, size_t n);
void hf_connector_destroy(struct hf_connector *connector);

/** hf_crtc_update_rate() - Let its vblanks vary as its state and monitors say. */
void hf_crtc_update_rate(struct hf_crtc *crtc);

static inline bool hf_crtc_needs_modeset(const struct hf_crtc_state *state)
{
	return state->mode_changed || state->active_changed ||
	       state->connectors_changed;
}

#endif
