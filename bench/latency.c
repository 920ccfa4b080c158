// SPDX-License-Identifier: MIT
/*
 * How long after an empty job was submitted another thread, which waits for its
 * fence, knows; against the round trip over futexes between two threads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "job.h"

/* Until a thread that has said that it will wait sleeps, and the server, too. */
#define SETTLE_NS 100000

/*
 * struct latency_context - Both contests' threads.
 * @point: of the timeline, in the last round
 * @waits_for: the point that the other thread is about to wait for
 * @seen: when it saw the last one
 * @elapsed: from submission to that, in one batch
 * @words: the numbers of the futexes' rounds
 */
struct latency_context {
	struct gpu gpu;
	uint32_t ctx_id, timeline;
	uint64_t point;
	_Atomic uint64_t waits_for, seen;
	uint64_t elapsed;
	_Atomic uint32_t words[2];
	atomic_bool stop;
};

/* -- a fence ----------------------------------------------------------------- */

static void *watch(void *data)
{
	struct latency_context *context = data;

	for (uint64_t point = 1; !atomic_load(&context->stop); point++) {
		atomic_store(&context->waits_for, point);
		if (gpu_wait(&context->gpu, context->timeline, point))
			_exit(1); /* nobody would be told */
		atomic_store(&context->seen, now_ns());
	}
	return NULL;
}

static int submit(struct latency_context *context)
{
	return gpu_submit(&context->gpu, context->ctx_id, 0, 0,
			  context->timeline, ++context->point);
}

static void await_waiter(const struct latency_context *context)
{
	while (atomic_load(&context->waits_for) <= context->point)
		sched_yield();

	uint64_t settled = now_ns() + SETTLE_NS;

	while (now_ns() < settled)
		sched_yield();
}

static int submit_and_see(void *data, unsigned int count)
{
	struct latency_context *context = data;
	int ret = 0;

	context->elapsed = 0;
	while (count-- && !ret) {
		await_waiter(context);
		atomic_store(&context->seen, 0);

		uint64_t start = now_ns();

		ret = submit(context);
		while (!ret && !atomic_load(&context->seen))
			sched_yield();
		context->elapsed += atomic_load(&context->seen) - start;
	}
	return ret;
}

/* -- a round over futexes ---------------------------------------------------- */

static void signal_word(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void await_word(_Atomic uint32_t *word, uint32_t before)
{
	while (atomic_load(word) == before)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, before, NULL, NULL,
			0);
}

static void *answer_words(void *data)
{
	struct latency_context *context = data;

	for (uint32_t round = 0;; round++) {
		await_word(&context->words[0], round);
		if (atomic_load(&context->stop))
			return NULL;
		signal_word(&context->words[1]);
	}
}

static int futex_rounds(void *data, unsigned int count)
{
	struct latency_context *context = data;

	while (count--) {
		uint32_t before = atomic_load(&context->words[1]);

		signal_word(&context->words[0]);
		await_word(&context->words[1], before);
	}
	return 0;
}

/* -- both -------------------------------------------------------------------- */

static int context_init(struct latency_context *context)
{
	int ret = gpu_open(&context->gpu);

	if (!ret)
		ret = gpu_context(&context->gpu, &context->ctx_id);
	if (!ret)
		ret = gpu_syncobj(&context->gpu, &context->timeline);
	return ret;
}

static int run(const struct contest *contest, struct latency_context *context,
	       struct result *result)
{
	pthread_t watcher, partner;
	int ret;

	errno = pthread_create(&watcher, NULL, watch, context);
	if (!errno)
		errno = pthread_create(&partner, NULL, answer_words, context);
	ret = errno ? bench_fail("pthread_create") :
		      contest_run(contest, context, result);
	if (ret)
		_exit(1); /* they might wait for ever */
	await_waiter(context);
	atomic_store(&context->stop, true);
	signal_word(&context->words[0]);
	ret = submit(context);
	pthread_join(partner, NULL);
	pthread_join(watcher, NULL);
	return ret;
}

int measure_submit_latency(struct result *result, bool quick)
{
	struct latency_context context = { 0 };
	const struct contest contest = {
		.value = submit_and_see,
		.reference = futex_rounds,
		.elapsed = &context.elapsed,
		.batches = quick ? 200 : 1000,
		.count = 10,
	};
	int ret = context_init(&context);

	if (!ret)
		ret = run(&contest, &context, result);
	gpu_close(&context.gpu);
	return ret;
}
