/* SPDX-License-Identifier: MIT */
/*
 * What the bits of a pixel format mean. For the composer only.
 */
#ifndef HF_SOFT_LAYOUT_H
#define HF_SOFT_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include "kms/format.h"

/**
 * struct hf_channel - Where a channel is.
 * @plane: which colour plane
 * @unit: bytes of the little-endian words that the plane is made of: 1, 2, 4
 * @step: words from one sample to the next
 * @offset: words before the first sample
 * @shift: lowest bit within the word
 * @bits: its bits; 0 where there is no such channel
 */
struct hf_channel {
	uint8_t plane, unit, step, offset, shift, bits;
};

/**
 * struct hf_layout - What a format's bits mean.
 * @fourcc: the format
 * @half: channels are half floats
 * @channels: red, green, blue, alpha; or Y, Cb, Cr, alpha
 */
struct hf_layout {
	uint32_t fourcc;
	bool half;
	struct hf_channel channels[4];
};

/**
 * hf_layout_of() - Look a format up.
 * @format: a known format
 *
 * Return: its layout, or NULL if nobody wrote it down.
 */
const struct hf_layout *hf_layout_of(const struct hf_format *format);

#endif
