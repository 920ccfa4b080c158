/* SPDX-License-Identifier: MIT */
/* Which key makes which character, by layouts of xkb-data. */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "seat/keymap.h"
#include "seat/seat.h"
#include "uapi/system.h"

static struct hf_system *sys;
static struct hf_seat *seat;
static const struct hf_seat_funcs funcs;

static int setup(void **state)
{
	struct hf_memory_options memory = { .pool = 1 << 20 };

	(void)state;
	sys = hf_system_create(&memory);
	seat = sys ? hf_seat_create(sys, &funcs, NULL) : NULL;
	return seat ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	hf_seat_destroy(seat);
	hf_system_destroy(sys);
	return 0;
}

static void expect(const char *name, uint32_t code, uint32_t modifiers)
{
	uint32_t keysym = hf_keymap_parse(name), c = 0, m = 99;

	assert_int_not_equal(keysym, 0);
	assert_int_equal(hf_keymap_keysym(seat, keysym, &c, &m), 0);
	assert_int_equal(c, code);
	assert_int_equal(m, modifiers);
}

static void expect_none(const char *name)
{
	uint32_t c, m;

	assert_int_equal(hf_keymap_keysym(seat, hf_keymap_parse(name), &c, &m),
			 -ENOENT);
}

static void all_of_ascii_is_on_a_us_keyboard(void **state)
{
	(void)state;
	for (char c = ' '; c < 0x7f; c++) {
		const char text[] = { c, 0 }, *rest = text;
		uint32_t code, modifiers, keysym = hf_keymap_next(&rest);

		assert_int_equal(hf_keymap_keysym(seat, keysym, &code,
						  &modifiers), 0);
		assert_int_equal(*rest, 0);
	}
	expect("a", KEY_A, 0);
	expect("A", KEY_A, HF_KEYMAP_SHIFT);
	expect("?", KEY_SLASH, HF_KEYMAP_SHIFT);
	expect_none("€");
}

static void keys_have_names_that_people_use(void **state)
{
	(void)state;
	expect("ctrl", KEY_LEFTCTRL, 0);
	expect("Control_R", KEY_RIGHTCTRL, 0);
	expect("ALT", KEY_LEFTALT, 0);
	expect("super", KEY_LEFTMETA, 0);
	expect("enter", KEY_ENTER, 0);
	expect("Return", KEY_ENTER, 0);
	expect("return", KEY_ENTER, 0);
	expect("f11", KEY_F11, 0);
	expect("pgup", KEY_PAGEUP, 0);
	expect("esc", KEY_ESC, 0);
	expect("plus", KEY_EQUAL, HF_KEYMAP_SHIFT);
	expect("0xff0d", KEY_ENTER, 0);
	expect("XF86AudioMute", KEY_MUTE, 0);
	assert_int_equal(hf_keymap_parse("nonsense"), 0);
	assert_int_equal(hf_keymap_parse(""), 0);
	assert_int_equal(hf_keymap_parse("0x"), 0);
	assert_int_equal(hf_keymap_parse("0xfffffffff"), 0);
}

static void another_layout_has_characters_elsewhere(void **state)
{
	(void)state;
	assert_int_equal(hf_keymap_set(seat, "de"), 0);
	expect("z", KEY_Y, 0);
	expect("ß", KEY_MINUS, 0);
	expect("@", KEY_Q, HF_KEYMAP_ALTGR);
	expect("€", KEY_E, HF_KEYMAP_ALTGR);
	/* On the key that the keyboard has, not on one that layouts know of. */
	expect("altgr", KEY_RIGHTALT, 0);
	assert_int_equal(hf_keymap_set(seat, "us:dvorak"), 0);
	expect("s", KEY_SEMICOLON, 0);
}

static void a_layout_that_there_is_none_of_changes_nothing(void **state)
{
	char text[100];

	(void)state;
	assert_int_equal(hf_keymap_set(seat, "de"), 0);
	assert_int_equal(hf_keymap_set(seat, "nowhere"), -ENODATA);
	assert_int_equal(hf_keymap_set(seat, ""), -ENODATA);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(hf_keymap_set(seat, text), -ENODATA);
	expect("z", KEY_Y, 0);
}

static void text_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"\x80", "\xc3", "\xc3(", "\xe2\x82", "\xf8\x88\x80\x80\x80",
		"\xff", "\x01", "",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *text = bad[i];

		assert_int_equal(hf_keymap_next(&text), 0);
		assert_ptr_equal(text, bad[i]);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(all_of_ascii_is_on_a_us_keyboard),
		CASE(keys_have_names_that_people_use),
		CASE(another_layout_has_characters_elsewhere),
		CASE(a_layout_that_there_is_none_of_changes_nothing),
		CASE(text_that_is_none_is_refused),
	};

	unsetenv("XKB_DEFAULT_LAYOUT");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
