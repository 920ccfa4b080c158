/* SPDX-License-Identifier: MIT */
/*
 * Modes that an EDID does not list but lets one hope for: of a monitor with a
 * continuous range of rates, VESA's modes and a few more that are within its limits,
 * and no larger than one that it does list. As in the kernel's drm_edid.c. For
 * edid_modes.c, whose list it adds to; no state of its own, no lock. Section numbers
 * refer to E-EDID 1.4, release A2.
 */
#include "kms/edid_reader.h"
#include "kms/mode.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define LAST_DMT 0x58

/* 3.10.3.3.1: limits beyond 255 are stored less that. */
#define MIN_HZ_HIGH 0x01
#define MAX_HZ_HIGH 0x02
#define MIN_KHZ_HIGH 0x04
#define MAX_KHZ_HIGH 0x08

/* Which formula other timings follow. */
#define RANGE_GTF 0x00
#define RANGE_GTF2 0x02
#define RANGE_CVT 0x04

/* A clock that counts in 10 MHz may be this much more. */
#define CLOCK_FUZZ_KHZ 5001

struct range {
	uint32_t min_hz, max_hz, min_khz, max_khz;
	uint32_t max_clock; /* kHz; 0: any, likewise @max_width */
	uint32_t max_width;
	bool reduced;
};

static void parse_range(struct range *range,
			const struct hf_edid_reader *reader, const uint8_t *b)
{
	bool v1_4 = reader->base->revision >= 4;
	uint8_t high = v1_4 ? b[4] : 0;

	*range = (struct range){
		.min_hz = b[5] + (high & MIN_HZ_HIGH ? 255 : 0),
		.max_hz = b[6] + (high & MAX_HZ_HIGH ? 255 : 0),
		.min_khz = b[7] + (high & MIN_KHZ_HIGH ? 255 : 0),
		.max_khz = b[8] + (high & MAX_KHZ_HIGH ? 255 : 0),
		.reduced = reader->reduced,
	};
	if (b[9] && b[9] != 255)
		range->max_clock = b[9] * 10000 + CLOCK_FUZZ_KHZ;
	/* 3.10.3.3.5: with CVT, more precisely. */
	if (!v1_4 || b[10] != RANGE_CVT)
		return;
	if (range->max_clock)
		range->max_clock = b[9] * 10000 - (b[12] >> 2) * 250;
	range->max_width = b[13] ? 8 * (b[13] + 256 * (b[12] & 3)) : 0;
}

static bool within(const struct range *range,
		   const struct drm_mode_modeinfo *mode)
{
	uint32_t khz = (mode->clock + mode->htotal / 2) / mode->htotal;
	uint32_t hz = hf_mode_vrefresh(mode);

	return khz >= range->min_khz && khz <= range->max_khz &&
	       hz >= range->min_hz && hz <= range->max_hz &&
	       (!range->max_clock || mode->clock <= range->max_clock) &&
	       (!range->max_width || mode->hdisplay <= range->max_width) &&
	       (range->reduced || !hf_timing_is_reduced(mode));
}

/* Is it new, and is there a mode that is no smaller? */
static bool is_plausible(const struct hf_edid_reader *reader,
			 const struct drm_mode_modeinfo *mode)
{
	bool fits = false;

	for (unsigned int i = 0; i < reader->num; i++) {
		const struct drm_mode_modeinfo *other = &reader->modes[i];

		if (mode->hdisplay == other->hdisplay &&
		    mode->vdisplay == other->vdisplay &&
		    hf_mode_vrefresh(mode) == other->vrefresh)
			return false;
		fits |= mode->hdisplay <= other->hdisplay &&
			mode->vdisplay <= other->vdisplay;
	}
	return fits;
}

static void infer(struct hf_edid_reader *reader, const struct range *range,
		  const struct drm_mode_modeinfo *mode)
{
	if (within(range, mode) && is_plausible(reader, mode))
		hf_edid_add_one(reader, *mode);
}

/* Sizes that are common and no DMT, at 60 Hz. */
static void infer_by_formula(struct hf_edid_reader *reader,
			     const struct range *range, bool cvt)
{
	static const uint16_t sizes[][2] = {
		{ 1024, 576 }, { 1366, 768 },  { 1600, 900 },  { 1680, 945 },
		{ 1920, 1080 }, { 2048, 1152 }, { 2048, 1536 },
	};
	struct drm_mode_modeinfo mode;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (!(cvt ? hf_timing_cvt(&mode, sizes[i][0], sizes[i][1], 60,
					  range->reduced) :
			    hf_timing_gtf(&mode, sizes[i][0], sizes[i][1], 60,
					  NULL)))
			continue;
		/* What was meant, which is no multiple of 8. */
		if (mode.hdisplay == 1368 && mode.vdisplay == 768) {
			mode.hdisplay = 1366;
			mode.hsync_start--;
			mode.hsync_end--;
		}
		infer(reader, range, &mode);
	}
}

void hf_edid_read_range(struct hf_edid_reader *reader,
			const struct hf_edid_descriptor *descriptor)
{
	const uint8_t *b = descriptor->bytes;
	struct drm_mode_modeinfo mode;
	struct range range;

	if (!reader->base->revision ||
	    !hf_edid_has_tag(descriptor, HF_EDID_TAG_RANGE))
		return;
	parse_range(&range, reader, b);
	for (unsigned int id = 1; id <= LAST_DMT; id++)
		if (hf_timing_dmt(&mode, id))
			infer(reader, &range, &mode);
	if (reader->base->revision < 2)
		return;
	if (b[10] == RANGE_CVT && reader->base->revision >= 4)
		infer_by_formula(reader, &range, true);
	else if (b[10] == RANGE_GTF || b[10] == RANGE_GTF2)
		infer_by_formula(reader, &range, false);
}
