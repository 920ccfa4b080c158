/* SPDX-License-Identifier: MIT */
/*
 * Questions that the command asks a running server: "info", "screenshot N".
 * The answer is a memfd, so its size does not matter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "mem/shmem.h"
#include "server/server.h"

static void add_uint(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

static struct json_object *describe_object(const struct hf_gem_object *object)
{
	struct json_object *obj = json_object_new_object();

	add_uint(obj, "pid", object->pid);
	add_uint(obj, "bytes", object->size);
	add_uint(obj, "handles", object->handle_count);
	add_uint(obj, "references", object->refcount);
	add_uint(obj, "name", object->name);
	json_object_object_add(obj, "imported",
			       json_object_new_boolean(object->imported));
	return obj;
}

static struct json_object *describe_file(struct hf_file *file)
{
	struct json_object *obj = json_object_new_object();

	add_uint(obj, "id", file->id);
	add_uint(obj, "pid", file->cred.pid);
	json_object_object_add(obj, "node",
			       json_object_new_string(
				       file->render ? "render" : "primary"));
	json_object_object_add(
		obj, "master",
		json_object_new_boolean(hf_file_is_current_master(file)));
	add_uint(obj, "handles", file->gem.handles.count);
	add_uint(obj, "framebuffers", wl_list_length(&file->kms.fbs));
	add_uint(obj, "blobs", wl_list_length(&file->kms.blobs));
	add_uint(obj, "pending_events", file->kms.reserved);
	return obj;
}

static struct json_object *describe_crtc(struct hf_crtc *crtc)
{
	struct json_object *obj = json_object_new_object();

	add_uint(obj, "id", crtc->base.id);
	json_object_object_add(obj, "active",
			       json_object_new_boolean(crtc->state->active));
	if (crtc->state->enable) {
		add_uint(obj, "width", crtc->state->mode.hdisplay);
		add_uint(obj, "height", crtc->state->mode.vdisplay);
	}
	add_uint(obj, "frames", crtc->frames);
	add_uint(obj, "vblanks", hf_vblank_count(crtc, NULL));
	return obj;
}

static struct json_object *describe(struct hf_server *server)
{
	struct json_object *root = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct hf_device *dev = server->dev;
	struct hf_gem_object *object;
	struct hf_file *file;
	uint64_t frames = 0, fbs = 0;

	json_object_object_add(root, "device",
			       json_object_new_string(dev->unique));
	add_uint(root, "pid", getpid());
	add_uint(root, "card", dev->primary_minor);
	add_uint(root, "render", dev->render_minor);
	hf_clients_describe(server, list);
	json_object_object_add(root, "clients", list);
	add_uint(root, "ioctls", atomic_load(&server->ioctls));
	list = json_object_new_array();
	wl_list_for_each(file, &dev->files, link) {
		json_object_array_add(list, describe_file(file));
		fbs += wl_list_length(&file->kms.fbs);
	}
	json_object_object_add(root, "files", list);
	list = json_object_new_array();
	for (unsigned int i = 0; i < dev->kms.num_crtcs; i++) {
		json_object_array_add(list, describe_crtc(dev->kms.crtcs[i]));
		frames += dev->kms.crtcs[i]->frames;
	}
	json_object_object_add(root, "crtcs", list);
	list = json_object_new_array();
	wl_list_for_each(object, &dev->gem.objects, link)
		json_object_array_add(list, describe_object(object));
	json_object_object_add(root, "objects", list);
	add_uint(root, "framebuffers", fbs);
	add_uint(root, "frames", frames);
	add_uint(root, "object_count", dev->gem.count);
	add_uint(root, "object_bytes", dev->gem.bytes);
	add_uint(root, "peak_objects", dev->gem.peak_count);
	add_uint(root, "peak_bytes", dev->gem.peak_bytes);
	return root;
}

static int answer_info(struct hf_server *server)
{
	struct json_object *root;
	const char *text;
	int fd;

	pthread_mutex_lock(&server->sys->lock);
	root = describe(server);
	pthread_mutex_unlock(&server->sys->lock);
	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY);
	fd = hf_shmem_data("holdfast info", text, strlen(text));
	json_object_put(root);
	return fd;
}

static void reply(const struct hf_wire_query *query, int fd, int answer)
{
	struct hf_wire_query packet = *query;

	packet.error = answer < 0 ? answer : 0;
	hf_send_fds(fd, &packet, sizeof(packet), &answer, answer >= 0);
	if (answer >= 0)
		close(answer);
	close(fd);
}

/* A screenshot takes its time: a thread of its own composes it. */
struct shot {
	struct hf_picture *picture;
	struct hf_wire_query query;
	int fd;
};

static _Atomic int shots;
#define MAX_SHOTS 4

static void *compose(void *arg)
{
	struct shot *shot = arg;
	int fd = memfd_create("holdfast screenshot", MFD_CLOEXEC), ret;

	ret = fd < 0 ? -errno : hf_picture_write(shot->picture, fd);
	if (ret && fd >= 0)
		close(fd);
	reply(&shot->query, shot->fd, ret ? ret : fd);
	hf_picture_destroy(shot->picture);
	free(shot);
	atomic_fetch_sub(&shots, 1);
	return NULL;
}

static int start_thread(struct shot *shot)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, compose, shot);
	pthread_attr_destroy(&attr);
	return -err;
}

static int answer_screenshot(struct hf_server *server, unsigned int crtc,
			     const struct hf_wire_query *query, int fd)
{
	struct shot *shot;
	int ret;

	if (atomic_load(&shots) >= MAX_SHOTS)
		return -EBUSY;
	shot = calloc(1, sizeof(*shot));
	if (!shot)
		return -ENOMEM;
	shot->query = *query;
	shot->fd = fd;
	ret = hf_picture_capture(server->dev, crtc, &shot->picture);
	atomic_fetch_add(&shots, 1);
	if (!ret)
		ret = start_thread(shot);
	if (ret) {
		atomic_fetch_sub(&shots, 1);
		hf_picture_destroy(shot->picture);
		free(shot);
	}
	return ret;
}

void hf_query_answer(struct hf_server *server,
		     const struct hf_wire_query *query, int fd)
{
	unsigned int crtc;
	char end;
	int ret = -EINVAL;

	if (!strcmp(query->text, "info")) {
		reply(query, fd, answer_info(server));
		return;
	}
	if (sscanf(query->text, "screenshot %u%c", &crtc, &end) == 1)
		ret = answer_screenshot(server, crtc, query, fd);
	if (ret)
		reply(query, fd, ret);
}
