/* SPDX-License-Identifier: MIT */
/*
 * Display modes: timings made from a size and a rate, lists of them, and the
 * arithmetic of scanout. A mode is the UAPI's struct drm_mode_modeinfo.
 */
#ifndef HF_KMS_MODE_H
#define HF_KMS_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <drm_mode.h>

/* What hf_mode_make() accepts, for either direction. */
#define HF_MODE_MIN_SIZE 16
#define HF_MODE_MAX_SIZE 16384

/**
 * hf_mode_make() - A mode for a size and a refresh rate.
 * @mode: where to put it
 * @width: visible pixels, 16..16384
 * @height: visible lines, 16..16384
 * @hz: refreshes a second, 1.0..1000.0
 *
 * The timing of VESA DMT (and CTA-861 for the common TV sizes) where there is
 * one for that size and rate, of CVT (libxcvt; reduced blanking where the plain
 * clock would exceed that of single-link DVI) otherwise. A rate of n/1.001 takes
 * the television timing for n with its clock slowed down. The actual rate may be
 * off by as much as CVT allows, 0.5%. Any width works, not only multiples of 8.
 *
 * The name is "1920x1080", the type DRM_MODE_TYPE_DRIVER.
 *
 * Return: 0, or -EINVAL out of range.
 */
int hf_mode_make(struct drm_mode_modeinfo *mode, unsigned int width,
		 unsigned int height, double hz);

/**
 * hf_mode_from_timing() - A row of a table as a mode, without name, type and rate.
 * @clock: kHz
 * @h: pixels: visible, sync start, sync end, total
 * @v: lines: likewise
 * @flags: DRM_MODE_FLAG_*
 */
void hf_mode_from_timing(struct drm_mode_modeinfo *mode, uint32_t clock,
			 const uint16_t h[4], const uint16_t v[4],
			 uint32_t flags);

/**
 * hf_mode_list() - The modes that a monitor with this native mode offers.
 * @native: its preferred mode; comes first, typed PREFERRED|DRIVER
 * @modes: where to put them
 * @max: how many fit
 *
 * The native mode, then the standard modes that are no larger and refresh no
 * faster than it (60 Hz are always allowed), sorted as the kernel sorts a
 * connector's list: preferred, area, refresh, clock. No two have the same size
 * and rounded rate. Where @max is too small, the smallest modes are dropped.
 *
 * Return: how many were written.
 */
size_t hf_mode_list(const struct drm_mode_modeinfo *native,
		    struct drm_mode_modeinfo *modes, size_t max);

/**
 * hf_mode_check() - Is this mode one that a CRTC can scan out?
 * @mode: what a client sent
 *
 * The checks of the kernel's drm_mode_convert_umode() and
 * drm_mode_validate_basic(), in their order. Unknown bits of @mode->type are no
 * error there, some old programs leave the field uninitialised: mask them with
 * DRM_MODE_TYPE_ALL.
 *
 * Return: 0; -ERANGE for a clock or refresh rate above INT_MAX; -EINVAL for an
 * unknown aspect ratio or flag, a zero clock or size, or sync out of order.
 */
int hf_mode_check(const struct drm_mode_modeinfo *mode);

/**
 * hf_mode_equal() - The same timing and flags, whatever the name and type.
 * @a: one mode
 * @b: the other
 */
bool hf_mode_equal(const struct drm_mode_modeinfo *a,
		   const struct drm_mode_modeinfo *b);

/**
 * hf_mode_compare() - The order of modes in a connector's list.
 * @a: one mode
 * @b: the other
 *
 * As the kernel sorts them: preferred, area, refresh, clock; then width.
 *
 * Return: below 0 if @a comes first, above 0 if @b does, else 0.
 */
int hf_mode_compare(const struct drm_mode_modeinfo *a,
		    const struct drm_mode_modeinfo *b);

/**
 * hf_mode_size() - The pixels and lines of a picture for a mode.
 *
 * Those that are visible; of stereo where whole frames follow each other, both eyes'
 * and the blank lines between them, as drm_mode_get_hv_timing() has it.
 */
void hf_mode_size(const struct drm_mode_modeinfo *mode, uint32_t *width,
		  uint32_t *height);

/**
 * hf_mode_frame_ns() - How long a frame (a field, when interlaced) lasts.
 * @mode: any mode, checked or not
 *
 * Return: nanoseconds, rounded down as the kernel's timestamping does; 0 where
 * @mode has no clock.
 */
uint64_t hf_mode_frame_ns(const struct drm_mode_modeinfo *mode);

/**
 * hf_mode_vrefresh() - Refreshes a second, rounded as the kernel rounds it.
 * @mode: any mode, checked or not; its vrefresh field is not looked at
 *
 * Return: hertz, fields for an interlaced mode; 0 where there is no total.
 */
uint32_t hf_mode_vrefresh(const struct drm_mode_modeinfo *mode);

#endif
