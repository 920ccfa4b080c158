// SPDX-License-Identifier: MIT
/*
 * What a compositor does each frame: flips and test-only commits, against the
 * cheapest ioctl that there is; and how late it hears of a vblank, against how late
 * the kernel wakes a thread at a given time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "screen.h"

static int get_cap(void *data, unsigned int count)
{
	const struct screen *screen = data;
	struct drm_get_cap cap = { .capability = DRM_CAP_DUMB_BUFFER };

	while (count--)
		if (drmIoctl(screen->fd, DRM_IOCTL_GET_CAP, &cap))
			return bench_fail("DRM_IOCTL_GET_CAP");
	return 0;
}

/* -- flips ------------------------------------------------------------------- */

static int flip(void *data, unsigned int count)
{
	const struct screen *screen = data;

	while (count--)
		if (drmModePageFlip(screen->fd, screen->crtc,
				    screen->fbs[count % SCREEN_FBS],
				    DRM_MODE_PAGE_FLIP_ASYNC, NULL))
			return bench_fail("DRM_IOCTL_MODE_PAGE_FLIP");
	return 0;
}

int measure_flip_rate(struct result *result, bool quick)
{
	struct contest contest = {
		.value = flip,
		.reference = get_cap,
		.batches = quick ? 11 : 101,
		.count = 1000,
		.warmup_ns = BENCH_WARMUP_NS,
	};
	struct screen screen;
	int ret = screen_light(&screen);

	if (!ret)
		ret = contest_run(&contest, &screen, result);
	screen_close(&screen);
	return ret;
}

/* -- test-only commits ------------------------------------------------------- */

enum { PLANES = 3 };

/**
 * struct desktop - A commit of all planes of a CRTC.
 * @screen: first, so that get_cap() takes this as well
 */
struct desktop {
	struct screen screen;
	drmModeAtomicReq *request;
};

static uint32_t find_property(int fd, uint32_t plane, const char *name)
{
	drmModeObjectProperties *list =
		drmModeObjectGetProperties(fd, plane, DRM_MODE_OBJECT_PLANE);
	uint32_t id = 0;

	for (uint32_t i = 0; list && i < list->count_props && !id; i++) {
		drmModePropertyRes *property =
			drmModeGetProperty(fd, list->props[i]);

		if (property && !strcmp(property->name, name))
			id = property->prop_id;
		drmModeFreeProperty(property);
	}
	drmModeFreeObjectProperties(list);
	return id;
}

/* One over the other, cursors as small as they have to be. */
static int add_plane(struct desktop *desktop, uint32_t plane, uint32_t size)
{
	const struct {
		const char *name;
		uint64_t value;
	} values[] = {
		{ "FB_ID", desktop->screen.fbs[0] },
		{ "CRTC_ID", desktop->screen.crtc },
		{ "SRC_X", 0 },
		{ "SRC_Y", 0 },
		{ "SRC_W", (uint64_t)size << 16 },
		{ "SRC_H", (uint64_t)size << 16 },
		{ "CRTC_X", 0 },
		{ "CRTC_Y", 0 },
		{ "CRTC_W", size },
		{ "CRTC_H", size },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint32_t id = find_property(desktop->screen.fd, plane,
					    values[i].name);

		if (!id || drmModeAtomicAddProperty(desktop->request, plane, id,
						    values[i].value) < 0)
			return bench_fail(values[i].name);
	}
	return 0;
}

static int build(struct desktop *desktop)
{
	int fd = desktop->screen.fd, ret = 0;
	drmModePlaneRes *list;

	if (drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1))
		return bench_fail("DRM_CLIENT_CAP_ATOMIC");
	list = drmModeGetPlaneResources(fd);
	if (!list || list->count_planes < PLANES) {
		drmModeFreePlaneResources(list);
		errno = ENODEV;
		return bench_fail("three planes");
	}
	desktop->request = drmModeAtomicAlloc();
	if (!desktop->request)
		ret = bench_fail("drmModeAtomicAlloc");
	for (uint32_t i = 0; !ret && i < PLANES; i++)
		ret = add_plane(desktop, list->planes[i], 64);
	drmModeFreePlaneResources(list);
	return ret;
}

static int test(void *data, unsigned int count)
{
	const struct desktop *desktop = data;

	while (count--)
		if (drmModeAtomicCommit(desktop->screen.fd, desktop->request,
					DRM_MODE_ATOMIC_TEST_ONLY, NULL))
			return bench_fail("DRM_IOCTL_MODE_ATOMIC");
	return 0;
}

int measure_atomic_commit(struct result *result, bool quick)
{
	struct contest contest = {
		.value = test,
		.reference = get_cap,
		.batches = quick ? 11 : 101,
		.count = 1000,
		.warmup_ns = BENCH_WARMUP_NS,
	};
	struct desktop desktop = { .request = NULL };
	int ret = screen_light(&desktop.screen);

	if (!ret)
		ret = build(&desktop);
	if (!ret)
		ret = contest_run(&contest, &desktop, result);
	drmModeAtomicFree(desktop.request);
	screen_close(&desktop.screen);
	return ret;
}

/* -- vblanks ----------------------------------------------------------------- */

/* How late the next vblank's event is; negative on an error. */
static double wait_vblank(const struct screen *screen, uint64_t *at)
{
	union drm_wait_vblank wait = {
		.request = {
			.type = _DRM_VBLANK_RELATIVE | _DRM_VBLANK_EVENT,
			.sequence = 1,
		},
	};
	struct drm_event_vblank event;

	if (drmIoctl(screen->fd, DRM_IOCTL_WAIT_VBLANK, &wait))
		return bench_fail("DRM_IOCTL_WAIT_VBLANK");
	if (read(screen->fd, &event, sizeof(event)) != sizeof(event))
		return bench_fail("no event");
	*at = event.tv_sec * UINT64_C(1000000000) + event.tv_usec * UINT64_C(1000);
	return (double)(now_ns() - *at);
}

static double wait_clock(uint64_t at)
{
	struct timespec time = { at / 1000000000, at % 1000000000 };

	errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
	if (errno)
		return bench_fail("clock_nanosleep");
	return (double)(now_ns() - at);
}

/* By turns in each frame: so both have the same machine. */
static int take_samples(const struct screen *screen, double *events,
			double *sleeps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t at = 0;

		events[i] = wait_vblank(screen, &at);
		if (events[i] < 0)
			return -EIO;
		sleeps[i] = wait_clock(at + 8000000);
		if (sleeps[i] < 0)
			return -EIO;
	}
	return 0;
}

int measure_vblank_jitter(struct result *result, bool quick)
{
	size_t count = quick ? 120 : 1200;
	double *events = calloc(count, sizeof(*events));
	double *sleeps = calloc(count, sizeof(*sleeps));
	struct screen screen = { .fd = -1 };
	int ret = events && sleeps ? screen_light(&screen) : -ENOMEM;

	if (!ret)
		ret = take_samples(&screen, events, sleeps, count);
	if (!ret) {
		result->value = percentile(events, count, 99) / 1000;
		result->reference = percentile(sleeps, count, 99) / 1000;
	}
	screen_close(&screen);
	free(sleeps);
	free(events);
	return ret;
}
