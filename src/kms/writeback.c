/* SPDX-License-Identifier: MIT */
/*
 * Writeback connectors and their jobs. See the header.
 *
 * The checks are the kernel's, in its order: those of drm_atomic_connector_check(),
 * then what vkms has in its encoder's atomic_check().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/edid_timings.h"
#include "kms/mode.h"
#include "kms/state.h"
#include "kms/writeback.h"

/* -- connectors ------------------------------------------------------------ */

#define LAST_DMT 0x58
#define MAX_HZ 61 /* of the kernel's drm_add_modes_noedid() */

static unsigned int count_formats(const uint32_t *formats)
{
	unsigned int n = 0;

	while (formats[n])
		n++;
	return n;
}

static void attach_props(struct hf_connector *connector)
{
	struct hf_kms_device *kms = connector->kms;
	struct hf_mode_object *base = &connector->base;

	hf_object_attach(base, kms->prop.writeback_out_fence, 0);
	hf_object_attach(base, kms->prop.writeback_fb, 0);
	hf_object_attach(base, kms->prop.writeback_formats,
			 connector->writeback_formats->base.id);
}

static int create_connector(struct hf_kms_device *kms,
			    const struct hf_encoder *encoder)
{
	const uint32_t *formats = kms->funcs->writeback_formats;
	struct hf_connector *connector =
		hf_connector_create(kms, DRM_MODE_CONNECTOR_WRITEBACK);
	char name[32], timeline[32];

	if (!connector)
		return -errno;
	connector->unknown = true;
	connector->possible_encoders = 1u << encoder->index;
	connector->writeback_formats = hf_blob_create(
		kms, formats, count_formats(formats) * sizeof(*formats));
	if (!connector->writeback_formats)
		return -ENOMEM;
	hf_connector_name(connector, name, sizeof(name));
	snprintf(timeline, sizeof(timeline), "CONNECTOR:%u-%.16s",
		 connector->base.id, name);
	hf_timeline_init(&connector->timeline, timeline);
	attach_props(connector);
	return 0;
}

/* It writes back what any other shows that can be on its CRTC. */
static void set_clones(struct hf_kms_device *kms, struct hf_encoder *encoder)
{
	for (unsigned int i = 0; i < kms->num_encoders; i++) {
		struct hf_encoder *other = kms->encoders[i];

		if (!(other->possible_crtcs & encoder->possible_crtcs))
			continue;
		encoder->possible_clones |= 1u << i;
		other->possible_clones |= 1u << encoder->index;
	}
}

int hf_writeback_init(struct hf_kms_device *kms)
{
	int ret = 0;

	if (!(kms->funcs->features & HF_KMS_WRITEBACK))
		return 0;
	for (unsigned int i = 0; !ret && i < kms->num_crtcs &&
				 kms->num_encoders < HF_KMS_MAX_ENCODERS; i++) {
		struct hf_encoder *encoder = hf_encoder_create(
			kms, DRM_MODE_ENCODER_VIRTUAL, 1u << i);

		if (!encoder)
			return -errno;
		set_clones(kms, encoder);
		ret = create_connector(kms, encoder);
	}
	return ret;
}

/* Sorted, behind those that it equals. */
static void insert_mode(struct hf_connector *connector,
			const struct drm_mode_modeinfo *mode)
{
	unsigned int i = connector->num_modes;

	if (i == HF_KMS_MAX_MODES)
		return;
	while (i && hf_mode_compare(mode, &connector->modes[i - 1]) < 0)
		i--;
	memmove(&connector->modes[i + 1], &connector->modes[i],
		(connector->num_modes - i) * sizeof(*mode));
	connector->modes[i] = *mode;
	connector->num_modes++;
}

/* As the kernel's drivers have it: connected when somebody looks, with all of VESA's
 * modes that are not too fast for a monitor. */
void hf_writeback_probe(struct hf_connector *connector)
{
	struct drm_mode_modeinfo mode;

	if (!connector->unknown)
		return;
	for (unsigned int id = 1; id <= LAST_DMT; id++) {
		if (!hf_timing_dmt(&mode, id) ||
		    (mode.flags & DRM_MODE_FLAG_INTERLACE) ||
		    hf_mode_vrefresh(&mode) > MAX_HZ)
			continue;
		mode.type = DRM_MODE_TYPE_DRIVER;
		mode.vrefresh = hf_mode_vrefresh(&mode);
		snprintf(mode.name, sizeof(mode.name), "%ux%u", mode.hdisplay,
			 mode.vdisplay);
		insert_mode(connector, &mode);
	}
	connector->unknown = false;
	connector->connected = true;
	if (connector->kms->changed)
		connector->kms->changed(connector->kms);
}

/* -- jobs ------------------------------------------------------------------ */

int hf_writeback_set_fb(struct hf_connector_state *state,
			struct hf_framebuffer *fb)
{
	struct hf_writeback_job *job = state->writeback;

	if (!job) {
		job = calloc(1, sizeof(*job));
		if (!job)
			return -ENOMEM;
		wl_list_init(&job->link);
		job->connector = state->connector;
		state->writeback = job;
	}
	if (fb)
		hf_framebuffer_get(fb);
	hf_framebuffer_put(job->fb);
	job->fb = fb;
	return 0;
}

void hf_writeback_job_destroy(struct hf_writeback_job *job)
{
	const struct hf_kms_funcs *funcs;

	if (!job)
		return;
	funcs = job->connector->kms->funcs;
	if (job->prepared && funcs->cleanup_writeback)
		funcs->cleanup_writeback(job);
	hf_framebuffer_put(job->fb);
	hf_fence_put(job->fence);
	free(job);
}

static int check_job(const struct hf_atomic_state *state,
		     struct hf_connector_state *connector)
{
	struct hf_writeback_job *job = connector->writeback;

	if (job->fb && !connector->crtc)
		return -EINVAL;
	if (job->fb && !state->crtcs[connector->crtc->index]->active)
		return -EINVAL;
	if (job->fb)
		return 0;
	if (job->fence)
		return -EINVAL;
	hf_writeback_job_destroy(job);
	connector->writeback = NULL;
	return 0;
}

int hf_writeback_check(struct hf_atomic_state *state)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < state->kms->num_connectors; i++)
		if (state->connectors[i] && state->connectors[i]->writeback)
			ret = check_job(state, state->connectors[i]);
	return ret;
}

static bool can_write(const struct hf_kms_funcs *funcs,
		      const struct hf_framebuffer *fb)
{
	for (const uint32_t *format = funcs->writeback_formats; *format;
	     format++)
		if (*format == fb->format->fourcc)
			return true;
	return false;
}

int hf_writeback_check_targets(const struct hf_atomic_state *state)
{
	const struct hf_kms_device *kms = state->kms;

	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		const struct hf_connector_state *connector =
			state->connectors[i];
		const struct drm_mode_modeinfo *mode;
		const struct hf_framebuffer *fb;

		if (!connector || !connector->writeback)
			continue;
		fb = connector->writeback->fb;
		mode = &state->crtcs[connector->crtc->index]->mode;
		if (fb->width != mode->hdisplay ||
		    fb->height != mode->vdisplay || !can_write(kms->funcs, fb))
			return -EINVAL;
	}
	return 0;
}

int hf_writeback_prepare(struct hf_atomic_state *state)
{
	const struct hf_kms_funcs *funcs = state->kms->funcs;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < state->kms->num_connectors; i++) {
		struct hf_writeback_job *job =
			state->connectors[i] ? state->connectors[i]->writeback :
					       NULL;

		if (!job || job->prepared)
			continue;
		if (funcs->prepare_writeback)
			ret = funcs->prepare_writeback(job);
		job->prepared = !ret;
	}
	return ret;
}

void hf_writeback_take(struct hf_crtc *crtc, struct wl_list *jobs)
{
	const struct hf_kms_device *kms = crtc->kms;

	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		struct hf_connector_state *state = kms->connectors[i]->state;
		struct hf_writeback_job *job = state->writeback;

		if (!job || state->crtc != crtc)
			continue;
		state->writeback = NULL;
		job->crtc = crtc;
		wl_list_insert(jobs->prev, &job->link);
	}
}

void hf_writeback_start(struct wl_list *jobs)
{
	while (!wl_list_empty(jobs)) {
		struct hf_writeback_job *job =
			wl_container_of(jobs->next, job, link);

		wl_list_remove(&job->link);
		wl_list_init(&job->link);
		job->connector->kms->funcs->writeback(job);
	}
}

void hf_writeback_done(struct hf_writeback_job *job, int error)
{
	struct hf_kms_device *kms = job->connector->kms;
	struct hf_fence *fence = job->fence;

	/* The memory is the client's again before it hears of it. */
	job->fence = NULL;
	hf_writeback_job_destroy(job);
	kms->writebacks++;
	if (fence)
		hf_fence_done(kms->fences, fence, error,
			      hf_clock_now(kms->clock));
	hf_fence_put(fence);
}
