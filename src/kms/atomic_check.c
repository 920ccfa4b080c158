/* SPDX-License-Identifier: MIT */
/*
 * Checking an atomic state: what the kernel's drm_atomic_check_only() and
 * drm_atomic_helper_check() refuse, with their errnos and in their order.
 */
#include <errno.h>
#include <limits.h>

#include "kms/kms.h"
#include "kms/mode.h"
#include "kms/state.h"
#include "kms/writeback.h"

#define MIN_FRAME_NS 100000u
#define MAX_FRAME_NS 1000000000u

static bool damage_inside(const struct hf_plane_state *state)
{
	const struct drm_mode_rect *clip;
	size_t n;

	if (!state->damage)
		return true;
	clip = (const void *)state->damage->data;
	n = state->damage->length / sizeof(*clip);
	for (size_t i = 0; i < n; i++, clip++)
		if (clip->x1 < 0 || clip->y1 < 0 || clip->x1 >= clip->x2 ||
		    clip->y1 >= clip->y2 ||
		    clip->x2 > (int64_t)state->fb->width ||
		    clip->y2 > (int64_t)state->fb->height)
			return false;
	return true;
}

/* Drivers with a limit have it here; the others in their own check(). */
static bool cursor_fits(const struct hf_plane_state *state)
{
	uint32_t size = state->plane->kms->funcs->cursor_size;

	return state->plane->type != HF_PLANE_CURSOR || !size ||
	       (state->crtc_w <= size && state->crtc_h <= size);
}

static int check_plane(const struct hf_plane_state *old,
		       const struct hf_plane_state *new)
{
	const struct hf_framebuffer *fb = new->fb;
	uint64_t fb_w, fb_h;

	if (!new->crtc != !fb)
		return -EINVAL;
	if (!fb)
		return 0;
	if (!(new->plane->possible_crtcs & 1u << new->crtc->index))
		return -EINVAL;
	if (!hf_plane_has_format(new->plane, fb->format->fourcc, fb->modifier))
		return -EINVAL;
	if (new->crtc_w > INT_MAX ||
	    new->crtc_x > INT_MAX - (int32_t)new->crtc_w ||
	    new->crtc_h > INT_MAX ||
	    new->crtc_y > INT_MAX - (int32_t)new->crtc_h)
		return -ERANGE;
	fb_w = (uint64_t)fb->width << 16;
	fb_h = (uint64_t)fb->height << 16;
	if (new->src_w > fb_w || new->src_x > fb_w - new->src_w ||
	    new->src_h > fb_h || new->src_y > fb_h - new->src_h)
		return -ENOSPC;
	if (!damage_inside(new))
		return -EINVAL;
	if (!cursor_fits(new))
		return -EINVAL;
	/* A plane does not move from one CRTC to another in one step. */
	if (old->crtc && old->crtc != new->crtc)
		return -EINVAL;
	return 0;
}

/* The property takes any number of whole entries; the display does not. */
static bool is_lut(const struct hf_blob *blob)
{
	size_t n = blob ? blob->length / sizeof(struct drm_color_lut) : 2;

	return n >= 2 && n <= HF_KMS_LUT_SIZE;
}

static int check_crtc(const struct hf_crtc_state *old,
		      struct hf_crtc_state *new)
{
	if (new->active && !new->enable)
		return -EINVAL;
	if ((new->event || new->out_fence) && !new->active && !old->active)
		return -EINVAL;
	return is_lut(new->degamma) && is_lut(new->gamma) ? 0 : -EINVAL;
}

/* A driver's mode_valid(): a pixel clock that some display could have. */
static bool can_show(const struct drm_mode_modeinfo *mode)
{
	uint64_t ns = hf_mode_frame_ns(mode);

	return ns >= MIN_FRAME_NS && ns <= MAX_FRAME_NS &&
	       mode->hdisplay <= HF_KMS_MAX_SIZE &&
	       mode->vdisplay <= HF_KMS_MAX_SIZE && mode->vscan <= 16;
}

/* What changes for a CRTC. */
static int check_modeset(const struct hf_crtc_state *old,
			 struct hf_crtc_state *new)
{
	if (!hf_mode_equal(&old->mode, &new->mode) ||
	    old->enable != new->enable)
		new->mode_changed = true;
	if (old->active != new->active)
		new->active_changed = true;
	if (old->connector_mask != new->connector_mask)
		new->connectors_changed = true;
	if (old->enable != new->enable)
		new->connectors_changed = true;
	return new->mode_changed && new->enable && !can_show(&new->mode) ?
		       -EINVAL :
		       0;
}

/* A modeset is one of all that its CRTC shows. */
static int add_affected_planes(struct hf_atomic_state *state)
{
	struct hf_kms_device *kms = state->kms;

	for (unsigned int i = 0; i < kms->num_planes; i++) {
		const struct hf_crtc *crtc = kms->planes[i]->state->crtc;

		if (crtc && state->crtcs[crtc->index] &&
		    hf_crtc_needs_modeset(state->crtcs[crtc->index]) &&
		    !hf_atomic_get_plane(state, kms->planes[i]))
			return -ENOMEM;
	}
	return 0;
}

int hf_atomic_check(struct hf_atomic_state *state)
{
	struct hf_kms_device *kms = state->kms;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < kms->num_planes; i++)
		if (state->planes[i])
			ret = check_plane(kms->planes[i]->state,
					  state->planes[i]);
	for (i = 0; !ret && i < kms->num_crtcs; i++)
		if (state->crtcs[i])
			ret = check_crtc(kms->crtcs[i]->state,
					 state->crtcs[i]);
	if (!ret)
		ret = hf_writeback_check(state);
	for (i = 0; !ret && i < kms->num_crtcs; i++)
		if (state->crtcs[i])
			ret = check_modeset(kms->crtcs[i]->state,
					    state->crtcs[i]);
	if (!ret)
		ret = hf_atomic_check_routing(state);
	if (!ret)
		ret = hf_writeback_check_targets(state);
	if (!ret)
		ret = add_affected_planes(state);
	if (!ret && kms->funcs->check)
		ret = kms->funcs->check(state);
	for (i = 0; !ret && i < kms->num_crtcs; i++)
		if (!state->allow_modeset && state->crtcs[i] &&
		    hf_crtc_needs_modeset(state->crtcs[i]))
			ret = -EINVAL;
	return ret;
}
