/* SPDX-License-Identifier: MIT */
/*
 * The words for a connector and its monitor: what is understood, and that everything
 * else is a sentence.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/output.h"
#include "kms/mode.h"

static char why[HF_OUTPUT_WHY];

static struct hf_kms_output parse(const char *text)
{
	struct hf_kms_output output;

	why[0] = 0;
	if (hf_output_parse(text, &output, why))
		fail_msg("%s: %s", text, why);
	assert_string_equal(why, "");
	return output;
}

static void check_sentence(const char *text)
{
	if (!why[0] || strlen(why) >= HF_OUTPUT_WHY || strpbrk(why, "\n\r\t\033"))
		fail_msg("%s: no sentence: %s", text, why);
}

static void refuse(const char *text)
{
	struct hf_kms_output output;

	memset(why, 0, sizeof(why));
	if (hf_output_parse(text, &output, why) != -EINVAL)
		fail_msg("%s was understood", text);
	check_sentence(text);
	assert_null(output.edid);
}

static void a_size_is_enough(void **state)
{
	struct hf_kms_output output = parse("1024x768");

	(void)state;
	assert_int_equal(output.width, 1024);
	assert_int_equal(output.height, 768);
	assert_true(output.hz == 60);
	assert_int_equal(output.type, 0);
	output = parse("800x600@74.9");
	assert_true(output.hz == 74.9);
}

static void what_is_no_size_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "abc", "0x0", "640", "640x", "x480", "640x480@", "640x480@0",
		"640x480@60.5.1", "640x480@60@60", "640x480junk", "640x480 ",
		" 640x480", "640x480@60 ", "640x480@-60", "640x480@1e3",
		"999999x999999", "16385x16", "640x480x3", "640x480@nan", "@60",
		"640x480@1001", "15x16",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refuse(texts[i]);
}

static void a_size_may_be_left_out(void **state)
{
	struct hf_kms_output output = parse("type=DP");

	(void)state;
	assert_int_equal(output.width, 1920);
	assert_int_equal(output.height, 1080);
	assert_int_equal(output.type, DRM_MODE_CONNECTOR_DisplayPort);
	output = parse("off");
	assert_int_equal(output.width, 0);
	output = parse("800x600,off,type=DSI");
	assert_int_equal(output.width, 0);
	assert_int_equal(output.type, DRM_MODE_CONNECTOR_DSI);
}

static void types_are_the_kernels_names(void **state)
{
	static const struct {
		const char *name;
		uint32_t type;
	} types[] = {
		{ "VGA", DRM_MODE_CONNECTOR_VGA },
		{ "DVI-I", DRM_MODE_CONNECTOR_DVII },
		{ "DVI-D", DRM_MODE_CONNECTOR_DVID },
		{ "DVI-A", DRM_MODE_CONNECTOR_DVIA },
		{ "Composite", DRM_MODE_CONNECTOR_Composite },
		{ "SVIDEO", DRM_MODE_CONNECTOR_SVIDEO },
		{ "LVDS", DRM_MODE_CONNECTOR_LVDS },
		{ "Component", DRM_MODE_CONNECTOR_Component },
		{ "DIN", DRM_MODE_CONNECTOR_9PinDIN },
		{ "DP", DRM_MODE_CONNECTOR_DisplayPort },
		{ "HDMI-A", DRM_MODE_CONNECTOR_HDMIA },
		{ "HDMI-B", DRM_MODE_CONNECTOR_HDMIB },
		{ "TV", DRM_MODE_CONNECTOR_TV },
		{ "eDP", DRM_MODE_CONNECTOR_eDP },
		{ "Virtual", DRM_MODE_CONNECTOR_VIRTUAL },
		{ "DSI", DRM_MODE_CONNECTOR_DSI },
		{ "DPI", DRM_MODE_CONNECTOR_DPI },
		{ "SPI", DRM_MODE_CONNECTOR_SPI },
		{ "USB", DRM_MODE_CONNECTOR_USB },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "64x64,type=%s", types[i].name);
		assert_int_equal(parse(text).type, types[i].type);
	}
	refuse("64x64,type=hdmi-a");
	refuse("64x64,type=");
	refuse("64x64,type=Writeback");
	refuse("64x64,type=Unknown");
}

static void every_attribute_says_what_it_is_for(void **state)
{
	struct hf_kms_output o = parse(
		"800x600@75,name=My Screen,vendor=ABC,product=65535,"
		"serial=4294967295,mm=300x200,hdr,vrr=48.5,non-desktop,"
		"tile=2x3+1+2:9,orientation=right-side-up,max-bpc=10,"
		"path=mst:4-1,subconnector=HDMI,type=DP,encoders=4,clone,"
		"modes=640x480@75+1000x700");

	(void)state;
	assert_string_equal(o.name, "My Screen");
	assert_string_equal(o.vendor, "ABC");
	assert_int_equal(o.product, 65535);
	assert_int_equal(o.serial, UINT32_MAX);
	assert_int_equal(o.width_mm, 300);
	assert_int_equal(o.height_mm, 200);
	assert_true(o.hdr && o.vrr && o.non_desktop && o.clone);
	assert_true(o.vrr_min_hz == 48.5);
	assert_int_equal(o.tile.columns, 2);
	assert_int_equal(o.tile.rows, 3);
	assert_int_equal(o.tile.column, 1);
	assert_int_equal(o.tile.row, 2);
	assert_true(o.has_orientation);
	assert_int_equal(o.orientation, 3);
	assert_int_equal(o.max_bpc, 10);
	assert_string_equal(o.path, "mst:4-1");
	assert_int_equal(o.subconnector, DRM_MODE_SUBCONNECTOR_HDMIA);
	assert_int_equal(o.encoders, 4);
	assert_int_equal(o.num_modes, 2);
	assert_int_equal(o.modes[0].width, 640);
	assert_true(o.modes[0].hz == 75);
	assert_int_equal(o.modes[1].height, 700);
	assert_true(o.modes[1].hz == 60);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const attributes[] = {
		"", ",", "frobnicate", "frobnicate=1", "=", "=1", "type", "off=1",
		"hdr=1", "clone=", "non-desktop=yes", "name", "name=",
		"name=fourteen chars", "name=\x01", "name=\xc3\xa4", "vendor=abc",
		"vendor=AB", "vendor=ABCD", "product=0", "product=65536",
		"product=-1", "product=+1", "product= 1", "product=0x10",
		"product=1.5", "serial=0", "serial=4294967296",
		"serial=99999999999999999999999", "mm=", "mm=300", "mm=300x",
		"mm=300x200x1", "mm=4x300", "mm=300x2551", "mm=-300x200", "vrr=",
		"vrr=0", "vrr=abc", "vrr=60", "vrr=61", "vrr=4.5.6",
		"orientation=sideways", "orientation", "tile=", "tile=1x1+0+0",
		"tile=2x1+2+0", "tile=2x1+0+1", "tile=0x2+0+0", "tile=65x1+0+0",
		"tile=2x1", "tile=2x1+0", "tile=2x1+0+0:", "tile=2x1+0+0:0",
		"tile=2x1+0+0:256", "tile=2x1+0+0:1:2", "tile=2x1+0+0+0",
		"max-bpc=7", "max-bpc=9", "max-bpc=18", "max-bpc=", "path=",
		"path=0123456789012345678901234567890123456789012345678901234567890123",
		"subconnector=VGA", "subconnector=Native", "subconnector=x",
		"type=DP,subconnector=DVI-A", "type=DVI-I,subconnector=HDMI",
		"encoders=0", "encoders=9", "encoders=x", "share=0", "share=17",
		"share", "share=1,encoders=2", "modes=", "modes=640x480+",
		"modes=+640x480", "modes=640x480,640x481", "modes=15x15",
		"modes=64x64+64x65+64x66+64x67+64x68+64x69+64x70+64x71+64x72",
		"hdr,type=VGA", "hdr,type=DSI", "hdr,hdr", "type=DP,type=DP",
		"name=a,name=b", "off,off", "edid=", "edid", "\n", "a\033b=\r",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "640x480,%s", attributes[i]);
		if (!strncmp(attributes[i], "edid=", 5)) {
			struct hf_kms_output output;

			assert_int_equal(hf_output_parse(text, &output, why),
					 -ENOENT);
			check_sentence(text);
		} else {
			refuse(text);
		}
	}
}

static void modes_may_be_said_twice(void **state)
{
	struct hf_kms_output output =
		parse("640x480,modes=64x64,off,modes=65x65+66x66");

	(void)state;
	assert_int_equal(output.num_modes, 3);
	assert_int_equal(output.modes[2].width, 66);
}

static void a_comma_can_be_part_of_a_value(void **state)
{
	(void)state;
	assert_string_equal(parse("64x64,name=a\\,b,hdr").name, "a,b");
	assert_string_equal(parse("64x64,name=a\\b").name, "a\\b");
	refuse("64x64,name=a,b");
}

/* -- files -------------------------------------------------------------------- */

static int write_edid(const uint8_t *bytes, size_t size, char text[96])
{
	int fd = memfd_create("edid", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	snprintf(text, 96, "type=DP,edid=/proc/%d/fd/%d", getpid(), fd);
	return fd;
}

static int make_edid(uint8_t edid[HF_EDID_MAX])
{
	struct hf_edid_monitor monitor = {
		.vendor = "HFT", .product = 7, .name = "Some", .hdr = true,
	};

	assert_int_equal(hf_mode_make(&monitor.native, 1280, 720, 50), 0);
	return hf_edid_build(&monitor, edid);
}

static void an_edid_is_believed(void **state)
{
	uint8_t edid[HF_EDID_MAX];
	struct hf_kms_output output;
	char text[96];
	int size = make_edid(edid), fd = write_edid(edid, size, text);

	(void)state;
	output = parse(text);
	assert_int_equal(output.edid_size, size);
	assert_memory_equal(output.edid, edid, size);
	assert_int_equal(output.width, 1280);
	assert_int_equal(output.height, 720);
	assert_true(output.hz == 50);
	hf_output_finish(&output);
	assert_null(output.edid);
	hf_output_finish(&output);
	close(fd);
}

static void a_file_that_is_no_edid_is_a_sentence(void **state)
{
	uint8_t edid[HF_EDID_MAX];
	char text[96];
	int size = make_edid(edid), fd;

	(void)state;
	for (int bytes = 0; bytes < size; bytes += 64) {
		fd = write_edid(edid, bytes, text);
		refuse(text);
		close(fd);
	}
	edid[20] ^= 1;
	fd = write_edid(edid, size, text);
	refuse(text);
	close(fd);
	/* It is one, but lists nothing. */
	memset(edid + 35, 0, 3);
	memset(edid + 38, 1, 16);
	memset(edid + 54, 0, 18);
	edid[57] = 0x10;
	edid[126] = edid[127] = 0;
	for (int i = 0; i < 127; i++)
		edid[127] -= edid[i];
	fd = write_edid(edid, 128, text);
	refuse(text);
	close(fd);
}

static void an_edid_says_itself_what_others_would_be_told(void **state)
{
	static const char *const others[] = {
		"name=a", "vendor=ABC", "product=1", "serial=1", "mm=30x30",
		"hdr", "tile=2x1+0+0", "modes=64x64",
	};
	uint8_t edid[HF_EDID_MAX];
	struct hf_kms_output output;
	char text[96], all[128];
	int fd = write_edid(edid, make_edid(edid), text);

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(all, sizeof(all), "%s,%s", text, others[i]);
		refuse(all);
		snprintf(all, sizeof(all), "%s,%s", others[i], text);
		refuse(all);
	}
	snprintf(all, sizeof(all), "800x600,%s,vrr,non-desktop,off", text);
	output = parse(all);
	assert_true(output.vrr && output.non_desktop && !output.width);
	hf_output_finish(&output);
	close(fd);
}

static void what_cannot_be_read_is_a_sentence(void **state)
{
	struct hf_kms_output output;

	(void)state;
	assert_int_equal(hf_output_parse("edid=/no/such/file", &output, why),
			 -ENOENT);
	check_sentence("edid=/no/such/file");
	assert_non_null(strstr(why, "/no/such/file"));
	assert_int_equal(hf_output_parse("edid=/", &output, why), -EISDIR);
	check_sentence("edid=/");
}

/* -- several ------------------------------------------------------------------ */

static int check(size_t n, const char *const *texts)
{
	struct hf_kms_output outputs[HF_KMS_MAX_CONNECTORS];

	for (size_t i = 0; i < n; i++)
		outputs[i] = parse(texts[i]);
	memset(why, 0, sizeof(why));
	return hf_outputs_check(outputs, n, why);
}

static void outputs_share_with_those_before_them(void **state)
{
	(void)state;
	assert_int_equal(check(2, (const char *[]){ "64x64", "64x64,share=1" }),
			 0);
	assert_int_equal(check(2, (const char *[]){ "64x64", "64x64,share=2" }),
			 -EINVAL);
	check_sentence("share");
	assert_int_equal(check(1, (const char *[]){ "64x64,share=1" }), -EINVAL);
}

static void there_are_so_many_encoders(void **state)
{
	(void)state;
	assert_int_equal(check(3, (const char *[]){ "64x64,encoders=8",
						    "64x64,encoders=8",
						    "64x64,share=1" }), 0);
	assert_int_equal(check(3, (const char *[]){ "64x64,encoders=8",
						    "64x64,encoders=8",
						    "64x64" }), -EINVAL);
	check_sentence("encoders");
}

static void the_help_has_every_attribute(void **state)
{
	char *text, word[32];
	size_t size;
	FILE *file = open_memstream(&text, &size);
	static const char *const names[] = {
		"type=", "off", "edid=", "name=", "vendor=", "product=", "serial=",
		"mm=", "modes=", "hdr", "vrr[=MIN]", "non-desktop", "tile=",
		"orientation=", "max-bpc=", "path=", "subconnector=", "encoders=",
		"share=", "clone",
	};

	(void)state;
	hf_output_help(file);
	fclose(file);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(word, sizeof(word), "    %s", names[i]);
		if (!strstr(text, word))
			fail_msg("no %s in the help", names[i]);
	}
	free(text);
}

/* Whatever is thrown at it: understood, or a sentence. */
static void garbage_is_a_sentence(void **state)
{
	static const char *const parts[] = {
		"640x480", ",", "=", "type", "DP", "vrr", "40", "modes", "+", "@",
		"tile", "2x1+0+0", ":", "\\", "\n", "off", "name", "x", "hdr",
		"encoders", "3", "share", "-1", "\xff", "mm", "300x200", ".", "path",
	};
	uint32_t seed = 1;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		struct hf_kms_output output;
		char text[256] = "";

		for (unsigned int n = 0; n < 1 + i % 12; n++) {
			seed = seed * 1664525 + 1013904223;
			strcat(text, parts[(seed >> 16) %
					   (sizeof(parts) / sizeof(parts[0]))]);
		}
		memset(why, 0, sizeof(why));
		if (hf_output_parse(text, &output, why))
			check_sentence(text);
		hf_output_finish(&output);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_size_is_enough),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(a_size_may_be_left_out),
		cmocka_unit_test(types_are_the_kernels_names),
		cmocka_unit_test(every_attribute_says_what_it_is_for),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(modes_may_be_said_twice),
		cmocka_unit_test(a_comma_can_be_part_of_a_value),
		cmocka_unit_test(an_edid_is_believed),
		cmocka_unit_test(a_file_that_is_no_edid_is_a_sentence),
		cmocka_unit_test(an_edid_says_itself_what_others_would_be_told),
		cmocka_unit_test(what_cannot_be_read_is_a_sentence),
		cmocka_unit_test(outputs_share_with_those_before_them),
		cmocka_unit_test(there_are_so_many_encoders),
		cmocka_unit_test(the_help_has_every_attribute),
		cmocka_unit_test(garbage_is_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
