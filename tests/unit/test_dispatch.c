/* SPDX-License-Identifier: MIT */
/*
 * Dispatch: the order of the checks, nested arrays, and calls that wait.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/soft/soft.h"
#include "fdcount.h"
#include "uapi/call.h"

#define CARD 7
#define RENDER 135

static struct hf_system *sys;
static struct hf_device *dev;
static unsigned int open_before;
static struct hf_file *files[4];
static int clients[4];

/* A process without rights (there is none of that number), of the group that
 * may open the primary node. */
static struct hf_cred nobody = { .pid = 0, .uid = 65534 };

static struct hf_file *open_file(unsigned int i, unsigned int minor)
{
	files[i] = hf_file_open(sys, minor, &nobody, &clients[i]);
	assert_non_null(files[i]);
	return files[i];
}

static void close_file(unsigned int i)
{
	close(clients[i]);
	hf_file_close(files[i]);
	files[i] = NULL;
}

/* File 0 is master, file 1 is not, file 2 is a render node's. */
static int setup(void **state)
{
	static const struct hf_kms_output output = {
		.width = 320, .height = 240, .hz = 1000,
	};

	(void)state;
	open_before = count_fds();
	nobody.gid = getegid();
	sys = hf_system_create(&(struct hf_memory_options){ 0 });
	assert_non_null(sys);
	dev = hf_device_create(sys, &hf_soft_driver,
			       &(struct hf_device_options){
				       .primary = CARD,
				       .render = RENDER,
				       .iommu = true,
				       .coherent = true,
				       .outputs = &output,
				       .noutputs = 1,
			       });
	assert_non_null(dev);
	open_file(0, CARD);
	open_file(1, CARD);
	open_file(2, RENDER);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		if (files[i])
			close_file(i);
	assert_int_equal(dev->gem.count, 0);
	hf_device_destroy(dev);
	hf_system_destroy(sys);
	assert_int_equal(count_fds(), open_before);
	return 0;
}

static void begin(struct hf_call *call, unsigned int file, uint32_t cmd,
		  void *arg)
{
	memset(call, 0, sizeof(*call));
	call->sys = sys;
	call->dev = dev;
	call->file = files[file];
	call->cred = files[file]->cred;
	call->cmd = cmd;
	call->arg = arg;
	wl_list_init(&call->file_link);
}

/* A call with no nested arrays. */
static int run(unsigned int file, uint32_t cmd, void *arg)
{
	struct hf_call call;
	int ret;

	begin(&call, file, cmd, arg);
	ret = hf_call_dispatch(&call);
	hf_call_release(&call);
	return ret;
}

/* -- rights ---------------------------------------------------------------- */

static void unknown_numbers_are_einval_whoever_asks(void **state)
{
	uint64_t arg[8] = { 0 };

	(void)state;
	for (unsigned int file = 0; file < 3; file++)
		for (unsigned int nr = 0; nr < 256; nr++)
			if (!hf_ioctl_descs[nr].cmd)
				assert_int_equal(run(file,
						     _IOWR('d', nr, uint64_t),
						     arg),
						 -EINVAL);
}

static void only_the_number_selects_the_ioctl(void **state)
{
	struct drm_get_cap cap = { .capability = DRM_CAP_DUMB_BUFFER };

	(void)state;
	assert_int_equal(run(0, _IO('d', _IOC_NR(DRM_IOCTL_GET_CAP)), &cap), 0);
	assert_int_equal(cap.value, 1);
}

/* Of ioctls on other descriptors the whole request counts. */
static void each_request_on_a_descriptor_has_one_row(void **state)
{
	(void)state;
	for (int i = 0; i < HF_FD_IOCTL_ROWS; i++) {
		const struct hf_ioctl_desc *desc = &hf_fd_ioctl_descs[i];
		uint32_t size = _IOC_SIZE(desc->cmd);

		assert_int_equal(hf_fd_ioctl_row(desc->cmd), i);
		assert_int_equal(hf_fd_ioctl_row(desc->cmd + (1 << _IOC_SIZESHIFT)),
				 -1);
		assert_int_equal(hf_fd_ioctl_row(desc->cmd ^ IOC_INOUT), -1);
		assert_non_null(desc->name);
		assert_int_equal(desc->rights, 0);
		assert_true(desc->fd_out <= size - 3);
		for (int a = 0; a < HF_WIRE_ARRAYS; a++)
			assert_true(desc->arrays[a].ptr_off <= size - 8);
	}
}

/* Whatever the descriptor is: there is an answer, and nothing stays. */
static void every_row_takes_any_descriptor(void **state)
{
	static const int numbers[] = { 0, -1 };

	(void)state;
	for (int i = 0; i < HF_FD_IOCTL_ROWS; i++)
		for (size_t j = 0; j < sizeof(numbers) / sizeof(*numbers); j++) {
			uint64_t arg[64] = { 0 };
			struct hf_call call;
			int ret;

			begin(&call, 0, hf_fd_ioctl_descs[i].cmd, arg);
			call.dev = NULL;
			call.file = NULL;
			call.sys = sys;
			call.fds_in[0] = numbers[j];
			call.nfds_in = 1;
			ret = hf_call_dispatch_fd(&call);
			assert_true(ret == -ENOTTY || ret == -EINVAL);
			hf_call_release(&call);
		}
}

static uint32_t first_with(uint32_t with, uint32_t without)
{
	for (unsigned int nr = 0; nr < 256; nr++)
		if (hf_ioctl_descs[nr].cmd &&
		    (hf_ioctl_descs[nr].rights & with) == with &&
		    !(hf_ioctl_descs[nr].rights & without))
			return hf_ioctl_descs[nr].cmd;
	fail();
	return 0;
}

/* Every row: whether the file may, before any handler looks at anything. */
static void every_row_asks_for_its_rights(void **state)
{
	(void)state;
	for (unsigned int nr = 0; nr < 256; nr++) {
		const struct hf_ioctl_desc *desc = &hf_ioctl_descs[nr];
		uint64_t arg[64] = { 0 };

		if (!desc->cmd)
			continue;
		if (desc->rights & HF_ROOT_ONLY)
			for (int file = 0; file < 3; file++)
				assert_int_equal(run(file, desc->cmd, arg),
						 -EACCES);
		if (desc->rights & (HF_AUTH | HF_MASTER))
			assert_int_equal(run(1, desc->cmd, arg), -EACCES);
		if (!(desc->rights & HF_RENDER_ALLOW))
			assert_int_equal(run(2, desc->cmd, arg), -EACCES);
	}
}

static void a_magic_authenticates_another_file_once(void **state)
{
	uint32_t cmd = first_with(HF_AUTH, HF_MASTER | HF_ROOT_ONLY);
	struct drm_auth auth = { 0 };
	uint64_t arg[64] = { 0 };

	(void)state;
	assert_int_equal(run(1, cmd, arg), -EACCES);
	assert_int_equal(run(1, DRM_IOCTL_GET_MAGIC, &auth), 0);
	assert_int_not_equal(auth.magic, 0);
	assert_int_equal(run(1, DRM_IOCTL_AUTH_MAGIC, &auth), -EACCES);
	assert_int_equal(run(0, DRM_IOCTL_AUTH_MAGIC, &auth), 0);
	assert_int_not_equal(run(1, cmd, arg), -EACCES);
	assert_int_equal(run(0, DRM_IOCTL_AUTH_MAGIC, &auth), -EINVAL);
}

static void a_magic_dies_with_its_file(void **state)
{
	struct drm_auth auth = { 0 };

	(void)state;
	assert_int_equal(run(1, DRM_IOCTL_GET_MAGIC, &auth), 0);
	close_file(1);
	assert_int_equal(run(0, DRM_IOCTL_AUTH_MAGIC, &auth), -EINVAL);
}

/* A file that becomes master leaves the master that it had a magic with. */
static void a_new_masters_magic_is_none_of_the_old_ones(void **state)
{
	struct drm_auth old = { 0 }, new = { 0 };

	(void)state;
	assert_int_equal(run(1, DRM_IOCTL_GET_MAGIC, &old), 0);
	assert_int_equal(run(0, DRM_IOCTL_DROP_MASTER, NULL), 0);
	assert_int_equal(hf_file_new_master(files[1]), 0);
	/* One that comes later shares the new master, and its magics. */
	open_file(3, CARD);
	assert_int_equal(run(3, DRM_IOCTL_GET_MAGIC, &new), 0);
	close_file(1);
	assert_int_equal(run(0, DRM_IOCTL_SET_MASTER, NULL), 0);
	assert_int_equal(run(0, DRM_IOCTL_AUTH_MAGIC, &old), -EINVAL);
}

static void there_is_one_master_at_a_time(void **state)
{
	(void)state;
	assert_true(hf_file_is_current_master(files[0]));
	assert_false(hf_file_is_current_master(files[1]));
	assert_int_equal(run(1, DRM_IOCTL_SET_MASTER, NULL), -EACCES);
	assert_int_equal(run(1, DRM_IOCTL_DROP_MASTER, NULL), -EACCES);
	assert_int_equal(run(0, DRM_IOCTL_DROP_MASTER, NULL), 0);
	assert_false(hf_file_is_current_master(files[0]));
	assert_int_equal(run(0, DRM_IOCTL_DROP_MASTER, NULL), -EINVAL);
	/* Who was master, and is the same process, may again. */
	open_file(3, CARD);
	assert_true(hf_file_is_current_master(files[3]));
	assert_int_equal(run(0, DRM_IOCTL_SET_MASTER, NULL), -EBUSY);
	close_file(3);
	assert_int_equal(run(0, DRM_IOCTL_SET_MASTER, NULL), 0);
	assert_int_equal(run(0, DRM_IOCTL_SET_MASTER, NULL), 0);
}

static void a_node_that_is_not_there_is_enxio(void **state)
{
	int fd;

	(void)state;
	assert_null(hf_file_open(sys, CARD + 1, &nobody, &fd));
	assert_int_equal(errno, ENXIO);
}

static void a_node_opens_to_whom_its_mode_allows(void **state)
{
	const struct hf_cred stranger = { .pid = 0, .uid = 65533, .gid = 65533 };
	struct hf_file *file;
	int fd;

	(void)state;
	if (geteuid() == stranger.uid || getegid() == stranger.gid)
		skip();
	assert_null(hf_file_open(sys, CARD, &stranger, &fd));
	assert_int_equal(errno, EACCES);
	file = hf_file_open(sys, RENDER, &stranger, &fd);
	assert_non_null(file);
	close(fd);
	hf_file_close(file);
}

/* -- nested arrays --------------------------------------------------------- */

/* A call of an ioctl with one array in ("in") or out, in a payload. */
struct arrays {
	struct hf_call call;
	uint64_t payload[64];
};

static void begin_arrays(struct arrays *a, uint32_t cmd, uint32_t len)
{
	static uint64_t arg[64];

	begin(&a->call, 0, cmd, arg);
	a->call.desc = &hf_ioctl_descs[_IOC_NR(cmd)];
	a->call.payload = (uint8_t *)a->payload;
	a->call.payload_size = sizeof(a->payload);
	a->call.arrays[0].off = 8;
	a->call.arrays[0].len = len;
	for (size_t i = 0; i < 64; i++)
		a->payload[i] = i;
}

/* The kernel's drm_file_update_pid(). */
static void a_file_belongs_to_who_used_it_last(void **state)
{
	struct drm_version version = { 0 };
	struct hf_call call;

	(void)state;
	for (unsigned int file = 0; file < 3; file++) {
		begin(&call, file, DRM_IOCTL_VERSION, &version);
		call.cred.pid = 4711;
		assert_int_equal(hf_call_dispatch(&call), 0);
		hf_call_release(&call);
	}
	/* Who has been master stays: only they may be it again. */
	assert_int_equal(files[0]->cred.pid, nobody.pid);
	assert_int_equal(files[1]->cred.pid, 4711);
	assert_int_equal(files[1]->gem.pid, 4711);
	assert_int_equal(files[2]->cred.pid, 4711);
}

static void an_array_is_copied_once_and_keeps_its_values(void **state)
{
	struct arrays a;
	const uint32_t *first, *second;

	(void)state;
	begin_arrays(&a, DRM_IOCTL_MODE_SETCRTC, 64);
	assert_int_equal(hf_call_copy_in(&a.call, 0, 4, (const void **)&first),
			 0);
	assert_int_equal(first[0], 1);
	assert_int_equal(first[2], 2);
	/* The client writes to it behind our back. */
	memset(a.payload, 0xff, sizeof(a.payload));
	assert_int_equal(hf_call_copy_in(&a.call, 0, 16,
					 (const void **)&second),
			 0);
	assert_ptr_equal(second, first);
	assert_int_equal(second[14], 8);
	hf_call_release(&a.call);
	assert_null(a.call.copies[0]);
}

static void an_array_that_is_too_short_is_efault(void **state)
{
	const void *data = &data;
	struct arrays a;

	(void)state;
	begin_arrays(&a, DRM_IOCTL_MODE_SETCRTC, 64);
	assert_int_equal(hf_call_copy_in(&a.call, 0, 17, &data), -EFAULT);
	assert_null(data);
	assert_int_equal(hf_call_copy_in(&a.call, 0, 16, &data), 0);
	assert_non_null(data);
	hf_call_release(&a.call);
}

static void no_elements_are_no_fault(void **state)
{
	const void *data = &data;
	struct arrays a;

	(void)state;
	begin_arrays(&a, DRM_IOCTL_MODE_SETCRTC, 0);
	a.call.arrays[0].flags = HF_ARRAY_FAULT | HF_ARRAY_TOO_BIG;
	assert_int_equal(hf_call_copy_in(&a.call, 0, 0, &data), 0);
	assert_null(data);
	hf_call_release(&a.call);
}

static void an_array_that_could_not_be_read_is_efault(void **state)
{
	const void *data;
	struct arrays a;

	(void)state;
	begin_arrays(&a, DRM_IOCTL_MODE_SETCRTC, 64);
	a.call.arrays[0].flags = HF_ARRAY_FAULT;
	assert_int_equal(hf_call_copy_in(&a.call, 0, 1, &data), -EFAULT);
	/* That comes before its size. */
	a.call.arrays[0].flags |= HF_ARRAY_TOO_BIG;
	assert_int_equal(hf_call_copy_in(&a.call, 0, SIZE_MAX, &data),
			 -EFAULT);
	hf_call_release(&a.call);
}

static void an_array_that_is_too_big_is_enomem(void **state)
{
	const void *data;
	struct arrays a;

	(void)state;
	begin_arrays(&a, DRM_IOCTL_MODE_SETCRTC, 64);
	assert_int_equal(hf_call_copy_in(&a.call, 0, SIZE_MAX / 2, &data),
			 -ENOMEM);
	a.call.arrays[0].flags = HF_ARRAY_TOO_BIG;
	assert_int_equal(hf_call_copy_in(&a.call, 0, 1, &data), -ENOMEM);
	hf_call_release(&a.call);
}

static void what_goes_out_is_counted(void **state)
{
	const uint32_t ids[] = { 10, 11, 12 };
	struct arrays a;

	(void)state;
	begin_arrays(&a, DRM_IOCTL_MODE_GETRESOURCES, 16);
	assert_int_equal(hf_call_copy_out(&a.call, 0, ids, 0, 2), 0);
	assert_int_equal(a.call.arrays[0].used, 8);
	assert_int_equal(hf_call_copy_out(&a.call, 0, ids, 2, 2), 0);
	assert_int_equal(a.call.arrays[0].used, 16);
	assert_memory_equal(a.call.payload + 8, ids, 8);
	assert_memory_equal(a.call.payload + 16, ids, 8);
	hf_call_release(&a.call);
}

static void what_does_not_fit_is_efault_and_not_written(void **state)
{
	const uint32_t ids[5] = { 99, 99, 99, 99, 99 };
	struct arrays a;

	(void)state;
	begin_arrays(&a, DRM_IOCTL_MODE_GETRESOURCES, 16);
	assert_int_equal(hf_call_copy_out(&a.call, 0, ids, 0, 5), -EFAULT);
	assert_int_equal(hf_call_copy_out(&a.call, 0, ids, 4, 1), -EFAULT);
	assert_int_equal(a.call.arrays[0].used, 0);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(a.payload[i], i);
	hf_call_release(&a.call);
}

/* -- descriptors ----------------------------------------------------------- */

static void descriptors_that_go_out_have_their_flag(void **state)
{
	uint32_t arg[16] = { 0 };
	struct hf_call call;

	(void)state;
	begin(&call, 0, DRM_IOCTL_PRIME_HANDLE_TO_FD, arg);
	assert_int_equal(hf_call_add_fd(&call, dup(0), true), 0);
	assert_int_equal(hf_call_add_fd(&call, dup(0), false), 0);
	assert_int_equal(hf_call_add_fd(&call, dup(0), true), 0);
	assert_int_equal(call.cloexec, 5);
	assert_int_equal(call.nfds_out, 3);
	hf_call_release(&call);
}

static void too_many_descriptors_are_emfile_and_closed(void **state)
{
	uint32_t arg[16] = { 0 };
	unsigned int before = count_fds();
	struct hf_call call;

	(void)state;
	begin(&call, 0, DRM_IOCTL_PRIME_HANDLE_TO_FD, arg);
	for (int i = 0; i < HF_WIRE_FDS_MAX; i++)
		assert_int_equal(hf_call_add_fd(&call, dup(0), true), 0);
	assert_int_equal(hf_call_add_fd(&call, dup(0), true), -EMFILE);
	assert_int_equal(count_fds(), before + HF_WIRE_FDS_MAX);
	hf_call_release(&call);
	assert_int_equal(count_fds(), before);
}

/* -- calls that wait ------------------------------------------------------- */

struct parked {
	struct hf_call call;
	union drm_wait_vblank vblank;
	unsigned int done;
	int ret;
};

static void parked_done(struct hf_call *call, int ret)
{
	struct parked *parked = wl_container_of(call, parked, call);

	parked->done++;
	parked->ret = ret;
}

/* Wait for a vblank that does not come while the test runs. */
static void park(struct parked *parked, unsigned int file)
{
	memset(parked, 0, sizeof(*parked));
	parked->vblank.request.type = _DRM_VBLANK_RELATIVE;
	parked->vblank.request.sequence = 1000000;
	begin(&parked->call, file, DRM_IOCTL_WAIT_VBLANK, &parked->vblank);
	parked->call.done = parked_done;
	if (!dev->kms.crtcs[0]->vblank.on)
		hf_vblank_on(dev->kms.crtcs[0],
			     &dev->kms.connectors[0]->modes[0]);
	assert_int_equal(hf_call_dispatch(&parked->call), HF_CALL_PARKED);
	assert_int_equal(parked->done, 0);
	assert_int_equal(wl_list_length(&files[file]->calls), 1);
}

static void a_signal_ends_a_wait_with_eintr(void **state)
{
	struct parked parked;

	(void)state;
	park(&parked, 0);
	assert_true(hf_call_interrupt(&parked.call));
	assert_int_equal(parked.done, 1);
	assert_int_equal(parked.ret, -EINTR);
	assert_true(wl_list_empty(&files[0]->calls));
	assert_false(hf_call_interrupt(&parked.call));
	hf_vblank_off(dev->kms.crtcs[0]);
	assert_int_equal(parked.done, 1);
}

static void the_end_of_a_wait_answers_it(void **state)
{
	struct parked parked;

	(void)state;
	park(&parked, 0);
	hf_vblank_off(dev->kms.crtcs[0]);
	assert_int_equal(parked.done, 1);
	assert_int_equal(parked.ret, 0);
	assert_int_equal(parked.vblank.reply.sequence,
			 hf_vblank_count(dev->kms.crtcs[0], NULL));
}

static void an_abandoned_call_is_never_answered(void **state)
{
	struct parked parked;

	(void)state;
	park(&parked, 0);
	hf_call_abandon(&parked.call);
	hf_call_abandon(&parked.call);
	hf_vblank_off(dev->kms.crtcs[0]);
	assert_int_equal(parked.done, 0);
}

static void closing_the_file_ends_a_wait_with_enodev(void **state)
{
	struct parked parked;

	(void)state;
	park(&parked, 1);
	close_file(1);
	assert_int_equal(parked.done, 1);
	assert_int_equal(parked.ret, -ENODEV);
	hf_vblank_off(dev->kms.crtcs[0]);
	assert_int_equal(parked.done, 1);
}

/* Two blocking mode settings in a row: the second one does wait, twice. */
static void a_commit_waits_for_the_one_before_it(void **state)
{
	struct {
		struct hf_call call;
		struct drm_mode_crtc set;
		uint32_t connector[2];
		int done, ret;
	} calls[2];
	struct hf_crtc *crtc = dev->kms.crtcs[0];
	struct drm_mode_create_dumb dumb = { .width = 320, .height = 240,
					     .bpp = 32 };
	struct drm_mode_fb_cmd fb = { .width = 320, .height = 240, .bpp = 32,
				      .depth = 24 };

	(void)state;
	assert_int_equal(run(0, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
	fb.handle = dumb.handle;
	fb.pitch = dumb.pitch;
	assert_int_equal(run(0, DRM_IOCTL_MODE_ADDFB, &fb), 0);
	memset(calls, 0, sizeof(calls));
	for (int i = 0; i < 2; i++) {
		struct drm_mode_crtc *set = &calls[i].set;

		set->crtc_id = crtc->base.id;
		set->fb_id = fb.fb_id;
		set->mode_valid = 1;
		set->mode = dev->kms.connectors[0]->modes[0];
		set->count_connectors = 1;
		calls[i].connector[0] = dev->kms.connectors[0]->base.id;
		begin(&calls[i].call, 0, DRM_IOCTL_MODE_SETCRTC, set);
		calls[i].call.payload = (uint8_t *)calls[i].connector;
		calls[i].call.payload_size = 8;
		calls[i].call.arrays[0].len = 4;
		calls[i].call.done = NULL;
		assert_int_equal(hf_call_dispatch(&calls[i].call),
				 HF_CALL_PARKED);
	}
	/* The first is in and stays; the second has not begun. */
	assert_false(hf_call_interrupt(&calls[0].call));
	assert_true(calls[1].call.interruptible);
	hf_call_abandon(&calls[0].call);
	hf_call_abandon(&calls[1].call);
	assert_true(wl_list_empty(&files[0]->calls));
	for (int i = 0; i < 2; i++)
		hf_call_release(&calls[i].call);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unknown_numbers_are_einval_whoever_asks),
		TEST(only_the_number_selects_the_ioctl),
		TEST(each_request_on_a_descriptor_has_one_row),
		TEST(every_row_takes_any_descriptor),
		TEST(every_row_asks_for_its_rights),
		TEST(a_magic_authenticates_another_file_once),
		TEST(a_magic_dies_with_its_file),
		TEST(a_new_masters_magic_is_none_of_the_old_ones),
		TEST(there_is_one_master_at_a_time),
		TEST(a_node_that_is_not_there_is_enxio),
		TEST(a_node_opens_to_whom_its_mode_allows),
		TEST(a_file_belongs_to_who_used_it_last),
		TEST(an_array_is_copied_once_and_keeps_its_values),
		TEST(an_array_that_is_too_short_is_efault),
		TEST(no_elements_are_no_fault),
		TEST(an_array_that_could_not_be_read_is_efault),
		TEST(an_array_that_is_too_big_is_enomem),
		TEST(what_goes_out_is_counted),
		TEST(what_does_not_fit_is_efault_and_not_written),
		TEST(descriptors_that_go_out_have_their_flag),
		TEST(too_many_descriptors_are_emfile_and_closed),
		TEST(a_signal_ends_a_wait_with_eintr),
		TEST(the_end_of_a_wait_answers_it),
		TEST(an_abandoned_call_is_never_answered),
		TEST(closing_the_file_ends_a_wait_with_enodev),
		TEST(a_commit_waits_for_the_one_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
