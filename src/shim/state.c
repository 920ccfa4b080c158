/* SPDX-License-Identifier: MIT */
/*
 * The shim's start, and its state: one mapping that is wiped in a child of
 * fork. Finding out whether there is a device is one look at the environment.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "shim/environment.h"
#include "shim/shim.h"
#include "uapi/wire.h"

#define SLOT_SIZE 32768

enum { UNKNOWN, ACTIVE, INACTIVE };

static _Atomic int activity;
static char *_Atomic region;

/* Far below the kernel's area for mappings and far above any heap. */
#define OWN_AREA ((char *)0x3e0000000000)

static _Atomic size_t used;

void *hf_shim_map(size_t size, int flags, int fd)
{
	size_t at = atomic_fetch_add(&used, (size + 0x1fffff) & ~0x1ffffful);

	/* A hint: where it is taken, the kernel finds another place. */
	return REAL(mmap)(OWN_AREA + at, size, PROT_READ | PROT_WRITE, flags,
			  fd, 0);
}

bool hf_shim_owns(const void *addr, size_t size)
{
	const char *at = addr;

	return at < OWN_AREA + atomic_load(&used) && at + size > OWN_AREA;
}

static void init(void)
{
	char *map, *none = NULL;

	if (!hf_environment_learn()) {
		atomic_store(&activity, INACTIVE);
		return;
	}
	map = hf_shim_map(HF_SHIM_STATES * SLOT_SIZE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (map == MAP_FAILED ||
	    madvise(map, HF_SHIM_STATES * SLOT_SIZE, MADV_WIPEONFORK)) {
		atomic_store(&activity, INACTIVE);
		return;
	}
	if (!atomic_compare_exchange_strong(&region, &none, map))
		munmap(map, HF_SHIM_STATES * SLOT_SIZE);
	atomic_store(&activity, ACTIVE);
}

/* A child with made-up thread-local storage, as sandboxes clone them, is no
 * thread of the C library's: whatever needs one would crash. */
static bool is_thread(void)
{
#if defined(__x86_64__)
	const void *self;

	__asm__("mov %%fs:0x10, %0" : "=r"(self));
	return self;
#else
	return true;
#endif
}

bool hf_shim_active(void)
{
	int a = atomic_load_explicit(&activity, memory_order_acquire);

	if (a == UNKNOWN) {
		init();
		a = atomic_load(&activity);
	}
	return a == ACTIVE && is_thread();
}

void *hf_shim_state(unsigned int slot, size_t size)
{
	if (size > SLOT_SIZE || !hf_shim_active())
		abort();
	return atomic_load(&region) + slot * SLOT_SIZE;
}
