/* SPDX-License-Identifier: MIT */
/*
 * The legacy calls, as atomic states: each of these fills a state with what
 * the call means, and the caller checks and commits it like any other.
 */
#ifndef HF_KMS_LEGACY_H
#define HF_KMS_LEGACY_H

#include "kms/kms.h"

/**
 * hf_legacy_set_crtc() - SETCRTC: one mode, one framebuffer, some connectors.
 * @mode: NULL switches the CRTC off
 * @x: of the visible part in the framebuffer, pixels; likewise @y
 *
 * Connectors that other CRTCs had are taken from them, and a CRTC that is
 * left without any is switched off. Return: 0, -ENOMEM.
 */
int hf_legacy_set_crtc(struct hf_atomic_state *state, struct hf_crtc *crtc,
		       const struct drm_mode_modeinfo *mode,
		       struct hf_framebuffer *fb, uint32_t x, uint32_t y,
		       struct hf_connector *const *connectors, size_t n);
/** hf_legacy_set_plane() - SETPLANE; @fb NULL takes it off. */
int hf_legacy_set_plane(struct hf_atomic_state *state, struct hf_plane *plane,
			struct hf_crtc *crtc, struct hf_framebuffer *fb,
			const struct drm_mode_set_plane *req);
/** hf_legacy_page_flip() - PAGE_FLIP. Return: 0, -EINVAL while it is off. */
int hf_legacy_page_flip(struct hf_atomic_state *state, struct hf_crtc *crtc,
			struct hf_framebuffer *fb, bool async);
/**
 * hf_legacy_set_gamma() - SETGAMMA: @lut has HF_KMS_GAMMA_SIZE entries, and there is
 * no other table or matrix.
 */
int hf_legacy_set_gamma(struct hf_atomic_state *state, struct hf_crtc *crtc,
			const struct drm_color_lut *lut);
/**
 * hf_legacy_set_dpms() - The DPMS property: on or off for the connector.
 *
 * Its CRTC is on while one of its connectors is. Return: 0, -ENOMEM.
 */
int hf_legacy_set_dpms(struct hf_atomic_state *state,
		       struct hf_connector *connector, uint64_t value);
/** hf_legacy_check_viewport() - Is the CRTC's part inside? 0 or -ENOSPC. */
int hf_legacy_check_viewport(const struct hf_crtc *crtc,
			     const struct drm_mode_modeinfo *mode,
			     const struct hf_framebuffer *fb, uint32_t x,
			     uint32_t y);

#endif
