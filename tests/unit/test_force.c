/* SPDX-License-Identifier: MIT */
/*
 * Connectors that are told what to find: what they show, what they remember of what
 * is really plugged in, and whether they say so.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "display.h"
#include "kms/mode.h"

#define KMS (&display.kms)

static unsigned int events;

static void count_event(struct hf_kms_device *kms, const char *what,
			const struct hf_connector *connector,
			const struct hf_property *prop)
{
	assert_ptr_equal(kms, KMS);
	assert_string_equal(what, "HOTPLUG=1");
	assert_null(connector);
	assert_null(prop);
	events++;
}

static int setup(void **state)
{
	events = 0;
	if (display_setup(state))
		return -1;
	KMS->uevent = count_event;
	return 0;
}

static void a_connector_that_is_forced_off_shows_nothing(void **state)
{
	struct hf_connector *connector = display.connector;

	(void)state;
	assert_int_equal(hf_kms_force(connector, HF_FORCE_OFF), 0);
	assert_false(connector->connected);
	assert_int_equal(connector->num_modes, 0);
	assert_null(connector->edid);
	assert_int_equal(events, 1);
}

static void it_finds_the_same_monitor_again(void **state)
{
	struct hf_connector *connector = display.connector;
	struct hf_edid_monitor monitor = {
		.vendor = "ABC", .name = "Kept", .width_mm = 400, .height_mm = 300,
	};
	struct hf_kms_output output = { .width = 640, .height = 480, .hz = 60 };
	uint8_t *edid = malloc(HF_EDID_MAX), before[HF_EDID_MAX];

	(void)state;
	assert_non_null(edid);
	assert_int_equal(hf_mode_make(&monitor.native, 1024, 768, 60), 0);
	output.edid_size = (size_t)hf_edid_build(&monitor, edid);
	output.edid = edid;
	assert_int_equal(hf_kms_plug(connector, &output), 0);
	memcpy(before, edid, output.edid_size);
	/* What was given is not kept, but a copy of it. */
	free(edid);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(hf_kms_force(connector, HF_FORCE_OFF), 0);
		assert_int_equal(hf_kms_force(connector, HF_FORCE_UNSPECIFIED), 0);
		assert_true(connector->connected);
		assert_int_equal(connector->modes[0].hdisplay, 1024);
		assert_memory_equal(connector->edid->data, before,
				    connector->edid->length);
	}
	assert_int_equal(events, 6);
}

static void one_that_is_forced_on_without_a_monitor_has_modes(void **state)
{
	struct hf_connector *connector = display.connector2;
	struct hf_kms_output none = { 0 };

	(void)state;
	assert_int_equal(hf_kms_plug(connector, &none), 0);
	assert_int_equal(hf_kms_force(connector, HF_FORCE_ON), 0);
	assert_true(connector->connected);
	assert_int_equal(connector->modes[0].hdisplay, 1024);
	assert_int_equal(hf_kms_force(connector, HF_FORCE_UNSPECIFIED), 0);
	assert_false(connector->connected);
	assert_int_equal(events, 2);
}

static void one_that_is_forced_on_with_a_monitor_has_its_modes(void **state)
{
	struct hf_connector *connector = display.connector;

	(void)state;
	assert_int_equal(hf_kms_force(connector, HF_FORCE_ON_DIGITAL), 0);
	assert_true(connector->connected);
	assert_int_equal(connector->modes[0].hdisplay, DISPLAY_WIDTH);
	assert_int_equal(events, 0);
}

static void what_makes_no_difference_is_no_event(void **state)
{
	(void)state;
	assert_int_equal(hf_kms_force(display.connector, HF_FORCE_ON), 0);
	assert_int_equal(hf_kms_force(display.connector, HF_FORCE_UNSPECIFIED), 0);
	assert_int_equal(hf_kms_force(display.connector, HF_FORCE_OFF), 0);
	assert_int_equal(hf_kms_force(display.connector, HF_FORCE_OFF), 0);
	assert_int_equal(events, 1);
}

static void what_is_plugged_in_meanwhile_is_seen_later(void **state)
{
	struct hf_connector *connector = display.connector;
	struct hf_kms_output large = { .width = 1280, .height = 1024, .hz = 60 };

	(void)state;
	assert_int_equal(hf_kms_force(connector, HF_FORCE_OFF), 0);
	assert_int_equal(hf_kms_plug(connector, &large), 0);
	assert_false(connector->connected);
	assert_int_equal(hf_kms_force(connector, HF_FORCE_UNSPECIFIED), 0);
	assert_true(connector->connected);
	assert_int_equal(connector->modes[0].hdisplay, 1280);
}

static void one_that_cannot_be_is_not_remembered(void **state)
{
	struct hf_connector *connector = display.connector;
	struct hf_kms_output bad = { .width = 1280, .height = 1, .hz = 60 };

	(void)state;
	assert_int_equal(hf_kms_plug(connector, &bad), -EINVAL);
	assert_int_equal(hf_kms_force(connector, HF_FORCE_OFF), 0);
	assert_int_equal(hf_kms_force(connector, HF_FORCE_UNSPECIFIED), 0);
	assert_int_equal(connector->modes[0].hdisplay, DISPLAY_WIDTH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connector_that_is_forced_off_shows_nothing),
		TEST(it_finds_the_same_monitor_again),
		TEST(one_that_is_forced_on_without_a_monitor_has_modes),
		TEST(one_that_is_forced_on_with_a_monitor_has_its_modes),
		TEST(what_makes_no_difference_is_no_event),
		TEST(what_is_plugged_in_meanwhile_is_seen_later),
		TEST(one_that_cannot_be_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
