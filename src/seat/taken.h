/* SPDX-License-Identifier: MIT */
/*
 * Devices that a session has taken: what a seat's manager, be it seatd or logind,
 * opens for a program that may not do so itself, and takes away while another session
 * has the seat. Whoever has it is a DRM device's master.
 *
 * The manager keeps a descriptor of what it hands out: so the program's closing it
 * ends nothing. All of it is protected by the system's lock.
 */
#ifndef HF_SEAT_TAKEN_H
#define HF_SEAT_TAKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-util.h>

#include "uapi/device.h"

struct hf_seat;

/**
 * struct hf_taken - A device that a session has taken.
 * @major: of its node; likewise @minor
 * @fd: to be handed out; the manager keeps it
 * @active: the session may use it
 * @id: the manager's
 * @refs: likewise
 * @link: likewise
 */
struct hf_taken {
	struct hf_system *sys;
	struct hf_seat *seat;
	uint32_t major, minor;
	int fd;
	bool active;
	int id;
	unsigned int refs;
	struct wl_list link;
};

/**
 * hf_taken_open() - Open a device for a session that has the seat.
 * @seat: whose input devices there are; NULL: none
 * @cred: of the program that it is for; it need not have the right to open it
 *
 * Return: NULL and errno: ENODEV for one that is not the seat's, ENOMEM, EMFILE.
 */
struct hf_taken *hf_taken_open(struct hf_system *sys, struct hf_seat *seat,
			       const struct hf_cred *cred, uint32_t major,
			       uint32_t minor);
/** hf_taken_close() - The session does not need it any more. Takes NULL. */
void hf_taken_close(struct hf_taken *taken);

/** hf_taken_pause() - The session may not use it for now. */
void hf_taken_pause(struct hf_taken *taken);
/**
 * hf_taken_resume() - The session has the seat again.
 *
 * Return: 0, or -EINVAL for one that has to be opened anew: it was revoked.
 */
int hf_taken_resume(struct hf_taken *taken);

#endif
