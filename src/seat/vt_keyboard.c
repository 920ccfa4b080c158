/* SPDX-License-Identifier: MIT */
/*
 * From keys to what is typed into the VT in front, in the way of the kernel's keyboard
 * driver: the keymap gives a key's value by what is shifted, its type says what to do.
 * The system's lock is held.
 */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seat/vt_internal.h"

#define NTYPES 15

/* A key event on its way. */
struct key {
	struct hf_vts *vts;
	struct hf_vt *vt; /* in front */
	struct hf_vt_keymap *map;
	unsigned int code;
	bool up, repeat;
};

void hf_vt_kbd_init(struct hf_vt_kbd *kbd)
{
	*kbd = (struct hf_vt_kbd){
		.mode = K_UNICODE, .meta = true, .repeat = true, .lights = -1,
	};
}

void hf_vt_kbd_finish(struct hf_vts *vts)
{
	hf_vt_keymap_destroy(vts->keymap);
	vts->keymap = NULL;
}

unsigned int hf_vt_kbd_lights(const struct hf_vts *vts)
{
	const struct hf_vt_kbd *kbd = &vts->vt[vts->active].kbd;

	return kbd->lights >= 0 ? (unsigned int)kbd->lights : kbd->flags;
}

void hf_vt_kbd_changed(struct hf_vts *vts)
{
	if (vts->funcs.leds)
		vts->funcs.leds(vts->data, hf_vt_kbd_lights(vts));
	hf_vt_kbd_recompute(vts);
}

unsigned int hf_vt_kbd_shift_state(struct hf_vts *vts)
{
	return vts->keymap ? vts->keymap->shift_state : 0;
}

void hf_vt_kbd_recompute(struct hf_vts *vts)
{
	struct hf_vt_keymap *map = vts->keymap;

	if (!map)
		return;
	memset(map->shifts, 0, sizeof(map->shifts));
	map->shift_state = 0;
	for (unsigned int i = 0; i < HF_KEYMAP_KEYS; i++) {
		unsigned int value = map->maps[0] ? map->maps[0][i] : K_HOLE;
		unsigned int shift = KVAL(value);

		if (!map->down[i] ||
		    (KTYP(value) != KT_SHIFT && KTYP(value) != KT_SLOCK))
			continue;
		if (shift == KVAL(K_CAPSSHIFT))
			shift = KVAL(K_SHIFT);
		if (shift >= NR_SHIFT)
			continue;
		map->shifts[shift]++;
		map->shift_state |= 1u << shift;
	}
}

/* -- typing ---------------------------------------------------------------- */

static void type_byte(const struct key *k, unsigned int byte)
{
	uint8_t b = (uint8_t)byte;

	hf_tty_type(k->vt, &b, 1);
}

static void type_string(const struct key *k, const char *string)
{
	hf_tty_type(k->vt, string, strlen(string));
}

static void type_utf8(const struct key *k, uint32_t c)
{
	uint8_t bytes[4];
	size_t n = 0;

	if (c < 0x80) {
		bytes[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		bytes[n++] = (uint8_t)(0xc0 | c >> 6);
		bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		bytes[n++] = (uint8_t)(0xe0 | c >> 12);
		bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		bytes[n++] = (uint8_t)(0xf0 | (c >> 18 & 7));
		bytes[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
	}
	hf_tty_type(k->vt, bytes, n);
}

static void type_character(const struct key *k, uint32_t c)
{
	if (k->vt->kbd.mode == K_UNICODE)
		type_utf8(k, c);
	else if (c < 0x100)
		type_byte(k, c);
}

/* -- accents --------------------------------------------------------------- */

/* The accent that waits, put on this letter. */
static uint32_t accented(struct hf_vt_keymap *map, uint32_t letter)
{
	uint32_t accent = map->dead;

	map->dead = 0;
	for (unsigned int i = 0; i < map->naccents; i++)
		if (map->accents[i].diacr == accent &&
		    map->accents[i].base == letter)
			return map->accents[i].result;
	return letter == ' ' || letter == accent ? accent : 0;
}

static void put_character(const struct key *k, uint32_t c)
{
	struct hf_vt_keymap *map = k->map;
	uint32_t accent = map->dead, both;

	if (accent) {
		both = accented(map, c);
		if (both) {
			type_character(k, both);
			return;
		}
		type_character(k, accent);
	}
	if (map->dead_next) {
		map->dead_next = false;
		map->dead = c;
		return;
	}
	type_character(k, c);
}

static void dead_key(const struct key *k, uint32_t accent)
{
	if (k->up)
		return;
	k->map->dead = k->map->dead ? accented(k->map, accent) : accent;
}

/* -- what types of keys do ------------------------------------------------- */

static void do_latin(const struct key *k, unsigned int value)
{
	if (!k->up)
		put_character(k, value);
}

static void do_function(const struct key *k, unsigned int value)
{
	if (!k->up && k->map->strings[value])
		type_string(k, k->map->strings[value]);
}

static void lock_toggle(const struct key *k, unsigned int light)
{
	if (k->up || k->repeat)
		return;
	k->vt->kbd.flags ^= light;
	hf_vt_kbd_changed(k->vts);
}

static void enter(const struct key *k)
{
	type_byte(k, '\r');
	if (k->vt->kbd.crlf)
		type_byte(k, '\n');
}

/* The next one that is in use, in that direction, round and round. */
static void step_console(const struct key *k, int by)
{
	unsigned int n = k->vts->active;

	do {
		n = (n - 1 + HF_VT_MAX + (unsigned int)by) % HF_VT_MAX + 1;
	} while (n != k->vts->active && !k->vts->vt[n].allocated);
	hf_vt_request(k->vts, n);
}

static void spawn_console(const struct key *k)
{
	if (k->vts->spawn_pidfd >= 0)
		syscall(SYS_pidfd_send_signal, k->vts->spawn_pidfd,
			k->vts->spawn_signal, NULL, 0);
}

static void do_special(const struct key *k, unsigned int value)
{
	if (k->up || k->vt->kbd.mode == K_RAW ||
	    k->vt->kbd.mode == K_MEDIUMRAW || k->vt->kbd.mode == K_OFF)
		return;
	switch (K(KT_SPEC, value)) {
	case K_ENTER:
		enter(k);
		break;
	case K_CONS:
		hf_vt_request(k->vts, k->vts->last);
		break;
	case K_CAPS:
		lock_toggle(k, LED_CAP);
		break;
	case K_CAPSON:
		if (!(k->vt->kbd.flags & LED_CAP))
			lock_toggle(k, LED_CAP);
		break;
	case K_NUM:
		if (k->vt->kbd.applic)
			type_string(k, "\033OP");
		else
			lock_toggle(k, LED_NUM);
		break;
	case K_BARENUMLOCK:
		lock_toggle(k, LED_NUM);
		break;
	case K_COMPOSE:
		k->map->dead_next = true;
		break;
	case K_DECRCONSOLE:
		step_console(k, -1);
		break;
	case K_INCRCONSOLE:
		step_console(k, 1);
		break;
	case K_SPAWNCONSOLE:
		spawn_console(k);
		break;
	default:
		break; /* there is nothing to show, scroll, or boot */
	}
}

static void do_cursor(const struct key *k, unsigned int value)
{
	char text[] = "\033[ ";

	if (k->up)
		return;
	text[1] = k->vt->kbd.ckmode ? 'O' : '[';
	text[2] = "BDCA"[value & 3];
	type_string(k, text);
}

/* With num lock off the pad is a middle block: a value of those instead. */
static bool do_pad_off(const struct key *k, unsigned int value)
{
	static const uint16_t functions[] = {
		[KVAL(K_P0)] = K_INSERT, [KVAL(K_P1)] = K_SELECT,
		[KVAL(K_P2)] = K_DOWN,	 [KVAL(K_P3)] = K_PGDN,
		[KVAL(K_P4)] = K_LEFT,	 [KVAL(K_P6)] = K_RIGHT,
		[KVAL(K_P7)] = K_FIND,	 [KVAL(K_P8)] = K_UP,
		[KVAL(K_P9)] = K_PGUP,
	};
	unsigned int to = 0;

	if (value < sizeof(functions) / sizeof(*functions))
		to = functions[value];
	if (value == KVAL(K_PDOT) || value == KVAL(K_PCOMMA))
		to = K_REMOVE;
	if (value == KVAL(K_P5)) {
		type_string(k, "\033[G");
		return true;
	}
	if (to && KTYP(to) == KT_CUR)
		do_cursor(k, KVAL(to));
	else if (to)
		do_function(k, KVAL(to));
	return to;
}

static void do_pad(const struct key *k, unsigned int value)
{
	static const char characters[] = "0123456789+-*/\015,.?()#";
	static const char applic[] = "pqrstuvwxylSRQMnnmPQS";
	char text[] = "\033O ";

	if (k->up || value >= sizeof(characters) - 1)
		return;
	if (k->vt->kbd.applic && !(k->map->shift_state & 1u << KG_SHIFT)) {
		text[2] = applic[value];
		type_string(k, text);
		return;
	}
	if (!(k->vt->kbd.flags & LED_NUM) && do_pad_off(k, value))
		return;
	if (value == KVAL(K_PENTER))
		enter(k);
	else
		type_byte(k, (unsigned char)characters[value]);
}

static void do_dead(const struct key *k, unsigned int value)
{
	static const char accents[] = "`'^~\",_U.*=c";

	if (value < sizeof(accents) - 1)
		dead_key(k, (unsigned char)accents[value]);
}

static void do_dead2(const struct key *k, unsigned int value)
{
	dead_key(k, value);
}

static void do_console(const struct key *k, unsigned int value)
{
	if (!k->up)
		hf_vt_request(k->vts, value + 1);
}

static void do_shift(const struct key *k, unsigned int value)
{
	struct hf_vt_keymap *map = k->map;
	unsigned int before = map->shift_state;

	if (k->repeat || value >= NR_SHIFT)
		return;
	if (value == KVAL(K_CAPSSHIFT)) {
		value = KVAL(K_SHIFT);
		if (!k->up && (k->vt->kbd.flags & LED_CAP))
			lock_toggle(k, LED_CAP);
	}
	/* A key that went down elsewhere may come up here. */
	if (!k->up)
		map->shifts[value]++;
	else if (map->shifts[value])
		map->shifts[value]--;
	if (map->shifts[value])
		map->shift_state |= 1u << value;
	else
		map->shift_state &= ~(1u << value);

	/* The digits of a character's code are complete. */
	if (k->up && map->shift_state != before && map->pad >= 0) {
		if (k->vt->kbd.mode == K_UNICODE)
			type_utf8(k, (uint32_t)map->pad);
		else
			type_byte(k, (unsigned int)map->pad & 0xff);
		map->pad = -1;
	}
}

static void do_meta(const struct key *k, unsigned int value)
{
	if (k->up)
		return;
	if (k->vt->kbd.meta) {
		type_byte(k, '\033');
		type_byte(k, value);
	} else {
		type_byte(k, value | 0x80);
	}
}

static void do_ascii(const struct key *k, unsigned int value)
{
	int base = value < 10 ? 10 : 16;
	int digit = (int)(value < 10 ? value : value - 10);

	if (k->up || value >= NR_ASCII)
		return;
	if (k->map->pad < 0)
		k->map->pad = digit;
	else if (k->map->pad < 0x110000)
		k->map->pad = k->map->pad * base + digit;
}

static void do_lock(const struct key *k, unsigned int value)
{
	if (!k->up && !k->repeat)
		k->vt->kbd.lock ^= (uint8_t)(1u << (value & 7));
}

static void do_slock(const struct key *k, unsigned int value)
{
	do_shift(k, value);
	if (k->up || k->repeat)
		return;
	k->vt->kbd.slock ^= (uint8_t)(1u << (value & 7));
	/* Where that leads nowhere, it is as if it had not been pressed. */
	if (!k->map->maps[k->vt->kbd.lock ^ k->vt->kbd.slock])
		k->vt->kbd.slock = (uint8_t)(1u << (value & 7));
}

static void do_nothing(const struct key *k, unsigned int value)
{
	(void)k;
	(void)value;
}

static void (*const handlers[NTYPES])(const struct key *, unsigned int) = {
	[KT_LATIN] = do_latin,	[KT_FN] = do_function, [KT_SPEC] = do_special,
	[KT_PAD] = do_pad,	[KT_DEAD] = do_dead,   [KT_CONS] = do_console,
	[KT_CUR] = do_cursor,	[KT_SHIFT] = do_shift, [KT_META] = do_meta,
	[KT_ASCII] = do_ascii,	[KT_LOCK] = do_lock,   [KT_LETTER] = do_latin,
	[KT_SLOCK] = do_slock,	[KT_DEAD2] = do_dead2, [KT_BRL] = do_nothing,
};

/* -- raw modes ------------------------------------------------------------- */

/* Keys beyond the first block send 0xe0 and one of the first block's codes. */
static const uint8_t extended[HF_KEYMAP_KEYS] = {
	[KEY_KPENTER] = 0x1c,	[KEY_RIGHTCTRL] = 0x1d, [KEY_KPSLASH] = 0x35,
	[KEY_RIGHTALT] = 0x38,	[KEY_HOME] = 0x47,	[KEY_UP] = 0x48,
	[KEY_PAGEUP] = 0x49,	[KEY_LEFT] = 0x4b,	[KEY_RIGHT] = 0x4d,
	[KEY_END] = 0x4f,	[KEY_DOWN] = 0x50,	[KEY_PAGEDOWN] = 0x51,
	[KEY_INSERT] = 0x52,	[KEY_DELETE] = 0x53,	[KEY_MUTE] = 0x20,
	[KEY_VOLUMEDOWN] = 0x2e, [KEY_VOLUMEUP] = 0x30,	[KEY_POWER] = 0x5e,
	[KEY_LEFTMETA] = 0x5b,	[KEY_RIGHTMETA] = 0x5c, [KEY_COMPOSE] = 0x5d,
	[KEY_SLEEP] = 0x5f,	[KEY_WAKEUP] = 0x63,	[KEY_NEXTSONG] = 0x19,
	[KEY_PLAYPAUSE] = 0x22, [KEY_PREVIOUSSONG] = 0x10,
	[KEY_STOPCD] = 0x24,
};

/* Scan codes of set 1. */
static void type_raw(const struct key *k)
{
	unsigned int up = k->up ? 0x80 : 0;

	if (k->code == KEY_PAUSE) {
		type_byte(k, 0xe1);
		type_byte(k, 0x1d | up);
		type_byte(k, 0x45 | up);
	} else if (k->code == KEY_SYSRQ) {
		bool alt = k->map->down[KEY_LEFTALT] ||
			   k->map->down[KEY_RIGHTALT];

		if (alt) {
			type_byte(k, 0x54 | up);
		} else {
			type_byte(k, 0xe0);
			type_byte(k, up ? 0xb7 : 0x2a);
			type_byte(k, 0xe0);
			type_byte(k, up ? 0xaa : 0x37);
		}
	} else if (k->code < HF_KEYMAP_KEYS && extended[k->code]) {
		type_byte(k, 0xe0);
		type_byte(k, extended[k->code] | up);
	} else if (k->code <= KEY_F12) {
		type_byte(k, k->code | up);
	}
}

/* Key codes, of seven bits or in three bytes. */
static void type_medium_raw(const struct key *k)
{
	unsigned int up = k->up ? 0x80 : 0;

	if (k->code < 128) {
		type_byte(k, k->code | up);
		return;
	}
	type_byte(k, up);
	type_byte(k, k->code >> 7 | 0x80);
	type_byte(k, k->code | 0x80);
}

/* -- keys ------------------------------------------------------------------ */

/* Its value as things are shifted; -1: there is no map for that. */
static int value_of(const struct key *k)
{
	const struct hf_vt_kbd *kbd = &k->vt->kbd;
	unsigned int table = ((k->map->shift_state | kbd->slock) ^ kbd->lock) &
			     (HF_KEYMAP_MAPS - 1);
	const uint16_t *map = k->map->maps[table];
	unsigned int value;

	if (!map)
		return -1;
	value = map[k->code];
	if (KTYP(value) != KT_LETTER || !(kbd->flags & LED_CAP))
		return (int)value;
	map = k->map->maps[table ^ 1u << KG_SHIFT];
	return (int)(map ? map[k->code] : value);
}

static void translate(const struct key *k)
{
	struct hf_vt_kbd *kbd = &k->vt->kbd;
	bool text = kbd->mode == K_UNICODE || kbd->mode == K_XLATE;
	int value = k->code < HF_KEYMAP_KEYS ? value_of(k) : K_HOLE;
	unsigned int type;

	if (value < 0) {
		hf_vt_kbd_recompute(k->vts);
		kbd->slock = 0;
		return;
	}
	type = KTYP((unsigned int)value);
	if (!text && type != KT_SPEC && type != KT_SHIFT)
		return;
	if (type >= NTYPES) {
		if (!k->up)
			put_character(k, (uint32_t)value ^ 0xf000);
		return;
	}
	handlers[type](k, KVAL((unsigned int)value));
	if (type != KT_SLOCK)
		kbd->slock = 0;
}

void hf_vt_key(struct hf_vts *vts, unsigned int code, int value)
{
	struct key k = {
		.vts = vts,
		.vt = &vts->vt[vts->active],
		.map = hf_vt_keymap(vts),
		.code = code,
		.up = value == 0,
		.repeat = value == 2,
	};

	/* Buttons are no keys. */
	if (!k.map || code == KEY_RESERVED ||
	    (code >= BTN_MISC && code < KEY_OK))
		return;
	if (code < HF_KEYMAP_KEYS)
		k.map->down[code] = value != 0;
	if (k.vt->kbd.mode == K_RAW)
		type_raw(&k);
	else if (k.vt->kbd.mode == K_MEDIUMRAW)
		type_medium_raw(&k);
	if (!k.repeat || k.vt->kbd.repeat)
		translate(&k);
}
