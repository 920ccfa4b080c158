/* SPDX-License-Identifier: MIT */
/*
 * See the header.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "display.h"
#include "fdcount.h"
#include "kms/writeback.h"

struct display display;

static int check(struct hf_atomic_state *state)
{
	(void)state;
	display.checks++;
	return display.check_result;
}

static const uint32_t primary[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_RGB565, 0 };
static const uint32_t overlay[] = { DRM_FORMAT_XRGB8888, DRM_FORMAT_NV12,
				    DRM_FORMAT_YUV420, DRM_FORMAT_YUYV, 0 };
static const uint32_t cursor[] = { DRM_FORMAT_ARGB8888, 0 };

static const struct hf_kms_funcs funcs = {
	.formats = { overlay, primary, cursor },
	.features = HF_KMS_VBLANK | HF_KMS_GAMMA | HF_KMS_BLEND | HF_KMS_ASYNC |
		    HF_KMS_ROUTES | HF_KMS_VRR,
	.connector_type = DRM_MODE_CONNECTOR_HDMIA,
	.encoder_type = DRM_MODE_ENCODER_TMDS,
	.cursor_size = 128,
	.check = check,
};

static void flip(struct hf_crtc *crtc, const struct hf_atomic_state *old,
		 struct hf_flip *flip)
{
	display.flips++;
	display.flipped = crtc;
	display.primary_changed = old->planes[crtc->primary->index];
	display.flip = flip;
}

static int prepare_writeback(struct hf_writeback_job *job)
{
	if (display.prepare_result)
		return display.prepare_result;
	display.prepares++;
	job->driver = &display;
	return 0;
}

static void writeback(struct hf_writeback_job *job)
{
	display.jobs[display.njobs++] = job;
}

static void cleanup_writeback(struct hf_writeback_job *job)
{
	assert_ptr_equal(job->driver, &display);
	display.cleanups++;
}

static const uint32_t targets[] = { DRM_FORMAT_XRGB8888, 0 };

static const struct hf_kms_funcs writeback_funcs = {
	.formats = { overlay, primary, cursor },
	.features = HF_KMS_VBLANK | HF_KMS_ROUTES | HF_KMS_WRITEBACK,
	.connector_type = DRM_MODE_CONNECTOR_HDMIA,
	.encoder_type = DRM_MODE_ENCODER_TMDS,
	.writeback_formats = targets,
	.prepare_writeback = prepare_writeback,
	.writeback = writeback,
	.cleanup_writeback = cleanup_writeback,
};

/* Without vblanks or anything else: what hardware says of itself. */
static const struct hf_kms_funcs driver_funcs = {
	.formats = { NULL, primary, NULL },
	.connector_type = DRM_MODE_CONNECTOR_VIRTUAL,
	.encoder_type = DRM_MODE_ENCODER_VIRTUAL,
	.flip = flip,
};

static const struct hf_kms_output two[] = {
	{ .width = DISPLAY_WIDTH, .height = DISPLAY_HEIGHT, .hz = 1000 },
	{ .width = DISPLAY_WIDTH, .height = DISPLAY_HEIGHT, .hz = 500 },
};

static int setup(const struct hf_kms_funcs *funcs,
		 const struct hf_kms_output *outputs, size_t n)
{
	int sv[2];

	memset(&display, 0, sizeof(display));
	memory_begin();
	display.clock = hf_clock_create();
	if (!display.clock ||
	    hf_kms_device_init(&display.kms, display.clock, funcs, outputs,
			       n, NULL) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -1;
	hf_kms_file_init(&display.file, &display.kms, sv[0]);
	display.reader = sv[1];
	display.crtc = display.kms.crtcs[0];
	display.crtc2 = display.kms.crtcs[1];
	display.connector = display.kms.connectors[0];
	display.connector2 = display.kms.connectors[1];
	return 0;
}

int display_setup(void **state)
{
	(void)state;
	return setup(&funcs, two, 2);
}

int display_setup_driver(void **state)
{
	(void)state;
	return setup(&driver_funcs, two, 2);
}

void display_begin(const struct hf_kms_output *outputs, size_t n)
{
	assert_int_equal(setup(&funcs, outputs, n), 0);
}

void display_end(void)
{
	assert_int_equal(display_teardown(NULL), 0);
}

int display_setup_writeback(void **state)
{
	(void)state;
	return setup(&writeback_funcs, two, 2);
}

int display_teardown(void **state)
{
	(void)state;
	hf_kms_file_finish(&display.file);
	close(display.file.fd);
	close(display.reader);
	hf_kms_device_finish(&display.kms);
	hf_clock_destroy(display.clock);
	memory_end();
	return 0;
}

struct hf_framebuffer *display_fb(uint32_t width, uint32_t height,
				  uint32_t fourcc)
{
	const struct hf_format *format = hf_format_info(fourcc);
	struct hf_gem_object *objects[4] = { NULL };
	struct drm_mode_fb_cmd2 cmd = {
		.width = width,
		.height = height,
		.pixel_format = fourcc,
	};
	struct hf_framebuffer *fb;

	for (unsigned int i = 0; i < format->num_planes; i++) {
		cmd.pitches[i] = hf_format_min_pitch(format, width, i);
		cmd.handles[i] = 1;
		objects[i] = hf_gem_object_create(
			&memory.gem,
			(size_t)cmd.pitches[i] *
				hf_format_plane_height(format, height, i),
			false, 0);
	}
	assert_int_equal(hf_framebuffer_check(&display.kms, &cmd), 0);
	assert_int_equal(hf_framebuffer_create(&display.kms, &cmd, objects,
					       &fb),
			 0);
	for (unsigned int i = 0; i < 4; i++)
		hf_gem_object_put(objects[i]);
	wl_list_insert(&display.file.fbs, &fb->file_link);
	return fb;
}

void display_rmfb(struct hf_framebuffer *fb)
{
	wl_list_remove(&fb->file_link);
	wl_list_init(&fb->file_link);
	hf_framebuffer_remove(fb);
}

struct hf_atomic_state *display_state(void)
{
	struct hf_atomic_state *state = hf_atomic_state_create(&display.kms);

	assert_non_null(state);
	state->allow_modeset = true;
	return state;
}

void display_show(struct hf_atomic_state *state, struct hf_plane *plane,
		  struct hf_crtc *crtc, struct hf_framebuffer *fb)
{
	struct hf_plane_state *new = hf_atomic_get_plane(state, plane);

	assert_non_null(new);
	hf_atomic_set_plane_fb(new, fb);
	assert_int_equal(hf_atomic_set_plane_crtc(state, new, fb ? crtc : NULL),
			 0);
	if (!fb)
		return;
	new->crtc_w = fb->width;
	new->crtc_h = fb->height;
	new->src_w = fb->width << 16;
	new->src_h = fb->height << 16;
}

void display_light(struct hf_atomic_state *state, struct hf_crtc *crtc,
		   struct hf_connector *connector, struct hf_framebuffer *fb)
{
	struct hf_crtc_state *new = hf_atomic_get_crtc(state, crtc);
	struct hf_connector_state *conn =
		hf_atomic_get_connector(state, connector);

	assert_non_null(new);
	assert_non_null(conn);
	assert_int_equal(hf_atomic_set_mode(new, &connector->modes[0]), 0);
	new->active = true;
	assert_int_equal(hf_atomic_set_connector_crtc(state, conn, crtc), 0);
	if (fb)
		display_show(state, crtc->primary, crtc, fb);
}

void display_idle(struct hf_crtc *crtc)
{
	struct pollfd pfd = { .fd = hf_clock_fd(display.clock),
			      .events = POLLIN };

	while (crtc->commit) {
		assert_int_equal(poll(&pfd, 1, 10000), 1);
		hf_clock_dispatch(display.clock);
	}
}

void display_on(struct hf_framebuffer *fb)
{
	struct hf_atomic_state *state = display_state();

	display_light(state, display.crtc, display.connector, fb);
	assert_int_equal(hf_atomic_check(state), 0);
	assert_true(hf_atomic_commit(state, NULL) >= 0);
	display_idle(display.crtc);
}

bool display_read(struct drm_event_vblank *event)
{
	return recv(display.reader, event, sizeof(*event), MSG_DONTWAIT) ==
	       sizeof(*event);
}
