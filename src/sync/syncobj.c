/* SPDX-License-Identifier: MIT */
/*
 * Syncobjs. See the header.
 *
 * A syncobj has a fence that came without a point (`base`), and on top of it
 * the points that were added, the newest first. A point is reached when its own
 * fence and all that is older have signaled. Points whose fence is signaled are
 * dropped as soon as there is a newer one; what they stood for is in the `prev`
 * of that.
 *
 * A point that is not beyond the last one starts a new order, in which the value
 * of the last one is its own; so no point is ever taken back.
 */
#include <errno.h>
#include <stdlib.h>

#include "sync/syncobj.h"

struct hf_syncobj_point {
	struct hf_fence *fence; /* with a reference */
	uint64_t value;
	uint64_t prev;	/* the point before it in its order; 0: none */
	uint64_t order;
	struct wl_list link; /* hf_syncobj.points */
};

struct hf_syncobj {
	uint32_t refcount;
	uint64_t order; /* the last one */
	struct hf_fence *base;
	struct wl_list points;
	struct wl_list callbacks; /* hf_syncobj_cb.link */
};

struct hf_syncobj *hf_syncobj_create(void)
{
	struct hf_syncobj *syncobj = calloc(1, sizeof(*syncobj));

	if (!syncobj)
		return NULL;
	syncobj->refcount = 1;
	wl_list_init(&syncobj->points);
	wl_list_init(&syncobj->callbacks);
	return syncobj;
}

struct hf_syncobj *hf_syncobj_get(struct hf_syncobj *syncobj)
{
	syncobj->refcount++;
	return syncobj;
}

struct hf_syncobj_point *hf_syncobj_point_create(void)
{
	struct hf_syncobj_point *point = calloc(1, sizeof(*point));

	if (point)
		wl_list_init(&point->link);
	return point;
}

void hf_syncobj_point_destroy(struct hf_syncobj_point *point)
{
	if (!point)
		return;
	wl_list_remove(&point->link);
	hf_fence_put(point->fence);
	free(point);
}

static struct hf_syncobj_point *point_of(const struct wl_list *link)
{
	struct hf_syncobj_point *point;

	return wl_container_of(link, point, link);
}

static void set_base(struct hf_syncobj *syncobj, struct hf_fence *fence)
{
	if (fence)
		hf_fence_get(fence);
	hf_fence_put(syncobj->base);
	syncobj->base = fence;
}

static void drop_points(struct hf_syncobj *syncobj)
{
	while (!wl_list_empty(&syncobj->points))
		hf_syncobj_point_destroy(point_of(syncobj->points.next));
}

void hf_syncobj_put(struct hf_syncobj *syncobj)
{
	if (!syncobj || --syncobj->refcount)
		return;
	drop_points(syncobj);
	set_base(syncobj, NULL);
	while (!wl_list_empty(&syncobj->callbacks)) {
		struct hf_syncobj_cb *cb =
			wl_container_of(syncobj->callbacks.next, cb, link);

		hf_syncobj_remove_cb(cb);
		cb->gone(cb);
	}
	free(syncobj);
}

/* -- looking --------------------------------------------------------------- */

/*
 * What a point waits for: all points from *@from on towards older ones, and the
 * base. The list itself stands for none of the points.
 *
 * Return: false where there is nothing for it yet.
 */
static bool find(const struct hf_syncobj *syncobj, uint64_t value,
		 const struct wl_list **from)
{
	const struct wl_list *newest = syncobj->points.next;
	const struct hf_syncobj_point *last = point_of(newest);

	*from = newest;
	if (wl_list_empty(&syncobj->points))
		return syncobj->base && !value;
	if (!value)
		return true;
	if (last->value < value)
		return false;
	for (; *from != &syncobj->points; *from = (*from)->next) {
		const struct hf_syncobj_point *point = point_of(*from);

		if (point != last && point->fence->signaled)
			continue;
		if (point->order != last->order || point->prev < value)
			break;
	}
	return true;
}

static bool pending(const struct hf_syncobj *syncobj, const struct wl_list *from)
{
	for (; from != &syncobj->points; from = from->next)
		if (!point_of(from)->fence->signaled)
			return true;
	return syncobj->base && !syncobj->base->signaled;
}

enum hf_syncobj_state hf_syncobj_look(const struct hf_syncobj *syncobj,
				      uint64_t point)
{
	const struct wl_list *from;

	if (!find(syncobj, point, &from))
		return HF_SYNCOBJ_EMPTY;
	return pending(syncobj, from) ? HF_SYNCOBJ_PENDING :
					HF_SYNCOBJ_SIGNALED;
}

uint64_t hf_syncobj_query(const struct hf_syncobj *syncobj, bool last_submitted)
{
	const struct wl_list *newest = syncobj->points.next, *link;
	const struct hf_syncobj_point *last = point_of(newest), *first = last;

	if (wl_list_empty(&syncobj->points))
		return 0;
	if (last_submitted || !pending(syncobj, newest))
		return last->value;
	/* The oldest of its order that is not signaled. */
	for (link = newest; link != &syncobj->points; link = link->next) {
		const struct hf_syncobj_point *point = point_of(link);

		if (point->fence->signaled)
			continue;
		if (point->order != last->order)
			break;
		first = point;
	}
	return first->prev;
}

/* Nobody needs to wait for what is signaled; the last point stays. */
static void trim(struct hf_syncobj *syncobj)
{
	const struct wl_list *newest = syncobj->points.next;

	if (wl_list_empty(&syncobj->points))
		return;
	if (syncobj->base && syncobj->base->signaled)
		set_base(syncobj, NULL);
	while (syncobj->points.prev != newest &&
	       point_of(syncobj->points.prev)->fence->signaled)
		hf_syncobj_point_destroy(point_of(syncobj->points.prev));
}

/* All fences from a point on, in an array or, for NULL, just counted. */
static size_t collect(const struct hf_syncobj *syncobj,
		      const struct wl_list *from, struct hf_fence **fences)
{
	size_t n = 0;

	for (; from != &syncobj->points; from = from->next, n++)
		if (fences)
			fences[n] = point_of(from)->fence;
	if (syncobj->base && fences)
		fences[n] = syncobj->base;
	return n + !!syncobj->base;
}

int hf_syncobj_find_fence(struct hf_syncobj *syncobj, uint64_t point,
			  struct hf_fence **fence)
{
	struct hf_fence *one, **fences = &one;
	const struct wl_list *from;
	size_t n;

	*fence = NULL;
	trim(syncobj);
	if (!find(syncobj, point, &from))
		return -EINVAL;
	n = collect(syncobj, from, NULL);
	if (n > 1)
		fences = malloc(n * sizeof(*fences));
	if (!fences)
		return -ENOMEM;
	collect(syncobj, from, fences);
	*fence = hf_fence_merge(fences, n);
	if (n > 1)
		free(fences);
	return *fence ? 0 : -ENOMEM;
}

/* -- changing -------------------------------------------------------------- */

/* Callbacks of any syncobj that the outermost tell() is going to call. */
static _Thread_local struct wl_list *telling;

/* The last reference may go. */
static void call_back(struct hf_syncobj_cb *cb)
{
	struct hf_syncobj *syncobj = hf_syncobj_get(cb->ready);

	hf_syncobj_remove_cb(cb);
	cb->fn(syncobj, cb);
	hf_syncobj_put(syncobj);
}

/*
 * A fence is there for somebody, perhaps. What is called may put a fence into the
 * next syncobj, and so on: so nothing is called in a call.
 */
static void tell(struct hf_syncobj *syncobj)
{
	struct wl_list own, *ready = telling ? telling : &own;
	struct hf_syncobj_cb *cb, *next;
	const struct wl_list *from;

	wl_list_init(&own);
	wl_list_for_each_safe(cb, next, &syncobj->callbacks, link) {
		if (!find(syncobj, cb->point, &from))
			continue;
		wl_list_remove(&cb->link);
		wl_list_insert(ready->prev, &cb->link);
		cb->ready = hf_syncobj_get(syncobj);
	}
	if (telling)
		return;
	telling = &own;
	while (!wl_list_empty(&own))
		call_back(wl_container_of(own.next, cb, link));
	telling = NULL;
}

void hf_syncobj_replace(struct hf_syncobj *syncobj, struct hf_fence *fence)
{
	drop_points(syncobj);
	set_base(syncobj, fence);
	tell(syncobj);
}

void hf_syncobj_use_point(struct hf_syncobj *syncobj,
			  struct hf_syncobj_point *point,
			  struct hf_fence *fence, uint64_t value)
{
	struct hf_syncobj_point *last =
		wl_list_empty(&syncobj->points) ?
			NULL :
			point_of(syncobj->points.next);

	point->fence = hf_fence_get(fence);
	point->value = value;
	if (last && value > last->value) {
		point->order = last->order;
		point->prev = last->value;
	} else {
		point->order = ++syncobj->order;
		if (last)
			point->value = last->value;
	}
	if (last && last->fence->signaled)
		hf_syncobj_point_destroy(last);
	wl_list_insert(&syncobj->points, &point->link);
	trim(syncobj);
	tell(syncobj);
}

int hf_syncobj_add_point(struct hf_syncobj *syncobj, struct hf_fence *fence,
			 uint64_t point)
{
	struct hf_syncobj_point *new = hf_syncobj_point_create();

	if (!new)
		return -ENOMEM;
	hf_syncobj_use_point(syncobj, new, fence, point);
	return 0;
}

void hf_syncobj_add_cb(struct hf_syncobj *syncobj, struct hf_syncobj_cb *cb)
{
	cb->ready = NULL;
	wl_list_insert(syncobj->callbacks.prev, &cb->link);
}

void hf_syncobj_remove_cb(struct hf_syncobj_cb *cb)
{
	struct hf_syncobj *ready = cb->ready;

	wl_list_remove(&cb->link);
	wl_list_init(&cb->link);
	cb->ready = NULL;
	hf_syncobj_put(ready);
}
