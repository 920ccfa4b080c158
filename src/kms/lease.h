/* SPDX-License-Identifier: MIT */
/*
 * What a lessee was lent: a set of ids of mode objects. Only CRTCs, connectors
 * and planes are lent; all else is everybody's. A file whose hf_kms_file.lease
 * is set finds and sees of these what is in the set, and nothing more
 * (hf_kms_file_sees(), kms/object.c).
 *
 * It belongs to a master (uapi/master.c), under the device's lock.
 */
#ifndef HF_KMS_LEASE_H
#define HF_KMS_LEASE_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-filled is empty. */
struct hf_lease {
	uint32_t *ids; /* rising */
	uint32_t count;
};

/**
 * hf_lease_add() - Put an id into the set.
 *
 * Return: 0, -ENOSPC where it is in already, -ENOMEM.
 */
int hf_lease_add(struct hf_lease *lease, uint32_t id);
bool hf_lease_has(const struct hf_lease *lease, uint32_t id);
/** hf_lease_clear() - It is empty again, and holds no memory. */
void hf_lease_clear(struct hf_lease *lease);

#endif
