/* SPDX-License-Identifier: MIT */
/*
 * The seat's input devices: a keyboard, a mouse, a tablet (an absolute pointer) and a
 * touch screen, as the kernel's evdev shows them.
 *
 * What a person does with them comes in here. The system's lock is held throughout.
 */
#ifndef HF_SEAT_INPUT_H
#define HF_SEAT_INPUT_H

#include <linux/input.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <wayland-util.h>

struct hf_input;
struct hf_seat;

/* Device N is /dev/input/eventN. */
enum {
	HF_INPUT_KEYBOARD,
	HF_INPUT_MOUSE,
	HF_INPUT_TABLET,
	HF_INPUT_TOUCH,
	HF_INPUT_DEVICES
};

#define HF_INPUT_MAJOR 13
#define HF_INPUT_MINOR 64 /* of event0 */
#define HF_INPUT_SLOTS 10 /* fingers that the touch screen tells apart */
#define HF_INPUT_ABS_MAX 65535

/* What happened to a device: an event without its time. */
struct hf_input_code {
	uint16_t type, code;
	int32_t value;
};

/**
 * hf_input_emit() - A person did something with a device.
 * @device: HF_INPUT_*; nothing happens where it is unplugged
 * @codes: @n of them, which happen at once; SYN_REPORT is added
 */
void hf_input_emit(struct hf_seat *seat, unsigned int device,
		   const struct hf_input_code *codes, size_t n);

/** hf_input_key() - A key of the keyboard goes down (1) or up (0): KEY_*. */
void hf_input_key(struct hf_seat *seat, unsigned int code, int value);

/* Long enough for any of the sentences of hf_input_command(). */
#define HF_INPUT_WHY 256

/**
 * hf_input_command() - Do what these words say; see hf_input_help().
 * @why: set to a sentence where it cannot be done: then nothing is
 *
 * What takes its time is done later, all in order.
 *
 * Return: 0, -EINVAL, -ENODEV for a device that is unplugged, -ENOMEM, -E2BIG.
 */
int hf_input_command(struct hf_seat *seat, const char *const *words, size_t n,
		     char why[HF_INPUT_WHY]);
/**
 * hf_input_parse() - Only look whether the words make sense, for any seat: what needs
 * a display or a layout is not looked at. Return: 0, -EINVAL.
 */
int hf_input_parse(const char *const *words, size_t n, char why[HF_INPUT_WHY]);
/** hf_input_help() - List what can be said. */
void hf_input_help(FILE *file);

/**
 * struct hf_input_waiter - Somebody who waits for all of it to be done.
 * @done: called once, maybe at once; also when the seat is destroyed
 */
struct hf_input_waiter {
	void (*done)(struct hf_input_waiter *waiter);
	struct wl_list link;
};
void hf_input_when_done(struct hf_seat *seat, struct hf_input_waiter *waiter);

/**
 * struct hf_input_info - What a device is, for those who list them.
 * @ev: bits of what it has, as EVIOCGBIT() tells them, one set a type
 * @prop: bits of its properties
 */
struct hf_input_info {
	const char *name, *phys, *uniq;
	struct input_id id;
	uint64_t ev;
	uint64_t key[(KEY_CNT + 63) / 64], rel, abs, msc, led, snd, ff, sw, prop;
};

/** hf_input_info() - Return: NULL where the device is unplugged. */
const struct hf_input_info *hf_input_info(const struct hf_seat *seat,
					  unsigned int device);

/** hf_input_find() - By name: "keyboard", "mouse". Return: HF_INPUT_*, or -ENOENT. */
int hf_input_find(const char *name);

/**
 * hf_input_unplug() - A device goes: its readers get ENODEV, and who listens is told.
 *
 * Return: 0, or -ENODEV where it has gone already.
 */
int hf_input_unplug(struct hf_seat *seat, unsigned int device);
/** hf_input_plug() - It comes back, as new. Return: 0, or -EEXIST where it is there. */
int hf_input_plug(struct hf_seat *seat, unsigned int device);

#endif
