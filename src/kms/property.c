/* SPDX-License-Identifier: MIT */
/*
 * Properties: their definitions, which values they take, and how the value of
 * each is read off an object's state. Setting one in an atomic state is in
 * atomic_property.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <limits.h>

#include "kms/kms.h"

#define ATOMIC DRM_MODE_PROP_ATOMIC
#define IMMUTABLE DRM_MODE_PROP_IMMUTABLE

#define ENUMS(name, ...)                                                      \
	static const struct hf_property_enum name[] = { __VA_ARGS__ }

ENUMS(plane_types, { HF_PLANE_OVERLAY, "Overlay" },
      { HF_PLANE_PRIMARY, "Primary" },
      { HF_PLANE_CURSOR, "Cursor" });
ENUMS(rotations, { 0, "rotate-0" }, { 1, "rotate-90" }, { 2, "rotate-180" },
      { 3, "rotate-270" }, { 4, "reflect-x" }, { 5, "reflect-y" });
ENUMS(blend_modes, { 2, "None" }, { 0, "Pre-multiplied" }, { 1, "Coverage" });
ENUMS(encodings, { 0, "ITU-R BT.601 YCbCr" }, { 1, "ITU-R BT.709 YCbCr" },
      { 2, "ITU-R BT.2020 YCbCr" });
ENUMS(ranges, { 0, "YCbCr limited range" }, { 1, "YCbCr full range" });
ENUMS(filters, { HF_FILTER_DEFAULT, "Default" },
      { HF_FILTER_NEAREST, "Nearest Neighbor" });
ENUMS(dpms_modes, { DRM_MODE_DPMS_ON, "On" },
      { DRM_MODE_DPMS_STANDBY, "Standby" },
      { DRM_MODE_DPMS_SUSPEND, "Suspend" }, { DRM_MODE_DPMS_OFF, "Off" });
ENUMS(link_statuses, { DRM_MODE_LINK_STATUS_GOOD, "Good" },
      { DRM_MODE_LINK_STATUS_BAD, "Bad" });

ENUMS(content_types, { DRM_MODE_CONTENT_TYPE_NO_DATA, "No Data" },
      { DRM_MODE_CONTENT_TYPE_GRAPHICS, "Graphics" },
      { DRM_MODE_CONTENT_TYPE_PHOTO, "Photo" },
      { DRM_MODE_CONTENT_TYPE_CINEMA, "Cinema" },
      { DRM_MODE_CONTENT_TYPE_GAME, "Game" });
/* The numbers are the kernel's enum drm_colorspace. */
ENUMS(hdmi_colorspaces, { 0, "Default" }, { 1, "SMPTE_170M_YCC" },
      { 2, "BT709_YCC" }, { 3, "XVYCC_601" }, { 4, "XVYCC_709" },
      { 5, "SYCC_601" }, { 6, "opYCC_601" }, { 7, "opRGB" },
      { 8, "BT2020_CYCC" }, { 9, "BT2020_RGB" }, { 10, "BT2020_YCC" },
      { 11, "DCI-P3_RGB_D65" }, { 12, "DCI-P3_RGB_Theater" });
ENUMS(dp_colorspaces, { 0, "Default" }, { 13, "RGB_Wide_Gamut_Fixed_Point" },
      { 14, "RGB_Wide_Gamut_Floating_Point" }, { 7, "opRGB" },
      { 11, "DCI-P3_RGB_D65" }, { 9, "BT2020_RGB" }, { 15, "BT601_YCC" },
      { 2, "BT709_YCC" }, { 3, "XVYCC_601" }, { 4, "XVYCC_709" },
      { 5, "SYCC_601" }, { 6, "opYCC_601" }, { 8, "BT2020_CYCC" },
      { 10, "BT2020_YCC" });
ENUMS(scaling_modes, { DRM_MODE_SCALE_FULLSCREEN, "Full" },
      { DRM_MODE_SCALE_CENTER, "Center" },
      { DRM_MODE_SCALE_ASPECT, "Full aspect" });
/* The numbers are the kernel's enum drm_panel_orientation. */
ENUMS(orientations, { 0, "Normal" }, { 1, "Upside Down" },
      { 2, "Left Side Up" }, { 3, "Right Side Up" });
ENUMS(dp_subconnectors, { DRM_MODE_SUBCONNECTOR_Unknown, "Unknown" },
      { DRM_MODE_SUBCONNECTOR_VGA, "VGA" },
      { DRM_MODE_SUBCONNECTOR_DVID, "DVI-D" },
      { DRM_MODE_SUBCONNECTOR_HDMIA, "HDMI" },
      { DRM_MODE_SUBCONNECTOR_DisplayPort, "DP" },
      { DRM_MODE_SUBCONNECTOR_Wireless, "Wireless" },
      { DRM_MODE_SUBCONNECTOR_Native, "Native" });
ENUMS(dvi_subconnectors, { DRM_MODE_SUBCONNECTOR_Unknown, "Unknown" },
      { DRM_MODE_SUBCONNECTOR_DVID, "DVI-D" },
      { DRM_MODE_SUBCONNECTOR_DVIA, "DVI-A" });

static struct hf_property *create(struct hf_kms_device *kms, const char *name,
				  uint32_t flags)
{
	struct hf_property *prop = calloc(1, sizeof(*prop));

	if (!prop)
		return NULL;
	if (hf_mode_object_add(kms, &prop->base, DRM_MODE_OBJECT_PROPERTY)) {
		free(prop);
		return NULL;
	}
	prop->name = name;
	prop->flags = flags;
	wl_list_insert(kms->properties.prev, &prop->link);
	return prop;
}

struct hf_property *hf_property_create_range(struct hf_kms_device *kms,
					     const char *name, uint32_t flags,
					     uint64_t min, uint64_t max)
{
	struct hf_property *prop = create(kms, name, flags);

	if (prop) {
		prop->num_values = 2;
		prop->values[0] = min;
		prop->values[1] = max;
	}
	return prop;
}

static struct hf_property *create_enum(struct hf_kms_device *kms,
				       const char *name, uint32_t flags,
				       const struct hf_property_enum *enums,
				       uint32_t num_enums)
{
	struct hf_property *prop = create(kms, name, flags);

	if (prop) {
		prop->enums = enums;
		prop->num_enums = num_enums;
		prop->num_values = num_enums;
	}
	return prop;
}

static struct hf_property *create_object(struct hf_kms_device *kms,
					 const char *name, uint32_t type)
{
	struct hf_property *prop =
		create(kms, name, DRM_MODE_PROP_OBJECT | ATOMIC);

	if (prop) {
		prop->num_values = 1;
		prop->values[0] = type;
	}
	return prop;
}

#define RANGE(field, name, flags, min, max)                                   \
	(kms->prop.field = hf_property_create_range(                          \
		 kms, name, DRM_MODE_PROP_RANGE | (flags), min, max))
#define SIGNED(field, name, flags)                                            \
	(kms->prop.field = hf_property_create_range(                          \
		 kms, name, DRM_MODE_PROP_SIGNED_RANGE | (flags),             \
		 (uint64_t)(int64_t)INT_MIN, INT_MAX))
#define FENCE(field, name)                                                    \
	(kms->prop.field = hf_property_create_range(                          \
		 kms, name, DRM_MODE_PROP_SIGNED_RANGE | ATOMIC, -1, INT_MAX))
#define ENUM(field, name, flags, list)                                        \
	(kms->prop.field = create_enum(kms, name, flags, list,                \
				       sizeof(list) / sizeof((list)[0])))
#define BLOB(field, name, flags)                                              \
	(kms->prop.field = create(kms, name, DRM_MODE_PROP_BLOB | (flags)))
#define OBJECT(field, name, type)                                             \
	(kms->prop.field = create_object(kms, name, type))

static bool create_writeback(struct hf_kms_device *kms)
{
	return OBJECT(writeback_fb, "WRITEBACK_FB_ID", DRM_MODE_OBJECT_FB) &&
	       BLOB(writeback_formats, "WRITEBACK_PIXEL_FORMATS",
		    ATOMIC | IMMUTABLE) &&
	       RANGE(writeback_out_fence, "WRITEBACK_OUT_FENCE_PTR", ATOMIC, 0,
		     UINT64_MAX);
}

int hf_kms_properties_init(struct hf_kms_device *kms)
{
	bool ok = ENUM(type, "type", DRM_MODE_PROP_ENUM | IMMUTABLE,
		       plane_types) &&
		  BLOB(edid, "EDID", IMMUTABLE) &&
		  ENUM(dpms, "DPMS", DRM_MODE_PROP_ENUM, dpms_modes) &&
		  BLOB(path, "PATH", IMMUTABLE) &&
		  ENUM(link_status, "link-status", DRM_MODE_PROP_ENUM,
		       link_statuses) &&
		  RANGE(non_desktop, "non-desktop", IMMUTABLE, 0, 1) &&
		  BLOB(tile, "TILE", IMMUTABLE) &&
		  BLOB(hdr, "HDR_OUTPUT_METADATA", 0) &&
		  ENUM(content_type, "content type", DRM_MODE_PROP_ENUM,
		       content_types) &&
		  ENUM(hdmi_colorspace, "Colorspace", DRM_MODE_PROP_ENUM,
		       hdmi_colorspaces) &&
		  ENUM(dp_colorspace, "Colorspace", DRM_MODE_PROP_ENUM,
		       dp_colorspaces) &&
		  ENUM(scaling_mode, "scaling mode", DRM_MODE_PROP_ENUM,
		       scaling_modes) &&
		  ENUM(orientation, "panel orientation",
		       DRM_MODE_PROP_ENUM | IMMUTABLE, orientations) &&
		  ENUM(dp_subconnector, "subconnector",
		       DRM_MODE_PROP_ENUM | IMMUTABLE, dp_subconnectors) &&
		  ENUM(dvi_subconnector, "subconnector",
		       DRM_MODE_PROP_ENUM | IMMUTABLE, dvi_subconnectors) &&
		  OBJECT(crtc_id, "CRTC_ID", DRM_MODE_OBJECT_CRTC) &&
		  OBJECT(fb_id, "FB_ID", DRM_MODE_OBJECT_FB) &&
		  SIGNED(crtc_x, "CRTC_X", ATOMIC) &&
		  SIGNED(crtc_y, "CRTC_Y", ATOMIC) &&
		  RANGE(crtc_w, "CRTC_W", ATOMIC, 0, INT_MAX) &&
		  RANGE(crtc_h, "CRTC_H", ATOMIC, 0, INT_MAX) &&
		  RANGE(src_x, "SRC_X", ATOMIC, 0, UINT_MAX) &&
		  RANGE(src_y, "SRC_Y", ATOMIC, 0, UINT_MAX) &&
		  RANGE(src_w, "SRC_W", ATOMIC, 0, UINT_MAX) &&
		  RANGE(src_h, "SRC_H", ATOMIC, 0, UINT_MAX) &&
		  FENCE(in_fence, "IN_FENCE_FD") &&
		  RANGE(out_fence, "OUT_FENCE_PTR", ATOMIC, 0, UINT64_MAX) &&
		  BLOB(damage, "FB_DAMAGE_CLIPS", ATOMIC) &&
		  BLOB(in_formats, "IN_FORMATS", IMMUTABLE) &&
		  RANGE(alpha, "alpha", 0, 0, 0xffff) &&
		  ENUM(rotation, "rotation", DRM_MODE_PROP_BITMASK,
		       rotations) &&
		  ENUM(blend, "pixel blend mode", DRM_MODE_PROP_ENUM,
		       blend_modes) &&
		  ENUM(encoding, "COLOR_ENCODING", DRM_MODE_PROP_ENUM,
		       encodings) &&
		  ENUM(range, "COLOR_RANGE", DRM_MODE_PROP_ENUM, ranges) &&
		  ENUM(scaling_filter, "SCALING_FILTER", DRM_MODE_PROP_ENUM,
		       filters) &&
		  BLOB(in_formats_async, "IN_FORMATS_ASYNC", IMMUTABLE) &&
		  BLOB(size_hints, "SIZE_HINTS", IMMUTABLE) &&
		  SIGNED(hotspot_x, "HOTSPOT_X", 0) &&
		  SIGNED(hotspot_y, "HOTSPOT_Y", 0) &&
		  RANGE(active, "ACTIVE", ATOMIC, 0, 1) &&
		  BLOB(mode_id, "MODE_ID", ATOMIC) &&
		  RANGE(vrr_enabled, "VRR_ENABLED", 0, 0, 1) &&
		  RANGE(vrr_capable, "vrr_capable", IMMUTABLE, 0, 1) &&
		  BLOB(degamma, "DEGAMMA_LUT", 0) &&
		  RANGE(degamma_size, "DEGAMMA_LUT_SIZE", IMMUTABLE, 0,
			UINT_MAX) &&
		  BLOB(ctm, "CTM", 0) &&
		  RANGE(background, "BACKGROUND_COLOR", 0, 0, UINT64_MAX) &&
		  BLOB(gamma, "GAMMA_LUT", 0) &&
		  RANGE(gamma_size, "GAMMA_LUT_SIZE", IMMUTABLE, 0, UINT_MAX);

	if (ok && (kms->funcs->features & HF_KMS_WRITEBACK))
		ok = create_writeback(kms);
	return ok ? 0 : -ENOMEM;
}

void hf_object_attach(struct hf_mode_object *object, struct hf_property *prop,
		      uint64_t value)
{
	object->prop_ids[object->nprops] = prop->base.id;
	object->props[object->nprops] = prop;
	object->values[object->nprops++] = value;
}

struct hf_property *hf_object_prop(const struct hf_mode_object *object,
				   uint32_t prop_id)
{
	for (uint32_t i = 0; i < object->nprops; i++)
		if (object->prop_ids[i] == prop_id)
			return object->props[i];
	return NULL;
}

static bool enum_valid(const struct hf_property *prop, uint64_t value)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < prop->num_enums; i++) {
		if (!(prop->flags & DRM_MODE_PROP_BITMASK) &&
		    prop->enums[i].value == value)
			return true;
		mask |= 1ull << prop->enums[i].value;
	}
	return (prop->flags & DRM_MODE_PROP_BITMASK) && !(value & ~mask);
}

bool hf_property_valid(struct hf_kms_device *kms,
		       const struct hf_property *prop, uint64_t value)
{
	uint32_t type = prop->flags & (DRM_MODE_PROP_LEGACY_TYPE |
				       DRM_MODE_PROP_EXTENDED_TYPE);

	if (prop->flags & IMMUTABLE)
		return false;
	switch (type) {
	case DRM_MODE_PROP_RANGE:
		return value >= prop->values[0] && value <= prop->values[1];
	case DRM_MODE_PROP_SIGNED_RANGE:
		return (int64_t)value >= (int64_t)prop->values[0] &&
		       (int64_t)value <= (int64_t)prop->values[1];
	case DRM_MODE_PROP_ENUM:
	case DRM_MODE_PROP_BITMASK:
		return enum_valid(prop, value);
	case DRM_MODE_PROP_BLOB:
		return value == 0 ||
		       (value <= UINT32_MAX && hf_blob_find(kms, value));
	case DRM_MODE_PROP_OBJECT:
		return value == 0 || (value <= UINT32_MAX &&
				      hf_mode_object_find(kms, value,
							  prop->values[0]));
	default:
		return false;
	}
}

static uint64_t blob_id(const struct hf_blob *blob)
{
	return blob ? blob->base.id : 0;
}

static uint64_t crtc_id(const struct hf_crtc *crtc)
{
	return crtc ? crtc->base.id : 0;
}

#define GET(p, expr)                                                          \
	if (prop == kms->prop.p) {                                            \
		*value = (expr);                                              \
		return true;                                                  \
	}

static bool plane_get(const struct hf_plane_state *s,
		      const struct hf_property *prop, uint64_t *value)
{
	struct hf_kms_device *kms = s->plane->kms;

	GET(fb_id, s->fb ? s->fb->base.id : 0);
	GET(crtc_id, crtc_id(s->crtc));
	GET(crtc_x, (int64_t)s->crtc_x);
	GET(crtc_y, (int64_t)s->crtc_y);
	GET(crtc_w, s->crtc_w);
	GET(crtc_h, s->crtc_h);
	GET(src_x, s->src_x);
	GET(src_y, s->src_y);
	GET(src_w, s->src_w);
	GET(src_h, s->src_h);
	GET(alpha, s->alpha);
	GET(rotation, s->rotation);
	GET(blend, s->blend);
	GET(encoding, s->encoding);
	GET(range, s->range);
	GET(scaling_filter, s->scaling_filter);
	GET(hotspot_x, (int64_t)s->hotspot_x);
	GET(hotspot_y, (int64_t)s->hotspot_y);
	GET(damage, blob_id(s->damage));
	GET(in_fence, (uint64_t)-1);
	if (prop != s->plane->zpos)
		return false;
	*value = s->zpos;
	return true;
}

static bool crtc_get(const struct hf_crtc_state *s,
		     const struct hf_property *prop, uint64_t *value)
{
	struct hf_kms_device *kms = s->crtc->kms;

	GET(active, s->active);
	GET(mode_id, blob_id(s->mode_blob));
	GET(vrr_enabled, s->vrr);
	GET(degamma, blob_id(s->degamma));
	GET(ctm, blob_id(s->ctm));
	GET(gamma, blob_id(s->gamma));
	GET(background, s->background);
	GET(out_fence, 0);
	return false;
}

static bool connector_get(const struct hf_connector_state *s,
			  const struct hf_property *prop, uint64_t *value)
{
	const struct hf_connector *connector = s->connector;
	struct hf_kms_device *kms = connector->kms;

	GET(crtc_id, crtc_id(s->crtc));
	GET(dpms, connector->dpms);
	GET(link_status, s->link_status);
	GET(edid, blob_id(connector->edid));
	GET(vrr_capable, connector->vrr_min_hz > 0);
	GET(path, blob_id(connector->path));
	GET(tile, blob_id(connector->tile));
	GET(non_desktop, connector->non_desktop);
	GET(hdr, blob_id(s->hdr));
	GET(content_type, s->content_type);
	GET(hdmi_colorspace, s->colorspace);
	GET(dp_colorspace, s->colorspace);
	GET(scaling_mode, s->scaling_mode);
	GET(orientation, connector->orientation);
	GET(dp_subconnector, connector->subconnector);
	GET(dvi_subconnector, connector->subconnector);
	if (prop == connector->max_bpc) {
		*value = s->max_bpc;
		return true;
	}
	return false;
}

/* @state: of the object, or NULL: it is of a type that has none. */
static uint64_t get_value(const struct hf_mode_object *object,
			  const void *state, unsigned int i)
{
	const struct hf_property *prop = object->props[i];
	uint64_t value;
	bool found = false;

	if (object->type == DRM_MODE_OBJECT_PLANE)
		found = plane_get(state, prop, &value);
	else if (object->type == DRM_MODE_OBJECT_CRTC)
		found = crtc_get(state, prop, &value);
	else if (object->type == DRM_MODE_OBJECT_CONNECTOR)
		found = connector_get(state, prop, &value);
	return found ? value : object->values[i];
}

uint64_t hf_object_get_value(const struct hf_mode_object *object,
			     unsigned int i)
{
	const void *state = NULL;

	if (object->type == DRM_MODE_OBJECT_PLANE)
		state = ((const struct hf_plane *)object)->state;
	else if (object->type == DRM_MODE_OBJECT_CRTC)
		state = ((const struct hf_crtc *)object)->state;
	else if (object->type == DRM_MODE_OBJECT_CONNECTOR)
		state = ((const struct hf_connector *)object)->state;
	return get_value(object, state, i);
}

uint64_t hf_atomic_get_value(const struct hf_atomic_state *state,
			     const struct hf_mode_object *object,
			     const struct hf_property *prop)
{
	const void *new;
	unsigned int i = 0;

	if (object->type == DRM_MODE_OBJECT_PLANE)
		new = state->planes[((const struct hf_plane *)object)->index];
	else if (object->type == DRM_MODE_OBJECT_CRTC)
		new = state->crtcs[((const struct hf_crtc *)object)->index];
	else
		new = state->connectors[((const struct hf_connector *)object)
						->index];
	while (object->props[i] != prop)
		i++;
	return get_value(object, new, i);
}
