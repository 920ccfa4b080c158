/* SPDX-License-Identifier: MIT */
/*
 * What an EDID says besides modes: whether the monitor is part of a larger one, and
 * whether it is one that a desktop should keep off. As the kernel finds it in
 * drm_edid.c. A pure function of its arguments: no state, no lock.
 */
#include <string.h>

#include "kms/edid.h"
#include "kms/edid_blocks.h"

#define TILED_SINGLE 0x80

/* Versions 1 and 2 are for what is worn; then there is a bit that says "desktop". */
#define MICROSOFT_ALWAYS_WORN 2
#define MICROSOFT_DESKTOP 0x40

static void read_cta(void *data, uint8_t tag, const uint8_t *b, size_t size)
{
	struct hf_edid_info *info = data;

	if (tag != HF_CTA_VENDOR || size != HF_CTA_MICROSOFT_SIZE ||
	    (b[0] | b[1] << 8 | b[2] << 16) != HF_CTA_OUI_MICROSOFT)
		return;
	if ((b[3] >= 1 && b[3] <= MICROSOFT_ALWAYS_WORN) ||
	    (b[3] == MICROSOFT_ALWAYS_WORN + 1 && !(b[4] & MICROSOFT_DESKTOP)))
		info->non_desktop = true;
}

static void read_displayid(void *data, uint8_t tag, const uint8_t *bytes,
			   size_t size)
{
	const struct hf_displayid_tiled *tiled = (const void *)bytes;
	struct hf_edid_tile *tile = &((struct hf_edid_info *)data)->tile;
	const uint8_t *t = tiled->topology;

	if ((tag != HF_DISPLAYID_TILED && tag != HF_DISPLAYID_TILED_2) ||
	    size < sizeof(*tiled))
		return;
	*tile = (struct hf_edid_tile){
		.columns = (t[0] >> 4 | (t[2] >> 2 & 0x30)) + 1,
		.rows = ((t[0] & 0xf) | (t[2] & 0x30)) + 1,
		.column = t[1] >> 4 | (t[2] << 2 & 0x30),
		.row = (t[1] & 0xf) | (t[2] << 4 & 0x30),
		.width = (tiled->width[0] | tiled->width[1] << 8) + 1,
		.height = (tiled->height[0] | tiled->height[1] << 8) + 1,
		.single = tiled->flags & TILED_SINGLE,
	};
	memcpy(tile->topology, tiled->id, sizeof(tile->topology));
}

void hf_edid_info(const uint8_t *edid, size_t size, struct hf_edid_info *info)
{
	struct hf_edid_blocks blocks;

	memset(info, 0, sizeof(*info));
	if (!hf_edid_blocks_init(&blocks, edid, size))
		return;
	hf_edid_for_each_cta(&blocks, read_cta, info);
	hf_edid_for_each_displayid(&blocks, read_displayid, info);
}
