/* SPDX-License-Identifier: MIT */
/* Planes: what they say of themselves, and in which order they are shown. */
#include "uapi.h"

#ifndef DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT
#define DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT 6
#endif

#define TEST_ONLY DRM_MODE_ATOMIC_TEST_ONLY

static struct kms kms;

static void open_lit(void)
{
	uint32_t fb;

	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
}

static uint64_t value_of(uint32_t plane, const char *name)
{
	return property_value(kms.fd, plane, DRM_MODE_OBJECT_PLANE, name);
}

static uint32_t find(uint32_t plane, const char *name, uint64_t *value)
{
	return find_property(kms.fd, plane, DRM_MODE_OBJECT_PLANE, name, value);
}

static int set(uint32_t plane, const char *name, uint64_t value)
{
	struct request request = { 0 };

	request_name(&request, kms.fd, plane, DRM_MODE_OBJECT_PLANE, name, value);
	return request_commit(kms.fd, &request, 0, 0);
}

/* All planes of our CRTC that are of this type. */
static uint32_t list_planes(uint64_t type, uint32_t *ids, uint32_t room)
{
	drmModePlaneRes *res = drmModeGetPlaneResources(kms.fd);
	uint32_t n = 0;

	EXPECT(res);
	for (uint32_t i = 0; i < res->count_planes; i++) {
		drmModePlane *plane = drmModeGetPlane(kms.fd, res->planes[i]);

		EXPECT(plane);
		if ((plane->possible_crtcs & 1u << kms.pipe) && n < room &&
		    value_of(plane->plane_id, "type") == type)
			ids[n++] = plane->plane_id;
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(res);
	return n;
}

static uint32_t need_overlays(uint32_t *ids, uint32_t room, uint32_t needed)
{
	uint32_t n;

	open_lit();
	n = list_planes(DRM_PLANE_TYPE_OVERLAY, ids, room);
	if (n < needed)
		skip("there are %u overlay planes", n);
	return n;
}

static void range_of(uint32_t plane, const char *name, uint64_t *min, uint64_t *max, bool *fixed)
{
	drmModePropertyRes *prop = drmModeGetProperty(kms.fd, find(plane, name, NULL));

	EXPECT(prop);
	EXPECT(prop->flags & DRM_MODE_PROP_RANGE);
	EXPECT_EQ(prop->count_values, 2);
	*min = prop->values[0];
	*max = prop->values[1];
	*fixed = prop->flags & DRM_MODE_PROP_IMMUTABLE;
	drmModeFreeProperty(prop);
}

/* -- what they say ------------------------------------------------------------- */

static bool listed(const struct drm_format_modifier_blob *head, uint32_t format)
{
	const uint32_t *formats = (const void *)((const char *)head + head->formats_offset);
	const struct drm_format_modifier *mods =
		(const void *)((const char *)head + head->modifiers_offset);

	for (uint32_t m = 0; m < head->count_modifiers; m++)
		for (uint32_t i = 0; i < 64; i++)
			if ((mods[m].formats >> i & 1) &&
			    mods[m].offset + i < head->count_formats &&
			    formats[mods[m].offset + i] == format)
				return true;
	return false;
}

TEST(in_formats_lists_what_getplane_lists)
{
	drmModePlaneRes *res;

	open_lit();
	res = drmModeGetPlaneResources(kms.fd);
	EXPECT(res);
	for (uint32_t i = 0; i < res->count_planes; i++) {
		drmModePlane *plane = drmModeGetPlane(kms.fd, res->planes[i]);
		const struct drm_format_modifier_blob *head;
		drmModePropertyBlobRes *blob;
		uint64_t id = 0;

		EXPECT(plane);
		if (!find(plane->plane_id, "IN_FORMATS", &id))
			skip("there is no IN_FORMATS");
		blob = drmModeGetPropertyBlob(kms.fd, (uint32_t)id);
		EXPECT(blob && blob->length >= sizeof(*head));
		head = blob->data;
		EXPECT_EQ(head->version, FORMAT_BLOB_CURRENT);
		EXPECT_EQ(head->count_formats, plane->count_formats);
		EXPECT(head->modifiers_offset + head->count_modifiers *
			       sizeof(struct drm_format_modifier) <= blob->length);
		EXPECT(head->formats_offset + 4 * head->count_formats <= blob->length);
		for (uint32_t f = 0; f < plane->count_formats; f++)
			EXPECT(listed(head, plane->formats[f]));
		drmModeFreePropertyBlob(blob);
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(res);
}

/* Room for 64x64 pixels of anything; one object for all colour planes. */
static uint32_t fb_of(uint32_t format, const struct dumb *dumb)
{
	struct drm_mode_fb_cmd2 cmd = { .width = 64, .height = 64, .pixel_format = format };

	/* Which of the four there are is for the driver to know: try. */
	for (int planes = 1; planes <= 3; planes++) {
		cmd.handles[planes - 1] = dumb->handle;
		cmd.pitches[planes - 1] = dumb->pitch;
		if (!call(dumb->fd, DRM_IOCTL_MODE_ADDFB2, &cmd))
			return cmd.fb_id;
	}
	return 0;
}

TEST(every_format_of_a_plane_can_be_shown_on_it)
{
	drmModePlaneRes *res;
	struct dumb dumb;

	open_lit();
	dumb_create(kms.fd, 1024, 64, 32, &dumb);
	res = drmModeGetPlaneResources(kms.fd);
	EXPECT(res);
	for (uint32_t i = 0; i < res->count_planes; i++) {
		drmModePlane *plane = drmModeGetPlane(kms.fd, res->planes[i]);

		EXPECT(plane);
		for (uint32_t f = 0; f < plane->count_formats; f++) {
			struct request request = { 0 };
			uint32_t fb;

			if (!(plane->possible_crtcs & 1u << kms.pipe) ||
			    value_of(plane->plane_id, "type") != DRM_PLANE_TYPE_OVERLAY)
				continue;
			fb = fb_of(plane->formats[f], &dumb);
			EXPECT(fb);
			request_plane(&request, &kms, plane->plane_id, fb, 64, 64);
			EXPECT_OK(request_commit(kms.fd, &request, TEST_ONLY, 0));
			EXPECT_OK(rmfb(kms.fd, fb));
		}
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(res);
}

TEST(the_sizes_that_a_cursor_likes_are_within_its_limits)
{
	const struct { uint16_t width, height; } *hints;
	drmModePropertyBlobRes *blob;
	uint32_t cursor;
	uint64_t id = 0;

	open_lit();
	if (list_planes(DRM_PLANE_TYPE_CURSOR, &cursor, 1) != 1 ||
	    !find(cursor, "SIZE_HINTS", &id))
		skip("there are no SIZE_HINTS");
	blob = drmModeGetPropertyBlob(kms.fd, (uint32_t)id);
	EXPECT(blob);
	EXPECT(blob->length && blob->length % sizeof(*hints) == 0);
	hints = blob->data;
	for (size_t i = 0; i < blob->length / sizeof(*hints); i++) {
		struct drm_mode_cursor set = { .flags = DRM_MODE_CURSOR_BO };
		struct dumb dumb;

		EXPECT(hints[i].width >= 1 &&
		       hints[i].width <= get_cap(kms.fd, DRM_CAP_CURSOR_WIDTH));
		EXPECT(hints[i].height >= 1 &&
		       hints[i].height <= get_cap(kms.fd, DRM_CAP_CURSOR_HEIGHT));
		dumb_create(kms.fd, hints[i].width, hints[i].height, 32, &dumb);
		set.crtc_id = kms.crtc;
		set.width = hints[i].width;
		set.height = hints[i].height;
		set.handle = dumb.handle;
		EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_CURSOR, &set));
	}
	drmModeFreePropertyBlob(blob);
}

/* -- order --------------------------------------------------------------------- */

TEST(the_primary_is_below_and_the_cursor_above)
{
	uint64_t primary, cursor, min, max;
	uint32_t overlays[32], id, n;
	bool fixed;

	open_lit();
	if (!find(kms.primary, "zpos", &primary))
		skip("there is no zpos");
	n = list_planes(DRM_PLANE_TYPE_OVERLAY, overlays, ARRAY_SIZE(overlays));
	for (uint32_t i = 0; i < n; i++) {
		range_of(overlays[i], "zpos", &min, &max, &fixed);
		EXPECT(value_of(overlays[i], "zpos") >= min);
		EXPECT(value_of(overlays[i], "zpos") <= max);
		EXPECT(value_of(overlays[i], "zpos") > primary);
		if (list_planes(DRM_PLANE_TYPE_CURSOR, &id, 1) && find(id, "zpos", &cursor))
			EXPECT(value_of(overlays[i], "zpos") < cursor);
	}
}

TEST(zpos_is_kept_within_its_range_only)
{
	uint32_t overlays[32], n = need_overlays(overlays, ARRAY_SIZE(overlays), 1);
	uint64_t min, max;
	bool fixed;

	if (!find(overlays[0], "zpos", NULL))
		skip("there is no zpos");
	for (uint32_t i = 0; i < n; i++) {
		range_of(overlays[i], "zpos", &min, &max, &fixed);
		if (fixed)
			skip("overlays have a fixed place");
		EXPECT_ERROR(set(overlays[i], "zpos", max + 1), EINVAL);
		if (min)
			EXPECT_ERROR(set(overlays[i], "zpos", min - 1), EINVAL);
		for (uint64_t zpos = min; zpos <= max; zpos++) {
			EXPECT_OK(set(overlays[i], "zpos", zpos));
			EXPECT_EQ(value_of(overlays[i], "zpos"), zpos);
		}
	}
}

TEST(a_fixed_zpos_cannot_be_set)
{
	uint64_t min, max;
	bool fixed;

	open_lit();
	if (!find(kms.primary, "zpos", NULL))
		skip("there is no zpos");
	range_of(kms.primary, "zpos", &min, &max, &fixed);
	if (!fixed)
		skip("the primary may change its place");
	EXPECT_EQ(min, max);
	EXPECT_EQ(value_of(kms.primary, "zpos"), min);
	EXPECT_ERROR(set(kms.primary, "zpos", min), EINVAL);
}

TEST(two_planes_may_have_the_same_zpos)
{
	uint32_t overlays[32], fb;
	struct request request = { 0 };

	need_overlays(overlays, ARRAY_SIZE(overlays), 2);
	if (!find(overlays[0], "zpos", NULL))
		skip("there is no zpos");
	fb = fb_create(kms.fd, 64, 64);
	for (int i = 0; i < 2; i++) {
		request_plane(&request, &kms, overlays[i], fb, 64, 64);
		request_name(&request, kms.fd, overlays[i], DRM_MODE_OBJECT_PLANE, "zpos",
			     value_of(overlays[0], "zpos"));
	}
	EXPECT_OK(request_commit(kms.fd, &request, 0, 0));
	EXPECT_EQ(value_of(overlays[1], "zpos"), value_of(overlays[0], "zpos"));
}

TEST(all_overlays_can_be_shown_at_once)
{
	uint32_t overlays[32], n = need_overlays(overlays, ARRAY_SIZE(overlays), 1), fb;
	struct request request = { 0 };

	fb = fb_create(kms.fd, 64, 64);
	for (uint32_t i = 0; i < n; i++)
		request_plane(&request, &kms, overlays[i], fb, 64, 64);
	EXPECT_OK(request_commit(kms.fd, &request, 0, 0));
	for (uint32_t i = 0; i < n; i++)
		EXPECT_EQ(value_of(overlays[i], "FB_ID"), fb);
}

/* Whoever renders each of them elsewhere has as many fences. */
TEST(every_plane_may_have_a_fence_of_its_own)
{
	uint32_t overlays[32], n = need_overlays(overlays, ARRAY_SIZE(overlays), 1), fb;
	int fence = kms_fence(&kms, crtc_fb(&kms)), fences[32];
	struct request request = { 0 };

	EXPECT(fence >= 0);
	fb = fb_create(kms.fd, 64, 64);
	for (uint32_t i = 0; i < n; i++) {
		fences[i] = dup(fence);
		EXPECT(fences[i] >= 0);
		request_plane(&request, &kms, overlays[i], fb, 64, 64);
		request_name(&request, kms.fd, overlays[i], DRM_MODE_OBJECT_PLANE, "IN_FENCE_FD",
			     fences[i]);
	}
	request_name(&request, kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, "IN_FENCE_FD", fence);
	EXPECT_OK(request_commit(kms.fd, &request, TEST_ONLY, 0));
	EXPECT_OK(request_commit(kms.fd, &request, 0, 0));
	for (uint32_t i = 0; i < n; i++)
		EXPECT_EQ(value_of(overlays[i], "FB_ID"), fb);
}

/* -- the rest ------------------------------------------------------------------ */

TEST(a_scaling_filter_is_one_of_those_that_are_named)
{
	open_lit();
	if (!find(kms.primary, "SCALING_FILTER", NULL))
		skip("there is no SCALING_FILTER");
	EXPECT_EQ(value_of(kms.primary, "SCALING_FILTER"), 0);
	EXPECT_ERROR(set(kms.primary, "SCALING_FILTER", 7), EINVAL);
	EXPECT_OK(set(kms.primary, "SCALING_FILTER", 1));
	EXPECT_EQ(value_of(kms.primary, "SCALING_FILTER"), 1);
	EXPECT_OK(set(kms.primary, "SCALING_FILTER", 0));
}

static int set_cap(int fd, uint64_t cap, uint64_t value)
{
	struct drm_set_client_cap set = { .capability = cap, .value = value };

	return call(fd, DRM_IOCTL_SET_CLIENT_CAP, &set);
}

static uint32_t count_cursors(void)
{
	uint32_t ids[8];

	return list_planes(DRM_PLANE_TYPE_CURSOR, ids, ARRAY_SIZE(ids));
}

TEST(without_virtual_cursors_hotspots_are_eopnotsupp)
{
	int error;

	kms_open_atomic(&kms);
	error = set_cap(kms.fd, DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 1);
	if (!error)
		skip("cursors are virtual");
	if (error == EINVAL)
		skip("the kernel is older than hotspots");
	EXPECT_EQ(error, EOPNOTSUPP);
}

static void open_virtual(void)
{
	kms_open_atomic(&kms);
	if (set_cap(kms.fd, DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 1))
		skip("cursors are not virtual");
}

TEST(virtual_cursors_are_for_those_who_know_hotspots)
{
	open_virtual();
	EXPECT_EQ(count_cursors(), 1);
	EXPECT_OK(set_cap(kms.fd, DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 0));
	EXPECT_EQ(count_cursors(), 0);
	EXPECT_ERROR(set_cap(kms.fd, DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 2), EINVAL);
	/* Whoever is not atomic moves the cursor by calls that have a hotspot. */
	EXPECT_OK(set_cap(kms.fd, DRM_CLIENT_CAP_ATOMIC, 0));
	EXPECT_OK(set_cap(kms.fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1));
	EXPECT_EQ(count_cursors(), 1);
	EXPECT_ERROR(set_cap(kms.fd, DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 1), EINVAL);
}

TEST(a_hotspot_is_what_was_set_last_by_either_way)
{
	struct drm_mode_cursor2 move = { .flags = DRM_MODE_CURSOR_BO, .hot_x = 3, .hot_y = 4,
					 .width = 64, .height = 64 };
	struct dumb dumb;
	uint32_t cursor;

	open_virtual();
	EXPECT_EQ(list_planes(DRM_PLANE_TYPE_CURSOR, &cursor, 1), 1);
	EXPECT_EQ(value_of(cursor, "HOTSPOT_X"), 0);
	EXPECT_OK(set(cursor, "HOTSPOT_X", (uint64_t)-7));
	EXPECT_EQ(value_of(cursor, "HOTSPOT_X"), (uint64_t)-7);
	EXPECT_ERROR(set(cursor, "HOTSPOT_Y", 1ull << 31), EINVAL);
	kms_show_atomic(&kms, &(uint32_t){ 0 });
	dumb_create(kms.fd, 64, 64, 32, &dumb);
	move.crtc_id = kms.crtc;
	move.handle = dumb.handle;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_CURSOR2, &move));
	EXPECT_EQ(value_of(cursor, "HOTSPOT_X"), 3);
	EXPECT_EQ(value_of(cursor, "HOTSPOT_Y"), 4);
}
