/* SPDX-License-Identifier: MIT */
/*
 * VFIO: PCI devices that no driver of the kernel has, and the IOMMU in front of them.
 * All of it is for drivers: see holdfast/vfio.h.
 */
#ifndef HF_DMA_VFIO_H
#define HF_DMA_VFIO_H

#include <holdfast/vfio.h>

#include "dma/iommu.h"

#endif
