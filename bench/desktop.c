// SPDX-License-Identifier: MIT
/*
 * Whole desktops: how long until a display server shows the window of a client, against
 * one that has no display; and how many frames a second OpenGL ES has on a display.
 *
 * Servers are started and ended here, each batch anew; what they say goes to a file
 * that is shown when one does not start.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xcb/xcb.h>
#include "bench.h"

/* Nobody waits longer for something to come up. */
#define DEADLINE_MS 60000

/**
 * struct desktop - What a contest of display servers works on.
 * @directory: for their sockets and files; $XDG_RUNTIME_DIR
 * @server: the process that is to be ended; 0: none
 * @client: what a client says, who ends when the server does; NULL: none
 */
struct desktop {
	char directory[64];
	pid_t server;
	FILE *client;
};

/* -- processes ----------------------------------------------------------------- */

/* Without an input, its output in the file @log, and @fd kept, if not negative. */
static int start(const char *const *argv, const char *log, int fd, pid_t *pid)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	int ret;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, log,
					 O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	/* To itself: then it is not closed. */
	if (fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, fd, fd);
	ret = posix_spawnp(pid, argv[0], &actions, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	errno = ret;
	return ret ? bench_fail(argv[0]) : 0;
}

static void end(pid_t *pid)
{
	if (!*pid)
		return;
	kill(*pid, SIGTERM);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static void show_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		fprintf(stderr, "bench: | %s", line);
	if (file)
		fclose(file);
}

static int end_server(void *context)
{
	struct desktop *desktop = context;

	end(&desktop->server);
	if (desktop->client)
		pclose(desktop->client);
	desktop->client = NULL;
	return 0;
}

static int desktop_open(struct desktop *desktop)
{
	strcpy(desktop->directory, "/tmp/holdfast-bench.XXXXXX");
	if (!mkdtemp(desktop->directory) || setenv("XDG_RUNTIME_DIR", desktop->directory, 1) ||
	    chdir(desktop->directory))
		return bench_fail(desktop->directory);
	return 0;
}

static void desktop_close(struct desktop *desktop)
{
	const char *const argv[] = { "rm", "-rf", desktop->directory, NULL };
	pid_t pid;

	end_server(desktop);
	if (!chdir("/") && !start(argv, "/dev/null", -1, &pid))
		waitpid(pid, NULL, 0);
}

static int contest_of(struct desktop *desktop, struct contest *contest,
		      struct result *result)
{
	int ret = desktop_open(desktop);

	contest->after = end_server;
	contest->count = 1;
	if (!ret)
		ret = contest_run(contest, desktop, result);
	desktop_close(desktop);
	result->value /= 1e6;
	result->reference /= 1e6;
	return ret;
}

/* -- X --------------------------------------------------------------------------- */

enum { WINDOW_COLOR = 0xC04020, WINDOW_AT = 64, WINDOW_SIZE = 128 };

/* Wait for the line that a server writes to its -displayfd. Return: is there one? */
static bool read_display(int fd, char *name, size_t size)
{
	size_t length = 1;

	name[0] = ':';
	while (length < size && read(fd, name + length, 1) == 1)
		if (name[length++] == '\n') {
			name[length - 1] = '\0';
			return true;
		}
	return false;
}

static void map_window(xcb_connection_t *connection, const xcb_screen_t *screen)
{
	const uint32_t values[] = { WINDOW_COLOR, 1, XCB_EVENT_MASK_EXPOSURE };
	xcb_window_t window = xcb_generate_id(connection);

	xcb_create_window(connection, XCB_COPY_FROM_PARENT, window, screen->root,
			  WINDOW_AT, WINDOW_AT, WINDOW_SIZE, WINDOW_SIZE, 0,
			  XCB_WINDOW_CLASS_INPUT_OUTPUT, screen->root_visual,
			  XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT |
				  XCB_CW_EVENT_MASK,
			  values);
	xcb_map_window(connection, window);
	xcb_flush(connection);
	/* It is exposed: its background is there. */
	free(xcb_wait_for_event(connection));
}

/* Return: what is in the middle of the window, as the whole screen has it. */
static uint32_t seen_pixel(xcb_connection_t *connection, xcb_window_t root)
{
	const int at = WINDOW_AT + WINDOW_SIZE / 2;
	xcb_get_image_reply_t *image = xcb_get_image_reply(
		connection,
		xcb_get_image(connection, XCB_IMAGE_FORMAT_Z_PIXMAP, root, at, at, 1, 1,
			      ~0u),
		NULL);
	uint32_t pixel = ~0u;

	if (image && xcb_get_image_data_length(image) >= 4)
		memcpy(&pixel, xcb_get_image_data(image), sizeof(pixel));
	free(image);
	return pixel & 0xFFFFFF;
}

static int show_x_window(const char *display)
{
	xcb_connection_t *connection = xcb_connect(display, NULL);
	int ret = -EIO;

	if (!xcb_connection_has_error(connection)) {
		xcb_screen_t *screen =
			xcb_setup_roots_iterator(xcb_get_setup(connection)).data;

		map_window(connection, screen);
		if (seen_pixel(connection, screen->root) == WINDOW_COLOR)
			ret = 0;
	}
	xcb_disconnect(connection);
	return ret;
}

/* @argv: up to -displayfd, whose number goes to @number */
static int run_x(struct desktop *desktop, const char *const *argv, char *number)
{
	char display[16];
	int fds[2], ret;

	if (pipe2(fds, O_CLOEXEC))
		return bench_fail("pipe");
	sprintf(number, "%d", fds[1]);
	ret = start(argv, "x.out", fds[1], &desktop->server);
	close(fds[1]);
	if (!ret)
		ret = read_display(fds[0], display, sizeof(display)) ?
			      show_x_window(display) : -EPIPE;
	close(fds[0]);
	if (ret) {
		fprintf(stderr, "bench: %s shows no window\n", argv[0]);
		show_file("x.out");
	}
	return ret;
}

static int run_xorg(void *context, unsigned int count)
{
	char number[16];
	const char *const argv[] = {
		bench_holdfast(), "run", "--", "Xorg", "-logfile", "xorg.log",
		"-noreset", "-nolisten", "tcp", "-displayfd", number, NULL,
	};

	return run_x(context, argv, number);
}

static int run_xvfb(void *context, unsigned int count)
{
	char number[16];
	const char *const argv[] = {
		"Xvfb", "-screen", "0", "1920x1080x24", "-noreset", "-nolisten",
		"tcp", "-displayfd", number, NULL,
	};

	return run_x(context, argv, number);
}

int measure_x_startup(struct result *result, bool quick)
{
	struct contest contest = {
		.value = run_xorg,
		.reference = run_xvfb,
		.batches = quick ? 3 : 9,
	};
	struct desktop desktop = { .server = 0 };

	return contest_of(&desktop, &contest, result);
}

/* -- Weston ------------------------------------------------------------------------ */

/* Weston makes it when it is ready for clients. */
static int wait_for_socket(pid_t server)
{
	for (int ms = 0; ms < DEADLINE_MS; ms++) {
		if (!access("bench", F_OK))
			return 0;
		if (waitpid(server, NULL, WNOHANG))
			return -ECHILD;
		sleep_ns(1000000);
	}
	return -ETIMEDOUT;
}

/* A client that has a line to say each time when its window was presented. */
static int wait_for_window(struct desktop *desktop)
{
	char line[256];

	desktop->client = popen("exec stdbuf -oL weston-presentation-shm 2>&1", "r");
	if (!desktop->client)
		return bench_fail("weston-presentation-shm");
	while (fgets(line, sizeof(line), desktop->client))
		if (strstr(line, "1: f2c"))
			return 0;
	return -EIO;
}

static int run_weston(struct desktop *desktop, const char *const *argv)
{
	int ret = start(argv, "weston.out", -1, &desktop->server);

	if (!ret)
		ret = wait_for_socket(desktop->server);
	if (!ret)
		ret = wait_for_window(desktop);
	if (ret) {
		fputs("bench: Weston shows no window\n", stderr);
		show_file("weston.out");
	}
	return ret;
}

static int run_on_screen(void *context, unsigned int count)
{
	const char *const argv[] = {
		bench_holdfast(), "run", "--", "weston", "--no-config",
		"--backend=drm-backend.so", "--tty=1", "--use-pixman",
		"--idle-time=0", "--socket=bench", NULL,
	};

	return run_weston(context, argv);
}

static int run_headless(void *context, unsigned int count)
{
	static const char *const argv[] = {
		"weston", "--no-config", "--backend=headless-backend.so", "--use-pixman",
		"--width=1920", "--height=1080", "--idle-time=0", "--socket=bench", NULL,
	};

	return run_weston(context, argv);
}

int measure_weston_startup(struct result *result, bool quick)
{
	struct contest contest = {
		.value = run_on_screen,
		.reference = run_headless,
		.batches = quick ? 3 : 9,
	};
	struct desktop desktop = { .server = 0 };

	setenv("WAYLAND_DISPLAY", "bench", 1);
	return contest_of(&desktop, &contest, result);
}

/* -- OpenGL ES ----------------------------------------------------------------------- */

static const char *gl_scene(void)
{
	static char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/gl-scene", bench_directory());
	return path;
}

/* What a scene says: its frames a second. */
static int run_scene(const char *const *argv, double *rate)
{
	FILE *log;
	pid_t pid;
	int status, ret = start(argv, "scene.out", -1, &pid);

	if (ret)
		return ret;
	if (waitpid(pid, &status, 0) < 0)
		return bench_fail(argv[0]);
	log = fopen("scene.out", "r");
	/* Mesa may have had something to say before. */
	for (int fields = 0; log && fields == 0 && !feof(log);)
		if (!(fields = fscanf(log, "%lf", rate)))
			fscanf(log, "%*[^\n]");
	if (log)
		fclose(log);
	if (!status && *rate > 0)
		return 0;
	show_file("scene.out");
	return -EIO;
}

static double higher(double a, double b)
{
	return a > b ? a : b;
}

/* The best of each: both need all processors, and others may be at work. */
static int run_scenes(struct result *result, bool quick)
{
	const char *frames = quick ? "50" : "200", *scene = gl_scene();
	const char *const on_screen[] = { bench_holdfast(), "run", "--output",
					  "1280x720", "--", scene,
					  "screen", frames, NULL };
	const char *const off_screen[] = { scene, "off-screen", frames, NULL };
	int ret = 0;

	for (int i = 0; i < (quick ? 3 : 7) && !ret; i++) {
		double on = 0, off = 0;

		ret = run_scene(on_screen, &on);
		if (!ret)
			ret = run_scene(off_screen, &off);
		result->value = higher(result->value, on);
		result->reference = higher(result->reference, off);
	}
	return ret;
}

int measure_gl_on_screen(struct result *result, bool quick)
{
	struct desktop desktop = { .server = 0 };
	int ret = desktop_open(&desktop);

	if (!ret)
		ret = run_scenes(result, quick);
	desktop_close(&desktop);
	return ret;
}
