/* SPDX-License-Identifier: MIT */
/* Framebuffers: making, describing and removing them. */
#include "uapi.h"

static int addfb2(int fd, struct drm_mode_fb_cmd2 *cmd)
{
	return call(fd, DRM_IOCTL_MODE_ADDFB2, cmd);
}

/* A good request, for tests to spoil. */
static int open_good(struct dumb *dumb, struct drm_mode_fb_cmd2 *cmd)
{
	int fd = open_master();

	need_kms(fd);
	dumb_create(fd, 128, 64, 32, dumb);
	*cmd = (struct drm_mode_fb_cmd2){
		.width = 128, .height = 64, .pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { dumb->handle }, .pitches = { dumb->pitch },
	};
	return fd;
}

TEST(addfb2_makes_a_framebuffer)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	EXPECT_OK(addfb2(fd, &cmd));
	EXPECT(cmd.fb_id != 0);
	EXPECT_OK(rmfb(fd, cmd.fb_id));
}

TEST(addfb2_with_unknown_flags_is_einval)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	cmd.flags = 1u << 7;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
}

TEST(addfb2_outside_the_size_limits_is_einval)
{
	struct drm_mode_card_res res = { 0 };
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	cmd.width = 0;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.width = res.max_width + 1;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.width = 128;
	cmd.height = 0;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.height = res.max_height + 1;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
}

TEST(addfb2_of_an_unknown_format_is_einval)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	cmd.pixel_format = 0;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.pixel_format = fourcc_code('Z', 'Z', '9', '9');
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
}

TEST(addfb2_without_a_handle_is_einval)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	cmd.handles[0] = 0;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
}

TEST(addfb2_with_an_unknown_handle_is_enoent_or_einval)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd), error;

	/* The common helper says ENOENT, drivers that look it up themselves vary. */
	cmd.handles[0] = dumb.handle + 1;
	error = addfb2(fd, &cmd);
	EXPECT(error == ENOENT || error == EINVAL);
}

TEST(addfb2_with_a_pitch_too_small_is_einval)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	cmd.pitches[0] = 128 * 4 - 1;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.pitches[0] = 0;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
}

TEST(addfb2_that_overflows_is_erange)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	cmd.pitches[0] = 0xffffffff;
	EXPECT_ERROR(addfb2(fd, &cmd), ERANGE);
	cmd.pitches[0] = dumb.pitch;
	cmd.offsets[0] = 0xffffffff;
	EXPECT_ERROR(addfb2(fd, &cmd), ERANGE);
}

TEST(addfb2_of_an_object_that_is_too_small_is_einval)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	cmd.height = (uint32_t)(dumb.size / dumb.pitch) + 1;
	if (addfb2(fd, &cmd) == 0)
		skip("the driver does not check the object's size");
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.height = 64;
	cmd.offsets[0] = (uint32_t)(dumb.size - (uint64_t)dumb.pitch * 64) + 4;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
}

TEST(a_modifier_without_its_flag_is_einval)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	cmd.modifier[0] = I915_FORMAT_MOD_X_TILED;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.modifier[0] = 0;
	cmd.modifier[1] = I915_FORMAT_MOD_X_TILED;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
}

TEST(modifiers_need_the_capability)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	cmd.flags = DRM_MODE_FB_MODIFIERS;
	cmd.modifier[0] = DRM_FORMAT_MOD_LINEAR;
	if (get_cap(fd, DRM_CAP_ADDFB2_MODIFIERS))
		EXPECT_OK(addfb2(fd, &cmd));
	else
		EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
}

TEST(with_modifiers_unused_planes_must_be_zero)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	/* Without them rubbish is tolerated. */
	cmd.handles[1] = 77;
	cmd.pitches[2] = 77;
	cmd.offsets[3] = 77;
	EXPECT_OK(addfb2(fd, &cmd));
	if (!get_cap(fd, DRM_CAP_ADDFB2_MODIFIERS))
		skip("the driver has no modifiers");
	cmd.flags = DRM_MODE_FB_MODIFIERS;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.handles[1] = 0;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.pitches[2] = 0;
	EXPECT_ERROR(addfb2(fd, &cmd), EINVAL);
	cmd.offsets[3] = 0;
	EXPECT_OK(addfb2(fd, &cmd));
}

TEST(addfb_chooses_the_format_by_depth)
{
	struct drm_mode_fb_cmd cmd = { .width = 128, .height = 64, .bpp = 32, .depth = 24 };
	struct drm_mode_fb_cmd2 unused, get = { 0 };
	struct dumb dumb;
	int fd = open_good(&dumb, &unused);

	cmd.handle = dumb.handle;
	cmd.pitch = dumb.pitch;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_ADDFB, &cmd));
	EXPECT(cmd.fb_id != 0);
	get.fb_id = cmd.fb_id;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETFB2, &get));
	EXPECT_EQ(get.pixel_format, DRM_FORMAT_XRGB8888);
	cmd.depth = 23;
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_ADDFB, &cmd), EINVAL);
	cmd.depth = 24;
	cmd.bpp = 16;
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_ADDFB, &cmd), EINVAL);
}

TEST(getfb_describes_a_framebuffer)
{
	struct drm_mode_fb_cmd get = { 0 };
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	EXPECT_OK(addfb2(fd, &cmd));
	get.fb_id = cmd.fb_id;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETFB, &get));
	EXPECT_EQ(get.width, 128);
	EXPECT_EQ(get.height, 64);
	EXPECT_EQ(get.pitch, dumb.pitch);
	EXPECT_EQ(get.bpp, 32);
	EXPECT_EQ(get.depth, 24);
	EXPECT(get.handle != 0);
}

TEST(getfb_makes_a_new_handle_each_time)
{
	struct drm_mode_fb_cmd first = { 0 }, second = { 0 };
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	EXPECT_OK(addfb2(fd, &cmd));
	first.fb_id = second.fb_id = cmd.fb_id;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETFB, &first));
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETFB, &second));
	EXPECT(first.handle != second.handle);
	EXPECT(first.handle != dumb.handle);
	EXPECT_OK(gem_close(fd, first.handle));
	EXPECT_OK(gem_close(fd, second.handle));
	EXPECT_OK(gem_close(fd, dumb.handle));
}

TEST(getfb_hides_the_handle_from_others)
{
	struct drm_mode_fb_cmd get = { .handle = 99 };
	struct drm_mode_fb_cmd2 cmd, get2 = { 0 };
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd), other;

	EXPECT_OK(addfb2(fd, &cmd));
	other = open_second();
	if (is_root())
		become_nobody();
	get.fb_id = get2.fb_id = cmd.fb_id;
	EXPECT_OK(call(other, DRM_IOCTL_MODE_GETFB, &get));
	EXPECT_EQ(get.width, 128);
	EXPECT_EQ(get.handle, 0);
	EXPECT_OK(call(other, DRM_IOCTL_MODE_GETFB2, &get2));
	EXPECT_EQ(get2.width, 128);
	EXPECT_EQ(get2.handles[0], 0);
}

TEST(getfb_gives_root_a_handle)
{
	struct drm_mode_fb_cmd get = { 0 };
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd), other;

	if (!is_root())
		skip("needs root");
	EXPECT_OK(addfb2(fd, &cmd));
	other = open_second();
	get.fb_id = cmd.fb_id;
	EXPECT_OK(call(other, DRM_IOCTL_MODE_GETFB, &get));
	EXPECT(get.handle != 0);
	EXPECT_OK(gem_close(other, get.handle));
}

TEST(getfb2_describes_planes_and_modifier)
{
	struct drm_mode_fb_cmd2 cmd, get = { 0 };
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	EXPECT_OK(addfb2(fd, &cmd));
	get.fb_id = cmd.fb_id;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETFB2, &get));
	EXPECT_EQ(get.width, 128);
	EXPECT_EQ(get.height, 64);
	EXPECT_EQ(get.pixel_format, DRM_FORMAT_XRGB8888);
	EXPECT_EQ(get.pitches[0], dumb.pitch);
	EXPECT_EQ(get.offsets[0], 0);
	EXPECT(get.handles[0] != 0);
	EXPECT_EQ(get.handles[1], 0);
	EXPECT_EQ(get.flags & DRM_MODE_FB_MODIFIERS,
		  get_cap(fd, DRM_CAP_ADDFB2_MODIFIERS) ? DRM_MODE_FB_MODIFIERS : 0);
	EXPECT_EQ(get.modifier[0], DRM_FORMAT_MOD_LINEAR);
}

TEST(rmfb_of_an_unknown_framebuffer_is_enoent)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd);

	EXPECT_ERROR(rmfb(fd, 0), ENOENT);
	EXPECT_ERROR(rmfb(fd, 0x00ffffff), ENOENT);
	EXPECT_OK(addfb2(fd, &cmd));
	EXPECT_OK(rmfb(fd, cmd.fb_id));
	EXPECT_ERROR(rmfb(fd, cmd.fb_id), ENOENT);
}

TEST(rmfb_of_another_files_framebuffer_is_enoent)
{
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	int fd = open_good(&dumb, &cmd), other;

	EXPECT_OK(addfb2(fd, &cmd));
	other = open_second();
	EXPECT_ERROR(rmfb(other, cmd.fb_id), ENOENT);
	EXPECT_OK(rmfb(fd, cmd.fb_id));
}

TEST(a_framebuffer_keeps_its_object_alive)
{
	struct drm_mode_fb_cmd get = { 0 };
	struct drm_mode_fb_cmd2 cmd;
	struct dumb dumb;
	unsigned char *data;
	int fd = open_good(&dumb, &cmd);

	data = dumb_map(&dumb);
	data[3] = 0x3c;
	munmap(data, dumb.size);
	EXPECT_OK(addfb2(fd, &cmd));
	EXPECT_OK(gem_close(fd, dumb.handle));
	get.fb_id = cmd.fb_id;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETFB, &get));
	dumb.handle = get.handle;
	data = dumb_map(&dumb);
	EXPECT_EQ(data[3], 0x3c);
}

TEST(rmfb_of_the_shown_framebuffer_blanks_the_crtc)
{
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	EXPECT_EQ(crtc_fb(&kms), fb);
	EXPECT_OK(rmfb(kms.fd, fb));
	EXPECT_EQ(crtc_fb(&kms), 0);
	EXPECT_ERROR(rmfb(kms.fd, fb), ENOENT);
	/* And it can be lit again. */
	kms_show(&kms, &fb);
	EXPECT_EQ(crtc_fb(&kms), fb);
}

TEST(rmfb_of_a_hidden_framebuffer_leaves_the_crtc)
{
	struct kms kms;
	uint32_t fb, hidden;

	kms_open(&kms);
	kms_show(&kms, &fb);
	hidden = fb_create(kms.fd, 64, 64);
	EXPECT_OK(rmfb(kms.fd, hidden));
	EXPECT_EQ(crtc_fb(&kms), fb);
}

#ifdef DRM_IOCTL_MODE_CLOSEFB
TEST(closefb_leaves_the_picture)
{
	struct kms kms;
	uint32_t fb;
	int error;

	kms_open(&kms);
	kms_show(&kms, &fb);
	error = call(kms.fd, DRM_IOCTL_MODE_CLOSEFB, &(struct drm_mode_closefb){ .fb_id = fb });
	if (error == EINVAL)
		skip("the kernel has no CLOSEFB");
	EXPECT_OK(error);
	EXPECT_EQ(crtc_fb(&kms), fb);
	EXPECT_ERROR(rmfb(kms.fd, fb), ENOENT);
}
#endif

static int dirty(int fd, uint32_t fb, uint32_t flags, uint32_t count, const void *clips)
{
	struct drm_mode_fb_dirty_cmd cmd = {
		.fb_id = fb, .flags = flags, .num_clips = count, .clips_ptr = PTR(clips),
	};

	return call(fd, DRM_IOCTL_MODE_DIRTYFB, &cmd);
}

TEST(dirtyfb_takes_clips)
{
	struct drm_clip_rect clips[2] = { { 0, 0, 10, 10 }, { 20, 20, 30, 30 } };
	struct kms kms;
	uint32_t fb;
	int error;

	kms_open(&kms);
	kms_show(&kms, &fb);
	error = dirty(kms.fd, fb, 0, 2, clips);
	if (error == ENOSYS)
		skip("the driver needs no DIRTYFB");
	EXPECT_OK(error);
	EXPECT_OK(dirty(kms.fd, fb, 0, 0, NULL));
	EXPECT_OK(dirty(kms.fd, fb, DRM_MODE_FB_DIRTY_ANNOTATE_COPY, 2, clips));
}

TEST(dirtyfb_with_bad_clips_is_refused)
{
	static struct drm_clip_rect clips[DRM_MODE_FB_DIRTY_MAX_CLIPS + 1];
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	EXPECT_ERROR(dirty(kms.fd, 0x00ffffff, 0, 0, NULL), ENOENT);
	EXPECT_ERROR(dirty(kms.fd, fb, 0, 1, NULL), EINVAL);
	EXPECT_ERROR(dirty(kms.fd, fb, 0, 0, clips), EINVAL);
	EXPECT_ERROR(dirty(kms.fd, fb, 0, DRM_MODE_FB_DIRTY_MAX_CLIPS + 1, clips), EINVAL);
	EXPECT_ERROR(dirty(kms.fd, fb, 0, 0xffffffff, clips), EINVAL);
	EXPECT_ERROR(dirty(kms.fd, fb, DRM_MODE_FB_DIRTY_ANNOTATE_COPY, 3, clips), EINVAL);
	EXPECT_ERROR(dirty(kms.fd, fb, 0, 1, (void *)8), EFAULT);
}
