/* SPDX-License-Identifier: MIT */
/*
 * Reservations: the fences of the jobs that use some memory, for those who
 * synchronise implicitly. The kernel's dma_resv, with its two most used usages: any
 * number of readers, and writers.
 *
 * A reservation belongs to a backing (mem/backing.h), that is to the file, so
 * that all devices, and a client that holds nothing but a dma-buf, mean the same
 * one. The kernel locks each, in any order, and backs off from deadlocks; here one
 * lock, that of the devices, protects them all, so looking at many of them and
 * adding to many of them is one step.
 */
#ifndef HF_SYNC_RESV_H
#define HF_SYNC_RESV_H

#include "mem/backing.h"
#include "sync/fence.h"

/**
 * hf_resv_add() - A job uses this memory until its fence signals.
 * @write: it writes; else it reads
 *
 * Return: 0 or -ENOMEM.
 */
int hf_resv_add(struct hf_backing *backing, struct hf_fence *fence, bool write);

/**
 * hf_resv_reserve() - Make sure that adding a job's fence cannot fail.
 *
 * Return: 0 or -ENOMEM.
 */
int hf_resv_reserve(struct hf_backing *backing);

/**
 * hf_resv_fence() - One fence for all that must be over first.
 * @write: the caller is going to write, so readers count, too
 * @fence: set to it with a reference, or to NULL where there is nothing to wait for
 *
 * Return: 0 or -ENOMEM.
 */
int hf_resv_fence(const struct hf_backing *backing, bool write,
		  struct hf_fence **fence);

#endif
