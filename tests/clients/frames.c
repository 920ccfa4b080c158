/* SPDX-License-Identifier: MIT */
/*
 * Flips one frame after the other and writes down what comes of it: for each its
 * number, the vblank's, and the time since the first one, in microseconds; or the error.
 *
 *	frames COUNT
 *
 * With each flip goes a wait for the fourth vblank from then: a flip that nobody tells
 * of is lost when that has come, and one more, for both may come at the same time.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

#define PATIENCE 4 /* vblanks */

static int fd;
static uint32_t crtc, fbs[2];
static uint64_t first_us;

/* What has come: numbers of flips and of waits. */
static unsigned long flipped, waited;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void flip_came(int drm, unsigned int sequence, unsigned int sec,
		      unsigned int usec, void *data)
{
	uint64_t us = sec * UINT64_C(1000000) + usec;

	(void)drm;
	if (!first_us)
		first_us = us;
	flipped = (uintptr_t)data;
	printf("%lu: vblank %u at %lu us\n", flipped, sequence,
	       (unsigned long)(us - first_us));
}

static void vblank_came(int drm, unsigned int sequence, unsigned int sec,
			unsigned int usec, void *data)
{
	(void)drm;
	(void)sequence;
	(void)sec;
	(void)usec;
	waited = (uintptr_t)data;
}

static void ask_for_vblank(unsigned int from_now, unsigned long number)
{
	drmVBlank vblank = {
		.request = {
			.type = DRM_VBLANK_RELATIVE | DRM_VBLANK_EVENT,
			.sequence = from_now,
			.signal = number,
		},
	};

	if (drmWaitVBlank(fd, &vblank))
		fail("WAIT_VBLANK");
}

static void wait_for(unsigned long number)
{
	drmEventContext context = {
		.version = 2,
		.page_flip_handler = flip_came,
		.vblank_handler = vblank_came,
	};
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (flipped != number && waited != number) {
		if (poll(&pfd, 1, -1) < 0 || drmHandleEvent(fd, &context))
			fail("events");
	}
}

static void flip(unsigned long number)
{
	if (drmModePageFlip(fd, crtc, fbs[number % 2], DRM_MODE_PAGE_FLIP_EVENT,
			    (void *)(uintptr_t)number)) {
		printf("%lu: %s\n", number, strerror(errno));
		ask_for_vblank(1, number);
		wait_for(number);
		return;
	}
	ask_for_vblank(PATIENCE, number);
	wait_for(number);
	if (flipped != number) {
		waited = 0;
		ask_for_vblank(1, number);
		wait_for(number);
	}
	if (flipped != number)
		printf("%lu: nothing\n", number);
}

static void open_card(void)
{
	glob_t cards;
	uint64_t dumb;

	if (glob("/dev/dri/card*", 0, NULL, &cards))
		fail("/dev/dri");
	for (size_t i = 0; i < cards.gl_pathc; i++) {
		fd = open(cards.gl_pathv[i], O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !drmGetCap(fd, DRM_CAP_DUMB_BUFFER, &dumb))
			return;
	}
	fail("card");
}

static void light(void)
{
	drmModeRes *res = drmModeGetResources(fd);
	drmModeConnector *connector =
		drmModeGetConnector(fd, res->connectors[0]);
	drmModeModeInfo *mode = connector->modes;

	for (int i = 0; i < 2; i++) {
		struct drm_mode_create_dumb dumb = {
			.width = mode->hdisplay,
			.height = mode->vdisplay,
			.bpp = 32,
		};

		if (drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) ||
		    drmModeAddFB(fd, dumb.width, dumb.height, 24, 32, dumb.pitch,
				 dumb.handle, &fbs[i]))
			fail("framebuffer");
	}
	crtc = res->crtcs[0];
	if (drmModeSetCrtc(fd, crtc, fbs[0], 0, 0, res->connectors, 1, mode))
		fail("SETCRTC");
	drmModeFreeConnector(connector);
	drmModeFreeResources(res);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 60;

	open_card();
	light();
	for (unsigned long number = 1; number <= count; number++)
		flip(number);
	return 0;
}
