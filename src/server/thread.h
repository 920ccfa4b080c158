/* SPDX-License-Identifier: MIT */
/* How the server's threads are started. */
#ifndef HF_SERVER_THREAD_H
#define HF_SERVER_THREAD_H

#include <pthread.h>
#include <signal.h>

/** hf_thread_start() - A thread that leaves signals to the main thread. 0 or -errno. */
static inline int hf_thread_start(pthread_t *thread, void *(*run)(void *arg),
				  void *arg)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

#endif
