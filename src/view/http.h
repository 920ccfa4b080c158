/* SPDX-License-Identifier: MIT */
/*
 * The pages that a browser shows the screen with: noVNC's files, and nothing else.
 */
#ifndef HF_VIEW_HTTP_H
#define HF_VIEW_HTTP_H

#include <stdbool.h>

/**
 * hf_http_answer() - One request of a browser: for a file, which it gets, or for a
 * WebSocket.
 * @fd: the connection; stays the caller's
 * @dir: descriptor of the directory that noVNC is in
 * @open: anybody may watch, without a password: then only who calls this machine by
 *	its name or address, for pages of others know names that lead here
 *
 * A WebSocket's request is not taken off the connection. Only pages of the same host and
 * port may open one. Waits, but not for long.
 *
 * Return: it is a WebSocket. Else the connection is to be closed.
 */
bool hf_http_answer(int fd, int dir, bool open);

#endif
