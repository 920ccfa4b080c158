/* SPDX-License-Identifier: MIT */
/*
 * What the devices of a server share: the lock, the clock, memory, open files
 * by number, and the descriptors that clients hold.
 *
 * One lock protects all devices and all that belongs to them: GEM, KMS, fences,
 * files, parked calls. Every ioctl runs with it held, and so do timers.
 */
#ifndef HF_UAPI_SYSTEM_H
#define HF_UAPI_SYSTEM_H

#include <pthread.h>
#include <stdbool.h>
#include <wayland-util.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "mem/page.h"
#include "sync/late.h"

struct hf_file;
struct hf_problems;
struct hf_uevents;
struct hf_user_files;

struct hf_system {
	pthread_mutex_t lock;
	char instance[32]; /* in the names of its descriptors' sockets */
	struct hf_clock *clock; /* of the devices; it may be made to stand */
	struct hf_clock *real_clock; /* of what clients wait for; it never is */
	struct hf_fence_faults fences;
	struct hf_ioctl_faults *ioctl_faults; /* uapi/power.h; NULL: never any */
	struct hf_endpoints endpoints; /* of files and of fences */
	struct hf_memory *mem;
	struct hf_user_files *user_files; /* gem/userptr.h */
	struct wl_list devices; /* hf_device.link */
	struct hf_file *files_by_id;
	uint32_t next_file;
	int psi_fd, pressure_fd; /* the server's (server/pressure.c) */
	struct hf_problems *problems; /* of clients; NULL: nobody checks */
	int changed_fd; /* eventfd: outputs were wired up anew, or a uevent waits */
	struct hf_uevents *uevents; /* the server's (server/uevent.h) */
};

/**
 * hf_system_create() - A system without devices.
 * @memory: how its memory is laid out
 *
 * Return: NULL and errno: EINVAL for an impossible pool, ENOMEM, EMFILE.
 */
struct hf_system *hf_system_create(const struct hf_memory_options *memory);
/** hf_system_destroy() - Its devices must be gone. Takes NULL. */
void hf_system_destroy(struct hf_system *sys);

#endif
