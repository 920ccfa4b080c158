/* SPDX-License-Identifier: MIT */
/*
 * A display: its CRTCs and the properties that they have; planes are in plane.c,
 * connectors in connector.c. Also what KMS keeps of a file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/probe.h"
#include "kms/kms.h"
#include "kms/state.h"
#include "kms/writeback.h"

/* ARGB, 16 bits each. */
#define BLACK (UINT64_C(0xffff) << 48)

static void attach_crtc_props(struct hf_crtc *crtc)
{
	struct hf_kms_device *kms = crtc->kms;
	struct hf_mode_object *base = &crtc->base;

	hf_object_attach(base, kms->prop.active, 0);
	hf_object_attach(base, kms->prop.mode_id, 0);
	hf_object_attach(base, kms->prop.out_fence, 0);
	hf_object_attach(base, kms->prop.vrr_enabled, 0);
	if (!(kms->funcs->features & HF_KMS_GAMMA))
		return;
	hf_object_attach(base, kms->prop.degamma, 0);
	hf_object_attach(base, kms->prop.degamma_size, HF_KMS_LUT_SIZE);
	hf_object_attach(base, kms->prop.ctm, 0);
	hf_object_attach(base, kms->prop.gamma, 0);
	hf_object_attach(base, kms->prop.gamma_size, HF_KMS_LUT_SIZE);
	hf_object_attach(base, kms->prop.background, 0);
}

static int create_crtc(struct hf_kms_device *kms, unsigned int overlays)
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
	if (hf_planes_create(crtc, overlays) ||
	    hf_mode_object_add(kms, &crtc->base, DRM_MODE_OBJECT_CRTC))
		return -ENOMEM;
	snprintf(name, sizeof(name), "CRTC:%u-crtc-%u", crtc->base.id, index);
	hf_timeline_init(&crtc->timeline, name);
	for (unsigned int i = 0; i < HF_KMS_GAMMA_SIZE; i++)
		for (unsigned int c = 0; c < 3; c++)
			crtc->gamma[c][i] = i * 0x101;
	attach_crtc_props(crtc);
	return 0;
}

int hf_kms_device_init(struct hf_kms_device *kms, struct hf_clock *clock,
		       const struct hf_kms_funcs *funcs,
		       const struct hf_kms_output *outputs, size_t noutputs,
		       const struct hf_kms_options *options)
{
	static const struct hf_kms_options defaults;
	unsigned int overlays;
	size_t ncrtcs = noutputs < funcs->min_crtcs ? funcs->min_crtcs :
						      noutputs;
	int ret;

	memset(kms, 0, sizeof(*kms));
	wl_list_init(&kms->properties);
	wl_list_init(&kms->turns);
	wl_list_init(&kms->watches);
	wl_list_init(&kms->late);
	kms->funcs = funcs;
	kms->clock = clock;
	if (!options)
		options = &defaults;
	overlays = options->overlays ? *options->overlays : 1;
	kms->virtual_cursor = options->virtual_cursor;
	if (noutputs > HF_KMS_MAX_OUTPUTS || overlays > HF_KMS_MAX_OVERLAYS)
		return -EINVAL;
	ret = hf_kms_properties_init(kms);
	for (size_t i = 0; !ret && i < ncrtcs; i++)
		ret = create_crtc(kms, overlays);
	for (size_t i = 0; !ret && i < noutputs; i++)
		ret = hf_connector_add_output(kms, &outputs[i]);
	if (!ret)
		hf_connector_set_clones(kms, outputs, noutputs);
	if (!ret)
		ret = hf_writeback_init(kms);
	if (ret)
		hf_kms_device_finish(kms);
	return ret;
}

void hf_kms_uevent(struct hf_kms_device *kms, const char *what,
		   const struct hf_connector *connector,
		   const struct hf_property *prop)
{
	hf_probe(uevent, kms, what, connector, prop);
	if (kms->uevent)
		kms->uevent(kms, what, connector, prop);
}

static void free_planes(struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_planes; i++) {
		hf_plane_state_destroy(kms->planes[i]->state);
		hf_blob_put(kms->planes[i]->in_formats);
		hf_blob_put(kms->planes[i]->size_hints);
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
	for (unsigned int i = 0; i < kms->num_connectors; i++)
		hf_connector_destroy(kms->connectors[i]);
	for (unsigned int i = 0; i < kms->num_encoders; i++)
		free(kms->encoders[i]);
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
