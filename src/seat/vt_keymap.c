/* SPDX-License-Identifier: MIT */
/*
 * What keys mean on a VT: the keymap that loadkeys(1) loads and dumpkeys(1) shows, one
 * for all VTs, as the kernel has it before anybody has loaded another: US.
 *
 * It is made of the characters on the keys by rules, and what rules do not say is in
 * a list. The system's lock is held.
 */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seat/vt_internal.h"

/* Shift states that have a map of their own. */
#define PLAIN 0
#define SHIFT (1 << KG_SHIFT)
#define ALTGR (1 << KG_ALTGR)
#define CTRL (1 << KG_CTRL)
#define ALT (1 << KG_ALT)

#define NTYPES 15
/* A key that has no name elsewhere. */
#define LAST_CONSOLE 84
#define LATIN(c) K(KT_LATIN, c)
#define LETTER(c) K(KT_LETTER, c)
#define META(c) K(KT_META, c)

/* -- the keys with characters ---------------------------------------------- */

static const struct row {
	unsigned int first; /* key */
	const char *plain, *shift;
} rows[] = {
	{ KEY_1, "1234567890-=", "!@#$%^&*()_+" },
	{ KEY_Q, "qwertyuiop[]", "QWERTYUIOP{}" },
	{ KEY_A, "asdfghjkl;'`", "ASDFGHJKL:\"~" },
	{ KEY_BACKSLASH, "\\zxcvbnm,./", "|ZXCVBNM<>?" },
	{ KEY_SPACE, " ", " " },
	{ KEY_102ND, "<", ">" },
};

static const unsigned int states[] = { PLAIN, SHIFT, ALTGR, CTRL, SHIFT | CTRL,
				       ALT, CTRL | ALT };
#define NSTATES (sizeof(states) / sizeof(*states))

static void set_letter(struct hf_vt_keymap *map, unsigned int key, int c)
{
	map->maps[PLAIN][key] = LETTER(c);
	map->maps[SHIFT][key] = LETTER(c - 'a' + 'A');
	map->maps[ALTGR][key] = c <= 'f' ? K(KT_ASCII, c - 'a' + 20) :
					   LETTER(c);
	map->maps[CTRL][key] = LATIN(c & 0x1f);
	map->maps[SHIFT | CTRL][key] = LATIN(c & 0x1f);
	map->maps[ALT][key] = META(c);
	map->maps[CTRL | ALT][key] = META(c & 0x1f);
}

static void set_rows(struct hf_vt_keymap *map)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t j = 0; rows[i].plain[j]; j++) {
			unsigned int key = rows[i].first + j;
			int c = rows[i].plain[j];

			if (c >= 'a' && c <= 'z') {
				set_letter(map, key, c);
				continue;
			}
			map->maps[PLAIN][key] = LATIN(c);
			map->maps[SHIFT][key] = LATIN(rows[i].shift[j]);
			map->maps[ALT][key] = META(c);
		}
	}
}

/* -- all others ------------------------------------------------------------ */

/* Keys that mean the same whatever is held. */
static const struct {
	uint16_t key, value;
} everywhere[] = {
	{ KEY_LEFTCTRL, K_CTRL },   { KEY_RIGHTCTRL, K_CTRL },
	{ KEY_LEFTSHIFT, K_SHIFT }, { KEY_RIGHTSHIFT, K_SHIFT },
	{ KEY_LEFTALT, K_ALT },	    { KEY_RIGHTALT, K_ALTGR },
	{ KEY_CAPSLOCK, K_CAPS },   { KEY_NUMLOCK, K_NUM },
	{ KEY_ENTER, K_ENTER },	    { KEY_KPASTERISK, K_PSTAR },
	{ KEY_KPMINUS, K_PMINUS },  { KEY_KPPLUS, K_PPLUS },
	{ KEY_KP0, K_P0 },	    { KEY_KP1, K_P1 },
	{ KEY_KP2, K_P2 },	    { KEY_KP3, K_P3 },
	{ KEY_KP4, K_P4 },	    { KEY_KP5, K_P5 },
	{ KEY_KP6, K_P6 },	    { KEY_KP7, K_P7 },
	{ KEY_KP8, K_P8 },	    { KEY_KP9, K_P9 },
	{ KEY_KPDOT, K_PDOT },	    { KEY_KPENTER, K_PENTER },
	{ KEY_KPSLASH, K_PSLASH },  { LAST_CONSOLE, K_CONS },
	{ KEY_LINEFEED, K_BREAK },  { KEY_HOME, K_FIND },
	{ KEY_UP, K_UP },	    { KEY_PAGEUP, K_PGUP },
	{ KEY_LEFT, K_LEFT },	    { KEY_RIGHT, K_RIGHT },
	{ KEY_END, K_SELECT },	    { KEY_DOWN, K_DOWN },
	{ KEY_PAGEDOWN, K_PGDN },   { KEY_INSERT, K_INSERT },
	{ KEY_DELETE, K_REMOVE },   { KEY_PAUSE, K_PAUSE },
	{ KEY_MACRO, K_MACRO },	    { KEY_MUTE, K_F13 },
	{ KEY_VOLUMEDOWN, K_F14 },  { KEY_VOLUMEUP, K_HELP },
	{ KEY_POWER, K_DO },	    { KEY_KPEQUAL, K_F17 },
	{ KEY_KPPLUSMINUS, K_PPLUSMINUS },
};

/* What the rules do not say, or say wrongly. */
static const struct {
	uint16_t state, key, value;
} exceptions[] = {
	{ PLAIN, KEY_ESC, LATIN(27) },
	{ SHIFT, KEY_ESC, LATIN(27) },
	{ ALT, KEY_ESC, META(27) },
	{ ALTGR, KEY_2, LATIN('@') },
	{ CTRL, KEY_2, LATIN(0) },
	{ SHIFT | CTRL, KEY_2, LATIN(0) },
	{ CTRL, KEY_3, LATIN(27) },
	{ ALTGR, KEY_4, LATIN('$') },
	{ CTRL, KEY_4, LATIN(28) },
	{ CTRL, KEY_5, LATIN(29) },
	{ CTRL, KEY_6, LATIN(30) },
	{ ALTGR, KEY_7, LATIN('{') },
	{ CTRL, KEY_7, LATIN(31) },
	{ ALTGR, KEY_8, LATIN('[') },
	{ CTRL, KEY_8, LATIN(127) },
	{ ALTGR, KEY_9, LATIN(']') },
	{ ALTGR, KEY_0, LATIN('}') },
	{ ALTGR, KEY_MINUS, LATIN('\\') },
	{ CTRL, KEY_MINUS, LATIN(31) },
	{ SHIFT | CTRL, KEY_MINUS, LATIN(31) },
	{ PLAIN, KEY_BACKSPACE, LATIN(127) },
	{ SHIFT, KEY_BACKSPACE, LATIN(127) },
	{ CTRL, KEY_BACKSPACE, LATIN(8) },
	{ ALT, KEY_BACKSPACE, META(127) },
	{ PLAIN, KEY_TAB, LATIN(9) },
	{ SHIFT, KEY_TAB, LATIN(9) },
	{ ALT, KEY_TAB, META(9) },
	{ CTRL, KEY_LEFTBRACE, LATIN(27) },
	{ ALTGR, KEY_RIGHTBRACE, LATIN('~') },
	{ CTRL, KEY_RIGHTBRACE, LATIN(29) },
	{ ALT, KEY_ENTER, META(13) },
	{ CTRL, KEY_APOSTROPHE, LATIN(7) },
	{ CTRL, KEY_GRAVE, LATIN(0) },
	{ CTRL, KEY_BACKSLASH, LATIN(28) },
	{ CTRL, KEY_DOT, K_COMPOSE },
	{ CTRL, KEY_SLASH, LATIN(127) },
	{ CTRL, KEY_SPACE, LATIN(0) },
	{ ALTGR, KEY_102ND, LATIN('|') },
	{ SHIFT, KEY_NUMLOCK, K_BARENUMLOCK },
	{ PLAIN, KEY_SCROLLLOCK, K_HOLD },
	{ SHIFT, KEY_SCROLLLOCK, K_SH_MEM },
	{ ALTGR, KEY_SCROLLLOCK, K_SH_REGS },
	{ CTRL, KEY_SCROLLLOCK, K_SH_STAT },
	{ ALT, KEY_SCROLLLOCK, K_HOLD },
	{ PLAIN, KEY_SYSRQ, LATIN(28) },
	{ CTRL, KEY_SYSRQ, LATIN(28) },
	{ ALT, KEY_SYSRQ, LATIN(28) },
	{ SHIFT, KEY_PAGEUP, K_SCROLLBACK },
	{ SHIFT, KEY_PAGEDOWN, K_SCROLLFORW },
	{ ALT, KEY_LEFT, K_DECRCONSOLE },
	{ ALT, KEY_RIGHT, K_INCRCONSOLE },
	{ CTRL | ALT, KEY_DELETE, K_BOOT },
	{ CTRL | ALT, KEY_KPDOT, K_BOOT },
};

/* Digits of a character's code: with Alt in decimal, with AltGr in hexadecimal. */
static const uint8_t pad[] = { KEY_KP0, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4,
			       KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8, KEY_KP9 };

static const uint8_t functions[] = { KEY_F1, KEY_F2, KEY_F3, KEY_F4,
				     KEY_F5, KEY_F6, KEY_F7, KEY_F8,
				     KEY_F9, KEY_F10, KEY_F11, KEY_F12 };

static void set_functions(struct hf_vt_keymap *map)
{
	for (unsigned int i = 0; i < sizeof(functions); i++) {
		unsigned int key = functions[i];

		map->maps[PLAIN][key] = K(KT_FN, i);
		map->maps[SHIFT][key] = K(KT_FN, i < 10 ? i + 10 : i);
		map->maps[CTRL][key] = K(KT_FN, i);
		map->maps[ALTGR][key] = K(KT_CONS, i + 12);
		map->maps[ALT][key] = K(KT_CONS, i);
		map->maps[CTRL | ALT][key] = K(KT_CONS, i);
	}
}

static void set_values(struct hf_vt_keymap *map)
{
	for (size_t i = 0; i < sizeof(everywhere) / sizeof(*everywhere); i++)
		for (size_t j = 0; j < NSTATES; j++)
			map->maps[states[j]][everywhere[i].key] =
				everywhere[i].value;
	for (unsigned int i = 0; i < sizeof(pad); i++) {
		map->maps[ALT][pad[i]] = K(KT_ASCII, i);
		map->maps[ALTGR][pad[i]] = K(KT_ASCII, i + 10);
	}
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		map->maps[exceptions[i].state][exceptions[i].key] =
			exceptions[i].value;
}

/* -- strings --------------------------------------------------------------- */

/* What function keys type, by their value. */
static const struct {
	uint8_t index;
	const char *string;
} strings[] = {
	{ 0, "\033[[A" },   { 1, "\033[[B" },   { 2, "\033[[C" },
	{ 3, "\033[[D" },   { 4, "\033[[E" },   { 5, "\033[17~" },
	{ 6, "\033[18~" },  { 7, "\033[19~" },  { 8, "\033[20~" },
	{ 9, "\033[21~" },  { 10, "\033[23~" }, { 11, "\033[24~" },
	{ 12, "\033[25~" }, { 13, "\033[26~" }, { 14, "\033[28~" },
	{ 15, "\033[29~" }, { 16, "\033[31~" }, { 17, "\033[32~" },
	{ 18, "\033[33~" }, { 19, "\033[34~" }, { 20, "\033[1~" },
	{ 21, "\033[2~" },  { 22, "\033[3~" },  { 23, "\033[4~" },
	{ 24, "\033[5~" },  { 25, "\033[6~" },  { 26, "\033[M" },
	{ 29, "\033[P" },
};

/* Accent, letter, both in one: in Latin-1. */
static const unsigned char accents[][4] = {
	"`A\xc0", "`a\xe0", "'A\xc1", "'a\xe1", "^A\xc2", "^a\xe2", "~A\xc3",
	"~a\xe3", "\"A\xc4", "\"a\xe4", "OA\xc5", "oa\xe5", "0A\xc5", "0a\xe5",
	"AA\xc5", "aa\xe5", "AE\xc6", "ae\xe6", ",C\xc7", ",c\xe7", "`E\xc8",
	"`e\xe8", "'E\xc9", "'e\xe9", "^E\xca", "^e\xea", "\"E\xcb", "\"e\xeb",
	"`I\xcc", "`i\xec", "'I\xcd", "'i\xed", "^I\xce", "^i\xee", "\"I\xcf",
	"\"i\xef", "-D\xd0", "-d\xf0", "~N\xd1", "~n\xf1", "`O\xd2", "`o\xf2",
	"'O\xd3", "'o\xf3", "^O\xd4", "^o\xf4", "~O\xd5", "~o\xf5", "\"O\xd6",
	"\"o\xf6", "/O\xd8", "/o\xf8", "`U\xd9", "`u\xf9", "'U\xda", "'u\xfa",
	"^U\xdb", "^u\xfb", "\"U\xdc", "\"u\xfc", "'Y\xdd", "'y\xfd", "TH\xde",
	"th\xfe", "ss\xdf", "\"y\xff", "sz\xdf", "ij\xff",
};

static void set_accents(struct hf_vt_keymap *map)
{
	map->naccents = sizeof(accents) / sizeof(*accents);
	for (unsigned int i = 0; i < map->naccents; i++)
		map->accents[i] = (struct kbdiacruc){
			.diacr = accents[i][0],
			.base = accents[i][1],
			.result = accents[i][2],
		};
}

int hf_vt_keymap_string(struct hf_vt_keymap *map, unsigned int index,
			const char *string)
{
	char *copy = strdup(string);

	if (!copy)
		return -ENOMEM;
	free(map->strings[index]);
	map->strings[index] = copy;
	return 0;
}

/* -- life ------------------------------------------------------------------ */

static uint16_t *new_map(void)
{
	uint16_t *map = malloc(HF_KEYMAP_KEYS * sizeof(*map));

	for (size_t i = 0; map && i < HF_KEYMAP_KEYS; i++)
		map[i] = K_HOLE;
	return map;
}

static bool fill(struct hf_vt_keymap *map)
{
	bool ok = true;

	map->pad = -1;
	for (size_t i = 0; i < NSTATES; i++) {
		map->maps[states[i]] = new_map();
		ok = ok && map->maps[states[i]];
	}
	for (size_t i = 0; ok && i < sizeof(strings) / sizeof(*strings); i++)
		ok = !hf_vt_keymap_string(map, strings[i].index,
					  strings[i].string);
	if (!ok)
		return false;
	set_rows(map);
	set_functions(map);
	set_values(map);
	set_accents(map);
	return true;
}

struct hf_vt_keymap *hf_vt_keymap(struct hf_vts *vts)
{
	struct hf_vt_keymap *map = vts->keymap;

	if (map)
		return map;
	map = calloc(1, sizeof(*map));
	if (map && !fill(map)) {
		hf_vt_keymap_destroy(map);
		map = NULL;
	}
	vts->keymap = map;
	return map;
}

void hf_vt_keymap_destroy(struct hf_vt_keymap *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < HF_KEYMAP_MAPS; i++)
		free(map->maps[i]);
	for (size_t i = 0; i < HF_KEYMAP_STRINGS; i++)
		free(map->strings[i]);
	free(map);
}

/* -- entries --------------------------------------------------------------- */

unsigned int hf_vt_keymap_entry(const struct hf_vt_keymap *map, unsigned int table,
				unsigned int key, bool unicode)
{
	unsigned int value;

	if (!map->maps[table])
		return key ? K_HOLE : K_NOSUCHMAP;
	value = map->maps[table][key];
	return !unicode && KTYP(value) >= NTYPES ? K_HOLE : value;
}

/* The largest value of each type. */
static bool is_valid(unsigned int value, bool unicode)
{
	static const uint8_t max[NTYPES] = {
		[KT_LATIN] = 255, [KT_FN] = HF_KEYMAP_STRINGS - 1,
		[KT_SPEC] = 19,	  [KT_PAD] = NR_PAD - 1, [KT_DEAD] = NR_DEAD - 1,
		[KT_CONS] = 62,	  [KT_CUR] = 3,	   [KT_SHIFT] = NR_SHIFT - 1,
		[KT_META] = 255,  [KT_ASCII] = NR_ASCII - 1, [KT_LOCK] = NR_LOCK - 1,
		[KT_LETTER] = 255, [KT_SLOCK] = NR_LOCK - 1,
		[KT_DEAD2] = 255, [KT_BRL] = NR_BRL - 1,
	};

	return KTYP(value) < NTYPES ? KVAL(value) <= max[KTYP(value)] : unicode;
}

int hf_vt_keymap_set(struct hf_vt_keymap *map, unsigned int table,
		     unsigned int key, unsigned int value, bool unicode)
{
	if (!key && value == K_NOSUCHMAP) {
		if (table) {
			free(map->maps[table]);
			map->maps[table] = NULL;
		}
		return 0;
	}
	if (!is_valid(value, unicode))
		return -EINVAL;
	if (!key)
		return 0; /* only to try whether it would be valid */
	if (!map->maps[table]) {
		map->maps[table] = new_map();
		if (!map->maps[table])
			return -ENOMEM;
		map->maps[table][0] = K_ALLOCATED;
	}
	map->maps[table][key] = (uint16_t)value;
	return 0;
}
