/* SPDX-License-Identifier: MIT */
/*
 * The engine's contexts and jobs: what a job waits for, in which order jobs
 * begin and end, and what becomes of them when one goes wrong. Who gets a core
 * and when is sched.c's business. See the header.
 *
 * A job holds a reference on its context until it is over, and the context one
 * on its address space. Jobs end in the order of their submission, dropped ones
 * too, so a later fence of a context implies the earlier ones.
 *
 * The lock of the devices protects everything but the command stream that is
 * being executed, which belongs to its core.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/futex.h"
#include "base/probe.h"
#include "drivers/soft/engine.h"
#include "drivers/soft/exec.h"
#include "drivers/soft/sched.h"
#include "holdfast_drm.h"

#define DEFAULT_CORES 4
#define MAX_CORES 64

struct hf_engine {
	struct hf_sched sched;
	struct hf_mmu *mmus; /* of each core */
	pthread_mutex_t *lock;
	struct hf_clock *clock;
	struct wl_list contexts;
	struct wl_list ended; /* jobs to clean up: settle() */
	bool settling, stopping;
	uint32_t hangs; /* jobs that are to hang */
	struct hf_fence_faults *faults; /* or NULL */
	unsigned int njobs;
	uint64_t busy_ns;
};

struct hf_engine_context {
	struct hf_engine *engine;
	struct wl_list link; /* engine->contexts */
	struct hf_sched_task task;
	const void *owner;
	struct hf_vm *vm;
	struct hf_timeline timeline;
	struct wl_list jobs; /* in the order of submission */
	uint32_t refcount;   /* the owner's, and one of each job */
	unsigned int njobs;  /* queued or running */
	bool killed;	     /* no job begins any more */
	uint64_t timeout_ns; /* 0: none */
	struct hf_engine_status status;
};

/* A fence that a job waits for. Without one: it has signaled. */
struct dependency {
	struct hf_fence_cb cb;
	struct hf_fence *fence;
	struct job *job;
};

struct job {
	struct hf_engine_context *context;
	struct wl_list link; /* context->jobs, or engine->ended */
	struct hf_exec exec;
	struct hf_fence *fence;
	void (*release)(void *data);
	void *data;
	int error; /* once it has ended */
	bool empty, begun;
	bool hung;  /* on purpose: nothing of it is executed any more */
	bool reset; /* it ends as if its time were up */
	uint64_t token;	      /* of hf_vm_job_begin() */
	uint64_t elapsed_ns;  /* executed, and waited for values */
	uint64_t waits_since; /* for a value; 0: it does not */
	size_t pending;	      /* dependencies that have not signaled */
	size_t ndependencies;
	struct dependency dependencies[];
};

static struct job *first_job(struct hf_engine_context *context)
{
	struct job *job;

	return wl_container_of(context->jobs.next, job, link);
}

/* -- the end of jobs --------------------------------------------------------- */

static void put_context(struct hf_engine_context *context)
{
	if (--context->refcount)
		return;
	wl_list_remove(&context->link);
	hf_vm_put(context->vm);
	free(context);
}

static void drop_dependency(struct dependency *dependency)
{
	if (!dependency->fence)
		return;
	hf_fence_remove_callback(&dependency->cb);
	hf_fence_put(dependency->fence);
	dependency->fence = NULL;
}

/* It is over; settle() does the rest. */
static void end_job(struct job *job, int error)
{
	struct hf_engine_context *context = job->context;
	struct hf_engine *engine = context->engine;

	for (size_t i = 0; i < job->ndependencies; i++)
		drop_dependency(&job->dependencies[i]);
	job->error = error;
	if (job->begun)
		hf_probe(job, &(struct hf_probe_job){
				      .what = HF_PROBE_JOB_ENDS,
				      .fence = job->fence, .error = error });
	if (!error)
		context->status.jobs_done++;
	engine->njobs--;
	context->njobs--;
	wl_list_remove(&job->link);
	wl_list_insert(engine->ended.prev, &job->link);
}

/* When the fence signals, nothing is held for the job any more. */
static void clean_up(struct job *job)
{
	struct hf_engine_context *context = job->context;
	struct hf_clock *clock = context->engine->clock;
	struct hf_fence_faults *faults = context->engine->faults;
	struct hf_fence *fence = job->fence;
	int error = job->error;

	wl_list_remove(&job->link);
	if (job->begun)
		hf_vm_job_end(context->vm, job->token);
	if (job->release)
		job->release(job->data);
	free(job);
	put_context(context);
	hf_fence_done(faults, fence, error, hf_clock_now(clock));
	hf_fence_put(fence);
}

/*
 * Clean up after jobs that have ended, and those that end because of it: not
 * one inside the other, since a chain of them may be long. Contexts may go.
 */
static void settle(struct hf_engine *engine)
{
	struct job *job;

	if (engine->settling)
		return;
	engine->settling = true;
	while (!wl_list_empty(&engine->ended)) {
		job = wl_container_of(engine->ended.next, job, link);
		clean_up(job);
	}
	engine->settling = false;
}

/* -- the order of jobs ------------------------------------------------------- */

/* See to the first job of a context, unless it runs or is queued already. */
static void advance(struct hf_engine_context *context)
{
	while (context->task.state == HF_SCHED_IDLE &&
	       !wl_list_empty(&context->jobs)) {
		struct job *job = first_job(context);

		if (job->pending)
			return;
		if (job->empty)
			end_job(job, 0);
		else
			hf_sched_wake(&context->engine->sched, &context->task);
	}
}

/* End all jobs; one that runs, with those behind it, when it has stopped. */
static void cancel(struct hf_engine_context *context)
{
	struct job *job, *next;

	context->killed = true;
	if (context->task.state == HF_SCHED_RUNNING) {
		hf_sched_stop(&context->engine->sched, &context->task);
		return;
	}
	hf_sched_remove(&context->engine->sched, &context->task);
	wl_list_for_each_safe(job, next, &context->jobs, link)
		end_job(job, -ECANCELED);
}

static void dependency_met(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct dependency *dependency = wl_container_of(cb, dependency, cb);
	struct job *job = dependency->job;
	struct hf_engine_context *context = job->context;
	struct hf_engine *engine = context->engine;

	dependency->fence = NULL;
	hf_fence_put(fence);
	job->pending--;
	advance(context);
	settle(engine);
}

static void add_dependency(struct job *job, struct hf_fence *fence)
{
	struct dependency *dependency = &job->dependencies[job->ndependencies];

	if (hf_fence_add_callback(fence, &dependency->cb, dependency_met))
		return;
	dependency->fence = hf_fence_get(fence);
	dependency->job = job;
	job->ndependencies++;
	job->pending++;
}

/* -- execution --------------------------------------------------------------- */

static void begin(struct job *job)
{
	struct hf_engine *engine = job->context->engine;

	if (job->begun)
		return;
	job->begun = true;
	job->hung = engine->hangs;
	engine->hangs -= job->hung;
	job->token = hf_vm_job_begin(job->context->vm);
	hf_probe(job, &(struct hf_probe_job){ .what = HF_PROBE_JOB_BEGINS,
					      .fence = job->fence });
}

/* Until when it may run now: its own time may be up before the slice is. */
static uint64_t deadline(struct job *job, uint64_t start, uint64_t slice_ns)
{
	uint64_t timeout_ns = job->context->timeout_ns, left = 0;

	if (job->waits_since)
		job->elapsed_ns += start - job->waits_since;
	job->waits_since = 0;
	if (!timeout_ns)
		return start + slice_ns;
	if (timeout_ns > job->elapsed_ns)
		left = timeout_ns - job->elapsed_ns;
	return start + (left < slice_ns ? left : slice_ns);
}

static bool timed_out(const struct job *job)
{
	return job->reset || (job->context->timeout_ns &&
			      job->elapsed_ns >= job->context->timeout_ns);
}

/* No job of this context will run any more. */
static void ban(struct hf_engine_context *context, uint32_t fault,
		hf_gpuva_t va, bool write)
{
	context->status.banned = true;
	context->status.fault = fault;
	context->status.fault_va = va;
	context->status.fault_write = write;
}

/* The job is through, or not, or never will be. The task is idle. */
static void after_slice(struct job *job, enum hf_exec_status status,
			uint64_t end)
{
	struct hf_engine_context *context = job->context;
	struct hf_sched *sched = &context->engine->sched;

	if (status == HF_EXEC_DONE) {
		end_job(job, 0);
	} else if (status == HF_EXEC_FAULT) {
		ban(context, job->exec.fault, job->exec.fault_va,
		    job->exec.fault_write);
		end_job(job, -EIO);
	} else if (context->killed) {
		end_job(job, -ECANCELED);
	} else if (timed_out(job)) {
		ban(context, HOLDFAST_FAULT_TIMEOUT, job->exec.pc, false);
		end_job(job, -ETIME);
	} else if (status == HF_EXEC_WAIT) {
		job->waits_since = end;
		hf_sched_wait(sched, &context->task);
		return;
	}
	if (context->killed || context->status.banned)
		cancel(context);
	else
		advance(context);
}

/* Called by a core with the lock held. */
static void run(struct hf_sched_core *core, struct hf_sched_task *task)
{
	struct hf_engine_context *context =
		wl_container_of(task, context, task);
	struct hf_engine *engine = context->engine;
	struct hf_mmu *mmu = &engine->mmus[core->index];
	struct job *job = first_job(context);
	hf_gpuva_t pc = job->exec.pc;
	enum hf_exec_status status;
	uint64_t start, end, until;

	begin(job);
	hf_mmu_switch(mmu, context->vm);
	start = hf_monotonic_ns();
	until = deadline(job, start, core->slice_ns);
	pthread_mutex_unlock(engine->lock);

	/* One that hangs is polled, as if a value that it waits for never came. */
	status = job->hung ? HF_EXEC_WAIT :
			     hf_exec_run(&job->exec, mmu, until, &core->stop);
	end = hf_monotonic_ns();

	pthread_mutex_lock(engine->lock);
	job->elapsed_ns += end - start;
	context->status.busy_ns += end - start;
	engine->busy_ns += end - start;
	hf_probe(job, &(struct hf_probe_job){ .what = HF_PROBE_JOB_SLICE,
					      .fence = job->fence,
					      .core = core->index,
					      .start = start, .end = end });
	hf_sched_slice_end(core, end, end - start,
			   status != HF_EXEC_WAIT || job->exec.pc != pc);
	after_slice(job, status, end);
	settle(engine);
}

/* -- what callers see -------------------------------------------------------- */

static int submit(struct hf_engine_context *context, struct job *job,
		  const struct hf_engine_job *what)
{
	struct hf_engine *engine = context->engine;

	job->empty = !what->size;
	if (!job->empty && hf_sched_start(&engine->sched))
		return -ENOMEM;
	job->fence = hf_fence_create(&context->timeline);
	if (!job->fence)
		return -ENOMEM;
	job->context = context;
	job->exec.pc = what->va;
	job->exec.end = what->va + what->size;
	job->release = what->release;
	job->data = what->data;
	for (size_t i = 0; i < what->nwait; i++)
		add_dependency(job, what->wait[i]);
	context->refcount++;
	context->njobs++;
	engine->njobs++;
	wl_list_insert(context->jobs.prev, &job->link);
	return 0;
}

void hf_engine_faults(struct hf_engine *engine, struct hf_fence_faults *faults)
{
	engine->faults = faults;
}

void hf_engine_hang(struct hf_engine *engine, uint32_t n)
{
	engine->hangs = n;
}

uint32_t hf_engine_hangs(const struct hf_engine *engine)
{
	return engine->hangs;
}

/* The job that a context has begun, and not ended, if any. */
static void reset_context(struct hf_engine_context *context)
{
	struct job *job;

	if (wl_list_empty(&context->jobs))
		return;
	job = first_job(context);
	if (!job->begun || context->killed)
		return;
	job->reset = true;
	if (context->task.state == HF_SCHED_RUNNING) {
		hf_sched_stop(&context->engine->sched, &context->task);
		return;
	}
	hf_sched_remove(&context->engine->sched, &context->task);
	after_slice(job, HF_EXEC_YIELD, hf_monotonic_ns());
}

void hf_engine_reset(struct hf_engine *engine)
{
	struct hf_engine_context *context;

	wl_list_for_each(context, &engine->contexts, link)
		reset_context(context);
	settle(engine);
}

int hf_engine_submit(struct hf_engine_context *context,
		     const struct hf_engine_job *what, struct hf_fence **fence)
{
	struct hf_engine *engine = context->engine;
	struct job *job;
	int ret;

	if (context->killed || context->status.banned || engine->stopping)
		return -EIO;
	if (context->njobs >= HF_ENGINE_QUEUE)
		return -EAGAIN;
	job = calloc(1,
		     sizeof(*job) + what->nwait * sizeof(job->dependencies[0]));
	if (!job)
		return -ENOMEM;
	ret = submit(context, job, what);
	if (ret) {
		free(job);
		return ret;
	}
	*fence = hf_fence_get(job->fence);
	advance(context);
	settle(engine);
	return 0;
}

struct hf_engine_context *hf_engine_context_create(struct hf_engine *engine,
						   struct hf_vm *vm,
						   unsigned int priority,
						   unsigned int timeout_ms,
						   const char *name,
						   const void *owner)
{
	struct hf_engine_context *context = calloc(1, sizeof(*context));

	if (!context)
		return NULL;
	context->engine = engine;
	context->refcount = 1;
	context->owner = owner;
	context->vm = hf_vm_get(vm);
	context->timeout_ns = timeout_ms * UINT64_C(1000000);
	wl_list_init(&context->jobs);
	hf_timeline_init(&context->timeline, name);
	hf_sched_task_init(&context->task, priority);
	wl_list_insert(engine->contexts.prev, &context->link);
	return context;
}

void hf_engine_context_destroy(struct hf_engine_context *context, bool kill)
{
	struct hf_engine *engine;

	if (!context)
		return;
	engine = context->engine;
	if (kill)
		cancel(context);
	put_context(context);
	settle(engine);
}

unsigned int hf_engine_owned(const struct hf_engine *engine, const void *owner)
{
	const struct hf_engine_context *context;
	unsigned int n = 0;

	wl_list_for_each(context, &engine->contexts, link)
		n += context->owner == owner;
	return n;
}

void hf_engine_kill(struct hf_engine *engine, const void *owner)
{
	struct hf_engine_context *context;

	wl_list_for_each(context, &engine->contexts, link)
		if (context->owner == owner)
			cancel(context);
	settle(engine);
}

void hf_engine_context_status(const struct hf_engine_context *context,
			      struct hf_engine_status *status)
{
	*status = context->status;
}

unsigned int hf_engine_cores(const struct hf_engine *engine)
{
	return engine->sched.ncores;
}

unsigned int hf_engine_jobs(const struct hf_engine *engine)
{
	return engine->njobs;
}

uint64_t hf_engine_busy_ns(const struct hf_engine *engine)
{
	return engine->busy_ns;
}

/* -- the engine -------------------------------------------------------------- */

static unsigned int default_cores(void)
{
	cpu_set_t set;
	int count;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	count = CPU_COUNT(&set);
	return count < DEFAULT_CORES ? count : DEFAULT_CORES;
}

struct hf_engine *hf_engine_create(struct hf_dma_device *dma,
				   pthread_mutex_t *lock,
				   struct hf_clock *clock, unsigned int cores)
{
	struct hf_engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	if (!cores)
		cores = default_cores();
	if (cores > MAX_CORES)
		cores = MAX_CORES;
	engine->lock = lock;
	engine->clock = clock;
	wl_list_init(&engine->contexts);
	wl_list_init(&engine->ended);
	engine->mmus = calloc(cores, sizeof(*engine->mmus));
	if (!engine->mmus || hf_sched_init(&engine->sched, cores, lock, run)) {
		free(engine->mmus);
		free(engine);
		errno = ENOMEM;
		return NULL;
	}
	for (unsigned int i = 0; i < cores; i++)
		engine->mmus[i].port.dev = dma;
	return engine;
}

void hf_engine_stop(struct hf_engine *engine)
{
	struct hf_engine_context *context;

	engine->stopping = true;
	wl_list_for_each(context, &engine->contexts, link) cancel(context);
	settle(engine);
}

void hf_engine_destroy(struct hf_engine *engine)
{
	struct hf_engine_context *context, *next;

	if (!engine)
		return;
	pthread_mutex_lock(engine->lock);
	hf_engine_stop(engine);
	pthread_mutex_unlock(engine->lock);
	hf_sched_finish(&engine->sched);
	pthread_mutex_lock(engine->lock);
	wl_list_for_each_safe(context, next, &engine->contexts, link)
		put_context(context);
	pthread_mutex_unlock(engine->lock);
	free(engine->mmus);
	free(engine);
}
