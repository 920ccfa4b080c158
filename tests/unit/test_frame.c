/* SPDX-License-Identifier: MIT */
/*
 * Frames and the soft display's writeback: a whole device, whose composer works while
 * framebuffers, files and the device go.
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
#include <unistd.h>

#include <cmocka.h>

#include "drivers/soft/composer.h"
#include "drivers/soft/frame.h"
#include "drivers/soft/soft.h"
#include "drivers/soft/writeback.h"
#include "fdcount.h"
#include "kms/writeback.h"

#define W 64
#define H 48
#define XRGB DRM_FORMAT_XRGB8888
#define COLOUR 0xffffffu

static struct hf_system *sys;
static struct hf_device *dev;
static struct hf_file *file;
static struct hf_crtc *crtc;
static int client;
static unsigned int open_before;

/* The composer stands still in hf_frame_compose() while this is set. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static bool closed, entered;
static bool in_pieces;
static int compose_result, write_result;
static unsigned int writes;

int __real_hf_frame_compose(struct hf_frame *frame,
			    const struct hf_compose_target *target);
int __wrap_hf_frame_compose(struct hf_frame *frame,
			    const struct hf_compose_target *target);
void *__real_hf_dma_access(struct hf_dma_port *port, hf_iova_t iova, bool write,
			   size_t *length);
void *__wrap_hf_dma_access(struct hf_dma_port *port, hf_iova_t iova, bool write,
			   size_t *length);
int __real_hf_dma_write(struct hf_dma_port *port, hf_iova_t to,
			const void *from, size_t size);
int __wrap_hf_dma_write(struct hf_dma_port *port, hf_iova_t to,
			const void *from, size_t size);

int __wrap_hf_frame_compose(struct hf_frame *frame,
			    const struct hf_compose_target *target)
{
	pthread_mutex_lock(&gate);
	entered = true;
	pthread_cond_broadcast(&gate_moved);
	while (closed)
		pthread_cond_wait(&gate_moved, &gate);
	pthread_mutex_unlock(&gate);
	return compose_result ? compose_result :
				__real_hf_frame_compose(frame, target);
}

/* Where it says that memory is, it is not in one piece. */
void *__wrap_hf_dma_access(struct hf_dma_port *port, hf_iova_t iova, bool write,
			   size_t *length)
{
	static char pieces[2][HF_PAGE_SIZE];
	char *page = __real_hf_dma_access(port, iova, write, length);

	if (!page || !write || !in_pieces)
		return page;
	return pieces[(iova >> HF_PAGE_SHIFT) % 2] + iova % HF_PAGE_SIZE;
}

int __wrap_hf_dma_write(struct hf_dma_port *port, hf_iova_t to,
			const void *from, size_t size)
{
	writes++;
	return write_result ? write_result :
			      __real_hf_dma_write(port, to, from, size);
}

static void close_gate(void)
{
	pthread_mutex_lock(&gate);
	closed = true;
	entered = false;
	pthread_mutex_unlock(&gate);
}

static void wait_at_gate(void)
{
	pthread_mutex_lock(&gate);
	while (!entered)
		pthread_cond_wait(&gate_moved, &gate);
	pthread_mutex_unlock(&gate);
}

static void open_gate(void)
{
	pthread_mutex_lock(&gate);
	closed = false;
	pthread_cond_broadcast(&gate_moved);
	pthread_mutex_unlock(&gate);
}

static void lock(void)
{
	pthread_mutex_lock(&sys->lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&sys->lock);
}

static int setup_device(bool iommu, bool coherent)
{
	static const struct hf_kms_output output = {
		.width = W, .height = H, .hz = 500,
	};
	static const struct hf_cred cred;

	open_before = count_fds();
	closed = in_pieces = false;
	compose_result = write_result = 0;
	writes = 0;
	sys = hf_system_create(&(struct hf_memory_options){
		.pool = 4 << 20, .shadow = !coherent });
	if (!sys)
		return -1;
	dev = hf_device_create(sys, &hf_soft_display,
			       &(struct hf_device_options){
				       .primary = 7,
				       .render = 135,
				       .iommu = iommu,
				       .coherent = coherent,
				       .outputs = &output,
				       .noutputs = 1,
			       });
	if (!dev)
		return -1;
	lock();
	file = hf_file_open(sys, 7, &cred, &client);
	unlock();
	crtc = dev->kms.crtcs[0];
	return file ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	return setup_device(true, true);
}

static int setup_without_iommu(void **state)
{
	(void)state;
	return setup_device(false, true);
}

static int setup_incoherent(void **state)
{
	(void)state;
	return setup_device(true, false);
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

static void destroy_device(void)
{
	close_file();
	hf_device_destroy(dev);
	dev = NULL;
}

static int teardown(void **state)
{
	(void)state;
	open_gate();
	if (dev)
		destroy_device();
	hf_system_destroy(sys);
	assert_int_equal(count_fds(), open_before);
	return 0;
}

/* -- pictures ---------------------------------------------------------------- */

/**
 * struct picture - A framebuffer and its memory.
 * @bytes: of the object, from its start
 */
struct picture {
	struct hf_framebuffer *fb;
	uint8_t *bytes;
	size_t size;
	uint32_t pitch, offset;
};

static void create(struct picture *picture, uint32_t fourcc, uint32_t pitch,
		   uint32_t offset)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = W, .height = H, .pixel_format = fourcc,
		.pitches[0] = pitch, .offsets[0] = offset, .handles[0] = 1,
	};
	struct hf_gem_object *objects[4] = { NULL };

	lock();
	objects[0] = hf_gem_object_create(&dev->gem,
					  offset + (size_t)pitch * H,
					  !dev->dma.domain, 0);
	assert_non_null(objects[0]);
	assert_int_equal(hf_framebuffer_create(&dev->kms, &cmd, objects,
					       &picture->fb), 0);
	wl_list_insert(&file->kms.fbs, &picture->fb->file_link);
	picture->size = objects[0]->size;
	picture->bytes = mmap(NULL, picture->size, PROT_READ | PROT_WRITE,
			      MAP_SHARED, objects[0]->backing->fd, 0);
	assert_ptr_not_equal(picture->bytes, MAP_FAILED);
	hf_gem_object_put(objects[0]);
	unlock();
	picture->pitch = pitch;
	picture->offset = offset;
}

static void forget(struct picture *picture)
{
	munmap(picture->bytes, picture->size);
}

static uint32_t test_pixel(uint32_t x, uint32_t y)
{
	return x * 4 << 16 | y * 5 << 8 | (x ^ y);
}

static void draw(const struct picture *picture)
{
	for (uint32_t y = 0; y < H; y++)
		for (uint32_t x = 0; x < W; x++) {
			uint32_t pixel = test_pixel(x, y);

			memcpy(picture->bytes + picture->offset +
				       y * picture->pitch + x * 4,
			       &pixel, 4);
		}
}

static void expect_drawing(const struct picture *picture)
{
	for (uint32_t y = 0; y < H; y++)
		for (uint32_t x = 0; x < W; x++) {
			uint32_t pixel;

			memcpy(&pixel, picture->bytes + picture->offset +
					       y * picture->pitch + x * 4, 4);
			assert_int_equal(pixel & COLOUR, test_pixel(x, y));
		}
}

/* Nothing but the pixels was written. */
static void expect_gaps(const struct picture *picture, uint8_t byte)
{
	for (uint32_t i = 0; i < picture->offset; i++)
		assert_int_equal(picture->bytes[i], byte);
	for (uint32_t y = 0; y + 1 < H; y++)
		for (uint32_t i = W * 4; i < picture->pitch; i++)
			assert_int_equal(picture->bytes[picture->offset +
							y * picture->pitch + i],
					 byte);
}

/* -- commits ----------------------------------------------------------------- */

/* With the lock held. */
static struct hf_atomic_state *state_that_shows(struct picture *picture)
{
	struct hf_connector *connector = dev->kms.connectors[0];
	struct hf_atomic_state *state = hf_atomic_state_create(&dev->kms);
	struct hf_plane_state *plane;
	struct hf_crtc_state *new;

	assert_non_null(state);
	state->allow_modeset = true;
	new = hf_atomic_get_crtc(state, crtc);
	assert_int_equal(hf_atomic_set_mode(new, &connector->modes[0]), 0);
	new->active = true;
	hf_atomic_set_connector_crtc(
		state, hf_atomic_get_connector(state, connector), crtc);
	plane = hf_atomic_get_plane(state, crtc->primary);
	hf_atomic_set_plane_fb(plane, picture->fb);
	hf_atomic_set_plane_crtc(state, plane, crtc);
	plane->crtc_w = W;
	plane->crtc_h = H;
	plane->src_w = W << 16;
	plane->src_h = H << 16;
	return state;
}

static void dispatch(void)
{
	struct pollfd pollfd = { .fd = hf_clock_fd(sys->clock),
				 .events = POLLIN };

	poll(&pollfd, 1, 10);
	lock();
	hf_clock_dispatch(sys->clock);
	unlock();
}

static bool is_busy(void)
{
	bool busy;

	lock();
	busy = crtc->commit;
	unlock();
	return busy;
}

static void show(struct picture *picture)
{
	struct hf_atomic_state *state;

	lock();
	state = state_that_shows(picture);
	assert_int_equal(hf_atomic_check(state), 0);
	assert_true(hf_atomic_commit(state, NULL) >= 0);
	unlock();
	while (is_busy())
		dispatch();
}

/* Commit a job; the fence is the caller's. */
static int commit_job(struct picture *target, struct hf_fence **fence)
{
	struct hf_connector *connector = dev->kms.connectors[1];
	struct hf_atomic_state *state;
	struct hf_connector_state *new;
	int ret;

	lock();
	state = hf_atomic_state_create(&dev->kms);
	state->allow_modeset = true;
	new = hf_atomic_get_connector(state, connector);
	hf_atomic_set_connector_crtc(state, new, crtc);
	assert_int_equal(hf_writeback_set_fb(new, target->fb), 0);
	new->writeback->fence = hf_fence_create(&connector->timeline);
	*fence = hf_fence_get(new->writeback->fence);
	assert_int_equal(hf_atomic_check(state), 0);
	ret = hf_atomic_commit(state, NULL);
	if (ret < 0)
		hf_atomic_state_destroy(state);
	unlock();
	return ret;
}

static bool is_signaled(const struct hf_fence *fence)
{
	bool signaled;

	lock();
	signaled = fence->signaled;
	unlock();
	return signaled;
}

/* Return: its error. */
static int wait_for(struct hf_fence *fence)
{
	int error;

	while (!is_signaled(fence))
		dispatch();
	lock();
	error = fence->error;
	hf_fence_put(fence);
	unlock();
	return error;
}

static int write_back(struct picture *target)
{
	struct hf_fence *fence;

	assert_int_equal(commit_job(target, &fence), 1);
	return wait_for(fence);
}

/* -- frames ------------------------------------------------------------------ */

static int capture(struct hf_frame **frame)
{
	int ret;

	lock();
	ret = hf_frame_capture(dev, crtc, frame);
	unlock();
	return ret;
}

static uint32_t composed[W * H];

static void compose(struct hf_frame *frame)
{
	struct hf_compose_target target = {
		.format = hf_format_info(XRGB),
		.pixels = composed,
		.pitch = W * 4,
	};

	hf_frame_size(frame, &target.width, &target.height);
	assert_int_equal(target.width, W);
	assert_int_equal(target.height, H);
	memset(composed, 0x55, sizeof(composed));
	assert_int_equal(hf_frame_compose(frame, &target), 0);
}

static void a_crtc_that_was_never_lit_has_no_frame(void **state)
{
	struct hf_frame *frame;

	(void)state;
	assert_int_equal(capture(&frame), -ENODATA);
	hf_frame_destroy(NULL);
}

static void a_frame_is_what_was_shown_when_it_was_captured(void **state)
{
	struct picture first, second;
	struct hf_frame *frame;

	(void)state;
	create(&first, XRGB, W * 4, 0);
	create(&second, XRGB, W * 4, 0);
	draw(&first);
	show(&first);
	assert_int_equal(capture(&frame), 0);
	show(&second);
	compose(frame);
	for (unsigned int i = 0; i < W * H; i++)
		assert_int_equal(composed[i] & COLOUR, test_pixel(i % W, i / W));
	hf_frame_destroy(frame);
	assert_int_equal(capture(&frame), 0);
	compose(frame);
	assert_int_equal(composed[W * H - 1] & COLOUR, 0);
	hf_frame_destroy(frame);
	forget(&first);
	forget(&second);
}

static void a_frame_outlives_framebuffer_and_file(void **state)
{
	struct picture picture;
	struct hf_frame *frame;

	(void)state;
	create(&picture, XRGB, W * 4, 0);
	draw(&picture);
	show(&picture);
	assert_int_equal(capture(&frame), 0);
	forget(&picture);
	close_file();
	assert_int_equal(dev->gem.count, 1);
	compose(frame);
	assert_int_equal(composed[W + 1] & COLOUR, test_pixel(1, 1));
	hf_frame_destroy(frame);
	assert_int_equal(dev->gem.count, 0);
}

static void a_dark_crtc_is_black_unless_the_last_picture_is_wanted(void **state)
{
	struct picture picture;
	struct hf_frame *frame;

	(void)state;
	lock();
	dev->kms.hold = true;
	unlock();
	create(&picture, XRGB, W * 4, 0);
	draw(&picture);
	show(&picture);
	forget(&picture);
	close_file();
	assert_int_equal(capture(&frame), 0);
	compose(frame);
	for (unsigned int i = 0; i < W * H; i++)
		assert_int_equal(composed[i] & COLOUR, 0);
	hf_frame_destroy(frame);
	lock();
	assert_int_equal(hf_frame_capture_last(dev, crtc, &frame), 0);
	unlock();
	compose(frame);
	assert_int_equal(composed[W + 1] & COLOUR, test_pixel(1, 1));
	hf_frame_destroy(frame);
}

static void the_same_picture_has_the_same_crc(void **state)
{
	struct picture a, b;
	struct hf_frame *frame;
	uint32_t crcs[3];

	(void)state;
	create(&a, XRGB, W * 4, 0);
	create(&b, XRGB, W * 4 + 64, 4096);
	draw(&a);
	draw(&b);
	for (unsigned int i = 0; i < 3; i++) {
		show(i == 1 ? &b : &a);
		assert_int_equal(capture(&frame), 0);
		assert_int_equal(hf_frame_crc(frame, &crcs[i]), 0);
		compose(frame); /* the other way, of the same frame */
		hf_frame_destroy(frame);
		if (i == 1)
			a.bytes[5] ^= 1;
	}
	assert_int_equal(crcs[0], crcs[1]);
	assert_int_not_equal(crcs[0], crcs[2]);
	forget(&a);
	forget(&b);
}

static void a_target_of_another_size_is_einval(void **state)
{
	struct hf_compose_target target = {
		.format = hf_format_info(XRGB), .pixels = composed,
		.width = W - 1, .height = H, .pitch = W * 4,
	};
	struct picture picture;
	struct hf_frame *frame;

	(void)state;
	create(&picture, XRGB, W * 4, 0);
	show(&picture);
	assert_int_equal(capture(&frame), 0);
	assert_int_equal(hf_frame_compose(frame, &target), -EINVAL);
	hf_frame_destroy(frame);
	forget(&picture);
}

/* -- writeback --------------------------------------------------------------- */

static void check_writeback(uint32_t pitch, uint32_t offset)
{
	struct picture shown, target;

	create(&shown, XRGB, W * 4, 0);
	create(&target, XRGB, pitch, offset);
	draw(&shown);
	memset(target.bytes, 0xa5, target.size);
	show(&shown);
	assert_int_equal(write_back(&target), 0);
	expect_drawing(&target);
	expect_gaps(&target, 0xa5);
	forget(&shown);
	forget(&target);
}

static void what_is_shown_is_written(void **state)
{
	(void)state;
	check_writeback(W * 4, 0);
	assert_int_equal(dev->kms.writebacks, 1);
}

static void the_target_may_begin_anywhere(void **state)
{
	(void)state;
	check_writeback(W * 4 + 64, 4096);
	check_writeback(W * 4 + 1, 5003);
}

static void without_an_iommu_it_is_written_to_the_bus(void **state)
{
	(void)state;
	assert_null(dev->dma.domain);
	check_writeback(W * 4, 0);
}

static void memory_in_pieces_is_written_line_by_line(void **state)
{
	(void)state;
	in_pieces = true;
	check_writeback(W * 4 + 12, 100);
	assert_true(writes >= H);
}

static void a_device_that_does_not_see_the_caches_writes_back(void **state)
{
	(void)state;
	assert_false(dev->dma.coherent);
	check_writeback(W * 4 + 12, 100);
	assert_int_equal(dev->dma.missed_syncs, 0);
}

static void the_formats_are_those_that_can_be_composed(void **state)
{
	const struct hf_plane *plane = crtc->primary;
	const uint32_t *formats = hf_soft_writeback_formats;

	(void)state;
	for (unsigned int i = 0; formats[i]; i++) {
		assert_true(hf_compose_target_supported(
			hf_format_info(formats[i])));
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(formats[i], formats[j]);
	}
	for (unsigned int i = 0; i < plane->num_formats; i++) {
		bool listed = false;

		for (unsigned int j = 0; formats[j]; j++)
			listed |= formats[j] == plane->formats[i];
		assert_int_equal(listed, hf_compose_target_supported(
			hf_format_info(plane->formats[i])));
	}
}

static void an_error_of_the_composer_is_the_fences(void **state)
{
	struct picture shown, target;

	(void)state;
	create(&shown, XRGB, W * 4, 0);
	create(&target, XRGB, W * 4, 0);
	show(&shown);
	compose_result = -ENOMEM;
	assert_int_equal(write_back(&target), -ENOMEM);
	compose_result = 0;
	assert_int_equal(write_back(&target), 0);
	forget(&shown);
	forget(&target);
}

static void a_fault_is_the_fences(void **state)
{
	struct picture shown, target;

	(void)state;
	create(&shown, XRGB, W * 4, 0);
	create(&target, XRGB, W * 4, 0);
	show(&shown);
	in_pieces = true;
	write_result = -EFAULT;
	assert_int_equal(write_back(&target), -EFAULT);
	forget(&shown);
	forget(&target);
}

static void memory_that_is_not_needed_cannot_be_written(void **state)
{
	struct picture shown, target;
	struct hf_fence *fence;

	(void)state;
	create(&shown, XRGB, W * 4, 0);
	create(&target, XRGB, W * 4, 0);
	show(&shown);
	lock();
	hf_gem_madvise(target.fb->objects[0], false);
	unlock();
	assert_int_equal(commit_job(&target, &fence), -EFAULT);
	lock();
	hf_fence_put(fence);
	unlock();
	forget(&shown);
	forget(&target);
}

/* Nobody who needs the lock waits for the composer. */
static void the_composer_works_without_the_lock(void **state)
{
	struct picture shown, target, next;
	struct hf_fence *fence;

	(void)state;
	create(&shown, XRGB, W * 4, 0);
	create(&next, XRGB, W * 4, 0);
	create(&target, XRGB, W * 4, 0);
	draw(&shown);
	show(&shown);
	close_gate();
	assert_int_equal(commit_job(&target, &fence), 1);
	while (is_busy())
		dispatch();
	wait_at_gate();
	show(&next);
	show(&shown);
	assert_false(is_signaled(fence));
	open_gate();
	assert_int_equal(wait_for(fence), 0);
	expect_drawing(&target);
	forget(&shown);
	forget(&next);
	forget(&target);
}

static void start_and_stop_in_the_middle(struct picture *target,
					 struct hf_fence **fence)
{
	struct picture shown;

	create(&shown, XRGB, W * 4, 0);
	create(target, XRGB, W * 4, 0);
	draw(&shown);
	show(&shown);
	close_gate();
	assert_int_equal(commit_job(target, fence), 1);
	while (is_busy())
		dispatch();
	wait_at_gate();
	forget(&shown);
}

static void a_framebuffer_may_be_removed_in_the_middle(void **state)
{
	struct picture target;
	struct hf_fence *fence;

	(void)state;
	start_and_stop_in_the_middle(&target, &fence);
	lock();
	wl_list_remove(&target.fb->file_link);
	wl_list_init(&target.fb->file_link);
	hf_framebuffer_remove(target.fb);
	assert_int_equal(dev->gem.count, 2);
	unlock();
	open_gate();
	assert_int_equal(wait_for(fence), 0);
	expect_drawing(&target);
	lock();
	assert_int_equal(dev->gem.count, 1);
	unlock();
	forget(&target);
}

static void a_file_may_be_closed_in_the_middle(void **state)
{
	struct picture target;
	struct hf_fence *fence;

	(void)state;
	start_and_stop_in_the_middle(&target, &fence);
	close_file();
	lock();
	assert_int_equal(dev->gem.count, 2);
	unlock();
	open_gate();
	assert_int_equal(wait_for(fence), 0);
	expect_drawing(&target);
	lock();
	assert_int_equal(dev->gem.count, 0);
	unlock();
	forget(&target);
}

static void *open_it(void *data)
{
	(void)data;
	open_gate();
	return NULL;
}

static void a_device_may_end_in_the_middle(void **state)
{
	struct picture target;
	struct hf_fence *fence;
	pthread_t opener;

	(void)state;
	start_and_stop_in_the_middle(&target, &fence);
	close_file();
	assert_int_equal(pthread_create(&opener, NULL, open_it, NULL), 0);
	destroy_device();
	pthread_join(opener, NULL);
	assert_true(fence->signaled);
	assert_int_equal(fence->error, 0);
	hf_fence_put(fence);
	expect_drawing(&target);
	forget(&target);
}

static void a_device_may_end_before_the_vblank(void **state)
{
	struct picture shown, target;
	struct hf_fence *fence;

	(void)state;
	create(&shown, XRGB, W * 4, 0);
	create(&target, XRGB, W * 4, 0);
	show(&shown);
	assert_int_equal(commit_job(&target, &fence), 1);
	destroy_device();
	assert_true(fence->signaled);
	assert_int_equal(fence->error, 0);
	hf_fence_put(fence);
	forget(&shown);
	forget(&target);
}

/* One job's fence is what the next commit waits for: both end with the device. */
static void a_commit_that_waits_for_a_job_ends_with_the_device(void **state)
{
	struct hf_fence *first, *second;
	struct hf_connector_state *new;
	struct hf_atomic_state *atomic;
	struct picture shown, target;

	(void)state;
	create(&shown, XRGB, W * 4, 0);
	create(&target, XRGB, W * 4, 0);
	show(&shown);
	close_gate();
	assert_int_equal(commit_job(&target, &first), 1);
	while (is_busy())
		dispatch();
	wait_at_gate();
	lock();
	atomic = state_that_shows(&shown);
	atomic->planes[crtc->primary->index]->in_fence = hf_fence_get(first);
	new = hf_atomic_get_connector(atomic, dev->kms.connectors[1]);
	assert_int_equal(hf_writeback_set_fb(new, target.fb), 0);
	second = hf_fence_create(&dev->kms.connectors[1]->timeline);
	new->writeback->fence = hf_fence_get(second);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 1);
	unlock();
	open_gate();
	destroy_device();
	assert_true(first->signaled);
	assert_true(second->signaled);
	hf_fence_put(first);
	hf_fence_put(second);
	forget(&shown);
	forget(&target);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_crtc_that_was_never_lit_has_no_frame),
		TEST(a_frame_is_what_was_shown_when_it_was_captured),
		TEST(a_frame_outlives_framebuffer_and_file),
		TEST(a_dark_crtc_is_black_unless_the_last_picture_is_wanted),
		TEST(the_same_picture_has_the_same_crc),
		TEST(a_target_of_another_size_is_einval),
		TEST(what_is_shown_is_written),
		TEST(the_target_may_begin_anywhere),
		cmocka_unit_test_setup_teardown(
			without_an_iommu_it_is_written_to_the_bus,
			setup_without_iommu, teardown),
		TEST(memory_in_pieces_is_written_line_by_line),
		cmocka_unit_test_setup_teardown(
			a_device_that_does_not_see_the_caches_writes_back,
			setup_incoherent, teardown),
		TEST(the_formats_are_those_that_can_be_composed),
		TEST(an_error_of_the_composer_is_the_fences),
		TEST(a_fault_is_the_fences),
		TEST(memory_that_is_not_needed_cannot_be_written),
		TEST(the_composer_works_without_the_lock),
		TEST(a_framebuffer_may_be_removed_in_the_middle),
		TEST(a_file_may_be_closed_in_the_middle),
		TEST(a_device_may_end_in_the_middle),
		TEST(a_device_may_end_before_the_vblank),
		TEST(a_commit_that_waits_for_a_job_ends_with_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
