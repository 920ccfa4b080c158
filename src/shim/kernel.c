/* SPDX-License-Identifier: MIT */
/*
 * The kernel past the shim's own functions: where those must not be called, and
 * for what the C library has no function. No state, and nothing that allocates.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "shim/raw.h"
#include "shim/shim.h"

/* As many arguments as the kernel may take: what the caller did not pass is
 * whatever the registers and the stack hold, here as in the C library's. */
long hf_syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

long hf_raw_kernel(long number, const long *a)
{
	int saved = errno;
	long ret = hf_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);

	if (ret == -1)
		ret = -errno;
	errno = saved;
	return ret;
}
