/* SPDX-License-Identifier: MIT */
/*
 * Polling dma-bufs: a watch, a descriptor of the server's, stands in for one.
 */
#ifndef HF_SHIM_POLL_H
#define HF_SHIM_POLL_H

#include <stdbool.h>
#include <stdint.h>

/**
 * hf_watch_request() - Ask the server what a dma-buf polls as.
 * @events: POLLIN, POLLOUT
 * @ready: NULL: a watch in any case; else set to those that it is ready for
 *
 * Without a server nobody works on the memory, and it is ready.
 *
 * Return: a watch that is the caller's; -EAGAIN where none is needed, since
 * something is ready or there is no server; -EMFILE, -ENOMEM.
 */
int hf_watch_request(int dma_buf, uint32_t events, uint32_t *ready);

/* epoll.c: watches that are in an epoll set, and so stay. */

/** hf_watch_closed() - These numbers are about to be free. */
void hf_watch_closed(unsigned int first, unsigned int last);
/** hf_watch_own() - Is it a watch? */
bool hf_watch_own(int fd);
/** hf_watch_own_next() - As hf_own_fd_next(). */
unsigned int hf_watch_own_next(unsigned int first, unsigned int last);
/** hf_watch_own_move() - As hf_own_fd_move(). */
void hf_watch_own_move(int fd);

#endif
