/* SPDX-License-Identifier: MIT */
/*
 * What a device's buffer objects are for. See the header.
 *
 * Objects know neither the numbers of their handles nor the framebuffers that are made
 * of them. So those are gone through once, with a table from objects to what is said of
 * each, which lives as long as a request. The system's lock is held.
 */
#include <stdlib.h>
#include <string.h>

#include "server/json.h"
#include "server/kms_state.h"
#include "server/objects.h"

struct entry {
	const struct hf_gem_object *object;
	struct json_object *holders, *framebuffers; /* arrays of the answer */
	uint32_t file;		     /* the last one of the holders, */
	struct json_object *handles; /* and its array */
	UT_hash_handle hh;
};

static void add_uint(struct json_object *obj, const char *key, uint64_t value)
{
	hf_json_add(obj, key, json_object_new_uint64(value));
}

static void add_bool(struct json_object *obj, const char *key, bool value)
{
	hf_json_add(obj, key, json_object_new_boolean(value));
}

static struct json_object *add_array(struct json_object *obj, const char *key)
{
	struct json_object *array = json_object_new_array();

	hf_json_add(obj, key, array);
	return array;
}

/* -- the objects ----------------------------------------------------------- */

static void describe_mapping(const struct hf_gem_object *object,
			     struct json_object *obj)
{
	add_uint(obj, "pins", object->mapping ? object->mapping->refcount : 0);
	add_bool(obj, "contiguous", hf_gem_object_contiguous(object));
	add_bool(obj, "user_pages", !object->backing);
	add_bool(obj, "purgeable", object->dontneed && !object->purged);
	add_bool(obj, "purged", object->purged);
	add_bool(obj, "imported", object->foreign && object->backing);
	add_bool(obj, "exported", object->exported);
}

static struct json_object *describe_object(const struct hf_device *dev,
					   const struct hf_gem_object *object)
{
	const struct hf_owner *owner = hf_gem_object_owner(object);
	struct json_object *obj = json_object_new_object();

	add_uint(obj, "id", owner->object);
	hf_json_add(obj, "device", json_object_new_string(dev->unique));
	add_uint(obj, "pid", owner->pid);
	add_uint(obj, "bytes", object->size);
	add_uint(obj, "handles", object->handle_count);
	add_uint(obj, "references", object->refcount);
	add_uint(obj, "name", object->name);
	describe_mapping(object, obj);
	return obj;
}

static struct entry *add_object(struct hf_device *dev, struct entry **table,
				const struct hf_gem_object *object,
				struct json_object *objects)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	struct json_object *obj;

	if (!entry)
		return NULL;
	obj = describe_object(dev, object);
	entry->object = object;
	entry->holders = add_array(obj, "holders");
	entry->framebuffers = add_array(obj, "framebuffers");
	hf_json_append(objects, obj);
	HASH_ADD_PTR(*table, object, entry);
	return entry;
}

static struct entry *find(struct entry *table,
			  const struct hf_gem_object *object)
{
	struct entry *entry;

	HASH_FIND_PTR(table, &object, entry);
	return entry;
}

/* -- handles --------------------------------------------------------------- */

static void add_holder(struct entry *entry, const struct hf_file *file,
		       const char *program)
{
	struct json_object *holder = json_object_new_object();

	add_uint(holder, "file", file->id);
	add_uint(holder, "pid", file->cred.pid);
	hf_json_add(holder, "program", json_object_new_string(program));
	entry->handles = add_array(holder, "handles");
	entry->file = file->id;
	hf_json_append(entry->holders, holder);
}

static void add_handles(struct entry *table, struct hf_file *file)
{
	const struct hf_gem_ref *ref;
	char program[HF_COMM_SIZE];

	hf_process_name(file->cred.pid, program);
	for (uint32_t id = 1; (ref = hf_idr_next(&file->gem.handles, &id));
	     id++) {
		struct entry *entry = find(table, ref->object);

		if (!entry)
			continue;
		if (entry->file != file->id)
			add_holder(entry, file, program);
		hf_json_append(entry->handles, json_object_new_uint64(id));
	}
}

/* -- framebuffers ---------------------------------------------------------- */

static void add_planes(const struct hf_framebuffer *fb,
		       struct json_object *planes)
{
	for (unsigned int i = 0; i < fb->kms->num_planes; i++) {
		const struct hf_plane *plane = fb->kms->planes[i];
		struct json_object *obj;

		if (plane->state->fb != fb || !plane->state->crtc)
			continue;
		obj = json_object_new_object();
		add_uint(obj, "id", plane->base.id);
		add_uint(obj, "crtc", plane->state->crtc->index);
		hf_json_append(planes, obj);
	}
}

static struct json_object *describe_framebuffer(const struct hf_framebuffer *fb)
{
	struct json_object *obj = json_object_new_object();
	const char *fourcc = (const char *)&fb->format->fourcc;

	add_uint(obj, "id", fb->base.id);
	add_uint(obj, "width", fb->width);
	add_uint(obj, "height", fb->height);
	hf_json_add(obj, "format", json_object_new_string_len(fourcc, 4));
	add_planes(fb, add_array(obj, "planes"));
	return obj;
}

/* The planes of a picture are often one object. */
static bool is_first(const struct hf_framebuffer *fb, unsigned int plane)
{
	for (unsigned int i = 0; i < plane; i++)
		if (fb->objects[i] == fb->objects[plane])
			return false;
	return true;
}

static void add_framebuffer(struct entry *table, const struct hf_framebuffer *fb)
{
	for (unsigned int i = 0; i < fb->format->num_planes; i++) {
		struct entry *entry = find(table, fb->objects[i]);

		if (entry && is_first(fb, i))
			hf_json_append(entry->framebuffers,
				       describe_framebuffer(fb));
	}
}

static void add_framebuffers(struct entry *table,
			     const struct hf_kms_device *kms)
{
	const struct hf_mode_object *object;

	for (uint32_t id = 1; (object = hf_idr_next(&kms->objects, &id)); id++)
		if (object->type == DRM_MODE_OBJECT_FB)
			add_framebuffer(table,
					(const struct hf_framebuffer *)object);
}

void hf_objects_describe(struct hf_device *dev, struct json_object *objects)
{
	struct entry *table = NULL, *entry, *next;
	const struct hf_gem_object *object;
	struct hf_file *file;

	wl_list_for_each(object, &dev->gem.objects, link)
		if (!add_object(dev, &table, object, objects))
			break;
	wl_list_for_each(file, &dev->files, link)
		add_handles(table, file);
	add_framebuffers(table, &dev->kms);
	HASH_ITER(hh, table, entry, next) {
		HASH_DEL(table, entry);
		free(entry);
	}
}
