/* SPDX-License-Identifier: MIT */
/*
 * User pages, seen from the process whose they are: which files the pages of a
 * range are in, once all that is private has been adopted (adopt.h).
 */
#ifndef HF_SHIM_USERPTR_H
#define HF_SHIM_USERPTR_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "shim/adopt.h"
#include "uapi/wire.h"

/**
 * struct hf_userptr - A range on its way to the server.
 * @start: first byte, page-aligned; likewise @end
 * @read_only: nobody will write to it
 * @segments: where it is, in the order of addresses; room for @max of them
 * @adopt: the file that private pieces were moved into, if there were any
 * @again: a file that the server has lost, to be adopted anew; 0: none
 * @opened: descriptors to be closed
 */
struct hf_userptr {
	uintptr_t start, end;
	bool read_only;
	struct hf_wire_segment *segments;
	unsigned int nsegments, max;
	struct hf_adopt adopt;
	uint64_t again;
	int opened[HF_WIRE_FDS_MAX];
	unsigned int nopened;
};

/**
 * hf_userptr_open() - Find out where a range is; adopt what has to be.
 * @addr: any byte; @size of them, not 0
 * @read_only: it need not be writable
 * @segments: room for @max of them
 *
 * Return: 0; -EFAULT where there is a gap, a mapping that does not allow it, or
 * one that cannot be shared; -ENOMEM; in either case hf_userptr_close() is due.
 */
int hf_userptr_open(struct hf_userptr *user, uint64_t addr, uint64_t size,
		    bool read_only, struct hf_wire_segment *segments,
		    unsigned int max);

/**
 * hf_userptr_fd() - A descriptor of the file that some segments are in.
 * @file: hf_wire_segment_file()
 *
 * Return: a number that is valid until hf_userptr_close(); -ESTALE where the
 * segments have changed, since the memory had to be adopted anew; -EFAULT where
 * there is no way to it; -EMFILE, -ENOMEM.
 */
int hf_userptr_fd(struct hf_userptr *user, uint64_t file);

/** hf_userptr_close() - Close the descriptors. The memory stays adopted. */
void hf_userptr_close(struct hf_userptr *user);

/**
 * hf_adopted_lock() - Keep what is adopted as it is: no adoption, no fork.
 *
 * Signals are blocked until hf_adopted_unlock().
 */
void hf_adopted_lock(sigset_t *signals);
void hf_adopted_unlock(const sigset_t *signals);
/** hf_adopted_any() - Has this process ever adopted memory? */
bool hf_adopted_any(void);

#endif
