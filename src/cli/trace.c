/* SPDX-License-Identifier: MIT */
/*
 * `holdfast trace`: what a running server says about what it does, until a signal
 * comes, the time is up or the server ends.
 *
 * To stop is to shut down our side of the stream: the server then sends the rest of
 * what it has, and what belongs at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/futex.h"
#include "cli/cli.h"

/* What the server may take to send the rest, milliseconds. */
#define REST_MS 5000

struct copy {
	int in, out, signals;
	sigset_t set;
	const char *name; /* of the output */
	uint64_t end;	  /* 0: none */
	bool stopped;
};

static int open_output(struct copy *copy, const char *path)
{
	copy->name = path ? path : "standard output";
	copy->out = STDOUT_FILENO;
	if (!path || !strcmp(path, "-"))
		return 0;
	copy->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (copy->out >= 0)
		return 0;
	hf_cli_error("%s: %s", path, strerror(errno));
	return 1;
}

static int catch_signals(sigset_t *set)
{
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
	return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void stop(struct copy *copy)
{
	struct signalfd_siginfo info;

	/* The next one ends us. */
	while (read(copy->signals, &info, sizeof(info)) > 0)
		;
	sigprocmask(SIG_UNBLOCK, &copy->set, NULL);
	shutdown(copy->in, SHUT_WR);
	copy->stopped = true;
	copy->end = hf_monotonic_ns() + REST_MS * UINT64_C(1000000);
}

static int time_left_ms(const struct copy *copy)
{
	uint64_t now = hf_monotonic_ns();

	if (!copy->end)
		return -1;
	return copy->end > now ? (copy->end - now) / 1000000 + 1 : 0;
}

/* Return: 1: there is more to come, 0: that was all, or a negative errno. */
static int pass_on(struct copy *copy)
{
	char buf[65536];
	ssize_t n = read(copy->in, buf, sizeof(buf)), written;

	if (n < 0)
		return errno == EINTR ? 1 : errno == ECONNRESET ? 0 : -errno;
	for (ssize_t done = 0; done < n; done += written) {
		written = write(copy->out, buf + done, n - done);
		if (written < 0 && errno == EINTR)
			written = 0;
		if (written < 0)
			return -errno;
	}
	return n > 0;
}

static int copy_all(struct copy *copy)
{
	struct pollfd fds[] = { { .fd = copy->in, .events = POLLIN },
				{ .fd = copy->signals, .events = POLLIN } };
	int ret = 1;

	while (ret > 0) {
		int n = poll(fds, 2, time_left_ms(copy));

		if (n <= 0 && copy->stopped && !time_left_ms(copy))
			return -ETIMEDOUT;
		if ((n == 0 || fds[1].revents) && !copy->stopped) {
			fds[1].fd = -1;
			stop(copy);
		}
		if (n > 0 && fds[0].revents)
			ret = pass_on(copy);
	}
	return ret;
}

int hf_cli_trace(const struct hf_cli_options *options, int argc, char **argv)
{
	struct copy copy = { .in = -1 };
	char question[64];
	int ret;

	if (argc)
		return hf_cli_error("trace does not know %s", argv[0]);
	copy.signals = catch_signals(&copy.set);
	snprintf(question, sizeof(question), "trace %s",
		 options->format ? options->format : "text");
	copy.in = hf_cli_query(options->socket, question);
	if (copy.in == -EBUSY) {
		hf_cli_error("the server is traced by others already");
		return 1;
	}
	if (copy.in < 0)
		return hf_cli_no_server(-copy.in);
	if (open_output(&copy, options->path))
		return 1;
	if (options->duration > 0)
		copy.end = hf_monotonic_ns() + options->duration * 1e9;
	ret = copy_all(&copy);
	/* Whoever reads it has seen enough: `holdfast trace | head`. */
	if (ret == -EPIPE)
		return 0;
	if (ret)
		hf_cli_error("%s: %s", copy.name, strerror(-ret));
	return ret ? 1 : 0;
}
