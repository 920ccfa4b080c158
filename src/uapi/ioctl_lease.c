/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of leases. What a lease is, is in master.c; who sees what follows
 * from it in kms/object.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "uapi/handlers.h"

static bool can_be_lent(const struct hf_mode_object *object)
{
	return object->type == DRM_MODE_OBJECT_CRTC ||
	       object->type == DRM_MODE_OBJECT_CONNECTOR ||
	       object->type == DRM_MODE_OBJECT_PLANE;
}

/* All must be there before any is looked at closer. */
static int check_objects(const struct hf_kms_file *file, const uint32_t *ids,
			 uint32_t n)
{
	bool crtc = false, connector = false, plane = false;

	for (uint32_t i = 0; i < n; i++) {
		const struct hf_mode_object *object =
			hf_mode_object_seen(file, ids[i], DRM_MODE_OBJECT_ANY);

		if (!object)
			return -ENOENT;
		if (!can_be_lent(object))
			return -EINVAL;
		crtc |= object->type == DRM_MODE_OBJECT_CRTC;
		connector |= object->type == DRM_MODE_OBJECT_CONNECTOR;
		plane |= object->type == DRM_MODE_OBJECT_PLANE;
	}
	return crtc && connector && (plane || !file->universal) ? 0 : -EINVAL;
}

/* Who knows no primary and cursor planes lends them with their CRTC. */
static int add_crtcs_planes(struct hf_lease *lease, const struct hf_crtc *crtc)
{
	int ret = hf_lease_add(lease, crtc->primary->base.id);

	if (!ret && crtc->cursor)
		ret = hf_lease_add(lease, crtc->cursor->base.id);
	return ret;
}

static int fill_lease(const struct hf_kms_file *file, const uint32_t *ids,
		      uint32_t n, struct hf_lease *lease)
{
	int ret = check_objects(file, ids, n);

	for (uint32_t i = 0; !ret && i < n; i++) {
		const struct hf_crtc *crtc = hf_crtc_find(file, ids[i]);

		ret = hf_lease_add(lease, ids[i]);
		if (!ret && crtc && !file->universal)
			ret = add_crtcs_planes(lease, crtc);
	}
	return ret;
}

/* The lessee's file, and the descriptor of it that the caller gets. */
static int open_lease(struct hf_call *call, struct hf_master *lessee,
		      uint32_t flags)
{
	struct hf_file *file;
	int fd;

	file = hf_file_open_lease(lessee, &call->cred, &fd);
	if (!file) {
		int ret = -errno;

		hf_master_put(lessee);
		return ret;
	}
	/* Where it cannot be added it is closed, and with it the file. */
	return hf_call_add_fd(call, fd, flags & O_CLOEXEC);
}

int hf_ioctl_mode_create_lease(struct hf_call *call, void *arg)
{
	struct drm_mode_create_lease *create = arg;
	struct hf_master *lessor = call->file->master, *lessee;
	struct hf_lease lease = { 0 };
	const uint32_t *ids;
	int ret;

	if (create->flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (lessor->lessor)
		return -EINVAL;
	ret = hf_call_copy_in(call, 0, create->object_count,
			      (const void **)&ids);
	/* Of nothing, a lease is one that has ended. */
	if (!ret && create->object_count)
		ret = fill_lease(&call->file->kms, ids, create->object_count,
				 &lease);
	if (!ret)
		ret = hf_master_lend(lessor, &lease, &lessee);
	hf_lease_clear(&lease);
	if (!ret)
		ret = open_lease(call, lessee, create->flags);
	if (!ret)
		create->lessee_id = lessee->lessee_id;
	return ret;
}

/* Ended ones are not counted. */
int hf_ioctl_mode_list_lessees(struct hf_call *call, void *arg)
{
	struct drm_mode_list_lessees *list = arg;
	const struct hf_master *lessee;
	uint32_t n = 0;
	int ret = 0;

	if (list->pad)
		return -EINVAL;
	wl_list_for_each(lessee, &call->file->master->lessees, lessor_link) {
		if (!lessee->lease.count)
			continue;
		if (n < list->count_lessees)
			ret = hf_call_copy_out(call, 0, &lessee->lessee_id, n,
					       1);
		if (ret)
			return ret;
		n++;
	}
	list->count_lessees = n;
	return 0;
}

/* An owner's lease is all objects there are, of whatever type. */
static int get_everything(struct hf_call *call, struct drm_mode_get_lease *get)
{
	const struct hf_idr *objects = &call->dev->kms.objects;
	uint32_t n = 0;
	int ret = 0;

	for (uint32_t id = 1; hf_idr_next(objects, &id); id++) {
		if (n < get->count_objects)
			ret = hf_call_copy_out(call, 0, &id, n, 1);
		if (ret)
			return ret;
		n++;
	}
	get->count_objects = n;
	return 0;
}

int hf_ioctl_mode_get_lease(struct hf_call *call, void *arg)
{
	struct drm_mode_get_lease *get = arg;
	const struct hf_master *master = call->file->master;
	uint32_t n = get->count_objects;
	int ret;

	if (get->pad)
		return -EINVAL;
	if (!master->lessor)
		return get_everything(call, get);
	if (n > master->lease.count)
		n = master->lease.count;
	ret = n ? hf_call_copy_out(call, 0, master->lease.ids, 0, n) : 0;
	if (!ret)
		get->count_objects = master->lease.count;
	return ret;
}

int hf_ioctl_mode_revoke_lease(struct hf_call *call, void *arg)
{
	const struct drm_mode_revoke_lease *revoke = arg;
	struct hf_master *own = call->file->master, *lessee;
	const struct hf_master *owner = own->lessor ? own->lessor : own;

	lessee = hf_idr_find(&owner->lessee_ids, revoke->lessee_id);
	if (!lessee)
		return -ENOENT;
	if (lessee->lessor != own)
		return -EACCES;
	hf_master_revoke(lessee);
	return 0;
}
