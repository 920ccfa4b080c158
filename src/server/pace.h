/* SPDX-License-Identifier: MIT */
/*
 * Time that does not pass by itself: steps by hand, and jumps to the next timer
 * whenever all programs wait.
 */
#ifndef HF_SERVER_PACE_H
#define HF_SERVER_PACE_H

#include "server/server.h"

/* Vblanks or other timers in one step: some seconds. */
#define HF_PACE_MAX 1000000

/**
 * hf_pace_jump() - Time jumps to the next timer, unless somebody has something to do.
 *
 * Called by the main thread, without the lock, after the clock was dispatched. All
 * threads of the clients must be asleep, those of this process but its main thread,
 * and with server->children those of all processes below it; then nothing happens
 * before time passes.
 */
void hf_pace_jump(struct hf_server *server);

/**
 * hf_pace_start() - How time passes from the start.
 *
 * Where it does not by itself, it starts with a whole second, so that what is left of
 * its times when they are rounded to microseconds is the same in each run.
 */
void hf_pace_start(struct hf_clock *clock, enum hf_clock_pace pace);

/**
 * hf_pace_step() - Move a clock that stands, calling each timer on the way at its time.
 *
 * The lock is held, and clients wait meanwhile: so there is an end to it.
 *
 * Return: 0, or -EAGAIN where it has not come that far yet, after HF_PACE_MAX timers.
 */
int hf_pace_step(struct hf_server *server, uint64_t to);

#endif
