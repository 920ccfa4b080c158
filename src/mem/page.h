/* SPDX-License-Identifier: MIT */
/*
 * Pages that a device may touch, and the bus addresses that they have: what
 * drivers use is in holdfast/memory.h, and this is the rest.
 *
 * `struct hf_memory` is the machine's memory as devices see it: one for all the
 * devices of a server, as bus addresses are the machine's. A page exists from
 * the moment that somebody gets it (mem/backing.h) until the last reference to
 * it is put; so long its bus address is its own.
 *
 * Bus addresses are handed out in a scattered order on purpose, and the one
 * that was freed last is reused last, so that a driver which relies on
 * neighbours, or on a page that it put, is found out.
 *
 * The lock of the devices protects it all, except that hf_page_at(),
 * hf_page_cpu(), hf_page_shadow() and hf_page_owner() need no lock while the
 * page is held, and hf_page_former_owner() never does.
 */
#ifndef HF_MEM_PAGE_H
#define HF_MEM_PAGE_H

#include <holdfast/memory.h>

struct hf_extent;

/* Whose memory it is, for reports. */
struct hf_owner {
	uint32_t object; /* a number that is unique over the server's life */
	pid_t pid;	 /* who made it */
};

/**
 * struct hf_page - A page of memory that somebody holds.
 * @refcount: who holds it
 * @pfn: its bus address in pages
 * @extent: where it is in memory
 */
struct hf_page {
	uint32_t refcount;
	uint32_t pfn;
	struct hf_extent *extent;
};

/** hf_memory_max_pages() - How many may be held. */
size_t hf_memory_max_pages(const struct hf_memory *mem);
/** hf_memory_max_fds() - How many descriptors may be of memory. */
unsigned int hf_memory_max_fds(const struct hf_memory *mem);

/**
 * hf_memory_promise() - Memory is being allocated for pages, without the lock.
 * @n: how many; they count as held until hf_memory_promised() takes it back
 *
 * Return: 0, or -ENOMEM where so many may not be held.
 */
int hf_memory_promise(struct hf_memory *mem, size_t n);
void hf_memory_promised(struct hf_memory *mem, size_t n);

/** hf_page_bus() - The bus address of a page's first byte. */
static inline hf_bus_t hf_page_bus(const struct hf_page *page)
{
	return (hf_bus_t)page->pfn << HF_PAGE_SHIFT;
}

/**
 * hf_page_at() - The page that a bus address belongs to.
 *
 * Needs no lock: the caller knows that the page is held, or only wants to know
 * whether it is.
 *
 * Return: NULL where nobody holds a page of that address.
 */
struct hf_page *hf_page_at(const struct hf_memory *mem, hf_bus_t bus);

/** hf_page_shadow() - Where devices see it, if not there; or NULL. */
void *hf_page_shadow(const struct hf_page *page);
const struct hf_owner *hf_page_owner(const struct hf_page *page);

/**
 * hf_page_former_owner() - Whose page was last at a bus address?
 * @owner: set to it
 * @ns: set to when it was freed, nanoseconds on CLOCK_MONOTONIC
 *
 * Needs no lock. Return: false where nobody's was, or it is changing just now.
 */
bool hf_page_former_owner(const struct hf_memory *mem, hf_bus_t bus,
			  struct hf_owner *owner, uint64_t *ns);

#endif
