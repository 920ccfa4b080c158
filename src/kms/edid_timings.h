/* SPDX-License-Identifier: MIT */
/*
 * The timings that an EDID names by a number or a formula: those of CTA-861 and
 * of VESA's DMT, CVT and GTF. For edid_modes.c. All of these leave the mode's
 * name, type and rate to the caller; a size or rate that the formula is not made
 * for may give a mode that hf_mode_check() refuses.
 */
#ifndef HF_KMS_EDID_TIMINGS_H
#define HF_KMS_EDID_TIMINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <drm_mode.h>

/** hf_timing_vic() - CTA-861's by its code, with its shape; false: there is none. */
bool hf_timing_vic(struct drm_mode_modeinfo *mode, unsigned int vic);

/** hf_timing_dmt() - VESA DMT's by its number; false: there is none. */
bool hf_timing_dmt(struct drm_mode_modeinfo *mode, unsigned int id);

/** hf_timing_is_reduced() - Is its blanking what CVT calls reduced? */
bool hf_timing_is_reduced(const struct drm_mode_modeinfo *mode);

/**
 * hf_timing_find_dmt() - VESA DMT's by size and rate, rounded or cut.
 * @reduced: the one with reduced blanking, or the one without
 *
 * Return: false if there is none.
 */
bool hf_timing_find_dmt(struct drm_mode_modeinfo *mode, unsigned int width,
			unsigned int height, unsigned int hz, bool reduced);

/**
 * hf_timing_established() - Those that E-EDID 3.8 has a bit for.
 * @bit: 0..16, from the first byte's highest bit on
 */
void hf_timing_established(struct drm_mode_modeinfo *mode, unsigned int bit);

/**
 * hf_timing_established3() - Those that E-EDID 3.10.3.9 has a bit for.
 * @bit: from the first byte's highest bit on
 *
 * Return: false for a bit that has no meaning.
 */
bool hf_timing_established3(struct drm_mode_modeinfo *mode, unsigned int bit);

/** hf_timing_cvt() - VESA CVT's for a size (of cells of 8) and a rate. */
bool hf_timing_cvt(struct drm_mode_modeinfo *mode, unsigned int width,
		   unsigned int height, unsigned int hz, bool reduced);

/** struct hf_gtf - The constants of a GTF blanking curve. */
struct hf_gtf {
	double m, c, k, j;
};

/**
 * hf_timing_gtf() - VESA GTF 1.1's for a size and a rate.
 * @curve: NULL for the default
 */
bool hf_timing_gtf(struct drm_mode_modeinfo *mode, unsigned int width,
		   unsigned int height, unsigned int hz,
		   const struct hf_gtf *curve);

/**
 * hf_timing_exact_clock() - What a television timing's clock really is.
 * @mode: a detailed timing, which counts in steps of 10 kHz
 *
 * Return: the clock of the television timing that @mode is but for rounding, at
 * one of its two rates; @mode's own where it is none.
 */
uint32_t hf_timing_exact_clock(const struct drm_mode_modeinfo *mode);

/**
 * hf_timing_other() - A television timing at n/1.001 Hz instead of n, or at n.
 * @mode: one, in stereo or not, with or without a shape of the picture
 * @other: set to it, with the shape that CTA-861 has for it
 *
 * Return: false where @mode is no television timing, or one with a single rate.
 */
bool hf_timing_other(const struct drm_mode_modeinfo *mode,
		     struct drm_mode_modeinfo *other);

#endif
