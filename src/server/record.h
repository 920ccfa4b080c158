/* SPDX-License-Identifier: MIT */
/*
 * Recordings: what a CRTC shows, from one flip to the next.
 *
 * Whenever the CRTC shows something new a frame is captured, with the lock held, and
 * composed by the device's composer; a thread of the recording takes it from there,
 * to a file or to somebody who has asked. The program is never held up: a picture
 * for which there is no room, or whose buffers were given back before it was composed,
 * is skipped and counted.
 */
#ifndef HF_SERVER_RECORD_H
#define HF_SERVER_RECORD_H

#include <stdint.h>

struct hf_recording;
struct hf_recordings;
struct hf_server;
struct hf_video;

/**
 * struct hf_record_packet - What a stream of pictures consists of.
 * @width: pixels of a picture; 0: that was the last one
 * @height: lines; behind the packet are that many of @width XRGB8888 pixels
 * @frame_ns: as in struct hf_picture; likewise @ns, on the server's clock
 * @skipped: pictures so far
 *
 * The last packet has the time of the end in @ns.
 */
struct hf_record_packet {
	uint32_t width, height;
	uint64_t frame_ns, ns, skipped;
};

/** hf_records_init() - Be ready for recordings. Return: 0, -ENOMEM, -EMFILE. */
int hf_records_init(struct hf_server *server);
/** hf_records_follow() - The server has another display. The lock is held. */
void hf_records_follow(struct hf_server *server);
/** hf_records_finish() - End all that are left. */
void hf_records_finish(struct hf_server *server);

/**
 * hf_record_start() - Record a CRTC, by index. In the main thread.
 * @video: where to; stays the caller's
 * @recording: set to it
 *
 * Return: 0, -ENOENT for no such CRTC, -EBUSY for too many, -ENOMEM.
 */
int hf_record_start(struct hf_server *server, unsigned int crtc,
		    struct hf_video *video, struct hf_recording **recording);
/**
 * hf_record_stop() - Stop one that was started; @video has all of it then.
 * @skipped: set to the number of pictures that are missing
 * @end_ns: set to when it ended
 *
 * Return: 0, or the negative errno of the picture that could not be added.
 */
int hf_record_stop(struct hf_recording *recording, uint64_t *skipped,
		   uint64_t *end_ns);
/**
 * hf_record_to_stream() - Record for whoever has the returned descriptor.
 *
 * It ends when he shuts down his side of it, or closes it. Return: the descriptor,
 * or a negative errno.
 */
int hf_record_to_stream(struct hf_server *server, unsigned int crtc);

#endif
