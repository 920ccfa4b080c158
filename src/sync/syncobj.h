/* SPDX-License-Identifier: MIT */
/*
 * Syncobjs: containers for a fence (binary) or for the points of a timeline.
 * The kernel's drm_syncobj, with dma_fence_chain's rules for points.
 *
 * The lock of the devices protects them.
 */
#ifndef HF_SYNC_SYNCOBJ_H
#define HF_SYNC_SYNCOBJ_H

#include "sync/fence.h"

struct hf_syncobj;

/** hf_syncobj_create() - Without a fence. Return: NULL and ENOMEM. */
struct hf_syncobj *hf_syncobj_create(void);
struct hf_syncobj *hf_syncobj_get(struct hf_syncobj *syncobj);
/** hf_syncobj_put() - Takes NULL. */
void hf_syncobj_put(struct hf_syncobj *syncobj);

/** hf_syncobj_replace() - Let it hold this fence (or NULL: none). */
void hf_syncobj_replace(struct hf_syncobj *syncobj, struct hf_fence *fence);
/** hf_syncobj_add_point() - A point of its timeline. 0 or -ENOMEM. */
int hf_syncobj_add_point(struct hf_syncobj *syncobj, struct hf_fence *fence,
			 uint64_t point);
/**
 * hf_syncobj_find_fence() - What a job waits for, or a wait.
 * @point: 0: the whole of it
 * @fence: set to it with a reference; a signaled one for a point that is passed
 *
 * Return: 0; -EINVAL where there is no fence (yet) for it; -ENOMEM.
 */
int hf_syncobj_find_fence(struct hf_syncobj *syncobj, uint64_t point,
			  struct hf_fence **fence);

/**
 * struct hf_syncobj_cb - Be told when a fence appears for a point.
 * @fn: called once; off the list by then
 */
struct hf_syncobj_cb {
	uint64_t point;
	void (*fn)(struct hf_syncobj *syncobj, struct hf_syncobj_cb *cb);
	struct wl_list link;
};

void hf_syncobj_add_cb(struct hf_syncobj *syncobj, struct hf_syncobj_cb *cb,
		       uint64_t point,
		       void (*fn)(struct hf_syncobj *syncobj,
				  struct hf_syncobj_cb *cb));
void hf_syncobj_remove_cb(struct hf_syncobj_cb *cb);

/** hf_syncobj_query() - The last point that is signaled, or submitted. */
uint64_t hf_syncobj_query(struct hf_syncobj *syncobj, bool last_submitted);

#endif
