// SPDX-License-Identifier: MIT
/*
 * Timing: alternating batches, so that whatever the machine does meanwhile
 * happens to both sides, and medians, so that it does not matter much.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xf86drm.h>
#include "bench.h"

int bench_fail(const char *what)
{
	int error = errno;

	fprintf(stderr, "bench: %s: %s\n", what, strerror(error));
	return error ? -error : -EIO;
}

int bench_open_device(void)
{
	int fd = drmOpen("holdfast", NULL);

	return fd < 0 ? bench_fail("no holdfast device") : fd;
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

void sleep_ns(uint64_t ns)
{
	struct timespec rest = { ns / 1000000000, ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
		;
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double percentile(double *values, size_t count, unsigned int percent)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[(count - 1) * percent / 100];
}

double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* One batch. Return: nanoseconds that it took, or negative on an error. */
static double run_once(const struct contest *contest,
		       int (*operation)(void *, unsigned int), void *context)
{
	if (contest->before && contest->before(context))
		return -1;

	uint64_t start = now_ns();
	int ret = operation(context, contest->count);
	uint64_t end = now_ns();

	if (contest->after && contest->after(context))
		return -1;
	if (ret)
		return -1;
	if (contest->elapsed && operation == contest->value)
		return *contest->elapsed;
	return end - start;
}

/* Nanoseconds an operation took in one batch, or negative on an error. */
static double time_batch(const struct contest *contest,
			 int (*operation)(void *, unsigned int), void *context)
{
	uint64_t warm = now_ns() + contest->warmup_ns;

	while (now_ns() < warm)
		if (run_once(contest, operation, context) < 0)
			return -1;
	if (contest->idle_ns)
		sleep_ns(contest->idle_ns);
	return run_once(contest, operation, context) / contest->count;
}

static double typical(const struct contest *contest, double *values)
{
	double middle = median(values, contest->batches);

	/* They are sorted now. */
	return contest->best ? values[0] : middle;
}

int contest_run(const struct contest *contest, void *context,
		struct result *result)
{
	size_t size = contest->batches * sizeof(double);
	double *values = malloc(size), *references = malloc(size);
	int ret = 0;

	for (unsigned int i = 0; i < contest->batches && !ret; i++) {
		values[i] = time_batch(contest, contest->value, context);
		references[i] = time_batch(contest, contest->reference, context);
		if (values[i] < 0 || references[i] < 0)
			ret = -EIO;
	}
	if (!ret) {
		result->value = typical(contest, values);
		result->reference = typical(contest, references);
	}
	free(values);
	free(references);
	return ret;
}
