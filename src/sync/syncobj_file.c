/* SPDX-License-Identifier: MIT */
/*
 * What clients hold of syncobjs: handles, descriptors, and eventfds that they
 * want to be told through.
 *
 * The lock of the devices protects it all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/eventfd.h"
#include "sync/syncobj.h"

/* Each holds a descriptor of the server's. */
#define EVENTFDS_MAX 1024

/* -- handles --------------------------------------------------------------- */

void hf_syncobj_file_init(struct hf_syncobj_file *file)
{
	file->handles = (struct hf_idr){ 0 };
	wl_list_init(&file->eventfds);
	file->num_eventfds = 0;
}

int hf_syncobj_handle_create(struct hf_syncobj_file *file,
			     struct hf_syncobj *syncobj)
{
	int id = hf_idr_alloc(&file->handles, syncobj);

	if (id > 0)
		hf_syncobj_get(syncobj);
	return id;
}

int hf_syncobj_handle_delete(struct hf_syncobj_file *file, uint32_t handle)
{
	struct hf_syncobj *syncobj = hf_idr_remove(&file->handles, handle);

	if (!syncobj)
		return -EINVAL;
	hf_syncobj_put(syncobj);
	return 0;
}

struct hf_syncobj *hf_syncobj_lookup(const struct hf_syncobj_file *file,
				     uint32_t handle)
{
	return hf_idr_find(&file->handles, handle);
}

/* -- descriptors ----------------------------------------------------------- */

struct descriptor {
	struct hf_endpoint endpoint;
	struct hf_endpoints *endpoints;
	struct hf_syncobj *syncobj; /* with a reference */
};

static void hung_up(struct hf_endpoint *endpoint)
{
	struct descriptor *descriptor =
		wl_container_of(endpoint, descriptor, endpoint);

	hf_endpoint_close(descriptor->endpoints, endpoint);
	hf_syncobj_put(descriptor->syncobj);
	free(descriptor);
}

int hf_syncobj_export(struct hf_endpoints *endpoints, const char *instance,
		      struct hf_syncobj *syncobj)
{
	struct descriptor *descriptor = calloc(1, sizeof(*descriptor));
	char name[96];
	int client, ret;

	if (!descriptor)
		return -ENOMEM;
	snprintf(name, sizeof(name), "holdfast-%s/syncobj/%llu", instance,
		 (unsigned long long)endpoints->last_id + 1);
	ret = hf_endpoint_open(endpoints, &descriptor->endpoint, name, hung_up,
			       &client);
	if (ret) {
		free(descriptor);
		return ret;
	}
	descriptor->endpoints = endpoints;
	descriptor->syncobj = hf_syncobj_get(syncobj);
	return client;
}

struct hf_syncobj *hf_syncobj_import(struct hf_endpoints *endpoints, int fd)
{
	struct hf_endpoint *endpoint = hf_endpoint_of(endpoints, fd);
	struct descriptor *descriptor;

	if (!endpoint || endpoint->hung_up != hung_up)
		return NULL;
	descriptor = wl_container_of(endpoint, descriptor, endpoint);
	return descriptor->syncobj;
}

/* -- eventfds -------------------------------------------------------------- */

/*
 * On the syncobj's list until there is a fence, then on the fence's. It goes with
 * either of them; the file that registered it only counts it.
 */
struct eventfd {
	struct hf_syncobj_cb appear;
	struct hf_fence_cb done;
	struct hf_fence *fence; /* with a reference, or NULL */
	int fd;
	bool available;
	struct hf_syncobj_file *file; /* NULL: closed */
	struct wl_list link;	      /* hf_syncobj_file.eventfds */
};

static void leave_file(struct eventfd *eventfd)
{
	wl_list_remove(&eventfd->link);
	wl_list_init(&eventfd->link);
	if (eventfd->file)
		eventfd->file->num_eventfds--;
	eventfd->file = NULL;
}

static void eventfd_destroy(struct eventfd *eventfd)
{
	leave_file(eventfd);
	hf_fence_put(eventfd->fence);
	close(eventfd->fd);
	free(eventfd);
}

static void fire(struct eventfd *eventfd)
{
	hf_eventfd_signal(eventfd->fd);
	eventfd_destroy(eventfd);
}

static void eventfd_signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct eventfd *eventfd = wl_container_of(cb, eventfd, done);

	(void)fence;
	fire(eventfd);
}

/* There is a fence. Return: 0 and it fires in time, or -ENOMEM. */
static int wait_for_fence(struct eventfd *eventfd, struct hf_syncobj *syncobj)
{
	int ret = 0;

	if (!eventfd->available)
		ret = hf_syncobj_find_fence(syncobj, eventfd->appear.point,
					    &eventfd->fence);
	if (ret)
		return ret;
	if (eventfd->available ||
	    hf_fence_add_callback(eventfd->fence, &eventfd->done,
				  eventfd_signaled))
		fire(eventfd);
	return 0;
}

static void eventfd_appeared(struct hf_syncobj *syncobj,
			     struct hf_syncobj_cb *cb)
{
	struct eventfd *eventfd = wl_container_of(cb, eventfd, appear);

	/* Out of memory: who is woken too early looks again, at least. */
	if (wait_for_fence(eventfd, syncobj))
		fire(eventfd);
}

static void eventfd_gone(struct hf_syncobj_cb *cb)
{
	struct eventfd *eventfd = wl_container_of(cb, eventfd, appear);

	eventfd_destroy(eventfd);
}

static struct eventfd *eventfd_create(struct hf_syncobj_file *file, int fd)
{
	struct eventfd *eventfd = calloc(1, sizeof(*eventfd));

	if (!eventfd)
		return NULL;
	eventfd->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (eventfd->fd < 0) {
		free(eventfd);
		return NULL;
	}
	eventfd->appear.fn = eventfd_appeared;
	eventfd->appear.gone = eventfd_gone;
	eventfd->file = file;
	file->num_eventfds++;
	wl_list_insert(&file->eventfds, &eventfd->link);
	return eventfd;
}

int hf_syncobj_eventfd(struct hf_syncobj_file *file, struct hf_syncobj *syncobj,
		       uint64_t point, bool available, int fd)
{
	struct eventfd *eventfd;
	int ret;

	if (!hf_eventfd_is(fd))
		return -EINVAL;
	ret = hf_eventfd_prepare();
	if (ret)
		return ret;
	if (file->num_eventfds == EVENTFDS_MAX)
		return -EMFILE;
	eventfd = eventfd_create(file, fd);
	if (!eventfd)
		return -errno;
	eventfd->appear.point = point;
	eventfd->available = available;
	if (hf_syncobj_look(syncobj, point) == HF_SYNCOBJ_EMPTY) {
		hf_syncobj_add_cb(syncobj, &eventfd->appear);
		return 0;
	}
	ret = wait_for_fence(eventfd, syncobj);
	if (ret)
		eventfd_destroy(eventfd);
	return ret;
}

void hf_syncobj_file_finish(struct hf_syncobj_file *file)
{
	struct eventfd *eventfd, *next;

	for (uint32_t id = 1; hf_idr_next(&file->handles, &id); id++)
		hf_syncobj_handle_delete(file, id);
	hf_idr_finish(&file->handles);
	wl_list_for_each_safe(eventfd, next, &file->eventfds, link)
		leave_file(eventfd);
}
