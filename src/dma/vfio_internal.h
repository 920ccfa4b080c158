/* SPDX-License-Identifier: MIT */
/* Shared between the files of VFIO, and with their tests. */
#ifndef HF_DMA_VFIO_INTERNAL_H
#define HF_DMA_VFIO_INTERNAL_H

#include "dma/vfio.h"
#include "mem/trap.h"

#define HF_VFIO_BARS 6

/* -- vfio_open.c: where a device is, and its group --------------------------- */

/**
 * struct hf_vfio_place - Where a device is.
 * @name: its address with the domain
 * @group: number of its IOMMU group
 * @no_iommu: it is a group of the no-IOMMU mode
 */
struct hf_vfio_place {
	char name[20];
	unsigned int group;
	bool no_iommu;
};

/**
 * hf_vfio_find() - Look a device up, and see that it may be opened.
 * @sys: where sysfs is, "/sys"
 * @bdf: likewise @flags and @why: see hf_vfio_open()
 *
 * Return: 0; -EINVAL, -ENODEV, -EBUSY, -EPERM, -ENOTSUP.
 */
int hf_vfio_find(const char *sys, const char *bdf, unsigned int flags,
		 struct hf_vfio_place *place, char why[HF_VFIO_WHY]);
/**
 * hf_vfio_open_group() - A container with the group in it, and an IOMMU.
 * @dev: where device nodes are, "/dev"
 * @container: set on success; likewise @group
 *
 * Return: 0; -EACCES, -EBUSY, -EPERM, -ENOTSUP, -ENOMEM, -EMFILE.
 */
int hf_vfio_open_group(const char *dev, const struct hf_vfio_place *place,
		       int *container, int *group, char why[HF_VFIO_WHY]);
/** hf_vfio_because() - Write the sentence. Return: -@error. */
int hf_vfio_because(char why[HF_VFIO_WHY], int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* -- vfio_limits.c ----------------------------------------------------------- */

struct vfio_iommu_type1_info;
struct vfio_iommu_type1_info_cap_iova_range;

/** hf_vfio_info() - What the kernel says of an IOMMU, to be freed. NULL, errno. */
struct vfio_iommu_type1_info *hf_vfio_info(int container);
/** hf_vfio_info_available() - Mappings that may be added; UINT32_MAX: unknown. */
uint32_t hf_vfio_info_available(const struct vfio_iommu_type1_info *info);
/**
 * hf_vfio_info_ranges() - Addresses that there are, in order, to be freed.
 *
 * Return: NULL and ENOTSUP where they are unknown, ENOMEM.
 */
struct vfio_iommu_type1_info_cap_iova_range *
hf_vfio_info_ranges(const struct vfio_iommu_type1_info *info);
/** hf_vfio_locked_memory() - Bytes that this process has locked. */
uint64_t hf_vfio_locked_memory(void);
/** hf_vfio_map_error() - Why VFIO_IOMMU_MAP_DMA failed, and what helps. */
void hf_vfio_map_error(const char *name, int error, hf_iova_t iova,
		       size_t size, char *text, size_t length);

/* -- vfio.c: the device ------------------------------------------------------ */

/**
 * struct hf_vfio_region - A part of the device's file.
 * @offset: where in the file; likewise @size, bytes
 */
struct hf_vfio_region {
	uint64_t offset, size;
	bool mappable;
};

/**
 * struct hf_vfio - A device that is open.
 * @container: descriptors; likewise @group, @device
 * @request: an eventfd, see hf_vfio_request_fd()
 * @can_reset: by itself
 * @irqs: vectors, by kind
 * @armed: of those, switched on
 * @bars: what is mapped, and watched; start is NULL where it is not
 * @domain: in front of it, or NULL
 */
struct hf_vfio {
	struct hf_vfio_place place;
	int container, group, device, request;
	bool can_reset;
	unsigned int irqs[2], armed[2];
	struct hf_vfio_region config, regions[HF_VFIO_BARS];
	struct hf_trap bars[HF_VFIO_BARS];
	struct hf_iommu_domain *domain;
};

#endif
