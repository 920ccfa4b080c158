/* SPDX-License-Identifier: MIT */
/*
 * sync_file: a fence as a descriptor that clients hold, pass on, and poll. It
 * becomes readable when the fence is signaled, and stays so.
 *
 * The device's lock protects it.
 */
#ifndef HF_SYNC_SYNC_FILE_H
#define HF_SYNC_SYNC_FILE_H

#include "base/endpoint.h"
#include "sync/fence.h"

/**
 * hf_sync_file_create() - A descriptor of a fence.
 * @instance: the device's, for the descriptor's name
 *
 * Takes a reference of its own; it lives until the descriptor's last copy is
 * closed.
 *
 * Return: the client's descriptor, or a negative errno: -EMFILE, -ENOMEM.
 */
int hf_sync_file_create(struct hf_endpoints *endpoints, const char *instance,
			struct hf_fence *fence);

/** hf_sync_file_fence() - The fence of a descriptor, or NULL; no reference. */
struct hf_fence *hf_sync_file_fence(struct hf_endpoints *endpoints, int fd);

#endif
