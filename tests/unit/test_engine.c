/* SPDX-License-Identifier: MIT */
/*
 * The engine's contexts and its scheduler. What a job does and the address space
 * it does it in are played by this file: the address of a job's commands is that of
 * an array of steps, which say when it stops, waits, fails or goes on.
 *
 * Nothing here depends on how fast the machine is: the tests look at order and
 * counts, and at what could never end if the engine did not do its part.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/futex.h"
#include "base/spin.h"
#include "drivers/soft/engine.h"
#include "drivers/soft/exec.h"
#include "holdfast_drm.h"

#define LOW HOLDFAST_PRIORITY_LOW
#define NORMAL HOLDFAST_PRIORITY_NORMAL
#define HIGH HOLDFAST_PRIORITY_HIGH

/* A timeout that no test reaches. */
#define LONG 60000

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* In any thread, unlike cmocka's. */
#define check(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#condition);                                   \
			abort();                                               \
		}                                                              \
	} while (0)

static pthread_mutex_t lock;
static struct hf_clock *the_clock;
static struct hf_engine *engine;
static struct hf_dma_device *const dma = (void *)0x1000;
static struct hf_vm *vm;

static void take(void)
{
	check(!pthread_mutex_lock(&lock));
}

static void leave(void)
{
	check(!pthread_mutex_unlock(&lock));
}

/* The lock checks for errors: who has it already is told so. */
static bool has_lock(void)
{
	if (pthread_mutex_lock(&lock) == EDEADLK)
		return true;
	leave();
	return false;
}

/* -- address spaces, played -------------------------------------------------- */

struct hf_vm {
	unsigned int refcount, begun, ended;
	bool running[4096]; /* jobs, by token */
};

static unsigned int live_vms;

static struct hf_vm *vm_create(void)
{
	struct hf_vm *new = calloc(1, sizeof(*new));

	check(new);
	new->refcount = 1;
	live_vms++;
	return new;
}

struct hf_vm *hf_vm_get(struct hf_vm *vm)
{
	check(has_lock());
	vm->refcount++;
	return vm;
}

void hf_vm_put(struct hf_vm *vm)
{
	check(has_lock());
	if (--vm->refcount)
		return;
	check(vm->begun == vm->ended);
	live_vms--;
	free(vm);
}

uint64_t hf_vm_job_begin(struct hf_vm *vm)
{
	uint64_t token = vm->begun++;

	check(has_lock());
	vm->running[token % COUNT(vm->running)] = true;
	return token;
}

void hf_vm_job_end(struct hf_vm *vm, uint64_t token)
{
	check(has_lock());
	check(vm->running[token % COUNT(vm->running)]);
	vm->running[token % COUNT(vm->running)] = false;
	vm->ended++;
}

void hf_mmu_switch(struct hf_mmu *mmu, struct hf_vm *vm)
{
	check(has_lock());
	check(mmu->port.dev == dma);
	check(vm->begun > vm->ended);
	mmu->vm = vm;
}

/* -- commands, played -------------------------------------------------------- */

enum op {
	END,
	MARK,	 /* write a number down */
	YIELD,	 /* once */
	SPIN,	 /* until the deadline, for ever */
	SLUG,	 /* for 10 ms, for ever; deaf */
	STEADY,	 /* until the deadline; again from its beginning if stopped */
	STUBBORN, /* until it is told to stop, for ever; or until *word */
	BLOCK,	 /* deaf to anything but *word */
	WAIT,	 /* for *word, as the real one */
	STORE,	 /* 1 to *word */
	FAULT,
};

struct step {
	enum op op;
	_Atomic unsigned int *word;
	int number;
};

static pthread_mutex_t marks_lock = PTHREAD_MUTEX_INITIALIZER;
static int marks[100000];
static size_t nmarks;

static _Atomic unsigned int running, calls, badly_set_up;
static _Atomic uint64_t longest_slice;

static void mark(int number)
{
	pthread_mutex_lock(&marks_lock);
	check(nmarks < COUNT(marks));
	marks[nmarks++] = number;
	pthread_mutex_unlock(&marks_lock);
}

static size_t count_marks(int number)
{
	size_t n = 0;

	pthread_mutex_lock(&marks_lock);
	for (size_t i = 0; i < nmarks; i++)
		n += marks[i] == number;
	pthread_mutex_unlock(&marks_lock);
	return n;
}

static void assert_marks(const int *expected, size_t n)
{
	pthread_mutex_lock(&marks_lock);
	assert_int_equal(nmarks, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(marks[i], expected[i]);
	pthread_mutex_unlock(&marks_lock);
}

#define assert_marked(...)                                                     \
	assert_marks((const int[]){ __VA_ARGS__ },                             \
		     COUNT(((const int[]){ __VA_ARGS__ })))

static void spin(const struct step *step, uint64_t deadline,
		 const _Atomic bool *stop)
{
	if (step->number)
		mark(step->number);
	while (hf_monotonic_ns() < deadline && !atomic_load(stop))
		hf_cpu_relax();
}

static void be_slug(void)
{
	uint64_t end = hf_monotonic_ns() + 10000000;

	while (hf_monotonic_ns() < end)
		hf_cpu_relax();
}

/* Execute a step; HF_EXEC_DONE: there are more. */
static enum hf_exec_status do_step(struct hf_exec *exec,
				   const struct step *step, uint64_t deadline,
				   const _Atomic bool *stop)
{
	switch (step->op) {
	case MARK:
		mark(step->number);
		break;
	case YIELD:
		exec->pc += sizeof(*step);
		return HF_EXEC_YIELD;
	case SPIN:
		spin(step, deadline, stop);
		return HF_EXEC_YIELD;
	case SLUG:
		be_slug();
		return HF_EXEC_YIELD;
	case STEADY:
		spin(step, deadline, stop);
		if (atomic_load(stop))
			return HF_EXEC_YIELD;
		break;
	case STUBBORN:
		while (!atomic_load(stop) && !atomic_load(step->word))
			usleep(100);
		if (!atomic_load(step->word))
			return HF_EXEC_YIELD;
		break;
	case BLOCK:
		while (!atomic_load(step->word))
			usleep(100);
		break;
	case WAIT:
		if (!atomic_load(step->word))
			return HF_EXEC_WAIT;
		break;
	case STORE:
		atomic_store(step->word, 1);
		break;
	case FAULT:
		exec->fault = HOLDFAST_FAULT_READ_ONLY;
		exec->fault_va = 0x1234;
		exec->fault_write = true;
		return HF_EXEC_FAULT;
	case END:
		break;
	}
	exec->pc += sizeof(*step);
	return HF_EXEC_DONE;
}

static void check_thread(void)
{
	char name[16] = "";
	sigset_t blocked;

	pthread_getname_np(pthread_self(), name, sizeof(name));
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	if (strncmp(name, "holdfast-core", 13) ||
	    !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGINT))
		atomic_fetch_add(&badly_set_up, 1);
}

enum hf_exec_status hf_exec_run(struct hf_exec *exec, struct hf_mmu *mmu,
				uint64_t deadline, const _Atomic bool *stop)
{
	enum hf_exec_status status = HF_EXEC_DONE;
	uint64_t start = hf_monotonic_ns(), ns;

	check(!has_lock());
	check(mmu->vm);
	check_thread();
	atomic_fetch_add(&calls, 1);
	atomic_fetch_add(&running, 1);
	while (status == HF_EXEC_DONE && exec->pc < exec->end)
		status = do_step(exec, (void *)(uintptr_t)exec->pc, deadline,
				 stop);
	atomic_fetch_sub(&running, 1);
	ns = hf_monotonic_ns() - start;
	if (ns > atomic_load(&longest_slice))
		atomic_store(&longest_slice, ns);
	return status;
}

/* -- helpers ----------------------------------------------------------------- */

static struct hf_engine_context *context_of(struct hf_vm *of,
					    unsigned int priority,
					    unsigned int timeout_ms)
{
	struct hf_engine_context *context;

	take();
	context = hf_engine_context_create(engine, of, priority, timeout_ms,
					   "test", NULL);
	leave();
	check(context);
	return context;
}

static struct hf_engine_context *context_create(unsigned int priority)
{
	return context_of(vm, priority, LONG);
}

static void context_destroy(struct hf_engine_context *context, bool kill)
{
	take();
	hf_engine_context_destroy(context, kill);
	leave();
}

static struct hf_engine_status status_of(struct hf_engine_context *context)
{
	struct hf_engine_status status;

	take();
	hf_engine_context_status(context, &status);
	leave();
	return status;
}

static struct hf_fence *submit_steps(struct hf_engine_context *context,
				     const struct step *steps, size_t nsteps,
				     struct hf_fence *const *wait, size_t nwait)
{
	struct hf_engine_job job = {
		.va = (uintptr_t)steps,
		.size = nsteps * sizeof(*steps),
		.wait = wait,
		.nwait = nwait,
	};
	struct hf_fence *fence = NULL;

	take();
	check(!hf_engine_submit(context, &job, &fence));
	leave();
	return fence;
}

#define submit(context, steps)                                                 \
	submit_steps(context, steps, COUNT(steps), NULL, 0)
#define submit_after(context, steps, fence)                                    \
	submit_steps(context, steps, COUNT(steps), &(fence), 1)

static int submit_error(struct hf_engine_context *context)
{
	static const struct hf_engine_job job;
	struct hf_fence *fence = NULL;
	int ret;

	take();
	ret = hf_engine_submit(context, &job, &fence);
	leave();
	assert_null(fence);
	return ret;
}

static struct hf_fence *submit_empty(struct hf_engine_context *context,
				     struct hf_fence *wait)
{
	return submit_steps(context, NULL, 0, &wait, wait ? 1 : 0);
}

static struct hf_fence *new_fence(void)
{
	struct hf_fence *fence;

	take();
	fence = hf_fence_create(NULL);
	leave();
	check(fence);
	return fence;
}

static void signal_fence(struct hf_fence *fence, int error)
{
	take();
	hf_fence_signal(fence, error, hf_clock_now(the_clock));
	leave();
}

static void put_fence(struct hf_fence *fence)
{
	take();
	hf_fence_put(fence);
	leave();
}

static bool is_signaled(struct hf_fence *fence)
{
	bool signaled;

	take();
	signaled = fence->signaled;
	leave();
	return signaled;
}

static int wait_fence(struct hf_fence *fence)
{
	int error;

	while (!is_signaled(fence))
		usleep(100);
	take();
	error = fence->error;
	hf_fence_put(fence);
	leave();
	return error;
}

static void wait_running(unsigned int n)
{
	while (atomic_load(&running) != n)
		usleep(100);
}

static void wait_calls(unsigned int n)
{
	unsigned int target = atomic_load(&calls) + n;

	while ((int)(atomic_load(&calls) - target) < 0)
		usleep(100);
}

static void wait_marks(int number, size_t n)
{
	while (count_marks(number) < n)
		usleep(100);
}

static unsigned int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int n = 0;

	check(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void start_engine(unsigned int cores)
{
	take();
	engine = hf_engine_create(dma, &lock, the_clock, cores);
	leave();
	check(engine);
}

static int set_up(void **state)
{
	pthread_mutexattr_t attr;

	(void)state;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&lock, &attr);
	pthread_mutexattr_destroy(&attr);
	the_clock = hf_clock_create();
	vm = vm_create();
	engine = NULL;
	nmarks = 0;
	atomic_store(&calls, 0);
	atomic_store(&longest_slice, 0);
	return the_clock ? 0 : -1;
}

/* Whatever a test has left behind, nothing of it may stay. */
static int tear_down(void **state)
{
	(void)state;
	hf_engine_destroy(engine);
	take();
	hf_vm_put(vm);
	leave();
	hf_clock_destroy(the_clock);
	check(!live_vms);
	check(!atomic_load(&running));
	check(!atomic_load(&badly_set_up));
	return pthread_mutex_destroy(&lock);
}

/* -- order ------------------------------------------------------------------- */

static void jobs_of_a_context_run_in_the_order_of_submission(void **state)
{
	enum { N = 64 };
	struct step steps[N][3] = { 0 };
	struct hf_engine_context *context;
	struct hf_fence *fences[N];
	int expected[N];

	(void)state;
	start_engine(4);
	context = context_create(NORMAL);
	for (int i = 0; i < N; i++) {
		steps[i][0].op = i % 3 ? YIELD : END;
		steps[i][1] = (struct step){ MARK, NULL, i };
		expected[i] = i;
		fences[i] = submit(context, steps[i]);
	}
	for (int i = 0; i < N; i++)
		assert_int_equal(wait_fence(fences[i]), 0);
	assert_marks(expected, N);
	assert_int_equal(status_of(context).jobs_done, N);
}

static void two_contexts_run_at_the_same_time(void **state)
{
	_Atomic unsigned int here = 0, there = 0;
	struct step one[] = { { STORE, &here, 0 }, { BLOCK, &there, 0 } };
	struct step other[] = { { STORE, &there, 0 }, { BLOCK, &here, 0 } };
	struct hf_fence *first, *second;

	(void)state;
	start_engine(2);
	first = submit(context_create(NORMAL), one);
	second = submit(context_create(NORMAL), other);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(second), 0);
}

static void two_jobs_of_a_context_never_run_at_the_same_time(void **state)
{
	_Atomic unsigned int go = 0;
	struct step hold[] = { { BLOCK, &go, 0 }, { MARK, NULL, 1 } };
	struct step next[] = { { MARK, NULL, 2 } };
	struct step other[] = { { MARK, NULL, 3 } };
	struct hf_engine_context *context;
	struct hf_fence *first, *second;

	(void)state;
	start_engine(4);
	context = context_create(NORMAL);
	first = submit(context, hold);
	second = submit(context, next);
	assert_int_equal(wait_fence(submit(context_create(LOW), other)), 0);
	assert_false(is_signaled(second));
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(second), 0);
	assert_marked(3, 1, 2);
}

static void an_empty_job_is_over_when_it_is_submitted(void **state)
{
	unsigned int threads = count_threads();
	struct hf_fence *fence;

	(void)state;
	start_engine(4);
	fence = submit_empty(context_create(NORMAL), NULL);
	assert_true(is_signaled(fence));
	assert_int_equal(wait_fence(fence), 0);
	assert_int_equal(count_threads(), threads);
	assert_int_equal(hf_engine_jobs(engine), 0);
}

static void an_empty_job_waits_for_those_before_it(void **state)
{
	_Atomic unsigned int go = 0;
	struct step hold[] = { { BLOCK, &go, 0 } };
	struct hf_engine_context *context;
	struct hf_fence *first, *second, *third;

	(void)state;
	start_engine(2);
	context = context_create(NORMAL);
	first = submit(context, hold);
	second = submit_empty(context, NULL);
	third = submit(context, hold);
	assert_false(is_signaled(second));
	assert_int_equal(hf_engine_jobs(engine), 3);
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(second), 0);
	assert_int_equal(wait_fence(third), 0);
	assert_int_equal(status_of(context).jobs_done, 3);
}

/* -- dependencies ------------------------------------------------------------ */

static void a_job_waits_for_all_its_fences_in_any_order(void **state)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct step steps[] = { { MARK, NULL, 1 } };
	struct step other[] = { { MARK, NULL, 2 } };
	struct hf_engine_context *context, *another;

	(void)state;
	start_engine(2);
	context = context_create(NORMAL);
	another = context_create(NORMAL);
	for (size_t i = 0; i < COUNT(orders); i++) {
		struct hf_fence *fences[4], *done;

		for (int j = 0; j < 4; j++)
			fences[j] = new_fence();
		signal_fence(fences[3], 0);
		done = submit_steps(context, steps, 1, fences, 4);
		for (int j = 0; j < 3; j++) {
			assert_int_equal(wait_fence(submit(another, other)), 0);
			assert_int_equal(count_marks(1), i);
			signal_fence(fences[orders[i][j]], j == 1 ? -EIO : 0);
		}
		assert_int_equal(wait_fence(done), 0);
		for (int j = 0; j < 4; j++)
			put_fence(fences[j]);
	}
	assert_int_equal(count_marks(1), COUNT(orders));
}

static void a_job_does_not_overtake_one_that_waits_for_a_fence(void **state)
{
	struct step one[] = { { MARK, NULL, 1 } }, two[] = { { MARK, NULL, 2 } };
	struct step other[] = { { MARK, NULL, 3 } };
	struct hf_fence *gate = new_fence(), *first, *second;
	struct hf_engine_context *context;

	(void)state;
	start_engine(2);
	context = context_create(HIGH);
	first = submit_after(context, one, gate);
	second = submit(context, two);
	assert_int_equal(wait_fence(submit(context_create(LOW), other)), 0);
	signal_fence(gate, 0);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(second), 0);
	assert_marked(3, 1, 2);
	put_fence(gate);
}

static void a_job_may_wait_for_jobs_of_its_own_and_of_other_contexts(void **state)
{
	struct step one[] = { { YIELD, NULL, 0 }, { MARK, NULL, 1 } };
	struct step two[] = { { MARK, NULL, 2 } }, three[] = { { MARK, NULL, 3 } };
	struct hf_engine_context *a, *b;
	struct hf_fence *fences[2], *last;

	(void)state;
	start_engine(4);
	a = context_create(LOW);
	b = context_create(HIGH);
	fences[0] = submit(a, one);
	fences[1] = submit_after(b, two, fences[0]);
	last = submit_steps(a, three, 1, fences, 2);
	assert_int_equal(wait_fence(last), 0);
	assert_marked(1, 2, 3);
	assert_int_equal(wait_fence(fences[0]), 0);
	assert_int_equal(wait_fence(fences[1]), 0);
}

static void a_job_runs_although_what_it_waits_for_has_failed(void **state)
{
	struct step fault[] = { { FAULT, NULL, 0 } };
	struct step steps[] = { { MARK, NULL, 1 } };
	struct hf_fence *failed, *done;

	(void)state;
	start_engine(2);
	failed = submit(context_create(NORMAL), fault);
	done = submit_after(context_create(NORMAL), steps, failed);
	assert_int_equal(wait_fence(done), 0);
	assert_int_equal(wait_fence(failed), -EIO);
	assert_marked(1);
}

/* Each ends because the one before it has: the stack must not grow. */
static void a_long_chain_of_empty_jobs_ends_at_once(void **state)
{
	struct hf_engine_context *contexts[32];
	struct hf_fence *gate = new_fence(), *last;

	(void)state;
	start_engine(1);
	for (int i = 0; i < 32; i++)
		contexts[i] = context_create(NORMAL);
	last = submit_empty(contexts[31], gate);
	for (int i = 0; i < 100000; i++) {
		struct hf_fence *next = submit_empty(contexts[i % 32], last);

		put_fence(last);
		last = next;
	}
	assert_false(is_signaled(last));
	signal_fence(gate, 0);
	assert_true(is_signaled(last));
	put_fence(last);
	put_fence(gate);
}

static void a_full_queue_takes_no_more_until_a_job_has_ended(void **state)
{
	struct hf_fence *gate = new_fence(), *first, *none = NULL;
	struct hf_engine_context *context;
	struct hf_engine_job job = { 0 };

	(void)state;
	start_engine(1);
	context = context_create(NORMAL);
	first = submit_empty(context, gate);
	for (int i = 1; i < HF_ENGINE_QUEUE; i++)
		put_fence(submit_empty(context, gate));
	take();
	assert_int_equal(hf_engine_submit(context, &job, &none), -EAGAIN);
	leave();
	assert_null(none);
	signal_fence(gate, 0);
	assert_true(is_signaled(first));
	put_fence(submit_empty(context, gate));
	put_fence(first);
	put_fence(gate);
}

struct follower {
	struct hf_fence_cb cb;
	struct hf_engine_context *context, *unwanted;
	struct hf_engine_job job;
	struct hf_fence *fence;
};

static void follow(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct follower *follower = wl_container_of(cb, follower, cb);

	check(has_lock());
	check(fence->signaled);
	hf_engine_context_destroy(follower->unwanted, true);
	check(!hf_engine_submit(follower->context, &follower->job,
				&follower->fence));
}

static void a_callback_may_submit_and_destroy_contexts(void **state)
{
	struct step steps[] = { { MARK, NULL, 1 } };
	struct follower follower = {
		.job = { .va = (uintptr_t)steps, .size = sizeof(steps) },
	};
	struct hf_fence *gate = new_fence(), *first;

	(void)state;
	start_engine(2);
	follower.context = context_create(NORMAL);
	follower.unwanted = context_create(NORMAL);
	first = submit_after(follower.unwanted, steps, gate);
	take();
	hf_fence_add_callback(first, &follower.cb, follow);
	leave();
	signal_fence(gate, 0);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(follower.fence), 0);
	assert_marked(1, 1);
	put_fence(gate);
}

/* -- the end of a job -------------------------------------------------------- */

struct held {
	struct hf_fence *fence;
	struct hf_vm *vm;
	unsigned int released;
	bool while_running, after_fence;
};

static void release(void *data)
{
	struct held *held = data;

	check(has_lock());
	held->released++;
	held->while_running |= held->vm->begun != held->vm->ended;
	held->after_fence |= held->fence && held->fence->signaled;
}

static int submit_held(struct hf_engine_context *context,
		       const struct step *steps, size_t nsteps,
		       struct hf_fence *wait, struct held *held)
{
	struct hf_engine_job job = {
		.va = (uintptr_t)steps,
		.size = nsteps * sizeof(*steps),
		.wait = &wait,
		.nwait = wait ? 1 : 0,
		.release = release,
		.data = held,
	};
	int ret;

	held->vm = vm;
	take();
	ret = hf_engine_submit(context, &job, &held->fence);
	leave();
	return ret;
}

static void assert_released(const struct held *held)
{
	take();
	assert_int_equal(held->released, 1);
	assert_false(held->while_running);
	assert_false(held->after_fence);
	leave();
}

static void a_job_holds_nothing_when_its_fence_signals(void **state)
{
	struct step steps[] = { { YIELD, NULL, 0 } }, fault[] = { { FAULT, NULL, 0 } };
	struct held done = { 0 }, failed = { 0 }, empty = { 0 }, dropped = { 0 };
	struct hf_fence *never = new_fence();
	struct hf_engine_context *context;

	(void)state;
	start_engine(2);
	context = context_create(NORMAL);
	assert_int_equal(submit_held(context, steps, 1, NULL, &done), 0);
	assert_int_equal(wait_fence(done.fence), 0);
	assert_int_equal(submit_held(context, NULL, 0, NULL, &empty), 0);
	assert_int_equal(wait_fence(empty.fence), 0);
	assert_int_equal(submit_held(context, fault, 1, NULL, &failed), 0);
	assert_int_equal(wait_fence(failed.fence), -EIO);
	context = context_create(NORMAL);
	assert_int_equal(submit_held(context, steps, 1, never, &dropped), 0);
	context_destroy(context, true);
	assert_int_equal(wait_fence(dropped.fence), -ECANCELED);
	assert_released(&done);
	assert_released(&empty);
	assert_released(&failed);
	assert_released(&dropped);
	assert_int_equal(never->refcount, 1);
	put_fence(never);
}

struct witness {
	struct hf_fence_cb cb;
	unsigned int vms;
};

static void count_vms(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct witness *witness = wl_container_of(cb, witness, cb);

	(void)fence;
	witness->vms = live_vms;
}

static void the_last_job_of_a_dead_context_takes_its_address_space(void **state)
{
	_Atomic unsigned int go = 0;
	struct step hold[] = { { BLOCK, &go, 0 } };
	struct hf_vm *own = vm_create();
	struct witness witness = { .vms = 2 };
	struct hf_engine_context *context;
	struct hf_fence *fence;

	(void)state;
	start_engine(2);
	context = context_of(own, NORMAL, LONG);
	fence = submit(context, hold);
	context_destroy(context, false);
	take();
	hf_vm_put(own);
	assert_int_equal(live_vms, 2);
	hf_fence_add_callback(fence, &witness.cb, count_vms);
	leave();
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(fence), 0);
	assert_int_equal(witness.vms, 1);
}

static void fences_of_a_context_are_on_one_timeline(void **state)
{
	struct step steps[] = { { YIELD, NULL, 0 } };
	struct hf_engine_context *a, *b;
	struct hf_fence *first, *second, *other;
	uint64_t before, after;

	(void)state;
	start_engine(1);
	a = context_create(NORMAL);
	b = context_create(NORMAL);
	before = hf_clock_now(the_clock);
	first = submit(a, steps);
	other = submit(b, steps);
	second = submit_empty(a, NULL);
	assert_int_equal(second->context, first->context);
	assert_int_equal(second->seqno, first->seqno + 1);
	assert_int_not_equal(other->context, first->context);
	while (!is_signaled(second))
		usleep(100);
	after = hf_clock_now(the_clock);
	assert_in_range(first->ns, before, after);
	assert_in_range(second->ns, first->ns, after);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(second), 0);
	assert_int_equal(wait_fence(other), 0);
}

static void busy_time_is_the_sum_of_the_contexts(void **state)
{
	struct step steps[] = { { YIELD, NULL, 0 }, { YIELD, NULL, 0 } };
	struct hf_engine_context *contexts[3];
	struct hf_fence *fence;
	uint64_t sum = 0;

	(void)state;
	start_engine(2);
	for (int i = 0; i < 3; i++) {
		contexts[i] = context_create(i);
		fence = submit(contexts[i], steps);
		assert_int_equal(wait_fence(fence), 0);
		assert_true(status_of(contexts[i]).busy_ns > 0);
	}
	for (int i = 0; i < 3; i++)
		sum += status_of(contexts[i]).busy_ns;
	assert_int_equal(hf_engine_busy_ns(engine), sum);
}

/* -- failure ----------------------------------------------------------------- */

static void a_fault_bans_the_context_and_no_other(void **state)
{
	_Atomic unsigned int go = 0;
	struct step fault[] = { { BLOCK, &go, 0 }, { FAULT, NULL, 0 } };
	struct step steps[] = { { MARK, NULL, 1 } };
	struct hf_fence *never = new_fence(), *fences[4];
	struct hf_engine_context *bad, *good;
	struct hf_engine_status status;

	(void)state;
	start_engine(2);
	bad = context_create(NORMAL);
	good = context_create(NORMAL);
	fences[0] = submit(bad, fault);
	fences[1] = submit(bad, steps);
	fences[2] = submit_after(bad, steps, never);
	fences[3] = submit_empty(bad, NULL);
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(fences[0]), -EIO);
	for (int i = 1; i < 4; i++)
		assert_int_equal(wait_fence(fences[i]), -ECANCELED);
	assert_int_equal(submit_error(bad), -EIO);
	status = status_of(bad);
	assert_true(status.banned);
	assert_int_equal(status.fault, HOLDFAST_FAULT_READ_ONLY);
	assert_int_equal(status.fault_va, 0x1234);
	assert_true(status.fault_write);
	assert_int_equal(status.jobs_done, 0);
	assert_int_equal(never->refcount, 1);
	assert_int_equal(hf_engine_jobs(engine), 0);

	assert_int_equal(wait_fence(submit(good, steps)), 0);
	assert_false(status_of(good).banned);
	assert_marked(1);
	put_fence(never);
}

static void assert_hang(struct hf_engine_context *context,
			const struct step *at)
{
	struct hf_engine_status status = status_of(context);

	assert_true(status.banned);
	assert_int_equal(status.fault, HOLDFAST_FAULT_TIMEOUT);
	assert_int_equal(status.fault_va, (uintptr_t)at);
	assert_int_equal(submit_error(context), -EIO);
}

static void a_job_that_never_ends_is_a_hang(void **state)
{
	struct step loop[] = { { MARK, NULL, 1 }, { SPIN, NULL, 0 } };
	struct step steps[] = { { YIELD, NULL, 0 } };
	struct hf_engine_context *bad, *good;
	struct hf_fence *hung, *behind, *fine;

	(void)state;
	start_engine(1);
	bad = context_of(vm, HIGH, 30);
	good = context_create(LOW);
	hung = submit(bad, loop);
	behind = submit(bad, steps);
	fine = submit(good, steps);
	assert_int_equal(wait_fence(hung), -ETIME);
	assert_int_equal(wait_fence(behind), -ECANCELED);
	assert_int_equal(wait_fence(fine), 0);
	assert_hang(bad, &loop[1]);
}

static void a_wait_that_never_comes_true_is_a_hang(void **state)
{
	_Atomic unsigned int never = 0;
	struct step wait[] = { { MARK, NULL, 1 }, { WAIT, &never, 0 } };
	struct step steps[] = { { YIELD, NULL, 0 } };
	struct hf_engine_context *bad, *good;
	struct hf_fence *hung, *behind;

	(void)state;
	start_engine(2);
	bad = context_of(vm, NORMAL, 30);
	good = context_create(NORMAL);
	hung = submit(bad, wait);
	behind = submit(bad, steps);
	assert_int_equal(wait_fence(hung), -ETIME);
	assert_int_equal(wait_fence(behind), -ECANCELED);
	assert_int_equal(wait_fence(submit(good, steps)), 0);
	assert_hang(bad, &wait[1]);
}

static void time_that_others_use_is_not_the_jobs_own(void **state)
{
	enum { TIMEOUT_MS = 500 };
	_Atomic unsigned int queued = 0, go = 0;
	struct step steps[] = { { MARK, NULL, 1 }, { BLOCK, &queued, 0 },
				{ YIELD, NULL, 0 }, { MARK, NULL, 3 } };
	struct step first[] = { { MARK, NULL, 2 }, { BLOCK, &go, 0 } };
	struct hf_fence *fence, *other;

	(void)state;
	start_engine(1);
	fence = submit(context_of(vm, LOW, TIMEOUT_MS), steps);
	wait_marks(1, 1);
	other = submit(context_create(HIGH), first);
	atomic_store(&queued, 1);
	wait_marks(2, 1);
	usleep(TIMEOUT_MS * 1000 + 100000);
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(other), 0);
	assert_int_equal(wait_fence(fence), 0);
	assert_marked(1, 2, 3);
}

/* -- waiting for values ------------------------------------------------------ */

static void a_wait_goes_on_when_the_cpu_stores_the_value(void **state)
{
	_Atomic unsigned int word = 0;
	struct step wait[] = { { MARK, NULL, 1 }, { WAIT, &word, 0 },
			       { MARK, NULL, 2 } };
	struct hf_fence *fence;

	(void)state;
	start_engine(1);
	fence = submit(context_create(NORMAL), wait);
	wait_calls(8);
	assert_marked(1);
	atomic_store(&word, 1);
	assert_int_equal(wait_fence(fence), 0);
	assert_marked(1, 2);
}

static void a_job_may_store_what_another_one_waits_for(void **state)
{
	_Atomic unsigned int ping = 0, pong = 0;
	struct step one[] = { { WAIT, &ping, 0 }, { MARK, NULL, 1 },
			      { STORE, &pong, 0 } };
	struct step other[] = { { STORE, &ping, 0 }, { WAIT, &pong, 0 },
				{ MARK, NULL, 2 } };
	struct hf_fence *first, *second;

	(void)state;
	start_engine(1);
	first = submit(context_create(HIGH), one);
	second = submit(context_create(LOW), other);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(second), 0);
	assert_marked(1, 2);
}

/* A core that is kept busy still looks after those that wait. */
static void a_wait_is_polled_while_others_use_the_cores(void **state)
{
	_Atomic unsigned int word = 0;
	struct step wait[] = { { WAIT, &word, 0 } };
	struct step loop[] = { { SPIN, NULL, 0 } };
	struct hf_engine_context *busy[2];
	struct hf_fence *waiting, *loops[2];

	(void)state;
	start_engine(1);
	for (int i = 0; i < 2; i++) {
		busy[i] = context_create(HIGH);
		loops[i] = submit(busy[i], loop);
	}
	waiting = submit(context_create(LOW), wait);
	wait_calls(20);
	atomic_store(&word, 1);
	assert_int_equal(wait_fence(waiting), 0);
	for (int i = 0; i < 2; i++) {
		context_destroy(busy[i], true);
		assert_int_equal(wait_fence(loops[i]), -ECANCELED);
	}
}

static void many_that_wait_do_not_stop_one_that_runs(void **state)
{
	enum { N = 200 };
	_Atomic unsigned int word = 0, go = 0;
	struct step wait[] = { { MARK, NULL, 2 }, { WAIT, &word, 0 } };
	struct step steps[20] = { 0 };
	struct hf_fence *fence;
	struct hf_fence *waiting[N];
	unsigned int before;

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++)
		steps[i].op = YIELD;
	steps[0] = (struct step){ BLOCK, &go, 0 };
	start_engine(1);
	for (int i = 0; i < N; i++)
		waiting[i] = submit(context_create(i % 3), wait);
	wait_marks(2, N);
	fence = submit(context_create(LOW), steps);
	wait_running(1);
	before = atomic_load(&calls);
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(fence), 0);
	assert_true(atomic_load(&calls) - before < N * COUNT(steps) / 2);
	atomic_store(&word, 1);
	for (int i = 0; i < N; i++)
		assert_int_equal(wait_fence(waiting[i]), 0);
}

/* Whoever was going to poll it may have got something else to do. */
static void a_wait_is_polled_although_a_core_is_blocked(void **state)
{
	(void)state;
	start_engine(2);
	for (int i = 0; i < 8; i++) {
		_Atomic unsigned int word = 0, go = 0;
		struct step wait[] = { { WAIT, &word, 0 } };
		struct step hold[] = { { MARK, NULL, i }, { BLOCK, &go, 0 } };
		struct hf_fence *waiting, *held;

		waiting = submit(context_create(NORMAL), wait);
		wait_calls(3);
		held = submit(context_create(NORMAL), hold);
		wait_marks(i, 1);
		atomic_store(&word, 1);
		assert_int_equal(wait_fence(waiting), 0);
		atomic_store(&go, 1);
		assert_int_equal(wait_fence(held), 0);
	}
}

/* The more so the longer it lasts: each delay is twice the one before. */
static void a_wait_does_not_keep_a_processor_busy(void **state)
{
	_Atomic unsigned int word = 0;
	struct step wait[] = { { WAIT, &word, 0 } };
	uint64_t start = hf_monotonic_ns(), ms;
	struct hf_fence *fence;
	unsigned int polls;

	(void)state;
	start_engine(4);
	fence = submit(context_create(NORMAL), wait);
	usleep(200000);
	polls = atomic_load(&calls);
	ms = (hf_monotonic_ns() - start) / 1000000;
	assert_true(polls >= 1);
	assert_true(polls <= ms + 10);
	atomic_store(&word, 1);
	assert_int_equal(wait_fence(fence), 0);
}

/* -- sharing the cores ------------------------------------------------------- */

static void the_highest_priority_goes_first(void **state)
{
	_Atomic unsigned int go = 0;
	struct step hold[] = { { BLOCK, &go, 0 } };
	struct step steps[3][1];
	struct hf_fence *held, *fences[3];

	(void)state;
	start_engine(1);
	held = submit(context_create(HIGH), hold);
	wait_running(1);
	for (int i = 0; i < 3; i++) {
		steps[i][0] = (struct step){ MARK, NULL, i };
		fences[i] = submit(context_create(i), steps[i]);
	}
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(held), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(wait_fence(fences[i]), 0);
	assert_marked(HIGH, NORMAL, LOW);
}

/* It would run for ever if nobody told it to stop. */
static void takes_the_core(unsigned int priority, unsigned int other)
{
	_Atomic unsigned int over = 0;
	struct step forever[] = { { STUBBORN, &over, 0 }, { MARK, NULL, 2 } };
	struct step steps[] = { { MARK, NULL, 1 } };
	struct hf_fence *first;

	start_engine(1);
	first = submit(context_create(priority), forever);
	wait_running(1);
	assert_int_equal(wait_fence(submit(context_create(other), steps)), 0);
	atomic_store(&over, 1);
	assert_int_equal(wait_fence(first), 0);
	assert_marked(1, 2);
}

static void a_higher_priority_takes_the_core(void **state)
{
	(void)state;
	takes_the_core(LOW, HIGH);
}

/* One finds the core that comes free; the other one has to take a core. */
static void two_of_higher_priority_find_two_cores(void **state)
{
	_Atomic unsigned int go = 0, over = 0, here = 0, there = 0;
	struct step forever[] = { { STUBBORN, &over, 0 } };
	struct step hold[] = { { BLOCK, &go, 0 } };
	struct step one[] = { { STORE, &here, 0 }, { BLOCK, &there, 0 } };
	struct step other[] = { { STORE, &there, 0 }, { BLOCK, &here, 0 } };
	struct hf_fence *low, *held, *first, *second;

	(void)state;
	start_engine(2);
	low = submit(context_create(LOW), forever);
	held = submit(context_create(HIGH), hold);
	wait_running(2);
	first = submit_after(context_create(HIGH), one, held);
	second = submit_after(context_create(HIGH), other, held);
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(second), 0);
	atomic_store(&over, 1);
	assert_int_equal(wait_fence(low), 0);
	assert_int_equal(wait_fence(held), 0);
}

static void an_equal_priority_ends_a_long_slice(void **state)
{
	(void)state;
	takes_the_core(NORMAL, NORMAL);
}

static void a_lower_priority_does_not_take_the_core(void **state)
{
	_Atomic unsigned int over = 0;
	struct step forever[] = { { STUBBORN, &over, 0 }, { MARK, NULL, 2 } };
	struct step steps[] = { { MARK, NULL, 1 } };
	struct hf_fence *first, *second;

	(void)state;
	start_engine(1);
	first = submit(context_create(NORMAL), forever);
	wait_running(1);
	second = submit(context_create(LOW), steps);
	usleep(5000);
	assert_int_equal(atomic_load(&calls), 1);
	atomic_store(&over, 1);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(second), 0);
	assert_marked(2, 1);
}

static void lower_priorities_do_not_starve(void **state)
{
	struct step loop[] = { { SPIN, NULL, 9 } };
	struct step steps[] = { { YIELD, NULL, 0 }, { MARK, NULL, 1 } };
	struct hf_engine_context *busy[2];
	struct hf_fence *loops[2], *low, *normal;

	(void)state;
	start_engine(1);
	for (int i = 0; i < 2; i++) {
		busy[i] = context_create(HIGH);
		loops[i] = submit(busy[i], loop);
	}
	wait_marks(9, 1);
	low = submit(context_create(LOW), steps);
	normal = submit(context_create(NORMAL), steps);
	assert_int_equal(wait_fence(normal), 0);
	assert_int_equal(wait_fence(low), 0);
	for (int i = 0; i < 2; i++) {
		assert_false(is_signaled(loops[i]));
		context_destroy(busy[i], true);
		assert_int_equal(wait_fence(loops[i]), -ECANCELED);
	}
}

static void the_slice_of_a_low_priority_is_not_taken_away(void **state)
{
	struct step loop[] = { { SPIN, NULL, 0 } }, once[] = { { YIELD, NULL, 0 } };
	struct step steps[] = { { STEADY, NULL, 0 } };
	struct hf_engine_context *busy, *other;
	struct hf_fence *looping, *low;

	(void)state;
	start_engine(1);
	busy = context_create(HIGH);
	other = context_create(HIGH);
	looping = submit(busy, loop);
	low = submit(context_create(LOW), steps);
	while (!is_signaled(low)) {
		put_fence(submit(other, once));
		usleep(100);
	}
	assert_int_equal(wait_fence(low), 0);
	context_destroy(busy, true);
	assert_int_equal(wait_fence(looping), -ECANCELED);
}

static uint64_t busy_ns(struct hf_engine_context *context)
{
	return status_of(context).busy_ns;
}

static void contexts_share_evenly_whatever_their_slices_are(void **state)
{
	enum { N = 3 };
	struct step loops[N][1] = { { { SPIN, NULL, 0 } },
				    { { SLUG, NULL, 0 } },
				    { { SPIN, NULL, 0 } } };
	struct hf_engine_context *contexts[N];
	struct hf_fence *fences[N];
	uint64_t total = 0, least = UINT64_MAX;

	(void)state;
	start_engine(1);
	for (int i = 0; i < N; i++) {
		contexts[i] = context_create(NORMAL);
		fences[i] = submit(contexts[i], loops[i]);
	}
	/* Many slices, whatever the machine takes for one. */
	do {
		usleep(1000);
		take();
		total = hf_engine_busy_ns(engine);
		leave();
	} while (total < 30 * atomic_load(&longest_slice) || !total);
	take();
	total = hf_engine_busy_ns(engine);
	for (int i = 0; i < N; i++) {
		struct hf_engine_status status;

		hf_engine_context_status(contexts[i], &status);
		if (status.busy_ns < least)
			least = status.busy_ns;
	}
	leave();
	assert_true(least >= total / N / 2);
	for (int i = 0; i < N; i++) {
		context_destroy(contexts[i], true);
		assert_int_equal(wait_fence(fences[i]), -ECANCELED);
	}
}

static void a_context_that_was_idle_does_not_make_up_for_it(void **state)
{
	struct step old_loop[] = { { SPIN, NULL, 1 } };
	struct step new_loop[] = { { SPIN, NULL, 2 } };
	struct hf_engine_context *old, *new;
	struct hf_fence *fences[2];
	uint64_t had;
	size_t slices;

	(void)state;
	start_engine(1);
	old = context_create(NORMAL);
	new = context_create(NORMAL);
	fences[0] = submit(old, old_loop);
	do
		usleep(1000);
	while (busy_ns(old) < 30 * atomic_load(&longest_slice) ||
	       !atomic_load(&longest_slice));
	had = busy_ns(old);
	fences[1] = submit(new, new_loop);
	wait_marks(2, 1);
	slices = count_marks(1);
	wait_marks(1, slices + 1);
	assert_true(busy_ns(new) < had / 2);
	context_destroy(old, true);
	context_destroy(new, true);
	assert_int_equal(wait_fence(fences[0]), -ECANCELED);
	assert_int_equal(wait_fence(fences[1]), -ECANCELED);
}

/* -- the end of contexts ----------------------------------------------------- */

static void killing_drops_what_has_not_begun(void **state)
{
	_Atomic unsigned int go = 0;
	struct step hold[] = { { BLOCK, &go, 0 } };
	struct step steps[] = { { MARK, NULL, 1 } };
	struct hf_fence *never = new_fence(), *held, *queued, *waiting, *empty;
	struct hf_engine_context *context, *other;

	(void)state;
	start_engine(1);
	held = submit(context_create(HIGH), hold);
	wait_running(1);
	context = context_create(NORMAL);
	queued = submit(context, steps);
	empty = submit_empty(context, NULL);
	other = context_create(NORMAL);
	waiting = submit_after(other, steps, never);
	context_destroy(context, true);
	context_destroy(other, true);
	assert_true(is_signaled(queued));
	assert_true(is_signaled(empty));
	assert_true(is_signaled(waiting));
	assert_int_equal(wait_fence(queued), -ECANCELED);
	assert_int_equal(wait_fence(empty), -ECANCELED);
	assert_int_equal(wait_fence(waiting), -ECANCELED);
	assert_int_equal(never->refcount, 1);
	signal_fence(never, 0);
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(held), 0);
	assert_int_equal(nmarks, 0);
	put_fence(never);
}

/* Later fences imply earlier ones, so they signal in order even now. */
static void killing_stops_the_job_that_runs_before_the_next_signals(void **state)
{
	_Atomic unsigned int go = 0, never = 0;
	struct step stop[] = { { BLOCK, &go, 0 }, { STUBBORN, &never, 0 } };
	struct step steps[] = { { MARK, NULL, 1 } };
	struct hf_engine_context *context;
	struct hf_fence *first, *second;

	(void)state;
	start_engine(2);
	context = context_create(NORMAL);
	first = submit(context, stop);
	second = submit(context, steps);
	wait_running(1);
	context_destroy(context, true);
	assert_false(is_signaled(first));
	assert_false(is_signaled(second));
	atomic_store(&go, 1);
	while (!is_signaled(second))
		usleep(100);
	assert_true(is_signaled(first));
	assert_int_equal(wait_fence(first), -ECANCELED);
	assert_int_equal(wait_fence(second), -ECANCELED);
	assert_int_equal(nmarks, 0);
}

static void a_job_that_ends_while_it_is_killed_is_done(void **state)
{
	_Atomic unsigned int go = 0;
	struct step hold[] = { { BLOCK, &go, 0 } };
	struct hf_engine_context *context;
	struct hf_fence *first, *second;

	(void)state;
	start_engine(1);
	context = context_create(NORMAL);
	first = submit(context, hold);
	second = submit(context, hold);
	wait_running(1);
	context_destroy(context, true);
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(first), 0);
	assert_int_equal(wait_fence(second), -ECANCELED);
}

static void a_job_that_begins_to_wait_while_it_is_killed_is_dropped(void **state)
{
	_Atomic unsigned int go = 0, never = 0;
	struct step steps[] = { { BLOCK, &go, 0 }, { WAIT, &never, 0 } };
	struct hf_engine_context *context;
	struct hf_fence *fence;

	(void)state;
	start_engine(1);
	context = context_create(NORMAL);
	fence = submit(context, steps);
	wait_running(1);
	context_destroy(context, true);
	atomic_store(&go, 1);
	assert_int_equal(wait_fence(fence), -ECANCELED);
}

static void killing_ends_a_job_that_waits_for_a_value(void **state)
{
	_Atomic unsigned int never = 0;
	struct step wait[] = { { WAIT, &never, 0 } };

	(void)state;
	start_engine(2);
	for (int i = 0; i < 50; i++) {
		struct hf_engine_context *context = context_create(NORMAL);
		struct hf_fence *fence = submit(context, wait);

		wait_calls(i % 5);
		context_destroy(context, true);
		assert_int_equal(wait_fence(fence), -ECANCELED);
	}
	take();
	assert_int_equal(vm->begun, vm->ended);
	leave();
}

static void destroying_a_context_lets_its_jobs_finish(void **state)
{
	struct step steps[] = { { YIELD, NULL, 0 }, { MARK, NULL, 1 } };
	struct hf_fence *gate = new_fence(), *first, *second, *third;
	struct hf_engine_context *context;

	(void)state;
	start_engine(2);
	context = context_create(NORMAL);
	first = submit(context, steps);
	second = submit_after(context, steps, gate);
	third = submit_empty(context, NULL);
	context_destroy(context, false);
	assert_int_equal(wait_fence(first), 0);
	assert_false(is_signaled(third));
	signal_fence(gate, 0);
	assert_int_equal(wait_fence(second), 0);
	assert_int_equal(wait_fence(third), 0);
	assert_marked(1, 1);
	put_fence(gate);
}

static void destroying_the_engine_ends_everything(void **state)
{
	_Atomic unsigned int never = 0;
	struct step stubborn[] = { { STUBBORN, &never, 0 } };
	struct step loop[] = { { SPIN, NULL, 0 } };
	struct step wait[] = { { WAIT, &never, 0 } };
	struct hf_fence *gate = new_fence(), *fences[12];
	struct hf_engine_context *orphan;
	size_t n = 0;

	(void)state;
	start_engine(2);
	fences[n++] = submit(context_create(HIGH), stubborn);
	wait_running(1);
	for (int i = 0; i < 3; i++) {
		fences[n++] = submit(context_create(i), loop);
		fences[n++] = submit(context_create(i), wait);
		fences[n++] = submit_after(context_create(i), loop, gate);
	}
	orphan = context_create(NORMAL);
	fences[n++] = submit_empty(orphan, gate);
	context_destroy(orphan, false);
	wait_calls(10);
	hf_engine_destroy(engine);
	engine = NULL;
	assert_int_equal(vm->refcount, 1);
	assert_int_equal(gate->refcount, 1);
	assert_true(wl_list_empty(&gate->callbacks));
	for (size_t i = 0; i < n; i++) {
		assert_true(is_signaled(fences[i]));
		assert_int_equal(wait_fence(fences[i]), -ECANCELED);
	}
	put_fence(gate);
}

static void an_engine_without_jobs_starts_no_threads(void **state)
{
	unsigned int threads = count_threads();

	(void)state;
	start_engine(0);
	assert_in_range(hf_engine_cores(engine), 1, 4);
	context_destroy(context_create(NORMAL), false);
	context_destroy(context_create(NORMAL), true);
	hf_engine_context_destroy(NULL, true);
	assert_int_equal(count_threads(), threads);
}

/* -- all at once ------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 150 };

struct client {
	pthread_t thread;
	int number;
	struct step steps[ROUNDS][2];
	struct hf_fence **shared; /* the last fence of somebody */
};

/* Take the last fence of anyone, leave one's own. */
static struct hf_fence *exchange(struct hf_fence **shared,
				 struct hf_fence *mine)
{
	struct hf_fence *last;

	take();
	last = *shared;
	*shared = hf_fence_get(mine);
	leave();
	return last;
}

static void *be_client(void *data)
{
	struct client *client = data;
	struct hf_engine_context *context = context_create(client->number % 3);
	struct hf_fence *last = submit_empty(context, NULL), *next;

	for (int i = 0; i < ROUNDS; i++) {
		client->steps[i][0].op = i % 4 ? END : YIELD;
		client->steps[i][1] = (struct step){
			MARK, NULL, client->number * ROUNDS + i
		};
		if (i % 7 == 3)
			next = submit_empty(context, last);
		else
			next = submit_after(context, client->steps[i], last);
		put_fence(last);
		last = exchange(client->shared, next);
		put_fence(next);
		if (i % 50 == 49) { /* now and then another context */
			context_destroy(context, false);
			context = context_create(i % 3);
		}
	}
	check(!wait_fence(last));
	last = submit_empty(context, NULL);
	check(!wait_fence(last));
	return NULL;
}

static void threads_submit_at_the_same_time(void **state)
{
	static struct client clients[THREADS];
	struct hf_fence *shared;

	(void)state;
	start_engine(3);
	shared = submit_empty(context_create(NORMAL), NULL);
	for (int i = 0; i < THREADS; i++) {
		clients[i].number = i;
		clients[i].shared = &shared;
		check(!pthread_create(&clients[i].thread, NULL, be_client,
				      &clients[i]));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(clients[i].thread, NULL);
	assert_int_equal(wait_fence(shared), 0);
	while (true) {
		unsigned int jobs;

		take();
		jobs = hf_engine_jobs(engine);
		leave();
		if (!jobs)
			break;
		usleep(100);
	}
	for (int i = 0; i < THREADS * ROUNDS; i++)
		assert_int_equal(count_marks(i), i % ROUNDS % 7 != 3);
}

static void *kill_contexts(void *data)
{
	static _Atomic unsigned int never;
	static const struct step kinds[][2] = {
		{ { YIELD, NULL, 0 }, { SPIN, NULL, 0 } },
		{ { STUBBORN, &never, 0 } },
		{ { YIELD, NULL, 0 }, { WAIT, &never, 0 } },
		{ { YIELD, NULL, 0 }, { FAULT, NULL, 0 } },
	};
	unsigned int number = *(unsigned int *)data;

	for (unsigned int i = 0; i < 100; i++) {
		struct hf_engine_context *context = context_create(i % 3);
		const struct step *steps = kinds[(i + number) % 4];
		struct hf_fence *first = submit_steps(context, steps, 2, NULL, 0);

		if (i % 3 == 1)
			usleep(i * 10);
		context_destroy(context, true);
		check(wait_fence(first) != 0);
	}
	return NULL;
}

static void threads_kill_their_contexts_at_the_same_time(void **state)
{
	unsigned int numbers[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	start_engine(2);
	for (unsigned int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		check(!pthread_create(&threads[i], NULL, kill_contexts,
				      &numbers[i]));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(hf_engine_jobs(engine), 0);
	assert_int_equal(vm->refcount, 1);
}

/* -- jobs that hang on purpose -------------------------------------------------- */

static void hang(uint32_t n)
{
	take();
	hf_engine_hang(engine, n);
	leave();
}

static void reset(void)
{
	take();
	hf_engine_reset(engine);
	leave();
}

static bool has_begun(struct hf_vm *of, unsigned int n)
{
	bool begun;

	take();
	begun = of->begun >= n;
	leave();
	return begun;
}

static void a_job_that_hangs_runs_out_of_time_and_does_nothing(void **state)
{
	static const struct step steps[] = { { MARK, NULL, 1 } };
	struct hf_engine_context *context;
	struct hf_fence *hung, *next;

	(void)state;
	start_engine(1);
	context = context_of(vm, NORMAL, 20);
	hang(1);
	hung = submit(context, steps);
	assert_int_equal(wait_fence(hung), -ETIME);
	assert_true(status_of(context).banned);
	assert_int_equal(status_of(context).fault, HOLDFAST_FAULT_TIMEOUT);
	assert_int_equal(hf_engine_hangs(engine), 0);
	context_destroy(context, false);
	/* One was to hang. */
	context = context_create(NORMAL);
	next = submit(context, steps);
	assert_int_equal(wait_fence(next), 0);
	assert_marked(1);
	context_destroy(context, false);
}

static void a_reset_ends_what_has_begun_and_nothing_else(void **state)
{
	static const struct step nothing[] = { { MARK, NULL, 2 } };
	_Atomic unsigned int never = 0;
	struct step stubborn[] = { { STUBBORN, &never, 0 } };
	struct hf_vm *other = vm_create();
	struct hf_engine_context *hung, *runs, *queued;
	struct hf_fence *fences[3];

	(void)state;
	start_engine(2);
	hung = context_of(vm, NORMAL, LONG);
	runs = context_of(other, NORMAL, LONG);
	queued = context_create(NORMAL);
	hang(1);
	fences[0] = submit(hung, nothing);
	while (!has_begun(vm, 1))
		usleep(100);
	fences[1] = submit(runs, stubborn);
	while (!has_begun(other, 1))
		usleep(100);
	reset();
	assert_int_equal(wait_fence(fences[0]), -ETIME);
	assert_int_equal(wait_fence(fences[1]), -ETIME);
	assert_true(status_of(hung).banned);
	assert_true(status_of(runs).banned);
	fences[2] = submit(queued, nothing);
	assert_int_equal(wait_fence(fences[2]), 0);
	assert_false(status_of(queued).banned);
	assert_marked(2);
	context_destroy(hung, false);
	context_destroy(runs, false);
	context_destroy(queued, false);
	take();
	hf_vm_put(other);
	leave();
}

static void an_engine_that_was_stopped_takes_no_jobs(void **state)
{
	static const struct step steps[] = { { MARK, NULL, 1 } };
	struct hf_engine_context *context;
	struct hf_fence *fence;

	(void)state;
	start_engine(1);
	context = context_create(NORMAL);
	hang(1);
	fence = submit(context, steps);
	take();
	hf_engine_stop(engine);
	leave();
	assert_int_equal(wait_fence(fence), -ECANCELED);
	assert_int_equal(submit_error(context), -EIO);
	context_destroy(context, false);
	assert_int_equal(nmarks, 0);
}

#define engine_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		engine_test(jobs_of_a_context_run_in_the_order_of_submission),
		engine_test(two_contexts_run_at_the_same_time),
		engine_test(two_jobs_of_a_context_never_run_at_the_same_time),
		engine_test(an_empty_job_is_over_when_it_is_submitted),
		engine_test(an_empty_job_waits_for_those_before_it),
		engine_test(a_job_waits_for_all_its_fences_in_any_order),
		engine_test(a_job_does_not_overtake_one_that_waits_for_a_fence),
		engine_test(
			a_job_may_wait_for_jobs_of_its_own_and_of_other_contexts),
		engine_test(a_job_runs_although_what_it_waits_for_has_failed),
		engine_test(a_long_chain_of_empty_jobs_ends_at_once),
		engine_test(a_full_queue_takes_no_more_until_a_job_has_ended),
		engine_test(a_callback_may_submit_and_destroy_contexts),
		engine_test(a_job_holds_nothing_when_its_fence_signals),
		engine_test(the_last_job_of_a_dead_context_takes_its_address_space),
		engine_test(fences_of_a_context_are_on_one_timeline),
		engine_test(busy_time_is_the_sum_of_the_contexts),
		engine_test(a_fault_bans_the_context_and_no_other),
		engine_test(a_job_that_never_ends_is_a_hang),
		engine_test(a_wait_that_never_comes_true_is_a_hang),
		engine_test(time_that_others_use_is_not_the_jobs_own),
		engine_test(a_wait_goes_on_when_the_cpu_stores_the_value),
		engine_test(a_job_may_store_what_another_one_waits_for),
		engine_test(a_wait_is_polled_while_others_use_the_cores),
		engine_test(many_that_wait_do_not_stop_one_that_runs),
		engine_test(a_wait_is_polled_although_a_core_is_blocked),
		engine_test(a_wait_does_not_keep_a_processor_busy),
		engine_test(the_highest_priority_goes_first),
		engine_test(a_higher_priority_takes_the_core),
		engine_test(two_of_higher_priority_find_two_cores),
		engine_test(an_equal_priority_ends_a_long_slice),
		engine_test(a_lower_priority_does_not_take_the_core),
		engine_test(lower_priorities_do_not_starve),
		engine_test(the_slice_of_a_low_priority_is_not_taken_away),
		engine_test(contexts_share_evenly_whatever_their_slices_are),
		engine_test(a_context_that_was_idle_does_not_make_up_for_it),
		engine_test(killing_drops_what_has_not_begun),
		engine_test(
			killing_stops_the_job_that_runs_before_the_next_signals),
		engine_test(a_job_that_ends_while_it_is_killed_is_done),
		engine_test(
			a_job_that_begins_to_wait_while_it_is_killed_is_dropped),
		engine_test(killing_ends_a_job_that_waits_for_a_value),
		engine_test(destroying_a_context_lets_its_jobs_finish),
		engine_test(destroying_the_engine_ends_everything),
		engine_test(an_engine_without_jobs_starts_no_threads),
		engine_test(threads_submit_at_the_same_time),
		engine_test(threads_kill_their_contexts_at_the_same_time),
		engine_test(a_job_that_hangs_runs_out_of_time_and_does_nothing),
		engine_test(a_reset_ends_what_has_begun_and_nothing_else),
		engine_test(an_engine_that_was_stopped_takes_no_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
