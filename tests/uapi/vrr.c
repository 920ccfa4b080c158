/* SPDX-License-Identifier: MIT */
/* A variable refresh rate: who may have it, and what it does to vblanks. */
#include "uapi.h"

static struct kms kms;
static uint32_t fb, next;

static bool capable(void)
{
	uint64_t value = 0;

	find_property(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "vrr_capable", &value);
	return value;
}

static uint64_t enabled(void)
{
	return property_value(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "VRR_ENABLED");
}

static int enable(uint64_t value, uint32_t flags)
{
	struct request request = { 0 };

	request_name(&request, kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "VRR_ENABLED", value);
	return request_commit(kms.fd, &request, flags, 0);
}

static void open_lit(void)
{
	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	next = fb_create(kms.fd, kms.mode.hdisplay, kms.mode.vdisplay);
}

static void open_variable(void)
{
	open_lit();
	if (!capable())
		skip("the monitor has a fixed rate");
	EXPECT_OK(enable(1, 0));
}

static uint64_t frame_ns(void)
{
	return 1000000ull * kms.mode.htotal * kms.mode.vtotal / kms.mode.clock;
}

/* Flip now; the number and time of the vblank that shows it. */
static uint64_t flip(uint64_t *ns)
{
	struct drm_event_vblank event;
	uint32_t shown = fb;

	EXPECT_OK(kms_flip(&kms, next, DRM_MODE_PAGE_FLIP_EVENT, 0));
	fb = next;
	next = shown;
	read_vblank_event(kms.fd, &event);
	*ns = event.tv_sec * 1000000000ull + event.tv_usec * 1000ull;
	return event.sequence;
}

static void sleep_until(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / 1000000000),
			       .tv_nsec = (long)(ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

TEST(every_crtc_has_a_switch_that_is_off)
{
	open_lit();
	EXPECT_EQ(enabled(), 0);
	EXPECT_ERROR(enable(2, 0), EINVAL);
	EXPECT_OK(enable(1, DRM_MODE_ATOMIC_TEST_ONLY));
	EXPECT_EQ(enabled(), 0);
	EXPECT_OK(enable(1, 0));
	EXPECT_EQ(enabled(), 1);
	EXPECT_OK(enable(0, 0));
	EXPECT_EQ(enabled(), 0);
}

TEST(what_a_monitor_is_capable_of_cannot_be_set)
{
	struct request request = { 0 };

	open_lit();
	if (!find_property(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "vrr_capable", NULL))
		skip("there is no vrr_capable");
	request_name(&request, kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "vrr_capable",
		     capable());
	EXPECT_ERROR(request_commit(kms.fd, &request, 0, 0), EINVAL);
}

TEST(a_flip_after_the_modes_frame_does_not_wait_for_another)
{
	uint64_t before, after, ns, sequence;

	open_variable();
	/* However late we are, one of these is not later than the longest frame. */
	for (int i = 0; i < 50; i++) {
		sequence = flip(&before);
		sleep_until(before + frame_ns() * 5 / 4);
		ns = now_ns();
		if (flip(&after) != sequence + 1 || after - before > 2 * frame_ns())
			continue;
		/* Microseconds are all that an event has. */
		EXPECT(after + 1000 >= ns);
		EXPECT(after - before >= frame_ns() * 5 / 4 - 1000);
		return;
	}
	skip("the machine is too busy");
}

TEST(flips_are_not_faster_than_the_mode)
{
	uint64_t ns, last_ns, sequence, last;

	open_variable();
	last = flip(&last_ns);
	for (int i = 0; i < 20; i++) {
		sequence = flip(&ns);
		EXPECT(sequence > last);
		EXPECT(ns - last_ns + 1000 >= (sequence - last) * frame_ns());
		last = sequence;
		last_ns = ns;
	}
}

TEST(without_flips_frames_last_longer)
{
	struct drm_crtc_get_sequence first, then;
	uint64_t ns;

	open_variable();
	flip(&ns);
	first.crtc_id = then.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &first));
	do {
		EXPECT_OK(call(kms.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &then));
	} while (then.sequence < first.sequence + 3);
	EXPECT((uint64_t)(then.sequence_ns - first.sequence_ns) >
	       (then.sequence - first.sequence) * (frame_ns() + frame_ns() / 10));
}
