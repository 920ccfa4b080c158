/* SPDX-License-Identifier: MIT */
/*
 * The seat: what a display server opens besides the display. Input devices, and what
 * else belongs to a person who sits there.
 *
 * A server has one, or none. All of it is protected by the system's lock, runs as the
 * handlers of DRM ioctls do, and never blocks. It knows nothing of servers: what it
 * needs of one it is given as functions.
 */
#ifndef HF_SEAT_SEAT_H
#define HF_SEAT_SEAT_H

#include <stdint.h>

#include "uapi/call.h"
#include "uapi/system.h"

struct hf_seat;
struct hf_vts;

/* Pixels. */
struct hf_rect {
	int32_t x, y, width, height;
};

/**
 * struct hf_seat_funcs - What the server does for its seat. The lock is held.
 * @changed: the tree of paths is to be built anew
 * @ttys: hf_vts_ttys() says something else (seat/vt.h); may be NULL
 * @uevent: something happened to a device, and to all below it
 *	@devpath: its directory, such as "/sys/devices/..."
 *	@action: "add", "remove" or "change"
 * @bounds: where what is shown is on the desktop
 *	@connector: of which one; NULL: of all that are lit
 *	@all: set to what all of them cover
 *	@rect: set to the one's
 *	Return: 0, -ENOENT for no such connector, -ENOTCONN where nothing is lit there
 * @find: the device that a path leads to; 0 or a negative errno
 */
struct hf_seat_funcs {
	void (*changed)(void *data);
	void (*ttys)(void *data);
	void (*uevent)(void *data, const char *devpath, const char *action);
	int (*bounds)(void *data, const char *connector, struct hf_rect *all,
		      struct hf_rect *rect);
	int (*find)(void *data, const char *path, uint32_t *major,
		    uint32_t *minor);
};

/**
 * hf_seat_create() - A seat.
 * @data: for the functions
 *
 * Return: NULL and errno: ENOMEM.
 */
struct hf_seat *hf_seat_create(struct hf_system *sys,
			       const struct hf_seat_funcs *funcs, void *data);
/** hf_seat_destroy() - Its descriptors hang up. Takes NULL. */
void hf_seat_destroy(struct hf_seat *seat);

/** hf_seat_vts() - Its virtual terminals. */
struct hf_vts *hf_seat_vts(const struct hf_seat *seat);

/**
 * hf_seat_open() - Open one of its nodes.
 * @path: of the node, as the tree has it
 * @flags: O_*
 * @fd: set to the client's descriptor, close-on-exec
 *
 * Return: 0, -ENXIO for no such node, -ENODEV for one whose device is gone, -EACCES,
 * -ENOMEM, -EMFILE, -ENFILE.
 */
int hf_seat_open(struct hf_seat *seat, const struct hf_cred *cred,
		 const char *path, int flags, int *fd);

/**
 * hf_seat_set_owner() - Whose a node is to be, as chown(2) and chmod(2) say.
 * @uid: UINT32_MAX: as before; likewise @gid, @mode
 *
 * That is so for terminals, which are handed from user to user.
 *
 * Return: 0, -ENXIO, -EPERM.
 */
int hf_seat_set_owner(struct hf_seat *seat, const struct hf_cred *cred,
		      const char *path, uint32_t uid, uint32_t gid,
		      uint32_t mode);

/**
 * hf_seat_ioctl() - Run an ioctl on a descriptor of its.
 * @call: cmd, arg, arrays as uapi/device_ioctls.h says; fds_in[0] is the descriptor.
 *	Sets value and out_size.
 *
 * Return: 0, a negative errno (-ENODEV for a descriptor that is none of a living
 * device), or HF_CALL_PARKED.
 */
int hf_seat_ioctl(struct hf_seat *seat, struct hf_call *call);

/** hf_seat_revoke() - EVIOCREVOKE of a descriptor that is an input device's. */
void hf_seat_revoke(struct hf_seat *seat, int fd);

/** hf_seat_seatd() - What answers at seatd's socket (seat/seatd.h). */
struct hf_seatd *hf_seat_seatd(const struct hf_seat *seat);

#endif
