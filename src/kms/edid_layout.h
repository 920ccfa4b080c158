/* SPDX-License-Identifier: MIT */
/*
 * What an EDID looks like, for who writes it (edid.c) and who reads it
 * (edid_modes.c). Everything is bytes, so that it may lie anywhere; numbers are
 * little-endian. Section numbers are those of VESA's E-EDID 1.4, release A2,
 * unless they say otherwise.
 */
#ifndef HF_KMS_EDID_LAYOUT_H
#define HF_KMS_EDID_LAYOUT_H

#include <stdint.h>

/* Every block, the base and the extensions. */
#define HF_EDID_BLOCK 128

#define HF_EDID_STANDARDS 8

/* The first byte of an extension. */
enum hf_edid_extension {
	HF_EDID_EXTENSION_CTA = 0x02,
	HF_EDID_EXTENSION_DISPLAYID = 0x70,
};

/* 3.10: descriptors of the base block, by their tag. */
enum hf_edid_tag {
	HF_EDID_TAG_DUMMY = 0x10,
	HF_EDID_TAG_ESTABLISHED3 = 0xf7,
	HF_EDID_TAG_CVT = 0xf8,
	HF_EDID_TAG_STANDARD = 0xfa,
	HF_EDID_TAG_NAME = 0xfc,
	HF_EDID_TAG_RANGE = 0xfd,
	HF_EDID_TAG_SERIAL = 0xff,
};

struct hf_edid_descriptor {
	uint8_t bytes[18];
};

/* Section 3: the base block. */
struct hf_edid_base {
	uint8_t header[8];
	uint8_t vendor[2];
	uint8_t product[2];
	uint8_t serial[4];
	uint8_t week, year;
	uint8_t version, revision;
	uint8_t input;
	uint8_t width_cm, height_cm;
	uint8_t gamma;
	uint8_t features;
	uint8_t chromaticity[10];
	uint8_t established[3];
	uint8_t standard[HF_EDID_STANDARDS][2];
	struct hf_edid_descriptor descriptors[4];
	uint8_t extensions;
	uint8_t checksum;
};
_Static_assert(sizeof(struct hf_edid_base) == HF_EDID_BLOCK, "as VESA says");

/* CTA-861-H, 7.1: @dtd_offset is where detailed timings begin, data blocks end. */
struct hf_edid_cta {
	uint8_t tag;
	uint8_t revision;
	uint8_t dtd_offset;
	uint8_t flags;
	uint8_t data[123];
	uint8_t checksum;
};
_Static_assert(sizeof(struct hf_edid_cta) == HF_EDID_BLOCK, "as CTA says");

/* CTA-861-H, 7.4: data blocks by their tag, and those whose tag is a byte more. */
enum hf_cta_tag {
	HF_CTA_VIDEO = 2,
	HF_CTA_VENDOR = 3,
	HF_CTA_EXTENDED = 7,
};
enum hf_cta_extended_tag {
	HF_CTA_EXTENDED_CAPABILITY = 0x00,
	HF_CTA_EXTENDED_COLORIMETRY = 0x05,
	HF_CTA_EXTENDED_HDR = 0x06,
	HF_CTA_EXTENDED_VIDEO_420 = 0x0e,
	HF_CTA_EXTENDED_EEODB = 0x78,
};

/* Who defined a vendor's data block: IEEE's number, and how long it is. */
#define HF_CTA_OUI_HDMI 0x000c03
#define HF_CTA_OUI_HDMI_FORUM 0xc45dd8
#define HF_CTA_OUI_MICROSOFT 0xca125c
#define HF_CTA_MICROSOFT_SIZE 21

/* DisplayID 1.3 and 2.0: data blocks by their tag. */
enum hf_displayid_tag {
	HF_DISPLAYID_PRODUCT = 0x00,
	HF_DISPLAYID_DISPLAY = 0x01,
	HF_DISPLAYID_TIMING_1 = 0x03,
	HF_DISPLAYID_INTERFACE = 0x0f,
	HF_DISPLAYID_TILED = 0x12,
	HF_DISPLAYID_TIMING_7 = 0x22,
	HF_DISPLAYID_TILED_2 = 0x28,
};

/* DisplayID 1.3, 3.1: what is in front of every data block. */
struct hf_displayid_block {
	uint8_t tag, revision, size;
};

/* DisplayID 1.3, 4.4.1: type I detailed timing. */
struct hf_displayid_timing {
	uint8_t clock[3];
	uint8_t flags;
	uint8_t hactive[2], hblank[2], hfront[2], hsync[2];
	uint8_t vactive[2], vblank[2], vfront[2], vsync[2];
};
_Static_assert(sizeof(struct hf_displayid_timing) == 20, "as VESA says");

/*
 * DisplayID 1.3, 4.14: a tile. @topology has the low four bits of how many columns
 * and rows there are, less one; of which column and row it is; and two more of each.
 */
struct hf_displayid_tiled {
	uint8_t flags;
	uint8_t topology[3];
	uint8_t width[2], height[2]; /* less one */
	uint8_t bezel[5];
	uint8_t id[9];
};
_Static_assert(sizeof(struct hf_displayid_tiled) == 22, "as VESA says");

#endif
