/* SPDX-License-Identifier: MIT */
/*
 * poll(2) and select(2) on dma-bufs, which poll as their fences say. A memfd is
 * always ready; so the kernel is asked first, and only what it says is ready at
 * once is looked at more closely. If there is a dma-buf among it, the same is
 * done again with a watch in its place, for as long as the caller wanted to wait.
 *
 * No state, no locks. A program that has never talked to a server pays a load.
 */
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/descriptor.h"
#include "shim/poll.h"
#include "shim/shim.h"
#include "shim/trap.h"
#include "shim/usercopy.h"

int hf_watch_request(int dma_buf, uint32_t events, uint32_t *ready)
{
	struct hf_wire_watch watch = { .events = events, .always = !ready };
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_WATCH);

	if (!ret) {
		memcpy(req.slot->arg, &watch, sizeof(watch));
		req.fds[0] = dma_buf;
		req.nfds = 1;
		ret = hf_request_run(&req);
		memcpy(&watch, req.slot->arg, sizeof(watch));
		if (!ret)
			ret = req.nfds ? req.fds[--req.nfds] : -EAGAIN;
		hf_request_end(&req);
	}
	if (ret == -ENODEV || ret == -EACCES) {
		watch.ready = events;
		ret = -EAGAIN;
	}
	if (ready)
		*ready = watch.ready;
	return ret;
}

/* -- memory ---------------------------------------------------------------- */

/* poll(2) may be called in a signal handler, so malloc(3) is out. */
struct scratch {
	void *mem;
	size_t size;
	_Alignas(8) char small[4096];
};

static void *scratch_get(struct scratch *scratch, size_t size)
{
	scratch->mem = scratch->small;
	scratch->size = size;
	if (size > sizeof(scratch->small)) {
		scratch->mem = hf_shim_map(size, MAP_PRIVATE | MAP_ANONYMOUS,
					   -1);
		if (scratch->mem == MAP_FAILED) {
			errno = ENOMEM;
			return NULL;
		}
	}
	memset(scratch->mem, 0, size);
	return scratch->mem;
}

static void scratch_put(struct scratch *scratch)
{
	if (scratch->mem != scratch->small)
		munmap(scratch->mem, scratch->size);
}

/* -- poll ------------------------------------------------------------------ */

static bool is_dma_buf(int fd)
{
	struct stat st;

	return !REAL(fstat)(fd, &st) && hf_is_dma_buf(fd, &st);
}

/* Ready for all that was asked of it, as a regular file is? */
static bool suspect(const struct pollfd *fd)
{
	short all = fd->events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);

	return all && fd->revents == all && is_dma_buf(fd->fd);
}

static bool any_dma_buf(const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		if (suspect(&fds[i]))
			return true;
	return false;
}

/* What the kernel is asked in place of the caller's array. */
struct poll {
	struct pollfd *fds; /* the caller's */
	nfds_t n;
	struct stand_in {
		bool used;
		int watch; /* or negative */
		uint32_t ready;
	} *stand_ins;
	struct pollfd *mine;
	bool ready; /* a dma-buf is, so there is nothing to wait for */
	struct scratch scratch;
};

static void close_watches(void *arg)
{
	struct poll *poll = arg;

	for (nfds_t i = 0; i < poll->n; i++)
		if (poll->stand_ins[i].used && poll->stand_ins[i].watch >= 0)
			REAL(close)(poll->stand_ins[i].watch);
	scratch_put(&poll->scratch);
}

static int open_watches(struct poll *poll)
{
	for (nfds_t i = 0; i < poll->n; i++) {
		struct stand_in *in = &poll->stand_ins[i];
		uint32_t events = poll->fds[i].events & (POLLIN | POLLOUT);

		poll->mine[i] = poll->fds[i];
		if (!suspect(&poll->fds[i]))
			continue;
		in->watch = hf_watch_request(poll->fds[i].fd, events,
					     &in->ready);
		if (in->watch < 0 && in->watch != -EAGAIN) {
			errno = ENOMEM;
			return -1;
		}
		in->used = true;
		poll->ready |= in->ready;
		poll->mine[i].fd = in->watch;
		poll->mine[i].events = events;
	}
	return 0;
}

/*
 * What a watch says came one after the other: if a job was in the way of both
 * reading and writing, both are over now. Jobs that are new have come too late.
 */
static short what_fired(const struct pollfd *mine, int dma_buf)
{
	short fired = mine->revents & mine->events;
	uint32_t ready = 0;
	int watch;

	if (!fired || fired == mine->events)
		return fired;
	watch = hf_watch_request(dma_buf, mine->events, &ready);
	if (watch >= 0)
		REAL(close)(watch);
	return fired | ready;
}

/* What the caller sees. Return: how many are ready. */
static int results(struct poll *poll)
{
	int n = 0;

	for (nfds_t i = 0; i < poll->n; i++) {
		const struct stand_in *in = &poll->stand_ins[i];
		short revents = poll->mine[i].revents;

		if (in->used)
			revents = in->ready | what_fired(&poll->mine[i],
							 poll->fds[i].fd);
		poll->fds[i].revents = revents;
		n += revents != 0;
	}
	return n;
}

/*
 * Poll with watches. The kernel has just filled in revents, and has not waited.
 * Without a timeout this waits for ever.
 */
static int poll_watches(struct pollfd *fds, nfds_t n,
			const struct timespec *timeout, const sigset_t *mask)
{
	static const struct timespec now;
	struct poll poll = { .fds = fds, .n = n };
	int ret;

	poll.mine = scratch_get(&poll.scratch,
				n * (sizeof(*poll.mine) +
				     sizeof(*poll.stand_ins)));
	if (!poll.mine)
		return -1;
	poll.stand_ins = (struct stand_in *)(poll.mine + n);
	pthread_cleanup_push(close_watches, &poll);
	ret = open_watches(&poll);
	if (!ret)
		ret = REAL(ppoll)(poll.mine, n, poll.ready ? &now : timeout,
				  mask);
	if (ret >= 0)
		ret = results(&poll);
	pthread_cleanup_pop(1);
	return ret;
}

/* What was called, and its answer; then again with watches if need be. */
static int look_again(struct pollfd *fds, nfds_t n, int ret,
		      const struct timespec *timeout, const sigset_t *mask)
{
	int saved = errno;

	if (ret <= 0 || !hf_client_connected() || !any_dma_buf(fds, n)) {
		errno = saved;
		return ret;
	}
	return poll_watches(fds, n, timeout, mask);
}

HF_SHIM_EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct timespec ts = { timeout / 1000, timeout % 1000 * 1000000L };
	int ret = REAL(poll)(fds, n, timeout);

	return look_again(fds, n, ret, timeout < 0 ? NULL : &ts, NULL);
}

HF_SHIM_EXPORT int ppoll(struct pollfd *fds, nfds_t n,
			 const struct timespec *timeout, const sigset_t *mask)
{
	sigset_t copy;
	int ret;

	mask = hf_trap_mask(mask, &copy);
	ret = REAL(ppoll)(fds, n, timeout, mask);
	return look_again(fds, n, ret, timeout, mask);
}

/* What the fortified calls of a program are: they abort on a short array. */
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		const sigset_t *mask, size_t size);

HF_SHIM_EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout,
			      size_t size)
{
	if (size / sizeof(*fds) < n)
		return REAL(__poll_chk)(fds, n, timeout, size);
	return poll(fds, n, timeout);
}

HF_SHIM_EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n,
			       const struct timespec *timeout,
			       const sigset_t *mask, size_t size)
{
	if (size / sizeof(*fds) < n)
		return REAL(__ppoll_chk)(fds, n, timeout, mask, size);
	return ppoll(fds, n, timeout, mask);
}

/* -- select ---------------------------------------------------------------- */

enum { READ, WRITE, EXCEPT, SETS };

/* What each set asks of poll(2), and what of its answer puts a bit there. */
static const struct {
	short events, answer;
} meaning[SETS] = {
	{ POLLIN | POLLRDNORM | POLLRDBAND,
	  POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR },
	{ POLLOUT | POLLWRNORM | POLLWRBAND,
	  POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR },
	{ POLLPRI, POLLPRI },
};

#define BITS (8 * sizeof(unsigned long))

/* The caller's sets, and what was in them. */
struct sets {
	int n;
	size_t bytes;
	unsigned long *user[SETS];
	unsigned long asked[SETS][FD_SETSIZE / BITS];
};

static bool has(const unsigned long *set, int fd)
{
	return set[fd / BITS] >> fd % BITS & 1;
}

/*
 * Return: false where they cannot be read, which the kernel will say itself. It
 * does not look beyond the descriptors that there are, so a program that says
 * more than FD_SETSIZE need not have sets of that size: those are left alone.
 */
static bool save_sets(struct sets *sets, int n, fd_set *read, fd_set *write,
		      fd_set *except)
{
	fd_set *user[SETS] = { read, write, except };

	if (n <= 0 || n > FD_SETSIZE || !hf_client_connected())
		return false;
	memset(sets, 0, sizeof(*sets));
	sets->n = n;
	sets->bytes = (n + BITS - 1) / BITS * sizeof(unsigned long);
	for (int i = 0; i < SETS; i++) {
		sets->user[i] = (unsigned long *)user[i];
		if (user[i] &&
		    hf_copy_from_user(sets->asked[i], user[i], sets->bytes))
			return false;
	}
	return true;
}

static bool any_selected(const struct sets *sets)
{
	int saved = errno;
	bool any = false;

	for (int fd = 0; fd < sets->n && !any; fd++)
		any = ((sets->user[READ] && has(sets->user[READ], fd)) ||
		       (sets->user[WRITE] && has(sets->user[WRITE], fd))) &&
		      is_dma_buf(fd);
	errno = saved;
	return any;
}

static short events_of(const struct sets *sets, int fd)
{
	short events = 0;

	for (int i = 0; i < SETS; i++)
		if (has(sets->asked[i], fd))
			events |= meaning[i].events;
	return events;
}

/* The sets as an array for poll(2). Return: how many are in it. */
static nfds_t to_poll(const struct sets *sets, struct pollfd *fds)
{
	nfds_t n = 0;

	for (int fd = 0; fd < sets->n; fd++) {
		short events = events_of(sets, fd);

		if (!events)
			continue;
		fds[n].fd = fd;
		fds[n++].events = events;
	}
	return n;
}

/* And back. Return: how many bits are set. */
static int from_poll(const struct sets *sets, const struct pollfd *fds,
		     nfds_t n)
{
	int count = 0;

	for (int i = 0; i < SETS; i++)
		if (sets->user[i])
			memset(sets->user[i], 0, sets->bytes);
	for (nfds_t j = 0; j < n; j++)
		for (int i = 0; i < SETS; i++) {
			int fd = fds[j].fd;

			if (!has(sets->asked[i], fd) ||
			    !(fds[j].revents & meaning[i].answer))
				continue;
			sets->user[i][fd / BITS] |= 1ul << fd % BITS;
			count++;
		}
	return count;
}

static int select_watches(const struct sets *sets,
			  const struct timespec *timeout, const sigset_t *mask)
{
	static const struct timespec now;
	struct scratch scratch;
	struct pollfd *fds = scratch_get(&scratch, sets->n * sizeof(*fds));
	nfds_t n;
	int ret;

	if (!fds)
		return -1;
	pthread_cleanup_push((void (*)(void *))scratch_put, &scratch);
	n = to_poll(sets, fds);
	ret = REAL(ppoll)(fds, n, &now, mask);
	if (ret > 0)
		ret = poll_watches(fds, n, timeout, mask);
	if (ret >= 0)
		ret = from_poll(sets, fds, n);
	pthread_cleanup_pop(1);
	return ret;
}

static void subtract(struct timeval *left, const struct timespec *start)
{
	struct timespec now;
	int64_t us;

	clock_gettime(CLOCK_MONOTONIC, &now);
	us = left->tv_sec * 1000000ll + left->tv_usec -
	     (now.tv_sec - start->tv_sec) * 1000000ll -
	     (now.tv_nsec - start->tv_nsec) / 1000;
	if (us < 0)
		us = 0;
	left->tv_sec = us / 1000000;
	left->tv_usec = us % 1000000;
}

HF_SHIM_EXPORT int select(int n, fd_set *read, fd_set *write, fd_set *except,
			  struct timeval *timeout)
{
	struct timespec start, wait;
	struct timeval left;
	struct sets sets;
	int ret;

	if (!save_sets(&sets, n, read, write, except) ||
	    (timeout && hf_copy_from_user(&left, timeout, sizeof(left))))
		return REAL(select)(n, read, write, except, timeout);
	ret = REAL(select)(n, read, write, except, timeout);
	if (ret <= 0 || !any_selected(&sets))
		return ret;
	if (!timeout)
		return select_watches(&sets, NULL, NULL);
	clock_gettime(CLOCK_MONOTONIC, &start);
	wait.tv_sec = left.tv_sec + left.tv_usec / 1000000;
	wait.tv_nsec = left.tv_usec % 1000000 * 1000;
	ret = select_watches(&sets, &wait, NULL);
	subtract(&left, &start);
	*timeout = left;
	return ret;
}

HF_SHIM_EXPORT int pselect(int n, fd_set *read, fd_set *write, fd_set *except,
			   const struct timespec *timeout, const sigset_t *mask)
{
	struct sets sets;
	sigset_t copy;
	int ret;

	mask = hf_trap_mask(mask, &copy);
	if (!save_sets(&sets, n, read, write, except))
		return REAL(pselect)(n, read, write, except, timeout, mask);
	ret = REAL(pselect)(n, read, write, except, timeout, mask);
	if (ret <= 0 || !any_selected(&sets))
		return ret;
	return select_watches(&sets, timeout, mask);
}
