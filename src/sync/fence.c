/* SPDX-License-Identifier: MIT */
/* Fences. See the header. */
#include <errno.h>
#include <stdlib.h>

#include "sync/fence.h"

struct hf_fence *hf_fence_create(void)
{
	struct hf_fence *fence = calloc(1, sizeof(*fence));

	if (!fence)
		return NULL;
	fence->refcount = 1;
	wl_list_init(&fence->callbacks);
	return fence;
}

struct hf_fence *hf_fence_get(struct hf_fence *fence)
{
	fence->refcount++;
	return fence;
}

void hf_fence_put(struct hf_fence *fence)
{
	if (fence && !--fence->refcount)
		free(fence);
}

void hf_fence_signal(struct hf_fence *fence, int error, uint64_t ns)
{
	if (fence->signaled)
		return;
	fence->signaled = true;
	fence->error = error;
	fence->ns = ns;
	/* A callback may drop the reference that its waiter held. */
	hf_fence_get(fence);
	while (!wl_list_empty(&fence->callbacks)) {
		struct hf_fence_cb *cb =
			wl_container_of(fence->callbacks.next, cb, link);

		hf_fence_remove_callback(cb);
		cb->fn(fence, cb);
	}
	hf_fence_put(fence);
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
