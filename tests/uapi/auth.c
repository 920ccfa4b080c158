/* SPDX-License-Identifier: MIT */
/* Who may do what: magic cookies, the master, primary and render nodes. */
#include "uapi.h"

static int auth_magic(int fd, drm_magic_t magic)
{
	return call(fd, DRM_IOCTL_AUTH_MAGIC, &(struct drm_auth){ .magic = magic });
}

static drm_magic_t get_magic(int fd)
{
	struct drm_auth auth = { 0 };

	EXPECT_OK(call(fd, DRM_IOCTL_GET_MAGIC, &auth));
	return auth.magic;
}

static bool authenticated(int fd)
{
	struct drm_client client = { .idx = 0 };

	EXPECT_OK(call(fd, DRM_IOCTL_GET_CLIENT, &client));
	return client.auth;
}

static int set_master(int fd)
{
	return call(fd, DRM_IOCTL_SET_MASTER, NULL);
}

static int drop_master(int fd)
{
	return call(fd, DRM_IOCTL_DROP_MASTER, NULL);
}

TEST(the_first_opener_is_master_and_the_second_is_not)
{
	int first = open_master(), second = open_card();

	EXPECT(is_master(first));
	EXPECT(!is_master(second));
}

TEST(closing_the_master_makes_the_next_opener_master_at_once)
{
	for (int i = 0; i < 20; i++) {
		int fd = open_master();

		EXPECT(is_master(fd));
		EXPECT_OK(result(close(fd)));
	}
}

TEST(closing_the_master_does_not_promote_a_waiting_file)
{
	int first = open_master(), second = open_second();

	close(first);
	EXPECT(!is_master(second));
}

TEST(get_magic_is_not_zero_and_stays_the_same)
{
	int fd = open_card();
	drm_magic_t magic = get_magic(fd);

	EXPECT(magic != 0);
	EXPECT_EQ(get_magic(fd), magic);
}

TEST(two_files_have_different_magic)
{
	int first = open_card(), second = open_card();

	EXPECT(get_magic(first) != get_magic(second));
}

TEST(a_master_is_authenticated_by_itself)
{
	EXPECT(authenticated(open_master()));
}

TEST(auth_magic_authenticates_another_file)
{
	int master = open_master();

	IN_CHILD({
		int second;

		if (is_root())
			become_nobody();
		second = open(card_path(), O_RDWR);
		if (second < 0 && errno == EACCES)
			skip("the node is not for everybody");
		EXPECT(second >= 0);
		EXPECT(!authenticated(second));
		EXPECT_OK(auth_magic(master, get_magic(second)));
		EXPECT(authenticated(second));
	});
}

TEST(a_magic_can_be_used_once)
{
	int master = open_master(), second = open_second();
	drm_magic_t magic = get_magic(second);

	EXPECT_OK(auth_magic(master, magic));
	EXPECT_ERROR(auth_magic(master, magic), EINVAL);
}

TEST(an_unknown_magic_is_einval)
{
	int master = open_master();

	EXPECT_ERROR(auth_magic(master, 0), EINVAL);
	EXPECT_ERROR(auth_magic(master, 12345), EINVAL);
}

TEST(the_magic_of_a_closed_file_is_einval)
{
	int master = open_master(), second = open_second();
	drm_magic_t magic = get_magic(second);

	close(second);
	EXPECT_ERROR(auth_magic(master, magic), EINVAL);
}

TEST(only_the_master_may_authenticate)
{
	int master = open_master(), second = open_second();

	EXPECT_ERROR(auth_magic(second, get_magic(master)), EACCES);
}

TEST(set_master_of_the_master_succeeds)
{
	EXPECT_OK(set_master(open_master()));
}

TEST(a_master_may_drop_and_take_back_its_role)
{
	int fd = open_master();

	EXPECT_OK(drop_master(fd));
	EXPECT(!is_master(fd));
	EXPECT(authenticated(fd));
	EXPECT_OK(set_master(fd));
	EXPECT(is_master(fd));
}

TEST(a_former_master_needs_no_privilege_to_come_back)
{
	int fd = open_master();

	EXPECT_OK(drop_master(fd));
	if (is_root())
		become_nobody();
	EXPECT_OK(set_master(fd));
	EXPECT_OK(drop_master(fd));
}

TEST(an_inherited_master_file_needs_privilege_to_change_its_role)
{
	int fd = open_master();

	IN_CHILD({
		if (is_root())
			become_nobody();
		EXPECT(is_master(fd));
		EXPECT_ERROR(drop_master(fd), EACCES);
		EXPECT_ERROR(set_master(fd), EACCES);
	});
	EXPECT(is_master(fd));
}

TEST(set_master_without_privilege_is_eacces)
{
	int master = open_master(), second = open_second();

	if (is_root())
		become_nobody();
	EXPECT_ERROR(set_master(second), EACCES);
	EXPECT_OK(drop_master(master));
	EXPECT_ERROR(set_master(second), EACCES);
	EXPECT_ERROR(drop_master(second), EACCES);
}

TEST(set_master_beside_another_master_is_ebusy)
{
	int second;

	if (!is_root())
		skip("needs root");
	open_master();
	second = open_second();
	EXPECT_ERROR(set_master(second), EBUSY);
}

TEST(drop_master_of_another_is_einval)
{
	int second;

	if (!is_root())
		skip("needs root");
	open_master();
	second = open_second();
	EXPECT_ERROR(drop_master(second), EINVAL);
}

TEST(root_takes_the_role_that_another_dropped)
{
	int first, second;

	if (!is_root())
		skip("needs root");
	first = open_master();
	second = open_second();
	EXPECT_OK(drop_master(first));
	EXPECT_OK(set_master(second));
	EXPECT(is_master(second));
	EXPECT(!is_master(first));
	EXPECT_ERROR(set_master(first), EBUSY);
	EXPECT_OK(drop_master(second));
	EXPECT_OK(set_master(first));
}

TEST(a_new_opener_after_drop_becomes_master)
{
	int first = open_master(), second;

	EXPECT_OK(drop_master(first));
	second = open_card();
	EXPECT(is_master(second));
	EXPECT_ERROR(set_master(first), EBUSY);
}

TEST(master_ioctls_of_another_file_are_eacces)
{
	int master = open_master(), second = open_second();
	struct drm_mode_crtc crtc = { 0 };
	struct drm_mode_set_plane plane = { 0 };
	struct drm_mode_cursor cursor = { 0 };
	struct drm_mode_crtc_lut lut = { 0 };
	struct drm_mode_connector_set_property property = { 0 };
	struct drm_mode_obj_set_property object_property = { 0 };
	struct drm_mode_crtc_page_flip flip = { 0 };
	struct drm_mode_fb_dirty_cmd dirty = { 0 };
	struct drm_mode_atomic atomic = { 0 };
	struct drm_set_version version = { 1, 4, -1, -1 };
	struct drm_mode_create_lease lease = { 0 };

	need_kms(master);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_SETCRTC, &crtc), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_SETPLANE, &plane), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_CURSOR, &cursor), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_SETGAMMA, &lut), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_SETPROPERTY, &property), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_OBJ_SETPROPERTY, &object_property), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_PAGE_FLIP, &flip), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_DIRTYFB, &dirty), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_ATOMIC, &atomic), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_SET_VERSION, &version), EACCES);
	EXPECT_ERROR(call(second, DRM_IOCTL_MODE_CREATE_LEASE, &lease), EACCES);
}

TEST(a_file_that_is_not_master_may_look)
{
	int second;
	struct drm_mode_card_res res = { 0 };
	struct drm_mode_get_plane_res planes = { 0 };

	need_kms(open_master());
	second = open_second();
	EXPECT_OK(call(second, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT_OK(call(second, DRM_IOCTL_MODE_GETPLANERESOURCES, &planes));
	EXPECT(rmfb(second, fb_create(second, 64, 64)) == 0);
}

TEST(a_render_node_has_buffers_and_no_display)
{
	int fd = open_render();
	struct drm_mode_card_res res = { 0 };
	struct drm_mode_create_dumb create = { .width = 16, .height = 16, .bpp = 32 };
	struct drm_mode_map_dumb map = { 0 };
	struct drm_mode_destroy_dumb destroy = { 0 };
	struct drm_mode_fb_cmd2 fb = { 0 };
	struct drm_gem_flink flink = { 0 };
	struct drm_gem_open gem_open = { 0 };
	union drm_wait_vblank vblank = { 0 };
	struct drm_auth auth = { 0 };

	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res), EACCES);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create), EACCES);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_MAP_DUMB, &map), EACCES);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy), EACCES);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_ADDFB2, &fb), EACCES);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GEM_FLINK, &flink), EACCES);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GEM_OPEN, &gem_open), EACCES);
	EXPECT_ERROR(call(fd, DRM_IOCTL_WAIT_VBLANK, &vblank), EACCES);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_MAGIC, &auth), EACCES);
	EXPECT_ERROR(call(fd, DRM_IOCTL_AUTH_MAGIC, &auth), EACCES);
	EXPECT_ERROR(set_master(fd), EACCES);
	EXPECT_ERROR(drop_master(fd), EACCES);
	EXPECT_ERROR(gem_close(fd, 0), EINVAL);
}

TEST(flink_needs_authentication)
{
	int master = open_master();

	need_dumb(master);
	IN_CHILD({
		struct drm_gem_flink flink = { 0 };
		struct dumb dumb;
		int fd;

		if (is_root())
			become_nobody();
		fd = open(card_path(), O_RDWR);
		if (fd < 0 && errno == EACCES)
			skip("the node is not for everybody");
		dumb_create(fd, 16, 16, 32, &dumb);
		flink.handle = dumb.handle;
		EXPECT_ERROR(call(fd, DRM_IOCTL_GEM_FLINK, &flink), EACCES);
		EXPECT_OK(auth_magic(master, get_magic(fd)));
		EXPECT_OK(call(fd, DRM_IOCTL_GEM_FLINK, &flink));
	});
}

TEST(root_only_ioctls_are_eacces_for_others)
{
	int fd = open_master();

	if (is_root())
		become_nobody();
	EXPECT_ERROR(call(fd, DRM_IOCTL_SET_UNIQUE, &(struct drm_unique){ 0 }), EACCES);
}
