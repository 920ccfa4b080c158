/* SPDX-License-Identifier: MIT */
/*
 * The log is a line of text on stderr: one write(2) a line, so that lines of
 * several processes never mix. The level is read once, at start.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

static enum hf_log_level threshold = HF_LOG_WARN;

void hf_log_init(void)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	const char *want = getenv("HOLDFAST_LOG");

	for (unsigned int i = 0; want && i < 4; i++)
		if (!strcmp(want, names[i]))
			threshold = i;
}

/* So that a client which provokes warnings cannot fill a disk with them. */
#define LINES_A_SECOND 50

static bool may_speak(enum hf_log_level level)
{
	static _Atomic time_t second;
	static _Atomic unsigned int lines;
	time_t now = time(NULL);

	if (level == HF_LOG_DEBUG)
		return true; /* asked for */
	if (atomic_exchange(&second, now) != now)
		atomic_store(&lines, 0);
	return atomic_fetch_add(&lines, 1) < LINES_A_SECOND;
}

void hf_log(enum hf_log_level level, const char *fmt, ...)
{
	char line[1024] = "holdfast: ";
	size_t prefix = strlen(line);
	va_list ap;
	int n;

	if (level > threshold || !may_speak(level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(line + prefix, sizeof(line) - prefix - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	n += prefix;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nowhere left to say so */
}
