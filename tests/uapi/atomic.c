/* SPDX-License-Identifier: MIT */
/* Atomic commits: what is checked, what is refused, and that all or nothing happens. */
#include "uapi.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define NO_SUCH_ID 0x00ffffffu
#define MODESET DRM_MODE_ATOMIC_ALLOW_MODESET
#define TEST_ONLY DRM_MODE_ATOMIC_TEST_ONLY
#define NONBLOCK DRM_MODE_ATOMIC_NONBLOCK
#define EVENT DRM_MODE_PAGE_FLIP_EVENT

/* A lit screen and a second framebuffer for it. */
struct screen {
	struct kms kms;
	uint32_t fb, next;
};

static void open_screen(struct screen *screen)
{
	kms_open_atomic(&screen->kms);
	kms_show_atomic(&screen->kms, &screen->fb);
	screen->next = fb_create(screen->kms.fd, screen->kms.mode.hdisplay,
				 screen->kms.mode.vdisplay);
}

static uint64_t plane_value(const struct screen *screen, const char *name)
{
	return property_value(screen->kms.fd, screen->kms.primary, DRM_MODE_OBJECT_PLANE, name);
}

static uint64_t crtc_value(const struct screen *screen, const char *name)
{
	return property_value(screen->kms.fd, screen->kms.crtc, DRM_MODE_OBJECT_CRTC, name);
}

static void set_plane(struct request *request, const struct screen *screen, const char *name,
		      uint64_t value)
{
	request_name(request, screen->kms.fd, screen->kms.primary, DRM_MODE_OBJECT_PLANE, name,
		     value);
}

static void set_crtc(struct request *request, const struct screen *screen, const char *name,
		     uint64_t value)
{
	request_name(request, screen->kms.fd, screen->kms.crtc, DRM_MODE_OBJECT_CRTC, name, value);
}

static void set_connector(struct request *request, const struct screen *screen, const char *name,
			  uint64_t value)
{
	request_name(request, screen->kms.fd, screen->kms.connector, DRM_MODE_OBJECT_CONNECTOR,
		     name, value);
}

static int commit(const struct screen *screen, const struct request *request, uint32_t flags)
{
	return request_commit(screen->kms.fd, request, flags, 0);
}

/* One property of the primary plane. */
static int commit_plane(const struct screen *screen, const char *name, uint64_t value,
			uint32_t flags)
{
	struct request request = { 0 };

	set_plane(&request, screen, name, value);
	return commit(screen, &request, flags);
}

TEST(atomic_needs_the_client_capability)
{
	struct request request = { 0 };
	struct kms kms;

	kms_open(&kms);
	if (drmSetClientCap(kms.fd, DRM_CLIENT_CAP_ATOMIC, 1))
		skip("the driver is not atomic");
	EXPECT_EQ(drmSetClientCap(kms.fd, DRM_CLIENT_CAP_ATOMIC, 0), 0);
	EXPECT_ERROR(request_commit(kms.fd, &request, 0, 0), EINVAL);
}

TEST(an_empty_commit_succeeds)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(commit(&screen, &request, 0));
	EXPECT_OK(commit(&screen, &request, NONBLOCK));
	EXPECT_OK(commit(&screen, &request, TEST_ONLY));
}

TEST(an_event_without_a_crtc_is_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(commit(&screen, &request, EVENT), EINVAL);
}

TEST(unknown_flags_and_reserved_fields_are_einval)
{
	struct drm_mode_atomic atomic = { .reserved = 1 };
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(commit(&screen, &request, 0x10), EINVAL);
	EXPECT_ERROR(commit(&screen, &request, 0x80000000), EINVAL);
	EXPECT_ERROR(call(screen.kms.fd, DRM_IOCTL_MODE_ATOMIC, &atomic), EINVAL);
}

TEST(an_event_for_a_test_is_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	EXPECT_ERROR(commit(&screen, &request, TEST_ONLY | EVENT), EINVAL);
}

TEST(unknown_objects_and_properties_are_enoent)
{
	struct request request = { 0 };
	struct screen screen;
	uint32_t fb_id, active;

	open_screen(&screen);
	fb_id = find_property(screen.kms.fd, screen.kms.primary, DRM_MODE_OBJECT_PLANE, "FB_ID",
			      NULL);
	active = find_property(screen.kms.fd, screen.kms.crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE",
			       NULL);
	request_set(&request, NO_SUCH_ID, fb_id, screen.next);
	EXPECT_ERROR(commit(&screen, &request, 0), ENOENT);
	request = (struct request){ 0 };
	request_set(&request, screen.kms.primary, NO_SUCH_ID, 0);
	EXPECT_ERROR(commit(&screen, &request, 0), ENOENT);
	/* The property exists, but not on this object. */
	request = (struct request){ 0 };
	request_set(&request, screen.kms.primary, active, 1);
	EXPECT_ERROR(commit(&screen, &request, 0), ENOENT);
	/* An encoder has no properties at all. */
	request = (struct request){ 0 };
	request_set(&request, screen.kms.encoder, active, 1);
	EXPECT_ERROR(commit(&screen, &request, 0), ENOENT);
}

TEST(bad_arrays_are_efault)
{
	struct drm_mode_atomic atomic = { .count_objs = 1, .objs_ptr = 8 };
	struct screen screen;
	uint32_t count = 1;

	open_screen(&screen);
	EXPECT_ERROR(call(screen.kms.fd, DRM_IOCTL_MODE_ATOMIC, &atomic), EFAULT);
	atomic.objs_ptr = PTR(&screen.kms.primary);
	atomic.count_props_ptr = 8;
	EXPECT_ERROR(call(screen.kms.fd, DRM_IOCTL_MODE_ATOMIC, &atomic), EFAULT);
	atomic.count_props_ptr = PTR(&count);
	atomic.props_ptr = 8;
	EXPECT_ERROR(call(screen.kms.fd, DRM_IOCTL_MODE_ATOMIC, &atomic), EFAULT);
}

TEST(immutable_properties_are_einval)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(commit_plane(&screen, "type", DRM_PLANE_TYPE_OVERLAY, 0), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "type", DRM_PLANE_TYPE_PRIMARY, 0), EINVAL);
}

TEST(values_out_of_range_are_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_crtc(&request, &screen, "ACTIVE", 2);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "SRC_W", 1ull << 32, 0), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "CRTC_X", 1ull << 31, 0), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "FB_ID", NO_SUCH_ID, 0), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "FB_ID", screen.kms.crtc, 0), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "CRTC_ID", NO_SUCH_ID, 0), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "CRTC_ID", screen.kms.connector, 0), EINVAL);
	request = (struct request){ 0 };
	set_crtc(&request, &screen, "MODE_ID", NO_SUCH_ID);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
	request = (struct request){ 0 };
	set_connector(&request, &screen, "CRTC_ID", NO_SUCH_ID);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
	request = (struct request){ 0 };
	set_connector(&request, &screen, "DPMS", DRM_MODE_DPMS_OFF);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
}

TEST(a_mode_blob_of_the_wrong_size_is_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_crtc(&request, &screen, "MODE_ID",
		 blob_create(screen.kms.fd, &screen.kms.mode, sizeof(screen.kms.mode) - 1));
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
}

TEST(a_mode_blob_with_an_impossible_mode_is_einval)
{
	struct drm_mode_modeinfo mode;
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	mode = screen.kms.mode;
	mode.clock = 0;
	set_crtc(&request, &screen, "MODE_ID", blob_create(screen.kms.fd, &mode, sizeof(mode)));
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
}

TEST(a_commit_shows_another_framebuffer)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.fb);
	EXPECT_OK(commit_plane(&screen, "FB_ID", screen.next, 0));
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.next);
	EXPECT_EQ(crtc_fb(&screen.kms), screen.next);
}

TEST(test_only_changes_nothing)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(commit_plane(&screen, "FB_ID", screen.next, TEST_ONLY));
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.fb);
	request_modeset(&request, &screen.kms, 0, 0);
	EXPECT_OK(commit(&screen, &request, TEST_ONLY | MODESET));
	EXPECT_EQ(crtc_value(&screen, "ACTIVE"), 1);
	EXPECT(crtc_value(&screen, "MODE_ID") != 0);
	EXPECT(!readable(screen.kms.fd, 20));
}

TEST(test_only_finds_the_same_errors)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(commit_plane(&screen, "FB_ID", NO_SUCH_ID, TEST_ONLY), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "FB_ID", fb_create(screen.kms.fd, 64, 64), TEST_ONLY),
		     ENOSPC);
}

TEST(a_modeset_without_permission_is_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_crtc(&request, &screen, "ACTIVE", 0);
	EXPECT_ERROR(commit(&screen, &request, 0), EINVAL);
	EXPECT_ERROR(commit(&screen, &request, TEST_ONLY), EINVAL);
	EXPECT_EQ(crtc_value(&screen, "ACTIVE"), 1);
	EXPECT_OK(commit(&screen, &request, MODESET));
	EXPECT_EQ(crtc_value(&screen, "ACTIVE"), 0);
}

TEST(the_same_mode_again_is_no_modeset)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	request_modeset(&request, &screen.kms,
			blob_create(screen.kms.fd, &screen.kms.mode, sizeof(screen.kms.mode)),
			screen.next);
	EXPECT_OK(commit(&screen, &request, 0));
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.next);
}

TEST(a_plane_with_half_of_framebuffer_and_crtc_is_einval)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(commit_plane(&screen, "FB_ID", 0, 0), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "CRTC_ID", 0, 0), EINVAL);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.fb);
}

TEST(a_source_outside_the_framebuffer_is_enospc)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(commit_plane(&screen, "SRC_X", 1 << 16, 0), ENOSPC);
	EXPECT_ERROR(commit_plane(&screen, "SRC_H", (screen.kms.mode.vdisplay + 1ull) << 16, 0),
		     ENOSPC);
}

TEST(a_destination_too_large_is_erange)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(commit_plane(&screen, "CRTC_W", 0x80000000ull, 0), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "CRTC_X", 0x7fffffff, 0), ERANGE);
}

TEST(an_active_crtc_without_a_mode_is_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_crtc(&request, &screen, "MODE_ID", 0);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
}

TEST(a_mode_without_a_connector_is_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_connector(&request, &screen, "CRTC_ID", 0);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
}

TEST(a_connector_on_a_crtc_without_a_mode_is_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_crtc(&request, &screen, "MODE_ID", 0);
	set_crtc(&request, &screen, "ACTIVE", 0);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
}

TEST(one_invalid_object_stops_the_whole_commit)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	set_crtc(&request, &screen, "MODE_ID", NO_SUCH_ID);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.fb);
	request = (struct request){ 0 };
	set_plane(&request, &screen, "FB_ID", screen.next);
	request_set(&request, NO_SUCH_ID, 1, 1);
	EXPECT_ERROR(commit(&screen, &request, 0), ENOENT);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.fb);
	request = (struct request){ 0 };
	set_plane(&request, &screen, "FB_ID", screen.next);
	set_plane(&request, &screen, "SRC_X", 1 << 16);
	EXPECT_ERROR(commit(&screen, &request, 0), ENOSPC);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.fb);
	EXPECT_EQ(plane_value(&screen, "SRC_X"), 0);
}

TEST(the_last_value_of_a_property_counts)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	set_plane(&request, &screen, "FB_ID", screen.fb);
	EXPECT_OK(commit(&screen, &request, 0));
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.fb);
}

TEST(an_object_may_come_twice)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	set_crtc(&request, &screen, "ACTIVE", 1);
	set_plane(&request, &screen, "SRC_X", 0);
	EXPECT_OK(commit(&screen, &request, 0));
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.next);
}

TEST(a_nonblocking_commit_sends_one_event_for_its_crtc)
{
	struct drm_event_vblank event;
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	EXPECT_OK(request_commit(screen.kms.fd, &request, NONBLOCK | EVENT, 0xabcdef0123456789));
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.base.type, DRM_EVENT_FLIP_COMPLETE);
	EXPECT_EQ(event.user_data, 0xabcdef0123456789);
	EXPECT_EQ(event.crtc_id, screen.kms.crtc);
	EXPECT(!readable(screen.kms.fd, 100));
}

TEST(a_blocking_commit_has_its_event_ready)
{
	struct drm_event_vblank event;
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	EXPECT_OK(request_commit(screen.kms.fd, &request, EVENT, 3));
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.user_data, 3);
}

TEST(a_commit_that_touches_only_a_crtc_sends_an_event)
{
	struct drm_event_vblank event;
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_crtc(&request, &screen, "ACTIVE", 1);
	EXPECT_OK(request_commit(screen.kms.fd, &request, EVENT | NONBLOCK, 8));
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.user_data, 8);
}

TEST(switching_off_sends_its_event)
{
	struct drm_event_vblank event;
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	request_modeset(&request, &screen.kms, 0, 0);
	EXPECT_OK(request_commit(screen.kms.fd, &request, EVENT | MODESET, 6));
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.user_data, 6);
	EXPECT_EQ(crtc_value(&screen, "ACTIVE"), 0);
	EXPECT_EQ(crtc_value(&screen, "MODE_ID"), 0);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), 0);
}

TEST(an_event_from_a_crtc_that_stays_dark_is_einval)
{
	struct request off = { 0 }, request = { 0 };
	struct screen screen;

	open_screen(&screen);
	request_modeset(&off, &screen.kms, 0, 0);
	EXPECT_OK(commit(&screen, &off, MODESET));
	set_crtc(&request, &screen, "ACTIVE", 0);
	EXPECT_ERROR(commit(&screen, &request, EVENT | MODESET), EINVAL);
}

TEST(a_refused_commit_sends_no_event)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	set_plane(&request, &screen, "SRC_X", 1 << 16);
	EXPECT_ERROR(commit(&screen, &request, EVENT | NONBLOCK), ENOSPC);
	EXPECT(!readable(screen.kms.fd, 100));
}

TEST(overlapping_nonblocking_commits_are_ebusy)
{
	struct request to_next = { 0 }, to_first = { 0 };
	struct screen screen;
	bool busy = false;

	open_screen(&screen);
	if (!has_vblank(&screen.kms))
		skip("commits are done at once");
	set_plane(&to_next, &screen, "FB_ID", screen.next);
	set_plane(&to_first, &screen, "FB_ID", screen.fb);
	for (int i = 0; i < 50 && !busy; i++) {
		struct drm_event_vblank event;
		int error;

		EXPECT_OK(commit(&screen, &to_next, NONBLOCK | EVENT));
		error = commit(&screen, &to_first, NONBLOCK | EVENT);
		busy = error == EBUSY;
		read_vblank_event(screen.kms.fd, &event);
		if (!error)
			read_vblank_event(screen.kms.fd, &event);
		else
			EXPECT_ERROR(error, EBUSY);
	}
	EXPECT(busy);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.next);
	EXPECT(!readable(screen.kms.fd, 100));
}

TEST(a_blocking_commit_waits_for_a_pending_one)
{
	struct drm_event_vblank event;
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	EXPECT_OK(request_commit(screen.kms.fd, &request, NONBLOCK | EVENT, 1));
	EXPECT_OK(commit_plane(&screen, "FB_ID", screen.fb, 0));
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.user_data, 1);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.fb);
}

TEST(a_test_may_run_while_a_commit_is_pending)
{
	struct drm_event_vblank event;
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	EXPECT_OK(request_commit(screen.kms.fd, &request, NONBLOCK | EVENT, 1));
	EXPECT_OK(commit_plane(&screen, "FB_ID", screen.fb, TEST_ONLY));
	EXPECT_OK(commit_plane(&screen, "FB_ID", screen.fb, TEST_ONLY | NONBLOCK));
	read_vblank_event(screen.kms.fd, &event);
}

TEST(an_out_fence_is_a_descriptor_that_becomes_ready)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = 77;

	open_screen(&screen);
	set_plane(&request, &screen, "FB_ID", screen.next);
	set_crtc(&request, &screen, "OUT_FENCE_PTR", PTR(&fence));
	EXPECT_OK(commit(&screen, &request, TEST_ONLY));
	EXPECT_EQ(fence, -1);
	EXPECT_OK(commit(&screen, &request, NONBLOCK));
	EXPECT(fence >= 0);
	EXPECT(readable(fence, 10000));
	EXPECT_EQ(fcntl(fence, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	/* A bad pointer is seen at once; the value reads back as 0. */
	request = (struct request){ 0 };
	set_crtc(&request, &screen, "OUT_FENCE_PTR", 8);
	EXPECT_ERROR(commit(&screen, &request, NONBLOCK), EFAULT);
	EXPECT_EQ(crtc_value(&screen, "OUT_FENCE_PTR"), 0);
}

TEST(a_refused_commit_leaves_its_out_fence_at_minus_one)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = 77;

	open_screen(&screen);
	set_crtc(&request, &screen, "OUT_FENCE_PTR", PTR(&fence));
	set_plane(&request, &screen, "SRC_X", 1 << 16);
	EXPECT_ERROR(commit(&screen, &request, NONBLOCK), ENOSPC);
	EXPECT_EQ(fence, -1);
}

TEST(an_out_fence_can_be_an_in_fence)
{
	struct request first = { 0 }, second = { 0 };
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen);
	set_plane(&first, &screen, "FB_ID", screen.next);
	set_crtc(&first, &screen, "OUT_FENCE_PTR", PTR(&fence));
	EXPECT_OK(commit(&screen, &first, NONBLOCK));
	EXPECT_EQ((int64_t)plane_value(&screen, "IN_FENCE_FD"), -1);
	set_plane(&second, &screen, "IN_FENCE_FD", (uint64_t)fence);
	set_plane(&second, &screen, "FB_ID", screen.fb);
	EXPECT_OK(commit(&screen, &second, 0));
	EXPECT_OK(commit_plane(&screen, "IN_FENCE_FD", (uint64_t)-1, 0));
}

TEST(an_in_fence_that_is_no_fence_is_einval)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_ERROR(commit_plane(&screen, "IN_FENCE_FD", (uint64_t)open("/dev/null", O_RDONLY), 0),
		     EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "IN_FENCE_FD", 1000000, 0), EINVAL);
	EXPECT_ERROR(commit_plane(&screen, "IN_FENCE_FD", (uint64_t)-2, 0), EINVAL);
}

TEST(the_same_mode_by_setcrtc_keeps_the_blob)
{
	struct drm_mode_modeinfo mode;
	struct request request = { 0 };
	struct screen screen;
	uint32_t blob;

	open_screen(&screen);
	mode = screen.kms.mode;
	mode.vrefresh = 0; /* nobody looks at that */
	blob = blob_create(screen.kms.fd, &mode, sizeof(mode));
	request_modeset(&request, &screen.kms, blob, screen.fb);
	EXPECT_OK(commit(&screen, &request, MODESET));
	EXPECT_EQ(crtc_value(&screen, "MODE_ID"), blob);
	EXPECT_OK(kms_set(&screen.kms, screen.next));
	EXPECT_EQ(crtc_value(&screen, "MODE_ID"), blob);
}

TEST(a_legacy_change_shows_in_atomic_properties)
{
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(kms_off(&screen.kms));
	EXPECT_EQ(crtc_value(&screen, "ACTIVE"), 0);
	EXPECT_EQ(crtc_value(&screen, "MODE_ID"), 0);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), 0);
	EXPECT_EQ(plane_value(&screen, "CRTC_ID"), 0);
	EXPECT_OK(kms_set(&screen.kms, screen.next));
	EXPECT_EQ(crtc_value(&screen, "ACTIVE"), 1);
	EXPECT_EQ(plane_value(&screen, "FB_ID"), screen.next);
	EXPECT_EQ(plane_value(&screen, "CRTC_W"), screen.kms.mode.hdisplay);
	EXPECT_EQ(plane_value(&screen, "SRC_W"), (uint64_t)screen.kms.mode.hdisplay << 16);
	EXPECT_EQ(property_value(screen.kms.fd, screen.kms.connector, DRM_MODE_OBJECT_CONNECTOR,
				 "CRTC_ID"), screen.kms.crtc);
}

TEST(an_overlay_can_be_added_and_removed_atomically)
{
	struct request request = { 0 };
	struct screen screen;
	uint32_t overlay, fb;

	open_screen(&screen);
	if (find_plane(screen.kms.fd, DRM_PLANE_TYPE_OVERLAY, 1u << screen.kms.pipe, &overlay))
		skip("there is no overlay plane");
	fb = fb_create(screen.kms.fd, 64, 64);
	request_plane(&request, &screen.kms, overlay, fb, 64, 64);
	set_plane(&request, &screen, "FB_ID", screen.next);
	EXPECT_OK(commit(&screen, &request, 0));
	EXPECT_EQ(property_value(screen.kms.fd, overlay, DRM_MODE_OBJECT_PLANE, "FB_ID"), fb);
	request = (struct request){ 0 };
	request_plane(&request, &screen.kms, overlay, 0, 0, 0);
	EXPECT_OK(commit(&screen, &request, 0));
	EXPECT_EQ(property_value(screen.kms.fd, overlay, DRM_MODE_OBJECT_PLANE, "CRTC_ID"), 0);
}

TEST(the_cursor_plane_takes_a_buffer_atomically)
{
	struct request request = { 0 };
	struct drm_mode_fb_cmd2 cmd = { .pixel_format = DRM_FORMAT_ARGB8888 };
	struct screen screen;
	struct dumb dumb;
	uint32_t cursor;

	open_screen(&screen);
	if (find_plane(screen.kms.fd, DRM_PLANE_TYPE_CURSOR, 1u << screen.kms.pipe, &cursor))
		skip("there is no cursor plane");
	cmd.width = (uint32_t)get_cap(screen.kms.fd, DRM_CAP_CURSOR_WIDTH);
	cmd.height = (uint32_t)get_cap(screen.kms.fd, DRM_CAP_CURSOR_HEIGHT);
	dumb_create(screen.kms.fd, cmd.width, cmd.height, 32, &dumb);
	cmd.handles[0] = dumb.handle;
	cmd.pitches[0] = dumb.pitch;
	EXPECT_OK(call(screen.kms.fd, DRM_IOCTL_MODE_ADDFB2, &cmd));
	request_plane(&request, &screen.kms, cursor, cmd.fb_id, cmd.width, cmd.height);
	EXPECT_OK(commit(&screen, &request, 0));
	EXPECT_EQ(property_value(screen.kms.fd, cursor, DRM_MODE_OBJECT_PLANE, "FB_ID"),
		  cmd.fb_id);
}

/* Another connected connector with a CRTC and primary plane of its own. */
static void open_two(struct screen *screen, struct kms *second)
{
	drmModeRes *res;

	open_screen(screen);
	*second = screen->kms;
	second->connector = 0;
	res = drmModeGetResources(screen->kms.fd);
	for (int i = 0; i < res->count_connectors && !second->connector; i++) {
		drmModeConnector *connector = drmModeGetConnector(screen->kms.fd,
								  res->connectors[i]);
		drmModeEncoder *encoder;

		if (connector->connector_id == screen->kms.connector ||
		    connector->connection != DRM_MODE_CONNECTED || !connector->count_modes)
			continue;
		encoder = drmModeGetEncoder(screen->kms.fd, connector->encoders[0]);
		for (int c = 0; c < res->count_crtcs && !second->connector; c++) {
			if (res->crtcs[c] == screen->kms.crtc ||
			    !(encoder->possible_crtcs & 1u << c) ||
			    find_plane(screen->kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << c,
				       &second->primary) ||
			    second->primary == screen->kms.primary)
				continue;
			second->pipe = (uint32_t)c;
			second->crtc = res->crtcs[c];
			second->connector = connector->connector_id;
			memcpy(&second->mode, &connector->modes[0], sizeof(second->mode));
		}
	}
	if (!second->connector)
		skip("there is no second display");
}

TEST(one_commit_for_two_crtcs_sends_two_events)
{
	struct drm_event_vblank a, b;
	struct request request = { 0 };
	struct screen screen;
	struct kms second;
	uint32_t fb;

	open_two(&screen, &second);
	kms_show_atomic(&second, &fb);
	EXPECT_EQ(crtc_fb(&second), fb);
	EXPECT_EQ(crtc_fb(&screen.kms), screen.fb);
	set_plane(&request, &screen, "FB_ID", screen.next);
	request_name(&request, second.fd, second.primary, DRM_MODE_OBJECT_PLANE, "FB_ID",
		     fb_create(second.fd, second.mode.hdisplay, second.mode.vdisplay));
	EXPECT_OK(request_commit(second.fd, &request, EVENT | NONBLOCK, 15));
	read_vblank_event(second.fd, &a);
	read_vblank_event(second.fd, &b);
	EXPECT_EQ(a.user_data, 15);
	EXPECT_EQ(b.user_data, 15);
	EXPECT(a.crtc_id != b.crtc_id);
	EXPECT(a.crtc_id == second.crtc || b.crtc_id == second.crtc);
	EXPECT(a.crtc_id == screen.kms.crtc || b.crtc_id == screen.kms.crtc);
	EXPECT(!readable(second.fd, 50));
}

TEST(an_error_on_one_crtc_leaves_the_other_alone)
{
	struct request request = { 0 };
	struct screen screen;
	struct kms second;
	uint32_t fb;

	open_two(&screen, &second);
	kms_show_atomic(&second, &fb);
	set_plane(&request, &screen, "FB_ID", screen.next);
	request_name(&request, second.fd, second.primary, DRM_MODE_OBJECT_PLANE, "SRC_X", 1 << 16);
	EXPECT_ERROR(commit(&screen, &request, 0), ENOSPC);
	EXPECT_EQ(crtc_fb(&screen.kms), screen.fb);
}

TEST(each_crtc_flips_by_itself)
{
	struct drm_event_vblank event;
	struct screen screen;
	struct kms second;
	uint32_t fb, other;

	open_two(&screen, &second);
	kms_show_atomic(&second, &fb);
	other = fb_create(second.fd, second.mode.hdisplay, second.mode.vdisplay);
	EXPECT_OK(kms_flip(&second, other, EVENT, 1));
	EXPECT_OK(kms_flip(&screen.kms, screen.next, EVENT, 2));
	for (int i = 0; i < 2; i++) {
		read_vblank_event(second.fd, &event);
		EXPECT_EQ(event.crtc_id, event.user_data == 1 ? second.crtc : screen.kms.crtc);
	}
	EXPECT_EQ(crtc_fb(&second), other);
	EXPECT_EQ(crtc_fb(&screen.kms), screen.next);
}

/* Flip both all the time, each as soon as it has been shown, and count. */
static void flip_for_ever(const struct screen *screen, const struct kms *second,
			  const uint32_t fbs[4], _Atomic unsigned int *flips)
{
	struct drm_event_vblank event;
	unsigned int n[2] = { 0, 0 };

	for (unsigned int which = 0;; which = event.user_data) {
		const struct kms *kms = which ? second : &screen->kms;
		int error;

		while ((error = kms_flip(kms, fbs[2 * which + n[which]++ % 2], EVENT, which)) ==
		       EBUSY)
			;
		EXPECT_OK(error);
		if (which == 0 && n[0] == 1)
			EXPECT_OK(kms_flip(second, fbs[2], EVENT, 1));
		read_vblank_event(kms->fd, &event);
		(*flips)++;
	}
}

TEST(a_blocking_commit_to_two_crtcs_gets_its_turn)
{
	struct request request = { 0 };
	_Atomic unsigned int *flips;
	unsigned int during = 0;
	struct screen screen;
	struct kms second;
	uint32_t fb, fbs[4];
	pid_t child;

	open_two(&screen, &second);
	if (!has_vblank(&screen.kms))
		skip("the driver has no vblanks");
	kms_show_atomic(&second, &fb);
	fbs[0] = screen.next;
	fbs[1] = screen.fb;
	fbs[2] = fb_create(second.fd, second.mode.hdisplay, second.mode.vdisplay);
	fbs[3] = fb;
	flips = mmap(NULL, sizeof(*flips), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	EXPECT(flips != MAP_FAILED);
	child = fork_child();
	if (!child)
		flip_for_ever(&screen, &second, fbs, flips);
	while (*flips < 4)
		usleep(1000);
	set_plane(&request, &screen, "FB_ID", screen.next);
	request_name(&request, second.fd, second.primary, DRM_MODE_OBJECT_PLANE, "FB_ID", fbs[2]);
	for (unsigned int i = 0; i < 20; i++) {
		unsigned int before = *flips;

		EXPECT_OK(request_commit(second.fd, &request, 0, 0));
		during += *flips - before;
	}
	kill(child, SIGKILL);
	EXPECT_EQ(waitpid(child, NULL, 0), child);
	/* Each CRTC has one that is under way, and one more before the answer is here. */
	EXPECT(during <= 20 * 6);
}
