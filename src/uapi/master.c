/* SPDX-License-Identifier: MIT */
/*
 * Masters: who may set modes; and leases, which make a tree of them. A lessee is
 * the master of a file of its own, may set modes whenever its lessor may, and
 * sees only what it was lent. It holds its lessor; a revoked lease is an empty
 * one. There are no leases of leases, so the tree is one level deep.
 *
 * Files hold masters, and the device holds the current one. The system's lock
 * protects it all.
 */
#include <errno.h>
#include <stdlib.h>

#include "uapi/device.h"

struct hf_master *hf_master_create(struct hf_device *dev)
{
	struct hf_master *master = calloc(1, sizeof(*master));

	if (!master)
		return NULL;
	master->dev = dev;
	master->refcount = 1;
	wl_list_init(&master->lessees);
	wl_list_init(&master->lessor_link);
	return master;
}

/* The lessor is told: it may want to show something there again. */
static void leave(struct hf_master *lessee)
{
	struct hf_master *lessor = lessee->lessor;

	wl_list_remove(&lessee->lessor_link);
	hf_idr_remove(&lessor->lessee_ids, lessee->lessee_id);
	hf_kms_uevent(&lessee->dev->kms, "LEASE=1", NULL, NULL);
	hf_master_put(lessor);
}

void hf_master_put(struct hf_master *master)
{
	if (!master || --master->refcount)
		return;
	if (master->lessor)
		leave(master);
	hf_lease_clear(&master->lease);
	hf_idr_finish(&master->magics);
	hf_idr_finish(&master->lessee_ids);
	free(master);
}

/* Has a lessee of this master's got it? */
static bool is_lent(const struct hf_master *lessor, uint32_t id)
{
	const struct hf_master *lessee;

	wl_list_for_each(lessee, &lessor->lessees, lessor_link)
		if (hf_lease_has(&lessee->lease, id))
			return true;
	return false;
}

int hf_master_lend(struct hf_master *lessor, struct hf_lease *lease,
		   struct hf_master **lessee)
{
	struct hf_master *master;
	int id;

	for (uint32_t i = 0; i < lease->count; i++)
		if (is_lent(lessor, lease->ids[i]))
			return -EBUSY;
	master = hf_master_create(lessor->dev);
	if (!master)
		return -ENOMEM;
	id = hf_idr_alloc(&lessor->lessee_ids, master);
	if (id < 0) {
		hf_master_put(master);
		return id;
	}
	master->lessee_id = id;
	master->lessor = lessor;
	lessor->refcount++;
	wl_list_insert(lessor->lessees.prev, &master->lessor_link);
	master->lease = *lease;
	*lease = (struct hf_lease){ 0 };
	*lessee = master;
	return 0;
}

void hf_master_revoke(struct hf_master *master)
{
	struct hf_master *lessee;

	hf_lease_clear(&master->lease);
	wl_list_for_each(lessee, &master->lessees, lessor_link)
		hf_lease_clear(&lessee->lease);
}

static void drop_magic(struct hf_file *file)
{
	if (file->magic)
		hf_idr_remove(&file->master->magics, file->magic);
	file->magic = 0;
}

int hf_file_new_master(struct hf_file *file)
{
	struct hf_master *master = hf_master_create(file->dev);

	if (!master)
		return -ENOMEM;
	drop_magic(file);
	hf_master_put(file->master);
	file->master = master;
	file->is_master = file->was_master = file->authenticated = true;
	master->refcount++;
	file->dev->master = master;
	return 0;
}

bool hf_file_is_current_master(const struct hf_file *file)
{
	const struct hf_master *owner = file->master;

	if (!file->is_master)
		return false;
	if (owner->lessor)
		owner = owner->lessor;
	return owner == file->dev->master;
}

int hf_file_set_master(struct hf_file *file)
{
	if (hf_file_is_current_master(file))
		return 0;
	if (file->dev->master)
		return -EBUSY;
	if (!file->is_master)
		return hf_file_new_master(file);
	if (file->master->lessor)
		return -EINVAL;
	file->master->refcount++;
	file->dev->master = file->master;
	return 0;
}

int hf_file_drop_master(struct hf_file *file)
{
	struct hf_device *dev = file->dev;

	if (!hf_file_is_current_master(file) || file->master->lessor)
		return -EINVAL;
	hf_master_put(dev->master);
	dev->master = NULL;
	return 0;
}

void hf_file_release_master(struct hf_file *file)
{
	struct hf_device *dev = file->dev;

	if (!file->master)
		return;
	drop_magic(file);
	if (file->is_master && file->master == dev->master) {
		hf_master_put(dev->master);
		dev->master = NULL;
	}
	/* Nobody shall set modes in the name of one that is not there. */
	if (file->is_master)
		hf_master_revoke(file->master);
	hf_master_put(file->master);
	file->master = NULL;
}
