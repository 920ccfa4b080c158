/* SPDX-License-Identifier: MIT */
/*
 * The life of a virtio-gpu: its start, its monitors, answers that make no sense, and
 * its end in whatever it is doing.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "drm_fourcc.h"
#include "virtio_gpu_fixture.h"

#define COUNT(command) gdev_count(vg.hw, VIRTIO_GPU_CMD_##command)
#define MS 1000000u

/* -- running out of memory ----------------------------------------------------- */

/* Allocations that succeed before one fails; negative: all do. */
static int fail_in = -1;

static bool fails(void)
{
	return fail_in >= 0 && !fail_in--;
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	if (!fails())
		return __real_calloc(n, size);
	errno = ENOMEM;
	return NULL;
}

void *__real_hf_dma_alloc(struct hf_dma_device *dev, size_t size,
			  hf_iova_t *iova);
void *__wrap_hf_dma_alloc(struct hf_dma_device *dev, size_t size,
			  hf_iova_t *iova);
void *__wrap_hf_dma_alloc(struct hf_dma_device *dev, size_t size,
			  hf_iova_t *iova)
{
	if (!fails())
		return __real_hf_dma_alloc(dev, size, iova);
	errno = ENOMEM;
	return NULL;
}

static void a_start_without_memory_leaves_nothing(void **state)
{
	struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS];
	struct hf_virtio_gpu *gpu = NULL;
	unsigned int n;

	(void)state;
	for (n = 0; !gpu; n++) {
		vg_begin();
		fail_in = n;
		gpu = hf_virtio_gpu_create(&vg.hw->vdev.virtio, vg.clock);
		fail_in = -1;
		if (gpu) {
			assert_int_equal(hf_virtio_gpu_outputs(gpu, outputs),
					 VG_SCANOUTS);
			hf_virtio_gpu_destroy(gpu);
		} else {
			assert_int_equal(errno, ENOMEM);
		}
		assert_true(vg.hw->vdev.destroyed);
		vg_end();
	}
	assert_in_range(n, 8, 100);
}

static void a_framebuffer_without_memory_is_refused(void **state)
{
	struct hf_atomic_state *atomic;
	int ret = -ENOMEM;
	unsigned int n;

	(void)state;
	/* So that a page for commands is needed, too. */
	while (!wl_list_empty(&vg.gpu->idle))
		hf_gpu_command_create(vg.gpu);
	for (n = 0; ret; n++) {
		atomic = vg_state();
		vg_light(atomic, 0, vg_screen(1));
		assert_int_equal(hf_atomic_check(atomic), 0);
		fail_in = n;
		ret = hf_atomic_commit(atomic, NULL);
		fail_in = -1;
		if (ret > 0)
			ret = 0;
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		hf_atomic_state_destroy(atomic);
		assert_int_equal(vg.gpu->stats.resources, 0);
		assert_int_equal(vg.gpu->stats.in_flight, 0);
	}
	assert_in_range(n, 4, 100);
	vg_finish();
	assert_true(vg_shows(0, 1, 0, 0));
}

/* -- the start ------------------------------------------------------------------- */

static void it_starts_with_the_monitors_that_are_there(void **state)
{
	struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS];
	struct hf_virtio_gpu_stats stats;

	(void)state;
	assert_int_equal(hf_virtio_gpu_outputs(vg.gpu, outputs), 2);
	assert_int_equal(outputs[0].width, VG_WIDTH);
	assert_int_equal(outputs[0].height, VG_HEIGHT);
	assert_int_equal(outputs[0].edid_size, 128);
	assert_memory_equal(outputs[0].edid, vg.hw->scanouts[0].edid, 128);
	assert_int_equal(outputs[1].width, 0);
	assert_null(outputs[1].edid);
	assert_true(vg.kms->connectors[0]->connected);
	assert_false(vg.kms->connectors[1]->connected);
	assert_int_equal(vg.kms->connectors[0]->type,
			 DRM_MODE_CONNECTOR_VIRTUAL);
	assert_int_equal(vg.kms->connectors[0]->modes[0].hdisplay, VG_WIDTH);
	assert_int_equal(COUNT(GET_EDID), 2);
	hf_virtio_gpu_stats(vg.gpu, &stats);
	assert_int_equal(stats.in_flight, 0);
	assert_int_equal(stats.resources, 0);
	assert_int_equal(stats.commands, 4);
	assert_int_equal(stats.errors, 0);
}

static void only_features_that_it_knows_are_taken(void **state)
{
	(void)state;
	vg_begin();
	vg.hw->vdev.offered |= 1ull << VIRTIO_GPU_F_VIRGL |
			       1ull << VIRTIO_GPU_F_RESOURCE_BLOB |
			       1ull << VIRTIO_GPU_F_CONTEXT_INIT;
	vg_start();
	assert_int_equal(vg.hw->vdev.accepted,
			 1ull << VIRTIO_GPU_F_EDID | 1ull << VIRTIO_F_VERSION_1 |
				 1ull << VIRTIO_F_ACCESS_PLATFORM);
	vg_stop();
	vg_end();
}

static void without_edid_one_is_made_up(void **state)
{
	(void)state;
	vg_begin();
	vg.hw->vdev.offered &= ~(1ull << VIRTIO_GPU_F_EDID);
	vg_start();
	assert_int_equal(COUNT(GET_EDID), 0);
	assert_true(vg.kms->connectors[0]->connected);
	assert_non_null(vg.kms->connectors[0]->edid);
	vg_stop();
	vg_end();
}

/* Return: what a start says, of the device as @break_it leaves it. */
static int start_of(void (*break_it)(struct gdev *dev))
{
	struct hf_virtio_gpu *gpu;
	int ret = 0;

	vg_begin();
	break_it(vg.hw);
	gpu = hf_virtio_gpu_create(&vg.hw->vdev.virtio, vg.clock);
	if (!gpu)
		ret = -errno;
	hf_virtio_gpu_destroy(gpu);
	assert_true(vg.hw->vdev.destroyed);
	vg_end();
	return ret;
}

static struct virtio_gpu_config *config_of(struct gdev *dev)
{
	return (struct virtio_gpu_config *)dev->vdev.config;
}

static void is_fine(struct gdev *dev)
{
	(void)dev;
}

static void has_no_scanouts(struct gdev *dev)
{
	config_of(dev)->num_scanouts = 0;
}

static void has_too_many_scanouts(struct gdev *dev)
{
	config_of(dev)->num_scanouts = 17;
}

static void has_no_cursor_queue(struct gdev *dev)
{
	dev->vdev.queues[1].max = 0;
}

static void refuses_a_queue(struct gdev *dev)
{
	dev->vdev.queues[0].no_setup = true;
}

static void is_legacy(struct gdev *dev)
{
	dev->vdev.offered &= ~(1ull << VIRTIO_F_VERSION_1);
}

static void ignores_the_iommu(struct gdev *dev)
{
	dev->vdev.offered &= ~(1ull << VIRTIO_F_ACCESS_PLATFORM);
}

static void is_gone(struct gdev *dev)
{
	dev->vdev.gone = true;
}

static void does_not_reset(struct gdev *dev)
{
	dev->vdev.stuck = true;
}

static void a_device_that_cannot_be_used_is_refused(void **state)
{
	(void)state;
	assert_int_equal(start_of(is_fine), 0);
	assert_int_equal(start_of(has_no_scanouts), -EIO);
	assert_int_equal(start_of(has_too_many_scanouts), -EIO);
	assert_int_equal(start_of(has_no_cursor_queue), -ENOTSUP);
	assert_int_equal(start_of(refuses_a_queue), -EIO);
	assert_int_equal(start_of(is_legacy), -ENOTSUP);
	assert_int_equal(start_of(ignores_the_iommu), -ENOTSUP);
	assert_int_equal(start_of(is_gone), -EIO);
	assert_int_equal(start_of(does_not_reset), -EIO);
}

/* What a device that started says of its monitors. */
static int outputs_of(void (*break_it)(struct gdev *dev),
		      struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS])
{
	struct hf_virtio_gpu *gpu;
	int ret;

	vg_begin();
	break_it(vg.hw);
	gpu = hf_virtio_gpu_create(&vg.hw->vdev.virtio, vg.clock);
	assert_non_null(gpu);
	gpu->timeout = 20 * MS;
	ret = hf_virtio_gpu_outputs(gpu, outputs);
	hf_virtio_gpu_destroy(gpu);
	vg_end();
	return ret;
}

static void is_silent(struct gdev *dev)
{
	dev->hold = true;
}

static void knows_no_monitors(struct gdev *dev)
{
	dev->fail = VIRTIO_GPU_CMD_GET_DISPLAY_INFO;
	dev->error = VIRTIO_GPU_RESP_ERR_UNSPEC;
}

static void cuts_answers(struct gdev *dev)
{
	dev->short_answers = 30;
}

static void has_huge_monitors(struct gdev *dev)
{
	gdev_plug(dev, 0, 0xffffffff, 0xffffffff);
	gdev_plug(dev, 1, 640, 8);
}

static void has_an_empty_monitor(struct gdev *dev)
{
	gdev_plug(dev, 0, 0, 0);
	dev->scanouts[0].enabled = 1;
	gdev_plug(dev, 1, 640, 480);
}

static void keeps_its_edid_for_itself(struct gdev *dev)
{
	dev->fail = VIRTIO_GPU_CMD_GET_EDID;
	dev->error = VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
}

static void nonsense_about_monitors_is_left_out(void **state)
{
	struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS];

	(void)state;
	assert_int_equal(outputs_of(is_silent, outputs), -EIO);
	assert_int_equal(outputs_of(knows_no_monitors, outputs), -EIO);
	assert_int_equal(outputs_of(cuts_answers, outputs), -EIO);
	assert_int_equal(outputs_of(has_huge_monitors, outputs), 2);
	assert_int_equal(outputs[0].width + outputs[1].width, 0);
	assert_int_equal(outputs_of(has_an_empty_monitor, outputs), 2);
	assert_int_equal(outputs[0].width, 0);
	assert_int_equal(outputs[1].width, 640);
	assert_int_equal(outputs_of(keeps_its_edid_for_itself, outputs), 2);
	assert_int_equal(outputs[0].width, VG_WIDTH);
	assert_null(outputs[0].edid);
}

static size_t edid_taken(void (*change)(struct gdev_scanout *scanout))
{
	gdev_plug(vg.hw, 0, VG_WIDTH, VG_HEIGHT);
	change(&vg.hw->scanouts[0]);
	gdev_hotplug(vg.hw);
	vg_finish();
	assert_true(vg.kms->connectors[0]->connected);
	return vg.gpu->scanouts[0].edid_size;
}

static void as_it_is(struct gdev_scanout *scanout)
{
	(void)scanout;
}

static void no_bytes(struct gdev_scanout *scanout)
{
	scanout->edid_size = 0;
}

static void half_a_block(struct gdev_scanout *scanout)
{
	scanout->edid_size = 64;
}

static void more_than_there_can_be(struct gdev_scanout *scanout)
{
	scanout->edid_size = 0xffffffff;
}

static void no_magic(struct gdev_scanout *scanout)
{
	scanout->edid[1] = 0;
}

static void wrong_sum(struct gdev_scanout *scanout)
{
	scanout->edid[20]++;
}

/* With the sum right. */
static void extensions(struct gdev_scanout *scanout, uint8_t n)
{
	scanout->edid[127] -= n;
	scanout->edid[126] += n;
}

static void an_extension(struct gdev_scanout *scanout)
{
	extensions(scanout, 1);
}

static void eight_extensions(struct gdev_scanout *scanout)
{
	extensions(scanout, 8);
}

static void an_edid_that_is_none_is_left_out(void **state)
{
	(void)state;
	assert_int_equal(edid_taken(as_it_is), 128);
	assert_int_equal(edid_taken(no_bytes), 0);
	assert_int_equal(edid_taken(half_a_block), 0);
	assert_int_equal(edid_taken(more_than_there_can_be), 0);
	assert_int_equal(edid_taken(no_magic), 0);
	assert_int_equal(edid_taken(wrong_sum), 0);
	assert_int_equal(edid_taken(an_extension), 256);
	assert_int_equal(edid_taken(eight_extensions), 0);
}

/* -- monitors that come and go ---------------------------------------------------- */

static void monitors_come_and_go(void **state)
{
	struct hf_connector **connectors = vg.kms->connectors;

	(void)state;
	gdev_plug(vg.hw, 1, 640, 480);
	gdev_hotplug(vg.hw);
	vg_finish();
	assert_true(connectors[1]->connected);
	assert_int_equal(connectors[1]->modes[0].hdisplay, 640);
	/* It was told that this was seen. */
	assert_int_equal(config_of(vg.hw)->events_read, 0);
	gdev_plug(vg.hw, 0, 0, 0);
	gdev_plug(vg.hw, 1, 800, 600);
	gdev_hotplug(vg.hw);
	vg_finish();
	assert_false(connectors[0]->connected);
	assert_int_equal(connectors[0]->num_modes, 0);
	assert_int_equal(connectors[1]->modes[0].hdisplay, 800);
}

static void a_monitor_that_changes_while_it_is_asked_is_asked_again(void **state)
{
	(void)state;
	vg.hw->hold = true;
	gdev_plug(vg.hw, 0, 640, 480);
	gdev_hotplug(vg.hw);
	vg_pump();
	assert_true(gdev_step(vg.hw, HF_GPU_CONTROL));
	vg_pump();
	for (unsigned int i = 0; i < 10; i++) {
		gdev_plug(vg.hw, 0, 800 + 16 * i, 600);
		gdev_hotplug(vg.hw);
		vg_pump();
	}
	assert_int_equal(vg.gpu->stats.in_flight, 1);
	vg_finish();
	assert_int_equal(vg.kms->connectors[0]->modes[0].hdisplay, 944);
	/* At the start, the first time, and once for all that came then. */
	assert_int_equal(COUNT(GET_DISPLAY_INFO), 3);
}

static void a_monitor_that_changes_before_there_is_a_display_is_seen(void **state)
{
	struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS];

	(void)state;
	vg_begin();
	vg.gpu = hf_virtio_gpu_create(&vg.hw->vdev.virtio, vg.clock);
	vg.dev.hw = vg.gpu;
	assert_int_equal(hf_virtio_gpu_outputs(vg.gpu, outputs), 2);
	assert_int_equal(hf_kms_device_init(vg.kms, vg.clock,
					    &hf_virtio_gpu_kms, outputs, 2,
					    NULL),
			 0);
	gdev_plug(vg.hw, 1, 640, 480);
	gdev_hotplug(vg.hw);
	vg_pump();
	assert_false(vg.kms->connectors[1]->connected);
	hf_virtio_gpu_attach(vg.gpu, vg.kms);
	assert_true(vg.kms->connectors[1]->connected);
	hf_virtio_gpu_stop(vg.gpu);
	hf_kms_device_finish(vg.kms);
	hf_virtio_gpu_destroy(vg.gpu);
	vg_end();
}

static void an_answer_that_fails_leaves_monitors_as_they_are(void **state)
{
	(void)state;
	knows_no_monitors(vg.hw);
	gdev_plug(vg.hw, 0, 0, 0);
	gdev_hotplug(vg.hw);
	vg_finish();
	assert_true(vg.kms->connectors[0]->connected);
	assert_int_equal(vg.gpu->stats.errors, 1);
}

/* -- answers that make no sense ---------------------------------------------------- */

static void assert_flips_end(struct hf_framebuffer *a, struct hf_framebuffer *b)
{
	uint64_t errors = vg.gpu->stats.errors;

	for (unsigned int i = 0; i < 4; i++) {
		vg_flip(i % 2 ? a : b);
		gdev_run(vg.hw);
		vg_pump();
		assert_int_equal(vg_events(), 1);
	}
	assert_true(vg.gpu->stats.errors > errors);
	assert_false(vg.gpu->down);
}

static void a_flip_ends_whatever_the_answer_is(void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);

	(void)state;
	vg_on(a);
	vg_flip(b);
	vg_finish();
	vg_events();
	vg.hw->short_answers = 1;
	assert_flips_end(a, b);
	vg.hw->short_answers = 23;
	assert_flips_end(a, b);
	vg.hw->short_answers = 0;
	vg.hw->wrong_type = true;
	assert_flips_end(a, b);
	vg.hw->wrong_type = false;
	vg.hw->wrong_fence = true;
	assert_flips_end(a, b);
	vg.hw->wrong_fence = false;
	for (uint32_t type = VIRTIO_GPU_CMD_SET_SCANOUT;
	     type <= VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D; type++) {
		vg.hw->fail = type;
		for (uint32_t error = VIRTIO_GPU_RESP_ERR_UNSPEC;
		     error <= VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER + 1;
		     error++) {
			vg.hw->error = error;
			assert_flips_end(a, b);
		}
	}
	/* And it shows what it should once it does as it is told. */
	vg.hw->fail = 0;
	vg_draw(a, 9, NULL);
	vg_flip(a);
	vg_finish();
	assert_true(vg_shows(0, 9, 0, 0));
}

static void what_the_device_did_not_do_is_done_the_next_time(void **state)
{
	const struct drm_mode_rect rect = { 0, 0, 1, 1 };
	struct hf_framebuffer *fb = vg_screen(1);
	uint32_t type;

	(void)state;
	vg_on(fb);
	for (type = VIRTIO_GPU_CMD_SET_SCANOUT;
	     type <= VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D; type++) {
		struct hf_framebuffer *next = vg_screen(type);

		vg.hw->fail = type;
		vg.hw->error = VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
		vg_flip(next);
		vg_finish();
		vg.hw->fail = 0;
		vg_damage(next, &rect, 1);
		vg_finish();
		assert_true(vg_shows(0, type, 0, 0));
	}
}

static void a_resource_that_is_refused_leaves_nothing(void **state)
{
	struct hf_framebuffer *a = vg_screen(1), *b = vg_screen(2);

	(void)state;
	vg_on(a);
	vg.hw->fail = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D;
	vg.hw->error = VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	vg_flip(b);
	vg_finish();
	assert_int_equal(vg_events(), 1);
	vg_rmfb(b);
	vg_finish();
	assert_false(vg.gpu->down);
	assert_int_equal(vg.gpu->stats.resources, 1);
	vg_rmfb(a);
	vg_finish();
	assert_int_equal(vg_pages(), 0);
}

static void a_resource_that_is_not_given_up_ends_the_device(void **state)
{
	struct hf_framebuffer *fb = vg_screen(1);

	(void)state;
	vg_on(fb);
	vg.hw->fail = VIRTIO_GPU_CMD_RESOURCE_UNREF;
	vg.hw->error = VIRTIO_GPU_RESP_ERR_UNSPEC;
	vg_rmfb(fb);
	assert_true(vg_pages() > 0);
	vg_finish();
	/* It was reset, and so it is safe. */
	assert_true(vg.gpu->down);
	assert_int_equal(vg_pages(), 0);
}

static void cursors_survive_errors(void **state)
{
	struct hf_framebuffer *cursor = vg_cursor(1);

	(void)state;
	vg_on(vg_screen(1));
	vg.hw->fail = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D;
	vg.hw->error = VIRTIO_GPU_RESP_ERR_UNSPEC;
	vg_move(cursor, 1, 1);
	vg_finish();
	assert_int_equal(vg.hw->updates, 0);
	vg.hw->fail = 0;
	vg_move(cursor, 2, 2);
	vg_finish();
	assert_int_equal(vg.hw->updates, 1);
	assert_int_equal(vg.hw->scanouts[0].x, 2);
	/* Its content is not the device's yet, so a move is not enough. */
	vg.hw->fail = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D;
	vg_move(cursor, 2, 2);
	vg_finish();
	vg.hw->fail = 0;
	vg_move(cursor, 3, 3);
	vg_finish();
	assert_int_equal(vg.hw->updates, 2);
	vg_rmfb(cursor);
	vg_finish();
	assert_int_equal(vg.hw->scanouts[0].cursor, 0);
}

static void interrupts_for_nothing_do_nothing(void **state)
{
	(void)state;
	vg_on(vg_screen(1));
	vdev_interrupt(&vg.hw->vdev, HF_VIRTIO_IRQ_QUEUE);
	vdev_interrupt(&vg.hw->vdev, HF_VIRTIO_IRQ_CONFIG);
	vg_pump();
	vdev_interrupt(&vg.hw->vdev, 0);
	vg_pump();
	assert_false(vg.gpu->down);
	assert_int_equal(COUNT(GET_DISPLAY_INFO), 1);
}

/* -- its end ------------------------------------------------------------------------ */

static void dispatch_timers(void)
{
	struct pollfd pfd = { .fd = hf_clock_fd(vg.clock), .events = POLLIN };

	assert_int_equal(poll(&pfd, 1, 10000), 1);
	hf_clock_dispatch(vg.clock);
}

/* So that the watchdog is armed for that long, with the next command. */
static void set_timeout(uint64_t ns)
{
	hf_timer_disarm(vg.clock, &vg.gpu->timer);
	vg.gpu->timeout = ns;
}

static void swallow_interrupt(void)
{
	vg.hw->vdev.virtio.ops->interrupts(&vg.hw->vdev.virtio);
}

static void an_interrupt_that_was_lost_is_made_up_for(void **state)
{
	(void)state;
	vg_on(vg_screen(1));
	vg.hw->hold = true;
	set_timeout(5 * MS);
	vg_flip(vg_screen(2));
	vg.hw->hold = false;
	gdev_run(vg.hw);
	swallow_interrupt();
	dispatch_timers();
	assert_int_equal(vg_events(), 1);
	assert_false(vg.gpu->down);
}

static void the_watchdog_sleeps_when_nothing_is_to_be_done(void **state)
{
	(void)state;
	set_timeout(5 * MS);
	vg_on(vg_screen(1));
	assert_true(vg.gpu->timer.armed);
	dispatch_timers();
	assert_false(vg.gpu->timer.armed);
	assert_false(vg.gpu->down);
}

static void the_watchdog_waits_for_the_oldest(void **state)
{
	struct hf_framebuffer *b = vg_screen(2);

	(void)state;
	vg_on(vg_screen(1));
	set_timeout(5 * MS);
	vg.hw->hold = true;
	vg_flip(b);
	/* All but the last were sent long after the watchdog was armed. */
	vg.gpu->timeout = 10000u * MS;
	dispatch_timers();
	assert_false(vg.gpu->down);
	assert_true(vg.gpu->timer.armed);
	vg_finish();
	assert_int_equal(vg_events(), 1);
}

/* Ways to break. */
static void by_removal(void)
{
	vdev_interrupt(&vg.hw->vdev, HF_VIRTIO_IRQ_GONE);
	vg_pump();
}

static void by_surprise(void)
{
	vg.hw->vdev.gone = true;
	vdev_interrupt(&vg.hw->vdev, HF_VIRTIO_IRQ_CONFIG);
	vg_pump();
}

static void by_its_own_word(void)
{
	vg.hw->vdev.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	vdev_interrupt(&vg.hw->vdev, HF_VIRTIO_IRQ_CONFIG);
	vg_pump();
}

static void by_its_rings(void)
{
	struct vdev_queue *queue = &vg.hw->vdev.queues[0];

	vdev_set_used_index(&vg.hw->vdev, 0, queue->next_used + 100);
	vdev_interrupt(&vg.hw->vdev, HF_VIRTIO_IRQ_QUEUE);
	vg_pump();
}

static void by_silence(void)
{
	set_timeout(MS);
	hf_timer_arm(vg.clock, &vg.gpu->timer, hf_clock_now(vg.clock));
	usleep(2000);
	dispatch_timers();
}

/* A flip to another framebuffer with a cursor, of whose commands some are done. */
static bool busy_with(unsigned int steps)
{
	struct hf_framebuffer *next = vg_screen(2);
	unsigned int n = 0;

	vg.hw->hold = true;
	vg_flip(next);
	vg_move(vg_cursor(4), 5, 5);
	vg_rmfb(next);
	vg.hw->scanouts[1].enabled = 1;
	gdev_hotplug(vg.hw);
	vg_pump();
	while (n < steps && (gdev_step(vg.hw, HF_GPU_CONTROL) ||
			     gdev_step(vg.hw, HF_GPU_CURSOR))) {
		vg_pump();
		n++;
	}
	return vg.gpu->stats.in_flight != 0;
}

/* It is down, and a client notices as little as possible. */
static void assert_down(void)
{
	struct hf_framebuffer *fb = vg_screen(6);

	assert_true(vg.gpu->down);
	assert_int_equal(vg.gpu->stats.in_flight, 0);
	for (unsigned int i = 0; i < VG_SCANOUTS; i++)
		assert_false(vg.kms->connectors[i]->connected);
	assert_null(vg.crtc->commit);
	assert_int_equal(vg_events(), 1);
	vg_flip(fb);
	assert_int_equal(vg_events(), 1);
	vg_move(NULL, 0, 0);
	vg_rmfb(fb);
	/* Nothing that it says matters any more. */
	vdev_interrupt(&vg.hw->vdev, HF_VIRTIO_IRQ_QUEUE |
				     HF_VIRTIO_IRQ_CONFIG |
				     HF_VIRTIO_IRQ_GONE);
	vg_pump();
}

static void a_device_that_breaks_at_any_time_lets_go_of_all(void **state)
{
	static void (*const ways[])(void) = { by_removal, by_its_own_word,
					      by_its_rings, by_silence };
	unsigned int steps = 0;
	bool more = true;

	(void)state;
	for (; more; steps++) {
		for (unsigned int i = 0; i < 4; i++) {
			vg_begin();
			vg_start();
			vg_on(vg_screen(1));
			more = busy_with(steps);
			if (more) {
				ways[i]();
				assert_down();
			}
			hf_kms_file_finish(&vg.file);
			if (more)
				assert_int_equal(vg_pages(), 0);
			vg_stop();
			vg_end();
		}
	}
	/* Create, attach, transfer, set, flush; as many for the cursor; and so on. */
	assert_in_range(steps, 10, 30);
}

static void broken_while_idle(void **state)
{
	(void)state;
	vg_on(vg_screen(1));
	by_removal();
	assert_true(vg.gpu->down);
	assert_false(vg.kms->connectors[0]->connected);
	assert_int_equal(hf_virtio_gpu_outputs(vg.gpu, NULL), -EIO);
	hf_kms_file_finish(&vg.file);
	assert_int_equal(vg_pages(), 0);
}

static void broken_before_there_is_a_display(void **state)
{
	struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS];

	(void)state;
	vg_begin();
	vg.gpu = hf_virtio_gpu_create(&vg.hw->vdev.virtio, vg.clock);
	vg.dev.hw = vg.gpu;
	assert_int_equal(hf_virtio_gpu_outputs(vg.gpu, outputs), 2);
	by_removal();
	assert_int_equal(hf_kms_device_init(vg.kms, vg.clock,
					    &hf_virtio_gpu_kms, outputs, 2,
					    NULL),
			 0);
	hf_virtio_gpu_attach(vg.gpu, vg.kms);
	assert_false(vg.kms->connectors[0]->connected);
	hf_virtio_gpu_stop(vg.gpu);
	hf_kms_device_finish(vg.kms);
	hf_virtio_gpu_destroy(vg.gpu);
	vg_end();
}

static void a_stop_ends_flips_and_unplugs_nothing(void **state)
{
	(void)state;
	vg_on(vg_screen(1));
	vg.hw->hold = true;
	vg_flip(vg_screen(2));
	hf_virtio_gpu_stop(vg.gpu);
	assert_int_equal(vg_events(), 1);
	assert_true(vg.kms->connectors[0]->connected);
	vg_flip(vg_screen(3));
	assert_int_equal(vg_events(), 1);
}

/* The last one: what it leaves is the device's for good. */
static void what_a_device_that_does_not_reset_may_reach_is_kept(void **state)
{
	uint64_t held;

	(void)state;
	vg_begin();
	vg_start();
	vg_on(vg_screen(1));
	vg.hw->hold = true;
	vg_flip(vg_screen(2));
	held = memory_pages();
	vg.hw->vdev.stuck = true;
	by_surprise();
	assert_int_equal(vg_events(), 1);
	assert_true(vg.gpu->lost);
	vg_flip(vg_screen(3));
	assert_int_equal(vg_events(), 1);
	vg_stop();
	/* Both screens, their lists, the commands, the rings. */
	assert_int_equal(memory_pages(), held);
	assert_int_equal(memory.gem.count, 2);
	hf_clock_destroy(vg.clock);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, vg_setup, vg_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_without_memory_leaves_nothing),
		TEST(a_framebuffer_without_memory_is_refused),
		TEST(it_starts_with_the_monitors_that_are_there),
		cmocka_unit_test(only_features_that_it_knows_are_taken),
		cmocka_unit_test(without_edid_one_is_made_up),
		cmocka_unit_test(a_device_that_cannot_be_used_is_refused),
		cmocka_unit_test(nonsense_about_monitors_is_left_out),
		TEST(an_edid_that_is_none_is_left_out),
		TEST(monitors_come_and_go),
		TEST(a_monitor_that_changes_while_it_is_asked_is_asked_again),
		cmocka_unit_test(
			a_monitor_that_changes_before_there_is_a_display_is_seen),
		TEST(an_answer_that_fails_leaves_monitors_as_they_are),
		TEST(a_flip_ends_whatever_the_answer_is),
		TEST(what_the_device_did_not_do_is_done_the_next_time),
		TEST(a_resource_that_is_refused_leaves_nothing),
		TEST(a_resource_that_is_not_given_up_ends_the_device),
		TEST(cursors_survive_errors),
		TEST(interrupts_for_nothing_do_nothing),
		TEST(an_interrupt_that_was_lost_is_made_up_for),
		TEST(the_watchdog_sleeps_when_nothing_is_to_be_done),
		TEST(the_watchdog_waits_for_the_oldest),
		cmocka_unit_test(
			a_device_that_breaks_at_any_time_lets_go_of_all),
		TEST(broken_while_idle),
		cmocka_unit_test(broken_before_there_is_a_display),
		TEST(a_stop_ends_flips_and_unplugs_nothing),
		cmocka_unit_test(
			what_a_device_that_does_not_reset_may_reach_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
