/* SPDX-License-Identifier: MIT */
/*
 * The CTA-861 extension of an EDID that is made up: that a monitor shows HDR, is
 * worn, or has modes for which the base block has no room. Section numbers refer to
 * CTA-861-H. A pure function of its arguments: no state, no lock.
 */
#include <string.h>

#include "kms/edid_build.h"

#define REVISION 3

/* 7.1: without overscan, without sound, RGB alone. */
#define FLAG_NO_OVERSCAN 0x80

/* HDMI 1.4b, 8.3.2, and HDMI 2.1, 10.3.2: clocks count in 5 MHz. */
#define HDMI_CLOCK_KHZ 5000
#define HDMI_1_MAX_KHZ 340000
#define HDMI_2_MAX_KHZ 600000
#define HDMI_SCDC 0x80

/* 7.5.6: either range of RGB, at the sender's choice; never overscanned. */
#define CAPABILITY_RGB_RANGE 0x40
#define CAPABILITY_NO_OVERSCAN 0x0a

/* 7.5.5 and 7.5.13. */
#define COLORIMETRY_BT2020_RGB 0x80
#define HDR_SDR 0x01
#define HDR_PQ 0x04
#define HDR_HLG 0x08
#define HDR_STATIC_METADATA 0x01

/*
 * 7.5.13: 50 * 2^(n / 32) cd/m2, and of that (n / 255)^2 / 100: 993 at most, 400
 * everywhere, and 0.05 at least.
 */
#define HDR_MAX 138
#define HDR_AVERAGE 96
#define HDR_MIN 18

/* What Microsoft calls a headset for virtual reality. */
#define MICROSOFT_VERSION 3
#define MICROSOFT_HEADSET 0x07

/* What a clock is less than looks like something else to some. */
#define MIN_CLOCK_KHZ 10000

/* Data blocks grow from the start. */
struct writer {
	struct hf_edid_cta *cta;
	size_t used;
};

static void put_block(struct writer *writer, enum hf_cta_tag tag,
		      const uint8_t *bytes, size_t size)
{
	uint8_t *b = writer->cta->data + writer->used;

	*b++ = tag << 5 | size;
	memcpy(b, bytes, size);
	writer->used += 1 + size;
}

static uint32_t max_clock(const struct hf_edid_monitor *monitor)
{
	uint32_t clock = monitor->native.clock;

	for (size_t i = 0; i < monitor->num_extra; i++)
		if (monitor->extra[i].clock > clock)
			clock = monitor->extra[i].clock;
	return clock < HDMI_2_MAX_KHZ ? clock : HDMI_2_MAX_KHZ;
}

/* Who says this is a HDMI monitor, and not a DVI one at a HDMI plug. */
static void put_hdmi(struct writer *writer,
		     const struct hf_edid_monitor *monitor)
{
	uint32_t clock = max_clock(monitor);
	uint32_t first = clock < HDMI_1_MAX_KHZ ? clock : HDMI_1_MAX_KHZ;
	/* Its address is 1.0.0.0: at the source's only plug. */
	const uint8_t hdmi[] = {
		0x03, 0x0c, 0x00, 0x10, 0x00, 0x00,
		(first + HDMI_CLOCK_KHZ - 1) / HDMI_CLOCK_KHZ,
	};
	const uint8_t forum[] = {
		0xd8, 0x5d, 0xc4, 0x01,
		(clock + HDMI_CLOCK_KHZ - 1) / HDMI_CLOCK_KHZ, HDMI_SCDC, 0x00,
	};

	put_block(writer, HF_CTA_VENDOR, hdmi, sizeof(hdmi));
	if (clock > HDMI_1_MAX_KHZ)
		put_block(writer, HF_CTA_VENDOR, forum, sizeof(forum));
}

static void put_hdr(struct writer *writer)
{
	static const uint8_t colorimetry[] = {
		HF_CTA_EXTENDED_COLORIMETRY, COLORIMETRY_BT2020_RGB, 0x00,
	};
	static const uint8_t hdr[] = {
		HF_CTA_EXTENDED_HDR, HDR_SDR | HDR_PQ | HDR_HLG,
		HDR_STATIC_METADATA, HDR_MAX, HDR_AVERAGE, HDR_MIN,
	};

	put_block(writer, HF_CTA_EXTENDED, colorimetry, sizeof(colorimetry));
	put_block(writer, HF_CTA_EXTENDED, hdr, sizeof(hdr));
}

static void put_microsoft(struct writer *writer,
			  const struct hf_edid_monitor *monitor)
{
	/* The last bytes name the headset, whatever it is connected by. */
	uint8_t bytes[HF_CTA_MICROSOFT_SIZE] = {
		0x5c, 0x12, 0xca, MICROSOFT_VERSION, MICROSOFT_HEADSET,
		monitor->vendor[0], monitor->vendor[1], monitor->vendor[2],
		monitor->product, monitor->product >> 8,
		monitor->serial, monitor->serial >> 8,
		monitor->serial >> 16, monitor->serial >> 24,
	};

	put_block(writer, HF_CTA_VENDOR, bytes, sizeof(bytes));
}

static bool fits(const struct drm_mode_modeinfo *mode)
{
	return mode->clock >= MIN_CLOCK_KHZ && hf_edid_fits_detailed(mode);
}

/* As many as there is room for. */
static void put_timings(struct writer *writer,
			const struct hf_edid_monitor *monitor)
{
	const size_t size = sizeof(struct hf_edid_descriptor);
	uint8_t *data = writer->cta->data;
	size_t at = writer->used;

	for (size_t i = 0; i < monitor->num_extra; i++) {
		if (at + size > sizeof(writer->cta->data))
			return;
		if (!fits(&monitor->extra[i]))
			continue;
		hf_edid_put_detailed((struct hf_edid_descriptor *)(data + at),
				     &monitor->extra[i], monitor);
		at += size;
	}
}

static bool has_timings(const struct hf_edid_monitor *monitor)
{
	for (size_t i = 0; i < monitor->num_extra; i++)
		if (fits(&monitor->extra[i]))
			return true;
	return false;
}

bool hf_edid_needs_cta(const struct hf_edid_monitor *monitor)
{
	return monitor->hdr || monitor->non_desktop || has_timings(monitor);
}

void hf_edid_build_cta(struct hf_edid_cta *cta,
		       const struct hf_edid_monitor *monitor, bool hdmi)
{
	static const uint8_t capability[] = {
		HF_CTA_EXTENDED_CAPABILITY,
		CAPABILITY_RGB_RANGE | CAPABILITY_NO_OVERSCAN,
	};
	struct writer writer = { .cta = cta };

	memset(cta, 0, sizeof(*cta));
	cta->tag = HF_EDID_EXTENSION_CTA;
	cta->revision = REVISION;
	cta->flags = FLAG_NO_OVERSCAN;
	if (hdmi)
		put_hdmi(&writer, monitor);
	put_block(&writer, HF_CTA_EXTENDED, capability, sizeof(capability));
	if (monitor->hdr)
		put_hdr(&writer);
	if (monitor->non_desktop)
		put_microsoft(&writer, monitor);
	cta->dtd_offset = offsetof(struct hf_edid_cta, data) + writer.used;
	put_timings(&writer, monitor);
	cta->checksum = hf_edid_checksum((const uint8_t *)cta,
					 sizeof(*cta) - 1);
}
