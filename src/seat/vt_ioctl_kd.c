/* SPDX-License-Identifier: MIT */
/*
 * Ioctls of type 'K' on a VT: modes of screen and keyboard, lights, sound, fonts, maps
 * of characters. The order of checks is that of the kernel's. The system's lock is held.
 *
 * There is no screen, hence no font: what has to do with those fails as on a console
 * whose driver has none. Nor is there a speaker, or a port to give access to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seat/vt_internal.h"

/* -- ports and sound ------------------------------------------------------- */

#define FIRST_PORT 0x3b4
#define LAST_PORT 0x3df

/* To give a port back that one does not have is no mistake. */
static int ports(const struct hf_vt_caller *c)
{
	switch (c->call->cmd) {
	case KDADDIO:
	case KDDELIO:
		if (hf_vt_arg(c) < FIRST_PORT || hf_vt_arg(c) > LAST_PORT)
			return -EINVAL;
		return c->call->cmd == KDADDIO ? -ENXIO : 0;
	case KDENABIO:
		return -ENXIO;
	default:
		return 0;
	}
}

static int set_repeat(const struct hf_vt_caller *c)
{
	struct kbd_repeat *now = &c->vts->repeat, repeat;

	if (!c->capable)
		return -EPERM;
	if (hf_vt_get(c, &repeat, sizeof(repeat)))
		return -EFAULT;
	if (repeat.delay > 0)
		now->delay = repeat.delay;
	if (repeat.period > 0)
		now->period = repeat.period;
	return hf_vt_put(c, now, sizeof(*now));
}

/* -- modes ----------------------------------------------------------------- */

static int set_keyboard_mode(const struct hf_vt_caller *c)
{
	unsigned long mode = hf_vt_arg(c) & UINT32_MAX;

	if (!c->perm)
		return -EPERM;
	if (mode > K_OFF)
		return -EINVAL;
	c->vt->kbd.mode = (int)mode;
	if (mode == K_XLATE || mode == K_UNICODE)
		hf_vt_kbd_recompute(c->vts);
	hf_tty_flush(c->vts, c->vt);
	return 0;
}

static int set_meta(const struct hf_vt_caller *c)
{
	unsigned long meta = hf_vt_arg(c) & UINT32_MAX;

	if (!c->perm)
		return -EPERM;
	if (meta != K_METABIT && meta != K_ESCPREFIX)
		return -EINVAL;
	c->vt->kbd.meta = meta == K_ESCPREFIX;
	return 0;
}

static int put_int(const struct hf_vt_caller *c, int value)
{
	return hf_vt_put(c, &value, sizeof(value));
}

static int put_char(const struct hf_vt_caller *c, unsigned int value)
{
	char byte = (char)value;

	return hf_vt_put(c, &byte, sizeof(byte));
}

static int set_accept(const struct hf_vt_caller *c)
{
	unsigned long sig = hf_vt_arg(c);
	int pidfd;

	if (!c->capable)
		return -EPERM;
	if (sig < 1 || sig > (unsigned long)SIGRTMAX || sig == SIGKILL)
		return -EINVAL;
	pidfd = (int)syscall(SYS_pidfd_open, c->call->cred.pid, 0);
	if (pidfd < 0)
		return -EMFILE;
	if (c->vts->spawn_pidfd >= 0)
		close(c->vts->spawn_pidfd);
	c->vts->spawn_pidfd = pidfd;
	c->vts->spawn_signal = (int)sig;
	return 0;
}

/* -- lights ---------------------------------------------------------------- */

static int set_flags(const struct hf_vt_caller *c)
{
	unsigned long flags = hf_vt_arg(c);

	if (!c->perm)
		return -EPERM;
	if (flags & ~0x77ul)
		return -EINVAL;
	c->vt->kbd.flags = flags & 7;
	c->vt->kbd.default_flags = flags >> 4 & 7;
	hf_vt_kbd_changed(c->vts);
	return 0;
}

/* Anything else but three bits is to show the flags again. */
static int set_lights(const struct hf_vt_caller *c)
{
	unsigned long lights = hf_vt_arg(c) & UINT32_MAX;

	if (!c->perm)
		return -EPERM;
	c->vt->kbd.lights = lights & ~7ul ? -1 : (int)lights;
	hf_vt_kbd_changed(c->vts);
	return 0;
}

/* -- fonts and maps -------------------------------------------------------- */

static int no_font(const struct hf_vt_caller *c)
{
	return c->vt->graphics == KD_TEXT ? -ENOSYS : -EINVAL;
}

static int font_op(const struct hf_vt_caller *c)
{
	struct console_font_op op;

	if (hf_vt_get(c, &op, sizeof(op)))
		return -EFAULT;
	if (!c->perm && op.op != KD_FONT_OP_GET)
		return -EPERM;
	return op.op <= KD_FONT_OP_SET_DEFAULT ? no_font(c) : -ENOSYS;
}

static int set_palette(const struct hf_vt_caller *c)
{
	if (!c->perm)
		return -EPERM;
	return hf_vt_get(c, c->vts->palette, sizeof(c->vts->palette));
}

static int get_screen_map(const struct hf_vt_caller *c)
{
	const uint16_t *map = c->vts->screen_map;
	uint8_t bytes[E_TABSZ];

	for (unsigned int i = 0; i < E_TABSZ; i++)
		bytes[i] = (map[i] & ~UNI_DIRECT_MASK) == UNI_DIRECT_BASE &&
				   (map[i] & UNI_DIRECT_MASK) < E_TABSZ ?
				   (uint8_t)map[i] : 0;
	return hf_vt_put(c, bytes, sizeof(bytes));
}

static int set_screen_map(const struct hf_vt_caller *c)
{
	uint8_t bytes[E_TABSZ];

	if (!c->perm)
		return -EPERM;
	if (hf_vt_get(c, bytes, sizeof(bytes)))
		return -EFAULT;
	for (unsigned int i = 0; i < E_TABSZ; i++)
		c->vts->screen_map[i] = (uint16_t)(UNI_DIRECT_BASE | bytes[i]);
	return 0;
}

static int set_unicode_map(const struct hf_vt_caller *c)
{
	if (!c->perm)
		return -EPERM;
	return hf_vt_get(c, c->vts->screen_map, sizeof(c->vts->screen_map));
}

/* Which glyph of the font a character is: there is no font, so there are none. */
static int unimap(const struct hf_vt_caller *c)
{
	struct unimapdesc map;

	if (hf_vt_get(c, &map, sizeof(map)))
		return -EFAULT;
	if (!c->perm && (c->call->cmd == PIO_UNIMAP ||
			 c->vt != &c->vts->vt[c->vts->active]))
		return -EPERM;
	if (c->call->cmd == PIO_UNIMAP)
		return map.entry_ct ? -EINVAL : 0;
	map.entry_ct = 0;
	return hf_vt_put(c, &map.entry_ct, sizeof(map.entry_ct));
}

static int fontx(const struct hf_vt_caller *c)
{
	struct consolefontdesc desc;

	if (c->call->cmd == PIO_FONTX && !c->perm)
		return -EPERM;
	return hf_vt_get(c, &desc, sizeof(desc)) ? -EFAULT : no_font(c);
}

static int ioctl_screen(const struct hf_vt_caller *c)
{
	switch (c->call->cmd) {
	case KDFONTOP:
		return font_op(c);
	case PIO_FONT:
	case PIO_FONTRESET:
		return c->perm ? no_font(c) : -EPERM;
	case GIO_FONT:
		return no_font(c);
	case PIO_FONTX:
	case GIO_FONTX:
		return fontx(c);
	case PIO_CMAP:
		return set_palette(c);
	case GIO_CMAP:
		return hf_vt_put(c, c->vts->palette, sizeof(c->vts->palette));
	case PIO_SCRNMAP:
		return set_screen_map(c);
	case GIO_SCRNMAP:
		return get_screen_map(c);
	case PIO_UNISCRNMAP:
		return set_unicode_map(c);
	case GIO_UNISCRNMAP:
		return hf_vt_put(c, c->vts->screen_map,
				 sizeof(c->vts->screen_map));
	case PIO_UNIMAPCLR:
		return c->perm ? 0 : -EPERM;
	case PIO_UNIMAP:
	case GIO_UNIMAP:
		return unimap(c);
	default:
		return hf_vt_ioctl_keymap(c);
	}
}

int hf_vt_ioctl_kd(const struct hf_vt_caller *c)
{
	switch (c->call->cmd) {
	case KIOCSOUND:
	case KDMKTONE:
		return c->perm ? 0 : -EPERM;
	case KDGKBTYPE:
		return put_char(c, KB_101);
	case KDADDIO:
	case KDDELIO:
	case KDENABIO:
	case KDDISABIO:
		return ports(c);
	case KDKBDREP:
		return set_repeat(c);
	case KDSETMODE:
		return c->perm ? hf_vt_set_graphics(c->vts, c->vt,
						    hf_vt_arg(c)) : -EPERM;
	case KDGETMODE:
		return put_int(c, c->vt->graphics);
	case KDMAPDISP:
	case KDUNMAPDISP:
		return -EINVAL;
	case KDSKBMODE:
		return set_keyboard_mode(c);
	case KDGKBMODE:
		return put_int(c, c->vt->kbd.mode);
	case KDSKBMETA:
		return set_meta(c);
	case KDGKBMETA:
		return put_int(c, c->vt->kbd.meta ? K_ESCPREFIX : K_METABIT);
	case KDGKBLED:
		return put_char(c, c->vt->kbd.flags |
				   c->vt->kbd.default_flags << 4);
	case KDSKBLED:
		return set_flags(c);
	case KDGETLED:
		return put_char(c, hf_vt_kbd_lights(c->vts));
	case KDSETLED:
		return set_lights(c);
	case KDSIGACCEPT:
		return set_accept(c);
	default:
		return ioctl_screen(c);
	}
}
