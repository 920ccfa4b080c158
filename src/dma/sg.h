/* SPDX-License-Identifier: MIT */
/*
 * Scatter-gather tables: where an object's pages are, before and after they are
 * mapped for a device. The kernel's sg_table. They are in holdfast/dma.h.
 */
#ifndef HF_DMA_SG_H
#define HF_DMA_SG_H

#include <holdfast/dma.h>

#include "mem/page.h"

/* The most that an entry has, bytes: large tables are read as fast as memory is. */
#define HF_SG_MAX (1u << 31)

#endif
