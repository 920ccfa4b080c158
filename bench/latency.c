// SPDX-License-Identifier: MIT
/*
 * How long after the submission of an empty job another thread, which waits for
 * its fence, knows. Two threads submit and wait in turn, so a round has two such
 * latencies; against the same two threads' round over futexes.
 *
 * The partner waits for the first timeline (or futex) and answers on the second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "job.h"

struct latency_context {
	struct gpu gpu;
	uint32_t ctx_ids[2], timelines[2];
	uint64_t point;		 /* of the last round */
	_Atomic uint32_t words[2]; /* the number of the last round */
	atomic_bool stop;
};

/* -- a round over fences ----------------------------------------------------- */

static int signal_fence(struct latency_context *context, int side,
			uint64_t point)
{
	return gpu_submit(&context->gpu, context->ctx_ids[side], 0, 0,
			  context->timelines[side], point);
}

static int await_fence(struct latency_context *context, int side,
		       uint64_t point)
{
	return gpu_wait(&context->gpu, context->timelines[side], point);
}

static void *answer_fences(void *data)
{
	struct latency_context *context = data;
	int ret = 0;

	for (uint64_t point = 1; !ret; point++) {
		ret = await_fence(context, 0, point);
		if (atomic_load(&context->stop))
			return NULL;
		if (!ret)
			ret = signal_fence(context, 1, point);
	}
	_exit(1); /* an answer will not come */
}

static int fence_rounds(void *data, unsigned int count)
{
	struct latency_context *context = data;
	int ret = 0;

	while (count-- && !ret) {
		ret = signal_fence(context, 0, ++context->point);
		if (!ret)
			ret = await_fence(context, 1, context->point);
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

	for (int side = 0; side < 2 && !ret; side++) {
		ret = gpu_context(&context->gpu, &context->ctx_ids[side]);
		if (!ret)
			ret = gpu_syncobj(&context->gpu,
					  &context->timelines[side]);
	}
	return ret;
}

/* Partners that wait for another round get one, and go. */
static int run(const struct contest *contest, struct latency_context *context,
	       struct result *result)
{
	pthread_t fences, words;
	int ret;

	errno = pthread_create(&fences, NULL, answer_fences, context);
	if (errno)
		return bench_fail("pthread_create");
	errno = pthread_create(&words, NULL, answer_words, context);
	ret = errno ? bench_fail("pthread_create") :
		      contest_run(contest, context, result);
	if (ret)
		_exit(1); /* a partner might wait for ever */
	atomic_store(&context->stop, true);
	signal_word(&context->words[0]);
	ret = signal_fence(context, 0, ++context->point);
	pthread_join(words, NULL);
	pthread_join(fences, NULL);
	return ret;
}

int measure_submit_latency(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = fence_rounds,
		.reference = futex_rounds,
		.batches = quick ? 11 : 101,
		.count = 500,
		.warmup_ns = BENCH_WARMUP_NS,
	};
	struct latency_context context = { 0 };
	int ret = context_init(&context);

	if (!ret)
		ret = run(&contest, &context, result);
	gpu_close(&context.gpu);
	result->value /= 2;
	return ret;
}
