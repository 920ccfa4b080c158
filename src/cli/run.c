/* SPDX-License-Identifier: MIT */
/*
 * `holdfast run`: a server in this process, and the program as its child.
 *
 * The program's process tree is this process's: it is the subreaper, and when
 * the program has ended it ends what is left of the tree, because the device
 * goes away then. Signals that were sent to this process alone are passed on;
 * those of the terminal have reached the program already.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/futex.h"
#include "base/program.h"
#include "cli/cli.h"
#include "video/video.h"
#include "drivers/soft/frame.h"

/* How long what the program left behind has to end by itself. */
#define LEFTOVER_NS UINT64_C(1000000000)

struct run {
	const struct hf_cli_options *options;
	struct hf_server server;
	bool own_server;
	bool loads; /* the program can load the shim */
	char shim[4096];
	int screenshot_fd;
	struct hf_cli_recording recording;
	sigset_t old_mask;
	struct sigaction old_pipe, old_child;
	struct rlimit old_files;
	int signal_fd;
	struct wl_event_source *signal_source;
	pid_t child, viewer;
	bool ended, interrupted;
	int status;
};

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* -- the child --------------------------------------------------------------- */

/* Say so where the program will not see the device. Return: can it be loaded? */
static bool announce(struct run *run, const char *name)
{
	char buf[4096];
	const char *path = hf_program_find(name, getenv("PATH"), buf,
					   sizeof(buf));
	enum hf_program_kind kind =
		path ? hf_program_look(AT_FDCWD, path) : HF_PROGRAM_FINE;

	if (kind == HF_PROGRAM_FINE)
		return true;
	if (!run->own_server || !hf_server_tell(&run->server, path))
		fprintf(stderr, "holdfast: %s %s: it will not see the device\n",
			path, hf_program_why(kind));
	return kind != HF_PROGRAM_LIBC && kind != HF_PROGRAM_MACHINE;
}

static void set_environment(const struct run *run)
{
	const char *old = getenv("LD_PRELOAD"), *shim = run->shim;
	char *list, dri[8192];

	if (!hf_cli_dri_path(shim, dri, sizeof(dri)))
		setenv(HF_ENV_DRI, dri, 0);
	if (run->own_server) {
		setenv(HF_ENV_SOCKET, run->server.address, 1);
		setenv(HF_ENV_KEY, run->server.key, 1);
	} else {
		setenv(HF_ENV_SOCKET, run->options->socket, 1);
	}
	if (!run->loads)
		return; /* another C library does not start with it */
	if (!old || !*old || strstr(old, shim)) {
		setenv("LD_PRELOAD", old && *old ? old : shim, 1);
	} else if (asprintf(&list, "%s:%s", shim, old) > 0) {
		setenv("LD_PRELOAD", list, 1);
		free(list);
	}
}

/* Tell the parent why there is no program, and how to exit. */
static void exec_failed(const char *program)
{
	int err = errno;

	fprintf(stderr, "holdfast: %s: %s\n", program, strerror(err));
	_exit(err == ENOENT || err == ENOTDIR ? 127 : 126);
}

/* The program that has the login manager runs it. It is where the shim is. */
static char **behind_logind(const struct run *run, char **argv)
{
	static const char name[] = "holdfast-logind";
	int dir = (int)(strrchr(run->shim, '/') - run->shim) + 1;
	size_t n = 0;
	char **all;

	while (argv[n])
		n++;
	all = calloc(n + 2, sizeof(*all));
	if (!all || asprintf(&all[0], "%.*s%s", dir, run->shim, name) < 0) {
		errno = ENOMEM;
		exec_failed(name);
	}
	memcpy(all + 1, argv, n * sizeof(*argv));
	return all;
}

static void run_child(const struct run *run, pid_t parent, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(128 + SIGTERM);
	setrlimit(RLIMIT_NOFILE, &run->old_files);
	sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
	sigaction(SIGPIPE, &run->old_pipe, NULL);
	sigaction(SIGCHLD, &run->old_child, NULL);
	set_environment(run);
	if (run->options->logind)
		argv = behind_logind(run, argv);
	execvp(argv[0], argv);
	exec_failed(argv[0]);
}

/* -- signals ------------------------------------------------------------------ */

static void reap(struct run *run)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == run->viewer)
			run->viewer = 0;
		if (pid != run->child)
			continue;
		run->ended = true;
		run->status = status;
	}
}

static int got_signal(int fd, uint32_t mask, void *data)
{
	struct run *run = data;
	struct signalfd_siginfo info;

	(void)mask;
	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(run);
		else if (run->ended)
			run->interrupted = true; /* there is no child any more */
		else if (info.ssi_code != SI_KERNEL)
			kill(run->child, info.ssi_signo);
	}
	return 0;
}

static int catch_signals(struct run *run)
{
	static const int signals[] = { SIGCHLD, SIGINT,	 SIGTERM, SIGHUP,
				       SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH,
				       SIGCONT };
	sigset_t set;

	/* An inherited SIG_IGN would have the kernel reap the program. */
	sigaction(SIGPIPE, NULL, &run->old_pipe);
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL },
		  &run->old_child);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, &run->old_mask);
	run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signal_fd < 0 ? -errno : 0;
}

/* -- what the program left behind ---------------------------------------------- */

/* What encodes a recording; 0: there is none. */
static pid_t encoder(const struct run *run)
{
	return run->recording.video ? hf_video_encoder(run->recording.video) :
				      0;
}

static bool is_own_child(const struct run *run, const char *pid)
{
	char path[300], line[512], *after;
	FILE *f;
	int ppid = 0;

	/* Ours, not the program's. */
	if (atoi(pid) == encoder(run) || atoi(pid) == run->viewer)
		return false;
	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f) && (after = strrchr(line, ')')))
		sscanf(after + 1, " %*c %d", &ppid);
	fclose(f);
	return ppid == getpid();
}

/* Return: how many there are. @signal 0: nothing is sent. */
static unsigned int signal_children(const struct run *run, int signal)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned int n = 0;

	if (!proc)
		return 0;
	while ((entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    is_own_child(run, entry->d_name)) {
			kill(atoi(entry->d_name), signal);
			n++;
		}
	closedir(proc);
	return n;
}

static bool any_children(struct run *run)
{
	siginfo_t info;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		if (pid == run->viewer)
			run->viewer = 0;
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT))
		return false;
	/* There are ours at least. */
	return (!encoder(run) && !run->viewer) || signal_children(run, 0);
}

static void end_leftovers(struct run *run)
{
	uint64_t end = hf_monotonic_ns() + LEFTOVER_NS;

	while (any_children(run)) {
		bool late = run->interrupted || hf_monotonic_ns() >= end;

		signal_children(run, late ? SIGKILL : SIGTERM);
		/* They may need answers to end in an orderly way. */
		if (run->own_server)
			hf_server_dispatch(&run->server, 10);
		else
			usleep(10000);
	}
}

/* -- the run --------------------------------------------------------------------- */

static int open_device(struct run *run)
{
	const struct hf_cli_options *options = run->options;
	int ret = hf_cli_open_server(&run->server, options);

	if (ret == -EADDRINUSE && (options->scenario || options->pace))
		return hf_cli_error("%s: a server listens there: its time is "
				    "not this run's", options->socket);
	if (ret == -EADDRINUSE && (options->check || options->trace))
		return hf_cli_error("%s: a server listens there: it is that "
				    "which checks and traces",
				    options->socket);
	if (ret == -EADDRINUSE)
		return 0; /* join the one that is there */
	if (ret)
		return HF_EXIT_USAGE;
	run->own_server = true;
	run->server.children = true;
	run->signal_source = wl_event_loop_add_fd(
		run->server.loop, run->signal_fd, WL_EVENT_READABLE,
		got_signal, run);
	if (!run->signal_source)
		return hf_cli_error("no memory");
	return 0;
}

static void wait_for_program(struct run *run)
{
	while (!run->ended) {
		if (run->own_server) {
			hf_server_dispatch(&run->server, -1);
		} else {
			fd_set set;

			FD_ZERO(&set);
			FD_SET(run->signal_fd, &set);
			if (select(run->signal_fd + 1, &set, NULL, NULL,
				   NULL) > 0)
				got_signal(run->signal_fd, 0, run);
		}
	}
}

/* Does the display still read what a commit replaced? */
static bool flipping(const struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		if (kms->crtcs[i]->commit)
			return true;
	return false;
}

/* Let the server notice that the program's descriptors are gone, and let the
 * last flips end; but not for ever, for others may use the device too. */
static void settle(struct run *run)
{
	struct hf_server *server = &run->server;
	uint64_t end = hf_monotonic_ns() + LEFTOVER_NS;

	while (!run->interrupted && hf_monotonic_ns() < end &&
	       (server->sys->files_by_id || !wl_list_empty(&server->clients) ||
		flipping(&server->dev->kms)))
		hf_server_dispatch(server, 100);
}

static int write_screenshot(struct run *run)
{
	int fd = run->screenshot_fd, ret = 0;
	struct hf_frame *frame;

	if (run->own_server) {
		ret = hf_screenshot_capture(run->server.dev, HF_KMS_MAIN,
					    &frame);
		if (!ret) {
			ret = hf_screenshot_write(frame, fd);
			hf_frame_destroy(frame);
		}
	} else {
		int shot = hf_cli_query(run->options->socket, "screenshot main");
		char buf[65536];
		ssize_t n;

		if (shot < 0)
			return shot;
		while (!ret && (n = read(shot, buf, sizeof(buf))) > 0)
			if (write(fd, buf, n) != n)
				ret = -EIO;
		close(shot);
	}
	return ret;
}

static void finish_screenshot(struct run *run)
{
	const char *path = run->options->screenshot;
	struct stat st;
	bool regular;
	int ret;

	if (!path)
		return;
	regular = !fstat(run->screenshot_fd, &st) && S_ISREG(st.st_mode);
	ret = write_screenshot(run);
	if (close(run->screenshot_fd) && !ret)
		ret = -errno;
	if (!ret)
		return;
	if (regular)
		unlink(path);
	hf_cli_error("%s: %s", path,
		     ret == -ENODATA ? "nothing was ever shown" :
				      strerror(-ret));
	if (!run->status)
		run->status = 1 << 8;
}

/* A server that is there already learns of it. */
static int announce_logind(const struct run *run)
{
	int fd;

	if (!run->options->logind)
		return 0;
	if (run->options->no_seat)
		return hf_cli_error("--logind is about a seat, and there is none");
	if (run->own_server)
		return 0;
	fd = hf_cli_query(run->options->socket, "logind");
	if (fd < 0)
		return hf_cli_error("--logind: %s", strerror(-fd));
	close(fd);
	return 0;
}

static int start_recording(struct run *run)
{
	if (!run->options->record)
		return 0;
	if (!run->own_server)
		return hf_cli_error("--record: there is a server already; see holdfast record");
	return hf_cli_record_start(&run->recording, &run->server, run->options);
}

static int start_viewer(struct run *run)
{
	if (run->own_server)
		return hf_cli_view_start(run->options, run->server.address,
					 run->server.key, &run->viewer);
	return hf_cli_view_start(run->options, run->options->socket, NULL,
				 &run->viewer);
}

static void finish_recording(struct run *run)
{
	if (hf_cli_record_end(&run->recording) && !run->status)
		run->status = 1 << 8;
}

static void print_stats(struct run *run)
{
	uint64_t frames = 0, objects = 0, bytes = 0, faults = 0;
	struct hf_system *sys = run->server.sys;
	struct hf_memory_stats stats;
	struct hf_device *dev;

	wl_list_for_each(dev, &sys->devices, link) {
		for (unsigned int i = 0; i < dev->kms.num_crtcs; i++)
			frames += dev->kms.crtcs[i]->frames;
		objects += dev->gem.peak_count;
		bytes += dev->gem.peak_bytes;
		faults += dev->dma.nfaults;
	}
	hf_memory_stats(sys->mem, &stats);
	fprintf(stderr,
		"holdfast: %lu frames, at the peak %lu objects and %lu bytes, "
		"%lu pages held now, %lu faults\n",
		frames, objects, bytes, stats.pages, faults);
}

static int open_screenshot(struct run *run)
{
	const char *path = run->options->screenshot;

	run->screenshot_fd = -1;
	if (!path)
		return 0;
	run->screenshot_fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return run->screenshot_fd < 0 ?
		       hf_cli_error("%s: %s", path, strerror(errno)) :
		       0;
}

int hf_cli_run(const struct hf_cli_options *options, int argc, char **argv)
{
	struct run run = { .options = options };
	pid_t self = getpid();
	int ret;

	if (!argc)
		return hf_cli_error("run needs a program");
	if (hf_cli_shim_path(run.shim, sizeof(run.shim)))
		return 1;
	getrlimit(RLIMIT_NOFILE, &run.old_files);
	ret = catch_signals(&run);
	if (ret)
		return hf_cli_error("signals: %s", strerror(-ret));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ret = open_device(&run);
	if (!ret)
		ret = open_screenshot(&run);
	if (!ret)
		ret = announce_logind(&run);
	if (!ret)
		ret = start_recording(&run);
	if (!ret)
		ret = start_viewer(&run);
	if (ret)
		goto out;
	run.loads = announce(&run, argv[0]);
	run.child = fork();
	if (run.child == 0)
		run_child(&run, self, argv);
	if (run.child < 0) {
		ret = hf_cli_error("fork: %s", strerror(errno));
		goto out;
	}
	wait_for_program(&run);
	end_leftovers(&run);
	if (run.own_server)
		settle(&run);
	finish_recording(&run);
	finish_screenshot(&run);
	if (run.own_server) {
		/* Others may use the device still. */
		pthread_mutex_lock(&run.server.sys->lock);
		hf_kms_drop_held(&run.server.dev->kms);
		if (options->stats)
			print_stats(&run);
		pthread_mutex_unlock(&run.server.sys->lock);
	}
	ret = exit_status(run.status);
	if (run.own_server && hf_cli_problems(options, &run.server) && !ret)
		ret = HF_EXIT_PROBLEMS;
out:
	hf_cli_view_stop(run.viewer);
	hf_cli_record_end(&run.recording);
	if (run.signal_source)
		wl_event_source_remove(run.signal_source);
	if (run.own_server)
		hf_server_finish(&run.server);
	return ret;
}
