/* SPDX-License-Identifier: MIT */
/*
 * The handler finds the mapping in a list without any lock: a signal may come
 * at any instruction of any thread. Who takes a mapping off the list then waits
 * until no handler is in it.
 *
 * Signals about other addresses go to whoever handled SIGBUS before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mem/page.h"
#include "mem/trap.h"

static _Atomic(struct hf_trap *) traps;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint handlers; /* that are in the list */
static struct sigaction before;

/* How much of the file has gone, from a page on that is not there. */
static size_t gone(const struct hf_trap *trap, size_t at)
{
	struct stat st;

	/* Short of memory, not truncated: other pages may be there. */
	if (!fstat(trap->fd, &st) && st.st_size > trap->offset + (off_t)at)
		return HF_PAGE_SIZE;
	return trap->size - at;
}

static bool replace(struct hf_trap *trap, uintptr_t address)
{
	size_t at = (address - (uintptr_t)trap->start) & ~(HF_PAGE_SIZE - 1);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;

	atomic_store(&trap->sprung, true);
	/* The bare call: the library's is not for signal handlers. */
	return syscall(SYS_mmap, trap->start + at, gone(trap, at), trap->prot,
		       flags, -1, 0) != -1;
}

static bool spring(uintptr_t address)
{
	struct hf_trap *trap;
	bool found = false;

	atomic_fetch_add(&handlers, 1);
	for (trap = atomic_load(&traps); trap && !found;
	     trap = atomic_load(&trap->next))
		if (address - (uintptr_t)trap->start < trap->size)
			found = replace(trap, address);
	atomic_fetch_sub(&handlers, 1);
	return found;
}

/* As if there were no handler of ours. */
static void pass_on(int signo, siginfo_t *info, void *context)
{
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(signo, info, context);
	} else if (before.sa_handler != SIG_DFL &&
		   before.sa_handler != SIG_IGN) {
		before.sa_handler(signo);
	} else if (before.sa_handler == SIG_DFL || info->si_code > 0) {
		/* An access is made again, and ends the process. */
		signal(signo, SIG_DFL);
		if (info->si_code <= 0)
			raise(signo);
	}
}

static void handle(int signo, siginfo_t *info, void *context)
{
	int err = errno;

	if (info->si_code != BUS_ADRERR || !spring((uintptr_t)info->si_addr))
		pass_on(signo, info, context);
	errno = err;
}

static void install(void)
{
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART,
	};

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &before);
}

void hf_trap_install(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
}

void hf_trap_arm(struct hf_trap *trap)
{
	struct hf_trap *first;

	pthread_mutex_lock(&lock);
	first = atomic_load(&traps);
	trap->prev = NULL;
	atomic_store(&trap->next, first);
	if (first)
		first->prev = trap;
	atomic_store(&traps, trap);
	pthread_mutex_unlock(&lock);
}

void hf_trap_disarm(struct hf_trap *trap)
{
	struct hf_trap *next;

	pthread_mutex_lock(&lock);
	next = atomic_load(&trap->next);
	if (next)
		next->prev = trap->prev;
	atomic_store(trap->prev ? &trap->prev->next : &traps, next);
	pthread_mutex_unlock(&lock);
	while (atomic_load(&handlers))
		sched_yield();
}
