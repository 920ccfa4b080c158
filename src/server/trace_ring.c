/* SPDX-License-Identifier: MIT */
/*
 * A ring of records of any size. See the header.
 *
 * `head` and `tail` count bytes and only grow. A record starts with its size and
 * the number of those lost before it, and is never split: where the end of the
 * memory is too near, a filler takes what is left there.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/trace_ring.h"

#define FILLER UINT32_MAX

struct entry {
	uint32_t size; /* bytes, with this */
	uint32_t kind; /* 0 or FILLER */
	uint64_t lost;
	uint8_t data[];
};

struct hf_trace_ring {
	pthread_mutex_t lock;
	size_t size;
	uint64_t head, tail;
	uint64_t lost; /* since the last record that is in */
	uint8_t *memory;
};

struct hf_trace_ring *hf_trace_ring_create(size_t size)
{
	struct hf_trace_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->memory = malloc(size);
	if (!ring->memory) {
		free(ring);
		errno = ENOMEM;
		return NULL;
	}
	ring->size = size;
	pthread_mutex_init(&ring->lock, NULL);
	return ring;
}

void hf_trace_ring_destroy(struct hf_trace_ring *ring)
{
	if (!ring)
		return;
	pthread_mutex_destroy(&ring->lock);
	free(ring->memory);
	free(ring);
}

static struct entry *entry_at(struct hf_trace_ring *ring, uint64_t at)
{
	return (struct entry *)(ring->memory + (at & (ring->size - 1)));
}

/* Room for an entry at the head, in one piece. */
static struct entry *reserve(struct hf_trace_ring *ring, size_t size)
{
	size_t to_end = ring->size - (ring->head & (ring->size - 1));
	size_t used = ring->head - ring->tail;
	size_t filler = to_end < size ? to_end : 0;
	struct entry *entry;

	if (size + filler > ring->size - used)
		return NULL;
	if (filler) {
		/* As entries are, it is a multiple of 8: there is room to say so. */
		entry = entry_at(ring, ring->head);
		entry->size = filler;
		entry->kind = FILLER;
		ring->head += filler;
	}
	return entry_at(ring, ring->head);
}

static void fill(struct entry *entry, const struct iovec *parts, unsigned int n)
{
	uint8_t *at = entry->data;

	for (unsigned int i = 0; i < n; i++) {
		/* An empty part may have no address. */
		if (!parts[i].iov_len)
			continue;
		memcpy(at, parts[i].iov_base, parts[i].iov_len);
		at += parts[i].iov_len;
	}
}

size_t hf_trace_ring_put(struct hf_trace_ring *ring, const struct iovec *parts,
			 unsigned int n)
{
	size_t size = sizeof(struct entry), used = 0;
	struct entry *entry;

	for (unsigned int i = 0; i < n; i++)
		size += parts[i].iov_len;
	size = (size + 7) & ~(size_t)7;
	pthread_mutex_lock(&ring->lock);
	entry = reserve(ring, size);
	if (entry) {
		entry->size = size;
		entry->kind = 0;
		entry->lost = ring->lost;
		ring->lost = 0;
		fill(entry, parts, n);
		ring->head += size;
		used = ring->head - ring->tail;
	} else {
		ring->lost++;
	}
	pthread_mutex_unlock(&ring->lock);
	return used;
}

const void *hf_trace_ring_peek(struct hf_trace_ring *ring, uint64_t *lost)
{
	struct entry *entry = NULL;

	pthread_mutex_lock(&ring->lock);
	if (ring->head != ring->tail) {
		entry = entry_at(ring, ring->tail);
		if (entry->kind == FILLER) {
			ring->tail += entry->size;
			entry = entry_at(ring, ring->tail);
		}
		*lost = entry->lost;
	} else {
		*lost = ring->lost;
		ring->lost = 0;
	}
	pthread_mutex_unlock(&ring->lock);
	return entry ? entry->data : NULL;
}

void hf_trace_ring_pop(struct hf_trace_ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	ring->tail += entry_at(ring, ring->tail)->size;
	pthread_mutex_unlock(&ring->lock);
}
