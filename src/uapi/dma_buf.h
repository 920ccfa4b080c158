/* SPDX-License-Identifier: MIT */
/*
 * dma-bufs as descriptors: what a client's poll(2) of one needs. Their ioctls
 * are in the table (uapi/ioctls.h).
 *
 * The system's lock protects them.
 */
#ifndef HF_UAPI_DMA_BUF_H
#define HF_UAPI_DMA_BUF_H

#include "uapi/system.h"
#include "uapi/wire.h"

/**
 * hf_dma_buf_watch() - What does a dma-buf poll as?
 * @dma_buf: its descriptor
 * @watch: what is asked; `ready` is set
 * @fd: set to a descriptor for the client that polls so, where one is due
 *
 * Readable is what no job writes to, writable is what no job uses.
 *
 * Return: 0; -EINVAL for unknown events; -ENOMEM, -EMFILE.
 */
int hf_dma_buf_watch(struct hf_system *sys, int dma_buf,
		     struct hf_wire_watch *watch, int *fd);

#endif
