// SPDX-License-Identifier: MIT
/*
 * From nothing to a program that ran on a display and back to nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "bench.h"

static int run(const char *const *argv)
{
	extern char **environ;
	int status;
	pid_t pid;

	errno = posix_spawnp(&pid, argv[0], NULL, NULL, (char **)argv, environ);
	if (errno || waitpid(pid, &status, 0) < 0)
		return bench_fail(argv[0]);
	if (status) {
		fprintf(stderr, "bench: %s: status %#x\n", argv[0], status);
		return -ECHILD;
	}
	return 0;
}

static int run_holdfast(void *context, unsigned int count)
{
	const char *const argv[] = { bench_holdfast(), "run", "--", "true", NULL };

	return run(argv);
}

static int run_xvfb(void *context, unsigned int count)
{
	const char *const argv[] = { "xvfb-run", "-a", "true", NULL };

	return run(argv);
}

int measure_startup(struct result *result, bool quick)
{
	const struct contest contest = {
		.value = run_holdfast,
		.reference = run_xvfb,
		.batches = quick ? 3 : 9,
		.count = 1,
	};
	int ret = contest_run(&contest, NULL, result);

	result->value /= 1e6;
	result->reference /= 1e6;
	return ret;
}
