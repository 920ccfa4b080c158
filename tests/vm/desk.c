// SPDX-License-Identifier: MIT
/*
 * See the header.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "desk.h"
#include "holdfast_drm.h"

void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static size_t area(const drmModeModeInfo *mode)
{
	return (size_t)mode->hdisplay * mode->vdisplay;
}

static void choose_mode(struct desk *desk, const drmModeConnector *connector,
			bool largest)
{
	desk->mode = connector->modes[0];
	for (int i = 1; largest && i < connector->count_modes; i++)
		if (area(&connector->modes[i]) > area(&desk->mode))
			desk->mode = connector->modes[i];
}

/* The CRTCs that an encoder drives are bits in their order. */
static uint32_t crtc_for(const struct desk *desk, const drmModeRes *resources,
			 uint32_t encoder_id)
{
	drmModeEncoder *encoder = drmModeGetEncoder(desk->fd, encoder_id);
	uint32_t crtc = 0;

	for (int i = 0; encoder && !crtc && i < resources->count_crtcs; i++)
		if (encoder->possible_crtcs & 1u << i)
			crtc = resources->crtcs[i];
	drmModeFreeEncoder(encoder);
	return crtc;
}

void desk_open(struct desk *desk, const char *path, bool largest)
{
	drmModeRes *resources;

	memset(desk, 0, sizeof(*desk));
	desk->fd = open(path, O_RDWR | O_CLOEXEC);
	if (desk->fd < 0)
		die(path);
	resources = drmModeGetResources(desk->fd);
	if (!resources)
		die("resources");
	for (int i = 0; !desk->crtc && i < resources->count_connectors; i++) {
		drmModeConnector *connector = drmModeGetConnector(
			desk->fd, resources->connectors[i]);

		if (connector && connector->connection == DRM_MODE_CONNECTED &&
		    connector->count_modes && connector->count_encoders) {
			desk->connector = connector->connector_id;
			choose_mode(desk, connector, largest);
			desk->crtc = crtc_for(desk, resources,
					      connector->encoders[0]);
		}
		drmModeFreeConnector(connector);
	}
	drmModeFreeResources(resources);
	if (!desk->crtc) {
		errno = ENXIO;
		die("no connected monitor");
	}
}

static void add_framebuffer(const struct desk *desk, struct sheet *sheet)
{
	if (drmModeAddFB(desk->fd, desk->mode.hdisplay, desk->mode.vdisplay, 24,
			 32, sheet->pitch, sheet->handle, &sheet->fb))
		die("framebuffer");
}

void sheet_create(const struct desk *desk, struct sheet *sheet)
{
	struct drm_mode_create_dumb create = {
		.width = desk->mode.hdisplay,
		.height = desk->mode.vdisplay,
		.bpp = 32,
	};
	struct drm_mode_map_dumb map = { 0 };

	if (drmIoctl(desk->fd, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		die("dumb buffer");
	map.handle = create.handle;
	if (drmIoctl(desk->fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		die("map offset");
	sheet->handle = create.handle;
	sheet->pitch = create.pitch;
	sheet->size = create.size;
	sheet->pixels = mmap(NULL, create.size, PROT_READ | PROT_WRITE,
			     MAP_SHARED, desk->fd, map.offset);
	if (sheet->pixels == MAP_FAILED)
		die("map");
	add_framebuffer(desk, sheet);
}

void sheet_create_user(const struct desk *desk, struct sheet *sheet)
{
	struct drm_holdfast_gem_userptr user = { 0 };

	sheet->pitch = desk->mode.hdisplay * 4;
	sheet->size = (size_t)sheet->pitch * desk->mode.vdisplay;
	sheet->pixels = mmap(NULL, sheet->size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (sheet->pixels == MAP_FAILED)
		die("memory");
	user.addr = (uintptr_t)sheet->pixels;
	user.size = sheet->size;
	if (drmIoctl(desk->fd, DRM_IOCTL_HOLDFAST_GEM_USERPTR, &user))
		die("user pages");
	sheet->handle = user.handle;
	add_framebuffer(desk, sheet);
}

void sheet_fill(struct sheet *sheet, uint32_t colour)
{
	for (size_t i = 0; i < sheet->size / sizeof(colour); i++)
		sheet->pixels[i] = colour;
}

void sheet_forget(const struct desk *desk, struct sheet *sheet)
{
	if (drmModeRmFB(desk->fd, sheet->fb))
		die("remove");
	if (drmCloseBufferHandle(desk->fd, sheet->handle))
		die("close");
}

void desk_show(const struct desk *desk, const struct sheet *sheet)
{
	uint32_t connector = desk->connector;
	drmModeModeInfo mode = desk->mode;

	if (drmModeSetCrtc(desk->fd, desk->crtc, sheet->fb, 0, 0, &connector, 1,
			   &mode))
		die("mode");
}

int desk_flip(const struct desk *desk, const struct sheet *sheet)
{
	return drmModePageFlip(desk->fd, desk->crtc, sheet->fb,
			       DRM_MODE_PAGE_FLIP_EVENT, NULL) ? -errno : 0;
}

bool desk_wait(const struct desk *desk)
{
	struct pollfd pfd = { .fd = desk->fd, .events = POLLIN };
	drmEventContext context = { .version = 2 };

	if (poll(&pfd, 1, 30000) != 1 || !(pfd.revents & POLLIN))
		return true;
	return drmHandleEvent(desk->fd, &context) != 0;
}
