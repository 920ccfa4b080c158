/* SPDX-License-Identifier: MIT */
/*
 * A display on a virtio-gpu for tests: the driver, the device's side of it, and the
 * KMS core on top, with what clients do.
 */
#ifndef HF_TESTS_VIRTIO_GPU_FIXTURE_H
#define HF_TESTS_VIRTIO_GPU_FIXTURE_H

#include "drivers/virtio/gpu_internal.h"
#include "memory.h"
#include "uapi/device.h"
#include "virtio_gpu_device.h"

#define VG_WIDTH 96
#define VG_HEIGHT 64
#define VG_SCANOUTS 2
#define VG_ENTRIES 16

/**
 * struct vg - All of it.
 * @hw: the device; @gpu: the driver
 * @dev: the driver's device, which has the display
 * @reader: where the file's events arrive
 * @rings: pages that driver and device always have
 */
struct vg {
	struct gdev *hw;
	struct hf_virtio_gpu *gpu;
	struct hf_clock *clock;
	struct hf_device dev;
	struct hf_kms_file file;
	int reader;
	uint64_t rings;
	/* Shorthands. */
	struct hf_kms_device *kms;
	struct hf_crtc *crtc;
};

extern struct vg vg;

/* For cmocka: two monitors, the second one off. The teardown fails where pages,
 * objects or descriptors are left. */
int vg_setup(void **state);
int vg_teardown(void **state);
/* The steps of it: a device, its driver and display. */
void vg_begin(void);
void vg_start(void);
void vg_stop(void);
void vg_end(void);

/** vg_pump() - Handle interrupts until there are none. */
void vg_pump(void);
/** vg_finish() - Let the device do all that it has to, now and from now on. */
void vg_finish(void);

/** vg_fb() - A framebuffer in an object of its own; @pitch 0: the least. */
struct hf_framebuffer *vg_fb(uint32_t width, uint32_t height, uint32_t fourcc,
			     uint32_t pitch, uint32_t offset);
/** vg_screen() - One that a monitor shows, drawn on. */
struct hf_framebuffer *vg_screen(uint32_t seed);
struct hf_framebuffer *vg_cursor(uint32_t seed);
void vg_rmfb(struct hf_framebuffer *fb);
/** vg_draw() - Draw on a part of it; vg_colour() says what, XRGB8888. */
void vg_draw(struct hf_framebuffer *fb, uint32_t seed,
	     const struct hf_gpu_rect *rect);
uint32_t vg_colour(uint32_t seed, uint32_t x, uint32_t y);
/** vg_shows() - Does the monitor show that drawing, from there? */
bool vg_shows(unsigned int scanout, uint32_t seed, uint32_t x, uint32_t y);

struct hf_atomic_state *vg_state(void);
/** vg_plane() - In @state: the plane shows all of @fb, or nothing. */
struct hf_plane_state *vg_plane(struct hf_atomic_state *state,
				struct hf_plane *plane,
				struct hf_framebuffer *fb);
/** vg_light() - In @state: the CRTC is on, and shows @fb. */
void vg_light(struct hf_atomic_state *state, unsigned int crtc,
	      struct hf_framebuffer *fb);
/** vg_commit() - With an event; fails where it is not taken. */
void vg_commit(struct hf_atomic_state *state);
/** vg_check() - Return: what the check says; @state is gone. */
int vg_check(struct hf_atomic_state *state);
/** vg_on() - The first CRTC shows @fb, and did it. */
void vg_on(struct hf_framebuffer *fb);
/** vg_flip() - The first CRTC is asked to show @fb. */
void vg_flip(struct hf_framebuffer *fb);
/** vg_damage() - The same, but only this changed. */
void vg_damage(struct hf_framebuffer *fb, const struct drm_mode_rect *rects,
	       size_t n);
/** vg_move() - The cursor is at once @fb, or none, at that place. */
void vg_move(struct hf_framebuffer *fb, int32_t x, int32_t y);
/** vg_events() - That have arrived since the last time. */
unsigned int vg_events(void);

/** vg_pages() - Held, besides the rings. */
uint64_t vg_pages(void);

#endif
