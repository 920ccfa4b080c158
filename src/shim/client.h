/* SPDX-License-Identifier: MIT */
/*
 * The client's end of the wire: connections, requests, and which descriptors
 * are DRM files.
 */
#ifndef HF_SHIM_CLIENT_H
#define HF_SHIM_CLIENT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "uapi/wire.h"

/**
 * struct hf_request - A request in the making: a claimed slot.
 * @slot: to be filled in by the caller
 * @payload: where nested arrays go
 * @fds: descriptors of the request, then of the answer (close-on-exec)
 * @nfds: how many; those of the request stay the caller's
 */
struct hf_request {
	struct hf_link *link;
	unsigned int index;
	struct hf_wire_slot *slot;
	uint8_t *payload;
	size_t payload_size;
	int payload_fd;
	int fds[HF_WIRE_FDS_MAX];
	unsigned int nfds;
	int cancel; /* the thread's state before: ioctl(2) is no such point */
};

/**
 * hf_request_begin() - Claim a slot, connecting first where needed.
 *
 * Return: 0, or -ENODEV where there is no server any more.
 */
int hf_request_begin(struct hf_request *req, enum hf_wire_op op);

/**
 * hf_request_payload() - Have room for nested arrays.
 * @size: bytes, at most HF_WIRE_PAYLOAD_MAX
 *
 * Return: 0 or -ENOMEM.
 */
int hf_request_payload(struct hf_request *req, size_t size);

/** hf_request_user_max() - Bytes of user pages that the server takes. */
uint64_t hf_request_user_max(const struct hf_request *req);

/**
 * hf_request_run() - Post the request and wait for its answer.
 *
 * Return: what the server answered, -EINTR where a signal handler ran, or
 * -ENODEV where the server died.
 */
int hf_request_run(struct hf_request *req);

/**
 * hf_request_open() - Have the server open something by its path.
 * @op: HF_OP_FILE_OPEN or HF_OP_DEVICE_OPEN
 * @flags: as for open(2)
 *
 * Return: a descriptor (close-on-exec), or a negative errno.
 */
int hf_request_open(enum hf_wire_op op, const char *path, int flags);

/** hf_request_end() - Give the slot back; closes descriptors that are left. */
void hf_request_end(struct hf_request *req);

/**
 * hf_file_of() - Which DRM file is this descriptor?
 * @fd: any number
 * @id: set to the server's number of the file
 *
 * Attaches this process to a file that it sees for the first time.
 *
 * Return: 0; -EBADF for a closed descriptor, -ENOTTY for one that is not ours,
 * -ENODEV where the server is gone.
 */
int hf_file_of(int fd, uint32_t *id);

/** hf_file_forget() - The server does not know a file (any more). */
void hf_file_forget(int fd);

#define HF_MAX_LIKELY 4096 /* descriptors that are remembered as DRM files */

/**
 * hf_file_likely() - Which DRM file was this number last seen to be?
 *
 * Costs a load. The program could have closed it behind our back (by a system
 * call of its own): good enough where the server notices a file that is gone,
 * to be confirmed with hf_file_of() elsewhere.
 *
 * Return: the server's number of the file, or 0.
 */
uint32_t hf_file_likely(int fd);
/* In place of a DRM file's number: another file of the server's (shim/served.h). */
#define HF_FILE_SERVED UINT32_MAX
/* Likewise: a character device that is not DRM's (shim/device.h). */
#define HF_FILE_DEVICE (UINT32_MAX - 1)

/** hf_file_mark() - Remember what a number is. */
void hf_file_mark(int fd, uint32_t file);
/** hf_file_opened() - The server gave it to us: it is a DRM file. */
void hf_file_opened(int fd);
/**
 * hf_file_closed() - The number is free again.
 *
 * Return: whether it was likely a DRM file, so that hf_files_reap() is due.
 */
bool hf_file_closed(int fd);
/** hf_files_reap() - Have the server notice which files are closed. */
void hf_files_reap(void);

/**
 * hf_client_lock() - Take the process's lock.
 *
 * No signal handler runs and no cancellation happens until hf_client_unlock().
 */
struct hf_locked {
	sigset_t signals;
	int cancel;
};
void hf_client_lock(struct hf_locked *locked);
void hf_client_unlock(const struct hf_locked *locked);

/** hf_own_maps_fd() - The descriptor of /proc/self/maps that is kept, or -1. */
int hf_own_maps_fd(void);
/** hf_own_maps_keep() - Keep this one. Return: the number that it has now. */
int hf_own_maps_keep(int fd);

/**
 * hf_client_channel() - What the server shares with this process.
 * @connect: make a connection where there is none
 *
 * Return: NULL where there is none; else it stays mapped.
 */
struct hf_wire_channel *hf_client_channel(bool connect);
/**
 * hf_client_connect() - A new connection to the server, as the kernel gives it.
 *
 * Return: a descriptor (close-on-exec, out of the way), or -ENODEV.
 */
int hf_client_connect(void);
/**
 * hf_client_query() - Ask the server by itself, without this process's connection.
 * @query: its text; then what the server says
 *
 * Return: false where there is no answer.
 */
bool hf_client_query(struct hf_wire_query *query);
/** hf_client_ids() - Who this process is to the server. Return: as above. */
bool hf_client_ids(uid_t *uid, gid_t *gid);
/** hf_client_prepare() - Connect this process, if it ever may have to. */
void hf_client_prepare(void);
/** hf_client_connected() - Has this process ever talked to a server? */
bool hf_client_connected(void);

/* Where the shim keeps descriptors of its own: out of the way of programs that
 * count theirs. */
#define HF_OWN_FD_BASE 1000

/** hf_own_fd() - A descriptor that the shim keeps for itself? */
bool hf_own_fd(int fd);
/**
 * hf_own_fd_next() - The first one of them from @first to @last.
 *
 * Return: its number, or @last + 1 (at most UINT_MAX) where there is none.
 */
unsigned int hf_own_fd_next(unsigned int first, unsigned int last);
/** hf_own_fd_move() - Make room at a number that the program wants. */
void hf_own_fd_move(int fd);

#endif
