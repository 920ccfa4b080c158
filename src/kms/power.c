/* SPDX-License-Identifier: MIT */
/*
 * A display that stops and goes on again, or is switched off for good, without
 * its clients having a say in it.
 *
 * The device's lock protects it all.
 */
#include "kms/kms.h"
#include "kms/legacy.h"
#include "kms/state.h"

void hf_kms_device_stop(struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		hf_vblank_off(kms->crtcs[i]);
	hf_kms_end_late(kms);
}

void hf_kms_start(struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_crtcs; i++) {
		struct hf_crtc *crtc = kms->crtcs[i];

		if (!crtc->state->active || crtc->vblank.on)
			continue;
		hf_vblank_on(crtc, &crtc->state->mode);
		hf_crtc_update_rate(crtc);
	}
}

static int planes_off(struct hf_atomic_state *state)
{
	for (unsigned int i = 0; i < state->kms->num_planes; i++) {
		struct hf_plane *plane = state->kms->planes[i];
		struct hf_plane_state *new;

		if (!plane->state->fb)
			continue;
		new = hf_atomic_get_plane(state, plane);
		if (!new)
			return -1;
		hf_atomic_set_plane_fb(new, NULL);
		hf_atomic_set_plane_crtc(state, new, NULL);
	}
	return 0;
}

static int crtcs_off(struct hf_atomic_state *state)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < state->kms->num_crtcs; i++) {
		struct hf_crtc *crtc = state->kms->crtcs[i];

		if (crtc->state->enable)
			ret = hf_legacy_set_crtc(state, crtc, NULL, NULL, 0, 0,
						 NULL, 0);
	}
	return ret;
}

void hf_kms_shutdown(struct hf_kms_device *kms)
{
	struct hf_atomic_state *state;

	/* Even where there is no memory to say so in states. */
	hf_kms_device_stop(kms);
	state = hf_atomic_state_create(kms);
	if (!state)
		return;
	if (planes_off(state) || crtcs_off(state) ||
	    hf_atomic_commit_now(state) < 0)
		hf_atomic_state_destroy(state);
}
