/* SPDX-License-Identifier: MIT */
/*
 * epoll_ctl(2) on dma-bufs. The kernel does not take a memfd (EPERM); so a watch
 * is put into the epoll set with the caller's events and data, and a table says
 * which watch is whose, by the numbers of both descriptors. It goes when either
 * number is closed.
 *
 * The table is wiped in the child of a fork, and a child of vfork, which runs on
 * its parent's memory, leaves it alone. The client's lock protects it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/descriptor.h"
#include "shim/poll.h"
#include "shim/shim.h"

#define MAX_WATCHES 1000

struct watch {
	int epoll, fd; /* as the program knows them; 0 and 0: free */
	int watch;
	struct epoll_event event;
	ino_t inode; /* of the dma-buf: the number may be another one's */
};

struct table {
	_Atomic uint32_t used; /* one behind the last that is taken */
	pid_t pid;
	struct watch watches[MAX_WATCHES];
};

static struct table *table(void)
{
	return hf_shim_state(HF_SHIM_STATE_WATCHES, sizeof(struct table));
}

static uint32_t used(void)
{
	return atomic_load_explicit(&table()->used, memory_order_relaxed);
}

static bool taken(const struct watch *watch)
{
	return watch->epoll || watch->fd;
}

static struct watch *find(int epoll, int fd)
{
	struct table *t = table();

	for (uint32_t i = 0; i < used(); i++)
		if (taken(&t->watches[i]) && t->watches[i].epoll == epoll &&
		    t->watches[i].fd == fd)
			return &t->watches[i];
	return NULL;
}

static struct watch *find_free(void)
{
	struct table *t = table();
	uint32_t n = used();

	for (uint32_t i = 0; i < n; i++)
		if (!taken(&t->watches[i]))
			return &t->watches[i];
	if (n == MAX_WATCHES)
		return NULL;
	t->pid = getpid();
	atomic_store(&t->used, n + 1);
	return &t->watches[n];
}

/* A child of fork may hold the watch, too, which keeps it in the set. */
static void drop(struct watch *watch)
{
	struct table *t = table();
	uint32_t n = used();

	REAL(epoll_ctl)(watch->epoll, EPOLL_CTL_DEL, watch->watch, NULL);
	REAL(close)(watch->watch);
	memset(watch, 0, sizeof(*watch));
	while (n && !taken(&t->watches[n - 1]))
		n--;
	atomic_store(&t->used, n);
}

/* -- epoll_ctl ------------------------------------------------------------- */

/* Is it in the set? Numbers that were closed behind our back say nothing. */
static bool is_stale(const struct watch *watch, ino_t inode,
		     struct epoll_event *event)
{
	return watch->inode != inode ||
	       !REAL(epoll_ctl)(watch->epoll, EPOLL_CTL_ADD, watch->watch,
				event);
}

/* Each of these returns 0 or a negative errno; @own is the table's then. */
static int add(int epoll, int fd, int own, ino_t inode,
	       struct epoll_event *event)
{
	struct watch *watch = find(epoll, fd);

	if (watch && !is_stale(watch, inode, event))
		return -EEXIST;
	if (watch)
		drop(watch);
	watch = find_free();
	if (!watch)
		return -ENOSPC;
	if (REAL(epoll_ctl)(epoll, EPOLL_CTL_ADD, own, event))
		return -errno;
	watch->epoll = epoll;
	watch->fd = fd;
	watch->watch = own;
	watch->event = *event;
	watch->inode = inode;
	return 0;
}

static int modify(int epoll, int fd, int own, ino_t inode,
		  struct epoll_event *event)
{
	struct watch *watch = find(epoll, fd);

	if (!watch || watch->inode != inode)
		return -ENOENT;
	if (REAL(epoll_ctl)(epoll, EPOLL_CTL_ADD, own, event))
		return -errno;
	REAL(epoll_ctl)(epoll, EPOLL_CTL_DEL, watch->watch, NULL);
	REAL(close)(watch->watch);
	watch->watch = own;
	watch->event = *event;
	return 0;
}

static int delete(int epoll, int fd)
{
	struct watch *watch = find(epoll, fd);

	if (!watch)
		return -ENOENT;
	drop(watch);
	return 0;
}

static int move_up(int fd)
{
	int high = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, HF_OWN_FD_BASE);

	if (high < 0)
		return fd;
	REAL(close)(fd);
	return high;
}

static int control(int epoll, int op, int fd, ino_t inode,
		   struct epoll_event *event)
{
	struct hf_locked locked;
	int own = -1, ret;

	if (op != EPOLL_CTL_DEL) {
		own = hf_watch_request(fd, event->events & (EPOLLIN | EPOLLOUT),
				       NULL);
		if (own < 0) /* no server, or no room for one more */
			return own == -EAGAIN ? -EPERM : -ENOMEM;
		own = move_up(own);
	}
	hf_client_lock(&locked);
	ret = op == EPOLL_CTL_ADD ? add(epoll, fd, own, inode, event) :
	      op == EPOLL_CTL_MOD ? modify(epoll, fd, own, inode, event) :
				    delete(epoll, fd);
	hf_client_unlock(&locked);
	if (ret && own >= 0)
		REAL(close)(own);
	return ret;
}

HF_SHIM_EXPORT int epoll_ctl(int epoll, int op, int fd,
			     struct epoll_event *event)
{
	int ret = REAL(epoll_ctl)(epoll, op, fd, event);
	struct stat st;

	if (!ret || errno != EPERM || !hf_client_connected())
		return ret;
	if (REAL(fstat)(fd, &st) || !hf_is_dma_buf(fd, &st)) {
		errno = EPERM;
		return -1;
	}
	ret = control(epoll, op, fd, st.st_ino, event);
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

/* -- the watches' descriptors, and those they are for ------------------------ */

static bool within(int fd, unsigned int first, unsigned int last)
{
	return (unsigned int)fd >= first && (unsigned int)fd <= last;
}

void hf_watch_closed(unsigned int first, unsigned int last)
{
	struct table *t = table();
	struct hf_locked locked;
	int saved = errno;

	if (!used() || t->pid != getpid())
		return;
	hf_client_lock(&locked);
	for (uint32_t i = used(); i--;)
		if (i < used() && taken(&t->watches[i]) &&
		    (within(t->watches[i].fd, first, last) ||
		     within(t->watches[i].epoll, first, last)))
			drop(&t->watches[i]);
	hf_client_unlock(&locked);
	errno = saved;
}

bool hf_watch_own(int fd)
{
	return hf_watch_own_next(fd, fd) == (unsigned int)fd;
}

unsigned int hf_watch_own_next(unsigned int first, unsigned int last)
{
	unsigned int next = last == UINT_MAX ? last : last + 1;
	struct table *t = table();

	for (uint32_t i = 0; i < used(); i++) {
		const struct watch *watch = &t->watches[i];

		if (taken(watch) && within(watch->watch, first, last) &&
		    (unsigned int)watch->watch < next)
			next = watch->watch;
	}
	return next;
}

/* In the set it is under its number, so under the new one it is put there anew. */
void hf_watch_own_move(int fd)
{
	struct table *t = table();
	struct hf_locked locked;

	if (!used() || t->pid != getpid())
		return;
	hf_client_lock(&locked);
	for (uint32_t i = 0; i < used(); i++) {
		struct watch *watch = &t->watches[i];
		int moved;

		if (!taken(watch) || watch->watch != fd)
			continue;
		moved = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, HF_OWN_FD_BASE);
		if (moved < 0)
			continue;
		REAL(epoll_ctl)(watch->epoll, EPOLL_CTL_ADD, moved,
				&watch->event);
		REAL(epoll_ctl)(watch->epoll, EPOLL_CTL_DEL, fd, NULL);
		watch->watch = moved;
	}
	hf_client_unlock(&locked);
}
