/* SPDX-License-Identifier: MIT */
/*
 * A file of commands (server/inject.h) and when they are to happen, so that a run
 * can be repeated. A line is one of
 *
 *	at DURATION [after first commit] COMMAND...
 *	at frame N [crtc INDEX] COMMAND...
 *	at vblank N [crtc INDEX] COMMAND...
 *
 * What is behind a "#" is a comment; words with blanks are in quotation marks.
 */
#ifndef HF_SERVER_SCENARIO_H
#define HF_SERVER_SCENARIO_H

#include <stddef.h>

struct hf_scenario;
struct hf_server;
struct hf_kms_device;

#define HF_SCENARIO_WHY 512

/**
 * hf_scenario_load() - Read a file.
 * @why: set to a sentence, with the line's number, where there is a mistake
 *
 * Return: NULL and errno.
 */
struct hf_scenario *hf_scenario_load(const char *path,
				     char why[HF_SCENARIO_WHY]);
/**
 * hf_scenario_start() - Time 0 is now. Takes the lock.
 *
 * Return: 0, or a negative errno where something that it names is not there.
 */
int hf_scenario_start(struct hf_scenario *scenario, struct hf_server *server,
		      char why[HF_SCENARIO_WHY]);
/** hf_scenario_follow() - Another device has come. The lock is held. */
void hf_scenario_follow(struct hf_scenario *scenario,
			struct hf_kms_device *kms);
/**
 * hf_scenario_settle() - Do what is due.
 * @scenario: NULL: there is none
 *
 * Called wherever the lock was held, before it is dropped: whoever has been told of
 * the moment finds it done. The lock is held.
 */
void hf_scenario_settle(struct hf_scenario *scenario);
/** hf_scenario_destroy() - Without the lock, before the devices go. Takes NULL. */
void hf_scenario_destroy(struct hf_scenario *scenario);

#endif
