/* SPDX-License-Identifier: MIT */
/*
 * holdfast-logind PROGRAM ARGUMENT...: run a program with org.freedesktop.login1.
 *
 * It is what `holdfast run --logind` puts in front of a program. Where the environment
 * names no system bus, a bus daemon is started that ends with this process. The
 * program's exit status is this one's; signals are passed on, but for the terminal's,
 * which the program has got already.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "logind/logind.h"

#define BUS "DBUS_SYSTEM_BUS_ADDRESS"

static pid_t program;

static int complain(const char *what, int error)
{
	fprintf(stderr, "holdfast: %s: %s\n", what, strerror(-error));
	return error;
}

/* -- the bus --------------------------------------------------------------- */

/* A bus for its user and root, where everybody may say everything. */
static const char configuration[] =
	"<!DOCTYPE busconfig PUBLIC"
	" \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\""
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig>\n"
	"<listen>unix:tmpdir=/tmp</listen>\n"
	"<auth>EXTERNAL</auth>\n"
	"<policy context=\"default\">\n"
	"<allow user=\"root\"/>\n"
	"<allow own=\"*\"/>\n"
	"<allow send_destination=\"*\" eavesdrop=\"true\"/>\n"
	"<allow eavesdrop=\"true\"/>\n"
	"</policy>\n"
	"</busconfig>\n";

static int make_configuration(void)
{
	int fd = memfd_create("holdfast bus", 0);
	const size_t size = sizeof(configuration) - 1;

	if (fd >= 0 && write(fd, configuration, size) == (ssize_t)size)
		return fd;
	return -errno;
}

static void exec_bus(pid_t parent, int config, int out)
{
	int err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char file[40], print[40];
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	unsetenv("LD_PRELOAD"); /* it has no business with devices */
	snprintf(file, sizeof(file), "--config-file=/proc/self/fd/%d", config);
	snprintf(print, sizeof(print), "--print-address=%d", out);
	/* It says so when it may not raise its limits. */
	if (err >= 0 && null >= 0)
		dup2(null, STDERR_FILENO);
	execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", file,
	       print, NULL);
	ret = -errno;
	dup2(err, STDERR_FILENO);
	complain("dbus-daemon", ret);
	_exit(127);
}

/* The address is a line. */
static int read_address(int fd)
{
	char address[512];
	ssize_t n = read(fd, address, sizeof(address) - 1);

	if (n <= 0)
		return -ENOENT;
	address[n] = '\0';
	address[strcspn(address, "\n")] = '\0';
	return setenv(BUS, address, 1) ? -errno : 0;
}

static int start_bus(void)
{
	int config = make_configuration(), out[2], ret;
	pid_t parent = getpid(), pid;

	if (config < 0)
		return config;
	if (pipe(out)) {
		ret = -errno;
		close(config);
		return ret;
	}
	pid = fork();
	if (!pid)
		exec_bus(parent, config, out[1]);
	ret = pid < 0 ? -errno : 0;
	close(config);
	close(out[1]);
	if (!ret)
		ret = read_address(out[0]);
	close(out[0]);
	return ret;
}

static int join_bus(struct logind *logind)
{
	int ret = getenv(BUS) ? 0 : start_bus();

	if (ret)
		return complain("no system bus", ret);
	ret = sd_bus_open_system(&logind->bus);
	if (ret >= 0)
		ret = bus_publish(logind);
	if (ret >= 0)
		ret = sd_bus_request_name(logind->bus, LOGIND, 0);
	if (ret >= 0)
		ret = sd_bus_attach_event(logind->bus, logind->event, 0);
	return ret < 0 ? complain("org.freedesktop.login1", ret) : 0;
}

/* -- the program ----------------------------------------------------------- */

static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1,
				 SIGUSR2, SIGWINCH, SIGCONT };

static int pass_on(sd_event_source *source, const struct signalfd_siginfo *info,
		   void *data)
{
	(void)source;
	(void)data;
	if (info->ssi_code != SI_KERNEL)
		kill(program, (int)info->ssi_signo);
	return 0;
}

/* The bus's daemon is a child as well. */
static int child_ended(sd_event_source *source,
		       const struct signalfd_siginfo *info, void *data)
{
	int status;
	pid_t pid;

	(void)info;
	(void)data;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != program)
			continue;
		sd_event_exit(sd_event_source_get_event(source),
			      WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
						    WEXITSTATUS(status));
	}
	return 0;
}

static int catch_signals(struct logind *logind, sigset_t *old)
{
	sigset_t set;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &set, old);
	ret = sd_event_add_signal(logind->event, NULL, SIGCHLD, child_ended, NULL);
	for (size_t i = 0;
	     i < sizeof(passed_on) / sizeof(*passed_on) && ret >= 0; i++)
		ret = sd_event_add_signal(logind->event, NULL, passed_on[i],
					  pass_on, NULL);
	return ret < 0 ? ret : 0;
}

/* As pam_systemd does; what is set already is kept. */
static void set_environment(void)
{
	setenv("XDG_SEAT", "seat0", 0);
	setenv("XDG_SESSION_CLASS", "user", 0);
	setenv("XDG_SESSION_TYPE", "tty", 0);
}

static int start_program(char **argv, const sigset_t *mask)
{
	pid_t parent = getpid();
	int err;

	program = fork();
	if (program)
		return program < 0 ? -errno : 0;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(128 + SIGTERM);
	sigprocmask(SIG_SETMASK, mask, NULL);
	set_environment();
	execvp(argv[0], argv);
	err = errno;
	complain(argv[0], -err);
	_exit(err == ENOENT || err == ENOTDIR ? 127 : 126);
}

int main(int argc, char **argv)
{
	static struct logind logind;
	sigset_t old;
	int ret;

	if (argc < 2) {
		fprintf(stderr, "Usage: holdfast-logind PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	logind.started = (uint64_t)time(NULL) * 1000000;
	sessions_init(&logind);
	ret = sd_event_new(&logind.event);
	if (ret >= 0)
		ret = sd_event_add_post(logind.event, &logind.catch_up,
					sessions_catch_up, &logind);
	if (ret >= 0)
		ret = join_bus(&logind);
	if (ret >= 0)
		ret = catch_signals(&logind, &old);
	if (ret >= 0)
		ret = start_program(argv + 1, &old);
	if (ret < 0)
		return 125;
	ret = sd_event_loop(logind.event);
	sessions_finish(&logind);
	sd_bus_flush_close_unref(logind.bus);
	sd_event_source_unref(logind.catch_up);
	sd_event_unref(logind.event);
	return ret;
}
