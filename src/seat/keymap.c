/* SPDX-License-Identifier: MIT */
/*
 * Which key makes which character. See the header.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

#include "seat/input_device.h"
#include "seat/internal.h"
#include "seat/keymap.h"

/* What xkb adds to the kernel's codes. */
#define XKB_OFFSET 8

struct hf_keymap_xkb {
	struct xkb_context *context;
	struct xkb_keymap *keymap;
};

void hf_keymap_destroy(struct hf_keymap_xkb *xkb)
{
	if (!xkb)
		return;
	xkb_keymap_unref(xkb->keymap);
	xkb_context_unref(xkb->context);
	free(xkb);
}

/* Return: NULL and errno: ENODATA, ENOMEM. */
static struct hf_keymap_xkb *create(const char *layout)
{
	struct hf_keymap_xkb *xkb = calloc(1, sizeof(*xkb));
	char name[64] = "";
	struct xkb_rule_names names = { 0 };
	char *colon;

	if (layout) {
		snprintf(name, sizeof(name), "%s", layout);
		colon = strchr(name, ':');
		if (colon)
			*colon = '\0';
		names.layout = name;
		names.variant = colon ? colon + 1 : NULL;
	}
	if (!xkb)
		return NULL;
	errno = ENOMEM;
	xkb->context = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	if (xkb->context) {
		xkb_context_set_log_level(xkb->context,
					  XKB_LOG_LEVEL_CRITICAL);
		xkb->keymap = xkb_keymap_new_from_names(
			xkb->context, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
		errno = ENODATA;
	}
	if (!xkb->keymap) {
		int error = errno;

		hf_keymap_destroy(xkb);
		errno = error;
		return NULL;
	}
	return xkb;
}

static int make(struct hf_seat *seat, const char *layout)
{
	struct hf_keymap_xkb *xkb = create(layout);

	if (!xkb)
		return -errno;
	hf_keymap_destroy(seat->xkb);
	seat->xkb = xkb;
	return 0;
}

int hf_keymap_set(struct hf_seat *seat, const char *layout)
{
	return strlen(layout) < 64 && *layout ? make(seat, layout) : -ENODATA;
}

/* -- looking up ------------------------------------------------------------ */

/* A way to reach a level that takes only modifiers that we press. */
static bool find_modifiers(struct xkb_keymap *keymap, xkb_keycode_t key,
			   xkb_level_index_t level, uint32_t *modifiers)
{
	xkb_mod_mask_t shift = 1u << xkb_keymap_mod_get_index(
				       keymap, XKB_MOD_NAME_SHIFT);
	xkb_mod_mask_t altgr = 1u << xkb_keymap_mod_get_index(keymap, "Mod5");
	xkb_mod_mask_t masks[16];
	size_t n = xkb_keymap_key_get_mods_for_level(keymap, key, 0, level,
						     masks, 16);

	for (size_t i = 0; i < n; i++) {
		if (masks[i] & ~(shift | altgr))
			continue;
		*modifiers = (masks[i] & shift ? HF_KEYMAP_SHIFT : 0) |
			     (masks[i] & altgr ? HF_KEYMAP_ALTGR : 0);
		return true;
	}
	return false;
}

static bool has_symbol(struct xkb_keymap *keymap, xkb_keycode_t key,
		       xkb_level_index_t level, xkb_keysym_t keysym)
{
	const xkb_keysym_t *symbols;

	return xkb_keymap_key_get_syms_by_level(keymap, key, 0, level,
						&symbols) == 1 &&
	       symbols[0] == keysym;
}

/* Layouts know of keys that this keyboard has not. */
static bool has_key(const struct hf_seat *seat, xkb_keycode_t key)
{
	return key >= XKB_OFFSET && key - XKB_OFFSET < KEY_CNT &&
	       hf_input_bit(seat->input[HF_INPUT_KEYBOARD]->info.key,
			    key - XKB_OFFSET);
}

static bool find_at(const struct hf_seat *seat, xkb_level_index_t level,
		    xkb_keysym_t keysym, uint32_t *code, uint32_t *modifiers)
{
	struct xkb_keymap *keymap = seat->xkb->keymap;
	xkb_keycode_t max = xkb_keymap_max_keycode(keymap);

	for (xkb_keycode_t key = xkb_keymap_min_keycode(keymap); key <= max;
	     key++) {
		if (!has_key(seat, key) ||
		    level >= xkb_keymap_num_levels_for_key(keymap, key, 0) ||
		    !has_symbol(keymap, key, level, keysym) ||
		    !find_modifiers(keymap, key, level, modifiers))
			continue;
		*code = key - XKB_OFFSET;
		return true;
	}
	return false;
}

int hf_keymap_keysym(struct hf_seat *seat, uint32_t keysym, uint32_t *code,
		     uint32_t *modifiers)
{
	int ret = seat->xkb ? 0 : make(seat, NULL);

	if (ret)
		return ret;
	/* As few modifiers as may be. */
	for (xkb_level_index_t level = 0; level < 4; level++)
		if (find_at(seat, level, keysym, code, modifiers))
			return 0;
	return -ENOENT;
}

/* -- names ----------------------------------------------------------------- */

static const struct {
	const char *name;
	xkb_keysym_t keysym;
} aliases[] = {
	{ "ctrl", XKB_KEY_Control_L },
	{ "control", XKB_KEY_Control_L },
	{ "alt", XKB_KEY_Alt_L },
	{ "altgr", XKB_KEY_ISO_Level3_Shift },
	{ "shift", XKB_KEY_Shift_L },
	{ "super", XKB_KEY_Super_L },
	{ "win", XKB_KEY_Super_L },
	{ "meta", XKB_KEY_Super_L },
	{ "logo", XKB_KEY_Super_L },
	{ "caps", XKB_KEY_Caps_Lock },
	{ "capslock", XKB_KEY_Caps_Lock },
	{ "numlock", XKB_KEY_Num_Lock },
	{ "esc", XKB_KEY_Escape },
	{ "enter", XKB_KEY_Return },
	{ "del", XKB_KEY_Delete },
	{ "ins", XKB_KEY_Insert },
	{ "pgup", XKB_KEY_Page_Up },
	{ "pageup", XKB_KEY_Page_Up },
	{ "pgdn", XKB_KEY_Page_Down },
	{ "pagedown", XKB_KEY_Page_Down },
	{ "sysrq", XKB_KEY_Print },
	{ "printscreen", XKB_KEY_Print },
};

static xkb_keysym_t parse_number(const char *name)
{
	char *end;
	unsigned long n;

	if (strncasecmp(name, "0x", 2))
		return XKB_KEY_NoSymbol;
	n = strtoul(name + 2, &end, 16);
	return *end || !name[2] || n > 0x1fffffff ? XKB_KEY_NoSymbol :
						    (xkb_keysym_t)n;
}

uint32_t hf_keymap_parse(const char *name)
{
	const char *rest = name;
	xkb_keysym_t keysym = hf_keymap_next(&rest);

	if (keysym && !*rest)
		return keysym;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (!strcasecmp(name, aliases[i].name))
			return aliases[i].keysym;
	keysym = parse_number(name);
	if (!keysym)
		keysym = xkb_keysym_from_name(name, XKB_KEYSYM_NO_FLAGS);
	if (!keysym)
		keysym = xkb_keysym_from_name(name,
					      XKB_KEYSYM_CASE_INSENSITIVE);
	return keysym;
}

/* How many bytes the character that begins so has; 0: none does. */
static unsigned int utf8_length(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 :
	       c < 0xf5 ? 4 : 0;
}

uint32_t hf_keymap_next(const char **text)
{
	const unsigned char *s = (const unsigned char *)*text;
	unsigned int n = utf8_length(*s);
	uint32_t c = n == 1 ? *s : *s & (0xffu >> (n + 1));
	xkb_keysym_t keysym;

	if (!n || !*s)
		return 0;
	for (unsigned int i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/* Those that are keys, and not characters. */
	keysym = c == '\n' || c == '\r' ? XKB_KEY_Return :
		 c == '\t' ? XKB_KEY_Tab :
		 c == 0x1b ? XKB_KEY_Escape :
		 c == 0x7f || c == '\b' ? XKB_KEY_BackSpace :
		 c < ' ' ? 0 : xkb_utf32_to_keysym(c);
	if (keysym)
		*text += n;
	return keysym;
}
