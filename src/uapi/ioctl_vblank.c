/* SPDX-License-Identifier: MIT */
/*
 * The ioctls that wait for vblanks.
 */
#include <errno.h>

#include "uapi/handlers.h"

_Static_assert(sizeof(struct drm_event_vblank) == HF_WIRE_EVENT_SIZE &&
		       sizeof(struct drm_event_crtc_sequence) ==
			       HF_WIRE_EVENT_SIZE,
	       "what clients take them for");

#define WAIT_NS (3 * HF_NSEC_PER_SEC)

/* The 64-bit count nearest to @near whose low half is @low. */
static uint64_t widen(uint32_t low, uint64_t near)
{
	return near + (int32_t)(low - (uint32_t)near);
}

static void reply(struct hf_crtc *crtc, union drm_wait_vblank *wait)
{
	uint64_t ns, count = hf_vblank_count(crtc, &ns);

	wait->reply.sequence = count;
	wait->reply.tval_sec = ns / HF_NSEC_PER_SEC;
	wait->reply.tval_usec = ns % HF_NSEC_PER_SEC / 1000;
}

/* The CRTC that a WAIT_VBLANK is for, or NULL. */
static struct hf_crtc *crtc_of_call(const struct hf_call *call)
{
	const union drm_wait_vblank *vbl = (const void *)call->arg;
	uint32_t type = vbl->request.type;
	unsigned int pipe = (type & _DRM_VBLANK_HIGH_CRTC_MASK) >>
			    _DRM_VBLANK_HIGH_CRTC_SHIFT;

	if (!pipe && (type & _DRM_VBLANK_SECONDARY))
		pipe = 1;
	return hf_kms_file_crtc(&call->file->kms, pipe);
}

static void vblank_done(struct hf_vblank_wait *wait)
{
	struct hf_call *call = wl_container_of(wait, call, wait.vblank);

	hf_timer_disarm(call->dev->sys->clock, &call->timeout);
	reply(wait->crtc, (void *)call->arg);
	hf_call_complete(call, 0);
}

/* The kernel gives up after three seconds. */
static void timed_out(struct hf_timer *timer)
{
	struct hf_call *call = wl_container_of(timer, call, timeout);

	hf_vblank_wait_remove(&call->wait.vblank);
	reply(call->wait.vblank.crtc, (void *)call->arg);
	hf_call_complete(call, -EBUSY);
}

static void cancel_wait(struct hf_call *call)
{
	hf_timer_disarm(call->dev->sys->clock, &call->timeout);
	hf_vblank_wait_remove(&call->wait.vblank);
}

static int queue_event(struct hf_call *call, struct hf_crtc *crtc,
		       uint64_t sequence, union drm_wait_vblank *vbl)
{
	uint64_t count = hf_vblank_count(crtc, NULL);
	struct hf_event *event =
		hf_event_create(&call->file->kms, DRM_EVENT_VBLANK,
				vbl->request.signal);

	if (!event)
		return -ENOMEM;
	event->sequence = sequence;
	vbl->reply.sequence = hf_vblank_passed(count, sequence) ? count : sequence;
	hf_vblank_queue(crtc, event);
	return 0;
}

/* The kernel's drm_wait_vblank_ioctl(). */
int hf_ioctl_wait_vblank(struct hf_call *call, void *arg)
{
	union drm_wait_vblank *vbl = arg;
	uint32_t type = vbl->request.type;
	struct hf_vblank_wait *wait = &call->wait.vblank;
	uint64_t count, sequence;
	struct hf_crtc *crtc;

	if (!hf_kms_has_vblank(&call->dev->kms))
		return -EOPNOTSUPP;
	if (type & _DRM_VBLANK_SIGNAL)
		return -EINVAL;
	if (type & ~(_DRM_VBLANK_TYPES_MASK | _DRM_VBLANK_FLAGS_MASK |
		     _DRM_VBLANK_HIGH_CRTC_MASK))
		return -EINVAL;
	crtc = crtc_of_call(call);
	if (!crtc || !crtc->vblank.on)
		return -EINVAL;
	count = hf_vblank_count(crtc, NULL);
	switch (type & _DRM_VBLANK_TYPES_MASK) {
	case _DRM_VBLANK_RELATIVE:
		sequence = count + vbl->request.sequence;
		/* So that a restart waits for the same one. */
		vbl->request.sequence = sequence;
		vbl->request.type &= ~_DRM_VBLANK_RELATIVE;
		break;
	case _DRM_VBLANK_ABSOLUTE:
		sequence = widen(vbl->request.sequence, count);
		break;
	default:
		return -EINVAL;
	}
	if ((type & _DRM_VBLANK_NEXTONMISS) && hf_vblank_passed(count, sequence)) {
		sequence = count + 1;
		vbl->request.type &= ~_DRM_VBLANK_NEXTONMISS;
		vbl->request.sequence = sequence;
	}
	if (type & _DRM_VBLANK_EVENT)
		return queue_event(call, crtc, sequence, vbl);
	if (hf_vblank_passed(count, sequence)) {
		reply(crtc, vbl);
		return 0;
	}
	wait->sequence = hf_vblank_target(count, sequence);
	wait->done = vblank_done;
	hf_vblank_wait_add(crtc, wait);
	call->timeout.fn = timed_out;
	hf_timer_arm(call->dev->sys->clock, &call->timeout,
		     hf_clock_now(call->dev->sys->clock) + WAIT_NS);
	return hf_call_park(call, cancel_wait, true);
}

int hf_ioctl_crtc_get_sequence(struct hf_call *call, void *arg)
{
	struct drm_crtc_get_sequence *get = arg;
	struct hf_crtc *crtc = hf_crtc_find(&call->file->kms, get->crtc_id);
	uint64_t ns;

	if (!hf_kms_has_vblank(&call->dev->kms))
		return -EOPNOTSUPP;
	if (!crtc)
		return -ENOENT;
	if (!crtc->vblank.on)
		return -EINVAL;
	get->active = crtc->state->enable;
	get->sequence = hf_vblank_count(crtc, &ns);
	get->sequence_ns = ns;
	return 0;
}

int hf_ioctl_crtc_queue_sequence(struct hf_call *call, void *arg)
{
	struct drm_crtc_queue_sequence *queue = arg;
	struct hf_crtc *crtc = hf_crtc_find(&call->file->kms, queue->crtc_id);
	struct hf_event *event;
	uint64_t count, sequence;

	if (!hf_kms_has_vblank(&call->dev->kms))
		return -EOPNOTSUPP;
	if (!crtc)
		return -ENOENT;
	if (queue->flags & ~(DRM_CRTC_SEQUENCE_RELATIVE |
			     DRM_CRTC_SEQUENCE_NEXT_ON_MISS))
		return -EINVAL;
	if (!crtc->vblank.on)
		return -EINVAL;
	count = hf_vblank_count(crtc, NULL);
	sequence = queue->sequence;
	if (queue->flags & DRM_CRTC_SEQUENCE_RELATIVE)
		sequence += count;
	if ((queue->flags & DRM_CRTC_SEQUENCE_NEXT_ON_MISS) &&
	    hf_vblank_passed(count, sequence))
		sequence = count + 1;
	event = hf_event_create(&call->file->kms, DRM_EVENT_CRTC_SEQUENCE,
				queue->user_data);
	if (!event)
		return -ENOMEM;
	event->sequence = sequence;
	queue->sequence = hf_vblank_passed(count, sequence) ? count : sequence;
	hf_vblank_queue(crtc, event);
	return 0;
}
