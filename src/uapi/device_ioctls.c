/* SPDX-License-Identifier: MIT */
/*
 * What the ioctls of character devices carry. See the header. No state, no locks.
 */
#include <linux/input.h>
#include <linux/kd.h>
#include <linux/vt.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "uapi/device_ioctls.h"

/* Bits of keys, of which there are the most, and some more. */
#define MASK_MAX 256

static struct hf_device_ioctl input_ioctl(uint32_t cmd)
{
	struct hf_device_ioctl desc = { 0 };

	switch (cmd) {
	case EVIOCGRAB:
	case EVIOCREVOKE:
	case EVIOCRMFF:
		return (struct hf_device_ioctl){ .value = true };
	case EVIOCGMASK:
	case EVIOCSMASK:
		return (struct hf_device_ioctl){
			.in = sizeof(struct input_mask),
			.nested = MASK_MAX,
			.nested_out = cmd == EVIOCGMASK,
			.nested_ptr = offsetof(struct input_mask, codes_ptr),
			.nested_len = offsetof(struct input_mask, codes_size),
		};
	case EVIOCGKEYCODE:
	case EVIOCGKEYCODE_V2:
		desc.in = _IOC_SIZE(cmd); /* which one is asked for */
		break;
	default:
		break;
	}
	/* What slots hold: which value is asked for comes first. */
	if (_IOC_NR(cmd) == _IOC_NR(EVIOCGMTSLOTS(0)) && _IOC_SIZE(cmd) >= 4)
		desc.in = sizeof(uint32_t);
	if (_IOC_DIR(cmd) & _IOC_WRITE)
		desc.in = _IOC_SIZE(cmd);
	if (_IOC_DIR(cmd) & _IOC_READ)
		desc.out = _IOC_SIZE(cmd);
	return desc;
}

/* Virtual terminals: the numbers say nothing of the arguments. */
#define IN(type) .in = sizeof(type)
#define OUT(type) .out = sizeof(type)
#define BOTH(type) .in = sizeof(type), .out = sizeof(type)

static const struct {
	uint32_t cmd;
	struct hf_device_ioctl desc;
} vt_ioctls[] = {
	{ VT_OPENQRY, { OUT(int) } },
	{ VT_GETMODE, { OUT(struct vt_mode) } },
	{ VT_SETMODE, { IN(struct vt_mode) } },
	{ VT_GETSTATE, { BOTH(struct vt_stat) } },
	{ VT_RELDISP, { .value = true } },
	{ VT_ACTIVATE, { .value = true } },
	{ VT_WAITACTIVE, { .value = true } },
	{ VT_DISALLOCATE, { .value = true } },
	{ VT_RESIZE, { IN(unsigned short[2]) } }, /* the third is not read */
	{ VT_RESIZEX, { IN(struct vt_consize) } },
	{ VT_GETHIFONTMASK, { OUT(unsigned short) } },
	{ VT_WAITEVENT, { BOTH(struct vt_event) } },
	{ VT_SETACTIVATE, { IN(struct vt_setactivate) } },
	{ TIOCLINUX, { .in = 2, .out = 1 } },
	{ GIO_FONTX, { IN(struct consolefontdesc) } },
	{ PIO_FONTX, { IN(struct consolefontdesc) } },
	{ GIO_CMAP, { OUT(char[48]) } },
	{ PIO_CMAP, { IN(char[48]) } },
	{ KIOCSOUND, { .value = true } },
	{ KDMKTONE, { .value = true } },
	{ KDGETLED, { OUT(char) } },
	{ KDSETLED, { .value = true } },
	{ KDGKBTYPE, { OUT(char) } },
	{ KDADDIO, { .value = true } },
	{ KDDELIO, { .value = true } },
	{ KDSETMODE, { .value = true } },
	{ KDGETMODE, { OUT(int) } },
	{ GIO_SCRNMAP, { OUT(char[E_TABSZ]) } },
	{ PIO_SCRNMAP, { IN(char[E_TABSZ]) } },
	{ GIO_UNISCRNMAP, { OUT(unsigned short[E_TABSZ]) } },
	{ PIO_UNISCRNMAP, { IN(unsigned short[E_TABSZ]) } },
	{ GIO_UNIMAP, { BOTH(struct unimapdesc) } },
	{ PIO_UNIMAP, { IN(struct unimapdesc) } },
	{ KDGKBMODE, { OUT(int) } },
	{ KDSKBMODE, { .value = true } },
	{ KDGKBMETA, { OUT(int) } },
	{ KDSKBMETA, { .value = true } },
	{ KDGKBLED, { OUT(char) } },
	{ KDSKBLED, { .value = true } },
	{ KDGKBENT, { BOTH(struct kbentry) } },
	{ KDSKBENT, { IN(struct kbentry) } },
	{ KDGKBSENT, { BOTH(struct kbsentry) } },
	{ KDSKBSENT, { IN(struct kbsentry) } },
	{ KDGKBDIACR, { OUT(struct kbdiacrs) } },
	{ KDSKBDIACR, { IN(struct kbdiacrs) } },
	{ KDGKBDIACRUC, { OUT(struct kbdiacrsuc) } },
	{ KDSKBDIACRUC, { IN(struct kbdiacrsuc) } },
	{ KDGETKEYCODE, { BOTH(struct kbkeycode) } },
	{ KDSETKEYCODE, { IN(struct kbkeycode) } },
	{ KDSIGACCEPT, { .value = true } },
	{ KDKBDREP, { BOTH(struct kbd_repeat) } },
	{ KDFONTOP, { IN(struct console_font_op) } },
};

static struct hf_device_ioctl vt_ioctl(uint32_t cmd)
{
	for (size_t i = 0; i < sizeof(vt_ioctls) / sizeof(*vt_ioctls); i++)
		if (vt_ioctls[i].cmd == cmd)
			return vt_ioctls[i].desc;
	return (struct hf_device_ioctl){ 0 };
}

bool hf_device_ioctl_of_vt(uint32_t cmd)
{
	uint32_t type = cmd >> 8; /* of the old kind, without a size */

	return type == 'V' || type == 'K' || cmd == TIOCLINUX;
}

struct hf_device_ioctl hf_device_ioctl_desc(uint32_t cmd)
{
	if (hf_device_ioctl_of_vt(cmd))
		return vt_ioctl(cmd);
	if (_IOC_TYPE(cmd) == 'E')
		return input_ioctl(cmd);
	return (struct hf_device_ioctl){ 0 };
}
