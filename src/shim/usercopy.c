/* SPDX-License-Identifier: MIT */
/*
 * Copies that fail on a bad pointer. The kernel does them, with a
 * process_vm_readv(2) of this very process, some at once where there are more. Nearly
 * all arguments live on the caller's stack or on the heap, though, and what lies
 * between this frame and the stack's end, or on the heap, is there for certain: those
 * are plain copies.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim/heap.h"
#include "shim/raw.h"
#include "shim/usercopy.h"

struct stack {
	uintptr_t low, high;
};

static __attribute__((tls_model("initial-exec"))) _Thread_local struct stack
	stack;

static void find_stack(void)
{
	pthread_attr_t attr;
	void *low;
	size_t size;

	stack.low = stack.high = 1;
	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	if (!pthread_attr_getstack(&attr, &low, &size)) {
		stack.low = (uintptr_t)low;
		stack.high = (uintptr_t)low + size;
	}
	pthread_attr_destroy(&attr);
}

void hf_user_prepare(void)
{
	if (!stack.high)
		find_stack();
}

static bool on_stack(const void *user, size_t size)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	uintptr_t at = (uintptr_t)user;

	hf_user_prepare();
	/* A coroutine's or a signal handler's stack is another one. */
	if (frame < stack.low || frame >= stack.high)
		return false;
	return at > frame && at < stack.high && size <= stack.high - at;
}

bool hf_user_certain(const void *user, size_t size)
{
	return on_stack(user, size) || hf_heap_has(user, size);
}

/* So near to the caller's frame it is on the same stack. */
#define NEAR 32768u

/* The program's constants and variables, and where its heap began to grow. Written
 * once, before the program runs; before that nothing is in there. */
static uintptr_t image_low, image_high, heap_low = UINTPTR_MAX;

static int learn_image(struct dl_phdr_info *object, size_t size, void *data)
{
	(void)size;
	(void)data;
	for (unsigned int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t low = object->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD)
			continue;
		if (!image_high)
			image_low = low;
		image_high = low + segment->p_memsz;
	}
	return 1; /* the first one is the program */
}

__attribute__((constructor)) static void learn(void)
{
	dl_iterate_phdr(learn_image, NULL);
	heap_low = (uintptr_t)sbrk(0);
}

/* Nobody takes these away: no call is needed to tell. */
static bool surely_readable(uintptr_t at)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	return (at > frame && at - frame < NEAR) ||
	       (at >= image_low && at < image_high) ||
	       (at >= heap_low && at < (uintptr_t)sbrk(0));
}

bool hf_user_readable(const void *user)
{
	uintptr_t at = (uintptr_t)user & ~(uintptr_t)7;
	int saved = errno;
	bool fault;

	if (surely_readable(at))
		return true;
	/* The kernel reads a mask before it finds that nothing is to be done
	 * with it; but none that is NULL. */
	fault = !at || (hf_syscall(SYS_rt_sigprocmask, -1, at, NULL,
				   (size_t)8) && errno == EFAULT);
	errno = saved;
	return !fault;
}

/* A sandbox may forbid it, and then there is no way to tell. */
static bool forbidden(ssize_t n)
{
	return n < 0 && (errno == ENOSYS || errno == EPERM);
}

int hf_copy_from_user(void *to, const void *user, size_t size)
{
	struct iovec local = { to, size }, remote = { (void *)user, size };
	ssize_t n;

	if (size == 0)
		return 0;
	if (!hf_user_certain(user, size)) {
		n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
		if (!forbidden(n))
			return n == (ssize_t)size ? 0 : -EFAULT;
	}
	memcpy(to, user, size);
	return 0;
}

void hf_copy_all_from_user(struct hf_user_copy *copies, size_t n)
{
	struct iovec local[HF_USER_COPIES], remote[HF_USER_COPIES];
	struct hf_user_copy *rest[HF_USER_COPIES];
	ssize_t size = 0;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		struct hf_user_copy *copy = &copies[i];

		copy->fault = false;
		if (hf_user_certain(copy->user, copy->size)) {
			memcpy(copy->to, copy->user, copy->size);
			continue;
		}
		local[k] = (struct iovec){ copy->to, copy->size };
		remote[k] = (struct iovec){ (void *)copy->user, copy->size };
		rest[k++] = copy;
		size += (ssize_t)copy->size;
	}
	if (!k || process_vm_readv(getpid(), local, k, remote, k, 0) == size)
		return;
	/* Which of them is it? */
	for (size_t i = 0; i < k; i++)
		rest[i]->fault = hf_copy_from_user(rest[i]->to, rest[i]->user,
						   rest[i]->size);
}

int hf_copy_to_user(void *user, const void *from, size_t size)
{
	struct iovec local = { (void *)from, size }, remote = { user, size };
	ssize_t n;

	if (size == 0)
		return 0;
	if (!hf_user_certain(user, size)) {
		n = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
		if (!forbidden(n))
			return n == (ssize_t)size ? 0 : -EFAULT;
	}
	memcpy(user, from, size);
	return 0;
}
