/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the input devices: what the kernel calls an input_dev, and an
 * evdev_client, which is a reader here.
 */
#ifndef HF_SEAT_INPUT_DEVICE_H
#define HF_SEAT_INPUT_DEVICE_H

#include <wayland-util.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "seat/input.h"
#include "seat/internal.h"

#define HF_INPUT_WORDS(bits) (((bits) + 63) / 64)
#define HF_INPUT_KEYCODES 256

/* Events of one moment; the kernel passes them on when there are more, too. */
#define HF_INPUT_PACKET 128

/**
 * struct hf_input - A device.
 * @info: what it is; keys change with the key map
 * @plugged: it is there
 * @key: which are down; likewise @led, @snd, @sw
 * @abs: axes, their values with them
 * @mt: values of slots; @slot is the one that events are about
 * @rep: delay and period of the repeat, milliseconds
 * @repeats: the key that does
 * @keycodes: by scan code
 * @packet: what is to be passed on with the next SYN_REPORT
 * @grab: who alone is passed it
 */
struct hf_input {
	struct hf_seat *seat;
	unsigned int index;
	struct hf_input_info info;
	bool plugged;
	uint64_t key[HF_INPUT_WORDS(KEY_CNT)];
	uint64_t led, snd, sw;
	struct input_absinfo abs[ABS_CNT];
	int32_t mt[HF_INPUT_SLOTS][ABS_CNT - ABS_MT_SLOT];
	unsigned int num_slots;
	int slot, next_tracking;
	int rep[REP_CNT];
	unsigned int repeats;
	struct hf_timer repeat;
	uint16_t keycodes[HF_INPUT_KEYCODES];
	struct hf_input_code packet[HF_INPUT_PACKET];
	size_t npacket;
	struct wl_list readers;
	struct hf_input_reader *grab;
};

/**
 * struct hf_input_reader - An open file of a device.
 * @endpoint: the client's end is the descriptor
 * @clock: that events are stamped by
 * @full: it does not read: nothing is passed on until there is room
 * @dropped: some were lost, which it is to be told first
 * @stalled: it has not read for long, and is not waited for until it does
 * @written: bytes that were written to it, @nwritten of them
 * @masks: bits of codes that it wants, by type; NULL: all
 */
struct hf_input_reader {
	struct hf_input *input;
	struct wl_list link;
	struct hf_endpoint endpoint;
	int access; /* O_ACCMODE */
	int clock;
	bool full, dropped, stalled;
	uint8_t written[64 * sizeof(struct input_event)];
	size_t nwritten;
	uint64_t *masks[EV_CNT];
};

/* input_device.c */

int hf_inputs_init(struct hf_seat *seat);
void hf_inputs_finish(struct hf_seat *seat);
/** hf_input_by_path() - "/dev/input/eventN"; NULL: none, or unplugged. */
struct hf_input *hf_input_by_path(struct hf_seat *seat, const char *path);
static inline bool hf_input_bit(const uint64_t *bits, unsigned int n)
{
	return bits[n / 64] >> n % 64 & 1;
}
/** hf_input_slot() - A value of a slot; @code is above ABS_MT_SLOT. */
int32_t *hf_input_slot(struct hf_input *input, unsigned int slot,
		       unsigned int code);
/** hf_input_codes() - Bits of the codes of a type that it has. NULL: no such type. */
const uint64_t *hf_input_codes(const struct hf_input *input, unsigned int type);
/** hf_input_code_count() - How many codes a type may have; 0: no such type. */
unsigned int hf_input_code_count(unsigned int type);

/* input_event.c */

/**
 * hf_input_event() - Something happened to the device, or somebody wrote it.
 *
 * What changes nothing, or is nothing that the device has, is not passed on. What is
 * waits for a SYN_REPORT.
 */
void hf_input_event(struct hf_input *input, unsigned int type, unsigned int code,
		    int32_t value);
/** hf_input_release_keys() - All that are down go up. */
void hf_input_release_keys(struct hf_input *input);
/** hf_input_repeat() - The timer of the key that repeats. */
void hf_input_repeat(struct hf_timer *timer);

/* input_reader.c */

/** hf_input_open() - Return: 0, -ENODEV, -ENOMEM, -EMFILE, -ENFILE. */
int hf_input_open(struct hf_input *input, int flags, int *fd);
/** hf_input_reader_close() - Its descriptor hangs up: it is revoked, or closed. */
void hf_input_reader_close(struct hf_input_reader *reader);
/** hf_input_reader_revoke() - Likewise, but what it has not read is taken away. */
void hf_input_reader_revoke(struct hf_input_reader *reader, int fd);
/** hf_input_reader_of() - Whose descriptor is this? NULL: of none that lives. */
struct hf_input_reader *hf_input_reader_of(struct hf_seat *seat, int fd);
/** hf_input_pass() - Give a packet to those who read. */
void hf_input_pass(struct hf_input *input, const struct hf_input_code *codes,
		   size_t n);
/** hf_input_behind() - Is there a reader that still has much to read? */
bool hf_input_behind(struct hf_input *input);
/** hf_input_give_up() - Those are not waited for any more. */
void hf_input_give_up(struct hf_input *input);
/**
 * hf_input_reader_flush() - Take away events of a type that were not read yet.
 * @fd: the client's end
 */
void hf_input_reader_flush(struct hf_input_reader *reader, int fd,
			   unsigned int type);
/** hf_input_reader_set_clock() - Return: -EINVAL for a clock that is none of evdev's. */
int hf_input_reader_set_clock(struct hf_input_reader *reader, int fd, int clock);

/* input_ioctl.c */

int hf_input_ioctl(struct hf_input_reader *reader, struct hf_call *call);

#endif
