/* SPDX-License-Identifier: MIT */
/*
 * Buffer objects: creation, the reference count, the offsets for mmap(2).
 *
 * An object is found by its memfd's inode (a dma-buf that comes back) and by
 * its mmap offset. The device's lock protects it all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gem/gem.h"
#include "gem/internal.h"
#include "mem/shmem.h"

/* Where the kernel starts too, so that no 32-bit offset is ever valid. */
#define FIRST_OFFSET 0x100000000ull

/* From here on, freeing an object's pages takes longer than handing its memfd
 * over, bytes. */
#define LARGE (256u << 10)

void hf_gem_device_init(struct hf_gem_device *gem)
{
	memset(gem, 0, sizeof(*gem));
	wl_list_init(&gem->objects);
	gem->next_offset = FIRST_OFFSET;
}

void hf_gem_device_finish(struct hf_gem_device *gem)
{
	struct hf_gem_object *object, *next;

	wl_list_for_each_safe(object, next, &gem->objects, link) {
		object->refcount = 1;
		hf_gem_object_put(object);
	}
	hf_idr_finish(&gem->names);
}

struct hf_gem_object *hf_gem_object_adopt(struct hf_gem_device *gem, int fd,
					  size_t size, pid_t pid)
{
	struct hf_gem_object *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	object->gem = gem;
	object->refcount = 1;
	object->size = size;
	object->fd = fd;
	object->pid = pid;
	wl_list_init(&object->refs);
	wl_list_insert(gem->objects.prev, &object->link);
	gem->count++;
	gem->bytes += size;
	if (gem->count > gem->peak_count)
		gem->peak_count = gem->count;
	if (gem->bytes > gem->peak_bytes)
		gem->peak_bytes = gem->bytes;
	return object;
}

struct hf_gem_object *hf_gem_object_create(struct hf_gem_device *gem,
					   size_t size, pid_t pid)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct hf_gem_object *object;
	int fd;

	if (size == 0 || size > SIZE_MAX - page) {
		errno = EINVAL;
		return NULL;
	}
	size = (size + page - 1) & ~(page - 1);
	fd = hf_shmem_create("drm mm object", size);
	if (fd < 0) {
		/* The kernel knows only ENFILE, and no limit of a process. */
		errno = fd == -EMFILE ? ENFILE : -fd;
		return NULL;
	}
	object = hf_gem_object_adopt(gem, fd, size, pid);
	if (!object) {
		close(fd);
		errno = ENOMEM;
	}
	return object;
}

struct hf_gem_object *hf_gem_object_get(struct hf_gem_object *object)
{
	object->refcount++;
	return object;
}

void hf_gem_object_put(struct hf_gem_object *object)
{
	hf_gem_object_put_memory(object, NULL);
}

void hf_gem_object_put_memory(struct hf_gem_object *object, int *memory)
{
	struct hf_gem_device *gem;

	if (!object || --object->refcount)
		return;
	gem = object->gem;
	if (object->offset)
		HASH_DELETE(by_offset, gem->by_offset, object);
	if (object->shared)
		HASH_DELETE(by_key, gem->by_key, object);
	wl_list_remove(&object->link);
	gem->count--;
	gem->bytes -= object->size;
	if (memory && object->size >= LARGE)
		*memory = object->fd;
	else
		close(object->fd);
	free(object);
}

int hf_gem_object_seal(struct hf_gem_object *object)
{
	int ret = 0;

	if (!object->sealed && !object->imported)
		ret = hf_shmem_seal(object->fd);
	object->sealed = !ret;
	return ret;
}

int hf_gem_object_share(struct hf_gem_object *object)
{
	struct stat st;

	if (object->shared)
		return 0;
	if (hf_gem_object_seal(object))
		return -ENOMEM;
	if (fstat(object->fd, &st))
		return -errno;
	object->key.dev = st.st_dev;
	object->key.ino = st.st_ino;
	object->shared = true;
	HASH_ADD(by_key, object->gem->by_key, key, sizeof(object->key),
		 object);
	return 0;
}

int hf_gem_object_dmabuf(struct hf_gem_object *object, int flags)
{
	int ret = hf_gem_object_share(object);

	if (ret)
		return ret;
	/* There is one dma-buf of an object, so the first export decides. */
	if (!object->exported)
		object->export_mode = flags & O_RDWR ? O_RDWR : O_RDONLY;
	object->exported = true;
	return hf_shmem_reopen(object->fd, object->export_mode | O_CLOEXEC);
}

uint64_t hf_gem_object_offset(struct hf_gem_object *object)
{
	struct hf_gem_device *gem = object->gem;

	if (!object->offset) {
		object->offset = gem->next_offset;
		gem->next_offset += object->size;
		HASH_ADD(by_offset, gem->by_offset, offset,
			 sizeof(object->offset), object);
	}
	return object->offset;
}

int hf_gem_mmap(struct hf_gem_file *file, uint64_t offset, uint64_t length,
		int prot, int flags)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct hf_gem_object *object;

	HASH_FIND(by_offset, file->gem->by_offset, &offset, sizeof(offset),
		  object);
	if (!object || length > object->size ||
	    ((length + page - 1) & ~(page - 1)) > object->size)
		return -EINVAL;
	if (!hf_gem_ref_find(file, object))
		return -EACCES;
	/* A private writable mapping would be copy-on-write. */
	if ((flags & MAP_TYPE) == MAP_PRIVATE && (prot & PROT_WRITE))
		return -EINVAL;
	return hf_gem_object_seal(object) ? -ENOMEM : object->fd;
}
