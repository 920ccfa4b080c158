/* SPDX-License-Identifier: MIT */
/*
 * Places in the code that a tracer may want to hear of. Where nobody listens, one
 * costs a look at a pointer.
 *
 * They are the whole process's: there is one server in it. Called with the lock of
 * the devices held, as what they tell of is.
 */
#ifndef HF_BASE_PROBE_H
#define HF_BASE_PROBE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_connector;
struct hf_event;
struct hf_fence;
struct hf_file;
struct hf_gem_object;
struct hf_kms_device;
struct hf_property;

enum hf_probe_job_what {
	HF_PROBE_JOB_BEGINS, /* it runs for the first time */
	HF_PROBE_JOB_SLICE,  /* it was executed by a core, from @start to @end */
	HF_PROBE_JOB_ENDS,   /* with @error */
};

/**
 * struct hf_probe_job - Something about a job of the engine.
 * @fence: that of the job, which names it
 * @core: index
 * @start: nanoseconds on CLOCK_MONOTONIC; likewise @end
 */
struct hf_probe_job {
	enum hf_probe_job_what what;
	const struct hf_fence *fence;
	unsigned int core;
	int error;
	uint64_t start, end;
};

/**
 * struct hf_probes - What to call; none is NULL.
 * @event: one is sent to a file: its CRTC's ID, and the vblank's count and time
 * @fence_created: one that is not signaled yet
 * @uevent: as hf_kms_uevent()
 * @mapping: an object's memory was pinned and mapped for its device (@mapped), as so
 *	many runs from this address on, or is going to be unmapped
 * @file: was opened, or is closed
 */
struct hf_probes {
	void (*event)(const struct hf_event *event, uint32_t crtc_id,
		      uint64_t sequence, uint64_t ns);
	void (*fence_created)(const struct hf_fence *fence);
	void (*fence_signaled)(const struct hf_fence *fence);
	void (*job)(const struct hf_probe_job *job);
	void (*uevent)(const struct hf_kms_device *kms, const char *what,
		       const struct hf_connector *connector,
		       const struct hf_property *prop);
	void (*mapping)(const struct hf_gem_object *object, uint64_t addr,
			size_t runs, bool mapped);
	void (*file)(const struct hf_file *file, bool opened);
};

/* NULL: nobody listens. */
extern const struct hf_probes *_Atomic hf_probes;

#define hf_probe(name, ...)                                                    \
	do {                                                                   \
		const struct hf_probes *probes_ = atomic_load_explicit(        \
			&hf_probes, memory_order_acquire);                     \
		if (__builtin_expect(!!probes_, 0))                            \
			probes_->name(__VA_ARGS__);                            \
	} while (0)

#endif
