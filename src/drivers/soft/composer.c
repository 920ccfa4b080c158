/* SPDX-License-Identifier: MIT */
/*
 * The composer: a queue of jobs and a thread that takes them. See the header.
 *
 * The devices' lock protects all of it; the thread gives it away while it runs a
 * job, and never touches one that it has given back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "drivers/soft/composer.h"

struct hf_composer {
	pthread_mutex_t *lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool started, stop;
	struct wl_list jobs;
};

struct hf_composer *hf_composer_create(pthread_mutex_t *lock)
{
	struct hf_composer *composer = calloc(1, sizeof(*composer));

	if (!composer)
		return NULL;
	composer->lock = lock;
	pthread_cond_init(&composer->wake, NULL);
	wl_list_init(&composer->jobs);
	return composer;
}

static void run_first(struct hf_composer *composer)
{
	struct hf_compose_job *job =
		wl_container_of(composer->jobs.next, job, link);

	wl_list_remove(&job->link);
	wl_list_init(&job->link);
	pthread_mutex_unlock(composer->lock);
	job->run(job);
	pthread_mutex_lock(composer->lock);
	job->done(job);
}

/* Until it is told to stop, and nothing is left. */
static void *serve(void *data)
{
	struct hf_composer *composer = data;

	pthread_mutex_lock(composer->lock);
	for (;;) {
		if (!wl_list_empty(&composer->jobs))
			run_first(composer);
		else if (composer->stop)
			break;
		else
			pthread_cond_wait(&composer->wake, composer->lock);
	}
	pthread_mutex_unlock(composer->lock);
	return NULL;
}

/* Signals are for the main thread. */
int hf_composer_start(struct hf_composer *composer)
{
	sigset_t all, before;
	int err;

	/* Whoever stops it does what is left. */
	if (composer->started || composer->stop)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&composer->thread, NULL, serve, composer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	composer->started = true;
	pthread_setname_np(composer->thread, "composer");
	return 0;
}

void hf_composer_queue(struct hf_composer *composer, struct hf_compose_job *job)
{
	wl_list_insert(composer->jobs.prev, &job->link);
	if (!hf_composer_start(composer))
		pthread_cond_signal(&composer->wake);
}

void hf_composer_destroy(struct hf_composer *composer)
{
	bool started;

	if (!composer)
		return;
	pthread_mutex_lock(composer->lock);
	composer->stop = true;
	started = composer->started;
	pthread_cond_signal(&composer->wake);
	pthread_mutex_unlock(composer->lock);
	if (started)
		pthread_join(composer->thread, NULL);
	else
		serve(composer);
	pthread_cond_destroy(&composer->wake);
	free(composer);
}
