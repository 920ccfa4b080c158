/* SPDX-License-Identifier: MIT */
/*
 * GEM: buffer objects, the handles that files have for them, and the ways to
 * share them (flink names, PRIME).
 *
 * An object is a sealed memfd and a reference count. Handles, framebuffers
 * and running jobs hold references. A client's mapping or dma-buf holds the
 * memfd itself, which the kernel counts: the memory outlives the object then,
 * and importing the dma-buf makes an object of it again.
 *
 * All of it is protected by the device's lock.
 */
#ifndef HF_GEM_GEM_H
#define HF_GEM_GEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>
#include <wayland-util.h>

#include "base/idr.h"

struct hf_gem_device;

struct hf_gem_object {
	struct hf_gem_device *gem;
	uint32_t refcount;
	uint32_t handle_count; /* over all files */
	size_t size;	       /* bytes, whole pages */
	int fd;		       /* the memfd */
	uint64_t offset;       /* for mmap(2), bytes; 0: none yet */
	uint32_t name;	       /* flink's; 0: none */
	bool imported;	       /* of memory that is not from here */
	bool shared;	       /* its memfd may come back: `key` is set */
	bool exported;	       /* as a dma-buf, in this mode: */
	int export_mode;       /* O_RDONLY or O_RDWR */
	pid_t pid;	       /* who made it */
	struct {
		dev_t dev;
		ino_t ino;
	} key; /* what its memfd is called */
	bool sealed; /* as it must be before a client sees its memfd */
	struct wl_list refs; /* hf_gem_ref.link: which files have handles */
	UT_hash_handle by_key, by_offset;
	struct wl_list link; /* hf_gem_device.objects */
};

struct hf_gem_device {
	struct wl_list objects;
	struct hf_gem_object *by_key;
	struct hf_gem_object *by_offset;
	struct hf_idr names;
	uint64_t next_offset;
	uint64_t count, peak_count; /* objects */
	uint64_t bytes, peak_bytes;
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

void hf_gem_device_init(struct hf_gem_device *gem);
void hf_gem_device_finish(struct hf_gem_device *gem);
void hf_gem_file_init(struct hf_gem_file *file, struct hf_gem_device *gem,
		      pid_t pid);
/** hf_gem_file_finish() - Close all handles that are left. */
void hf_gem_file_finish(struct hf_gem_file *file);

/**
 * hf_gem_object_create() - A new object, zero-filled, allocated on touch.
 * @size: bytes, rounded up to whole pages; not 0
 *
 * Return: one reference, or NULL and ENOMEM or ENFILE.
 */
struct hf_gem_object *hf_gem_object_create(struct hf_gem_device *gem,
					   size_t size, pid_t pid);
struct hf_gem_object *hf_gem_object_get(struct hf_gem_object *object);
/** hf_gem_object_put() - Drop a reference. Takes NULL. */
void hf_gem_object_put(struct hf_gem_object *object);

/**
 * hf_gem_object_dmabuf() - A dma-buf descriptor of an object.
 * @flags: O_CLOEXEC and O_RDWR count
 *
 * Return: a descriptor, or a negative errno of open(2).
 */
int hf_gem_object_dmabuf(struct hf_gem_object *object, int flags);

/**
 * hf_gem_object_offset() - The offset under which mmap(2) finds an object.
 *
 * Never reused, so an offset that went stale finds nothing.
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

#endif
