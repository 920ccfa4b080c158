/* SPDX-License-Identifier: MIT */
/*
 * The modes of an EDID: that of hf_edid_build() and of QEMU, blocks made here by
 * hand for every kind of timing, and random bytes. What is expected of QEMU's, and
 * of the tables, is what edid-decode says.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kms/edid.h"
#include "kms/mode.h"

#define MAX_MODES 512
#define BLOCK 128

#define PREFERRED (DRM_MODE_TYPE_PREFERRED | DRM_MODE_TYPE_DRIVER)
#define PP (DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_PVSYNC)
#define PN (DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_NVSYNC)
#define NP (DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_PVSYNC)
#define NN (DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_NVSYNC)

/* QEMU 7.2, -device VGA,edid=on: a base block and a CTA-861 extension. */
static const uint8_t qemu[2 * BLOCK] = {
	0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x49, 0x14, 0x34, 0x12,
	0x00, 0x00, 0x00, 0x00, 0x2a, 0x18, 0x01, 0x04, 0xa5, 0x20, 0x14, 0x78,
	0x06, 0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54, 0x21,
	0x08, 0x00, 0xe1, 0xc0, 0xd1, 0xc0, 0xd1, 0x00, 0xa9, 0x40, 0xb3, 0x00,
	0x95, 0x00, 0x81, 0x80, 0x81, 0x40, 0xea, 0x29, 0x00, 0xc0, 0x51, 0x20,
	0x1c, 0x30, 0x40, 0x26, 0x44, 0x40, 0x45, 0xcb, 0x10, 0x00, 0x00, 0x18,
	0x00, 0x00, 0x00, 0xf7, 0x00, 0x0a, 0x00, 0x40, 0x82, 0x00, 0x28, 0x20,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xfd, 0x00, 0x32,
	0x7d, 0x1e, 0xa0, 0xff, 0x01, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
	0x00, 0x00, 0x00, 0xfc, 0x00, 0x51, 0x45, 0x4d, 0x55, 0x20, 0x4d, 0x6f,
	0x6e, 0x69, 0x74, 0x6f, 0x72, 0x0a, 0x01, 0x3a, 0x02, 0x03, 0x0b, 0x00,
	0x46, 0x7d, 0x65, 0x60, 0x59, 0x1f, 0x61, 0x00, 0x00, 0x00, 0x10, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x2f,};

/* The DisplayID extension of the same at 5120x2880, which takes no base block. */
static const uint8_t qemu_5k[BLOCK] = {
	0x70, 0x13, 0x17, 0x03, 0x00, 0x03, 0x00, 0x14, 0x73, 0x5b,
	0x02, 0x88, 0xff, 0x13, 0xff, 0x06, 0xff, 0x04, 0x98, 0x00,
	0x3f, 0x0b, 0x63, 0x00, 0x0d, 0x00, 0x0d, 0x00, 0xeb, 0x00,
	[127] = 0x90,
};

static struct drm_mode_modeinfo modes[MAX_MODES];
static uint32_t width_mm, height_mm;

static void fix(uint8_t *block)
{
	uint8_t sum = 0;

	for (int i = 0; i < BLOCK - 1; i++)
		sum += block[i];
	block[BLOCK - 1] = -sum;
}

static int read_blocks(uint8_t *edid, int blocks)
{
	edid[126] = blocks - 1;
	for (int i = 0; i < blocks; i++)
		fix(edid + i * BLOCK);
	return hf_edid_modes(edid, blocks * BLOCK, modes, MAX_MODES, &width_mm,
			     &height_mm);
}

/* A monitor of 1.4 that lists nothing. */
static void make_base(uint8_t *edid)
{
	static const uint8_t header[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };

	memset(edid, 0, BLOCK);
	memcpy(edid, header, sizeof(header));
	edid[18] = 1;
	edid[19] = 4;
	edid[20] = 0xa5;
	memset(edid + 38, 0x01, 16);
	for (int i = 0; i < 4; i++)
		edid[54 + i * 18 + 3] = 0x10;
}

static void make_cta(uint8_t *block, const uint8_t *data, size_t size)
{
	memset(block, 0, BLOCK);
	block[0] = 0x02;
	block[1] = 0x03;
	block[2] = 4 + size;
	memcpy(block + 4, data, size);
}

static void put_descriptor(uint8_t *at, uint8_t tag, const uint8_t *data,
			   size_t size)
{
	memset(at, 0, 18);
	at[3] = tag;
	memcpy(at + 5, data, size);
}

/* 1280x720 at 60 Hz, 160 by 90 mm. */
static const uint8_t dtd_720p[18] = {
	0x01, 0x1d, 0x00, 0x72, 0x51, 0xd0, 0x1e, 0x20, 0x6e,
	0x28, 0x55, 0x00, 0xa0, 0x5a, 0x00, 0x00, 0x00, 0x1e,
};

/* 1920x1080i at 60 Hz, as televisions have it: lines of a field. */
static const uint8_t dtd_1080i[18] = {
	0x01, 0x1d, 0x80, 0x18, 0x71, 0x1c, 0x16, 0x20, 0x58,
	0x2c, 0x25, 0x00, 0xa0, 0x5a, 0x00, 0x00, 0x00, 0x9e,
};

static const struct drm_mode_modeinfo *find(int num, const char *name,
					    uint32_t clock)
{
	for (int i = 0; i < num; i++)
		if (!strcmp(modes[i].name, name) && modes[i].clock == clock)
			return &modes[i];
	return NULL;
}

static void check_timing(const struct drm_mode_modeinfo *mode,
			 const uint16_t h[4], const uint16_t v[4],
			 uint32_t flags)
{
	assert_non_null(mode);
	assert_int_equal(mode->hdisplay, h[0]);
	assert_int_equal(mode->hsync_start, h[1]);
	assert_int_equal(mode->hsync_end, h[2]);
	assert_int_equal(mode->htotal, h[3]);
	assert_int_equal(mode->vdisplay, v[0]);
	assert_int_equal(mode->vsync_start, v[1]);
	assert_int_equal(mode->vsync_end, v[2]);
	assert_int_equal(mode->vtotal, v[3]);
	assert_int_equal(mode->flags, flags);
}

#define CHECK(mode, h0, h1, h2, h3, v0, v1, v2, v3, flags)                  \
	check_timing(mode, (const uint16_t[]){ h0, h1, h2, h3 },            \
		     (const uint16_t[]){ v0, v1, v2, v3 }, flags)

/* What holds for every list. */
static void check_list(int num)
{
	for (int i = 0; i < num; i++) {
		const struct drm_mode_modeinfo *mode = &modes[i];

		assert_int_equal(hf_mode_check(mode), 0);
		assert_true(mode->vrefresh);
		assert_int_equal(mode->vrefresh, hf_mode_vrefresh(mode));
		assert_true(mode->type & DRM_MODE_TYPE_DRIVER);
		assert_non_null(memchr(mode->name, 0, sizeof(mode->name)));
		if (i)
			assert_true(hf_mode_compare(mode - 1, mode) <= 0);
		for (int j = 0; j < i; j++)
			assert_false(hf_mode_equal(mode, &modes[j]));
	}
}

struct expected {
	const char *name;
	uint32_t clock;
};

static void check_names(const struct expected *expected, int count, int num)
{
	check_list(num);
	for (int i = 0; i < num && i < count; i++) {
		assert_string_equal(modes[i].name, expected[i].name);
		assert_int_equal(modes[i].clock, expected[i].clock);
	}
	assert_int_equal(num, count);
}

#define CHECK_NAMES(expected, num) \
	check_names(expected, sizeof(expected) / sizeof((expected)[0]), num)

static void what_is_built_is_read_again(void **state)
{
	static const struct {
		unsigned int width, height;
		double hz;
		int size;
	} natives[] = {
		{ 1920, 1080, 60, 128 }, { 640, 480, 60, 128 },
		{ 1366, 768, 60, 128 },	 { 3840, 2160, 60, 128 },
		{ 2560, 1440, 144, 128 }, { 1080, 1920, 60, 128 },
		{ 1920, 1080, 59.94, 128 }, { 5120, 2880, 60, 256 },
		{ 7680, 4320, 60, 256 }, { 4096, 2160, 60, 256 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(natives) / sizeof(natives[0]); i++) {
		struct hf_edid_monitor monitor = {
			.vendor = "HFT", .name = "Holdfast",
			.width_mm = 597, .height_mm = 336,
		};
		uint8_t edid[HF_EDID_MAX];
		int num, clock_diff;

		assert_int_equal(hf_mode_make(&monitor.native, natives[i].width,
					      natives[i].height, natives[i].hz), 0);
		assert_int_equal(hf_edid_build(&monitor, edid), natives[i].size);
		num = hf_edid_modes(edid, natives[i].size, modes, MAX_MODES,
				    &width_mm, &height_mm);
		assert_true(num > 0);
		check_list(num);
		assert_int_equal(width_mm, 597);
		assert_int_equal(height_mm, 336);
		assert_int_equal(modes[0].type, PREFERRED);
		assert_string_equal(modes[0].name, monitor.native.name);
		/* The exact n/1.001 Hz are off the steps of 10 kHz. */
		clock_diff = (int)modes[0].clock - (int)monitor.native.clock;
		assert_true(abs(clock_diff) <= 5);
		monitor.native.clock = modes[0].clock;
		assert_true(hf_mode_equal(&modes[0], &monitor.native));
	}
}

static void every_mode_that_is_built_is_one_of_the_monitor(void **state)
{
	struct hf_edid_monitor monitor = { .vendor = "HFT", .name = "Holdfast" };
	struct drm_mode_modeinfo listed[128];
	uint8_t edid[HF_EDID_MAX];
	size_t n_listed;
	int num;

	(void)state;
	assert_int_equal(hf_mode_make(&monitor.native, 1920, 1080, 60), 0);
	assert_int_equal(hf_edid_build(&monitor, edid), 128);
	num = hf_edid_modes(edid, 128, modes, MAX_MODES, &width_mm, &height_mm);
	assert_true(num > 12);
	assert_int_equal(width_mm, 0);
	assert_int_equal(height_mm, 0);

	n_listed = hf_mode_list(&monitor.native, listed, 128);
	for (int i = 0; i < num; i++) {
		size_t j = 0;

		while (j < n_listed && !hf_mode_equal(&modes[i], &listed[j]))
			j++;
		assert_true(j < n_listed);
	}
}

static void qemu_is_read_as_edid_decode_does(void **state)
{
	static const struct expected expected[] = {
		{ "1280x800", 107300 }, { "5120x2160", 742500 },
		{ "4096x2160", 594000 }, { "3840x2160", 594000 },
		{ "3840x2160", 593407 }, { "3840x2160", 594000 },
		{ "1920x1440", 234000 }, { "2560x1080", 185625 },
		{ "1856x1392", 218250 }, { "1792x1344", 204750 },
		{ "2048x1152", 162000 }, { "1920x1200", 193250 },
		{ "1920x1080", 148500 }, { "1920x1080", 148352 },
		{ "1920x1080", 148500 }, { "1600x1200", 162000 },
		{ "1680x1050", 146250 }, { "1400x1050", 121750 },
		{ "1280x1024", 108000 }, { "1440x900", 106500 },
		{ "1280x960", 108000 }, { "1360x768", 85500 },
		{ "1280x768", 79500 }, { "1024x768", 65000 },
		{ "800x600", 40000 }, { "640x480", 25200 },
		{ "640x480", 25175 },
	};
	int num = hf_edid_modes(qemu, sizeof(qemu), modes, MAX_MODES, &width_mm,
				&height_mm);

	(void)state;
	CHECK_NAMES(expected, num);
	assert_int_equal(modes[0].type, PREFERRED);
	assert_int_equal(modes[0].vrefresh, 75);
	CHECK(&modes[0], 1280, 1600, 1638, 1728, 800, 804, 808, 828, NN);
	for (int i = 1; i < num; i++)
		assert_int_equal(modes[i].type, DRM_MODE_TYPE_DRIVER);
	assert_int_equal(width_mm, 325);
	assert_int_equal(height_mm, 203);
}

static void without_a_television_extension_there_are_no_television_modes(void **state)
{
	uint8_t edid[BLOCK];
	int num;

	(void)state;
	memcpy(edid, qemu, sizeof(edid));
	num = read_blocks(edid, 1);
	check_list(num);
	assert_int_equal(num, 18);
	assert_string_equal(modes[0].name, "1280x800");
	assert_null(find(num, "1920x1080", 148352));
	assert_null(find(num, "3840x2160", 594000));

	/* Likewise where the base does not count the extension. */
	memcpy(edid, qemu, sizeof(edid));
	edid[126] = 0;
	fix(edid);
	assert_int_equal(hf_edid_modes(edid, sizeof(edid), modes, MAX_MODES,
				       &width_mm, &height_mm), 18);
}

static void a_displayid_mode_may_be_the_preferred_one(void **state)
{
	uint8_t edid[2 * BLOCK];
	int num;

	(void)state;
	make_base(edid);
	memcpy(edid + BLOCK, qemu_5k, BLOCK);
	num = read_blocks(edid, 2);
	assert_int_equal(num, 1);
	assert_int_equal(modes[0].type, PREFERRED);
	assert_int_equal(modes[0].clock, 1544840);
	assert_int_equal(modes[0].vrefresh, 75);
	CHECK(&modes[0], 5120, 6400, 6553, 6912, 2880, 2894, 2908, 2980, NN);
}

static void a_displayid_section_that_is_not_whole_is_left_out(void **state)
{
	uint8_t edid[2 * BLOCK];

	(void)state;
	/* A wrong checksum of the section. */
	make_base(edid);
	memcpy(edid + BLOCK, qemu_5k, BLOCK);
	edid[BLOCK + 28]++;
	assert_int_equal(read_blocks(edid, 2), 0);

	/* A section that is longer than the extension. */
	memcpy(edid + BLOCK, qemu_5k, BLOCK);
	edid[BLOCK + 2] = 122;
	assert_int_equal(read_blocks(edid, 2), 0);

	/* A data block that is longer than the section. */
	memcpy(edid + BLOCK, qemu_5k, BLOCK);
	edid[BLOCK + 7]++;
	edid[BLOCK + 28]--;
	assert_int_equal(read_blocks(edid, 2), 0);

	/* Interlaced. */
	memcpy(edid + BLOCK, qemu_5k, BLOCK);
	edid[BLOCK + 11] |= 0x10;
	edid[BLOCK + 28] -= 0x10;
	assert_int_equal(read_blocks(edid, 2), 0);

	/* 65536 pixels are one more than a mode can have. */
	memcpy(edid + BLOCK, qemu_5k, BLOCK);
	edid[BLOCK + 28] += edid[BLOCK + 12] + edid[BLOCK + 13] - 0xff - 0xff;
	edid[BLOCK + 12] = edid[BLOCK + 13] = 0xff;
	assert_int_equal(read_blocks(edid, 2), 0);
}

static void the_first_detailed_timing_is_preferred_from_1_4_on(void **state)
{
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	edid[35] = 0x20;
	edid[37] = 0x80;
	memcpy(edid + 54, dtd_720p, 18);
	assert_int_equal(read_blocks(edid, 1), 3);
	assert_string_equal(modes[0].name, "1280x720");
	assert_int_equal(modes[0].type, PREFERRED);

	/* Before, a bit says so; without it, the largest comes first. */
	edid[19] = 3;
	assert_int_equal(read_blocks(edid, 1), 3);
	assert_string_equal(modes[0].name, "1152x870");
	assert_int_equal(modes[0].type, DRM_MODE_TYPE_DRIVER);
	edid[24] |= 0x02;
	assert_int_equal(read_blocks(edid, 1), 3);
	assert_string_equal(modes[0].name, "1280x720");
	assert_int_equal(modes[0].type, PREFERRED);
}

static void a_detailed_timing_is_read_to_the_bit(void **state)
{
	/* Every field has bits in its upper part. */
	static const uint8_t dtd[18] = {
		0x34, 0x82, 0x11, 0xf3, 0xd4, 0x22, 0x77, 0xe2, 0x0b,
		0x21, 0x43, 0x55, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1a,
	};
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	memcpy(edid + 54, dtd, 18);
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].clock, 0x8234 * 10);
	CHECK(&modes[0], 0xd11, 0xd11 + 0x10b, 0xd11 + 0x10b + 0x121,
	      0xd11 + 0x4f3, 0xe22, 0xe22 + 0x14, 0xe22 + 0x14 + 0x13,
	      0xe22 + 0x277, PN);
}

static void a_detailed_timing_that_makes_no_sense_is_left_out(void **state)
{
	static const struct {
		uint8_t at, value;
	} faults[] = {
		{ 9, 0x00 },   /* no sync pulse */
		{ 10, 0x50 },  /* likewise, vertical */
		{ 3, 0x00 },   /* sync behind the end of the line */
		{ 6, 0x00 },   /* likewise, vertical */
		{ 17, 0x3e },  /* stereo */
		{ 4, 0x01 },   /* no width to speak of */
	};
	uint8_t edid[BLOCK];

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		make_base(edid);
		memcpy(edid + 54, dtd_720p, 18);
		edid[54 + faults[i].at] = faults[i].value;
		if (faults[i].at == 3)
			edid[54 + 4] &= 0xf0;
		assert_int_equal(read_blocks(edid, 1), 0);
	}
}

static void a_sync_pulse_that_is_too_long_is_cut(void **state)
{
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	memcpy(edid + 54, dtd_720p, 18);
	edid[54 + 11] |= 0x30;
	assert_int_equal(read_blocks(edid, 1), 1);
	CHECK(&modes[0], 1280, 1390, 1650, 1650, 720, 725, 730, 750, PP);
}

static void composite_sync_has_its_flags(void **state)
{
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	memcpy(edid + 54, dtd_720p, 18);
	edid[54 + 17] = 0x12;
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].flags, DRM_MODE_FLAG_CSYNC | DRM_MODE_FLAG_PCSYNC);
	edid[54 + 17] = 0x00;
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].flags, DRM_MODE_FLAG_CSYNC | DRM_MODE_FLAG_NCSYNC);
}

static void fields_of_a_television_become_frames(void **state)
{
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	memcpy(edid + 54, dtd_1080i, 18);
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_string_equal(modes[0].name, "1920x1080i");
	assert_int_equal(modes[0].vrefresh, 60);
	CHECK(&modes[0], 1920, 2008, 2052, 2200, 1080, 1084, 1094, 1125,
	      PP | DRM_MODE_FLAG_INTERLACE);

	/* Any other size is taken to be that of a frame. */
	memcpy(edid + 54, dtd_720p, 18);
	edid[54 + 17] |= 0x80;
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_string_equal(modes[0].name, "1280x720i");
	assert_int_equal(modes[0].vtotal, 750);
}

static void a_clock_that_was_rounded_is_exact_again(void **state)
{
	/* 148.35 MHz for 148.352. */
	static const uint8_t dtd[18] = {
		0xf3, 0x39, 0x80, 0x18, 0x71, 0x38, 0x2d, 0x40, 0x58,
		0x2c, 0x45, 0x00, 0xa0, 0x5a, 0x00, 0x00, 0x00, 0x1e,
	};
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	memcpy(edid + 54, dtd, 18);
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].clock, 148352);
	assert_int_equal(modes[0].vrefresh, 60);
}

static void established_timings_are_those_of_the_table(void **state)
{
	static const struct expected expected[] = {
		{ "1280x1024", 135000 }, { "1152x870", 100000 },
		{ "1024x768i", 44900 }, { "1024x768", 78750 },
		{ "1024x768", 75000 }, { "1024x768", 65000 },
		{ "832x624", 57284 }, { "800x600", 49500 },
		{ "800x600", 50000 }, { "800x600", 40000 },
		{ "800x600", 36000 }, { "640x480", 31500 },
		{ "640x480", 31500 }, { "640x480", 30240 },
		{ "640x480", 25175 }, { "720x400", 35500 },
		{ "720x400", 28320 },
	};
	uint8_t edid[BLOCK];
	int num;

	(void)state;
	make_base(edid);
	memset(edid + 35, 0xff, 3);
	num = read_blocks(edid, 1);
	CHECK_NAMES(expected, num);
	CHECK(find(num, "640x480", 25175), 640, 656, 752, 800, 480, 490, 492, 525, NN);
	CHECK(find(num, "1024x768i", 44900), 1024, 1032, 1208, 1264, 768, 768,
	      776, 817, PP | DRM_MODE_FLAG_INTERLACE);
}

static void established_timings_iii_are_those_of_dmt(void **state)
{
	uint8_t data[13] = { 0x0a, [1 ... 6] = 0xff };
	uint8_t edid[BLOCK];
	int num;

	(void)state;
	make_base(edid);
	put_descriptor(edid + 72, 0xf7, data, sizeof(data));
	num = read_blocks(edid, 1);
	check_list(num);
	/* 44 bits have a meaning. */
	assert_int_equal(num, 44);
	assert_non_null(find(num, "640x350", 31500));
	assert_non_null(find(num, "1920x1440", 297000));
	CHECK(find(num, "1920x1200", 154000), 1920, 1968, 2000, 2080, 1200, 1203,
	      1209, 1235, PN);

	/* One of the middle. */
	memset(data + 1, 0, 6);
	data[4] = 0x04;
	put_descriptor(edid + 72, 0xf7, data, sizeof(data));
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_string_equal(modes[0].name, "1600x1200");
	assert_int_equal(modes[0].vrefresh, 60);
}

static void standard_timings_are_dmt_by_shape_and_rate(void **state)
{
	static const struct expected expected[] = {
		{ "1920x1200", 193250 }, { "1920x1080", 148500 },
		{ "1280x1024", 157500 }, { "1366x768", 85500 },
		{ "1024x768", 78750 },	 { "640x480", 31500 },
	};
	static const uint8_t standard[] = {
		0xd1, 0xc0, 0xd1, 0x00, 0x81, 0x99, 0x8b, 0xc0,
		0x61, 0x4f, 0x31, 0x4c, 0x00, 0x00, 0x20, 0x20,
	};
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	memcpy(edid + 38, standard, sizeof(standard));
	CHECK_NAMES(expected, read_blocks(edid, 1));

	/* Six more in a descriptor, and the same again is no other mode. */
	make_base(edid);
	put_descriptor(edid + 54, 0xfa, standard, 12);
	put_descriptor(edid + 72, 0xfa, standard, 12);
	CHECK_NAMES(expected, read_blocks(edid, 1));
}

static void the_first_shape_was_a_square_once(void **state)
{
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	edid[18] = 1;
	edid[19] = 2;
	edid[24] = 0x01;
	edid[38] = 1024 / 8 - 31;
	edid[39] = 0;
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_string_equal(modes[0].name, "1024x1024");
	edid[19] = 3;
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_string_equal(modes[0].name, "1024x640");
}

static void a_standard_timing_gives_way_to_a_detailed_one(void **state)
{
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	memcpy(edid + 54, dtd_720p, 18);
	/* Shown with a clock of its own. */
	edid[54]++;
	edid[38] = 1280 / 8 - 31;
	edid[39] = 0xc0;
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].clock, 74260);
}

/* As many of these names and flags as there should be. */
static void check_count(int num, const char *name, uint32_t flags, int count)
{
	const uint32_t looks = DRM_MODE_FLAG_PIC_AR_MASK | DRM_MODE_FLAG_3D_MASK;

	for (int i = 0; i < num; i++)
		count -= !strcmp(modes[i].name, name) &&
			 (modes[i].flags & looks) == flags;
	assert_int_equal(count, 0);
}

/* 1152x720 at 70 Hz is in no table. */
static void what_is_no_dmt_follows_the_formula_that_the_monitor_names(void **state)
{
	/* At 70 Hz there is nothing that might be inferred. */
	static const uint8_t cvt[13] = { 70, 70, 30, 100, 15, 0x04 };
	/* From 20 kHz on, with C 40, M 300, K 128, J 20. */
	static const uint8_t gtf2[13] = { 70,	70, 30,	  100,	15, 0x02, 0,
					  10, 80, 0x2c, 0x01, 128, 40 };
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	edid[38] = 1152 / 8 - 31;
	edid[39] = 10;
	assert_int_equal(read_blocks(edid, 1), 0);

	put_descriptor(edid + 54, 0xfd, cvt, sizeof(cvt));
	edid[24] = 0x01;
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].clock, 80000);
	CHECK(&modes[0], 1152, 1216, 1336, 1520, 720, 723, 729, 752, NP);

	edid[19] = 3;
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].clock, 79800);
	CHECK(&modes[0], 1152, 1216, 1336, 1520, 720, 721, 724, 750, NP);

	put_descriptor(edid + 54, 0xfd, gtf2, sizeof(gtf2));
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].clock, 83160);
	CHECK(&modes[0], 1152, 1240, 1368, 1584, 720, 721, 724, 750, PN);
}

static int with_range(uint8_t revision, const uint8_t range[13])
{
	uint8_t edid[BLOCK];

	make_base(edid);
	edid[19] = revision;
	edid[20] = 0x80;
	edid[24] = 0x01;
	/* 1280x1024 at 60 Hz. */
	edid[38] = 1280 / 8 - 31;
	edid[39] = 0x80;
	put_descriptor(edid + 54, 0xfd, range, 13);
	return read_blocks(edid, 1);
}

static void a_continuous_range_has_modes_that_are_not_listed(void **state)
{
	/* 56 to 75 Hz, 30 to 60 kHz, up to 80 MHz. */
	uint8_t range[13] = { 56, 75, 30, 60, 8, 0x01 };
	int num;

	(void)state;
	num = with_range(4, range);
	check_list(num);
	assert_string_equal(modes[0].name, "1280x1024");
	for (int i = 1; i < num; i++) {
		assert_in_range(modes[i].vrefresh, 56, 75);
		assert_true(modes[i].clock <= 85001);
		assert_true(modes[i].clock / modes[i].htotal <= 60);
	}
	/* 720p is smaller than 1280x1024, 1366x768 is not, and 85 Hz too fast. */
	assert_non_null(find(num, "1280x720", 74250));
	assert_non_null(find(num, "1024x768", 78750));
	assert_non_null(find(num, "640x480", 25175));
	assert_null(find(num, "1366x768", 85500));
	assert_null(find(num, "640x480", 36000));
	/* The clock may be 5 MHz more than it says, not 10. */
	range[4] = 7;
	assert_non_null(find(with_range(4, range), "1280x720", 74250));
	range[4] = 6;
	assert_null(find(with_range(4, range), "1280x720", 74250));
	range[4] = 255;
	assert_non_null(find(with_range(4, range), "1280x800", 83500));
}

static void limits_beyond_255_are_those_of_1_4(void **state)
{
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	edid[24] = 0x01;
	edid[38] = 1280 / 8 - 31;
	edid[39] = 0x80;
	put_descriptor(edid + 54, 0xfd,
		       (uint8_t[13]){ 56, 75, 30, 60, 8, 0x01 }, 13);
	assert_true(read_blocks(edid, 1) > 1);
	edid[54 + 4] = 0x03;
	assert_int_equal(read_blocks(edid, 1), 1);
	edid[54 + 4] = 0x0c;
	assert_int_equal(read_blocks(edid, 1), 1);
	/* Before that these bits have no meaning. */
	edid[19] = 3;
	edid[54 + 10] = 0x00;
	assert_true(read_blocks(edid, 1) > 1);
	/* It is not continuous. */
	edid[24] = 0x00;
	assert_int_equal(read_blocks(edid, 1), 1);
}

static void a_formula_has_the_sizes_that_are_common(void **state)
{
	const uint8_t cvt[13] = { 56, 75, 30, 90, 15, 0x04, 0, 0, 0, 0, 0x10 };
	uint8_t wide[13] = { 56, 75, 30, 90, 15, 0x04, 0, 0, 80 };
	const uint8_t gtf[13] = { 56, 75, 30, 90, 15, 0x00 };
	int num;

	(void)state;
	num = with_range(4, cvt);
	check_list(num);
	check_count(num, "1024x576", 0, 1);
	check_count(num, "1600x900", 0, 0);
	num = with_range(3, gtf);
	check_list(num);
	check_count(num, "1024x576", 0, 1);
	/* CVT's meaning of the descriptor is 1.4's. */
	check_count(with_range(3, cvt), "1024x576", 0, 0);
	/* Lines of up to 640 pixels. */
	num = with_range(4, wide);
	for (int i = 1; i < num; i++)
		assert_true(modes[i].hdisplay <= 640);
	assert_true(num > 1);
}

static void reduced_blanking_is_for_who_can_show_it(void **state)
{
	static const uint8_t range[13] = { 50, 75, 30, 100, 15, 0x04, 0, 0, 0, 0, 0x10 };
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	edid[38] = 1920 / 8 - 31;
	edid[39] = 0x00;
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].clock, 193250);
	put_descriptor(edid + 54, 0xfd, range, sizeof(range));
	assert_int_equal(read_blocks(edid, 1), 1);
	assert_int_equal(modes[0].clock, 154000);
}

static void cvt_codes_make_cvt_timings(void **state)
{
	/* 1920x1200, all rates; 1280x768 (15:9), 60 Hz; one unused, one tiny. */
	static const uint8_t data[13] = { 0x01, 0x57, 0x28, 0x1f, 0x7f, 0x1c, 0x08,
					  0x00, 0x00, 0x00, 0x00, 0x00, 0x1f };
	static const struct expected expected[] = {
		{ "1920x1200", 281250 }, { "1920x1200", 245250 },
		{ "1920x1200", 193250 }, { "1920x1200", 154000 },
		{ "1920x1200", 158250 }, { "1280x768", 79500 },
	};
	uint8_t edid[BLOCK];
	int num;

	(void)state;
	make_base(edid);
	put_descriptor(edid + 90, 0xf8, data, sizeof(data));
	num = read_blocks(edid, 1);
	CHECK_NAMES(expected, num);
	CHECK(find(num, "1920x1200", 154000), 1920, 1968, 2000, 2080, 1200, 1203,
	      1209, 1235, PN);
}

static void video_codes_are_those_of_cta_861(void **state)
{
	/* 1920x1080p60 native, 720x480i, 1920x1080i50, 8K, none, and reserved ones. */
	static const uint8_t data[] = { 0x47, 0x80 | 16, 6, 39, 199, 0, 128, 255 };
	static const struct expected expected[] = {
		{ "7680x4320", 2376000 }, { "7680x4320", 2373626 },
		{ "1920x1080", 148500 },  { "1920x1080", 148352 },
		{ "1920x1080i", 72000 },  { "720x480i", 13514 },
		{ "720x480i", 13500 },
	};
	uint8_t edid[2 * BLOCK];
	int num;

	(void)state;
	make_base(edid);
	make_cta(edid + BLOCK, data, sizeof(data));
	num = read_blocks(edid, 2);
	CHECK_NAMES(expected, num);
	CHECK(&modes[4], 1920, 1952, 2120, 2304, 1080, 1126, 1136, 1250,
	      PN | DRM_MODE_FLAG_INTERLACE | DRM_MODE_FLAG_PIC_AR_16_9);
	CHECK(&modes[6], 720, 739, 801, 858, 480, 488, 494, 525,
	      NN | DRM_MODE_FLAG_INTERLACE | DRM_MODE_FLAG_DBLCLK |
		      DRM_MODE_FLAG_PIC_AR_4_3);

	/* Older ones have no data blocks. */
	edid[BLOCK + 1] = 2;
	assert_int_equal(read_blocks(edid, 2), 0);
}

static void every_video_code_has_its_mode(void **state)
{
	uint8_t edid[2 * BLOCK], data[2] = { 0x41 };

	(void)state;
	for (unsigned int vic = 0; vic < 256; vic++) {
		bool known = (vic >= 1 && vic <= 127) ||
			     (vic >= 129 && vic <= 219);
		int num;

		make_base(edid);
		data[1] = vic;
		make_cta(edid + BLOCK, data, 2);
		num = read_blocks(edid, 2);
		check_list(num);
		assert_true(known ? num == 1 || num == 2 : num == 0);
		/* Rates that CTA-861 has; 50 Hz and the like have one clock. */
		for (int i = 0; i < num; i++)
			assert_true(strchr("\30\31\36\60\62\74\144\170\310\360",
					   modes[i].vrefresh));
		if (num == 2)
			assert_int_equal(modes[0].vrefresh, modes[1].vrefresh);
	}
}

static void hdmi_has_numbers_of_its_own_for_4k(void **state)
{
	/* With latencies, progressive and interlaced; 1 and 4, and one that is not. */
	static const uint8_t with[] = { 0x70, 0x03, 0x0c, 0x00, 0x10, 0x00, 0xb8, 0x3c,
					0xe0, 1, 2, 3, 4, 0x00, 0x60, 0x01, 0x04 };
	static const uint8_t without[] = { 0x6b, 0x03, 0x0c, 0x00, 0x10, 0x00, 0xb8,
					   0x3c, 0x20, 0x00, 0x20, 0x02 };
	uint8_t edid[2 * BLOCK];

	(void)state;
	make_base(edid);
	make_cta(edid + BLOCK, with, sizeof(with));
	assert_int_equal(read_blocks(edid, 2), 4);
	assert_string_equal(modes[0].name, "4096x2160");
	assert_int_equal(modes[0].vrefresh, 24);
	assert_string_equal(modes[2].name, "3840x2160");
	assert_int_equal(modes[2].vrefresh, 30);

	make_cta(edid + BLOCK, without, sizeof(without));
	assert_int_equal(read_blocks(edid, 2), 1);
	assert_string_equal(modes[0].name, "3840x2160");
	assert_int_equal(modes[0].vrefresh, 25);
	/* Somebody else's block. */
	edid[BLOCK + 5] = 0x04;
	assert_int_equal(read_blocks(edid, 2), 0);
}

static void detailed_timings_of_an_extension_begin_where_it_says(void **state)
{
	uint8_t edid[2 * BLOCK];

	(void)state;
	make_base(edid);
	make_cta(edid + BLOCK, (const uint8_t[]){ 0x41, 4 }, 2);
	memcpy(edid + BLOCK + 6, dtd_1080i, 18);
	memcpy(edid + BLOCK + 24, dtd_720p, 18);
	/* 720p is there twice: with the shape of its picture, and without. */
	assert_int_equal(read_blocks(edid, 2), 5);
	/* The first detailed timing of all. */
	assert_string_equal(modes[0].name, "1920x1080i");
	assert_int_equal(modes[0].type, PREFERRED);

	/* None at all. */
	edid[BLOCK + 2] = 0;
	assert_int_equal(read_blocks(edid, 2), 0);
	/* Within the header, on the checksum and behind the end. */
	edid[BLOCK + 2] = 3;
	assert_int_equal(read_blocks(edid, 2), 0);
	edid[BLOCK + 2] = 128;
	assert_int_equal(read_blocks(edid, 2), 0);
	edid[BLOCK + 2] = 255;
	assert_int_equal(read_blocks(edid, 2), 0);
}

static void a_mode_that_is_listed_twice_stays_preferred(void **state)
{
	uint8_t edid[2 * BLOCK];

	(void)state;
	make_base(edid);
	memcpy(edid + 54, dtd_720p, 18);
	make_cta(edid + BLOCK, (const uint8_t[]){ 0x41, 16 }, 2);
	memcpy(edid + BLOCK + 6, dtd_720p, 18);
	assert_int_equal(read_blocks(edid, 2), 4);
	assert_string_equal(modes[0].name, "1280x720");
	assert_int_equal(modes[0].type, PREFERRED);
	assert_int_equal(modes[1].type, DRM_MODE_TYPE_DRIVER);
}

static void a_shape_makes_a_mode_of_its_own(void **state)
{
	uint8_t edid[2 * BLOCK];
	int num;

	(void)state;
	make_base(edid);
	memcpy(edid + 54, dtd_720p, 18);
	make_cta(edid + BLOCK, (const uint8_t[]){ 0x44, 4, 69, 2, 3 }, 5);
	num = read_blocks(edid, 2);
	check_list(num);
	/* At 60 Hz only, as nobody said 59.94 without a shape. */
	check_count(num, "1280x720", 0, 1);
	check_count(num, "1280x720", DRM_MODE_FLAG_PIC_AR_16_9, 2);
	check_count(num, "1280x720", DRM_MODE_FLAG_PIC_AR_64_27, 2);
	check_count(num, "720x480", DRM_MODE_FLAG_PIC_AR_4_3, 2);
	check_count(num, "720x480", DRM_MODE_FLAG_PIC_AR_16_9, 2);
	assert_int_equal(num, 9);
}

static void shapes_are_those_of_cta_861(void **state)
{
	static const struct {
		uint8_t vic;
		uint32_t flags;
	} shapes[] = {
		{ 1, DRM_MODE_FLAG_PIC_AR_4_3 },
		{ 5, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 35, DRM_MODE_FLAG_PIC_AR_4_3 },
		{ 36, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 59, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 64, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 92, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 97, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 102, DRM_MODE_FLAG_PIC_AR_256_135 },
		{ 107, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 108, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 115, DRM_MODE_FLAG_PIC_AR_256_135 },
		{ 116, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 118, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 193, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 201, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 217, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 219, DRM_MODE_FLAG_PIC_AR_256_135 },
	};
	uint8_t edid[2 * BLOCK], data[2] = { 0x41 };

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		make_base(edid);
		data[1] = shapes[i].vic;
		make_cta(edid + BLOCK, data, 2);
		assert_true(read_blocks(edid, 2) >= 1);
		assert_int_equal(modes[0].flags & DRM_MODE_FLAG_PIC_AR_MASK,
				 shapes[i].flags);
	}
}

static void codes_for_half_the_colours_are_modes(void **state)
{
	/* 4:2:0 alone: 3840x2160 at 60 Hz; then a map of those that may be, too. */
	static const uint8_t data[] = { 0xe2, 0x0e, 97, 0xe2, 0x0f, 0x01 };
	uint8_t edid[2 * BLOCK];

	(void)state;
	make_base(edid);
	make_cta(edid + BLOCK, data, sizeof(data));
	assert_int_equal(read_blocks(edid, 2), 2);
	assert_string_equal(modes[0].name, "3840x2160");
	assert_int_equal(modes[0].clock, 594000);
	/* A block without a tag. */
	make_cta(edid + BLOCK, (const uint8_t[]){ 0xe0 }, 1);
	assert_int_equal(read_blocks(edid, 2), 0);
}

#define FRAMES (DRM_MODE_FLAG_3D_FRAME_PACKING | DRM_MODE_FLAG_PIC_AR_16_9)
#define TOP_BOTTOM (DRM_MODE_FLAG_3D_TOP_AND_BOTTOM | DRM_MODE_FLAG_PIC_AR_16_9)
#define SIDES (DRM_MODE_FLAG_3D_SIDE_BY_SIDE_HALF | DRM_MODE_FLAG_PIC_AR_16_9)

static int read_stereo(const uint8_t *hdmi, size_t size)
{
	/* 1080p60, 1080p24, 720p60, 1080i60. */
	uint8_t edid[2 * BLOCK], data[64] = { 0x44, 16, 32, 4, 5 };

	make_base(edid);
	data[5] = 0x60 | size;
	memcpy(data + 6, hdmi, size);
	make_cta(edid + BLOCK, data, 6 + size);
	return read_blocks(edid, 2);
}

static void hdmi_has_stereo_that_all_must_show(void **state)
{
	uint8_t hdmi[10] = { 0x03, 0x0c, 0x00, 0x10, 0x00, 0x00, 0x3c,
			     0x20, 0x80, 0x00 };
	int num;

	(void)state;
	num = read_stereo(hdmi, sizeof(hdmi));
	check_list(num);
	check_count(num, "1920x1080", DRM_MODE_FLAG_PIC_AR_16_9, 4);
	/* At 24 and 23.976 Hz, at 60 and 59.94. */
	check_count(num, "1920x1080", FRAMES, 2);
	check_count(num, "1920x1080", TOP_BOTTOM, 2);
	check_count(num, "1280x720", FRAMES, 2);
	check_count(num, "1280x720", TOP_BOTTOM, 2);
	check_count(num, "1920x1080i", SIDES, 2);
	check_count(num, "1920x1080", SIDES, 0);
	assert_int_equal(num, 8 + 10);

	hdmi[8] = 0x00;
	assert_int_equal(read_stereo(hdmi, sizeof(hdmi)), 8);
	/* Without the byte that follows it is not read. */
	hdmi[8] = 0x80;
	assert_int_equal(read_stereo(hdmi, sizeof(hdmi) - 1), 8);
}

static void hdmi_has_stereo_for_some_codes(void **state)
{
	/* All ways of the first and the third code; then ways of the second. */
	uint8_t hdmi[17] = { 0x03, 0x0c, 0x00, 0x10, 0x00, 0x00, 0x3c, 0x20,
			     0xc0, 0x07, 0x01, 0x41, 0x00, 0x05,
			     0x18, 0x10, 0x10 };
	int num;

	(void)state;
	num = read_stereo(hdmi, sizeof(hdmi));
	check_list(num);
	/* 1080p60 in all ways, and 1080p24 in all, two of which it has anyway. */
	check_count(num, "1920x1080", FRAMES, 4);
	check_count(num, "1920x1080", TOP_BOTTOM, 4);
	check_count(num, "1920x1080", SIDES, 4);
	check_count(num, "1280x720", SIDES, 2);

	/* Halves that are subsampled otherwise are no mode. */
	hdmi[15] = 0x20;
	num = read_stereo(hdmi, sizeof(hdmi));
	check_count(num, "1920x1080", SIDES, 2);
	/* The block is shorter than it says, or the list than what is in it. */
	assert_int_equal(read_stereo(hdmi, sizeof(hdmi) - 1), 18);
	hdmi[9] = 0x03;
	assert_int_equal(read_stereo(hdmi, sizeof(hdmi)), 18);
}

static void a_data_block_does_not_reach_into_what_follows(void **state)
{
	uint8_t edid[2 * BLOCK];

	(void)state;
	make_base(edid);
	make_cta(edid + BLOCK, (const uint8_t[]){ 0x41, 16, 0x42, 4 }, 4);
	/* The second claims one byte more than there is. */
	assert_int_equal(read_blocks(edid, 2), 2);
	assert_string_equal(modes[0].name, "1920x1080");
}

static void an_extension_with_a_wrong_checksum_is_left_out(void **state)
{
	uint8_t edid[2 * BLOCK];

	(void)state;
	memcpy(edid, qemu, sizeof(edid));
	edid[2 * BLOCK - 1]++;
	assert_int_equal(hf_edid_modes(edid, sizeof(edid), modes, MAX_MODES,
				       &width_mm, &height_mm), 18);
}

static void the_real_number_of_extensions_may_be_in_the_first(void **state)
{
	static const uint8_t eeodb[] = { 0xe2, 0x78, 0x02 };
	uint8_t edid[3 * BLOCK];

	(void)state;
	make_base(edid);
	make_cta(edid + BLOCK, eeodb, sizeof(eeodb));
	memcpy(edid + 2 * BLOCK, qemu_5k, BLOCK);
	read_blocks(edid, 3);
	edid[126] = 1;
	fix(edid);
	assert_int_equal(hf_edid_modes(edid, sizeof(edid), modes, MAX_MODES,
				       &width_mm, &height_mm), 1);
	/* Without it, the base counts. */
	edid[BLOCK + 5] = 0x79;
	fix(edid + BLOCK);
	assert_int_equal(hf_edid_modes(edid, sizeof(edid), modes, MAX_MODES,
				       &width_mm, &height_mm), 0);
}

static void the_size_is_that_which_two_places_agree_on(void **state)
{
	uint8_t edid[BLOCK];

	(void)state;
	make_base(edid);
	memcpy(edid + 54, dtd_720p, 18);
	edid[21] = 52;
	edid[22] = 29;
	read_blocks(edid, 1);
	assert_int_equal(width_mm, 520);
	assert_int_equal(height_mm, 290);
	/* 521 by 293. */
	edid[54 + 12] = 0x09;
	edid[54 + 13] = 0x25;
	edid[54 + 14] = 0x21;
	read_blocks(edid, 1);
	assert_int_equal(width_mm, 521);
	assert_int_equal(height_mm, 293);
	/* A shape, not a size. */
	edid[22] = 0;
	read_blocks(edid, 1);
	assert_int_equal(width_mm, 0);
	assert_int_equal(height_mm, 0);
}

static void what_is_no_edid_is_refused(void **state)
{
	static const size_t sizes[] = { 0, 1, 127, 129, 255, 257 };
	static const uint8_t places[] = { 0, 1, 7, 18, 19, 60, 127 };
	uint8_t edid[3 * BLOCK] = { 0 };

	(void)state;
	memcpy(edid, qemu, sizeof(qemu));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(hf_edid_modes(edid, sizes[i], modes, MAX_MODES,
					       &width_mm, &height_mm), -EINVAL);
	for (size_t i = 0; i < sizeof(places); i++) {
		edid[places[i]]++;
		assert_int_equal(hf_edid_modes(edid, sizeof(qemu), modes,
					       MAX_MODES, &width_mm, &height_mm),
				 -EINVAL);
		edid[places[i]]--;
	}
	/* No other version has this layout. */
	edid[18] = 2;
	fix(edid);
	assert_int_equal(hf_edid_modes(edid, sizeof(qemu), modes, MAX_MODES,
				       &width_mm, &height_mm), -EINVAL);
}

static void what_does_not_fit_is_the_end_of_the_list(void **state)
{
	struct drm_mode_modeinfo all[MAX_MODES];
	int num = hf_edid_modes(qemu, sizeof(qemu), all, MAX_MODES, &width_mm,
				&height_mm);

	(void)state;
	for (int max = 0; max <= num; max++) {
		memset(modes, 0xa5, sizeof(modes));
		assert_int_equal(hf_edid_modes(qemu, sizeof(qemu), modes, max,
					       &width_mm, &height_mm), max);
		assert_memory_equal(modes, all, max * sizeof(all[0]));
		assert_int_equal(modes[max].clock, 0xa5a5a5a5);
	}
}

/* A xorshift: the same bytes in every run. */
static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void fix_section(uint8_t *block)
{
	unsigned int end = 5 + block[2];
	uint8_t sum = 0;

	if (end > 126)
		return;
	for (unsigned int i = 1; i < end; i++)
		sum += block[i];
	block[end] = -sum;
}

static void spoil(uint8_t *edid, size_t size, uint32_t *seed)
{
	unsigned int times = next(seed) % 64;

	while (times--)
		edid[8 + next(seed) % (size - 8)] = next(seed);
	edid[18] = 1;
}

/* On the heap, of exactly its size, so that the sanitizer sees every step too far. */
static int read_copy(const uint8_t *edid, size_t size, unsigned int max)
{
	uint8_t *copy = malloc(size);
	int num;

	assert_non_null(copy);
	memcpy(copy, edid, size);
	num = hf_edid_modes(copy, size, modes, max, &width_mm, &height_mm);
	assert_in_range(num, 0, max);
	check_list(num);
	free(copy);
	return num;
}

static void spoilt_edids_give_valid_modes_or_none(void **state)
{
	uint32_t seed = 0x600df00d, sum = 0;

	(void)state;
	for (unsigned int run = 0; run < 4000; run++) {
		uint8_t edid[4 * BLOCK];

		memcpy(edid, qemu, sizeof(qemu));
		memcpy(edid + 2 * BLOCK, qemu_5k, BLOCK);
		memcpy(edid + 3 * BLOCK, qemu + BLOCK, BLOCK);
		spoil(edid, sizeof(edid), &seed);
		edid[126] = 3;
		for (int i = 0; i < 4; i++) {
			fix_section(edid + 2 * BLOCK);
			fix(edid + i * BLOCK);
		}
		sum += read_copy(edid, sizeof(edid), next(&seed) % MAX_MODES);
	}
	/* Most of what was there still is. */
	assert_in_range(sum, 4000 * 10, UINT32_MAX);
}

static void random_bytes_give_valid_modes_or_none(void **state)
{
	static const uint8_t tags[] = { 0xf7, 0xf8, 0xfa, 0xfd };
	uint32_t seed = 1, sum = 0;

	(void)state;
	for (unsigned int run = 0; run < 4000; run++) {
		uint8_t edid[3 * BLOCK];

		for (size_t i = 8; i < sizeof(edid); i++)
			edid[i] = next(&seed);
		memcpy(edid, qemu, 8);
		edid[18] = 1;
		edid[19] = run % 5;
		for (unsigned int i = run % 5; i < 4; i++) {
			memset(edid + 54 + i * 18, 0, 3);
			edid[54 + i * 18 + 3] = tags[next(&seed) % 4];
		}
		edid[126] = 2;
		edid[BLOCK] = 0x02;
		edid[2 * BLOCK] = 0x70;
		edid[2 * BLOCK + 2] %= 122;
		/* A first data block that is one of timings. */
		edid[2 * BLOCK + 5] = run % 2 ? 0x03 : 0x22;
		fix_section(edid + 2 * BLOCK);
		for (int i = 0; i < 3; i++)
			fix(edid + i * BLOCK);
		sum += read_copy(edid, sizeof(edid), MAX_MODES);
	}
	assert_in_range(sum, 4000 * 10, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read_again),
		cmocka_unit_test(every_mode_that_is_built_is_one_of_the_monitor),
		cmocka_unit_test(qemu_is_read_as_edid_decode_does),
		cmocka_unit_test(without_a_television_extension_there_are_no_television_modes),
		cmocka_unit_test(a_displayid_mode_may_be_the_preferred_one),
		cmocka_unit_test(a_displayid_section_that_is_not_whole_is_left_out),
		cmocka_unit_test(the_first_detailed_timing_is_preferred_from_1_4_on),
		cmocka_unit_test(a_detailed_timing_is_read_to_the_bit),
		cmocka_unit_test(a_detailed_timing_that_makes_no_sense_is_left_out),
		cmocka_unit_test(a_sync_pulse_that_is_too_long_is_cut),
		cmocka_unit_test(composite_sync_has_its_flags),
		cmocka_unit_test(fields_of_a_television_become_frames),
		cmocka_unit_test(a_clock_that_was_rounded_is_exact_again),
		cmocka_unit_test(established_timings_are_those_of_the_table),
		cmocka_unit_test(established_timings_iii_are_those_of_dmt),
		cmocka_unit_test(standard_timings_are_dmt_by_shape_and_rate),
		cmocka_unit_test(the_first_shape_was_a_square_once),
		cmocka_unit_test(a_standard_timing_gives_way_to_a_detailed_one),
		cmocka_unit_test(what_is_no_dmt_follows_the_formula_that_the_monitor_names),
		cmocka_unit_test(a_continuous_range_has_modes_that_are_not_listed),
		cmocka_unit_test(limits_beyond_255_are_those_of_1_4),
		cmocka_unit_test(a_formula_has_the_sizes_that_are_common),
		cmocka_unit_test(reduced_blanking_is_for_who_can_show_it),
		cmocka_unit_test(cvt_codes_make_cvt_timings),
		cmocka_unit_test(video_codes_are_those_of_cta_861),
		cmocka_unit_test(every_video_code_has_its_mode),
		cmocka_unit_test(hdmi_has_numbers_of_its_own_for_4k),
		cmocka_unit_test(detailed_timings_of_an_extension_begin_where_it_says),
		cmocka_unit_test(a_mode_that_is_listed_twice_stays_preferred),
		cmocka_unit_test(a_shape_makes_a_mode_of_its_own),
		cmocka_unit_test(shapes_are_those_of_cta_861),
		cmocka_unit_test(codes_for_half_the_colours_are_modes),
		cmocka_unit_test(hdmi_has_stereo_that_all_must_show),
		cmocka_unit_test(hdmi_has_stereo_for_some_codes),
		cmocka_unit_test(a_data_block_does_not_reach_into_what_follows),
		cmocka_unit_test(an_extension_with_a_wrong_checksum_is_left_out),
		cmocka_unit_test(the_real_number_of_extensions_may_be_in_the_first),
		cmocka_unit_test(the_size_is_that_which_two_places_agree_on),
		cmocka_unit_test(what_is_no_edid_is_refused),
		cmocka_unit_test(what_does_not_fit_is_the_end_of_the_list),
		cmocka_unit_test(spoilt_edids_give_valid_modes_or_none),
		cmocka_unit_test(random_bytes_give_valid_modes_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
