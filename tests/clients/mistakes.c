// SPDX-License-Identifier: MIT
/*
 * A program that flips between two framebuffers of its own, and does one thing wrong
 * on the way, or none.
 *
 *   mistakes none    draws on what is not shown only, and cleans up
 *   mistakes dirty   draws on what is shown, and says so
 *   mistakes write   draws on what is shown
 *   mistakes still   the same, on a picture that stays
 *   mistakes idle    as none, and waits for a line before it cleans up
 *   mistakes early   draws on what is still shown, just after it asked for another one
 *   mistakes rmfb    removes a framebuffer that is shown
 *   mistakes leak    ends with all that it has
 *   mistakes fence   shows what a job still draws on, and gives another job's fence
 *   mistakes render  has the engine draw on what is shown
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

#include "gpu.h"
#include "screen.h"

enum { FRAMES = 20 };

struct sheet {
	uint32_t handle, fb, pitch;
	uint64_t size;
	uint8_t *pixels;
};

static struct screen screen;
static struct sheet sheets[2];

static void create(struct sheet *sheet)
{
	struct drm_mode_create_dumb create = { .width = screen.mode.hdisplay,
					       .height = screen.mode.vdisplay,
					       .bpp = 32 };
	struct drm_mode_map_dumb map = { 0 };

	if (drmIoctl(screen.fd, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		die("create");
	map.handle = create.handle;
	if (drmIoctl(screen.fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		die("map");
	sheet->handle = create.handle;
	sheet->pitch = create.pitch;
	sheet->size = create.size;
	sheet->pixels = mmap(NULL, create.size, PROT_READ | PROT_WRITE,
			     MAP_SHARED, screen.fd, map.offset);
	if (sheet->pixels == MAP_FAILED)
		die("mmap");
	sheet->fb = screen_add(&screen, create.handle, create.width,
			       create.height, create.pitch);
}

static void destroy(struct sheet *sheet)
{
	munmap(sheet->pixels, sheet->size);
	drmModeRmFB(screen.fd, sheet->fb);
	drmModeDestroyDumbBuffer(screen.fd, sheet->handle);
}

/* 10x5 pixels at 100, 50. */
static void draw(struct sheet *sheet, int value)
{
	for (int y = 50; y < 55; y++)
		memset(sheet->pixels + y * sheet->pitch + 400, value, 40);
}

static void flip_to(struct sheet *sheet, void (*meanwhile)(void))
{
	drmEventContext context = { .version = 2 };
	struct pollfd pfd = { .fd = screen.fd, .events = POLLIN };

	if (drmModePageFlip(screen.fd, screen.crtc, sheet->fb,
			    DRM_MODE_PAGE_FLIP_EVENT, NULL))
		die("flip");
	if (meanwhile)
		meanwhile();
	if (poll(&pfd, 1, 10000) != 1)
		die("no event");
	drmHandleEvent(screen.fd, &context);
}

static void draw_on_first(void)
{
	draw(&sheets[0], 0x77);
}

/* With a job, through PRIME. */
static void render(void)
{
	struct gpu_memory memory;
	struct gpu_job job;
	struct gpu gpu;
	uint32_t done;
	int fd;

	if (drmPrimeHandleToFD(screen.fd, sheets[0].handle,
			       DRM_CLOEXEC | DRM_RDWR, &fd))
		die("export");
	gpu_open(&gpu);
	gpu_import(&gpu, fd, sheets[0].size, &memory);
	gpu_job_create(&gpu, 4096, &job);
	gpu_job_begin(&job);
	gpu_job_uses(&job, &memory, HOLDFAST_OBJECT_WRITE);
	gpu_write(&job, memory.va, 0x123456);
	if (drmSyncobjCreate(gpu.fd, 0, &done))
		die("syncobj");
	gpu_job_submit(&gpu, gpu.ctx, &job, done);
	gpu_wait(&gpu, done);
	close(gpu.fd);
}

static void add_property(drmModeAtomicReq *request, uint32_t plane,
			 const char *name, uint64_t value)
{
	drmModeObjectProperties *list = drmModeObjectGetProperties(
		screen.fd, plane, DRM_MODE_OBJECT_PLANE);

	for (uint32_t i = 0; i < list->count_props; i++) {
		drmModePropertyRes *property =
			drmModeGetProperty(screen.fd, list->props[i]);

		if (!strcmp(property->name, name))
			drmModeAtomicAddProperty(request, plane,
						 property->prop_id, value);
		drmModeFreeProperty(property);
	}
	drmModeFreeObjectProperties(list);
}

/* The first plane is the primary of the first CRTC. */
static void show_with_fence(uint32_t fb, int fence)
{
	drmModeAtomicReq *request = drmModeAtomicAlloc();
	drmModePlaneRes *planes;

	if (drmSetClientCap(screen.fd, DRM_CLIENT_CAP_ATOMIC, 1))
		die("atomic");
	planes = drmModeGetPlaneResources(screen.fd);
	add_property(request, planes->planes[0], "FB_ID", fb);
	add_property(request, planes->planes[0], "IN_FENCE_FD", fence);
	if (drmModeAtomicCommit(screen.fd, request, 0, NULL))
		die("commit");
	drmModeFreePlaneResources(planes);
	drmModeAtomicFree(request);
}

/* The job waits for this process to store a 1. */
static void show_too_early(void)
{
	struct gpu_memory memory, word;
	uint32_t done, other;
	struct gpu_job job;
	struct gpu gpu;
	int fd, fence;

	if (drmPrimeHandleToFD(screen.fd, sheets[1].handle,
			       DRM_CLOEXEC | DRM_RDWR, &fd))
		die("export");
	gpu_open(&gpu);
	gpu_import(&gpu, fd, sheets[1].size, &memory);
	gpu_create(&gpu, 4096, &word);
	gpu_job_create(&gpu, 4096, &job);
	gpu_job_begin(&job);
	gpu_job_uses(&job, &memory, HOLDFAST_OBJECT_WRITE);
	gpu_wait_for(&job, word.va, 1);
	gpu_write(&job, memory.va, 0x123456);
	if (drmSyncobjCreate(gpu.fd, 0, &done) ||
	    drmSyncobjCreate(gpu.fd, DRM_SYNCOBJ_CREATE_SIGNALED, &other) ||
	    drmSyncobjExportSyncFile(gpu.fd, other, &fence))
		die("syncobj");
	gpu_job_submit(&gpu, gpu.ctx, &job, done);
	show_with_fence(sheets[1].fb, fence);
	*(volatile uint32_t *)word.cpu = 1;
	gpu_wait(&gpu, done);
	close(fence);
	close(gpu.fd);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "none";

	screen_open(&screen);
	create(&sheets[0]);
	create(&sheets[1]);
	screen_show(&screen, sheets[0].fb);
	for (int i = 1; i <= FRAMES; i++) {
		draw(&sheets[i % 2], i);
		flip_to(&sheets[i % 2],
			!strcmp(what, "early") && i == FRAMES - 1 ?
				draw_on_first :
				NULL);
	}
	if (!strcmp(what, "write") || !strcmp(what, "still") ||
	    !strcmp(what, "dirty"))
		draw(&sheets[0], 0x55);
	if (!strcmp(what, "dirty"))
		drmModeDirtyFB(screen.fd, sheets[0].fb, NULL, 0);
	if (!strcmp(what, "write"))
		flip_to(&sheets[1], NULL);
	if (!strcmp(what, "still") || !strcmp(what, "idle")) {
		puts("shown");
		fflush(stdout);
		getchar();
	}
	if (!strcmp(what, "render"))
		render();
	if (!strcmp(what, "fence"))
		show_too_early();
	if (!strcmp(what, "leak"))
		return 0;
	if (strcmp(what, "rmfb"))
		drmModeSetCrtc(screen.fd, screen.crtc, 0, 0, 0, NULL, 0, NULL);
	destroy(&sheets[0]);
	destroy(&sheets[1]);
	close(screen.fd);
	return 0;
}
