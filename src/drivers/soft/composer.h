/* SPDX-License-Identifier: MIT */
/*
 * A thread that composes what was captured (drivers/soft/frame.h), in order,
 * without the devices' lock: for writeback, CRCs and recordings.
 *
 * A job belongs to whoever queued it, who gets it back with done(); the lock
 * protects the queue.
 */
#ifndef HF_SOFT_COMPOSER_H
#define HF_SOFT_COMPOSER_H

#include <pthread.h>
#include <wayland-util.h>

struct hf_composer;

/**
 * struct hf_compose_job - Something to compose.
 * @link: of the composer, until done() is called
 * @run: does it: on the thread, without the lock
 * @done: called once after that: on the thread, the lock is held. The job may be freed
 */
struct hf_compose_job {
	struct wl_list link;
	void (*run)(struct hf_compose_job *job);
	void (*done)(struct hf_compose_job *job);
};

/**
 * hf_composer_create() - A composer without a thread, which the first job starts.
 * @lock: that of the devices
 *
 * Return: NULL and ENOMEM.
 */
struct hf_composer *hf_composer_create(pthread_mutex_t *lock);
/**
 * hf_composer_start() - Make sure that there is a thread, before a job is promised.
 *
 * The lock is held. Return: 0, -EAGAIN or -ENOMEM where there cannot be one.
 */
int hf_composer_start(struct hf_composer *composer);
/**
 * hf_composer_queue() - Have a job run. The lock is held.
 *
 * Where no thread could be started, it waits for the next call that can start one.
 */
void hf_composer_queue(struct hf_composer *composer,
		       struct hf_compose_job *job);
/**
 * hf_composer_destroy() - Run what is queued, and what that queues, and end.
 *
 * The lock is not held. Takes NULL.
 */
void hf_composer_destroy(struct hf_composer *composer);

#endif
