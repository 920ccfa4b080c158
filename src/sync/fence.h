/* SPDX-License-Identifier: MIT */
/*
 * Fences: something that will be done, once. The kernel's dma_fence.
 *
 * Counted; whoever waits holds a reference. The device's lock protects them,
 * and callbacks run with it held.
 */
#ifndef HF_SYNC_FENCE_H
#define HF_SYNC_FENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-util.h>

struct hf_fence {
	uint32_t refcount;
	bool signaled;
	int error;	   /* 0 or a negative errno; valid once signaled */
	uint64_t ns;	   /* when it was signaled, on the device's clock */
	struct wl_list callbacks;
};

/**
 * struct hf_fence_cb - A function to call when a fence is signaled.
 * @fn: called once; the callback is off the fence's list by then
 */
struct hf_fence_cb {
	void (*fn)(struct hf_fence *fence, struct hf_fence_cb *cb);
	struct wl_list link;
};

/** hf_fence_create() - Return: one reference, or NULL and ENOMEM. */
struct hf_fence *hf_fence_create(void);
struct hf_fence *hf_fence_get(struct hf_fence *fence);
/** hf_fence_put() - Takes NULL. Nobody may wait on the last reference. */
void hf_fence_put(struct hf_fence *fence);

/**
 * hf_fence_signal() - It is done; tells all who wait. Further calls do nothing.
 * @error: 0, or a negative errno where it was not done properly
 * @ns: when
 */
void hf_fence_signal(struct hf_fence *fence, int error, uint64_t ns);

/**
 * hf_fence_add_callback() - Be told.
 *
 * Return: 0, or -ENOENT where the fence is signaled already, and cb->fn() is
 * not called.
 */
int hf_fence_add_callback(struct hf_fence *fence, struct hf_fence_cb *cb,
			  void (*fn)(struct hf_fence *fence,
				     struct hf_fence_cb *cb));
/** hf_fence_remove_callback() - It will not be called any more. */
void hf_fence_remove_callback(struct hf_fence_cb *cb);

#endif
