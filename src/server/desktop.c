/* SPDX-License-Identifier: MIT */
/*
 * Where displays are. See the header. No state; the system's lock is held.
 */
#include <errno.h>
#include <string.h>

#include "server/desktop.h"

/* Make @all large enough to hold @rect, too. */
static void unite(struct hf_rect *all, const struct hf_rect *rect)
{
	int32_t right = rect->x + rect->width;
	int32_t bottom = rect->y + rect->height;

	if (!all->width) {
		*all = *rect;
		return;
	}
	if (all->x + all->width > right)
		right = all->x + all->width;
	if (all->y + all->height > bottom)
		bottom = all->y + all->height;
	if (rect->x < all->x)
		all->x = rect->x;
	if (rect->y < all->y)
		all->y = rect->y;
	all->width = right - all->x;
	all->height = bottom - all->y;
}

static const struct hf_plane_state *shown(const struct hf_crtc *crtc)
{
	return crtc->primary ? crtc->primary->state : NULL;
}

static bool is_lit(const struct hf_crtc *crtc)
{
	return crtc && crtc->state->enable && crtc->state->active;
}

/* Do CRTCs show parts of one framebuffer? */
static bool is_shared(const struct hf_kms_device *kms)
{
	const struct hf_framebuffer *fb = NULL;

	for (unsigned int i = 0; i < kms->num_crtcs; i++) {
		const struct hf_plane_state *state = shown(kms->crtcs[i]);

		if (!is_lit(kms->crtcs[i]) || !state || !state->fb)
			continue;
		if (fb && state->fb != fb)
			return false;
		fb = state->fb;
	}
	return true;
}

/* Of the connectors before this one that show the same: clones. */
static bool is_clone(const struct hf_kms_device *kms, unsigned int i)
{
	for (unsigned int j = 0; j < i; j++)
		if (kms->connectors[j]->state->crtc ==
		    kms->connectors[i]->state->crtc)
			return true;
	return false;
}

/* What is at a connector, in pixels, the next to the right of @all. */
static struct hf_rect place(const struct hf_crtc *crtc, bool shared,
			    const struct hf_rect *all)
{
	const struct hf_plane_state *state = shown(crtc);
	struct hf_rect rect = {
		.width = crtc->state->mode.hdisplay,
		.height = crtc->state->mode.vdisplay,
	};

	if (shared && state && state->fb) {
		rect.x = (int32_t)(state->src_x >> 16);
		rect.y = (int32_t)(state->src_y >> 16);
	} else {
		rect.x = all->x + all->width;
	}
	return rect;
}

int hf_desktop_bounds(const struct hf_kms_device *kms, const char *connector,
		      struct hf_rect *all, struct hf_rect *rect)
{
	struct hf_rect places[HF_KMS_MAX_CRTCS] = { 0 };
	bool shared = is_shared(kms);
	int ret = connector ? -ENOENT : 0;
	char name[32];

	*all = *rect = (struct hf_rect){ 0 };
	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		const struct hf_connector *at = kms->connectors[i];
		const struct hf_crtc *crtc = at->state->crtc;
		bool wanted = false;

		if (connector) {
			hf_connector_name(at, name, sizeof(name));
			wanted = !strcmp(name, connector);
		}
		if (wanted)
			ret = is_lit(crtc) ? 0 : -ENOTCONN;
		if (!is_lit(crtc))
			continue;
		if (!is_clone(kms, i)) {
			places[crtc->index] = place(crtc, shared, all);
			unite(all, &places[crtc->index]);
		}
		if (wanted)
			*rect = places[crtc->index];
	}
	if (!connector)
		*rect = *all;
	return ret ? ret : all->width ? 0 : -ENOTCONN;
}
