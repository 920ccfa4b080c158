/* SPDX-License-Identifier: MIT */
/*
 * Streams of frames: a whole server in this process, with two displays, and viewers that
 * ask at the right and at the wrong time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdpass.h"
#include "base/futex.h"
#include "drivers/soft/frame.h"
#include "fdcount.h"
#include "kms/mode.h"
#include "server/server.h"
#include "server/stream.h"

#define W 64
#define H 48
#define RED 0xff0000u
#define GREEN 0x00ff00u
#define BLUE 0x0000ffu
#define COLOUR 0xffffffu
#define DEADLINE_NS (10 * HF_NSEC_PER_SEC)

static struct hf_server server;
static struct hf_file *file;
static int client;
static unsigned int open_before;

/* The composer stands still in hf_frame_compose() but for so many frames. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static unsigned int allowed, composed;
static bool no_memory;

int __real_hf_frame_compose(struct hf_frame *frame,
			    const struct hf_compose_target *target);
int __wrap_hf_frame_compose(struct hf_frame *frame,
			    const struct hf_compose_target *target);
int __real_posix_fallocate64(int fd, off_t at, off_t size);
int __wrap_posix_fallocate64(int fd, off_t at, off_t size);

int __wrap_hf_frame_compose(struct hf_frame *frame,
			    const struct hf_compose_target *target)
{
	pthread_mutex_lock(&gate);
	composed++;
	pthread_cond_broadcast(&gate_moved);
	while (composed > allowed)
		pthread_cond_wait(&gate_moved, &gate);
	pthread_mutex_unlock(&gate);
	return __real_hf_frame_compose(frame, target);
}

int __wrap_posix_fallocate64(int fd, off_t at, off_t size)
{
	return no_memory ? ENOSPC : __real_posix_fallocate64(fd, at, size);
}

static unsigned int count_composed(void)
{
	unsigned int n;

	pthread_mutex_lock(&gate);
	n = composed;
	pthread_mutex_unlock(&gate);
	return n;
}

static void allow(unsigned int n)
{
	pthread_mutex_lock(&gate);
	allowed = n;
	pthread_cond_broadcast(&gate_moved);
	pthread_mutex_unlock(&gate);
}

static void close_gate(void)
{
	allow(0);
}

static void open_gate(void)
{
	allow(UINT_MAX);
}

/* For the frame of this number, counted from 1. */
static void wait_at_gate(unsigned int n)
{
	pthread_mutex_lock(&gate);
	while (composed < n)
		pthread_cond_wait(&gate_moved, &gate);
	pthread_mutex_unlock(&gate);
}

static void lock(void)
{
	pthread_mutex_lock(&server.sys->lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&server.sys->lock);
}

static int open_file(void)
{
	static const struct hf_cred cred;

	lock();
	file = hf_file_open(server.sys, server.dev->primary_minor, &cred,
			    &client);
	unlock();
	return file ? 0 : -1;
}

static void close_file(void)
{
	if (!file)
		return;
	close(client);
	lock();
	hf_file_close(file);
	unlock();
	file = NULL;
}

static int setup(void **state)
{
	static const struct hf_kms_output outputs[2] = {
		{ .width = W, .height = H, .hz = 500,
		  .modes = { { 2 * W, 2 * H, 500 } }, .num_modes = 1 },
		{ .width = W, .height = H, .hz = 500 },
	};

	(void)state;
	open_before = count_fds();
	no_memory = false;
	allowed = UINT_MAX;
	composed = 0;
	if (hf_server_init(&server, &(struct hf_server_options){
					    .outputs = outputs,
					    .noutputs = 2,
				    }))
		return -1;
	return open_file();
}

static int teardown(void **state)
{
	(void)state;
	open_gate();
	close_file();
	hf_server_finish(&server);
	assert_int_equal(count_fds(), open_before);
	return 0;
}

static void dispatch(int ms)
{
	hf_server_dispatch(&server, ms);
}

/* -- what is shown ------------------------------------------------------------ */

/* With the lock held. */
static struct hf_framebuffer *create(uint32_t w, uint32_t h, uint32_t colour)
{
	struct hf_device *dev = server.dev;
	struct drm_mode_fb_cmd2 cmd = {
		.width = w, .height = h, .pixel_format = DRM_FORMAT_XRGB8888,
		.pitches[0] = w * 4, .handles[0] = 1,
	};
	struct hf_gem_object *objects[4] = { NULL };
	struct hf_framebuffer *fb;
	uint32_t *pixels;

	objects[0] = hf_gem_object_create(&dev->gem, (size_t)w * h * 4,
					  !dev->dma.domain, 0);
	assert_non_null(objects[0]);
	assert_int_equal(hf_framebuffer_create(&dev->kms, &cmd, objects, &fb),
			 0);
	wl_list_insert(&file->kms.fbs, &fb->file_link);
	pixels = mmap(NULL, objects[0]->size, PROT_READ | PROT_WRITE,
		      MAP_SHARED, objects[0]->backing->fd, 0);
	assert_ptr_not_equal(pixels, MAP_FAILED);
	for (uint32_t i = 0; i < w * h; i++)
		pixels[i] = colour;
	munmap(pixels, objects[0]->size);
	hf_gem_object_put(objects[0]);
	return fb;
}

static struct hf_crtc *crtc_at(unsigned int i)
{
	return server.dev->kms.crtcs[i];
}

static bool is_busy(unsigned int i)
{
	bool busy;

	lock();
	busy = crtc_at(i)->commit;
	unlock();
	return busy;
}

static void settle(unsigned int i)
{
	while (is_busy(i))
		dispatch(10);
}

static const struct drm_mode_modeinfo *
mode_of(const struct hf_connector *connector, uint32_t width)
{
	for (unsigned int i = 0; i < connector->num_modes; i++)
		if (connector->modes[i].hdisplay == width)
			return &connector->modes[i];
	fail_msg("no mode of %u pixels", width);
	return NULL;
}

static void commit(struct hf_atomic_state *state)
{
	assert_int_equal(hf_atomic_check(state), 0);
	assert_true(hf_atomic_commit(state, NULL) >= 0);
}

/* Connector and CRTC @n light up in a colour, in a mode of @width pixels. */
static struct hf_framebuffer *show_on(unsigned int n, unsigned int output,
				      uint32_t width, uint32_t colour)
{
	struct hf_connector *connector;
	struct hf_crtc *crtc = crtc_at(n);
	struct hf_atomic_state *state;
	struct hf_plane_state *plane;
	struct hf_crtc_state *new;
	struct hf_framebuffer *fb;
	uint32_t height = width * H / W;

	settle(n);
	lock();
	connector = server.dev->kms.connectors[output];
	fb = create(width, height, colour);
	state = hf_atomic_state_create(&server.dev->kms);
	assert_non_null(state);
	state->allow_modeset = true;
	new = hf_atomic_get_crtc(state, crtc);
	assert_int_equal(hf_atomic_set_mode(new, mode_of(connector, width)), 0);
	new->active = true;
	hf_atomic_set_connector_crtc(
		state, hf_atomic_get_connector(state, connector), crtc);
	plane = hf_atomic_get_plane(state, crtc->primary);
	hf_atomic_set_plane_fb(plane, fb);
	hf_atomic_set_plane_crtc(state, plane, crtc);
	plane->crtc_w = width;
	plane->crtc_h = height;
	plane->src_w = width << 16;
	plane->src_h = height << 16;
	commit(state);
	unlock();
	settle(n);
	return fb;
}

static struct hf_framebuffer *show(uint32_t colour)
{
	return show_on(0, 0, W, colour);
}

static void switch_off(unsigned int n)
{
	struct hf_atomic_state *state;

	settle(n);
	lock();
	state = hf_atomic_state_create(&server.dev->kms);
	state->allow_modeset = true;
	hf_atomic_get_crtc(state, crtc_at(n))->active = false;
	commit(state);
	unlock();
	settle(n);
}

/* All of it: the connector, the plane and the mode. */
static void take_off(unsigned int n, unsigned int output)
{
	struct hf_crtc *crtc = crtc_at(n);
	struct hf_atomic_state *state;
	struct hf_plane_state *plane;
	struct hf_crtc_state *new;

	settle(n);
	lock();
	state = hf_atomic_state_create(&server.dev->kms);
	state->allow_modeset = true;
	new = hf_atomic_get_crtc(state, crtc);
	new->active = false;
	assert_int_equal(hf_atomic_set_mode(new, NULL), 0);
	plane = hf_atomic_get_plane(state, crtc->primary);
	hf_atomic_set_plane_fb(plane, NULL);
	hf_atomic_set_plane_crtc(state, plane, NULL);
	hf_atomic_set_connector_crtc(
		state,
		hf_atomic_get_connector(state,
					server.dev->kms.connectors[output]),
		NULL);
	commit(state);
	unlock();
	settle(n);
}

static const char *connector_name(unsigned int n)
{
	static char name[32];

	lock();
	hf_connector_name(server.dev->kms.connectors[n], name, sizeof(name));
	unlock();
	return name;
}

/* -- a viewer ------------------------------------------------------------------ */

struct viewer {
	int fd;
	uint32_t serial;
	uint32_t *pixels;
	size_t size;
	unsigned int maps;
	struct hf_stream_frame frame;
};

static struct viewer watch(const char *what)
{
	struct viewer viewer = { .fd = hf_stream_open(&server, what) };

	assert_true(viewer.fd >= 0);
	return viewer;
}

static void unmap(struct viewer *viewer)
{
	if (viewer->pixels)
		munmap(viewer->pixels, viewer->size);
	viewer->pixels = NULL;
}

static void leave(struct viewer *viewer)
{
	close(viewer->fd);
	unmap(viewer);
	dispatch(10);
}

static void ask(struct viewer *viewer, enum hf_stream_what what)
{
	struct hf_stream_request request = { .what = what,
					     .serial = ++viewer->serial };

	assert_int_equal(send(viewer->fd, &request, sizeof(request), 0),
			 sizeof(request));
	dispatch(0);
}

static void map(struct viewer *viewer, int fd)
{
	struct stat st;

	unmap(viewer);
	assert_int_equal(fstat(fd, &st), 0);
	viewer->size = (size_t)st.st_size;
	viewer->pixels = mmap(NULL, viewer->size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(viewer->pixels, MAP_FAILED);
	viewer->maps++;
	/* Nobody can make the server fault. */
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
}

/* Return: false where nothing comes for a while of @ms. */
static bool receive(struct viewer *viewer, int ms)
{
	uint64_t end = hf_monotonic_ns() + (uint64_t)ms * 1000000;
	int fds[HF_FDPASS_MAX], n;
	unsigned int nfds = 0;

	do {
		dispatch(1);
		n = hf_recv_fds(viewer->fd, &viewer->frame,
				sizeof(viewer->frame), MSG_DONTWAIT, fds, &nfds);
	} while (n == -EAGAIN && hf_monotonic_ns() < end);
	if (n == -EAGAIN)
		return false;
	assert_int_equal(n, sizeof(viewer->frame));
	assert_true(nfds <= 1);
	if (nfds)
		map(viewer, fds[0]);
	assert_int_equal(viewer->frame.serial, viewer->serial);
	return true;
}

static void expect_frame(struct viewer *viewer)
{
	assert_true(receive(viewer, 10000));
	assert_int_equal(viewer->frame.error, 0);
}

static void expect_colour(struct viewer *viewer, uint32_t width,
			  uint32_t colour)
{
	expect_frame(viewer);
	assert_true(viewer->frame.lit);
	assert_int_equal(viewer->frame.width, width);
	assert_int_equal(viewer->frame.height, width * H / W);
	for (uint32_t i = 0; i < width * viewer->frame.height; i++)
		assert_int_equal(viewer->pixels[i] & COLOUR, colour);
}

static void expect_dark(struct viewer *viewer, uint32_t width)
{
	expect_frame(viewer);
	assert_false(viewer->frame.lit);
	assert_int_equal(viewer->frame.width, width);
}

static void expect_nothing(struct viewer *viewer)
{
	assert_false(receive(viewer, 30));
}

static void expect_hang_up(struct viewer *viewer)
{
	struct pollfd fd = { .fd = viewer->fd, .events = POLLIN };
	char byte;

	while (poll(&fd, 1, 0) == 0)
		dispatch(1);
	assert_int_equal(recv(viewer->fd, &byte, 1, 0), 0);
}

/* -- frames ------------------------------------------------------------------- */

static void the_first_frame_comes_at_once(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, RED);
	leave(&viewer);
}

static void the_next_frame_comes_when_something_else_is_shown(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, RED);
	ask(&viewer, HF_STREAM_NEXT);
	expect_nothing(&viewer);
	show(GREEN);
	expect_colour(&viewer, W, GREEN);
	assert_int_equal(viewer.maps, 1);
	leave(&viewer);
}

static void nothing_is_composed_that_nobody_asks_for(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	for (int i = 0; i < 5; i++)
		show(i % 2 ? RED : GREEN);
	expect_nothing(&viewer);
	assert_int_equal(count_composed(), 0);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, GREEN);
	assert_int_equal(count_composed(), 1);
	leave(&viewer);
}

static void what_another_crtc_shows_is_no_change(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, RED);
	ask(&viewer, HF_STREAM_NEXT);
	show_on(1, 1, W, BLUE);
	expect_nothing(&viewer);
	leave(&viewer);
}

static void drawing_that_is_announced_is_a_change(void **state)
{
	struct viewer viewer = watch("0");
	struct hf_framebuffer *shown = show(RED), *other;

	(void)state;
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, RED);
	ask(&viewer, HF_STREAM_NEXT);
	lock();
	other = create(W, H, GREEN);
	hf_framebuffer_drawn(other);
	unlock();
	expect_nothing(&viewer);
	lock();
	hf_framebuffer_drawn(shown);
	unlock();
	expect_colour(&viewer, W, RED);
	leave(&viewer);
}

static void now_is_answered_whatever_has_changed(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	for (int i = 0; i < 3; i++) {
		ask(&viewer, HF_STREAM_NOW);
		expect_colour(&viewer, W, RED);
	}
	leave(&viewer);
}

static void now_takes_the_place_of_what_was_asked_for(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, RED);
	ask(&viewer, HF_STREAM_NEXT);
	ask(&viewer, HF_STREAM_NOW);
	expect_colour(&viewer, W, RED);
	expect_nothing(&viewer);
	leave(&viewer);
}

static void two_viewers_get_frames_of_their_own(void **state)
{
	struct viewer one = watch("0"), other = watch("0");

	(void)state;
	show(RED);
	ask(&one, HF_STREAM_NEXT);
	expect_colour(&one, W, RED);
	ask(&one, HF_STREAM_NEXT);
	show(GREEN);
	expect_colour(&one, W, GREEN);
	ask(&other, HF_STREAM_NEXT);
	expect_colour(&other, W, GREEN);
	leave(&one);
	show(BLUE);
	ask(&other, HF_STREAM_NEXT);
	expect_colour(&other, W, BLUE);
	leave(&other);
}

static void another_mode_brings_memory_of_its_size(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, RED);
	ask(&viewer, HF_STREAM_NEXT);
	show_on(0, 0, 2 * W, GREEN);
	expect_colour(&viewer, 2 * W, GREEN);
	assert_int_equal(viewer.maps, 2);
	show(BLUE);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, BLUE);
	assert_int_equal(viewer.maps, 3);
	leave(&viewer);
}

static void a_screen_that_is_off_is_dark(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, RED);
	ask(&viewer, HF_STREAM_NEXT);
	switch_off(0);
	expect_dark(&viewer, W);
	ask(&viewer, HF_STREAM_NEXT);
	expect_nothing(&viewer);
	show(GREEN);
	expect_colour(&viewer, W, GREEN);
	leave(&viewer);
}

static void before_anything_was_shown_a_screen_has_no_size(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	ask(&viewer, HF_STREAM_NOW);
	expect_dark(&viewer, 0);
	ask(&viewer, HF_STREAM_NEXT);
	show(RED);
	expect_colour(&viewer, W, RED);
	leave(&viewer);
}

static void a_connector_is_watched_on_whatever_crtc_it_is(void **state)
{
	struct viewer viewer = watch(connector_name(1));

	(void)state;
	ask(&viewer, HF_STREAM_NOW);
	expect_dark(&viewer, 0);
	show_on(1, 1, W, RED);
	ask(&viewer, HF_STREAM_NOW);
	expect_colour(&viewer, W, RED);
	ask(&viewer, HF_STREAM_NEXT);
	take_off(1, 1);
	expect_dark(&viewer, W);
	ask(&viewer, HF_STREAM_NEXT);
	show_on(0, 1, W, GREEN);
	expect_colour(&viewer, W, GREEN);
	leave(&viewer);
}

static void main_is_what_the_first_connector_that_is_on_shows(void **state)
{
	struct viewer viewer = watch("main");

	(void)state;
	ask(&viewer, HF_STREAM_NOW);
	expect_dark(&viewer, 0);
	ask(&viewer, HF_STREAM_NEXT);
	show_on(1, 1, W, RED);
	expect_colour(&viewer, W, RED);
	ask(&viewer, HF_STREAM_NEXT);
	show_on(0, 0, W, GREEN);
	expect_colour(&viewer, W, GREEN);
	ask(&viewer, HF_STREAM_NEXT);
	take_off(0, 0);
	expect_colour(&viewer, W, RED);
	leave(&viewer);
}

static void a_monitor_that_is_pulled_out_is_dark(void **state)
{
	struct viewer viewer = watch(connector_name(0));
	struct hf_kms_output nothing = { .width = 0 };

	(void)state;
	show(RED);
	ask(&viewer, HF_STREAM_NOW);
	expect_colour(&viewer, W, RED);
	lock();
	assert_int_equal(hf_kms_plug(server.dev->kms.connectors[0], &nothing),
			 0);
	unlock();
	ask(&viewer, HF_STREAM_NOW);
	expect_dark(&viewer, W);
	leave(&viewer);
}

static void a_device_that_is_gone_is_dark_until_there_is_another(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, RED);
	lock();
	hf_server_unplug(&server);
	unlock();
	ask(&viewer, HF_STREAM_NOW);
	expect_dark(&viewer, W);
	close_file();
	lock();
	assert_int_equal(hf_server_replug(&server), 0);
	unlock();
	assert_int_equal(open_file(), 0);
	ask(&viewer, HF_STREAM_NOW);
	expect_dark(&viewer, 0);
	ask(&viewer, HF_STREAM_NEXT);
	show(GREEN);
	expect_colour(&viewer, W, GREEN);
	leave(&viewer);
}

static void a_picture_that_was_given_back_is_composed_anew(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	close_gate();
	ask(&viewer, HF_STREAM_NEXT);
	wait_at_gate(1);
	show(GREEN); /* the program may draw into the red one */
	open_gate();
	expect_colour(&viewer, W, GREEN);
	assert_int_equal(count_composed(), 2);
	leave(&viewer);
}

static void who_never_shows_a_picture_for_long_is_seen_all_the_same(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	ask(&viewer, HF_STREAM_NEXT);
	expect_colour(&viewer, W, RED);
	allow(1);
	show(GREEN);
	ask(&viewer, HF_STREAM_NEXT);
	for (unsigned int n = 2; n <= 4; n++) {
		wait_at_gate(n);
		show(n % 2 ? GREEN : BLUE);
		allow(n);
	}
	expect_frame(&viewer);
	assert_true(viewer.frame.lit);
	leave(&viewer);
}

/* -- viewers that are no good ----------------------------------------------------- */

static void a_viewer_may_go_while_a_frame_is_composed(void **state)
{
	struct viewer viewer = watch("0"), other;

	(void)state;
	show(RED);
	close_gate();
	ask(&viewer, HF_STREAM_NEXT);
	wait_at_gate(1);
	leave(&viewer);
	open_gate();
	other = watch("0");
	ask(&other, HF_STREAM_NEXT);
	expect_colour(&other, W, RED);
	leave(&other);
}

static void the_server_may_end_while_a_frame_is_composed(void **state)
{
	struct viewer viewer = watch("0");
	char byte;

	show(RED);
	close_gate();
	ask(&viewer, HF_STREAM_NEXT);
	wait_at_gate(1);
	open_gate();
	close_file();
	hf_server_finish(&server);
	while (recv(viewer.fd, &byte, 1, 0) > 0)
		;
	close(viewer.fd);
	assert_int_equal(count_fds(), open_before);
	assert_int_equal(setup(state), 0);
}

static void garbage_is_hung_up_on(void **state)
{
	struct hf_stream_request request = { .what = 77 };
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	assert_int_equal(send(viewer.fd, "x", 1, 0), 1);
	expect_hang_up(&viewer);
	leave(&viewer);
	viewer = watch("0");
	assert_int_equal(send(viewer.fd, &request, sizeof(request), 0),
			 sizeof(request));
	expect_hang_up(&viewer);
	leave(&viewer);
}

static void a_viewer_that_reads_nothing_is_hung_up_on(void **state)
{
	struct hf_stream_request request = { .what = HF_STREAM_NOW };
	struct pollfd fd;
	struct viewer viewer = watch("0");

	(void)state;
	fd = (struct pollfd){ .fd = viewer.fd };
	for (int i = 0; i < 100000 && !(fd.revents & POLLHUP); i++) {
		send(viewer.fd, &request, sizeof(request),
		     MSG_DONTWAIT | MSG_NOSIGNAL);
		dispatch(0);
		poll(&fd, 1, 0);
	}
	assert_true(fd.revents & POLLHUP);
	leave(&viewer);
}

static void there_are_only_so_many(void **state)
{
	struct viewer viewers[64];
	unsigned int n = 0;
	int fd;

	(void)state;
	while ((fd = hf_stream_open(&server, "0")) >= 0 && n < 64)
		viewers[n++] = (struct viewer){ .fd = fd };
	assert_int_equal(fd, -EBUSY);
	while (n)
		close(viewers[--n].fd);
	for (int i = 0; i < 100; i++)
		dispatch(0);
	fd = hf_stream_open(&server, "0");
	assert_true(fd >= 0);
	close(fd);
	dispatch(0);
}

static void without_memory_there_is_an_error_and_later_a_frame(void **state)
{
	struct viewer viewer = watch("0");

	(void)state;
	show(RED);
	no_memory = true;
	ask(&viewer, HF_STREAM_NEXT);
	assert_true(receive(&viewer, 10000));
	assert_int_equal(viewer.frame.error, -ENOMEM);
	no_memory = false;
	ask(&viewer, HF_STREAM_NOW);
	expect_colour(&viewer, W, RED);
	leave(&viewer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_first_frame_comes_at_once),
		TEST(the_next_frame_comes_when_something_else_is_shown),
		TEST(nothing_is_composed_that_nobody_asks_for),
		TEST(what_another_crtc_shows_is_no_change),
		TEST(drawing_that_is_announced_is_a_change),
		TEST(now_is_answered_whatever_has_changed),
		TEST(now_takes_the_place_of_what_was_asked_for),
		TEST(two_viewers_get_frames_of_their_own),
		TEST(another_mode_brings_memory_of_its_size),
		TEST(a_screen_that_is_off_is_dark),
		TEST(before_anything_was_shown_a_screen_has_no_size),
		TEST(a_connector_is_watched_on_whatever_crtc_it_is),
		TEST(main_is_what_the_first_connector_that_is_on_shows),
		TEST(a_monitor_that_is_pulled_out_is_dark),
		TEST(a_device_that_is_gone_is_dark_until_there_is_another),
		TEST(a_picture_that_was_given_back_is_composed_anew),
		TEST(who_never_shows_a_picture_for_long_is_seen_all_the_same),
		TEST(a_viewer_may_go_while_a_frame_is_composed),
		TEST(the_server_may_end_while_a_frame_is_composed),
		TEST(garbage_is_hung_up_on),
		TEST(a_viewer_that_reads_nothing_is_hung_up_on),
		TEST(there_are_only_so_many),
		TEST(without_memory_there_is_an_error_and_later_a_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
