// SPDX-License-Identifier: MIT
/*
 * A client that never rests: it takes of everything that a server must take
 * back when the client dies. `churn` goes on until it is killed, `churn N` ends
 * with success after N rounds; any error ends it with a message.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "client.h"

enum { WIDTH = 128, HEIGHT = 128, SIZE = WIDTH * HEIGHT * 4, NUM_HELD = 4 };

static int complain(const char *what)
{
	perror(what);
	return -1;
}

struct churn {
	int fd;
	uint32_t held[NUM_HELD];
	uint32_t framebuffers[NUM_HELD];
};

static int take(struct churn *churn, int slot)
{
	uint32_t handle = create_dumb(churn->fd, WIDTH, HEIGHT);
	int dmabuf;

	if (!handle)
		return complain("create");
	volatile char *memory = map_dumb(churn->fd, handle, SIZE);

	if (memory == MAP_FAILED)
		return complain("map");
	memory[0] = 1;
	if (drmModeAddFB(churn->fd, WIDTH, HEIGHT, 24, 32, WIDTH * 4, handle,
			 &churn->framebuffers[slot]))
		return complain("addfb");
	if (drmPrimeHandleToFD(churn->fd, handle, DRM_CLOEXEC, &dmabuf))
		return complain("export");
	close(dmabuf);
	munmap((void *)memory, SIZE);
	churn->held[slot] = handle;
	return 0;
}

static int release(struct churn *churn, int slot)
{
	if (!churn->held[slot])
		return 0;
	if (drmModeRmFB(churn->fd, churn->framebuffers[slot]))
		return complain("rmfb");
	if (drmCloseBufferHandle(churn->fd, churn->held[slot]))
		return complain("close");
	churn->held[slot] = 0;
	return 0;
}

static void ask_for_event(struct churn *churn)
{
	drmVBlank vblank = {
		.request = {
			.type = DRM_VBLANK_RELATIVE | DRM_VBLANK_EVENT,
			.sequence = 1000,
		},
	};

	drmWaitVBlank(churn->fd, &vblank);
}

static int churn_round(int round)
{
	struct churn churn = { .fd = open_device() };
	int ret = 0;

	if (churn.fd < 0)
		return complain("open");
	for (int i = 0; i < 16; i++) {
		int slot = (i * 7 + round) % NUM_HELD;

		ret = release(&churn, slot);
		if (!ret)
			ret = take(&churn, slot);
		if (ret)
			break;
		/* Neither is for everyone. */
		drmSetMaster(churn.fd);
		ask_for_event(&churn);
	}
	close(churn.fd);
	return ret;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : -1;

	for (int round = 0; round != rounds; round++)
		if (churn_round(round))
			return 1;
	return 0;
}
