/* SPDX-License-Identifier: MIT */
/*
 * Backings: files as memory, what the kernel calls an address_space. A GEM
 * object is one, and so is memory that a client process has given us. There is
 * one backing for a file, whoever uses it (two devices may), found by inode.
 *
 * Pages are instantiated when they are first gotten, in extents: arrays of
 * struct hf_page with one mapping of the file for all of them. An extent lives
 * until the last of its pages is put; then it is unmapped, and what is left is
 * page cache that the machine may swap. Extents never overlap: a page is the
 * same struct hf_page for everybody.
 *
 * Drivers use what is in holdfast/memory.h; this is the inside. The lock of the
 * devices protects them.
 */
#ifndef HF_MEM_BACKING_H
#define HF_MEM_BACKING_H

#include <uthash.h>
#include <wayland-util.h>

#include "mem/page.h"
#include "mem/trap.h"

struct hf_resv;
struct hf_pool_run;
struct hf_extent;

struct hf_backing_key {
	dev_t dev;
	ino_t ino;
};

/**
 * struct hf_backing - A file as memory.
 * @size: bytes, whole pages
 * @fd: the file, owned
 * @keyed: @key is set, and the backing is found by it
 * @sealed: the file can neither shrink nor grow
 * @foreign: somebody else's file
 * @user: memory of a client process (user pages)
 * @read_only: nobody has shown a descriptor that can be written to, and no
 *	device may write. Who shows one must be asked about that one, too
 * @coherent: devices see what the CPU sees, always: no shadow. Set before the
 *	first page is gotten
 * @run: bus addresses of its own from the pool, or NULL
 * @resv: its fences, or NULL (sync/resv.h); freed by @resv_destroy
 * @objects: GEM objects of it, one a device (hf_gem_object.backing_link)
 * @held: pages that somebody holds
 * @extents: by address, @nextents of them; NULL: none
 */
struct hf_backing {
	struct hf_memory *mem;
	uint32_t refcount;
	bool keyed, sealed, foreign, user, read_only, coherent;
	int fd;
	size_t size;
	struct hf_owner owner;
	struct hf_pool_run *run;
	struct hf_resv *resv;
	void (*resv_destroy)(struct hf_resv *resv);
	struct wl_list objects;
	size_t held;
	struct hf_extent **extents;
	uint32_t nextents, max_extents;
	struct hf_backing_key key;
	UT_hash_handle by_key;
};

/** hf_backing_find() - By key. Return: NULL for none; no reference. */
struct hf_backing *hf_backing_find(struct hf_memory *mem,
				   const struct hf_backing_key *key);
/**
 * hf_backing_put_memory() - As hf_backing_put().
 * @fd: where it was the last reference to something large: set to its file, now
 *	the caller's to close; else to -1
 */
void hf_backing_put_memory(struct hf_backing *backing, int *fd);

/** hf_backing_seal() - Fix its size; foreign ones' is not ours. 0 or -ENOMEM. */
int hf_backing_seal(struct hf_backing *backing);

/**
 * hf_backing_populate() - Allocate its pages, which takes its time.
 * @fd: of the backing, or a copy; may be done without the lock
 * @first: page
 * @n: pages
 *
 * Return: 0, -ENOMEM.
 */
int hf_backing_populate(int fd, size_t first, size_t n);

/**
 * hf_backing_purge() - Throw its content away, and its run of bus addresses.
 *
 * Return: bytes that were freed; -EBUSY while pages are held; -EINVAL for
 * somebody else's file; an error of fallocate(2).
 */
int64_t hf_backing_purge(struct hf_backing *backing);

/**
 * struct hf_extent - Pages and the mapping that shows them; for this layer.
 * @backing: with a reference
 * @first: the first page's index in the file
 * @npages: how many
 * @live: of those, held ones; a page that is not has no bus address
 * @cpu: where the server sees them
 * @shadow: of the same size, or NULL
 * @trap: watches @cpu
 */
struct hf_extent {
	struct hf_backing *backing;
	size_t first, npages, live;
	char *cpu, *shadow;
	struct hf_trap trap;
	struct hf_page pages[];
};

/** hf_extent_drop() - One of its pages is not held any more; for this layer. */
void hf_extent_drop(struct hf_extent *extent);

#endif
