/* SPDX-License-Identifier: MIT */
/*
 * What the seat's input devices are: names, keys and axes, as those of a virtual
 * machine. The seat owns them; the system's lock is held.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seat/input_device.h"
#include "uapi/system.h"

#define VENDOR 0x4846 /* "HF" */

/* The kernel's, milliseconds. */
#define REPEAT_DELAY 250
#define REPEAT_PERIOD 33

static void set_bit(uint64_t *bits, unsigned int n)
{
	bits[n / 64] |= 1ull << n % 64;
}

static void set_keys(struct hf_input *input, unsigned int first,
		     unsigned int last)
{
	for (unsigned int key = first; key <= last; key++)
		set_bit(input->info.key, key);
}

static void set_axis(struct hf_input *input, unsigned int axis, int32_t max)
{
	set_bit(&input->info.abs, axis);
	input->abs[axis].maximum = max;
}

static void make_keyboard(struct hf_input *input)
{
	struct hf_input_info *info = &input->info;

	info->ev = 1 << EV_KEY | 1 << EV_MSC | 1 << EV_LED | 1 << EV_REP;
	info->msc = 1 << MSC_SCAN;
	info->led = 1 << LED_NUML | 1 << LED_CAPSL | 1 << LED_SCROLLL;
	set_keys(input, KEY_ESC, KEY_KPDOT);
	set_keys(input, KEY_ZENKAKUHANKAKU, KEY_DELETE);
	set_keys(input, KEY_MUTE, KEY_KPEQUAL);
	set_keys(input, KEY_PAUSE, KEY_PAUSE);
	set_keys(input, KEY_KPCOMMA, KEY_MENU);
	set_keys(input, KEY_CALC, KEY_CALC);
	set_keys(input, KEY_SLEEP, KEY_WAKEUP);
	set_keys(input, KEY_WWW, KEY_WWW);
	set_keys(input, KEY_MAIL, KEY_FORWARD);
	set_keys(input, KEY_EJECTCD, KEY_EJECTCD);
	set_keys(input, KEY_NEXTSONG, KEY_STOPCD);
	set_keys(input, KEY_HOMEPAGE, KEY_REFRESH);
	set_keys(input, KEY_F13, KEY_F24);
	set_keys(input, KEY_SEARCH, KEY_SEARCH);
	set_keys(input, KEY_BRIGHTNESSDOWN, KEY_MEDIA);
	input->rep[REP_DELAY] = REPEAT_DELAY;
	input->rep[REP_PERIOD] = REPEAT_PERIOD;
	/* Its scan codes are the codes themselves. */
	for (unsigned int key = 1; key < HF_INPUT_KEYCODES; key++)
		if (hf_input_bit(info->key, key))
			input->keycodes[key] = (uint16_t)key;
}

static void make_mouse(struct hf_input *input)
{
	struct hf_input_info *info = &input->info;

	info->ev = 1 << EV_KEY | 1 << EV_REL;
	info->rel = 1 << REL_X | 1 << REL_Y | 1 << REL_WHEEL |
		    1 << REL_HWHEEL | 1 << REL_WHEEL_HI_RES |
		    1 << REL_HWHEEL_HI_RES;
	set_keys(input, BTN_LEFT, BTN_EXTRA);
}

static void make_tablet(struct hf_input *input)
{
	struct hf_input_info *info = &input->info;

	info->ev = 1 << EV_KEY | 1 << EV_REL | 1 << EV_ABS;
	info->rel = 1 << REL_WHEEL | 1 << REL_WHEEL_HI_RES;
	set_keys(input, BTN_LEFT, BTN_MIDDLE);
	set_axis(input, ABS_X, HF_INPUT_ABS_MAX);
	set_axis(input, ABS_Y, HF_INPUT_ABS_MAX);
}

static void make_touch(struct hf_input *input)
{
	struct hf_input_info *info = &input->info;

	info->ev = 1 << EV_KEY | 1 << EV_ABS;
	info->prop = 1 << INPUT_PROP_DIRECT;
	set_keys(input, BTN_TOUCH, BTN_TOUCH);
	set_axis(input, ABS_X, HF_INPUT_ABS_MAX);
	set_axis(input, ABS_Y, HF_INPUT_ABS_MAX);
	set_axis(input, ABS_MT_SLOT, HF_INPUT_SLOTS - 1);
	set_axis(input, ABS_MT_POSITION_X, HF_INPUT_ABS_MAX);
	set_axis(input, ABS_MT_POSITION_Y, HF_INPUT_ABS_MAX);
	set_axis(input, ABS_MT_TRACKING_ID, 65535);
	input->num_slots = HF_INPUT_SLOTS;
	for (unsigned int slot = 0; slot < HF_INPUT_SLOTS; slot++)
		*hf_input_slot(input, slot, ABS_MT_TRACKING_ID) = -1;
}

static const struct kind {
	const char *name, *phys;
	void (*make)(struct hf_input *input);
} kinds[HF_INPUT_DEVICES] = {
	[HF_INPUT_KEYBOARD] = { "Holdfast Keyboard", "holdfast-input.0/input0",
				make_keyboard },
	[HF_INPUT_MOUSE] = { "Holdfast Mouse", "holdfast-input.1/input0",
			     make_mouse },
	[HF_INPUT_TABLET] = { "Holdfast Tablet", "holdfast-input.2/input0",
			      make_tablet },
	[HF_INPUT_TOUCH] = { "Holdfast Touchscreen", "holdfast-input.3/input0",
			     make_touch },
};

/* A device as it comes out of its box. */
static void reset(struct hf_input *input)
{
	const struct kind *kind = &kinds[input->index];
	struct hf_input blank = {
		.seat = input->seat,
		.index = input->index,
		.plugged = true,
		.repeat.fn = hf_input_repeat,
	};

	*input = blank;
	wl_list_init(&input->readers);
	input->info.name = kind->name;
	input->info.phys = kind->phys;
	input->info.uniq = "";
	input->info.id = (struct input_id){
		.bustype = BUS_VIRTUAL,
		.vendor = VENDOR,
		.product = (uint16_t)(input->index + 1),
		.version = 1,
	};
	kind->make(input);
	input->info.ev |= 1 << EV_SYN;
}

int hf_inputs_init(struct hf_seat *seat)
{
	for (unsigned int i = 0; i < HF_INPUT_DEVICES; i++) {
		struct hf_input *input = calloc(1, sizeof(*input));

		if (!input)
			return -ENOMEM;
		seat->input[i] = input;
		input->seat = seat;
		input->index = i;
		reset(input);
	}
	return 0;
}

static void close_readers(struct hf_input *input)
{
	struct hf_input_reader *reader, *next;

	wl_list_for_each_safe(reader, next, &input->readers, link)
		hf_input_reader_close(reader);
}

void hf_inputs_finish(struct hf_seat *seat)
{
	for (unsigned int i = 0; i < HF_INPUT_DEVICES; i++) {
		struct hf_input *input = seat->input[i];

		if (!input)
			continue;
		close_readers(input);
		hf_timer_disarm(seat->sys->real_clock, &input->repeat);
		free(input);
	}
}

/* -- coming and going ------------------------------------------------------ */

static void changed(struct hf_input *input, const char *action)
{
	const struct hf_seat *seat = input->seat;
	char dir[64];

	snprintf(dir, sizeof(dir), "/sys/devices/platform/holdfast-input.%u",
		 input->index);
	seat->funcs->uevent(seat->data, dir, action);
	seat->funcs->changed(seat->data);
}

int hf_input_unplug(struct hf_seat *seat, unsigned int device)
{
	struct hf_input *input = seat->input[device];

	if (!input->plugged)
		return -ENODEV;
	hf_input_release_keys(input);
	changed(input, "remove");
	hf_timer_disarm(seat->sys->real_clock, &input->repeat);
	input->plugged = false;
	close_readers(input);
	/* A new screen has no fingers on it. */
	if (device == HF_INPUT_TOUCH)
		memset(seat->queue.fingers, 0, sizeof(seat->queue.fingers));
	return 0;
}

int hf_input_plug(struct hf_seat *seat, unsigned int device)
{
	struct hf_input *input = seat->input[device];

	if (input->plugged)
		return -EEXIST;
	reset(input);
	changed(input, "add");
	return 0;
}

/* -- looking -------------------------------------------------------------- */

const struct hf_input_info *hf_input_info(const struct hf_seat *seat,
					  unsigned int device)
{
	const struct hf_input *input = seat->input[device];

	return input->plugged ? &input->info : NULL;
}

int hf_input_find(const char *name)
{
	static const char *const shorts[HF_INPUT_DEVICES] = {
		"keyboard", "mouse", "tablet", "touchscreen",
	};

	for (int i = 0; i < HF_INPUT_DEVICES; i++)
		if (!strcasecmp(name, shorts[i]) ||
		    !strcasecmp(name, kinds[i].name))
			return i;
	return -ENOENT;
}

struct hf_input *hf_input_by_path(struct hf_seat *seat, const char *path)
{
	unsigned int n;
	char more;

	if (sscanf(path, "/dev/input/event%u%c", &n, &more) != 1 ||
	    n >= HF_INPUT_DEVICES)
		return NULL;
	return seat->input[n];
}

int32_t *hf_input_slot(struct hf_input *input, unsigned int slot,
		       unsigned int code)
{
	return &input->mt[slot][code - ABS_MT_SLOT];
}

const uint64_t *hf_input_codes(const struct hf_input *input, unsigned int type)
{
	static const uint64_t none[2];
	const struct hf_input_info *info = &input->info;

	switch (type) {
	case EV_SYN:
		return &info->ev;
	case EV_KEY:
		return info->key;
	case EV_REL:
		return &info->rel;
	case EV_ABS:
		return &info->abs;
	case EV_MSC:
		return &info->msc;
	case EV_LED:
		return &info->led;
	case EV_SND:
		return &info->snd;
	case EV_SW:
		return &info->sw;
	case EV_FF:
		return none;
	default:
		return NULL;
	}
}

unsigned int hf_input_code_count(unsigned int type)
{
	static const unsigned int counts[EV_CNT] = {
		[EV_SYN] = EV_CNT, [EV_KEY] = KEY_CNT, [EV_REL] = REL_CNT,
		[EV_ABS] = ABS_CNT, [EV_MSC] = MSC_CNT, [EV_LED] = LED_CNT,
		[EV_SND] = SND_CNT, [EV_SW] = SW_CNT, [EV_FF] = FF_CNT,
	};

	return type < EV_CNT ? counts[type] : 0;
}
