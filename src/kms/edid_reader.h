/* SPDX-License-Identifier: MIT */
/* Shared between the files of kms/ that read the modes of an EDID. */
#ifndef HF_KMS_EDID_READER_H
#define HF_KMS_EDID_READER_H

#include "kms/edid_blocks.h"
#include "kms/edid_timings.h"

#define HF_EDID_MAX_VICS 64

/* How timings are made that are given as a size and a rate, and are no DMT. */
enum hf_edid_formula {
	HF_FORMULA_NONE,
	HF_FORMULA_GTF,
	HF_FORMULA_GTF2,
	HF_FORMULA_CVT,
};

/*
 * The EDID that is read and the list that is made of it, always sorted. Blocks
 * are the base and as many extensions as there are.
 */
struct hf_edid_reader {
	struct hf_edid_blocks blocks;
	const struct hf_edid_base *base;
	bool has_cta;
	bool reduced;
	enum hf_edid_formula formula;
	struct hf_gtf gtf2;
	uint32_t gtf2_khz;
	bool prefer_next;
	uint32_t width_mm, height_mm;
	uint8_t vics[HF_EDID_MAX_VICS]; /* as the video data blocks list them */
	unsigned int num_vics;
	struct drm_mode_modeinfo *modes;
	unsigned int num, max;
};

static inline uint32_t hf_edid_le16(const uint8_t bytes[2])
{
	return bytes[0] | bytes[1] << 8;
}

/* E-EDID 1.4, 3.10: is it a timing, or what else? */
static inline bool
hf_edid_is_detailed(const struct hf_edid_descriptor *descriptor)
{
	return hf_edid_le16(descriptor->bytes);
}

static inline bool
hf_edid_has_tag(const struct hf_edid_descriptor *descriptor,
		enum hf_edid_tag tag)
{
	return !hf_edid_is_detailed(descriptor) && !descriptor->bytes[2] &&
	       descriptor->bytes[3] == tag;
}

/* edid_modes.c: into the list, if it is a mode; and the same at n/1.001 Hz, or n. */
void hf_edid_add_one(struct hf_edid_reader *reader,
		     struct drm_mode_modeinfo mode);
void hf_edid_add(struct hf_edid_reader *reader,
		 const struct drm_mode_modeinfo *mode);

/* edid_hdmi.c, for hf_edid_for_each_cta(): video codes first. */
void hf_edid_read_video(void *data, uint8_t tag, const uint8_t *bytes,
			size_t size);
void hf_edid_read_hdmi(void *data, uint8_t tag, const uint8_t *bytes,
		       size_t size);

/* edid_range.c: what a range limits descriptor lets one hope for. */
void hf_edid_read_range(struct hf_edid_reader *reader,
			const struct hf_edid_descriptor *descriptor);

#endif
