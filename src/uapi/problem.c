/* SPDX-License-Identifier: MIT */
/* The list of problems, and how one is said. See the header. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "uapi/problem.h"

struct hf_problems *hf_problems_create(struct hf_clock *clock)
{
	struct hf_problems *problems = calloc(1, sizeof(*problems));

	if (!problems)
		return NULL;
	problems->clock = clock;
	wl_list_init(&problems->list);
	return problems;
}

static void drop_oldest(struct hf_problems *problems)
{
	struct hf_problem *oldest =
		wl_container_of(problems->list.next, oldest, link);

	wl_list_remove(&oldest->link);
	free(oldest);
	problems->count--;
}

void hf_problems_destroy(struct hf_problems *problems)
{
	if (!problems)
		return;
	while (problems->count)
		drop_oldest(problems);
	free(problems);
}

void hf_program_name(pid_t pid, char name[16])
{
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, 16, f))
		name[0] = 0;
	name[strcspn(name, "\n")] = 0;
	if (f)
		fclose(f);
}

static void keep(struct hf_problems *problems, const struct hf_problem *said)
{
	struct hf_problem *problem = malloc(sizeof(*problem));

	if (!problem)
		return; /* it was said, and is counted */
	*problem = *said;
	if (problems->count == HF_PROBLEMS_KEPT)
		drop_oldest(problems);
	wl_list_insert(problems->list.prev, &problem->link);
	problems->count++;
}

void hf_problem(struct hf_problems *problems, pid_t pid, const char *program,
		const char *fmt, ...)
{
	struct hf_problem problem = { .pid = pid };
	va_list ap;

	problem.ns = hf_clock_now(problems->clock);
	if (program)
		snprintf(problem.program, sizeof(problem.program), "%s",
			 program);
	else
		hf_program_name(pid, problem.program);
	va_start(ap, fmt);
	vsnprintf(problem.text, sizeof(problem.text), fmt, ap);
	va_end(ap);
	problems->total++;
	keep(problems, &problem);
	/* Whatever the level of messages is: somebody asked for these. */
	hf_err("problem: %lu.%06lu pid %d (%s): %s",
	       problem.ns / HF_NSEC_PER_SEC,
	       problem.ns % HF_NSEC_PER_SEC / 1000, pid, problem.program,
	       problem.text);
}
