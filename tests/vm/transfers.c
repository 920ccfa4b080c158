// SPDX-License-Identifier: MIT
/*
 * A client that leaves large transfers behind: it shows framebuffers in the largest
 * mode there is and says "shown". When it is given a line it begins a flip, lets go of
 * everything without waiting for that, says "gone", and waits for the end of standard
 * input.
 *
 *   vm-transfers close   framebuffers removed, objects closed
 *   vm-transfers unmap   the same in memory of its own, which it unmaps as well
 *   vm-transfers flip    flips for ever instead: for somebody to kill
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "desk.h"

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static void flip_for_ever(const struct desk *desk, struct sheet sheets[2])
{
	for (unsigned int i = 1;; i++) {
		errno = -desk_flip(desk, &sheets[i % 2]);
		if (errno)
			die("flip");
		if (desk_wait(desk))
			die("event");
	}
}

int main(int argc, char **argv)
{
	bool user = argc == 2 && !strcmp(argv[1], "unmap");
	struct sheet sheets[2];
	struct desk desk;
	char line[16];

	if (argc != 2)
		return 2;
	desk_open(&desk, "/dev/dri/card0", true);
	for (int i = 0; i < 2; i++) {
		if (user)
			sheet_create_user(&desk, &sheets[i]);
		else
			sheet_create(&desk, &sheets[i]);
		sheet_fill(&sheets[i], 0xaa5500 + i);
	}
	desk_show(&desk, &sheets[0]);
	say("shown");
	if (!strcmp(argv[1], "flip"))
		flip_for_ever(&desk, sheets);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	/* Without the flip's end: its transfer is under way now. */
	if (desk_flip(&desk, &sheets[1]))
		die("flip");
	for (int i = 0; i < 2; i++) {
		if (user && munmap(sheets[i].pixels, sheets[i].size))
			die("unmap");
		sheet_forget(&desk, &sheets[i]);
	}
	say("gone");
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
