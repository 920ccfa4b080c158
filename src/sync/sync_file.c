/* SPDX-License-Identifier: MIT */
/* sync_file: fences as descriptors. See the header. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/sync_file.h"

struct sync_file {
	struct hf_endpoint endpoint;
	struct hf_endpoints *endpoints;
	struct hf_fence *fence;
	struct hf_fence_cb cb;
	char name[HF_SYNC_FILE_NAME]; /* the client's, or empty */
};

static void signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct sync_file *file = wl_container_of(cb, file, cb);

	(void)fence;
	hf_endpoint_make_readable(&file->endpoint);
}

static void hung_up(struct hf_endpoint *endpoint)
{
	struct sync_file *file = wl_container_of(endpoint, file, endpoint);

	hf_endpoint_close(file->endpoints, endpoint);
	hf_fence_remove_callback(&file->cb);
	hf_fence_put(file->fence);
	free(file);
}

int hf_sync_file_create_named(struct hf_endpoints *endpoints,
			      const char *instance, struct hf_fence *fence,
			      const char *name)
{
	struct sync_file *file = calloc(1, sizeof(*file));
	char address[96];
	int client, ret;

	if (!file)
		return -ENOMEM;
	snprintf(address, sizeof(address), "holdfast-%s/sync_file/%llu", instance,
		 (unsigned long long)endpoints->last_id + 1);
	ret = hf_endpoint_open(endpoints, &file->endpoint, address, hung_up,
			       &client);
	if (ret) {
		free(file);
		return ret;
	}
	file->endpoints = endpoints;
	strncpy(file->name, name, sizeof(file->name) - 1);
	file->fence = hf_fence_get(fence);
	if (hf_fence_add_callback(fence, &file->cb, signaled))
		hf_endpoint_make_readable(&file->endpoint);
	return client;
}

int hf_sync_file_create(struct hf_endpoints *endpoints, const char *instance,
			struct hf_fence *fence)
{
	return hf_sync_file_create_named(endpoints, instance, fence, "");
}

static struct sync_file *find(struct hf_endpoints *endpoints, int fd)
{
	struct hf_endpoint *endpoint = hf_endpoint_of(endpoints, fd);
	struct sync_file *file;

	if (!endpoint || endpoint->hung_up != hung_up)
		return NULL;
	return wl_container_of(endpoint, file, endpoint);
}

struct hf_fence *hf_sync_file_fence(struct hf_endpoints *endpoints, int fd)
{
	struct sync_file *file = find(endpoints, fd);

	return file ? file->fence : NULL;
}

void hf_sync_file_name(struct hf_endpoints *endpoints, int fd,
		       char name[HF_SYNC_FILE_NAME])
{
	const struct sync_file *file = find(endpoints, fd);
	char made[96] = "";

	memset(name, 0, HF_SYNC_FILE_NAME);
	if (!file)
		return;
	snprintf(made, sizeof(made), "holdfast-%s%llu-%llu",
		 file->fence->timeline,
		 (unsigned long long)file->fence->context,
		 (unsigned long long)file->fence->seqno);
	memcpy(name, file->name[0] ? file->name : made, HF_SYNC_FILE_NAME - 1);
}
