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
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "drivers/soft/crc.h"
#include "drivers/soft/pixels.h"

/* How far back words have a say. */
enum { LAG_1 = 145, LAG_2 = 183, LAG_3 = 211, LAG_4 = 300 };

int hf_crc_init(struct hf_crc *crc, size_t line)
{
	*crc = (struct hf_crc){ .line = line };
	crc->words = calloc(LAG_4 + line, sizeof(*crc->words));
	return crc->words ? 0 : -ENOMEM;
}

void *hf_crc_line(const struct hf_crc *crc)
{
	return crc->words + LAG_4;
}

/* At most LAG_1 words, so that none of them depends on another one. */
HF_HOT
static void add_run(uint64_t *restrict to, const uint64_t *a, const uint64_t *b,
		    const uint64_t *c, const uint64_t *d, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] ^= a[i] ^ b[i] ^ c[i] ^ d[i];
}

void hf_crc_add(struct hf_crc *crc)
{
	uint64_t *words = hf_crc_line(crc);

	/* A CRC-32 begins with all ones. */
	if (!crc->begun)
		words[0] ^= 0xffffffff;
	crc->begun = 1;
	for (size_t i = 0; i < crc->line; i += LAG_1) {
		size_t left = crc->line - i;
		uint64_t *to = words + i;

		add_run(to, to - LAG_1, to - LAG_2, to - LAG_3, to - LAG_4,
			left < LAG_1 ? left : LAG_1);
	}
	memmove(crc->words, crc->words + crc->line, LAG_4 * sizeof(*words));
}

uint32_t hf_crc_finish(struct hf_crc *crc)
{
	static const int distances[] = { LAG_1, LAG_2, LAG_3, LAG_4 };
	uint64_t *words = crc->words;
	uint32_t value;

	/* The last words stay where they are: take back what they had a say in. */
	for (int i = LAG_4 - 1; i >= 0; i--)
		for (int j = 0; j < 4; j++)
			if (i >= distances[j])
				words[i] ^= words[i - distances[j]];
	/* The register begins with zeroes here, and zlib inverts it. */
	value = crc32(0xffffffff, (const uint8_t *)words,
		      LAG_4 * sizeof(*words));
	free(crc->words);
	crc->words = NULL;
	return value;
}
