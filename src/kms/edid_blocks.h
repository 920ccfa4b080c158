/* SPDX-License-Identifier: MIT */
/*
 * The blocks of an EDID, for who reads it: the base, extensions of CTA-861 and of
 * DisplayID, and what lies in those. Nothing of it is trusted: what is not whole, or
 * has a wrong checksum, is not there. Pure functions: no state, no lock.
 */
#ifndef HF_KMS_EDID_BLOCKS_H
#define HF_KMS_EDID_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kms/edid_layout.h"

/** struct hf_edid_blocks - The base, and behind it extensions: @count in all. */
struct hf_edid_blocks {
	const struct hf_edid_base *base;
	unsigned int count;
};

/** hf_edid_blocks_init() - false: it is no EDID. */
bool hf_edid_blocks_init(struct hf_edid_blocks *blocks, const uint8_t *edid,
			 size_t size);

/** hf_edid_cta() - The CTA-861 extension at a place, or NULL. */
const struct hf_edid_cta *hf_edid_cta(const struct hf_edid_blocks *blocks,
				      unsigned int block);
/** hf_edid_cta_timings() - Where its detailed timings begin; 0: it has none. */
size_t hf_edid_cta_timings(const struct hf_edid_cta *cta);

/**
 * hf_edid_block_t - Called for a data block.
 * @tag: what it is
 * @bytes: what it holds; likewise @size
 */
typedef void hf_edid_block_t(void *data, uint8_t tag, const uint8_t *bytes,
			     size_t size);

/** hf_edid_for_each_cta() - The data blocks of all CTA-861 extensions. */
void hf_edid_for_each_cta(const struct hf_edid_blocks *blocks,
			  hf_edid_block_t *visit, void *data);
/** hf_edid_for_each_displayid() - The data blocks of all DisplayID extensions. */
void hf_edid_for_each_displayid(const struct hf_edid_blocks *blocks,
				hf_edid_block_t *visit, void *data);

#endif
