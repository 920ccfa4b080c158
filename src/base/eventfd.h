/* SPDX-License-Identifier: MIT */
/*
 * Eventfds of clients, which a server may add to but must never wait for.
 */
#ifndef HF_BASE_EVENTFD_H
#define HF_BASE_EVENTFD_H

#include <stdbool.h>

/** hf_eventfd_is() - Is this descriptor an eventfd? */
bool hf_eventfd_is(int fd);

/** hf_eventfd_prepare() - Return: 0, or -EOPNOTSUPP where signals cannot work. */
int hf_eventfd_prepare(void);

/**
 * hf_eventfd_signal() - Add 1, or leave it at its maximum.
 *
 * Never blocks, whatever its owner has done to it; hf_eventfd_prepare() has been
 * called.
 */
void hf_eventfd_signal(int fd);

#endif
