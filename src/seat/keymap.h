/* SPDX-License-Identifier: MIT */
/*
 * Which key makes which character: the layout of the seat's keyboard, from libxkbcommon.
 *
 * It has to be that of the programs, which choose theirs by themselves: "us", unless
 * XKB_DEFAULT_LAYOUT or hf_keymap_set() says otherwise. Made on first use. The system's
 * lock is held.
 */
#ifndef HF_SEAT_KEYMAP_H
#define HF_SEAT_KEYMAP_H

#include <stddef.h>
#include <stdint.h>

struct hf_keymap_xkb;
struct hf_seat;

#define HF_KEYMAP_SHIFT 1u
#define HF_KEYMAP_ALTGR 2u

/**
 * hf_keymap_keysym() - The key for a symbol.
 * @keysym: as X and xkbcommon number them
 * @code: set to the key's, KEY_*
 * @modifiers: set to what is to be held with it, HF_KEYMAP_*
 *
 * Return: 0, -ENOENT for one that the layout has not, -ENODATA where there is no such
 * layout, -ENOMEM.
 */
int hf_keymap_keysym(struct hf_seat *seat, uint32_t keysym, uint32_t *code,
		     uint32_t *modifiers);

/**
 * hf_keymap_set() - Choose the layout.
 * @layout: such as "de", or "us:dvorak" with a variant
 *
 * Return: 0, -ENODATA where there is none of that name, which changes nothing, -ENOMEM.
 */
int hf_keymap_set(struct hf_seat *seat, const char *layout);

/**
 * hf_keymap_parse() - A symbol by name.
 * @name: "a", "Return", "f2", "ctrl", "€", a number of it in hexadecimal
 *
 * Return: the keysym, or 0.
 */
uint32_t hf_keymap_parse(const char *name);

/** hf_keymap_next() - The symbol for the next character of a text in UTF-8.
 *
 * Return: 0 for what is no such text, and *@text stays.
 */
uint32_t hf_keymap_next(const char **text);

/** hf_keymap_destroy() - Takes NULL. */
void hf_keymap_destroy(struct hf_keymap_xkb *xkb);

#endif
