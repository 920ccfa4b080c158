/* SPDX-License-Identifier: MIT */
/*
 * Walking the blocks of an EDID that comes from a device or from a user's file, so
 * every length and offset in it is checked. See the header.
 */
#include <string.h>

#include "kms/edid.h"
#include "kms/edid_blocks.h"

static bool adds_up(const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += byte[i];
	return !sum;
}

const struct hf_edid_cta *hf_edid_cta(const struct hf_edid_blocks *blocks,
				      unsigned int block)
{
	const struct hf_edid_cta *cta = (const void *)(blocks->base + block);

	if (cta->tag != HF_EDID_EXTENSION_CTA || !adds_up(cta, sizeof(*cta)))
		return NULL;
	return cta;
}

/* CTA-861-H, 7.5: zero if there are no detailed timings and no data blocks. */
size_t hf_edid_cta_timings(const struct hf_edid_cta *cta)
{
	if (cta->dtd_offset < offsetof(struct hf_edid_cta, data) ||
	    cta->dtd_offset > offsetof(struct hf_edid_cta, checksum))
		return 0;
	return cta->dtd_offset;
}

/* CTA-861-H, 7.4: data blocks, each with a tag and a length in one byte. */
static void walk_cta(const struct hf_edid_cta *cta, hf_edid_block_t *visit,
		     void *data)
{
	const uint8_t *b = cta->data;
	const uint8_t *end = (const uint8_t *)cta + hf_edid_cta_timings(cta);

	if (cta->revision < 3)
		return;
	while (b < end) {
		uint8_t tag = *b >> 5;
		size_t size = *b++ & 0x1f;

		if (size > (size_t)(end - b))
			return;
		visit(data, tag, b, size);
		b += size;
	}
}

void hf_edid_for_each_cta(const struct hf_edid_blocks *blocks,
			  hf_edid_block_t *visit, void *data)
{
	for (unsigned int i = 1; i < blocks->count; i++) {
		const struct hf_edid_cta *cta = hf_edid_cta(blocks, i);

		if (cta)
			walk_cta(cta, visit, data);
	}
}

/*
 * DisplayID 1.3, 2.1: within the extension is a section of four bytes, data blocks
 * and a checksum.
 */
static void walk_displayid(const uint8_t *block, hf_edid_block_t *visit,
			   void *data)
{
	const size_t head = 4, first = 1 + head;
	size_t size = block[2];
	const uint8_t *b = block + first, *end = b + size;

	if (first + size + 1 > HF_EDID_BLOCK - 1 ||
	    !adds_up(block + 1, head + size + 1))
		return;

	while ((size_t)(end - b) >= sizeof(struct hf_displayid_block)) {
		const struct hf_displayid_block *at = (const void *)b;

		b += sizeof(*at);
		/* Nothing but padding follows. */
		if (!at->tag && !at->size)
			return;
		if (at->size > end - b)
			return;
		visit(data, at->tag, b, at->size);
		b += at->size;
	}
}

void hf_edid_for_each_displayid(const struct hf_edid_blocks *blocks,
				hf_edid_block_t *visit, void *data)
{
	for (unsigned int i = 1; i < blocks->count; i++) {
		const uint8_t *block = (const void *)(blocks->base + i);

		if (block[0] == HF_EDID_EXTENSION_DISPLAYID &&
		    adds_up(block, HF_EDID_BLOCK))
			walk_displayid(block, visit, data);
	}
}

/*
 * HDMI 2.1, 10.3.6: where there are more than old programs can stand, the base
 * names one, which begins with the real number.
 */
static unsigned int count_extensions(const struct hf_edid_blocks *blocks)
{
	const struct hf_edid_cta *cta;

	if (!blocks->base->extensions || blocks->count < 2)
		return 0;
	cta = hf_edid_cta(blocks, 1);
	if (cta && cta->revision >= 3 && hf_edid_cta_timings(cta) >= 7 &&
	    cta->data[0] == (HF_CTA_EXTENDED << 5 | 2) &&
	    cta->data[1] == HF_CTA_EXTENDED_EEODB && cta->data[2])
		return cta->data[2];
	return blocks->base->extensions;
}

static bool is_base(const uint8_t *edid, size_t size)
{
	static const uint8_t header[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };

	return size >= HF_EDID_BLOCK &&
	       !memcmp(edid, header, sizeof(header)) &&
	       adds_up(edid, HF_EDID_BLOCK);
}

size_t hf_edid_size(const uint8_t *edid, size_t size)
{
	const struct hf_edid_base *base = (const void *)edid;
	size_t whole;

	if (!is_base(edid, size))
		return 0;
	whole = (1 + (size_t)base->extensions) * HF_EDID_BLOCK;
	return whole > size ? 0 : whole;
}

bool hf_edid_blocks_init(struct hf_edid_blocks *blocks, const uint8_t *edid,
			 size_t size)
{
	unsigned int extensions;

	blocks->base = (const void *)edid;
	if (!is_base(edid, size) || size % HF_EDID_BLOCK ||
	    blocks->base->version != 1)
		return false;
	blocks->count = size / HF_EDID_BLOCK < 256 ? size / HF_EDID_BLOCK : 256;
	extensions = count_extensions(blocks);
	if (blocks->count > extensions + 1)
		blocks->count = extensions + 1;
	return true;
}
