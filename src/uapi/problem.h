/* SPDX-License-Identifier: MIT */
/*
 * What clients did wrong, as `--check` finds it: a line each on standard error, and a
 * list for `holdfast info --problems`.
 *
 * The system's lock protects it all. A system that does not check has no list
 * (hf_system.problems is NULL), and that is the only test on the way of a call.
 */
#ifndef HF_UAPI_PROBLEM_H
#define HF_UAPI_PROBLEM_H

#include <stdint.h>
#include <sys/types.h>
#include <wayland-util.h>

#include "base/clock.h"

/* How many are kept; what is older is only counted. */
#define HF_PROBLEMS_KEPT 1000

/**
 * struct hf_problem - Something that a client should not have done.
 * @ns: when, on CLOCK_MONOTONIC
 * @pid: who; 0: nobody knows
 * @program: its name, or ""
 * @text: what, and to which object
 */
struct hf_problem {
	struct wl_list link;
	uint64_t ns;
	pid_t pid;
	char program[16];
	char text[160];
};

/**
 * struct hf_problems - All of them.
 * @list: hf_problem.link, the oldest first
 * @count: of @list; likewise @total: ever
 */
struct hf_problems {
	struct hf_clock *clock;
	struct wl_list list;
	unsigned int count;
	uint64_t total;
};

/** hf_problems_create() - An empty list. Return: NULL and ENOMEM. */
struct hf_problems *hf_problems_create(struct hf_clock *clock);
/** hf_problems_destroy() - Takes NULL. */
void hf_problems_destroy(struct hf_problems *problems);
/**
 * hf_problem() - There is one more.
 * @pid: whose it is, or 0
 * @program: its name, where that is known; NULL: it is looked up
 */
void hf_problem(struct hf_problems *problems, pid_t pid, const char *program,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/** hf_program_name() - Of a process, as /proc has it; "" where that is gone. */
void hf_program_name(pid_t pid, char name[16]);

#endif
