/* SPDX-License-Identifier: MIT */
/* A lit output with framebuffers to show, as a client has them. */
#ifndef HF_BENCH_SCREEN_H
#define HF_BENCH_SCREEN_H

#include <xf86drm.h>
#include <xf86drmMode.h>
#include "bench.h"

#define SCREEN_FBS 2

/**
 * struct screen - The first output, at its preferred mode.
 * @mode: that mode
 * @fbs: as large as it; the first is shown
 */
struct screen {
	int fd;
	uint32_t connector, crtc;
	drmModeModeInfo mode;
	uint32_t fbs[SCREEN_FBS];
};

/** screen_light() - Return: 0 or a negative errno, said on stderr. */
int screen_light(struct screen *screen);
/** screen_close() - Takes one that could not be lit. */
void screen_close(struct screen *screen);

#endif
