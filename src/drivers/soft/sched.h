/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: which task may use which of the engine's cores, and for how
 * long. It knows nothing of what tasks do; drivers/soft/engine.c tells it.
 *
 * Higher priorities go first, but while a lower one waits it gets a slice in
 * eleven. Within a priority the task that used the least goes first. A task
 * that waits for a value is polled: by cores that have nothing else to do, less
 * and less often, and soon after others have done something; when others want
 * the cores, for a sixteenth of the time.
 *
 * One lock, the owner's, protects it all. A core drops it while it executes.
 */
#ifndef HF_SOFT_SCHED_H
#define HF_SOFT_SCHED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-util.h>

#define HF_SCHED_PRIORITIES 3
#define HF_SCHED_POLL_LEVELS 7

struct hf_sched;

enum hf_sched_state {
	HF_SCHED_IDLE,
	HF_SCHED_QUEUED,
	HF_SCHED_WAITING, /* is polled */
	HF_SCHED_RUNNING,
};

/**
 * struct hf_sched_task - Something that wants to run now and then.
 * @priority: 0..HF_SCHED_PRIORITIES - 1, the highest
 *
 * Lives in its owner's memory, which must not go while it is not idle. The
 * rest is the scheduler's.
 */
struct hf_sched_task {
	unsigned int priority;
	enum hf_sched_state state;
	uint64_t used;	 /* engine time, raised to the others' after idling */
	struct wl_list link; /* of a queue, or of a level of those that wait */
	unsigned int level;  /* how long until it is polled: see poll_at() */
	uint64_t polled, kick; /* when last, and what had happened by then */
};

/**
 * struct hf_sched_core - A thread.
 * @index: 0..
 * @slice_ns: for how long the task may run now
 * @stop: the task should stop as soon as it can
 */
struct hf_sched_core {
	unsigned int index;
	uint64_t slice_ns;
	_Atomic bool stop;

	struct hf_sched *sched;
	pthread_t thread;
	pthread_cond_t wake;
	bool asleep;
	uint64_t alarm; /* when it wakes up by itself, while asleep */
	struct hf_sched_task *task; /* running */
	bool owed;    /* the slice was waited for: no other task takes it away */
	bool polling; /* the task was polled */
	bool alone;   /* nobody else wanted the core when the slice began */
};

/**
 * struct hf_sched_queue - Tasks of a priority that want a core.
 * @tasks: the one that used the least first
 * @used: the least that anyone had used when he got a core last
 * @passed_over: time that higher priorities got while this one waited
 */
struct hf_sched_queue {
	struct wl_list tasks;
	uint64_t used, passed_over;
};

/**
 * struct hf_sched - The cores and who wants them.
 * @run: execute a task for a slice; called with the lock, which it drops
 *	meanwhile. It calls hf_sched_slice_end(), and puts the task where it
 *	belongs
 */
struct hf_sched {
	void (*run)(struct hf_sched_core *core, struct hf_sched_task *task);
	pthread_mutex_t *lock;
	struct hf_sched_core *cores;
	unsigned int ncores, started;
	bool stopping;
	struct hf_sched_queue queues[HF_SCHED_PRIORITIES];
	unsigned int nqueued; /* tasks in all of them */
	struct wl_list waiting[HF_SCHED_POLL_LEVELS]; /* polled longest ago first */
	uint64_t kicks; /* slices in which something was done */
	int64_t poll_credit; /* ns that polling may take from others */
};

/** hf_sched_init() - Without threads yet. Return: 0 or -ENOMEM. */
int hf_sched_init(struct hf_sched *sched, unsigned int ncores,
		  pthread_mutex_t *lock,
		  void (*run)(struct hf_sched_core *core,
			      struct hf_sched_task *task));
/** hf_sched_start() - Start the threads. Return: 0; -ENOMEM for not even one. */
int hf_sched_start(struct hf_sched *sched);
/** hf_sched_finish() - Stop and join the threads. Called without the lock. */
void hf_sched_finish(struct hf_sched *sched);

void hf_sched_task_init(struct hf_sched_task *task, unsigned int priority);
/** hf_sched_wake() - An idle task wants to run. */
void hf_sched_wake(struct hf_sched *sched, struct hf_sched_task *task);
/** hf_sched_wait() - An idle task wants to be polled. */
void hf_sched_wait(struct hf_sched *sched, struct hf_sched_task *task);
/** hf_sched_remove() - It wants nothing any more; it is not running. */
void hf_sched_remove(struct hf_sched *sched, struct hf_sched_task *task);
/** hf_sched_stop() - If the task runs, have it stop soon. */
void hf_sched_stop(struct hf_sched *sched, struct hf_sched_task *task);

/**
 * hf_sched_slice_end() - The task has run, and is idle now.
 * @end: when, on CLOCK_MONOTONIC
 * @ns: for how long
 * @progress: it did something; else it only looked whether it could
 */
void hf_sched_slice_end(struct hf_sched_core *core, uint64_t end, uint64_t ns,
			bool progress);

#endif
