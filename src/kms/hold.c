/* SPDX-License-Identifier: MIT */
/*
 * The last picture: what a CRTC showed before its planes were taken off, for a
 * screenshot after the program has ended. Holds the framebuffers, and so the
 * memory, and is on only where somebody asked for it.
 */
#include <stdlib.h>

#include "kms/kms.h"
#include "kms/state.h"

static void drop(struct hf_crtc *crtc)
{
	for (unsigned int i = 0; i < HF_CRTC_MAX_PLANES; i++) {
		hf_plane_state_destroy(crtc->held[i]);
		crtc->held[i] = NULL;
	}
	hf_crtc_state_destroy(crtc->held_state);
	crtc->held_state = NULL;
}

void hf_kms_drop_held(struct hf_kms_device *kms)
{
	kms->hold = false;
	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		drop(kms->crtcs[i]);
}

static struct hf_plane_state *copy(const struct hf_plane_state *state)
{
	struct hf_plane_state *held = malloc(sizeof(*held));

	if (!held)
		return NULL;
	*held = *state;
	held->damage = NULL;
	held->in_fence = NULL;
	hf_framebuffer_get(held->fb);
	return held;
}

void hf_kms_hold(struct hf_crtc *crtc)
{
	const struct hf_plane_state *planes[HF_CRTC_MAX_PLANES];
	unsigned int n;

	if (!crtc->kms->hold)
		return;
	n = hf_crtc_planes(crtc, planes);
	if (!n)
		return;
	drop(crtc);
	for (unsigned int i = 0; i < n; i++)
		crtc->held[i] = copy(planes[i]);
	crtc->held_state = hf_crtc_state_copy(crtc->state);
}

unsigned int hf_kms_main_crtc(const struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_connectors; i++)
		if (kms->connectors[i]->state->crtc)
			return kms->connectors[i]->state->crtc->index;
	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		if (kms->crtcs[i]->held_state)
			return i;
	return 0;
}
