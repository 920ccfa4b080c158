// SPDX-License-Identifier: MIT
/*
 * See the header.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <drm_fourcc.h>
#include <xf86drm.h>

#include "screen.h"

void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static bool is_holdfast(int fd)
{
	drmVersion *version = drmGetVersion(fd);
	bool is = version && !strcmp(version->name, "holdfast");

	drmFreeVersion(version);
	return is;
}

static int open_if(const char *path, bool (*able)(int fd))
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && !(is_holdfast(fd) && able(fd))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int find_device(int type, bool (*able)(int fd))
{
	drmDevice *devices[16];
	int count = drmGetDevices2(0, devices, 16), fd = -1;

	for (int i = 0; i < count && fd < 0; i++)
		if (devices[i]->available_nodes & 1 << type)
			fd = open_if(devices[i]->nodes[type], able);
	if (count > 0)
		drmFreeDevices(devices, count);
	return fd;
}

bool has_display(int fd)
{
	drmModeRes *resources = drmModeGetResources(fd);
	bool has = resources && resources->count_connectors > 0;

	drmModeFreeResources(resources);
	return has;
}

/* The CRTCs that an encoder drives are bits in their order. */
static uint32_t crtc_for(const struct screen *screen, const drmModeRes *resources,
			 const drmModeConnector *connector)
{
	drmModeEncoder *encoder =
		drmModeGetEncoder(screen->fd, connector->encoders[0]);
	uint32_t crtc = 0;

	for (int i = 0; encoder && !crtc && i < resources->count_crtcs; i++)
		if (encoder->possible_crtcs & 1u << i)
			crtc = resources->crtcs[i];
	drmModeFreeEncoder(encoder);
	return crtc;
}

void screen_open(struct screen *screen)
{
	drmModeRes *resources;

	memset(screen, 0, sizeof(*screen));
	screen->fd = find_device(DRM_NODE_PRIMARY, has_display);
	if (screen->fd < 0)
		die("no device has a display");
	resources = drmModeGetResources(screen->fd);
	for (int i = 0; !screen->crtc && i < resources->count_connectors; i++) {
		drmModeConnector *connector = drmModeGetConnector(
			screen->fd, resources->connectors[i]);

		if (connector && connector->connection == DRM_MODE_CONNECTED &&
		    connector->count_modes && connector->count_encoders) {
			screen->connector = connector->connector_id;
			screen->mode = connector->modes[0];
			screen->crtc = crtc_for(screen, resources, connector);
		}
		drmModeFreeConnector(connector);
	}
	drmModeFreeResources(resources);
	if (!screen->crtc)
		die("no monitor is connected");
}

uint32_t screen_add(const struct screen *screen, uint32_t handle,
		    uint32_t width, uint32_t height, uint32_t pitch)
{
	uint32_t handles[4] = { handle }, pitches[4] = { pitch };
	uint32_t offsets[4] = { 0 }, framebuffer;

	if (drmModeAddFB2(screen->fd, width, height, DRM_FORMAT_XRGB8888,
			  handles, pitches, offsets, &framebuffer, 0))
		die("the framebuffer is refused");
	return framebuffer;
}

void screen_show(struct screen *screen, uint32_t framebuffer)
{
	if (drmModeSetCrtc(screen->fd, screen->crtc, framebuffer, 0, 0,
			   &screen->connector, 1, &screen->mode))
		die("the mode is refused");
}

static void flipped(int fd, unsigned int frame, unsigned int seconds,
		    unsigned int microseconds, void *waiting)
{
	*(bool *)waiting = false;
}

void screen_flip(const struct screen *screen, uint32_t framebuffer)
{
	drmEventContext context = {
		.version = 2, .page_flip_handler = flipped
	};
	bool waiting = true;

	if (drmModePageFlip(screen->fd, screen->crtc, framebuffer,
			    DRM_MODE_PAGE_FLIP_EVENT, &waiting))
		die("the page flip is refused");
	while (waiting)
		if (drmHandleEvent(screen->fd, &context))
			die("no event");
}
