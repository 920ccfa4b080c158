/* SPDX-License-Identifier: MIT */
/*
 * Mappings of files that others may truncate, or whose holes cannot be filled
 * when memory has run out. An access to what is gone is a SIGBUS, which would
 * end the server; the trap puts zeroes there instead.
 *
 * It is the process's, as the signal is, and has a lock of its own.
 */
#ifndef HF_MEM_TRAP_H
#define HF_MEM_TRAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * struct hf_trap - A mapping that is watched.
 * @start: of the mapping, a page's first byte
 * @size: bytes, whole pages
 * @fd: what is mapped
 * @offset: the file's byte at @start
 * @prot: of the mapping, for mmap(2)
 * @sprung: some of it is not the file any more
 */
struct hf_trap {
	char *start;
	size_t size;
	int fd;
	off_t offset;
	int prot;
	atomic_bool sprung;
	_Atomic(struct hf_trap *) next;
	struct hf_trap *prev;
};

/** hf_trap_install() - Handle SIGBUS from now on. Any number of times. */
void hf_trap_install(void);
/** hf_trap_arm() - Watch a mapping. All fields but @next and @prev are set. */
void hf_trap_arm(struct hf_trap *trap);
/** hf_trap_disarm() - Before it is unmapped. */
void hf_trap_disarm(struct hf_trap *trap);

#endif
