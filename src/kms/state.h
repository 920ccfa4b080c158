/* SPDX-License-Identifier: MIT */
/* Shared between the files of kms/ that handle states. */
#ifndef HF_KMS_STATE_H
#define HF_KMS_STATE_H

#include "kms/kms.h"

/** hf_crtc_state_copy() - Without what is of one commit only. NULL: no memory. */
struct hf_crtc_state *hf_crtc_state_copy(const struct hf_crtc_state *old);
void hf_crtc_state_destroy(struct hf_crtc_state *state);
void hf_plane_state_destroy(struct hf_plane_state *state);

static inline bool hf_crtc_needs_modeset(const struct hf_crtc_state *state)
{
	return state->mode_changed || state->active_changed ||
	       state->connectors_changed;
}

#endif
