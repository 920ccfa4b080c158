/* SPDX-License-Identifier: MIT */
/*
 * Have the display write back what a CRTC shows that somebody else has lit, and save
 * it: a program that is master, and knows DRM but not the driver.
 *
 *   writeback FILE.png
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <drm_fourcc.h>
#include <png.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "screen.h"

/**
 * struct job - What is to be written, and where.
 * @crtc: that is lit, in @mode
 * @connector: that writes it back
 * @fb: the target; @pixels is its memory
 * @fence: set when the commit is in
 */
struct job {
	int fd;
	uint32_t crtc, connector, fb, pitch;
	drmModeModeInfo mode;
	uint32_t *pixels;
	int32_t fence;
};

/* The index of the first CRTC that is on, or -1. */
static int find_lit(struct job *job, const drmModeRes *resources)
{
	for (int i = 0; i < resources->count_crtcs; i++) {
		drmModeCrtc *crtc = drmModeGetCrtc(job->fd, resources->crtcs[i]);
		bool lit = crtc && crtc->mode_valid;

		if (lit) {
			job->crtc = crtc->crtc_id;
			job->mode = crtc->mode;
		}
		drmModeFreeCrtc(crtc);
		if (lit)
			return i;
	}
	return -1;
}

static bool can_write(const struct job *job, const drmModeConnector *connector, int crtc)
{
	drmModeEncoder *encoder;
	bool can;

	if (connector->connector_type != DRM_MODE_CONNECTOR_WRITEBACK)
		return false;
	encoder = drmModeGetEncoder(job->fd, connector->encoders[0]);
	can = encoder && encoder->possible_crtcs & 1u << crtc;
	drmModeFreeEncoder(encoder);
	return can;
}

static void find_objects(struct job *job)
{
	drmModeRes *resources = drmModeGetResources(job->fd);
	int crtc;

	if (!resources)
		die("resources");
	crtc = find_lit(job, resources);
	errno = ENOENT;
	if (crtc < 0)
		die("a CRTC that is on");
	for (int i = 0; i < resources->count_connectors; i++) {
		drmModeConnector *connector =
			drmModeGetConnectorCurrent(job->fd, resources->connectors[i]);

		if (connector && can_write(job, connector, crtc))
			job->connector = connector->connector_id;
		drmModeFreeConnector(connector);
	}
	drmModeFreeResources(resources);
	errno = ENOENT;
	if (!job->connector)
		die("a connector that writes back");
}

static void make_target(struct job *job)
{
	struct drm_mode_create_dumb dumb = {
		.width = job->mode.hdisplay, .height = job->mode.vdisplay, .bpp = 32,
	};
	struct drm_mode_map_dumb map = { 0 };
	uint32_t handles[4] = { 0 }, pitches[4] = { 0 }, offsets[4] = { 0 };

	if (drmIoctl(job->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
		die("CREATE_DUMB");
	map.handle = handles[0] = dumb.handle;
	job->pitch = pitches[0] = dumb.pitch;
	if (drmModeAddFB2(job->fd, dumb.width, dumb.height, DRM_FORMAT_XRGB8888, handles, pitches,
			  offsets, &job->fb, 0))
		die("ADDFB2");
	if (drmIoctl(job->fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		die("MAP_DUMB");
	job->pixels = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, job->fd,
			   map.offset);
	if (job->pixels == MAP_FAILED)
		die("mmap");
}

static void set(drmModeAtomicReq *request, const struct job *job, const char *name,
		uint64_t value)
{
	drmModeObjectProperties *list = drmModeObjectGetProperties(
		job->fd, job->connector, DRM_MODE_OBJECT_CONNECTOR);

	for (uint32_t i = 0; list && i < list->count_props; i++) {
		drmModePropertyRes *prop = drmModeGetProperty(job->fd, list->props[i]);

		if (prop && !strcmp(prop->name, name) &&
		    drmModeAtomicAddProperty(request, job->connector, prop->prop_id, value) < 0)
			die(name);
		drmModeFreeProperty(prop);
	}
	drmModeFreeObjectProperties(list);
}

static void commit(struct job *job)
{
	drmModeAtomicReq *request = drmModeAtomicAlloc();

	if (!request)
		die("no memory");
	set(request, job, "CRTC_ID", job->crtc);
	set(request, job, "WRITEBACK_FB_ID", job->fb);
	set(request, job, "WRITEBACK_OUT_FENCE_PTR", (uintptr_t)&job->fence);
	if (drmModeAtomicCommit(job->fd, request, DRM_MODE_ATOMIC_ALLOW_MODESET, NULL))
		die("commit");
	drmModeAtomicFree(request);
}

static void wait_for(int fence)
{
	struct pollfd pollfd = { .fd = fence, .events = POLLIN };

	errno = ETIME;
	if (poll(&pollfd, 1, 10000) != 1)
		die("fence");
	close(fence);
}

/* Off the CRTC again, so that it is as it was. */
static void detach(struct job *job)
{
	drmModeAtomicReq *request = drmModeAtomicAlloc();

	if (!request)
		die("no memory");
	set(request, job, "CRTC_ID", 0);
	if (drmModeAtomicCommit(job->fd, request, DRM_MODE_ATOMIC_ALLOW_MODESET, NULL))
		die("commit");
	drmModeAtomicFree(request);
}

static void save(const struct job *job, const char *path)
{
	size_t width = job->mode.hdisplay, height = job->mode.vdisplay;
	png_image image = {
		.version = PNG_IMAGE_VERSION, .width = width, .height = height,
		.format = PNG_FORMAT_RGB,
	};
	uint8_t *rgb = malloc(width * height * 3), *out = rgb;

	if (!rgb)
		die("no memory");
	for (size_t y = 0; y < height; y++)
		for (size_t x = 0; x < width; x++) {
			uint32_t pixel = job->pixels[y * job->pitch / 4 + x];

			*out++ = pixel >> 16;
			*out++ = pixel >> 8;
			*out++ = pixel;
		}
	if (!png_image_write_to_file(&image, path, 0, rgb, 0, NULL))
		die(path);
	free(rgb);
}

int main(int argc, char **argv)
{
	struct job job = { .fd = find_device(DRM_NODE_PRIMARY, has_display), .fence = -1 };

	if (argc != 2) {
		fprintf(stderr, "usage: writeback FILE.png\n");
		return 2;
	}
	if (job.fd < 0)
		die("no display");
	if (drmSetClientCap(job.fd, DRM_CLIENT_CAP_ATOMIC, 1) ||
	    drmSetClientCap(job.fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1))
		die("client capabilities");
	find_objects(&job);
	make_target(&job);
	commit(&job);
	wait_for(job.fence);
	detach(&job);
	save(&job, argv[1]);
	return 0;
}
