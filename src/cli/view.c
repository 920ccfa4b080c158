/* SPDX-License-Identifier: MIT */
/*
 * `holdfast view`: lets people watch a running server, with VNC viewers and browsers;
 * and --view of `run` and `serve`, which start one.
 *
 * This process accepts connections. Each gets a process of its own, which answers a
 * browser's request for a file, or opens a stream of frames and becomes holdfast-viewer:
 * so nobody waits for somebody else, and what breaks is one viewer's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "uapi/wire.h"
#include "view/http.h"
#include "view/listen.h"

#ifndef HF_VIEWER_INSTALLED
#define HF_VIEWER_INSTALLED "/usr/local/lib/holdfast/holdfast-viewer"
#endif
#ifndef HF_NOVNC
#define HF_NOVNC "/usr/share/novnc"
#endif

/* At a time. */
#define MAX_CONNECTIONS 64
/* For a file. */
#define FILE_SECONDS 60
/* Of a VNC password, all that counts. */
#define MAX_PASSWORD 8

struct view {
	const struct hf_cli_options *options;
	char viewer[4096];
	int vnc, http; /* where we listen, or -1 */
	char vnc_name[HF_LISTEN_NAME], http_name[HF_LISTEN_NAME];
	int pages;  /* noVNC's directory */
	int stream; /* hangs up when the server ends */
	int signals;
	sigset_t old_mask;
	unsigned int connections;
	bool stopped;
};

/* -- a connection's process --------------------------------------------------- */

static void keep_over_exec(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

static int open_password(const struct hf_cli_options *options)
{
	return open(options->password_file, O_RDONLY | O_CLOEXEC);
}

static void become_viewer(struct view *view, int fd, bool websocket)
{
	const struct hf_cli_options *options = view->options;
	char client[16], stream[16], password[16];
	char *argv[16] = { "holdfast-viewer", "--client", client, "--stream",
			   stream };
	int stream_fd = hf_cli_query_display(options, "stream");
	int password_fd = options->password_file ? open_password(options) : -1;
	size_t n = 5;

	if (stream_fd < 0 || (options->password_file && password_fd < 0))
		return;
	snprintf(client, sizeof(client), "%d", fd);
	snprintf(stream, sizeof(stream), "%d", stream_fd);
	snprintf(password, sizeof(password), "%d", password_fd);
	keep_over_exec(fd);
	keep_over_exec(stream_fd);
	if (password_fd >= 0) {
		keep_over_exec(password_fd);
		argv[n++] = "--password";
		argv[n++] = password;
	}
	if (options->connector) {
		argv[n++] = "--name";
		argv[n++] = (char *)options->connector;
	}
	if (options->view_only)
		argv[n++] = "--view-only";
	if (websocket)
		argv[n++] = "--websocket";
	execv(view->viewer, argv);
	hf_cli_error("%s: %s", view->viewer, strerror(errno));
}

static void serve_connection(struct view *view, int fd, bool http, pid_t parent)
{
	bool watch = true;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return;
	sigprocmask(SIG_SETMASK, &view->old_mask, NULL);
	/* The ports are not ours. */
	close(view->vnc);
	close(view->http);
	if (http) {
		alarm(FILE_SECONDS);
		watch = hf_http_answer(fd, view->pages,
				       !view->options->password_file);
		alarm(0);
	}
	if (watch)
		become_viewer(view, fd, http);
}

/* -- listening ------------------------------------------------------------------ */

static void accept_connection(struct view *view, int listener)
{
	pid_t parent = getpid(), child;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	child = view->connections < MAX_CONNECTIONS ? fork() : -1;
	if (child == 0) {
		serve_connection(view, fd, listener == view->http, parent);
		_exit(0);
	}
	view->connections += child > 0;
	close(fd);
}

static void got_signals(struct view *view)
{
	struct signalfd_siginfo info;

	while (read(view->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			view->stopped = true;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			view->connections--;
	}
}

static void watch(struct view *view)
{
	struct pollfd fds[] = {
		{ .fd = view->signals, .events = POLLIN },
		{ .fd = view->stream, .events = POLLIN },
		{ .fd = view->vnc, .events = POLLIN },
		{ .fd = view->http, .events = POLLIN },
	};

	while (!view->stopped) {
		if (poll(fds, 4, -1) < 0)
			continue;
		if (fds[0].revents)
			got_signals(view);
		if (fds[1].revents)
			view->stopped = true;
		if (fds[2].revents)
			accept_connection(view, view->vnc);
		if (fds[3].revents)
			accept_connection(view, view->http);
	}
}

static int catch_signals(struct view *view)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	/* An inherited SIG_IGN would hide the ends of children. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &view->old_mask);
	view->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return view->signals < 0 ? hf_cli_error("signals: %s", strerror(errno)) : 0;
}

static int listen_on(const char *text, unsigned int first, int *fd, char *name,
		     size_t size)
{
	*fd = hf_listen(text, first, name, size);
	if (*fd == -EINVAL)
		return hf_cli_error("%s: not a port such as 5900 or 127.0.0.1:5900",
				    text);
	return *fd < 0 ? hf_cli_error("%s: %s", text, strerror(-*fd)) : 0;
}

static bool is_auto(const char *text)
{
	size_t n = strlen(text);

	return n >= 4 && !strcmp(text + n - 4, "auto");
}

static int listen_vnc(struct view *view, const char *text)
{
	return listen_on(text, 5900, &view->vnc, view->vnc_name,
			 sizeof(view->vnc_name));
}

static int listen_http(struct view *view, const char *text)
{
	return listen_on(text, 6080, &view->http, view->http_name,
			 sizeof(view->http_name));
}

/* Both, but where one is named it is that. A free port is not the one that the other
 * is going to ask for. */
static int listen_both(struct view *view)
{
	const struct hf_cli_options *options = view->options;
	bool both = !options->vnc && !options->http;
	const char *vnc = both ? "auto" : options->vnc;
	const char *http = both ? "auto" : options->http;
	bool later = vnc && is_auto(vnc);
	int ret = 0;

	if (vnc && !later)
		ret = listen_vnc(view, vnc);
	if (!ret && http)
		ret = listen_http(view, http);
	if (!ret && later)
		ret = listen_vnc(view, vnc);
	return ret;
}

static int open_pages(struct view *view)
{
	const char *dir = view->options->novnc ?: HF_NOVNC;

	if (view->http < 0)
		return 0;
	view->pages = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (view->pages >= 0 && !faccessat(view->pages, "vnc.html", R_OK, 0))
		return 0;
	if (view->options->http)
		return hf_cli_error("%s: no noVNC there: see --novnc", dir);
	close(view->http);
	view->http = -1;
	return 0;
}

static int check_password(const struct hf_cli_options *options)
{
	char text[MAX_PASSWORD + 3];
	ssize_t n;
	int fd;

	if (!options->password_file)
		return 0;
	fd = open_password(options);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		hf_cli_error("%s: %s", options->password_file, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return 1;
	text[n] = 0;
	n = (ssize_t)strcspn(text, "\r\n");
	if (n && n <= MAX_PASSWORD)
		return 0;
	return hf_cli_error("%s: a VNC password has 1 to %d characters",
			    options->password_file, MAX_PASSWORD);
}

/* Lines for a script, as serve prints them. */
static void print_names(const struct view *view)
{
	if (view->vnc >= 0)
		printf("VNC=%s\n", view->vnc_name);
	if (view->http >= 0)
		printf("HTTP=http://%s/\n", view->http_name);
	fflush(stdout);
	if (!view->options->password_file &&
	    ((view->vnc >= 0 && !hf_listen_is_local(view->vnc)) ||
	     (view->http >= 0 && !hf_listen_is_local(view->http))))
		hf_cli_error("anybody who can connect may watch%s: see --password-file",
			     view->options->view_only ? "" : " and type");
}

int hf_cli_view(const struct hf_cli_options *options, int argc, char **argv)
{
	struct view view = { .options = options,
			     .vnc = -1,
			     .http = -1,
			     .pages = -1 };
	int ret;

	if (argc)
		return hf_cli_error("view does not know %s", argv[0]);
	if (hf_cli_helper_path("holdfast-viewer", HF_VIEWER_INSTALLED,
			       view.viewer, sizeof(view.viewer)))
		return 1;
	ret = check_password(options);
	if (!ret)
		ret = listen_both(&view);
	if (!ret)
		ret = open_pages(&view);
	if (ret)
		return ret;
	/* A server that ends need not answer: signals are not caught before. */
	view.stream = hf_cli_query_display(options, "stream");
	if (view.stream < 0)
		return 1;
	ret = catch_signals(&view);
	if (ret)
		return ret;
	print_names(&view);
	watch(&view);
	return 0;
}

/* -- --view --------------------------------------------------------------------- */

static void run_view(const struct hf_cli_options *options, const char *socket,
		     const char *key)
{
	char *argv[16] = { "holdfast", "view", "--socket", (char *)socket };
	size_t n = 4;
	sigset_t none;

	/* VNC has a port of its own all the same. */
	if (options->view_port) {
		argv[n++] = "--vnc";
		argv[n++] = "auto";
		argv[n++] = "--http";
		argv[n++] = (char *)options->view_port;
	}
	if (options->password_file) {
		argv[n++] = "--password-file";
		argv[n++] = (char *)options->password_file;
	}
	if (options->view_only)
		argv[n++] = "--view-only";
	if (key)
		setenv(HF_ENV_KEY, key, 1);
	/* The program has standard input and output. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv("/proc/self/exe", argv);
	hf_cli_error("view: %s", strerror(errno));
}

int hf_cli_view_start(const struct hf_cli_options *options, const char *socket,
		      const char *key, pid_t *pid)
{
	pid_t parent = getpid();

	*pid = 0;
	if (!options->view)
		return 0;
	*pid = fork();
	if (*pid < 0) {
		*pid = 0;
		return hf_cli_error("fork: %s", strerror(errno));
	}
	if (*pid)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		run_view(options, socket, key);
	_exit(1);
}

void hf_cli_view_stop(pid_t pid)
{
	if (pid && !kill(pid, SIGTERM))
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}
