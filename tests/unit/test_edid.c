/* SPDX-License-Identifier: MIT */
/*
 * EDID: the blocks as edid-decode judges them, where it is installed, and as a
 * parser written here from the standard reads them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "kms/edid.h"
#include "kms/mode.h"

static const struct {
	unsigned int width, height;
	double hz;
} sizes[] = {
	{ 1920, 1080, 60 }, { 800, 600, 60 }, { 3840, 2160, 60 },
	{ 2560, 1440, 144 }, { 1366, 768, 60 }, { 5120, 2880, 60 },
	{ 7680, 4320, 60 }, { 640, 480, 75 }, { 1080, 1920, 60 },
	{ 1920, 1080, 59.94 }, { 1920, 1080, 360 }, { 3440, 1440, 100 },
	{ 4096, 2160, 60 }, { 123, 77, 1000 }, { 16, 16, 1 },
	{ 16384, 16, 60 }, { 16, 16384, 60 }, { 4095, 4095, 24 },
};
#define NUM_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static struct hf_edid_monitor monitor_of(size_t i)
{
	struct hf_edid_monitor monitor = {
		.vendor = "HFT", .product = 0x1234, .serial = 42,
		.name = "Holdfast", .width_mm = 597, .height_mm = 336,
	};

	assert_int_equal(hf_mode_make(&monitor.native, sizes[i].width,
				      sizes[i].height, sizes[i].hz), 0);
	return monitor;
}

static int build(const struct hf_edid_monitor *monitor, uint8_t edid[HF_EDID_MAX])
{
	int size;

	memset(edid, 0xa5, HF_EDID_MAX);
	size = hf_edid_build(monitor, edid);
	assert_true(size == 128 || size == 256 || size == 384);
	for (int i = 0; i < size; i += 128) {
		uint8_t sum = 0;

		for (int j = 0; j < 128; j++)
			sum += edid[i + j];
		assert_int_equal(sum, 0);
	}
	assert_int_equal(edid[126], size / 128 - 1);
	return size;
}

static unsigned int le16(const uint8_t *b)
{
	return b[0] | b[1] << 8;
}

static struct drm_mode_modeinfo finish_mode(struct drm_mode_modeinfo mode,
					    unsigned int h[3], unsigned int v[3],
					    bool hpositive, bool vpositive)
{
	mode.hsync_start = mode.hdisplay + h[1];
	mode.hsync_end = mode.hsync_start + h[2];
	mode.htotal = mode.hdisplay + h[0];
	mode.vsync_start = mode.vdisplay + v[1];
	mode.vsync_end = mode.vsync_start + v[2];
	mode.vtotal = mode.vdisplay + v[0];
	mode.flags = (hpositive ? DRM_MODE_FLAG_PHSYNC : DRM_MODE_FLAG_NHSYNC) |
		     (vpositive ? DRM_MODE_FLAG_PVSYNC : DRM_MODE_FLAG_NVSYNC);
	return mode;
}

static struct drm_mode_modeinfo parse_detailed(const uint8_t *d)
{
	unsigned int h[3] = { d[3] | (d[4] & 15) << 8, d[8] | (d[11] >> 6) << 8,
			      d[9] | (d[11] >> 4 & 3) << 8 };
	unsigned int v[3] = { d[6] | (d[7] & 15) << 8,
			      d[10] >> 4 | (d[11] >> 2 & 3) << 4,
			      (d[10] & 15) | (d[11] & 3) << 4 };
	struct drm_mode_modeinfo mode = {
		.clock = le16(d) * 10,
		.hdisplay = d[2] | (d[4] >> 4) << 8,
		.vdisplay = d[5] | (d[7] >> 4) << 8,
	};

	/* Progressive, no stereo, digital separate sync. */
	assert_int_equal(d[17] & ~6, 0x18);
	return finish_mode(mode, h, v, d[17] & 2, d[17] & 4);
}

/* Walk the data blocks of the section to the first type I timing. */
static struct drm_mode_modeinfo parse_displayid(const uint8_t *block)
{
	const uint8_t *end = block + 5 + block[2], *b = block + 5;
	uint8_t sum = 0;

	assert_int_equal(block[0], 0x70);
	for (const uint8_t *p = block + 1; p <= end; p++)
		sum += *p;
	assert_int_equal(sum, 0);
	while (b[0] != 3 && b < end)
		b += 3 + b[2];
	assert_true(b + 23 <= end);
	assert_int_equal(b[2], 20);
	b += 3;
	/* Preferred, progressive, no stereo. */
	assert_int_equal(b[3] & 0xf0, 0x80);

	unsigned int h[3] = { le16(b + 6) + 1, (le16(b + 8) & 0x7fff) + 1,
			      le16(b + 10) + 1 };
	unsigned int v[3] = { le16(b + 14) + 1, (le16(b + 16) & 0x7fff) + 1,
			      le16(b + 18) + 1 };
	struct drm_mode_modeinfo mode = {
		.clock = ((le16(b) | b[2] << 16) + 1) * 10,
		.hdisplay = le16(b + 4) + 1,
		.vdisplay = le16(b + 12) + 1,
	};

	return finish_mode(mode, h, v, b[9] & 0x80, b[17] & 0x80);
}

static void the_native_mode_comes_back_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_SIZES; i++) {
		struct hf_edid_monitor monitor = monitor_of(i);
		struct drm_mode_modeinfo first, mode;
		uint8_t edid[HF_EDID_MAX];
		int size = build(&monitor, edid);

		first = mode = parse_detailed(edid + 54);
		assert_int_equal(hf_mode_check(&first), 0);
		if (size == 256)
			mode = parse_displayid(edid + 128);
		if (!hf_mode_equal(&mode, &monitor.native))
			fail_msg("%ux%u@%g changed", sizes[i].width,
				 sizes[i].height, sizes[i].hz);
		/* EDID 1.4, 3.6.4: the first timing is the native one. */
		assert_int_equal(!!(edid[24] & 2), size == 128);
	}
}

static void only_what_does_not_fit_needs_an_extension(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_SIZES; i++) {
		struct hf_edid_monitor monitor = monitor_of(i);
		const struct drm_mode_modeinfo *mode = &monitor.native;
		uint8_t edid[HF_EDID_MAX];
		bool large = mode->clock > 655350 || mode->hdisplay > 4095 ||
			     mode->vdisplay > 4095 ||
			     mode->htotal - mode->hdisplay > 4095 ||
			     mode->vtotal - mode->vdisplay > 4095;

		assert_int_equal(build(&monitor, edid), large ? 256 : 128);
	}
}

static void every_mode_that_is_made_has_an_edid(void **state)
{
	static const unsigned int lengths[] = { 16, 24, 40, 57, 64, 100, 200, 333,
						1000, 2001, 5000, 16384 };
	static const double rates[] = { 1, 10, 60, 143.9, 300, 600 };
	struct hf_edid_monitor monitor = monitor_of(0);
	uint8_t edid[HF_EDID_MAX];

	(void)state;
	for (size_t i = 0; i < 12 * 12 * 6; i++) {
		unsigned int width = lengths[i % 12], height = lengths[i / 12 % 12];

		assert_int_equal(hf_mode_make(&monitor.native, width, height,
					      rates[i / 144]), 0);
		if (monitor.native.clock > 167000000)
			continue;
		if (hf_edid_build(&monitor, edid) < 128)
			fail_msg("%ux%u@%g has none", width, height, rates[i / 144]);
	}
}

static void vga_is_off_by_no_more_than_a_rounded_clock(void **state)
{
	struct hf_edid_monitor monitor = monitor_of(0);
	struct drm_mode_modeinfo mode;
	uint8_t edid[HF_EDID_MAX];

	(void)state;
	assert_int_equal(hf_mode_make(&monitor.native, 640, 480, 60), 0);
	assert_int_equal(build(&monitor, edid), 128);
	mode = parse_detailed(edid + 54);
	assert_int_equal(mode.clock, 25180);
	mode.clock = 25175;
	assert_true(hf_mode_equal(&mode, &monitor.native));
}

static const uint8_t *find_descriptor(const uint8_t *edid, uint8_t tag)
{
	for (int i = 54; i < 126; i += 18)
		if (!edid[i] && !edid[i + 1] && edid[i + 3] == tag)
			return edid + i;
	return NULL;
}

static void identity_is_where_the_standard_has_it(void **state)
{
	struct hf_edid_monitor monitor = monitor_of(0);
	uint8_t edid[HF_EDID_MAX];

	(void)state;
	build(&monitor, edid);
	assert_memory_equal(edid, "\0\377\377\377\377\377\377\0", 8);
	/* H, F, T are the letters 8, 6, 20. */
	assert_int_equal(edid[8] << 8 | edid[9], 8 << 10 | 6 << 5 | 20);
	assert_int_equal(le16(edid + 10), 0x1234);
	assert_int_equal(le16(edid + 12), 42);
	assert_int_equal(edid[18] << 8 | edid[19], 0x0104);
	assert_int_equal(edid[21], 60);
	assert_int_equal(edid[22], 34);
	assert_memory_equal(find_descriptor(edid, 0xfc) + 5, "Holdfast\n    ", 13);
	assert_memory_equal(find_descriptor(edid, 0xff) + 5, "HF00000042\n  ", 13);

	monitor.name = "Thirteen long";
	monitor.serial = UINT32_MAX;
	build(&monitor, edid);
	assert_memory_equal(find_descriptor(edid, 0xfc) + 5, "Thirteen long", 13);
	assert_memory_equal(find_descriptor(edid, 0xff) + 5, "HF4294967295\n", 13);

	monitor.serial = 0;
	build(&monitor, edid);
	assert_null(find_descriptor(edid, 0xff));
}

static void an_unknown_size_is_zero_everywhere(void **state)
{
	static const uint16_t widths[] = { 0, 0, 500, 2551, 500 };
	static const uint16_t heights[] = { 0, 300, 0, 300, UINT16_MAX };
	struct hf_edid_monitor monitor = monitor_of(0);
	uint8_t edid[HF_EDID_MAX];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		monitor.width_mm = widths[i];
		monitor.height_mm = heights[i];
		build(&monitor, edid);
		assert_int_equal(edid[21] | edid[22], 0);
		assert_int_equal(edid[66] | edid[67] | edid[68], 0);
	}
}

static void the_same_monitor_has_the_same_bytes(void **state)
{
	struct hf_edid_monitor monitor = monitor_of(5);
	uint8_t a[HF_EDID_MAX], b[HF_EDID_MAX];

	(void)state;
	assert_int_equal(build(&monitor, a), 256);
	assert_int_equal(build(&monitor, b), 256);
	assert_memory_equal(a, b, 256);
}

#define assert_refused(field, value) do { \
	struct hf_edid_monitor bad = monitor_of(0); \
	uint8_t bytes[HF_EDID_MAX]; \
	bad.field = value; \
	assert_int_equal(hf_edid_build(&bad, bytes), -EINVAL); \
} while (0)

static void impossible_monitors_are_refused(void **state)
{
	(void)state;
	assert_refused(vendor[1], 'f');
	assert_refused(vendor[2], 0);
	assert_refused(vendor[3], 'X');
	assert_refused(name, NULL);
	assert_refused(name, "");
	assert_refused(name, "Fourteen chars");
	assert_refused(name, "a\nb");
	assert_refused(native.clock, 0);
	assert_refused(native.htotal, 0);
	assert_refused(native.flags, DRM_MODE_FLAG_INTERLACE);
	assert_refused(native.flags, DRM_MODE_FLAG_DBLSCAN);
	assert_refused(native.clock, 0x7fffffff);
	assert_refused(native.hsync_end, 2008);
	assert_refused(native.vsync_start, 1080);
}

static struct drm_mode_modeinfo extra[3];

/* Everything that can be said, in all combinations, for some of the sizes. */
static struct hf_edid_monitor monitor_with(size_t size, unsigned int bits)
{
	static const size_t some[] = { 0, 1, 2, 3, 5, 6, 7, 10, 11, 12 };
	struct hf_edid_monitor monitor = monitor_of(some[size % 10]);

	monitor.hdr = bits & 1;
	monitor.non_desktop = bits & 2;
	monitor.hdmi = bits & 4;
	monitor.min_hz = bits & 8 ? 48 : 0;
	if (bits & 16)
		monitor.tile = (struct hf_edid_tile){
			.columns = 2, .rows = 1, .column = 1,
			.width = monitor.native.hdisplay,
			.height = monitor.native.vdisplay,
			.single = true, .topology = "HFT1234",
		};
	if (bits & 32) {
		assert_int_equal(hf_mode_make(&extra[0], 1280, 720, 50), 0);
		assert_int_equal(hf_mode_make(&extra[1], 1000, 700, 61), 0);
		/* Of these two a detailed timing holds neither. */
		assert_int_equal(hf_mode_make(&extra[2], 7680, 4320, 30), 0);
		monitor.extra = extra;
		monitor.num_extra = 3;
	}
	return monitor;
}
#define NUM_WITH (10 * 64)

static void what_is_said_is_read_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_WITH; i++) {
		struct hf_edid_monitor monitor = monitor_with(i / 64, i % 64);
		struct drm_mode_modeinfo modes[256];
		struct hf_edid_info info;
		uint8_t edid[HF_EDID_MAX];
		uint32_t width, height;
		int size = build(&monitor, edid), n, found = 0;

		hf_edid_info(edid, size, &info);
		assert_int_equal(info.non_desktop, monitor.non_desktop);
		assert_memory_equal(&info.tile, &monitor.tile,
				    sizeof(info.tile));
		n = hf_edid_modes(edid, size, modes, 256, &width, &height);
		assert_true(n > 0);
		for (int j = 0; j < n; j++)
			for (size_t k = 0; k < 2; k++)
				found += hf_mode_equal(&modes[j], &extra[k]);
		if (monitor.num_extra)
			assert_int_equal(found, 2);
		assert_true(modes[0].type & DRM_MODE_TYPE_PREFERRED);
		modes[0].clock = monitor.native.clock;
		assert_true(hf_mode_equal(&modes[0], &monitor.native));
	}
}

static void a_tile_is_any_of_4096(void **state)
{
	struct hf_edid_monitor monitor = monitor_of(0);
	struct hf_edid_info info;
	uint8_t edid[HF_EDID_MAX];

	(void)state;
	for (unsigned int i = 0; i < 4096; i++) {
		monitor.tile = (struct hf_edid_tile){
			.columns = 1 + i % 64,
			.rows = 1 + i / 64,
			.column = (i * 7) % (1 + i % 64),
			.row = (i * 5) % (1 + i / 64),
			.width = 1 + i * 16,
			.height = 65536 - i,
			.single = i & 1,
			.topology = { i, i >> 8, 3, 4, 5, 6, 7, 255 },
		};
		hf_edid_info(edid, build(&monitor, edid), &info);
		assert_memory_equal(&info.tile, &monitor.tile,
				    sizeof(info.tile));
	}
}

static void what_is_no_edid_says_nothing(void **state)
{
	struct hf_edid_monitor monitor = monitor_with(0, 63);
	struct hf_edid_info info;
	uint8_t edid[HF_EDID_MAX];
	int size = build(&monitor, edid);

	(void)state;
	/* One byte too few, and then a byte of each block that is wrong. */
	hf_edid_info(edid, size - 1, &info);
	assert_false(info.non_desktop || info.tile.columns);
	for (int block = 0; block < size / 128; block++) {
		edid[block * 128 + 100]++;
		hf_edid_info(edid, size, &info);
		assert_int_equal(info.non_desktop, block == 2);
		assert_int_equal(info.tile.columns, block == 1 ? 2 : 0);
		edid[block * 128 + 100]--;
	}
}

/* Where a data block of CTA-861 begins, by its tag and first byte; or NULL. */
static const uint8_t *find_block(const uint8_t *edid, int size, uint8_t tag,
				 uint8_t first)
{
	const uint8_t *b = edid + 128 + 4, *end = edid + 128 + edid[128 + 2];

	if (size < 256 || edid[128] != 0x02)
		return NULL;
	for (; b < end; b += 1 + (b[0] & 0x1f))
		if (b[0] >> 5 == tag && b[1] == first)
			return b;
	return NULL;
}

static void hdr_is_said_as_cta_861_says_it(void **state)
{
	struct hf_edid_monitor monitor = monitor_with(0, 1);
	uint8_t edid[HF_EDID_MAX];
	const uint8_t *block;
	int size = build(&monitor, edid);

	(void)state;
	block = find_block(edid, size, 7, 6);
	assert_non_null(block);
	/* SDR, PQ and HLG; static metadata type 1. */
	assert_memory_equal(block, "\xe6\x06\x0d\x01", 4);
	assert_non_null(find_block(edid, size, 7, 5));
	monitor.hdr = false;
	assert_int_equal(build(&monitor, edid), 128);
}

static void a_variable_rate_is_a_range(void **state)
{
	struct hf_edid_monitor monitor = monitor_of(0);
	const uint8_t *range;
	uint8_t edid[HF_EDID_MAX];

	(void)state;
	build(&monitor, edid);
	assert_int_equal(edid[24] & 1, 0);
	monitor.min_hz = 40;
	build(&monitor, edid);
	assert_int_equal(edid[24] & 1, 1);
	range = find_descriptor(edid, 0xfd);
	assert_int_equal(range[5], 40);
	assert_true(range[6] >= 60);
}

static void hdmi_is_said_where_edid_1_3_can_say_the_rest(void **state)
{
	struct hf_edid_monitor monitor = monitor_with(0, 1 | 4);
	uint8_t edid[HF_EDID_MAX];
	int size = build(&monitor, edid);

	(void)state;
	assert_int_equal(edid[19], 3);
	assert_memory_equal(find_block(edid, size, 3, 0x03), "\x67\x03\x0c\x00", 4);
	/* 4K at 60 Hz takes what HDMI 2.0 has. */
	monitor = monitor_with(2, 1 | 4);
	size = build(&monitor, edid);
	assert_memory_equal(find_block(edid, size, 3, 0xd8),
			    "\x67\xd8\x5d\xc4\x01\x77", 6);
	monitor.min_hz = 48;
	size = build(&monitor, edid);
	assert_int_equal(edid[19], 4);
	assert_null(find_block(edid, size, 3, 0x03));
}

static bool have_edid_decode(void)
{
	return system("edid-decode --version >/dev/null 2>&1") == 0;
}

/* DisplayID 1.x has a PNP id where edid-decode looks for an OUI that it knows. */
static bool harmless(const char *line)
{
	return strstr(line, "(possible PNP HFT)") ||
	       /* Programs look for it in both places. */
	       strstr(line, "Display Product Serial Number is set");
}

/* Read what is said after the dump: no failure, no warning that counts. */
static void judge(const char *path, const char *what)
{
	char command[128], line[256];
	bool pass = false, warned = false;
	FILE *pipe;

	snprintf(command, sizeof(command), "edid-decode --check '%s' 2>&1", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		if (!strncmp(line, "EDID conformity: PASS", 21))
			pass = true;
		if (!strncmp(line, "Warnings:", 9))
			warned = true;
		/* Below that heading, the warnings themselves are indented. */
		if (warned && line[0] == ' ' && !harmless(line))
			fail_msg("%s: %s", what, line);
	}
	pclose(pipe);
	if (!pass)
		fail_msg("%s does not conform", what);
}

static void judge_monitor(const struct hf_edid_monitor *monitor, size_t i)
{
	int fd = memfd_create("edid", MFD_CLOEXEC);
	uint8_t edid[HF_EDID_MAX];
	int size = build(monitor, edid);
	char path[64], what[64];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, edid, size), size);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	snprintf(what, sizeof(what), "%s (%zu)", monitor->native.name, i);
	judge(path, what);
	close(fd);
}

static void edid_decode_finds_no_fault(void **state)
{
	(void)state;
	if (!have_edid_decode()) {
		print_message("edid-decode is not installed\n");
		skip();
	}
	for (size_t i = 0; i < NUM_SIZES; i++) {
		struct hf_edid_monitor monitor = monitor_of(i);

		judge_monitor(&monitor, i);
	}
}

/* A process each: every attribute alone, all others, and all together. */
static void edid_decode_finds_no_fault_with_any_attribute(void **state)
{
	(void)state;
	if (!have_edid_decode()) {
		print_message("edid-decode is not installed\n");
		skip();
	}
	for (size_t i = 0; i < 10 * 14; i++) {
		unsigned int bit = i % 14;
		unsigned int bits = bit < 6 ? 1u << bit :
				    bit < 12 ? 63 & ~(1u << (bit - 6)) :
				    bit == 12 ? 63 : 1 | 4 | 32;
		struct hf_edid_monitor monitor = monitor_with(i / 14, bits);

		judge_monitor(&monitor, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_native_mode_comes_back_exactly),
		cmocka_unit_test(only_what_does_not_fit_needs_an_extension),
		cmocka_unit_test(every_mode_that_is_made_has_an_edid),
		cmocka_unit_test(vga_is_off_by_no_more_than_a_rounded_clock),
		cmocka_unit_test(identity_is_where_the_standard_has_it),
		cmocka_unit_test(an_unknown_size_is_zero_everywhere),
		cmocka_unit_test(the_same_monitor_has_the_same_bytes),
		cmocka_unit_test(impossible_monitors_are_refused),
		cmocka_unit_test(what_is_said_is_read_again),
		cmocka_unit_test(a_tile_is_any_of_4096),
		cmocka_unit_test(what_is_no_edid_says_nothing),
		cmocka_unit_test(hdr_is_said_as_cta_861_says_it),
		cmocka_unit_test(a_variable_rate_is_a_range),
		cmocka_unit_test(hdmi_is_said_where_edid_1_3_can_say_the_rest),
		cmocka_unit_test(edid_decode_finds_no_fault),
		cmocka_unit_test(edid_decode_finds_no_fault_with_any_attribute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
