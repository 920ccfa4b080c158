/* SPDX-License-Identifier: MIT */
/*
 * Composition by pixman, straight from the framebuffers to the target, where that is
 * as exact as the pipe. For the composer only.
 */
#ifndef HF_SOFT_DIRECT_H
#define HF_SOFT_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include "drivers/soft/compose.h"

/**
 * hf_direct_possible() - Can pixman do it?
 * @target: a valid target
 * @crtc: what happens to the pixels
 * @planes: valid ones, lowest first
 * @num_planes: how many
 *
 * Return: whether each channel would be within one code of what it should be.
 */
bool hf_direct_possible(const struct hf_compose_target *target,
			const struct hf_compose_crtc *crtc,
			const struct hf_compose_plane *planes,
			size_t num_planes);

/**
 * hf_direct_compose() - Let it do it.
 * @target: where it is possible
 * @crtc: likewise
 * @planes: likewise
 * @num_planes: how many
 *
 * Return: 0 or -ENOMEM.
 */
int hf_direct_compose(const struct hf_compose_target *target,
		      const struct hf_compose_crtc *crtc,
		      const struct hf_compose_plane *planes, size_t num_planes);

#endif
