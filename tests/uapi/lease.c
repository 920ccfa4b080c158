/* SPDX-License-Identifier: MIT */
/* Leases: lending a part of the display to another file. */
#include "uapi.h"

#define NO_SUCH_ID 0x00ffffffu

static int lease(int fd, const uint32_t *objects, uint32_t count, uint32_t flags, int *out,
		 uint32_t *id)
{
	struct drm_mode_create_lease create = {
		.object_ids = PTR(objects), .object_count = count, .flags = flags,
	};
	int error = call(fd, DRM_IOCTL_MODE_CREATE_LEASE, &create);

	if (error == EOPNOTSUPP)
		skip("the driver has no leases");
	*out = (int)create.fd;
	*id = create.lessee_id;
	return error;
}

static int revoke_lease(int fd, uint32_t id)
{
	struct drm_mode_revoke_lease revoke = { .lessee_id = id };
	int error = call(fd, DRM_IOCTL_MODE_REVOKE_LEASE, &revoke);

	if (error == EOPNOTSUPP)
		skip("the driver has no leases");
	return error;
}

static uint32_t count_lessees(int fd)
{
	struct drm_mode_list_lessees list = { 0 };

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_LIST_LESSEES, &list));
	return list.count_lessees;
}

/* Lend the CRTC and connector; without universal planes the planes come along. */
static void lend(struct kms *kms, struct kms *lessee, uint32_t *id)
{
	uint32_t fb;

	kms_open(kms);
	kms_show(kms, &fb);
	*lessee = *kms;
	EXPECT_OK(lease(kms->fd, (uint32_t[]){ kms->crtc, kms->connector }, 2, O_CLOEXEC,
			&lessee->fd, id));
	EXPECT(*id != 0);
}

TEST(a_lease_is_a_file_that_can_set_its_mode)
{
	struct kms kms, lessee;
	uint32_t id, fb;

	lend(&kms, &lessee, &id);
	EXPECT_EQ(fcntl(lessee.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	EXPECT(is_master(lessee.fd));
	EXPECT(is_master(kms.fd));
	kms_show(&lessee, &fb);
	EXPECT_EQ(crtc_fb(&kms), fb);
}

TEST(a_lessee_sees_only_what_was_lent)
{
	struct drm_mode_card_res whole = { 0 }, res = { 0 };
	struct kms kms, lessee;
	uint32_t id;

	lend(&kms, &lessee, &id);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETRESOURCES, &whole));
	EXPECT_OK(call(lessee.fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT_EQ(res.count_crtcs, 1);
	EXPECT_EQ(res.count_connectors, 1);
	EXPECT_EQ(res.count_encoders, whole.count_encoders);
}

TEST(get_lease_lists_the_objects)
{
	struct drm_mode_get_lease get = { 0 };
	struct kms kms, lessee;
	uint32_t id, objects[16] = { 0 };
	bool crtc = false, connector = false;

	lend(&kms, &lessee, &id);
	EXPECT_OK(call(lessee.fd, DRM_IOCTL_MODE_GET_LEASE, &get));
	EXPECT(get.count_objects >= 3 && get.count_objects <= 16);
	get.objects_ptr = PTR(objects);
	EXPECT_OK(call(lessee.fd, DRM_IOCTL_MODE_GET_LEASE, &get));
	for (uint32_t i = 0; i < get.count_objects; i++) {
		crtc = crtc || objects[i] == kms.crtc;
		connector = connector || objects[i] == kms.connector;
	}
	EXPECT(crtc && connector);
	get.pad = 1;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_GET_LEASE, &get), EINVAL);
}

TEST(list_lessees_counts_leases_until_they_end)
{
	struct drm_mode_list_lessees list = { 0 };
	struct kms kms, lessee;
	uint32_t id, ids[4] = { 0 };

	lend(&kms, &lessee, &id);
	list.lessees_ptr = PTR(ids);
	list.count_lessees = 4;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_LIST_LESSEES, &list));
	EXPECT_EQ(list.count_lessees, 1);
	EXPECT_EQ(ids[0], id);
	EXPECT_EQ(count_lessees(lessee.fd), 0);
	close(lessee.fd);
	EXPECT_EQ(count_lessees(kms.fd), 0);
	list.pad = 1;
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_MODE_LIST_LESSEES, &list), EINVAL);
}

TEST(a_revoked_lessee_has_no_objects)
{
	struct drm_mode_card_res res = { 0 };
	struct drm_mode_crtc crtc = { 0 };
	struct kms kms, lessee;
	uint32_t id;

	lend(&kms, &lessee, &id);
	EXPECT_OK(revoke_lease(kms.fd, id));
	EXPECT_EQ(count_lessees(kms.fd), 0);
	EXPECT_OK(call(lessee.fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT_EQ(res.count_crtcs, 0);
	EXPECT_EQ(res.count_connectors, 0);
	crtc.crtc_id = kms.crtc;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_GETCRTC, &crtc), ENOENT);
	EXPECT_ERROR(kms_off(&lessee), ENOENT);
	EXPECT_OK(kms_off(&kms));
}

TEST(revoke_of_an_unknown_lessee_is_enoent)
{
	struct kms kms;

	kms_open(&kms);
	EXPECT_ERROR(revoke_lease(kms.fd, 99), ENOENT);
}

TEST(a_lessee_cannot_lend_or_revoke)
{
	struct kms kms, lessee;
	uint32_t id, other_id;
	int other;

	lend(&kms, &lessee, &id);
	EXPECT_ERROR(lease(lessee.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &other,
			   &other_id), EINVAL);
	EXPECT_ERROR(revoke_lease(lessee.fd, id), EACCES);
}

TEST(a_lessee_cannot_drop_the_master_role)
{
	struct kms kms, lessee;
	uint32_t id;
	int error;

	lend(&kms, &lessee, &id);
	error = call(lessee.fd, DRM_IOCTL_DROP_MASTER, NULL);
	EXPECT(error == EINVAL || error == EACCES);
}

TEST(bad_leases_are_refused)
{
	struct kms kms;
	uint32_t id;
	int fd;

	kms_open(&kms);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, O_APPEND, &fd, &id),
		     EINVAL);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.crtc, NO_SUCH_ID }, 2, 0, &fd, &id), ENOENT);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.encoder }, 2, 0, &fd, &id), EINVAL);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.crtc }, 1, 0, &fd, &id), EINVAL);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.connector }, 1, 0, &fd, &id), EINVAL);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.crtc, kms.connector }, 3, 0, &fd,
			   &id), ENOSPC);
	EXPECT_ERROR(lease(kms.fd, (void *)8, 2, 0, &fd, &id), EFAULT);
	/* With universal planes one must be named too. */
	EXPECT_EQ(drmSetClientCap(kms.fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1), 0);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &fd, &id),
		     EINVAL);
}

TEST(an_object_can_be_lent_once)
{
	struct kms kms, lessee;
	uint32_t id, second;
	int fd;

	lend(&kms, &lessee, &id);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &fd, &second),
		     EBUSY);
	close(lessee.fd);
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &fd, &second));
}

TEST(the_lessors_close_ends_the_lease)
{
	struct drm_mode_crtc crtc = { 0 };
	struct kms kms, lessee;
	uint32_t id;

	lend(&kms, &lessee, &id);
	close(kms.fd);
	crtc.crtc_id = kms.crtc;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_GETCRTC, &crtc), ENOENT);
}
