/* SPDX-License-Identifier: MIT */
/*
 * Fences that are late, or fail, on purpose. Whoever has done what a fence
 * stands for says so here; with nothing armed that is hf_fence_signal().
 *
 * The lock of the devices protects it all.
 */
#ifndef HF_SYNC_LATE_H
#define HF_SYNC_LATE_H

#include "base/clock.h"
#include "base/fault.h"
#include "sync/fence.h"

/**
 * struct hf_fence_faults - How fences go wrong.
 * @clock: that the delay is measured with
 * @delay: nanoseconds from when a fence should signal to when it does
 * @fail: with which error the next ones signal
 * @late: those that should have signaled, in the order in which they will
 * @timer: of the first of them
 */
struct hf_fence_faults {
	struct hf_clock *clock;
	uint64_t delay;
	struct hf_fault fail;
	struct wl_list late;
	struct hf_timer timer;
};

void hf_fence_faults_init(struct hf_fence_faults *faults,
			  struct hf_clock *clock);
/** hf_fence_faults_clear() - Nothing is armed; who is late signals now. */
void hf_fence_faults_clear(struct hf_fence_faults *faults);

/**
 * hf_fence_done() - Signal a fence, now or as late as it is to be.
 * @faults: NULL: nothing goes wrong
 * @error: as for hf_fence_signal(); likewise @ns
 *
 * Later fences never overtake earlier ones.
 */
void hf_fence_done(struct hf_fence_faults *faults, struct hf_fence *fence,
		   int error, uint64_t ns);

#endif
