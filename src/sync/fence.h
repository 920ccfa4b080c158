/* SPDX-License-Identifier: MIT */
/*
 * Fences: something that will be done, once. The kernel's dma_fence.
 *
 * Counted; whoever waits holds a reference. The lock of the devices protects
 * them, and callbacks run with it held.
 */
#ifndef HF_SYNC_FENCE_H
#define HF_SYNC_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-util.h>

/**
 * struct hf_timeline - Fences that signal in order. The kernel's fence context.
 * @id: unique over the server's life
 * @seqno: of the last fence
 * @name: for SYNC_IOC_FILE_INFO
 */
struct hf_timeline {
	uint64_t id, seqno;
	char name[32];
};

void hf_timeline_init(struct hf_timeline *timeline, const char *name);

struct hf_fence_array;

struct hf_fence {
	uint32_t refcount;
	bool signaled;
	int error;	   /* 0 or a negative errno; valid once signaled */
	uint64_t ns;	   /* when it was signaled, on the device's clock */
	uint64_t context, seqno; /* of its timeline; a later one implies it */
	char timeline[32]; /* the name of it */
	struct wl_list callbacks;
	struct wl_list link; /* while its callbacks are about to run */
	struct hf_fence_array *array; /* of many; or NULL */
	struct hf_fence *self;	      /* for hf_fence_parts() */
};

/**
 * struct hf_fence_cb - A function to call when a fence is signaled.
 * @fn: called once; the callback is off the fence's list by then
 */
struct hf_fence_cb {
	void (*fn)(struct hf_fence *fence, struct hf_fence_cb *cb);
	struct wl_list link;
};

/**
 * hf_fence_create() - The next fence of a timeline.
 * @timeline: NULL: one of its own
 *
 * Return: one reference, or NULL and ENOMEM.
 */
struct hf_fence *hf_fence_create(struct hf_timeline *timeline);
/**
 * hf_fence_create_signaled() - One that was signaled at @ns already.
 *
 * Return: one reference, or NULL and ENOMEM.
 */
struct hf_fence *hf_fence_create_signaled(uint64_t ns);
/**
 * hf_fence_merge() - A fence that signals when all of @n have.
 *
 * Of those of one timeline only the last counts; nested ones are flattened;
 * signaled ones are left out, except for the error of the first that has one.
 *
 * Return: one reference (to one of them where that is the same thing; a signaled
 * one where nothing is left), or NULL and ENOMEM.
 */
struct hf_fence *hf_fence_merge(struct hf_fence *const *fences, size_t n);
/**
 * hf_fence_parts() - What it is made of: itself, or what was merged.
 * @parts: set to them, which the fence holds
 *
 * Return: how many.
 */
size_t hf_fence_parts(const struct hf_fence *fence,
		      struct hf_fence *const **parts);

struct hf_fence *hf_fence_get(struct hf_fence *fence);
/** hf_fence_put() - Takes NULL. Nobody may wait on the last reference. */
void hf_fence_put(struct hf_fence *fence);

/**
 * hf_fence_signal() - It is done; tells all who wait. Further calls do nothing.
 *
 * In a callback it returns before they are told: that happens when the outermost
 * call does, however long a chain of fences is.
 *
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
