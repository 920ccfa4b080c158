/* SPDX-License-Identifier: MIT */
/*
 * PRIME: objects as dma-buf descriptors and back. The descriptor is the
 * object's memfd; its inode says which object it is, however it travelled.
 *
 * The device's lock protects it all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gem/gem.h"
#include "gem/internal.h"
#include "mem/shmem.h"

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

/* A reference to the object of a descriptor, an old or a new one. */
static int find_or_adopt(struct hf_gem_file *file, int fd,
			 struct hf_gem_object **out)
{
	struct hf_gem_device *gem = file->gem;
	struct hf_gem_object *object;
	__typeof__(object->key) key;
	struct stat st;
	size_t size;
	int ret, own;

	if (fstat(fd, &st))
		return -errno;
	memset(&key, 0, sizeof(key));
	key.dev = st.st_dev;
	key.ino = st.st_ino;
	HASH_FIND(by_key, gem->by_key, &key, sizeof(key), object);
	if (object) {
		*out = hf_gem_object_get(object);
		return 0;
	}
	ret = hf_shmem_check(fd, &size);
	if (ret)
		return ret;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return -ENOMEM;
	*out = hf_gem_object_adopt(gem, own, size, file->pid);
	if (!*out) {
		close(own);
		return -ENOMEM;
	}
	(*out)->imported = (*out)->sealed = true;
	ret = hf_gem_object_share(*out);
	if (ret)
		hf_gem_object_put(*out);
	return ret;
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
