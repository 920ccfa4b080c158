/* SPDX-License-Identifier: MIT */
/*
 * A viewer's hands. See the header.
 *
 * The pointer is the tablet, for it says where it is; wheels and side buttons are the
 * mouse's, which has them all.
 */
#include <linux/input.h>

#include "seat/input.h"
#include "seat/keymap.h"
#include "server/hands.h"

#define CAPS_LOCK 0xffe5
/* Keysyms of characters are below, or have this bit. */
#define FIRST_FUNCTION 0xff00
#define UNICODE 0x01000000
#define NOTCH 120 /* of a wheel of high resolution */

#define WHEELS (0xfu << 3)

/* -- keys -------------------------------------------------------------------- */

static bool holds(const struct hf_hands *hands, uint32_t code)
{
	for (size_t i = 0; i < hands->num_keys; i++)
		if (hands->keys[i].code == code)
			return true;
	return false;
}

static bool is_character(uint32_t keysym)
{
	return keysym < FIRST_FUNCTION || keysym & UNICODE;
}

/* Press or release what is in the way of a character, or missing. */
static void adjust(const struct hf_hands *hands, struct hf_seat *seat,
		   uint32_t wanted, bool back)
{
	static const struct {
		uint32_t modifier, code, other;
	} keys[] = {
		{ HF_KEYMAP_SHIFT, KEY_LEFTSHIFT, KEY_RIGHTSHIFT },
		{ HF_KEYMAP_ALTGR, KEY_RIGHTALT, KEY_RIGHTALT },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		bool one = holds(hands, keys[i].code);
		bool other = holds(hands, keys[i].other);
		bool want = wanted & keys[i].modifier;

		if (want == (one || other))
			continue;
		if (want || one)
			hf_input_key(seat, keys[i].code, want != back);
		if (!want && other && keys[i].other != keys[i].code)
			hf_input_key(seat, keys[i].other, back);
	}
}

static void press(struct hf_hands *hands, struct hf_seat *seat, uint32_t keysym)
{
	uint32_t code, modifiers;

	if (hands->num_keys == HF_HANDS_KEYS ||
	    hf_keymap_keysym(seat, keysym, &code, &modifiers))
		return;
	if (holds(hands, code)) {
		hf_input_key(seat, code, 2); /* the viewer repeats it */
		return;
	}
	if (is_character(keysym))
		adjust(hands, seat, modifiers, false);
	hf_input_key(seat, code, 1);
	if (is_character(keysym))
		adjust(hands, seat, modifiers, true);
	hands->keys[hands->num_keys].keysym = keysym;
	hands->keys[hands->num_keys++].code = code;
}

static void let_go(struct hf_hands *hands, struct hf_seat *seat, size_t i)
{
	hf_input_key(seat, hands->keys[i].code, 0);
	hands->keys[i] = hands->keys[--hands->num_keys];
}

/* It may be another symbol by now, as shift keys have changed meanwhile. */
static void release(struct hf_hands *hands, struct hf_seat *seat,
		    uint32_t keysym)
{
	uint32_t code = 0, modifiers;

	for (size_t i = 0; i < hands->num_keys; i++)
		if (hands->keys[i].keysym == keysym) {
			let_go(hands, seat, i);
			return;
		}
	if (hf_keymap_keysym(seat, keysym, &code, &modifiers))
		return;
	for (size_t i = 0; i < hands->num_keys; i++)
		if (hands->keys[i].code == code) {
			let_go(hands, seat, i);
			return;
		}
}

void hf_hands_key(struct hf_hands *hands, struct hf_seat *seat, uint32_t keysym,
		  bool down)
{
	if (keysym == CAPS_LOCK)
		return;
	if (down)
		press(hands, seat, keysym);
	else
		release(hands, seat, keysym);
}

/* -- the pointer -------------------------------------------------------------- */

/* The value of an axis that is in the middle of a pixel. */
static int32_t to_axis(int64_t at, int32_t first, int32_t size)
{
	return (int32_t)(((at - first) * 2 + 1) * (HF_INPUT_ABS_MAX + 1) /
			 (2 * (int64_t)size));
}

static int32_t within(int32_t value, int32_t size)
{
	return value < 0 ? 0 : value >= size ? size - 1 : value;
}

static void move(struct hf_seat *seat, const struct hf_rect *all,
		 const struct hf_rect *rect, int32_t x, int32_t y)
{
	struct hf_input_code codes[] = {
		{ EV_ABS, ABS_X,
		  to_axis((int64_t)rect->x + within(x, rect->width), all->x,
			  all->width) },
		{ EV_ABS, ABS_Y,
		  to_axis((int64_t)rect->y + within(y, rect->height), all->y,
			  all->height) },
	};

	hf_input_emit(seat, HF_INPUT_TABLET, codes, 2);
}

/* A notch of the wheel is a button that goes down. */
static void turn(struct hf_seat *seat, unsigned int bit)
{
	bool horizontal = bit >= 5;
	int32_t by = bit == 3 || bit == 6 ? 1 : -1;
	struct hf_input_code codes[] = {
		{ EV_REL, horizontal ? REL_HWHEEL : REL_WHEEL, by },
		{ EV_REL, horizontal ? REL_HWHEEL_HI_RES : REL_WHEEL_HI_RES,
		  by * NOTCH },
	};

	hf_input_emit(seat, HF_INPUT_MOUSE, codes, 2);
}

static void click(struct hf_hands *hands, struct hf_seat *seat,
		  uint32_t buttons)
{
	static const struct {
		unsigned int device, code;
	} keys[] = {
		[0] = { HF_INPUT_TABLET, BTN_LEFT },
		[1] = { HF_INPUT_TABLET, BTN_MIDDLE },
		[2] = { HF_INPUT_TABLET, BTN_RIGHT },
		[7] = { HF_INPUT_MOUSE, BTN_SIDE },
		[8] = { HF_INPUT_MOUSE, BTN_EXTRA },
	};
	uint32_t changed = hands->buttons ^ buttons;

	hands->buttons = buttons;
	for (unsigned int bit = 0; bit < sizeof(keys) / sizeof(*keys); bit++) {
		struct hf_input_code code = { EV_KEY, (uint16_t)keys[bit].code,
					      buttons >> bit & 1 };

		if (!(changed >> bit & 1))
			continue;
		if (!(WHEELS >> bit & 1))
			hf_input_emit(seat, keys[bit].device, &code, 1);
		else if (code.value)
			turn(seat, bit);
	}
}

void hf_hands_pointer(struct hf_hands *hands, struct hf_seat *seat,
		      const struct hf_rect *all, const struct hf_rect *rect,
		      int32_t x, int32_t y, uint32_t buttons)
{
	move(seat, all, rect, x, y);
	click(hands, seat, buttons);
}

void hf_hands_release(struct hf_hands *hands, struct hf_seat *seat)
{
	while (hands->num_keys)
		let_go(hands, seat, hands->num_keys - 1);
	click(hands, seat, 0);
}
