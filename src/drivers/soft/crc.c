/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 at the speed of a few loads a word, without special instructions. The CRC
 * is the message as a polynomial modulo P, and P divides a sparse polynomial whose
 * powers are multiples of 64 bits:
 *
 *	x^(64*300) + x^(64*155) + x^(64*117) + x^(64*89) + 1
 *
 * so a word may be replaced by its sum, which is XOR, with words 145, 183, 211 and
 * 300 places later. The words that are left at the end are zlib's to reduce. Belongs
 * to who composes a picture. No lock.
 */
#include <string.h>

#include <zlib.h>

#include "drivers/soft/crc.h"
#include "drivers/soft/pixels.h"

/* How far back words have a say. */
enum { LAG_1 = 145, LAG_2 = 183, LAG_3 = 211, LAG_4 = HF_CRC_PAST };

void hf_crc_init(struct hf_crc *crc)
{
	*crc = (struct hf_crc){ .used = HF_CRC_PAST };
}

void *hf_crc_room(struct hf_crc *crc, size_t count)
{
	if (crc->used + count > HF_CRC_WORDS) {
		memmove(crc->words, crc->words + crc->used - HF_CRC_PAST,
			HF_CRC_PAST * sizeof(crc->words[0]));
		crc->used = HF_CRC_PAST;
	}
	return crc->words + crc->used;
}

/* Words that do not depend on each other: less than LAG_1, in whole vectors. */
#define BLOCK 144

HF_HOT
static void add_run(uint64_t *restrict to, const uint64_t *a, const uint64_t *b,
		    const uint64_t *c, const uint64_t *d, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] ^= a[i] ^ b[i] ^ c[i] ^ d[i];
}

void hf_crc_add(struct hf_crc *crc, size_t count)
{
	uint64_t *words = crc->words + crc->used;

	/* A CRC-32 begins with all ones. */
	if (!crc->begun)
		words[0] ^= 0xffffffff;
	crc->begun = true;
	crc->used += count;
	for (size_t i = 0; i < count; i += BLOCK) {
		size_t left = count - i;
		uint64_t *to = words + i;

		add_run(to, to - LAG_1, to - LAG_2, to - LAG_3, to - LAG_4,
			left < BLOCK ? left : BLOCK);
	}
}

uint32_t hf_crc_finish(struct hf_crc *crc)
{
	static const int lags[] = { LAG_1, LAG_2, LAG_3, LAG_4 };
	uint64_t *words = crc->words + crc->used - HF_CRC_PAST;

	/* The last words stay where they are: take back what they had a say in. */
	for (int i = HF_CRC_PAST - 1; i >= 0; i--)
		for (int j = 0; j < 4; j++)
			if (i >= lags[j])
				words[i] ^= words[i - lags[j]];
	/* The register begins with zeroes here, and zlib inverts it. */
	return crc32(0xffffffff, (const uint8_t *)words,
		     HF_CRC_PAST * sizeof(*words));
}
