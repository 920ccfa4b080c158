/* SPDX-License-Identifier: MIT */
/*
 * A display for client programs: found by what it can do, lit in the mode that
 * its monitor prefers, flipped at the vblank. An error ends the program.
 */
#ifndef HF_TEST_SCREEN_H
#define HF_TEST_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <xf86drmMode.h>

/** die() - Say what failed, and errno, and end with status 1. */
_Noreturn void die(const char *what);

/**
 * find_device() - Open the first Holdfast device that can do it.
 * @type: DRM_NODE_PRIMARY or DRM_NODE_RENDER
 * @able: asked of each
 *
 * Return: the descriptor, or -1.
 */
int find_device(int type, bool (*able)(int fd));

/** has_display() - Does it set modes? */
bool has_display(int fd);

/**
 * struct screen - A lit connector.
 * @fd: of the primary node
 * @crtc: that drives @connector
 * @mode: what the monitor prefers
 */
struct screen {
	int fd;
	uint32_t crtc, connector;
	drmModeModeInfo mode;
};

/** screen_open() - The first display there is; nothing is shown yet. */
void screen_open(struct screen *screen);
/** screen_add() - A framebuffer of memory in @handle, XRGB8888. Return: its id. */
uint32_t screen_add(const struct screen *screen, uint32_t handle,
		    uint32_t width, uint32_t height, uint32_t pitch);
/** screen_show() - Set the mode. */
void screen_show(struct screen *screen, uint32_t framebuffer);
/** screen_flip() - Show it from the next vblank on, and wait for that. What
 * renders into it is waited for by the display. */
void screen_flip(const struct screen *screen, uint32_t framebuffer);

#endif
