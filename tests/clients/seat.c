/* SPDX-License-Identifier: MIT */
/*
 * A seat's user: opens it by libseat, whichever back end that finds, has a card and a
 * keyboard, and says what happens. It does what lines of its standard input ask for.
 *
 *   open PATH, what ID, close ID, switch SESSION, leave
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libseat.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#define MAX_FDS 64

static int fds[MAX_FDS]; /* by id */

/* It is a line at a time that the one who reads this waits for. */
static void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static void enable_seat(struct libseat *seat, void *data)
{
	(void)seat;
	(void)data;
	say("enabled");
}

static void disable_seat(struct libseat *seat, void *data)
{
	(void)data;
	say("disabled");
	libseat_disable_seat(seat);
}

/* Only the master may authenticate others. */
static const char *what(int fd)
{
	if (drmGetNodeTypeFromFd(fd) < 0)
		return "a device";
	return drmAuthMagic(fd, 0) == -EACCES ? "a card" : "a card, as master";
}

static void open_device(struct libseat *seat, const char *path)
{
	int fd, id = libseat_open_device(seat, path, &fd);

	if (id < 0) {
		say("%s: %s", path, strerror(errno));
		return;
	}
	fds[id % MAX_FDS] = fd;
	say("%s: %d is %s", path, id, what(fd));
}

static void close_device(struct libseat *seat, int id)
{
	int fd = fds[id % MAX_FDS];

	if (libseat_close_device(seat, id) < 0)
		say("close: %s", strerror(errno));
	else
		say("closed %d", id);
	close(fd);
}

/* Return: whether it goes on. */
static bool obey(struct libseat *seat, char *line)
{
	char *argument = strchr(line, ' ');

	line[strcspn(line, "\n")] = '\0';
	if (argument)
		*argument++ = '\0';
	if (!strcmp(line, "open") && argument)
		open_device(seat, argument);
	else if (!strcmp(line, "close") && argument)
		close_device(seat, atoi(argument));
	else if (!strcmp(line, "what") && argument)
		say("%s is %s", argument, what(fds[atoi(argument) % MAX_FDS]));
	else if (!strcmp(line, "switch") && argument)
		libseat_switch_session(seat, atoi(argument));
	else
		return strcmp(line, "leave");
	return true;
}

static int run(struct libseat *seat)
{
	struct pollfd pollfds[] = {
		{ .fd = libseat_get_fd(seat), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	char line[256];

	for (;;) {
		if (libseat_dispatch(seat, 0) < 0) {
			say("lost the seat");
			return 1;
		}
		if (poll(pollfds, 2, -1) < 0)
			return 1;
		if ((pollfds[1].revents & (POLLIN | POLLHUP)) &&
		    (!fgets(line, sizeof(line), stdin) || !obey(seat, line)))
			return 0;
	}
}

int main(void)
{
	static struct libseat_seat_listener listener = { enable_seat, disable_seat };
	struct libseat *seat;
	int ret;

	setvbuf(stdin, NULL, _IONBF, 0); /* what poll() does not see */
	seat = libseat_open_seat(&listener, NULL);
	if (!seat) {
		say("no seat: %s", strerror(errno));
		return 1;
	}
	say("seat %s", libseat_seat_name(seat));
	ret = run(seat);
	libseat_close_seat(seat);
	say("left");
	return ret;
}
