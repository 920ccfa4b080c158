/* SPDX-License-Identifier: MIT */
/*
 * The engine's scheduler: queues, cores, and when a core takes what. See the
 * header.
 *
 * Nothing here ticks. A core that has nothing to do sleeps until somebody wakes
 * it; where tasks wait for values, one of those that sleep has an alarm set for
 * the moment when the first of them is polled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/futex.h"
#include "drivers/soft/sched.h"

#define USEC 1000ull
#define MSEC 1000000ull

#define SLICE_SHARED (2 * MSEC)
#define SLICE_ALONE (10 * MSEC)
#define SLICE_POLL (50 * USEC) /* while others want the core */
/* What a lower priority is passed over before it gets a slice. */
#define PASSED_OVER_MAX (10 * SLICE_SHARED)

#define POLL_FIRST (20 * USEC) /* doubled with each level */
#define POLL_LAST MSEC
#define POLL_SHARE 16 /* at most one part in this many, while others run */
#define POLL_CREDIT_MAX ((int64_t)(200 * USEC))

#define NEVER UINT64_MAX

/* -- queues ------------------------------------------------------------------ */

void hf_sched_task_init(struct hf_sched_task *task, unsigned int priority)
{
	*task = (struct hf_sched_task){.priority = priority};
	wl_list_init(&task->link);
}

/* Who comes last among those that used the same, as most do, goes last. */
static void enqueue(struct hf_sched *sched, struct hf_sched_task *task)
{
	struct hf_sched_queue *queue = &sched->queues[task->priority];
	struct hf_sched_task *other;
	struct wl_list *at = &queue->tasks;

	wl_list_for_each_reverse(other, &queue->tasks, link)
	{
		if (other->used <= task->used) {
			at = &other->link;
			break;
		}
	}
	wl_list_insert(at, &task->link);
	task->state = HF_SCHED_QUEUED;
	sched->nqueued++;
}

static void dequeue(struct hf_sched *sched, struct hf_sched_task *task)
{
	if (task->state == HF_SCHED_QUEUED)
		sched->nqueued--;
	wl_list_remove(&task->link);
	wl_list_init(&task->link);
	task->state = HF_SCHED_IDLE;
}

static struct hf_sched_task *first_of(struct wl_list *list)
{
	struct hf_sched_task *task;

	if (wl_list_empty(list))
		return NULL;
	return wl_container_of(list->next, task, link);
}

/* The one that is next by priority alone. */
static struct hf_sched_task *first_queued(struct hf_sched *sched)
{
	struct hf_sched_task *task = NULL;

	for (int i = HF_SCHED_PRIORITIES - 1; i >= 0 && !task; i--)
		task = first_of(&sched->queues[i].tasks);
	return task;
}

/* A priority that was passed over for too long, or NULL. */
static struct hf_sched_queue *owed_queue(struct hf_sched *sched)
{
	for (int i = HF_SCHED_PRIORITIES - 2; i >= 0; i--) {
		struct hf_sched_queue *queue = &sched->queues[i];

		if (queue->passed_over >= PASSED_OVER_MAX &&
		    !wl_list_empty(&queue->tasks))
			return queue;
	}
	return NULL;
}

static void charge_lower(struct hf_sched *sched, unsigned int priority,
			 uint64_t ns)
{
	for (unsigned int i = 0; i < priority; i++) {
		struct hf_sched_queue *queue = &sched->queues[i];

		if (wl_list_empty(&queue->tasks))
			queue->passed_over = 0;
		else
			queue->passed_over += ns;
	}
}

/* -- polling ----------------------------------------------------------------- */

/*
 * When a task that waits is polled next. Within a level those that were polled
 * longest ago are first in every respect.
 */
static uint64_t poll_at(const struct hf_sched *sched,
			const struct hf_sched_task *task)
{
	uint64_t delay = POLL_FIRST << task->level;

	if (task->kick != sched->kicks)
		delay = POLL_FIRST;
	return task->polled + (delay < POLL_LAST ? delay : POLL_LAST);
}

/* The one that is to be polled next. @at: when; or NEVER */
static struct hf_sched_task *next_poll(struct hf_sched *sched, uint64_t *at)
{
	struct hf_sched_task *next = NULL;

	*at = NEVER;
	for (unsigned int i = 0; i < HF_SCHED_POLL_LEVELS; i++) {
		struct hf_sched_task *task = first_of(&sched->waiting[i]);

		if (task && poll_at(sched, task) < *at) {
			*at = poll_at(sched, task);
			next = task;
		}
	}
	return next;
}

static struct hf_sched_task *due_poll(struct hf_sched *sched)
{
	uint64_t at;
	struct hf_sched_task *task = next_poll(sched, &at);

	return task && at <= hf_monotonic_ns() ? task : NULL;
}

static void charge_poll(struct hf_sched *sched, bool polling, uint64_t ns)
{
	if (polling)
		sched->poll_credit -= ns < SLICE_POLL ? ns : SLICE_POLL;
	else
		sched->poll_credit += ns / POLL_SHARE;
	if (sched->poll_credit > POLL_CREDIT_MAX)
		sched->poll_credit = POLL_CREDIT_MAX;
	if (sched->poll_credit < -POLL_CREDIT_MAX)
		sched->poll_credit = -POLL_CREDIT_MAX;
}

/* -- waking and stopping cores ----------------------------------------------- */

static struct hf_sched_core *sleeping_core(struct hf_sched *sched)
{
	for (unsigned int i = 0; i < sched->started; i++) {
		if (sched->cores[i].asleep)
			return &sched->cores[i];
	}
	return NULL;
}

static void wake_core(struct hf_sched_core *core)
{
	core->asleep = false;
	pthread_cond_signal(&core->wake);
}

/* May this task take the core from the one that runs on it? */
static bool yields_to(const struct hf_sched_core *core,
		      const struct hf_sched_task *task)
{
	if (core->owed || atomic_load(&core->stop))
		return false;
	return core->task->priority < task->priority ||
	       (core->alone && core->task->priority == task->priority);
}

/* Cores that are about to look for a task by themselves. */
static unsigned int looking_cores(const struct hf_sched *sched)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < sched->started; i++)
		n += !sched->cores[i].task && !sched->cores[i].asleep;
	return n;
}

static void preempt_for(struct hf_sched *sched,
			const struct hf_sched_task *task)
{
	struct hf_sched_core *victim = NULL;

	for (unsigned int i = 0; i < sched->started; i++) {
		struct hf_sched_core *core = &sched->cores[i];

		if (yields_to(core, task) &&
		    (!victim || core->task->priority < victim->task->priority))
			victim = core;
	}
	if (victim)
		atomic_store(&victim->stop, true);
}

/* Find a core for a task that was queued. One that looks calls share_rest(). */
static void find_core(struct hf_sched *sched, const struct hf_sched_task *task)
{
	struct hf_sched_core *sleeping = sleeping_core(sched);
	unsigned int looking = looking_cores(sched);

	if (looking >= sched->nqueued)
		return;
	if (sleeping)
		wake_core(sleeping);
	else if (!looking)
		preempt_for(sched, task);
}

/* When the first of those that sleep will wake up by itself. */
static uint64_t first_alarm(const struct hf_sched *sched)
{
	uint64_t first = NEVER;

	for (unsigned int i = 0; i < sched->started; i++) {
		const struct hf_sched_core *core = &sched->cores[i];

		if (core->asleep && core->alarm < first)
			first = core->alarm;
	}
	return first;
}

/* A core has taken a task; are there others that need one? */
static void share_rest(struct hf_sched *sched)
{
	struct hf_sched_task *task = first_queued(sched);
	struct hf_sched_core *core = sleeping_core(sched);
	uint64_t at;

	if (task)
		find_core(sched, task);
	else if (core && next_poll(sched, &at) && at < first_alarm(sched))
		wake_core(core);
}

/* -- tasks ------------------------------------------------------------------- */

void hf_sched_wake(struct hf_sched *sched, struct hf_sched_task *task)
{
	if (task->used < sched->queues[task->priority].used)
		task->used = sched->queues[task->priority].used;
	enqueue(sched, task);
	find_core(sched, task);
}

/* Called on a core, which looks for work right after. */
void hf_sched_wait(struct hf_sched *sched, struct hf_sched_task *task)
{
	wl_list_insert(sched->waiting[task->level].prev, &task->link);
	task->state = HF_SCHED_WAITING;
}

void hf_sched_remove(struct hf_sched *sched, struct hf_sched_task *task)
{
	dequeue(sched, task);
}

void hf_sched_stop(struct hf_sched *sched, struct hf_sched_task *task)
{
	for (unsigned int i = 0; i < sched->started; i++) {
		if (sched->cores[i].task == task)
			atomic_store(&sched->cores[i].stop, true);
	}
}

void hf_sched_slice_end(struct hf_sched_core *core, uint64_t end, uint64_t ns,
			bool progress)
{
	struct hf_sched *sched = core->sched;
	struct hf_sched_task *task = core->task;

	core->task = NULL;
	task->state = HF_SCHED_IDLE;
	task->used += ns;
	task->polled = end;
	charge_lower(sched, task->priority, ns);
	charge_poll(sched, core->polling, ns);
	if (progress) {
		task->level = 0;
		sched->kicks++;
	} else if (core->polling && task->level < HF_SCHED_POLL_LEVELS - 1) {
		task->level++;
	}
}

/* -- cores ------------------------------------------------------------------- */

static struct hf_sched_task *pick_poll(struct hf_sched_core *core)
{
	struct hf_sched *sched = core->sched;
	struct hf_sched_task *task;

	if (sched->poll_credit <= 0 && first_queued(sched))
		return NULL;
	task = due_poll(sched);
	if (task) {
		dequeue(sched, task);
		core->polling = true;
	}
	return task;
}

static struct hf_sched_task *pick_queued(struct hf_sched_core *core)
{
	struct hf_sched *sched = core->sched;
	struct hf_sched_queue *queue = owed_queue(sched);
	struct hf_sched_task *task;

	core->owed = queue;
	task = queue ? first_of(&queue->tasks) : first_queued(sched);
	if (!task)
		return NULL;
	queue = &sched->queues[task->priority];
	queue->passed_over = 0;
	if (queue->used < task->used)
		queue->used = task->used;
	dequeue(sched, task);
	return task;
}

static struct hf_sched_task *pick(struct hf_sched_core *core)
{
	struct hf_sched *sched = core->sched;
	struct hf_sched_task *task;
	uint64_t at;
	bool wanted;

	core->polling = core->owed = false;
	task = pick_poll(core);
	if (!task)
		task = pick_queued(core);
	if (!task)
		return NULL;
	wanted = first_queued(sched);
	core->alone = !wanted && !next_poll(sched, &at);
	core->slice_ns = core->alone ? SLICE_ALONE : SLICE_SHARED;
	if (core->polling && wanted)
		core->slice_ns = SLICE_POLL;
	atomic_store(&core->stop, false);
	core->task = task;
	task->state = HF_SCHED_RUNNING;
	task->kick = sched->kicks;
	return task;
}

static void core_sleep(struct hf_sched_core *core)
{
	struct hf_sched *sched = core->sched;
	struct timespec ts;

	next_poll(sched, &core->alarm);
	if (core->alarm >= first_alarm(sched))
		core->alarm = NEVER; /* somebody else will see to it */
	core->asleep = true;
	if (core->alarm == NEVER) {
		pthread_cond_wait(&core->wake, sched->lock);
	} else {
		ts.tv_sec = core->alarm / (1000 * MSEC);
		ts.tv_nsec = core->alarm % (1000 * MSEC);
		pthread_cond_timedwait(&core->wake, sched->lock, &ts);
	}
	core->asleep = false;
}

static void *core_main(void *data)
{
	struct hf_sched_core *core = data;
	struct hf_sched *sched = core->sched;
	struct hf_sched_task *task;
	char name[16];

	snprintf(name, sizeof(name), "holdfast-core%u", core->index);
	pthread_setname_np(pthread_self(), name);
	pthread_mutex_lock(sched->lock);
	while (!sched->stopping) {
		task = pick(core);
		if (!task) {
			core_sleep(core);
			continue;
		}
		share_rest(sched);
		sched->run(core, task);
	}
	pthread_mutex_unlock(sched->lock);
	return NULL;
}

/* -- starting and stopping --------------------------------------------------- */

static int start_core(struct hf_sched *sched, unsigned int index)
{
	struct hf_sched_core *core = &sched->cores[index];
	pthread_condattr_t attr;

	core->sched = sched;
	core->index = index;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&core->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (!pthread_create(&core->thread, NULL, core_main, core))
		return 0;
	pthread_cond_destroy(&core->wake);
	return -ENOMEM;
}

int hf_sched_start(struct hf_sched *sched)
{
	sigset_t all, before;

	if (sched->started == sched->ncores)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (sched->started < sched->ncores &&
	       !start_core(sched, sched->started))
		sched->started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return sched->started ? 0 : -ENOMEM;
}

int hf_sched_init(struct hf_sched *sched, unsigned int ncores,
		  pthread_mutex_t *lock,
		  void (*run)(struct hf_sched_core *core,
			      struct hf_sched_task *task))
{
	*sched = (struct hf_sched){
	    .run = run,
	    .lock = lock,
	    .ncores = ncores,
	};
	for (unsigned int i = 0; i < HF_SCHED_PRIORITIES; i++)
		wl_list_init(&sched->queues[i].tasks);
	for (unsigned int i = 0; i < HF_SCHED_POLL_LEVELS; i++)
		wl_list_init(&sched->waiting[i]);
	sched->cores = calloc(ncores, sizeof(*sched->cores));
	return sched->cores ? 0 : -ENOMEM;
}

void hf_sched_finish(struct hf_sched *sched)
{
	pthread_mutex_lock(sched->lock);
	sched->stopping = true;
	for (unsigned int i = 0; i < sched->started; i++) {
		atomic_store(&sched->cores[i].stop, true);
		wake_core(&sched->cores[i]);
	}
	pthread_mutex_unlock(sched->lock);
	for (unsigned int i = 0; i < sched->started; i++) {
		pthread_join(sched->cores[i].thread, NULL);
		pthread_cond_destroy(&sched->cores[i].wake);
	}
	free(sched->cores);
}
