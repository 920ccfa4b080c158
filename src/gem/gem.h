/* SPDX-License-Identifier: MIT */
/*
 * GEM: buffer objects, the handles that files have for them, the ways to share
 * them (flink names, PRIME), and what devices do with them (mapping, purging).
 *
 * An object is a reference count on a backing (mem/backing.h), which is a sealed
 * memfd; or, where it is user pages, on pieces of several. Handles, framebuffers
 * and mappings of devices hold references. A client's mapping or dma-buf holds
 * the memfd itself, which the kernel counts: the memory outlives the object then,
 * and importing the dma-buf makes an object of it again.
 *
 * The lock of the devices protects all of it.
 */
#ifndef HF_GEM_GEM_H
#define HF_GEM_GEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>
#include <wayland-util.h>

#include "base/fault.h"
#include "base/idr.h"
#include "dma/dma.h"
#include "mem/backing.h"
#include "mmu/vm.h"

struct hf_gem_device;
struct hf_gem_account;
struct hf_gem_mapping;
struct hf_user_pages;

struct hf_gem_object {
	struct hf_gem_device *gem;
	uint32_t refcount;
	uint32_t handle_count; /* over all files */
	size_t size;	       /* bytes, whole pages */
	struct hf_backing *backing; /* NULL: user pages */
	struct hf_user_pages *user;
	struct hf_gem_account *account; /* who pays for it; NULL: user pages */
	uint32_t name;	       /* flink's; 0: none */
	uint64_t offset;       /* for mmap(2), bytes; 0: none yet */
	struct hf_gem_mapping *mapping; /* the device's, or NULL */
	bool foreign;	       /* memory of others: not counted in bytes */
	bool exported;	       /* as a dma-buf, in this mode: */
	bool shared;	       /* ever: somebody else may have the memory */
	bool dontneed, purged; /* HOLDFAST_MADV_* */
	int export_mode;       /* O_RDONLY or O_RDWR */
	struct wl_list refs;   /* hf_gem_ref.link: which files have handles */
	UT_hash_handle by_offset;
	struct wl_list backing_link; /* hf_backing.objects */
	struct wl_list link;   /* hf_gem_device.objects */
	struct wl_list lru;    /* hf_gem_device.purgeable */
};

/**
 * struct hf_gem_fault - Memory that runs out on purpose.
 * @fault: of the allocations that are hit
 * @permille: how many are; they are the same ones every time
 * @random: the state of that
 */
struct hf_gem_fault {
	struct hf_fault fault;
	uint32_t permille, random;
};

struct hf_gem_device {
	struct hf_memory *mem;
	struct hf_dma_device *dma;
	struct wl_list objects;
	struct wl_list purgeable; /* not needed, least recently used first */
	struct hf_gem_object *by_offset;
	struct hf_idr names;
	uint64_t next_offset;
	uint64_t count, peak_count; /* objects */
	uint64_t bytes, peak_bytes; /* of memory that is theirs */
	uint64_t limit; /* of bytes; 0: none */
	struct hf_gem_account *accounts; /* of the clients, by process */
	uint64_t client_count, client_bytes; /* limits of each; 0: none */
	struct hf_gem_fault fault;
	/* Told once, when there is something to purge for the first time; or NULL. */
	void (*purging_makes_sense)(struct hf_gem_device *gem);
};

/* What a file has of an object: how many handles, and the one PRIME gives. */
struct hf_gem_ref {
	struct hf_gem_file *file;
	struct hf_gem_object *object;
	uint32_t handles;
	uint32_t prime; /* handle; 0: never exported or imported here */
	struct wl_list link; /* hf_gem_object.refs */
};

struct hf_gem_file {
	struct hf_gem_device *gem;
	struct hf_idr handles; /* to hf_gem_ref */
	pid_t pid;
};

/**
 * hf_gem_device_init() - The objects of a device: none.
 * @dma: the device that works on them
 */
void hf_gem_device_init(struct hf_gem_device *gem, struct hf_dma_device *dma);
void hf_gem_device_finish(struct hf_gem_device *gem);
/**
 * hf_gem_fault() - Is an allocation to fail on purpose?
 *
 * Asked once for each object that a client makes, and each whose pages are held.
 * Return: 0 or the error.
 */
int hf_gem_fault(struct hf_gem_device *gem);
void hf_gem_file_init(struct hf_gem_file *file, struct hf_gem_device *gem,
		      pid_t pid);
/** hf_gem_file_finish() - Close all handles that are left. */
void hf_gem_file_finish(struct hf_gem_file *file);

/**
 * hf_gem_object_create() - A new object, zero-filled, allocated on touch.
 * @size: bytes, rounded up to whole pages; not 0
 * @contiguous: one run of bus addresses
 * @pid: who pays for it, within its limits
 *
 * Return: one reference, or NULL and EINVAL for no size, ENOMEM, ENFILE.
 */
struct hf_gem_object *hf_gem_object_create(struct hf_gem_device *gem,
					   size_t size, bool contiguous,
					   pid_t pid);
/**
 * hf_gem_object_of_user() - User pages as an object.
 * @pages: the object's then
 *
 * Return: one reference, or NULL and ENOMEM, and @pages are still the caller's.
 */
struct hf_gem_object *hf_gem_object_of_user(struct hf_gem_device *gem,
					    struct hf_user_pages *pages);
/** hf_gem_object_read_only() - Must devices not write to it? */
bool hf_gem_object_read_only(const struct hf_gem_object *object);
/** hf_gem_object_owner() - Whose it is. */
const struct hf_owner *hf_gem_object_owner(const struct hf_gem_object *object);
/** hf_gem_object_contiguous() - Is it one run of bus addresses? */
bool hf_gem_object_contiguous(const struct hf_gem_object *object);
struct hf_gem_object *hf_gem_object_get(struct hf_gem_object *object);
/** hf_gem_object_put() - Drop a reference. Takes NULL. */
void hf_gem_object_put(struct hf_gem_object *object);

/**
 * hf_gem_object_dmabuf() - A dma-buf descriptor of an object.
 * @flags: O_CLOEXEC and O_RDWR count
 *
 * Return: a descriptor, -EPERM for user pages, or a negative errno of open(2).
 */
int hf_gem_object_dmabuf(struct hf_gem_object *object, int flags);

/**
 * hf_gem_object_offset() - The offset under which mmap(2) finds an object.
 *
 * Never reused, so an offset that went stale finds nothing. 0 for user pages,
 * which have none.
 */
uint64_t hf_gem_object_offset(struct hf_gem_object *object);

/**
 * hf_gem_mmap() - Which memory does mmap(2) of a DRM file give?
 * @offset: as given to mmap(2), bytes
 * @length: bytes
 * @prot: PROT_*
 * @flags: MAP_*
 *
 * The rules of the kernel's drm_gem_mmap(): the offset is an object's first
 * page, the length within the object, and the file has a handle for it.
 *
 * Return: the object's descriptor, to be duplicated; -EINVAL, -EACCES.
 */
int hf_gem_mmap(struct hf_gem_file *file, uint64_t offset, uint64_t length,
		int prot, int flags);

/**
 * hf_gem_is_held() - Does the object at this offset have all its pages?
 *
 * So it is while a device uses it. Then a mapping takes no memory that is not taken
 * already, and may have them all at once instead of one by one when they are touched.
 */
bool hf_gem_is_held(struct hf_gem_file *file, uint64_t offset);

/**
 * hf_gem_handle_create() - A (further) handle for an object.
 *
 * Takes a reference of its own. Return: 0 or -ENOMEM.
 */
int hf_gem_handle_create(struct hf_gem_file *file,
			 struct hf_gem_object *object, uint32_t *handle);
/** hf_gem_handle_delete() - Return: 0, or -EINVAL for no such handle. */
int hf_gem_handle_delete(struct hf_gem_file *file, uint32_t handle);
/**
 * hf_gem_handle_close() - The same, for a client that is there to be answered.
 * @memory: set to the memfd of a large object that this was the last reference
 *          to, now the caller's; else to -1
 *
 * Whoever closes that memfd last frees its pages, on its CPU: let it be the
 * client, which is likely to allocate the next ones.
 */
int hf_gem_handle_close(struct hf_gem_file *file, uint32_t handle,
			int *memory);
/**
 * hf_gem_lookup() - The object behind a handle, with a reference.
 *
 * Return: NULL where the file has no such handle.
 */
struct hf_gem_object *hf_gem_lookup(struct hf_gem_file *file, uint32_t handle);

/** hf_gem_flink() - The global name of an object. Return: 0, -ENOENT, -ENOMEM. */
int hf_gem_flink(struct hf_gem_file *file, uint32_t handle, uint32_t *name);
/** hf_gem_open() - A handle by global name. Return: 0, -ENOENT, -ENOMEM. */
int hf_gem_open(struct hf_gem_file *file, uint32_t name, uint32_t *handle,
		uint64_t *size);

/**
 * hf_gem_prime_export() - A dma-buf of a handle.
 * @flags: O_CLOEXEC, O_RDWR
 *
 * Return: a descriptor, -ENOENT for no such handle, or as
 * hf_gem_object_dmabuf().
 */
int hf_gem_prime_export(struct hf_gem_file *file, uint32_t handle, int flags);

/**
 * hf_gem_prime_import() - A handle for a dma-buf.
 * @fd: any descriptor; stays the caller's
 *
 * The handle that the file has for it already, if PRIME gave it. Memory that
 * is not from here is taken if it cannot shrink.
 *
 * Return: 0, -EINVAL where it is no memory that could be imported, -ENOMEM.
 */
int hf_gem_prime_import(struct hf_gem_file *file, int fd, uint32_t *handle);

/* mapping.c: a device works on an object */

/**
 * struct hf_gem_mapping - An object's memory, mapped for its device.
 * @memory: for address spaces (mmu/vm.h)
 * @object: with a reference
 * @table: device addresses
 */
struct hf_gem_mapping {
	struct hf_vm_memory memory;
	struct hf_gem_object *object;
	uint32_t refcount;
	struct hf_sg_table table;
	struct hf_page **pages;
};

/**
 * hf_gem_map() - Hold an object's pages, and map them for the device.
 *
 * One mapping an object, counted; with the last reference the device loses it, and
 * the pages are put.
 *
 * Return: NULL and errno: EFAULT where its content is not needed, or was purged;
 * ENOMEM; EIO where the device cannot reach it.
 */
struct hf_gem_mapping *hf_gem_map(struct hf_gem_object *object);
struct hf_gem_mapping *hf_gem_mapping_get(struct hf_gem_mapping *mapping);
/** hf_gem_unmap() - Drop a reference. Takes NULL. */
void hf_gem_unmap(struct hf_gem_mapping *mapping);

/**
 * hf_gem_sync_cpu() - The CPU begins or ends to work on memory.
 * @start: it begins; else it ends
 * @dir: what it does: HF_DMA_FROM_DEVICE to read, HF_DMA_TO_DEVICE to write
 *
 * For every object of this device that is of that memory.
 */
void hf_gem_sync_cpu(struct hf_gem_device *gem, struct hf_backing *backing,
		     bool start, enum hf_dma_direction dir);

/* reclaim.c: what may be thrown away */

/**
 * hf_gem_madvise() - Is the content needed?
 *
 * What is not may be purged while no device works on it, and was never shared.
 *
 * Return: is it still there? Once purged, it stays so.
 */
bool hf_gem_madvise(struct hf_gem_object *object, bool needed);
/**
 * hf_gem_reclaim() - Purge what is not needed, least recently used first.
 * @bytes: how much to free at least, if there is as much
 *
 * Return: bytes of objects that were purged.
 */
uint64_t hf_gem_reclaim(struct hf_gem_device *gem, uint64_t bytes);

#endif
