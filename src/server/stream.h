/* SPDX-License-Identifier: MIT */
/*
 * Streams of frames, for those who watch: what a CRTC or a connector shows.
 *
 * A stream is a socket of packets. Whoever watches asks for a frame, gets one when
 * something has changed since the last, reads it where it lies, in shared memory, and
 * asks again. So nothing is composed that nobody looks at, a slow viewer delays nobody,
 * and there is one frame for each, at most.
 *
 * On the same socket comes what the viewer's person does with keys and pointer. When it
 * is closed, all that was down goes up.
 *
 * Streams belong to the main thread; the lock protects what they consist of.
 */
#ifndef HF_SERVER_STREAM_H
#define HF_SERVER_STREAM_H

#include <stdint.h>

struct hf_server;
struct hf_streams;

/** enum hf_stream_what - What a request asks for. */
enum hf_stream_what {
	HF_STREAM_NEXT = 1, /* a frame, when something has changed */
	HF_STREAM_NOW = 2,  /* a frame, whatever has; instead of one that was asked for */
	HF_STREAM_KEY = 3,  /* a key, by its symbol: there is no answer; likewise */
	HF_STREAM_POINTER = 4,
};

/**
 * struct hf_stream_request - What a viewer says: one packet.
 * @what: enum hf_stream_what
 * @serial: of what is answered: comes back with the answer
 * @code: of a key, the keysym; of the pointer, its buttons (server/hands.h)
 * @x: of a key, whether it is down; of the pointer, where it is, pixels; likewise @y
 */
struct hf_stream_request {
	uint32_t what;
	uint32_t serial;
	uint32_t code;
	int32_t x, y;
};

/**
 * struct hf_stream_frame - A frame: one packet.
 * @serial: of the last request
 * @lit: something is shown; 0: the screen is dark, and the memory as it was
 * @width: pixels of the screen; 0: nothing was ever shown
 * @height: lines
 * @error: a negative errno: there is no picture, and the rest says nothing
 * @ns: when it began to be shown or was asked for, CLOCK_MONOTONIC
 *
 * With the first picture, and whenever the size is another, comes a descriptor: sealed
 * memory of @height lines of @width XRGB8888 pixels. It is the viewer's to read from
 * the answer to the last request until the next request.
 */
struct hf_stream_frame {
	uint32_t serial;
	uint32_t lit;
	uint32_t width, height;
	int32_t error;
	uint32_t reserved;
	uint64_t ns;
};

/** hf_streams_init() - Be ready for streams. Return: 0 or -ENOMEM. */
int hf_streams_init(struct hf_server *server);
/** hf_streams_follow() - The server has another display. The lock is held. */
void hf_streams_follow(struct hf_server *server);
/** hf_streams_finish() - Hang up on all that are left. */
void hf_streams_finish(struct hf_server *server);

/**
 * hf_stream_open() - A stream for whoever has the returned descriptor.
 * @what: a CRTC's index or a connector's name, which the display has; or "main", what
 *	somebody means who does not say (hf_kms_main_crtc())
 *
 * It ends when that is closed. Where the connector is on no CRTC, or nothing is plugged
 * in, its screen is dark. Return: the descriptor, or -EBUSY for too many, -ENOMEM,
 * -EMFILE.
 */
int hf_stream_open(struct hf_server *server, const char *what);

#endif
