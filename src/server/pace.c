/* SPDX-License-Identifier: MIT */
/*
 * Time that jumps. See the header.
 *
 * Whether all threads are asleep is looked at twice. A thread that was seen asleep
 * both times, and was not switched to or from in between, was asleep all the while;
 * so there was a moment, after the first look and before the second, at which all of
 * them were. Nobody but time could have woken one then.
 *
 * It runs on the main thread, without the lock.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/pace.h"
#include "server/scenario.h"

/* Of the tree of processes below this one. */
#define MAX_DEPTH 64

/**
 * struct look - A look at threads.
 * @self: the thread that looks
 * @sum: of who was there and how often each was switched, mixed
 */
struct look {
	pid_t self;
	uint64_t sum;
};

static uint64_t mix(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * UINT64_C(0x100000001b3);
}

static bool read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	text[n < 0 ? 0 : n] = 0;
	return n >= 0;
}

/* After a file of /proc could not be read. */
static bool has_ended(void)
{
	return errno == ENOENT || errno == ESRCH;
}

static uint64_t count_in(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Return: false where it runs, or was stopped, and may go on at any time. */
static bool is_asleep(struct look *look, int pid, int tid)
{
	char path[64], status[4096];
	const char *state;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	if (!read_file(path, status, sizeof(status)))
		return has_ended();
	state = strstr(status, "\nState:\t");
	if (!state)
		return false;
	state += strlen("\nState:\t");
	if (*state == 'Z' || *state == 'X')
		return true;
	look->sum = mix(look->sum, tid);
	look->sum = mix(look->sum, count_in(status, "\nvoluntary_ctxt_switches:"));
	look->sum = mix(look->sum, count_in(status, "\nnonvoluntary_ctxt_switches:"));
	return *state == 'S';
}

static bool process_asleep(struct look *look, int pid, bool deep, int depth);

static bool children_asleep(struct look *look, int pid, int tid, int depth)
{
	char path[64], list[4096], *at = list, *end;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, tid);
	if (depth == MAX_DEPTH || !read_file(path, list, sizeof(list)))
		return true;
	for (;;) {
		int child = strtol(at, &end, 10);

		if (end == at)
			return true;
		if (!process_asleep(look, child, true, depth + 1))
			return false;
		at = end;
	}
}

static bool process_asleep(struct look *look, int pid, bool deep, int depth)
{
	char path[32];
	struct dirent *entry;
	bool asleep = true;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return has_ended();
	while (asleep && (entry = readdir(tasks))) {
		int tid = atoi(entry->d_name);

		if (tid && tid != look->self)
			asleep = is_asleep(look, pid, tid);
		if (tid && asleep && deep)
			asleep = children_asleep(look, pid, tid, depth);
	}
	closedir(tasks);
	return asleep;
}

static bool all_asleep(struct hf_server *server, struct look *look)
{
	int pids[64], n;

	*look = (struct look){ .self = gettid() };
	if (!process_asleep(look, getpid(), server->children, 0))
		return false;
	n = hf_clients_pids(server, pids, 64);
	if (n > 64)
		return false;
	while (n--)
		if (!process_asleep(look, pids[n], false, 0))
			return false;
	return true;
}

/* Has somebody asked the main thread for something? */
static bool is_wanted(struct hf_server *server)
{
	struct pollfd loop = {
		.fd = wl_event_loop_get_fd(server->loop),
		.events = POLLIN,
	};

	return poll(&loop, 1, 0) > 0;
}

static bool is_quiet(struct hf_server *server)
{
	struct look first, second;

	return all_asleep(server, &first) && !is_wanted(server) &&
	       all_asleep(server, &second) && first.sum == second.sum;
}

void hf_pace_jump(struct hf_server *server)
{
	struct hf_clock *clock = server->sys->clock;
	bool quiet = is_quiet(server);
	uint64_t at;

	pthread_mutex_lock(&server->sys->lock);
	if (!quiet)
		hf_clock_ask_again(clock);
	else if (hf_clock_pace(clock) == HF_CLOCK_JUMPS &&
		 hf_clock_next(clock, &at))
		hf_clock_advance(clock, at);
	hf_scenario_settle(server->scenario);
	pthread_mutex_unlock(&server->sys->lock);
}

void hf_pace_start(struct hf_clock *clock, enum hf_clock_pace pace)
{
	uint64_t now = hf_clock_now(clock);

	if (pace == HF_CLOCK_RUNS)
		return;
	hf_clock_set_pace(clock, pace);
	hf_clock_advance(clock, now - now % HF_NSEC_PER_SEC + HF_NSEC_PER_SEC);
}

int hf_pace_step(struct hf_server *server, uint64_t to)
{
	struct hf_clock *clock = server->sys->clock;
	unsigned int n = 0;
	uint64_t at;

	while (hf_clock_next(clock, &at) && at <= to &&
	       hf_clock_pace(clock) != HF_CLOCK_RUNS) {
		if (n++ == HF_PACE_MAX)
			return -EAGAIN;
		hf_clock_advance(clock, at);
		hf_scenario_settle(server->scenario);
	}
	if (hf_clock_pace(clock) != HF_CLOCK_RUNS)
		hf_clock_advance(clock, to);
	hf_scenario_settle(server->scenario);
	return 0;
}
