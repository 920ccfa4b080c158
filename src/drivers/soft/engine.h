/* SPDX-License-Identifier: MIT */
/*
 * The 2D engine: contexts with queues of jobs, and threads (cores) that execute
 * them.
 *
 * A context's jobs run one after the other, in the order of submission, each when
 * the fences that it waits for have signaled. Contexts share the cores by
 * priority, and fairly within one; a job that waits for a value, or has had its
 * slice, makes room for others between two commands. A job that faults, or is
 * executed or waits for longer than its time, bans its context.
 *
 * The lock of the devices protects it all; the cores drop it while they execute.
 */
#ifndef HF_SOFT_ENGINE_H
#define HF_SOFT_ENGINE_H

#include <pthread.h>

#include "base/clock.h"
#include "mmu/vm.h"
#include "sync/fence.h"

struct hf_engine;
struct hf_engine_context;

/* What HOLDFAST_CTX_QUERY tells. */
struct hf_engine_status {
	bool banned, fault_write;
	uint32_t fault; /* HOLDFAST_FAULT_* */
	hf_gpuva_t fault_va;
	uint64_t jobs_done, busy_ns;
};

/**
 * hf_engine_create() - An engine; its threads start with the first job.
 * @dma: the device that it is part of
 * @lock: of the devices
 * @clock: of the device
 * @cores: threads; 0: one for each processor, at most 4
 *
 * Return: NULL and ENOMEM.
 */
struct hf_engine *hf_engine_create(struct hf_dma_device *dma,
				   pthread_mutex_t *lock,
				   struct hf_clock *clock, unsigned int cores);
/**
 * hf_engine_destroy() - Stop. Takes NULL.
 *
 * All contexts are destroyed; jobs that are still there signal -ECANCELED. Called
 * without the lock.
 */
void hf_engine_destroy(struct hf_engine *engine);
unsigned int hf_engine_cores(const struct hf_engine *engine);
/** hf_engine_jobs() - Queued or running, for `holdfast info`. */
unsigned int hf_engine_jobs(const struct hf_engine *engine);
uint64_t hf_engine_busy_ns(const struct hf_engine *engine);

/**
 * hf_engine_context_create() - A queue of jobs.
 * @vm: a reference is taken
 * @priority: HOLDFAST_PRIORITY_*
 * @timeout_ms: of a job
 *
 * Return: NULL and ENOMEM.
 */
struct hf_engine_context *hf_engine_context_create(struct hf_engine *engine,
						   struct hf_vm *vm,
						   unsigned int priority,
						   unsigned int timeout_ms,
						   const char *name);
/**
 * hf_engine_context_destroy() - Nobody will submit to it any more.
 * @kill: its file is gone: jobs that have not begun are dropped (-ECANCELED), and
 *	the one that runs is stopped between two commands
 *
 * It goes when its last job has.
 */
void hf_engine_context_destroy(struct hf_engine_context *context, bool kill);
void hf_engine_context_status(const struct hf_engine_context *context,
			      struct hf_engine_status *status);

/**
 * struct hf_engine_job - What to do.
 * @va: of the commands; likewise @size, bytes; 0: nothing
 * @wait: fences to wait for; @nwait of them
 * @release: called with @data, the lock held, before the fence signals: drops what
 *	the job held; may be NULL
 */
struct hf_engine_job {
	hf_gpuva_t va;
	uint32_t size;
	struct hf_fence *const *wait;
	size_t nwait;
	void (*release)(void *data);
	void *data;
};

/**
 * hf_engine_submit() - Queue a job.
 * @fence: set to the fence that signals when it is over, with a reference
 *
 * An error of a fence that it waits for is not its own: it runs all the same.
 *
 * Return: 0; -EIO for a banned context; -ENOMEM. release() is not called then.
 */
int hf_engine_submit(struct hf_engine_context *context,
		     const struct hf_engine_job *job, struct hf_fence **fence);

#endif
