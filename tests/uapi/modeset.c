/* SPDX-License-Identifier: MIT */
/* The old way to set a mode, move a cursor, show a plane, load a gamma table. */
#include "uapi.h"

#include <linux/dma-buf.h>

#define NO_SUCH_ID 0x00ffffffu

static struct drm_mode_crtc good(const struct kms *kms, uint32_t fb)
{
	return (struct drm_mode_crtc){
		.set_connectors_ptr = PTR(&kms->connector), .count_connectors = 1,
		.crtc_id = kms->crtc, .fb_id = fb, .mode = kms->mode, .mode_valid = 1,
	};
}

static int setcrtc(const struct kms *kms, struct drm_mode_crtc *crtc)
{
	return call(kms->fd, DRM_IOCTL_MODE_SETCRTC, crtc);
}

TEST(setcrtc_lights_every_mode_up_to_full_hd)
{
	struct kms kms;
	drmModeConnector *connector;
	unsigned int count = 0;

	kms_open(&kms);
	connector = drmModeGetConnector(kms.fd, kms.connector);
	for (int i = 0; i < connector->count_modes && count < 4; i++) {
		struct drm_mode_crtc crtc = { .crtc_id = kms.crtc };
		uint32_t fb;

		memcpy(&kms.mode, &connector->modes[i], sizeof(kms.mode));
		if (kms.mode.hdisplay > 1920 || kms.mode.vdisplay > 1080)
			continue;
		count++;
		kms_show(&kms, &fb);
		EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCRTC, &crtc));
		EXPECT_EQ(crtc.fb_id, fb);
		EXPECT_EQ(crtc.mode.hdisplay, kms.mode.hdisplay);
		EXPECT_EQ(crtc.mode.vdisplay, kms.mode.vdisplay);
		EXPECT_OK(rmfb(kms.fd, fb));
	}
	EXPECT(count > 0);
}

TEST(setcrtc_disables_without_mode_and_connectors)
{
	struct drm_mode_crtc crtc = { 0 };
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	EXPECT_OK(kms_off(&kms));
	crtc.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCRTC, &crtc));
	EXPECT_EQ(crtc.fb_id, 0);
	EXPECT_EQ(crtc.mode_valid, 0);
	EXPECT_OK(kms_off(&kms));
}

TEST(setcrtc_with_bad_ids_is_enoent)
{
	struct drm_mode_crtc crtc;
	uint32_t bad = NO_SUCH_ID, fb;
	struct kms kms;

	kms_open(&kms);
	kms_show(&kms, &fb);
	crtc = good(&kms, fb);
	crtc.crtc_id = NO_SUCH_ID;
	EXPECT_ERROR(setcrtc(&kms, &crtc), ENOENT);
	crtc = good(&kms, NO_SUCH_ID);
	EXPECT_ERROR(setcrtc(&kms, &crtc), ENOENT);
	crtc = good(&kms, fb);
	crtc.set_connectors_ptr = PTR(&bad);
	EXPECT_ERROR(setcrtc(&kms, &crtc), ENOENT);
	crtc.set_connectors_ptr = PTR(&kms.crtc);
	EXPECT_ERROR(setcrtc(&kms, &crtc), ENOENT);
	crtc.set_connectors_ptr = 8;
	EXPECT_ERROR(setcrtc(&kms, &crtc), EFAULT);
	EXPECT_EQ(crtc_fb(&kms), fb);
}

TEST(setcrtc_with_a_mode_and_no_connector_is_einval)
{
	struct drm_mode_crtc crtc;
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	crtc = good(&kms, fb);
	crtc.count_connectors = 0;
	EXPECT_ERROR(setcrtc(&kms, &crtc), EINVAL);
	crtc = good(&kms, fb);
	crtc.mode_valid = 0;
	EXPECT_ERROR(setcrtc(&kms, &crtc), EINVAL);
	crtc = good(&kms, fb);
	crtc.count_connectors = 1000;
	EXPECT_ERROR(setcrtc(&kms, &crtc), EINVAL);
	EXPECT_EQ(crtc_fb(&kms), fb);
}

TEST(setcrtc_with_an_impossible_mode_is_einval)
{
	struct drm_mode_crtc crtc;
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	crtc = good(&kms, fb);
	crtc.mode.clock = 0;
	EXPECT_ERROR(setcrtc(&kms, &crtc), EINVAL);
	crtc = good(&kms, fb);
	crtc.mode.hdisplay = 0;
	EXPECT_ERROR(setcrtc(&kms, &crtc), EINVAL);
	crtc = good(&kms, fb);
	crtc.mode.htotal = crtc.mode.hdisplay - 1;
	EXPECT_ERROR(setcrtc(&kms, &crtc), EINVAL);
	crtc = good(&kms, fb);
	crtc.mode.vsync_end = crtc.mode.vtotal + 1;
	EXPECT_ERROR(setcrtc(&kms, &crtc), EINVAL);
}

TEST(setcrtc_with_a_framebuffer_too_small_is_enospc)
{
	struct drm_mode_crtc crtc;
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	EXPECT_ERROR(kms_set(&kms, fb_create(kms.fd, 64, 64)), ENOSPC);
	kms_show(&kms, &fb);
	crtc = good(&kms, fb);
	crtc.x = 1;
	EXPECT_ERROR(setcrtc(&kms, &crtc), ENOSPC);
	crtc.x = 0;
	crtc.y = 1;
	EXPECT_ERROR(setcrtc(&kms, &crtc), ENOSPC);
	crtc.y = 0x10000;
	EXPECT_ERROR(setcrtc(&kms, &crtc), ERANGE);
}

TEST(setcrtc_with_framebuffer_minus_one_keeps_it)
{
	struct drm_mode_crtc crtc;
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	crtc = good(&kms, 0xffffffff);
	EXPECT_OK(setcrtc(&kms, &crtc));
	EXPECT_EQ(crtc_fb(&kms), fb);
	EXPECT_OK(kms_off(&kms));
	crtc = good(&kms, 0xffffffff);
	EXPECT_ERROR(setcrtc(&kms, &crtc), EINVAL);
}

TEST(setcrtc_can_show_a_part_of_a_large_framebuffer)
{
	struct drm_mode_crtc crtc;
	struct kms kms;

	kms_open(&kms);
	crtc = good(&kms, fb_create(kms.fd, kms.mode.hdisplay + 64u, kms.mode.vdisplay + 32u));
	crtc.x = 64;
	crtc.y = 32;
	EXPECT_OK(setcrtc(&kms, &crtc));
	memset(&crtc, 0, sizeof(crtc));
	crtc.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCRTC, &crtc));
	EXPECT_EQ(crtc.x, 64);
	EXPECT_EQ(crtc.y, 32);
}

TEST(setcrtc_with_another_files_framebuffer_works)
{
	/* Framebuffer ids are global: only removing one needs the owner. */
	struct kms kms;
	uint32_t fb;
	int other;

	kms_open(&kms);
	other = open_second();
	fb = fb_create(other, kms.mode.hdisplay, kms.mode.vdisplay);
	EXPECT_OK(kms_set(&kms, fb));
	EXPECT_EQ(crtc_fb(&kms), fb);
	close(other);
	EXPECT_EQ(crtc_fb(&kms), 0);
}

static uint32_t shown_flags(const struct kms *kms)
{
	struct drm_mode_crtc get = { .crtc_id = kms->crtc };

	EXPECT_OK(call(kms->fd, DRM_IOCTL_MODE_GETCRTC, &get));
	EXPECT(get.mode_valid);
	return get.mode.flags;
}

TEST(an_aspect_ratio_is_for_those_who_asked)
{
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms.mode.flags |= DRM_MODE_FLAG_PIC_AR_16_9;
	fb = fb_create(kms.fd, kms.mode.hdisplay, kms.mode.vdisplay);
	EXPECT_ERROR(kms_set(&kms, fb), EINVAL);
	EXPECT_EQ(drmSetClientCap(kms.fd, DRM_CLIENT_CAP_ASPECT_RATIO, 1), 0);
	EXPECT_OK(kms_set(&kms, fb));
	EXPECT_EQ(shown_flags(&kms) & DRM_MODE_FLAG_PIC_AR_MASK, DRM_MODE_FLAG_PIC_AR_16_9);
	EXPECT_EQ(drmSetClientCap(kms.fd, DRM_CLIENT_CAP_ASPECT_RATIO, 0), 0);
	EXPECT_EQ(shown_flags(&kms) & DRM_MODE_FLAG_PIC_AR_MASK, 0);
}

/* Cursor */

static int cursor(const struct kms *kms, uint32_t flags, uint32_t handle, uint32_t width,
		  uint32_t height)
{
	struct drm_mode_cursor cursor = {
		.flags = flags, .crtc_id = kms->crtc, .x = 5, .y = 6,
		.width = width, .height = height, .handle = handle,
	};

	return call(kms->fd, DRM_IOCTL_MODE_CURSOR, &cursor);
}

static void open_cursor(struct kms *kms, struct dumb *dumb)
{
	uint32_t fb;

	kms_open(kms);
	kms_show(kms, &fb);
	dumb_create(kms->fd, (uint32_t)get_cap(kms->fd, DRM_CAP_CURSOR_WIDTH),
		    (uint32_t)get_cap(kms->fd, DRM_CAP_CURSOR_HEIGHT), 32, dumb);
	if (cursor(kms, DRM_MODE_CURSOR_MOVE, 0, 0, 0))
		skip("there is no cursor");
}

TEST(a_cursor_can_be_shown_moved_and_hidden)
{
	struct dumb dumb;
	struct kms kms;

	open_cursor(&kms, &dumb);
	EXPECT_OK(cursor(&kms, DRM_MODE_CURSOR_BO, dumb.handle, dumb.width, dumb.height));
	EXPECT_OK(cursor(&kms, DRM_MODE_CURSOR_MOVE, 0, 0, 0));
	EXPECT_OK(cursor(&kms, DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE, dumb.handle, dumb.width,
			 dumb.height));
	EXPECT_OK(gem_close(kms.fd, dumb.handle));
	EXPECT_OK(cursor(&kms, DRM_MODE_CURSOR_MOVE, 0, 0, 0));
	EXPECT_OK(cursor(&kms, DRM_MODE_CURSOR_BO, 0, 0, 0));
}

TEST(a_cursor_with_bad_flags_is_einval)
{
	struct dumb dumb;
	struct kms kms;

	open_cursor(&kms, &dumb);
	EXPECT_ERROR(cursor(&kms, 0, 0, 0, 0), EINVAL);
	EXPECT_ERROR(cursor(&kms, 4, 0, 0, 0), EINVAL);
	EXPECT_ERROR(cursor(&kms, DRM_MODE_CURSOR_MOVE | 4, 0, 0, 0), EINVAL);
}

TEST(a_cursor_of_an_unknown_crtc_is_enoent)
{
	struct dumb dumb;
	struct kms kms;

	open_cursor(&kms, &dumb);
	kms.crtc = NO_SUCH_ID;
	EXPECT_ERROR(cursor(&kms, DRM_MODE_CURSOR_MOVE, 0, 0, 0), ENOENT);
	/* Flags are looked at first. */
	EXPECT_ERROR(cursor(&kms, 0, 0, 0, 0), EINVAL);
}

TEST(a_cursor_from_an_unknown_handle_is_refused)
{
	struct dumb dumb;
	struct kms kms;
	int error;

	open_cursor(&kms, &dumb);
	error = cursor(&kms, DRM_MODE_CURSOR_BO, dumb.handle + 1, dumb.width, dumb.height);
	EXPECT(error == ENOENT || error == EINVAL);
}

TEST(a_cursor_can_leave_the_screen)
{
	struct drm_mode_cursor move = { .flags = DRM_MODE_CURSOR_MOVE, .x = -1000, .y = -1000 };
	struct dumb dumb;
	struct kms kms;

	open_cursor(&kms, &dumb);
	EXPECT_OK(cursor(&kms, DRM_MODE_CURSOR_BO, dumb.handle, dumb.width, dumb.height));
	move.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_CURSOR, &move));
	move.x = move.y = 100000;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_CURSOR, &move));
}

TEST(a_cursor_may_have_a_hot_spot)
{
	struct drm_mode_cursor2 cursor2 = { .flags = DRM_MODE_CURSOR_BO, .hot_x = 3, .hot_y = 4 };
	struct dumb dumb;
	struct kms kms;

	open_cursor(&kms, &dumb);
	cursor2.crtc_id = kms.crtc;
	cursor2.width = dumb.width;
	cursor2.height = dumb.height;
	cursor2.handle = dumb.handle;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_CURSOR2, &cursor2));
}

/* A fence of a flip to come, as if it were a job's that draws the cursor. */
static void make_busy(const struct kms *kms, const struct dumb *dumb)
{
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_RW };
	int dmabuf;

	need_prime(kms->fd);
	EXPECT_OK(prime_export(kms->fd, dumb->handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf));
	import.fd = kms_fence(kms, crtc_fb(kms));
	if (call(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import) == ENOTTY)
		skip("fences cannot be imported into buffers");
	close(import.fd);
	close(dmabuf);
}

TEST(a_cursor_that_had_to_wait_for_its_picture_stays_where_it_was_put)
{
	struct drm_mode_cursor put = {
		.flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE, .x = 40, .y = 50,
	};
	struct dumb dumb, other;
	uint32_t plane;
	struct kms kms;

	open_cursor(&kms, &dumb);
	dumb_create(kms.fd, dumb.width, dumb.height, 32, &other);
	EXPECT_OK(cursor(&kms, DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE, other.handle,
			 dumb.width, dumb.height));
	if (drmSetClientCap(kms.fd, DRM_CLIENT_CAP_ATOMIC, 1) ||
	    find_plane(kms.fd, DRM_PLANE_TYPE_CURSOR, 1u << kms.pipe, &plane))
		skip("there is no atomic cursor plane");
	EXPECT_OK(find_plane(kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms.pipe, &kms.primary));
	make_busy(&kms, &dumb);
	put.crtc_id = kms.crtc;
	put.handle = dumb.handle;
	put.width = dumb.width;
	put.height = dumb.height;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_CURSOR, &put));
	EXPECT_OK(cursor(&kms, DRM_MODE_CURSOR_BO, other.handle, dumb.width, dumb.height));
	EXPECT_EQ(property_value(kms.fd, plane, DRM_MODE_OBJECT_PLANE, "CRTC_X"), 40);
	EXPECT_EQ(property_value(kms.fd, plane, DRM_MODE_OBJECT_PLANE, "CRTC_Y"), 50);
}

/* Planes */

static int setplane(const struct kms *kms, uint32_t plane, uint32_t fb, uint32_t width,
		    uint32_t height)
{
	struct drm_mode_set_plane set = {
		.plane_id = plane, .crtc_id = kms->crtc, .fb_id = fb,
		.crtc_w = width, .crtc_h = height, .src_w = width << 16, .src_h = height << 16,
	};

	return call(kms->fd, DRM_IOCTL_MODE_SETPLANE, &set);
}

TEST(setplane_with_bad_ids_is_enoent)
{
	uint32_t plane, fb;
	struct kms kms;

	kms_open(&kms);
	kms_show(&kms, &fb);
	EXPECT_OK(find_plane(kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms.pipe, &plane));
	EXPECT_ERROR(setplane(&kms, NO_SUCH_ID, fb, 64, 64), ENOENT);
	EXPECT_ERROR(setplane(&kms, plane, NO_SUCH_ID, 64, 64), ENOENT);
	kms.crtc = NO_SUCH_ID;
	EXPECT_ERROR(setplane(&kms, plane, fb, 64, 64), ENOENT);
}

TEST(setplane_outside_the_framebuffer_is_enospc)
{
	uint32_t plane, fb;
	struct kms kms;

	kms_open(&kms);
	kms_show(&kms, &fb);
	EXPECT_OK(find_plane(kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms.pipe, &plane));
	EXPECT_ERROR(setplane(&kms, plane, fb, kms.mode.hdisplay + 1u, kms.mode.vdisplay), ENOSPC);
	EXPECT_ERROR(setplane(&kms, plane, fb, kms.mode.hdisplay, kms.mode.vdisplay + 1u), ENOSPC);
}

TEST(setplane_of_absurd_size_is_erange)
{
	struct drm_mode_set_plane set = { .crtc_w = 0x80000000, .crtc_h = 64,
					  .src_w = 64 << 16, .src_h = 64 << 16 };
	uint32_t plane, fb;
	struct kms kms;

	kms_open(&kms);
	kms_show(&kms, &fb);
	EXPECT_OK(find_plane(kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms.pipe, &plane));
	set.plane_id = plane;
	set.crtc_id = kms.crtc;
	set.fb_id = fb;
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_MODE_SETPLANE, &set), ERANGE);
}

static struct drm_mode_get_plane plane_state(const struct kms *kms, uint32_t plane)
{
	struct drm_mode_get_plane get = { .plane_id = plane };

	EXPECT_OK(call(kms->fd, DRM_IOCTL_MODE_GETPLANE, &get));
	return get;
}

TEST(an_overlay_plane_can_be_shown_and_hidden)
{
	uint32_t plane, fb, overlay;
	struct kms kms;

	kms_open(&kms);
	kms_show(&kms, &fb);
	if (find_plane(kms.fd, DRM_PLANE_TYPE_OVERLAY, 1u << kms.pipe, &plane))
		skip("there is no overlay plane");
	overlay = fb_create(kms.fd, 64, 64);
	EXPECT_OK(setplane(&kms, plane, overlay, 64, 64));
	EXPECT_EQ(plane_state(&kms, plane).fb_id, overlay);
	EXPECT_EQ(plane_state(&kms, plane).crtc_id, kms.crtc);
	EXPECT_OK(setplane(&kms, plane, 0, 0, 0));
	EXPECT_EQ(plane_state(&kms, plane).fb_id, 0);
	EXPECT_EQ(plane_state(&kms, plane).crtc_id, 0);
}

TEST(removing_an_overlays_framebuffer_leaves_the_crtc)
{
	uint32_t plane, fb, overlay;
	struct kms kms;

	kms_open(&kms);
	kms_show(&kms, &fb);
	if (find_plane(kms.fd, DRM_PLANE_TYPE_OVERLAY, 1u << kms.pipe, &plane))
		skip("there is no overlay plane");
	overlay = fb_create(kms.fd, 64, 64);
	EXPECT_OK(setplane(&kms, plane, overlay, 64, 64));
	EXPECT_OK(rmfb(kms.fd, overlay));
	EXPECT_EQ(plane_state(&kms, plane).fb_id, 0);
	EXPECT_EQ(crtc_fb(&kms), fb);
}

/* Gamma */

static uint32_t gamma_size(const struct kms *kms)
{
	struct drm_mode_crtc crtc = { .crtc_id = kms->crtc };

	EXPECT_OK(call(kms->fd, DRM_IOCTL_MODE_GETCRTC, &crtc));
	return crtc.gamma_size;
}

static int gamma_call(const struct kms *kms, unsigned long request, uint32_t size, uint16_t *table)
{
	struct drm_mode_crtc_lut lut = {
		.crtc_id = kms->crtc, .gamma_size = size, .red = PTR(table),
		.green = PTR(table + size), .blue = PTR(table + 2 * size),
	};

	return call(kms->fd, request, &lut);
}

TEST(a_gamma_table_round_trips)
{
	uint16_t *table, *back;
	uint32_t fb, size;
	struct kms kms;

	kms_open(&kms);
	kms_show(&kms, &fb);
	size = gamma_size(&kms);
	if (!size)
		skip("there is no gamma table");
	table = calloc(3 * size, sizeof(*table));
	back = calloc(3 * size, sizeof(*back));
	for (uint32_t i = 0; i < 3 * size; i++)
		table[i] = (uint16_t)(i * 21 + 5);
	EXPECT_OK(gamma_call(&kms, DRM_IOCTL_MODE_SETGAMMA, size, table));
	EXPECT_OK(gamma_call(&kms, DRM_IOCTL_MODE_GETGAMMA, size, back));
	EXPECT(!memcmp(table, back, 3 * size * sizeof(*table)));
}

TEST(a_gamma_table_of_another_size_is_einval)
{
	static uint16_t table[3 * 8192];
	struct kms kms;
	uint32_t size;

	kms_open(&kms);
	size = gamma_size(&kms);
	EXPECT(size < 8192);
	EXPECT_ERROR(gamma_call(&kms, DRM_IOCTL_MODE_GETGAMMA, size + 1, table), EINVAL);
	if (size)
		EXPECT_ERROR(gamma_call(&kms, DRM_IOCTL_MODE_SETGAMMA, size + 1, table), EINVAL);
	else
		EXPECT_ERROR(gamma_call(&kms, DRM_IOCTL_MODE_SETGAMMA, 1, table), ENOSYS);
	kms.crtc = NO_SUCH_ID;
	EXPECT_ERROR(gamma_call(&kms, DRM_IOCTL_MODE_GETGAMMA, size, table), ENOENT);
	EXPECT_ERROR(gamma_call(&kms, DRM_IOCTL_MODE_SETGAMMA, size, table), ENOENT);
}
