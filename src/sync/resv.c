/* SPDX-License-Identifier: MIT */
/*
 * Reservations. See the header.
 *
 * A list without order of (fence, does it write). Fences that are signaled are
 * dropped whenever somebody looks, and a fence takes the place of earlier ones
 * of its timeline that do no more than it does: there are never more entries
 * than timelines at work, twice. Merged fences are added as what they are made
 * of, for the same reason.
 */
#include <errno.h>
#include <stdlib.h>

#include "sync/resv.h"

struct entry {
	struct hf_fence *fence; /* with a reference */
	bool write;
};

struct hf_resv {
	size_t n, size;
	struct entry *entries;
};

static void remove_entry(struct hf_resv *resv, size_t i)
{
	hf_fence_put(resv->entries[i].fence);
	resv->entries[i] = resv->entries[--resv->n];
}

static void destroy(struct hf_resv *resv)
{
	while (resv->n)
		remove_entry(resv, resv->n - 1);
	free(resv->entries);
	free(resv);
}

static void drop_signaled(struct hf_resv *resv)
{
	for (size_t i = resv->n; i--;)
		if (resv->entries[i].fence->signaled)
			remove_entry(resv, i);
}

/* Room for @n more. */
static int reserve(struct hf_resv *resv, size_t n)
{
	size_t size = resv->size ? resv->size : 2;
	struct entry *entries;

	if (resv->n + n <= resv->size)
		return 0;
	while (size < resv->n + n)
		size *= 2;
	entries = realloc(resv->entries, size * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	resv->entries = entries;
	resv->size = size;
	return 0;
}

/* Who waits for the new one need not wait for the old one. */
static bool replaces(const struct hf_fence *fence, bool write,
		     const struct entry *old)
{
	return old->fence->context == fence->context &&
	       old->fence->seqno <= fence->seqno && (write || !old->write);
}

/* Is there a later one of its timeline that does as much? */
static bool implied(const struct hf_resv *resv, const struct hf_fence *fence,
		    bool write)
{
	for (size_t i = 0; i < resv->n; i++) {
		const struct entry *old = &resv->entries[i];

		if (old->fence->context == fence->context &&
		    old->fence->seqno >= fence->seqno && (old->write || !write))
			return true;
	}
	return false;
}

static void add(struct hf_resv *resv, struct hf_fence *fence, bool write)
{
	if (fence->signaled || implied(resv, fence, write))
		return;
	for (size_t i = resv->n; i--;)
		if (replaces(fence, write, &resv->entries[i]))
			remove_entry(resv, i);
	resv->entries[resv->n++] = (struct entry){ hf_fence_get(fence), write };
}

static int make_room(struct hf_backing *backing, size_t n)
{
	if (!backing->resv) {
		backing->resv = calloc(1, sizeof(*backing->resv));
		if (!backing->resv)
			return -ENOMEM;
		backing->resv_destroy = destroy;
	}
	drop_signaled(backing->resv);
	return reserve(backing->resv, n);
}

int hf_resv_reserve(struct hf_backing *backing)
{
	return make_room(backing, 1);
}

int hf_resv_add(struct hf_backing *backing, struct hf_fence *fence, bool write)
{
	struct hf_fence *const *parts;
	size_t n = hf_fence_parts(fence, &parts);

	if (fence->signaled)
		return 0;
	if (make_room(backing, n))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		add(backing->resv, parts[i], write);
	return 0;
}

int hf_resv_fence(const struct hf_backing *backing, bool write,
		  struct hf_fence **fence)
{
	struct hf_resv *resv = backing->resv;
	struct hf_fence **fences;
	size_t n = 0;

	*fence = NULL;
	if (!resv)
		return 0;
	drop_signaled(resv);
	if (!resv->n)
		return 0;
	fences = malloc(resv->n * sizeof(*fences));
	if (!fences)
		return -ENOMEM;
	for (size_t i = 0; i < resv->n; i++)
		if (write || resv->entries[i].write)
			fences[n++] = resv->entries[i].fence;
	if (n)
		*fence = hf_fence_merge(fences, n);
	free(fences);
	return n && !*fence ? -ENOMEM : 0;
}
