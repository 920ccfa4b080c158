/* SPDX-License-Identifier: MIT */
/*
 * Those who act for a person at the seat: commands that come in a query, or one after
 * the other on a connection that stays open (viewers).
 */
#ifndef HF_SERVER_TYPIST_H
#define HF_SERVER_TYPIST_H

#include "seat/input.h"

struct hf_server;

/**
 * hf_typist_command() - Run a command. The lock is held.
 * @text: its words, each behind the first on a line of its own
 *
 * Return: as hf_input_command().
 */
int hf_typist_command(struct hf_server *server, const char *text,
		      char why[HF_INPUT_WHY]);

/**
 * hf_typist_open() - Make a connection for commands. In the main thread.
 *
 * It is a SOCK_SEQPACKET: a packet a command, its words on lines. Each is answered at
 * once with a packet: an empty text, or what is wrong with it, with a NUL. One who does
 * not read the answers misses some.
 *
 * Return: the other end, or a negative errno: -EMFILE, -ENFILE, -ENOMEM.
 */
int hf_typist_open(struct hf_server *server);

/** hf_typists_finish() - Hang up on them. */
void hf_typists_finish(struct hf_server *server);

#endif
