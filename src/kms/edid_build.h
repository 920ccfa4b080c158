/* SPDX-License-Identifier: MIT */
/* Shared between the files of kms/ that write an EDID. */
#ifndef HF_KMS_EDID_BUILD_H
#define HF_KMS_EDID_BUILD_H

#include <stdbool.h>

#include "kms/edid.h"
#include "kms/edid_layout.h"

/* The byte that makes the sum of all zero. */
uint8_t hf_edid_checksum(const uint8_t *bytes, size_t size);
/* Can a detailed timing hold this mode? */
bool hf_edid_fits_detailed(const struct drm_mode_modeinfo *mode);
void hf_edid_put_detailed(struct hf_edid_descriptor *descriptor,
			  const struct drm_mode_modeinfo *mode,
			  const struct hf_edid_monitor *monitor);

/* edid_cta.c: is there anything to say that only CTA-861 has words for? */
bool hf_edid_needs_cta(const struct hf_edid_monitor *monitor);
void hf_edid_build_cta(struct hf_edid_cta *cta,
		       const struct hf_edid_monitor *monitor, bool hdmi);

#endif
