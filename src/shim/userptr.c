/* SPDX-License-Identifier: MIT */
/*
 * User pages: from a range of addresses to segments of files.
 *
 * A range that is adopted already, or shared from the start, is looked up and
 * that is all. Else what is private in it is adopted, under a lock that fork
 * and madvise take too. Where other threads run, or the caller itself has its
 * stack in the range, a thread of its own does that, with a stack of its own and
 * all signals blocked, while the caller sleeps: it must not store into what it
 * has protected. That thread allocates only before it takes the lock and after
 * it gave it back, since the program's allocator may live in the range.
 *
 * No descriptor of adopted memory outlives the call: it would keep the pages
 * of memory that the program has freed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/futex.h"
#include "shim/raw.h"
#include "shim/shim.h"
#include "shim/userptr.h"

#define PAGE 4096u
#define STACK_SIZE ((size_t)1 << 20)

struct state {
	_Atomic uint32_t lock;
	_Atomic bool any;
};

static struct state *state(void)
{
	return hf_shim_state(HF_SHIM_STATE_USERPTR, sizeof(struct state));
}

/* -- the lock -------------------------------------------------------------- */

static void lock(void)
{
	_Atomic uint32_t *word = &state()->lock;

	while (atomic_exchange(word, 1))
		hf_futex_wait(word, 1, 10);
}

static void unlock(void)
{
	_Atomic uint32_t *word = &state()->lock;

	atomic_store(word, 0);
	hf_futex_wake(word);
}

void hf_adopted_lock(sigset_t *signals)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, signals);
	lock();
}

void hf_adopted_unlock(const sigset_t *signals)
{
	unlock();
	pthread_sigmask(SIG_SETMASK, signals, NULL);
}

bool hf_adopted_any(void)
{
	return atomic_load(&state()->any);
}

/* -- mappings to segments -------------------------------------------------- */

/* [vdso] and the like: not memory of the program's. */
static bool special(const struct hf_vma *vma)
{
	return vma->name[0] == '[' && strcmp(vma->name, "[heap]") &&
	       strncmp(vma->name, "[stack", 6) &&
	       strncmp(vma->name, "[anon", 5);
}

static bool allowed(const struct hf_userptr *user, const struct hf_vma *vma,
		    uintptr_t start, uintptr_t end)
{
	int needed = PROT_READ | (user->read_only ? 0 : PROT_WRITE);

	return (vma->prot & needed) == needed && !vma->huge && !special(vma) &&
	       vma->offset % PAGE == 0 &&
	       !hf_shim_owns((void *)start, end - start);
}

static bool to_adopt(const struct hf_userptr *user, const struct hf_vma *vma)
{
	return !vma->shared ||
	       (user->again &&
		hf_wire_segment_file(vma->dev, vma->ino) == user->again &&
		hf_adopt_ours(vma));
}

static int add_segment(struct hf_userptr *user, dev_t dev, ino_t ino,
		       uint64_t first, uint64_t npages, uint32_t flags)
{
	struct hf_wire_segment *next = user->segments + user->nsegments;

	if (user->nsegments && next[-1].dev == dev && next[-1].ino == ino &&
	    next[-1].first + next[-1].npages == first) {
		next[-1].npages += npages;
		return 0;
	}
	if (user->nsegments == user->max)
		return -ENOMEM;
	*next = (struct hf_wire_segment){
		.dev = dev,
		.ino = ino,
		.first = first,
		.npages = npages,
		.flags = flags,
	};
	user->nsegments++;
	return 0;
}

static int adopt(struct hf_userptr *user, const struct hf_vma *vma,
		 uintptr_t start, uintptr_t end)
{
	uint64_t offset;
	int ret = hf_adopt_piece(&user->adopt, vma, start, end, &offset);

	return ret ? ret :
		     add_segment(user, user->adopt.dev, user->adopt.ino,
				 offset / PAGE, (end - start) / PAGE,
				 HF_SEGMENT_ADOPTED);
}

/*
 * Go through the mappings of the range. Return: 0, and there are segments for
 * all of it; 1 where something has to be adopted, and @adopting is not set.
 */
static int walk(struct hf_userptr *user, bool adopting)
{
	struct hf_vma vma;
	uintptr_t end;
	int todo = 0, ret;

	user->nsegments = 0;
	for (uintptr_t at = user->start; at < user->end; at = end) {
		ret = hf_vma_find(at, false, &vma);
		if (ret || vma.start > at)
			return -EFAULT;
		end = vma.end < user->end ? vma.end : user->end;
		if (!allowed(user, &vma, at, end))
			return -EFAULT;
		if (!to_adopt(user, &vma))
			ret = add_segment(
				user, vma.dev, vma.ino,
				(vma.offset + (at - vma.start)) / PAGE,
				(end - at) / PAGE,
				hf_adopt_ours(&vma) ? HF_SEGMENT_ADOPTED : 0);
		else if (adopting)
			ret = adopt(user, &vma, at, end);
		else
			todo = 1;
		if (ret)
			return ret;
	}
	return todo;
}

/* -- who else may store into the range -------------------------------------- */

static bool in_mapping_of(const struct hf_userptr *user, uintptr_t addr)
{
	struct hf_vma vma;

	return hf_vma_find(addr, false, &vma) ||
	       (vma.start < user->end && vma.end > user->start);
}

/* Does the caller store into the range, whatever it does? */
static bool is_own(const struct hf_userptr *user)
{
	return in_mapping_of(user, (uintptr_t)__builtin_frame_address(0)) ||
	       in_mapping_of(user, (uintptr_t)__builtin_thread_pointer());
}

/*
 * The kernel stores into a thread's rseq area when it moves the thread to
 * another CPU, and kills it where it cannot. So the caller, whose area may be
 * in the range, does without for a moment.
 */
static bool change_rseq(int flags)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	return __rseq_size && !hf_syscall(SYS_rseq, area, sizeof(struct rseq),
				       flags, RSEQ_SIG);
}

/* -- adopting -------------------------------------------------------------- */

/* In memory of the shim's own, below the stack of the thread that does it. */
struct work {
	struct hf_userptr user;
	int ret;
};

static int adopt_range(struct hf_userptr *user)
{
	int ret;

	lock();
	atomic_store(&state()->any, true);
	ret = walk(user, true);
	unlock();
	return ret;
}

static void *work_run(void *data)
{
	struct work *work = data;

	work->ret = adopt_range(&work->user);
	return NULL;
}

static int start(pthread_t *thread, void *stack, struct work *work)
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	err = pthread_attr_setstack(&attr, stack, STACK_SIZE);
	if (!err)
		err = pthread_create(thread, &attr, work_run, work);
	pthread_attr_destroy(&attr);
	return err ? -ENOMEM : 0;
}

static int adopt_by_thread(struct hf_userptr *user)
{
	char *map = hf_shim_map(PAGE + STACK_SIZE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1);
	struct work *work = (struct work *)map;
	pthread_t thread;
	bool rseq;
	int ret;

	_Static_assert(sizeof(*work) <= PAGE, "a work takes a page");
	if (map == MAP_FAILED)
		return -ENOMEM;
	work->user = *user;
	rseq = is_own(user) && change_rseq(RSEQ_FLAG_UNREGISTER);
	ret = start(&thread, map + PAGE, work);
	if (!ret) {
		pthread_join(thread, NULL);
		*user = work->user;
		ret = work->ret;
	}
	if (rseq)
		change_rseq(0);
	munmap(map, PAGE + STACK_SIZE);
	return ret;
}

static int adopt_all(struct hf_userptr *user)
{
	sigset_t all, signals;
	int cancel, ret;

	sigfillset(&all);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_sigmask(SIG_SETMASK, &all, &signals);
	user->adopt.alone = hf_adopt_alone() && !is_own(user);
	ret = user->adopt.alone ? adopt_range(user) : adopt_by_thread(user);
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
	pthread_setcancelstate(cancel, NULL);
	return ret;
}

int hf_userptr_open(struct hf_userptr *user, uint64_t addr, uint64_t size,
		    bool read_only, struct hf_wire_segment *segments,
		    unsigned int max)
{
	uint64_t end;
	int ret;

	memset(user, 0, sizeof(*user));
	user->adopt.fd = -1;
	if (__builtin_add_overflow(addr, size, &end) || end > UINT64_MAX - PAGE)
		return -EFAULT;
	user->start = addr & ~(uint64_t)(PAGE - 1);
	user->end = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	user->read_only = read_only;
	user->segments = segments;
	user->max = max;
	ret = walk(user, false);
	return ret == 1 ? adopt_all(user) : ret;
}

/* -- descriptors ----------------------------------------------------------- */

static bool is_file(int fd, uint64_t file, bool read_only)
{
	int mode = REAL(fcntl)(fd, F_GETFL);
	struct stat st;

	return mode >= 0 && !(mode & O_PATH) &&
	       ((mode & O_ACCMODE) == O_RDWR ||
		(read_only && (mode & O_ACCMODE) == O_RDONLY)) &&
	       !REAL(fstat)(fd, &st) && S_ISREG(st.st_mode) &&
	       hf_wire_segment_file(st.st_dev, st.st_ino) == file;
}

static int open_path(const char *path, uint64_t file, bool read_only)
{
	int fd = REAL(open)(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && read_only)
		fd = REAL(open)(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
					      O_NOCTTY);
	if (fd >= 0 && is_file(fd, file, read_only))
		return fd;
	if (fd >= 0)
		REAL(close)(fd);
	return -EFAULT;
}

/* A descriptor that the program has of it. */
static int find_open(uint64_t file, bool read_only)
{
	char buf[4096] __attribute__((aligned(8)));
	int dir = REAL(open)("/proc/self/fd",
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = -EFAULT;
	long n;

	if (dir < 0)
		return -EFAULT;
	while (fd < 0 && (n = hf_syscall(SYS_getdents64, dir, buf,
				      sizeof(buf))) > 0) {
		for (long at = 0; fd < 0 && at < n;) {
			struct dirent64 *entry = (struct dirent64 *)(buf + at);

			if (entry->d_name[0] != '.' &&
			    is_file(atoi(entry->d_name), file, read_only))
				fd = REAL(fcntl)(atoi(entry->d_name),
						 F_DUPFD_CLOEXEC, 0);
			at += entry->d_reclen;
		}
	}
	REAL(close)(dir);
	if (fd >= 0 && !is_file(fd, file, read_only)) {
		REAL(close)(fd);
		fd = -EFAULT;
	}
	return fd;
}

/* The mapping of the range that shows the file. */
static int find_vma(const struct hf_userptr *user, uint64_t file,
		    struct hf_vma *vma)
{
	for (uintptr_t at = user->start; at < user->end; at = vma->end) {
		if (hf_vma_find(at, true, vma) || vma->start >= user->end)
			break;
		if (hf_wire_segment_file(vma->dev, vma->ino) == file)
			return 0;
	}
	return -EFAULT;
}

/* Somebody else's file, by whatever way there is to it. */
static int open_shared(const struct hf_userptr *user, uint64_t file)
{
	struct hf_vma vma;
	char path[80];
	int fd;

	if (find_vma(user, file, &vma))
		return -EFAULT;
	/* For who is privileged. */
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (unsigned long)vma.start, (unsigned long)vma.end);
	fd = open_path(path, file, user->read_only);
	if (fd < 0)
		fd = find_open(file, user->read_only);
	if (fd < 0 && vma.name[0] == '/')
		fd = open_path(vma.name, file, user->read_only);
	return fd;
}

static bool is_adopted(const struct hf_userptr *user, uint64_t file)
{
	for (unsigned int i = 0; i < user->nsegments; i++)
		if (hf_wire_segment_file(user->segments[i].dev,
					 user->segments[i].ino) == file)
			return user->segments[i].flags & HF_SEGMENT_ADOPTED;
	return false;
}

int hf_userptr_fd(struct hf_userptr *user, uint64_t file)
{
	int ret;

	if (user->adopt.fd >= 0 &&
	    hf_wire_segment_file(user->adopt.dev, user->adopt.ino) == file)
		return user->adopt.fd;
	if (is_adopted(user, file)) {
		user->again = file;
		ret = adopt_all(user);
		user->again = 0;
		return ret ? ret : -ESTALE;
	}
	if (user->nopened == HF_WIRE_FDS_MAX)
		return -EMFILE;
	ret = open_shared(user, file);
	if (ret >= 0)
		user->opened[user->nopened++] = ret;
	return ret;
}

void hf_userptr_close(struct hf_userptr *user)
{
	while (user->nopened)
		REAL(close)(user->opened[--user->nopened]);
	if (user->adopt.fd >= 0)
		REAL(close)(user->adopt.fd);
	user->adopt.fd = -1;
}
