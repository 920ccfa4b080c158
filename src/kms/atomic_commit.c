/* SPDX-License-Identifier: MIT */
/*
 * Committing a checked state: swap it in, switch CRTCs on and off, and finish
 * when each CRTC has had its next vblank. Until then the CRTC is busy, and the
 * old states keep their framebuffers: the display may still read them.
 *
 * The device's lock protects it all.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "gem/gem.h"
#include "kms/kms.h"
#include "kms/mode.h"
#include "kms/state.h"
#include "kms/writeback.h"
#include "sync/resv.h"

struct hf_flip {
	struct hf_vblank_wait wait;
	struct hf_timer late; /* of one that is told late, or given up */
	struct wl_list late_link; /* hf_kms_device.late, or itself */
	bool dropped;
	struct hf_commit *commit;
	struct hf_crtc *crtc;
	struct hf_event *event;
	struct hf_fence *out_fence;
	struct wl_list writebacks; /* hf_writeback_job.link */
};

/* A plane's fence that the commit waits for before it is shown. */
struct fence_wait {
	struct hf_fence_cb cb;
	struct hf_commit *commit;
};

struct hf_commit {
	struct hf_kms_device *kms;
	struct hf_atomic_state *old; /* what was shown before */
	unsigned int fences;	     /* not signaled yet */
	unsigned int pending;	     /* flips that are not shown yet */
	bool at_once;
	struct wl_list waits;
	struct hf_flip flips[HF_KMS_MAX_CRTCS];
	struct fence_wait waits_for[]; /* one a plane */
};

void hf_commit_wait_remove(struct hf_commit_wait *wait)
{
	wl_list_remove(&wait->link);
	wl_list_init(&wait->link);
}

static struct hf_commit *in_the_way(const struct hf_atomic_state *state)
{
	struct hf_kms_device *kms = state->kms;

	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		if (state->crtcs[i] && kms->crtcs[i]->commit)
			return kms->crtcs[i]->commit;
	return NULL;
}

static uint32_t crtcs_of(const struct hf_atomic_state *state)
{
	uint32_t crtcs = 0;

	for (unsigned int i = 0; i < state->kms->num_crtcs; i++)
		crtcs |= (uint32_t)(state->crtcs[i] != NULL) << i;
	return crtcs;
}

bool hf_atomic_wait_turn(const struct hf_atomic_state *state,
			 struct hf_commit_wait *wait)
{
	struct hf_kms_device *kms = state->kms;

	if (!(kms->reserved & ~wait->reserved & crtcs_of(state)))
		return false;
	wl_list_insert(kms->turns.prev, &wait->link);
	return true;
}

void hf_commit_wait_finish(struct hf_kms_device *kms,
			   struct hf_commit_wait *wait)
{
	struct wl_list turns;

	hf_commit_wait_remove(wait);
	if (!wait->reserved)
		return;
	kms->reserved &= ~wait->reserved;
	wait->reserved = 0;
	/* Some of them may have to wait again, for the next who reserves. */
	wl_list_init(&turns);
	wl_list_insert_list(&turns, &kms->turns);
	wl_list_init(&kms->turns);
	while (!wl_list_empty(&turns)) {
		wait = wl_container_of(turns.next, wait, link);
		hf_commit_wait_remove(wait);
		wait->done(wait);
	}
}

void hf_atomic_wait_idle(struct hf_atomic_state *state,
			 struct hf_commit_wait *wait)
{
	wait->reserved |= crtcs_of(state);
	state->kms->reserved |= wait->reserved;
	wl_list_insert(in_the_way(state)->waits.prev, &wait->link);
}

#define SWAP(a, b)                                                            \
	do {                                                                  \
		__typeof__(a) swap_tmp = (a);                                 \
		(a) = (b);                                                    \
		(b) = swap_tmp;                                               \
	} while (0)

/* A CRTC that goes dark, or loses its last plane, has shown its last picture. */
static void hold_last(const struct hf_atomic_state *state)
{
	struct hf_kms_device *kms = state->kms;

	if (!kms->hold)
		return;
	for (unsigned int i = 0; i < kms->num_planes; i++) {
		const struct hf_plane_state *old = kms->planes[i]->state;

		if (state->planes[i] && old->crtc && !state->planes[i]->fb)
			hf_kms_hold(old->crtc);
	}
	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		if (state->crtcs[i] && !state->crtcs[i]->active)
			hf_kms_hold(kms->crtcs[i]);
}

static void swap_states(struct hf_atomic_state *state)
{
	struct hf_kms_device *kms = state->kms;
	unsigned int i;

	for (i = 0; i < kms->num_connectors; i++)
		if (state->connectors[i])
			SWAP(state->connectors[i], kms->connectors[i]->state);
	for (i = 0; i < kms->num_crtcs; i++)
		if (state->crtcs[i])
			SWAP(state->crtcs[i], kms->crtcs[i]->state);
	for (i = 0; i < kms->num_planes; i++)
		if (state->planes[i])
			SWAP(state->planes[i], kms->planes[i]->state);
}

/* A connector's DPMS follows the CRTC that it is on, if that was set anew. */
static void update_dpms(const struct hf_atomic_state *old)
{
	struct hf_kms_device *kms = old->kms;

	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		struct hf_connector *connector = kms->connectors[i];
		struct hf_crtc *crtc = connector->state->crtc;

		if (crtc ? old->crtcs[crtc->index] &&
				   hf_crtc_needs_modeset(crtc->state) :
			   old->connectors[i] && old->connectors[i]->crtc)
			connector->dpms = crtc && crtc->state->active ?
						  DRM_MODE_DPMS_ON :
						  DRM_MODE_DPMS_OFF;
	}
}

/* The slowest rate that all of a CRTC's monitors can do; 0: it must not vary. */
static double slowest_rate(const struct hf_crtc *crtc)
{
	const struct hf_kms_device *kms = crtc->kms;
	double hz = 0;

	if (!crtc->state->vrr || !(kms->funcs->features & HF_KMS_VRR))
		return 0;
	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		const struct hf_connector *connector = kms->connectors[i];

		if (connector->state->crtc != crtc ||
		    hf_connector_writes_back(connector))
			continue;
		if (!connector->vrr_min_hz)
			return 0;
		if (connector->vrr_min_hz > hz)
			hz = connector->vrr_min_hz;
	}
	return hz;
}

void hf_crtc_update_rate(struct hf_crtc *crtc)
{
	hf_vblank_set_rate(crtc, slowest_rate(crtc));
}

static void switch_crtc(struct hf_crtc *crtc, const struct hf_crtc_state *old)
{
	if (old->active)
		hf_vblank_off(crtc);
	if (!crtc->state->active)
		return;
	hf_vblank_on(crtc, &crtc->state->mode);
	hf_mode_size(&crtc->state->mode, &crtc->last_width, &crtc->last_height);
}

static void switch_crtcs(const struct hf_atomic_state *old)
{
	struct hf_kms_device *kms = old->kms;
	bool modeset = false;

	for (unsigned int i = 0; i < kms->num_crtcs; i++) {
		struct hf_crtc *crtc = kms->crtcs[i];

		if (!old->crtcs[i])
			continue;
		if (hf_crtc_needs_modeset(crtc->state)) {
			modeset = true;
			switch_crtc(crtc, old->crtcs[i]);
		}
		hf_crtc_update_rate(crtc);
	}
	if (!modeset)
		return;
	update_dpms(old);
	if (kms->changed)
		kms->changed(kms);
}

static void finish(struct hf_commit *commit)
{
	while (!wl_list_empty(&commit->waits)) {
		struct hf_commit_wait *wait =
			wl_container_of(commit->waits.next, wait, link);

		hf_commit_wait_remove(wait);
		wait->done(wait);
	}
	hf_atomic_state_destroy(commit->old);
	free(commit);
}

/* A CRTC shows the commit. */
static void is_shown(struct hf_flip *flip)
{
	struct hf_crtc *crtc = flip->crtc;
	struct hf_kms_watch *watch, *next;
	uint64_t ns;

	hf_vblank_count(crtc, &ns);
	hf_writeback_start(&flip->writebacks);
	wl_list_for_each_safe(watch, next, &crtc->kms->watches, link)
		watch->shown(watch, crtc, ns);
}

/* Tell its client, and let the next commit go on. */
static void tell_client(struct hf_flip *flip)
{
	struct hf_crtc *crtc = flip->crtc;
	uint64_t ns, count = hf_vblank_count(crtc, &ns);

	if (crtc->commit == flip->commit)
		crtc->commit = NULL;
	if (flip->event)
		hf_event_send(flip->event, crtc->base.id, count, ns);
	if (flip->out_fence) {
		hf_fence_done(crtc->kms->fences, flip->out_fence, 0, ns);
		hf_fence_put(flip->out_fence);
	}
	flip->event = NULL;
	flip->out_fence = NULL;
}

static void complete(struct hf_flip *flip)
{
	struct hf_commit *commit = flip->commit;

	tell_client(flip);
	if (!--commit->pending)
		finish(commit);
}

/* -- flips that go wrong on purpose ---------------------------------------- */

/* As long as the kernel waits for the end of a flip. */
#define GIVE_UP_NS (10 * HF_NSEC_PER_SEC)

/* Its client is never told: what it was promised is forgotten. */
static void give_up(struct hf_flip *flip)
{
	struct hf_crtc *crtc = flip->crtc;

	hf_err("[CRTC:%u:crtc-%u] flip_done timed out", crtc->base.id,
	       crtc->index);
	hf_event_destroy(flip->event);
	hf_fence_put(flip->out_fence);
	flip->event = NULL;
	flip->out_fence = NULL;
	complete(flip);
}

static void end_late(struct hf_flip *flip)
{
	hf_timer_disarm(flip->crtc->kms->clock, &flip->late);
	wl_list_remove(&flip->late_link);
	if (flip->dropped)
		give_up(flip);
	else
		complete(flip);
}

static void late_is_now(struct hf_timer *timer)
{
	struct hf_flip *flip = wl_container_of(timer, flip, late);

	end_late(flip);
}

void hf_kms_end_late(struct hf_kms_device *kms)
{
	while (!wl_list_empty(&kms->late)) {
		struct hf_flip *flip =
			wl_container_of(kms->late.next, flip, late_link);

		end_late(flip);
	}
}

/* Return: its client is told later, or never. */
static bool goes_wrong(struct hf_flip *flip)
{
	struct hf_crtc *crtc = flip->crtc;
	struct hf_flip_faults *faults = &crtc->faults;
	uint64_t delay = GIVE_UP_NS;

	if ((!faults->drop && !faults->late) || flip->commit->at_once)
		return false;
	if (faults->drop) {
		faults->drop--;
		flip->dropped = true;
	} else {
		faults->late -= faults->late != UINT32_MAX;
		delay = faults->delay;
	}
	wl_list_insert(crtc->kms->late.prev, &flip->late_link);
	flip->late.fn = late_is_now;
	hf_timer_arm(crtc->kms->clock, &flip->late,
		     hf_clock_now(crtc->kms->clock) + delay);
	return true;
}

void hf_flip_done(struct hf_flip *flip)
{
	flip->crtc->frames += flip->crtc->state->active;
	is_shown(flip);
	if (!goes_wrong(flip))
		complete(flip);
}

static void vblank_came(struct hf_vblank_wait *wait)
{
	struct hf_flip *flip = wl_container_of(wait, flip, wait);

	hf_flip_done(flip);
}

/* Have the hardware show a CRTC's state. It says when it has. */
static void tell_driver(struct hf_flip *flip)
{
	struct hf_commit *commit = flip->commit;
	bool at_once = commit->at_once;

	commit->pending++;
	flip->crtc->kms->funcs->flip(flip->crtc, commit->old,
				     at_once ? NULL : flip);
	if (at_once)
		hf_flip_done(flip);
}

/* Have a CRTC show its state, now or at its next vblank. */
static void start_flip(struct hf_flip *flip)
{
	struct hf_crtc *crtc = flip->crtc;

	if (crtc->kms->funcs->flip) {
		tell_driver(flip);
		return;
	}
	if (flip->commit->at_once || !crtc->vblank.on) {
		crtc->frames += crtc->vblank.on;
		is_shown(flip);
		tell_client(flip);
		return;
	}
	flip->commit->pending++;
	if (crtc->state->async_flip) {
		hf_flip_done(flip);
		return;
	}
	flip->wait.done = vblank_came;
	flip->wait.sequence = hf_vblank_hurry(crtc);
	hf_vblank_wait_add(crtc, &flip->wait);
}

/* Every fence is signaled. Return: is all of it shown already? */
static bool start_flips(struct hf_commit *commit)
{
	commit->pending = 1;
	for (unsigned int i = 0; i < commit->kms->num_crtcs; i++)
		if (commit->flips[i].crtc)
			start_flip(&commit->flips[i]);
	return !--commit->pending;
}

static void fence_signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct fence_wait *wait = wl_container_of(cb, wait, cb);
	struct hf_commit *commit = wait->commit;

	hf_fence_put(fence);
	if (!--commit->fences && start_flips(commit))
		finish(commit);
}

static void wait_for_fences(struct hf_commit *commit,
			    const struct hf_atomic_state *old)
{
	for (unsigned int i = 0; i < commit->kms->num_planes; i++) {
		struct hf_plane_state *plane = commit->kms->planes[i]->state;
		struct fence_wait *wait = &commit->waits_for[i];
		struct hf_fence *fence = plane->in_fence;

		if (!old->planes[i] || !fence)
			continue;
		plane->in_fence = NULL;
		wait->commit = commit;
		if (hf_fence_add_callback(fence, &wait->cb, fence_signaled))
			hf_fence_put(fence);
		else
			commit->fences++;
	}
}

/* The states are in; make the CRTCs busy until they are shown. */
static void take_over(struct hf_commit *commit,
		      const struct hf_atomic_state *old)
{
	for (unsigned int i = 0; i < commit->kms->num_crtcs; i++) {
		struct hf_flip *flip = &commit->flips[i];
		struct hf_crtc *crtc = commit->kms->crtcs[i];

		if (!old->crtcs[i])
			continue;
		flip->commit = commit;
		flip->crtc = crtc;
		wl_list_init(&flip->writebacks);
		hf_writeback_take(crtc, &flip->writebacks);
		flip->event = crtc->state->event;
		flip->out_fence = crtc->state->out_fence;
		crtc->state->event = NULL;
		crtc->state->out_fence = NULL;
		if (!commit->at_once)
			crtc->commit = commit;
	}
}

/* Whoever renders into it without saying so explicitly is waited for. */
static int add_implicit_fence(struct hf_plane_state *plane)
{
	struct hf_fence *fences[4] = { NULL };
	unsigned int n = 0;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < plane->fb->format->num_planes;
	     i++) {
		struct hf_backing *backing = plane->fb->objects[i]->backing;

		if (backing)
			ret = hf_resv_fence(backing, false, &fences[n]);
		n += fences[n] != NULL;
	}
	if (!ret && n) {
		plane->in_fence = hf_fence_merge(fences, n);
		ret = plane->in_fence ? 0 : -ENOMEM;
	}
	while (n)
		hf_fence_put(fences[--n]);
	return ret;
}

/* It stays so until it goes: what was shown once is likely to be again. */
static int prepare_fb(struct hf_framebuffer *fb)
{
	const struct hf_kms_funcs *funcs = fb->kms->funcs;
	int ret;

	if (fb->prepared || !funcs->prepare_fb)
		return 0;
	ret = funcs->prepare_fb(fb);
	fb->prepared = !ret;
	return ret;
}

static int prepare(struct hf_atomic_state *state)
{
	int ret = hf_writeback_prepare(state);

	for (unsigned int i = 0; !ret && i < state->kms->num_planes; i++) {
		struct hf_plane_state *plane = state->planes[i];

		if (!plane || !plane->fb)
			continue;
		if (!plane->in_fence)
			ret = add_implicit_fence(plane);
		if (!ret)
			ret = prepare_fb(plane->fb);
	}
	return ret;
}

static void tell_watches(const struct hf_atomic_state *state)
{
	struct hf_kms_watch *watch;

	wl_list_for_each(watch, &state->kms->watches, link)
		if (watch->begins)
			watch->begins(watch, state);
}

int hf_atomic_commit(struct hf_atomic_state *state, struct hf_commit_wait *wait)
{
	struct hf_kms_device *kms = state->kms;
	struct hf_commit *commit;
	int ret;

	if (!state->at_once && in_the_way(state))
		return -EBUSY;
	ret = prepare(state);
	if (ret)
		return ret;
	commit = calloc(1, sizeof(*commit) +
				   kms->num_planes * sizeof(*commit->waits_for));
	if (!commit)
		return -ENOMEM;
	wl_list_init(&commit->waits);
	commit->kms = kms;
	commit->at_once = state->at_once;
	tell_watches(state);
	hold_last(state);
	swap_states(state);
	commit->old = state;
	switch_crtcs(state);
	take_over(commit, state);
	wait_for_fences(commit, state);
	if (!commit->fences && start_flips(commit)) {
		finish(commit);
		return 0;
	}
	if (wait)
		wl_list_insert(&commit->waits, &wait->link);
	return 1;
}

int hf_atomic_commit_now(struct hf_atomic_state *state)
{
	int ret;

	state->allow_modeset = true;
	state->at_once = true;
	ret = hf_atomic_check(state);
	return ret ? ret : hf_atomic_commit(state, NULL);
}
