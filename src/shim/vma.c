/* SPDX-License-Identifier: MIT */
/*
 * What is mapped where: one ioctl(2) on /proc/self/maps (PROCMAP_QUERY, Linux
 * 6.11), for which a descriptor is kept, or its text on kernels that do not
 * have that. The descriptor belongs to the process that opened it: its number
 * lives in state that the kernel wipes on fork.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/shim.h"
#include "shim/vma.h"

/* Newer than the kernel headers that are built against. */
struct query {
	uint64_t size;
	uint64_t flags;
	uint64_t addr;
	uint64_t start, end; /* out, and so on */
	uint64_t vma_flags;
	uint64_t page_size;
	uint64_t offset;
	uint64_t inode;
	uint32_t major, minor;
	uint32_t name_size; /* in, out */
	uint32_t build_id_size;
	uint64_t name;
	uint64_t build_id;
};
#define QUERY _IOWR('f', 17, struct query)
#define QUERY_READABLE 0x01u
#define QUERY_WRITABLE 0x02u
#define QUERY_EXECUTABLE 0x04u
#define QUERY_SHARED 0x08u
#define QUERY_OR_NEXT 0x10u

static int maps_fd(void)
{
	int fd = hf_own_maps_fd();

	if (fd >= 0)
		return fd;
	fd = REAL(open)("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : hf_own_maps_keep(fd);
}

static int ask(int fd, uintptr_t addr, bool shared, struct hf_vma *vma)
{
	struct query q = {
		.size = sizeof(q),
		.flags = QUERY_OR_NEXT | (shared ? QUERY_SHARED : 0),
		.addr = addr,
		.name_size = sizeof(vma->name),
		.name = (uintptr_t)vma->name,
	};

	if (REAL(ioctl)(fd, QUERY, &q))
		return -errno;
	vma->start = q.start;
	vma->end = q.end;
	vma->offset = q.offset;
	vma->dev = makedev(q.major, q.minor);
	vma->ino = q.inode;
	vma->prot = (q.vma_flags & QUERY_READABLE ? PROT_READ : 0) |
		    (q.vma_flags & QUERY_WRITABLE ? PROT_WRITE : 0) |
		    (q.vma_flags & QUERY_EXECUTABLE ? PROT_EXEC : 0);
	vma->shared = q.vma_flags & QUERY_SHARED;
	vma->huge = q.page_size > 4096;
	if (!q.name_size)
		vma->name[0] = 0;
	return 0;
}

/* -- the text -------------------------------------------------------------- */

/* "start-end rwxp offset major:minor inode   name" */
static bool parse_line(const char *line, struct hf_vma *vma)
{
	unsigned long start, end, offset, inode;
	unsigned int major, minor;
	char rwxp[5];
	int name = 0;

	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &start, &end, rwxp,
		   &offset, &major, &minor, &inode, &name) < 7)
		return false;
	vma->start = start;
	vma->end = end;
	vma->offset = offset;
	vma->dev = makedev(major, minor);
	vma->ino = inode;
	vma->prot = (rwxp[0] == 'r' ? PROT_READ : 0) |
		    (rwxp[1] == 'w' ? PROT_WRITE : 0) |
		    (rwxp[2] == 'x' ? PROT_EXEC : 0);
	vma->shared = rwxp[3] == 's';
	snprintf(vma->name, sizeof(vma->name), "%s", line + name);
	/* The text does not say; these names do. */
	vma->huge = !strncmp(vma->name, "/anon_hugepage", 14) ||
		    !strncmp(vma->name, "/dev/hugepages", 14);
	return true;
}

static bool wanted(const struct hf_vma *vma, uintptr_t addr, bool shared)
{
	return vma->end > addr && (vma->shared || !shared);
}

int hf_vma_find_text(uintptr_t addr, bool shared, struct hf_vma *vma)
{
	char buf[PATH_MAX + 256];
	size_t have = 0;
	int ret = -ENOENT, fd;
	ssize_t n;

	fd = REAL(open)("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (ret && (n = REAL(read)(fd, buf + have,
				      sizeof(buf) - 1 - have)) > 0) {
		char *line = buf, *newline;

		have += n;
		buf[have] = 0;
		while (ret && (newline = strchr(line, '\n'))) {
			*newline = 0;
			if (parse_line(line, vma) && wanted(vma, addr, shared))
				ret = 0;
			line = newline + 1;
		}
		have -= line - buf;
		memmove(buf, line, have);
	}
	REAL(close)(fd);
	return ret;
}

int hf_vma_find(uintptr_t addr, bool shared, struct hf_vma *vma)
{
	int fd = maps_fd(), ret;

	if (fd < 0)
		return fd;
	ret = ask(fd, addr, shared, vma);
	return ret == -ENOTTY || ret == -EINVAL ?
		       hf_vma_find_text(addr, shared, vma) :
		       ret;
}
