/* SPDX-License-Identifier: MIT */
/*
 * The set of ids that a lessee was lent: a sorted array, since it has a dozen
 * elements and is made once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kms/lease.h"

/* Where an id is, or would be. */
static uint32_t position(const struct hf_lease *lease, uint32_t id)
{
	uint32_t low = 0, high = lease->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (lease->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool hf_lease_has(const struct hf_lease *lease, uint32_t id)
{
	uint32_t at = position(lease, id);

	return at < lease->count && lease->ids[at] == id;
}

int hf_lease_add(struct hf_lease *lease, uint32_t id)
{
	uint32_t at = position(lease, id);
	uint32_t *ids;

	if (at < lease->count && lease->ids[at] == id)
		return -ENOSPC;
	ids = reallocarray(lease->ids, lease->count + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	memmove(ids + at + 1, ids + at, (lease->count - at) * sizeof(*ids));
	ids[at] = id;
	lease->ids = ids;
	lease->count++;
	return 0;
}

void hf_lease_clear(struct hf_lease *lease)
{
	free(lease->ids);
	*lease = (struct hf_lease){ 0 };
}
