// SPDX-License-Identifier: MIT
/*
 * What a lit output costs while nobody flips it and nobody looks: processor
 * time of the server, which is our parent, and of this client.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>
#include "bench.h"

static int add_framebuffer(int fd, const drmModeModeInfo *mode, uint32_t *fb)
{
	struct drm_mode_create_dumb create = {
		.width = mode->hdisplay, .height = mode->vdisplay, .bpp = 32
	};

	if (drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return bench_fail("DRM_IOCTL_MODE_CREATE_DUMB");
	if (drmModeAddFB(fd, create.width, create.height, 24, 32, create.pitch,
			 create.handle, fb))
		return bench_fail("DRM_IOCTL_MODE_ADDFB");
	return 0;
}

static int light_output(int fd)
{
	drmModeRes *resources = drmModeGetResources(fd);

	if (!resources || !resources->count_connectors || !resources->count_crtcs)
		return bench_fail("DRM_IOCTL_MODE_GETRESOURCES");
	uint32_t connector_id = resources->connectors[0];
	uint32_t crtc_id = resources->crtcs[0];

	drmModeFreeResources(resources);
	drmModeConnector *connector = drmModeGetConnector(fd, connector_id);

	if (!connector || !connector->count_modes)
		return bench_fail("DRM_IOCTL_MODE_GETCONNECTOR");
	uint32_t fb;
	int ret = add_framebuffer(fd, &connector->modes[0], &fb);

	if (!ret && drmModeSetCrtc(fd, crtc_id, fb, 0, 0, &connector_id, 1,
				   &connector->modes[0]))
		ret = bench_fail("DRM_IOCTL_MODE_SETCRTC");
	drmModeFreeConnector(connector);
	return ret;
}

static double clock_seconds(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

int measure_idle_cpu(struct result *result, bool quick)
{
	double seconds = quick ? 1 : 5;
	clockid_t server;
	int fd = bench_open_device();

	if (fd < 0)
		return fd;
	int ret = light_output(fd);

	if (!ret && (errno = clock_getcpuclockid(getppid(), &server)))
		ret = bench_fail("the server's clock");
	if (!ret) {
		/* Whatever lighting it left to do is not idling. */
		sleep_ns(200000000);
		double before = clock_seconds(server) +
				clock_seconds(CLOCK_PROCESS_CPUTIME_ID);

		sleep_ns(seconds * 1e9);
		double after = clock_seconds(server) +
			       clock_seconds(CLOCK_PROCESS_CPUTIME_ID);

		result->value = 100 * (after - before) / seconds;
	}
	close(fd);
	return ret;
}
