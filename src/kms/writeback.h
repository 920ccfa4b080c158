/* SPDX-License-Identifier: MIT */
/*
 * Writeback: connectors that write what their CRTC shows into a framebuffer, once a
 * commit that asks for it. The kernel's drm_writeback; struct hf_kms_funcs has what
 * a driver does for it.
 *
 * A job belongs to the connector's new state until that is committed, then to the
 * flip, and from hf_kms_funcs.writeback() to hf_writeback_done() to the driver. It
 * holds the framebuffer. The device's lock protects it all.
 */
#ifndef HF_KMS_WRITEBACK_H
#define HF_KMS_WRITEBACK_H

#include "kms/kms.h"

/**
 * struct hf_writeback_job - Write what a CRTC shows into a framebuffer, once.
 * @link: of the commit that it is a part of
 * @connector: that does it
 * @crtc: that the connector was on when the job was committed
 * @fb: to write to; NULL, before the check, for a client that wants nothing
 * @fence: signaled when it is done; NULL: nobody wants to know
 * @prepared: hf_kms_funcs.prepare_writeback() was called
 * @driver: the driver's own, from prepare_writeback() to cleanup_writeback()
 */
struct hf_writeback_job {
	struct wl_list link;
	struct hf_connector *connector;
	struct hf_crtc *crtc;
	struct hf_framebuffer *fb;
	struct hf_fence *fence;
	bool prepared;
	void *driver;
};

/**
 * hf_writeback_done() - A driver is done with a job, and must not touch it again.
 * @error: 0, or a negative errno: the framebuffer's content is undefined
 */
void hf_writeback_done(struct hf_writeback_job *job, int error);

/* What is left is between the files of kms/, and the ioctls. */

static inline bool hf_connector_writes_back(const struct hf_connector *connector)
{
	return connector->type == DRM_MODE_CONNECTOR_WRITEBACK;
}

/** hf_writeback_init() - A connector a CRTC, if the driver can write back, while there
 * are encoders left. */
int hf_writeback_init(struct hf_kms_device *kms);
/** hf_writeback_probe() - Somebody wants to know a connector's modes. */
void hf_writeback_probe(struct hf_connector *connector);
/**
 * hf_writeback_set_fb() - Set WRITEBACK_FB_ID in a new state.
 * @fb: NULL: nothing is to be written
 *
 * Return: 0 or -ENOMEM.
 */
int hf_writeback_set_fb(struct hf_connector_state *state,
			struct hf_framebuffer *fb);
/** hf_writeback_check() - What drm_atomic_connector_check() refuses: -EINVAL. */
int hf_writeback_check(struct hf_atomic_state *state);
/**
 * hf_writeback_check_targets() - Does each framebuffer fit its CRTC's mode and the
 * connector's formats? 0 or -EINVAL.
 */
int hf_writeback_check_targets(const struct hf_atomic_state *state);
/** hf_writeback_prepare() - It is going to be committed; 0 or a negative errno. */
int hf_writeback_prepare(struct hf_atomic_state *state);
/**
 * hf_writeback_take() - Move a CRTC's jobs from the states that are current now.
 * @jobs: where to
 */
void hf_writeback_take(struct hf_crtc *crtc, struct wl_list *jobs);
/** hf_writeback_start() - The CRTC shows the state of these jobs. */
void hf_writeback_start(struct wl_list *jobs);
/** hf_writeback_job_destroy() - One that is not with the driver. Takes NULL. */
void hf_writeback_job_destroy(struct hf_writeback_job *job);

#endif
