/* SPDX-License-Identifier: MIT */
/* Leases: lending a part of the display to another file. */
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

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

/* -- what CREATE_LEASE takes and gives ------------------------------------------- */

static uint32_t count_leased(int fd)
{
	struct drm_mode_get_lease get = { 0 };

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GET_LEASE, &get));
	return get.count_objects;
}

/* A lease of nothing, where the driver's kernel makes one: it sees no object at all. */
static int lend_nothing(int fd)
{
	uint32_t id;
	int lessee;

	EXPECT_OK(lease(fd, NULL, 0, O_CLOEXEC, &lessee, &id));
	EXPECT(id != 0);
	return lessee;
}

TEST(a_lease_of_nothing_is_one_that_has_ended)
{
	struct drm_mode_card_res res = { 0 };
	struct kms kms;
	int lessee;

	kms_open(&kms);
	lessee = lend_nothing(kms.fd);
	EXPECT(is_master(lessee));
	EXPECT_EQ(count_lessees(kms.fd), 0);
	EXPECT_EQ(count_leased(lessee), 0);
	EXPECT_OK(call(lessee, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT_EQ(res.count_crtcs, 0);
	EXPECT_EQ(res.count_connectors, 0);
	EXPECT(res.count_encoders > 0);
}

TEST(a_lease_without_cloexec_is_inherited)
{
	struct kms kms;
	uint32_t id;
	int fd;

	kms_open(&kms);
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &fd, &id));
	EXPECT_EQ(fcntl(fd, F_GETFD), 0);
}

TEST(a_lease_is_as_blocking_as_the_file_of_its_lessor)
{
	uint32_t objects[2], id;
	struct kms kms;
	int fd;

	kms_open(&kms);
	objects[0] = kms.crtc;
	objects[1] = kms.connector;
	EXPECT_OK(lease(kms.fd, objects, 2, O_NONBLOCK, &fd, &id));
	EXPECT_EQ(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDWR);
	close(fd);
	EXPECT_OK(result(fcntl(kms.fd, F_SETFL, O_NONBLOCK)));
	EXPECT_OK(lease(kms.fd, objects, 2, 0, &fd, &id));
	EXPECT_EQ(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDWR | O_NONBLOCK);
	EXPECT_ERROR(result(read(fd, objects, sizeof(objects))), EAGAIN);
}

TEST(the_lowest_free_number_is_the_next_lessees)
{
	uint32_t ids[3];
	struct kms kms;
	int fds[3];

	kms_open(&kms);
	for (int i = 0; i < 3; i++)
		EXPECT_OK(lease(kms.fd, NULL, 0, 0, &fds[i], &ids[i]));
	EXPECT_EQ(ids[0], 1);
	EXPECT_EQ(ids[1], 2);
	EXPECT_EQ(ids[2], 3);
	close(fds[1]);
	EXPECT_OK(lease(kms.fd, NULL, 0, 0, &fds[1], &ids[1]));
	EXPECT_EQ(ids[1], 2);
}

TEST(objects_are_looked_up_before_the_lease_is_looked_at)
{
	struct kms kms;
	uint32_t id;
	int fd;

	kms_open(&kms);
	/* The first bad object decides, whatever comes after it. */
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.encoder, NO_SUCH_ID }, 2, 0, &fd, &id),
		     EINVAL);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ NO_SUCH_ID, kms.encoder }, 2, 0, &fd, &id),
		     ENOENT);
	/* Then what is missing, then what is there twice, then what is lent. */
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.crtc }, 2, 0, &fd, &id), EINVAL);
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &fd, &id));
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.connector, kms.crtc, kms.connector }, 3, 0,
			   &fd, &id), ENOSPC);
	/* And flags before all. */
	EXPECT_ERROR(lease(kms.fd, (void *)8, 2, O_RDWR, &fd, &id), EINVAL);
	EXPECT_ERROR(lease(kms.fd, (void *)8, UINT32_MAX, 0, &fd, &id), ENOMEM);
}

TEST(a_plane_that_comes_along_must_not_be_named)
{
	uint32_t primary, id;
	struct kms kms;
	int fd;

	kms_open(&kms);
	EXPECT_OK(find_plane(kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms.pipe, &primary));
	EXPECT_EQ(drmSetClientCap(kms.fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 0), 0);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ kms.crtc, primary, kms.connector }, 3, 0, &fd,
			   &id), ENOSPC);
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ primary, kms.crtc, kms.connector }, 3, 0, &fd,
			   &id), ENOSPC);
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &fd, &id));
	EXPECT(count_leased(fd) >= 3);
}

TEST(a_lessor_that_knows_all_planes_lends_those_it_names)
{
	uint32_t objects[3], leased[4] = { 0 }, id;
	struct drm_mode_get_lease get = { .objects_ptr = PTR(leased), .count_objects = 4 };
	struct kms kms;
	int fd;

	kms_open_atomic(&kms);
	objects[0] = kms.primary;
	objects[1] = kms.connector;
	objects[2] = kms.crtc;
	EXPECT_OK(lease(kms.fd, objects, 3, 0, &fd, &id));
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GET_LEASE, &get));
	EXPECT_EQ(get.count_objects, 3);
	/* In the order of their numbers. */
	for (int i = 0; i < 3; i++)
		EXPECT(leased[i] == objects[0] || leased[i] == objects[1] ||
		       leased[i] == objects[2]);
	EXPECT(leased[0] < leased[1] && leased[1] < leased[2]);
	EXPECT_EQ(leased[3], 0);
	/* As many as there is room for, and how many there are. */
	memset(leased, 0, sizeof(leased));
	get.count_objects = 1;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GET_LEASE, &get));
	EXPECT_EQ(get.count_objects, 3);
	EXPECT(leased[0] && !leased[1]);
	get.objects_ptr = 8;
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GET_LEASE, &get), EFAULT);
}

TEST(an_owners_lease_is_everything)
{
	static uint32_t objects[4096];
	struct drm_mode_get_lease get = { .objects_ptr = PTR(objects), .count_objects = 4096 };
	bool crtc = false, connector = false, encoder = false, fb = false;
	uint32_t shown;
	struct kms kms;

	kms_open(&kms);
	kms_show(&kms, &shown);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GET_LEASE, &get));
	EXPECT(get.count_objects > 4 && get.count_objects < 4096);
	for (uint32_t i = 0; i < get.count_objects; i++) {
		crtc = crtc || objects[i] == kms.crtc;
		connector = connector || objects[i] == kms.connector;
		encoder = encoder || objects[i] == kms.encoder;
		fb = fb || objects[i] == shown;
	}
	EXPECT(crtc && connector && encoder && fb);
}

TEST(leases_are_for_the_master)
{
	struct drm_mode_revoke_lease revoke = { .lessee_id = 1 };
	struct drm_mode_list_lessees list = { 0 };
	struct drm_mode_get_lease get = { 0 };
	struct kms kms;
	uint32_t id;
	int other, fd;

	kms_open(&kms);
	other = open_second();
	EXPECT_ERROR(lease(other, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &fd, &id), EACCES);
	EXPECT_ERROR(call(other, DRM_IOCTL_MODE_LIST_LESSEES, &list), EACCES);
	EXPECT_ERROR(call(other, DRM_IOCTL_MODE_GET_LEASE, &get), EACCES);
	EXPECT_ERROR(call(other, DRM_IOCTL_MODE_REVOKE_LEASE, &revoke), EACCES);
}

TEST(a_lessee_starts_without_client_capabilities)
{
	struct request request = { 0 };
	uint32_t id, fb;
	struct kms kms;
	int fd;

	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector, kms.primary }, 3, 0, &fd,
			&id));
	request_name(&request, kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, "FB_ID", fb);
	EXPECT_ERROR(request_commit(fd, &request, 0, 0), EINVAL);
	EXPECT_EQ(drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1), 0);
	EXPECT_OK(request_commit(fd, &request, 0, 0));
}

TEST(a_lessee_is_authenticated_and_authenticates_nobody)
{
	struct drm_unique unique = { 0 };
	struct drm_client client = { 0 };
	struct drm_auth auth;
	struct kms kms, lessee;
	uint32_t id;
	int other;

	lend(&kms, &lessee, &id);
	EXPECT_OK(call(lessee.fd, DRM_IOCTL_GET_CLIENT, &client));
	EXPECT_EQ(client.auth, 1);
	/* Magics belong to a master, and this one's are its own. */
	other = open_second();
	EXPECT_OK(call(other, DRM_IOCTL_GET_MAGIC, &auth));
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_AUTH_MAGIC, &auth), EINVAL);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_AUTH_MAGIC, &auth));
	EXPECT_OK(call(lessee.fd, DRM_IOCTL_GET_UNIQUE, &unique));
	EXPECT_EQ(unique.unique_len, 0);
}

/* -- what a lessee sees ------------------------------------------------------------ */

TEST(what_was_not_lent_is_not_there)
{
	struct drm_mode_obj_get_properties properties = { 0 };
	struct drm_mode_connector_set_property set = { 0 };
	struct drm_mode_obj_set_property obj_set = { 0 };
	struct drm_crtc_queue_sequence queue = { 0 };
	struct drm_mode_get_connector connector = { 0 };
	struct drm_crtc_get_sequence sequence = { 0 };
	struct drm_mode_set_plane set_plane = { 0 };
	struct drm_mode_cursor cursor = { .flags = DRM_MODE_CURSOR_MOVE };
	struct drm_mode_get_plane plane = { 0 };
	struct drm_mode_crtc_lut lut = { 0 };
	struct drm_mode_crtc crtc = { 0 };
	struct request request = { 0 };
	struct kms kms, lessee;
	uint32_t fb;

	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	lessee = kms;
	lessee.fd = lend_nothing(kms.fd);
	EXPECT_EQ(drmSetClientCap(lessee.fd, DRM_CLIENT_CAP_ATOMIC, 1), 0);

	crtc.crtc_id = lut.crtc_id = cursor.crtc_id = kms.crtc;
	sequence.crtc_id = queue.crtc_id = properties.obj_id = kms.crtc;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_GETCRTC, &crtc), ENOENT);
	EXPECT_ERROR(kms_set(&lessee, fb), ENOENT);
	EXPECT_ERROR(kms_off(&lessee), ENOENT);
	EXPECT_ERROR(kms_flip(&lessee, fb, 0, 0), ENOENT);
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_GETGAMMA, &lut), ENOENT);
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_SETGAMMA, &lut), ENOENT);
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_CURSOR, &cursor), ENOENT);
	if (has_vblank(&kms)) {
		EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &sequence), ENOENT);
		EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue), ENOENT);
	}
	properties.obj_type = DRM_MODE_OBJECT_CRTC;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &properties), ENOENT);
	properties.obj_type = DRM_MODE_OBJECT_ANY;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &properties), ENOENT);

	connector.connector_id = set.connector_id = obj_set.obj_id = kms.connector;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_GETCONNECTOR, &connector), ENOENT);
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_SETPROPERTY, &set), ENOENT);
	obj_set.obj_type = DRM_MODE_OBJECT_CONNECTOR;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_OBJ_SETPROPERTY, &obj_set), ENOENT);

	plane.plane_id = set_plane.plane_id = kms.primary;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_GETPLANE, &plane), ENOENT);
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_SETPLANE, &set_plane), ENOENT);

	request_name(&request, kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, "FB_ID", fb);
	EXPECT_ERROR(request_commit(lessee.fd, &request, DRM_MODE_ATOMIC_TEST_ONLY, 0), ENOENT);
	EXPECT_OK(request_commit(kms.fd, &request, DRM_MODE_ATOMIC_TEST_ONLY, 0));
}

TEST(what_cannot_be_lent_is_everybodys)
{
	struct drm_mode_get_encoder encoder = { 0 };
	struct drm_mode_get_property property = { 0 };
	struct drm_mode_fb_cmd get_fb = { 0 };
	struct drm_mode_get_blob blob = { 0 };
	struct kms kms;
	int lessee;

	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &get_fb.fb_id);
	lessee = lend_nothing(kms.fd);
	encoder.encoder_id = kms.encoder;
	EXPECT_OK(call(lessee, DRM_IOCTL_MODE_GETENCODER, &encoder));
	EXPECT(encoder.encoder_type != 0 || encoder.encoder_id == kms.encoder);
	/* But it drives nothing that the lessee knows of. */
	EXPECT_EQ(encoder.crtc_id, 0);
	EXPECT_EQ(encoder.possible_crtcs, 0);
	encoder.encoder_id = kms.encoder;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETENCODER, &encoder));
	EXPECT_EQ(encoder.crtc_id, kms.crtc);

	property.prop_id = find_property(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", NULL);
	EXPECT_OK(call(lessee, DRM_IOCTL_MODE_GETPROPERTY, &property));
	blob.blob_id = (uint32_t)property_value(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID");
	EXPECT_OK(call(lessee, DRM_IOCTL_MODE_GETPROPBLOB, &blob));
	EXPECT_EQ(blob.length, sizeof(kms.mode));
	EXPECT_OK(call(lessee, DRM_IOCTL_MODE_GETFB, &get_fb));
	/* A lessee is a master: it gets handles as well. */
	EXPECT(get_fb.handle != 0);
}

TEST(planes_are_listed_as_they_were_lent)
{
	drmModePlaneRes *planes;
	struct kms kms;
	uint32_t id;
	int fd;

	kms_open_atomic(&kms);
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector, kms.primary }, 3, 0, &fd,
			&id));
	planes = drmModeGetPlaneResources(fd);
	EXPECT(planes);
	EXPECT_EQ(planes->count_planes, 0);
	drmModeFreePlaneResources(planes);
	EXPECT_EQ(drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1), 0);
	planes = drmModeGetPlaneResources(fd);
	EXPECT_EQ(planes->count_planes, 1);
	EXPECT_EQ(planes->planes[0], kms.primary);
	drmModeFreePlaneResources(planes);
}

TEST(the_legacy_ioctls_need_the_planes_that_they_use)
{
	struct drm_mode_cursor cursor = { .flags = DRM_MODE_CURSOR_MOVE };
	uint32_t overlay, fb, id;
	struct kms kms, lessee;

	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	/* Any plane will do to make a lease. */
	if (find_plane(kms.fd, DRM_PLANE_TYPE_OVERLAY, 1u << kms.pipe, &overlay) &&
	    find_plane(kms.fd, DRM_PLANE_TYPE_CURSOR, 1u << kms.pipe, &overlay))
		skip("there is no other plane than the primary one");
	lessee = kms;
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector, overlay }, 3, 0, &lessee.fd,
			&id));
	EXPECT_ERROR(kms_set(&lessee, fb), EACCES);
	EXPECT_ERROR(kms_set(&lessee, NO_SUCH_ID), EACCES);
	EXPECT_ERROR(kms_flip(&lessee, fb, 0, 0), EACCES);
	EXPECT_ERROR(kms_flip(&lessee, NO_SUCH_ID, 0, 0), EACCES);
	cursor.crtc_id = kms.crtc;
	if (!find_plane(kms.fd, DRM_PLANE_TYPE_CURSOR, 1u << kms.pipe, &id) && id != overlay)
		EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_CURSOR, &cursor), EACCES);
	/* To switch off takes only the CRTC. */
	EXPECT_OK(kms_off(&lessee));
}

/* A second CRTC, of which a lessee may be left without. */
struct second {
	uint32_t crtc, pipe, connector, plane;
};

static void find_second(const struct kms *kms, struct second *second)
{
	drmModeRes *res = drmModeGetResources(kms->fd);

	EXPECT(res);
	if (res->count_crtcs < 2 || res->count_connectors < 2)
		skip("there is no second CRTC and connector");
	EXPECT_EQ(res->crtcs[0], kms->crtc);
	second->pipe = 1;
	second->crtc = res->crtcs[1];
	second->connector = res->connectors[res->connectors[0] == kms->connector];
	EXPECT_OK(find_plane(kms->fd, DRM_PLANE_TYPE_PRIMARY, 2, &second->plane));
	drmModeFreeResources(res);
}

TEST(a_lessee_counts_its_own_crtcs)
{
	struct drm_mode_get_encoder encoder = { 0 };
	struct drm_mode_get_plane plane = { 0 };
	union drm_wait_vblank wait = { 0 };
	struct second second;
	struct kms kms;
	uint32_t id, fb, mask;
	int fd;

	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	find_second(&kms, &second);
	encoder.encoder_id = kms.encoder;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETENCODER, &encoder));
	mask = encoder.possible_crtcs;
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ second.crtc, second.connector, second.plane }, 3, 0,
			&fd, &id));
	/* Its only CRTC is the first. */
	plane.plane_id = second.plane;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETPLANE, &plane));
	EXPECT_EQ(plane.possible_crtcs, 1);
	encoder.encoder_id = kms.encoder;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETENCODER, &encoder));
	EXPECT_EQ(encoder.possible_crtcs, mask >> 1 & 1);
	EXPECT_EQ(encoder.crtc_id, 0);
	if (!has_vblank(&kms))
		return;
	/* The first is dark, and there is no second. */
	wait.request.type = _DRM_VBLANK_RELATIVE;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_WAIT_VBLANK, &wait));
	memset(&wait, 0, sizeof(wait));
	EXPECT_ERROR(call(fd, DRM_IOCTL_WAIT_VBLANK, &wait), EINVAL);
	wait.request.type = _DRM_VBLANK_RELATIVE | 1 << _DRM_VBLANK_HIGH_CRTC_SHIFT;
	EXPECT_ERROR(call(fd, DRM_IOCTL_WAIT_VBLANK, &wait), EINVAL);
}

TEST(properties_refer_to_what_was_lent)
{
	struct request plane = { 0 }, connector = { 0 };
	struct second second;
	struct kms kms;
	uint32_t id, fb;
	int fd;

	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	find_second(&kms, &second);
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ second.crtc, second.connector, second.plane }, 3, 0,
			&fd, &id));
	EXPECT_EQ(drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1), 0);
	request_name(&plane, kms.fd, second.plane, DRM_MODE_OBJECT_PLANE, "CRTC_ID", kms.crtc);
	EXPECT_ERROR(request_commit(fd, &plane, DRM_MODE_ATOMIC_TEST_ONLY, 0), EACCES);
	request_name(&connector, kms.fd, second.connector, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID",
		     kms.crtc);
	EXPECT_ERROR(request_commit(fd, &connector, DRM_MODE_ATOMIC_TEST_ONLY |
				    DRM_MODE_ATOMIC_ALLOW_MODESET, 0), EACCES);
	connector.values[0] = NO_SUCH_ID;
	EXPECT_ERROR(request_commit(fd, &connector, DRM_MODE_ATOMIC_TEST_ONLY |
				    DRM_MODE_ATOMIC_ALLOW_MODESET, 0), EINVAL);
}

TEST(a_modeset_needs_a_connector_that_was_lent)
{
	struct second second;
	struct kms kms, lessee;
	uint32_t id, fb;

	kms_open_atomic(&kms);
	find_second(&kms, &second);
	lessee = kms;
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector, kms.primary }, 3, 0,
			&lessee.fd, &id));
	fb = fb_create(lessee.fd, kms.mode.hdisplay, kms.mode.vdisplay);
	lessee.connector = second.connector;
	EXPECT_ERROR(kms_set(&lessee, fb), ENOENT);
	lessee.connector = kms.connector;
	EXPECT_OK(kms_set(&lessee, fb));
}

TEST(two_lessees_have_half_each)
{
	struct drm_mode_list_lessees list = { 0 };
	uint32_t ids[2], listed[2] = { 0 }, none, fb;
	struct second second;
	struct kms kms, lessee;
	int other, fd;

	kms_open_atomic(&kms);
	find_second(&kms, &second);
	lessee = kms;
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector, kms.primary }, 3, 0,
			&lessee.fd, &ids[0]));
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ second.crtc, second.connector, second.plane }, 3, 0,
			&other, &ids[1]));
	list.lessees_ptr = PTR(listed);
	list.count_lessees = 1;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_LIST_LESSEES, &list));
	EXPECT_EQ(list.count_lessees, 2);
	EXPECT_EQ(listed[0], ids[0]);
	EXPECT_EQ(listed[1], 0);
	/* A mixture is taken, whoever asks. */
	EXPECT_ERROR(lease(kms.fd, (uint32_t[]){ second.crtc, kms.connector, second.plane }, 3, 0,
			   &fd, &none), EBUSY);
	/* They cannot end each other's. */
	EXPECT_ERROR(revoke_lease(other, ids[0]), EACCES);
	EXPECT_ERROR(revoke_lease(other, 99), ENOENT);
	EXPECT_OK(revoke_lease(kms.fd, ids[1]));
	EXPECT_EQ(count_leased(other), 0);
	kms_show(&lessee, &fb);
	/* The owner keeps what it lent. */
	EXPECT_EQ(crtc_fb(&kms), fb);
	EXPECT_OK(kms_off(&kms));
}

/* -- masters come and go ------------------------------------------------------------- */

TEST(a_lessee_may_set_modes_while_its_lessor_may)
{
	struct kms kms, lessee;
	uint32_t id, fb;
	int other;

	lend(&kms, &lessee, &id);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_DROP_MASTER, NULL));
	EXPECT(!is_master(lessee.fd));
	EXPECT_ERROR(kms_off(&lessee), EACCES);
	/* It has its lease, however. */
	other = open_card();
	EXPECT(is_master(other));
	EXPECT(!is_master(lessee.fd));
	EXPECT(crtc_fb(&lessee) != 0);
	EXPECT_OK(call(other, DRM_IOCTL_DROP_MASTER, NULL));
	EXPECT_OK(call(kms.fd, DRM_IOCTL_SET_MASTER, NULL));
	EXPECT(is_master(lessee.fd));
	EXPECT_EQ(count_lessees(kms.fd), 1);
	kms_show(&lessee, &fb);
}

TEST(another_masters_leases_are_its_own)
{
	struct kms kms, lessee, other;
	uint32_t id, second;

	lend(&kms, &lessee, &id);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_DROP_MASTER, NULL));
	other = kms;
	other.fd = open_card();
	EXPECT(is_master(other.fd));
	EXPECT_EQ(count_lessees(other.fd), 0);
	EXPECT_ERROR(revoke_lease(other.fd, id), ENOENT);
	/* It owns all, whatever somebody else has lent. */
	EXPECT_OK(lease(other.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &other.fd,
			&second));
	EXPECT_EQ(second, 1);
	EXPECT(is_master(other.fd));
	EXPECT(!is_master(lessee.fd));
}

TEST(a_lessee_never_becomes_the_devices_master)
{
	struct kms kms, lessee;
	uint32_t id;

	lend(&kms, &lessee, &id);
	/* Root may try: it is master already, as long as its lessor is. */
	EXPECT_EQ(call(lessee.fd, DRM_IOCTL_SET_MASTER, NULL), is_root() ? 0 : EACCES);
	EXPECT_EQ(call(lessee.fd, DRM_IOCTL_DROP_MASTER, NULL), is_root() ? EINVAL : EACCES);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_DROP_MASTER, NULL));
	EXPECT_EQ(call(lessee.fd, DRM_IOCTL_SET_MASTER, NULL), is_root() ? EINVAL : EACCES);
	EXPECT_EQ(call(lessee.fd, DRM_IOCTL_DROP_MASTER, NULL), is_root() ? EINVAL : EACCES);
	EXPECT(!is_master(lessee.fd));
}

TEST(a_lessee_without_a_lessor_is_nobody)
{
	struct drm_mode_get_lease get = { 0 };
	struct kms kms, lessee;
	uint32_t id, fb;
	int other;

	lend(&kms, &lessee, &id);
	close(kms.fd);
	EXPECT(!is_master(lessee.fd));
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_MODE_GET_LEASE, &get), EACCES);
	other = open_card();
	EXPECT(is_master(other));
	EXPECT(!is_master(lessee.fd));
	/* It still is a file of the device. */
	fb = fb_create(lessee.fd, 64, 64);
	EXPECT_OK(rmfb(lessee.fd, fb));
	close(lessee.fd);
	EXPECT(is_master(other));
}

TEST(a_lessees_close_takes_its_picture_off)
{
	struct kms kms, lessee;
	uint32_t id, fb;

	lend(&kms, &lessee, &id);
	kms_show(&lessee, &fb);
	EXPECT_EQ(crtc_fb(&kms), fb);
	close(lessee.fd);
	EXPECT_EQ(crtc_fb(&kms), 0);
	kms_show(&kms, &fb);
}

TEST(a_duplicate_of_a_lease_keeps_it)
{
	struct kms kms, lessee;
	uint32_t id, fb;
	int copy;

	lend(&kms, &lessee, &id);
	copy = dup(lessee.fd);
	EXPECT(copy >= 0);
	close(lessee.fd);
	EXPECT_EQ(count_lessees(kms.fd), 1);
	lessee.fd = copy;
	kms_show(&lessee, &fb);
	close(copy);
	EXPECT_EQ(count_lessees(kms.fd), 0);
}

/* -- what is under way when a lease ends ------------------------------------------------- */

TEST(revoking_leaves_the_picture_and_may_be_repeated)
{
	struct kms kms, lessee;
	uint32_t id, fb, again;
	int fd;

	lend(&kms, &lessee, &id);
	kms_show(&lessee, &fb);
	EXPECT_OK(revoke_lease(kms.fd, id));
	EXPECT_OK(revoke_lease(kms.fd, id));
	EXPECT_EQ(crtc_fb(&kms), fb);
	EXPECT_EQ(count_leased(lessee.fd), 0);
	EXPECT(is_master(lessee.fd));
	/* What was lent can be lent anew, and the number is not free yet. */
	EXPECT_OK(lease(kms.fd, (uint32_t[]){ kms.crtc, kms.connector }, 2, 0, &fd, &again));
	EXPECT(again != id);
	close(fd);
	/* The framebuffer was the lessee's, and goes with its file. */
	close(lessee.fd);
	EXPECT_EQ(crtc_fb(&kms), 0);
	EXPECT_ERROR(revoke_lease(kms.fd, id), ENOENT);
}

TEST(a_flip_under_way_is_shown_and_told)
{
	struct drm_event_vblank event;
	struct kms kms, lessee;
	uint32_t id, fbs[2];

	lend(&kms, &lessee, &id);
	kms_show(&lessee, &fbs[0]);
	fbs[1] = fb_create(lessee.fd, kms.mode.hdisplay, kms.mode.vdisplay);
	EXPECT_OK(kms_flip(&lessee, fbs[1], DRM_MODE_PAGE_FLIP_EVENT, 0x1ea5e));
	EXPECT_OK(revoke_lease(kms.fd, id));
	read_vblank_event(lessee.fd, &event);
	EXPECT_EQ(event.base.type, DRM_EVENT_FLIP_COMPLETE);
	EXPECT_EQ(event.user_data, 0x1ea5e);
	EXPECT_EQ(crtc_fb(&kms), fbs[1]);
	EXPECT_ERROR(kms_flip(&lessee, fbs[0], 0, 0), ENOENT);
}

TEST(a_vblank_that_was_asked_for_comes_after_the_end)
{
	struct drm_crtc_queue_sequence queue = { 0 };
	struct drm_event_crtc_sequence event;
	union drm_wait_vblank wait = { 0 };
	struct kms kms, lessee;
	uint32_t id, fb;

	lend(&kms, &lessee, &id);
	kms_show(&lessee, &fb);
	if (!has_vblank(&kms))
		skip("the driver has no vblanks");
	queue.crtc_id = kms.crtc;
	queue.flags = DRM_CRTC_SEQUENCE_RELATIVE;
	queue.sequence = 2;
	queue.user_data = 7;
	EXPECT_OK(call(lessee.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue));
	EXPECT_OK(revoke_lease(kms.fd, id));
	EXPECT_EQ(read_events(lessee.fd, &event, sizeof(event)), sizeof(event));
	EXPECT_EQ(event.user_data, 7);
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_CRTC_QUEUE_SEQUENCE, &queue), ENOENT);
	wait.request.type = _DRM_VBLANK_RELATIVE;
	EXPECT_ERROR(call(lessee.fd, DRM_IOCTL_WAIT_VBLANK, &wait), EINVAL);
}

TEST(who_waits_for_a_vblank_is_woken_after_the_end)
{
	union drm_wait_vblank wait = { 0 };
	struct kms kms, lessee;
	uint32_t id, fb;
	pid_t child;

	lend(&kms, &lessee, &id);
	kms_show(&lessee, &fb);
	if (!has_vblank(&kms))
		skip("the driver has no vblanks");
	child = fork_child();
	if (child == 0) {
		wait.request.type = _DRM_VBLANK_RELATIVE;
		wait.request.sequence = 10;
		EXPECT_OK(call(lessee.fd, DRM_IOCTL_WAIT_VBLANK, &wait));
		_exit(0);
	}
	/* It may not have begun: then it finds no CRTC, which is for it to see. */
	wait.request.type = _DRM_VBLANK_RELATIVE;
	wait.request.sequence = 3;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_WAIT_VBLANK, &wait));
	EXPECT_OK(revoke_lease(kms.fd, id));
	join_child(child);
}

/* -- what leases are for: another process ------------------------------------------------- */

TEST(a_lease_is_passed_to_another_process)
{
	struct kms kms, lessee;
	int sockets[2];
	uint32_t id, fb;
	char byte = 0;
	pid_t child;

	EXPECT_OK(result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)));
	child = fork_child();
	if (child == 0) {
		memset(&lessee, 0, sizeof(lessee));
		close(sockets[0]);
		lessee.fd = receive_fd(sockets[1]);
		/* All that it knows of the display is what it was lent. */
		kms_probe(lessee.fd, &lessee);
		EXPECT(is_master(lessee.fd));
		kms_show(&lessee, &fb);
		EXPECT_EQ(crtc_fb(&lessee), fb);
		EXPECT_EQ(send(sockets[1], &byte, 1, 0), 1);
		/* Until the lease is revoked. */
		EXPECT_EQ(recv(sockets[1], &byte, 1, 0), 1);
		EXPECT_ERROR(kms_off(&lessee), ENOENT);
		_exit(0);
	}
	close(sockets[1]);
	lend(&kms, &lessee, &id);
	send_fd(sockets[0], lessee.fd);
	close(lessee.fd);
	EXPECT_EQ(recv(sockets[0], &byte, 1, 0), 1);
	EXPECT_EQ(count_lessees(kms.fd), 1);
	EXPECT(crtc_fb(&kms) != 0);
	EXPECT_OK(revoke_lease(kms.fd, id));
	EXPECT_EQ(send(sockets[0], &byte, 1, 0), 1);
	join_child(child);
	/* Also when its file goes there is nothing to count. */
	EXPECT_EQ(count_lessees(kms.fd), 0);
	EXPECT_EQ(crtc_fb(&kms), 0);
}

TEST(a_process_that_dies_gives_back_what_it_was_lent)
{
	struct kms kms, lessee;
	int sockets[2];
	uint32_t id, fb;
	pid_t child;
	int status;

	EXPECT_OK(result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)));
	child = fork_child();
	if (child == 0) {
		memset(&lessee, 0, sizeof(lessee));
		lessee.fd = receive_fd(sockets[1]);
		kms_probe(lessee.fd, &lessee);
		kms_show(&lessee, &fb);
		raise(SIGKILL);
	}
	lend(&kms, &lessee, &id);
	send_fd(sockets[0], lessee.fd);
	close(lessee.fd);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT(WIFSIGNALED(status));
	EXPECT_EQ(count_lessees(kms.fd), 0);
	kms_show(&kms, &fb);
}

/* -- libdrm's own calls ------------------------------------------------------------------ */

TEST(libdrm_makes_lists_and_revokes_leases)
{
	drmModeLesseeListPtr lessees;
	drmModeObjectListPtr objects;
	uint32_t lent[2], id;
	drmModeRes *res;
	struct kms kms;
	int fd;

	kms_open(&kms);
	lent[0] = kms.crtc;
	lent[1] = kms.connector;
	fd = drmModeCreateLease(kms.fd, lent, 2, O_CLOEXEC, &id);
	if (fd == -EOPNOTSUPP)
		skip("the driver has no leases");
	EXPECT(fd >= 0);
	lessees = drmModeListLessees(kms.fd);
	EXPECT(lessees);
	EXPECT_EQ(lessees->count, 1);
	EXPECT_EQ(lessees->lessees[0], id);
	drmFree(lessees);
	objects = drmModeGetLease(fd);
	EXPECT(objects);
	EXPECT(objects->count >= 3);
	drmFree(objects);
	res = drmModeGetResources(fd);
	EXPECT(res && res->count_crtcs == 1 && res->crtcs[0] == kms.crtc);
	drmModeFreeResources(res);
	EXPECT_OK(result(drmModeRevokeLease(kms.fd, id)));
	EXPECT_ERROR(result(drmModeRevokeLease(kms.fd, 99)), ENOENT);
	lessees = drmModeListLessees(kms.fd);
	EXPECT(lessees && lessees->count == 0);
	drmFree(lessees);
}
