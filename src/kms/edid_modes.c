/* SPDX-License-Identifier: MIT */
/*
 * The modes that an EDID lists. It comes from a device or from a user's file, so
 * every length and offset in it is checked, and what makes no sense is left out.
 * Where the standards leave a choice, it is the kernel's drm_edid.c's, so that a
 * program finds here what it would find there. A pure function of its arguments:
 * no state, no lock. Section numbers refer to E-EDID 1.4, release A2.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kms/edid.h"
#include "kms/edid_reader.h"
#include "kms/mode.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Smaller detailed timings are garbage. */
#define MIN_DETAILED 64

/* 3.6.1 and 3.6.4. */
#define INPUT_DIGITAL 0x80
#define FEATURE_PREFERRED 0x02
#define FEATURE_FORMULA 0x01

/* 3.10.2: the last byte of a detailed timing. */
#define DETAILED_INTERLACED 0x80
#define DETAILED_STEREO 0x60
#define DETAILED_SYNC 0x18
#define DETAILED_SYNC_DIGITAL 0x10
#define DETAILED_SYNC_SEPARATE 0x18
#define DETAILED_VSYNC_POSITIVE 0x04
#define DETAILED_HSYNC_POSITIVE 0x02

/* 3.10.3.3: what a range limits descriptor says of other timings. */
#define RANGE_GTF2 0x02
#define RANGE_CVT 0x04
#define RANGE_CVT_REDUCED 0x10

/* DisplayID 1.3, 4.4.1. */
#define DISPLAYID_PREFERRED 0x80
#define DISPLAYID_INTERLACED 0x10

typedef void visit_t(struct hf_edid_reader *reader,
		     const struct hf_edid_descriptor *descriptor);

static void remove_at(struct hf_edid_reader *reader, unsigned int i)
{
	reader->num--;
	memmove(&reader->modes[i], &reader->modes[i + 1],
		(reader->num - i) * sizeof(reader->modes[0]));
}

/* Behind those that it equals; the last one makes room. */
static void insert(struct hf_edid_reader *reader, const struct drm_mode_modeinfo *mode)
{
	unsigned int i = reader->num;

	while (i && hf_mode_compare(mode, &reader->modes[i - 1]) < 0)
		i--;
	if (i == reader->max)
		return;

	if (reader->num == reader->max)
		reader->num--;
	memmove(&reader->modes[i + 1], &reader->modes[i],
		(reader->num - i) * sizeof(reader->modes[0]));
	reader->modes[i] = *mode;
	reader->num++;
}

void hf_edid_add_one(struct hf_edid_reader *reader, struct drm_mode_modeinfo mode)
{
	mode.type |= DRM_MODE_TYPE_DRIVER;
	mode.vrefresh = hf_mode_vrefresh(&mode);
	snprintf(mode.name, sizeof(mode.name), "%ux%u%s", mode.hdisplay,
		 mode.vdisplay, mode.flags & DRM_MODE_FLAG_INTERLACE ? "i" : "");
	if (hf_mode_check(&mode) || !mode.vrefresh)
		return;

	for (unsigned int i = 0; i < reader->num; i++) {
		if (!hf_mode_equal(&reader->modes[i], &mode))
			continue;
		mode.type |= reader->modes[i].type;
		remove_at(reader, i);
		break;
	}
	insert(reader, &mode);
}

/* A television set shows n/1.001 Hz where it shows n, and the other way round. */
void hf_edid_add(struct hf_edid_reader *reader, const struct drm_mode_modeinfo *mode)
{
	struct drm_mode_modeinfo other;

	hf_edid_add_one(reader, *mode);
	if (reader->has_cta && hf_timing_other(mode, &other))
		hf_edid_add_one(reader, other);
}

static void visit_cta(struct hf_edid_reader *reader, const struct hf_edid_cta *cta,
		      visit_t *visit)
{
	const size_t size = sizeof(struct hf_edid_descriptor);
	size_t offset = hf_edid_cta_timings(cta);

	if (!offset)
		return;
	for (; offset + size <= offsetof(struct hf_edid_cta, checksum);
	     offset += size)
		visit(reader, (const void *)((const uint8_t *)cta + offset));
}

static void for_each_descriptor(struct hf_edid_reader *reader, visit_t *visit)
{
	for (unsigned int i = 0; i < 4; i++)
		visit(reader, &reader->base->descriptors[i]);

	for (unsigned int i = 1; i < reader->blocks.count; i++) {
		const struct hf_edid_cta *cta = hf_edid_cta(&reader->blocks, i);

		if (cta)
			visit_cta(reader, cta, visit);
	}
}

/* Some count blanking that ends before the sync pulse does: cut the pulse. */
static uint16_t end_of_sync(uint32_t end, uint32_t total)
{
	return end < total ? end : total;
}

/*
 * 3.10.2 has the lines of a field there, and some monitors those of a frame. What
 * has half the lines of a television mode is the former.
 */
static void interlace(struct drm_mode_modeinfo *mode)
{
	static const uint16_t fields[][2] = {
		{ 1920, 540 }, { 720, 240 },  { 1440, 240 }, { 2880, 240 },
		{ 720, 288 },  { 1440, 288 }, { 2880, 288 },
	};

	mode->flags |= DRM_MODE_FLAG_INTERLACE;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (mode->hdisplay != fields[i][0] ||
		    mode->vdisplay != fields[i][1])
			continue;
		mode->vdisplay *= 2;
		mode->vsync_start *= 2;
		mode->vsync_end *= 2;
		/* The two half lines. */
		mode->vtotal = mode->vtotal * 2 | 1;
	}
}

static uint32_t sync_flags(uint8_t misc)
{
	bool hpositive = misc & DETAILED_HSYNC_POSITIVE;
	bool vpositive = misc & DETAILED_VSYNC_POSITIVE;

	switch (misc & DETAILED_SYNC) {
	case DETAILED_SYNC_SEPARATE:
		return (hpositive ? DRM_MODE_FLAG_PHSYNC : DRM_MODE_FLAG_NHSYNC) |
		       (vpositive ? DRM_MODE_FLAG_PVSYNC : DRM_MODE_FLAG_NVSYNC);
	case DETAILED_SYNC_DIGITAL:
		return DRM_MODE_FLAG_CSYNC | (hpositive ? DRM_MODE_FLAG_PCSYNC :
							  DRM_MODE_FLAG_NCSYNC);
	default:
		return DRM_MODE_FLAG_CSYNC | DRM_MODE_FLAG_NCSYNC;
	}
}

/* 3.10.2; all numbers have at most 12 bits. */
static bool parse_detailed(struct drm_mode_modeinfo *mode,
			   const struct hf_edid_descriptor *descriptor)
{
	const uint8_t *b = descriptor->bytes;
	uint32_t hdisplay = b[2] | (b[4] & 0xf0) << 4;
	uint32_t vdisplay = b[5] | (b[7] & 0xf0) << 4;
	uint32_t htotal = hdisplay + (b[3] | (b[4] & 0xf) << 8);
	uint32_t vtotal = vdisplay + (b[6] | (b[7] & 0xf) << 8);
	uint32_t hstart = hdisplay + (b[8] | (b[11] & 0xc0) << 2);
	uint32_t vstart = vdisplay + (b[10] >> 4 | (b[11] & 0xc) << 2);
	uint32_t hsync = b[9] | (b[11] & 0x30) << 4;
	uint32_t vsync = (b[10] & 0xf) | (b[11] & 0x3) << 4;

	if (hdisplay < MIN_DETAILED || vdisplay < MIN_DETAILED)
		return false;
	if (!hsync || !vsync || b[17] & DETAILED_STEREO)
		return false;

	*mode = (struct drm_mode_modeinfo){
		.clock = hf_edid_le16(b) * 10,
		.hdisplay = hdisplay,
		.hsync_start = hstart,
		.hsync_end = end_of_sync(hstart + hsync, htotal),
		.htotal = htotal,
		.vdisplay = vdisplay,
		.vsync_start = vstart,
		.vsync_end = end_of_sync(vstart + vsync, vtotal),
		.vtotal = vtotal,
		.flags = sync_flags(b[17]),
	};
	if (b[17] & DETAILED_INTERLACED)
		interlace(mode);
	mode->clock = hf_timing_exact_clock(mode);
	return !hf_mode_check(mode);
}

static void take_size(struct hf_edid_reader *reader,
		      const struct hf_edid_descriptor *descriptor)
{
	const uint8_t *b = descriptor->bytes;

	reader->width_mm = b[12] | (b[14] & 0xf0) << 4;
	reader->height_mm = b[13] | (b[14] & 0xf) << 8;
}

static void read_detailed(struct hf_edid_reader *reader,
			  const struct hf_edid_descriptor *descriptor)
{
	struct drm_mode_modeinfo mode;

	if (!hf_edid_is_detailed(descriptor) || !parse_detailed(&mode, descriptor))
		return;

	if (!reader->width_mm || !reader->height_mm)
		take_size(reader, descriptor);
	if (reader->prefer_next)
		mode.type |= DRM_MODE_TYPE_PREFERRED;
	reader->prefer_next = false;
	hf_edid_add(reader, &mode);
}

/* 3.10.3.8: a size and the rates at which it is shown, in three bytes. */
static void read_cvt_code(struct hf_edid_reader *reader, const uint8_t code[3])
{
	static const uint8_t shapes[4][2] = {
		{ 4, 3 }, { 16, 9 }, { 16, 10 }, { 15, 9 },
	};
	static const struct {
		uint8_t hz;
		bool reduced;
	} rates[5] = {
		{ 60, true }, { 85, false }, { 75, false }, { 60, false },
		{ 50, false },
	};
	const uint8_t *shape = shapes[code[1] >> 2 & 3];
	uint32_t height = ((code[0] | (code[1] & 0xf0) << 4) + 1) * 2;
	uint32_t width = height * shape[0] / shape[1];
	struct drm_mode_modeinfo mode;

	if (!code[0] && !code[1] && !code[2])
		return;
	for (unsigned int i = 0; i < 5; i++)
		if (code[2] & 1 << i &&
		    hf_timing_cvt(&mode, width, height, rates[i].hz,
				  rates[i].reduced))
			hf_edid_add(reader, &mode);
}

static void read_cvt(struct hf_edid_reader *reader,
		     const struct hf_edid_descriptor *descriptor)
{
	if (!hf_edid_has_tag(descriptor, HF_EDID_TAG_CVT))
		return;
	for (unsigned int i = 0; i < 4; i++)
		read_cvt_code(reader, descriptor->bytes + 6 + i * 3);
}

static bool is_listed(const struct hf_edid_reader *reader, uint32_t width,
		      uint32_t height, uint32_t hz)
{
	for (unsigned int i = 0; i < reader->num; i++) {
		const struct drm_mode_modeinfo *mode = &reader->modes[i];

		if (mode->hdisplay == width && mode->vdisplay == height &&
		    mode->vrefresh == hz)
			return true;
	}
	return false;
}

/* The second curve begins at a line rate: that of the first one decides. */
static bool make_gtf2(struct drm_mode_modeinfo *mode,
		      const struct hf_edid_reader *reader, uint32_t width,
		      uint32_t height, uint32_t hz)
{
	if (!hf_timing_gtf(mode, width, height, hz, NULL))
		return false;
	if (mode->clock / mode->htotal <= reader->gtf2_khz)
		return true;
	return hf_timing_gtf(mode, width, height, hz, &reader->gtf2);
}

static bool make_standard(struct drm_mode_modeinfo *mode,
			  const struct hf_edid_reader *reader, uint32_t width,
			  uint32_t height, uint32_t hz)
{
	if (reader->reduced && hf_timing_find_dmt(mode, width, height, hz, true))
		return true;
	if (hf_timing_find_dmt(mode, width, height, hz, false))
		return true;

	switch (reader->formula) {
	case HF_FORMULA_CVT:
		return hf_timing_cvt(mode, width, height, hz, false);
	case HF_FORMULA_GTF2:
		return make_gtf2(mode, reader, width, height, hz);
	case HF_FORMULA_GTF:
		return hf_timing_gtf(mode, width, height, hz, NULL);
	default:
		return false;
	}
}

static uint32_t standard_height(const struct hf_edid_reader *reader, uint32_t width,
				uint8_t shape)
{
	switch (shape) {
	case 0:
		/* Square, before EDID 1.3. */
		return reader->base->revision < 3 ? width : width * 10 / 16;
	case 1:
		return width * 3 / 4;
	case 2:
		return width * 4 / 5;
	default:
		return width * 9 / 16;
	}
}

/* 3.9; some write unused ones as zeros or spaces. */
static void read_standard(struct hf_edid_reader *reader, const uint8_t bytes[2])
{
	uint32_t width = (bytes[0] + 31) * 8;
	uint32_t height = standard_height(reader, width, bytes[1] >> 6);
	uint32_t hz = (bytes[1] & 0x3f) + 60;
	struct drm_mode_modeinfo mode;

	if (bytes[0] == bytes[1] &&
	    (bytes[0] == 0x00 || bytes[0] == 0x01 || bytes[0] == ' '))
		return;

	/* 1366 is no multiple of 8: these two mean it. */
	if ((width == 1360 && height == 765) || (width == 1368 && height == 769)) {
		width = 1366;
		height = 768;
	}
	if (!is_listed(reader, width, height, hz) &&
	    make_standard(&mode, reader, width, height, hz))
		hf_edid_add(reader, &mode);
}

static void read_more_standard(struct hf_edid_reader *reader,
			       const struct hf_edid_descriptor *descriptor)
{
	if (!hf_edid_has_tag(descriptor, HF_EDID_TAG_STANDARD))
		return;
	for (unsigned int i = 0; i < 6; i++)
		read_standard(reader, descriptor->bytes + 5 + i * 2);
}

static bool bit_is_set(const uint8_t *bytes, unsigned int bit)
{
	return bytes[bit / 8] & 0x80 >> bit % 8;
}

/* 3.8: the other bits of the third byte are the manufacturer's. */
static void read_established(struct hf_edid_reader *reader)
{
	struct drm_mode_modeinfo mode;

	for (unsigned int i = 0; i < 17; i++) {
		if (!bit_is_set(reader->base->established, i))
			continue;
		hf_timing_established(&mode, i);
		hf_edid_add(reader, &mode);
	}
}

static void read_established3(struct hf_edid_reader *reader,
			      const struct hf_edid_descriptor *descriptor)
{
	struct drm_mode_modeinfo mode;

	if (!hf_edid_has_tag(descriptor, HF_EDID_TAG_ESTABLISHED3))
		return;
	for (unsigned int i = 0; i < 48; i++)
		if (bit_is_set(descriptor->bytes + 6, i) &&
		    hf_timing_established3(&mode, i))
			hf_edid_add(reader, &mode);
}

/*
 * Every number is stored less one; a sum may have 17 bits. Interlaced ones are left
 * out: whether they count lines of a field or a frame depends on who wrote them.
 */
static bool parse_displayid(struct drm_mode_modeinfo *mode,
			    const struct hf_displayid_timing *timing,
			    unsigned int khz)
{
	uint32_t clock = hf_edid_le16(timing->clock) | timing->clock[2] << 16;
	uint32_t hdisplay = hf_edid_le16(timing->hactive) + 1;
	uint32_t vdisplay = hf_edid_le16(timing->vactive) + 1;
	uint32_t htotal = hdisplay + hf_edid_le16(timing->hblank) + 1;
	uint32_t vtotal = vdisplay + hf_edid_le16(timing->vblank) + 1;
	uint32_t hstart = hdisplay + (hf_edid_le16(timing->hfront) & 0x7fff) + 1;
	uint32_t vstart = vdisplay + (hf_edid_le16(timing->vfront) & 0x7fff) + 1;
	uint32_t hend = hstart + hf_edid_le16(timing->hsync) + 1;
	uint32_t vend = vstart + hf_edid_le16(timing->vsync) + 1;

	if (timing->flags & DISPLAYID_INTERLACED)
		return false;
	if (htotal > UINT16_MAX || hend > htotal)
		return false;
	if (vtotal > UINT16_MAX || vend > vtotal)
		return false;

	*mode = (struct drm_mode_modeinfo){
		.clock = (clock + 1) * khz,
		.hdisplay = hdisplay,
		.hsync_start = hstart,
		.hsync_end = hend,
		.htotal = htotal,
		.vdisplay = vdisplay,
		.vsync_start = vstart,
		.vsync_end = vend,
		.vtotal = vtotal,
	};
	mode->flags |= timing->hfront[1] & 0x80 ? DRM_MODE_FLAG_PHSYNC :
						  DRM_MODE_FLAG_NHSYNC;
	mode->flags |= timing->vfront[1] & 0x80 ? DRM_MODE_FLAG_PVSYNC :
						  DRM_MODE_FLAG_NVSYNC;
	if (timing->flags & DISPLAYID_PREFERRED)
		mode->type |= DRM_MODE_TYPE_PREFERRED;
	return true;
}

/* DisplayID 2.0's type VII is type I with a clock in kHz. */
static void read_displayid(void *data, uint8_t tag, const uint8_t *bytes,
			   size_t size)
{
	const struct hf_displayid_timing *timings = (const void *)bytes;
	struct hf_edid_reader *reader = data;
	struct drm_mode_modeinfo mode;

	if (tag != HF_DISPLAYID_TIMING_1 && tag != HF_DISPLAYID_TIMING_7)
		return;
	for (size_t i = 0; i < size / sizeof(*timings); i++)
		if (parse_displayid(&mode, &timings[i],
				    tag == HF_DISPLAYID_TIMING_1 ? 10 : 1))
			hf_edid_add(reader, &mode);
}

/* 3.10.3.3: which formula other timings follow, if any. */
static void read_range(struct hf_edid_reader *reader,
		       const struct hf_edid_descriptor *descriptor)
{
	const uint8_t *b = descriptor->bytes;

	if (!hf_edid_has_tag(descriptor, HF_EDID_TAG_RANGE))
		return;
	if (b[10] == RANGE_CVT && reader->base->revision >= 4)
		reader->reduced |= b[15] & RANGE_CVT_REDUCED;
	if (b[10] != RANGE_GTF2 || !b[12] || reader->formula == HF_FORMULA_CVT)
		return;
	reader->formula = HF_FORMULA_GTF2;
	reader->gtf2_khz = b[12] * 2;
	reader->gtf2 = (struct hf_gtf){
		.c = b[13] / 2.0,
		.m = hf_edid_le16(b + 14),
		.k = b[16],
		.j = b[17] / 2.0,
	};
}

/* 3.6.4: the feature bit meant GTF until EDID 1.4, where it means CVT. */
static void find_formula(struct hf_edid_reader *reader)
{
	const struct hf_edid_base *base = reader->base;

	if (base->revision < 4)
		reader->reduced = base->input & INPUT_DIGITAL;
	if (base->revision >= 2 && base->features & FEATURE_FORMULA)
		reader->formula = base->revision >= 4 ? HF_FORMULA_CVT : HF_FORMULA_GTF;
	if (base->revision >= 2)
		for_each_descriptor(reader, read_range);
}

/* The order matters: a standard timing gives way to what is there already. */
static void read_modes(struct hf_edid_reader *reader)
{
	reader->prefer_next = reader->base->revision >= 4 ||
			      reader->base->features & FEATURE_PREFERRED;
	for_each_descriptor(reader, read_detailed);
	for_each_descriptor(reader, read_cvt);
	for (unsigned int i = 0; i < HF_EDID_STANDARDS; i++)
		read_standard(reader, reader->base->standard[i]);
	for_each_descriptor(reader, read_more_standard);
	read_established(reader);
	for_each_descriptor(reader, read_established3);
	hf_edid_for_each_cta(&reader->blocks, hf_edid_read_video, reader);
	hf_edid_for_each_cta(&reader->blocks, hf_edid_read_hdmi, reader);
	hf_edid_for_each_displayid(&reader->blocks, read_displayid, reader);
	if (reader->base->features & FEATURE_FORMULA)
		for_each_descriptor(reader, hf_edid_read_range);
}

static bool close_to(uint32_t mm, uint32_t cm)
{
	return mm + 10 >= cm * 10 && mm <= cm * 10 + 10;
}

/*
 * A detailed timing has millimetres, but some monitors put the shape there (16 by
 * 9); they are only believed where the base block's centimetres agree. One zero
 * there means that the other is a shape, too; two, that the size is not known.
 */
static void find_size(const struct hf_edid_reader *reader, uint32_t *width_mm,
		      uint32_t *height_mm)
{
	uint32_t width_cm = reader->base->width_cm;
	uint32_t height_cm = reader->base->height_cm;

	*width_mm = *height_mm = 0;
	if (!width_cm || !height_cm)
		return;

	*width_mm = width_cm * 10;
	*height_mm = height_cm * 10;
	if (close_to(reader->width_mm, width_cm) &&
	    close_to(reader->height_mm, height_cm)) {
		*width_mm = reader->width_mm;
		*height_mm = reader->height_mm;
	}
}

int hf_edid_modes(const uint8_t *edid, size_t size,
		  struct drm_mode_modeinfo *modes, unsigned int max,
		  uint32_t *width_mm, uint32_t *height_mm)
{
	struct hf_edid_reader reader = {
		.base = (const void *)edid,
		.modes = modes,
		.max = max,
	};

	if (!hf_edid_blocks_init(&reader.blocks, edid, size))
		return -EINVAL;

	for (unsigned int i = 1; i < reader.blocks.count; i++)
		reader.has_cta |= !!hf_edid_cta(&reader.blocks, i);
	find_formula(&reader);
	read_modes(&reader);
	find_size(&reader, width_mm, height_mm);
	return reader.num;
}
