/* SPDX-License-Identifier: MIT */
/* Shared by the seat's files: what a seat is made of. */
#ifndef HF_SEAT_INTERNAL_H
#define HF_SEAT_INTERNAL_H

#include "seat/input.h"
#include "seat/input_queue.h"
#include "seat/seat.h"
#include "seat/vt.h"

/**
 * struct hf_seat - See seat.h.
 * @funcs: the server's; likewise @data
 * @input: devices, by number
 * @queue: what a person is going to do with them
 * @xkb: the keyboard's layout; NULL: nobody has asked
 * @vts: terminals; likewise @seatd
 */
struct hf_seat {
	struct hf_system *sys;
	const struct hf_seat_funcs *funcs;
	void *data;
	struct hf_input *input[HF_INPUT_DEVICES];
	struct hf_input_queue queue;
	struct hf_keymap_xkb *xkb;
	struct hf_vts *vts;
	struct hf_seatd *seatd;
};

#endif
