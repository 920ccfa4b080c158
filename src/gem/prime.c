/* SPDX-License-Identifier: MIT */
/*
 * PRIME: objects as dma-buf descriptors and back. The descriptor is the
 * object's memfd; its inode says which object it is, however it travelled.
 *
 * The lock of the devices protects it all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>

#include "gem/gem.h"
#include "gem/internal.h"

int hf_gem_prime_export(struct hf_gem_file *file, uint32_t handle, int flags)
{
	struct hf_gem_ref *ref = hf_idr_find(&file->handles, handle);
	int fd;

	if (!ref)
		return -ENOENT;
	fd = hf_gem_object_dmabuf(ref->object, flags);
	if (fd >= 0 && !ref->prime)
		ref->prime = handle;
	return fd;
}

/* The device's object of a backing, or NULL; no reference. */
static struct hf_gem_object *find_object(const struct hf_gem_device *gem,
					 const struct hf_backing *backing)
{
	struct hf_gem_object *object;

	wl_list_for_each(object, &backing->objects, backing_link)
		if (object->gem == gem)
			return object;
	return NULL;
}

/* A reference to the object of a descriptor, an old or a new one. */
static int find_or_adopt(struct hf_gem_file *file, int fd,
			 struct hf_gem_object **out)
{
	struct hf_backing *backing =
		hf_backing_of(file->gem->mem, fd, false, file->pid);

	if (!backing)
		return -errno;
	*out = find_object(file->gem, backing);
	if (*out) {
		hf_gem_object_get(*out);
		hf_backing_put(backing);
		return 0;
	}
	*out = hf_gem_object_adopt(file->gem, backing, file->pid);
	if (!*out) {
		hf_backing_put(backing);
		return -ENOMEM;
	}
	(*out)->shared = true;
	return 0;
}

int hf_gem_prime_import(struct hf_gem_file *file, int fd, uint32_t *handle)
{
	struct hf_gem_object *object = NULL;
	struct hf_gem_ref *ref;
	int ret = find_or_adopt(file, fd, &object);

	if (ret)
		return ret;
	ref = hf_gem_ref_find(file, object);
	if (ref && ref->prime) {
		*handle = ref->prime;
	} else {
		ret = hf_gem_handle_create(file, object, handle);
		if (!ret)
			hf_gem_ref_find(file, object)->prime = *handle;
	}
	hf_gem_object_put(object);
	return ret;
}
