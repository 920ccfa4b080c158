// SPDX-License-Identifier: MIT
/*
 * What a lit output costs while nobody flips it and nobody looks: processor
 * time of the server, which is our parent, and of this client.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#include "screen.h"

static double clock_seconds(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

int measure_idle_cpu(struct result *result, bool quick)
{
	double seconds = quick ? 1 : 5;
	clockid_t server;
	struct screen screen;
	int ret = screen_light(&screen);

	if (!ret && (errno = clock_getcpuclockid(getppid(), &server)))
		ret = bench_fail("the server's clock");
	if (!ret) {
		/* Whatever lighting it left to do is not idling. */
		sleep_ns(200000000);
		double before = clock_seconds(server) +
				clock_seconds(CLOCK_PROCESS_CPUTIME_ID);

		sleep_ns(seconds * 1e9);
		double after = clock_seconds(server) +
			       clock_seconds(CLOCK_PROCESS_CPUTIME_ID);

		result->value = 100 * (after - before) / seconds;
	}
	screen_close(&screen);
	return ret;
}
