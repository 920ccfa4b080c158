/* SPDX-License-Identifier: MIT */
/* The futex(2) calls that both ends of a channel use, on shared memory. */
#ifndef HF_BASE_FUTEX_H
#define HF_BASE_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/**
 * hf_futex_wait() - Sleep while *@word is @value.
 * @ms: at most this long, milliseconds; negative: for ever
 *
 * Return: 0, -EAGAIN, -EINTR, -ETIMEDOUT.
 */
static inline int hf_futex_wait(_Atomic uint32_t *word, uint32_t value, int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	if (syscall(SYS_futex, word, FUTEX_WAIT, value, ms < 0 ? NULL : &ts,
		    NULL, 0) == 0)
		return 0;
	return -errno;
}

/** hf_futex_wake() - Wake all who sleep on a word. */
static inline void hf_futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static inline uint64_t hf_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

#endif
