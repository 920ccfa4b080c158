/* SPDX-License-Identifier: MIT */
/*
 * What limits mapping: the addresses that the IOMMU has, how many mappings the
 * kernel allows, how much memory may be locked; and, where one of them was hit,
 * what it says in the log.
 *
 * Nothing here is kept, and nothing is locked.
 *
 * Source: <linux/vfio.h>.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "dma/vfio_internal.h"

#define KIB(n) (((n) + 1023) >> 10)

/* Larger than any that the kernel gives. */
#define MAX_INFO 65536u

/* -- what the IOMMU can do --------------------------------------------------- */

struct vfio_iommu_type1_info *hf_vfio_info(int container)
{
	struct vfio_iommu_type1_info head = { .argsz = sizeof(head) };
	struct vfio_iommu_type1_info *info;

	if (ioctl(container, VFIO_IOMMU_GET_INFO, &head))
		return NULL;
	if (head.argsz < sizeof(head) || head.argsz > MAX_INFO) {
		errno = ENOTSUP;
		return NULL;
	}
	info = calloc(1, head.argsz);
	if (!info)
		return NULL;
	info->argsz = head.argsz;
	if (!ioctl(container, VFIO_IOMMU_GET_INFO, info) &&
	    info->argsz <= head.argsz)
		return info;
	free(info);
	errno = ENOTSUP;
	return NULL;
}

/* A capability of at least @size bytes; @room: set to those up to the end. */
static const void *find_cap(const struct vfio_iommu_type1_info *info,
			    unsigned int id, size_t size, size_t *room)
{
	uint32_t offset = info->cap_offset, before = 0;

	if (!(info->flags & VFIO_IOMMU_INFO_CAPS))
		return NULL;
	/* The kernel writes them one behind the other. */
	while (offset > before && offset <= info->argsz &&
	       info->argsz - offset >= sizeof(struct vfio_info_cap_header)) {
		const struct vfio_info_cap_header *header =
			(const void *)((const char *)info + offset);

		*room = info->argsz - offset;
		if (header->id == id)
			return *room >= size ? header : NULL;
		before = offset;
		offset = header->next;
	}
	return NULL;
}

uint32_t hf_vfio_info_available(const struct vfio_iommu_type1_info *info)
{
	const struct vfio_iommu_type1_info_dma_avail *cap;
	size_t room;

	cap = find_cap(info, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, sizeof(*cap),
		       &room);
	return cap ? cap->avail : UINT32_MAX;
}

static bool in_order(const struct vfio_iova_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ranges[i].end < ranges[i].start ||
		    (i && ranges[i].start <= ranges[i - 1].end))
			return false;
	return true;
}

/* A copy: the kernel's has 8-byte numbers on multiples of 4. */
struct vfio_iommu_type1_info_cap_iova_range *
hf_vfio_info_ranges(const struct vfio_iommu_type1_info *info)
{
	struct vfio_iommu_type1_info_cap_iova_range head, *cap;
	const void *found;
	size_t room, size;

	errno = ENOTSUP;
	found = find_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
			 sizeof(head), &room);
	if (!found)
		return NULL;
	memcpy(&head, found, sizeof(head));
	if (!head.nr_iovas || (room - sizeof(head)) /
			      sizeof(head.iova_ranges[0]) < head.nr_iovas)
		return NULL;
	size = sizeof(head) + head.nr_iovas * sizeof(head.iova_ranges[0]);
	cap = malloc(size);
	if (!cap)
		return NULL;
	memcpy(cap, found, size);
	if (in_order(cap->iova_ranges, cap->nr_iovas))
		return cap;
	free(cap);
	errno = ENOTSUP;
	return NULL;
}

/* -- errors ------------------------------------------------------------------ */

/* What /proc/self/status has on a line; 0 where there is none. */
static uint64_t status_of(const char *name, int base)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t n = strlen(name);
	uint64_t value = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, n) && line[n] == ':')
			value = strtoull(line + n + 1, NULL, base);
	if (file)
		fclose(file);
	return value;
}

uint64_t hf_vfio_locked_memory(void)
{
	return status_of("VmLck", 10) << 10;
}

static bool over_the_limit(size_t size, uint64_t *limit, uint64_t *needed)
{
	struct rlimit memlock;

	if (getrlimit(RLIMIT_MEMLOCK, &memlock) ||
	    memlock.rlim_cur == RLIM_INFINITY ||
	    status_of("CapEff", 16) >> CAP_IPC_LOCK & 1)
		return false;
	*limit = memlock.rlim_cur;
	*needed = hf_vfio_locked_memory() + size;
	return *needed > *limit;
}

static void no_memory(size_t size, char *text, size_t length)
{
	uint64_t limit, needed;

	if (!over_the_limit(size, &limit, &needed)) {
		snprintf(text, length, "the kernel has no memory to pin it");
		return;
	}
	snprintf(text, length,
		 "RLIMIT_MEMLOCK is %" PRIu64 " KiB and with what is mapped "
		 "already %" PRIu64 " KiB are needed: raise it with ulimit -l, "
		 "LimitMEMLOCK= of systemd or limits.conf",
		 limit >> 10, KIB(needed));
}

void hf_vfio_map_error(const char *name, int error, hf_iova_t iova,
		       size_t size, char *text, size_t length)
{
	int n = snprintf(text, length, "%s: cannot map %zu KiB at %#" PRIx64
			 ": ", name, KIB(size), iova);

	if (n < 0 || (size_t)n >= length)
		return;
	text += n;
	length -= n;
	switch (error) {
	case ENOMEM:
		no_memory(size, text, length);
		break;
	case ENOSPC:
		snprintf(text, length,
			 "no more mappings are allowed: raise "
			 "/sys/module/vfio_iommu_type1/parameters/"
			 "dma_entry_limit and open the device again");
		break;
	case EEXIST:
		snprintf(text, length, "a bug: something is mapped there");
		break;
	case EINVAL:
		snprintf(text, length, "a bug: the IOMMU cannot do that");
		break;
	case EACCES:
		snprintf(text, length,
			 "the memory is read-only, and the device is to write");
		break;
	case EFAULT:
		snprintf(text, length,
			 "the kernel cannot pin it: the file is gone, or not "
			 "memory");
		break;
	default:
		snprintf(text, length, "%s", strerror(error));
	}
}
