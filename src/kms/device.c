/* SPDX-License-Identifier: MIT */
/*
 * A display: its CRTCs with up to three planes each, its connectors and what is
 * plugged in at them, and the properties that they have. Also what KMS keeps of a
 * file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/kms.h"
#include "kms/mode.h"
#include "kms/state.h"

/* ARGB, 16 bits each. */
#define BLACK (UINT64_C(0xffff) << 48)

static struct hf_blob *in_formats(struct hf_kms_device *kms,
				  const struct hf_plane *plane)
{
	struct {
		struct drm_format_modifier_blob head;
		uint8_t rest[64 * 4 + 32];
	} blob = { 0 };
	struct drm_format_modifier linear = {
		.modifier = DRM_FORMAT_MOD_LINEAR,
	};
	uint32_t formats = plane->num_formats * 4;

	linear.formats = plane->num_formats == 64 ?
				 UINT64_MAX :
				 (1ull << plane->num_formats) - 1;
	blob.head.version = FORMAT_BLOB_CURRENT;
	blob.head.count_formats = plane->num_formats;
	blob.head.formats_offset = sizeof(blob.head);
	blob.head.count_modifiers = 1;
	blob.head.modifiers_offset =
		(sizeof(blob.head) + formats + 7) & ~7u;
	memcpy((uint8_t *)&blob + blob.head.formats_offset, plane->formats,
	       formats);
	memcpy((uint8_t *)&blob + blob.head.modifiers_offset, &linear,
	       sizeof(linear));
	return hf_blob_create(kms, &blob,
			      blob.head.modifiers_offset + sizeof(linear));
}

static void attach_plane_props(struct hf_kms_device *kms,
			       struct hf_plane *plane, uint32_t formats_blob)
{
	struct hf_mode_object *base = &plane->base;
	struct hf_property *const state_props[] = {
		kms->prop.fb_id, kms->prop.crtc_id, kms->prop.crtc_x,
		kms->prop.crtc_y, kms->prop.crtc_w, kms->prop.crtc_h,
		kms->prop.src_x, kms->prop.src_y, kms->prop.src_w,
		kms->prop.src_h, kms->prop.damage, kms->prop.in_fence,
	};
	struct hf_property *const blend_props[] = {
		kms->prop.alpha, kms->prop.blend, kms->prop.rotation,
		kms->prop.zpos,
	};

	hf_object_attach(base, kms->prop.type, plane->type);
	for (size_t i = 0; i < sizeof(state_props) / sizeof(*state_props); i++)
		hf_object_attach(base, state_props[i], 0);
	hf_object_attach(base, kms->prop.in_formats, formats_blob);
	if (!(kms->funcs->features & HF_KMS_BLEND))
		return;
	for (size_t i = 0; i < sizeof(blend_props) / sizeof(*blend_props); i++)
		hf_object_attach(base, blend_props[i], 0);
	if (plane->type == HF_PLANE_OVERLAY) {
		hf_object_attach(base, kms->prop.encoding, 0);
		hf_object_attach(base, kms->prop.range, 0);
	}
}

static struct hf_plane *create_plane(struct hf_kms_device *kms, uint32_t type,
				     unsigned int crtc, uint32_t zpos)
{
	struct hf_plane *plane = calloc(1, sizeof(*plane));
	struct hf_blob *formats;

	if (!plane)
		return NULL;
	plane->kms = kms;
	plane->index = kms->num_planes;
	plane->type = type;
	plane->possible_crtcs = 1u << crtc;
	plane->formats = kms->funcs->formats[type];
	while (plane->formats[plane->num_formats])
		plane->num_formats++;
	plane->state = calloc(1, sizeof(*plane->state));
	kms->planes[kms->num_planes++] = plane;
	if (!plane->state ||
	    hf_mode_object_add(kms, &plane->base, DRM_MODE_OBJECT_PLANE))
		return NULL;
	plane->state->plane = plane;
	plane->state->alpha = 0xffff;
	plane->state->rotation = DRM_MODE_ROTATE_0;
	plane->state->zpos = zpos;
	formats = in_formats(kms, plane);
	if (!formats)
		return NULL;
	plane->in_formats = formats;
	attach_plane_props(kms, plane, formats->base.id);
	return plane;
}

/* Lowest first. The driver says which kinds there are; a primary there is. */
static int create_planes(struct hf_crtc *crtc)
{
	static const uint32_t types[] = { HF_PLANE_PRIMARY, HF_PLANE_OVERLAY,
					  HF_PLANE_CURSOR };
	struct hf_plane *planes[3] = { NULL };

	for (uint32_t zpos = 0; zpos < 3; zpos++) {
		uint32_t type = types[zpos];

		if (!crtc->kms->funcs->formats[type])
			continue;
		planes[type] = create_plane(crtc->kms, type, crtc->index, zpos);
		if (!planes[type])
			return -ENOMEM;
	}
	crtc->primary = planes[HF_PLANE_PRIMARY];
	crtc->cursor = planes[HF_PLANE_CURSOR];
	return 0;
}

static int create_crtc(struct hf_kms_device *kms)
{
	struct hf_crtc *crtc = calloc(1, sizeof(*crtc));
	unsigned int index = kms->num_crtcs;
	char name[32];

	if (!crtc)
		return -ENOMEM;
	crtc->kms = kms;
	crtc->index = index;
	hf_vblank_init(crtc);
	kms->crtcs[kms->num_crtcs++] = crtc;
	crtc->state = calloc(1, sizeof(*crtc->state));
	if (!crtc->state)
		return -ENOMEM;
	crtc->state->crtc = crtc;
	crtc->state->background = BLACK;
	if (create_planes(crtc) ||
	    hf_mode_object_add(kms, &crtc->base, DRM_MODE_OBJECT_CRTC))
		return -ENOMEM;
	snprintf(name, sizeof(name), "CRTC:%u-crtc-%u", crtc->base.id, index);
	hf_timeline_init(&crtc->timeline, name);
	for (unsigned int i = 0; i < HF_KMS_GAMMA_SIZE; i++)
		for (unsigned int c = 0; c < 3; c++)
			crtc->gamma[c][i] = i * 0x101;
	hf_object_attach(&crtc->base, kms->prop.active, 0);
	hf_object_attach(&crtc->base, kms->prop.mode_id, 0);
	hf_object_attach(&crtc->base, kms->prop.out_fence, 0);
	if (kms->funcs->features & HF_KMS_GAMMA) {
		hf_object_attach(&crtc->base, kms->prop.gamma, 0);
		hf_object_attach(&crtc->base, kms->prop.gamma_size,
				 HF_KMS_GAMMA_SIZE);
	}
	return 0;
}

/* What a connector is given when something is plugged in. */
struct monitor {
	struct drm_mode_modeinfo modes[HF_KMS_MAX_MODES];
	unsigned int num_modes;
	uint32_t width_mm, height_mm;
	struct hf_blob *blob;
};

/* As connectors of the kernel do unless they say otherwise. */
static unsigned int drop_interlaced(struct drm_mode_modeinfo *modes, int n)
{
	unsigned int kept = 0;

	for (int i = 0; i < n; i++)
		if (!(modes[i].flags & (DRM_MODE_FLAG_INTERLACE |
					DRM_MODE_FLAG_DBLSCAN)))
			modes[kept++] = modes[i];
	return kept;
}

/* One that says of itself what it can do. */
static int believe(const struct hf_connector *connector,
		   const struct hf_kms_output *output, struct monitor *out)
{
	int n = hf_edid_modes(output->edid, output->edid_size, out->modes,
			      HF_KMS_MAX_MODES, &out->width_mm,
			      &out->height_mm);

	out->num_modes = drop_interlaced(out->modes, n);
	if (!out->num_modes)
		return -EINVAL;
	out->blob = hf_blob_create(connector->kms, output->edid,
				   output->edid_size);
	return out->blob ? 0 : -ENOMEM;
}

/* One that does not, or not so that it can be understood. */
static int make_up(const struct hf_connector *connector,
		   const struct hf_kms_output *output, struct monitor *out)
{
	struct hf_edid_monitor monitor = {
		.vendor = "HFS",
		.product = 1,
		.serial = connector->index + 1,
		.name = "Holdfast",
	};
	uint8_t edid[HF_EDID_MAX];
	int len;

	if (hf_mode_make(&monitor.native, output->width, output->height,
			 output->hz))
		return -EINVAL;
	/* 96 dots an inch, as a desktop would assume anyway. */
	monitor.width_mm = out->width_mm = output->width * 254 / 960;
	monitor.height_mm = out->height_mm = output->height * 254 / 960;
	out->num_modes = hf_mode_list(&monitor.native, out->modes,
				      HF_KMS_MAX_MODES);
	len = hf_edid_build(&monitor, edid);
	if (len < 0)
		return len;
	out->blob = hf_blob_create(connector->kms, edid, len);
	return out->blob ? 0 : -ENOMEM;
}

int hf_kms_plug(struct hf_connector *connector,
		const struct hf_kms_output *output)
{
	struct hf_kms_device *kms = connector->kms;
	struct monitor monitor = { .num_modes = 0 };
	int ret = 0;

	if (output->width) {
		ret = output->edid ? believe(connector, output, &monitor) :
				     -EINVAL;
		if (ret == -EINVAL)
			ret = make_up(connector, output, &monitor);
	}
	if (ret)
		return ret;
	hf_blob_put(connector->edid);
	connector->edid = monitor.blob;
	memcpy(connector->modes, monitor.modes, sizeof(monitor.modes));
	connector->num_modes = monitor.num_modes;
	connector->width_mm = monitor.width_mm;
	connector->height_mm = monitor.height_mm;
	connector->connected = output->width;
	if (kms->changed)
		kms->changed(kms);
	return 0;
}

void hf_connector_name(const struct hf_connector *connector, char *name,
		       size_t size)
{
	static const char *const types[] = {
		"Unknown", "VGA", "DVI-I", "DVI-D", "DVI-A", "Composite",
		"SVIDEO", "LVDS", "Component", "DIN", "DP", "HDMI-A", "HDMI-B",
		"TV", "eDP", "Virtual", "DSI", "DPI", "Writeback", "SPI", "USB",
	};

	snprintf(name, size, "%s-%u", types[connector->type],
		 connector->type_id);
}

static int create_connector(struct hf_kms_device *kms,
			    const struct hf_kms_output *output)
{
	struct hf_connector *connector = calloc(1, sizeof(*connector));
	unsigned int i = kms->num_connectors;
	struct hf_encoder *encoder;

	if (!connector)
		return -ENOMEM;
	connector->kms = kms;
	connector->index = i;
	connector->type = kms->funcs->connector_type;
	connector->type_id = i + 1;
	connector->dpms = DRM_MODE_DPMS_OFF;
	encoder = calloc(1, sizeof(*encoder));
	connector->encoder = encoder;
	kms->encoders[i] = encoder;
	kms->connectors[i] = connector;
	kms->num_connectors++;
	connector->state = calloc(1, sizeof(*connector->state));
	if (!encoder || !connector->state ||
	    hf_mode_object_add(kms, &encoder->base, DRM_MODE_OBJECT_ENCODER) ||
	    hf_mode_object_add(kms, &connector->base,
			       DRM_MODE_OBJECT_CONNECTOR))
		return -ENOMEM;
	connector->state->connector = connector;
	encoder->type = kms->funcs->encoder_type;
	encoder->possible_crtcs = kms->funcs->features & HF_KMS_ROUTES ?
					  (1u << kms->num_crtcs) - 1 :
					  1u << i;
	encoder->connector = connector;
	hf_object_attach(&connector->base, kms->prop.edid, 0);
	hf_object_attach(&connector->base, kms->prop.dpms, 0);
	hf_object_attach(&connector->base, kms->prop.link_status, 0);
	hf_object_attach(&connector->base, kms->prop.non_desktop, 0);
	hf_object_attach(&connector->base, kms->prop.tile, 0);
	hf_object_attach(&connector->base, kms->prop.crtc_id, 0);
	return hf_kms_plug(connector, output);
}

int hf_kms_device_init(struct hf_kms_device *kms, struct hf_clock *clock,
		       const struct hf_kms_funcs *funcs,
		       const struct hf_kms_output *outputs, size_t noutputs)
{
	size_t ncrtcs = noutputs < funcs->min_crtcs ? funcs->min_crtcs :
						      noutputs;
	int ret;

	memset(kms, 0, sizeof(*kms));
	wl_list_init(&kms->properties);
	wl_list_init(&kms->turns);
	wl_list_init(&kms->watches);
	kms->funcs = funcs;
	kms->clock = clock;
	if (noutputs > HF_KMS_MAX_CONNECTORS)
		return -EINVAL;
	ret = hf_kms_properties_init(kms);
	for (size_t i = 0; !ret && i < ncrtcs; i++)
		ret = create_crtc(kms);
	for (size_t i = 0; !ret && i < noutputs; i++)
		ret = create_connector(kms, &outputs[i]);
	if (ret)
		hf_kms_device_finish(kms);
	return ret;
}

void hf_kms_uevent(struct hf_kms_device *kms, const char *what,
		   const struct hf_connector *connector,
		   const struct hf_property *prop)
{
	if (kms->uevent)
		kms->uevent(kms, what, connector, prop);
}

/* Whoever waits for a flip is told, and pending commits end. */
void hf_kms_device_stop(struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		hf_vblank_off(kms->crtcs[i]);
}

static void free_planes(struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_planes; i++) {
		hf_plane_state_destroy(kms->planes[i]->state);
		hf_blob_put(kms->planes[i]->in_formats);
		free(kms->planes[i]);
	}
}

static void free_crtcs(struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_crtcs; i++) {
		hf_crtc_state_destroy(kms->crtcs[i]->state);
		free(kms->crtcs[i]);
	}
}

static void free_connectors(struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		hf_blob_put(kms->connectors[i]->edid);
		free(kms->connectors[i]->state);
		free(kms->connectors[i]);
		free(kms->encoders[i]);
	}
}

void hf_kms_device_finish(struct hf_kms_device *kms)
{
	struct hf_property *prop, *next;

	hf_kms_device_stop(kms);
	hf_kms_drop_held(kms);
	free_crtcs(kms);
	free_planes(kms);
	free_connectors(kms);
	hf_idr_finish(&kms->objects);
	wl_list_for_each_safe(prop, next, &kms->properties, link) {
		free(prop);
	}
}

void hf_kms_file_init(struct hf_kms_file *file, struct hf_kms_device *kms,
		      int fd)
{
	memset(file, 0, sizeof(*file));
	file->kms = kms;
	file->fd = fd;
	wl_list_init(&file->fbs);
	wl_list_init(&file->blobs);
	wl_list_init(&file->pending);
}

void hf_kms_file_finish(struct hf_kms_file *file)
{
	struct hf_event *event, *next_event;
	struct hf_framebuffer *fb, *next_fb;
	struct hf_blob *blob, *next_blob;

	/* Before the framebuffers go, one by one. */
	if (!wl_list_empty(&file->fbs))
		for (unsigned int i = 0; i < file->kms->num_crtcs; i++)
			hf_kms_hold(file->kms->crtcs[i]);
	wl_list_for_each_safe(event, next_event, &file->pending, file_link) {
		event->file = NULL;
		wl_list_remove(&event->file_link);
		wl_list_init(&event->file_link);
	}
	wl_list_for_each_safe(fb, next_fb, &file->fbs, file_link) {
		wl_list_remove(&fb->file_link);
		wl_list_init(&fb->file_link);
		hf_framebuffer_remove(fb);
	}
	wl_list_for_each_safe(blob, next_blob, &file->blobs, file_link) {
		wl_list_remove(&blob->file_link);
		wl_list_init(&blob->file_link);
		hf_blob_put(blob);
	}
}
