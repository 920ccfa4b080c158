/* SPDX-License-Identifier: MIT */
/*
 * EDID 1.4: a 128-byte block that tells a program what a monitor is and which
 * modes it shows. The bytes are written by struct, in the order in which VESA's
 * E-EDID standard (release A2) lists them; section numbers below refer to it.
 * Everything here is a pure function of its arguments: no state, no lock.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kms/edid.h"
#include "kms/edid_build.h"
#include "kms/mode.h"

#define TEXT_SIZE 13
#define MAX_MODES 128

/* Year and week are the same for everybody, or no two runs would compare. */
#define MODEL_YEAR 2025

/* 3.6.4: any rate within the range limits will do. */
#define FEATURE_CONTINUOUS 0x01
#define FEATURE_NATIVE 0x02 /* the first timing is; in 1.3: there is one */

/* DisplayID 1.3, 4.1: product identification, without a name. */
struct displayid_product {
	uint8_t vendor[3];
	uint8_t product[2];
	uint8_t serial[4];
	uint8_t week, year;
	uint8_t name_length;
};

/* DisplayID 1.3, 4.2: display parameters. */
struct displayid_display {
	uint8_t width[2], height[2];
	uint8_t hpixels[2], vpixels[2];
	uint8_t features;
	uint8_t gamma;
	uint8_t aspect;
	uint8_t depth;
};

/* DisplayID 1.3, 4.10: display interface features. */
struct displayid_interface {
	uint8_t type;
	uint8_t version;
	uint8_t rgb_depths;
	uint8_t unused[7];
};

/* DisplayID 1.3, 2.1 and appendix B: a section within an EDID extension. */
struct displayid_extension {
	uint8_t edid_tag;
	uint8_t version;
	uint8_t size;
	uint8_t product_type;
	uint8_t extensions;
	struct hf_displayid_block id_block;
	struct displayid_product id;
	struct hf_displayid_block timing_block;
	struct hf_displayid_timing timing;
	struct hf_displayid_block display_block;
	struct displayid_display display;
	struct hf_displayid_block interface_block;
	struct displayid_interface interface;
	/* Padding where it is no tile. */
	struct hf_displayid_block tiled_block;
	struct hf_displayid_tiled tiled;
	uint8_t padding[30];
	uint8_t section_checksum;
	uint8_t checksum;
};
_Static_assert(sizeof(struct displayid_extension) == HF_EDID_BLOCK,
	       "as VESA says");

/* What range limits have to cover. */
struct limits {
	uint32_t min_hz, max_hz;
	uint32_t min_khz, max_khz;
	uint32_t max_clock;
};

struct size_mm {
	uint32_t width, height;
};

static void put_le16(uint8_t bytes[2], uint32_t value)
{
	bytes[0] = value;
	bytes[1] = value >> 8;
}

static void put_le32(uint8_t bytes[4], uint32_t value)
{
	put_le16(bytes, value);
	put_le16(bytes + 2, value >> 16);
}

uint8_t hf_edid_checksum(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += bytes[i];
	return -sum;
}

static bool valid_vendor(const char vendor[4])
{
	for (size_t i = 0; i < 3; i++)
		if (vendor[i] < 'A' || vendor[i] > 'Z')
			return false;
	return !vendor[3];
}

static bool valid_name(const char *name)
{
	size_t length = name ? strnlen(name, TEXT_SIZE + 1) : 0;

	for (size_t i = 0; i < length; i++)
		if (name[i] < ' ' || name[i] > '~')
			return false;
	return length >= 1 && length <= TEXT_SIZE;
}

/* Neither kind of timing has room for anything but plain progressive scanning. */
static bool valid_native(const struct drm_mode_modeinfo *mode)
{
	const uint32_t allowed = DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_NHSYNC |
				 DRM_MODE_FLAG_PVSYNC | DRM_MODE_FLAG_NVSYNC |
				 DRM_MODE_FLAG_PIC_AR_MASK;

	return !hf_mode_check(mode) && !(mode->flags & ~allowed) &&
	       mode->vscan <= 1 && mode->clock >= 10 &&
	       mode->clock / 10 < 1 << 24 &&
	       mode->hsync_start > mode->hdisplay &&
	       mode->hsync_end > mode->hsync_start &&
	       mode->vsync_start > mode->vdisplay &&
	       mode->vsync_end > mode->vsync_start;
}

static bool valid(const struct hf_edid_monitor *monitor)
{
	return valid_vendor(monitor->vendor) && valid_name(monitor->name) &&
	       valid_native(&monitor->native);
}

/*
 * In centimetres, each is stored in a byte: none under 5 mm, none above 2550. A
 * single zero would mean an aspect ratio.
 */
static bool known_size(uint32_t mm)
{
	return mm >= 5 && mm <= 2550;
}

static struct size_mm size_of(const struct hf_edid_monitor *monitor)
{
	if (!known_size(monitor->width_mm) || !known_size(monitor->height_mm))
		return (struct size_mm){ 0, 0 };
	return (struct size_mm){ monitor->width_mm, monitor->height_mm };
}

/* 3.10.2: the widths of a detailed timing's fields. */
bool hf_edid_fits_detailed(const struct drm_mode_modeinfo *mode)
{
	return (mode->clock + 5) / 10 <= 0xffff && mode->hdisplay <= 0xfff &&
	       mode->htotal - mode->hdisplay <= 0xfff &&
	       mode->hsync_start - mode->hdisplay <= 0x3ff &&
	       mode->hsync_end - mode->hsync_start <= 0x3ff &&
	       mode->vdisplay <= 0xfff &&
	       mode->vtotal - mode->vdisplay <= 0xfff &&
	       mode->vsync_start - mode->vdisplay <= 0x3f &&
	       mode->vsync_end - mode->vsync_start <= 0x3f;
}

void hf_edid_put_detailed(struct hf_edid_descriptor *descriptor,
			  const struct drm_mode_modeinfo *mode,
			  const struct hf_edid_monitor *monitor)
{
	uint32_t hblank = mode->htotal - mode->hdisplay;
	uint32_t hfront = mode->hsync_start - mode->hdisplay;
	uint32_t hsync = mode->hsync_end - mode->hsync_start;
	uint32_t vblank = mode->vtotal - mode->vdisplay;
	uint32_t vfront = mode->vsync_start - mode->vdisplay;
	uint32_t vsync = mode->vsync_end - mode->vsync_start;
	struct size_mm size = size_of(monitor);
	uint8_t *bytes = descriptor->bytes;

	put_le16(bytes, (mode->clock + 5) / 10);
	bytes[2] = mode->hdisplay;
	bytes[3] = hblank;
	bytes[4] = (mode->hdisplay >> 8) << 4 | hblank >> 8;
	bytes[5] = mode->vdisplay;
	bytes[6] = vblank;
	bytes[7] = (mode->vdisplay >> 8) << 4 | vblank >> 8;
	bytes[8] = hfront;
	bytes[9] = hsync;
	bytes[10] = (vfront & 0xf) << 4 | (vsync & 0xf);
	bytes[11] = (hfront >> 8) << 6 | (hsync >> 8) << 4 |
		    (vfront >> 4) << 2 | vsync >> 4;
	bytes[12] = size.width;
	bytes[13] = size.height;
	bytes[14] = (size.width >> 8) << 4 | size.height >> 8;
	/* Digital separate sync, and its polarities. */
	bytes[17] = 0x18;
	if (mode->flags & DRM_MODE_FLAG_PVSYNC)
		bytes[17] |= 0x04;
	if (mode->flags & DRM_MODE_FLAG_PHSYNC)
		bytes[17] |= 0x02;
}

/* 3.10.3: a display descriptor is a timing with a clock of zero. */
static void put_tag(struct hf_edid_descriptor *descriptor,
		    enum hf_edid_tag tag)
{
	memset(descriptor, 0, sizeof(*descriptor));
	descriptor->bytes[3] = tag;
}

static void put_text(struct hf_edid_descriptor *descriptor,
		     enum hf_edid_tag tag, const char *text)
{
	size_t length = strnlen(text, TEXT_SIZE);
	uint8_t *bytes = descriptor->bytes + 5;

	put_tag(descriptor, tag);
	memset(bytes, ' ', TEXT_SIZE);
	memcpy(bytes, text, length);
	if (length < TEXT_SIZE)
		bytes[length] = '\n';
}

static void put_serial(struct hf_edid_descriptor *descriptor, uint32_t serial)
{
	char text[TEXT_SIZE + 1];

	if (!serial) {
		put_tag(descriptor, HF_EDID_TAG_DUMMY);
		return;
	}
	snprintf(text, sizeof(text), "HF%08u", serial);
	put_text(descriptor, HF_EDID_TAG_SERIAL, text);
}

static void add_limits(struct limits *limits,
		       const struct drm_mode_modeinfo *modes, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		double khz = (double)modes[i].clock / modes[i].htotal;
		double hz = khz * 1000 / modes[i].vtotal;

		limits->min_hz = fmin(limits->min_hz, floor(hz));
		limits->max_hz = fmax(limits->max_hz, ceil(hz));
		limits->min_khz = fmin(limits->min_khz, floor(khz));
		limits->max_khz = fmax(limits->max_khz, ceil(khz));
		limits->max_clock = fmax(limits->max_clock, modes[i].clock);
	}
}

/* 3.10.3.3.1: beyond 255, a limit is stored less 255, with a flag. */
static uint8_t put_limit(uint8_t *byte, uint32_t limit, uint8_t flag)
{
	*byte = limit > 255 ? limit - 255 : limit;
	return limit > 255 ? flag : 0;
}

/* Where a limit is more than EDID can say, say nothing. Return: was it said? */
static bool put_range(struct hf_edid_descriptor *descriptor,
		      const struct limits *limits)
{
	uint32_t clock = (limits->max_clock + 9999) / 10000;
	uint8_t *bytes = descriptor->bytes;
	uint8_t min_hz, min_khz;

	put_tag(descriptor, HF_EDID_TAG_DUMMY);
	if (limits->max_hz > 510 || limits->max_khz > 510 || clock > 255)
		return false;
	if (!limits->min_hz || !limits->min_khz)
		return false;

	put_tag(descriptor, HF_EDID_TAG_RANGE);
	bytes[4] |= put_limit(&bytes[6], limits->max_hz, 0x02);
	min_hz = put_limit(&bytes[5], limits->min_hz, 0x01);
	bytes[4] |= put_limit(&bytes[8], limits->max_khz, 0x08);
	min_khz = put_limit(&bytes[7], limits->min_khz, 0x04);
	bytes[4] |= min_hz | min_khz;
	bytes[9] = clock;
	/* Range limits only: no formula for other timings. */
	bytes[10] = 0x01;
	bytes[11] = '\n';
	memset(bytes + 12, ' ', 6);
	return true;
}

static const struct established {
	uint16_t width, height, hz;
	uint8_t byte, bit;
} established[] = {
	{ 640, 480, 60, 0, 0x20 },   { 640, 480, 73, 0, 0x08 },
	{ 640, 480, 75, 0, 0x04 },   { 800, 600, 56, 0, 0x02 },
	{ 800, 600, 60, 0, 0x01 },   { 800, 600, 72, 1, 0x80 },
	{ 800, 600, 75, 1, 0x40 },   { 1024, 768, 60, 1, 0x08 },
	{ 1024, 768, 70, 1, 0x04 },  { 1024, 768, 75, 1, 0x02 },
	{ 1280, 1024, 75, 1, 0x01 },
};

/* 3.8: one bit for each of the old timings. */
static bool put_established(struct hf_edid_base *base,
			    const struct drm_mode_modeinfo *mode)
{
	for (size_t i = 0; i < sizeof(established) / sizeof(established[0]); i++) {
		const struct established *e = &established[i];

		if (e->width != mode->hdisplay || e->height != mode->vdisplay ||
		    e->hz != mode->vrefresh)
			continue;
		base->established[e->byte] |= e->bit;
		return true;
	}
	return false;
}

/* 3.9: 16:10, 4:3, 5:4, 16:9, in the order of their codes. */
static int aspect_code(const struct drm_mode_modeinfo *mode)
{
	static const uint8_t ratios[4][2] = {
		{ 16, 10 }, { 4, 3 }, { 5, 4 }, { 16, 9 },
	};

	for (int i = 0; i < 4; i++)
		if (mode->hdisplay * ratios[i][1] == mode->vdisplay * ratios[i][0])
			return i;
	return -1;
}

/* 3.9: width, shape and rate in two bytes; it means the DMT of that size. */
static bool put_standard(uint8_t bytes[2], const struct drm_mode_modeinfo *mode)
{
	int aspect = aspect_code(mode);

	if (aspect < 0 || mode->hdisplay % 8 || mode->hdisplay > 2288)
		return false;
	if (mode->vrefresh < 60 || mode->vrefresh > 123)
		return false;

	bytes[0] = mode->hdisplay / 8 - 31;
	bytes[1] = aspect << 6 | (mode->vrefresh - 60);
	return true;
}

/* Standard timings have few slots: they go to 60 Hz, the largest first. */
static void put_other_modes(struct hf_edid_base *base,
			    const struct drm_mode_modeinfo *preferred,
			    const struct drm_mode_modeinfo *modes, size_t num)
{
	size_t slot = 0;

	memset(base->standard, 0x01, sizeof(base->standard));
	for (size_t i = 0; i < num; i++) {
		if (modes[i].hdisplay == preferred->hdisplay &&
		    modes[i].vdisplay == preferred->vdisplay)
			continue;
		if (put_established(base, &modes[i]))
			continue;
		if (slot < HF_EDID_STANDARDS && modes[i].vrefresh == 60 &&
		    put_standard(base->standard[slot], &modes[i]))
			slot++;
	}
}

static void put_identity(struct hf_edid_base *base,
			 const struct hf_edid_monitor *monitor)
{
	static const uint8_t header[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	/* The primaries and white of sRGB. */
	static const uint8_t srgb[10] = { 0xee, 0x91, 0xa3, 0x54, 0x4c,
					  0x99, 0x26, 0x0f, 0x50, 0x54 };
	const char *vendor = monitor->vendor;
	uint32_t id = (vendor[0] - '@') << 10 | (vendor[1] - '@') << 5 |
		      (vendor[2] - '@');

	memcpy(base->header, header, sizeof(header));
	base->vendor[0] = id >> 8;
	base->vendor[1] = id;
	put_le16(base->product, monitor->product);
	put_le32(base->serial, monitor->serial);
	/* Week 255: the year is that of the model, not of manufacture. */
	base->week = 0xff;
	base->year = MODEL_YEAR - 1990;
	base->version = 1;
	base->revision = 4;
	/* Digital, 8 bits a colour, interface not defined. */
	base->input = 0xa0;
	/* RGB 4:4:4, sRGB. */
	base->features = 0x04;
	base->width_cm = (size_of(monitor).width + 5) / 10;
	base->height_cm = (size_of(monitor).height + 5) / 10;
	/* 2.2, stored as (gamma - 1) * 100. */
	base->gamma = 120;
	memcpy(base->chromaticity, srgb, sizeof(srgb));
}

/* The largest listed mode that a detailed timing can hold. */
static const struct drm_mode_modeinfo *
find_detailed(const struct drm_mode_modeinfo *modes, size_t num)
{
	for (size_t i = 0; i < num; i++)
		if (hf_edid_fits_detailed(&modes[i]))
			return &modes[i];
	return NULL;
}

static void build_base(struct hf_edid_base *base,
		       const struct hf_edid_monitor *monitor,
		       const struct drm_mode_modeinfo *preferred,
		       const struct drm_mode_modeinfo *modes, size_t num,
		       const struct limits *limits)
{
	memset(base, 0, sizeof(*base));
	put_identity(base, monitor);
	if (preferred == &modes[0])
		base->features |= FEATURE_NATIVE;
	put_other_modes(base, preferred, modes, num);
	hf_edid_put_detailed(&base->descriptors[0], preferred, monitor);
	if (put_range(&base->descriptors[1], limits) && monitor->min_hz > 0)
		base->features |= FEATURE_CONTINUOUS;
	put_text(&base->descriptors[2], HF_EDID_TAG_NAME, monitor->name);
	put_serial(&base->descriptors[3], monitor->serial);
}

/* HDMI insists on EDID 1.3, which has other bits, and smaller range limits. */
static void build_base_1_3(struct hf_edid_base *base)
{
	base->revision = 3;
	base->input = 0x80;
	base->week = 1;
	base->features = 0x08 | 0x04 | FEATURE_NATIVE;
	base->descriptors[1].bytes[10] = 0x00;
}

static bool fits_1_3(const struct hf_edid_monitor *monitor,
		     const struct limits *limits)
{
	return !(monitor->min_hz > 0) && limits->min_hz &&
	       limits->max_hz <= 255 && limits->min_khz &&
	       limits->max_khz <= 255 && limits->max_clock <= 2550000;
}

/* DisplayID 1.3, table 4-14. */
static uint8_t displayid_aspect(const struct drm_mode_modeinfo *mode)
{
	static const uint8_t ratios[][2] = {
		{ 1, 1 }, { 5, 4 }, { 4, 3 }, { 15, 9 }, { 16, 9 }, { 16, 10 },
	};

	for (uint8_t i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++)
		if (mode->hdisplay * ratios[i][1] == mode->vdisplay * ratios[i][0])
			return i;
	return 8;
}

static void put_displayid_timing(struct hf_displayid_timing *timing,
				 const struct drm_mode_modeinfo *mode)
{
	uint32_t clock = (mode->clock + 5) / 10 - 1;
	uint32_t hpol = mode->flags & DRM_MODE_FLAG_PHSYNC ? 0x8000 : 0;
	uint32_t vpol = mode->flags & DRM_MODE_FLAG_PVSYNC ? 0x8000 : 0;

	/* Every number is stored less one. */
	put_le16(timing->clock, clock);
	timing->clock[2] = clock >> 16;
	/* Preferred. */
	timing->flags = 0x80 | displayid_aspect(mode);
	put_le16(timing->hactive, mode->hdisplay - 1);
	put_le16(timing->hblank, mode->htotal - mode->hdisplay - 1);
	put_le16(timing->hfront, (mode->hsync_start - mode->hdisplay - 1) | hpol);
	put_le16(timing->hsync, mode->hsync_end - mode->hsync_start - 1);
	put_le16(timing->vactive, mode->vdisplay - 1);
	put_le16(timing->vblank, mode->vtotal - mode->vdisplay - 1);
	put_le16(timing->vfront, (mode->vsync_start - mode->vdisplay - 1) | vpol);
	put_le16(timing->vsync, mode->vsync_end - mode->vsync_start - 1);
}

/* DisplayID 1.3, 4.1: who made it; the name is in the base block. */
static void put_displayid_product(struct displayid_product *product,
				  const struct hf_edid_monitor *monitor)
{
	memcpy(product->vendor, monitor->vendor, sizeof(product->vendor));
	put_le16(product->product, monitor->product);
	put_le32(product->serial, monitor->serial);
	product->week = 0xff;
	product->year = MODEL_YEAR - 2000;
}

static void put_displayid_display(struct displayid_display *display,
				  const struct hf_edid_monitor *monitor)
{
	uint32_t width = monitor->native.hdisplay;
	uint32_t height = monitor->native.vdisplay;
	uint32_t longer = width > height ? width : height;
	uint32_t shorter = width > height ? height : width;
	uint32_t aspect = (longer * 100 + shorter / 2) / shorter - 100;

	/* In tenths of a millimetre. */
	put_le16(display->width, size_of(monitor).width * 10);
	put_le16(display->height, size_of(monitor).height * 10);
	put_le16(display->hpixels, width);
	put_le16(display->vpixels, height);
	display->gamma = 120;
	display->aspect = aspect < 0xff ? aspect : 0xff;
	/* 8 bits a colour, overall and native, less one. */
	display->depth = 0x77;
}

/* The only interface fast enough for what does not fit in a base block. */
static void put_displayid_interface(struct displayid_interface *interface)
{
	/* DisplayPort 1.4, four lanes, 8 bits a colour. */
	interface->type = 0x94;
	interface->version = 0x14;
	interface->rgb_depths = 0x02;
}

/* DisplayID 1.3, 4.14. No gap is made up between two tiles. */
static void put_displayid_tiled(struct hf_displayid_tiled *tiled,
				const struct hf_edid_tile *tile)
{
	uint8_t columns = tile->columns - 1, rows = tile->rows - 1;

	/* Alone, it shows all of the picture; of the bezel nothing is known. */
	tiled->flags = (tile->single ? 0x80 : 0) | 0x10;
	tiled->topology[0] = columns << 4 | (rows & 0xf);
	tiled->topology[1] = tile->column << 4 | (tile->row & 0xf);
	tiled->topology[2] = (columns & 0x30) << 2 | (rows & 0x30) |
			     (tile->column & 0x30) >> 2 |
			     (tile->row & 0x30) >> 4;
	put_le16(tiled->width, tile->width - 1);
	put_le16(tiled->height, tile->height - 1);
	memcpy(tiled->id, tile->topology, sizeof(tile->topology));
}

static void put_displayid_block(struct hf_displayid_block *block, uint8_t tag,
				uint8_t size)
{
	block->tag = tag;
	block->size = size;
}

/* A DisplayID 1.3 section in an EDID extension. */
static void build_displayid(struct displayid_extension *extension,
			    const struct hf_edid_monitor *monitor)
{
	uint8_t *bytes = (uint8_t *)extension;

	memset(extension, 0, sizeof(*extension));
	extension->edid_tag = HF_EDID_EXTENSION_DISPLAYID;
	extension->version = 0x13;
	extension->size = HF_EDID_BLOCK -
			  offsetof(struct displayid_extension, id_block) - 2;
	/* A monitor, as opposed to a panel or a repeater. */
	extension->product_type = 0x03;
	put_displayid_block(&extension->id_block, HF_DISPLAYID_PRODUCT,
			    sizeof(extension->id));
	put_displayid_product(&extension->id, monitor);
	put_displayid_block(&extension->timing_block, HF_DISPLAYID_TIMING_1,
			    sizeof(extension->timing));
	put_displayid_timing(&extension->timing, &monitor->native);
	put_displayid_block(&extension->display_block, HF_DISPLAYID_DISPLAY,
			    sizeof(extension->display));
	put_displayid_display(&extension->display, monitor);
	put_displayid_block(&extension->interface_block, HF_DISPLAYID_INTERFACE,
			    sizeof(extension->interface));
	put_displayid_interface(&extension->interface);
	if (monitor->tile.columns) {
		put_displayid_block(&extension->tiled_block, HF_DISPLAYID_TILED,
				    sizeof(extension->tiled));
		put_displayid_tiled(&extension->tiled, &monitor->tile);
	}
	/* The section has a checksum of its own, without the extension's tag. */
	extension->section_checksum = hf_edid_checksum(bytes + 1, HF_EDID_BLOCK - 3);
	extension->checksum = hf_edid_checksum(bytes, HF_EDID_BLOCK - 1);
}

int hf_edid_build(const struct hf_edid_monitor *monitor,
		  uint8_t edid[HF_EDID_MAX])
{
	struct drm_mode_modeinfo modes[MAX_MODES + 1];
	struct limits limits = { .min_hz = UINT32_MAX, .min_khz = UINT32_MAX };
	struct hf_edid_base *base = (struct hf_edid_base *)edid;
	const struct drm_mode_modeinfo *preferred;
	uint8_t *next = edid + HF_EDID_BLOCK;
	bool vga = monitor->native.hdisplay >= 640 &&
		   monitor->native.vdisplay >= 480;
	bool hdmi, displayid;
	size_t num;

	if (!valid(monitor))
		return -EINVAL;

	num = hf_mode_list(&monitor->native, modes, MAX_MODES);
	preferred = find_detailed(modes, num);
	/* Too odd a shape for any standard mode to fit: every screen does VGA. */
	if (!preferred && !hf_mode_make(&modes[num], 640, 480, 60))
		preferred = &modes[num++];

	add_limits(&limits, modes, num);
	add_limits(&limits, monitor->extra, monitor->num_extra);
	/* Slower modes are shown all the same, as a multiple of their rate. */
	if (monitor->min_hz > 0)
		limits.min_hz = floor(monitor->min_hz);

	build_base(base, monitor, preferred, modes, num, &limits);
	displayid = preferred != &modes[0] || monitor->tile.columns;
	if (hf_edid_needs_cta(monitor)) {
		/* There, two extensions would need a third that counts them. */
		hdmi = monitor->hdmi && !displayid && vga &&
		       fits_1_3(monitor, &limits);
		if (hdmi)
			build_base_1_3(base);
		/* CTA-861 wants everybody to show that. */
		if (vga)
			base->established[0] |= 0x20;
		hf_edid_build_cta((struct hf_edid_cta *)next, monitor, hdmi);
		next += HF_EDID_BLOCK;
	}
	if (displayid) {
		build_displayid((struct displayid_extension *)next, monitor);
		next += HF_EDID_BLOCK;
	}
	base->extensions = (next - edid) / HF_EDID_BLOCK - 1;
	base->checksum = hf_edid_checksum(edid, HF_EDID_BLOCK - 1);
	return next - edid;
}
