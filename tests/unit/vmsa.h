/* SPDX-License-Identifier: MIT */
/*
 * A translation table walk, written from the Arm Architecture Reference Manual
 * (DDI 0487, D8.2 "Translation process" and D8.3 "Translation table descriptor
 * formats") alone: stage 1, VMSAv8-64, 4 KiB granule, 48 bits, no LPA. It shares
 * nothing with the code that writes the tables, numbers included.
 */
#ifndef VMSA_H
#define VMSA_H

#include <stdbool.h>
#include <stdint.h>

enum vmsa_fault {
	VMSA_OK,
	VMSA_TRANSLATION_FAULT,
	VMSA_ACCESS_FLAG_FAULT,
	VMSA_MALFORMED, /* what the manual reserves, or calls a misprogramming */
	VMSA_EXTERNAL_ABORT,
};

/**
 * struct vmsa_result - What a walk finds.
 * @level: where it ended
 * @pa: output address
 * @size: bytes that one TLB entry may cover
 * @unprivileged: EL0 may access it
 */
struct vmsa_result {
	enum vmsa_fault fault;
	int level;
	uint64_t pa, size;
	bool read_only, unprivileged;
};

/**
 * vmsa_walk() - Translate.
 * @read: reads the 8 bytes at an address; false: it cannot
 * @ttbr: where the first table is
 */
struct vmsa_result vmsa_walk(bool (*read)(void *data, uint64_t pa,
					  uint64_t *value),
			     void *data, uint64_t ttbr, uint64_t va);

#endif
