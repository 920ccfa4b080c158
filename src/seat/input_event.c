/* SPDX-License-Identifier: MIT */
/*
 * What becomes of an event: the rules by which the kernel's input core filters and
 * passes on. A device knows which keys are down and where its axes are; what does not
 * change that is dropped, and keys repeat.
 *
 * The system's lock is held.
 */
#include <string.h>

#include "base/clock.h"
#include "seat/input_device.h"

#define MSEC UINT64_C(1000000)

/* What is to be done with an event. */
enum { IGNORE, PASS, PASS_SLOT, FLUSH };

/* Return: is it another state now? */
static bool change(uint64_t *bits, unsigned int n, int32_t value)
{
	if (hf_input_bit(bits, n) == !!value)
		return false;
	bits[n / 64] ^= 1ull << n % 64;
	return true;
}

static bool supports(const uint64_t *bits, unsigned int n, unsigned int count)
{
	return n < count && hf_input_bit(bits, n);
}

static bool is_slot_value(unsigned int code)
{
	return code > ABS_MT_SLOT && code <= ABS_MT_TOOL_Y;
}

/* What a jitter of @fuzz makes of an axis. */
static int32_t defuzz(int32_t value, int32_t old, int32_t fuzz)
{
	int64_t by = (int64_t)value - old;

	if (!fuzz)
		return value;
	if (by > -fuzz / 2 && by < fuzz / 2)
		return old;
	if (by > -fuzz && by < fuzz)
		return (int32_t)((3 * (int64_t)old + value) / 4);
	if (by > -2 * (int64_t)fuzz && by < 2 * (int64_t)fuzz)
		return (int32_t)(((int64_t)old + value) / 2);
	return value;
}

static int move_axis(struct hf_input *input, unsigned int code, int32_t *value)
{
	int32_t *old = &input->abs[code].value;
	bool slots = is_slot_value(code) && input->num_slots;

	if (code == ABS_MT_SLOT) {
		/* Told when something changes there. */
		if (*value >= 0 && *value < (int32_t)input->num_slots)
			input->slot = *value;
		return IGNORE;
	}
	if (slots)
		old = hf_input_slot(input, (unsigned int)input->slot, code);
	*value = defuzz(*value, *old, input->abs[code].fuzz);
	if (*old == *value)
		return IGNORE;
	*old = *value;
	if (!slots || input->slot == input->abs[ABS_MT_SLOT].value)
		return PASS;
	input->abs[ABS_MT_SLOT].value = input->slot;
	return PASS_SLOT;
}

static int press(struct hf_input *input, unsigned int code, int32_t value)
{
	if (!supports(input->info.key, code, KEY_CNT))
		return IGNORE;
	/* A repetition changes nothing. */
	return value == 2 || change(input->key, code, value) ? PASS : IGNORE;
}

static int set_repeat(struct hf_input *input, unsigned int code, int32_t value)
{
	if (code > REP_MAX || value < 0 || input->rep[code] == value)
		return IGNORE;
	input->rep[code] = value;
	return PASS;
}

/* Return: what is to be done with it. */
static int dispose(struct hf_input *input, unsigned int type, unsigned int code,
		   int32_t *value)
{
	const struct hf_input_info *info = &input->info;

	switch (type) {
	case EV_SYN:
		return code == SYN_REPORT ? FLUSH :
		       code == SYN_CONFIG || code == SYN_MT_REPORT ? PASS :
								     IGNORE;
	case EV_KEY:
		return press(input, code, *value);
	case EV_REL:
		return supports(&info->rel, code, REL_CNT) && *value ? PASS :
								       IGNORE;
	case EV_ABS:
		return supports(&info->abs, code, ABS_CNT) ?
			       move_axis(input, code, value) : IGNORE;
	case EV_MSC:
		return supports(&info->msc, code, MSC_CNT) ? PASS : IGNORE;
	case EV_SW:
		return supports(&info->sw, code, SW_CNT) &&
				       change(&input->sw, code, *value) ?
			       PASS : IGNORE;
	case EV_LED:
		return supports(&info->led, code, LED_CNT) &&
				       change(&input->led, code, *value) ?
			       PASS : IGNORE;
	case EV_SND:
		if (!supports(&info->snd, code, SND_CNT))
			return IGNORE;
		change(&input->snd, code, *value);
		return PASS;
	case EV_REP:
		return set_repeat(input, code, *value);
	default:
		return IGNORE;
	}
}

/* -- repeating ------------------------------------------------------------- */

static void arm_repeat(struct hf_input *input, int msec)
{
	struct hf_clock *clock = input->seat->sys->real_clock;

	hf_timer_arm(clock, &input->repeat,
		     hf_clock_now(clock) + (uint64_t)msec * MSEC);
}

static void follow_keys(struct hf_input *input)
{
	if (!(input->info.ev >> EV_REP & 1))
		return;
	for (size_t i = 0; i < input->npacket; i++) {
		const struct hf_input_code *code = &input->packet[i];

		if (code->type != EV_KEY || code->value == 2)
			continue;
		if (!code->value) {
			hf_timer_disarm(input->seat->sys->real_clock,
					&input->repeat);
		} else if (input->rep[REP_DELAY] && input->rep[REP_PERIOD]) {
			input->repeats = code->code;
			arm_repeat(input, input->rep[REP_DELAY]);
		}
	}
}

void hf_input_repeat(struct hf_timer *timer)
{
	struct hf_input *input = wl_container_of(timer, input, repeat);

	if (!hf_input_bit(input->key, input->repeats) ||
	    !hf_input_bit(input->info.key, input->repeats))
		return;
	hf_input_event(input, EV_KEY, input->repeats, 2);
	hf_input_event(input, EV_SYN, SYN_REPORT, 1);
	if (input->rep[REP_PERIOD])
		arm_repeat(input, input->rep[REP_PERIOD]);
}

/* -- packets --------------------------------------------------------------- */

static void add(struct hf_input *input, unsigned int type, unsigned int code,
		int32_t value)
{
	input->packet[input->npacket++] = (struct hf_input_code){
		.type = (uint16_t)type,
		.code = (uint16_t)code,
		.value = value,
	};
}

/* The terminal in front has the keys, too, unless somebody has them for himself. */
static void pass_keys(struct hf_seat *seat, const struct hf_input_code *codes,
		      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (codes[i].type == EV_KEY)
			hf_vt_key(seat->vts, codes[i].code, codes[i].value);
}

static void flush(struct hf_input *input, int32_t value)
{
	struct hf_input_code packet[HF_INPUT_PACKET];
	size_t n = input->npacket;

	/* That nothing happened is no news. */
	if (n) {
		memcpy(packet, input->packet, n * sizeof(*packet));
		add(input, EV_SYN, SYN_REPORT, value);
		hf_input_pass(input, input->packet, input->npacket);
		follow_keys(input);
	}
	input->npacket = 0;
	if (!input->grab && input->index == HF_INPUT_KEYBOARD)
		pass_keys(input->seat, packet, n);
}

void hf_input_event(struct hf_input *input, unsigned int type, unsigned int code,
		    int32_t value)
{
	int what;

	if (!input->plugged || type > EV_MAX || !(input->info.ev >> type & 1))
		return;
	what = dispose(input, type, code, &value);
	switch (what) {
	case FLUSH:
		flush(input, value);
		return;
	case PASS_SLOT:
		add(input, EV_ABS, ABS_MT_SLOT, input->slot);
		break;
	case PASS:
		break;
	default:
		return;
	}
	add(input, type, code, value);
	/* Room for two more and the report. */
	if (input->npacket >= HF_INPUT_PACKET - 3)
		flush(input, 1);
}

void hf_input_emit(struct hf_seat *seat, unsigned int device,
		   const struct hf_input_code *codes, size_t n)
{
	struct hf_input *input = seat->input[device];

	for (size_t i = 0; i < n; i++)
		hf_input_event(input, codes[i].type, codes[i].code,
			       codes[i].value);
	hf_input_event(input, EV_SYN, SYN_REPORT, 0);
}

void hf_input_key(struct hf_seat *seat, unsigned int code, int value)
{
	struct hf_input *input = seat->input[HF_INPUT_KEYBOARD];
	const struct hf_input_code codes[] = {
		{ EV_MSC, MSC_SCAN, (int32_t)code },
		{ EV_KEY, code < HF_INPUT_KEYCODES ? input->keycodes[code] :
						     (uint16_t)code, value },
	};

	hf_input_emit(seat, HF_INPUT_KEYBOARD, codes, 2);
}

void hf_input_release_keys(struct hf_input *input)
{
	for (unsigned int key = 0; key < KEY_CNT; key++)
		if (hf_input_bit(input->key, key))
			hf_input_event(input, EV_KEY, key, 0);
	hf_input_event(input, EV_SYN, SYN_REPORT, 1);
}
