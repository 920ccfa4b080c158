/* SPDX-License-Identifier: MIT */
/*
 * What is said of buffer objects: who has handles for them, what is made of them, and
 * what shows that.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <drm_fourcc.h>

#include "drivers/soft/soft.h"
#include "fdcount.h"
#include "server/objects.h"
#include "uapi/call.h"

#define WIDTH 64
#define HEIGHT 48

static struct hf_system *sys;
static struct hf_device *dev;
static unsigned int open_before;
static struct hf_file *files[2];
static int clients[2];
static struct json_object *list; /* what was said last */

static int setup(void **state)
{
	static const struct hf_kms_output output = {
		.width = WIDTH, .height = HEIGHT, .hz = 1000,
	};
	const struct hf_cred self = { getpid(), geteuid(), getegid() };

	(void)state;
	open_before = count_fds();
	sys = hf_system_create(&(struct hf_memory_options){ 0 });
	assert_non_null(sys);
	dev = hf_device_create(sys, &hf_soft_driver,
			       &(struct hf_device_options){
				       .primary = 7,
				       .render = 135,
				       .iommu = true,
				       .coherent = true,
				       .outputs = &output,
				       .noutputs = 1,
			       });
	assert_non_null(dev);
	for (unsigned int i = 0; i < 2; i++) {
		files[i] = hf_file_open(sys, 7, &self, &clients[i]);
		assert_non_null(files[i]);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_object_put(list);
	list = NULL;
	for (unsigned int i = 0; i < 2; i++) {
		close(clients[i]);
		hf_file_close(files[i]);
	}
	assert_int_equal(dev->gem.count, 0);
	hf_device_destroy(dev);
	hf_system_destroy(sys);
	assert_int_equal(count_fds(), open_before);
	return 0;
}

static void run(unsigned int file, uint32_t cmd, void *arg)
{
	struct hf_call call = {
		.sys = sys,
		.dev = dev,
		.file = files[file],
		.cred = files[file]->cred,
		.cmd = cmd,
		.arg = arg,
	};

	wl_list_init(&call.file_link);
	pthread_mutex_lock(&sys->lock);
	assert_int_equal(hf_call_dispatch(&call), 0);
	pthread_mutex_unlock(&sys->lock);
	hf_call_release(&call);
}

static uint32_t create(unsigned int file)
{
	struct drm_mode_create_dumb dumb = {
		.width = WIDTH, .height = HEIGHT, .bpp = 32,
	};

	run(file, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);
	return dumb.handle;
}

static uint32_t share(unsigned int from, uint32_t handle, unsigned int to)
{
	struct drm_gem_flink flink = { .handle = handle };
	struct drm_gem_open open = { 0 };

	run(from, DRM_IOCTL_GEM_FLINK, &flink);
	open.name = flink.name;
	run(to, DRM_IOCTL_GEM_OPEN, &open);
	return open.handle;
}

/* What is said of the only object, or of the @i-th. */
static struct json_object *describe(size_t i, size_t n)
{
	json_object_put(list);
	list = json_object_new_array();
	pthread_mutex_lock(&sys->lock);
	hf_objects_describe(dev, list);
	pthread_mutex_unlock(&sys->lock);
	assert_int_equal(json_object_array_length(list), n);
	return json_object_array_get_idx(list, i);
}

static struct json_object *get(struct json_object *obj, const char *key)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(obj, key, &value));
	return value;
}

static uint64_t number(struct json_object *obj, const char *key)
{
	return json_object_get_uint64(get(obj, key));
}

static struct json_object *nth(struct json_object *obj, const char *key,
			       size_t i, size_t n)
{
	struct json_object *array = get(obj, key);

	assert_int_equal(json_object_array_length(array), n);
	return json_object_array_get_idx(array, i);
}

static bool truth(struct json_object *obj, const char *key)
{
	return json_object_get_boolean(get(obj, key));
}

static void nothing_is_said_where_there_is_nothing(void **state)
{
	(void)state;
	describe(0, 0);
}

static void an_object_has_its_owner_and_size(void **state)
{
	struct json_object *obj;

	(void)state;
	create(0);
	obj = describe(0, 1);
	assert_int_equal(number(obj, "pid"), getpid());
	assert_int_equal(number(obj, "bytes"), WIDTH * HEIGHT * 4);
	assert_string_equal(json_object_get_string(get(obj, "device")),
			    "holdfast.0");
	assert_false(truth(obj, "purgeable"));
	nth(obj, "framebuffers", 0, 0);
}

static void all_handles_of_all_files_are_listed(void **state)
{
	struct json_object *obj, *holder;
	uint32_t first = create(0), again, other;

	(void)state;
	create(1); /* so that the numbers differ */
	other = share(0, first, 1);
	again = share(0, first, 0);
	assert_int_not_equal(other, first);
	obj = describe(0, 2);
	assert_int_equal(number(obj, "handles"), 3);
	holder = nth(obj, "holders", 0, 2);
	assert_int_equal(number(holder, "file"), files[0]->id);
	assert_int_equal(json_object_get_uint64(nth(holder, "handles", 0, 2)),
			 first);
	assert_int_equal(json_object_get_uint64(nth(holder, "handles", 1, 2)),
			 again);
	holder = nth(obj, "holders", 1, 2);
	assert_int_equal(number(holder, "file"), files[1]->id);
	assert_int_equal(number(holder, "pid"), getpid());
	assert_int_equal(json_object_get_uint64(nth(holder, "handles", 0, 1)),
			 other);
}

static void an_object_without_handles_has_no_holder(void **state)
{
	struct drm_mode_fb_cmd2 fb = {
		.width = WIDTH, .height = HEIGHT,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.pitches = { WIDTH * 4 },
	};
	struct drm_gem_close gem_close = { .handle = create(0) };
	struct json_object *obj;

	(void)state;
	fb.handles[0] = gem_close.handle;
	run(0, DRM_IOCTL_MODE_ADDFB2, &fb);
	run(0, DRM_IOCTL_GEM_CLOSE, &gem_close);
	obj = describe(0, 1);
	nth(obj, "holders", 0, 0);
	assert_int_equal(number(nth(obj, "framebuffers", 0, 1), "id"), fb.fb_id);
}

static void a_framebuffer_of_one_object_is_said_once(void **state)
{
	struct drm_mode_fb_cmd2 fb = {
		.width = WIDTH, .height = HEIGHT / 2,
		.pixel_format = DRM_FORMAT_NV12,
		.pitches = { WIDTH, WIDTH },
		.offsets = { 0, WIDTH * HEIGHT },
	};
	struct json_object *said;

	(void)state;
	fb.handles[0] = fb.handles[1] = create(0);
	run(0, DRM_IOCTL_MODE_ADDFB2, &fb);
	said = nth(describe(0, 1), "framebuffers", 0, 1);
	assert_int_equal(number(said, "width"), WIDTH);
	assert_int_equal(number(said, "height"), HEIGHT / 2);
	assert_string_equal(json_object_get_string(get(said, "format")), "NV12");
	nth(said, "planes", 0, 0);
}

static void light(uint32_t fb)
{
	struct hf_kms_device *kms = &dev->kms;
	struct hf_atomic_state *state = hf_atomic_state_create(kms);
	struct hf_framebuffer *framebuffer = hf_framebuffer_find(kms, fb);
	struct hf_plane_state *plane;

	assert_non_null(state);
	assert_non_null(framebuffer);
	state->allow_modeset = true;
	hf_atomic_get_crtc(state, kms->crtcs[0])->active = true;
	hf_atomic_set_mode(hf_atomic_get_crtc(state, kms->crtcs[0]),
			   &kms->connectors[0]->modes[0]);
	hf_atomic_set_connector_crtc(
		state, hf_atomic_get_connector(state, kms->connectors[0]),
		kms->crtcs[0]);
	plane = hf_atomic_get_plane(state, kms->crtcs[0]->primary);
	hf_atomic_set_plane_fb(plane, framebuffer);
	assert_int_equal(hf_atomic_set_plane_crtc(state, plane, kms->crtcs[0]),
			 0);
	plane->crtc_w = WIDTH;
	plane->crtc_h = HEIGHT;
	plane->src_w = WIDTH << 16;
	plane->src_h = HEIGHT << 16;
	pthread_mutex_lock(&sys->lock);
	assert_int_equal(hf_atomic_commit_now(state), 0);
	pthread_mutex_unlock(&sys->lock);
}

static void what_is_shown_says_where(void **state)
{
	struct drm_mode_fb_cmd2 fb = {
		.width = WIDTH, .height = HEIGHT,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.pitches = { WIDTH * 4 },
	};
	struct json_object *obj, *plane;

	(void)state;
	fb.handles[0] = create(0);
	run(0, DRM_IOCTL_MODE_ADDFB2, &fb);
	light(fb.fb_id);
	obj = describe(0, 1);
	plane = nth(nth(obj, "framebuffers", 0, 1), "planes", 0, 1);
	assert_int_equal(number(plane, "id"),
			 dev->kms.crtcs[0]->primary->base.id);
	assert_int_equal(number(plane, "crtc"), 0);
	assert_true(number(obj, "pins") > 0);
	run(0, DRM_IOCTL_MODE_RMFB, &fb.fb_id);
	nth(describe(0, 1), "framebuffers", 0, 0);
}

static void a_dma_buf_is_said(void **state)
{
	uint32_t handle = create(0);
	int fd;

	(void)state;
	assert_false(truth(describe(0, 1), "exported"));
	fd = hf_gem_prime_export(&files[0]->gem, handle, O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(truth(describe(0, 1), "exported"));
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_said_where_there_is_nothing),
		TEST(an_object_has_its_owner_and_size),
		TEST(all_handles_of_all_files_are_listed),
		TEST(an_object_without_handles_has_no_holder),
		TEST(a_framebuffer_of_one_object_is_said_once),
		TEST(what_is_shown_says_where),
		TEST(a_dma_buf_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
