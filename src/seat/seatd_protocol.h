/* SPDX-License-Identifier: MIT */
/*
 * What libseat and the seatd daemon say to each other, as version 0.7 of them does:
 * messages of a header and a body, in the machine's byte order, on a stream socket.
 * A descriptor comes along with the message that is about it.
 */
#ifndef HF_SEAT_SEATD_PROTOCOL_H
#define HF_SEAT_SEATD_PROTOCOL_H

#include <stdint.h>

#define HF_SEATD_PATH "/run/seatd.sock"
#define HF_SEATD_PATH_MAX 256 /* of a device, with its NUL */
#define HF_SEATD_MAX_DEVICES 128 /* a client */

struct hf_seatd_header {
	uint16_t opcode;
	uint16_t size; /* of the body, bytes */
};

/* What a client says: the bodies of those that have one. */
enum hf_seatd_request {
	HF_SEATD_OPEN_SEAT = 1, /* nothing; here also, s32: which VT's */
	HF_SEATD_CLOSE_SEAT,
	HF_SEATD_OPEN_DEVICE, /* u16: length; the path, with its NUL */
	HF_SEATD_CLOSE_DEVICE, /* s32: the device's id */
	HF_SEATD_DISABLE_SEAT, /* it has let go of everything */
	HF_SEATD_SWITCH_SESSION, /* s32: to which */
	HF_SEATD_PING,
};

/* What the daemon says. */
enum hf_seatd_answer {
	HF_SEATD_SEAT_OPENED = 0x8001, /* u16: length; the seat's name */
	HF_SEATD_SEAT_CLOSED,
	HF_SEATD_DEVICE_OPENED, /* s32: id; with a descriptor */
	HF_SEATD_DEVICE_CLOSED,
	HF_SEATD_DISABLE, /* an event: let go of everything, and say so */
	HF_SEATD_ENABLE, /* an event */
	HF_SEATD_PONG,
	HF_SEATD_ERROR = 0xffff, /* s32: an errno */
};

#endif
