/* SPDX-License-Identifier: MIT */
/*
 * The seat as libseat knows it: what the seatd daemon does, for programs that connect
 * to its socket. One client has the seat, the one whose session is the VT that is
 * shown; it alone gets devices, and loses them when another VT is shown.
 *
 * Owned by the seat, protected by the system's lock. Nothing in here waits: a client
 * that does not read what it is told, or says what nobody understands, is hung up on.
 */
#ifndef HF_SEAT_SEATD_H
#define HF_SEAT_SEATD_H

#include <stdbool.h>
#include <stdint.h>

#include "uapi/device.h"

struct hf_seat;
struct hf_seatd;
struct hf_vts;
struct json_object;

/**
 * hf_seatd_create() - A seat without clients.
 * @vts: whose sessions there may be
 * @seat: that devices are opened of, beside those of DRM; NULL: none
 * @find: the device that a path leads to; 0 or a negative errno. The lock is held
 *
 * Return: NULL and errno.
 */
typedef int (*hf_seatd_find)(void *data, const char *path, uint32_t *major,
			     uint32_t *minor);
struct hf_seatd *hf_seatd_create(struct hf_system *sys, struct hf_vts *vts,
				 struct hf_seat *seat, hf_seatd_find find,
				 void *data);
/** hf_seatd_destroy() - Hang up on everybody. Takes NULL. */
void hf_seatd_destroy(struct hf_seatd *seatd);

/** hf_seatd_listens() - Is its socket there? */
bool hf_seatd_listens(const struct hf_seatd *seatd);
/** hf_seatd_stop_listening() - The socket was removed, by who is going to serve it. */
void hf_seatd_stop_listening(struct hf_seatd *seatd);

/**
 * hf_seatd_connect() - Somebody connects to the socket.
 * @cred: who
 * @client: set to the client's end, a stream socket, close-on-exec
 *
 * Return: 0, -EMFILE, -ENFILE, -ENOMEM.
 */
int hf_seatd_connect(struct hf_seatd *seatd, const struct hf_cred *cred,
		     int *client);

/** hf_seatd_fd() - Readable when hf_seatd_dispatch() has something to do. */
int hf_seatd_fd(const struct hf_seatd *seatd);
/** hf_seatd_dispatch() - Hear what clients say, and which ones are gone. */
void hf_seatd_dispatch(struct hf_seatd *seatd);

/** hf_seatd_describe() - Its clients, for the answer to "info": into an array. */
void hf_seatd_describe(const struct hf_seatd *seatd, struct json_object *array);

#endif
