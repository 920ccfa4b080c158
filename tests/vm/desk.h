/* SPDX-License-Identifier: MIT */
/*
 * A display on any DRM driver, and full-screen framebuffers for it. An error ends
 * the program with a message and status 1.
 */
#ifndef HF_VM_DESK_H
#define HF_VM_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xf86drmMode.h>

/** die() - Say what failed, and errno, and end with status 1. */
_Noreturn void die(const char *what);

/**
 * struct desk - The first connected monitor.
 * @fd: of the primary node
 * @crtc: the one for @connector
 * @mode: to be set
 */
struct desk {
	int fd;
	uint32_t crtc, connector;
	drmModeModeInfo mode;
};

/**
 * desk_open() - Find it.
 * @largest: take the mode with the most pixels, not the preferred one
 */
void desk_open(struct desk *desk, const char *path, bool largest);

/**
 * struct sheet - A framebuffer of the mode's size, XRGB8888, mapped.
 * @size: bytes at @pixels
 */
struct sheet {
	uint32_t handle, fb, pitch;
	size_t size;
	uint32_t *pixels;
};

/** sheet_create() - In a dumb buffer; black. */
void sheet_create(const struct desk *desk, struct sheet *sheet);
/** sheet_create_user() - In memory of this process. */
void sheet_create_user(const struct desk *desk, struct sheet *sheet);
/** sheet_fill() - Draw all of it in one colour. */
void sheet_fill(struct sheet *sheet, uint32_t colour);
/** sheet_forget() - Remove the framebuffer and close the handle, whatever works
 * on them. It stays mapped. */
void sheet_forget(const struct desk *desk, struct sheet *sheet);

/** desk_show() - Set the mode, with this picture. */
void desk_show(const struct desk *desk, const struct sheet *sheet);
/** desk_flip() - Begin a flip that ends with an event. Return: 0 or -errno. */
int desk_flip(const struct desk *desk, const struct sheet *sheet);
/** desk_wait() - Wait for a flip's event. Return: is there none, after 10 seconds? */
bool desk_wait(const struct desk *desk);

#endif
