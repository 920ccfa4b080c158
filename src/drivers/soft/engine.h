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
#include "sync/late.h"

/* Jobs that a context may have queued. */
#define HF_ENGINE_QUEUE 4096

struct hf_engine;
struct hf_engine_context;

/**
 * struct hf_engine_status - What HOLDFAST_CTX_QUERY tells.
 * @fault: why it was banned; likewise @fault_va and @fault_write
 * @jobs_done: that ended without an error
 * @busy_ns: in slices that are over; up to date when a job's fence signals
 */
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
/**
 * hf_engine_stop() - It is gone from its bus: all jobs end (-ECANCELED).
 *
 * One that is being executed ends as soon as it has stopped. No more are taken (-EIO).
 */
void hf_engine_stop(struct hf_engine *engine);
/** hf_engine_faults() - Let the jobs' fences go wrong as @faults says. */
void hf_engine_faults(struct hf_engine *engine, struct hf_fence_faults *faults);
/**
 * hf_engine_hang() - The next jobs hang: they begin, and nothing more happens.
 * @n: how many; 0: no more
 *
 * Until their time is up, hf_engine_reset() is called, or their context is killed.
 */
void hf_engine_hang(struct hf_engine *engine, uint32_t n);
/** hf_engine_hangs() - How many still will. */
uint32_t hf_engine_hangs(const struct hf_engine *engine);
/**
 * hf_engine_reset() - Every job that has begun ends as one whose time is up.
 *
 * Its context is banned, and it signals -ETIME; one that is being executed does so as
 * soon as it has stopped.
 */
void hf_engine_reset(struct hf_engine *engine);
unsigned int hf_engine_cores(const struct hf_engine *engine);
/** hf_engine_jobs() - Queued or running, for `holdfast info`. */
unsigned int hf_engine_jobs(const struct hf_engine *engine);
/** hf_engine_busy_ns() - Of all cores together, as in struct hf_engine_status. */
uint64_t hf_engine_busy_ns(const struct hf_engine *engine);

/**
 * hf_engine_context_create() - A queue of jobs.
 * @vm: a reference is taken
 * @priority: HOLDFAST_PRIORITY_*
 * @timeout_ms: what a job may take before it is a hang: time that it is executed
 *	plus time that it waits for a value, but not time that it could run and
 *	others do; 0: any
 * @owner: whose it is, for hf_engine_kill()
 * @name: of its timeline
 *
 * Return: NULL and ENOMEM.
 */
struct hf_engine_context *hf_engine_context_create(struct hf_engine *engine,
						   struct hf_vm *vm,
						   unsigned int priority,
						   unsigned int timeout_ms,
						   const char *name,
						   const void *owner);
/** hf_engine_owned() - Contexts of an owner, also those with jobs alone. */
unsigned int hf_engine_owned(const struct hf_engine *engine, const void *owner);
/**
 * hf_engine_kill() - Whoever owns these contexts is gone.
 *
 * As hf_engine_context_destroy() with @kill does, for the jobs of all contexts of
 * an owner, also of those that were destroyed and still have some.
 */
void hf_engine_kill(struct hf_engine *engine, const void *owner);
/**
 * hf_engine_context_destroy() - Nobody will submit to it any more.
 * @kill: its file is gone: its jobs are dropped (-ECANCELED), at once, or where one
 *	is being executed, that one and those behind it as soon as it has stopped:
 *	a later fence of a context never signals before an earlier one
 *
 * It goes when its last job has. Takes NULL.
 */
void hf_engine_context_destroy(struct hf_engine_context *context, bool kill);
void hf_engine_context_status(const struct hf_engine_context *context,
			      struct hf_engine_status *status);

/**
 * struct hf_engine_job - What to do.
 * @va: of the commands; likewise @size, bytes; 0: nothing
 * @wait: fences to wait for; @nwait of them
 * @release: called with @data, the lock held, when the device is done with it and
 *	before the fence signals: drops what the job held; may be NULL
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
 * An error of a fence that it waits for is not its own: it runs all the same. The
 * fence's error is 0; -EIO for a fault; -ETIME for a hang; -ECANCELED for a job
 * that was dropped, because one before it failed or its context was killed.
 *
 * An empty job that has nothing to wait for is over, its fence signaled and
 * release() called, when this returns.
 *
 * Return: 0; -EIO for a banned context; -EAGAIN where HF_ENGINE_QUEUE jobs are queued; -ENOMEM, also where no thread can be
 * started. release() is not called then.
 */
int hf_engine_submit(struct hf_engine_context *context,
		     const struct hf_engine_job *job, struct hf_fence **fence);

#endif
