/* SPDX-License-Identifier: MIT */
/*
 * Leases: the set of objects, the tree of masters, who is told when one ends.
 * What the ioctls say is in tests/uapi/lease.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/soft/soft.h"
#include "fdcount.h"
#include "uapi/call.h"

#define CARD 7

static struct hf_system *sys;
static struct hf_device *dev;
static struct hf_file *owner;
static int owner_fd;
static unsigned int open_before, uevents;

static void count_uevent(struct hf_kms_device *kms, const char *what,
			 const struct hf_connector *connector,
			 const struct hf_property *prop)
{
	assert_ptr_equal(kms, &dev->kms);
	assert_string_equal(what, "LEASE=1");
	assert_null(connector);
	assert_null(prop);
	uevents++;
}

static int setup(void **state)
{
	static const struct hf_kms_output outputs[2] = {
		{ .width = 320, .height = 240, .hz = 1000 },
		{ .width = 320, .height = 240, .hz = 1000 },
	};
	struct hf_cred cred = { .pid = getpid(), .uid = geteuid(),
				.gid = getegid() };

	(void)state;
	open_before = count_fds();
	sys = hf_system_create(&(struct hf_memory_options){ 0 });
	assert_non_null(sys);
	dev = hf_device_create(sys, &hf_soft_driver,
			       &(struct hf_device_options){
				       .primary = CARD,
				       .render = -1,
				       .iommu = true,
				       .coherent = true,
				       .outputs = outputs,
				       .noutputs = 2,
			       });
	assert_non_null(dev);
	uevents = 0;
	dev->kms.uevent = count_uevent;
	owner = hf_file_open(sys, CARD, &cred, &owner_fd);
	assert_non_null(owner);
	return 0;
}

static void close_owner(void)
{
	close(owner_fd);
	hf_file_close(owner);
	owner = NULL;
}

static int teardown(void **state)
{
	(void)state;
	if (owner)
		close_owner();
	assert_null(dev->master);
	assert_true(wl_list_empty(&dev->files));
	hf_device_destroy(dev);
	hf_system_destroy(sys);
	assert_int_equal(count_fds(), open_before);
	return 0;
}

/* A file that has CRTC and connector @i. */
static struct hf_file *lend(unsigned int i, int *client)
{
	struct hf_lease lease = { 0 };
	struct hf_master *lessee;
	struct hf_file *file;

	assert_int_equal(hf_lease_add(&lease, dev->kms.crtcs[i]->base.id), 0);
	assert_int_equal(hf_lease_add(&lease, dev->kms.connectors[i]->base.id),
			 0);
	assert_int_equal(hf_master_lend(owner->master, &lease, &lessee), 0);
	assert_int_equal(lease.count, 0);
	file = hf_file_open_lease(lessee, &owner->cred, client);
	assert_non_null(file);
	return file;
}

static void close_lessee(struct hf_file *file, int client)
{
	close(client);
	hf_file_close(file);
}

/* -- the set --------------------------------------------------------------- */

static void a_set_is_sorted_and_has_each_id_once(void **state)
{
	static const uint32_t ids[] = { 7, 1, UINT32_MAX, 3, 0, 9 };
	struct hf_lease lease = { 0 };

	(void)state;
	assert_false(hf_lease_has(&lease, 0));
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(hf_lease_add(&lease, ids[i]), 0);
	for (unsigned int i = 0; i < 6; i++) {
		assert_true(hf_lease_has(&lease, ids[i]));
		assert_int_equal(hf_lease_add(&lease, ids[i]), -ENOSPC);
	}
	assert_int_equal(lease.count, 6);
	for (unsigned int i = 1; i < 6; i++)
		assert_true(lease.ids[i - 1] < lease.ids[i]);
	assert_false(hf_lease_has(&lease, 2));
	assert_false(hf_lease_has(&lease, 8));
	hf_lease_clear(&lease);
	assert_false(hf_lease_has(&lease, 7));
	assert_int_equal(hf_lease_add(&lease, 7), 0);
	hf_lease_clear(&lease);
}

/* -- who sees what --------------------------------------------------------- */

static void a_file_sees_what_its_lease_has(void **state)
{
	struct hf_kms_device *kms = &dev->kms;
	struct hf_file *file;
	int client;

	(void)state;
	file = lend(1, &client);
	assert_null(hf_crtc_find(&file->kms, kms->crtcs[0]->base.id));
	assert_ptr_equal(hf_crtc_find(&file->kms, kms->crtcs[1]->base.id),
			 kms->crtcs[1]);
	assert_null(hf_connector_find(&file->kms,
				      kms->connectors[0]->base.id));
	assert_null(hf_plane_find(&file->kms,
				  kms->crtcs[1]->primary->base.id));
	assert_ptr_equal(hf_crtc_find(&owner->kms, kms->crtcs[0]->base.id),
			 kms->crtcs[0]);
	/* Encoders are not lent. */
	assert_non_null(hf_mode_object_seen(&file->kms,
					    kms->encoders[0]->base.id,
					    DRM_MODE_OBJECT_ANY));
	close_lessee(file, client);
}

static void crtcs_are_counted_as_a_file_sees_them(void **state)
{
	struct hf_file *file;
	int client;

	(void)state;
	assert_int_equal(hf_kms_file_crtcs(&owner->kms, 3), 3);
	assert_ptr_equal(hf_kms_file_crtc(&owner->kms, 1), dev->kms.crtcs[1]);
	assert_null(hf_kms_file_crtc(&owner->kms, dev->kms.num_crtcs));
	file = lend(1, &client);
	assert_int_equal(hf_kms_file_crtcs(&file->kms, 3), 1);
	assert_int_equal(hf_kms_file_crtcs(&file->kms, 2), 1);
	assert_int_equal(hf_kms_file_crtcs(&file->kms, 1), 0);
	assert_ptr_equal(hf_kms_file_crtc(&file->kms, 0), dev->kms.crtcs[1]);
	assert_null(hf_kms_file_crtc(&file->kms, 1));
	assert_null(hf_kms_file_crtc(&file->kms, UINT32_MAX));
	close_lessee(file, client);
}

/* -- the tree -------------------------------------------------------------- */

static void what_is_lent_is_lent_once_and_stays_the_callers_then(void **state)
{
	struct hf_lease lease = { 0 };
	struct hf_master *lessee = NULL;
	struct hf_file *file;
	int client;

	(void)state;
	file = lend(0, &client);
	assert_int_equal(hf_lease_add(&lease, dev->kms.crtcs[1]->base.id), 0);
	assert_int_equal(hf_lease_add(&lease,
				      dev->kms.connectors[0]->base.id), 0);
	assert_int_equal(hf_master_lend(owner->master, &lease, &lessee),
			 -EBUSY);
	assert_null(lessee);
	assert_int_equal(lease.count, 2);
	hf_master_revoke(file->master);
	assert_int_equal(hf_master_lend(owner->master, &lease, &lessee), 0);
	assert_int_equal(lessee->lessee_id, 2);
	hf_master_put(lessee);
	close_lessee(file, client);
}

static void the_end_of_a_lessee_is_told_once(void **state)
{
	struct hf_file *file;
	int client;

	(void)state;
	file = lend(0, &client);
	assert_int_equal(uevents, 0);
	hf_master_revoke(file->master);
	assert_int_equal(uevents, 0);
	assert_null(hf_crtc_find(&file->kms, dev->kms.crtcs[0]->base.id));
	close_lessee(file, client);
	assert_int_equal(uevents, 1);
	assert_true(wl_list_empty(&owner->master->lessees));
	assert_int_equal(owner->master->lessee_ids.count, 0);
}

static void an_owners_end_revokes_all_and_is_outlived(void **state)
{
	struct hf_file *files[2];
	int clients[2];

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		files[i] = lend(i, &clients[i]);
	assert_true(hf_file_is_current_master(files[0]));
	close_owner();
	for (unsigned int i = 0; i < 2; i++) {
		assert_false(hf_file_is_current_master(files[i]));
		assert_int_equal(files[i]->master->lease.count, 0);
		assert_non_null(files[i]->master->lessor);
	}
	assert_int_equal(uevents, 0);
	for (unsigned int i = 0; i < 2; i++)
		close_lessee(files[i], clients[i]);
	assert_int_equal(uevents, 2);
}

static void a_lessee_follows_its_lessors_rights(void **state)
{
	struct hf_file *file;
	int client;

	(void)state;
	file = lend(0, &client);
	hf_master_put(dev->master);
	dev->master = NULL;
	assert_false(hf_file_is_current_master(file));
	dev->master = owner->master;
	owner->master->refcount++;
	assert_true(hf_file_is_current_master(file));
	close_lessee(file, client);
	assert_true(hf_file_is_current_master(owner));
}

/* A vblank is waited for on the CRTC that it was when the wait began. */
static void a_wait_outlives_the_lease(void **state)
{
	union drm_wait_vblank wait = {
		.request.type = _DRM_VBLANK_RELATIVE,
		.request.sequence = 1000000,
	};
	struct hf_call call = {
		.sys = sys, .dev = dev, .cmd = DRM_IOCTL_WAIT_VBLANK,
		.arg = (uint8_t *)&wait,
	};
	struct hf_file *file;
	int client;

	(void)state;
	file = lend(1, &client);
	call.file = file;
	wl_list_init(&call.file_link);
	hf_vblank_on(dev->kms.crtcs[1], &dev->kms.connectors[1]->modes[0]);
	assert_int_equal(hf_call_dispatch(&call), HF_CALL_PARKED);
	hf_master_revoke(file->master);
	assert_false(wl_list_empty(&dev->kms.crtcs[1]->vblank.waiters));
	hf_call_abandon(&call);
	assert_true(wl_list_empty(&dev->kms.crtcs[1]->vblank.waiters));
	assert_int_equal(hf_call_dispatch(&call), -EINVAL);
	hf_vblank_off(dev->kms.crtcs[1]);
	close_lessee(file, client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_sorted_and_has_each_id_once),
		TEST(a_file_sees_what_its_lease_has),
		TEST(crtcs_are_counted_as_a_file_sees_them),
		TEST(what_is_lent_is_lent_once_and_stays_the_callers_then),
		TEST(the_end_of_a_lessee_is_told_once),
		TEST(an_owners_end_revokes_all_and_is_outlived),
		TEST(a_lessee_follows_its_lessors_rights),
		TEST(a_wait_outlives_the_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
