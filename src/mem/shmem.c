/* SPDX-License-Identifier: MIT */
/*
 * An object's memory is a memfd. The seals are what lets the server map memory
 * that a client holds too: a file that cannot shrink cannot be turned into a
 * SIGBUS. F_SEAL_SEAL stops a client from sealing it against writing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mem/shmem.h"

#define FIXED_SIZE (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int hf_shmem_create(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (size > INT64_MAX || ftruncate(fd, size)) {
		int err = size > INT64_MAX ? EFBIG : errno;

		close(fd);
		return -err;
	}
	return fd;
}

int hf_shmem_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, FIXED_SIZE) ? -errno : 0;
}

int hf_shmem_data(const char *name, const void *data, size_t size)
{
	int fd = hf_shmem_create(name, size), err;

	if (fd < 0)
		return fd;
	for (size_t done = 0; done < size;) {
		ssize_t n = pwrite(fd, (const char *)data + done, size - done,
				   done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			goto error;
		done += n;
	}
	if (fcntl(fd, F_ADD_SEALS, FIXED_SIZE | F_SEAL_WRITE))
		goto error;
	return fd;

error:
	err = errno ? errno : ENOSPC;
	close(fd);
	return -err;
}

int hf_shmem_reopen(int fd, int flags)
{
	char path[32];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = open(path, flags);
	return ret < 0 ? -errno : ret;
}

int hf_shmem_check(int fd, size_t *size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	long page = sysconf(_SC_PAGESIZE);
	struct statfs fs;
	struct stat st;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st))
		return -EINVAL;
	/* A hole in huge pages cannot be filled when none are left: SIGBUS. */
	if (fstatfs(fd, &fs) || fs.f_type != TMPFS_MAGIC)
		return -EINVAL;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size % page)
		return -EINVAL;
	*size = st.st_size;
	return 0;
}
