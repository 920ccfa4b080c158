/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of input devices, in the kernel's order of checks. A length that is asked
 * for with a request is how much of a string or a set of bits is wanted; what is
 * returned is how much it was.
 *
 * The system's lock is held.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "seat/input_device.h"
#include "uapi/call.h"

#define BITS_TO_BYTES(bits) (((bits) + 63) / 64 * 8)
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* The request without its size, as the kernel looks up those of any size. */
#define ANY_SIZE(cmd) ((cmd) & ~((uint32_t)_IOC_SIZEMASK << _IOC_SIZESHIFT))

/* -- arguments --------------------------------------------------------------- */

static bool unreadable(const struct hf_call *call)
{
	return call->arrays[0].flags & HF_ARRAY_FAULT;
}

/* Answer with as much of this as was asked for, and say how much. */
static int put(struct hf_call *call, const void *data, size_t size)
{
	size_t n = MIN(size, _IOC_SIZE(call->cmd));

	memcpy(call->arg, data, n);
	call->out_size = (uint32_t)n;
	return (int)n;
}

static int put_all(struct hf_call *call, const void *data, size_t size)
{
	put(call, data, size);
	return 0;
}

static int put_text(struct hf_call *call, const char *text)
{
	if (!*text)
		return -ENOENT;
	call->value = put(call, text, strlen(text) + 1);
	return 0;
}

static int put_bits(struct hf_call *call, const uint64_t *bits, unsigned int max)
{
	call->value = put(call, bits, BITS_TO_BYTES(max));
	return 0;
}

/* The state of keys and the like; what was not read of it is part of that. */
static int put_state(struct hf_input_reader *reader, struct hf_call *call,
		     unsigned int type, const uint64_t *bits, unsigned int max)
{
	hf_input_reader_flush(reader, call->fds_in[0], type);
	return put_bits(call, bits, max);
}

/* -- key codes --------------------------------------------------------------- */

/* Where in the table of key codes an entry is. */
static int key_index(const struct hf_input *input,
		     const struct input_keymap_entry *entry)
{
	uint32_t index = entry->index;
	uint16_t half;

	if (!(input->info.ev >> EV_REP & 1))
		return -EINVAL; /* it has no table */
	if (!(entry->flags & INPUT_KEYMAP_BY_INDEX)) {
		switch (entry->len) {
		case 1:
			index = entry->scancode[0];
			break;
		case 2:
			memcpy(&half, entry->scancode, sizeof(half));
			index = half;
			break;
		case 4:
			memcpy(&index, entry->scancode, sizeof(index));
			break;
		default:
			return -EINVAL;
		}
	}
	return index < HF_INPUT_KEYCODES ? (int)index : -EINVAL;
}

static int get_keycode(const struct hf_input *input,
		       struct input_keymap_entry *entry)
{
	int index = key_index(input, entry);

	if (index < 0)
		return index;
	entry->keycode = input->keycodes[index];
	entry->index = (uint16_t)index;
	entry->len = sizeof(index);
	memcpy(entry->scancode, &index, sizeof(index));
	return 0;
}

static bool is_mapped(const struct hf_input *input, unsigned int keycode)
{
	for (unsigned int i = 0; i < HF_INPUT_KEYCODES; i++)
		if (input->keycodes[i] == keycode)
			return true;
	return false;
}

static void set_bit(uint64_t *bits, unsigned int n, bool value)
{
	bits[n / 64] &= ~(1ull << n % 64);
	bits[n / 64] |= (uint64_t)value << n % 64;
}

static int set_keycode(struct hf_input *input,
		       const struct input_keymap_entry *entry)
{
	uint64_t *keys = input->info.key;
	unsigned int old;
	int index;

	if (entry->keycode > KEY_MAX)
		return -EINVAL;
	index = key_index(input, entry);
	if (index < 0)
		return index;
	old = input->keycodes[index];
	input->keycodes[index] = (uint16_t)entry->keycode;
	/* One that no key has any more cannot be down. */
	if (!is_mapped(input, old) && hf_input_bit(input->key, old)) {
		hf_input_event(input, EV_KEY, old, 0);
		hf_input_event(input, EV_SYN, SYN_REPORT, 1);
	}
	set_bit(keys, old, is_mapped(input, old));
	set_bit(keys, entry->keycode, true);
	set_bit(keys, KEY_RESERVED, false);
	return 0;
}

/* The old form: a scan code of four bytes, and behind it the key code. */
static struct input_keymap_entry old_entry(const struct hf_call *call)
{
	struct input_keymap_entry entry = { .len = sizeof(uint32_t) };

	memcpy(entry.scancode, call->arg, sizeof(uint32_t));
	memcpy(&entry.keycode, call->arg + sizeof(uint32_t), sizeof(uint32_t));
	return entry;
}

static int keycode_ioctl(struct hf_input *input, struct hf_call *call)
{
	struct input_keymap_entry entry;
	bool old = call->cmd == EVIOCGKEYCODE || call->cmd == EVIOCSKEYCODE;
	int ret;

	if (unreadable(call))
		return -EFAULT;
	if (old)
		entry = old_entry(call);
	else
		memcpy(&entry, call->arg, sizeof(entry));
	if (call->cmd == EVIOCSKEYCODE)
		return set_keycode(input, &entry);
	if (call->cmd == EVIOCSKEYCODE_V2)
		return entry.len > sizeof(entry.scancode) ?
			       -EINVAL : set_keycode(input, &entry);
	ret = get_keycode(input, &entry);
	if (ret)
		return ret;
	if (!old)
		return put_all(call, &entry, sizeof(entry));
	memcpy(call->arg + sizeof(uint32_t), &entry.keycode, sizeof(uint32_t));
	call->out_size = 2 * sizeof(uint32_t);
	return 0;
}

/* -- repeating, grabbing, masks ---------------------------------------------- */

static int repeat_ioctl(struct hf_input *input, struct hf_call *call)
{
	uint32_t rep[REP_CNT];

	if (!(input->info.ev >> EV_REP & 1))
		return -ENOSYS;
	if (call->cmd == EVIOCGREP)
		return put_all(call, input->rep, sizeof(input->rep));
	if (unreadable(call))
		return -EFAULT;
	memcpy(rep, call->arg, sizeof(rep));
	hf_input_event(input, EV_REP, REP_DELAY, (int32_t)rep[REP_DELAY]);
	hf_input_event(input, EV_REP, REP_PERIOD, (int32_t)rep[REP_PERIOD]);
	return 0;
}

static uint64_t value_of(const struct hf_call *call)
{
	uint64_t value;

	memcpy(&value, call->arg, sizeof(value));
	return value;
}

static int grab(struct hf_input_reader *reader, bool on)
{
	struct hf_input *input = reader->input;

	if (on && input->grab)
		return -EBUSY;
	if (!on && input->grab != reader)
		return -EINVAL;
	input->grab = on ? reader : NULL;
	return 0;
}

static int revoke(struct hf_input_reader *reader, const struct hf_call *call)
{
	if (value_of(call))
		return -EINVAL;
	hf_input_reader_revoke(reader, call->fds_in[0]);
	return 0;
}

static int get_mask(const struct hf_input_reader *reader, struct hf_call *call,
		    const struct input_mask *mask)
{
	unsigned int count = hf_input_code_count(mask->type);
	struct hf_wire_array *out = &call->arrays[1];
	size_t size = MIN(BITS_TO_BYTES(count), out->len);

	memset(call->payload, 0, out->len);
	if (count && reader->masks[mask->type])
		memcpy(call->payload, reader->masks[mask->type], size);
	else
		memset(call->payload, 0xff, size);
	out->used = out->len;
	return 0;
}

static int set_mask(struct hf_input_reader *reader, struct hf_call *call,
		    const struct input_mask *mask)
{
	unsigned int count = hf_input_code_count(mask->type);
	uint64_t *bits;

	if (!count)
		return 0;
	if (mask->codes_size % sizeof(long))
		return -EINVAL;
	if (call->arrays[1].flags & HF_ARRAY_FAULT)
		return -EFAULT;
	bits = calloc(1, BITS_TO_BYTES(count));
	if (!bits)
		return -ENOMEM;
	memcpy(bits, call->payload,
	       MIN(BITS_TO_BYTES(count), call->arrays[1].len));
	free(reader->masks[mask->type]);
	reader->masks[mask->type] = bits;
	return 0;
}

static int mask_ioctl(struct hf_input_reader *reader, struct hf_call *call)
{
	struct input_mask mask;

	if (unreadable(call))
		return -EFAULT;
	memcpy(&mask, call->arg, sizeof(mask));
	return call->cmd == EVIOCGMASK ? get_mask(reader, call, &mask) :
					 set_mask(reader, call, &mask);
}

static int set_clock(struct hf_input_reader *reader, const struct hf_call *call)
{
	int clock;

	if (unreadable(call))
		return -EFAULT;
	memcpy(&clock, call->arg, sizeof(clock));
	return hf_input_reader_set_clock(reader, call->fds_in[0], clock);
}

/* -- axes ------------------------------------------------------------------ */

static int get_slots(struct hf_input *input, struct hf_call *call)
{
	size_t size = _IOC_SIZE(call->cmd);
	uint32_t code;

	if (unreadable(call))
		return -EFAULT;
	memcpy(&code, call->arg, sizeof(code));
	if (!input->num_slots || code <= ABS_MT_SLOT || code > ABS_MT_TOOL_Y)
		return -EINVAL;
	if (size < 2 * sizeof(int32_t))
		return 0;
	for (unsigned int i = 0; i < input->num_slots &&
				 (i + 2) * sizeof(int32_t) <= size; i++) {
		memcpy(call->arg + (i + 1) * sizeof(int32_t),
		       hf_input_slot(input, i, code), sizeof(int32_t));
		call->out_size = (uint32_t)((i + 2) * sizeof(int32_t));
	}
	return 0;
}

static int get_axis(const struct hf_input *input, struct hf_call *call)
{
	unsigned int axis = _IOC_NR(call->cmd) & ABS_MAX;

	if (!(input->info.ev >> EV_ABS & 1))
		return -EINVAL;
	return put_all(call, &input->abs[axis], sizeof(input->abs[axis]));
}

static int set_axis(struct hf_input *input, const struct hf_call *call)
{
	unsigned int axis = _IOC_NR(call->cmd) & ABS_MAX;
	size_t size = _IOC_SIZE(call->cmd);
	struct input_absinfo info = { 0 };

	if (!(input->info.ev >> EV_ABS & 1))
		return -EINVAL;
	if (unreadable(call))
		return -EFAULT;
	memcpy(&info, call->arg, MIN(size, sizeof(info)));
	if (size < sizeof(info))
		info.resolution = 0;
	if (axis == ABS_MT_SLOT)
		return -EINVAL;
	input->abs[axis] = info;
	return 0;
}

static int get_codes(const struct hf_input *input, struct hf_call *call)
{
	unsigned int type = _IOC_NR(call->cmd) & EV_MAX;
	const uint64_t *bits = hf_input_codes(input, type);

	return bits ? put_bits(call, bits, hf_input_code_count(type) - 1) :
		      -EINVAL;
}

/* -- dispatch ---------------------------------------------------------------- */

/* Those whose number has a range of its own. */
static int ranged_ioctl(struct hf_input *input, struct hf_call *call)
{
	unsigned int nr = _IOC_NR(call->cmd);

	if (_IOC_DIR(call->cmd) == _IOC_READ && (nr & ~EV_MAX) == 0x20)
		return get_codes(input, call);
	if (_IOC_DIR(call->cmd) == _IOC_READ && (nr & ~ABS_MAX) == 0x40)
		return get_axis(input, call);
	if (_IOC_DIR(call->cmd) == _IOC_WRITE && (nr & ~ABS_MAX) == 0xc0)
		return set_axis(input, call);
	return -EINVAL;
}

/* Those of any size. */
static int sized_ioctl(struct hf_input_reader *reader, struct hf_call *call)
{
	struct hf_input *input = reader->input;

	switch (ANY_SIZE(call->cmd)) {
	case EVIOCGPROP(0):
		return put_bits(call, &input->info.prop, INPUT_PROP_MAX);
	case EVIOCGMTSLOTS(0):
		return get_slots(input, call);
	case EVIOCGKEY(0):
		return put_state(reader, call, EV_KEY, input->key, KEY_MAX);
	case EVIOCGLED(0):
		return put_state(reader, call, EV_LED, &input->led, LED_MAX);
	case EVIOCGSND(0):
		return put_state(reader, call, EV_SND, &input->snd, SND_MAX);
	case EVIOCGSW(0):
		return put_state(reader, call, EV_SW, &input->sw, SW_MAX);
	case EVIOCGNAME(0):
		return put_text(call, input->info.name);
	case EVIOCGPHYS(0):
		return put_text(call, input->info.phys);
	case EVIOCGUNIQ(0):
		return put_text(call, input->info.uniq);
	case ANY_SIZE(EVIOCSFF):
		if (unreadable(call))
			return -EFAULT;
		return _IOC_SIZE(call->cmd) == sizeof(struct ff_effect) ?
			       -ENOSYS : -EINVAL; /* there are no forces */
	default:
		return ranged_ioctl(input, call);
	}
}

int hf_input_ioctl(struct hf_input_reader *reader, struct hf_call *call)
{
	static const int version = EV_VERSION, effects;
	struct hf_input *input = reader->input;

	switch (call->cmd) {
	case EVIOCGVERSION:
		return put_all(call, &version, sizeof(version));
	case EVIOCGID:
		return put_all(call, &input->info.id, sizeof(input->info.id));
	case EVIOCGREP:
	case EVIOCSREP:
		return repeat_ioctl(input, call);
	case EVIOCRMFF:
		return -ENOSYS;
	case EVIOCGEFFECTS:
		return put_all(call, &effects, sizeof(effects));
	case EVIOCGRAB:
		return grab(reader, value_of(call));
	case EVIOCREVOKE:
		return revoke(reader, call);
	case EVIOCGMASK:
	case EVIOCSMASK:
		return mask_ioctl(reader, call);
	case EVIOCSCLOCKID:
		return set_clock(reader, call);
	case EVIOCGKEYCODE:
	case EVIOCSKEYCODE:
	case EVIOCGKEYCODE_V2:
	case EVIOCSKEYCODE_V2:
		return keycode_ioctl(input, call);
	default:
		return sized_ioctl(reader, call);
	}
}
