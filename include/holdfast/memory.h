/* SPDX-License-Identifier: MIT */
/*
 * Memory that devices may touch. For everybody who writes a driver: this header is
 * a part of libholdfast, and the drivers of Holdfast itself include it, too.
 *
 * `struct hf_memory` is the machine's memory as devices see it: one for all the
 * devices of a process. A *backing* is a file as memory; its pages are allocated
 * when somebody gets them, stay where they are while anybody holds them, and are
 * ordinary memory that the machine may swap when nobody does.
 *
 * The caller serialises all calls about one hf_memory and the devices on it: one
 * thread, or a lock of the caller's. That is the lock of the devices.
 */
#ifndef HOLDFAST_MEMORY_H
#define HOLDFAST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_PAGE_SHIFT 12
#define HF_PAGE_SIZE ((size_t)1 << HF_PAGE_SHIFT)

/* What a device without an IOMMU puts on the bus, bytes. */
typedef uint64_t hf_bus_t;

struct hf_memory;
struct hf_backing;
struct hf_page;

/* -- the machine's memory ---------------------------------------------------- */

/**
 * struct hf_memory_options - How the machine's memory is laid out.
 * @pool: bytes of the contiguous pool, whole pages; 0: no pool
 * @max_pages: how many may be held; 0: half of what the machine has
 * @shadow: devices do not see the CPU's caches: pages get a shadow, which is
 *	what devices in software work on
 */
struct hf_memory_options {
	size_t pool, max_pages;
	bool shadow;
};

/**
 * struct hf_memory_stats - What is held.
 * @pages: held now; likewise @peak_pages, at most
 * @user_pages: of those, memory of client processes
 * @pool_size: bytes of the contiguous pool; likewise @pool_used
 * @pool_hole: bytes; its largest hole
 * @purged: bytes, ever
 */
struct hf_memory_stats {
	uint64_t pages, peak_pages;
	uint64_t user_pages;
	uint64_t pool_size, pool_used, pool_hole;
	uint64_t purged;
};

/**
 * hf_memory_create() - The machine's memory.
 *
 * From then on the process has a handler of SIGBUS, for files that others
 * truncate; signals about other addresses go to the handler that was there.
 *
 * Return: NULL and ENOMEM, or EINVAL for a bad pool.
 */
struct hf_memory *hf_memory_create(const struct hf_memory_options *options);
/** hf_memory_destroy() - All backings must have been put. Takes NULL. */
void hf_memory_destroy(struct hf_memory *mem);
void hf_memory_stats(const struct hf_memory *mem, struct hf_memory_stats *stats);

/* -- backings ---------------------------------------------------------------- */

/**
 * hf_backing_create() - New memory, zero-filled, nothing allocated.
 * @size: bytes, whole pages, at least one
 * @contiguous: take a run of bus addresses from the pool
 * @pid: for whom, in reports; the number is given here
 *
 * Return: one reference, or NULL and EINVAL for a bad size, ENOMEM, EFBIG,
 * EMFILE, ENFILE; ENOMEM where the pool has no hole that is large enough, and
 * can have none.
 */
struct hf_backing *hf_backing_create(struct hf_memory *mem, size_t size,
				     bool contiguous, pid_t pid);

/**
 * hf_backing_of() - The backing of a file that somebody shows us.
 * @fd: stays the caller's
 * @user: it holds memory of a client process; it may be larger than memory, and
 *	an ordinary file, and may shrink: a page that is gone reads as 0. Not a
 *	file of huge pages, nor one that a client serves itself (FUSE)
 * @pid: whose
 *
 * Return: one reference to the one that is there or a new one; NULL and errno:
 * EINVAL where it is no memory that can be relied on (a memfd sealed against
 * shrinking), or may not be read, ENOMEM, EMFILE, ENFILE.
 */
struct hf_backing *hf_backing_of(struct hf_memory *mem, int fd, bool user,
				 pid_t pid);
struct hf_backing *hf_backing_get(struct hf_backing *backing);
/** hf_backing_put() - Takes NULL. Pages that are held keep it alive. */
void hf_backing_put(struct hf_backing *backing);

/** hf_backing_size() - Bytes, whole pages. */
size_t hf_backing_size(const struct hf_backing *backing);
/**
 * hf_backing_fd() - The file, a memfd; stays the backing's.
 *
 * To map it, or, after hf_backing_share(), to give it to another process.
 */
int hf_backing_fd(const struct hf_backing *backing);
/**
 * hf_backing_share() - Before another process gets its file: it can neither shrink
 * nor grow any more, and hf_backing_of() finds it.
 *
 * Return: 0, -ENOMEM.
 */
int hf_backing_share(struct hf_backing *backing);

/* -- pages ------------------------------------------------------------------- */

/**
 * hf_backing_get_pages() - Hold pages, for a device to work on.
 * @first: the first page's index in the file
 * @n: how many
 * @pages: set to them, each with a reference
 *
 * Return: 0; -EINVAL beyond the end or for no pages; -ENOMEM. On an error
 * nothing is held.
 */
int hf_backing_get_pages(struct hf_backing *backing, size_t first, size_t n,
			 struct hf_page **pages);

/**
 * hf_page_cpu() - Where this process sees the page.
 *
 * Pages that one call got, and nobody had before, follow each other here.
 */
void *hf_page_cpu(const struct hf_page *page);
/** hf_page_get() - One more reference. */
void hf_page_get(struct hf_page *page);
/** hf_pages_put() - Drop a reference to each of @n pages. */
void hf_pages_put(struct hf_page **pages, size_t n);

#ifdef __cplusplus
}
#endif

#endif
