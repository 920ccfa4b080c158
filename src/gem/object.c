/* SPDX-License-Identifier: MIT */
/*
 * Buffer objects: creation, the reference count, the offsets for mmap(2).
 *
 * The lock of the devices protects it all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "gem/gem.h"
#include "gem/internal.h"
#include "gem/userptr.h"
#include "mem/shmem.h"

/* Where the kernel starts too, so that no 32-bit offset is ever valid. */
#define FIRST_OFFSET 0x100000000ull

void hf_gem_device_init(struct hf_gem_device *gem, struct hf_dma_device *dma)
{
	memset(gem, 0, sizeof(*gem));
	gem->dma = dma;
	gem->mem = dma->mem;
	wl_list_init(&gem->objects);
	wl_list_init(&gem->purgeable);
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

int hf_gem_fault(struct hf_gem_device *gem)
{
	struct hf_gem_fault *fault = &gem->fault;

	if (!fault->fault.left)
		return 0;
	/* A generator of Lehmer's: the same numbers each time. */
	fault->random = (uint64_t)fault->random * 48271 % 0x7fffffff;
	return fault->random % 1000 < fault->permille ?
		       hf_fault_take(&fault->fault) :
		       0;
}

/* Listed and counted, but memory of others is not counted as ours. */
static struct hf_gem_object *new_object(struct hf_gem_device *gem, size_t size,
					bool foreign)
{
	struct hf_gem_object *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	object->gem = gem;
	object->refcount = 1;
	object->size = size;
	object->foreign = foreign;
	wl_list_init(&object->refs);
	wl_list_init(&object->backing_link);
	wl_list_init(&object->lru);
	wl_list_insert(gem->objects.prev, &object->link);
	gem->count++;
	gem->bytes += foreign ? 0 : size;
	if (gem->count > gem->peak_count)
		gem->peak_count = gem->count;
	if (gem->bytes > gem->peak_bytes)
		gem->peak_bytes = gem->bytes;
	return object;
}

static uint64_t own_bytes(const struct hf_gem_object *object)
{
	return object->foreign || object->purged ? 0 : object->size;
}

struct hf_gem_object *hf_gem_object_adopt(struct hf_gem_device *gem,
					  struct hf_backing *backing, pid_t pid)
{
	uint64_t bytes = backing->foreign ? 0 : backing->size;
	struct hf_gem_account *account = hf_gem_account_charge(gem, pid, bytes);
	struct hf_gem_object *object;

	if (!account)
		return NULL;
	object = new_object(gem, backing->size, backing->foreign);
	if (!object) {
		hf_gem_account_discharge(gem, account, bytes);
		return NULL;
	}
	object->account = account;
	object->backing = backing;
	wl_list_insert(&backing->objects, &object->backing_link);
	return object;
}

/* Below the client's limit and the device's, if need be by purging what is not
 * needed. */
static bool make_room(struct hf_gem_device *gem, size_t size, pid_t pid)
{
	if (!hf_gem_account_has_room(gem, pid, size))
		return false;
	if (!gem->limit)
		return true;
	if (size <= gem->limit && gem->bytes > gem->limit - size)
		hf_gem_reclaim(gem, gem->bytes - (gem->limit - size));
	return size <= gem->limit && gem->bytes <= gem->limit - size;
}

struct hf_gem_object *hf_gem_object_create(struct hf_gem_device *gem,
					   size_t size, bool contiguous,
					   pid_t pid)
{
	struct hf_gem_object *object;
	struct hf_backing *backing;

	if (size == 0 || size > SIZE_MAX - HF_PAGE_SIZE) {
		errno = EINVAL;
		return NULL;
	}
	size = (size + HF_PAGE_SIZE - 1) & ~(HF_PAGE_SIZE - 1);
	if (!make_room(gem, size, pid)) {
		errno = ENOMEM;
		return NULL;
	}
	backing = hf_backing_create(gem->mem, size, contiguous, pid);
	if (!backing && errno == ENOMEM && hf_gem_reclaim(gem, size))
		backing = hf_backing_create(gem->mem, size, contiguous, pid);
	if (!backing) {
		/* The kernel knows only ENFILE, and no limit of a process. */
		if (errno == EMFILE)
			errno = ENFILE;
		return NULL;
	}
	object = hf_gem_object_adopt(gem, backing, pid);
	if (!object) {
		hf_backing_put(backing);
		errno = ENOMEM;
	}
	return object;
}

struct hf_gem_object *hf_gem_object_of_user(struct hf_gem_device *gem,
					    struct hf_user_pages *pages)
{
	struct hf_gem_object *object =
		new_object(gem, pages->npages << HF_PAGE_SHIFT, true);

	if (object)
		object->user = pages;
	return object;
}

bool hf_gem_object_read_only(const struct hf_gem_object *object)
{
	return object->user && object->user->read_only;
}

const struct hf_owner *hf_gem_object_owner(const struct hf_gem_object *object)
{
	return object->backing ? &object->backing->owner :
				 &object->user->segments[0].backing->owner;
}

bool hf_gem_object_contiguous(const struct hf_gem_object *object)
{
	return object->size == HF_PAGE_SIZE ||
	       (object->backing && object->backing->run);
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
	wl_list_remove(&object->link);
	wl_list_remove(&object->backing_link);
	wl_list_remove(&object->lru);
	gem->count--;
	gem->bytes -= own_bytes(object);
	hf_gem_account_discharge(gem, object->account, own_bytes(object));
	hf_user_pages_destroy(object->user);
	if (memory)
		hf_backing_put_memory(object->backing, memory);
	else
		hf_backing_put(object->backing);
	free(object);
}

int hf_gem_object_dmabuf(struct hf_gem_object *object, int flags)
{
	int ret;

	if (!object->backing)
		return -EPERM;
	ret = hf_backing_share(object->backing);
	if (ret)
		return ret;
	/* There is one dma-buf of an object, so the first export decides. */
	if (!object->exported)
		object->export_mode = flags & O_RDWR ? O_RDWR : O_RDONLY;
	object->exported = object->shared = true;
	return hf_shmem_reopen(object->backing->fd,
			       object->export_mode | O_CLOEXEC);
}

uint64_t hf_gem_object_offset(struct hf_gem_object *object)
{
	struct hf_gem_device *gem = object->gem;

	if (!object->offset && object->backing) {
		object->offset = gem->next_offset;
		gem->next_offset += object->size;
		HASH_ADD(by_offset, gem->by_offset, offset,
			 sizeof(object->offset), object);
	}
	return object->offset;
}

static struct hf_gem_object *find_by_offset(struct hf_gem_file *file,
					    uint64_t offset)
{
	struct hf_gem_object *object;

	HASH_FIND(by_offset, file->gem->by_offset, &offset, sizeof(offset),
		  object);
	return object;
}

bool hf_gem_is_held(struct hf_gem_file *file, uint64_t offset)
{
	struct hf_gem_object *object = find_by_offset(file, offset);

	return object && object->mapping;
}

int hf_gem_mmap(struct hf_gem_file *file, uint64_t offset, uint64_t length,
		int prot, int flags)
{
	struct hf_gem_object *object = find_by_offset(file, offset);

	if (!object || length > object->size ||
	    ((length + HF_PAGE_SIZE - 1) & ~(HF_PAGE_SIZE - 1)) > object->size)
		return -EINVAL;
	if (!hf_gem_ref_find(file, object))
		return -EACCES;
	/* A private writable mapping would be copy-on-write. */
	if ((flags & MAP_TYPE) == MAP_PRIVATE && (prot & PROT_WRITE))
		return -EINVAL;
	return hf_backing_seal(object->backing) ? -ENOMEM : object->backing->fd;
}
