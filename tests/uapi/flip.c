/* SPDX-License-Identifier: MIT */
/* Page flips, their events, and reading events in general. */
#include "uapi.h"

struct screen {
	struct kms kms;
	uint32_t fbs[3];
};

static void open_screen(struct screen *screen)
{
	kms_open(&screen->kms);
	kms_show(&screen->kms, &screen->fbs[0]);
	for (size_t i = 1; i < ARRAY_SIZE(screen->fbs); i++)
		screen->fbs[i] = fb_create(screen->kms.fd, screen->kms.mode.hdisplay,
					   screen->kms.mode.vdisplay);
}

/* Queue a flip behind one that may still be pending. */
static void flip_patiently(const struct screen *screen, uint32_t fb, uint32_t flags,
			   uint64_t user_data)
{
	int error;

	while ((error = kms_flip(&screen->kms, fb, flags, user_data)) == EBUSY)
		usleep(1000);
	EXPECT_OK(error);
}

TEST(a_flip_event_tells_everything)
{
	struct drm_event_vblank event;
	struct screen screen;
	uint64_t before, after, stamp;

	open_screen(&screen);
	before = now_ns();
	EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_EVENT,
			   0x123456789abcdef0));
	read_vblank_event(screen.kms.fd, &event);
	after = now_ns();
	EXPECT_EQ(event.base.type, DRM_EVENT_FLIP_COMPLETE);
	EXPECT_EQ(event.base.length, 32);
	EXPECT_EQ(event.user_data, 0x123456789abcdef0);
	EXPECT_EQ(event.crtc_id, screen.kms.crtc);
	EXPECT(event.tv_usec < 1000000);
	/* A vblank's time may lie before the request or just after its event. */
	stamp = event.tv_sec * 1000000000ull + event.tv_usec * 1000ull;
	EXPECT(stamp + 1000000000 > before && stamp < after + 1000000000);
	EXPECT_EQ(crtc_fb(&screen.kms), screen.fbs[1]);
}

TEST(sequences_and_times_of_flips_grow)
{
	struct drm_event_vblank event, last = { 0 };
	struct screen screen;

	open_screen(&screen);
	for (unsigned int i = 1; i <= 10; i++) {
		EXPECT_OK(kms_flip(&screen.kms, screen.fbs[i % 3], DRM_MODE_PAGE_FLIP_EVENT, i));
		read_vblank_event(screen.kms.fd, &event);
		EXPECT_EQ(event.user_data, i);
		if (i > 1 && has_vblank(&screen.kms))
			EXPECT((int32_t)(event.sequence - last.sequence) > 0);
		if (i > 1)
			EXPECT(event.tv_sec > last.tv_sec ||
			       (event.tv_sec == last.tv_sec && event.tv_usec >= last.tv_usec));
		last = event;
	}
}

TEST(getcrtc_shows_the_new_framebuffer_as_soon_as_the_flip_is_queued)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], 0, 0));
	EXPECT_EQ(crtc_fb(&screen.kms), screen.fbs[1]);
}

TEST(a_flip_without_the_flag_sends_no_event)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], 0, 1));
	EXPECT(!readable(screen.kms.fd, 200));
}

TEST(a_flip_to_the_same_framebuffer_completes)
{
	struct drm_event_vblank event;
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(kms_flip(&screen.kms, screen.fbs[0], DRM_MODE_PAGE_FLIP_EVENT, 4));
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.user_data, 4);
}

TEST(a_second_flip_while_one_is_pending_is_ebusy)
{
	struct screen screen;
	bool busy = false;

	open_screen(&screen);
	if (!has_vblank(&screen.kms))
		skip("flips are done at once");
	/* Two in one frame must meet, unless we are held up for a whole frame. */
	for (int i = 0; i < 50 && !busy; i++) {
		struct drm_event_vblank event;
		int error;

		EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_EVENT, 1));
		error = kms_flip(&screen.kms, screen.fbs[2], DRM_MODE_PAGE_FLIP_EVENT, 2);
		busy = error == EBUSY;
		if (!error)
			read_vblank_event(screen.kms.fd, &event);
		else
			EXPECT_ERROR(error, EBUSY);
		read_vblank_event(screen.kms.fd, &event);
	}
	EXPECT(busy);
	/* Refused means that nothing happened. */
	EXPECT_EQ(crtc_fb(&screen.kms), screen.fbs[1]);
	EXPECT(!readable(screen.kms.fd, 100));
}

TEST(a_flip_on_a_dark_crtc_is_ebusy)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(kms_off(&screen.kms));
	EXPECT_ERROR(kms_flip(&screen.kms, screen.fbs[1], 0, 0), EBUSY);
}

TEST(a_flip_with_bad_ids_is_enoent)
{
	struct screen screen;
	uint32_t crtc;

	open_screen(&screen);
	EXPECT_ERROR(kms_flip(&screen.kms, 0x00ffffff, 0, 0), ENOENT);
	EXPECT_ERROR(kms_flip(&screen.kms, 0, 0, 0), ENOENT);
	crtc = screen.kms.crtc;
	screen.kms.crtc = screen.kms.connector;
	EXPECT_ERROR(kms_flip(&screen.kms, screen.fbs[1], 0, 0), ENOENT);
	screen.kms.crtc = crtc;
	EXPECT_EQ(crtc_fb(&screen.kms), screen.fbs[0]);
}

TEST(a_flip_with_unknown_flags_is_einval)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(kms_flip(&screen.kms, screen.fbs[1], 0x10, 0), EINVAL);
	EXPECT_ERROR(kms_flip(&screen.kms, screen.fbs[1], 0x80000000, 0), EINVAL);
	/* Flags come before ids. */
	EXPECT_ERROR(kms_flip(&screen.kms, 0x00ffffff, 0x10, 0), EINVAL);
}

TEST(flip_extensions_need_their_capabilities)
{
	struct drm_mode_crtc_page_flip flip = { 0 };
	struct screen screen;

	open_screen(&screen);
	if (!get_cap(screen.kms.fd, DRM_CAP_ASYNC_PAGE_FLIP))
		EXPECT_ERROR(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_ASYNC, 0),
			     EINVAL);
	EXPECT_ERROR(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_TARGET, 0), EINVAL);
	if (!get_cap(screen.kms.fd, DRM_CAP_PAGE_FLIP_TARGET))
		EXPECT_ERROR(kms_flip(&screen.kms, screen.fbs[1],
				      DRM_MODE_PAGE_FLIP_TARGET_ABSOLUTE, 0), EINVAL);
	/* What is a sequence with the target flags must be 0 without. */
	flip.crtc_id = screen.kms.crtc;
	flip.fb_id = screen.fbs[1];
	flip.reserved = 1;
	EXPECT_ERROR(call(screen.kms.fd, DRM_IOCTL_MODE_PAGE_FLIP, &flip), EINVAL);
}

TEST(a_flip_to_a_framebuffer_too_small_is_enospc)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(kms_flip(&screen.kms, fb_create(screen.kms.fd, 64, 64), 0, 0), ENOSPC);
}

TEST(a_flip_to_another_format_is_einval)
{
	struct drm_mode_fb_cmd2 cmd = { .pixel_format = DRM_FORMAT_RGB565 };
	struct screen screen;
	struct dumb dumb;

	open_screen(&screen);
	dumb_create(screen.kms.fd, screen.kms.mode.hdisplay, screen.kms.mode.vdisplay, 32, &dumb);
	cmd.width = dumb.width;
	cmd.height = dumb.height;
	cmd.handles[0] = dumb.handle;
	cmd.pitches[0] = dumb.pitch;
	if (call(screen.kms.fd, DRM_IOCTL_MODE_ADDFB2, &cmd)) {
		cmd.pixel_format = DRM_FORMAT_ARGB8888;
		if (call(screen.kms.fd, DRM_IOCTL_MODE_ADDFB2, &cmd))
			skip("there is one format only");
	}
	EXPECT_ERROR(kms_flip(&screen.kms, cmd.fb_id, 0, 0), EINVAL);
}

TEST(closing_a_file_with_a_pending_flip_is_harmless)
{
	for (int i = 0; i < 5; i++) {
		struct screen screen;

		open_screen(&screen);
		EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_EVENT, 1));
		close(screen.kms.fd);
	}
}

TEST(removing_the_framebuffer_of_a_pending_flip_still_completes_it)
{
	struct drm_event_vblank event;
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_EVENT, 9));
	EXPECT_OK(rmfb(screen.kms.fd, screen.fbs[1]));
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.user_data, 9);
}

/* Reading */

TEST(a_buffer_too_small_reads_nothing_and_keeps_the_event)
{
	struct drm_event_vblank event;
	struct screen screen;
	char small[31];

	open_screen(&screen);
	EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_EVENT, 11));
	EXPECT(readable(screen.kms.fd, 10000));
	EXPECT_EQ(read(screen.kms.fd, small, sizeof(small)), 0);
	EXPECT_EQ(read(screen.kms.fd, small, 0), 0);
	EXPECT(readable(screen.kms.fd, 0));
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.user_data, 11);
	EXPECT(!readable(screen.kms.fd, 0));
}

TEST(one_read_takes_as_many_whole_events_as_fit)
{
	struct drm_event_vblank events[4];
	struct screen screen;
	ssize_t length;

	open_screen(&screen);
	for (unsigned int i = 0; i < 3; i++)
		flip_patiently(&screen, screen.fbs[i % 3], DRM_MODE_PAGE_FLIP_EVENT, i + 1);
	flip_patiently(&screen, screen.fbs[0], 0, 0);
	usleep(200000);
	length = read(screen.kms.fd, events, 2 * sizeof(events[0]) + 8);
	EXPECT_EQ(length, 2 * sizeof(events[0]));
	EXPECT_EQ(events[0].user_data, 1);
	EXPECT_EQ(events[1].user_data, 2);
	length = read(screen.kms.fd, events, sizeof(events));
	EXPECT_EQ(length, sizeof(events[0]));
	EXPECT_EQ(events[0].user_data, 3);
}

TEST(reading_into_bad_memory_is_efault_and_keeps_the_event)
{
	struct drm_event_vblank event;
	struct screen screen;
	void *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	open_screen(&screen);
	EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_EVENT, 12));
	EXPECT(readable(screen.kms.fd, 10000));
	EXPECT_EQ(read(screen.kms.fd, bad, 64), -1);
	EXPECT_EQ(errno, EFAULT);
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.user_data, 12);
}

TEST(a_blocking_read_waits_for_the_event)
{
	struct drm_event_vblank event;
	struct screen screen;

	open_screen(&screen);
	for (unsigned int i = 1; i <= 5; i++) {
		EXPECT_OK(kms_flip(&screen.kms, screen.fbs[i % 3], DRM_MODE_PAGE_FLIP_EVENT, i));
		EXPECT_EQ(read(screen.kms.fd, &event, sizeof(event)), sizeof(event));
		EXPECT_EQ(event.user_data, i);
	}
}

TEST(events_go_to_the_file_that_asked)
{
	struct screen screen;
	int other;

	open_screen(&screen);
	other = open_second();
	EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_EVENT, 1));
	EXPECT(readable(screen.kms.fd, 10000));
	EXPECT(!readable(other, 50));
}

TEST(a_child_can_read_the_events_of_its_parent)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(kms_flip(&screen.kms, screen.fbs[1], DRM_MODE_PAGE_FLIP_EVENT, 21));
	IN_CHILD({
		struct drm_event_vblank event;

		read_vblank_event(screen.kms.fd, &event);
		EXPECT_EQ(event.user_data, 21);
	});
	EXPECT(!readable(screen.kms.fd, 50));
}

TEST(unread_events_run_out_of_space_as_enomem)
{
	struct drm_event_vblank events[128];
	struct screen screen;
	int error = 0;
	unsigned int count;

	/* 4096 bytes of events may wait for one file: 128 of 32 bytes. */
	open_screen(&screen);
	for (count = 0; count < 200 && !error; count++) {
		while ((error = kms_flip(&screen.kms, screen.fbs[count % 3],
					 DRM_MODE_PAGE_FLIP_EVENT, count)) == EBUSY)
			usleep(1000);
	}
	EXPECT_ERROR(error, ENOMEM);
	EXPECT_EQ(count - 1, 128);
	flip_patiently(&screen, screen.fbs[0], 0, 0); /* the last was shown */
	EXPECT_EQ(read(screen.kms.fd, events, 33 * sizeof(*events) + 1), 33 * sizeof(*events));
	EXPECT_EQ(events[32].user_data, 32);
	EXPECT_EQ(read(screen.kms.fd, events, sizeof(events)), 95 * sizeof(*events));
	EXPECT_EQ(events[0].user_data, 33);
	EXPECT_EQ(events[94].user_data, 127);
}
