/* SPDX-License-Identifier: MIT */
/*
 * Where on the desktop of a program what its displays show is.
 *
 * Nothing tells a driver. So it is guessed as most programs do it: where CRTCs show
 * parts of one framebuffer, that is the desktop; else the displays stand side by side,
 * in the order of their connectors.
 */
#ifndef HF_SERVER_DESKTOP_H
#define HF_SERVER_DESKTOP_H

#include "kms/kms.h"
#include "seat/seat.h"

/**
 * hf_desktop_bounds() - Where a connector's display is. The lock is held.
 * @connector: its name; NULL: all of them are meant
 * @all: set to what all displays cover
 * @rect: set to where that one is, or to @all
 *
 * Return: 0, -ENOENT for no such connector, -ENOTCONN where nothing is shown there.
 */
int hf_desktop_bounds(const struct hf_kms_device *kms, const char *connector,
		      struct hf_rect *all, struct hf_rect *rect);

#endif
