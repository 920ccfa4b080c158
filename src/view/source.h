/* SPDX-License-Identifier: MIT */
/*
 * A viewer's end of a stream of frames (server/stream.h).
 *
 * Owned by one thread. Frames that are asked for come when something has changed; but
 * a program may draw into what is shown without a word, so one is asked for in any case
 * now and then, less often while that finds nothing.
 */
#ifndef HF_VIEW_SOURCE_H
#define HF_VIEW_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct hf_source - A stream.
 * @fd: its socket
 * @asked: a frame was asked for, and has not come
 * @lit: the last one shows something
 * @width: of it, pixels; 0: nothing was ever shown; likewise @height
 * @pixels: XRGB8888; valid until the next request
 *
 * The rest is its own.
 */
struct hf_source {
	int fd;
	bool asked, lit;
	uint32_t width, height;
	const uint32_t *pixels;
	size_t size;
	uint32_t serial;
	bool in_any_case;	/* so it was asked for */
	uint64_t last_ns;	/* when the last frame came */
	uint64_t patience_ns;	/* until the next is asked for in any case */
};

/** hf_source_init() - On a stream's socket, which it owns. */
void hf_source_init(struct hf_source *source, int fd);
void hf_source_finish(struct hf_source *source);

/**
 * hf_source_ask() - Somebody wants to see the next frame; call whenever that is so.
 *
 * Return: 0, or a negative errno: the stream has ended.
 */
int hf_source_ask(struct hf_source *source);
/** hf_source_ask_now() - One in any case. Returns as hf_source_ask(). */
int hf_source_ask_now(struct hf_source *source);
/** hf_source_key() - A key, by its symbol, goes down or up. Returns as hf_source_ask(). */
int hf_source_key(struct hf_source *source, uint32_t keysym, bool down);
/** hf_source_pointer() - The pointer is there, with these buttons (server/hands.h). */
int hf_source_pointer(struct hf_source *source, int x, int y, uint32_t buttons);

/** hf_source_timeout() - Milliseconds until hf_source_ask() has something to do. */
int hf_source_timeout(const struct hf_source *source);

/**
 * hf_source_receive() - Take what has come; does not wait.
 *
 * Return: 1 for a frame, 0 for nothing yet, or a negative errno: the stream has ended.
 */
int hf_source_receive(struct hf_source *source);
/** hf_source_differed() - The last frame did, or did not, differ from the one before. */
void hf_source_differed(struct hf_source *source, bool differed);

#endif
