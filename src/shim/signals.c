/* SPDX-License-Identifier: MIT */
/*
 * What a program does about signals and threads, where its system calls are
 * trapped (trap.c): SIGSYS is never blocked and its action stays ours, and new
 * threads are trapped, too. All else is the C library's. No state.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "shim/shim.h"
#include "shim/trap.h"
#include "shim/usercopy.h"

/* -- actions --------------------------------------------------------------- */

HF_SHIM_EXPORT int sigaction(int sig, const struct sigaction *restrict action,
			     struct sigaction *restrict old)
{
	struct sigaction copy;

	if (!hf_trap_on())
		return REAL(sigaction)(sig, action, old);
	if (sig == SIGSYS) {
		hf_trap_action(action, old);
		return 0;
	}
	if (action && sigismember(&action->sa_mask, SIGSYS)) {
		copy = *action;
		sigdelset(&copy.sa_mask, SIGSYS);
		action = &copy;
	}
	return REAL(sigaction)(sig, action, old);
}

HF_SHIM_EXPORT sighandler_t signal(int sig, sighandler_t handler)
{
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = SA_RESTART };
	struct sigaction old;

	if (!hf_trap_on() || sig != SIGSYS)
		return REAL(signal)(sig, handler);
	hf_trap_action(&action, &old);
	return old.sa_handler;
}

/* -- masks ----------------------------------------------------------------- */

HF_SHIM_EXPORT int sigprocmask(int how, const sigset_t *restrict set,
			       sigset_t *restrict old)
{
	sigset_t copy;

	return REAL(sigprocmask)(how,
				 how == SIG_UNBLOCK ? set :
						      hf_trap_mask(set, &copy),
				 old);
}

HF_SHIM_EXPORT int pthread_sigmask(int how, const sigset_t *restrict set,
				   sigset_t *restrict old)
{
	sigset_t copy;

	return REAL(pthread_sigmask)(how,
				     how == SIG_UNBLOCK ?
					     set :
					     hf_trap_mask(set, &copy),
				     old);
}

HF_SHIM_EXPORT int sigsuspend(const sigset_t *set)
{
	sigset_t copy;

	return REAL(sigsuspend)(hf_trap_mask(set, &copy));
}

HF_SHIM_EXPORT int epoll_pwait(int epoll, struct epoll_event *events, int max,
			       int timeout, const sigset_t *mask)
{
	sigset_t copy;

	return REAL(epoll_pwait)(epoll, events, max, timeout,
				 hf_trap_mask(mask, &copy));
}

/* -- threads --------------------------------------------------------------- */

struct start {
	void *(*run)(void *);
	void *arg;
};

static void *start_thread(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	hf_user_prepare();
	hf_trap_thread();
	return start.run(start.arg);
}

HF_SHIM_EXPORT int pthread_create(pthread_t *restrict thread,
				  const pthread_attr_t *restrict attr,
				  void *(*run)(void *), void *restrict arg)
{
	struct start *start;
	int err;

	if (!hf_trap_on())
		return REAL(pthread_create)(thread, attr, run, arg);
	start = malloc(sizeof(*start));
	if (!start)
		return EAGAIN;
	*start = (struct start){ run, arg };
	err = REAL(pthread_create)(thread, attr, start_thread, start);
	if (err)
		free(start);
	return err;
}
