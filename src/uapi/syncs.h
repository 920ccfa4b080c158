/* SPDX-License-Identifier: MIT */
/*
 * The syncs of a job: what it waits for, and what it signals, as SUBMIT and
 * VM_BIND name them (struct drm_holdfast_sync).
 *
 * All that can fail is done by hf_syncs_prepare(), before the job exists; the
 * system's lock is held from there to hf_syncs_attach().
 */
#ifndef HF_UAPI_SYNCS_H
#define HF_UAPI_SYNCS_H

#include <holdfast_drm.h>

#include "uapi/device.h"

/* Of a job. */
#define HF_SYNCS_MAX 64

/* A syncobj to signal. */
struct hf_sync_target {
	struct hf_syncobj *syncobj;
	uint64_t value;
	struct hf_syncobj_point *point; /* of a timeline; else NULL */
};

/**
 * struct hf_syncs - Syncs that were looked up.
 * @wait: fences to wait for, each with a reference; likewise @nwait
 * @signal: what gets the job's fence; likewise @nsignal
 */
struct hf_syncs {
	size_t nwait, nsignal;
	struct hf_fence **wait;
	struct hf_sync_target *signal;
};

/**
 * hf_syncs_prepare() - Check and look up.
 * @syncs: @n of them
 * @out: set; hf_syncs_finish() frees it. After an error, too, it is empty.
 *
 * Fences that are signaled already are among those to wait for.
 *
 * Return: 0; -EINVAL for unknown flags, and for a wait where there is no fence
 * yet; -ENOENT for a handle that the file does not have; -ENOMEM.
 */
int hf_syncs_prepare(struct hf_file *file,
		     const struct drm_holdfast_sync *syncs, size_t n,
		     struct hf_syncs *out);
/** hf_syncs_attach() - Give the job's fence to all that it signals. */
void hf_syncs_attach(struct hf_syncs *syncs, struct hf_fence *fence);
/** hf_syncs_finish() - Free it. Takes one that is empty, or all zero. */
void hf_syncs_finish(struct hf_syncs *syncs);

#endif
