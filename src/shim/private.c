/* SPDX-License-Identifier: MIT */
/*
 * What is adopted is shared with the server, but must behave as the private
 * memory that it was: the child of a fork has a copy of its own, and what
 * madvise(2) throws away is zero afterwards, while the server keeps what it has.
 *
 * fork: what is adopted is made private memory before, by a copy, so that parent
 * and child come out of it as from any fork, and is shared again in the parent
 * afterwards: what the program has changed meanwhile is written back word by
 * word, so that what the device has changed stays. vfork and posix_spawn share
 * all memory anyway. Stores of other threads wait (adopt.h), and no adoption
 * takes place meanwhile. What the forking thread itself writes to, the end of
 * its stack and its own variables, stays private for good.
 */
/*
 * What is adopted is shared with the server, but must behave as the private
 * memory that it was: the child of a fork has a copy of its own, and what
 * madvise(2) throws away is zero afterwards, while the server keeps what it has.
 *
 * fork: the parent copies all that is adopted beforehand, into memory that the
 * child then moves to where the original is. vfork and posix_spawn share all
 * memory anyway. Another thread that stores just then may find some of what it
 * stored in the child and some not. No adoption takes place meanwhile. What the
 * forking thread itself writes to on the way is made private for good, as both
 * processes go on with it before the child gets its copies: the end of its
 * stack, and its own variables. A device that works on just that sees what it
 * was at the fork.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/shim.h"
#include "shim/userptr.h"

#define PAGE 4096u

static bool next_adopted(uintptr_t at, struct hf_vma *vma)
{
	while (!hf_vma_find(at, true, vma)) {
		if (hf_adopt_ours(vma))
			return true;
		at = vma->end;
	}
	return false;
}

/* -- fork: the pieces --------------------------------------------------------- */

/**
 * struct piece - An adopted mapping in the time of a fork.
 * @shared: where its memory is mapped meanwhile, readable and writable; NULL:
 *	it could not be made private, and the child does without it
 * @before: a copy of what was in it
 */
struct piece {
	uintptr_t start;
	size_t size;
	int prot;
	uint64_t *shared, *before;
};

/* The forking thread's, under the lock; a child inherits it. */
static struct {
	sigset_t signals;
	struct piece *pieces;
	size_t npieces, size; /* of the mapping of pieces, bytes */
	int maps;
} forking;

/* How many there are; those that fit are listed. */
static size_t list_pieces(struct piece *pieces, size_t room)
{
	struct hf_vma vma;
	size_t n = 0;

	for (uintptr_t at = 0; next_adopted(at, &vma); at = vma.end) {
		if (n < room)
			pieces[n] = (struct piece){
				.start = vma.start,
				.size = vma.end - vma.start,
				.prot = vma.prot,
			};
		n++;
	}
	return n;
}

/* Other threads may unmap parts of it, which makes more of them. */
static void find_pieces(void)
{
	size_t room = 0, n = list_pieces(NULL, 0);
	struct piece *pieces = NULL;

	while (n > room) {
		if (pieces)
			munmap(pieces, forking.size);
		forking.size = (2 * n * sizeof(*pieces) + PAGE - 1) &
			       ~(size_t)(PAGE - 1);
		room = forking.size / sizeof(*pieces);
		pieces = hf_shim_map(forking.size, MAP_PRIVATE | MAP_ANONYMOUS,
				     -1);
		if (pieces == MAP_FAILED)
			return;
		n = list_pieces(pieces, room);
	}
	forking.pieces = pieces;
	forking.npieces = pieces ? n : 0;
}

static void drop_pieces(void)
{
	if (forking.pieces)
		munmap(forking.pieces, forking.size);
	forking.pieces = NULL;
	forking.npieces = 0;
}

static void *anonymous(size_t size)
{
	void *map = hf_shim_map(size,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				-1);

	return map == MAP_FAILED ? NULL : map;
}

/* Is it still as it was when it was last looked at? */
static bool unchanged(const struct piece *piece, bool shared)
{
	struct hf_vma vma;

	return !hf_vma_find(piece->start, false, &vma) &&
	       vma.start <= piece->start &&
	       vma.end >= piece->start + piece->size &&
	       vma.prot == piece->prot && vma.shared == shared &&
	       (shared ? hf_adopt_ours(&vma) : !vma.ino);
}

/* Put a mapping that was prepared elsewhere in the piece's place. */
static bool put_in_place(const struct piece *piece, void *map)
{
	mprotect(map, piece->size, piece->prot);
	return mremap(map, piece->size, piece->size,
		      MREMAP_MAYMOVE | MREMAP_FIXED,
		      (void *)piece->start) != MAP_FAILED;
}

static void forget_shared(struct piece *piece)
{
	if (piece->shared)
		munmap(piece->shared, piece->size);
	if (piece->before)
		munmap(piece->before, piece->size);
	piece->shared = piece->before = NULL;
}

/* Nobody stores into what cannot be written to. */
static int hold(const struct piece *piece, bool shared, int *uffd)
{
	*uffd = -1;
	if (!(piece->prot & PROT_WRITE))
		return 0;
	return hf_adopt_hold(piece->start, piece->start + piece->size, shared,
			     uffd);
}

static bool replace_by_copy(struct piece *piece)
{
	void *copy = anonymous(piece->size);

	if (!copy)
		return false;
	memcpy(piece->before, piece->shared, piece->size);
	memcpy(copy, piece->before, piece->size);
	if (unchanged(piece, true) && put_in_place(piece, copy))
		return true;
	munmap(copy, piece->size);
	return false;
}

static void make_private(struct piece *piece)
{
	/* No old size: a second mapping of the same memory. */
	void *shared = mremap((void *)piece->start, 0, piece->size,
			      MREMAP_MAYMOVE);
	bool ok = false;
	int uffd;

	if (shared == MAP_FAILED)
		return;
	piece->shared = shared;
	piece->before = anonymous(piece->size);
	if (piece->before &&
	    !REAL(madvise)(piece->before, piece->size, MADV_DONTFORK) &&
	    !REAL(madvise)(shared, piece->size, MADV_DONTFORK) &&
	    !mprotect(shared, piece->size, PROT_READ | PROT_WRITE) &&
	    !hold(piece, true, &uffd)) {
		ok = replace_by_copy(piece);
		hf_adopt_release(uffd);
	}
	if (!ok)
		forget_shared(piece);
}

/* What it may not read now it has not changed either. */
static void write_back(const struct piece *piece)
{
	const uint64_t *now = (const uint64_t *)piece->start;

	if (!(piece->prot & PROT_READ))
		return;
	for (size_t i = 0; i < piece->size / sizeof(*now); i++)
		if (now[i] != piece->before[i])
			piece->shared[i] = now[i];
}

static void share_again(struct piece *piece)
{
	int uffd;

	if (!piece->shared)
		return;
	/* Where the program has put something else there, it is that. */
	if (unchanged(piece, false) && !hold(piece, false, &uffd)) {
		write_back(piece);
		REAL(madvise)(piece->shared, piece->size, MADV_DOFORK);
		if (put_in_place(piece, piece->shared))
			piece->shared = NULL;
		hf_adopt_release(uffd);
	}
	forget_shared(piece);
}

/* -- fork: what the forking thread writes to --------------------------------- */

/* Around the frames of fork(3) and all that it calls, bytes. */
#define FRAMES_BELOW 32768u
#define FRAMES_ABOVE 2048u
/* What the C library keeps of a thread, behind its thread pointer. */
#define THREAD_SIZE 2304u
#define SWITCH_STACK ((size_t)64 << 10)

/* In memory of the shim's own, with a stack behind it. */
struct unshare {
	ucontext_t back, there;
	void *at, *copy;
	size_t size;
	int mem;
};

static void unshare_now(unsigned int high, unsigned int low)
{
	struct unshare *u = (void *)((uintptr_t)high << 32 | low);

	if (pread(u->mem, u->copy, u->size, (uintptr_t)u->at) ==
	    (ssize_t)u->size)
		mremap(u->copy, u->size, u->size,
		       MREMAP_MAYMOVE | MREMAP_FIXED, u->at);
}

/* Replace shared pages by a copy, from another stack: this one may be there. */
static void unshare_pages(struct unshare *u, uintptr_t start, uintptr_t end,
			  int prot)
{
	uintptr_t arg = (uintptr_t)u;

	u->at = (void *)start;
	u->size = end - start;
	u->copy = hf_shim_map(u->size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (u->copy == MAP_FAILED || getcontext(&u->there))
		return;
	u->there.uc_link = &u->back;
	u->there.uc_stack.ss_sp = (char *)u + 4 * PAGE;
	u->there.uc_stack.ss_size = SWITCH_STACK;
	makecontext(&u->there, (void (*)(void))unshare_now, 2,
		    (unsigned int)(arg >> 32), (unsigned int)arg);
	swapcontext(&u->back, &u->there);
	if (prot != (PROT_READ | PROT_WRITE))
		mprotect((void *)start, end - start, prot);
}

static void unshare_range(struct unshare *u, uintptr_t low, uintptr_t high)
{
	struct hf_vma vma;

	low &= ~(uintptr_t)(PAGE - 1);
	high = (high + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	for (uintptr_t at = low; next_adopted(at, &vma) && vma.start < high;
	     at = vma.end)
		unshare_pages(u, vma.start > low ? vma.start : low,
			      vma.end < high ? vma.end : high, vma.prot);
}

static void unshare_own(void)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	uintptr_t thread = (uintptr_t)__builtin_thread_pointer();
	size_t size = 4 * PAGE + SWITCH_STACK;
	struct unshare *u = hf_shim_map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	_Static_assert(sizeof(*u) <= 4 * PAGE, "the stack is behind it");
	if ((void *)u == MAP_FAILED)
		return;
	u->mem = REAL(open)("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unshare_range(u, frame - FRAMES_BELOW, frame + FRAMES_ABOVE);
	unshare_range(u, thread, thread + THREAD_SIZE);
	unshare_range(u, (uintptr_t)&errno, (uintptr_t)(&errno + 1));
	if (u->mem >= 0)
		REAL(close)(u->mem);
	munmap(u, size);
}

/* -- fork: the handlers ------------------------------------------------------- */

static void prepare(void)
{
	sigset_t signals;

	if (!hf_shim_active())
		return;
	hf_adopted_lock(&signals);
	forking.signals = signals;
	forking.maps = hf_own_maps_fd();
	if (!hf_adopted_any())
		return;
	unshare_own();
	find_pieces();
	for (size_t i = 0; i < forking.npieces; i++)
		make_private(&forking.pieces[i]);
}

static void in_parent(void)
{
	sigset_t signals = forking.signals;

	if (!hf_shim_active())
		return;
	for (size_t i = 0; i < forking.npieces; i++)
		share_again(&forking.pieces[i]);
	drop_pieces();
	hf_adopted_unlock(&signals);
}

/* The lock is wiped, together with all other state. */
static void in_child(void)
{
	sigset_t signals = forking.signals;

	if (!hf_shim_active())
		return;
	if (forking.maps >= 0)
		REAL(close)(forking.maps); /* it is the parent's */
	for (size_t i = 0; i < forking.npieces; i++) {
		const struct piece *piece = &forking.pieces[i];

		/* What there was no memory for is better gone than shared. */
		if (!piece->shared && unchanged(piece, true))
			REAL(mmap)((void *)piece->start, piece->size, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
				   0);
	}
	drop_pieces();
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

static __attribute__((constructor)) void watch_forks(void)
{
	pthread_atfork(prepare, in_parent, in_child);
}

/* -- madvise --------------------------------------------------------------- */

static int discard(uintptr_t start, uintptr_t end, const struct hf_vma *vma,
		   int advice)
{
	if (!hf_adopt_ours(vma))
		return REAL(madvise)((void *)start, end - start, advice);
	/* As for private memory. */
	if (advice == MADV_REMOVE) {
		errno = EINVAL;
		return -1;
	}
	return REAL(mmap)((void *)start, end - start, vma->prot,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			  0) == MAP_FAILED ?
		       -1 :
		       0;
}

/* Piece by piece; a gap is an error, but only after the rest was done. */
static int discard_range(uintptr_t start, uintptr_t end, int advice)
{
	struct hf_vma vma;
	bool gap = false;

	for (uintptr_t at = start, to; at < end; at = to) {
		if (hf_vma_find(at, false, &vma) || vma.start >= end) {
			gap = true;
			break;
		}
		if (vma.start > at) {
			gap = true;
			at = vma.start;
		}
		to = vma.end < end ? vma.end : end;
		if (discard(at, to, &vma, advice))
			return -1;
	}
	if (gap)
		errno = ENOMEM;
	return gap ? -1 : 0;
}

HF_SHIM_EXPORT int madvise(void *addr, size_t size, int advice)
{
	uintptr_t start = (uintptr_t)addr, end;
	sigset_t signals;
	int ret;

	if ((advice != MADV_DONTNEED && advice != MADV_FREE &&
	     advice != MADV_REMOVE) ||
	    !hf_shim_active() || !hf_adopted_any() || start % PAGE ||
	    __builtin_add_overflow(start, size, &end) || end > UINTPTR_MAX - PAGE)
		return REAL(madvise)(addr, size, advice);
	end = (end + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	hf_adopted_lock(&signals);
	ret = discard_range(start, end, advice);
	hf_adopted_unlock(&signals);
	return ret;
}
