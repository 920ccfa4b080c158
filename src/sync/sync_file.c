/* SPDX-License-Identifier: MIT */
/* sync_file: fences as descriptors. See the header. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "sync/sync_file.h"

struct sync_file {
	struct hf_endpoint endpoint;
	struct hf_endpoints *endpoints;
	struct hf_fence *fence;
	struct hf_fence_cb cb;
};

/* A packet that nobody reads makes it readable for good. */
static void make_readable(struct sync_file *file)
{
	send(file->endpoint.fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct sync_file *file = wl_container_of(cb, file, cb);

	(void)fence;
	make_readable(file);
}

static void hung_up(struct hf_endpoint *endpoint)
{
	struct sync_file *file = wl_container_of(endpoint, file, endpoint);

	hf_endpoint_close(file->endpoints, endpoint);
	hf_fence_remove_callback(&file->cb);
	hf_fence_put(file->fence);
	free(file);
}

int hf_sync_file_create(struct hf_endpoints *endpoints, const char *instance,
			struct hf_fence *fence)
{
	struct sync_file *file = calloc(1, sizeof(*file));
	char name[96];
	int client, ret;

	if (!file)
		return -ENOMEM;
	snprintf(name, sizeof(name), "holdfast-%s/sync_file/%llu", instance,
		 (unsigned long long)endpoints->last_id + 1);
	ret = hf_endpoint_open(endpoints, &file->endpoint, name, hung_up,
			       &client);
	if (ret) {
		free(file);
		return ret;
	}
	file->endpoints = endpoints;
	file->fence = hf_fence_get(fence);
	if (hf_fence_add_callback(fence, &file->cb, signaled))
		make_readable(file);
	return client;
}

struct hf_fence *hf_sync_file_fence(struct hf_endpoints *endpoints, int fd)
{
	struct hf_endpoint *endpoint = hf_endpoint_of(endpoints, fd);
	struct sync_file *file;

	if (!endpoint || endpoint->hung_up != hung_up)
		return NULL;
	file = wl_container_of(endpoint, file, endpoint);
	return file->fence;
}
