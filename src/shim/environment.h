/* SPDX-License-Identifier: MIT */
/*
 * What the environment said when the program was started, and how it goes on to
 * what the program starts itself.
 */
#ifndef HF_SHIM_ENVIRONMENT_H
#define HF_SHIM_ENVIRONMENT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "uapi/wire.h"

#define HF_LIBRARY "libholdfast-shim.so"

/* 0: what the program leaves out of an environment is left out. */
#define HF_ENV_FOLLOW "HOLDFAST_FOLLOW"

/**
 * struct hf_environment - What there was at the start.
 * @socket: of the server
 * @key: that admits to it; zeros where there is none
 * @trap: $HOLDFAST_TRAP, or empty
 * @shim: this library's path
 * @follow: children that are started without it get it
 */
struct hf_environment {
	char socket[112];
	char key[HF_WIRE_KEY_SIZE + 1];
	char trap[8];
	char shim[PATH_MAX];
	bool follow;
};

/** hf_environment_learn() - Return: false where no server is named. */
bool hf_environment_learn(void);
const struct hf_environment *hf_environment(void);

/**
 * struct hf_environment_copy - An environment that was completed.
 * @list: to be passed on
 *
 * Lies in memory of its own where that was needed: it is made in children of
 * vfork and in signal handlers.
 */
struct hf_environment_copy {
	char *const *list;
	void *map;
	size_t size;
};

/**
 * hf_environment_complete() - Add what the program has left out.
 * @list: the program's; NULL is an empty one
 * @preload: can the shim be loaded there? If not it is not in $LD_PRELOAD
 * @copy: filled in; never fails, without memory it is the program's own
 */
void hf_environment_complete(char *const *list, bool preload,
			     struct hf_environment_copy *copy);
/** hf_environment_keep() - It is there until it is dropped, in a child of fork as well. */
void hf_environment_keep(struct hf_environment_copy *copy);
void hf_environment_drop(struct hf_environment_copy *copy);

#endif
