/* SPDX-License-Identifier: MIT */
/* Atomic commits that do not wait for the vblank: what they may change. */
#include "uapi.h"

#ifndef DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP
#define DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP 0x15
#endif

#define ASYNC DRM_MODE_PAGE_FLIP_ASYNC
#define EVENT DRM_MODE_PAGE_FLIP_EVENT
#define NONBLOCK DRM_MODE_ATOMIC_NONBLOCK

static struct kms kms;
static uint32_t fb, next;

static void open_lit(void)
{
	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	next = fb_create(kms.fd, kms.mode.hdisplay, kms.mode.vdisplay);
}

static void open_async(void)
{
	open_lit();
	if (!get_cap(kms.fd, DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP))
		skip("the driver has no asynchronous commits");
}

static void set_plane(struct request *request, const char *name, uint64_t value)
{
	request_name(request, kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, name, value);
}

/* One property, asynchronously. */
static int commit_one(uint32_t object, uint32_t type, const char *name, uint64_t value)
{
	struct request request = { 0 };

	request_name(&request, kms.fd, object, type, name, value);
	return request_commit(kms.fd, &request, ASYNC, 0);
}

static int commit_plane(const char *name, uint64_t value)
{
	return commit_one(kms.primary, DRM_MODE_OBJECT_PLANE, name, value);
}

TEST(without_the_capability_the_flag_is_einval)
{
	open_lit();
	if (get_cap(kms.fd, DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP))
		skip("the driver has asynchronous commits");
	EXPECT_ERROR(commit_plane("FB_ID", next), EINVAL);
}

TEST(a_framebuffer_is_shown_at_once)
{
	struct drm_event_vblank event;

	open_async();
	/* Three would take three vblanks, and none of them can be EBUSY. */
	for (int i = 0; i < 3; i++) {
		struct request request = { 0 };

		set_plane(&request, "FB_ID", i % 2 ? fb : next);
		EXPECT_OK(request_commit(kms.fd, &request, ASYNC | EVENT | NONBLOCK, 42));
		read_vblank_event(kms.fd, &event);
		EXPECT_EQ(event.base.type, DRM_EVENT_FLIP_COMPLETE);
		EXPECT_EQ(event.user_data, 42);
		EXPECT_EQ(event.crtc_id, kms.crtc);
	}
	EXPECT_EQ(crtc_fb(&kms), next);
}

TEST(what_stays_as_it_is_may_be_named)
{
	struct request request = { 0 };

	open_async();
	request_plane(&request, &kms, kms.primary, next, kms.mode.hdisplay, kms.mode.vdisplay);
	request_name(&request, kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", 1);
	request_name(&request, kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID",
		     property_value(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID"));
	request_name(&request, kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID",
		     kms.crtc);
	EXPECT_OK(request_commit(kms.fd, &request, ASYNC, 0));
	EXPECT_EQ(crtc_fb(&kms), next);
}

TEST(nothing_but_the_framebuffer_may_change)
{
	open_async();
	EXPECT_ERROR(commit_plane("CRTC_X", 1), EINVAL);
	EXPECT_ERROR(commit_plane("SRC_X", 1 << 16), EINVAL);
	EXPECT_ERROR(commit_plane("CRTC_ID", 0), EINVAL);
	EXPECT_ERROR(commit_one(kms.crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", 0), EINVAL);
	EXPECT_ERROR(commit_one(kms.crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", 0), EINVAL);
	EXPECT_ERROR(commit_one(kms.connector, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", 0), EINVAL);
	EXPECT_EQ(crtc_fb(&kms), fb);
}

TEST(an_out_fence_is_einval)
{
	struct request request = { 0 };
	int32_t fence = 7;

	open_async();
	set_plane(&request, "FB_ID", next);
	request_name(&request, kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "OUT_FENCE_PTR",
		     PTR(&fence));
	EXPECT_ERROR(request_commit(kms.fd, &request, ASYNC, 0), EINVAL);
	EXPECT_EQ(fence, 7);
}

TEST(only_a_test_changes_nothing)
{
	struct request request = { 0 };

	open_async();
	set_plane(&request, "FB_ID", next);
	EXPECT_OK(request_commit(kms.fd, &request, ASYNC | DRM_MODE_ATOMIC_TEST_ONLY, 0));
	EXPECT_EQ(crtc_fb(&kms), fb);
	set_plane(&request, "CRTC_Y", 1);
	EXPECT_ERROR(request_commit(kms.fd, &request, ASYNC | DRM_MODE_ATOMIC_TEST_ONLY, 0),
		     EINVAL);
}

TEST(a_bad_framebuffer_is_einval)
{
	open_async();
	EXPECT_ERROR(commit_plane("FB_ID", kms.crtc), EINVAL);
	EXPECT_ERROR(commit_plane("FB_ID", 0), EINVAL);
}

TEST(in_formats_async_is_a_list_of_the_primarys_formats)
{
	uint64_t id = 0;
	drmModePropertyBlobRes *blob;
	const struct drm_format_modifier_blob *head;

	open_async();
	if (!find_property(kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, "IN_FORMATS_ASYNC", &id))
		skip("there is no IN_FORMATS_ASYNC");
	blob = drmModeGetPropertyBlob(kms.fd, (uint32_t)id);
	EXPECT(blob);
	EXPECT(blob->length >= sizeof(*head));
	head = blob->data;
	EXPECT_EQ(head->version, FORMAT_BLOB_CURRENT);
	EXPECT(head->count_formats > 0 && head->count_modifiers > 0);
	drmModeFreePropertyBlob(blob);
}
