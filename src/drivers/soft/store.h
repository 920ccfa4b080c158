/* SPDX-License-Identifier: MIT */
/*
 * Finished pixels in the format that they are wanted in. For the composer only.
 */
#ifndef HF_SOFT_STORE_H
#define HF_SOFT_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "drivers/soft/pixels.h"
#include "kms/format.h"

/**
 * struct hf_store - How pixels are written.
 * @size: bytes of a pixel: 2, 4 or 8
 * @shifts: lowest bits of red, green and blue
 * @scales: from 16 bits to the field's code
 * @fill: the bits that belong to no colour
 */
struct hf_store {
	uint8_t size;
	uint8_t shifts[3];
	float scales[3];
	uint32_t fill;
};

/**
 * hf_store_supported() - Can pixels of this format be written?
 * @format: a known format
 */
bool hf_store_supported(const struct hf_format *format);

/**
 * hf_store_bits() - The precision of a format.
 * @format: a supported format
 *
 * Return: bits of its most precise channel.
 */
unsigned int hf_store_bits(const struct hf_format *format);

/**
 * hf_store_init() - Prepare to write pixels.
 * @store: to fill in
 * @format: a supported format
 */
void hf_store_init(struct hf_store *store, const struct hf_format *format);

/**
 * hf_store_line() - Write pixels, rounded to the nearest.
 * @store: how
 * @pixels: opaque ones
 * @count: how many
 * @to: where to; what is no colour there gets all ones
 */
void hf_store_line(const struct hf_store *store, const struct hf_pixels *pixels,
		   size_t count, void *to);

#endif
