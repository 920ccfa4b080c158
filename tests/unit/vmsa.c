// SPDX-License-Identifier: MIT
/*
 * A walker of VMSAv8-64 tables: see vmsa.h. Bits are written as the manual has
 * them, [high:low].
 */
#include <stddef.h>

#include "vmsa.h"

static uint64_t bits(uint64_t value, int high, int low)
{
	return value >> low & ((UINT64_C(2) << (high - low)) - 1);
}

/* The input address bits that index the table of a level. */
static uint64_t index_at(uint64_t va, int level)
{
	switch (level) {
	case 0:
		return bits(va, 47, 39);
	case 1:
		return bits(va, 38, 30);
	case 2:
		return bits(va, 29, 21);
	default:
		return bits(va, 20, 12);
	}
}

static struct vmsa_result fault(enum vmsa_fault fault, int level)
{
	return (struct vmsa_result){ .fault = fault, .level = level };
}

/*
 * Contiguous, at level 3: sixteen adjacent entries, aligned in the table, whose
 * output addresses are consecutive and aligned to 64 KiB, and which are alike.
 */
static bool group_is_well_formed(bool (*read)(void *, uint64_t, uint64_t *),
				 void *data, uint64_t table, uint64_t index)
{
	uint64_t first, value, i;

	index = index / 16 * 16;
	if (!read(data, table + index * 8, &first) ||
	    bits(first, 15, 12) != 0)
		return false;
	for (i = 1; i < 16; i++)
		if (!read(data, table + (index + i) * 8, &value) ||
		    value != first + (i << 12))
			return false;
	return true;
}

static struct vmsa_result leaf(uint64_t desc, uint64_t va, int level)
{
	struct vmsa_result r = { .level = level };

	if (bits(desc, 10, 10) == 0) /* AF */
		return fault(VMSA_ACCESS_FLAG_FAULT, level);
	/* RES0: [51:50] without LPA2 or BTI; SH must be inner shareable here. */
	if (bits(desc, 51, 48) != 0 || bits(desc, 9, 8) != 3)
		return fault(VMSA_MALFORMED, level);
	r.read_only = bits(desc, 7, 7);	   /* AP[2] */
	r.unprivileged = bits(desc, 6, 6); /* AP[1] */
	if (level == 2) {
		if (bits(desc, 20, 12) != 0)
			return fault(VMSA_MALFORMED, level);
		r.size = UINT64_C(1) << 21;
		r.pa = bits(desc, 47, 21) << 21 | bits(va, 20, 0);
	} else {
		r.size = UINT64_C(1) << 12;
		r.pa = bits(desc, 47, 12) << 12 | bits(va, 11, 0);
	}
	return r;
}

struct vmsa_result vmsa_walk(bool (*read)(void *data, uint64_t pa,
					  uint64_t *value),
			     void *data, uint64_t ttbr, uint64_t va)
{
	uint64_t table = ttbr, desc;
	struct vmsa_result r;
	int level;

	if (bits(va, 63, 48) != 0)
		return fault(VMSA_TRANSLATION_FAULT, 0);
	for (level = 0; level <= 3; level++) {
		if (!read(data, table + index_at(va, level) * 8, &desc))
			return fault(VMSA_EXTERNAL_ABORT, level);
		if (bits(desc, 0, 0) == 0)
			return fault(VMSA_TRANSLATION_FAULT, level);
		if (level == 3 || bits(desc, 1, 1) == 0)
			break;
		/* A table descriptor: APTable, XNTable, NSTable stay 0. */
		if (bits(desc, 63, 48) != 0)
			return fault(VMSA_MALFORMED, level);
		table = bits(desc, 47, 12) << 12;
	}
	/* [1:0] of 01: a block, which level 0 has none of; reserved at level 3. */
	if ((level == 3) != bits(desc, 1, 1))
		return fault(VMSA_MALFORMED, level);
	if (level < 2)
		return fault(VMSA_MALFORMED, level);
	r = leaf(desc, va, level);
	if (r.fault == VMSA_OK && bits(desc, 52, 52)) {
		if (level != 3 ||
		    !group_is_well_formed(read, data, table,
					  index_at(va, level)))
			return fault(VMSA_MALFORMED, level);
		r.size = UINT64_C(1) << 16;
	}
	return r;
}
