/* SPDX-License-Identifier: MIT */
/*
 * Vertical blanks: waiting for them, events, sequences. A driver that does not
 * count vblanks says EOPNOTSUPP, and then there is nothing to test.
 */
#include "uapi.h"

#define PIPE_SHIFT _DRM_VBLANK_HIGH_CRTC_SHIFT

static uint32_t pipe_bits(const struct kms *kms)
{
	return kms->pipe << PIPE_SHIFT & _DRM_VBLANK_HIGH_CRTC_MASK;
}

static int wait_vblank(const struct kms *kms, uint32_t type, uint32_t sequence, uint64_t signal,
		       struct drm_wait_vblank_reply *reply)
{
	union drm_wait_vblank wait = {
		.request = { .type = type | pipe_bits(kms), .sequence = sequence,
			     .signal = signal },
	};
	int error = call(kms->fd, DRM_IOCTL_WAIT_VBLANK, &wait);

	if (reply)
		*reply = wait.reply;
	return error;
}

static uint32_t current(const struct kms *kms)
{
	struct drm_wait_vblank_reply reply;

	EXPECT_OK(wait_vblank(kms, _DRM_VBLANK_RELATIVE, 0, 0, &reply));
	return reply.sequence;
}

static void open_screen(struct kms *kms)
{
	uint32_t fb;

	kms_open(kms);
	kms_show(kms, &fb);
	if (wait_vblank(kms, _DRM_VBLANK_RELATIVE, 0, 0, NULL) == EOPNOTSUPP)
		skip("the driver has no vblanks");
}

static double period_ns(const struct kms *kms)
{
	return 1e6 * kms->mode.htotal * kms->mode.vtotal / kms->mode.clock;
}

TEST(without_vblanks_all_three_ioctls_are_eopnotsupp)
{
	struct drm_crtc_get_sequence get = { 0 };
	struct drm_crtc_queue_sequence queue = { 0 };
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	if (wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 0, 0, NULL) != EOPNOTSUPP)
		skip("the driver has vblanks");
	get.crtc_id = queue.crtc_id = kms.crtc;
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get), EOPNOTSUPP);
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue), EOPNOTSUPP);
}

TEST(a_relative_wait_of_0_answers_at_once)
{
	struct drm_wait_vblank_reply reply;
	struct kms kms;

	open_screen(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 0, 0, &reply));
	/* What was relative has become absolute. */
	EXPECT_EQ(reply.type, _DRM_VBLANK_ABSOLUTE | pipe_bits(&kms));
	EXPECT(reply.tval_usec >= 0 && reply.tval_usec < 1000000);
}

TEST(a_relative_wait_passes_that_many_vblanks)
{
	struct drm_wait_vblank_reply before, after;
	struct kms kms;

	open_screen(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 0, 0, &before));
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 3, 0, &after));
	EXPECT(after.sequence - before.sequence >= 3);
	EXPECT(after.sequence - before.sequence < 100);
}

TEST(an_absolute_wait_ends_at_its_sequence)
{
	struct drm_wait_vblank_reply reply;
	struct kms kms;
	uint32_t now;

	open_screen(&kms);
	now = current(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_ABSOLUTE, now + 2, 0, &reply));
	EXPECT((int32_t)(reply.sequence - (now + 2)) >= 0);
}

TEST(an_absolute_wait_for_the_past_returns_at_once)
{
	struct drm_wait_vblank_reply reply;
	struct kms kms;
	uint32_t now;

	open_screen(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 2, 0, NULL));
	now = current(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_ABSOLUTE, now - 1, 0, &reply));
	EXPECT((int32_t)(reply.sequence - now) >= 0);
}

TEST(next_on_miss_waits_for_the_next_vblank_instead)
{
	struct drm_wait_vblank_reply reply;
	struct kms kms;
	uint32_t now;

	open_screen(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 1, 0, NULL));
	now = current(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_ABSOLUTE | _DRM_VBLANK_NEXTONMISS, now, 0,
			      &reply));
	EXPECT((int32_t)(reply.sequence - now) > 0);
}

TEST(a_vblank_event_arrives_with_its_data)
{
	struct drm_event_vblank event;
	struct drm_wait_vblank_reply reply;
	struct kms kms;
	uint64_t stamp;

	open_screen(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE | _DRM_VBLANK_EVENT, 2, 0xfeed, &reply));
	/* The answer tells the sequence that was asked for. */
	read_vblank_event(kms.fd, &event);
	EXPECT_EQ(event.base.type, DRM_EVENT_VBLANK);
	EXPECT_EQ(event.user_data, 0xfeed);
	EXPECT_EQ(event.crtc_id, kms.crtc);
	EXPECT((int32_t)(event.sequence - reply.sequence) >= 0);
	stamp = event.tv_sec * 1000000000ull + event.tv_usec * 1000ull;
	EXPECT(stamp < now_ns() + 1000000000 && stamp + 10000000000 > now_ns());
}

TEST(a_vblank_event_for_the_past_comes_at_once)
{
	struct drm_event_vblank event;
	struct kms kms;

	open_screen(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 2, 0, NULL));
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_ABSOLUTE | _DRM_VBLANK_EVENT, current(&kms) - 1, 1,
			      NULL));
	EXPECT(readable(kms.fd, 0));
	read_vblank_event(kms.fd, &event);
	EXPECT_EQ(event.user_data, 1);
}

TEST(several_vblank_events_come_in_order)
{
	struct drm_event_vblank event, last = { 0 };
	struct kms kms;

	open_screen(&kms);
	for (uint32_t i = 4; i >= 1; i--)
		EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE | _DRM_VBLANK_EVENT, i * 3, i,
				      NULL));
	for (uint32_t i = 1; i <= 4; i++) {
		read_vblank_event(kms.fd, &event);
		EXPECT_EQ(event.user_data, i);
		if (i > 1)
			EXPECT((int32_t)(event.sequence - last.sequence) > 0);
		last = event;
	}
}

TEST(wait_vblank_with_bad_flags_is_einval)
{
	struct kms kms;

	open_screen(&kms);
	EXPECT_ERROR(wait_vblank(&kms, _DRM_VBLANK_RELATIVE | _DRM_VBLANK_SIGNAL, 0, 0, NULL),
		     EINVAL);
	EXPECT_ERROR(wait_vblank(&kms, _DRM_VBLANK_RELATIVE | 0x02000000, 0, 0, NULL), EINVAL);
	EXPECT_ERROR(wait_vblank(&kms, 0x80, 0, 0, NULL), EINVAL);
}

TEST(wait_vblank_on_an_unknown_pipe_is_einval)
{
	struct kms kms;

	open_screen(&kms);
	kms.pipe = 31;
	EXPECT_ERROR(wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 0, 0, NULL), EINVAL);
}

TEST(wait_vblank_on_a_dark_crtc_is_einval)
{
	struct kms kms;

	open_screen(&kms);
	EXPECT_OK(kms_off(&kms));
	EXPECT_ERROR(wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 1, 0, NULL), EINVAL);
	EXPECT_ERROR(wait_vblank(&kms, _DRM_VBLANK_RELATIVE | _DRM_VBLANK_EVENT, 1, 0, NULL),
		     EINVAL);
}

TEST(a_file_that_is_not_master_may_wait_for_vblanks)
{
	struct kms kms, other;

	open_screen(&kms);
	other = kms;
	other.fd = open_second();
	EXPECT_OK(wait_vblank(&other, _DRM_VBLANK_RELATIVE, 1, 0, NULL));
}

TEST(switching_off_sends_the_pending_events)
{
	struct drm_event_vblank event;
	struct kms kms;

	open_screen(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE | _DRM_VBLANK_EVENT, 100000, 5, NULL));
	EXPECT_OK(kms_off(&kms));
	read_vblank_event(kms.fd, &event);
	EXPECT_EQ(event.user_data, 5);
}

TEST(vblanks_come_at_the_refresh_rate)
{
	struct drm_event_vblank first, last;
	double frames, expected, took;
	struct kms kms;

	/* By the events' own clock, and over many frames: load does not matter. */
	open_screen(&kms);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE | _DRM_VBLANK_EVENT, 1, 0, NULL));
	read_vblank_event(kms.fd, &first);
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE | _DRM_VBLANK_EVENT, 40, 0, NULL));
	read_vblank_event(kms.fd, &last);
	frames = last.sequence - first.sequence;
	EXPECT(frames >= 39);
	took = (last.tv_sec - (double)first.tv_sec) * 1e9 +
		((double)last.tv_usec - (double)first.tv_usec) * 1e3;
	expected = frames * period_ns(&kms);
	if (took < expected * 0.95 || took > expected * 1.05)
		fail(__FILE__, __LINE__, "%.0f frames took %.1f ms, expected %.1f ms", frames,
		     took / 1e6, expected / 1e6);
}

TEST(crtc_get_sequence_counts_like_wait_vblank)
{
	struct drm_crtc_get_sequence get = { 0 };
	struct kms kms;
	uint32_t before, after;

	open_screen(&kms);
	get.crtc_id = kms.crtc;
	before = current(&kms);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get));
	after = current(&kms);
	EXPECT_EQ(get.active, 1);
	EXPECT((int32_t)((uint32_t)get.sequence - before) >= 0);
	EXPECT((int32_t)(after - (uint32_t)get.sequence) >= 0);
	EXPECT(get.sequence_ns > 0);
	EXPECT((uint64_t)get.sequence_ns < now_ns() + 1000000000);
}

TEST(crtc_get_sequence_of_an_unknown_crtc_is_enoent)
{
	struct drm_crtc_get_sequence get = { .crtc_id = 0x00ffffff };
	struct kms kms;

	open_screen(&kms);
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get), ENOENT);
	get.crtc_id = kms.connector;
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get), ENOENT);
}

TEST(crtc_get_sequence_of_a_dark_crtc_is_einval)
{
	struct drm_crtc_get_sequence get = { 0 };
	struct kms kms;

	open_screen(&kms);
	EXPECT_OK(kms_off(&kms));
	get.crtc_id = kms.crtc;
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get), EINVAL);
}

TEST(the_count_after_a_modeset_is_a_new_one)
{
	struct drm_crtc_get_sequence get = { 0 };
	struct request request = { 0 };
	uint64_t before;
	struct kms kms;
	int error;

	open_screen(&kms);
	if (drmSetClientCap(kms.fd, DRM_CLIENT_CAP_ATOMIC, 1))
		skip("the driver is not atomic");
	EXPECT_OK(find_plane(kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms.pipe, &kms.primary));
	request_modeset(&request, &kms, blob_create(kms.fd, &kms.mode, sizeof(kms.mode)),
			crtc_fb(&kms));
	get.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get));
	for (int i = 0; i < 5; i++) {
		before = get.sequence;
		EXPECT_OK(kms_off(&kms));
		EXPECT_OK(request_commit(kms.fd, &request,
					 DRM_MODE_ATOMIC_ALLOW_MODESET | DRM_MODE_ATOMIC_NONBLOCK,
					 0));
		do
			error = call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get);
		while (error == EINVAL); /* not on yet */
		EXPECT_OK(error);
		EXPECT(get.sequence > before);
	}
}

TEST(crtc_queue_sequence_sends_an_event)
{
	struct drm_crtc_queue_sequence queue = {
		.flags = DRM_CRTC_SEQUENCE_RELATIVE, .sequence = 2, .user_data = 0xbeef,
	};
	struct drm_event_crtc_sequence event;
	struct kms kms;

	open_screen(&kms);
	queue.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue));
	EXPECT_EQ(read_events(kms.fd, &event, sizeof(event)), sizeof(event));
	EXPECT_EQ(event.base.type, DRM_EVENT_CRTC_SEQUENCE);
	EXPECT_EQ(event.base.length, sizeof(event));
	EXPECT_EQ(event.user_data, 0xbeef);
	EXPECT(event.sequence >= queue.sequence);
	EXPECT(event.time_ns > 0);
}

TEST(crtc_queue_sequence_takes_absolute_and_missed_sequences)
{
	struct drm_crtc_get_sequence get = { 0 };
	struct drm_crtc_queue_sequence queue = { 0 };
	struct drm_event_crtc_sequence event;
	struct kms kms;

	open_screen(&kms);
	get.crtc_id = queue.crtc_id = kms.crtc;
	EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE, 2, 0, NULL));
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get));
	queue.sequence = get.sequence - 1;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue));
	EXPECT(readable(kms.fd, 0));
	EXPECT_EQ(read_events(kms.fd, &event, sizeof(event)), sizeof(event));
	queue.sequence = get.sequence;
	queue.flags = DRM_CRTC_SEQUENCE_NEXT_ON_MISS;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue));
	EXPECT_EQ(read_events(kms.fd, &event, sizeof(event)), sizeof(event));
	EXPECT(event.sequence > get.sequence);
	EXPECT_EQ(event.sequence >= queue.sequence, 1);
}

TEST(crtc_queue_sequence_with_bad_arguments_is_refused)
{
	struct drm_crtc_queue_sequence queue = { .crtc_id = 0x00ffffff };
	struct kms kms;

	open_screen(&kms);
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue), ENOENT);
	queue.crtc_id = kms.crtc;
	queue.flags = 4;
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue), EINVAL);
	queue.flags = DRM_CRTC_SEQUENCE_RELATIVE;
	queue.sequence = 1;
	EXPECT_OK(kms_off(&kms));
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue), EINVAL);
}

/* Beyond this a count is taken for one that has wrapped. */
#define LONG_GONE ((1u << 23) + 2)

TEST(a_sequence_long_gone_comes_when_the_crtc_goes_off)
{
	struct drm_crtc_get_sequence get = { 0 };
	struct drm_crtc_queue_sequence queue = { .user_data = 5 };
	struct drm_event_crtc_sequence event;
	struct kms kms;

	open_screen(&kms);
	get.crtc_id = queue.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get));
	queue.sequence = get.sequence - LONG_GONE;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue));
	EXPECT_EQ(queue.sequence, get.sequence - LONG_GONE);
	EXPECT(!readable(kms.fd, 200));
	EXPECT_OK(kms_off(&kms));
	EXPECT_EQ(read_events(kms.fd, &event, sizeof(event)), sizeof(event));
	EXPECT_EQ(event.user_data, 5);
}

TEST(a_sequence_that_just_passed_comes_at_once)
{
	struct drm_crtc_get_sequence get = { 0 };
	struct drm_crtc_queue_sequence queue = { 0 };
	struct drm_event_crtc_sequence event;
	struct kms kms;

	open_screen(&kms);
	get.crtc_id = queue.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get));
	queue.sequence = get.sequence - (1u << 22);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue));
	EXPECT(queue.sequence >= get.sequence);
	EXPECT(readable(kms.fd, 0));
	EXPECT_EQ(read_events(kms.fd, &event, sizeof(event)), sizeof(event));
	EXPECT_EQ(event.sequence, queue.sequence);
}

TEST(waiting_for_a_vblank_long_gone_ends_after_three_seconds)
{
	struct kms kms;
	uint64_t start;

	open_screen(&kms);
	start = now_ns();
	EXPECT_ERROR(wait_vblank(&kms, _DRM_VBLANK_ABSOLUTE, current(&kms) - LONG_GONE, 0, NULL),
		     EBUSY);
	EXPECT(now_ns() - start > 2900000000u);
}

TEST(events_carry_the_exact_time_of_their_vblank)
{
	struct drm_crtc_get_sequence get = { 0 };
	struct drm_event_vblank event;
	struct kms kms;

	open_screen(&kms);
	get.crtc_id = kms.crtc;
	/* Until both are of the same vblank, which they nearly always are. */
	for (int i = 0; i < 20; i++) {
		EXPECT_OK(wait_vblank(&kms, _DRM_VBLANK_RELATIVE | _DRM_VBLANK_EVENT, 1, 0, NULL));
		read_vblank_event(kms.fd, &event);
		EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &get));
		if ((uint32_t)get.sequence != event.sequence)
			continue;
		EXPECT_EQ(get.sequence_ns / 1000, event.tv_sec * 1000000ll + event.tv_usec);
		return;
	}
	skip("the machine is too busy");
}
