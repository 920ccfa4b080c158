/* SPDX-License-Identifier: MIT */
/* Watches: fences to be polled for. See the header. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sync/watch.h"

/* One direction. */
struct side {
	struct hf_fence *fence; /* with a reference, or NULL */
	struct hf_fence_cb cb;
};

struct watch {
	struct hf_endpoint endpoint;
	struct hf_endpoints *endpoints;
	struct side in, out;
};

static void in_signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct watch *watch = wl_container_of(cb, watch, in.cb);

	(void)fence;
	hf_endpoint_make_readable(&watch->endpoint);
}

static void out_signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct watch *watch = wl_container_of(cb, watch, out.cb);

	(void)fence;
	hf_endpoint_make_writable(&watch->endpoint);
}

static void start(struct side *side, struct hf_fence *fence,
		  void (*signaled)(struct hf_fence *fence,
				   struct hf_fence_cb *cb))
{
	if (!fence)
		return;
	side->fence = hf_fence_get(fence);
	if (hf_fence_add_callback(fence, &side->cb, signaled))
		signaled(fence, &side->cb);
}

static void stop(struct side *side)
{
	if (!side->fence)
		return;
	hf_fence_remove_callback(&side->cb);
	hf_fence_put(side->fence);
}

static void hung_up(struct hf_endpoint *endpoint)
{
	struct watch *watch = wl_container_of(endpoint, watch, endpoint);

	hf_endpoint_close(watch->endpoints, endpoint);
	stop(&watch->in);
	stop(&watch->out);
	free(watch);
}

int hf_watch_create(struct hf_endpoints *endpoints, const char *instance,
		    struct hf_fence *in, struct hf_fence *out)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	char name[96];
	int client, ret;

	if (!watch)
		return -ENOMEM;
	snprintf(name, sizeof(name), "holdfast-%s/watch/%llu", instance,
		 (unsigned long long)endpoints->last_id + 1);
	ret = hf_endpoint_open(endpoints, &watch->endpoint, name, hung_up,
			       &client);
	if (ret) {
		free(watch);
		return ret;
	}
	watch->endpoints = endpoints;
	start(&watch->in, in, in_signaled);
	start(&watch->out, out, out_signaled);
	return client;
}
