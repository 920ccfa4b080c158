/* SPDX-License-Identifier: MIT */
/*
 * Watches: descriptors that a client polls in place of a dma-buf, whose own
 * descriptor is always ready. One becomes readable when one fence is signaled,
 * and writable when another is, and stays so.
 *
 * The lock of the devices protects them.
 */
#ifndef HF_SYNC_WATCH_H
#define HF_SYNC_WATCH_H

#include "base/endpoint.h"
#include "sync/fence.h"

/**
 * hf_watch_create() - A descriptor that polls as two fences say.
 * @instance: the server's, for the descriptor's name
 * @in: readable when this is signaled; NULL: never
 * @out: writable when this is signaled; NULL: never
 *
 * Takes references of its own; it lives until the descriptor's last copy is
 * closed.
 *
 * Return: the client's descriptor, or a negative errno: -EMFILE, -ENOMEM.
 */
int hf_watch_create(struct hf_endpoints *endpoints, const char *instance,
		    struct hf_fence *in, struct hf_fence *out);

#endif
