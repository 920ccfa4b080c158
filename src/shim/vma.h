/* SPDX-License-Identifier: MIT */
/*
 * What is mapped where in this process, as the kernel says. Nothing in here
 * allocates or takes a lock, so it may be used where memory is in motion.
 */
#ifndef HF_SHIM_VMA_H
#define HF_SHIM_VMA_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct hf_vma - A mapping.
 * @start: first byte
 * @end: first byte behind it
 * @offset: of @start in the file, bytes
 * @dev: which file; 0 where it is anonymous memory
 * @ino: likewise
 * @prot: PROT_*
 * @shared: MAP_SHARED
 * @huge: its pages are larger than 4 KiB by its nature (hugetlbfs)
 * @name: as in /proc/PID/maps
 */
struct hf_vma {
	uintptr_t start, end;
	uint64_t offset;
	dev_t dev;
	ino_t ino;
	int prot;
	bool shared, huge;
	char name[PATH_MAX];
};

/**
 * hf_vma_find() - The mapping that an address is in, or else the next one.
 * @shared: look at shared mappings only
 *
 * Return: 0; -ENOENT where there is none; what open(2) says where there is no
 * /proc.
 */
int hf_vma_find(uintptr_t addr, bool shared, struct hf_vma *vma);

/** hf_vma_find_text() - The same from the text, for kernels without the query. */
int hf_vma_find_text(uintptr_t addr, bool shared, struct hf_vma *vma);

#endif
