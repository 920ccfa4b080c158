/* SPDX-License-Identifier: MIT */
/*
 * What a CRTC shows, and how often it has shown something no longer: a program may
 * draw into that, so a picture that is composed meanwhile is of no moment at all.
 *
 * Owned by whoever looks; the devices' lock is held.
 */
#ifndef HF_SERVER_SHOWN_H
#define HF_SERVER_SHOWN_H

#include "kms/kms.h"

/**
 * struct hf_shown - What was seen last; all 0 before.
 * @fbs: IDs of what is shown
 * @num_fbs: how many; 0: nothing
 * @given_back: how often something was shown no longer
 */
struct hf_shown {
	uint32_t fbs[HF_CRTC_MAX_PLANES];
	unsigned int num_fbs;
	uint64_t given_back;
};

/**
 * hf_shown_look() - See what is shown now.
 *
 * After an asynchronous flip what was replaced is on the screen still, in part, and
 * there is no whole picture: that does not count.
 */
void hf_shown_look(struct hf_shown *shown, const struct hf_crtc *crtc);

#endif
