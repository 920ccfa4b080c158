/* SPDX-License-Identifier: MIT */
/*
 * Ioctls of the keymap: entries, strings, accents. The order of checks is that of the
 * kernel's. The system's lock is held.
 */
#include <errno.h>
#include <string.h>

#include "seat/vt_internal.h"

static int entry(const struct hf_vt_caller *c, struct hf_vt_keymap *map)
{
	bool unicode = c->vt->kbd.mode == K_UNICODE;
	struct kbentry e;
	int ret;

	if (hf_vt_get(c, &e, sizeof(e)))
		return -EFAULT;
	if (c->call->cmd == KDGKBENT) {
		e.kb_value = (unsigned short)hf_vt_keymap_entry(
			map, e.kb_table, e.kb_index, unicode);
		return hf_vt_put(c, &e, sizeof(e));
	}
	if (!c->capable)
		return -EPERM;
	ret = hf_vt_keymap_set(map, e.kb_table, e.kb_index, e.kb_value,
			       unicode);
	if (!ret)
		hf_vt_kbd_recompute(c->vts);
	return ret;
}

static int string(const struct hf_vt_caller *c, struct hf_vt_keymap *map)
{
	struct kbsentry e;
	const char *s;

	if (hf_vt_get(c, &e, sizeof(e)))
		return -EFAULT;
	if (c->call->cmd == KDGKBSENT) {
		s = map->strings[e.kb_func] ? map->strings[e.kb_func] : "";
		strcpy((char *)e.kb_string, s);
		return hf_vt_put(c, &e, offsetof(struct kbsentry, kb_string) +
					strlen(s) + 1);
	}
	if (!c->capable)
		return -EPERM;
	e.kb_string[sizeof(e.kb_string) - 1] = '\0';
	return hf_vt_keymap_string(map, e.kb_func, (const char *)e.kb_string);
}

/* Those of the old request are bytes. */
static int get_accents(const struct hf_vt_caller *c, const struct hf_vt_keymap *map)
{
	struct kbdiacrs bytes = { .kb_cnt = map->naccents };

	for (unsigned int i = 0; i < map->naccents; i++) {
		bytes.kbdiacr[i].diacr = (unsigned char)map->accents[i].diacr;
		bytes.kbdiacr[i].base = (unsigned char)map->accents[i].base;
		bytes.kbdiacr[i].result = (unsigned char)map->accents[i].result;
	}
	return hf_vt_put(c, &bytes, offsetof(struct kbdiacrs, kbdiacr) +
			 map->naccents * sizeof(*bytes.kbdiacr));
}

static int get_accents_uc(const struct hf_vt_caller *c,
			  const struct hf_vt_keymap *map)
{
	struct kbdiacrsuc all = { .kb_cnt = map->naccents };

	memcpy(all.kbdiacruc, map->accents,
	       map->naccents * sizeof(*map->accents));
	return hf_vt_put(c, &all, offsetof(struct kbdiacrsuc, kbdiacruc) +
			 map->naccents * sizeof(*map->accents));
}

static int set_accents(const struct hf_vt_caller *c, struct hf_vt_keymap *map)
{
	struct kbdiacrs bytes;

	if (!c->perm)
		return -EPERM;
	if (hf_vt_get(c, &bytes, sizeof(bytes)))
		return -EFAULT;
	if (bytes.kb_cnt >= HF_KEYMAP_ACCENTS)
		return -EINVAL;
	map->naccents = bytes.kb_cnt;
	for (unsigned int i = 0; i < map->naccents; i++)
		map->accents[i] = (struct kbdiacruc){
			.diacr = bytes.kbdiacr[i].diacr,
			.base = bytes.kbdiacr[i].base,
			.result = bytes.kbdiacr[i].result,
		};
	return 0;
}

static int set_accents_uc(const struct hf_vt_caller *c, struct hf_vt_keymap *map)
{
	struct kbdiacrsuc all;

	if (!c->perm)
		return -EPERM;
	if (hf_vt_get(c, &all, sizeof(all)))
		return -EFAULT;
	if (all.kb_cnt >= HF_KEYMAP_ACCENTS)
		return -EINVAL;
	map->naccents = all.kb_cnt;
	memcpy(map->accents, all.kbdiacruc,
	       map->naccents * sizeof(*map->accents));
	return 0;
}

/* Which code a key of the keyboard sends is not to be had of ours. */
static int keycode(const struct hf_vt_caller *c)
{
	struct kbkeycode k;

	if (hf_vt_get(c, &k, sizeof(k)))
		return -EFAULT;
	if (c->call->cmd == KDSETKEYCODE && !c->capable)
		return -EPERM;
	return -EINVAL;
}

static int with_keymap(const struct hf_vt_caller *c,
		       int (*run)(const struct hf_vt_caller *c,
				  struct hf_vt_keymap *map))
{
	struct hf_vt_keymap *map = hf_vt_keymap(c->vts);

	return map ? run(c, map) : -ENOMEM;
}

static int accents(const struct hf_vt_caller *c, struct hf_vt_keymap *map)
{
	switch (c->call->cmd) {
	case KDGKBDIACR:
		return get_accents(c, map);
	case KDGKBDIACRUC:
		return get_accents_uc(c, map);
	case KDSKBDIACR:
		return set_accents(c, map);
	default:
		return set_accents_uc(c, map);
	}
}

int hf_vt_ioctl_keymap(const struct hf_vt_caller *c)
{
	switch (c->call->cmd) {
	case KDGETKEYCODE:
	case KDSETKEYCODE:
		return keycode(c);
	case KDGKBENT:
	case KDSKBENT:
		return with_keymap(c, entry);
	case KDGKBSENT:
	case KDSKBSENT:
		return with_keymap(c, string);
	case KDGKBDIACR:
	case KDGKBDIACRUC:
	case KDSKBDIACR:
	case KDSKBDIACRUC:
		return with_keymap(c, accents);
	default:
		return -ENOTTY;
	}
}
