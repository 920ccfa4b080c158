/* SPDX-License-Identifier: MIT */
/*
 * The ioctls that change what is shown: atomic, and the legacy ones as
 * atomic states (kms/legacy.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kms/legacy.h"
#include "kms/mode.h"
#include "kms/writeback.h"
#include "sync/sync_file.h"
#include "uapi/handlers.h"

/* Commit what a builder built, or drop it with the builder's error. */
static int commit(struct hf_call *call, struct hf_atomic_state *state, int ret,
		  bool nonblock)
{
	if (ret) {
		hf_atomic_state_destroy(state);
		return ret;
	}
	return hf_call_commit(call, state, nonblock);
}

/* A lessee may have a CRTC without the planes that the legacy ioctls use. */
static bool sees(const struct hf_call *call,
		 const struct hf_mode_object *object)
{
	return hf_kms_file_sees(&call->file->kms, object);
}

/* -- SETCRTC --------------------------------------------------------------- */

static int check_setcrtc_mode(struct hf_call *call,
			      const struct drm_mode_crtc *set,
			      const struct hf_crtc *crtc,
			      struct hf_framebuffer **fb)
{
	struct hf_kms_device *kms = &call->dev->kms;
	int ret;

	if (set->fb_id == UINT32_MAX) {
		*fb = crtc->primary->state->fb;
		if (!*fb)
			return -EINVAL;
	} else {
		*fb = hf_framebuffer_find(kms, set->fb_id);
		if (!*fb)
			return -ENOENT;
	}
	if (!call->file->kms.aspect &&
	    (set->mode.flags & DRM_MODE_FLAG_PIC_AR_MASK))
		return -EINVAL;
	ret = hf_mode_check(&set->mode);
	if (ret)
		return ret;
	if (!hf_plane_has_format(crtc->primary, (*fb)->format->fourcc,
				 (*fb)->modifier))
		return -EINVAL;
	return hf_legacy_check_viewport(crtc, &set->mode, *fb, set->x, set->y);
}

static int get_connectors(struct hf_call *call, uint32_t n,
			  struct hf_connector **connectors)
{
	struct hf_kms_device *kms = &call->dev->kms;
	const uint32_t *ids;
	int ret;

	if (n > kms->num_connectors)
		return -EINVAL;
	ret = hf_call_copy_in(call, 0, n, (const void **)&ids);
	for (uint32_t i = 0; !ret && i < n; i++) {
		connectors[i] = hf_connector_find(&call->file->kms, ids[i]);
		if (!connectors[i])
			ret = -ENOENT;
	}
	return ret;
}

int hf_ioctl_mode_setcrtc(struct hf_call *call, void *arg)
{
	struct hf_kms_device *kms = &call->dev->kms;
	struct hf_connector *connectors[HF_KMS_MAX_CONNECTORS];
	const struct drm_mode_crtc *set = arg;
	const struct drm_mode_modeinfo *mode = NULL;
	struct hf_framebuffer *fb = NULL;
	struct hf_atomic_state *state;
	struct hf_crtc *crtc;
	int ret;

	/* Sources are 16.16. */
	if (set->x & 0xffff0000 || set->y & 0xffff0000)
		return -ERANGE;
	crtc = hf_crtc_find(&call->file->kms, set->crtc_id);
	if (!crtc)
		return -ENOENT;
	/* To switch off takes no more than the CRTC. */
	if (set->mode_valid && !sees(call, &crtc->primary->base))
		return -EACCES;
	if (set->mode_valid) {
		mode = &set->mode;
		ret = check_setcrtc_mode(call, set, crtc, &fb);
		if (ret)
			return ret;
	}
	if ((set->count_connectors == 0) != !mode)
		return -EINVAL;
	ret = get_connectors(call, set->count_connectors, connectors);
	if (ret)
		return ret;
	state = hf_atomic_state_create(kms);
	if (!state)
		return -ENOMEM;
	ret = hf_legacy_set_crtc(state, crtc, mode, fb, set->x, set->y,
				 connectors, set->count_connectors);
	return commit(call, state, ret, false);
}

/* -- PAGE_FLIP ------------------------------------------------------------- */

static int check_page_flip(const struct hf_call *call,
			   const struct drm_mode_crtc_page_flip *flip)
{
	if (flip->flags & ~DRM_MODE_PAGE_FLIP_FLAGS)
		return -EINVAL;
	if (flip->reserved != 0 && !(flip->flags & DRM_MODE_PAGE_FLIP_TARGET))
		return -EINVAL;
	if ((flip->flags & DRM_MODE_PAGE_FLIP_TARGET) ==
	    DRM_MODE_PAGE_FLIP_TARGET)
		return -EINVAL;
	if ((flip->flags & DRM_MODE_PAGE_FLIP_ASYNC) &&
	    !(call->dev->kms.funcs->features & HF_KMS_ASYNC))
		return -EINVAL;
	return 0;
}

static bool inside(const struct hf_plane_state *plane,
		   const struct hf_framebuffer *fb)
{
	uint64_t w = (uint64_t)fb->width << 16, h = (uint64_t)fb->height << 16;

	return plane->src_w <= w && plane->src_x <= w - plane->src_w &&
	       plane->src_h <= h && plane->src_y <= h - plane->src_h;
}

int hf_ioctl_mode_page_flip(struct hf_call *call, void *arg)
{
	const struct drm_mode_crtc_page_flip *flip = arg;
	struct hf_kms_device *kms = &call->dev->kms;
	const struct hf_plane_state *shown;
	struct hf_event *event = NULL;
	struct hf_atomic_state *state;
	struct hf_framebuffer *fb;
	struct hf_crtc *crtc;
	int ret = check_page_flip(call, flip);

	if (ret)
		return ret;
	crtc = hf_crtc_find(&call->file->kms, flip->crtc_id);
	if (!crtc)
		return -ENOENT;
	if (!sees(call, &crtc->primary->base))
		return -EACCES;
	/* No target: the hardware flips at the next vblank. */
	if (flip->flags & DRM_MODE_PAGE_FLIP_TARGET)
		return -EINVAL;
	shown = crtc->primary->state;
	if (!shown->fb)
		return -EBUSY;
	fb = hf_framebuffer_find(kms, flip->fb_id);
	if (!fb)
		return -ENOENT;
	if (!inside(shown, fb))
		return -ENOSPC;
	if (shown->fb->format != fb->format)
		return -EINVAL;
	if (flip->flags & DRM_MODE_PAGE_FLIP_EVENT) {
		event = hf_event_create(&call->file->kms,
					DRM_EVENT_FLIP_COMPLETE,
					flip->user_data);
		if (!event)
			return -ENOMEM;
	}
	state = hf_atomic_state_create(kms);
	if (!state) {
		hf_event_destroy(event);
		return -ENOMEM;
	}
	ret = hf_legacy_page_flip(state, crtc, fb,
				  flip->flags & DRM_MODE_PAGE_FLIP_ASYNC);
	if (ret)
		hf_event_destroy(event);
	else
		state->crtcs[crtc->index]->event = event;
	return commit(call, state, ret, true);
}

/* -- planes and cursors ---------------------------------------------------- */

static int check_setplane(const struct hf_plane *plane,
			  const struct hf_crtc *crtc,
			  const struct hf_framebuffer *fb,
			  const struct drm_mode_set_plane *set)
{
	struct hf_plane_state src = {
		.src_x = set->src_x,
		.src_y = set->src_y,
		.src_w = set->src_w,
		.src_h = set->src_h,
	};

	if (!(plane->possible_crtcs & 1u << crtc->index))
		return -EINVAL;
	if (!hf_plane_has_format(plane, fb->format->fourcc, fb->modifier))
		return -EINVAL;
	if (set->crtc_w > INT_MAX ||
	    set->crtc_x > INT_MAX - (int32_t)set->crtc_w ||
	    set->crtc_h > INT_MAX ||
	    set->crtc_y > INT_MAX - (int32_t)set->crtc_h)
		return -ERANGE;
	return inside(&src, fb) ? 0 : -ENOSPC;
}

static int set_plane(struct hf_call *call, struct hf_plane *plane,
		     struct hf_crtc *crtc, struct hf_framebuffer *fb,
		     const struct drm_mode_set_plane *set)
{
	struct hf_atomic_state *state;
	int ret = 0;

	if (fb)
		ret = check_setplane(plane, crtc, fb, set);
	if (ret)
		return ret;
	/* Taking off what is not on. */
	if (!fb && !plane->state->fb)
		return 0;
	state = hf_atomic_state_create(&call->dev->kms);
	if (!state)
		return -ENOMEM;
	ret = hf_legacy_set_plane(state, plane, fb ? crtc : plane->state->crtc,
				  fb, set);
	return commit(call, state, ret, false);
}

int hf_ioctl_mode_setplane(struct hf_call *call, void *arg)
{
	const struct drm_mode_set_plane *set = arg;
	struct hf_kms_device *kms = &call->dev->kms;
	struct hf_plane *plane = hf_plane_find(&call->file->kms, set->plane_id);
	struct hf_framebuffer *fb = NULL;
	struct hf_crtc *crtc = NULL;

	if (!plane)
		return -ENOENT;
	if (set->fb_id) {
		fb = hf_framebuffer_find(kms, set->fb_id);
		if (!fb)
			return -ENOENT;
		crtc = hf_crtc_find(&call->file->kms, set->crtc_id);
		if (!crtc)
			return -ENOENT;
	}
	return set_plane(call, plane, crtc, fb, set);
}

/* The kernel's drm_mode_cursor_universal(). */
static int set_cursor(struct hf_call *call, const struct drm_mode_cursor2 *req)
{
	struct hf_crtc *crtc;
	struct hf_plane *plane;
	struct hf_framebuffer *fb = NULL;
	struct drm_mode_set_plane set = { 0 };
	bool move = req->flags & DRM_MODE_CURSOR_MOVE;
	int ret = 0;

	if (!req->flags || (req->flags & ~DRM_MODE_CURSOR_FLAGS))
		return -EINVAL;
	crtc = hf_crtc_find(&call->file->kms, req->crtc_id);
	if (!crtc)
		return -ENOENT;
	plane = crtc->cursor;
	/* What the kernel says for a driver that cannot do the one or the other. */
	if (!plane)
		return req->flags & DRM_MODE_CURSOR_BO ? -ENXIO : -EFAULT;
	if (!sees(call, &plane->base))
		return -EACCES;
	if (!(req->flags & DRM_MODE_CURSOR_BO)) {
		if (plane->state->fb)
			fb = hf_framebuffer_get(plane->state->fb);
	} else if (req->handle) {
		ret = hf_call_cursor_fb(call, req->handle, req->width,
					req->height, &fb);
		if (ret)
			return ret;
		plane->state->hotspot_x = req->hot_x;
		plane->state->hotspot_y = req->hot_y;
	}
	if (fb) {
		set.crtc_x = move ? req->x : plane->cursor_x;
		set.crtc_y = move ? req->y : plane->cursor_y;
		set.crtc_w = fb->width;
		set.crtc_h = fb->height;
		set.src_w = fb->width << 16;
		set.src_h = fb->height << 16;
	}
	ret = set_plane(call, plane, crtc, fb, &set);
	/* It may have to wait for who draws it: from now on it is there. */
	if ((!ret || ret == HF_CALL_PARKED) && move) {
		plane->cursor_x = req->x;
		plane->cursor_y = req->y;
	}
	hf_framebuffer_put(fb);
	return ret;
}

int hf_ioctl_mode_cursor(struct hf_call *call, void *arg)
{
	struct drm_mode_cursor2 req = { 0 };

	memcpy(&req, arg, sizeof(struct drm_mode_cursor));
	return set_cursor(call, &req);
}

int hf_ioctl_mode_cursor2(struct hf_call *call, void *arg)
{
	return set_cursor(call, arg);
}

/* -- gamma ----------------------------------------------------------------- */

int hf_ioctl_mode_setgamma(struct hf_call *call, void *arg)
{
	const struct drm_mode_crtc_lut *set = arg;
	struct hf_crtc *crtc = hf_crtc_find(&call->file->kms, set->crtc_id);
	struct drm_color_lut lut[HF_KMS_GAMMA_SIZE] = { 0 };
	const uint16_t *in[3];
	struct hf_atomic_state *state;
	int ret = 0;

	if (!crtc)
		return -ENOENT;
	if (!hf_crtc_gamma_size(crtc))
		return -ENOSYS;
	if (set->gamma_size != HF_KMS_GAMMA_SIZE)
		return -EINVAL;
	for (unsigned int c = 0; !ret && c < 3; c++)
		ret = hf_call_copy_in(call, c, HF_KMS_GAMMA_SIZE,
				      (const void **)&in[c]);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < HF_KMS_GAMMA_SIZE; i++) {
		lut[i].red = in[0][i];
		lut[i].green = in[1][i];
		lut[i].blue = in[2][i];
	}
	for (unsigned int c = 0; c < 3; c++)
		memcpy(crtc->gamma[c], in[c], sizeof(crtc->gamma[c]));
	state = hf_atomic_state_create(&call->dev->kms);
	if (!state)
		return -ENOMEM;
	ret = hf_legacy_set_gamma(state, crtc, lut);
	return commit(call, state, ret, false);
}

/* -- properties and what comes with them --------------------------------------- */

/* IN_FENCE_FD: the value is a descriptor of a sync_file, or -1. */
static int set_in_fence(struct hf_call *call, struct hf_atomic_state *state,
			struct hf_plane *plane, int64_t value)
{
	struct hf_plane_state *new = hf_atomic_get_plane(state, plane);
	struct hf_fence *fence;
	int fd, ret;

	if (!new)
		return -ENOMEM;
	if (new->in_fence)
		return -EINVAL;
	if (value == -1)
		return 0;
	ret = hf_call_fd(call, value, &fd);
	if (ret)
		return ret == HF_WIRE_ASK ? ret : -EINVAL;
	fence = hf_sync_file_fence(&call->dev->sys->endpoints, fd);
	if (!fence)
		return -EINVAL;
	new->in_fence = hf_fence_get(fence);
	return 0;
}

/* OUT_FENCE_PTR: the value is where the client wants a descriptor. */
static int set_out_fence(struct hf_call *call, struct hf_atomic_state *state,
			 struct hf_crtc *crtc, uint64_t addr)
{
	struct hf_crtc_state *new = hf_atomic_get_crtc(state, crtc);

	if (!new)
		return -ENOMEM;
	if (!addr)
		return 0;
	new->out_fence_ptr = addr;
	return hf_call_put(call, addr, -1);
}

/* WRITEBACK_OUT_FENCE_PTR: the same, for what a connector writes back. */
static int set_writeback_fence(struct hf_call *call,
			       struct hf_atomic_state *state,
			       struct hf_connector *connector, uint64_t addr)
{
	struct hf_connector_state *new =
		hf_atomic_get_connector(state, connector);

	if (!new)
		return -ENOMEM;
	if (!addr)
		return 0;
	new->out_fence_ptr = addr;
	return hf_call_put(call, addr, -1);
}

static int set_atomic_property(struct hf_call *call,
			       struct hf_atomic_state *state,
			       struct hf_mode_object *object,
			       struct hf_property *prop, uint64_t value)
{
	struct hf_kms_device *kms = state->kms;
	int ret;

	if (prop != kms->prop.in_fence && prop != kms->prop.out_fence &&
	    prop != kms->prop.writeback_out_fence)
		return hf_atomic_set_property(state, object, prop, value);
	ret = hf_atomic_may_set(state, object, prop, value);
	if (ret <= 0)
		return ret;
	if (prop == kms->prop.in_fence)
		return set_in_fence(call, state, (struct hf_plane *)object,
				    value);
	if (prop == kms->prop.out_fence)
		return set_out_fence(call, state, (struct hf_crtc *)object,
				     value);
	return set_writeback_fence(call, state, (struct hf_connector *)object,
				   value);
}

/* -- ATOMIC ---------------------------------------------------------------- */

static int check_atomic(const struct hf_call *call,
			const struct drm_mode_atomic *atomic)
{
	if (!call->file->kms.atomic)
		return -EINVAL;
	if (atomic->flags & ~DRM_MODE_ATOMIC_FLAGS)
		return -EINVAL;
	if (atomic->reserved)
		return -EINVAL;
	if ((atomic->flags & DRM_MODE_PAGE_FLIP_ASYNC) &&
	    !(call->dev->kms.funcs->features & HF_KMS_ASYNC))
		return -EINVAL;
	if ((atomic->flags & DRM_MODE_ATOMIC_TEST_ONLY) &&
	    (atomic->flags & DRM_MODE_PAGE_FLIP_EVENT))
		return -EINVAL;
	return 0;
}

/* A fence, and its descriptor for the client. */
static int add_out_fence(struct hf_call *call, struct hf_timeline *timeline,
			 uint64_t addr, struct hf_fence **fence)
{
	int fd;

	*fence = hf_fence_create(timeline);
	if (!*fence)
		return -ENOMEM;
	fd = hf_sync_file_create(&call->dev->sys->endpoints,
				 call->dev->sys->instance, *fence);
	return fd < 0 ? fd : hf_call_put_fd(call, addr, fd);
}

/* One for each CRTC that wants one, and for each framebuffer that is written. */
static int add_out_fences(struct hf_call *call, struct hf_atomic_state *state)
{
	struct hf_kms_device *kms = state->kms;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < kms->num_crtcs; i++) {
		struct hf_crtc_state *crtc = state->crtcs[i];

		if (crtc && crtc->out_fence_ptr)
			ret = add_out_fence(call, &kms->crtcs[i]->timeline,
					    crtc->out_fence_ptr,
					    &crtc->out_fence);
	}
	for (unsigned int i = 0; !ret && i < kms->num_connectors; i++) {
		struct hf_connector_state *connector = state->connectors[i];

		if (connector && connector->writeback &&
		    connector->out_fence_ptr)
			ret = add_out_fence(call, &kms->connectors[i]->timeline,
					    connector->out_fence_ptr,
					    &connector->writeback->fence);
	}
	return ret;
}

/* One object's properties: elements @first to @first + @n of the two arrays. */
static int set_object(struct hf_call *call, struct hf_atomic_state *state,
		      struct hf_mode_object *object, size_t first, size_t n)
{
	const uint32_t *props = NULL;
	const uint64_t *values = NULL;
	int ret;

	for (size_t i = first; i < first + n; i++) {
		struct hf_property *prop;

		ret = props ? 0 : hf_call_copy_in(call, 2, first + n,
						  (const void **)&props);
		if (ret)
			return ret;
		prop = hf_object_prop(object, props[i]);
		if (!prop)
			return -ENOENT;
		if (!values)
			ret = hf_call_copy_in(call, 3, first + n,
					      (const void **)&values);
		if (!ret)
			ret = set_atomic_property(call, state, object, prop,
						  values[i]);
		if (ret && ret != HF_WIRE_ASK)
			hf_dbg("pid %d: object %u: %s = %llu: %s",
			       call->cred.pid, object->id, prop->name,
			       (unsigned long long)values[i], strerror(-ret));
		if (ret)
			return ret;
	}
	return 0;
}

static int build_atomic(struct hf_call *call, struct hf_atomic_state *state,
			const struct drm_mode_atomic *atomic)
{
	const uint32_t *ids, *counts;
	size_t first = 0;
	int ret;

	for (uint32_t i = 0; i < atomic->count_objs; i++) {
		struct hf_mode_object *object;

		ret = hf_call_copy_in(call, 0, atomic->count_objs,
				      (const void **)&ids);
		if (ret)
			return ret;
		object = hf_mode_object_seen(&call->file->kms, ids[i],
					     DRM_MODE_OBJECT_ANY);
		if (!object || !object->nprops)
			return -ENOENT;
		ret = hf_call_copy_in(call, 1, atomic->count_objs,
				      (const void **)&counts);
		if (!ret)
			ret = set_object(call, state, object, first,
					 counts[i]);
		if (ret)
			return ret;
		first += counts[i];
	}
	return 0;
}

/* An event for each CRTC of the state; none at all is an error. */
static int add_events(struct hf_call *call, struct hf_atomic_state *state,
		      uint64_t user_data)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < call->dev->kms.num_crtcs; i++) {
		if (!state->crtcs[i])
			continue;
		state->crtcs[i]->event = hf_event_create(
			&call->file->kms, DRM_EVENT_FLIP_COMPLETE, user_data);
		if (!state->crtcs[i]->event)
			return -ENOMEM;
		n++;
	}
	return n ? 0 : -EINVAL;
}

static void make_async(struct hf_atomic_state *state)
{
	for (unsigned int i = 0; i < state->kms->num_crtcs; i++)
		if (state->crtcs[i])
			state->crtcs[i]->async_flip = true;
}

int hf_ioctl_mode_atomic(struct hf_call *call, void *arg)
{
	const struct drm_mode_atomic *atomic = arg;
	struct hf_atomic_state *state;
	int ret = check_atomic(call, atomic);

	if (ret)
		return ret;
	state = hf_atomic_state_create(&call->dev->kms);
	if (!state)
		return -ENOMEM;
	state->file = &call->file->kms;
	state->allow_modeset = atomic->flags & DRM_MODE_ATOMIC_ALLOW_MODESET;
	state->async = atomic->flags & DRM_MODE_PAGE_FLIP_ASYNC;
	ret = build_atomic(call, state, atomic);
	if (!ret && state->async)
		make_async(state);
	if (!ret && (atomic->flags & DRM_MODE_PAGE_FLIP_EVENT))
		ret = add_events(call, state, atomic->user_data);
	if (!ret && (atomic->flags & DRM_MODE_ATOMIC_TEST_ONLY)) {
		ret = hf_atomic_check(state);
		if (!ret && state->kms->test_fault)
			ret = hf_fault_take(&state->kms->commit_fault);
		hf_atomic_state_destroy(state);
		return ret;
	}
	if (!ret)
		ret = add_out_fences(call, state);
	return commit(call, state, ret,
		      atomic->flags & DRM_MODE_ATOMIC_NONBLOCK);
}

/* -- properties ------------------------------------------------------------ */

/* The kernel's drm_atomic_connector_commit_dpms(). */
static int set_dpms(struct hf_call *call, struct hf_atomic_state *state,
		    struct hf_connector *connector, uint64_t value)
{
	uint32_t old = connector->dpms;
	int ret = hf_legacy_set_dpms(state, connector, value);

	/* Without a CRTC there is nothing to commit. */
	if (!connector->state->crtc) {
		hf_atomic_state_destroy(state);
		return ret;
	}
	ret = commit(call, state, ret, false);
	if (ret < 0)
		connector->dpms = old;
	return ret;
}

static int set_property(struct hf_call *call, struct hf_mode_object *object,
			uint32_t prop_id, uint64_t value)
{
	struct hf_property *prop = hf_object_prop(object, prop_id);
	struct hf_atomic_state *state;
	int ret;

	if (!prop)
		return -EINVAL;
	if (!hf_property_valid(&call->dev->kms, prop, value))
		return -EINVAL;
	if (prop == call->dev->kms.prop.dpms &&
	    value == ((struct hf_connector *)object)->dpms)
		return 0;
	state = hf_atomic_state_create(&call->dev->kms);
	if (!state)
		return -ENOMEM;
	state->file = &call->file->kms;
	state->allow_modeset = true;
	if (prop == call->dev->kms.prop.dpms)
		return set_dpms(call, state, (struct hf_connector *)object,
				value);
	ret = set_atomic_property(call, state, object, prop, value);
	return commit(call, state, ret, false);
}

int hf_ioctl_mode_setproperty(struct hf_call *call, void *arg)
{
	const struct drm_mode_connector_set_property *set = arg;
	struct hf_connector *connector =
		hf_connector_find(&call->file->kms, set->connector_id);

	if (!connector)
		return -ENOENT;
	return set_property(call, &connector->base, set->prop_id, set->value);
}

int hf_ioctl_mode_obj_setproperty(struct hf_call *call, void *arg)
{
	const struct drm_mode_obj_set_property *set = arg;
	struct hf_mode_object *object = hf_mode_object_seen(
		&call->file->kms, set->obj_id, set->obj_type);

	if (!object)
		return -ENOENT;
	if (!object->nprops)
		return -EINVAL;
	return set_property(call, object, set->prop_id, set->value);
}
