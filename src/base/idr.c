/* SPDX-License-Identifier: MIT */
/*
 * An array of pointers with a bitmap of what is used. `lowest` only moves
 * forward while ids are taken, so taking n ids costs n/64 words in all.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/idr.h"

static int grow(struct hf_idr *idr)
{
	uint32_t size = idr->size ? idr->size * 2 : 64;
	void **slots;
	uint64_t *full;

	if (size > INT_MAX)
		return -ENOMEM;
	slots = realloc(idr->slots, size * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	idr->slots = slots;
	full = realloc(idr->full, size / 8);
	if (!full)
		return -ENOMEM;
	idr->full = full;
	memset(slots + idr->size, 0, (size - idr->size) * sizeof(*slots));
	memset(full + idr->size / 64, 0, (size - idr->size) / 8);
	idr->size = size;
	return 0;
}

int hf_idr_alloc(struct hf_idr *idr, void *ptr)
{
	uint32_t word = idr->lowest / 64, bit, slot;
	int ret;

	while (word < idr->size / 64 && idr->full[word] == UINT64_MAX)
		word++;
	if (word == idr->size / 64) {
		ret = grow(idr);
		if (ret)
			return ret;
	}
	bit = __builtin_ctzll(~idr->full[word]);
	slot = word * 64 + bit;
	idr->full[word] |= 1ull << bit;
	idr->slots[slot] = ptr;
	idr->lowest = slot + 1;
	idr->count++;
	return slot + 1;
}

void *hf_idr_find(const struct hf_idr *idr, uint32_t id)
{
	if (id == 0 || id > idr->size)
		return NULL;
	return idr->slots[id - 1];
}

void *hf_idr_remove(struct hf_idr *idr, uint32_t id)
{
	void *ptr = hf_idr_find(idr, id);
	uint32_t slot = id - 1;

	if (!ptr)
		return NULL;
	idr->slots[slot] = NULL;
	idr->full[slot / 64] &= ~(1ull << (slot % 64));
	if (slot < idr->lowest)
		idr->lowest = slot;
	idr->count--;
	return ptr;
}

void *hf_idr_next(const struct hf_idr *idr, uint32_t *id)
{
	for (; *id <= idr->size; (*id)++)
		if (idr->slots[*id - 1])
			return idr->slots[*id - 1];
	return NULL;
}

void hf_idr_finish(struct hf_idr *idr)
{
	free(idr->slots);
	free(idr->full);
	memset(idr, 0, sizeof(*idr));
}
