/* SPDX-License-Identifier: MIT */
/*
 * A display for the tests of KMS: two monitors, one file, and functions that
 * count what they are asked.
 */
#ifndef HF_TESTS_DISPLAY_H
#define HF_TESTS_DISPLAY_H

#include "kms/kms.h"
#include "memory.h"

#define DISPLAY_WIDTH 320
#define DISPLAY_HEIGHT 240

struct display {
	struct hf_clock *clock;
	struct hf_kms_device kms;
	struct hf_kms_file file;
	int reader; /* where the file's events arrive */
	unsigned int checks;
	int check_result;
	/* What a driver that shows things by itself was asked for last. */
	unsigned int flips;
	struct hf_crtc *flipped;
	struct hf_flip *flip;
	bool primary_changed;
	/* Jobs that it was given and has not finished, and how often it was asked. */
	struct hf_writeback_job *jobs[8];
	unsigned int njobs, prepares, cleanups;
	int prepare_result;
	/* Shorthands. */
	struct hf_crtc *crtc, *crtc2;
	struct hf_connector *connector, *connector2;
};

extern struct display display;

/* For cmocka. The teardown fails where objects or descriptors are left. */
int display_setup(void **state);
int display_setup_driver(void **state); /* without vblanks: hf_kms_funcs.flip */
int display_setup_writeback(void **state); /* with writeback connectors, too */
int display_teardown(void **state);

/** display_begin() - Another display, for one test: of @n outputs, two or more. */
void display_begin(const struct hf_kms_output *outputs, size_t n);
void display_end(void);

/** display_fb() - A framebuffer in linear memory of its own, of the file. */
struct hf_framebuffer *display_fb(uint32_t width, uint32_t height,
				  uint32_t fourcc);
/** display_rmfb() - As RMFB does it. */
void display_rmfb(struct hf_framebuffer *fb);

/** display_state() - A new state that may set modes. */
struct hf_atomic_state *display_state(void);
/** display_light() - In @state: the CRTC shows @fb on the connector. */
void display_light(struct hf_atomic_state *state, struct hf_crtc *crtc,
		   struct hf_connector *connector, struct hf_framebuffer *fb);
/** display_show() - In @state: the plane shows @fb, all of it, at 0, 0. */
void display_show(struct hf_atomic_state *state, struct hf_plane *plane,
		  struct hf_crtc *crtc, struct hf_framebuffer *fb);
/** display_on() - Switch the first CRTC on and wait until it is. */
void display_on(struct hf_framebuffer *fb);
/** display_idle() - Dispatch timers until the CRTC is not busy. */
void display_idle(struct hf_crtc *crtc);

/** display_read() - The next event. Return: false where there is none. */
bool display_read(struct drm_event_vblank *event);

#endif
