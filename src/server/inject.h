/* SPDX-License-Identifier: MIT */
/*
 * What can be done to a running device: monitors come and go, flips are lost, calls
 * fail, time stands still. One table has the commands; `holdfast inject`, `holdfast
 * vblank` and scenario files all go through it.
 */
#ifndef HF_SERVER_INJECT_H
#define HF_SERVER_INJECT_H

#include <stdio.h>

#include "server/server.h"

#define HF_INJECT_WHY 256

struct hf_inject_command;

/**
 * struct hf_inject - A command that was understood.
 * @command: which
 * @connector: its name, "" for none
 * @ioctl: name of one
 * @output: what is plugged in
 * @modes: what a connector lists; @num_modes of them
 * @ns: a duration
 * @n: a number; likewise @crtc, an index, and @permille
 * @error: a negative errno
 * @good: the link is; likewise @test: tests of commits are meant, too, and @timed: @ns
 *	counts, and not @n
 * @file: name of an EDID's file
 * @device: of the seat: HF_INPUT_*
 * @words: what a person does, @nwords of them
 * @edid: its bytes, once hf_inject_load() or the caller put them there
 */
struct hf_inject {
	const struct hf_inject_command *command;
	char connector[32], ioctl[64];
	struct hf_kms_output output;
	struct drm_mode_modeinfo *modes;
	unsigned int num_modes;
	uint64_t ns;
	uint32_t n, crtc, permille;
	int error;
	bool good, test, timed;
	char *file;
	void *edid;
	size_t edid_size;
	unsigned int device;
	char **words;
	size_t nwords;
};

/**
 * hf_inject_parse() - Understand a command.
 * @words: of it; @n of them
 * @inject: set to it; to be finished
 * @why: set to a sentence where it cannot be understood
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int hf_inject_parse(struct hf_inject *inject, const char *const *words,
		    size_t n, char why[HF_INJECT_WHY]);
/** hf_inject_load() - Read the file that it names, if any. 0 or a negative errno. */
int hf_inject_load(struct hf_inject *inject, char why[HF_INJECT_WHY]);
void hf_inject_finish(struct hf_inject *inject);

/** hf_inject_check() - Is there what it is about? The lock is held. */
int hf_inject_check(struct hf_server *server, const struct hf_inject *inject,
		    char why[HF_INJECT_WHY]);
/**
 * hf_inject_apply() - Do it. The lock is held, by the main thread or in an ioctl.
 *
 * Return: 0 or a negative errno, and @why is set to a sentence.
 */
int hf_inject_apply(struct hf_server *server, const struct hf_inject *inject,
		    char why[HF_INJECT_WHY]);

/**
 * hf_inject_query() - Do what `holdfast inject` sent.
 * @text: words, each behind a newline
 * @edid: descriptor of an EDID, sealed; -1: none
 *
 * Return: a descriptor with an answer for people, or as hf_inject_apply().
 */
int hf_inject_query(struct hf_server *server, const char *text, int edid,
		    char why[HF_INJECT_WHY]);

/** hf_inject_help() - List the commands; those of `holdfast vblank`, or the others. */
void hf_inject_help(FILE *file, bool vblank);
/** hf_inject_list() - A line for each thing that is armed. The lock is held. */
void hf_inject_list(struct hf_server *server, FILE *file);
/** hf_duration_parse() - Such as "1.5s". Return: 0 or -EINVAL. */
int hf_duration_parse(const char *text, uint64_t *ns);

#endif
