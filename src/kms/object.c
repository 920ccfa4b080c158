/* SPDX-License-Identifier: MIT */
/*
 * Mode objects are found by id; ids are shared by all types, lowest first.
 * Blobs live here too: they are objects with bytes and a reference count.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kms/kms.h"

int hf_mode_object_add(struct hf_kms_device *kms, struct hf_mode_object *object,
		       uint32_t type)
{
	int id = hf_idr_alloc(&kms->objects, object);

	if (id < 0)
		return id;
	object->id = id;
	object->type = type;
	return 0;
}

void hf_mode_object_remove(struct hf_kms_device *kms,
			   struct hf_mode_object *object)
{
	if (object->id)
		hf_idr_remove(&kms->objects, object->id);
	object->id = 0;
}

struct hf_mode_object *hf_mode_object_find(struct hf_kms_device *kms,
					   uint32_t id, uint32_t type)
{
	struct hf_mode_object *object = hf_idr_find(&kms->objects, id);

	if (!object || (type != DRM_MODE_OBJECT_ANY && object->type != type))
		return NULL;
	return object;
}

bool hf_kms_file_sees(const struct hf_kms_file *file,
		      const struct hf_mode_object *object)
{
	switch (object->type) {
	case DRM_MODE_OBJECT_CRTC:
	case DRM_MODE_OBJECT_CONNECTOR:
	case DRM_MODE_OBJECT_PLANE:
		return !file->lease || hf_lease_has(file->lease, object->id);
	default:
		return true;
	}
}

uint32_t hf_kms_file_crtcs(const struct hf_kms_file *file, uint32_t crtcs)
{
	const struct hf_kms_device *kms = file->kms;
	uint32_t seen = 0;
	unsigned int n = 0;

	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		if (hf_kms_file_sees(file, &kms->crtcs[i]->base))
			seen |= (crtcs >> i & 1) << n++;
	return seen;
}

struct hf_crtc *hf_kms_file_crtc(const struct hf_kms_file *file,
				 unsigned int index)
{
	const struct hf_kms_device *kms = file->kms;

	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		if (hf_kms_file_sees(file, &kms->crtcs[i]->base) && !index--)
			return kms->crtcs[i];
	return NULL;
}

struct hf_mode_object *hf_mode_object_seen(const struct hf_kms_file *file,
					   uint32_t id, uint32_t type)
{
	struct hf_mode_object *object = hf_mode_object_find(file->kms, id, type);

	return object && hf_kms_file_sees(file, object) ? object : NULL;
}

#define FIND_SEEN(name, TYPE)                                                 \
	struct hf_##name *hf_##name##_find(const struct hf_kms_file *file,    \
					   uint32_t id)                       \
	{                                                                     \
		return (struct hf_##name *)hf_mode_object_seen(               \
			file, id, DRM_MODE_OBJECT_##TYPE);                    \
	}

FIND_SEEN(crtc, CRTC)
FIND_SEEN(plane, PLANE)
FIND_SEEN(connector, CONNECTOR)

#define FIND(name, TYPE)                                                      \
	struct hf_##name *hf_##name##_find(struct hf_kms_device *kms,         \
					   uint32_t id)                       \
	{                                                                     \
		return (struct hf_##name *)hf_mode_object_find(               \
			kms, id, DRM_MODE_OBJECT_##TYPE);                     \
	}

FIND(encoder, ENCODER)
FIND(property, PROPERTY)
FIND(framebuffer, FB)
FIND(blob, BLOB)

struct hf_blob *hf_blob_create(struct hf_kms_device *kms, const void *data,
			       size_t length)
{
	struct hf_blob *blob = calloc(1, sizeof(*blob) + length);

	if (!blob)
		return NULL;
	if (hf_mode_object_add(kms, &blob->base, DRM_MODE_OBJECT_BLOB)) {
		free(blob);
		errno = ENOMEM;
		return NULL;
	}
	blob->kms = kms;
	blob->refcount = 1;
	wl_list_init(&blob->file_link);
	blob->length = length;
	memcpy(blob->data, data, length);
	return blob;
}

struct hf_blob *hf_blob_get(struct hf_blob *blob)
{
	blob->refcount++;
	return blob;
}

void hf_blob_put(struct hf_blob *blob)
{
	if (!blob || --blob->refcount)
		return;
	hf_mode_object_remove(blob->kms, &blob->base);
	wl_list_remove(&blob->file_link);
	free(blob);
}

void hf_blob_replace(struct hf_blob **slot, struct hf_blob *blob)
{
	struct hf_blob *old = *slot;

	*slot = blob ? hf_blob_get(blob) : NULL;
	hf_blob_put(old);
}
