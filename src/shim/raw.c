/* SPDX-License-Identifier: MIT */
/*
 * System calls by their numbers, as functions of this process: whatever a call
 * by name would reach, a call by number does. Where the kernel's arguments are
 * not the C library's (masks of signals, structs in place of arguments) they are
 * translated here. No state.
 */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#define _GNU_SOURCE
#include "shim/raw.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/heap.h"
#include "shim/keep.h"
#include "shim/path.h"
#include "shim/shim.h"
#include "shim/usercopy.h"

/* The kernel's sets of signals have 64 bits. */
#define KERNEL_SIGSET_SIZE 8

/* Return: the mask in @set, NULL for none; @err is set to 0 or an errno. */
static const sigset_t *get_mask(long user, long size, sigset_t *set, int *err)
{
	*err = 0;
	if (!user)
		return NULL;
	sigemptyset(set);
	if (size != KERNEL_SIGSET_SIZE)
		*err = EINVAL;
	else if (hf_copy_from_user(set, (void *)user, KERNEL_SIGSET_SIZE))
		*err = EFAULT;
	return set;
}

static int raw_ppoll(const long *a)
{
	sigset_t copy;
	const sigset_t *mask;
	int err;

	mask = get_mask(a[3], a[4], &copy, &err);
	if (err) {
		errno = err;
		return -1;
	}
	return ppoll((struct pollfd *)a[0], (nfds_t)a[1],
		     (const struct timespec *)a[2], mask);
}

static int raw_pselect(const long *a)
{
	struct {
		long set;
		long size;
	} arg = { 0, 0 };
	const sigset_t *mask;
	sigset_t copy;
	int err = 0;

	if (a[5] && hf_copy_from_user(&arg, (void *)a[5], sizeof(arg)))
		err = EFAULT;
	mask = err ? NULL : get_mask(arg.set, arg.size, &copy, &err);
	if (err) {
		errno = err;
		return -1;
	}
	return pselect((int)a[0], (fd_set *)a[1], (fd_set *)a[2],
		       (fd_set *)a[3], (const struct timespec *)a[4], mask);
}

static int raw_epoll_pwait(const long *a)
{
	sigset_t copy;
	const sigset_t *mask;
	int err;

	mask = get_mask(a[4], a[5], &copy, &err);
	if (err) {
		errno = err;
		return -1;
	}
	return epoll_pwait((int)a[0], (struct epoll_event *)a[1], (int)a[2],
			   (int)a[3], mask);
}

/* The kernel says how long it is. */
static long raw_getcwd(char *buf, size_t size)
{
	if (!buf) {
		errno = EFAULT;
		return -1;
	}
	return getcwd(buf, size) ? (long)strlen(buf) + 1 : -1;
}

/* What has no descriptor is the kernel's business, and must be fast. */
static bool mapping(const long *a, long *ret)
{
	if ((int)a[4] < 0 || (a[3] & MAP_ANONYMOUS)) {
		if (a[3] & MAP_FIXED)
			hf_heap_touched((void *)a[0], (size_t)a[1]);
		return false;
	}
	*ret = (long)mmap((void *)a[0], (size_t)a[1], (int)a[2], (int)a[3],
			  (int)a[4], (off_t)a[5]);
	return true;
}

#define STR(i) ((const char *)a[i])
#define PTR(i) ((void *)a[i])
#define INT(i) ((int)a[i])
#define SIZE(i) ((size_t)a[i])

/* Calls of descriptors. @ret is -1 and errno where they fail. */
static bool call_fd(long number, const long *a, long *ret)
{
	switch (number) {
	case SYS_read:
		*ret = read(INT(0), PTR(1), SIZE(2));
		return true;
	case SYS_write:
		*ret = write(INT(0), PTR(1), SIZE(2));
		return true;
	case SYS_readv:
		*ret = readv(INT(0), PTR(1), INT(2));
		return true;
	case SYS_writev:
		*ret = writev(INT(0), PTR(1), INT(2));
		return true;
	case SYS_close:
		*ret = close(INT(0));
		return true;
	case SYS_close_range:
		*ret = close_range((unsigned int)a[0], (unsigned int)a[1],
				   INT(2));
		return true;
	case SYS_lseek:
		*ret = lseek(INT(0), (off_t)a[1], INT(2));
		return true;
	case SYS_ioctl:
		*ret = ioctl(INT(0), (unsigned long)a[1], PTR(2));
		return true;
	case SYS_mmap:
		return mapping(a, ret);
	case SYS_madvise:
		*ret = madvise(PTR(0), SIZE(1), INT(2));
		return true;
#ifdef SYS_dup2
	case SYS_dup2:
		*ret = dup2(INT(0), INT(1));
		return true;
#endif
	case SYS_dup3:
		*ret = dup3(INT(0), INT(1), INT(2));
		return true;
	case SYS_fstat:
		*ret = fstat(INT(0), PTR(1));
		return true;
	case SYS_fstatfs:
		*ret = fstatfs(INT(0), PTR(1));
		return true;
	case SYS_getdents64:
		*ret = getdents64(INT(0), PTR(1), SIZE(2));
		return true;
	default:
		return false;
	}
}

/* Calls that may take a piece of the heap away; the kernel does them. */
static void look_at_heap(long number, const long *a)
{
	switch (number) {
	case SYS_mremap:
		if (a[3] & MREMAP_FIXED)
			hf_heap_touched(PTR(4), SIZE(2));
		hf_heap_touched(PTR(0), SIZE(1));
		break;
	case SYS_munmap:
	case SYS_mprotect:
		hf_heap_touched(PTR(0), SIZE(1));
		break;
	case SYS_brk:
		if (a[0])
			hf_heap_touched(PTR(0), SIZE_MAX / 2);
		break;
	default:
		break;
	}
}

/* Calls that wait for descriptors. */
static bool call_wait(long number, const long *a, long *ret)
{
	switch (number) {
#ifdef SYS_poll
	case SYS_poll:
		*ret = poll(PTR(0), (nfds_t)a[1], INT(2));
		return true;
	case SYS_select:
		*ret = select(INT(0), PTR(1), PTR(2), PTR(3), PTR(4));
		return true;
#endif
	case SYS_ppoll:
		*ret = raw_ppoll(a);
		return true;
	case SYS_pselect6:
		*ret = raw_pselect(a);
		return true;
	case SYS_epoll_ctl:
		*ret = epoll_ctl(INT(0), INT(1), INT(2), PTR(3));
		return true;
	case SYS_epoll_pwait:
		*ret = raw_epoll_pwait(a);
		return true;
	default:
		return false;
	}
}

/* Calls of sockets. */
static bool call_socket(long number, const long *a, long *ret)
{
	switch (number) {
	case SYS_socket:
		*ret = socket(INT(0), INT(1), INT(2));
		return true;
	case SYS_connect:
		*ret = connect(INT(0), PTR(1), (socklen_t)a[2]);
		return true;
	case SYS_bind:
		*ret = bind(INT(0), PTR(1), (socklen_t)a[2]);
		return true;
	case SYS_getsockname:
		*ret = getsockname(INT(0), PTR(1), PTR(2));
		return true;
	case SYS_setsockopt:
		*ret = setsockopt(INT(0), INT(1), INT(2), PTR(3),
				  (socklen_t)a[4]);
		return true;
	case SYS_getsockopt:
		*ret = getsockopt(INT(0), INT(1), INT(2), PTR(3), PTR(4));
		return true;
	case SYS_recvfrom:
		*ret = recvfrom(INT(0), PTR(1), SIZE(2), INT(3), PTR(4),
				PTR(5));
		return true;
	case SYS_recvmsg:
		*ret = recvmsg(INT(0), PTR(1), INT(2));
		return true;
	case SYS_recvmmsg:
		*ret = recvmmsg(INT(0), PTR(1), (unsigned int)a[2], INT(3),
				PTR(4));
		return true;
	default:
		return false;
	}
}

/* Calls of names that are as they have been since UNIX. */
static bool call_old_path(long number, const long *a, long *ret)
{
	switch (number) {
#ifdef SYS_open
	case SYS_open:
		*ret = open(STR(0), INT(1), (mode_t)a[2]);
		return true;
	case SYS_creat:
		*ret = creat(STR(0), (mode_t)a[1]);
		return true;
	case SYS_stat:
		*ret = stat(STR(0), PTR(1));
		return true;
	case SYS_lstat:
		*ret = lstat(STR(0), PTR(1));
		return true;
	case SYS_access:
		*ret = access(STR(0), INT(1));
		return true;
	case SYS_readlink:
		*ret = readlink(STR(0), PTR(1), SIZE(2));
		return true;
	case SYS_mkdir:
		*ret = mkdir(STR(0), (mode_t)a[1]);
		return true;
#endif
	case SYS_statfs:
		*ret = statfs(STR(0), PTR(1));
		return true;
	case SYS_chdir:
		*ret = chdir(STR(0));
		return true;
	case SYS_fchdir:
		*ret = fchdir(INT(0));
		return true;
	case SYS_getcwd:
		*ret = raw_getcwd(PTR(0), SIZE(1));
		return true;
	case SYS_inotify_add_watch:
		*ret = inotify_add_watch(INT(0), STR(1), (uint32_t)a[2]);
		return true;
	case SYS_getxattr:
		*ret = getxattr(STR(0), STR(1), PTR(2), SIZE(3));
		return true;
	case SYS_lgetxattr:
		*ret = lgetxattr(STR(0), STR(1), PTR(2), SIZE(3));
		return true;
	case SYS_listxattr:
		*ret = listxattr(STR(0), PTR(1), SIZE(2));
		return true;
	case SYS_llistxattr:
		*ret = llistxattr(STR(0), PTR(1), SIZE(2));
		return true;
	default:
		return false;
	}
}

/* Calls of names below a directory. */
static bool call_path_at(long number, const long *a, long *ret)
{
	switch (number) {
	case SYS_openat:
		*ret = openat(INT(0), STR(1), INT(2), (mode_t)a[3]);
		return true;
	case SYS_openat2:
		*ret = hf_openat2(INT(0), STR(1), PTR(2), SIZE(3));
		return true;
	case SYS_mkdirat:
		*ret = mkdirat(INT(0), STR(1), (mode_t)a[2]);
		return true;
	case SYS_newfstatat:
		*ret = fstatat(INT(0), STR(1), PTR(2), INT(3));
		return true;
	case SYS_statx:
		*ret = statx(INT(0), STR(1), INT(2), (unsigned int)a[3],
			     PTR(4));
		return true;
	case SYS_readlinkat:
		*ret = readlinkat(INT(0), STR(1), PTR(2), SIZE(3));
		return true;
	case SYS_faccessat:
		*ret = faccessat(INT(0), STR(1), INT(2), 0);
		return true;
	case SYS_faccessat2:
		*ret = faccessat(INT(0), STR(1), INT(2), INT(3));
		return true;
	default:
		return false;
	}
}

/* Calls that make another program of this process, or put it elsewhere. */
static bool call_process(long number, const long *a, long *ret)
{
	switch (number) {
	case SYS_execve:
		*ret = execve(STR(0), PTR(1), PTR(2));
		return true;
	case SYS_execveat:
		if (!a[1])
			return false;
		*ret = execveat(INT(0), STR(1), PTR(2), PTR(3), INT(4));
		return true;
	case SYS_prctl:
		*ret = prctl(INT(0), a[1], a[2], a[3], a[4]);
		return true;
	case SYS_unshare:
		*ret = unshare(INT(0));
		return true;
	case SYS_setns:
		*ret = setns(INT(0), INT(1));
		return true;
	case SYS_chroot:
		*ret = chroot(STR(0));
		return true;
	case SYS_pivot_root:
		hf_keep_for(CLONE_NEWNS);
		return false;
	case SYS_clone:
		hf_keep_for((unsigned long)a[0]);
		return false;
	case SYS_seccomp:
		hf_client_prepare();
		return false;
	default:
		return false;
	}
}

bool hf_raw_call(long number, const long *a, long *ret)
{
	if (!call_fd(number, a, ret) && !call_wait(number, a, ret) &&
	    !call_path_at(number, a, ret) && !call_old_path(number, a, ret) &&
	    !call_socket(number, a, ret) && !call_process(number, a, ret)) {
		look_at_heap(number, a);
		return false;
	}
	if (*ret == -1)
		*ret = -errno;
	return true;
}

HF_SHIM_EXPORT long syscall(long number, ...)
{
	long a[6], ret;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!hf_raw_call(number, a, &ret))
		return hf_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (ret < 0 && ret >= -4095) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}
