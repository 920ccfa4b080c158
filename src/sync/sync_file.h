/* SPDX-License-Identifier: MIT */
/*
 * sync_file: a fence as a descriptor that clients hold, pass on, and poll. It
 * becomes readable when the fence is signaled, and stays so.
 *
 * The lock of the devices protects it.
 */
#ifndef HF_SYNC_SYNC_FILE_H
#define HF_SYNC_SYNC_FILE_H

#include "base/endpoint.h"
#include "sync/fence.h"

#define HF_SYNC_FILE_NAME 32 /* bytes of a name, with its end */

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
/**
 * hf_sync_file_create_named() - The same, with a name that the client chose.
 * @name: cut where it is too long; "": none
 */
int hf_sync_file_create_named(struct hf_endpoints *endpoints,
			      const char *instance, struct hf_fence *fence,
			      const char *name);

/** hf_sync_file_fence() - The fence of a descriptor, or NULL; no reference. */
struct hf_fence *hf_sync_file_fence(struct hf_endpoints *endpoints, int fd);

/**
 * hf_sync_file_name() - What SYNC_IOC_FILE_INFO calls it.
 * @fd: of a sync_file
 * @name: its own name, or one made of its fence's timeline
 */
void hf_sync_file_name(struct hf_endpoints *endpoints, int fd,
		       char name[HF_SYNC_FILE_NAME]);

#endif
