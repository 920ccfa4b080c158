/* SPDX-License-Identifier: MIT */
/*
 * EDID 1.4 blocks for the monitors that Holdfast pretends to have.
 */
#ifndef HF_KMS_EDID_H
#define HF_KMS_EDID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <drm_mode.h>

#define HF_EDID_MAX 384 /* bytes that hf_edid_build() writes at most */
#define HF_EDID_TOPOLOGY 8

/**
 * struct hf_edid_tile - A part of a monitor that takes several cables.
 * @columns: of tiles; 0: it is all of a monitor; likewise @rows
 * @column: which of them this is, from 0; likewise @row
 * @width: pixels of this tile; likewise @height, lines
 * @single: they are within one case
 * @topology: the same for all tiles of a monitor, and for those of no other
 */
struct hf_edid_tile {
	uint8_t columns, rows;
	uint8_t column, row;
	uint32_t width, height;
	bool single;
	uint8_t topology[HF_EDID_TOPOLOGY];
};

/**
 * struct hf_edid_info - What an EDID says besides modes.
 * @non_desktop: it is worn, say, and no place for a desktop
 */
struct hf_edid_info {
	bool non_desktop;
	struct hf_edid_tile tile;
};

/**
 * struct hf_edid_monitor - What an EDID says of a monitor.
 * @vendor: three capital letters, a PNP id
 * @product: product code
 * @serial: serial number; 0 for none
 * @name: 1 to 13 printable ASCII characters
 * @width_mm: size of the picture; 0, or more than the 2550 that an EDID can
 *	say, for "not known"
 * @height_mm: the same; if one is not known, both are not
 * @native: its preferred mode; progressive, with separate syncs
 * @extra: more modes; the first that fit are written; likewise @num_extra
 * @min_hz: its refresh rate may be anything from there on; 0: it may not
 * @hdmi: it is connected by HDMI: where there is an extension, that says so, if the
 *	modes and rates are such that EDID 1.3, which HDMI wants then, can say them
 * @hdr: it takes HDR10 and HLG, in BT.2020, of up to 1000 cd/m2
 * @non_desktop: it is worn
 * @tile: which tile it is
 */
struct hf_edid_monitor {
	char vendor[4];
	uint16_t product;
	uint32_t serial;
	const char *name;
	uint16_t width_mm;
	uint16_t height_mm;
	struct drm_mode_modeinfo native;
	const struct drm_mode_modeinfo *extra;
	size_t num_extra;
	double min_hz;
	bool hdmi, hdr, non_desktop;
	struct hf_edid_tile tile;
};

/**
 * hf_edid_build() - Write the EDID of a monitor.
 * @monitor: what it says
 * @edid: where to write it
 *
 * A base block and, where the native mode does not fit in a detailed timing
 * (4096 pixels or lines and more, or a clock above 655.35 MHz), a DisplayID
 * extension that holds it; the base block then prefers the largest standard mode
 * that does fit, as EDID wants one there. The other modes that it lists are among
 * those of hf_mode_list(). Both kinds of timing count the clock in 10 kHz, which
 * rounds that of 640x480@60 by 5 kHz. What else there is to say goes into a CTA-861
 * extension, and a tile into the DisplayID one.
 *
 * Source: VESA E-EDID 1.4 (release A2), VESA DisplayID 1.3.
 *
 * Return: bytes written, a multiple of 128; -EINVAL for a bad vendor or name, a
 * native mode that is interlaced or the like, or a clock above 167 GHz.
 */
int hf_edid_build(const struct hf_edid_monitor *monitor,
		  uint8_t edid[HF_EDID_MAX]);

/**
 * hf_edid_size() - How much of what a monitor gave is its EDID?
 * @edid: not trusted
 * @size: bytes
 *
 * Return: bytes of the blocks that the first one says there are; 0 where that is none,
 * its checksum is wrong, or they are not all there.
 */
size_t hf_edid_size(const uint8_t *edid, size_t size);

/**
 * hf_edid_modes() - The modes that an EDID lists.
 * @edid: as a monitor gave it: not trusted
 * @size: bytes
 * @modes: set to them, none twice, sorted by hf_mode_compare()
 * @max: how many at most; what does not fit is the end of the list
 * @width_mm: set to the size of the picture; 0: not known
 * @height_mm: likewise
 *
 * Detailed timings of the base block and of CTA-861 and DisplayID extensions,
 * short video descriptors, standard and established timings, CVT codes, and those that
 * a continuous range of rates lets one hope for. What is
 * not valid is left out; blocks with a wrong checksum are. As in the kernel, there
 * may be one preferred mode of the base block and more of DisplayID, the largest of
 * which comes first, or none at all; and with a CTA-861 extension, a television mode
 * comes at both n and n/1.001 Hz. Modes may be interlaced, in stereo (HDMI's), or say the
 * aspect ratio of their picture (those that CTA-861 has a code for).
 *
 * Source: VESA E-EDID 1.4 (release A2), CTA-861-H, VESA DisplayID 1.3.
 *
 * Return: how many; -EINVAL for what is no EDID.
 */
int hf_edid_modes(const uint8_t *edid, size_t size,
		  struct drm_mode_modeinfo *modes, unsigned int max,
		  uint32_t *width_mm, uint32_t *height_mm);

/**
 * hf_edid_info() - What an EDID says besides modes.
 * @edid: as a monitor gave it: not trusted; likewise @size
 * @info: set to it; to nothing, where it is no EDID
 *
 * Source: DisplayID 1.3, 4.14; Microsoft's data block of CTA-861.
 */
void hf_edid_info(const uint8_t *edid, size_t size, struct hf_edid_info *info);

#endif
