/* SPDX-License-Identifier: MIT */
/*
 * Fences, and arrays of them. See the header.
 *
 * An array is a fence that has a callback on each of its parts. Its parts are
 * never arrays themselves, so that one signal runs through two levels of
 * callbacks at most, however often a client merges.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/probe.h"
#include "sync/fence.h"

struct array_cb {
	struct hf_fence_cb cb;
	struct hf_fence *array;
};

/**
 * struct hf_fence_array - What makes a fence an array.
 * @pending: parts that are not signaled yet
 * @error: of the first part that had one
 * @cbs: one a part
 * @parts: each with a reference
 */
struct hf_fence_array {
	size_t n, pending;
	int error;
	struct array_cb *cbs;
	struct hf_fence *parts[];
};

static uint64_t next_context(void)
{
	static _Atomic uint64_t last;

	return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

void hf_timeline_init(struct hf_timeline *timeline, const char *name)
{
	memset(timeline, 0, sizeof(*timeline));
	timeline->id = next_context();
	snprintf(timeline->name, sizeof(timeline->name), "%s", name);
}

static struct hf_fence *create(struct hf_timeline *timeline)
{
	struct hf_fence *fence;

	fence = calloc(1, sizeof(*fence));
	if (!fence)
		return NULL;
	fence->refcount = 1;
	fence->self = fence;
	fence->context = timeline->id;
	fence->seqno = ++timeline->seqno;
	memcpy(fence->timeline, timeline->name, sizeof(fence->timeline));
	wl_list_init(&fence->callbacks);
	return fence;
}

/* One that is alone on its timeline. */
static struct hf_fence *create_alone(const char *name)
{
	struct hf_timeline timeline;

	hf_timeline_init(&timeline, name);
	return create(&timeline);
}

struct hf_fence *hf_fence_create(struct hf_timeline *timeline)
{
	struct hf_fence *fence = timeline ? create(timeline) :
					    create_alone("unbound");

	if (fence)
		hf_probe(fence_created, fence);
	return fence;
}

struct hf_fence *hf_fence_create_signaled(uint64_t ns)
{
	struct hf_fence *fence = create_alone("stub");

	if (!fence)
		return NULL;
	fence->signaled = true;
	fence->ns = ns;
	return fence;
}

struct hf_fence *hf_fence_get(struct hf_fence *fence)
{
	fence->refcount++;
	return fence;
}

static void free_array(struct hf_fence_array *array)
{
	if (!array)
		return;
	for (size_t i = 0; i < array->n; i++) {
		hf_fence_remove_callback(&array->cbs[i].cb);
		hf_fence_put(array->parts[i]);
	}
	free(array->cbs);
	free(array);
}

void hf_fence_put(struct hf_fence *fence)
{
	if (!fence || --fence->refcount)
		return;
	free_array(fence->array);
	free(fence);
}

static void run_callbacks(struct hf_fence *fence)
{
	while (!wl_list_empty(&fence->callbacks)) {
		struct hf_fence_cb *cb =
			wl_container_of(fence->callbacks.next, cb, link);

		hf_fence_remove_callback(cb);
		cb->fn(fence, cb);
	}
}

/*
 * A callback may signal another fence, whose callbacks signal another one, and so
 * on for as long a chain as clients care to build. So the outermost call runs the
 * callbacks of all.
 */
static _Thread_local struct wl_list *signaling;

void hf_fence_signal(struct hf_fence *fence, int error, uint64_t ns)
{
	struct wl_list list;

	if (fence->signaled)
		return;
	fence->signaled = true;
	fence->error = error;
	fence->ns = ns;
	hf_probe(fence_signaled, fence);
	/* A callback may drop the reference that its waiter held. */
	hf_fence_get(fence);
	if (signaling) {
		wl_list_insert(signaling->prev, &fence->link);
		return;
	}
	wl_list_init(&list);
	wl_list_insert(&list, &fence->link);
	signaling = &list;
	while (!wl_list_empty(&list)) {
		fence = wl_container_of(list.next, fence, link);
		wl_list_remove(&fence->link);
		run_callbacks(fence);
		hf_fence_put(fence);
	}
	signaling = NULL;
}

int hf_fence_add_callback(struct hf_fence *fence, struct hf_fence_cb *cb,
			  void (*fn)(struct hf_fence *fence,
				     struct hf_fence_cb *cb))
{
	wl_list_init(&cb->link);
	if (fence->signaled)
		return -ENOENT;
	cb->fn = fn;
	wl_list_insert(fence->callbacks.prev, &cb->link);
	return 0;
}

void hf_fence_remove_callback(struct hf_fence_cb *cb)
{
	wl_list_remove(&cb->link);
	wl_list_init(&cb->link);
}

/* -- merging --------------------------------------------------------------- */

size_t hf_fence_parts(const struct hf_fence *fence,
		      struct hf_fence *const **parts)
{
	*parts = fence->array ? fence->array->parts : &fence->self;
	return fence->array ? fence->array->n : 1;
}

static void part_signaled(struct hf_fence *part, struct hf_fence_cb *cb)
{
	struct array_cb *own = wl_container_of(cb, own, cb);
	struct hf_fence_array *array = own->array->array;

	if (!array->error)
		array->error = part->error;
	if (!--array->pending)
		hf_fence_signal(own->array, array->error, part->ns);
}

/* None of the parts is signaled yet. */
static struct hf_fence *create_array(struct hf_fence **parts, size_t n,
				     int error)
{
	struct hf_fence_array *array =
		calloc(1, sizeof(*array) + n * sizeof(*parts));
	struct array_cb *cbs = calloc(n, sizeof(*cbs));
	struct hf_fence *fence = hf_fence_create(NULL);

	if (!array || !cbs || !fence) {
		free(array);
		free(cbs);
		hf_fence_put(fence);
		errno = ENOMEM;
		return NULL;
	}
	array->n = array->pending = n;
	array->error = error;
	array->cbs = cbs;
	fence->array = array;
	for (size_t i = 0; i < n; i++) {
		cbs[i].array = fence;
		array->parts[i] = hf_fence_get(parts[i]);
		hf_fence_add_callback(parts[i], &cbs[i].cb, part_signaled);
	}
	return fence;
}

/* By timeline, the last one of each first. */
static int compare(const void *a, const void *b)
{
	const struct hf_fence *x = *(struct hf_fence *const *)a;
	const struct hf_fence *y = *(struct hf_fence *const *)b;

	if (x->context != y->context)
		return x->context < y->context ? -1 : 1;
	return (x->seqno < y->seqno) - (x->seqno > y->seqno);
}

/* Keep the last one of each timeline. Return: how many are left. */
static size_t keep_last(struct hf_fence **parts, size_t n)
{
	size_t kept = 0;

	qsort(parts, n, sizeof(*parts), compare);
	for (size_t i = 0; i < n; i++)
		if (!kept || parts[kept - 1]->context != parts[i]->context)
			parts[kept++] = parts[i];
	return kept;
}

/* What to return where all are signaled: the first failure, or the last one. */
static struct hf_fence *pick_signaled(struct hf_fence *const *fences, size_t n)
{
	struct hf_fence *last = NULL;

	for (size_t i = 0; i < n; i++) {
		if (fences[i]->error)
			return hf_fence_get(fences[i]);
		if (!last || fences[i]->ns > last->ns)
			last = fences[i];
	}
	return last ? hf_fence_get(last) : hf_fence_create_signaled(0);
}

/**
 * struct merge - A merge under way.
 * @n: parts that are not signaled
 * @error: of the first part that failed already
 * @parts: room for all
 */
struct merge {
	size_t n;
	int error;
	struct hf_fence **parts;
};

static void add_parts(struct merge *merge, const struct hf_fence *fence)
{
	struct hf_fence *const *parts;
	size_t n = hf_fence_parts(fence, &parts);

	/* What was signaled before an array was made is known to it alone. */
	if (!merge->error)
		merge->error = fence->array ? fence->array->error : fence->error;
	for (size_t i = 0; i < n; i++)
		if (!parts[i]->signaled)
			merge->parts[merge->n++] = parts[i];
}

struct hf_fence *hf_fence_merge(struct hf_fence *const *fences, size_t n)
{
	struct merge merge = { 0 };
	struct hf_fence *const *parts, *fence;
	size_t total = 0;

	if (n == 1)
		return hf_fence_get(fences[0]);
	for (size_t i = 0; i < n; i++)
		if (!fences[i]->signaled)
			total += hf_fence_parts(fences[i], &parts);
	if (!total)
		return pick_signaled(fences, n);
	merge.parts = malloc(total * sizeof(*merge.parts));
	if (!merge.parts)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!fences[i]->signaled)
			add_parts(&merge, fences[i]);
		else if (!merge.error)
			merge.error = fences[i]->error;
	}
	merge.n = keep_last(merge.parts, merge.n);
	if (merge.n == 1 && !merge.error)
		fence = hf_fence_get(merge.parts[0]);
	else
		fence = create_array(merge.parts, merge.n, merge.error);
	free(merge.parts);
	return fence;
}
