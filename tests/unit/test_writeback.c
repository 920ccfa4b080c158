/* SPDX-License-Identifier: MIT */
/*
 * Writeback jobs as KMS has them: what is refused, when the driver gets one, and
 * that each is cleaned up and its fence signaled once, whatever goes first.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "display.h"
#include "gem/gem.h"
#include "kms/writeback.h"
#include "memory.h"

#define W DISPLAY_WIDTH
#define H DISPLAY_HEIGHT
#define XRGB DRM_FORMAT_XRGB8888
#define KMS (&display.kms)

static struct hf_framebuffer *screen(void)
{
	return display_fb(W, H, XRGB);
}

/* The one of the first CRTC; behind the two monitors. */
static struct hf_connector *connector(void)
{
	return KMS->connectors[2];
}

/* A state in which it writes to @fb, on the CRTC or on none. */
static struct hf_atomic_state *job(struct hf_framebuffer *fb,
				   struct hf_crtc *crtc)
{
	struct hf_atomic_state *state = display_state();
	struct hf_connector_state *new =
		hf_atomic_get_connector(state, connector());

	assert_non_null(new);
	assert_int_equal(hf_atomic_set_connector_crtc(state, new, crtc), 0);
	assert_int_equal(hf_writeback_set_fb(new, fb), 0);
	return state;
}

static struct hf_fence *want_fence(struct hf_atomic_state *state)
{
	struct hf_writeback_job *job =
		state->connectors[connector()->index]->writeback;

	job->fence = hf_fence_create(&connector()->timeline);
	assert_non_null(job->fence);
	return hf_fence_get(job->fence);
}

static void expect_refused(struct hf_atomic_state *state, int ret)
{
	assert_int_equal(hf_atomic_check(state), ret);
	hf_atomic_state_destroy(state);
	assert_int_equal(display.prepares, 0);
}

static void commit(struct hf_atomic_state *state)
{
	assert_int_equal(hf_atomic_check(state), 0);
	assert_int_equal(hf_atomic_commit(state, NULL), 1);
}

/* -- what there is ----------------------------------------------------------- */

static void each_crtc_has_a_connector_that_writes_it_back(void **state)
{
	(void)state;
	assert_int_equal(KMS->num_connectors, 4);
	for (unsigned int i = 0; i < 2; i++) {
		const struct hf_connector *wb = KMS->connectors[2 + i];
		const struct hf_encoder *encoder = KMS->encoders[2 + i];

		assert_true(hf_connector_writes_back(wb));
		assert_int_equal(wb->type_id, i + 1);
		assert_int_equal(wb->possible_encoders, 4u << i);
		assert_int_equal(encoder->type, DRM_MODE_ENCODER_VIRTUAL);
		assert_int_equal(encoder->possible_crtcs, 1u << i);
		/* Those of the monitors and its own. */
		assert_int_equal(encoder->possible_clones, 3 | 4u << i);
		assert_int_equal(KMS->encoders[i]->possible_clones,
				 1u << i | 4 | 8);
	}
	assert_false(hf_connector_writes_back(display.connector));
}

static void it_is_unknown_until_somebody_looks(void **state)
{
	(void)state;
	assert_true(connector()->unknown);
	assert_false(connector()->connected);
	assert_int_equal(connector()->num_modes, 0);
	hf_writeback_probe(connector());
	assert_false(connector()->unknown);
	assert_true(connector()->connected);
	assert_in_range(connector()->num_modes, 30, HF_KMS_MAX_MODES);
	for (unsigned int i = 0; i < connector()->num_modes; i++) {
		const struct drm_mode_modeinfo *mode = &connector()->modes[i];

		assert_true(mode->vrefresh && mode->vrefresh <= 61);
		assert_int_equal(mode->type, DRM_MODE_TYPE_DRIVER);
		assert_true(!i || mode[-1].hdisplay * mode[-1].vdisplay >=
					  mode->hdisplay * mode->vdisplay);
	}
	/* Again changes nothing. */
	hf_writeback_probe(connector());
	assert_int_equal(connector()->modes[0].hdisplay, 4096);
}

static void nothing_is_plugged_in_there(void **state)
{
	struct hf_kms_output output = { .width = W, .height = H, .hz = 60 };

	(void)state;
	assert_int_equal(hf_kms_plug(connector(), &output), -EINVAL);
	assert_int_equal(hf_kms_plug(connector(), &(struct hf_kms_output){ 0 }),
			 -EINVAL);
	assert_true(connector()->unknown);
}

static void as_many_crtcs_are_written_back_as_there_are_encoders_for(void **state)
{
	struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS] = { 0 };
	const struct hf_kms_funcs *funcs = KMS->funcs;
	struct hf_kms_device kms;

	(void)state;
	for (unsigned int i = 0; i < HF_KMS_MAX_OUTPUTS; i++)
		outputs[i] = (struct hf_kms_output){ .width = W, .height = H,
						     .hz = 60 };
	assert_int_equal(hf_kms_device_init(&kms, display.clock, funcs, outputs,
					    HF_KMS_MAX_OUTPUTS, NULL), 0);
	assert_int_equal(kms.num_connectors, HF_KMS_MAX_CONNECTORS);
	hf_kms_device_finish(&kms);
	outputs[0].type = outputs[1].type = DRM_MODE_CONNECTOR_DisplayPort;
	outputs[0].encoders = 14;
	assert_int_equal(hf_kms_device_init(&kms, display.clock, funcs, outputs,
					    HF_KMS_MAX_OUTPUTS, NULL), 0);
	assert_int_equal(kms.num_encoders, HF_KMS_MAX_ENCODERS);
	assert_int_equal(kms.num_connectors, HF_KMS_MAX_OUTPUTS + 3);
	hf_kms_device_finish(&kms);
}

/* -- what is refused --------------------------------------------------------- */

static void a_job_needs_a_crtc_that_is_on(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	expect_refused(job(screen(), NULL), -EINVAL);
	atomic = job(screen(), display.crtc2);
	expect_refused(atomic, -EINVAL);
	atomic = job(screen(), display.crtc);
	hf_atomic_get_crtc(atomic, display.crtc)->active = false;
	expect_refused(atomic, -EINVAL);
}

static void a_job_needs_a_framebuffer_like_the_mode(void **state)
{
	(void)state;
	display_on(screen());
	expect_refused(job(display_fb(W + 1, H, XRGB), display.crtc), -EINVAL);
	expect_refused(job(display_fb(W, H - 1, XRGB), display.crtc), -EINVAL);
	expect_refused(job(display_fb(W, H, DRM_FORMAT_RGB565), display.crtc),
		       -EINVAL);
}

static void a_connector_stays_with_its_crtc(void **state)
{
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	display_on(screen());
	display_light(atomic, display.crtc2, display.connector2, screen());
	hf_atomic_set_connector_crtc(
		atomic, hf_atomic_get_connector(atomic, connector()),
		display.crtc2);
	expect_refused(atomic, -EINVAL);
}

static void no_framebuffer_is_no_job(void **state)
{
	struct hf_atomic_state *atomic;
	struct hf_fence *fence;

	(void)state;
	display_on(screen());
	atomic = job(screen(), display.crtc);
	assert_int_equal(hf_writeback_set_fb(
		atomic->connectors[connector()->index], NULL), 0);
	commit(atomic);
	display_idle(display.crtc);
	assert_int_equal(display.prepares, 0);
	assert_int_equal(display.njobs, 0);

	atomic = job(NULL, display.crtc);
	fence = want_fence(atomic);
	expect_refused(atomic, -EINVAL);
	assert_int_equal(fence->refcount, 1);
	hf_fence_put(fence);
}

/* -- what is done ------------------------------------------------------------ */

static void a_job_reaches_the_driver_when_its_state_is_shown(void **state)
{
	struct hf_framebuffer *fb = screen();
	struct hf_fence *fence;
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	atomic = job(fb, display.crtc);
	fence = want_fence(atomic);
	commit(atomic);
	assert_int_equal(display.prepares, 1);
	assert_int_equal(display.njobs, 0);
	assert_null(connector()->state->writeback);
	display_idle(display.crtc);
	assert_int_equal(display.njobs, 1);
	assert_ptr_equal(display.jobs[0]->fb, fb);
	assert_ptr_equal(display.jobs[0]->crtc, display.crtc);
	assert_ptr_equal(display.jobs[0]->connector, connector());
	assert_false(fence->signaled);
	assert_int_equal(KMS->writebacks, 0);
	hf_writeback_done(display.jobs[0], 0);
	assert_true(fence->signaled);
	assert_int_equal(fence->error, 0);
	assert_true(fence->ns != 0);
	assert_int_equal(display.cleanups, 1);
	assert_int_equal(KMS->writebacks, 1);
	hf_fence_put(fence);
}

static void a_job_waits_for_the_planes_fences_as_its_commit_does(void **state)
{
	struct hf_fence *rendering = hf_fence_create(NULL);
	struct hf_atomic_state *atomic;
	struct hf_plane_state *plane;

	(void)state;
	display_on(screen());
	atomic = job(screen(), display.crtc);
	plane = hf_atomic_get_plane(atomic, display.crtc->primary);
	plane->in_fence = hf_fence_get(rendering);
	commit(atomic);
	assert_int_equal(display.njobs, 0);
	hf_fence_signal(rendering, 0, 1);
	hf_fence_put(rendering);
	assert_int_equal(display.njobs, 0);
	display_idle(display.crtc);
	assert_int_equal(display.njobs, 1);
	hf_writeback_done(display.jobs[0], 0);
}

static void an_error_is_the_fences(void **state)
{
	struct hf_atomic_state *atomic;
	struct hf_fence *fence;

	(void)state;
	display_on(screen());
	atomic = job(screen(), display.crtc);
	fence = want_fence(atomic);
	commit(atomic);
	display_idle(display.crtc);
	hf_writeback_done(display.jobs[0], -EFAULT);
	assert_true(fence->signaled);
	assert_int_equal(fence->error, -EFAULT);
	hf_fence_put(fence);
}

struct order {
	struct hf_fence_cb cb;
	unsigned int cleanups;
};

static void look(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct order *order = wl_container_of(cb, order, cb);

	(void)fence;
	order->cleanups = display.cleanups;
}

static void the_memory_is_given_back_before_the_fence_says_so(void **state)
{
	struct order order = { .cleanups = 0 };
	struct hf_atomic_state *atomic;
	struct hf_fence *fence;

	(void)state;
	display_on(screen());
	atomic = job(screen(), display.crtc);
	fence = want_fence(atomic);
	hf_fence_add_callback(fence, &order.cb, look);
	commit(atomic);
	display_idle(display.crtc);
	hf_writeback_done(display.jobs[0], 0);
	assert_int_equal(order.cleanups, 1);
	hf_fence_put(fence);
}

static void a_job_is_of_one_commit(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	commit(job(screen(), display.crtc));
	display_idle(display.crtc);
	hf_writeback_done(display.jobs[0], 0);
	atomic = display_state();
	display_show(atomic, display.crtc->primary, display.crtc, screen());
	hf_atomic_get_connector(atomic, connector());
	commit(atomic);
	display_idle(display.crtc);
	assert_int_equal(display.njobs, 1);
	assert_int_equal(display.prepares, 1);
}

static void jobs_are_given_in_order_while_others_are_at_work(void **state)
{
	struct hf_framebuffer *fbs[3];

	(void)state;
	display_on(screen());
	for (unsigned int i = 0; i < 3; i++) {
		fbs[i] = screen();
		commit(job(fbs[i], display.crtc));
		display_idle(display.crtc);
	}
	assert_int_equal(display.njobs, 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_ptr_equal(display.jobs[i]->fb, fbs[i]);
		hf_writeback_done(display.jobs[i], 0);
	}
}

static void two_crtcs_write_back_in_one_commit(void **state)
{
	struct hf_framebuffer *fbs[2] = { screen(), screen() };
	struct hf_atomic_state *atomic;
	struct hf_connector_state *other;

	(void)state;
	display_on(screen());
	atomic = job(fbs[0], display.crtc);
	display_light(atomic, display.crtc2, display.connector2, screen());
	other = hf_atomic_get_connector(atomic, KMS->connectors[3]);
	hf_atomic_set_connector_crtc(atomic, other, display.crtc2);
	hf_writeback_set_fb(other, fbs[1]);
	commit(atomic);
	display_idle(display.crtc);
	display_idle(display.crtc2);
	assert_int_equal(display.njobs, 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_ptr_equal(display.jobs[i]->fb,
				 fbs[display.jobs[i]->crtc->index]);
		hf_writeback_done(display.jobs[i], 0);
	}
}

/* -- what goes wrong --------------------------------------------------------- */

static void a_job_that_cannot_be_prepared_fails_the_commit(void **state)
{
	struct hf_framebuffer *fb = screen();
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	atomic = job(fb, display.crtc);
	assert_int_equal(hf_atomic_check(atomic), 0);
	display.prepare_result = -ENOMEM;
	assert_int_equal(hf_atomic_commit(atomic, NULL), -ENOMEM);
	hf_atomic_state_destroy(atomic);
	assert_int_equal(display.cleanups, 0);
	assert_int_equal(fb->refcount, 1);
	assert_null(connector()->state->crtc);
}

static void what_was_prepared_is_cleaned_up_where_the_commit_fails(void **state)
{
	struct hf_atomic_state *atomic;
	struct hf_gem_object *object;

	(void)state;
	display_on(screen());
	atomic = job(screen(), display.crtc);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_writeback_prepare(atomic), 0);
	assert_int_equal(display.prepares, 1);
	/* Once is enough. */
	assert_int_equal(hf_writeback_prepare(atomic), 0);
	assert_int_equal(display.prepares, 1);
	object = atomic->connectors[2]->writeback->fb->objects[0];
	assert_int_equal(object->refcount, 1);
	hf_atomic_state_destroy(atomic);
	assert_int_equal(display.cleanups, 1);
}

static void a_busy_crtc_prepares_nothing(void **state)
{
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(screen());
	commit(job(screen(), display.crtc));
	atomic = job(screen(), display.crtc);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), -EBUSY);
	hf_atomic_state_destroy(atomic);
	assert_int_equal(display.prepares, 1);
	display_idle(display.crtc);
	assert_int_equal(display.njobs, 1);
	hf_writeback_done(display.jobs[0], 0);
}

static void a_test_prepares_nothing(void **state)
{
	struct hf_framebuffer *fb = screen();

	(void)state;
	display_on(screen());
	expect_refused(job(fb, display.crtc), 0);
	assert_int_equal(fb->refcount, 1);
}

/* -- what goes first --------------------------------------------------------- */

static void a_removed_framebuffer_lives_until_the_job_is_done(void **state)
{
	struct hf_framebuffer *fb = screen();
	uint32_t id = fb->base.id;

	(void)state;
	display_on(screen());
	commit(job(fb, display.crtc));
	display_rmfb(fb);
	display_idle(display.crtc);
	assert_int_equal(display.njobs, 1);
	assert_ptr_equal(display.jobs[0]->fb, fb);
	assert_int_equal(memory.gem.count, 2);
	hf_writeback_done(display.jobs[0], 0);
	assert_null(hf_framebuffer_find(KMS, id));
	assert_int_equal(memory.gem.count, 1);
}

static void a_closed_file_leaves_its_job_to_be_done(void **state)
{
	struct hf_atomic_state *atomic;
	struct hf_fence *fence;

	(void)state;
	display_on(screen());
	atomic = job(screen(), display.crtc);
	fence = want_fence(atomic);
	commit(atomic);
	hf_kms_file_finish(&display.file);
	hf_kms_file_init(&display.file, KMS, display.file.fd);
	assert_int_equal(memory.gem.count, 2); /* what was shown, and the target */
	display_idle(display.crtc);
	assert_int_equal(memory.gem.count, 1);
	assert_int_equal(display.njobs, 1);
	hf_writeback_done(display.jobs[0], 0);
	assert_true(fence->signaled);
	hf_fence_put(fence);
	assert_int_equal(memory.gem.count, 0);
}

static void a_display_that_ends_gives_its_jobs_to_the_driver(void **state)
{
	struct hf_atomic_state *atomic;
	struct hf_fence *fence;

	(void)state;
	display_on(screen());
	atomic = job(screen(), display.crtc);
	fence = want_fence(atomic);
	commit(atomic);
	hf_kms_device_stop(KMS);
	assert_int_equal(display.njobs, 1);
	assert_null(display.crtc->commit);
	hf_writeback_done(display.jobs[0], 0);
	assert_true(fence->signaled);
	hf_fence_put(fence);
}

#define TEST(name)                                                            \
	cmocka_unit_test_setup_teardown(name, display_setup_writeback,        \
					display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_crtc_has_a_connector_that_writes_it_back),
		TEST(it_is_unknown_until_somebody_looks),
		TEST(nothing_is_plugged_in_there),
		TEST(as_many_crtcs_are_written_back_as_there_are_encoders_for),
		TEST(a_job_needs_a_crtc_that_is_on),
		TEST(a_job_needs_a_framebuffer_like_the_mode),
		TEST(a_connector_stays_with_its_crtc),
		TEST(no_framebuffer_is_no_job),
		TEST(a_job_reaches_the_driver_when_its_state_is_shown),
		TEST(a_job_waits_for_the_planes_fences_as_its_commit_does),
		TEST(an_error_is_the_fences),
		TEST(the_memory_is_given_back_before_the_fence_says_so),
		TEST(a_job_is_of_one_commit),
		TEST(jobs_are_given_in_order_while_others_are_at_work),
		TEST(two_crtcs_write_back_in_one_commit),
		TEST(a_job_that_cannot_be_prepared_fails_the_commit),
		TEST(what_was_prepared_is_cleaned_up_where_the_commit_fails),
		TEST(a_busy_crtc_prepares_nothing),
		TEST(a_test_prepares_nothing),
		TEST(a_removed_framebuffer_lives_until_the_job_is_done),
		TEST(a_closed_file_leaves_its_job_to_be_done),
		TEST(a_display_that_ends_gives_its_jobs_to_the_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
