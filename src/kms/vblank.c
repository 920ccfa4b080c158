/* SPDX-License-Identifier: MIT */
/*
 * Vblanks. They are computed, not counted: the number of the last one follows
 * from the time since the mode was set, so a display that nobody waits for
 * costs nothing. While somebody waits, one timer is armed for the earliest
 * vblank that is wanted.
 *
 * The device's lock protects it all; the timer fires with it held.
 */
#include "kms/kms.h"
#include "kms/mode.h"

typedef unsigned __int128 u128;

/* How long @n frames last, rounded down once and not @n times. */
static uint64_t frames_ns(const struct hf_vblank *vblank, uint64_t n)
{
	if (vblank->longest_ns)
		return n * vblank->longest_ns;
	return (uint64_t)((u128)n * vblank->frame_num / vblank->frame_den);
}

/* @count: not before the last one */
static uint64_t time_of(const struct hf_vblank *vblank, uint64_t count)
{
	uint64_t n = count - vblank->start;

	if (vblank->early_ns && n)
		return vblank->early_ns + frames_ns(vblank, n - 1);
	return vblank->start_ns + frames_ns(vblank, n);
}

/* Vblanks since the start; where an early one is due, it is the next. */
static uint64_t frames_in(const struct hf_vblank *vblank, uint64_t ns)
{
	if (vblank->early_ns)
		return 0;
	if (vblank->longest_ns)
		return ns / vblank->longest_ns;
	return (uint64_t)((u128)ns * vblank->frame_den / vblank->frame_num);
}

/* From here on vblanks are counted from this one. */
static void restart(struct hf_vblank *vblank, uint64_t count, uint64_t ns)
{
	vblank->start = count;
	vblank->start_ns = ns;
	vblank->early_ns = 0;
}

uint64_t hf_vblank_count(struct hf_crtc *crtc, uint64_t *ns)
{
	struct hf_vblank *vblank = &crtc->vblank;
	uint64_t now, count;

	if (!hf_kms_has_vblank(crtc->kms)) {
		if (ns)
			*ns = hf_clock_now(crtc->kms->clock);
		return 0;
	}
	if (!vblank->on) {
		if (ns)
			*ns = vblank->last_ns;
		return vblank->last;
	}
	now = hf_clock_now(crtc->kms->clock);
	if (now < vblank->start_ns)
		now = vblank->start_ns;
	if (vblank->early_ns && now >= vblank->early_ns)
		restart(vblank, vblank->start + 1, vblank->early_ns);
	count = vblank->start + frames_in(vblank, now - vblank->start_ns);
	/* time_of() rounds down, so the next one may be due already. */
	if (time_of(vblank, count + 1) <= now)
		count++;
	if (ns)
		*ns = time_of(vblank, count);
	return count;
}

uint64_t hf_vblank_next(struct hf_crtc *crtc)
{
	return time_of(&crtc->vblank, hf_vblank_count(crtc, NULL) + 1);
}

/* For what is queued, late is late: hf_vblank_target() has sorted out the rest. */
static bool is_due(uint64_t count, uint64_t sequence)
{
	return count >= sequence;
}

static void arm(struct hf_crtc *crtc)
{
	struct hf_vblank *vblank = &crtc->vblank;
	struct hf_vblank_wait *wait;
	struct hf_event *event;
	uint64_t count, next = UINT64_MAX;

	if (!vblank->on)
		return;
	wl_list_for_each(event, &vblank->events, link)
		next = event->sequence < next ? event->sequence : next;
	wl_list_for_each(wait, &vblank->waiters, link)
		next = wait->sequence < next ? wait->sequence : next;
	if (next == UINT64_MAX) {
		hf_timer_disarm(crtc->kms->clock, &vblank->timer);
		return;
	}
	/* A vblank that is years away must not overflow the timer, and one
	 * that was long ago is due now. */
	count = hf_vblank_count(crtc, NULL);
	if (next > count + 3600)
		next = count + 3600;
	if (is_due(count, next))
		next = count;
	hf_timer_arm(crtc->kms->clock, &vblank->timer, time_of(vblank, next));
}

/* Tell all who wait for a vblank up to @count; all of them with @all. */
static void deliver(struct hf_crtc *crtc, uint64_t count, uint64_t ns, bool all)
{
	struct hf_vblank *vblank = &crtc->vblank;
	struct hf_event *event, *next_event;
	struct wl_list due;

	vblank->told = count;
	wl_list_for_each_safe(event, next_event, &vblank->events, link)
		if (all || is_due(count, event->sequence))
			hf_event_send(event, crtc->base.id, count, ns);

	/* done() may add new waiters: take the due ones off first. */
	wl_list_init(&due);
	for (int last = 0; last < 2; last++) {
		struct hf_vblank_wait *wait, *next;

		wl_list_for_each_safe(wait, next, &vblank->waiters, link) {
			if (wait->last != last ||
			    (!all && !is_due(count, wait->sequence)))
				continue;
			wl_list_remove(&wait->link);
			wl_list_insert(due.prev, &wait->link);
		}
	}
	while (!wl_list_empty(&due)) {
		struct hf_vblank_wait *wait =
			wl_container_of(due.next, wait, link);

		wl_list_remove(&wait->link);
		wl_list_init(&wait->link);
		wait->done(wait);
	}
}

static void timer_fired(struct hf_timer *timer)
{
	struct hf_vblank *vblank = wl_container_of(timer, vblank, timer);
	struct hf_crtc *crtc = wl_container_of(vblank, crtc, vblank);
	uint64_t ns, count = hf_vblank_count(crtc, &ns);

	deliver(crtc, count, ns, false);
	arm(crtc);
}

void hf_vblank_init(struct hf_crtc *crtc)
{
	wl_list_init(&crtc->vblank.events);
	wl_list_init(&crtc->vblank.waiters);
	crtc->vblank.timer.fn = timer_fired;
}

void hf_vblank_on(struct hf_crtc *crtc, const struct drm_mode_modeinfo *mode)
{
	struct hf_vblank *vblank = &crtc->vblank;

	if (!hf_kms_has_vblank(crtc->kms))
		return;
	/* As in the kernel: nobody sees the same count before and after a modeset. */
	restart(vblank, hf_vblank_count(crtc, NULL) + 1,
		hf_clock_now(crtc->kms->clock));
	vblank->longest_ns = 0;
	/* Nanoseconds of a frame = pixels of a frame / (clock in kHz / 10^6). */
	vblank->frame_num = (uint64_t)mode->htotal * mode->vtotal * 1000000;
	vblank->frame_den = mode->clock;
	if (mode->flags & DRM_MODE_FLAG_INTERLACE)
		vblank->frame_den *= 2;
	if (mode->flags & DRM_MODE_FLAG_DBLSCAN)
		vblank->frame_num *= 2;
	if (mode->vscan > 1)
		vblank->frame_num *= mode->vscan;
	vblank->on = true;
	arm(crtc);
}

/* What is left of this frame is its front porch: end it as soon as may be. */
static void end_porch(struct hf_crtc *crtc)
{
	struct hf_vblank *vblank = &crtc->vblank;
	uint64_t now, ns, count = hf_vblank_count(crtc, &ns);

	restart(vblank, count, ns);
	now = hf_clock_now(crtc->kms->clock);
	vblank->early_ns = ns + (uint64_t)((u128)vblank->frame_num /
					   vblank->frame_den);
	if (vblank->early_ns < now)
		vblank->early_ns = now;
}

void hf_vblank_set_rate(struct hf_crtc *crtc, double min_hz)
{
	struct hf_vblank *vblank = &crtc->vblank;
	uint64_t ns, count, frame_ns, longest_ns = 0;

	if (!vblank->on)
		return;
	frame_ns = vblank->frame_num / vblank->frame_den;
	if (min_hz > 0 && HF_NSEC_PER_SEC / min_hz > frame_ns)
		longest_ns = HF_NSEC_PER_SEC / min_hz;
	if (longest_ns == vblank->longest_ns)
		return;
	count = hf_vblank_count(crtc, &ns);
	/* This frame may have lasted longer than the mode's already. */
	if (!longest_ns)
		end_porch(crtc);
	else if (!vblank->early_ns)
		restart(vblank, count, ns);
	vblank->longest_ns = longest_ns;
	arm(crtc);
}

uint64_t hf_vblank_hurry(struct hf_crtc *crtc)
{
	struct hf_vblank *vblank = &crtc->vblank;
	uint64_t next = hf_vblank_count(crtc, NULL) + 1;

	if (!vblank->on || !vblank->longest_ns || vblank->early_ns)
		return next;
	end_porch(crtc);
	arm(crtc);
	return next;
}

void hf_vblank_off(struct hf_crtc *crtc)
{
	struct hf_vblank *vblank = &crtc->vblank;

	if (!vblank->on)
		return;
	vblank->last = hf_vblank_count(crtc, &vblank->last_ns);
	vblank->on = false;
	hf_timer_disarm(crtc->kms->clock, &vblank->timer);
	deliver(crtc, vblank->last, vblank->last_ns, true);
}

void hf_vblank_queue(struct hf_crtc *crtc, struct hf_event *event)
{
	uint64_t ns, count = hf_vblank_count(crtc, &ns);

	if (hf_vblank_passed(count, event->sequence)) {
		hf_event_send(event, crtc->base.id, count, ns);
		return;
	}
	event->sequence = hf_vblank_target(count, event->sequence);
	wl_list_remove(&event->link);
	wl_list_insert(crtc->vblank.events.prev, &event->link);
	arm(crtc);
}

void hf_vblank_wait_add(struct hf_crtc *crtc, struct hf_vblank_wait *wait)
{
	wait->crtc = crtc;
	wl_list_insert(crtc->vblank.waiters.prev, &wait->link);
	arm(crtc);
}

void hf_vblank_wait_remove(struct hf_vblank_wait *wait)
{
	wl_list_remove(&wait->link);
	wl_list_init(&wait->link);
	arm(wait->crtc);
}
