/* SPDX-License-Identifier: MIT */
/*
 * What a CRTC shows. See the header.
 *
 * Framebuffers are compared by their IDs: one that goes is taken off the screen before
 * its ID can be another's.
 */
#include <string.h>

#include "server/shown.h"

static bool has(const uint32_t *ids, unsigned int n, uint32_t id)
{
	for (unsigned int i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

void hf_shown_look(struct hf_shown *shown, const struct hf_crtc *crtc)
{
	const struct hf_plane_state *planes[HF_CRTC_MAX_PLANES];
	unsigned int n = crtc->state->active ? hf_crtc_planes(crtc, planes) : 0;
	uint32_t fbs[HF_CRTC_MAX_PLANES];
	bool gone = false;

	for (unsigned int i = 0; i < n; i++)
		fbs[i] = planes[i]->fb->base.id;
	for (unsigned int i = 0; i < shown->num_fbs; i++)
		gone = gone || !has(fbs, n, shown->fbs[i]);
	if (gone && !crtc->state->async_flip)
		shown->given_back++;
	memcpy(shown->fbs, fbs, n * sizeof(*fbs));
	shown->num_fbs = n;
}
