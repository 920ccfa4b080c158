/* SPDX-License-Identifier: MIT */
/*
 * Scenario files: what is read, which mistakes are found where, and when things
 * happen, on a server whose time is moved by hand.
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

#include "kms/legacy.h"
#include "server/inject.h"
#include "server/pace.h"
#include "server/scenario.h"

#define MS UINT64_C(1000000)

static struct hf_server server;
static char path[64], why[HF_SCENARIO_WHY];
static struct hf_framebuffer *fb;

static void write_scenario(const char *text)
{
	FILE *file;

	snprintf(path, sizeof(path), "/tmp/unit-scenario-%d", getpid());
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct hf_scenario *load(const char *text)
{
	struct hf_scenario *scenario;

	write_scenario(text);
	scenario = hf_scenario_load(path, why);
	unlink(path);
	return scenario;
}

/* -- reading ------------------------------------------------------------------- */

static void mistake(const char *text, unsigned int line, const char *sentence)
{
	char expected[HF_SCENARIO_WHY];

	assert_null(load(text));
	snprintf(expected, sizeof(expected), "%s:%u: %s", path, line, sentence);
	assert_string_equal(why, expected);
}

static void every_mistake_has_its_line_and_a_sentence(void **state)
{
	(void)state;
	mistake("unplug X\n", 1, "a line begins with at, not with unplug");
	mistake("\n# x\nat\n", 3, "at needs a time, a frame or a vblank");
	mistake("at 1s\n", 1, "no command");
	mistake("at 1s explode\n", 1, "explode: no such command");
	mistake("at 1 clear\n", 1, "1: not a duration such as 1.5s");
	mistake("at 1s clear\nat 2s after commit clear\n", 2,
		"after what? (first commit)");
	mistake("at frame clear\n", 1, "clear: not a number");
	mistake("at frame\n", 1, "a number is missing");
	mistake("at vblank -1 clear\n", 1, "-1: not a number");
	mistake("at frame 1 crtc 99 clear\n", 1, "there is no CRTC 99");
	mistake("at 1s commit fail 1 EBUSI\n", 1, "EBUSI: no errno is called so");
	mistake("at 1s \"clear\n", 1, "a quotation mark is missing");
	mistake("at 1s list\n", 1, "list has no place in a scenario");
	mistake("at 1s vblank step\n", 1,
		"vblank step has no place in a scenario");
	mistake("at 1s edid X /nonexistent\n", 1,
		"/nonexistent: No such file or directory");
}

static void a_file_that_is_not_there_is_a_mistake(void **state)
{
	(void)state;
	assert_null(hf_scenario_load("/nonexistent/file", why));
	assert_string_equal(why,
			    "/nonexistent/file: No such file or directory");
}

static void comments_blanks_and_quotation_marks_are_understood(void **state)
{
	struct hf_scenario *scenario =
		load("# all of this\n\n"
		     "  at 0s   clear # and this\n"
		     "\tat\t1.5s after first commit \"unplug\" \"HDMI-A-1\"\r\n"
		     "at frame 12 crtc 1 flip drop 1 crtc 1\n"
		     "at vblank 7 engine hang 2");

	(void)state;
	if (!scenario)
		fail_msg("%s", why);
	hf_scenario_destroy(scenario);
}

static void too_many_words_are_a_mistake(void **state)
{
	static char text[1000] = "at 0s";

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(text, " x");
	mistake(text, 1, "too many words");
}

/* -- times --------------------------------------------------------------------- */

static int set_up(void **state)
{
	static const struct hf_kms_output output = {
		.width = 320, .height = 240, .hz = 100,
	};
	struct hf_server_options options = {
		.outputs = &output, .noutputs = 1, .pace = HF_CLOCK_STANDS,
	};

	(void)state;
	return hf_server_init(&server, &options);
}

static int tear_down(void **state)
{
	(void)state;
	if (fb)
		hf_framebuffer_put(fb);
	fb = NULL;
	hf_server_finish(&server);
	return 0;
}

static void lock(void)
{
	pthread_mutex_lock(&server.sys->lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&server.sys->lock);
}

static void start(const char *text)
{
	server.scenario = load(text);
	if (!server.scenario)
		fail_msg("%s", why);
	if (hf_scenario_start(server.scenario, &server, why))
		fail_msg("%s", why);
}

static void pass(uint64_t ns)
{
	lock();
	hf_pace_step(&server, hf_clock_now(server.sys->clock) + ns);
	unlock();
}

/* What is armed, in one line. */
static const char *armed(void)
{
	static char text[512];
	FILE *file = fmemopen(text, sizeof(text), "w");

	text[0] = 0;
	lock();
	hf_inject_list(&server, file);
	unlock();
	fclose(file);
	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = at[1] ? ';' : 0;
	return text;
}

static void commit(struct hf_atomic_state *state, int ret)
{
	assert_int_equal(ret, 0);
	assert_int_equal(hf_atomic_check(state), 0);
	assert_true(hf_atomic_commit(state, NULL) >= 0);
	hf_scenario_settle(server.scenario);
	unlock();
}

static void light(void)
{
	struct hf_kms_device *kms = &server.dev->kms;
	struct drm_mode_fb_cmd2 cmd = {
		.width = 320, .height = 240, .pitches = { 1280 },
		.pixel_format = DRM_FORMAT_XRGB8888, .handles = { 1 },
	};
	struct hf_gem_object *objects[4] = { NULL };
	struct hf_atomic_state *state;

	lock();
	if (!fb) {
		objects[0] = hf_gem_object_create(&server.dev->gem, 1280 * 240,
						  true, 0);
		assert_int_equal(hf_framebuffer_create(kms, &cmd, objects, &fb),
				 0);
		hf_gem_object_put(objects[0]);
	}
	state = hf_atomic_state_create(kms);
	commit(state, hf_legacy_set_crtc(state, kms->crtcs[0],
					 &kms->connectors[0]->modes[0], fb, 0,
					 0, &kms->connectors[0], 1));
}

static void dark(void)
{
	struct hf_kms_device *kms = &server.dev->kms;
	struct hf_atomic_state *state;

	lock();
	state = hf_atomic_state_create(kms);
	commit(state, hf_legacy_set_crtc(state, kms->crtcs[0], NULL, NULL, 0, 0,
					 NULL, 0));
}

static void flip(void)
{
	struct hf_kms_device *kms = &server.dev->kms;
	struct hf_atomic_state *state;

	lock();
	state = hf_atomic_state_create(kms);
	commit(state, hf_legacy_page_flip(state, kms->crtcs[0], fb, false));
	pass(10 * MS);
}

static void things_happen_at_their_time_from_the_start(void **state)
{
	(void)state;
	start("at 2s engine hang 2\nat 1s flip drop 3\nat 1s flip drop 4\n");
	assert_string_equal(armed(), "");
	pass(1000 * MS - 1);
	assert_string_equal(armed(), "");
	pass(1);
	/* Two at the same time: in the order of the file. */
	assert_string_equal(armed(), "flip drop 4 crtc 0");
	pass(1000 * MS);
	assert_string_equal(armed(), "flip drop 4 crtc 0;engine hang 2");
}

static void what_waits_for_the_first_commit_counts_from_there(void **state)
{
	(void)state;
	start("at 1s after first commit engine hang 1\n");
	pass(5000 * MS);
	assert_string_equal(armed(), "");
	light();
	pass(500 * MS);
	flip();
	assert_string_equal(armed(), "");
	pass(600 * MS);
	assert_string_equal(armed(), "engine hang 1");
}

static void frames_are_counted_as_they_are_shown(void **state)
{
	(void)state;
	start("at frame 3 engine hang 1\nat frame 2 flip drop 1\n"
	      "at frame 1 crtc 1 clear\n");
	light();
	pass(10 * MS);
	assert_string_equal(armed(), "");
	pass(1000 * MS);
	assert_string_equal(armed(), "");
	flip();
	/* The second one was shown; the next is dropped. */
	assert_string_equal(armed(), "flip drop 1 crtc 0");
	flip();
	assert_string_equal(armed(), "engine hang 1");
}

static void vblanks_are_waited_for_also_while_the_crtc_is_off(void **state)
{
	uint64_t count;

	(void)state;
	start("at vblank 20 engine hang 1\n");
	light();
	pass(105 * MS);
	assert_string_equal(armed(), "");
	dark();
	pass(1000 * MS);
	assert_string_equal(armed(), "");
	light();
	lock();
	count = hf_vblank_count(server.dev->kms.crtcs[0], NULL);
	unlock();
	assert_true(count >= 10 && count < 15);
	pass(45 * MS);
	assert_string_equal(armed(), "");
	pass(60 * MS);
	assert_string_equal(armed(), "engine hang 1");
}

static void what_it_names_must_be_there(void **state)
{
	static const char *const texts[] = {
		"at 1s unplug HDMI-A-7\n",
		"at 1s flip drop 1 crtc 9\n",
		"\nat frame 1 crtc 9 clear\n",
	};
	static const char *const sentences[] = {
		":1: HDMI-A-7: no such connector",
		":1: there is no CRTC 9",
		":2: there is no CRTC 9",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct hf_scenario *scenario = load(texts[i]);

		assert_non_null(scenario);
		assert_int_equal(hf_scenario_start(scenario, &server, why),
				 -ENOENT);
		assert_string_equal(why + strlen(path), sentences[i]);
		hf_scenario_destroy(scenario);
	}
}

static void a_scenario_follows_the_device_that_is_plugged_in_again(void **state)
{
	struct hf_device *old = server.dev;

	(void)state;
	start("at 1s device unplug\nat 2s device replug\n"
	      "at 3s flip drop 1\nat frame 2 engine hang 1\n"
	      "at vblank 900 engine hang 3\n");
	light();
	pass(500 * MS);
	pass(600 * MS);
	assert_string_equal(armed(), "device unplug");
	pass(1000 * MS);
	assert_string_equal(armed(), "");
	assert_ptr_not_equal(server.dev, old);
	assert_int_not_equal(server.dev->primary_minor, old->primary_minor);
	assert_int_not_equal(server.dev->render_minor, old->render_minor);
	pass(1000 * MS);
	assert_string_equal(armed(), "flip drop 1 crtc 0");
	hf_framebuffer_put(fb);
	fb = NULL;
	light();
	pass(10 * MS);
	assert_string_equal(armed(), "");
	/* The first flip of the new device was dropped; it is given up. */
	pass(10000 * MS);
	flip();
	assert_string_equal(armed(), "engine hang 1");
}

static void a_server_may_end_before_its_scenario(void **state)
{
	(void)state;
	start("at 1s clear\nat vblank 9 clear\nat frame 9 clear\n"
	      "at 1s after first commit clear\n");
	light();
	pass(20 * MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_has_its_line_and_a_sentence),
		cmocka_unit_test(a_file_that_is_not_there_is_a_mistake),
		cmocka_unit_test(
			comments_blanks_and_quotation_marks_are_understood),
		cmocka_unit_test(too_many_words_are_a_mistake),
		TEST(things_happen_at_their_time_from_the_start),
		TEST(what_waits_for_the_first_commit_counts_from_there),
		TEST(frames_are_counted_as_they_are_shown),
		TEST(vblanks_are_waited_for_also_while_the_crtc_is_off),
		TEST(what_it_names_must_be_there),
		TEST(a_scenario_follows_the_device_that_is_plugged_in_again),
		TEST(a_server_may_end_before_its_scenario),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
