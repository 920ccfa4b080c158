/* SPDX-License-Identifier: MIT */
/*
 * From words to commands: what each means, and the sentence for each mistake.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kms/mode.h"
#include "server/inject_parse.h"

static char why[HF_INJECT_WHY];

/* Words are parted by single blanks. */
static int parse(struct hf_inject *inject, const char *text)
{
	const char *words[9 * HF_KMS_MAX_MODES];
	char copy[9 * HF_KMS_MAX_MODES + 64], *save, *word;
	size_t n = 0;
	int ret;

	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	memset(why, 0, sizeof(why));
	ret = hf_inject_parse(inject, words, n, why);
	return ret;
}

static void understood(struct hf_inject *inject, const char *text)
{
	if (parse(inject, text))
		fail_msg("%s: %s", text, why);
}

static void refused(const char *text, const char *sentence)
{
	struct hf_inject inject;

	assert_int_equal(parse(&inject, text), -EINVAL);
	assert_string_equal(why, sentence);
}

static void every_command_of_the_table_can_be_named(void **state)
{
	struct hf_inject inject;

	(void)state;
	for (size_t i = 0; i < hf_inject_num_commands; i++) {
		const char *name = hf_inject_commands[i].name;

		/* What is missing is an argument, if anything. */
		if (!parse(&inject, name))
			assert_string_equal(inject.command->name, name);
		else
			assert_memory_equal(why, name, strlen(name));
		hf_inject_finish(&inject);
	}
}

static void monitors_have_a_connector_and_a_mode(void **state)
{
	struct hf_inject inject;

	(void)state;
	understood(&inject, "plug HDMI-A-1 1280x1024@75");
	assert_string_equal(inject.connector, "HDMI-A-1");
	assert_int_equal(inject.output.width, 1280);
	assert_int_equal(inject.output.height, 1024);
	assert_true(inject.output.hz == 75);
	hf_inject_finish(&inject);
	understood(&inject, "plug DP-2");
	assert_int_equal(inject.output.width, 0);
	hf_inject_finish(&inject);
	understood(&inject, "modes X 640x480 800x600@72 1024x768");
	assert_int_equal(inject.num_modes, 3);
	assert_int_equal(inject.modes[1].hdisplay, 800);
	assert_int_equal(inject.modes[2].vrefresh ?
				 inject.modes[2].vrefresh :
				 hf_mode_vrefresh(&inject.modes[2]), 60);
	hf_inject_finish(&inject);
	understood(&inject, "link X bad");
	assert_false(inject.good);
	understood(&inject, "link X good");
	assert_true(inject.good);
}

static void counts_and_durations_may_be_left_out_where_it_says_so(void **state)
{
	struct hf_inject inject;

	(void)state;
	understood(&inject, "flip drop 3");
	assert_int_equal(inject.n, 3);
	assert_int_equal(inject.crtc, 0);
	understood(&inject, "flip drop 3 crtc 1");
	assert_int_equal(inject.crtc, 1);
	understood(&inject, "flip delay 20ms");
	assert_int_equal(inject.ns, 20000000);
	assert_int_equal(inject.n, UINT32_MAX);
	understood(&inject, "flip delay 1.5s 2 crtc 3");
	assert_int_equal(inject.ns, 1500000000);
	assert_int_equal(inject.n, 2);
	assert_int_equal(inject.crtc, 3);
	understood(&inject, "engine hang");
	assert_int_equal(inject.n, 1);
	understood(&inject, "memory fail 7");
	assert_int_equal(inject.permille, 1000);
	understood(&inject, "memory fail 7 25");
	assert_int_equal(inject.permille, 25);
	understood(&inject, "vblank step");
	assert_int_equal(inject.n, 1);
	assert_false(inject.timed);
	understood(&inject, "vblank step 5 crtc 1");
	assert_int_equal(inject.n, 5);
	assert_int_equal(inject.crtc, 1);
	understood(&inject, "vblank step time 2min");
	assert_true(inject.timed);
	assert_int_equal(inject.ns, UINT64_C(120000000000));
}

static void errors_have_names_or_numbers(void **state)
{
	struct hf_inject inject;

	(void)state;
	understood(&inject, "commit fail 2 EBUSY");
	assert_int_equal(inject.error, -EBUSY);
	assert_false(inject.test);
	understood(&inject, "commit fail 2 16 test");
	assert_int_equal(inject.error, -16);
	assert_true(inject.test);
	understood(&inject, "ioctl fail drm_ioctl_mode_page_flip 1 enospc");
	assert_int_equal(inject.error, -ENOSPC);
	understood(&inject, "ioctl fail SYNC_IOC_MERGE 1 ENOMEM");
	understood(&inject, "fence fail EIO");
	assert_int_equal(inject.n, 1);
}

static void every_mistake_is_a_sentence(void **state)
{
	(void)state;
	refused("", "no command");
	refused("explode", "explode: no such command");
	refused("flip", "flip: no such command");
	refused("flip stop", "flip: no such command");
	refused("flip drop", "flip drop needs N [crtc INDEX]");
	refused("flip drop x", "x: not a number up to 1000000000");
	refused("flip drop -1", "-1: not a number up to 1000000000");
	refused("flip drop 1 crtc", "crtc needs a value");
	refused("flip drop 1 crtc 16", "16: not a number up to 15");
	refused("flip drop 1 2", "flip drop does not know 2");
	refused("flip delay 20", "20: not a duration such as 20ms");
	refused("flip delay ms", "ms: not a duration such as 20ms");
	refused("flip delay -1s", "-1s: not a duration such as 20ms");
	refused("flip delay nans", "nans: not a duration such as 20ms");
	refused("flip delay 1.2.3s", "1.2.3s: not a duration such as 20ms");
	refused("flip delay 1000000000min",
		"1000000000min: not a duration such as 20ms");
	refused("flip delay 1e3s", "1e3s: not a duration such as 20ms");
	refused("commit fail 1", "commit fail needs N ERRNO [test]");
	refused("commit fail 1 EWHAT", "EWHAT: no errno is called so");
	refused("commit fail 1 0", "0: no errno is called so");
	refused("commit fail 1 4096", "4096: no errno is called so");
	refused("commit fail 1 EIO tests", "commit fail does not know tests");
	refused("ioctl fail FROB 1 EIO", "FROB: no ioctl is called so");
	refused("memory fail 1 1001", "1001: not a number up to 1000");
	refused("link X ugly", "ugly: a link is good or bad");
	refused("plug X 640", "640: not WIDTHxHEIGHT[@HZ]");
	refused("plug X 640x480@60x", "640x480@60x: not WIDTHxHEIGHT[@HZ]");
	refused("plug X 1x1", "1x1: no such mode can be made");
	refused("plug X off", "nothing to plug in; unplug is another command");
	refused("plug X 640x480,edid=/etc/passwd",
		"640x480,edid=/etc/passwd: its EDID is for the command edid");
	refused("modes X 640x480,vrr",
		"640x480,vrr: not a mode such as 1920x1080@60");
	refused("modes X off", "off: not a mode such as 1920x1080@60");
	refused("modes X", "modes needs CONNECTOR WIDTHxHEIGHT[@HZ]...");
	refused("modes X 640x480 800", "800: not WIDTHxHEIGHT[@HZ]");
	refused("resume now", "resume does not know now");
	refused("edid X", "edid needs CONNECTOR FILE");
}

static void long_words_are_refused_or_cut(void **state)
{
	struct hf_inject inject;
	char text[600] = "unplug ";

	(void)state;
	memset(text + 7, 'x', 500);
	assert_int_equal(parse(&inject, text), -EINVAL);
	assert_non_null(strstr(why, "too long"));
	memset(text, 'y', 500);
	text[500] = 0;
	assert_int_equal(parse(&inject, text), -EINVAL);
	assert_true(strlen(why) < HF_INJECT_WHY);
}

static void a_name_is_not_empty(void **state)
{
	static const char *const plug[] = { "plug", "" };
	static const char *const fail[] = { "ioctl fail", "", "1", "EIO" };
	struct hf_inject inject;

	(void)state;
	assert_int_equal(hf_inject_parse(&inject, plug, 2, why), -EINVAL);
	assert_string_equal(why, "a name is empty");
	assert_int_equal(hf_inject_parse(&inject, fail, 4, why), -EINVAL);
	assert_string_equal(why, "a name is empty");
}

static void too_many_modes_are_refused(void **state)
{
	static char text[9 * HF_KMS_MAX_MODES + 64] = "modes X";
	char sentence[64];

	(void)state;
	for (int i = 0; i <= HF_KMS_MAX_MODES; i++)
		strcat(text, " 640x480");
	snprintf(sentence, sizeof(sentence), "at most %d modes",
		 HF_KMS_MAX_MODES);
	refused(text, sentence);
}

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

static void an_edid_is_read_and_looked_at(void **state)
{
	struct hf_edid_monitor monitor = { .vendor = "ABC", .name = "One" };
	char path[] = "/tmp/unit-inject-XXXXXX", text[64];
	struct hf_inject inject;
	uint8_t edid[HF_EDID_MAX];
	int fd = mkstemp(path), size;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(hf_mode_make(&monitor.native, 1024, 768, 60), 0);
	size = hf_edid_build(&monitor, edid);
	assert_true(size > 0);
	write_file(path, edid, size);
	snprintf(text, sizeof(text), "edid X %s", path);
	understood(&inject, text);
	assert_int_equal(hf_inject_load(&inject, why), 0);
	assert_int_equal(inject.edid_size, size);
	assert_memory_equal(inject.edid, edid, size);
	hf_inject_finish(&inject);
	edid[20]++; /* its checksum is wrong */
	write_file(path, edid, size);
	understood(&inject, text);
	assert_int_equal(hf_inject_load(&inject, why), -EINVAL);
	assert_non_null(strstr(why, ": not an EDID"));
	hf_inject_finish(&inject);
	unlink(path);
	understood(&inject, text);
	assert_int_equal(hf_inject_load(&inject, why), -ENOENT);
	assert_non_null(strstr(why, strerror(ENOENT)));
	hf_inject_finish(&inject);
	/* Nothing to read is fine. */
	understood(&inject, "clear");
	assert_int_equal(hf_inject_load(&inject, why), 0);
}

static void the_help_has_every_command_once(void **state)
{
	char *text = NULL, *at;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	hf_inject_help(file, false);
	hf_inject_help(file, true);
	fclose(file);
	for (size_t i = 0; i < hf_inject_num_commands; i++) {
		const char *name = hf_inject_commands[i].name;
		char line[64];

		if (!strncmp(name, "vblank ", 7))
			name += 7;
		snprintf(line, sizeof(line), "  %s ", name);
		at = strstr(text, line);
		assert_non_null(at);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_of_the_table_can_be_named),
		cmocka_unit_test(monitors_have_a_connector_and_a_mode),
		cmocka_unit_test(
			counts_and_durations_may_be_left_out_where_it_says_so),
		cmocka_unit_test(errors_have_names_or_numbers),
		cmocka_unit_test(every_mistake_is_a_sentence),
		cmocka_unit_test(long_words_are_refused_or_cut),
		cmocka_unit_test(a_name_is_not_empty),
		cmocka_unit_test(too_many_modes_are_refused),
		cmocka_unit_test(an_edid_is_read_and_looked_at),
		cmocka_unit_test(the_help_has_every_command_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
