/* SPDX-License-Identifier: MIT */
/* Shared by the files of `holdfast inject`. */
#ifndef HF_SERVER_INJECT_PARSE_H
#define HF_SERVER_INJECT_PARSE_H

#include "server/inject.h"

/* What a command is about, or is not for. */
#define HF_INJECT_DISPLAY 1u /* the display is in software */
#define HF_INJECT_ENGINE 2u  /* there is one */
#define HF_INJECT_CRTC 4u    /* hf_inject.crtc */
#define HF_INJECT_LISTS 8u   /* it answers with a list */
#define HF_INJECT_NOW 16u    /* it is of no use at another time */
#define HF_INJECT_SEAT 32u   /* there is one */

/**
 * struct hf_inject_command - A row of the table.
 * @name: one or two words
 * @args: a letter an argument, see the parser; a capital: it may be left out
 * @usage: of the arguments, for people; likewise @help
 * @n: what hf_inject.n is where it is left out
 * @flags: HF_INJECT_*
 * @apply: do it; NULL: nothing is to be done
 */
struct hf_inject_command {
	const char *name, *args, *usage, *help;
	uint32_t n;
	unsigned int flags;
	int (*apply)(struct hf_server *server, const struct hf_inject *inject,
		     char why[HF_INJECT_WHY]);
};

extern const struct hf_inject_command hf_inject_commands[];
extern const size_t hf_inject_num_commands;

/** hf_inject_why() - Set a sentence. Return: @error. */
int hf_inject_why(char why[HF_INJECT_WHY], int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
