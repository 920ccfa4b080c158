/* SPDX-License-Identifier: MIT */
/*
 * Adoption: private memory of this process becomes a file that others can map,
 * where it is and as it is.
 */
#ifndef HF_SHIM_ADOPT_H
#define HF_SHIM_ADOPT_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/vma.h"

/* As the file is called in /proc/PID/maps. */
#define HF_ADOPT_NAME "/memfd:holdfast userptr"
/* A piece may grow (mremap(2)): so far they are apart in the file, bytes. */
#define HF_ADOPT_ROOM (UINT64_C(1) << 40)
#define HF_ADOPT_PIECES 512

/**
 * struct hf_adopt - A file for the pieces of one range.
 * @fd: -1 until it is needed
 * @dev: which file it is; likewise @ino
 * @pieces: how many are in it
 * @alone: no other thread runs, and the caller stays out of the pieces: they
 *	need no protection while they are moved
 */
struct hf_adopt {
	int fd;
	dev_t dev;
	ino_t ino;
	unsigned int pieces;
	bool alone;
};

/**
 * hf_adopt_piece() - Move a piece of a mapping into the file.
 * @vma: the mapping
 * @start: of the piece, page-aligned, in @vma; likewise @end
 * @offset: set to where in the file it is now, bytes
 *
 * The caller's stack, thread-local storage and whatever else it writes to are
 * not in the piece, and no signal handler runs.
 *
 * Return: 0; -ENOMEM; -EFAULT where it cannot be done without losing a store of
 * another thread. The memory is then as it was.
 */
int hf_adopt_piece(struct hf_adopt *adopt, const struct hf_vma *vma,
		   uintptr_t start, uintptr_t end, uint64_t *offset);

/**
 * hf_adopt_hold() - Make stores of other threads into a range wait.
 * @shared: it is adopted, else anonymous
 * @uffd: to be given to hf_adopt_release(), which lets them go on
 *
 * The caller does not store there, and takes no lock that one of them may hold.
 *
 * Return: 0, -EFAULT.
 */
int hf_adopt_hold(uintptr_t start, uintptr_t end, bool shared, int *uffd);
void hf_adopt_release(int uffd);

/** hf_adopt_alone() - Is there no other thread in this process? */
bool hf_adopt_alone(void);

/** hf_adopt_ours() - Is this a mapping of an adopted piece? */
bool hf_adopt_ours(const struct hf_vma *vma);

#endif
