/* SPDX-License-Identifier: MIT */
/*
 * The hands of somebody who watches: keys by their symbols and a pointer by its pixels,
 * as VNC has them, become events of the seat's devices. What a viewer holds down is let
 * go of when it goes.
 *
 * One a stream; the devices' lock is held.
 */
#ifndef HF_SERVER_HANDS_H
#define HF_SERVER_HANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seat/seat.h"

/* Keys that one viewer can hold at a time. */
#define HF_HANDS_KEYS 32

/**
 * struct hf_hands - What is held down; all 0 for nothing.
 * @keys: by which symbol, and which key that is; @num_keys of them
 * @buttons: bits, as RFB has them
 */
struct hf_hands {
	struct {
		uint32_t keysym, code;
	} keys[HF_HANDS_KEYS];
	size_t num_keys;
	uint32_t buttons;
};

/**
 * hf_hands_key() - A key goes down or up.
 * @keysym: as X numbers them. One that the keyboard has not is ignored, and so is
 *	Caps Lock: a viewer's characters are what they are meant to be already
 *
 * A character comes out as itself, whatever shift keys the viewer's layout has it with.
 */
void hf_hands_key(struct hf_hands *hands, struct hf_seat *seat, uint32_t keysym,
		  bool down);
/**
 * hf_hands_pointer() - The pointer is there, with these buttons down.
 * @all: the desktop; @rect: where on it the viewer's screen is
 * @x: on that, pixels; likewise @y
 * @buttons: bit 0 is the left one, then middle, right, the wheel up, down, left, right,
 *	and two at the side
 */
void hf_hands_pointer(struct hf_hands *hands, struct hf_seat *seat,
		      const struct hf_rect *all, const struct hf_rect *rect,
		      int32_t x, int32_t y, uint32_t buttons);
/** hf_hands_release() - Let go of everything. */
void hf_hands_release(struct hf_hands *hands, struct hf_seat *seat);

#endif
