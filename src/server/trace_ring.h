/* SPDX-License-Identifier: MIT */
/*
 * Records on their way from those who make them to the one thread that writes them
 * down. Whoever makes one never waits: where there is no room it is counted, and
 * the next one that fits has the number before it.
 *
 * A mutex of its own protects it, held for a copy.
 */
#ifndef HF_SERVER_TRACE_RING_H
#define HF_SERVER_TRACE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct hf_trace_ring;

/** hf_trace_ring_create() - Of @size bytes, a power of two. NULL and errno. */
struct hf_trace_ring *hf_trace_ring_create(size_t size);
void hf_trace_ring_destroy(struct hf_trace_ring *ring);

/**
 * hf_trace_ring_put() - Add a record, of several parts.
 *
 * Return: bytes that are taken now; 0: there was no room, and it was counted.
 */
size_t hf_trace_ring_put(struct hf_trace_ring *ring, const struct iovec *parts,
			 unsigned int n);

/**
 * hf_trace_ring_peek() - The oldest record, in one piece, aligned to 8 bytes.
 * @lost: set to how many were lost right before it
 *
 * It stays until hf_trace_ring_pop(). Return: NULL where there is none; then @lost
 * are those that were lost since the last one, and are forgotten.
 */
const void *hf_trace_ring_peek(struct hf_trace_ring *ring, uint64_t *lost);
void hf_trace_ring_pop(struct hf_trace_ring *ring);

#endif
