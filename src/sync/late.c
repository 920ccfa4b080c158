/* SPDX-License-Identifier: MIT */
/* Fences that are late, or fail, on purpose. See the header. */
#include <stdlib.h>

#include "sync/late.h"

/* A fence whose time has come, and gone. */
struct late {
	struct wl_list link;
	struct hf_fence *fence; /* with a reference */
	int error;
	uint64_t at; /* when it signals */
};

static struct late *first_late(const struct hf_fence_faults *faults)
{
	struct late *late;

	return wl_list_empty(&faults->late) ?
		       NULL :
		       wl_container_of(faults->late.next, late, link);
}

static void signal_late(struct late *late, uint64_t ns)
{
	wl_list_remove(&late->link);
	hf_fence_signal(late->fence, late->error, ns);
	hf_fence_put(late->fence);
	free(late);
}

static void time_has_come(struct hf_timer *timer)
{
	struct hf_fence_faults *faults =
		wl_container_of(timer, faults, timer);
	uint64_t now = hf_clock_now(faults->clock);
	struct late *late;

	while ((late = first_late(faults)) && late->at <= now)
		signal_late(late, late->at);
	if (late)
		hf_timer_arm(faults->clock, timer, late->at);
}

void hf_fence_faults_init(struct hf_fence_faults *faults,
			  struct hf_clock *clock)
{
	*faults = (struct hf_fence_faults){ .clock = clock };
	wl_list_init(&faults->late);
	faults->timer.fn = time_has_come;
}

void hf_fence_faults_clear(struct hf_fence_faults *faults)
{
	uint64_t now = hf_clock_now(faults->clock);
	struct late *late;

	faults->delay = 0;
	faults->fail.left = 0;
	hf_timer_disarm(faults->clock, &faults->timer);
	while ((late = first_late(faults)))
		signal_late(late, now);
}

/* Behind all that are late already. Return: false where there is no memory. */
static bool delay(struct hf_fence_faults *faults, struct hf_fence *fence,
		  int error, uint64_t ns)
{
	struct late *late = malloc(sizeof(*late)), *last;

	if (!late)
		return false;
	late->at = ns + faults->delay;
	if (!wl_list_empty(&faults->late)) {
		last = wl_container_of(faults->late.prev, last, link);
		if (last->at > late->at)
			late->at = last->at;
	}
	late->fence = hf_fence_get(fence);
	late->error = error;
	wl_list_insert(faults->late.prev, &late->link);
	if (first_late(faults) == late)
		hf_timer_arm(faults->clock, &faults->timer, late->at);
	return true;
}

void hf_fence_done(struct hf_fence_faults *faults, struct hf_fence *fence,
		   int error, uint64_t ns)
{
	int fault = faults ? hf_fault_take(&faults->fail) : 0;

	if (!error)
		error = fault;
	if (faults && (faults->delay || !wl_list_empty(&faults->late)) &&
	    delay(faults, fence, error, ns))
		return;
	hf_fence_signal(fence, error, ns);
}
