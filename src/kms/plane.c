/* SPDX-License-Identifier: MIT */
/*
 * Planes: the order in which a CRTC shows them.
 *
 * The device's lock protects it all.
 */
#include "kms/kms.h"

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
