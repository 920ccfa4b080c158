// SPDX-License-Identifier: MIT
/* A lit output; what it needs goes when its descriptor is closed. */
#include <errno.h>
#include <unistd.h>
#include "screen.h"

static int add_framebuffer(struct screen *screen, uint32_t *fb)
{
	struct drm_mode_create_dumb create = {
		.width = screen->mode.hdisplay,
		.height = screen->mode.vdisplay,
		.bpp = 32,
	};

	if (drmIoctl(screen->fd, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return bench_fail("DRM_IOCTL_MODE_CREATE_DUMB");
	if (drmModeAddFB(screen->fd, create.width, create.height, 32, 32,
			 create.pitch, create.handle, fb))
		return bench_fail("DRM_IOCTL_MODE_ADDFB");
	return 0;
}

static int find_output(struct screen *screen)
{
	drmModeRes *resources = drmModeGetResources(screen->fd);

	if (!resources || !resources->count_connectors || !resources->count_crtcs)
		return bench_fail("DRM_IOCTL_MODE_GETRESOURCES");
	screen->connector = resources->connectors[0];
	screen->crtc = resources->crtcs[0];
	drmModeFreeResources(resources);

	drmModeConnector *connector =
		drmModeGetConnector(screen->fd, screen->connector);

	if (!connector || !connector->count_modes)
		return bench_fail("DRM_IOCTL_MODE_GETCONNECTOR");
	screen->mode = connector->modes[0];
	drmModeFreeConnector(connector);
	return 0;
}

int screen_light(struct screen *screen)
{
	screen->fd = bench_open_device();
	int ret = screen->fd < 0 ? screen->fd : find_output(screen);

	for (unsigned int i = 0; !ret && i < SCREEN_FBS; i++)
		ret = add_framebuffer(screen, &screen->fbs[i]);
	if (!ret && drmModeSetCrtc(screen->fd, screen->crtc, screen->fbs[0], 0, 0,
				   &screen->connector, 1, &screen->mode))
		ret = bench_fail("DRM_IOCTL_MODE_SETCRTC");
	return ret;
}

void screen_close(struct screen *screen)
{
	if (screen->fd >= 0)
		close(screen->fd);
}
