// SPDX-License-Identifier: MIT
/*
 * A desktop of two full-screen buffers, on any DRM driver.
 *
 *   vm-flip [-d] [-s SECONDS] [CARD]   flip as fast as that completes, and print how
 *                                      many flips a second there were; -d: draw the
 *                                      whole screen anew each time
 *   vm-flip -f [CARD]                  flip until that fails or standard input has
 *                                      something, and say how it ended
 *   vm-flip -w [CARD]                  show one after the other, say "shown", and wait
 *                                      for the end of standard input
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "desk.h"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void measure(const struct desk *desk, struct sheet sheets[2],
		    double seconds, bool draw)
{
	double start = now(), end;
	unsigned int flips = 0;

	do {
		struct sheet *next = &sheets[++flips % 2];

		if (draw)
			sheet_fill(next, flips * 0x010203);
		if (desk_flip(desk, next))
			die("flip");
		if (desk_wait(desk))
			die("event");
		end = now();
	} while (end - start < seconds);
	printf("%.2f\n", flips / (end - start));
}

static const char *how_it_ended(const struct desk *desk,
				const struct sheet sheets[2],
				unsigned int *flips)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	while (poll(&input, 1, 0) == 0) {
		int ret = desk_flip(desk, &sheets[++*flips % 2]);

		if (ret)
			return strerror(-ret);
		if (desk_wait(desk))
			return "no event";
	}
	return "asked to end";
}

static void flip_until_it_fails(const struct desk *desk,
				const struct sheet sheets[2])
{
	unsigned int flips = 0;
	const char *how;

	puts("flipping");
	fflush(stdout);
	how = how_it_ended(desk, sheets, &flips);
	printf("flip %u: %s\n", flips, how);
}

static void show_both_and_wait(const struct desk *desk,
			       const struct sheet sheets[2])
{
	char c;

	for (int i = 1; i >= 0; i--)
		if (desk_flip(desk, &sheets[i]) || desk_wait(desk))
			die("flip");
	puts("shown");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	struct sheet sheets[2];
	struct desk desk;
	double seconds = 5;
	int option, todo = 0;

	while ((option = getopt(argc, argv, "dfws:")) != -1) {
		if (option == 's')
			seconds = atof(optarg);
		else if (option == '?')
			return 2;
		else
			todo = option;
	}
	desk_open(&desk, argv[optind] ? argv[optind] : "/dev/dri/card0", false);
	for (int i = 0; i < 2; i++) {
		sheet_create(&desk, &sheets[i]);
		sheet_fill(&sheets[i], 0x345678 << i);
	}
	desk_show(&desk, &sheets[0]);
	if (todo == 'w')
		show_both_and_wait(&desk, sheets);
	else if (todo == 'f')
		flip_until_it_fails(&desk, sheets);
	else
		measure(&desk, sheets, seconds, todo == 'd');
	return 0;
}
