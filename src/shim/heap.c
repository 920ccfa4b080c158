/* SPDX-License-Identifier: MIT */
/*
 * The heap that brk(2) makes, from where the kernel says that it begins to where the
 * C library says that it ends, holds most of what programs hand to ioctls. It is there,
 * readable and writable, for as long as nobody takes a piece of it away: so the calls
 * that could are watched, and after the first one nothing is taken for granted any more.
 *
 * One word is all of the state, good for a child of fork as well: its heap is the same.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/heap.h"
#include "shim/shim.h"
#include "shim/vma.h"

#define UNKNOWN 0
#define LOST UINTPTR_MAX
#define PAGE 4096u

static _Atomic uintptr_t bottom; /* or one of these */

static uintptr_t top(void)
{
	return (uintptr_t)sbrk(0); /* no system call: the C library knows */
}

/* The mapping of the kernel's that @addr is in, if that is all of the heap from there. */
static uintptr_t find_bottom(uintptr_t addr)
{
	struct hf_vma vma;

	if (hf_vma_find(addr, false, &vma) || vma.start > addr ||
	    strcmp(vma.name, "[heap]") ||
	    (vma.prot & (PROT_READ | PROT_WRITE)) != (PROT_READ | PROT_WRITE) ||
	    vma.end != ((top() + PAGE - 1) & ~(uintptr_t)(PAGE - 1)))
		return LOST;
	return vma.start;
}

bool hf_heap_has(const void *addr, size_t size)
{
	uintptr_t at = (uintptr_t)addr, end = top(), unknown = UNKNOWN;
	uintptr_t low = atomic_load_explicit(&bottom, memory_order_relaxed);

	if (at >= end || size > end - at || low == LOST)
		return false;
	if (low == UNKNOWN) {
		low = find_bottom(at);
		/* Somebody may have taken a piece of it away meanwhile. */
		if (!atomic_compare_exchange_strong(&bottom, &unknown, low))
			low = unknown;
	}
	return at >= low;
}

void hf_heap_touched(const void *addr, size_t size)
{
	uintptr_t at = (uintptr_t)addr;
	uintptr_t low = atomic_load_explicit(&bottom, memory_order_relaxed);

	if (low == LOST || at >= top())
		return;
	if (low == UNKNOWN || at >= low || size > low - at)
		atomic_store(&bottom, LOST);
}

HF_SHIM_EXPORT int munmap(void *addr, size_t size)
{
	hf_heap_touched(addr, size);
	return REAL(munmap)(addr, size);
}

HF_SHIM_EXPORT int mprotect(void *addr, size_t size, int prot)
{
	hf_heap_touched(addr, size);
	return REAL(mprotect)(addr, size, prot);
}

/* The fifth argument is there only where the flags say so, and else not looked at. */
HF_SHIM_EXPORT void *mremap(void *addr, size_t old_size, size_t size, int flags,
			    ...)
{
	va_list ap;
	void *to;

	va_start(ap, flags);
	to = va_arg(ap, void *);
	va_end(ap);
	hf_heap_touched(addr, old_size);
	if (flags & MREMAP_FIXED)
		hf_heap_touched(to, size);
	return REAL(mremap)(addr, old_size, size, flags, to);
}

/* Where memory is in motion is no time to look up symbols. */
__attribute__((constructor)) static void resolve(void)
{
	(void)REAL(munmap);
	(void)REAL(mprotect);
	(void)REAL(mremap);
}
