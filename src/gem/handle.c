/* SPDX-License-Identifier: MIT */
/*
 * Handles: a file's small integers for objects. A file may have several for
 * one object (GEM_OPEN makes a new one each time); hf_gem_ref counts them and
 * remembers the one that PRIME returns.
 *
 * The device's lock protects it all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gem/gem.h"
#include "gem/internal.h"

void hf_gem_file_init(struct hf_gem_file *file, struct hf_gem_device *gem,
		      pid_t pid)
{
	memset(file, 0, sizeof(*file));
	file->gem = gem;
	file->pid = pid;
}

void hf_gem_file_finish(struct hf_gem_file *file)
{
	for (uint32_t id = 1; hf_idr_next(&file->handles, &id); id++)
		hf_gem_handle_delete(file, id);
	hf_idr_finish(&file->handles);
}

struct hf_gem_ref *hf_gem_ref_find(struct hf_gem_file *file,
				   struct hf_gem_object *object)
{
	struct hf_gem_ref *ref;

	wl_list_for_each(ref, &object->refs, link)
		if (ref->file == file)
			return ref;
	return NULL;
}

static void free_ref(struct hf_gem_ref *ref)
{
	wl_list_remove(&ref->link);
	free(ref);
}

int hf_gem_handle_create(struct hf_gem_file *file,
			 struct hf_gem_object *object, uint32_t *handle)
{
	struct hf_gem_ref *ref = hf_gem_ref_find(file, object);
	int id;

	if (!ref) {
		ref = calloc(1, sizeof(*ref));
		if (!ref)
			return -ENOMEM;
		ref->file = file;
		ref->object = object;
		wl_list_insert(&object->refs, &ref->link);
	}
	id = hf_idr_alloc(&file->handles, ref);
	if (id < 0) {
		if (!ref->handles)
			free_ref(ref);
		return id;
	}
	ref->handles++;
	object->handle_count++;
	hf_gem_object_get(object);
	*handle = id;
	return 0;
}

/* A flink name lives as long as there are handles, and so does the dma-buf
 * that further exports would give. */
static void last_handle_closed(struct hf_gem_object *object)
{
	if (object->name)
		hf_idr_remove(&object->gem->names, object->name);
	object->name = 0;
	object->exported = false;
}

int hf_gem_handle_delete(struct hf_gem_file *file, uint32_t handle)
{
	return hf_gem_handle_close(file, handle, NULL);
}

int hf_gem_handle_close(struct hf_gem_file *file, uint32_t handle, int *memory)
{
	struct hf_gem_ref *ref = hf_idr_remove(&file->handles, handle);
	struct hf_gem_object *object;

	if (memory)
		*memory = -1;
	if (!ref)
		return -EINVAL;
	object = ref->object;
	if (ref->prime == handle)
		ref->prime = 0;
	if (!--ref->handles)
		free_ref(ref);
	if (!--object->handle_count)
		last_handle_closed(object);
	hf_gem_object_put_memory(object, memory);
	return 0;
}

struct hf_gem_object *hf_gem_lookup(struct hf_gem_file *file, uint32_t handle)
{
	struct hf_gem_ref *ref = hf_idr_find(&file->handles, handle);

	return ref ? hf_gem_object_get(ref->object) : NULL;
}

int hf_gem_flink(struct hf_gem_file *file, uint32_t handle, uint32_t *name)
{
	struct hf_gem_ref *ref = hf_idr_find(&file->handles, handle);
	int id;

	if (!ref)
		return -ENOENT;
	if (!ref->object->name) {
		id = hf_idr_alloc(&file->gem->names, ref->object);
		if (id < 0)
			return id;
		ref->object->name = id;
	}
	*name = ref->object->name;
	return 0;
}

int hf_gem_open(struct hf_gem_file *file, uint32_t name, uint32_t *handle,
		uint64_t *size)
{
	struct hf_gem_object *object = hf_idr_find(&file->gem->names, name);
	int ret;

	if (!object)
		return -ENOENT;
	ret = hf_gem_handle_create(file, object, handle);
	if (!ret)
		*size = object->size;
	return ret;
}
