/* SPDX-License-Identifier: MIT */
/*
 * A viewer's hands: which events come of symbols, pixels and buttons. The seat is not
 * here: what it would be told is written down.
 */
#include <errno.h>
#include <linux/input.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "seat/input.h"
#include "seat/keymap.h"
#include "server/hands.h"

static char told[4096];
static struct hf_hands hands;

void __wrap_hf_input_key(struct hf_seat *seat, unsigned int code, int value);
void __wrap_hf_input_emit(struct hf_seat *seat, unsigned int device,
			  const struct hf_input_code *codes, size_t n);
int __wrap_hf_keymap_keysym(struct hf_seat *seat, uint32_t keysym,
			    uint32_t *code, uint32_t *modifiers);

static void tell(const char *text)
{
	assert_true(strlen(told) + strlen(text) < sizeof(told));
	strcat(told, text);
}

void __wrap_hf_input_key(struct hf_seat *seat, unsigned int code, int value)
{
	char text[32];

	(void)seat;
	snprintf(text, sizeof(text), "%u=%d ", code, value);
	tell(text);
}

void __wrap_hf_input_emit(struct hf_seat *seat, unsigned int device,
			  const struct hf_input_code *codes, size_t n)
{
	char text[64];

	(void)seat;
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%u:%u/%u=%d ", device,
			 codes[i].type, codes[i].code, codes[i].value);
		tell(text);
	}
}

/* Some of the keys of "us", and one with AltGr. */
int __wrap_hf_keymap_keysym(struct hf_seat *seat, uint32_t keysym,
			    uint32_t *code, uint32_t *modifiers)
{
	static const struct {
		uint32_t keysym, code, modifiers;
	} keys[] = {
		{ 'a', KEY_A, 0 },
		{ 'A', KEY_A, HF_KEYMAP_SHIFT },
		{ '/', KEY_SLASH, 0 },
		{ '?', KEY_SLASH, HF_KEYMAP_SHIFT },
		{ 0x20ac, KEY_E, HF_KEYMAP_ALTGR },
		{ 0xffe1, KEY_LEFTSHIFT, 0 },
		{ 0xffe2, KEY_RIGHTSHIFT, 0 },
		{ 0xff51, KEY_LEFT, 0 },
		{ 0xffe5, KEY_CAPSLOCK, 0 },
	};

	(void)seat;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].keysym == keysym) {
			*code = keys[i].code;
			*modifiers = keys[i].modifiers;
			return 0;
		}
	if (keysym >= 0x100 && keysym < 0x200) {
		*code = keysym; /* as many as one likes */
		*modifiers = 0;
		return 0;
	}
	return -ENOENT;
}

static int setup(void **state)
{
	(void)state;
	memset(&hands, 0, sizeof(hands));
	*told = 0;
	return 0;
}

static void key(uint32_t keysym, bool down)
{
	hf_hands_key(&hands, NULL, keysym, down);
}

static void expect(const char *events)
{
	assert_string_equal(told, events);
	*told = 0;
}

/* 30: a, 53: slash, 18: e; 42, 54: shift; 100: AltGr */
static void a_key_goes_down_and_up(void **state)
{
	(void)state;
	key('a', true);
	expect("30=1 ");
	key('a', false);
	expect("30=0 ");
	key('a', false);
	expect("");
}

static void a_shift_key_that_is_missing_is_pressed_meanwhile(void **state)
{
	(void)state;
	key('A', true);
	expect("42=1 30=1 42=0 ");
	key('A', false);
	expect("30=0 ");
	key(0x20ac, true);
	expect("100=1 18=1 100=0 ");
}

static void a_shift_key_that_is_held_stays(void **state)
{
	(void)state;
	key(0xffe1, true);
	key('A', true);
	key('A', false);
	key(0xffe1, false);
	expect("42=1 30=1 30=0 42=0 ");
}

static void a_shift_key_in_the_way_is_released_meanwhile(void **state)
{
	(void)state;
	key(0xffe1, true);
	key(0xffe2, true);
	*told = 0;
	key('/', true);
	expect("42=0 54=0 53=1 42=1 54=1 ");
}

static void the_right_shift_key_does_as_well(void **state)
{
	(void)state;
	key(0xffe2, true);
	key('?', true);
	expect("54=1 53=1 ");
	key('?', false);
	*told = 0;
	key('/', true);
	expect("54=0 53=1 54=1 ");
}

static void what_is_no_character_keeps_its_shift_keys(void **state)
{
	(void)state;
	key(0xffe1, true);
	key(0xff51, true);
	expect("42=1 105=1 ");
}

static void a_key_goes_up_by_another_symbol(void **state)
{
	(void)state;
	key(0xffe1, true);
	key('A', true);
	key(0xffe1, false);
	*told = 0;
	key('a', false);
	expect("30=0 ");
}

static void a_viewer_that_repeats_a_key_repeats_it(void **state)
{
	(void)state;
	key('a', true);
	key('a', true);
	key('a', false);
	expect("30=1 30=2 30=0 ");
}

static void what_the_keyboard_has_not_is_ignored(void **state)
{
	(void)state;
	key(0x1004e2d, true);
	key(0x1004e2d, false);
	key(0xffe5, true);
	key(0xffe5, false);
	key(0xffffffff, true);
	expect("");
}

static void more_fingers_than_a_viewer_has_are_ignored(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HF_HANDS_KEYS; i++)
		key(0x100 + i, true);
	*told = 0;
	key('a', true);
	expect("");
	assert_int_equal(hands.num_keys, HF_HANDS_KEYS);
}

static void point(int x, int y, uint32_t buttons)
{
	struct hf_rect all = { 0, 0, 200, 100 }, rect = { 100, 0, 100, 100 };

	hf_hands_pointer(&hands, NULL, &all, &rect, x, y, buttons);
}

static void the_pointer_is_on_its_screen(void **state)
{
	(void)state;
	point(0, 0, 0);
	expect("2:3/0=32931 2:3/1=327 ");
	point(99, 99, 0);
	expect("2:3/0=65372 2:3/1=65208 ");
	point(-5, 1000, 0); /* never outside */
	expect("2:3/0=32931 2:3/1=65208 ");
}

static void buttons_and_wheels_are_told_once(void **state)
{
	(void)state;
	point(0, 0, 1);
	*told = 0;
	point(0, 0, 1 | 1 << 3);
	expect("2:3/0=32931 2:3/1=327 1:2/8=1 1:2/11=120 ");
	point(0, 0, 1);
	expect("2:3/0=32931 2:3/1=327 ");
	point(0, 0, 1 << 6);
	expect("2:3/0=32931 2:3/1=327 2:1/272=0 1:2/6=1 1:2/12=120 ");
	point(0, 0, 1 << 2 | 1 << 7);
	expect("2:3/0=32931 2:3/1=327 2:1/273=1 1:1/275=1 ");
}

static void letting_go_is_of_everything(void **state)
{
	(void)state;
	key(0xffe1, true);
	key('A', true);
	point(0, 0, 1 | 1 << 4);
	*told = 0;
	hf_hands_release(&hands, NULL);
	expect("30=0 42=0 2:1/272=0 ");
	hf_hands_release(&hands, NULL);
	expect("");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(a_key_goes_down_and_up),
		TEST(a_shift_key_that_is_missing_is_pressed_meanwhile),
		TEST(a_shift_key_that_is_held_stays),
		TEST(a_shift_key_in_the_way_is_released_meanwhile),
		TEST(the_right_shift_key_does_as_well),
		TEST(what_is_no_character_keeps_its_shift_keys),
		TEST(a_key_goes_up_by_another_symbol),
		TEST(a_viewer_that_repeats_a_key_repeats_it),
		TEST(what_the_keyboard_has_not_is_ignored),
		TEST(more_fingers_than_a_viewer_has_are_ignored),
		TEST(the_pointer_is_on_its_screen),
		TEST(buttons_and_wheels_are_told_once),
		TEST(letting_go_is_of_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
