/* SPDX-License-Identifier: MIT */
/*
 * The composer: jobs run in order, without the lock, and are given back once, with
 * it, however the composer ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "drivers/soft/composer.h"

#define JOBS 100

struct job {
	struct hf_compose_job base;
	unsigned int runs, dones;
	unsigned int ran_as, done_as; /* how many did before it */
	bool on_own_thread, lock_free, lock_held;
	struct job *next; /* to queue in done() */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t progress = PTHREAD_COND_INITIALIZER;
static pthread_t main_thread;
static struct hf_composer *composer;
static struct job jobs[JOBS];
static unsigned int ran, finished;
static bool no_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg)
{
	return no_threads ? EAGAIN :
			    __real_pthread_create(thread, attr, start, arg);
}

static void run(struct hf_compose_job *base)
{
	struct job *job = wl_container_of(base, job, base);

	job->runs++;
	job->on_own_thread = !pthread_equal(pthread_self(), main_thread);
	/* Nobody else takes it for good, so this ends. */
	pthread_mutex_lock(&lock);
	job->ran_as = ran++;
	pthread_cond_broadcast(&progress);
	pthread_mutex_unlock(&lock);
	job->lock_free = true;
}

static void done(struct hf_compose_job *base)
{
	struct job *job = wl_container_of(base, job, base);

	job->lock_held = pthread_mutex_trylock(&lock);
	job->dones++;
	job->done_as = finished++;
	if (job->next)
		hf_composer_queue(composer, &job->next->base);
	pthread_cond_broadcast(&progress);
}

static int setup(void **state)
{
	(void)state;
	main_thread = pthread_self();
	ran = finished = 0;
	no_threads = false;
	for (unsigned int i = 0; i < JOBS; i++)
		jobs[i] = (struct job){ .base = { .run = run, .done = done } };
	composer = hf_composer_create(&lock);
	return composer ? 0 : -1;
}

static void queue(unsigned int i)
{
	pthread_mutex_lock(&lock);
	hf_composer_queue(composer, &jobs[i].base);
	pthread_mutex_unlock(&lock);
}

static void wait_for(unsigned int n)
{
	pthread_mutex_lock(&lock);
	while (finished < n)
		pthread_cond_wait(&progress, &lock);
	pthread_mutex_unlock(&lock);
}

/* Each of the first @n was run and given back once, in order. */
static void check(unsigned int n)
{
	assert_int_equal(finished, n);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(jobs[i].runs, 1);
		assert_int_equal(jobs[i].dones, 1);
		assert_int_equal(jobs[i].ran_as, i);
		assert_int_equal(jobs[i].done_as, i);
		assert_true(jobs[i].lock_free);
		assert_true(jobs[i].lock_held);
	}
}

static void jobs_run_in_order_on_a_thread(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < JOBS; i++)
		queue(i);
	wait_for(JOBS);
	check(JOBS);
	for (unsigned int i = 0; i < JOBS; i++)
		assert_true(jobs[i].on_own_thread);
	hf_composer_destroy(composer);
	check(JOBS);
}

static void the_end_runs_what_is_queued(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < JOBS; i++)
		queue(i);
	hf_composer_destroy(composer);
	check(JOBS);
}

static void the_end_runs_what_that_queues(void **state)
{
	(void)state;
	for (unsigned int i = 0; i + 1 < JOBS; i++)
		jobs[i].next = &jobs[i + 1];
	queue(0);
	hf_composer_destroy(composer);
	check(JOBS);
}

static void without_a_job_there_is_no_thread(void **state)
{
	(void)state;
	no_threads = true; /* it would not find one */
	hf_composer_destroy(composer);
	hf_composer_destroy(NULL);
}

static void what_no_thread_could_run_waits_for_one(void **state)
{
	(void)state;
	no_threads = true;
	pthread_mutex_lock(&lock);
	assert_int_equal(hf_composer_start(composer), -EAGAIN);
	pthread_mutex_unlock(&lock);
	queue(0);
	queue(1);
	no_threads = false;
	queue(2);
	wait_for(3);
	check(3);
	hf_composer_destroy(composer);
}

static void the_end_needs_no_thread(void **state)
{
	(void)state;
	no_threads = true;
	jobs[1].next = &jobs[2];
	queue(0);
	queue(1);
	no_threads = false;
	hf_composer_destroy(composer);
	check(3);
	assert_false(jobs[2].on_own_thread);
}

/* The owner frees it in done(): the composer must not look at it after that. */
static void free_it(struct hf_compose_job *base)
{
	struct job *job = wl_container_of(base, job, base);

	finished++;
	free(job);
	pthread_cond_broadcast(&progress);
}

static void a_job_may_be_freed_when_it_is_done(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < JOBS; i++) {
		struct job *job = calloc(1, sizeof(*job));

		assert_non_null(job);
		job->base.run = run;
		job->base.done = free_it;
		pthread_mutex_lock(&lock);
		hf_composer_queue(composer, &job->base);
		pthread_mutex_unlock(&lock);
	}
	hf_composer_destroy(composer);
	assert_int_equal(finished, JOBS);
}

/* Many threads queue while the composer works. */
static void *queue_some(void *arg)
{
	unsigned int first = *(unsigned int *)arg;

	for (unsigned int i = first; i < JOBS; i += 4)
		queue(i);
	return NULL;
}

static void threads_may_queue_at_once(void **state)
{
	unsigned int first[4] = { 0, 1, 2, 3 };
	pthread_t threads[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, queue_some,
						&first[i]), 0);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	hf_composer_destroy(composer);
	assert_int_equal(finished, JOBS);
	for (unsigned int i = 0; i < JOBS; i++) {
		assert_int_equal(jobs[i].runs, 1);
		assert_int_equal(jobs[i].dones, 1);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(jobs_run_in_order_on_a_thread),
		TEST(the_end_runs_what_is_queued),
		TEST(the_end_runs_what_that_queues),
		TEST(without_a_job_there_is_no_thread),
		TEST(what_no_thread_could_run_waits_for_one),
		TEST(the_end_needs_no_thread),
		TEST(a_job_may_be_freed_when_it_is_done),
		TEST(threads_may_queue_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
