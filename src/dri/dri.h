/* SPDX-License-Identifier: MIT */
/*
 * The driver that Mesa loads for a Holdfast device: holdfast_dri.so.
 *
 * It is Mesa's own software renderer on dumb buffers (kms_swrast), whose tables of
 * functions are handed on with a few entries replaced: images have a modifier (the
 * linear one), fences are sync_files, and a render node works. So EGL and GBM have a
 * device with a driver instead of a fall-back without one, and what needs a device
 * (linux-dmabuf's feedback, DRI3, explicit fences) is there.
 */
#ifndef HF_DRI_H
#define HF_DRI_H

#include <GL/internal/dri_interface.h>

/**
 * hf_dri_image() - the replaced table of images.
 * @real: the renderer's; the same for each of its screens.
 */
const __DRIextension *hf_dri_image(const __DRIextension *real);

/**
 * hf_dri_fence() - the replaced table of fences.
 * @real: the renderer's; the same for each of its screens.
 */
const __DRIextension *hf_dri_fence(const __DRIextension *real);

/**
 * hf_dri_screen_fd() - the device of a screen.
 * @screen: one that this driver made.
 *
 * Return: a descriptor that stays open as long as the screen, or -1.
 */
int hf_dri_screen_fd(__DRIscreen *screen);

/**
 * hf_dri_screen_render_fd() - The render node that a screen was made for.
 * @screen: one that this driver made.
 *
 * Return: a descriptor that stays open as long as the screen, or -1: a primary node.
 */
int hf_dri_screen_render_fd(__DRIscreen *screen);

#endif
