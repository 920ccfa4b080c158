/* SPDX-License-Identifier: MIT */
/*
 * What the files of the VTs share. vt.c: which is in front, and who decides that;
 * tty.c: the ptys; vt_keyboard.c: what becomes of keys; vt_ioctl.c, vt_ioctl_kd.c: what
 * programs ask.
 */
#ifndef HF_SEAT_VT_INTERNAL_H
#define HF_SEAT_VT_INTERNAL_H

#include <linux/kd.h>
#include <linux/keyboard.h>
#include <linux/vt.h>
#include <sys/types.h>

#include "seat/vt.h"

/* Bytes that are kept of what is written to a tty. */
#define HF_TTY_TEXT 4096

/**
 * struct hf_tty - The pty of an open VT.
 * @master: -1: it is not open
 * @pts: minor number of the slave; @dev: st_dev of it
 * @held: the server itself has it open so often
 * @text: the last @length bytes that were written, in a ring that ends at @end;
 *	NULL: nothing was
 */
struct hf_tty {
	int master;
	uint32_t pts;
	dev_t dev;
	unsigned int held;
	char *text;
	size_t length, end;
	unsigned short rows, cols;
};

/**
 * struct hf_vt_kbd - What a VT does with keys, as keyboard.c has it.
 * @mode: K_RAW to K_OFF
 * @lights: what KDSETLED asked for; -1: they show @flags
 * @flags: LED_SCR, LED_NUM, LED_CAP as they lock
 * @lock: shift states that are inverted; @slock: for one key
 */
struct hf_vt_kbd {
	int mode;
	bool meta, repeat, crlf, applic, ckmode;
	int lights;
	uint8_t flags, default_flags;
	uint8_t lock, slock;
};

struct hf_vt {
	struct hf_tty tty;
	bool allocated;
	int graphics; /* KD_TEXT, KD_GRAPHICS */
	struct vt_mode mode;
	int pidfd; /* of the process that set the mode; -1: none */
	pid_t pid; /* of it, to be shown only */
	struct hf_vt_control *control; /* in place of a process */
	unsigned int next; /* it was asked to let that one to the front; 0: none */
	struct hf_vt_kbd kbd;
};

struct hf_vt_keymap;

struct hf_vts {
	struct hf_system *sys;
	struct hf_vt_funcs funcs;
	void *data;
	int epoll;
	struct hf_vt vt[HF_VT_MAX + 1]; /* by number; there is no 0 */
	struct hf_vt_owner owner[HF_VT_MAX + 1]; /* of nodes, by minor number */
	unsigned int active, last;
	bool locked;
	struct wl_list waits; /* hf_call.wait.vt.link */
	struct wl_list watches; /* hf_vt_watch.link */
	struct hf_vt_keymap *keymap; /* NULL: not needed so far */
	int spawn_pidfd, spawn_signal; /* KDSIGACCEPT */
	struct kbd_repeat repeat;
	int kmsg; /* TIOCL_SETKMSGREDIRECT */
	uint8_t palette[48]; /* of 16 colours */
	uint16_t screen_map[E_TABSZ];
};

/* vt.c */

/** hf_vt_reset() - Nobody controls it, and it shows text. */
void hf_vt_reset(struct hf_vts *vts, struct hf_vt *vt);
/** hf_vt_index() - Its number. */
static inline unsigned int hf_vt_index(const struct hf_vts *vts,
					const struct hf_vt *vt)
{
	return (unsigned int)(vt - vts->vt);
}
/** hf_vt_request() - Switch as a key does: to one that was in use before. Return: as
 * hf_vt_switch(). */
int hf_vt_request(struct hf_vts *vts, unsigned int number);
/** hf_vt_deallocate() - VT_DISALLOCATE. Return: 0, or -EBUSY: it is open, in front,
 * or not there. */
int hf_vt_deallocate(struct hf_vts *vts, struct hf_vt *vt);
/** hf_vt_set_mode() - VT_SETMODE of that process. Return: 0 or -EMFILE. */
int hf_vt_set_mode(struct hf_vt *vt, const struct vt_mode *mode, pid_t pid);
/** hf_vt_reldisp() - VT_RELDISP. Return: 0 or -EINVAL. */
int hf_vt_reldisp(struct hf_vts *vts, struct hf_vt *vt, unsigned long how);
/** hf_vt_set_graphics() - KDSETMODE. Return: 0 or -EINVAL. */
int hf_vt_set_graphics(struct hf_vts *vts, struct hf_vt *vt, unsigned long mode);
/** hf_vt_post() - Something happened to VTs: VT_EVENT_*. Ends waits. */
void hf_vt_post(struct hf_vts *vts, unsigned int event, unsigned int from,
		unsigned int to);
/** hf_vt_in_use() - Has anybody its tty open? */
bool hf_vt_in_use(struct hf_vts *vts, struct hf_vt *vt);

/* vt_owner.c */

void hf_vt_owner_init(struct hf_vts *vts);

/* tty.c */

/** hf_tty_open() - A new descriptor of a VT's tty. Return: it or a negative errno. */
int hf_tty_open(struct hf_vts *vts, struct hf_vt *vt, int flags);
/** hf_tty_in_use() - Is it open? Looks anew. */
bool hf_tty_in_use(struct hf_vts *vts, struct hf_vt *vt);
/** hf_tty_close() - Let go of the pty; who has the tty open gets a hang-up. */
void hf_tty_close(struct hf_vts *vts, struct hf_vt *vt);
/** hf_tty_type() - As if typed; what does not fit is lost. */
void hf_tty_type(struct hf_vt *vt, const void *bytes, size_t size);
/** hf_tty_flush() - Forget what was typed and not read. */
void hf_tty_flush(struct hf_vts *vts, struct hf_vt *vt);
/** hf_tty_resize() - Characters; 0: as it was. Return: whether it changed. */
bool hf_tty_resize(struct hf_vt *vt, unsigned int rows, unsigned int cols);

/* vt_keyboard.c */

void hf_vt_kbd_init(struct hf_vt_kbd *kbd);
/** hf_vt_kbd_changed() - Another VT is in front, or its mode is another: lights. */
void hf_vt_kbd_changed(struct hf_vts *vts);
/** hf_vt_kbd_shift_state() - 1 << KG_* of what is held. */
unsigned int hf_vt_kbd_shift_state(struct hf_vts *vts);
/** hf_vt_kbd_recompute() - The keys that are held mean something else now. */
void hf_vt_kbd_recompute(struct hf_vts *vts);
/** hf_vt_kbd_finish() - Free the keymap. */
void hf_vt_kbd_finish(struct hf_vts *vts);
/** hf_vt_kbd_lights() - LED_* as they are. */
unsigned int hf_vt_kbd_lights(const struct hf_vts *vts);

/* vt_keymap.c */

#define HF_KEYMAP_KEYS 256
#define HF_KEYMAP_MAPS 256
#define HF_KEYMAP_STRINGS 256
#define HF_KEYMAP_STRING 512
#define HF_KEYMAP_ACCENTS 256

/**
 * struct hf_vt_keymap - What keys mean, for all VTs.
 * @maps: by shift state; NULL: there is none; values as KDGKBENT has them
 * @strings: of function keys; NULL: none
 */
struct hf_vt_keymap {
	uint16_t *maps[HF_KEYMAP_MAPS];
	char *strings[HF_KEYMAP_STRINGS];
	struct kbdiacruc accents[HF_KEYMAP_ACCENTS];
	unsigned int naccents;
	/* Which keys are held, and what that shifts: */
	uint8_t down[HF_KEYMAP_KEYS];
	uint8_t shifts[NR_SHIFT];
	unsigned int shift_state;
	int pad; /* of a character's code that is typed in digits; -1: none */
	uint32_t dead; /* an accent that waits for its letter; 0: none */
	bool dead_next;
};

/** hf_vt_keymap() - The keymap, made where there is none yet. NULL: no memory. */
struct hf_vt_keymap *hf_vt_keymap(struct hf_vts *vts);
void hf_vt_keymap_destroy(struct hf_vt_keymap *map);
/** hf_vt_keymap_entry() - What KDGKBENT says. */
unsigned int hf_vt_keymap_entry(const struct hf_vt_keymap *map, unsigned int table,
				unsigned int key, bool unicode);
/** hf_vt_keymap_set() - KDSKBENT. Return: 0, -EINVAL, -ENOMEM. */
int hf_vt_keymap_set(struct hf_vt_keymap *map, unsigned int table,
		     unsigned int key, unsigned int value, bool unicode);
/** hf_vt_keymap_string() - KDSKBSENT. Return: 0 or -ENOMEM. */
int hf_vt_keymap_string(struct hf_vt_keymap *map, unsigned int index,
			const char *string);

/* vt_ioctl.c */

/**
 * struct hf_vt_caller - An ioctl, and what its caller may.
 * @capable: as one who has CAP_SYS_TTY_CONFIG: root, and the server's user
 * @perm: that, or the tty is the caller's controlling terminal
 */
struct hf_vt_caller {
	struct hf_vts *vts;
	struct hf_vt *vt;
	struct hf_call *call;
	bool capable, perm;
};

/** hf_vt_arg() - The argument where it is a number. */
unsigned long hf_vt_arg(const struct hf_vt_caller *c);
/** hf_vt_get() - Copy the argument in. Return: 0 or -EFAULT. */
int hf_vt_get(const struct hf_vt_caller *c, void *to, size_t size);
/** hf_vt_put() - Copy an answer out. Return: 0. */
int hf_vt_put(const struct hf_vt_caller *c, const void *from, size_t size);

/* vt_ioctl_kd.c: requests of type 'K'. Return: -ENOTTY for others. */
int hf_vt_ioctl_kd(const struct hf_vt_caller *c);
/* vt_ioctl_keymap.c: those of the keymap. Return: likewise. */
int hf_vt_ioctl_keymap(const struct hf_vt_caller *c);

#endif
