/* SPDX-License-Identifier: MIT */
/*
 * Virtual terminals: /dev/tty0 to /dev/tty63 of a machine that need not have any.
 *
 * They know what the kernel's know: which one is in front, who decides when that
 * changes, text or graphics, what becomes of keys. An open one is a real tty, a pty of
 * the server's. There is no screen behind it: what programs write is kept as it is, as
 * far as there is room, and shown nowhere.
 *
 * Protected by the system's lock, like all of the seat.
 */
#ifndef HF_SEAT_VT_H
#define HF_SEAT_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-util.h>

#include "uapi/call.h"
#include "uapi/system.h"

/* They are numbered from 1. */
#define HF_VT_MAX 63
/* Of a device node; /dev/tty0 has minor 0, the others their number. */
#define HF_VT_MAJOR 4
/* The kernel does not make one before somebody wants it; a login manager has these. */
#define HF_VT_ALLOCATED 6
/* Characters, as long as nobody says otherwise. */
#define HF_VT_ROWS 25
#define HF_VT_COLS 80

struct hf_vts;

/**
 * struct hf_vt_funcs - What the VTs need of others. The lock is held.
 * @ttys: hf_vts_ttys() says something else
 * @leds: the keyboard's lights are to be so: LED_SCR, LED_NUM, LED_CAP; may be NULL
 */
struct hf_vt_funcs {
	void (*ttys)(void *data);
	void (*leds)(void *data, unsigned int leds);
};

/**
 * hf_vts_create() - A set of VTs; the first is in front.
 * @sys: whose lock protects them
 * @funcs: may be NULL
 *
 * Return: NULL and errno: ENOMEM, EMFILE.
 */
struct hf_vts *hf_vts_create(struct hf_system *sys,
			     const struct hf_vt_funcs *funcs, void *data);
/** hf_vts_destroy() - Its ttys hang up. Takes NULL. */
void hf_vts_destroy(struct hf_vts *vts);

/** hf_vts_fd() - Readable when hf_vts_dispatch() has something to do. */
int hf_vts_fd(const struct hf_vts *vts);
/** hf_vts_dispatch() - Take what programs have written, see which ttys are closed. */
void hf_vts_dispatch(struct hf_vts *vts);

/**
 * hf_vts_ttys() - Which ptys the VTs are.
 * @ttys: for 0 to HF_VT_MAX, set to the pty's minor number + 1, 0: it has none
 *
 * Return: st_dev of those.
 */
uint64_t hf_vts_ttys(const struct hf_vts *vts, uint32_t ttys[HF_VT_MAX + 1]);

/**
 * hf_vt_open() - Open a tty.
 * @minor: 0: the one in front; 1 to HF_VT_MAX
 * @flags: as for open(2)
 * @fd: set to a descriptor of its own, close-on-exec
 *
 * It becomes nobody's controlling terminal by that.
 *
 * Return: 0, -ENXIO, -EMFILE, -ENFILE, -ENOMEM, -ENOSPC.
 */
int hf_vt_open(struct hf_vts *vts, unsigned int minor, int flags, int *fd);

/**
 * struct hf_vt_owner - Whose a node is, and what others may.
 * @mode: permissions
 */
struct hf_vt_owner {
	uid_t uid;
	gid_t gid;
	uint32_t mode;
};
/** hf_vt_owner() - Of a node. @minor: 0 to HF_VT_MAX */
struct hf_vt_owner hf_vt_owner(const struct hf_vts *vts, unsigned int minor);
/**
 * hf_vt_set_owner() - As chown(2) and chmod(2).
 * @uid: UINT32_MAX: as before; likewise @gid, @mode
 *
 * Return: 0 or -EPERM.
 */
int hf_vt_set_owner(struct hf_vts *vts, const struct hf_cred *cred,
		    unsigned int minor, uint32_t uid, uint32_t gid,
		    uint32_t mode);
/** hf_vt_may_open() - May a process open a node so? Groups are the one it has. */
bool hf_vt_may_open(const struct hf_vts *vts, const struct hf_cred *cred,
		    unsigned int minor, int flags);

/**
 * hf_vt_of() - Which VT is this descriptor?
 *
 * Return: its number, or 0.
 */
unsigned int hf_vt_of(struct hf_vts *vts, int fd);

/**
 * hf_vt_ioctl() - Run an ioctl on a VT.
 * @call: as for hf_seat_ioctl()
 * @number: which one, hf_vt_of()
 *
 * Return: 0 (and call->value), a negative errno, or HF_CALL_PARKED.
 */
int hf_vt_ioctl(struct hf_vts *vts, struct hf_call *call, unsigned int number);

/** hf_vt_active() - The number of the one in front. */
unsigned int hf_vt_active(const struct hf_vts *vts);

/**
 * hf_vt_switch() - Bring one to the front, as VT_ACTIVATE does.
 *
 * Where a process controls the one in front, that happens when it agrees.
 *
 * Return: 0; -ENXIO: no such number; -EBUSY: it was not tried, for switching is
 * locked, or the one in front shows graphics and nobody controls it.
 */
int hf_vt_switch(struct hf_vts *vts, unsigned int number);

/**
 * hf_vt_key() - A key was pressed (1), released (0), or repeats (2).
 * @code: KEY_*
 *
 * As the kernel's keyboard driver: in text modes characters go to the tty in front and
 * some keys switch; in raw modes scan codes go there; else nothing happens.
 */
void hf_vt_key(struct hf_vts *vts, unsigned int code, int value);

/**
 * struct hf_vt_watch - To be told of switches.
 * @switched: is called when @to is in front
 */
struct hf_vt_watch {
	void (*switched)(struct hf_vt_watch *watch, unsigned int from,
			 unsigned int to);
	struct wl_list link;
};
void hf_vt_watch(struct hf_vts *vts, struct hf_vt_watch *watch);
void hf_vt_unwatch(struct hf_vt_watch *watch);

/**
 * struct hf_vt_control - Who decides on a VT within the server, as a process does with
 * VT_SETMODE.
 * @release: is asked to let go of it; hf_vt_release() answers, now or later
 * @acquire: it is in front
 */
struct hf_vt_control {
	void (*release)(struct hf_vt_control *control);
	void (*acquire)(struct hf_vt_control *control);
};

/**
 * hf_vt_take() - Take control of a VT: process mode, graphics, keyboard off.
 * @number: of 1 to HF_VT_MAX
 *
 * It counts as open. Return: 0, -ENXIO, -EBUSY: another one in the server has it.
 */
int hf_vt_take(struct hf_vts *vts, unsigned int number,
	       struct hf_vt_control *control);
/** hf_vt_give_back() - It is a text terminal again, and switches by itself. */
void hf_vt_give_back(struct hf_vts *vts, struct hf_vt_control *control);
/** hf_vt_release() - The answer to release(), as VT_RELDISP. */
void hf_vt_release(struct hf_vts *vts, struct hf_vt_control *control, bool yes);

/**
 * hf_vt_describe() - What there is to say of a VT.
 * @graphics: KD_GRAPHICS
 * @keyboard: K_RAW to K_OFF
 * @process: of VT_PROCESS; 0: it switches by itself; -1: the server's
 *
 * Return: 0 or -ENXIO.
 */
struct hf_vt_info {
	bool open, graphics;
	int keyboard, process;
};
int hf_vt_describe(struct hf_vts *vts, unsigned int number,
		   struct hf_vt_info *info);

/**
 * hf_vt_text() - What programs wrote to it last.
 *
 * Return: bytes that were copied to @text, @size at most.
 */
size_t hf_vt_text(struct hf_vts *vts, unsigned int number, char *text,
		  size_t size);

#endif
