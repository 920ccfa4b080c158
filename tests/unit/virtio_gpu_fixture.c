/* SPDX-License-Identifier: MIT */
/* A display on a virtio-gpu for tests. See the header. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "drm_fourcc.h"
#include "virtio_gpu_fixture.h"

struct vg vg;

void vg_begin(void)
{
	memset(&vg, 0, sizeof(vg));
	memory_begin();
	vg.clock = hf_clock_create();
	assert_non_null(vg.clock);
	vg.hw = calloc(1, sizeof(*vg.hw));
	assert_non_null(vg.hw);
	gdev_init(vg.hw, &memory.dma, VG_SCANOUTS, VG_ENTRIES);
	gdev_plug(vg.hw, 0, VG_WIDTH, VG_HEIGHT);
	vg.kms = &vg.dev.kms;
}

void vg_start(void)
{
	struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS];
	int sv[2], n;

	vg.gpu = hf_virtio_gpu_create(&vg.hw->vdev.virtio, vg.clock);
	assert_non_null(vg.gpu);
	vg.dev.hw = vg.gpu;
	n = hf_virtio_gpu_outputs(vg.gpu, outputs);
	assert_int_equal(n, vg.hw->num_scanouts);
	assert_int_equal(hf_kms_device_init(vg.kms, vg.clock,
					    &hf_virtio_gpu_kms, outputs, n,
					    NULL),
			 0);
	hf_virtio_gpu_attach(vg.gpu, vg.kms);
	vg.crtc = vg.kms->crtcs[0];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    sv),
			 0);
	hf_kms_file_init(&vg.file, vg.kms, sv[0]);
	vg.reader = sv[1];
	vg.rings = memory_pages();
}

void vg_stop(void)
{
	hf_kms_file_finish(&vg.file);
	close(vg.file.fd);
	close(vg.reader);
	hf_virtio_gpu_stop(vg.gpu);
	hf_kms_device_finish(vg.kms);
	hf_virtio_gpu_destroy(vg.gpu);
	assert_true(vg.hw->vdev.destroyed);
}

void vg_end(void)
{
	gdev_finish(vg.hw);
	free(vg.hw);
	hf_clock_destroy(vg.clock);
	memory_end();
}

int vg_setup(void **state)
{
	(void)state;
	vg_begin();
	vg_start();
	return 0;
}

int vg_teardown(void **state)
{
	(void)state;
	vg_stop();
	vg_end();
	return 0;
}

uint64_t vg_pages(void)
{
	return memory_pages() - vg.rings;
}

void vg_pump(void)
{
	struct pollfd pfd = { .fd = vg.hw->vdev.virtio.irq_fd,
			      .events = POLLIN };

	while (poll(&pfd, 1, 0) == 1)
		hf_virtio_gpu_interrupt(vg.gpu);
}

void vg_finish(void)
{
	vg.hw->hold = false;
	gdev_run(vg.hw);
	vg_pump();
	assert_int_equal(vg.gpu->stats.in_flight, 0);
}

/* -- framebuffers ------------------------------------------------------------ */

struct hf_framebuffer *vg_fb(uint32_t width, uint32_t height, uint32_t fourcc,
			     uint32_t pitch, uint32_t offset)
{
	struct hf_gem_object *objects[4] = { NULL };
	struct drm_mode_fb_cmd2 cmd = {
		.width = width,
		.height = height,
		.pixel_format = fourcc,
		.pitches = { pitch ? pitch : width * 4 },
		.offsets = { offset },
		.handles = { 1 },
	};
	struct hf_framebuffer *fb;

	objects[0] = hf_gem_object_create(
		&memory.gem, (size_t)cmd.pitches[0] * height + offset, false,
		0);
	assert_non_null(objects[0]);
	assert_int_equal(hf_framebuffer_check(vg.kms, &cmd), 0);
	assert_int_equal(hf_framebuffer_create(vg.kms, &cmd, objects, &fb), 0);
	hf_gem_object_put(objects[0]);
	wl_list_insert(&vg.file.fbs, &fb->file_link);
	return fb;
}

void vg_rmfb(struct hf_framebuffer *fb)
{
	wl_list_remove(&fb->file_link);
	wl_list_init(&fb->file_link);
	hf_framebuffer_remove(fb);
}

uint32_t vg_colour(uint32_t seed, uint32_t x, uint32_t y)
{
	return ((seed + 1) * 0x9e3779b1u ^ x * 0x85ebca6bu ^
		y * 0xc2b2ae35u) & 0xffffff;
}

/* Where DRM says that a channel is in the word: shifts of red, green, blue, alpha. */
static const uint8_t *shifts(uint32_t fourcc)
{
	static const uint8_t argb[] = { 16, 8, 0, 24 }, abgr[] = { 0, 8, 16, 24 },
			     rgba[] = { 24, 16, 8, 0 }, bgra[] = { 8, 16, 24, 0 };

	switch (fourcc) {
	case DRM_FORMAT_XRGB8888:
	case DRM_FORMAT_ARGB8888:
		return argb;
	case DRM_FORMAT_XBGR8888:
	case DRM_FORMAT_ABGR8888:
		return abgr;
	case DRM_FORMAT_RGBX8888:
	case DRM_FORMAT_RGBA8888:
		return rgba;
	default:
		return bgra;
	}
}

void vg_draw(struct hf_framebuffer *fb, uint32_t seed,
	     const struct hf_gpu_rect *rect)
{
	const struct hf_gpu_rect all = { 0, 0, fb->width, fb->height };
	const uint8_t *shift = shifts(fb->format->fourcc);
	int fd = fb->objects[0]->backing->fd;

	rect = rect ? rect : &all;
	for (uint32_t y = rect->y1; y < rect->y2; y++)
		for (uint32_t x = rect->x1; x < rect->x2; x++) {
			uint32_t c = vg_colour(seed, x, y);
			uint32_t word = (c >> 16 & 0xff) << shift[0] |
					(c >> 8 & 0xff) << shift[1] |
					(c & 0xff) << shift[2] |
					0xffu << shift[3];

			assert_int_equal(pwrite(fd, &word, 4,
						fb->offsets[0] +
							(off_t)y * fb->pitches[0] +
							x * 4),
					 4);
		}
}

bool vg_shows(unsigned int index, uint32_t seed, uint32_t from_x,
	      uint32_t from_y)
{
	const struct gdev_scanout *scanout = &vg.hw->scanouts[index];

	if (!scanout->resource)
		return false;
	for (uint32_t y = 0; y < scanout->rect.height; y++)
		for (uint32_t x = 0; x < scanout->rect.width; x++)
			if (scanout->picture[y * GDEV_MAX + x] !=
			    vg_colour(seed, from_x + x, from_y + y))
				return false;
	return true;
}

struct hf_framebuffer *vg_screen(uint32_t seed)
{
	struct hf_framebuffer *fb =
		vg_fb(VG_WIDTH, VG_HEIGHT, DRM_FORMAT_XRGB8888, 0, 0);

	vg_draw(fb, seed, NULL);
	return fb;
}

struct hf_framebuffer *vg_cursor(uint32_t seed)
{
	struct hf_framebuffer *fb =
		vg_fb(HF_GPU_CURSOR_SIZE, HF_GPU_CURSOR_SIZE,
		      DRM_FORMAT_ARGB8888, 0, 0);

	vg_draw(fb, seed, NULL);
	return fb;
}

/* -- commits ----------------------------------------------------------------- */

struct hf_atomic_state *vg_state(void)
{
	struct hf_atomic_state *state = hf_atomic_state_create(vg.kms);

	assert_non_null(state);
	state->allow_modeset = true;
	return state;
}

struct hf_plane_state *vg_plane(struct hf_atomic_state *state,
				struct hf_plane *plane,
				struct hf_framebuffer *fb)
{
	struct hf_plane_state *new = hf_atomic_get_plane(state, plane);
	unsigned int crtc = __builtin_ctz(plane->possible_crtcs);

	assert_non_null(new);
	hf_atomic_set_plane_fb(new, fb);
	assert_int_equal(hf_atomic_set_plane_crtc(
				 state, new, fb ? vg.kms->crtcs[crtc] : NULL),
			 0);
	if (!fb)
		return new;
	new->crtc_w = fb->width;
	new->crtc_h = fb->height;
	new->src_x = new->src_y = 0;
	new->src_w = fb->width << 16;
	new->src_h = fb->height << 16;
	return new;
}

void vg_light(struct hf_atomic_state *state, unsigned int index,
	      struct hf_framebuffer *fb)
{
	struct hf_crtc *crtc = vg.kms->crtcs[index];
	struct hf_crtc_state *new = hf_atomic_get_crtc(state, crtc);
	struct hf_connector_state *connector =
		hf_atomic_get_connector(state, vg.kms->connectors[index]);

	assert_non_null(new);
	assert_non_null(connector);
	assert_int_equal(
		hf_atomic_set_mode(new, &vg.kms->connectors[index]->modes[0]),
		0);
	new->active = true;
	assert_int_equal(hf_atomic_set_connector_crtc(state, connector, crtc),
			 0);
	if (fb)
		vg_plane(state, crtc->primary, fb);
}

void vg_commit(struct hf_atomic_state *state)
{
	for (unsigned int i = 0; i < vg.kms->num_crtcs; i++)
		if (state->crtcs[i])
			state->crtcs[i]->event = hf_event_create(
				&vg.file, DRM_EVENT_FLIP_COMPLETE, 1);
	assert_int_equal(hf_atomic_check(state), 0);
	assert_true(hf_atomic_commit(state, NULL) >= 0);
}

int vg_check(struct hf_atomic_state *state)
{
	int ret = hf_atomic_check(state);

	hf_atomic_state_destroy(state);
	return ret;
}

void vg_on(struct hf_framebuffer *fb)
{
	struct hf_atomic_state *state = vg_state();

	vg_light(state, 0, fb);
	vg_commit(state);
	vg_finish();
	assert_null(vg.crtc->commit);
	assert_int_equal(vg_events(), 1);
}

void vg_flip(struct hf_framebuffer *fb)
{
	struct hf_atomic_state *state = vg_state();

	vg_plane(state, vg.crtc->primary, fb);
	vg_commit(state);
}

void vg_damage(struct hf_framebuffer *fb, const struct drm_mode_rect *rects,
	       size_t n)
{
	struct hf_atomic_state *state = vg_state();
	struct hf_plane_state *plane =
		vg_plane(state, vg.crtc->primary, fb);

	plane->damage = hf_blob_create(vg.kms, rects, n * sizeof(*rects));
	assert_non_null(plane->damage);
	vg_commit(state);
}

void vg_move(struct hf_framebuffer *fb, int32_t x, int32_t y)
{
	struct hf_atomic_state *state = vg_state();
	struct hf_plane_state *plane = vg_plane(state, vg.crtc->cursor, fb);

	plane->crtc_x = x;
	plane->crtc_y = y;
	assert_int_equal(hf_atomic_commit_now(state), 0);
}

unsigned int vg_events(void)
{
	struct drm_event_vblank event;
	unsigned int n = 0;

	while (recv(vg.reader, &event, sizeof(event), MSG_DONTWAIT) ==
	       sizeof(event))
		n++;
	return n;
}
