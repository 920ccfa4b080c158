/* SPDX-License-Identifier: MIT */
/*
 * The KMS ioctls that only read: resources, objects, properties, blobs.
 *
 * Lists are copied the way the kernel copies each of them: as many elements
 * as fit, or all or none; the count that goes back is always the real one.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "kms/mode.h"
#include "kms/writeback.h"
#include "uapi/handlers.h"

/* As many of @n ids as fit in the @count that the client has room for. */
static int copy_ids(struct hf_call *call, unsigned int array, uint32_t *count,
		    const uint32_t *ids, uint32_t n)
{
	uint32_t fits = *count < n ? *count : n;
	int ret = 0;

	if (fits)
		ret = hf_call_copy_out(call, array, ids, 0, fits);
	*count = n;
	return ret;
}

int hf_ioctl_mode_getresources(struct hf_call *call, void *arg)
{
	const struct hf_kms_file *file = &call->file->kms;
	struct hf_kms_device *kms = file->kms;
	struct drm_mode_card_res *res = arg;
	uint32_t ids[HF_KMS_MAX_ENCODERS], room = res->count_fbs, n = 0;
	struct hf_framebuffer *fb;
	int ret = 0;

	res->min_width = res->min_height = 0;
	res->max_width = res->max_height = HF_KMS_MAX_SIZE;
	wl_list_for_each(fb, &file->fbs, file_link) {
		if (!ret && n < room)
			ret = hf_call_copy_out(call, 0, &fb->base.id, n, 1);
		n++;
	}
	res->count_fbs = n;
	n = 0;
	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		if (hf_kms_file_sees(file, &kms->crtcs[i]->base))
			ids[n++] = kms->crtcs[i]->base.id;
	if (!ret)
		ret = copy_ids(call, 1, &res->count_crtcs, ids, n);
	n = 0;
	for (unsigned int i = 0; i < kms->num_connectors; i++)
		if (hf_kms_file_sees(file, &kms->connectors[i]->base) &&
		    (file->writeback ||
		     !hf_connector_writes_back(kms->connectors[i])))
			ids[n++] = kms->connectors[i]->base.id;
	if (!ret)
		ret = copy_ids(call, 2, &res->count_connectors, ids, n);
	for (n = 0; n < kms->num_encoders; n++)
		ids[n] = kms->encoders[n]->base.id;
	if (!ret)
		ret = copy_ids(call, 3, &res->count_encoders, ids, n);
	return ret;
}

int hf_ioctl_mode_getcrtc(struct hf_call *call, void *arg)
{
	struct drm_mode_crtc *get = arg;
	struct hf_crtc *crtc = hf_crtc_find(&call->file->kms, get->crtc_id);
	const struct hf_plane_state *primary;

	if (!crtc)
		return -ENOENT;
	primary = crtc->primary->state;
	get->gamma_size = hf_crtc_gamma_size(crtc);
	get->fb_id = primary->fb ? primary->fb->base.id : 0;
	get->x = primary->src_x >> 16;
	get->y = primary->src_y >> 16;
	get->mode_valid = crtc->state->enable;
	if (crtc->state->enable) {
		get->mode = crtc->state->mode;
		if (!call->file->kms.aspect)
			get->mode.flags &= ~DRM_MODE_FLAG_PIC_AR_MASK;
	}
	return 0;
}

/* The id of the CRTC that something is on, or 0. */
static uint32_t seen_id(const struct hf_call *call, const struct hf_crtc *crtc)
{
	return crtc && hf_kms_file_sees(&call->file->kms, &crtc->base) ?
		       crtc->base.id :
		       0;
}

int hf_ioctl_mode_getencoder(struct hf_call *call, void *arg)
{
	struct drm_mode_get_encoder *get = arg;
	struct hf_encoder *encoder =
		hf_encoder_find(&call->dev->kms, get->encoder_id);
	struct hf_crtc *crtc;

	if (!encoder)
		return -ENOENT;
	crtc = hf_encoder_crtc(&call->dev->kms, encoder);
	get->encoder_type = encoder->type;
	get->crtc_id = seen_id(call, crtc);
	get->possible_crtcs = hf_kms_file_crtcs(&call->file->kms,
						encoder->possible_crtcs);
	get->possible_clones = encoder->possible_clones;
	return 0;
}

/* The kernel's drm_mode_object_get_properties(): those that the client may
 * see, as many as fit. */
static int get_properties(struct hf_call *call, unsigned int array,
			  const struct hf_mode_object *object, uint32_t *count)
{
	uint32_t room = *count, n = 0;
	int ret = 0;

	for (uint32_t i = 0; i < object->nprops; i++) {
		const struct hf_property *prop = object->props[i];
		uint64_t value = hf_object_get_value(object, i);

		if ((prop->flags & DRM_MODE_PROP_ATOMIC) &&
		    !call->file->kms.atomic)
			continue;
		if (!ret && n < room)
			ret = hf_call_copy_out(call, array, &prop->base.id, n,
					       1);
		if (!ret && n < room)
			ret = hf_call_copy_out(call, array + 1, &value, n, 1);
		n++;
	}
	*count = n;
	return ret;
}

/* All of them, or none. */
static int copy_encoders(struct hf_call *call,
			 const struct hf_connector *connector, uint32_t *count)
{
	const struct hf_kms_device *kms = connector->kms;
	uint32_t ids[HF_KMS_MAX_ENCODERS], n = 0, room = *count;

	for (unsigned int i = 0; i < kms->num_encoders; i++)
		if (connector->possible_encoders & 1u << i)
			ids[n++] = kms->encoders[i]->base.id;
	*count = n;
	return n && room >= n ? hf_call_copy_out(call, 0, ids, 0, n) : 0;
}

/* The same, but for the shape of the picture. */
static bool look_the_same(const struct drm_mode_modeinfo *a,
			  const struct drm_mode_modeinfo *b)
{
	struct drm_mode_modeinfo mode = *a;

	mode.flags &= ~DRM_MODE_FLAG_PIC_AR_MASK;
	mode.flags |= b->flags & DRM_MODE_FLAG_PIC_AR_MASK;
	return hf_mode_equal(&mode, b);
}

/* Stereo and shapes are for who knows of them; of several shapes one is left. */
static uint32_t visible_modes(const struct hf_kms_file *file,
			      const struct hf_connector *connector,
			      struct drm_mode_modeinfo modes[HF_KMS_MAX_MODES])
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < connector->num_modes; i++) {
		const struct drm_mode_modeinfo *mode = &connector->modes[i];
		bool twice = false;

		if (!file->stereo && mode->flags & DRM_MODE_FLAG_3D_MASK)
			continue;
		for (uint32_t j = 0; !file->aspect && !twice && j < n; j++)
			twice = look_the_same(mode, &modes[j]);
		if (twice)
			continue;
		modes[n] = *mode;
		if (!file->aspect)
			modes[n].flags &= ~DRM_MODE_FLAG_PIC_AR_MASK;
		n++;
	}
	return n;
}

static int copy_modes(struct hf_call *call,
		      const struct hf_connector *connector, uint32_t *count)
{
	struct drm_mode_modeinfo modes[HF_KMS_MAX_MODES];
	uint32_t n = visible_modes(&call->file->kms, connector, modes);
	uint32_t room = *count;

	*count = n;
	return n && room >= n ? hf_call_copy_out(call, 1, modes, 0, n) : 0;
}

int hf_ioctl_mode_getconnector(struct hf_call *call, void *arg)
{
	struct drm_mode_get_connector *get = arg;
	struct hf_connector *connector =
		hf_connector_find(&call->file->kms, get->connector_id);
	const struct hf_encoder *encoder;
	int ret;

	if (!connector)
		return -ENOENT;
	ret = copy_encoders(call, connector, &get->count_encoders);
	if (ret)
		return ret;
	get->connector_type = connector->type;
	get->connector_type_id = connector->type_id;
	if (!get->count_modes && hf_file_is_current_master(call->file))
		hf_connector_probe(connector);
	get->mm_width = connector->width_mm;
	get->mm_height = connector->height_mm;
	get->subpixel = hf_connector_subpixel(connector);
	get->connection = connector->unknown ? 3 : connector->connected ? 1 : 2;
	ret = copy_modes(call, connector, &get->count_modes);
	if (ret)
		return ret;
	encoder = connector->state->encoder;
	get->encoder_id = encoder ? encoder->base.id : 0;
	return get_properties(call, 2, &connector->base, &get->count_props);
}

/* A cursor that somebody else draws is not for an atomic client that knows nothing of
 * hotspots: legacy calls tell them. */
static bool lists_plane(const struct hf_kms_file *file,
			const struct hf_plane *plane)
{
	if (!hf_kms_file_sees(file, &plane->base))
		return false;
	if (plane->type == HF_PLANE_CURSOR && file->kms->virtual_cursor &&
	    file->atomic && !file->hotspot)
		return false;
	return file->universal || plane->type == HF_PLANE_OVERLAY;
}

int hf_ioctl_mode_getplaneresources(struct hf_call *call, void *arg)
{
	const struct hf_kms_file *file = &call->file->kms;
	struct hf_kms_device *kms = file->kms;
	struct drm_mode_get_plane_res *res = arg;
	uint32_t ids[HF_KMS_MAX_PLANES], n = 0;

	for (unsigned int i = 0; i < kms->num_planes; i++)
		if (lists_plane(file, kms->planes[i]))
			ids[n++] = kms->planes[i]->base.id;
	return copy_ids(call, 0, &res->count_planes, ids, n);
}

int hf_ioctl_mode_getplane(struct hf_call *call, void *arg)
{
	struct drm_mode_get_plane *get = arg;
	struct hf_plane *plane = hf_plane_find(&call->file->kms, get->plane_id);
	const struct hf_plane_state *state;
	uint32_t room;

	if (!plane)
		return -ENOENT;
	state = plane->state;
	room = get->count_format_types;
	get->crtc_id = seen_id(call, state->crtc);
	get->fb_id = state->fb ? state->fb->base.id : 0;
	get->possible_crtcs = hf_kms_file_crtcs(&call->file->kms,
						plane->possible_crtcs);
	get->gamma_size = 0;
	get->count_format_types = plane->num_formats;
	if (plane->num_formats && room >= plane->num_formats)
		return hf_call_copy_out(call, 0, plane->formats, 0,
					plane->num_formats);
	return 0;
}

static int copy_enums(struct hf_call *call, const struct hf_property *prop,
		      struct drm_mode_get_property *get)
{
	uint32_t room = get->count_enum_blobs;
	int ret = 0;

	get->count_enum_blobs = prop->num_enums;
	for (uint32_t i = 0; !ret && i < prop->num_enums; i++) {
		struct drm_mode_property_enum e = {
			.value = prop->enums[i].value,
		};

		if (i >= room)
			break;
		strncpy(e.name, prop->enums[i].name, sizeof(e.name) - 1);
		ret = hf_call_copy_out(call, 1, &e, i, 1);
	}
	return ret;
}

int hf_ioctl_mode_getproperty(struct hf_call *call, void *arg)
{
	struct drm_mode_get_property *get = arg;
	struct hf_property *prop =
		hf_property_find(&call->dev->kms, get->prop_id);
	uint32_t room;
	int ret = 0;

	if (!prop)
		return -ENOENT;
	room = get->count_values;
	strncpy(get->name, prop->name, sizeof(get->name));
	get->name[sizeof(get->name) - 1] = 0;
	get->flags = prop->flags;
	get->count_values = prop->num_values;
	for (uint32_t i = 0; !ret && i < prop->num_values && i < room; i++) {
		uint64_t value = prop->enums ? prop->enums[i].value :
					       prop->values[i];

		ret = hf_call_copy_out(call, 0, &value, i, 1);
	}
	if (!ret && prop->enums)
		ret = copy_enums(call, prop, get);
	else if (prop->flags & DRM_MODE_PROP_BLOB)
		get->count_enum_blobs = 0;
	return ret;
}

int hf_ioctl_mode_obj_getproperties(struct hf_call *call, void *arg)
{
	struct drm_mode_obj_get_properties *get = arg;
	struct hf_mode_object *object = hf_mode_object_seen(
		&call->file->kms, get->obj_id, get->obj_type);

	if (!object)
		return -ENOENT;
	if (!object->nprops)
		return -EINVAL;
	return get_properties(call, 0, object, &get->count_props);
}

int hf_ioctl_mode_getpropblob(struct hf_call *call, void *arg)
{
	struct drm_mode_get_blob *get = arg;
	struct hf_blob *blob = hf_blob_find(&call->dev->kms, get->blob_id);
	int ret = 0;

	if (!blob)
		return -ENOENT;
	if (get->length == blob->length)
		ret = hf_call_copy_out(call, 0, blob->data, 0, blob->length);
	get->length = blob->length;
	return ret;
}

int hf_ioctl_mode_createpropblob(struct hf_call *call, void *arg)
{
	struct drm_mode_create_blob *create = arg;
	struct hf_blob *blob;
	const void *data;
	int ret;

	/* What the kernel's allocation would overflow. */
	if (!create->length || create->length > INT_MAX - sizeof(*blob))
		return -EINVAL;
	ret = hf_call_copy_in(call, 0, create->length, &data);
	if (ret)
		return ret;
	blob = hf_blob_create(&call->dev->kms, data, create->length);
	if (!blob)
		return -ENOMEM;
	wl_list_insert(&call->file->kms.blobs, &blob->file_link);
	create->blob_id = blob->base.id;
	return 0;
}

int hf_ioctl_mode_destroypropblob(struct hf_call *call, void *arg)
{
	const struct drm_mode_destroy_blob *destroy = arg;
	struct hf_blob *blob = hf_blob_find(&call->dev->kms, destroy->blob_id);
	struct hf_blob *own;

	if (!blob)
		return -ENOENT;
	wl_list_for_each(own, &call->file->kms.blobs, file_link) {
		if (own != blob)
			continue;
		wl_list_remove(&blob->file_link);
		wl_list_init(&blob->file_link);
		hf_blob_put(blob);
		return 0;
	}
	return -EPERM;
}

int hf_ioctl_mode_getgamma(struct hf_call *call, void *arg)
{
	struct drm_mode_crtc_lut *lut = arg;
	struct hf_crtc *crtc = hf_crtc_find(&call->file->kms, lut->crtc_id);
	int ret = 0;

	if (!crtc)
		return -ENOENT;
	if (lut->gamma_size != hf_crtc_gamma_size(crtc))
		return -EINVAL;
	for (unsigned int c = 0; !ret && c < 3; c++)
		ret = hf_call_copy_out(call, c, crtc->gamma[c], 0,
				       lut->gamma_size);
	return ret;
}
