/* SPDX-License-Identifier: MIT */
/*
 * The modes that a television set lists by number: CTA-861-H's video codes, and what
 * HDMI has besides, 4K and stereo. As in the kernel's drm_edid.c. For edid_modes.c,
 * whose list it adds to; no state of its own, no lock.
 */
#include <string.h>

#include "kms/edid.h"
#include "kms/edid_reader.h"
#include "kms/mode.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* HDMI 1.4b, 8.3.2: the ways of stereo that are modes of their own, and limits. */
#define STEREO_FRAMES 0
#define STEREO_TOP_BOTTOM 6
#define STEREO_SIDES 8
#define MAX_FLAT 128

static void add_vic(struct hf_edid_reader *reader, unsigned int vic, uint32_t flags)
{
	struct drm_mode_modeinfo mode;

	if (!hf_timing_vic(&mode, vic))
		return;
	mode.flags |= flags;
	hf_edid_add(reader, &mode);
}

/* CTA-861-H, 7.5.1: the first 64 have a bit that says "native". */
static uint8_t vic_of(uint8_t code)
{
	uint8_t vic = code & 0x7f;

	return vic >= 1 && vic <= 64 ? vic : code;
}

/* Those that are shown, and 7.5.10: those that are at half the colours only. */
void hf_edid_read_video(void *data, uint8_t tag, const uint8_t *b,
			size_t size)
{
	struct hf_edid_reader *reader = data;
	size_t i = 0;

	if (tag == HF_CTA_EXTENDED && size && b[0] == HF_CTA_EXTENDED_VIDEO_420)
		i = 1;
	else if (tag != HF_CTA_VIDEO)
		return;
	for (; i < size; i++) {
		uint8_t vic = vic_of(b[i]);

		add_vic(reader, vic, 0);
		if (tag == HF_CTA_VIDEO && reader->num_vics < HF_EDID_MAX_VICS)
			reader->vics[reader->num_vics++] = vic;
	}
}

/* HDMI 1.4b, 8.3.2: what every television set that has stereo shows in it. */
static void add_mandatory_stereo(struct hf_edid_reader *reader)
{
	static const struct {
		uint16_t width, height, hz;
		uint32_t flags;
	} mandatory[] = {
		{ 1920, 1080, 24, DRM_MODE_FLAG_3D_TOP_AND_BOTTOM },
		{ 1920, 1080, 24, DRM_MODE_FLAG_3D_FRAME_PACKING },
		{ 1920, 1080, 50,
		  DRM_MODE_FLAG_INTERLACE | DRM_MODE_FLAG_3D_SIDE_BY_SIDE_HALF },
		{ 1920, 1080, 60,
		  DRM_MODE_FLAG_INTERLACE | DRM_MODE_FLAG_3D_SIDE_BY_SIDE_HALF },
		{ 1280, 720, 50, DRM_MODE_FLAG_3D_TOP_AND_BOTTOM },
		{ 1280, 720, 50, DRM_MODE_FLAG_3D_FRAME_PACKING },
		{ 1280, 720, 60, DRM_MODE_FLAG_3D_TOP_AND_BOTTOM },
		{ 1280, 720, 60, DRM_MODE_FLAG_3D_FRAME_PACKING },
	};
	struct drm_mode_modeinfo flat[MAX_FLAT];
	unsigned int num = reader->num < MAX_FLAT ? reader->num : MAX_FLAT;

	memcpy(flat, reader->modes, num * sizeof(flat[0]));
	for (unsigned int i = 0; i < num * ARRAY_SIZE(mandatory); i++) {
		struct drm_mode_modeinfo mode = flat[i / ARRAY_SIZE(mandatory)];
		size_t j = i % ARRAY_SIZE(mandatory);
		uint32_t flags = mandatory[j].flags;

		if (mode.hdisplay != mandatory[j].width ||
		    mode.vdisplay != mandatory[j].height ||
		    mode.vrefresh != mandatory[j].hz ||
		    mode.flags & DRM_MODE_FLAG_3D_MASK ||
		    (mode.flags ^ flags) & DRM_MODE_FLAG_INTERLACE)
			continue;
		mode.flags |= flags;
		mode.type = 0;
		hf_edid_add_one(reader, mode);
	}
}

/* One of the video codes in the ways that these bits name. */
static void add_stereo(struct hf_edid_reader *reader, unsigned int index,
		       unsigned int structures)
{
	if (index >= reader->num_vics)
		return;
	if (structures & 1 << STEREO_FRAMES)
		add_vic(reader, reader->vics[index],
			DRM_MODE_FLAG_3D_FRAME_PACKING);
	if (structures & 1 << STEREO_TOP_BOTTOM)
		add_vic(reader, reader->vics[index],
			DRM_MODE_FLAG_3D_TOP_AND_BOTTOM);
	if (structures & 1 << STEREO_SIDES)
		add_vic(reader, reader->vics[index],
			DRM_MODE_FLAG_3D_SIDE_BY_SIDE_HALF);
}

/* Which of the first 16 video codes are shown in which ways: bits of each. */
static void add_stereo_for_all(struct hf_edid_reader *reader, const uint8_t *b,
			       unsigned int multi)
{
	unsigned int structures = b[0] << 8 | b[1];
	unsigned int mask = multi == 2 ? b[2] << 8 | b[3] : 0xffff;

	for (unsigned int i = 0; i < 16; i++)
		if (mask & 1 << i)
			add_stereo(reader, i, structures);
}

/* One video code and one way each; some ways have a byte of details. */
static void add_stereo_list(struct hf_edid_reader *reader, const uint8_t *b,
			    size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned int index = b[i] >> 4, structure = b[i] & 0xf;

		if (structure >= STEREO_SIDES && ++i == size)
			return;
		/* Of halves side by side, only those that any subsampling makes. */
		if (structure != STEREO_SIDES || b[i] >> 4 == 1)
			add_stereo(reader, index, 1 << structure);
	}
}

/*
 * HDMI 1.4b, 8.3.2. The 4K modes had numbers of HDMI's before they had CTA's; two
 * optional pairs of latencies are in front of them, and stereo behind.
 */
void hf_edid_read_hdmi(void *data, uint8_t tag, const uint8_t *b,
		       size_t size)
{
	static const uint8_t vics[] = { 0, 95, 94, 93, 98 };
	struct hf_edid_reader *reader = data;
	size_t at = 8, count, stereo;
	unsigned int multi = 0, all;

	if (tag != HF_CTA_VENDOR || size < at ||
	    (b[0] | b[1] << 8 | b[2] << 16) != HF_CTA_OUI_HDMI)
		return;
	if (!(b[7] & 0x20))
		return;
	at += (b[7] & 0x80 ? 2 : 0) + (b[7] & 0x40 ? 2 : 0);
	if (at + 1 >= size)
		return;
	if (b[at] & 0x80) {
		add_mandatory_stereo(reader);
		multi = b[at] >> 5 & 3;
	}
	count = b[++at] >> 5;
	stereo = b[at++] & 0x1f;
	for (; count && at < size; count--, at++)
		if (b[at] < sizeof(vics))
			add_vic(reader, vics[b[at]], 0);
	all = multi == 1 || multi == 2 ? multi * 2 : 0;
	if (count || stereo > size - at || stereo < all)
		return;
	if (all)
		add_stereo_for_all(reader, b + at, multi);
	add_stereo_list(reader, b + at + all, stereo - all);
}
